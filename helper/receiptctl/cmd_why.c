// SPDX-License-Identifier: MIT
/*
 * receiptctl why: why a file may be used, or may not.
 */
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "kernel.h"
#include "manifest.h"
#include "options.h"
#include "receiptctl.h"
#include "why.h"

/**
 * struct options - the command line
 * @json: output for programs
 * @help: only help was asked for
 * @op: operation
 * @policy: file, or NULL for the active one
 * @stores: folders
 * @nstores: how many
 * @file: artifact
 */
struct options {
	bool json;
	bool help;
	int op;
	const char *policy;
	const char *stores[RCPT_MAX_STORES];
	size_t nstores;
	const char *file;
};

static int print_help(void)
{
	puts("usage: receiptctl why [--op OP] [--store DIR]... [--policy FILE] [--json] FILE\n"
	     "\n"
	     "Prints the digests of FILE, the evidence that stores have of it, which rule\n"
	     "of the policy decides, and what the kernel would say now without asking its\n"
	     "helper. Works without the module, too.\n"
	     "\n"
	     "  --op OP        operation: EXECUTE (default), KMODULE, FIRMWARE, ...\n"
	     "  --store DIR    default: " RCPT_STORE_LOCAL "\n"
	     "                 and " RCPT_STORE_PACKAGES "\n"
	     "  --policy FILE  instead of the active policy");
	return 0;
}

/*
 * Text
 */

static void print_receipt(const struct why *w, const struct why_found *f, size_t i)
{
	const struct rcpt_receipt *r = &f->proposal->receipts[i];
	const struct why_receipt *result = &f->receipts[i];
	char when[40];

	fputs("      receipt of ", stdout);
	print_text(stdout, r->header.claims.iss.data, r->header.claims.iss.len);
	if (r->header.vds == RECEIPT_VDS_CCF || rcpt_receipt_has_size(r))
		printf(", position %llu", (unsigned long long)rcpt_receipt_position(r));
	else
		fputs(", no position: the size of the tree is not signed", stdout);
	if (r->header.claims.has_iat) {
		format_time(r->header.claims.iat, when);
		printf(", %s", when);
	}
	if (!w->has_policy) {
		putchar('\n');
	} else if (!result->err.status) {
		printf(": good, log %s\n", result->key->name ? result->key->name : "?");
	} else {
		fputs(": ", stdout);
		print_text(stdout, result->err.text, strlen(result->err.text));
		putchar('\n');
	}
}

static void print_found(const struct why *w, const struct why_found *f)
{
	const struct rcpt_nl_evidence *ev;

	fputs("  ", stdout);
	print_text(stdout, f->dir, strlen(f->dir));
	printf(", by %s%s\n    ", receipt_kind_name(f->kind),
	       why_counts(w, f->kind) ? "" : ", which the policy does not count");
	if (!f->proposal) {
		fputs("of no use: ", stdout);
		print_text(stdout, f->err.text, strlen(f->err.text));
		putchar('\n');
		return;
	}
	ev = &f->proposal->evidence;
	fputs("issuer ", stdout);
	print_quoted(stdout, f->iss, strlen(f->iss));
	fputs(" subject ", stdout);
	print_quoted(stdout, f->sub, strlen(f->sub));
	if (f->summary.has_svn)
		printf(" svn %llu", (unsigned long long)f->summary.svn);
	if (ev->manifest)
		printf(", leaf %llu of %llu", (unsigned long long)ev->index,
		       (unsigned long long)ev->size);
	fputs(", grants ", stdout);
	if (f->summary.usage == 0xff)
		fputs("everything", stdout);
	else
		print_ops(f->summary.usage);
	putchar('\n');
	for (size_t i = 0; i < f->proposal->nreceipts; i++)
		print_receipt(w, f, i);
}

static void print_verdict(const struct why *w)
{
	const struct receipt_policy *p = w->policy.policy;

	if (!w->has_policy) {
		puts("policy: none is active; --policy FILE names one");
		return;
	}
	printf("policy ");
	print_text(stdout, p->name, strlen(p->name));
	printf(" %u.%u.%u, %s\n  %s %s", p->version[0], p->version[1], p->version[2],
	       rcpt_mode_name(p->mode), receipt_op_name(w->op),
	       w->verdict.action == RECEIPT_ACTION_ALLOW ? "allowed" : "denied");
	if (w->verdict.line)
		printf(" by line %u", w->verdict.line);
	if (w->verdict.reason != RECEIPT_REASON_ALLOWED)
		printf(": %s", rcpt_reason_text(w->verdict.reason));
	putchar('\n');
}

