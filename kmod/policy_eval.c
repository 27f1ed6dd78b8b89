// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a policy says about an artifact. Pure: the verdict depends on the
 * arguments alone, nothing is allocated, locked or remembered.
 */
#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/limits.h>
#include <linux/string.h>
#endif
#include "policy.h"

static_assert(RECEIPT_OP_COUNT <= 8, "a usage has a bit for each operation");
static_assert(RECEIPT_MEASURED_MAX * RECEIPT_MAX_STATEMENTS <= 64, "a bit for each statement");

/**
 * receipt_rule_needs_evidence - does a rule hold for what has evidence only?
 * @rule: rule
 *
 * Return: whether it has such a property.
 */
bool receipt_rule_needs_evidence(const struct receipt_rule *rule)
{
	return rule->nreceipts || rule->issuer || rule->subject ||
	       rule->has_min_svn || rule->has_issuer_key || rule->max_age ||
	       rule->min_position;
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
	return rule->boot_verified != RECEIPT_ANY || rule->fstype ||
	       receipt_rule_names_artifact(rule);
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

static bool fstype_matches(const struct receipt_rule *rule,
			   const struct receipt_facts *facts)
{
	if (!rule->fstype)
		return !facts->unstable;
	return facts->fstype && !strcmp(rule->fstype, facts->fstype);
}

/* The properties that hold or fail whatever evidence comes. */
static bool known_part_holds(const struct receipt_rule *rule,
			     const struct receipt_facts *facts)
{
	if (!fstype_matches(rule, facts))
		return false;
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

/* A receipt that does not say its time, 0, is in no window. */
static bool in_window(const struct receipt_log *log, s64 iat)
{
	return !log->has_window ||
	       (iat && iat >= log->not_before && iat <= log->not_after);
}

static bool proof_is_of_log(const struct receipt_proof *proof,
			    const struct receipt_log *log)
{
	if (proof->vds == RECEIPT_VDS_RFC9162 && proof->entry != log->entry)
		return false;
	return key_matches(&log->key, proof->key_id) &&
	       !strcmp(proof->iss, log->issuer) && in_window(log, proof->iat) &&
	       proof->position >= log->min_position;
}

/* What is asked of the ages of receipts: less is, to tell why a rule does not hold. */
enum ages {
	AGES_ASKED,
	AGES_FUTURE_TOO,
	AGES_ANY,
};

/*
 * When a receipt gets too old for @rule; S64_MAX: never. 0: it is, or says no time,
 * or one that is not yet.
 */
static s64 proof_expires(const struct receipt_proof *proof,
			 const struct receipt_rule *rule, enum ages ages, s64 now)
{
	if (!rule->max_age || ages == AGES_ANY)
		return S64_MAX;
	if (proof->iat <= 0 ||
	    (ages == AGES_ASKED && proof->iat - RECEIPT_MAX_SKEW > now))
		return 0;
	/* What is not yet is not old. */
	if (proof->iat > S64_MAX - (s64)rule->max_age)
		return S64_MAX;
	return proof->iat + (s64)rule->max_age >= now ?
	       proof->iat + (s64)rule->max_age : 0;
}

/*
 * Until when does a receipt of the log @name, or of any when that is NULL, satisfy
 * @rule? 0: there is none.
 */
static s64 recorded_until(const struct receipt_policy *policy,
			  const struct receipt_rule *rule, const char *name,
			  const struct receipt_summary *summary, enum ages ages, s64 now)
{
	s64 until = 0, t;
	u32 i;
	u8 j;

	for (i = 0; i < policy->nlogs; i++) {
		const struct receipt_log *log = &policy->logs[i];

		if (name && strcmp(name, log->name))
			continue;
		for (j = 0; j < summary->nproofs; j++) {
			const struct receipt_proof *proof = &summary->proofs[j];

			if (!proof_is_of_log(proof, log) ||
			    proof->position < rule->min_position)
				continue;
			t = proof_expires(proof, rule, ages, now);
			if (t > until)
				until = t;
		}
	}
	return until;
}

static bool grants(const struct receipt_summary *summary, enum receipt_op op)
{
	return summary->usage & BIT(op);
}

/**
 * receipt_alg_is_untried - may any key have signed with an algorithm?
 * @alg: COSE algorithm of a statement
 *
 * The keys of a policy sign with ECDSA, which is tried. What is known for another
 * kind of signature, or for another curve, is none of theirs.
 *
 * Return: whether the number is neither.
 */
bool receipt_alg_is_untried(s64 alg)
{
	static const s64 known[] = {
		-7, -35, -36,			/* ES256, ES384, ES512 */
		-9, -51, -52,			/* ESP256, ESP384, ESP512 (RFC 9864) */
		-8, -19, -53,			/* EdDSA, Ed25519, Ed448 */
		-37, -38, -39,			/* PS256, PS384, PS512 */
		-257, -258, -259, -65535,	/* RS256, RS384, RS512, RS1 */
		-46, -48, -49, -50,		/* HSS-LMS, ML-DSA */
		-47, -265, -266, -267, -268,	/* secp256k1, Brainpool */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == alg)
			return false;
	return true;
}

/* Nothing is said of a statement whose signature was not tried with these keys. */
static bool knows_signer(const struct receipt_policy *policy,
			 const struct receipt_summary *summary)
{
	if (summary->untried && policy->revoked_keys)
		return false;
	return !policy->revoked_keys || policy->revoked_keys == summary->revoked_keys;
}

static bool revokes(const struct receipt_revocation *rev,
		    const struct receipt_summary *summary)
{
	if (rev->kind || !text_matches(rev->issuer, summary->iss) ||
	    !text_matches(rev->subject, summary->sub))
		return false;
	if (rev->svn_below && summary->has_svn && summary->svn >= rev->svn_below)
		return false;
	return !rev->has_issuer_key ||
	       key_matches(&rev->issuer_key, summary->issuer_key_id);
}

static bool statement_revoked(const struct receipt_policy *policy,
			      const struct receipt_summary *summary)
{
	u32 i;

	for (i = 0; i < policy->nrevocations; i++) {
		if (revokes(&policy->revocations[i], summary))
			return true;
	}
	return false;
}

/* The statements that rules may rest on, a bit for each; once for all rules. */
static u64 statements_that_count(const struct receipt_policy *policy,
				 const struct receipt_facts *facts)
{
	u64 count = 0;
	u8 i;

	for (i = 0; i < facts->nsummaries; i++) {
		if (knows_signer(policy, facts->summaries[i]) &&
		    !statement_revoked(policy, facts->summaries[i]))
			count |= (u64)1 << i;
	}
	return count;
}

/* The line that revokes the artifact by its digest; 0: none does. */
static u32 artifact_revoked(const struct receipt_policy *policy,
			    const struct receipt_facts *facts)
{
	u32 i;

	if (!policy->revoked_kinds || facts->op == RECEIPT_OP_ANON_EXEC)
		return 0;
	for (i = 0; i < policy->nrevocations; i++) {
		const struct receipt_revocation *rev = &policy->revocations[i];

		if (rev->kind && has_digest(facts, rev->kind, rev->digest))
			return rev->line;
	}
	return 0;
}

/* Until when a statement satisfies a rule; 0: it does not. */
static s64 statement_satisfies(const struct receipt_policy *policy,
			       const struct receipt_rule *rule,
			       const struct receipt_summary *summary, enum ages ages,
			       s64 now)
{
	s64 until = S64_MAX, t;
	u8 i;

	if (!grants(summary, rule->op) ||
	    !text_matches(rule->issuer, summary->iss) ||
	    !text_matches(rule->subject, summary->sub))
		return 0;
	if (rule->has_min_svn &&
	    !(summary->has_svn && summary->svn >= rule->min_svn))
		return 0;
	if (rule->has_issuer_key &&
	    !key_matches(&rule->issuer_key, summary->issuer_key_id))
		return 0;
	if (!rule->nreceipts)
		return recorded_until(policy, rule, NULL, summary, ages, now);
	for (i = 0; i < rule->nreceipts; i++) {
		t = recorded_until(policy, rule, rule->receipts[i], summary, ages, now);
		if (t < until)
			until = t;
	}
	return until;
}

/*
 * All properties of a rule must hold for one and the same statement that counts.
 * Until when one satisfies it; 0: none does.
 */
static s64 evidence_satisfies(const struct receipt_policy *policy,
			      const struct receipt_rule *rule,
			      const struct receipt_facts *facts, u64 count,
			      enum ages ages)
{
	s64 until = 0, t;
	u8 i;

	for (i = 0; i < facts->nsummaries; i++) {
		if (!(count >> i & 1))
			continue;
		t = statement_satisfies(policy, rule, facts->summaries[i], ages,
					facts->now);
		if (t > until)
			until = t;
	}
	return until;
}

/* Why no rule is satisfied though a statement counts: is it only the age? */
static enum receipt_reason unsatisfied_reason(const struct receipt_policy *policy,
					      const struct receipt_facts *facts, u64 count)
{
	enum receipt_reason reason = RECEIPT_REASON_NO_RULE_SATISFIED;
	u32 i;

	if (!policy->has_max_age)
		return reason;
	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op != facts->op || rule->action != RECEIPT_ACTION_ALLOW ||
		    !rule->max_age || !known_part_holds(rule, facts))
			continue;
		if (evidence_satisfies(policy, rule, facts, count, AGES_FUTURE_TOO))
			return RECEIPT_REASON_FUTURE;
		if (evidence_satisfies(policy, rule, facts, count, AGES_ANY))
			reason = RECEIPT_REASON_TOO_OLD;
	}
	return reason;
}

