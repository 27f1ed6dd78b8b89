// SPDX-License-Identifier: MIT
/*
 * The file that keeps the floor of each policy from one boot to the next: one line
 * NAME:X.Y.Z:SVN per name, that of the policy which was active last at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockfile.h"
#include "outfile.h"
#include "receiptd.h"

#define LOCK_WAIT_MS	5000	/* for another one; then it is tried again later */
#define LINE_MAX_BYTES	(RECEIPT_POLICY_NAME_MAX + sizeof(":65535.65535.65535:4294967295\n"))
#define FILE_MAX_BYTES	(FLOORS_MAX * LINE_MAX_BYTES)

static size_t index_of(const struct floors *f, const char *name)
{
	size_t i = 0;

	while (i < f->n && strcmp(f->at[i].name, name))
		i++;
	return i;
}

/**
 * floors_find() - the floor of a policy
 * @f: floors
 * @name: of the policy; NULL or empty: of the one that was active last
 *
 * Return: it, or NULL.
 */
const struct receipt_lowest *floors_find(const struct floors *f, const char *name)
{
	size_t i = name && *name ? index_of(f, name) : f->n - 1;

	return i < f->n ? &f->at[i] : NULL;
}

/**
 * floors_raise() - a policy is active
 * @f: its floor is raised, and becomes the last one; when there is no room for
 *	another name, the one that was active before all others goes
 * @to: name, version and svn of the policy
 *
 * Return: whether anything is new.
 */
bool floors_raise(struct floors *f, const struct receipt_lowest *to)
{
	size_t i = index_of(f, to->name);
	struct receipt_lowest floor = i < f->n ? f->at[i] : *to;
	bool changed = receipt_lowest_raise(&floor, to) || i + 1 != f->n;

	if (i == FLOORS_MAX)
		i = 0;
	else if (i == f->n)
		f->n++;
	memmove(&f->at[i], &f->at[i + 1], (f->n - i - 1) * sizeof(floor));
	f->at[f->n - 1] = floor;
	return changed;
}

static int bad_line(struct rcpt_error *err, size_t line, const char *what)
{
	return rcpt_fail(err, RCPT_MALFORMED, 0, RCPT_NO_OFFSET, "line %zu: %s", line, what);
}

static int parse_line(struct floors *f, const char *text, size_t len, size_t line,
		      struct rcpt_error *err)
{
	struct receipt_lowest floor;

	if (receipt_lowest_parse(text, len, &floor))
		return bad_line(err, line, "expected NAME:X.Y.Z:SVN");
	if (index_of(f, floor.name) < f->n)
		return bad_line(err, line, "a second one of this name");
	if (f->n == FLOORS_MAX)
		return bad_line(err, line, "too many names");
	f->at[f->n++] = floor;
	return 0;
}

/**
 * floors_parse() - read the text of the file
 * @f: result; none on failure
 * @text: not terminated
 * @len: bytes
 * @err: names the line
 *
 * Return: 0 or -RCPT_MALFORMED.
 */
int floors_parse(struct floors *f, const char *text, size_t len, struct rcpt_error *err)
{
	const char *end = text + len, *newline;
	size_t line = 0;
	int ret = 0;

	for (f->n = 0; text < end && !ret; text = newline + 1) {
		newline = memchr(text, '\n', end - text);
		line++;
		if (!newline) {
			ret = bad_line(err, line, "has no end");
			break;
		}
		ret = parse_line(f, text, newline - text, line, err);
	}
	if (ret)
		f->n = 0;
	return ret;
}

static int system_error(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "%s: %s", what, strerror(errno));
}

static int read_file(const char *path, struct floors *f, struct rcpt_error *err)
{
	struct stat st;
	uint8_t *data;
	size_t len;
	int ret;

	f->n = 0;
	if (stat(path, &st))
		return errno == ENOENT ? 0 : system_error(err, "cannot read");
	if (!S_ISREG(st.st_mode))
		return rcpt_fail(err, RCPT_MALFORMED, 0, RCPT_NO_OFFSET, "not a regular file");
	ret = rcpt_file_read(path, FILE_MAX_BYTES, &data, &len, err);
	if (ret)
		return ret;
	ret = floors_parse(f, (char *)data, len, err);
	free(data);
	return ret;
}

static int make_path(char path[PATH_MAX], const char *dir, const char *name,
		     struct rcpt_error *err)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX)
		return 0;
	return rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "name is too long");
}

/**
 * floors_load() - read the file
 * @dir: folder of it; one that is not there has no floors
 * @f: result; none on failure
 * @err: filled in on failure
 *
 * A damaged file is logged and moved aside, so that nothing is written over it.
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int floors_load(const char *dir, struct floors *f, struct rcpt_error *err)
{
	char path[PATH_MAX], aside[PATH_MAX];
	int ret;

	f->n = 0;
	if (make_path(path, dir, "floor", err) || make_path(aside, dir, "floor.damaged", err))
		return -RCPT_SYSTEM;
	ret = read_file(path, f, err);
	if (ret != -RCPT_MALFORMED)
		return ret;
	log_line(LOG_ERROR, "%s: %s: no floor is taken from it, it becomes floor.damaged",
		 path, err->text);
	return rename(path, aside) ? system_error(err, "cannot move it aside") : 0;
}

static int write_file(const char *dir, const struct floors *f, struct rcpt_error *err)
{
	char path[PATH_MAX], text[FILE_MAX_BYTES];
	struct rcpt_outfile out;
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s:%u.%u.%u:%u\n", f->at[i].name,
			      f->at[i].version[0], f->at[i].version[1], f->at[i].version[2],
			      f->at[i].svn);
	if (make_path(path, dir, "floor", err) || rcpt_outfile_open(path, 0600, &out, err))
		return -RCPT_SYSTEM;
	return rcpt_outfile_commit(&out, text, n, err);
}

static int merge(const char *dir, const struct floors *f, struct rcpt_error *err)
{
	struct floors all;
	bool changed = false;

	if (floors_load(dir, &all, err))
		return -RCPT_SYSTEM;
	for (size_t i = 0; i < f->n; i++)
		changed |= floors_raise(&all, &f->at[i]);
	return changed ? write_file(dir, &all, err) : 0;
}

/*
 * A lock of its own, in a folder that is closed to others: who can open a file, if only
 * for reading, can lock it.
 */
static int take_lock(const char *dir, int *fd, struct rcpt_error *err)
{
	char folder[PATH_MAX], path[PATH_MAX];

	if (make_path(folder, dir, "lock", err) || make_path(path, dir, "lock/floor", err))
		return -RCPT_SYSTEM;
	if (mkdir(folder, 0700) && errno != EEXIST)
		return system_error(err, "cannot make the folder of the lock");
	return rcpt_lock_take(path, LOCK_WAIT_MS, fd, err);
}

/**
 * floors_save() - raise the floors in the file
 * @dir: folder of it
 * @f: floors, in the order in which their policies were active
 * @err: filled in on failure; names the process that holds the lock
 *
 * The file appears whole and durable, or stays. Another process that does the same
 * is waited for, for some seconds.
 *
 * Context: Waits for the disk.
 * Return: 0 or a negative exit status.
 */
int floors_save(const char *dir, const struct floors *f, struct rcpt_error *err)
{
	int fd, ret = take_lock(dir, &fd, err);

	if (ret)
		return ret;
	ret = merge(dir, f, err);
	rcpt_lock_drop(fd);
	return ret;
}
