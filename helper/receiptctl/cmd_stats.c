// SPDX-License-Identifier: MIT
/*
 * receiptctl stats: the kernel's counters. receiptctl flush: its caches.
 */
#include <stdlib.h>

#include "kernel.h"
#include "options.h"
#include "receiptctl.h"
#include "stats.h"

static int stats_help(void)
{
	puts("usage: receiptctl stats [--json | --prometheus]\n"
	     "\n"
	     "Prints the kernel's counters since the module was loaded, one per line, with\n"
	     "denials by reason, and how long events waited for the helper.\n"
	     "\n"
	     "  --prometheus  in Prometheus' text format, with the state of the helper and\n"
	     "                the policy");
	return 0;
}

static int flush_help(void)
{
	puts("usage: receiptctl flush\n"
	     "\n"
	     "Has the kernel forget all digests and verdicts; everything is measured and\n"
	     "proven again. The policy stays.");
	return 0;
}

enum { OPT_HELP = 1, OPT_JSON, OPT_PROMETHEUS };

static const struct option options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "prometheus", no_argument, NULL, OPT_PROMETHEUS },
	{ 0 }
};

/* The command line; @takes_forms: --json and --prometheus are its options. */
struct args {
	bool takes_forms;
	bool json;
	bool prometheus;
	bool help;
};

static int set_option(void *all, int option, const char *arg)
{
	struct args *args = all;

	(void)arg;
	args->json = args->json || option == OPT_JSON;
	args->prometheus = args->prometheus || option == OPT_PROMETHEUS;
	args->help = args->help || option == OPT_HELP;
	return option != OPT_HELP && !args->takes_forms ? -1 : 0;
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_args(struct args *args, int argc, char **argv, int (*help)(void))
{
	int ret = options_parse(argv[0], argc, argv, options, set_option, args);

	if (ret)
		return ret;
	if (args->help)
		return help() - 1;
	if (optind < argc)
		return usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	if (args->json && args->prometheus)
		return usage_error(argv[0], "--json or --prometheus, not both");
	return 0;
}

static int print_stats(const struct stats *stats, const struct rcpt_nl_status *st,
		       const struct args *args)
{
	if (stats->over)
		fputs("receiptctl: the kernel has more numbers than this program takes\n", stderr);
	if (args->json)
		return json_print(stats_json(stats));
	if (args->prometheus)
		prometheus_print(stats, st, stdout);
	else
		stats_print(stats, stdout);
	return fflush(stdout) ? RCPT_SYSTEM : 0;
}

/* Return: exit status. */
static int ask_stats(struct rcpt_nl *nl, const struct args *args)
{
	struct stats *stats = calloc(1, sizeof(*stats));
	struct rcpt_nl_status st = { 0 };
	struct rcpt_error err = { 0 };
	int status;

	if (!stats) {
		fputs("receiptctl: no memory\n", stderr);
		return RCPT_SYSTEM;
	}
	if (rcpt_nl_stats(nl, stats_add, stats, &err) ||
	    (args->prometheus && rcpt_nl_status(nl, &st, &err)))
		status = kernel_error(NULL, &err);
	else
		status = print_stats(stats, &st, args);
	free(stats);
	return status;
}

/**
 * cmd_stats() - receiptctl stats
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status.
 */
int cmd_stats(int argc, char **argv)
{
	struct rcpt_nl *nl;
	struct args args = { .takes_forms = true };
	int status = parse_args(&args, argc, argv, stats_help);

	if (status)
		return status < 0 ? 0 : status;
	status = kernel_open(&nl);
	if (status)
		return status;
	status = ask_stats(nl, &args);
	rcpt_nl_close(nl);
	return status;
}

/**
 * cmd_flush() - receiptctl flush
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status.
 */
int cmd_flush(int argc, char **argv)
{
	struct rcpt_error err = { 0 };
	struct rcpt_nl *nl;
	struct args args = { 0 };
	int status = parse_args(&args, argc, argv, flush_help);

	if (status)
		return status < 0 ? 0 : status;
	status = kernel_open(&nl);
	if (status)
		return status;
	if (rcpt_nl_flush(nl, &err))
		status = kernel_error(NULL, &err);
	rcpt_nl_close(nl);
	return status;
}
