// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading claims from the tokens of a protected header: the same tokens that
 * are encoded and hashed, so what is read here is authenticated.
 *
 * Labels: RFC 9052 section 3.1, RFC 9597 (CWT claims), RFC 9942 (395),
 * RFC 9995 (258).
 */
#include <linux/string.h>

#include "private.h"

enum {
	LABEL_ALG = 1,
	LABEL_CRIT = 2,
	LABEL_CONTENT_TYPE = 3,
	LABEL_KID = 4,
	LABEL_CWT_CLAIMS = 15,
	LABEL_X5CHAIN = 33,
	LABEL_X5T = 34,
	LABEL_HASH_ALG = 258,
	LABEL_PREIMAGE_TYPE = 259,
	LABEL_PAYLOAD_LOCATION = 260,
	LABEL_VDS = 395,
};

enum {
	CLAIM_ISS = 1,
	CLAIM_SUB = 2,
	CLAIM_IAT = 6,
};

#define TAG_EPOCH_TIME		1
#define MANIFEST_TYPE		"application/vnd.receipt.manifest-root"

/* A map key: a number or a text. */
struct label {
	struct receipt_text text;	/* data is NULL for a number */
	s64 num;
};

struct reader {
	const struct receipt_header *hdr;
	struct receipt_cursor cur;
	struct receipt_cursor crit;	/* its array; token 0 when there is none */
	struct receipt_claims *claims;
};

typedef enum receipt_reason (*pair_fn)(struct reader *r,
				       const struct label *label);

static const struct receipt_token *peek(const struct reader *r)
{
	return &r->hdr->tokens[r->cur.token];
}

static void take_text(struct reader *r, struct receipt_text *text)
{
	text->data = r->hdr->blob + r->cur.blob;
	text->len = peek(r)->arg;
	receipt_cbor_skip(r->hdr, &r->cur);
}

static enum receipt_reason read_int(struct reader *r, s64 *num)
{
	const struct receipt_token *t = peek(r);

	if (t->major > CBOR_NINT || t->arg > S64_MAX)
		return RECEIPT_REASON_TOKENS;
	*num = t->major == CBOR_UINT ? (s64)t->arg : -1 - (s64)t->arg;
	receipt_cbor_skip(r->hdr, &r->cur);

	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason read_label(struct reader *r, struct label *label)
{
	label->text.data = NULL;
	if (peek(r)->major != CBOR_TSTR)
		return read_int(r, &label->num);
	take_text(r, &label->text);

	return RECEIPT_REASON_ALLOWED;
}

static bool same_label(const struct label *a, const struct label *b)
{
	if (!a->text.data || !b->text.data)
		return !a->text.data && !b->text.data && a->num == b->num;

	return a->text.len == b->text.len &&
	       !memcmp(a->text.data, b->text.data, a->text.len);
}

static bool text_is(const struct receipt_text *text, const char *s)
{
	return text->data && text->len == strlen(s) &&
	       !memcmp(text->data, s, text->len);
}

/* Text that rules compare: bounded, and without NUL. */
static enum receipt_reason read_claim(struct reader *r,
				      struct receipt_text *text)
{
	if (peek(r)->major != CBOR_TSTR)
		return RECEIPT_REASON_TOKENS;
	take_text(r, text);
	if (text->len > RECEIPT_MAX_CLAIM)
		return RECEIPT_REASON_BOUND;

	return memchr(text->data, 0, text->len) ? RECEIPT_REASON_TOKENS :
						  RECEIPT_REASON_ALLOWED;
}

/* Is the label that @cur is at among the @n labels before it in the map? */
static bool seen_before(const struct reader *r, struct receipt_cursor first,
			u64 n, const struct label *label)
{
	struct reader scan = { .hdr = r->hdr, .cur = first };
	struct label other;

	while (n--) {
		if (!read_label(&scan, &other) && same_label(&other, label))
			return true;
		receipt_cbor_skip(scan.hdr, &scan.cur);
	}

	return false;
}

/* Reads a map: each label once, each value by @fn, which consumes it. */
static enum receipt_reason read_map(struct reader *r, pair_fn fn)
{
	const struct receipt_token *map = peek(r);
	struct receipt_cursor first;
	enum receipt_reason reason;
	struct label label;
	u64 i;

