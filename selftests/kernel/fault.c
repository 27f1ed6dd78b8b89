// SPDX-License-Identifier: MIT
/*
 * Memory that is not there. What a task does at a hook and at the border is done
 * again and again: first the first allocation that the LSM makes for it, or has
 * others make, fails, then the second, and so on until there is none left to fail;
 * at last all of them together. A permissive policy stops nothing for that; under an
 * enforcing one nothing runs that must not, and what may run does so with the next
 * try.
 *
 * With the argument "unhelped" there is no helper, and another process sends what is
 * no message: a permissive policy stops nothing for that either, with and without
 * memory.
 */
#include <sys/mount.h>

#include "forge.h"

#define DEBUGFS		"/sys/kernel/debug"
#define NTH_MAX		200	/* no act has the LSM allocate so often */
#define REPEAT		2	/* not each time at the same places */
#define FAULTS_MIN	15	/* but more than that */
#define TIMES		1000000000

static struct key issuer, logs[2];
static struct message message;
static int border;

/*
 * Faults
 */

static const char *const injectors[] = { DEBUGFS "/failslab", DEBUGFS "/fail_page_alloc" };

static void set_injectors(const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(injectors); i++)
		write_text(in(injectors[i], name), value);
}

static unsigned long long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long value;

	if (!f || fscanf(f, "%llu", &value) != 1)
		broken("%s", path);
	fclose(f);
	return value;
}

/* Where the LSM's code is, the module's or what is built in; cold parts lie apart. */
static void find_code(char *start, char *end)
{
	bool module = lsm_is_module();
	unsigned long long at, first = UINT64_MAX, last = 0, etext = UINT64_MAX;
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], type, name[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %255s", &at, &type, name) != 3)
			continue;
		if (!strcmp(name, "_etext"))
			etext = at;
		if (strncmp(name, "receipt_", 8) || strchr(name, '.') || (type | 32) != 't' ||
		    (module ? !strstr(line, "[receipt]") : at > etext))
			continue;
		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	if (!f || !last)
		broken("/proc/kallsyms");
	fclose(f);
	sprintf(start, "0x%llx", first);
	sprintf(end, "0x%llx", last + 1024);
}

/* Allocations under the LSM's code, of all sorts, and in silence. */
static void setup_injectors(void)
{
	char start[32], end[32];

	if (access(injectors[0], F_OK) && mount("debug", DEBUGFS, "debugfs", 0, NULL))
		broken("debugfs");
	find_code(start, end);
	set_injectors("require-start", start);
	set_injectors("require-end", end);
	set_injectors("ignore-gfp-wait", "N");
	set_injectors("task-filter", "Y");
	set_injectors("verbose", "0");
	write_text(in(injectors[1], "ignore-gfp-highmem"), "N");
	write_text(in(injectors[1], "min-order"), "0");
}

/* The nth of the running task's from here fails. */
static int arm(unsigned int nth)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	char text[16];
	int len = sprintf(text, "%u", nth);

	if (fd < 0 || write(fd, text, len) != len)
		broken("fail-nth");
	return fd;
}

/* Whether it did; from here none fails. */
static bool disarm(int fd)
{
	char left[16] = "";

	if (pread(fd, left, sizeof(left) - 1, 0) <= 0 || pwrite(fd, "0", 1, 0) != 1)
		broken("fail-nth");
	close(fd);
	return !atoi(left);
}

/* From here on none succeeds in a task that has make-it-fail. */
static void starve_lsm(void)
{
	char times[32];

	sprintf(times, "%d", TIMES);
	set_injectors("times", times);
	set_injectors("probability", "100");
}

/* How many did not. */
static unsigned long long feed_lsm(void)
{
	unsigned long long fired = 0;

	set_injectors("probability", "0");
	for (size_t i = 0; i < ARRAY_SIZE(injectors); i++)
		fired += TIMES - read_number(in(injectors[i], "times"));
	return fired;
}

