// SPDX-License-Identifier: MIT
/*
 * Output for people. What comes out of files is never sent to a terminal as it
 * is: control characters are escaped.
 */
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "receiptctl.h"

static void print_invalid(FILE *out, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] >= 0x7f || p[i] == '\\')
			fprintf(out, "\\x%02x", p[i]);
		else
			fputc(p[i], out);
}

static void print_escape(FILE *out, uint32_t c)
{
	if (c >= 0x10000)
		fprintf(out, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 | (c & 0x3ff));
	else
		fprintf(out, "\\u%04x", c);
}

static void print_escaped(FILE *out, const uint8_t *p, size_t len, char quote)
{
	size_t n;
	uint32_t c;

	for (; len; p += n, len -= n) {
		n = rcpt_text_next(p, &c);
		if (c == '\\' || (quote && c == (uint32_t)quote))
			fprintf(out, "\\%c", c);
		else if (rcpt_text_harmful(c))
			print_escape(out, c);
		else
			fwrite(p, 1, n, out);
	}
}

/**
 * print_text() - print text out of a file
 * @out: stream
 * @text: bytes, need not be UTF-8
 * @len: how many
 */
void print_text(FILE *out, const void *text, size_t len)
{
	if (rcpt_utf8_valid(text, len))
		print_escaped(out, text, len, 0);
	else
		print_invalid(out, text, len);
}

/**
 * print_quoted() - print text in double quotes, as JSON and diagnostic notation do
 * @out: stream
 * @text: UTF-8
 * @len: bytes of it
 */
void print_quoted(FILE *out, const void *text, size_t len)
{
	fputc('"', out);
	print_escaped(out, text, len, '"');
	fputc('"', out);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* $'...': bash, zsh, ksh and busybox know it. */
static void print_shell_escaped(FILE *out, const char *text)
{
	fputs("$'", out);
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '\'' || *text == '\\')
			fprintf(out, "\\%03o", (unsigned char)*text);
		else
			fputc(*text, out);
	fputc('\'', out);
}

/**
 * print_shell() - print text as one word for a shell, and harmless on a terminal
 * @out: stream
 * @text: any bytes
 */
void print_shell(FILE *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./:,@%";

	if (!is_ascii(text)) {
		print_shell_escaped(out, text);
		return;
	}
	if (*text && !text[strspn(text, plain)]) {
		fputs(text, out);
		return;
	}
	fputc('\'', out);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	fputc('\'', out);
}

/**
 * print_hex() - print bytes as hexadecimal digits
 * @out: stream
 * @data: bytes
 * @len: how many
 */
void print_hex(FILE *out, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		fprintf(out, "%02x", *p++);
}

/**
 * print_ops() - print names of operations on standard output
 * @usage: a bit for each
 */
void print_ops(uint8_t usage)
{
	const char *comma = "";
	int op;

	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		if (!(usage & 1 << op))
			continue;
		printf("%s%s", comma, receipt_op_name(op));
		comma = ",";
	}
}

/**
 * format_time() - a time for people
 * @seconds: since 1970
 * @out: "2026-01-31T12:00:00Z", or the number where there is no such date
 */
void format_time(int64_t seconds, char out[40])
{
	time_t t = seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900 ||
	    !strftime(out, 40, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, 40, "%lld", (long long)seconds);
}

/**
 * print_error() - say on standard error what went wrong
 * @file: name of the input; NULL when it is about none
 * @err: what
 *
 * Return: its status, the exit status to use.
 */
int print_error(const char *file, const struct rcpt_error *err)
{
	fputs("receiptctl: ", stderr);
	if (file) {
		print_text(stderr, file, strlen(file));
		fputs(": ", stderr);
	}
	if (err->offset != RCPT_NO_OFFSET)
		fprintf(stderr, "offset %zu: ", err->offset);
	print_text(stderr, err->text, strlen(err->text));
	fprintf(stderr, " (%s)\n", rcpt_reason_text(err->reason));
	return err->status;
}

/**
 * usage_error() - say on standard error what is wrong with the command line
 * @command: its name
 * @fmt: what
 *
 * Return: EXIT_USAGE.
 */
int usage_error(const char *command, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fputs("receiptctl: ", stderr);
	if (strcmp(command, "receiptctl"))
		fprintf(stderr, "%s: ", command);
	print_text(stderr, text, strlen(text));
	fprintf(stderr, "; see receiptctl %s%s--help\n",
		strcmp(command, "receiptctl") ? command : "",
		strcmp(command, "receiptctl") ? " " : "");
	return EXIT_USAGE;
}
