// SPDX-License-Identifier: MIT
/*
 * Files that appear whole or not at all: written to a temporary file in the
 * same folder, made durable, then renamed.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_errno(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
			 RCPT_NO_OFFSET, "%s: %s", what, strerror(errno));
}

static char *temp_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	char *temp;

	if (asprintf(&temp, "%.*s.%.200s.XXXXXX", (int)(base - path), path, base) < 0)
		return NULL;
	return temp;
}

static void release(struct rcpt_outfile *out)
{
	if (out->fd >= 0)
		close(out->fd);
	free(out->path);
	free(out->temp);
	out->fd = -1;
	out->path = NULL;
	out->temp = NULL;
}

void rcpt_outfile_abort(struct rcpt_outfile *out)
{
	if (out->fd >= 0)
		unlink(out->temp);
	release(out);
}

int rcpt_outfile_open(const char *path, mode_t mode, struct rcpt_outfile *out,
		      struct rcpt_error *err)
{
	struct stat st;

	out->fd = -1;
	out->path = strdup(path);
	out->temp = temp_name(path);
	if (!out->path || !out->temp) {
		release(out);
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "out of memory");
	}
	/* A rename onto a folder would fail only after all the work. */
	errno = EISDIR;
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		out->fd = mkostemp(out->temp, O_CLOEXEC);
	if (out->fd < 0 || fchmod(out->fd, mode)) {
		int rc = fail_errno(err, "cannot write");

		rcpt_outfile_abort(out);
		return rc;
	}
	return 0;
}

/* Return: the first byte, or -1 when there is none. */
static int first_byte(const char *path)
{
	int fd = rcpt_open(AT_FDCWD, path, 0, NULL, NULL);
	uint8_t byte;
	ssize_t n = fd < 0 ? -1 : read(fd, &byte, 1);

	if (fd >= 0)
		close(fd);
	return n == 1 ? byte : -1;
}

static int keep(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "not replaced: %s", what);
}

int rcpt_outfile_open_over(const char *path, mode_t mode, uint8_t first,
			   struct rcpt_outfile *out, struct rcpt_error *err)
{
	struct stat st;

	out->fd = -1;
	out->path = NULL;
	out->temp = NULL;
	if (!lstat(path, &st)) {
		if (S_ISLNK(st.st_mode))
			return keep(err, "it is a symbolic link");
		if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
			return keep(err, "it is not a regular file");
		if (S_ISREG(st.st_mode) && st.st_size && first_byte(path) != first)
			return keep(err, "it holds something else than what is written here");
	}
	return rcpt_outfile_open(path, mode, out, err);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

static int sync_folder(char *path)
{
	int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

static int commit(struct rcpt_outfile *out, const void *data, size_t len,
		  unsigned int flags, struct rcpt_error *err)
{
	int rc = 0;

	if (write_all(out->fd, data, len) || fsync(out->fd) ||
	    renameat2(AT_FDCWD, out->temp, AT_FDCWD, out->path, flags)) {
		rc = fail_errno(err, "cannot write");
		rcpt_outfile_abort(out);
		return rc;
	}
	if (sync_folder(out->path))
		rc = fail_errno(err, "cannot make durable");
	release(out);
	return rc;
}

int rcpt_outfile_commit(struct rcpt_outfile *out, const void *data, size_t len,
			struct rcpt_error *err)
{
	return commit(out, data, len, 0, err);
}

int rcpt_outfile_commit_new(struct rcpt_outfile *out, const void *data, size_t len,
			    struct rcpt_error *err)
{
	return commit(out, data, len, RENAME_NOREPLACE, err);
}
