// SPDX-License-Identifier: MIT
/*
 * root SECONDS: root against the helper. He may delay and deny; what is not sealed
 * never runs, and what is sealed runs again when a helper is back. /t holds sealed
 * files and the policy; the test starts receiptd.
 */
#include <grp.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "forge.h"
#include "helper.h"
#include "mutate.h"

#define EXEC_HOOK	"bprm_check_security"
#define GOOD		"/mnt/good"
#define BAD		"/mnt/bad"
#define DEADLINE_MS	10000
#define SLACK_MS	(8000 * slowness())
#define CGROUP		"/run/cgroup"
#define SOCKETS_MAX	64		/* descriptors that are looked through */
#define ASKERS		24
#define LIES		(2 * ASKERS)	/* questions that a liar must have had */
#define LIES_MS		(30000 * slowness())	/* the most that they may take */
#define REASONS		80		/* and some that are none */

static int border;
static int seconds = 5;

static struct exec_args good = { .path = GOOD, .want_errno = EACCES };
static struct exec_args bad = { .path = BAD, .want_errno = EACCES };

static void wait_pending(uint64_t n)
{
	int64_t end = now_ms() + 1000 * PROBE_SECONDS;

	while (stat_value("lookups-pending") != n)
		if (now_ms() > end)
			broken("%llu lookups pending", (unsigned long long)n);
		else
			usleep(10000);
}

/* A sealed and an unsealed program, which both wait for the helper's answer. */
static int64_t asked;

static void start_both(pid_t *pids)
{
	flush(border);
	asked = now_ms();
	pids[0] = start_probe(try_exec, &good);
	pids[1] = start_probe(try_exec, &bad);
	wait_pending(2);
}

static void end_both(const pid_t *pids, const char *what)
{
	expect_allowed(end_probe(pids[0]), "%s: the sealed program runs", what);
	probe_pid = pids[1];
	expect_denied(end_probe(pids[1]), EXEC_HOOK, "no-evidence", "%s: the unsealed one", what);
}

/* The programs are executed again when the machine took too long to start it. */
static pid_t start_next(pid_t *pids)
{
	pid_t receiptd = start_receiptd(border);

	if (now_ms() - asked < DEADLINE_MS - 1000)
		return receiptd;
	note("the next helper came after %lld ms", (long long)(now_ms() - asked));
	end_probe(pids[0]);
	end_probe(pids[1]);
	flush(border);
	pids[0] = start_probe(try_exec, &good);
	pids[1] = start_probe(try_exec, &bad);
	return receiptd;
}

static void test_both(const char *what)
{
	flush(border);
	expect_allowed(probe(try_exec, &good), "%s: a sealed program runs", what);
	expect_denied(probe(try_exec, &bad), EXEC_HOOK, "no-evidence", "%s: an unsealed one", what);
}

/*
 * Ids: root is told what is pending
 */

struct questions {
	struct question q[ASKERS];
	unsigned int n;
};

/* As any helper does that starts. */
static void steal_questions(int fd, struct questions *stolen)
{
	static uint8_t buf[MESSAGE_MAX];
	static struct message m;
	ssize_t len, pos;

	stolen->n = 0;
	begin(&m, family, RECEIPT_CMD_LOOKUP, NLM_F_DUMP);
	send_message(fd, &m);
	do {
		len = receive(fd, buf);
		for (pos = 0; pos + NLMSG_HDRLEN <= len;) {
			const struct nlmsghdr *nlh = (const void *)(buf + pos);

			take(buf + pos, nlh->nlmsg_len);
			if (nlh->nlmsg_type == family && stolen->n < ARRAY_SIZE(stolen->q))
				stolen->q[stolen->n++] = take_question(&answer.reply);
			if (nlh->nlmsg_type == NLMSG_DONE)
				len = 0;
			pos += NLMSG_ALIGN(nlh->nlmsg_len);
		}
	} while (len > 0);
}

