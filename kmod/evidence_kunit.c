// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the proof. Good evidence of each form is accepted and says what it says;
 * changed in any one thing, it is refused, for the reason that belongs to it.
 */
#include "kunit.h"
#include "evidence_kunit.h"

/**
 * struct trial - evidence and a policy, to be changed
 * @ev: a copy of a sample; all that it points to may be written
 * @policy: its logs and rules may be written
 * @logs: of @policy
 * @rules: of @policy
 */
struct trial {
	struct receipt_evidence ev;
	struct receipt_policy policy;
	struct receipt_log logs[ARRAY_SIZE(sample_logs)];
	struct receipt_rule rules[ARRAY_SIZE(sample_rules)];
};

static void copy_header(struct kunit *test, struct receipt_header *hdr)
{
	hdr->tokens = receipt_kunit_copy(test, hdr->tokens,
					 hdr->ntokens * sizeof(hdr->tokens[0]));
	hdr->blob = receipt_kunit_copy(test, hdr->blob, hdr->blob_len);
}

static void copy_receipt(struct kunit *test, struct receipt_receipt *r)
{
	copy_header(test, &r->hdr);
	r->sig = receipt_kunit_copy(test, r->sig, r->sig_len);
	r->path = receipt_kunit_copy(test, r->path, r->steps * RECEIPT_HASH_SIZE);
	if (r->has_index)
		return;
	r->leaf_tx = receipt_kunit_copy(test, r->leaf_tx, RECEIPT_HASH_SIZE);
	r->leaf_evidence = receipt_kunit_copy(test, r->leaf_evidence,
					      r->leaf_evidence_len);
	r->left = receipt_kunit_copy(test, r->left, r->steps);
}

static void copy_evidence(struct kunit *test, struct receipt_evidence *ev)
{
	struct receipt_statement *stmt = &ev->statement;
	u32 i;

	copy_header(test, &stmt->hdr);
	stmt->payload = receipt_kunit_copy(test, stmt->payload, stmt->payload_len);
	stmt->sig = receipt_kunit_copy(test, stmt->sig, stmt->sig_len);
	ev->path = receipt_kunit_copy(test, ev->path, ev->steps * RECEIPT_HASH_SIZE);
	for (i = 0; i < ev->nreceipts; i++)
		copy_receipt(test, &ev->receipts[i]);
}

static struct trial *new_trial(struct kunit *test, int sample)
{
	struct trial *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ev = samples[sample];
	copy_evidence(test, &t->ev);
	memcpy(t->logs, sample_logs, sizeof(t->logs));
	memcpy(t->rules, sample_rules, sizeof(t->rules));
	t->policy = (struct receipt_policy){
		.name = "kunit",
		.mode = RECEIPT_MODE_ENFORCE,
		.nlogs = ARRAY_SIZE(t->logs),
		.logs = t->logs,
		.nrules = ARRAY_SIZE(t->rules),
		.rules = t->rules,
	};

	return t;
}

static void expect_reason(struct kunit *test, const struct trial *t,
			  enum receipt_reason reason)
{
	u64 before = receipt_stat_read(RECEIPT_STAT_PROVEN);
	struct receipt_proven *proven = NULL;

	KUNIT_EXPECT_EQ(test, receipt_evidence_prove(&t->ev, &t->policy, &proven),
			reason);
	KUNIT_EXPECT_EQ(test, receipt_stat_read(RECEIPT_STAT_PROVEN) - before,
			!reason);
	KUNIT_EXPECT_EQ(test, !proven, !!reason);
	receipt_proven_put(proven);
}

static struct receipt_proven *must_prove(struct kunit *test, const struct trial *t)
{
	struct receipt_proven *proven;

	KUNIT_ASSERT_EQ(test, receipt_evidence_prove(&t->ev, &t->policy, &proven),
			RECEIPT_REASON_ALLOWED);

	return proven;
}

/*
 * What is accepted
 */

struct accepted {
	int sample;
	const struct receipt_key *issuer;
	u8 nlogs;
	u8 logs[2];	/* in sample_logs */
};

static const struct accepted accepted_cases[] = {
	{ SAMPLE_RFC9162_256, &sample_rules[0].issuer_key, 1, { 0 } },
	{ SAMPLE_RFC9162_384, &sample_rules[1].issuer_key, 1, { 1 } },
	{ SAMPLE_CCF_256, &sample_rules[0].issuer_key, 1, { 3 } },
	{ SAMPLE_CCF_384, &sample_rules[1].issuer_key, 1, { 2 } },
	{ SAMPLE_SHA384, &sample_rules[1].issuer_key, 1, { 2 } },
	{ SAMPLE_WHOLE, &sample_rules[0].issuer_key, 1, { 4 } },
	{ SAMPLE_CROSSED, &sample_rules[0].issuer_key, 1, { 0 } },
	{ SAMPLE_BOTH, &sample_rules[0].issuer_key, 2, { 0, 2 } },
};

static_assert(ARRAY_SIZE(accepted_cases) == ARRAY_SIZE(samples), "all are tested");

static void describe_accepted(const struct accepted *c, char *desc)
{
	strscpy(desc, sample_names[c->sample], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(accepted, accepted_cases, describe_accepted);

static void expect_proof(struct kunit *test, const struct receipt_proof *proof,
			 const struct receipt_log *log)
{
	bool ccf = !strcmp(log->name, "ccf");

	KUNIT_EXPECT_MEMEQ(test, proof->key_id, log->key.id, sizeof(proof->key_id));
	KUNIT_EXPECT_STREQ(test, proof->iss, log->issuer);
	KUNIT_EXPECT_EQ(test, proof->vds, ccf ? RECEIPT_VDS_CCF : RECEIPT_VDS_RFC9162);
	KUNIT_EXPECT_EQ(test, proof->entry, log->entry);
	KUNIT_EXPECT_EQ(test, proof->iat, SAMPLE_RECEIPT_TIME);
	/* The log with the key of P-384 signs the size of its tree. */
	KUNIT_EXPECT_EQ(test, proof->position,
			ccf ? 31 : log->key.curve == RECEIPT_CURVE_P384 ? 1 : 0);
}

static void accepted(struct kunit *test)
{
	const struct accepted *c = test->param_value;
	struct trial *t = new_trial(test, c->sample);
	struct receipt_proven *proven = must_prove(test, t);
	const struct receipt_summary *sum = &proven->summary;
	u8 i;

	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), 1);
	KUNIT_EXPECT_MEMEQ(test, proven->id, sample_ids[c->sample],
			   sizeof(proven->id));
	KUNIT_EXPECT_EQ(test, sum->usage, t->ev.has_manifest ? SAMPLE_USAGE : 0xff);
	KUNIT_EXPECT_STREQ(test, sum->iss, SAMPLE_ISSUER);
	KUNIT_EXPECT_STREQ(test, sum->sub, SAMPLE_SUBJECT);
	KUNIT_EXPECT_TRUE(test, sum->has_svn);
	KUNIT_EXPECT_EQ(test, sum->svn, SAMPLE_SVN);
	KUNIT_EXPECT_EQ(test, sum->iat, SAMPLE_TIME);
	KUNIT_EXPECT_MEMEQ(test, sum->issuer_key_id, c->issuer->id,
			   sizeof(sum->issuer_key_id));
	KUNIT_ASSERT_EQ(test, sum->nproofs, c->nlogs);
	for (i = 0; i < c->nlogs; i++)
		expect_proof(test, &sum->proofs[i], &sample_logs[c->logs[i]]);
	receipt_proven_put(proven);
}

