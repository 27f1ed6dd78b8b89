// SPDX-License-Identifier: MIT
/*
 * receiptctl policy: check, load, show, keys; seal and diff have files of
 * their own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "event.h"
#include "kernel.h"
#include "logline.h"
#include "options.h"
#include "policy.h"
#include "policyfile.h"
#include "positions.h"
#include "receiptctl.h"

/**
 * struct options - of any of the subcommands
 * @json: output for programs
 * @help: only help was asked for
 * @force: load it whatever doctor says
 * @evidence: bundle
 * @stores: folders for doctor, or for check
 * @nstores: how many
 * @line: what is said of keys
 * @source: the same
 * @file: policy, or file of keys
 */
struct options {
	bool json;
	bool help;
	bool force;
	const char *evidence;
	const char *stores[RCPT_MAX_STORES];
	size_t nstores;
	struct log_line line;
	struct rcpt_key_source source;
	const char *file;
};

static int print_help(void)
{
	puts("usage: receiptctl policy check [--json] [--store DIR]... FILE\n"
	     "       receiptctl policy seal [OPTION]... POLICY\n"
	     "       receiptctl policy load [--evidence BUNDLE] [--store DIR]... [--force] FILE\n"
	     "       receiptctl policy show [--json]\n"
	     "       receiptctl policy diff [--json] [--store DIR]... [--kernel] OLD NEW\n"
	     "       receiptctl policy keys [--issuer ISS] [--name NAME] [--identity verified]\n"
	     "                              [--entry sha256-stmt|stmt] FILE\n"
	     "\n"
	     "check   reads a policy as the kernel does; exit status 3 when it is none;\n"
	     "        warns of receipts in the stores that min_position= leaves out\n"
	     "seal    vouches for a policy, so that it can follow an active one; see\n"
	     "        \"receiptctl policy seal --help\"\n"
	     "load    makes it the active policy; once one is active, the kernel takes only\n"
	     "        one of the same name, a higher version, and with evidence that the\n"
	     "        active policy's rules for op=POLICY allow; one that enforces must pass\n"
	     "        \"receiptctl doctor\" first\n"
	     "show    prints the active policy; exit status 1 when there is none\n"
	     "diff    prints what differs between two policies, and which files get another\n"
	     "        verdict; exit status 1 when anything differs\n"
	     "keys    prints the lines by which a policy trusts the keys of a log: JWKS, COSE\n"
	     "        keys, public key or certificate\n"
	     "\n"
	     "  --evidence BUNDLE    send this bundle's evidence about FILE first\n"
	     "  --store DIR          where check and doctor look for evidence\n"
	     "  --force              load it without asking doctor\n"
	     "  --issuer ISS         iss of the log's receipts, when FILE does not say it\n"
	     "  --name NAME          what rules call it; else made of the issuer\n"
	     "  --identity verified  the log checks who signs before it records\n"
	     "  --entry WHAT         what leaves of an RFC 9162 log commit to");
	return 0;
}

enum { OPT_JSON = 1, OPT_EVIDENCE, OPT_ISSUER, OPT_NAME, OPT_IDENTITY, OPT_ENTRY, OPT_HELP,
       OPT_STORE, OPT_FORCE };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "evidence", required_argument, NULL, OPT_EVIDENCE },
	{ "issuer", required_argument, NULL, OPT_ISSUER },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "identity", required_argument, NULL, OPT_IDENTITY },
	{ "entry", required_argument, NULL, OPT_ENTRY },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static int set_name(struct options *o, const char *arg)
{
	o->line.name = arg;
	if (log_line_is_name(arg))
		return 0;
	return usage_error("policy", "--name: 1 to %d letters, digits, '-', '_' and '.'",
			   RECEIPT_POLICY_NAME_MAX);
}

static int set_option(void *all, int option, const char *arg)
{
	struct options *o = all;

	switch (option) {
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_EVIDENCE:
		o->evidence = arg;
		return 0;
	case OPT_STORE:
		return options_add("policy", "--store", o->stores, RCPT_MAX_STORES, &o->nstores,
				   arg);
	case OPT_FORCE:
		o->force = true;
		return 0;
	case OPT_ISSUER:
		o->source.issuer = arg;
		return 0;
	case OPT_NAME:
		return set_name(o, arg);
	case OPT_IDENTITY:
		return options_identity("policy", arg, &o->line.identity_verified);
	case OPT_ENTRY:
		return options_entry("policy", arg, &o->line.entry);
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return -1;
	}
}

