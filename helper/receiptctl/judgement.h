/* SPDX-License-Identifier: MIT */
/*
 * All that stores vouch for, and what each of two policies says of it.
 */
#ifndef RECEIPTCTL_JUDGEMENT_H
#define RECEIPTCTL_JUDGEMENT_H

#include "answer.h"
#include "policychange.h"

/**
 * struct judgement - a verdict that changes
 * @name: of the file, not terminated; NULL when the kernel alone knows the digest
 * @name_len: bytes of @name
 * @kind: enum receipt_kind
 * @digest: of the file
 * @op: operation
 * @verdict: of the old policy, and of the new one
 */
struct judgement {
	const char *name;
	uint16_t name_len;
	uint8_t kind;
	uint8_t digest[RECEIPT_MAX_DIGEST];
	enum receipt_op op;
	struct receipt_verdict verdict[2];
};

struct judge_statement;
struct judge_leaf;
struct judge_class;

/**
 * struct judge - all of it
 * @sides: old and new policy
 * @now: seconds, for both
 * @answerer: checks what is in the bundles
 * @nstatements: used entries of @statements
 * @statements: one of each bundle
 * @nleaves: used entries of @leaves
 * @leaves: of all bundles, sorted by kind and digest
 * @named: digests that the policies name, as hexadecimal digits, sorted
 * @nnamed: used entries of @named
 * @classes: verdicts of what has the same evidence
 * @nchanged: used entries of @changed
 * @changed: verdicts that change
 * @nsame: how many do not
 * @nunread: bundles that are of no use
 * @nunknown: digests for which the kernel has evidence that no store has
 * @progress: called now and then while bundles are read, or NULL
 */
struct judge {
	const struct policy_side *sides;
	int64_t now;
	struct rcpt_answerer answerer;
	size_t nstatements;
	struct judge_statement *statements;
	size_t nleaves;
	struct judge_leaf *leaves;
	char **named;
	size_t nnamed;
	struct judge_class *classes;
	size_t nchanged;
	struct judgement *changed;
	size_t nsame;
	size_t nunread;
	size_t nunknown;
	void (*progress)(size_t bundles);
};

int judge_store(struct judge *j, const char *dir, struct rcpt_error *err);
int judge_leaves(struct judge *j, struct rcpt_error *err);
int judge_kernel(struct judge *j, struct rcpt_nl *nl, struct rcpt_error *err);
void judge_free(struct judge *j);

#endif /* RECEIPTCTL_JUDGEMENT_H */