/* What is proven lives on without the evidence and the policy. */
static void accepted_lives_on(struct kunit *test)
{
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);
	char issuer[] = "rfc9162.example";
	struct receipt_proven *proven;

	t->logs[0].issuer = issuer;
	proven = must_prove(test, t);
	memset(issuer, 'x', sizeof(issuer));
	memset((u8 *)t->ev.statement.hdr.blob, 'x', t->ev.statement.hdr.blob_len);
	memset(t->logs, 0, sizeof(t->logs));
	KUNIT_EXPECT_STREQ(test, proven->summary.iss, SAMPLE_ISSUER);
	KUNIT_EXPECT_STREQ(test, proven->summary.proofs[0].iss, "rfc9162.example");
	receipt_proven_put(proven);
}

/* Of two receipts one is enough, wherever it stands. */
static void accepted_one_of_two(struct kunit *test)
{
	struct receipt_proven *proven;
	struct trial *t;
	int bad;

	for (bad = 0; bad < 2; bad++) {
		t = new_trial(test, SAMPLE_BOTH);
		((u8 *)t->ev.receipts[bad].sig)[0] ^= 1;
		proven = must_prove(test, t);
		KUNIT_EXPECT_EQ(test, proven->summary.nproofs, 1);
		expect_proof(test, &proven->summary.proofs[0],
			     &sample_logs[bad ? 0 : 2]);
		receipt_proven_put(proven);
	}
	((u8 *)t->ev.receipts[0].sig)[0] ^= 1;
	expect_reason(test, t, RECEIPT_REASON_SIGNATURE);
}

/*
 * Evidence does not say who signed the statement: that is the matter of rules
 * with issuer_key=, of whose keys the first that fits is named.
 */
static void issuer_key(struct kunit *test)
{
	static const u8 none[RECEIPT_HASH_SIZE];
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);
	struct receipt_proven *proven;

	t->rules[0].issuer_key = sample_logs[0].key;
	proven = must_prove(test, t);
	KUNIT_EXPECT_MEMEQ(test, proven->summary.issuer_key_id, none, sizeof(none));
	receipt_proven_put(proven);

	t->rules[1].issuer_key = sample_rules[0].issuer_key;
	proven = must_prove(test, t);
	KUNIT_EXPECT_MEMEQ(test, proven->summary.issuer_key_id,
			   sample_rules[0].issuer_key.id, sizeof(none));
	receipt_proven_put(proven);

	t->rules[1].has_issuer_key = false;
	proven = must_prove(test, t);
	KUNIT_EXPECT_MEMEQ(test, proven->summary.issuer_key_id, none, sizeof(none));
	receipt_proven_put(proven);
}

/*
 * What nobody signs may differ, a size that asks for the same path, and says nothing;
 * what is signed may not.
 */
static void accepted_size(struct kunit *test)
{
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);
	struct receipt_proven *proven;

	t->ev.receipts[0].tree_size = 4;
	t->ev.tree_size = 4;
	proven = must_prove(test, t);
	KUNIT_EXPECT_EQ(test, proven->summary.proofs[0].position, 0);
	receipt_proven_put(proven);

	t = new_trial(test, SAMPLE_RFC9162_384);
	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
	t->ev.receipts[0].tree_size = 4;
	expect_reason(test, t, RECEIPT_REASON_TREE_SIZE);
}

/* A signature is verified once, and what is remembered is that one alone. */
static void verified_once(struct kunit *test)
{
	struct trial *t = new_trial(test, SAMPLE_CCF_384);
	u8 *sig = (u8 *)t->ev.receipts[0].sig;
	u64 before;

	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
	before = receipt_stat_read(RECEIPT_STAT_SIGNATURES);
	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
	KUNIT_EXPECT_EQ(test, receipt_stat_read(RECEIPT_STAT_SIGNATURES), before);

	sig[95] ^= 1;
	expect_reason(test, t, RECEIPT_REASON_SIGNATURE);
	expect_reason(test, t, RECEIPT_REASON_SIGNATURE);
	KUNIT_EXPECT_EQ(test, receipt_stat_read(RECEIPT_STAT_SIGNATURES), before + 2);
	sig[95] ^= 1;
	/* Another key under the same id. */
	memcpy(t->logs[2].key.spki, t->logs[1].key.spki,
	       t->logs[1].key.spki_len);
	expect_reason(test, t, RECEIPT_REASON_SIGNATURE);
}

/* A key that is none does not say of a signature that it is another's. */
static void not_verifiable(struct kunit *test)
{
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);

	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
	t->rules[1].issuer_key.spki[100] ^= 1;
	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
	t->rules[0].issuer_key.spki[80] ^= 1;
	expect_reason(test, t, RECEIPT_REASON_UNVERIFIABLE);
}

/* Each key is held against its curve, wherever it stands. */
static void point(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sample_logs); i++) {
		struct receipt_key key = sample_logs[i].key;

		KUNIT_EXPECT_EQ(test, receipt_logkey_identify(&key), 0);
		key.spki[key.spki_len - 1] ^= 1;
		KUNIT_EXPECT_EQ(test, receipt_logkey_identify(&key), -EINVAL);
	}
}

/*
 * Headers of statements. They are read before anything is verified, so those with
 * nothing wrong come as far as the receipt, which is one for another statement.
 */

struct header_case {
	const char *desc;
	enum receipt_reason reason;
	struct item item;
	struct bytes blob;
};

#define TYPE		"application/vnd.receipt.manifest-root"
#define ALG		UINT(1), NINT(-7)
#define CONTENT_TYPE	UINT(3), TSTR(sizeof(TYPE) - 1)
#define CLAIMS		UINT(15), MAP(1), UINT(1), TSTR(1)

/* Of a manifest, with the issuer "i", and what else is told. */
#define WITH(desc, reason, more, n, ...)				\
	{ desc, RECEIPT_REASON_##reason,				\
	  ITEM(MAP(3 + (n)), ALG, CONTENT_TYPE, CLAIMS, __VA_ARGS__),	\
	  BYTES(TYPE "i" more) }

/* With these claims in place of the issuer. */
#define CWT(desc, reason, texts, n, ...)				\
	{ desc, RECEIPT_REASON_##reason,				\
	  ITEM(MAP(3), ALG, CONTENT_TYPE, UINT(15), MAP(n), __VA_ARGS__), \
	  BYTES(TYPE texts) }

/* Without a content type. */
#define BARE(desc, reason, more, n, ...)				\
	{ desc, RECEIPT_REASON_##reason,				\
	  ITEM(MAP(2 + (n)), ALG, CLAIMS, __VA_ARGS__), BYTES("i" more) }

