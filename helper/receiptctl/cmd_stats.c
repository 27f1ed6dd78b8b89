// SPDX-License-Identifier: MIT
/*
 * receiptctl stats: the kernel's counters. receiptctl flush: its caches.
 */
#include <getopt.h>
#include <string.h>

#include "kernel.h"
#include "receiptctl.h"

static int stats_help(void)
{
	puts("usage: receiptctl stats [--json]\n"
	     "\n"
	     "Prints the kernel's counters since the module was loaded, one per line.");
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

static void print_stat(const char *name, uint64_t value, void *arg)
{
	(void)arg;
	print_text(stdout, name, strlen(name));
	printf("%*s%llu\n", strlen(name) < 24 ? 24 - (int)strlen(name) : 1, " ",
	       (unsigned long long)value);
}

static void add_stat(const char *name, uint64_t value, void *arg)
{
	json_object_set_new(arg, name, json_integer(value));
}

/* Options are --json, where @json is set, and --help. */
static int parse(int argc, char **argv, bool *json, int (*help)(void))
{
	const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ json ? "json" : NULL, no_argument, NULL, 'j' },
		{ 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'h')
			return help() - 1;
		if (c != 'j')
			return usage_error(argv[0], "unknown option or missing argument");
		*json = true;
	}
	if (optind < argc)
		return usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return 0;
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
	struct rcpt_error err = { 0 };
	json_t *object = NULL;
	struct rcpt_nl *nl;
	bool json = false;
	int status = parse(argc, argv, &json, stats_help);

	if (status)
		return status < 0 ? 0 : status;
	status = kernel_open(&nl);
	if (status)
		return status;
	if (json)
		object = json_object();
	if (rcpt_nl_stats(nl, json ? add_stat : print_stat, object, &err))
		status = kernel_error(NULL, &err);
	rcpt_nl_close(nl);
	if (json && !status)
		return json_print(object);
	json_decref(object);
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
	int status = parse(argc, argv, NULL, flush_help);

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
