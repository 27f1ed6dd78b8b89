// SPDX-License-Identifier: MIT
#include <time.h>

#include "sample.h"
#include "signer.h"
#include "writer.h"

static int parse(const uint8_t *data, size_t len, struct rcpt_error *err)
{
	struct rcpt_bundle bundle;
	int rc = rcpt_bundle_parse(rcpt_span(data, len), &bundle, err);

	if (!rc)
		rcpt_bundle_free(&bundle);
	return rc;
}

static void test_round_trip(void **state)
{
	struct sample_leaves s = sample_leaves(7, 0);
	struct rcpt_bundle bundle;
	uint8_t *data;
	size_t len, i;

	(void)state;
	sample_bundle(&signer, &s, "tools", &data, &len);
	assert_true(rcpt_is_bundle(rcpt_span(data, len)));
	assert_int_equal(rcpt_bundle_parse(rcpt_span(data, len), &bundle, NULL), 0);
	assert_false(rcpt_is_bundle(bundle.transparent));
	assert_int_equal(bundle.nleaves, 7);
	for (i = 0; i < 7; i++) {
		assert_int_equal(rcpt_bundle_find(&bundle, RECEIPT_KIND_SHA256,
						  s.digest[i], 0), i);
		assert_int_equal(bundle.leaves[i].name_len, strlen(s.name[i]));
		assert_memory_equal(bundle.leaves[i].name, s.name[i],
				    bundle.leaves[i].name_len);
	}
	assert_int_equal(rcpt_bundle_find(&bundle, RECEIPT_KIND_SHA256, s.digest[0], 1), 7);
	assert_int_equal(rcpt_statement_verify(&bundle.statement, signer.pkey, NULL), 0);
	rcpt_bundle_free(&bundle);
	free(data);
	sample_leaves_free(&s);
}

static void test_envelope(void **state)
{
	struct sample_leaves s = sample_leaves(0, 0);
	struct rcpt_bundle bundle;
	uint8_t digest[32], *data;
	size_t len;

	(void)state;
	sample_bundle(&signer, &s, "one", &data, &len);
	assert_int_equal(rcpt_bundle_parse(rcpt_span(data, len), &bundle, NULL), 0);
	assert_int_equal(bundle.nleaves, 0);
	assert_true(bundle.statement.header.has_hash_alg);
	assert_null(bundle.statement.header.content_type.data);
	sample_digest(0, digest);
	assert_true(rcpt_span_equal(bundle.statement.sign1.payload, digest, 32));
	rcpt_bundle_free(&bundle);
	free(data);
	sample_leaves_free(&s);
}