static const struct header_case header_cases[] = {
	{ "control", RECEIPT_REASON_SIGNATURE,
	  ITEM(MAP(3), ALG, CONTENT_TYPE, CLAIMS), BYTES(TYPE "i") },
	WITH("unknown labels", SIGNATURE, "mine", 3, UINT(99), ARRAY(1), UINT(0),
	     NINT(-70000), SIMPLE(22), TSTR(4), MAP(0)),
	{ "no map", RECEIPT_REASON_TOKENS, ITEM(ARRAY(0)), {} },
	{ "a tagged map", RECEIPT_REASON_TOKENS,
	  ITEM(TAG(1), MAP(3), ALG, CONTENT_TYPE, CLAIMS), BYTES(TYPE "i") },
	{ "nothing", RECEIPT_REASON_TOKENS, {}, {} },
	{ "empty map", RECEIPT_REASON_NO_CLAIMS, ITEM(MAP(0)), {} },
	{ "a map over the bound", RECEIPT_REASON_BOUND,
	  ITEM(MAP(RECEIPT_MAX_TOKENS + 1)), {} },
	/* labels */
	WITH("label in bytes", TOKENS, "x", 1, BSTR(1), UINT(0)),
	WITH("label that is an array", TOKENS, "", 1, ARRAY(0), UINT(0)),
	WITH("label over S64_MAX", TOKENS, "", 1, UINT(1ULL << 63), UINT(0)),
	WITH("label twice", DUPLICATE_LABEL, "", 1, ALG),
	WITH("claims twice", DUPLICATE_LABEL, "j", 1, CLAIMS),
	WITH("unknown label twice", DUPLICATE_LABEL, "", 2, UINT(99), UINT(1),
	     UINT(99), UINT(1)),
	WITH("negative label twice", DUPLICATE_LABEL, "", 2, NINT(-9), UINT(1),
	     NINT(-9), UINT(2)),
	WITH("text label twice", DUPLICATE_LABEL, "mymy", 2, TSTR(2), UINT(1),
	     TSTR(2), UINT(2)),
	WITH("two text labels", SIGNATURE, "mymx", 2, TSTR(2), UINT(1),
	     TSTR(2), UINT(2)),
	/* critical labels */
	WITH("critical: known", SIGNATURE, "", 1, UINT(2), ARRAY(2), UINT(1),
	     UINT(15)),
	WITH("critical: unknown", CRITICAL, "", 1, UINT(2), ARRAY(1), UINT(99)),
	WITH("critical: unknown behind known", CRITICAL, "", 1, UINT(2), ARRAY(2),
	     UINT(1), UINT(99)),
	WITH("critical: negative of a known one", CRITICAL, "", 1, UINT(2), ARRAY(1),
	     NINT(-1)),
	WITH("critical: text", CRITICAL, "alg", 1, UINT(2), ARRAY(1), TSTR(3)),
	WITH("critical: itself", CRITICAL, "", 1, UINT(2), ARRAY(1), UINT(2)),
	WITH("critical: known, and not there", TOKENS, "", 1, UINT(2), ARRAY(2),
	     UINT(1), UINT(4)),
	WITH("critical: there twice", SIGNATURE, "", 1, UINT(2), ARRAY(2),
	     UINT(15), UINT(15)),
	WITH("critical: over the bound", BOUND, "", 1, UINT(2),
	     ARRAY(RECEIPT_MAX_CRIT + 1), UINT(1), UINT(1), UINT(1), UINT(1), UINT(1),
	     UINT(1), UINT(1), UINT(1), UINT(1), UINT(1), UINT(1), UINT(1), UINT(1),
	     UINT(1), UINT(1), UINT(1), UINT(1)),
	WITH("critical: none", TOKENS, "", 1, UINT(2), ARRAY(0)),
	WITH("critical: no array", TOKENS, "", 1, UINT(2), UINT(1)),
	WITH("critical: no label", TOKENS, "", 1, UINT(2), ARRAY(1), SIMPLE(22)),
	/* claims */
	CWT("no issuer", NO_CLAIMS, "s", 1, UINT(2), TSTR(1)),
	CWT("empty issuer", NO_CLAIMS, "", 1, UINT(1), TSTR(0)),
	CWT("issuer in bytes", TOKENS, "i", 1, UINT(1), BSTR(1)),
	CWT("issuer that is a number", TOKENS, "", 1, UINT(1), UINT(1)),
	CWT("issuer with a NUL", TOKENS, "i\0j", 1, UINT(1), TSTR(3)),
	CWT("issuer twice", DUPLICATE_LABEL, "ij", 2, UINT(1), TSTR(1), UINT(1),
	    TSTR(1)),
	CWT("subject with a NUL at its end", TOKENS, "is\0", 2, UINT(1), TSTR(1),
	    UINT(2), TSTR(2)),
	CWT("subject that is a map", TOKENS, "i", 2, UINT(1), TSTR(1), UINT(2), MAP(0)),
	CWT("empty subject", SIGNATURE, "i", 2, UINT(1), TSTR(1), UINT(2), TSTR(0)),
	CWT("time", SIGNATURE, "i", 2, UINT(1), TSTR(1), UINT(6), NINT(-5)),
	CWT("time that is a text", TOKENS, "it", 2, UINT(1), TSTR(1), UINT(6), TSTR(1)),
	CWT("time of another tag", TOKENS, "i", 2, UINT(1), TSTR(1), UINT(6), TAG(0),
	    UINT(1)),
	CWT("time that is tagged twice", TOKENS, "i", 2, UINT(1), TSTR(1), UINT(6),
	    TAG(1), TAG(1), UINT(1)),
	CWT("time over S64_MAX", TOKENS, "i", 2, UINT(1), TSTR(1), UINT(6),
	    UINT(1ULL << 63)),
	CWT("svn", SIGNATURE, "isvn", 2, UINT(1), TSTR(1), TSTR(3), UINT(S64_MAX)),
	CWT("svn that is negative", TOKENS, "isvn", 2, UINT(1), TSTR(1), TSTR(3),
	    NINT(-1)),
	CWT("svn over S64_MAX", TOKENS, "isvn", 2, UINT(1), TSTR(1), TSTR(3),
	    UINT(1ULL << 63)),
	CWT("svn that is a text", TOKENS, "isvn7", 2, UINT(1), TSTR(1), TSTR(3),
	    TSTR(1)),
	CWT("svn twice", DUPLICATE_LABEL, "isvnsvn", 3, UINT(1), TSTR(1), TSTR(3),
	    UINT(1), TSTR(3), UINT(9)),
	{ "claims that are no map", RECEIPT_REASON_TOKENS,
	  ITEM(MAP(3), ALG, CONTENT_TYPE, UINT(15), ARRAY(0)), BYTES(TYPE) },
	{ "no claims", RECEIPT_REASON_NO_CLAIMS, ITEM(MAP(2), ALG, CONTENT_TYPE),
	  BYTES(TYPE) },
	/* what it is about */
	BARE("no content type", HASH_ALGORITHM, "", 0),
	BARE("another content type", CONTENT_TYPE, TYPE "s", 1, UINT(3),
	     TSTR(sizeof(TYPE))),
	BARE("the beginning of the content type", CONTENT_TYPE, "application", 1,
	     UINT(3), TSTR(11)),
	BARE("content type in bytes", CONTENT_TYPE, TYPE, 1, UINT(3),
	     BSTR(sizeof(TYPE) - 1)),
	BARE("content type that is a number", CONTENT_TYPE, "", 1, UINT(3), UINT(60)),
	BARE("hash envelope of another digest", DIGEST, "", 1, UINT(258), NINT(-16)),
	BARE("hash envelope of another kind", DIGEST, "", 1, UINT(258), NINT(-44)),
	BARE("hash envelope, unknown algorithm", HASH_ALGORITHM, "", 1, UINT(258),
	     NINT(-18)),
	BARE("hash envelope, positive algorithm", HASH_ALGORITHM, "", 1, UINT(258),
	     UINT(16)),
	BARE("hash envelope, algorithm in text", TOKENS, "x", 1, UINT(258), TSTR(1)),
	WITH("hash envelope with a content type", CONTENT_TYPE, "", 1, UINT(258),
	     NINT(-16)),
	/* the rest */
	{ "algorithm in text", RECEIPT_REASON_TOKENS,
	  ITEM(MAP(3), UINT(1), TSTR(5), CONTENT_TYPE, CLAIMS),
	  BYTES("ES256" TYPE "i") },
	{ "no algorithm", RECEIPT_REASON_SIGNATURE, ITEM(MAP(2), CONTENT_TYPE, CLAIMS),
	  BYTES(TYPE "i") },
	WITH("kid in text", TOKENS, "kid", 1, UINT(4), TSTR(3)),
	WITH("kid", SIGNATURE, "kid", 1, UINT(4), BSTR(3)),
};

