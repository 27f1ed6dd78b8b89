// SPDX-License-Identifier: MIT
/*
 * The local transparency log.
 */
#include "tlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "lockfile.h"
#include "outfile.h"

#define MAX_KEY_FILE	65536

#define HEAD_TABLE							\
	"CREATE TABLE head (size INTEGER PRIMARY KEY, time INTEGER NOT NULL,"	\
	" root BLOB NOT NULL, receipt BLOB NOT NULL);"

static const char schema[] =
	"CREATE TABLE log (version INTEGER NOT NULL, issuer TEXT NOT NULL,"
	" alg INTEGER NOT NULL, key BLOB NOT NULL);"
	"CREATE TABLE entry (idx INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
	" digest BLOB NOT NULL UNIQUE, statement BLOB NOT NULL);"
	"CREATE TABLE node (level INTEGER NOT NULL, pos INTEGER NOT NULL,"
	" hash BLOB NOT NULL, PRIMARY KEY (level, pos)) WITHOUT ROWID;"
	"CREATE TABLE issuer (iss TEXT NOT NULL, key BLOB NOT NULL,"
	" kind INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY (iss, key)) WITHOUT ROWID;"
	HEAD_TABLE;

/* Version 1 had receipts, and did not keep them. */
static const char upgrade_schema[] =
	"ALTER TABLE issuer ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE issuer ADD COLUMN added INTEGER NOT NULL DEFAULT 0;"
	HEAD_TABLE
	"UPDATE log SET version = 2;";

/* Files of SQLite. They take their mode from the first. */
static const char *const db_files[] = { "log.db", "log.db-wal", "log.db-shm" };

/* Who holds the lock of SQLite that stopped us; only those who may read log.db can. */
static void find_holder(struct tlog *log, char *text, size_t room)
{
	char *path;
	size_t i;

	text[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(db_files); i++) {
		if (asprintf(&path, "%s/%s", log->dir, db_files[i]) < 0)
			return;
		if (!rcpt_lock_holder(path, text, room))
			text[0] = '\0';
		free(path);
		if (text[0])
			return;
	}
}

/**
 * tlog_fail() - describe what SQLite says
 * @log: open
 * @err: filled in
 *
 * Return: negative status.
 */
int tlog_fail(struct tlog *log, struct rcpt_error *err)
{
	char holder[80];

	if (sqlite3_errcode(log->db.db) != SQLITE_BUSY)
		return logdb_fail(&log->db, err);
	find_holder(log, holder, sizeof(holder));
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "log.db: locked by %s", holder[0] ? holder : "another process");
}

/*
 * making and opening
 */

/* The name goes into a policy between quotes, as it is. */
static int check_name(const char *name, struct rcpt_error *err)
{
	size_t len = strlen(name);
	size_t i;

	if (!len || len > RECEIPT_MAX_CLAIM ||
	    !rcpt_utf8_valid((const uint8_t *)name, len) || name[len - 1] == '*')
		goto bad;
	for (i = 0; i < len; i++)
		if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f || name[i] == '"' ||
		    name[i] == '\\')
			goto bad;
	return 0;
bad:
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
			 "a log's name is 1 to %d bytes of UTF-8 without controls, \", \\ and without * at its end",
			 RECEIPT_MAX_CLAIM);
}

static int open_db(const char *dir, enum logdb_how how, struct tlog **out,
		   struct rcpt_error *err)
{
	struct tlog *log = calloc(1, sizeof(*log));
	int rc;

	if (log)
		log->lock = -1;
	if (!log || !(log->dir = strdup(dir))) {
		tlog_close(log);
		return rcpt_no_memory(err);
	}
	rc = logdb_open(dir, how, &log->db, err);
	if (rc) {
		tlog_close(log);
		return rc;
	}
	*out = log;
	return 0;
}

static int take_row(struct tlog *log, sqlite3_stmt *s, struct rcpt_error *err)
{
	const void *key = sqlite3_column_blob(s, 3);

	if (sqlite3_column_int64(s, 0) < 1 || sqlite3_column_int64(s, 0) > LOG_VERSION)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_STRUCTURE,
				 RCPT_NO_OFFSET, "log.db: unknown version");
	log->version = sqlite3_column_int64(s, 0);
	log->issuer = strdup((const char *)sqlite3_column_text(s, 1) ?: "");
	log->alg = sqlite3_column_int64(s, 2);
	log->key_len = sqlite3_column_bytes(s, 3);
	log->key = malloc(log->key_len + 1);
	if (!log->issuer || !log->key)
		return rcpt_no_memory(err);
	if (log->key_len)
		memcpy(log->key, key, log->key_len);
	return 0;
}

