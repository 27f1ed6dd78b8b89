// SPDX-License-Identifier: MIT
/*
 * raw open|closed: the disk below a mounted file system is written, past all files.
 * Without bdev_allow_write_mounted=0 that is a known limit; with it, it is refused,
 * but for the file that a loop device is made of.
 * raw dax: pages that are the disk.
 */
#include <linux/loop.h>
#include <sys/mount.h>

#include "ways.h"

#define DISK	"/dev/vda"
#define IMAGE	"/mnt/image"
#define LOOP	"/mnt/loop"
#define MOUNTED	"/mnt/erofs"
#define FILE_SYSTEM "/mnt/file-system"
#define PMEM	"/dev/pmem0"

/* Where the target's first page of code lies. */
static off_t place_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), block = 1;

	if (fd < 0 || fsync(fd) || ioctl(fd, FIBMAP, &block) || !block)
		broken("FIBMAP");
	close(fd);
	return (off_t)block;
}

/* EVIL in all pages but the first, where the headers are. */
static bool spoil(const char *disk, off_t at)
{
	int fd = open(disk, O_WRONLY | O_CLOEXEC);
	ssize_t len = image_size - BLOCK;
	bool good;

	if (fd < 0)
		return false;
	good = pwrite(fd, image[EVIL] + BLOCK, len, at) == len && !fsync(fd);
	close(fd);
	return good;
}

static void test_disk(bool closed)
{
	off_t at;

	snprintf(target, sizeof(target), "/mnt/target");
	prepare_way(&ways[0]);
	at = place_of(target) * BLOCK;
	expect_allowed(probe_exec(target, EACCES), "raw write to a mounted disk: before");
	if (closed) {
		ok(!spoil(DISK, at) && errno == EBUSY, "raw write to a mounted disk: EBUSY");
		expect_allowed(probe_exec(target, EACCES), "raw write to a mounted disk: after");
		return;
	}
	if (!spoil(DISK, at))
		broken(DISK);
	ok(run_again() == RAN_EVIL, "raw write to a mounted disk: runs: known limit");
}

static void attach(const char *file, const char *device)
{
	int fd = open(file, O_RDWR | O_CLOEXEC), loop = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0 || loop < 0 || ioctl(loop, LOOP_SET_FD, fd))
		broken("%s", device);
	close(fd);
	close(loop);
}

/* Makes an ext4 of the image's first half, and attaches it. */
static void attach_loop(void)
{
	int image_fd = open(IMAGE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (image_fd < 0 || ftruncate(image_fd, 8 << 20))
		broken(IMAGE);
	close(image_fd);
	attach(IMAGE, "/dev/loop0");
	if (system("mke2fs -b 4096 /dev/loop0 >/dev/null") || mkdir(LOOP, 0755) ||
	    mount("/dev/loop0", LOOP, "ext4", 0, NULL))
		broken("mount of the loop device");
}

/* Its backing file is a file like others. */
static void test_loop(void)
{
	off_t at;

	attach_loop();
	snprintf(target, sizeof(target), LOOP "/target");
	snprintf(other, sizeof(other), LOOP "/other");
	prepare_way(&ways[0]);
	at = place_of(target) * BLOCK;
	expect_allowed(probe_exec(target, EACCES), "write to a loop device's file: before");
	sync();
	if (!spoil(IMAGE, at))
		broken(IMAGE);
	ok(run_again() == RAN_EVIL, "write to a loop device's file: runs: known limit");
}

/* erofs reads from a file without a device, and nobody keeps writers off it. */
static void test_file_system_of_file(void)
{
	copy("/t/erofs", FILE_SYSTEM, "");
	if (mkdir(MOUNTED, 0755) || mount(FILE_SYSTEM, MOUNTED, "erofs", MS_RDONLY, NULL))
		broken("mount of a file");
	expect_denied(probe_exec(MOUNTED "/target", EACCES), "bprm_check_security",
		      "unstable-filesystem", "file system of a file");
	if (umount(MOUNTED))
		broken("umount");
	attach(FILE_SYSTEM, "/dev/loop1");
	if (mount("/dev/loop1", MOUNTED, "erofs", MS_RDONLY, NULL))
		broken("mount of a device");
	expect_allowed(probe_exec(MOUNTED "/target", EACCES), "the same of a device");
}

/* Who had a page of it pinned writes to it, so it promises nothing. */
static void test_dax(void)
{
	if (access(PMEM, F_OK)) {
		ok(true, "DAX # SKIP this kernel has no " PMEM);
		return;
	}
	if (system("mke2fs -b 4096 " PMEM " >/dev/null") || mkdir("/dax", 0755))
		broken(PMEM);
	if (mount(PMEM, "/dax", "ext4", 0, "dax=always")) {
		ok(true, "DAX # SKIP the file system has none: %s", strerror(errno));
		return;
	}
	copy("/t/target", "/dax/target", "");
	expect_denied(probe_exec("/dax/target", EACCES), "bprm_check_security",
		      "unstable-filesystem", "DAX");
	if (umount("/dax") || mount(PMEM, "/dax", "ext4", 0, "dax=never"))
		broken("mount without DAX");
	expect_allowed(probe_exec("/dax/target", EACCES), "the same without DAX");
}

int main(int argc, char **argv)
{
	bool closed = argc > 1 && !strcmp(argv[1], "closed");

	snprintf(other, sizeof(other), "/mnt/other");
	probe_init();
	if (argc > 1 && !strcmp(argv[1], "dax")) {
		test_dax();
		return 0;
	}
	load_images();
	test_disk(closed);
	test_loop();
	if (!closed)
		test_file_system_of_file();
	return 0;
}
