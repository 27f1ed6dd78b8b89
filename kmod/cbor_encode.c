// SPDX-License-Identifier: GPL-2.0-only
/*
 * CBOR, written only (RFC 8949). Tokens of a protected header are checked for
 * well-formedness and turned into the one preferred encoding they stand for.
 */
#include <linux/string.h>
#include <linux/unaligned.h>

#include "private.h"

/**
 * receipt_cbor_head - write a head in its shortest form
 * @out: at least RECEIPT_HEAD_MAX bytes
 * @major: major type
 * @arg: argument
 *
 * Return: bytes written.
 */
size_t receipt_cbor_head(u8 *out, u8 major, u64 arg)
{
	u8 type = major << 5;

	if (arg < 24) {
		out[0] = type | arg;
		return 1;
	}
	if (arg <= U8_MAX) {
		out[0] = type | 24;
		out[1] = arg;
		return 2;
	}
	if (arg <= U16_MAX) {
		out[0] = type | 25;
		put_unaligned_be16(arg, out + 1);
		return 3;
	}
	if (arg <= U32_MAX) {
		out[0] = type | 26;
		put_unaligned_be32(arg, out + 1);
		return 5;
	}
	out[0] = type | 27;
	put_unaligned_be64(arg, out + 1);

	return 9;
}

static bool token_has_bytes(const struct receipt_token *t)
{
	return t->major == CBOR_BSTR || t->major == CBOR_TSTR;
}

/* Items that must follow a head as its content. */
static u64 token_items(const struct receipt_token *t)
{
	switch (t->major) {
	case CBOR_ARRAY:
		return t->arg;
	case CBOR_MAP:
		return 2 * t->arg;
	case CBOR_TAG:
		return 1;
	default:
		return 0;
	}
}

static enum receipt_reason check_token(const struct receipt_token *t,
				       u32 blob_left)
{
	if (t->major > CBOR_SIMPLE || memchr_inv(t->pad, 0, sizeof(t->pad)))
		return RECEIPT_REASON_TOKENS;
	if (t->major == CBOR_SIMPLE && (t->arg < 20 || t->arg > 23))
		return RECEIPT_REASON_TOKENS;
	if (token_has_bytes(t) && t->arg > blob_left)
		return RECEIPT_REASON_TOKENS;
	if ((t->major == CBOR_ARRAY || t->major == CBOR_MAP) &&
	    t->arg > RECEIPT_MAX_TOKENS)
		return RECEIPT_REASON_BOUND;

	return RECEIPT_REASON_ALLOWED;
}

/**
 * receipt_cbor_check - check that tokens and blob are one well-formed item
 * @hdr: tokens and blob, from user space; their numbers are within bounds
 * @size: set to the bytes of the encoding, on success
 *
 * Return: RECEIPT_REASON_ALLOWED, RECEIPT_REASON_TOKENS when they are not
 *	exactly one item and its bytes, RECEIPT_REASON_BOUND when nested deeper
 *	than RECEIPT_MAX_DEPTH.
 */
enum receipt_reason receipt_cbor_check(const struct receipt_header *hdr,
				       size_t *size)
{
	/* Items that a level still lacks; the outermost one is the whole. */
	u64 open[RECEIPT_MAX_DEPTH + 1];
	u8 head[RECEIPT_HEAD_MAX];
	enum receipt_reason reason;
	u32 depth = 1, blob = 0, i;

	open[0] = 1;
	*size = 0;
	for (i = 0; i < hdr->ntokens && depth; i++) {
		const struct receipt_token *t = &hdr->tokens[i];
		u64 items = token_items(t);

		reason = check_token(t, hdr->blob_len - blob);
		if (reason)
			return reason;
		*size += receipt_cbor_head(head, t->major, t->arg);
		if (token_has_bytes(t)) {
			blob += t->arg;
			*size += t->arg;
		}
		open[depth - 1]--;
		if (items) {
			if (depth > RECEIPT_MAX_DEPTH)
				return RECEIPT_REASON_BOUND;
			open[depth++] = items;
		}
		while (depth && !open[depth - 1])
			depth--;
	}

	return depth || i < hdr->ntokens || blob < hdr->blob_len ?
	       RECEIPT_REASON_TOKENS : RECEIPT_REASON_ALLOWED;
}

/**
 * receipt_cbor_encode - write a header
 * @hdr: accepted by receipt_cbor_check()
 * @out: the bytes that it said
 */
void receipt_cbor_encode(const struct receipt_header *hdr, u8 *out)
{
	const u8 *blob = hdr->blob;
	u32 i;

	for (i = 0; i < hdr->ntokens; i++) {
		const struct receipt_token *t = &hdr->tokens[i];

		out += receipt_cbor_head(out, t->major, t->arg);
		if (token_has_bytes(t)) {
			memcpy(out, blob, t->arg);
			out += t->arg;
			blob += t->arg;
		}
	}
}

/**
 * receipt_cbor_skip - step over one item with all that is in it
 * @hdr: accepted by receipt_cbor_check()
 * @cur: on the item's head; afterwards behind the item
 */
void receipt_cbor_skip(const struct receipt_header *hdr,
		       struct receipt_cursor *cur)
{
	u64 items = 1;

	while (items && cur->token < hdr->ntokens) {
		const struct receipt_token *t = &hdr->tokens[cur->token++];

		if (token_has_bytes(t))
			cur->blob += t->arg;
		items += token_items(t);
		items--;
	}
}
