// SPDX-License-Identifier: MIT
/*
 * COSE_Sign1 (RFC 9052): the envelope of statements and receipts, and the
 * labels of its protected header.
 */
#include <stdlib.h>
#include <string.h>

#include "receipt.h"

#define TAG_SIGN1	18
#define TAG_EPOCH	1

static int sign1_fields(struct rcpt_reader *r, struct rcpt_sign1 *out)
{
	struct rcpt_head head;

	if (rcpt_read_bytes(r, &out->protected, "protected header"))
		return r->failed;
	if (rcpt_skip(r, &out->unprotected))
		return r->failed;
	if (out->unprotected.data[0] >> 5 != RCPT_MAP)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE,
					out->unprotected.offset,
					"unprotected header: map expected");
	if (rcpt_read(r, &head))
		return r->failed;
	if (head.major == RCPT_BYTES)
		out->payload = head.string;
	else if (head.major != RCPT_SIMPLE || head.arg != RCPT_NULL)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
					"payload: byte string or nil expected");
	return rcpt_read_bytes(r, &out->signature, "signature");
}

static int sign1_bounds(struct rcpt_reader *r, const struct rcpt_sign1 *s)
{
	if (!s->protected.len)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE,
					s->protected.offset,
					"protected header is empty");
	if (!s->signature.len)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, s->signature.offset,
					"signature is empty");
	if (s->signature.len > RECEIPT_MAX_SIGNATURE)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, s->signature.offset,
					"signature is over %d bytes",
					RECEIPT_MAX_SIGNATURE);
	return 0;
}

/**
 * rcpt_sign1_parse() - take a COSE_Sign1 apart
 * @in: exactly it, with tag 18
 * @out: result, points into @in
 * @err: what went wrong
 *
 * The content of the protected header is not looked at.
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_sign1_parse(struct rcpt_span in, struct rcpt_sign1 *out,
		     struct rcpt_error *err)
{
	struct rcpt_reader r;
	struct rcpt_head head;
	uint64_t count;

	memset(out, 0, sizeof(*out));
	rcpt_reader_init(&r, in, err);
	if (rcpt_read(&r, &head))
		return r.failed;
	if (head.major != RCPT_TAG || head.arg != TAG_SIGN1)
		return rcpt_reader_fail(&r, RECEIPT_REASON_STRUCTURE, head.offset,
					"no bundle, statement or receipt: COSE_Sign1 (tag 18) expected");
	if (rcpt_read_array(&r, &count, "COSE_Sign1"))
		return r.failed;
	if (count != 4)
		return rcpt_reader_fail(&r, RECEIPT_REASON_STRUCTURE, head.offset + 1,
					"COSE_Sign1: 4 elements expected");
	if (sign1_fields(&r, out) || rcpt_read_end(&r) || sign1_bounds(&r, out))
		return r.failed;
	out->whole = in;
	return 0;
}

static int read_alg(struct rcpt_reader *r, struct rcpt_header *out)
{
	struct rcpt_head head;

	if (rcpt_read(r, &head))
		return r->failed;
	out->has_alg = true;
	if (head.major == RCPT_TEXT)
		out->alg_text = head.string;
	if (head.major == RCPT_TEXT || rcpt_head_int(&head, &out->alg))
		return 0;
	return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
				"alg: integer or text expected");
}

static int read_crit(struct rcpt_reader *r, struct rcpt_header *out)
{
	struct rcpt_head head;
	uint64_t count;

	if (rcpt_read_array(r, &count, "crit"))
		return r->failed;
	if (!count || count > RECEIPT_MAX_CRIT)
		return rcpt_reader_fail(r, count ? RECEIPT_REASON_BOUND :
					RECEIPT_REASON_STRUCTURE, r->in.offset + r->pos,
					"crit: 1 to %d labels expected", RECEIPT_MAX_CRIT);
	for (out->ncrit = 0; out->ncrit < count; out->ncrit++) {
		struct rcpt_label *label = &out->crit[out->ncrit];

		if (rcpt_read(r, &head))
			return r->failed;
		if (head.major == RCPT_TEXT)
			label->text = head.string;
		else if (!rcpt_head_int(&head, &label->num))
			return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE,
						head.offset, "crit: label expected");
	}
	return 0;
}

/* What stands in a field that is a text or an unsigned integer. */
static int read_type(struct rcpt_reader *r, struct rcpt_span *text, bool *has_format,
		     uint64_t *format, const char *what)
{
	struct rcpt_head head;

	if (rcpt_read(r, &head))
		return r->failed;
	*has_format = head.major == RCPT_UINT;
	*format = *has_format ? head.arg : 0;
	*text = head.string;
	if (head.major == RCPT_UINT || head.major == RCPT_TEXT)
		return 0;
	return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
				"%s: text or unsigned integer expected", what);
}