static void print_kernel(const struct why *w)
{
	const struct rcpt_nl_explain *k = &w->kernel;

	if (!w->has_kernel) {
		puts("kernel: not asked, it has no receipt family");
		return;
	}
	printf("kernel\n  %s %s", receipt_op_name(w->op), k->allowed ? "allowed" : "denied");
	if (k->rule)
		printf(" by line %u", k->rule);
	if (k->reason != RECEIPT_REASON_ALLOWED)
		printf(": %s", rcpt_reason_text(k->reason));
	printf(", knows %u statements\n", k->statements);
}

static int print_why(const struct why *w)
{
	print_text(stdout, w->path, strlen(w->path));
	putchar('\n');
	for (size_t i = 0; i < w->digests.n; i++) {
		const struct rcpt_digest *d = &w->digests.digests[i];

		printf("  %s:", receipt_kind_name(d->kind));
		print_hex(stdout, d->bytes, rcpt_digest_len(d->kind));
		putchar('\n');
	}
	puts(w->nfound ? "evidence" : "evidence: none in the stores");
	for (size_t i = 0; i < w->nfound; i++)
		print_found(w, w->found[i]);
	print_verdict(w);
	print_kernel(w);
	return 0;
}

/*
 * JSON
 */

static json_t *receipt_json(const struct why *w, const struct why_found *f, size_t i)
{
	const struct rcpt_receipt *r = &f->proposal->receipts[i];
	const struct rcpt_claims *claims = &r->header.claims;
	const struct why_receipt *result = &f->receipts[i];
	json_t *json = json_object();

	json_object_set_new(json, "issuer", json_text(claims->iss.data, claims->iss.len));
	json_object_set_new(json, "position", json_u64(rcpt_receipt_position(r)));
	if (claims->has_iat)
		json_object_set_new(json, "iat", json_integer(claims->iat));
	if (!w->has_policy)
		return json;
	json_object_set_new(json, "good", json_boolean(!result->err.status));
	if (result->err.status)
		json_object_set_new(json, "error", json_error(NULL, &result->err));
	else if (result->key->name)
		json_object_set_new(json, "log", json_string(result->key->name));
	return json;
}

static json_t *found_json(const struct why *w, const struct why_found *f)
{
	json_t *json = json_object(), *receipts = json_array();

	json_object_set_new(json, "store", json_text(f->dir, strlen(f->dir)));
	json_object_set_new(json, "kind", json_string(receipt_kind_name(f->kind)));
	if (!f->proposal) {
		json_decref(receipts);
		json_object_set_new(json, "error", json_error(NULL, &f->err));
		return json;
	}
	json_object_set_new(json, "issuer", json_text(f->iss, strlen(f->iss)));
	json_object_set_new(json, "subject", json_text(f->sub, strlen(f->sub)));
	if (f->summary.has_svn)
		json_object_set_new(json, "svn", json_integer(f->summary.svn));
	json_object_set_new(json, "usage", json_integer(f->summary.usage));
	if (f->proposal->evidence.manifest) {
		json_object_set_new(json, "leaf", json_integer(f->proposal->evidence.index));
		json_object_set_new(json, "leaves", json_integer(f->proposal->evidence.size));
	}
	for (size_t i = 0; i < f->proposal->nreceipts; i++)
		json_array_append_new(receipts, receipt_json(w, f, i));
	json_object_set_new(json, "receipts", receipts);
	return json;
}

static json_t *verdict_json(bool allowed, uint32_t line, enum receipt_reason reason)
{
	json_t *json = json_object();

	json_object_set_new(json, "verdict", json_string(allowed ? "allowed" : "denied"));
	json_object_set_new(json, "rule", json_integer(line));
	json_object_set_new(json, "reason", json_string(rcpt_reason_text(reason)));
	return json;
}

static void add_verdicts(const struct why *w, json_t *json)
{
	json_t *v;

	if (w->has_policy)
		json_object_set_new(json, "policy",
				    verdict_json(w->verdict.action == RECEIPT_ACTION_ALLOW,
						 w->verdict.line, w->verdict.reason));
	if (!w->has_kernel)
		return;
	v = verdict_json(w->kernel.allowed, w->kernel.rule, w->kernel.reason);
	json_object_set_new(v, "statements", json_integer(w->kernel.statements));
	json_object_set_new(json, "kernel", v);
}

