/* SPDX-License-Identifier: MIT */
/*
 * What fuzz targets share. libFuzzer calls the functions declared here; a target
 * is one file fuzz_NAME.c.
 */
#ifndef RCPT_FUZZ_H
#define RCPT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Said of what must hold for every input; it is a crash when it does not. */
#define HOLDS(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: does not hold: %s\n",	\
				__FILE__, __LINE__, #condition);	\
			abort();					\
		}							\
	} while (0)

/* A result and the error beside it, which was empty before, say the same. */
static inline void holds_error(int ret, const struct rcpt_error *err)
{
	HOLDS(ret <= 0);
	HOLDS(ret == -RCPT_INVALID || ret == -RCPT_CANNOT_EVALUATE ||
	      ret == -RCPT_MALFORMED || !ret);
	HOLDS(err->status == -ret);
	if (!ret)
		return;
	HOLDS(err->reason != RECEIPT_REASON_ALLOWED);
	HOLDS(*err->text);
}

#endif /* RCPT_FUZZ_H */
