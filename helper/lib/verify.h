/* SPDX-License-Identifier: MIT */
/*
 * The verdict over a statement, its receipts and what it vouches for: the one
 * that the kernel gives on the same evidence.
 */
#ifndef RCPT_VERIFY_H
#define RCPT_VERIFY_H

#include "bundle.h"
#include "receipt.h"

/**
 * struct rcpt_verify_params - what to verify and against what; zero it first
 * @stmt: statement
 * @bundle: that it came in, with its manifest; NULL for a bare statement
 * @keys: trusted
 * @policy: whose logs are in @keys (rcpt_keys_add_policy()) and whose rules
 *	decide; NULL: receipts decide
 * @op: operation to judge under @policy
 * @trust: who must have signed the statement; its times are not looked at, they
 *	are those of the good receipts
 * @require_all: one wrong receipt is enough to refuse
 * @ncrit: used entries of @crit
 * @crit: critical labels that the caller understands, of the statement and of receipts;
 *	not under a policy, where the kernel understands none but its own
 * @nbeside: used entries of @beside
 * @beside: receipts beside the statement
 * @artifact: digests of the artifact, or NULL
 * @payload: what the payload must be; data is NULL when that is not asked
 */
struct rcpt_verify_params {
	const struct rcpt_statement *stmt;
	const struct rcpt_bundle *bundle;
	const struct rcpt_keys *keys;
	const struct receipt_policy *policy;
	enum receipt_op op;
	struct rcpt_issuer_trust trust;
	bool require_all;
	size_t ncrit;
	struct rcpt_label crit[RECEIPT_MAX_CRIT];
	size_t nbeside;
	struct rcpt_span beside[RCPT_MAX_BESIDE];
	const struct rcpt_digests *artifact;
	struct rcpt_span payload;
};

/**
 * struct rcpt_receipt_result - of one receipt
 * @receipt: parsed as far as it went
 * @beside: it came beside the statement, not in it
 * @err: status 0 when it is good, else why not
 * @key: that it was proven with
 * @root: that was signed
 */
struct rcpt_receipt_result {
	struct rcpt_receipt receipt;
	bool beside;
	struct rcpt_error err;
	const struct rcpt_key *key;
	uint8_t root[RECEIPT_HASH_SIZE];
};

/**
 * struct rcpt_verify_result - the verdict
 * @err: of the whole; status 0 when it is valid, else the reason that decided
 * @issuer: of the issuer's signature; status 0 when it is good, reason
 *	RECEIPT_REASON_NO_ISSUER_KEY when there was no key and the receipts decide
 * @nreceipts: used entries of @receipts
 * @nvalid: good ones among them
 * @receipts: first those in the statement, then those beside it
 * @bound: the artifact was held against the statement and fits
 * @leaf: of the artifact in the manifest, when @bound
 * @usage: operations granted; all for a hash envelope
 * @decided: @verdict counts
 * @verdict: of the policy
 */
struct rcpt_verify_result {
	struct rcpt_error err;
	struct rcpt_error issuer;
	size_t nreceipts;
	size_t nvalid;
	struct rcpt_receipt_result receipts[RECEIPT_MAX_RECEIPTS + RCPT_MAX_BESIDE];
	bool bound;
	size_t leaf;
	uint8_t usage;
	bool decided;
	struct receipt_verdict verdict;
};

int rcpt_verify(const struct rcpt_verify_params *params,
		struct rcpt_verify_result *result);
void rcpt_verify_result_free(struct rcpt_verify_result *result);
void rcpt_prove_issuer(const struct receipt_policy *policy,
		       const struct rcpt_statement *stmt, struct receipt_summary *sum);

#endif /* RCPT_VERIFY_H */
