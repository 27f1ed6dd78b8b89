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
#include "writer.h"

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

static size_t get_number(EVP_PKEY *key, const char *name, size_t size, uint8_t *out)
{
	BIGNUM *n = NULL;
	int len = -1;

	if (EVP_PKEY_get_bn_param(key, name, &n)) {
		len = size ? (int)size : BN_num_bytes(n);
		if (len > RCPT_MAX_RSA_BYTES || BN_bn2binpad(n, out, len) < 0)
			len = -1;
	}
	BN_free(n);
	return len < 0 ? 0 : len;
}

static bool write_number(struct rcpt_writer *w, EVP_PKEY *key, int64_t label,
			 const char *name, size_t size)
{
	uint8_t number[RCPT_MAX_RSA_BYTES];
	size_t len = get_number(key, name, size, number);

	rcpt_write_int(w, label);
	rcpt_write_bytes(w, number, len);
	return len;
}

enum { KTY_OKP = 1, KTY_EC2, KTY_RSA, CRV_ED25519 = 6 };

static void write_kind(struct rcpt_writer *w, size_t pairs, int64_t kty)
{
	rcpt_write_head(w, RCPT_MAP, pairs);
	rcpt_write_int(w, 1);
	rcpt_write_int(w, kty);
}

static bool write_ec_key(struct rcpt_writer *w, EVP_PKEY *key)
{
	size_t size = (EVP_PKEY_get_bits(key) + 7) / 8;
	int crv = rcpt_key_fits(key, RCPT_ES256) ? 1 : rcpt_key_fits(key, RCPT_ES384) ? 2 :
		  rcpt_key_fits(key, RCPT_ES512) ? 3 : 0;

	write_kind(w, 4, KTY_EC2);
	rcpt_write_int(w, -1);
	rcpt_write_int(w, crv);
	return crv && write_number(w, key, -2, OSSL_PKEY_PARAM_EC_PUB_X, size) &&
	       write_number(w, key, -3, OSSL_PKEY_PARAM_EC_PUB_Y, size);
}

static bool write_ed25519_key(struct rcpt_writer *w, EVP_PKEY *key)
{
	uint8_t raw[RECEIPT_HASH_SIZE];
	size_t len = sizeof(raw);

	write_kind(w, 3, KTY_OKP);
	rcpt_write_int(w, -1);
	rcpt_write_int(w, CRV_ED25519);
	rcpt_write_int(w, -2);
	if (!EVP_PKEY_get_raw_public_key(key, raw, &len))
		return false;
	rcpt_write_bytes(w, raw, len);
	return true;
}

static bool write_rsa_key(struct rcpt_writer *w, EVP_PKEY *key)
{
	write_kind(w, 3, KTY_RSA);
	return write_number(w, key, -1, OSSL_PKEY_PARAM_RSA_N, 0) &&
	       write_number(w, key, -2, OSSL_PKEY_PARAM_RSA_E, 0);
}

static bool write_cose_key(struct rcpt_writer *w, EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "EC"))
		return write_ec_key(w, key);
	if (EVP_PKEY_is_a(key, "ED25519"))
		return write_ed25519_key(w, key);
	return (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) &&
	       write_rsa_key(w, key);
}

/**
 * rcpt_key_thumbprint() - COSE key thumbprint (RFC 9679)
 * @key: public key
 * @out: SHA-256 of its required COSE_Key parameters
 *
 * Return: 0; -RCPT_CANNOT_EVALUATE for a key of a kind that has no such form
 * here; -RCPT_SYSTEM when memory or OpenSSL fails.
 */
