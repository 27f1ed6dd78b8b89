/* SPDX-License-Identifier: MIT */
/*
 * The manifest: a list of artifacts, and the RFC 9162 tree over it whose root
 * is the statement's payload.
 */
#ifndef RCPT_MANIFEST_H
#define RCPT_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "merkle.h"
#include "receipt.h"

#define RCPT_MAX_LEAVES		1000000
#define RCPT_MAX_NAME		4096	/* bytes of a leaf's name */

/**
 * struct rcpt_leaf - an artifact in a manifest
 * @digest: rcpt_digest_len(@kind) bytes, memory of the caller
 * @name: for people only, not covered by any signature; not terminated
 * @name_len: bytes of @name, at most RCPT_MAX_NAME
 * @kind: enum receipt_kind
 * @usage: bits of operations
 */
struct rcpt_leaf {
	const uint8_t *digest;
	const char *name;
	uint16_t name_len;
	uint8_t kind;
	uint8_t usage;
};

/**
 * rcpt_digest_len() - length of the digests of a kind
 * @kind: enum receipt_kind
 *
 * Return: bytes, 0 for an unknown kind.
 */
size_t rcpt_digest_len(uint64_t kind);

/**
 * rcpt_manifest_leaf() - hash of an artifact as a leaf of the tree
 * @kind: enum receipt_kind
 * @usage: bits of operations
 * @digest: rcpt_digest_len(@kind) bytes
 * @out: SHA-256(0x00 || kind || usage || digest)
 *
 * Return: 0, or -1 for an unknown kind or a failing crypto library.
 */
int rcpt_manifest_leaf(uint8_t kind, uint8_t usage, const uint8_t *digest,
		       uint8_t out[32]);

/**
 * rcpt_manifest_sort() - bring leaves into the order of a manifest
 * @leaves: sorted by kind, digest and usage afterwards; of equal ones the one
 *	whose name sorts first is kept
 * @n: how many
 *
 * Return: how many are left.
 */
size_t rcpt_manifest_sort(struct rcpt_leaf *leaves, size_t n);

/**
 * rcpt_manifest_tree() - build the tree over leaves
 * @leaves: in tree order
 * @n: at least 1, at most RCPT_MAX_LEAVES
 * @nodes: result: all nodes as rcpt_tree_fill() orders them, to be freed by
 *	the caller
 * @root: result, the payload
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when @n is out of bounds or a kind is unknown, or
 * -RCPT_SYSTEM.
 */
int rcpt_manifest_tree(const struct rcpt_leaf *leaves, size_t n,
		       uint8_t (**nodes)[32], uint8_t root[32],
		       struct rcpt_error *err);

#endif /* RCPT_MANIFEST_H */