static int json_why(const struct why *w)
{
	json_t *json = json_object(), *digests = json_array(), *found = json_array();

	json_object_set_new(json, "file", json_text(w->path, strlen(w->path)));
	json_object_set_new(json, "op", json_string(receipt_op_name(w->op)));
	for (size_t i = 0; i < w->digests.n; i++) {
		const struct rcpt_digest *d = &w->digests.digests[i];

		json_array_append_new(digests, rcpt_json_digest(d->kind, d->bytes,
								rcpt_digest_len(d->kind)));
	}
	json_object_set_new(json, "digests", digests);
	for (size_t i = 0; i < w->nfound; i++)
		json_array_append_new(found, found_json(w, w->found[i]));
	json_object_set_new(json, "evidence", found);
	add_verdicts(w, json);
	return json_print(json);
}

/*
 * Collecting
 */

/**
 * why_ask() - ask the kernel what it would say now
 * @w: with digests and operation; what the kernel says is filled in
 * @nl: connection
 *
 * The kernel explains one digest; of those that it measures one must do.
 *
 * Return: 0 or the exit status, after a message.
 */
int why_ask(struct why *w, struct rcpt_nl *nl)
{
	struct rcpt_error err = { 0 };

	memset(&w->kernel, 0, sizeof(w->kernel));
	for (size_t i = 0; i < w->digests.n && !w->kernel.allowed; i++) {
		const struct rcpt_digest *d = &w->digests.digests[i];
		struct rcpt_nl_explain got;

		if (rcpt_nl_explain(nl, d->kind, rcpt_span(d->bytes, rcpt_digest_len(d->kind)),
				    w->op, &got, &err))
			return kernel_error(NULL, &err);
		if (!i || got.allowed || got.statements > w->kernel.statements)
			w->kernel = got;
	}
	return 0;
}

static int ask_kernel(struct why *w, const struct options *o)
{
	struct rcpt_error err = { 0 };
	struct rcpt_nl *nl;
	int status;

	if (rcpt_nl_open(&nl, &err))
		return 0;
	status = why_ask(w, nl);
	w->has_kernel = !status;
	if (!status && !o->policy)
		status = policy_file_active(&w->policy, nl);
	w->has_policy = w->policy.policy;
	rcpt_nl_close(nl);
	return status;
}

static int collect(struct why *w, const struct options *o)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	int status;

	w->path = o->file;
	w->op = o->op;
	if (why_digest(w, NULL, &err))
		return print_error(w->path, &err);
	status = why_open_stores(w, o->stores, o->nstores);
	if (!status && o->policy)
		status = policy_file_read(o->policy, &w->policy);
	w->has_policy = w->policy.policy;
	if (!status)
		status = ask_kernel(w, o);
	if (!status && why_find(w, &err)) {
		print_error(NULL, &err);
		status = err.status;
	}
	if (!status)
		why_judge(w);
	return status;
}

enum { OPT_JSON = 1, OPT_OP, OPT_STORE, OPT_POLICY, OPT_HELP };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "op", required_argument, NULL, OPT_OP },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static int set_option(void *all, int option, const char *arg)
{
	struct options *o = all;

	switch (option) {
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_OP:
		o->op = receipt_op_parse(arg, strlen(arg));
		return o->op < 0 ? usage_error("why", "'%s' is no operation", arg) : 0;
	case OPT_STORE:
		return options_add("why", "--store", o->stores, RCPT_MAX_STORES, &o->nstores,
				   arg);
	case OPT_POLICY:
		o->policy = arg;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return -1;
	}
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_args(struct options *o, int argc, char **argv)
{
	int ret = options_parse("why", argc, argv, options, set_option, o);

	if (ret)
		return ret;
	if (o->help)
		return print_help() - 1;
	if (optind + 1 != argc)
		return usage_error("why", "one file is to be named");
	o->file = argv[optind];
	return 0;
}

/**
 * cmd_why() - receiptctl why
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status; 0 whatever the verdict is.
 */
int cmd_why(int argc, char **argv)
{
	struct options o = { .op = RECEIPT_OP_EXECUTE };
	struct why *w;
	int status = parse_args(&o, argc, argv);

	if (status)
		return status < 0 ? 0 : status;
	w = calloc(1, sizeof(*w));
	if (!w)
		return RCPT_SYSTEM;
	status = collect(w, &o);
	if (!status)
		status = o.json ? json_why(w) : print_why(w);
	why_free(w);
	free(w);
	return status;
}
