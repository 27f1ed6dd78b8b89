// SPDX-License-Identifier: MIT
/*
 * The helper's life: absent, slow, killed while requests wait, replaced. Here the
 * test itself plays the helper; receiptd comes in at the end. /t holds sealed files
 * and the policy. helper [REQUESTS]: so many at once (1000).
 */
#include <grp.h>
#include <sched.h>

#include "helper.h"

#define MAP_HOOK	"mmap_file"
#define DEADLINE_MS	10000
#define SOON_MS		(5000 * slowness())	/* at once */
#define PROGRAM		"/mnt/program"

static int border;		/* not the helper's */

/*
 * Files that nobody has seen, and children that ask about them
 */

static const char *new_file(void)
{
	static unsigned int serial;
	static char path[64], content[96];

	snprintf(path, sizeof(path), "/mnt/new-%u", ++serial);
	snprintf(content, sizeof(content), "content of %s", path);
	write_text(path, content);
	return path;
}

static void wait_pending(uint64_t n)
{
	int64_t end = now_ms() + SOON_MS;

	while (stat_value("lookups-pending") != n)
		if (now_ms() > end)
			broken("%llu lookups pending, not %llu",
			       (unsigned long long)stat_value("lookups-pending"),
			       (unsigned long long)n);
		else
			usleep(10000);
}

/*
 * Tests
 */

static void test_absent(void)
{
	int64_t start = now_ms();

	expect_denied(probe_map(new_file(), EACCES), MAP_HOOK, "no-helper", "absent");
	ok(now_ms() - start < SOON_MS, "absent: denied at once");
}

static void test_hello(int helper)
{
	int second = open_netlink();

	ok(hello(second) == -EBUSY, "a second HELLO: EBUSY");
	ok(!hello(helper), "HELLO again from the helper");
	close(second);
}

static void test_none(int helper)
{
	struct question q;
	pid_t pid = start_map(new_file(), EACCES);

	q = receive_question(helper);
	ok(!has_ended(pid), "a request waits");
	ok(!send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE), "NO_EVIDENCE");
	expect_denied(end_probe(pid), MAP_HOOK, "no-evidence", "NO_EVIDENCE");
	ok(send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE) == -ENOENT,
	   "NO_EVIDENCE once more: ENOENT");
}

static void test_reason(int helper)
{
	struct question q;
	pid_t pid = start_map(new_file(), EACCES);

	q = receive_question(helper);
	send_none(helper, &q, RECEIPT_REASON_CBOR);
	expect_denied(end_probe(pid), MAP_HOOK, "malformed-cbor",
		      "NO_EVIDENCE with a reason of user space");
	pid = start_map(new_file(), EACCES);
	q = receive_question(helper);
	send_none(helper, &q, RECEIPT_REASON_ALLOWED);
	expect_denied(end_probe(pid), MAP_HOOK, "no-evidence",
		      "NO_EVIDENCE with the reason \"allowed\"");
	pid = start_map(new_file(), EACCES);
	q = receive_question(helper);
	send_none(helper, &q, RECEIPT_REASON_OPEN_WRITER);
	expect_denied(end_probe(pid), MAP_HOOK, "no-evidence",
		      "NO_EVIDENCE with a reason of the kernel");
}

static void test_wrong_answers(int helper)
{
	struct question q, wrong;
	pid_t pid = start_map(new_file(), EACCES);

	q = wrong = receive_question(helper);
	wrong.id++;
	ok(send_none(helper, &wrong, RECEIPT_REASON_NO_EVIDENCE) == -ENOENT, "a wrong id: ENOENT");
	wrong = q;
	wrong.digest[0] ^= 1;
	ok(send_none(helper, &wrong, RECEIPT_REASON_NO_EVIDENCE) == -ENOENT,
	   "another digest: ENOENT");
	ok(send_none(border, &q, RECEIPT_REASON_NO_EVIDENCE) == -EPERM,
	   "another than the helper: EPERM");
	ok(!has_ended(pid), "the request still waits");
	send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
	expect_denied(end_probe(pid), MAP_HOOK, "no-evidence", "after the right answer");
}

/* Own events are decided at once: nobody could answer. */
static void test_itself(int helper)
{
	const char *path = new_file();
	int64_t start = now_ms();
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC,
				 .want_errno = EACCES };

	(void)helper;
	probe_pid = getpid();
	expect_denied(try_map(&args), MAP_HOOK, "helper-itself", "the helper maps");
	copy("/t/target", "/mnt/helper-bad", "helper");
	expect(DENIED, execl("/mnt/helper-bad", "bad", NULL) ? outcome_of(false, EACCES) : BROKEN,
	       "the helper executes: EACCES");
	ok(find_denial("bprm_check_security", "helper-itself", 1), "recorded as helper-itself");
	ok(now_ms() - start < SOON_MS, "the helper itself: denied at once");
}

