// SPDX-License-Identifier: MIT
/*
 * Files of trust anchors.
 */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "craft.h"

static const struct rcpt_key_source anyone;

/* Text or bytes that a test makes. */
static struct rcpt_span take_bio(BIO *bio, char *room, size_t size)
{
	int len = BIO_read(bio, room, size - 1);

	BIO_free(bio);
	assert_true(len > 0 && (size_t)len < size - 1);
	room[len] = '\0';
	return rcpt_span(room, len);
}

static struct rcpt_span pem_of(EVP_PKEY *key, char *room, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	return take_bio(bio, room, size);
}

static X509 *certificate_of(EVP_PKEY *key)
{
	X509 *cert = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const uint8_t *)"log", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	assert_true(X509_sign(cert, key, EVP_PKEY_is_a(key, "ED25519") ? NULL :
			      EVP_sha256()) > 0);
	return cert;
}

static struct rcpt_span pem_certificate(EVP_PKEY *key, char *room, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *cert = certificate_of(key);

	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	X509_free(cert);
	return take_bio(bio, room, size);
}

static struct rcpt_span der_certificate(EVP_PKEY *key, uint8_t *room)
{
	X509 *cert = certificate_of(key);
	uint8_t *p = room;
	int len = i2d_X509(cert, &p);

	X509_free(cert);
	assert_true(len > 0);
	return rcpt_span(room, len);
}

/* The file holds that key and nothing else. */
static void expect_key(struct rcpt_span in, EVP_PKEY *key, bool bare)
{
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err;
	uint8_t id[32];

	if (rcpt_keys_add(&keys, in, &anyone, &err))
		fail_msg("%.*s: %s", (int)in.len, in.data, err.text);
	assert_int_equal(keys.count, 1);
	assert_int_equal(rcpt_key_id(key, id), 0);
	assert_memory_equal(keys.keys[0].id, id, 32);
	assert_int_equal(keys.keys[0].bare, bare);
	rcpt_keys_free(&keys);
}

static void reads_pem_and_der(void **state)
{
	static const char *const kinds[] = { "P-256", "P-384", "P-521", "ED25519", "RSA" };
	char text[4096];
	uint8_t der[4096], *p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = craft_key(kinds[i]);

		expect_key(pem_of(key, text, sizeof(text)), key, true);
		expect_key(pem_certificate(key, text, sizeof(text)), key, true);
		expect_key(der_certificate(key, der), key, true);
		p = der;
		expect_key(rcpt_span(der, i2d_PUBKEY(key, &p)), key, true);
		EVP_PKEY_free(key);
	}
}

static void reads_several_pem_blocks(void **state)
{
	EVP_PKEY *a = craft_key("P-256"), *b = craft_key("P-384");
	struct rcpt_keys keys = { 0 };
	char text[8192];
	size_t len;

	(void)state;
	len = pem_of(a, text, sizeof(text)).len;
	len += pem_certificate(b, text + len, sizeof(text) - len).len;
	len += pem_of(a, text + len, sizeof(text) - len).len;
	assert_int_equal(rcpt_keys_add(&keys, rcpt_span(text, len), &anyone, NULL), 0);
	/* the third is the first again */
	assert_int_equal(keys.count, 2);
	rcpt_keys_free(&keys);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

/* What comes behind a good block is not taken for the end. */
static void refuses_a_damaged_pem_block(void **state)
{
	static const char *const ends[] = {
		"-----BEGIN PUBLIC KEY-----\nMFkw!\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nMFkw\n",
		"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END CERTIFICATE-----\n",
	};
	EVP_PKEY *key = craft_key("P-256");
	char text[4096];
	size_t len = pem_of(key, text, sizeof(text)).len, i;

	(void)state;
	strcpy(text + len, "what it is for\n");
	expect_key(rcpt_span(text, strlen(text)), key, true);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		struct rcpt_keys keys = { 0 };
		struct rcpt_error err;

		strcpy(text + len, ends[i]);
		assert_int_equal(rcpt_keys_add(&keys, rcpt_span(text, strlen(text)), &anyone,
					       &err), -RCPT_MALFORMED);
		assert_string_equal(err.text, "PEM: damaged");
		rcpt_keys_free(&keys);
	}
	EVP_PKEY_free(key);
}

