// SPDX-License-Identifier: MIT
/*
 * doors DIR: ways to have a program run, or code mapped, beside the plain ones of
 * exec.c and map.c. Where the kernel has no hook, the result is the honest one.
 */
#include <elf.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "probe.h"

#define EXEC_HOOK	"bprm_check_security"
#define OPEN_HOOK	"file_post_open"	/* what is opened to execute beside it */
#define MAP_HOOK	"mmap_file"
#define TARGET		"/t/target"
#define AT_CHECK	0x10000		/* AT_EXECVE_CHECK, since 6.14 */

static const char *dir;
static char good[256], bad[256];

/* A limit that is known and documented: the test fails when it is gone, or another. */
static void expect_limit(int got, const char *name)
{
	expect_allowed(got, "%s: known limit", name);
}

/*
 * Chains of scripts: /t/chain-N, sealed, names /run/chain/N+1 as its interpreter
 */

#define CHAIN	5	/* scripts that may follow each other */

static char *chain_path(int n)
{
	static char path[32];

	snprintf(path, sizeof(path), "/run/chain/%d", n);
	return path;
}

static void make_chain(int length)
{
	char from[32];

	mkdir("/run/chain", 0755);
	for (int i = 1; i <= length; i++) {
		snprintf(from, sizeof(from), "/t/chain-%d", i);
		copy(from, chain_path(i), "");
	}
	copy(TARGET, chain_path(length + 1), "");
}

static void test_chain(void)
{
	char from[32];

	make_chain(CHAIN);
	expect_allowed(probe_exec("/run/chain/1", EACCES), "chain of %d scripts: sealed", CHAIN);
	for (int i = 1; i <= CHAIN + 1; i++) {
		snprintf(from, sizeof(from), "/t/chain-%d", i);
		copy(i > CHAIN ? TARGET : from, chain_path(i), "#\n");
		expect_denied(probe_exec("/run/chain/1", EACCES), i > 1 ? OPEN_HOOK : EXEC_HOOK,
			      "no-evidence", "chain of %d scripts: link %d unsealed", CHAIN, i);
		copy(i > CHAIN ? TARGET : from, chain_path(i), "");
	}
	expect_allowed(probe_exec("/run/chain/1", EACCES), "chain of %d scripts: control", CHAIN);
	make_chain(CHAIN + 1);
	expect(DENIED, probe_exec("/run/chain/1", ELOOP), "chain of %d scripts: ELOOP", CHAIN + 1);
}

/*
 * binfmt_misc
 */

#define BINFMT	"/proc/sys/fs/binfmt_misc/"

static void binfmt(const char *interpreter, const char *flags)
{
	char line[128];

	snprintf(line, sizeof(line), ":door:E::door::%s:%s", interpreter, flags);
	write_text(BINFMT "register", line);
}

static void test_binfmt_flags(const char *flags, const char *file)
{
	const char *interpreter = in(dir, "interpreter");

	copy(TARGET, interpreter, "");
	binfmt(interpreter, flags);
	expect_allowed(probe_exec(file, EACCES), "binfmt_misc, flags '%s': sealed", flags);
	write_text(BINFMT "door", "-1");
	copy(TARGET, interpreter, "b");
	binfmt(interpreter, flags);
	expect_denied(probe_exec(file, EACCES), strchr(flags, 'F') ? EXEC_HOOK : OPEN_HOOK,
		      "no-evidence", "binfmt_misc, flags '%s': unsealed interpreter", flags);
	write_text(BINFMT "door", "-1");
}

