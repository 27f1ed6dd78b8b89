// SPDX-License-Identifier: MIT
/*
 * receiptctl learn: packages, files that changed, and commands that a shell can
 * run. The root folder, its packages and the log are made here.
 */
#include <jansson.h>

#include "folder.h"
#include "sample.h"

static char build[PATH_MAX];	/* folder of receiptctl */
static char *dir;		/* key.pem, log, root */

/* What a shell command prints, parsed. */
static json_t *json_of(const char *cmd)
{
	json_error_t error;
	json_t *json;
	FILE *f = popen(cmd, "r");

	assert_non_null(f);
	json = json_loadf(f, 0, &error);
	assert_int_equal(pclose(f), 0);
	if (!json)
		fail_msg("%s", error.text);
	return json;
}

static json_t *learn(void)
{
	char cmd[4 * PATH_MAX];

	snprintf(cmd, sizeof(cmd),
		 "cd '%s' && receiptctl learn --json --log audit.log --root root "
		 "--issuer-key key.pem --issuer issuer.example --log-dir log", dir);
	return json_of(cmd);
}

/* What it prints for people. */
static char *learn_text(void)
{
	static char text[1 << 16];
	char cmd[2 * PATH_MAX];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "cd '%s' && receiptctl learn --log - --root root <audit.log",
		 dir);
	f = popen(cmd, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	assert_int_equal(pclose(f), 0);
	return text;
}

static void add_file(const char *path, const char *content)
{
	char cmd[2 * PATH_MAX], full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/root%s", dir, path);
	snprintf(cmd, sizeof(cmd), "mkdir -p \"%s\"", full);
	*strrchr(cmd, '/') = '\0';
	strcat(cmd, "\"");
	assert_int_equal(system(cmd), 0);
	folder_write(full, content, strlen(content));
}

static FILE *audit_log(void)
{
	FILE *f = fopen(in_folder(dir, "audit.log"), "w");

	assert_non_null(f);
	return f;
}

static void put_hex(FILE *out, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		fprintf(out, "%02x", *p++);
}

/* As the kernel writes it; the path always in digits. */
static void record(FILE *log, const char *op, const char *reason, const char *path,
		   const char *content)
{
	uint8_t digest[32];

	fprintf(log, "type=KERNEL_OTHER msg=audit(1.2:3): receipt: op=%s hook=h verdict=denied "
		"enforced=0 reason=%s rule=3 pid=1 uid=0 comm=\"init\" path=", op, reason);
	put_hex(log, path, strlen(path));
	if (content) {
		rcpt_sha256(content, strlen(content), digest);
		fputs(" digest=sha256:", log);
		put_hex(log, digest, sizeof(digest));
	}
	fputc('\n', log);
}

static json_t *at(json_t *json, const char *key, size_t i)
{
	json_t *item = json_array_get(json_object_get(json, key), i);

	assert_non_null(item);
	return item;
}

static size_t count(json_t *json, const char *key)
{
	return json_array_size(json_object_get(json, key));
}

