// SPDX-License-Identifier: MIT
/*
 * mounts: what is below a mounted file system is exchanged, without mounts=sealed and
 * under it. The scratch disk is mounted on /mnt before that policy is loaded, and so
 * are file systems on devices that can have other content from one moment to the
 * next. What is mounted afterwards runs no code.
 */
#include <linux/fsverity.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/swap.h>

#include "border.h"
#include "mapper.h"
#include "ways.h"

#define HOOK	"bprm_check_security"
#define REASON	"mounted-late"
#define DISK	"/dev/vda"
#define LOOP	"/dev/loop7"	/* for what is mounted for a moment */


/* Images: of a file system with the program mark, and the same with other code. */
#define EXT4		"/run/ext4"
#define BTRFS		"/run/btrfs"
#define BTRFS_1		"/run/btrfs-1"	/* both hold all of it */
#define BTRFS_2		"/run/btrfs-2"
#define EVIL_OF(image)	image "-evil"
#define EXT4_SIZE	(8 << 20)
#define BTRFS_SIZE	(96 << 20)	/* no less for two devices */
#define MIRRORS		16		/* so many runs read from either */

static void mount_as(const char *device, const char *dir, const char *type,
		     unsigned long flags, const char *options)
{
	mkdir(dir, 0755);
	if (mount(device, dir, type, flags, options))
		broken("mount of %s on %s", device, dir);
}

static void mount_on(const char *device, const char *dir, const char *type)
{
	mount_as(device, dir, type, 0, NULL);
}

static void mount_read_only(const char *device, const char *dir, const char *type,
			    const char *options)
{
	mount_as(device, dir, type, MS_RDONLY, options);
}

/*
 * Images
 */

static int open_or_end(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		broken("%s", path);
	return fd;
}

/* Copies @from to @at of @to; with EVIL the program in it gets other code. */
static void copy_image(const char *from, const char *to, off_t at, enum content what)
{
	int in_fd = open_or_end(from, O_RDONLY), out = open_or_end(to, O_WRONLY | O_CREAT);
	static char block[BLOCK], zeros[BLOCK];
	unsigned int evil = 0;
	off_t pos;

	for (pos = 0; read(in_fd, block, BLOCK) == BLOCK; pos += BLOCK) {
		if (!memcmp(block, zeros, BLOCK))
			continue;
		if (what == EVIL)
			evil += turn_evil(block, BLOCK);
		if (pwrite(out, block, BLOCK, at + pos) != BLOCK)
			broken("%s", to);
	}
	if (ftruncate(out, at + pos) || (what == EVIL && evil < 4))
		broken("%s: %u pages of code", to, evil);
	close(in_fd);
	close(out);
}

/* For reading alone, unless it is to be written to. */
static void attach(const char *device, const char *file, int flags)
{
	int fd = open_or_end(file, flags | O_CREAT), loop = open_or_end(device, flags);

	if (ioctl(loop, LOOP_SET_FD, fd))
		broken("%s", device);
	close(fd);
	close(loop);
}

static void detach(const char *device)
{
	int loop = open_or_end(device, O_RDONLY);

	if (ioctl(loop, LOOP_CLR_FD, 0))
		broken("%s", device);
	close(loop);
}

static void must_run(const char *command)
{
	if (system(command))
		broken("%s", command);
}

/* @file, @size bytes, becomes a file system with the program, made by @make. */
static void make_image(const char *file, off_t size, const char *make, const char *type,
		       const char *options)
{
	int fd = open_or_end(file, O_RDWR | O_CREAT);

	if (ftruncate(fd, size))
		broken("%s", file);
	close(fd);
	attach(LOOP, file, O_RDWR);
	must_run(make);
	mkdir("/make", 0755);
	if (mount(LOOP, "/make", type, 0, options))
		broken("mount of %s", file);
	copy(MARK_FILE, "/make/mark", "");
	if (umount("/make"))
		broken("umount");
	detach(LOOP);
}

/*
 * What can be exchanged below a mounted file system
 */

