// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a policy says about an artifact. Pure: the verdict depends on the
 * arguments alone, nothing is allocated, locked or remembered.
 */
#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/string.h>
#endif
#include "policy.h"

static_assert(RECEIPT_OP_COUNT <= 8, "a usage has a bit for each operation");

/**
 * receipt_rule_needs_evidence - does a rule hold for what has evidence only?
 * @rule: rule
 *
 * Return: whether it has such a property.
 */
bool receipt_rule_needs_evidence(const struct receipt_rule *rule)
{
	return rule->nreceipts || rule->issuer || rule->subject ||
	       rule->has_min_svn || rule->has_issuer_key;
}

/**
 * receipt_rule_names_artifact - does a rule hold for known artifacts only?
 * @rule: rule
 *
 * Return: whether it asks for a digest, evidence, or the initramfs.
 */
bool receipt_rule_names_artifact(const struct receipt_rule *rule)
{
	return rule->ndigests || rule->boot_verified == RECEIPT_TRUE ||
	       receipt_rule_needs_evidence(rule);
}

static bool has_properties(const struct receipt_rule *rule)
{
	return rule->boot_verified != RECEIPT_ANY || receipt_rule_names_artifact(rule);
}

/**
 * receipt_kind_size - bytes of a digest
 * @kind: enum receipt_kind, from anywhere
 *
 * Return: the size; 0 for an unknown kind.
 */
size_t receipt_kind_size(u8 kind)
{
	static const u8 sizes[] = {
		[RECEIPT_KIND_SHA256] = 32,
		[RECEIPT_KIND_SHA384] = 48,
		[RECEIPT_KIND_SHA512] = 64,
		[RECEIPT_KIND_FSVERITY_SHA256] = 32,
		[RECEIPT_KIND_DMVERITY_SHA256] = 32,
	};

	return kind < ARRAY_SIZE(sizes) ? sizes[kind] : 0;
}

/**
 * receipt_kind_name - name of a kind of digest
 * @kind: enum receipt_kind, from anywhere
 *
 * Return: as records and events have it; "unknown" for an unknown kind.
 */
const char *receipt_kind_name(u8 kind)
{
	static const char *const names[] = {
		[RECEIPT_KIND_SHA256] = "sha256",
		[RECEIPT_KIND_SHA384] = "sha384",
		[RECEIPT_KIND_SHA512] = "sha512",
		[RECEIPT_KIND_FSVERITY_SHA256] = "fsverity-sha256",
		[RECEIPT_KIND_DMVERITY_SHA256] = "dmverity-sha256",
	};

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown";
}

static bool has_digest(const struct receipt_facts *facts, u8 kind, const u8 *bytes)
{
	u8 i;

	for (i = 0; i < facts->ndigests; i++) {
		if (facts->digests[i].kind == kind &&
		    !memcmp(facts->digests[i].bytes, bytes, receipt_kind_size(kind)))
			return true;
	}
	return false;
}

static bool digests_match(const struct receipt_rule *rule,
			  const struct receipt_facts *facts)
{
	u8 i;

	for (i = 0; i < rule->ndigests; i++) {
		if (!has_digest(facts, rule->digests[i].kind, rule->digests[i].bytes))
			return false;
	}
	return true;
}

/* The properties that hold or fail whatever evidence comes. */
static bool known_part_holds(const struct receipt_rule *rule,
			     const struct receipt_facts *facts)
{
	if (rule->boot_verified == RECEIPT_TRUE && !facts->boot_verified)
		return false;
	if (rule->boot_verified == RECEIPT_FALSE && facts->boot_verified)
		return false;
	return digests_match(rule, facts);
}

/* @pattern is NULL, a text, or the beginning of one and "*". */
static bool text_matches(const char *pattern, const char *text)
{
	size_t len;

	if (!pattern)
		return true;
	len = strlen(pattern);
	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, text, len - 1);
	return !strcmp(pattern, text);
}

/* A key whose id nobody filled in, or that nothing was proven with, is none. */
static bool key_matches(const struct receipt_key *key, const u8 *id)
{
	static const u8 none[RECEIPT_HASH_SIZE];

	return memcmp(id, none, sizeof(none)) &&
	       !memcmp(id, key->id, sizeof(key->id));
}

static bool proof_is_of_log(const struct receipt_proof *proof,
			    const struct receipt_log *log)
{
	if (proof->vds == RECEIPT_VDS_RFC9162 && proof->entry != log->entry)
		return false;
	return key_matches(&log->key, proof->key_id) &&
	       !strcmp(proof->iss, log->issuer);
}

/* Has the log @name, or any when that is NULL, recorded the statement? */
static bool recorded_by(const struct receipt_policy *policy, const char *name,
			const struct receipt_summary *summary)
{
	u32 i;
	u8 j;

	for (i = 0; i < policy->nlogs; i++) {
		const struct receipt_log *log = &policy->logs[i];

		if (name && strcmp(name, log->name))
			continue;
		for (j = 0; j < summary->nproofs; j++) {
			if (proof_is_of_log(&summary->proofs[j], log))
				return true;
		}
	}
	return false;
}

static bool grants(const struct receipt_summary *summary, enum receipt_op op)
{
	return summary->usage & BIT(op);
}

