/* SPDX-License-Identifier: MIT */
/*
 * A segment: one file of the index, constant once it is there. It is read with
 * pread() alone, so that nobody who cuts it off can harm the reader, and every part
 * is checked when it is read. Private to the library; see index.h.
 *
 * All numbers are big endian, so that records sort as memcmp() does:
 *
 *	for each bundle		its name, its statement, the nodes of its tree
 *	for each kind of digest	pages of records (struct rcpt_page), sorted
 *	for each kind of digest	the first digest of each page
 *	for each bundle		struct rcpt_disk_entry
 *	at the end		struct rcpt_foot
 */
#ifndef RCPT_SEGMENT_H
#define RCPT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bundle.h"
#include "store.h"

#define RCPT_SEGMENT_MAGIC	"rcptseg1"
#define RCPT_KINDS		5	/* of digests: enum receipt_kind less one */
#define RCPT_PAGE_SIZE		4096
#define RCPT_MAX_FENCES		(64u << 20)	/* bytes that a reader keeps of a segment */

/* Where a digest stands, behind the digest. What has no receipt sorts last. */
struct rcpt_disk_place {
	uint8_t bare;
	uint32_t bundle;
	uint32_t leaf;
	uint8_t usage;
} __attribute__((packed));

struct rcpt_page {
	uint64_t sum;		/* of the rest, begun with the place of the page */
	uint16_t count;
	uint8_t zero[6];
	uint8_t records[RCPT_PAGE_SIZE - 16];
} __attribute__((packed));

/* A bundle file. @size to @ino tell whether it has changed. */
struct rcpt_disk_entry {
	uint64_t sum;		/* of the rest, begun with the number of the entry */
	uint64_t offset;	/* of the name; statement and tree follow */
	uint64_t text_sum;	/* of name and statement */
	uint32_t name_len;
	uint32_t statement_len;	/* 0 for a damaged bundle, which vouches for nothing */
	uint32_t nleaves;	/* 0 for a hash envelope */
	uint32_t zero;
	uint64_t size;
	uint64_t mtime;
	uint64_t ctime;
	uint64_t ino;
	uint8_t root[32];	/* of the tree */
} __attribute__((packed));

struct rcpt_disk_table {
	uint64_t npages;
	uint64_t offset;
	uint64_t fences;	/* their offset */
	uint64_t fences_sum;
} __attribute__((packed));

struct rcpt_foot {
	uint8_t magic[8];
	uint64_t sum;		/* of the rest */
	uint32_t nbundles;
	uint32_t zero;
	uint64_t entries;	/* their offset */
	struct rcpt_disk_table table[RCPT_KINDS];
} __attribute__((packed));

/**
 * struct rcpt_segment_id - which file a segment is
 * @number: makes its name
 * @len: bytes
 * @sum: that of its foot
 */
struct rcpt_segment_id {
	uint64_t number;
	uint64_t len;
	uint64_t sum;
};

/**
 * struct rcpt_entry - a bundle in a segment, checked
 * @offset: of name, statement and tree
 * @text_sum: of name and statement
 * @name_len: below RCPT_STORE_NAME
 * @statement_len: at most RCPT_MAX_STATEMENT
 * @nleaves: at most RCPT_MAX_LEAVES
 * @state: of the file: size, mtime, ctime, inode number
 * @root: of the tree
 */
struct rcpt_entry {
	uint64_t offset;
	uint64_t text_sum;
	uint32_t name_len;
	uint32_t statement_len;
	uint32_t nleaves;
	uint64_t state[4];
	uint8_t root[32];
};

/**
 * struct rcpt_place - where a digest stands
 * @bare: the statement has no receipt
 * @bundle: number of the entry
 * @leaf: number of the leaf; 0 for a hash envelope
 * @usage: of the leaf
 */
struct rcpt_place {
	bool bare;
	uint32_t bundle;
	uint32_t leaf;
	uint8_t usage;
};

struct rcpt_segment;
struct rcpt_segment_writer;

/**
 * rcpt_sum() - checksum of what the disk may have changed
 * @data: bytes
 * @len: how many
 * @begin: what the sum begins with
 *
 * Finds every change within eight bytes in line, and all but one in 2^64 of others.
 * No protection against intent: that is in the proofs, and in the kernel.
 *
 * Return: it.
 */
uint64_t rcpt_sum(const void *data, size_t len, uint64_t begin);

/**
 * rcpt_entry_state() - what tells whether a file has changed
 * @st: of the file
 * @state: result
 */
void rcpt_entry_state(const struct stat *st, uint64_t state[4]);

/**
 * rcpt_segment_open() - open a segment
 * @fd: its file; the segment's from now on, also on failure
 * @id: what it must be
 * @out: result
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when it is another or damaged, -RCPT_SYSTEM.
 */
