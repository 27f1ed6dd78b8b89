// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: Merkle folds, against trees and paths as RFC 9162 section 2.1 defines
 * them, by recursion, and with another hash than the one the folds call.
 */
#include <crypto/sha2.h>
#include <linux/hex.h>

#include "kunit.h"

#define HASH		RECEIPT_HASH_SIZE
#define LEAVES		33	/* of the largest tree that is made */
#define SIZES		24	/* of the largest tree that is only counted */

struct hash {
	u8 bytes[HASH];
};

static struct hash hash_of(const void *data, size_t len)
{
	struct hash hash;

	sha256(data, len, hash.bytes);

	return hash;
}

static struct hash node_of(struct hash left, struct hash right)
{
	u8 data[1 + 2 * HASH] = { 0x01 };

	memcpy(data + 1, left.bytes, HASH);
	memcpy(data + 1 + HASH, right.bytes, HASH);

	return hash_of(data, sizeof(data));
}

/* The largest power of two smaller than @n. */
static u64 split(u64 n)
{
	return n < 2 ? 0 : 1ULL << (fls64(n - 1) - 1);
}

/* MTH(D_n), from the hashes of the leaves. */
static struct hash tree_hash(const struct hash *leaves, u64 n)
{
	u64 k = split(n);

	if (n == 1)
		return leaves[0];

	return node_of(tree_hash(leaves, k), tree_hash(leaves + k, n - k));
}

/* PATH(m, D_n); its length. */
static u32 tree_path(const struct hash *leaves, u64 m, u64 n, struct hash *path)
{
	u64 k = split(n);
	u32 len;

	if (n == 1)
		return 0;
	if (m < k) {
		len = tree_path(leaves, m, k, path);
		path[len] = tree_hash(leaves + k, n - k);
	} else {
		len = tree_path(leaves + k, m - k, n - k, path);
		path[len] = tree_hash(leaves, k);
	}

	return len + 1;
}

/* On which side the siblings of PATH(m, D_n) are, 1 for left; their number. */
static u32 path_sides(u64 m, u64 n, u8 *left)
{
	u32 len = 0, i;

	/* From the root down, then turned round. */
	for (; n > 1; len++) {
		u64 k = split(n);

		left[len] = m >= k;
		n = left[len] ? n - k : k;
		m -= left[len] ? k : 0;
	}
	for (i = 0; i < len / 2; i++)
		swap(left[i], left[len - 1 - i]);

	return len;
}

static enum receipt_reason fold(struct hash leaf, u64 index, u64 size,
				const struct hash *path, u32 steps,
				struct hash *root)
{
	*root = leaf;

	return receipt_rfc9162_fold(root->bytes, index, size,
				    (const u8 *)path, steps);
}

