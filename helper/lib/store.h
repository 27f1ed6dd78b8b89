/* SPDX-License-Identifier: MIT */
/*
 * The store: a folder of bundles, and beside them an index by digest.
 *
 *	DIR/NAME.bundle		one statement each, written by rename
 *	DIR/index/		made from the bundles; see index.h
 *
 * The index holds all that a look-up needs (statements, trees). It is no truth of its
 * own: what it does not have, and what is damaged in it, is looked for in the bundles.
 *
 * Readers write nothing and take no lock, so that nobody who writes, or may not, keeps
 * them from an answer. Of those who write, one after the other does.
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
#define RCPT_STORE_MAX_HITS	256	/* hits for one digest */
#define RCPT_STORE_MAX_BARE	4	/* of statements without a receipt */
#define RCPT_STORE_MAX_BYTES	(4u << 20)	/* of statements for one digest, but for the last */

struct rcpt_bundle;
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
 * @bare: none of them has a receipt
 * @hit: those of older bundles first. A statement has one, or where its manifest has the
 *	content under several usages, one for each that grants what those before do not.
 */
struct rcpt_store_hits {
	size_t n;
	bool bare;
	struct rcpt_store_hit *hit;
};

/**
 * rcpt_store_open() - open a store for reading
 * @dir: its folder
 * @store: result; usable by several threads
 * @err: filled in on failure
 *
 * It need not have an index, or a good one.
 *
 * Return: 0; -RCPT_CANNOT_EVALUATE when there is no such folder; -RCPT_SYSTEM.
 */
int rcpt_store_open(const char *dir, struct rcpt_store **store,
		    struct rcpt_error *err);

/**
 * rcpt_store_create() - open a store for reading and changing; makes what is missing
 * @dir: its folder
 * @store: result
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_store_create(const char *dir, struct rcpt_store **store,
		      struct rcpt_error *err);

/**
 * rcpt_store_close() - close a store
 * @store: or NULL
 */
void rcpt_store_close(struct rcpt_store *store);

/**
 * enum rcpt_store_state - how good an index is
 * @RCPT_STORE_INDEXED: it has every bundle
 * @RCPT_STORE_BEHIND: bundles came that it does not have
 * @RCPT_STORE_NO_INDEX: there is none
 * @RCPT_STORE_DAMAGED: it cannot be used
 */
enum rcpt_store_state {
	RCPT_STORE_INDEXED,
	RCPT_STORE_BEHIND,
	RCPT_STORE_NO_INDEX,
	RCPT_STORE_DAMAGED,
};

/**
 * rcpt_store_state() - tell how good the index was when it was used last
 * @store: open
 * @why: what is wrong with a damaged one
 *
 * Return: it.
 */
enum rcpt_store_state rcpt_store_state(struct rcpt_store *store, struct rcpt_error *why);

/**
 * rcpt_store_add() - take a bundle into the store
 * @store: from rcpt_store_create()
 * @file: the bundle
 * @name: result: its file name in the store, RCPT_STORE_NAME bytes
 * @err: filled in on failure
 *
 * The file is durable before the index names it. A bundle that is there already keeps
 * its name, whoever gave it, and changes nothing. Brings the index in line with the
 * folder, too. Checks that the leaves make the payload, but no signature: whoever uses
 * the evidence checks it.
 *
 * Context: Waits for others that change the store, RCPT_LOCK_WAIT_MS at most.
 * Return: 0, -RCPT_MALFORMED or -RCPT_INVALID as rcpt_bundle_parse(), or
 * -RCPT_SYSTEM.
 */
int rcpt_store_add(struct rcpt_store *store, struct rcpt_span file,
		   char name[RCPT_STORE_NAME], struct rcpt_error *err);

/**
 * rcpt_store_remove() - take a bundle out of the store
 * @store: from rcpt_store_create()
 * @name: its file name in the store
 * @err: filled in on failure
 *
 * Context: As rcpt_store_add().
 * Return: 0, -RCPT_INVALID when the store has no such bundle, or -RCPT_SYSTEM.
 */
int rcpt_store_remove(struct rcpt_store *store, const char *name, struct rcpt_error *err);

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
 * @damaged: told of every bundle that is left out, or NULL
 * @arg: for @damaged
 * @err: filled in on failure
 *
 * Context: As rcpt_store_add().
 * Return: 0, also when bundles were left out, or -RCPT_SYSTEM.
 */
int rcpt_store_sync(struct rcpt_store *store, bool rebuild,
		    rcpt_store_damaged_fn damaged, void *arg,
		    struct rcpt_error *err);

/**
 * rcpt_store_check() - hold the bundles in the folder against the index
 * @store: open
 * @fn: told of each that the helper finds nothing in, or not as fast as it could
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_store_check(struct rcpt_store *store, rcpt_store_damaged_fn fn, void *arg,
		     struct rcpt_error *err);

/**
 * struct rcpt_store_item - a bundle that can be read
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
 * typedef rcpt_store_item_fn - told of a bundle
 * @item: the bundle
 * @arg: as given
 *
 * Return: 0 to go on.
 */
typedef int (*rcpt_store_item_fn)(const struct rcpt_store_item *item, void *arg);

/**
 * rcpt_store_each() - go through the bundles, by name
 * @store: open
 * @fn: called for each; what it returns other than 0 ends the walk
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0, what @fn returned, or -RCPT_SYSTEM.
 */
int rcpt_store_each(struct rcpt_store *store, rcpt_store_item_fn fn, void *arg,
		    struct rcpt_error *err);

/**
 * rcpt_store_lookup() - find the statements that vouch for a digest
 * @store: open
 * @kind: enum receipt_kind
 * @digest: bytes
 * @digest_len: 32, 48 or 64, as @kind says
 * @hits: result, to be freed with rcpt_store_hits_free(); n is 0 when nothing
 *	is known of the digest. At most RCPT_STORE_MAX_HITS.
 * @err: filled in on failure
 *
 * Sees every bundle that was in the folder when the call began. Statements without a
 * receipt are left out where others have one.
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_store_lookup(struct rcpt_store *store, uint8_t kind,
		      const uint8_t *digest, size_t digest_len,
		      struct rcpt_store_hits *hits, struct rcpt_error *err);

/**
 * rcpt_store_hits_free() - free the answer of a look-up
 * @hits: as filled in; left empty
 */
void rcpt_store_hits_free(struct rcpt_store_hits *hits);

/*
 * scan.c: bundles without an index
 */
int rcpt_bundle_hit(const struct rcpt_bundle *bundle, size_t leaf,
		    struct rcpt_store_hit *hit, struct rcpt_error *err);
void rcpt_scan(const char *path, uint8_t kind, const uint8_t *digest,
	       struct rcpt_store_hits *hits);

#endif /* RCPT_STORE_H */
