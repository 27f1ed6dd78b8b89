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
static void make_id(struct receipt_key *key)
{
	memcpy(key->id, key->spki + key->spki_len - sizeof(key->id),
	       sizeof(key->id));
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
	make_id(&policy->rules[0].issuer_key);
	memcpy(id, policy->rules[0].issuer_key.id, RECEIPT_HASH_SIZE);
	receipt_policy_free(policy);
}

static struct receipt_policy *policy_of(const char *rules)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy;
	char text[8192];
	u32 i;

	snprintf(text, sizeof(text), HEADER ACME ACME2 BETA OPEN "%s", rules);
	policy = receipt_policy_parse(text, strlen(text), &err);
	if (IS_ERR(policy))
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.text, text);
	for (i = 0; i < policy->nlogs; i++)
		make_id(&policy->logs[i].key);
	for (i = 0; i < policy->nrules; i++)
		make_id(&policy->rules[i].issuer_key);
	return policy;
}

/* A statement, and the receipts that it has. */
struct proof {
	int key;
	const char *iss;
	enum receipt_vds vds;
	enum receipt_entry entry;
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
	/* a denial by evidence alone leaves the default's reason */
	{ DENY "op=EXECUTE receipt=acme action=DENY\nop=EXECUTE receipt=beta action=ALLOW\n", EXEC, COMPLETE, 0, {}, DENIED(6, NO_EVIDENCE, false) },
};

static struct receipt_verdict judge(const struct eval_case *c)
{
	struct receipt_summary summaries[3];
	struct receipt_facts facts = {
		.op = c->op,
		.boot_verified = c->boot,
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
		    v.reason != c->reason || v.proven != c->proven)
			fail_msg("case %zu: got action %d line %u reason %d proven %d, expected %d %u %d %d:\n%s",
				 i, v.action, v.line, v.reason, v.proven,
				 c->action, c->line, c->reason, c->proven,
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
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
