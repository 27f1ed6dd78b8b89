// SPDX-License-Identifier: MIT
/*
 * What the kernel counts is what happened: denials by reason, those that a
 * permissive policy let pass apart, how long was waited for the helper, which
 * the test plays, and what is held in memory.
 */
#include "helper.h"

#define WAITS	5
#define WAIT_US	40000	/* the helper thinks so long */
#define BUCKET	32768	/* a limit that is shorter */

static int border;

/* A file that nobody has seen; it is never closed to readers. */
static const char *new_file(void)
{
	static unsigned int serial;
	static char path[64];

	snprintf(path, sizeof(path), "/run/counted-%u", ++serial);
	write_text(path, path);
	return path;
}

/* The sum of the buckets up to a limit of microseconds. */
static uint64_t buckets(const char *name, uint64_t limit)
{
	FILE *f = fopen("/sys/kernel/security/receipt/stats", "re");
	char line[128], word[64], bound[32];
	unsigned long long value, at;
	uint64_t sum = 0;
	int n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^: ]:%31s %llu", word, bound, &value) != 3 ||
		    strcmp(word, name))
			continue;
		at = strcmp(bound, "longer") ? strtoull(bound, NULL, 10) : UINT64_MAX;
		sum += at <= limit ? value : 0;
		n++;
	}
	if (!f || !n)
		broken("buckets of %s", name);
	fclose(f);
	return sum;
}

struct counts {
	uint64_t denied, permitted, reason, passed, waits, evidence;
};

static struct counts count(const char *reason)
{
	char denied[64], permitted[64];

	snprintf(denied, sizeof(denied), "denied:%s", reason);
	snprintf(permitted, sizeof(permitted), "permitted:%s", reason);
	return (struct counts){
		.denied = stat_value("denied"), .permitted = stat_value("permitted"),
		.reason = stat_value(denied), .passed = stat_value(permitted),
		.waits = stat_value("lookup-waits"), .evidence = stat_value("evidence-checks"),
	};
}

/* So many more denials of a reason, and none of them elsewhere. */
static void expect_counted(const struct counts *before, const char *reason, uint64_t denied,
			   uint64_t permitted, uint64_t waits, const char *what)
{
	struct counts now = count(reason);

	ok(now.denied == before->denied + denied && now.reason == before->reason + denied,
	   "%s: %d denied, each under %s", what, (int)denied, reason);
	ok(now.permitted == before->permitted + permitted &&
	   now.passed == before->passed + permitted,
	   "%s: %d permitted, each under %s", what, (int)permitted, reason);
	if (!ok(now.waits == before->waits + waits, "%s: %d waited", what, (int)waits))
		note("%d waited", (int)(now.waits - before->waits));
}

