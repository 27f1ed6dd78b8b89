/* SPDX-License-Identifier: MIT */
/*
 * Statements and receipts put together piece by piece, so that each piece can be
 * wrong.
 */
#ifndef CRAFT_H
#define CRAFT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "receipt.h"
#include "writer.h"

#define CRAFT_ROOM	(RECEIPT_MAX_SIGNATURE + 4096)

/* Bytes with room of their own. */
struct craft {
	uint8_t data[CRAFT_ROOM];
	size_t len;
};

static inline int craft_digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Hexadecimal text, blanks skipped. */
static inline struct craft craft_hex(const char *text)
{
	struct craft out = { .len = 0 };

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		assert_true(text[1] && out.len < sizeof(out.data));
		out.data[out.len++] = craft_digit(text[0]) << 4 | craft_digit(text[1]);
		text++;
	}
	return out;
}

static inline struct rcpt_span craft_span(const struct craft *c)
{
	return rcpt_span(c->data, c->len);
}

static inline void craft_add(struct craft *c, const void *data, size_t len)
{
	assert_true(c->len + len <= sizeof(c->data));
	if (len)
		memcpy(c->data + c->len, data, len);
	c->len += len;
}

static inline void craft_head(struct craft *c, uint8_t major, uint64_t arg)
{
	uint8_t head[9];

	craft_add(c, head, rcpt_cbor_head(head, major, arg));
}

static inline void craft_bytes(struct craft *c, const void *data, size_t len)
{
	craft_head(c, RCPT_BYTES, len);
	craft_add(c, data, len);
}

static inline void craft_text(struct craft *c, const char *text)
{
	craft_head(c, RCPT_TEXT, strlen(text));
	craft_add(c, text, strlen(text));
}

static inline void craft_int(struct craft *c, int64_t value)
{
	craft_head(c, value < 0 ? RCPT_NINT : RCPT_UINT, value < 0 ? -1 - value : value);
}

static inline EVP_PKEY *craft_key(const char *kind)
{
	EVP_PKEY *key;

	if (!strcmp(kind, "RSA"))
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	else if (!strcmp(kind, "ED25519"))
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", (char *)kind);
	assert_non_null(key);
	return key;
}

static inline size_t craft_raw_ecdsa(EVP_PKEY *key, const uint8_t *der, size_t len,
				     uint8_t *out)
{
	int half = (EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, len);

	assert_non_null(sig);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half);
	ECDSA_SIG_free(sig);
	return 2 * half;
}

static inline const char *craft_digest_of(int64_t alg)
{
	if (alg == RCPT_EDDSA || alg == RCPT_ED25519)
		return NULL;
	return alg == RCPT_ES256 || alg == RCPT_ESP256 || alg == RCPT_PS256 ? "SHA256" :
	       alg == RCPT_ES384 || alg == RCPT_ESP384 || alg == RCPT_PS384 ? "SHA384" : "SHA512";
}

static inline struct craft craft_signature(EVP_PKEY *key, int64_t alg,
					   const uint8_t *tbs, size_t tbs_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	struct craft out = { .len = 0 };
	uint8_t sig[1024];
	size_t len = sizeof(sig);

	assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx, craft_digest_of(alg), NULL, NULL,
					       key, NULL), 1);
	if (EVP_PKEY_is_a(key, "RSA")) {
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
	}
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, tbs, tbs_len), 1);
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_is_a(key, "EC"))
		out.len = craft_raw_ecdsa(key, sig, len, out.data);
	else
		craft_add(&out, sig, len);
	return out;
}

/*
 * COSE_Sign1 over @payload; @attached: what stands in its place, NULL for nil.
 * @unprotected is the whole map.
 */
static inline struct craft craft_sign1(EVP_PKEY *key, int64_t alg,
				       const struct craft *protected,
				       const struct craft *unprotected,
				       struct rcpt_span payload,
				       const struct rcpt_span *attached)
{
	struct craft out = { .len = 0 }, sig;
	uint8_t *tbs;
	size_t len;

	assert_int_equal(rcpt_sig_structure(craft_span(protected), payload, &tbs, &len), 0);
	sig = craft_signature(key, alg, tbs, len);
	free(tbs);
	craft_head(&out, RCPT_TAG, 18);
	craft_head(&out, RCPT_ARRAY, 4);
	craft_bytes(&out, protected->data, protected->len);
	craft_add(&out, unprotected->data, unprotected->len);
	if (attached)
		craft_bytes(&out, attached->data, attached->len);
	else
		craft_head(&out, RCPT_SIMPLE, RCPT_NULL);
	craft_bytes(&out, sig.data, sig.len);
	return out;
}