/*
 * Why the default denies; @hoped: evidence could have led to another verdict. What
 * of the evidence came the farthest says it.
 */
static enum receipt_reason default_reason(const struct receipt_policy *policy,
					  const struct receipt_facts *facts, u64 count,
					  bool hoped)
{
	enum receipt_reason reason = RECEIPT_REASON_NO_EVIDENCE;
	u8 i;

	if (!hoped)
		return facts->unstable ? RECEIPT_REASON_UNSTABLE_FS :
					 RECEIPT_REASON_DEFAULT;
	for (i = 0; i < facts->nsummaries; i++) {
		const struct receipt_summary *summary = facts->summaries[i];

		if (!knows_signer(policy, summary)) {
			if (summary->untried)
				reason = RECEIPT_REASON_ALGORITHM;
			continue;
		}
		if (!grants(summary, facts->op)) {
			if (reason != RECEIPT_REASON_REVOKED)
				reason = RECEIPT_REASON_USAGE;
			continue;
		}
		if (count >> i & 1)
			return unsatisfied_reason(policy, facts, count);
		reason = RECEIPT_REASON_REVOKED;
	}
	return reason;
}

static struct receipt_verdict by_revocation(u32 line)
{
	return (struct receipt_verdict) {
		.action = RECEIPT_ACTION_DENY,
		.line = line,
		.reason = RECEIPT_REASON_REVOKED,
	};
}

