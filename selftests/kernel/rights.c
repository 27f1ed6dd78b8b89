// SPDX-License-Identifier: MIT
/*
 * rights: the right to ANON_EXEC is that of the program that was executed, for as
 * long as it runs: whatever is flushed, loaded or dropped meanwhile, and whatever
 * becomes of its file. Each program is executed before, and asks for the first time
 * after: with mprotect(), where nobody can be asked.
 *
 * /t/jit and /t/plain as in anon.c; /t/jit-by-digest is sealed as /t/jit is, and
 * executed by a rule that names its digest. Versions 2.x of the policy let everything
 * be executed.
 */
#include "helper.h"
#include "layers.h"

#define MPROTECT	"file_mprotect"
#define MMAP		"mmap_file"

/* A program that was executed and waits for a byte. */
struct late {
	pid_t pid;
	int to;
};

static struct late start_late(const char *program, const char *probe)
{
	int to[2], from[2];
	struct late late;
	char c;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		broken("pipe");
	late.pid = fork();
	if (!late.pid) {
		alarm(PROBE_SECONDS);
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDERR_FILENO);
		execl(program, program, "late", probe, NULL);
		note("%s: %s", program, strerror(errno));
		_exit(BROKEN);
	}
	late.to = to[1];
	close(to[0]);
	close(from[1]);
	if (read(from[0], &c, 1) != 1)
		broken("%s is not executed", program);
	close(from[0]);
	return late;
}

static int end_late(struct late late)
{
	if (write(late.to, "", 1) != 1)
		broken("write");
	close(late.to);
	probe_pid = late.pid;
	return end_probe(late.pid);
}

static int border;

/* What is done between the exec and the question. */
static void nothing(void)
{
}

static void flush_all(void)
{
	if (flush(border))
		broken("flush: %s", answer.text);
}

static void load(const char *path)
{
	if (load_policy_file(border, path))
		broken("%s: %s", path, answer.text);
}

static void load_next(void)
{
	static unsigned int next;
	char path[64];

	snprintf(path, sizeof(path), "/t/policy-1.1.%u", next++);
	load(path);
}

static pid_t helper_pid(void)
{
	FILE *f = fopen("/sys/kernel/security/receipt/status", "re");
	char line[200];
	int pid = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "helper serving %d", &pid);
	if (f)
		fclose(f);
	return pid;
}

static void lose_helper(void)
{
	pid_t pid = helper_pid();

	if (pid)
		kill(pid, SIGKILL);
	while (helper_pid())
		usleep(20000);
	flush_all();
}

static void late(const char *what, void (*fn)(void))
{
	struct late jit = start_late("/t/jit", "written, then executable");
	struct late digest = start_late("/t/jit-by-digest", "written, then executable");
	struct late plain = start_late("/t/plain", "written, then executable");
	struct late attach = start_late("/t/jit", "PTRACE_ATTACH");
	struct late traced = start_late("/t/jit", "PTRACE_TRACEME");
	struct late not_traced = start_late("/t/plain", "PTRACE_TRACEME");

	fn();
	expect_allowed(end_late(attach), "%s: a debugger sealed for it attaches", what);
	fn();
	expect_allowed(end_late(traced), "%s: a debugger sealed for it is started", what);
	expect(DENIED, end_late(not_traced), "%s: another is not: EACCES", what);
	fn();
	expect_allowed(end_late(jit), "%s: sealed for it", what);
	expect_allowed(end_late(digest), "%s: sealed for it, executed by its digest", what);
	expect(DENIED, end_late(plain), "%s: sealed for execution alone: EACCES", what);
}

/*
 * overlayfs, where a file becomes another one
 */

static void mount_overlay(void)
{
	make_layers("/mnt");
	copy("/t/plain", "/mnt/lower/plain", "");
	copy("/t/jit", "/mnt/lower/jit", "");
	mount_layers("/mnt", "");
}

/* The file above has the content of another program from then on. */
static void become(const char *name, const char *program)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/mnt/merged/%s", name);
	if (chmod(path, 0700))
		broken("%s", path);
	snprintf(path, sizeof(path), "/mnt/upper/%s", name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		broken("%s", path);
	copy_fd(program, fd, "");
	close(fd);
}

static void test_overlay(void)
{
	struct late plain, plain_map, jit;

	mount_overlay();
	plain = start_late("/mnt/merged/plain", "written, then executable");
	plain_map = start_late("/mnt/merged/plain", "private");
	jit = start_late("/mnt/merged/jit", "written, then executable");
	become("plain", "/t/jit");
	become("jit", "/t/plain");
	expect_denied(end_late(plain), MPROTECT, "usage-not-granted",
		      "overlay: its file becomes one that is sealed for it, mprotect");
	expect_denied(end_late(plain_map), MMAP, "usage-not-granted",
		      "overlay: its file becomes one that is sealed for it, mmap");
	expect_allowed(end_late(jit), "overlay: its file becomes one that is not");
	expect_allowed(end_late(start_late("/mnt/upper/plain", "private")),
		       "overlay: control: what its file has become has the right");
}

/*
 * Everything may be executed, and a program writes to its own file: by the name that
 * was executed, which the kernel itself refuses, or where the content really is.
 */

static void test_own_file(const char *run, const char *file)
{
	struct late own;
	int fd;

	copy("/t/plain", run, "unsealed");
	own = start_late(run, "private");
	fd = open(file, O_WRONLY | O_CLOEXEC);
	ok(fd < 0 && errno == ETXTBSY, "%s: closed to writers while it runs: ETXTBSY", file);
	expect_denied(end_late(own), MMAP, "no-evidence", "%s: control", file);
	usleep(50000);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	ok(fd >= 0, "%s: open to writers afterwards", file);
	expect(DENIED, probe_exec(run, ETXTBSY), "%s: while it is open for writing: ETXTBSY", file);
	close(fd);
}

