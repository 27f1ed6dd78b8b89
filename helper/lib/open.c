// SPDX-License-Identifier: MIT
/*
 * Opening what others made. To open a device may start it, to open a FIFO may wait
 * for ever: a file is looked at by a descriptor that does nothing (O_PATH), and
 * opened for reading through that descriptor only when it is a regular file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "receipt.h"

static int open_path(int dir, const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = resolve };

	/* receiptd may not call openat2. */
	if (!resolve)
		return openat(dir, path, how.flags);
	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static const char *kind_of(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" :
	       S_ISSOCK(mode) ? "a socket" : S_ISLNK(mode) ? "a symbolic link" :
	       S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "of another kind";
}

static int fail_open(struct rcpt_error *err)
{
	int saved = errno;

	rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
		  "cannot open: %s", strerror(saved));
	errno = saved;
	return -1;
}

/* O_NONBLOCK: who holds a lease on the file would have us wait. */
static int reopen(int seen)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", seen);
	return open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/**
 * rcpt_open() - open a regular file for reading, and nothing else
 * @dir: directory that @path is below, or AT_FDCWD
 * @path: its name
 * @resolve: RESOLVE_* of openat2(2); 0: as open(2) goes
 * @st: of the file, or NULL; also of what is refused: st_mode is 0 when there is none
 * @err: filled in on failure, or NULL
 *
 * Return: a descriptor, or -1 with errno: EISDIR for a directory, EINVAL for what else
 * is no regular file.
 */
int rcpt_open(int dir, const char *path, uint64_t resolve, struct stat *st,
	      struct rcpt_error *err)
{
	struct stat own;
	int seen = open_path(dir, path, resolve), fd = -1, saved;

	st = st ? st : &own;
	memset(st, 0, sizeof(*st));
	if (seen < 0)
		return fail_open(err);
	if (!fstat(seen, st) && S_ISREG(st->st_mode))
		fd = reopen(seen);
	else if (st->st_mode)
		errno = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
	saved = errno;
	close(seen);
	errno = saved;
	if (fd >= 0)
		return fd;
	fail_open(err);
	if (st->st_mode && !S_ISREG(st->st_mode))
		rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			  "not a regular file, but %s", kind_of(st->st_mode));
	errno = saved;
	return -1;
}

/* Return: number of a descriptor that the caller was given and names, or -1. */
static int own_descriptor(const char *path)
{
	static const char *const dirs[] = { "/dev/fd/", "/proc/self/fd/" };
	char *end;
	long n;

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdin"))
		return STDIN_FILENO;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		size_t len = strlen(dirs[i]);

		if (strncmp(path, dirs[i], len) || path[len] < '0' || path[len] > '9')
			continue;
		n = strtol(path + len, &end, 10);
		return *end || n > INT_MAX ? -1 : (int)n;
	}
	return -1;
}

/**
 * rcpt_open_named() - open what somebody names on a command line
 * @path: a regular file; "-" for standard input; /dev/fd/N, as shells write <(COMMAND):
 *	what the caller has open already may be anything
 * @st: of the file
 * @err: filled in on failure, or NULL
 *
 * Return: a descriptor, or -1 with errno.
 */
int rcpt_open_named(const char *path, struct stat *st, struct rcpt_error *err)
{
	int own = own_descriptor(path), fd;

	if (own < 0)
		return rcpt_open(AT_FDCWD, path, 0, st, err);
	memset(st, 0, sizeof(*st));
	fd = fcntl(own, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && !fstat(fd, st))
		return fd;
	fail_open(err);
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * What reading may cost
 */

/* Nanoseconds of a clock that nobody sets. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/**
 * rcpt_budget_start() - begin to count
 * @b: budget
 * @file: most bytes of one file
 * @bytes: most bytes of all together
 * @seconds: most time of all together
 */
void rcpt_budget_start(struct rcpt_budget *b, uint64_t file, uint64_t bytes,
		       unsigned int seconds)
{
	b->file = file;
	b->bytes = bytes;
	b->until = now_ns() + seconds * 1000000000ULL;
}

/**
 * rcpt_budget_late() - is the time over?
 * @b: budget, or NULL: it has no end
 *
 * Return: whether it is.
 */
bool rcpt_budget_late(const struct rcpt_budget *b)
{
	return b && now_ns() >= b->until;
}

/**
 * rcpt_budget_take() - may a file be read?
 * @b: budget, which pays for it; NULL: only the bound of any file counts
 * @size: of the file
 * @err: filled in when it may not, or NULL
 *
 * Return: 0, or -RCPT_CANNOT_EVALUATE.
 */
int rcpt_budget_take(struct rcpt_budget *b, uint64_t size, struct rcpt_error *err)
{
	uint64_t most = b ? b->file : RCPT_MAX_ARTIFACT;

	if (size > most)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
				 "not read: it has %llu bytes, the bound is %llu",
				 (unsigned long long)size, (unsigned long long)most);
	if (!b)
		return 0;
	if (rcpt_budget_late(b))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
				 "not read: the time for all files is over");
	if (size > b->bytes)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
				 "not read: all files together have too many bytes");
	b->bytes -= size;
	return 0;
}
