// SPDX-License-Identifier: MIT
/*
 * Messages to standard error. Whoever reads them may be stopped, or wait for a
 * program that waits for us: a message that cannot be written at once is
 * dropped and counted.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "receiptd.h"

static bool debug;
static bool journal;
static unsigned long dropped;

/**
 * log_init() - choose what is logged, and how
 * @verbose: log every look-up
 */
void log_init(bool verbose)
{
	debug = verbose;
	journal = getenv("JOURNAL_STREAM");
}

static bool write_socket(const char *line, size_t len)
{
	return send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static bool write_ready(const char *line, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) &&
		write(STDERR_FILENO, line, len) == (ssize_t)len;
}

static bool write_now(const char *line, size_t len)
{
	struct iovec iov = { (void *)line, len };

	if (write_socket(line, len))
		return true;
	if (errno != ENOTSOCK)
		return false;
	if (pwritev2(STDERR_FILENO, &iov, 1, -1, RWF_NOWAIT) == (ssize_t)len)
		return true;
	return errno == EOPNOTSUPP && write_ready(line, len);
}

static size_t put_prefix(char *line, size_t size, enum log_level level)
{
	size_t n = journal ? snprintf(line, size, "<%d>", level) :
			     snprintf(line, size, "receiptd: ");

	if (dropped)
		n += snprintf(line + n, size - n, "(%lu messages dropped) ", dropped);
	return n;
}

/**
 * log_line() - log a message
 * @level: LOG_DEBUG is logged when asked for
 * @fmt: text without newline
 */
void log_line(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t n;
	va_list args;

	if (level == LOG_DEBUG && !debug)
		return;
	n = put_prefix(line, sizeof(line), level);
	va_start(args, fmt);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, args);
	va_end(args);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write_now(line, n))
		dropped = 0;
	else
		dropped++;
}

/**
 * log_escape() - make a text that others chose fit for a log
 * @in: text, or NULL
 * @out: result: printable ASCII; other bytes and backslashes as \xNN
 * @size: of @out
 *
 * Return: @out.
 */
const char *log_escape(const char *in, char *out, size_t size)
{
	size_t n = 0;

	for (; in && *in && n + 5 <= size; in++) {
		if (*in >= ' ' && *in < 0x7f && *in != '\\')
			out[n++] = *in;
		else
			n += snprintf(out + n, size - n, "\\x%02x", (unsigned char)*in);
	}
	out[n] = '\0';
	return out;
}

/**
 * log_digest() - the beginning of a digest as text
 * @lookup: has it
 * @out: result
 * @size: of @out
 *
 * Return: @out.
 */
const char *log_digest(const struct rcpt_nl_lookup *lookup, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < lookup->digest_len && n + 3 <= size; i++)
		n += snprintf(out + n, size - n, "%02x", lookup->digest[i]);
	return out;
}
