// SPDX-License-Identifier: MIT
/*
 * receiptctl stats: the kernel's counters. receiptctl flush: its caches.
 */
#include <string.h>

#include "kernel.h"
#include "options.h"
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

enum { OPT_HELP = 1, OPT_JSON };

static const struct option options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "json", no_argument, NULL, OPT_JSON },
	{ 0 }
};

/* The command line; @takes_json: --json is an option of the command. */
struct args {
	bool takes_json;
	bool json;
	bool help;
};

static int set_option(void *all, int option, const char *arg)
{
	struct args *args = all;

	(void)arg;
	args->json = args->json || option == OPT_JSON;
	args->help = args->help || option == OPT_HELP;
	return args->json && !args->takes_json ? -1 : 0;
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
	struct args args = { .takes_json = true };
	int status = parse_args(&args, argc, argv, stats_help);

	if (status)
		return status < 0 ? 0 : status;
	status = kernel_open(&nl);
	if (status)
		return status;
	if (args.json)
		object = json_object();
	if (rcpt_nl_stats(nl, args.json ? add_stat : print_stat, object, &err))
		status = kernel_error(NULL, &err);
	rcpt_nl_close(nl);
	if (args.json && !status)
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
