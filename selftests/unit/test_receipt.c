// SPDX-License-Identifier: MIT
/*
 * Receipts of both structures: parsing, roots, keys, signatures.
 */
#include "craft.h"

#define ISS	"log.example"

/* A statement, and the log that recorded it. */
struct scene {
	EVP_PKEY *issuer;
	EVP_PKEY *log;
	struct craft raw;
	struct rcpt_statement stmt;
	uint8_t path[2][32];
	uint8_t rfc_root[32];		/* leaf 1 of 3 */
	uint8_t entry_root[32];		/* the same over the statement bytes */
	uint8_t ccf_root[32];
	uint8_t tx[32];
};

static const uint8_t left[2] = { 1, 0 };
static const char evidence[] = "ce:2.34:00";

static void ccf_root(struct scene *s)
{
	uint8_t leaf[96];

	memcpy(leaf, s->tx, 32);
	assert_int_equal(rcpt_sha256(evidence, strlen(evidence), leaf + 32), 0);
	memcpy(leaf + 64, s->stmt.digest, 32);
	assert_int_equal(rcpt_sha256(leaf, sizeof(leaf), s->ccf_root), 0);
	memcpy(leaf, s->path[0], 32);
	memcpy(leaf + 32, s->ccf_root, 32);
	assert_int_equal(rcpt_sha256(leaf, 64, s->ccf_root), 0);
	memcpy(leaf, s->ccf_root, 32);
	memcpy(leaf + 32, s->path[1], 32);
	assert_int_equal(rcpt_sha256(leaf, 64, s->ccf_root), 0);
}

static void rfc_root(const struct scene *s, const void *entry, size_t len, uint8_t *root)
{
	uint8_t leaf[1 + CRAFT_ROOM] = { 0 };

	memcpy(leaf + 1, entry, len);
	assert_int_equal(rcpt_sha256(leaf, 1 + len, root), 0);
	assert_int_equal(rcpt_node_hash(s->path[0], root, root), 0);
	assert_int_equal(rcpt_node_hash(root, s->path[1], root), 0);
}

