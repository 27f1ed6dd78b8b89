// SPDX-License-Identifier: MIT
/*
 * Every decoder on what is nearly right: the vectors of selftests/vectors and the
 * parts of them, cut short at every byte, and with every byte changed.
 */
#include "craft.h"

#include "bundle.h"

#define VECTORS	"selftests/vectors/"

typedef int (*decoder)(struct rcpt_span in, struct rcpt_error *err);

static int decode_statement(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_statement stmt;
	int ret = rcpt_statement_parse(in, &stmt, err);

	if (!ret)
		rcpt_statement_free(&stmt);
	return ret;
}

static int decode_receipt(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_receipt receipt;
	int ret = rcpt_receipt_parse(in, &receipt, err);

	rcpt_receipt_free(&receipt);
	return ret;
}

static int decode_bundle(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_bundle bundle;
	int ret = rcpt_bundle_parse(in, &bundle, err);

	if (!ret)
		rcpt_bundle_free(&bundle);
	return ret;
}

static int decode_header(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_header header;

	return rcpt_header_parse(in, &header, err);
}

static int decode_keys(struct rcpt_span in, struct rcpt_error *err)
{
	static const struct rcpt_key_source any;
	struct rcpt_keys keys = { 0 };
	int ret = rcpt_keys_add(&keys, in, &any, err);

	rcpt_keys_free(&keys);
	return ret;
}

static int decode_list(struct rcpt_span in, struct rcpt_error *err)
{
	static const char type[] = "application/vnd.transparency-trust-list.v1+cose";
	struct rcpt_statement stmt = {
		.header.content_type = rcpt_span(type, strlen(type)), .sign1.payload = in,
	};
	struct rcpt_keys keys = { 0 };
	int ret = rcpt_trust_list_read(&stmt, &keys, err);

	rcpt_keys_free(&keys);
	return ret;
}

static int64_t structure;

static int decode_inclusion(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_inclusion proof = { 0 };

	return rcpt_inclusion_parse(in, structure, &proof, err);
}

static int decode_consistency(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_consistency proof;

	return rcpt_consistency_parse(in, structure, &proof, err);
}

/* Refused with one of the statuses there are, at a place that is in the input. */
static int expect_sense(decoder decode, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct rcpt_error err = { 0 };
	int ret;

	memcpy(copy, data, len);
	ret = decode(rcpt_span(copy, len), &err);
	free(copy);
	assert_int_equal(err.status, -ret);
	assert_true(!ret || ret == -RCPT_MALFORMED || ret == -RCPT_INVALID ||
		    ret == -RCPT_CANNOT_EVALUATE);
	assert_true(!ret || (err.reason && *err.text));
	assert_true(err.offset == RCPT_NO_OFFSET || err.offset <= len);
	return ret;
}

/* @whole: what is cut short is malformed, since one item is expected. */
static void torment(decoder decode, struct rcpt_span in, bool whole)
{
	static const uint8_t values[] = { 0x00, 0x3a, 0x41, 0x61, 0x80, 0x83, 0xa1, 0xc1, 0xf6, 0xff };
	uint8_t *data = malloc(in.len + 1);
	size_t at, i;

	memcpy(data, in.data, in.len);
	expect_sense(decode, data, in.len);
	for (at = 0; at < in.len; at++) {
		int ret = expect_sense(decode, data, at);

		assert_true(!whole || ret == -RCPT_MALFORMED);
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			data[at] = values[i];
			expect_sense(decode, data, in.len);
		}
		data[at] = in.data[at] ^ 1;
		expect_sense(decode, data, in.len);
		data[at] = in.data[at];
	}
	data[in.len] = 0;
	assert_true(!whole || expect_sense(decode, data, in.len + 1) == -RCPT_MALFORMED);
	free(data);
}

