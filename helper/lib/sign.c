// SPDX-License-Identifier: MIT
/*
 * Signing of statements and receipts: COSE_Sign1 over OpenSSL's keys.
 */
#include "sign.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "writer.h"

#define COSE_SIGN1_TAG	18
#define MIN_RSA_BITS	2048
#define CLAIM_ISS	1
#define CLAIM_SUB	2
#define CLAIM_IAT	6

/* What the subject of a receipt is: a tree, whichever statement it is for. */
#define RECEIPT_SUBJECT	"receipt.tree.v1"

static int fail_crypto(struct rcpt_error *err, const char *what)
{
	ERR_clear_error();
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			 RCPT_NO_OFFSET, "%s: the crypto library failed", what);
}

/*
 * keys
 */

/* Never ask a terminal for a passphrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static int64_t alg_of_key(EVP_PKEY *pkey)
{
	char group[32];

	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return RCPT_EDDSA;
	if (EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= MIN_RSA_BITS)
		return RCPT_PS256;
	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    !EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL))
		return 0;
	if (!strcmp(group, "prime256v1"))
		return RCPT_ES256;
	if (!strcmp(group, "secp384r1"))
		return RCPT_ES384;
	return strcmp(group, "secp521r1") ? 0 : RCPT_ES512;
}

/* Takes over @pkey, also on failure. */
static int make_signer(EVP_PKEY *pkey, struct rcpt_signer *signer,
		       struct rcpt_error *err)
{
	size_t i;

	signer->pkey = pkey;
	signer->alg = alg_of_key(pkey);
	if (!signer->alg) {
		rcpt_signer_free(signer);
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM,
				 RCPT_NO_OFFSET, "type of key not supported: use EC P-256, P-384 or P-521, Ed25519 or RSA of at least %d bits",
				 MIN_RSA_BITS);
	}
	if (rcpt_key_id(pkey, signer->id)) {
		rcpt_signer_free(signer);
		return fail_crypto(err, "key");
	}
	for (i = 0; i < sizeof(signer->id); i++)
		snprintf(signer->kid + 2 * i, 3, "%02x", signer->id[i]);
	return 0;
}

int rcpt_signer_load(const void *pem, size_t len, struct rcpt_signer *signer,
		     struct rcpt_error *err)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, len) : NULL;
	EVP_PKEY *pkey = NULL;

	memset(signer, 0, sizeof(*signer));
	if (bio)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!pkey)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
				 0, "no private key in PEM without passphrase");
	return make_signer(pkey, signer, err);
}

int rcpt_signer_generate(int64_t alg, struct rcpt_signer *signer,
			 struct rcpt_error *err)
{
	const char *curve = alg == RCPT_ES256 ? "P-256" : alg == RCPT_ES384 ? "P-384" :
			    "P-521";
	EVP_PKEY *pkey;

	memset(signer, 0, sizeof(*signer));
	if (alg != RCPT_ES256 && alg != RCPT_ES384 && alg != RCPT_ES512)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM,
				 RCPT_NO_OFFSET, "a log signs with ES256, ES384 or ES512");
	pkey = EVP_EC_gen(curve);
	if (!pkey)
		return fail_crypto(err, "new key");
	return make_signer(pkey, signer, err);
}

int rcpt_signer_pem(const struct rcpt_signer *signer, char **pem, size_t *len,
		    struct rcpt_error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long n = 0;

	*pem = NULL;
	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, signer->pkey, NULL, NULL, 0,
						 NULL, NULL) == 1)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		*pem = OPENSSL_memdup(text, n);
	*len = n;
	BIO_free(bio);
	return *pem ? 0 : fail_crypto(err, "key");
}

void rcpt_signer_free(struct rcpt_signer *signer)
{
	EVP_PKEY_free(signer->pkey);
	memset(signer, 0, sizeof(*signer));
}

/*
 * certificates
 */

static int add_certificate(X509 *cert, struct rcpt_chain *chain)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	if (len <= 0)
		return -1;
	chain->der[chain->n].data = malloc(len);
	if (chain->der[chain->n].data) {
		memcpy(chain->der[chain->n].data, der, len);
		chain->der[chain->n++].len = len;
	}
	OPENSSL_free(der);
	return 0;
}

