// SPDX-License-Identifier: MIT
/*
 * COSE_Sign1, protected headers, signatures, statements.
 */
#include <openssl/x509.h>

#include "craft.h"

static const struct rcpt_span payload = { (const uint8_t *)"payload", 7, 0 };

struct bad {
	const char *hex;
	enum receipt_reason reason;
};

/* Envelopes. */

static const struct bad bad_envelopes[] = {
	{ "84 41a0 a0 4100 4100", RECEIPT_REASON_STRUCTURE },		/* no tag */
	{ "d1 84 41a0 a0 4100 4100", RECEIPT_REASON_STRUCTURE },	/* tag 17 */
	{ "d8 62 84 41a0 a0 4100 4100", RECEIPT_REASON_STRUCTURE },	/* COSE_Sign */
	{ "d2 d2 84 41a0 a0 4100 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 00", RECEIPT_REASON_STRUCTURE },
	{ "d2 83 41a0 a0 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 85 41a0 a0 4100 4100 00", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 a0 a0 4100 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 41a0 80 4100 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 41a0 a0 6161 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 41a0 a0 f7 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 41a0 a0 4100 00", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 41a0 a0 4100 40", RECEIPT_REASON_STRUCTURE },		/* empty signature */
	{ "d2 84 40 a0 4100 4100", RECEIPT_REASON_STRUCTURE },		/* empty protected */
	{ "d2 84 41a0 a0 4100 4100 00", RECEIPT_REASON_TRAILING },
	{ "d2 84 41a0 a0 4100", RECEIPT_REASON_CBOR },
	{ "d2 84 41a0 a2 01 00 01 00 4100 4100", RECEIPT_REASON_DUPLICATE_LABEL },
	{ "00", RECEIPT_REASON_STRUCTURE },
	{ "", RECEIPT_REASON_CBOR },
};

static void refuses_bad_envelopes(void **state)
{
	struct rcpt_sign1 s;
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_envelopes) / sizeof(bad_envelopes[0]); i++) {
		struct craft in = craft_hex(bad_envelopes[i].hex);

		if (rcpt_sign1_parse(craft_span(&in), &s, &err) != -RCPT_MALFORMED ||
		    err.reason != bad_envelopes[i].reason)
			fail_msg("%s: %s", bad_envelopes[i].hex, err.text);
	}
}

static void takes_good_envelopes(void **state)
{
	struct craft in = craft_hex("d2 84 41a0 a1 01 02 f6 42 0102");
	struct rcpt_sign1 s;

	(void)state;
	assert_int_equal(rcpt_sign1_parse(craft_span(&in), &s, NULL), 0);
	assert_null(s.payload.data);
	assert_int_equal(s.unprotected.len, 3);
	assert_int_equal(s.signature.len, 2);
	assert_int_equal(s.protected.offset, 3);
}

