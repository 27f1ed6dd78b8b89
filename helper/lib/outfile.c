// SPDX-License-Identifier: MIT
/*
 * Files that appear whole or not at all: written to a file without a name in the
 * same folder, which the kernel drops with the process, made durable, then put in
 * place. Where a file system has no such files, one with a name is written.
 */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_errno(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
			 RCPT_NO_OFFSET, "%s: %s", what, strerror(errno));
}

static void release(struct rcpt_outfile *out)
{
	if (out->fd >= 0)
		close(out->fd);
	if (out->dir >= 0)
		close(out->dir);
	free(out->name);
	out->fd = -1;
	out->dir = -1;
	out->name = NULL;
	out->temp[0] = '\0';
}

void rcpt_outfile_abort(struct rcpt_outfile *out)
{
	if (out->dir >= 0 && out->temp[0])
		unlinkat(out->dir, out->temp, 0);
	release(out);
}

/* Another name each time; it need not be a secret, since it is created or not taken. */
static void new_temp(struct rcpt_outfile *out)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = getpid();
	snprintf(out->temp, sizeof(out->temp), ".receipt.%016llx", (unsigned long long)random);
}

static int keep(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "not replaced: %s", what);
}

/*
 * What is no regular file is not replaced: a device would be gone, a link lead to what
 * was there before.
 */
static int check_place(const struct rcpt_outfile *out, struct rcpt_error *err)
{
	struct stat st;

	/* "DIR/" is the folder itself. */
	if (fstatat(out->dir, *out->name ? out->name : ".", &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : fail_errno(err, "cannot write");
	if (S_ISREG(st.st_mode))
		return 0;
	errno = EISDIR;
	if (S_ISDIR(st.st_mode))
		return fail_errno(err, "cannot write");
	return keep(err, S_ISLNK(st.st_mode) ? "it is a symbolic link" :
					       "it is not a regular file");
}

static int open_dir(const char *path, struct rcpt_outfile *out)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash - path + 1) : strdup(".");

	out->name = strdup(slash ? slash + 1 : path);
	if (dir)
		out->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	return out->name && out->dir >= 0 ? 0 : -1;
}

static int open_temp(struct rcpt_outfile *out, mode_t mode)
{
	out->fd = openat(out->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (out->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		new_temp(out);
		out->fd = openat(out->dir, out->temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
				 0600);
		if (out->fd < 0)
			out->temp[0] = '\0';
	}
	return out->fd < 0 ? -1 : fchmod(out->fd, mode);
}

int rcpt_outfile_open(const char *path, mode_t mode, struct rcpt_outfile *out,
		      struct rcpt_error *err)
{
	int ret;

	*out = (struct rcpt_outfile){ .fd = -1, .dir = -1 };
	errno = ENOMEM;
	if (open_dir(path, out))
		ret = out->name ? fail_errno(err, "cannot write") : rcpt_no_memory(err);
	else
		ret = check_place(out, err);
	if (!ret && open_temp(out, mode))
		ret = fail_errno(err, "cannot write");
	if (ret)
		rcpt_outfile_abort(out);
	return ret;
}

/* Does the file that is there begin with another byte? None has no such file. */
static bool begins_otherwise(const struct rcpt_outfile *out, uint8_t first)
{
	int fd = rcpt_open(out->dir, out->name, RESOLVE_NO_SYMLINKS, NULL, NULL);
	uint8_t byte = first;
	bool otherwise = fd < 0 ? errno != ENOENT : read(fd, &byte, 1) < 0 || byte != first;

	if (fd >= 0)
		close(fd);
	return otherwise;
}

int rcpt_outfile_open_over(const char *path, mode_t mode, uint8_t first,
			   struct rcpt_outfile *out, struct rcpt_error *err)
{
	int ret = rcpt_outfile_open(path, mode, out, err);

	if (!ret && begins_otherwise(out, first)) {
		ret = keep(err, "it holds something else than what is written here");
		rcpt_outfile_abort(out);
	}
	return ret;
}

int rcpt_write_synced(int fd, const void *content, size_t len)
{
	const char *data = content;

	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= n;
	}
	return fsync(fd);
}

/* Onto a name that something has: by another name first. */
static int replace(struct rcpt_outfile *out, unsigned int flags, const char *link,
		   struct rcpt_error *err)
{
	if (!out->temp[0]) {
		new_temp(out);
		if (linkat(AT_FDCWD, link, out->dir, out->temp, AT_SYMLINK_FOLLOW)) {
			out->temp[0] = '\0';
			return fail_errno(err, "cannot write");
		}
	}
	if (!flags && check_place(out, err))
		return -RCPT_SYSTEM;
	if (renameat2(out->dir, out->temp, out->dir, out->name, flags))
		return fail_errno(err, "cannot write");
	out->temp[0] = '\0';
	return 0;
}

static int place(struct rcpt_outfile *out, unsigned int flags, struct rcpt_error *err)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", out->fd);
	if (!out->temp[0]) {
		if (!linkat(AT_FDCWD, link, out->dir, out->name, AT_SYMLINK_FOLLOW))
			return 0;
		if (errno != EEXIST || flags & RENAME_NOREPLACE)
			return fail_errno(err, "cannot write");
	}
	return replace(out, flags, link, err);
}

static int commit(struct rcpt_outfile *out, const void *data, size_t len,
		  unsigned int flags, struct rcpt_error *err)
{
	int rc = 0;

	if (rcpt_write_synced(out->fd, data, len))
		rc = fail_errno(err, "cannot write");
	if (!rc)
		rc = place(out, flags, err);
	if (!rc && fsync(out->dir))
		rc = fail_errno(err, "cannot make durable");
	rcpt_outfile_abort(out);
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
