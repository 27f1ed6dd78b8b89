// SPDX-License-Identifier: MIT
/*
 * Signed statements (RFC 9943) and the receipts they carry.
 */
#include <stdlib.h>
#include <string.h>

#include "receipt.h"
#include "writer.h"

static int read_receipts(struct rcpt_reader *r, struct rcpt_statement *out)
{
	uint64_t count, i;

	if (rcpt_read_array(r, &count, "receipts"))
		return r->failed;
	if (count > RECEIPT_MAX_RECEIPTS)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, r->in.offset + r->pos,
					"over %d receipts", RECEIPT_MAX_RECEIPTS);
	for (i = 0; i < count; i++)
		if (rcpt_read_bytes(r, &out->receipts[i], "receipt"))
			return r->failed;
	out->nreceipts = count;
	return 0;
}

static int read_unprotected(struct rcpt_statement *out, struct rcpt_error *err)
{
	struct rcpt_span receipts = rcpt_sign1_unprotected(&out->sign1, RCPT_LABEL_RECEIPTS);
	struct rcpt_reader r;

	rcpt_reader_init(&r, receipts, err);
	return receipts.data ? read_receipts(&r, out) : 0;
}

/* What a log sees: the unprotected header emptied, all else as sent. */
static int make_bytes(struct rcpt_statement *out, struct rcpt_error *err)
{
	const struct rcpt_sign1 *s = &out->sign1;
	struct rcpt_writer w = { 0 };

	rcpt_write_head(&w, RCPT_TAG, 18);
	rcpt_write_head(&w, RCPT_ARRAY, 4);
	rcpt_write_bytes(&w, s->protected.data, s->protected.len);
	rcpt_write_head(&w, RCPT_MAP, 0);
	if (out->detached)
		rcpt_write_head(&w, RCPT_SIMPLE, RCPT_NULL);
	else
		rcpt_write_bytes(&w, s->payload.data, s->payload.len);
	rcpt_write_bytes(&w, s->signature.data, s->signature.len);
	if (rcpt_writer_take(&w, &out->bytes, &out->len, err))
		return -RCPT_SYSTEM;
	if (rcpt_sha256(out->bytes, out->len, out->digest))
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "cannot hash");
	return 0;
}

/* A payload that was left out is @detached; without that nothing can be said of it. */
static int check_payload(struct rcpt_span in, struct rcpt_span detached,
			 struct rcpt_statement *out, struct rcpt_error *err)
{
	struct rcpt_span *payload = &out->sign1.payload;

	out->detached = !payload->data;
	if (out->detached)
		*payload = detached;
	if (!payload->data)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_UNVERIFIABLE,
				 in.offset, "the payload is detached");
	if (!payload->len)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
				 in.offset, "statement has no payload");
	return 0;
}

static int parse(struct rcpt_span in, struct rcpt_span detached,
		 struct rcpt_statement *out, struct rcpt_error *err)
{
	int ret;

	if (in.len > RCPT_MAX_STATEMENT)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, in.offset,
				 "statement is over %u bytes", RCPT_MAX_STATEMENT);
	ret = rcpt_sign1_parse(in, &out->sign1, err);
	if (!ret)
		ret = check_payload(in, detached, out, err);
	if (!ret)
		ret = rcpt_tokenise(out->sign1.protected, &out->tokens, err);
	if (!ret)
		ret = rcpt_header_parse(out->sign1.protected, &out->header, err);
	if (!ret)
		ret = read_unprotected(out, err);
	return ret ? ret : make_bytes(out, err);
}

/**
 * rcpt_statement_parse() - take a statement apart
 * @in: exactly it
 * @out: result, points into @in; for rcpt_statement_free(), empty on failure
 * @err: what went wrong
 *
 * Claims need not be there, a critical label need not be known: see
 * rcpt_header_crit(). The receipts are not looked into.
 *
 * Return: 0; -RCPT_MALFORMED; -RCPT_CANNOT_EVALUATE when the payload is detached;
 * -RCPT_SYSTEM without memory.
 */
int rcpt_statement_parse(struct rcpt_span in, struct rcpt_statement *out,
			 struct rcpt_error *err)
{
	return rcpt_statement_parse_with(in, rcpt_span(NULL, 0), out, err);
}

/**
 * rcpt_statement_parse_with() - take a statement apart, whose payload may be elsewhere
 * @in: exactly it
 * @detached: its payload when @in has none; data may be NULL
 * @out: result, points into @in and @detached; for rcpt_statement_free(), empty on
 *	failure
 * @err: what went wrong
 *
 * Return: as rcpt_statement_parse(); -RCPT_CANNOT_EVALUATE only without @detached.
 */
int rcpt_statement_parse_with(struct rcpt_span in, struct rcpt_span detached,
			      struct rcpt_statement *out, struct rcpt_error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = parse(in, detached, out, err);
	if (ret)
		rcpt_statement_free(out);
	return ret;
}

/**
 * rcpt_statement_free() - free and empty
 * @stmt: as filled by rcpt_statement_parse(), or all zero
 */
void rcpt_statement_free(struct rcpt_statement *stmt)
{
	rcpt_tokens_free(&stmt->tokens);
	free(stmt->bytes);
	memset(stmt, 0, sizeof(*stmt));
}

/**
 * rcpt_statement_is_manifest() - whether the payload is the root of a manifest
 * @stmt: statement
 *
 * Return: whether its content type says so.
 */
bool rcpt_statement_is_manifest(const struct rcpt_statement *stmt)
{
	return rcpt_span_equal(stmt->header.content_type, RCPT_TYPE_MANIFEST_ROOT,
			       strlen(RCPT_TYPE_MANIFEST_ROOT));
}

/**
 * rcpt_statement_verify() - check a statement's signature with one key
 * @stmt: statement
 * @key: public key
 * @err: what went wrong
 *
 * Return: 0; -RCPT_INVALID when the signature is wrong; -RCPT_CANNOT_EVALUATE
 * when the algorithm is not supported or not one for the key; -RCPT_SYSTEM.
 */
int rcpt_statement_verify(const struct rcpt_statement *stmt, EVP_PKEY *key,
			  struct rcpt_error *err)
{
	int ret = rcpt_sign1_verify(&stmt->sign1, stmt->sign1.payload, stmt->header.alg,
				    key, err);

	if (ret == -RCPT_INVALID && err) {
		err->reason = RECEIPT_REASON_ISSUER_SIGNATURE;
		snprintf(err->text, sizeof(err->text), "the issuer's signature is wrong");
	}
	return ret;
}
