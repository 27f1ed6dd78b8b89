// SPDX-License-Identifier: MIT
/*
 * Statements with receipts, put together by chance.
 */
#include "mutant.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/ecdsa.h>

#include "writer.h"

#define MAX_PAIRS	96
#define ODDS		120	/* of each thing that can be wrong */

static uint64_t state;

/* xorshift64* */
static uint64_t random_u64(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static uint32_t below(uint32_t n)
{
	return (random_u64() >> 32) % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

#define any_of(array) ((array)[below(ARRAY_SIZE(array))])

/**
 * mutant_seed() - begin a sequence
 * @seed: any number
 */
void mutant_seed(uint64_t seed)
{
	state = seed * 2 + 1;
	for (int i = 0; i < 8; i++)
		random_u64();
}

static void random_bytes(uint8_t *out, size_t len)
{
	while (len--)
		*out++ = random_u64() >> 56;
}

/* Where widths and bounds end, or one beside it. */
static uint64_t extreme(void)
{
	static const uint64_t ends[] = {
		0, 1, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, INT64_MAX, 1ULL << 63,
		UINT64_MAX,
	};

	return any_of(ends) + below(3) - 1;
}

/*
 * Logs
 */

/**
 * logs_make() - make keys
 * @logs: filled in
 */
void logs_make(struct logs *logs)
{
	static const int64_t algs[LOGS] = { RCPT_ES256, RCPT_ES384, RCPT_ES512, RCPT_ES256 };
	static const char *const issuers[LOGS] = { "log.example", "second.example",
						   "third.example", "other.example" };
	size_t i;

	for (i = 0; i < LOGS; i++) {
		if (rcpt_signer_generate(algs[i], &logs->signer[i], NULL))
			abort();
		logs->issuer[i] = issuers[i];
		logs->entry[i] = i == 1 ? RECEIPT_ENTRY_STMT : RECEIPT_ENTRY_SHA256_STMT;
	}
}

/**
 * logs_policy() - a policy that trusts all but the last
 * @logs: made
 * @len: bytes of the result
 *
 * Return: its text, for free().
 */
char *logs_policy(const struct logs *logs, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	size_t i;

	fputs("policy_name=differ policy_version=1.0.0 mode=enforce digests=sha256,sha512\n", f);
	for (i = 0; i < LOGS - 1; i++) {
		uint8_t *spki = NULL, base64[400];
		int n = i2d_PUBKEY(logs->signer[i].pkey, &spki);

		EVP_EncodeBlock(base64, spki, n);
		fprintf(f, "log name=log%zu alg=%s key=%s issuer=\"%s\" identity=verified entry=%s\n",
			i, rcpt_alg_name(logs->signer[i].alg), base64, logs->issuer[i],
			logs->entry[i] == RECEIPT_ENTRY_STMT ? "stmt" : "sha256-stmt");
		OPENSSL_free(spki);
	}
	fputs("DEFAULT action=DENY\n"
	      "op=EXECUTE issuer=\"denied*\" action=DENY\n"
	      "op=EXECUTE receipt=log0 receipt=log1 min_svn=1 action=ALLOW\n"
	      "op=EXECUTE subject=\"vectors/*\" action=ALLOW\n", f);
	fclose(f);
	return text;
}

/**
 * logs_free() - forget the keys
 * @logs: made
 */
void logs_free(struct logs *logs)
{
	for (size_t i = 0; i < LOGS; i++)
		rcpt_signer_free(&logs->signer[i]);
}

/*
 * Items
 */

/* What no strict reader takes. */
static void put_bad_item(struct rcpt_writer *w)
{
	static const char *const bad[] = {
		"\xf9\x3c", "\xe0", "\xf8\x20", "\x1c", "\x18\x01", "\x19\x01", "\x9f\xff", "\xbf\xff",
		"\x5f\xff", "\x61\xff", "\xff", "\x58\x01", "\xa1\x80\x80", "\xa2\x01\x01\x01\x01",
	};
	const char *item = any_of(bad);

	rcpt_write_raw(w, item, strlen(item));
}

static void put_string(struct rcpt_writer *w, enum rcpt_major major)
{
	static const uint16_t sizes[] = { 0, 1, 8, 23, 24, 32, 64, 255, 256, 1024, 1025 };
	uint8_t data[1026];
	size_t len = one_in(4) ? any_of(sizes) : below(20);

	random_bytes(data, len);
	for (size_t i = 0; major == RCPT_TEXT && i < len; i++)
		data[i] = 'a' + data[i] % 26;
	if (len && major == RCPT_TEXT && one_in(ODDS))
		data[below(len)] = one_in(2) ? 0 : 0xff;
	rcpt_write_head(w, major, len);
	rcpt_write_raw(w, data, len);
}

static void put_item(struct rcpt_writer *w, int depth)
{
	enum rcpt_major major = depth ? below(8) : below(4);
	uint64_t n = below(4);

	if (one_in(4 * ODDS)) {
		put_bad_item(w);
		return;
	}
	switch (major) {
	case RCPT_BYTES:
	case RCPT_TEXT:
		put_string(w, major);
		return;
	case RCPT_ARRAY:
	case RCPT_MAP:
		rcpt_write_head(w, major, n);
		for (uint64_t i = 0; i < n; i++) {
			if (major == RCPT_MAP)
				rcpt_write_int(w, one_in(ODDS) ? 0 : (int64_t)i);
			put_item(w, depth - 1);
		}
		return;
	case RCPT_TAG:
		rcpt_write_head(w, major, below(40));
		put_item(w, depth - 1);
		return;
	case RCPT_SIMPLE:
		rcpt_write_head(w, major, RCPT_FALSE + n);
		return;
	default:
		rcpt_write_head(w, major, one_in(3) ? extreme() : below(100));
	}
}

/* Many levels, about as many as there may be. */
static void put_deep(struct rcpt_writer *w)
{
	for (int n = RECEIPT_MAX_DEPTH - 4 + below(4); n--;)
		rcpt_write_head(w, one_in(3) ? RCPT_TAG : RCPT_ARRAY, 1);
	rcpt_write_head(w, one_in(2) ? RCPT_ARRAY : RCPT_UINT, 0);
}

/*
 * Maps
 */

struct pairs {
	size_t n;
	struct rcpt_writer key[MAX_PAIRS];
	struct rcpt_writer value[MAX_PAIRS];
};

static struct rcpt_writer *label(struct pairs *p, int64_t number)
{
	rcpt_write_int(&p->key[p->n], number);
	return &p->value[p->n++];
}

static struct rcpt_writer *text_label(struct pairs *p, const char *text)
{
	rcpt_write_text(&p->key[p->n], text, strlen(text));
	return &p->value[p->n++];
}

static void replace(struct rcpt_writer *w)
{
	rcpt_writer_free(w);
	put_item(w, 3);
}

/* Labels that have nothing to do with it, and one in a while something wrong. */
static void disturb(struct pairs *p)
{
	size_t n = below(3), at;

	while (n--)
		put_item(one_in(2) ? label(p, 500 + (int64_t)below(400) + 400 * n) :
				     text_label(p, n ? "vendor" : "x"), 3);
	if (one_in(ODDS))
		put_deep(label(p, -70000));
	if (one_in(ODDS) && p->n)
		replace(&p->value[below(p->n)]);
	if (one_in(ODDS) && p->n) {
		at = below(p->n);
		rcpt_write_raw(&p->key[p->n], p->key[at].data, p->key[at].len);
		put_item(&p->value[p->n++], 1);
	}
	for (n = one_in(4 * ODDS) ? 50 + below(30) : 0; n && p->n < MAX_PAIRS; n--)
		put_item(label(p, 2000 + (int64_t)n), 0);
}

/* In any order; empties @p. */
static void put_map(struct rcpt_writer *w, struct pairs *p)
{
	disturb(p);
	rcpt_write_head(w, RCPT_MAP, p->n);
	while (p->n) {
		size_t at = below(p->n), last = --p->n;

		rcpt_write_raw(w, p->key[at].data, p->key[at].len);
		rcpt_write_raw(w, p->value[at].data, p->value[at].len);
		rcpt_writer_free(&p->key[at]);
		rcpt_writer_free(&p->value[at]);
		p->key[at] = p->key[last];
		p->value[at] = p->value[last];
		memset(&p->key[last], 0, sizeof(p->key[last]));
		memset(&p->value[last], 0, sizeof(p->value[last]));
	}
}

static void put_alg(struct pairs *p, int64_t right)
{
	static const int64_t algs[] = { RCPT_ES256, RCPT_ES384, RCPT_ES512, RCPT_EDDSA,
					RCPT_PS256, RCPT_SHA256, 0, INT64_MIN, INT64_MAX };

	if (one_in(ODDS))
		return;
	if (one_in(ODDS))
		rcpt_write_text(label(p, RCPT_LABEL_ALG), "ES256", 5);
	else
		rcpt_write_int(label(p, RCPT_LABEL_ALG), one_in(ODDS) ? any_of(algs) : right);
}

static void put_crit(struct pairs *p)
{
	static const int64_t labels[] = { 1, 2, 3, 4, 15, 33, 34, 258, 259, 260, 395, 394, 999, -1 };
	size_t n = one_in(ODDS) ? 15 + below(4) : below(4);
	struct rcpt_writer *w;

	if (!one_in(ODDS / 2))
		return;
	w = label(p, RCPT_LABEL_CRIT);
	rcpt_write_head(w, RCPT_ARRAY, n);
	while (n--)
		rcpt_write_int(w, one_in(2) ? 15 : any_of(labels));
}

static void put_claims(struct pairs *outer, const char *iss, bool statement)
{
	static const char *const subjects[] = { "vectors/a", "vectors/", "vectors", "", "other" };
	struct pairs p = { 0 };
	struct rcpt_writer *w;

	if (!one_in(ODDS))
		rcpt_write_text(label(&p, 1), iss, one_in(ODDS) ? 0 : strlen(iss));
	if (!one_in(8)) {
		const char *sub = one_in(3) ? any_of(subjects) : "vectors/b";

		rcpt_write_text(label(&p, 2), sub, strlen(sub));
	}
	if (!one_in(4)) {
		w = label(&p, 6);
		if (one_in(3))
			rcpt_write_head(w, RCPT_TAG, one_in(ODDS) ? 0 : 1);
		rcpt_write_int(w, one_in(ODDS) ? (int64_t)extreme() : 1700000000);
	}
	if (statement && !one_in(3))
		rcpt_write_int(text_label(&p, "svn"), one_in(ODDS) ? (int64_t)extreme() : (int64_t)below(4));
	put_map(label(outer, RCPT_LABEL_CLAIMS), &p);
}

/* Names a key in one of the forms there are; none at all now and then. */
static void put_kid(struct pairs *p, const struct rcpt_signer *signer)
{
	uint8_t thumbprint[RECEIPT_HASH_SIZE];
	struct rcpt_writer *w;

	if (one_in(6))
		return;
	w = label(p, RCPT_LABEL_KID);
	rcpt_key_thumbprint(signer->pkey, thumbprint);
	switch (below(ODDS)) {
	case 0:
		random_bytes(thumbprint, sizeof(thumbprint));
		rcpt_write_bytes(w, thumbprint, one_in(2) ? 16 : 32);
		return;
	case 1:
		rcpt_write_text(w, signer->kid, strlen(signer->kid));
		return;
	case 2 ... ODDS / 4:
		rcpt_write_bytes(w, signer->id, sizeof(signer->id));
		return;
	case ODDS / 4 + 1 ... ODDS / 2:
		rcpt_write_bytes(w, thumbprint, sizeof(thumbprint));
		return;
	default:
		rcpt_write_bytes(w, signer->kid, strlen(signer->kid));
	}
}

/*
 * Statements
 */

enum form { ENVELOPE, MANIFEST, PLAIN };

/* A statement that is being made. */
struct making {
	struct mutant *m;
	enum form form;
	uint8_t kind;
	uint8_t digest[RECEIPT_MAX_DIGEST];
	struct rcpt_writer leaves;
	size_t nleaves;
	struct rcpt_writer payload;
	struct rcpt_writer protected;
	uint8_t sig[1100];
	size_t sig_len;
	struct rcpt_writer bytes;	/* as recorded */
};

static void make_manifest(struct making *mk)
{
	struct rcpt_leaf leaves[6];
	uint8_t digests[6][RECEIPT_MAX_DIGEST], root[RECEIPT_HASH_SIZE], (*nodes)[32];
	size_t n = 1 + below(6), i, asked = below(n);

	for (i = 0; i < n; i++) {
		random_bytes(digests[i], sizeof(digests[i]));
		leaves[i] = (struct rcpt_leaf){
			.digest = digests[i], .name = "", .usage = one_in(8) ? 2 : 1 | random_u64(),
			.kind = RECEIPT_KIND_SHA256 + below(one_in(8) ? 5 : 3),
		};
	}
	mk->kind = leaves[asked].kind;
	memcpy(mk->digest, digests[asked], sizeof(mk->digest));
	if (rcpt_manifest_tree(leaves, n, &nodes, root, NULL))
		abort();
	free(nodes);
	rcpt_write_raw(&mk->payload, root, one_in(ODDS) ? 31 : 32);
	mk->nleaves = n;
	rcpt_write_head(&mk->leaves, RCPT_ARRAY, n);
	for (i = 0; i < n; i++) {
		rcpt_write_head(&mk->leaves, RCPT_ARRAY, 4);
		rcpt_write_int(&mk->leaves, leaves[i].kind);
		rcpt_write_int(&mk->leaves, leaves[i].usage ^ one_in(ODDS));
		rcpt_write_bytes(&mk->leaves, digests[i], rcpt_digest_len(leaves[i].kind));
		rcpt_write_text(&mk->leaves, "", 0);
	}
}

static void make_payload(struct making *mk)
{
	mk->form = one_in(12) ? PLAIN : one_in(2) ? ENVELOPE : MANIFEST;
	if (mk->form == MANIFEST) {
		make_manifest(mk);
		return;
	}
	mk->kind = RECEIPT_KIND_SHA256 + below(3);
	random_bytes(mk->digest, sizeof(mk->digest));
	rcpt_write_raw(&mk->payload, mk->digest,
		       mk->form == PLAIN ? 1 + below(64) :
		       rcpt_digest_len(mk->kind) - one_in(ODDS) + one_in(ODDS));
}

static void put_type(struct making *mk, struct pairs *p)
{
	static const int64_t algs[] = { 0, RCPT_SHA256, RCPT_SHA384, RCPT_SHA512 };
	static const char type[] = RCPT_TYPE_MANIFEST_ROOT;

	if (mk->form == ENVELOPE || one_in(ODDS))
		rcpt_write_int(label(p, RCPT_LABEL_HASH_ALG),
			       one_in(ODDS) ? -15 : algs[mk->kind <= 3 ? mk->kind : 1]);
	if (mk->form == MANIFEST && !one_in(ODDS))
		rcpt_write_text(label(p, RCPT_LABEL_CONTENT_TYPE), type,
				strlen(type) - one_in(ODDS));
	else if (mk->form == PLAIN || one_in(ODDS))
		put_item(label(p, RCPT_LABEL_CONTENT_TYPE), 0);
	if (one_in(ODDS))
		put_item(label(p, RCPT_LABEL_PREIMAGE_TYPE), 0);
	if (one_in(ODDS))
		put_item(label(p, RCPT_LABEL_LOCATION), 0);
	if (one_in(ODDS))
		put_item(label(p, RCPT_LABEL_VDS), 0);
	if (one_in(2 * ODDS))
		put_item(label(p, RCPT_LABEL_X5CHAIN), 2);
	if (one_in(2 * ODDS))
		put_item(label(p, RCPT_LABEL_X5T), 2);
}

static void make_statement(struct making *mk, const struct logs *logs)
{
	static const uint16_t sizes[] = { 1, 64, 96, 256, 1024, 1025, 0 };
	struct pairs p = { 0 };

	make_payload(mk);
	put_alg(&p, RCPT_ES384);
	put_kid(&p, &logs->signer[LOGS - 1]);
	put_claims(&p, one_in(ODDS) ? "denied.example" : "issuer.example", true);
	put_type(mk, &p);
	put_crit(&p);
	put_map(&mk->protected, &p);
	mk->sig_len = one_in(4) ? any_of(sizes) : 96;
	random_bytes(mk->sig, mk->sig_len);
	rcpt_write_raw(&mk->bytes, "\xd2\x84", 2);
	rcpt_write_bytes(&mk->bytes, mk->protected.data, mk->protected.len);
	rcpt_write_head(&mk->bytes, RCPT_MAP, 0);
	rcpt_write_bytes(&mk->bytes, mk->payload.data, mk->payload.len);
	rcpt_write_bytes(&mk->bytes, mk->sig, mk->sig_len);
}

/*
 * Receipts
 */

struct proof {
	int vds;
	uint64_t size;
	uint64_t index;
	size_t n;
	uint8_t path[RECEIPT_MAX_PATH + 1][RECEIPT_HASH_SIZE];
	uint8_t left[RECEIPT_MAX_PATH + 1];
	uint8_t tx[RECEIPT_HASH_SIZE];
	char evidence[64];
	uint8_t data_hash[RECEIPT_HASH_SIZE];
	uint8_t root[RECEIPT_HASH_SIZE];
};

/* Hashes that the path of a leaf has in a tree. */
static size_t path_length(uint64_t index, uint64_t size)
{
	uint64_t fn = index, sn = size - 1;
	size_t n = 0;

	while (sn) {
		if (fn & 1 || fn == sn) {
			n++;
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			n++;
		}
		fn >>= 1;
		sn >>= 1;
	}
	return n;
}

static void hash_leaf(const struct making *mk, enum receipt_entry entry, uint8_t out[32])
{
	struct rcpt_writer w = { 0 };
	uint8_t digest[RECEIPT_HASH_SIZE];

	rcpt_sha256(mk->bytes.data, mk->bytes.len, digest);
	rcpt_write_raw(&w, "", 1);
	if (entry == RECEIPT_ENTRY_STMT)
		rcpt_write_raw(&w, mk->bytes.data, mk->bytes.len);
	else
		rcpt_write_raw(&w, digest, sizeof(digest));
	rcpt_sha256(w.data, w.len, out);
	rcpt_writer_free(&w);
}

static void prove_rfc9162(struct proof *p, const struct making *mk, enum receipt_entry entry)
{
	uint8_t leaf[RECEIPT_HASH_SIZE];

	p->size = one_in(8) ? extreme() : 1 + below(200);
	p->size += !p->size;
	p->index = random_u64() % p->size;
	p->n = path_length(p->index, p->size);
	for (size_t i = 0; i < p->n; i++)
		random_bytes(p->path[i], RECEIPT_HASH_SIZE);
	hash_leaf(mk, entry, leaf);
	if (rcpt_rfc9162_root(leaf, p->index, p->size, p->path, p->n, p->root))
		abort();
}

static void prove_ccf(struct proof *p, const struct making *mk)
{
	static const char *const forms[] = { "ce:2.17:ab", "ce:2.:x", "ce:2", "x", "ce:.18446744073709551616:",
					     "ce:2.+5:", "ce:9.7 :", "ce:2.007:" };
	uint8_t in[96], leaf[RECEIPT_HASH_SIZE];

	p->n = 1 + (one_in(8) ? below(RECEIPT_MAX_PATH) : below(12));
	random_bytes(p->tx, sizeof(p->tx));
	snprintf(p->evidence, sizeof(p->evidence), "%s", any_of(forms));
	for (size_t i = 0; i < p->n; i++) {
		random_bytes(p->path[i], RECEIPT_HASH_SIZE);
		p->left[i] = one_in(2);
	}
	rcpt_sha256(mk->bytes.data, mk->bytes.len, p->data_hash);
	memcpy(in, p->tx, 32);
	rcpt_sha256(p->evidence, strlen(p->evidence), in + 32);
	memcpy(in + 64, p->data_hash, 32);
	rcpt_sha256(in, sizeof(in), leaf);
	if (rcpt_ccf_root(leaf, p->left, p->path, p->n, p->root))
		abort();
}

/* After the root was signed. */
static void spoil(struct proof *p)
{
	switch (below(7)) {
	case 0:
		p->path[below(p->n ? p->n : 1)][below(32)] ^= 1;
		return;
	case 1:
		p->left[below(p->n ? p->n : 1)] ^= 1;
		return;
	case 2:
		p->size = one_in(2) ? extreme() : p->size + below(3) - 1;
		return;
	case 3:
		p->index = one_in(2) ? extreme() : p->index ^ 1;
		return;
	case 4:
		p->n = one_in(2) ? RECEIPT_MAX_PATH + 1 : p->n ? p->n - 1 : 1;
		return;
	case 5:
		p->data_hash[below(32)] ^= 1;
		return;
	default:
		p->tx[below(32)] ^= 1;
	}
}

static void put_proof(struct rcpt_writer *w, const struct proof *p)
{
	size_t i;

	if (p->vds == RECEIPT_VDS_RFC9162) {
		rcpt_write_head(w, RCPT_ARRAY, 3);
		rcpt_write_head(w, RCPT_UINT, p->size);
		rcpt_write_head(w, RCPT_UINT, p->index);
		rcpt_write_head(w, RCPT_ARRAY, p->n);
		for (i = 0; i < p->n; i++)
			rcpt_write_bytes(w, p->path[i], RECEIPT_HASH_SIZE);
		return;
	}
	rcpt_write_head(w, RCPT_MAP, 2);
	rcpt_write_int(w, 1);
	rcpt_write_head(w, RCPT_ARRAY, 3);
	rcpt_write_bytes(w, p->tx, RECEIPT_HASH_SIZE);
	rcpt_write_text(w, p->evidence, strlen(p->evidence));
	rcpt_write_bytes(w, p->data_hash, RECEIPT_HASH_SIZE);
	rcpt_write_int(w, 2);
	rcpt_write_head(w, RCPT_ARRAY, p->n);
	for (i = 0; i < p->n; i++) {
		rcpt_write_head(w, RCPT_ARRAY, 2);
		rcpt_write_head(w, RCPT_SIMPLE, p->left[i] ? RCPT_TRUE : RCPT_FALSE);
		rcpt_write_bytes(w, p->path[i], RECEIPT_HASH_SIZE);
	}
}

/* Another proof beside it: the same, or one that leads elsewhere. */
static void put_proofs(struct rcpt_writer *w, const struct proof *p)
{
	size_t n = one_in(ODDS) ? 1 + below(RCPT_MAX_PROOFS + 1) : 1;
	struct proof other = *p;

	rcpt_write_head(w, RCPT_ARRAY, n);
	for (size_t i = 0; i < n; i++) {
		struct rcpt_writer one = { 0 };

		put_proof(&one, &other);
		if (one_in(2 * ODDS))
			put_item(&one, 1);
		rcpt_write_bytes(w, one.data, one.len);
		rcpt_writer_free(&one);
		if (one_in(3))
			spoil(&other);
	}
}

static void sign_root(const struct rcpt_signer *signer, const struct rcpt_writer *protected,
		      const uint8_t root[32], uint8_t *out, size_t *len)
{
	int half = (EVP_PKEY_get_bits(signer->pkey) + 7) / 8;
	const char *md = signer->alg == RCPT_ES256 ? "SHA256" :
			 signer->alg == RCPT_ES384 ? "SHA384" : "SHA512";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *tbs, der[160];
	const uint8_t *at = der;
	size_t tbs_len, der_len = sizeof(der);
	ECDSA_SIG *sig;

	if (rcpt_sig_structure(rcpt_span(protected->data, protected->len), rcpt_span(root, 32),
			       &tbs, &tbs_len) ||
	    !EVP_DigestSignInit_ex(ctx, NULL, md, NULL, NULL, signer->pkey, NULL) ||
	    !EVP_DigestSign(ctx, der, &der_len, tbs, tbs_len))
		abort();
	sig = d2i_ECDSA_SIG(NULL, &at, der_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half);
	*len = 2 * half;
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	free(tbs);
}

static void receipt_header(struct rcpt_writer *w, const struct rcpt_signer *signer,
			   const char *iss, int64_t vds)
{
	struct pairs p = { 0 };

	put_alg(&p, signer->alg);
	put_kid(&p, signer);
	put_claims(&p, iss, false);
	put_crit(&p);
	if (!one_in(ODDS))
		rcpt_write_int(label(&p, RCPT_LABEL_VDS), one_in(ODDS) ? (int64_t)below(5) : vds);
	if (one_in(3))
		put_item(text_label(&p, "ccf.v1"), one_in(ODDS) ? 1 : 0);
	put_map(w, &p);
}

static void put_unprotected(struct rcpt_writer *w, const struct proof *proof)
{
	struct pairs p = { 0 }, vdp = { 0 };

	if (!one_in(ODDS))
		put_proofs(label(&vdp, -1), proof);
	if (!one_in(ODDS))
		put_map(label(&p, RCPT_LABEL_PROOFS), &vdp);
	while (vdp.n) {
		rcpt_writer_free(&vdp.key[--vdp.n]);
		rcpt_writer_free(&vdp.value[vdp.n]);
	}
	put_map(w, &p);
}

static void put_receipt(struct rcpt_writer *w, const struct making *mk, const struct logs *logs)
{
	size_t who = one_in(8) ? LOGS - 1 : below(LOGS - 1), named = one_in(ODDS) ? below(LOGS) : who;
	struct rcpt_writer protected = { 0 };
	struct proof proof = { .vds = 1 + below(2) };
	uint8_t sig[200];
	size_t len;

	if (proof.vds == RECEIPT_VDS_RFC9162)
		prove_rfc9162(&proof, mk, logs->entry[who] ^ one_in(ODDS));
	else
		prove_ccf(&proof, mk);
	receipt_header(&protected, &logs->signer[who], logs->issuer[named], proof.vds);
	sign_root(&logs->signer[who], &protected, proof.root, sig, &len);
	if (one_in(ODDS))
		sig[below(len)] ^= 1;
	if (one_in(ODDS))
		spoil(&proof);
	rcpt_write_head(w, RCPT_TAG, 18);
	rcpt_write_head(w, RCPT_ARRAY, 4);
	rcpt_write_bytes(w, protected.data, protected.len);
	put_unprotected(w, &proof);
	if (one_in(ODDS))
		rcpt_write_bytes(w, proof.root, 32 - one_in(ODDS));
	else
		rcpt_write_head(w, RCPT_SIMPLE, RCPT_NULL);
	rcpt_write_bytes(w, sig, one_in(ODDS) ? below(len) : len);
	rcpt_writer_free(&protected);
}

/*
 * All of it
 */

static void put_receipts(struct rcpt_writer *w, const struct making *mk, const struct logs *logs)
{
	size_t n = one_in(ODDS) ? below(RECEIPT_MAX_RECEIPTS + 2) : 1 + below(2);

	rcpt_write_head(w, RCPT_ARRAY, n);
	while (n--) {
		struct rcpt_writer one = { 0 };

		put_receipt(&one, mk, logs);
		if (one_in(ODDS))
			one.data[below(one.len)] ^= 1 << below(8);
		rcpt_write_bytes(w, one.data, one.len - one_in(4 * ODDS));
		rcpt_writer_free(&one);
	}
}

static void put_transparent(struct rcpt_writer *w, const struct making *mk,
			    const struct logs *logs)
{
	struct pairs p = { 0 };

	rcpt_write_raw(w, "\xd2\x84", 2);
	rcpt_write_bytes(w, mk->protected.data, mk->protected.len);
	put_receipts(label(&p, RCPT_LABEL_RECEIPTS), mk, logs);
	put_map(w, &p);
	rcpt_write_bytes(w, mk->payload.data, mk->payload.len);
	rcpt_write_bytes(w, mk->sig, mk->sig_len);
	if (one_in(ODDS))
		w->data[below(w->len)] ^= 1 << below(8);
}

static struct rcpt_span take(struct rcpt_writer *w)
{
	uint8_t *data;
	size_t len;

	if (rcpt_writer_take(w, &data, &len, NULL))
		abort();
	return rcpt_span(data, len);
}

static void ask(struct making *mk)
{
	struct rcpt_digests *d = &mk->m->artifact;

	mk->m->has_artifact = mk->form == MANIFEST || (mk->form == ENVELOPE && one_in(2));
	d->n = 1;
	d->digests[0].kind = mk->kind;
	memcpy(d->digests[0].bytes, mk->digest, sizeof(mk->digest));
	if (one_in(ODDS))
		d->digests[0].bytes[0] ^= 1;
}

/**
 * mutant_make() - put a statement together
 * @logs: that record it
 *
 * Return: for mutant_free().
 */
struct mutant *mutant_make(const struct logs *logs)
{
	struct making mk = { .m = calloc(1, sizeof(*mk.m)) };
	struct rcpt_writer w = { 0 };

	if (!mk.m)
		abort();
	make_statement(&mk, logs);
	put_transparent(&w, &mk, logs);
	mk.m->statement = take(&w);
	if (mk.form == MANIFEST) {
		rcpt_write_head(&w, RCPT_ARRAY, 4);
		rcpt_write_text(&w, "receipt-bundle", 14);
		rcpt_write_int(&w, 1);
		rcpt_write_bytes(&w, mk.m->statement.data, mk.m->statement.len);
		rcpt_write_raw(&w, mk.leaves.data, mk.leaves.len);
		mk.m->file = take(&w);
	} else {
		mk.m->file = mk.m->statement;
	}
	ask(&mk);
	rcpt_writer_free(&mk.leaves);
	rcpt_writer_free(&mk.payload);
	rcpt_writer_free(&mk.protected);
	rcpt_writer_free(&mk.bytes);
	return mk.m;
}

/**
 * mutant_free() - free a statement
 * @m: from mutant_make()
 */
void mutant_free(struct mutant *m)
{
	if (m->file.data != m->statement.data)
		free((void *)m->file.data);
	free((void *)m->statement.data);
	free(m);
}
