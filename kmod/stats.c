// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters, one set per CPU.
 */
#include <linux/percpu.h>

#include "private.h"

DEFINE_PER_CPU(u64[RECEIPT_STAT_COUNT], receipt_stats);

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
	};

	return names[stat];
}
