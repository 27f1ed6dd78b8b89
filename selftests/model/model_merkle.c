// SPDX-License-Identifier: MIT
/*
 * Merkle folds: every index, size and path length of small trees, and those at the
 * ends of what a u64 holds, against the recursive definition of RFC 9162.
 */
#include <openssl/evp.h>

#include "model.h"

#define LEAVES	64
#define STEPS	65	/* one more than any tree has */
#define HASH	RECEIPT_HASH_SIZE

/* Which of the hashes from now on fails; 0 when none does. */
static unsigned int failing_hash;

int receipt_sha256(const struct receipt_span *spans, size_t n, u8 out[HASH])
{
	static EVP_MD_CTX *ctx;
	static EVP_MD *md;
	size_t i;

	if (failing_hash && !--failing_hash)
		return -ENOMEM;
	if (!ctx) {
		ctx = EVP_MD_CTX_new();
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	if (!EVP_DigestInit_ex2(ctx, md, NULL))
		abort();
	for (i = 0; i < n; i++)
		if (!EVP_DigestUpdate(ctx, spans[i].data, spans[i].len))
			abort();
	if (!EVP_DigestFinal_ex(ctx, out, NULL))
		abort();
	return 0;
}

static void sha256_of(const char *prefix, size_t prefix_len, const u8 *a, const u8 *b, u8 *out)
{
	struct receipt_span spans[] = { { prefix, prefix_len }, { a, HASH }, { b, HASH } };

	receipt_sha256(spans, b ? 3 : 2, out);
}

static void node(const u8 *left, const u8 *right, u8 *out)
{
	sha256_of("\1", 1, left, right, out);
}

/* The largest power of two that is smaller than @n. */
static u64 split(u64 n)
{
	u64 k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

/*
 * RFC 9162 section 2.1.3.1: which way the path of leaf @m of @n leaves goes, from the
 * leaf up; 'L' where the sibling is on the left. Returns its length.
 */
static u32 path_sides(u64 m, u64 n, char *sides)
{
	u64 k;
	u32 len;

	if (n == 1)
		return 0;
	k = split(n);
	len = m < k ? path_sides(m, k, sides) : path_sides(m - k, n - k, sides);
	sides[len] = m < k ? 'R' : 'L';
	return len + 1;
}

static void fold_sides(u8 *hash, const char *sides, const u8 *path, u32 steps)
{
	for (u32 i = 0; i < steps; i++, path += HASH) {
		if (sides[i] == 'L')
			node(path, hash, hash);
		else
			node(hash, path, hash);
	}
}

static struct room path_room, left_room;
static u8 leaf[HASH];

/* @steps siblings, all of them different, at the end of what may be read. */
static u8 *make_path(u32 steps)
{
	u8 *path = at_end(&path_room, steps * HASH);

	for (u32 i = 0; i < steps * HASH; i++)
		path[i] = i / HASH * 3 + i % HASH + 1;
	return path;
}

static bool fold_is_right(u64 index, u64 size, u32 steps)
{
	u8 expected[HASH], hash[HASH];
	enum receipt_reason reason;
	const u8 *path = make_path(steps);
	char sides[STEPS];
	bool fits = index < size && path_sides(index, size, sides) == steps;

	memcpy(hash, leaf, HASH);
	allow_steps(500 + 20 * steps);
	reason = receipt_rfc9162_fold(hash, index, size, path, steps);
	count_case();
	if (reason != (fits ? RECEIPT_REASON_ALLOWED : RECEIPT_REASON_PROOF))
		return fail("index %llu of %llu, %u steps: reason %d", index, size, steps, reason);
	if (!fits)
		return true;
	memcpy(expected, leaf, HASH);
	fold_sides(expected, sides, path, steps);
	if (memcmp(hash, expected, HASH))
		return fail("index %llu of %llu: another root", index, size);
	return true;
}

static bool every_shape(void)
{
	for (u64 size = 0; size <= LEAVES + 2; size++)
		for (u64 index = 0; index <= size + 2; index++)
			for (u32 steps = 0; steps <= 9; steps++)
				if (!fold_is_right(index, size, steps))
					return false;
	return true;
}

/* Around every power of two, for both numbers, up to the last u64. */
static bool every_magnitude(void)
{
	u64 numbers[64 * 3];
	size_t n = 0;

	for (int bit = 0; bit < 64; bit++)
		for (int d = -1; d <= 1; d++)
			numbers[n++] = (1ULL << bit) + d;
	numbers[n - 1] = U64_MAX;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++)
			for (u32 steps = 0; steps <= STEPS; steps += steps % 8 == 2 ? 5 : 1)
				if (!fold_is_right(numbers[i], numbers[j], steps))
					return false;
		/* The last leaf, and the one after it. */
		for (u32 steps = 0; steps <= STEPS; steps++)
			if (!fold_is_right(numbers[i] - 1, numbers[i], steps) ||
			    !fold_is_right(numbers[i], numbers[i], steps))
				return false;
	}
	return true;
}

