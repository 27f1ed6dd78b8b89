// SPDX-License-Identifier: MIT
/*
 * receiptctl policy: check, load, show.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "kernel.h"
#include "policy.h"
#include "policyfile.h"
#include "receiptctl.h"

/**
 * struct options - of any of the subcommands
 * @json: output for programs
 * @evidence: bundle
 * @file: policy
 */
struct options {
	bool json;
	const char *evidence;
	const char *file;
};

static int print_help(void)
{
	puts("usage: receiptctl policy check [--json] FILE\n"
	     "       receiptctl policy load [--evidence BUNDLE] FILE\n"
	     "       receiptctl policy show [--json]\n"
	     "\n"
	     "check   reads a policy as the kernel does; exit status 3 when it is none\n"
	     "load    makes it the active policy; once one is active, the kernel takes only\n"
	     "        one of the same name, a higher version, and with evidence that the\n"
	     "        active policy's rules for op=POLICY allow\n"
	     "show    prints the active policy; exit status 1 when there is none\n"
	     "\n"
	     "  --evidence BUNDLE  send this bundle's evidence about FILE first");
	return 0;
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_options(int argc, char **argv, struct options *o, bool file)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "evidence", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'h')
			return print_help() - 1;
		if (c == '?')
			return usage_error("policy", "unknown option or missing argument");
		if (c == 'j')
			o->json = true;
		if (c == 'e')
			o->evidence = optarg;
	}
	if (o->evidence && strcmp(argv[0], "load"))
		return usage_error("policy", "%s takes no --evidence", argv[0]);
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
	printf(" %u.%u.%u, %s, %u logs, %u rules\n", p->version[0], p->version[1],
	       p->version[2], rcpt_mode_name(p->mode), p->nlogs, p->nrules);
	return 0;
}

static int check_json(const struct policy_file *f)
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
	return json_print(json);
}

static int cmd_check(int argc, char **argv)
{
	struct options o = { 0 };
	struct policy_file f;
	int status = parse_options(argc, argv, &o, true);

	if (status)
		return status < 0 ? 0 : status;
	status = policy_file_read(o.file, &f);
	if (status)
		return status;
	status = o.json ? check_json(&f) : check_text(&f);
	policy_file_free(&f);
	return status;
}

/*
 * load
 */

static int send_evidence(struct rcpt_nl *nl, const struct options *o)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	struct evidence_count n = { 0 };
	struct rcpt_digests digests;

	if (rcpt_digest_file(o->file, &digests, &err)) {
		print_error(o->file, &err);
		return err.status;
	}
	if (evidence_send(nl, o->evidence, &digests, &n, &err)) {
		print_error(o->evidence, &err);
		return err.status;
	}
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
	int status = parse_options(argc, argv, &o, true);

	if (status)
		return status < 0 ? 0 : status;
	status = policy_file_read(o.file, &f);
	if (status)
		return status;
	status = kernel_open(&nl);
	if (!status) {
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
	int status = parse_options(argc, argv, &o, false);

	if (status)
		return status < 0 ? 0 : status;
	status = kernel_open(&nl);
	if (status)
		return status;
	status = show(nl, o.json);
	rcpt_nl_close(nl);
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
		{ "load", cmd_load, "make it the active policy" },
		{ "show", cmd_show, "print the active policy" },
		{ 0 }
	};

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return print_help();
	return run_subcommand(table, argc, argv);
}
