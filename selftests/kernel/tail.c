// SPDX-License-Identifier: MIT
/*
 * tail memory | disk FILESYSTEM | erofs: bytes behind the end of a file, in the page
 * that holds its last byte. No digest covers them, and they are mapped with it.
 *
 * On disks they are brought by an image that was changed while it was not mounted.
 */
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "probe.h"

#define PAGE	4096
#define HUGE	(2 << 20)
#define HOOK	"mmap_file"
#define REASON	"bytes-behind-the-end"
#define DISK	"/dev/vda"
#define LOOP	"/dev/loop2"

static const char hidden[] = "hidden behind the end of the file";

static size_t size_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		broken("%s", path);
	return st.st_size;
}

/* At @at, which no read() reaches. */
static bool shows(const char *path, size_t at)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, at & -PAGE);
	bool found;

	if (map == MAP_FAILED)
		broken("%s: mmap", path);
	found = !memcmp(map + at % PAGE, hidden, sizeof(hidden));
	munmap(map, PAGE);
	close(fd);
	return found;
}

static void write_behind(int fd, size_t at, const char *text)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at & -PAGE);

	if (map == MAP_FAILED)
		broken("mmap");
	memcpy(map + at % PAGE, text, sizeof(hidden));
	munmap(map, PAGE);
}

static void write_behind_path(const char *path, size_t at, const char *text)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		broken("%s", path);
	write_behind(fd, at, text);
	close(fd);
}

/* Where the hidden text goes: into the last page, at its end. */
static size_t place_in(size_t size)
{
	if (size % PAGE == 0 || size % PAGE > PAGE - sizeof(hidden))
		broken("no room behind the end");
	return (size & -PAGE) + PAGE - sizeof(hidden);
}

/*
 * In memory
 */

static void test_file(const char *name, const char *path, const char *below)
{
	static const char zeros[sizeof(hidden)];
	size_t at;

	copy("/t/target", below, "");
	expect_allowed(probe_map(path, EACCES), "%s: control", name);
	at = place_in(size_of(path));
	write_behind_path(below, at, hidden);
	ok(shows(path, at), "%s: the bytes are there", name);
	expect_denied(probe_map(path, EACCES), HOOK, REASON, "%s: bytes in the last page", name);
	expect_denied(probe_exec(path, EACCES), "bprm_check_security", REASON, "%s: executed",
		      name);
	write_behind_path(below, at, zeros);
	expect_allowed(probe_map(path, EACCES), "%s: zeros in the last page", name);
}

static void test_in(const char *type, const char *options)
{
	char dir[64], name[64];

	snprintf(dir, sizeof(dir), "/tail-%s%s", type, options ? "-huge" : "");
	snprintf(name, sizeof(name), "%s%s%s", type, options ? " " : "", options ?: "");
	mkdir(dir, 0755);
	if (mount("none", dir, type, 0, options))
		broken("%s", name);
	test_file(name, in(dir, "file"), in(dir, "file"));
}

/* The page is one of two megabytes, and all of them are mapped at once. */
static int write_far(void *arg)
{
	char *at = mmap(NULL, 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(arg, O_RDWR | O_CLOEXEC);

	at = (char *)(((uintptr_t)at + HUGE - 1) & -HUGE);
	if (fd < 0 || mmap(at, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != at)
		return BROKEN;
	/* All of it is mapped by a fault before the end, none by one behind it. */
	*(volatile char *)at = *at;
	memcpy(at + HUGE - PAGE, hidden, sizeof(hidden));
	return ALLOWED;
}

static void test_huge(void)
{
	const char *path = "/tail-tmpfs-huge/far";

	copy("/t/target", path, "");
	expect_allowed(probe_map(path, EACCES), "huge page: control");
	if (probe(write_far, (void *)path) != ALLOWED) {
		ok(true, "huge page: bytes far behind the end # SKIP no huge page was to be had");
		return;
	}
	expect_denied(probe_map(path, EACCES), HOOK, REASON, "huge page: bytes far behind the end");
}

static int map_fd(void *arg)
{
	return outcome_of(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, *(int *)arg, 0) !=
			  MAP_FAILED, EACCES);
}

/* Sealed, so that nothing changes any more. */
static int memfd(const char *text)
{
	int fd = memfd_create("tail", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	copy_fd("/t/target", fd, "");
	if (text)
		write_behind(fd, place_in(lseek(fd, 0, SEEK_CUR)), text);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW))
		broken("seals");
	return fd;
}

static void test_memfd(void)
{
	int fd = memfd(NULL);

	expect_allowed(probe(map_fd, &fd), "memfd: control");
	close(fd);
	fd = memfd(hidden);
	expect_denied(probe(map_fd, &fd), HOOK, REASON, "memfd: bytes in the last page");
	close(fd);
}