KUNIT_ARRAY_PARAM_DESC(header, header_cases, desc);

static void header(struct kunit *test)
{
	const struct header_case *c = test->param_value;
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);

	t->ev.statement.hdr = receipt_kunit_header(test, &c->item, &c->blob);
	expect_reason(test, t, c->reason);
}

/* As long as a claim may be, and one byte more. */
static void header_claim_len(struct kunit *test)
{
	char *blob = kunit_kzalloc(test, strlen(TYPE) + RECEIPT_MAX_CLAIM + 1,
				   GFP_KERNEL);
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);
	u32 len;

	KUNIT_ASSERT_NOT_NULL(test, blob);
	memcpy(blob, TYPE, strlen(TYPE));
	memset(blob + strlen(TYPE), 'i', RECEIPT_MAX_CLAIM + 1);
	for (len = RECEIPT_MAX_CLAIM; len <= RECEIPT_MAX_CLAIM + 1; len++) {
		struct item item = ITEM(MAP(3), ALG, CONTENT_TYPE, UINT(15), MAP(1),
					UINT(1), TSTR(len));
		struct bytes bytes = { blob, strlen(TYPE) + len };

		t->ev.statement.hdr = receipt_kunit_header(test, &item, &bytes);
		expect_reason(test, t, len > RECEIPT_MAX_CLAIM ?
				       RECEIPT_REASON_BOUND :
				       RECEIPT_REASON_SIGNATURE);
	}
}

/* As many pairs as a map may have, and one more. */
static void header_pairs(struct kunit *test)
{
	const struct item item = ITEM(MAP(3), ALG, CONTENT_TYPE, CLAIMS);
	const struct bytes blob = BYTES(TYPE "i");
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);
	struct receipt_token *tokens;
	u32 pairs, n = item.n;

	tokens = kunit_kcalloc(test, n + 2 * RECEIPT_MAX_MAP, sizeof(*tokens),
			       GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tokens);
	memcpy(tokens, item.tokens, n * sizeof(*tokens));
	for (pairs = 4; pairs <= RECEIPT_MAX_MAP + 1; pairs++) {
		tokens[n++] = (struct receipt_token)UINT(1000 + pairs);
		tokens[n++] = (struct receipt_token)UINT(0);
		if (pairs < RECEIPT_MAX_MAP)
			continue;
		tokens[0].arg = pairs;
		t->ev.statement.hdr = (struct receipt_header){
			tokens, n, blob.data, blob.len
		};
		expect_reason(test, t, pairs > RECEIPT_MAX_MAP ?
				       RECEIPT_REASON_BOUND :
				       RECEIPT_REASON_SIGNATURE);
	}
}

/*
 * Headers of receipts, for the log that has one key. Those with nothing wrong have
 * another signature.
 */

#define LOG_CLAIMS	UINT(15), MAP(1), UINT(1), TSTR(13)
#define LOG(desc, reason, more, n, ...)					\
	{ desc, RECEIPT_REASON_##reason, ITEM(MAP(n), __VA_ARGS__),	\
	  BYTES("whole.example" more) }

static const struct header_case receipt_cases[] = {
	LOG("control", SIGNATURE, "", 3, LOG_CLAIMS, ALG, UINT(395), UINT(1)),
	LOG("no structure", UNKNOWN_STRUCTURE, "", 2, LOG_CLAIMS, ALG),
	LOG("structure 0", UNKNOWN_STRUCTURE, "", 3, LOG_CLAIMS, ALG, UINT(395),
	    UINT(0)),
	LOG("structure 3", UNKNOWN_STRUCTURE, "", 3, LOG_CLAIMS, ALG, UINT(395),
	    UINT(3)),
	LOG("structure -1", UNKNOWN_STRUCTURE, "", 3, LOG_CLAIMS, ALG, UINT(395),
	    NINT(-1)),
	LOG("structure 2^32 + 1", UNKNOWN_STRUCTURE, "", 3, LOG_CLAIMS, ALG,
	    UINT(395), UINT((1ULL << 32) + 1)),
	LOG("structure in text", TOKENS, "1", 3, LOG_CLAIMS, ALG, UINT(395), TSTR(1)),
	LOG("structure of another proof", PROOF, "", 3, LOG_CLAIMS, ALG, UINT(395),
	    UINT(2)),
	LOG("no algorithm", ALGORITHM, "", 2, LOG_CLAIMS, UINT(395), UINT(1)),
	LOG("algorithm of another curve", ALGORITHM, "", 3, LOG_CLAIMS, UINT(395),
	    UINT(1), UINT(1), NINT(-35)),
	LOG("algorithm RS1", ALGORITHM, "", 3, LOG_CLAIMS, UINT(395), UINT(1),
	    UINT(1), NINT(-65535)),
	LOG("algorithm 7", ALGORITHM, "", 3, LOG_CLAIMS, UINT(395), UINT(1), UINT(1),
	    UINT(7)),
	LOG("algorithm -7 - 2^32", ALGORITHM, "", 3, LOG_CLAIMS, UINT(395), UINT(1),
	    UINT(1), NINT(-7 - (1LL << 32))),
	LOG("kid of another key", UNKNOWN_KEY, "0123456789abcdef0123456789abcdef", 4,
	    LOG_CLAIMS, ALG, UINT(395), UINT(1), UINT(4), BSTR(32)),
	LOG("short kid", UNKNOWN_KEY, "k", 4, LOG_CLAIMS, ALG, UINT(395), UINT(1),
	    UINT(4), BSTR(1)),
	LOG("empty kid", UNKNOWN_KEY, "", 4, LOG_CLAIMS, ALG, UINT(395), UINT(1),
	    UINT(4), BSTR(0)),
	LOG("unknown log", UNKNOWN_LOG, "x", 3, UINT(15), MAP(1), UINT(1), TSTR(14),
	    ALG, UINT(395), UINT(1)),
	{ "beginning of a log", RECEIPT_REASON_UNKNOWN_LOG,
	  ITEM(MAP(3), UINT(15), MAP(1), UINT(1), TSTR(5), ALG, UINT(395), UINT(1)),
	  BYTES("whole") },
	{ "no claims", RECEIPT_REASON_NO_CLAIMS,
	  ITEM(MAP(2), ALG, UINT(395), UINT(1)), {} },
	LOG("critical label", CRITICAL, "", 4, LOG_CLAIMS, ALG, UINT(395), UINT(1),
	    UINT(2), ARRAY(1), UINT(396)),
	LOG("label twice", DUPLICATE_LABEL, "", 4, LOG_CLAIMS, ALG, UINT(395),
	    UINT(1), UINT(395), UINT(1)),
	LOG("token too many", TOKENS, "", 3, LOG_CLAIMS, ALG, UINT(395), UINT(1),
	    UINT(0)),
};

