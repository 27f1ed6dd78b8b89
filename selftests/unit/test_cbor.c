// SPDX-License-Identifier: MIT
/*
 * The strict reader and the tokeniser.
 */
#include "craft.h"

struct bad {
	const char *hex;
	enum receipt_reason reason;
	size_t offset;
};

static const struct bad bad_inputs[] = {
	/* nothing, and every kind of truncation */
	{ "", RECEIPT_REASON_CBOR, 0 },
	{ "18", RECEIPT_REASON_CBOR, 0 },
	{ "19 01", RECEIPT_REASON_CBOR, 0 },
	{ "1a 010203", RECEIPT_REASON_CBOR, 0 },
	{ "1b 01020304050607", RECEIPT_REASON_CBOR, 0 },
	{ "42 00", RECEIPT_REASON_CBOR, 0 },
	{ "62 61", RECEIPT_REASON_CBOR, 0 },
	{ "5b ffffffffffffffff", RECEIPT_REASON_CBOR, 0 },
	{ "7b 7fffffffffffffff 00", RECEIPT_REASON_CBOR, 0 },
	{ "82 01", RECEIPT_REASON_CBOR, 0 },
	{ "81", RECEIPT_REASON_CBOR, 0 },
	{ "9b ffffffffffffffff 01", RECEIPT_REASON_CBOR, 0 },
	{ "a1 01", RECEIPT_REASON_CBOR, 2 },
	{ "a1", RECEIPT_REASON_CBOR, 1 },
	{ "d2", RECEIPT_REASON_CBOR, 1 },
	{ "d8", RECEIPT_REASON_CBOR, 0 },
	/* heads that are not in their shortest form */
	{ "18 00", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "18 17", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "19 00ff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "1a 0000ffff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "1b 00000000ffffffff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "38 06", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "39 00ff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "58 01 00", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "59 0001 00", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "78 01 61", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "98 01 00", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "b8 01 00 00", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "d8 12 00", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "d9 0012 00", RECEIPT_REASON_NOT_PREFERRED, 0 },
	/* indefinite lengths, and a break for nothing */
	{ "5f 41 00 ff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "7f 61 61 ff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "9f 01 ff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "bf 01 02 ff", RECEIPT_REASON_NOT_PREFERRED, 0 },
	{ "ff", RECEIPT_REASON_CBOR, 0 },
	/* reserved additional information and simple values */
	{ "1c", RECEIPT_REASON_CBOR, 0 },
	{ "1d", RECEIPT_REASON_CBOR, 0 },
	{ "1e", RECEIPT_REASON_CBOR, 0 },
	{ "1f", RECEIPT_REASON_CBOR, 0 },
	{ "3f", RECEIPT_REASON_CBOR, 0 },
	{ "5c", RECEIPT_REASON_CBOR, 0 },
	{ "dc", RECEIPT_REASON_CBOR, 0 },
	{ "df", RECEIPT_REASON_CBOR, 0 },
	{ "e0", RECEIPT_REASON_CBOR, 0 },
	{ "f3", RECEIPT_REASON_CBOR, 0 },
	{ "f8 18", RECEIPT_REASON_CBOR, 0 },
	{ "f8 ff", RECEIPT_REASON_CBOR, 0 },
	{ "fc", RECEIPT_REASON_CBOR, 0 },
	/* floating point */
	{ "f9 3c00", RECEIPT_REASON_CBOR, 0 },
	{ "fa 47c35000", RECEIPT_REASON_CBOR, 0 },
	{ "81 fb 3ff199999999999a", RECEIPT_REASON_CBOR, 1 },
	/* text that is not UTF-8 */
	{ "61 80", RECEIPT_REASON_CBOR, 0 },
	{ "62 c080", RECEIPT_REASON_CBOR, 0 },
	{ "63 eda080", RECEIPT_REASON_CBOR, 0 },
	{ "64 f4908080", RECEIPT_REASON_CBOR, 0 },
	{ "82 00 61 ff", RECEIPT_REASON_CBOR, 2 },
	/* keys: twice, at any level, of any kind; containers */
	{ "a2 01 00 01 00", RECEIPT_REASON_DUPLICATE_LABEL, 3 },
	{ "a2 20 00 20 01", RECEIPT_REASON_DUPLICATE_LABEL, 3 },
	{ "a2 6161 00 6161 00", RECEIPT_REASON_DUPLICATE_LABEL, 4 },
	{ "a2 4161 00 4161 00", RECEIPT_REASON_DUPLICATE_LABEL, 4 },
	{ "a2 f5 00 f5 00", RECEIPT_REASON_DUPLICATE_LABEL, 3 },
	{ "a3 01 00 02 00 01 00", RECEIPT_REASON_DUPLICATE_LABEL, 5 },
	{ "a1 0f a2 01 00 01 00", RECEIPT_REASON_DUPLICATE_LABEL, 5 },
	{ "81 a1 0f 81 a2 02 00 02 00", RECEIPT_REASON_DUPLICATE_LABEL, 7 },
	{ "a2 01 a2 05 00 06 00 01 00", RECEIPT_REASON_DUPLICATE_LABEL, 7 },
	{ "a1 80 00", RECEIPT_REASON_STRUCTURE, 1 },
	{ "a1 a0 00", RECEIPT_REASON_STRUCTURE, 1 },
	{ "a1 c1 00 00", RECEIPT_REASON_STRUCTURE, 1 },
	/* bounds */
	{ "b8 41 00", RECEIPT_REASON_BOUND, 0 },
	{ "bb 8000000000000000 00", RECEIPT_REASON_BOUND, 0 },
	{ "81818181 81818181 81818181 81818181 81 00", RECEIPT_REASON_BOUND, 16 },
	{ "c1c1c1c1 c1c1c1c1 c1c1c1c1 c1c1c1c1 c1 00", RECEIPT_REASON_BOUND, 16 },
	{ "81818181 81818181 81818181 81818181 81 80", RECEIPT_REASON_BOUND, 16 },
	/* something behind */
	{ "00 00", RECEIPT_REASON_TRAILING, 1 },
	{ "80 80", RECEIPT_REASON_TRAILING, 1 },
	{ "a0 ff", RECEIPT_REASON_TRAILING, 1 },
};

static const char *const good_inputs[] = {
	"00", "17", "18 18", "18 ff", "19 0100", "1a 00010000", "1b 0000000100000000",
	"1b ffffffffffffffff", "20", "38 18", "3b ffffffffffffffff", "40", "41 00", "60",
	"62 c3a9", "64 f09f9880", "80", "82 01 02", "a0", "a1 01 02", "a2 01 00 02 00",
	"a2 01 00 20 00", "a2 01 00 6101 00", "a2 6161 00 4161 00", "c1 00", "d2 84 40 a0 40 40",
	"d8 18 00", "db ffffffffffffffff 00", "f4", "f5", "f6", "f7",
	/* equal keys in maps of their own */
	"82 a1 01 00 a1 01 00", "a2 01 a1 02 00 02 a1 02 00", "a1 01 a1 01 00",
	/* as deep as it may be */
	"81818181 81818181 81818181 81818181 00", "c1c1c1c1 c1c1c1c1 c1c1c1c1 c1c1c1c1 00",
	"81818181 81818181 81818181 81818181 80",
};

static int read_whole(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_reader r;

	rcpt_reader_init(&r, in, err);
	if (rcpt_skip(&r, NULL))
		return r.failed;
	return rcpt_read_end(&r);
}

/* An exact copy on the heap, so that ASan sees a byte too many being read. */
static struct rcpt_span exact(const struct craft *c, uint8_t **copy)
{
	*copy = malloc(c->len ? c->len : 1);
	assert_non_null(*copy);
	if (c->len)
		memcpy(*copy, c->data, c->len);
	return rcpt_span(*copy, c->len);
}

static void check_bad(const struct bad *bad)
{
	struct craft in = craft_hex(bad->hex);
	struct rcpt_tokens tokens;
	struct rcpt_error err;
	uint8_t *copy;
	struct rcpt_span span = exact(&in, &copy);
	int ret = read_whole(span, &err);

	if (ret != -RCPT_MALFORMED || err.reason != bad->reason || err.offset != bad->offset)
		fail_msg("%s: status %d, %s at %zu: %s", bad->hex, -ret,
			 rcpt_reason_text(err.reason), err.offset, err.text);
	assert_int_equal(rcpt_tokenise(span, &tokens, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, bad->reason);
	assert_null(tokens.tokens);
	free(copy);
}

static void refuses_bad_input(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_inputs) / sizeof(bad_inputs[0]); i++)
		check_bad(&bad_inputs[i]);
}

