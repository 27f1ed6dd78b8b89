// SPDX-License-Identifier: MIT
/*
 * Sealing: what is allowed and may still be a mistake is said.
 */
#include <stdlib.h>
#include <string.h>

#include "receiptctl.h"
#include "seal.h"

#define MAX_SAID	10	/* of one kind */

static void say(const char *path, const char *text)
{
	print_text(stderr, path, strlen(path));
	fprintf(stderr, ": warning: %s", text);
}

static void say_ops(uint8_t usage)
{
	const char *sep = "";

	for (unsigned int op = 0; op < RECEIPT_OP_COUNT; op++) {
		if (!(usage & 1 << op))
			continue;
		fprintf(stderr, "%s%s", sep, receipt_op_name(op));
		sep = ",";
	}
}

/*
 * The same content for two usages
 */

static int by_digest(const void *va, const void *vb)
{
	const struct artifact *a = *(const struct artifact *const *)va;
	const struct artifact *b = *(const struct artifact *const *)vb;
	int diff = memcmp(a->digest, b->digest, RECEIPT_HASH_SIZE);

	return diff ? diff : a->usage - b->usage;
}

static void say_pair(const struct artifact *a, const struct artifact *b)
{
	say(a->path, "has the content of ");
	print_text(stderr, b->path, strlen(b->path));
	fputs(": it is sealed for ", stderr);
	say_ops(a->usage);
	fputs(" and for ", stderr);
	say_ops(b->usage);
	fputs(", under either name\n", stderr);
}

static void say_pairs(const struct artifact **taken, size_t n)
{
	size_t said = 0, i;

	qsort(taken, n, sizeof(*taken), by_digest);
	for (i = 1; i < n; i++) {
		if (memcmp(taken[i - 1]->digest, taken[i]->digest, RECEIPT_HASH_SIZE) ||
		    taken[i - 1]->usage == taken[i]->usage)
			continue;
		if (said++ < MAX_SAID)
			say_pair(taken[i - 1], taken[i]);
	}
	if (said > MAX_SAID)
		fprintf(stderr, "receiptctl: warning: %zu more contents are sealed for two usages\n",
			said - MAX_SAID);
}

static void say_contents(const struct seal *seal)
{
	const struct artifact **taken = calloc(seal->files.n + 1, sizeof(*taken));
	size_t n = 0, i;

	for (i = 0; taken && i < seal->files.n; i++)
		if (seal->files.item[i].usage)
			taken[n++] = &seal->files.item[i];
	if (taken)
		say_pairs(taken, n);
	free(taken);
}

/**
 * seal_say_usage() - say on standard error what may be a mistake
 * @seal: with all files hashed
 */
void seal_say_usage(const struct seal *seal)
{
	size_t i;

	if (seal->has_root)
		fputs("receiptctl: warning: --dmverity: sealed as it was given, no device was looked at\n",
		      stderr);
	if (seal->envelope)
		return;
	for (i = 0; i < seal->files.n; i++)
		if (seal->files.item[i].usage && seal->files.item[i].policy)
			say(seal->files.item[i].path,
			    "a script that reads as a policy: it is sealed as a script alone\n");
	say_contents(seal);
}
