// SPDX-License-Identifier: MIT
/*
 * Audit records of denials, policies and the helper are as the admin guide has
 * them: read by a strict reader of its tables, which takes no field that is not
 * there, none in another order and no value of another form.
 */
#include <ctype.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "audit.h"
#include "helper.h"

#define BACKLOG	4096

enum form { WORD, NUMBER, BIT, TEXT, DIGEST, VERSION };

struct field {
	const char *key;
	enum form form;
	bool optional;
};

#define ALL	{ "op", WORD }, { "hook", WORD }, { "verdict", WORD }
#define TASK	{ "pid", NUMBER }, { "uid", NUMBER }, { "comm", TEXT }

static const struct field denial[] = {
	ALL, { "enforced", BIT }, { "reason", WORD }, { "rule", NUMBER }, TASK,
	{ "path", TEXT, true }, { "dev", TEXT, true }, { "ino", NUMBER, true },
	{ "digest", DIGEST, true }, { "suppressed", NUMBER, true }, { NULL },
};

static const struct field policy[] = {
	ALL, TASK, { "mode", WORD }, { "version", VERSION }, { "svn", NUMBER },
	{ "generation", NUMBER }, { "name", TEXT }, { "digest", DIGEST }, { NULL },
};

static const struct field state[] = {
	ALL, TASK, { "helper_pid", NUMBER }, { NULL },
};

static int journal;
static char record[RECORD_MAX];		/* the last one that was found */

/*
 * The reader
 */

static size_t span(const char *p, const char *extra)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || (p[n] && strchr(extra, p[n])))
		n++;
	return n;
}

static size_t hex_digits(const char *p)
{
	return strspn(p, "0123456789abcdef");
}

/* Quoted without blanks, or an even number of digits. */
static size_t text_len(const char *p)
{
	size_t n;

	if (*p != '"') {
		n = strspn(p, "0123456789ABCDEFabcdef");
		return n % 2 ? 0 : n;
	}
	for (n = 1; p[n] != '"'; n++)
		if (p[n] < 0x21 || p[n] > 0x7e)
			return 0;
	return n + 1;
}

static size_t digest_len(const char *p)
{
	size_t n = span(p, "-");

	return n && p[n] == ':' && hex_digits(p + n + 1) >= 64 ? n + 1 + hex_digits(p + n + 1) : 0;
}

/* Bytes of a value; zero: it is not of the form. */
static size_t value_len(const char *p, enum form form)
{
	unsigned int a, b, c;
	int n = 0;

	switch (form) {
	case WORD:
		return span(p, "_-");
	case NUMBER:
		return strspn(p, "0123456789");
	case BIT:
		return *p == '0' || *p == '1';
	case TEXT:
		return text_len(p);
	case DIGEST:
		return digest_len(p);
	case VERSION:
		return sscanf(p, "%u.%u.%u%n", &a, &b, &c, &n) == 3 ? n : 0;
	}
	return 0;
}

/* Whether a record has these fields and nothing else. */
static bool is_as(const char *p, const struct field *fields)
{
	const char *begin = p, *at;
	size_t key, value;

	for (; fields->key; fields++) {
		at = p + (p > begin && *p == ' ');
		key = strlen(fields->key);
		if (strncmp(at, fields->key, key) || at[key] != '=') {
			if (fields->optional)
				continue;
			return false;
		}
		value = value_len(at + key + 1, fields->form);
		p = at + key + 1 + value;
		if (!value || (*p && *p != ' '))
			return false;
	}
	return !*p;
}

/* The next record that has all of the texts, in @record; every other is checked. */
static bool find(const char *a, const char *b)
{
	struct pollfd pfd = { .fd = journal, .events = POLLIN };
	int64_t end = now_ms() + RECORD_MS;
	static char buf[RECORD_MAX];
	const char *text;

	while (now_ms() < end) {
		text = next_record(journal, buf);
		if (!text) {
			poll(&pfd, 1, 50);
			continue;
		}
		if (strstr(text, a) && strstr(text, b)) {
			strcpy(record, text);
			return true;
		}
	}
	return false;
}

static void expect_record(const char *a, const char *b, const struct field *fields,
			  const char *what)
{
	bool found = find(a, b);

	if (!ok(found && is_as(record, fields), "%s: as documented", what))
		note("%s", found ? record : "no record");
}

