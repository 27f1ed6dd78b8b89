// SPDX-License-Identifier: MIT
/*
 * Stacked and unstable file systems: overlayfs, and FUSE with a server that shows
 * a sealed program. And who else starts programs: binfmt_misc, the kernel.
 */
#include <linux/fuse.h>
#include <sys/mount.h>

#include "probe.h"

#define EXEC_HOOK	"bprm_check_security"
#define TARGET		"/t/target"
#define LIBRARY		"/t/libmarker.so"

/*
 * overlayfs
 */

static void mount_overlay(void)
{
	mkdir("/mnt/lower", 0755);
	mkdir("/mnt/upper", 0755);
	mkdir("/mnt/work", 0755);
	mkdir("/mnt/merged", 0755);
	copy(TARGET, "/mnt/lower/good", "");
	copy(TARGET, "/mnt/lower/bad", "x");
	copy(LIBRARY, "/mnt/lower/lib.so", "");
	if (mount("overlay", "/mnt/merged", "overlay", 0,
		  "lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work"))
		broken("overlay");
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
 * FUSE: one file, "program" at inode 2, with the content of the target
 */

static char *content;
static size_t content_len;

static void reply(int fd, uint64_t unique, int error, const void *data, size_t len)
{
	static char buf[FUSE_MIN_READ_BUFFER + 131072 + sizeof(struct fuse_out_header)];
	struct fuse_out_header out = { .len = sizeof(out) + len, .error = error,
				       .unique = unique };

	memcpy(buf, &out, sizeof(out));
	memcpy(buf + sizeof(out), data, len);
	if (write(fd, buf, out.len) < 0)
		_exit(BROKEN);
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .nlink = 1, .blksize = 4096,
		.mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0755,
		.size = node == 1 ? 0 : content_len,
	};
}

static void serve_read(int fd, uint64_t unique, const struct fuse_read_in *in)
{
	size_t left = in->offset < content_len ? content_len - in->offset : 0;

	reply(fd, unique, 0, content + in->offset, left < in->size ? left : in->size);
}

static void serve_init(int fd, uint64_t unique, const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead, .max_write = 4096,
	};

	reply(fd, unique, 0, &out, sizeof(out));
}

static void serve_one(int fd, const struct fuse_in_header *in)
{
	struct fuse_entry_out entry = { .nodeid = 2, .attr = attr_of(2) };
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out opened = {};

	switch (in->opcode) {
	case FUSE_INIT:
		serve_init(fd, in->unique, (const void *)(in + 1));
		break;
	case FUSE_LOOKUP:
		reply(fd, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		reply(fd, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		reply(fd, in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		serve_read(fd, in->unique, (const void *)(in + 1));
		break;
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(fd, in->unique, 0, NULL, 0);
		break;
	default:
		reply(fd, in->unique, -ENOSYS, NULL, 0);
	}
}

static pid_t start_server(int fd)
{
	static char buf[FUSE_MIN_READ_BUFFER + 131072];
	pid_t pid = fork();

	if (pid)
		return pid;
	while (read(fd, buf, sizeof(buf)) > 0)
		serve_one(fd, (const void *)buf);
	_exit(0);
}

static void load_content(void)
{
	int fd = open(TARGET, O_RDONLY | O_CLOEXEC);
	struct stat st;

	fstat(fd, &st);
	content_len = st.st_size;
	content = mmap(NULL, content_len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (content == MAP_FAILED)
		broken("target");
}

static void test_fuse(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[96];
	pid_t server;

	load_content();
	mkdir("/mnt/fuse", 0755);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("receipt", "/mnt/fuse", "fuse", 0, options))
		broken("fuse");
	server = start_server(fd);
	close(fd);
	copy("/mnt/fuse/program", "/mnt/from-fuse", "");
	expect_allowed(probe_exec("/mnt/from-fuse", EACCES), "FUSE: a copy of what it shows");
	expect_denied(probe_exec("/mnt/fuse/program", EACCES), EXEC_HOOK, "unstable-filesystem",
		      "FUSE: sealed program");
	expect_denied(probe_map("/mnt/fuse/program", EACCES), "mmap_file", "unstable-filesystem",
		      "FUSE: sealed program mapped");
	umount2("/mnt/fuse", MNT_DETACH);
	kill(server, SIGKILL);
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