/* Signed as it should be, by a log that nobody trusts. */
static void forge(struct message *m, const struct question *q)
{
	static struct key stranger;
	static struct evidence ev;
	struct rcpt *r = &ev.receipts[0];
	uint8_t root[HASH];

	if (!stranger.pkey)
		make_key(&stranger, -35);
	memset(&ev, 0, sizeof(ev));
	ev.kind = RECEIPT_KIND_SHA256;
	ev.digest_len = HASH;
	ev.stmt.payload_len = HASH;
	memcpy(ev.digest, q->digest, HASH);
	memcpy(ev.stmt.payload, q->digest, HASH);
	head(&ev.stmt.hdr, MAP, 3);
	label_int(&ev.stmt.hdr, 1, stranger.alg);
	label_int(&ev.stmt.hdr, 258, -16);
	integer(&ev.stmt.hdr, 15);
	head(&ev.stmt.hdr, MAP, 2);
	label_text(&ev.stmt.hdr, 1, "issuer.example");
	label_text(&ev.stmt.hdr, 2, "test/programs");
	sign_statement(&stranger, &ev.stmt);
	ev.nreceipts = 1;
	head(&r->hdr, MAP, 4);
	label_int(&r->hdr, 1, stranger.alg);
	integer(&r->hdr, 4);
	string(&r->hdr, BYTES, stranger.kid, 2 * HASH);
	label_int(&r->hdr, 395, 1);
	integer(&r->hdr, 15);
	head(&r->hdr, MAP, 1);
	label_text(&r->hdr, 1, "log.example");
	r->index = 1;
	r->size = 3;
	r->path_len = STEPS * HASH;
	rfc9162_root(&ev.stmt, r, HASH_ENTRY, root);
	r->sig_len = sign_header(&stranger, &r->hdr, root, HASH, r->sig);
	evidence_message(m, &ev);
	put_u64(m, RECEIPT_A_ID, q->id);
}

/* Answers with these and all near ids; true when one of them is taken. */
static bool answer_all(int fd, const struct questions *stolen)
{
	static struct message m;
	bool taken = false;

	for (unsigned int i = 0; i < stolen->n; i++) {
		struct question q = stolen->q[i];

		forge(&m, &q);
		taken |= !request(fd, &m);
		q.id = q.id > 50 ? q.id - 50 : 1;
		for (int n = 0; n < 100; n++, q.id++)
			taken |= send_none(fd, &q, RECEIPT_REASON_ALLOWED) != -EPERM;
	}
	return taken;
}

static void test_ids(pid_t receiptd)
{
	int other = open_netlink();
	struct questions stolen;
	pid_t pids[2];

	kill(receiptd, SIGSTOP);
	start_both(pids);
	ok(hello(other) == -EBUSY, "another root process says HELLO: EBUSY");
	steal_questions(other, &stolen);
	ok(stolen.n == 2, "it sees the ids of what is pending");
	ok(!answer_all(other, &stolen),
	   "its answers are refused, with stolen ids and guessed ones");
	ok(!has_ended(pids[0]) && !has_ended(pids[1]), "both programs still wait");
	kill(receiptd, SIGCONT);
	end_both(pids, "then the helper answers");
	close(other);
}

/*
 * The helper's process
 */

static int attach_as_user(void *pid)
{
	if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return BROKEN;
	return outcome_of(!ptrace(PTRACE_ATTACH, (pid_t)(uintptr_t)pid, 0, 0), EPERM);
}

static bool write_mem(pid_t pid, uint64_t at, const void *code, size_t len)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	n = pwrite(fd, code, len, at);
	close(fd);
	return n == (ssize_t)len;
}

static bool poke(pid_t pid, uint64_t at, const void *code, size_t len)
{
	long word = 0;

	memcpy(&word, code, len);
	return !ptrace(PTRACE_POKETEXT, pid, (void *)at, (void *)word);
}

/* Has the helper go round in circles, where it goes on. */
static bool change_code(pid_t pid, bool (*change)(pid_t pid, uint64_t at, const void *, size_t))
{
	static const uint8_t loop[] = { 0xeb, 0xfe };
	struct user_regs_struct regs;
	bool changed;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, NULL, 0) != pid ||
	    ptrace(PTRACE_GETREGS, pid, 0, &regs))
		broken("ptrace");
	changed = change(pid, regs.rip, loop, sizeof(loop));
	if (ptrace(PTRACE_DETACH, pid, 0, 0))
		broken("ptrace");
	return changed;
}

static pid_t test_code(pid_t receiptd, const char *what,
		       bool (*change)(pid_t pid, uint64_t at, const void *, size_t))
{
	pid_t pids[2];

	expect(DENIED, probe(attach_as_user, (void *)(uintptr_t)receiptd), "%s: not for a user",
	       what);
	ok(change_code(receiptd, change), "%s: the helper's code is changed", what);
	start_both(pids);
	usleep(500000);
	ok(!has_ended(pids[0]) && !has_ended(pids[1]), "%s: both programs wait", what);
	end_receiptd(receiptd);
	receiptd = start_next(pids);
	end_both(pids, what);
	return receiptd;
}

