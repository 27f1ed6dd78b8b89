// SPDX-License-Identifier: MIT
/*
 * What is known of one artifact: evidence in stores, and what a policy makes
 * of it. The same evidence that the helper would send, judged by the code that
 * the kernel judges with.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dmverity.h"
#include "fstype.h"
#include "manifest.h"
#include "receiptctl.h"
#include "verify.h"
#include "why.h"

/**
 * why_digest_fd() - the digests that the kernel could find evidence by
 * @w: with op; digests and fstype are filled in
 * @fd: of the artifact, a regular file
 * @budget: what reading it may cost, or NULL
 * @err: filled in on failure
 *
 * What the kernel reads into a buffer itself has digests of its content alone.
 *
 * Return: as rcpt_digest_fd().
 */
int why_digest_fd(struct why *w, int fd, struct rcpt_budget *budget, struct rcpt_error *err)
{
	struct rcpt_digests *d = &w->digests;
	int ret = rcpt_digest_fd(fd, budget, d, err);
	char path[32];

	if (ret)
		return ret;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	w->fstype = fstype_of(path, w->fstype_name);
	if (w->op != RECEIPT_OP_EXECUTE)
		while (d->n && d->digests[d->n - 1].kind > RECEIPT_KIND_SHA512)
			d->n--;
	else if (dmverity_root(path, d->digests[d->n].bytes))
		d->digests[d->n++].kind = RECEIPT_KIND_DMVERITY_SHA256;
	return 0;
}

/**
 * why_digest() - the same, of what a path names
 * @w: with path and op; digests and fstype are filled in
 * @budget: what reading it may cost, or NULL
 * @err: filled in on failure
 *
 * Return: as rcpt_digest_fd(); -RCPT_SYSTEM when it is no regular file.
 */
int why_digest(struct why *w, struct rcpt_budget *budget, struct rcpt_error *err)
{
	int fd = rcpt_open(AT_FDCWD, w->path, 0, NULL, err);
	int ret;

	if (fd < 0)
		return -RCPT_SYSTEM;
	ret = why_digest_fd(w, fd, budget, err);
	close(fd);
	return ret;
}

/**
 * why_open_stores() - open the stores to look in, say on standard error why not
 * @w: its stores grow
 * @dirs: their folders, must outlive @w
 * @n: how many; 0: the usual ones
 *
 * Return: 0 or the exit status.
 */
int why_open_stores(struct why *w, const char *const *dirs, size_t n)
{
	static const char *const usual[] = { RCPT_STORE_LOCAL, RCPT_STORE_PACKAGES };
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };

	if (!n) {
		dirs = usual;
		n = sizeof(usual) / sizeof(usual[0]);
	}
	for (size_t i = 0; i < n; i++)
		if (rcpt_stores_add(&w->answerer.stores, dirs[i], &err))
			return print_error(dirs[i], &err);
	return 0;
}

static struct why_found *add_found(struct why *w, const char *dir, uint8_t kind)
{
	struct why_found **more = realloc(w->found, (w->nfound + 1) * sizeof(*more));
	struct why_found *f = calloc(1, sizeof(*f));

	if (more)
		w->found = more;
	if (!more || !f) {
		free(f);
		return NULL;
	}
	f->dir = dir;
	f->kind = kind;
	w->found[w->nfound++] = f;
	return f;
}

static int find_in(struct why *w, size_t store, const struct rcpt_digest *d,
		   struct rcpt_error *err)
{
	struct rcpt_span digest = rcpt_span(d->bytes, rcpt_digest_len(d->kind));
	struct rcpt_store_hits hits;
	struct why_found *f;

	if (rcpt_stores_lookup(&w->answerer.stores, store, d->kind, digest, &hits, err))
		return -err->status;
	for (size_t i = 0; i < hits.n; i++) {
		f = add_found(w, w->answerer.stores.at[store].dir, d->kind);
		if (!f) {
			rcpt_store_hits_free(&hits);
			return rcpt_no_memory(err);
		}
		rcpt_proposal_make(&w->answerer, &hits.hit[i], d->kind, digest, &f->proposal,
				   &f->err);
	}
	rcpt_store_hits_free(&hits);
	return 0;
}

/**
 * why_find() - look the artifact's digests up in all stores
 * @w: with digests and stores; found is filled in
 * @err: filled in on failure
 *
 * Return: 0 or a negative exit status.
 */
int why_find(struct why *w, struct rcpt_error *err)
{
	int ret = 0;

	for (size_t s = 0; s < w->answerer.stores.n; s++)
		for (size_t d = 0; d < w->digests.n && !ret; d++)
			ret = find_in(w, s, &w->digests.digests[d], err);
	return ret;
}

/*
 * Judging
 */

static void copy_claim(char out[RECEIPT_MAX_CLAIM + 1], struct rcpt_span text)
{
	size_t len = text.len > RECEIPT_MAX_CLAIM ? 0 : text.len;

	if (len)
		memcpy(out, text.data, len);
	out[len] = '\0';
}

