/* SPDX-License-Identifier: MIT */
/*
 * From denials to the commands that seal what was denied.
 */
#ifndef RECEIPTCTL_LEARN_H
#define RECEIPTCTL_LEARN_H

#include "denials.h"
#include "dpkg.h"

/**
 * enum learn_state - what is at the name now
 * @LEARN_SAME: the file that was denied
 * @LEARN_NO_NAME: the kernel was given no file
 * @LEARN_NO_DIGEST: nobody knows, the record has no digest
 * @LEARN_CHANGED: another content
 * @LEARN_GONE: no file
 * @LEARN_UNREADABLE: it cannot be read
 */
enum learn_state {
	LEARN_SAME,
	LEARN_NO_NAME,
	LEARN_NO_DIGEST,
	LEARN_CHANGED,
	LEARN_GONE,
	LEARN_UNREADABLE,
	LEARN_BOUND,
	LEARN_UNPROVEN,
};

/**
 * struct learn_file - an artifact that lacks evidence
 * @denial: what is known of it
 * @state: of the file at @path
 * @path: one of the denial's; "" when it has none
 * @file: the same below the root, own memory
 * @package: that has it, or NULL
 * @takes: what seal grants by itself
 * @grants: all that this file was used for
 */
struct learn_file {
	const struct denial *denial;
	enum learn_state state;
	const char *path;
	char *file;
	const struct package *package;
	uint8_t takes;
	uint8_t grants;
};

/**
 * struct learn - the plan; start with all zero but @denials and @root
 * @denials: what was denied
 * @root: folder that names are below, "" for this machine
 * @root_fd: the same, opened, while the plan is made
 * @budget: what reading the files may cost
 * @packages: of the files
 * @n: used entries of @files
 * @nseal: how many of them are to be sealed; they stand first, by package
 * @files: what lacks evidence
 */
struct learn {
	const struct denials *denials;
	const char *root;
	int root_fd;
	struct rcpt_budget budget;
	struct packages packages;
	size_t n;
	size_t nseal;
	struct learn_file *files;
};

/**
 * struct learn_names - what the machine does not know
 * @key: file with the issuer's key
 * @issuer: who says it
 * @log: folder of the log
 */
struct learn_names {
	const char *key;
	const char *issuer;
	const char *log;
};

int learn_plan(struct learn *l, struct rcpt_error *err);
size_t learn_group(const struct learn *l, size_t first);
void learn_command(FILE *out, const struct learn *l, size_t first,
		   const struct learn_names *names);
uint64_t learn_apart(const struct denial *d);
const char *learn_hint(enum receipt_reason reason);
void learn_free(struct learn *l);

#endif /* RECEIPTCTL_LEARN_H */
