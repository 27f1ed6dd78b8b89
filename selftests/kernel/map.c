// SPDX-License-Identifier: MIT
/*
 * map DIR: executable mappings of files in a folder of DIR's file system: shared
 * libraries, the hold on what is mapped, and W^X.
 */
#include <sys/personality.h>

#include "probe.h"

#define MAP_HOOK	"mmap_file"
#define PROTECT_HOOK	"file_mprotect"
#define LIBRARY		"/t/libmarker.so"
#define MARKER		"/run/marker"

static const char *dir;

/*
 * Shared libraries
 */

/* Runs dynamic with a library by the variable @env, or to dlopen() it. */
static int probe_library(const char *env, const char *library)
{
	static char setting[300];
	struct exec_args args = {
		.path = in(dir, "dynamic"), .want_errno = EACCES,
		.argv = { "dynamic", env ? NULL : library },
		.env = { "MARKER=" MARKER, "LD_LIBRARY_PATH=/lib64", env ? setting : NULL },
	};

	unlink(MARKER);
	snprintf(setting, sizeof(setting), "%s=%s", env, library);
	return probe(try_exec, &args);
}

/* A program whose library is refused runs on; its code must not have run. */
static void test_forced(const char *env)
{
	const char *good = in(dir, "libgood.so"), *bad = in(dir, "libbad.so");
	int got;

	copy(LIBRARY, good, "");
	copy(LIBRARY, bad, env);
	got = probe_library(env, good);
	expect_allowed(!access(MARKER, F_OK) ? got : BROKEN, "%s: sealed library", env);
	got = probe_library(env, bad);
	if (got == ALLOWED && access(MARKER, F_OK))
		got = DENIED;
	expect_denied(got, MAP_HOOK, "no-evidence", "%s: unsealed library", env);
}

static void test_library(void)
{
	const char *path = in(dir, "lib.so");

	copy("/t/dynamic", in(dir, "dynamic"), "");
	copy(LIBRARY, path, "");
	expect_allowed(probe_library(NULL, path), "library: sealed");
	copy(LIBRARY, path, "x");
	expect_denied(probe_library(NULL, path), MAP_HOOK, "no-evidence", "library: unsealed");
	test_forced("LD_PRELOAD");
	test_forced("LD_AUDIT");
}

/*
 * Writers
 */

/* Maps a file executable and stays; writes a byte to a pipe when it has. */
struct holder {
	const char *path;
	int ready[2];
	bool unmap;		/* the mapping goes, the descriptor stays */
	uid_t uid;
};

