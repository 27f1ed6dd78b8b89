// SPDX-License-Identifier: MIT
/*
 * What the kernel loads: modules, firmware, kexec images.
 */
#include <sys/syscall.h>

#include "probe.h"

#define SAMPLE		"/t/sample.ko"
#define EXECUTE_ONLY	"/t/execute-only.ko"	/* sealed for another use */
#define COPY		"/run/copy.ko"

enum how { BY_FD, BY_BUFFER };

struct load_args {
	const char *path;
	const char *options;
	enum how how;
};

static int load_buffer(int fd, const char *options)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *buf = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	return buf == MAP_FAILED ? -1 : syscall(SYS_init_module, buf, size, options);
}

static int try_load(void *arg)
{
	struct load_args *l = arg;
	int fd = open(l->path, O_RDONLY | O_CLOEXEC);
	int ret = l->how == BY_FD ? syscall(SYS_finit_module, fd, l->options, 0) :
				    load_buffer(fd, l->options);

	return outcome_of(!ret, EACCES);
}

static int probe_load(const char *path, enum how how, const char *options)
{
	struct load_args args = { path, options, how };
	int got = probe(try_load, &args);

	if (got == ALLOWED && syscall(SYS_delete_module, "sample", 0))
		broken("delete_module");
	return got;
}

static void test_module(enum how how, const char *hook, const char *what)
{
	expect_allowed(probe_load(SAMPLE, how, ""), "%s: sealed module", what);
	copy(SAMPLE, COPY, "x");
	expect_denied(probe_load(COPY, how, ""), hook, "no-evidence", "%s: unsealed module", what);
	copy(SAMPLE, COPY, "");
	expect_allowed(probe_load(COPY, how, ""), "%s: copy of a sealed module", what);
	flip_byte(COPY);
	expect_denied(probe_load(COPY, how, ""), hook, "no-evidence", "%s: one byte changed", what);
	expect_denied(probe_load(EXECUTE_ONLY, how, ""), hook, "usage-not-granted",
		      "%s: module sealed as a program", what);
}

static void test_firmware(void)
{
	mkdir("/lib/firmware", 0755);
	write_text("/lib/firmware/unsealed", "unsealed firmware");
	copy("/t/firmware", "/lib/firmware/sealed", "");
	expect_allowed(probe_load(SAMPLE, BY_FD, "firmware=sealed"), "firmware: sealed");
	expect_denied(probe_load(SAMPLE, BY_FD, "firmware=unsealed"), "kernel_post_read_file",
		      "no-evidence", "firmware: unsealed");
}

/* What needs no evidence, nobody is asked about. */
static void test_digest(void)
{
	uint64_t before = stat_value("lookups");

	copy("/t/target", "/run/target", "");
	expect_allowed(probe_exec("/run/target", EACCES), "digest: the program that a rule names");
	flip_byte("/run/target");
	expect_denied(probe_exec("/run/target", EACCES), "bprm_check_security",
		      "denied-by-default", "digest: one byte changed");
	ok(stat_value("lookups") == before, "digest: the helper is not asked");
}

/* Modules of the initramfs are allowed, and firmware by default. */
static void test_boot(void)
{
	expect_allowed(probe_load(SAMPLE, BY_FD, ""), "boot_verified: module of the initramfs");
	expect_denied(probe_load(SAMPLE, BY_BUFFER, ""), "kernel_post_load_data",
		      "denied-by-default", "boot_verified: the same from memory");
	copy(SAMPLE, "/t/copy.ko", "");
	expect_denied(probe_load("/t/copy.ko", BY_FD, ""), "kernel_post_read_file",
		      "denied-by-default", "boot_verified: a copy of it on the initramfs");
	mkdir("/lib/firmware", 0755);
	write_text("/lib/firmware/unsealed", "unsealed firmware");
	expect_allowed(probe_load(SAMPLE, BY_FD, "firmware=unsealed"),
		       "firmware: allowed by default");
	close(open(SAMPLE, O_WRONLY | O_CLOEXEC));
	expect_denied(probe_load(SAMPLE, BY_FD, ""), "kernel_post_read_file", "denied-by-default",
		      "boot_verified: the module after it was open for writing");
}

/* The module's hooks hang on ftrace, those of the LSM that is built in do not. */
static void test_stays(void)
{
	bool built_in = !lsm_is_module();
	int fd = open("/proc/sys/kernel/ftrace_enabled", O_WRONLY | O_CLOEXEC);
	bool off = write(fd, "0", 1) == 1;

	if (built_in) {
		ok(true, "the module is not unloaded # SKIP built in");
	} else {
		ok(!off && errno == EBUSY, "ftrace cannot be switched off: EBUSY");
		ok(syscall(SYS_delete_module, "receipt", O_NONBLOCK) < 0,
		   "the module is not unloaded");
		ok(syscall(SYS_delete_module, "receipt", O_NONBLOCK | O_TRUNC) < 0,
		   "the module is not unloaded by force");
	}
	copy(SAMPLE, COPY, "stays");
	expect_denied(probe_load(COPY, BY_FD, ""), "kernel_post_read_file", "denied-by-default",
		      "it still enforces%s", off ? ", with ftrace switched off" : "");
	if (off && write(fd, "1", 1) != 1)
		broken("ftrace_enabled");
	close(fd);
}

static int try_kexec(void *unused)
{
	(void)unused;
	return outcome_of(!syscall(SYS_kexec_load, 0, 0, NULL, 0), EACCES);
}

static int try_kexec_file(void *arg)
{
	int fd = open(arg, O_RDONLY | O_CLOEXEC);

	return outcome_of(!syscall(SYS_kexec_file_load, fd, -1, 1, "", 4 /* NO_INITRAMFS */),
			  EACCES);
}

static void test_kexec(void)
{
	expect_denied(probe(try_kexec, NULL), "kernel_load_data", "contents-not-available",
		      "kexec_load");
	expect_denied(probe(try_kexec_file, SAMPLE), "kernel_post_read_file", "usage-not-granted",
		      "kexec_file_load: sealed for another use");
	copy(SAMPLE, COPY, "k");
	expect_denied(probe(try_kexec_file, COPY), "kernel_post_read_file", "no-evidence",
		      "kexec_file_load: unsealed");
}

int main(int argc, char **argv)
{
	probe_init();
	if (argc > 1 && !strcmp(argv[1], "boot")) {
		test_digest();
		test_boot();
		test_stays();
		return 0;
	}
	test_module(BY_FD, "kernel_post_read_file", "finit_module");
	test_module(BY_BUFFER, "kernel_post_load_data", "init_module");
	test_firmware();
	test_kexec();
	return 0;
}