static void set_offset(enum content what)
{
	struct loop_info64 info = { .lo_offset = what == EVIL ? EXT4_SIZE : 0,
				    .lo_sizelimit = EXT4_SIZE };
	int loop = open_or_end("/dev/loop0", O_RDONLY);

	if (ioctl(loop, LOOP_SET_STATUS64, &info))
		broken("LOOP_SET_STATUS64");
	close(loop);
}

static void change_file(const char *device, const char *file)
{
	int loop = open_or_end(device, O_RDONLY), fd = open_or_end(file, O_RDONLY);

	if (ioctl(loop, LOOP_CHANGE_FD, fd))
		broken("LOOP_CHANGE_FD");
	close(fd);
	close(loop);
}

static void change_btrfs(enum content what)
{
	change_file("/dev/loop2", what == EVIL ? EVIL_OF(BTRFS) : BTRFS);
}

static void change_one_of_two(enum content what)
{
	change_file("/dev/loop5", what == EVIL ? EVIL_OF(BTRFS_2) : BTRFS_2);
}

static void load_table(const char *name, const char *device, off_t from, off_t size)
{
	char params[64];

	snprintf(params, sizeof(params), "%s %llu", device, (unsigned long long)from / 512);
	if (dm(DM_TABLE_LOAD, name, "linear", size / 512, params) < 0 ||
	    dm(DM_DEV_SUSPEND, name, NULL, 0, NULL) < 0)
		broken("table of %s", name);
}

static void reload_table(enum content what)
{
	load_table("reloaded", "/dev/loop3", what == EVIL ? EXT4_SIZE : 0, EXT4_SIZE);
}

static const char *make_device(const char *name, const char *below, off_t size)
{
	static char device[32];

	if (dm(DM_DEV_CREATE, name, NULL, 0, NULL) < 0)
		broken("device %s", name);
	load_table(name, below, 0, size);
	snprintf(device, sizeof(device), "/dev/dm-%d", dm(DM_DEV_STATUS, name, NULL, 0, NULL));
	return device;
}

static void mount_offset(void)
{
	copy_image(EXT4, "/run/both", 0, GOOD);
	copy_image(EXT4, "/run/both", EXT4_SIZE, EVIL);
	attach("/dev/loop0", "/run/both", O_RDONLY);
	set_offset(GOOD);
	mount_read_only("/dev/loop0", "/below/offset", "ext4", NULL);
}

static void mount_btrfs(void)
{
	make_image(BTRFS, BTRFS_SIZE, "mkfs.btrfs -q --mixed " LOOP " >/dev/null", "btrfs", "nodatasum");
	copy_image(BTRFS, EVIL_OF(BTRFS), 0, EVIL);
	attach("/dev/loop2", BTRFS, O_RDONLY);
	mount_read_only("/dev/loop2", "/below/btrfs", "btrfs", NULL);
}

static void mount_mapped(void)
{
	attach("/dev/loop3", "/run/both", O_RDONLY);
	mount_read_only(make_device("reloaded", "/dev/loop3", EXT4_SIZE), "/below/mapped", "ext4",
			NULL);
}

/* Named after the first of them, which is no loop device. */
static void mount_two_devices(void)
{
	int fd = open_or_end(BTRFS_2, O_RDWR | O_CREAT);

	if (ftruncate(fd, BTRFS_SIZE))
		broken(BTRFS_2);
	close(fd);
	attach("/dev/loop5", BTRFS_2, O_RDWR);
	make_image(BTRFS_1, BTRFS_SIZE,
		   "mkfs.btrfs -q --mixed -m raid1 -d raid1 " LOOP " /dev/loop5 >/dev/null",
		   "btrfs",
		   "nodatasum,device=/dev/loop5");
	detach("/dev/loop5");
	copy_image(BTRFS_2, EVIL_OF(BTRFS_2), 0, EVIL);
	attach("/dev/loop4", BTRFS_1, O_RDONLY);
	attach("/dev/loop5", BTRFS_2, O_RDONLY);
	mount_read_only(make_device("first", "/dev/loop4", BTRFS_SIZE), "/below/two", "btrfs",
			"device=/dev/loop5");
}

static bool has_mapper(void)
{
	return control >= 0 || open_mapper();
}