static void make_it_fail(const char *yes)
{
	write_text("/proc/thread-self/make-it-fail", yes);
}

/*
 * Acts: each with a new file, that nobody has asked about
 */

static int outcome_of_errno(int err)
{
	return err == EACCES || err == EPERM || err == ETXTBSY ? DENIED : DENIED_OTHERWISE;
}

static int run(void *path)
{
	execl(path, path, NULL);
	return outcome_of_errno(errno);
}

static int map(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		return outcome_of_errno(errno);
	return ALLOWED;
}

static const struct act {
	const char *name;
	bool sealed;
	const char *from;
	int (*fn)(void *path);
} acts[] = {
	{ "unsealed program", false, "/t/mark", run },
	{ "unsealed library", false, "/t/libmarker.so", map },
	{ "sealed program", true, "/t/mark", run },
	{ "sealed library", true, "/t/libmarker.so", map },
};

#define FILE_PATH "/mnt/fault"

static void prepare(const struct act *act)
{
	static unsigned int serial;
	char tail[32];

	snprintf(tail, sizeof(tail), "unsealed %u", serial++);
	copy(act->from, FILE_PATH, act->sealed ? "" : tail);
	if (flush(border))
		broken("flush");
}

/* Whoever got past the LSM may be killed, or exits as it will. */
static int outcome_of_act(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		broken("waitpid");
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? BROKEN : ALLOWED;
	status = WEXITSTATUS(status);
	return status == DENIED || status == DENIED_OTHERWISE || status == BROKEN ? status :
		ALLOWED;
}

static int end_act(pid_t pid, bool *fired)
{
	siginfo_t info;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
		broken("waitid");
	*fired = !read_number(path);
	return outcome_of_act(pid);
}

struct try {
	const struct act *act;
	unsigned int nth;	/* 0: all of the LSM's */
};

static int try_act(void *arg)
{
	struct try *t = arg;

	if (t->nth)
		arm(t->nth);
	else
		make_it_fail("1");
	return t->act->fn(FILE_PATH);
}

/*
 * What has come of them
 */

struct tally {
	unsigned int rounds;
	unsigned int faults;
	unsigned int by[BROKEN + 1];	/* outcomes */
	unsigned int retries;		/* outcomes that were as they should, the second time */
	unsigned int enforced;		/* records of a denial that was one */
};

/* Audit records since the last call; @tell: of what must not be denied. */
static unsigned int count_enforced(int wait_ms, bool tell)
{
	struct pollfd pfd = { .fd = kmsg, .events = POLLIN };
	unsigned int n = 0;
	char line[8192], *record;
	ssize_t len;

	while (poll(&pfd, 1, wait_ms) > 0) {
		len = read(kmsg, line, sizeof(line) - 1);
		if (len < 0)
			continue;
		line[len] = 0;
		record = strstr(line, "receipt: op=");
		if (!record || !strstr(record, " enforced=1 "))
			continue;
		n++;
		if (tell)
			note("%s", record);
	}
	return n;
}

/* One round; whether a fault was injected. */
static bool round_of(struct try *try, struct tally *t, int want_next)
{
	bool fired;

	prepare(try->act);
	t->by[end_act(start_probe(try_act, try), &fired)]++;
	t->retries += probe(try->act->fn, FILE_PATH) == want_next;
	t->enforced += count_enforced(0, try->act->sealed);
	t->faults += fired;
	t->rounds++;
	return fired;
}

static struct tally sweep(const struct act *act, const char *mode, int want_next)
{
	struct try try = { .act = act };
	struct tally t = {};
	bool fired = true;

