// SPDX-License-Identifier: MIT
/*
 * Stacked and unstable file systems: overlayfs, and FUSE with a server that shows
 * a sealed program. And who else starts programs: binfmt_misc, the kernel.
 */
#include <sys/mount.h>

#include "fuse.h"
#include "layers.h"

#define EXEC_HOOK	"bprm_check_security"
#define TARGET		"/t/target"
#define LIBRARY		"/t/libmarker.so"

/*
 * overlayfs
 */

static void mount_overlay(void)
{
	make_layers("/mnt");
	copy(TARGET, "/mnt/lower/good", "");
	copy(TARGET, "/mnt/lower/bad", "x");
	copy(LIBRARY, "/mnt/lower/lib.so", "");
	mount_layers("/mnt", "");
}

static void test_overlay_exec(void)
{
	expect_allowed(probe_exec("/mnt/merged/good", EACCES), "overlay: sealed program below");
	expect_denied(probe_exec("/mnt/merged/bad", EACCES), EXEC_HOOK, "no-evidence",
		      "overlay: unsealed program below");
	flip_byte("/mnt/merged/good");
	expect_denied(probe_exec("/mnt/merged/good", EACCES), EXEC_HOOK, "no-evidence",
		      "overlay: copied up and changed");
	expect_allowed(probe_exec("/mnt/lower/good", EACCES), "overlay: below it is as it was");
	flip_byte("/mnt/merged/good");
	expect_allowed(probe_exec("/mnt/merged/good", EACCES), "overlay: changed back");
	copy(TARGET, "/mnt/merged/new", "");
	expect_allowed(probe_exec("/mnt/merged/new", EACCES), "overlay: sealed program above");
	copy(TARGET, "/mnt/merged/new", "y");
	expect_denied(probe_exec("/mnt/merged/new", EACCES), EXEC_HOOK, "no-evidence",
		      "overlay: unsealed program above");
}

static int open_to_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return outcome_of(fd >= 0, ETXTBSY);
}

