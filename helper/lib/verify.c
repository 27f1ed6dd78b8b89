// SPDX-License-Identifier: MIT
/*
 * The verdict over a statement: claims, the issuer's signature, receipts, what
 * it vouches for, and the policy's rules.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verify.h"

#define USAGE_ALL	0xff

static void take_error(struct rcpt_verify_result *res, const struct rcpt_error *err)
{
	if (!res->err.status)
		res->err = *err;
}

static void check_transparent(const struct rcpt_verify_params *p,
			      struct rcpt_verify_result *res)
{
	if (!p->stmt->nreceipts && !p->nbeside)
		rcpt_fail(&res->err, RCPT_INVALID, RECEIPT_REASON_NO_RECEIPT,
			  RCPT_NO_OFFSET, "the statement has no receipt");
}

/* A kernel understands none that the caller does. */
static size_t ncrit_allowed(const struct rcpt_verify_params *p)
{
	return p->policy ? 0 : p->ncrit;
}

static void check_crit(const struct rcpt_verify_params *p,
		       struct rcpt_verify_result *res)
{
	struct rcpt_error err;

	if (rcpt_header_crit(&p->stmt->header, p->crit, ncrit_allowed(p), &err))
		take_error(res, &err);
}

/* Without a key for it, the receipts decide; who was named must have signed. */
static void check_issuer(const struct rcpt_verify_params *p,
			 struct rcpt_verify_result *res)
{
	struct rcpt_issuer_trust trust = p->trust;
	size_t i;

	trust.ntimes = 0;
	for (i = 0; i < res->nreceipts; i++)
		if (!res->receipts[i].err.status)
			rcpt_issuer_time(&trust, &res->receipts[i].receipt);
	if (!rcpt_issuer_verify(p->stmt, &trust, &res->issuer))
		return;
	if (res->issuer.status != RCPT_CANNOT_EVALUATE || trust.keys || trust.roots)
		take_error(res, &res->issuer);
}

static void prove_receipt(const struct rcpt_verify_params *p, struct rcpt_span in,
			  bool beside, struct rcpt_verify_result *res)
{
	struct rcpt_receipt_result *r = &res->receipts[res->nreceipts++];

	r->beside = beside;
	if (rcpt_receipt_parse_crit(in, p->crit, ncrit_allowed(p), &r->receipt, &r->err))
		return;
	if (!rcpt_receipt_verify(&r->receipt, p->stmt, p->keys, &r->key, r->root,
				 &r->err))
		res->nvalid++;
}

static void prove_receipts(const struct rcpt_verify_params *p,
			   struct rcpt_verify_result *res)
{
	size_t i;

	for (i = 0; i < p->stmt->nreceipts; i++)
		prove_receipt(p, p->stmt->receipts[i], false, res);
	for (i = 0; i < p->nbeside; i++)
		prove_receipt(p, p->beside[i], true, res);
}

/* When several are wrong, the first of those that weigh most. */
static const struct rcpt_error *worst_receipt(const struct rcpt_verify_result *res)
{
	const struct rcpt_error *worst = NULL;
	size_t i;

	for (i = 0; i < res->nreceipts; i++) {
		const struct rcpt_error *err = &res->receipts[i].err;

		if (err->status && (!worst || rcpt_status_weight(err->status) >
					      rcpt_status_weight(worst->status)))
			worst = err;
	}
	return worst;
}

static void check_receipts(const struct rcpt_verify_params *p,
			   struct rcpt_verify_result *res)
{
	const struct rcpt_error *worst = worst_receipt(res);

	if (worst && (!res->nvalid || p->require_all))
		take_error(res, worst);
}

static const uint8_t *digest_of(const struct rcpt_digests *d, uint8_t kind)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->digests[i].kind == kind)
			return d->digests[i].bytes;
	return NULL;
}

/* RFC 9995: the payload is the digest, label 3 must not be there. */
static int bind_envelope(const struct rcpt_verify_params *p, struct rcpt_error *err)
{
	const struct rcpt_header *h = &p->stmt->header;
	struct rcpt_span payload = p->stmt->sign1.payload;
	int kind = rcpt_digest_kind(h->hash_alg);
	const uint8_t *digest = p->artifact ? digest_of(p->artifact, kind) : payload.data;

	if (!kind)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_HASH_ALGORITHM,
				 RCPT_NO_OFFSET, "hash algorithm %lld is not supported",
				 (long long)h->hash_alg);
	if (h->content_type.data || h->has_content_format)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CONTENT_TYPE,
				 RCPT_NO_OFFSET, "a hash envelope with a content type");
	if (payload.len != rcpt_digest_len(kind))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_DIGEST, payload.offset,
				 "payload of %zu bytes is no such digest", payload.len);
	if (!digest || memcmp(digest, payload.data, payload.len))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_DIGEST, payload.offset,
				 "the artifact's digest is not the payload");
	return 0;
}

