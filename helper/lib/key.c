// SPDX-License-Identifier: MIT
/*
 * Public keys, and sets of those that are trusted.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "receipt.h"

/**
 * rcpt_key_id() - identify a key
 * @key: public key
 * @id: SHA-256 of its DER SubjectPublicKeyInfo
 *
 * Return: 0, or -RCPT_SYSTEM when OpenSSL fails.
 */
int rcpt_key_id(EVP_PKEY *key, uint8_t id[RECEIPT_HASH_SIZE])
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	int ret = len <= 0 ? -RCPT_SYSTEM : rcpt_sha256(der, len, id);

	OPENSSL_free(der);
	return ret;
}

static void to_hex(const uint8_t id[RECEIPT_HASH_SIZE], char hex[2 * RECEIPT_HASH_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < RECEIPT_HASH_SIZE; i++) {
		hex[2 * i] = digits[id[i] >> 4];
		hex[2 * i + 1] = digits[id[i] & 15];
	}
}

/**
 * rcpt_key_matches() - whether a receipt may mean a key
 * @key: trusted key
 * @issuer: signed iss of the receipt; absent when it says none
 * @kid: its key id; absent when it says none
 *
 * A key id is the hexadecimal text of rcpt_key_id(), those 32 bytes, or what
 * the key's file calls it.
 *
 * Return: whether it may.
 */
bool rcpt_key_matches(const struct rcpt_key *key, struct rcpt_span issuer,
		      struct rcpt_span kid)
{
	char hex[2 * RECEIPT_HASH_SIZE];

	if (key->issuer && !rcpt_span_equal(issuer, key->issuer, strlen(key->issuer)))
		return false;
	if (!kid.data || key->bare)
		return true;
	if (key->kid && rcpt_span_equal(kid, key->kid, key->kid_len))
		return true;
	to_hex(key->id, hex);
	return rcpt_span_equal(kid, hex, sizeof(hex)) ||
	       rcpt_span_equal(kid, key->id, sizeof(key->id));
}

/**
 * rcpt_key_from_cert() - key of a certificate
 * @der: X.509 certificate, exactly
 *
 * Return: its key for EVP_PKEY_free(), or NULL when it is no certificate.
 */
EVP_PKEY *rcpt_key_from_cert(struct rcpt_span der)
{
	const uint8_t *p = der.data;
	X509 *cert = d2i_X509(NULL, &p, der.len);
	EVP_PKEY *key = NULL;

	if (cert && p == der.data + der.len)
		key = X509_get_pubkey(cert);
	X509_free(cert);
	return key;
}

/**
 * rcpt_key_from_spki() - key of a SubjectPublicKeyInfo
 * @der: exactly it
 *
 * Return: the key for EVP_PKEY_free(), or NULL when it is none.
 */
EVP_PKEY *rcpt_key_from_spki(struct rcpt_span der)
{
	const uint8_t *p = der.data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, der.len);

	if (key && p != der.data + der.len) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static OSSL_PARAM *ec_params(const char *group, struct rcpt_span point)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (bld &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.data,
					     point.len))
		params = OSSL_PARAM_BLD_to_param(bld);
	OSSL_PARAM_BLD_free(bld);
	return params;
}

/**
 * rcpt_key_from_ec() - key of a point on a curve
 * @group: OpenSSL's name of the curve, "P-384"
 * @point: encoded, compressed or not
 *
 * Return: the key for EVP_PKEY_free(), or NULL when it is none.
 */
EVP_PKEY *rcpt_key_from_ec(const char *group, struct rcpt_span point)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = ec_params(group, point);
	EVP_PKEY *key = NULL;

	if (ctx && params && EVP_PKEY_fromdata_init(ctx) > 0 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) > 0)
		/* Key ids are over the uncompressed form. */
		EVP_PKEY_set_utf8_string_param(key,
			OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/**
 * rcpt_key_from_ed25519() - key of Ed25519
 * @raw: its 32 bytes
 *
 * Return: the key for EVP_PKEY_free(), or NULL when it is none.
 */
EVP_PKEY *rcpt_key_from_ed25519(struct rcpt_span raw)
{
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw.data, raw.len);
}

