// SPDX-License-Identifier: MIT
/*
 * Heads: the trees of a log that were signed. The last one says what the log must be.
 */
#include "tlog.h"

#include <string.h>

#include "merkle.h"

/* Steps of a clock that is being set right; the time of a receipt never goes back. */
#define CLOCK_STEP	10

/**
 * loghead_put() - remember a tree that was signed
 * @log: open, in a transaction
 * @head: what was signed
 * @receipt: with the signature
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int loghead_put(struct tlog *log, const struct log_head *head, struct rcpt_span receipt,
		struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)");

	return finish(log, s, bind_int(s, 1, head->size) && bind_int(s, 2, head->time) &&
		      bind_blob(s, 3, head->root, 32) &&
		      bind_blob(s, 4, receipt.data, receipt.len), err);
}

static int damaged(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			 "log.db: damaged: %s", what);
}

/* The signature is of the log's key, over this root, this size and this time. */
static int check_signature(struct tlog *log, const struct log_head *head,
			   struct rcpt_span receipt, struct rcpt_error *err)
{
	struct rcpt_key key = {
		.pkey = rcpt_key_from_spki(tlog_public_key(log)), .issuer = log->issuer,
	};
	struct rcpt_receipt r;
	int rc = -1;

	if (key.pkey && !rcpt_receipt_parse(receipt, &r, NULL)) {
		if (r.header.claims.has_iat && r.header.claims.iat == head->time &&
		    r.header.claims.has_size && r.header.claims.size == head->size)
			rc = rcpt_receipt_root_verify(&r, head->root, &key, NULL);
		rcpt_receipt_free(&r);
	}
	EVP_PKEY_free(key.pkey);
	return rc ? damaged(err, "the last tree is not signed by the key of this log") : 0;
}

/* @head: what the row says; all zero when there is none. */
static int read_row(struct tlog *log, sqlite3_stmt *s, bool signature, struct log_head *head,
		    struct rcpt_error *err)
{
	int step = s ? sqlite3_step(s) : SQLITE_ERROR;

	memset(head, 0, sizeof(*head));
	if (step == SQLITE_DONE)
		return 0;
	if (step != SQLITE_ROW)
		return tlog_fail(log, err);
	if (sqlite3_column_bytes(s, 2) != 32)
		return damaged(err, "a root is not 32 bytes");
	head->size = sqlite3_column_int64(s, 0);
	head->time = sqlite3_column_int64(s, 1);
	memcpy(head->root, sqlite3_column_blob(s, 2), 32);
	return !signature ? 0 :
	       check_signature(log, head, rcpt_span(sqlite3_column_blob(s, 3),
						    sqlite3_column_bytes(s, 3)), err);
}

/* The last statement is the one that its digest, and the tree, tell of. */
static int check_last_entry(struct tlog *log, uint64_t size, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT e.digest, e.statement, n.hash FROM entry e, node n"
				       " WHERE e.idx = ? AND n.level = 0 AND n.pos = e.idx");
	uint8_t digest[32], leaf[32];
	bool good = bind_int(s, 1, size - 1) && sqlite3_step(s) == SQLITE_ROW &&
		    sqlite3_column_bytes(s, 0) == 32 && sqlite3_column_bytes(s, 2) == 32 &&
		    !rcpt_sha256(sqlite3_column_blob(s, 1), sqlite3_column_bytes(s, 1), digest) &&
		    !memcmp(digest, sqlite3_column_blob(s, 0), 32) &&
		    !rcpt_leaf_hash(digest, 32, leaf) &&
		    !memcmp(leaf, sqlite3_column_blob(s, 2), 32);

	sqlite3_finalize(s);
	return good ? 0 : damaged(err, "the last entry is not the one in the tree");
}

/**
 * loghead_check() - is the log what was signed last?
 * @log: open, in a transaction
 * @signature: look at the signature, too
 * @head: result: the last one; all zero when nothing was signed yet
 * @err: filled in on failure
 *
 * A log of version 1 has no heads and is not checked.
 *
 * Return: 0, -RCPT_MALFORMED when it is not, or -RCPT_SYSTEM.
 */
int loghead_check(struct tlog *log, bool signature, struct log_head *head,
		  struct rcpt_error *err)
{
	sqlite3_stmt *s;
	uint8_t root[32];
	uint64_t size;
	int rc;

	memset(head, 0, sizeof(*head));
	if (log->version == 1)
		return 0;
	s = prepare(log, "SELECT size, time, root, receipt FROM head ORDER BY size DESC LIMIT 1");
	rc = read_row(log, s, signature, head, err);
	sqlite3_finalize(s);
	if (!rc)
		rc = tlog_size(log, &size, err);
	if (rc)
		return rc;
	if (size != head->size)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
				 "log.db: damaged: %llu entries, and a tree of %llu was signed last",
				 (unsigned long long)size, (unsigned long long)head->size);
	if (!size)
		return 0;
	rc = logtree_root(log, size, root, err);
	if (!rc && memcmp(root, head->root, 32))
		rc = damaged(err, "the tree is not the one that was signed last");
	return rc ? rc : check_last_entry(log, size, err);
}

/**
 * loghead_time() - the time of the next head
 * @head: the last one
 * @now: what the clock says; result: what the head says
 * @err: filled in on failure
 *
 * Return: 0, or -RCPT_INVALID when the clock was set back.
 */
int loghead_time(const struct log_head *head, int64_t *now, struct rcpt_error *err)
{
	if (*now >= head->time)
		return 0;
	if (head->time - *now > CLOCK_STEP)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_OLDER, RCPT_NO_OFFSET,
				 "the clock says %lld, %lld seconds before the last receipt: it was set back",
				 (long long)*now, (long long)(head->time - *now));
	*now = head->time;
	return 0;
}
