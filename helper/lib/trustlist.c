// SPDX-License-Identifier: MIT
/*
 * Transparency trust lists: a statement whose payload lists ledgers and their keys.
 *
 *	application/vnd.transparency-trust-list.v1+cose	{ issuer => { 1 => COSE_KeySet } }
 *	application/vnd.transparency-trust-list+cose	{ issuer => COSE_KeySet }
 */
#include <stdlib.h>
#include <string.h>

#include "receipt.h"

#define TYPE_V1		"application/vnd.transparency-trust-list.v1+cose"
#define TYPE_V0		"application/vnd.transparency-trust-list+cose"
#define LEDGER_KEYS	1

static bool has_type(const struct rcpt_statement *stmt, const char *type)
{
	return rcpt_span_equal(stmt->header.content_type, type, strlen(type));
}

/**
 * rcpt_statement_is_trust_list() - whether the payload lists ledgers
 * @stmt: statement
 *
 * Return: whether its content type says so.
 */
bool rcpt_statement_is_trust_list(const struct rcpt_statement *stmt)
{
	return has_type(stmt, TYPE_V1) || has_type(stmt, TYPE_V0);
}

/* { 1 => COSE_KeySet }; other labels of a ledger are passed over. */
static int read_ledger(struct rcpt_reader *r, const struct rcpt_key_source *source,
		       struct rcpt_keys *keys)
{
	struct rcpt_head key;
	uint64_t count;

	if (rcpt_read_map(r, &count, "ledger"))
		return r->failed;
	for (; count; count--) {
		if (rcpt_read(r, &key))
			return r->failed;
		if (key.major == RCPT_UINT && key.arg == LEDGER_KEYS ?
		    rcpt_keys_read_set(keys, r, source) : rcpt_skip(r, NULL))
			return r->failed;
	}
	return 0;
}

static int read_entry(struct rcpt_reader *r, bool v1, struct rcpt_keys *keys)
{
	struct rcpt_key_source source = { 0 };
	struct rcpt_span issuer;
	char *name;

	if (rcpt_read_text(r, &issuer, "ledger's name"))
		return r->failed;
	if (!issuer.len || issuer.len > RECEIPT_MAX_CLAIM || memchr(issuer.data, 0, issuer.len))
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, issuer.offset,
					"ledger's name: 1 to %d bytes without zero expected",
					RECEIPT_MAX_CLAIM);
	name = strndup((const char *)issuer.data, issuer.len);
	source.issuer = name;
	if (!name)
		r->failed = rcpt_fail(r->err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				      RCPT_NO_OFFSET, "no memory");
	else if (v1)
		read_ledger(r, &source, keys);
	else
		rcpt_keys_read_set(keys, r, &source);
	free(name);
	return r->failed;
}

/**
 * rcpt_trust_list_read() - read the keys of a trust list
 * @stmt: statement; whether it is to be believed, the caller finds out
 * @keys: set; the keys are added, each of its ledger alone
 * @err: what went wrong
 *
 * Keys of unknown kinds are passed over.
 *
 * Return: 0; -RCPT_CANNOT_EVALUATE when it is no trust list; -RCPT_MALFORMED;
 * -RCPT_SYSTEM.
 */
int rcpt_trust_list_read(const struct rcpt_statement *stmt, struct rcpt_keys *keys,
			 struct rcpt_error *err)
{
	struct rcpt_reader r;
	uint64_t count;

	if (!rcpt_statement_is_trust_list(stmt))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_CONTENT_TYPE,
				 stmt->header.content_type.offset,
				 "the statement is no transparency trust list");
	rcpt_reader_init(&r, stmt->sign1.payload, err);
	if (rcpt_read_map(&r, &count, "trust list"))
		return r.failed;
	for (; count; count--)
		if (read_entry(&r, has_type(stmt, TYPE_V1), keys))
			return r.failed;
	return rcpt_read_end(&r);
}