static int read_row(struct tlog *log, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT version, issuer, alg, key FROM log");
	int step = s ? sqlite3_step(s) : SQLITE_ERROR;
	int rc;

	if (step == SQLITE_ROW)
		rc = take_row(log, s, err);
	else if (step == SQLITE_DONE)
		rc = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
			       RCPT_NO_OFFSET, "log.db: not a log");
	else
		rc = tlog_fail(log, err);
	sqlite3_finalize(s);
	return rc;
}

/* All of it as it was at one time, whoever appends meanwhile. */
static int check_head(struct tlog *log, struct rcpt_error *err)
{
	struct log_head head;
	int rc = exec(log, "BEGIN", err);

	if (rc)
		return rc;
	rc = loghead_check(log, true, &head, err);
	sqlite3_exec(log->db.db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static int open_log(const char *dir, enum logdb_how how, struct tlog **out,
		    struct rcpt_error *err)
{
	struct tlog *log;
	int rc = open_db(dir, how, &log, err);

	if (rc)
		return rc;
	rc = read_row(log, err);
	if (!rc)
		rc = check_head(log, err);
	if (!rc)
		rc = logdb_unchanged(&log->db, err);
	if (rc) {
		tlog_close(log);
		return rc;
	}
	*out = log;
	return 0;
}

int tlog_open(const char *dir, struct tlog **out, struct rcpt_error *err)
{
	return open_log(dir, LOGDB_WRITE, out, err);
}

int tlog_open_read(const char *dir, struct tlog **out, struct rcpt_error *err)
{
	return open_log(dir, LOGDB_READ, out, err);
}

void tlog_close(struct tlog *log)
{
	if (!log)
		return;
	logdb_close(&log->db);
	rcpt_lock_drop(log->lock);
	rcpt_signer_free(&log->signer);
	free(log->dir);
	free(log->issuer);
	free(log->key);
	free(log);
}

static int keep_key(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			 "key.pem is there, and no log that it is of: a key is never replaced");
}

static int write_key(const char *dir, const struct rcpt_signer *signer,
		     struct rcpt_error *err)
{
	struct rcpt_outfile out;
	char *path, *pem;
	struct stat st;
	size_t len;
	int rc;

	if (asprintf(&path, "%s/key.pem", dir) < 0)
		return rcpt_no_memory(err);
	rc = lstat(path, &st) ? rcpt_signer_pem(signer, &pem, &len, err) : keep_key(err);
	if (!rc) {
		rc = rcpt_outfile_open(path, 0600, &out, err);
		if (!rc)
			rc = rcpt_outfile_commit_new(&out, pem, len, err);
		OPENSSL_clear_free(pem, len);
	}
	free(path);
	return rc;
}

static int insert_row(struct tlog *log, const char *issuer,
		      const struct rcpt_signer *signer, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "INSERT INTO log VALUES (?, ?, ?, ?)");
	uint8_t *spki = NULL;
	int len = i2d_PUBKEY(signer->pkey, &spki);
	int rc = finish(log, s, len > 0 && bind_int(s, 1, LOG_VERSION) &&
			bind_text(s, 2, issuer, strlen(issuer)) &&
			bind_int(s, 3, signer->alg) && bind_blob(s, 4, spki, len), err);

	OPENSSL_free(spki);
	return rc;
}

static bool has_schema(struct tlog *log)
{
	sqlite3_stmt *s = prepare(log, "SELECT 1 FROM sqlite_schema");
	bool has = !s || sqlite3_step(s) != SQLITE_DONE;

	sqlite3_finalize(s);
	return has;
}

static void remove_key(const char *dir)
{
	char *path;

	if (asprintf(&path, "%s/key.pem", dir) < 0)
		return;
	unlink(path);
	free(path);
}

