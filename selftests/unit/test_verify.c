// SPDX-License-Identifier: MIT
/*
 * Verdicts over whole statements: what decides, in which order, and what a
 * policy says; then hostile copies of a good one, and statements of others.
 */
#include "craft.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "bundle.h"
#include "sign.h"
#include "transparent.h"
#include "verify.h"

/* An issuer, a log, and a bundle of two artifacts with one receipt. */
struct scene {
	struct rcpt_signer issuer;
	struct rcpt_signer log;
	struct rcpt_keys keys;
	struct rcpt_keys issuer_keys;
	struct rcpt_digests artifact[2];	/* EXECUTE; KMODULE */
	uint8_t *file;
	size_t len;
	struct rcpt_bundle bundle;
};

static void sign_bundle(struct scene *s)
{
	struct rcpt_leaf leaves[2];
	uint8_t (*nodes)[32], root[32], *transparent;
	size_t i, len;

	for (i = 0; i < 2; i++) {
		struct rcpt_digests *d = &s->artifact[i];

		d->n = 1;
		d->digests[0].kind = RECEIPT_KIND_SHA256;
		memset(d->digests[0].bytes, i + 1, 32);
		leaves[i] = (struct rcpt_leaf){
			.digest = d->digests[0].bytes, .kind = RECEIPT_KIND_SHA256,
			.usage = 1 << (i ? RECEIPT_OP_KMODULE : RECEIPT_OP_EXECUTE),
			.name = "file", .name_len = 4,
		};
	}
	assert_int_equal(rcpt_manifest_tree(leaves, 2, &nodes, root, NULL), 0);
	free(nodes);
	transparent = transparent_make(&s->issuer, &s->log, NULL, root, 1, &len);
	assert_int_equal(rcpt_bundle_encode(rcpt_span(transparent, len), leaves, 2, &s->file,
					    &s->len, NULL), 0);
	free(transparent);
	assert_int_equal(rcpt_bundle_parse(rcpt_span(s->file, s->len), &s->bundle, NULL), 0);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_int_equal(rcpt_signer_generate(RCPT_ES256, &s->issuer, NULL), 0);
	assert_int_equal(rcpt_signer_generate(RCPT_ES384, &s->log, NULL), 0);
	s->keys = craft_keys(s->log.pkey, "log.example");
	s->issuer_keys = craft_keys(s->issuer.pkey, NULL);
	sign_bundle(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	rcpt_bundle_free(&s->bundle);
	free(s->file);
	rcpt_keys_free(&s->keys);
	rcpt_keys_free(&s->issuer_keys);
	rcpt_signer_free(&s->issuer);
	rcpt_signer_free(&s->log);
	free(s);
	return 0;
}

static struct rcpt_verify_params params_of(const struct scene *s)
{
	return (struct rcpt_verify_params){
		.stmt = &s->bundle.statement, .bundle = &s->bundle, .keys = &s->keys,
	};
}

static void expect(const struct rcpt_verify_params *p, int status,
		   enum receipt_reason reason)
{
	struct rcpt_verify_result *res = malloc(sizeof(*res));
	int ret = rcpt_verify(p, res);

	if (ret != -status || res->err.status != status ||
	    (status && res->err.reason != reason))
		fail_msg("%d (%s): %s", -ret, rcpt_reason_text(res->err.reason),
			 res->err.text);
	rcpt_verify_result_free(res);
	free(res);
}

static void takes_a_good_bundle(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	const struct scene *s = *state;
	struct rcpt_verify_result *res = malloc(sizeof(*res));

	p.trust.keys = &s->issuer_keys;
	p.artifact = &s->artifact[1];
	assert_int_equal(rcpt_verify(&p, res), 0);
	assert_int_equal(res->nvalid, 1);
	assert_int_equal(res->issuer.status, 0);
	assert_true(res->bound);
	assert_int_equal(res->leaf, 1);
	assert_int_equal(res->usage, 1 << RECEIPT_OP_KMODULE);
	assert_ptr_equal(res->receipts[0].key, &s->keys.keys[0]);
	assert_false(res->decided);
	rcpt_verify_result_free(res);
	free(res);
}

static void lets_receipts_decide_without_an_issuer_key(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	struct rcpt_verify_result *res = malloc(sizeof(*res));

	assert_int_equal(rcpt_verify(&p, res), 0);
	assert_int_equal(res->issuer.status, RCPT_CANNOT_EVALUATE);
	assert_int_equal(res->issuer.reason, RECEIPT_REASON_NO_ISSUER_KEY);
	rcpt_verify_result_free(res);
	free(res);
}

static void refuses_another_issuer_key(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	EVP_PKEY *ec = craft_key("P-256"), *rsa = craft_key("RSA");
	struct rcpt_keys keys = craft_keys(ec, NULL), rsa_keys = craft_keys(rsa, NULL);

	/* the statement names another key */
	p.trust.keys = &keys;
	expect(&p, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_ISSUER_KEY);
	/* a key without a name of its own is for any */
	keys.keys[0].bare = true;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_ISSUER_SIGNATURE);
	rsa_keys.keys[0].bare = true;
	p.trust.keys = &rsa_keys;
	expect(&p, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM);
	rcpt_keys_free(&keys);
	rcpt_keys_free(&rsa_keys);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}