/* Tokens encode to what they were made from: what the kernel relies on. */
static void check_tokens(struct rcpt_span in, const struct rcpt_tokens *t)
{
	struct craft out = { .len = 0 };
	const uint8_t *blob = t->blob;
	size_t i;

	for (i = 0; i < t->count; i++) {
		craft_head(&out, t->tokens[i].major, t->tokens[i].arg);
		if (t->tokens[i].major != RCPT_BYTES && t->tokens[i].major != RCPT_TEXT)
			continue;
		craft_add(&out, blob, t->tokens[i].arg);
		blob += t->tokens[i].arg;
	}
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.data, in.data, in.len);
	assert_int_equal(blob - t->blob, t->blob_len);
}

/* What failed first is what is told, whatever is said later. */
static void tells_of_the_first_failure_alone(void **state)
{
	struct craft in = craft_hex("18");
	struct rcpt_reader r;
	struct rcpt_head head;
	struct rcpt_error err;

	(void)state;
	rcpt_reader_init(&r, craft_span(&in), &err);
	assert_int_equal(rcpt_read(&r, &head), -RCPT_MALFORMED);
	assert_int_equal(rcpt_reader_fail(&r, RECEIPT_REASON_BOUND, 7, "later"), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_CBOR);
	assert_int_equal(err.offset, 0);
}

