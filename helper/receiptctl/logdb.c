// SPDX-License-Identifier: MIT
/*
 * The database of a log. SQLite deletes what a journal calls its super-journal, any
 * file by name; follows views that never end; and writes to a database that it only
 * reads. None of this is left to what lies in the directory.
 */
#include "logdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME		"log.db"
#define VFS		"receipt-log"
#define BUSY_MS		5000		/* for readers; who writes waits for the lock */
#define STEPS_A_CALL	10000		/* between two looks at the bound */
#define MAX_STEPS	10000000	/* for one row: some hundreds are needed */
#define MAX_LENGTH	(4 << 20)	/* bytes of a row; a statement has 1 MiB */
#define MAX_MEMORY	(256 << 20)

/*
 * Files: a layer over SQLite's own that deletes what is the log's, and opens no
 * super-journal
 */

static sqlite3_vfs *below;

static bool is_own(const char *name)
{
	static const char *const ends[] = { NAME "-wal", NAME "-shm", NAME "-journal" };
	const char *slash = strrchr(name, '/');

	for (size_t i = 0; slash && i < ARRAY_SIZE(ends); i++)
		if (!strcmp(slash + 1, ends[i]))
			return true;
	return false;
}

static int delete_own(sqlite3_vfs *vfs, const char *name, int sync)
{
	return is_own(name) ? below->xDelete(vfs, name, sync) : SQLITE_IOERR_DELETE;
}

static int open_own(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	file->pMethods = NULL;
	if (flags & SQLITE_OPEN_SUPER_JOURNAL)
		return SQLITE_CANTOPEN;
	return below->xOpen(vfs, name, file, flags, out);
}

/* SQLite keeps it by its name, and a copy works as the original does. */
static bool make_vfs(void)
{
	static sqlite3_vfs own;

	if (sqlite3_vfs_find(VFS))
		return true;
	below = sqlite3_vfs_find("unix");
	if (!below)
		return false;
	own = *below;
	own.pNext = NULL;
	own.zName = VFS;
	own.xDelete = delete_own;
	own.xOpen = open_own;
	return sqlite3_vfs_register(&own, 0) == SQLITE_OK;
}

static int not_own(struct rcpt_error *err, const char *file, const char *why)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET, "%s: %s",
			 file, why);
}

/* @st: st_mode is 0 when there is no such file. */
static int check_file(int dir, const char *name, struct stat *st, struct rcpt_error *err)
{
	memset(st, 0, sizeof(*st));
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 :
		       rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				 "%s: %s", name, strerror(errno));
	if (!S_ISREG(st->st_mode))
		return not_own(err, name, "not a regular file");
	if (st->st_uid && st->st_uid != geteuid())
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
				 "%s: belongs to another user (uid %u): run this as that user",
				 name, st->st_uid);
	return 0;
}

/* @state: of log.db; @wal: something was committed that is not in log.db yet */
static int check_files(const char *path, enum logdb_how how, struct stat *state, bool *wal,
		       struct rcpt_error *err)
{
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), ret;
	struct stat st = { 0 };

	if (dir < 0)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				 NAME ": %s%s", strerror(errno), errno == ENOENT ?
				 ": \"receiptctl log init\" makes a log" : "");
	*wal = false;
	ret = check_file(dir, NAME, state, err);
	if (!ret && !state->st_mode && how != LOGDB_CREATE)
		ret = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				NAME ": %s: \"receiptctl log init\" makes a log",
				strerror(ENOENT));
	if (!ret)
		ret = check_file(dir, NAME "-shm", &st, err);
	if (!ret)
		ret = check_file(dir, NAME "-wal", &st, err);
	*wal = st.st_size;
	if (!ret)
		ret = check_file(dir, NAME "-journal", &st, err);
	if (!ret && st.st_mode && (how != LOGDB_CREATE || state->st_size))
		ret = not_own(err, NAME "-journal", "no log has such a file: it was put there, "
			      "or \"log init\" was interrupted");
	close(dir);
	return ret;
}

/*
 * Limits
 */

static int progress(void *arg)
{
	struct logdb *db = arg;

	db->steps += STEPS_A_CALL;
	return db->steps > MAX_STEPS;
}

void logdb_alive(struct logdb *db)
{
	db->steps = 0;
}