static int read_chain(BIO *bio, struct rcpt_chain *chain, struct rcpt_error *err)
{
	unsigned long why;
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		int rc = chain->n < RCPT_MAX_CHAIN ? add_certificate(cert, chain) : -1;

		X509_free(cert);
		if (rc)
			return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_CERTIFICATE,
					 RCPT_NO_OFFSET, "more than %d certificates",
					 RCPT_MAX_CHAIN);
	}
	why = ERR_peek_last_error();
	ERR_clear_error();
	/* "No start line" after the last certificate is how PEM ends. */
	if (!chain->n || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_CERTIFICATE,
				 RCPT_NO_OFFSET, "certificate %zu: not a PEM certificate",
				 chain->n);
	return 0;
}

static int check_leaf(const struct rcpt_chain *chain,
		      const struct rcpt_signer *signer, struct rcpt_error *err)
{
	EVP_PKEY *pkey = rcpt_key_from_cert(rcpt_span(chain->der[0].data,
						      chain->der[0].len));
	bool same = pkey && EVP_PKEY_eq(pkey, signer->pkey) == 1;

	EVP_PKEY_free(pkey);
	if (same)
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE, RCPT_NO_OFFSET,
			 "the first certificate is about another key");
}

int rcpt_chain_load(const void *pem, size_t len, const struct rcpt_signer *signer,
		    struct rcpt_chain *chain, struct rcpt_error *err)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, len) : NULL;
	int rc;

	memset(chain, 0, sizeof(*chain));
	if (!bio)
		return fail_crypto(err, "certificates");
	ERR_clear_error();
	rc = read_chain(bio, chain, err);
	BIO_free(bio);
	if (!rc)
		rc = check_leaf(chain, signer, err);
	if (rc)
		rcpt_chain_free(chain);
	return rc;
}

void rcpt_chain_free(struct rcpt_chain *chain)
{
	size_t i;

	for (i = 0; i < chain->n; i++)
		free(chain->der[i].data);
	memset(chain, 0, sizeof(*chain));
}

/*
 * signatures
 */

static const EVP_MD *alg_digest(int64_t alg)
{
	switch (alg) {
	case RCPT_ES384:
		return EVP_sha384();
	case RCPT_ES512:
		return EVP_sha512();
	case RCPT_EDDSA:
		return NULL;
	}
	return EVP_sha256();
}

/* COSE wants r || s, each as long as the curve's field. */
static int raw_ecdsa(const uint8_t *der, size_t der_len, int64_t alg,
		     uint8_t *out, size_t *len)
{
	int half = alg == RCPT_ES384 ? 48 : alg == RCPT_ES512 ? 66 : 32;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, der_len);
	int ok = sig &&
		 BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half &&
		 BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half;

	ECDSA_SIG_free(sig);
	*len = 2 * half;
	return ok ? 0 : -1;
}

static int set_padding(EVP_PKEY_CTX *ctx, int64_t alg)
{
	if (alg != RCPT_PS256)
		return 1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static int sign(const struct rcpt_signer *signer, const uint8_t *tbs, size_t tbs_len,
		uint8_t *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t sig[RECEIPT_MAX_SIGNATURE];
	size_t n = sizeof(sig);
	int ok = ctx && EVP_PKEY_get_size(signer->pkey) <= (int)sizeof(sig) &&
		 EVP_DigestSignInit(ctx, &pctx, alg_digest(signer->alg), NULL,
				    signer->pkey) == 1 &&
		 set_padding(pctx, signer->alg) &&
		 EVP_DigestSign(ctx, sig, &n, tbs, tbs_len) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return -1;
	if (EVP_PKEY_is_a(signer->pkey, "EC"))
		return raw_ecdsa(sig, n, signer->alg, out, len);
	memcpy(out, sig, n);
	*len = n;
	return 0;
}

/* Sign @protected and @payload; @sig has room for RECEIPT_MAX_SIGNATURE. */
static int sign_structure(const struct rcpt_signer *signer,
			  struct rcpt_span protected, struct rcpt_span payload,
			  uint8_t *sig, size_t *sig_len, struct rcpt_error *err)
{
	uint8_t *tbs;
	size_t tbs_len;
	int rc;

	if (rcpt_sig_structure(protected, payload, &tbs, &tbs_len))
		return fail_crypto(err, "signing");
	rc = sign(signer, tbs, tbs_len, sig, sig_len);
	free(tbs);
	return rc ? fail_crypto(err, "signing") : 0;
}

/*
 * statements
 */

static int check_claim(const char *name, const char *text, struct rcpt_error *err)
{
	size_t len = strlen(text);

	if (len && len <= RECEIPT_MAX_CLAIM &&
	    rcpt_utf8_valid((const uint8_t *)text, len))
		return 0;
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
			 "%s: must be 1 to %d bytes of UTF-8", name, RECEIPT_MAX_CLAIM);
}

