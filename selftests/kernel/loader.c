// SPDX-License-Identifier: MIT
/*
 * loader DIR: what the kernel opens to execute beside the file that it is asked for:
 * the loader that a program names (PT_INTERP), of every shape and in every place, and
 * the interpreter of a script. "loader make DIR" makes the files that get sealed.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "elves.h"

#define OPEN_HOOK	"file_post_open"
#define MAP_HOOK	"mmap_file"
#define PROGRAM		ELVES "/program"

static const char *dir;

static int make_all(const char *to)
{
	if (mkdir(to, 0755))
		broken("%s", to);
	for (size_t i = 0; i < ARRAY_SIZE(elves); i++)
		make_elf(&elves[i], in(to, elves[i].name));
	return 0;
}

/* A copy of a sealed loader is what the program gets; @tail: it is another file. */
static const char *place(const char *name, const char *tail)
{
	const char *path = in(dir, name);

	copy(in(ELVES, name), path, tail);
	point(LOADER, path);
	return path;
}

/* The kernel maps it, and that is refused when there is no way back. */
static int outcome_at_mapping(void)
{
	struct exec_args args = { .path = PROGRAM };
	pid_t pid = start_probe(try_exec, &args);
	int status;

	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? DENIED : BROKEN;
}

static void test_shape(const char *name)
{
	place(name, "");
	if (!strcmp(name, "write-exec"))
		expect_denied(outcome_at_mapping(), MAP_HOOK, "writable-and-executable",
			      "loader %s: sealed", name);
	else
		expect_allowed(probe_exec(PROGRAM, EACCES), "loader %s: sealed", name);
	place(name, "x");
	expect_denied(probe_exec(PROGRAM, EACCES), OPEN_HOOK, "no-evidence", "loader %s: unsealed",
		      name);
}

static void test_shapes(void)
{
	bool loaders = false;

	for (size_t i = 0; i < ARRAY_SIZE(elves); i++) {
		loaders |= !strcmp(elves[i].name, "plain");
		if (loaders)
			test_shape(elves[i].name);
	}
}

/*
 * What a segment has beyond its file is memory without one. The kernel maps it without a
 * question, writable, and executable where the header says so.
 */
static void test_bss(void)
{
	point(LOADER, "/t/bss-plain");
	expect_allowed(probe_exec(PROGRAM, EACCES), "loader bss: sealed for execution alone");
	expect_allowed(probe_exec("/t/bss-plain", EACCES),
		       "program bss: sealed for execution alone");
	expect_allowed(probe_exec(ELVES "/bss-exec", EACCES),
		       "program bss-exec: sealed for executable memory");
	expect_denied(probe_exec("/t/bss-exec-plain", EACCES), "bprm_check_security",
		      "no-evidence", "program bss-exec: may be executed, and no more");
	point(LOADER, "/t/bss-exec-plain");
	expect_denied(probe_exec(PROGRAM, EACCES), OPEN_HOOK, "no-evidence",
		      "loader bss-exec: may be executed, and no more");
	expect_denied(probe_exec(PROGRAM, EACCES), OPEN_HOOK, "no-evidence",
		      "loader bss-exec: again");
}

static void test_names(void)
{
	if (chdir(dir))
		broken("%s", dir);
	copy(ELVES "/plain", "loader", "");
	expect_allowed(probe_exec(ELVES "/relative", EACCES), "loader by a relative name: sealed");
	copy(ELVES "/plain", "loader", "x");
	expect_denied(probe_exec(ELVES "/relative", EACCES), OPEN_HOOK, "no-evidence",
		      "loader by a relative name: unsealed");
	/* What is no regular file the kernel does not open to execute. */
	mkdir(in(dir, "folder"), 0755);
	point(LOADER, in(dir, "folder"));
	expect(DENIED, probe_exec(PROGRAM, EACCES), "loader is a folder: EACCES");
	mkfifo(in(dir, "fifo"), 0755);
	point(LOADER, in(dir, "fifo"));
	expect(DENIED, probe_exec(PROGRAM, EACCES), "loader is a FIFO: EACCES, and nobody waits");
	point(LOADER, "/dev/zero");
	expect(DENIED, probe_exec(PROGRAM, EACCES), "loader is a device: EACCES");
	place("plain", "");
	expect_allowed(probe_exec(PROGRAM, EACCES), "loader: control");
}

static int memfd_loader(const char *tail, int seals, int want_errno)
{
	int fd = memfd_create("loader", MFD_CLOEXEC | MFD_ALLOW_SEALING), got;
	char name[64];

	copy_fd(ELVES "/plain", fd, tail);
	if (seals && fcntl(fd, F_ADD_SEALS, seals))
		broken("seals");
	snprintf(name, sizeof(name), "/proc/%d/fd/%d", getpid(), fd);
	point(LOADER, name);
	got = probe_exec(PROGRAM, want_errno);
	close(fd);
	return got;
}

