// SPDX-License-Identifier: MIT
/*
 * lockdown none|integrity|confidentiality [enforces]: how root would get into the
 * kernel, past every LSM. What the kernel is locked down for is refused; all else
 * succeeds, so that a refusal says something. What this kernel has not is skipped.
 *
 * enforces: the LSM does its work all the same, and what is sealed is not thereby
 * signed. /signed has modules that the kernel trusts, and a kernel that it does not.
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/serial.h>
#include <sys/ioctl.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "probe.h"

#define UNSIGNED	"/t/sample.ko"
#define LSM_MODULE	"/unsigned/receipt.ko"

enum level { NONE, INTEGRITY, CONFIDENTIALITY };

static const char *const levels[] = { "none", "integrity", "confidentiality" };

/*
 * Attempts: 0 or an errno
 */

static int open_and_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -1 : syscall(SYS_finit_module, fd, "", 0), err = errno;

	close(fd);
	return ret ? err : 0;
}

static int unsigned_module(void)
{
	int err = load_module(UNSIGNED);

	if (!err)
		syscall(SYS_delete_module, "sample", 0);
	return err;
}

/* The last attempt: it cannot be unloaded. */
static int unsigned_lsm(void)
{
	return load_module(LSM_MODULE);
}

static int dev_mem(void)
{
	return open_and_close("/dev/mem", O_RDWR);
}

static int dev_port(void)
{
	return open_and_close("/dev/port", O_RDWR);
}

static int io_permission(void)
{
	return ioperm(0x80, 1, 1) ? errno : 0;
}

static int io_level(void)
{
	return iopl(3) ? errno : 0;
}

/* Writes what it has read. */
static int rewrite(const char *path, off_t at, size_t len)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), err = 0;
	char buf[8];

	if (fd < 0)
		return errno;
	if (pread(fd, buf, len, at) != (ssize_t)len)
		broken("%s", path);
	if (pwrite(fd, buf, len, at) != (ssize_t)len)
		err = errno;
	close(fd);
	return err;
}

static int msr(void)
{
	return rewrite("/dev/cpu/0/msr", 0x277 /* page attributes */, 8);
}

static int pci_config(void)
{
	return rewrite("/sys/bus/pci/devices/0000:00:00.0/config", 0x3c /* interrupt line */, 1);
}

static int kexec(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, 0) ? errno : 0;
}

static int kexec_file(void)
{
	int fd = open("/signed/vmlinuz", O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (syscall(SYS_kexec_file_load, fd, -1, 1, "", 4 /* NO_INITRAMFS */))
		err = errno;
	else
		syscall(SYS_kexec_file_load, -1, -1, 1, "", 1 /* UNLOAD */);
	close(fd);
	return err;
}

static int hibernation(void)
{
	return open_and_close("/dev/snapshot", O_RDONLY);
}

static int debugfs(void)
{
	const char *path = "/sys/kernel/debug/clear_warn_once";

	if (access(path, F_OK))
		mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	return open_and_close(path, O_WRONLY);
}

static bool logged(const char *text)
{
	return find_record(&text, 1);
}

/* What is written is looked at when the file is closed, and only the log tells. */
static int acpi_table(void)
{
	const char *dir = "/sys/kernel/config/acpi/table/test";
	int fd;

	mount("config", "/sys/kernel/config", "configfs", 0, NULL);
	if (mkdir(dir, 0700))
		return errno;
	fd = open(in(dir, "aml"), O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "no table, but one that is looked at.....", 40) != 40)
		broken("aml");
	lseek(kmsg, 0, SEEK_END);
	close(fd);
	rmdir(dir);
	return logged("invalid table length") ? 0 : EPERM;
}

