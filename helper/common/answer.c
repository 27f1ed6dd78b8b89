// SPDX-License-Identifier: MIT
/*
 * From a digest to the evidence about it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "manifest.h"

/*
 * Stores
 */

/**
 * rcpt_stores_add() - ask one more store
 * @stores: grows by one
 * @dir: its folder, must outlive @stores; need not hold a store yet
 * @err: filled in on failure
 *
 * Return: 0; -RCPT_SYSTEM when there are RCPT_MAX_STORES; else what
 * rcpt_store_open() says of a store that is there and cannot be opened.
 */
int rcpt_stores_add(struct rcpt_stores *stores, const char *dir,
		    struct rcpt_error *err)
{
	struct rcpt_store *store = NULL;
	int ret;

	if (stores->n == RCPT_MAX_STORES)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
				 "more than %d stores", RCPT_MAX_STORES);
	ret = rcpt_store_open(dir, &store, err);
	if (ret && ret != -RCPT_CANNOT_EVALUATE)
		return ret;
	stores->at[stores->n].dir = dir;
	stores->at[stores->n++].store = ret ? NULL : store;
	return 0;
}

/**
 * rcpt_stores_close() - close them all
 * @stores: left empty
 */
void rcpt_stores_close(struct rcpt_stores *stores)
{
	for (size_t i = 0; i < stores->n; i++)
		rcpt_store_close(stores->at[i].store);
	stores->n = 0;
}

/**
 * rcpt_stores_lookup() - ask one store about a digest
 * @stores: where it is
 * @i: its number; a store that was not there yet is opened when it is now
 * @kind: enum receipt_kind
 * @digest: bytes
 * @hits: result, to be freed with rcpt_store_hits_free()
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_stores_lookup(struct rcpt_stores *stores, size_t i, uint8_t kind,
		       struct rcpt_span digest, struct rcpt_store_hits *hits,
		       struct rcpt_error *err)
{
	int ret;

	memset(hits, 0, sizeof(*hits));
	if (!stores->at[i].store) {
		ret = rcpt_store_open(stores->at[i].dir, &stores->at[i].store, err);
		if (ret) {
			stores->at[i].store = NULL;
			return ret == -RCPT_CANNOT_EVALUATE ? 0 : ret;
		}
	}
	return rcpt_store_lookup(stores->at[i].store, kind, digest.data,
				 digest.len, hits, err);
}

/**
 * rcpt_answerer_free() - free what it holds
 * @a: left empty
 */
void rcpt_answerer_free(struct rcpt_answerer *a)
{
	rcpt_stores_close(&a->stores);
	rcpt_keys_free(&a->issuers);
	memset(a, 0, sizeof(*a));
}

/*
 * The issuer's signature
 */

static uint8_t *checked_slot(struct rcpt_answerer *a,
			     const struct rcpt_statement *stmt)
{
	return a->checked[(stmt->digest[0] | stmt->digest[1] << 8) % RCPT_CHECKED];
}

/* The times are those of the receipts; whether they are good, the kernel finds out. */
static void take_times(struct rcpt_issuer_trust *trust, const struct rcpt_statement *stmt)
{
	struct rcpt_receipt receipt;

	for (size_t i = 0; i < stmt->nreceipts; i++) {
		if (!rcpt_receipt_parse(stmt->receipts[i], &receipt, NULL))
			rcpt_issuer_time(trust, &receipt);
		rcpt_receipt_free(&receipt);
	}
}

/*
 * Return: 0 when the signature is good or nothing is at hand to check it with,
 * the log has checked it; -RCPT_INVALID when it is wrong; -RCPT_MALFORMED for
 * certificates that are none.
 */
static int check_issuer(struct rcpt_answerer *a, const struct rcpt_statement *stmt,
			struct rcpt_error *err)
{
	struct rcpt_issuer_trust trust = { 0 };
	uint8_t *slot = checked_slot(a, stmt);
	int ret;

	if (!memcmp(slot, stmt->digest, RECEIPT_HASH_SIZE))
		return 0;
	if (stmt->header.nchain)
		take_times(&trust, stmt);
	else
		trust.keys = &a->issuers;
	ret = rcpt_issuer_verify(stmt, &trust, err);
	if (!ret)
		memcpy(slot, stmt->digest, RECEIPT_HASH_SIZE);
	return ret == -RCPT_CANNOT_EVALUATE ? 0 : ret;
}

/*
 * Proposals
 */

/*
 * The kernel is sent one proof of a receipt, no attached root, and no data hash.
 * What these say otherwise makes the receipt wrong. Which entry a log has, its
 * policy knows: a root by either will do.
 */
static int check_root(const struct rcpt_receipt *r, const struct rcpt_statement *stmt,
		      struct rcpt_error *err)
{
	uint8_t root[RECEIPT_HASH_SIZE];

