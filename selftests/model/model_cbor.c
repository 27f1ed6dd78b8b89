// SPDX-License-Identifier: MIT
/*
 * The check and the encoder of protected headers: every sequence of a few tokens, and
 * every number of bytes, against a recursive reading of RFC 8949 section 3.
 */
#include "model.h"

#define TOKENS_MAX	1100
#define BLOB_MAX	(RECEIPT_MAX_BLOB + 1)

static struct room token_room, blob_room, out_room;

/* As short as its argument allows. */
static u32 head_size(u64 arg)
{
	u32 n;

	if (arg < 24)
		return 1;
	for (n = 1; n < 8 && arg >> (8 * n); n *= 2)
		;
	return 1 + n;
}

static bool is_string(const struct receipt_token *t)
{
	return t->major == 2 || t->major == 3;
}

static u64 children(const struct receipt_token *t)
{
	switch (t->major) {
	case 4:
		return t->arg;
	case 5:
		return t->arg + t->arg;
	case 6:
		return 1;
	}
	return 0;
}

/* What is read so far of @n tokens and @blob_len bytes. */
struct parse {
	const struct receipt_token *tokens;
	u32 n, at;
	u64 blob_len, blob;
	u64 size;
	u32 end[TOKENS_MAX];	/* of the item that begins at a token: the next token ... */
	u64 end_blob[TOKENS_MAX];	/* ... and the next byte */
	u64 begin_blob[TOKENS_MAX];
};

static enum receipt_reason parse_head(struct parse *p, const struct receipt_token *t)
{
	if (t->major > 7)
		return RECEIPT_REASON_TOKENS;
	for (size_t i = 0; i < sizeof(t->pad); i++)
		if (t->pad[i])
			return RECEIPT_REASON_TOKENS;
	if (t->major == 7 && t->arg != 20 && t->arg != 21 && t->arg != 22 && t->arg != 23)
		return RECEIPT_REASON_TOKENS;
	if ((t->major == 4 || t->major == 5) && t->arg > RECEIPT_MAX_TOKENS)
		return RECEIPT_REASON_BOUND;
	p->size += head_size(t->arg);
	if (is_string(t)) {
		if (t->arg > p->blob_len - p->blob)
			return RECEIPT_REASON_TOKENS;
		p->blob += t->arg;
		p->size += t->arg;
	}
	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason parse_item(struct parse *p, u32 level)
{
	const struct receipt_token *t = &p->tokens[p->at];
	u32 start = p->at;
	enum receipt_reason reason;

	if (p->at == p->n)
		return RECEIPT_REASON_TOKENS;
	p->begin_blob[start] = p->blob;
	p->at++;
	reason = parse_head(p, t);
	if (!reason && children(t) && level == RECEIPT_MAX_DEPTH)
		reason = RECEIPT_REASON_BOUND;
	for (u64 i = 0; !reason && i < children(t); i++)
		reason = parse_item(p, level + 1);
	p->end[start] = p->at;
	p->end_blob[start] = p->blob;
	return reason;
}

static enum receipt_reason parse(struct parse *p, const struct receipt_header *hdr)
{
	enum receipt_reason reason;