static int setup(void **state)
{
	static const struct rcpt_span payload = { (const uint8_t *)"payload", 7, 0 };
	struct scene *s = calloc(1, sizeof(*s));

	s->issuer = craft_key("P-256");
	s->log = craft_key("P-384");
	s->raw = craft_statement(s->issuer, RCPT_ES256, 0, "", payload);
	assert_int_equal(rcpt_statement_parse(craft_span(&s->raw), &s->stmt, NULL), 0);
	memset(s->path[0], 1, 32);
	memset(s->path[1], 2, 32);
	memset(s->tx, 3, 32);
	rfc_root(s, s->stmt.digest, 32, s->rfc_root);
	rfc_root(s, s->stmt.bytes, s->stmt.len, s->entry_root);
	ccf_root(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	rcpt_statement_free(&s->stmt);
	EVP_PKEY_free(s->issuer);
	EVP_PKEY_free(s->log);
	free(s);
	return 0;
}

static struct craft rfc_proof(const struct scene *s)
{
	return craft_rfc9162_proof(3, 1, s->path, 2);
}

static struct craft ccf_proof(const struct scene *s)
{
	return craft_ccf_proof(s->tx, evidence, s->stmt.digest, s->path, left, 2);
}

/* What can be different from a good receipt; zero is a good one of vds 1. */
struct variant {
	int64_t vds;
	int64_t alg;
	EVP_PKEY *key;
	const char *iss;
	unsigned int more;
	const char *more_hex;
	const struct craft *proofs;
	size_t nproofs;
	const uint8_t *root;
	const struct rcpt_span *attached;
};

static struct craft make(const struct scene *s, struct variant v)
{
	struct craft one = v.vds == 2 ? ccf_proof(s) : rfc_proof(s);
	struct craft protected = craft_receipt_header(v.alg ?: RCPT_ES384, v.vds ?: 1,
						      v.iss ?: ISS, v.more,
						      v.more_hex ?: "");
	struct craft unprotected = craft_proofs(v.proofs ?: &one, v.nproofs ?: 1);
	const uint8_t *root = v.root ?: (v.vds == 2 ? s->ccf_root : s->rfc_root);

	return craft_sign1(v.key ?: s->log, v.alg ?: RCPT_ES384, &protected, &unprotected,
			   rcpt_span(root, 32), v.attached);
}

/* Parse and verify under the log's key. */
static int judge(const struct scene *s, const struct craft *in, enum receipt_entry entry,
		 struct rcpt_error *err)
{
	struct rcpt_keys keys = craft_keys(s->log, ISS);
	const struct rcpt_key *key = NULL;
	struct rcpt_receipt receipt;
	uint8_t root[32];
	int ret = rcpt_receipt_parse(craft_span(in), &receipt, err);

	keys.keys[0].entry = entry;
	if (!ret)
		ret = rcpt_receipt_verify(&receipt, &s->stmt, &keys, &key, root, err);
	if (!ret)
		assert_ptr_equal(key, &keys.keys[0]);
	rcpt_receipt_free(&receipt);
	rcpt_keys_free(&keys);
	return ret;
}

static void expect(const struct scene *s, struct variant v, int status,
		   enum receipt_reason reason)
{
	struct craft in = make(s, v);
	struct rcpt_error err = { 0 };
	int ret = judge(s, &in, RECEIPT_ENTRY_SHA256_STMT, &err);

	if (ret != -status || (ret && err.reason != reason))
		fail_msg("%d (%s): %s", -ret, rcpt_reason_text(err.reason), err.text);
}

static void verifies_both_structures(void **state)
{
	const struct scene *s = *state;

	expect(s, (struct variant){ .vds = 1 }, 0, 0);
	expect(s, (struct variant){ .vds = 2 }, 0, 0);
}

static void pins_the_entry(void **state)
{
	const struct scene *s = *state;
	struct craft in = make(s, (struct variant){ .root = s->entry_root });
	struct rcpt_error err;

	assert_int_equal(judge(s, &in, RECEIPT_ENTRY_STMT, NULL), 0);
	assert_int_equal(judge(s, &in, RECEIPT_ENTRY_SHA256_STMT, &err), -RCPT_INVALID);
	assert_int_equal(err.reason, RECEIPT_REASON_SIGNATURE);
	in = make(s, (struct variant){ .vds = 1 });
	assert_int_equal(judge(s, &in, RECEIPT_ENTRY_STMT, NULL), -RCPT_INVALID);
}

static void refuses_wrong_roots(void **state)
{
	const struct scene *s = *state;
	uint8_t other[32] = { 9 };

	expect(s, (struct variant){ .root = other }, RCPT_INVALID, RECEIPT_REASON_SIGNATURE);
	expect(s, (struct variant){ .vds = 2, .root = other }, RCPT_INVALID,
	       RECEIPT_REASON_SIGNATURE);
	expect(s, (struct variant){ .key = s->issuer, .alg = RCPT_ES384 }, RCPT_INVALID,
	       RECEIPT_REASON_SIGNATURE);
}

static void holds_attached_roots_against_the_proof(void **state)
{
	const struct scene *s = *state;
	uint8_t other[32] = { 9 };
	struct rcpt_span good = rcpt_span(s->rfc_root, 32), bad = rcpt_span(other, 32);
	struct rcpt_span shorter = rcpt_span(s->rfc_root, 31);
	struct rcpt_span ccf = rcpt_span(s->ccf_root, 32);

	expect(s, (struct variant){ .attached = &good }, 0, 0);
	expect(s, (struct variant){ .attached = &bad }, RCPT_INVALID, RECEIPT_REASON_ROOT);
	/* what is signed is attached, but it is not what the proof gives */
	expect(s, (struct variant){ .attached = &bad, .root = other }, RCPT_INVALID,
	       RECEIPT_REASON_ROOT);
	expect(s, (struct variant){ .attached = &shorter }, RCPT_INVALID,
	       RECEIPT_REASON_ROOT);
	expect(s, (struct variant){ .vds = 2, .attached = &ccf }, RCPT_INVALID,
	       RECEIPT_REASON_STRUCTURE);
}

static void wants_all_proofs_to_agree(void **state)
{
	const struct scene *s = *state;
	struct craft two[2] = { rfc_proof(s), rfc_proof(s) };
	struct craft ccf[2] = { ccf_proof(s), ccf_proof(s) };

	expect(s, (struct variant){ .proofs = two, .nproofs = 2 }, 0, 0);
	two[1] = craft_rfc9162_proof(4, 1, s->path, 2);
	expect(s, (struct variant){ .proofs = two, .nproofs = 2 }, 0, 0);
	two[1] = craft_rfc9162_proof(4, 2, s->path, 2);
	expect(s, (struct variant){ .proofs = two, .nproofs = 2 }, RCPT_INVALID,
	       RECEIPT_REASON_PROOF);
	expect(s, (struct variant){ .vds = 2, .proofs = ccf, .nproofs = 2 }, 0, 0);
	ccf[1] = craft_ccf_proof(s->tx, evidence, s->tx, s->path, left, 2);
	expect(s, (struct variant){ .vds = 2, .proofs = ccf, .nproofs = 2 }, RCPT_INVALID,
	       RECEIPT_REASON_STATEMENT);
}

static void refuses_paths_that_lead_nowhere(void **state)
{
	static const struct { uint64_t size, index; size_t n; } rows[] = {
		{ 0, 0, 0 }, { 1, 1, 0 }, { 3, 3, 2 }, { 3, 1, 1 }, { 3, 2, 2 },
		{ 1, 0, 1 }, { 3, UINT64_MAX >> 1, 2 }, { INT64_MAX, 1, 2 },
	};
	const struct scene *s = *state;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct craft proof = craft_rfc9162_proof(rows[i].size, rows[i].index,
							 s->path, rows[i].n);

		expect(s, (struct variant){ .proofs = &proof, .nproofs = 1 }, RCPT_INVALID,
		       RECEIPT_REASON_PROOF);
	}
}

