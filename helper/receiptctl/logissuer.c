// SPDX-License-Identifier: MIT
/*
 * Issuers of a log: by which key, root or DID it tells their statements. The operator
 * names each of them; what a statement says of itself is what is checked, and never
 * what makes a key known.
 */
#include "tlog.h"

#include <string.h>
#include <time.h>

#include <openssl/x509.h>

static bool same_name(struct rcpt_span a, struct rcpt_span b)
{
	return rcpt_span_equal(a, b.data, b.len);
}

static int fail_der(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			 "log.db: an issuer's key or root cannot be read");
}

/*
 * checking one statement with one of them
 */

static int verify_key(const struct rcpt_statement *stmt, struct rcpt_span der,
		      struct rcpt_error *err)
{
	EVP_PKEY *key = rcpt_key_from_spki(der);
	int rc = key ? rcpt_statement_verify(stmt, key, err) : fail_der(err);

	EVP_PKEY_free(key);
	return rc;
}

/* Certificates must be valid now, which is when the statement is recorded. */
static int verify_chain(const struct rcpt_statement *stmt, struct rcpt_span root,
			struct rcpt_error *err)
{
	struct rcpt_issuer_trust trust = { .ntimes = 1, .times = { time(NULL) } };
	int rc = root.len ? rcpt_roots_add(&trust.roots, root, err) : 0;

	if (!rc)
		rc = rcpt_issuer_verify(stmt, &trust, err);
	sk_X509_pop_free(trust.roots, X509_free);
	return rc;
}

static int verify(const struct rcpt_statement *stmt, const struct tlog_issuer_proof *proof,
		  struct rcpt_error *err)
{
	switch (proof->kind) {
	case TLOG_KEY:
		return verify_key(stmt, proof->der, err);
	case TLOG_ROOT:
		if (proof->der.len)
			return verify_chain(stmt, proof->der, err);
		break;
	case TLOG_DID:
		if (rcpt_is_did_x509(stmt->header.claims.iss))
			return verify_chain(stmt, proof->der, err);
		break;
	}
	return fail_der(err);
}

/*
 * those that the log knows
 */

static struct tlog_issuer_proof proof_of_row(sqlite3_stmt *s, int column)
{
	return (struct tlog_issuer_proof){
		.kind = sqlite3_column_int(s, column),
		.der = rcpt_span(sqlite3_column_blob(s, column + 1),
				 sqlite3_column_bytes(s, column + 1)),
	};
}

/* @good: one of them verifies the statement; @known: how many there are of its issuer. */
static int try_known(struct tlog *log, const struct rcpt_statement *stmt, bool *good,
		     unsigned int *known, struct rcpt_error *err)
{
	struct rcpt_span iss = stmt->header.claims.iss;
	sqlite3_stmt *s = prepare(log, "SELECT kind, key FROM issuer WHERE iss = ?");
	int step = SQLITE_ERROR, rc = 0;

	*good = false;
	*known = 0;
	if (bind_text(s, 1, iss.data, iss.len))
		while (!*good && (step = sqlite3_step(s)) == SQLITE_ROW) {
			struct tlog_issuer_proof proof = proof_of_row(s, 0);

			++*known;
			*good = !verify(stmt, &proof, NULL);
		}
	if (!*good && step != SQLITE_DONE)
		rc = tlog_fail(log, err);
	sqlite3_finalize(s);
	return rc;
}

static int count_known(struct tlog *log, struct rcpt_span name,
		       const struct tlog_issuer_proof *proof, unsigned int *all, bool *there,
		       struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT count(*), ifnull(sum(key = ?2 AND kind = ?3), 0)"
				       " FROM issuer WHERE iss = ?1");
	int rc = 0;

	if (bind_text(s, 1, name.data, name.len) &&
	    bind_blob(s, 2, proof->der.data, proof->der.len) &&
	    bind_int(s, 3, proof->kind) && sqlite3_step(s) == SQLITE_ROW) {
		*all = sqlite3_column_int(s, 0);
		*there = sqlite3_column_int(s, 1);
	} else {
		rc = tlog_fail(log, err);
	}
	sqlite3_finalize(s);
	return rc;
}

/* A key that was taken from a statement's own words is named by the operator now. */
static int confirm(struct tlog *log, const struct tlog_vouch *vouch, struct rcpt_error *err)
{
	const struct tlog_issuer_proof *proof = &vouch->proof;
	sqlite3_stmt *s = prepare(log, "UPDATE issuer SET added = ? WHERE iss = ? AND key = ?"
				       " AND kind = ? AND added = 0");

	return finish(log, s, bind_int(s, 1, time(NULL)) &&
		      bind_text(s, 2, vouch->name.data, vouch->name.len) &&
		      bind_blob(s, 3, proof->der.data, proof->der.len) &&
		      bind_int(s, 4, proof->kind), err);
}

static int fail_second(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_UNKNOWN_KEY, RCPT_NO_OFFSET,
			 "the log knows another key or root of this issuer: --another adds one");
}