/* The interpreter is opened at registration, and it is that file that is judged. */
static void test_binfmt_swapped(const char *file)
{
	const char *interpreter = in(dir, "interpreter"), *other = in(dir, "other");
	int fd;

	copy(TARGET, interpreter, "bb");
	copy(TARGET, other, "");
	binfmt(interpreter, "F");
	if (rename(other, interpreter))
		broken("rename");
	expect_denied(probe_exec(file, EACCES), EXEC_HOOK, "no-evidence",
		      "binfmt_misc F: a sealed one has taken its name since");
	write_text(BINFMT "door", "-1");
	binfmt(interpreter, "F");
	fd = open(interpreter, O_WRONLY | O_CLOEXEC);
	ok(fd < 0 && errno == ETXTBSY, "binfmt_misc F: closed to writers: ETXTBSY");
	close(fd);
	expect_allowed(probe_exec(file, EACCES), "binfmt_misc F: control");
	write_text(BINFMT "door", "-1");
}

static void test_binfmt(void)
{
	char file[256];

	snprintf(file, sizeof(file), "%s/file.door", dir);
	copy("/t/script", file, "");
	if (access(BINFMT "register", F_OK) &&
	    mount("binfmt_misc", BINFMT, "binfmt_misc", 0, NULL))
		broken("binfmt_misc");
	test_binfmt_flags("", file);
	test_binfmt_flags("O", file);
	test_binfmt_flags("F", file);
	test_binfmt_swapped(file);
}

/*
 * Files without a name, or by another
 */

static int exec_fd(int fd)
{
	const char *const argv[] = { "fd", NULL }, *const none[] = { NULL };

	syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH);
	return outcome_of(false, EACCES);
}

/* Written, then opened anew without a name. */
static int exec_tmpfile(void *tail)
{
	int fd = open(dir, O_TMPFILE | O_RDWR, 0755), again;
	char name[64];

	if (fd < 0)
		return BROKEN;
	copy_fd(TARGET, fd, tail);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, O_RDONLY);
	close(fd);
	return exec_fd(again);
}

static int exec_by_link(void *path)
{
	int fd = open(path, O_RDONLY);
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	execl(name, "link", NULL);
	return outcome_of(false, EACCES);
}

static int exec_o_path(void *path)
{
	return exec_fd(open(path, O_PATH));
}

/* Of a file whose name is gone. */
static int map_unlinked(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || unlink(path))
		return BROKEN;
	return outcome_of(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED,
			  EACCES);
}

static void test_nameless(void)
{
	const char *path = in(dir, "unlinked");

	expect_allowed(probe(exec_tmpfile, ""), "O_TMPFILE: sealed content");
	expect_denied(probe(exec_tmpfile, "t"), EXEC_HOOK, "no-evidence",
		      "O_TMPFILE: unsealed content");
	expect_allowed(probe(exec_by_link, good), "/proc/self/fd: sealed");
	expect_denied(probe(exec_by_link, bad), EXEC_HOOK, "no-evidence",
		      "/proc/self/fd: unsealed");
	expect_allowed(probe(exec_o_path, good), "O_PATH: sealed");
	expect_denied(probe(exec_o_path, bad), EXEC_HOOK, "no-evidence", "O_PATH: unsealed");
	copy(TARGET, path, "");
	expect_allowed(probe(map_unlinked, (void *)path), "unlinked, mapped: sealed");
	copy(TARGET, path, "u");
	expect_denied(probe(map_unlinked, (void *)path), MAP_HOOK, "no-evidence",
		      "unlinked, mapped: unsealed");
}

static void test_place(const char *place, const char *name)
{
	const char *path = in(place, "place");

	copy(TARGET, path, "");
	expect_allowed(probe_exec(path, EACCES), "%s: sealed", name);
	copy(TARGET, path, "p");
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence", "%s: unsealed", name);
	unlink(path);
}

static void test_places(void)
{
	mkdir("/run/ramfs", 0755);
	if (mount("none", "/run/ramfs", "ramfs", 0, NULL))
		broken("ramfs");
	test_place("/dev/shm", "/dev/shm");
	test_place("/dev", "/dev");
	test_place("/tmp", "initramfs");
	test_place("/run/ramfs", "ramfs");
}

/*
 * Memory that is a file
 */

static int map_secret(void *unused)
{
	int fd = syscall(SYS_memfd_secret, O_CLOEXEC);

	(void)unused;
	if (fd < 0)
		return DENIED_OTHERWISE;
	if (ftruncate(fd, 4096))
		return BROKEN;
	return outcome_of(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) != MAP_FAILED,
			  EACCES);
}

