// SPDX-License-Identifier: GPL-2.0-only
/*
 * The proof: from a digest over the statement and the log to a key of the policy.
 * Nothing that user space says is believed; every byte that counts is encoded
 * here, hashed here, and in the end signed by a log.
 */
#include <linux/ctype.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "private.h"

#define HASH_ALG_SHA256		(-16)
#define HASH_ALG_SHA384		(-43)
#define HASH_ALG_SHA512		(-44)
#define USAGE_ALL		0xff
#define LEAF_SIZE		(2 + RECEIPT_MAX_DIGEST)

/**
 * struct encoded - a protected header, checked, read and encoded
 * @claims: what it says
 * @bytes: the encoding
 * @size: its length
 */
struct encoded {
	struct receipt_claims claims;
	u8 *bytes;
	size_t size;
};

static enum receipt_reason encode_header(const struct receipt_header *hdr,
					 struct encoded *enc)
{
	enum receipt_reason reason;

	reason = receipt_cbor_check(hdr, &enc->size);
	if (reason)
		return reason;
	enc->bytes = kvmalloc(enc->size, GFP_KERNEL_ACCOUNT);
	if (!enc->bytes)
		return RECEIPT_REASON_NO_MEMORY;
	receipt_cbor_encode(hdr, enc->bytes);

	return receipt_claims_read(hdr, &enc->claims);
}

/* DESIGN: leaf = SHA256(0x00 || kind || usage || digest), RFC 9162 tree. */
static enum receipt_reason prove_manifest(const struct receipt_evidence *ev)
{
	size_t size = receipt_kind_size(ev->digest.kind);
	u8 leaf[LEAF_SIZE], hash[RECEIPT_HASH_SIZE];
	enum receipt_reason reason;

	if (!ev->has_manifest)
		return RECEIPT_REASON_MANIFEST_PATH;
	if (ev->statement.payload_len != RECEIPT_HASH_SIZE)
		return RECEIPT_REASON_MANIFEST_PATH;

	leaf[0] = ev->digest.kind;
	leaf[1] = ev->usage;
	memcpy(leaf + 2, ev->digest.bytes, size);
	if (receipt_merkle_leaf(leaf, 2 + size, hash))
		return RECEIPT_REASON_NO_MEMORY;
	reason = receipt_rfc9162_fold(hash, ev->index, ev->tree_size, ev->path,
				      ev->steps);
	if (reason)
		return reason;

	return memcmp(hash, ev->statement.payload, sizeof(hash)) ?
	       RECEIPT_REASON_MANIFEST_PATH : RECEIPT_REASON_ALLOWED;
}

