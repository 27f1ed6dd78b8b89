// SPDX-License-Identifier: MIT
/*
 * By which ways the kernel takes in files: firmware, compressed modules, kexec images,
 * certificates; and the programs that it starts itself.
 */
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "ways.h"

#define READ_HOOK	"kernel_post_read_file"
#define DATA_HOOK	"kernel_post_load_data"
#define DOOR		"/t/door.ko"
#define FIRMWARE	"/lib/firmware"
#define COMPRESSED	4	/* MODULE_INIT_COMPRESSED_FILE */

/*
 * Modules
 */

struct load_args {
	const char *path;
	char options[300];
	int flags;
	int want_errno;
};

static int try_load(void *arg)
{
	struct load_args *l = arg;
	int fd = open(l->path, O_RDONLY | O_CLOEXEC);

	return outcome_of(!syscall(SYS_finit_module, fd, l->options, l->flags), l->want_errno);
}

static int load_module(struct load_args *args, const char *name)
{
	int got = probe(try_load, args);

	if (got == ALLOWED && syscall(SYS_delete_module, name, 0))
		broken("delete_module %s", name);
	return got;
}

static int load_compressed(const char *path)
{
	struct load_args args = { .path = path, .flags = COMPRESSED, .want_errno = EACCES };

	return load_module(&args, "sample");
}

/* The kernel shows the file as it is on the disk: that is what needs evidence. */
static void test_compressed(void)
{
	expect_allowed(load_compressed("/t/sample.ko.xz"), "compressed module: sealed");
	expect_denied(load_compressed("/t/repacked.ko.xz"), READ_HOOK, "no-evidence",
		      "compressed module: a sealed module in an unsealed file");
	copy("/t/sample.ko.xz", "/mnt/sample.ko.xz", "");
	flip_byte("/mnt/sample.ko.xz");
	expect_denied(load_compressed("/mnt/sample.ko.xz"), READ_HOOK, "no-evidence",
		      "compressed module: one byte changed");
}

/*
 * Firmware
 */

static int door(const char *how, const char *name, int want_errno)
{
	struct load_args args = { .path = DOOR, .want_errno = want_errno };

	snprintf(args.options, sizeof(args.options), "how=%s name=%s", how, name);
	return load_module(&args, "door");
}

/* Read by the process that asks, but for the one way that does not wait. */
static void test_firmware_ways(void)
{
	static const char *const ways_to_ask[] = { "direct", "nowarn", "platform", "buffer" };
	const char *const record[] = { "receipt: op=FIRMWARE", "verdict=denied",
				       "reason=no-evidence" };

	for (size_t i = 0; i < ARRAY_SIZE(ways_to_ask); i++) {
		expect_allowed(door(ways_to_ask[i], "sealed", EACCES), "firmware, %s: sealed",
			       ways_to_ask[i]);
		expect_denied(door(ways_to_ask[i], "unsealed", EACCES), READ_HOOK, "no-evidence",
			      "firmware, %s: unsealed", ways_to_ask[i]);
	}
	expect_allowed(door("nowait", "sealed", EACCES), "firmware, nowait: sealed");
	expect(DENIED, door("nowait", "unsealed", EACCES), "firmware, nowait: unsealed");
	ok(find_record(record, ARRAY_SIZE(record)), "firmware, nowait: recorded as no-evidence");
	expect_denied(door("partial", "sealed", EACCES), "kernel_read_file",
		      "contents-not-available", "firmware, in part: sealed, but nobody sees all");
}

static void test_firmware_compressed(void)
{
	expect_allowed(door("direct", "packed", EACCES), "firmware, compressed: sealed");
	expect_denied(door("direct", "repacked", EACCES), READ_HOOK, "no-evidence",
		      "firmware, compressed: sealed firmware in an unsealed file");
}

/* The last folder that was looked into, where there is none, gives the errno. */
static void test_firmware_path(void)
{
	write_text("/sys/module/firmware_class/parameters/path", "/mnt/firmware");
	mkdir("/mnt/firmware", 0755);
	copy("/t/firmware", "/mnt/firmware/elsewhere", "");
	write_text("/mnt/firmware/evil", "unsealed firmware");
	expect_allowed(door("direct", "elsewhere", ENOENT), "firmware_class.path: sealed");
	expect_denied(door("direct", "evil", ENOENT), READ_HOOK, "no-evidence",
		      "firmware_class.path: unsealed");
	write_text("/sys/module/firmware_class/parameters/path", " ");
}

/* User space writes it to sysfs, for a driver that waits for it, or on its own. */
struct written {
	const char *name;
	const char *from;
};