static size_t coordinates(EVP_PKEY *key, uint8_t x[66], uint8_t y[66])
{
	size_t half = (EVP_PKEY_get_bits(key) + 7) / 8;
	BIGNUM *bx = NULL, *by = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, "qx", &bx), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(key, "qy", &by), 1);
	BN_bn2binpad(bx, x, half);
	BN_bn2binpad(by, y, half);
	BN_free(bx);
	BN_free(by);
	return half;
}

static void base64url(const uint8_t *data, size_t len, char *out)
{
	int n = EVP_EncodeBlock((uint8_t *)out, data, len);

	for (; n && out[n - 1] == '='; n--)
		;
	out[n] = '\0';
	for (; *out; out++)
		*out = *out == '+' ? '-' : *out == '/' ? '_' : *out;
}

static void jwk_of(EVP_PKEY *key, const char *crv, const char *kid, char *out, size_t size)
{
	uint8_t x[66], y[66];
	char bx[100], by[100];
	size_t half = coordinates(key, x, y);

	base64url(x, half, bx);
	base64url(y, half, by);
	snprintf(out, size, "{\"kty\":\"EC\",\"crv\":\"%s\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
		 crv, kid, bx, by);
}

static void reads_jwks(void **state)
{
	EVP_PKEY *key = craft_key("P-384"), *other = craft_key("P-521");
	struct rcpt_keys keys = { 0 };
	char a[500], b[500], text[4000];

	(void)state;
	jwk_of(key, "P-384", "one", a, sizeof(a));
	jwk_of(other, "P-521", "two", b, sizeof(b));
	expect_key(rcpt_span(a, strlen(a)), key, false);
	snprintf(text, sizeof(text), " {\"keys\":[%s,%s,{\"kty\":\"oct\"},%s,%s]}", a, a, b, a);
	assert_int_equal(rcpt_keys_add(&keys, rcpt_span(text, strlen(text)), &anyone, NULL), 0);
	assert_int_equal(keys.count, 2);
	assert_true(rcpt_key_matches(&keys.keys[0], (struct rcpt_span){ 0 },
				     rcpt_span("one", 3)));
	assert_false(rcpt_key_matches(&keys.keys[0], (struct rcpt_span){ 0 },
				      rcpt_span("two", 3)));
	rcpt_keys_free(&keys);
	/* by issuer */
	snprintf(text, sizeof(text), "{\"log.one\":{\"keys\":[%s]},\"log.two\":{\"keys\":[%s]}}",
		 a, b);
	assert_int_equal(rcpt_keys_add(&keys, rcpt_span(text, strlen(text)), &anyone, NULL), 0);
	assert_int_equal(keys.count, 2);
	assert_string_equal(keys.keys[1].issuer, "log.two");
	rcpt_keys_free(&keys);
	/* of which one is asked for */
	assert_int_equal(rcpt_keys_add(&keys, rcpt_span(text, strlen(text)),
				       &(struct rcpt_key_source){ .issuer = "log.two" },
				       NULL), 0);
	assert_int_equal(keys.count, 1);
	rcpt_keys_free(&keys);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void reads_ed25519(void **state)
{
	EVP_PKEY *key = craft_key("ED25519");
	uint8_t raw[32];
	size_t len = sizeof(raw);
	char b64[64], text[200];
	struct craft cose = craft_hex("a3 01 01 20 06 21");

	(void)state;
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
	base64url(raw, len, b64);
	snprintf(text, sizeof(text), "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}", b64);
	expect_key(rcpt_span(text, strlen(text)), key, false);
	craft_bytes(&cose, raw, len);
	expect_key(craft_span(&cose), key, false);
	EVP_PKEY_free(key);
}

static void reads_ledger_certificates(void **state)
{
	EVP_PKEY *key = craft_key("P-384");
	char pem[2000], line[4000], text[5000], b64[2000], *out = line;
	uint8_t der[2000];
	struct rcpt_span span = pem_certificate(key, pem, sizeof(pem));
	size_t i;

	(void)state;
	for (i = 0; i < span.len; i++)
		out += sprintf(out, pem[i] == '\n' ? "\\n" : "%c", pem[i]);
	snprintf(text, sizeof(text), "{\"ledgerTlsCertificate\":\"%s\"}", line);
	expect_key(rcpt_span(text, strlen(text)), key, false);
	snprintf(text, sizeof(text), "{\"serviceCertificate\":\"%s\"}", line);
	expect_key(rcpt_span(text, strlen(text)), key, false);
	span = der_certificate(key, der);
	EVP_EncodeBlock((uint8_t *)b64, span.data, span.len);
	snprintf(text, sizeof(text), "{\"parameters\":[{\"serviceCertificate\":\"%s\"}]}", b64);
	expect_key(rcpt_span(text, strlen(text)), key, false);
	EVP_PKEY_free(key);
}

/* { 1: 2, 2: kid, -1: crv, -2: x, -3: y } */
static struct craft cose_key(EVP_PKEY *key, int64_t crv, const char *kid, bool compressed)
{
	struct craft out = craft_hex("a5 01 02 02");
	uint8_t x[66], y[66];
	size_t half = coordinates(key, x, y);

	craft_bytes(&out, kid, strlen(kid));
	craft_int(&out, -1);
	craft_int(&out, crv);
	craft_int(&out, -2);
	craft_bytes(&out, x, half);
	craft_int(&out, -3);
	if (compressed)
		craft_head(&out, RCPT_SIMPLE, y[half - 1] & 1 ? RCPT_TRUE : RCPT_FALSE);
	else
		craft_bytes(&out, y, half);
	return out;
}

static void reads_cose_keys(void **state)
{
	static const struct { const char *kind; int64_t crv; } rows[] = {
		{ "P-256", 1 }, { "P-384", 2 }, { "P-521", 3 },
	};
	struct craft set = craft_hex("84"), one, unknown = craft_hex("a1 01 04");
	struct rcpt_keys keys = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		EVP_PKEY *key = craft_key(rows[i].kind);

		one = cose_key(key, rows[i].crv, "kid", true);
		expect_key(craft_span(&one), key, false);
		one = cose_key(key, rows[i].crv, "kid", false);
		expect_key(craft_span(&one), key, false);
		craft_add(&set, one.data, one.len);
		EVP_PKEY_free(key);
	}
	/* kinds that no receipt is signed with are passed over */
	craft_add(&set, unknown.data, unknown.len);
	assert_int_equal(rcpt_keys_add(&keys, craft_span(&set), &anyone, NULL), 0);
	assert_int_equal(keys.count, 3);
	rcpt_keys_free(&keys);
}

