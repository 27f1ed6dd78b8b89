// SPDX-License-Identifier: MIT
/*
 * receiptctl status: is a helper there, which policy is active.
 */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "receiptctl.h"

#define POLL_US	50000

static int print_help(void)
{
	puts("usage: receiptctl status [--json] [--wait SECONDS]\n"
	     "\n"
	     "Prints what the kernel's module says of itself, its helper and its policy.\n"
	     "\n"
	     "  --wait SECONDS  wait until a helper serves; exit status 1 when none does\n"
	     "                  in that time");
	return 0;
}

static void print_status(const struct rcpt_nl_status *st)
{
	printf("helper      %s", rcpt_helper_name(st->helper));
	if (st->helper_pid)
		printf(", process %u", st->helper_pid);
	printf("\nmode        %s\n", rcpt_mode_name(st->mode));
	if (st->policy_name[0]) {
		fputs("policy      ", stdout);
		print_text(stdout, st->policy_name, strlen(st->policy_name));
		putchar(' ');
		print_text(stdout, st->policy_version, strlen(st->policy_version));
		printf("\ngeneration  %llu\n", (unsigned long long)st->generation);
	} else {
		puts("policy      none");
	}
	printf("abi         %u, errata %#llx\n", st->abi, (unsigned long long)st->errata);
}

static int print_json(const struct rcpt_nl_status *st)
{
	json_t *json = json_object();

	json_object_set_new(json, "helper", json_string(rcpt_helper_name(st->helper)));
	json_object_set_new(json, "helper_pid",
			    st->helper_pid ? json_integer(st->helper_pid) : json_null());
	json_object_set_new(json, "mode", json_string(rcpt_mode_name(st->mode)));
	if (st->policy_name[0]) {
		json_object_set_new(json, "policy_name",
				    json_text(st->policy_name, strlen(st->policy_name)));
		json_object_set_new(json, "policy_version",
				    json_text(st->policy_version, strlen(st->policy_version)));
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

/**
 * cmd_status() - receiptctl status
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status; 0 also when no helper serves, unless it was waited for.
 */
int cmd_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "wait", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	double wait = -1;
	bool json = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'h')
			return print_help();
		if (c == 'j')
			json = true;
		else if (c != 'w')
			return usage_error("status", "unknown option or missing argument");
		else if (!parse_seconds(optarg, &wait))
			return usage_error("status", "'%s' is no number of seconds", optarg);
	}
	if (optind < argc)
		return usage_error("status", "unexpected argument '%s'", argv[optind]);
	return run(wait, json);
}
