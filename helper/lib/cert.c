// SPDX-License-Identifier: MIT
/*
 * Certificates (X.509): reading them, the path from one to a root, and when that
 * was valid.
 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "receipt.h"

static int no_memory(struct rcpt_error *err)
{
	ERR_clear_error();
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
			 "no memory");
}

static X509 *read_der(struct rcpt_span der)
{
	const uint8_t *p = der.data;
	X509 *cert = d2i_X509(NULL, &p, der.len);

	if (cert && p == der.data + der.len)
		return cert;
	X509_free(cert);
	ERR_clear_error();
	return NULL;
}

/* Takes @cert over. */
static int push(STACK_OF(X509) *certs, X509 *cert, struct rcpt_error *err)
{
	if (sk_X509_push(certs, cert) > 0)
		return 0;
	X509_free(cert);
	return no_memory(err);
}

/**
 * rcpt_certs_read() - read the certificates of x5chain
 * @der: each exactly one
 * @n: how many
 * @certs: result, for sk_X509_pop_free(); NULL on failure
 * @err: what went wrong
 *
 * Return: 0; -RCPT_MALFORMED for one that is none; -RCPT_SYSTEM.
 */
int rcpt_certs_read(const struct rcpt_span *der, size_t n, STACK_OF(X509) **certs,
		    struct rcpt_error *err)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	int ret = list ? 0 : no_memory(err);
	size_t i;

	for (i = 0; i < n && !ret; i++) {
		X509 *cert = read_der(der[i]);

		ret = cert ? push(list, cert, err) :
			     rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_CERTIFICATE,
				       der[i].offset,
				       "x5chain: certificate %zu is not a certificate", i + 1);
	}
	if (ret) {
		sk_X509_pop_free(list, X509_free);
		list = NULL;
	}
	*certs = list;
	return ret;
}

/* Takes @cert over. */
static int add_root(STACK_OF(X509) *roots, X509 *cert, struct rcpt_error *err)
{
	if (sk_X509_num(roots) < RCPT_MAX_ROOTS)
		return push(roots, cert, err);
	X509_free(cert);
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
			 "over %d roots", RCPT_MAX_ROOTS);
}

static int add_pem(STACK_OF(X509) *roots, struct rcpt_span in, struct rcpt_error *err)
{
	BIO *bio = BIO_new_mem_buf(in.data, in.len);
	int ret = bio ? 0 : no_memory(err);
	unsigned long why;
	X509 *cert;

	while (!ret && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		ret = add_root(roots, cert, err);
	BIO_free(bio);
	why = ERR_peek_last_error();
	ERR_clear_error();
	/* "No start line" after the last certificate is how PEM ends. */
	if (!ret && ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
		ret = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_CERTIFICATE,
				RCPT_NO_OFFSET, "certificate %d: not a PEM certificate",
				sk_X509_num(roots) + 1);
	return ret;
}

/**
 * rcpt_roots_add() - trust the certificates of a file as roots
 * @roots: NULL at first; for sk_X509_pop_free()
 * @in: content: PEM, or one certificate as DER
 * @err: what went wrong
 *
 * Return: 0; -RCPT_MALFORMED when there is none or one is damaged, or there are
 * over RCPT_MAX_ROOTS; -RCPT_SYSTEM.
 */
int rcpt_roots_add(STACK_OF(X509) **roots, struct rcpt_span in, struct rcpt_error *err)
{
	X509 *cert;
	int before, ret;

	if (in.len > RCPT_MAX_KEY_FILE)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_MAX_KEY_FILE,
				 "a file of certificates is over %u bytes", RCPT_MAX_KEY_FILE);
	cert = read_der(in);
	if (!*roots)
		*roots = sk_X509_new_null();
	if (!*roots) {
		X509_free(cert);
		return no_memory(err);
	}
	if (cert)
		return add_root(*roots, cert, err);
	before = sk_X509_num(*roots);
	ret = add_pem(*roots, in, err);
	if (!ret && sk_X509_num(*roots) == before)
		ret = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_CERTIFICATE,
				RCPT_NO_OFFSET, "no certificate in it");
	return ret;
}

