/* SPDX-License-Identifier: MIT */
/*
 * The bundle: one file with a transparent statement and its manifest.
 *
 *	[ "receipt-bundle", 1, bstr(transparent statement),
 *	  [ * [ kind uint, usage uint, digest bstr, name tstr ] ] ]
 */
#ifndef RCPT_BUNDLE_H
#define RCPT_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest.h"
#include "receipt.h"

#define RCPT_BUNDLE_SUFFIX	".bundle"
#define RCPT_MAX_BUNDLE		RCPT_MAX_INPUT

/**
 * struct rcpt_bundle - a bundle, read; points into the input
 * @transparent: the transparent statement as it stands
 * @statement: the same, parsed
 * @nleaves: used entries of @leaves; 0 for a hash envelope
 * @leaves: in tree order
 * @nodes: the tree over them (rcpt_tree_path()), NULL without leaves
 */
struct rcpt_bundle {
	struct rcpt_span transparent;
	struct rcpt_statement statement;
	size_t nleaves;
	struct rcpt_leaf *leaves;
	uint8_t (*nodes)[32];
};

/**
 * rcpt_is_bundle() - tell a bundle from a bare statement by its first bytes
 * @in: the file
 *
 * Return: whether it begins as a bundle does.
 */
bool rcpt_is_bundle(struct rcpt_span in);

/**
 * rcpt_bundle_parse() - read a bundle and check that its leaves make the payload
 * @in: the file; must outlive @bundle
 * @bundle: result, to be freed with rcpt_bundle_free()
 * @err: filled in on failure
 *
 * Checks no signature.
 *
 * Return: 0, -RCPT_MALFORMED, -RCPT_INVALID when the root over the leaves is not
 * the payload, or -RCPT_SYSTEM.
 */
int rcpt_bundle_parse(struct rcpt_span in, struct rcpt_bundle *bundle,
		      struct rcpt_error *err);

/**
 * rcpt_bundle_free() - free what rcpt_bundle_parse() allocated
 * @bundle: left empty
 */
void rcpt_bundle_free(struct rcpt_bundle *bundle);

/**
 * rcpt_bundle_find() - find a leaf by digest
 * @bundle: as read
 * @kind: enum receipt_kind
 * @digest: rcpt_digest_len(@kind) bytes
 * @from: number of the first leaf to look at
 *
 * Return: number of the leaf, or @bundle->nleaves when there is none.
 */
size_t rcpt_bundle_find(const struct rcpt_bundle *bundle, uint8_t kind,
			const uint8_t *digest, size_t from);

/**
 * rcpt_bundle_encode() - write a bundle
 * @transparent: transparent statement
 * @leaves: in tree order
 * @n: how many; 0 for a hash envelope
 * @out: result, to be freed by the caller
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when a bound is exceeded, or -RCPT_SYSTEM.
 */
int rcpt_bundle_encode(struct rcpt_span transparent,
		       const struct rcpt_leaf *leaves, size_t n,
		       uint8_t **out, size_t *len, struct rcpt_error *err);

#endif /* RCPT_BUNDLE_H */
