// SPDX-License-Identifier: MIT
/*
 * A permissive policy stops nothing: what would have been denied passes, and is
 * reported: in an audit record, an event and a counter.
 */
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "border.h"
#include "elves.h"
#include "layers.h"

#define LIBRARY	"/t/libmarker.so"

static int events = -1;

static void test_passes(void)
{
	struct exec_args loader = { .path = "/lib64/ld-linux-x86-64.so.2", .want_errno = EACCES,
				    .argv = { "ld.so", "/mnt/dynamic" } };
	uint64_t before = stat_value("permitted");

	copy("/t/target", "/mnt/bad", "x");
	copy("/t/dynamic", "/mnt/dynamic", "x");
	copy(LIBRARY, "/mnt/bad.so", "x");
	expect_permitted(probe_exec("/mnt/bad", EACCES), "bprm_check_security", "no-evidence",
			 "unsealed program");
	expect_permitted(probe(try_exec, &loader), "mmap_file", "no-evidence",
			 "ld.so: unsealed program");
	expect_permitted(probe_map("/mnt/bad.so", EACCES), "mmap_file", "no-evidence",
			 "unsealed library");
	ok(stat_value("permitted") >= before + 3, "they are counted as permitted");
}

static int write_and_protect(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return BROKEN;
	map[0] ^= 1;
	return outcome_of(!mprotect(map, 4096, PROT_READ | PROT_EXEC), EACCES);
}

static void test_write_exec(void)
{
	struct map_args args = { .path = "/mnt/good.so", .want_errno = EACCES,
				 .prot = PROT_READ | PROT_WRITE | PROT_EXEC };

	copy(LIBRARY, args.path, "");
	expect_permitted(probe(try_map, &args), "mmap_file", "writable-and-executable",
			 "sealed library mapped writable and executable");
	expect_permitted(probe(write_and_protect, (void *)args.path), "file_mprotect",
			 "written-then-executable", "sealed library written, to r-x");
}

/* What is open for writing passes, and what is mapped is not closed to writers. */
static void test_writers(void)
{
	const char *path = "/mnt/written.so";
	int fd, exec_fd;

	copy(LIBRARY, path, "");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	expect_permitted(probe_map(path, ETXTBSY), "mmap_file", "open-for-writing",
			 "sealed library that is open for writing");
	close(fd);
	expect_allowed(probe_map(path, ETXTBSY), "sealed library");
	exec_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, exec_fd, 0) == MAP_FAILED)
		broken("mmap");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok(fd >= 0, "sealed library: not closed to writers while it is mapped");
	close(fd);
	close(exec_fd);
}

static int try_kexec(void *unused)
{
	(void)unused;
	return outcome_of(!syscall(SYS_kexec_load, 0, 0, NULL, 0), EACCES);
}

static int try_module(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return outcome_of(!syscall(SYS_finit_module, fd, "", 0), EACCES);
}

static void test_loads(void)
{
	expect_permitted(probe(try_kexec, NULL), "kernel_load_data", "contents-not-available",
			 "kexec_load");
	copy("/t/sample.ko", "/mnt/bad.ko", "x");
	expect_permitted(probe(try_module, "/mnt/bad.ko"), "kernel_post_read_file", "no-evidence",
			 "unsealed module");
	syscall(SYS_delete_module, "sample", 0);
}

/* The event that has the reason, of what the last probe did. */
static bool find_event(enum receipt_reason reason)
{
	static uint8_t buf[MESSAGE_MAX];
	struct pollfd pfd = { .fd = events, .events = POLLIN };
	const struct message *e = &answer.reply;

	while (poll(&pfd, 1, RECORD_MS) > 0) {
		take(buf, receive(events, buf));
		if (get_u8(e, RECEIPT_A_EVENT) == RECEIPT_EVENT_VERDICT &&
		    get_u32(e, RECEIPT_A_PID) == (uint32_t)probe_pid &&
		    get_u32(e, RECEIPT_A_REASON) == reason)
			return true;
	}
	return false;
}

static void test_event(void)
{
	const struct message *e = &answer.reply;
	const char *path, *hook;
	struct stat st;

	copy("/t/target", "/mnt/event", "event");
	stat("/mnt/event", &st);
	probe_exec("/mnt/event", EACCES);
	if (!ok(find_event(RECEIPT_REASON_NO_EVIDENCE), "event of what passed"))
		return;
	hook = get(e, RECEIPT_A_HOOK, NULL);
	path = get(e, RECEIPT_A_PATH, NULL);
	ok(hook && !strcmp(hook, "bprm_check_security") && path && !strcmp(path, "/mnt/event"),
	   "event: hook and path");
	ok(get_u8(e, RECEIPT_A_VERDICT) == 0 && get_u8(e, RECEIPT_A_ENFORCED) == 0,
	   "event: denied, not enforced");
	ok(get_u64(e, RECEIPT_A_INO) == st.st_ino && get(e, RECEIPT_A_DIGEST, NULL) &&
	   get_u8(e, RECEIPT_A_OP) == RECEIPT_OP_EXECUTE, "event: inode, digest, operation");
}