/* { 1: alg, 15: { 1: iss, 2: sub, 6: 1(1700000000), "svn": 7 } } and @more pairs. */
static inline struct craft craft_statement_header(int64_t alg, unsigned int more,
						  const char *more_hex)
{
	struct craft out = { .len = 0 }, tail = craft_hex(more_hex);

	craft_head(&out, RCPT_MAP, 2 + more);
	craft_int(&out, RCPT_LABEL_ALG);
	craft_int(&out, alg);
	craft_int(&out, RCPT_LABEL_CLAIMS);
	craft_head(&out, RCPT_MAP, 4);
	craft_int(&out, 1);
	craft_text(&out, "issuer.example");
	craft_int(&out, 2);
	craft_text(&out, "deb/test");
	craft_int(&out, 6);
	craft_head(&out, RCPT_TAG, 1);
	craft_int(&out, 1700000000);
	craft_text(&out, "svn");
	craft_int(&out, 7);
	craft_add(&out, tail.data, tail.len);
	return out;
}

static inline struct craft craft_statement(EVP_PKEY *key, int64_t alg, unsigned int more,
					   const char *more_hex, struct rcpt_span payload)
{
	struct craft protected = craft_statement_header(alg, more, more_hex);
	struct craft unprotected = craft_hex("a0");

	return craft_sign1(key, alg, &protected, &unprotected, payload, &payload);
}

/* { 1: alg, 395: vds, 15: { 1: iss, 6: 1700000001 } } and @more pairs. */
static inline struct craft craft_receipt_header(int64_t alg, int64_t vds, const char *iss,
						unsigned int more, const char *more_hex)
{
	struct craft out = { .len = 0 }, tail = craft_hex(more_hex);

	craft_head(&out, RCPT_MAP, 3 + more);
	craft_int(&out, RCPT_LABEL_ALG);
	craft_int(&out, alg);
	craft_int(&out, RCPT_LABEL_VDS);
	craft_int(&out, vds);
	craft_int(&out, RCPT_LABEL_CLAIMS);
	craft_head(&out, RCPT_MAP, 2);
	craft_int(&out, 1);
	craft_text(&out, iss);
	craft_int(&out, 6);
	craft_int(&out, 1700000001);
	craft_add(&out, tail.data, tail.len);
	return out;
}

/* { 396: { -1: [ proof... ] } } */
static inline struct craft craft_proofs(const struct craft *proofs, size_t n)
{
	struct craft out = craft_hex("a1 19018c a1 20");
	size_t i;

	craft_head(&out, RCPT_ARRAY, n);
	for (i = 0; i < n; i++)
		craft_bytes(&out, proofs[i].data, proofs[i].len);
	return out;
}

static inline struct craft craft_rfc9162_proof(uint64_t size, uint64_t index,
					       const uint8_t (*path)[32], size_t n)
{
	struct craft out = { .len = 0 };
	size_t i;

	craft_head(&out, RCPT_ARRAY, 3);
	craft_int(&out, size);
	craft_int(&out, index);
	craft_head(&out, RCPT_ARRAY, n);
	for (i = 0; i < n; i++)
		craft_bytes(&out, path[i], 32);
	return out;
}

static inline struct craft craft_ccf_proof(const uint8_t tx[32], const char *evidence,
					   const uint8_t data_hash[32],
					   const uint8_t (*path)[32], const uint8_t *left,
					   size_t n)
{
	struct craft out = craft_hex("a2 01 83");
	size_t i;

	craft_bytes(&out, tx, 32);
	craft_text(&out, evidence);
	craft_bytes(&out, data_hash, 32);
	craft_int(&out, 2);
	craft_head(&out, RCPT_ARRAY, n);
	for (i = 0; i < n; i++) {
		craft_head(&out, RCPT_ARRAY, 2);
		craft_head(&out, RCPT_SIMPLE, left[i] ? RCPT_TRUE : RCPT_FALSE);
		craft_bytes(&out, path[i], 32);
	}
	return out;
}

/* Puts receipts into a statement's (empty) unprotected header. */
static inline struct craft craft_transparent(const struct craft *stmt,
					     const struct craft *receipts, size_t n)
{
	struct craft out = { .len = 0 };
	struct rcpt_sign1 s;
	size_t i;

	assert_int_equal(rcpt_sign1_parse(craft_span(stmt), &s, NULL), 0);
	craft_head(&out, RCPT_TAG, 18);
	craft_head(&out, RCPT_ARRAY, 4);
	craft_bytes(&out, s.protected.data, s.protected.len);
	craft_head(&out, RCPT_MAP, 1);
	craft_int(&out, RCPT_LABEL_RECEIPTS);
	craft_head(&out, RCPT_ARRAY, n);
	for (i = 0; i < n; i++)
		craft_bytes(&out, receipts[i].data, receipts[i].len);
	craft_bytes(&out, s.payload.data, s.payload.len);
	craft_bytes(&out, s.signature.data, s.signature.len);
	return out;
}

/* A set with one key, that of @issuer (or anyone's). */
static inline struct rcpt_keys craft_keys(EVP_PKEY *key, const char *issuer)
{
	struct rcpt_keys keys = { 0 };
	struct rcpt_key one = { .pkey = key, .issuer = issuer ? strdup(issuer) : NULL };

	EVP_PKEY_up_ref(key);
	assert_int_equal(rcpt_keys_put(&keys, &one, NULL), 0);
	return keys;
}

#endif /* CRAFT_H */