static bool has_btrfs(void)
{
	return !access("/bin/mkfs.btrfs", X_OK);
}

static bool has_both(void)
{
	return has_mapper() && has_btrfs();
}

/* @closed: it counts as late. */
static const struct below {
	const char *name, *dir;
	bool (*there)(void);
	void (*mount)(void);
	void (*put)(enum content what);
	bool closed;
} belows[] = {
	{ "LOOP_SET_STATUS64", "/below/offset", NULL, mount_offset, set_offset, true },
	{ "LOOP_CHANGE_FD below btrfs", "/below/btrfs", has_btrfs, mount_btrfs, change_btrfs,
	  true },
	{ "another table of device-mapper", "/below/mapped", has_mapper, mount_mapped, reload_table,
	  false },
	{ "LOOP_CHANGE_FD below btrfs of two devices", "/below/two", has_both, mount_two_devices,
	  change_one_of_two, false },
};

/* The program runs from what is below now, sooner or later. */
static bool runs_evil(void)
{
	int status = 0;

	for (int i = 0; i < MIRRORS && status != RAN_EVIL; i++)
		status = run_again();
	if (status != RAN_EVIL)
		note("exit status %d", status);
	return status == RAN_EVIL;
}

static void test_below(const struct below *b, bool sealed)
{
	const char *under = sealed ? ", under mounts=sealed" : "";

	snprintf(target, sizeof(target), "%s/mark", b->dir);
	if (b->there && !b->there()) {
		ok(true, "%s%s # SKIP not on this kernel", b->name, under);
		return;
	}
	if (!sealed)
		b->mount();
	if (sealed && b->closed) {
		expect_denied(probe_exec(target, EACCES), HOOK, REASON, "%s%s", b->name, under);
		return;
	}
	expect_allowed(probe_exec(target, EACCES), "%s%s: before", b->name, under);
	b->put(EVIL);
	ok(runs_evil(), "%s%s: other code runs: known limit", b->name, under);
	b->put(GOOD);
	evict(target);
}

/* For the kernel it has lost its disk. */
static void test_change_below_ext4(void)
{
	snprintf(target, sizeof(target), "/below/changed/mark");
	copy_image(EXT4, EVIL_OF(EXT4), 0, EVIL);
	attach("/dev/loop1", EXT4, O_RDONLY);
	mount_read_only("/dev/loop1", "/below/changed", "ext4", NULL);
	expect_allowed(probe_exec(target, EACCES), "LOOP_CHANGE_FD below ext4: before");
	change_file("/dev/loop1", EVIL_OF(EXT4));
	evict(target);
	expect(DENIED, probe_exec(target, EIO), "LOOP_CHANGE_FD below ext4: shut down: EIO");
}

/* A device that is in use gets no other file this way. */
static void test_in_use(void)
{
	struct loop_config config = { .block_size = BLOCK };
	int loop = open_or_end("/dev/loop0", O_RDONLY), fd = open_or_end(EXT4, O_RDONLY);

	config.fd = fd;
	ok(ioctl(loop, LOOP_SET_FD, fd) && errno == EBUSY, "LOOP_SET_FD: EBUSY");
	ok(ioctl(loop, LOOP_CONFIGURE, &config) && errno == EBUSY, "LOOP_CONFIGURE: EBUSY");
	close(fd);
	close(loop);
}

/*
 * Swap
 */

#define SWAP_FILE	"/mnt/swap"
#define SWAP		"/dev/loop6"

#define CGROUP		"/run/cgroup2"

/* What is made from now on can be put out of memory. */
static bool enter_cgroup(void)
{
	mkdir(CGROUP, 0755);
	if (mount("none", CGROUP, "cgroup2", 0, NULL) || mkdir(CGROUP "/swapped", 0755))
		return false;
	write_text(CGROUP "/cgroup.subtree_control", "+memory");
	write_text(CGROUP "/swapped/cgroup.procs", "0");
	return true;
}

