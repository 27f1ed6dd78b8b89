/* SPDX-License-Identifier: MIT */
/*
 * Exhaustive tests of small sizes: the kernel's sources, compiled for user space
 * under ASan and UBSan, against a definition that is written another way. Their
 * every branch is counted, so that a loop that does not end is seen.
 */
#ifndef MODEL_H
#define MODEL_H

#include <linux/fs.h>
#include <linux/string.h>

#include "private.h"

/* A piece of memory whose end is the end of what may be touched. */
struct room {
	u8 *start;
	size_t size;
};

struct room room_of(size_t size);
void *at_end(const struct room *room, size_t len);

/* Allows so many branches for what follows; more are the end of the program. */
void allow_steps(u64 n);

/*
 * TAP. A test fails with the first case that is wrong: "if (wrong) return fail(...)"
 * in a function that returns bool, and says in how many cases it was right.
 */
bool fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void count_case(void);
void run_test(const char *name, bool (*test)(void));
int finish(void);

/* One symbol of an alphabet. */
struct symbol {
	u8 major;
	u64 arg;
	const char *bytes;	/* of strings; NULL where the length is all that counts */
};

struct receipt_token token_of(const struct symbol *s);
void show_tokens(const struct receipt_token *t, u32 n);

#endif /* MODEL_H */
