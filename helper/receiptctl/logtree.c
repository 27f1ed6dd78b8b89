// SPDX-License-Identifier: MIT
/*
 * The Merkle tree of a log. Nodes of complete subtrees only are kept: these never
 * change, and any root or path is made of a logarithmic number of them.
 */
#include "tlog.h"

#include <string.h>

#include "merkle.h"

static int get_node(struct tlog *log, unsigned int level, uint64_t pos,
		    uint8_t hash[32], struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "SELECT hash FROM node WHERE level = ? AND pos = ?");
	int rc = 0;

	if (bind_int(s, 1, level) && bind_int(s, 2, pos) &&
	    sqlite3_step(s) == SQLITE_ROW && sqlite3_column_bytes(s, 0) == 32)
		memcpy(hash, sqlite3_column_blob(s, 0), 32);
	else
		rc = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
			       RCPT_NO_OFFSET, "log.db: node %u.%llu is missing", level,
			       (unsigned long long)pos);
	sqlite3_finalize(s);
	return rc;
}

static int put_node(struct tlog *log, unsigned int level, uint64_t pos,
		    const uint8_t hash[32], struct rcpt_error *err)
{
	sqlite3_stmt *s = prepare(log, "INSERT INTO node VALUES (?, ?, ?)");

	return finish(log, s, bind_int(s, 1, level) && bind_int(s, 2, pos) &&
		      bind_blob(s, 3, hash, 32), err);
}

/**
 * logtree_add() - add a leaf, and every subtree that it completes
 * @log: open, in a transaction
 * @pos: number of the leaf
 * @leaf: its hash
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when a node is missing, or -RCPT_SYSTEM.
 */
int logtree_add(struct tlog *log, uint64_t pos, const uint8_t leaf[32],
		struct rcpt_error *err)
{
	uint8_t hash[32], left[32];
	unsigned int level = 0;
	int rc;

	memcpy(hash, leaf, 32);
	for (;; level++, pos >>= 1) {
		rc = put_node(log, level, pos, hash, err);
		if (rc || !(pos & 1))
			return rc;
		rc = get_node(log, level, pos - 1, left, err);
		if (rc)
			return rc;
		if (rcpt_node_hash(left, hash, hash))
			return rcpt_no_memory(err);
	}
}

/* Largest power of two below @n, which is at least 2. */
static uint64_t split(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

/*
 * Hash of the leaves [lo, hi). Complete subtrees on the way down the right edge
 * are joined to the rest: at most one look-up a level.
 */
static int range_hash(struct tlog *log, uint64_t lo, uint64_t hi,
		      uint8_t out[32], struct rcpt_error *err)
{
	uint64_t n = hi - lo;
	uint8_t left[32], right[32];
	int rc;

	if (!(n & (n - 1)))
		return get_node(log, __builtin_ctzll(n), lo / n, out, err);
	rc = range_hash(log, lo, lo + split(n), left, err);
	if (!rc)
		rc = range_hash(log, lo + split(n), hi, right, err);
	if (!rc && rcpt_node_hash(left, right, out))
		rc = rcpt_no_memory(err);
	return rc;
}

/**
 * logtree_root() - root of the tree
 * @log: open
 * @size: its leaves
 * @root: result
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when a node is missing, or -RCPT_SYSTEM.
 */
int logtree_root(struct tlog *log, uint64_t size, uint8_t root[32], struct rcpt_error *err)
{
	if (size)
		return range_hash(log, 0, size, root, err);
	return rcpt_sha256("", 0, root) ? rcpt_no_memory(err) : 0;
}

static void reverse(uint8_t (*path)[32], size_t n)
{
	uint8_t swap[32];
	size_t i;

	for (i = 0; i < n / 2; i++) {
		memcpy(swap, path[i], 32);
		memcpy(path[i], path[n - 1 - i], 32);
		memcpy(path[n - 1 - i], swap, 32);
	}
}

/* PATH(index, D[size]) of RFC 9162 2.1.3.1, gathered from the top. */
static int find_path(struct tlog *log, struct rcpt_entry_proof *proof,
		     struct rcpt_error *err)
{
	uint64_t lo = 0, hi = proof->size;
	int rc = 0;

	proof->npath = 0;
	while (!rc && hi - lo > 1) {
		uint64_t mid = lo + split(hi - lo);
		uint8_t *sibling = proof->path[proof->npath++];

		if (proof->index < mid) {
			rc = range_hash(log, mid, hi, sibling, err);
			hi = mid;
		} else {
			rc = range_hash(log, lo, mid, sibling, err);
			lo = mid;
		}
	}
	reverse(proof->path, proof->npath);
	return rc;
}

/**
 * logtree_prove() - prove that an entry is in the tree
 * @log: open
 * @proof: with index and size; path and root are filled in
 * @err: filled in on failure
 *
 * A damaged node on the path of an old entry would give a root that no tree of the log
 * ever had, and it would be signed: the path must lead to the root that the complete
 * subtrees give.
 *
 * Return: 0, -RCPT_MALFORMED when a node is missing or another one than it was, or
 * -RCPT_SYSTEM.
 */
int logtree_prove(struct tlog *log, struct rcpt_entry_proof *proof, struct rcpt_error *err)
{
	uint8_t leaf[32], root[32];
	int rc = get_node(log, 0, proof->index, leaf, err);

	if (!rc)
		rc = find_path(log, proof, err);
	if (!rc)
		rc = logtree_root(log, proof->size, root, err);
	if (!rc && rcpt_rfc9162_root(leaf, proof->index, proof->size,
				     (const uint8_t (*)[32])proof->path,
				     proof->npath, proof->root))
		rc = rcpt_no_memory(err);
	if (!rc && memcmp(root, proof->root, 32))
		rc = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			       "log.db: damaged: entry %llu does not lead to the root of the tree",
			       (unsigned long long)proof->index);
	return rc;
}