static void test_killable(int helper)
{
	pid_t pid = start_map(new_file(), EACCES);
	int64_t start;

	receive_question(helper);
	start = now_ms();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(now_ms() - start < SOON_MS, "a waiting process is killed at once");
	wait_pending(0);
	ok(true, "its request goes with it");
}

static void test_deadline(int helper)
{
	int64_t start = now_ms(), took;
	pid_t pid = start_map(new_file(), EACCES);

	receive_question(helper);
	expect_denied(end_probe(pid), MAP_HOOK, "helper-timeout", "no answer");
	took = now_ms() - start;
	ok(took > DEADLINE_MS - 1000 && took < DEADLINE_MS + SOON_MS, "denied at the deadline");
	note("after %lld ms", (long long)took);
}

/* The helper goes, and the next one finds what waits. */
static int test_replaced(int helper)
{
	pid_t pid = start_map(new_file(), EACCES);
	struct question q, found = {};

	q = receive_question(helper);
	close(helper);
	ok(!has_ended(pid), "the helper is gone: the request waits");
	ok(send_none(border, &q, RECEIPT_REASON_NO_EVIDENCE) == -EPERM,
	   "the helper is gone: nobody may answer for it");
	helper = become_helper();
	ok(dump_question(helper, &found) && found.id == q.id, "the next one finds it by a dump");
	send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
	expect_denied(end_probe(pid), MAP_HOOK, "no-evidence", "and answers");
	ok(!dump_question(helper, &found), "nothing is pending any more");
	return helper;
}

/* The ids of questions, other messages left out; false when there is none for so long. */
static bool next_question(int helper, int ms, struct question *q)
{
	const struct genlmsghdr *genl = (const void *)(answer.reply.data + NLMSG_HDRLEN);
	struct pollfd pfd = { .fd = helper, .events = POLLIN };
	static uint8_t buf[MESSAGE_MAX];

	while (poll(&pfd, 1, ms) > 0) {
		ssize_t len = receive(helper, buf);

		if (len < 0)
			broken("helper's socket");
		take(buf, len);
		if (genl->cmd != RECEIPT_CMD_LOOKUP)
			continue;
		*q = take_question(&answer.reply);
		return true;
	}
	return false;
}

/*
 * Root has all forgotten before each answer, so that the helper must be asked again.
 * The next question may come before the kernel has acknowledged the answer, and is then
 * passed over with what is read on the way: it is pending, as it is for any helper.
 */
static void test_one_deadline(int helper)
{
	pid_t pid = start_map(new_file(), EACCES);
	int64_t start = now_ms(), took;
	unsigned int asked = 0;
	struct question q;

	while (!has_ended(pid)) {
		if (!next_question(helper, 200, &q) && !dump_question(helper, &q))
			continue;
		usleep(2000000);
		flush(border);
		asked += !send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
	}
	took = now_ms() - start;
	expect_denied(end_probe(pid), MAP_HOOK, "helper-timeout", "asked again and again");
	note("asked %u times in %lld ms", asked, (long long)took);
	ok(asked > 1, "asked again and again: more than once");
	ok(took < DEADLINE_MS + SOON_MS, "asked again and again: one deadline for all");
}

static void test_lost(int helper)
{
	const char *const record[] = { "receipt: op=HELPER", " verdict=lost " };
	int64_t start = now_ms(), took;
	pid_t pid;

	close(helper);
	ok(find_record(record, ARRAY_SIZE(record)), "lost: recorded");
	pid = start_map(new_file(), EACCES);
	expect_denied(end_probe(pid), MAP_HOOK, "helper-timeout", "lost, and no next one");
	took = now_ms() - start;
	ok(took > DEADLINE_MS - 1000 && took < DEADLINE_MS + SOON_MS, "lost: denied at the deadline");
}

/*
 * Many at once
 */

#define WORKERS		50

static int many = 1000;	/* requests, a multiple of WORKERS; less on a slow machine */

/* Each worker asks about the same file again and again. */
static int map_many(void *path)
{
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC };

	for (int i = 0; i < many / WORKERS; i++)
		if (try_map(&args) != ALLOWED)
			return DENIED_OTHERWISE;
	return ALLOWED;
}

static int exec_many(void *path)
{
	struct exec_args args = { .path = path };

	for (int i = 0; i < many / WORKERS; i++) {
		int status;
		pid_t pid = fork();

		if (!pid)
			_exit(try_exec(&args));
		if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != ALLOWED)
			return DENIED_OTHERWISE;
	}
	return ALLOWED;
}