static bool has(const char *text)
{
	return strstr(record, text);
}

/*
 * What is recorded
 */

/* The reader refuses what is not as documented. */
static void test_reader(void)
{
	static const char *const bad[] = {
		"", "op=HELPER", "op=HELPER hook=netlink verdict=lost",
		"op=HELPER hook=netlink verdict=lost pid=1 uid=0 comm=\"a b\" helper_pid=1",
		"op=HELPER hook=netlink verdict=lost pid=1 uid=0 comm=abc helper_pid=1",
		"op=HELPER hook=netlink verdict=lost pid=x uid=0 comm=\"a\" helper_pid=1",
		"op=HELPER hook=netlink verdict=lost uid=0 pid=1 comm=\"a\" helper_pid=1",
		"op=HELPER hook=netlink verdict=lost pid=1 uid=0 comm=\"a\" helper_pid=1 more=1",
		"op=HELPER hook=netlink verdict=lost pid=1 uid=0 comm=\"a\"  helper_pid=1",
		"op=HELPER hook=netlink verdict=lost pid=1 uid=0 comm=\"a\" helper_pid=1 ",
	};
	bool none = true;

	ok(is_as("op=HELPER hook=netlink verdict=lost pid=1 uid=0 comm=\"a\" helper_pid=1", state),
	   "the reader: control");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (is_as(bad[i], state)) {
			note("%s", bad[i]);
			none = false;
		}
	ok(none, "the reader takes nothing else");
}

static void test_policy(int border)
{
	if (load_policy_file(border, "/t/policy-1.0.0"))
		broken("policy: %s", answer.text);
	expect_record("op=POLICY ", " verdict=loaded ", policy, "a policy");
	ok(has(" mode=enforce version=1.0.0 svn=0 generation=1 name=\"test\" digest=sha256:"),
	   "a policy: which");
}

static int map_named(void *args)
{
	prctl(PR_SET_NAME, "a \"name\"");
	return try_map(args);
}

static void test_denial(const char *path, const char *want, const char *what)
{
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC,
				 .want_errno = EACCES };
	char pid[32];

	write_text(path, path);
	expect(DENIED, probe(map_named, &args), "%s", what);
	snprintf(pid, sizeof(pid), " pid=%d ", (int)probe_pid);
	expect_record("op=EXECUTE hook=mmap_file verdict=denied ", pid, denial, what);
	ok(has(" enforced=1 reason=no-helper rule=3 ") && has(" comm=6120226e616d6522 "),
	   "%s: why, and who", what);
	ok(has(want) && has(" digest=sha256:") && has(" ino="), "%s: which file", what);
}

static int load_kexec(void *unused)
{
	(void)unused;
	return outcome_of(!syscall(SYS_kexec_load, 0, 0, NULL, 0), EACCES);
}

static void test_without_file(void)
{
	expect(DENIED, probe(load_kexec, NULL), "no file");
	expect_record("op=KEXEC_IMAGE hook=kernel_load_data ", " reason=contents-not-available ",
		      denial, "no file");
	ok(!has(" path=") && !has(" dev=") && !has(" ino=") && !has(" suppressed="),
	   "no file: none is named");
}

static void test_helper(void)
{
	int helper = become_helper();
	char pid[32];

	snprintf(pid, sizeof(pid), " helper_pid=%d", getpid());
	expect_record("op=HELPER hook=netlink verdict=serving ", pid, state, "a helper serves");
	close(helper);
	expect_record("op=HELPER hook=netlink verdict=lost ", pid, state, "it is lost");
}

int main(void)
{
	int border;

	probe_init();
	border = open_border();
	journal = open_journal();
	set_audit(journal, AUDIT_STATUS_ENABLED | AUDIT_STATUS_BACKLOG_LIMIT, 0, BACKLOG);
	test_reader();
	test_policy(border);
	test_denial("/run/plain", " path=\"/run/plain\" dev=\"", "a file");
	test_denial("/run/a b", " path=2f72756e2f612062 dev=\"", "a name with a blank");
	test_denial("/run/a\nop=x", " path=2f72756e2f610a6f703d78 dev=\"",
		    "a name with a new line");
	test_without_file();
	test_helper();
	return 0;
}
