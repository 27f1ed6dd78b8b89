// SPDX-License-Identifier: MIT
/*
 * What may be read of files that other people's processes use.
 */
#include "spend.h"

#include <search.h>
#include <stdlib.h>

/**
 * struct process - what was read for one
 * @pid: its number
 * @files: how many
 * @bytes: of them
 * @told: that it has had its share
 */
struct process {
	pid_t pid;
	size_t files;
	uint64_t bytes;
	bool told;
};

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Return: NULL without memory. */
static struct process *find(struct spend *s, pid_t pid)
{
	struct process *new = calloc(1, sizeof(*new)), **known;

	if (!new)
		return NULL;
	new->pid = pid;
	known = tsearch(new, &s->processes, by_pid);
	if (!known || *known != new)
		free(new);
	return known ? *known : NULL;
}

/**
 * spend_start() - begin to count for all together
 * @s: what processes have had stays
 */
void spend_start(struct spend *s)
{
	rcpt_budget_start(&s->all, SPEND_FILE_BYTES, SPEND_ALL_BYTES, SPEND_SECONDS);
}

/**
 * spend_on() - may a file be read for a process?
 * @s: begun
 * @pid: who pays; 0: nobody but all together
 * @size: of the file
 *
 * What is too large as one file costs a process nothing: rcpt_budget_take() refuses it.
 *
 * Return: SPEND_YES, or why not; without memory, SPEND_NO.
 */
enum spend_answer spend_on(struct spend *s, pid_t pid, uint64_t size)
{
	struct process *p;

	if (!pid || size > SPEND_FILE_BYTES)
		return SPEND_YES;
	p = find(s, pid);
	if (!p)
		return SPEND_NO;
	if (p->files < SPEND_PROCESS_FILES && p->bytes + size <= SPEND_PROCESS_BYTES) {
		p->files++;
		p->bytes += size;
		return SPEND_YES;
	}
	if (p->told)
		return SPEND_NO;
	p->told = true;
	return SPEND_LAST;
}

/**
 * spend_free() - free it
 * @s: left empty
 */
void spend_free(struct spend *s)
{
	tdestroy(s->processes, free);
	s->processes = NULL;
}
