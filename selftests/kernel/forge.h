/* SPDX-License-Identifier: MIT */
/*
 * Statements, receipts and manifests made from nothing but RFCs and libcrypto,
 * apart from the library and the kernel that they are to convince.
 */
#ifndef FORGE_H
#define FORGE_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "border.h"

enum { UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
enum { ES256 = -7, ES384 = -35, ES512 = -36 };

#define HASH		32
#define STEPS		2	/* of every path here */
#define TOKENS_ROOM	(RECEIPT_MAX_TOKENS + 16)
#define BLOB_ROOM	(RECEIPT_MAX_BLOB + 1024)

/*
 * Keys
 */

static const struct curve {
	int alg;
	const char *name;
	const char *md;
	size_t coord;		/* bytes */
	uint8_t crv;		/* as COSE numbers it */
} curves[] = {
	{ ES256, "P-256", "SHA256", 32, 1 },
	{ ES384, "P-384", "SHA384", 48, 2 },
	{ ES512, "P-521", "SHA512", 66, 3 },
};

struct key {
	EVP_PKEY *pkey;
	const struct curve *curve;
	int alg;
	const char *md;		/* that it signs, of the curve or not */
	char kid[2 * HASH + 1];
	char spki[400];		/* base64 */
};

static MAYBE_UNUSED void make_key(struct key *k, int alg)
{
	uint8_t *der = NULL, hash[HASH];
	int len;

	k->alg = alg;
	for (k->curve = curves; k->curve->alg != alg; k->curve++)
		;
	k->md = k->curve->md;
	k->pkey = EVP_EC_gen(k->curve->name);
	len = i2d_PUBKEY(k->pkey, &der);
	if (len <= 0 || (size_t)len > sizeof(k->spki) / 2)
		broken("key");
	SHA256(der, len, hash);
	for (int i = 0; i < HASH; i++)
		sprintf(k->kid + 2 * i, "%02x", hash[i]);
	EVP_EncodeBlock((uint8_t *)k->spki, der, len);
	OPENSSL_free(der);
}

/* RFC 9679: SHA-256 of {1: 2, -1: crv, -2: x, -3: y}. */
static MAYBE_UNUSED void thumbprint(const struct key *k, uint8_t *out)
{
	size_t coord = k->curve->coord, len;
	uint8_t point[1 + 2 * 66], bytes[160] = { 0xa4, 0x01, 0x02, 0x20, k->curve->crv,
						  0x21, 0x58, coord };
	uint8_t *p = bytes + 8;

	if (EVP_PKEY_get_octet_string_param(k->pkey, "pub", point, sizeof(point), &len) != 1 ||
	    len != 1 + 2 * coord)
		broken("public key");
	memcpy(p, point + 1, coord);
	p += coord;
	memcpy(p, "\x22\x58", 2);
	p[2] = coord;
	memcpy(p + 3, point + 1 + coord, coord);
	SHA256(bytes, p + 3 + coord - bytes, out);
}

/* r || s; the length. */
static MAYBE_UNUSED size_t sign_with(const struct key *k, const void *data, size_t len, uint8_t *out)
{
	size_t coord = k->curve->coord, der_len = 256;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[256];
	const uint8_t *p = der;
	ECDSA_SIG *sig;

	if (EVP_DigestSignInit(ctx, NULL, EVP_get_digestbyname(k->md), NULL,
			       k->pkey) != 1 ||
	    EVP_DigestSign(ctx, der, &der_len, data, len) != 1)
		broken("signature");
	sig = d2i_ECDSA_SIG(NULL, &p, der_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, coord);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + coord, coord);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return 2 * coord;
}

/*
 * Protected headers
 */

struct header {
	uint32_t n;
	uint32_t blob_len;
	struct receipt_token tokens[TOKENS_ROOM];
	uint8_t blob[BLOB_ROOM];
};

static MAYBE_UNUSED void head(struct header *h, uint8_t major, uint64_t arg)
{
	if (h->n == TOKENS_ROOM)
		broken("too many tokens");
	h->tokens[h->n++] = (struct receipt_token){ .major = major, .arg = arg };
}

static MAYBE_UNUSED void integer(struct header *h, int64_t v)
{
	head(h, v < 0 ? NINT : UINT, v < 0 ? -1 - v : v);
}

static MAYBE_UNUSED void string(struct header *h, uint8_t major, const void *data, size_t len)
{
	if (h->blob_len + len > BLOB_ROOM)
		broken("too many bytes");
	head(h, major, len);
	memcpy(h->blob + h->blob_len, data, len);
	h->blob_len += len;
}

static MAYBE_UNUSED void text(struct header *h, const char *s)
{
	string(h, TEXT, s, strlen(s));
}

static MAYBE_UNUSED void label_int(struct header *h, int64_t label, int64_t v)
{
	integer(h, label);
	integer(h, v);
}

static MAYBE_UNUSED void label_text(struct header *h, int64_t label, const char *s)
{
	integer(h, label);
	text(h, s);
}

