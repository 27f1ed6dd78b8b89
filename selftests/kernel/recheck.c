// SPDX-License-Identifier: MIT
/*
 * recheck DIR: under recheck=setuid, damage in the page cache that no writer made,
 * and that no remembered verdict knows of. DIR takes extended attributes.
 */
#include <linux/capability.h>
#include <linux/xattr.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "probe.h"

#define TARGET		"/t/target"
#define LIBRARY		"/t/libmarker.so"
#define USER		1000
#define EXEC_HOOK	"bprm_check_security"
#define MMAP_HOOK	"mmap_file"
#define CORRUPTED	"changed-without-a-write"

static const char *dir;

/* Flips a bit; the second time it is as it was. */
static void corrupt(const char *path)
{
	int fd = open("/t/corrupt.ko", O_RDONLY | O_CLOEXEC);
	char args[256];

	snprintf(args, sizeof(args), "file=%s", path);
	if (fd < 0 || syscall(SYS_finit_module, fd, args, 0) != -1 || errno != EAGAIN)
		broken("corrupt %s", path);
	close(fd);
}

static int exec_as_user(void *path)
{
	struct exec_args args = { .path = path, .want_errno = EACCES };

	if (setgid(USER) || setuid(USER))
		return BROKEN;
	return try_exec(&args);
}

static int as_user(const char *path)
{
	return probe(exec_as_user, (void *)path);
}

static const char *program(const char *name, mode_t mode)
{
	const char *path = in(dir, name);

	copy(TARGET, path, "");
	if (chmod(path, mode))
		broken("chmod");
	return path;
}

/* How often content was hashed while a program ran once more. */
static uint64_t hashed_by(const char *path)
{
	uint64_t before = stat_value("hashed");

	if (as_user(path) != ALLOWED)
		return UINT64_MAX;
	return stat_value("hashed") - before;
}

static void test_cost(void)
{
	const char *plain = program("plain", 0755), *setuid_path = program("setuid", 04755);

	expect_allowed(as_user(plain), "program of no rights");
	expect_allowed(as_user(setuid_path), "setuid program");
	ok(!hashed_by(plain), "program of no rights: not hashed again");
	ok(hashed_by(setuid_path) == 1, "setuid program: hashed again");
}

static void test_rights(const char *what, const char *path)
{
	expect_allowed(as_user(path), "%s", what);
	corrupt(path);
	expect_denied(as_user(path), EXEC_HOOK, CORRUPTED, "%s: a bit flipped in memory", what);
	expect_denied(as_user(path), EXEC_HOOK, "no-evidence", "%s: it stays so", what);
	corrupt(path);
	expect_denied(as_user(path), EXEC_HOOK, CORRUPTED, "%s: flipped back", what);
	expect_allowed(as_user(path), "%s: what it was", what);
}

static const char *with_capability(void)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAP_NET_BIND_SERVICE,
	};
	const char *path = program("capable", 0755);

	if (setxattr(path, XATTR_SECURITY_PREFIX "capability", &data, sizeof(data), 0))
		broken("capability");
	return path;
}

/* The limit, which the threat model names. */
static void test_no_rights(void)
{
	const char *path = in(dir, "plain");

	corrupt(path);
	expect_allowed(as_user(path), "program of no rights: a bit flipped in memory, not seen");
	corrupt(path);
}

static int map_undumpable(void *path)
{
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC,
				 .want_errno = EACCES };

	if (prctl(PR_SET_DUMPABLE, 0))
		return BROKEN;
	return try_map(&args);
}

static void test_library(void)
{
	const char *path = in(dir, "library.so");

	copy(LIBRARY, path, "");
	expect_allowed(probe(map_undumpable, (void *)path), "library of a program with rights");
	corrupt(path);
	expect_allowed(probe_map(path, EACCES), "library of another: a bit flipped, not seen");
	expect_denied(probe(map_undumpable, (void *)path), MMAP_HOOK, CORRUPTED,
		      "library of a program with rights: a bit flipped in memory");
	expect_denied(probe_map(path, EACCES), MMAP_HOOK, "no-evidence",
		      "library of another: now it is seen");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return BROKEN;
	dir = argv[1];
	probe_init();
	test_cost();
	test_rights("setuid program", in(dir, "setuid"));
	test_rights("setgid program", program("setgid", 02755));
	test_rights("program with capabilities", with_capability());
	test_no_rights();
	test_library();
	return 0;
}