static const char *text_of(json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

/* Run a printed command, and whether its bundle vouches for @file. */
static int seal(json_t *group, const char *bundle, const char *op, const char *file)
{
	const char *command = text_of(group, "command");
	char cmd[8 * PATH_MAX];

	assert_int_equal(setenv("COMMAND", command, 1), 0);
	assert_int_equal(setenv("FILE", file, 1), 0);
	snprintf(cmd, sizeof(cmd), "cd '%s' && bash -c \"$COMMAND\" >out", dir);
	if (system(cmd))
		fail_msg("does not run: %s", command);
	snprintf(cmd, sizeof(cmd), "cd '%s' && { echo policy_name=p policy_version=1.0.0 "
		 "mode=enforce && receiptctl log key --dir log --name log && "
		 "echo DEFAULT action=DENY && echo op=%s receipt=log action=ALLOW; } >policy && "
		 "receiptctl verify --policy policy --op %s --artifact \"$FILE\" '%s' >out 2>&1",
		 dir, op, op, bundle);
	return WEXITSTATUS(system(cmd));
}

#define ELF	"\177ELF"

/* With and without /usr, with an architecture, and what no package has. */
static void test_packages(void **state)
{
	FILE *log = audit_log();
	json_t *json;

	(void)state;
	add_file("/usr/bin/sh", ELF "sh");
	add_file("/usr/lib/libx.so", ELF "x");
	add_file("/usr/sbin/ours", "#!/bin/sh\n");
	add_file("/usr/lib/modules/6/a.ko.xz", "module");
	add_file("/var/lib/dpkg/info/dash.list", "/.\n/bin\n/bin/sh\n");
	add_file("/var/lib/dpkg/info/libx:amd64.list", "/usr/lib/libx.so\n");
	add_file("/var/lib/dpkg/info/linux.list", "/lib/modules/6/a.ko.xz");
	add_file("/var/lib/dpkg/info/Bad.list", "/usr/sbin/ours\n");
	add_file("/var/lib/dpkg/info/x.md5sums", "/usr/sbin/ours\n");
	add_file("/var/lib/dpkg/status",
		 "Package: libx\nArchitecture: i386\nVersion: 1-32\n\n"
		 "Package: dash\nArchitecture: amd64\nDescription: a shell\n Version: 9\n"
		 "Version: 0.5.12-2\n\nPackage: libx\nArchitecture: amd64\nVersion: 1-64\n");
	record(log, "EXECUTE", "no-evidence", "/usr/bin/sh", ELF "sh");
	record(log, "EXECUTE", "no-evidence", "/usr/bin/sh", ELF "sh");
	record(log, "EXECUTE", "evidence-satisfies-no-rule", "/usr/lib/libx.so", ELF "x");
	record(log, "EXECUTE", "denied-by-default", "/usr/sbin/ours", "#!/bin/sh\n");
	record(log, "KMODULE", "no-helper", "/usr/lib/modules/6/a.ko.xz", "module");
	fclose(log);

	json = learn();
	assert_int_equal(count(json, "seal"), 4);
	assert_string_equal(text_of(at(json, "seal", 0), "package"), "dash");
	assert_string_equal(text_of(at(json, "seal", 0), "version"), "0.5.12-2");
	assert_int_equal(json_integer_value(json_object_get(at(at(json, "seal", 0), "files", 0),
							    "count")), 2);
	assert_string_equal(text_of(at(json, "seal", 1), "package"), "libx");
	assert_string_equal(text_of(at(json, "seal", 1), "architecture"), "amd64");
	assert_string_equal(text_of(at(json, "seal", 1), "version"), "1-64");
	assert_string_equal(text_of(at(json, "seal", 2), "package"), "linux");
	assert_null(text_of(at(json, "seal", 3), "package"));
	assert_non_null(strstr(text_of(at(json, "seal", 0), "command"), "--subject deb/dash "));
	assert_non_null(strstr(learn_text(), "\ndash 0.5.12-2\n  EXECUTE /usr/bin/sh\n"));

	assert_int_equal(seal(at(json, "seal", 0), "dash.bundle", "EXECUTE", "root/usr/bin/sh"),
			 0);
	assert_int_equal(seal(at(json, "seal", 1), "libx_amd64.bundle", "EXECUTE",
			      "root/usr/lib/libx.so"), 0);
	assert_int_equal(seal(at(json, "seal", 2), "linux.bundle", "KMODULE",
			      "root/usr/lib/modules/6/a.ko.xz"), 0);
	assert_int_equal(seal(at(json, "seal", 3), "local.bundle", "EXECUTE",
			      "root/usr/sbin/ours"), 0);
	/* The control: it vouches for its own file alone. */
	assert_int_equal(seal(at(json, "seal", 3), "local.bundle", "EXECUTE",
			      "root/usr/bin/sh"), 1);
	json_decref(json);
}

/* Whatever the name is, the command seals the file, and does nothing else. */
static void test_quoting(void **state)
{
	static const char *const names[] = {
		"/opt/a b", "/opt/it's", "/opt/\"q\"", "/opt/$(touch made)", "/opt/`touch made`",
		"/opt/;touch made", "/opt/new\nline", "/opt/\\", "/opt/\033[2J'\\",
		"/opt/\xff\xc3\xbc", "/opt/*", "/opt/-x", "/opt/#c",
	};
	struct stat st;
	json_t *json;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		FILE *log = audit_log();
		char full[PATH_MAX], content[16];

		snprintf(full, sizeof(full), "%s/root/opt", dir);
		mkdir(full, 0755);
		snprintf(content, sizeof(content), ELF "%zu", i);
		snprintf(full, sizeof(full), "%s/root%s", dir, names[i]);
		folder_write(full, content, strlen(content));
		record(log, "EXECUTE", "no-evidence", names[i], content);
		fclose(log);
		assert_null(strchr(learn_text(), '\033'));
		json = learn();
		assert_int_equal(count(json, "seal"), 1);
		snprintf(full, sizeof(full), "root%s", names[i]);
		assert_int_equal(seal(at(json, "seal", 0), "local.bundle", "EXECUTE", full), 0);
		json_decref(json);
		assert_int_equal(unlink(in_folder(dir, "local.bundle")), 0);
		assert_int_not_equal(stat(in_folder(dir, "made"), &st), 0);
	}
}