	p->tokens = hdr->tokens;
	p->n = hdr->ntokens;
	p->blob_len = hdr->blob_len;
	p->at = p->blob = p->size = 0;
	reason = parse_item(p, 0);
	if (!reason && (p->at != p->n || p->blob != p->blob_len))
		reason = RECEIPT_REASON_TOKENS;
	return reason;
}

/* Takes a head off @bytes; returns its size. */
static u32 decode_head(const u8 *bytes, u8 *major, u64 *arg)
{
	u32 n = 0;

	*major = bytes[0] / 32;
	*arg = bytes[0] % 32;
	if (*arg >= 24) {
		n = 1 << (*arg - 24);
		*arg = 0;
		for (u32 i = 1; i <= n; i++)
			*arg = *arg * 256 + bytes[i];
	}
	return 1 + n;
}

/* Are these the tokens and strings, and each head as short as can be? */
static bool encodes(const struct receipt_header *hdr, const u8 *bytes, size_t size)
{
	const u8 *at = bytes, *blob = hdr->blob;

	for (u32 i = 0; i < hdr->ntokens; i++) {
		const struct receipt_token *t = &hdr->tokens[i];
		u32 len;
		u64 arg;
		u8 major;

		if (at >= bytes + size)
			return false;
		len = decode_head(at, &major, &arg);
		if (major != t->major || arg != t->arg || len != head_size(arg))
			return false;
		at += len;
		if (is_string(t)) {
			if (memcmp(at, blob, t->arg))
				return false;
			at += t->arg;
			blob += t->arg;
		}
	}
	return at == bytes + size;
}

/* Writes all of @size bytes, and nothing before or behind them. */
static bool encode_is_right(const struct receipt_header *hdr, size_t size)
{
	u8 *out = at_end(&out_room, size);

	for (int fill = 0; fill <= 0xff; fill += 0xff) {
		out[-1] = 0x77;
		memset(out, fill, size);
		allow_steps(100 + 40 * (u64)hdr->ntokens);
		receipt_cbor_encode(hdr, out);
		if (out[-1] != 0x77)
			return fail("writes before the buffer");
		if (!encodes(hdr, out, size))
			return fail("not these tokens");
	}
	return true;
}

/* A cursor on any head comes to the end of its item. */
static bool skip_is_right(const struct receipt_header *hdr, const struct parse *p)
{
	for (u32 i = 0; i < hdr->ntokens; i++) {
		struct receipt_cursor cur = { .token = i, .blob = p->begin_blob[i] };

		allow_steps(100 + 40 * (u64)hdr->ntokens);
		receipt_cbor_skip(hdr, &cur);
		if (cur.token != p->end[i] || cur.blob != p->end_blob[i])
			return fail("skipped from token %u to %u, byte %u", i, cur.token, cur.blob);
	}
	return true;
}

/* Tokens and blob stand at the end of what may be read. */
static struct receipt_header header_of(const struct receipt_token *tokens, u32 n, u32 blob_len)
{
	struct receipt_header hdr = {
		.tokens = at_end(&token_room, n * sizeof(*tokens)),
		.ntokens = n,
		.blob = at_end(&blob_room, blob_len),
		.blob_len = blob_len,
	};