static int write_firmware(void *arg)
{
	const struct written *w = arg;
	char loading[128], data[128];
	int fd;

	snprintf(loading, sizeof(loading), "/sys/class/firmware/%s/loading", w->name);
	snprintf(data, sizeof(data), "/sys/class/firmware/%s/data", w->name);
	write_text(loading, "1");
	fd = open(data, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return BROKEN;
	copy_fd(w->from, fd, "");
	close(fd);
	fd = open(loading, O_WRONLY | O_CLOEXEC);
	return outcome_of(write(fd, "0", 1) == 1, EACCES);
}

#define FORCE	"/proc/sys/kernel/firmware_config/force_sysfs_fallback"

/* The driver is a process of its own; it gets an error of its own. */
static int bring(const char *from, bool *got)
{
	struct load_args args = { .path = DOOR, .options = "how=user name=absent",
				  .want_errno = EAGAIN };
	struct written w = { "absent", from };
	pid_t driver = start_probe(try_load, &args);
	int outcome;

	for (int i = 0; i < 500 && access("/sys/class/firmware/absent/loading", F_OK); i++)
		usleep(20000);
	outcome = probe(write_firmware, &w);
	*got = end_probe(driver) == ALLOWED;
	if (*got && syscall(SYS_delete_module, "door", 0))
		broken("delete_module");
	return outcome;
}

static void test_fallback(void)
{
	bool got;

	if (access(FORCE, F_OK)) {
		ok(true, "firmware, fallback # SKIP this kernel has none");
		return;
	}
	write_text(FORCE, "1");
	expect_allowed(bring(FIRMWARE "/sealed", &got), "firmware, fallback: sealed");
	ok(got, "firmware, fallback: the driver gets it");
	expect_denied(bring(FIRMWARE "/unsealed", &got), DATA_HOOK, "no-evidence",
		      "firmware, fallback: unsealed");
	ok(!got, "firmware, fallback: the driver does not get it");
	write_text(FORCE, "0");
}

static unsigned int uploaded(void)
{
	FILE *f = fopen("/sys/module/door/parameters/uploaded", "re");
	unsigned int bytes;

	if (!f || fscanf(f, "%u", &bytes) != 1)
		broken("uploaded");
	fclose(f);
	return bytes;
}

/* A denied upload cannot be followed by another, and the module stays. */
static void test_upload(void)
{
	struct load_args args = { .path = DOOR, .options = "how=upload name=upload",
				  .want_errno = EINVAL };
	struct written sealed = { "upload", FIRMWARE "/sealed" };
	struct written unsealed = { "upload", FIRMWARE "/unsealed" };
	unsigned int bytes;

	if (probe(try_load, &args) != ALLOWED) {
		ok(true, "firmware, upload # SKIP this kernel has none");
		return;
	}
	expect_allowed(probe(write_firmware, &sealed), "firmware, upload: sealed");
	for (int i = 0; i < 100 && !uploaded(); i++)
		usleep(20000);
	bytes = uploaded();
	ok(bytes, "firmware, upload: the driver gets it");
	usleep(100000);
	expect_denied(probe(write_firmware, &unsealed), DATA_HOOK, "no-evidence",
		      "firmware, upload: unsealed");
	usleep(500000);
	ok(uploaded() == bytes, "firmware, upload: the driver gets nothing of it");
}

static void test_firmware(void)
{
	mkdir(FIRMWARE, 0755);
	copy("/t/firmware", FIRMWARE "/sealed", "");
	write_text(FIRMWARE "/unsealed", "unsealed firmware");
	copy("/t/firmware.xz", FIRMWARE "/packed.xz", "");
	copy("/t/firmware-repacked.xz", FIRMWARE "/repacked.xz", "");
	test_firmware_ways();
	test_firmware_compressed();
	test_firmware_path();
	test_fallback();
	test_upload();
}

/* No part of this kernel but IMA reads such, at its start; here, a module does. */
static void test_read(const char *how, const char *what, const char *sealed)
{
	expect_allowed(door(how, sealed, EACCES), "%s: sealed", what);
	copy(sealed, "/mnt/read", "x");
	expect_denied(door(how, "/mnt/read", EACCES), READ_HOOK, "no-evidence", "%s: unsealed",
		      what);
	expect_denied(door(how, "/t/firmware", EACCES), READ_HOOK, "usage-not-granted",
		      "%s: sealed for another use", what);
}

/*
 * kexec
 */

#define KEXEC_UNLOAD		1
#define KEXEC_NO_INITRAMFS	4

struct kexec_args {
	const char *image;
	const char *initramfs;
};

static int try_kexec(void *arg)
{
	struct kexec_args *k = arg;
	int image = open(k->image, O_RDONLY | O_CLOEXEC);
	int initramfs = k->initramfs ? open(k->initramfs, O_RDONLY | O_CLOEXEC) : -1;
	int flags = k->initramfs ? 0 : KEXEC_NO_INITRAMFS;
	bool good = !syscall(SYS_kexec_file_load, image, initramfs, 1UL, "", flags);
	int err = errno;

	if (good && syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, KEXEC_UNLOAD))
		return BROKEN;
	errno = err;
	return outcome_of(good, EACCES);
}

static int kexec(const char *image, const char *initramfs)
{
	struct kexec_args args = { image, initramfs };

	return probe(try_kexec, &args);
}