/* Of several leaves of one digest, the one that grants the operation. */
static bool find_leaf(const struct rcpt_verify_params *p, struct rcpt_verify_result *res)
{
	const struct rcpt_bundle *b = p->bundle;
	bool found = false;
	size_t i, at;

	for (i = 0; i < p->artifact->n; i++) {
		const struct rcpt_digest *d = &p->artifact->digests[i];

		for (at = rcpt_bundle_find(b, d->kind, d->bytes, 0); at < b->nleaves;
		     at = rcpt_bundle_find(b, d->kind, d->bytes, at + 1)) {
			if (!found || b->leaves[at].usage & 1 << p->op)
				res->leaf = at;
			found = true;
		}
	}
	if (found)
		res->usage = b->leaves[res->leaf].usage;
	return found;
}

/* The path from the leaf to the payload, as the kernel walks it. */
static int walk_leaf(const struct rcpt_verify_params *p,
		     const struct rcpt_verify_result *res, struct rcpt_error *err)
{
	const struct rcpt_bundle *b = p->bundle;
	const struct rcpt_leaf *leaf = &b->leaves[res->leaf];
	uint8_t path[RCPT_MAX_PATH][RECEIPT_HASH_SIZE], hash[RECEIPT_HASH_SIZE];
	int n = rcpt_tree_path(b->nodes, b->nleaves, res->leaf, path);

	if (n < 0 || rcpt_manifest_leaf(leaf->kind, leaf->usage, leaf->digest, hash) ||
	    rcpt_rfc9162_root(hash, res->leaf, b->nleaves, path, n, hash) ||
	    !rcpt_span_equal(p->stmt->sign1.payload, hash, sizeof(hash)))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_MANIFEST_PATH,
				 RCPT_NO_OFFSET,
				 "the path from the leaf does not lead to the payload");
	return 0;
}

static int bind_manifest(const struct rcpt_verify_params *p,
			 struct rcpt_verify_result *res, struct rcpt_error *err)
{
	if (!p->bundle || !p->bundle->nleaves)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_MANIFEST_PATH,
				 RCPT_NO_OFFSET,
				 "the manifest is not there: only its bundle can tell");
	if (!find_leaf(p, res))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_DIGEST, RCPT_NO_OFFSET,
				 "the artifact is not in the manifest");
	return walk_leaf(p, res, err);
}

static int bind_artifact(const struct rcpt_verify_params *p,
			 struct rcpt_verify_result *res, struct rcpt_error *err)
{
	const uint8_t *sha256 = digest_of(p->artifact, RECEIPT_KIND_SHA256);
	uint8_t digest[RECEIPT_HASH_SIZE];

	if (p->stmt->header.has_hash_alg)
		return bind_envelope(p, err);
	if (rcpt_statement_is_manifest(p->stmt))
		return bind_manifest(p, res, err);
	/* Not what a kernel would look at: the payload is the artifact. */
	if (rcpt_sha256(p->stmt->sign1.payload.data, p->stmt->sign1.payload.len, digest))
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "cannot hash");
	if (!sha256 || memcmp(sha256, digest, sizeof(digest)))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_DIGEST, RCPT_NO_OFFSET,
				 "the artifact is not the payload");
	return 0;
}

static void check_artifact(const struct rcpt_verify_params *p,
			   struct rcpt_verify_result *res)
{
	struct rcpt_span payload = p->stmt->sign1.payload;
	struct rcpt_error err;

	res->usage = USAGE_ALL;
	if (p->payload.data && !rcpt_span_equal(p->payload, payload.data, payload.len)) {
		rcpt_fail(&err, RCPT_INVALID, RECEIPT_REASON_DIGEST, payload.offset,
			  "the payload is another one");
		take_error(res, &err);
	}
	if (!p->artifact)
		return;
	if (bind_artifact(p, res, &err))
		take_error(res, &err);
	else
		res->bound = true;
}

/*
 * Facts for the policy, as the kernel has them
 */

