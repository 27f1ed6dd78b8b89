// SPDX-License-Identifier: MIT
/*
 * The kernel's numbers, for people and as JSON.
 */
#include "stats.h"

#include <inttypes.h>
#include <string.h>

#include "receiptctl.h"

#define COLUMN	34	/* where values stand */

/**
 * stats_add() - take one number of the kernel
 * @stat: number; a name that is too long counts as no room
 * @stats: struct stats, gets it
 */
void stats_add(const struct rcpt_nl_stat *stat, void *stats)
{
	struct stats *all = stats;
	struct stats_row *row = &all->row[all->n];

	if (all->n == STATS_MAX || strlen(stat->name) >= sizeof(row->name)) {
		all->over = true;
		return;
	}
	strcpy(row->name, stat->name);
	row->value = stat->value;
	row->reason = stat->reason;
	row->limit = stat->limit;
	all->n++;
}

/**
 * stats_find() - the number that stands alone under a name
 * @stats: all
 * @name: which
 *
 * Return: its row, or NULL.
 */
const struct stats_row *stats_find(const struct stats *stats, const char *name)
{
	for (size_t i = 0; i < stats->n; i++)
		if (!stats->row[i].reason && !stats->row[i].limit &&
		    !strcmp(stats->row[i].name, name))
			return &stats->row[i];
	return NULL;
}

/*
 * For people
 */

static void print_row(FILE *out, const char *indent, const char *name, uint64_t value)
{
	int width = COLUMN - (int)strlen(indent) - (int)strlen(name);

	fputs(indent, out);
	print_text(out, name, strlen(name));
	fprintf(out, "%*s%" PRIu64 "\n", width > 1 ? width : 1, " ", value);
}

/* How many are in all buckets of a name. */
static uint64_t sum_buckets(const struct stats *stats, const char *name)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < stats->n; i++)
		if (stats->row[i].limit && !strcmp(stats->row[i].name, name))
			sum += stats->row[i].value;
	return sum;
}

/* The limit of the bucket that the percentile is in: it is at most that. */
static uint64_t percentile(const struct stats *stats, const char *name, unsigned int percent)
{
	uint64_t all = sum_buckets(stats, name), sum = 0;
	/* Rounded up, without an overflow. */
	uint64_t want = all / 100 * percent + (all % 100 * percent + 99) / 100;

	for (size_t i = 0; i < stats->n; i++) {
		if (!stats->row[i].limit || strcmp(stats->row[i].name, name))
			continue;
		sum += stats->row[i].value;
		if (sum >= want)
			return stats->row[i].limit;
	}
	return UINT64_MAX;
}

static void print_percentile(FILE *out, const struct stats *stats, const char *name,
			     unsigned int percent)
{
	uint64_t us = percentile(stats, name, percent);
	char text[STATS_NAME_MAX];

	snprintf(text, sizeof(text), "p%u at most, microseconds", percent);
	if (us == UINT64_MAX)
		fprintf(out, "  p%u longer than all limits\n", percent);
	else
		print_row(out, "  ", text, us);
}

static void print_bucket(FILE *out, const struct stats_row *row)
{
	char text[STATS_NAME_MAX];

	if (!row->value)
		return;
	if (row->limit == UINT64_MAX)
		snprintf(text, sizeof(text), "longer");
	else
		snprintf(text, sizeof(text), "to %" PRIu64 " microseconds", row->limit);
	print_row(out, "  ", text, row->value);
}

/* Reasons and buckets that are not zero stand under their name. */
static void print_group(const struct stats *stats, const char *name, FILE *out)
{
	for (size_t i = 0; i < stats->n; i++) {
		const struct stats_row *row = &stats->row[i];

		if (strcmp(row->name, name))
			continue;
		if (row->limit)
			print_bucket(out, row);
		else if (row->reason && row->value)
			print_row(out, "  ", rcpt_reason_text(row->reason), row->value);
	}
}

static bool is_first_bucket(const struct stats *stats, size_t i)
{
	return stats->row[i].limit &&
	       (!i || !stats->row[i - 1].limit ||
		strcmp(stats->row[i - 1].name, stats->row[i].name));
}

static void print_histogram(const struct stats *stats, const char *name, FILE *out)
{
	uint64_t sum = sum_buckets(stats, name);

	print_row(out, "", name, sum);
	print_group(stats, name, out);
	if (!sum)
		return;
	print_percentile(out, stats, name, 50);
	print_percentile(out, stats, name, 99);
}

/**
 * stats_print() - print for people
 * @stats: all
 * @out: stream
 *
 * A line for each number; reasons and buckets that are zero are left out.
 */
void stats_print(const struct stats *stats, FILE *out)
{
	for (size_t i = 0; i < stats->n; i++) {
		const struct stats_row *row = &stats->row[i];

		if (is_first_bucket(stats, i)) {
			print_histogram(stats, row->name, out);
		} else if (!row->reason && !row->limit) {
			print_row(out, "", row->name, row->value);
			print_group(stats, row->name, out);
		}
	}
}

/*
 * As JSON
 */

/* The member of @object, made when it is not there. */
static json_t *member(json_t *object, const char *key, json_t *(*make)(void))
{
	json_t *json = json_object_get(object, key);

	if (json)
		return json;
	json_object_set_new(object, key, make());
	return json_object_get(object, key);
}

static void add_reason(json_t *object, const struct stats_row *row)
{
	char key[STATS_NAME_MAX + sizeof("-by-reason")];

	snprintf(key, sizeof(key), "%s-by-reason", row->name);
	json_object_set_new(member(object, key, json_object), rcpt_reason_text(row->reason),
			    json_u64(row->value));
}

static void add_bucket(json_t *object, const struct stats_row *row)
{
	json_t *bucket = json_object();

	json_object_set_new(bucket, "le_us", row->limit == UINT64_MAX ? json_null() :
						json_u64(row->limit));
	json_object_set_new(bucket, "count", json_u64(row->value));
	json_array_append_new(member(object, row->name, json_array), bucket);
}

/**
 * stats_json() - as a JSON object
 * @stats: all
 *
 * Return: new reference: numbers under their names; denials under NAME-by-reason
 * an object; of a histogram an array of le_us (null: no limit) and count, which is
 * not cumulative.
 */
json_t *stats_json(const struct stats *stats)
{
	json_t *object = json_object();

	for (size_t i = 0; i < stats->n; i++) {
		const struct stats_row *row = &stats->row[i];

		if (row->limit)
			add_bucket(object, row);
		else if (row->reason)
			add_reason(object, row);
		else
			json_object_set_new(object, row->name, json_u64(row->value));
	}
	return object;
}