/* Readers go a level deeper than the kernel does. */
static void bounds_the_depth_of_tokens(void **state)
{
	static const struct { const char *hex; int status; } rows[] = {
		{ "81818181 81818181 81818181 81818181 00", 0 },
		{ "c1c1c1c1 c1c1c1c1 c1c1c1c1 c1c1c1c1 80", 0 },
		{ "81818181 81818181 81818181 81818181 81 00", -RCPT_MALFORMED },
		{ "c1c1c1c1 c1c1c1c1 c1c1c1c1 c1c1c1c1 81 00", -RCPT_MALFORMED },
	};
	struct rcpt_tokens tokens;
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct craft in = craft_hex(rows[i].hex);

		assert_int_equal(rcpt_tokenise(craft_span(&in), &tokens, &err), rows[i].status);
		if (!rows[i].status) {
			rcpt_tokens_free(&tokens);
			continue;
		}
		assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
		assert_int_equal(err.offset, 16);
		assert_null(tokens.tokens);
	}
}

static void takes_good_input(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good_inputs) / sizeof(good_inputs[0]); i++) {
		struct craft in = craft_hex(good_inputs[i]);
		struct rcpt_tokens tokens;
		struct rcpt_error err;
		uint8_t *copy;
		struct rcpt_span span = exact(&in, &copy);

		if (read_whole(span, &err))
			fail_msg("%s: %s at %zu", good_inputs[i], err.text, err.offset);
		assert_int_equal(rcpt_tokenise(span, &tokens, &err), 0);
		check_tokens(span, &tokens);
		rcpt_tokens_free(&tokens);
		free(copy);
	}
}

static void refuses_every_truncation(void **state)
{
	struct craft in = craft_hex("a4 01 38 22 04 4a 00112233445566778899 0f a3 01 63 616263"
				    "06 c1 1a 6553f100 63 73766e 07 18 21 82 41 00 41 01");
	struct rcpt_error err;
	size_t n;

	(void)state;
	assert_int_equal(read_whole(craft_span(&in), &err), 0);
	for (n = 0; n < in.len; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, in.data, n);
		/* ASan catches reads over n only with an exact allocation */
		copy = realloc(copy, n ? n : 1);
		assert_int_equal(read_whole(rcpt_span(copy, n), &err), -RCPT_MALFORMED);
		assert_int_equal(err.reason, RECEIPT_REASON_CBOR);
		free(copy);
	}
}