/* A copy of the helper's socket to the kernel: by it one speaks as the helper. */
static int steal_socket(pid_t receiptd)
{
	int pidfd = syscall(SYS_pidfd_open, receiptd, 0), fd;

	for (int i = 3; i < SOCKETS_MAX; i++) {
		struct sockaddr_nl addr;
		socklen_t len = sizeof(addr);

		fd = syscall(SYS_pidfd_getfd, pidfd, i, 0);
		if (fd < 0)
			continue;
		if (!getsockname(fd, (void *)&addr, &len) && addr.nl_family == AF_NETLINK) {
			close(pidfd);
			return fd;
		}
		close(fd);
	}
	broken("the helper's socket");
}

/* What the helper has not read: answers to it, not to the thief. */
static void drain(int fd)
{
	static uint8_t buf[MESSAGE_MAX];

	usleep(100000);
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
}

/* While another one holds the place. */
static int run_receiptd(void *unused)
{
	(void)unused;
	execl("/sbin/receiptd", "receiptd", "--store", "/var/lib/receipt/store", NULL);
	return BROKEN;
}

static pid_t test_socket(pid_t receiptd)
{
	struct questions stolen;
	pid_t pids[2], second;
	int fd, status;
	static struct message m;

	fd = steal_socket(receiptd);
	helper_fd = fd;
	kill(receiptd, SIGSTOP);
	start_both(pids);
	steal_questions(border, &stolen);
	drain(fd);
	for (unsigned int i = 0; i < stolen.n; i++) {
		forge(&m, &stolen.q[i]);
		ok(request(fd, &m) < 0, "the helper's socket, stolen: forged evidence is refused");
		ok(!send_none(fd, &stolen.q[i], RECEIPT_REASON_ALLOWED),
		   "the helper's socket, stolen: no evidence, \"allowed\"");
	}
	expect(DENIED, end_probe(pids[0]), "the thief has a sealed program denied");
	probe_pid = pids[1];
	expect_denied(end_probe(pids[1]), EXEC_HOOK, "no-evidence", "and the unsealed one");
	end_receiptd(receiptd);
	second = start_probe(run_receiptd, NULL);
	ok(waitpid(second, &status, 0) == second && status, "he keeps the next helper out");
	close(fd);
	receiptd = start_receiptd(border);
	test_both("without him");
	return receiptd;
}

/*
 * Out of memory
 */

static void write_number(const char *path, int n)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", n);
	write_text(path, number);
}

static unsigned int oom_kills(void)
{
	char word[32];
	unsigned int n;
	FILE *f = fopen(CGROUP "/helper/memory.events", "re");

	while (f && fscanf(f, "%31s %u", word, &n) == 2)
		if (!strcmp(word, "oom_kill")) {
			fclose(f);
			return n;
		}
	broken("memory.events");
}

static bool make_cgroup(void)
{
	mkdir(CGROUP, 0755);
	if (mount("cgroup", CGROUP, "cgroup2", 0, NULL))
		return false;
	write_text(CGROUP "/cgroup.subtree_control", "+memory");
	mkdir(CGROUP "/helper", 0755);
	return !access(CGROUP "/helper/memory.max", F_OK);
}

/* What the kernel does when there is no memory, made to happen to the helper alone. */
static pid_t test_oom(pid_t receiptd)
{
	pid_t pids[2];

	if (!make_cgroup()) {
		ok(true, "out of memory # SKIP this kernel has no groups with memory");
		return receiptd;
	}
	end_receiptd(receiptd);
	write_number(CGROUP "/helper/cgroup.procs", getpid());
	receiptd = start_receiptd(border);
	write_number(CGROUP "/cgroup.procs", getpid());
	test_both("out of memory: before");
	kill(receiptd, SIGSTOP);
	start_both(pids);
	write_text(CGROUP "/helper/memory.max", "4096");
	waitpid(receiptd, NULL, 0);
	ok(oom_kills() > 0, "out of memory: the kernel kills the helper");
	receiptd = start_next(pids);
	end_both(pids, "out of memory: the next helper");
	return receiptd;
}

/*
 * Messages without end
 */

static int64_t end;
static volatile bool *enough;		/* of questions, for all processes */

