// SPDX-License-Identifier: MIT
/*
 * Strict reading of CBOR (RFC 8949), over libcbor's streaming decoder.
 *
 * libcbor takes heads apart; here stands everything that says which of them are
 * good. One accepted form per content, so that what the kernel encodes from
 * tokens is what was read.
 */
#include <cbor.h>
#include <stdlib.h>
#include <string.h>

#include "receipt.h"

/* What libcbor's callbacks say of one head. */
struct decoded {
	int major;		/* -1: float or break, -2: indefinite length */
	uint64_t arg;
	const uint8_t *string;
};

static void decoded_set(void *ctx, int major, uint64_t arg)
{
	struct decoded *d = ctx;

	d->major = major;
	d->arg = arg;
}

static void on_uint8(void *ctx, uint8_t v) { decoded_set(ctx, RCPT_UINT, v); }
static void on_uint16(void *ctx, uint16_t v) { decoded_set(ctx, RCPT_UINT, v); }
static void on_uint32(void *ctx, uint32_t v) { decoded_set(ctx, RCPT_UINT, v); }
static void on_uint64(void *ctx, uint64_t v) { decoded_set(ctx, RCPT_UINT, v); }
static void on_nint8(void *ctx, uint8_t v) { decoded_set(ctx, RCPT_NINT, v); }
static void on_nint16(void *ctx, uint16_t v) { decoded_set(ctx, RCPT_NINT, v); }
static void on_nint32(void *ctx, uint32_t v) { decoded_set(ctx, RCPT_NINT, v); }
static void on_nint64(void *ctx, uint64_t v) { decoded_set(ctx, RCPT_NINT, v); }
static void on_array(void *ctx, size_t n) { decoded_set(ctx, RCPT_ARRAY, n); }
static void on_map(void *ctx, size_t n) { decoded_set(ctx, RCPT_MAP, n); }
static void on_tag(void *ctx, uint64_t v) { decoded_set(ctx, RCPT_TAG, v); }
static void on_null(void *ctx) { decoded_set(ctx, RCPT_SIMPLE, RCPT_NULL); }
static void on_undef(void *ctx) { decoded_set(ctx, RCPT_SIMPLE, RCPT_UNDEFINED); }
static void on_float(void *ctx, float v) { (void)v; decoded_set(ctx, -1, 0); }
static void on_double(void *ctx, double v) { (void)v; decoded_set(ctx, -1, 0); }
static void on_break(void *ctx) { decoded_set(ctx, -1, 0); }
static void on_indefinite(void *ctx) { decoded_set(ctx, -2, 0); }

static void on_bool(void *ctx, bool v)
{
	decoded_set(ctx, RCPT_SIMPLE, v ? RCPT_TRUE : RCPT_FALSE);
}

static void on_bytes(void *ctx, cbor_data data, size_t len)
{
	decoded_set(ctx, RCPT_BYTES, len);
	((struct decoded *)ctx)->string = data;
}

static void on_text(void *ctx, cbor_data data, size_t len)
{
	decoded_set(ctx, RCPT_TEXT, len);
	((struct decoded *)ctx)->string = data;
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_nint8,
	.negint16 = on_nint16,
	.negint32 = on_nint32,
	.negint64 = on_nint64,
	.byte_string = on_bytes,
	.byte_string_start = on_indefinite,
	.string = on_text,
	.string_start = on_indefinite,
	.array_start = on_array,
	.indef_array_start = on_indefinite,
	.map_start = on_map,
	.indef_map_start = on_indefinite,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.boolean = on_bool,
	.null = on_null,
	.undefined = on_undef,
	.indef_break = on_break,
};

/**
 * rcpt_reader_init() - start reading
 * @r: reader
 * @in: input; its offset is the one that errors count from
 * @err: filled by the first failure, or NULL
 */
void rcpt_reader_init(struct rcpt_reader *r, struct rcpt_span in,
		      struct rcpt_error *err)
{
	r->in = in;
	r->pos = 0;
	r->err = err;
	r->failed = 0;
	r->depth = 0;
	if (in.len > RCPT_MAX_INPUT)
		rcpt_reader_fail(r, RECEIPT_REASON_BOUND, in.offset,
				 "input is over %u bytes", RCPT_MAX_INPUT);
}