static void counts_offsets_from_the_whole_input(void **state)
{
	struct craft in = craft_hex("18 00");
	struct rcpt_span span = craft_span(&in);
	struct rcpt_error err;

	(void)state;
	span.offset = 1000;
	assert_int_equal(read_whole(span, &err), -RCPT_MALFORMED);
	assert_int_equal(err.offset, 1000);
}

static void keeps_the_first_failure(void **state)
{
	struct craft in = craft_hex("82 18 00 00");
	struct rcpt_reader r;
	struct rcpt_head head;
	struct rcpt_error err;
	uint64_t count;

	(void)state;
	rcpt_reader_init(&r, craft_span(&in), &err);
	assert_int_equal(rcpt_read_array(&r, &count, "x"), 0);
	assert_int_equal(rcpt_read(&r, &head), -RCPT_MALFORMED);
	assert_int_equal(rcpt_read(&r, &head), -RCPT_MALFORMED);
	assert_int_equal(rcpt_read_end(&r), -RCPT_MALFORMED);
	assert_int_equal(rcpt_skip(&r, NULL), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_NOT_PREFERRED);
	assert_int_equal(err.offset, 1);
}

static void yields_heads(void **state)
{
	struct craft in = craft_hex("a1 61 6b 82 20 f5");
	struct rcpt_reader r;
	struct rcpt_head h;

	(void)state;
	rcpt_reader_init(&r, craft_span(&in), NULL);
	assert_int_equal(rcpt_read(&r, &h), 0);
	assert_int_equal(h.major, RCPT_MAP);
	assert_false(h.key);
	assert_int_equal(rcpt_read(&r, &h), 0);
	assert_true(h.key);
	assert_int_equal(h.string.len, 1);
	assert_int_equal(h.string.offset, 2);
	assert_int_equal(rcpt_read(&r, &h), 0);
	assert_int_equal(h.major, RCPT_ARRAY);
	assert_int_equal(h.offset, 3);
	assert_int_equal(r.depth, 2);
	assert_int_equal(rcpt_read_end(&r), -RCPT_MALFORMED);
}

static void skips_whole_items(void **state)
{
	struct craft in = craft_hex("83 82 01 a1 02 03 c1 80 40");
	struct rcpt_reader r;
	struct rcpt_span raw;
	uint64_t count;

	(void)state;
	rcpt_reader_init(&r, craft_span(&in), NULL);
	assert_int_equal(rcpt_read_array(&r, &count, "x"), 0);
	assert_int_equal(rcpt_skip(&r, &raw), 0);
	assert_int_equal(raw.len, 5);
	assert_int_equal(raw.offset, 1);
	assert_int_equal(rcpt_skip(&r, &raw), 0);
	assert_int_equal(raw.len, 2);
	assert_int_equal(rcpt_skip(&r, &raw), 0);
	assert_int_equal(raw.len, 1);
	assert_int_equal(rcpt_read_end(&r), 0);
}

/* Each reading function refuses each type but its own. */
static int read_as(int type, struct rcpt_reader *r)
{
	struct rcpt_span span;
	uint8_t hash[32];
	uint64_t u;
	int64_t i;
	bool b;

	switch (type) {
	case 0: return rcpt_read_uint(r, &u, "x");
	case 1: return rcpt_read_int(r, &i, "x");
	case 2: return rcpt_read_bytes(r, &span, "x");
	case 3: return rcpt_read_text(r, &span, "x");
	case 4: return rcpt_read_array(r, &u, "x");
	case 5: return rcpt_read_map(r, &u, "x");
	case 6: return rcpt_read_bool(r, &b, "x");
	default: return rcpt_read_hash(r, hash, "x");
	}
}

