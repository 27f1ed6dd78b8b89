// SPDX-License-Identifier: MIT
/*
 * The kernel's hashes and public keys, by OpenSSL, for the kernel's check in user
 * space.
 */
#include "private.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

static const EVP_MD *md_of(enum receipt_kind kind)
{
	return kind == RECEIPT_KIND_SHA384 ? EVP_sha384() :
	       kind == RECEIPT_KIND_SHA512 ? EVP_sha512() : EVP_sha256();
}

int receipt_hash(enum receipt_kind kind, const struct receipt_span *spans, size_t n, u8 *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, md_of(kind), NULL);
	size_t i;

	for (i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, spans[i].data, spans[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -ENOMEM;
}

int receipt_sha256(const struct receipt_span *spans, size_t n, u8 out[RECEIPT_HASH_SIZE])
{
	return receipt_hash(RECEIPT_KIND_SHA256, spans, n, out);
}

bool receipt_digest_equal(const struct receipt_digest *a, const struct receipt_digest *b)
{
	return a->kind == b->kind && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static EVP_PKEY *read_key(const struct public_key *key)
{
	/* "ecdsa-nist-p256": the curve is what follows the last dash. */
	const char *size = strrchr(key->pkey_algo, '-') + 2;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params;
	char group[16];

	snprintf(group, sizeof(group), "P-%s", size);
	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, key->key, key->keylen);
	params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

int public_key_verify_signature(const struct public_key *key,
				const struct public_key_signature *sig)
{
	EVP_PKEY *pkey = read_key(key);
	EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
	bool is_key = pkey;
	bool good = ctx && EVP_PKEY_verify_init(ctx) > 0 &&
		    EVP_PKEY_verify(ctx, sig->s, sig->s_size, sig->digest,
				    sig->digest_size) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good ? 0 : is_key ? -EKEYREJECTED : -EINVAL;
}