static int read_chain(struct rcpt_reader *r, struct rcpt_header *out)
{
	struct rcpt_head head;
	uint64_t i;

	if (rcpt_read(r, &head))
		return r->failed;
	if (head.major == RCPT_BYTES) {
		out->chain[0] = head.string;
		out->nchain = 1;
		return 0;
	}
	if (head.major != RCPT_ARRAY || !head.arg)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
					"x5chain: certificates expected");
	if (head.arg > RCPT_MAX_CHAIN)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, head.offset,
					"x5chain: over %d certificates",
					RCPT_MAX_CHAIN);
	for (i = 0; i < head.arg; i++)
		if (rcpt_read_bytes(r, &out->chain[i], "x5chain"))
			return r->failed;
	out->nchain = head.arg;
	return 0;
}

static int read_x5t(struct rcpt_reader *r, struct rcpt_header *out)
{
	struct rcpt_head head;
	uint64_t count;

	if (rcpt_read_array(r, &count, "x5t"))
		return r->failed;
	if (count != 2)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE,
					r->in.offset + r->pos,
					"x5t: algorithm and digest expected");
	if (rcpt_read(r, &head))
		return r->failed;
	if (head.major == RCPT_TEXT)
		out->x5t_alg_text = head.string;
	else if (!rcpt_head_int(&head, &out->x5t_alg))
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
					"x5t: integer or text expected");
	return rcpt_read_bytes(r, &out->x5t, "x5t");
}

/* Seconds, plain as receipts write it or tag 1 as statements do. */
static int read_iat(struct rcpt_reader *r, struct rcpt_claims *out)
{
	struct rcpt_head head;

	if (rcpt_read(r, &head))
		return r->failed;
	if (head.major == RCPT_TAG && head.arg == TAG_EPOCH && rcpt_read(r, &head))
		return r->failed;
	out->has_iat = rcpt_head_int(&head, &out->iat);
	if (!out->has_iat)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
					"iat: integer, plain or under tag 1, expected");
	return 0;
}

static int read_claim_text(struct rcpt_reader *r, struct rcpt_span *out,
			   const char *what)
{
	if (rcpt_read_text(r, out, what))
		return r->failed;
	if (out->len > RECEIPT_MAX_CLAIM)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, out->offset,
					"%s: over %d bytes", what, RECEIPT_MAX_CLAIM);
	if (out->len && memchr(out->data, 0, out->len))
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, out->offset,
					"%s: holds a zero byte", what);
	return 0;
}

static int read_svn(struct rcpt_reader *r, struct rcpt_claims *out)
{
	int64_t svn;

	if (rcpt_read_int(r, &svn, "svn"))
		return r->failed;
	if (svn < 0)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE,
					r->in.offset + r->pos, "svn: negative");
	out->has_svn = true;
	out->svn = svn;
	return 0;
}

/* Statements may call anything "size": what is no number is never an error here. */
static int read_size(struct rcpt_reader *r, struct rcpt_claims *out)
{
	struct rcpt_head head;

	if (rcpt_read(r, &head))
		return r->failed;
	out->has_size = true;
	out->size = head.major == RCPT_UINT ? head.arg : 0;
	return rcpt_skip_value(r, &head);
}

/* A key of the header or of the claims: a number or a text. */
static int read_key(struct rcpt_reader *r, struct rcpt_head *key)
{
	int64_t num;

	if (rcpt_read(r, key) || key->major == RCPT_TEXT || rcpt_head_int(key, &num))
		return r->failed;
	return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, key->offset,
				"label is neither a number nor a text");
}

