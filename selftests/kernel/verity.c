// SPDX-License-Identifier: MIT
/*
 * verity: digests of fs-verity and dm-verity as evidence. Of /t/verity the fs-verity
 * digest is sealed. /v has images with their hash trees and root hashes, of which
 * one is sealed. The policy counts SHA-384 of contents, of which none is sealed but
 * of policies.
 */
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "border.h"
#include "mapper.h"

#define EXEC_HOOK	"bprm_check_security"
#define PROGRAM		"/t/verity"
#define BLOCK		4096

static int border;

static void load(const char *path)
{
	if (!ok(!load_policy_file(border, path), "%s is loaded", path))
		note("error %d, %s", answer.error, answer.text);
}

/* Does "receiptctl why" find the digest of @kind, and that the file is allowed? */
static void explained(const char *path, const char *kind, const char *name)
{
	char command[256], line[512], wanted[64];
	bool allowed = false, found = false;
	int status;
	FILE *f;

	snprintf(command, sizeof(command), "/bin/receiptctl why %s 2>&1", path);
	snprintf(wanted, sizeof(wanted), "  %s:", kind);
	f = popen(command, "re");
	if (!f)
		broken("%s", command);
	while (fgets(line, sizeof(line), f)) {
		note("%.*s", (int)strcspn(line, "\n"), line);
		found |= !strncmp(line, wanted, strlen(wanted));
		allowed |= !!strstr(line, "allowed");
	}
	status = pclose(f);
	if (!ok(found && allowed, "%s: explained", name))
		note("%s: wait status 0x%x", command, status);
}

/*
 * fs-verity
 */

static bool enable_verity(const char *path, uint32_t alg, uint32_t block)
{
	struct fsverity_enable_arg arg = { .version = 1, .hash_algorithm = alg,
					   .block_size = block };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool enabled = fd >= 0 && !ioctl(fd, FS_IOC_ENABLE_VERITY, &arg);

	if (!enabled && errno != EOPNOTSUPP && errno != ENOTTY)
		broken("FS_IOC_ENABLE_VERITY of %s", path);
	close(fd);
	return enabled;
}

/* A copy of the program under fs-verity. */
static const char *verity_file(const char *name, const char *tail)
{
	const char *path = in("/mnt", name);

	copy(PROGRAM, path, tail);
	if (!enable_verity(path, FS_VERITY_HASH_ALG_SHA256, BLOCK))
		broken("%s", path);
	return path;
}

static void hashed(uint64_t before, bool more, const char *name)
{
	uint64_t now = stat_value("hashed");

	if (!ok((now > before) == more, "%s: its content is %shashed", name, more ? "" : "not "))
		note("%llu times", (unsigned long long)(now - before));
}

static void test_fsverity(void)
{
	const char *good = verity_file("good", ""), *bad = verity_file("bad", "x");
	uint64_t before = stat_value("hashed");
	const char *plain = in("/mnt", "plain");

	expect_allowed(probe_exec(good, EACCES), "fs-verity: sealed digest");
	hashed(before, false, "fs-verity: sealed digest");
	explained(good, "fsverity-sha256", "fs-verity: sealed digest");
	expect_denied(probe_exec(bad, EACCES), EXEC_HOOK, "no-evidence",
		      "fs-verity: unsealed digest");
	hashed(before, true, "fs-verity: unsealed digest");
	copy(PROGRAM, plain, "");
	expect_denied(probe_exec(plain, EACCES), EXEC_HOOK, "no-evidence",
		      "fs-verity: the same content without it");
}

/* Other parameters make another digest of the same content, or one of another kind. */
static void test_parameters(void)
{
	const char *path = in("/mnt", "sha512");

	copy(PROGRAM, path, "");
	if (!enable_verity(path, FS_VERITY_HASH_ALG_SHA512, BLOCK))
		broken("%s", path);
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence", "fs-verity: of SHA-512");
	path = in("/mnt", "block");
	copy(PROGRAM, path, "");
	if (!enable_verity(path, FS_VERITY_HASH_ALG_SHA256, 1024)) {
		ok(true, "fs-verity: of another block size # SKIP not on this file system");
		return;
	}
	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence",
		      "fs-verity: of another block size");
}

