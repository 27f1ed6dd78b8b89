// SPDX-License-Identifier: MIT
/*
 * Checking the signatures of COSE_Sign1, by OpenSSL.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "receipt.h"
#include "writer.h"

#define RSA_MIN_BITS	2048
#define RSA_MAX_BITS	8192	/* what a verification may cost */
#define DER_MAX		160	/* two 66-byte integers in a sequence */

enum family { ECDSA, EDDSA, PSS, HASH };

/* Row of an algorithm; @curve is what receipts tie ECDSA to. */
struct alg {
	int64_t id;
	const char *name;
	enum family family;
	const char *digest;
	int curve;
};

static const struct alg algs[] = {
	{ RCPT_ES256, "ES256", ECDSA, "SHA256", NID_X9_62_prime256v1 },
	{ RCPT_ES384, "ES384", ECDSA, "SHA384", NID_secp384r1 },
	{ RCPT_ES512, "ES512", ECDSA, "SHA512", NID_secp521r1 },
	{ RCPT_ESP256, "ESP256", ECDSA, "SHA256", NID_X9_62_prime256v1 },
	{ RCPT_ESP384, "ESP384", ECDSA, "SHA384", NID_secp384r1 },
	{ RCPT_ESP512, "ESP512", ECDSA, "SHA512", NID_secp521r1 },
	{ RCPT_EDDSA, "EdDSA", EDDSA, NULL, NID_ED25519 },
	{ RCPT_ED25519, "Ed25519", EDDSA, NULL, NID_ED25519 },
	{ RCPT_PS256, "PS256", PSS, "SHA256", 0 },
	{ RCPT_PS384, "PS384", PSS, "SHA384", 0 },
	{ RCPT_PS512, "PS512", PSS, "SHA512", 0 },
	{ RCPT_SHA256, "SHA-256", HASH, "SHA256", 0 },
	{ RCPT_SHA384, "SHA-384", HASH, "SHA384", 0 },
	{ RCPT_SHA512, "SHA-512", HASH, "SHA512", 0 },
};

static const struct alg *find_alg(int64_t id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].id == id)
			return &algs[i];
	return NULL;
}

/**
 * rcpt_alg_name() - name of a COSE algorithm
 * @alg: its number
 *
 * Return: name, or NULL when it is not supported.
 */
const char *rcpt_alg_name(int64_t alg)
{
	const struct alg *row = find_alg(alg);

	return row ? row->name : NULL;
}

/**
 * rcpt_alg_by_name() - number of a COSE algorithm
 * @name: as in policies, "ES384"
 *
 * Return: number, or 0 when it is not supported.
 */
int64_t rcpt_alg_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (!strcmp(algs[i].name, name))
			return algs[i].id;
	return 0;
}

static int curve_nid(EVP_PKEY *key)
{
	char name[64];
	int nid;

	if (EVP_PKEY_is_a(key, "ED25519"))
		return NID_ED25519;
	if (!EVP_PKEY_is_a(key, "EC") ||
	    !EVP_PKEY_get_group_name(key, name, sizeof(name), NULL))
		return 0;
	nid = OBJ_sn2nid(name);
	return nid ? nid : EC_curve_nist2nid(name);
}

/**
 * rcpt_key_fits() - whether a key is of the curve that an algorithm names
 * @key: public key
 * @alg: COSE algorithm
 *
 * Receipts are held to this (ES256 with P-256, ES384 with P-384, ES512 with
 * P-521, EdDSA with Ed25519); statements are not.
 *
 * Return: whether it is.
 */
bool rcpt_key_fits(EVP_PKEY *key, int64_t alg)
{
	const struct alg *row = find_alg(alg);

	return row && row->curve && curve_nid(key) == row->curve;
}

/**
 * rcpt_sig_structure() - what a COSE_Sign1 signs
 * @protected: content of the protected header
 * @payload: content of the payload
 * @out: result, for free()
 * @len: bytes of @out
 *
 * Return: 0, or -RCPT_SYSTEM without memory.
 */