static bool has_key_options(const struct options *o)
{
	return o->source.issuer || o->line.name || o->line.identity_verified ||
	       o->source.entry;
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_args(struct options *o, int argc, char **argv, bool file)
{
	int ret = options_parse("policy", argc, argv, options, set_option, o);

	if (ret)
		return ret;
	if (o->help)
		return print_help() - 1;
	o->source.entry = o->line.entry;
	if (o->evidence && strcmp(argv[0], "load"))
		return usage_error("policy", "%s takes no --evidence", argv[0]);
	if (o->force && strcmp(argv[0], "load"))
		return usage_error("policy", "%s takes no --force", argv[0]);
	if (o->nstores && strcmp(argv[0], "load") && strcmp(argv[0], "check"))
		return usage_error("policy", "%s takes no --store", argv[0]);
	if (has_key_options(o) && strcmp(argv[0], "keys"))
		return usage_error("policy", "%s takes no option of keys", argv[0]);
	if (file && optind + 1 != argc)
		return usage_error("policy", "%s takes one file", argv[0]);
	if (!file && optind != argc)
		return usage_error("policy", "%s takes no file", argv[0]);
	o->file = file ? argv[optind] : NULL;
	return 0;
}

/*
 * check
 */

static int check_text(const struct policy_file *f)
{
	const struct receipt_policy *p = f->policy;

	print_text(stdout, f->path, strlen(f->path));
	printf(": policy ");
	print_text(stdout, p->name, strlen(p->name));
	printf(" %u.%u.%u, %s, %u log%s, %u rule%s\n", p->version[0], p->version[1],
	       p->version[2], rcpt_mode_name(p->mode), p->nlogs, p->nlogs == 1 ? "" : "s",
	       p->nrules, p->nrules == 1 ? "" : "s");
	return 0;
}

static int check_json(const struct policy_file *f, json_t *warnings)
{
	const struct receipt_policy *p = f->policy;
	json_t *json = json_object();

	json_object_set_new(json, "valid", json_true());
	json_object_set_new(json, "policy_name", json_text(p->name, strlen(p->name)));
	json_object_set_new(json, "policy_version",
			    json_sprintf("%u.%u.%u", p->version[0], p->version[1], p->version[2]));
	json_object_set_new(json, "mode", json_string(rcpt_mode_name(p->mode)));
	json_object_set_new(json, "logs", json_integer(p->nlogs));
	json_object_set_new(json, "rules", json_integer(p->nrules));
	json_object_set(json, "warnings", warnings);
	return json_print(json);
}

static int cmd_check(int argc, char **argv)
{
	struct options o = { 0 };
	struct policy_file f;
	json_t *warnings;
	int status = parse_args(&o, argc, argv, true);

	if (status)
		return status < 0 ? 0 : status;
	status = policy_file_read(o.file, &f);
	if (status)
		return status;
	warnings = o.json ? json_array() : NULL;
	status = positions_warn(&f, o.stores, o.nstores, warnings);
	if (!status)
		status = o.json ? check_json(&f, warnings) : check_text(&f);
	json_decref(warnings);
	policy_file_free(&f);
	return status;
}

/*
 * load
 */

static int send_evidence(struct rcpt_nl *nl, const struct options *o)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	const struct bundle_file file = { .path = o->evidence };
	struct evidence_count n = { 0 };
	struct rcpt_digests digests;
	const char *about;

	if (rcpt_digest_file(o->file, &digests, &err))
		return print_error(o->file, &err);
	if (evidence_send(nl, &file, &digests, &n, &about, &err))
		return print_error(about, &err);
	if (n.accepted)
		return 0;
	if (n.refused)
		return kernel_error(o->evidence, &n.first);
	rcpt_fail(&err, RCPT_INVALID, RECEIPT_REASON_NO_EVIDENCE, RCPT_NO_OFFSET,
		  "does not vouch for %s", o->file);
	print_error(o->evidence, &err);
	return RCPT_INVALID;
}

static int load(struct rcpt_nl *nl, const struct options *o,
		const struct policy_file *f)
{
	struct rcpt_error err = { 0 };
	struct rcpt_nl_status st;
	int status = o->evidence ? send_evidence(nl, o) : 0;

	if (status)
		return status;
	if (rcpt_nl_policy_load(nl, f->text, f->len, &err) ||
	    rcpt_nl_status(nl, &st, &err))
		return kernel_error(o->file, &err);
	printf("generation %llu\n", (unsigned long long)st.generation);
	return 0;
}