/* What the summary points into. */
struct facts {
	struct receipt_facts facts;
	struct receipt_summary summary;
	char iss[RECEIPT_MAX_CLAIM + 1];
	char sub[RECEIPT_MAX_CLAIM + 1];
};

static void copy_text(char *out, struct rcpt_span text)
{
	if (text.len)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
}

/* The kernel asks about those digests only that the policy has measured. */
static bool measured(const struct rcpt_verify_params *p, uint8_t kind)
{
	return p->policy->digests & 1U << kind;
}

/* Is the statement about such a digest? */
static bool about_measured(const struct rcpt_verify_params *p,
			   const struct rcpt_verify_result *res)
{
	const struct rcpt_bundle *b = p->bundle;
	size_t i;

	if (p->stmt->header.has_hash_alg)
		return measured(p, rcpt_digest_kind(p->stmt->header.hash_alg));
	if (!b || !b->nleaves)
		return true;
	if (p->artifact)
		return measured(p, b->leaves[res->leaf].kind);
	for (i = 0; i < b->nleaves; i++)
		if (measured(p, b->leaves[i].kind))
			return true;
	return false;
}

static void add_digest(const struct rcpt_verify_params *p, struct receipt_facts *facts,
		       uint8_t kind, const uint8_t *bytes)
{
	if (!measured(p, kind) || facts->ndigests == ARRAY_SIZE(facts->digests))
		return;
	facts->digests[facts->ndigests].kind = kind;
	facts->digests[facts->ndigests++].bytes = bytes;
}

static void fill_digests(const struct rcpt_verify_params *p, struct facts *f)
{
	const struct rcpt_header *h = &p->stmt->header;
	int kind = h->has_hash_alg ? rcpt_digest_kind(h->hash_alg) : 0;
	size_t i;

	for (i = 0; p->artifact && i < p->artifact->n; i++)
		add_digest(p, &f->facts, p->artifact->digests[i].kind,
			   p->artifact->digests[i].bytes);
	if (!p->artifact && kind && p->stmt->sign1.payload.len == rcpt_digest_len(kind))
		add_digest(p, &f->facts, kind, p->stmt->sign1.payload.data);
}

static void fill_proofs(const struct rcpt_verify_result *res, struct receipt_summary *sum)
{
	size_t i;

	for (i = 0; i < res->nreceipts && sum->nproofs < RECEIPT_MAX_RECEIPTS; i++) {
		const struct rcpt_receipt_result *r = &res->receipts[i];
		struct receipt_proof *proof = &sum->proofs[sum->nproofs];

		if (r->err.status || !r->key->name || !r->key->issuer)
			continue;
		memcpy(proof->key_id, r->key->id, sizeof(proof->key_id));
		proof->iss = r->key->issuer;
		proof->vds = r->receipt.header.vds;
		proof->entry = r->key->entry;
		proof->iat = r->receipt.header.claims.iat;
		proof->position = rcpt_receipt_position(&r->receipt);
		sum->nproofs++;
	}
}

static bool signed_by(const struct rcpt_statement *stmt, const struct receipt_key *key)
{
	EVP_PKEY *pkey = rcpt_key_from_spki(rcpt_span(key->spki, key->spki_len));
	bool good = pkey && !rcpt_sign1_verify(&stmt->sign1, stmt->sign1.payload,
					       stmt->header.alg, pkey, NULL);

	EVP_PKEY_free(pkey);
	return good;
}

/**
 * rcpt_prove_issuer() - who has signed a statement, as far as a policy asks
 * @policy: the issuer keys of its rules and revoke lines count
 * @stmt: statement
 * @sum: issuer_key_id: id of the first of these keys that has signed it, left
 *	alone when none has; and revoked_keys
 *
 * As the kernel does it.
 */
void rcpt_prove_issuer(const struct receipt_policy *policy,
		       const struct rcpt_statement *stmt, struct receipt_summary *sum)
{
	const struct receipt_key *key;
	uint32_t at = 0;

	sum->revoked_keys = policy->revoked_keys;
	sum->untried = receipt_alg_is_untried(stmt->header.alg);
	while ((key = receipt_policy_issuer_key(policy, &at))) {
		if (!signed_by(stmt, key))
			continue;
		memcpy(sum->issuer_key_id, key->id, RECEIPT_HASH_SIZE);
		return;
	}
}

