// SPDX-License-Identifier: MIT
/*
 * receiptctl status: is a helper there, which policy is active.
 */
#include <string.h>
#include <unistd.h>

#include "affected.h"
#include "kernel.h"
#include "options.h"
#include "receiptctl.h"

#define POLL_US	50000

static int print_help(void)
{
	puts("usage: receiptctl status [--json] [--wait SECONDS]\n"
	     "       receiptctl status --affected [--store DIR]... [--json]\n"
	     "\n"
	     "Prints what the kernel's module says of itself, its helper and its policy.\n"
	     "\n"
	     "  --wait SECONDS  wait until a helper serves; exit status 1 when none does\n"
	     "                  in that time\n"
	     "  --affected      list what runs now and would be denied under the active\n"
	     "                  policy: programs, libraries, modules. Exit status 1 when there\n"
	     "                  is any. Nothing is stopped\n"
	     "  --store DIR     default: " RCPT_STORE_LOCAL "\n"
	     "                  and " RCPT_STORE_PACKAGES);
	return 0;
}

/* A kernel of another version may write what is no version here: that is below, too. */
static bool is_below(const struct rcpt_nl_status *st)
{
	struct receipt_lowest floor = { .svn = st->floor_svn };
	uint16_t version[3];

	if (!st->policy_name[0] || st->floor == RECEIPT_FLOOR_NONE)
		return false;
	memcpy(floor.name, st->floor_name, sizeof(floor.name));
	return receipt_version_parse(st->floor_version, strlen(st->floor_version),
				     floor.version) ||
	       receipt_version_parse(st->policy_version, strlen(st->policy_version), version) ||
	       !receipt_lowest_admits(&floor, st->policy_name, version, st->policy_svn);
}

static void print_floor(const struct rcpt_nl_status *st)
{
	if (st->floor == RECEIPT_FLOOR_NONE) {
		puts("floor       none");
		return;
	}
	fputs("floor       ", stdout);
	print_text(stdout, st->floor_name, strlen(st->floor_name));
	putchar(' ');
	print_text(stdout, st->floor_version, strlen(st->floor_version));
	printf(" svn %u (%s)\n", st->floor_svn, rcpt_floor_name(st->floor));
	if (is_below(st))
		puts("            the active policy is BELOW the floor: load one that is not");
}

/* The kernel's time, by which receipts get old, and what holds it up. */
static void print_time(const struct rcpt_nl_status *st)
{
	int64_t behind = (int64_t)st->time - time(NULL);
	char now[40], floor[40];

	if (!st->time)
		return;
	format_time(st->time, now);
	format_time(st->time_floor, floor);
	printf("time        %s, floor %s\n", now, floor);
	if (behind > 1)
		printf("            the machine's clock is %lld seconds behind: receipts age by the floor\n",
		       (long long)behind);
}

static void print_status(const struct rcpt_nl_status *st)
{
	printf("helper      %s", rcpt_helper_name(st->helper));
	if (st->helper_pid)
		printf(", process %u", st->helper_pid);
	printf(", for %llu seconds", (unsigned long long)st->helper_since);
	printf("\nmode        %s\n", rcpt_mode_name(st->mode));
	if (st->policy_name[0]) {
		fputs("policy      ", stdout);
		print_text(stdout, st->policy_name, strlen(st->policy_name));
		putchar(' ');
		print_text(stdout, st->policy_version, strlen(st->policy_version));
		printf(" svn %u\ngeneration  %llu\n", st->policy_svn,
		       (unsigned long long)st->generation);
		printf("timeout     %u seconds; without a helper: %s\n", st->helper_timeout,
		       receipt_no_helper_name(st->no_helper));
	} else {
		puts("policy      none");
	}
	print_floor(st);
	print_time(st);
	printf("abi         %u, errata %#llx\n", st->abi, (unsigned long long)st->errata);
}

static void add_floor(json_t *json, const struct rcpt_nl_status *st)
{
	json_t *floor = json_object();

	json_object_set_new(floor, "source", json_string(rcpt_floor_name(st->floor)));
	json_object_set_new(floor, "name", json_text(st->floor_name, strlen(st->floor_name)));
	json_object_set_new(floor, "version",
			    json_text(st->floor_version, strlen(st->floor_version)));
	json_object_set_new(floor, "svn", json_integer(st->floor_svn));
	json_object_set_new(floor, "active_is_below", json_boolean(is_below(st)));
	json_object_set_new(json, "floor", floor);
}

