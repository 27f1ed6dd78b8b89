/* SPDX-License-Identifier: MIT */
/*
 * Files that appear whole or not at all.
 */
#ifndef RCPT_OUTFILE_H
#define RCPT_OUTFILE_H

#include <stddef.h>
#include <sys/types.h>

#include "receipt.h"

/**
 * struct rcpt_outfile - a file being written beside the place it will take
 * @fd: of it; -1 when none is open
 * @dir: folder of the place
 * @name: in @dir
 * @temp: its name in @dir until then; empty while it has none
 */
struct rcpt_outfile {
	int fd;
	int dir;
	char *name;
	char temp[32];
};

/**
 * rcpt_outfile_open() - begin a file
 * @path: where it will be; what is there now stays until the commit, and for good
 *	when it is no regular file
 * @mode: permissions, not subject to the umask
 * @out: result, to be ended with commit or abort
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_outfile_open(const char *path, mode_t mode, struct rcpt_outfile *out,
		      struct rcpt_error *err);

/**
 * rcpt_outfile_open_over() - begin a file that somebody names
 * @path: where it will be
 * @mode: permissions, not subject to the umask
 * @first: first byte of what is written. A file that is there is replaced when it is
 *	empty or begins with the same byte: no key, no database, no text.
 * @out: result, to be ended with commit or abort
 * @err: filled in on failure
 *
 * Return: 0, or -RCPT_SYSTEM, also for a link, a device or a file of something else.
 */
int rcpt_outfile_open_over(const char *path, mode_t mode, uint8_t first,
			   struct rcpt_outfile *out, struct rcpt_error *err);

/**
 * rcpt_outfile_commit() - write the content, make it durable, put it in place
 * @out: as opened; ended in every case, on failure nothing is left of it
 * @data: content
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_outfile_commit(struct rcpt_outfile *out, const void *data, size_t len,
			struct rcpt_error *err);

/**
 * rcpt_outfile_commit_new() - the same, for a name that nothing has yet
 * @out: as opened; ended in every case, on failure nothing is left of it
 * @data: content
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0, or -RCPT_SYSTEM, also when there is a file by now.
 */
int rcpt_outfile_commit_new(struct rcpt_outfile *out, const void *data, size_t len,
			    struct rcpt_error *err);

/**
 * rcpt_outfile_abort() - remove what was begun
 * @out: as opened, or ended already
 */
void rcpt_outfile_abort(struct rcpt_outfile *out);

/**
 * rcpt_write_synced() - write all of something to an open file, and make it durable
 * @fd: of the file
 * @content: of it
 * @len: its length
 *
 * Return: 0, or -1 with errno.
 */
int rcpt_write_synced(int fd, const void *content, size_t len);

#endif /* RCPT_OUTFILE_H */
