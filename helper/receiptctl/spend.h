/* SPDX-License-Identifier: MIT */
/*
 * What may be read of files that other people's processes use: no file, no process
 * and not all together can keep a command of root's busy without end.
 */
#ifndef RECEIPTCTL_SPEND_H
#define RECEIPTCTL_SPEND_H

#include <sys/types.h>

#include "receipt.h"

#define SPEND_FILE_BYTES	(4ull << 30)
#define SPEND_PROCESS_BYTES	(16ull << 30)
#define SPEND_PROCESS_FILES	2048
#define SPEND_ALL_BYTES		(256ull << 30)
#define SPEND_SECONDS		900

/**
 * struct spend - what is left; start with all zero
 * @all: of all together
 * @processes: what each has had, by its number
 */
struct spend {
	struct rcpt_budget all;
	void *processes;
};

/* What spend_on() returns. */
enum spend_answer {
	SPEND_YES,
	SPEND_NO,	/* the process has had its share, which was said before */
	SPEND_LAST,	/* the first such answer for this process */
};

void spend_start(struct spend *s);
enum spend_answer spend_on(struct spend *s, pid_t pid, uint64_t size);
void spend_free(struct spend *s);

#endif /* RECEIPTCTL_SPEND_H */
