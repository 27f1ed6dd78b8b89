// SPDX-License-Identifier: MIT
/*
 * The local transparency log.
 */
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509.h>
#include <sqlite3.h>

#include "logdb.h"
#include "outfile.h"

#define LOG_VERSION	1
#define MAX_KEY_FILE	65536

/*
 * Nodes of complete subtrees only: these never change, and any root or path is
 * made of a logarithmic number of them.
 */
static const char schema[] =
	"CREATE TABLE log (version INTEGER NOT NULL, issuer TEXT NOT NULL,"
	" alg INTEGER NOT NULL, key BLOB NOT NULL);"
	"CREATE TABLE entry (idx INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
	" digest BLOB NOT NULL UNIQUE, statement BLOB NOT NULL);"
	"CREATE TABLE node (level INTEGER NOT NULL, pos INTEGER NOT NULL,"
	" hash BLOB NOT NULL, PRIMARY KEY (level, pos)) WITHOUT ROWID;"
	"CREATE TABLE issuer (iss TEXT NOT NULL, key BLOB NOT NULL,"
	" PRIMARY KEY (iss, key)) WITHOUT ROWID;";

/**
 * struct tlog - an open log
 * @db: the database
 * @dir: folder
 * @issuer: name
 * @alg: signature algorithm
 * @key: public key, DER
 * @key_len: its length
 * @signer: private key; pkey is NULL until it is loaded
 */
struct tlog {
	struct logdb db;
	char *dir;
	char *issuer;
	int64_t alg;
	uint8_t *key;
	size_t key_len;
	struct rcpt_signer signer;
};

static int no_memory(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			 RCPT_NO_OFFSET, "out of memory");
}

static int fail_db(struct tlog *log, struct rcpt_error *err)
{
	return logdb_fail(&log->db, err);
}

/*
 * statements of SQL
 */

static int exec(struct tlog *log, const char *sql, struct rcpt_error *err)
{
	return sqlite3_exec(log->db.db, sql, NULL, NULL, NULL) == SQLITE_OK ?
	       0 : fail_db(log, err);
}

static sqlite3_stmt *prepare(struct tlog *log, const char *sql)
{
	sqlite3_stmt *s = NULL;

	logdb_alive(&log->db);
	sqlite3_prepare_v2(log->db.db, sql, -1, &s, NULL);
	return s;
}

/* Each bind returns whether it worked, and accepts that prepare() did not. */
static bool bind_int(sqlite3_stmt *s, int i, int64_t value)
{
	return s && sqlite3_bind_int64(s, i, value) == SQLITE_OK;
}