	if (r->header.vds == RECEIPT_VDS_CCF)
		return rcpt_receipt_root(r, stmt, RECEIPT_ENTRY_SHA256_STMT, root, err);
	if (r->nproofs == 1 && !r->sign1.payload.data)
		return 0;
	if (!rcpt_receipt_root(r, stmt, RECEIPT_ENTRY_STMT, root, NULL))
		return 0;
	return rcpt_receipt_root(r, stmt, RECEIPT_ENTRY_SHA256_STMT, root, err);
}

/* What cannot be read gives no rights and does no harm; what is wrong says most. */
static void add_receipts(struct rcpt_proposal *p, struct rcpt_error *worst)
{
	struct rcpt_error err;

	rcpt_fail(worst, RCPT_INVALID, RECEIPT_REASON_NO_RECEIPT, RCPT_NO_OFFSET,
		  "the statement has no receipt");
	for (size_t i = 0; i < p->stmt.nreceipts; i++) {
		struct rcpt_receipt *r = &p->receipts[p->nreceipts];
		int ret = rcpt_receipt_parse(p->stmt.receipts[i], r, &err);

		if (!ret)
			ret = check_root(r, &p->stmt, &err);
		if (!ret) {
			p->nreceipts++;
			continue;
		}
		rcpt_receipt_free(r);
		if (worst->reason == RECEIPT_REASON_NO_RECEIPT ||
		    rcpt_status_weight(err.status) > rcpt_status_weight(worst->status))
			*worst = err;
	}
}

static void fill_evidence(struct rcpt_proposal *p, const struct rcpt_store_hit *hit,
			  uint8_t kind, struct rcpt_span digest)
{
	memcpy(p->path, hit->path, hit->npath * RECEIPT_HASH_SIZE);
	p->evidence = (struct rcpt_nl_evidence){
		.manifest = hit->manifest,
		.usage = hit->usage,
		.kind = kind,
		.digest = digest,
		.stmt = &p->stmt,
		.receipts = p->receipts,
		.nreceipts = p->nreceipts,
		.index = hit->index,
		.size = hit->size,
		.path = (const uint8_t (*)[RECEIPT_HASH_SIZE])p->path,
		.npath = hit->npath,
	};
}

/**
 * rcpt_proposal_make() - make evidence of what a store has found
 * @a: with keys of issuers
 * @hit: what was found; its statement's memory goes to the proposal
 * @kind: enum receipt_kind
 * @digest: of the artifact, must outlive the proposal
 * @out: result, to be freed with rcpt_proposal_free()
 * @err: filled in on failure
 *
 * Return: 0; -RCPT_MALFORMED for a statement that cannot be read; -RCPT_INVALID
 * when it is not by its issuer; what is wrong with its receipts when none of them
 * can be sent; -RCPT_SYSTEM without memory.
 */
int rcpt_proposal_make(struct rcpt_answerer *a, struct rcpt_store_hit *hit,
		       uint8_t kind, struct rcpt_span digest,
		       struct rcpt_proposal **out, struct rcpt_error *err)
{
	struct rcpt_proposal *p = calloc(1, sizeof(*p));
	struct rcpt_error worst;
	int ret;

	*out = NULL;
	if (!p || hit->npath > RECEIPT_MAX_PATH) {
		free(p);
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory for evidence");
	}
	p->statement = hit->statement;
	hit->statement = NULL;
	ret = rcpt_statement_parse(rcpt_span(p->statement, hit->statement_len),
				   &p->stmt, err);
	if (!ret)
		ret = check_issuer(a, &p->stmt, err);
	if (!ret) {
		add_receipts(p, &worst);
		if (!p->nreceipts) {
			ret = -worst.status;
			*err = worst;
		}
	}
	if (ret) {
		rcpt_proposal_free(p);
		return ret;
	}
	fill_evidence(p, hit, kind, digest);
	*out = p;
	return 0;
}

/**
 * rcpt_proposal_free() - free a proposal
 * @p: or NULL
 */
void rcpt_proposal_free(struct rcpt_proposal *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nreceipts; i++)
		rcpt_receipt_free(&p->receipts[i]);
	rcpt_statement_free(&p->stmt);
	free(p->statement);
	free(p);
}

/*
 * Answers
 */

/**
 * struct answer - an answer in the making
 * @a: where from
 * @lookup: the question
 * @digest: of it
 * @sink: where to
 * @waiting: next to be sent: only when it is known whether another one follows
 * @accepted: pieces of evidence that were taken
 * @last_taken: the last one was, for sure
 * @reason: of the last problem
 * @preload: nobody waits for the answer, the kernel shall keep it
 */