/*
 * A helper that is too slow, with a policy that does not need it for execution: what
 * nobody can know yet is no "no", and not each program waits for it.
 */
static void test_slow_helper(pid_t receiptd)
{
	uint64_t lookups;

	/* Nothing is known of a new file. */
	copy("/t/jit", "/mnt/jit", "");
	copy("/t/jit-by-digest", "/mnt/jit-by-digest", "");
	flush_all();
	kill(receiptd, SIGSTOP);
	lookups = stat_value("lookups");
	expect(DENIED, end_late(start_late("/mnt/jit", "written, then executable")),
	       "the helper is too slow: nobody knows of a right: EACCES");
	ok(stat_value("lookups") == lookups + 1, "the helper is too slow: it was asked");
	expect(DENIED, end_late(start_late("/mnt/jit-by-digest", "written, then executable")),
	       "the helper is too slow: nor of another one's: EACCES");
	ok(stat_value("lookups") == lookups + 1, "the helper is too slow: it is not asked again");
	kill(receiptd, SIGCONT);
	expect_denied(end_late(start_late("/t/plain", "private")), MMAP, "usage-not-granted",
		      "the helper answers again: sealed for execution alone");
	expect_allowed(end_late(start_late("/mnt/jit", "written, then executable")),
		       "the helper answers again: sealed for it");
	expect_allowed(end_late(start_late("/mnt/jit-by-digest", "written, then executable")),
		       "the helper answers again: as is another one");
}

/*
 * The first exec of a program ends while the helper is asked for its right. That is
 * no answer: the next exec asks again.
 */
static pid_t test_killed_while_asked(pid_t receiptd)
{
	uint64_t lookups;
	pid_t pid;

	copy("/t/jit", "/mnt/jit-killed", "");
	flush_all();
	kill(receiptd, SIGSTOP);
	lookups = stat_value("lookups");
	pid = fork();
	if (!pid) {
		execl("/mnt/jit-killed", "jit-killed", "late", "private", NULL);
		_exit(BROKEN);
	}
	while (stat_value("lookups") == lookups)
		usleep(1000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Its answer would be kept. */
	kill(receiptd, SIGKILL);
	waitpid(receiptd, NULL, 0);
	receiptd = start_receiptd(border);
	lookups = stat_value("lookups");
	expect_allowed(end_late(start_late("/mnt/jit-killed", "written, then executable")),
		       "killed while the helper was asked for its right: the next has it");
	ok(stat_value("lookups") == lookups + 1,
	   "killed while the helper was asked for its right: asked again");
	expect_denied(end_late(start_late("/t/plain", "private")), MMAP, "usage-not-granted",
		      "killed while the helper was asked for its right: control");
	return receiptd;
}

/*
 * Executed before a policy ruled anything, so that a worker has to hash it when it
 * asks where nothing may sleep. The larger file is mostly a hole.
 */
static struct late start_large(const char *path, off_t size)
{
	copy("/t/plain", path, "unsealed");
	if (truncate(path, size))
		broken("%s", path);
	return start_late(path, "PTRACE_TRACEME");
}

/* A file system is busy for as long as anybody has a file of it. */
static bool unmount_when_free(const char *path)
{
	int64_t end = now_ms() + 1000 * PROBE_SECONDS;
	bool busy;

	do {
		usleep(20000);
		busy = umount(path) && errno == EBUSY;
	} while (busy && now_ms() < end);
	return !busy;
}

static void test_killed(void)
{
	struct late small, large;
	uint64_t hashed, misses;

	mkdir("/mnt/large", 0755);
	if (mount("large", "/mnt/large", "tmpfs", 0, NULL))
		broken("tmpfs");
	load("/t/policy-2.2.0");
	small = start_large("/mnt/small", 4 << 20);
	large = start_large("/mnt/large/large", 1 << 30);
	load("/t/policy-2.3.0");
	hashed = stat_value("hashed");
	expect(DENIED, end_late(small), "executed before a policy ruled it, then PTRACE_TRACEME");
	ok(stat_value("hashed") == hashed + 1, "executed before a policy ruled it: hashed for that");
	hashed = stat_value("hashed");
	misses = stat_value("misses");
	if (write(large.to, "", 1) != 1)
		broken("write");
	while (stat_value("misses") == misses)
		usleep(1000);
	kill(large.pid, SIGKILL);
	ok(waitpid(large.pid, NULL, 0) == large.pid && unmount_when_free("/mnt/large") &&
	   stat_value("hashed") == hashed, "the same, killed while it is hashed: not to the end");
	close(large.to);
}

int main(void)
{
	pid_t receiptd;

	probe_init();
	border = open_border();
	late("at once", nothing);
	late("all is flushed", flush_all);
	test_overlay();
	late("another policy", load_next);
	late("no helper, all is flushed", lose_helper);
	receiptd = start_receiptd(border);
	load("/t/policy-2.1.0");
	receiptd = test_killed_while_asked(receiptd);
	test_slow_helper(receiptd);
	test_own_file("/mnt/own", "/mnt/own");
	test_own_file("/mnt/merged/own", "/mnt/upper/own");
	late("everything may be executed, all is flushed", flush_all);
	test_killed();
	late("nothing but this is ruled", nothing);
	expect_allowed(end_late(start_late("/mnt/merged/plain", "private")),
		       "nothing but this is ruled: overlay: sealed for it");
	return 0;
}