static int cmd_load(int argc, char **argv)
{
	struct options o = { 0 };
	struct policy_file f;
	struct rcpt_nl *nl;
	int status = parse_args(&o, argc, argv, true);

	if (status)
		return status < 0 ? 0 : status;
	status = policy_file_read(o.file, &f);
	if (status)
		return status;
	status = kernel_open(&nl);
	if (!status) {
		if (f.policy->mode == RECEIPT_MODE_ENFORCE && !o.force)
			status = doctor_before_load(&f, o.stores, o.nstores);
		if (!status)
			status = load(nl, &o, &f);
		rcpt_nl_close(nl);
	}
	policy_file_free(&f);
	return status;
}

/*
 * show
 */

static int show_json(const struct rcpt_nl_policy *p)
{
	json_t *json = json_object();

	json_object_set_new(json, "policy_name", json_text(p->name, strlen(p->name)));
	json_object_set_new(json, "policy_version", json_text(p->version, strlen(p->version)));
	json_object_set_new(json, "mode", json_string(rcpt_mode_name(p->mode)));
	json_object_set_new(json, "generation", json_integer(p->generation));
	if (p->has_digest)
		json_object_set_new(json, "digest",
				    rcpt_json_digest(RECEIPT_KIND_SHA256, p->digest,
						     sizeof(p->digest)));
	json_object_set_new(json, "text", json_text(p->text, p->len));
	return json_print(json);
}

static int show(struct rcpt_nl *nl, bool json)
{
	struct rcpt_error err = { 0 };
	struct rcpt_nl_policy p = { 0 };
	int ret = rcpt_nl_policy_get(nl, &p, &err);

	if (ret == -ENOENT) {
		fputs("receiptctl: no policy is active\n", stderr);
		return RCPT_INVALID;
	}
	if (ret)
		return kernel_error(NULL, &err);
	ret = json ? show_json(&p) : 0;
	if (!json)
		fwrite(p.text, 1, p.len, stdout);
	free(p.text);
	return ret;
}

static int cmd_show(int argc, char **argv)
{
	struct options o = { 0 };
	struct rcpt_nl *nl;
	int status = parse_args(&o, argc, argv, false);

	if (status)
		return status < 0 ? 0 : status;
	status = kernel_open(&nl);
	if (status)
		return status;
	status = show(nl, o.json);
	rcpt_nl_close(nl);
	return status;
}

/*
 * keys
 */

/* A file may have one key in several certificates; its issuer is the same then. */
static bool is_repeated(const struct rcpt_keys *keys, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (!memcmp(keys->keys[i].id, keys->keys[at].id, RECEIPT_HASH_SIZE))
			return true;
	return false;
}

/* A key that no policy takes does not keep the others out. */
static int print_keys(const struct options *o, const struct rcpt_keys *keys)
{
	struct log_line line = o->line;
	struct rcpt_error err;
	int status = 0;
	size_t i;

	for (i = 0; i < keys->count; i++) {
		const char *issuer = keys->keys[i].issuer;

		if (is_repeated(keys, i))
			continue;
		if (!issuer)
			return usage_error("policy", "keys: the file names no issuer: --issuer is missing");
		line.issuer = rcpt_span(issuer, strlen(issuer));
		line.key = keys->keys[i].pkey;
		if (!log_line_print(stdout, &line, &err))
			continue;
		print_error(o->file, &err);
		status = err.status > status ? err.status : status;
	}
	return status;
}

static int cmd_keys(int argc, char **argv)
{
	struct options o = { 0 };
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err;
	uint8_t *data;
	size_t len;
	int status = parse_args(&o, argc, argv, true);

	if (status)
		return status < 0 ? 0 : status;
	if (rcpt_file_read(o.file, RCPT_MAX_INPUT, &data, &len, &err))
		return print_error(o.file, &err);
	if (rcpt_keys_add(&keys, rcpt_span(data, len), &o.source, &err)) {
		print_error(o.file, &err);
		status = err.status;
	} else {
		status = print_keys(&o, &keys);
	}
	rcpt_keys_free(&keys);
	free(data);
	return status;
}

/**
 * cmd_policy() - receiptctl policy
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status.
 */
int cmd_policy(int argc, char **argv)
{
	static const struct command table[] = {
		{ "check", cmd_check, "read a policy as the kernel does" },
		{ "seal", policy_seal, "vouch for it, so that it can be loaded" },
		{ "load", cmd_load, "make it the active policy" },
		{ "show", cmd_show, "print the active policy" },
		{ "diff", policy_diff, "compare two, and the verdicts of files under them" },
		{ "keys", cmd_keys, "print the lines that trust a log's keys" },
		{ 0 }
	};

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return print_help();
	return run_subcommand(table, argc, argv);
}