static bool bind_blob(sqlite3_stmt *s, int i, const void *data, size_t len)
{
	return s && sqlite3_bind_blob64(s, i, data, len, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_text(sqlite3_stmt *s, int i, const void *text, size_t len)
{
	return s && sqlite3_bind_text64(s, i, text, len, SQLITE_STATIC,
					SQLITE_UTF8) == SQLITE_OK;
}

/* Run to the end what gives no rows, and drop it. */
static int finish(struct tlog *log, sqlite3_stmt *s, bool bound, struct rcpt_error *err)
{
	int rc = 0;

	if (!bound || sqlite3_step(s) != SQLITE_DONE)
		rc = fail_db(log, err);
	sqlite3_finalize(s);
	return rc;
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

	if (!log || !(log->dir = strdup(dir))) {
		tlog_close(log);
		return no_memory(err);
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

	if (sqlite3_column_int64(s, 0) != LOG_VERSION)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_STRUCTURE,
				 RCPT_NO_OFFSET, "log.db: unknown version");
	log->issuer = strdup((const char *)sqlite3_column_text(s, 1) ?: "");
	log->alg = sqlite3_column_int64(s, 2);
	log->key_len = sqlite3_column_bytes(s, 3);
	log->key = malloc(log->key_len + 1);
	if (!log->issuer || !log->key)
		return no_memory(err);
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
		rc = fail_db(log, err);
	sqlite3_finalize(s);
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
	rcpt_signer_free(&log->signer);
	free(log->dir);
	free(log->issuer);
	free(log->key);
	free(log);
}

static int write_key(const char *dir, const struct rcpt_signer *signer,
		     struct rcpt_error *err)
{
	struct rcpt_outfile out;
	char *path, *pem;
	size_t len;
	int rc;

	if (asprintf(&path, "%s/key.pem", dir) < 0)
		return no_memory(err);
	rc = rcpt_signer_pem(signer, &pem, &len, err);
	if (!rc) {
		rc = rcpt_outfile_open(path, 0600, &out, err);
		if (!rc)
			rc = rcpt_outfile_commit(&out, pem, len, err);
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

/* The key is in place before the transaction that makes it the log's. */
static int fill(struct tlog *log, const char *issuer,
		const struct rcpt_signer *signer, struct rcpt_error *err)
{
	int rc;

	if (has_schema(log))
		rc = rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_STRUCTURE,
			       RCPT_NO_OFFSET, "there is a log already");
	else
		rc = exec(log, schema, err);
	if (!rc)
		rc = insert_row(log, issuer, signer, err);
	if (!rc)
		rc = write_key(log->dir, signer, err);
	if (!rc)
		rc = exec(log, "COMMIT", err);
	if (rc)
		sqlite3_exec(log->db.db, "ROLLBACK", NULL, NULL, NULL);
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
	if (mkdir(dir, 0755) && errno != EEXIST)
		rc = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
			       RCPT_NO_OFFSET, "cannot make the folder: %s", strerror(errno));
	else
		rc = open_db(dir, LOGDB_CREATE, &log, err);
	if (!rc) {
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
		return no_memory(err);
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
		return no_memory(err);
	rc = rcpt_file_read(path, MAX_KEY_FILE, &pem, &len, err);
	free(path);
	if (rc)
		return rc;
	rc = rcpt_signer_load(pem, len, &log->signer, err);
	OPENSSL_cleanse(pem, len);
	free(pem);
	return rc ? rc : check_key(log, err);
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
 * issuers
 */

int tlog_trust(struct tlog *log, struct rcpt_span iss, EVP_PKEY *key,
	       struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "INSERT OR IGNORE INTO issuer VALUES (?, ?)");
	uint8_t *spki = NULL;
	int len = i2d_PUBKEY(key, &spki);
	int rc = finish(log, s, len > 0 && bind_text(s, 1, iss.data, iss.len) &&
			bind_blob(s, 2, spki, len), err);

	OPENSSL_free(spki);
	return rc;
}

/* Does the key of the current row verify the statement? */
static bool row_verifies(sqlite3_stmt *s, const struct rcpt_statement *stmt)
{
	const uint8_t *der = sqlite3_column_blob(s, 0);
	EVP_PKEY *key = d2i_PUBKEY(NULL, &der, sqlite3_column_bytes(s, 0));
	bool ok = key && !rcpt_statement_verify(stmt, key, NULL);

	EVP_PKEY_free(key);
	return ok;
}

int tlog_check_issuer(struct tlog *log, const struct rcpt_statement *stmt,
		      struct rcpt_error *err)
{
	struct rcpt_span iss = stmt->header.claims.iss;
	sqlite3_stmt *s = prepare(log, "SELECT key FROM issuer WHERE iss = ?");
	unsigned int known = 0;
	bool ok = false;
	int step = SQLITE_ERROR;

	if (bind_text(s, 1, iss.data ? (const void *)iss.data : "", iss.len))
		while (!ok && (step = sqlite3_step(s)) == SQLITE_ROW) {
			known++;
			ok = row_verifies(s, stmt);
		}
	sqlite3_finalize(s);
	if (ok)
		return 0;
	if (step != SQLITE_DONE)
		return fail_db(log, err);
	return known ? rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_ISSUER_SIGNATURE,
				 RCPT_NO_OFFSET, "not signed by a key that this log knows of its issuer") :
		       rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_ISSUER_KEY,
				 RCPT_NO_OFFSET, "this log knows no key of its issuer: name it once with --issuer-key");
}

/*
 * the tree
 */

static int get_node(struct tlog *log, unsigned int level, uint64_t pos,
		    uint8_t hash[32], struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT hash FROM node WHERE level = ? AND pos = ?");
	int rc = 0;

	if (bind_int(s, 1, level) && bind_int(s, 2, pos) &&
	    sqlite3_step(s) == SQLITE_ROW && sqlite3_column_bytes(s, 0) == 32)
		memcpy(hash, sqlite3_column_blob(s, 0), 32);
	else
		rc = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
			       RCPT_NO_OFFSET, "log.db: node %u.%llu is missing", level,
			       (unsigned long long)pos);
	sqlite3_finalize(s);
	return rc;
}

static int put_node(struct tlog *log, unsigned int level, uint64_t pos,
		    const uint8_t hash[32], struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "INSERT INTO node VALUES (?, ?, ?)");

	return finish(log, s, bind_int(s, 1, level) && bind_int(s, 2, pos) &&
		      bind_blob(s, 3, hash, 32), err);
}

/* Add leaf @pos and every subtree that it completes. */
static int grow(struct tlog *log, uint64_t pos, const uint8_t leaf[32],
		struct rcpt_error *err)
{
	uint8_t hash[32], left[32];
	unsigned int level = 0;
	int rc;

	memcpy(hash, leaf, 32);
	for (;; level++, pos >>= 1) {
		rc = put_node(log, level, pos, hash, err);
		if (rc || !(pos & 1))
			return rc;
		rc = get_node(log, level, pos - 1, left, err);
		if (rc)
			return rc;
		if (rcpt_node_hash(left, hash, hash))
			return no_memory(err);
	}
}