static void refuses_another_artifact(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	struct rcpt_digests other = { .n = 1, .digests = { { 1, { 7 } } } };
	struct rcpt_digests kind = ((struct scene *)*state)->artifact[0];

	p.artifact = &other;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_DIGEST);
	/* the same bytes as a digest of another kind */
	kind.digests[0].kind = RECEIPT_KIND_FSVERITY_SHA256;
	p.artifact = &kind;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_DIGEST);
	p.artifact = &((struct scene *)*state)->artifact[0];
	p.bundle = NULL;
	expect(&p, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_MANIFEST_PATH);
}

static void compares_the_payload(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	uint8_t other[32] = { 1 };

	p.payload = p.stmt->sign1.payload;
	expect(&p, 0, 0);
	p.payload = rcpt_span(other, sizeof(other));
	expect(&p, RCPT_INVALID, RECEIPT_REASON_DIGEST);
	p.payload = rcpt_span(p.stmt->sign1.payload.data, 31);
	expect(&p, RCPT_INVALID, RECEIPT_REASON_DIGEST);
}

static void needs_a_key_of_the_log(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	struct rcpt_keys none = { 0 };
	EVP_PKEY *other = craft_key("P-384");
	struct rcpt_keys wrong = craft_keys(other, "log.example");

	p.keys = &none;
	expect(&p, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_UNKNOWN_LOG);
	/* the receipt names its key */
	p.keys = &wrong;
	expect(&p, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_UNKNOWN_KEY);
	rcpt_keys_free(&wrong);
	EVP_PKEY_free(other);
}

static void takes_receipts_beside_the_statement(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	struct rcpt_span bytes = rcpt_span(p.stmt->bytes, p.stmt->len);
	struct rcpt_span receipt = p.stmt->receipts[0];
	struct rcpt_statement bare;

	assert_int_equal(rcpt_statement_parse(bytes, &bare, NULL), 0);
	p.stmt = &bare;
	p.bundle = NULL;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_NO_RECEIPT);
	p.beside[0] = rcpt_span("junk", 4);
	p.nbeside = 1;
	expect(&p, RCPT_MALFORMED, RECEIPT_REASON_CBOR);
	/* one that is good is enough, unless all are asked for */
	p.beside[1] = receipt;
	p.nbeside = 2;
	expect(&p, 0, 0);
	p.require_all = true;
	expect(&p, RCPT_MALFORMED, RECEIPT_REASON_CBOR);
	rcpt_statement_free(&bare);
}

/* Of several wrong receipts, what is proven wrong weighs most. */
static void weighs_wrong_receipts(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	struct rcpt_span good = p.stmt->receipts[0];
	uint8_t *flipped = malloc(good.len);
	struct rcpt_statement bare;

	assert_int_equal(rcpt_statement_parse(rcpt_span(p.stmt->bytes, p.stmt->len), &bare,
					      NULL), 0);
	memcpy(flipped, good.data, good.len);
	flipped[good.len - 1] ^= 1;
	p.stmt = &bare;
	p.bundle = NULL;
	p.beside[0] = rcpt_span("junk", 4);
	p.beside[1] = rcpt_span(flipped, good.len);
	p.nbeside = 2;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_SIGNATURE);
	free(flipped);
	rcpt_statement_free(&bare);
}

