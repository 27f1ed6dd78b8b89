// SPDX-License-Identifier: MIT
/*
 * Who signed a statement: keys by their ids, certificates by the roots that they
 * lead to, their use, and when they were valid.
 */
#include "craft.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define RECORDED	1700000001	/* what craft_receipt_header() says */
#define DAY		86400
#define CODE_SIGNING	"1.3.6.1.5.5.7.3.3"

enum { ROOT, CA, LEAF, NAMES };

/* A root, a CA under it, and a leaf that was valid on the day of RECORDED alone. */
struct pki {
	EVP_PKEY *key[NAMES];
	X509 *cert[NAMES];
};

static const struct rcpt_span payload = { (const uint8_t *)"payload", 7, 0 };

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static X509 *certificate(const struct pki *p, int who, int issuer, int64_t from, int64_t to)
{
	static const char *const names[] = { "root", "ca", "leaf" };
	X509 *cert = X509_new();

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), who + 1);
	ASN1_TIME_set(X509_getm_notBefore(cert), from);
	ASN1_TIME_set(X509_getm_notAfter(cert), to);
	X509_set_pubkey(cert, p->key[who]);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const uint8_t *)names[who], -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
				   (const uint8_t *)names[issuer], -1, -1, 0);
	if (who == LEAF) {
		add_extension(cert, NID_ext_key_usage, "codeSigning,1.2.3.4");
		add_extension(cert, NID_key_usage, "digitalSignature");
	} else {
		add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	}
	assert_true(X509_sign(cert, p->key[issuer], EVP_sha256()) > 0);
	return cert;
}

static int setup(void **state)
{
	struct pki *p = calloc(1, sizeof(*p));
	int i;

	for (i = 0; i < NAMES; i++)
		p->key[i] = craft_key(i == CA ? "P-384" : "P-256");
	p->cert[ROOT] = certificate(p, ROOT, ROOT, 0, 4000000000);
	p->cert[CA] = certificate(p, CA, ROOT, RECORDED - 9 * DAY, RECORDED + 9 * DAY);
	p->cert[LEAF] = certificate(p, LEAF, CA, RECORDED - DAY, RECORDED + DAY);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pki *p = *state;
	int i;

	for (i = 0; i < NAMES; i++) {
		EVP_PKEY_free(p->key[i]);
		X509_free(p->cert[i]);
	}
	free(p);
	return 0;
}

static void add_certificate(struct craft *out, X509 *cert)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);

	craft_bytes(out, der, len);
	OPENSSL_free(der);
}

/* A statement with the first @n certificates from the leaf up. */
static struct craft statement(const struct pki *p, size_t n)
{
	struct craft header = craft_statement_header(RCPT_ES256, n ? 1 : 0, n ? "1821" : "");
	struct craft unprotected = craft_hex("a0");
	size_t i;

	if (n > 1)
		craft_head(&header, RCPT_ARRAY, n);
	for (i = 0; i < n; i++)
		add_certificate(&header, p->cert[LEAF - i]);
	return craft_sign1(p->key[LEAF], RCPT_ES256, &header, &unprotected, payload, &payload);
}

static int verify(const struct craft *in, const struct rcpt_issuer_trust *trust,
		  enum receipt_reason *reason)
{
	struct rcpt_error err = { 0 };
	struct rcpt_statement stmt;
	int ret;

	assert_int_equal(rcpt_statement_parse(craft_span(in), &stmt, NULL), 0);
	ret = rcpt_issuer_verify(&stmt, trust, &err);
	assert_int_equal(err.status, -ret);
	assert_int_equal(!err.status, !*err.text);
	*reason = err.reason;
	rcpt_statement_free(&stmt);
	return ret;
}

/* @roots: a bit for each of the PKI that is trusted. */
struct row {
	const char *name;
	size_t sent;
	unsigned int roots;
	const char *eku;
	size_t ntimes;
	int64_t times[2];
	int status;
	enum receipt_reason reason;
};

