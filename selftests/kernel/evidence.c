// SPDX-License-Identifier: MIT
/*
 * Evidence, forged in each part. The logs and the issuer are made here; the policy
 * that trusts them is loaded first. Every forgery is made of evidence that is good
 * but for one thing, must be refused for its own reason, and leave the file denied.
 * No helper serves until the last test: what is not preloaded is denied at once.
 */
#include "forge.h"
#include "helper.h"

#define CONTENT_TYPE	"application/vnd.receipt.manifest-root"
#define ISSUER		"issuer.example"

static struct key issuer, stranger, log_one, log_two, log_raw, log_five;
static const struct key *receipt_key;	/* what the receipt is signed with */
static struct evidence ev, other;
static struct message message;
static char artifact[64];
static int border;

/*
 * Good evidence
 */

enum form { MANIFEST_RFC9162, MANIFEST_CCF, ENVELOPE_RFC9162, ENVELOPE_CCF, WHOLE, FORMS };

static const char *const form_names[FORMS] = {
	"manifest, RFC9162", "manifest, CCF", "hash envelope, RFC9162", "hash envelope, CCF",
	"manifest, whole statements as entries",
};

static bool is_ccf(enum form form)
{
	return form == MANIFEST_CCF || form == ENVELOPE_CCF;
}

static bool is_envelope(enum form form)
{
	return form == ENVELOPE_RFC9162 || form == ENVELOPE_CCF;
}

static void statement_claims(struct header *h)
{
	integer(h, 15);
	head(h, MAP, 4);
	label_text(h, 1, ISSUER);
	label_text(h, 2, "test/evidence");
	integer(h, 6);
	head(h, TAG, 1);
	integer(h, 1700000000);
	text(h, "svn");
	integer(h, 7);
}

static void statement_header(struct header *h, enum form form)
{
	memset(h, 0, sizeof(*h));
	head(h, MAP, 4);
	label_int(h, 1, issuer.alg);
	if (is_envelope(form))
		label_int(h, 258, -16);
	else
		label_text(h, 3, CONTENT_TYPE);
	integer(h, 4);
	string(h, BYTES, issuer.kid, 2 * HASH);
	statement_claims(h);
}

/* Without a key id when @kid_len is zero. */
static void receipt_header_kid(struct header *h, const struct key *k, const char *iss, int vds,
			       const void *kid, size_t kid_len)
{
	memset(h, 0, sizeof(*h));
	head(h, MAP, kid_len ? 4 : 3);
	label_int(h, 1, k->alg);
	if (kid_len) {
		integer(h, 4);
		string(h, BYTES, kid, kid_len);
	}
	label_int(h, 395, vds);
	integer(h, 15);
	head(h, MAP, 2);
	label_text(h, 1, iss);
	label_int(h, 6, 1700000001);
}

static void receipt_header(struct header *h, const struct key *k, const char *iss, int vds)
{
	receipt_header_kid(h, k, iss, vds, k->kid, 2 * HASH);
}

static void make_path(uint8_t (*path)[HASH], size_t *len, uint8_t fill)
{
	memset(path, fill, STEPS * HASH);
	*len = STEPS * HASH;
}

static void make_artifact(struct evidence *e, enum form form, const uint8_t *digest)
{
	memset(e, 0, sizeof(*e));
	e->kind = RECEIPT_KIND_SHA256;
	e->digest_len = HASH;
	memcpy(e->digest, digest, HASH);
	e->manifest = !is_envelope(form);
	e->usage = 1 << RECEIPT_OP_EXECUTE;
	e->index = 1;
	e->size = 3;
	make_path(e->path, &e->path_len, 0x11);
	e->stmt.payload_len = HASH;
	if (e->manifest)
		manifest_root(e, e->stmt.payload);
	else
		memcpy(e->stmt.payload, digest, HASH);
	statement_header(&e->stmt.hdr, form);
}

static void make_receipt(struct rcpt *r, enum form form)
{
	static const char commit[] = "ce:2.31:0123456789abcdef";

	memset(r, 0, sizeof(*r));
	r->ccf = is_ccf(form);
	r->index = 1;
	r->size = 3;
	make_path(r->path, &r->path_len, 0x22);
	memset(r->leaf_tx, 0x33, HASH);
	r->leaf_tx_len = HASH;
	r->evidence_len = sizeof(commit) - 1;
	memcpy(r->evidence, commit, r->evidence_len);
	r->left[0] = 1;
	r->left_len = STEPS;
	if (r->ccf)
		receipt_header(&r->hdr, &log_two, "log.two", 2);
	else if (form == WHOLE)
		receipt_header(&r->hdr, &log_raw, "log.raw", 1);
	else
		receipt_header(&r->hdr, &log_one, "log.one", 1);
}

static void sign_receipt(const struct statement *s, struct rcpt *r, enum form form)
{
	uint8_t root[HASH];

	if (r->ccf)
		ccf_root(s, r, root);
	else
		rfc9162_root(s, r, form == WHOLE ? WHOLE_ENTRY : HASH_ENTRY, root);
	r->sig_len = sign_header(receipt_key, &r->hdr, root, sizeof(root), r->sig);
}

/* When the forgery is made: what comes later is signed over it. */
enum stage { STATEMENT, RECEIPT, SENT };

static void make(struct evidence *e, enum form form, const uint8_t *digest, enum stage stage,
		 void (*forge)(void))
{
	receipt_key = is_ccf(form) ? &log_two : form == WHOLE ? &log_raw : &log_one;
	make_artifact(e, form, digest);
	if (forge && stage == STATEMENT)
		forge();
	sign_statement(&issuer, &e->stmt);
	e->nreceipts = 1;
	make_receipt(&e->receipts[0], form);
	if (forge && stage == RECEIPT)
		forge();
	sign_receipt(&e->stmt, &e->receipts[0], form);
	if (forge && stage == SENT)
		forge();
}

/*
 * Files: each of its own content
 */

static unsigned int serial;

static void new_artifact(uint8_t *digest)
{
	char content[64];

	snprintf(content, sizeof(content), "artifact %u", ++serial);
	snprintf(artifact, sizeof(artifact), "/run/artifact-%u", serial);
	write_text(artifact, content);
	SHA256((uint8_t *)content, strlen(content), digest);
}