/* Largest power of two below @n, which is at least 2. */
static uint64_t split(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

/*
 * Hash of the leaves [lo, hi). Complete subtrees on the way down the right edge
 * are joined to the rest: at most one look-up a level.
 */
static int range_hash(struct tlog *log, uint64_t lo, uint64_t hi,
		      uint8_t out[32], struct rcpt_error *err)
{
	uint64_t n = hi - lo;
	uint8_t left[32], right[32];
	int rc;

	if (!(n & (n - 1)))
		return get_node(log, __builtin_ctzll(n), lo / n, out, err);
	rc = range_hash(log, lo, lo + split(n), left, err);
	if (!rc)
		rc = range_hash(log, lo + split(n), hi, right, err);
	if (!rc && rcpt_node_hash(left, right, out))
		rc = no_memory(err);
	return rc;
}

static void reverse(uint8_t (*path)[32], size_t n)
{
	uint8_t swap[32];
	size_t i;

	for (i = 0; i < n / 2; i++) {
		memcpy(swap, path[i], 32);
		memcpy(path[i], path[n - 1 - i], 32);
		memcpy(path[n - 1 - i], swap, 32);
	}
}

/* PATH(index, D[size]) of RFC 9162 2.1.3.1, gathered from the top. */
static int find_path(struct tlog *log, struct rcpt_entry_proof *proof,
		     struct rcpt_error *err)
{
	uint64_t lo = 0, hi = proof->size;
	int rc = 0;

	proof->npath = 0;
	while (!rc && hi - lo > 1) {
		uint64_t mid = lo + split(hi - lo);
		uint8_t *sibling = proof->path[proof->npath++];

		if (proof->index < mid) {
			rc = range_hash(log, mid, hi, sibling, err);
			hi = mid;
		} else {
			rc = range_hash(log, lo, mid, sibling, err);
			lo = mid;
		}
	}
	reverse(proof->path, proof->npath);
	return rc;
}

static int prove(struct tlog *log, struct rcpt_entry_proof *proof,
		 struct rcpt_error *err)
{
	uint8_t leaf[32];
	int rc = get_node(log, 0, proof->index, leaf, err);

	if (!rc)
		rc = find_path(log, proof, err);
	if (!rc && rcpt_rfc9162_root(leaf, proof->index, proof->size,
				     (const uint8_t (*)[32])proof->path,
				     proof->npath, proof->root))
		rc = no_memory(err);
	return rc;
}

/*
 * entries
 */

/* Number of entries, and of the one with @digest; @found tells if there is one. */
static int find_entry(struct tlog *log, const uint8_t digest[32],
		      struct rcpt_entry_proof *proof, bool *found,
		      struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT (SELECT ifnull(max(idx) + 1, 0) FROM entry),"
				       " (SELECT idx FROM entry WHERE digest = ?)");
	int rc = 0;

	if (bind_blob(s, 1, digest, 32) && sqlite3_step(s) == SQLITE_ROW) {
		proof->size = sqlite3_column_int64(s, 0);
		*found = sqlite3_column_type(s, 1) != SQLITE_NULL;
		proof->index = *found ? (uint64_t)sqlite3_column_int64(s, 1) : proof->size;
	} else {
		rc = fail_db(log, err);
	}
	sqlite3_finalize(s);
	return rc;
}

static int add_entry(struct tlog *log, const struct rcpt_statement *stmt,
		     uint64_t index, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "INSERT INTO entry VALUES (?, ?, ?, ?)");
	uint8_t leaf[32];
	int rc = finish(log, s, bind_int(s, 1, index) && bind_int(s, 2, time(NULL)) &&
			bind_blob(s, 3, stmt->digest, 32) &&
			bind_blob(s, 4, stmt->bytes, stmt->len), err);

	if (rc)
		return rc;
	if (rcpt_leaf_hash(stmt->digest, 32, leaf))
		return no_memory(err);
	return grow(log, index, leaf, err);
}

static int append(struct tlog *log, const struct rcpt_statement *stmt,
		  struct rcpt_entry_proof *proof, uint8_t **receipt, size_t *len,
		  struct rcpt_error *err)
{
	bool found = false;
	int rc = find_entry(log, stmt->digest, proof, &found, err);

	if (!rc && !found)
		rc = add_entry(log, stmt, proof->size++, err);
	if (!rc)
		rc = prove(log, proof, err);
	if (!rc)
		rc = rcpt_receipt_sign(log->issuer, time(NULL), proof, &log->signer,
				       receipt, len, err);
	return rc;
}

int tlog_append(struct tlog *log, const struct rcpt_statement *stmt,
		struct rcpt_entry_proof *proof, uint8_t **receipt, size_t *len,
		struct rcpt_error *err)
{
	const struct rcpt_claims *claims = &stmt->header.claims;
	int rc;

	*receipt = NULL;
	if (!stmt->header.has_claims || !claims->iss.len || !claims->sub.len)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_NO_CLAIMS,
				 RCPT_NO_OFFSET, "the statement lacks issuer or subject");
	rc = exec(log, "BEGIN IMMEDIATE", err);
	if (rc)
		return rc;
	rc = append(log, stmt, proof, receipt, len, err);
	if (!rc)
		rc = exec(log, "COMMIT", err);
	if (rc) {
		sqlite3_exec(log->db.db, "ROLLBACK", NULL, NULL, NULL);
		free(*receipt);
		*receipt = NULL;
	}
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
	return step == SQLITE_DONE ? logdb_unchanged(&log->db, err) : fail_db(log, err);
}