static void write_claims(struct rcpt_writer *w, const struct rcpt_claim_set *claims)
{
	rcpt_write_int(w, RCPT_LABEL_CLAIMS);
	rcpt_write_head(w, RCPT_MAP, claims->has_svn ? 4 : 3);
	rcpt_write_int(w, CLAIM_ISS);
	rcpt_write_text(w, claims->iss, strlen(claims->iss));
	rcpt_write_int(w, CLAIM_SUB);
	rcpt_write_text(w, claims->sub, strlen(claims->sub));
	rcpt_write_int(w, CLAIM_IAT);
	rcpt_write_int(w, claims->iat);
	if (claims->has_svn) {
		rcpt_write_text(w, "svn", 3);
		rcpt_write_head(w, RCPT_UINT, claims->svn);
	}
}

/* One certificate is a byte string, several are an array (RFC 9360). */
static void write_chain(struct rcpt_writer *w, const struct rcpt_chain *chain)
{
	size_t i;

	rcpt_write_int(w, RCPT_LABEL_X5CHAIN);
	if (chain->n > 1)
		rcpt_write_head(w, RCPT_ARRAY, chain->n);
	for (i = 0; i < chain->n; i++)
		rcpt_write_bytes(w, chain->der[i].data, chain->der[i].len);
}

static void write_kid(struct rcpt_writer *w, const struct rcpt_signer *signer)
{
	rcpt_write_int(w, RCPT_LABEL_KID);
	rcpt_write_bytes(w, signer->kid, strlen(signer->kid));
}

static void write_protected(struct rcpt_writer *w,
			    const struct rcpt_claim_set *claims,
			    const struct rcpt_signer *signer)
{
	rcpt_write_head(w, RCPT_MAP, 4);
	rcpt_write_int(w, RCPT_LABEL_ALG);
	rcpt_write_int(w, signer->alg);
	if (!claims->hash_alg) {
		rcpt_write_int(w, RCPT_LABEL_CONTENT_TYPE);
		rcpt_write_text(w, RCPT_TYPE_MANIFEST_ROOT,
				strlen(RCPT_TYPE_MANIFEST_ROOT));
	}
	if (!claims->chain)
		write_kid(w, signer);
	write_claims(w, claims);
	if (claims->chain)
		write_chain(w, claims->chain);
	if (claims->hash_alg) {
		rcpt_write_int(w, RCPT_LABEL_HASH_ALG);
		rcpt_write_int(w, claims->hash_alg);
	}
}

static void write_start(struct rcpt_writer *w, struct rcpt_span protected)
{
	rcpt_write_head(w, RCPT_TAG, COSE_SIGN1_TAG);
	rcpt_write_head(w, RCPT_ARRAY, 4);
	rcpt_write_bytes(w, protected.data, protected.len);
}

int rcpt_statement_sign(const struct rcpt_claim_set *claims,
			const uint8_t *payload, size_t payload_len,
			const struct rcpt_signer *signer,
			uint8_t **out, size_t *len, struct rcpt_error *err)
{
	struct rcpt_writer protected = { 0 }, w = { 0 };
	uint8_t sig[RECEIPT_MAX_SIGNATURE], *header;
	size_t sig_len, header_len;
	int rc;

	if (check_claim("issuer", claims->iss, err) ||
	    check_claim("subject", claims->sub, err))
		return -RCPT_MALFORMED;
	write_protected(&protected, claims, signer);
	rc = rcpt_writer_take(&protected, &header, &header_len, err);
	if (rc)
		return rc;
	rc = sign_structure(signer, rcpt_span(header, header_len),
			    rcpt_span(payload, payload_len), sig, &sig_len, err);
	if (!rc) {
		write_start(&w, rcpt_span(header, header_len));
		rcpt_write_head(&w, RCPT_MAP, 0);
		rcpt_write_bytes(&w, payload, payload_len);
		rcpt_write_bytes(&w, sig, sig_len);
		rc = rcpt_writer_take(&w, out, len, err);
	}
	free(header);
	return rc;
}

/*
 * receipts
 */

/* One header serves all receipts of a tree, so nothing in it is of one entry. */
static void write_receipt_header(struct rcpt_writer *w, const char *iss, int64_t iat,
				 uint64_t size, const struct rcpt_signer *signer)
{
	rcpt_write_head(w, RCPT_MAP, 4);
	rcpt_write_int(w, RCPT_LABEL_ALG);
	rcpt_write_int(w, signer->alg);
	write_kid(w, signer);
	rcpt_write_int(w, RCPT_LABEL_CLAIMS);
	rcpt_write_head(w, RCPT_MAP, 4);
	rcpt_write_int(w, CLAIM_ISS);
	rcpt_write_text(w, iss, strlen(iss));
	rcpt_write_int(w, CLAIM_SUB);
	rcpt_write_text(w, RECEIPT_SUBJECT, strlen(RECEIPT_SUBJECT));
	rcpt_write_int(w, CLAIM_IAT);
	rcpt_write_int(w, iat);
	rcpt_write_text(w, "size", 4);
	rcpt_write_head(w, RCPT_UINT, size);
	rcpt_write_int(w, RCPT_LABEL_VDS);
	rcpt_write_int(w, RECEIPT_VDS_RFC9162);
}

