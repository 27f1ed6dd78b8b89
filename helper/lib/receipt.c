// SPDX-License-Identifier: MIT
/*
 * Receipts (RFC 9942): inclusion proofs of vds 1 (RFC 9162) and vds 2 (CCF
 * profile), signed by a log.
 */
#include <stdlib.h>
#include <string.h>

#include "receipt.h"

#define INCLUSION_PROOFS	(-1)
#define CONSISTENCY_PROOFS	(-2)

static int read_path_len(struct rcpt_reader *r, size_t max, size_t *n)
{
	uint64_t count;

	*n = 0;
	if (rcpt_read_array(r, &count, "path"))
		return r->failed;
	if (count > max)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, r->in.offset + r->pos,
					"path of over %zu hashes", max);
	*n = count;
	return 0;
}

/**
 * rcpt_read_path() - read a path of RFC 9162: hashes
 * @r: reader
 * @max: room in @path
 * @path: result
 * @n: result: how many
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_path(struct rcpt_reader *r, size_t max, uint8_t (*path)[RECEIPT_HASH_SIZE],
		   size_t *n)
{
	size_t i;

	if (read_path_len(r, max, n))
		return r->failed;
	for (i = 0; i < *n; i++)
		if (rcpt_read_hash(r, path[i], "path"))
			return r->failed;
	return 0;
}

static int read_ccf_step(struct rcpt_reader *r, uint8_t hash[RECEIPT_HASH_SIZE],
			 uint8_t *is_left)
{
	uint64_t count;
	bool left;

	if (rcpt_read_array(r, &count, "path element"))
		return r->failed;
	if (count != 2)
		return rcpt_reader_fail(r, RECEIPT_REASON_PROOF, r->in.offset + r->pos,
					"path element: 2 elements expected");
	if (rcpt_read_bool(r, &left, "path element: side"))
		return r->failed;
	*is_left = left;
	return rcpt_read_hash(r, hash, "path element");
}

/**
 * rcpt_read_ccf_path() - read a path of the CCF profile: sides and hashes
 * @r: reader
 * @path: result, with room for RECEIPT_MAX_PATH
 * @left: result: 1 when the hash is the left sibling, with the same room
 * @n: result: how many
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_read_ccf_path(struct rcpt_reader *r, uint8_t (*path)[RECEIPT_HASH_SIZE],
		       uint8_t *left, size_t *n)
{
	size_t i;

	if (read_path_len(r, RECEIPT_MAX_PATH, n))
		return r->failed;
	for (i = 0; i < *n; i++)
		if (read_ccf_step(r, path[i], &left[i]))
			return r->failed;
	return 0;
}

static int read_rfc9162(struct rcpt_reader *r, struct rcpt_inclusion *out)
{
	uint64_t count;

	if (rcpt_read_array(r, &count, "inclusion proof"))
		return r->failed;
	if (count != 3)
		return rcpt_reader_fail(r, RECEIPT_REASON_PROOF, r->in.offset,
					"inclusion proof: 3 elements expected");
	if (rcpt_read_uint(r, &out->size, "tree size") ||
	    rcpt_read_uint(r, &out->index, "leaf index"))
		return r->failed;
	return rcpt_read_path(r, RECEIPT_MAX_PATH, out->path, &out->npath);
}

static int read_ccf_leaf(struct rcpt_reader *r, struct rcpt_inclusion *out)
{
	uint64_t count;

	if (rcpt_read_array(r, &count, "leaf"))
		return r->failed;
	if (count != 3)
		return rcpt_reader_fail(r, RECEIPT_REASON_PROOF, r->in.offset,
					"leaf: 3 elements expected");
	if (rcpt_read_hash(r, out->leaf_tx, "internal transaction hash") ||
	    rcpt_read_text(r, &out->evidence, "internal evidence"))
		return r->failed;
	if (!out->evidence.len || out->evidence.len > RECEIPT_MAX_LEAF_EVIDENCE)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, out->evidence.offset,
					"internal evidence: 1 to %d bytes expected",
					RECEIPT_MAX_LEAF_EVIDENCE);
	return rcpt_read_hash(r, out->data_hash, "data hash");
}

/* The profile asks an inclusion proof for one step at least. */
static int read_ccf_path(struct rcpt_reader *r, struct rcpt_inclusion *out)
{
	if (rcpt_read_ccf_path(r, out->path, out->left, &out->npath))
		return r->failed;
	if (!out->npath)
		return rcpt_reader_fail(r, RECEIPT_REASON_PROOF, r->in.offset + r->pos,
					"path is empty");
	return 0;
}