static const struct row rows[] = {
	{ "chain without the root", 2, 1 << ROOT, NULL, 1, { RECORDED }, 0, 0 },
	{ "chain with the root", 3, 1 << ROOT, NULL, 1, { RECORDED }, 0, 0 },
	{ "the CA is the root", 1, 1 << CA, NULL, 1, { RECORDED }, 0, 0 },
	{ "the leaf is the root", 1, 1 << LEAF, NULL, 1, { RECORDED }, 0, 0 },
	{ "one of two roots", 2, 1 << ROOT | 1 << CA, NULL, 1, { RECORDED }, 0, 0 },
	{ "use", 2, 1 << ROOT, CODE_SIGNING, 1, { RECORDED }, 0, 0 },
	{ "another use", 2, 1 << ROOT, "1.3.6.1.5.5.7.3.1", 1, { RECORDED },
	  RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
	{ "the beginning of a use", 2, 1 << ROOT, "1.2.3", 1, { RECORDED },
	  RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
	{ "no path", 1, 1 << ROOT, NULL, 1, { RECORDED },
	  RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
	{ "not yet valid", 2, 1 << ROOT, NULL, 1, { RECORDED - 2 * DAY },
	  RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
	{ "no more valid", 2, 1 << ROOT, NULL, 1, { RECORDED + 2 * DAY },
	  RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
	{ "valid at one of two times", 2, 1 << ROOT, NULL, 2, { RECORDED + 2 * DAY, RECORDED },
	  0, 0 },
	{ "valid at neither", 2, 1 << ROOT, NULL, 2, { RECORDED + 2 * DAY, INT64_MAX },
	  RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
	{ "nobody knows when", 2, 1 << ROOT, NULL, 0, { 0 },
	  RCPT_CANNOT_EVALUATE, RECEIPT_REASON_CERTIFICATE },
	{ "no certificates", 0, 1 << ROOT, NULL, 1, { RECORDED },
	  RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_ISSUER_KEY },
	{ "no roots", 1, 0, NULL, 1, { RECORDED }, 0, 0 },
	{ "no roots, and nobody knows when", 1, 0, NULL, 0, { 0 }, 0, 0 },
	{ "no roots, no more valid", 1, 0, NULL, 1, { RECORDED + 2 * DAY },
	  RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
};

static void judges_certificates(void **state)
{
	const struct pki *p = *state;
	size_t i, who;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct craft in = statement(p, row->sent);
		struct rcpt_issuer_trust trust = { .ntimes = row->ntimes };
		enum receipt_reason reason;
		int ret;

		memcpy(trust.times, row->times, sizeof(row->times));
		if (row->roots)
			trust.roots = sk_X509_new_null();
		for (who = 0; who < NAMES; who++)
			if (row->roots & 1 << who)
				sk_X509_push(trust.roots, p->cert[who]);
		if (row->eku)
			trust.ekus[trust.nekus++] = row->eku;
		ret = verify(&in, &trust, &reason);
		if (ret != -row->status || reason != row->reason)
			fail_msg("%s: %d, %s", row->name, -ret, rcpt_reason_text(reason));
		sk_X509_free(trust.roots);
	}
}

/* The leaf signs no certificates, though its key could. */
static void refuses_certificates_of_a_leaf(void **state)
{
	const struct pki *p = *state;
	struct pki other = *p;
	struct rcpt_issuer_trust trust = { .ntimes = 1, .times = { RECORDED } };
	enum receipt_reason reason;
	struct craft in;

	other.key[LEAF] = craft_key("P-256");
	other.cert[CA] = p->cert[LEAF];
	other.key[CA] = p->key[LEAF];
	other.cert[LEAF] = X509_dup(p->cert[LEAF]);
	X509_set_pubkey(other.cert[LEAF], other.key[LEAF]);
	X509_set_issuer_name(other.cert[LEAF], X509_get_subject_name(p->cert[LEAF]));
	assert_true(X509_sign(other.cert[LEAF], p->key[LEAF], EVP_sha256()) > 0);
	in = statement(&other, 2);
	trust.roots = sk_X509_new_null();
	sk_X509_push(trust.roots, p->cert[CA]);
	assert_int_equal(verify(&in, &trust, &reason), -RCPT_INVALID);
	assert_int_equal(reason, RECEIPT_REASON_CERTIFICATE);
	sk_X509_free(trust.roots);
	EVP_PKEY_free(other.key[LEAF]);
	X509_free(other.cert[LEAF]);
}

/* A certificate of a key that OpenSSL does not know: its OID is changed. */
static void knows_no_key_of_other_kinds(void **state)
{
	static const uint8_t ec_oid[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
	struct craft header = craft_statement_header(RCPT_ES256, 1, "1821");
	const struct pki *p = *state;
	struct craft unprotected = craft_hex("a0"), in;
	struct rcpt_issuer_trust trust = { .ntimes = 1, .times = { RECORDED } };
	enum receipt_reason reason;
	uint8_t *at;

	add_certificate(&header, p->cert[LEAF]);
	at = memmem(header.data, header.len, ec_oid, sizeof(ec_oid));
	assert_non_null(at);
	at[sizeof(ec_oid) - 1] = 0x7f;
	in = craft_sign1(p->key[LEAF], RCPT_ES256, &header, &unprotected, payload, &payload);
	assert_int_equal(verify(&in, &trust, &reason), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(reason, RECEIPT_REASON_ALGORITHM);
}

/* Both, when both are asked for. */
static void asks_keys_and_roots(void **state)
{
	const struct pki *p = *state;
	struct rcpt_keys good = craft_keys(p->key[LEAF], NULL);
	struct rcpt_keys wrong = craft_keys(p->key[ROOT], NULL);
	struct rcpt_issuer_trust trust = { .keys = &good, .ntimes = 1, .times = { RECORDED } };
	struct craft in = statement(p, 2), junk = statement(p, 0);
	enum receipt_reason reason;

	trust.roots = sk_X509_new_null();
	sk_X509_push(trust.roots, p->cert[ROOT]);
	assert_int_equal(verify(&in, &trust, &reason), 0);
	trust.keys = &wrong;
	assert_int_equal(verify(&in, &trust, &reason), -RCPT_INVALID);
	assert_int_equal(reason, RECEIPT_REASON_ISSUER_SIGNATURE);
	trust.keys = &good;
	assert_int_equal(verify(&junk, &trust, &reason), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(reason, RECEIPT_REASON_NO_ISSUER_KEY);
	sk_X509_free(trust.roots);
	rcpt_keys_free(&good);
	rcpt_keys_free(&wrong);
}

/* One of several keys, by the name that the file gives it or by its own. */
static void takes_keys_by_their_ids(void **state)
{
	const struct pki *p = *state;
	static const char *const kids[] = { "04 43 6b6579", "04 43 6b6580" };
	struct rcpt_keys keys = craft_keys(p->key[ROOT], NULL);
	struct rcpt_key second = { .pkey = p->key[LEAF], .kid = malloc(3), .kid_len = 3 };
	struct rcpt_issuer_trust trust = { .keys = &keys };
	struct craft in[2], own;
	enum receipt_reason reason;
	char kid[80];
	size_t i;

	EVP_PKEY_up_ref(p->key[LEAF]);
	memcpy(second.kid, "key", 3);
	assert_int_equal(rcpt_keys_put(&keys, &second, NULL), 0);
	for (i = 0; i < 2; i++)
		in[i] = craft_statement(p->key[LEAF], RCPT_ES256, 1, kids[i], payload);
	assert_int_equal(verify(&in[0], &trust, &reason), 0);
	assert_int_equal(verify(&in[1], &trust, &reason), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(reason, RECEIPT_REASON_NO_ISSUER_KEY);
	memcpy(kid, "04 5820", 8);
	for (i = 0; i < 32; i++)
		snprintf(kid + 7 + 2 * i, 3, "%02x", keys.keys[1].thumbprint[i]);
	own = craft_statement(p->key[LEAF], RCPT_ES256, 1, kid, payload);
	assert_int_equal(verify(&own, &trust, &reason), 0);
	rcpt_keys_free(&keys);
}

/* Without a key id, x5t says which of the certificates at hand it is. */
static void tells_certificates_apart_by_x5t(void **state)
{
	const struct pki *p = *state;
	struct craft header = craft_statement_header(RCPT_ES256, 1, "1822 82 2f");
	struct craft unprotected = craft_hex("a0"), in;
	const struct rcpt_key_source any = { 0 };
	struct rcpt_keys keys = { 0 };
	struct rcpt_issuer_trust trust = { .keys = &keys };
	enum receipt_reason reason;
	BIO *pem = BIO_new(BIO_s_mem());
	uint8_t digest[32];
	unsigned int len;
	char *text;
	long n;

	X509_digest(p->cert[LEAF], EVP_sha256(), digest, &len);
	craft_bytes(&header, digest, len);
	in = craft_sign1(p->key[LEAF], RCPT_ES256, &header, &unprotected, payload, &payload);
	PEM_write_bio_X509(pem, p->cert[ROOT]);
	n = BIO_get_mem_data(pem, &text);
	assert_int_equal(rcpt_keys_add(&keys, rcpt_span(text, n), &any, NULL), 0);
	assert_int_equal(verify(&in, &trust, &reason), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(reason, RECEIPT_REASON_NO_ISSUER_KEY);
	PEM_write_bio_X509(pem, p->cert[LEAF]);
	n = BIO_get_mem_data(pem, &text);
	assert_int_equal(rcpt_keys_add(&keys, rcpt_span(text, n), &any, NULL), 0);
	assert_int_equal(keys.count, 2);
	assert_int_equal(verify(&in, &trust, &reason), 0);
	BIO_free(pem);
	rcpt_keys_free(&keys);
}

/* Real ones are of SHA-384 with P-256; statements are not held to a curve. */
static void takes_any_hash_with_any_curve(void **state)
{
	static const int64_t algs[] = { RCPT_ES256, RCPT_ES384, RCPT_ES512 };
	static const char *const curves[] = { "P-256", "P-384", "P-521" };
	enum receipt_reason reason;
	size_t a, c;

	(void)state;
	for (c = 0; c < ARRAY_SIZE(curves); c++) {
		EVP_PKEY *key = craft_key(curves[c]);
		struct rcpt_keys keys = craft_keys(key, NULL);
		struct rcpt_issuer_trust trust = { .keys = &keys };

		for (a = 0; a < ARRAY_SIZE(algs); a++) {
			struct craft in = craft_statement(key, algs[a], 0, "", payload);

			assert_int_equal(verify(&in, &trust, &reason), 0);
		}
		rcpt_keys_free(&keys);
		EVP_PKEY_free(key);
	}
}

static void reads_roots(void **state)
{
	const struct pki *p = *state;
	STACK_OF(X509) *roots = NULL;
	BIO *pem = BIO_new(BIO_s_mem());
	struct rcpt_error err;
	uint8_t *der = NULL;
	int len = i2d_X509(p->cert[ROOT], &der);
	char *text;
	long n;

	PEM_write_bio_X509(pem, p->cert[ROOT]);
	PEM_write_bio_X509(pem, p->cert[CA]);
	n = BIO_get_mem_data(pem, &text);
	assert_int_equal(rcpt_roots_add(&roots, rcpt_span(text, n), &err), 0);
	assert_int_equal(sk_X509_num(roots), 2);
	assert_int_equal(rcpt_roots_add(&roots, rcpt_span(der, len), &err), 0);
	assert_int_equal(sk_X509_num(roots), 3);
	/* the second of two is cut short */
	assert_int_equal(rcpt_roots_add(&roots, rcpt_span(text, n - 40), &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_CERTIFICATE);
	assert_int_equal(rcpt_roots_add(&roots, rcpt_span("junk", 4), &err), -RCPT_MALFORMED);
	assert_int_equal(rcpt_roots_add(&roots, rcpt_span("", 0), &err), -RCPT_MALFORMED);
	while (!rcpt_roots_add(&roots, rcpt_span(text, n), &err))
		;
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(rcpt_roots_add(&roots, rcpt_span(der, len), &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(sk_X509_num(roots), RCPT_MAX_ROOTS);
	sk_X509_pop_free(roots, X509_free);
	OPENSSL_free(der);
	BIO_free(pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_certificates),
		cmocka_unit_test(refuses_certificates_of_a_leaf),
		cmocka_unit_test(knows_no_key_of_other_kinds),
		cmocka_unit_test(asks_keys_and_roots),
		cmocka_unit_test(takes_keys_by_their_ids),
		cmocka_unit_test(tells_certificates_apart_by_x5t),
		cmocka_unit_test(takes_any_hash_with_any_curve),
		cmocka_unit_test(reads_roots),
	};

	return cmocka_run_group_tests_name("issuer", tests, setup, teardown);
}
