// SPDX-License-Identifier: MIT
/*
 * receiptctl policy diff: what differs between two policies, and which of the
 * files that stores and the kernel know get another verdict.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "event.h"
#include "judgement.h"
#include "kernel.h"
#include "options.h"
#include "receiptctl.h"

#define HEADERS_MAX	8

/**
 * struct header - a property of the header that differs
 * @name: as the policy has it
 * @value: in the old and the new policy
 */
struct header {
	const char *name;
	char value[2][96];
};

/**
 * struct diff - all of one run
 * @json: output for programs
 * @help: only help was asked for
 * @ask_kernel: --kernel
 * @stores: folders
 * @nstores: how many
 * @sides: old and new policy
 * @nheaders: used entries of @headers
 * @headers: that differ
 * @changes: of log lines and rules
 * @ndefaults: how many operations have another default
 * @judge: of the files
 */
struct diff {
	bool json;
	bool help;
	bool ask_kernel;
	const char *stores[RCPT_MAX_STORES];
	size_t nstores;
	struct policy_side sides[2];
	size_t nheaders;
	struct header headers[HEADERS_MAX];
	struct policy_changes changes;
	size_t ndefaults;
	struct judge judge;
};

static int print_help(void)
{
	puts("usage: receiptctl policy diff [--json] [--store DIR]... [--kernel] OLD NEW\n"
	     "\n"
	     "Prints what differs between two policies, and every file in the stores that\n"
	     "gets another verdict. OLD or NEW may be the word active.\n"
	     "\n"
	     "  --store DIR  default: " RCPT_STORE_LOCAL "\n"
	     "               and " RCPT_STORE_PACKAGES "\n"
	     "  --kernel     judge the digests that the kernel knows and no store, too\n"
	     "  --json       one JSON object on standard output\n"
	     "  --help       this text\n"
	     "\n"
	     "Exit status: 0 nothing differs, 1 something does, 3 no policy, 64 usage,\n"
	     "70 system error");
	return 0;
}

enum { OPT_JSON = 1, OPT_STORE, OPT_KERNEL, OPT_HELP };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "kernel", no_argument, NULL, OPT_KERNEL },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static int set_option(void *all, int option, const char *arg)
{
	struct diff *d = all;

