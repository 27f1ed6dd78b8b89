// SPDX-License-Identifier: MIT
/*
 * The guard: a file beside the database that says how far the log was, and which file
 * the database is. A database that is shorter, that holds another tree, or that was
 * copied gives no receipts: the first ones would contradict those that were given out.
 *
 *	receipt-log-guard 1 SIZE ROOT INODE BIRTH
 *
 * It may be a link to a file on another disk, which is not set back with the folder.
 */
#include "tlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "outfile.h"

#define MAX_GUARD	256

/**
 * struct guard - what the file says
 * @size: entries
 * @root: of their tree
 * @inode: of log.db
 * @birth: when that was made, in nanoseconds; 0 where the file system does not tell
 */
struct guard {
	unsigned long long size;
	uint8_t root[32];
	unsigned long long inode;
	unsigned long long birth;
};

static int refuse(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_OLDER, RCPT_NO_OFFSET, "%s", what);
}

static int path_in(const struct tlog *log, const char *name, char **path,
		   struct rcpt_error *err)
{
	return asprintf(path, "%s/%s", log->dir, name) < 0 ? rcpt_no_memory(err) : 0;
}

/* Copies and restored files are new ones, moved ones are not. */
static int find_place(const struct tlog *log, struct guard *guard, struct rcpt_error *err)
{
	struct statx st;
	char *path;
	int rc = path_in(log, "log.db", &path, err);

	if (rc)
		return rc;
	if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st))
		rc = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			       "log.db: %s", strerror(errno));
	free(path);
	if (rc)
		return rc;
	guard->inode = st.stx_ino;
	guard->birth = st.stx_mask & STATX_BTIME ?
		       st.stx_btime.tv_sec * 1000000000ULL + st.stx_btime.tv_nsec : 0;
	return 0;
}

static bool parse(const char *text, struct guard *guard)
{
	char hex[65];
	size_t len;
	int end = 0;

	return sscanf(text, "receipt-log-guard 1 %llu %64[0-9a-f] %llu %llu\n%n", &guard->size,
		      hex, &guard->inode, &guard->birth, &end) == 4 && end && !text[end] &&
	       OPENSSL_hexstr2buf_ex(guard->root, 32, &len, hex, '\0') == 1 && len == 32;
}

/* @found: there is one. */
static int read_guard(const struct tlog *log, struct guard *guard, bool *found,
		      struct rcpt_error *err)
{
	uint8_t *data;
	char *path;
	size_t len;
	int rc = path_in(log, "guard", &path, err);

	if (rc)
		return rc;
	*found = !access(path, F_OK) || errno != ENOENT;
	if (*found) {
		rc = rcpt_file_read(path, MAX_GUARD, &data, &len, err);
		if (!rc) {
			char text[MAX_GUARD + 1];

			memcpy(text, data, len);
			text[len] = '\0';
			free(data);
			if (!parse(text, guard))
				rc = refuse(err, "guard: damaged");
		}
	}
	free(path);
	return rc;
}

static int check_place(const struct tlog *log, const struct guard *guard,
		       struct rcpt_error *err)
{
	struct guard here;
	int rc = find_place(log, &here, err);

	if (rc)
		return rc;
	if (here.inode == guard->inode &&
	    (!here.birth || !guard->birth || here.birth == guard->birth))
		return 0;
	return refuse(err, "this log is a copy, or was restored from one: nothing is signed here. "
			   "If no other copy gives receipts, and this one has the last entry: "
			   "\"receiptctl log adopt\"");
}

static int check_tree(struct tlog *log, const struct guard *guard, struct rcpt_error *err)
{
	uint8_t root[32];
	uint64_t size;
	int rc = tlog_size(log, &size, err);

	if (rc)
		return rc;
	if (size < guard->size)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_OLDER, RCPT_NO_OFFSET,
				 "this log was set back: it has %llu entries and had %llu",
				 (unsigned long long)size, guard->size);
	rc = logtree_root(log, guard->size, root, err);
	if (!rc && memcmp(root, guard->root, 32))
		rc = refuse(err, "this log was replaced: its entries are not those that it had");
	return rc;
}

/**
 * logguard_check() - is this the log, and as far as it was?
 * @log: open
 * @place: it must be the file that the guard tells of, and the guard must be there where
 *	something was signed
 * @err: filled in on failure
 *
 * The guard is read before the database, which is never behind it.
 *
 * Return: 0, -RCPT_INVALID when it is not, or -RCPT_SYSTEM.
 */
int logguard_check(struct tlog *log, bool place, struct rcpt_error *err)
{
	struct guard guard;
	uint64_t size;
	bool found;
	int rc = read_guard(log, &guard, &found, err);

	if (!rc && found && place)
		rc = check_place(log, &guard, err);
	if (!rc && found)
		rc = check_tree(log, &guard, err);
	if (rc || found || !place || log->version == 1)
		return rc;
	rc = tlog_size(log, &size, err);
	return rc || !size ? rc :
	       refuse(err, "the file guard is missing: nothing is signed without. If this is the log, "
			   "and it has the last entry: \"receiptctl log adopt\"");
}

/* Where a link of the operator leads; the link stays. */
static int follow_link(char **path, struct rcpt_error *err)
{
	struct stat st;
	char *target;

	if (lstat(*path, &st) || !S_ISLNK(st.st_mode))
		return 0;
	target = st.st_uid && st.st_uid != geteuid() ? NULL : realpath(*path, NULL);
	if (!target)
		return refuse(err, "guard: a link that leads nowhere, or of somebody else");
	free(*path);
	*path = target;
	return 0;
}

static int write_text(const struct tlog *log, const char *text, struct rcpt_error *err)
{
	struct rcpt_outfile out;
	char *path;
	int rc = path_in(log, "guard", &path, err);

	if (rc)
		return rc;
	rc = follow_link(&path, err);
	if (!rc)
		rc = rcpt_outfile_open_over(path, 0600, *text, &out, err);
	free(path);
	return rc ? rc : rcpt_outfile_commit(&out, text, strlen(text), err);
}

/**
 * logguard_write() - have the guard say what the log is now
 * @log: open and locked
 * @err: filled in on failure
 *
 * Return: 0, durable, or -RCPT_SYSTEM.
 */
int logguard_write(struct tlog *log, struct rcpt_error *err)
{
	struct guard guard, old;
	char text[MAX_GUARD], hex[65];
	uint64_t size;
	bool found = false;
	int rc = tlog_size(log, &size, err);

	if (!rc)
		rc = logtree_root(log, size, guard.root, err);
	if (!rc)
		rc = find_place(log, &guard, err);
	if (rc)
		return rc;
	guard.size = size;
	/* A receipt for an old entry changes nothing. */
	if (!read_guard(log, &old, &found, NULL) && found && old.size == size &&
	    !memcmp(old.root, guard.root, 32) && old.inode == guard.inode &&
	    old.birth == guard.birth)
		return 0;
	OPENSSL_buf2hexstr_ex(hex, sizeof(hex), NULL, guard.root, 32, '\0');
	for (char *c = hex; *c; c++)
		*c |= 0x20;
	snprintf(text, sizeof(text), "receipt-log-guard 1 %llu %s %llu %llu\n", guard.size, hex,
		 guard.inode, guard.birth);
	return write_text(log, text, err);
}