static void load_permissive(void)
{
	static char text[RECEIPT_MAX_POLICY];
	int file = open("/t/policy-1.0.0", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(file, text, sizeof(text) - 8);
	char *mode = strstr(text, "mode=enforce\n");

	if (len <= 0 || !mode)
		broken("policy");
	close(file);
	mode += strlen("mode=");
	memmove(mode + strlen("permissive"), mode + strlen("enforce"),
		text + len - (mode + strlen("enforce")));
	memcpy(mode, "permissive", strlen("permissive"));
	if (load_policy(border, text, len + strlen("permissive") - strlen("enforce")))
		broken("policy: %s", answer.text);
}

static void test_permitted(void)
{
	struct counts before = count("no-helper");

	for (int i = 0; i < 3; i++)
		expect_permitted(probe_map(new_file(), EACCES), "mmap_file", "no-helper",
				 "permissive, no helper");
	expect_counted(&before, "no-helper", 0, 3, 0, "permissive, no helper");
	if (load_policy_file(border, "/t/policy-2.0.0"))
		broken("policy: %s", answer.text);
}

static void test_absent(void)
{
	struct counts before = count("no-helper");

	for (int i = 0; i < 3; i++)
		expect_denied(probe_map(new_file(), EACCES), "mmap_file", "no-helper", "no helper");
	expect_counted(&before, "no-helper", 3, 0, 0, "no helper");
}

static int test_waits(void)
{
	uint64_t registered = stat_value("helpers-registered"), us, shorter;
	int helper = become_helper();
	struct counts before = count("no-evidence");
	int64_t start = now_ms();

	ok(stat_value("helpers-registered") == registered + 1, "the helper is counted");
	us = stat_value("lookup-wait-us");
	shorter = buckets("lookup-wait", BUCKET);
	for (int i = 0; i < WAITS; i++) {
		pid_t pid = start_map(new_file(), EACCES);
		struct question q = receive_question(helper);

		usleep(WAIT_US);
		send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
		expect_denied(end_probe(pid), "mmap_file", "no-evidence", "the helper answers");
	}
	us = stat_value("lookup-wait-us") - us;
	expect_counted(&before, "no-evidence", WAITS, 0, WAITS, "the helper answers");
	ok(us >= WAITS * WAIT_US && us <= (uint64_t)(now_ms() - start + 1) * 1000,
	   "their waits add up to no less and no more than they took");
	ok(buckets("lookup-wait", BUCKET) == shorter, "none is in a bucket of less");
	ok(buckets("lookup-wait", UINT64_MAX) == stat_value("lookup-waits"),
	   "the buckets add up to their count");
	return helper;
}

/*
 * What is known of an inode and allowed is no miss. The helper is asked once whether the
 * program may have executable memory of no file, too.
 */
static void test_hits(int helper)
{
	struct exec_args args = { .path = "/k/target", .want_errno = EACCES };
	uint64_t hits, misses;
	struct question q;
	struct counts before;
	pid_t pid;

	pid = start_probe(try_exec, &args);
	q = receive_question(helper);
	send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
	expect_allowed(end_probe(pid), "a program of the initramfs");
	before = count("no-evidence");
	hits = stat_value("hits");
	misses = stat_value("misses");
	expect_allowed(probe_exec("/k/target", EACCES), "the same again");
	ok(stat_value("hits") > hits && stat_value("misses") == misses, "it is a hit");
	expect_counted(&before, "no-evidence", 0, 0, 0, "what is allowed");
}

static void test_evidence(void)
{
	static const struct receipt_token map = { .major = 5 };
	static struct message m;
	static const uint8_t bytes[64];
	struct counts before = count("no-evidence");
	uint64_t refused = stat_value("evidence-refused");
	size_t start;

	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_u8(&m, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	put(&m, RECEIPT_A_DIGEST, bytes, 32);
	start = nest(&m, RECEIPT_A_STATEMENT);
	put(&m, RECEIPT_STMT_TOKENS, &map, sizeof(map));
	put(&m, RECEIPT_STMT_PAYLOAD, bytes, 32);
	put(&m, RECEIPT_STMT_SIGNATURE, bytes, 64);
	end_nest(&m, start);
	ok(request(border, &m) == -EBADMSG, "evidence that proves nothing");
	ok(stat_value("evidence-refused") == refused + 1 &&
	   stat_value("evidence-checks") == before.evidence + 1 &&
	   buckets("evidence-check", UINT64_MAX) == before.evidence + 1,
	   "it is counted, and how long it took");
}

static void test_sizes(void)
{
	uint64_t states;
	const char *path = new_file();

	states = stat_value("inode-states");
	probe_map(path, EACCES);
	ok(stat_value("inode-states") == states + 1, "one more inode has a state");
	unlink(path);
	for (int i = 0; i < 100 && stat_value("inode-states") != states; i++)
		usleep(20000);
	ok(stat_value("inode-states") == states, "and it is gone with the inode");
}

/* Through netlink come the same numbers, and all in one answer. */
static void test_netlink(void)
{
	static struct message m;
	size_t len = 0;

	start_request(&m, RECEIPT_CMD_STATS);
	ok(!request(border, &m) && get(&answer.reply, RECEIPT_A_STATS, &len),
	   "STATS is answered");
	note("%zu bytes", len);
}

static void test_status(void)
{
	static struct message m;
	const struct message *status = &answer.reply;

	sleep(1);
	start_request(&m, RECEIPT_CMD_STATUS);
	request(border, &m);
	ok(get_u8(status, RECEIPT_A_HELPER_STATE) == RECEIPT_HELPER_SERVING &&
	   get_u64(status, RECEIPT_A_HELPER_SINCE) >= 1 &&
	   get_u64(status, RECEIPT_A_HELPER_SINCE) < (uint64_t)PROBE_SECONDS,
	   "STATUS: the helper, and since when");
	ok(get_u32(status, RECEIPT_A_HELPER_TIMEOUT) == 10 &&
	   get_u8(status, RECEIPT_A_NO_HELPER) == 0, "STATUS: what the policy says of it");
}

static void test_lost(int helper)
{
	uint64_t lost = stat_value("helpers-lost");

	close(helper);
	ok(stat_value("helpers-lost") == lost + 1, "a lost helper is counted");
}

int main(void)
{
	int helper;

	probe_init();
	border = open_border();
	load_permissive();
	test_permitted();
	test_absent();
	test_sizes();
	helper = test_waits();
	test_hits(helper);
	test_evidence();
	test_netlink();
	test_status();
	test_lost(helper);
	return 0;
}