	while (fired && try.nth++ < NTH_MAX) {
		fired = false;
		for (int i = 0; i < REPEAT; i++)
			fired |= round_of(&try, &t, want_next);
	}
	t.enforced += count_enforced(1000, act->sealed);
	ok(!fired && t.faults >= FAULTS_MIN && !t.by[BROKEN],
	   "%s: %s: one allocation after the other fails", act->name, mode);
	note("%u faults: %u passed, %u denied, %u had another error", t.faults, t.by[ALLOWED],
	     t.by[DENIED], t.by[DENIED_OTHERWISE]);
	return t;
}

static void sweep_permissive(const struct act *act)
{
	uint64_t denied = stat_value("denied");
	struct tally t = sweep(act, "permissive", ALLOWED);

	ok(t.by[ALLOWED] == t.rounds, "%s: permissive: always passes", act->name);
	ok(t.retries == t.rounds, "%s: permissive: and the next time", act->name);
	ok(stat_value("denied") == denied && !t.enforced, "%s: permissive: no denial on record",
	   act->name);
}

static void sweep_enforcing(const struct act *act)
{
	struct tally t = sweep(act, "enforcing", act->sealed ? ALLOWED : DENIED);

	if (act->sealed)
		ok(!t.by[DENIED] && t.by[ALLOWED], "%s: enforcing: never denied", act->name);
	else
		ok(!t.by[ALLOWED] && t.by[DENIED], "%s: enforcing: never passes", act->name);
	if (!ok(t.retries == t.rounds, "%s: enforcing: the next try is %s", act->name,
		act->sealed ? "allowed" : "denied"))
		note("%u times of %u", t.retries, t.rounds);
}

static void starve(const struct act *act, int want, int want_next, const char *mode)
{
	struct try all = { .act = act };
	unsigned long long fired;
	bool unused;
	int got;

	prepare(act);
	starve_lsm();
	got = end_act(start_probe(try_act, &all), &unused);
	fired = feed_lsm();
	expect(want, got, "%s: %s: no memory for the LSM", act->name, mode);
	ok(fired, "%s: %s: it had none", act->name, mode);
	note("%llu faults", fired);
	expect(want_next, probe(act->fn, FILE_PATH), "%s: %s: and then has again", act->name, mode);
}

/*
 * Messages
 */

/* The nth allocation of what the kernel does with a message fails; 0: all of the LSM's. */
static int request_faulty(struct message *m, unsigned int nth, bool *fired)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	static uint8_t buf[MESSAGE_MAX];
	int armed = -1, err;
	ssize_t len;

	memset(&answer, 0, offsetof(struct answer, reply));
	m->nlh.nlmsg_len = m->len;
	if (nth)
		armed = arm(nth);
	else
		make_it_fail("1");
	len = sendto(border, m->data, m->len, 0, (const void *)&kernel, sizeof(kernel));
	err = errno;
	if (nth)
		*fired = disarm(armed);
	else
		make_it_fail("0");
	if (len < 0)
		return -err;
	do {
		len = receive(border, buf);
		if (len < 0)
			return -errno;
	} while (!take(buf, len));
	return answer.error;
}