static struct receipt_verdict by_rule(const struct receipt_rule *rule, s64 until)
{
	return (struct receipt_verdict) {
		.action = rule->action,
		.line = rule->line,
		.reason = rule->action == RECEIPT_ACTION_ALLOW ?
			  RECEIPT_REASON_ALLOWED : RECEIPT_REASON_RULE,
		.proven = receipt_rule_names_artifact(rule),
		.expires = until == S64_MAX ? 0 : until + 1,
	};
}

static struct receipt_verdict by_default(const struct receipt_policy *policy,
					 const struct receipt_facts *facts, u64 count,
					 bool hoped)
{
	if (policy->defaults[facts->op] == RECEIPT_ACTION_ALLOW && !facts->unstable)
		return (struct receipt_verdict) {
			.action = RECEIPT_ACTION_ALLOW,
			.line = policy->default_lines[facts->op],
			.reason = RECEIPT_REASON_ALLOWED,
		};
	return (struct receipt_verdict) {
		.action = RECEIPT_ACTION_DENY,
		.line = policy->default_lines[facts->op],
		.reason = default_reason(policy, facts, count, hoped),
	};
}

/**
 * receipt_policy_eval - what does @policy say about an artifact?
 * @policy: with the ids of its keys filled in
 * @facts: what is known of the artifact
 *
 * An artifact that is revoked is denied. Else the first rule of the operation whose
 * properties all hold decides, else the default. A rule that lacks only evidence
 * which may still come stays open: when it would say otherwise than what decides
 * after it, nothing is decided.
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
	s64 until = S64_MAX;
	u64 count;
	u32 i;

	if ((unsigned int)facts->op >= RECEIPT_OP_COUNT)
		return verdict;
	i = artifact_revoked(policy, facts);
	if (i)
		return by_revocation(i);
	count = statements_that_count(policy, facts);

	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op != facts->op || !known_part_holds(rule, facts))
			continue;
		until = receipt_rule_needs_evidence(rule) ?
			evidence_satisfies(policy, rule, facts, count, AGES_ASKED) : S64_MAX;
		if (until)
			break;
		open |= BIT(rule->action);
	}

	if (i < policy->nrules)
		verdict = by_rule(&policy->rules[i], until);
	else
		verdict = by_default(policy, facts, count,
				     open & BIT(RECEIPT_ACTION_ALLOW));

	if (!(open & ~BIT(verdict.action)))
		return verdict;
	if (!facts->evidence_complete)
		return (struct receipt_verdict) {
			.action = RECEIPT_ACTION_UNSET,
			.reason = RECEIPT_REASON_NO_EVIDENCE,
		};
	if (facts->evidence_crowded)
		return (struct receipt_verdict) {
			.action = RECEIPT_ACTION_DENY,
			.reason = RECEIPT_REASON_CROWDED,
		};
	return verdict;
}

/* Those of @among that satisfy a rule, a bit for each. */
static u32 satisfying(const struct receipt_policy *policy,
		      const struct receipt_rule *rule,
		      const struct receipt_summary *const *summaries, u32 among,
		      s64 now)
{
	u32 bits = 0;
	u8 i;

	for (i = 0; among >> i; i++) {
		if ((among >> i & 1) &&
		    statement_satisfies(policy, rule, summaries[i],
					AGES_FUTURE_TOO, now))
			bits |= BIT(i);
	}
	return bits;
}