static void test_good(enum form form)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	make(&ev, form, digest, SENT, NULL);
	expect_denied(probe_map(artifact, EACCES), "mmap_file", "no-helper",
		      "%s: before", form_names[form]);
	evidence_message(&message, &ev);
	if (!ok(!request(border, &message), "%s: accepted", form_names[form]))
		note("error %d, %s", answer.error, answer.text);
	expect_allowed(probe_map(artifact, EACCES), "%s: allowed", form_names[form]);
}

/*
 * Content digests of other kinds
 */

static const struct kind {
	enum receipt_kind kind;
	int alg;		/* as COSE numbers it */
	const char *md;
	size_t size;
} kinds[] = {
	{ RECEIPT_KIND_SHA384, -43, "SHA384", 48 },
	{ RECEIPT_KIND_SHA512, -44, "SHA512", 64 },
};

/* The form of today's production statements, about the last artifact. */
static void make_kind(const struct kind *k)
{
	unsigned int size = k->size;
	char content[64];
	uint8_t digest[HASH] = {};

	snprintf(content, sizeof(content), "artifact %u", serial);
	make(&ev, ENVELOPE_CCF, digest, SENT, NULL);
	ev.kind = k->kind;
	ev.digest_len = ev.stmt.payload_len = size;
	if (!EVP_Digest(content, strlen(content), ev.stmt.payload, &size,
			EVP_get_digestbyname(k->md), NULL))
		broken("digest");
	memcpy(ev.digest, ev.stmt.payload, size);
	ev.stmt.hdr.tokens[4].arg = -1 - k->alg;
	sign_statement(&issuer, &ev.stmt);
	sign_receipt(&ev.stmt, &ev.receipts[0], ENVELOPE_CCF);
	evidence_message(&message, &ev);
}

static void test_kind(const struct kind *k)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	make_kind(k);
	expect_denied(probe_map(artifact, EACCES), "mmap_file", "no-helper", "%s: before", k->md);
	if (!ok(!request(border, &message), "hash envelope, %s: accepted", k->md))
		note("error %d, %s", answer.error, answer.text);
	expect_allowed(probe_map(artifact, EACCES), "hash envelope, %s: allowed", k->md);
	ev.digest[k->size - 1] ^= 1;
	evidence_message(&message, &ev);
	expect_refused(border, &message, EBADMSG, "digest-differs", "evidence-refused", k->md);
}

/*
 * Measured is what the policy says: a policy that knows SHA-256 alone does not see
 * what is known of the SHA-384; the next one measures anew.
 */
static void test_not_measured(void)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	make_kind(&kinds[0]);
	ok(!request(border, &message), "digests=sha256: evidence about another kind is kept");
	expect_permitted(probe_map(artifact, EACCES), "mmap_file", "no-helper", "digests=sha256");
}

/*
 * Key ids
 */

static void test_kid(const char *what, const struct key *k, const char *iss, const void *kid,
		     size_t len, bool good)
{
	char name[64];
	uint8_t digest[HASH];

	snprintf(name, sizeof(name), "%s, key id: %s", k->curve->name, what);
	new_artifact(digest);
	make(&ev, MANIFEST_RFC9162, digest, SENT, NULL);
	receipt_header_kid(&ev.receipts[0].hdr, k, iss, 1, kid, len);
	receipt_key = k;
	sign_receipt(&ev.stmt, &ev.receipts[0], MANIFEST_RFC9162);
	evidence_message(&message, &ev);
	if (good)
		ok(!request(border, &message), "%s", name);
	else
		expect_refused(border, &message, ENOKEY, "unknown-key", "evidence-refused", name);
}

static void test_kids(const struct key *k, const char *iss)
{
	uint8_t raw[HASH], print[HASH];

	for (int i = 0; i < HASH; i++)
		sscanf(k->kid + 2 * i, "%2hhx", &raw[i]);
	thumbprint(k, print);
	test_kid("hex", k, iss, k->kid, 2 * HASH, true);
	test_kid("bytes", k, iss, raw, HASH, true);
	test_kid("thumbprint", k, iss, print, HASH, true);
	test_kid("none", k, iss, NULL, 0, true);
	raw[HASH - 1] ^= 1;
	test_kid("bytes of another key", k, iss, raw, HASH, false);
	print[0] ^= 1;
	test_kid("thumbprint of another key", k, iss, print, HASH, false);
	test_kid("of 31 bytes", k, iss, raw, HASH - 1, false);
}

/*
 * Forgeries: the manifest and the payload
 */

static void manifest_path(void)		{ ev.path[0][5] ^= 1; }
static void manifest_short(void)	{ ev.path_len -= HASH; }
static void manifest_long(void)		{ ev.path_len += HASH; }
static void manifest_cut(void)		{ ev.path_len -= 1; }
static void manifest_too_long(void)	{ ev.path_len = (RECEIPT_MAX_PATH + 1) * HASH; }
static void manifest_usage(void)	{ ev.usage |= 1 << RECEIPT_OP_KMODULE; }
static void manifest_index(void)	{ ev.index = 0; }
static void manifest_outside(void)	{ ev.index = 3; }
static void manifest_size(void)		{ ev.size = 2; }
static void manifest_empty(void)	{ ev.size = 0; }
static void manifest_missing(void)	{ ev.manifest = false; }
static void kind_changed(void)		{ ev.kind = RECEIPT_KIND_FSVERITY_SHA256; }
static void kind_without_size(void)	{ ev.kind = RECEIPT_KIND_SHA384; }
static void kind_unknown(void)		{ ev.kind = 6; }
static void digest_short(void)		{ ev.digest_len = HASH - 1; }
static void payload_bit(void)		{ ev.stmt.payload[31] ^= 0x80; }
static void payload_short(void)		{ ev.stmt.payload_len = 31; }
static void payload_long(void)		{ ev.stmt.payload_len = 64; }
static void payload_too_long(void)	{ ev.stmt.payload_len = 65; }
static void payload_empty(void)		{ ev.stmt.payload_len = 0; }

/* The path is that of another manifest, whose root is put into the payload. */
static void payload_fits(void)
{
	ev.path[0][5] ^= 1;
	manifest_root(&ev, ev.stmt.payload);
}

/* The good evidence of another file, sent for this one. */
static void digest_swapped(void)
{
	uint8_t digest[HASH], mine[HASH];

	memcpy(mine, ev.digest, HASH);
	SHA256((const uint8_t *)"another file", 12, digest);
	make(&ev, MANIFEST_RFC9162, digest, SENT, NULL);
	memcpy(ev.digest, mine, HASH);
}