static MAYBE_UNUSED size_t encode_head(uint8_t *out, uint8_t major, uint64_t arg)
{
	size_t bytes = arg < 24 ? 0 : arg < 1u << 8 ? 1 : arg < 1u << 16 ? 2 : arg >> 32 ? 8 : 4;
	static const uint8_t info[] = { 0, 24, 25, 0, 26, 0, 0, 0, 27 };

	out[0] = major << 5 | (bytes ? info[bytes] : arg);
	for (size_t i = 0; i < bytes; i++)
		out[1 + i] = arg >> 8 * (bytes - 1 - i);
	return 1 + bytes;
}

static MAYBE_UNUSED size_t encode(const struct header *h, uint8_t *out)
{
	const uint8_t *blob = h->blob;
	uint8_t *start = out;

	for (uint32_t i = 0; i < h->n; i++) {
		const struct receipt_token *t = &h->tokens[i];

		out += encode_head(out, t->major, t->arg);
		if (t->major == BYTES || t->major == TEXT) {
			memcpy(out, blob, t->arg);
			out += t->arg;
			blob += t->arg;
		}
	}
	return out - start;
}

static MAYBE_UNUSED size_t encode_bytes(uint8_t *out, const void *data, size_t len)
{
	size_t n = encode_head(out, BYTES, len);

	memcpy(out + n, data, len);
	return n + len;
}

static MAYBE_UNUSED size_t encode_header(uint8_t *out, const struct header *h)
{
	static uint8_t bytes[BLOB_ROOM + 9 * TOKENS_ROOM];

	return encode_bytes(out, bytes, encode(h, bytes));
}

/*
 * Signed things
 */

struct statement {
	struct header hdr;
	uint8_t payload[96];
	size_t payload_len;
	uint8_t sig[RECEIPT_MAX_SIGNATURE + 8];
	size_t sig_len;
};

struct rcpt {
	struct header hdr;
	uint8_t sig[RECEIPT_MAX_SIGNATURE + 8];
	size_t sig_len;
	bool ccf;
	uint64_t index;
	uint64_t size;
	uint8_t path[RECEIPT_MAX_PATH + 1][HASH];
	size_t path_len;	/* bytes */
	uint8_t leaf_tx[HASH];
	size_t leaf_tx_len;
	char evidence[RECEIPT_MAX_LEAF_EVIDENCE + 8];
	size_t evidence_len;
	uint8_t left[RECEIPT_MAX_PATH + 1];
	size_t left_len;
};

struct evidence {
	uint8_t kind;
	uint8_t digest[RECEIPT_MAX_DIGEST];
	size_t digest_len;
	struct statement stmt;
	bool manifest;
	uint8_t usage;
	uint64_t index;
	uint64_t size;
	uint8_t path[RECEIPT_MAX_PATH + 1][HASH];
	size_t path_len;	/* bytes */
	size_t nreceipts;
	struct rcpt receipts[2];
	size_t repeat;		/* send the first receipt so many times more */
};

static uint8_t scratch[4 * BLOB_ROOM];

/* The Sig_structure of RFC 9052, in @scratch; its length. */
static MAYBE_UNUSED size_t signed_bytes(const struct header *h, const void *payload, size_t len)
{
	static const uint8_t context[] = "\x84\x6aSignature1";
	size_t n = sizeof(context) - 1;

	memcpy(scratch, context, n);
	n += encode_header(scratch + n, h);
	scratch[n++] = 0x40;
	return n + encode_bytes(scratch + n, payload, len);
}

static MAYBE_UNUSED size_t sign_header(const struct key *k, const struct header *h,
				       const void *payload, size_t len, uint8_t *sig)
{
	size_t n = signed_bytes(h, payload, len);

	return sign_with(k, scratch, n, sig);
}

static MAYBE_UNUSED void sign_statement(const struct key *k, struct statement *s)
{
	s->sig_len = sign_header(k, &s->hdr, s->payload, s->payload_len, s->sig);
}

/* What a log sees, in @scratch; its length. */
static MAYBE_UNUSED size_t statement_bytes(const struct statement *s)
{
	size_t n = 2;

	memcpy(scratch, "\xd2\x84", 2);
	n += encode_header(scratch + n, &s->hdr);
	scratch[n++] = 0xa0;
	n += encode_bytes(scratch + n, s->payload, s->payload_len);
	return n + encode_bytes(scratch + n, s->sig, s->sig_len);
}

/*
 * Trees
 */

static MAYBE_UNUSED void hash_prefixed(uint8_t prefix, const void *a, size_t a_len, const void *b,
				       size_t b_len, uint8_t *out)
{
	uint8_t *buf = malloc(1 + a_len + b_len);

	buf[0] = prefix;
	memcpy(buf + 1, a, a_len);
	memcpy(buf + 1 + a_len, b, b_len);
	SHA256(buf, 1 + a_len + b_len, out);
	free(buf);
}

static MAYBE_UNUSED void node(const uint8_t *left, const uint8_t *right, uint8_t *out)
{
	hash_prefixed(1, left, HASH, right, HASH, out);
}