static int read_ccf(struct rcpt_reader *r, struct rcpt_inclusion *out)
{
	struct rcpt_head key;
	uint64_t count;
	bool leaf = false, path = false;

	if (rcpt_read_map(r, &count, "inclusion proof"))
		return r->failed;
	for (; count; count--) {
		if (rcpt_read(r, &key))
			return r->failed;
		if (key.major == RCPT_UINT && key.arg == 1)
			leaf = !read_ccf_leaf(r, out);
		else if (key.major == RCPT_UINT && key.arg == 2)
			path = !read_ccf_path(r, out);
		else
			rcpt_skip(r, NULL);
		if (r->failed)
			return r->failed;
	}
	if (!leaf || !path)
		return rcpt_reader_fail(r, RECEIPT_REASON_PROOF, r->in.offset,
					"inclusion proof lacks its leaf or its path");
	return 0;
}

/**
 * rcpt_inclusion_parse() - read one inclusion proof
 * @in: exactly it
 * @vds: structure of the log
 * @out: result, points into @in; all zero before
 * @err: what went wrong
 *
 * Return: 0, or -RCPT_MALFORMED.
 */
int rcpt_inclusion_parse(struct rcpt_span in, int64_t vds, struct rcpt_inclusion *out,
			 struct rcpt_error *err)
{
	struct rcpt_reader r;
	int ret;

	rcpt_reader_init(&r, in, err);
	ret = vds == RECEIPT_VDS_CCF ? read_ccf(&r, out) : read_rfc9162(&r, out);
	return ret ? ret : rcpt_read_end(&r);
}

static int read_proofs(struct rcpt_reader *r, struct rcpt_receipt *out)
{
	struct rcpt_span span;
	uint64_t count;

	if (rcpt_read_array(r, &count, "inclusion proofs"))
		return r->failed;
	if (!count || count > RCPT_MAX_PROOFS)
		return rcpt_reader_fail(r, count ? RECEIPT_REASON_BOUND :
					RECEIPT_REASON_PROOF, r->in.offset + r->pos,
					"1 to %d inclusion proofs expected",
					RCPT_MAX_PROOFS);
	for (; out->nproofs < count; out->nproofs++) {
		if (rcpt_read_bytes(r, &span, "inclusion proof"))
			return r->failed;
		r->failed = rcpt_inclusion_parse(span, out->header.vds,
						 &out->proofs[out->nproofs], r->err);
		if (r->failed)
			return r->failed;
	}
	return 0;
}

static int read_vdp(struct rcpt_reader *r, struct rcpt_receipt *out)
{
	struct rcpt_head key;
	uint64_t count;
	int64_t label;

	if (rcpt_read_map(r, &count, "proofs"))
		return r->failed;
	for (; count && !r->failed; count--) {
		rcpt_read(r, &key);
		if (!rcpt_head_int(&key, &label))
			label = 0;
		if (label == INCLUSION_PROOFS)
			read_proofs(r, out);
		else
			rcpt_skip(r, label == CONSISTENCY_PROOFS ? &out->consistency : NULL);
	}
	return r->failed;
}

static int read_unprotected(struct rcpt_receipt *out, struct rcpt_error *err)
{
	struct rcpt_span proofs = rcpt_sign1_unprotected(&out->sign1, RCPT_LABEL_PROOFS);
	struct rcpt_reader r;

	rcpt_reader_init(&r, proofs, err);
	if (proofs.data && read_vdp(&r, out))
		return r.failed;
	if (!out->nproofs)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_PROOF,
				 out->sign1.unprotected.offset,
				 "receipt has no inclusion proof");
	return 0;
}