static void envelope_swapped(void)
{
	uint8_t digest[HASH], mine[HASH];

	memcpy(mine, ev.digest, HASH);
	SHA256((const uint8_t *)"another file", 12, digest);
	make(&ev, ENVELOPE_RFC9162, digest, SENT, NULL);
	memcpy(ev.digest, mine, HASH);
}

/*
 * Forgeries: the statement as it was signed
 */

static void last_claim(void)		{ ev.stmt.hdr.tokens[ev.stmt.hdr.n - 1].arg = 8; }
static void blob_byte(void)		{ ev.stmt.hdr.blob[ev.stmt.hdr.blob_len - 5] ^= 1; }
static void statement_alg(void)		{ ev.stmt.hdr.tokens[2].arg = 34; }
static void statement_sig(void)		{ ev.stmt.sig[3] ^= 1; }
static void statement_sig_short(void)	{ ev.stmt.sig_len--; }
static void statement_sig_long(void)	{ ev.stmt.sig_len = RECEIPT_MAX_SIGNATURE + 1; }

static void label_added(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	label_int(&ev.stmt.hdr, 99, 1);
}

/*
 * Forgeries: statements that the issuer and the log signed, but that say what is
 * not to be accepted
 */

static void crit_unknown(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	integer(&ev.stmt.hdr, 2);
	head(&ev.stmt.hdr, ARRAY, 1);
	integer(&ev.stmt.hdr, 99);
}

static void crit_text(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	integer(&ev.stmt.hdr, 2);
	head(&ev.stmt.hdr, ARRAY, 2);
	integer(&ev.stmt.hdr, 1);
	text(&ev.stmt.hdr, "reserved");
}

static void crit_empty(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	integer(&ev.stmt.hdr, 2);
	head(&ev.stmt.hdr, ARRAY, 0);
}

static void duplicate_label(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	label_int(&ev.stmt.hdr, 1, issuer.alg);
}

static void duplicate_text(void)
{
	ev.stmt.hdr.tokens[0].arg += 2;
	text(&ev.stmt.hdr, "mine");
	integer(&ev.stmt.hdr, 1);
	text(&ev.stmt.hdr, "mine");
	integer(&ev.stmt.hdr, 2);
}

/* The header begins anew, up to its CWT claims. */
static struct header *claims_anew(uint64_t n)
{
	struct header *h = &ev.stmt.hdr;

	memset(h, 0, sizeof(*h));
	head(h, MAP, 3);
	label_int(h, 1, issuer.alg);
	label_text(h, 3, CONTENT_TYPE);
	integer(h, 15);
	head(h, MAP, n);
	return h;
}

static void duplicate_claim(void)
{
	struct header *h = claims_anew(3);

	label_text(h, 1, ISSUER);
	label_text(h, 2, "test/evidence");
	label_text(h, 1, "another.example");
}

static void duplicate_svn(void)
{
	struct header *h = claims_anew(3);

	label_text(h, 1, ISSUER);
	text(h, "svn");
	integer(h, 1);
	text(h, "svn");
	integer(h, 9);
}

static void no_issuer(void)		{ label_text(claims_anew(1), 2, "test/evidence"); }
static void empty_issuer(void)		{ label_text(claims_anew(1), 1, ""); }
static void issuer_number(void)		{ label_int(claims_anew(1), 1, 5); }

static void no_claims(void)
{
	claims_anew(0);
	ev.stmt.hdr.n -= 2;
	ev.stmt.hdr.tokens[0].arg = 2;
}

static void claims_no_map(void)
{
	claims_anew(0);
	ev.stmt.hdr.tokens[ev.stmt.hdr.n - 1] = (struct receipt_token){ .major = UINT };
}

static void issuer_long(void)
{
	char long_text[RECEIPT_MAX_CLAIM + 2];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	label_text(claims_anew(1), 1, long_text);
}

static void subject_nul(void)
{
	struct header *h = claims_anew(2);

	label_text(h, 1, ISSUER);
	integer(h, 2);
	string(h, TEXT, "test/\0evidence", 14);
}

static void svn_negative(void)
{
	struct header *h = claims_anew(2);

	label_text(h, 1, ISSUER);
	text(h, "svn");
	integer(h, -1);
}

static void svn_huge(void)
{
	struct header *h = claims_anew(2);

	label_text(h, 1, ISSUER);
	text(h, "svn");
	head(h, UINT, UINT64_MAX);
}

static void content_type(void)
{
	struct header *h = &ev.stmt.hdr;

	memset(h, 0, sizeof(*h));
	head(h, MAP, 3);
	label_int(h, 1, issuer.alg);
	label_text(h, 3, CONTENT_TYPE "s");
	statement_claims(h);
}

static void content_type_none(void)
{
	struct header *h = &ev.stmt.hdr;

	memset(h, 0, sizeof(*h));
	head(h, MAP, 2);
	label_int(h, 1, issuer.alg);
	statement_claims(h);
}

static void envelope_alg(void)
{
	struct header *h = &ev.stmt.hdr;

	memset(h, 0, sizeof(*h));
	head(h, MAP, 3);
	label_int(h, 1, issuer.alg);
	label_int(h, 258, -18);
	statement_claims(h);
}

static void envelope_other_alg(void)
{
	struct header *h = &ev.stmt.hdr;

	memset(h, 0, sizeof(*h));
	head(h, MAP, 3);
	label_int(h, 1, issuer.alg);
	label_int(h, 258, -43);
	statement_claims(h);
}

static void envelope_and_type(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	label_text(&ev.stmt.hdr, 3, CONTENT_TYPE);
}

static void many_labels(void)
{
	ev.stmt.hdr.tokens[0].arg = RECEIPT_MAX_MAP + 1;
	for (int i = 4; i <= RECEIPT_MAX_MAP; i++)
		label_int(&ev.stmt.hdr, 1000 + i, 0);
}

static void label_bytes(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	string(&ev.stmt.hdr, BYTES, "x", 1);
	integer(&ev.stmt.hdr, 0);
}

static void label_array(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	head(&ev.stmt.hdr, ARRAY, 0);
	integer(&ev.stmt.hdr, 0);
}

static void not_a_map(void)
{
	memset(&ev.stmt.hdr, 0, sizeof(ev.stmt.hdr));
	head(&ev.stmt.hdr, ARRAY, 0);
}

static void nested(int levels)
{
	ev.stmt.hdr.tokens[0].arg++;
	integer(&ev.stmt.hdr, 99);
	for (int i = 0; i < levels; i++)
		head(&ev.stmt.hdr, ARRAY, 1);
	integer(&ev.stmt.hdr, 0);
}