static void test_memfd(void)
{
	const int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

	expect_allowed(memfd_loader("", all, EACCES), "loader is a memfd: with seals, sealed");
	expect_denied(memfd_loader("x", all, EACCES), OPEN_HOOK, "no-evidence",
		      "loader is a memfd: another content");
	expect_denied(memfd_loader("", 0, ETXTBSY), OPEN_HOOK, "open-for-writing",
		      "loader is a memfd: without seals");
}

/* A user namespace and its own mounts. */
static bool enter_namespaces(int uid)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", uid);
	if (uid && (setgid(uid) || setuid(uid) || prctl(PR_SET_DUMPABLE, 1)))
		return false;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	write_text("/proc/self/uid_map", map);
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/gid_map", map);
	return true;
}

static int in_own_namespace(void *tail)
{
	if (!enter_namespaces(0))
		return BROKEN;
	if (mount("none", dir, "tmpfs", 0, NULL))
		return BROKEN;
	copy(ELVES "/plain", in(dir, "plain"), tail);
	execl(PROGRAM, "program", NULL);
	return outcome_of(false, EACCES);
}

static void test_namespace(void)
{
	place("plain", "");
	expect_allowed(probe(in_own_namespace, ""), "loader in one's own mount namespace: sealed");
	expect_denied(probe(in_own_namespace, "n"), OPEN_HOOK, "no-evidence",
		      "loader in one's own mount namespace: unsealed");
	place("plain", "");
	expect_allowed(probe_exec(PROGRAM, EACCES), "loader: outside of it, as it was");
}

/* As a user, in a root of his own. */
static int in_own_root(void *tail)
{
	char root[200];

	snprintf(root, sizeof(root), "%s/root", dir);
	if (!enter_namespaces(1000))
		return BROKEN;
	if (mount("none", root, "tmpfs", 0, NULL))
		return BROKEN;
	mkdir(in(root, "run"), 0755);
	copy(ELVES "/plain", in(root, "run/loader"), tail);
	copy(PROGRAM, in(root, "program"), "");
	if (chroot(root) || chdir("/"))
		return BROKEN;
	execl("/program", "program", NULL);
	return outcome_of(false, EACCES);
}

static void test_root(void)
{
	mkdir(in(dir, "root"), 0755);
	expect_allowed(probe(in_own_root, ""), "loader in a user's own root: sealed");
	expect_denied(probe(in_own_root, "n"), OPEN_HOOK, "no-evidence",
		      "loader in a user's own root: unsealed");
}

static void mount_overlay(const char *at, const char *lower)
{
	char text[1024];

	mkdir("/run/loader-overlay", 0755);
	if (mount("none", "/run/loader-overlay", "tmpfs", 0, NULL))
		broken("tmpfs");
	mkdir("/run/loader-overlay/upper", 0755);
	mkdir("/run/loader-overlay/work", 0755);
	mkdir(at, 0755);
	snprintf(text, sizeof(text),
		 "lowerdir=%s,upperdir=/run/loader-overlay/upper,workdir=/run/loader-overlay/work",
		 lower);
	if (mount("overlay", at, "overlay", 0, text))
		broken("overlay with %s", text);
}

/* Without a page that is mapped executable, nothing but its opening shows it. */
static void test_overlay(void)
{
	static const char *const names[] = { "plain", "no-page" };
	char at[200], lower[200], path[300];

	snprintf(at, sizeof(at), "%s/merged", dir);
	snprintf(lower, sizeof(lower), "%s/lower", dir);
	mkdir(lower, 0755);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		copy(in(ELVES, names[i]), in(lower, names[i]), "");
	mount_overlay(at, lower);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", at, names[i]);
		point(LOADER, path);
		expect_allowed(probe_exec(PROGRAM, EACCES), "loader %s on overlayfs: sealed, below",
			       names[i]);
		copy(in(ELVES, names[i]), path, "");
		expect_allowed(probe_exec(PROGRAM, EACCES), "loader %s on overlayfs: sealed, above",
			       names[i]);
		flip_byte(path);
		expect_denied(probe_exec(PROGRAM, EACCES), OPEN_HOOK, "no-evidence",
			      "loader %s on overlayfs: unsealed, above", names[i]);
	}
	umount2(at, MNT_DETACH);
	umount2("/run/loader-overlay", MNT_DETACH);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "make"))
		return make_all(argv[2]);
	dir = argc > 1 ? argv[1] : "/mnt/loader";
	mkdir(dir, 0755);
	probe_init();
	test_shapes();
	test_bss();
	test_names();
	test_memfd();
	test_namespace();
	test_root();
	test_overlay();
	return 0;
}
