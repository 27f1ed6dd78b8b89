// SPDX-License-Identifier: MIT
/*
 * receiptctl store: the bundles that the helper finds evidence in.
 */
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "bundlefile.h"
#include "kernel.h"
#include "options.h"
#include "receiptctl.h"
#include "store.h"

static const char add_help[] =
	"usage: receiptctl store add [--store DIR] [--receipt FILE]... FILE...\n"
	"\n"
	"Takes bundles into the store, where the helper finds them at once. A bundle\n"
	"that is there already changes nothing, and keeps its name. A transparent\n"
	"statement that is a hash envelope needs no bundle. What a bundle says of receiptd,\n"
	"receiptctl and their libraries is sent to the kernel as well, so that new ones\n"
	"start.\n"
	"\n"
	"  --store DIR     folder (default " RCPT_STORE_LOCAL ")\n"
	"  --receipt FILE  receipt beside the one FILE; may be repeated\n"
	"  --json          one JSON object on standard output\n"
	"  --help          this text\n";

static const char list_help[] =
	"usage: receiptctl store list [--store DIR] [--json]\n"
	"\n"
	"Lists the bundles: file name, issuer, subject, svn, number of files, and of\n"
	"each receipt the log and the time. Names on standard error those that are\n"
	"damaged, or not indexed, and then ends with status 1 or more.\n"
	"\n"
	"  --store DIR   folder (default " RCPT_STORE_LOCAL ")\n"
	"  --json        one JSON object on standard output\n"
	"  --help        this text\n";

static const char remove_help[] =
	"usage: receiptctl store remove [--store DIR] NAME...\n"
	"\n"
	"Takes bundles out of the store; NAME is a file name that store list shows. What\n"
	"the kernel has proven already stays proven until \"receiptctl flush\" or a restart.\n"
	"\n"
	"  --store DIR     folder (default " RCPT_STORE_LOCAL ")\n"
	"  --help          this text\n";

static const char index_help[] =
	"usage: receiptctl store index [--store DIR] [--rebuild]\n"
	"\n"
	"Brings the index in line with the bundles that are in the folder, for bundles\n"
	"that came or went by other means than store add; the helper does that by itself.\n"
	"Look-ups go on meanwhile. Like store add, it sends what the bundles say of the\n"
	"helper's own files to the kernel.\n"
	"\n"
	"  --store DIR   folder (default " RCPT_STORE_LOCAL ")\n"
	"  --rebuild     make it anew from the bundles alone\n"
	"  --help        this text\n";

enum { OPT_STORE = 1, OPT_RECEIPT, OPT_REBUILD, OPT_JSON, OPT_HELP };

