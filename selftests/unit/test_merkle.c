// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "merkle.h"
#include "receipt.h"

#define MAX_LEAVES	64

/* The leaves and roots that Certificate Transparency has been tested with. */
static const char *const ct_leaves[] = {
	"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
	"606162636465666768696a6b6c6d6e6f",
};

static const char *const ct_roots[] = {
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = byte;
	}
	return n;
}

/* MTH as RFC 9162 2.1.1 defines it, by recursion. */
static void mth(const uint8_t (*leaves)[32], size_t n, uint8_t out[32])
{
	uint8_t left[32], right[32];
	size_t k = 1;

	if (n == 1) {
		memcpy(out, leaves[0], 32);
		return;
	}
	while (2 * k < n)
		k *= 2;
	mth(leaves, k, left);
	mth(leaves + k, n - k, right);
	assert_int_equal(rcpt_node_hash(left, right, out), 0);
}

/* A tree of @n leaves that hold their own number. */
static uint8_t (*number_tree(size_t n))[32]
{
	uint8_t (*nodes)[32] = calloc(rcpt_tree_nodes(n), 32);
	size_t i;

	assert_non_null(nodes);
	for (i = 0; i < n; i++)
		assert_int_equal(rcpt_leaf_hash(&i, sizeof(i), nodes[i]), 0);
	assert_int_equal(rcpt_tree_fill(nodes, n), 0);
	return nodes;
}

static void test_known_answers(void **state)
{
	uint8_t data[32], expected[32];
	uint8_t nodes[16][32];
	size_t n, i;

	(void)state;
	for (n = 1; n <= 8; n++) {
		for (i = 0; i < n; i++) {
			size_t len = unhex(ct_leaves[i], data);

			assert_int_equal(rcpt_leaf_hash(data, len, nodes[i]), 0);
		}
		assert_int_equal(rcpt_tree_fill(nodes, n), 0);
		unhex(ct_roots[n - 1], expected);
		assert_memory_equal(nodes[rcpt_tree_nodes(n) - 1], expected, 32);
	}
}

static void test_fill_is_mth(void **state)
{
	uint8_t expected[32];
	size_t n;

	(void)state;
	for (n = 1; n <= MAX_LEAVES; n++) {
		uint8_t (*nodes)[32] = number_tree(n);

		mth((const uint8_t (*)[32])nodes, n, expected);
		assert_memory_equal(nodes[rcpt_tree_nodes(n) - 1], expected, 32);
		free(nodes);
	}
}

static void try_wrong(const uint8_t (*nodes)[32], size_t n, size_t index,
		      uint8_t (*path)[32], size_t npath)
{
	const uint8_t *root = nodes[rcpt_tree_nodes(n) - 1];
	const uint8_t (*cpath)[32] = (const uint8_t (*)[32])path;
	uint8_t got[32];
	size_t i, other;

	assert_int_equal(rcpt_rfc9162_root(nodes[index], n, n, cpath, npath, got), -1);
	assert_int_equal(rcpt_rfc9162_root(nodes[index], index, 0, cpath, npath, got), -1);
	assert_int_equal(rcpt_rfc9162_root(nodes[index], index, n, cpath, npath + 1, got), -1);
	if (npath)
		assert_int_equal(rcpt_rfc9162_root(nodes[index], index, n, cpath,
						   npath - 1, got), -1);
	for (other = 0; other < n; other++)
		if (other != index &&
		    !rcpt_rfc9162_root(nodes[index], other, n, cpath, npath, got))
			assert_memory_not_equal(got, root, 32);
	for (i = 0; i < npath; i++) {
		path[i][i % 32] ^= 0x40;
		assert_int_equal(rcpt_rfc9162_root(nodes[index], index, n, cpath, npath, got), 0);
		assert_memory_not_equal(got, root, 32);
		path[i][i % 32] ^= 0x40;
	}
}