/* Memory of huge pages promises nothing. */
static void test_hugetlb(void)
{
	int fd = memfd_create("tail", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

	if (fd < 0 || ftruncate(fd, HUGE)) {
		ok(true, "memfd of huge pages # SKIP %s", strerror(errno));
		return;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	expect_denied(probe(map_fd, &fd), HOOK, "unstable-filesystem", "memfd of huge pages");
	close(fd);
}

static void test_overlay(void)
{
	mkdir("/tail-tmpfs/upper", 0755);
	mkdir("/tail-tmpfs/work", 0755);
	mkdir("/tail-tmpfs/lower", 0755);
	mkdir("/tail-overlay", 0755);
	if (mount("none", "/tail-overlay", "overlay", 0, "lowerdir=/tail-tmpfs/lower,"
		  "upperdir=/tail-tmpfs/upper,workdir=/tail-tmpfs/work"))
		broken("overlay");
	test_file("overlay", "/tail-overlay/file", "/tail-tmpfs/upper/file");
}

static void test_memory(void)
{
	test_in("tmpfs", NULL);
	test_in("tmpfs", "huge=always");
	test_huge();
	test_in("ramfs", NULL);
	test_memfd();
	test_hugetlb();
	test_overlay();
}

/*
 * On disks
 */

/* Writes @text behind every copy of the end of the file, and says how many there are. */
static int craft(const char *image, const char *path, const char *text)
{
	static char buf[PAGE], end[PAGE];
	int fd = open(image, O_RDWR | O_CLOEXEC), from = open("/t/target", O_RDONLY | O_CLOEXEC);
	size_t size = size_of("/t/target"), used = size % PAGE;
	off_t at;
	int n = 0;

	place_in(size);
	if (fd < 0 || pread(from, end, used, size - used) != (ssize_t)used)
		broken("%s", image);
	for (at = 0; pread(fd, buf, PAGE, at) == PAGE; at += PAGE) {
		if (memcmp(buf, end, used))
			continue;
		memcpy(buf + PAGE - sizeof(hidden), text, sizeof(hidden));
		if (pwrite(fd, buf, PAGE, at) != PAGE)
			broken("%s: write", image);
		n++;
	}
	if (fsync(fd))
		broken("%s: fsync", image);
	note("%s: %d places for %s", image, n, path);
	close(from);
	close(fd);
	return n;
}

struct disk {
	const char *device;
	const char *dir;
	const char *type;
	unsigned long flags;
	const char *options;
};

static void mount_disk(const struct disk *disk)
{
	if (mount(disk->device, disk->dir, disk->type, disk->flags, disk->options))
		broken("mount %s", disk->device);
}

static void test_image(const struct disk *disk)
{
	static const char zeros[sizeof(hidden)];
	const char *path = in(disk->dir, "target");
	size_t at = place_in(size_of("/t/target"));

	mount_disk(disk);
	expect_allowed(probe_map(path, EACCES), "%s image: control", disk->type);
	if (umount(disk->dir) || craft(disk->device, path, hidden) < 1)
		broken("%s: not crafted", disk->type);
	mount_disk(disk);
	if (shows(path, at))
		expect_denied(probe_map(path, EACCES), HOOK, REASON, "%s image: bytes in the last page",
			      disk->type);
	else
		expect_allowed(probe_map(path, EACCES), "%s image: the kernel puts zeros there",
			       disk->type);
	if (umount(disk->dir) || craft(disk->device, path, zeros) < 1)
		broken("%s: not crafted", disk->type);
	mount_disk(disk);
	expect_allowed(probe_map(path, EACCES), "%s image: zeros in the last page", disk->type);
}

/* Of the scratch disk. btrfs checks its data where it is not told otherwise. */
static void test_disk(const char *type)
{
	struct disk disk = { DISK, "/mnt", type };

	if (!strcmp(type, "btrfs"))
		disk.options = "nodatasum,max_inline=0";
	if (umount("/mnt"))
		broken("umount");
	mount_disk(&disk);
	copy("/t/target", "/mnt/target", "");
	sync();
	if (umount("/mnt"))
		broken("umount");
	test_image(&disk);
}

static void test_erofs(void)
{
	const struct disk disk = { LOOP, "/tail-erofs", "erofs", MS_RDONLY };
	int fd, loop;

	copy("/t/erofs-whole", "/run/erofs-whole", "");
	fd = open("/run/erofs-whole", O_RDWR | O_CLOEXEC);
	loop = open(LOOP, O_RDWR | O_CLOEXEC);
	if (fd < 0 || loop < 0 || ioctl(loop, LOOP_SET_FD, fd))
		broken(LOOP);
	close(fd);
	close(loop);
	mkdir(disk.dir, 0755);
	test_image(&disk);
}

int main(int argc, char **argv)
{
	probe_init();
	if (argc == 2 && !strcmp(argv[1], "memory"))
		test_memory();
	else if (argc == 3 && !strcmp(argv[1], "disk"))
		test_disk(argv[2]);
	else if (argc == 2 && !strcmp(argv[1], "erofs"))
		test_erofs();
	else
		broken("usage: tail memory | disk FILESYSTEM | erofs");
	return 0;
}