/**
 * receipt_policy_spare - which of several statements can be done without?
 * @policy: the policy
 * @summaries: proven statements about one digest, the last one the latest
 * @n: their number, at least one and less than 32
 * @now: seconds since 1970
 * @crowded: set to true when a rule rests on the one that is returned, and on no other
 *
 * Whoever gets statements recorded about a file of others must not push out the one
 * that allows it, or the one that denies it. So one that satisfies no rule goes first,
 * then one whose rules others satisfy as well. When there is none of these, one that no
 * denial rests on goes, and whatever depends on what is missing is denied.
 *
 * Return: its place in @summaries.
 */
u8 receipt_policy_spare(const struct receipt_policy *policy,
			const struct receipt_summary *const *summaries, u8 n,
			s64 now, bool *crowded)
{
	const u32 all = BIT(n) - 1;
	u32 count = 0, used = 0, sole = 0, denies = 0, spare, bits, i;

	for (i = 0; i < n; i++) {
		if (knows_signer(policy, summaries[i]) &&
		    !statement_revoked(policy, summaries[i]))
			count |= BIT(i);
	}
	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (!receipt_rule_needs_evidence(rule))
			continue;
		bits = satisfying(policy, rule, summaries, count, now);
		used |= bits;
		if (bits & (bits - 1))
			continue;
		sole |= bits;
		if (rule->action == RECEIPT_ACTION_DENY)
			denies |= bits;
	}
	spare = all & ~used ?: all & ~sole;
	if (!spare) {
		*crowded = true;
		spare = all & ~denies ?: all;
	}
	while (!(spare >> --n & 1))
		;
	return n;
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

	if (policy->revoked_kinds & RECEIPT_CONTENT_KINDS && op != RECEIPT_OP_ANON_EXEC)
		return true;
	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op == op && rule->action == RECEIPT_ACTION_DENY &&
		    (names_content(rule) || receipt_rule_needs_evidence(rule)))
			return true;
	}
	return false;
}

