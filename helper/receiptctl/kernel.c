// SPDX-License-Identifier: MIT
/*
 * What the commands that talk to the kernel share.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel.h"
#include "receiptctl.h"

/**
 * kernel_open() - connect to the kernel, say on standard error why not
 * @nl: result
 *
 * Return: 0 or the exit status.
 */
int kernel_open(struct rcpt_nl **nl)
{
	struct rcpt_error err = { 0 };

	return rcpt_nl_open(nl, &err) ? kernel_error(NULL, &err) : 0;
}

/**
 * kernel_error() - say on standard error what the kernel said
 * @file: that it is about, or NULL
 * @err: what; its text names the reason where there is one
 *
 * Return: the exit status.
 */
int kernel_error(const char *file, const struct rcpt_error *err)
{
	fputs("receiptctl: ", stderr);
	if (file) {
		print_text(stderr, file, strlen(file));
		fputs(": ", stderr);
	}
	print_text(stderr, err->text, strlen(err->text));
	fputc('\n', stderr);
	return err->status ? err->status : RCPT_SYSTEM;
}

/**
 * parse_seconds() - read a span of time
 * @text: seconds, may have a fraction
 * @seconds: result, from 0 to a year
 *
 * Return: whether it is one.
 */
bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end != text && !*end && *seconds >= 0 && *seconds <= 366 * 86400.0;
}

/**
 * now_seconds() - a clock that does not jump
 *
 * Return: seconds.
 */
double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}