static void torment_proofs(const struct rcpt_receipt *receipt)
{
	struct rcpt_span unprotected = receipt->sign1.unprotected, proof;
	struct rcpt_reader r;
	struct rcpt_head head;
	size_t i;

	structure = receipt->header.vds;
	/* What stands in the innermost byte strings are the proofs. */
	rcpt_reader_init(&r, unprotected, NULL);
	for (i = 0; !rcpt_read(&r, &head) && i < 100; i++) {
		proof = head.string;
		if (head.major != RCPT_BYTES)
			continue;
		torment(receipt->nproofs ? decode_inclusion : decode_consistency, proof, true);
	}
}

static void torment_receipt(struct rcpt_span in)
{
	struct rcpt_receipt receipt;

	torment(decode_receipt, in, true);
	rcpt_receipt_parse(in, &receipt, NULL);
	torment(decode_header, receipt.sign1.protected, true);
	torment_proofs(&receipt);
	rcpt_receipt_free(&receipt);
}

static uint8_t *read_vector(const char *name, struct rcpt_span *in)
{
	struct rcpt_error err;
	char path[256];
	uint8_t *data;
	size_t len;

	snprintf(path, sizeof(path), VECTORS "%s", name);
	if (rcpt_file_read(path, RCPT_MAX_INPUT, &data, &len, &err))
		fail_msg("%s: %s", path, err.text);
	*in = rcpt_span(data, len);
	return data;
}

static void torments_statements(void **state)
{
	static const char *const names[] = {
		"rfc9162-receipt-kid-bytes", "ccf-receipt-kid-thumbprint", "envelope-preimage",
		"statement-crit-unknown", "statement-crit-text", "certificate-x5t", "certificate-alone",
		"rfc9162-receipt-header-unknown", "rfc9162-receipt-attached", "ccf-receipt-claims-iat-tag",
		"payload-plain", "envelope-content-format", "rfc9162-receipt-header-txid",
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct rcpt_statement stmt;
		struct rcpt_span in;
		char name[80];
		uint8_t *data;

		snprintf(name, sizeof(name), "statements/%s.cose", names[i]);
		data = read_vector(name, &in);
		torment(decode_statement, in, true);
		assert_int_equal(rcpt_statement_parse(in, &stmt, NULL), 0);
		torment(decode_header, stmt.sign1.protected, true);
		for (n = 0; n < stmt.nreceipts; n++)
			torment_receipt(stmt.receipts[n]);
		rcpt_statement_free(&stmt);
		free(data);
	}
}

static void torments_receipts_of_consistency(void **state)
{
	static const char *const names[] = {
		"receipts/consistency-rfc9162-3-4.cose", "receipts/consistency-ccf-6-7.cose",
	};
	struct rcpt_span in;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		uint8_t *data = read_vector(names[i], &in);

		torment_receipt(in);
		free(data);
	}
}

static void torments_other_files(void **state)
{
	static const struct { const char *name; decoder decode; bool whole; } rows[] = {
		{ "statements/ccf-bundle-good.cose", decode_bundle, true },
		{ "keys/issuers.cbor", decode_keys, true },
		{ "keys/logs.json", decode_keys, false },
		{ "keys/log-certificate.pem", decode_keys, false },
	};
	struct rcpt_span in;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *data = read_vector(rows[i].name, &in);

		torment(rows[i].decode, in, rows[i].whole);
		free(data);
	}
}

static void torments_trust_lists(void **state)
{
	struct rcpt_statement stmt;
	struct rcpt_span in;
	uint8_t *data = read_vector("statements/trust-list-good.cose", &in);

	(void)state;
	assert_int_equal(rcpt_statement_parse(in, &stmt, NULL), 0);
	torment(decode_list, stmt.sign1.payload, true);
	rcpt_statement_free(&stmt);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(torments_statements),
		cmocka_unit_test(torments_receipts_of_consistency),
		cmocka_unit_test(torments_other_files),
		cmocka_unit_test(torments_trust_lists),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
