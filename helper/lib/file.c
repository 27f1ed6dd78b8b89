// SPDX-License-Identifier: MIT
/*
 * Reading whole files, bounded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "receipt.h"

static int system_error(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "%s: %s", what, strerror(errno));
}

static int fail_bound(struct rcpt_error *err, size_t max)
{
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, max,
			 "file is over %zu bytes", max);
}

/* Grow by doubling: what stat says is a hint, pipes have no size. */
static int read_all(int fd, size_t max, size_t hint, uint8_t **data, size_t *len,
		    struct rcpt_error *err)
{
	size_t room = hint + 1, used = 0;
	uint8_t *buf = malloc(room);

	while (buf) {
		ssize_t n = read(fd, buf + used, room - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		used += n;
		if (!n) {
			*data = buf;
			*len = used;
			return 0;
		}
		if (used > max) {
			free(buf);
			return fail_bound(err, max);
		}
		if (used == room) {
			uint8_t *more = realloc(buf, room *= 2);

			if (!more)
				break;
			buf = more;
		}
	}
	system_error(err, "cannot read");
	free(buf);
	return -RCPT_SYSTEM;
}

/**
 * rcpt_file_read() - read a whole file
 * @path: as for rcpt_open_named()
 * @max: most bytes
 * @data: result, for free(); never NULL on success
 * @len: bytes of @data
 * @err: what went wrong
 *
 * What is longer is not read at all, where its size can be told.
 *
 * Return: 0; -RCPT_SYSTEM when it cannot be read; -RCPT_MALFORMED when it is
 * over @max.
 */
int rcpt_file_read(const char *path, size_t max, uint8_t **data, size_t *len,
		   struct rcpt_error *err)
{
	struct stat st;
	int fd = rcpt_open_named(path, &st, err);
	int ret;

	if (fd < 0)
		return -RCPT_SYSTEM;
	if (S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size > max)
		ret = fail_bound(err, max);
	else
		ret = read_all(fd, max, S_ISREG(st.st_mode) && st.st_size > 0 ? st.st_size : 4095,
			       data, len, err);
	close(fd);
	return ret;
}

/**
 * rcpt_text_open() - read a text file whole, to go through its lines
 * @dir: directory that @path is below, or AT_FDCWD
 * @path: of a regular file
 * @resolve: as of rcpt_open()
 * @max: most bytes
 * @err: filled in on failure, or NULL
 *
 * Whoever may write the file cannot make reading it endless.
 *
 * Return: stream; NULL with errno, EFBIG when it is over @max.
 */
FILE *rcpt_text_open(int dir, const char *path, uint64_t resolve, size_t max,
		     struct rcpt_error *err)
{
	struct rcpt_error own;
	struct stat st;
	int fd = rcpt_open(dir, path, resolve, &st, err), ret;
	uint8_t *data = NULL;
	FILE *f = NULL;
	size_t len;

	if (fd < 0)
		return NULL;
	err = err ? err : &own;
	errno = 0;
	ret = st.st_size > 0 && (uint64_t)st.st_size > max ? fail_bound(err, max) :
	      read_all(fd, max, st.st_size > 0 ? st.st_size : 4095, &data, &len, err);
	close(fd);
	if (!ret) {
		f = fmemopen(NULL, len + 1, "w+");
		if (f && fwrite(data, 1, len, f) == len)
			rewind(f);
	}
	free(data);
	if (ret == -RCPT_MALFORMED)
		errno = EFBIG;
	if (!ret && !f)
		system_error(err, "cannot read");
	return f;
}