	if (map->major != CBOR_MAP)
		return RECEIPT_REASON_TOKENS;
	if (map->arg > RECEIPT_MAX_MAP)
		return RECEIPT_REASON_BOUND;

	r->cur.token++;
	first = r->cur;
	for (i = 0; i < map->arg; i++) {
		reason = read_label(r, &label);
		if (reason)
			return reason;
		if (seen_before(r, first, i, &label))
			return RECEIPT_REASON_DUPLICATE_LABEL;
		reason = fn(r, &label);
		if (reason)
			return reason;
	}

	return RECEIPT_REASON_ALLOWED;
}

static bool label_understood(const struct label *label)
{
	static const s64 known[] = {
		LABEL_ALG, LABEL_CONTENT_TYPE, LABEL_KID, LABEL_CWT_CLAIMS,
		LABEL_X5CHAIN, LABEL_X5T, LABEL_HASH_ALG, LABEL_PREIMAGE_TYPE,
		LABEL_PAYLOAD_LOCATION, LABEL_VDS,
	};
	size_t i;

	for (i = 0; !label->text.data && i < ARRAY_SIZE(known); i++)
		if (known[i] == label->num)
			return true;

	return false;
}

/* RFC 9052 section 3.1: a non-empty array of labels, all understood. */
static enum receipt_reason read_crit(struct reader *r)
{
	const struct receipt_token *array = peek(r);
	struct label label;
	u64 i;

	if (array->major != CBOR_ARRAY || !array->arg)
		return RECEIPT_REASON_TOKENS;
	if (array->arg > RECEIPT_MAX_CRIT)
		return RECEIPT_REASON_BOUND;

	r->crit = r->cur;
	r->cur.token++;
	for (i = 0; i < array->arg; i++) {
		if (read_label(r, &label))
			return RECEIPT_REASON_TOKENS;
		if (!label_understood(&label))
			return RECEIPT_REASON_CRITICAL;
	}

	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason read_iat(struct reader *r)
{
	const struct receipt_token *t = peek(r);

	if (t->major == CBOR_TAG && t->arg == TAG_EPOCH_TIME)
		r->cur.token++;

	return read_int(r, &r->claims->iat);
}

static enum receipt_reason read_svn(struct reader *r)
{
	s64 svn;

	if (read_int(r, &svn) || svn < 0)
		return RECEIPT_REASON_TOKENS;
	r->claims->has_svn = true;
	r->claims->svn = svn;

	return RECEIPT_REASON_ALLOWED;
}

/* Statements may call anything "size": what is no number is never an error here. */
static enum receipt_reason read_size(struct reader *r)
{
	const struct receipt_token *t = peek(r);

	r->claims->has_size = true;
	r->claims->size = t->major == CBOR_UINT ? t->arg : 0;
	receipt_cbor_skip(r->hdr, &r->cur);

	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason read_cwt_claim(struct reader *r,
					  const struct label *label)
{
	if (text_is(&label->text, "svn"))
		return read_svn(r);
	if (text_is(&label->text, "size"))
		return read_size(r);

	switch (label->text.data ? 0 : label->num) {
	case CLAIM_ISS:
		return read_claim(r, &r->claims->iss);
	case CLAIM_SUB:
		return read_claim(r, &r->claims->sub);
	case CLAIM_IAT:
		return read_iat(r);
	default:
		receipt_cbor_skip(r->hdr, &r->cur);
		return RECEIPT_REASON_ALLOWED;
	}
}

static enum receipt_reason read_content_type(struct reader *r)
{
	struct receipt_text type;

