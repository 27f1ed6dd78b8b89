// SPDX-License-Identifier: MIT
/*
 * receiptctl consistency: that a log has only grown between two of its states.
 */
#include <stdlib.h>
#include <string.h>

#include "receiptctl.h"
#include "trust.h"

#define MAX_RECEIPTS	256

static const char help[] =
	"usage: receiptctl consistency --keys FILE... (--root HEX [--size N] |\n"
	"           --old FILE [--statement FILE]) [OPTION]... RECEIPT...\n"
	"\n"
	"Checks receipts of consistency: that the tree of a log grew out of an older\n"
	"one, whose root is known. Several receipts follow one another.\n"
	"\n"
	"  --keys FILE       keys of logs: JWKS, COSE keys, PEM or DER public key or\n"
	"                    certificate; may be repeated\n"
	"  --issuer NAME     the keys of the --keys before it are those of this log alone\n"
	"  --root HEX        root of the older tree\n"
	"  --size N          its leaves; what the receipt says must be the same\n"
	"  --old FILE        a receipt that proves the older root, which is checked first\n"
	"  --statement FILE  statement that --old is for; a receipt of the CCF profile\n"
	"                    needs none\n"
	"  --entry WHAT      what leaves of RFC 9162 logs commit to: sha256-stmt\n"
	"                    (default) or stmt\n"
	"  --json            one JSON object on standard output\n"
	"  --help            this text\n"
	"\n"
	"Exit status: 0 valid, 1 invalid, 2 cannot evaluate, 3 malformed, 64 wrong usage,\n"
	"70 system error.\n";

enum { OPT_ROOT = 1, OPT_SIZE, OPT_OLD, OPT_STATEMENT, OPT_JSON, OPT_HELP };

static const struct option options[] = {
	TRUST_LOG_OPTIONS,
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "old", required_argument, NULL, OPT_OLD },
	{ "statement", required_argument, NULL, OPT_STATEMENT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/**
 * struct run - all of one run
 * @trust: keys of logs
 * @has_root: --root was given
 * @head: state of the log that is proven
 * @issuer: the log that it is a state of, with own memory; NULL: not known
 * @old: --old
 * @statement: --statement
 * @json: --json
 * @help: --help
 * @steps: what was proven, for --json
 */
struct run {
	struct trust trust;
	bool has_root;
	struct rcpt_tree_head head;
	char *issuer;
	const char *old;
	const char *statement;
	bool json;
	bool help;
	json_t *steps;
};

static int set_root(struct run *run, const char *arg)
{
	size_t size = sizeof(run->head.root), i;

	if (strlen(arg) != 2 * size || arg[strspn(arg, "0123456789abcdefABCDEF")])
		return usage_error("consistency", "--root: %zu hexadecimal digits expected",
				   2 * size);
	for (i = 0; i < size; i++)
		sscanf(arg + 2 * i, "%2hhx", &run->head.root[i]);
	run->has_root = true;
	return 0;
}

static int set_size(struct run *run, const char *arg)
{
	if (options_number(arg, UINT64_MAX, &run->head.size) && run->head.size)
		return 0;
	return usage_error("consistency", "--size: a number of leaves expected, not '%s'", arg);
}

static int set_option(void *all, int option, const char *arg)
{
	struct run *run = all;

	switch (option) {
	case OPT_ROOT:
		return set_root(run, arg);
	case OPT_SIZE:
		return set_size(run, arg);
	case OPT_OLD:
		run->old = arg;
		return 0;
	case OPT_STATEMENT:
		run->statement = arg;
		return 0;
	case OPT_JSON:
		run->json = true;
		return 0;
	case OPT_HELP:
		run->help = true;
		return 0;
	default:
		return trust_option(&run->trust, option, arg);
	}
}

static int check_usage(const struct run *run, int nreceipts)
{
	if (run->help)
		return 0;
	if (!run->trust.key_files.n)
		return usage_error("consistency", "--keys is needed");
	if (run->has_root == !!run->old)
		return usage_error("consistency", "--root or --old is needed, not both");
	if (run->head.size && !run->has_root)
		return usage_error("consistency", "--size without --root");
	if (run->statement && !run->old)
		return usage_error("consistency", "--statement without --old");
	if (nreceipts < 1 || nreceipts > MAX_RECEIPTS)
		return usage_error("consistency", "1 to %d receipts are needed", MAX_RECEIPTS);
	return 0;
}

static int parse_args(struct run *run, int argc, char **argv)
{
	int ret = options_parse("consistency", argc, argv, options, set_option, run);

	return ret ? ret : check_usage(run, argc - optind);
}

/*
 * The older state
 */

/* Whose state it is: a receipt of another log says nothing about it. */
static int set_issuer(struct run *run, const struct rcpt_receipt *receipt,
		      struct rcpt_error *err)
{
	struct rcpt_span iss = receipt->header.claims.iss;

	if (run->issuer && !rcpt_span_equal(iss, run->issuer, strlen(run->issuer)))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_UNKNOWN_LOG, iss.offset,
				 "the receipt is of another log");
	if (run->issuer || !iss.data)
		return 0;
	run->issuer = strndup((const char *)iss.data, iss.len);
	return run->issuer ? 0 : rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
					   RCPT_NO_OFFSET, "no memory");
}

