// SPDX-License-Identifier: MIT
/*
 * receiptctl learn: what was used without evidence, by package, and the commands
 * that seal it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event.h"
#include "kernel.h"
#include "learn.h"
#include "options.h"
#include "receiptctl.h"

#define MAX_LOGS	16

/**
 * struct learning - one run
 * @logs: files of --log
 * @nlogs: how many
 * @seconds: --seconds; negative: none
 * @follow: follow events until a signal comes
 * @json: output for programs
 * @help: only help was asked for
 * @names: for the commands
 * @denials: what was found
 * @plan: what to do
 * @status: of what failed while an event was taken
 */
struct learning {
	const char *logs[MAX_LOGS];
	size_t nlogs;
	double seconds;
	bool follow;
	bool json;
	bool help;
	struct learn_names names;
	struct denials denials;
	struct learn plan;
	int status;
};

static int print_help(void)
{
	puts("usage: receiptctl learn [--seconds N] [--follow] [--log FILE]... [OPTION]...\n"
	     "\n"
	     "Lists what was used without evidence, by package, with the commands that seal\n"
	     "it. It is for a machine with a permissive policy: nothing is stopped there, and\n"
	     "all is recorded. What it lists was used; whether it is good, you must know.\n"
	     "\n"
	     "Follows the kernel's events until it is stopped by Ctrl-C, or\n"
	     "\n"
	     "  --seconds N        for that time\n"
	     "  --log FILE         not at all: reads this log instead: of audit, of the kernel,\n"
	     "                     or lines of \"events --json\"; - is standard input. What\n"
	     "                     happens before anybody can follow is in a log alone\n"
	     "  --follow           until it is stopped, also with --log; so does --seconds\n"
	     "  --kernel-log       every line of --log is the kernel's, as of \"journalctl -k\".\n"
	     "                     Otherwise what it names is sealed for what it is, and for\n"
	     "                     no other operation: anybody can write to a journal\n"
	     "\n"
	     "  --issuer-key FILE  for the commands, instead of a name that stands for it\n"
	     "  --issuer ISS       likewise\n"
	     "  --log-dir DIR      likewise: what seal calls --log\n"
	     "  --root DIR         files and packages are below this folder\n"
	     "  --json             one JSON object on standard output");
	return 0;
}

/*
 * Sources
 */

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

/* Signals come while we wait, and at no other time. */
static void catch_signals(sigset_t *waiting)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, waiting);
	sigdelset(waiting, SIGINT);
	sigdelset(waiting, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* The first Ctrl-C ends the listening, another one what comes then. */
static void release_signals(const sigset_t *waiting)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, waiting, NULL);
}

static void on_event(uint8_t cmd, struct nlattr **tb, void *arg)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	struct learning *l = arg;
	json_t *event;

	if (cmd != RECEIPT_CMD_EVENT || l->status)
		return;
	event = rcpt_event_json(tb);
	l->denials.trusted = true;
	if (!event)
		l->denials.lost++;
	else if (denials_event(&l->denials, event, &err))
		l->status = print_error(NULL, &err);
	json_decref(event);
}

static struct timespec time_left(double end)
{
	double left = end - now_seconds();

	if (left < 0)
		left = 0;
	return (struct timespec){ .tv_sec = left, .tv_nsec = (left - (time_t)left) * 1e9 };
}

static int receive(struct learning *l, struct rcpt_nl *nl)
{
	struct rcpt_error err = { 0 };
	int ret = rcpt_nl_receive(nl, &err);

	if (ret == -ENOBUFS)
		l->denials.lost++;
	else if (ret)
		return kernel_error(NULL, &err);
	return l->status;
}

static int follow(struct learning *l, struct rcpt_nl *nl, const sigset_t *waiting)
{
	struct pollfd pfd = { .fd = rcpt_nl_fd(nl), .events = POLLIN };
	double end = now_seconds() + l->seconds;
	int status = 0, n;

	while (!stopped && !status && (l->seconds < 0 || now_seconds() < end)) {
		struct timespec left = time_left(end);

		n = ppoll(&pfd, 1, l->seconds < 0 ? NULL : &left, waiting);
		if (n < 0 && errno != EINTR)
			return RCPT_SYSTEM;
		if (n > 0)
			status = receive(l, nl);
	}
	return status;
}

/* Nobody else can have written to it: not a pipe, and no file of another user. */
static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (!st->st_uid || st->st_uid == geteuid()) &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int read_log(struct learning *l, const char *name)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	struct stat st;
	int fd = rcpt_open_named(name, &st, &err), status = 0;
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

	if (!in) {
		if (fd >= 0)
			close(fd);
		return print_error(name, &err);
	}
	l->denials.trusted = l->denials.kernel_log || is_ours(&st);
	if (denials_read(&l->denials, in, &err))
		status = print_error(strcmp(name, "-") ? name : "standard input", &err);
	fclose(in);
	return status;
}