/* Over a bound, when read and when written. */
static void test_bounds(void **state)
{
	static const struct rcpt_leaf leaf = { .kind = RECEIPT_KIND_SHA256, .name = "",
					       .digest = (const uint8_t *)"0123456789abcdef0123456789abcdef" };
	static uint8_t big[RCPT_MAX_BUNDLE + 1];
	struct rcpt_bundle bundle;
	struct rcpt_error err;
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(rcpt_bundle_parse(rcpt_span(big, sizeof(big)), &bundle, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(rcpt_bundle_encode(rcpt_span("", 0), &leaf, RCPT_MAX_LEAVES + 1, &data, &len,
					    &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(rcpt_bundle_encode(rcpt_span(big, sizeof(big)), &leaf, 1, &data, &len, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
}

/* A statement that vouches for no artifact makes no bundle. */
static void test_about_nothing(void **state)
{
	uint8_t *stmt, *data;
	size_t stmt_len, len;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(rcpt_file_read("selftests/vectors/statements/payload-plain.cose",
					RCPT_MAX_INPUT, &stmt, &stmt_len, NULL), 0);
	assert_int_equal(rcpt_bundle_encode(rcpt_span(stmt, stmt_len), NULL, 0, &data, &len, NULL), 0);
	assert_int_equal(parse(data, len, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_CONTENT_TYPE);
	free(data);
	free(stmt);
}

/* Copied so that a read over the end is seen by the address sanitizer. */
static void test_truncated_anywhere(void **state)
{
	struct sample_leaves s = sample_leaves(3, 0);
	struct rcpt_error err;
	uint8_t *data;
	size_t len, i;

	(void)state;
	sample_bundle(&signer, &s, "tools", &data, &len);
	for (i = 0; i < len; i++) {
		uint8_t *part = malloc(i ? i : 1);

		memcpy(part, data, i);
		memset(&err, 0, sizeof(err));
		assert_int_equal(parse(part, i, &err), -RCPT_MALFORMED);
		assert_int_equal(err.status, RCPT_MALFORMED);
		assert_true(err.offset <= i);
		assert_true(err.text[0] != '\0');
		free(part);
	}
	free(data);
	sample_leaves_free(&s);
}

static void test_trailing(void **state)
{
	struct sample_leaves s = sample_leaves(3, 0);
	struct rcpt_error err;
	uint8_t *data;
	size_t len;

	(void)state;
	sample_bundle(&signer, &s, "tools", &data, &len);
	data = realloc(data, len + 1);
	assert_non_null(data);
	data[len] = 0;
	assert_int_equal(parse(data, len + 1, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_TRAILING);
	assert_int_equal(err.offset, len);
	free(data);
	sample_leaves_free(&s);
}

/* No flipped byte may be taken for the same bundle: leaves, root, signature. */
static void test_flipped_anywhere(void **state)
{
	struct sample_leaves s = sample_leaves(3, 0);
	struct rcpt_bundle bundle;
	uint8_t *data, *names;
	size_t len, i;

	(void)state;
	sample_bundle(&signer, &s, "tools", &data, &len);
	for (i = 0; i < len; i++) {
		names = memmem(data, len, "/usr", 4);
		data[i] ^= 0x01;
		if (!rcpt_bundle_parse(rcpt_span(data, len), &bundle, NULL)) {
			if (!rcpt_statement_verify(&bundle.statement, signer.pkey, NULL))
				assert_true(data + i >= names);
			rcpt_bundle_free(&bundle);
		}
		data[i] ^= 0x01;
	}
	free(data);
	sample_leaves_free(&s);
}

static void test_other_leaves(void **state)
{
	struct sample_leaves s = sample_leaves(5, 0), other = sample_leaves(5, 100);
	struct rcpt_error err;
	uint8_t *stmt, *data;
	size_t stmt_len, len, n;

	(void)state;
	sample_statement(&signer, &s, "tools", &stmt, &stmt_len);
	rcpt_bundle_encode(rcpt_span(stmt, stmt_len), other.leaf, 5, &data, &len, NULL);
	assert_int_equal(parse(data, len, &err), -RCPT_INVALID);
	assert_int_equal(err.reason, RECEIPT_REASON_MANIFEST_PATH);
	free(data);
	for (n = 0; n < 5; n++) {
		rcpt_bundle_encode(rcpt_span(stmt, stmt_len), s.leaf, n, &data, &len, NULL);
		assert_int_equal(parse(data, len, &err),
				 n ? -RCPT_INVALID : -RCPT_MALFORMED);
		free(data);
	}
	free(stmt);
	sample_leaves_free(&s);
	sample_leaves_free(&other);
}

/* A bundle around a good statement whose leaf is written as told. */
static int parse_leaf(uint64_t kind, uint64_t usage, size_t digest_len,
		      size_t name_len, struct rcpt_error *err)
{
	struct sample_leaves s = sample_leaves(1, 0);
	static uint8_t zeros[64];
	struct rcpt_writer w = { 0 };
	uint8_t *stmt;
	size_t stmt_len;
	char *name = malloc(name_len + 1);
	int rc;

	memset(name, 'n', name_len);
	sample_statement(&signer, &s, "tools", &stmt, &stmt_len);
	rcpt_write_head(&w, RCPT_ARRAY, 4);
	rcpt_write_text(&w, "receipt-bundle", 14);
	rcpt_write_int(&w, 1);
	rcpt_write_bytes(&w, stmt, stmt_len);
	rcpt_write_head(&w, RCPT_ARRAY, 1);
	rcpt_write_head(&w, RCPT_ARRAY, 4);
	rcpt_write_head(&w, RCPT_UINT, kind);
	rcpt_write_head(&w, RCPT_UINT, usage);
	rcpt_write_bytes(&w, zeros, digest_len);
	rcpt_write_text(&w, name, name_len);
	rc = parse(w.data, w.len, err);
	rcpt_writer_free(&w);
	free(name);
	free(stmt);
	sample_leaves_free(&s);
	return rc;
}

static void test_bad_leaves(void **state)
{
	struct rcpt_error err;

	(void)state;
	/* The control: well-formed, and about other files. */
	assert_int_equal(parse_leaf(1, 1, 32, 4096, &err), -RCPT_INVALID);
	assert_int_equal(parse_leaf(1, 1, 32, 4097, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(parse_leaf(1, 1, 31, 1, &err), -RCPT_MALFORMED);
	assert_int_equal(parse_leaf(1, 1, 48, 1, &err), -RCPT_MALFORMED);
	assert_int_equal(parse_leaf(2, 1, 32, 1, &err), -RCPT_MALFORMED);
	assert_int_equal(parse_leaf(0, 1, 0, 1, &err), -RCPT_MALFORMED);
	assert_int_equal(parse_leaf(6, 1, 32, 1, &err), -RCPT_MALFORMED);
	assert_int_equal(parse_leaf(257, 1, 32, 1, &err), -RCPT_MALFORMED);
	assert_int_equal(parse_leaf(1, 256, 32, 1, &err), -RCPT_MALFORMED);
	assert_int_equal(parse_leaf(1, UINT64_MAX, 32, 1, &err), -RCPT_MALFORMED);
}

/* Counts that the input cannot hold must not make us allocate. */
static void test_huge_counts(void **state)
{
	static const uint64_t counts[] = { 1, 1000000, 1000001, UINT32_MAX, UINT64_MAX };
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct rcpt_writer w = { 0 };

		rcpt_write_head(&w, RCPT_ARRAY, 4);
		rcpt_write_text(&w, "receipt-bundle", 14);
		rcpt_write_int(&w, 1);
		rcpt_write_bytes(&w, "x", 1);
		rcpt_write_head(&w, RCPT_ARRAY, counts[i]);
		assert_int_equal(parse(w.data, w.len, &err), -RCPT_MALFORMED);
		rcpt_writer_free(&w);
	}
}

static void test_head(void **state)
{
	static const uint8_t not_bundle[] = { 0x84, 0x61, 'x', 1, 0x40, 0x80 };
	static const uint8_t three[] = { 0x83, 1, 2, 3 };
	struct rcpt_writer w = { 0 };
	struct rcpt_error err;

	(void)state;
	assert_int_equal(parse(not_bundle, sizeof(not_bundle), &err), -RCPT_MALFORMED);
	assert_int_equal(parse(three, sizeof(three), &err), -RCPT_MALFORMED);
	rcpt_write_head(&w, RCPT_ARRAY, 4);
	rcpt_write_text(&w, "receipt-bundle", 14);
	rcpt_write_int(&w, 2);
	rcpt_write_bytes(&w, "x", 1);
	rcpt_write_head(&w, RCPT_ARRAY, 0);
	assert_int_equal(parse(w.data, w.len, &err), -RCPT_MALFORMED);
	assert_non_null(strstr(err.text, "version"));
	rcpt_writer_free(&w);
}

static void test_large(void **state)
{
	struct sample_leaves s = sample_leaves(50000, 0);
	struct rcpt_bundle bundle;
	struct timespec begin, end;
	uint8_t *data;
	size_t len;

	(void)state;
	sample_bundle(&signer, &s, "all", &data, &len);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(rcpt_bundle_parse(rcpt_span(data, len), &bundle, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("# 50000 leaves, %zu bytes: read in %ld ms\n", len,
		      (end.tv_sec - begin.tv_sec) * 1000 +
		      (end.tv_nsec - begin.tv_nsec) / 1000000);
	assert_int_equal(bundle.nleaves, 50000);
	rcpt_bundle_free(&bundle);
	free(data);
	sample_leaves_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_about_nothing),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_trailing),
		cmocka_unit_test(test_flipped_anywhere),
		cmocka_unit_test(test_other_leaves),
		cmocka_unit_test(test_bad_leaves),
		cmocka_unit_test(test_huge_counts),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