static void nested_deep(void)		{ nested(RECEIPT_MAX_DEPTH); }
static void nested_bomb(void)		{ nested(900); }

/*
 * Forgeries: tokens
 */

static void token_missing(void)		{ ev.stmt.hdr.n--; }
static void token_more(void)		{ integer(&ev.stmt.hdr, 0); }
static void token_none(void)		{ ev.stmt.hdr.n = 0; }
static void blob_short(void)		{ ev.stmt.hdr.blob_len--; }
static void blob_long(void)		{ ev.stmt.hdr.blob_len++; }
static void blob_too_long(void)		{ ev.stmt.hdr.blob_len = RECEIPT_MAX_BLOB + 1; }
static void pad_set(void)		{ ev.stmt.hdr.tokens[1].pad[3] = 1; }
static void major_unknown(void)		{ ev.stmt.hdr.tokens[1].major = 8; }
static void simple_value(void)
{
	ev.stmt.hdr.tokens[2] = (struct receipt_token){ .major = SIMPLE, .arg = 24 };
}

static void string_huge(void)		{ ev.stmt.hdr.tokens[4].arg = UINT64_MAX; }
static void map_huge(void)		{ ev.stmt.hdr.tokens[0].arg = 1ULL << 63; }
static void map_wraps(void)		{ ev.stmt.hdr.tokens[0].arg = (1ULL << 63) + 4; }

static void tokens_many(void)
{
	while (ev.stmt.hdr.n <= RECEIPT_MAX_TOKENS)
		integer(&ev.stmt.hdr, 0);
}

static void array_huge(void)
{
	ev.stmt.hdr.tokens[0].arg++;
	integer(&ev.stmt.hdr, 99);
	head(&ev.stmt.hdr, ARRAY, UINT64_MAX);
}

/*
 * Forgeries: the receipt
 */

static struct rcpt *const r0 = &ev.receipts[0];

static void receipt_none(void)		{ ev.nreceipts = 0; }
static void receipt_many(void)		{ ev.repeat = RECEIPT_MAX_RECEIPTS; }
static void receipt_sig(void)		{ r0->sig[40] ^= 1; }
static void receipt_sig_short(void)	{ r0->sig_len--; }
static void receipt_sig_empty(void)	{ r0->sig_len = 0; }
static void receipt_sig_long(void)	{ r0->sig_len = RECEIPT_MAX_SIGNATURE; }
static void receipt_sig_too_long(void)	{ r0->sig_len = RECEIPT_MAX_SIGNATURE + 1; }
static void receipt_sig_zero(void)	{ memset(r0->sig, 0, r0->sig_len); }
static void receipt_sig_ones(void)	{ memset(r0->sig, 0xff, r0->sig_len); }
static void receipt_claim(void)		{ r0->hdr.tokens[r0->hdr.n - 1].arg++; }
static void receipt_index(void)		{ r0->index = 0; }
static void receipt_outside(void)	{ r0->index = 3; }
static void receipt_size(void)		{ r0->size = 2; }
static void receipt_size_huge(void)	{ r0->size = UINT64_MAX; }
static void receipt_path(void)		{ r0->path[1][0] ^= 1; }
static void receipt_path_short(void)	{ r0->path_len -= HASH; }
static void receipt_path_long(void)	{ r0->path_len += HASH; }
static void receipt_path_cut(void)	{ r0->path_len--; }
static void receipt_path_too_long(void)	{ r0->path_len = (RECEIPT_MAX_PATH + 1) * HASH; }
static void signed_by_stranger(void)	{ receipt_key = &stranger; }
static void vds_changed(void)		{ r0->hdr.tokens[6].arg = 2; }
static void structure_swapped(void)	{ r0->ccf = true; }
static void ccf_structure_swapped(void)	{ r0->ccf = false; }
static void ccf_tx(void)		{ r0->leaf_tx[0] ^= 1; }
static void ccf_tx_short(void)		{ r0->leaf_tx_len--; }
static void ccf_evidence(void)		{ r0->evidence[4] ^= 1; }
static void ccf_evidence_empty(void)	{ r0->evidence_len = 0; }
static void ccf_evidence_long(void)	{ r0->evidence_len = RECEIPT_MAX_LEAF_EVIDENCE + 1; }
static void ccf_side(void)		{ r0->left[0] ^= 1; }
static void ccf_side_unknown(void)	{ r0->left[1] = 2; }
static void ccf_sides_short(void)	{ r0->left_len--; }
static void ccf_no_path(void)		{ r0->path_len = r0->left_len = 0; }

static void stranger_names_itself(void)
{
	receipt_key = &stranger;
	receipt_header(&r0->hdr, &stranger, "log.one", 1);
}

static void other_logs_key(void)
{
	receipt_key = &log_two;
	receipt_header(&r0->hdr, &log_two, "log.one", 1);
}

/* The key that the id names, with the algorithm of a weaker curve. */
static void weaker_alg(void)
{
	receipt_key = &log_two;
	receipt_header(&r0->hdr, &log_one, "log.one", 1);
	r0->hdr.tokens[2].arg = -1 - ES256;
}

static void alg_unknown(void)		{ r0->hdr.tokens[2].arg = 46; }
static void alg_text(void)
{
	r0->hdr.tokens[2] = (struct receipt_token){ .major = BYTES };
}

static void log_unknown(void)		{ receipt_header(&r0->hdr, &log_one, "log.none", 1); }
static void log_prefix(void)		{ receipt_header(&r0->hdr, &log_one, "log.on", 1); }
static void vds_unknown(void)		{ receipt_header(&r0->hdr, &log_one, "log.one", 3); }

static void vds_missing(void)
{
	memset(&r0->hdr, 0, sizeof(r0->hdr));
	head(&r0->hdr, MAP, 2);
	label_int(&r0->hdr, 1, log_one.alg);
	integer(&r0->hdr, 15);
	head(&r0->hdr, MAP, 1);
	label_text(&r0->hdr, 1, "log.one");
}

static void receipt_no_claims(void)
{
	memset(&r0->hdr, 0, sizeof(r0->hdr));
	head(&r0->hdr, MAP, 2);
	label_int(&r0->hdr, 1, log_one.alg);
	label_int(&r0->hdr, 395, 1);
}

