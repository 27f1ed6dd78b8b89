// SPDX-License-Identifier: MIT
/*
 * Merkle trees over SHA-256.
 */
#include "merkle.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#define LEAF_PREFIX	0x00
#define NODE_PREFIX	0x01
#define LEAF_DATA_MAX	256

static int sha256(const void *data, size_t len, uint8_t out[32])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

int rcpt_leaf_hash(const void *data, size_t len, uint8_t out[32])
{
	uint8_t in[1 + LEAF_DATA_MAX] = { LEAF_PREFIX };

	if (len > LEAF_DATA_MAX)
		return -1;
	memcpy(in + 1, data, len);
	return sha256(in, 1 + len, out);
}

int rcpt_node_hash(const uint8_t left[32], const uint8_t right[32],
		   uint8_t out[32])
{
	uint8_t in[1 + 64] = { NODE_PREFIX };

	memcpy(in + 1, left, 32);
	memcpy(in + 33, right, 32);
	return sha256(in, sizeof(in), out);
}

int rcpt_rfc9162_root(const uint8_t leaf[32], uint64_t index, uint64_t size,
		      const uint8_t (*path)[32], size_t n, uint8_t root[32])
{
	uint64_t last = size - 1;
	uint8_t hash[32];
	size_t i;
	int rc;

	if (index >= size)
		return -1;
	memcpy(hash, leaf, 32);
	for (i = 0; i < n; i++) {
		if (!last)
			return -1;
		if ((index & 1) || index == last) {
			rc = rcpt_node_hash(path[i], hash, hash);
			/* Levels on which this node has no sibling. */
			while (!(index & 1) && index) {
				index >>= 1;
				last >>= 1;
			}
		} else {
			rc = rcpt_node_hash(hash, path[i], hash);
		}
		if (rc)
			return -1;
		index >>= 1;
		last >>= 1;
	}
	if (last)
		return -1;
	memcpy(root, hash, 32);
	return 0;
}

int rcpt_ccf_root(const uint8_t leaf[32], const uint8_t *left,
		  const uint8_t (*path)[32], size_t n, uint8_t root[32])
{
	uint8_t in[64];
	uint8_t hash[32];
	size_t i;

	if (n > RCPT_MAX_PATH)
		return -1;
	memcpy(hash, leaf, 32);
	for (i = 0; i < n; i++) {
		if (left[i] > 1)
			return -1;
		memcpy(left[i] ? in : in + 32, path[i], 32);
		memcpy(left[i] ? in + 32 : in, hash, 32);
		if (sha256(in, sizeof(in), hash))
			return -1;
	}
	memcpy(root, hash, 32);
	return 0;
}

/* Where two trees of different sizes grow together. */
struct two_roots {
	uint64_t fn;
	uint64_t sn;
	uint8_t fr[32];
	uint8_t sr[32];
};

static int consistency_step(struct two_roots *t, const uint8_t c[32])
{
	if (!t->sn)
		return -1;
	if (!(t->fn & 1) && t->fn != t->sn) {
		if (rcpt_node_hash(t->sr, c, t->sr))
			return -1;
	} else {
		if (rcpt_node_hash(c, t->fr, t->fr) || rcpt_node_hash(c, t->sr, t->sr))
			return -1;
		while (!(t->fn & 1) && t->fn) {
			t->fn >>= 1;
			t->sn >>= 1;
		}
	}
	t->fn >>= 1;
	t->sn >>= 1;
	return 0;
}

int rcpt_rfc9162_consistency(uint64_t first, uint64_t second, const uint8_t older[32],
			     const uint8_t (*path)[32], size_t n, uint8_t newer[32])
{
	bool whole = first && !(first & (first - 1));
	struct two_roots t = { .fn = first - 1, .sn = second - 1 };
	size_t i;

	if (!first || first > second || (first == second ? n : !n))
		return -1;
	if (first == second) {
		memcpy(newer, older, 32);
		return 0;
	}
	/* The root of a tree that is whole is a node of the later one. */
	memcpy(t.fr, whole ? older : path[0], 32);
	memcpy(t.sr, t.fr, 32);
	while (t.fn & 1) {
		t.fn >>= 1;
		t.sn >>= 1;
	}
	for (i = !whole; i < n; i++)
		if (consistency_step(&t, path[i]))
			return -1;
	if (t.sn || memcmp(t.fr, older, 32))
		return -1;
	memcpy(newer, t.sr, 32);
	return 0;
}

int rcpt_ccf_consistency(const uint8_t anchor[32], const uint8_t *left,
			 const uint8_t (*path)[32], size_t n, uint8_t older[32],
			 uint8_t newer[32])
{
	static const uint8_t is_left = 1;
	size_t i;

	if (!n || n > RCPT_MAX_PATH || left[0])
		return -1;
	memcpy(older, anchor, 32);
	for (i = 0; i < n; i++)
		if (left[i] && rcpt_ccf_root(older, &is_left, &path[i], 1, older))
			return -1;
	return rcpt_ccf_root(anchor, left, path, n, newer);
}

uint64_t rcpt_tree_nodes(uint64_t size)
{
	uint64_t total = size;

	while (size > 1) {
		size = size / 2 + (size & 1);
		total += size;
	}
	return total;
}

/* Compute one level of @n / 2 (rounded up) nodes from the @n below it. */
static int fill_level(const uint8_t (*below)[32], uint64_t n, uint8_t (*level)[32])
{
	uint64_t i;

	for (i = 0; i < n / 2; i++)
		if (rcpt_node_hash(below[2 * i], below[2 * i + 1], level[i]))
			return -1;
	if (n & 1)
		memcpy(level[i], below[n - 1], 32);
	return 0;
}

int rcpt_tree_fill(uint8_t (*nodes)[32], uint64_t size)
{
	if (!size)
		return -1;
	while (size > 1) {
		if (fill_level((const uint8_t (*)[32])nodes, size, nodes + size))
			return -1;
		nodes += size;
		size = size / 2 + (size & 1);
	}
	return 0;
}

int rcpt_tree_path(const uint8_t (*nodes)[32], uint64_t size, uint64_t index,
		   uint8_t path[RCPT_MAX_PATH][32])
{
	int n = 0;

	if (index >= size)
		return -1;
	while (size > 1) {
		uint64_t sibling = index ^ 1;

		if (sibling < size)
			memcpy(path[n++], nodes[sibling], 32);
		nodes += size;
		index >>= 1;
		size = size / 2 + (size & 1);
	}
	return n;
}
