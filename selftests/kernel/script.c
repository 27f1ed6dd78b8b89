// SPDX-License-Identifier: MIT
/*
 * script DIR: what is executed by an interpreter stays closed to writers for as long
 * as a process runs it that was started so, above and below on overlayfs; and so does
 * a program there.
 */
#include <sys/mount.h>

#include "elves.h"

#define INTERPRETER	"/run/interpreter"	/* what /t/script names */
#define WAITS		ELVES "/waits"
#define BINFMT		"/proc/sys/fs/binfmt_misc/"

static const char *dir;
static int input;		/* what those read that wait */

/* A process that waits, once it has executed @path. */
static pid_t start_waiting(const char *path)
{
	char *const argv[] = { (char *)path, NULL }, *const none[] = { NULL };
	int wait_for[2], done[2];
	pid_t pid;
	char c;

	if (pipe2(wait_for, O_CLOEXEC) || pipe2(done, O_CLOEXEC))
		broken("pipe");
	pid = fork();
	if (!pid) {
		dup2(wait_for[0], 0);
		execve(path, argv, none);
		write_file(done[1], "x", 1);
		_exit(BROKEN);
	}
	close(wait_for[0]);
	close(done[1]);
	if (read(done[0], &c, 1))
		broken("%s is not executed", path);
	close(done[0]);
	input = wait_for[1];
	return pid;
}

static int outcome_of_waiting(pid_t pid)
{
	int status;

	close(input);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static void end_waiting(pid_t pid, const char *what)
{
	expect_allowed(outcome_of_waiting(pid), "%s: it ran to its end", what);
}

static int open_to_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = outcome_of(fd >= 0, ETXTBSY);

	close(fd);
	return ret;
}

/* @path is executed; @held: what must not be written meanwhile. */
static void test_held(const char *path, const char *const *held, const char *what)
{
	pid_t pid;
	int i;

	for (i = 0; held[i]; i++)
		expect_allowed(open_to_write(held[i]), "%s: %s before", what, held[i]);
	pid = start_waiting(path);
	for (i = 0; held[i]; i++)
		expect(DENIED, open_to_write(held[i]), "%s: %s meanwhile: ETXTBSY", what, held[i]);
	end_waiting(pid, what);
	for (i = 0; held[i]; i++)
		expect_allowed(open_to_write(held[i]), "%s: %s afterwards", what, held[i]);
}

static void test_script(void)
{
	const char *script = in(dir, "script"), *interpreter = in(dir, "interpreter");
	const char *const held[] = { script, interpreter, NULL };

	copy("/t/script", script, "");
	copy(WAITS, interpreter, "");
	point(INTERPRETER, interpreter);
	test_held(script, held, "script");
}

/* The interpreter gets a path, and opens what is there then. */
static void test_renamed(void)
{
	const char *script = in(dir, "renamed"), *other = in(dir, "other");
	pid_t pid;

	copy("/t/script", script, "");
	copy("/t/script", other, "# exchanged\n");
	point(INTERPRETER, "/k/reader");
	pid = start_waiting(script);
	expect(DENIED, outcome_of_waiting(pid), "script: its interpreter reads it");
	pid = start_waiting(script);
	if (rename(other, script))
		broken("rename");
	expect_allowed(outcome_of_waiting(pid), "script that another one takes the name of: "
		       "known limit");
}

/* An exec that fails on the way leaves nothing behind. */
static void test_failed(void)
{
	const char *script = in(dir, "script");
	struct exec_args args = { .path = script, .want_errno = ENOENT };

	unlink(INTERPRETER);
	expect(DENIED, probe(try_exec, &args), "script without an interpreter: ENOENT");
	expect_allowed(open_to_write(script), "script without an interpreter: afterwards");
	copy(WAITS, in(dir, "interpreter"), "x");
	point(INTERPRETER, in(dir, "interpreter"));
	args.want_errno = EACCES;
	expect_denied(probe(try_exec, &args), "file_post_open", "no-evidence",
		      "script with an unsealed interpreter");
	expect_allowed(open_to_write(script), "script with an unsealed interpreter: afterwards");
}

