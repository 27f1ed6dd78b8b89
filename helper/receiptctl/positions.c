// SPDX-License-Identifier: MIT
/*
 * A policy with min_position= counts only receipts whose log has signed the size of
 * its tree. The policy alone does not tell whether a log does that; the receipts in
 * the stores do.
 */
#include <string.h>

#include "positions.h"
#include "receiptctl.h"
#include "store.h"

/**
 * struct count - receipts of one log line
 * @wanted: a position is asked of them
 * @receipts: how many there are of vds 1
 * @without: how many of them have no position
 */
struct count {
	bool wanted;
	size_t receipts;
	size_t without;
};

struct counts {
	const struct receipt_policy *policy;
	struct count logs[RECEIPT_POLICY_LOGS];
};

static bool is_wanted(const struct receipt_policy *p, const struct receipt_log *log)
{
	uint32_t i;

	if (log->min_position)
		return true;
	for (i = 0; i < p->nrules; i++)
		if (p->rules[i].min_position && !strcmp(p->rules[i].receipts[0], log->name))
			return true;
	return false;
}

/* Whether a log has made the receipt is not asked: it would not count anyhow. */
static void count_receipt(struct counts *c, struct rcpt_span in)
{
	struct rcpt_receipt receipt;
	uint32_t i;

	if (rcpt_receipt_parse(in, &receipt, NULL) ||
	    receipt.header.vds != RECEIPT_VDS_RFC9162) {
		rcpt_receipt_free(&receipt);
		return;
	}
	for (i = 0; i < c->policy->nlogs; i++) {
		const char *issuer = c->policy->logs[i].issuer;

		if (!c->logs[i].wanted ||
		    !rcpt_span_equal(receipt.header.claims.iss, issuer, strlen(issuer)))
			continue;
		c->logs[i].receipts++;
		c->logs[i].without += !rcpt_receipt_has_size(&receipt);
	}
	rcpt_receipt_free(&receipt);
}

static int count_bundle(const struct rcpt_store_item *item, void *arg)
{
	struct rcpt_statement stmt;
	size_t i;

	if (!rcpt_statement_parse(item->statement, &stmt, NULL))
		for (i = 0; i < stmt.nreceipts; i++)
			count_receipt(arg, stmt.receipts[i]);
	rcpt_statement_free(&stmt);
	return 0;
}

static int count_store(struct counts *c, const char *dir, bool usual)
{
	struct rcpt_store *store;
	struct rcpt_error err;
	int ret = rcpt_store_open(dir, &store, &err);

	if (ret == -RCPT_CANNOT_EVALUATE && usual)
		return 0;
	if (!ret) {
		ret = rcpt_store_each(store, count_bundle, c, &err);
		rcpt_store_close(store);
	}
	return ret ? print_error(dir, &err) : 0;
}

static void warn(const struct policy_file *f, const struct receipt_log *log,
		 const struct count *count, json_t *warnings)
{
	static const char text[] =
		"sign no tree size: they have no position, and do not count under min_position=; "
		"record the statements again";

	if (warnings) {
		json_array_append_new(warnings, json_sprintf("line %u: log %s: %zu of %zu receipts %s",
							     log->line, log->name, count->without,
							     count->receipts, text));
		return;
	}
	fputs("receiptctl: ", stderr);
	print_text(stderr, f->path, strlen(f->path));
	fprintf(stderr, ": warning: line %u: log %s: %zu of %zu receipts in the stores %s\n",
		log->line, log->name, count->without, count->receipts, text);
}

/**
 * positions_warn() - warn of receipts in the stores that a policy's min_position=
 *	leaves out because they have no position
 * @f: the policy
 * @stores: folders
 * @nstores: how many; 0: the usual ones, where they are there
 * @warnings: added to; NULL: said on standard error
 *
 * Return: 0, also when it warns; or the exit status when a store cannot be read.
 */
int positions_warn(const struct policy_file *f, const char *const *stores, size_t nstores,
		   json_t *warnings)
{
	static const char *const usual[] = { RCPT_STORE_LOCAL, RCPT_STORE_PACKAGES };
	struct counts c = { .policy = f->policy };
	bool wanted = false;
	size_t i, n = nstores ? nstores : sizeof(usual) / sizeof(usual[0]);
	int status = 0;

	for (i = 0; i < f->policy->nlogs; i++) {
		c.logs[i].wanted = is_wanted(f->policy, &f->policy->logs[i]);
		wanted |= c.logs[i].wanted;
	}
	for (i = 0; wanted && i < n && !status; i++)
		status = count_store(&c, nstores ? stores[i] : usual[i], !nstores);
	for (i = 0; i < f->policy->nlogs && !status; i++)
		if (c.logs[i].without)
			warn(f, &f->policy->logs[i], &c.logs[i], warnings);
	return status;
}
