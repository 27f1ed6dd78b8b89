// SPDX-License-Identifier: MIT
/*
 * receiptctl doctor: would this machine boot and be reachable under a policy?
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "kernel.h"
#include "options.h"
#include "receiptctl.h"

/**
 * struct options - the command line
 * @json: output for programs
 * @help: only help was asked for
 * @root: folder that is looked at, or NULL
 * @stores: folders
 * @nstores: how many
 * @policy: file, or NULL for the active one
 */
struct options {
	bool json;
	bool help;
	const char *root;
	const char *stores[RCPT_MAX_STORES];
	size_t nstores;
	const char *policy;
};

static const char * const level_names[DOCTOR_LEVELS] = { "ok", "warn", "FAIL" };

static int print_help(void)
{
	puts("usage: receiptctl doctor [--json] [--store DIR]... [--root DIR] [POLICY]\n"
	     "\n"
	     "Tells whether this machine would boot and be reachable under POLICY, or under\n"
	     "the active one: looks for evidence of PID 1, what a login needs, sshd, the\n"
	     "helper, modules in use and all that runs, with their libraries. Changes\n"
	     "nothing. Exit status 1 when something fails; warnings are none.\n"
	     "\n"
	     "  --store DIR    default: " RCPT_STORE_LOCAL "\n"
	     "                 and " RCPT_STORE_PACKAGES "\n"
	     "  --root DIR     look at an image that is there, and not at this machine");
	return 0;
}

/*
 * Output
 */

static void print_finding(FILE *out, const struct doctor_finding *f)
{
	fprintf(out, "%-4s  %s: ", level_names[f->level], f->group);
	if (f->path) {
		print_text(out, f->path, strlen(f->path));
		fputs(": ", out);
	}
	print_text(out, f->text, strlen(f->text));
	fputc('\n', out);
}

static void print_level(FILE *out, const struct doctor *d, enum doctor_level level)
{
	for (size_t i = 0; i < d->nfindings; i++)
		if (d->findings[i].level == level)
			print_finding(out, &d->findings[i]);
}

/* Files that are good are counted, one line for each group. */
static void print_good(FILE *out, const struct doctor *d)
{
	for (size_t i = 0; i < d->nfindings; i++) {
		const struct doctor_finding *f = &d->findings[i];
		size_t n = 0, before = 0;

		if (f->level != DOCTOR_OK)
			continue;
		if (!f->path) {
			print_finding(out, f);
			continue;
		}
		for (size_t j = 0; j < d->nfindings; j++) {
			const struct doctor_finding *g = &d->findings[j];
			bool same = g->level == DOCTOR_OK && g->path && g->group == f->group;

			n += same;
			before += same && j < i;
		}
		if (!before)
			fprintf(out, "ok    %s: %zu files\n", f->group, n);
	}
}

static bool is_mendable(const struct doctor_finding *f)
{
	return f->level == DOCTOR_FAIL && f->unproven;
}

/* What would vouch for all that fails. */
static void print_mend(FILE *out, const struct doctor *d)
{
	bool any = false;

	for (size_t i = 0; i < d->nfindings; i++) {
		if (!is_mendable(&d->findings[i]))
			continue;
		if (!any)
			fputs("\nTo mend it, when you trust these files:\n"
			      "  receiptctl seal --issuer-key KEY --issuer ISS --log DIR "
			      "--subject SUB --out missing.bundle", out);
		any = true;
		fputs(" \\\n    ", out);
		print_shell(out, d->findings[i].path);
	}
	if (any)
		fputs("\n  receiptctl store add missing.bundle\n", out);
}

static void print_summary(FILE *out, const struct doctor *d)
{
	fprintf(out, "\n%zu ok, %zu warnings, %zu failures\n", d->count[DOCTOR_OK],
		d->count[DOCTOR_WARN], d->count[DOCTOR_FAIL]);
}

static int print_all(const struct doctor *d)
{
	print_good(stdout, d);
	print_level(stdout, d, DOCTOR_WARN);
	print_level(stdout, d, DOCTOR_FAIL);
	print_mend(stdout, d);
	print_summary(stdout, d);
	return 0;
}

static int json_all(const struct doctor *d)
{
	json_t *json = json_object(), *all = json_array();

	for (size_t i = 0; i < d->nfindings; i++) {
		const struct doctor_finding *f = &d->findings[i];
		json_t *one = json_object();

		json_object_set_new(one, "level", json_string(level_names[f->level]));
		json_object_set_new(one, "group", json_string(f->group));
		if (f->path)
			json_object_set_new(one, "file", json_text(f->path, strlen(f->path)));
		json_object_set_new(one, "text", json_text(f->text, strlen(f->text)));
		json_array_append_new(all, one);
	}
	json_object_set_new(json, "findings", all);
	json_object_set_new(json, "ok", json_integer(d->count[DOCTOR_OK]));
	json_object_set_new(json, "warnings", json_integer(d->count[DOCTOR_WARN]));
	json_object_set_new(json, "failures", json_integer(d->count[DOCTOR_FAIL]));
	return json_print(json);
}