/* All that a file was used for is granted; what seal takes by itself is not named. */
static void test_usage(void **state)
{
	FILE *log = audit_log();
	const char *command;
	json_t *json;

	(void)state;
	add_file("/opt/jit", ELF "jit");
	add_file("/opt/data", "no program by its look");
	add_file("/opt/fw.bin", "firmware");
	record(log, "EXECUTE", "no-evidence", "/opt/jit", ELF "jit");
	record(log, "ANON_EXEC", "usage-not-granted", "/opt/jit", ELF "jit");
	record(log, "EXECUTE", "no-evidence", "/opt/data", "no program by its look");
	record(log, "FIRMWARE", "no-evidence", "/opt/fw.bin", "firmware");
	fclose(log);
	json = learn();
	assert_int_equal(count(json, "seal"), 3);
	command = text_of(at(json, "seal", 0), "command");
	assert_non_null(strstr(command, "--out local_execute.bundle --usage execute "));
	command = text_of(at(json, "seal", 1), "command");
	assert_non_null(strstr(command, "--usage firmware "));
	command = text_of(at(json, "seal", 2), "command");
	assert_non_null(strstr(command, "--usage execute,anon-exec "));
	assert_int_equal(count(at(json, "seal", 2), "files"), 2);
	assert_int_equal(seal(at(json, "seal", 0), "local_execute.bundle", "EXECUTE",
			      "root/opt/data"), 0);
	assert_int_equal(seal(at(json, "seal", 1), "local_firmware.bundle", "FIRMWARE",
			      "root/opt/fw.bin"), 0);
	assert_int_equal(seal(at(json, "seal", 2), "local_execute_anon-exec.bundle", "ANON_EXEC",
			      "root/opt/jit"), 0);
	json_decref(json);
}

static json_t *learn_with(const char *options)
{
	char cmd[4 * PATH_MAX];

	snprintf(cmd, sizeof(cmd), "cd '%s' && receiptctl learn --json %s --root root "
		 "--issuer-key key.pem --issuer issuer.example --log-dir log", dir, options);
	return json_of(cmd);
}

static json_t *learn_piped(const char *options)
{
	char cmd[4 * PATH_MAX];

	snprintf(cmd, sizeof(cmd), "cd '%s' && cat audit.log | receiptctl learn --json %s "
		 "--root root --issuer-key key.pem --issuer issuer.example --log-dir log", dir,
		 options);
	return json_of(cmd);
}

/* As anybody can write it to a journal, and the kernel does. */
static void forge(FILE *log, const char *op, const char *path, const char *content)
{
	uint8_t digest[32];

	rcpt_sha256(content, strlen(content), digest);
	fprintf(log, "Dec 01 05:00:00 host audit[7]: AUDIT1316 receipt: op=%s reason=no-evidence "
		"verdict=denied path=\"%s\" digest=sha256:", op, path);
	put_hex(log, digest, sizeof(digest));
	fputc('\n', log);
}