static void refuses_other_types(void **state)
{
	/* a bit for each reading function that takes it */
	static const struct { const char *hex; unsigned int takes; } items[] = {
		{ "00", 3 }, { "20", 2 }, { "41 00", 4 }, { "61 61", 8 }, { "80", 16 },
		{ "a0", 32 }, { "f5", 64 }, { "f4", 64 }, { "f6", 0 }, { "f7", 0 },
		{ "c1 00", 0 }, { "1b 8000000000000000", 1 }, { "3b 8000000000000000", 0 },
		{ "3b 7fffffffffffffff", 2 },
		{ "5820 0000000000000000000000000000000000000000000000000000000000000000",
		  4 | 128 },
	};
	struct rcpt_reader r;
	size_t i;
	int type;

	(void)state;
	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		struct craft in = craft_hex(items[i].hex);

		for (type = 0; type < 8; type++) {
			rcpt_reader_init(&r, craft_span(&in), NULL);
			if (!read_as(type, &r) != !!(items[i].takes & 1 << type))
				fail_msg("%s as %d", items[i].hex, type);
		}
	}
}

static void reads_integers_to_their_ends(void **state)
{
	struct craft low = craft_hex("3b 7fffffffffffffff");
	struct craft high = craft_hex("1b 7fffffffffffffff");
	struct rcpt_reader r;
	int64_t value;

	(void)state;
	rcpt_reader_init(&r, craft_span(&low), NULL);
	assert_int_equal(rcpt_read_int(&r, &value, "x"), 0);
	assert_true(value == INT64_MIN);
	rcpt_reader_init(&r, craft_span(&high), NULL);
	assert_int_equal(rcpt_read_int(&r, &value, "x"), 0);
	assert_true(value == INT64_MAX);
}

static uint8_t *array_of(size_t n, uint8_t item, size_t *len)
{
	uint8_t *data = malloc(n + 9);

	assert_non_null(data);
	*len = rcpt_cbor_head(data, RCPT_ARRAY, n);
	memset(data + *len, item, n);
	*len += n;
	return data;
}