/* Statements that are put together by hand, with one good receipt. */
struct made {
	struct craft raw;
	struct rcpt_statement stmt;
};

static void make(const struct scene *s, struct made *m, unsigned int more,
		 const char *more_hex, struct rcpt_span payload)
{
	struct craft bare = craft_statement(s->issuer.pkey, RCPT_ES256, more, more_hex,
					    payload);
	struct craft header = craft_receipt_header(RCPT_ES384, 1, "log.example", 0, "");
	struct craft proof = craft_rfc9162_proof(1, 0, NULL, 0);
	struct craft unprotected = craft_proofs(&proof, 1), receipt;
	uint8_t root[32], digest[32];

	assert_int_equal(rcpt_sha256(bare.data, bare.len, digest), 0);
	assert_int_equal(rcpt_leaf_hash(digest, 32, root), 0);
	receipt = craft_sign1(s->log.pkey, RCPT_ES384, &header, &unprotected,
			      rcpt_span(root, 32), NULL);
	m->raw = craft_transparent(&bare, &receipt, 1);
	assert_int_equal(rcpt_statement_parse(craft_span(&m->raw), &m->stmt, NULL), 0);
}

static void binds_hash_envelopes(void **state)
{
	static const struct {
		const char *more;
		unsigned int pairs;
		size_t len;
		uint8_t kind;
		int status;
		enum receipt_reason reason;
	} rows[] = {
		{ "190102 2f", 1, 32, RECEIPT_KIND_SHA256, 0, 0 },
		{ "190102 382a", 1, 48, RECEIPT_KIND_SHA384, 0, 0 },
		{ "190102 382b", 1, 64, RECEIPT_KIND_SHA512, 0, 0 },
		/* of another kind than the artifact's digest */
		{ "190102 2f", 1, 32, RECEIPT_KIND_SHA384, RCPT_INVALID, RECEIPT_REASON_DIGEST },
		{ "190102 2f", 1, 31, RECEIPT_KIND_SHA256, RCPT_INVALID, RECEIPT_REASON_DIGEST },
		{ "190102 382d", 1, 32, RECEIPT_KIND_SHA256, RCPT_CANNOT_EVALUATE,
		  RECEIPT_REASON_HASH_ALGORITHM },
		/* with a content type */
		{ "190102 2f 03 6161", 2, 32, RECEIPT_KIND_SHA256, RCPT_INVALID,
		  RECEIPT_REASON_CONTENT_TYPE },
		{ "190102 2f 03 00", 2, 32, RECEIPT_KIND_SHA256, RCPT_INVALID,
		  RECEIPT_REASON_CONTENT_TYPE },
	};
	struct rcpt_verify_params p = params_of(*state);
	struct made *m = malloc(sizeof(*m));
	size_t i;

	p.bundle = NULL;
	p.stmt = &m->stmt;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rcpt_digests d = { .n = 1 };

		d.digests[0].kind = rows[i].kind;
		memset(d.digests[0].bytes, 5, 64);
		make(*state, m, rows[i].pairs, rows[i].more,
		     rcpt_span(d.digests[0].bytes, rows[i].len));
		p.artifact = &d;
		expect(&p, rows[i].status, rows[i].reason);
		/* without an artifact nothing of this is looked at */
		p.artifact = NULL;
		expect(&p, 0, 0);
		d.digests[0].bytes[0] ^= 1;
		p.artifact = &d;
		if (!rows[i].status)
			expect(&p, RCPT_INVALID, RECEIPT_REASON_DIGEST);
		rcpt_statement_free(&m->stmt);
	}
	free(m);
}

