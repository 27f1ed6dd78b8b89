/* SPDX-License-Identifier: MIT */
/*
 * Writing CBOR: a growing buffer that takes heads in their shortest form.
 */
#ifndef RCPT_WRITER_H
#define RCPT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receipt.h"

/**
 * struct rcpt_writer - what was written so far; start with all zero
 * @data: allocated bytes
 * @len: used
 * @cap: room
 * @failed: memory ran out; further writes do nothing
 */
struct rcpt_writer {
	uint8_t *data;
	size_t len;
	size_t cap;
	bool failed;
};

/**
 * rcpt_write_head() - append a head
 * @w: the buffer
 * @major: enum rcpt_major
 * @arg: its argument
 */
void rcpt_write_head(struct rcpt_writer *w, enum rcpt_major major, uint64_t arg);

/**
 * rcpt_write_raw() - append bytes as they are
 * @w: the buffer
 * @data: bytes
 * @len: how many
 */
void rcpt_write_raw(struct rcpt_writer *w, const void *data, size_t len);

/**
 * rcpt_write_int() - append an integer
 * @w: the buffer
 * @value: of either sign
 */
void rcpt_write_int(struct rcpt_writer *w, int64_t value);

/**
 * rcpt_write_bytes() - append a byte string
 * @w: the buffer
 * @data: content
 * @len: its length
 */
void rcpt_write_bytes(struct rcpt_writer *w, const void *data, size_t len);

/**
 * rcpt_write_text() - append a text string
 * @w: the buffer
 * @text: content, UTF-8
 * @len: its length
 */
void rcpt_write_text(struct rcpt_writer *w, const char *text, size_t len);

/**
 * rcpt_writer_take() - take over what was written
 * @w: the buffer, empty afterwards
 * @data: result, to be freed by the caller
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0, or -RCPT_SYSTEM when memory ran out on the way.
 */
int rcpt_writer_take(struct rcpt_writer *w, uint8_t **data, size_t *len,
		     struct rcpt_error *err);

/**
 * rcpt_writer_free() - drop what was written
 * @w: the buffer, empty afterwards
 */
void rcpt_writer_free(struct rcpt_writer *w);

#endif /* RCPT_WRITER_H */