static int hold(void *arg)
{
	struct holder *h = arg;
	void *map;
	int fd;

	if (setuid(h->uid))
		return BROKEN;
	fd = open(h->path, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return BROKEN;
	if (h->unmap ? munmap(map, 4096) : close(fd))
		return BROKEN;
	write_file(h->ready[1], "", 1);
	pause();
	return BROKEN;
}

static pid_t start_holder(const char *path, bool unmap, uid_t uid)
{
	struct holder h = { .path = path, .unmap = unmap, .uid = uid };
	pid_t pid;
	char c;

	if (pipe2(h.ready, O_CLOEXEC))
		broken("pipe2");
	pid = start_probe(hold, &h);
	close(h.ready[1]);
	if (read(h.ready[0], &c, 1) != 1)
		broken("%s is not mapped", path);
	close(h.ready[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	usleep(50000);	/* the last reference to a file goes after its process */
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return outcome_of(fd >= 0, ETXTBSY);
}

static void test_held(bool unmap, const char *what)
{
	const char *path = in(dir, "held.so");
	pid_t pid;

	copy(LIBRARY, path, "");
	expect_allowed(try_open(path, O_WRONLY), "%s: writable before", what);
	pid = start_holder(path, unmap, 0);
	expect(DENIED, try_open(path, O_WRONLY), "%s: open for writing: ETXTBSY", what);
	expect(DENIED, try_open(path, O_RDWR | O_TRUNC), "%s: open to truncate: ETXTBSY", what);
	expect(DENIED, outcome_of(!truncate(path, 1), ETXTBSY), "%s: truncate: ETXTBSY", what);
	expect_allowed(probe_map(path, EACCES), "%s: another process maps it", what);
	expect(DENIED, try_open(path, O_WRONLY), "%s: still closed to writers", what);
	end_holder(pid);
	expect_allowed(try_open(path, O_WRONLY), "%s: writable afterwards", what);
	expect_allowed(probe_map(path, EACCES), "%s: not written, maps again", what);
	flip_byte(path);
	expect_denied(probe_map(path, EACCES), MAP_HOOK, "no-evidence",
		      "%s: refused once written", what);
}

static void test_unsealed_not_held(void)
{
	const char *path = in(dir, "unsealed.so");

	copy(LIBRARY, path, "h");
	expect_denied(probe_map(path, EACCES), MAP_HOOK, "no-evidence", "unsealed library");
	expect_allowed(try_open(path, O_WRONLY), "unsealed library: not closed to writers");
}

static int map_as_user(void *args)
{
	return setgid(1000) || setuid(1000) ? BROKEN : try_map(args);
}

/*
 * Whoever may read a file closes it to writers by mapping it, if its content is sealed.
 * The empty content is that of logs and locks as well.
 */
static void test_empty(void)
{
	struct map_args args = { .path = in(dir, "empty"), .prot = PROT_READ | PROT_EXEC,
				 .want_errno = EACCES };
	const char *path = args.path;

	unlink(path);
	write_text(path, "");
	if (chmod(path, 0755))
		broken("%s", path);
	expect_denied(probe(map_as_user, &args), MAP_HOOK, "empty-file", "empty: mapped by a user");
	expect(DENIED, probe_exec(path, ENOEXEC), "empty: executed: ENOEXEC, as the kernel says");
	expect_denied(probe(map_as_user, &args), MAP_HOOK, "empty-file",
		      "empty: mapped by a user after that");
	args.prot = PROT_READ;
	expect_allowed(probe(map_as_user, &args), "empty: mapped to be read");
	write_text(path, "x");
	args.prot = PROT_READ | PROT_EXEC;
	expect_denied(probe(map_as_user, &args), MAP_HOOK, "no-evidence",
		      "empty: not any more, and not sealed");
}

/* Whoever may read a library can delay those who write to it. */
static void test_held_by_user(void)
{
	const char *path = in(dir, "read-by-user.so");
	pid_t pid;

	copy(LIBRARY, path, "");
	expect_allowed(try_open(path, O_WRONLY), "mapped by a user: writable before");
	pid = start_holder(path, false, 1000);
	expect(DENIED, try_open(path, O_WRONLY), "mapped by a user: ETXTBSY: known limit");
	end_holder(pid);
	expect_allowed(try_open(path, O_WRONLY), "mapped by a user: writable afterwards");
}

static void test_writer(void)
{
	const char *path = in(dir, "written.so");
	int fd;

	copy(LIBRARY, path, "");
	expect_allowed(probe_map(path, ETXTBSY), "writer: before");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	expect_denied(probe_map(path, ETXTBSY), MAP_HOOK, "open-for-writing", "writer: open");
	close(fd);
	expect_allowed(probe_map(path, ETXTBSY), "writer: closed");
}

/* The descriptor is closed, but the mapping can write. */
static void test_mapped_writer(void)
{
	const char *path = in(dir, "mapped.so");
	int fd;
	char *map;

	copy(LIBRARY, path, "");
	fd = open(path, O_RDWR | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		broken("mmap");
	close(fd);
	expect_denied(probe_map(path, ETXTBSY), MAP_HOOK, "open-for-writing",
		      "writer: a shared mapping");
	map[2000] ^= 1;
	munmap(map, 4096);
	expect_denied(probe_map(path, EACCES), MAP_HOOK, "no-evidence",
		      "writer: written through the mapping");
}

static void test_own_writer(void)
{
	struct map_args args = { .path = in(dir, "own.so"), .open_flags = O_RDWR,
				 .prot = PROT_READ | PROT_EXEC, .want_errno = ETXTBSY };

	copy(LIBRARY, args.path, "");
	expect_denied(probe(try_map, &args), MAP_HOOK, "open-for-writing",
		      "writer: the very descriptor that is mapped");
	args.flags = MAP_SHARED;
	args.prot |= PROT_WRITE;
	expect_denied(probe(try_map, &args), MAP_HOOK, "open-for-writing",
		      "writer: shared, writable and executable");
	args.open_flags = O_RDONLY;
	args.prot = PROT_READ | PROT_EXEC;
	expect_allowed(probe(try_map, &args), "shared and executable, not writable");
}

/*
 * A writer comes while the file is hashed: what was read before counts for
 * nothing, now and later. The file is sealed, and so large that it takes a while.
 */

#define ZEROS_SIZE	(32 << 20)	/* as run seals it */

static void make_zeros(const char *path)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || ftruncate(fd, ZEROS_SIZE))
		broken("%s", path);
	close(fd);
}

/* Maps the file, and writes to it once it is being hashed. */
static int map_and_write(const char *path, unsigned int delay_us)
{
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC,
				 .want_errno = ETXTBSY };
	uint64_t misses = stat_value("misses");
	pid_t pid = start_probe(try_map, &args);
	int fd;

	while (stat_value("misses") == misses)
		usleep(100);
	usleep(delay_us);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && pwrite(fd, "x", 1, 0) != 1)
		broken("pwrite");
	close(fd);
	return end_probe(pid);
}