static void binds_payloads_that_are_the_artifact(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	struct made *m = malloc(sizeof(*m));
	struct rcpt_digests d = { .n = 1, .digests = { { RECEIPT_KIND_SHA256, { 0 } } } };

	make(*state, m, 1, "03 63 612f62", rcpt_span("payload", 7));
	assert_int_equal(rcpt_sha256("payload", 7, d.digests[0].bytes), 0);
	p.bundle = NULL;
	p.stmt = &m->stmt;
	p.artifact = &d;
	expect(&p, 0, 0);
	d.digests[0].bytes[31] ^= 1;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_DIGEST);
	rcpt_statement_free(&m->stmt);
	free(m);
}

static void refuses_unknown_critical_labels(void **state)
{
	struct rcpt_verify_params p = params_of(*state);
	struct made *m = malloc(sizeof(*m));

	make(*state, m, 2, "02 81 61 78 61 78 00", rcpt_span("payload", 7));
	p.bundle = NULL;
	p.stmt = &m->stmt;
	expect(&p, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_CRITICAL);
	p.crit[0].text = rcpt_span("x", 1);
	p.ncrit = 1;
	expect(&p, 0, 0);
	rcpt_statement_free(&m->stmt);
	free(m);
}

/*
 * Policies
 */

static void base64_key(EVP_PKEY *key, char *out)
{
	uint8_t der[200], *p = der;
	int len = i2d_PUBKEY(key, &p);

	assert_true(len > 0);
	EVP_EncodeBlock((uint8_t *)out, der, len);
}

/* The head of a policy that trusts the log, "%s" being its rules. */
static struct receipt_policy *policy_of(const struct scene *s, const char *digests,
					const char *rules)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy;
	char key[300], issuer[300], text[4000], expanded[1000];
	const char *at = strstr(rules, "ISSUERKEY");

	base64_key(s->log.pkey, key);
	base64_key(s->issuer.pkey, issuer);
	if (at)
		snprintf(expanded, sizeof(expanded), "%.*s%s%s", (int)(at - rules), rules,
			 issuer, at + strlen("ISSUERKEY"));
	else
		snprintf(expanded, sizeof(expanded), "%s", rules);
	snprintf(text, sizeof(text),
		 "policy_name=test policy_version=1.0.0 mode=enforce digests=%s\n"
		 "log name=acme alg=ES384 key=%s issuer=\"log.example\" identity=verified\n"
		 "DEFAULT action=DENY\n%s", digests, key, expanded);
	policy = receipt_policy_parse(text, strlen(text), &err);
	if (IS_ERR(policy))
		fail_msg("line %u: %s: %s", err.line, err.text, rules);
	return policy;
}

struct ruling {
	const char *rules;		/* line 4 and on */
	size_t artifact;
	enum receipt_op op;
	unsigned int line;		/* that decides */
	enum receipt_reason reason;	/* ALLOWED: valid */
	const char *digests;		/* that are measured; NULL: sha256 */
};

static const struct ruling rulings[] = {
	{ "op=EXECUTE receipt=acme action=ALLOW\n", 0, RECEIPT_OP_EXECUTE, 4, 0 },
	{ "op=KMODULE receipt=acme action=ALLOW\n", 1, RECEIPT_OP_KMODULE, 4, 0 },
	{ "op=EXECUTE receipt=acme action=ALLOW\n", 1, RECEIPT_OP_EXECUTE, 3,
	  RECEIPT_REASON_USAGE },
	{ "op=EXECUTE receipt=acme action=ALLOW\n", 0, RECEIPT_OP_FIRMWARE, 3,
	  RECEIPT_REASON_DEFAULT },
	{ "op=EXECUTE receipt=acme subject=\"deb/*\" min_svn=7 action=ALLOW\n", 0,
	  RECEIPT_OP_EXECUTE, 4, 0 },
	{ "op=EXECUTE receipt=acme min_svn=8 action=ALLOW\n", 0, RECEIPT_OP_EXECUTE, 3,
	  RECEIPT_REASON_NO_RULE_SATISFIED },
	{ "op=EXECUTE receipt=acme issuer=\"issuer.example\" action=DENY\n"
	  "op=EXECUTE receipt=acme action=ALLOW\n", 0, RECEIPT_OP_EXECUTE, 4,
	  RECEIPT_REASON_RULE },
	{ "op=EXECUTE receipt=acme issuer=\"other\" action=DENY\n"
	  "op=EXECUTE receipt=acme action=ALLOW\n", 0, RECEIPT_OP_EXECUTE, 5, 0 },
	{ "op=EXECUTE receipt=acme issuer_key=ISSUERKEY action=ALLOW\n", 0,
	  RECEIPT_OP_EXECUTE, 4, 0 },
	{ "op=EXECUTE digest=sha256:0101010101010101010101010101010101010101010101010101010101010101"
	  " action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", 0, RECEIPT_OP_EXECUTE, 4,
	  RECEIPT_REASON_RULE },
	{ "op=EXECUTE receipt=acme action=ALLOW\n", 0, RECEIPT_OP_EXECUTE, 4, 0,
	  "sha384,sha256" },
	{ "op=EXECUTE receipt=acme action=ALLOW\n", 0, RECEIPT_OP_EXECUTE, 3,
	  RECEIPT_REASON_NO_EVIDENCE, "sha384,sha512" },
};