static void key_clear(struct rcpt_key *key)
{
	EVP_PKEY_free(key->pkey);
	free(key->issuer);
	free(key->name);
	free(key->kid);
	memset(key, 0, sizeof(*key));
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_key(const struct rcpt_key *a, const struct rcpt_key *b)
{
	return !memcmp(a->id, b->id, sizeof(a->id)) &&
	       same_text(a->issuer, b->issuer) && same_text(a->name, b->name) &&
	       a->bare == b->bare && a->kid_len == b->kid_len &&
	       (!a->kid_len || !memcmp(a->kid, b->kid, a->kid_len));
}

static int keys_put(struct rcpt_keys *keys, struct rcpt_key *key,
		    struct rcpt_error *err)
{
	struct rcpt_key *more;
	size_t i;

	if (rcpt_key_id(key->pkey, key->id))
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "cannot encode a key");
	for (i = 0; i < keys->count; i++) {
		if (same_key(&keys->keys[i], key)) {
			key_clear(key);
			return 0;
		}
	}
	if (keys->count == RCPT_MAX_KEYS)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_NO_OFFSET, "over %d keys", RCPT_MAX_KEYS);
	more = realloc(keys->keys, (keys->count + 1) * sizeof(*more));
	if (!more)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	keys->keys = more;
	keys->keys[keys->count++] = *key;
	memset(key, 0, sizeof(*key));
	return 0;
}

/**
 * rcpt_keys_put() - add one key
 * @keys: set
 * @key: what it is; its id is computed. Taken over, zeroed, also on failure.
 * @err: what went wrong
 *
 * A key that is there already is not added twice.
 *
 * Return: 0; -RCPT_MALFORMED when there are too many; -RCPT_SYSTEM.
 */
int rcpt_keys_put(struct rcpt_keys *keys, struct rcpt_key *key, struct rcpt_error *err)
{
	int ret = keys_put(keys, key, err);

	if (ret)
		key_clear(key);
	return ret;
}

/* Fills in the id too, which the parser leaves to whoever owns a hash. */
static EVP_PKEY *policy_key(struct receipt_key *key)
{
	rcpt_sha256(key->spki, key->spki_len, key->id);
	return rcpt_key_from_spki(rcpt_span(key->spki, key->spki_len));
}

static int policy_log(struct rcpt_keys *keys, struct receipt_log *log,
		      struct rcpt_error *err)
{
	struct rcpt_key key = {
		.pkey = policy_key(&log->key),
		.name = strdup(log->name),
		.issuer = strdup(log->issuer),
		.entry = log->entry,
		.identity_verified = log->identity_verified,
	};

	if (key.pkey && key.name && key.issuer)
		return rcpt_keys_put(keys, &key, err);
	key_clear(&key);
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_POLICY_SYNTAX,
			 RCPT_NO_OFFSET, "log %s: not a public key", log->name);
}

/**
 * rcpt_keys_add_policy() - trust the logs of a policy
 * @keys: set
 * @policy: parsed; the ids of its keys are filled in
 * @err: what went wrong
 *
 * Return: 0; -RCPT_MALFORMED when a key is none; -RCPT_SYSTEM.
 */
int rcpt_keys_add_policy(struct rcpt_keys *keys, struct receipt_policy *policy,
			 struct rcpt_error *err)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < policy->nlogs && !ret; i++)
		ret = policy_log(keys, &policy->logs[i], err);
	for (i = 0; i < policy->nrules; i++)
		if (policy->rules[i].has_issuer_key)
			EVP_PKEY_free(policy_key(&policy->rules[i].issuer_key));
	return ret;
}

/**
 * rcpt_keys_free() - free and empty
 * @keys: set
 */
void rcpt_keys_free(struct rcpt_keys *keys)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		key_clear(&keys->keys[i]);
	free(keys->keys);
	memset(keys, 0, sizeof(*keys));
}