/* The file below is what is mapped: it is closed to writers; a copy up is another. */
static void test_overlay_held(void)
{
	int fd = open("/mnt/merged/lib.so", O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	char before[4096];

	if (map == MAP_FAILED)
		broken("mmap");
	memcpy(before, map, sizeof(before));
	expect(DENIED, open_to_write("/mnt/lower/lib.so"),
	       "overlay: what is mapped is closed to writers below: ETXTBSY");
	flip_byte("/mnt/merged/lib.so");
	ok(!memcmp(before, map, sizeof(before)), "overlay: a copy up changes no mapping");
	expect_denied(probe_map("/mnt/merged/lib.so", EACCES), "mmap_file", "no-evidence",
		      "overlay: the copy is refused");
	munmap(map, sizeof(before));
	close(fd);
	usleep(50000);
	expect_allowed(open_to_write("/mnt/lower/lib.so"), "overlay: writable afterwards");
}

/* The same for a file that is above only. */
static void test_overlay_upper(void)
{
	const char *path = "/mnt/merged/upper.so";
	int fd;
	void *map;

	copy(LIBRARY, path, "");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		broken("mmap");
	expect(DENIED, open_to_write(path), "overlay: above, closed to writers: ETXTBSY");
	expect(DENIED, open_to_write("/mnt/upper/upper.so"),
	       "overlay: above, closed by its other name: ETXTBSY");
	expect(DENIED, outcome_of(!truncate(path, 1), ETXTBSY), "overlay: truncate: ETXTBSY");
	munmap(map, 4096);
	close(fd);
	usleep(50000);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	expect_denied(probe_map(path, ETXTBSY), "mmap_file", "open-for-writing",
		      "overlay: above, open for writing");
	close(fd);
	expect_allowed(probe_map(path, ETXTBSY), "overlay: above, closed");
}

static int map_stale(void *unused)
{
	int fd = open("/mnt/merged/stale", O_RDONLY | O_CLOEXEC);

	(void)unused;
	flip_byte("/mnt/merged/stale");
	flip_byte("/mnt/merged/stale");
	return outcome_of(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED,
			  EACCES);
}

/*
 * A descriptor from before the copy up maps the file below, while the name means
 * the file above: the verdict must be about what is mapped.
 */
static void test_overlay_stale(void)
{
	copy(TARGET, "/mnt/lower/stale", "stale");
	umount2("/mnt/merged", MNT_DETACH);
	mount_overlay();
	expect(DENIED, probe(map_stale, NULL),
	       "overlay: unsealed below, by a descriptor from before the copy up: EACCES");
}

static int map_other(void *unused)
{
	int fd = open("/mnt/merged/other", O_RDONLY | O_CLOEXEC);
	int up = open("/mnt/merged/other", O_WRONLY | O_TRUNC | O_CLOEXEC);

	(void)unused;
	copy_fd(LIBRARY, up, "");
	close(up);
	return outcome_of(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED,
			  EACCES);
}

/* The same, with a sealed file above to vouch for it. */
static void test_overlay_vouched(void)
{
	copy(TARGET, "/mnt/lower/other", "other");
	umount2("/mnt/merged", MNT_DETACH);
	mount_overlay();
	expect_denied(probe(map_other, NULL), "mmap_backing_file", "not-yet-verified",
		      "overlay: unsealed below, sealed above");
	expect_allowed(probe_map("/mnt/merged/other", EACCES), "overlay: the sealed one itself");
}

static int protect(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return BROKEN;
	return outcome_of(!mprotect(map, 4096, PROT_READ | PROT_EXEC), EACCES);
}

static void test_overlay_protect(void)
{
	copy(LIBRARY, "/mnt/merged/protect.so", "");
	expect_denied(probe(protect, "/mnt/merged/protect.so"), "file_mprotect",
		      "not-yet-verified", "overlay: mprotect before it is verified");
	expect_allowed(probe_map("/mnt/merged/protect.so", EACCES), "overlay: mapped");
	expect_allowed(probe(protect, "/mnt/merged/protect.so"), "overlay: mprotect");
}

/*
 * FUSE
 */

static void test_fuse(void)
{
	show_by_fuse(TARGET);
	copy(FUSE_PROGRAM, "/mnt/from-fuse", "");
	expect_allowed(probe_exec("/mnt/from-fuse", EACCES), "FUSE: a copy of what it shows");
	expect_denied(probe_exec(FUSE_PROGRAM, EACCES), EXEC_HOOK, "unstable-filesystem",
		      "FUSE: sealed program");
	expect_denied(probe_map(FUSE_PROGRAM, EACCES), "mmap_file", "unstable-filesystem",
		      "FUSE: sealed program mapped");
	end_fuse();
}

/*
 * Who else starts programs
 */

/* The interpreter's descriptor is opened once, at registration. */
static void test_binfmt(void)
{
	copy(TARGET, "/mnt/interpreter", "");
	write_text("/mnt/run.receipt", "content");
	chmod("/mnt/run.receipt", 0755);
	if (mount("binfmt_misc", "/proc/sys/fs/binfmt_misc", "binfmt_misc", 0, NULL))
		broken("binfmt_misc");
	write_text("/proc/sys/fs/binfmt_misc/register",
		   ":receipt:E::receipt::/mnt/interpreter:F");
	expect_denied(probe_exec("/mnt/run.receipt", EACCES), EXEC_HOOK, "no-evidence",
		      "binfmt_misc: unsealed file, sealed interpreter");
	write_text("/proc/sys/fs/binfmt_misc/receipt", "-1");
	copy(TARGET, "/mnt/interpreter", "b");
	write_text("/proc/sys/fs/binfmt_misc/register",
		   ":receipt:E::receipt::/mnt/interpreter:F");
	rename("/mnt/run.receipt", "/mnt/script.receipt");
	copy(TARGET, "/mnt/script.receipt", "");
	expect_denied(probe_exec("/mnt/script.receipt", EACCES), EXEC_HOOK, "no-evidence",
		      "binfmt_misc: sealed file, unsealed interpreter");
	write_text("/proc/sys/fs/binfmt_misc/receipt", "-1");
	expect_allowed(probe_exec("/mnt/script.receipt", EACCES), "binfmt_misc: gone");
}

static int crash(void *unused)
{
	(void)unused;
	raise(SIGSEGV);
	return BROKEN;
}

/* The kernel itself starts it. */
static void test_usermode_helper(void)
{
	const char *const record[] = { "receipt: op=EXECUTE", "reason=no-evidence",
				       "path=\"/mnt/core\"" };
	int64_t end = now_ms() + RECORD_MS;
	uint64_t allowed = stat_value("allowed");

	copy(TARGET, "/mnt/core", "");
	write_text("/proc/sys/kernel/core_pattern", "|/mnt/core");
	waitpid(start_probe(crash, NULL), NULL, 0);
	while (stat_value("allowed") == allowed && now_ms() < end)
		usleep(50000);
	ok(stat_value("allowed") > allowed, "core_pattern: sealed program");
	copy(TARGET, "/mnt/core", "core");
	waitpid(start_probe(crash, NULL), NULL, 0);
	ok(find_record(record, ARRAY_SIZE(record)), "core_pattern: unsealed program: no-evidence");
	write_text("/proc/sys/kernel/core_pattern", "core");
}

static void test_proc(void)
{
	expect_denied(probe_map("/proc/version", EACCES), "mmap_file", "unstable-filesystem",
		      "procfs: a file");
}

int main(void)
{
	probe_init();
	mount_overlay();
	test_overlay_exec();
	test_overlay_held();
	test_overlay_upper();
	test_overlay_protect();
	test_overlay_stale();
	test_overlay_vouched();
	test_fuse();
	test_binfmt();
	test_usermode_helper();
	test_proc();
	return 0;
}