static void bounds_signatures(void **state)
{
	struct craft in = craft_hex("d2 84 41a0 a0 4100");
	uint8_t sig[RECEIPT_MAX_SIGNATURE + 1] = { 0 };
	struct rcpt_sign1 s;
	struct rcpt_error err;

	(void)state;
	craft_bytes(&in, sig, sizeof(sig));
	assert_int_equal(rcpt_sign1_parse(craft_span(&in), &s, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
}

/* Protected headers. */

static const struct bad bad_headers[] = {
	{ "80", RECEIPT_REASON_STRUCTURE },
	{ "a0 00", RECEIPT_REASON_TRAILING },
	{ "a1 4101 00", RECEIPT_REASON_STRUCTURE },			/* label type */
	{ "a1 1b8000000000000000 00", RECEIPT_REASON_STRUCTURE },
	{ "a2 01 26 01 26", RECEIPT_REASON_DUPLICATE_LABEL },
	{ "a1 01 40", RECEIPT_REASON_STRUCTURE },			/* alg */
	{ "a1 01 1b8000000000000000", RECEIPT_REASON_STRUCTURE },
	{ "a1 01", RECEIPT_REASON_CBOR },
	{ "a1 02 01", RECEIPT_REASON_STRUCTURE },			/* crit */
	{ "a1 02 80", RECEIPT_REASON_STRUCTURE },
	{ "a1 02 81 40", RECEIPT_REASON_STRUCTURE },
	{ "a1 02 91 0101010101010101 0101010101010101 01", RECEIPT_REASON_BOUND },
	{ "a1 02 82 01", RECEIPT_REASON_CBOR },
	{ "a1 03 40", RECEIPT_REASON_STRUCTURE },			/* content type */
	{ "a1 03 20", RECEIPT_REASON_STRUCTURE },
	{ "a1 03", RECEIPT_REASON_CBOR },
	{ "a1 04 6161", RECEIPT_REASON_STRUCTURE },			/* kid */
	{ "a1 0f 80", RECEIPT_REASON_STRUCTURE },			/* claims */
	{ "a1 0f a1 4101 00", RECEIPT_REASON_STRUCTURE },
	{ "a1 0f a2 01 6161 01 6161", RECEIPT_REASON_DUPLICATE_LABEL },
	{ "a1 0f a1 01 4161", RECEIPT_REASON_STRUCTURE },
	{ "a1 0f a1 02 00", RECEIPT_REASON_STRUCTURE },
	{ "a1 0f a1 01 62 6100", RECEIPT_REASON_STRUCTURE },		/* zero byte */
	{ "a1 0f a1 06 6161", RECEIPT_REASON_STRUCTURE },
	{ "a1 0f a1 06 c0 00", RECEIPT_REASON_STRUCTURE },		/* tag 0 */
	{ "a1 0f a1 06 c1 6161", RECEIPT_REASON_STRUCTURE },
	{ "a1 0f a1 06 c1 f93c00", RECEIPT_REASON_CBOR },
	{ "a1 0f a1 06 c1", RECEIPT_REASON_CBOR },
	{ "a1 0f a1 63 73766e 20", RECEIPT_REASON_STRUCTURE },		/* svn */
	{ "a1 0f a1 63 73766e 6131", RECEIPT_REASON_STRUCTURE },
	{ "a1 0f a1 63 73766e 1b8000000000000000", RECEIPT_REASON_STRUCTURE },
	{ "a1 0f a1 05 18 00", RECEIPT_REASON_NOT_PREFERRED },
	{ "a1 1821 00", RECEIPT_REASON_STRUCTURE },			/* x5chain */
	{ "a1 1821 80", RECEIPT_REASON_STRUCTURE },
	{ "a1 1821 81 00", RECEIPT_REASON_STRUCTURE },
	{ "a1 1821 89 404040404040404040", RECEIPT_REASON_BOUND },
	{ "a1 1822 40", RECEIPT_REASON_STRUCTURE },			/* x5t */
	{ "a1 1822 81 2f", RECEIPT_REASON_STRUCTURE },
	{ "a1 1822 82 40 40", RECEIPT_REASON_STRUCTURE },
	{ "a1 1822 82 2f 6161", RECEIPT_REASON_STRUCTURE },
	{ "a1 190102 6161", RECEIPT_REASON_STRUCTURE },			/* 258 */
	{ "a1 190103 40", RECEIPT_REASON_STRUCTURE },			/* 259 */
	{ "a1 190104 00", RECEIPT_REASON_STRUCTURE },			/* 260 */
	{ "a1 19018b 6161", RECEIPT_REASON_STRUCTURE },			/* 395 */
	{ "a1 66 6363662e7631 a1 01 f93c00", RECEIPT_REASON_CBOR },	/* ccf.v1 */
	{ "a1 02 81 20", RECEIPT_REASON_STRUCTURE },			/* critical, absent */
	{ "a1 02 81 61 79", RECEIPT_REASON_STRUCTURE },
	{ "a2 02 82 01 0f 01 26", RECEIPT_REASON_STRUCTURE },
};

static void refuses_bad_headers(void **state)
{
	struct rcpt_header h;
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++) {
		struct craft in = craft_hex(bad_headers[i].hex);

		if (rcpt_header_parse(craft_span(&in), &h, &err) != -RCPT_MALFORMED ||
		    err.reason != bad_headers[i].reason)
			fail_msg("%s: %s", bad_headers[i].hex, err.text);
	}
}

static void reads_headers(void **state)
{
	struct craft in = craft_hex(
		"ad 01 3822 02 82 0f 61 78 61 78 00 03 63 612f62 04 42 0102"
		"0f a6 06 c1 0a 01 61 69 02 61 73 63 73766e 09 05 80 64 73697a65 1b8000000000000000"
		"1821 82 41 01 41 02 1822 82 2f 41 03 190102 382a 190103 6163"
		"190104 6164 19018b 02 66 6363662e7631 a2 61 61 00 64 74786964 63 312e32");
	struct rcpt_header h;
	struct rcpt_error err;

	(void)state;
	if (rcpt_header_parse(craft_span(&in), &h, &err))
		fail_msg("%s at %zu", err.text, err.offset);
	assert_true(h.has_alg && h.alg == RCPT_ES384);
	assert_int_equal(h.ncrit, 2);
	assert_int_equal(h.crit[0].num, 15);
	assert_true(rcpt_span_equal(h.crit[1].text, "x", 1));
	assert_true(rcpt_span_equal(h.content_type, "a/b", 3));
	assert_true(rcpt_span_equal(h.kid, "\1\2", 2));
	assert_true(h.has_claims && h.claims.has_iat && h.claims.has_svn);
	assert_int_equal(h.claims.iat, 10);
	assert_int_equal(h.claims.svn, 9);
	assert_true(h.claims.has_size && h.claims.size == 1ULL << 63);
	assert_true(rcpt_span_equal(h.claims.iss, "i", 1));
	assert_true(rcpt_span_equal(h.claims.sub, "s", 1));
	assert_int_equal(h.nchain, 2);
	assert_true(rcpt_span_equal(h.chain[1], "\2", 1));
	assert_int_equal(h.x5t_alg, RCPT_SHA256);
	assert_int_equal(h.hash_alg, RCPT_SHA384);
	assert_true(rcpt_span_equal(h.preimage_type, "c", 1));
	assert_true(rcpt_span_equal(h.location, "d", 1));
	assert_true(h.has_vds && h.vds == 2);
	assert_true(rcpt_span_equal(h.txid, "1.2", 3));
}

static void reads_other_forms(void **state)
{
	/* alg by name, content type by number, one certificate, plain iat, x5t by name */
	struct craft in = craft_hex("a6 01 6161 03 1832 0f a1 06 3903e7 1821 41 09"
				    "1822 82 6161 41 03 190103 00");
	struct rcpt_header h;

	(void)state;
	assert_int_equal(rcpt_header_parse(craft_span(&in), &h, NULL), 0);
	assert_true(h.has_alg && !h.alg);
	assert_true(h.has_content_format && h.content_format == 50);
	assert_int_equal(h.claims.iat, -1000);
	assert_int_equal(h.nchain, 1);
	assert_int_equal(h.x5t_alg, 0);
	assert_null(h.claims.iss.data);
}

static void bounds_claims(void **state)
{
	struct craft in = craft_hex("a1 0f a1 01");
	char iss[RECEIPT_MAX_CLAIM + 2];
	struct rcpt_header h;
	struct rcpt_error err;

	(void)state;
	memset(iss, 'a', sizeof(iss));
	iss[sizeof(iss) - 1] = '\0';
	craft_text(&in, iss);
	assert_int_equal(rcpt_header_parse(craft_span(&in), &h, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
}

static void knows_critical_labels(void **state)
{
	static const struct { const char *hex; bool known; bool allowed; } rows[] = {
		{ "a0", true, true },
		{ "a2 02 81 0f 0f a0", true, true },
		{ "ab 02 8a 01 03 04 0f 1821 1822 190102 190103 190104 19018b 01 26 03 00 04 40"
		  "0f a0 1821 40 1822 82 2f 40 190102 2f 190103 00 190104 60 19018b 01", true, true },
		{ "a1 02 81 02", false, false },
		{ "a2 02 81 20 20 00", false, false },
		{ "a2 02 81 61 78 61 78 00", false, true },
		{ "a2 02 81 61 79 61 79 00", false, false },
		{ "a2 02 81 18c8 18c8 00", false, true },
		{ "a3 02 82 0f 19018a 0f a0 19018a 80", false, false },
	};
	const struct rcpt_label allowed[] = {
		{ .text = { (const uint8_t *)"x", 1, 0 } }, { .num = 200 },
	};
	struct rcpt_header h;
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct craft in = craft_hex(rows[i].hex);

		assert_int_equal(rcpt_header_parse(craft_span(&in), &h, NULL), 0);
		if (!rcpt_header_crit(&h, NULL, 0, &err) != rows[i].known ||
		    !rcpt_header_crit(&h, allowed, 2, NULL) != rows[i].allowed)
			fail_msg("%s", rows[i].hex);
		if (!rows[i].known)
			assert_int_equal(err.reason, RECEIPT_REASON_CRITICAL);
	}
}

/* Signatures. */

struct algorithm {
	const char *key;
	int64_t alg;
	bool fits;	/* as receipts are held to */
};

static const struct algorithm algorithms[] = {
	{ "P-256", RCPT_ES256, true },
	{ "P-384", RCPT_ES384, true },
	{ "P-521", RCPT_ES512, true },
	{ "P-256", RCPT_ES384, false },	/* RFC 9053 does not tie them */
	{ "P-384", RCPT_ES256, false },
	{ "ED25519", RCPT_EDDSA, true },
	{ "RSA", RCPT_PS256, false },
	{ "RSA", RCPT_PS384, false },
	{ "RSA", RCPT_PS512, false },
};

static void check_algorithm(const struct algorithm *row)
{
	EVP_PKEY *key = craft_key(row->key), *other = craft_key(row->key);
	struct craft in = craft_statement(key, row->alg, 0, "", payload);
	struct rcpt_sign1 s;
	struct rcpt_error err;
	uint8_t sig[1024];

	assert_int_equal(rcpt_sign1_parse(craft_span(&in), &s, NULL), 0);
	if (rcpt_sign1_verify(&s, s.payload, row->alg, key, &err))
		fail_msg("%s %lld: %s", row->key, (long long)row->alg, err.text);
	assert_int_equal(rcpt_key_fits(key, row->alg), row->fits);
	assert_int_equal(rcpt_sign1_verify(&s, s.payload, row->alg, other, &err),
			 -RCPT_INVALID);
	assert_int_equal(err.reason, RECEIPT_REASON_SIGNATURE);
	assert_int_equal(rcpt_sign1_verify(&s, rcpt_span("PAYLOAD", 7), row->alg, key, NULL),
			 -RCPT_INVALID);
	/* of other lengths */
	memcpy(sig, s.signature.data, s.signature.len);
	s.signature.data = sig;
	s.signature.len--;
	assert_int_equal(rcpt_sign1_verify(&s, s.payload, row->alg, key, NULL),
			 -RCPT_INVALID);
	s.signature.len = 0;
	assert_int_equal(rcpt_sign1_verify(&s, s.payload, row->alg, key, NULL),
			 -RCPT_INVALID);
	/* nothing but zeros */
	s.signature.len = in.len ? 2 * (size_t)((EVP_PKEY_get_bits(key) + 7) / 8) : 0;
	memset(sig, 0, sizeof(sig));
	assert_int_equal(rcpt_sign1_verify(&s, s.payload, row->alg, key, NULL),
			 -RCPT_INVALID);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void verifies_signatures(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		check_algorithm(&algorithms[i]);
}

static void refuses_keys_of_other_kinds(void **state)
{
	static const struct { const char *key; int64_t alg; } rows[] = {
		{ "RSA", RCPT_ES256 }, { "ED25519", RCPT_ES256 }, { "P-256", RCPT_EDDSA },
		{ "P-256", RCPT_PS256 }, { "ED25519", RCPT_PS384 }, { "RSA", RCPT_EDDSA },
		{ "secp256k1", RCPT_ES256 },
		{ "P-256", 0 }, { "P-256", -10 }, { "RSA", -257 }, { "P-256", RCPT_SHA256 },
		{ "P-256", INT64_MIN },
	};
	EVP_PKEY *signer = craft_key("P-256");
	struct craft in = craft_statement(signer, RCPT_ES256, 0, "", payload);
	struct rcpt_sign1 s;
	struct rcpt_error err;
	size_t i;

	(void)state;
	assert_int_equal(rcpt_sign1_parse(craft_span(&in), &s, NULL), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		EVP_PKEY *key = craft_key(rows[i].key);

		assert_int_equal(rcpt_sign1_verify(&s, s.payload, rows[i].alg, key, &err),
				 -RCPT_CANNOT_EVALUATE);
		assert_int_equal(err.reason, RECEIPT_REASON_ALGORITHM);
		assert_false(rcpt_key_fits(key, rows[i].alg));
		EVP_PKEY_free(key);
	}
	EVP_PKEY_free(signer);
}

static void names_algorithms(void **state)
{
	(void)state;
	assert_string_equal(rcpt_alg_name(RCPT_ES384), "ES384");
	assert_null(rcpt_alg_name(0));
	assert_int_equal(rcpt_alg_by_name("EdDSA"), RCPT_EDDSA);
	assert_int_equal(rcpt_alg_by_name("none"), 0);
}

static void signs_the_right_bytes(void **state)
{
	static const char expected[] = "\x84\x6aSignature1\x41\xa0\x40\x47payload";
	uint8_t *tbs;
	size_t len;

	(void)state;
	assert_int_equal(rcpt_sig_structure(rcpt_span("\xa0", 1), payload, &tbs, &len), 0);
	assert_int_equal(len, sizeof(expected) - 1);
	assert_memory_equal(tbs, expected, len);
	free(tbs);
}

/* Statements. */

static void reads_statements(void **state)
{
	EVP_PKEY *key = craft_key("P-256");
	struct craft in = craft_statement(key, RCPT_ES256, 1, "03 63 612f62", payload);
	struct rcpt_statement stmt;
	uint8_t digest[32];

	(void)state;
	assert_int_equal(rcpt_statement_parse(craft_span(&in), &stmt, NULL), 0);
	/* with an empty unprotected header, what a log sees is the file itself */
	assert_int_equal(stmt.len, in.len);
	assert_memory_equal(stmt.bytes, in.data, in.len);
	assert_int_equal(rcpt_sha256(in.data, in.len, digest), 0);
	assert_memory_equal(stmt.digest, digest, 32);
	assert_false(rcpt_statement_is_manifest(&stmt));
	assert_int_equal(stmt.nreceipts, 0);
	assert_int_equal(rcpt_statement_verify(&stmt, key, NULL), 0);
	rcpt_statement_free(&stmt);
	EVP_PKEY_free(key);
}

static void drops_the_unprotected_header(void **state)
{
	EVP_PKEY *key = craft_key("P-256");
	struct craft stmt = craft_statement(key, RCPT_ES256, 0, "", payload);
	struct craft junk[2] = { craft_hex("d2"), craft_hex("00") };
	struct craft in = craft_transparent(&stmt, junk, 2);
	struct rcpt_statement out;

	(void)state;
	assert_int_equal(rcpt_statement_parse(craft_span(&in), &out, NULL), 0);
	assert_int_equal(out.nreceipts, 2);
	assert_true(rcpt_span_equal(out.receipts[0], "\xd2", 1));
	assert_int_equal(out.len, stmt.len);
	assert_memory_equal(out.bytes, stmt.data, stmt.len);
	rcpt_statement_free(&out);
	EVP_PKEY_free(key);
}

static const struct bad bad_statements[] = {
	{ "d2 84 41a0 a0 40 4100", RECEIPT_REASON_STRUCTURE },		/* empty */
	{ "d2 84 4180 a0 4100 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 43 a10138 a0 4100 4100", RECEIPT_REASON_CBOR },
	{ "d2 84 44 a1013806 a0 4100 4100", RECEIPT_REASON_NOT_PREFERRED },
	{ "d2 84 45 a201260126 a0 4100 4100", RECEIPT_REASON_DUPLICATE_LABEL },
	{ "d2 84 42 a000 a0 4100 4100", RECEIPT_REASON_TRAILING },
	{ "d2 84 41a0 a1 19018a 00 4100 4100", RECEIPT_REASON_STRUCTURE },
	/* the two-element form of old drafts */
	{ "d2 84 41a0 a1 19018a 82 a0 80 4100 4100", RECEIPT_REASON_STRUCTURE },
	{ "d2 84 41a0 a1 19018a 89 404040404040404040 4100 4100", RECEIPT_REASON_BOUND },
	{ "d2 84 41a0 a2 19018a 80 19018a 80 4100 4100", RECEIPT_REASON_DUPLICATE_LABEL },
};

static void refuses_bad_statements(void **state)
{
	struct rcpt_statement stmt;
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_statements) / sizeof(bad_statements[0]); i++) {
		struct craft in = craft_hex(bad_statements[i].hex);

		if (rcpt_statement_parse(craft_span(&in), &stmt, &err) != -RCPT_MALFORMED ||
		    err.reason != bad_statements[i].reason)
			fail_msg("%s: %s", bad_statements[i].hex, err.text);
		assert_null(stmt.bytes);
	}
}

/* A payload that was left out is what the caller has; a log sees that there is none. */
static void takes_detached_payloads(void **state)
{
	struct craft in = craft_hex("d2 84 41a0 a0 f6 4100");
	struct rcpt_statement stmt;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(rcpt_statement_parse(craft_span(&in), &stmt, &err),
			 -RCPT_CANNOT_EVALUATE);
	assert_int_equal(err.reason, RECEIPT_REASON_UNVERIFIABLE);
	assert_int_equal(rcpt_statement_parse_with(craft_span(&in), rcpt_span("", 0), &stmt, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(rcpt_statement_parse_with(craft_span(&in), rcpt_span("p", 1), &stmt, &err),
			 0);
	assert_true(rcpt_span_equal(stmt.sign1.payload, "p", 1));
	assert_true(rcpt_span_equal(craft_span(&in), stmt.bytes, stmt.len));
	rcpt_statement_free(&stmt);
	in = craft_hex("d2 84 41a0 a0 4178 4100");
	assert_int_equal(rcpt_statement_parse_with(craft_span(&in), rcpt_span("p", 1), &stmt, &err),
			 0);
	assert_true(rcpt_span_equal(stmt.sign1.payload, "x", 1));
	rcpt_statement_free(&stmt);
}

static void bounds_statements(void **state)
{
	size_t len = RCPT_MAX_STATEMENT + 1;
	uint8_t *data = calloc(1, len);
	struct rcpt_statement stmt;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(rcpt_statement_parse(rcpt_span(data, len), &stmt, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	free(data);
}

static void needs_an_issuer_key(void **state)
{
	EVP_PKEY *key = craft_key("P-256");
	struct craft plain = craft_statement(key, RCPT_ES256, 0, "", payload);
	struct craft junk = craft_statement(key, RCPT_ES256, 1, "1821 42 3000", payload);
	struct rcpt_statement stmt;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(rcpt_statement_parse(craft_span(&plain), &stmt, NULL), 0);
	assert_int_equal(rcpt_issuer_verify(&stmt, NULL, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(err.reason, RECEIPT_REASON_NO_ISSUER_KEY);
	rcpt_statement_free(&stmt);
	assert_int_equal(rcpt_statement_parse(craft_span(&junk), &stmt, NULL), 0);
	assert_int_equal(rcpt_issuer_verify(&stmt, NULL, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_CERTIFICATE);
	rcpt_statement_free(&stmt);
	EVP_PKEY_free(key);
}

static struct craft certificate(EVP_PKEY *key)
{
	struct craft out = { .len = 0 };
	X509 *cert = X509_new();
	uint8_t *p = out.data;

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_true(i2d_X509(cert, NULL) < (int)sizeof(out.data));
	out.len = i2d_X509(cert, &p);
	X509_free(cert);
	return out;
}

/* A statement by @key with the certificate of @named, and x5t of @digest. */
static struct craft certified(EVP_PKEY *key, EVP_PKEY *named, int64_t x5t_alg,
			      uint8_t flip)
{
	struct craft header = craft_statement_header(RCPT_ES256, 2, "1821");
	struct craft unprotected = craft_hex("a0"), cert = certificate(named);
	const EVP_MD *md = x5t_alg == RCPT_SHA512 ? EVP_sha512() : EVP_sha256();
	uint8_t digest[64];
	unsigned int len;

	EVP_Digest(cert.data, cert.len, digest, &len, md, NULL);
	digest[0] ^= flip;
	craft_bytes(&header, cert.data, cert.len);
	craft_int(&header, RCPT_LABEL_X5T);
	craft_head(&header, RCPT_ARRAY, 2);
	craft_int(&header, x5t_alg);
	craft_bytes(&header, digest, len);
	return craft_sign1(key, RCPT_ES256, &header, &unprotected, payload, &payload);
}

static void takes_the_key_of_the_certificate(void **state)
{
	EVP_PKEY *key = craft_key("P-256"), *other = craft_key("P-256");
	const struct {
		EVP_PKEY *named;
		int64_t alg;
		uint8_t flip;
		int status;
		enum receipt_reason reason;
	} rows[] = {
		{ key, RCPT_SHA256, 0, 0, 0 },
		{ key, RCPT_SHA512, 0, 0, 0 },
		{ key, RCPT_SHA256, 1, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE },
		/* a digest that cannot be judged says nothing */
		{ key, -15, 1, 0, 0 },
		{ other, RCPT_SHA256, 0, RCPT_INVALID, RECEIPT_REASON_ISSUER_SIGNATURE },
	};
	struct rcpt_statement stmt;
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct craft in = certified(key, rows[i].named, rows[i].alg, rows[i].flip);

		assert_int_equal(rcpt_statement_parse(craft_span(&in), &stmt, NULL), 0);
		if (rcpt_issuer_verify(&stmt, NULL, &err) != -rows[i].status ||
		    (rows[i].status && err.reason != rows[i].reason))
			fail_msg("row %zu: %s", i, err.text);
		rcpt_statement_free(&stmt);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_envelopes),
		cmocka_unit_test(takes_good_envelopes),
		cmocka_unit_test(bounds_signatures),
		cmocka_unit_test(refuses_bad_headers),
		cmocka_unit_test(reads_headers),
		cmocka_unit_test(reads_other_forms),
		cmocka_unit_test(bounds_claims),
		cmocka_unit_test(knows_critical_labels),
		cmocka_unit_test(verifies_signatures),
		cmocka_unit_test(refuses_keys_of_other_kinds),
		cmocka_unit_test(names_algorithms),
		cmocka_unit_test(signs_the_right_bytes),
		cmocka_unit_test(reads_statements),
		cmocka_unit_test(drops_the_unprotected_header),
		cmocka_unit_test(refuses_bad_statements),
		cmocka_unit_test(takes_detached_payloads),
		cmocka_unit_test(bounds_statements),
		cmocka_unit_test(needs_an_issuer_key),
		cmocka_unit_test(takes_the_key_of_the_certificate),
	};

	return cmocka_run_group_tests_name("cose", tests, NULL, NULL);
}