static int check_vds(const struct rcpt_receipt *out, struct rcpt_error *err)
{
	const struct rcpt_header *h = &out->header;

	if (!h->has_vds)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE,
				 RECEIPT_REASON_UNKNOWN_STRUCTURE,
				 out->sign1.protected.offset,
				 "protected header names no verifiable data structure");
	if (h->vds != RECEIPT_VDS_RFC9162 && h->vds != RECEIPT_VDS_CCF)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE,
				 RECEIPT_REASON_UNKNOWN_STRUCTURE,
				 out->sign1.protected.offset,
				 "verifiable data structure %lld is not supported",
				 (long long)h->vds);
	if (h->vds == RECEIPT_VDS_CCF && out->sign1.payload.data)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_STRUCTURE,
				 out->sign1.payload.offset,
				 "payload is attached, which the CCF profile forbids");
	return 0;
}

/**
 * rcpt_receipt_parse() - take a receipt apart
 * @in: exactly it
 * @out: result, points into @in; for rcpt_receipt_free(). On failure it holds
 *	what could be read.
 * @err: what went wrong
 *
 * Return: 0; -RCPT_MALFORMED; -RCPT_INVALID for a payload that may not be there;
 * -RCPT_CANNOT_EVALUATE for an unknown structure or critical label, and without
 * an inclusion proof; -RCPT_SYSTEM without memory.
 */
int rcpt_receipt_parse(struct rcpt_span in, struct rcpt_receipt *out,
		       struct rcpt_error *err)
{
	return rcpt_receipt_parse_crit(in, NULL, 0, out, err);
}

/**
 * rcpt_receipt_parse_crit() - take a receipt apart for who knows more critical labels
 * @in: exactly it
 * @allowed: labels that the caller understands
 * @nallowed: how many
 * @out: as of rcpt_receipt_parse()
 * @err: what went wrong
 *
 * Return: as rcpt_receipt_parse().
 */
int rcpt_receipt_parse_crit(struct rcpt_span in, const struct rcpt_label *allowed,
			    size_t nallowed, struct rcpt_receipt *out,
			    struct rcpt_error *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = rcpt_sign1_parse(in, &out->sign1, err);
	if (!ret)
		ret = rcpt_tokenise(out->sign1.protected, &out->tokens, err);
	if (!ret)
		ret = rcpt_header_parse(out->sign1.protected, &out->header, err);
	if (!ret)
		ret = rcpt_header_crit(&out->header, allowed, nallowed, err);
	if (!ret)
		ret = check_vds(out, err);
	return ret ? ret : read_unprotected(out, err);
}

/**
 * rcpt_receipt_free() - free and empty
 * @receipt: as filled by rcpt_receipt_parse(), or all zero
 */
void rcpt_receipt_free(struct rcpt_receipt *receipt)
{
	rcpt_tokens_free(&receipt->tokens);
	memset(receipt, 0, sizeof(*receipt));
}

/**
 * rcpt_receipt_size() - hold the size of a tree against the one that is signed
 * @receipt: parsed
 * @size: as a proof says it
 * @err: what went wrong
 *
 * Return: 0, also when none is signed; -RCPT_INVALID when it is another.
 */
int rcpt_receipt_size(const struct rcpt_receipt *receipt, uint64_t size,
		      struct rcpt_error *err)
{
	const struct rcpt_claims *claims = &receipt->header.claims;

	if (receipt->header.vds != RECEIPT_VDS_RFC9162 || !claims->has_size ||
	    claims->size == size)
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_TREE_SIZE, RCPT_NO_OFFSET,
			 "the proof is of a tree of %llu leaves, and another size is signed",
			 (unsigned long long)size);
}

