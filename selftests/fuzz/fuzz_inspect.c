// SPDX-License-Identifier: MIT
/*
 * receiptctl inspect: as a tree, as JSON, in diagnostic notation.
 */
#include "fuzz.h"

#include "../../helper/receiptctl/cmd_inspect.c"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return !freopen("/dev/null", "w", stdout);
}

static void check(struct inspect run)
{
	struct rcpt_error err = { 0 };
	int ret = show(&run, &err);

	holds_error(-ret, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inspect run = { .in = rcpt_span(data, size) };

	check(run);
	run.entry = RECEIPT_ENTRY_STMT;
	run.json = true;
	check(run);
	run.json = false;
	run.diag = true;
	check(run);
	return 0;
}