/* Of another program the digest is sealed, but as a root hash. */
static void test_kind(void)
{
	const char *path = verity_file("kind", "kind");

	expect_denied(probe_exec(path, EACCES), EXEC_HOOK, "no-evidence",
		      "fs-verity: its bytes sealed as another kind");
}

static int protect(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, BLOCK, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return BROKEN;
	return outcome_of(!mprotect(map, BLOCK, PROT_READ | PROT_EXEC), EACCES);
}

/* Under mmap_lock: no verdict is remembered, but evidence is. Nothing is hashed. */
static void test_mprotect(void)
{
	const char *good = verity_file("good2", ""), *bad = verity_file("bad2", "x");

	expect_allowed(probe_exec(good, EACCES), "fs-verity: executed");
	if (flush(border))
		broken("flush: %s", answer.text);
	expect_allowed(probe_exec("/mnt/good", EACCES), "fs-verity: another file, the same digest");
	expect_allowed(probe(protect, (void *)good), "fs-verity: mprotect, evidence is known");
	expect_denied(probe(protect, (void *)bad), "file_mprotect", "not-yet-verified",
		      "fs-verity: mprotect, unsealed digest");
}

static int open_for_writing(void *path)
{
	return outcome_of(open(path, O_WRONLY | O_CLOEXEC) >= 0, EPERM);
}

static void drop_caches(void)
{
	sync();
	write_text("/proc/sys/vm/drop_caches", "3");
}

/* Where a block of a file is on its device, in blocks. */
static int block_of(const char *path, int block)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FIBMAP, &block))
		broken("FIBMAP of %s", path);
	close(fd);
	return block;
}

