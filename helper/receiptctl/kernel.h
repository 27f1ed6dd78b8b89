/* SPDX-License-Identifier: MIT */
/*
 * What the commands that talk to the kernel share.
 */
#ifndef RECEIPTCTL_KERNEL_H
#define RECEIPTCTL_KERNEL_H

#include "answer.h"
#include "bundlefile.h"
#include "netlink.h"

/* kernel.c */
int kernel_open(struct rcpt_nl **nl);
int kernel_error(const char *file, const struct rcpt_error *err);
bool parse_seconds(const char *text, double *seconds);
double now_seconds(void);

/* evidence.c */

/**
 * struct evidence_count - how many pieces of evidence were sent
 * @accepted: proven by the kernel
 * @refused: not
 * @first: why the first of them was not
 */
struct evidence_count {
	size_t accepted;
	size_t refused;
	struct rcpt_error first;
};

int evidence_send(struct rcpt_nl *nl, const struct bundle_file *file,
		  const struct rcpt_digests *only, struct evidence_count *count,
		  const char **about, struct rcpt_error *err);
int evidence_keep(struct rcpt_span file, struct evidence_count *count, struct rcpt_error *err);

#endif /* RECEIPTCTL_KERNEL_H */