/*
 * Trees
 */

static u8 leaves[LEAVES][HASH];

static void make_leaves(void)
{
	for (unsigned int i = 0; i < LEAVES; i++) {
		u8 entry[HASH] = { i };

		sha256_of("\0", 1, entry, NULL, leaves[i]);
	}
}

/* MTH of RFC 9162 section 2.1.1. */
static void tree_hash(const u8 (*leaf_hashes)[HASH], u64 n, u8 *out)
{
	u8 left[HASH], right[HASH];

	if (n == 1) {
		memcpy(out, leaf_hashes[0], HASH);
		return;
	}
	tree_hash(leaf_hashes, split(n), left);
	tree_hash(leaf_hashes + split(n), n - split(n), right);
	node(left, right, out);
}

/* PATH of RFC 9162 section 2.1.3.1; returns its length. */
static u32 tree_path(u64 m, const u8 (*leaf_hashes)[HASH], u64 n, u8 *path)
{
	u64 k;
	u32 len;

	if (n == 1)
		return 0;
	k = split(n);
	if (m < k) {
		len = tree_path(m, leaf_hashes, k, path);
		tree_hash(leaf_hashes + k, n - k, path + len * HASH);
	} else {
		len = tree_path(m - k, leaf_hashes + k, n - k, path);
		tree_hash(leaf_hashes, k, path + len * HASH);
	}
	return len + 1;
}

static bool leads_to(const u8 *from, u64 index, u64 size, const u8 *path, u32 steps,
		     const u8 *root)
{
	u8 hash[HASH];

	memcpy(hash, from, HASH);
	allow_steps(500 + 20 * steps);
	count_case();
	return !receipt_rfc9162_fold(hash, index, size, path, steps) &&
	       !memcmp(hash, root, HASH);
}

/* No other leaf, place or sibling leads to the root. */
static bool only_this_path(u64 m, u64 n, u8 *path, u32 steps, const u8 *root)
{
	for (u64 i = 0; i < n; i++) {
		if (i != m && leads_to(leaves[i], m, n, path, steps, root))
			return fail("leaf %llu with the path of %llu of %llu", i, m, n);
		if (i != m && leads_to(leaves[m], i, n, path, steps, root))
			return fail("leaf %llu of %llu as leaf %llu", m, n, i);
	}
	for (u32 byte = 0; byte < steps * HASH; byte++) {
		path[byte] ^= 1 << byte % 8;
		if (leads_to(leaves[m], m, n, path, steps, root))
			return fail("leaf %llu of %llu with byte %u changed", m, n, byte);
		path[byte] ^= 1 << byte % 8;
	}
	for (u32 len = 0; len < steps; len++)
		if (leads_to(leaves[m], m, n, path + (steps - len) * HASH, len, root) ||
		    leads_to(leaves[m], m, n, path, len, root))
			return fail("leaf %llu of %llu with %u steps", m, n, len);
	return true;
}