static void bounds_tokens(void **state)
{
	struct rcpt_tokens tokens;
	struct rcpt_error err;
	uint8_t *data;
	size_t len;

	(void)state;
	data = array_of(RECEIPT_MAX_TOKENS - 1, 0, &len);
	assert_int_equal(rcpt_tokenise(rcpt_span(data, len), &tokens, &err), 0);
	assert_int_equal(tokens.count, RECEIPT_MAX_TOKENS);
	assert_null(tokens.blob);
	rcpt_tokens_free(&tokens);
	free(data);
	data = array_of(RECEIPT_MAX_TOKENS, 0, &len);
	assert_int_equal(rcpt_tokenise(rcpt_span(data, len), &tokens, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	/* the reader alone has no such bound */
	assert_int_equal(read_whole(rcpt_span(data, len), &err), 0);
	free(data);
}

static void bounds_the_blob(void **state)
{
	size_t len = RECEIPT_MAX_BLOB + 1, head;
	uint8_t *data = calloc(1, len + 9);
	struct rcpt_tokens tokens;
	struct rcpt_error err;

	(void)state;
	head = rcpt_cbor_head(data, RCPT_BYTES, RECEIPT_MAX_BLOB);
	assert_int_equal(rcpt_tokenise(rcpt_span(data, head + len - 1), &tokens, &err), 0);
	assert_int_equal(tokens.blob_len, RECEIPT_MAX_BLOB);
	rcpt_tokens_free(&tokens);
	head = rcpt_cbor_head(data, RCPT_BYTES, len);
	assert_int_equal(rcpt_tokenise(rcpt_span(data, head + len), &tokens, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	free(data);
}

static void bounds_maps(void **state)
{
	struct craft in = { .len = 0 };
	struct rcpt_error err;
	int i;

	(void)state;
	craft_head(&in, RCPT_MAP, RECEIPT_MAX_MAP);
	for (i = 0; i < RECEIPT_MAX_MAP; i++) {
		craft_int(&in, i);
		craft_int(&in, 0);
	}
	assert_int_equal(read_whole(craft_span(&in), &err), 0);
	/* the last key made equal to the first */
	in.data[in.len - 3] = 0x00;
	in.data[in.len - 2] = 0x00;
	in.len--;
	assert_int_equal(read_whole(craft_span(&in), &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_DUPLICATE_LABEL);
}

static void bounds_the_input(void **state)
{
	struct rcpt_error err;
	uint8_t byte = 0;

	(void)state;
	/* refused by its size, before anything is read */
	assert_int_equal(read_whole(rcpt_span(&byte, (size_t)RCPT_MAX_INPUT + 1), &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
}

static void encodes_heads(void **state)
{
	static const struct { uint64_t arg; size_t size; } rows[] = {
		{ 0, 1 }, { 23, 1 }, { 24, 2 }, { 255, 2 }, { 256, 3 }, { 65535, 3 },
		{ 65536, 5 }, { UINT32_MAX, 5 }, { (uint64_t)UINT32_MAX + 1, 9 },
		{ UINT64_MAX, 9 },
	};
	struct rcpt_reader r;
	struct rcpt_head h;
	uint8_t out[9];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(rcpt_cbor_head(out, RCPT_NINT, rows[i].arg), rows[i].size);
		rcpt_reader_init(&r, rcpt_span(out, rows[i].size), NULL);
		assert_int_equal(rcpt_read(&r, &h), 0);
		assert_true(h.arg == rows[i].arg && h.major == RCPT_NINT);
	}
}

static void judges_utf8(void **state)
{
	static const struct { const char *hex; bool valid; } rows[] = {
		{ "", true }, { "00", true }, { "7f", true }, { "80", false }, { "bf", false },
		{ "c1bf", false }, { "c280", true }, { "dfbf", true }, { "c2", false },
		{ "c241", false }, { "e09fbf", false }, { "e0a080", true }, { "ed9fbf", true },
		{ "eda080", false }, { "edbfbf", false }, { "ee8080", true }, { "efbfbf", true },
		{ "efbf", false }, { "f08fbfbf", false }, { "f0908080", true },
		{ "f48fbfbf", true }, { "f4908080", false }, { "f8888080", false },
		{ "f0908041", false }, { "ff", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct craft in = craft_hex(rows[i].hex);

		if (rcpt_utf8_valid(in.data, in.len) != rows[i].valid)
			fail_msg("%s", rows[i].hex);
	}
}

static void knows_reasons(void **state)
{
	(void)state;
	assert_string_equal(rcpt_reason_text(RECEIPT_REASON_CBOR), "malformed-cbor");
	assert_string_equal(rcpt_reason_text(RECEIPT_REASON_ALLOWED), "allowed");
	assert_string_equal(rcpt_reason_text(39), "unknown-reason");
	assert_string_equal(rcpt_reason_text(-1), "unknown-reason");
	assert_string_equal(rcpt_reason_text(100000), "unknown-reason");
	assert_int_equal(rcpt_fail(NULL, RCPT_INVALID, RECEIPT_REASON_CBOR, 0, "x"),
			 -RCPT_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_input),
		cmocka_unit_test(takes_good_input),
		cmocka_unit_test(bounds_the_depth_of_tokens),
		cmocka_unit_test(tells_of_the_first_failure_alone),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(counts_offsets_from_the_whole_input),
		cmocka_unit_test(keeps_the_first_failure),
		cmocka_unit_test(yields_heads),
		cmocka_unit_test(skips_whole_items),
		cmocka_unit_test(refuses_other_types),
		cmocka_unit_test(reads_integers_to_their_ends),
		cmocka_unit_test(bounds_tokens),
		cmocka_unit_test(bounds_the_blob),
		cmocka_unit_test(bounds_maps),
		cmocka_unit_test(bounds_the_input),
		cmocka_unit_test(encodes_heads),
		cmocka_unit_test(judges_utf8),
		cmocka_unit_test(knows_reasons),
	};

	return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