static void test_changed_meanwhile(void)
{
	const char *path = in(dir, "zeros");
	unsigned int delay = 32000;
	int got;

	make_zeros(path);
	expect_allowed(probe_map(path, EACCES), "changed meanwhile: before");
	do {
		make_zeros(path);
		got = map_and_write(path, delay);
		delay /= 2;
	} while (got == ALLOWED && delay);
	expect_denied(got, MAP_HOOK, "file-changed", "changed meanwhile");
	expect_denied(probe_map(path, EACCES), MAP_HOOK, "no-evidence",
		      "changed meanwhile: afterwards");
	unlink(path);
}

/*
 * W^X
 */

enum touch { UNTOUCHED, WRITTEN, WRITTEN_BY_PARENT, FORCED };

struct protect_args {
	const char *path;
	int from;
	int to;
	enum touch touch;
	int want_errno;
};

/* Writes although the mapping says no, as a debugger would. */
static bool force_write(char *at)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	bool good = fd >= 0 && pwrite(fd, "x", 1, (off_t)(uintptr_t)at) == 1;

	close(fd);
	return good;
}

static int in_child(struct protect_args *p, void *map)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(outcome_of(!mprotect(map, 4096, p->to), p->want_errno));
	probe_pid = pid;
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int try_protect(void *arg)
{
	struct protect_args *p = arg;
	int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, 4096, p->from, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return BROKEN;
	if (p->touch == WRITTEN || p->touch == WRITTEN_BY_PARENT)
		map[100] ^= 1;
	if (p->touch == FORCED && !force_write(map))
		return BROKEN;
	if (p->touch == WRITTEN_BY_PARENT)
		return in_child(p, map);
	return outcome_of(!mprotect(map, 4096, p->to), p->want_errno);
}

static int probe_protect(const char *path, int from, int to, enum touch touch)
{
	struct protect_args args = { path, from, to, touch, EACCES };

	return probe(try_protect, &args);
}

#define R	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)
#define RX	(PROT_READ | PROT_EXEC)
#define RWX	(PROT_READ | PROT_WRITE | PROT_EXEC)