KUNIT_ARRAY_PARAM_DESC(receipt, receipt_cases, desc);

static void receipt_header(struct kunit *test)
{
	const struct header_case *c = test->param_value;
	struct trial *t = new_trial(test, SAMPLE_WHOLE);

	t->ev.receipts[0].hdr = receipt_kunit_header(test, &c->item, &c->blob);
	expect_reason(test, t, c->reason);
}

/*
 * One thing changed, in evidence that is good otherwise
 */

#define STMT	(&t->ev.statement)
#define RCPT	(&t->ev.receipts[0])
#define EDIT(p)	((u8 *)(p))		/* of the copy */

/* The last token is a number that nothing but a signature holds. */
static void edit_last(const struct receipt_header *hdr)
{
	((struct receipt_token *)hdr->tokens)[hdr->ntokens - 1].arg++;
}

static struct receipt_token *token(const struct receipt_header *hdr, u32 i)
{
	return (struct receipt_token *)&hdr->tokens[i];
}

/* Room behind the end, for what is one longer. */
static void *longer(struct kunit *test, const void *data, size_t len, size_t more)
{
	u8 *copy = kunit_kzalloc(test, len + more, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, data, len);

	return copy;
}

typedef void (*change_fn)(struct kunit *test, struct trial *t);

#define CHANGE(name) static void name(struct kunit *test, struct trial *t)

CHANGE(nothing)			{ }
CHANGE(digest)			{ t->ev.digest.bytes[31] ^= 0x80; }
CHANGE(kind_fsverity)		{ t->ev.digest.kind = RECEIPT_KIND_FSVERITY_SHA256; }
CHANGE(kind_sha512)		{ t->ev.digest.kind = RECEIPT_KIND_SHA512; }
CHANGE(payload)			{ EDIT(STMT->payload)[0] ^= 1; }
CHANGE(payload_shorter)		{ STMT->payload_len--; }
CHANGE(payload_empty)		{ STMT->payload_len = 0; }
CHANGE(manifest_missing)	{ t->ev.has_manifest = false; }
CHANGE(manifest_usage)		{ t->ev.usage |= BIT(RECEIPT_OP_KMODULE); }
CHANGE(manifest_usage_less)	{ t->ev.usage &= t->ev.usage - 1; }
CHANGE(manifest_index)		{ t->ev.index = 0; }
CHANGE(manifest_outside)	{ t->ev.index = t->ev.tree_size; }
CHANGE(manifest_far_outside)	{ t->ev.index = U64_MAX; }
CHANGE(manifest_smaller)	{ t->ev.tree_size--; }
CHANGE(manifest_larger)		{ t->ev.tree_size = 5; }
CHANGE(manifest_empty)		{ t->ev.tree_size = 0; }
CHANGE(manifest_huge)		{ t->ev.tree_size = U64_MAX; }
CHANGE(manifest_path)		{ EDIT(t->ev.path)[63] ^= 1; }
CHANGE(manifest_shorter)	{ t->ev.steps--; }
CHANGE(manifest_no_path)	{ t->ev.steps = 0; }

CHANGE(payload_longer)
{
	STMT->payload = longer(test, STMT->payload, STMT->payload_len, 1);
	STMT->payload_len++;
}

CHANGE(manifest_longer)
{
	t->ev.path = longer(test, t->ev.path, 2 * RECEIPT_HASH_SIZE,
			    RECEIPT_HASH_SIZE);
	t->ev.steps++;
}

CHANGE(manifest_swapped)
{
	u8 *path = EDIT(t->ev.path);
	u8 first[RECEIPT_HASH_SIZE];

	memcpy(first, path, sizeof(first));
	memcpy(path, path + sizeof(first), sizeof(first));
	memcpy(path + sizeof(first), first, sizeof(first));
}

/* The statement */

CHANGE(stmt_svn)		{ edit_last(&STMT->hdr); }
CHANGE(stmt_alg)		{ token(&STMT->hdr, 2)->arg = 34; }
CHANGE(stmt_kid)		{ EDIT(STMT->hdr.blob)[sizeof(TYPE)] ^= 1; }
CHANGE(stmt_subject)		{ EDIT(STMT->hdr.blob)[STMT->hdr.blob_len - 4] ^= 1; }
CHANGE(stmt_sig)		{ EDIT(STMT->sig)[0] ^= 1; }
CHANGE(stmt_sig_shorter)	{ STMT->sig_len--; }
CHANGE(stmt_sig_empty)		{ STMT->sig_len = 0; }
CHANGE(stmt_token_less)		{ STMT->hdr.ntokens--; }
CHANGE(stmt_byte_less)		{ STMT->hdr.blob_len--; }
CHANGE(stmt_pad)		{ token(&STMT->hdr, 5)->pad[0] = 1; }
CHANGE(stmt_major)		{ token(&STMT->hdr, 5)->major = 8; }
CHANGE(stmt_length)		{ token(&STMT->hdr, 4)->arg = U64_MAX; }
CHANGE(stmt_map)		{ token(&STMT->hdr, 0)->arg |= 1ULL << 63; }
CHANGE(stmt_tag)		{ token(&STMT->hdr, 14)->arg = 0; }

CHANGE(stmt_token_more)
{
	u32 size = STMT->hdr.ntokens * sizeof(struct receipt_token);

	STMT->hdr.tokens = longer(test, STMT->hdr.tokens, size,
				  sizeof(struct receipt_token));
	STMT->hdr.ntokens++;
}

CHANGE(stmt_byte_more)
{
	STMT->hdr.blob = longer(test, STMT->hdr.blob, STMT->hdr.blob_len, 1);
	STMT->hdr.blob_len++;
}