static void receipt_crit(void)
{
	r0->hdr.tokens[0].arg++;
	integer(&r0->hdr, 2);
	head(&r0->hdr, ARRAY, 1);
	integer(&r0->hdr, 100);
}

static void receipt_duplicate(void)
{
	r0->hdr.tokens[0].arg++;
	label_int(&r0->hdr, 395, 1);
}

static void receipt_kid_long(void)
{
	struct header *h = &r0->hdr;

	memset(h, 0, sizeof(*h));
	head(h, MAP, 4);
	label_int(h, 1, log_one.alg);
	integer(h, 4);
	string(h, BYTES, log_one.kid, 2 * HASH + 1);
	label_int(h, 395, 1);
	integer(h, 15);
	head(h, MAP, 1);
	label_text(h, 1, "log.one");
}

static void receipt_of_another(void)
{
	uint8_t digest[HASH];

	SHA256((const uint8_t *)"another file", 12, digest);
	make(&other, MANIFEST_RFC9162, digest, SENT, NULL);
	ev.receipts[0] = other.receipts[0];
}

/* A good receipt, but of the log whose entries are whole statements. */
static void entry_swapped(void)
{
	receipt_key = &log_raw;
	receipt_header(&r0->hdr, &log_raw, "log.raw", 1);
}

/*
 * The table: what is refused, and why
 */

#define REFUSED		"evidence-refused"
#define MALFORMED	"messages-refused"

#define NO_PROOF(form, stage, forge, text) { form, stage, forge, EBADMSG, text, REFUSED, #forge }
#define NO_KEY(form, stage, forge, text) { form, stage, forge, ENOKEY, text, REFUSED, #forge }
#define BAD_SIG(form, stage, forge) { form, stage, forge, EKEYREJECTED, "wrong-receipt-signature", \
				      REFUSED, #forge }
#define BAD_MESSAGE(form, forge, text) { form, SENT, forge, EINVAL, text, MALFORMED, #forge }

