// SPDX-License-Identifier: MIT
/*
 * CBOR diagnostic notation (RFC 8949 section 8), an element a line. Whatever is
 * well-formed is shown, also what no statement may have: long heads (6_1), indefinite
 * lengths ([_ ...]), floating point, duplicate keys. Byte strings that hold CBOR are
 * shown opened: << ... >>.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "receiptctl.h"

#define MAX_OPENED	8	/* byte strings opened in each other */
#define MAX_DEPTH	64	/* arrays, maps and tags in each other */
#define INDEFINITE	31

/**
 * struct diag - what is read, and where it is printed
 * @in: input
 * @pos: bytes of it that are read
 * @out: stream; NULL: only see whether it is well-formed
 * @err: filled by the first failure, or NULL
 * @failed: negative status of it
 * @indent: of a new line
 * @depth: open arrays, maps and tags
 * @opened: byte strings opened
 */
struct diag {
	struct rcpt_span in;
	size_t pos;
	FILE *out;
	struct rcpt_error *err;
	int failed;
	int indent;
	int depth;
	int opened;
};

/* A head; @info are the low five bits of its first byte. */
struct head {
	uint8_t major;
	uint8_t info;
	uint64_t arg;
	size_t offset;
};

static void print_item(struct diag *d);

static void refuse(struct diag *d, size_t offset, const char *text)
{
	if (!d->failed)
		d->failed = rcpt_fail(d->err, RCPT_MALFORMED, RECEIPT_REASON_CBOR, offset, "%s",
				      text);
}

static void put(struct diag *d, const char *text)
{
	if (d->out)
		fputs(text, d->out);
}

static void new_line(struct diag *d)
{
	if (d->out)
		fprintf(d->out, "\n%*s", 2 * d->indent, "");
}

static bool read_head(struct diag *d, struct head *h)
{
	size_t size, i;

	h->offset = d->in.offset + d->pos;
	if (d->pos == d->in.len) {
		refuse(d, h->offset, "truncated");
		return false;
	}
	h->major = d->in.data[d->pos] >> 5;
	h->info = d->in.data[d->pos++] & 31;
	size = h->info < 24 || h->info == INDEFINITE ? 0 : (size_t)1 << (h->info - 24);
	if (h->info > 27 && h->info < INDEFINITE)
		refuse(d, h->offset, "reserved additional information");
	else if (size > d->in.len - d->pos)
		refuse(d, h->offset, "truncated");
	if (d->failed)
		return false;
	h->arg = size ? 0 : h->info;
	for (i = 0; i < size; i++)
		h->arg = h->arg << 8 | d->in.data[d->pos++];
	return true;
}

/* Encoding indicator: _0 to _3 where a head is longer than it must be. */
static void put_indicator(struct diag *d, const struct head *h)
{
	static const uint64_t least[] = { 24, 1ULL << 8, 1ULL << 16, 1ULL << 32 };

	if (d->out && h->info >= 24 && h->info <= 27 && h->arg < least[h->info - 24])
		fprintf(d->out, "_%d", h->info - 24);
}

static void put_number(struct diag *d, const struct head *h)
{
	if (!d->out)
		return;
	if (h->major == RCPT_UINT)
		fprintf(d->out, "%" PRIu64, h->arg);
	else if (h->arg == UINT64_MAX)
		fputs("-18446744073709551616", d->out);
	else
		fprintf(d->out, "-%" PRIu64, h->arg + 1);
	put_indicator(d, h);
}

/*
 * Strings
 */

/* Only what can hold something: a digest is seldom such an item, all of it. */
static bool is_cbor(struct rcpt_span span)
{
	struct diag d = { .in = span, .opened = MAX_OPENED };
	struct rcpt_reader r;
	uint8_t major = span.len < 2 ? RCPT_UINT : span.data[0] >> 5;

	if (major < RCPT_ARRAY || major > RCPT_TAG)
		return false;
	rcpt_reader_init(&r, span, NULL);
	if (!rcpt_skip(&r, NULL) && !rcpt_read_end(&r))
		return true;
	if (major == RCPT_MAP)
		print_item(&d);
	return major == RCPT_MAP && !d.failed && d.pos == span.len;
}

static void put_bytes(struct diag *d, struct rcpt_span span)
{
	struct diag inner = *d;

	if (!d->out)
		return;
	if (d->opened == MAX_OPENED || !is_cbor(span)) {
		fputs("h'", d->out);
		print_hex(d->out, span.data, span.len);
		fputc('\'', d->out);
		return;
	}
	inner.in = span;
	inner.pos = 0;
	inner.depth = 0;
	inner.opened++;
	inner.indent++;
	fputs("<<", d->out);
	new_line(&inner);
	print_item(&inner);
	new_line(d);
	fputs(">>", d->out);
}

static void put_string(struct diag *d, const struct head *h)
{
	struct rcpt_span span = { d->in.data + d->pos, h->arg, d->in.offset + d->pos };

	if (h->arg > d->in.len - d->pos) {
		refuse(d, h->offset, "truncated");
		return;
	}
	d->pos += h->arg;
	if (h->major == RCPT_BYTES)
		put_bytes(d, span);
	else if (!rcpt_utf8_valid(span.data, span.len))
		refuse(d, h->offset, "text is not UTF-8");
	else if (d->out)
		print_quoted(d->out, span.data, span.len);
	put_indicator(d, h);
}

/* Is the next byte the break? Then it is read. */
static bool at_break(struct diag *d)
{
	if (d->failed || d->pos == d->in.len || d->in.data[d->pos] != 0xff)
		return false;
	d->pos++;
	return true;
}

