/* SPDX-License-Identifier: MIT */
/*
 * A policy out of a file.
 */
#ifndef RECEIPTCTL_POLICYFILE_H
#define RECEIPTCTL_POLICYFILE_H

#include "receipt.h"

struct rcpt_nl;

/**
 * struct policy_file - a policy as it stands in a file
 * @path: of the file
 * @text: its content
 * @len: bytes of @text
 * @policy: parsed, with the ids of its keys
 * @keys: of its logs
 */
struct policy_file {
	const char *path;
	char *text;
	size_t len;
	struct receipt_policy *policy;
	struct rcpt_keys keys;
};

int policy_file_read(const char *path, struct policy_file *f);
int policy_file_parse(struct policy_file *f);
int policy_file_active(struct policy_file *f, struct rcpt_nl *nl);
void policy_file_free(struct policy_file *f);

#endif /* RECEIPTCTL_POLICYFILE_H */
