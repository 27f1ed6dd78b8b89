// SPDX-License-Identifier: MIT
/*
 * receiptctl doctor --root: a small root folder, sealed, and what is said when
 * evidence of one library is gone; and ELF files that lie.
 */
#include <elf.h>
#include <sys/inotify.h>

#include "folder.h"

#include "receipt.h"
#include "sign.h"

#include "../../helper/common/elffile.c"
#include "../../helper/receiptctl/doctor.h"

static char command[PATH_MAX];
static char *dir;

/* Run a shell command in the folder, with receiptctl as $R. */
static int sh(const char *text)
{
	char *cmd;
	int status;

	assert_true(asprintf(&cmd, "cd %s && R=%s && { %s; } >out 2>&1", dir, command, text) > 0);
	status = system(cmd);
	free(cmd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool says(const char *words)
{
	char *cmd;
	int status;

	assert_true(asprintf(&cmd, "grep -q -e '%s' %s/out", words, dir) > 0);
	status = system(cmd);
	free(cmd);
	return !status;
}

/*
 * A small root folder. It has receiptctl's own libraries; each program is a copy
 * of it with another last byte.
 */
static const char make_root[] =
	"mkdir -p r/usr/sbin r/usr/bin r/etc/pam.d r/usr/lib/x86_64-linux-gnu/security "
	"	r/usr/lib64 r/usr/lib/modules/6.12/kernel r/etc/modules-load.d store &&"
	"ln -s usr/lib r/lib && ln -s usr/lib64 r/lib64 &&"
	"ln -s usr/sbin r/sbin && ln -s /usr/bin r/bin &&"
	"for p in init sshd receiptd modprobe; do"
	"	cp $R r/usr/sbin/$p && echo $p >>r/usr/sbin/$p || exit 1;"
	"done &&"
	"printf '#!/bin/sh2\\n' >r/usr/bin/sh && cp $R r/usr/bin/sh2 &&"
	"for l in $(ldd $R | grep -o '/[^ ]*'); do"
	"	case $l in"
	"	*/ld-linux*) cp -L $l r/usr/lib64 ;;"
	"	*) cp -L $l r/usr/lib/x86_64-linux-gnu ;;"
	"	esac || exit 1;"
	"done &&"
	"cp r/usr/bin/sh2 r/usr/lib/x86_64-linux-gnu/security/pam_x.so &&"
	"echo x >>r/usr/lib/x86_64-linux-gnu/security/pam_x.so &&"
	"echo '-auth [success=1 default=die] pam_x.so nullok' >r/etc/pam.d/login &&"
	"echo root:x:0:0::/root:/bin/sh >r/etc/passwd &&"
	"for l in one two three; do"
	"	cp $R r/usr/lib/libnss_$l.so.2 && echo $l >>r/usr/lib/libnss_$l.so.2 || exit 1;"
	"done &&"
	"echo 'passwd:	one [!UNAVAIL=return] two # three' >r/etc/nsswitch.conf &&"
	"echo 'hosts: three' >>r/etc/nsswitch.conf &&"
	"echo a_b >r/etc/modules-load.d/x.conf &&"
	"echo 'kernel/a-b.ko: kernel/c.ko' >r/usr/lib/modules/6.12/modules.dep &&"
	"echo module >r/usr/lib/modules/6.12/kernel/a-b.ko";

static const char make_policy[] =
	"openssl ecparam -name prime256v1 -genkey -noout -out key.pem &&"
	"$R log init --dir log --issuer log.test &&"
	"$R seal --issuer-key key.pem --issuer test --subject t --log log --out b r &&"
	"$R store add --store store b &&"
	"{ echo policy_name=p policy_version=1.0.0 mode=enforce &&"
	"  $R log key --dir log --name mine &&"
	"  echo DEFAULT action=DENY &&"
	"  for op in EXECUTE KMODULE FIRMWARE; do"
	"	echo op=$op receipt=mine action=ALLOW;"
	"  done; } >mute && cp mute policy && echo op=POLICY receipt=mine action=ALLOW >>policy";

#define DOCTOR	"ASAN_OPTIONS=detect_leaks=1 $R doctor --store store --root r "

static int setup(void **state)
{
	(void)state;
	dir = folder_make();
	return sh(make_root) || sh(make_policy);
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(sh(DOCTOR "policy"), 0);
	assert_false(says("^FAIL"));
	assert_true(says(" 0 failures$"));
	assert_true(says("another policy can follow"));
	assert_true(says("^ok    modules: 2 files"));
	assert_int_equal(sh(DOCTOR "--json policy"), 0);
	assert_true(says("pam_x.so"));
	assert_true(says("\"file\": *\"/usr/sbin/sshd\""));
	assert_true(says("/bin/sh2"));
	assert_true(says("libnss_two"));
	assert_false(says("libnss_three"));
	assert_true(says("libcrypto"));
	assert_true(says("ld-linux"));
}

/* Change a file so that nobody vouches for it, and back. */
static void refused(const char *file, const char *words)
{
	char text[512];

	snprintf(text, sizeof(text), "cp r/%s saved && echo >>r/%s", file, file);
	assert_int_equal(sh(text), 0);
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_true(says(words));
	assert_true(says("^[1-9].* 1 failures$"));
	assert_true(says("receiptctl seal"));
	snprintf(text, sizeof(text), "cp saved r/%s", file);
	assert_int_equal(sh(text), 0);
	assert_int_equal(sh(DOCTOR "policy"), 0);	/* the control */
}

static void test_missing(void **state)
{
	(void)state;
	refused("usr/sbin/sshd", "^FAIL  sshd: /usr/sbin/sshd: EXECUTE denied: no-evidence");
	refused("usr/lib/x86_64-linux-gnu/libc.so.6", "^FAIL  .*/libc.so.6: .*no-evidence");
	refused("usr/lib64/ld-linux-x86-64.so.2", "^FAIL  .*/ld-linux-x86-64.so.2: ");
	refused("usr/lib/x86_64-linux-gnu/security/pam_x.so", "^FAIL  login: .*/pam_x.so: ");
	refused("usr/lib/libnss_one.so.2", "^FAIL  login: .*/libnss_one.so.2: ");
	refused("usr/lib/libnss_two.so.2", "^FAIL  login: .*/libnss_two.so.2: ");
	refused("usr/bin/sh2", "^FAIL  login: /bin/sh2: ");
	refused("usr/lib/modules/6.12/kernel/a-b.ko",
		"^FAIL  modules: .*/a-b.ko: KMODULE denied: no-evidence");
	refused("usr/sbin/receiptd", "^FAIL  helper: ");
}

/* What the units start is looked at wherever it is, and what the helper's asks for. */
static void test_units(void **state)
{
	(void)state;
	assert_int_equal(sh("u=r/usr/local/lib/systemd/system e=r/etc/systemd/system &&"
			    "mkdir -p $u $e/receipt-policy.service.d r/opt &&"
			    "for f in helper command preload more other; do"
			    "	cp $R r/opt/$f && echo $f >>r/opt/$f || exit 1;"
			    "done &&"
			    "printf '%s\\n' [Service] 'ExecStart=/opt/helper --store /opt/other \\'"
			    "	'	--preload /opt/preload --preload=/opt/more'"
			    "	Documentation=/opt/other >$u/receiptd.service &&"
			    "printf 'ExecStart=\\nExecStart=-/opt/command policy load /opt/other\\n'"
			    "	>$e/receipt-policy.service.d/x.conf"), 0);
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_true(says("^FAIL  helper: /opt/helper: EXECUTE denied: no-evidence"));
	assert_true(says("^FAIL  helper: /opt/command: EXECUTE denied: no-evidence"));
	assert_true(says("^warn  helper: /opt/preload: EXECUTE denied: no-evidence"));
	assert_true(says("^warn  helper: /opt/more: EXECUTE denied: no-evidence"));
	assert_false(says("/opt/other: "));
	assert_int_equal(sh("rm -r r/usr/local r/etc/systemd r/opt && " DOCTOR "policy"), 0);
}

static void test_policy(void **state)
{
	(void)state;
	assert_int_equal(sh(DOCTOR "mute"), 0);
	assert_true(says("^warn  policy: no rule allows op=POLICY"));
	assert_int_equal(sh(DOCTOR "nowhere"), 70);
	assert_int_equal(sh(DOCTOR "policy mute"), 64);
	assert_int_equal(sh("$R doctor --root nowhere policy"), 70);
	assert_int_equal(sh("mv r/usr/sbin/receiptd . && " DOCTOR "policy"), 1);
	assert_true(says("^FAIL  helper: receiptd is not installed"));
	assert_int_equal(sh("mv receiptd r/usr/sbin/"), 0);
}

/* Files are judged with the file system that they are on. */
static void test_fstype(void **state)
{
	(void)state;
	assert_int_equal(sh("type=$(findmnt -no FSTYPE -T .) &&"
			    "sed \"s/receipt=mine/& fstype=$type/\" policy >there"), 0);
	assert_int_equal(sh(DOCTOR "there"), 0);
	assert_true(says("^warn  policy: line [0-9]*: fstype="));
	assert_int_equal(sh("sed 's/receipt=mine/& fstype=otherfs/' policy >elsewhere"), 0);
	assert_int_equal(sh(DOCTOR "elsewhere"), 1);
	assert_true(says("^FAIL  sshd: /usr/sbin/sshd: EXECUTE denied"));
	assert_int_equal(sh("sed 's/op=EXECUTE/& boot_verified=TRUE/' policy >verified"), 0);
	assert_int_equal(sh(DOCTOR "verified"), 1);
	assert_true(says("^warn  policy: line [0-9]*: boot_verified=TRUE"));
	assert_int_equal(sh(DOCTOR "policy"), 0);
	assert_false(says("policy: line"));
}

/* Names of modules as they are written, and files as modules.dep has them. */
static void test_modules(void **state)
{
	(void)state;
	assert_int_equal(sh("printf '# a\\n\\na-b  # x\\nother\\n' >r/etc/modules"), 0);
	assert_int_equal(sh("mv r/etc/modules-load.d . && " DOCTOR "--json policy"), 0);
	assert_true(says("/lib/modules/6.12/kernel/a-b.ko"));
	assert_int_equal(sh("{ printf %9000d 0; echo : a-b.ko; } >r/etc/modules && "
			    DOCTOR "--json policy"), 0);
	assert_false(says("a-b.ko"));
	assert_int_equal(sh("rm r/etc/modules && mv modules-load.d r/etc/"), 0);
	assert_int_equal(sh(DOCTOR "--json policy"), 0);
	assert_true(says("a-b.ko"));
}

/* Links of the image do not lead out of it. */
static void test_outside(void **state)
{
	(void)state;
	assert_int_equal(sh("mv r/usr/sbin/sshd . && ln -s ../../../sshd r/usr/sbin/sshd"), 0);
	assert_int_equal(sh(DOCTOR "--json policy"), 0);
	assert_false(says("usr/sbin/sshd"));
	assert_int_equal(sh("rm r/usr/sbin/sshd && mv sshd r/usr/sbin/"), 0);
	assert_int_equal(sh(DOCTOR "--json policy"), 0);
	assert_true(says("usr/sbin/sshd"));
}

/*
 * ELF files that lie
 */

struct sample {
	Elf64_Ehdr head;
	Elf64_Phdr headers[2];
	Elf64_Dyn dyn[5];
	char strings[32];
};

static struct sample sample_make(void)
{
	struct sample s = { .head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
		.e_phoff = offsetof(struct sample, headers),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	} };

	s.headers[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = 0x1000,
				     .p_filesz = sizeof(s) };
	s.headers[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_filesz = sizeof(s.dyn),
				     .p_offset = offsetof(struct sample, dyn) };
	s.dyn[0] = (Elf64_Dyn){ .d_tag = DT_NEEDED, .d_un.d_val = 1 };
	s.dyn[1] = (Elf64_Dyn){ .d_tag = DT_STRTAB, .d_un.d_val =
				0x1000 + offsetof(struct sample, strings) };
	s.dyn[2] = (Elf64_Dyn){ .d_tag = DT_STRSZ, .d_un.d_val = sizeof(s.strings) };
	s.dyn[3] = (Elf64_Dyn){ .d_tag = DT_RUNPATH, .d_un.d_val = 9 };
	memcpy(s.strings, "\0libx.so\0$ORIGIN", 16);
	return s;
}

static enum elf_kind read_sample(const void *data, size_t len, struct elf_needs *needs)
{
	enum elf_kind kind;
	int fd;

	folder_write(in_folder(dir, "elf"), data, len);
	fd = open(in_folder(dir, "elf"), O_RDONLY);
	assert_true(fd >= 0);
	kind = elf_read(fd, needs);
	close(fd);
	return kind;
}

static enum elf_kind kind_of(const struct sample *s, size_t len)
{
	struct elf_needs needs;
	enum elf_kind kind = read_sample(s, len, &needs);

	elf_free(&needs);
	return kind;
}

static void test_elf(void **state)
{
	struct sample s = sample_make();
	struct elf_needs needs;

	(void)state;
	assert_int_equal(read_sample(&s, sizeof(s), &needs), ELF_READ);
	assert_int_equal(needs.nneeded, 1);
	assert_string_equal(needs.needed[0], "libx.so");
	assert_string_equal(needs.runpath, "$ORIGIN");
	elf_free(&needs);
	assert_int_equal(kind_of(&s, 3), ELF_NONE);
	for (size_t len = 4; len < sizeof(s); len++)
		assert_int_equal(kind_of(&s, len), ELF_OTHER);
}

static void test_elf_hostile(void **state)
{
	struct sample s = sample_make();

	(void)state;
	s.head.e_phnum = 0xffff;
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	s.head.e_phoff = -8;
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	s.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	s.headers[1].p_filesz = -1;
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	s.headers[1].p_filesz = 24;		/* no end, and half an entry */
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	s.dyn[0].d_un.d_val = sizeof(s.strings);
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	s.dyn[1].d_un.d_val = 7;
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	s.dyn[2].d_un.d_val = -1;
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_OTHER);
	s = sample_make();
	memset(s.strings, 'x', sizeof(s.strings));	/* no zero byte */
	assert_int_equal(kind_of(&s, sizeof(s)), ELF_READ);
}

