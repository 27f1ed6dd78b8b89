// SPDX-License-Identifier: MIT
/*
 * What differs between two policies. Log lines are told apart by name and key.
 * The first rule that matches wins, so order counts among rules of one operation,
 * and there alone: what stands in both policies in another order has moved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policychange.h"

static int add_change(struct policy_changes *changes, enum policy_change_is is,
		      const struct policy_line *old, const struct policy_line *new)
{
	struct policy_change *at = realloc(changes->at, (changes->n + 1) * sizeof(*at));

	if (!at)
		return -ENOMEM;
	changes->at = at;
	at[changes->n++] = (struct policy_change){ .is = is, .old = old, .new = new };
	return 0;
}

/*
 * Logs
 */

static const struct receipt_log *find_log(const struct receipt_policy *p,
					  const struct receipt_log *like)
{
	for (uint32_t i = 0; i < p->nlogs; i++)
		if (!strcmp(p->logs[i].name, like->name) &&
		    !memcmp(p->logs[i].key.id, like->key.id, RECEIPT_HASH_SIZE))
			return &p->logs[i];
	return NULL;
}

static int compare_log(const struct policy_side sides[2], const struct receipt_log *log,
		       struct policy_changes *changes)
{
	const struct receipt_log *now = find_log(sides[1].file.policy, log);
	const struct policy_line *old = policy_lines_find(&sides[0].lines, log->line), *new;

	if (!now)
		return add_change(changes, POLICY_REMOVED, old, NULL);
	new = policy_lines_find(&sides[1].lines, now->line);
	if (!strcmp(old->meaning, new->meaning))
		return 0;
	return add_change(changes, POLICY_CHANGED, old, new);
}

static int compare_logs(const struct policy_side sides[2], struct policy_changes *changes)
{
	const struct receipt_policy *old = sides[0].file.policy;
	const struct receipt_policy *new = sides[1].file.policy;
	int ret = 0;

	for (uint32_t i = 0; i < old->nlogs && !ret; i++)
		ret = compare_log(sides, &old->logs[i], changes);
	for (uint32_t i = 0; i < new->nlogs && !ret; i++)
		if (!find_log(old, &new->logs[i]))
			ret = add_change(changes, POLICY_ADDED, NULL,
					 policy_lines_find(&sides[1].lines, new->logs[i].line));
	return ret;
}

/*
 * Rules
 */

/**
 * struct rules - rules of one group in one policy
 * @n: used entries of the rest
 * @line: statement
 * @hash: of its meaning
 * @paired: it stands in the other policy as well
 */
struct rules {
	size_t n;
	const struct policy_line **line;
	uint64_t *hash;
	bool *paired;
};

/* FNV-1a. */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	while (*text)
		hash = (hash ^ (uint8_t)*text++) * 0x100000001b3ULL;
	return hash;
}

static int collect_rules(const struct policy_lines *lines, const char *group, struct rules *r)
{
	r->line = calloc(lines->n + 1, sizeof(*r->line));
	r->hash = calloc(lines->n + 1, sizeof(*r->hash));
	r->paired = calloc(lines->n + 1, sizeof(*r->paired));
	if (!r->line || !r->hash || !r->paired)
		return -ENOMEM;
	for (size_t i = 0; i < lines->n; i++) {
		const struct policy_line *line = &lines->at[i];

		if (line->is != POLICY_LINE_RULE || strcmp(line->group, group))
			continue;
		r->line[r->n] = line;
		r->hash[r->n++] = hash_text(line->meaning);
	}
	return 0;
}

static void free_rules(struct rules *r)
{
	free(r->line);
	free(r->hash);
	free(r->paired);
}

static bool same(const struct rules *old, size_t o, const struct rules *new, size_t n)
{
	return old->hash[o] == new->hash[n] &&
	       !strcmp(old->line[o]->meaning, new->line[n]->meaning);
}

static void pair(struct rules *old, size_t o, struct rules *new, size_t n)
{
	old->paired[o] = true;
	new->paired[n] = true;
}