static bool every_tree(void)
{
	u8 path[STEPS * HASH], root[HASH];

	for (u64 n = 1; n <= LEAVES; n++) {
		tree_hash(leaves, n, root);
		for (u64 m = 0; m < n; m++) {
			u32 steps = tree_path(m, leaves, n, path);
			u8 *read = memcpy(at_end(&path_room, steps * HASH), path, steps * HASH);

			if (!leads_to(leaves[m], m, n, read, steps, root))
				return fail("leaf %llu of %llu does not lead to the root", m, n);
			if (!only_this_path(m, n, read, steps, root))
				return false;
		}
	}
	return true;
}

/*
 * Positions: the same leaf and siblings under every index and size. Equal roots are
 * what whoever brings a receipt can choose among.
 */

#define SIZES	300

static struct place {
	u8 root[HASH];
	u64 index;
	u64 size;
} places[SIZES * SIZES / 2];

static int by_root(const void *a, const void *b)
{
	return memcmp(a, b, HASH);
}

static size_t find_places(void)
{
	size_t n = 0;

	for (u64 size = 1; size < SIZES; size++)
		for (u64 index = 0; index < size; index++)
			for (u32 steps = 0; steps <= 9; steps++) {
				struct place *p = &places[n];

				memcpy(p->root, leaf, HASH);
				p->index = index;
				p->size = size;
				allow_steps(1000);
				n += !receipt_rfc9162_fold(p->root, index, size,
							   make_path(steps), steps);
			}
	qsort(places, n, sizeof(places[0]), by_root);
	return n;
}

/* What the log signed for @honest, and a receipt that says @edited. */
static bool believed_is_right(const struct place *honest, const struct place *edited)
{
	struct receipt_claims claims = { .has_size = true, .size = honest->size };
	bool same = honest == edited;
	u64 position;

	allow_steps(20);
	count_case();
	if (receipt_claims_position(&claims, edited->index, edited->size, &position) !=
	    (same ? RECEIPT_REASON_ALLOWED : RECEIPT_REASON_TREE_SIZE) ||
	    position != (same ? edited->index : 0))
		return fail("%llu of %llu as %llu of %llu", honest->index, honest->size,
			    edited->index, edited->size);
	claims.has_size = false;
	if (receipt_claims_position(&claims, edited->index, edited->size, &position) || position)
		return fail("%llu of %llu: not signed, and it has a position", edited->index,
			    edited->size);
	return true;
}

static bool every_position(void)
{
	size_t n = find_places(), edited = 0;

	if (n != (SIZES - 1) * SIZES / 2)
		return fail("%zu places", n);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && !by_root(&places[i], &places[end]); end++)
			;
		edited += end - i - 1;
		for (size_t a = i; a < end; a++)
			for (size_t b = i; b < end; b++)
				if (!believed_is_right(&places[a], &places[b]))
					return false;
	}
	/* Control: without the signed size there is much to choose among. */
	return edited > n / 2 ? true : fail("only %zu of %zu places have another's root", edited, n);
}

static bool leaf_hash(void)
{
	for (size_t len = 0; len <= 130; len++) {
		struct room room = room_of(len ?: 1);
		u8 *data = memset(at_end(&room, len), 0xa5, len), text[131] = { 0 };
		u8 hash[HASH], expected[HASH];

		memcpy(text + 1, data, len);
		allow_steps(100);
		count_case();
		if (receipt_merkle_leaf(data, len, hash))
			return fail("no hash of %zu bytes", len);
		receipt_sha256(&(struct receipt_span){ text, 1 + len }, 1, expected);
		if (memcmp(hash, expected, HASH))
			return fail("another hash of %zu bytes", len);
		free(room.start);
	}
	return true;
}

/*
 * CCF
 */

