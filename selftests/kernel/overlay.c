// SPDX-License-Identifier: MIT
/*
 * overlay FOLDER: overlayfs beyond stack.c: copies up that change no content, and those
 * of metadata alone, redirects, layers of layers, and one that a user has mounted. In
 * FOLDER, which is on a file system with extended attributes.
 */
#include <sched.h>
#include <sys/mount.h>

#include "probe.h"

#define EXEC_HOOK	"bprm_check_security"
#define MAP_HOOK	"mmap_file"
#define TARGET		"/t/target"

static const char *dir;

/* In the folder of one mount: lower, upper, work, merged. */
static void mount_overlay(const char *name, const char *lower, const char *options)
{
	char text[1024], path[300];
	static const char *const parts[] = { "", "/upper", "/work", "/merged" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, name, parts[i]);
		mkdir(path, 0755);
	}
	snprintf(text, sizeof(text), "lowerdir=%s,upperdir=%s/%s/upper,workdir=%s/%s/work%s", lower,
		 dir, name, dir, name, options);
	if (mount("overlay", path, "overlay", 0, text))
		broken("overlay with %s", text);
}

static void make_lower(const char *lower)
{
	mkdir(lower, 0755);
	copy(TARGET, in(lower, "good"), "");
	copy(TARGET, in(lower, "bad"), "x");
	copy(TARGET, in(lower, "changed"), "");
	mkdir(in(lower, "folder"), 0755);
	copy(TARGET, in(lower, "folder/good"), "");
	copy(TARGET, in(lower, "folder/bad"), "f");
}

static void both(const char *good, const char *bad, const char *what)
{
	expect_allowed(probe_exec(good, EACCES), "%s: sealed", what);
	expect_denied(probe_exec(bad, EACCES), EXEC_HOOK, "no-evidence", "%s: unsealed", what);
	expect_allowed(probe_map(good, EACCES), "%s: sealed, mapped", what);
	expect_denied(probe_map(bad, EACCES), MAP_HOOK, "no-evidence", "%s: unsealed, mapped",
		      what);
}

/* The owner is changed above, the content stays below. */
static void copy_up(const char *good, const char *bad)
{
	if (chown(good, 1, 1) || chown(bad, 1, 1))
		broken("chown");
}

static bool is_up(const char *mount_name, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s/upper/%s", dir, mount_name, name);
	return !access(path, F_OK);
}

static void test_unchanged(const char *lower)
{
	char good[300], bad[300];

	mount_overlay("plain", lower, "");
	snprintf(good, sizeof(good), "%s/plain/merged/good", dir);
	snprintf(bad, sizeof(bad), "%s/plain/merged/bad", dir);
	both(good, bad, "not copied up");
	copy_up(good, bad);
	ok(is_up("plain", "good"), "copied up");
	both(good, bad, "copied up, unchanged");
}

static void test_metacopy(const char *lower)
{
	char good[300], bad[300], changed[300];

	mount_overlay("meta", lower, ",metacopy=on,redirect_dir=on");
	snprintf(good, sizeof(good), "%s/meta/merged/good", dir);
	snprintf(bad, sizeof(bad), "%s/meta/merged/bad", dir);
	snprintf(changed, sizeof(changed), "%s/meta/merged/changed", dir);
	copy_up(good, bad);
	ok(is_up("meta", "good"), "metacopy: there is something above");
	both(good, bad, "metacopy");
	if (chown(changed, 1, 1))
		broken("chown");
	expect_allowed(probe_exec(changed, EACCES), "metacopy: before");
	flip_byte(in(lower, "changed"));
	expect_denied(probe_exec(changed, EACCES), EXEC_HOOK, "no-evidence",
		      "metacopy: changed below");
	flip_byte(in(lower, "changed"));
	expect_allowed(probe_exec(changed, EACCES), "metacopy: changed back below");
	flip_byte(changed);
	expect_denied(probe_exec(changed, EACCES), EXEC_HOOK, "no-evidence",
		      "metacopy: changed above");
	expect_allowed(probe_exec(in(lower, "changed"), EACCES), "metacopy: below it is as it was");
}