/* The key is in place before the transaction that makes it the log's. */
static int fill(struct tlog *log, const char *issuer,
		const struct rcpt_signer *signer, struct rcpt_error *err)
{
	bool made = false;
	int rc;

	if (has_schema(log))
		rc = rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_STRUCTURE,
			       RCPT_NO_OFFSET, "there is a log already");
	else
		rc = exec(log, schema, err);
	if (!rc)
		rc = insert_row(log, issuer, signer, err);
	if (!rc) {
		rc = write_key(log->dir, signer, err);
		made = !rc;
	}
	if (!rc)
		rc = exec(log, "COMMIT", err);
	if (!rc)
		return logguard_write(log, err);
	sqlite3_exec(log->db.db, "ROLLBACK", NULL, NULL, NULL);
	if (made)
		remove_key(log->dir);
	return rc;
}

static int take_lock(struct tlog *log, struct rcpt_error *err)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/lock", log->dir) < 0)
		return rcpt_no_memory(err);
	rc = rcpt_lock_take(path, RCPT_LOCK_WAIT_MS, &log->lock, err);
	free(path);
	return rc;
}

static void drop_lock(struct tlog *log)
{
	rcpt_lock_drop(log->lock);
	log->lock = -1;
}

static int fail_folder(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "cannot make %s: %s", what, strerror(errno));
}

/* For nobody else's eyes, and only where no key of anybody is. */
static int make_files(const char *dir, struct rcpt_error *err)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat st;
	int fd, dirfd, rc = 0;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return fail_folder(err, "the folder");
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return fail_folder(err, "the folder");
	if (fstatat(dirfd, "log.db", &st, AT_SYMLINK_NOFOLLOW) &&
	    !fstatat(dirfd, "key.pem", &st, AT_SYMLINK_NOFOLLOW)) {
		rc = keep_key(err);
	} else {
		fd = openat(dirfd, "log.db", flags, 0600);
		if (fd < 0)
			rc = fail_folder(err, "log.db");
		else
			close(fd);
	}
	close(dirfd);
	return rc;
}

int tlog_init(const char *dir, const char *issuer, int64_t alg,
	      struct rcpt_error *err)
{
	struct rcpt_signer signer;
	struct tlog *log;
	int rc = check_name(issuer, err);

	if (!rc)
		rc = rcpt_signer_generate(alg, &signer, err);
	if (rc)
		return rc;
	rc = make_files(dir, err);
	if (!rc)
		rc = open_db(dir, LOGDB_CREATE, &log, err);
	if (!rc) {
		rc = take_lock(log, err);
		if (!rc)
			rc = exec(log, "PRAGMA journal_mode=WAL; BEGIN IMMEDIATE;", err);
		if (!rc)
			rc = fill(log, issuer, &signer, err);
		tlog_close(log);
	}
	rcpt_signer_free(&signer);
	return rc;
}

static int check_key(struct tlog *log, struct rcpt_error *err)
{
	uint8_t id[32];

	if (rcpt_sha256(log->key, log->key_len, id))
		return rcpt_no_memory(err);
	if (!memcmp(id, log->signer.id, sizeof(id)))
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_UNKNOWN_KEY,
			 RCPT_NO_OFFSET, "key.pem: not the key of this log");
}

int tlog_load_key(struct tlog *log, struct rcpt_error *err)
{
	uint8_t *pem;
	size_t len;
	char *path;
	int rc;

	if (log->signer.pkey)
		return 0;
	if (asprintf(&path, "%s/key.pem", log->dir) < 0)
		return rcpt_no_memory(err);
	rc = rcpt_file_read(path, MAX_KEY_FILE, &pem, &len, err);
	free(path);
	if (rc)
		return rc;
	rc = rcpt_signer_load(pem, len, &log->signer, err);
	OPENSSL_cleanse(pem, len);
	free(pem);
	if (!rc)
		rc = check_key(log, err);
	return rc ? rc : logguard_check(log, true, err);
}

const char *tlog_issuer(const struct tlog *log)
{
	return log->issuer;
}

int64_t tlog_alg(const struct tlog *log)
{
	return log->alg;
}

struct rcpt_span tlog_public_key(const struct tlog *log)
{
	return rcpt_span(log->key, log->key_len);
}

/*
 * entries
 */

int tlog_size(struct tlog *log, uint64_t *size, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT ifnull(max(idx) + 1, 0) FROM entry");
	int rc = 0;

	if (s && sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 0) >= 0)
		*size = sqlite3_column_int64(s, 0);
	else
		rc = tlog_fail(log, err);
	sqlite3_finalize(s);
	return rc;
}