static int serial_port(void)
{
	int fd = open("/dev/ttyS1", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err;
	struct serial_struct serial;

	if (fd < 0)
		return errno;
	if (ioctl(fd, TIOCGSERIAL, &serial))
		broken("TIOCGSERIAL");
	serial.port += 0x100;
	err = ioctl(fd, TIOCSSERIAL, &serial) ? errno : 0;
	serial.port -= 0x100;
	ioctl(fd, TIOCSSERIAL, &serial);
	close(fd);
	return err;
}

static int mmio_trace(void)
{
	int err = load_module("/signed/testmmiotrace.ko");

	return err == ENXIO ? 0 : err;	/* it wants an address */
}

#define INSN(op, dst, src, value) \
	{ .code = (op), .dst_reg = (dst), .src_reg = (src), .imm = (value) }
#define SET(reg, value)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, value)
#define STACK(reg)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, reg, 10, 0), \
				INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, -8)
#define CALL(fn)		INSN(BPF_JMP | BPF_CALL, 0, 0, fn)
#define EXIT			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0)

static int load_bpf(const struct bpf_insn *insns, size_t n)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (uintptr_t)insns,
		.insn_cnt = n,
		.license = (uintptr_t)"GPL",
	};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int bpf_write_user(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -8 },
		SET(1, 0), STACK(2), SET(3, 8), CALL(BPF_FUNC_probe_write_user), SET(0, 0), EXIT,
	};

	return load_bpf(insns, ARRAY_SIZE(insns));
}

static int bpf_read_kernel(void)
{
	const struct bpf_insn insns[] = {
		STACK(1), SET(2, 8), SET(3, 0), CALL(BPF_FUNC_probe_read_kernel), SET(0, 0), EXIT,
	};

	return load_bpf(insns, ARRAY_SIZE(insns));
}

static int perf(struct perf_event_attr *attr, int cpu)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = syscall(SYS_perf_event_open, attr, cpu < 0 ? 0 : -1, cpu, -1, 0);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int kprobe(void)
{
	struct perf_event_attr attr = { .kprobe_func = (uintptr_t)"kernel_read" };
	FILE *f = fopen("/sys/bus/event_source/devices/kprobe/type", "re");

	if (!f)
		return errno;
	if (fscanf(f, "%u", &attr.type) != 1)
		broken("kprobe type");
	fclose(f);
	return perf(&attr, 0);
}

static int perf_registers(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_type = PERF_SAMPLE_REGS_INTR,
		.sample_regs_intr = 1,
		.sample_period = 1000000,
	};

	return perf(&attr, -1);
}

/* Locked down from the start, it is empty. */
static int trace_events(void)
{
	int err;

	mount("trace", "/sys/kernel/tracing", "tracefs", 0, NULL);
	err = open_and_close("/sys/kernel/tracing/kprobe_events", O_WRONLY);
	return err == ENOENT ? EPERM : err;
}

static int kcore(void)
{
	return open_and_close("/proc/kcore", O_RDONLY);
}

static const struct attempt {
	const char *name;
	int (*fn)(void);
	enum level closed_by;
	int error;		/* 0: as module.sig_enforce says */
} attempts[] = {
	{ "a table for ACPI", acpi_table, INTEGRITY, EPERM },
	{ "an unsigned module", unsigned_module, INTEGRITY, 0 },
	{ "/dev/mem to write to", dev_mem, INTEGRITY, EPERM },
	{ "/dev/port", dev_port, INTEGRITY, EPERM },
	{ "ioperm", io_permission, INTEGRITY, EPERM },
	{ "iopl", io_level, INTEGRITY, EPERM },
	{ "writing an MSR", msr, INTEGRITY, EPERM },
	{ "writing to PCI configuration space", pci_config, INTEGRITY, EPERM },
	{ "another address for a serial port", serial_port, INTEGRITY, EPERM },
	{ "kexec_load", kexec, INTEGRITY, EPERM },
	{ "kexec_file_load of an unsigned kernel", kexec_file, INTEGRITY, EPERM },
	{ "hibernation", hibernation, INTEGRITY, EPERM },
	{ "debugfs to write to", debugfs, INTEGRITY, EPERM },
	{ "tracing MMIO", mmio_trace, INTEGRITY, EPERM },
	{ "BPF that writes to a process", bpf_write_user, INTEGRITY, EINVAL },
	{ "BPF that reads the kernel", bpf_read_kernel, CONFIDENTIALITY, EINVAL },
	{ "a kprobe", kprobe, CONFIDENTIALITY, EPERM },
	{ "perf with registers", perf_registers, CONFIDENTIALITY, EPERM },
	{ "tracefs", trace_events, CONFIDENTIALITY, EPERM },
	{ "/proc/kcore", kcore, CONFIDENTIALITY, EPERM },
	{ "the LSM's module, unsigned", unsigned_lsm, INTEGRITY, 0 },
};