static void check_ruling(const struct scene *s, const struct ruling *row)
{
	struct receipt_policy *policy = policy_of(s, row->digests ?: "sha256", row->rules);
	struct rcpt_verify_params p = params_of(s);
	struct rcpt_verify_result *res = malloc(sizeof(*res));
	struct rcpt_keys keys = { 0 };

	assert_int_equal(rcpt_keys_add_policy(&keys, policy, NULL), 0);
	p.keys = &keys;
	p.policy = policy;
	p.op = row->op;
	p.artifact = &s->artifact[row->artifact];
	rcpt_verify(&p, res);
	assert_true(res->decided);
	if (res->verdict.line != row->line || res->verdict.reason != row->reason ||
	    res->err.status != (row->reason ? RCPT_INVALID : 0))
		fail_msg("%s: line %u, %s, status %d", row->rules, res->verdict.line,
			 rcpt_reason_text(res->verdict.reason), res->err.status);
	rcpt_verify_result_free(res);
	free(res);
	rcpt_keys_free(&keys);
	receipt_policy_free(policy);
}

static void judges_by_policies(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(rulings) / sizeof(rulings[0]); i++)
		check_ruling(*state, &rulings[i]);
}

/* What is wrong stays wrong where the policy would not even have asked. */
static void refuses_wrong_statements_under_any_policy(void **state)
{
	const struct scene *s = *state;
	struct receipt_policy *policy = policy_of(s, "sha256", "op=EXECUTE action=ALLOW\n");
	struct rcpt_verify_params p = params_of(s);
	struct rcpt_digests other = { .n = 1, .digests = { { 1, { 7 } } } };
	struct rcpt_keys keys = { 0 };

	assert_int_equal(rcpt_keys_add_policy(&keys, policy, NULL), 0);
	p.keys = &keys;
	p.policy = policy;
	expect(&p, 0, 0);
	p.artifact = &other;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_DIGEST);
	rcpt_keys_free(&keys);
	receipt_policy_free(policy);
}

/* A kernel takes neither other content types nor a caller's critical labels. */
static void judges_as_the_kernel_would(void **state)
{
	const struct scene *s = *state;
	struct receipt_policy *policy = policy_of(s, "sha256", "op=EXECUTE receipt=acme action=ALLOW\n");
	struct rcpt_verify_params p = params_of(s);
	struct made *m = malloc(sizeof(*m));
	struct rcpt_keys keys = { 0 };

	assert_int_equal(rcpt_keys_add_policy(&keys, policy, NULL), 0);
	p.keys = &keys;
	p.policy = policy;
	p.bundle = NULL;
	p.stmt = &m->stmt;
	make(s, m, 1, "03 63 612f62", rcpt_span("payload", 7));
	expect(&p, RCPT_INVALID, RECEIPT_REASON_CONTENT_TYPE);
	rcpt_statement_free(&m->stmt);
	make(s, m, 3, "190102 2f 02 81 61 78 61 78 00",
	     rcpt_span("0123456789abcdef0123456789abcdef", 32));
	p.crit[0].text = rcpt_span("x", 1);
	p.ncrit = 1;
	expect(&p, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_CRITICAL);
	rcpt_statement_free(&m->stmt);
	make(s, m, 1, "190102 2f", rcpt_span("0123456789abcdef0123456789abcdef", 32));
	expect(&p, 0, 0);
	rcpt_statement_free(&m->stmt);
	free(m);
	rcpt_keys_free(&keys);
	receipt_policy_free(policy);
}

