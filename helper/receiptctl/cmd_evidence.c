// SPDX-License-Identifier: MIT
/*
 * receiptctl evidence: hand the kernel evidence before it asks.
 */
#include <string.h>

#include "kernel.h"
#include "options.h"
#include "receiptctl.h"

static int print_help(void)
{
	puts("usage: receiptctl evidence send [--receipt FILE]... [--json] FILE...\n"
	     "\n"
	     "Sends the evidence in each bundle to the kernel, so that the artifacts can\n"
	     "be used when no helper serves. The kernel checks it against the logs of the\n"
	     "active policy. A transparent statement that is a hash envelope needs no\n"
	     "bundle. Exit status 1 when the kernel refused a piece.\n"
	     "\n"
	     "  --receipt FILE  receipt beside the one FILE; may be repeated\n"
	     "  --json          one JSON array on standard output");
	return 0;
}

static void report(const char *path, const struct evidence_count *n)
{
	print_text(stdout, path, strlen(path));
	printf(": %zu accepted, %zu refused", n->accepted, n->refused);
	if (n->refused) {
		fputs(": ", stdout);
		print_text(stdout, n->first.text, strlen(n->first.text));
	}
	putchar('\n');
}

static json_t *report_json(const char *path, const struct evidence_count *n)
{
	json_t *json = json_object();

	json_object_set_new(json, "file", json_text(path, strlen(path)));
	json_object_set_new(json, "accepted", json_integer(n->accepted));
	json_object_set_new(json, "refused", json_integer(n->refused));
	if (n->refused)
		json_object_set_new(json, "error", json_error(path, &n->first));
	return json;
}

static int send_all(struct rcpt_nl *nl, struct bundle_file *file, char **paths,
		    json_t *array)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	const char *about;
	int status = 0;

	for (; *paths; paths++) {
		struct evidence_count n = { 0 };

		file->path = *paths;
		if (evidence_send(nl, file, NULL, &n, &about, &err))
			return print_error(about, &err);
		if (n.refused)
			status = RCPT_INVALID;
		if (array)
			json_array_append_new(array, report_json(*paths, &n));
		else
			report(*paths, &n);
	}
	return status;
}

enum { OPT_RECEIPT = 1, OPT_JSON, OPT_HELP };

static const struct option options[] = {
	{ "receipt", required_argument, NULL, OPT_RECEIPT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

/* The command line. */
struct args {
	struct bundle_file file;
	bool json;
	bool help;
};

static int set_option(void *all, int option, const char *arg)
{
	struct args *args = all;

	switch (option) {
	case OPT_RECEIPT:
		return bundle_file_add_receipt(&args->file, "evidence", arg);
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_HELP:
		args->help = true;
		return 0;
	default:
		return -1;
	}
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_args(struct args *args, int argc, char **argv)
{
	int ret = options_parse("evidence", argc, argv, options, set_option, args);

	if (ret)
		return ret;
	if (args->help)
		return print_help() - 1;
	if (optind == argc)
		return usage_error("evidence", "send: no bundle given");
	if (args->file.nreceipts && optind + 1 != argc)
		return usage_error("evidence", "send: --receipt is for one file");
	return 0;
}

static int cmd_send(int argc, char **argv)
{
	struct args args = { 0 };
	int status = parse_args(&args, argc, argv);
	struct rcpt_nl *nl;
	json_t *array;

	if (status)
		return status < 0 ? 0 : status;
	array = args.json ? json_array() : NULL;
	status = kernel_open(&nl);
	if (!status) {
		status = send_all(nl, &args.file, argv + optind, array);
		rcpt_nl_close(nl);
	}
	if (array && json_print(array))
		return RCPT_SYSTEM;
	return status;
}

/**
 * cmd_evidence() - receiptctl evidence
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status.
 */
int cmd_evidence(int argc, char **argv)
{
	static const struct command table[] = {
		{ "send", cmd_send, "send the evidence of bundles" },
		{ 0 }
	};

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return print_help();
	return run_subcommand(table, argc, argv);
}