static int read_claim(struct rcpt_reader *r, const struct rcpt_head *key,
		      struct rcpt_claims *out)
{
	if (key->major == RCPT_TEXT && rcpt_span_equal(key->string, "svn", 3))
		return read_svn(r, out);
	if (key->major == RCPT_TEXT && rcpt_span_equal(key->string, "size", 4))
		return read_size(r, out);
	if (key->major == RCPT_UINT && key->arg == 1)
		return read_claim_text(r, &out->iss, "iss");
	if (key->major == RCPT_UINT && key->arg == 2)
		return read_claim_text(r, &out->sub, "sub");
	if (key->major == RCPT_UINT && key->arg == 6)
		return read_iat(r, out);
	return rcpt_skip(r, NULL);
}

static int read_claims(struct rcpt_reader *r, struct rcpt_header *out)
{
	struct rcpt_span *raw = &out->claims.raw;
	struct rcpt_head key;
	uint64_t count;

	out->has_claims = true;
	*raw = (struct rcpt_span){ r->in.data + r->pos, 0, r->in.offset + r->pos };
	if (rcpt_read_map(r, &count, "CWT claims"))
		return r->failed;
	for (; count; count--)
		if (read_key(r, &key) || read_claim(r, &key, &out->claims))
			return r->failed;
	raw->len = r->in.data + r->pos - raw->data;
	return 0;
}

/* Shown to people, needed by nobody: whatever a log writes there, no harm is done. */
static int read_ccf(struct rcpt_reader *r, struct rcpt_header *out)
{
	struct rcpt_head head, key;
	uint64_t count;

	if (rcpt_read(r, &head))
		return r->failed;
	if (head.major != RCPT_MAP)
		return rcpt_skip_value(r, &head);
	for (count = head.arg; count; count--) {
		if (rcpt_read(r, &key) || rcpt_read(r, &head))
			return r->failed;
		if (key.major == RCPT_TEXT && rcpt_span_equal(key.string, "txid", 4) &&
		    head.major == RCPT_TEXT)
			out->txid = head.string;
		if (rcpt_skip_value(r, &head))
			return r->failed;
	}
	return 0;
}

static int read_label(struct rcpt_reader *r, const struct rcpt_head *key,
		      struct rcpt_header *out)
{
	if (key->major == RCPT_TEXT && rcpt_span_equal(key->string, "ccf.v1", 6))
		return read_ccf(r, out);
	switch (key->major == RCPT_UINT ? key->arg : 0) {
	case RCPT_LABEL_ALG:
		return read_alg(r, out);
	case RCPT_LABEL_CRIT:
		return read_crit(r, out);
	case RCPT_LABEL_CONTENT_TYPE:
		return read_type(r, &out->content_type, &out->has_content_format,
				 &out->content_format, "content type");
	case RCPT_LABEL_KID:
		return rcpt_read_bytes(r, &out->kid, "kid");
	case RCPT_LABEL_CLAIMS:
		return read_claims(r, out);
	case RCPT_LABEL_X5CHAIN:
		return read_chain(r, out);
	case RCPT_LABEL_X5T:
		return read_x5t(r, out);
	case RCPT_LABEL_HASH_ALG:
		out->has_hash_alg = true;
		return rcpt_read_int(r, &out->hash_alg, "payload hash algorithm");
	case RCPT_LABEL_PREIMAGE_TYPE:
		return read_type(r, &out->preimage_type, &out->has_preimage_format,
				 &out->preimage_format, "preimage content type");
	case RCPT_LABEL_LOCATION:
		return rcpt_read_text(r, &out->location, "payload location");
	case RCPT_LABEL_VDS:
		out->has_vds = true;
		return rcpt_read_int(r, &out->vds, "vds");
	default:
		return rcpt_skip(r, NULL);
	}
}

static bool label_is(const struct rcpt_label *label, const struct rcpt_head *key)
{
	int64_t num;

	if (label->text.data)
		return key->major == RCPT_TEXT &&
		       rcpt_span_equal(key->string, label->text.data, label->text.len);
	return rcpt_head_int(key, &num) && num == label->num;
}