/* Nothing but n and e of a key, big-endian. */
static size_t rsa_numbers(EVP_PKEY *key, uint8_t n[256], uint8_t e[8])
{
	BIGNUM *bn = NULL, *be = NULL;
	int len;

	assert_true(EVP_PKEY_get_bn_param(key, "n", &bn) && EVP_PKEY_get_bn_param(key, "e", &be));
	assert_int_equal(BN_bn2bin(bn, n), 256);
	len = BN_bn2bin(be, e);
	BN_free(bn);
	BN_free(be);
	return len;
}

static void reads_rsa_keys(void **state)
{
	EVP_PKEY *key = craft_key("RSA");
	struct craft cose = craft_hex("a4 01 03 02 41 6b 20");
	uint8_t n[256], e[8];
	size_t e_len = rsa_numbers(key, n, e);
	char bn[400], be[20], text[600];

	(void)state;
	craft_bytes(&cose, n, sizeof(n));
	craft_int(&cose, -2);
	craft_bytes(&cose, e, e_len);
	expect_key(craft_span(&cose), key, false);
	EVP_EncodeBlock((uint8_t *)bn, n, sizeof(n));
	EVP_EncodeBlock((uint8_t *)be, e, e_len);
	snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"%s\",\"e\":\"%s\"}",
		 bn, be);
	expect_key(rcpt_span(text, strlen(text)), key, false);
	EVP_PKEY_free(key);
}