/**
 * rcpt_reader_fail() - refuse the input as malformed
 * @r: reader; it yields nothing more
 * @reason: for machines
 * @offset: in the whole input
 * @fmt: text for people
 *
 * Return: -RCPT_MALFORMED, or what failed first.
 */
int rcpt_reader_fail(struct rcpt_reader *r, enum receipt_reason reason,
		     size_t offset, const char *fmt, ...)
{
	char text[sizeof(((struct rcpt_error *)0)->text)];
	va_list args;

	if (r->failed)
		return r->failed;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->failed = rcpt_fail(r->err, RCPT_MALFORMED, reason, offset, "%s", text);
	return r->failed;
}

/* Why libcbor takes a head for an error. */
static int bad_head(struct rcpt_reader *r)
{
	size_t at = r->in.offset + r->pos;
	uint8_t byte = r->in.data[r->pos];

	if (byte >> 5 == RCPT_SIMPLE && (byte & 31) <= 24)
		return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, at,
					"reserved simple value");
	return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, at,
				"reserved additional information %u", byte & 31);
}

static int odd_head(struct rcpt_reader *r, int major)
{
	size_t at = r->in.offset + r->pos;

	if (major == -2)
		return rcpt_reader_fail(r, RECEIPT_REASON_NOT_PREFERRED, at,
					"indefinite length");
	if (r->in.data[r->pos] == 0xff)
		return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, at,
					"break without an indefinite length");
	return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, at,
				"floating-point values are not accepted");
}

static size_t head_size(uint64_t arg)
{
	if (arg < 24)
		return 1;
	if (arg <= UINT8_MAX)
		return 2;
	if (arg <= UINT16_MAX)
		return 3;
	return arg <= UINT32_MAX ? 5 : 9;
}

/*
 * The decoder of libcbor 0.8 takes one-byte tags without a meaning of their own
 * in RFC 7049 for errors, and 18 (COSE_Sign1) is one. They are read here.
 */
static struct cbor_decoder_result stream_decode(const uint8_t *at, size_t len,
						struct decoded *d)
{
	if (*at >> 5 != RCPT_TAG || (*at & 31) >= 24)
		return cbor_stream_decode(at, len, &callbacks, d);
	decoded_set(d, RCPT_TAG, *at & 31);
	return (struct cbor_decoder_result){ .read = 1,
					     .status = CBOR_DECODER_FINISHED };
}

static size_t string_len(const struct rcpt_head *head)
{
	return head->major == RCPT_BYTES || head->major == RCPT_TEXT ? head->arg : 0;
}

/* One head by libcbor, and that it is in its shortest form. */
static int decode(struct rcpt_reader *r, struct rcpt_head *head, size_t *size)
{
	struct decoded d = { .major = -1 };
	struct cbor_decoder_result res;

	head->offset = r->in.offset + r->pos;
	if (r->pos == r->in.len)
		return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, head->offset,
					"truncated");
	res = stream_decode(r->in.data + r->pos, r->in.len - r->pos, &d);
	if (res.status == CBOR_DECODER_NEDATA)
		return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, head->offset,
					"truncated");
	if (res.status != CBOR_DECODER_FINISHED)
		return bad_head(r);
	if (d.major < 0)
		return odd_head(r, d.major);
	head->major = d.major;
	head->arg = d.arg;
	head->string = (struct rcpt_span){ 0 };
	if (res.read != head_size(d.arg) + string_len(head))
		return rcpt_reader_fail(r, RECEIPT_REASON_NOT_PREFERRED, head->offset,
					"head is not in its shortest form");
	if (d.string) {
		head->string.data = d.string;
		head->string.len = d.arg;
		head->string.offset = head->offset + head_size(d.arg);
	}
	*size = res.read;
	return 0;
}

static int check_text(struct rcpt_reader *r, const struct rcpt_head *head)
{
	if (head->major != RCPT_TEXT ||
	    rcpt_utf8_valid(head->string.data, head->string.len))
		return 0;
	return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, head->offset,
				"text is not UTF-8");
}

