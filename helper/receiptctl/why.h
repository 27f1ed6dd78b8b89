/* SPDX-License-Identifier: MIT */
/*
 * What is known of one artifact: evidence in stores, and what a policy makes
 * of it.
 */
#ifndef RECEIPTCTL_WHY_H
#define RECEIPTCTL_WHY_H

#include "answer.h"
#include "policyfile.h"


/**
 * struct why_receipt - a receipt under the policy
 * @err: status 0 when it is good, else why not
 * @key: of the log that gave it
 */
struct why_receipt {
	struct rcpt_error err;
	const struct rcpt_key *key;
};

/**
 * struct why_found - a statement about the artifact
 * @dir: of the store it was found in
 * @kind: enum receipt_kind of the digest it was found by
 * @proposal: NULL when it is of no use, see @err
 * @err: status 0 when @proposal is there
 * @receipts: one for each of the proposal's, when there is a policy
 * @summary: of what is proven; no proofs when nothing is
 * @iss: terminated
 * @sub: terminated
 */
struct why_found {
	const char *dir;
	uint8_t kind;
	struct rcpt_proposal *proposal;
	struct rcpt_error err;
	struct why_receipt receipts[RECEIPT_MAX_RECEIPTS];
	struct receipt_summary summary;
	char iss[RECEIPT_MAX_CLAIM + 1];
	char sub[RECEIPT_MAX_CLAIM + 1];
};

/**
 * struct why - all of it
 * @path: of the artifact
 * @op: what it would be used for
 * @fstype: name of the type of file system that it is on, or NULL
 * @fstype_name: room for it
 * @boot_verified: it is on the initramfs
 * @digests: of its content, and of fs-verity and dm-verity where it is under them
 * @answerer: with the stores
 * @nfound: used entries of @found
 * @found: statements
 * @policy: to judge by, when @has_policy
 * @has_policy: there is one
 * @verdict: of the policy
 * @has_kernel: @kernel counts
 * @kernel: what the kernel would say now, by the SHA-256
 */
struct why {
	const char *path;
	enum receipt_op op;
	const char *fstype;
	char fstype_name[RECEIPT_FSTYPE_MAX + 1];
	bool boot_verified;
	struct rcpt_digests digests;
	struct rcpt_answerer answerer;
	size_t nfound;
	struct why_found **found;
	struct policy_file policy;
	bool has_policy;
	struct receipt_verdict verdict;
	bool has_kernel;
	struct rcpt_nl_explain kernel;
};

int why_ask(struct why *w, struct rcpt_nl *nl);
int why_open_stores(struct why *w, const char *const *dirs, size_t n);
int why_digest_fd(struct why *w, int fd, struct rcpt_budget *budget, struct rcpt_error *err);
int why_digest(struct why *w, struct rcpt_budget *budget, struct rcpt_error *err);
int why_find(struct why *w, struct rcpt_error *err);
bool why_counts(const struct why *w, uint8_t kind);
void why_summarize(const struct policy_file *policy, struct why_found *f);
void why_add_summary(const struct receipt_policy *policy, struct receipt_facts *facts,
		     uint8_t first, const struct receipt_summary *summary);
void why_judge(struct why *w);
void why_forget(struct why *w);
void why_free(struct why *w);

#endif /* RECEIPTCTL_WHY_H */