/* A folder that is there under another name. */
static void test_redirect(void)
{
	char from[300], to[300], good[320], bad[320];

	snprintf(from, sizeof(from), "%s/meta/merged/folder", dir);
	snprintf(to, sizeof(to), "%s/meta/merged/moved", dir);
	snprintf(good, sizeof(good), "%s/good", to);
	snprintf(bad, sizeof(bad), "%s/bad", to);
	if (rename(from, to))
		broken("rename");
	both(good, bad, "redirect_dir");
}

/* Layers of layers: the real inode is the one below all. */
static void test_nested(const char *lower)
{
	char merged[300], good[320], bad[320], changed[320], *map;
	int fd;

	mount_overlay("first", lower, "");
	snprintf(merged, sizeof(merged), "%s/first/merged", dir);
	mount_overlay("second", merged, "");
	snprintf(good, sizeof(good), "%s/second/merged/good", dir);
	snprintf(bad, sizeof(bad), "%s/second/merged/bad", dir);
	snprintf(changed, sizeof(changed), "%s/second/merged/changed", dir);
	both(good, bad, "layers of layers");
	fd = open(good, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		broken("mmap");
	close(fd);
	fd = open(in(lower, "good"), O_WRONLY | O_CLOEXEC);
	ok(fd < 0 && errno == ETXTBSY, "layers of layers: closed to writers below: ETXTBSY");
	close(fd);
	munmap(map, 4096);
	expect_allowed(probe_exec(changed, EACCES), "layers of layers: before");
	flip_byte(in(lower, "changed"));
	expect_denied(probe_exec(changed, EACCES), EXEC_HOOK, "no-evidence",
		      "layers of layers: changed below");
	flip_byte(in(lower, "changed"));
}

/* A user's own, in namespaces of his own. */
static int exec_as_user(void *tail)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return BROKEN;
	write_text("/proc/self/uid_map", "0 0 1");
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/gid_map", "0 0 1");
	if (mount("none", "/run", "tmpfs", 0, NULL))
		return BROKEN;
	mkdir("/run/lower", 0755);
	mkdir("/run/upper", 0755);
	mkdir("/run/work", 0755);
	mkdir("/run/merged", 0755);
	copy(TARGET, "/run/lower/target", "");
	if (mount("overlay", "/run/merged", "overlay", 0,
		  "lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work,userxattr"))
		return BROKEN;
	copy(TARGET, "/run/merged/target", tail);
	execl("/run/merged/target", "target", NULL);
	return outcome_of(false, EACCES);
}

static void test_user(void)
{
	expect_allowed(probe(exec_as_user, ""), "a user's overlay: sealed");
	expect_denied(probe(exec_as_user, "u"), EXEC_HOOK, "no-evidence",
		      "a user's overlay: unsealed");
}

/* The empty content is sealed; whoever maps such a file would keep writers off it. */
static void test_empty(const char *lower)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/plain/merged/empty", dir);
	write_text(path, "");
	if (chmod(path, 0755))
		broken("%s", path);
	expect_denied(probe_map(path, EACCES), MAP_HOOK, "empty-file", "an empty file, mapped");
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "empty-file", "an empty file, executed");
	/* It could be another one by the time it is read, if it was not held. */
	unlink("/run/loader");
	if (symlink(path, "/run/loader"))
		broken("/run/loader");
	expect_denied(probe_exec("/t/loaders/program", EACCES), "file_post_open", "empty-file",
		      "an empty file, as a loader");
	expect_denied(probe_map(path, EACCES), MAP_HOOK, "empty-file",
		      "an empty file, mapped after that");
	expect_denied(probe_map(in(lower, "empty"), EACCES), MAP_HOOK, "empty-file",
		      "an empty file, mapped below");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok(fd >= 0, "an empty file: open to writers");
	close(fd);
}

int main(int argc, char **argv)
{
	char lower[256];

	dir = argc > 1 ? argv[1] : "/mnt/overlay";
	mkdir(dir, 0755);
	probe_init();
	snprintf(lower, sizeof(lower), "%s/lower", dir);
	make_lower(lower);
	write_text(in(lower, "empty"), "");
	test_unchanged(lower);
	test_empty(lower);
	test_metacopy(lower);
	test_redirect();
	test_nested(lower);
	test_user();
	return 0;
}