static int print_json(const struct rcpt_nl_status *st)
{
	json_t *json = json_object();

	json_object_set_new(json, "helper", json_string(rcpt_helper_name(st->helper)));
	json_object_set_new(json, "helper_pid",
			    st->helper_pid ? json_integer(st->helper_pid) : json_null());
	json_object_set_new(json, "helper_since_seconds", json_u64(st->helper_since));
	json_object_set_new(json, "mode", json_string(rcpt_mode_name(st->mode)));
	if (st->policy_name[0]) {
		json_object_set_new(json, "policy_name",
				    json_text(st->policy_name, strlen(st->policy_name)));
		json_object_set_new(json, "policy_version",
				    json_text(st->policy_version, strlen(st->policy_version)));
		json_object_set_new(json, "helper_timeout", json_integer(st->helper_timeout));
		json_object_set_new(json, "no_helper",
				    json_string(receipt_no_helper_name(st->no_helper)));
	}
	json_object_set_new(json, "policy_svn", json_integer(st->policy_svn));
	add_floor(json, st);
	if (st->time) {
		json_object_set_new(json, "time", json_u64(st->time));
		json_object_set_new(json, "time_floor", json_u64(st->time_floor));
	}
	json_object_set_new(json, "generation", json_integer(st->generation));
	json_object_set_new(json, "abi", json_integer(st->abi));
	json_object_set_new(json, "errata", json_integer(st->errata));
	return json_print(json);
}

static int get_status(struct rcpt_nl_status *st, struct rcpt_error *err)
{
	struct rcpt_nl *nl;
	int ret = rcpt_nl_open(&nl, err);

	if (!ret)
		ret = rcpt_nl_status(nl, st, err);
	rcpt_nl_close(nl);
	return ret;
}

/* A module that is not there yet may come. */
static int wait_serving(double seconds, struct rcpt_nl_status *st)
{
	double end = now_seconds() + seconds;
	struct rcpt_error err = { 0 };
	int ret;

	while (1) {
		ret = get_status(st, &err);
		if (!ret && st->helper == RECEIPT_HELPER_SERVING)
			return 0;
		if (now_seconds() >= end)
			break;
		usleep(POLL_US);
	}
	if (ret)
		kernel_error(NULL, &err);
	else
		fprintf(stderr, "receiptctl: no helper serves (%s)\n",
			rcpt_helper_name(st->helper));
	return RCPT_INVALID;
}

static int run(double wait, bool json)
{
	struct rcpt_nl_status st;
	struct rcpt_error err = { 0 };
	int status;

	if (wait >= 0) {
		status = wait_serving(wait, &st);
		if (status)
			return status;
	} else if (get_status(&st, &err)) {
		return kernel_error(NULL, &err);
	}
	if (json)
		return print_json(&st);
	print_status(&st);
	return 0;
}

enum { OPT_JSON = 1, OPT_WAIT, OPT_AFFECTED, OPT_STORE, OPT_HELP };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "affected", no_argument, NULL, OPT_AFFECTED },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

/* The command line; @wait: seconds, or negative; @stores: for @affected. */
struct args {
	double wait;
	bool affected;
	const char *stores[RCPT_MAX_STORES];
	size_t nstores;
	bool json;
	bool help;
};

static int set_option(void *all, int option, const char *arg)
{
	struct args *args = all;

	switch (option) {
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_WAIT:
		return parse_seconds(arg, &args->wait) ? 0 :
		       usage_error("status", "'%s' is no number of seconds", arg);
	case OPT_AFFECTED:
		args->affected = true;
		return 0;
	case OPT_STORE:
		return options_add("status", "--store", args->stores, RCPT_MAX_STORES,
				   &args->nstores, arg);
	case OPT_HELP:
		args->help = true;
		return 0;
	default:
		return -1;
	}
}

static int run_affected(struct args *args)
{
	if (args->wait >= 0)
		return usage_error("status", "--affected does not --wait");
	return affected_print(args->stores, args->nstores, args->json);
}

/**
 * cmd_status() - receiptctl status
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status; 0 also when no helper serves, unless it was waited for.
 */
int cmd_status(int argc, char **argv)
{
	struct args args = { .wait = -1 };
	int ret = options_parse("status", argc, argv, options, set_option, &args);

	if (ret)
		return ret;
	if (args.help)
		return print_help();
	if (optind < argc)
		return usage_error("status", "unexpected argument '%s'", argv[optind]);
	if (args.affected)
		return run_affected(&args);
	if (args.nstores)
		return usage_error("status", "--store is for --affected");
	return run(args.wait, args.json);
}