static int verify(X509_STORE_CTX *ctx, STACK_OF(X509) **path, struct rcpt_error *err)
{
	if (X509_verify_cert(ctx) != 1)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE,
				 RCPT_NO_OFFSET, "certificate %d: %s",
				 X509_STORE_CTX_get_error_depth(ctx) + 1,
				 X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	*path = X509_STORE_CTX_get1_chain(ctx);
	return *path ? 0 : no_memory(err);
}

static int find_path(STACK_OF(X509) *sent, STACK_OF(X509) *roots, STACK_OF(X509) **path,
		     struct rcpt_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ret;

	if (ctx && X509_STORE_CTX_init(ctx, NULL, sk_X509_value(sent, 0), sent)) {
		X509_STORE_CTX_set0_trusted_stack(ctx, roots);
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME |
					 X509_V_FLAG_PARTIAL_CHAIN);
		ret = verify(ctx, path, err);
	} else {
		ret = no_memory(err);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ret;
}

/**
 * rcpt_certs_path() - find the path from the first certificate to a root
 * @sent: certificates that came along, the signer's first
 * @roots: where it may end; they need not be self-signed
 * @path: result, the signer's first, for sk_X509_pop_free(); NULL on failure
 * @err: what went wrong
 *
 * RFC 5280, but for dates: a statement outlives its certificates. See
 * rcpt_certs_cover().
 *
 * Return: 0; -RCPT_INVALID when there is none; -RCPT_SYSTEM.
 */
int rcpt_certs_path(STACK_OF(X509) *sent, STACK_OF(X509) *roots, STACK_OF(X509) **path,
		    struct rcpt_error *err)
{
	struct rcpt_error first = { 0 }, e = { 0 };
	STACK_OF(X509) *one;
	int i, ret;

	*path = NULL;
	ret = find_path(sent, roots, path, &first);
	/* Of roots with one name, OpenSSL tries the first alone. */
	for (i = 0; ret == -RCPT_INVALID && i < sk_X509_num(roots); i++) {
		one = sk_X509_new_null();
		if (!one || !sk_X509_push(one, sk_X509_value(roots, i)))
			ret = no_memory(&e);
		else
			ret = find_path(sent, one, path, &e);
		if (ret == -RCPT_SYSTEM)
			first = e;
		sk_X509_free(one);
	}
	if (ret && err)
		*err = first;
	return ret;
}

static bool valid_at(const X509 *cert, int64_t when)
{
	time_t t = when;

	return X509_cmp_time(X509_get0_notBefore(cert), &t) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(cert), &t) > 0;
}

/**
 * rcpt_certs_cover() - whether all certificates were valid at one of some times
 * @certs: certificates
 * @times: seconds since 1970
 * @n: how many
 *
 * Return: whether they were.
 */
bool rcpt_certs_cover(const STACK_OF(X509) *certs, const int64_t *times, size_t n)
{
	size_t t;
	int i;

	for (t = 0; t < n; t++) {
		for (i = 0; i < sk_X509_num(certs); i++)
			if (!valid_at(sk_X509_value(certs, i), times[t]))
				break;
		if (i == sk_X509_num(certs))
			return true;
	}
	return false;
}

/**
 * rcpt_cert_has_eku() - whether a certificate is for a use
 * @cert: certificate
 * @oid: extended key usage, in dotted form
 *
 * Return: whether it names it.
 */
bool rcpt_cert_has_eku(X509 *cert, const char *oid)
{
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	char text[128];
	bool found = false;
	int i;

	for (i = 0; i < sk_ASN1_OBJECT_num(usage); i++)
		if (OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usage, i), 1) > 0 &&
		    !strcmp(text, oid))
			found = true;
	sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
	return found;
}
