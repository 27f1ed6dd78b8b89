/* SPDX-License-Identifier: MIT */
/*
 * Merkle trees: the SHA-256 tree of RFC 9162 (vds 1, and manifests) and the
 * path of the CCF profile (vds 2).
 */
#ifndef RCPT_MERKLE_H
#define RCPT_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#define RCPT_MAX_PATH	64	/* hashes in a path; fits any 64-bit tree size */

/**
 * rcpt_leaf_hash() - hash of a leaf: SHA-256(0x00 || data)
 * @data: the leaf's data
 * @len: bytes, at most 256
 * @out: the hash
 *
 * Return: 0, or -1 when the crypto library fails or @len is too large.
 */
int rcpt_leaf_hash(const void *data, size_t len, uint8_t out[32]);

/**
 * rcpt_node_hash() - hash of an inner node: SHA-256(0x01 || left || right)
 * @left: left child
 * @right: right child
 * @out: the hash; may be one of the children
 *
 * Return: 0, or -1 when the crypto library fails.
 */
int rcpt_node_hash(const uint8_t left[32], const uint8_t right[32],
		   uint8_t out[32]);

/**
 * rcpt_rfc9162_root() - walk an inclusion path up to the root (RFC 9162 2.1.3.2)
 * @leaf: hash of the leaf
 * @index: its number in the tree
 * @size: leaves in the tree
 * @path: sibling hashes, lowest first
 * @n: how many
 * @root: result
 *
 * Return: 0, or -1 when @index lies outside the tree, @n is not what the tree
 * asks for, or the crypto library fails.
 */
int rcpt_rfc9162_root(const uint8_t leaf[32], uint64_t index, uint64_t size,
		      const uint8_t (*path)[32], size_t n, uint8_t root[32]);

/**
 * rcpt_ccf_root() - walk a path of the CCF profile up to the root
 * @leaf: hash of the leaf
 * @left: for each step, 1 when the sibling stands left, else 0
 * @path: sibling hashes, lowest first
 * @n: how many
 * @root: result
 *
 * Return: 0, or -1 when @n is over the bound, a direction is neither 0 nor 1,
 * or the crypto library fails.
 */
int rcpt_ccf_root(const uint8_t leaf[32], const uint8_t *left,
		  const uint8_t (*path)[32], size_t n, uint8_t root[32]);

/**
 * rcpt_rfc9162_consistency() - from the root of a tree to that of a later one
 *	(RFC 9162 2.1.4.2)
 * @first: leaves of the tree
 * @second: leaves of the later one
 * @older: root of the tree; must be what the proof says it is
 * @path: hashes of the consistency proof
 * @n: how many
 * @newer: result: root of the later tree
 *
 * Return: 0, or -1 when the sizes make no such trees, @n is not what they ask
 * for, the proof is of another @older, or the crypto library fails.
 */
int rcpt_rfc9162_consistency(uint64_t first, uint64_t second, const uint8_t older[32],
			     const uint8_t (*path)[32], size_t n, uint8_t newer[32]);

/**
 * rcpt_ccf_consistency() - the two roots of a consistency proof of the CCF profile
 * @anchor: root of a whole subtree that both trees have
 * @left: for each step, 1 when the sibling stands left, else 0; 0 for the first
 * @path: sibling hashes, lowest first
 * @n: how many, at least one
 * @older: result: the anchor and what stands left
 * @newer: result: all of it
 *
 * Return: 0, or -1 as rcpt_ccf_root() does, or when the first sibling stands left:
 * then the anchor is not the one it must be.
 */
int rcpt_ccf_consistency(const uint8_t anchor[32], const uint8_t *left,
			 const uint8_t (*path)[32], size_t n, uint8_t older[32],
			 uint8_t newer[32]);

/**
 * rcpt_tree_nodes() - room that the nodes of a tree take
 * @size: leaves
 *
 * Return: number of hashes of all levels together, 0 for an empty tree.
 */
uint64_t rcpt_tree_nodes(uint64_t size);

/**
 * rcpt_tree_fill() - compute the inner nodes of a tree
 * @nodes: rcpt_tree_nodes(@size) hashes: level after level from the leaves up,
 *	the root last. The first @size are given, the rest is filled in. A node
 *	without a right sibling is repeated on the next level.
 * @size: leaves, at least 1
 *
 * Return: 0, or -1 when the tree is empty or the crypto library fails.
 */
int rcpt_tree_fill(uint8_t (*nodes)[32], uint64_t size);

/**
 * rcpt_tree_path() - inclusion path of a leaf
 * @nodes: as rcpt_tree_fill() left them
 * @size: leaves
 * @index: the leaf's number
 * @path: result, lowest first
 *
 * Return: number of hashes in @path, or -1 when @index is outside the tree.
 */
int rcpt_tree_path(const uint8_t (*nodes)[32], uint64_t size, uint64_t index,
		   uint8_t path[RCPT_MAX_PATH][32]);

#endif /* RCPT_MERKLE_H */