/* The example of RFC 9679, section 6, with its y in both forms. */
static void computes_thumbprints(void **state)
{
	static const char key[] = "a4 01 02 20 01"
		"21 5820 65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
		"22 5820 1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c";
	static const char compressed[] = "a4 01 02 20 01"
		"21 5820 65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
		"22 f4";
	struct craft in[] = { craft_hex(key), craft_hex(compressed) };
	struct craft want = craft_hex("496bd8afadf307e5b08c64b0421bf9dc"
				      "01528a344a43bda88fadd1669da253ec");
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct rcpt_keys keys = { 0 };
		struct rcpt_span none = { 0 };

		assert_int_equal(rcpt_keys_add(&keys, craft_span(&in[i]), &anyone, NULL), 0);
		assert_memory_equal(keys.keys[0].thumbprint, want.data, 32);
		assert_true(rcpt_key_matches(&keys.keys[0], none, craft_span(&want)));
		rcpt_keys_free(&keys);
	}
}

/* Of every kind, the SHA-256 of a COSE_Key with the required parameters alone. */
static void computes_thumbprints_of_all_kinds(void **state)
{
	static const char *const heads[] = { "a4 01 02 20 02 21 5830", "a4 01 02 20 03 21 5842",
					     "a3 01 01 20 06 21 5820", "a3 01 03 20 590100" };
	static const char *const kinds[] = { "P-384", "P-521", "ED25519", "RSA" };
	uint8_t x[256], y[256], print[32], want[32];
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		EVP_PKEY *key = craft_key(kinds[i]);
		struct craft form = craft_hex(heads[i]);

		n = sizeof(x);
		if (i == 2)
			assert_int_equal(EVP_PKEY_get_raw_public_key(key, x, &n), 1);
		else
			n = i == 3 ? rsa_numbers(key, x, y) : coordinates(key, x, y);
		craft_add(&form, x, i == 3 ? 256 : n);
		if (i != 2) {
			craft_int(&form, i == 3 ? -2 : -3);
			craft_bytes(&form, y, n);
		}
		assert_int_equal(rcpt_sha256(form.data, form.len, want), 0);
		assert_int_equal(rcpt_key_thumbprint(key, print), 0);
		assert_memory_equal(print, want, 32);
		EVP_PKEY_free(key);
	}
}

/* A key that no thumbprint is made of is not one of 32 zero bytes either. */
static void has_no_thumbprint_of_other_kinds(void **state)
{
	static const uint8_t zero[32];
	EVP_PKEY *key = craft_key("secp256k1");
	struct rcpt_keys keys = craft_keys(key, NULL);
	struct rcpt_span none = { 0 };

	(void)state;
	assert_false(keys.keys[0].has_thumbprint);
	assert_false(rcpt_key_matches(&keys.keys[0], none, rcpt_span(zero, 32)));
	rcpt_keys_free(&keys);
	EVP_PKEY_free(key);
}

static const char *const bad_texts[] = {
	"", " \n", "hello", "{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}",
	"{\"keys\":[{\"kty\":\"RSA\"}]}", "{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AA\"}",
	"{\"kty\":\"RSA\",\"n\":\"wQ\"}", "{\"kty\":\"oct\"}", "{\"a\":1,\"a\":2}",
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"!\",\"y\":\"AA\"}",
	"{\"kty\":\"EC\",\"crv\":\"P-999\",\"x\":\"AA\",\"y\":\"AA\"}",
	"{\"kty\":\"EC\",\"crv\":\"P-256\"}",
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
	"{\"serviceCertificate\":\"!\"}", "{\"serviceCertificate\":\"AAAA\"}",
	"{\"serviceCertificate\":\"-----BEGIN nothing\"}", "{\"serviceCertificate\":7}",
	"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n",
	"-----BEGIN PUBLIC KEY-----\n", "0\x82",
};