/* A library that needs itself ends. */
static void test_loop(void **state)
{
	struct sample s = sample_make();

	(void)state;
	folder_write(in_folder(dir, "r/usr/lib/x86_64-linux-gnu/libx.so"), &s, sizeof(s));
	folder_write(in_folder(dir, "r/usr/sbin/agetty"), &s, sizeof(s) - 1);
	assert_int_equal(sh("cp r/usr/lib/x86_64-linux-gnu/libx.so r/usr/bin/su"), 0);
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_true(says("^FAIL  login: /bin/su: "));
	assert_true(says("^warn  login: /sbin/agetty: damaged"));
	assert_int_equal(sh("rm r/usr/bin/su r/usr/sbin/agetty && " DOCTOR "policy"), 0);
}

/* A library without a path of its own needs one that its program has loaded. */
static void test_loaded(void **state)
{
	struct sample s = sample_make();

	(void)state;
	memcpy(s.strings, "\0libx.so\0liby.so\0/own", 22);
	s.dyn[3].d_un.d_val = 17;
	s.dyn[4] = (Elf64_Dyn){ .d_tag = DT_NEEDED, .d_un.d_val = 9 };
	folder_write(in_folder(dir, "r/usr/bin/su"), &s, sizeof(s));
	s.dyn[0].d_un.d_val = 9;
	s.dyn[3].d_tag = DT_NULL;
	assert_int_equal(sh("mkdir r/own"), 0);
	folder_write(in_folder(dir, "r/own/libx.so"), &s, sizeof(s));
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_true(says("^warn  login: /bin/su: its library liby.so is not found"));
	assert_true(says("^warn  login: /own/libx.so: its library liby.so is not found"));
	assert_int_equal(sh("cp /usr/bin/true r/own/liby.so"), 0);
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_false(says("liby.so is not found"));
	assert_int_equal(sh("rm -r r/usr/bin/su r/own && " DOCTOR "policy"), 0);
}

