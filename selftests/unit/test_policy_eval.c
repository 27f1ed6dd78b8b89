// SPDX-License-Identifier: MIT
/* What policies say about artifacts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_text.h"

#define BITS(op)	(1 << RECEIPT_OP_##op)

enum { KEY_NONE, KEY_ACME, KEY_ACME2, KEY_BETA, KEY_OPEN, KEY_ISSUER };

static const char *const key_text[] = {
	[KEY_ACME] = P256_A, [KEY_ACME2] = P384_A, [KEY_BETA] = P256_B,
	[KEY_OPEN] = P384_B, [KEY_ISSUER] = P256_C,
};

/* Any function from keys to ids will do here, if it tells these keys apart. */
static int identify(struct receipt_key *key, u32 line, void *arg)
{
	(void)line;
	(void)arg;
	memcpy(key->id, key->spki + key->spki_len - sizeof(key->id),
	       sizeof(key->id));
	return 0;
}

/* The id that the key @n has in a policy. */
static void key_id(int n, u8 *id)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy;
	char text[1024];

	memset(id, 0, RECEIPT_HASH_SIZE);
	if (n == KEY_NONE)
		return;
	snprintf(text, sizeof(text), HEADER ACME DENY
		 "op=EXECUTE issuer_key=%s action=DENY\n", key_text[n]);
	policy = receipt_policy_parse(text, strlen(text), &err);
	assert_false(IS_ERR(policy));
	assert_int_equal(receipt_policy_identify(policy, identify, NULL), 0);
	memcpy(id, policy->rules[0].issuer_key.id, RECEIPT_HASH_SIZE);
	receipt_policy_free(policy);
}

static struct receipt_policy *policy_of(const char *rules)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy;
	char text[8192];

	snprintf(text, sizeof(text), HEADER ACME ACME2 BETA OPEN "%s", rules);
	policy = receipt_policy_parse(text, strlen(text), &err);
	if (IS_ERR(policy))
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.text, text);
	assert_int_equal(receipt_policy_identify(policy, identify, NULL), 0);
	return policy;
}

/* A statement, and the receipts that it has. */
struct proof {
	int key;
	const char *iss;
	enum receipt_vds vds;
	enum receipt_entry entry;
	s64 iat;
	u64 position;
};

struct stmt {
	u8 usage;
	const char *iss;
	const char *sub;
	int svn;		/* negative: none */
	int issuer_key;
	struct proof proofs[3];
};

#define BY_ACME		{ KEY_ACME, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT }
#define BY_ACME2	{ KEY_ACME2, "log.acme", RECEIPT_VDS_CCF, 0 }
#define BY_BETA		{ KEY_BETA, "log.beta", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_STMT }
#define BY_OPEN		{ KEY_OPEN, "log.open", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT }

static const struct stmt
	by_acme = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0, { BY_ACME } },
	by_acme2 = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0, { BY_ACME2 } },
	by_beta = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0, { BY_BETA } },
	by_open = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0, { BY_OPEN } },
	by_both = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0, { BY_ACME, BY_BETA } },
	by_both2 = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0, { BY_BETA, BY_OPEN, BY_ACME2 } },
	envelope = { 0xff, "debian", "", -1, 0, { BY_ACME } },
	no_svn = { BITS(EXECUTE), "debian", "deb/coreutils", -1, 0, { BY_ACME } },
	svn_0 = { BITS(EXECUTE), "debian", "deb/coreutils", 0, 0, { BY_ACME } },
	svn_6 = { BITS(EXECUTE), "debian", "deb/coreutils", 6, 0, { BY_ACME } },
	evil = { BITS(EXECUTE), "mallory", "deb/coreutils", 9, 0, { BY_ACME } },
	other = { BITS(EXECUTE), "debian", "snap/x", 9, 0, { BY_ACME } },
	module = { BITS(KMODULE), "debian", "deb/coreutils", 7, 0, { BY_ACME } },
	unusable = { 0, "debian", "deb/coreutils", 7, 0, { BY_ACME } },
	keyed = { BITS(EXECUTE), "vendor", "vendor/x", 7, KEY_ISSUER, { BY_OPEN } },
	misnamed = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_ACME, "log.beta", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT } } },
	strange = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_ISSUER, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT } } },
	keyless = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_NONE, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT } } },
	wrong_entry = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_ACME, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_STMT } } },
	wrong_entry_beta = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_BETA, "log.beta", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT } } },
	/* made at 1000, as entry 50 of acme and 60 of beta */
	dated = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_ACME, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT, 1000, 50 },
		  { KEY_BETA, "log.beta", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_STMT, 1200, 60 } } },
	later = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_ACME, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT, 5000, 90 } } },
	endless = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_ACME, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT, S64_MAX, 1 } } },
	minus = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_ACME, "log.acme", RECEIPT_VDS_RFC9162, RECEIPT_ENTRY_SHA256_STMT, -5, 1 } } },
	by_signer = { BITS(EXECUTE), "debian", "deb/coreutils", 7, KEY_ISSUER, { BY_ACME } },
	ccf_entry = { BITS(EXECUTE), "debian", "deb/coreutils", 7, 0,
		{ { KEY_BETA, "log.beta", RECEIPT_VDS_CCF, RECEIPT_ENTRY_SHA256_STMT } } };

static u8 bytes_a[64], bytes_b[64];

