// SPDX-License-Identifier: MIT
/*
 * Files of trust anchors: JWKS, COSE keys, PEM, DER, ledgers' JSON.
 */
#include "fuzz.h"

static void check_key(const struct rcpt_key *key)
{
	uint8_t id[RECEIPT_HASH_SIZE];
	struct rcpt_span iss = { 0 };

	HOLDS(key->pkey && !rcpt_key_id(key->pkey, id));
	HOLDS(!memcmp(id, key->id, sizeof(id)));
	HOLDS(!key->kid == !key->kid_len);
	if (key->issuer)
		iss = rcpt_span(key->issuer, strlen(key->issuer));
	HOLDS(rcpt_key_matches(key, iss, rcpt_span(key->id, sizeof(key->id))));
}

static void check_roots(struct rcpt_span in)
{
	struct rcpt_error err = { 0 };
	STACK_OF(X509) *roots = NULL;
	int ret = rcpt_roots_add(&roots, in, &err);

	holds_error(ret, &err);
	HOLDS(ret || sk_X509_num(roots) > 0);
	HOLDS(sk_X509_num(roots) <= RCPT_MAX_ROOTS);
	sk_X509_pop_free(roots, X509_free);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rcpt_key_source any = { 0 };
	struct rcpt_error err = { 0 };
	struct rcpt_keys keys = { 0 };
	size_t i;
	int ret = rcpt_keys_add(&keys, rcpt_span(data, size), &any, &err);

	holds_error(ret, &err);
	HOLDS(ret || keys.count);
	HOLDS(keys.count <= RCPT_MAX_KEYS);
	for (i = 0; i < keys.count; i++)
		check_key(&keys.keys[i]);
	rcpt_keys_free(&keys);
	check_roots(rcpt_span(data, size));
	return 0;
}