/* A key is one head, never a container, and none of the keys before it. */
static int check_key(struct rcpt_reader *r, const struct rcpt_head *head, size_t size)
{
	struct rcpt_frame *frame = &r->frames[r->depth - 1];
	const uint8_t *key = r->in.data + r->pos;
	unsigned int i;

	if (head->major == RCPT_ARRAY || head->major == RCPT_MAP ||
	    head->major == RCPT_TAG)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head->offset,
					"map key is an array, a map or a tag");
	for (i = 0; i < frame->nkeys; i++)
		if (frame->keys[i].len == size &&
		    !memcmp(r->in.data + frame->keys[i].pos, key, size))
			return rcpt_reader_fail(r, RECEIPT_REASON_DUPLICATE_LABEL,
						head->offset, "duplicate map key");
	frame->keys[i].pos = r->pos;
	frame->keys[i].len = size;
	frame->nkeys++;
	return 0;
}

/* Items inside of a head; 0 when it is complete in itself. */
static uint64_t children(const struct rcpt_head *head)
{
	if (head->major == RCPT_ARRAY)
		return head->arg;
	if (head->major == RCPT_MAP)
		return 2 * head->arg;
	return head->major == RCPT_TAG;
}

/* What is empty is no level. */
static int open_frame(struct rcpt_reader *r, const struct rcpt_head *head,
		      size_t size)
{
	uint64_t left = r->in.len - r->pos - size;
	struct rcpt_frame *frame;

	if (head->major == RCPT_MAP && head->arg > RECEIPT_MAX_MAP)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, head->offset,
					"map of over %d pairs", RECEIPT_MAX_MAP);
	if (head->major == RCPT_ARRAY && head->arg > left)
		return rcpt_reader_fail(r, RECEIPT_REASON_CBOR, head->offset,
					"truncated");
	if (!children(head))
		return 0;
	if (r->depth == RECEIPT_MAX_DEPTH)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, head->offset,
					"nested over %d deep", RECEIPT_MAX_DEPTH);
	frame = &r->frames[r->depth++];
	frame->left = children(head);
	frame->map = head->major == RCPT_MAP;
	frame->nkeys = 0;
	return 0;
}

static void close_frames(struct rcpt_reader *r)
{
	while (r->depth && !--r->frames[r->depth - 1].left)
		r->depth--;
}

static bool opens(const struct rcpt_head *head)
{
	return head->major >= RCPT_ARRAY && head->major <= RCPT_TAG;
}