static int fold_rfc9162(const struct rcpt_inclusion *p,
			const struct rcpt_statement *stmt, enum receipt_entry entry,
			uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err)
{
	const uint8_t *data = entry == RECEIPT_ENTRY_STMT ? stmt->bytes : stmt->digest;
	size_t len = entry == RECEIPT_ENTRY_STMT ? stmt->len : sizeof(stmt->digest);
	uint8_t leaf[RECEIPT_HASH_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
		  EVP_DigestUpdate(ctx, "", 1) && EVP_DigestUpdate(ctx, data, len) &&
		  EVP_DigestFinal_ex(ctx, leaf, NULL);

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "cannot hash");
	if (rcpt_rfc9162_root(leaf, p->index, p->size, p->path, p->npath, root))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_PROOF, RCPT_NO_OFFSET,
				 "path of %zu hashes does not lead from leaf %llu to the root of %llu leaves",
				 p->npath, (unsigned long long)p->index,
				 (unsigned long long)p->size);
	return 0;
}

static int fold_ccf(const struct rcpt_inclusion *p, const struct rcpt_statement *stmt,
		    uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err)
{
	uint8_t in[3 * RECEIPT_HASH_SIZE], leaf[RECEIPT_HASH_SIZE];

	if (memcmp(p->data_hash, stmt->digest, sizeof(p->data_hash)))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_STATEMENT,
				 RCPT_NO_OFFSET, "receipt is for another statement");
	memcpy(in, p->leaf_tx, RECEIPT_HASH_SIZE);
	memcpy(in + 2 * RECEIPT_HASH_SIZE, p->data_hash, RECEIPT_HASH_SIZE);
	if (rcpt_sha256(p->evidence.data, p->evidence.len, in + RECEIPT_HASH_SIZE) ||
	    rcpt_sha256(in, sizeof(in), leaf))
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "cannot hash");
	if (rcpt_ccf_root(leaf, p->left, p->path, p->npath, root))
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "cannot hash");
	return 0;
}

/**
 * rcpt_receipt_attached() - hold an attached root against the one of a proof
 * @receipt: parsed
 * @root: that its proofs give
 * @err: what went wrong
 *
 * Return: 0, also when none is attached; -RCPT_INVALID when it is another.
 */
int rcpt_receipt_attached(const struct rcpt_receipt *receipt,
			  const uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err)
{
	struct rcpt_span attached = receipt->sign1.payload;

	if (!attached.data || rcpt_span_equal(attached, root, RECEIPT_HASH_SIZE))
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_ROOT, attached.offset,
			 "attached root is not the one that the proof gives");
}

/**
 * rcpt_receipt_root() - compute the root that a receipt is about
 * @receipt: parsed
 * @stmt: the statement that it is held against
 * @entry: for vds 1, what the leaf commits to
 * @root: result
 * @err: what went wrong
 *
 * Return: 0; -RCPT_INVALID when the receipt is for another statement, another size
 * is signed, a path leads nowhere, the proofs differ, or an attached root is another;
 * -RCPT_SYSTEM when OpenSSL fails.
 */
int rcpt_receipt_root(const struct rcpt_receipt *receipt,
		      const struct rcpt_statement *stmt, enum receipt_entry entry,
		      uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err)
{
	uint8_t other[RECEIPT_HASH_SIZE];
	size_t i;
	int ret;

	for (i = 0; i < receipt->nproofs; i++) {
		const struct rcpt_inclusion *p = &receipt->proofs[i];

		ret = rcpt_receipt_size(receipt, p->size, err);
		if (!ret)
			ret = receipt->header.vds == RECEIPT_VDS_CCF ?
			      fold_ccf(p, stmt, other, err) :
			      fold_rfc9162(p, stmt, entry, other, err);
		if (ret)
			return ret;
		if (i && memcmp(root, other, sizeof(other)))
			return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_PROOF,
					 RCPT_NO_OFFSET,
					 "inclusion proofs give different roots");
		memcpy(root, other, sizeof(other));
	}
	return rcpt_receipt_attached(receipt, root, err);
}

/**
 * rcpt_receipt_root_verify() - check a log's signature over a root
 * @receipt: parsed
 * @root: that its proofs give
 * @key: of the log
 * @err: what went wrong
 *
 * Return: 0; -RCPT_INVALID when it is wrong; -RCPT_CANNOT_EVALUATE when the
 * algorithm does not fit the key; -RCPT_SYSTEM.
 */