static int set_limits(struct logdb *db, enum logdb_how how)
{
	if (how == LOGDB_READ &&
	    sqlite3_db_config(db->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK)
		return -1;
	sqlite3_hard_heap_limit64(MAX_MEMORY);
	sqlite3_limit(db->db, SQLITE_LIMIT_LENGTH, MAX_LENGTH);
	sqlite3_limit(db->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db->db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
	sqlite3_progress_handler(db->db, STEPS_A_CALL, progress, db);
	if (sqlite3_busy_timeout(db->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
	    sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK ||
	    sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) != SQLITE_OK ||
	    sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK)
		return -1;
	/* A commit returns only when it is on the disk. */
	return sqlite3_exec(db->db, "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON;", NULL,
			    NULL, NULL) == SQLITE_OK ? 0 : -1;
}

int logdb_fail(struct logdb *db, struct rcpt_error *err)
{
	int code = sqlite3_errcode(db->db);
	bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
		       code == SQLITE_ERROR || code == SQLITE_INTERRUPT || code == SQLITE_TOOBIG;

	return rcpt_fail(err, damaged ? RCPT_MALFORMED : RCPT_SYSTEM,
			 damaged ? RECEIPT_REASON_STRUCTURE : RECEIPT_REASON_UNREADABLE,
			 RCPT_NO_OFFSET, NAME ": %s", code == SQLITE_INTERRUPT ?
			 "not a log: reading it takes too long" : sqlite3_errmsg(db->db));
}

/*
 * Opening
 */

/* What SQLite takes for an escape or for the end of the name in a URI. */
static char *make_uri(const char *path, const char *options)
{
	char *uri = malloc(3 * strlen(path) + strlen(options) + sizeof("file:"));
	char *out = uri;

	if (!uri)
		return NULL;
	/* Two slashes would begin the name of a host. */
	while (path[0] == '/' && path[1] == '/')
		path++;
	out += sprintf(out, "file:");
	for (; *path; path++)
		out += strchr("%?#", *path) ? sprintf(out, "%%%02x", *path) :
					      sprintf(out, "%c", *path);
	strcpy(out, options);
	return uri;
}

/*
 * As a file that does not change, log.db is read and nothing else, so long as all is
 * in it. Otherwise there are -wal and -shm of a writer, and SQLite locks as they do.
 */
static int open_sqlite(const char *path, enum logdb_how how, bool wal, struct logdb *db,
		       struct rcpt_error *err)
{
	static const int flags[] = {
		[LOGDB_READ] = SQLITE_OPEN_READONLY,
		[LOGDB_WRITE] = SQLITE_OPEN_READWRITE,
		[LOGDB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	};
	bool still = how == LOGDB_READ && !wal;
	char *uri = make_uri(path, still ? "?immutable=1" : "");
	int ret = 0;

	if (!uri || !make_vfs())
		ret = rcpt_no_memory(err);
	if (!ret && still) {
		db->file = rcpt_open(AT_FDCWD, path, 0, &db->state, err);
		ret = db->file < 0 ? -RCPT_SYSTEM : 0;
	}
	if (!ret && (sqlite3_open_v2(uri, &db->db, flags[how] | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_URI, VFS) != SQLITE_OK || set_limits(db, how)))
		ret = logdb_fail(db, err);
	free(uri);
	return ret;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(a->st_mtim, b->st_mtim);
}

int logdb_unchanged(const struct logdb *db, struct rcpt_error *err)
{
	struct stat now;

	if (db->file < 0 || (!fstat(db->file, &now) && same_file(&now, &db->state)))
		return 0;
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_FILE_CHANGED, RCPT_NO_OFFSET,
			 NAME ": changed while it was read: try again");
}

int logdb_open(const char *dir, enum logdb_how how, struct logdb *db, struct rcpt_error *err)
{
	struct stat state;
	char *path;
	bool wal = false;
	int ret;

	memset(db, 0, sizeof(*db));
	db->file = -1;
	ret = check_files(dir, how, &state, &wal, err);
	if (ret)
		return ret;
	if (asprintf(&path, "%s/" NAME, dir) < 0)
		return rcpt_no_memory(err);
	ret = open_sqlite(path, how, wal, db, err);
	free(path);
	return ret;
}

void logdb_close(struct logdb *db)
{
	sqlite3_close(db->db);
	if (db->file > 0)
		close(db->file);
	memset(db, 0, sizeof(*db));
}
