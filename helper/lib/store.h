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
 * One writer and any number of readers may use a store at once. A reader must
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
