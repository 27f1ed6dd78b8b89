// SPDX-License-Identifier: GPL-2.0-only
/*
 * All numbers that the kernel gives out, once for netlink and securityfs.
 */
#include "private.h"

struct timed_names {
	const char *bucket;
	const char *sum;
	const char *count;
};

static const struct timed_names timed_names[RECEIPT_TIMED_COUNT] = {
	[RECEIPT_TIMED_LOOKUP] = {
		"lookup-wait", "lookup-wait-us", "lookup-waits",
	},
	[RECEIPT_TIMED_EVIDENCE] = {
		"evidence-check", "evidence-check-us", "evidence-checks",
	},
};

/* All: a helper may give any of them. */
static const enum receipt_reason reasons[] = {
#define RECEIPT_REASON_ROW(num, name, text) RECEIPT_REASON_##name,
	RECEIPT_REASONS(RECEIPT_REASON_ROW)
#undef RECEIPT_REASON_ROW
};

static int report(receipt_figure_fn fn, void *to, const char *name, u64 value)
{
	const struct receipt_figure figure = { .name = name, .value = value };

	return fn(to, &figure);
}

static int report_counters(receipt_figure_fn fn, void *to)
{
	int i, ret = 0;

	for (i = 0; !ret && i < RECEIPT_STAT_COUNT; i++)
		ret = report(fn, to, receipt_stat_name(i), receipt_stat_read(i));

	return ret;
}

static int report_caches(receipt_figure_fn fn, void *to)
{
	u64 positive, negative, kept;

	receipt_cache_counts(&positive, &negative, &kept);

	return report(fn, to, "digests-proven", positive) ?:
	       report(fn, to, "digests-without-evidence", negative) ?:
	       report(fn, to, "digests-kept", kept) ?:
	       report(fn, to, "lookups-pending", receipt_lookup_pending());
}

static int report_denials(receipt_figure_fn fn, void *to, bool enforced)
{
	struct receipt_figure figure = {
		.name = enforced ? "denied" : "permitted",
	};
	int i, ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(reasons); i++) {
		figure.reason = reasons[i];
		figure.value = receipt_denials_read(reasons[i], enforced);
		if (reasons[i] != RECEIPT_REASON_ALLOWED)
			ret = fn(to, &figure);
	}

	return ret;
}

static int report_times(receipt_figure_fn fn, void *to, enum receipt_timed timed)
{
	const struct timed_names *names = &timed_names[timed];
	struct receipt_figure figure = { .name = names->bucket };
	struct receipt_times times;
	u64 n = receipt_times_read(timed, &times);
	unsigned int i;
	int ret;

	ret = report(fn, to, names->count, n) ?:
	      report(fn, to, names->sum, times.us);
	for (i = 0; !ret && i < RECEIPT_BUCKETS; i++) {
		figure.limit = receipt_bucket_limit(i);
		figure.value = times.bucket[i];
		ret = fn(to, &figure);
	}

	return ret;
}

/**
 * receipt_report - go through all numbers
 * @fn: takes one; what it returns ends it when it is not zero
 * @to: for @fn
 *
 * The order is always the same. Numbers change meanwhile: sums over CPUs are not
 * of one instant, but a histogram's count is that of its buckets.
 *
 * Context: Any that @fn stands.
 * Return: 0, or what @fn said.
 */
int receipt_report(receipt_figure_fn fn, void *to)
{
	int timed, ret;

	ret = report_counters(fn, to) ?:
	      report_caches(fn, to) ?:
	      report_denials(fn, to, true) ?:
	      report_denials(fn, to, false);
	for (timed = 0; !ret && timed < RECEIPT_TIMED_COUNT; timed++)
		ret = report_times(fn, to, timed);

	return ret;
}