	switch (option) {
	case OPT_JSON:
		d->json = true;
		return 0;
	case OPT_STORE:
		return options_add("policy diff", "--store", d->stores, RCPT_MAX_STORES,
				   &d->nstores, arg);
	case OPT_KERNEL:
		d->ask_kernel = true;
		return 0;
	case OPT_HELP:
		d->help = true;
		return 0;
	default:
		return -1;
	}
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_args(struct diff *d, int argc, char **argv)
{
	int ret = options_parse("policy diff", argc, argv, options, set_option, d);

	if (ret)
		return ret;
	if (d->help)
		return print_help() - 1;
	if (optind + 2 != argc)
		return usage_error("policy diff", "takes two policies");
	if (!d->nstores) {
		d->stores[d->nstores++] = RCPT_STORE_LOCAL;
		d->stores[d->nstores++] = RCPT_STORE_PACKAGES;
	}
	return 0;
}

/*
 * Headers
 */

static void add_header(struct diff *d, const char *name, const char *old, const char *new)
{
	struct header *h = &d->headers[d->nheaders];

	if (!strcmp(old, new))
		return;
	h->name = name;
	snprintf(h->value[0], sizeof(h->value[0]), "%s", old);
	snprintf(h->value[1], sizeof(h->value[1]), "%s", new);
	d->nheaders++;
}

static void add_number(struct diff *d, const char *name, uint32_t old, uint32_t new)
{
	char text[2][16];

	snprintf(text[0], sizeof(text[0]), "%u", old);
	snprintf(text[1], sizeof(text[1]), "%u", new);
	add_header(d, name, text[0], text[1]);
}

static void version_text(const struct receipt_policy *p, char out[32])
{
	snprintf(out, 32, "%u.%u.%u", p->version[0], p->version[1], p->version[2]);
}

static void digests_text(const struct receipt_policy *p, char out[96])
{
	size_t len = 0;

	out[0] = '\0';
	for (uint8_t kind = 0; kind < 8; kind++)
		if (p->digests & 1U << kind)
			len += snprintf(out + len, 96 - len, "%s%s", len ? "," : "",
					receipt_kind_name(kind));
}

static const char *no_helper_text(const struct receipt_policy *p)
{
	return p->no_helper == RECEIPT_NO_HELPER_DENY ? "deny" : "cached";
}

static void compare_headers(struct diff *d)
{
	const struct receipt_policy *old = d->sides[0].file.policy;
	const struct receipt_policy *new = d->sides[1].file.policy;
	char version[2][32], digests[2][96];

	version_text(old, version[0]);
	version_text(new, version[1]);
	digests_text(old, digests[0]);
	digests_text(new, digests[1]);
	add_header(d, "policy_name", old->name, new->name);
	add_header(d, "policy_version", version[0], version[1]);
	add_number(d, "policy_svn", old->svn, new->svn);
	add_header(d, "mode", rcpt_mode_name(old->mode), rcpt_mode_name(new->mode));
	add_header(d, "digests", digests[0], digests[1]);
	add_header(d, "recheck", old->recheck_setuid ? "setuid" : "none",
		   new->recheck_setuid ? "setuid" : "none");
	add_number(d, "helper_timeout", old->helper_timeout, new->helper_timeout);
	add_header(d, "mounts", old->mounts_sealed ? "sealed" : "any",
		   new->mounts_sealed ? "sealed" : "any");
	add_header(d, "no_helper", no_helper_text(old), no_helper_text(new));
}

static bool default_differs(const struct diff *d, int op)
{
	return d->sides[0].file.policy->defaults[op] != d->sides[1].file.policy->defaults[op];
}

/*
 * Text
 */

static void print_change(char sign, const struct policy_line *old, const struct policy_line *new)
{
	printf("%c ", sign);
	if (old)
		printf("%u", old->line);
	if (old && new)
		printf(" -> ");
	if (new)
		printf("%u", new->line);
	fputs(": ", stdout);
	print_text(stdout, new ? new->text : old->text, strlen(new ? new->text : old->text));
	putchar('\n');
}

static void print_changes(const struct diff *d)
{
	for (size_t i = 0; i < d->changes.n; i++) {
		const struct policy_change *c = &d->changes.at[i];

		if (c->is == POLICY_MOVED)
			print_change('>', c->old, c->new);
		if (c->is == POLICY_REMOVED || c->is == POLICY_CHANGED)
			print_change('-', c->old, NULL);
		if (c->is == POLICY_ADDED || c->is == POLICY_CHANGED)
			print_change('+', NULL, c->new);
	}
}

static const char *action_text(enum receipt_action action)
{
	return action == RECEIPT_ACTION_ALLOW ? "allowed" : "denied";
}

static void print_verdict(const struct receipt_verdict *v)
{
	printf("%s", action_text(v->action));
	if (v->line)
		printf(" by line %u", v->line);
	if (v->reason != RECEIPT_REASON_ALLOWED)
		printf(" (%s)", rcpt_reason_text(v->reason));
}

static void print_judgement(const struct judgement *j)
{
	if (j->name_len)
		print_text(stdout, j->name, j->name_len);
	else
		fputs(j->name ? "no name" : "no name in the stores", stdout);
	printf(" %s:", receipt_kind_name(j->kind));
	print_hex(stdout, j->digest, rcpt_digest_len(j->kind));
	printf(" %s: ", receipt_op_name(j->op));
	print_verdict(&j->verdict[0]);
	printf(" -> ");
	print_verdict(&j->verdict[1]);
	putchar('\n');
}

static void print_diff(const struct diff *d)
{
	const struct receipt_policy *old = d->sides[0].file.policy;
	const struct receipt_policy *new = d->sides[1].file.policy;

	for (size_t i = 0; i < d->nheaders; i++) {
		printf("%s: ", d->headers[i].name);
		print_text(stdout, d->headers[i].value[0], strlen(d->headers[i].value[0]));
		fputs(" -> ", stdout);
		print_text(stdout, d->headers[i].value[1], strlen(d->headers[i].value[1]));
		putchar('\n');
	}
	for (int op = 0; op < RECEIPT_OP_COUNT; op++)
		if (default_differs(d, op))
			printf("DEFAULT op=%s: %s (line %u) -> %s (line %u)\n", receipt_op_name(op),
			       action_text(old->defaults[op]), old->default_lines[op],
			       action_text(new->defaults[op]), new->default_lines[op]);
	print_changes(d);
	for (size_t i = 0; i < d->judge.nchanged; i++)
		print_judgement(&d->judge.changed[i]);
	printf("verdicts: %zu change, %zu stay\n", d->judge.nchanged, d->judge.nsame);
	if (d->judge.nunread)
		printf("bundles of no use, not judged: %zu\n", d->judge.nunread);
	if (d->judge.nunknown)
		printf("digests with evidence that the kernel knows and no store, not judged: "
		       "%zu\n", d->judge.nunknown);
}

/*
 * JSON
 */

static json_t *headers_json(const struct diff *d)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->nheaders; i++)
		json_array_append_new(array, json_pack("{s:s, s:s, s:s}",
						       "name", d->headers[i].name,
						       "old", d->headers[i].value[0],
						       "new", d->headers[i].value[1]));
	return array;
}