static int explain(const uint8_t *digest)
{
	static struct message m;

	start_request(&m, RECEIPT_CMD_EXPLAIN);
	put_u8(&m, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	put(&m, RECEIPT_A_DIGEST, digest, HASH);
	put_u8(&m, RECEIPT_A_OP, RECEIPT_OP_EXECUTE);
	if (request(border, &m))
		broken("EXPLAIN: %s", answer.text);
	return get_u8(&answer.reply, RECEIPT_A_VERDICT);
}

static void make_header(struct header *h, const struct key *k, int64_t label, int64_t value,
			const char *iss)
{
	memset(h, 0, sizeof(*h));
	head(h, MAP, 4);
	label_int(h, 1, k->alg);
	integer(h, 4);
	string(h, BYTES, k->kid, 2 * HASH);
	label_int(h, label, value);
	integer(h, 15);
	head(h, MAP, 1);
	label_text(h, 1, iss);
}

static void add_receipt(struct evidence *ev, const struct key *log, const char *iss)
{
	struct rcpt *r = &ev->receipts[ev->nreceipts++];
	uint8_t root[HASH];

	make_header(&r->hdr, log, 395, 1, iss);
	r->index = 1;
	r->size = 3;
	r->path_len = STEPS * HASH;
	rfc9162_root(&ev->stmt, r, HASH_ENTRY, root);
	r->sig_len = sign_header(log, &r->hdr, root, HASH, r->sig);
}

/* A hash envelope with receipts of both logs: all of it must be proven. */
static void make_evidence(const void *content, size_t len, uint8_t *digest)
{
	static struct evidence ev;

	memset(&ev, 0, sizeof(ev));
	SHA256(content, len, digest);
	ev.kind = RECEIPT_KIND_SHA256;
	ev.digest_len = ev.stmt.payload_len = HASH;
	memcpy(ev.digest, digest, HASH);
	memcpy(ev.stmt.payload, digest, HASH);
	make_header(&ev.stmt.hdr, &issuer, 258, -16, "issuer.fault");
	sign_statement(&issuer, &ev.stmt);
	add_receipt(&ev, &logs[0], "log.one");
	add_receipt(&ev, &logs[1], "log.two");
	evidence_message(&message, &ev);
}

static void new_evidence(uint8_t *digest)
{
	static unsigned int serial;
	char content[32];

	snprintf(content, sizeof(content), "artifact %u", serial++);
	make_evidence(content, strlen(content), digest);
}

/* Refused for want of memory, or accepted and then worth what it is worth. */
static void test_evidence(void)
{
	unsigned int faults = 0, refused = 0, wrong = 0, half = 0, again = 0, nth = 0;
	uint8_t digest[HASH];
	bool fired = true;
	int error;

	while (fired && nth++ < NTH_MAX) {
		new_evidence(digest);
		error = request_faulty(&message, nth, &fired);
		faults += fired;
		refused += error == -ENOMEM;
		wrong += error && error != -ENOMEM;
		half += !error && explain(digest) != 1;
		again += !request(border, &message) && explain(digest) == 1;
	}
	ok(!fired && faults >= FAULTS_MIN && refused, "evidence: one allocation after the other fails");
	note("%u faults, %u times refused", faults, refused);
	if (!ok(!wrong, "evidence: refused for no other reason"))
		note("%u times", wrong);
	if (!ok(!half, "evidence: what is accepted is proven"))
		note("%u times not", half);
	ok(again == nth, "evidence: accepted the next time");
}

static void test_evidence_starved(void)
{
	unsigned long long fired;
	uint8_t digest[HASH];
	int error;

	new_evidence(digest);
	starve_lsm();
	error = request_faulty(&message, 0, NULL);
	fired = feed_lsm();
	ok(error == -ENOMEM && fired && !explain(digest), "evidence: no memory for the LSM: ENOMEM");
	ok(!request(border, &message) && explain(digest) == 1, "evidence: and then has again");
}

/*
 * Policies: the sealed files of the run, and what the logs of this test record
 */

static char policy[RECEIPT_MAX_POLICY];
static unsigned int version;

/* The next version. */
static void make_policy(void)
{
	static char rest[RECEIPT_MAX_POLICY / 2];
	int fd = open("/t/policy-1.0.0", O_RDONLY | O_CLOEXEC);
	char *end_of_line;

	if (read(fd, rest, sizeof(rest) - 1) <= 0)
		broken("/t/policy-1.0.0");
	close(fd);
	end_of_line = strchr(rest, '\n');
	snprintf(policy, sizeof(policy),
		 "policy_name=test policy_version=1.1.%u mode=enforce\n"
		 "log name=one alg=ES384 key=%s issuer=\"log.one\" identity=verified\n"
		 "log name=two alg=ES256 key=%s issuer=\"log.two\" identity=verified\n"
		 "%sop=EXECUTE receipt=one receipt=two issuer_key=%s action=ALLOW\n"
		 "op=POLICY receipt=one receipt=two action=ALLOW\n",
		 ++version, logs[0].spki, logs[1].spki, end_of_line + 1, issuer.spki);
}

/* The message that loads the next version, with evidence for it or without. */
static void new_policy(bool sealed)
{
	uint8_t digest[HASH];

	make_policy();
	make_evidence(policy, strlen(policy), digest);
	if (sealed && request(border, &message))
		broken("evidence for a policy: %s", answer.text);
	start_request(&message, RECEIPT_CMD_POLICY_LOAD);
	put(&message, RECEIPT_A_POLICY, policy, strlen(policy));
}

static bool policy_is(unsigned int number)
{
	static struct message m;
	char text[16];

	snprintf(text, sizeof(text), "1.1.%u", number);
	start_request(&m, RECEIPT_CMD_STATUS);
	if (request(border, &m))
		broken("STATUS: %s", answer.text);
	return !strcmp(get(&answer.reply, RECEIPT_A_POLICY_VERSION, NULL), text);
}

/* The old one runs when a load has failed, and the same one loads then. */
static void test_policy(void)
{
	unsigned int faults = 0, failed = 0, wrong = 0, swapped = 0, again = 0, nth = 0;
	bool fired = true;
	int error;

	while (fired && nth++ < NTH_MAX) {
		new_policy(true);
		error = request_faulty(&message, nth, &fired);
		faults += fired;
		failed += error == -ENOMEM;
		wrong += error && error != -ENOMEM;
		swapped += !policy_is(error ? version - 1 : version);
		if (error)
			error = request(border, &message);
		again += !error && policy_is(version);
	}
	ok(!fired && faults >= FAULTS_MIN && failed, "policy: one allocation after the other fails");
	note("%u faults, %u times not loaded", faults, failed);
	if (!ok(!wrong, "policy: not loaded for no other reason"))
		note("%u times", wrong);
	ok(!swapped, "policy: the old one runs when the load has failed, else the new one");
	ok(again == nth, "policy: loaded the next time");
}

/* Without evidence it is never loaded, whatever fails. */
static void test_unsealed_policy(void)
{
	unsigned int faults = 0, denied = 0, wrong = 0, nth = 0;
	bool fired = true;
	int error;

	new_policy(false);
	while (fired && nth++ < NTH_MAX) {
		if (flush(border))
			broken("flush");
		error = request_faulty(&message, nth, &fired);
		faults += fired;
		denied += error == -EACCES;
		wrong += (error != -EACCES && error != -ENOMEM) || !policy_is(version - 1);
	}
	version--;
	ok(!fired && faults >= FAULTS_MIN && denied && !wrong,
	   "unsealed policy: one allocation after the other fails, never loaded");
	note("%u faults, %u times denied", faults, denied);
}

static void test_policy_starved(void)
{
	unsigned long long fired;
	int error;

	new_policy(true);
	starve_lsm();
	error = request_faulty(&message, 0, NULL);
	fired = feed_lsm();
	ok(error == -ENOMEM && fired && policy_is(version - 1),
	   "policy: no memory for the LSM: ENOMEM, the old one runs");
	ok(!request(border, &message) && policy_is(version), "policy: and then has again");
}

/* Questions change nothing: no memory, or the answer. */
static void test_questions(void)
{
	static const uint8_t commands[] = { RECEIPT_CMD_STATUS, RECEIPT_CMD_STATS,
					    RECEIPT_CMD_POLICY_GET, RECEIPT_CMD_FLUSH };
	unsigned int faults = 0, refused = 0, wrong = 0;
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		unsigned int nth = 0;
		bool fired = true;

		while (fired && nth++ < NTH_MAX) {
			start_request(&message, commands[i]);
			error = request_faulty(&message, nth, &fired);
			faults += fired;
			refused += error == -ENOMEM;
			wrong += error && error != -ENOMEM;
		}
		wrong += fired || error;
	}
	ok(faults >= FAULTS_MIN && refused && !wrong, "questions: answered, or no memory");
	note("%u faults, %u times refused, %u times wrong", faults, refused, wrong);
}