static void fill_summary(const struct stmt *stmt, struct receipt_summary *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	s->usage = stmt->usage;
	s->iss = stmt->iss;
	s->sub = stmt->sub;
	s->has_svn = stmt->svn >= 0;
	s->svn = s->has_svn ? stmt->svn : 0;
	key_id(stmt->issuer_key, s->issuer_key_id);
	for (i = 0; i < 3 && stmt->proofs[i].iss; i++) {
		struct receipt_proof *proof = &s->proofs[s->nproofs++];

		key_id(stmt->proofs[i].key, proof->key_id);
		proof->iss = stmt->proofs[i].iss;
		proof->vds = stmt->proofs[i].vds;
		proof->entry = stmt->proofs[i].entry;
		proof->iat = stmt->proofs[i].iat;
		proof->position = stmt->proofs[i].position;
	}
}

enum { MORE_TO_COME, COMPLETE };
enum { NOT_BOOT, BOOT };

struct eval_case {
	const char *rules;	/* from line 6 on */
	enum receipt_op op;
	int complete;
	int boot;
	const struct stmt *statements[3];
	enum receipt_action action;
	u32 line;
	enum receipt_reason reason;
	bool proven;
	s64 now;
	s64 expires;
	const char *fstype;
	bool unstable;
};

#define EXEC		RECEIPT_OP_EXECUTE
#define KMOD		RECEIPT_OP_KMODULE
#define ALLOWED(line, proven) \
	RECEIPT_ACTION_ALLOW, line, RECEIPT_REASON_ALLOWED, proven
#define DENIED(line, reason, proven) \
	RECEIPT_ACTION_DENY, line, RECEIPT_REASON_##reason, proven
#define ASK		RECEIPT_ACTION_UNSET, 0, RECEIPT_REASON_NO_EVIDENCE, false