int rcpt_receipt_root_verify(const struct rcpt_receipt *receipt, const uint8_t root[32],
			     const struct rcpt_key *key, struct rcpt_error *err)
{
	int64_t alg = receipt->header.alg;
	int ret;

	if (!rcpt_key_fits(key->pkey, alg))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM,
				 RCPT_NO_OFFSET, "algorithm %lld%s%s%s does not fit the key",
				 (long long)alg, rcpt_alg_name(alg) ? " (" : "",
				 rcpt_alg_name(alg) ? rcpt_alg_name(alg) : "",
				 rcpt_alg_name(alg) ? ")" : "");
	ret = rcpt_sign1_verify(&receipt->sign1, rcpt_span(root, RECEIPT_HASH_SIZE), alg,
				key->pkey, err);
	if (ret == -RCPT_INVALID && err)
		snprintf(err->text, sizeof(err->text),
			 "the log's signature over the computed root is wrong");
	return ret;
}

/* Why none of the keys is one for a receipt. */
static int no_key(const struct rcpt_receipt *receipt, const struct rcpt_keys *keys,
		  struct rcpt_error *err)
{
	struct rcpt_span iss = receipt->header.claims.iss, any = { 0 };
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (rcpt_key_matches(&keys->keys[i], iss, any))
			return rcpt_fail(err, RCPT_CANNOT_EVALUATE,
					 RECEIPT_REASON_UNKNOWN_KEY, RCPT_NO_OFFSET,
					 "no key of the receipt's key id");
	if (!iss.len)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_CLAIMS,
				 RCPT_NO_OFFSET, "the receipt names no log");
	return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_UNKNOWN_LOG,
			 RCPT_NO_OFFSET, "no key of the receipt's issuer");
}

/**
 * rcpt_receipt_try_keys() - find the key that proves a receipt
 * @receipt: parsed
 * @keys: trusted; those are tried that rcpt_key_matches() the receipt
 * @check: returns 0 when the receipt is good with the key, or the negative of a
 *	status with its error filled in
 * @arg: for @check
 * @key: result: the first good one, in @keys; may be NULL
 * @err: what went wrong: with several keys, what weighs most
 *
 * Return: 0; -RCPT_CANNOT_EVALUATE when the receipt names no issuer or no key is
 * of its issuer and key id; else what @check said.
 */
int rcpt_receipt_try_keys(const struct rcpt_receipt *receipt, const struct rcpt_keys *keys,
			  int (*check)(const struct rcpt_key *key, void *arg,
				       struct rcpt_error *err),
			  void *arg, const struct rcpt_key **key, struct rcpt_error *err)
{
	struct rcpt_error e = { 0 }, worst = { 0 };
	size_t i;

	for (i = 0; i < keys->count; i++) {
		if (!rcpt_key_matches(&keys->keys[i], receipt->header.claims.iss,
				      receipt->header.kid))
			continue;
		if (!check(&keys->keys[i], arg, &e)) {
			if (key)
				*key = &keys->keys[i];
			return 0;
		}
		if (rcpt_status_weight(e.status) > rcpt_status_weight(worst.status))
			worst = e;
	}
	if (!worst.status)
		return no_key(receipt, keys, err);
	if (err)
		*err = worst;
	return -worst.status;
}

/* A receipt held against a statement; the root that it gives. */
struct recorded {
	const struct rcpt_receipt *receipt;
	const struct rcpt_statement *stmt;
	uint8_t *root;
};

static int check_recorded(const struct rcpt_key *key, void *arg, struct rcpt_error *err)
{
	struct recorded *r = arg;
	int ret = rcpt_key_fits(key->pkey, r->receipt->header.alg) ?
		  rcpt_receipt_root(r->receipt, r->stmt, key->entry, r->root, err) : 0;

	return ret ? ret : rcpt_receipt_root_verify(r->receipt, r->root, key, err);
}

