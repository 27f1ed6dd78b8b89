// SPDX-License-Identifier: MIT
/*
 * receiptctl events: verdicts, policies and helpers, as they come.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "kernel.h"
#include "options.h"
#include "receiptctl.h"

/**
 * struct listening - what is printed, and until when
 * @json: one object per line instead of text
 * @help: only help was asked for
 * @left: events to print; negative: no end
 * @end: time to stop; negative: no end
 * @dropped: messages that the socket had no room for, so far
 */
struct listening {
	bool json;
	bool help;
	long left;
	double end;
	uint32_t dropped;
};

static int print_help(void)
{
	puts("usage: receiptctl events [--follow] [--json] [--count N] [--timeout SECONDS]\n"
	     "\n"
	     "Prints the kernel's events one per line: verdicts, changes of the policy and\n"
	     "of the helper's state; \"lost\" where the kernel had no room for some, with\n"
	     "their number. Goes on until it is stopped, or\n"
	     "\n"
	     "  --count N          until N events were printed\n"
	     "  --timeout SECONDS  until this time is over; with --count, exit status 1\n"
	     "                     when there were fewer\n"
	     "  --follow           until it is stopped; that is the default");
	return 0;
}

/* Prints a line, at once, and drops the reference. Return: whether it could. */
static bool print_event(const struct listening *l, json_t *event)
{
	char *text = !event ? NULL : l->json ? json_dumps(event, JSON_COMPACT) :
					       rcpt_event_text(event);

	json_decref(event);
	if (!text) {
		fputs("receiptctl: an event was lost: no memory\n", stderr);
		return false;
	}
	puts(text);
	fflush(stdout);
	free(text);
	return true;
}

static void on_event(uint8_t cmd, struct nlattr **tb, void *arg)
{
	struct listening *l = arg;

	if (cmd == RECEIPT_CMD_EVENT && l->left && print_event(l, rcpt_event_json(tb)) &&
	    l->left > 0)
		l->left--;
}

static int wait_ms(const struct listening *l)
{
	double left = l->end - now_seconds();

	if (l->end < 0)
		return -1;
	if (left <= 0)
		return 0;
	return left > 3600 ? 3600 * 1000 : (int)(left * 1000) + 1;
}

/* Says that events were lost; how many, where the kernel says it. */
static void print_lost(struct listening *l, uint32_t dropped)
{
	json_t *event = json_object();

	json_object_set_new(event, "event", json_string("lost"));
	if (dropped != l->dropped)
		json_object_set_new(event, "count", json_integer((uint32_t)(dropped - l->dropped)));
	l->dropped = dropped;
	print_event(l, event);
}

/* Return: 0 to go on, else a negative errno. */
static int take_events(struct rcpt_nl *nl, struct listening *l, struct rcpt_error *err)
{
	int ret = rcpt_nl_receive(nl, err);

	if (ret != -ENOBUFS)
		return ret;
	print_lost(l, rcpt_nl_dropped(nl));
	return 0;
}

static int listen_events(struct rcpt_nl *nl, struct listening *l)
{
	struct pollfd pfd = { .fd = rcpt_nl_fd(nl), .events = POLLIN };
	struct rcpt_error err = { 0 };
	int n;

	while (l->left && !ferror(stdout)) {
		n = poll(&pfd, 1, wait_ms(l));
		if (n < 0 && errno != EINTR)
			return RCPT_SYSTEM;
		if (n > 0 && take_events(nl, l, &err))
			return kernel_error(NULL, &err);
		if (!n && l->end >= 0 && now_seconds() >= l->end)
			return l->left > 0 ? RCPT_INVALID : 0;
	}
	return 0;
}

enum { OPT_FOLLOW = 1, OPT_JSON, OPT_COUNT, OPT_TIMEOUT, OPT_HELP };

static const struct option options[] = {
	{ "follow", no_argument, NULL, OPT_FOLLOW },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static int set_count(struct listening *l, const char *arg)
{
	uint64_t count;

	if (!options_number(arg, LONG_MAX, &count) || !count)
		return usage_error("events", "'%s' is no number of events", arg);
	l->left = count;
	return 0;
}

static int set_timeout(struct listening *l, const char *arg)
{
	double seconds;

	if (!parse_seconds(arg, &seconds))
		return usage_error("events", "'%s' is no number of seconds", arg);
	l->end = now_seconds() + seconds;
	return 0;
}

static int set_option(void *all, int option, const char *arg)
{
	struct listening *l = all;

	switch (option) {
	case OPT_FOLLOW:
		return 0;
	case OPT_JSON:
		l->json = true;
		return 0;
	case OPT_COUNT:
		return set_count(l, arg);
	case OPT_TIMEOUT:
		return set_timeout(l, arg);
	case OPT_HELP:
		l->help = true;
		return 0;
	default:
		return -1;
	}
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_args(struct listening *l, int argc, char **argv)
{
	int ret = options_parse("events", argc, argv, options, set_option, l);

	if (ret)
		return ret;
	if (l->help)
		return print_help() - 1;
	if (optind < argc)
		return usage_error("events", "unexpected argument '%s'", argv[optind]);
	return 0;
}

/**
 * cmd_events() - receiptctl events
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status.
 */
int cmd_events(int argc, char **argv)
{
	struct listening l = { .left = -1, .end = -1 };
	struct rcpt_error err = { 0 };
	struct rcpt_nl *nl;
	int status = parse_args(&l, argc, argv);

	if (status)
		return status < 0 ? 0 : status;
	status = kernel_open(&nl);
	if (status)
		return status;
	rcpt_nl_on_message(nl, on_event, &l);
	if (rcpt_nl_subscribe(nl, &err))
		status = kernel_error(NULL, &err);
	else
		status = listen_events(nl, &l);
	rcpt_nl_close(nl);
	return status;
}
