/* SPDX-License-Identifier: MIT */
/*
 * The statements of a policy's text, by what they mean: order of properties,
 * quotes, blanks, comments and continued lines do not count.
 */
#ifndef RECEIPTCTL_POLICYLINES_H
#define RECEIPTCTL_POLICYLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a statement is. */
enum policy_line_is { POLICY_LINE_HEADER, POLICY_LINE_LOG, POLICY_LINE_DEFAULT, POLICY_LINE_RULE };

/**
 * struct policy_line - a statement
 * @is: what
 * @line: in which it begins
 * @text: as it was written, on one line
 * @meaning: the same for all ways to write it
 * @group: of a rule, its operation: order counts among rules of one; else ""
 */
struct policy_line {
	enum policy_line_is is;
	uint32_t line;
	char *text;
	char *meaning;
	char *group;
};

/**
 * struct policy_lines - all statements of a policy
 * @n: used entries of @at
 * @at: in order
 */
struct policy_lines {
	size_t n;
	struct policy_line *at;
};

int policy_lines_read(const char *text, size_t len, struct policy_lines *lines);
const struct policy_line *policy_lines_find(const struct policy_lines *lines, uint32_t line);
void policy_lines_free(struct policy_lines *lines);

#endif /* RECEIPTCTL_POLICYLINES_H */