static int read_logs(struct learning *l)
{
	int status = 0;

	for (size_t i = 0; i < l->nlogs && !status; i++)
		status = read_log(l, l->logs[i]);
	return status;
}

/* Events are there before the logs are read, so that nothing falls between. */
static int listen_and_read(struct learning *l, struct rcpt_nl *nl)
{
	struct rcpt_error err = { 0 };
	sigset_t waiting;
	int status;

	rcpt_nl_on_message(nl, on_event, l);
	if (rcpt_nl_subscribe(nl, &err))
		return kernel_error(NULL, &err);
	status = read_logs(l);
	if (status)
		return status;
	catch_signals(&waiting);
	status = follow(l, nl, &waiting);
	release_signals(&waiting);
	return status;
}

static int collect(struct learning *l)
{
	struct rcpt_nl *nl;
	int status;

	if (!l->follow)
		return read_logs(l);
	status = kernel_open(&nl);
	if (status)
		return status;
	status = listen_and_read(l, nl);
	rcpt_nl_close(nl);
	return status;
}

/*
 * Text
 */

static const struct { const char *word, *text; } states[] = {
	[LEARN_SAME] = { "same", "it is to be sealed" },
	[LEARN_NO_NAME] = { "no-name", "no path: with a device and inode it is too long, find the "
			    "file by them; else the kernel was given no file, seal what was "
			    "unpacked" },
	[LEARN_NO_DIGEST] = { "no-digest", "the record has no digest" },
	[LEARN_CHANGED] = { "changed", "what has that name now is another file" },
	[LEARN_GONE] = { "gone", "there is no such file now" },
	[LEARN_UNREADABLE] = { "unreadable", "the file cannot be read now" },
	[LEARN_UNPROVEN] = { "unproven", "anybody can write the line that names this operation: "
			     "follow events, read auditd's file, or see --kernel-log" },
	[LEARN_BOUND] = { "bound", "not read: over the bound of one file or of all together" },
};

static void print_reasons(uint64_t reasons)
{
	const char *comma = "";

	for (int i = 0; i < 64; i++) {
		if (!(reasons & 1ULL << i))
			continue;
		printf("%s%s", comma, rcpt_reason_text(i));
		comma = ", ";
	}
}

static void print_paths(const struct denial *d, const char *first)
{
	print_text(stdout, first, strlen(first));
	for (size_t i = 0; i < d->npaths; i++) {
		if (!strcmp(d->paths[i], first))
			continue;
		fputs("\n      also ", stdout);
		print_text(stdout, d->paths[i], strlen(d->paths[i]));
	}
	if (d->more_paths)
		fputs("\n      and more", stdout);
}

static void print_denial(const struct denial *d, const char *path, uint64_t reasons)
{
	printf("  %s ", receipt_op_name(d->op));
	if (*path)
		print_paths(d, path);
	else
		fputs("without a name", stdout);
	if (!*path && d->ino) {
		fputs(", device ", stdout);
		print_text(stdout, d->dev, strlen(d->dev));
		printf(" inode %llu", (unsigned long long)d->ino);
	}
	fputs("\n      ", stdout);
	print_reasons(reasons);
	printf("; %llu time%s", (unsigned long long)d->count, d->count == 1 ? "" : "s");
	if (*d->comm) {
		fputs(", first by ", stdout);
		print_text(stdout, d->comm, strlen(d->comm));
	}
	putchar('\n');
	if (!d->digest.kind)
		return;
	printf("      %s:", receipt_kind_name(d->digest.kind));
	print_hex(stdout, d->digest.bytes, rcpt_digest_len(d->digest.kind));
	putchar('\n');
}

static void print_package(const struct package *pkg)
{
	putchar('\n');
	if (!pkg) {
		puts("no package");
		return;
	}
	fputs(pkg->name, stdout);
	if (*pkg->arch)
		printf(":%s", pkg->arch);
	if (*pkg->version) {
		putchar(' ');
		print_text(stdout, pkg->version, strlen(pkg->version));
	}
	putchar('\n');
}

static void print_groups(const struct learning *l)
{
	const struct learn *p = &l->plan;
	size_t i, end;

	for (i = 0; i < p->nseal; i = end) {
		if (!i || p->files[i].package != p->files[i - 1].package)
			print_package(p->files[i].package);
		end = learn_group(p, i);
		for (size_t k = i; k < end; k++)
			print_denial(p->files[k].denial, p->files[k].path,
				     p->files[k].denial->reasons);
		learn_command(stdout, p, i, &l->names);
	}
}