/*
 * Examining
 */

/* Return: an examination with stores and no policy, or NULL; @status tells why. */
static struct doctor *start(const char *root, const char * const *stores, size_t n, int *status)
{
	struct doctor *d = calloc(1, sizeof(*d));
	struct rcpt_error err;

	*status = RCPT_SYSTEM;
	if (!d)
		return NULL;
	d->live = !root;
	d->why = calloc(1, sizeof(*d->why));
	d->root = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->root < 0) {
		rcpt_fail(&err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			  "cannot open: %s", strerror(errno));
		*status = print_error(root ? root : "/", &err);
	} else if (d->why) {
		*status = why_open_stores(d->why, stores, n);
	}
	return d;
}

static void finish(struct doctor *d)
{
	if (!d)
		return;
	while (d->nqueue) {
		free(d->queue[--d->nqueue].path);
		free(d->queue[d->nqueue].link);
	}
	while (d->nfindings) {
		free(d->findings[--d->nfindings].path);
		free(d->findings[d->nfindings].text);
	}
	while (d->nfolders)
		free(d->folders[--d->nfolders]);
	spend_free(&d->spend);
	if (d->why)
		why_free(d->why);
	if (d->root >= 0)
		close(d->root);
	free(d->why);
	free(d->queue);
	free(d->findings);
	free(d);
}

/* Return: 0 or the exit status; whether anything failed is in @d->count. */
static int examine(struct doctor *d)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };

	d->why->has_policy = true;
	if (!doctor_check(d, &err))
		return 0;
	print_error(NULL, &err);
	return err.status;
}

/**
 * doctor_before_load() - would this machine survive a policy?
 * @policy: that is to be loaded; stays the caller's
 * @stores: folders
 * @nstores: how many; 0: the usual ones
 *
 * What fails is printed on standard error.
 *
 * Return: 0, RCPT_INVALID when something fails, or the exit status.
 */
int doctor_before_load(struct policy_file *policy, const char * const *stores, size_t nstores)
{
	int status;
	struct doctor *d = start(NULL, stores, nstores, &status);

	if (!status) {
		d->why->policy = *policy;
		status = examine(d);
		memset(&d->why->policy, 0, sizeof(d->why->policy));
	}
	if (!status && d->count[DOCTOR_FAIL]) {
		print_level(stderr, d, DOCTOR_FAIL);
		print_mend(stderr, d);
		print_summary(stderr, d);
		fputs("receiptctl: not loaded: under this policy the machine would not boot or "
		      "not be reachable;\nreceiptctl: use --force to load it all the same\n",
		      stderr);
		status = RCPT_INVALID;
	}
	finish(d);
	return status;
}

/*
 * The command
 */

enum { OPT_JSON = 1, OPT_STORE, OPT_ROOT, OPT_HELP };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "root", required_argument, NULL, OPT_ROOT },
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
	case OPT_STORE:
		return options_add("doctor", "--store", o->stores, RCPT_MAX_STORES, &o->nstores,
				   arg);
	case OPT_ROOT:
		o->root = arg;
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
	int ret = options_parse("doctor", argc, argv, options, set_option, o);

	if (ret)
		return ret;
	if (o->help)
		return print_help() - 1;
	if (optind + 1 < argc)
		return usage_error("doctor", "at most one policy is to be named");
	o->policy = argv[optind];
	return 0;
}

static int take_policy(struct policy_file *policy, const char *path)
{
	struct rcpt_nl *nl;
	int status;

	if (path)
		return policy_file_read(path, policy);
	status = kernel_open(&nl);
	if (status)
		return status;
	status = policy_file_active(policy, nl);
	rcpt_nl_close(nl);
	if (status || policy->policy)
		return status;
	fputs("receiptctl: no policy is active, and none was named\n", stderr);
	return RCPT_CANNOT_EVALUATE;
}

/**
 * cmd_doctor() - receiptctl doctor
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status; 0 when nothing fails, RCPT_INVALID when something does.
 */
int cmd_doctor(int argc, char **argv)
{
	struct options o = { 0 };
	struct doctor *d;
	int status = parse_args(&o, argc, argv);

	if (status)
		return status < 0 ? 0 : status;
	d = start(o.root, o.stores, o.nstores, &status);
	if (!status)
		status = take_policy(&d->why->policy, o.policy);
	if (!status)
		status = examine(d);
	if (!status)
		status = o.json ? json_all(d) : print_all(d);
	if (!status && d->count[DOCTOR_FAIL])
		status = RCPT_INVALID;
	finish(d);
	return status;
}