/* The artifact has the digest HEX_A. */
static const struct eval_case cases[] = {
	/* defaults */
	{ DENY, EXEC, COMPLETE, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY, EXEC, MORE_TO_COME, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY, EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, DEFAULT, false) },
	{ ALLOW, EXEC, COMPLETE, 0, {}, ALLOWED(6, false) },
	{ ALLOW, EXEC, MORE_TO_COME, 0, {}, ALLOWED(6, false) },
	{ DENY "DEFAULT op=EXECUTE action=ALLOW\n", EXEC, COMPLETE, 0, {}, ALLOWED(7, false) },
	{ DENY "DEFAULT op=EXECUTE action=ALLOW\n", KMOD, COMPLETE, 0, {}, DENIED(6, DEFAULT, false) },
	{ "DEFAULT op=EXECUTE action=DENY\n" ALLOW, EXEC, COMPLETE, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY, RECEIPT_OP_ANON_EXEC, COMPLETE, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY "DEFAULT op=ANON_EXEC action=ALLOW\n", RECEIPT_OP_ANON_EXEC, COMPLETE, 0, {},
	  ALLOWED(7, false) },
	/* an operation that is none */
	{ ALLOW, RECEIPT_OP_COUNT, COMPLETE, 0, {}, DENIED(0, DEFAULT, false) },
	{ ALLOW, (enum receipt_op)-1, COMPLETE, 0, {}, DENIED(0, DEFAULT, false) },
	/* rules without properties; first match wins */
	{ DENY "op=EXECUTE action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(7, false) },
	{ ALLOW "op=EXECUTE action=DENY\n", EXEC, MORE_TO_COME, 0, {}, DENIED(7, RULE, false) },
	{ ALLOW "op=EXECUTE action=DENY\nop=EXECUTE action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(7, RULE, false) },
	{ DENY "op=EXECUTE action=ALLOW\nop=EXECUTE action=DENY\n", EXEC, COMPLETE, 0, {}, ALLOWED(7, false) },
	{ DENY "op=KMODULE action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, DEFAULT, false) },
	{ ALLOW "op=KMODULE action=DENY\nop=EXECUTE action=DENY\n", EXEC, COMPLETE, 0, {}, DENIED(8, RULE, false) },
	/* digest= */
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(7, true) },
	{ DENY "op=EXECUTE digest=sha256:" HEX_B " action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, DENIED(6, DEFAULT, false) },
	{ ALLOW "op=EXECUTE digest=sha256:" HEX_A " action=DENY\n", EXEC, MORE_TO_COME, 0, {}, DENIED(7, RULE, true) },
	{ ALLOW "op=EXECUTE digest=sha256:" HEX_B " action=DENY\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(6, false) },
	{ DENY "op=KMODULE digest=sha256:" HEX_A " action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, DEFAULT, false) },
	/* boot_verified= */
	{ DENY "op=EXECUTE boot_verified=TRUE action=ALLOW\n", EXEC, MORE_TO_COME, BOOT, {}, ALLOWED(7, true) },
	{ DENY "op=EXECUTE boot_verified=TRUE action=ALLOW\n", EXEC, MORE_TO_COME, NOT_BOOT, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE boot_verified=FALSE action=ALLOW\n", EXEC, MORE_TO_COME, NOT_BOOT, {}, ALLOWED(7, false) },
	{ DENY "op=EXECUTE boot_verified=FALSE action=ALLOW\n", EXEC, MORE_TO_COME, BOOT, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE boot_verified=TRUE digest=sha256:" HEX_B " action=ALLOW\n", EXEC, COMPLETE, BOOT, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE boot_verified=TRUE digest=sha256:" HEX_A " action=ALLOW\n", EXEC, COMPLETE, BOOT, {}, ALLOWED(7, true) },
	/* receipt= */
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &envelope }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ASK },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, NO_EVIDENCE, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &by_beta }, ASK },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_beta }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_beta, &by_acme }, ALLOWED(7, true) },
	{ DENY "op=KMODULE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, DEFAULT, false) },
	/* a key that takes over */
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme2 }, ALLOWED(7, true) },
	/* who the proof is of */
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &misnamed }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &misnamed }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &strange }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &keyless }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE issuer_key=" P256_C " subject=* action=ALLOW\n", EXEC, COMPLETE, 0, { &strange }, DENIED(6, NO_RULE_SATISFIED, false) },
	/* entry= */
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &wrong_entry }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &by_beta }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &wrong_entry_beta }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &ccf_entry }, ALLOWED(7, true) },
	/* both logs, for one and the same statement */
	{ DENY "op=EXECUTE receipt=acme receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &by_both }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &by_both2 }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &by_beta }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme, &by_beta }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme receipt=beta action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &by_acme, &by_beta }, ASK },
	/* usage */
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &module }, DENIED(6, USAGE, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &module, &unusable }, DENIED(6, USAGE, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &module, &by_beta }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=KMODULE receipt=acme action=ALLOW\n", KMOD, COMPLETE, 0, { &module }, ALLOWED(7, true) },
	{ DENY "op=KMODULE receipt=acme action=ALLOW\n", KMOD, COMPLETE, 0, { &by_acme }, DENIED(6, USAGE, false) },
	{ DENY "op=KMODULE receipt=acme action=ALLOW\n", KMOD, COMPLETE, 0, { &envelope }, ALLOWED(7, true) },
	/* issuer= */
	{ DENY "op=EXECUTE receipt=acme issuer=debian action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme issuer=debian action=ALLOW\n", EXEC, COMPLETE, 0, { &evil }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme issuer=debia action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme issuer=debian2 action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme issuer=deb* action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme issuer=debian* action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme issuer=debian2* action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme issuer=Debian action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	/* subject= */
	{ DENY "op=EXECUTE receipt=acme subject=\"deb/*\" action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme subject=\"deb/*\" action=ALLOW\n", EXEC, COMPLETE, 0, { &other }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme subject=deb/coreutils action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme subject=deb/core action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme subject=* action=ALLOW\n", EXEC, COMPLETE, 0, { &envelope }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme subject=d* action=ALLOW\n", EXEC, COMPLETE, 0, { &envelope }, DENIED(6, NO_RULE_SATISFIED, false) },
	/* all of it in one statement */
	{ DENY "op=EXECUTE receipt=acme issuer=mallory subject=\"snap/*\" action=ALLOW\n", EXEC, COMPLETE, 0, { &evil, &other }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme issuer=debian min_svn=9 action=ALLOW\n", EXEC, COMPLETE, 0, { &evil, &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme issuer=debian min_svn=9 action=ALLOW\n", EXEC, COMPLETE, 0, { &evil, &by_acme, &other }, ALLOWED(7, true) },
	/* min_svn= */
	{ DENY "op=EXECUTE receipt=acme min_svn=7 action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme min_svn=7 action=ALLOW\n", EXEC, COMPLETE, 0, { &svn_6 }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme min_svn=7 action=ALLOW\n", EXEC, COMPLETE, 0, { &no_svn }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme min_svn=0 action=ALLOW\n", EXEC, COMPLETE, 0, { &no_svn }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme min_svn=0 action=ALLOW\n", EXEC, COMPLETE, 0, { &svn_0 }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme min_svn=18446744073709551615 action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	/* issuer_key= */
	{ DENY "op=EXECUTE receipt=open issuer_key=" P256_C " action=ALLOW\n", EXEC, COMPLETE, 0, { &keyed }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=open issuer_key=" P256_A " action=ALLOW\n", EXEC, COMPLETE, 0, { &keyed }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=open issuer_key=" P256_C " action=ALLOW\n", EXEC, COMPLETE, 0, { &by_open }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=open issuer_key=" P256_C " action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &by_open }, ASK },
	{ DENY "op=EXECUTE issuer_key=" P256_C " action=ALLOW\n", EXEC, COMPLETE, 0, { &keyed }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE issuer_key=" P256_C " subject=vendor/y action=ALLOW\n", EXEC, COMPLETE, 0, { &keyed }, DENIED(6, NO_RULE_SATISFIED, false) },
	/* evidence needed or not */
	{ ALLOW "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(6, false) },
	{ DENY "op=EXECUTE subject=x action=DENY\n", EXEC, MORE_TO_COME, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE subject=x action=DENY\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nop=EXECUTE action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(8, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nop=EXECUTE digest=sha256:" HEX_A " action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(8, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nop=EXECUTE digest=sha256:" HEX_A " action=DENY\n", EXEC, MORE_TO_COME, 0, {}, ASK },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, DENIED(7, RULE, true) },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(7, RULE, true) },
	{ DENY "op=EXECUTE boot_verified=TRUE action=ALLOW\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, BOOT, {}, ALLOWED(7, true) },
	{ DENY "op=EXECUTE digest=sha256:" HEX_B " receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE digest=sha256:" HEX_B " receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ASK },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE boot_verified=TRUE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, NOT_BOOT, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE boot_verified=FALSE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, NOT_BOOT, {}, ASK },
	/* an earlier rule that may still say otherwise keeps a later one waiting */
	{ DENY "op=EXECUTE subject=\"snap/*\" action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &by_acme }, ASK },
	{ DENY "op=EXECUTE subject=\"snap/*\" action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(8, true) },
	{ DENY "op=EXECUTE subject=\"snap/*\" action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme, &other }, DENIED(7, RULE, true) },
	{ DENY "op=EXECUTE subject=\"snap/*\" action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &other }, DENIED(7, RULE, true) },
	{ DENY "op=EXECUTE receipt=beta action=ALLOW\nop=EXECUTE receipt=acme action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &by_acme }, ALLOWED(8, true) },
	{ DENY "op=EXECUTE receipt=beta action=ALLOW\nop=EXECUTE receipt=acme action=DENY\n", EXEC, MORE_TO_COME, 0, { &by_acme }, ASK },
	/* max_age= */
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 1000, 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 1060, 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, TOO_OLD, false), 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=1m action=ALLOW\n", EXEC, MORE_TO_COME, 0, { &dated }, ASK, 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=1h action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 1061, 4601 },
	{ DENY "op=EXECUTE receipt=acme max_age=1d action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 5000, 87401 },
	/* from the future: 600 seconds are let pass */
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 400, 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, FUTURE, false), 399 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, FUTURE, false), 0 },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 0, 0 },
	/* too old for one rule, from the future for none: what comes nearest is told */
	{ DENY "op=EXECUTE receipt=acme max_age=60s subject=no action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, NO_RULE_SATISFIED, false), 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\nop=EXECUTE receipt=acme max_age=60s subject=no action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, TOO_OLD, false), 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated, &later }, DENIED(6, FUTURE, false), 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated, &later }, ALLOWED(7, true), 1060, 1061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated, &later }, ALLOWED(7, true), 4400, 5061 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &endless }, DENIED(6, FUTURE, false), 1060 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &endless }, ALLOWED(7, true), INT64_MAX - 1, 0 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &minus }, DENIED(6, TOO_OLD, false), 0 },
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, TOO_OLD, false), 10 },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 99999, 0 },
	{ DENY "op=EXECUTE receipt=acme receipt=beta max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 1060, 1061 },
	{ DENY "op=EXECUTE receipt=acme receipt=beta max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, TOO_OLD, false), 1061 },
	{ DENY "op=EXECUTE max_age=60s subject=* issuer_key=" P256_C " action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, NO_RULE_SATISFIED, false), 1000 },
	{ DENY "op=EXECUTE receipt=beta max_age=60s action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true), 1260, 1261 },
	/* too old for one rule, good for the next */
	{ DENY "op=EXECUTE receipt=acme max_age=60s action=ALLOW\nop=EXECUTE receipt=acme min_svn=7 action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(8, true), 2000, 0 },
	/* min_position= */
	{ DENY "op=EXECUTE receipt=acme min_position=50 action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme min_position=51 action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=beta min_position=51 action=ALLOW\n", EXEC, COMPLETE, 0, { &dated }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme min_position=51 action=ALLOW\n", EXEC, COMPLETE, 0, { &dated, &later }, ALLOWED(7, true) },
	/* fstype= */
	{ DENY "op=EXECUTE fstype=ext4 action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(7, false), 0, 0, "ext4" },
	{ DENY "op=EXECUTE fstype=ext4 action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, DENIED(6, DEFAULT, false), 0, 0, "ext" },
	{ DENY "op=EXECUTE fstype=ext4 action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, DENIED(6, DEFAULT, false), 0, 0, "ext4x" },
	{ DENY "op=EXECUTE fstype=ext4 action=ALLOW\n", EXEC, MORE_TO_COME, 0, {}, DENIED(6, DEFAULT, false) },
	{ DENY "op=EXECUTE fstype=ext4 receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true), 0, 0, "ext4" },
	{ DENY "op=EXECUTE fstype=ext4 receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, DEFAULT, false), 0, 0, "xfs" },
	{ ALLOW "op=EXECUTE fstype=tmpfs action=DENY\n", EXEC, MORE_TO_COME, 0, {}, DENIED(7, RULE, false), 0, 0, "tmpfs" },
	{ ALLOW "op=EXECUTE fstype=tmpfs action=DENY\n", EXEC, MORE_TO_COME, 0, {}, ALLOWED(6, false), 0, 0, "ext4" },
	/* a file system that promises nothing: only what names it */
	{ ALLOW, EXEC, COMPLETE, 0, {}, DENIED(6, UNSTABLE_FS, false), 0, 0, "nfs", true },
	{ DENY "op=EXECUTE action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, UNSTABLE_FS, false), 0, 0, "nfs", true },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, UNSTABLE_FS, false), 0, 0, "nfs", true },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, UNSTABLE_FS, false), 0, 0, "nfs", true },
	{ DENY "op=EXECUTE fstype=nfs action=ALLOW\n", EXEC, COMPLETE, 0, {}, ALLOWED(7, false), 0, 0, "nfs", true },
	{ DENY "op=EXECUTE fstype=nfs receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true), 0, 0, "nfs", true },
	{ DENY "op=EXECUTE fstype=nfs receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, NO_EVIDENCE, false), 0, 0, "nfs", true },
	{ DENY "op=EXECUTE fstype=nfs4 action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, UNSTABLE_FS, false), 0, 0, "nfs", true },
	/* revoke digest= */
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke digest=sha256:" HEX_A "\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(8, REVOKED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke digest=sha256:" HEX_B "\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " action=ALLOW\nrevoke digest=sha256:" HEX_A "\n", EXEC, MORE_TO_COME, 0, {}, DENIED(8, REVOKED, false) },
	{ ALLOW "revoke digest=sha256:" HEX_A "\n", KMOD, MORE_TO_COME, 0, {}, DENIED(7, REVOKED, false) },
	{ ALLOW "revoke digest=sha256:" HEX_A "\n", RECEIPT_OP_ANON_EXEC, MORE_TO_COME, 0, {}, ALLOWED(6, false) },
	{ DENY "op=EXECUTE boot_verified=TRUE action=ALLOW\nrevoke digest=sha256:" HEX_A "\n", EXEC, COMPLETE, BOOT, {}, DENIED(8, REVOKED, false) },
	/* revoke statements: they are as if they were not there */
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\"\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, REVOKED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\"\n", EXEC, COMPLETE, 0, { &other }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\"\n", EXEC, COMPLETE, 0, { &by_acme, &other }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\"\n", EXEC, MORE_TO_COME, 0, { &by_acme }, ASK },
	{ "revoke subject=\"deb/*\"\n" DENY "op=EXECUTE receipt=acme action=ALLOW\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(7, REVOKED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke issuer=mallory\n", EXEC, COMPLETE, 0, { &evil }, DENIED(6, REVOKED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke issuer=mallory subject=deb/dash\n", EXEC, COMPLETE, 0, { &evil }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\" svn_below=7\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\" svn_below=8\n", EXEC, COMPLETE, 0, { &by_acme }, DENIED(6, REVOKED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\" svn_below=1\n", EXEC, COMPLETE, 0, { &no_svn }, DENIED(6, REVOKED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=\"deb/*\"\n", EXEC, COMPLETE, 0, { &module }, DENIED(6, USAGE, false) },
	{ DENY "op=EXECUTE receipt=beta action=ALLOW\nrevoke subject=\"snap/*\"\n", EXEC, COMPLETE, 0, { &other, &by_acme }, DENIED(6, NO_RULE_SATISFIED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke issuer_key=" P256_C "\n", EXEC, COMPLETE, 0, { &by_signer }, DENIED(6, REVOKED, false) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke issuer_key=" P256_C "\n", EXEC, COMPLETE, 0, { &by_acme }, ALLOWED(7, true) },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke issuer_key=" P256_C " subject=deb/dash\n", EXEC, COMPLETE, 0, { &by_signer }, ALLOWED(7, true) },
	/* a denial by evidence alone leaves the default's reason */
	{ DENY "op=EXECUTE receipt=acme action=DENY\nop=EXECUTE receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, NO_EVIDENCE, false) },
};

static struct receipt_verdict judge(const struct eval_case *c)
{
	struct receipt_summary summaries[3];
	struct receipt_facts facts = {
		.op = c->op,
		.boot_verified = c->boot,
		.fstype = c->fstype,
		.unstable = c->unstable,
		.now = c->now,
		.evidence_complete = c->complete,
		/* the right bytes under the wrong kind must not count */
		.ndigests = 2,
		.digests = {
			{ RECEIPT_KIND_FSVERITY_SHA256, bytes_b },
			{ RECEIPT_KIND_SHA256, bytes_a },
		},
	};
	struct receipt_policy *policy = policy_of(c->rules);
	struct receipt_verdict verdict;
	int i;

	for (i = 0; i < 3 && c->statements[i]; i++) {
		fill_summary(c->statements[i], &summaries[i]);
		summaries[i].revoked_keys = policy->revoked_keys;
		facts.summaries[facts.nsummaries++] = &summaries[i];
	}
	verdict = receipt_policy_eval(policy, &facts);
	receipt_policy_free(policy);
	return verdict;
}

static void test_eval(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct eval_case *c = &cases[i];
		struct receipt_verdict v = judge(c);

		if (v.action != c->action || v.line != c->line ||
		    v.reason != c->reason || v.proven != c->proven ||
		    v.expires != c->expires)
			fail_msg("case %zu: got action %d line %u reason %d proven %d expires %lld, expected %d %u %d %d %lld:\n%s",
				 i, v.action, v.line, v.reason, v.proven, (long long)v.expires,
				 c->action, c->line, c->reason, c->proven, (long long)c->expires,
				 c->rules);
	}
}

/* A verdict that was given without evidence is the one given with all of it. */
static void test_early_verdicts_stand(void **state)
{
	static const struct stmt *const more[] = {
		&by_acme, &by_beta, &by_both, &other, &evil, &keyed, &module, &envelope,
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct eval_case c = cases[i];
		struct receipt_verdict early, late;
		int n = 0;

		c.complete = MORE_TO_COME;
		early = judge(&c);
		if (early.action == RECEIPT_ACTION_UNSET)
			continue;
		while (n < 3 && c.statements[n])
			n++;
		c.complete = COMPLETE;
		for (j = 0; n < 3 && j < ARRAY_SIZE(more); j++) {
			c.statements[n] = more[j];
			late = judge(&c);
			assert_int_equal(early.action, late.action);
		}
	}
}

/* Keys whose ids nobody filled in match nothing. */
static void test_ids_not_filled_in(void **state)
{
	static const char text[] = HEADER ACME DENY
		"op=EXECUTE issuer_key=" P256_C " action=ALLOW\n"
		"op=EXECUTE receipt=acme action=ALLOW\n";
	struct receipt_policy_error err;
	struct receipt_policy *policy = receipt_policy_parse(text, strlen(text), &err);
	struct receipt_summary summary;
	struct receipt_facts facts = {
		.evidence_complete = true,
		.nsummaries = 1,
		.summaries = { &summary },
	};

	(void)state;
	assert_false(IS_ERR(policy));
	fill_summary(&keyless, &summary);
	assert_int_equal(receipt_policy_eval(policy, &facts).action,
			 RECEIPT_ACTION_DENY);
	receipt_policy_free(policy);
}

static const struct {
	const char *rules;
	bool execute;
} unconditional[] = {
	{ ALLOW, true },
	{ DENY, false },
	{ DENY "DEFAULT op=EXECUTE action=ALLOW\n", true },
	{ ALLOW "DEFAULT op=EXECUTE action=DENY\n", false },
	{ DENY "op=EXECUTE action=ALLOW\n", true },
	{ ALLOW "op=EXECUTE action=DENY\n", false },
	{ ALLOW "op=KMODULE action=DENY\n", true },
	{ DENY "op=KMODULE action=ALLOW\n", false },
	{ DENY "op=EXECUTE action=ALLOW\nop=EXECUTE action=DENY\n", true },
	{ ALLOW "op=EXECUTE digest=sha256:" HEX_A " action=DENY\n", false },
	{ ALLOW "op=EXECUTE digest=sha256:" HEX_A " action=DENY\nop=EXECUTE action=ALLOW\n", false },
	{ DENY "op=EXECUTE action=ALLOW\nop=EXECUTE digest=sha256:" HEX_A " action=DENY\n", true },
	{ ALLOW "op=EXECUTE receipt=acme action=ALLOW\n", true },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", false },
	{ DENY "op=EXECUTE receipt=acme action=ALLOW\nop=EXECUTE action=ALLOW\n", true },
	{ DENY "op=EXECUTE boot_verified=TRUE action=ALLOW\n", false },
	{ DENY "op=EXECUTE boot_verified=FALSE action=ALLOW\n", false },
	{ ALLOW "op=EXECUTE boot_verified=FALSE action=DENY\n", false },
	{ ALLOW "op=EXECUTE fstype=nfs action=DENY\n", false },
	{ DENY "op=EXECUTE fstype=nfs action=ALLOW\n", false },
	{ ALLOW "revoke digest=sha256:" HEX_A "\n", false },
	{ ALLOW "revoke subject=x\n", true },
};

static void test_unconditional(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(unconditional); i++) {
		struct receipt_policy *policy = policy_of(unconditional[i].rules);

		if (receipt_policy_unconditional(policy, EXEC) != unconditional[i].execute)
			fail_msg("case %zu:\n%s", i, unconditional[i].rules);
		assert_false(receipt_policy_unconditional(policy, RECEIPT_OP_COUNT));
		receipt_policy_free(policy);
	}
}

/* The artifact has A as its SHA-256 and B as its fs-verity digest. */
static const struct {
	const char *rules;
	bool allowed;
	bool needs_content;
} verity_cases[] = {
	{ DENY "op=EXECUTE fsverity=sha256:" HEX_B " action=ALLOW\n", true, false },
	{ DENY "op=EXECUTE fsverity=sha256:" HEX_A " action=ALLOW\n", false, false },
	{ DENY "op=EXECUTE digest=sha256:" HEX_B " action=ALLOW\n", false, false },
	{ DENY "op=EXECUTE dmverity=sha256:" HEX_B " action=ALLOW\n", false, false },
	{ DENY "op=EXECUTE dmverity=sha256:" HEX_A " action=ALLOW\n", false, false },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " fsverity=sha256:" HEX_B " action=ALLOW\n",
	  true, false },
	{ DENY "op=EXECUTE digest=sha256:" HEX_B " fsverity=sha256:" HEX_B " action=ALLOW\n",
	  false, false },
	{ DENY "op=EXECUTE digest=sha256:" HEX_A " fsverity=sha256:" HEX_A " action=ALLOW\n",
	  false, false },
	{ ALLOW "op=EXECUTE fsverity=sha256:" HEX_B " action=DENY\n", false, false },
	{ ALLOW "op=EXECUTE dmverity=sha256:" HEX_B " action=DENY\n", true, false },
	{ ALLOW "op=EXECUTE digest=sha256:" HEX_A " action=DENY\n", false, true },
	{ ALLOW "op=KMODULE digest=sha256:" HEX_A " action=DENY\n", true, false },
	{ DENY "op=EXECUTE receipt=acme subject=x action=DENY\n"
	  "op=EXECUTE fsverity=sha256:" HEX_B " action=ALLOW\n", true, true },
};

static void test_verity(void **state)
{
	struct receipt_facts facts = {
		.op = EXEC,
		.ndigests = 2,
		.digests = {
			{ RECEIPT_KIND_SHA256, bytes_a },
			{ RECEIPT_KIND_FSVERITY_SHA256, bytes_b },
		},
		.evidence_complete = true,
	};
	struct receipt_policy_error err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(verity_cases); i++) {
		char text[2048];
		struct receipt_policy *policy;
		enum receipt_action action;

		snprintf(text, sizeof(text), VERITY ACME "%s", verity_cases[i].rules);
		policy = receipt_policy_parse(text, strlen(text), &err);
		assert_false(IS_ERR(policy));
		action = receipt_policy_eval(policy, &facts).action;
		if ((action == RECEIPT_ACTION_ALLOW) != verity_cases[i].allowed ||
		    receipt_policy_needs_content(policy, EXEC) != verity_cases[i].needs_content)
			fail_msg("case %zu:\n%s", i, verity_cases[i].rules);
		receipt_policy_free(policy);
	}
}

/* What a log line says of its receipts, and when one of 1000, entry 50, counts. */
static const struct {
	const char *words;
	bool counts;
} window_cases[] = {
	{ "", true },
	{ "not_before=1970-01-01T00:16:40Z", true },
	{ "not_before=1970-01-01T00:16:41Z", false },
	{ "not_after=1970-01-01T00:16:40Z", true },
	{ "not_after=1970-01-01T00:16:39Z", false },
	{ "not_before=1970-01-01T00:16:40Z not_after=1970-01-01T00:16:40Z", true },
	{ "not_before=1970-01-02T00:00:00Z not_after=2026-11-27T00:00:00Z", false },
	{ "not_before=1970-01-01T00:00:00Z", true },
	{ "min_position=50", true },
	{ "min_position=51", false },
	{ "not_after=2026-11-27T00:00:00Z min_position=50", true },
};

static bool counts(const char *words, const struct stmt *stmt)
{
	struct receipt_summary summary;
	struct receipt_facts facts = {
		.evidence_complete = true,
		.nsummaries = 1,
		.summaries = { &summary },
	};
	struct receipt_policy_error err;
	struct receipt_policy *policy;
	struct receipt_verdict v;
	char text[2048];

	snprintf(text, sizeof(text), HEADER "log name=acme alg=ES256 key=" P256_A
		 " issuer=log.acme identity=verified %s\n" DENY
		 "op=EXECUTE receipt=acme action=ALLOW\n", words);
	policy = receipt_policy_parse(text, strlen(text), &err);
	assert_false(IS_ERR(policy));
	assert_int_equal(receipt_policy_identify(policy, identify, NULL), 0);
	fill_summary(stmt, &summary);
	v = receipt_policy_eval(policy, &facts);
	receipt_policy_free(policy);
	return v.action == RECEIPT_ACTION_ALLOW;
}

static void test_windows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(window_cases); i++) {
		if (counts(window_cases[i].words, &dated) != window_cases[i].counts)
			fail_msg("%s", window_cases[i].words);
	}
	/* a receipt that does not say when */
	assert_true(counts("", &by_acme));
	assert_false(counts("not_before=1970-01-01T00:00:00Z", &by_acme));
	assert_false(counts("not_after=2026-11-27T00:00:00Z", &by_acme));
}

static int count_key(struct receipt_key *key, u32 line, void *n)
{
	++*(int *)n;
	return identify(key, line, NULL);
}

/* Nothing is said of a statement until it was tried with the keys that @policy denies by. */
static void counts_once_tried(const struct receipt_policy *policy, struct receipt_summary *summary)
{
	struct receipt_facts facts = { .nsummaries = 1, .summaries = { summary } };

	fill_summary(&by_acme, summary);
	assert_int_equal(receipt_policy_eval(policy, &facts).action, RECEIPT_ACTION_UNSET);
	facts.evidence_complete = true;
	assert_int_equal(receipt_policy_eval(policy, &facts).reason, RECEIPT_REASON_NO_EVIDENCE);
	summary->revoked_keys = policy->revoked_keys;
	assert_int_equal(receipt_policy_eval(policy, &facts).action, RECEIPT_ACTION_ALLOW);
}

/* What was proven before a key was revoked says nothing of that key. */
static void test_revoked_keys(void **state)
{
	static const char rules[] = DENY "op=EXECUTE receipt=acme action=ALLOW\n"
		"revoke issuer_key=" P256_C "\nrevoke issuer_key=" P384_B "\n"
		"revoke subject=x\n";
	struct receipt_policy *policy = policy_of(rules), *before = policy_of(DENY);
	struct receipt_summary summary;
	int n = 0;

	(void)state;
	assert_int_equal(before->revoked_keys, 0);
	assert_int_not_equal(policy->revoked_keys, 0);
	counts_once_tried(policy, &summary);
	assert_int_equal(receipt_policy_identify(policy, count_key, &n), 0);
	assert_int_equal(n, policy->nlogs + 2);
	receipt_policy_free(before);
	receipt_policy_free(policy);
}

/*
 * What was proven under a policy that does not name the key says nothing of it, so a
 * rule that denies by it does not let such a statement pass to the rules below. Nor
 * when nobody can be asked.
 */
static void test_denied_keys(void **state)
{
	static const char rules[] = DENY "op=EXECUTE issuer_key=" P256_C " action=DENY\n"
		"op=EXECUTE receipt=acme action=ALLOW\n";
	struct receipt_policy *policy = policy_of(rules), *allows = policy_of(DENY
		"op=EXECUTE receipt=acme issuer_key=" P256_C " action=ALLOW\n");
	struct receipt_summary summary;
	struct receipt_facts facts = { .nsummaries = 1, .summaries = { &summary },
				       .evidence_complete = true };

	(void)state;
	assert_int_equal(allows->revoked_keys, 0);
	/* Proven anew, and signed by another key, or by this one. */
	counts_once_tried(policy, &summary);
	key_id(KEY_ISSUER, summary.issuer_key_id);
	assert_int_equal(receipt_policy_eval(policy, &facts).reason, RECEIPT_REASON_RULE);
	receipt_policy_free(allows);
	receipt_policy_free(policy);
}

#define FULL	(RECEIPT_MAX_STATEMENTS + 1)

/* Statements about subjects of these names, which one is spared? */
static u8 spare(const char *rules, const char *const *subjects, bool *crowded)
{
	const struct receipt_summary *all[FULL];
	struct receipt_policy *policy = policy_of(rules);
	struct receipt_summary summaries[FULL];
	u8 i, got;

	for (i = 0; i < FULL; i++) {
		fill_summary(&by_acme, &summaries[i]);
		summaries[i].sub = subjects[i];
		summaries[i].revoked_keys = policy->revoked_keys;
		all[i] = &summaries[i];
	}
	*crowded = false;
	got = receipt_policy_spare(policy, all, FULL, 0, crowded);
	receipt_policy_free(policy);
	return got;
}

static void test_spare(void **state)
{
	static const char rules[] = DENY "op=EXECUTE subject=\"bad/*\" action=DENY\n"
		"op=EXECUTE receipt=acme subject=\"good/*\" action=ALLOW\n"
		"revoke subject=\"good/old\"\n";
	static const char many[] = DENY "op=EXECUTE receipt=acme subject=a action=ALLOW\n"
		"op=EXECUTE receipt=acme subject=b action=ALLOW\nop=EXECUTE receipt=acme subject=c action=ALLOW\n"
		"op=EXECUTE subject=d action=DENY\nop=EXECUTE subject=e action=DENY\n"
		"op=FIRMWARE subject=f action=DENY\nop=EXECUTE subject=g action=DENY\n"
		"op=EXECUTE subject=h action=DENY\nop=EXECUTE subject=i action=DENY\n";
	static const char *const useless[] = { "good/1", "bad/1", "x", "x", "x", "x", "x", "x", "x" };
	static const char *const good_last[] = { "x", "x", "x", "x", "x", "x", "x", "x", "good/1" };
	static const char *const bad_last[] = { "good/1", "good/1", "good/1", "good/1", "good/1",
						"good/1", "good/1", "good/1", "bad/1" };
	static const char *const one_each[] = { "bad/1", "good/1", "good/1", "good/1", "good/1",
						"good/1", "good/1", "good/1", "good/1" };
	static const char *const revoked[] = { "good/1", "good/old", "bad/1", "bad/1", "bad/1",
					       "bad/1", "bad/1", "bad/1", "bad/1" };
	static const char *const needed[] = { "a", "i", "h", "g", "b", "e", "d", "c", "d" };
	static const char *const all[] = { "a", "i", "h", "g", "b", "e", "d", "x", "c" };
	static const char *const crowd[] = { "a", "i", "h", "g", "b", "e", "d", "f", "c" };
	const struct {
		const char *rules;
		const char *const *subjects;
		u8 spare;
	} rows[] = {
		{ rules, useless, FULL - 1 },
		{ rules, good_last, FULL - 2 },
		{ rules, bad_last, FULL - 2 },
		{ rules, one_each, FULL - 1 },
		{ rules, revoked, 1 },
		{ many, needed, FULL - 1 },
		{ many, all, FULL - 2 },
		/* by_acme grants EXECUTE alone: no rule of FIRMWARE rests on it */
		{ many, crowd, FULL - 2 },
	};
	bool crowded;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(spare(rows[i].rules, rows[i].subjects, &crowded),
				 rows[i].spare);
		assert_false(crowded);
	}
}

/* Nine statements, each with a rule of its own: one that no denial rests on goes. */
static void test_crowded(void **state)
{
	static const char many[] = DENY "op=EXECUTE receipt=acme subject=a action=ALLOW\n"
		"op=EXECUTE subject=b action=DENY\nop=EXECUTE subject=c action=DENY\n"
		"op=EXECUTE subject=d action=DENY\nop=EXECUTE subject=e action=DENY\n"
		"op=EXECUTE subject=f action=DENY\nop=EXECUTE subject=g action=DENY\n"
		"op=EXECUTE subject=h action=DENY\nop=EXECUTE subject=i action=DENY\n";
	static const char *const each[] = { "b", "c", "a", "d", "e", "f", "g", "h", "i" };
	static const char rules[] = DENY "op=EXECUTE receipt=beta action=DENY\n"
		"op=EXECUTE receipt=acme action=ALLOW\n";
	struct receipt_policy *policy = policy_of(rules);
	struct receipt_facts facts = { .evidence_complete = true, .evidence_crowded = true };
	struct receipt_summary summary;
	struct receipt_verdict v;
	bool crowded;

	(void)state;
	assert_int_equal(spare(many, each, &crowded), 2);
	assert_true(crowded);

	fill_summary(&by_acme, &summary);
	facts.summaries[facts.nsummaries++] = &summary;
	v = receipt_policy_eval(policy, &facts);
	assert_int_equal(v.action, RECEIPT_ACTION_DENY);
	assert_int_equal(v.reason, RECEIPT_REASON_CROWDED);
	facts.evidence_complete = false;
	assert_int_equal(receipt_policy_eval(policy, &facts).action, RECEIPT_ACTION_UNSET);
	facts.evidence_complete = true;
	facts.evidence_crowded = false;
	assert_int_equal(receipt_policy_eval(policy, &facts).action, RECEIPT_ACTION_ALLOW);
	receipt_policy_free(policy);
}

/*
 * A signature that cannot be tried may be any key's: it says nothing where something is
 * denied by its signer.
 */
static void test_untried(void **state)
{
	static const struct { const char *rules; enum receipt_reason reason; } cases[] = {
		{ DENY "op=EXECUTE receipt=acme action=ALLOW\n", RECEIPT_REASON_ALLOWED },
		{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke subject=x\n",
		  RECEIPT_REASON_ALLOWED },
		{ DENY "op=EXECUTE receipt=acme action=ALLOW\nrevoke issuer_key=" P256_C "\n",
		  RECEIPT_REASON_ALGORITHM },
		{ DENY "op=EXECUTE receipt=acme issuer_key=" P256_C " action=DENY\n"
		  "op=EXECUTE receipt=acme action=ALLOW\n", RECEIPT_REASON_ALGORITHM },
		{ DENY "op=EXECUTE receipt=acme issuer_key=" P256_C " action=ALLOW\n"
		  "op=EXECUTE receipt=acme action=ALLOW\n", RECEIPT_REASON_ALLOWED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct receipt_policy *policy = policy_of(cases[i].rules);
		struct receipt_summary summary;
		struct receipt_facts facts = {
			.nsummaries = 1,
			.summaries = { &summary },
			.evidence_complete = true,
		};

		fill_summary(&by_acme, &summary);
		summary.revoked_keys = policy->revoked_keys;
		/* Control: as it is when the algorithm is known. */
		assert_int_equal(receipt_policy_eval(policy, &facts).reason,
				 RECEIPT_REASON_ALLOWED);
		summary.untried = true;
		if (receipt_policy_eval(policy, &facts).reason != cases[i].reason)
			fail_msg("%s", cases[i].rules);
		receipt_policy_free(policy);
	}
	assert_false(receipt_alg_is_untried(-7));
	assert_false(receipt_alg_is_untried(-9));
	assert_false(receipt_alg_is_untried(-8));
	assert_true(receipt_alg_is_untried(-99));
	assert_true(receipt_alg_is_untried(0));
	assert_true(receipt_alg_is_untried(-16));
}

static int setup(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < RECEIPT_HASH_SIZE; i++) {
		bytes_a[i] = 0x11 * (i % 16);
		bytes_b[i] = 0xff - bytes_a[i];
	}
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eval),
		cmocka_unit_test(test_early_verdicts_stand),
		cmocka_unit_test(test_ids_not_filled_in),
		cmocka_unit_test(test_unconditional),
		cmocka_unit_test(test_verity),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_revoked_keys),
		cmocka_unit_test(test_denied_keys),
		cmocka_unit_test(test_spare),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_untried),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