static void add_proof(struct why_found *f, size_t i)
{
	const struct rcpt_receipt *r = &f->proposal->receipts[i];
	const struct rcpt_key *key = f->receipts[i].key;

	f->summary.proofs[f->summary.nproofs] = (struct receipt_proof){
		.iss = key->issuer,
		.vds = r->header.vds,
		.entry = key->entry,
		.iat = r->header.claims.iat,
		.position = rcpt_receipt_position(r),
	};
	memcpy(f->summary.proofs[f->summary.nproofs++].key_id, key->id, RECEIPT_HASH_SIZE);
}

static void prove_receipts(const struct policy_file *policy, struct why_found *f)
{
	uint8_t root[RECEIPT_HASH_SIZE];

	for (size_t i = 0; i < f->proposal->nreceipts; i++) {
		struct why_receipt *r = &f->receipts[i];

		if (!rcpt_receipt_verify(&f->proposal->receipts[i], &f->proposal->stmt,
					 &policy->keys, &r->key, root, &r->err))
			add_proof(f, i);
	}
}

/**
 * why_summarize() - what is proven of a statement
 * @policy: whose logs count, or NULL: nothing is proven then
 * @f: with the proposal; receipts and summary are filled in, and point into @policy
 */
void why_summarize(const struct policy_file *policy, struct why_found *f)
{
	const struct rcpt_claims *claims = &f->proposal->stmt.header.claims;

	copy_claim(f->iss, claims->iss);
	copy_claim(f->sub, claims->sub);
	f->summary.usage = f->proposal->evidence.manifest ?
		f->proposal->evidence.usage : 0xff;
	f->summary.iss = f->iss;
	f->summary.sub = f->sub;
	f->summary.has_svn = claims->has_svn;
	f->summary.svn = claims->svn;
	f->summary.iat = claims->iat;
	if (!policy)
		return;
	prove_receipts(policy, f);
	rcpt_prove_issuer(policy->policy, &f->proposal->stmt, &f->summary);
}

/**
 * why_counts() - does the policy count digests of a kind?
 * @w: with the policy, if there is one
 * @kind: enum receipt_kind
 *
 * Return: whether it does; true without a policy.
 */
bool why_counts(const struct why *w, uint8_t kind)
{
	return !w->has_policy || w->policy.policy->digests & 1U << kind;
}

/**
 * why_add_summary() - add a statement to those that a verdict rests on
 * @policy: which of them are kept
 * @facts: of the artifact
 * @first: number of the first of @facts' statements that is about the same digest
 * @summary: of what is proven
 *
 * As the kernel does, which keeps so many for each digest.
 */
void why_add_summary(const struct receipt_policy *policy, struct receipt_facts *facts,
		     uint8_t first, const struct receipt_summary *summary)
{
	const struct receipt_summary *all[RECEIPT_MAX_STATEMENTS + 1];
	uint8_t n = facts->nsummaries - first, spare;

	if (n < RECEIPT_MAX_STATEMENTS) {
		facts->summaries[facts->nsummaries++] = summary;
		return;
	}
	memcpy(all, facts->summaries + first, n * sizeof(*all));
	all[n] = summary;
	spare = receipt_policy_spare(policy, all, n + 1, facts->now, &facts->evidence_crowded);
	if (spare < n)
		facts->summaries[first + spare] = summary;
}

/* What is proven of the digests of a kind. */
static void add_proven(struct why *w, uint8_t kind, struct receipt_facts *facts)
{
	uint8_t first = facts->nsummaries;

	for (size_t i = 0; i < w->nfound; i++)
		if (w->found[i]->kind == kind && w->found[i]->summary.nproofs)
			why_add_summary(w->policy.policy, facts, first, &w->found[i]->summary);
}

/**
 * why_judge() - ask the policy
 * @w: with what was found; summaries, and the verdict when there is a policy,
 *	are filled in
 */
void why_judge(struct why *w)
{
	struct receipt_facts facts = {
		.op = w->op,
		.evidence_complete = true,
		.now = time(NULL),
		.fstype = w->fstype,
		.boot_verified = w->boot_verified,
	};

	for (size_t i = 0; i < w->nfound; i++)
		if (w->found[i]->proposal)
			why_summarize(w->has_policy ? &w->policy : NULL, w->found[i]);
	if (!w->has_policy)
		return;
	for (size_t i = 0; i < w->digests.n; i++) {
		if (!why_counts(w, w->digests.digests[i].kind))
			continue;
		facts.digests[facts.ndigests].kind = w->digests.digests[i].kind;
		facts.digests[facts.ndigests++].bytes = w->digests.digests[i].bytes;
		add_proven(w, w->digests.digests[i].kind, &facts);
	}
	w->verdict = receipt_policy_eval(w->policy.policy, &facts);
}

/**
 * why_forget() - free what was found, so that another artifact can be looked at
 * @w: keeps stores and policy
 */
void why_forget(struct why *w)
{
	while (w->nfound) {
		rcpt_proposal_free(w->found[--w->nfound]->proposal);
		free(w->found[w->nfound]);
	}
	free(w->found);
	w->found = NULL;
}

/**
 * why_free() - free all of it
 * @w: left empty
 */
void why_free(struct why *w)
{
	why_forget(w);
	rcpt_answerer_free(&w->answerer);
	policy_file_free(&w->policy);
}
