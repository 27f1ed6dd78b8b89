// SPDX-License-Identifier: MIT
/*
 * The manifest of a statement.
 */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

size_t rcpt_digest_len(uint64_t kind)
{
	switch (kind) {
	case RECEIPT_KIND_SHA256:
	case RECEIPT_KIND_FSVERITY_SHA256:
	case RECEIPT_KIND_DMVERITY_SHA256:
		return 32;
	case RECEIPT_KIND_SHA384:
		return 48;
	case RECEIPT_KIND_SHA512:
		return 64;
	}
	return 0;
}

int rcpt_manifest_leaf(uint8_t kind, uint8_t usage, const uint8_t *digest,
		       uint8_t out[32])
{
	uint8_t data[2 + RECEIPT_MAX_DIGEST] = { kind, usage };
	size_t len = rcpt_digest_len(kind);

	if (!len)
		return -1;
	memcpy(data + 2, digest, len);
	return rcpt_leaf_hash(data, 2 + len, out);
}

/* Whether two leaves are the same leaf of the tree is settled before names. */
static int compare_leaves(const struct rcpt_leaf *a, const struct rcpt_leaf *b)
{
	int diff;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	diff = memcmp(a->digest, b->digest, rcpt_digest_len(a->kind));
	return diff ? diff : a->usage - b->usage;
}

static int compare_with_name(const void *va, const void *vb)
{
	const struct rcpt_leaf *a = va;
	const struct rcpt_leaf *b = vb;
	int diff = compare_leaves(a, b);

	if (!diff)
		diff = memcmp(a->name, b->name,
			      a->name_len < b->name_len ? a->name_len : b->name_len);
	return diff ? diff : a->name_len - b->name_len;
}

size_t rcpt_manifest_sort(struct rcpt_leaf *leaves, size_t n)
{
	size_t kept = 0;
	size_t i;

	if (n < 2)
		return n;
	qsort(leaves, n, sizeof(*leaves), compare_with_name);
	for (i = 1; i < n; i++)
		if (compare_leaves(&leaves[kept], &leaves[i]))
			leaves[++kept] = leaves[i];
	return kept + 1;
}

/* Hash every leaf into the lowest level of the tree. */
static int hash_leaves(const struct rcpt_leaf *leaves, size_t n,
		       uint8_t (*nodes)[32], struct rcpt_error *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rcpt_manifest_leaf(leaves[i].kind, leaves[i].usage,
				       leaves[i].digest, nodes[i]))
			return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
					 RCPT_NO_OFFSET, "leaf %zu: unknown kind %u",
					 i, leaves[i].kind);
	return 0;
}

int rcpt_manifest_tree(const struct rcpt_leaf *leaves, size_t n,
		       uint8_t (**nodes)[32], uint8_t root[32],
		       struct rcpt_error *err)
{
	uint8_t (*tree)[32];
	int rc;

	if (!n || n > RCPT_MAX_LEAVES)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_NO_OFFSET, "%zu leaves, allowed are 1 to %d",
				 n, RCPT_MAX_LEAVES);
	tree = malloc(rcpt_tree_nodes(n) * sizeof(*tree));
	if (!tree)
		return rcpt_no_memory(err);
	rc = hash_leaves(leaves, n, tree, err);
	if (!rc && rcpt_tree_fill(tree, n))
		rc = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			       RCPT_NO_OFFSET, "the crypto library failed");
	if (rc) {
		free(tree);
		return rc;
	}
	memcpy(root, tree[rcpt_tree_nodes(n) - 1], 32);
	*nodes = tree;
	return 0;
}
