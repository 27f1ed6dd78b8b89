// SPDX-License-Identifier: MIT
/*
 * The kernel's numbers in Prometheus' text format, version 0.0.4.
 *
 * Names and units are those of the table, and stay. Numbers that it does not have
 * are left out.
 */
#include <inttypes.h>
#include <string.h>

#include "stats.h"

enum metric_type {
	COUNTER,
	BY_REASON,	/* a counter with a label for each reason */
	GAUGE,
	HISTOGRAM,
};

/**
 * struct metric - a metric of the kernel's numbers
 * @stat: name that the kernel has
 * @sum: of a histogram, the kernel's name of the sum of microseconds
 * @name: of the metric
 * @type: of the metric
 * @help: what it counts
 */
struct metric {
	const char *stat;
	const char *sum;
	const char *name;
	enum metric_type type;
	const char *help;
};

static const struct metric metrics[] = {
	{ "hits", NULL, "receipt_hits_total", COUNTER,
	  "Events settled by what was known of the inode." },
	{ "misses", NULL, "receipt_misses_total", COUNTER, "Events that were judged anew." },
	{ "allowed", NULL, "receipt_allowed_total", COUNTER, "Misses that were allowed." },
	{ "denied", NULL, "receipt_denied_total", BY_REASON, "Denials that were enforced." },
	{ "permitted", NULL, "receipt_permitted_total", BY_REASON,
	  "Denials that a permissive policy let pass." },
	{ "hashed", NULL, "receipt_hashed_total", COUNTER, "Files and buffers that were hashed." },
	{ "hashed-bytes", NULL, "receipt_hashed_bytes_total", COUNTER, "Bytes that were hashed." },
	{ "lookups", NULL, "receipt_lookups_total", COUNTER, "Questions to the helper." },
	{ "lookups-joined", NULL, "receipt_lookups_joined_total", COUNTER,
	  "Events that waited for a question that was asked already." },
	{ "lookup-wait", "lookup-wait-us", "receipt_lookup_seconds", HISTOGRAM,
	  "How long events waited for the helper." },
	{ "evidence-check", "evidence-check-us", "receipt_evidence_check_seconds", HISTOGRAM,
	  "How long the kernel checked evidence." },
	{ "statements-proven", NULL, "receipt_statements_proven_total", COUNTER,
	  "Statements that the kernel has proven." },
	{ "evidence-refused", NULL, "receipt_evidence_refused_total", COUNTER,
	  "Evidence that proved nothing." },
	{ "messages-refused", NULL, "receipt_messages_refused_total", COUNTER,
	  "Messages to the kernel that it refused." },
	{ "signatures-verified", NULL, "receipt_signatures_verified_total", COUNTER,
	  "ECDSA verifications." },
	{ "helpers-registered", NULL, "receipt_helper_registrations_total", COUNTER,
	  "How often a helper began to serve." },
	{ "helpers-lost", NULL, "receipt_helper_losses_total", COUNTER,
	  "How often a helper was lost." },
	{ "events-suppressed", NULL, "receipt_events_suppressed_total", COUNTER,
	  "Denials over the limit of records and events." },
	{ "records-lost", NULL, "receipt_records_lost_total", COUNTER,
	  "Records that the audit subsystem did not take." },
	{ "digests-proven", NULL, "receipt_digests_proven", GAUGE,
	  "Digests in the cache that have proven statements." },
	{ "digests-without-evidence", NULL, "receipt_digests_without_evidence", GAUGE,
	  "Digests in the cache that have none." },
	{ "digests-kept", NULL, "receipt_digests_kept", GAUGE,
	  "Digests that are kept for the start of the helper." },
	{ "statements-kept", NULL, "receipt_statements", GAUGE,
	  "Proven statements in memory." },
	{ "inode-states", NULL, "receipt_inode_states", GAUGE,
	  "Inodes of which something is known." },
	{ "lookups-pending", NULL, "receipt_lookups_pending", GAUGE,
	  "Questions that wait for the helper." },
};

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* In a value of a label a backslash, a quote and a new line are escaped. */
static void print_label(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s=\"", key);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

static bool is_of(const struct stats_row *row, const struct metric *m)
{
	return !strcmp(row->name, m->stat) &&
	       !!row->reason == (m->type == BY_REASON) && !!row->limit == (m->type == HISTOGRAM);
}