/* Sign the tree of @proof, and remember that it was. */
static int sign_tree(struct tlog *log, int64_t now, const struct rcpt_entry_proof *proof,
		     uint8_t **receipt, size_t *len, struct rcpt_error *err)
{
	struct log_head head = { .size = proof->size, .time = now };
	int rc = rcpt_receipt_sign(log->issuer, now, proof, &log->signer, receipt, len, err);

	if (rc)
		return rc;
	memcpy(head.root, proof->root, sizeof(head.root));
	return loghead_put(log, &head, rcpt_span(*receipt, *len), err);
}

/* What was made for everybody to read before is no longer. */
static int close_files(struct tlog *log, struct rcpt_error *err)
{
	char *path;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(db_files); i++) {
		if (asprintf(&path, "%s/%s", log->dir, db_files[i]) < 0)
			return rcpt_no_memory(err);
		rc = chmod(path, 0600);
		free(path);
		if (rc && errno != ENOENT)
			return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
					 RCPT_NO_OFFSET, "%s: %s", db_files[i], strerror(errno));
	}
	return 0;
}

static int upgrade(struct tlog *log, struct rcpt_error *err)
{
	struct rcpt_entry_proof proof;
	uint8_t *receipt = NULL;
	size_t len;
	int rc = close_files(log, err);

	if (!rc)
		rc = exec(log, upgrade_schema, err);
	if (!rc)
		rc = tlog_size(log, &proof.size, err);
	if (rc || !proof.size)
		return rc;
	proof.index = proof.size - 1;
	rc = logtree_prove(log, &proof, err);
	if (!rc)
		rc = sign_tree(log, time(NULL), &proof, &receipt, &len, err);
	free(receipt);
	return rc;
}

/* Of now: another process may have upgraded the log since it was opened. */
static int read_version(struct tlog *log, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT version FROM log");
	int rc = 0;

	if (s && sqlite3_step(s) == SQLITE_ROW)
		log->version = sqlite3_column_int64(s, 0);
	else
		rc = tlog_fail(log, err);
	sqlite3_finalize(s);
	return rc;
}

static int begin_locked(struct tlog *log, struct log_head *head, struct rcpt_error *err)
{
	int rc = read_version(log, err);

	if (!rc && log->version == 1)
		rc = upgrade(log, err);
	if (!rc)
		rc = read_version(log, err);
	if (!rc)
		rc = loghead_check(log, false, head, err);
	/* Where there is none yet; before anything is signed. */
	return rc ? rc : logguard_write(log, err);
}

/**
 * tlog_begin() - begin to write to the log
 * @log: open, with its key loaded
 * @head: result: the last tree that was signed
 * @err: filled in on failure
 *
 * The log is locked, is the one that its guard tells of, and its tree is the one that was
 * signed last.
 *
 * Context: Waits for other processes that write, for a bounded time.
 * Return: 0, to be ended by tlog_end(); else as tlog_append().
 */
int tlog_begin(struct tlog *log, struct log_head *head, struct rcpt_error *err)
{
	int rc = take_lock(log, err);

	if (rc)
		return rc;
	rc = logguard_check(log, true, err);
	if (!rc)
		rc = exec(log, "BEGIN IMMEDIATE", err);
	if (!rc) {
		rc = begin_locked(log, head, err);
		if (!rc)
			return 0;
		sqlite3_exec(log->db.db, "ROLLBACK", NULL, NULL, NULL);
		read_version(log, NULL);
	}
	drop_lock(log);
	return rc;
}

/**
 * tlog_end() - end it: all of it for good, or nothing
 * @log: as tlog_begin() left it
 * @rc: of what was done; other than 0 undoes it
 * @err: filled in on failure here; else it says already what went wrong
 *
 * Return: @rc, or -RCPT_SYSTEM.
 */
int tlog_end(struct tlog *log, int rc, struct rcpt_error *err)
{
	if (!rc)
		rc = exec(log, "COMMIT", err);
	if (rc) {
		sqlite3_exec(log->db.db, "ROLLBACK", NULL, NULL, NULL);
		read_version(log, NULL);
	} else {
		rc = logguard_write(log, err);
	}
	drop_lock(log);
	return rc;
}

