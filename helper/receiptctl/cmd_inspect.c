// SPDX-License-Identifier: MIT
/*
 * receiptctl inspect: what is in a file, without judging it.
 */
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "options.h"
#include "receiptctl.h"

static const char help[] =
	"usage: receiptctl inspect [--json | --diag] [--entry WHAT] FILE\n"
	"\n"
	"Shows what is in a statement, receipt, trust list, bundle, proof or key file, and\n"
	"in other CBOR. No signature is checked: that is what verify does. A receipt that\n"
	"cannot be read to its end is shown as far as it goes, and what is refused otherwise\n"
	"in diagnostic notation, with the error. \"-\" is standard input.\n"
	"\n"
	"  --json        one JSON object\n"
	"  --diag        CBOR diagnostic notation, of anything that is well-formed\n"
	"  --entry WHAT  what leaves of RFC 9162 logs commit to: sha256-stmt (default)\n"
	"                or stmt; the root depends on it\n"
	"  --help        this text\n";

enum { OPT_JSON = 1, OPT_DIAG, OPT_ENTRY, OPT_HELP };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "diag", no_argument, NULL, OPT_DIAG },
	{ "entry", required_argument, NULL, OPT_ENTRY },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/**
 * struct inspect - one run
 * @file: its name
 * @in: content
 * @entry: --entry
 * @json: --json
 * @diag: --diag
 * @help: --help
 */
struct inspect {
	const char *file;
	struct rcpt_span in;
	enum receipt_entry entry;
	bool json;
	bool diag;
	bool help;
};

static int set_option(void *all, int option, const char *arg)
{
	struct inspect *run = all;

	switch (option) {
	case OPT_JSON:
		run->json = true;
		return 0;
	case OPT_DIAG:
		run->diag = true;
		return 0;
	case OPT_ENTRY:
		return options_entry("inspect", arg, &run->entry);
	case OPT_HELP:
		run->help = true;
		return 0;
	default:
		return -1;
	}
}

static int parse_args(struct inspect *run, int argc, char **argv)
{
	int ret = options_parse("inspect", argc, argv, options, set_option, run);

	if (ret || run->help)
		return ret;
	if (run->json && run->diag)
		return usage_error("inspect", "--json or --diag, not both");
	if (argc - optind != 1)
		return usage_error("inspect", "one file is needed");
	run->file = argv[optind];
	return 0;
}

static json_t *typed(const char *type, json_t *json)
{
	json_t *root = json_object();

	json_object_set_new(root, "type", json_string(type));
	json_object_update(root, json);
	json_decref(json);
	return root;
}

static json_t *leaf_json(size_t i, const void *leaves)
{
	return describe_leaf((const struct rcpt_leaf *)leaves + i);
}

/* A manifest may have a million leaves, which are not all made a tree of. */
static int show_bundle(const struct inspect *run, const struct rcpt_bundle *b)
{
	json_t *root = typed("bundle", describe_statement(&b->statement, run->entry));
	int ret = 0;

	if (run->json)
		ret = json_print_list(root, "manifest", b->nleaves, leaf_json, b->leaves);
	else
		json_print_tree_list(root, "manifest", b->nleaves, leaf_json, b->leaves);
	json_decref(root);
	return ret;
}

/* One that could be read was shown before. */
static int refuse_bundle(const struct inspect *run, struct rcpt_error *err)
{
	struct rcpt_bundle bundle;
	int ret = rcpt_bundle_parse(run->in, &bundle, err);

	if (!ret)
		rcpt_bundle_free(&bundle);
	return ret;
}

/* A receipt of an unknown structure is shown, too. */
static int receipt_tree(const struct inspect *run, json_t **out, struct rcpt_error *err)
{
	struct rcpt_receipt receipt;
	struct rcpt_error e = { 0 };
	int ret = rcpt_receipt_parse(run->in, &receipt, &e);

	if (ret == -RCPT_CANNOT_EVALUATE && receipt.consistency.data)
		ret = 0;	/* of consistency, without an inclusion proof */
	*out = typed("receipt", describe_receipt(&receipt, NULL, run->entry,
						 ret ? &e : NULL));
	rcpt_receipt_free(&receipt);
	if (!ret || ret == -RCPT_CANNOT_EVALUATE)
		return 0;
	*err = e;
	return ret;
}

static int statement_tree(const struct inspect *run, json_t **out,
			  struct rcpt_error *err)
{
	struct rcpt_statement stmt;
	int ret = rcpt_statement_parse(run->in, &stmt, err);

	if (ret)
		return ret;
	*out = typed(stmt.nreceipts ? "transparent-statement" : "signed-statement",
		     describe_statement(&stmt, run->entry));
	rcpt_statement_free(&stmt);
	return 0;
}