int rcpt_segment_open(int fd, const struct rcpt_segment_id *id, struct rcpt_segment **out,
		      struct rcpt_error *err);

/**
 * rcpt_segment_close() - close a segment
 * @seg: or NULL
 */
void rcpt_segment_close(struct rcpt_segment *seg);

/**
 * rcpt_segment_size() - how many bundles a segment has
 * @seg: open
 *
 * Return: it.
 */
uint32_t rcpt_segment_size(const struct rcpt_segment *seg);

/**
 * rcpt_segment_entry() - read the entry of a bundle
 * @seg: open
 * @i: its number
 * @entry: result
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_segment_entry(const struct rcpt_segment *seg, uint32_t i, struct rcpt_entry *entry,
		       struct rcpt_error *err);

/**
 * rcpt_segment_text() - read name and statement of a bundle
 * @seg: open
 * @entry: of the bundle
 * @text: result, for free(): the name, the statement right behind it
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_segment_text(const struct rcpt_segment *seg, const struct rcpt_entry *entry,
		      uint8_t **text, struct rcpt_error *err);

/**
 * typedef rcpt_place_fn - told of a place
 * @place: the place
 * @arg: as given
 *
 * Return: 0 to go on.
 */
typedef int (*rcpt_place_fn)(const struct rcpt_place *place, void *arg);

/**
 * rcpt_segment_find() - find the places of a digest
 * @seg: open
 * @kind: enum receipt_kind
 * @digest: rcpt_digest_len(@kind) bytes
 * @fn: called for each, those with receipts first, then by bundle; what it returns
 *	other than 0 ends the search
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0, what @fn returned, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_segment_find(const struct rcpt_segment *seg, uint8_t kind, const uint8_t *digest,
		      rcpt_place_fn fn, void *arg, struct rcpt_error *err);

/**
 * rcpt_segment_hit() - read the statement of a place, and the path to its payload
 * @seg: open
 * @kind: enum receipt_kind
 * @digest: at @place
 * @place: from rcpt_segment_find()
 * @hit: result; its statement is to be freed
 * @err: filled in on failure
 *
 * The path leads to the root of the tree: that is checked.
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_segment_hit(const struct rcpt_segment *seg, uint8_t kind, const uint8_t *digest,
		     const struct rcpt_place *place, struct rcpt_store_hit *hit,
		     struct rcpt_error *err);

/**
 * typedef rcpt_record_fn - told of a digest
 * @digest: the digest
 * @place: where it stands
 * @arg: as given
 *
 * Return: 0 to go on.
 */
typedef int (*rcpt_record_fn)(const uint8_t *digest, const struct rcpt_place *place, void *arg);

/**
 * rcpt_segment_each_place() - go through all digests of a kind
 * @seg: open
 * @kind: enum receipt_kind
 * @fn: called for each; what it returns other than 0 ends the walk
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0, what @fn returned, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_segment_each_place(const struct rcpt_segment *seg, uint8_t kind, rcpt_record_fn fn,
			    void *arg, struct rcpt_error *err);

/**
 * rcpt_segment_tree() - read nodes of a bundle's tree
 * @seg: open
 * @entry: of the bundle
 * @from: number of the first node
 * @nodes: result
 * @n: how many
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_SYSTEM.
 */
int rcpt_segment_tree(const struct rcpt_segment *seg, const struct rcpt_entry *entry,
		      uint64_t from, uint8_t *nodes, size_t n, struct rcpt_error *err);

/**
 * rcpt_segment_begin() - begin a segment
 * @fd: empty file, of the caller
 * @out: result, to be freed with rcpt_segment_discard()
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_segment_begin(int fd, struct rcpt_segment_writer **out, struct rcpt_error *err);

/**
 * rcpt_segment_add() - put a bundle into a segment
 * @w: begun
 * @name: file name
 * @st: state of the file
 * @bundle: its content; NULL: it is damaged, which is noted
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_segment_add(struct rcpt_segment_writer *w, const char *name, const struct stat *st,
		     const struct rcpt_bundle *bundle, struct rcpt_error *err);

/**
 * rcpt_segment_copy() - put the bundles of another segment into a segment
 * @w: begun
 * @from: the other one
 * @dead: bit for each bundle of @from that is left out
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when @from is damaged, or -RCPT_SYSTEM.
 */
int rcpt_segment_copy(struct rcpt_segment_writer *w, const struct rcpt_segment *from,
		      const uint8_t *dead, struct rcpt_error *err);

/**
 * rcpt_segment_end() - write what is left, make it durable
 * @w: begun
 * @id: result: length and sum
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_segment_end(struct rcpt_segment_writer *w, struct rcpt_segment_id *id,
		     struct rcpt_error *err);

/**
 * rcpt_segment_discard() - free what writing took
 * @w: or NULL
 */
void rcpt_segment_discard(struct rcpt_segment_writer *w);

#endif /* RCPT_SEGMENT_H */