	memmove((void *)hdr.tokens, tokens, n * sizeof(*tokens));
	return hdr;
}

static bool is_right(const struct receipt_token *tokens, u32 n, u32 blob_len)
{
	static struct parse p;
	struct receipt_header hdr = header_of(tokens, n, blob_len);
	enum receipt_reason expected = parse(&p, &hdr), reason;
	size_t size = 0;

	count_case();
	allow_steps(100 + 80 * (u64)n);
	reason = receipt_cbor_check(&hdr, &size);
	if (reason != expected) {
		show_tokens(tokens, n < 32 ? n : 32);
		return fail("%u tokens, %u bytes: reason %d, not %d", n, blob_len, reason, expected);
	}
	if (reason)
		return true;
	if (size != p.size)
		return fail("%u tokens: %zu bytes, not %llu", n, size, p.size);
	if (encode_is_right(&hdr, size) && skip_is_right(&hdr, &p))
		return true;
	show_tokens(tokens, n < 32 ? n : 32);
	return false;
}

/*
 * Heads
 */

static bool head_is_right(u8 major, u64 arg)
{
	u32 size = head_size(arg), len;
	u8 *out = at_end(&out_room, size), got_major;
	u64 got_arg;

	out[-1] = 0x77;
	allow_steps(100);
	count_case();
	len = receipt_cbor_head(out, major, arg);
	if (len != size || out[-1] != 0x77)
		return fail("head %u(%llu): %u bytes", major, arg, len);
	if (decode_head(out, &got_major, &got_arg) != len || got_major != major || got_arg != arg)
		return fail("head %u(%llu): reads %u(%llu)", major, arg, got_major, got_arg);
	return true;
}

static bool every_head(void)
{
	for (u8 major = 0; major <= 7; major++) {
		for (u64 arg = 0; arg <= 70000; arg++)
			if (!head_is_right(major, arg))
				return false;
		for (int bit = 0; bit < 64; bit++)
			for (int d = -2; d <= 2; d++)
				if (!head_is_right(major, (1ULL << bit) + d))
					return false;
	}
	return true;
}

/*
 * Sequences
 */

static const struct symbol alphabet[] = {
	{ 0, 0 }, { 0, 24 }, { 1, U64_MAX },
	{ 2, 0 }, { 2, 1 }, { 3, 2 }, { 3, 1ULL << 32 },
	{ 4, 0 }, { 4, 1 }, { 4, 2 }, { 4, RECEIPT_MAX_TOKENS }, { 4, RECEIPT_MAX_TOKENS + 1 },
	{ 5, 0 }, { 5, 1 }, { 5, 2 }, { 5, RECEIPT_MAX_TOKENS }, { 5, 1ULL << 63 },
	{ 6, 0 }, { 6, U64_MAX },
	{ 7, 19 }, { 7, 20 }, { 7, 23 }, { 7, 24 },
	{ 8, 0 },
};

/* Those of which longer items are made. */
static const struct symbol structure[] = {
	{ 0, 1 }, { 2, 0 }, { 3, 1 }, { 4, 0 }, { 4, 2 }, { 5, 1 }, { 5, 0 }, { 6, 1 },
};

/* Every sequence of exactly @n symbols with every blob of up to @blob_max bytes. */
static bool sequences(const struct symbol *symbols, u32 nsymbols, u32 n, u32 blob_max)
{
	struct receipt_token tokens[16];
	u32 digits[16] = { 0 };
	u32 i;

	do {
		for (i = 0; i < n; i++)
			tokens[i] = token_of(&symbols[digits[i]]);
		for (u32 blob = 0; blob <= blob_max; blob++)
			if (!is_right(tokens, n, blob))
				return false;
		for (i = 0; i < n && ++digits[i] == nsymbols; i++)
			digits[i] = 0;
	} while (i < n);
	return true;
}

static bool every_short_sequence(void)
{
	for (u32 n = 0; n <= 5; n++)
		if (!sequences(alphabet, ARRAY_SIZE(alphabet), n, n == 5 ? 1 : 4))
			return false;
	return true;
}

static bool every_longer_sequence(void)
{
	for (u32 n = 5; n <= 7; n++)
		if (!sequences(structure, ARRAY_SIZE(structure), n, n == 7 ? 1 : 3))
			return false;
	return true;
}

/* Every way to nest arrays and tags, around items with content and without. */
static bool every_nesting(void)
{
	static const struct symbol inner[] = { { 0, 7 }, { 4, 0 }, { 5, 0 }, { 4, 1 }, { 8, 0 } };
	struct receipt_token tokens[RECEIPT_MAX_DEPTH + 4];

	for (u32 n = 0; n <= RECEIPT_MAX_DEPTH + 1; n++)
		for (u32 way = 0; way < 1U << n; way++)
			for (size_t last = 0; last < ARRAY_SIZE(inner); last++) {
				for (u32 i = 0; i < n; i++)
					tokens[i] = (struct receipt_token){
						.major = way >> i & 1 ? 4 : 6, .arg = 1 };
				tokens[n] = token_of(&inner[last]);
				if (!is_right(tokens, n + 1, 0))
					return false;
			}
	return true;
}

/* Arrays and maps of every size, with one item too few, all, and one too many. */
static bool every_count(void)
{
	static struct receipt_token tokens[TOKENS_MAX];

	for (u32 major = 4; major <= 5; major++)
		for (u32 count = 0; count <= RECEIPT_MAX_TOKENS / (major - 3) + 2; count++) {
			u32 items = count * (major - 3);

			tokens[0] = (struct receipt_token){ .major = major, .arg = count };
			for (u32 i = 1; i <= items + 1; i++)
				tokens[i] = (struct receipt_token){ .arg = i };
			for (u32 n = items ?: 1; n <= items + 2; n++)
				if (!is_right(tokens, n, 0))
					return false;
		}
	return true;
}

/* Every byte of a token that is not its argument. */
static bool every_pad(void)
{
	for (u32 place = 0; place < 8; place++)
		for (u32 value = 0; value <= 255; value++)
			for (u64 arg = 0; arg < 40; arg++) {
				struct receipt_token t = { .arg = arg };

				if (place)
					t.pad[place - 1] = value;
				else
					t.major = value;
				if (!is_right(&t, 1, value == 2 || value == 3 ? arg : 0))
					return false;
			}
	return true;
}

static bool every_string(void)
{
	for (u32 len = 0; len <= RECEIPT_MAX_BLOB; len += len < 70 ? 1 : 7)
		for (u32 off = 0; off <= 2; off++) {
			struct receipt_token t = { .major = 2 + len % 2, .arg = len + 1 - off };

			if (!is_right(&t, 1, len))
				return false;
		}
	return true;
}

int main(void)
{
	token_room = room_of(TOKENS_MAX * sizeof(struct receipt_token));
	blob_room = room_of(BLOB_MAX);
	out_room = room_of(BLOB_MAX + 16);
	for (u32 i = 0; i < BLOB_MAX; i++)
		blob_room.start[i] = i * 7 + i / 256;

	run_test("heads", every_head);
	run_test("sequences of up to 5 tokens", every_short_sequence);
	run_test("longer ones of what nests", every_longer_sequence);
	run_test("nesting", every_nesting);
	run_test("arrays and maps of any size", every_count);
	run_test("bytes beside the argument", every_pad);
	run_test("strings of up to the most bytes", every_string);

	return finish();
}