/**
 * rcpt_read() - read the next head
 * @r: reader
 * @head: result; zeroed on failure
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read(struct rcpt_reader *r, struct rcpt_head *head)
{
	struct rcpt_frame *frame = r->depth ? &r->frames[r->depth - 1] : NULL;
	size_t size = 0;

	memset(head, 0, sizeof(*head));
	if (r->failed || decode(r, head, &size) || check_text(r, head))
		goto fail;
	head->key = frame && frame->map && frame->left % 2 == 0;
	if (head->key && check_key(r, head, size))
		goto fail;
	if (opens(head) && open_frame(r, head, size))
		goto fail;
	r->pos += size;
	if (!children(head))
		close_frames(r);
	return 0;
fail:
	memset(head, 0, sizeof(*head));
	return r->failed;
}

/**
 * rcpt_read_end() - insist that nothing is left
 * @r: reader
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_end(struct rcpt_reader *r)
{
	if (r->failed)
		return r->failed;
	if (r->depth)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE,
					r->in.offset + r->pos, "more elements than expected");
	if (r->pos != r->in.len)
		return rcpt_reader_fail(r, RECEIPT_REASON_TRAILING,
					r->in.offset + r->pos, "%zu trailing bytes",
					r->in.len - r->pos);
	return 0;
}

/**
 * rcpt_skip_value() - read what a head contains
 * @r: reader, just behind @head
 * @head: the last head that was read
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_skip_value(struct rcpt_reader *r, const struct rcpt_head *head)
{
	unsigned int depth = r->depth;
	struct rcpt_head inner;

	if (!children(head))
		return r->failed;
	while (!r->failed && r->depth >= depth)
		rcpt_read(r, &inner);
	return r->failed;
}

/**
 * rcpt_skip() - read one whole item
 * @r: reader
 * @raw: its bytes, or NULL
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_skip(struct rcpt_reader *r, struct rcpt_span *raw)
{
	size_t start = r->pos;
	struct rcpt_head head;

	if (rcpt_read(r, &head) || rcpt_skip_value(r, &head))
		return r->failed;
	if (raw)
		*raw = (struct rcpt_span){ r->in.data + start, r->pos - start,
					   r->in.offset + start };
	return 0;
}

static int expect(struct rcpt_reader *r, struct rcpt_head *head, int major,
		  const char *type, const char *what)
{
	if (rcpt_read(r, head) || head->major == major)
		return r->failed;
	return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head->offset,
				"%s: %s expected", what, type);
}

/**
 * rcpt_read_array() - read the head of an array
 * @r: reader
 * @count: its elements, all of which are to be read
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_array(struct rcpt_reader *r, uint64_t *count, const char *what)
{
	struct rcpt_head head;
	int ret = expect(r, &head, RCPT_ARRAY, "array", what);

	*count = ret ? 0 : head.arg;
	return ret;
}

/**
 * rcpt_read_map() - read the head of a map
 * @r: reader
 * @count: its pairs, all of which are to be read
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_map(struct rcpt_reader *r, uint64_t *count, const char *what)
{
	struct rcpt_head head;
	int ret = expect(r, &head, RCPT_MAP, "map", what);

	*count = ret ? 0 : head.arg;
	return ret;
}

/**
 * rcpt_read_bytes() - read a byte string
 * @r: reader
 * @out: content
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_bytes(struct rcpt_reader *r, struct rcpt_span *out, const char *what)
{
	struct rcpt_head head;
	int ret = expect(r, &head, RCPT_BYTES, "byte string", what);

	*out = head.string;
	return ret;
}

/**
 * rcpt_read_text() - read a text string
 * @r: reader
 * @out: content, UTF-8, without a final zero
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_text(struct rcpt_reader *r, struct rcpt_span *out, const char *what)
{
	struct rcpt_head head;
	int ret = expect(r, &head, RCPT_TEXT, "text", what);

	*out = head.string;
	return ret;
}

/**
 * rcpt_read_uint() - read an unsigned integer
 * @r: reader
 * @out: value
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_uint(struct rcpt_reader *r, uint64_t *out, const char *what)
{
	struct rcpt_head head;
	int ret = expect(r, &head, RCPT_UINT, "unsigned integer", what);

	*out = ret ? 0 : head.arg;
	return ret;
}

/**
 * rcpt_head_int() - the integer that a head is
 * @head: head
 * @out: value
 *
 * Return: whether it is one that 64 bits with a sign can hold.
 */
bool rcpt_head_int(const struct rcpt_head *head, int64_t *out)
{
	if (head->major > RCPT_NINT || head->arg > INT64_MAX)
		return false;
	*out = head->major == RCPT_UINT ? (int64_t)head->arg : -1 - (int64_t)head->arg;
	return true;
}

/**
 * rcpt_read_int() - read an integer
 * @r: reader
 * @out: value
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_int(struct rcpt_reader *r, int64_t *out, const char *what)
{
	struct rcpt_head head;

	*out = 0;
	if (rcpt_read(r, &head) || rcpt_head_int(&head, out))
		return r->failed;
	return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
				"%s: integer of 64 bits expected", what);
}

/**
 * rcpt_read_bool() - read true or false
 * @r: reader
 * @out: value
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_bool(struct rcpt_reader *r, bool *out, const char *what)
{
	struct rcpt_head head;

	*out = false;
	if (expect(r, &head, RCPT_SIMPLE, "boolean", what))
		return r->failed;
	if (head.arg > RCPT_TRUE)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
					"%s: boolean expected", what);
	*out = head.arg == RCPT_TRUE;
	return 0;
}

/**
 * rcpt_read_hash() - read a byte string of 32 bytes
 * @r: reader
 * @out: content
 * @what: name of the thing, for the message
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_hash(struct rcpt_reader *r, uint8_t out[RECEIPT_HASH_SIZE],
		   const char *what)
{
	struct rcpt_span span;

	if (rcpt_read_bytes(r, &span, what))
		return r->failed;
	if (span.len != RECEIPT_HASH_SIZE)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, span.offset,
					"%s: %d bytes expected, not %zu", what,
					RECEIPT_HASH_SIZE, span.len);
	memcpy(out, span.data, RECEIPT_HASH_SIZE);
	return 0;
}

/* Bytes of the UTF-8 sequence at @p, 0 when it is none. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 :
		   *p >> 3 == 30 ? 4 : 0;
	uint32_t c = n ? *p & (0x7f >> (n > 1 ? n : 0)) : 0;
	size_t i;

	if (n == 1)
		return 1;
	if (!n || n > left)
		return 0;
	for (i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

/**
 * rcpt_utf8_valid() - check text
 * @data: bytes
 * @len: how many
 *
 * Return: whether they are well-formed UTF-8.
 */