/* Starts workers; those must wait until the last is there, so they all ask. */
static void test_many(int (*work)(void *), const char *from, const char *what)
{
	uint64_t lookups, joined;
	pid_t pids[WORKERS];
	int good = 0;

	copy(from, "/mnt/many", "");
	flush(border);
	lookups = stat_value("lookups");
	joined = stat_value("lookups-joined");
	for (int i = 0; i < WORKERS; i++)
		pids[i] = start_probe(work, "/mnt/many");
	for (int i = 0; i < WORKERS; i++)
		good += end_probe(pids[i]) == ALLOWED;
	ok(good == WORKERS, "%d %s of one new file: all succeed", many, what);
	ok(stat_value("lookups") == lookups + 1, "%d %s of one new file: one upcall", many, what);
	note("%llu upcalls, %llu joined", (unsigned long long)(stat_value("lookups") - lookups),
	     (unsigned long long)(stat_value("lookups-joined") - joined));
}

/* While one question is open, all others of the same digest join it. */
static void test_joined(int helper)
{
	uint64_t lookups = stat_value("lookups"), joined = stat_value("lookups-joined");
	const char *path = new_file();
	pid_t pids[WORKERS];
	struct question q;
	int good = 0;

	for (int i = 0; i < WORKERS; i++)
		pids[i] = start_map(path, EACCES);
	for (int64_t end = now_ms() + SOON_MS; now_ms() < end; usleep(10000))
		if (stat_value("lookups-joined") >= joined + WORKERS - 1)
			break;
	q = receive_question(helper);
	ok(stat_value("lookups") == lookups + 1, "%d processes ask the same: one upcall", WORKERS);
	send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
	for (int i = 0; i < WORKERS; i++)
		good += end_probe(pids[i]) == DENIED;
	ok(good == WORKERS, "%d processes ask the same: all have the answer", WORKERS);
}

#define USER_QUEUE	64

static int map_as_user(void *path)
{
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC,
				 .want_errno = EACCES };

	if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return BROKEN;
	return try_map(&args);
}

/* A user who asks too much is denied; root is still answered. */
static void test_queue(int helper)
{
	struct question q = {};
	pid_t pids[USER_QUEUE], pid;

	for (int i = 0; i < USER_QUEUE; i++)
		pids[i] = start_probe(map_as_user, (void *)new_file());
	wait_pending(USER_QUEUE);
	expect_denied(probe(map_as_user, (void *)new_file()), MAP_HOOK, "queue-full",
		      "a user's request over the bound");
	pid = start_map(new_file(), EACCES);
	wait_pending(USER_QUEUE + 1);
	for (int i = 0; i < USER_QUEUE + 1; i++)
		q = receive_question(helper);
	send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
	expect_denied(end_probe(pid), MAP_HOOK, "no-evidence", "root's request is answered");
	for (int i = 0; i < USER_QUEUE; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	wait_pending(0);
}

/*
 * receiptd
 */

static pid_t test_killed(pid_t receiptd)
{
	struct exec_args args = { .path = PROGRAM, .want_errno = EACCES };
	int64_t start = now_ms();
	pid_t pid;

	copy("/t/target", PROGRAM, "");
	flush(border);
	kill(receiptd, SIGSTOP);
	pid = start_probe(try_exec, &args);
	wait_pending(1);
	usleep(500000);
	ok(!has_ended(pid), "receiptd stopped: exec waits");
	end_receiptd(receiptd);
	ok(!has_ended(pid), "receiptd killed: exec waits");
	receiptd = start_receiptd(border);
	expect_allowed(end_probe(pid), "receiptd started anew: exec succeeds");
	ok(now_ms() - start < DEADLINE_MS, "within the deadline");
	return receiptd;
}

/* Killed again and again under load: nothing sealed is denied, nothing hangs. */
static void test_killed_often(pid_t receiptd)
{
	pid_t pids[20];
	int good = 0;

	copy("/t/target", PROGRAM, "");
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		flush(border);
		pids[i] = start_probe(exec_many, PROGRAM);
		if (i % 5 == 4) {
			end_receiptd(receiptd);
			receiptd = start_receiptd(border);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		good += end_probe(pids[i]) == ALLOWED;
	ok(good == ARRAY_SIZE(pids), "receiptd killed under load: every exec succeeds");
	end_receiptd(receiptd);
}

int main(int argc, char **argv)
{
	pid_t receiptd;
	int helper;

	probe_init();
	if (argc > 1)
		many = atoi(argv[1]);
	border = open_border();
	if (load_policy_file(border, "/t/policy-1.0.0"))
		broken("policy: %s", answer.text);
	test_absent();
	helper = become_helper();
	test_hello(helper);
	test_none(helper);
	test_reason(helper);
	test_wrong_answers(helper);
	test_itself(helper);
	test_killable(helper);
	test_joined(helper);
	test_queue(helper);
	test_deadline(helper);
	test_one_deadline(helper);
	helper = test_replaced(helper);
	test_lost(helper);
	receiptd = start_receiptd(border);
	test_many(exec_many, "/t/target", "execs");
	test_many(map_many, "/t/libmarker.so", "mappings");
	receiptd = test_killed(receiptd);
	test_killed_often(receiptd);
	return 0;
}