static void test_mmap_wx(const char *path)
{
	struct map_args args = { .path = path, .prot = RWX, .want_errno = EACCES };

	expect_denied(probe(try_map, &args), MAP_HOOK, "writable-and-executable",
		      "W^X: sealed file mapped writable and executable");
	args.prot = RW;
	expect_allowed(probe(try_map, &args), "W^X: mapped writable");
	args.prot = RX;
	expect_allowed(probe(try_map, &args), "W^X: mapped executable");
}

static void test_mprotect_wx(const char *path)
{
	const char *bad = in(dir, "wx-bad.so"), *fresh = in(dir, "wx-fresh.so");

	expect_allowed(probe_protect(path, R, RX, UNTOUCHED), "mprotect: verified file to r-x");
	expect_allowed(probe_protect(path, RX, R, UNTOUCHED), "mprotect: r-x to r--");
	expect_allowed(probe_protect(path, RW, R, WRITTEN), "mprotect: written, to r--");
	expect_allowed(probe_protect(path, RW, RX, UNTOUCHED),
		       "mprotect: writable, not written, to r-x");
	expect_denied(probe_protect(path, RW, RX, WRITTEN), PROTECT_HOOK, "written-then-executable",
		      "mprotect: written, to r-x");
	expect_denied(probe_protect(path, R, RX, FORCED), PROTECT_HOOK, "written-then-executable",
		      "mprotect: written by /proc/self/mem, to r-x");
	expect_denied(probe_protect(path, RX, RWX, UNTOUCHED), PROTECT_HOOK,
		      "writable-and-executable", "mprotect: r-x to rwx");
	expect_denied(probe_protect(path, R, RWX, UNTOUCHED), PROTECT_HOOK,
		      "writable-and-executable", "mprotect: r-- to rwx");
	copy(LIBRARY, bad, "wx");
	expect_denied(probe_protect(bad, R, RX, UNTOUCHED), PROTECT_HOOK, "not-yet-verified",
		      "mprotect: unsealed file to r-x");
	copy(LIBRARY, fresh, "");
	expect_denied(probe_protect(fresh, R, RX, UNTOUCHED), PROTECT_HOOK, "not-yet-verified",
		      "mprotect: sealed file that nobody mapped yet to r-x");
	expect_allowed(probe_map(fresh, EACCES), "mprotect: it is mapped");
	expect_allowed(probe_protect(fresh, R, RX, UNTOUCHED), "mprotect: now to r-x");
}

/* Here the record names the child of the probe. */
static void test_fork_wx(const char *path)
{
	expect(DENIED, probe_protect(path, RW, RX, WRITTEN_BY_PARENT),
	       "mprotect: written before fork, to r-x");
	expect_allowed(probe_protect(path, R, RX, UNTOUCHED), "mprotect: control");
}

/* What mprotect makes executable is closed to writers, too. */
static int protect_and_open(void *arg)
{
	const char *path = arg;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED || mprotect(map, 4096, RX))
		return BROKEN;
	close(fd);
	return try_open(path, O_WRONLY);
}

static int map_implied(void *arg)
{
	struct map_args *m = arg;

	personality(READ_IMPLIES_EXEC);
	return try_map(m);
}

static int protect_implied(void *arg)
{
	struct protect_args *p = arg;
	int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE, fd, 0);

	personality(READ_IMPLIES_EXEC);
	if (map == MAP_FAILED)
		return BROKEN;
	return outcome_of(!mprotect(map, 4096, p->to), p->want_errno);
}

