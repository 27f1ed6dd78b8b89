// SPDX-License-Identifier: MIT
/*
 * exec DIR: what execve() and its kin are allowed, in a folder of DIR's file
 * system. /t holds sealed files; a byte more, and they are others.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "probe.h"

#define EXEC_HOOK	"bprm_check_security"
#define OPEN_HOOK	"file_post_open"	/* what is opened to execute beside it */
#define TARGET		"/t/target"
#define INTERPRETER	"/run/interpreter"	/* what /t/script names */

static const char *dir;

static void test_exec(void)
{
	const char *good = in(dir, "good"), *bad = in(dir, "bad");
	uint64_t hits;

	copy(TARGET, good, "");
	copy(TARGET, bad, "x");
	expect_allowed(probe_exec(good, EACCES), "exec: sealed program");
	hits = stat_value("hits");
	expect_allowed(probe_exec(good, EACCES), "exec: sealed program again");
	ok(stat_value("hits") > hits, "exec: the second time from the inode's state");
	expect_denied(probe_exec(bad, EACCES), EXEC_HOOK, "no-evidence", "exec: unsealed program");
	expect_denied(probe_exec(bad, EACCES), EXEC_HOOK, "no-evidence",
		      "exec: unsealed program again");
}

static void test_names(void)
{
	const char *link_path = in(dir, "hardlink"), *good = in(dir, "good");

	unlink(link_path);
	if (link(good, link_path))
		broken("link");
	expect_allowed(probe_exec(link_path, EACCES), "exec: another name of a sealed program");
	if (rename(in(dir, "bad"), good))
		broken("rename");
	expect_denied(probe_exec(good, EACCES), EXEC_HOOK, "no-evidence",
		      "exec: another file under the old name");
	expect_allowed(probe_exec(link_path, EACCES), "exec: the old file under its other name");
}

static void test_owner(void)
{
	const char *path = in(dir, "owned");

	copy(TARGET, path, "");
	if (chown(path, 1000, 1000))
		broken("chown");
	expect_allowed(probe_exec(path, EACCES), "exec: sealed program of a user");
	copy(TARGET, path, "owned");
	if (chown(path, 1000, 1000))
		broken("chown");
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence",
		      "exec: unsealed program of a user");
}

/* By descriptor, after its name is gone. */
static int exec_unlinked(void *path)
{
	const char *const argv[] = { "unlinked", NULL }, *const none[] = { NULL };
	int fd = open(path, O_RDONLY);

	if (fd < 0 || unlink(path))
		return BROKEN;
	syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH);
	return outcome_of(false, EACCES);
}

static void test_unlinked(void)
{
	const char *path = in(dir, "unlinked");

	copy(TARGET, path, "");
	expect_allowed(probe(exec_unlinked, (void *)path), "execveat: sealed program, unlinked");
	copy(TARGET, path, "u");
	expect_denied(probe(exec_unlinked, (void *)path), EXEC_HOOK, "no-evidence",
		      "execveat: unsealed program, unlinked");
}

static int probe_script(const char *script_tail, const char *interpreter_tail)
{
	const char *path = in(dir, "script");

	copy("/t/script", path, script_tail);
	copy(TARGET, in(dir, "interpreter"), interpreter_tail);
	unlink(INTERPRETER);
	if (symlink(in(dir, "interpreter"), INTERPRETER))
		broken("symlink");
	return probe_exec(path, EACCES);
}

static void test_script(void)
{
	expect_allowed(probe_script("", ""), "script: sealed, and its interpreter");
	expect_denied(probe_script("#\n", ""), EXEC_HOOK, "no-evidence", "script: unsealed");
	expect_denied(probe_script("", "i"), OPEN_HOOK, "no-evidence",
		      "script: its interpreter is unsealed");
	copy("/t/script", in(dir, "interpreter"), "# chain\n");
	expect_denied(probe_exec(in(dir, "script"), EACCES), OPEN_HOOK, "no-evidence",
		      "script: its interpreter is an unsealed script");
}

/* DENIED when the loader itself gives up. */
static int probe_loader(const char *program)
{
	struct exec_args args = { .path = "/lib64/ld-linux-x86-64.so.2",
				  .argv = { "ld.so", program } };
	pid_t pid = start_probe(try_exec, &args);
	int status;

	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return DENIED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static void test_loader(void)
{
	const char *path = in(dir, "dynamic");

	copy("/t/dynamic", path, "");
	expect_allowed(probe_exec(path, EACCES), "exec: sealed dynamic program");
	expect_allowed(probe_loader(path), "ld.so: sealed program");
	copy("/t/dynamic", path, "x");
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence",
		      "exec: unsealed dynamic program");
	expect_denied(probe_loader(path), "mmap_file", "no-evidence", "ld.so: unsealed program");
}

static void test_tampered(void)
{
	const char *path = in(dir, "tampered");

	copy(TARGET, path, "");
	expect_allowed(probe_exec(path, EACCES), "tampered: before");
	flip_byte(path);
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence",
		      "tampered: one byte changed after it ran");
	flip_byte(path);
	expect_allowed(probe_exec(path, EACCES), "tampered: changed back");
	if (truncate(path, 5000))
		broken("truncate");
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence", "tampered: truncated");
}