/* RFC 9995: the payload is the digest, label 3 must not be there. */
static enum receipt_reason prove_hash_envelope(const struct receipt_evidence *ev,
					       const struct receipt_claims *claims)
{
	size_t size = receipt_kind_size(ev->digest.kind);
	u8 kind;

	switch (claims->hash_alg) {
	case HASH_ALG_SHA256:
		kind = RECEIPT_KIND_SHA256;
		break;
	case HASH_ALG_SHA384:
		kind = RECEIPT_KIND_SHA384;
		break;
	case HASH_ALG_SHA512:
		kind = RECEIPT_KIND_SHA512;
		break;
	default:
		return RECEIPT_REASON_HASH_ALGORITHM;
	}
	if (claims->content_type)
		return RECEIPT_REASON_CONTENT_TYPE;

	return kind != ev->digest.kind || ev->statement.payload_len != size ||
	       memcmp(ev->statement.payload, ev->digest.bytes, size) ?
	       RECEIPT_REASON_DIGEST : RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason prove_artifact(const struct receipt_evidence *ev,
					  const struct receipt_claims *claims)
{
	if (claims->hash_alg)
		return prove_hash_envelope(ev, claims);
	if (claims->manifest)
		return prove_manifest(ev);

	return claims->content_type ? RECEIPT_REASON_CONTENT_TYPE :
				      RECEIPT_REASON_HASH_ALGORITHM;
}

/* A byte string: head, content. Consumes RECEIPT_HEAD_MAX bytes of @head. */
static size_t span_bstr(struct receipt_span *spans, u8 *head, const u8 *data,
			size_t len)
{
	spans[0].data = head;
	spans[0].len = receipt_cbor_head(head, CBOR_BSTR, len);
	spans[1].data = data;
	spans[1].len = len;

	return 2;
}

#define STATEMENT_SPANS	8

/**
 * struct statement_bytes - what the log saw
 * @heads: storage of the heads
 * @spans: D2 84 || bstr(protected) || A0 || bstr(payload) || bstr(signature)
 */
struct statement_bytes {
	u8 heads[3][RECEIPT_HEAD_MAX];
	struct receipt_span spans[STATEMENT_SPANS];
};

static void statement_bytes(const struct receipt_statement *stmt,
			    const struct encoded *enc,
			    struct statement_bytes *out)
{
	static const u8 start[] = { 0xd2, 0x84 }, empty_map = 0xa0;
	struct receipt_span *s = out->spans;

	*s++ = (struct receipt_span){ start, sizeof(start) };
	s += span_bstr(s, out->heads[0], enc->bytes, enc->size);
	*s++ = (struct receipt_span){ &empty_map, 1 };
	s += span_bstr(s, out->heads[1], stmt->payload, stmt->payload_len);
	span_bstr(s, out->heads[2], stmt->sig, stmt->sig_len);
}

/* ["Signature1", protected, h'', payload], RFC 9052 section 4.4. */
static enum receipt_reason verify_sign1(const struct receipt_key *key,
					const struct encoded *enc,
					const u8 *payload, size_t payload_len,
					const u8 *sig, size_t sig_len)
{
	static const u8 context[] = "\x84\x6aSignature1", no_aad = 0x40;
	u8 heads[2][RECEIPT_HEAD_MAX];
	struct receipt_span spans[6], *s = spans;

	*s++ = (struct receipt_span){ context, sizeof(context) - 1 };
	s += span_bstr(s, heads[0], enc->bytes, enc->size);
	*s++ = (struct receipt_span){ &no_aad, 1 };
	s += span_bstr(s, heads[1], payload, payload_len);

	return receipt_logkey_verify(key, enc->claims.alg, spans, s - spans,
				     sig, sig_len);
}

/* A decimal number in front of @stop; returns what follows, or NULL. */
static const u8 *read_number(const u8 *p, const u8 *end, u8 stop, u64 *num)
{
	const u8 *first = p;

	for (*num = 0; p < end && isdigit(*p); p++)
		if (check_mul_overflow(*num, 10, num) ||
		    check_add_overflow(*num, *p - '0', num))
			return NULL;

	return p > first && p < end && *p == stop ? p + 1 : NULL;
}

/* seqno of "ce:<view>.<seqno>:<hex>"; 0 when it is not of that form. */
static u64 ccf_position(const struct receipt_receipt *rcpt)
{
	const u8 *p = rcpt->leaf_evidence, *end = p + rcpt->leaf_evidence_len;
	u64 view, seqno;

	if (end - p < 3 || memcmp(p, "ce:", 3))
		return 0;
	p = read_number(p + 3, end, '.', &view);
	if (p)
		p = read_number(p, end, ':', &seqno);

	return p ? seqno : 0;
}

/* vds 2: SHA256(transaction || SHA256(evidence) || SHA256(statement)). */
static enum receipt_reason ccf_root(const struct receipt_receipt *rcpt,
				    const u8 *stmt_hash, u8 *root, u64 *position)
{
	u8 evidence_hash[RECEIPT_HASH_SIZE];
	struct receipt_span evidence = { rcpt->leaf_evidence,
					 rcpt->leaf_evidence_len };
	struct receipt_span leaf[] = {
		{ rcpt->leaf_tx, RECEIPT_HASH_SIZE },
		{ evidence_hash, sizeof(evidence_hash) },
		{ stmt_hash, RECEIPT_HASH_SIZE },
	};

	if (!rcpt->leaf_tx || !rcpt->leaf_evidence || !rcpt->left)
		return RECEIPT_REASON_PROOF;
	*position = ccf_position(rcpt);
	if (receipt_sha256(&evidence, 1, evidence_hash) ||
	    receipt_sha256(leaf, ARRAY_SIZE(leaf), root))
		return RECEIPT_REASON_NO_MEMORY;

	return receipt_ccf_fold(root, rcpt->left, rcpt->path, rcpt->steps);
}

/* vds 1: SHA256(0x00 || entry), and the policy says what the entry is. */
static enum receipt_reason rfc9162_root(const struct receipt_receipt *rcpt,
					const struct receipt_claims *claims,
					const struct statement_bytes *bytes,
					const u8 *stmt_hash,
					enum receipt_entry entry, u8 *root,
					u64 *position)
{
	static const u8 prefix;
	struct receipt_span spans[1 + STATEMENT_SPANS] = { { &prefix, 1 } };
	enum receipt_reason reason;
	int ret;

	if (!rcpt->has_index)
		return RECEIPT_REASON_PROOF;
	reason = receipt_claims_position(claims, rcpt->index, rcpt->tree_size,
					 position);
	if (reason)
		return reason;
	if (entry == RECEIPT_ENTRY_STMT) {
		memcpy(spans + 1, bytes->spans, sizeof(bytes->spans));
		ret = receipt_sha256(spans, ARRAY_SIZE(spans), root);
	} else {
		ret = receipt_merkle_leaf(stmt_hash, RECEIPT_HASH_SIZE, root);
	}
	if (ret)
		return RECEIPT_REASON_NO_MEMORY;

	return receipt_rfc9162_fold(root, rcpt->index, rcpt->tree_size,
				    rcpt->path, rcpt->steps);
}

/* What all attempts to prove the receipts of a statement have in common. */
struct prover {
	const struct receipt_policy *policy;
	struct statement_bytes bytes;
	u8 stmt_hash[RECEIPT_HASH_SIZE];
	struct receipt_proof proofs[RECEIPT_MAX_RECEIPTS];
	u8 nproofs;
};

static bool text_equal(const struct receipt_text *text, const char *s)
{
	return text->len == strlen(s) && !memcmp(text->data, s, text->len);
}

/* Not the evidence's fault: with more memory or another kernel it might be good. */
static bool is_unknown(enum receipt_reason reason)
{
	return reason == RECEIPT_REASON_NO_MEMORY ||
	       reason == RECEIPT_REASON_UNVERIFIABLE;
}

/* Under one key of one log that the receipt may come from. */
static enum receipt_reason prove_under(struct prover *p,
				       const struct receipt_log *log,
				       const struct receipt_receipt *rcpt,
				       const struct encoded *enc)
{
	bool ccf = enc->claims.vds == RECEIPT_VDS_CCF;
	struct receipt_proof *proof = &p->proofs[p->nproofs];
	u8 root[RECEIPT_HASH_SIZE];
	enum receipt_reason reason;
	u64 position;

	reason = ccf ? ccf_root(rcpt, p->stmt_hash, root, &position) :
		       rfc9162_root(rcpt, &enc->claims, &p->bytes,
				    p->stmt_hash, log->entry, root, &position);
	if (!reason && !receipt_logkey_fits(&log->key, enc->claims.alg))
		reason = RECEIPT_REASON_ALGORITHM;
	if (!reason)
		reason = verify_sign1(&log->key, enc, root, sizeof(root),
				      rcpt->sig, rcpt->sig_len);
	if (reason)
		return reason;

	memcpy(proof->key_id, log->key.id, sizeof(proof->key_id));
	proof->iss = log->issuer;
	proof->vds = enc->claims.vds;
	proof->entry = log->entry;
	proof->iat = enc->claims.iat;
	proof->position = position;
	p->nproofs++;

	return RECEIPT_REASON_ALLOWED;
}

/* The reason of the last attempt under a key that the receipt may mean. */
static enum receipt_reason prove_encoded(struct prover *p,
					 const struct receipt_receipt *rcpt,
					 const struct encoded *enc)
{
	enum receipt_reason reason = RECEIPT_REASON_UNKNOWN_LOG;
	u32 i;

	if (enc->claims.vds != RECEIPT_VDS_RFC9162 &&
	    enc->claims.vds != RECEIPT_VDS_CCF)
		return RECEIPT_REASON_UNKNOWN_STRUCTURE;

	for (i = 0; i < p->policy->nlogs; i++) {
		const struct receipt_log *log = &p->policy->logs[i];

		if (!text_equal(&enc->claims.iss, log->issuer))
			continue;
		if (!receipt_logkey_kid(&log->key, &enc->claims.kid)) {
			if (reason == RECEIPT_REASON_UNKNOWN_LOG)
				reason = RECEIPT_REASON_UNKNOWN_KEY;
			continue;
		}
		reason = prove_under(p, log, rcpt, enc);
		if (!reason || is_unknown(reason))
			return reason;
	}

	return reason;
}

static enum receipt_reason prove_receipt(struct prover *p,
					 const struct receipt_receipt *rcpt)
{
	struct encoded enc = {};
	enum receipt_reason reason;

	reason = encode_header(&rcpt->hdr, &enc);
	if (!reason)
		reason = prove_encoded(p, rcpt, &enc);
	kvfree(enc.bytes);

	return reason;
}

/*
 * One good receipt is enough; what is wrong with the others does no harm. Of those
 * that could not be tried nobody knows: nothing is proven then.
 */
static enum receipt_reason prove_receipts(struct prover *p,
					  const struct receipt_evidence *ev)
{
	enum receipt_reason reason = RECEIPT_REASON_NO_RECEIPT, r;
	u32 i;

	for (i = 0; i < ev->nreceipts; i++) {
		r = prove_receipt(p, &ev->receipts[i]);
		if (is_unknown(r))
			return r;
		if (r)
			reason = r;
	}

	return p->nproofs ? RECEIPT_REASON_ALLOWED : reason;
}

/* The first key that a rule asks for, or a line revokes, and that signed the statement. */
static enum receipt_reason prove_issuer(const struct receipt_policy *policy,
					const struct receipt_statement *stmt,
					const struct encoded *enc, u8 *key_id)
{
	const struct receipt_key *key;
	enum receipt_reason reason;
	u32 at = 0;

	while ((key = receipt_policy_issuer_key(policy, &at))) {
		reason = verify_sign1(key, enc, stmt->payload,
				      stmt->payload_len, stmt->sig,
				      stmt->sig_len);
		if (is_unknown(reason))
			return reason;
		if (reason)
			continue;
		memcpy(key_id, key->id, RECEIPT_HASH_SIZE);
		break;
	}

	return RECEIPT_REASON_ALLOWED;
}

static const char *put_string(char **out, const void *data, size_t len)
{
	char *start = *out;

	/* What is missing is empty, and nowhere. */
	if (len)
		memcpy(start, data, len);
	start[len] = 0;
	*out += len + 1;

	return start;
}

static struct receipt_proven *new_proven(const struct prover *p,
					 const struct receipt_claims *claims,
					 u8 usage)
{
	size_t size = claims->iss.len + 1 + claims->sub.len + 1;
	struct receipt_proven *proven;
	struct receipt_summary *sum;
	char *out;
	u8 i;

	for (i = 0; i < p->nproofs; i++)
		size += strlen(p->proofs[i].iss) + 1;
	proven = kzalloc(struct_size(proven, strings, size), GFP_KERNEL_ACCOUNT);
	if (!proven)
		return NULL;

	receipt_count(RECEIPT_STAT_STATEMENTS);
	refcount_set(&proven->ref, 1);
	memcpy(proven->id, p->stmt_hash, sizeof(proven->id));
	sum = &proven->summary;
	out = proven->strings;
	sum->usage = usage;
	sum->iss = put_string(&out, claims->iss.data, claims->iss.len);
	sum->sub = put_string(&out, claims->sub.data, claims->sub.len);
	sum->has_svn = claims->has_svn;
	sum->svn = claims->svn;
	sum->iat = claims->iat;
	sum->nproofs = p->nproofs;
	for (i = 0; i < p->nproofs; i++) {
		sum->proofs[i] = p->proofs[i];
		sum->proofs[i].iss = put_string(&out, p->proofs[i].iss,
						strlen(p->proofs[i].iss));
	}

	return proven;
}

static enum receipt_reason prove_statement(const struct receipt_evidence *ev,
					   const struct encoded *enc,
					   struct prover *p,
					   struct receipt_proven **proven)
{
	u8 usage = enc->claims.hash_alg ? USAGE_ALL : ev->usage;
	u8 issuer_key_id[RECEIPT_HASH_SIZE] = {};
	enum receipt_reason reason;

	reason = prove_artifact(ev, &enc->claims);
	if (reason)
		return reason;
	statement_bytes(&ev->statement, enc, &p->bytes);
	if (receipt_sha256(p->bytes.spans, STATEMENT_SPANS, p->stmt_hash))
		return RECEIPT_REASON_NO_MEMORY;
	reason = prove_receipts(p, ev);
	if (!reason)
		reason = prove_issuer(p->policy, &ev->statement, enc, issuer_key_id);
	if (reason)
		return reason;
	*proven = new_proven(p, &enc->claims, usage);
	if (!*proven)
		return RECEIPT_REASON_NO_MEMORY;
	memcpy((*proven)->summary.issuer_key_id, issuer_key_id,
	       sizeof(issuer_key_id));
	(*proven)->summary.revoked_keys = p->policy->revoked_keys;
	(*proven)->summary.untried = receipt_alg_is_untried(enc->claims.alg);

	return RECEIPT_REASON_ALLOWED;
}

/**
 * receipt_evidence_prove - prove what user space says about a digest
 * @ev: its numbers are within the bounds of the UAPI header, its blobs are not
 *	NULL; all else is hostile
 * @policy: whose logs count
 * @proven: set on success; the caller owns a reference
 *
 * Context: May sleep.
 * Return: RECEIPT_REASON_ALLOWED, RECEIPT_REASON_NO_MEMORY, or why it proves
 *	nothing. When no receipt counts, the reason of the last one.
 */
enum receipt_reason receipt_evidence_prove(const struct receipt_evidence *ev,
					   const struct receipt_policy *policy,
					   struct receipt_proven **proven)
{
	struct prover *p = kvzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	struct encoded enc = {};
	enum receipt_reason reason;

	if (!p)
		return RECEIPT_REASON_NO_MEMORY;

	p->policy = policy;
	reason = encode_header(&ev->statement.hdr, &enc);
	if (!reason)
		reason = prove_statement(ev, &enc, p, proven);
	kvfree(enc.bytes);
	kvfree(p);
	if (!reason)
		receipt_count(RECEIPT_STAT_PROVEN);

	return reason;
}