static const struct forgery {
	enum form form;
	enum stage stage;
	void (*forge)(void);
	int error;
	const char *text;
	const char *counter;
	const char *name;
} forgeries[] = {
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_path, "manifest-path-differs"),
	NO_PROOF(MANIFEST_CCF, SENT, manifest_path, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_short, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_long, "malformed-proof"),
	BAD_MESSAGE(MANIFEST_RFC9162, manifest_cut, "malformed-message: path is cut off"),
	BAD_MESSAGE(MANIFEST_RFC9162, manifest_too_long, ""),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_usage, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_index, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_outside, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_size, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_empty, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, manifest_missing, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, kind_changed, "manifest-path-differs"),
	BAD_MESSAGE(MANIFEST_RFC9162, kind_without_size,
		    "malformed-message: digest does not fit its kind"),
	BAD_MESSAGE(MANIFEST_RFC9162, kind_unknown, ""),
	BAD_MESSAGE(MANIFEST_RFC9162, digest_short, ""),
	NO_PROOF(MANIFEST_RFC9162, SENT, digest_swapped, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, payload_bit, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, payload_short, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, payload_long, "manifest-path-differs"),
	NO_PROOF(MANIFEST_RFC9162, SENT, payload_empty, "manifest-path-differs"),
	BAD_MESSAGE(MANIFEST_RFC9162, payload_too_long, ""),
	BAD_SIG(MANIFEST_RFC9162, SENT, payload_fits),
	BAD_SIG(MANIFEST_CCF, SENT, payload_fits),

	NO_PROOF(ENVELOPE_RFC9162, SENT, envelope_swapped, "digest-differs"),
	NO_PROOF(ENVELOPE_RFC9162, SENT, payload_bit, "digest-differs"),
	NO_PROOF(ENVELOPE_CCF, SENT, payload_short, "digest-differs"),
	NO_PROOF(ENVELOPE_RFC9162, SENT, kind_changed, "digest-differs"),
	NO_PROOF(ENVELOPE_RFC9162, STATEMENT, envelope_alg, "unknown-hash-algorithm"),
	NO_PROOF(ENVELOPE_RFC9162, STATEMENT, envelope_other_alg, "digest-differs"),
	NO_PROOF(ENVELOPE_RFC9162, STATEMENT, envelope_and_type, "unknown-content-type"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, content_type, "unknown-content-type"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, content_type_none, "unknown-hash-algorithm"),

	BAD_SIG(MANIFEST_RFC9162, SENT, last_claim),
	BAD_SIG(MANIFEST_RFC9162, SENT, blob_byte),
	BAD_SIG(MANIFEST_CCF, SENT, blob_byte),
	BAD_SIG(MANIFEST_RFC9162, SENT, statement_alg),
	BAD_SIG(MANIFEST_RFC9162, SENT, label_added),
	BAD_SIG(MANIFEST_RFC9162, SENT, statement_sig),
	BAD_SIG(MANIFEST_CCF, SENT, statement_sig),
	BAD_SIG(MANIFEST_RFC9162, SENT, statement_sig_short),
	BAD_MESSAGE(MANIFEST_RFC9162, statement_sig_long, ""),

	NO_PROOF(MANIFEST_RFC9162, STATEMENT, crit_unknown, "unknown-critical-label"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, crit_text, "unknown-critical-label"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, crit_empty, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, duplicate_label, "duplicate-label"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, duplicate_text, "duplicate-label"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, duplicate_claim, "duplicate-label"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, duplicate_svn, "duplicate-label"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, no_claims, "missing-claims"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, claims_no_map, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, no_issuer, "missing-claims"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, empty_issuer, "missing-claims"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, issuer_number, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, issuer_long, "over-a-bound"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, subject_nul, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, svn_negative, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, svn_huge, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, many_labels, "over-a-bound"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, label_bytes, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, label_array, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, not_a_map, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, nested_deep, "over-a-bound"),
	NO_PROOF(MANIFEST_RFC9162, STATEMENT, nested_bomb, "over-a-bound"),

	NO_PROOF(MANIFEST_RFC9162, SENT, token_missing, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, SENT, token_more, "malformed-tokens"),
	BAD_MESSAGE(MANIFEST_RFC9162, token_none, ""),
	BAD_MESSAGE(MANIFEST_RFC9162, tokens_many, ""),
	NO_PROOF(MANIFEST_RFC9162, SENT, blob_short, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, SENT, blob_long, "malformed-tokens"),
	BAD_MESSAGE(MANIFEST_RFC9162, blob_too_long, ""),
	NO_PROOF(MANIFEST_RFC9162, SENT, pad_set, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, SENT, major_unknown, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, SENT, simple_value, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, SENT, string_huge, "malformed-tokens"),
	NO_PROOF(MANIFEST_RFC9162, SENT, map_huge, "over-a-bound"),
	NO_PROOF(MANIFEST_RFC9162, SENT, map_wraps, "over-a-bound"),
	NO_PROOF(MANIFEST_RFC9162, SENT, array_huge, "over-a-bound"),

	NO_PROOF(MANIFEST_RFC9162, SENT, receipt_none, "no-receipt"),
	{ MANIFEST_RFC9162, SENT, receipt_many, E2BIG, "over-a-bound", MALFORMED, "receipt_many" },
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_sig),
	BAD_SIG(MANIFEST_CCF, SENT, receipt_sig),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_sig_short),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_sig_empty),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_sig_long),
	BAD_MESSAGE(MANIFEST_RFC9162, receipt_sig_too_long, ""),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_sig_zero),
	BAD_SIG(MANIFEST_CCF, SENT, receipt_sig_zero),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_sig_ones),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_claim),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_index),
	NO_PROOF(MANIFEST_RFC9162, SENT, receipt_outside, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, receipt_size, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, receipt_size_huge, "malformed-proof"),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_path),
	BAD_SIG(MANIFEST_CCF, SENT, receipt_path),
	NO_PROOF(MANIFEST_RFC9162, SENT, receipt_path_short, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, receipt_path_long, "malformed-proof"),
	BAD_MESSAGE(MANIFEST_RFC9162, receipt_path_cut, "malformed-message: path is cut off"),
	BAD_MESSAGE(MANIFEST_RFC9162, receipt_path_too_long, ""),
	BAD_SIG(MANIFEST_RFC9162, SENT, receipt_of_another),

	BAD_SIG(MANIFEST_RFC9162, RECEIPT, entry_swapped),
	NO_PROOF(MANIFEST_RFC9162, SENT, vds_changed, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, SENT, structure_swapped, "malformed-proof"),
	NO_PROOF(MANIFEST_CCF, SENT, ccf_structure_swapped, "malformed-proof"),
	NO_PROOF(MANIFEST_RFC9162, RECEIPT, vds_unknown, "unknown-structure"),
	NO_PROOF(MANIFEST_RFC9162, RECEIPT, vds_missing, "unknown-structure"),
	NO_PROOF(MANIFEST_RFC9162, RECEIPT, receipt_no_claims, "missing-claims"),
	NO_PROOF(MANIFEST_RFC9162, RECEIPT, receipt_crit, "unknown-critical-label"),
	NO_PROOF(MANIFEST_RFC9162, RECEIPT, receipt_duplicate, "duplicate-label"),
	BAD_SIG(MANIFEST_RFC9162, RECEIPT, signed_by_stranger),
	BAD_SIG(MANIFEST_CCF, RECEIPT, signed_by_stranger),
	NO_KEY(MANIFEST_RFC9162, RECEIPT, stranger_names_itself, "unknown-key"),
	NO_KEY(MANIFEST_RFC9162, RECEIPT, other_logs_key, "unknown-key"),
	NO_KEY(MANIFEST_RFC9162, RECEIPT, receipt_kid_long, "unknown-key"),
	NO_KEY(MANIFEST_RFC9162, RECEIPT, log_unknown, "unknown-log"),
	NO_KEY(MANIFEST_RFC9162, RECEIPT, log_prefix, "unknown-log"),
	NO_PROOF(MANIFEST_RFC9162, RECEIPT, weaker_alg, "wrong-algorithm"),
	NO_PROOF(MANIFEST_RFC9162, RECEIPT, alg_unknown, "wrong-algorithm"),
	NO_PROOF(MANIFEST_RFC9162, SENT, alg_text, "malformed-tokens"),

	BAD_SIG(MANIFEST_CCF, SENT, ccf_tx),
	BAD_MESSAGE(MANIFEST_CCF, ccf_tx_short, ""),
	BAD_SIG(MANIFEST_CCF, SENT, ccf_evidence),
	BAD_MESSAGE(MANIFEST_CCF, ccf_evidence_empty, ""),
	BAD_MESSAGE(MANIFEST_CCF, ccf_evidence_long, ""),
	BAD_SIG(MANIFEST_CCF, SENT, ccf_side),
	NO_PROOF(MANIFEST_CCF, SENT, ccf_side_unknown, "malformed-proof"),
	BAD_MESSAGE(MANIFEST_CCF, ccf_sides_short, "malformed-message: sides do not fit the path"),
	NO_PROOF(MANIFEST_CCF, SENT, ccf_no_path, "malformed-proof"),
};

static void test_forgery(const struct forgery *f, const uint8_t *digest)
{
	char name[128];

	make(&ev, f->form, digest, f->stage, f->forge);
	evidence_message(&message, &ev);
	snprintf(name, sizeof(name), "%s (%s)", f->name, form_names[f->form]);
	expect_refused(border, &message, f->error, f->text, f->counter, name);
}

/* All against one file, which stays denied until the good evidence comes. */
static void test_forgeries(void)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	for (size_t i = 0; i < ARRAY_SIZE(forgeries); i++) {
		test_forgery(&forgeries[i], digest);
		if (probe_map(artifact, EACCES) != DENIED)
			ok(false, "%s: the file is not denied", forgeries[i].name);
	}
	expect_denied(probe_map(artifact, EACCES), "mmap_file", "no-helper",
		      "the file is denied after all forgeries");
	make(&ev, MANIFEST_RFC9162, digest, SENT, NULL);
	evidence_message(&message, &ev);
	ok(!request(border, &message), "control: the good evidence is accepted");
	expect_allowed(probe_map(artifact, EACCES), "control: the file is allowed");
}

/* One good receipt is enough, wherever it stands. */
static void test_two_receipts(bool good_first)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	make(&ev, MANIFEST_RFC9162, digest, SENT, NULL);
	ev.receipts[1] = ev.receipts[0];
	ev.nreceipts = 2;
	ev.receipts[good_first].sig[0] ^= 1;
	evidence_message(&message, &ev);
	ok(!request(border, &message), "two receipts, the %s is good: accepted",
	   good_first ? "first" : "second");
	expect_allowed(probe_map(artifact, EACCES), "two receipts: allowed");
}

/*
 * What rules match on
 */