static int keys_tree(const struct inspect *run, json_t **out, struct rcpt_error *err)
{
	const struct rcpt_key_source any = { 0 };
	struct rcpt_keys keys = { 0 };
	int ret = rcpt_keys_add(&keys, run->in, &any, err);

	if (!ret) {
		*out = typed("keys", json_object());
		json_object_set_new(*out, "keys", describe_keys(&keys));
	}
	rcpt_keys_free(&keys);
	return ret;
}

/* A receipt names its verifiable data structure in the protected header. */
static bool is_receipt(struct rcpt_span in)
{
	struct rcpt_sign1 sign1;
	struct rcpt_header header;

	return !rcpt_sign1_parse(in, &sign1, NULL) &&
	       !rcpt_header_parse(sign1.protected, &header, NULL) && header.has_vds;
}

/* Whatever stands in it, a tag other than that of COSE_Sign1 makes it something else. */
static bool is_sign1(struct rcpt_span in)
{
	struct rcpt_reader r;
	struct rcpt_head head;

	rcpt_reader_init(&r, in, NULL);
	return in.len && in.data[0] >> 5 == RCPT_TAG &&
	       (rcpt_read(&r, &head) || head.arg == 18);
}

static bool begins_as_text(struct rcpt_span in)
{
	return in.len && memchr(" \t\r\n{[-0", in.data[0], 8);
}

/* Keys, a proof, or any other CBOR; when it is none of these, it is no key file. */
static int other_tree(const struct inspect *run, json_t **out, struct rcpt_error *err)
{
	struct rcpt_error e = { 0 };
	json_t *json;

	if (!keys_tree(run, out, &e))
		return 0;
	json = describe_proof(run->in);
	if (json) {
		*out = typed("proof", json);
		return 0;
	}
	json = begins_as_text(run->in) ? NULL : describe_cbor(run->in);
	if (json) {
		*out = typed("cbor", json);
		return 0;
	}
	*err = e;
	return -e.status;
}

static int typed_tree(const struct inspect *run, json_t **out, struct rcpt_error *err)
{
	if (rcpt_is_bundle(run->in))
		return refuse_bundle(run, err);
	if (!is_sign1(run->in))
		return other_tree(run, out, err);
	if (is_receipt(run->in))
		return receipt_tree(run, out, err);
	return statement_tree(run, out, err);
}

/* What is refused is shown as CBOR all the same, where it is that. */
static int tree(const struct inspect *run, json_t **out, struct rcpt_error *err)
{
	int ret = typed_tree(run, out, err);
	json_t *json = ret && !*out && !begins_as_text(run->in) ? describe_cbor(run->in) : NULL;

	if (!json)
		return ret;
	*out = typed("cbor", json);
	json_object_set_new(*out, "error", json_error(NULL, err));
	return ret;
}

static int too_long(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_MAX_STATEMENT,
			 "no statement, receipt or key file is over %u bytes; --diag shows other CBOR",
			 RCPT_MAX_STATEMENT);
}

/* What is no bundle and longer than anything else that is known is not looked into. */
static int typed_or_bundle(const struct inspect *run, json_t **out, struct rcpt_error *err)
{
	struct rcpt_bundle bundle;
	int ret;

	if (!rcpt_is_bundle(run->in))
		return run->in.len > RCPT_MAX_STATEMENT ? too_long(err) : tree(run, out, err);
	ret = rcpt_bundle_parse(run->in, &bundle, err);
	if (ret)
		return run->in.len > RCPT_MAX_STATEMENT ? ret : tree(run, out, err);
	ret = -show_bundle(run, &bundle);
	rcpt_bundle_free(&bundle);
	return ret;
}

static int show(const struct inspect *run, struct rcpt_error *err)
{
	json_t *root = NULL;
	int ret, printed = 0;

	if (run->diag) {
		ret = print_diag(run->in, stdout, err);
		if (!ret)
			putchar('\n');
		return -ret;
	}
	ret = typed_or_bundle(run, &root, err);
	if (root && run->json)
		printed = json_print(json_incref(root));
	else if (root)
		json_print_tree(root, 0);
	json_decref(root);
	return printed ? printed : -ret;
}

static int inspect(struct inspect *run)
{
	struct rcpt_error err = { 0 };
	uint8_t *data;
	size_t len;
	int ret;

	if (rcpt_file_read(run->file, RCPT_MAX_INPUT, &data, &len, &err))
		return print_error(run->file, &err);
	run->in = rcpt_span(data, len);
	ret = show(run, &err);
	if (err.status)
		print_error(run->file, &err);
	free(data);
	return ret;
}

/**
 * cmd_inspect() - receiptctl inspect
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int cmd_inspect(int argc, char **argv)
{
	struct inspect run = { 0 };
	int ret = parse_args(&run, argc, argv);

	if (ret)
		return ret;
	if (run.help) {
		fputs(help, stdout);
		return 0;
	}
	return inspect(&run);
}