/*
 * A program without a page of its own maps nothing of its file. It is of overlayfs, so
 * that a record of it waits for a mapping that never comes. A debugger has it execute
 * another program, when the file has become another one.
 */

#define MERGED	"/mnt/over/merged"

static void mount_overlay(void)
{
	make_layers("/mnt/over");
	copy(ELVES "/no-page", "/mnt/over/lower/no-page", "");
	copy(ELVES "/plain", "/mnt/over/lower/plain", "");
	mount_layers("/mnt/over", "");
}

/* An instruction that makes a system call: the vDSO has some. */
static unsigned long find_syscall(pid_t pid)
{
	unsigned long start = 0, end = 0, at;
	char path[32], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "[vdso]"))
			sscanf(line, "%lx-%lx", &start, &end);
	if (f)
		fclose(f);
	for (at = start; at < end; at++)
		if ((ptrace(PTRACE_PEEKTEXT, pid, at, 0) & 0xffff) == 0x050f)
			return at;
	broken("no system call in the vDSO");
}

/* The program @pid, which has stopped, executes the target. */
static void have_it_execute(pid_t pid)
{
	static const char path[16] = "/t/target";
	struct user_regs_struct regs;
	long part;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
		broken("PTRACE_GETREGS");
	regs.rsp -= 256;
	for (size_t i = 0; i < sizeof(path); i += sizeof(part)) {
		memcpy(&part, path + i, sizeof(part));
		if (ptrace(PTRACE_POKEDATA, pid, regs.rsp + i, part))
			broken("PTRACE_POKEDATA");
	}
	regs.rdi = regs.rsp;
	regs.rsi = 0;
	regs.rdx = 0;
	regs.rax = SYS_execve;
	regs.orig_rax = -1;
	regs.rip = find_syscall(pid);
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs) || ptrace(PTRACE_DETACH, pid, 0, 0))
		broken("PTRACE_SETREGS");
}

static int traced_exec(void *path)
{
	char *const argv[] = { path, NULL };

	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		return BROKEN;
	execve(path, argv, NULL);
	return BROKEN;
}

static void test_left_behind(const char *name)
{
	const char *path = in(MERGED, name);
	uint64_t permitted;
	int status;
	pid_t pid;

	pid = start_probe(traced_exec, (void *)path);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		broken("%s is not executed: 0x%x", path, status);
	if (chmod(path, 0700))
		broken("%s", path);
	permitted = stat_value("permitted");
	have_it_execute(pid);
	expect_allowed(end_probe(pid), "%s, copied up, executes another program", name);
	ok(stat_value("permitted") == permitted, "%s, copied up: the other one is as it was judged",
	   name);
}

static void test_records(void)
{
	mount_overlay();
	test_left_behind("plain");
	test_left_behind("no-page");
}

/* A helper that does not answer delays, and stops nothing. */
static void test_stopped(int border)
{
	static struct message m;
	pid_t helper;
	int got;

	start_request(&m, RECEIPT_CMD_STATUS);
	request(border, &m);
	helper = get_u32(&answer.reply, RECEIPT_A_HELPER_PID);
	if (!helper || kill(helper, SIGSTOP))
		broken("the helper's process");
	copy("/t/target", "/mnt/stopped", "stopped");
	got = probe_exec("/mnt/stopped", EACCES);
	kill(helper, SIGCONT);
	expect_permitted(got, "bprm_check_security", "helper-timeout",
			 "unsealed program while the helper is stopped");
}

/* Under a permissive policy the next one needs no evidence. */
static void test_next(int border)
{
	if (!ok(!load_policy_file(border, "/t/policy-unsealed"), "an unsealed policy follows"))
		note("error %d, %s", answer.error, answer.text);
	expect_denied(probe_exec("/mnt/bad", EACCES), "bprm_check_security", "no-evidence",
		      "it enforces");
}

int main(void)
{
	int border;

	probe_init();
	border = open_border();
	events = open_netlink();
	if (setsockopt(events, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &events_group,
		       sizeof(events_group)))
		broken("events");
	test_passes();
	test_write_exec();
	test_writers();
	test_loads();
	test_event();
	test_records();
	test_stopped(border);
	test_next(border);
	return 0;
}
