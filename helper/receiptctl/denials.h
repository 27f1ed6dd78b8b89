/* SPDX-License-Identifier: MIT */
/*
 * What was denied, or would have been: records of the audit log, of the kernel's
 * log, and events, summed up by operation and digest.
 */
#ifndef RECEIPTCTL_DENIALS_H
#define RECEIPTCTL_DENIALS_H

#include <stdio.h>

#include <jansson.h>

#include "receipt.h"

#define DENIALS_MAX		65536	/* different ones */
#define DENIALS_PATHS		16	/* names that are kept of one */
#define DENIALS_LINE		32768	/* bytes; longer ones are no records */
#define DENIALS_DEV		32	/* bytes of the name of a device */
#define DENIALS_COMM		64	/* bytes of the name of a program */

/**
 * struct denial - an artifact that was denied
 * @op: operation
 * @digest: kind 0 when the record has none; it is one for each path then
 * @proven: some record of it is where the kernel alone writes
 * @ino: of the file; 0: not known
 * @dev: its device, as the kernel names it; empty: not known
 * @reasons: bits by enum receipt_reason
 * @count: how often
 * @npaths: used entries of @paths
 * @more_paths: there were others
 * @paths: as the kernel named it, own memory
 * @comm: program that was first
 */
struct denial {
	enum receipt_op op;
	struct rcpt_digest digest;
	bool proven;
	uint64_t ino;
	char dev[DENIALS_DEV + 1];
	uint64_t reasons;
	uint64_t count;
	size_t npaths;
	bool more_paths;
	char *paths[DENIALS_PATHS];
	char comm[DENIALS_COMM + 1];
};

/**
 * struct denials - all of them; start with all zero
 * @n: used entries of @at
 * @cap: room
 * @at: in the order in which they came
 * @tree: the same by what tells them apart
 * @trusted: what is read now is where the kernel, or who runs this, alone writes
 * @kernel_log: likewise its lines as the kernel's log or a journal has them
 * @unproven: denials that were read elsewhere
 * @seen: records and events of any kind that were read
 * @records: denials that were read
 * @skipped: lines that look like records and are not
 * @suppressed: denials that the kernel did not record
 * @lost: times that events were lost on the way
 */
struct denials {
	size_t n;
	size_t cap;
	struct denial **at;
	void *tree;
	bool trusted;
	bool kernel_log;
	uint64_t unproven;
	uint64_t seen;
	uint64_t records;
	uint64_t skipped;
	uint64_t suppressed;
	uint64_t lost;
};

int denials_read(struct denials *d, FILE *in, struct rcpt_error *err);
int denials_line(struct denials *d, char *line, struct rcpt_error *err);
int denials_event(struct denials *d, const json_t *event, struct rcpt_error *err);
void denials_free(struct denials *d);

#endif /* RECEIPTCTL_DENIALS_H */
