// SPDX-License-Identifier: MIT
/*
 * Policies: what is accepted is complete, and decides.
 */
#include "fuzz.h"
#include "policy.h"

static void check_rule(const struct receipt_policy *policy, const struct receipt_rule *rule)
{
	unsigned int i, j;

	HOLDS(rule->line && rule->op < RECEIPT_OP_COUNT);
	HOLDS(rule->action != RECEIPT_ACTION_UNSET);
	HOLDS(rule->nreceipts <= RECEIPT_RULE_RECEIPTS);
	HOLDS(!receipt_rule_needs_evidence(rule) || policy->nlogs);
	for (i = 0; i < rule->nreceipts; i++) {
		for (j = 0; j < policy->nlogs; j++)
			if (!strcmp(rule->receipts[i], policy->logs[j].name))
				break;
		HOLDS(j < policy->nlogs);
	}
}

/* With all that can be known there is a verdict; it never allows by no line. */
static void check_verdict(const struct receipt_policy *policy, enum receipt_op op)
{
	static const uint8_t digest[RECEIPT_HASH_SIZE];
	struct receipt_facts facts = {
		.op = op, .ndigests = 1,
		.digests = { { RECEIPT_KIND_SHA256, digest } },
	};
	struct receipt_verdict before = receipt_policy_eval(policy, &facts), after;

	facts.evidence_complete = true;
	after = receipt_policy_eval(policy, &facts);
	HOLDS(after.action != RECEIPT_ACTION_UNSET);
	HOLDS(before.action == RECEIPT_ACTION_UNSET || before.action == after.action);
	HOLDS(after.action != RECEIPT_ACTION_ALLOW || after.line);
	if (receipt_policy_unconditional(policy, op))
		HOLDS(before.action == RECEIPT_ACTION_ALLOW);
}

static void check_policy(struct receipt_policy *policy)
{
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err = { 0 };
	unsigned int i;
	int op;

	HOLDS(policy->name && *policy->name);
	HOLDS(policy->mode == RECEIPT_MODE_PERMISSIVE || policy->mode == RECEIPT_MODE_ENFORCE);
	HOLDS(policy->nlogs <= RECEIPT_POLICY_LOGS && policy->nrules <= RECEIPT_POLICY_RULES);
	for (i = 0; i < policy->nrules; i++)
		check_rule(policy, &policy->rules[i]);
	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		HOLDS(policy->defaults[op] != RECEIPT_ACTION_UNSET);
		check_verdict(policy, op);
	}
	HOLDS(!receipt_policy_version_cmp(policy, policy));
	holds_error(rcpt_keys_add_policy(&keys, policy, &err), &err);
	rcpt_keys_free(&keys);
}

static unsigned int count_lines(const uint8_t *data, size_t size)
{
	unsigned int n = 1;

	while (size--)
		n += *data++ == '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy;

	policy = receipt_policy_parse((const char *)data, size, &err);
	if (IS_ERR(policy)) {
		HOLDS(PTR_ERR(policy) == -EINVAL && *err.text);
		HOLDS(err.line <= count_lines(data, size) && err.column <= size + 1);
		return 0;
	}
	check_policy(policy);
	receipt_policy_free(policy);
	return 0;
}
