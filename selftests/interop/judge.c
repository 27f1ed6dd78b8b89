// SPDX-License-Identifier: MIT
/*
 * Judging a statement as receiptctl does, and as helper and kernel do together.
 */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "sign.h"

static struct judgement refused(enum receipt_reason reason)
{
	return (struct judgement){ .reason = reason };
}

static int parse(const struct judged *j, struct rcpt_bundle *bundle, struct rcpt_error *err)
{
	memset(bundle, 0, sizeof(*bundle));
	if (rcpt_is_bundle(j->in))
		return rcpt_bundle_parse(j->in, bundle, err);
	bundle->transparent = j->in;
	return rcpt_statement_parse(j->in, &bundle->statement, err);
}

/**
 * judge_user() - as receiptctl verify --policy
 * @j: what
 * @policy: whose logs are in @keys
 * @keys: trusted
 *
 * Return: its verdict.
 */
struct judgement judge_user(const struct judged *j, const struct receipt_policy *policy,
			    const struct rcpt_keys *keys)
{
	struct rcpt_verify_params p = { .keys = keys, .policy = policy, .artifact = j->artifact };
	struct judgement out = { .sent = true };
	struct rcpt_verify_result *res;
	struct rcpt_bundle bundle;
	struct rcpt_error err;

	if (parse(j, &bundle, &err))
		return refused(err.reason);
	p.stmt = &bundle.statement;
	p.bundle = rcpt_is_bundle(j->in) ? &bundle : NULL;
	p.nbeside = j->nbeside;
	memcpy(p.beside, j->beside, sizeof(p.beside));
	res = malloc(sizeof(*res));
	rcpt_verify(&p, res);
	out.reason = res->err.reason;
	rcpt_verify_result_free(res);
	free(res);
	rcpt_bundle_free(&bundle);
	return out;
}

static uint8_t kind_of(int64_t alg)
{
	return alg == RCPT_SHA384 ? RECEIPT_KIND_SHA384 :
	       alg == RCPT_SHA512 ? RECEIPT_KIND_SHA512 : RECEIPT_KIND_SHA256;
}

/* What the kernel would have asked about: the payload, else anything. */
static void own_digest(const struct rcpt_statement *stmt, struct rcpt_digest *out)
{
	struct rcpt_span payload = stmt->sign1.payload;

	memset(out, 0, sizeof(*out));
	out->kind = stmt->header.has_hash_alg ? kind_of(stmt->header.hash_alg) :
						RECEIPT_KIND_SHA256;
	if (payload.len == rcpt_digest_len(out->kind))
		memcpy(out->bytes, payload.data, payload.len);
}

/* The digest of the artifact that bundle or statement have something to say about. */
static bool asked_digest(const struct judged *j, const struct rcpt_bundle *b,
			 struct rcpt_digest *digest, size_t *leaf)
{
	size_t i;

	*leaf = 0;
	if (!j->artifact) {
		own_digest(&b->statement, digest);
		if (b->nleaves) {
			digest->kind = b->leaves[0].kind;
			memcpy(digest->bytes, b->leaves[0].digest, rcpt_digest_len(digest->kind));
		}
		return true;
	}
	for (i = 0; i < j->artifact->n; i++) {
		*digest = j->artifact->digests[i];
		if (b->nleaves) {
			*leaf = rcpt_bundle_find(b, digest->kind, digest->bytes, 0);
			if (*leaf < b->nleaves)
				return true;
		} else if (!b->statement.header.has_hash_alg ||
			   digest->kind == kind_of(b->statement.header.hash_alg)) {
			return true;
		}
	}
	return false;
}

/* All receipts in the statement, as the store would have it. */
static int gather(const struct judged *j, struct rcpt_store_hit *hit, struct rcpt_error *err)
{
	struct rcpt_statement stmt;
	uint8_t *next;
	size_t i, len;
	int ret = 0;

	for (i = 0; i < j->nbeside && !ret; i++) {
		ret = rcpt_statement_parse(rcpt_span(hit->statement, hit->statement_len), &stmt,
					   err);
		if (ret)
			return ret;
		ret = rcpt_statement_attach(&stmt, j->beside[i], &next, &len, err);
		rcpt_statement_free(&stmt);
		if (ret)
			return ret;
		free(hit->statement);
		hit->statement = next;
		hit->statement_len = len;
	}
	return ret;
}

static struct judgement propose(struct rcpt_store_hit *hit, const struct rcpt_digest *digest,
				judge_fn kernel, void *arg)
{
	struct rcpt_answerer *a = calloc(1, sizeof(*a));
	struct judgement out = { .sent = true };
	struct rcpt_proposal *p;
	struct rcpt_error err;

	if (rcpt_proposal_make(a, hit, digest->kind,
			       rcpt_span(digest->bytes, rcpt_digest_len(digest->kind)), &p,
			       &err)) {
		free(hit->statement);
		free(a);
		return refused(err.reason);
	}
	out.reason = kernel(&p->evidence, arg);
	rcpt_proposal_free(p);
	free(a);
	return out;
}

/**
 * judge_kernel() - as the helper, and then a kernel
 * @j: what
 * @kernel: the kernel
 * @arg: for it
 *
 * Return: their verdict.
 */
struct judgement judge_kernel(const struct judged *j, judge_fn kernel, void *arg)
{
	struct rcpt_store_hit hit = { 0 };
	struct rcpt_digest digest;
	struct rcpt_bundle bundle;
	struct rcpt_error err;
	size_t leaf;
	int ret = parse(j, &bundle, &err);

	if (ret)
		return refused(err.reason);
	if (!asked_digest(j, &bundle, &digest, &leaf)) {
		rcpt_bundle_free(&bundle);
		return refused(RECEIPT_REASON_DIGEST);
	}
	ret = rcpt_bundle_hit(&bundle, leaf, &hit, &err);
	rcpt_bundle_free(&bundle);
	if (!ret)
		ret = gather(j, &hit, &err);
	if (ret) {
		free(hit.statement);
		return refused(err.reason);
	}
	return propose(&hit, &digest, kernel, arg);
}
