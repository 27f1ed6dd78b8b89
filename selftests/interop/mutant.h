/* SPDX-License-Identifier: MIT */
/*
 * Statements with receipts, put together by chance: most of what could stand in
 * them, and much that could not. Numbers come from a seed; keys are new each time.
 */
#ifndef MUTANT_H
#define MUTANT_H

#include "bundle.h"
#include "receipt.h"
#include "sign.h"

#define LOGS	4

/**
 * struct logs - those that sign receipts
 * @signer: their keys; the last is in no policy
 * @issuer: their names
 * @entry: what their leaves commit to
 */
struct logs {
	struct rcpt_signer signer[LOGS];
	const char *issuer[LOGS];
	enum receipt_entry entry[LOGS];
};

/**
 * struct mutant - a file, and what is asked about it
 * @file: bundle or statement
 * @statement: the statement
 * @has_artifact: @artifact counts
 * @artifact: one digest
 */
struct mutant {
	struct rcpt_span file;
	struct rcpt_span statement;
	bool has_artifact;
	struct rcpt_digests artifact;
};

void logs_make(struct logs *logs);
char *logs_policy(const struct logs *logs, size_t *len);
void logs_free(struct logs *logs);

void mutant_seed(uint64_t seed);
struct mutant *mutant_make(const struct logs *logs);
void mutant_free(struct mutant *m);

#endif /* MUTANT_H */