struct answer {
	struct rcpt_answerer *a;
	const struct rcpt_nl_lookup *lookup;
	struct rcpt_span digest;
	const struct rcpt_sink *sink;
	struct rcpt_proposal *waiting;
	size_t accepted;
	bool last_taken;
	enum receipt_reason reason;
	bool preload;
};

/*
 * The connection itself, or the look-up, is gone: no use in going on. Where only the
 * kernel's answer is, it has what it was sent.
 */
static bool broken(int ret, const struct rcpt_error *err)
{
	return err->status == RCPT_SYSTEM && ret != -ENOBUFS;
}

static void note(struct answer *ans, const struct rcpt_error *err)
{
	ans->reason = err->reason ? err->reason : RECEIPT_REASON_NO_EVIDENCE;
}

/* Return: 0, or a negative errno when the answer cannot go on. */
static int send_waiting(struct answer *ans, bool more, struct rcpt_error *err)
{
	struct rcpt_proposal *p = ans->waiting;
	int ret;

	if (!p)
		return 0;
	ans->waiting = NULL;
	p->evidence.has_id = !ans->preload;
	p->evidence.id = ans->lookup->id;
	p->evidence.more = more;
	p->evidence.keep = ans->preload;
	ret = ans->sink->evidence(&p->evidence, err, ans->sink->arg);
	rcpt_proposal_free(p);
	ans->last_taken = !ret;
	if (!ret) {
		ans->accepted++;
		return 0;
	}
	if (broken(ret, err))
		return ret;
	note(ans, err);
	return 0;
}

static int take_hit(struct answer *ans, struct rcpt_store_hit *hit,
		    struct rcpt_error *err)
{
	struct rcpt_proposal *p;
	int ret;

	if (rcpt_proposal_make(ans->a, hit, ans->lookup->kind, ans->digest, &p, err)) {
		note(ans, err);
		return 0;
	}
	ret = send_waiting(ans, true, err);
	ans->waiting = p;
	return ret;
}

/* A store that fails is no reason not to ask the others. */
static int take_store(struct answer *ans, size_t i, struct rcpt_error *err)
{
	struct rcpt_store_hits hits;
	int ret = 0;

	if (rcpt_stores_lookup(&ans->a->stores, i, ans->lookup->kind, ans->digest,
			       &hits, err)) {
		ans->reason = RECEIPT_REASON_UNREADABLE;
		return 0;
	}
	for (size_t h = 0; h < hits.n && !ret; h++)
		ret = take_hit(ans, &hits.hit[h], err);
	rcpt_store_hits_free(&hits);
	return ret;
}

static int run(struct answer *ans, struct rcpt_error *err)
{
	int ret = 0;

	for (size_t i = 0; i < ans->a->stores.n && !ret; i++)
		ret = take_store(ans, i, err);
	if (!ret)
		ret = send_waiting(ans, false, err);
	rcpt_proposal_free(ans->waiting);
	ans->waiting = NULL;
	return ret;
}

/**
 * rcpt_answer() - answer a look-up
 * @a: where evidence comes from
 * @lookup: the question
 * @sink: gets all evidence there is, and is told when the last piece was
 *	refused or there is none
 * @err: filled in on failure
 *
 * Return: 0 when the look-up is closed, or a negative errno of @sink.
 */
int rcpt_answer(struct rcpt_answerer *a, const struct rcpt_nl_lookup *lookup,
		const struct rcpt_sink *sink, struct rcpt_error *err)
{
	struct answer ans = {
		.a = a,
		.lookup = lookup,
		.digest = rcpt_span(lookup->digest, lookup->digest_len),
		.sink = sink,
		.reason = RECEIPT_REASON_NO_EVIDENCE,
	};
	int ret = run(&ans, err);

	if (ret || ans.last_taken)
		return ret;
	return sink->none(lookup, ans.reason, err, sink->arg);
}

/**
 * rcpt_preload() - send evidence that nobody has asked for, to be kept
 * @a: where evidence comes from
 * @kind: enum receipt_kind
 * @digest: of the artifact
 * @sink: gets it; its @none is not called
 * @accepted: pieces of evidence that were taken
 * @err: filled in on failure, and with the last refusal
 *
 * Return: 0, or a negative errno of @sink.
 */
int rcpt_preload(struct rcpt_answerer *a, uint8_t kind, struct rcpt_span digest,
		 const struct rcpt_sink *sink, size_t *accepted,
		 struct rcpt_error *err)
{
	const struct rcpt_nl_lookup lookup = { .kind = kind };
	struct answer ans = {
		.a = a,
		.lookup = &lookup,
		.digest = digest,
		.sink = sink,
		.reason = RECEIPT_REASON_NO_EVIDENCE,
		.preload = true,
	};
	int ret = run(&ans, err);

	*accepted = ans.accepted;
	return ret;
}
