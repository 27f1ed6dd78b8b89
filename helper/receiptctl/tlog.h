/* SPDX-License-Identifier: MIT */
/*
 * The inside of a log, sectioned by file: for the files of log.h alone.
 */
#ifndef TLOG_H
#define TLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "logdb.h"

#define LOG_VERSION	2	/* 1: without heads, without kinds of issuers */

/**
 * struct tlog - an open log
 * @db: the database
 * @dir: folder
 * @version: of the database; 1 becomes LOG_VERSION when it is written to
 * @issuer: name
 * @alg: signature algorithm
 * @key: public key, DER
 * @key_len: its length
 * @signer: private key; pkey is NULL until it is loaded
 * @lock: held while the log is written to, else -1
 */
struct tlog {
	struct logdb db;
	char *dir;
	int64_t version;
	char *issuer;
	int64_t alg;
	uint8_t *key;
	size_t key_len;
	struct rcpt_signer signer;
	int lock;
};

/**
 * struct log_head - a tree that was signed
 * @size: its leaves
 * @time: when, seconds since 1970
 * @root: of the tree
 */
struct log_head {
	uint64_t size;
	int64_t time;
	uint8_t root[32];
};

/*
 * statements of SQL
 */

int tlog_fail(struct tlog *log, struct rcpt_error *err);

static inline int exec(struct tlog *log, const char *sql, struct rcpt_error *err)
{
	return sqlite3_exec(log->db.db, sql, NULL, NULL, NULL) == SQLITE_OK ?
	       0 : tlog_fail(log, err);
}

static inline sqlite3_stmt *prepare(struct tlog *log, const char *sql)
{
	sqlite3_stmt *s = NULL;

	logdb_alive(&log->db);
	sqlite3_prepare_v2(log->db.db, sql, -1, &s, NULL);
	return s;
}

/* Each bind returns whether it worked, and accepts that prepare() did not. */
static inline bool bind_int(sqlite3_stmt *s, int i, int64_t value)
{
	return s && sqlite3_bind_int64(s, i, value) == SQLITE_OK;
}

static inline bool bind_blob(sqlite3_stmt *s, int i, const void *data, size_t len)
{
	return s && sqlite3_bind_blob64(s, i, len ? data : "", len, SQLITE_STATIC) == SQLITE_OK;
}

static inline bool bind_text(sqlite3_stmt *s, int i, const void *text, size_t len)
{
	return s && sqlite3_bind_text64(s, i, len ? text : "", len, SQLITE_STATIC,
					SQLITE_UTF8) == SQLITE_OK;
}

/* Run to the end what gives no rows, and drop it. */
static inline int finish(struct tlog *log, sqlite3_stmt *s, bool bound, struct rcpt_error *err)
{
	int rc = 0;

	if (!bound || sqlite3_step(s) != SQLITE_DONE)
		rc = tlog_fail(log, err);
	sqlite3_finalize(s);
	return rc;
}

/* log.c */
int tlog_begin(struct tlog *log, struct log_head *head, struct rcpt_error *err);
int tlog_end(struct tlog *log, int rc, struct rcpt_error *err);

/* logtree.c */
int logtree_add(struct tlog *log, uint64_t pos, const uint8_t leaf[32],
		struct rcpt_error *err);
int logtree_root(struct tlog *log, uint64_t size, uint8_t root[32], struct rcpt_error *err);
int logtree_prove(struct tlog *log, struct rcpt_entry_proof *proof, struct rcpt_error *err);

/* loghead.c */
int loghead_put(struct tlog *log, const struct log_head *head, struct rcpt_span receipt,
		struct rcpt_error *err);
int loghead_check(struct tlog *log, bool signature, struct log_head *head,
		  struct rcpt_error *err);
int loghead_time(const struct log_head *head, int64_t *now, struct rcpt_error *err);

/* logguard.c */
int logguard_check(struct tlog *log, bool place, struct rcpt_error *err);
int logguard_write(struct tlog *log, struct rcpt_error *err);

/* logissuer.c */
int logissuer_check(struct tlog *log, const struct rcpt_statement *stmt,
		    const struct tlog_vouch *vouch, struct rcpt_error *err);

#endif /* TLOG_H */