/*
 * No helper, and another process that sends what is no message
 */

#define UNHELPED	200	/* programs and libraries in a round */
#define NONSENSE_US	200	/* between two messages */
#define HELLO_EVERY	64	/* messages: a helper that goes at once */

static struct nonsense {
	unsigned int refused;
	unsigned int taken;
	unsigned int helpers;
} *nonsense;

/* The nth of what each command must refuse. */
static void nonsense_message(struct message *m, unsigned int n)
{
	static const uint8_t commands[] = { RECEIPT_CMD_EVIDENCE, RECEIPT_CMD_FLOOR,
					    RECEIPT_CMD_POLICY_LOAD, RECEIPT_CMD_HELLO,
					    RECEIPT_CMD_NO_EVIDENCE };
	static const uint8_t zeros[HASH];

	start_request(m, commands[n % ARRAY_SIZE(commands)]);
	switch (n / ARRAY_SIZE(commands) % 4) {
	case 1:
		put(m, RECEIPT_A_POLICY, "mode=enforce", 12);
		break;
	case 2:
		put_u8(m, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
		put(m, RECEIPT_A_DIGEST, zeros, HASH);
		end_nest(m, nest(m, RECEIPT_A_STATEMENT));
		break;
	case 3:
		put_u32(m, RECEIPT_A_ABI, RECEIPT_ABI_VERSION + 1);
		((struct nlattr *)(m->data + NLMSG_HDRLEN + GENL_HDRLEN))->nla_len = 400;
	}
}

static void send_nonsense(bool hellos)
{
	int fd = open_netlink(), helper;

	for (unsigned int n = 0;; n++) {
		nonsense_message(&message, n);
		if (request(fd, &message))
			nonsense->refused++;
		else
			nonsense->taken++;
		usleep(NONSENSE_US);
		if (!hellos || n % HELLO_EVERY)
			continue;
		helper = open_netlink();
		nonsense->helpers += !hello(helper);
		close(helper);
	}
}

static pid_t start_nonsense(bool hellos)
{
	pid_t pid = fork();

	if (pid < 0)
		broken("fork");
	if (!pid)
		send_nonsense(hellos);
	return pid;
}

static void end_nonsense(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int try_unhelped(void *act)
{
	return ((const struct act *)act)->fn(FILE_PATH);
}

static int try_starved(void *act)
{
	make_it_fail("1");
	return try_unhelped(act);
}

/* Unsealed ones in turn; how many had this outcome. */
static unsigned int run_unhelped(unsigned int n, int (*fn)(void *act), int outcome)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct act *act = &acts[i % 2];

		prepare(act);
		found += outcome_of_act(start_probe(fn, (void *)act)) == outcome;
	}
	return found;
}