static bool same(const struct hash *a, const struct hash *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Leaves, or siblings, that all differ. */
static void fill(struct hash *hashes, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		hashes[i] = hash_of(&i, sizeof(i));
}

/*
 * Known answers
 */

/* The leaves and roots that Certificate Transparency has been tested with. */
static const struct {
	u8 len;
	const char *leaf;
	const char *root;	/* of this leaf and those before it */
} known[] = {
	{ 0, "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ 1, "\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ 1, "\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ 2, "\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ 2, "\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ 4, "@ABC", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ 8, "PQRSTUVW", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ 16, "`abcdefghijklmno",
	  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void known_answers(struct kunit *test)
{
	struct hash leaves[ARRAY_SIZE(known)], path[8], root, expected;
	u32 n, i, len;

	for (n = 1; n <= ARRAY_SIZE(known); n++) {
		KUNIT_ASSERT_EQ(test, 0, receipt_merkle_leaf(known[n - 1].leaf,
							     known[n - 1].len,
							     leaves[n - 1].bytes));
		KUNIT_ASSERT_EQ(test, 0, hex2bin(expected.bytes,
						 known[n - 1].root, HASH));
		for (i = 0; i < n; i++) {
			len = tree_path(leaves, i, n, path);
			KUNIT_EXPECT_EQ(test, RECEIPT_REASON_ALLOWED,
					fold(leaves[i], i, n, path, len, &root));
			KUNIT_EXPECT_MEMEQ(test, &root, &expected, HASH);
		}
	}
}

static void leaf(struct kunit *test)
{
	u8 entry[200], prefixed[1 + sizeof(entry)] = { 0x00 };
	struct hash hash, expected;
	size_t len;

	for (len = 0; len < sizeof(entry); len++)
		entry[len] = len;
	memcpy(prefixed + 1, entry, sizeof(entry));
	for (len = 0; len <= sizeof(entry); len++) {
		expected = hash_of(prefixed, 1 + len);
		KUNIT_EXPECT_EQ(test, 0, receipt_merkle_leaf(entry, len, hash.bytes));
		KUNIT_EXPECT_MEMEQ(test, &hash, &expected, HASH);
	}
}

/*
 * RFC 9162
 */

struct grove {
	struct hash leaves[LEAVES];
	struct hash path[RECEIPT_MAX_PATH + 1];
	struct hash root;
};

static struct grove *new_grove(struct kunit *test)
{
	struct grove *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, g);
	fill(g->leaves, LEAVES);

	return g;
}

/* Nothing but the path of this leaf at this index leads to the root. */
static void expect_only(struct kunit *test, struct grove *g, u32 index, u32 n,
			u32 len)
{
	struct hash got;
	u32 i;

	for (i = 0; i <= n; i++) {
		if (i != index && !fold(g->leaves[index], i, n, g->path, len, &got))
			KUNIT_EXPECT_FALSE(test, same(&got, &g->root));
	}
	for (i = 0; i < n; i++) {
		if (i != index && !fold(g->leaves[i], index, n, g->path, len, &got))
			KUNIT_EXPECT_FALSE(test, same(&got, &g->root));
	}
	for (i = 0; i < len; i++) {
		g->path[i].bytes[(n + i) % HASH] ^= 0x10;
		KUNIT_EXPECT_EQ(test, RECEIPT_REASON_ALLOWED,
				fold(g->leaves[index], index, n, g->path, len, &got));
		KUNIT_EXPECT_FALSE(test, same(&got, &g->root));
		g->path[i].bytes[(n + i) % HASH] ^= 0x10;
	}
	for (i = 1; i < len; i++) {
		swap(g->path[i - 1], g->path[i]);
		KUNIT_EXPECT_EQ(test, RECEIPT_REASON_ALLOWED,
				fold(g->leaves[index], index, n, g->path, len, &got));
		KUNIT_EXPECT_FALSE(test, same(&got, &g->root));
		swap(g->path[i - 1], g->path[i]);
	}
}

/* Trees of 1 to LEAVES leaves, and each of their leaves. */
static void every_leaf(struct kunit *test)
{
	struct grove *g = new_grove(test);
	struct hash got;
	u32 n, i, len;

	for (n = 1; n <= LEAVES; n++) {
		g->root = tree_hash(g->leaves, n);
		for (i = 0; i < n; i++) {
			len = tree_path(g->leaves, i, n, g->path);
			KUNIT_ASSERT_EQ(test, RECEIPT_REASON_ALLOWED,
					fold(g->leaves[i], i, n, g->path, len, &got));
			KUNIT_ASSERT_MEMEQ(test, &got, &g->root, HASH);
			expect_only(test, g, i, n, len);
		}
		cond_resched();
	}
}

/* A path of any length: accepted when it has the one that belongs there. */
static void expect_fold(struct kunit *test, struct grove *g, u64 index, u64 size,
			u32 steps)
{
	struct hash got, expected = g->leaves[0];
	u8 left[RECEIPT_MAX_PATH];
	bool right;
	u32 i;

	right = index < size && path_sides(index, size, left) == steps;
	KUNIT_ASSERT_EQ_MSG(test, right ? RECEIPT_REASON_ALLOWED :
					  RECEIPT_REASON_PROOF,
			    fold(g->leaves[0], index, size, g->path, steps, &got),
			    "leaf %llu of %llu, %u steps", index, size, steps);
	if (!right)
		return;
	for (i = 0; i < steps; i++)
		expected = left[i] ? node_of(g->path[i], expected) :
				     node_of(expected, g->path[i]);
	KUNIT_ASSERT_MEMEQ_MSG(test, &got, &expected, HASH,
			       "leaf %llu of %llu, %u steps", index, size, steps);
}

static void every_length(struct kunit *test)
{
	struct grove *g = new_grove(test);
	u32 index, size, steps;

	fill(g->path, ARRAY_SIZE(g->path));
	for (size = 0; size <= SIZES; size++)
		for (index = 0; index <= size + 1; index++)
			for (steps = 0; steps <= 8; steps++)
				expect_fold(test, g, index, size, steps);
}

/* Where numbers end: paths as long as they get. */
static void large_trees(struct kunit *test)
{
	static const u64 sizes[] = {
		0, 1, 2, U32_MAX, 1ULL << 32, (1ULL << 32) + 1, S64_MAX,
		1ULL << 63, (1ULL << 63) + 1, U64_MAX - 1, U64_MAX,
	};
	struct grove *g = new_grove(test);
	u8 left[RECEIPT_MAX_PATH];
	size_t i, j;
	u32 steps;

	fill(g->path, ARRAY_SIZE(g->path));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const u64 indexes[] = {
			0, 1, sizes[i] / 2, sizes[i] / 3, sizes[i] - 2,
			sizes[i] - 1, sizes[i], sizes[i] + 1, U64_MAX,
		};

		for (j = 0; j < ARRAY_SIZE(indexes); j++)
			for (steps = 0; steps <= RECEIPT_MAX_PATH; steps++)
				expect_fold(test, g, indexes[j], sizes[i], steps);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, path_sides(0, U64_MAX, left), RECEIPT_MAX_PATH);
}

/*
 * CCF
 */

static struct hash ccf_root(struct hash hash, const u8 *left,
			    const struct hash *path, u32 steps)
{
	u8 pair[2 * HASH];
	u32 i;

	for (i = 0; i < steps; i++) {
		memcpy(pair, left[i] ? &path[i] : &hash, HASH);
		memcpy(pair + HASH, left[i] ? &hash : &path[i], HASH);
		hash = hash_of(pair, sizeof(pair));
	}

	return hash;
}

static enum receipt_reason ccf_fold(struct hash leaf, const u8 *left,
				    const struct hash *path, u32 steps,
				    struct hash *root)
{
	*root = leaf;

	return receipt_ccf_fold(root->bytes, left, (const u8 *)path, steps);
}

/* All sides of short paths; another side leads elsewhere. */
static void ccf_sides(struct kunit *test)
{
	struct grove *g = new_grove(test);
	u32 steps, sides, i;
	u8 left[6];

	fill(g->path, ARRAY_SIZE(g->path));
	for (steps = 1; steps <= ARRAY_SIZE(left); steps++) {
		for (sides = 0; sides < BIT(steps); sides++) {
			struct hash got, expected;

			for (i = 0; i < steps; i++)
				left[i] = (sides >> i) & 1;
			expected = ccf_root(g->leaves[9], left, g->path, steps);
			KUNIT_ASSERT_EQ(test, RECEIPT_REASON_ALLOWED,
					ccf_fold(g->leaves[9], left, g->path,
						 steps, &got));
			KUNIT_ASSERT_MEMEQ(test, &got, &expected, HASH);
			left[sides % steps] ^= 1;
			KUNIT_ASSERT_EQ(test, RECEIPT_REASON_ALLOWED,
					ccf_fold(g->leaves[9], left, g->path,
						 steps, &got));
			KUNIT_ASSERT_FALSE(test, same(&got, &expected));
		}
	}
}

static void ccf_longest(struct kunit *test)
{
	struct grove *g = new_grove(test);
	u8 left[RECEIPT_MAX_PATH];
	struct hash expected;
	u32 i;

	fill(g->path, ARRAY_SIZE(g->path));
	for (i = 0; i < sizeof(left); i++)
		left[i] = i % 3 == 1;
	expected = ccf_root(g->leaves[0], left, g->path, sizeof(left));
	KUNIT_EXPECT_EQ(test, RECEIPT_REASON_ALLOWED,
			ccf_fold(g->leaves[0], left, g->path, sizeof(left),
				 &g->root));
	KUNIT_EXPECT_MEMEQ(test, &g->root, &expected, HASH);
}

/* A leaf alone is no tree, and a side is 0 or 1. */
static void ccf_refused(struct kunit *test)
{
	static const u8 bad[] = { 2, 3, 0x80, 0xff };
	struct grove *g = new_grove(test);
	u8 left[4] = { 1, 0, 1, 0 };
	u32 i, step;

	KUNIT_EXPECT_EQ(test, RECEIPT_REASON_PROOF,
			ccf_fold(g->leaves[0], left, g->path, 0, &g->root));
	for (step = 0; step < ARRAY_SIZE(left); step++) {
		u8 good = left[step];

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			left[step] = bad[i];
			KUNIT_EXPECT_EQ(test, RECEIPT_REASON_PROOF,
					ccf_fold(g->leaves[0], left, g->path,
						 ARRAY_SIZE(left), &g->root));
		}
		left[step] = good;
	}
	KUNIT_EXPECT_EQ(test, RECEIPT_REASON_ALLOWED,
			ccf_fold(g->leaves[0], left, g->path, ARRAY_SIZE(left),
				 &g->root));
}

static struct kunit_case merkle_cases[] = {
	KUNIT_CASE(known_answers),
	KUNIT_CASE(leaf),
	KUNIT_CASE_SLOW(every_leaf),
	KUNIT_CASE_SLOW(every_length),
	KUNIT_CASE_SLOW(large_trees),
	KUNIT_CASE(ccf_sides),
	KUNIT_CASE(ccf_longest),
	KUNIT_CASE(ccf_refused),
	{}
};

static struct kunit_suite merkle_suite = {
	.name = "receipt_merkle",
	.init = receipt_kunit_init,
	.test_cases = merkle_cases,
};

kunit_test_suite(merkle_suite);