bool rcpt_utf8_valid(const uint8_t *data, size_t len)
{
	size_t n;

	for (; len; data += n, len -= n) {
		n = utf8_sequence(data, len);
		if (!n)
			return false;
	}
	return true;
}

static int count_tokens(struct rcpt_span in, struct rcpt_tokens *out,
			struct rcpt_error *err)
{
	struct rcpt_reader r;
	struct rcpt_head head;

	rcpt_reader_init(&r, in, err);
	do {
		if (rcpt_read(&r, &head))
			return r.failed;
		out->count++;
		out->blob_len += head.string.len;
		if (out->count > RECEIPT_MAX_TOKENS)
			return rcpt_reader_fail(&r, RECEIPT_REASON_BOUND, head.offset,
						"over %d items", RECEIPT_MAX_TOKENS);
		if (out->blob_len > RECEIPT_MAX_BLOB)
			return rcpt_reader_fail(&r, RECEIPT_REASON_BOUND, head.offset,
						"strings of over %d bytes",
						RECEIPT_MAX_BLOB);
	} while (r.depth);
	return rcpt_read_end(&r);
}

static void fill_tokens(struct rcpt_span in, struct rcpt_tokens *out)
{
	struct rcpt_reader r;
	struct rcpt_head head;
	uint8_t *blob = out->blob;
	size_t i;

	rcpt_reader_init(&r, in, NULL);
	for (i = 0; i < out->count; i++) {
		rcpt_read(&r, &head);
		out->tokens[i].major = head.major;
		out->tokens[i].arg = head.arg;
		if (head.string.len)
			blob = mempcpy(blob, head.string.data, head.string.len);
	}
}

/**
 * rcpt_tokenise() - take one CBOR item apart for the kernel
 * @in: exactly the item
 * @out: result, for rcpt_tokens_free(); empty on failure
 * @err: what went wrong
 *
 * Return: 0; -RCPT_MALFORMED; -RCPT_SYSTEM without memory.
 */
int rcpt_tokenise(struct rcpt_span in, struct rcpt_tokens *out,
		  struct rcpt_error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = count_tokens(in, out, err);
	if (ret) {
		memset(out, 0, sizeof(*out));
		return ret;
	}
	out->tokens = calloc(out->count, sizeof(*out->tokens));
	out->blob = out->blob_len ? malloc(out->blob_len) : NULL;
	if (!out->tokens || (out->blob_len && !out->blob)) {
		rcpt_tokens_free(out);
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	}
	fill_tokens(in, out);
	return 0;
}

/**
 * rcpt_tokens_free() - free and empty
 * @tokens: as filled by rcpt_tokenise()
 */
void rcpt_tokens_free(struct rcpt_tokens *tokens)
{
	free(tokens->tokens);
	free(tokens->blob);
	memset(tokens, 0, sizeof(*tokens));
}

/**
 * rcpt_cbor_head() - encode a head in its shortest form
 * @out: room for it
 * @major: enum rcpt_major
 * @arg: its argument
 *
 * Return: bytes used of @out.
 */
size_t rcpt_cbor_head(uint8_t out[9], uint8_t major, uint64_t arg)
{
	size_t size = head_size(arg), i;
	static const uint8_t info[] = { [2] = 24, [3] = 25, [5] = 26, [9] = 27 };

	out[0] = major << 5 | (size == 1 ? (uint8_t)arg : info[size]);
	for (i = 1; i < size; i++)
		out[i] = arg >> 8 * (size - 1 - i);
	return size;
}