static void print_left_out(const struct learn *p)
{
	if (p->nseal < p->n)
		puts("\nin no command");
	for (size_t i = p->nseal; i < p->n; i++) {
		print_denial(p->files[i].denial, p->files[i].path, p->files[i].denial->reasons);
		printf("      %s\n", states[p->files[i].state].text);
	}
}

static void print_apart(const struct denials *all)
{
	const char *head = "\nnot for want of evidence\n";

	for (size_t i = 0; i < all->n; i++) {
		const struct denial *d = all->at[i];
		uint64_t apart = learn_apart(d);

		if (!apart)
			continue;
		fputs(head, stdout);
		head = "";
		print_denial(d, d->npaths ? d->paths[0] : "", apart);
		for (int r = 0; r < 64; r++)
			if (apart & 1ULL << r)
				printf("      %s: %s\n", rcpt_reason_text(r), learn_hint(r));
	}
}

static void print_summary(const struct learning *l)
{
	const struct denials *d = &l->denials;

	if (d->n)
		printf("%llu denial%s of %zu file%s\n", (unsigned long long)d->records,
		       d->records == 1 ? "" : "s", d->n, d->n == 1 ? "" : "s");
	else if (d->suppressed || d->lost || d->skipped)
		puts("no denial was found, but not all was seen");
	else if (l->nlogs && !d->seen)
		puts("the log has no record of Receipt LSM: is it the right one, and not rotated?");
	else
		puts("nothing is missing");
}

static void print_number(uint64_t n, const char *one, const char *many)
{
	if (n)
		printf("%llu %s\n", (unsigned long long)n, n == 1 ? one : many);
}

static int print_learned(const struct learning *l)
{
	const struct denials *d = &l->denials;

	print_summary(l);
	print_groups(l);
	print_left_out(&l->plan);
	print_apart(d);
	if (l->plan.nseal)
		puts("\nLook at what you seal. Then take the bundles to the machine:\n"
		     "receiptctl store add FILE.bundle...");
	print_number(d->unproven, "denial is from a line that anybody can write",
		     "denials are from lines that anybody can write");
	print_number(d->suppressed, "denial is not in the log: the kernel left it out",
		     "denials are not in the log: the kernel left them out");
	print_number(d->lost, "time events were lost", "times events were lost");
	print_number(d->skipped, "line is cut or malformed and was passed over",
		     "lines are cut or malformed and were passed over");
	return 0;
}

/*
 * JSON
 */

static json_t *reasons_json(uint64_t reasons)
{
	json_t *list = json_array();

	for (int i = 0; i < 64; i++)
		if (reasons & 1ULL << i)
			json_array_append_new(list, json_string(rcpt_reason_text(i)));
	return list;
}

static json_t *denial_json(const struct denial *d)
{
	json_t *json = json_object(), *paths = json_array();

	json_object_set_new(json, "op", json_string(receipt_op_name(d->op)));
	for (size_t i = 0; i < d->npaths; i++)
		json_array_append_new(paths, rcpt_json_text(d->paths[i]));
	json_object_set_new(json, "paths", paths);
	json_object_set_new(json, "more_paths", json_boolean(d->more_paths));
	if (d->digest.kind)
		json_object_set_new(json, "digest",
				    rcpt_json_digest(d->digest.kind, d->digest.bytes,
						     rcpt_digest_len(d->digest.kind)));
	if (d->ino) {
		json_object_set_new(json, "dev", rcpt_json_text(d->dev));
		json_object_set_new(json, "ino", json_u64(d->ino));
	}
	json_object_set_new(json, "proven", json_boolean(d->proven));
	json_object_set_new(json, "reasons", reasons_json(d->reasons));
	json_object_set_new(json, "count", json_u64(d->count));
	json_object_set_new(json, "comm", rcpt_json_text(d->comm));
	return json;
}

static json_t *command_json(const struct learning *l, size_t first)
{
	json_t *json = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	learn_command(out, &l->plan, first, &l->names);
	if (!fclose(out))
		json = json_stringn(text, len - 1);
	free(text);
	return json;
}

static json_t *group_json(const struct learning *l, size_t first)
{
	const struct package *pkg = l->plan.files[first].package;
	json_t *json = json_object(), *files = json_array();

	json_object_set_new(json, "package", pkg ? json_string(pkg->name) : json_null());
	if (pkg && *pkg->arch)
		json_object_set_new(json, "architecture", json_string(pkg->arch));
	if (pkg && *pkg->version)
		json_object_set_new(json, "version", rcpt_json_text(pkg->version));
	for (size_t i = first; i < learn_group(&l->plan, first); i++)
		json_array_append_new(files, denial_json(l->plan.files[i].denial));
	json_object_set_new(json, "files", files);
	json_object_set_new(json, "command", command_json(l, first));
	return json;
}