static bool is_there(const struct stats *stats, const struct metric *m)
{
	for (size_t i = 0; i < stats->n; i++)
		if (is_of(&stats->row[i], m))
			return true;
	return false;
}

static void print_bucket(FILE *out, const struct metric *m, uint64_t limit, uint64_t sum)
{
	fprintf(out, "%s_bucket{le=\"", m->name);
	if (limit == UINT64_MAX)
		fputs("+Inf", out);
	else
		fprintf(out, "%" PRIu64 ".%06" PRIu64, limit / 1000000, limit % 1000000);
	fprintf(out, "\"} %" PRIu64 "\n", sum);
}

/* Buckets are cumulative here; the last one, without a limit, is the count. */
static void print_histogram(FILE *out, const struct stats *stats, const struct metric *m)
{
	const struct stats_row *us = stats_find(stats, m->sum);
	uint64_t sum = 0, last = 0;

	for (size_t i = 0; i < stats->n; i++) {
		if (!is_of(&stats->row[i], m))
			continue;
		sum += stats->row[i].value;
		last = stats->row[i].limit;
		print_bucket(out, m, last, sum);
	}
	if (last != UINT64_MAX)
		print_bucket(out, m, UINT64_MAX, sum);
	fprintf(out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n%s_count %" PRIu64 "\n", m->name,
		us ? us->value / 1000000 : 0, us ? us->value % 1000000 : 0, m->name, sum);
}

static void print_values(FILE *out, const struct stats *stats, const struct metric *m)
{
	for (size_t i = 0; i < stats->n; i++) {
		const struct stats_row *row = &stats->row[i];

		if (!is_of(row, m))
			continue;
		fputs(m->name, out);
		if (row->reason) {
			fputc('{', out);
			print_label(out, "reason", rcpt_reason_text(row->reason));
			fputc('}', out);
		}
		fprintf(out, " %" PRIu64 "\n", row->value);
	}
}

static void print_metric(FILE *out, const struct stats *stats, const struct metric *m)
{
	static const char *const types[] = {
		[COUNTER] = "counter", [BY_REASON] = "counter", [GAUGE] = "gauge",
		[HISTOGRAM] = "histogram",
	};

	if (!is_there(stats, m))
		return;
	print_head(out, m->name, types[m->type], m->help);
	if (m->type == HISTOGRAM)
		print_histogram(out, stats, m);
	else
		print_values(out, stats, m);
}

static void print_helper(FILE *out, const struct rcpt_nl_status *st)
{
	static const enum receipt_helper_state states[] = {
		RECEIPT_HELPER_ABSENT, RECEIPT_HELPER_SERVING, RECEIPT_HELPER_LOST,
	};

	print_head(out, "receipt_helper_state", "gauge",
		   "State of the helper: 1 for the one it is in.");
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		fputs("receipt_helper_state{", out);
		print_label(out, "state", rcpt_helper_name(states[i]));
		fprintf(out, "} %d\n", st->helper == states[i]);
	}
}

static void print_since(FILE *out, const struct rcpt_nl_status *st)
{
	print_head(out, "receipt_helper_state_seconds", "gauge", "How long it is in that state.");
	fprintf(out, "receipt_helper_state_seconds %" PRIu64 "\n", st->helper_since);
}

static void print_policy(FILE *out, const struct rcpt_nl_status *st)
{
	print_head(out, "receipt_policy_info", "gauge", "The active policy.");
	fputs("receipt_policy_info{", out);
	print_label(out, "name", st->policy_name);
	fputc(',', out);
	print_label(out, "version", st->policy_version);
	fputc(',', out);
	print_label(out, "mode", rcpt_mode_name(st->mode));
	fputs("} 1\n", out);
	print_head(out, "receipt_policy_generation", "gauge", "Policies since the start.");
	fprintf(out, "receipt_policy_generation %" PRIu64 "\n", st->generation);
}

/**
 * prometheus_print() - print in Prometheus' text format
 * @stats: numbers
 * @st: state of the whole; without a policy its name and version are empty
 * @out: stream
 */
void prometheus_print(const struct stats *stats, const struct rcpt_nl_status *st, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		print_metric(out, stats, &metrics[i]);
	print_helper(out, st);
	print_since(out, st);
	print_policy(out, st);
}