static void test_chain(void)
{
	char from[32], to[32], names[6][32];
	const char *held[7] = {};

	mkdir("/run/chain", 0755);
	for (int i = 1; i <= 6; i++) {
		snprintf(names[i - 1], sizeof(names[0]), "chain-%d", i);
		held[i - 1] = in(dir, names[i - 1]);
		snprintf(from, sizeof(from), "/t/chain-%d", i);
		copy(i > 5 ? WAITS : from, held[i - 1], "");
		snprintf(to, sizeof(to), "/run/chain/%d", i);
		point(to, held[i - 1]);
	}
	test_held("/run/chain/1", held, "chain of scripts");
}

static void test_binfmt(const char *flags)
{
	const char *file = in(dir, "file.door"), *interpreter = in(dir, "interpreter");
	const char *const held[] = { file, NULL };
	char line[300];

	copy("/t/script", file, "");
	copy(WAITS, interpreter, "");
	snprintf(line, sizeof(line), ":door:E::door::%s:%s", interpreter, flags);
	write_text(BINFMT "register", line);
	snprintf(line, sizeof(line), "binfmt_misc, flags '%s'", flags);
	test_held(file, held, line);
	write_text(BINFMT "door", "-1");
}

/* Without an interpreter: it is the program that waits. */
static void test_program(void)
{
	const char *program = in(dir, "waits");
	const char *const held[] = { program, NULL };

	copy(WAITS, program, "");
	test_held(program, held, "program");
}

static void mount_overlay(char at[200])
{
	char text[1024];

	snprintf(at, 200, "%s/merged", dir);
	mkdir("/run/script-overlay", 0755);
	if (mount("none", "/run/script-overlay", "tmpfs", 0, NULL))
		broken("tmpfs");
	mkdir("/run/script-overlay/upper", 0755);
	mkdir("/run/script-overlay/work", 0755);
	mkdir(in(dir, "lower"), 0755);
	mkdir(at, 0755);
	snprintf(text, sizeof(text), "lowerdir=%s/lower,upperdir=/run/script-overlay/upper,"
		 "workdir=/run/script-overlay/work", dir);
	if (mount("overlay", at, "overlay", 0, text))
		broken("overlay with %s", text);
}

/* What is executed in one layer is held there. */
static void test_overlay(void)
{
	const char *lower = in(dir, "lower/script"), *program = in(dir, "lower/waits");
	const char *const script_below[] = { lower, NULL }, *const below[] = { program, NULL };
	const char *const script_above[] = { "/run/script-overlay/upper/script", NULL };
	const char *const above[] = { "/run/script-overlay/upper/waits", NULL };
	char at[200], script[256], waits[256];

	mount_overlay(at);
	snprintf(script, sizeof(script), "%s/script", at);
	snprintf(waits, sizeof(waits), "%s/waits", at);
	copy("/t/script", lower, "");
	copy(WAITS, program, "");
	point(INTERPRETER, waits);
	test_held(script, script_below, "script on overlayfs, below");
	test_held(script, below, "its interpreter on overlayfs, below");
	if (chmod(script, 0711) || chmod(waits, 0711))
		broken("chmod");
	test_held(script, script_above, "script on overlayfs, above");
	test_held(waits, above, "program on overlayfs, above");
	umount2(at, MNT_DETACH);
	umount2("/run/script-overlay", MNT_DETACH);
}

int main(int argc, char **argv)
{
	dir = argc > 1 ? argv[1] : "/mnt/scripts";
	mkdir(dir, 0755);
	probe_init();
	if (access(BINFMT "register", F_OK) &&
	    mount("binfmt_misc", BINFMT, "binfmt_misc", 0, NULL))
		broken("binfmt_misc");
	test_program();
	test_script();
	test_renamed();
	test_failed();
	test_chain();
	test_binfmt("");
	test_binfmt("O");
	test_binfmt("F");
	test_overlay();
	return 0;
}