CHANGE(stmt_sig_longer)
{
	STMT->sig = longer(test, STMT->sig, STMT->sig_len, 1);
	STMT->sig_len++;
}

/* The same claims, the two first in another order. */
CHANGE(stmt_order)
{
	struct receipt_token *tokens = token(&STMT->hdr, 0);
	struct receipt_token first[2] = { tokens[1], tokens[2] };

	tokens[1] = tokens[3];
	tokens[2] = tokens[4];
	memcpy(tokens + 3, first, sizeof(first));
}

/* The receipt */

CHANGE(receipt_none)		{ t->ev.nreceipts = 0; }
CHANGE(receipt_sig_r)		{ EDIT(RCPT->sig)[5] ^= 1; }
CHANGE(receipt_sig_s)		{ EDIT(RCPT->sig)[RCPT->sig_len - 1] ^= 1; }
CHANGE(receipt_sig_zero)	{ memset(EDIT(RCPT->sig), 0, RCPT->sig_len); }
CHANGE(receipt_sig_ones)	{ memset(EDIT(RCPT->sig), 0xff, RCPT->sig_len); }
CHANGE(receipt_sig_shorter)	{ RCPT->sig_len--; }
CHANGE(receipt_sig_empty)	{ RCPT->sig_len = 0; }
CHANGE(receipt_time)		{ edit_last(&RCPT->hdr); }
CHANGE(receipt_kid)		{ EDIT(RCPT->hdr.blob)[0] ^= 1; }
CHANGE(receipt_issuer)		{ EDIT(RCPT->hdr.blob)[RCPT->hdr.blob_len - 1] ^= 1; }
CHANGE(receipt_alg)		{ token(&RCPT->hdr, 2)->arg ^= 6 ^ 34; }
CHANGE(receipt_vds)		{ token(&RCPT->hdr, 6)->arg ^= 1 ^ 2; }
CHANGE(receipt_vds_unknown)	{ token(&RCPT->hdr, 6)->arg = 3; }
CHANGE(receipt_token_less)	{ RCPT->hdr.ntokens--; }
CHANGE(receipt_no_index)	{ RCPT->has_index = false; }
CHANGE(receipt_index)		{ RCPT->index = 0; }
CHANGE(receipt_outside)		{ RCPT->index = RCPT->tree_size; }
CHANGE(receipt_smaller)		{ RCPT->tree_size--; }
CHANGE(receipt_larger)		{ RCPT->tree_size = 5; }
CHANGE(receipt_empty)		{ RCPT->tree_size = 0; }
CHANGE(receipt_huge)		{ RCPT->tree_size = U64_MAX; }
CHANGE(receipt_path)		{ EDIT(RCPT->path)[0] ^= 1; }
CHANGE(receipt_path_end)	{ EDIT(RCPT->path)[63] ^= 0x80; }
CHANGE(receipt_shorter)		{ RCPT->steps--; }
CHANGE(receipt_no_path)		{ RCPT->steps = 0; }
CHANGE(receipt_tx)		{ EDIT(RCPT->leaf_tx)[31] ^= 1; }
CHANGE(receipt_no_tx)		{ RCPT->leaf_tx = NULL; }
CHANGE(receipt_evidence)	{ EDIT(RCPT->leaf_evidence)[3] ^= 1; }
CHANGE(receipt_evidence_less)	{ RCPT->leaf_evidence_len--; }
CHANGE(receipt_evidence_empty)	{ RCPT->leaf_evidence_len = 0; }
CHANGE(receipt_no_evidence)	{ RCPT->leaf_evidence = NULL; }
CHANGE(receipt_side)		{ EDIT(RCPT->left)[1] ^= 1; }
CHANGE(receipt_side_unknown)	{ EDIT(RCPT->left)[0] = 2; }
CHANGE(receipt_no_sides)	{ RCPT->left = NULL; }
CHANGE(receipt_of_another)	{ *RCPT = samples[SAMPLE_BOTH].receipts[0]; }
CHANGE(receipt_of_other_log)	{ *RCPT = samples[SAMPLE_BOTH].receipts[1]; }

CHANGE(receipt_longer)
{
	RCPT->path = longer(test, RCPT->path, 2 * RECEIPT_HASH_SIZE,
			    RECEIPT_HASH_SIZE);
	RCPT->steps++;
}

CHANGE(receipt_sig_longer)
{
	RCPT->sig = longer(test, RCPT->sig, RCPT->sig_len, 1);
	RCPT->sig_len++;
}

/* A leaf in the place of a node: what a fold without prefixes would take. */
CHANGE(receipt_longer_ccf)
{
	receipt_longer(test, t);
	RCPT->left = longer(test, RCPT->left, 2, 1);
}

/* The policy */

CHANGE(policy_no_logs)		{ t->policy.nlogs = 0; }
CHANGE(policy_entry)		{ t->logs[0].entry = RECEIPT_ENTRY_STMT; }
CHANGE(policy_key)		{ t->logs[0].key.id[0] ^= 1; }

/* Another key, a point that is not on the curve, and none at all, of that id. */
CHANGE(policy_other_point)
{
	memcpy(t->logs[0].key.spki, sample_logs[3].key.spki,
	       sizeof(sample_logs[3].key.spki));
}

CHANGE(policy_off_curve)	{ t->logs[0].key.spki[90] ^= 1; }
CHANGE(policy_zero_point)	{ memset(t->logs[0].key.spki + 27, 0, 64); }

CHANGE(policy_issuer)
{
	t->logs[0].issuer = "rfc9162.exampl";
	t->logs[1].issuer = "rfc9162.example.";
}

/* The key is one of the other log alone. */
CHANGE(policy_moved_key)
{
	t->logs[0].issuer = "ccf.example";
	t->logs[2].issuer = "rfc9162.example";
}

struct change {
	const char *desc;
	change_fn change;
	int sample;
	enum receipt_reason reason;
};