/* Nothing of the file is in memory any more. */
static bool page_out(const char *path)
{
	int fd = open_or_end(path, O_RDONLY), reclaim;
	size_t pages = image_size / BLOCK, n = 1;
	int64_t end = now_ms() + RECORD_MS;
	unsigned char in_memory[64];
	void *map = mmap(NULL, image_size, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || pages > sizeof(in_memory))
		broken("%s", path);
	reclaim = open_or_end(CGROUP "/swapped/memory.reclaim", O_WRONLY);
	while (n && now_ms() < end) {
		/* There is never as much as that. */
		if (write(reclaim, "64M", 3) != 3 && errno != EAGAIN)
			broken("memory.reclaim");
		if (mincore(map, image_size, in_memory))
			broken("mincore");
		n = 0;
		for (size_t i = 0; i < pages; i++)
			n += in_memory[i] & 1;
	}
	close(reclaim);
	munmap(map, image_size);
	close(fd);
	return !n;
}

static void test_swap(void)
{
	if (!enter_cgroup()) {
		ok(true, "swap # SKIP no cgroups of version 2");
		return;
	}
	snprintf(target, sizeof(target), "/late-tmpfs/mark");
	copy(MARK_FILE, target, "");
	must_run("dd if=/dev/zero of=" SWAP_FILE " bs=1M count=4 2>/dev/null");
	attach(SWAP, SWAP_FILE, O_RDWR);
	must_run("mkswap " SWAP " >/dev/null");
	if (swapon(SWAP, 0)) {
		ok(true, "swap # SKIP %s", strerror(errno));
		return;
	}
	expect_allowed(probe_exec(target, EACCES), "tmpfs and swap: before");
	if (!page_out(target))
		broken("swap");
	sync();
	copy_image(SWAP_FILE, SWAP_FILE, 0, EVIL);
	ok(run_again() == RAN_EVIL, "tmpfs, changed on the swap device: other code runs: known limit");
	if (swapoff(SWAP))
		broken("swapoff");
	copy(target, "/late-tmpfs/copy", "");
	expect_denied(probe_exec("/late-tmpfs/copy", EACCES), HOOK, "no-evidence",
		      "tmpfs, changed on the swap device: a copy of it");
	detach(SWAP);
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

/* Nobody has the device open for writing: some kernels mount none then. */
static void test_loop(void)
{
	int fd = open_or_end("/mnt/image", O_RDWR | O_CREAT);

	if (ftruncate(fd, 8 << 20))
		broken("/mnt/image");
	close(fd);
	attach(LOOP, "/mnt/image", O_RDWR);
	must_run("mke2fs " LOOP " >/dev/null");
	mount_on(LOOP, "/late-loop", "ext4");
	copy("/t/target", "/late-loop/target", "");
	expect_denied(probe_exec("/late-loop/target", EACCES), HOOK, REASON, "image on a loop device");
	expect_denied(probe_map("/late-loop/target", EACCES), "mmap_file", REASON,
		      "image on a loop device, mapped");
	if (umount("/late-loop"))
		broken("umount");
	detach(LOOP);
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

static void seal_mounts(void)
{
	int border = open_border();

	if (!ok(!load_policy_file(border, "/t/policy-mounts"), "mounts=sealed"))
		note("error %d, %s", answer.error, answer.text);
	close(border);
}

int main(void)
{
	probe_init();
	load_images();
	mkdir("/below", 0755);
	make_image(EXT4, EXT4_SIZE, "mke2fs -b 4096 " LOOP " >/dev/null", "ext4", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(belows); i++)
		test_below(&belows[i], false);
	test_change_below_ext4();
	test_in_use();
	seal_mounts();
	for (size_t i = 0; i < ARRAY_SIZE(belows); i++)
		test_below(&belows[i], true);
	copy("/t/target", "/mnt/target", "");
	expect_allowed(probe_exec("/mnt/target", EACCES), "disk, mounted before: control");
	mkdir("/bound", 0755);
	if (mount("/mnt", "/bound", NULL, MS_BIND, NULL))
		broken("bind mount");
	expect_allowed(probe_exec("/bound/target", EACCES), "the same, bound elsewhere late");
	if (umount("/bound"))
		broken("umount");
	test_memory();
	test_swap();
	test_loop();
	test_disk();
	return 0;
}