static const struct option options[] = {
	{ "store", required_argument, NULL, OPT_STORE },
	{ "receipt", required_argument, NULL, OPT_RECEIPT },
	{ "rebuild", no_argument, NULL, OPT_REBUILD },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/**
 * struct args - the command line of any subcommand
 * @command: as the user knows it, for messages
 * @help: its help text
 * @dir: --store
 * @file: --receipt
 * @rebuild: --rebuild
 * @json: --json
 * @done: help was asked for and given
 */
struct args {
	const char *command;
	const char *help;
	const char *dir;
	struct bundle_file file;
	bool rebuild;
	bool json;
	bool done;
};

static int set_option(void *all, int option, const char *arg)
{
	struct args *args = all;

	switch (option) {
	case OPT_STORE:
		args->dir = arg;
		return 0;
	case OPT_RECEIPT:
		return bundle_file_add_receipt(&args->file, args->command, arg);
	case OPT_REBUILD:
		args->rebuild = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_HELP:
		args->done = true;
		return 0;
	default:
		return -1;
	}
}

static int parse_args(struct args *args, int argc, char **argv)
{
	int rc;

	args->dir = RCPT_STORE_LOCAL;
	rc = options_parse(args->command, argc, argv, options, set_option, args);
	if (rc)
		return rc;
	if (args->done)
		fputs(args->help, stdout);
	else if (args->rebuild && args->help != index_help)
		return usage_error(args->command, "'--rebuild' is not for this command");
	else if (args->file.nreceipts && args->help != add_help)
		return usage_error(args->command, "'--receipt' is not for this command");
	return 0;
}

static int no_arguments(const struct args *args, int argc)
{
	return args->done || optind == argc ? 0 :
	       usage_error(args->command, "too many arguments");
}

/* @arg: exit status, raised to that of the bundle. */
static void left_out(const char *name, const struct rcpt_error *err, void *arg)
{
	int *status = arg;

	print_error(name, err);
	if (err->status > *status)
		*status = err->status;
}

/*
 * The helper's own files may be replaced next, and then nobody can be asked about them.
 * What the kernel does not take does not keep the bundle out of the store.
 */
static void keep(const char *name, struct rcpt_span bundle)
{
	struct evidence_count count = { 0 };
	struct rcpt_error err;

	if (evidence_keep(bundle, &count, &err)) {
		print_error(name, &err);
	} else if (count.refused) {
		fputs("receiptctl: ", stderr);
		print_text(stderr, name, strlen(name));
		fputs(": covers files of the helper, and the kernel does not take it: ", stderr);
		print_text(stderr, count.first.text, strlen(count.first.text));
		fputc('\n', stderr);
	}
}

/*
 * add
 */

static int add_file(struct args *args, struct rcpt_store *store, const char *file,
		    json_t *added)
{
	char name[RCPT_STORE_NAME];
	struct rcpt_error err;
	const char *about;
	uint8_t *data;
	size_t len;
	int rc;

	args->file.path = file;
	if (bundle_file_read(&args->file, &data, &len, &about, &err))
		return print_error(about, &err);
	rc = rcpt_store_add(store, rcpt_span(data, len), name, &err);
	if (!rc && rcpt_is_bundle(rcpt_span(data, len)))
		keep(file, rcpt_span(data, len));
	free(data);
	if (rc)
		return print_error(file, &err);
	if (args->json)
		return json_array_append_new(added, json_pack("{s:o, s:s}",
			"file", json_text(file, strlen(file)), "bundle", name)) ?
			RCPT_SYSTEM : 0;
	print_text(stdout, file, strlen(file));
	printf(": added as %s\n", name);
	return 0;
}

/* A bundle that is refused does not keep the others out. */
static int run_add(int argc, char **argv)
{
	struct args args = { .command = "store add", .help = add_help };
	struct rcpt_store *store;
	struct rcpt_error err;
	json_t *added;
	int rc = parse_args(&args, argc, argv);
	int i, status = 0;

	if (rc || args.done)
		return rc;
	if (optind == argc)
		return usage_error(args.command, "a bundle is missing");
	if (args.file.nreceipts && optind + 1 != argc)
		return usage_error(args.command, "--receipt is for one file");
	if (rcpt_store_create(args.dir, &store, &err))
		return print_error(args.dir, &err);
	added = json_array();
	for (i = optind; i < argc; i++) {
		rc = add_file(&args, store, argv[i], added);
		if (rc > status)
			status = rc;
	}
	if (args.json && json_print(json_pack("{s:O}", "added", added)))
		status = RCPT_SYSTEM;
	json_decref(added);
	rcpt_store_close(store);
	return status;
}

/*
 * remove
 */

static int run_remove(int argc, char **argv)
{
	struct args args = { .command = "store remove", .help = remove_help };
	struct rcpt_store *store;
	struct rcpt_error err;
	int rc = parse_args(&args, argc, argv);
	int status = 0;

	if (rc || args.done)
		return rc;
	if (optind == argc)
		return usage_error(args.command, "the name of a bundle is missing");
	if (rcpt_store_open(args.dir, &store, &err))
		return print_error(args.dir, &err);
	rcpt_store_close(store);
	if (rcpt_store_create(args.dir, &store, &err))
		return print_error(args.dir, &err);
	for (int i = optind; i < argc; i++) {
		if (!rcpt_store_remove(store, argv[i], &err)) {
			print_text(stdout, argv[i], strlen(argv[i]));
			puts(": removed");
			continue;
		}
		rc = print_error(argv[i], &err);
		if (rc > status)
			status = rc;
	}
	rcpt_store_close(store);
	return status;
}

/*
 * index
 */

/* @arg: folder of the store. */
static int keep_item(const struct rcpt_store_item *item, void *arg)
{
	struct rcpt_error err;
	uint8_t *data;
	char *path;
	size_t len;

	if (!item->nleaves || asprintf(&path, "%s/%s", (const char *)arg, item->name) < 0)
		return 0;
	if (!rcpt_file_read(path, RCPT_MAX_BUNDLE, &data, &len, &err)) {
		keep(item->name, rcpt_span(data, len));
		free(data);
	}
	free(path);
	return 0;
}

static int run_index(int argc, char **argv)
{
	struct args args = { .command = "store index", .help = index_help };
	struct rcpt_store *store;
	struct rcpt_error err;
	int status = 0;
	int rc = parse_args(&args, argc, argv);

	if (!rc)
		rc = no_arguments(&args, argc);
	if (rc || args.done)
		return rc;
	if (rcpt_store_create(args.dir, &store, &err))
		return print_error(args.dir, &err);
	if (rcpt_store_sync(store, args.rebuild, left_out, &status, &err))
		status = print_error(args.dir, &err);
	else if (rcpt_store_each(store, keep_item, (void *)args.dir, &err) < 0)
		status = print_error(args.dir, &err);
	rcpt_store_close(store);
	return status;
}

/*
 * list
 */

static void print_receipt(struct rcpt_span span)
{
	struct rcpt_receipt receipt;
	char when[40] = "-";

	if (rcpt_receipt_parse(span, &receipt, NULL)) {
		printf("\tunreadable receipt");
		return;
	}
	if (receipt.header.claims.has_iat)
		format_time(receipt.header.claims.iat, when);
	putchar('\t');
	print_text(stdout, receipt.header.claims.iss.data, receipt.header.claims.iss.len);
	printf(" %s", when);
	rcpt_receipt_free(&receipt);
}

static void print_item(const struct rcpt_store_item *item,
		       const struct rcpt_statement *stmt)
{
	const struct rcpt_claims *claims = &stmt->header.claims;
	size_t i;

	print_text(stdout, item->name, strlen(item->name));
	putchar('\t');
	print_text(stdout, claims->iss.data, claims->iss.len);
	putchar('\t');
	print_text(stdout, claims->sub.data, claims->sub.len);
	if (claims->has_svn)
		printf("\tsvn %llu", (unsigned long long)claims->svn);
	else
		printf("\t-");
	printf("\t%llu", (unsigned long long)(item->nleaves ? item->nleaves : 1));
	for (i = 0; i < stmt->nreceipts; i++)
		print_receipt(stmt->receipts[i]);
	putchar('\n');
}

static json_t *receipt_object(struct rcpt_span span)
{
	struct rcpt_receipt receipt;
	const struct rcpt_claims *claims = &receipt.header.claims;
	json_t *object = json_object();

	if (rcpt_receipt_parse(span, &receipt, NULL))
		return object;
	json_object_set_new(object, "log", json_text(claims->iss.data, claims->iss.len));
	if (claims->has_iat)
		json_object_set_new(object, "time", json_integer(claims->iat));
	rcpt_receipt_free(&receipt);
	return object;
}

static json_t *item_object(const struct rcpt_store_item *item,
			   const struct rcpt_statement *stmt)
{
	const struct rcpt_claims *claims = &stmt->header.claims;
	json_t *receipts = json_array();
	json_t *object = json_pack("{s:s, s:o, s:o, s:I}", "bundle", item->name,
		"iss", json_text(claims->iss.data, claims->iss.len),
		"sub", json_text(claims->sub.data, claims->sub.len),
		"files", (json_int_t)(item->nleaves ? item->nleaves : 1));
	size_t i;

	if (claims->has_svn)
		json_object_set_new(object, "svn", json_integer(claims->svn));
	for (i = 0; i < stmt->nreceipts; i++)
		json_array_append_new(receipts, receipt_object(stmt->receipts[i]));
	json_object_set_new(object, "receipts", receipts);
	return object;
}

/* @arg: array to fill in, or NULL to print lines. */
static int list_item(const struct rcpt_store_item *item, void *arg)
{
	struct rcpt_statement stmt;
	struct rcpt_error err;

	if (rcpt_statement_parse(item->statement, &stmt, &err))
		return print_error(item->name, &err);
	if (arg)
		json_array_append_new(arg, item_object(item, &stmt));
	else
		print_item(item, &stmt);
	rcpt_statement_free(&stmt);
	return 0;
}

static int run_list(int argc, char **argv)
{
	struct args args = { .command = "store list", .help = list_help };
	struct rcpt_store *store;
	struct rcpt_error err;
	json_t *array;
	int status = 0;
	int rc = parse_args(&args, argc, argv);

	if (!rc)
		rc = no_arguments(&args, argc);
	if (rc || args.done)
		return rc;
	if (rcpt_store_open(args.dir, &store, &err))
		return print_error(args.dir, &err);
	array = args.json ? json_array() : NULL;
	rc = rcpt_store_each(store, list_item, array, &err);
	if (rc < 0)
		rc = print_error(args.dir, &err);
	else if (!rc && array)
		rc = json_print(json_pack("{s:O}", "bundles", array));
	json_decref(array);
	if (!rc && rcpt_store_check(store, left_out, &status, &err))
		rc = print_error(args.dir, &err);
	rcpt_store_close(store);
	return rc ? rc : status;
}

static const struct command commands[] = {
	{ "add", run_add, "take bundles into the store" },
	{ "list", run_list, "list the bundles" },
	{ "remove", run_remove, "take bundles out of the store" },
	{ "index", run_index, "bring the index in line with the folder" },
	{ 0 }
};

/**
 * cmd_store() - receiptctl store
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int cmd_store(int argc, char **argv)
{
	return run_subcommand(commands, argc, argv);
}