#define TO(sample, change, reason) \
	{ #change ", " #sample, change, SAMPLE_##sample, RECEIPT_REASON_##reason }

static const struct change changes[] = {
	TO(RFC9162_256, nothing, ALLOWED),
	TO(RFC9162_256, digest, MANIFEST_PATH),
	TO(RFC9162_256, kind_fsverity, MANIFEST_PATH),
	TO(RFC9162_256, kind_sha512, MANIFEST_PATH),
	TO(RFC9162_256, payload, MANIFEST_PATH),
	TO(RFC9162_256, payload_shorter, MANIFEST_PATH),
	TO(RFC9162_256, payload_longer, MANIFEST_PATH),
	TO(RFC9162_256, payload_empty, MANIFEST_PATH),
	TO(RFC9162_256, manifest_missing, MANIFEST_PATH),
	TO(RFC9162_256, manifest_usage, MANIFEST_PATH),
	TO(RFC9162_256, manifest_usage_less, MANIFEST_PATH),
	TO(RFC9162_256, manifest_index, MANIFEST_PATH),
	TO(RFC9162_256, manifest_outside, PROOF),
	TO(RFC9162_256, manifest_far_outside, PROOF),
	TO(RFC9162_256, manifest_smaller, PROOF),
	TO(RFC9162_256, manifest_larger, PROOF),
	TO(RFC9162_256, manifest_empty, PROOF),
	TO(RFC9162_256, manifest_huge, PROOF),
	TO(RFC9162_256, manifest_path, MANIFEST_PATH),
	TO(RFC9162_256, manifest_swapped, MANIFEST_PATH),
	TO(RFC9162_256, manifest_shorter, PROOF),
	TO(RFC9162_256, manifest_longer, PROOF),
	TO(RFC9162_256, manifest_no_path, PROOF),
	TO(RFC9162_384, digest, DIGEST),
	TO(RFC9162_384, kind_fsverity, DIGEST),
	TO(RFC9162_384, payload, DIGEST),
	TO(RFC9162_384, payload_shorter, DIGEST),
	TO(RFC9162_384, payload_longer, DIGEST),
	TO(RFC9162_384, payload_empty, DIGEST),
	TO(RFC9162_384, manifest_usage, ALLOWED),
	TO(SHA384, digest, DIGEST),
	TO(SHA384, payload_shorter, DIGEST),
	TO(SHA384, kind_fsverity, DIGEST),

	TO(RFC9162_256, stmt_svn, SIGNATURE),
	TO(RFC9162_256, stmt_alg, SIGNATURE),
	TO(RFC9162_256, stmt_kid, SIGNATURE),
	TO(RFC9162_256, stmt_subject, SIGNATURE),
	TO(RFC9162_256, stmt_tag, TOKENS),
	TO(RFC9162_256, stmt_sig, SIGNATURE),
	TO(RFC9162_256, stmt_sig_shorter, SIGNATURE),
	TO(RFC9162_256, stmt_sig_longer, SIGNATURE),
	TO(RFC9162_256, stmt_sig_empty, SIGNATURE),
	TO(RFC9162_384, stmt_order, SIGNATURE),
	TO(RFC9162_256, stmt_token_less, TOKENS),
	TO(RFC9162_256, stmt_token_more, TOKENS),
	TO(RFC9162_256, stmt_byte_less, TOKENS),
	TO(RFC9162_256, stmt_byte_more, TOKENS),
	TO(RFC9162_256, stmt_pad, TOKENS),
	TO(RFC9162_256, stmt_major, TOKENS),
	TO(RFC9162_256, stmt_length, TOKENS),
	TO(RFC9162_256, stmt_map, BOUND),
	TO(CCF_384, stmt_svn, SIGNATURE),
	TO(CCF_384, stmt_sig, SIGNATURE),
	TO(WHOLE, stmt_svn, SIGNATURE),
	TO(WHOLE, stmt_sig, SIGNATURE),

	TO(RFC9162_256, receipt_none, NO_RECEIPT),
	TO(RFC9162_256, receipt_sig_r, SIGNATURE),
	TO(RFC9162_256, receipt_sig_s, SIGNATURE),
	TO(RFC9162_256, receipt_sig_zero, SIGNATURE),
	TO(RFC9162_256, receipt_sig_ones, SIGNATURE),
	TO(RFC9162_256, receipt_sig_shorter, SIGNATURE),
	TO(RFC9162_256, receipt_sig_longer, SIGNATURE),
	TO(RFC9162_256, receipt_sig_empty, SIGNATURE),
	TO(RFC9162_256, receipt_time, SIGNATURE),
	TO(RFC9162_256, receipt_kid, UNKNOWN_KEY),
	TO(RFC9162_384, receipt_kid, UNKNOWN_KEY),
	TO(RFC9162_256, receipt_issuer, UNKNOWN_LOG),
	TO(RFC9162_256, receipt_alg, ALGORITHM),
	TO(RFC9162_256, receipt_vds, PROOF),
	TO(RFC9162_256, receipt_vds_unknown, UNKNOWN_STRUCTURE),
	TO(RFC9162_256, receipt_token_less, TOKENS),
	TO(RFC9162_256, receipt_no_index, PROOF),
	TO(RFC9162_256, receipt_index, SIGNATURE),
	TO(RFC9162_256, receipt_outside, PROOF),
	TO(RFC9162_256, receipt_smaller, PROOF),
	TO(RFC9162_256, receipt_larger, PROOF),
	TO(RFC9162_256, receipt_empty, PROOF),
	TO(RFC9162_256, receipt_huge, PROOF),
	TO(RFC9162_256, receipt_path, SIGNATURE),
	TO(RFC9162_256, receipt_path_end, SIGNATURE),
	TO(RFC9162_256, receipt_shorter, PROOF),
	TO(RFC9162_256, receipt_longer, PROOF),
	TO(RFC9162_256, receipt_no_path, PROOF),
	TO(RFC9162_256, receipt_of_another, SIGNATURE),
	TO(RFC9162_256, receipt_of_other_log, SIGNATURE),
	TO(RFC9162_384, receipt_sig_r, SIGNATURE),
	TO(RFC9162_384, receipt_sig_zero, SIGNATURE),
	TO(RFC9162_384, receipt_alg, ALGORITHM),
	TO(WHOLE, receipt_path, SIGNATURE),
	TO(WHOLE, receipt_index, SIGNATURE),
	TO(WHOLE, receipt_shorter, PROOF),
	TO(CCF_384, receipt_sig_r, SIGNATURE),
	TO(CCF_384, receipt_sig_s, SIGNATURE),
	TO(CCF_384, receipt_sig_ones, SIGNATURE),
	TO(CCF_384, receipt_sig_shorter, SIGNATURE),
	TO(CCF_384, receipt_time, SIGNATURE),
	TO(CCF_384, receipt_kid, UNKNOWN_KEY),
	TO(CCF_384, receipt_issuer, UNKNOWN_LOG),
	TO(CCF_384, receipt_alg, ALGORITHM),
	TO(CCF_384, receipt_vds, PROOF),
	TO(CCF_384, receipt_vds_unknown, UNKNOWN_STRUCTURE),
	TO(CCF_384, receipt_path, SIGNATURE),
	TO(CCF_384, receipt_path_end, SIGNATURE),
	TO(CCF_384, receipt_shorter, SIGNATURE),
	TO(CCF_384, receipt_longer_ccf, SIGNATURE),
	TO(CCF_384, receipt_no_path, PROOF),
	TO(CCF_384, receipt_tx, SIGNATURE),
	TO(CCF_384, receipt_no_tx, PROOF),
	TO(CCF_384, receipt_evidence, SIGNATURE),
	TO(CCF_384, receipt_evidence_less, SIGNATURE),
	TO(CCF_384, receipt_evidence_empty, SIGNATURE),
	TO(CCF_384, receipt_no_evidence, PROOF),
	TO(CCF_384, receipt_side, SIGNATURE),
	TO(CCF_384, receipt_side_unknown, PROOF),
	TO(CCF_384, receipt_no_sides, PROOF),
	TO(CCF_256, receipt_sig_r, SIGNATURE),
	TO(CCF_256, receipt_side, SIGNATURE),
	TO(SHA384, receipt_sig_s, SIGNATURE),

	TO(RFC9162_256, policy_no_logs, UNKNOWN_LOG),
	TO(RFC9162_256, policy_issuer, UNKNOWN_LOG),
	TO(RFC9162_256, policy_entry, SIGNATURE),
	TO(RFC9162_256, policy_key, UNKNOWN_KEY),
	TO(RFC9162_256, policy_other_point, SIGNATURE),
	TO(RFC9162_256, policy_off_curve, UNVERIFIABLE),
	TO(RFC9162_256, policy_zero_point, UNVERIFIABLE),
	TO(RFC9162_256, policy_moved_key, UNKNOWN_KEY),
};

KUNIT_ARRAY_PARAM_DESC(change, changes, desc);

static void changed(struct kunit *test)
{
	const struct change *c = test->param_value;
	struct trial *t = new_trial(test, c->sample);

	c->change(test, t);
	expect_reason(test, t, c->reason);
}

/*
 * Any byte and any token changed: nothing of it is left that proves anything
 */

static void expect_refused(struct kunit *test, const struct trial *t,
			   const char *field, size_t at)
{
	struct receipt_proven *proven;
	enum receipt_reason reason;

	reason = receipt_evidence_prove(&t->ev, &t->policy, &proven);
	KUNIT_EXPECT_NE_MSG(test, reason, RECEIPT_REASON_ALLOWED, "%s[%zu]", field, at);
	KUNIT_EXPECT_NE_MSG(test, reason, RECEIPT_REASON_NO_MEMORY, "%s[%zu]", field, at);
	if (!reason)
		receipt_proven_put(proven);
}

static void flip_bytes(struct kunit *test, const struct trial *t, const char *field,
		       const u8 *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		EDIT(data)[i] ^= BIT(i % 8);
		expect_refused(test, t, field, i);
		EDIT(data)[i] ^= BIT(i % 8);
	}
	cond_resched();
}

