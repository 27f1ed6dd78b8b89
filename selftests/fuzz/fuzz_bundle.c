// SPDX-License-Identifier: MIT
/*
 * Bundles: what is read and written again is the input, and the path of every
 * leaf leads to the payload.
 */
#include "bundle.h"
#include "fuzz.h"

static void check_path(const struct rcpt_bundle *b, size_t i)
{
	const struct rcpt_leaf *leaf = &b->leaves[i];
	uint8_t path[RCPT_MAX_PATH][32], hash[32], root[32];
	int n = rcpt_tree_path(b->nodes, b->nleaves, i, path);

	HOLDS(n >= 0 && n <= RCPT_MAX_PATH);
	HOLDS(!rcpt_manifest_leaf(leaf->kind, leaf->usage, leaf->digest, hash));
	HOLDS(!rcpt_rfc9162_root(hash, i, b->nleaves, path, n, root));
	HOLDS(rcpt_span_equal(b->statement.sign1.payload, root, sizeof(root)));
	HOLDS(rcpt_bundle_find(b, leaf->kind, leaf->digest, 0) <= i);
}

/* Fuzzed leaves never make the payload; the tree over them is made all the same. */
static void check_tree(const struct rcpt_bundle *b)
{
	uint8_t (*nodes)[32], root[32];
	struct rcpt_leaf *leaves = calloc(b->nleaves, sizeof(*leaves));
	size_t n;

	memcpy(leaves, b->leaves, b->nleaves * sizeof(*leaves));
	n = rcpt_manifest_sort(leaves, b->nleaves);
	HOLDS(n && n <= b->nleaves);
	HOLDS(!rcpt_manifest_tree(leaves, n, &nodes, root, NULL));
	free(nodes);
	free(leaves);
}

static void check_encoding(const struct rcpt_bundle *b, struct rcpt_span in)
{
	struct rcpt_error err = { 0 };
	uint8_t *out;
	size_t len;

	HOLDS(!rcpt_bundle_encode(b->transparent, b->leaves, b->nleaves, &out, &len, &err));
	HOLDS(rcpt_span_equal(in, out, len));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rcpt_span in = rcpt_span(data, size);
	struct rcpt_error err = { 0 };
	struct rcpt_bundle bundle;
	size_t i;
	int ret = rcpt_bundle_parse(in, &bundle, &err);

	holds_error(ret, &err);
	if (ret)
		return 0;
	HOLDS(rcpt_is_bundle(in));
	check_encoding(&bundle, in);
	if (bundle.nleaves)
		check_tree(&bundle);
	for (i = 0; i < bundle.nleaves; i++)
		check_path(&bundle, i);
	rcpt_bundle_free(&bundle);
	return 0;
}
