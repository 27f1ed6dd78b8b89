// SPDX-License-Identifier: MIT
/*
 * did:x509: names that are refused whatever the certificates, chains that are
 * made here, and the cases of the method's specification.
 */
#include "craft.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#define MAX_CERTS	4

struct chain {
	struct craft der[MAX_CERTS];
	struct rcpt_span spans[MAX_CERTS];
	size_t n;
};

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static X509 *certificate(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer)
{
	X509 *cert = X509_new();

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	/* long over: dates do not count */
	ASN1_TIME_set(X509_getm_notBefore(cert), 1000000000);
	ASN1_TIME_set(X509_getm_notAfter(cert), 1000000001);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
	if (issuer && !strcmp(cn, "leaf"))
		add_extension(cert, issuer, NID_subject_alt_name,
			      "email:me@issuer.example,DNS:issuer.example");
	else
		add_extension(cert, issuer ? issuer : cert, NID_basic_constraints,
			      "critical,CA:TRUE");
	assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);
	return cert;
}

static void put(struct chain *c, X509 *cert)
{
	uint8_t *p = c->der[c->n].data;

	c->der[c->n].len = i2d_X509(cert, &p);
	c->spans[c->n] = craft_span(&c->der[c->n]);
	c->n++;
}

static int setup(void **state)
{
	EVP_PKEY *root = craft_key("P-256"), *leaf = craft_key("P-256");
	X509 *root_cert = certificate("root", root, NULL, root);
	X509 *leaf_cert = certificate("leaf", leaf, root_cert, root);
	struct chain *c = calloc(1, sizeof(*c));

	put(c, leaf_cert);
	put(c, root_cert);
	X509_free(root_cert);
	X509_free(leaf_cert);
	EVP_PKEY_free(root);
	EVP_PKEY_free(leaf);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void fingerprint(const struct chain *c, size_t i, char out[64])
{
	uint8_t digest[32];

	assert_int_equal(rcpt_sha256(c->spans[i].data, c->spans[i].len, digest), 0);
	EVP_EncodeBlock((uint8_t *)out, digest, 32);
	out[43] = '\0';
	for (; *out; out++)
		*out = *out == '+' ? '-' : *out == '/' ? '_' : *out;
}

/* "FP" stands for the root's fingerprint, "LEAF" for the first certificate's. */
static int check(const struct chain *c, const char *pattern, size_t n)
{
	char did[1200], fp[64];
	const char *at = strstr(pattern, "FP"), *leaf = strstr(pattern, "LEAF");
	struct rcpt_error err = { 0 };
	int ret;

	if (!at && !leaf) {
		snprintf(did, sizeof(did), "%s", pattern);
	} else {
		fingerprint(c, at ? 1 : 0, fp);
		snprintf(did, sizeof(did), "%.*s%s%s", (int)((at ? at : leaf) - pattern),
			 pattern, fp, at ? at + 2 : leaf + 4);
	}
	ret = rcpt_did_x509_check(rcpt_span(did, strlen(did)), c->spans, n, &err);
	assert_int_equal(err.status, -ret);
	if (ret)
		assert_int_equal(err.reason, RECEIPT_REASON_CERTIFICATE);
	return ret;
}

static void takes_names_that_fit(void **state)
{
	static const char *const good[] = {
		"did:x509:0:sha256:FP::subject:CN:leaf",
		"did:x509:0:sha256:FP::subject:2.5.4.3:leaf",
		"did:x509:0:sha256:FP::subject:CN:%6ceaf",
		"did:x509:0:sha256:FP::san:email:me%40issuer.example",
		"did:x509:0:sha256:FP::san:dns:issuer.example::subject:CN:leaf",
		"did:x509:0:sha256:FP::subject:CN:leaf#key",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (check(*state, good[i], 2))
			fail_msg("%s", good[i]);
	assert_true(rcpt_is_did_x509(rcpt_span(good[0], strlen(good[0]))));
	assert_false(rcpt_is_did_x509(rcpt_span("did:web:x", 9)));
	assert_false(rcpt_is_did_x509((struct rcpt_span){ 0 }));
}

static void refuses_names_that_do_not(void **state)
{
	static const char *const bad[] = {
		"", "did:x509:", "did:x509:0", "did:x509:0:", "did:x509:0:sha256",
		"did:x509:0:sha256:", "did:x509:0:sha256:FP", "did:x509:1:sha256:FP::subject:CN:leaf",
		"did:x509:0:sha256:FP::", "did:x509:0:sha256:FP::subject",
		"did:x509:0:sha256:FP::subject:", "did:x509:0:sha256:FP::subject:CN",
		"did:x509:0:sha256:FP::subject:CN:", "did:x509:0:sha256:FP::subject:CN:lea",
		"did:x509:0:sha256:FP::subject:CN:leaf:CN:leaf",
		"did:x509:0:sha256:FP::subject:O:leaf", "did:x509:0:sha256:FP::subject:XX:leaf",
		"did:x509:0:sha256:FP::subject:CN:leaf%00", "did:x509:0:sha256:FP::subject:CN:lea%6",
		"did:x509:0:sha256:FP::subject:CN:leaf%", "did:x509:0:sha256:FP::subject:CN:leaf%zz",
		"did:x509:0:sha256:FP::subject:CN:leaf::eku:1.2.3",
		"did:x509:0:sha256:FP::subject:CN:leaf/path", "did:x509:0:sha256:FP::subject:CN:leaf?q",
		"did:x509:0:sha256:FP::san:email", "did:x509:0:sha256:FP::san:ip:1",
		"did:x509:0:sha256:FP::san:dns:me%40issuer.example",
		"did:x509:0:sha256:FP::fulcio-issuer:issuer.example",
		"did:x509:0:sha256:FP::unknown:value",
		"did:x509:0:sha384:FP::subject:CN:leaf", "did:x509:0:md5:FP::subject:CN:leaf",
		"did:x509:0:sha256:LEAF::subject:CN:leaf", "did:x509:0:sha256:AAAA::subject:CN:leaf",
		"did:x509:0:sha256:FP::subject:CN:leaf"
		"::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1::a:1",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (check(*state, bad[i], 2) != -RCPT_INVALID)
			fail_msg("%s", bad[i]);
}

static void refuses_broken_chains(void **state)
{
	static const char did[] = "did:x509:0:sha256:FP::subject:CN:leaf";
	struct chain c = *(struct chain *)*state;
	struct rcpt_span swap;

	assert_int_equal(check(&c, did, 1), -RCPT_INVALID);
	/* a certificate that does not belong to the path */
	c.spans[2] = c.spans[0];
	assert_int_equal(check(&c, did, 3), -RCPT_INVALID);
	/* the other way round */
	swap = c.spans[0];
	c.spans[0] = c.spans[1];
	c.spans[1] = swap;
	assert_int_equal(check(&c, did, 2), -RCPT_INVALID);
	c = *(struct chain *)*state;
	c.spans[0].len--;
	assert_int_equal(check(&c, did, 2), -RCPT_MALFORMED);
	c.spans[0] = rcpt_span("junk", 4);
	assert_int_equal(check(&c, did, 2), -RCPT_MALFORMED);
}

static void refuses_names_over_the_bound(void **state)
{
	const struct chain *c = *state;
	char did[RECEIPT_MAX_CLAIM + 2];

	memset(did, 'a', sizeof(did));
	memcpy(did, "did:x509:0:", 11);
	assert_int_equal(rcpt_did_x509_check(rcpt_span(did, sizeof(did)), c->spans, 2, NULL),
			 -RCPT_INVALID);
}

static size_t base64url_decode(const char *text, uint8_t *out)
{
	char padded[8192];
	size_t len = strlen(text), pad = (4 - len % 4) % 4, i;
	int n;

	assert_true(len + pad < sizeof(padded));
	for (i = 0; i < len; i++)
		padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	memset(padded + len, '=', pad);
	n = EVP_DecodeBlock(out, (uint8_t *)padded, len + pad);
	assert_true(n >= 0);
	return n - pad;
}

static void check_case(json_t *row)
{
	json_t *input = json_object_get(row, "input"), *value;
	bool good = !json_object_get(json_object_get(row, "output"), "error");
	const char *did = json_string_value(json_object_get(input, "did"));
	struct chain *c = calloc(1, sizeof(*c));
	struct rcpt_error err = { 0 };
	size_t i;
	int ret;

	json_array_foreach(json_object_get(input, "chain"), i, value) {
		c->der[i].len = base64url_decode(json_string_value(value), c->der[i].data);
		c->spans[i] = craft_span(&c->der[i]);
		c->n++;
	}
	ret = rcpt_did_x509_check(rcpt_span(did, strlen(did)), c->spans, c->n, &err);
	free(c);
	if (!ret != good)
		fail_msg("%s: %s", json_string_value(json_object_get(row, "id")), err.text);
}

static void agrees_with_the_specification(void **state)
{
	char path[4096];
	json_t *rows, *row;
	size_t i;

	(void)state;
	snprintf(path, sizeof(path), "%s/did-x509/test-vectors.json", getenv("VECTORS"));
	rows = json_load_file(path, 0, NULL);
	assert_true(json_is_array(rows) && json_array_size(rows) > 0);
	json_array_foreach(rows, i, row)
		check_case(row);
	json_decref(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_names_that_fit),
		cmocka_unit_test(refuses_names_that_do_not),
		cmocka_unit_test(refuses_broken_chains),
		cmocka_unit_test(refuses_names_over_the_bound),
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(agrees_with_the_specification),
	};
	int failed = cmocka_run_group_tests_name("did", tests, setup, teardown);

	if (getenv("VECTORS"))
		failed += cmocka_run_group_tests_name("did, vectors", others, NULL, NULL);

	return failed;
}
