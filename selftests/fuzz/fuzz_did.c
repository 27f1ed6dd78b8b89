// SPDX-License-Identifier: MIT
/*
 * did:x509: a line with the name, behind it certificates (DER), one after another.
 */
#include "fuzz.h"

/* As long as its own head says, or the rest when that has no two bytes of length. */
static struct rcpt_span next_certificate(struct rcpt_span *rest)
{
	struct rcpt_span cert = *rest;
	size_t len;

	if (rest->len > 4 && rest->data[1] == 0x82) {
		len = 4 + (rest->data[2] << 8 | rest->data[3]);
		if (len < cert.len)
			cert.len = len;
	}
	*rest = rcpt_span(rest->data + cert.len, rest->len - cert.len);
	return cert;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	struct rcpt_span chain[RCPT_MAX_CHAIN], rest, iss;
	struct rcpt_error err = { 0 };
	size_t n = 0;

	if (!end)
		return 0;
	iss = rcpt_span(data, end - data);
	rest = rcpt_span(end + 1, size - iss.len - 1);
	while (rest.len && n < RCPT_MAX_CHAIN)
		chain[n++] = next_certificate(&rest);
	rcpt_is_did_x509(iss);
	holds_error(rcpt_did_x509_check(iss, chain, n, &err), &err);
	return 0;
}