static const char *const bad_cbor[] = {
	"80", "a0", "81 00", "a1 01 02", "a1 01 6161", "a2 01 02 20 01", "a1 02 00",
	"a4 01 02 20 01 21 41 00 22 41 00", "a3 01 01 20 06 21 41 00",
	"a3 01 03 20 41 00 21 41 03", "a3 01 03 20 41 c1 21 41 00", "a1 01 03",
	"a3 01 03 20 41 c1 21 42 0001", "a2 01 02 01 02", "a0 00", "81 a1 1801 00", "a1 01",
	/* a number that is text */
	"a3 01 01 20 06 21 7820 6161616161616161616161616161616161616161616161616161616161616161",
};

static void expect_refused(struct rcpt_span in, const char *what)
{
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err;

	if (rcpt_keys_add(&keys, in, &anyone, &err) != -RCPT_MALFORMED)
		fail_msg("%s", what);
	assert_true(strlen(err.text) > 0);
	assert_int_equal(err.status, RCPT_MALFORMED);
	assert_int_equal(keys.count, 0);
	rcpt_keys_free(&keys);
}

static void refuses_bad_files(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++)
		expect_refused(rcpt_span(bad_texts[i], strlen(bad_texts[i])), bad_texts[i]);
	for (i = 0; i < sizeof(bad_cbor) / sizeof(bad_cbor[0]); i++) {
		struct craft in = craft_hex(bad_cbor[i]);

		expect_refused(craft_span(&in), bad_cbor[i]);
	}
}

