// SPDX-License-Identifier: MIT
/*
 * Payloads of trust lists, in both of their forms.
 */
#include "fuzz.h"

static void check(struct rcpt_span payload, const char *type)
{
	struct rcpt_statement stmt = {
		.header.content_type = rcpt_span(type, strlen(type)), .sign1.payload = payload,
	};
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err = { 0 };
	size_t i;

	HOLDS(rcpt_statement_is_trust_list(&stmt));
	holds_error(rcpt_trust_list_read(&stmt, &keys, &err), &err);
	HOLDS(keys.count <= RCPT_MAX_KEYS);
	for (i = 0; i < keys.count; i++)
		HOLDS(keys.keys[i].pkey && keys.keys[i].issuer && *keys.keys[i].issuer);
	rcpt_keys_free(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(rcpt_span(data, size), "application/vnd.transparency-trust-list.v1+cose");
	check(rcpt_span(data, size), "application/vnd.transparency-trust-list+cose");
	return 0;
}