/*
 * Pairs the longest sequence that both have. What is the same at both ends is paired
 * first, so that the table is as large as what changed.
 */
static int pair_in_order(struct rules *old, struct rules *new)
{
	size_t from = 0, o = old->n, n = new->n, width;
	uint16_t *best;		/* length of the longest from (o, n) to the end */

	for (; from < o && from < n && same(old, from, new, from); from++)
		pair(old, from, new, from);
	for (; o > from && n > from && same(old, o - 1, new, n - 1); o--, n--)
		pair(old, o - 1, new, n - 1);
	width = n - from + 1;
	best = calloc((o - from + 1) * width, sizeof(*best));
	if (!best)
		return -ENOMEM;
#define BEST(i, j)	best[((i) - from) * width + (j) - from]
	for (size_t i = o; i-- > from;)
		for (size_t j = n; j-- > from;)
			if (same(old, i, new, j))
				BEST(i, j) = BEST(i + 1, j + 1) + 1;
			else
				BEST(i, j) = BEST(i + 1, j) > BEST(i, j + 1) ? BEST(i + 1, j) :
									       BEST(i, j + 1);
	for (size_t i = from, j = from; i < o && j < n;) {
		if (same(old, i, new, j))
			pair(old, i++, new, j++);
		else if (BEST(i + 1, j) >= BEST(i, j + 1))
			i++;
		else
			j++;
	}
#undef BEST
	free(best);
	return 0;
}

static int add_rest(struct rules *old, struct rules *new, const char *group,
		    struct policy_changes *changes)
{
	int ret = 0;

	for (size_t i = 0; i < old->n && !ret; i++) {
		size_t j = 0;

		if (old->paired[i])
			continue;
		while (j < new->n && (new->paired[j] || !same(old, i, new, j)))
			j++;
		if (j == new->n) {
			ret = add_change(changes, POLICY_REMOVED, old->line[i], NULL);
			continue;
		}
		new->paired[j] = true;
		if (*group)
			ret = add_change(changes, POLICY_MOVED, old->line[i], new->line[j]);
	}
	for (size_t j = 0; j < new->n && !ret; j++)
		if (!new->paired[j])
			ret = add_change(changes, POLICY_ADDED, NULL, new->line[j]);
	return ret;
}

static int compare_group(const struct policy_side sides[2], const char *group,
			 struct policy_changes *changes)
{
	struct rules old = { 0 }, new = { 0 };
	int ret = collect_rules(&sides[0].lines, group, &old);

	if (!ret)
		ret = collect_rules(&sides[1].lines, group, &new);
	if (!ret)
		ret = pair_in_order(&old, &new);
	if (!ret)
		ret = add_rest(&old, &new, group, changes);
	free_rules(&old);
	free_rules(&new);
	return ret;
}

/* What names no operation counts for all, and wherever it stands. */
static int compare_rules(const struct policy_side sides[2], struct policy_changes *changes)
{
	int ret = compare_group(sides, "", changes);
	char group[64];

	for (int op = 0; op < RECEIPT_OP_COUNT && !ret; op++) {
		snprintf(group, sizeof(group), "op=%s", receipt_op_name(op));
		ret = compare_group(sides, group, changes);
	}
	return ret;
}

/**
 * policy_changes_find() - compare the log lines and rules of two policies
 * @sides: old and new; must outlive @changes
 * @changes: result, for policy_changes_free() also after a failure
 *
 * Return: 0 or -ENOMEM.
 */
int policy_changes_find(const struct policy_side sides[2], struct policy_changes *changes)
{
	int ret;

	memset(changes, 0, sizeof(*changes));
	ret = compare_logs(sides, changes);
	return ret ? ret : compare_rules(sides, changes);
}

/**
 * policy_changes_free() - free what policy_changes_find() made
 * @changes: left empty
 */
void policy_changes_free(struct policy_changes *changes)
{
	free(changes->at);
	memset(changes, 0, sizeof(*changes));
}