static void flip_tokens(struct kunit *test, const struct trial *t, const char *field,
			const struct receipt_header *hdr)
{
	u32 i;

	for (i = 0; i < hdr->ntokens; i++) {
		token(hdr, i)->arg ^= 1;
		expect_refused(test, t, field, i);
		token(hdr, i)->arg ^= 1;
		token(hdr, i)->major ^= 1;
		expect_refused(test, t, field, i);
		token(hdr, i)->major ^= 1;
	}
}

#define FLIP(data, len) flip_bytes(test, t, #data, t->ev.data, t->ev.len)

static void flip_receipt(struct kunit *test, struct trial *t)
{
	flip_tokens(test, t, "receipt", &RCPT->hdr);
	FLIP(receipts[0].hdr.blob, receipts[0].hdr.blob_len);
	FLIP(receipts[0].sig, receipts[0].sig_len);
	flip_bytes(test, t, "path", RCPT->path, 2 * RECEIPT_HASH_SIZE);
}

static void flipped_statement(struct kunit *test)
{
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);

	flip_tokens(test, t, "statement", &STMT->hdr);
	FLIP(statement.hdr.blob, statement.hdr.blob_len);
	FLIP(statement.payload, statement.payload_len);
	FLIP(statement.sig, statement.sig_len);
	flip_bytes(test, t, "digest", t->ev.digest.bytes, RECEIPT_HASH_SIZE);
	flip_bytes(test, t, "manifest", t->ev.path, 2 * RECEIPT_HASH_SIZE);
	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
}

static void flipped_rfc9162(struct kunit *test)
{
	struct trial *t = new_trial(test, SAMPLE_RFC9162_256);

	flip_receipt(test, t);
	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
}

static void flipped_ccf(struct kunit *test)
{
	struct trial *t = new_trial(test, SAMPLE_CCF_256);

	flip_receipt(test, t);
	flip_bytes(test, t, "digest", t->ev.digest.bytes, RECEIPT_HASH_SIZE);
	flip_bytes(test, t, "tx", RCPT->leaf_tx, RECEIPT_HASH_SIZE);
	FLIP(receipts[0].leaf_evidence, receipts[0].leaf_evidence_len);
	flip_bytes(test, t, "left", RCPT->left, RCPT->steps);
	expect_reason(test, t, RECEIPT_REASON_ALLOWED);
}

/*
 * Keys
 */

static void kid(struct kunit *test)
{
	const struct receipt_key *key = &sample_logs[0].key;
	char hex[2 * RECEIPT_HASH_SIZE + 1] = {};
	struct receipt_text text = {};
	u32 len;

	KUNIT_EXPECT_TRUE(test, receipt_logkey_kid(key, &text));
	bin2hex(hex, key->id, RECEIPT_HASH_SIZE);
	text.data = hex;
	for (len = 0; len <= sizeof(hex); len++) {
		text.len = len;
		KUNIT_EXPECT_EQ(test, receipt_logkey_kid(key, &text),
				len == sizeof(hex) - 1);
	}
	text.data = key->id;
	for (len = 0; len < RECEIPT_HASH_SIZE; len++) {
		text.len = len;
		KUNIT_EXPECT_FALSE(test, receipt_logkey_kid(key, &text));
	}
	text.len = RECEIPT_HASH_SIZE;
	KUNIT_EXPECT_TRUE(test, receipt_logkey_kid(key, &text));
	KUNIT_EXPECT_FALSE(test, receipt_logkey_kid(&sample_logs[1].key, &text));
}

static void algorithm(struct kunit *test)
{
	s64 alg;

	for (alg = -70; alg < 70; alg++) {
		KUNIT_EXPECT_EQ(test, alg == -7 || alg == -9,
				receipt_logkey_fits(&sample_logs[0].key, alg));
		KUNIT_EXPECT_EQ(test, alg == -35 || alg == -51,
				receipt_logkey_fits(&sample_logs[1].key, alg));
	}
}

static struct kunit_case evidence_cases[] = {
	KUNIT_CASE_PARAM(accepted, accepted_gen_params),
	KUNIT_CASE(accepted_lives_on),
	KUNIT_CASE(accepted_one_of_two),
	KUNIT_CASE(accepted_size),
	KUNIT_CASE(issuer_key),
	KUNIT_CASE(verified_once),
	KUNIT_CASE(not_verifiable),
	KUNIT_CASE(point),
	KUNIT_CASE_PARAM(header, header_gen_params),
	KUNIT_CASE(header_claim_len),
	KUNIT_CASE(header_pairs),
	KUNIT_CASE_PARAM(receipt_header, receipt_gen_params),
	KUNIT_CASE_PARAM(changed, change_gen_params),
	KUNIT_CASE_SLOW(flipped_statement),
	KUNIT_CASE_SLOW(flipped_rfc9162),
	KUNIT_CASE_SLOW(flipped_ccf),
	KUNIT_CASE(kid),
	KUNIT_CASE(algorithm),
	{}
};

static struct kunit_suite evidence_suite = {
	.name = "receipt_evidence",
	.init = receipt_kunit_init,
	.test_cases = evidence_cases,
};

kunit_test_suite(evidence_suite);