static bool statement_satisfies(const struct receipt_policy *policy,
				const struct receipt_rule *rule,
				const struct receipt_summary *summary)
{
	u8 i;

	if (!grants(summary, rule->op) ||
	    !text_matches(rule->issuer, summary->iss) ||
	    !text_matches(rule->subject, summary->sub))
		return false;
	if (rule->has_min_svn &&
	    !(summary->has_svn && summary->svn >= rule->min_svn))
		return false;
	if (rule->has_issuer_key &&
	    !key_matches(&rule->issuer_key, summary->issuer_key_id))
		return false;
	for (i = 0; i < rule->nreceipts; i++) {
		if (!recorded_by(policy, rule->receipts[i], summary))
			return false;
	}
	return rule->nreceipts || recorded_by(policy, NULL, summary);
}

/* All properties of a rule must hold for one and the same statement. */
static bool evidence_satisfies(const struct receipt_policy *policy,
			       const struct receipt_rule *rule,
			       const struct receipt_facts *facts)
{
	u8 i;

	for (i = 0; i < facts->nsummaries; i++) {
		if (statement_satisfies(policy, rule, facts->summaries[i]))
			return true;
	}
	return false;
}

/* Why the default denies; @hoped: evidence could have led to another verdict. */
static enum receipt_reason default_reason(const struct receipt_facts *facts,
					  bool hoped)
{
	u8 i;

	if (!hoped)
		return RECEIPT_REASON_DEFAULT;
	if (!facts->nsummaries)
		return RECEIPT_REASON_NO_EVIDENCE;
	for (i = 0; i < facts->nsummaries; i++) {
		if (grants(facts->summaries[i], facts->op))
			return RECEIPT_REASON_NO_RULE_SATISFIED;
	}
	return RECEIPT_REASON_USAGE;
}

static struct receipt_verdict by_rule(const struct receipt_rule *rule)
{
	return (struct receipt_verdict) {
		.action = rule->action,
		.line = rule->line,
		.reason = rule->action == RECEIPT_ACTION_ALLOW ?
			  RECEIPT_REASON_ALLOWED : RECEIPT_REASON_RULE,
		.proven = receipt_rule_names_artifact(rule),
	};
}

static struct receipt_verdict by_default(const struct receipt_policy *policy,
					 const struct receipt_facts *facts,
					 bool hoped)
{
	if (policy->defaults[facts->op] == RECEIPT_ACTION_ALLOW)
		return (struct receipt_verdict) {
			.action = RECEIPT_ACTION_ALLOW,
			.line = policy->default_lines[facts->op],
			.reason = RECEIPT_REASON_ALLOWED,
		};
	return (struct receipt_verdict) {
		.action = RECEIPT_ACTION_DENY,
		.line = policy->default_lines[facts->op],
		.reason = default_reason(facts, hoped),
	};
}

/**
 * receipt_policy_eval - what does @policy say about an artifact?
 * @policy: with the ids of its keys filled in
 * @facts: what is known of the artifact
 *
 * The first rule of the operation whose properties all hold decides, else the
 * default. A rule that lacks only evidence which may still come stays open:
 * when it would say otherwise than what decides after it, nothing is decided.
 *
 * Return: the verdict; its action is RECEIPT_ACTION_UNSET when it depends on
 * evidence that has not been asked for.
 */
struct receipt_verdict receipt_policy_eval(const struct receipt_policy *policy,
					   const struct receipt_facts *facts)
{
	struct receipt_verdict verdict = {
		.action = RECEIPT_ACTION_DENY,
		.reason = RECEIPT_REASON_DEFAULT,
	};
	unsigned int open = 0;	/* actions of the rules that lack evidence */
	u32 i;

	if ((unsigned int)facts->op >= RECEIPT_OP_COUNT)
		return verdict;

	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op != facts->op || !known_part_holds(rule, facts))
			continue;
		if (!receipt_rule_needs_evidence(rule) ||
		    evidence_satisfies(policy, rule, facts))
			break;
		open |= BIT(rule->action);
	}

	if (i < policy->nrules)
		verdict = by_rule(&policy->rules[i]);
	else
		verdict = by_default(policy, facts,
				     open & BIT(RECEIPT_ACTION_ALLOW));

	if (!facts->evidence_complete && (open & ~BIT(verdict.action)))
		return (struct receipt_verdict) {
			.action = RECEIPT_ACTION_UNSET,
			.reason = RECEIPT_REASON_NO_EVIDENCE,
		};
	return verdict;
}

static bool names_content(const struct receipt_rule *rule)
{
	u8 i;

	for (i = 0; i < rule->ndigests; i++) {
		if (RECEIPT_CONTENT_KINDS & BIT(rule->digests[i].kind))
			return true;
	}
	return false;
}

/**
 * receipt_policy_needs_content - may a digest of the content take something back?
 * @policy: the policy
 * @op: operation
 *
 * What is allowed without such a digest stays allowed when it is known, unless a
 * rule denies by it, or by evidence, which may be about it.
 *
 * Return: whether there is such a rule.
 */
bool receipt_policy_needs_content(const struct receipt_policy *policy,
				  enum receipt_op op)
{
	u32 i;

	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op == op && rule->action == RECEIPT_ACTION_DENY &&
		    (names_content(rule) || receipt_rule_needs_evidence(rule)))
			return true;
	}
	return false;
}

/**
 * receipt_policy_unconditional - is every artifact allowed?
 * @policy: the policy
 * @op: operation
 *
 * Return: true when @op is allowed whatever the facts, so that nobody needs to
 * find them out.
 */
bool receipt_policy_unconditional(const struct receipt_policy *policy,
				  enum receipt_op op)
{
	u32 i;

	if ((unsigned int)op >= RECEIPT_OP_COUNT)
		return false;
	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op != op)
			continue;
		if (rule->action != RECEIPT_ACTION_ALLOW)
			return false;
		if (!has_properties(rule))
			return true;
	}
	return policy->defaults[op] == RECEIPT_ACTION_ALLOW;
}