static void is_for_one_statement(void **state)
{
	const struct scene *s = *state;
	struct craft proof = craft_ccf_proof(s->tx, evidence, s->rfc_root, s->path, left, 2);

	expect(s, (struct variant){ .vds = 2, .proofs = &proof, .nproofs = 1 }, RCPT_INVALID,
	       RECEIPT_REASON_STATEMENT);
}

static void leaves_out_what_it_cannot_evaluate(void **state)
{
	const struct scene *s = *state;
	struct craft none = craft_hex("a0"), protected;
	struct craft in;
	struct rcpt_error err;

	expect(s, (struct variant){ .vds = 3 }, RCPT_CANNOT_EVALUATE,
	       RECEIPT_REASON_UNKNOWN_STRUCTURE);
	expect(s, (struct variant){ .vds = -1 }, RCPT_CANNOT_EVALUATE,
	       RECEIPT_REASON_UNKNOWN_STRUCTURE);
	expect(s, (struct variant){ .more = 2, .more_hex = "02 81 61 78 61 78 00" },
	       RCPT_CANNOT_EVALUATE, RECEIPT_REASON_CRITICAL);
	expect(s, (struct variant){ .more = 1, .more_hex = "02 81 0f" }, 0, 0);
	expect(s, (struct variant){ .iss = "other.example" }, RCPT_CANNOT_EVALUATE,
	       RECEIPT_REASON_UNKNOWN_LOG);
	expect(s, (struct variant){ .more = 1, .more_hex = "04 42 3031" },
	       RCPT_CANNOT_EVALUATE, RECEIPT_REASON_UNKNOWN_KEY);
	protected = craft_receipt_header(RCPT_ES384, 1, ISS, 0, "");
	in = craft_sign1(s->log, RCPT_ES384, &protected, &none, rcpt_span(s->rfc_root, 32),
			 NULL);
	assert_int_equal(judge(s, &in, 0, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(err.reason, RECEIPT_REASON_PROOF);
	protected = craft_hex("a1 01 3822");
	in = craft_sign1(s->log, RCPT_ES384, &protected, &none, rcpt_span(s->rfc_root, 32),
			 NULL);
	assert_int_equal(judge(s, &in, 0, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(err.reason, RECEIPT_REASON_UNKNOWN_STRUCTURE);
}

/* In receipts alg is tied to the curve, also where the signature is good. */
static void ties_the_algorithm_to_the_curve(void **state)
{
	static const struct { const char *key; int64_t alg; bool fits; } rows[] = {
		{ "P-256", RCPT_ES256, true }, { "P-384", RCPT_ES384, true },
		{ "P-521", RCPT_ES512, true }, { "ED25519", RCPT_EDDSA, true },
		{ "P-256", RCPT_ESP256, true }, { "P-384", RCPT_ESP384, true },
		{ "P-521", RCPT_ESP512, true }, { "ED25519", RCPT_ED25519, true },
		{ "P-384", RCPT_ESP256, false }, { "P-256", RCPT_ESP384, false },
		{ "P-384", RCPT_ES256, false }, { "P-256", RCPT_ES384, false },
		{ "RSA", RCPT_PS256, false },
	};
	struct scene s = *(struct scene *)*state;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s.log = craft_key(rows[i].key);
		expect(&s, (struct variant){ .alg = rows[i].alg },
		       rows[i].fits ? 0 : RCPT_CANNOT_EVALUATE, RECEIPT_REASON_ALGORITHM);
		EVP_PKEY_free(s.log);
	}
}

static void finds_keys_by_their_id(void **state)
{
	const struct scene *s = *state;
	struct craft hex = craft_hex("04 5840"), raw = craft_hex("04 5820");
	char more[2][300];
	uint8_t id[32];
	size_t i, j;
	char *out;

	assert_int_equal(rcpt_key_id(s->log, id), 0);
	for (i = 0; i < 32; i++) {
		char digits[3];

		snprintf(digits, sizeof(digits), "%02x", id[i]);
		craft_add(&hex, digits, 2);
	}
	craft_add(&raw, id, 32);
	for (i = 0; i < 2; i++) {
		const struct craft *c = i ? &raw : &hex;

		for (j = 0, out = more[i]; j < c->len; j++)
			out += sprintf(out, "%02x", c->data[j]);
		expect(s, (struct variant){ .more = 1, .more_hex = more[i] }, 0, 0);
		/* another last digit */
		out[-1] = out[-1] == '0' ? '1' : '0';
		expect(s, (struct variant){ .more = 1, .more_hex = more[i] },
		       RCPT_CANNOT_EVALUATE, RECEIPT_REASON_UNKNOWN_KEY);
	}
}

/* A key of the right issuer that is wrong does not hide the one that is right. */
static void tries_all_keys_of_the_issuer(void **state)
{
	const struct scene *s = *state;
	struct craft in = make(s, (struct variant){ .vds = 1 });
	struct rcpt_keys keys = craft_keys(s->issuer, ISS), more;
	struct rcpt_key copy = { .issuer = strdup(ISS), .pkey = s->log };
	const struct rcpt_key *key;
	struct rcpt_receipt receipt;
	struct rcpt_error err;
	uint8_t root[32];

	assert_int_equal(rcpt_receipt_parse(craft_span(&in), &receipt, NULL), 0);
	assert_int_equal(rcpt_receipt_verify(&receipt, &s->stmt, &keys, &key, root, &err),
			 -RCPT_CANNOT_EVALUATE);
	assert_int_equal(err.reason, RECEIPT_REASON_ALGORITHM);
	EVP_PKEY_up_ref(s->log);
	assert_int_equal(rcpt_keys_put(&keys, &copy, NULL), 0);
	assert_int_equal(rcpt_receipt_verify(&receipt, &s->stmt, &keys, &key, root, &err), 0);
	assert_ptr_equal(key, &keys.keys[1]);
	assert_memory_equal(root, s->rfc_root, 32);
	memset(&more, 0, sizeof(more));
	assert_int_equal(rcpt_receipt_verify(&receipt, &s->stmt, &more, &key, root, &err),
			 -RCPT_CANNOT_EVALUATE);
	rcpt_receipt_free(&receipt);
	rcpt_keys_free(&keys);
}

static const struct {
	int64_t vds;
	const char *proofs;	/* value of 396 */
	enum receipt_reason reason;
} bad_proofs[] = {
	{ 1, "80", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 40", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 80", RECEIPT_REASON_PROOF },
	{ 1, "a1 20 85 4040404040", RECEIPT_REASON_BOUND },
	{ 1, "a1 20 81 80", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 81 40", RECEIPT_REASON_CBOR },
	{ 1, "a1 20 81 41 a0", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 81 43 820100", RECEIPT_REASON_PROOF },
	{ 1, "a1 20 81 44 83200080", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 81 44 83012080", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 81 44 83010000", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 81 46 8301008141 00", RECEIPT_REASON_STRUCTURE },
	{ 1, "a1 20 81 45 8301008000", RECEIPT_REASON_TRAILING },
	{ 1, "a1 20 81 46 830100984100", RECEIPT_REASON_CBOR },
	{ 1, "a2 20 80 20 80", RECEIPT_REASON_DUPLICATE_LABEL },
	{ 2, "a1 20 81 44 83010080", RECEIPT_REASON_STRUCTURE },
	{ 2, "a1 20 81 41 a0", RECEIPT_REASON_PROOF },
	{ 2, "a1 20 81 43 a10180", RECEIPT_REASON_PROOF },
	{ 2, "a1 20 81 43 a10280", RECEIPT_REASON_PROOF },
	{ 2, "a1 20 81 45 a102814000", RECEIPT_REASON_STRUCTURE },
	{ 2, "a1 20 81 46 a10183400040", RECEIPT_REASON_STRUCTURE },
	{ 2, "a1 20 81 48 a10281820140 00 00", RECEIPT_REASON_STRUCTURE },
	{ 2, "a1 20 81 46 a102818100 00", RECEIPT_REASON_PROOF },
};

static void refuses_bad_proofs(void **state)
{
	const struct scene *s = *state;
	size_t i;

	for (i = 0; i < sizeof(bad_proofs) / sizeof(bad_proofs[0]); i++) {
		struct craft unprotected = craft_hex("a1 19018c");
		struct craft value = craft_hex(bad_proofs[i].proofs), in, protected;
		struct rcpt_error err = { 0 };
		int ret;

		craft_add(&unprotected, value.data, value.len);
		protected = craft_receipt_header(RCPT_ES384, bad_proofs[i].vds, ISS, 0, "");
		in = craft_sign1(s->log, RCPT_ES384, &protected, &unprotected,
				 rcpt_span(s->rfc_root, 32), NULL);
		ret = judge(s, &in, 0, &err);
		if (ret != -RCPT_MALFORMED || err.reason != bad_proofs[i].reason)
			fail_msg("%s: %d %s: %s", bad_proofs[i].proofs, -ret,
				 rcpt_reason_text(err.reason), err.text);
	}
}

static void refuses_bad_ccf_leaves(void **state)
{
	const struct scene *s = *state;
	char huge[RECEIPT_MAX_LEAF_EVIDENCE + 2];
	struct craft proof;

	memset(huge, 'e', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	proof = craft_ccf_proof(s->tx, "", s->stmt.digest, s->path, left, 2);
	expect(s, (struct variant){ .vds = 2, .proofs = &proof, .nproofs = 1 },
	       RCPT_MALFORMED, RECEIPT_REASON_BOUND);
	proof = craft_ccf_proof(s->tx, huge, s->stmt.digest, s->path, left, 2);
	expect(s, (struct variant){ .vds = 2, .proofs = &proof, .nproofs = 1 },
	       RCPT_MALFORMED, RECEIPT_REASON_BOUND);
	proof = craft_ccf_proof(s->tx, evidence, s->stmt.digest, s->path, left, 0);
	expect(s, (struct variant){ .vds = 2, .proofs = &proof, .nproofs = 1 },
	       RCPT_MALFORMED, RECEIPT_REASON_PROOF);
}

static void bounds_paths(void **state)
{
	static const uint8_t path[RECEIPT_MAX_PATH + 1][32], sides[RECEIPT_MAX_PATH + 1];
	const struct scene *s = *state;
	struct craft proof = craft_rfc9162_proof(3, 1, path, RECEIPT_MAX_PATH + 1);

	expect(s, (struct variant){ .proofs = &proof, .nproofs = 1 }, RCPT_MALFORMED,
	       RECEIPT_REASON_BOUND);
	proof = craft_ccf_proof(s->tx, evidence, s->stmt.digest, path, sides,
				RECEIPT_MAX_PATH + 1);
	expect(s, (struct variant){ .vds = 2, .proofs = &proof, .nproofs = 1 },
	       RCPT_MALFORMED, RECEIPT_REASON_BOUND);
	proof = craft_ccf_proof(s->tx, evidence, s->stmt.digest, path, sides,
				RECEIPT_MAX_PATH);
	expect(s, (struct variant){ .vds = 2, .proofs = &proof, .nproofs = 1 },
	       RCPT_INVALID, RECEIPT_REASON_SIGNATURE);
}

static void knows_its_position(void **state)
{
	static const struct { const char *evidence; uint64_t position; } rows[] = {
		{ "ce:2.34:00", 34 }, { "ce:2.34", 0 }, { "ce:2.3x:00", 0 },
		{ "ce:2.+34:", 0 }, { "ce:2.34\n:", 0 }, { "ce:.34:", 0 }, { "ce:x.34:", 0 },
		{ "ce:002.000000000000000000000000000000000034:", 34 }, { "34", 0 }, { "2.34:00", 0 }, { "ce:2.:00", 0 }, { "ce:", 0 },
		{ "ce:2.18446744073709551615:", UINT64_MAX },
		{ "ce:2.18446744073709551616:", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rcpt_receipt r = { .header.vds = RECEIPT_VDS_CCF, .nproofs = 1 };

		r.proofs[0].evidence = rcpt_span(rows[i].evidence, strlen(rows[i].evidence));
		if (rcpt_receipt_position(&r) != rows[i].position)
			fail_msg("%s", rows[i].evidence);
		assert_int_equal(!rcpt_receipt_transaction(&r).data, !rows[i].position);
		if (!i)
			assert_true(rcpt_span_equal(rcpt_receipt_transaction(&r), "2.34", 4));
		r.header.vds = RECEIPT_VDS_RFC9162;
		r.proofs[0].index = 5;
		r.proofs[0].size = 7;
		assert_int_equal(rcpt_receipt_position(&r), 0);
		r.header.claims.size = 7;
		assert_int_equal(rcpt_receipt_position(&r), 0);
		r.header.claims.has_size = true;
		assert_int_equal(rcpt_receipt_position(&r), 5);
		r.header.claims.size = 8;
		assert_int_equal(rcpt_receipt_position(&r), 0);
		assert_null(rcpt_receipt_transaction(&r).data);
	}
}

/*
 * Positions: the same statement and siblings under every index and size. Equal roots
 * are what whoever brings a receipt can choose among.
 */

#define SIZES	300

struct place {
	uint8_t root[32];
	uint64_t index;
	uint64_t size;
};

static int by_root(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* The receipt of @p whose log signed @size; 0: none. */
static struct rcpt_receipt *receipt_of(const struct place *p, size_t npath, uint64_t size)
{
	static struct rcpt_receipt r;
	size_t i;

	memset(&r, 0, sizeof(r));
	r.header.vds = RECEIPT_VDS_RFC9162;
	r.header.claims.has_size = size;
	r.header.claims.size = size;
	r.nproofs = 1;
	r.proofs[0].index = p->index;
	r.proofs[0].size = p->size;
	r.proofs[0].npath = npath;
	for (i = 0; i < npath; i++)
		memset(r.proofs[0].path[i], (int)i + 1, 32);
	return &r;
}

static size_t find_places(const struct rcpt_statement *stmt, struct place *places)
{
	size_t n = 0, npath;
	uint64_t index, size;

	for (size = 1; size < SIZES; size++)
		for (index = 0; index < size; index++)
			for (npath = 0; npath <= 9; npath++) {
				places[n].index = index;
				places[n].size = size;
				n += !rcpt_receipt_root(receipt_of(&places[n], npath, 0), stmt,
							RECEIPT_ENTRY_SHA256_STMT,
							places[n].root, NULL);
			}
	qsort(places, n, sizeof(places[0]), by_root);
	return n;
}

static size_t path_len(const struct rcpt_statement *stmt, const struct place *p)
{
	uint8_t root[32];
	size_t npath = 0;

	while (rcpt_receipt_root(receipt_of(p, npath, 0), stmt, RECEIPT_ENTRY_SHA256_STMT, root,
				 NULL))
		npath++;
	return npath;
}

/* Of those with one root: each as the log signed it, and as each of the others. */
static void believes_one(const struct rcpt_statement *stmt, const struct place *same, size_t n)
{
	size_t npath = path_len(stmt, same), honest, edited;
	struct rcpt_error err;
	uint8_t root[32];

	for (honest = 0; honest < n; honest++)
		for (edited = 0; edited < n; edited++) {
			struct rcpt_receipt *r = receipt_of(&same[edited], npath,
							    same[honest].size);
			int ret = rcpt_receipt_root(r, stmt, RECEIPT_ENTRY_SHA256_STMT, root,
						    &err);

			assert_int_equal(ret, edited == honest ? 0 : -RCPT_INVALID);
			if (ret)
				assert_int_equal(err.reason, RECEIPT_REASON_TREE_SIZE);
			assert_int_equal(rcpt_receipt_position(r), ret ? 0 : same[honest].index);
			r->header.claims.has_size = false;
			assert_int_equal(rcpt_receipt_position(r), 0);
		}
}

static void believes_signed_positions_only(void **state)
{
	const struct scene *s = *state;
	struct place *places = calloc(SIZES * SIZES / 2, sizeof(*places));
	size_t n, i, end, others = 0;

	assert_non_null(places);
	n = find_places(&s->stmt, places);
	assert_int_equal(n, (SIZES - 1) * SIZES / 2);
	for (i = 0; i < n; i = end) {
		for (end = i + 1; end < n && !by_root(&places[i], &places[end]); end++)
			;
		others += end - i - 1;
		believes_one(&s->stmt, &places[i], end - i);
	}
	/* Control: without the signed size there is much to choose among. */
	assert_true(others > n / 2);
	free(places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_both_structures),
		cmocka_unit_test(pins_the_entry),
		cmocka_unit_test(refuses_wrong_roots),
		cmocka_unit_test(holds_attached_roots_against_the_proof),
		cmocka_unit_test(wants_all_proofs_to_agree),
		cmocka_unit_test(refuses_paths_that_lead_nowhere),
		cmocka_unit_test(is_for_one_statement),
		cmocka_unit_test(leaves_out_what_it_cannot_evaluate),
		cmocka_unit_test(ties_the_algorithm_to_the_curve),
		cmocka_unit_test(finds_keys_by_their_id),
		cmocka_unit_test(tries_all_keys_of_the_issuer),
		cmocka_unit_test(refuses_bad_proofs),
		cmocka_unit_test(refuses_bad_ccf_leaves),
		cmocka_unit_test(bounds_paths),
		cmocka_unit_test(knows_its_position),
		cmocka_unit_test(believes_signed_positions_only),
	};

	return cmocka_run_group_tests_name("receipt", tests, setup, teardown);
}
