/* SPDX-License-Identifier: MIT */
/*
 * The kernel's numbers: collected, and printed for people, programs, Prometheus.
 */
#ifndef RECEIPTCTL_STATS_H
#define RECEIPTCTL_STATS_H

#include <jansson.h>
#include <stdio.h>

#include "netlink.h"

#define STATS_MAX	1024	/* rows; the kernel has a quarter of that */
#define STATS_NAME_MAX	(RCPT_NL_NAME_MAX + 1)

/**
 * struct stats - the answer of the kernel
 * @n: used entries of @row
 * @row: in the kernel's order
 * @row.name: what it is
 * @row.value: the number
 * @row.reason: that it is of; RECEIPT_REASON_ALLOWED: of none
 * @row.limit: of a bucket, microseconds; UINT64_MAX: none; 0: it is no bucket
 * @over: there was no room for some
 */
struct stats {
	size_t n;
	struct stats_row {
		char name[STATS_NAME_MAX];
		uint64_t value;
		enum receipt_reason reason;
		uint64_t limit;
	} row[STATS_MAX];
	bool over;
};

/* stats.c */
void stats_add(const struct rcpt_nl_stat *stat, void *stats);
const struct stats_row *stats_find(const struct stats *stats, const char *name);
void stats_print(const struct stats *stats, FILE *out);
json_t *stats_json(const struct stats *stats);

/* prometheus.c */
void prometheus_print(const struct stats *stats, const struct rcpt_nl_status *st, FILE *out);

#endif /* RECEIPTCTL_STATS_H */
