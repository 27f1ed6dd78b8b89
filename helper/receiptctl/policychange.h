/* SPDX-License-Identifier: MIT */
/*
 * What differs between two policies, by what their statements mean.
 */
#ifndef RECEIPTCTL_POLICYCHANGE_H
#define RECEIPTCTL_POLICYCHANGE_H

#include "policyfile.h"
#include "policylines.h"

enum policy_change_is { POLICY_REMOVED, POLICY_ADDED, POLICY_MOVED, POLICY_CHANGED };

/**
 * struct policy_change - a statement that differs
 * @is: how; CHANGED: a log line of the same name and key says otherwise
 * @old: statement, or NULL
 * @new: statement, or NULL
 */
struct policy_change {
	enum policy_change_is is;
	const struct policy_line *old;
	const struct policy_line *new;
};

/**
 * struct policy_changes - all of them
 * @n: used entries of @at
 * @at: logs, then rules; the texts belong to the statements
 */
struct policy_changes {
	size_t n;
	struct policy_change *at;
};

/**
 * struct policy_side - one of the two policies
 * @file: text, policy, keys
 * @lines: its statements
 */
struct policy_side {
	struct policy_file file;
	struct policy_lines lines;
};

int policy_changes_find(const struct policy_side sides[2], struct policy_changes *changes);
void policy_changes_free(struct policy_changes *changes);

#endif /* RECEIPTCTL_POLICYCHANGE_H */