static void print_chunks(struct diag *d, uint8_t major)
{
	const char *comma = "";
	struct head h;

	put(d, "(_ ");
	while (!d->failed && !at_break(d)) {
		if (!read_head(d, &h))
			return;
		if (h.major != major || h.info == INDEFINITE) {
			refuse(d, h.offset, "not a chunk of the string");
			return;
		}
		put(d, comma);
		put_string(d, &h);
		comma = ", ";
	}
	put(d, ")");
}

/*
 * Arrays, maps, tags
 */

static bool more(struct diag *d, const struct head *h, uint64_t n)
{
	if (d->failed)
		return false;
	return h->info == INDEFINITE ? !at_break(d) : n < h->arg;
}

static void print_items(struct diag *d, const struct head *h)
{
	bool map = h->major == RCPT_MAP;
	uint64_t n;

	put(d, map ? "{" : "[");
	if (h->info == INDEFINITE)
		put(d, "_");
	put_indicator(d, h);
	d->indent++;
	for (n = 0; more(d, h, n); n++) {
		if (n)
			put(d, ",");
		new_line(d);
		print_item(d);
		if (!map)
			continue;
		put(d, ": ");
		print_item(d);
	}
	d->indent--;
	if (n)
		new_line(d);
	put(d, map ? "}" : "]");
}

static void print_container(struct diag *d, const struct head *h)
{
	if (++d->depth > MAX_DEPTH) {
		refuse(d, h->offset, "nested too deep to be shown");
		return;
	}
	if (h->major != RCPT_TAG) {
		print_items(d, h);
	} else if (h->info == INDEFINITE) {
		refuse(d, h->offset, "reserved additional information");
	} else {
		if (d->out)
			fprintf(d->out, "%" PRIu64, h->arg);
		put_indicator(d, h);
		put(d, "(");
		print_item(d);
		put(d, ")");
	}
	d->depth--;
}

/*
 * Simple values and floating point
 */

static double half(uint16_t bits)
{
	int exponent = bits >> 10 & 0x1f, mantissa = bits & 0x3ff;
	double value = exponent == 31 ? (mantissa ? NAN : INFINITY) :
		       exponent ? ldexp(mantissa + 1024, exponent - 25) :
				  ldexp(mantissa, -24);

	return bits & 0x8000 ? -value : value;
}

static double float_value(const struct head *h)
{
	uint32_t bits = h->arg;
	double value;
	float single;

	if (h->info == 25)
		return half(h->arg);
	if (h->info == 26) {
		memcpy(&single, &bits, sizeof(single));
		return single;
	}
	memcpy(&value, &h->arg, sizeof(value));
	return value;
}

/* The shortest of the texts that stand for the number. */
static void format_finite(double value, char *text, size_t room)
{
	int digits = 6;

	do
		snprintf(text, room, "%.*g", digits, value);
	while (strtod(text, NULL) != value && digits++ < 17);
	if (!strpbrk(text, ".e"))
		strcat(text, ".0");
}

static void put_float(struct diag *d, const struct head *h)
{
	double value = float_value(h);
	char text[40];

	if (isnan(value))
		snprintf(text, sizeof(text), "NaN");
	else if (isinf(value))
		snprintf(text, sizeof(text), "%sInfinity", value < 0 ? "-" : "");
	else
		format_finite(value, text, sizeof(text));
	put(d, text);
	snprintf(text, sizeof(text), "_%d", h->info - 24);
	put(d, text);
}

static void print_simple(struct diag *d, const struct head *h)
{
	static const char *const names[] = { "false", "true", "null", "undefined" };

	if (h->info >= 25 && h->info <= 27)
		put_float(d, h);
	else if (h->info == INDEFINITE)
		refuse(d, h->offset, "break without an indefinite length");
	else if (h->info == 24 && h->arg < 32)
		refuse(d, h->offset, "reserved simple value");
	else if (h->arg >= RCPT_FALSE && h->arg <= RCPT_UNDEFINED)
		put(d, names[h->arg - RCPT_FALSE]);
	else if (d->out)
		fprintf(d->out, "simple(%" PRIu64 ")", h->arg);
}

static void print_item(struct diag *d)
{
	struct head h;

	if (d->failed || !read_head(d, &h))
		return;
	switch (h.major) {
	case RCPT_UINT:
	case RCPT_NINT:
		if (h.info == INDEFINITE)
			refuse(d, h.offset, "reserved additional information");
		else
			put_number(d, &h);
		return;
	case RCPT_BYTES:
	case RCPT_TEXT:
		if (h.info == INDEFINITE)
			print_chunks(d, h.major);
		else
			put_string(d, &h);
		return;
	case RCPT_SIMPLE:
		print_simple(d, &h);
		return;
	default:
		print_container(d, &h);
	}
}

static int check(struct diag *d)
{
	print_item(d);
	if (!d->failed && d->pos != d->in.len)
		d->failed = rcpt_fail(d->err, RCPT_MALFORMED, RECEIPT_REASON_TRAILING,
				      d->in.offset + d->pos, "%zu trailing bytes",
				      d->in.len - d->pos);
	return d->failed;
}

/**
 * print_diag() - print CBOR for people
 * @in: exactly one item; it is checked before anything is printed
 * @out: stream
 * @err: what is wrong with it
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int print_diag(struct rcpt_span in, FILE *out, struct rcpt_error *err)
{
	struct diag d = { .in = in, .err = err };

	if (check(&d))
		return d.failed;
	d = (struct diag){ .in = in, .err = err, .out = out };
	return check(&d);
}