static int attach_shm(void *flags)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
	void *at = shmat(id, NULL, (intptr_t)flags);
	int err = errno;

	shmctl(id, IPC_RMID, NULL);
	errno = err;
	return outcome_of(at != (void *)-1, EACCES);
}

static void test_memory(void)
{
	struct map_args zero = { .path = "/dev/zero", .prot = PROT_READ, .want_errno = EACCES };
	int got = probe(map_secret, NULL);

	if (got == DENIED_OTHERWISE)
		ok(true, "memfd_secret # SKIP this kernel has none");
	else
		expect_denied(got, MAP_HOOK, "unstable-filesystem", "memfd_secret: executable");
	expect_allowed(probe(attach_shm, NULL), "shmat");
	expect_denied(probe(attach_shm, (void *)SHM_EXEC), MAP_HOOK, "no-evidence",
		      "shmat: SHM_EXEC");
	expect_allowed(probe(try_map, &zero), "/dev/zero");
	zero.prot |= PROT_EXEC;
	expect_denied(probe(try_map, &zero), MAP_HOOK, "no-evidence",
		      "/dev/zero: executable");
}

/*
 * Mounts
 */

static void test_bind(void)
{
	const char *at = in(dir, "bound");

	copy("/t/script", at, "");
	if (mount(bad, at, NULL, MS_BIND, NULL))
		broken("bind mount");
	expect_denied(probe_exec(at, EACCES), EXEC_HOOK, "no-evidence", "bind mount: unsealed");
	umount2(at, MNT_DETACH);
	if (mount(good, at, NULL, MS_BIND, NULL))
		broken("bind mount");
	expect_allowed(probe_exec(at, EACCES), "bind mount: sealed");
	umount2(at, MNT_DETACH);
}

static void test_remount(void)
{
	mkdir("/run/noexec", 0755);
	if (mount("none", "/run/noexec", "tmpfs", MS_NOEXEC, NULL))
		broken("tmpfs");
	copy(TARGET, "/run/noexec/good", "");
	copy(TARGET, "/run/noexec/bad", "n");
	expect(DENIED, probe_exec("/run/noexec/good", EACCES), "noexec: sealed: EACCES");
	if (mount(NULL, "/run/noexec", NULL, MS_REMOUNT, NULL))
		broken("remount");
	expect_allowed(probe_exec("/run/noexec/good", EACCES), "remounted exec: sealed");
	expect_denied(probe_exec("/run/noexec/bad", EACCES), EXEC_HOOK, "no-evidence",
		      "remounted exec: unsealed");
	umount2("/run/noexec", MNT_DETACH);
}

static int exec_pivoted(void *tail)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/run/ramfs", "tmpfs", 0, NULL))
		return BROKEN;
	copy(TARGET, "/run/ramfs/target", tail);
	/* The initramfs cannot be pivoted away from; its mount can be moved over. */
	if (chdir("/run/ramfs") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		return BROKEN;
	execl("/target", "target", NULL);
	return outcome_of(false, EACCES);
}

static pid_t start_mapped_user(void)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC))
		broken("pipe2");
	pid = fork();
	if (!pid) {
		if (!unshare(CLONE_NEWUSER))
			write_file(ready[1], "", 1);
		pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		broken("user namespace");
	close(ready[0]);
	return pid;
}

struct id_mapped {	/* struct mount_attr */
	uint64_t set, clear, propagation, userns_fd;
};