static json_t *defaults_json(const struct diff *d)
{
	const struct receipt_policy *old = d->sides[0].file.policy;
	const struct receipt_policy *new = d->sides[1].file.policy;
	json_t *array = json_array();

	for (int op = 0; op < RECEIPT_OP_COUNT; op++)
		if (default_differs(d, op))
			json_array_append_new(array, json_pack("{s:s, s:s, s:i, s:s, s:i}",
				"op", receipt_op_name(op),
				"old", action_text(old->defaults[op]),
				"old_line", (int)old->default_lines[op],
				"new", action_text(new->defaults[op]),
				"new_line", (int)new->default_lines[op]));
	return array;
}

static void put_line(json_t *json, const char *which, const struct policy_line *line)
{
	char key[16];

	if (!line)
		return;
	snprintf(key, sizeof(key), "%s_line", which);
	json_object_set_new(json, key, json_integer(line->line));
	json_object_set_new(json, which, json_text(line->text, strlen(line->text)));
}

static json_t *changes_json(const struct diff *d, bool logs)
{
	static const char *const names[] = {
		[POLICY_REMOVED] = "removed", [POLICY_ADDED] = "added",
		[POLICY_MOVED] = "moved", [POLICY_CHANGED] = "changed",
	};
	json_t *array = json_array();

	for (size_t i = 0; i < d->changes.n; i++) {
		const struct policy_change *c = &d->changes.at[i];
		json_t *json;

		if (((c->old ? c->old : c->new)->is == POLICY_LINE_LOG) != logs)
			continue;
		json = json_object();
		json_object_set_new(json, "change", json_string(names[c->is]));
		put_line(json, "old", c->old);
		put_line(json, "new", c->new);
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *verdict_json(const struct receipt_verdict *v)
{
	return json_pack("{s:s, s:i, s:s}", "verdict", action_text(v->action),
			 "rule", (int)v->line, "reason", rcpt_reason_text(v->reason));
}

static json_t *verdicts_json(const struct diff *d)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->judge.nchanged; i++) {
		const struct judgement *j = &d->judge.changed[i];
		json_t *json = json_object();

		if (j->name_len)
			json_object_set_new(json, "file", json_text(j->name, j->name_len));
		json_object_set_new(json, "digest",
				    rcpt_json_digest(j->kind, j->digest,
						     rcpt_digest_len(j->kind)));
		json_object_set_new(json, "op", json_string(receipt_op_name(j->op)));
		json_object_set_new(json, "old", verdict_json(&j->verdict[0]));
		json_object_set_new(json, "new", verdict_json(&j->verdict[1]));
		json_array_append_new(array, json);
	}
	return array;
}