int tlog_issuer_may_add(struct tlog *log, const struct tlog_vouch *vouch,
			struct rcpt_error *err)
{
	unsigned int all = 0;
	bool there = false;
	int rc = log->version == 1 ? 0 :
		 count_known(log, vouch->name, &vouch->proof, &all, &there, err);

	return rc || there || !all || vouch->another ? rc : fail_second(err);
}

static int remember(struct tlog *log, const struct tlog_vouch *vouch, struct rcpt_error *err)
{
	const struct tlog_issuer_proof *proof = &vouch->proof;
	unsigned int all = 0;
	bool there = false;
	int rc = count_known(log, vouch->name, proof, &all, &there, err);
	sqlite3_stmt *s;

	if (rc || there)
		return rc ? rc : confirm(log, vouch, err);
	if (all && !vouch->another)
		return fail_second(err);
	s = prepare(log, "INSERT OR REPLACE INTO issuer VALUES (?, ?, ?, ?)");
	return finish(log, s, bind_text(s, 1, vouch->name.data, vouch->name.len) &&
		      bind_blob(s, 2, proof->der.data, proof->der.len) &&
		      bind_int(s, 3, proof->kind) && bind_int(s, 4, time(NULL)), err);
}

static int check_given(struct tlog *log, const struct rcpt_statement *stmt,
		       const struct tlog_vouch *vouch, struct rcpt_error *err)
{
	unsigned int known;
	bool good;
	int rc = verify(stmt, &vouch->proof, err);

	if (!rc)
		rc = try_known(log, stmt, &good, &known, err);
	if (rc)
		return rc;
	return good ? confirm(log, vouch, err) : remember(log, vouch, err);
}

/**
 * logissuer_check() - may this statement be recorded?
 * @log: open, in a transaction, with which a new key stays or goes
 * @stmt: the statement
 * @vouch: what the operator says of its issuer, or NULL
 * @err: filled in on failure
 *
 * Return: 0; -RCPT_INVALID when the statement is of another issuer than the operator
 * names, is not signed as its issuer signs, or the key would be a second one;
 * -RCPT_CANNOT_EVALUATE when nothing is known of its issuer; -RCPT_SYSTEM.
 */
int logissuer_check(struct tlog *log, const struct rcpt_statement *stmt,
		    const struct tlog_vouch *vouch, struct rcpt_error *err)
{
	unsigned int known;
	bool good;
	int rc;

	if (vouch && !same_name(vouch->name, stmt->header.claims.iss))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_ISSUER_SIGNATURE,
				 RCPT_NO_OFFSET, "the statement is of another issuer than --issuer names");
	if (vouch && vouch->proves)
		return check_given(log, stmt, vouch, err);
	rc = try_known(log, stmt, &good, &known, err);
	if (rc || good)
		return rc;
	return known ? rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_ISSUER_SIGNATURE,
				 RCPT_NO_OFFSET, "not signed by a key that this log knows of its issuer") :
		       rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_ISSUER_KEY,
				 RCPT_NO_OFFSET, "this log knows no key of its issuer: \"receiptctl log issuer add\"");
}

/*
 * changing and listing them
 */

int tlog_issuer_add(struct tlog *log, const struct tlog_vouch *vouch, struct rcpt_error *err)
{
	struct log_head head;
	int rc = tlog_begin(log, &head, err);

	return rc ? rc : tlog_end(log, remember(log, vouch, err), err);
}

static int forget(struct tlog *log, struct rcpt_span name, struct rcpt_span der,
		  struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "DELETE FROM issuer WHERE iss = ? AND key = ?");
	int rc = finish(log, s, bind_text(s, 1, name.data, name.len) &&
			bind_blob(s, 2, der.data, der.len), err);

	if (rc || sqlite3_changes(log->db.db))
		return rc;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_UNKNOWN_KEY, RCPT_NO_OFFSET,
			 "the log does not know this of the issuer");
}

int tlog_issuer_forget(struct tlog *log, struct rcpt_span name, struct rcpt_span der,
		       struct rcpt_error *err)
{
	struct log_head head;
	int rc = tlog_begin(log, &head, err);

	return rc ? rc : tlog_end(log, forget(log, name, der, err), err);
}

int tlog_each_issuer(struct tlog *log, tlog_issuer_fn fn, void *arg, struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, log->version == 1 ?
		"SELECT iss, 0, key, 0 FROM issuer ORDER BY iss, key" :
		"SELECT iss, kind, key, added FROM issuer ORDER BY iss, added, key");
	int step = SQLITE_ERROR;
	int told = 0;

	while (s && !told && (step = sqlite3_step(s)) == SQLITE_ROW) {
		struct tlog_known known = {
			.name = rcpt_span(sqlite3_column_text(s, 0), sqlite3_column_bytes(s, 0)),
			.proof = proof_of_row(s, 1),
			.added = sqlite3_column_int64(s, 3),
		};

		told = fn(&known, arg);
	}
	sqlite3_finalize(s);
	if (told)
		return told;
	return step == SQLITE_DONE ? 0 : tlog_fail(log, err);
}