static void mount_id_mapped(const char *from, const char *to)
{
	struct id_mapped attr = { .set = 0x00100000 /* MOUNT_ATTR_IDMAP */ };
	pid_t pid = start_mapped_user();
	char path[64];
	int tree;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_text(path, "0 1000 10");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_text(path, "0 1000 10");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	attr.userns_fd = open(path, O_RDONLY | O_CLOEXEC);
	tree = syscall(SYS_open_tree, AT_FDCWD, from, 1 /* OPEN_TREE_CLONE */);
	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, to, 4 /* MOVE_MOUNT_F_EMPTY_PATH */))
		broken("mount with mapped ids");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_id_mapped(void)
{
	mkdir("/run/mapped", 0755);
	mount_id_mapped(dir, "/run/mapped");
	expect_allowed(probe_exec("/run/mapped/good", EACCES), "mapped ids: sealed");
	expect_denied(probe_exec("/run/mapped/bad", EACCES), EXEC_HOOK, "no-evidence",
		      "mapped ids: unsealed");
	umount2("/run/mapped", MNT_DETACH);
}

static void test_mounts(void)
{
	test_bind();
	test_remount();
	expect_allowed(probe(exec_pivoted, ""), "another root: sealed");
	expect_denied(probe(exec_pivoted, "r"), EXEC_HOOK, "no-evidence", "another root: unsealed");
	test_id_mapped();
}

/*
 * Old ways to map code
 */

/* The kernel's calls for i386, from a 64-bit program. */
static long call32(long nr, uint32_t arg)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a" (ret) : "a" (nr), "b" (arg)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void make_uselib(const char *path)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr segment;
	} elf = {
		{
			.e_ident = ELFMAG "\2\1\1", .e_type = ET_EXEC, .e_machine = EM_X86_64,
			.e_version = 1, .e_phoff = sizeof(elf.head), .e_ehsize = sizeof(elf.head),
			.e_phentsize = sizeof(elf.segment), .e_phnum = 1,
		}, {
			.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x20000000,
			.p_filesz = sizeof(elf), .p_memsz = sizeof(elf), .p_align = 4096,
		},
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	write_file(fd, &elf, sizeof(elf));
	close(fd);
}

static bool uselib32(const char *path)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret;

	strcpy(low, path);
	ret = call32(86, (uintptr_t)low);
	errno = -ret;
	return !ret;
}

static int try_uselib(void *path)
{
	return outcome_of(uselib32(path), EACCES);
}

/* It asks for a mapping that is writable and executable. */
static void test_uselib(void)
{
	char path[256];

	if (probe_exec("/t/mark32", ENOEXEC) != ALLOWED || uselib32("/none") || errno == ENOSYS) {
		ok(true, "uselib # SKIP this kernel has none");
		return;
	}
	snprintf(path, sizeof(path), "%s/uselib", dir);
	make_uselib(path);
	expect_denied(probe(try_uselib, path), MAP_HOOK, "writable-and-executable", "uselib");
}

/*
 * The mapping is made executable by what the process is, not by what it asks for. It
 * must be shared, of a file that is open for writing.
 */
static int remap(void *persona)
{
	int fd = open(good, O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return BROKEN;
	personality((intptr_t)persona);
	return outcome_of(!syscall(SYS_remap_file_pages, map, 4096UL, 0UL, 1UL, 0UL), ETXTBSY);
}

static void test_remap(void)
{
	expect_allowed(probe(remap, NULL), "remap_file_pages");
	expect_denied(probe(remap, (void *)READ_IMPLIES_EXEC), MAP_HOOK, "open-for-writing",
		      "remap_file_pages: executable");
}

static void test_i386(void)
{
	const char *path = in(dir, "mark32");
	int got = probe_exec("/t/mark32", ENOEXEC);

	if (got == DENIED) {
		ok(true, "i386 # SKIP this kernel runs no such programs");
		return;
	}
	copy("/t/mark32", path, "");
	expect_allowed(probe_exec(path, EACCES), "i386: sealed");
	copy("/t/mark32", path, "32");
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence", "i386: unsealed");
}

/*
 * What this kernel cannot close
 */

static int check_only(void *path)
{
	const char *const argv[] = { "check", NULL }, *const none[] = { NULL };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (!syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH | AT_CHECK))
		return ALLOWED;
	return outcome_of(false, EACCES);
}