	r->claims->content_type = true;
	if (peek(r)->major != CBOR_TSTR) {
		receipt_cbor_skip(r->hdr, &r->cur);
		return RECEIPT_REASON_ALLOWED;
	}
	take_text(r, &type);
	r->claims->manifest = text_is(&type, MANIFEST_TYPE);

	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason read_kid(struct reader *r)
{
	if (peek(r)->major != CBOR_BSTR)
		return RECEIPT_REASON_TOKENS;
	take_text(r, &r->claims->kid);

	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason read_header(struct reader *r,
				       const struct label *label)
{
	switch (label->text.data ? 0 : label->num) {
	case LABEL_ALG:
		return read_int(r, &r->claims->alg);
	case LABEL_CRIT:
		return read_crit(r);
	case LABEL_CONTENT_TYPE:
		return read_content_type(r);
	case LABEL_KID:
		return read_kid(r);
	case LABEL_CWT_CLAIMS:
		return read_map(r, read_cwt_claim);
	case LABEL_HASH_ALG:
		return read_int(r, &r->claims->hash_alg);
	case LABEL_VDS:
		return read_int(r, &r->claims->vds);
	default:
		receipt_cbor_skip(r->hdr, &r->cur);
		return RECEIPT_REASON_ALLOWED;
	}
}

/* What is critical must be there; wherever crit itself stands in the map. */
static enum receipt_reason check_crit(struct reader *r)
{
	const struct receipt_cursor first = { .token = 1 };
	struct label label;
	u64 i;

	r->cur = r->crit;
	i = r->cur.token ? peek(r)->arg : 0;
	for (r->cur.token++; i; i--) {
		read_label(r, &label);
		if (!seen_before(r, first, r->hdr->tokens[0].arg, &label))
			return RECEIPT_REASON_TOKENS;
	}

	return RECEIPT_REASON_ALLOWED;
}

/**
 * receipt_claims_read - read a protected header
 * @hdr: accepted by receipt_cbor_check()
 * @claims: filled in; its texts point into @hdr
 *
 * Return: RECEIPT_REASON_ALLOWED, or RECEIPT_REASON_TOKENS for a value of the
 *	wrong type and for a critical label that is missing, RECEIPT_REASON_BOUND,
 *	RECEIPT_REASON_DUPLICATE_LABEL, RECEIPT_REASON_CRITICAL,
 *	RECEIPT_REASON_NO_CLAIMS without an issuer.
 */
enum receipt_reason receipt_claims_read(const struct receipt_header *hdr,
					struct receipt_claims *claims)
{
	struct reader r = { .hdr = hdr, .claims = claims };
	enum receipt_reason reason;

	memset(claims, 0, sizeof(*claims));
	reason = read_map(&r, read_header);
	if (!reason)
		reason = check_crit(&r);
	if (reason)
		return reason;

	return claims->iss.len ? RECEIPT_REASON_ALLOWED :
				 RECEIPT_REASON_NO_CLAIMS;
}

/**
 * receipt_claims_position - the position that a receipt of an RFC 9162 log proves
 * @claims: of the receipt
 * @index: of the leaf, as the proof says it
 * @size: leaves of the tree, as the proof says it
 * @position: result; zero when it is not known
 *
 * A log signs the root of its tree, and one path leads to one root for several
 * pairs of index and size: whoever brings a receipt may write another pair than the
 * log did. For a size that is signed there is one index.
 *
 * Return: RECEIPT_REASON_ALLOWED, or RECEIPT_REASON_TREE_SIZE when another size is
 *	signed.
 */
enum receipt_reason receipt_claims_position(const struct receipt_claims *claims,
					    u64 index, u64 size, u64 *position)
{
	*position = 0;
	if (!claims->has_size)
		return RECEIPT_REASON_ALLOWED;
	if (claims->size != size)
		return RECEIPT_REASON_TREE_SIZE;
	*position = index;

	return RECEIPT_REASON_ALLOWED;
}