static int send_any(void *seed)
{
	static const uint8_t commands[] = {
		RECEIPT_CMD_HELLO, RECEIPT_CMD_EVIDENCE, RECEIPT_CMD_NO_EVIDENCE,
		RECEIPT_CMD_POLICY_GET, RECEIPT_CMD_STATUS, RECEIPT_CMD_STATS,
		RECEIPT_CMD_FLUSH, RECEIPT_CMD_EXPLAIN,
	};
	int fd = open_netlink();
	struct question q = {};
	static struct message m;

	random_state = (uintptr_t)seed;
	while (now_ms() < end) {
		if (one_in(4)) {
			q.id = below(1000);
			forge(&m, &q);
		} else {
			start_request(&m, any_of(commands));
			put_u32(&m, RECEIPT_A_ABI, RECEIPT_ABI_VERSION);
		}
		request(fd, &m);
	}
	return ALLOWED;
}

static int dump_always(void *unused)
{
	int fd = open_netlink();
	struct question q;

	(void)unused;
	while (now_ms() < end)
		dump_question(fd, &q);
	return ALLOWED;
}

static void test_messages(void)
{
	uint64_t refused = stat_value("messages-refused") + stat_value("evidence-refused");
	int64_t longest = 0, start;
	unsigned int ran = 0, wrong = 0;
	pid_t pids[5];

	end = now_ms() + 1000 * seconds;
	for (uintptr_t i = 0; i < ARRAY_SIZE(pids) - 1; i++)
		pids[i] = start_probe(send_any, (void *)(i + 1));
	pids[ARRAY_SIZE(pids) - 1] = start_probe(dump_always, NULL);
	for (; now_ms() < end; ran++) {
		flush(border);
		start = now_ms();
		wrong += probe(try_exec, &good) != ALLOWED;
		wrong += probe(try_exec, &bad) != DENIED;
		if (now_ms() - start > longest)
			longest = now_ms() - start;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		end_probe(pids[i]);
	ok(ran && !wrong, "while root sends messages without end, sealed programs run, no others");
	ok(stat_value("messages-refused") + stat_value("evidence-refused") > refused,
	   "what was refused is counted");
	note("%u times, the slowest took %lld ms", ran, (long long)longest);
	test_both("after the flood");
}

/*
 * A helper that lies
 */

/* Slowly, wrongly, twice; and never, when the id says so. */
static void answer_badly(int helper, struct question *q)
{
	static struct message m;
	unsigned int how = below(8);

	if (q->id % 16 == 0)
		return;
	if (how <= 1)
		usleep(100000 * how);
	if (how == 2)
		q->id++;
	if (how == 3)
		q->digest[below(HASH)] ^= 1;
	if (how == 4)
		flush(border);
	if (how >= 5) {
		forge(&m, q);
		if (how == 6)
			put(&m, RECEIPT_A_MORE, NULL, 0);
		request(helper, &m);
	}
	send_none(helper, q, below(REASONS));
	if (how == 7)
		send_none(helper, q, RECEIPT_REASON_ALLOWED);
}

static int map_once(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), got = BROKEN;

	if (fd >= 0)
		got = outcome_of(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) !=
				 MAP_FAILED, EACCES);
	close(fd);
	return got;
}

/* What is sealed, and else what nobody has asked for: the lies may have it denied. */
static int ask_liar(void *number)
{
	unsigned int n = 0, id = (uintptr_t)number;
	char path[32] = GOOD, content[64];
	int64_t start, took;
	int got;

	close(helper_fd);
	if (id)
		snprintf(path, sizeof(path), "/mnt/lie-%u", id);
	do {
		if (id) {
			snprintf(content, sizeof(content), "lie %u %u", id, n++);
			write_text(path, content);
		}
		start = now_ms();
		got = map_once(path);
		took = now_ms() - start;
		if (got != DENIED || took > DEADLINE_MS + SLACK_MS) {
			note("%u: %s, after %lld ms", id, outcome_name(got), (long long)took);
			return DENIED_OTHERWISE;
		}
		usleep(10000);
	} while (!*enough);
	return DENIED;
}

static uint64_t lies_since(uint64_t before)
{
	return stat_value("lookups") - before;
}