static bool has_check(void)
{
	const char *const argv[] = { "check", NULL }, *const none[] = { NULL };
	int fd = open(good, O_RDONLY | O_CLOEXEC);

	return !syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH | AT_CHECK);
}

static void test_interpreter(void)
{
	const char *script = in(dir, "script.sh");
	struct exec_args args = { .path = "/bin/busybox", .argv = { "sh", script },
				  .want_errno = EACCES };

	write_text(script, "exit 10\n");
	expect_limit(probe(try_exec, &args), "an unsealed script as an interpreter's argument");
	if (!has_check()) {
		ok(true, "AT_EXECVE_CHECK # SKIP this kernel has none");
		return;
	}
	expect_allowed(probe(check_only, good), "AT_EXECVE_CHECK: sealed");
	expect_denied(probe(check_only, bad), EXEC_HOOK, "no-evidence",
		      "AT_EXECVE_CHECK: unsealed");
}

/*
 * The kernel gives it to who asks for it in his headers, and all memory to 32-bit
 * programs that say nothing. It is ANON_EXEC; those named -jit are sealed for it.
 */
static void test_stacks(void)
{
	const char *path = in(dir, "execstack");

	expect_denied(probe_exec("/t/execstack", EACCES), EXEC_HOOK, "no-evidence",
		      "executable stack: sealed for execution alone");
	expect_allowed(probe_exec("/t/execstack-jit", EACCES), "executable stack: sealed for it");
	copy("/t/execstack", path, "x");
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence",
		      "executable stack: unsealed");
	expect_allowed(probe_exec("/t/mark-silent", EACCES), "64 bits, nothing said of the stack");
	if (probe_exec("/t/mark32", ENOEXEC) == DENIED)
		return;
	expect_denied(probe_exec("/t/mark32-silent", EACCES), EXEC_HOOK, "no-evidence",
		      "32 bits, nothing said of the stack: sealed for execution alone");
	expect_allowed(probe_exec("/t/mark32-jit", EACCES),
		       "32 bits, nothing said of the stack: sealed for it");
}

/* As users have it: the kernel takes it away from those that change their rights. */
static int exec_implied(void *args)
{
	if (personality(READ_IMPLIES_EXEC) < 0)
		return BROKEN;
	return try_exec(args);
}

static int probe_implied(const char *path, const char *arg)
{
	struct exec_args args = { .path = path, .argv = { path, arg }, .want_errno = EACCES };

	return probe(exec_implied, &args);
}

/*
 * READ_IMPLIES_EXEC is taken over by programs for i386, and makes all of their memory
 * executable. What is mapped of files is asked for; their other memory is not.
 */
static void test_implied(void)
{
	expect_allowed(probe_implied("/t/mark", NULL), "READ_IMPLIES_EXEC, 64 bits: taken away");
	if (probe_exec("/t/bss32", ENOEXEC) == DENIED)
		return;
	expect_allowed(probe_exec("/t/bss32", EACCES), "memory without a file: control");
	expect_denied(probe_implied("/t/bss32", "run"), EXEC_HOOK, "usage-not-granted",
		      "READ_IMPLIES_EXEC, memory without a file: sealed for execution alone");
	expect_allowed(probe_exec("/t/bss32", EACCES), "memory without a file: afterwards");
	expect_allowed(probe_implied("/t/bss32-jit", "run"),
		       "READ_IMPLIES_EXEC, memory without a file: sealed for it");
}

int main(int argc, char **argv)
{
	dir = argc > 1 ? argv[1] : "/mnt/doors";
	mkdir(dir, 0755);
	probe_init();
	snprintf(good, sizeof(good), "%s/good", dir);
	snprintf(bad, sizeof(bad), "%s/bad", dir);
	copy(TARGET, good, "");
	copy(TARGET, bad, "bad");
	test_chain();
	test_binfmt();
	test_nameless();
	test_places();
	test_memory();
	test_mounts();
	test_uselib();
	test_remap();
	test_i386();
	test_stacks();
	test_implied();
	test_interpreter();
	return 0;
}