static void write_proof(struct rcpt_writer *w, const struct rcpt_entry_proof *proof)
{
	size_t i;

	rcpt_write_head(w, RCPT_ARRAY, 3);
	rcpt_write_head(w, RCPT_UINT, proof->size);
	rcpt_write_head(w, RCPT_UINT, proof->index);
	rcpt_write_head(w, RCPT_ARRAY, proof->npath);
	for (i = 0; i < proof->npath; i++)
		rcpt_write_bytes(w, proof->path[i], 32);
}

/* The unprotected header: { 396: { -1: [ bstr(proof) ] } } */
static void write_proofs(struct rcpt_writer *w, const struct rcpt_entry_proof *proof)
{
	struct rcpt_writer inner = { 0 };

	write_proof(&inner, proof);
	rcpt_write_head(w, RCPT_MAP, 1);
	rcpt_write_int(w, RCPT_LABEL_PROOFS);
	rcpt_write_head(w, RCPT_MAP, 1);
	rcpt_write_int(w, -1);
	rcpt_write_head(w, RCPT_ARRAY, 1);
	rcpt_write_bytes(w, inner.data, inner.len);
	w->failed |= inner.failed;
	rcpt_writer_free(&inner);
}

int rcpt_receipt_sign(const char *iss, int64_t iat,
		      const struct rcpt_entry_proof *proof,
		      const struct rcpt_signer *signer,
		      uint8_t **out, size_t *len, struct rcpt_error *err)
{
	struct rcpt_writer protected = { 0 }, w = { 0 };
	uint8_t sig[RECEIPT_MAX_SIGNATURE], *header;
	size_t sig_len, header_len;
	int rc = check_claim("issuer", iss, err);

	if (rc)
		return rc;
	write_receipt_header(&protected, iss, iat, proof->size, signer);
	rc = rcpt_writer_take(&protected, &header, &header_len, err);
	if (rc)
		return rc;
	rc = sign_structure(signer, rcpt_span(header, header_len),
			    rcpt_span(proof->root, 32), sig, &sig_len, err);
	if (!rc) {
		write_start(&w, rcpt_span(header, header_len));
		write_proofs(&w, proof);
		rcpt_write_head(&w, RCPT_SIMPLE, RCPT_NULL);
		rcpt_write_bytes(&w, sig, sig_len);
		rc = rcpt_writer_take(&w, out, len, err);
	}
	free(header);
	return rc;
}

static bool has_receipt(const struct rcpt_statement *stmt, struct rcpt_span receipt)
{
	size_t i;

	for (i = 0; i < stmt->nreceipts; i++)
		if (rcpt_span_equal(stmt->receipts[i], receipt.data, receipt.len))
			return true;
	return false;
}

int rcpt_statement_attach(const struct rcpt_statement *stmt,
			  struct rcpt_span receipt,
			  uint8_t **out, size_t *len, struct rcpt_error *err)
{
	size_t n = stmt->nreceipts + !has_receipt(stmt, receipt);
	struct rcpt_writer w = { 0 };
	size_t i;

	if (n > RECEIPT_MAX_RECEIPTS)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_NO_OFFSET, "more than %d receipts",
				 RECEIPT_MAX_RECEIPTS);
	write_start(&w, stmt->sign1.protected);
	rcpt_write_head(&w, RCPT_MAP, 1);
	rcpt_write_int(&w, RCPT_LABEL_RECEIPTS);
	rcpt_write_head(&w, RCPT_ARRAY, n);
	for (i = 0; i < stmt->nreceipts; i++)
		rcpt_write_bytes(&w, stmt->receipts[i].data, stmt->receipts[i].len);
	if (i < n)
		rcpt_write_bytes(&w, receipt.data, receipt.len);
	rcpt_write_bytes(&w, stmt->sign1.payload.data, stmt->sign1.payload.len);
	rcpt_write_bytes(&w, stmt->sign1.signature.data, stmt->sign1.signature.len);
	return rcpt_writer_take(&w, out, len, err);
}