/* Leaf 1 of 3: its sibling is on the left, then one on the right. */
static MAYBE_UNUSED void root_of_three(const uint8_t *leaf, uint8_t (*path)[HASH], uint8_t *root)
{
	uint8_t below[HASH];

	node(path[0], leaf, below);
	node(below, path[1], root);
}

static MAYBE_UNUSED void manifest_root(const struct evidence *ev, uint8_t *root)
{
	uint8_t start[2] = { ev->kind, ev->usage }, leaf[HASH];

	hash_prefixed(0, start, 2, ev->digest, ev->digest_len, leaf);
	root_of_three(leaf, (uint8_t (*)[HASH])ev->path, root);
}

enum entry { HASH_ENTRY, WHOLE_ENTRY };

static MAYBE_UNUSED void rfc9162_root(const struct statement *s, struct rcpt *r, enum entry entry,
				      uint8_t *root)
{
	size_t len = statement_bytes(s);
	uint8_t hash[HASH], leaf[HASH];

	SHA256(scratch, len, hash);
	if (entry == HASH_ENTRY)
		hash_prefixed(0, hash, HASH, NULL, 0, leaf);
	else
		hash_prefixed(0, scratch, len, NULL, 0, leaf);
	root_of_three(leaf, r->path, root);
}

static MAYBE_UNUSED void ccf_root(const struct statement *s, struct rcpt *r, uint8_t *root)
{
	uint8_t leaf[3 * HASH], pair[2 * HASH];

	memcpy(leaf, r->leaf_tx, HASH);
	SHA256((uint8_t *)r->evidence, r->evidence_len, leaf + HASH);
	SHA256(scratch, statement_bytes(s), leaf + 2 * HASH);
	SHA256(leaf, sizeof(leaf), root);
	for (int i = 0; i < STEPS; i++) {
		memcpy(pair + (r->left[i] ? HASH : 0), root, HASH);
		memcpy(pair + (r->left[i] ? 0 : HASH), r->path[i], HASH);
		SHA256(pair, sizeof(pair), root);
	}
}

/*
 * Sending
 */

static MAYBE_UNUSED void put_header(struct message *m, uint16_t tokens, uint16_t blob,
				    const struct header *h)
{
	put(m, tokens, h->tokens, h->n * sizeof(h->tokens[0]));
	if (h->blob_len)
		put(m, blob, h->blob, h->blob_len);
}

static MAYBE_UNUSED void put_statement(struct message *m, const struct statement *s)
{
	size_t start = nest(m, RECEIPT_A_STATEMENT);

	put_header(m, RECEIPT_STMT_TOKENS, RECEIPT_STMT_BLOB, &s->hdr);
	put(m, RECEIPT_STMT_PAYLOAD, s->payload, s->payload_len);
	put(m, RECEIPT_STMT_SIGNATURE, s->sig, s->sig_len);
	end_nest(m, start);
}

static MAYBE_UNUSED void put_receipt(struct message *m, const struct rcpt *r)
{
	size_t start = nest(m, RECEIPT_A_RECEIPT);

	put_header(m, RECEIPT_RCPT_TOKENS, RECEIPT_RCPT_BLOB, &r->hdr);
	put(m, RECEIPT_RCPT_SIGNATURE, r->sig, r->sig_len);
	put(m, RECEIPT_RCPT_PATH, r->path, r->path_len);
	if (r->ccf) {
		put(m, RECEIPT_RCPT_LEAF_TX, r->leaf_tx, r->leaf_tx_len);
		put(m, RECEIPT_RCPT_LEAF_EVIDENCE, r->evidence, r->evidence_len);
		put(m, RECEIPT_RCPT_LEFT, r->left, r->left_len);
	} else {
		put_u64(m, RECEIPT_RCPT_INDEX, r->index);
		put_u64(m, RECEIPT_RCPT_TREE_SIZE, r->size);
	}
	end_nest(m, start);
}

static MAYBE_UNUSED void put_manifest(struct message *m, const struct evidence *ev)
{
	size_t start = nest(m, RECEIPT_A_MANIFEST);

	put_u8(m, RECEIPT_MFT_USAGE, ev->usage);
	put_u64(m, RECEIPT_MFT_INDEX, ev->index);
	put_u64(m, RECEIPT_MFT_TREE_SIZE, ev->size);
	put(m, RECEIPT_MFT_PATH, ev->path, ev->path_len);
	end_nest(m, start);
}

static MAYBE_UNUSED void evidence_message(struct message *m, const struct evidence *ev)
{
	start_request(m, RECEIPT_CMD_EVIDENCE);
	put_u8(m, RECEIPT_A_KIND, ev->kind);
	put(m, RECEIPT_A_DIGEST, ev->digest, ev->digest_len);
	put_statement(m, &ev->stmt);
	for (size_t i = 0; i < ev->nreceipts; i++)
		put_receipt(m, &ev->receipts[i]);
	for (size_t i = 0; i < ev->repeat; i++)
		put_receipt(m, &ev->receipts[0]);
	if (ev->manifest)
		put_manifest(m, ev);
}

#endif /* FORGE_H */
