// SPDX-License-Identifier: MIT
/*
 * Receipts of consistency (RFC 9942; CCF profile): that a log's later tree has all
 * of an earlier one.
 */
#include <string.h>

#include "receipt.h"

static int read_rfc9162(struct rcpt_reader *r, struct rcpt_consistency *out)
{
	uint64_t count;

	if (rcpt_read_array(r, &count, "consistency proof"))
		return r->failed;
	if (count != 3)
		return rcpt_reader_fail(r, RECEIPT_REASON_PROOF, r->in.offset,
					"consistency proof: 3 elements expected");
	if (rcpt_read_uint(r, &out->first, "first tree size") ||
	    rcpt_read_uint(r, &out->second, "second tree size"))
		return r->failed;
	return rcpt_read_path(r, RCPT_MAX_CONSISTENCY, out->path, &out->npath);
}

static int read_ccf(struct rcpt_reader *r, struct rcpt_consistency *out)
{
	struct rcpt_head key;
	uint64_t count;
	bool anchor = false, path = false;

	if (rcpt_read_map(r, &count, "consistency proof"))
		return r->failed;
	for (; count; count--) {
		if (rcpt_read(r, &key))
			return r->failed;
		if (key.major == RCPT_UINT && key.arg == 1)
			anchor = !rcpt_read_hash(r, out->anchor, "anchor");
		else if (key.major == RCPT_UINT && key.arg == 2)
			path = !rcpt_read_ccf_path(r, out->path, out->left, &out->npath);
		else
			rcpt_skip(r, NULL);
		if (r->failed)
			return r->failed;
	}
	if (!anchor || !path)
		return rcpt_reader_fail(r, RECEIPT_REASON_PROOF, r->in.offset,
					"consistency proof lacks its anchor or its path");
	return 0;
}

/**
 * rcpt_consistency_parse() - read one consistency proof
 * @in: exactly it
 * @vds: structure of the log
 * @out: result
 * @err: what went wrong
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_consistency_parse(struct rcpt_span in, int64_t vds, struct rcpt_consistency *out,
			   struct rcpt_error *err)
{
	struct rcpt_reader r;
	int ret;

	memset(out, 0, sizeof(*out));
	rcpt_reader_init(&r, in, err);
	ret = vds == RECEIPT_VDS_CCF ? read_ccf(&r, out) : read_rfc9162(&r, out);
	return ret ? ret : rcpt_read_end(&r);
}

/**
 * rcpt_consistency_receipt() - take a receipt of consistency apart
 * @in: exactly it
 * @out: result, points into @in; for rcpt_receipt_free(). On failure it holds
 *	what could be read.
 * @err: what went wrong
 *
 * It may hold inclusion proofs, too.
 *
 * Return: as rcpt_receipt_parse() does; -RCPT_CANNOT_EVALUATE without a
 * consistency proof.
 */
int rcpt_consistency_receipt(struct rcpt_span in, struct rcpt_receipt *out,
			     struct rcpt_error *err)
{
	struct rcpt_error e = { 0 };
	int ret = rcpt_receipt_parse(in, out, &e);

	if (ret == -RCPT_CANNOT_EVALUATE && e.reason == RECEIPT_REASON_PROOF &&
	    !out->nproofs && out->consistency.data)
		return 0;
	if (!ret && !out->consistency.data)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_PROOF,
				 out->sign1.unprotected.offset,
				 "receipt has no consistency proof");
	if (ret && err)
		*err = e;
	return ret;
}

/* The root that a proof leads to from @old; fails when it is not about @old. */
static int newer_root(const struct rcpt_receipt *receipt, const struct rcpt_consistency *proof,
		      const struct rcpt_tree_head *old, struct rcpt_tree_head *head,
		      struct rcpt_error *err)
{
	int64_t vds = receipt->header.vds;
	uint8_t older[RECEIPT_HASH_SIZE];
	bool good;

	if (vds == RECEIPT_VDS_CCF) {
		good = !rcpt_ccf_consistency(proof->anchor, proof->left, proof->path,
					     proof->npath, older, head->root) &&
		       !memcmp(older, old->root, sizeof(older));
		head->size = 0;
	} else {
		if (rcpt_receipt_size(receipt, proof->second, err))
			return -RCPT_INVALID;
		good = (!old->size || old->size == proof->first) &&
		       !rcpt_rfc9162_consistency(proof->first, proof->second, old->root,
						 proof->path, proof->npath, head->root);
		head->size = receipt->header.claims.has_size ? proof->second : 0;
	}
	if (good)
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_PROOF, RCPT_NO_OFFSET,
			 "no consistency proof begins at the older root");
}

/* The first of the proofs that begins at @old. */
static int find_proof(const struct rcpt_receipt *receipt, const struct rcpt_tree_head *old,
		      struct rcpt_tree_head *head, struct rcpt_error *err)
{
	int64_t vds = receipt->header.vds;
	struct rcpt_consistency proof;
	struct rcpt_error e = { 0 };
	struct rcpt_reader r;
	struct rcpt_span one;
	uint64_t count;
	bool found = false;

	rcpt_reader_init(&r, receipt->consistency, err);
	if (rcpt_read_array(&r, &count, "consistency proofs"))
		return r.failed;
	if (!count || count > RCPT_MAX_PROOFS)
		return rcpt_reader_fail(&r, count ? RECEIPT_REASON_BOUND : RECEIPT_REASON_PROOF,
					r.in.offset, "1 to %d consistency proofs expected",
					RCPT_MAX_PROOFS);
	for (; count; count--) {
		struct rcpt_tree_head this;

		if (rcpt_read_bytes(&r, &one, "consistency proof"))
			return r.failed;
		if (rcpt_consistency_parse(one, vds, &proof, err))
			return -RCPT_MALFORMED;
		if (found || newer_root(receipt, &proof, old, &this, &e))
			continue;
		*head = this;
		found = true;
	}
	if (!found && err)
		*err = e;
	return found ? 0 : -RCPT_INVALID;
}

/* A receipt and the root that it must be signed over. */
struct grown {
	const struct rcpt_receipt *receipt;
	const uint8_t *root;
};

static int check_grown(const struct rcpt_key *key, void *arg, struct rcpt_error *err)
{
	struct grown *g = arg;

	return rcpt_receipt_root_verify(g->receipt, g->root, key, err);
}

/**
 * rcpt_consistency_verify() - check that a log has only grown
 * @receipt: from rcpt_consistency_receipt()
 * @keys: trusted
 * @old: a state of the log that was proven before
 * @head: result: the state that the receipt is about
 * @err: what went wrong
 *
 * A size that is not signed is not known: it is 0 in @head.
 *
 * Return: 0; -RCPT_INVALID when no proof begins at @old, another size is signed, an
 * attached root is another, or the signature is wrong; -RCPT_MALFORMED for a damaged proof;
 * -RCPT_CANNOT_EVALUATE without a key, as rcpt_receipt_verify(); -RCPT_SYSTEM.
 */
int rcpt_consistency_verify(const struct rcpt_receipt *receipt,
			    const struct rcpt_keys *keys, const struct rcpt_tree_head *old,
			    struct rcpt_tree_head *head, struct rcpt_error *err)
{
	struct grown grown = { receipt, head->root };
	int ret = find_proof(receipt, old, head, err);

	if (!ret)
		ret = rcpt_receipt_attached(receipt, head->root, err);
	return ret ? ret : rcpt_receipt_try_keys(receipt, keys, check_grown, &grown, NULL, err);
}
