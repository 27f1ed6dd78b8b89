// SPDX-License-Identifier: MIT
/*
 * rows [--kernel]: judges the rows of standard input, each a line of fields that
 * tabs divide: policy, artifact or "-", statement or bundle, receipts beside it.
 * Prints a line for each: what receiptctl says, and what the kernel says, the one
 * compiled into this program or with --kernel the one that runs; the reason, or
 * "allowed", with "helper:" before it where the helper had nothing to send.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define MAX_FIELDS	(3 + RCPT_MAX_BESIDE)

/* The policy that is in use, and the connection to the kernel. */
struct state {
	char path[4096];
	struct receipt_policy *policy;
	struct rcpt_keys keys;
	struct rcpt_nl *nl;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "rows: %s: %s\n", what, why);
	exit(70);
}

static uint8_t *read_file(const char *path, size_t *len)
{
	struct rcpt_error err;
	uint8_t *data;

	if (rcpt_file_read(path, RCPT_MAX_INPUT, &data, len, &err))
		die(path, err.text);
	return data;
}

static void use_policy(struct state *s, const char *path)
{
	struct receipt_policy_error perr;
	struct rcpt_error err;
	size_t len;
	char *text;

	if (!strcmp(s->path, path))
		return;
	rcpt_keys_free(&s->keys);
	receipt_policy_free(s->policy);
	text = (char *)read_file(path, &len);
	s->policy = receipt_policy_parse(text, len, &perr);
	if (IS_ERR(s->policy))
		die(path, perr.text);
	if (rcpt_keys_add_policy(&s->keys, s->policy, &err))
		die(path, err.text);
	if (kernel_start(s->policy))
		die(path, "the kernel's check does not take it");
	if (s->nl && rcpt_nl_policy_load(s->nl, text, len, &err))
		die(path, err.text);
	free(text);
	snprintf(s->path, sizeof(s->path), "%s", path);
}

/* Nothing that an earlier row has proven may help this one. */
static enum receipt_reason ask_kernel(const struct rcpt_nl_evidence *ev, void *arg)
{
	struct state *s = arg;
	struct rcpt_nl_explain explain;
	struct rcpt_error err;

	if (rcpt_nl_flush(s->nl, &err))
		die("kernel", err.text);
	if (rcpt_nl_evidence(s->nl, ev, &err)) {
		if (!err.reason)
			die("kernel", err.text);
		return err.reason;
	}
	if (rcpt_nl_explain(s->nl, ev->kind, ev->digest, RECEIPT_OP_EXECUTE, &explain, &err))
		die("kernel", err.text);
	return explain.reason;
}

static void print(const struct judgement *j, char end)
{
	printf("%s%s%c", j->sent ? "" : "helper:", rcpt_reason_text(j->reason), end);
}

static void judge(struct state *s, char **fields, size_t n)
{
	struct judged j = { .nbeside = n - 3 };
	struct judgement user, kernel;
	struct rcpt_digests digests;
	struct rcpt_error err;
	uint8_t *data[MAX_FIELDS];
	size_t len, i;

	use_policy(s, fields[0]);
	if (strcmp(fields[1], "-") && rcpt_digest_file(fields[1], &digests, &err))
		die(fields[1], err.text);
	j.artifact = strcmp(fields[1], "-") ? &digests : NULL;
	for (i = 2; i < n; i++) {
		data[i] = read_file(fields[i], &len);
		if (i == 2)
			j.in = rcpt_span(data[i], len);
		else
			j.beside[i - 3] = rcpt_span(data[i], len);
	}
	user = judge_user(&j, s->policy, &s->keys);
	user.sent = true;
	kernel = s->nl ? judge_kernel(&j, ask_kernel, s) : judge_kernel(&j, kernel_judge, s->policy);
	print(&user, '\t');
	print(&kernel, '\n');
	for (i = 2; i < n; i++)
		free(data[i]);
}

static void take_line(struct state *s, char *line)
{
	char *fields[MAX_FIELDS], *field;
	size_t n = 0;

	line[strcspn(line, "\n")] = '\0';
	while ((field = strsep(&line, "\t"))) {
		if (n == MAX_FIELDS)
			die(fields[2], "too many fields");
		fields[n++] = field;
	}
	if (n < 3)
		die("input", "too few fields");
	judge(s, fields, n);
}

int main(int argc, char **argv)
{
	struct state s = { .path = "" };
	struct rcpt_error err;
	char *line = NULL;
	size_t room = 0;

	if (argc > 1 && !strcmp(argv[1], "--kernel") && rcpt_nl_open(&s.nl, &err))
		die("kernel", err.text);
	while (getline(&line, &room, stdin) > 0)
		take_line(&s, line);
	free(line);
	rcpt_keys_free(&s.keys);
	receipt_policy_free(s.policy);
	rcpt_nl_close(s.nl);
	return 0;
}