static bool ccf_is_right(const u8 *sides, u32 steps)
{
	u8 *left = memcpy(at_end(&left_room, steps), sides, steps);
	u8 hash[HASH], expected[HASH];
	const u8 *path = make_path(steps);
	enum receipt_reason reason;
	bool fits = steps;

	memcpy(hash, leaf, HASH);
	memcpy(expected, leaf, HASH);
	for (u32 i = 0; i < steps; i++) {
		const u8 *sibling = path + i * HASH;

		fits = fits && (sides[i] == 0 || sides[i] == 1);
		sha256_of("", 0, sides[i] ? sibling : expected, sides[i] ? expected : sibling,
			  expected);
	}
	allow_steps(500 + 20 * steps);
	reason = receipt_ccf_fold(hash, left, path, steps);
	count_case();
	if (reason != (fits ? RECEIPT_REASON_ALLOWED : RECEIPT_REASON_PROOF))
		return fail("%u steps: reason %d", steps, reason);
	if (fits && memcmp(hash, expected, HASH))
		return fail("%u steps: another root", steps);
	return true;
}

/* Every way of up to 10 steps, with 2 for a side that there is not. */
static bool every_ccf_path(void)
{
	u8 sides[10];
	u32 all = 1;

	for (u32 steps = 0; steps <= 10; steps++, all *= 3)
		for (u32 way = 0; way < all; way++) {
			for (u32 i = 0, rest = way; i < steps; i++, rest /= 3)
				sides[i] = rest % 3;
			if (!ccf_is_right(sides, steps))
				return false;
		}
	return true;
}

/* Every length, with every value of a byte in every place. */
static bool every_ccf_side(void)
{
	for (u32 steps = 1; steps <= RECEIPT_MAX_PATH; steps += steps < 4 ? 1 : 20)
		for (u32 i = 0; i < steps; i++)
			for (u32 value = 0; value <= 255; value++) {
				u8 sides[RECEIPT_MAX_PATH] = { 1, 0, 1 };

				sides[i] = value;
				if (!ccf_is_right(sides, steps))
					return false;
			}
	return true;
}

/* A hash that fails, whichever, is not a proof. */
static bool every_failure(void)
{
	u8 path[STEPS * HASH], left[STEPS] = { 0 }, hash[HASH];

	for (u64 n = 2; n <= LEAVES; n++) {
		u32 steps = tree_path(n / 2, leaves, n, path);

		for (u32 i = 1; i <= steps; i++) {
			memcpy(hash, leaves[n / 2], HASH);
			allow_steps(1000);
			count_case();
			failing_hash = i;
			if (receipt_rfc9162_fold(hash, n / 2, n, path, steps) !=
			    RECEIPT_REASON_PROOF || failing_hash)
				return fail("%llu leaves: hash %u of %u failed", n, i, steps);
			failing_hash = i;
			if (receipt_ccf_fold(hash, left, path, steps) != RECEIPT_REASON_PROOF ||
			    failing_hash)
				return fail("CCF: hash %u of %u failed", i, steps);
		}
	}
	failing_hash = 1;
	return receipt_merkle_leaf("", 0, hash) ? true : fail("leaf: hash failed");
}

int main(void)
{
	path_room = room_of(STEPS * HASH);
	left_room = room_of(STEPS);
	memset(leaf, 0x5a, HASH);
	make_leaves();

	run_test("RFC 9162: index, size and path length", every_shape);
	run_test("RFC 9162: numbers of any magnitude", every_magnitude);
	run_test("RFC 9162: trees of up to 64 leaves, and nothing else", every_tree);
	run_test("RFC 9162: no position but the one that is signed", every_position);
	run_test("RFC 9162: hash of a leaf", leaf_hash);
	run_test("CCF: every way", every_ccf_path);
	run_test("CCF: every side", every_ccf_side);
	run_test("a hash that fails", every_failure);

	return finish();
}
