// SPDX-License-Identifier: MIT
/*
 * The CBOR tokeniser: what it accepts has one encoding, so tokens written again
 * are the input. The kernel signs what it writes from tokens.
 */
#include "fuzz.h"
#include "writer.h"

static void write_tokens(struct rcpt_writer *w, const struct rcpt_tokens *t)
{
	size_t i, used = 0;

	for (i = 0; i < t->count; i++) {
		const struct receipt_token *token = &t->tokens[i];

		rcpt_write_head(w, token->major, token->arg);
		if ((token->major != RCPT_BYTES && token->major != RCPT_TEXT) || !token->arg)
			continue;
		HOLDS(token->arg <= t->blob_len - used);
		rcpt_write_raw(w, t->blob + used, token->arg);
		used += token->arg;
	}
	HOLDS(used == t->blob_len);
}

/* The reader takes the same inputs, but for the tokeniser's own bounds. */
static void check_reader(struct rcpt_span in, int ret, const struct rcpt_error *err)
{
	struct rcpt_error other = { 0 };
	struct rcpt_reader r;
	struct rcpt_span raw;
	int read;

	rcpt_reader_init(&r, in, &other);
	read = rcpt_skip(&r, &raw);
	if (!read)
		read = rcpt_read_end(&r);
	holds_error(read, &other);
	HOLDS(read == ret || err->reason == RECEIPT_REASON_BOUND);
	HOLDS(read || (raw.data == in.data && raw.len == in.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rcpt_span in = rcpt_span(data, size);
	struct rcpt_writer w = { 0 };
	struct rcpt_error err = { 0 };
	struct rcpt_tokens tokens;
	int ret = rcpt_tokenise(in, &tokens, &err);

	holds_error(ret, &err);
	check_reader(in, ret, &err);
	if (ret)
		return 0;
	write_tokens(&w, &tokens);
	HOLDS(!w.failed && w.len == size && !memcmp(w.data, data, size));
	rcpt_writer_free(&w);
	rcpt_tokens_free(&tokens);
	return 0;
}