/* Without an artifact, a manifest grants what any of its leaves grants. */
static uint8_t usage_of(const struct rcpt_verify_params *p,
			const struct rcpt_verify_result *res)
{
	uint8_t usage = 0;
	size_t i;

	if (p->artifact || !p->bundle || !p->bundle->nleaves)
		return res->usage;
	for (i = 0; i < p->bundle->nleaves; i++)
		usage |= p->bundle->leaves[i].usage;
	return usage;
}

/* Whether the kernel would take the statement as evidence at all. */
static int provable(const struct rcpt_verify_params *p, struct rcpt_error *err)
{
	const struct rcpt_header *h = &p->stmt->header;

	if (h->alg_text.data)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM,
				 RCPT_NO_OFFSET, "a kernel knows no algorithm by name");
	if (!h->claims.iss.len)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_NO_CLAIMS,
				 RCPT_NO_OFFSET, "the statement names no issuer");
	if (h->has_hash_alg)
		return bind_envelope(p, err);
	if (!rcpt_statement_is_manifest(p->stmt))
		return rcpt_fail(err, RCPT_INVALID,
				 h->content_type.data || h->has_content_format ?
				 RECEIPT_REASON_CONTENT_TYPE : RECEIPT_REASON_HASH_ALGORITHM,
				 RCPT_NO_OFFSET,
				 "neither a manifest statement nor a hash envelope");
	if (p->stmt->sign1.payload.len != RECEIPT_HASH_SIZE)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_MANIFEST_PATH,
				 p->stmt->sign1.payload.offset,
				 "payload is not the root of a manifest");
	return 0;
}

static void fill_facts(const struct rcpt_verify_params *p,
		       struct rcpt_verify_result *res, struct facts *f)
{
	const struct rcpt_claims *claims = &p->stmt->header.claims;
	struct receipt_summary *sum = &f->summary;
	struct rcpt_error err;

	f->facts.op = p->op;
	f->facts.evidence_complete = true;
	f->facts.now = time(NULL);
	fill_digests(p, f);
	if (provable(p, &err))
		take_error(res, &err);
	copy_text(f->iss, claims->iss);
	copy_text(f->sub, claims->sub);
	sum->usage = usage_of(p, res);
	sum->iss = f->iss;
	sum->sub = f->sub;
	sum->has_svn = claims->has_svn;
	sum->svn = claims->svn;
	sum->iat = claims->iat;
	fill_proofs(res, sum);
	if (res->err.status || !sum->nproofs || !about_measured(p, res))
		return;
	rcpt_prove_issuer(p->policy, p->stmt, sum);
	f->facts.summaries[f->facts.nsummaries++] = sum;
}

static void check_policy(const struct rcpt_verify_params *p,
			 struct rcpt_verify_result *res)
{
	struct facts f = { 0 };
	struct rcpt_error err;

	fill_facts(p, res, &f);
	res->verdict = receipt_policy_eval(p->policy, &f.facts);
	res->decided = true;
	if (res->verdict.action == RECEIPT_ACTION_ALLOW)
		return;
	rcpt_fail(&err, RCPT_INVALID, res->verdict.reason, RCPT_NO_OFFSET,
		  "the policy denies it by line %u", res->verdict.line);
	take_error(res, &err);
}

/**
 * rcpt_verify() - judge a statement
 * @params: what and against what; outlives @result, which points into it
 * @result: verdict, for rcpt_verify_result_free()
 *
 * Everything is looked at, also after something was found wrong, so that the
 * result can be shown; @result->err tells what decided: first that there is a
 * receipt, then critical labels, the issuer's signature, the receipts, what the
 * statement vouches for, and last the policy. A statement that is wrong is
 * refused even where the policy lets the artifact pass without evidence;
 * @result->verdict tells that.
 *
 * Return: 0, or the negative of @result->err.status.
 */
int rcpt_verify(const struct rcpt_verify_params *params,
		struct rcpt_verify_result *result)
{
	memset(result, 0, sizeof(*result));
	prove_receipts(params, result);
	check_transparent(params, result);
	check_crit(params, result);
	check_issuer(params, result);
	check_receipts(params, result);
	check_artifact(params, result);
	if (params->policy)
		check_policy(params, result);
	return -result->err.status;
}

/**
 * rcpt_verify_result_free() - free and empty
 * @result: as filled by rcpt_verify()
 */
void rcpt_verify_result_free(struct rcpt_verify_result *result)
{
	size_t i;

	for (i = 0; i < result->nreceipts; i++)
		rcpt_receipt_free(&result->receipts[i].receipt);
	memset(result, 0, sizeof(*result));
}