static bool write_raw(const char *path, int block)
{
	static uint8_t junk[BLOCK] __attribute__((aligned(BLOCK)));
	char device[32];
	struct stat st;
	int fd;

	if (stat(path, &st))
		broken("%s", path);
	snprintf(device, sizeof(device), "/dev/block-%u", minor(st.st_dev));
	if (mknod(device, S_IFBLK | 0600, st.st_dev) && errno != EEXIST)
		broken("%s", device);
	block = block_of(path, block);
	memset(junk, 0x90, sizeof(junk));
	fd = open(device, O_WRONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (pwrite(fd, junk, BLOCK, (off_t)block * BLOCK) != BLOCK)
		broken("%s", device);
	close(fd);
	return true;
}

static int touch_map(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	volatile char *map = mmap(NULL, BLOCK, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, BLOCK);

	if (map == MAP_FAILED)
		return BROKEN;
	(void)*map;
	return ALLOWED;
}

static bool dies_of_sigbus(const char *path)
{
	pid_t pid = start_probe(touch_map, (void *)path);
	int status;

	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* The disk below changes, raw. */
static void test_corrupt(void)
{
	const char *path = verity_file("corrupt", "");

	expect(DENIED, probe(open_for_writing, (void *)path), "fs-verity: not open to writers");
	expect_allowed(probe_exec(path, EACCES), "fs-verity: before the disk changes");
	drop_caches();
	if (!write_raw(path, 1)) {
		ok(true, "fs-verity: the disk changes # SKIP closed to writers while mounted");
		return;
	}
	ok(dies_of_sigbus(path), "fs-verity: a block that changed on the disk: SIGBUS");
	drop_caches();
	write_raw(path, 0);
	expect(DENIED, probe_exec(path, EIO), "fs-verity: the first block changed: EIO");
}

/* 1.1.0 denies the content of one program that has a sealed fs-verity digest. */
static void test_denied_content(void)
{
	const char *denied = "/mnt/denied", *good = verity_file("good3", "");
	uint64_t before;

	verity_file("denied", "denied");
	expect_allowed(probe_exec(denied, EACCES), "fs-verity: before a denial by content");
	load("/t/policy-verity-1.1.0");
	expect_denied(probe_exec(denied, EACCES), EXEC_HOOK, "denied-by-rule",
		      "fs-verity: sealed, denied by its content");
	before = stat_value("hashed");
	expect_allowed(probe_exec(good, EACCES), "fs-verity: sealed, not denied by its content");
	hashed(before, true, "fs-verity: where a rule may deny it");
}

/* 1.2.0 names the digests in its rules, each as what it is not as well. */
static void test_rules(void)
{
	load("/t/policy-verity-1.2.0");
	expect_allowed(probe_exec("/mnt/good", EACCES), "fsverity= with the digest");
	expect_denied(probe_exec("/mnt/bad", EACCES), EXEC_HOOK, "denied-by-default",
		      "digest= and dmverity= with the fs-verity digest");
}

/* 1.3.0 does not count digests of fs-verity and dm-verity. */
static void test_not_counted(void)
{
	load("/t/policy-verity-1.3.0");
	expect_denied(probe_exec("/mnt/good", EACCES), EXEC_HOOK, "no-evidence",
		      "fs-verity: sealed digest, which the policy does not count");
}

/*
 * dm-verity
 */

static int nimages;
static struct image {
	char name[32];
	char root[65];
	char data[32];			/* loop devices */
	char hash[32];
	uint64_t sectors;
} images[5];

static const struct image *image(const char *name)
{
	int i;

	for (i = 0; i < nimages; i++)
		if (!strcmp(images[i].name, name))
			return &images[i];
	broken("no image %s", name);
}

static void attach(char *device, size_t size, const char *name, const char *suffix)
{
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC), n, loop, fd;
	char path[64];

	snprintf(path, sizeof(path), "/v/%s.%s", name, suffix);
	n = ioctl(ctl, LOOP_CTL_GET_FREE);
	if (n < 0)
		broken("/dev/loop-control");
	snprintf(device, size, "/dev/loop%d", n);
	loop = open(device, O_RDONLY | O_CLOEXEC);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (loop < 0 || fd < 0 || ioctl(loop, LOOP_SET_FD, fd))
		broken("%s on %s", path, device);
	close(fd);
	close(loop);
	close(ctl);
}

static void add_image(const char *name)
{
	struct image *i = &images[nimages++];
	char path[64];
	struct stat st;
	FILE *f;

	snprintf(i->name, sizeof(i->name), "%s", name);
	snprintf(path, sizeof(path), "/v/%s.root", name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%64s", i->root) != 1)
		broken("%s", path);
	fclose(f);
	attach(i->data, sizeof(i->data), i->name, "img");
	attach(i->hash, sizeof(i->hash), i->name, "hash");
	snprintf(path, sizeof(path), "/v/%s.img", i->name);
	if (stat(path, &st))
		broken("%s", path);
	i->sectors = st.st_size / 512;
}

static void load_verity(const char *name, const struct image *data, const struct image *tree,
			const char *options)
{
	char params[512];

	snprintf(params, sizeof(params), "1 %s %s 4096 4096 %llu 1 sha256 %s - %s", data->data,
		 tree->hash, (unsigned long long)data->sectors / 8, tree->root, options);
	if (dm(DM_TABLE_LOAD, name, "verity", data->sectors, params) < 0)
		broken("table of %s: %s", name, params);
}

static int load_linear(const char *name, const struct image *i)
{
	char params[64];

	snprintf(params, sizeof(params), "%s 0", i->data);
	return dm(DM_TABLE_LOAD, name, "linear", i->sectors, params);
}

static int resume(const char *name)
{
	return dm(DM_DEV_SUSPEND, name, NULL, 0, NULL) < 0 ? -errno : 0;
}

static void must_resume(const char *name)
{
	int err = resume(name);

	if (err)
		broken("resume of %s: %d", name, err);
}

/* Where it gets mounted, and its program. */
static const char *mount_point(const char *name)
{
	return in("/run", name);
}

static const char *file_of(const char *name, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", name, file);
	return in("/run", path);
}

static const char *program_of(const char *name)
{
	return file_of(name, "program");
}

static void create(const char *name)
{
	if (dm(DM_DEV_CREATE, name, NULL, 0, NULL) < 0)
		broken("device %s", name);
	mkdir(mount_point(name), 0755);
}

static void mount_device(const char *device, const char *name)
{
	if (mount(device, mount_point(name), "ext4", MS_RDONLY, NULL))
		broken("mount %s", name);
}

static void mount_dm(const char *name)
{
	char device[32];

	snprintf(device, sizeof(device), "/dev/dm-%d", dm(DM_DEV_STATUS, name, NULL, 0, NULL));
	mount_device(device, name);
}

static void remove_dm(const char *name)
{
	if (umount(mount_point(name)) || dm(DM_DEV_REMOVE, name, NULL, 0, NULL) < 0)
		broken("removing %s", name);
}

static void set_up(const char *name, const char *of)
{
	create(name);
	load_verity(name, image(of), image(of), "");
	must_resume(name);
	mount_dm(name);
}

static void test_dmverity(void)
{
	uint64_t before = stat_value("hashed"), asked;

	set_up("a", "sealed");
	expect_allowed(probe_exec(program_of("a"), EACCES), "dm-verity: sealed root hash");
	asked = stat_value("lookups");
	expect_allowed(probe_exec(file_of("a", "other"), EACCES),
		       "dm-verity: another program of the device");
	hashed(before, false, "dm-verity: of a sealed root hash");
	ok(stat_value("lookups") == asked, "dm-verity: the helper is asked once for a device");
	explained(program_of("a"), "dmverity-sha256", "dm-verity: sealed root hash");
	copy(program_of("a"), "/mnt/copy", "");
	expect_denied(probe_exec("/mnt/copy", EACCES), EXEC_HOOK, "no-evidence",
		      "dm-verity: a copy of its program elsewhere");
	set_up("b", "unsealed");
	expect_denied(probe_exec(program_of("b"), EACCES), EXEC_HOOK, "no-evidence",
		      "dm-verity: unsealed root hash");
	remove_dm("b");
	remove_dm("a");
}

/* The same image without dm-verity, or not yet. */
static void test_other_targets(void)
{
	mkdir(mount_point("raw"), 0755);
	mount_device(image("sealed")->data, "raw");
	expect_denied(probe_exec(program_of("raw"), EACCES), EXEC_HOOK, "no-evidence",
		      "dm-verity: the image alone");
	umount(mount_point("raw"));
	create("linear");
	load_linear("linear", image("sealed"));
	must_resume("linear");
	mount_dm("linear");
	expect_denied(probe_exec(program_of("linear"), EACCES), EXEC_HOOK, "no-evidence",
		      "dm-linear: the image of a sealed root hash");
	/* What it has cached came through the old table. */
	load_verity("linear", image("sealed"), image("sealed"), "");
	must_resume("linear");
	expect_denied(probe_exec(program_of("linear"), EACCES), EXEC_HOOK, "no-evidence",
		      "dm-verity: set up under a mounted file system");
	umount(mount_point("linear"));
	load_verity("linear", image("unsealed"), image("unsealed"), "");
	must_resume("linear");
	load_verity("linear", image("sealed"), image("sealed"), "");
	must_resume("linear");
	mount_dm("linear");
	expect_allowed(probe_exec(program_of("linear"), EACCES),
		       "dm-verity: set up when nobody had it open");
	remove_dm("linear");
}

/* Under a program that ran, a table of another root hash. */
static void test_swap(void)
{
	set_up("swap", "sealed");
	load_verity("swap", image("sealed"), image("sealed"), "");
	ok(!resume("swap"), "dm-verity: another table, the same root hash");
	expect_allowed(probe_exec(program_of("swap"), EACCES), "dm-verity: and its program runs");
	load_verity("swap", image("unsealed"), image("unsealed"), "");
	ok(resume("swap") == -EBUSY, "dm-verity: another root hash: EBUSY");
	load_verity("swap", image("sealed"), image("sealed"), "");
	ok(!resume("swap"), "dm-verity: back to the first one");
	expect_allowed(probe_exec(file_of("swap", "other"), EACCES),
		       "dm-verity: and another program runs");
	remove_dm("swap");
}

/* Nothing has run yet: the table is swapped, and the root hash counts no more. */
static void test_early_swap(void)
{
	set_up("early", "sealed");
	load_verity("early", image("unsealed"), image("unsealed"), "");
	ok(!resume("early"), "dm-verity: another root hash before anything ran");
	load_verity("early", image("sealed"), image("sealed"), "");
	ok(!resume("early"), "dm-verity: and the first again");
	expect_denied(probe_exec(program_of("early"), EACCES), EXEC_HOOK, "no-evidence",
		      "dm-verity: a root hash that was swapped while mounted");
	remove_dm("early");
}

/* A device that comes in the place of another has nothing of it. */
static void test_again(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		set_up("again", "sealed");
		expect_allowed(probe_exec(program_of("again"), EACCES), "dm-verity: sealed, again");
		remove_dm("again");
		create("again");
		load_linear("again", image("sealed"));
		must_resume("again");
		mount_dm("again");
		expect_denied(probe_exec(program_of("again"), EACCES), EXEC_HOOK, "no-evidence",
			      "dm-linear: in the place of a sealed device");
		remove_dm("again");
	}
}

/* Which image a program came from. */
static bool is_of(const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char mark[7] = "";

	if (fd < 0 || pread(fd, mark, sizeof(mark), 9) != sizeof(mark))
		broken("%s", path);
	close(fd);
	return !strncmp(mark, name, strlen(name));
}

/* The image "evil" has other programs than "sealed" in the same places. */
static void test_evil(void)
{
	create("evil");
	load_verity("evil", image("evil"), image("sealed"), "");
	must_resume("evil");
	mount_dm("evil");
	expect(DENIED, probe_exec(program_of("evil"), EIO),
	       "dm-verity: other content under a sealed root hash: EIO");
	remove_dm("evil");
}

/*
 * What the hook does not tell, see the threat model: whoever sets up devices can
 * let other content pass. The honest result.
 */
static void test_not_told(void)
{
	create("ignored");
	load_verity("ignored", image("evil"), image("sealed"), "1 ignore_corruption");
	must_resume("ignored");
	mount_dm("ignored");
	expect_allowed(probe_exec(program_of("ignored"), EACCES),
		       "dm-verity: ignore_corruption: not told of");
	ok(is_of(program_of("ignored"), "SEALED"),
	   "dm-verity: ignore_corruption: what ran is other content");
	remove_dm("ignored");

	set_up("detour", "sealed");
	ok(load_linear("detour", image("evil")) < 0 && errno == EINVAL,
	   "dm-verity: dm-linear in its place: EINVAL");
	if (dm(DM_TABLE_LOAD, "detour", "error", image("sealed")->sectors, "") < 0)
		broken("dm-error");
	must_resume("detour");
	if (load_linear("detour", image("evil")) < 0)
		broken("dm-linear");
	must_resume("detour");
	expect_allowed(probe_exec(program_of("detour"), EACCES),
		       "dm-verity: dm-linear in its place, by way of dm-error: not told of");
	ok(is_of(program_of("detour"), "SEALED"), "dm-linear: what ran is other content");
	remove_dm("detour");
}

static void mount_erofs(const char *name, const char *options)
{
	char device[32];

	create(name);
	load_verity(name, image(name), image(name), "");
	must_resume(name);
	snprintf(device, sizeof(device), "/dev/dm-%d", dm(DM_DEV_STATUS, name, NULL, 0, NULL));
	if (mount(device, mount_point(name), "erofs", MS_RDONLY, options))
		broken("mount of %s", name);
}

/* Of two images the root hash is sealed; one keeps its content on another device. */
static void test_erofs(void)
{
	char blob[32], option[48];

	if (access("/v/erofs.root", F_OK)) {
		ok(true, "dm-verity: erofs # SKIP not on this kernel");
		return;
	}
	add_image("erofs");
	add_image("erofs-more");
	mount_erofs("erofs", NULL);
	expect_allowed(probe_exec(program_of("erofs"), EACCES), "dm-verity: erofs of one device");
	remove_dm("erofs");
	attach(blob, sizeof(blob), "erofs-more", "blob");
	snprintf(option, sizeof(option), "device=%s", blob);
	mount_erofs("erofs-more", option);
	expect_denied(probe_exec(program_of("erofs-more"), EACCES), EXEC_HOOK, "no-evidence",
		      "dm-verity: erofs of two devices");
	remove_dm("erofs-more");
}

static void test_dm(void)
{
	if (!open_mapper()) {
		ok(true, "dm-verity # SKIP this kernel has no device-mapper");
		return;
	}
	add_image("sealed");
	add_image("unsealed");
	add_image("evil");
	test_dmverity();
	test_other_targets();
	test_swap();
	test_early_swap();
	test_again();
	test_evil();
	test_not_told();
	test_erofs();
}

static void test_fs(void)
{
	const char *path = in("/mnt", "probe");

	copy(PROGRAM, path, "");
	if (!enable_verity(path, FS_VERITY_HASH_ALG_SHA256, BLOCK)) {
		ok(true, "fs-verity # SKIP this kernel has none");
		return;
	}
	test_fsverity();
	test_parameters();
	test_kind();
	test_mprotect();
	test_corrupt();
	test_denied_content();
	test_rules();
	test_not_counted();
}

int main(void)
{
	probe_init();
	border = open_border();
	test_dm();
	test_fs();
	return 0;
}