/* A FIFO is not opened, where a program, a library or a list should be. */
static void test_fifo(void **state)
{
	static const char * const fifos[] = {
		"r/usr/sbin/agetty", "r/own/libx.so", "r/etc/nsswitch.conf", "r/etc/pam.d/x"
	};
	struct sample s = sample_make();
	char events[4096];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), opened;

	(void)state;
	memcpy(s.strings + 9, "/own", 5);
	folder_write(in_folder(dir, "r/usr/bin/su"), &s, sizeof(s));
	assert_int_equal(sh("rm -f r/usr/lib/x86_64-linux-gnu/libx.so && "
			    "mkdir r/own && mv r/etc/nsswitch.conf . && cp /usr/bin/true r/own/libx.so"),
			 0);
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_true(says("/own/libx.so: EXECUTE denied"));	/* the control */
	assert_int_equal(sh("rm r/own/libx.so"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fifos); i++) {
		assert_int_equal(mkfifo(in_folder(dir, fifos[i]), 0600), 0);
		assert_true(inotify_add_watch(fd, in_folder(dir, fifos[i]), IN_OPEN) >= 0);
	}
	alarm(600);
	assert_int_equal(sh(DOCTOR "policy"), 1);
	alarm(0);
	assert_true(read(fd, events, sizeof(events)) < 0);
	assert_true(says("^FAIL  login: /sbin/agetty: not a regular file, but a FIFO"));
	assert_true(says("^warn  login: /bin/su: its library libx.so is not found"));
	assert_true(says("^FAIL  configuration: /etc/nsswitch.conf: not looked at"));
	assert_true(says("^FAIL  configuration: /etc/pam.d/x: not looked at"));
	opened = open(in_folder(dir, fifos[1]), O_RDONLY | O_NONBLOCK);
	assert_true(read(fd, events, sizeof(events)) > 0);	/* the watch does tell */
	close(opened);
	close(fd);
	assert_int_equal(sh("rm -r r/usr/bin/su r/own r/usr/sbin/agetty r/etc/pam.d/x "
			    "r/etc/nsswitch.conf && mv nsswitch.conf r/etc && " DOCTOR "policy"),
			 0);
}

