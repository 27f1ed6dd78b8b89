// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folding a Merkle path: RFC 9162 trees and the CCF profile of COSE Receipts.
 */
#include <linux/string.h>

#include "private.h"

#define LEAF_PREFIX	0x00
#define NODE_PREFIX	0x01

/**
 * receipt_merkle_leaf - hash of a leaf (RFC 9162 section 2.1.1)
 * @data: the entry
 * @len: its bytes
 * @hash: filled in
 *
 * Return: 0, or what the hash says.
 */
int receipt_merkle_leaf(const void *data, size_t len,
			u8 hash[RECEIPT_HASH_SIZE])
{
	static const u8 prefix = LEAF_PREFIX;
	struct receipt_span spans[] = { { &prefix, 1 }, { data, len } };

	return receipt_sha256(spans, ARRAY_SIZE(spans), hash);
}

static int hash_node(const u8 *left, const u8 *right, u8 *out)
{
	static const u8 prefix = NODE_PREFIX;
	struct receipt_span spans[] = {
		{ &prefix, 1 },
		{ left, RECEIPT_HASH_SIZE },
		{ right, RECEIPT_HASH_SIZE },
	};

	return receipt_sha256(spans, ARRAY_SIZE(spans), out);
}

/**
 * receipt_rfc9162_fold - from leaf to root (RFC 9162 section 2.1.3.2)
 * @hash: of the leaf; becomes the root
 * @index: of the leaf
 * @size: leaves of the tree
 * @path: sibling hashes from the leaf up
 * @steps: their number
 *
 * Return: RECEIPT_REASON_ALLOWED, or RECEIPT_REASON_PROOF when index, size and
 *	path do not belong together.
 */
enum receipt_reason receipt_rfc9162_fold(u8 hash[RECEIPT_HASH_SIZE], u64 index,
					 u64 size, const u8 *path, u32 steps)
{
	u64 fn = index, sn = size - 1;
	const u8 *sibling = path;
	u32 i;

	if (index >= size)
		return RECEIPT_REASON_PROOF;

	for (i = 0; i < steps; i++, sibling += RECEIPT_HASH_SIZE) {
		bool right = (fn & 1) || fn == sn;

		if (!sn)
			return RECEIPT_REASON_PROOF;
		if (right ? hash_node(sibling, hash, hash) :
			    hash_node(hash, sibling, hash))
			return RECEIPT_REASON_PROOF;
		while (right && fn && !(fn & 1)) {
			fn >>= 1;
			sn >>= 1;
		}
		fn >>= 1;
		sn >>= 1;
	}

	return sn ? RECEIPT_REASON_PROOF : RECEIPT_REASON_ALLOWED;
}

/**
 * receipt_ccf_fold - from leaf to root (CCF profile, section 3)
 * @hash: of the leaf; becomes the root
 * @left: a byte a step: 1 when the sibling is on the left, else 0
 * @path: sibling hashes from the leaf up
 * @steps: their number, at least one
 *
 * Return: RECEIPT_REASON_ALLOWED, or RECEIPT_REASON_PROOF.
 */
enum receipt_reason receipt_ccf_fold(u8 hash[RECEIPT_HASH_SIZE],
				     const u8 *left, const u8 *path, u32 steps)
{
	u32 i;

	if (!steps)
		return RECEIPT_REASON_PROOF;

	for (i = 0; i < steps; i++, path += RECEIPT_HASH_SIZE) {
		struct receipt_span own = { hash, RECEIPT_HASH_SIZE };
		struct receipt_span sibling = { path, RECEIPT_HASH_SIZE };
		struct receipt_span pair[2];

		if (left[i] > 1)
			return RECEIPT_REASON_PROOF;
		pair[left[i]] = own;
		pair[!left[i]] = sibling;
		if (receipt_sha256(pair, 2, hash))
			return RECEIPT_REASON_PROOF;
	}

	return RECEIPT_REASON_ALLOWED;
}
