// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the encoder of protected headers, and the check that comes before it.
 */
#include <linux/limits.h>
#include <linux/unaligned.h>

#include "kunit.h"

#define UNTOUCHED	0xa5

/* Check and encode; the bytes, as many as the check said. */
static u8 *encode(struct kunit *test, const struct receipt_header *hdr,
		  size_t *size)
{
	u8 *out;

	KUNIT_ASSERT_EQ(test, receipt_cbor_check(hdr, size),
			RECEIPT_REASON_ALLOWED);
	out = kunit_kmalloc(test, *size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, out);
	receipt_cbor_encode(hdr, out);

	return out;
}

/*
 * Heads
 */

struct head_case {
	const char *desc;
	u64 arg;
	u8 len;
	u8 bytes[RECEIPT_HEAD_MAX];	/* of major type 0 */
};

static const struct head_case head_cases[] = {
	{ "0", 0, 1, { 0x00 } },
	{ "1", 1, 1, { 0x01 } },
	{ "23", 23, 1, { 0x17 } },
	{ "24", 24, 2, { 0x18, 0x18 } },
	{ "25", 25, 2, { 0x18, 0x19 } },
	{ "U8_MAX", U8_MAX, 2, { 0x18, 0xff } },
	{ "U8_MAX + 1", U8_MAX + 1, 3, { 0x19, 0x01, 0x00 } },
	{ "U16_MAX", U16_MAX, 3, { 0x19, 0xff, 0xff } },
	{ "U16_MAX + 1", U16_MAX + 1, 5, { 0x1a, 0x00, 0x01, 0x00, 0x00 } },
	{ "0x01020304", 0x01020304, 5, { 0x1a, 0x01, 0x02, 0x03, 0x04 } },
	{ "U32_MAX", U32_MAX, 5, { 0x1a, 0xff, 0xff, 0xff, 0xff } },
	{ "U32_MAX + 1", U32_MAX + 1ULL, 9,
	  { 0x1b, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00 } },
	{ "0x0102030405060708", 0x0102030405060708, 9,
	  { 0x1b, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08 } },
	{ "S64_MAX", S64_MAX, 9,
	  { 0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
	{ "U64_MAX", U64_MAX, 9,
	  { 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
};

KUNIT_ARRAY_PARAM_DESC(head, head_cases, desc);

static void head(struct kunit *test)
{
	const struct head_case *c = test->param_value;
	u8 out[RECEIPT_HEAD_MAX + 1], expected[sizeof(out)];
	u8 major;

	for (major = CBOR_UINT; major <= CBOR_SIMPLE; major++) {
		memset(expected, UNTOUCHED, sizeof(expected));
		memcpy(expected, c->bytes, c->len);
		expected[0] += 32 * major;
		memset(out, UNTOUCHED, sizeof(out));
		KUNIT_EXPECT_EQ(test, receipt_cbor_head(out, major, c->arg),
				c->len);
		KUNIT_EXPECT_MEMEQ(test, out, expected, sizeof(out));
	}
}

/* RFC 8949 section 3, the other way round; the least that needs the width. */
static u64 decode_head(const u8 *in, size_t *len, u64 *least)
{
	switch (in[0] & 31) {
	case 24:
		*len = 2;
		*least = 24;
		return in[1];
	case 25:
		*len = 3;
		*least = 0x100;
		return get_unaligned_be16(in + 1);
	case 26:
		*len = 5;
		*least = 0x10000;
		return get_unaligned_be32(in + 1);
	case 27:
		*len = 9;
		*least = 0x100000000;
		return get_unaligned_be64(in + 1);
	default:
		*len = 1;
		*least = 0;
		return in[0] & 31;
	}
}

static void expect_shortest(struct kunit *test, u64 arg)
{
	u8 out[RECEIPT_HEAD_MAX];
	size_t len, decoded_len;
	u64 least;

	len = receipt_cbor_head(out, CBOR_TSTR, arg);
	KUNIT_EXPECT_EQ(test, decode_head(out, &decoded_len, &least), arg);
	KUNIT_EXPECT_EQ(test, decoded_len, len);
	KUNIT_EXPECT_GE(test, arg, least);
	KUNIT_EXPECT_EQ(test, out[0] >> 5, CBOR_TSTR);
}

static void head_shortest(struct kunit *test)
{
	u64 arg;
	int bit;

	for (arg = 0; arg < 0x10400; arg++)
		expect_shortest(test, arg);
	for (bit = 16; bit < 64; bit++) {
		expect_shortest(test, BIT_ULL(bit) - 1);
		expect_shortest(test, BIT_ULL(bit));
		expect_shortest(test, BIT_ULL(bit) + 1);
	}
}

/*
 * Items, as RFC 8949 appendix A has them
 */

struct encode_case {
	const char *desc;
	struct item item;
	struct bytes blob;
	struct bytes out;
};

static const struct encode_case encode_cases[] = {
	{ "0", ITEM(UINT(0)), {}, BYTES("\x00") },
	{ "1000000", ITEM(UINT(1000000)), {}, BYTES("\x1a\x00\x0f\x42\x40") },
	{ "18446744073709551615", ITEM(UINT(U64_MAX)), {},
	  BYTES("\x1b\xff\xff\xff\xff\xff\xff\xff\xff") },
	{ "-18446744073709551616", ITEM({ .major = CBOR_NINT, .arg = U64_MAX }),
	  {}, BYTES("\x3b\xff\xff\xff\xff\xff\xff\xff\xff") },
	{ "-1", ITEM(NINT(-1)), {}, BYTES("\x20") },
	{ "-100", ITEM(NINT(-100)), {}, BYTES("\x38\x63") },
	{ "-1000", ITEM(NINT(-1000)), {}, BYTES("\x39\x03\xe7") },
	{ "false", ITEM(SIMPLE(20)), {}, BYTES("\xf4") },
	{ "true", ITEM(SIMPLE(21)), {}, BYTES("\xf5") },
	{ "null", ITEM(SIMPLE(22)), {}, BYTES("\xf6") },
	{ "undefined", ITEM(SIMPLE(23)), {}, BYTES("\xf7") },
	{ "1(1363896240)", ITEM(TAG(1), UINT(1363896240)), {},
	  BYTES("\xc1\x1a\x51\x4b\x67\xb0") },
	{ "32(text)", ITEM(TAG(32), TSTR(22)), BYTES("http://www.example.com"),
	  BYTES("\xd8\x20\x76http://www.example.com") },
	{ "h''", ITEM(BSTR(0)), {}, BYTES("\x40") },
	{ "h'01020304'", ITEM(BSTR(4)), BYTES("\1\2\3\4"),
	  BYTES("\x44\1\2\3\4") },
	{ "\"\"", ITEM(TSTR(0)), {}, BYTES("\x60") },
	{ "\"IETF\"", ITEM(TSTR(4)), BYTES("IETF"), BYTES("\x64IETF") },
	{ "[]", ITEM(ARRAY(0)), {}, BYTES("\x80") },
	{ "[1, 2, 3]", ITEM(ARRAY(3), UINT(1), UINT(2), UINT(3)), {},
	  BYTES("\x83\1\2\3") },
	{ "[1, [2, 3], [4, 5]]",
	  ITEM(ARRAY(3), UINT(1), ARRAY(2), UINT(2), UINT(3),
	       ARRAY(2), UINT(4), UINT(5)), {},
	  BYTES("\x83\1\x82\2\3\x82\4\5") },
	{ "{}", ITEM(MAP(0)), {}, BYTES("\xa0") },
	{ "{1: 2, 3: 4}", ITEM(MAP(2), UINT(1), UINT(2), UINT(3), UINT(4)), {},
	  BYTES("\xa2\1\2\3\4") },
	{ "{\"a\": 1, \"b\": [2, 3]}",
	  ITEM(MAP(2), TSTR(1), UINT(1), TSTR(1), ARRAY(2), UINT(2), UINT(3)),
	  BYTES("ab"), BYTES("\xa2\x61\x61\1\x61\x62\x82\2\3") },
	{ "[\"a\", {\"b\": \"c\"}]",
	  ITEM(ARRAY(2), TSTR(1), MAP(1), TSTR(1), TSTR(1)),
	  BYTES("abc"), BYTES("\x82\x61\x61\xa1\x61\x62\x61\x63") },
	{ "not in the order of keys", ITEM(MAP(2), UINT(3), UINT(4), UINT(1),
					   UINT(2)), {},
	  BYTES("\xa2\3\4\1\2") },
};

KUNIT_ARRAY_PARAM_DESC(encode, encode_cases, desc);

static void encoded(struct kunit *test)
{
	const struct encode_case *c = test->param_value;
	struct receipt_header hdr = receipt_kunit_header(test, &c->item, &c->blob);
	size_t size;
	u8 *out = encode(test, &hdr, &size);

	KUNIT_ASSERT_EQ(test, size, c->out.len);
	KUNIT_EXPECT_MEMEQ(test, out, c->out.data, size);
}

/* A string of each length whose head is wider than that of the one before. */
static void encoded_strings(struct kunit *test)
{
	static const u32 lens[] = {
		1, 23, 24, 255, 256, 257, RECEIPT_MAX_BLOB - 1, RECEIPT_MAX_BLOB
	};
	char *blob = kunit_kmalloc(test, RECEIPT_MAX_BLOB, GFP_KERNEL);
	u8 *out, head_bytes[RECEIPT_HEAD_MAX];
	size_t i, size, len;

	KUNIT_ASSERT_NOT_NULL(test, blob);
	for (i = 0; i < RECEIPT_MAX_BLOB; i++)
		blob[i] = i * 7;
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		struct item item = ITEM(BSTR(lens[i]));
		struct bytes bytes = { blob, lens[i] };
		struct receipt_header hdr = receipt_kunit_header(test, &item, &bytes);

		out = encode(test, &hdr, &size);
		len = receipt_cbor_head(head_bytes, CBOR_BSTR, lens[i]);
		KUNIT_ASSERT_EQ(test, size, len + lens[i]);
		KUNIT_EXPECT_MEMEQ(test, out, head_bytes, len);
		KUNIT_EXPECT_MEMEQ(test, out + len, blob, lens[i]);
	}
}

/* As many tokens and bytes as a message may have. */
static void encoded_largest(struct kunit *test)
{
	struct receipt_token *tokens;
	struct receipt_header hdr;
	size_t size;
	u32 i;

	tokens = kunit_kcalloc(test, RECEIPT_MAX_TOKENS, sizeof(*tokens),
			       GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tokens);
	tokens[0] = (struct receipt_token)ARRAY(RECEIPT_MAX_TOKENS - 1);
	for (i = 1; i < RECEIPT_MAX_TOKENS - 1; i++)
		tokens[i] = (struct receipt_token)UINT(U64_MAX);
	tokens[i] = (struct receipt_token)TSTR(RECEIPT_MAX_BLOB);
	hdr = (struct receipt_header){
		.tokens = tokens,
		.ntokens = RECEIPT_MAX_TOKENS,
		.blob = kunit_kzalloc(test, RECEIPT_MAX_BLOB, GFP_KERNEL),
		.blob_len = RECEIPT_MAX_BLOB,
	};
	KUNIT_ASSERT_NOT_NULL(test, hdr.blob);
	encode(test, &hdr, &size);
	KUNIT_EXPECT_EQ(test, size, 3 + 9 * (RECEIPT_MAX_TOKENS - 2) + 3 +
			RECEIPT_MAX_BLOB);
}

/* The bytes behind what the check said are not written. */
static void encoded_size(struct kunit *test)
{
	static const struct encode_case *c;
	u8 out[64];
	size_t size;

	for (c = encode_cases; c < encode_cases + ARRAY_SIZE(encode_cases); c++) {
		struct receipt_header hdr = receipt_kunit_header(test, &c->item, &c->blob);

		memset(out, UNTOUCHED, sizeof(out));
		KUNIT_ASSERT_EQ(test, receipt_cbor_check(&hdr, &size),
				RECEIPT_REASON_ALLOWED);
		KUNIT_ASSERT_LT(test, size, sizeof(out));
		receipt_cbor_encode(&hdr, out);
		KUNIT_EXPECT_NULL(test, memchr_inv(out + size, UNTOUCHED,
						   sizeof(out) - size));
	}
}

/*
 * What is no item
 */

struct refuse_case {
	const char *desc;
	enum receipt_reason reason;
	struct item item;
	struct bytes blob;
};

#define NO_ITEM(desc, ...) { desc, RECEIPT_REASON_TOKENS, ITEM(__VA_ARGS__), {} }
#define NO_BYTES(desc, blob, ...) \
	{ desc, RECEIPT_REASON_TOKENS, ITEM(__VA_ARGS__), BYTES(blob) }
#define TOO_LARGE(desc, ...) { desc, RECEIPT_REASON_BOUND, ITEM(__VA_ARGS__), {} }

static const struct refuse_case refuse_cases[] = {
	{ "nothing", RECEIPT_REASON_TOKENS, {}, {} },
	{ "bytes alone", RECEIPT_REASON_TOKENS, {}, BYTES("a") },
	NO_ITEM("two items", UINT(1), UINT(2)),
	NO_ITEM("an item after an array", ARRAY(1), UINT(1), UINT(2)),
	NO_ITEM("an item after an empty map", MAP(0), UINT(1)),
	NO_ITEM("array without content", ARRAY(1)),
	NO_ITEM("array that lacks one", ARRAY(3), UINT(1), UINT(2)),
	NO_ITEM("map without values", MAP(2), UINT(1), UINT(2)),
	NO_ITEM("map that lacks a value", MAP(2), UINT(1), UINT(2), UINT(3)),
	NO_ITEM("inner array that lacks one", ARRAY(2), ARRAY(2), UINT(1)),
	NO_ITEM("tag of nothing", TAG(1)),
	NO_ITEM("tag of a tag of nothing", TAG(1), TAG(1)),
	NO_ITEM("tag of two", TAG(1), UINT(1), UINT(1)),
	NO_ITEM("string without bytes", BSTR(1)),
	NO_ITEM("string of U64_MAX bytes", BSTR(U64_MAX)),
	NO_ITEM("string of 2^32 bytes", TSTR(1ULL << 32)),
	NO_BYTES("string that lacks a byte", "ab", TSTR(3)),
	NO_BYTES("second string that lacks a byte", "abc",
		 ARRAY(2), TSTR(2), TSTR(2)),
	NO_BYTES("lengths that add up to 0", "abc", ARRAY(2), BSTR(3),
		 BSTR(U64_MAX - 2)),
	NO_BYTES("a byte too many", "abc", TSTR(2)),
	NO_BYTES("a byte for no string", "a", UINT(1)),
	NO_ITEM("major type 8", { .major = 8 }),
	NO_ITEM("major type 255", { .major = 255 }),
	NO_ITEM("simple value 19", SIMPLE(19)),
	NO_ITEM("simple value 24", SIMPLE(24)),
	NO_ITEM("simple value 0", SIMPLE(0)),
	NO_ITEM("simple value 32", SIMPLE(32)),
	NO_ITEM("simple value 2^32 + 20", SIMPLE((1ULL << 32) + 20)),
	NO_ITEM("break", SIMPLE(31)),
	NO_ITEM("padding, first byte", { .major = CBOR_UINT, .pad = { 1 } }),
	NO_ITEM("padding, last byte", { .major = CBOR_UINT, .pad = { [6] = 1 } }),
	NO_ITEM("padding of an inner token", ARRAY(1), { .pad = { [3] = 0x80 } }),
	TOO_LARGE("array of too many", ARRAY(RECEIPT_MAX_TOKENS + 1)),
	TOO_LARGE("array of 2^32", ARRAY(1ULL << 32)),
	TOO_LARGE("array of U64_MAX", ARRAY(U64_MAX), UINT(1)),
	TOO_LARGE("map of too many", MAP(RECEIPT_MAX_TOKENS + 1)),
	TOO_LARGE("map of 2^63, which doubles to 0", MAP(1ULL << 63)),
	TOO_LARGE("map of 2^63 + 1, which doubles to 2", MAP((1ULL << 63) + 1),
		  UINT(1), UINT(2)),
	NO_ITEM("array of as many as allowed", ARRAY(RECEIPT_MAX_TOKENS)),
	NO_ITEM("map of as many as allowed", MAP(RECEIPT_MAX_TOKENS)),
};

KUNIT_ARRAY_PARAM_DESC(refuse, refuse_cases, desc);

static void refused(struct kunit *test)
{
	const struct refuse_case *c = test->param_value;
	struct receipt_header hdr = receipt_kunit_header(test, &c->item, &c->blob);
	size_t size;

	KUNIT_EXPECT_EQ(test, receipt_cbor_check(&hdr, &size), c->reason);
}

/* One array, map or tag in the other, and in the innermost a number. */
static enum receipt_reason check_nested(struct kunit *test,
					struct receipt_token outer, u32 levels)
{
	struct receipt_token *tokens;
	struct receipt_header hdr = { .ntokens = 0 };
	size_t size;
	u32 i;

	tokens = kunit_kcalloc(test, 2 * levels + 1, sizeof(*tokens), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tokens);
	for (i = 0; i < levels; i++) {
		tokens[hdr.ntokens++] = outer;
		if (outer.major == CBOR_MAP)
			hdr.ntokens++;	/* the key, 0 */
	}
	hdr.ntokens++;
	hdr.tokens = tokens;

	return receipt_cbor_check(&hdr, &size);
}

static void depth(struct kunit *test)
{
	static const struct receipt_token outer[] = { ARRAY(1), MAP(1), TAG(1) };
	const u32 most = RECEIPT_MAX_DEPTH;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(outer); i++) {
		KUNIT_EXPECT_EQ(test, check_nested(test, outer[i], most),
				RECEIPT_REASON_ALLOWED);
		KUNIT_EXPECT_EQ(test, check_nested(test, outer[i], most + 1),
				RECEIPT_REASON_BOUND);
		KUNIT_EXPECT_EQ(test, check_nested(test, outer[i], 500),
				RECEIPT_REASON_BOUND);
	}
}

/* Levels that are closed do not count. */
static void depth_reused(struct kunit *test)
{
	const struct item item = ITEM(ARRAY(3), ARRAY(1), ARRAY(1), UINT(0),
				      MAP(1), UINT(0), TAG(1), ARRAY(0),
				      ARRAY(1), TAG(2), TAG(3), UINT(0));
	const struct bytes no_blob = {};
	struct receipt_header hdr = receipt_kunit_header(test, &item, &no_blob);
	size_t size;

	KUNIT_EXPECT_EQ(test, receipt_cbor_check(&hdr, &size),
			RECEIPT_REASON_ALLOWED);
	KUNIT_EXPECT_EQ(test, size, item.n);
}

/*
 * All short sequences of tokens, against RFC 8949 appendix C
 */

static const struct receipt_token alphabet[] = {
	UINT(5), NINT(-300), BSTR(0), BSTR(1), TSTR(2), ARRAY(0), ARRAY(1),
	ARRAY(2), MAP(0), MAP(1), TAG(70000), SIMPLE(22), SIMPLE(24),
};

#define SEQUENCE_MAX	4

struct reading {
	const struct receipt_token *tokens;
	u32 left;
	u32 blob_left;
	size_t size;
};

static bool read_item(struct reading *r)
{
	const struct receipt_token *t = r->tokens++;
	u64 items = 0;
	u8 out[RECEIPT_HEAD_MAX];

	if (!r->left--)
		return false;
	r->size += receipt_cbor_head(out, t->major, t->arg);
	switch (t->major) {
	case CBOR_BSTR:
	case CBOR_TSTR:
		if (t->arg > r->blob_left)
			return false;
		r->blob_left -= t->arg;
		r->size += t->arg;
		break;
	case CBOR_ARRAY:
		items = t->arg;
		break;
	case CBOR_MAP:
		items = 2 * t->arg;
		break;
	case CBOR_TAG:
		items = 1;
		break;
	case CBOR_SIMPLE:
		return t->arg >= 20 && t->arg <= 23;
	}
	while (items--)
		if (!read_item(r))
			return false;

	return true;
}

static void expect_as_read(struct kunit *test, const struct receipt_token *tokens,
			   u32 n, u32 blob_len)
{
	static const u8 blob[4] = "abc";
	struct receipt_header hdr = {
		.tokens = tokens,
		.ntokens = n,
		.blob = blob,
		.blob_len = blob_len,
	};
	struct reading r = {
		.tokens = tokens, .left = n, .blob_left = blob_len,
	};
	size_t size = 0;
	bool good;

	good = read_item(&r) && !r.left && !r.blob_left;
	KUNIT_ASSERT_EQ(test, !receipt_cbor_check(&hdr, &size), good);
	if (good)
		KUNIT_ASSERT_EQ(test, size, r.size);
}

static void every_sequence(struct kunit *test)
{
	struct receipt_token tokens[SEQUENCE_MAX];
	u32 n, count = 1, i, digit, rest, blob_len;

	for (n = 0; n <= SEQUENCE_MAX; n++) {
		for (i = 0; i < count; i++) {
			for (digit = 0, rest = i; digit < n; digit++) {
				tokens[digit] = alphabet[rest % ARRAY_SIZE(alphabet)];
				rest /= ARRAY_SIZE(alphabet);
			}
			for (blob_len = 0; blob_len <= 3; blob_len++)
				expect_as_read(test, tokens, n, blob_len);
		}
		count *= ARRAY_SIZE(alphabet);
		cond_resched();
	}
}

/*
 * Stepping over items
 */

static void skip(struct kunit *test)
{
	/* ["ab", {1: h'010203', "k": [null, 1(5), {}]}, -1, h''] */
	const struct item item = ITEM(ARRAY(4), TSTR(2), MAP(2), UINT(1), BSTR(3),
				      TSTR(1), ARRAY(3), SIMPLE(22), TAG(1),
				      UINT(5), MAP(0), NINT(-1), BSTR(0));
	const struct bytes blob = BYTES("ab\1\2\3k");
	/* From each token: where its string begins, and where its item ends. */
	static const struct receipt_cursor from[] = {
		{ 0, 0 }, { 1, 0 }, { 2, 2 }, { 3, 2 }, { 4, 2 }, { 5, 5 },
		{ 6, 6 }, { 7, 6 }, { 8, 6 }, { 9, 6 }, { 10, 6 }, { 11, 6 },
		{ 12, 6 },
	};
	static const struct receipt_cursor to[] = {
		{ 13, 6 }, { 2, 2 }, { 11, 6 }, { 4, 2 }, { 5, 5 }, { 6, 6 },
		{ 11, 6 }, { 8, 6 }, { 10, 6 }, { 10, 6 }, { 11, 6 }, { 12, 6 },
		{ 13, 6 },
	};
	struct receipt_header hdr = receipt_kunit_header(test, &item, &blob);
	size_t i, size;

	KUNIT_ASSERT_EQ(test, item.n, ARRAY_SIZE(from));
	encode(test, &hdr, &size);
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		struct receipt_cursor cur = from[i];

		receipt_cbor_skip(&hdr, &cur);
		KUNIT_EXPECT_EQ_MSG(test, cur.token, to[i].token, "token %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, cur.blob, to[i].blob, "token %zu", i);
	}
}

static struct kunit_case cbor_cases[] = {
	KUNIT_CASE_PARAM(head, head_gen_params),
	KUNIT_CASE_SLOW(head_shortest),
	KUNIT_CASE_PARAM(encoded, encode_gen_params),
	KUNIT_CASE(encoded_strings),
	KUNIT_CASE(encoded_largest),
	KUNIT_CASE(encoded_size),
	KUNIT_CASE_PARAM(refused, refuse_gen_params),
	KUNIT_CASE(depth),
	KUNIT_CASE(depth_reused),
	KUNIT_CASE_SLOW(every_sequence),
	KUNIT_CASE(skip),
	{}
};

static struct kunit_suite cbor_suite = {
	.name = "receipt_cbor",
	.test_cases = cbor_cases,
};

kunit_test_suite(cbor_suite);