/**
 * rcpt_receipt_verify() - check that a trusted log recorded a statement
 * @receipt: parsed
 * @stmt: statement
 * @keys: trusted
 * @key: result: the key that it was proven with, in @keys; may be NULL
 * @root: result: root that was signed
 * @err: what went wrong
 *
 * Return: 0; -RCPT_INVALID when the receipt is wrong (see rcpt_receipt_root(),
 * or its signature is); -RCPT_CANNOT_EVALUATE when it names no issuer, there is
 * no key of its issuer or key id, or the algorithm does not fit it; -RCPT_SYSTEM.
 */
int rcpt_receipt_verify(const struct rcpt_receipt *receipt,
			const struct rcpt_statement *stmt,
			const struct rcpt_keys *keys, const struct rcpt_key **key,
			uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err)
{
	struct recorded recorded = { receipt, stmt, root };

	return rcpt_receipt_try_keys(receipt, keys, check_recorded, &recorded, key, err);
}

/* Decimal digits, at least one, up to @stop; @in goes on behind it. */
static bool read_number(struct rcpt_span *in, uint8_t stop, uint64_t *out)
{
	size_t i;

	*out = 0;
	for (i = 0; i < in->len && in->data[i] >= '0' && in->data[i] <= '9'; i++)
		if (__builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, in->data[i] - '0', out))
			return false;
	if (!i || i == in->len || in->data[i] != stop)
		return false;
	*in = rcpt_span(in->data + i + 1, in->len - i - 1);
	return true;
}

/* "ce:VIEW.SEQNO:...", commit evidence of CCF. */
static bool read_evidence(const struct rcpt_receipt *receipt, struct rcpt_span *transaction,
			  uint64_t *seqno)
{
	struct rcpt_span text = receipt->proofs[0].evidence, rest;
	uint64_t view;

	if (receipt->header.vds != RECEIPT_VDS_CCF || text.len < 3 ||
	    memcmp(text.data, "ce:", 3))
		return false;
	rest = rcpt_span(text.data + 3, text.len - 3);
	if (!read_number(&rest, '.', &view) || !read_number(&rest, ':', seqno))
		return false;
	*transaction = rcpt_span(text.data + 3, rest.data - 1 - (text.data + 3));
	return true;
}

/**
 * rcpt_receipt_has_size() - has the log signed the size of its tree?
 * @receipt: parsed
 *
 * RFC 9942 has the root signed alone, and one path leads to one root for several
 * pairs of index and size: whoever brings a receipt may write another pair than the
 * log did. For a size that is signed there is one index.
 *
 * Return: whether it has, and the first proof is of that size.
 */
bool rcpt_receipt_has_size(const struct rcpt_receipt *receipt)
{
	return receipt->header.vds == RECEIPT_VDS_RFC9162 && receipt->nproofs &&
	       receipt->header.claims.has_size &&
	       receipt->header.claims.size == receipt->proofs[0].size;
}

/**
 * rcpt_receipt_position() - where the statement stands in the log
 * @receipt: proven
 *
 * As the kernel counts it.
 *
 * Return: leaf index of vds 1, 0 when no size is signed; sequence number of vds 2
 * out of its evidence, 0 when it does not say one.
 */
uint64_t rcpt_receipt_position(const struct rcpt_receipt *receipt)
{
	struct rcpt_span transaction;
	uint64_t seqno;

	if (receipt->header.vds != RECEIPT_VDS_CCF)
		return rcpt_receipt_has_size(receipt) ? receipt->proofs[0].index : 0;
	return read_evidence(receipt, &transaction, &seqno) ? seqno : 0;
}

/**
 * rcpt_receipt_transaction() - which transaction of a CCF log it was
 * @receipt: proven
 *
 * Return: "VIEW.SEQNO", in the receipt; absent for vds 1, and when the evidence
 * does not say it.
 */
struct rcpt_span rcpt_receipt_transaction(const struct rcpt_receipt *receipt)
{
	struct rcpt_span transaction;
	uint64_t seqno;

	return read_evidence(receipt, &transaction, &seqno) ? transaction :
							      (struct rcpt_span){ 0 };
}
