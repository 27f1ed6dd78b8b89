// SPDX-License-Identifier: MIT
/*
 * Writing CBOR. libcbor's encoders give every head its shortest form.
 */
#include "writer.h"

#include <stdlib.h>
#include <string.h>

#include <cbor.h>

#define HEAD_MAX	9
#define FIRST_ROOM	256

static bool make_room(struct rcpt_writer *w, size_t more)
{
	size_t cap = w->cap ? w->cap : FIRST_ROOM;
	uint8_t *data;

	if (w->failed)
		return false;
	if (more <= w->cap - w->len)
		return true;
	while (cap - w->len < more && cap <= SIZE_MAX / 2)
		cap *= 2;
	data = cap - w->len < more ? NULL : realloc(w->data, cap);
	if (!data) {
		w->failed = true;
		return false;
	}
	w->data = data;
	w->cap = cap;
	return true;
}

void rcpt_write_raw(struct rcpt_writer *w, const void *data, size_t len)
{
	if (!len || !make_room(w, len))
		return;
	memcpy(w->data + w->len, data, len);
	w->len += len;
}

void rcpt_write_head(struct rcpt_writer *w, enum rcpt_major major, uint64_t arg)
{
	uint8_t *out;

	if (!make_room(w, HEAD_MAX))
		return;
	out = w->data + w->len;
	switch (major) {
	case RCPT_UINT:
		w->len += cbor_encode_uint(arg, out, HEAD_MAX);
		break;
	case RCPT_NINT:
		w->len += cbor_encode_negint(arg, out, HEAD_MAX);
		break;
	case RCPT_BYTES:
		w->len += cbor_encode_bytestring_start(arg, out, HEAD_MAX);
		break;
	case RCPT_TEXT:
		w->len += cbor_encode_string_start(arg, out, HEAD_MAX);
		break;
	case RCPT_ARRAY:
		w->len += cbor_encode_array_start(arg, out, HEAD_MAX);
		break;
	case RCPT_MAP:
		w->len += cbor_encode_map_start(arg, out, HEAD_MAX);
		break;
	case RCPT_TAG:
		w->len += cbor_encode_tag(arg, out, HEAD_MAX);
		break;
	case RCPT_SIMPLE:
		w->len += cbor_encode_ctrl(arg, out, HEAD_MAX);
		break;
	}
}

void rcpt_write_int(struct rcpt_writer *w, int64_t value)
{
	if (value >= 0)
		rcpt_write_head(w, RCPT_UINT, value);
	else
		rcpt_write_head(w, RCPT_NINT, -1 - value);
}

void rcpt_write_bytes(struct rcpt_writer *w, const void *data, size_t len)
{
	rcpt_write_head(w, RCPT_BYTES, len);
	rcpt_write_raw(w, data, len);
}

void rcpt_write_text(struct rcpt_writer *w, const char *text, size_t len)
{
	rcpt_write_head(w, RCPT_TEXT, len);
	rcpt_write_raw(w, text, len);
}

int rcpt_writer_take(struct rcpt_writer *w, uint8_t **data, size_t *len,
		     struct rcpt_error *err)
{
	if (w->failed) {
		rcpt_writer_free(w);
		return rcpt_no_memory(err);
	}
	*data = w->data;
	*len = w->len;
	memset(w, 0, sizeof(*w));
	return 0;
}

void rcpt_writer_free(struct rcpt_writer *w)
{
	free(w->data);
	memset(w, 0, sizeof(*w));
}
