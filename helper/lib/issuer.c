// SPDX-License-Identifier: MIT
/*
 * Who signed a statement: a key that the caller trusts, a certificate that leads
 * to a root of his, or whoever holds the certificate that the statement brings.
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "receipt.h"

static const EVP_MD *x5t_md(int64_t alg)
{
	switch (alg) {
	case RCPT_SHA256:
		return EVP_sha256();
	case RCPT_SHA384:
		return EVP_sha384();
	case RCPT_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

/* Whether x5t is of a certificate; by an algorithm that says nothing here: yes. */
static bool x5t_fits(const struct rcpt_header *h, struct rcpt_span cert)
{
	const EVP_MD *md = x5t_md(h->x5t_alg);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (!h->x5t.data || !md)
		return true;
	return EVP_Digest(cert.data, cert.len, digest, &len, md, NULL) &&
	       rcpt_span_equal(h->x5t, digest, len);
}

/*
 * Keys that the caller trusts
 */

/* Key ids come first; where there is none, x5t tells certificates apart. */
static bool key_is_meant(const struct rcpt_header *h, const struct rcpt_key *key)
{
	if (!rcpt_key_matches(key, h->claims.iss, h->kid))
		return false;
	return h->kid.data || !key->cert ||
	       x5t_fits(h, rcpt_span(key->cert, key->cert_len));
}

static int check_keys(const struct rcpt_statement *stmt, const struct rcpt_keys *keys,
		      struct rcpt_error *err)
{
	struct rcpt_error e = { 0 }, worst = { 0 };
	size_t i;

	rcpt_fail(&worst, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_ISSUER_KEY,
		  RCPT_NO_OFFSET, "none of the given keys is the one that the statement names");
	for (i = 0; i < keys->count; i++) {
		if (!key_is_meant(&stmt->header, &keys->keys[i]))
			continue;
		if (!rcpt_statement_verify(stmt, keys->keys[i].pkey, &e))
			return 0;
		if (e.status != RCPT_CANNOT_EVALUATE ||
		    worst.reason == RECEIPT_REASON_NO_ISSUER_KEY)
			worst = e;
	}
	if (err)
		*err = worst;
	return -worst.status;
}

/*
 * Certificates in the statement
 */

static int check_use(const struct rcpt_issuer_trust *trust, X509 *leaf,
		     struct rcpt_error *err)
{
	size_t i;

	/* All bits are set where a certificate does not say. */
	if (!(X509_get_key_usage(leaf) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE, RCPT_NO_OFFSET,
				 "the first certificate's key is not for signing");
	for (i = 0; i < trust->nekus; i++)
		if (!rcpt_cert_has_eku(leaf, trust->ekus[i]))
			return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE,
					 RCPT_NO_OFFSET,
					 "the first certificate is not for the use %s",
					 trust->ekus[i]);
	return 0;
}

/* Without a root, dates that nobody knows are nobody's business. */
static int check_dates(const struct rcpt_issuer_trust *trust,
		       const STACK_OF(X509) *certs, struct rcpt_error *err)
{
	if (!trust->ntimes && !trust->roots)
		return 0;
	if (!trust->ntimes)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_CERTIFICATE,
				 RCPT_NO_OFFSET,
				 "no good receipt says when the certificates must have been valid");
	if (rcpt_certs_cover(certs, trust->times, trust->ntimes))
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE, RCPT_NO_OFFSET,
			 "a certificate was not valid when the statement was recorded");
}

/* The path to a root; for a did:x509 all certificates are one path. */
static int check_path(const struct rcpt_statement *stmt,
		      const struct rcpt_issuer_trust *trust, STACK_OF(X509) *certs,
		      struct rcpt_error *err)
{
	const struct rcpt_header *h = &stmt->header;
	STACK_OF(X509) *path = NULL;
	int ret = 0;

	if (rcpt_is_did_x509(h->claims.iss))
		ret = rcpt_did_x509_check(h->claims.iss, h->chain, h->nchain, err);
	if (!ret && trust->roots)
		ret = rcpt_certs_path(certs, trust->roots, &path, err);
	if (!ret && trust->roots)
		ret = check_use(trust, sk_X509_value(certs, 0), err);
	if (!ret)
		ret = check_dates(trust, path ? path : certs, err);
	sk_X509_pop_free(path, X509_free);
	return ret;
}

static int check_signature(const struct rcpt_statement *stmt, X509 *leaf,
			   struct rcpt_error *err)
{
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	ERR_clear_error();
	if (key)
		return rcpt_statement_verify(stmt, key, err);
	return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM,
			 stmt->header.chain[0].offset,
			 "the key of the first certificate is of no supported kind");
}

static int check_certificates(const struct rcpt_statement *stmt,
			      const struct rcpt_issuer_trust *trust,
			      struct rcpt_error *err)
{
	const struct rcpt_header *h = &stmt->header;
	STACK_OF(X509) *certs;
	int ret;

	if (!h->nchain)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_ISSUER_KEY,
				 RCPT_NO_OFFSET, trust->roots ?
				 "the statement has no certificates" :
				 "no key to check the issuer's signature with");
	ret = rcpt_certs_read(h->chain, h->nchain, &certs, err);
	if (ret)
		return ret;
	if (!x5t_fits(h, h->chain[0]))
		ret = rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE,
				h->x5t.offset, "x5t is not of the first certificate");
	if (!ret)
		ret = check_path(stmt, trust, certs, err);
	if (!ret)
		ret = check_signature(stmt, sk_X509_value(certs, 0), err);
	sk_X509_pop_free(certs, X509_free);
	return ret;
}

/**
 * rcpt_issuer_verify() - check who signed a statement
 * @stmt: statement
 * @trust: whom to believe; NULL: nobody in particular
 * @err: what went wrong
 *
 * With neither keys nor roots, the key of the first certificate in the protected
 * x5chain must have signed. That proves that the statement is whole, not who
 * signed it. An iss of did:x509 must fit the chain.
 *
 * Return: 0; -RCPT_INVALID when the signature is wrong, or x5t, did:x509, path,
 * use or dates of the certificates are; -RCPT_CANNOT_EVALUATE with
 * RECEIPT_REASON_NO_ISSUER_KEY when there is no key to check with, with
 * RECEIPT_REASON_ALGORITHM when the algorithm is not supported or not one for
 * the key, with RECEIPT_REASON_CERTIFICATE when no time is known to judge dates
 * at; -RCPT_MALFORMED for a certificate that is none; -RCPT_SYSTEM.
 */
int rcpt_issuer_verify(const struct rcpt_statement *stmt,
		       const struct rcpt_issuer_trust *trust, struct rcpt_error *err)
{
	static const struct rcpt_issuer_trust nobody;
	int ret = 0;

	if (!trust)
		trust = &nobody;
	if (trust->keys)
		ret = check_keys(stmt, trust->keys, err);
	if (!ret && (trust->roots || !trust->keys))
		ret = check_certificates(stmt, trust, err);
	return ret;
}

/**
 * rcpt_issuer_time() - add a time at which a statement was recorded
 * @trust: its times grow by one, unless it is full
 * @receipt: parsed; whoever calls decides whether it must be proven
 */
void rcpt_issuer_time(struct rcpt_issuer_trust *trust, const struct rcpt_receipt *receipt)
{
	const struct rcpt_claims *c = &receipt->header.claims;

	if (c->has_iat && trust->ntimes < ARRAY_SIZE(trust->times))
		trust->times[trust->ntimes++] = c->iat;
}