static void test_implied(const char *path)
{
	const char *bad = in(dir, "implied.so");
	struct map_args map = { .path = bad, .prot = R, .want_errno = EACCES };
	struct protect_args protect = { bad, 0, R, UNTOUCHED, EACCES };

	copy(LIBRARY, bad, "implied");
	expect_denied(probe(protect_implied, &protect), PROTECT_HOOK, "not-yet-verified",
		      "READ_IMPLIES_EXEC: unsealed file made readable");
	expect_denied(probe(map_implied, &map), MAP_HOOK, "no-evidence",
		      "READ_IMPLIES_EXEC: unsealed file mapped readable");
	map.path = protect.path = path;
	expect_allowed(probe(map_implied, &map), "READ_IMPLIES_EXEC: sealed file mapped readable");
	expect_allowed(probe(protect_implied, &protect),
		       "READ_IMPLIES_EXEC: sealed file made readable");
	map.prot = RW;
	expect_denied(probe(map_implied, &map), MAP_HOOK, "writable-and-executable",
		      "READ_IMPLIES_EXEC: sealed file mapped writable");
}

/* Hashing past the page cache would judge other bytes than those that run. */
static void test_direct(void)
{
	struct map_args args = { .path = in(dir, "direct.so"), .open_flags = O_DIRECT,
				 .prot = RX, .want_errno = EACCES };
	int fd;

	copy(LIBRARY, args.path, "");
	fd = open(args.path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0) {
		ok(true, "O_DIRECT: not hashed # SKIP the file system has none");
		return;
	}
	close(fd);
	expect_denied(probe(try_map, &args), MAP_HOOK, "unreadable", "O_DIRECT: not hashed");
	expect_allowed(probe_map(args.path, EACCES), "O_DIRECT: control without it");
}

/*
 * Access mode 3 needs both permissions and gives neither: such a descriptor is for
 * ioctl alone. Any user has a file to open so; the kernel must not warn of it.
 */
static void test_no_access(void)
{
	struct map_args args = { .path = in(dir, "no-access"), .open_flags = O_ACCMODE,
				 .prot = PROT_READ | PROT_EXEC, .want_errno = EACCES };

	copy(LIBRARY, args.path, "x");
	expect_denied(probe(try_map, &args), MAP_HOOK, "unreadable",
		      "access mode 3: not hashed");
	expect_denied(probe_map(args.path, EACCES), MAP_HOOK, "no-evidence",
		      "access mode 3: the same file, open for reading");
	copy(LIBRARY, args.path, "");
	expect(DENIED, probe(try_map, &args), "access mode 3: a sealed one is not mapped either");
	expect_allowed(probe_map(args.path, EACCES), "access mode 3: control");
}

/* What is known of a file must not pass to another that takes its inode's place. */
static void test_reuse(void)
{
	const char *path = in(dir, "reuse");
	unsigned int wrong = 0;
	char tail[16];

	for (int i = 0; i < 100; i++) {
		copy(LIBRARY, path, "");
		wrong += probe_map(path, EACCES) != ALLOWED;
		snprintf(tail, sizeof(tail), "%d", i);
		copy(LIBRARY, path, tail);
		wrong += probe_map(path, EACCES) != DENIED;
	}
	ok(!wrong, "inodes in the place of others: sealed and unsealed in turn");
}

int main(int argc, char **argv)
{
	const char *wx;

	dir = argc > 1 ? argv[1] : "/mnt";
	mkdir(dir, 0755);
	probe_init();
	test_library();
	test_held(false, "mapped");
	test_held(true, "mapping gone, descriptor open");
	test_unsealed_not_held();
	test_empty();
	test_held_by_user();
	test_writer();
	test_mapped_writer();
	test_own_writer();
	test_changed_meanwhile();
	wx = in(dir, "wx.so");
	copy(LIBRARY, wx, "");
	test_mmap_wx(wx);
	test_mprotect_wx(wx);
	test_fork_wx(wx);
	expect(DENIED, probe(protect_and_open, (void *)wx),
	       "mprotect: closed to writers afterwards: ETXTBSY");
	test_implied(wx);
	test_direct();
	test_no_access();
	test_reuse();
	return 0;
}