static void test_writer(void)
{
	const char *path = in(dir, "written");
	int fd;

	copy(TARGET, path, "");
	expect_allowed(probe_exec(path, EACCES), "writer: before");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		broken("%s", path);
	expect(DENIED, probe_exec(path, ETXTBSY), "writer: open for writing: ETXTBSY");
	close(fd);
	expect_allowed(probe_exec(path, EACCES), "writer: closed, nothing changed");
}

/*
 * memfd
 */

struct memfd_args {
	const char *tail;
	int seals;
	bool writable_map;	/* keep a writable mapping; then F_SEAL_WRITE is refused */
	int want_errno;
};

#define SEALS	(F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static int make_memfd(const struct memfd_args *m)
{
	int fd = memfd_create("target", MFD_ALLOW_SEALING);

	if (fd < 0)
		broken("memfd_create");
	copy_fd(TARGET, fd, m->tail);
	if (m->writable_map && mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
		broken("mmap of a memfd");
	if (m->seals && fcntl(fd, F_ADD_SEALS, m->seals))
		broken("F_ADD_SEALS");
	return fd;
}

static int exec_memfd(void *arg)
{
	const char *const argv[] = { "memfd", NULL }, *const none[] = { NULL };
	struct memfd_args *m = arg;
	int fd = make_memfd(m);

	syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH);
	return outcome_of(false, m->want_errno);
}

static int map_memfd(void *arg)
{
	struct memfd_args *m = arg;
	int fd = make_memfd(m);

	return outcome_of(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED,
			  m->want_errno);
}

static int exec_memfd_by_name(void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", make_memfd(arg));
	execl(path, "memfd", NULL);
	return outcome_of(false, ((struct memfd_args *)arg)->want_errno);
}

static void test_memfd(void)
{
	struct memfd_args whole = { .tail = "", .seals = SEALS, .want_errno = EACCES };
	struct memfd_args other = { .tail = "x", .seals = SEALS, .want_errno = EACCES };
	struct memfd_args open_fd = { .tail = "", .want_errno = ETXTBSY };
	struct memfd_args mapped = { .tail = "", .writable_map = true, .want_errno = ETXTBSY,
				     .seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };
	struct memfd_args sizes = { .tail = "", .want_errno = ETXTBSY, .seals = F_SEAL_WRITE };

	expect_allowed(probe(exec_memfd, &whole), "memfd: a sealed copy of a sealed program");
	expect_allowed(probe(exec_memfd_by_name, &whole), "memfd: the same by /proc/self/fd");
	expect_allowed(probe(map_memfd, &whole), "memfd: the same mapped");
	expect_denied(probe(exec_memfd, &other), EXEC_HOOK, "no-evidence",
		      "memfd: a sealed copy with another content");
	expect_denied(probe(exec_memfd, &open_fd), EXEC_HOOK, "open-for-writing",
		      "memfd: without seals");
	expect_denied(probe(map_memfd, &open_fd), "mmap_file", "open-for-writing",
		      "memfd: without seals, mapped");
	expect_denied(probe(exec_memfd, &mapped), EXEC_HOOK, "open-for-writing",
		      "memfd: a writable mapping is kept");
	expect_denied(probe(exec_memfd, &sizes), EXEC_HOOK, "open-for-writing",
		      "memfd: its size is not sealed");
}

/*
 * Namespaces
 */

static int exec_in_namespace(void *arg)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return BROKEN;
	write_text("/proc/self/uid_map", "0 0 1");
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/gid_map", "0 0 1");
	if (mount("none", "/mnt", "tmpfs", 0, NULL))
		return BROKEN;
	copy(TARGET, "/mnt/target", arg);
	execl("/mnt/target", "target", NULL);
	return outcome_of(false, EACCES);
}

static void test_namespace(void)
{
	expect_allowed(probe(exec_in_namespace, ""), "user namespace: sealed copy on its tmpfs");
	expect_denied(probe(exec_in_namespace, "n"), EXEC_HOOK, "no-evidence",
		      "user namespace: unsealed copy on its tmpfs");
}

/*
 * What came with the initramfs
 */

static void test_boot(void)
{
	int fd;

	expect_allowed(probe_exec("/t/unsealed", EACCES), "boot_verified: file of the initramfs");
	copy("/t/unsealed", "/t/copied", "");
	expect_denied(probe_exec("/t/copied", EACCES), EXEC_HOOK, "no-evidence",
		      "boot_verified: a copy of it on the initramfs");
	if (rename("/t/copied", "/t/renamed") || link("/t/unsealed", "/t/copied"))
		broken("link");
	expect_denied(probe_exec("/t/renamed", EACCES), EXEC_HOOK, "no-evidence",
		      "boot_verified: the copy renamed");
	expect_allowed(probe_exec("/t/copied", EACCES), "boot_verified: another name of the file");
	fd = open("/t/unsealed", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		broken("/t/unsealed");
	close(fd);
	expect_denied(probe_exec("/t/unsealed", EACCES), EXEC_HOOK, "no-evidence",
		      "boot_verified: after it was open for writing");
}

int main(int argc, char **argv)
{
	dir = argc > 1 ? argv[1] : "/mnt";
	mkdir(dir, 0755);
	probe_init();
	test_exec();
	test_names();
	test_owner();
	test_unlinked();
	test_script();
	test_loader();
	test_tampered();
	test_writer();
	if (argc > 2)
		return 0;
	test_memfd();
	test_namespace();
	test_boot();
	return 0;
}