static void test_kexec(void)
{
	copy("/t/kernel", "/mnt/kernel", "x");
	copy("/t/initramfs", "/mnt/initramfs", "x");
	expect_allowed(kexec("/t/kernel", NULL), "kexec_file_load: sealed image");
	expect_denied(kexec("/mnt/kernel", NULL), READ_HOOK, "no-evidence",
		      "kexec_file_load: unsealed image");
	expect_allowed(kexec("/t/kernel", "/t/initramfs"), "kexec_file_load: sealed initramfs");
	expect_denied(kexec("/t/kernel", "/mnt/initramfs"), READ_HOOK, "no-evidence",
		      "kexec_file_load: unsealed initramfs");
	expect_denied(kexec("/t/kernel", "/t/firmware"), READ_HOOK, "usage-not-granted",
		      "kexec_file_load: initramfs sealed for another use");
}

/*
 * Programs that the kernel starts. Where they have run, they have left a mark.
 */

#define STARTED	"/run/started"
#define MARK_MS	(3000 * slowness())

static void no_marks(void)
{
	write_text("/run/mark", "");
}

/* Waits for a while; what did not come by then does not come. */
static int mark_left(void)
{
	int64_t end = now_ms() + MARK_MS;
	unsigned char mark = 0;
	int fd;

	while (!mark && now_ms() < end) {
		fd = open("/run/mark", O_RDONLY | O_CLOEXEC);
		if (read(fd, &mark, 1) != 1)
			usleep(20000);
		close(fd);
	}
	return mark;
}

static void test_started(const char *what, const char *path, void (*trigger)(void))
{
	char path_is[128];
	const char *const record[] = { "receipt: op=EXECUTE", "verdict=denied",
				       "reason=no-evidence", path_is };

	snprintf(path_is, sizeof(path_is), "path=\"%s\"", path);
	unlink(path);
	put_bytes(path, O_CREAT, image[GOOD], image_size);
	no_marks();
	trigger();
	ok(mark_left() == ALLOWED, "%s: the kernel starts a sealed program", what);
	unlink(path);
	put_bytes(path, O_CREAT, image[EVIL], image_size);
	no_marks();
	trigger();
	ok(find_record(record, ARRAY_SIZE(record)), "%s: an unsealed one is denied: no-evidence",
	   what);
	ok(!mark_left(), "%s: it has not run", what);
	unlink(path);
}

static void want_file_system(void)
{
	mount("none", "/run", "no-such-file-system", 0, NULL);
}

static void test_modprobe(void)
{
	write_text("/proc/sys/kernel/modprobe", STARTED);
	test_started("kernel.modprobe", STARTED, want_file_system);
	write_text("/proc/sys/kernel/modprobe", "/sbin/modprobe");
}

static int crash(void *unused)
{
	(void)unused;
	raise(SIGSEGV);
	return BROKEN;
}

static void dump_core(void)
{
	waitpid(start_probe(crash, NULL), NULL, 0);
}

static void test_core_pattern(void)
{
	write_text("/proc/sys/kernel/core_pattern", "|" STARTED);
	test_started("core_pattern", STARTED, dump_core);
	write_text("/proc/sys/kernel/core_pattern", "core");
}

/* A cgroup whose last process goes. */
static void leave_cgroup(void)
{
	char pid[16];

	mkdir("/run/cgroup/left", 0755);
	write_text("/run/cgroup/left/notify_on_release", "1");
	snprintf(pid, sizeof(pid), "%d", getpid());
	write_text("/run/cgroup/left/cgroup.procs", pid);
	write_text("/run/cgroup/cgroup.procs", pid);
}

static void test_release_agent(void)
{
	mkdir("/run/cgroup", 0755);
	if (mount("none", "/run/cgroup", "cgroup", 0, "none,name=receipt")) {
		ok(true, "release_agent # SKIP no cgroups of version 1");
		return;
	}
	write_text("/run/cgroup/release_agent", STARTED);
	test_started("release_agent", STARTED, leave_cgroup);
	rmdir("/run/cgroup/left");
	umount2("/run/cgroup", MNT_DETACH);
}

/* Each another one: that there is none is remembered. */
static void want_key(void)
{
	static char name[] = "receipt:0";

	name[8]++;
	syscall(SYS_request_key, "user", name, "callout", KEY_SPEC_PROCESS_KEYRING);
}

static void change_device(void)
{
	write_text("/sys/class/mem/null/uevent", "change");
}

static void test_uevent_helper(void)
{
	if (access("/sys/kernel/uevent_helper", F_OK)) {
		ok(true, "uevent_helper # SKIP this kernel has none");
		return;
	}
	write_text("/sys/kernel/uevent_helper", STARTED);
	test_started("uevent_helper", STARTED, change_device);
	write_text("/sys/kernel/uevent_helper", "\n");
}

int main(void)
{
	probe_init();
	load_images();
	test_compressed();
	test_read("x509", "X.509 certificate", "/t/certificate");
	test_read("policy", "policy file that the kernel reads", "/t/policy-1.0.0");
	test_firmware();
	test_kexec();
	test_modprobe();
	test_core_pattern();
	test_release_agent();
	mkdir("/sbin", 0755);
	test_started("request_key", "/sbin/request-key", want_key);
	test_uevent_helper();
	return 0;
}