/* What a CCF receipt is for stands in its proof. */
static int named_statement(const struct rcpt_receipt *receipt, struct rcpt_statement *stmt,
			   struct rcpt_error *err)
{
	if (receipt->header.vds != RECEIPT_VDS_CCF)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_STATEMENT,
				 RCPT_NO_OFFSET, "its statement is needed: --statement");
	memset(stmt, 0, sizeof(*stmt));
	memcpy(stmt->digest, receipt->proofs[0].data_hash, sizeof(stmt->digest));
	return 0;
}

static int prove_old(struct run *run, const struct rcpt_receipt *receipt,
		     const struct rcpt_statement *stmt, struct rcpt_error *err)
{
	int ret = rcpt_receipt_verify(receipt, stmt, &run->trust.keys, NULL, run->head.root,
				      err);

	if (!ret && rcpt_receipt_has_size(receipt))
		run->head.size = receipt->proofs[0].size;
	return ret ? ret : set_issuer(run, receipt, err);
}

static int with_statement(struct run *run, const struct rcpt_receipt *receipt,
			  const char **about, struct rcpt_error *err)
{
	struct rcpt_statement stmt;
	uint8_t *data;
	size_t len;
	int ret;

	*about = run->statement;
	ret = rcpt_file_read(run->statement, RCPT_MAX_STATEMENT, &data, &len, err);
	if (ret)
		return ret;
	ret = rcpt_statement_parse(rcpt_span(data, len), &stmt, err);
	if (!ret) {
		*about = run->old;
		ret = prove_old(run, receipt, &stmt, err);
		rcpt_statement_free(&stmt);
	}
	free(data);
	return ret;
}

static int read_old(struct run *run, const char **about, struct rcpt_error *err)
{
	struct rcpt_statement stmt;
	struct rcpt_receipt receipt;
	uint8_t *data;
	size_t len;
	int ret;

	*about = run->old;
	ret = rcpt_file_read(run->old, RCPT_MAX_STATEMENT, &data, &len, err);
	if (ret)
		return ret;
	ret = rcpt_receipt_parse(rcpt_span(data, len), &receipt, err);
	if (!ret && run->statement)
		ret = with_statement(run, &receipt, about, err);
	else if (!ret && !named_statement(&receipt, &stmt, err))
		ret = prove_old(run, &receipt, &stmt, err);
	else if (!ret)
		ret = -RCPT_CANNOT_EVALUATE;
	rcpt_receipt_free(&receipt);
	free(data);
	return ret;
}

/*
 * The receipts
 */

static void report(struct run *run, const char *file, const struct rcpt_receipt *receipt)
{
	json_t *step;

	if (!run->json) {
		print_text(stdout, file, strlen(file));
		printf(": valid: root ");
		print_hex(stdout, run->head.root, sizeof(run->head.root));
		if (run->head.size)
			printf(", %llu leaves", (unsigned long long)run->head.size);
		putchar('\n');
		return;
	}
	step = json_object();
	json_object_set_new(step, "file", json_text(file, strlen(file)));
	json_object_set_new(step, "root", json_bytes(run->head.root, sizeof(run->head.root)));
	if (run->head.size)
		json_object_set_new(step, "tree_size", json_u64(run->head.size));
	if (receipt->header.claims.has_iat)
		json_object_set_new(step, "iat", json_integer(receipt->header.claims.iat));
	json_array_append_new(run->steps, step);
}

/* Proves the next state, which takes the place of the one before it. */
static int prove(struct run *run, const char *file, struct rcpt_error *err)
{
	struct rcpt_tree_head head = { 0 };
	struct rcpt_receipt receipt;
	uint8_t *data;
	size_t len;
	int ret = rcpt_file_read(file, RCPT_MAX_STATEMENT, &data, &len, err);

	if (ret)
		return ret;
	ret = rcpt_consistency_receipt(rcpt_span(data, len), &receipt, err);
	if (!ret)
		ret = set_issuer(run, &receipt, err);
	if (!ret)
		ret = rcpt_consistency_verify(&receipt, &run->trust.keys, &run->head, &head,
					      err);
	if (!ret) {
		run->head = head;
		report(run, file, &receipt);
	}
	rcpt_receipt_free(&receipt);
	free(data);
	return ret;
}

static int finish(struct run *run, const char *about, const struct rcpt_error *err, int ret)
{
	json_t *root;

	if (ret)
		print_error(about, err);
	if (!run->json)
		return -ret;
	root = json_object();
	json_object_set_new(root, "status", json_integer(-ret));
	if (ret)
		json_object_set_new(root, "error", json_error(about, err));
	if (run->issuer)
		json_object_set_new(root, "iss", json_text(run->issuer, strlen(run->issuer)));
	json_object_set(root, "receipts", run->steps);
	return json_print(root) ? RCPT_SYSTEM : -ret;
}

static int verify(struct run *run, char **files)
{
	struct rcpt_error err = { 0 };
	const char *about = NULL;
	int ret = trust_read(&run->trust, &about, &err);

	if (!ret && run->old)
		ret = read_old(run, &about, &err);
	for (; *files && !ret; files++) {
		about = *files;
		ret = prove(run, *files, &err);
	}
	return finish(run, about, &err, ret);
}

/**
 * cmd_consistency() - receiptctl consistency
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int cmd_consistency(int argc, char **argv)
{
	struct run run = { .trust.command = "consistency", .steps = json_array() };
	int ret = parse_args(&run, argc, argv);

	if (!ret && run.help)
		fputs(help, stdout);
	else if (!ret)
		ret = verify(&run, argv + optind);
	trust_free(&run.trust);
	free(run.issuer);
	json_decref(run.steps);
	return ret;
}