static void expect_unhelped(const char *state, int (*fn)(void *act))
{
	uint64_t denied = stat_value("denied"), permitted = stat_value("permitted");
	struct nonsense before = *nonsense;
	unsigned int passed = run_unhelped(UNHELPED, fn, ALLOWED);

	if (!ok(passed == UNHELPED, "%s: unsealed programs and libraries always pass", state))
		note("%u of %u", passed, UNHELPED);
	ok(stat_value("permitted") >= permitted + UNHELPED, "%s: each counted as permitted", state);
	sleep(1);
	ok(stat_value("denied") == denied && !count_enforced(0, true), "%s: no denial on record",
	   state);
	ok(nonsense->refused > before.refused && nonsense->taken == before.taken,
	   "%s: all that is no message was refused meanwhile", state);
	note("%u messages, %u helpers that went at once", nonsense->refused - before.refused,
	     nonsense->helpers - before.helpers);
}

static void expect_helper(int state, const char *name)
{
	start_request(&message, RECEIPT_CMD_STATUS);
	ok(!request(border, &message) &&
	   get_u8(&answer.reply, RECEIPT_A_HELPER_STATE) == state, "the helper is %s", name);
}

static void unhelped_policy(const char *head)
{
	snprintf(policy, sizeof(policy), "policy_name=unhelped %s helper_timeout=1\n"
		 "DEFAULT action=DENY\nDEFAULT op=ANON_EXEC action=ALLOW\n"
		 "op=EXECUTE boot_verified=TRUE action=ALLOW\n", head);
	if (load_policy(border, policy, strlen(policy)))
		broken("policy: %s", answer.text);
}

