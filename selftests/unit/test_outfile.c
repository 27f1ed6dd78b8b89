// SPDX-License-Identifier: MIT
/*
 * Files that appear whole or not at all, and replace nothing but files.
 */
#include "folder.h"

#include <errno.h>
#include <signal.h>
#include <sys/sysmacros.h>

#include "outfile.h"

static int write_to(const char *path, const char *text, struct rcpt_error *err)
{
	struct rcpt_outfile out;
	int ret = rcpt_outfile_open(path, 0640, &out, err);

	return ret ? ret : rcpt_outfile_commit(&out, text, strlen(text), err);
}

static void expect_text(const char *path, const char *text)
{
	struct rcpt_error err;
	uint8_t *data;
	size_t len;

	assert_int_equal(rcpt_file_read(path, 100, &data, &len, &err), 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(data, text, len);
	free(data);
}

static void writes_and_replaces(void **state)
{
	char *dir = folder_make();
	struct rcpt_outfile out;
	struct rcpt_error err;
	struct stat st;

	(void)state;
	assert_int_equal(write_to(in_folder(dir, "a"), "one", &err), 0);
	expect_text(in_folder(dir, "a"), "one");
	assert_int_equal(write_to(in_folder(dir, "a"), "two", &err), 0);
	expect_text(in_folder(dir, "a"), "two");
	assert_int_equal(stat(in_folder(dir, "a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_nlink, 1);
	/* what has a name by now stays */
	assert_int_equal(rcpt_outfile_open(in_folder(dir, "a"), 0600, &out, &err), 0);
	assert_int_equal(rcpt_outfile_commit_new(&out, "x", 1, &err), -RCPT_SYSTEM);
	expect_text(in_folder(dir, "a"), "two");
	assert_int_equal(rcpt_outfile_open(in_folder(dir, "b"), 0600, &out, &err), 0);
	assert_int_equal(rcpt_outfile_commit_new(&out, "x", 1, &err), 0);
	expect_text(in_folder(dir, "b"), "x");
	assert_int_equal(rcpt_outfile_open(in_folder(dir, "c"), 0600, &out, &err), 0);
	rcpt_outfile_abort(&out);
	assert_int_equal(folder_count(dir, ""), 2);
	folder_remove(dir);
}

static void expect_refused(const char *dir, const char *name, const char *why)
{
	struct stat before, after;
	struct rcpt_error err;

	assert_int_equal(lstat(in_folder(dir, name), &before), 0);
	assert_int_equal(write_to(in_folder(dir, name), "x", &err), -RCPT_SYSTEM);
	assert_non_null(strstr(err.text, why));
	assert_int_equal(lstat(in_folder(dir, name), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode, after.st_mode);
}

/* As in "--out /dev/null", to see what would be sealed. */
static void replaces_no_device(void **state)
{
	char *dir = folder_make();
	struct rcpt_outfile out;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(mkfifo(in_folder(dir, "fifo"), 0600), 0);
	expect_refused(dir, "fifo", "not a regular file");
	folder_write(in_folder(dir, "file"), "x", 1);
	assert_int_equal(symlink("file", in_folder(dir, "link")), 0);
	expect_refused(dir, "link", "symbolic link");
	assert_int_equal(symlink("/dev/null", in_folder(dir, "null")), 0);
	expect_refused(dir, "null", "symbolic link");
	assert_int_equal(mkdir(in_folder(dir, "dir"), 0700), 0);
	expect_refused(dir, "dir", strerror(EISDIR));
	expect_refused(dir, "dir/", strerror(EISDIR));
	if (!mknod(in_folder(dir, "device"), S_IFCHR | 0600, makedev(1, 3)))
		expect_refused(dir, "device", "not a regular file");
	/* put there while it was written */
	assert_int_equal(rcpt_outfile_open(in_folder(dir, "late"), 0600, &out, &err), 0);
	assert_int_equal(mkfifo(in_folder(dir, "late"), 0600), 0);
	assert_int_equal(rcpt_outfile_commit(&out, "x", 1, &err), -RCPT_SYSTEM);
	assert_int_equal(folder_count(dir, "late"), 1);
	expect_refused(dir, "late", "not a regular file");
	assert_int_equal(write_to(in_folder(dir, "file"), "y", &err), 0);	/* the control */
	expect_text(in_folder(dir, "file"), "y");
	folder_remove(dir);
}

/* A process that is killed leaves nothing. */
static void leaves_nothing(void **state)
{
	char *dir = folder_make();
	int fd = open(dir, O_TMPFILE | O_WRONLY, 0600), status;
	struct rcpt_outfile out;
	pid_t pid;

	(void)state;
	if (fd < 0) {
		folder_remove(dir);
		skip();		/* this file system has no files without a name */
	}
	close(fd);
	pid = fork();
	if (!pid) {
		if (!rcpt_outfile_open(in_folder(dir, "a"), 0600, &out, NULL) &&
		    write(out.fd, "half", 4) == 4)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(folder_count(dir, ""), 0);
	assert_int_equal(write_to(in_folder(dir, "a"), "x", NULL), 0);
	assert_int_equal(folder_count(dir, ""), 1);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_replaces),
		cmocka_unit_test(replaces_no_device),
		cmocka_unit_test(leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