int rcpt_sig_structure(struct rcpt_span protected, struct rcpt_span payload,
		       uint8_t **out, size_t *len)
{
	struct rcpt_writer w = { 0 };

	rcpt_write_head(&w, RCPT_ARRAY, 4);
	rcpt_write_text(&w, "Signature1", 10);
	rcpt_write_bytes(&w, protected.data, protected.len);
	rcpt_write_bytes(&w, "", 0);
	rcpt_write_bytes(&w, payload.data, payload.len);
	return rcpt_writer_take(&w, out, len, NULL);
}

/* ECDSA signatures are r || s in COSE, a DER sequence in OpenSSL. */
static int ecdsa_to_der(EVP_PKEY *key, struct rcpt_span sig, uint8_t *der, size_t *len)
{
	size_t half = (EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *ecsig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig.data, half, NULL);
	BIGNUM *s = BN_bin2bn(sig.data + half, half, NULL);
	int n = -1;

	if (ecsig && r && s && ECDSA_SIG_set0(ecsig, r, s)) {
		r = s = NULL;
		n = i2d_ECDSA_SIG(ecsig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(ecsig);
	*len = n;
	return n < 0 ? -1 : 0;
}

static int set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

/* 1 good, 0 bad, -1 when OpenSSL could not say. */
static int check(const struct alg *alg, EVP_PKEY *key, const uint8_t *sig,
		 size_t sig_len, const uint8_t *tbs, size_t tbs_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	int ret = -1;

	if (!ctx || EVP_DigestVerifyInit_ex(ctx, &pctx, alg->digest, NULL, NULL, key,
					    NULL) <= 0)
		goto out;
	if (alg->family == PSS && !set_pss(pctx))
		goto out;
	ret = EVP_DigestVerify(ctx, sig, sig_len, tbs, tbs_len) == 1;
out:
	EVP_MD_CTX_free(ctx);
	return ret;
}

static bool family_fits(enum family family, EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	switch (family) {
	case ECDSA:
		return curve_nid(key) == NID_X9_62_prime256v1 ||
		       curve_nid(key) == NID_secp384r1 ||
		       curve_nid(key) == NID_secp521r1;
	case EDDSA:
		return EVP_PKEY_is_a(key, "ED25519");
	case PSS:
		return (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) &&
		       bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
	default:
		return false;
	}
}

static int check_sign1(const struct alg *alg, EVP_PKEY *key,
		       const struct rcpt_sign1 *sign1, struct rcpt_span payload)
{
	struct rcpt_span sig = sign1->signature;
	uint8_t der[DER_MAX], *tbs;
	size_t len;
	int ret;

	if (alg->family == ECDSA) {
		if (sig.len != 2 * (size_t)((EVP_PKEY_get_bits(key) + 7) / 8))
			return 0;
		if (ecdsa_to_der(key, sig, der, &sig.len))
			return -1;
		sig.data = der;
	}
	if (rcpt_sig_structure(sign1->protected, payload, &tbs, &len))
		return -1;
	ret = check(alg, key, sig.data, sig.len, tbs, len);
	free(tbs);
	return ret;
}

/**
 * rcpt_sign1_verify() - check the signature of a COSE_Sign1
 * @sign1: envelope
 * @payload: what it signs, also when it is detached
 * @alg: COSE algorithm out of its protected header
 * @key: public key
 * @err: what went wrong; the caller may want to put a better reason in
 *
 * Return: 0; -RCPT_INVALID when the signature is wrong; -RCPT_CANNOT_EVALUATE
 * when the algorithm is not supported or the key is not one for it;
 * -RCPT_SYSTEM when OpenSSL fails.
 */
int rcpt_sign1_verify(const struct rcpt_sign1 *sign1, struct rcpt_span payload,
		      int64_t alg, EVP_PKEY *key, struct rcpt_error *err)
{
	const struct alg *row = find_alg(alg);
	int good;

	if (!row || row->family == HASH)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM,
				 RCPT_NO_OFFSET, "algorithm %lld is not supported",
				 (long long)alg);
	if (!family_fits(row->family, key))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM,
				 RCPT_NO_OFFSET, "the key is not one for %s",
				 row->name);
	good = check_sign1(row, key, sign1, payload);
	if (good < 0)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "cannot check the signature");
	if (!good)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_SIGNATURE,
				 sign1->signature.offset, "signature is wrong");
	return 0;
}