/* What has no end is not read, and is said. */
static void test_sparse(void **state)
{
	(void)state;
	alarm(600);
	assert_int_equal(sh("truncate -s 5G r/usr/sbin/agetty && " DOCTOR "policy"), 1);
	assert_true(says("^FAIL  login: /sbin/agetty: not read: it has 5368709120 bytes"));
	assert_int_equal(sh("rm r/usr/sbin/agetty && cp r/etc/passwd . && "
			    "truncate -s 4T r/etc/passwd && " DOCTOR "policy"), 1);
	assert_true(says("^FAIL  configuration: /etc/passwd: not looked at: file is over"));
	alarm(0);
	assert_int_equal(sh("cp passwd r/etc/ && " DOCTOR "policy"), 0);
}

/* Folders of a runpath, up to the bound and over it. */
static void test_runpath(void **state)
{
	struct {
		struct sample s;
		char more[8192];
	} big = { .s = sample_make() };

	(void)state;
	big.s.headers[0].p_filesz = sizeof(big);
	big.s.dyn[1].d_un.d_val = 0x1000 + offsetof(typeof(big), more);
	big.s.dyn[2].d_un.d_val = sizeof(big.more);
	memcpy(big.more, "\0libx.so", 9);
	for (size_t i = 9; i + 2 < sizeof(big.more); i += 2)
		memcpy(big.more + i, "a:", 2);
	memcpy(big.more + 9 + 2 * (DOCTOR_MAX_RUNPATH - 1), "/own", 5);
	assert_int_equal(sh("mkdir r/own && cp /usr/bin/true r/own/libx.so"), 0);
	folder_write(in_folder(dir, "r/usr/bin/su"), &big, sizeof(big));
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_true(says("/own/libx.so: EXECUTE denied"));
	assert_false(says("its runpath has over"));
	memcpy(big.more + 9 + 2 * (DOCTOR_MAX_RUNPATH - 1), "a:/own", 7);
	folder_write(in_folder(dir, "r/usr/bin/su"), &big, sizeof(big));
	assert_int_equal(sh(DOCTOR "policy"), 1);
	assert_false(says("/own/libx.so: EXECUTE denied"));
	assert_true(says("^FAIL  login: /bin/su: its runpath has over 64 folders"));
	assert_int_equal(sh("rm -r r/usr/bin/su r/own && " DOCTOR "policy"), 0);
}

static int find_command(void)
{
	ssize_t n = readlink("/proc/self/exe", command, sizeof(command) - 32);

	if (n <= 0)
		return -1;
	command[n] = '\0';
	strcpy(strrchr(command, '/'), "/../receiptctl");
	return access(command, X_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_fstype),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_elf),
		cmocka_unit_test(test_elf_hostile),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_runpath),
	};

	if (find_command())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
