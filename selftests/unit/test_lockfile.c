// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/file.h>

#include "folder.h"
#include "lockfile.h"

/* A child that holds the lock until it is killed. */
static pid_t hold(const char *path)
{
	int ready[2], fd;
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (rcpt_lock_take(path, 0, &fd, NULL) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Waits no longer than it was told, and says who holds it. */
static void test_holder(void **state)
{
	char *dir = folder_make(), pid[32];
	const char *path = in_folder(dir, "lock");
	struct rcpt_error err = { .text = "" };
	pid_t holder;
	int fd;

	(void)state;
	assert_int_equal(rcpt_lock_take(path, 0, &fd, &err), 0);	/* the control */
	rcpt_lock_drop(fd);
	holder = hold(path);
	assert_int_equal(rcpt_lock_take(path, 50, &fd, &err), -RCPT_SYSTEM);
	assert_int_equal(fd, -1);
	snprintf(pid, sizeof(pid), "process %d (", (int)holder);
	assert_non_null(strstr(err.text, pid));
	assert_non_null(strstr(err.text, path));
	end(holder);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, &err), 0);
	rcpt_lock_drop(fd);
	folder_remove(dir);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Whatever the umask is, and whatever it was made with. */
static void test_mode(void **state)
{
	char *dir = folder_make();
	const char *path = in_folder(dir, "lock");
	mode_t before = umask(0);
	int fd;

	(void)state;
	assert_int_equal(rcpt_lock_take(path, 0, &fd, NULL), 0);
	rcpt_lock_drop(fd);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, NULL), 0);
	rcpt_lock_drop(fd);
	assert_int_equal(mode_of(path), 0600);
	umask(before);
	folder_remove(dir);
}

/* Links and other things in the place of the lock are left alone. */
static void test_foreign(void **state)
{
	char *dir = folder_make();
	const char *path = in_folder(dir, "lock"), *other = in_folder(dir, "other");
	struct rcpt_error err;
	int fd;

	(void)state;
	folder_write(other, "text", 4);
	assert_int_equal(chmod(other, 0644), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, &err), -RCPT_SYSTEM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other, path), 0);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, &err), -RCPT_INVALID);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, &err), -RCPT_INVALID);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mode_of(other), 0644);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, &err), 0);	/* the control */
	rcpt_lock_drop(fd);
	folder_remove(dir);
}

/* Another user can neither hold it nor, as root does, is shut out by root. */
static void test_users(void **state)
{
	char *dir = folder_make();
	const char *path = in_folder(dir, "lock");
	pid_t pid;
	int fd;

	(void)state;
	if (geteuid()) {
		folder_remove(dir);
		skip();
	}
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, NULL), 0);
	rcpt_lock_drop(fd);
	pid = fork();
	if (!pid)
		_exit(setresuid(65534, 65534, 65534) || !rcpt_lock_take(path, 0, &fd, NULL) ||
		      open(path, O_RDONLY) >= 0);
	assert_int_equal(child_status(pid), 0);
	/* Root's lock in a folder of the user is one that the user can take. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(chown(dir, 65534, 65534), 0);
	assert_int_equal(rcpt_lock_take(path, 0, &fd, NULL), 0);
	rcpt_lock_drop(fd);
	pid = fork();
	if (!pid)
		_exit(setresuid(65534, 65534, 65534) || rcpt_lock_take(path, 0, &fd, NULL));
	assert_int_equal(child_status(pid), 0);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holder),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
