/* SPDX-License-Identifier: MIT */
/*
 * From a digest to the evidence about it: what stores have, taken apart and
 * checked as far as user space can. Knows no socket.
 */
#ifndef RCPT_ANSWER_H
#define RCPT_ANSWER_H

#include "bundle.h"
#include "netlink.h"
#include "store.h"

#define RCPT_MAX_STORES		16
#define RCPT_CHECKED		4096	/* statements remembered as checked */

/**
 * struct rcpt_stores - the stores that are asked
 * @n: used entries of @at
 * @at: each by its folder
 * @at.dir: folder, memory of the caller
 * @at.store: NULL while there is nothing to open
 */
struct rcpt_stores {
	size_t n;
	struct {
		const char *dir;
		struct rcpt_store *store;
	} at[RCPT_MAX_STORES];
};

/**
 * struct rcpt_answerer - what answers come from
 * @stores: of bundles
 * @issuers: keys of issuers, for statements without a certificate
 * @checked: digests of statements whose own signature was found good
 */
struct rcpt_answerer {
	struct rcpt_stores stores;
	struct rcpt_keys issuers;
	uint8_t checked[RCPT_CHECKED][RECEIPT_HASH_SIZE];
};

/**
 * struct rcpt_proposal - a statement about a digest, ready to be sent
 * @statement: transparent statement, own memory
 * @stmt: parsed
 * @nreceipts: used entries of @receipts
 * @receipts: those that can be read and are of a known structure
 * @path: of the manifest
 * @evidence: points into the rest
 */
struct rcpt_proposal {
	uint8_t *statement;
	struct rcpt_statement stmt;
	size_t nreceipts;
	struct rcpt_receipt receipts[RECEIPT_MAX_RECEIPTS];
	uint8_t path[RECEIPT_MAX_PATH][RECEIPT_HASH_SIZE];
	struct rcpt_nl_evidence evidence;
};

/**
 * struct rcpt_sink - who takes an answer
 * @evidence: sends evidence; returns 0 or a negative errno, with @err set. That
 *	ends the answer when its status is RCPT_SYSTEM, but for -ENOBUFS, when nobody
 *	knows whether it was taken; else it is a refusal.
 * @none: closes a look-up
 * @arg: for both
 */
struct rcpt_sink {
	int (*evidence)(const struct rcpt_nl_evidence *ev,
			struct rcpt_error *err, void *arg);
	int (*none)(const struct rcpt_nl_lookup *lookup,
		    enum receipt_reason reason, struct rcpt_error *err, void *arg);
	void *arg;
};

int rcpt_stores_add(struct rcpt_stores *stores, const char *dir,
		    struct rcpt_error *err);
void rcpt_stores_close(struct rcpt_stores *stores);
int rcpt_stores_lookup(struct rcpt_stores *stores, size_t i, uint8_t kind,
		       struct rcpt_span digest, struct rcpt_store_hits *hits,
		       struct rcpt_error *err);

void rcpt_answerer_free(struct rcpt_answerer *a);
int rcpt_proposal_make(struct rcpt_answerer *a, struct rcpt_store_hit *hit,
		       uint8_t kind, struct rcpt_span digest,
		       struct rcpt_proposal **out, struct rcpt_error *err);
void rcpt_proposal_free(struct rcpt_proposal *p);
int rcpt_answer(struct rcpt_answerer *a, const struct rcpt_nl_lookup *lookup,
		const struct rcpt_sink *sink, struct rcpt_error *err);
int rcpt_preload(struct rcpt_answerer *a, uint8_t kind, struct rcpt_span digest,
		 const struct rcpt_sink *sink, size_t *accepted,
		 struct rcpt_error *err);

#endif /* RCPT_ANSWER_H */