/* A policy that trusts the log of selftests/vectors, and its keys. */
static struct receipt_policy *vectors_policy(struct rcpt_keys *keys)
{
	const struct rcpt_key_source any = { 0 };
	struct rcpt_keys log = { 0 };
	struct receipt_policy *policy;
	struct receipt_policy_error err;
	char text[1000], key[400];
	uint8_t *data;
	size_t len;

	assert_int_equal(rcpt_file_read("selftests/vectors/keys/log.pem", RCPT_MAX_INPUT, &data,
					&len, NULL), 0);
	assert_int_equal(rcpt_keys_add(&log, rcpt_span(data, len), &any, NULL), 0);
	base64_key(log.keys[0].pkey, key);
	snprintf(text, sizeof(text), "policy_name=test policy_version=1.0.0 mode=enforce\n"
		 "log name=acme alg=ES256 key=%s issuer=\"log.example\" identity=verified\n"
		 "DEFAULT action=DENY\nop=EXECUTE receipt=acme action=ALLOW\n", key);
	policy = receipt_policy_parse(text, strlen(text), &err);
	assert_false(IS_ERR(policy));
	assert_int_equal(rcpt_keys_add_policy(keys, policy, NULL), 0);
	rcpt_keys_free(&log);
	free(data);
	return policy;
}

static void refuses_what_a_kernel_does_not_read(void **state)
{
	static const struct { const char *name; int status; enum receipt_reason reason; } rows[] = {
		{ "statement-kid-hex", 0, 0 },
		{ "statement-alg-text", RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM },
		{ "statement-claims-iss-missing", RCPT_INVALID, RECEIPT_REASON_NO_CLAIMS },
		{ "payload-untyped", RCPT_INVALID, RECEIPT_REASON_HASH_ALGORITHM },
		{ "payload-plain", RCPT_INVALID, RECEIPT_REASON_CONTENT_TYPE },
		{ "manifest-payload-short", RCPT_INVALID, RECEIPT_REASON_MANIFEST_PATH },
	};
	struct rcpt_keys keys = { 0 };
	struct receipt_policy *policy = vectors_policy(&keys);
	struct rcpt_verify_params p = { .keys = &keys, .policy = policy };
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rcpt_statement stmt;
		char path[100];
		uint8_t *data;

		snprintf(path, sizeof(path), "selftests/vectors/statements/%s.cose", rows[i].name);
		assert_int_equal(rcpt_file_read(path, RCPT_MAX_INPUT, &data, &len, NULL), 0);
		assert_int_equal(rcpt_statement_parse(rcpt_span(data, len), &stmt, NULL), 0);
		p.stmt = &stmt;
		expect(&p, rows[i].status, rows[i].reason);
		rcpt_statement_free(&stmt);
		free(data);
	}
	rcpt_keys_free(&keys);
	receipt_policy_free(policy);
}

/* Bundles are read with their tree; one that is changed afterwards is found out. */
static void walks_the_path_of_the_leaf(void **state)
{
	struct scene *s = *state;
	struct rcpt_verify_params p = params_of(s);

	p.artifact = &s->artifact[0];
	s->bundle.nodes[1][0] ^= 1;
	expect(&p, RCPT_INVALID, RECEIPT_REASON_MANIFEST_PATH);
	s->bundle.nodes[1][0] ^= 1;
	expect(&p, 0, 0);
}

/*
 * Hostile copies
 */

