/* SPDX-License-Identifier: MIT */
/*
 * The index of a store: which bundles vouch for a digest. Private to the
 * library; see store.h.
 */
#ifndef RCPT_INDEX_H
#define RCPT_INDEX_H

#include <sys/stat.h>

#include "bundle.h"
#include "store.h"

struct rcpt_index;

/**
 * rcpt_index_open() - open an index for reading
 * @path: its folder
 * @index: result; usable by several threads
 * @err: filled in on failure
 *
 * Return: as rcpt_store_open().
 */
int rcpt_index_open(const char *path, struct rcpt_index **index,
		    struct rcpt_error *err);

/**
 * rcpt_index_create() - open an index for changing; begun anew when damaged
 * @path: its folder, which must be there
 * @index: result; for one thread
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_SYSTEM or -RCPT_MALFORMED.
 */
int rcpt_index_create(const char *path, struct rcpt_index **index,
		      struct rcpt_error *err);

/**
 * rcpt_index_close() - close an index
 * @index: or NULL
 */
void rcpt_index_close(struct rcpt_index *index);

/**
 * rcpt_index_fresh() - tell whether an index was empty when it was opened
 * @index: from rcpt_index_create()
 *
 * Return: whether it was.
 */
bool rcpt_index_fresh(const struct rcpt_index *index);

/**
 * rcpt_index_known() - tell whether a file is indexed in its present state
 * @index: open
 * @name: of the bundle
 * @st: its state
 * @known: result
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_SYSTEM or -RCPT_MALFORMED.
 */
int rcpt_index_known(struct rcpt_index *index, const char *name,
		     const struct stat *st, bool *known, struct rcpt_error *err);

/**
 * rcpt_index_add() - put a bundle into the index, in place of one of its name
 * @index: from rcpt_index_create()
 * @name: of the bundle
 * @bundle: its content
 * @st: state of its file
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_SYSTEM or -RCPT_MALFORMED.
 */
int rcpt_index_add(struct rcpt_index *index, const char *name,
		   const struct rcpt_bundle *bundle, const struct stat *st,
		   struct rcpt_error *err);

/**
 * rcpt_index_remove() - take a bundle out of the index, if it is there
 * @index: from rcpt_index_create()
 * @name: of the bundle
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_SYSTEM or -RCPT_MALFORMED.
 */
int rcpt_index_remove(struct rcpt_index *index, const char *name,
		      struct rcpt_error *err);

/**
 * rcpt_index_clear() - take everything out of the index
 * @index: from rcpt_index_create()
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_index_clear(struct rcpt_index *index, struct rcpt_error *err);

/**
 * rcpt_index_lookup() - as rcpt_store_lookup()
 * @index: open
 * @kind: enum receipt_kind
 * @digest: bytes
 * @digest_len: how many
 * @hits: result
 * @err: filled in on failure
 *
 * Return: as rcpt_store_lookup().
 */
int rcpt_index_lookup(struct rcpt_index *index, uint8_t kind,
		      const uint8_t *digest, size_t digest_len,
		      struct rcpt_store_hits *hits, struct rcpt_error *err);

/**
 * rcpt_index_each() - as rcpt_store_each()
 * @index: open
 * @fn: called for each bundle
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: as rcpt_store_each().
 */
int rcpt_index_each(struct rcpt_index *index, rcpt_store_item_fn fn, void *arg,
		    struct rcpt_error *err);

#endif /* RCPT_INDEX_H */