static void test_liar(void)
{
	uint64_t before = stat_value("lookups");
	struct questions asked;
	unsigned int denied = 0;
	pid_t pids[ASKERS];
	int helper = become_helper();
	int64_t latest;

	enough = mmap(NULL, sizeof(*enough), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (enough == MAP_FAILED)
		broken("mmap");
	random_state = 1;
	flush(border);
	end = now_ms() + 1000 * seconds;
	latest = now_ms() + LIES_MS;
	for (uintptr_t i = 0; i < ASKERS; i++)
		pids[i] = start_probe(ask_liar, (void *)i);
	while (!*enough || stat_value("lookups-pending")) {
		*enough = now_ms() > latest || (now_ms() > end && lies_since(before) > LIES);
		steal_questions(border, &asked);
		if (asked.n)
			answer_badly(helper, &asked.q[below(asked.n)]);
		usleep(2000);
	}
	for (size_t i = 0; i < ASKERS; i++)
		denied += end_probe(pids[i]) == DENIED;
	ok(lies_since(before) > LIES && denied == ASKERS,
	   "a helper that lies, answers twice, late or never: denied, within the deadline");
	note("%llu questions", (unsigned long long)lies_since(before));
	close(helper);
}

/*
 * A helper that needs what it is asked for
 */

/* socket() of a family that has no module yet: the kernel runs modprobe, and waits. */
static void load_by_socket(void)
{
	for (int domain = AF_MAX - 1; domain > 0; domain--) {
		int fd = socket(domain, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		if (fd < 0 && errno == EAFNOSUPPORT)
			return;
		close(fd);
	}
	broken("all families of sockets are there");
}

static pid_t start_child(const char *path)
{
	pid_t pid = fork();

	if (!pid) {
		execl(path, path, NULL);
		_exit(errno == EACCES ? DENIED : BROKEN);
	}
	return pid;
}

/* Its children, and the kernel on its behalf, ask the helper that waits for them. */
static void test_entered_again(void)
{
	static const char *const record[] = {
		"receipt: op=", "verdict=denied", "reason=helper-timeout", "\"/mnt/modprobe\"",
	};
	int helper = become_helper(), status = 0;
	int64_t start, took;
	pid_t child, other;

	flush(border);
	write_text("/proc/sys/kernel/modprobe", "/mnt/modprobe");
	start = now_ms();
	child = start_child(BAD);
	other = start_map("/mnt/bad-2", EACCES);
	load_by_socket();
	took = now_ms() - start;
	ok(took > DEADLINE_MS / 2 && took < DEADLINE_MS + SLACK_MS,
	   "the helper has the kernel load a module: it waits until the deadline");
	note("%lld ms", (long long)took);
	ok(find_record(record, ARRAY_SIZE(record)), "modprobe, unsealed: denied, helper-timeout");
	ok(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == DENIED,
	   "the helper waits for a program that it executes: denied");
	expect(DENIED, end_probe(other), "who asked meanwhile is denied");
	write_text("/proc/sys/kernel/modprobe", "/sbin/modprobe");
	close(helper);
}

/* An unsealed library goes into receiptd, while there is no helper to ask. */
static void test_preload(void)
{
	int64_t start = now_ms();
	pid_t receiptd;

	setenv("LD_PRELOAD", "/mnt/bad.so", 1);
	receiptd = start_receiptd(border);
	unsetenv("LD_PRELOAD");
	probe_pid = receiptd;
	ok(find_denial("mmap_file", "helper-timeout", 1), "LD_PRELOAD into the helper: denied");
	ok(now_ms() - start < DEADLINE_MS + SLACK_MS, "then it serves");
	test_both("the helper without it");
	end_receiptd(receiptd);
}

static void make_files(void)
{
	copy("/t/target", GOOD, "");
	copy("/t/target", BAD, "bad");
	copy("/t/target", "/mnt/bad-2", "bad 2");
	copy("/t/target", "/mnt/bad-3", "bad 3");
	copy("/t/target", "/mnt/modprobe", "modprobe");
	copy("/t/libmarker.so", "/mnt/bad.so", "bad");
}

int main(int argc, char **argv)
{
	pid_t receiptd;

	probe_init();
	if (argc > 1)
		seconds = atoi(argv[1]);
	border = open_border();
	if (load_policy_file(border, "/t/policy-1.0.0"))
		broken("policy: %s", answer.text);
	make_files();
	receiptd = start_receiptd(border);
	test_both("at first");
	test_ids(receiptd);
	receiptd = test_code(receiptd, "/proc/PID/mem", write_mem);
	receiptd = test_code(receiptd, "ptrace", poke);
	receiptd = test_socket(receiptd);
	receiptd = test_oom(receiptd);
	test_messages();
	end_receiptd(receiptd);
	test_liar();
	test_entered_again();
	test_preload();
	return 0;
}