static void explain(const char *what, enum receipt_op op, const uint8_t *digest, int verdict)
{
	start_request(&message, RECEIPT_CMD_EXPLAIN);
	put_u8(&message, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	put(&message, RECEIPT_A_DIGEST, digest, HASH);
	put_u8(&message, RECEIPT_A_OP, op);
	if (request(border, &message))
		broken("EXPLAIN: %s", answer.text);
	ok(get_u8(&answer.reply, RECEIPT_A_VERDICT) == verdict, "%s: %s", what,
	   verdict ? "allowed" : "denied");
}

static void usage_all(void)		{ ev.usage = 0xff; manifest_root(&ev, ev.stmt.payload); }

/* The subject and svn of a newer, and an older, version; of another subject. */
static void send_claims(const uint8_t *digest, const char *subject, int svn)
{
	struct header *h;

	make(&ev, MANIFEST_RFC9162, digest, STATEMENT, usage_all);
	h = claims_anew(3);
	label_text(h, 1, ISSUER);
	label_text(h, 2, subject);
	text(h, "svn");
	integer(h, svn);
	sign_statement(&issuer, &ev.stmt);
	sign_receipt(&ev.stmt, &ev.receipts[0], MANIFEST_RFC9162);
	evidence_message(&message, &ev);
	if (request(border, &message))
		broken("evidence: %s", answer.text);
}

static void test_claims(void)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	explain("subject and svn: no evidence", RECEIPT_OP_FIRMWARE, digest, 0);
	send_claims(digest, "fw/disk", 6);
	explain("svn too low", RECEIPT_OP_FIRMWARE, digest, 0);
	send_claims(digest, "nofw/disk", 9);
	explain("another subject, and not two statements mixed", RECEIPT_OP_FIRMWARE, digest, 0);
	send_claims(digest, "fw/disk", 7);
	explain("subject and svn as the rule asks", RECEIPT_OP_FIRMWARE, digest, 1);
}

/* Receipts of two logs for one statement; for two statements they do not add up. */
static void test_both_logs(void)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	make(&ev, MANIFEST_RFC9162, digest, STATEMENT, usage_all);
	evidence_message(&message, &ev);
	request(border, &message);
	explain("both logs: one receipt", RECEIPT_OP_KEXEC_IMAGE, digest, 0);
	make(&other, ENVELOPE_CCF, digest, SENT, NULL);
	evidence_message(&message, &other);
	request(border, &message);
	explain("both logs: receipts of two statements", RECEIPT_OP_KEXEC_IMAGE, digest, 0);
	receipt_key = &log_two;
	make_receipt(&ev.receipts[1], MANIFEST_CCF);
	sign_receipt(&ev.stmt, &ev.receipts[1], MANIFEST_CCF);
	ev.nreceipts = 2;
	evidence_message(&message, &ev);
	request(border, &message);
	explain("both logs: both receipts", RECEIPT_OP_KEXEC_IMAGE, digest, 1);
}

/* The statement is another key's: both logs took it all the same. */
static void send_signed_by(const struct key *k, const uint8_t *digest)
{
	make(&ev, MANIFEST_RFC9162, digest, STATEMENT, usage_all);
	sign_statement(k, &ev.stmt);
	sign_receipt(&ev.stmt, &ev.receipts[0], MANIFEST_RFC9162);
	evidence_message(&message, &ev);
	if (request(border, &message))
		broken("evidence: %s", answer.text);
}

static void test_issuer_key(void)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	send_signed_by(&stranger, digest);
	explain("issuer_key: signed by another key", RECEIPT_OP_KEXEC_INITRAMFS, digest, 0);
	send_signed_by(&issuer, digest);
	explain("issuer_key: signed by that key", RECEIPT_OP_KEXEC_INITRAMFS, digest, 1);
}

/* Each signature is verified once, and a failure is not remembered as success. */
static void test_verified_once(void)
{
	uint64_t before;
	uint8_t digest[HASH];

	new_artifact(digest);
	make(&ev, ENVELOPE_RFC9162, digest, SENT, NULL);
	evidence_message(&message, &ev);
	request(border, &message);
	before = stat_value("signatures-verified");
	ok(!request(border, &message) && stat_value("signatures-verified") == before,
	   "a signature is verified once");
	ev.receipts[0].sig[0] ^= 1;
	evidence_message(&message, &ev);
	expect_refused(border, &message, EKEYREJECTED, "wrong-receipt-signature", REFUSED,
		       "a changed signature on what was verified");
	expect_refused(border, &message, EKEYREJECTED, "wrong-receipt-signature", REFUSED,
		       "the same again");
}

/* Proven under one policy, a statement is proven under another; its rules decide. */
static void test_flush(void)
{
	uint8_t digest[HASH];

	new_artifact(digest);
	make(&ev, MANIFEST_RFC9162, digest, SENT, NULL);
	evidence_message(&message, &ev);
	request(border, &message);
	expect_allowed(probe_map(artifact, EACCES), "before a flush");
	ok(stat_value("statements-kept") >= stat_value("digests-proven") &&
	   stat_value("digests-proven"), "statements are kept for the digests");
	ok(!flush(border), "flush");
	ok(!stat_value("statements-kept") && !stat_value("digests-proven"), "none is left");
	expect_denied(probe_map(artifact, EACCES), "mmap_file", "no-helper", "after a flush");
}

static void usage_firmware(void)
{
	ev.usage = 1 << RECEIPT_OP_FIRMWARE;
	manifest_root(&ev, ev.stmt.payload);
}

static void send_answer(int helper, const struct question *q, bool more)
{
	evidence_message(&message, &ev);
	put_u64(&message, RECEIPT_A_ID, q->id);
	if (more)
		put(&message, RECEIPT_A_MORE, NULL, 0);
	if (request(helper, &message))
		broken("answer: error %d, %s", answer.error, answer.text);
}

/*
 * The answer comes in two parts, and in between all is forgotten: who waits is
 * judged by both, and both are kept, so that a part is not taken for all there is.
 */
static void test_flush_in_answer(void)
{
	int helper = become_helper();
	char again[sizeof(artifact) + 8];
	struct question q;
	uint8_t digest[HASH];
	pid_t pid;

	new_artifact(digest);
	pid = start_map(artifact, 0);
	q = receive_question(helper);
	make(&ev, MANIFEST_RFC9162, digest, SENT, NULL);
	send_answer(helper, &q, true);
	ok(!flush(border), "flush between two parts of an answer");
	make(&ev, MANIFEST_RFC9162, digest, STATEMENT, usage_firmware);
	send_answer(helper, &q, false);
	expect_allowed(end_probe(pid), "who waits is judged by all parts");

	snprintf(again, sizeof(again), "%s-again", artifact);
	copy(artifact, again, "");
	/* Nobody answers a question now. */
	expect_allowed(probe_map(again, 0), "the answer is kept as a whole");
	close(helper);
}

