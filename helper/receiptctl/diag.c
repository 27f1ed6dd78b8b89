// SPDX-License-Identifier: MIT
/*
 * CBOR diagnostic notation (RFC 8949 section 8), an element a line. Byte strings
 * that hold CBOR are shown opened: << ... >>.
 */
#include <inttypes.h>

#include "receiptctl.h"

#define MAX_OPENED	8	/* byte strings opened in each other */

struct diag {
	FILE *out;
	int indent;
	int opened;
};

static void print_item(struct diag *d, struct rcpt_reader *r);

static void new_line(struct diag *d)
{
	fprintf(d->out, "\n%*s", 2 * d->indent, "");
}

/* Only what can hold something: a digest is seldom such an item, all of it. */
static bool is_cbor(struct rcpt_span span)
{
	struct rcpt_reader r;

	if (span.len < 2 || span.data[0] >> 5 < RCPT_ARRAY || span.data[0] >> 5 > RCPT_TAG)
		return false;
	rcpt_reader_init(&r, span, NULL);
	return !rcpt_skip(&r, NULL) && !rcpt_read_end(&r);
}

static void print_bytes(struct diag *d, struct rcpt_span span)
{
	struct rcpt_reader r;

	if (d->opened == MAX_OPENED || !is_cbor(span)) {
		fputs("h'", d->out);
		print_hex(d->out, span.data, span.len);
		fputc('\'', d->out);
		return;
	}
	fputs("<<", d->out);
	d->indent++;
	d->opened++;
	new_line(d);
	rcpt_reader_init(&r, span, NULL);
	print_item(d, &r);
	d->opened--;
	d->indent--;
	new_line(d);
	fputs(">>", d->out);
}

static void print_items(struct diag *d, struct rcpt_reader *r, uint64_t n, bool map)
{
	if (!n) {
		fputs(map ? "{}" : "[]", d->out);
		return;
	}
	fputc(map ? '{' : '[', d->out);
	d->indent++;
	for (; n && !r->failed; n--) {
		new_line(d);
		print_item(d, r);
		if (map) {
			fputs(": ", d->out);
			print_item(d, r);
		}
		if (n > 1)
			fputc(',', d->out);
	}
	d->indent--;
	new_line(d);
	fputc(map ? '}' : ']', d->out);
}

static void print_negative(FILE *out, uint64_t arg)
{
	if (arg == UINT64_MAX)
		fputs("-18446744073709551616", out);
	else
		fprintf(out, "-%" PRIu64, arg + 1);
}

static const char *simple_name(uint64_t arg)
{
	static const char *const names[] = { "false", "true", "null", "undefined" };

	return names[(arg - RCPT_FALSE) % 4];
}

static void print_item(struct diag *d, struct rcpt_reader *r)
{
	struct rcpt_head head;

	if (rcpt_read(r, &head))
		return;
	switch (head.major) {
	case RCPT_UINT:
		fprintf(d->out, "%" PRIu64, head.arg);
		return;
	case RCPT_NINT:
		print_negative(d->out, head.arg);
		return;
	case RCPT_BYTES:
		print_bytes(d, head.string);
		return;
	case RCPT_TEXT:
		print_quoted(d->out, head.string.data, head.string.len);
		return;
	case RCPT_TAG:
		fprintf(d->out, "%" PRIu64 "(", head.arg);
		print_item(d, r);
		fputc(')', d->out);
		return;
	case RCPT_SIMPLE:
		fputs(simple_name(head.arg), d->out);
		return;
	default:
		print_items(d, r, head.arg, head.major == RCPT_MAP);
	}
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
	struct diag d = { .out = out };
	struct rcpt_reader r;

	rcpt_reader_init(&r, in, err);
	if (rcpt_skip(&r, NULL) || rcpt_read_end(&r))
		return r.failed;
	rcpt_reader_init(&r, in, err);
	print_item(&d, &r);
	return r.failed;
}