static void unhelped_and_starved(void)
{
	unsigned long long fired;

	if (access("/proc/self/fail-nth", F_OK)) {
		ok(true, "lost, no memory # SKIP this kernel injects no faults");
		return;
	}
	setup_injectors();
	starve_lsm();
	expect_unhelped("lost, no memory", try_starved);
	fired = feed_lsm();
	ok(fired, "lost, no memory: there was none");
	note("%llu faults", fired);
}

/* What passed is denied when the policy enforces. */
static void unhelped_control(void)
{
	unsigned int stopped;
	uint64_t denied, permitted;

	unhelped_policy("policy_version=1.0.1 mode=enforce");
	denied = stat_value("denied");
	permitted = stat_value("permitted");
	stopped = run_unhelped(4, try_unhelped, DENIED);
	if (!ok(stopped == 4, "control: one that enforces denies them"))
		note("%u of 4", stopped);
	ok(stat_value("denied") >= denied + 4 && stat_value("permitted") == permitted,
	   "control: each counted as denied");
}

static void test_unhelped(void)
{
	pid_t sender;
	int helper;

	nonsense = mmap(NULL, sizeof(*nonsense), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (nonsense == MAP_FAILED)
		broken("mmap");
	border = open_border();
	unhelped_policy("policy_version=1.0.0 mode=permissive");
	expect_helper(RECEIPT_HELPER_ABSENT, "absent");
	sender = start_nonsense(false);
	expect_unhelped("absent", try_unhelped);
	expect_helper(RECEIPT_HELPER_ABSENT, "still absent");
	end_nonsense(sender);
	helper = open_netlink();
	if (hello(helper))
		broken("HELLO: %s", answer.text);
	close(helper);
	expect_helper(RECEIPT_HELPER_LOST, "lost");
	sender = start_nonsense(true);
	expect_unhelped("lost", try_unhelped);
	ok(nonsense->helpers, "lost: others were helpers for a moment");
	unhelped_and_starved();
	unhelped_control();
	end_nonsense(sender);
}

int main(int argc, char **argv)
{
	probe_init();
	if (argc > 1 && !strcmp(argv[1], "unhelped")) {
		test_unhelped();
		return 0;
	}
	if (access("/proc/self/fail-nth", F_OK)) {
		ok(true, "memory that is not there # SKIP this kernel injects no faults");
		return 0;
	}
	setup_injectors();
	border = open_border();
	make_key(&issuer, ES256);
	make_key(&logs[0], ES384);
	make_key(&logs[1], ES256);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		sweep_permissive(&acts[i]);
		starve(&acts[i], ALLOWED, ALLOWED, "permissive");
	}
	make_policy();
	if (load_policy(border, policy, strlen(policy)))
		broken("policy: %s", answer.text);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		sweep_enforcing(&acts[i]);
		starve(&acts[i], DENIED_OTHERWISE, acts[i].sealed ? ALLOWED : DENIED, "enforcing");
	}
	test_evidence();
	test_evidence_starved();
	test_policy();
	test_unsealed_policy();
	test_policy_starved();
	test_questions();
	return 0;
}
