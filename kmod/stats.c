// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters, one set per CPU. The hit path has the first set alone, and of that
 * one counter; the second is written on misses only.
 */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/percpu.h>

#include "private.h"

DEFINE_PER_CPU(u64[RECEIPT_STAT_COUNT], receipt_stats);

/**
 * struct details - what is counted of misses
 * @denied: verdicts by reason: [0] let pass by a permissive policy, [1] enforced
 * @times: how long it took
 */
struct details {
	u64 denied[2][RECEIPT_REASON_END];
	struct receipt_times times[RECEIPT_TIMED_COUNT];
};

static DEFINE_PER_CPU(struct details, details);

/**
 * receipt_stat_read - sum of a counter
 * @stat: which
 *
 * Return: the sum over all CPUs.
 */
u64 receipt_stat_read(enum receipt_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(receipt_stats, cpu)[stat]);

	return sum;
}

/**
 * receipt_stat_name - the stable name of a counter
 * @stat: which
 *
 * Return: the name.
 */
const char *receipt_stat_name(enum receipt_stat stat)
{
	static const char *const names[RECEIPT_STAT_COUNT] = {
		[RECEIPT_STAT_HITS] = "hits",
		[RECEIPT_STAT_MISSES] = "misses",
		[RECEIPT_STAT_HASHED] = "hashed",
		[RECEIPT_STAT_HASHED_BYTES] = "hashed-bytes",
		[RECEIPT_STAT_LOOKUPS] = "lookups",
		[RECEIPT_STAT_JOINED] = "lookups-joined",
		[RECEIPT_STAT_ALLOWED] = "allowed",
		[RECEIPT_STAT_DENIED] = "denied",
		[RECEIPT_STAT_PERMITTED] = "permitted",
		[RECEIPT_STAT_PROVEN] = "statements-proven",
		[RECEIPT_STAT_REFUSED_EVIDENCE] = "evidence-refused",
		[RECEIPT_STAT_REFUSED_MESSAGES] = "messages-refused",
		[RECEIPT_STAT_SIGNATURES] = "signatures-verified",
		[RECEIPT_STAT_HELPERS] = "helpers-registered",
		[RECEIPT_STAT_HELPERS_LOST] = "helpers-lost",
		[RECEIPT_STAT_SUPPRESSED] = "events-suppressed",
		[RECEIPT_STAT_RECORDS_LOST] = "records-lost",
		[RECEIPT_STAT_STATES] = "inode-states",
		[RECEIPT_STAT_STATEMENTS] = "statements-kept",
	};

	return names[stat];
}

/**
 * receipt_count_denial - count a denial under its reason
 * @reason: why
 * @enforced: it was not let pass
 *
 * Context: Any.
 */
void receipt_count_denial(enum receipt_reason reason, bool enforced)
{
	if ((u32)reason < RECEIPT_REASON_END)
		this_cpu_inc(details.denied[enforced][reason]);
}

/**
 * receipt_denials_read - denials of one reason
 * @reason: below RECEIPT_REASON_END
 * @enforced: those that were enforced, else those that a permissive policy let
 *	pass
 *
 * Return: the sum over all CPUs.
 */
u64 receipt_denials_read(enum receipt_reason reason, bool enforced)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(details, cpu).denied[enforced][reason]);

	return sum;
}

static unsigned int bucket_of(u64 us)
{
	unsigned int order = us > 1 ? ilog2(us - 1) + 1 : 0;

	if (order < RECEIPT_BUCKET_FIRST)
		return 0;

	return min(order - RECEIPT_BUCKET_FIRST, RECEIPT_BUCKETS - 1);
}

/**
 * receipt_bucket_limit - what a bucket counts
 * @bucket: below RECEIPT_BUCKETS
 *
 * Return: the longest time in it, microseconds; U64_MAX: there is none.
 */
u64 receipt_bucket_limit(unsigned int bucket)
{
	return bucket < RECEIPT_BUCKETS - 1 ?
	       1ULL << (bucket + RECEIPT_BUCKET_FIRST) : U64_MAX;
}

/**
 * receipt_count_time - count how long something took
 * @timed: what
 * @start: ktime_get() at its beginning; now is its end
 *
 * Context: Any.
 */
void receipt_count_time(enum receipt_timed timed, ktime_t start)
{
	s64 us = ktime_us_delta(ktime_get(), start);

	this_cpu_inc(details.times[timed].bucket[bucket_of(us)]);
	this_cpu_add(details.times[timed].us, us);
}

/**
 * receipt_times_read - a histogram
 * @timed: what
 * @times: set to the sums over all CPUs
 *
 * Return: how many are counted in @times.
 */
u64 receipt_times_read(enum receipt_timed timed, struct receipt_times *times)
{
	const struct receipt_times *one;
	unsigned int i;
	u64 n = 0;
	int cpu;

	memset(times, 0, sizeof(*times));
	for_each_possible_cpu(cpu) {
		one = &per_cpu(details, cpu).times[timed];
		times->us += READ_ONCE(one->us);
		for (i = 0; i < RECEIPT_BUCKETS; i++)
			times->bucket[i] += READ_ONCE(one->bucket[i]);
	}
	for (i = 0; i < RECEIPT_BUCKETS; i++)
		n += times->bucket[i];

	return n;
}