/* The value of a label in a map that was read before; absent when it is not there. */
static struct rcpt_span find_label(struct rcpt_span map, const struct rcpt_label *label)
{
	struct rcpt_span value = { 0 };
	struct rcpt_reader r;
	struct rcpt_head key;
	uint64_t count;
	bool found = false;

	rcpt_reader_init(&r, map, NULL);
	for (rcpt_read_map(&r, &count, ""); count && !r.failed && !found; count--) {
		found = !rcpt_read(&r, &key) && label_is(label, &key);
		rcpt_skip(&r, found ? &value : NULL);
	}
	return value;
}

/**
 * rcpt_sign1_unprotected() - find a label in the unprotected header
 * @sign1: parsed
 * @label: its number
 *
 * Return: its value, well-formed; absent when it is not there.
 */
struct rcpt_span rcpt_sign1_unprotected(const struct rcpt_sign1 *sign1, int64_t label)
{
	const struct rcpt_label wanted = { .num = label };

	return find_label(sign1->unprotected, &wanted);
}

/* RFC 9052 section 3.1: what is critical must be there, and protected. */
static int check_crit(struct rcpt_reader *r, const struct rcpt_header *h)
{
	size_t i;

	for (i = 0; i < h->ncrit; i++)
		if (!find_label(r->in, &h->crit[i]).data)
			return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, r->in.offset,
						"crit names a label that is not in the header");
	return 0;
}

/**
 * rcpt_header_parse() - read the labels of a protected header
 * @protected: content of its byte string
 * @out: result, points into @protected
 * @err: what went wrong
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_header_parse(struct rcpt_span protected, struct rcpt_header *out,
		      struct rcpt_error *err)
{
	struct rcpt_reader r;
	struct rcpt_head key;
	uint64_t count;

	memset(out, 0, sizeof(*out));
	rcpt_reader_init(&r, protected, err);
	if (rcpt_read_map(&r, &count, "protected header"))
		return r.failed;
	for (; count; count--)
		if (read_key(&r, &key) || read_label(&r, &key, out))
			return r.failed;
	if (rcpt_read_end(&r))
		return r.failed;
	return check_crit(&r, out);
}

static bool label_equal(const struct rcpt_label *a, const struct rcpt_label *b)
{
	if (a->text.data || b->text.data)
		return b->text.data && rcpt_span_equal(a->text, b->text.data, b->text.len);
	return a->num == b->num;
}

static bool label_known(const struct rcpt_label *label)
{
	switch (label->text.data ? 0 : label->num) {
	case RCPT_LABEL_ALG:
	case RCPT_LABEL_CONTENT_TYPE:
	case RCPT_LABEL_KID:
	case RCPT_LABEL_CLAIMS:
	case RCPT_LABEL_X5CHAIN:
	case RCPT_LABEL_X5T:
	case RCPT_LABEL_HASH_ALG:
	case RCPT_LABEL_PREIMAGE_TYPE:
	case RCPT_LABEL_LOCATION:
	case RCPT_LABEL_VDS:
		return true;
	default:
		return false;
	}
}

/**
 * rcpt_header_crit() - insist that every critical label is understood
 * @header: protected header
 * @allowed: labels that the caller understands beside those read here
 * @nallowed: how many
 * @err: what went wrong
 *
 * Return: 0, or -RCPT_CANNOT_EVALUATE.
 */
int rcpt_header_crit(const struct rcpt_header *header,
		     const struct rcpt_label *allowed, size_t nallowed,
		     struct rcpt_error *err)
{
	size_t i, j;

	for (i = 0; i < header->ncrit; i++) {
		const struct rcpt_label *label = &header->crit[i];

		if (label_known(label))
			continue;
		for (j = 0; j < nallowed && !label_equal(label, &allowed[j]); j++)
			;
		if (j < nallowed)
			continue;
		if (label->text.data)
			return rcpt_fail(err, RCPT_CANNOT_EVALUATE,
					 RECEIPT_REASON_CRITICAL, label->text.offset,
					 "critical label \"%.*s\" is not understood",
					 (int)label->text.len, label->text.data);
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_CRITICAL,
				 RCPT_NO_OFFSET,
				 "critical label %lld is not understood",
				 (long long)label->num);
	}
	return 0;
}