/* Everything that receiptctl does with a file; 0 when it is valid. */
static int try(const struct scene *s, const uint8_t *data, size_t len,
	       uint8_t digest[32], uint8_t root[32])
{
	struct rcpt_verify_result *res;
	struct rcpt_verify_params p = { .keys = &s->keys,
					.trust = { .keys = &s->issuer_keys } };
	struct rcpt_statement stmt;
	struct rcpt_error err = { 0 };
	int ret = rcpt_statement_parse(rcpt_span(data, len), &stmt, &err);

	if (ret) {
		assert_true(err.status == -ret && *err.text);
		assert_true(err.offset == RCPT_NO_OFFSET || err.offset <= len);
		return ret;
	}
	res = malloc(sizeof(*res));
	p.stmt = &stmt;
	ret = rcpt_verify(&p, res);
	memcpy(digest, stmt.digest, 32);
	memcpy(root, res->receipts[0].root, 32);
	rcpt_verify_result_free(res);
	free(res);
	rcpt_statement_free(&stmt);
	return ret;
}

static void refuses_truncated_statements(void **state)
{
	const struct scene *s = *state;
	struct rcpt_span in = s->bundle.transparent;
	uint8_t digest[32], root[32];
	size_t n;

	assert_int_equal(try(s, in.data, in.len, digest, root), 0);
	for (n = 0; n < in.len; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, in.data, n);
		assert_int_equal(try(s, copy, n, digest, root), -RCPT_MALFORMED);
		free(copy);
	}
}

/* A copy may only be good when all that is signed is what it was. */
static void refuses_flipped_statements(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x04, 0x20, 0x80, 0xff };
	const struct scene *s = *state;
	struct rcpt_span in = s->bundle.transparent;
	uint8_t digest[2][32], root[2][32], *copy = malloc(in.len);
	size_t at, m;

	assert_int_equal(try(s, in.data, in.len, digest[0], root[0]), 0);
	for (at = 0; at < in.len; at++) {
		for (m = 0; m < sizeof(masks); m++) {
			memcpy(copy, in.data, in.len);
			copy[at] ^= masks[m];
			if (try(s, copy, in.len, digest[1], root[1]))
				continue;
			assert_memory_equal(digest[0], digest[1], 32);
			assert_memory_equal(root[0], root[1], 32);
		}
	}
	free(copy);
}

static void refuses_flipped_bundles(void **state)
{
	const struct scene *s = *state;
	uint8_t *copy = malloc(s->len);
	struct rcpt_bundle bundle;
	size_t at;

	for (at = 0; at < s->len; at++) {
		memcpy(copy, s->file, s->len);
		copy[at] ^= 0x41;
		if (!rcpt_bundle_parse(rcpt_span(copy, s->len), &bundle, NULL))
			rcpt_bundle_free(&bundle);
	}
	free(copy);
}

/*
 * Statements of others, in the folder VECTORS
 */

static struct rcpt_span load(json_t *name, uint8_t **data)
{
	struct rcpt_error err;
	char path[4096];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", getenv("VECTORS"), json_string_value(name));
	if (rcpt_file_read(path, RCPT_MAX_INPUT, data, &len, &err))
		fail_msg("%s: %s", path, err.text);
	return rcpt_span(*data, len);
}

/* The argument of an option, or NULL. */
static json_t *option(json_t *row, const char *name)
{
	json_t *value, *args = json_object_get(row, "args");
	size_t i;

	json_array_foreach(args, i, value)
		if (!strcmp(json_string_value(value), name))
			return json_array_get(args, i + 1);
	return NULL;
}

static void load_keys(json_t *row, json_t *name, struct rcpt_keys *keys)
{
	const char *entry = json_string_value(option(row, "--entry"));
	struct rcpt_key_source source = {
		.entry = entry && !strcmp(entry, "stmt") ? RECEIPT_ENTRY_STMT :
							   RECEIPT_ENTRY_SHA256_STMT,
		.issuer = json_string_value(option(row, "--issuer")),
	};
	uint8_t *data;
	struct rcpt_span in = load(name, &data);

	assert_int_equal(rcpt_keys_add(keys, in, &source, NULL), 0);
	free(data);
}

