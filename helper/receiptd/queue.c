// SPDX-License-Identifier: MIT
/*
 * Look-ups to be answered.
 */
#include "receiptd.h"

static bool queued(const struct queue *q, uint64_t id)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->entry[(q->first + i) % QUEUE_SIZE].id == id)
			return true;
	return false;
}

/**
 * queue_push() - add a look-up, unless it is there
 * @q: queue
 * @lookup: copied, without its path
 */
void queue_push(struct queue *q, const struct rcpt_nl_lookup *lookup)
{
	struct rcpt_nl_lookup *slot;

	if (queued(q, lookup->id))
		return;
	if (q->n == QUEUE_SIZE) {
		q->overflow = true;
		return;
	}
	slot = &q->entry[(q->first + q->n++) % QUEUE_SIZE];
	*slot = *lookup;
	slot->path = NULL;
}

/**
 * queue_pop() - take the oldest look-up
 * @q: queue
 * @lookup: result
 *
 * Return: whether there was one.
 */
bool queue_pop(struct queue *q, struct rcpt_nl_lookup *lookup)
{
	if (!q->n)
		return false;
	*lookup = q->entry[q->first];
	q->first = (q->first + 1) % QUEUE_SIZE;
	q->n--;
	return true;
}

/**
 * queue_clear() - forget all, as the kernel's list has them
 * @q: empty afterwards, and whole
 */
void queue_clear(struct queue *q)
{
	q->n = 0;
	q->overflow = false;
}
