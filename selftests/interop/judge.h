/* SPDX-License-Identifier: MIT */
/*
 * One statement, judged twice: as receiptctl verify does, and as the kernel does
 * with what the helper makes of it.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "answer.h"
#include "verify.h"

/**
 * struct judged - a statement and what is asked about it
 * @in: statement or bundle
 * @artifact: digests of the file that it is asked about, or NULL: what the
 *	statement itself is about
 * @nbeside: used entries of @beside
 * @beside: receipts beside it
 */
struct judged {
	struct rcpt_span in;
	const struct rcpt_digests *artifact;
	size_t nbeside;
	struct rcpt_span beside[RCPT_MAX_BESIDE];
};

/**
 * struct judgement - what was said
 * @sent: the helper had evidence to send; else @reason is why not
 * @reason: RECEIPT_REASON_ALLOWED, or why not
 */
struct judgement {
	bool sent;
	enum receipt_reason reason;
};

/**
 * typedef judge_fn - a kernel
 * @ev: evidence
 * @arg: of whoever calls
 *
 * Return: what it says.
 */
typedef enum receipt_reason (*judge_fn)(const struct rcpt_nl_evidence *ev, void *arg);

/* judge.c */
struct judgement judge_user(const struct judged *j, const struct receipt_policy *policy,
			    const struct rcpt_keys *keys);
struct judgement judge_kernel(const struct judged *j, judge_fn kernel, void *arg);

/* kernel.c: the kernel's check in user space; @arg is a struct receipt_policy. */
int kernel_start(struct receipt_policy *policy);
enum receipt_reason kernel_judge(const struct rcpt_nl_evidence *ev, void *arg);

#endif /* JUDGE_H */