static int judge_row(json_t *row, struct rcpt_statement *stmt, struct rcpt_span payload,
		     uint8_t *beside[8])
{
	struct rcpt_verify_params p = { .stmt = stmt, .payload = payload };
	struct rcpt_verify_result *res = malloc(sizeof(*res));
	struct rcpt_keys keys = { 0 }, issuer = { 0 };
	const char *crit = json_string_value(option(row, "--allow-crit"));
	json_t *value;
	size_t i;
	int ret;

	if (crit)
		p.crit[p.ncrit++].text = rcpt_span(crit, strlen(crit));
	json_array_foreach(json_object_get(row, "keys"), i, value)
		load_keys(row, value, &keys);
	json_array_foreach(json_object_get(row, "receipts"), i, value)
		p.beside[p.nbeside++] = load(value, &beside[i]);
	if (json_is_string(json_object_get(row, "stmt_key"))) {
		load_keys(row, json_object_get(row, "stmt_key"), &issuer);
		p.trust.keys = &issuer;
	}
	p.keys = &keys;
	ret = rcpt_verify(&p, res);
	rcpt_verify_result_free(res);
	free(res);
	rcpt_keys_free(&keys);
	rcpt_keys_free(&issuer);
	return -ret;
}

static bool is_lax(json_t *row)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(row, "args"), i, value)
		if (!strcmp(json_string_value(value), "--lax"))
			return true;
	return false;
}

/* We have no lenient reader: what needs one is malformed. */
static int expected(json_t *row)
{
	static const char *const verdicts[] = { "valid", "invalid", "cannot-evaluate",
						"malformed" };
	const char *verdict = json_string_value(json_object_get(row, "verdict"));
	int i;

	for (i = 0; i < 4; i++)
		if (!strcmp(verdicts[i], verdict))
			return is_lax(row) ? RCPT_MALFORMED : i;
	fail_msg("unknown verdict %s", verdict);
	return -1;
}

static void check_row(json_t *row)
{
	uint8_t *data, *content = NULL, *beside[8] = { NULL };
	struct rcpt_span in = load(json_object_get(row, "statement"), &data);
	struct rcpt_span payload = { 0 };
	struct rcpt_statement stmt;
	size_t i;
	int status;

	if (option(row, "--payload"))
		payload = load(option(row, "--payload"), &content);
	status = -rcpt_statement_parse_with(in, payload, &stmt, NULL);
	if (!status)
		status = judge_row(row, &stmt, payload, beside);
	if (status != expected(row))
		fail_msg("%s: %d, expected %d",
			 json_string_value(json_object_get(row, "id")), status, expected(row));
	rcpt_statement_free(&stmt);
	for (i = 0; i < 8; i++)
		free(beside[i]);
	free(content);
	free(data);
}

static void agrees_with_other_implementations(void **state)
{
	char path[4096];
	json_t *rows, *row;
	size_t i;

	(void)state;
	snprintf(path, sizeof(path), "%s/manifest.json", getenv("VECTORS"));
	rows = json_load_file(path, 0, NULL);
	assert_true(json_is_array(rows) && json_array_size(rows) > 0);
	json_array_foreach(rows, i, row)
		check_row(row);
	json_decref(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_good_bundle),
		cmocka_unit_test(lets_receipts_decide_without_an_issuer_key),
		cmocka_unit_test(refuses_another_issuer_key),
		cmocka_unit_test(refuses_another_artifact),
		cmocka_unit_test(compares_the_payload),
		cmocka_unit_test(needs_a_key_of_the_log),
		cmocka_unit_test(takes_receipts_beside_the_statement),
		cmocka_unit_test(weighs_wrong_receipts),
		cmocka_unit_test(binds_hash_envelopes),
		cmocka_unit_test(binds_payloads_that_are_the_artifact),
		cmocka_unit_test(refuses_unknown_critical_labels),
		cmocka_unit_test(judges_by_policies),
		cmocka_unit_test(refuses_wrong_statements_under_any_policy),
		cmocka_unit_test(judges_as_the_kernel_would),
		cmocka_unit_test(refuses_what_a_kernel_does_not_read),
		cmocka_unit_test(walks_the_path_of_the_leaf),
		cmocka_unit_test(refuses_truncated_statements),
		cmocka_unit_test(refuses_flipped_statements),
		cmocka_unit_test(refuses_flipped_bundles),
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(agrees_with_other_implementations),
	};
	int failed = cmocka_run_group_tests_name("verify", tests, setup, teardown);

	if (getenv("VECTORS"))
		failed += cmocka_run_group_tests_name("verify, vectors", others, NULL, NULL);

	return failed;
}