/**
 * receipt_policy_names_fstype - does a rule name a type of file system?
 * @policy: the policy
 * @op: operation
 * @fstype: name of the type
 *
 * Return: whether a rule of @op does, so that what is on file systems which do not
 * promise stable content can be judged.
 */
bool receipt_policy_names_fstype(const struct receipt_policy *policy,
				 enum receipt_op op, const char *fstype)
{
	u32 i;

	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op == op && rule->fstype && !strcmp(rule->fstype, fstype))
			return true;
	}
	return false;
}

/**
 * receipt_policy_issuer_key - the issuer keys that a policy names
 * @policy: the policy
 * @at: 0 to begin; moved on
 *
 * Return: the next key of a rule or of a revoke line; NULL when there is no more.
 */
const struct receipt_key *receipt_policy_issuer_key(const struct receipt_policy *policy,
						    u32 *at)
{
	u32 i;

	while (*at < policy->nrules + policy->nrevocations) {
		i = (*at)++;
		if (i < policy->nrules) {
			if (policy->rules[i].has_issuer_key)
				return &policy->rules[i].issuer_key;
		} else if (policy->revocations[i - policy->nrules].has_issuer_key) {
			return &policy->revocations[i - policy->nrules].issuer_key;
		}
	}
	return NULL;
}

static u64 number_of_key(const struct receipt_key *key)
{
	u64 part;

	memcpy(&part, key->id, sizeof(part));
	return part | 1;
}

/*
 * Whoever has proven a statement under a policy with the same number has tried all
 * of the keys that it denies by: those that are revoked, and those of rules, below
 * which a statement must not pass for want of a trial. Ids are SHA-256: their sum
 * stands for the set, in any order.
 */
static u64 number_of_revoked_keys(const struct receipt_policy *policy)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < policy->nrules; i++) {
		if (policy->rules[i].has_issuer_key &&
		    policy->rules[i].action == RECEIPT_ACTION_DENY)
			sum += number_of_key(&policy->rules[i].issuer_key);
	}
	for (i = 0; i < policy->nrevocations; i++) {
		if (policy->revocations[i].has_issuer_key)
			sum += number_of_key(&policy->revocations[i].issuer_key);
	}
	return sum;
}

/**
 * receipt_policy_identify - fill in the ids of all keys
 * @policy: as parsed
 * @identify: fills in the one of a line; 0 or a negative errno
 * @arg: for @identify
 *
 * Before the policy is used.
 *
 * Return: 0, or the first error of @identify.
 */
int receipt_policy_identify(struct receipt_policy *policy,
			    int (*identify)(struct receipt_key *key, u32 line, void *arg),
			    void *arg)
{
	u32 i;
	int ret = 0;

	for (i = 0; !ret && i < policy->nlogs; i++)
		ret = identify(&policy->logs[i].key, policy->logs[i].line, arg);
	for (i = 0; !ret && i < policy->nrules; i++) {
		if (policy->rules[i].has_issuer_key)
			ret = identify(&policy->rules[i].issuer_key,
				       policy->rules[i].line, arg);
	}
	for (i = 0; !ret && i < policy->nrevocations; i++) {
		if (policy->revocations[i].has_issuer_key)
			ret = identify(&policy->revocations[i].issuer_key,
				       policy->revocations[i].line, arg);
	}
	policy->revoked_keys = number_of_revoked_keys(policy);
	return ret;
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
	if (policy->revoked_kinds && op != RECEIPT_OP_ANON_EXEC)
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