/* An operation is proposed on the kernel's word alone, wherever its lines come from. */
static void test_forged(void **state)
{
	static const struct {
		json_t *(*learn)(const char *options);
		const char *options;
		bool auditd, journal;	/* is believed */
	} rows[] = {
		{ learn_with, "--log audit.log", true, false },
		{ learn_with, "--log - <audit.log", true, false },
		{ learn_with, "--kernel-log --log audit.log", true, true },
		{ learn_piped, "--log -", false, false },
		{ learn_piped, "--kernel-log --log -", true, true },
		{ learn_with, "--log shared.log", false, false },
	};
	FILE *log = audit_log();
	json_t *json;

	(void)state;
	add_file("/opt/jit", ELF "jit");
	add_file("/opt/fw.bin", "firmware");
	record(log, "EXECUTE", "no-evidence", "/opt/jit", ELF "jit");
	record(log, "FIRMWARE", "no-evidence", "/opt/fw.bin", "firmware");
	forge(log, "ANON_EXEC", "/opt/jit", ELF "jit");
	fclose(log);
	assert_int_equal(chmod(in_folder(dir, "audit.log"), 0644), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char cmd[2 * PATH_MAX], *text;

		snprintf(cmd, sizeof(cmd), "cd '%s' && cp audit.log shared.log && "
			 "chmod 666 shared.log", dir);
		assert_int_equal(system(cmd), 0);
		json = rows[i].learn(rows[i].options);
		text = json_dumps(json, JSON_COMPACT);
		/* what seal grants by itself needs nobody's word */
		assert_non_null(strstr(text, "root/opt/jit"));
		assert_int_equal(!!strstr(text, "anon-exec"), rows[i].journal);
		assert_int_equal(!!strstr(text, "--usage firmware"), rows[i].auditd);
		assert_int_equal(!!strstr(text, "\"state\":\"unproven\""), !rows[i].journal);
		assert_int_equal(json_integer_value(json_object_get(json, "unproven")),
				 rows[i].journal ? 0 : rows[i].auditd ? 1 : 3);
		free(text);
		json_decref(json);
	}
}

/* A path that the kernel could not tell: what it told is shown. */
static void test_no_path(void **state)
{
	FILE *log = audit_log();

	(void)state;
	fputs("type=X msg=audit(1.2:3): receipt: op=EXECUTE verdict=denied reason=no-evidence "
	      "dev=\"vda\" ino=4711\n", log);
	fclose(log);
	assert_non_null(strstr(learn_text(), "a name, device vda inode 4711"));
	log = audit_log();
	fputs("type=X msg=audit(1.2:3): receipt: op=EXECUTE verdict=denied reason=no-evidence\n",
	      log);
	fclose(log);
	assert_null(strstr(learn_text(), "a name, device"));
}

/* Names lead neither out of the root folder nor to what is no file. */
static void test_led_out(void **state)
{
	FILE *log = audit_log();
	char cmd[2 * PATH_MAX];
	json_t *json;

	(void)state;
	snprintf(cmd, sizeof(cmd), "cd '%s' && mkdir -p root/opt outside && printf '%s' >outside/x && "
		 "ln -s ../../outside root/opt/link && mkfifo root/opt/fifo", dir, "\\177ELFx");
	assert_int_equal(system(cmd), 0);
	add_file("/opt/here", ELF "x");
	record(log, "EXECUTE", "no-evidence", "/opt/link/x", ELF "x");
	record(log, "EXECUTE", "no-evidence", "/opt/fifo", "fifo");
	record(log, "EXECUTE", "no-evidence", "/../outside/x", ELF "xx");
	fclose(log);
	alarm(600);
	json = learn();
	alarm(0);
	assert_int_equal(count(json, "seal"), 0);
	assert_int_equal(count(json, "left_out"), 3);
	json_decref(json);
	log = audit_log();
	record(log, "EXECUTE", "no-evidence", "/opt/here", ELF "x");	/* the control */
	fclose(log);
	json = learn();
	assert_int_equal(count(json, "seal"), 1);
	json_decref(json);
}