int rcpt_key_thumbprint(EVP_PKEY *key, uint8_t out[RECEIPT_HASH_SIZE])
{
	struct rcpt_writer w = { 0 };
	uint8_t *data;
	size_t len;
	int ret;

	if (!write_cose_key(&w, key)) {
		rcpt_writer_free(&w);
		return -RCPT_CANNOT_EVALUATE;
	}
	if (rcpt_writer_take(&w, &data, &len, NULL))
		return -RCPT_SYSTEM;
	ret = rcpt_sha256(data, len, out);
	free(data);
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
 * A key id is the hexadecimal text of rcpt_key_id(), those 32 bytes, the 32 bytes
 * of rcpt_key_thumbprint(), or what the key's file calls it. A receipt without one
 * means every key of its issuer, and a bare key is meant by every one.
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
	       rcpt_span_equal(kid, key->id, sizeof(key->id)) ||
	       (key->has_thumbprint &&
		rcpt_span_equal(kid, key->thumbprint, sizeof(key->thumbprint)));
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

static OSSL_PARAM *rsa_params(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(bld);
	OSSL_PARAM_BLD_free(bld);
	return params;
}

static EVP_PKEY *rsa_key(const BIGNUM *n, const BIGNUM *e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = rsa_params(n, e);
	EVP_PKEY *key = NULL;

	if (ctx && params && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/**
 * rcpt_key_from_rsa() - key of RSA
 * @n: modulus, big-endian
 * @e: exponent, big-endian
 *
 * Return: the key for EVP_PKEY_free(), or NULL when it is none.
 */
EVP_PKEY *rcpt_key_from_rsa(struct rcpt_span n, struct rcpt_span e)
{
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *key = NULL;

	if (!n.len || !e.len || n.len > RCPT_MAX_RSA_BYTES || e.len > n.len)
		return NULL;
	bn = BN_bin2bn(n.data, n.len, NULL);
	be = BN_bin2bn(e.data, e.len, NULL);
	if (bn && be && !BN_is_zero(bn) && !BN_is_zero(be))
		key = rsa_key(bn, be);
	BN_free(bn);
	BN_free(be);
	return key;
}

static void key_clear(struct rcpt_key *key)
{
	EVP_PKEY_free(key->pkey);
	free(key->issuer);
	free(key->name);
	free(key->kid);
	free(key->cert);
	memset(key, 0, sizeof(*key));
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

static bool same_key(const struct rcpt_key *a, const struct rcpt_key *b)
{
	return !memcmp(a->id, b->id, sizeof(a->id)) &&
	       same_text(a->issuer, b->issuer) && same_text(a->name, b->name) &&
	       a->bare == b->bare && same_bytes(a->kid, a->kid_len, b->kid, b->kid_len) &&
	       same_bytes(a->cert, a->cert_len, b->cert, b->cert_len);
}

static int keys_put(struct rcpt_keys *keys, struct rcpt_key *key,
		    struct rcpt_error *err)
{
	struct rcpt_key *more;
	int thumbprint;
	size_t i;

	thumbprint = rcpt_key_thumbprint(key->pkey, key->thumbprint);
	key->has_thumbprint = !thumbprint;
	if (rcpt_key_id(key->pkey, key->id) || thumbprint == -RCPT_SYSTEM)
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

/* Which the parser leaves to whoever owns a hash, and knows the curves. */
static int fill_id(struct receipt_key *key, uint32_t line, void *err)
{
	EVP_PKEY *pkey = rcpt_key_from_spki(rcpt_span(key->spki, key->spki_len));

	EVP_PKEY_free(pkey);
	if (!pkey)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_POLICY_SYNTAX,
				 RCPT_NO_OFFSET, "line %u: key is not a point of its curve", line);
	if (!rcpt_sha256(key->spki, key->spki_len, key->id))
		return 0;
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
			 "cannot hash");
}

static int policy_log(struct rcpt_keys *keys, struct receipt_log *log,
		      struct rcpt_error *err)
{
	struct rcpt_key key = {
		.pkey = rcpt_key_from_spki(rcpt_span(log->key.spki, log->key.spki_len)),
		.name = strdup(log->name),
		.issuer = strdup(log->issuer),
		.entry = log->entry,
		.identity_verified = log->identity_verified,
	};

	/* That it is a key was seen to by fill_id(). */
	if (key.pkey && key.name && key.issuer)
		return rcpt_keys_put(keys, &key, err);
	key_clear(&key);
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
			 "no memory");
}

/**
 * rcpt_keys_add_policy() - trust the logs of a policy
 * @keys: set
 * @policy: parsed; the ids of its keys are filled in
 * @err: what went wrong
 *
 * Return: 0; -RCPT_MALFORMED when a key is none, or there are too many;
 * -RCPT_SYSTEM.
 */
int rcpt_keys_add_policy(struct rcpt_keys *keys, struct receipt_policy *policy,
			 struct rcpt_error *err)
{
	uint32_t i;
	int ret = receipt_policy_identify(policy, fill_id, err);

	for (i = 0; i < policy->nlogs && !ret; i++)
		ret = policy_log(keys, &policy->logs[i], err);
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