static json_t *left_out_json(const struct learn *p)
{
	json_t *list = json_array(), *file;

	for (size_t i = p->nseal; i < p->n; i++) {
		file = denial_json(p->files[i].denial);
		json_object_set_new(file, "state", json_string(states[p->files[i].state].word));
		json_array_append_new(list, file);
	}
	return list;
}

static json_t *apart_json(const struct denials *all)
{
	json_t *list = json_array(), *file, *hints;

	for (size_t i = 0; i < all->n; i++) {
		uint64_t apart = learn_apart(all->at[i]);

		if (!apart)
			continue;
		hints = json_array();
		for (int r = 0; r < 64; r++)
			if (apart & 1ULL << r)
				json_array_append_new(hints, json_string(learn_hint(r)));
		file = denial_json(all->at[i]);
		json_object_set_new(file, "hints", hints);
		json_array_append_new(list, file);
	}
	return list;
}

static int json_learned(const struct learning *l)
{
	json_t *json = json_object(), *seal = json_array();
	const struct denials *d = &l->denials;

	for (size_t i = 0; i < l->plan.nseal; i = learn_group(&l->plan, i))
		json_array_append_new(seal, group_json(l, i));
	json_object_set_new(json, "seal", seal);
	json_object_set_new(json, "left_out", left_out_json(&l->plan));
	json_object_set_new(json, "apart", apart_json(d));
	json_object_set_new(json, "denials", json_u64(d->records));
	json_object_set_new(json, "unproven", json_u64(d->unproven));
	json_object_set_new(json, "suppressed", json_u64(d->suppressed));
	json_object_set_new(json, "lost", json_u64(d->lost));
	json_object_set_new(json, "skipped", json_u64(d->skipped));
	return json_print(json);
}

/*
 * Command line
 */

enum { OPT_SECONDS = 1, OPT_FOLLOW, OPT_LOG, OPT_KEY, OPT_ISSUER, OPT_LOG_DIR, OPT_ROOT,
       OPT_JSON, OPT_HELP, OPT_KERNEL };

static const struct option options[] = {
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "follow", no_argument, NULL, OPT_FOLLOW },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "issuer-key", required_argument, NULL, OPT_KEY },
	{ "issuer", required_argument, NULL, OPT_ISSUER },
	{ "log-dir", required_argument, NULL, OPT_LOG_DIR },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "kernel-log", no_argument, NULL, OPT_KERNEL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static int set_option(void *all, int option, const char *arg)
{
	struct learning *l = all;

	switch (option) {
	case OPT_SECONDS:
		return parse_seconds(arg, &l->seconds) ? 0 :
		       usage_error("learn", "'%s' is no number of seconds", arg);
	case OPT_FOLLOW:
		l->follow = true;
		return 0;
	case OPT_LOG:
		return options_add("learn", "--log", l->logs, MAX_LOGS, &l->nlogs, arg);
	case OPT_KEY:
		l->names.key = arg;
		return 0;
	case OPT_ISSUER:
		l->names.issuer = arg;
		return 0;
	case OPT_LOG_DIR:
		l->names.log = arg;
		return 0;
	case OPT_ROOT:
		l->plan.root = arg;
		return 0;
	case OPT_KERNEL:
		l->denials.kernel_log = true;
		return 0;
	case OPT_JSON:
		l->json = true;
		return 0;
	case OPT_HELP:
		l->help = true;
		return 0;
	default:
		return -1;
	}
}

static int run(struct learning *l)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	int status = collect(l);

	if (!status && learn_plan(&l->plan, &err))
		status = print_error(NULL, &err);
	if (status)
		return status;
	return l->json ? json_learned(l) : print_learned(l);
}

/**
 * cmd_learn() - receiptctl learn
 * @argc: of @argv
 * @argv: arguments
 *
 * Return: exit status; 0 whatever is missing.
 */
int cmd_learn(int argc, char **argv)
{
	struct learning l = {
		.seconds = -1,
		.names = { "ISSUER-KEY.pem", "ISSUER", "LOG" },
		.plan = { .root = "" },
	};
	int status;

	l.plan.denials = &l.denials;
	status = options_parse("learn", argc, argv, options, set_option, &l);
	if (status)
		return status;
	if (l.help)
		return print_help();
	if (optind < argc)
		return usage_error("learn", "unexpected argument '%s'", argv[optind]);
	l.follow = l.follow || l.seconds >= 0 || !l.nlogs;
	status = run(&l);
	learn_free(&l.plan);
	denials_free(&l.denials);
	return status;
}
