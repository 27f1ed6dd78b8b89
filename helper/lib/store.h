/* SPDX-License-Identifier: MIT */
/*
 * The store: a folder of bundles, and beside them an index by digest.
 *
 *	DIR/NAME.bundle		one statement each, written by rename
 *	DIR/index/		LMDB environment, made from the bundles
 *
 * The index holds all that a look-up needs (statements, trees), so that the
 * helper reads no bundle. It is no truth of its own: rcpt_store_index() makes
 * it anew from the bundles at any time.
 *
 * One writer and any number of readers may use a store at once, each in a process
 * of its own: a process opens a store once. A reader must
 * be able to write to DIR/index/lock.mdb unless the file system itself is
 * mounted read-only and nobody writes to it elsewhere.
 */
#ifndef RCPT_STORE_H
#define RCPT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "merkle.h"
#include "receipt.h"

#define RCPT_STORE_LOCAL	"/var/lib/receipt/store"
#define RCPT_STORE_PACKAGES	"/usr/share/receipts"
#define RCPT_STORE_NAME		256	/* room for a file name */
#define RCPT_STORE_MAX_HITS	64	/* statements returned for one digest */

struct rcpt_store;

/**
 * struct rcpt_store_hit - a statement that vouches for a digest
 * @statement: transparent statement (COSE_Sign1 with receipts), own memory
 * @statement_len: bytes of @statement
 * @manifest: the payload is the root over a manifest; @usage, @index, @size and
 *	@path tell where the digest stands in it. Else the payload is the digest.
 * @usage: bits of operations that the leaf grants
 * @index: number of the leaf
 * @size: leaves of the tree
 * @npath: hashes in @path
 * @path: inclusion path, lowest first
 */
struct rcpt_store_hit {
	uint8_t *statement;
	size_t statement_len;
	bool manifest;
	uint8_t usage;
	uint64_t index;
	uint64_t size;
	size_t npath;
	uint8_t path[RCPT_MAX_PATH][32];
};

/**
 * struct rcpt_store_hits - answer of a look-up
 * @n: entries in @hit
 * @hit: in the order in which their bundles were added
 */
struct rcpt_store_hits {
	size_t n;
	struct rcpt_store_hit *hit;
};

/**
 * rcpt_store_open() - open a store for reading
 * @dir: its folder
 * @store: result; usable by several threads
 * @err: filled in on failure
 *
 * Return: 0; -RCPT_CANNOT_EVALUATE when there is no index (nothing was added
 * yet); else -RCPT_SYSTEM or -RCPT_MALFORMED.
 */
int rcpt_store_open(const char *dir, struct rcpt_store **store,
		    struct rcpt_error *err);

/**
 * rcpt_store_create() - open a store for adding; makes what is missing
 * @dir: its folder
 * @store: result; for one thread
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_SYSTEM or -RCPT_MALFORMED.
 */
int rcpt_store_create(const char *dir, struct rcpt_store **store,
		      struct rcpt_error *err);

/**
 * rcpt_store_fresh() - tell whether the index was made anew
 * @store: from rcpt_store_create()
 *
 * Return: whether there was no index, or a damaged one that was thrown away,
 * so that rcpt_store_sync() is due.
 */
bool rcpt_store_fresh(const struct rcpt_store *store);

/**
 * rcpt_store_add() - take a bundle into the store
 * @store: from rcpt_store_create()
 * @file: the bundle
 * @name: result: its file name in the store, RCPT_STORE_NAME bytes
 * @err: filled in on failure
 *
 * The file is durable before the index names it. Adding a bundle again changes
 * nothing. Checks that the leaves make the payload, but no signature: whoever
 * uses the evidence checks it.
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_INVALID as rcpt_bundle_parse(), or
 * -RCPT_SYSTEM.
 */
int rcpt_store_add(struct rcpt_store *store, struct rcpt_span file,
		   char name[RCPT_STORE_NAME], struct rcpt_error *err);

/**
 * typedef rcpt_store_damaged_fn - told of a bundle that could not be indexed
 * @name: file name
 * @err: why
 * @arg: as given
 */
typedef void (*rcpt_store_damaged_fn)(const char *name,
				      const struct rcpt_error *err, void *arg);

/**
 * rcpt_store_sync() - bring the index in line with the bundles in the folder
 * @store: from rcpt_store_create()
 * @rebuild: trust nothing that is in the index
 * @damaged: told of every bundle that is left out
 * @arg: for @damaged
 * @err: filled in on failure
 *
 * Return: 0, also when bundles were left out, or -RCPT_SYSTEM.
 */
int rcpt_store_sync(struct rcpt_store *store, bool rebuild,
		    rcpt_store_damaged_fn damaged, void *arg,
		    struct rcpt_error *err);

/**
 * struct rcpt_store_item - a bundle in the index
 * @name: file name
 * @statement: transparent statement, valid during the call
 * @nleaves: leaves of its manifest; 0 for a hash envelope
 */
struct rcpt_store_item {
	const char *name;
	struct rcpt_span statement;
	uint64_t nleaves;
};

/**
 * typedef rcpt_store_item_fn - told of a bundle in the index
 * @item: the bundle
 * @arg: as given
 *
 * Return: 0 to go on.
 */
typedef int (*rcpt_store_item_fn)(const struct rcpt_store_item *item, void *arg);

/**
 * rcpt_store_each() - go through the bundles in the index, by name
 * @store: open
 * @fn: called for each; what it returns other than 0 ends the walk
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0, what @fn returned, -RCPT_MALFORMED when the index is damaged, or
 * -RCPT_SYSTEM.
 */
int rcpt_store_each(struct rcpt_store *store, rcpt_store_item_fn fn, void *arg,
		    struct rcpt_error *err);

/**
 * rcpt_store_close() - close a store
 * @store: or NULL
 */
void rcpt_store_close(struct rcpt_store *store);

/**
 * rcpt_store_lookup() - find the statements that vouch for a digest
 * @store: open for reading or adding
 * @kind: enum receipt_kind
 * @digest: bytes
 * @digest_len: 32, 48 or 64, as @kind says
 * @hits: result, to be freed with rcpt_store_hits_free(); n is 0 when nothing
 *	is known of the digest. At most RCPT_STORE_MAX_HITS.
 * @err: filled in on failure
 *
 * Sees every bundle whose addition was complete when the call began, also those
 * that another process added after rcpt_store_open().
 *
 * Return: 0, -RCPT_MALFORMED when the index is damaged, or -RCPT_SYSTEM.
 */
int rcpt_store_lookup(struct rcpt_store *store, uint8_t kind,
		      const uint8_t *digest, size_t digest_len,
		      struct rcpt_store_hits *hits, struct rcpt_error *err);

/**
 * rcpt_store_hits_free() - free the answer of a look-up
 * @hits: as filled in; left empty
 */
void rcpt_store_hits_free(struct rcpt_store_hits *hits);

#endif /* RCPT_STORE_H */