static bool is_absent(int err)
{
	return err == ENOENT || err == ENODEV || err == ENOSYS || err == ENXIO;
}

static int signature_error(void)
{
	int fd = open("/sys/module/module/parameters/sig_enforce", O_RDONLY | O_CLOEXEC);
	char yes = 'N';

	if (fd >= 0 && read(fd, &yes, 1) != 1)
		broken("sig_enforce");
	close(fd);
	return yes == 'Y' ? EKEYREJECTED : EPERM;
}

static void test_attempt(const struct attempt *a, enum level level)
{
	bool closed = level >= a->closed_by;
	int want = !closed ? 0 : a->error ?: signature_error();
	int got = a->fn();

	if (is_absent(got))
		ok(true, "%s # SKIP not in this kernel", a->name);
	else if (!ok(got == want, "%s: %s", a->name, closed ? "refused" : "goes"))
		note("%s", got ? strerror(got) : "it goes");
}

/* [none] integrity confidentiality */
static bool level_is(enum level level)
{
	int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);
	char text[128] = "", want[32];

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		broken("/sys/kernel/security/lockdown");
	close(fd);
	snprintf(want, sizeof(want), "[%s]", levels[level]);
	return strstr(text, want);
}

/* Back by any level. */
static void test_stays(enum level level)
{
	int fd = open("/sys/kernel/security/lockdown", O_WRONLY | O_CLOEXEC);

	for (enum level l = NONE; l <= level; l++)
		ok(write(fd, levels[l], strlen(levels[l])) < 0 && errno == EPERM && level_is(level),
		   "it does not become %s", levels[l]);
	close(fd);
}

/*
 * The LSM
 */

struct load {
	const char *path;
	int want_errno;
};

static int try_load(void *arg)
{
	const struct load *l = arg;
	int err = load_module(l->path);

	if (!err && syscall(SYS_delete_module, "sample", 0))
		broken("delete_module");
	errno = err;
	return outcome_of(!err, l->want_errno);
}

static int probe_load(const char *path, int want_errno)
{
	struct load load = { path, want_errno };

	return probe(try_load, &load);
}

static void test_enforces(enum level level)
{
	copy("/t/target", "/run/good", "");
	copy("/t/target", "/run/bad", "x");
	expect_allowed(probe_exec("/run/good", EACCES), "enforces: sealed program");
	expect_denied(probe_exec("/run/bad", EACCES), "bprm_check_security", "no-evidence",
		      "enforces: unsealed program");
	expect_allowed(probe_load("/signed/sample.ko", EACCES), "enforces: module, sealed and signed");
	expect_denied(probe_load("/signed/unsealed.ko", EACCES), "kernel_post_read_file",
		      "no-evidence", "enforces: module, signed and not sealed");
	if (level)
		expect(DENIED, probe_load(UNSIGNED, signature_error()),
		       "enforces: module, sealed and not signed: %s", strerror(signature_error()));
}

int main(int argc, char **argv)
{
	enum level level = NONE;

	probe_init();
	while (level < CONFIDENTIALITY && argc > 1 && strcmp(argv[1], levels[level]))
		level++;
	ok(level_is(level), "the kernel's lockdown is %s", levels[level]);
	if (argc > 2)
		test_enforces(level);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		test_attempt(&attempts[i], level);
	test_stays(level);
	return 0;
}