static void test_every_path(void **state)
{
	uint8_t path[RCPT_MAX_PATH + 1][32];
	uint8_t got[32];
	size_t n, index;

	(void)state;
	memset(path, 0, sizeof(path));
	for (n = 1; n <= MAX_LEAVES; n++) {
		uint8_t (*nodes)[32] = number_tree(n);
		const uint8_t (*cnodes)[32] = (const uint8_t (*)[32])nodes;

		for (index = 0; index < n; index++) {
			int npath = rcpt_tree_path(cnodes, n, index, path);

			assert_in_range(npath, 0, 6);
			assert_int_equal(rcpt_rfc9162_root(nodes[index], index, n,
							   (const uint8_t (*)[32])path,
							   npath, got), 0);
			assert_memory_equal(got, nodes[rcpt_tree_nodes(n) - 1], 32);
			try_wrong(cnodes, n, index, path, npath);
		}
		assert_int_equal(rcpt_tree_path(cnodes, n, n, path), -1);
		free(nodes);
	}
}

/* Sizes near 2^64 are walked without overflow. */
static void test_huge_sizes(void **state)
{
	static const uint8_t path[RCPT_MAX_PATH + 1][32];
	static const uint8_t leaf[32];
	uint8_t root[32];

	(void)state;
	assert_int_equal(rcpt_rfc9162_root(leaf, 0, UINT64_MAX, path, 64, root), 0);
	assert_int_equal(rcpt_rfc9162_root(leaf, 0, UINT64_MAX, path, 63, root), -1);
	assert_int_equal(rcpt_rfc9162_root(leaf, 0, UINT64_MAX, path, 65, root), -1);
	assert_int_equal(rcpt_rfc9162_root(leaf, UINT64_MAX, UINT64_MAX, path, 64, root), -1);
	assert_int_equal(rcpt_rfc9162_root(leaf, UINT64_MAX - 1, UINT64_MAX, path, 63, root), 0);
	assert_int_equal(rcpt_rfc9162_root(leaf, 1ULL << 63, (1ULL << 63) + 1, path, 1, root), 0);
	assert_int_equal(rcpt_rfc9162_root(leaf, 1ULL << 63, (1ULL << 63) + 1, path, 0, root), -1);
	assert_int_equal(rcpt_rfc9162_root(leaf, 1ULL << 63, (1ULL << 63) + 1, path, 2, root), -1);
}

static void test_empty(void **state)
{
	uint8_t path[RCPT_MAX_PATH][32];
	uint8_t nodes[1][32] = { { 0 } };

	(void)state;
	assert_int_equal(rcpt_tree_nodes(0), 0);
	assert_int_equal(rcpt_tree_fill(nodes, 0), -1);
	assert_int_equal(rcpt_tree_path((const uint8_t (*)[32])nodes, 0, 0, path), -1);
	assert_int_equal(rcpt_leaf_hash(path, 257, nodes[0]), -1);
}

static void test_ccf(void **state)
{
	static const uint8_t path[RCPT_MAX_PATH + 1][32] = { { 1 }, { 2 } };
	uint8_t left[RCPT_MAX_PATH + 1] = { 1, 0 };
	uint8_t leaf[32] = { 7 }, in[64], expected[32], got[32];

	(void)state;
	memcpy(in, path[0], 32);
	memcpy(in + 32, leaf, 32);
	assert_int_equal(rcpt_sha256(in, 64, expected), 0);
	memcpy(in, expected, 32);
	memcpy(in + 32, path[1], 32);
	assert_int_equal(rcpt_sha256(in, 64, expected), 0);

	assert_int_equal(rcpt_ccf_root(leaf, left, path, 2, got), 0);
	assert_memory_equal(got, expected, 32);
	assert_int_equal(rcpt_ccf_root(leaf, left, path, 0, got), 0);
	assert_memory_equal(got, leaf, 32);
	assert_int_equal(rcpt_ccf_root(leaf, left, path, 65, got), -1);
	left[1] = 2;
	assert_int_equal(rcpt_ccf_root(leaf, left, path, 2, got), -1);
}

