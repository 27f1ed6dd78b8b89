// SPDX-License-Identifier: MIT
#include "sample.h"

static struct rcpt_leaf leaf(uint8_t kind, uint8_t usage, const uint8_t *digest,
			     const char *name)
{
	return (struct rcpt_leaf){
		.digest = digest, .name = name, .name_len = strlen(name),
		.kind = kind, .usage = usage,
	};
}

static void test_leaf_hash(void **state)
{
	uint8_t data[3 + 32] = { 0, RECEIPT_KIND_SHA256, 1 };
	uint8_t expected[32], got[32];

	(void)state;
	memset(data + 3, 0xab, 32);
	assert_int_equal(rcpt_sha256(data, sizeof(data), expected), 0);
	assert_int_equal(rcpt_manifest_leaf(RECEIPT_KIND_SHA256, 1, data + 3, got), 0);
	assert_memory_equal(got, expected, 32);
	assert_int_equal(rcpt_manifest_leaf(0, 1, data + 3, got), -1);
	assert_int_equal(rcpt_manifest_leaf(6, 1, data + 3, got), -1);
}

static void test_sort(void **state)
{
	static const uint8_t a[64] = { 1 }, b[64] = { 2 };
	struct rcpt_leaf leaves[] = {
		leaf(RECEIPT_KIND_SHA384, 1, a, "384"),
		leaf(RECEIPT_KIND_SHA256, 1, b, "second"),
		leaf(RECEIPT_KIND_SHA256, 2, a, "module"),
		leaf(RECEIPT_KIND_SHA256, 1, a, "y"),
		leaf(RECEIPT_KIND_SHA256, 1, a, "xx"),
		leaf(RECEIPT_KIND_SHA256, 1, a, "x"),
		leaf(RECEIPT_KIND_SHA256, 1, b, "first"),
	};

	(void)state;
	assert_int_equal(rcpt_manifest_sort(leaves, 7), 4);
	assert_string_equal(leaves[0].name, "x");
	assert_string_equal(leaves[1].name, "module");
	assert_string_equal(leaves[2].name, "first");
	assert_string_equal(leaves[3].name, "384");
	assert_int_equal(rcpt_manifest_sort(leaves, 0), 0);
}

static void test_tree_proves_every_leaf(void **state)
{
	struct sample_leaves s = sample_leaves(1001, 5);
	uint8_t path[RCPT_MAX_PATH][32], hash[32], root[32], got[32];
	uint8_t (*nodes)[32];
	size_t i;

	(void)state;
	assert_int_equal(rcpt_manifest_tree(s.leaf, s.n, &nodes, root, NULL), 0);
	for (i = 0; i < s.n; i++) {
		int n = rcpt_tree_path((const uint8_t (*)[32])nodes, s.n, i, path);

		assert_in_range(n, 1, 10);
		rcpt_manifest_leaf(s.leaf[i].kind, s.leaf[i].usage, s.leaf[i].digest, hash);
		assert_int_equal(rcpt_rfc9162_root(hash, i, s.n,
						   (const uint8_t (*)[32])path, n, got), 0);
		assert_memory_equal(got, root, 32);
	}
	free(nodes);
	sample_leaves_free(&s);
}

static void test_bounds(void **state)
{
	struct sample_leaves s = sample_leaves(1, 0);
	struct rcpt_error err;
	uint8_t (*nodes)[32];
	uint8_t root[32];

	(void)state;
	assert_int_equal(rcpt_manifest_tree(s.leaf, 0, &nodes, root, &err), -RCPT_MALFORMED);
	assert_int_equal(rcpt_manifest_tree(s.leaf, RCPT_MAX_LEAVES + 1, &nodes, root,
					    &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	s.leaf[0].kind = 9;
	assert_int_equal(rcpt_manifest_tree(s.leaf, 1, &nodes, root, &err), -RCPT_MALFORMED);
	sample_leaves_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf_hash),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_tree_proves_every_leaf),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