static void send_kept(uint8_t *digest, bool more)
{
	new_artifact(digest);
	make(&ev, MANIFEST_RFC9162, digest, SENT, NULL);
	evidence_message(&message, &ev);
	put(&message, RECEIPT_A_KEEP, NULL, 0);
	if (more)
		put(&message, RECEIPT_A_MORE, NULL, 0);
	if (request(border, &message))
		broken("evidence to be kept: %s", answer.text);
}

/* For the start of the helper: no flush takes it, and it is bounded. No helper serves. */
static void test_kept(void)
{
	uint64_t before = stat_value("digests-kept");
	char first[sizeof(artifact)];
	uint8_t digest[HASH];

	ok(!before, "nothing is kept by itself");
	send_kept(digest, false);
	memcpy(first, artifact, sizeof(first));
	ok(stat_value("digests-kept") == 1, "evidence with KEEP is kept");
	ok(!flush(border) && stat_value("digests-kept") == 1, "a flush does not drop it");
	expect_allowed(probe_map(first, EACCES), "it counts after a flush, while no helper serves");
	send_kept(digest, true);
	ok(stat_value("digests-kept") == 1, "what is to be followed by more is not kept yet");
	ok(!flush(border), "flush");
	expect_denied(probe_map(artifact, EACCES), "mmap_file", "no-helper",
		      "and it is not after a flush");
	for (int i = 0; i < RECEIPT_MAX_KEPT; i++)
		send_kept(digest, false);
	ok(stat_value("digests-kept") == RECEIPT_MAX_KEPT, "%d digests are kept, and no more",
	   RECEIPT_MAX_KEPT);
	ok(!flush(border) && stat_value("digests-kept") == RECEIPT_MAX_KEPT, "flush");
	expect_allowed(probe_map(artifact, EACCES), "the last one is kept");
	expect_denied(probe_map(first, EACCES), "mmap_file", "no-helper", "the first one is not");
}

#define MUTATIONS	1000

/* Flips bits anywhere behind the headers; lengths and types are not spared. */
static void mutate(struct message *to, const struct message *from)
{
	size_t start = NLMSG_HDRLEN + GENL_HDRLEN;
	int n = 1 + random() % 4;

	to->len = from->len;
	memcpy(to->data, from->data, from->len);
	while (n--)
		to->data[start + random() % (from->len - start)] ^= 1 << random() % 8;
}

/*
 * What is still accepted differs in what nobody signs: padding, or a tree's size
 * that asks for the same path. Then it must be about the same digest.
 */
static void test_mutated(enum form form)
{
	static struct message mutated;
	unsigned int accepted = 0, wrong = 0;
	uint64_t proven = stat_value("digests-proven");
	uint8_t digest[HASH];
	const void *sent;
	size_t len;

	new_artifact(digest);
	make(&ev, form, digest, SENT, NULL);
	evidence_message(&message, &ev);
	srandom(1);
	for (int i = 0; i < MUTATIONS; i++) {
		mutate(&mutated, &message);
		if (request(border, &mutated))
			continue;
		accepted++;
		sent = get(&mutated, RECEIPT_A_DIGEST, &len);
		wrong += !sent || len != HASH || memcmp(sent, digest, HASH);
	}
	ok(!wrong && stat_value("digests-proven") <= proven + 1,
	   "%s: %d messages with flipped bits prove nothing else", form_names[form], MUTATIONS);
	note("%u accepted", accepted);
}

static int load_test_policy(const char *header)
{
	static char policy[8192];
	int len;

	len = snprintf(policy, sizeof(policy),
		       "policy_name=evidence %s\n"
		       "log name=five alg=ES512 key=%s issuer=\"log.five\" identity=verified\n"
		       "log name=one alg=ES384 key=%s issuer=\"log.one\" identity=verified\n"
		       "log name=two alg=ES256 key=%s issuer=\"log.two\" identity=verified\n"
		       "log name=raw alg=ES384 key=%s issuer=\"log.raw\" identity=verified entry=stmt\n"
		       "DEFAULT action=DENY\n"
		       "op=EXECUTE boot_verified=TRUE action=ALLOW\n"
		       "op=EXECUTE receipt=one action=ALLOW\n"
		       "op=EXECUTE receipt=two action=ALLOW\n"
		       "op=EXECUTE receipt=raw action=ALLOW\n"
		       "op=EXECUTE receipt=five action=ALLOW\n"
		       "op=FIRMWARE receipt=one subject=\"fw/*\" min_svn=7 action=ALLOW\n"
		       "op=KEXEC_IMAGE receipt=one receipt=two action=ALLOW\n"
		       "op=KEXEC_INITRAMFS receipt=one issuer_key=%s action=ALLOW\n",
		       header, log_five.spki, log_one.spki, log_two.spki, log_raw.spki, issuer.spki);
	return load_policy(border, policy, len);
}

int main(void)
{
	probe_init();
	border = open_border();
	make_key(&issuer, ES256);
	make_key(&stranger, ES384);
	make_key(&log_one, ES384);
	make_key(&log_two, ES256);
	make_key(&log_raw, ES384);
	make_key(&log_five, ES512);
	if (load_test_policy("policy_version=0.9.0 mode=permissive"))
		broken("policy: %s", answer.text);
	test_not_measured();
	if (load_test_policy("policy_version=1.0.0 mode=enforce digests=sha256,sha384,sha512"))
		broken("policy: %s", answer.text);
	expect_allowed(probe_map(artifact, EACCES), "digests=sha256,sha384: measured anew");
	for (enum form form = 0; form < FORMS; form++)
		test_good(form);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		test_kind(&kinds[i]);
	test_kids(&log_one, "log.one");
	test_kids(&log_five, "log.five");
	test_forgeries();
	test_two_receipts(true);
	test_two_receipts(false);
	test_claims();
	test_both_logs();
	test_issuer_key();
	test_verified_once();
	test_mutated(MANIFEST_RFC9162);
	test_mutated(ENVELOPE_CCF);
	test_flush();
	test_kept();
	test_flush_in_answer();
	return 0;
}