/* Number of entries, and of the one with @digest; @found tells if there is one. */
static int find_entry(struct tlog *log, const uint8_t digest[32],
		      struct rcpt_entry_proof *proof, bool *found,
		      struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT idx FROM entry WHERE digest = ?");
	int rc = tlog_size(log, &proof->size, err);
	int step = SQLITE_ERROR;

	if (!rc && bind_blob(s, 1, digest, 32))
		step = sqlite3_step(s);
	*found = step == SQLITE_ROW;
	proof->index = *found ? (uint64_t)sqlite3_column_int64(s, 0) : proof->size;
	if (!rc && step != SQLITE_ROW && step != SQLITE_DONE)
		rc = tlog_fail(log, err);
	sqlite3_finalize(s);
	return rc;
}

static int add_entry(struct tlog *log, const struct rcpt_statement *stmt,
		     uint64_t index, int64_t now, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "INSERT INTO entry VALUES (?, ?, ?, ?)");
	uint8_t leaf[32];
	int rc = finish(log, s, bind_int(s, 1, index) && bind_int(s, 2, now) &&
			bind_blob(s, 3, stmt->digest, 32) &&
			bind_blob(s, 4, stmt->bytes, stmt->len), err);

	if (rc)
		return rc;
	if (rcpt_leaf_hash(stmt->digest, 32, leaf))
		return rcpt_no_memory(err);
	return logtree_add(log, index, leaf, err);
}

static int append(struct tlog *log, const struct rcpt_statement *stmt, int64_t now,
		  struct rcpt_entry_proof *proof, uint8_t **receipt, size_t *len,
		  struct rcpt_error *err)
{
	bool found = false;
	int rc = find_entry(log, stmt->digest, proof, &found, err);

	if (!rc && !found)
		rc = add_entry(log, stmt, proof->size++, now, err);
	if (!rc)
		rc = logtree_prove(log, proof, err);
	return rc ? rc : sign_tree(log, now, proof, receipt, len, err);
}

int tlog_append(struct tlog *log, const struct rcpt_statement *stmt,
		const struct tlog_vouch *vouch, struct rcpt_entry_proof *proof,
		uint8_t **receipt, size_t *len, struct rcpt_error *err)
{
	const struct rcpt_claims *claims = &stmt->header.claims;
	struct log_head head;
	int64_t now;
	int rc;

	*receipt = NULL;
	if (!stmt->header.has_claims || !claims->iss.len || !claims->sub.len)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_NO_CLAIMS,
				 RCPT_NO_OFFSET, "the statement lacks issuer or subject");
	rc = rcpt_header_crit(&stmt->header, NULL, 0, err);
	if (!rc)
		rc = tlog_begin(log, &head, err);
	if (rc)
		return rc;
	now = time(NULL);
	rc = loghead_time(&head, &now, err);
	if (!rc)
		rc = logissuer_check(log, stmt, vouch, err);
	if (!rc)
		rc = append(log, stmt, now, proof, receipt, len, err);
	rc = tlog_end(log, rc, err);
	if (rc) {
		free(*receipt);
		*receipt = NULL;
	}
	return rc;
}

int tlog_adopt(struct tlog *log, struct rcpt_error *err)
{
	int rc = take_lock(log, err);

	if (rc)
		return rc;
	rc = logguard_check(log, false, err);
	if (!rc)
		rc = check_head(log, err);
	if (!rc)
		rc = logguard_write(log, err);
	drop_lock(log);
	return rc;
}

/* A database that was made to have no end gives its rows again. */
static int check_order(uint64_t index, uint64_t next, struct rcpt_error *err)
{
	if (index == next)
		return 0;
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			 "log.db: entry %llu stands where %llu should be",
			 (unsigned long long)index, (unsigned long long)next);
}

int tlog_each(struct tlog *log, tlog_entry_fn fn, void *arg,
	      struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT idx, time, statement FROM entry ORDER BY idx");
	int step = SQLITE_ERROR;
	uint64_t next = 0;
	int told = 0;

	while (s && !told && (step = sqlite3_step(s)) == SQLITE_ROW) {
		struct tlog_entry entry = {
			.index = sqlite3_column_int64(s, 0),
			.time = sqlite3_column_int64(s, 1),
			.statement = rcpt_span(sqlite3_column_blob(s, 2),
					       sqlite3_column_bytes(s, 2)),
		};

		logdb_alive(&log->db);
		told = check_order(entry.index, next++, err);
		if (!told)
			told = fn(&entry, arg);
	}
	sqlite3_finalize(s);
	if (told)
		return told;
	return step == SQLITE_DONE ? logdb_unchanged(&log->db, err) : tlog_fail(log, err);
}