static void refuses_private_keys(void **state)
{
	EVP_PKEY *key = craft_key("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	char text[2000];

	(void)state;
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	expect_refused(take_bio(bio, text, sizeof(text)), "private key");
	EVP_PKEY_free(key);
}

/* A point that is not on the curve is no key. */
static void refuses_bad_points(void **state)
{
	EVP_PKEY *key = craft_key("P-256");
	struct craft one = cose_key(key, 1, "k", false);

	(void)state;
	one.data[one.len - 1] ^= 1;
	expect_refused(craft_span(&one), "off the curve");
	/* of another curve */
	one = cose_key(key, 2, "k", false);
	expect_refused(craft_span(&one), "other curve");
	EVP_PKEY_free(key);
}

/* The policy's parser knows the form of a key, not whether it lies on its curve. */
static void refuses_bad_points_of_policies(void **state)
{
	EVP_PKEY *pkey = craft_key("P-256");
	struct receipt_log log = { .name = "acme", .issuer = "log.example" };
	struct receipt_rule rule = { .line = 4, .has_issuer_key = true };
	struct receipt_revocation rev = { .line = 5, .has_issuer_key = true };
	struct receipt_policy policy = {
		.nlogs = 1, .logs = &log, .nrules = 1, .rules = &rule, .nrevocations = 1,
		.revocations = &rev,
	};
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err;
	uint8_t *spki = NULL;
	int len = i2d_PUBKEY(pkey, &spki);

	(void)state;
	memcpy(log.key.spki, spki, len);
	log.key.spki_len = len;
	rule.issuer_key = rev.issuer_key = log.key;
	assert_int_equal(rcpt_keys_add_policy(&keys, &policy, &err), 0);
	log.key.spki[len - 1] ^= 1;
	assert_int_equal(rcpt_keys_add_policy(&keys, &policy, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_POLICY_SYNTAX);
	assert_int_equal(keys.count, 1);
	log.key.spki[len - 1] ^= 1;
	rule.issuer_key.spki[40] ^= 1;
	assert_int_equal(rcpt_keys_add_policy(&keys, &policy, &err), -RCPT_MALFORMED);
	assert_non_null(strstr(err.text, "line 4"));
	rule.issuer_key.spki[40] ^= 1;
	rev.issuer_key.spki[40] ^= 1;
	assert_int_equal(rcpt_keys_add_policy(&keys, &policy, &err), -RCPT_MALFORMED);
	assert_non_null(strstr(err.text, "line 5"));
	rcpt_keys_free(&keys);
	OPENSSL_free(spki);
	EVP_PKEY_free(pkey);
}

static void matches_issuer_and_key_id(void **state)
{
	static const char iss[] = "log.example";
	EVP_PKEY *pkey = craft_key("P-256");
	struct rcpt_keys keys = craft_keys(pkey, iss);
	struct rcpt_key *key = &keys.keys[0];
	struct rcpt_span none = { 0 }, good = rcpt_span(iss, strlen(iss));

	(void)state;
	assert_true(rcpt_key_matches(key, good, none));
	assert_true(rcpt_key_matches(key, good, rcpt_span(key->id, 32)));
	assert_false(rcpt_key_matches(key, good, rcpt_span(key->id, 31)));
	assert_false(rcpt_key_matches(key, good, rcpt_span("", 0)));
	assert_false(rcpt_key_matches(key, none, none));
	assert_false(rcpt_key_matches(key, rcpt_span(iss, strlen(iss) - 1), none));
	key->bare = true;
	assert_true(rcpt_key_matches(key, good, rcpt_span("any", 3)));
	assert_false(rcpt_key_matches(key, none, rcpt_span("any", 3)));
	rcpt_keys_free(&keys);
	EVP_PKEY_free(pkey);
}

static void bounds_the_number_of_keys(void **state)
{
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < RCPT_MAX_KEYS; i++) {
		struct rcpt_key key = { .pkey = craft_key("ED25519") };

		assert_int_equal(rcpt_keys_put(&keys, &key, &err), 0);
		assert_null(key.pkey);
	}
	struct rcpt_key more = { .pkey = craft_key("ED25519") };

	assert_int_equal(rcpt_keys_put(&keys, &more, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	rcpt_keys_free(&keys);
	assert_int_equal(keys.count, 0);
}

/* The same key behind so much white space: its place in a file is no matter, its size is. */
static void bounds_the_size_of_files(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *text = malloc(RCPT_MAX_KEY_FILE + 1);
	struct rcpt_keys keys = { 0 };
	STACK_OF(X509) *roots = NULL;
	char pem[2048];
	struct rcpt_span in = pem_certificate(key, pem, sizeof(pem));
	struct rcpt_error err;

	(void)state;
	memset(text, '\n', RCPT_MAX_KEY_FILE + 1);
	memcpy(text, in.data, in.len);
	in = rcpt_span(text, RCPT_MAX_KEY_FILE);
	assert_int_equal(rcpt_keys_add(&keys, in, &anyone, &err), 0);
	assert_int_equal(keys.count, 1);
	assert_int_equal(rcpt_roots_add(&roots, in, &err), 0);
	in.len++;
	assert_int_equal(rcpt_keys_add(&keys, in, &anyone, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(rcpt_roots_add(&roots, in, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	sk_X509_pop_free(roots, X509_free);
	rcpt_keys_free(&keys);
	EVP_PKEY_free(key);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_pem_and_der),
		cmocka_unit_test(reads_several_pem_blocks),
		cmocka_unit_test(refuses_a_damaged_pem_block),
		cmocka_unit_test(reads_jwks),
		cmocka_unit_test(reads_ed25519),
		cmocka_unit_test(reads_ledger_certificates),
		cmocka_unit_test(reads_cose_keys),
		cmocka_unit_test(reads_rsa_keys),
		cmocka_unit_test(computes_thumbprints),
		cmocka_unit_test(computes_thumbprints_of_all_kinds),
		cmocka_unit_test(has_no_thumbprint_of_other_kinds),
		cmocka_unit_test(refuses_bad_files),
		cmocka_unit_test(refuses_private_keys),
		cmocka_unit_test(refuses_bad_points),
		cmocka_unit_test(refuses_bad_points_of_policies),
		cmocka_unit_test(matches_issuer_and_key_id),
		cmocka_unit_test(bounds_the_number_of_keys),
		cmocka_unit_test(bounds_the_size_of_files),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
