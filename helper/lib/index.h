/* SPDX-License-Identifier: MIT */
/*
 * The index of a store: which bundles vouch for a digest. Private to the
 * library; see store.h.
 *
 *	DIR/index/current	names the segments that count, and which of their
 *				bundles do not any more; replaced by rename
 *	DIR/index/N.segment	see segment.h
 *	DIR/index/writer/	0700: the lock, and files on their way
 *
 * Readers write nothing and take no lock. They keep open what they read, so that it
 * stays when it is replaced.
 */
#ifndef RCPT_INDEX_H
#define RCPT_INDEX_H

#include <sys/stat.h>

#include "bundle.h"
#include "segment.h"
#include "store.h"

#define RCPT_MAX_SEGMENTS	16

/**
 * struct rcpt_index - an index
 * @path: its folder
 * @fd: the file "current" that was read; -1 when there was none
 * @dev: its device
 * @ino: its number, which no other file gets while @fd is open
 * @number: of the newest segment
 * @failed: why it cannot be used
 * @nsegs: used entries of @segs
 * @segs: oldest first
 * @segs.id: which file it is
 * @segs.seg: open
 * @segs.dead: bit for each bundle that does not count any more
 */
struct rcpt_index {
	char *path;
	int fd;
	dev_t dev;
	ino_t ino;
	uint64_t number;
	struct rcpt_error failed;
	size_t nsegs;
	struct {
		struct rcpt_segment_id id;
		struct rcpt_segment *seg;
		uint8_t *dead;
	} segs[RCPT_MAX_SEGMENTS];
};

/**
 * struct rcpt_index_item - a bundle in an index
 * @name: file name, own memory
 * @seg: number of its segment
 * @bundle: number in it
 * @entry: what is known of it
 */
struct rcpt_index_item {
	char *name;
	size_t seg;
	uint32_t bundle;
	struct rcpt_entry entry;
};

/**
 * struct rcpt_index_file - a bundle in the folder
 * @name: file name, own memory
 * @st: state of the file
 * @bundle: its content where the caller has it, or NULL
 * @known: the index has it in this state
 */
struct rcpt_index_file {
	char *name;
	struct stat st;
	const struct rcpt_bundle *bundle;
	bool known;
};

/**
 * struct rcpt_index_change - what an index is to be brought in line with
 * @dir: folder of the bundles
 * @files: in it, by name
 * @nfiles: how many
 * @rebuild: take nothing from the index
 * @damaged: told of bundles that cannot be indexed, or NULL
 * @arg: for @damaged
 */
struct rcpt_index_change {
	const char *dir;
	struct rcpt_index_file *files;
	size_t nfiles;
	bool rebuild;
	rcpt_store_damaged_fn damaged;
	void *arg;
};

/**
 * rcpt_index_init() - begin with an index
 * @ix: result, to be ended with rcpt_index_close()
 * @dir: folder of the bundles
 *
 * Return: 0, or -1 without memory.
 */
int rcpt_index_init(struct rcpt_index *ix, const char *dir);

/**
 * rcpt_index_close() - close an index
 * @ix: as begun, or zeroed
 */
void rcpt_index_close(struct rcpt_index *ix);

/**
 * rcpt_index_refresh() - read the index, unless it is the one that was read last
 * @ix: begun
 * @changed: set when it was read, or is gone; else left alone
 * @err: filled in on failure
 *
 * Return: 0; -RCPT_CANNOT_EVALUATE when there is none; -RCPT_MALFORMED when it is
 * damaged; -RCPT_SYSTEM.
 */
int rcpt_index_refresh(struct rcpt_index *ix, bool *changed, struct rcpt_error *err);

/**
 * rcpt_index_give_up() - do not use an index until it is replaced
 * @ix: refreshed
 * @why: what is wrong with it
 */
void rcpt_index_give_up(struct rcpt_index *ix, const struct rcpt_error *why);

/**
 * rcpt_index_lookup() - as rcpt_store_lookup(), in the index alone
 * @ix: refreshed
 * @kind: enum receipt_kind
 * @digest: rcpt_digest_len(@kind) bytes
 * @hits: result
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_index_lookup(struct rcpt_index *ix, uint8_t kind, const uint8_t *digest,
		      struct rcpt_store_hits *hits, struct rcpt_error *err);

/**
 * rcpt_index_items() - list what is in an index
 * @ix: refreshed
 * @items: result, by name, to be freed with rcpt_index_items_free()
 * @n: how many
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_index_items(struct rcpt_index *ix, struct rcpt_index_item **items, size_t *n,
		     struct rcpt_error *err);

/**
 * rcpt_index_items_free() - free a list
 * @items: or NULL
 * @n: how many
 */
void rcpt_index_items_free(struct rcpt_index_item *items, size_t n);

/**
 * rcpt_index_update() - bring an index in line with a folder
 * @ix: refreshed, whatever came of it
 * @change: the folder
 * @err: filled in on failure
 *
 * Context: The lock of the writer is held.
 * Return: 0, also when bundles were left out, or -RCPT_SYSTEM.
 */
int rcpt_index_update(struct rcpt_index *ix, struct rcpt_index_change *change,
		      struct rcpt_error *err);

#endif /* RCPT_INDEX_H */
