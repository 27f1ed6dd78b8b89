// SPDX-License-Identifier: MIT
/*
 * mounts: under mounts=sealed. The scratch disk is mounted on /mnt before the policy
 * is loaded; what is mounted afterwards runs no code.
 */
#include <linux/fsverity.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "probe.h"

#define HOOK	"bprm_check_security"
#define REASON	"mounted-late"
#define DISK	"/dev/vda"
#define LOOP	"/dev/loop3"

static void mount_on(const char *device, const char *dir, const char *type)
{
	mkdir(dir, 0755);
	if (mount(device, dir, type, 0, NULL))
		broken("mount of %s", device);
}

/* Nothing is below it. */
static void test_memory(void)
{
	mount_on("none", "/late-tmpfs", "tmpfs");
	copy("/t/target", "/late-tmpfs/target", "");
	expect_allowed(probe_exec("/late-tmpfs/target", EACCES), "tmpfs, mounted late");
	mount_on("none", "/late-ramfs", "ramfs");
	copy("/t/target", "/late-ramfs/target", "");
	expect_allowed(probe_exec("/late-ramfs/target", EACCES), "ramfs, mounted late");
}

static void test_loop(void)
{
	int fd = open("/mnt/image", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int loop = open(LOOP, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 8 << 20) || loop < 0 || ioctl(loop, LOOP_SET_FD, fd) ||
	    system("mke2fs " LOOP " >/dev/null"))
		broken(LOOP);
	mount_on(LOOP, "/late-loop", "ext4");
	copy("/t/target", "/late-loop/target", "");
	expect_denied(probe_exec("/late-loop/target", EACCES), HOOK, REASON, "image on a loop device");
	expect_denied(probe_map("/late-loop/target", EACCES), "mmap_file", REASON,
		      "image on a loop device, mapped");
	if (umount("/late-loop") || ioctl(loop, LOOP_CLR_FD, 0))
		broken("umount");
	close(loop);
	close(fd);
}

/* Another superblock on the same disk. */
static void test_disk(void)
{
	struct fsverity_enable_arg arg = { .version = 1, .block_size = 4096,
					   .hash_algorithm = FS_VERITY_HASH_ALG_SHA256 };
	int fd;

	if (umount("/mnt"))
		broken("umount");
	mount_on(DISK, "/mnt", "ext4");
	expect_denied(probe_exec("/mnt/target", EACCES), HOOK, REASON, "disk, mounted anew");
	fd = open("/mnt/target", O_RDONLY | O_CLOEXEC);
	if (ioctl(fd, FS_IOC_ENABLE_VERITY, &arg))
		ok(true, "disk, mounted anew: under fs-verity # SKIP %s", strerror(errno));
	else
		expect_allowed(probe_exec("/mnt/target", EACCES),
			       "disk, mounted anew: under fs-verity");
	close(fd);
}

int main(void)
{
	probe_init();
	copy("/t/target", "/mnt/target", "");
	expect_allowed(probe_exec("/mnt/target", EACCES), "disk, mounted before: control");
	mkdir("/bound", 0755);
	if (mount("/mnt", "/bound", NULL, MS_BIND, NULL))
		broken("bind mount");
	expect_allowed(probe_exec("/bound/target", EACCES), "the same, bound elsewhere late");
	if (umount("/bound"))
		broken("umount");
	test_memory();
	test_loop();
	test_disk();
	return 0;
}