/* What is not the file that was denied is in no command; the control beside it is. */
static void test_changed(void **state)
{
	FILE *log = audit_log();
	char full[PATH_MAX];
	json_t *json;

	(void)state;
	add_file("/opt/same", ELF "same");
	add_file("/opt/changed", ELF "new");
	add_file("/opt/target", ELF "link");
	snprintf(full, sizeof(full), "%s/root/opt/link", dir);
	assert_int_equal(symlink("target", full), 0);
	snprintf(full, sizeof(full), "%s/root/opt/pipe", dir);
	assert_int_equal(mkfifo(full, 0600), 0);
	record(log, "EXECUTE", "no-evidence", "/opt/same", ELF "same");
	record(log, "EXECUTE", "no-evidence", "/opt/changed", ELF "old");
	record(log, "EXECUTE", "no-evidence", "/opt/link", ELF "link");
	record(log, "EXECUTE", "no-evidence", "/opt/pipe", "");
	record(log, "EXECUTE", "no-evidence", "/opt/gone (deleted)", ELF "gone");
	record(log, "EXECUTE", "no-evidence", "relative", ELF "relative");
	record(log, "EXECUTE", "not-yet-verified", "/opt/same", NULL);
	fputs("type=X msg=audit(1:1): receipt: op=KMODULE verdict=denied reason=no-evidence\n",
	      log);
	fclose(log);
	json = learn();
	assert_int_equal(count(json, "seal"), 1);
	assert_int_equal(count(at(json, "seal", 0), "files"), 1);
	assert_non_null(strstr(text_of(at(json, "seal", 0), "command"), "root/opt/same"));
	assert_int_equal(count(json, "left_out"), 7);
	for (size_t i = 0; i < 7; i++) {
		json_t *left = at(json, "left_out", i);
		json_t *paths = json_object_get(left, "paths");
		const char *path = json_string_value(json_array_get(paths, 0));
		const char *state = text_of(left, "state");

		if (!path)
			assert_string_equal(state, "no-name");
		else if (strstr(path, "same"))
			assert_string_equal(state, "no-digest");
		else if (strstr(path, "gone") || !strcmp(path, "relative"))
			assert_string_equal(state, "gone");
		else
			assert_string_equal(state, "changed");
	}
	json_decref(json);
	assert_non_null(strstr(learn_text(), "another file"));
}

/* Evidence does not mend everything. */
static void test_apart(void **state)
{
	FILE *log = audit_log();
	json_t *json;

	(void)state;
	add_file("/opt/same", ELF "same");
	add_file("/opt/revoked", ELF "revoked");
	record(log, "EXECUTE", "no-evidence", "/opt/same", ELF "same");
	record(log, "EXECUTE", "open-for-writing", "/opt/same", ELF "same");
	record(log, "EXECUTE", "no-evidence", "/opt/revoked", ELF "revoked");
	record(log, "EXECUTE", "revoked", "/opt/revoked", ELF "revoked");
	record(log, "EXECUTE", "unstable-filesystem", "/opt/same", NULL);
	fclose(log);
	json = learn();
	assert_int_equal(count(json, "seal"), 1);
	assert_non_null(strstr(text_of(at(json, "seal", 0), "command"), "root/opt/same"));
	assert_null(strstr(text_of(at(json, "seal", 0), "command"), "revoked"));
	assert_int_equal(count(json, "apart"), 3);
	json_decref(json);
}

static void test_nothing(void **state)
{
	FILE *log = audit_log();

	(void)state;
	fclose(log);
	assert_non_null(strstr(learn_text(), "the log has no record of Receipt LSM"));
	log = audit_log();
	fputs("type=KERNEL_OTHER msg=audit(1.2:3): receipt: helper=serving\n", log);
	fclose(log);
	assert_string_equal(learn_text(), "nothing is missing\n");
	log = audit_log();
	fputs("type=KERNEL_OTHER msg=audit(1.2:3): receipt: helper=serving suppressed=3\n", log);
	fclose(log);
	assert_null(strstr(learn_text(), "nothing is missing"));
	assert_non_null(strstr(learn_text(), "3 denials are not in the log"));
}

static int setup(void **state)
{
	struct rcpt_signer signer;
	char cmd[2 * PATH_MAX], *pem;
	size_t len;

	(void)state;
	dir = folder_make();
	if (rcpt_signer_generate(RCPT_ES256, &signer, NULL) ||
	    rcpt_signer_pem(&signer, &pem, &len, NULL))
		return -1;
	folder_write(in_folder(dir, "key.pem"), pem, len);
	OPENSSL_free(pem);
	rcpt_signer_free(&signer);
	snprintf(cmd, sizeof(cmd), "cd '%s' && mkdir root && "
		 "receiptctl log init --dir log --issuer log.example >/dev/null", dir);
	return system(cmd);
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

/* receiptctl is built beside the folder of this program. */
static void find_receiptctl(const char *self)
{
	char path[2 * PATH_MAX];

	assert_non_null(realpath(self, build));
	strcpy(strrchr(build, '/'), "/..");
	snprintf(path, sizeof(path), "%s:%s", build, getenv("PATH"));
	setenv("PATH", path, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_packages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quoting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_led_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
	};

	(void)argc;
	find_receiptctl(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
