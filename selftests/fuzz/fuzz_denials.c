// SPDX-License-Identifier: MIT
/*
 * Logs of denials: what is counted is whole, and within the bounds.
 */
#include "denials.h"
#include "fuzz.h"
#include "manifest.h"

static void check_denial(const struct denial *d)
{
	HOLDS(d->op < RECEIPT_OP_COUNT && d->reasons && d->count);
	HOLDS(d->npaths <= DENIALS_PATHS && strlen(d->comm) <= DENIALS_COMM);
	HOLDS(!d->digest.kind || rcpt_digest_len(d->digest.kind));
	for (size_t i = 0; i < d->npaths; i++)
		HOLDS(*d->paths[i] && strlen(d->paths[i]) <= RECEIPT_MAX_PATH_HINT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *in = fmemopen((void *)data, size, "r");
	struct rcpt_error err = { 0 };
	struct denials d = { 0 };

	if (!in)
		return 0;
	HOLDS(!denials_read(&d, in, &err));
	HOLDS(d.records >= d.n);
	for (size_t i = 0; i < d.n; i++)
		check_denial(d.at[i]);
	denials_free(&d);
	fclose(in);
	return 0;
}