/* Consistency proofs as RFC 9162 2.1.4.1 defines them, by recursion. */
static size_t subproof(const uint8_t (*leaves)[32], size_t m, size_t n, bool whole,
		       uint8_t (*out)[32])
{
	size_t k = 1, used;

	if (m == n) {
		if (!whole)
			mth(leaves, n, out[0]);
		return !whole;
	}
	while (2 * k < n)
		k *= 2;
	if (m <= k) {
		used = subproof(leaves, m, k, whole, out);
		mth(leaves + k, n - k, out[used]);
	} else {
		used = subproof(leaves + k, m - k, n - k, false, out);
		mth(leaves, k, out[used]);
	}
	return used + 1;
}

static void spoil_consistency(size_t m, size_t n, const uint8_t older[32], uint8_t (*path)[32],
			      size_t used, const uint8_t newer[32])
{
	uint8_t got[32];
	size_t i;

	assert_int_equal(rcpt_rfc9162_consistency(m, n, older, path, used + 1, got), -1);
	if (used)
		assert_int_equal(rcpt_rfc9162_consistency(m, n, older, path, used - 1, got), -1);
	for (i = 0; i < used; i++) {
		path[i][0] ^= 1;
		if (!rcpt_rfc9162_consistency(m, n, older, path, used, got))
			assert_memory_not_equal(got, newer, 32);
		path[i][0] ^= 1;
	}
}

static void test_every_consistency(void **state)
{
	uint8_t leaves[MAX_LEAVES][32], path[MAX_LEAVES][32] = { { 0 } }, older[32], newer[32], got[32];
	size_t m, n, used;

	(void)state;
	for (n = 0; n < MAX_LEAVES; n++)
		assert_int_equal(rcpt_leaf_hash(&n, sizeof(n), leaves[n]), 0);
	for (n = 1; n <= MAX_LEAVES; n++) {
		mth(leaves, n, newer);
		for (m = 1; m <= n; m++) {
			mth(leaves, m, older);
			used = subproof(leaves, m, n, true, path);
			assert_int_equal(rcpt_rfc9162_consistency(m, n, older, path, used, got), 0);
			assert_memory_equal(got, newer, 32);
			spoil_consistency(m, n, older, path, used, newer);
		}
	}
	assert_int_equal(rcpt_rfc9162_consistency(0, 0, older, path, 0, got), -1);
	assert_int_equal(rcpt_rfc9162_consistency(0, 1, older, path, 1, got), -1);
	assert_int_equal(rcpt_rfc9162_consistency(2, 1, older, path, 1, got), -1);
	assert_int_equal(rcpt_rfc9162_consistency(1ULL << 63, UINT64_MAX, older, path, 1, got), 0);
	assert_int_equal(rcpt_rfc9162_consistency(1ULL << 63, UINT64_MAX, older, path, 2, got), -1);
}

/* Anchor, then the sides that the CCF profile calls R and L. */
static void test_ccf_consistency(void **state)
{
	static const uint8_t anchor[32] = { 1 }, path[3][32] = { { 2 }, { 3 }, { 4 } };
	const uint8_t rl[] = { 0, 1, 0 }, lr[] = { 1, 0, 0 };
	uint8_t in[64], older[32], newer[32], want[32];

	(void)state;
	assert_int_equal(rcpt_ccf_consistency(anchor, rl, path, 3, older, newer), 0);
	assert_int_equal(rcpt_ccf_root(anchor, rl, path, 3, want), 0);
	assert_memory_equal(newer, want, 32);
	memcpy(in, path[1], 32);
	memcpy(in + 32, anchor, 32);
	assert_int_equal(rcpt_sha256(in, 64, want), 0);
	assert_memory_equal(older, want, 32);
	assert_int_equal(rcpt_ccf_consistency(anchor, lr, path, 3, older, newer), -1);
	assert_int_equal(rcpt_ccf_consistency(anchor, rl, path, 0, older, newer), -1);
	assert_int_equal(rcpt_ccf_consistency(anchor, rl, path, 65, older, newer), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_fill_is_mth),
		cmocka_unit_test(test_every_path),
		cmocka_unit_test(test_huge_sizes),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ccf),
		cmocka_unit_test(test_every_consistency),
		cmocka_unit_test(test_ccf_consistency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
