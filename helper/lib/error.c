// SPDX-License-Identifier: MIT
/*
 * What went wrong, where.
 */
#include <string.h>

#include "receipt.h"

static const char *const reason_texts[] = {
#define REASON_TEXT(num, name, text) [num] = text,
	RECEIPT_REASONS(REASON_TEXT)
#undef REASON_TEXT
};

/**
 * rcpt_fail() - describe a failure
 * @err: filled in, or NULL
 * @status: exit status to use
 * @reason: for machines
 * @offset: in the input, or RCPT_NO_OFFSET
 * @fmt: text for people
 *
 * Return: -@status.
 */
int rcpt_fail(struct rcpt_error *err, enum rcpt_status status,
	      enum receipt_reason reason, size_t offset, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -(int)status;
	err->status = status;
	err->reason = reason;
	err->offset = offset;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -(int)status;
}

/**
 * rcpt_no_memory() - describe that there was none
 * @err: filled in, or NULL
 *
 * Return: -RCPT_SYSTEM.
 */
int rcpt_no_memory(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
			 "out of memory");
}

/**
 * rcpt_status_weight() - how much a failure counts beside others
 * @status: enum rcpt_status
 *
 * What is proven wrong weighs more than what cannot be read, and that more than
 * what could not be judged.
 *
 * Return: a number; the largest decides.
 */
int rcpt_status_weight(int status)
{
	static const int order[] = { RCPT_VALID, RCPT_CANNOT_EVALUATE, RCPT_MALFORMED,
				     RCPT_INVALID, RCPT_SYSTEM };
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(order) - 1 && order[i] != status; i++)
		;
	return i;
}

/**
 * rcpt_reason_text() - stable text of a reason
 * @reason: any number
 *
 * Return: its text, "unknown-reason" for a number that is none.
 */
const char *rcpt_reason_text(enum receipt_reason reason)
{
	size_t count = ARRAY_SIZE(reason_texts);

	if ((size_t)reason >= count || !reason_texts[reason])
		return "unknown-reason";
	return reason_texts[reason];
}

/**
 * rcpt_span() - the whole of an input
 * @data: its bytes
 * @len: how many
 *
 * Return: the span, at offset 0.
 */
struct rcpt_span rcpt_span(const void *data, size_t len)
{
	return (struct rcpt_span){ .data = data, .len = len };
}

/**
 * rcpt_span_equal() - compare the content of a span
 * @a: span
 * @data: bytes
 * @len: how many
 *
 * Return: whether they are equal; an absent span equals nothing.
 */
bool rcpt_span_equal(struct rcpt_span a, const void *data, size_t len)
{
	return a.data && a.len == len && (!len || !memcmp(a.data, data, len));
}
