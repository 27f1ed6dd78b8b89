// SPDX-License-Identifier: MIT
/*
 * differ SEED COUNT [DIR]: makes COUNT statements with receipts, most of them with
 * something wrong, recorded all the same by logs that the policy trusts, and holds
 * against each other what receiptctl says and what helper and kernel say. Nothing
 * may be allowed by one and refused by the other. With DIR, every statement is
 * written there, and its verdicts to standard output, for a third voice. With
 * REASONS in the environment, the reasons that differ are counted.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "mutant.h"

/* Reasons beside each other: how often receiptctl says one and the kernel another. */
struct counts {
	unsigned long n, allowed, differ, other_reason;
	unsigned long pairs[128][128];
};

struct run {
	struct logs logs;
	struct receipt_policy *policy;
	struct rcpt_keys keys;
	const char *dir, *own_dir;
	struct counts counts;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "differ: %s: %s\n", what, why);
	exit(70);
}

static void write_file(const char *dir, const char *name, struct rcpt_span data)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fwrite(data.data, 1, data.len, f) != data.len || fclose(f))
		die(path, "cannot write");
}

/* What receiptctl says of each receipt, if it gets so far. */
static void print_receipts(const struct run *r, const struct mutant *m)
{
	struct rcpt_verify_params p = { .keys = &r->keys };
	struct rcpt_verify_result *res = malloc(sizeof(*res));
	struct rcpt_statement stmt;
	size_t i;

	if (!rcpt_statement_parse(m->statement, &stmt, NULL)) {
		p.stmt = &stmt;
		rcpt_verify(&p, res);
		for (i = 0; i < res->nreceipts; i++)
			printf("\t%s", rcpt_reason_text(res->receipts[i].err.reason));
		rcpt_verify_result_free(res);
		rcpt_statement_free(&stmt);
	}
	free(res);
	putchar('\n');
}

static void write_case(struct run *r, unsigned long n, const struct mutant *m,
		       const struct judgement *user)
{
	char name[32];

	snprintf(name, sizeof(name), "%06lu.cose", n);
	write_file(r->dir, name, m->statement);
	printf("%s\t%s", name, rcpt_reason_text(user->reason));
	print_receipts(r, m);
}

static void complain(const struct run *r, unsigned long n, const struct mutant *m,
		     const struct judgement *user, const struct judgement *kernel)
{
	char name[64];

	snprintf(name, sizeof(name), "differ-%lu.cose", n);
	write_file(r->own_dir, name, m->statement);
	fprintf(stderr, "# case %lu: receiptctl says %s, the kernel %s%s: %s/%s\n", n,
		rcpt_reason_text(user->reason), kernel->sent ? "" : "(helper) ",
		rcpt_reason_text(kernel->reason), r->own_dir, name);
}

static void judge(struct run *r, unsigned long n, const struct mutant *m)
{
	struct judged j = { .in = m->file, .artifact = m->has_artifact ? &m->artifact : NULL };
	struct judgement user = judge_user(&j, r->policy, &r->keys);
	struct judgement kernel = judge_kernel(&j, kernel_judge, r->policy);
	struct counts *c = &r->counts;

	c->n++;
	c->allowed += !user.reason;
	c->pairs[user.reason][kernel.reason]++;
	c->other_reason += user.reason != kernel.reason;
	if (!user.reason != !kernel.reason) {
		c->differ++;
		complain(r, n, m, &user, &kernel);
	}
	if (r->dir)
		write_case(r, n, m, &user);
}

static void report(const struct counts *c)
{
	size_t u, k;

	fprintf(stderr, "# %lu statements, %lu allowed, %lu refused by both, %lu of these for other reasons\n",
		c->n, c->allowed, c->n - c->allowed - c->differ, c->other_reason - c->differ);
	for (u = getenv("REASONS") ? 1 : 128; u < 128; u++)
		for (k = 1; k < 128; k++)
			if (u != k && c->pairs[u][k])
				fprintf(stderr, "# %6lu receiptctl %s, kernel %s\n", c->pairs[u][k],
					rcpt_reason_text(u), rcpt_reason_text(k));
}

static void start(struct run *r)
{
	struct receipt_policy_error perr;
	struct rcpt_error err;
	size_t len;
	char *text;

	logs_make(&r->logs);
	text = logs_policy(&r->logs, &len);
	r->policy = receipt_policy_parse(text, len, &perr);
	if (IS_ERR(r->policy))
		die("policy", perr.text);
	if (rcpt_keys_add_policy(&r->keys, r->policy, &err))
		die("policy", err.text);
	if (kernel_start(r->policy))
		die("policy", "the kernel's check does not take it");
	if (r->dir)
		write_file(r->dir, "policy", rcpt_span(text, len));
	free(text);
}

int main(int argc, char **argv)
{
	static struct run r;
	unsigned long n, count;
	struct mutant *m;

	if (argc < 3) {
		fprintf(stderr, "usage: differ SEED COUNT [DIR]\n");
		return 64;
	}
	r.own_dir = dirname(strdup(argv[0]));
	mutant_seed(strtoull(argv[1], NULL, 10));
	count = strtoul(argv[2], NULL, 10);
	r.dir = argc > 3 ? argv[3] : NULL;
	start(&r);
	for (n = 0; n < count; n++) {
		m = mutant_make(&r.logs);
		judge(&r, n, m);
		mutant_free(m);
	}
	report(&r.counts);
	rcpt_keys_free(&r.keys);
	receipt_policy_free(r.policy);
	logs_free(&r.logs);
	return r.counts.differ ? 1 : 0;
}