static int json_diff(const struct diff *d)
{
	json_t *json = json_object();

	json_object_set_new(json, "header", headers_json(d));
	json_object_set_new(json, "defaults", defaults_json(d));
	json_object_set_new(json, "logs", changes_json(d, true));
	json_object_set_new(json, "rules", changes_json(d, false));
	json_object_set_new(json, "verdicts", verdicts_json(d));
	json_object_set_new(json, "changed", json_integer(d->judge.nchanged));
	json_object_set_new(json, "same", json_integer(d->judge.nsame));
	json_object_set_new(json, "bundles_not_judged", json_integer(d->judge.nunread));
	json_object_set_new(json, "digests_not_judged", json_integer(d->judge.nunknown));
	return json_print(json);
}

/*
 * Collecting
 */

static int read_active(struct policy_file *f)
{
	struct rcpt_nl *nl;
	int status = kernel_open(&nl);

	if (status)
		return status;
	status = policy_file_active(f, nl);
	rcpt_nl_close(nl);
	if (status || f->policy)
		return status;
	fputs("receiptctl: no policy is active\n", stderr);
	return RCPT_INVALID;
}

static int read_side(const char *name, struct policy_side *side)
{
	int status = strcmp(name, "active") ? policy_file_read(name, &side->file) :
					      read_active(&side->file);

	/* Its own exit status: 1 says that something differs. */
	if (status)
		return status == RCPT_INVALID ? RCPT_SYSTEM : status;
	if (policy_lines_read(side->file.text, side->file.len, &side->lines))
		return RCPT_SYSTEM;
	return 0;
}

static void show_progress(size_t bundles)
{
	if (!(bundles & 0xff))
		fprintf(stderr, "\rbundles read: %zu", bundles);
}

static int judge_files(struct diff *d)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	bool show = isatty(STDERR_FILENO);
	struct rcpt_nl *nl;
	int status = 0;

	d->judge.sides = d->sides;
	d->judge.now = time(NULL);
	d->judge.progress = show ? show_progress : NULL;
	for (size_t i = 0; i < d->nstores && !status; i++)
		if (judge_store(&d->judge, d->stores[i], &err))
			status = print_error(d->stores[i], &err);
	if (show)
		fputs("\r\033[K", stderr);
	if (!status && judge_leaves(&d->judge, &err))
		status = print_error(NULL, &err);
	if (status || !d->ask_kernel)
		return status;
	status = kernel_open(&nl);
	if (status)
		return status;
	if (judge_kernel(&d->judge, nl, &err))
		status = kernel_error(NULL, &err);
	rcpt_nl_close(nl);
	return status;
}

static int collect(struct diff *d, char **names)
{
	int status = read_side(names[0], &d->sides[0]);

	if (!status)
		status = read_side(names[1], &d->sides[1]);
	if (status)
		return status;
	compare_headers(d);
	for (int op = 0; op < RECEIPT_OP_COUNT; op++)
		d->ndefaults += default_differs(d, op);
	if (policy_changes_find(d->sides, &d->changes))
		return RCPT_SYSTEM;
	status = judge_files(d);
	return status == RCPT_INVALID ? RCPT_SYSTEM : status;
}

static void diff_free(struct diff *d)
{
	judge_free(&d->judge);
	policy_changes_free(&d->changes);
	for (int i = 0; i < 2; i++) {
		policy_lines_free(&d->sides[i].lines);
		policy_file_free(&d->sides[i].file);
	}
	free(d);
}

/**
 * policy_diff() - receiptctl policy diff
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status, of differences as diff(1) has it.
 */
int policy_diff(int argc, char **argv)
{
	struct diff *d = calloc(1, sizeof(*d));
	int status;

	if (!d)
		return RCPT_SYSTEM;
	status = parse_args(d, argc, argv);
	if (!status)
		status = collect(d, argv + optind);
	if (!status) {
		if (d->json)
			status = json_diff(d);
		else
			print_diff(d);
	}
	if (!status && (d->nheaders || d->ndefaults || d->changes.n || d->judge.nchanged))
		status = RCPT_INVALID;
	diff_free(d);
	return status < 0 ? 0 : status;
}
