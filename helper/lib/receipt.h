/* SPDX-License-Identifier: MIT */
/*
 * libreceipt: reading and verifying statements and receipts.
 *
 * Every function that can fail returns 0 or a negative enum rcpt_status and
 * fills struct rcpt_error, which may be NULL. Input is hostile: what is over a
 * bound of uapi/receipt.h or of this header is refused, never truncated.
 * Structures point into the input, which must outlive them.
 */
#ifndef LIBRECEIPT_RECEIPT_H
#define LIBRECEIPT_RECEIPT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "merkle.h"
#include "policy.h"
#include "uapi/receipt.h"

#define RCPT_VERSION		"0.1.0"

#define RCPT_MAX_INPUT		(64u << 20)	/* bytes of a file that is read whole */
#define RCPT_MAX_KEY_FILE	(1u << 20)	/* bytes of a file of keys or certificates */
#define RCPT_MAX_ARTIFACT	(1ull << 40)	/* bytes of a file that is hashed */
#define RCPT_MAX_STATEMENT	(1u << 20)	/* bytes, with its receipts */
#define RCPT_MAX_CHAIN		8		/* certificates in x5chain */
#define RCPT_MAX_PROOFS		4		/* inclusion proofs in a receipt */
#define RCPT_MAX_KEYS		256		/* trust anchors */
#define RCPT_MAX_RSA_BYTES	1024		/* of an RSA modulus */
#define RCPT_MAX_ROOTS		64		/* certificates that are trusted */
#define RCPT_MAX_EKUS		8		/* uses that are asked of a certificate */
#define RCPT_MAX_BESIDE		8		/* receipts beside a statement */

/*
 * error.c: what went wrong, where
 */

/* Exit status of receiptctl; functions return the negative. */
enum rcpt_status {
	RCPT_VALID = 0,
	RCPT_INVALID = 1,
	RCPT_CANNOT_EVALUATE = 2,
	RCPT_MALFORMED = 3,
	RCPT_SYSTEM = 70,
};

#define RCPT_NO_OFFSET		SIZE_MAX

/**
 * struct rcpt_error - why a function failed
 * @status: enum rcpt_status, the exit status to use
 * @reason: for machines
 * @offset: in the input; RCPT_NO_OFFSET when it says nothing
 * @text: for people, without file name, offset and newline
 */
struct rcpt_error {
	int status;
	enum receipt_reason reason;
	size_t offset;
	char text[256];
};

int rcpt_fail(struct rcpt_error *err, enum rcpt_status status,
	      enum receipt_reason reason, size_t offset, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
int rcpt_no_memory(struct rcpt_error *err);
int rcpt_status_weight(int status);
const char *rcpt_reason_text(enum receipt_reason reason);

/**
 * struct rcpt_span - a part of the input
 * @data: first byte; NULL when absent
 * @len: bytes
 * @offset: of @data in the whole input, for messages
 */
struct rcpt_span {
	const uint8_t *data;
	size_t len;
	size_t offset;
};

struct rcpt_span rcpt_span(const void *data, size_t len);
bool rcpt_span_equal(struct rcpt_span a, const void *data, size_t len);

/*
 * open.c: opening what others made, and what that may cost
 */

/**
 * struct rcpt_budget - what is left for reading files of others
 * @file: bytes of one file
 * @bytes: bytes of all together
 * @until: nanoseconds of CLOCK_MONOTONIC
 */
struct rcpt_budget {
	uint64_t file;
	uint64_t bytes;
	uint64_t until;
};

int rcpt_open(int dir, const char *path, uint64_t resolve, struct stat *st,
	      struct rcpt_error *err);
int rcpt_open_named(const char *path, struct stat *st, struct rcpt_error *err);
void rcpt_budget_start(struct rcpt_budget *b, uint64_t file, uint64_t bytes,
		       unsigned int seconds);
bool rcpt_budget_late(const struct rcpt_budget *b);
int rcpt_budget_take(struct rcpt_budget *b, uint64_t size, struct rcpt_error *err);

/*
 * text.c: text of others
 */
bool rcpt_text_harmful(uint32_t c);
size_t rcpt_text_next(const void *text, uint32_t *c);

/*
 * digest.c: hashing
 */

/**
 * struct rcpt_digest - a digest of an artifact
 * @kind: enum receipt_kind
 * @bytes: as many as the kind has
 */
struct rcpt_digest {
	uint8_t kind;
	uint8_t bytes[RECEIPT_MAX_DIGEST];
};

/**
 * struct rcpt_digests - all digests that are known of an artifact
 * @n: used entries of @digests
 * @digests: one of each kind
 */
struct rcpt_digests {
	size_t n;
	struct rcpt_digest digests[RECEIPT_MEASURED_MAX];
};

/* What files get that are put under fs-verity; another size is another digest. */
#define RCPT_FSVERITY_BLOCK	4096

int rcpt_sha256(const void *data, size_t len, uint8_t out[RECEIPT_HASH_SIZE]);
uint8_t rcpt_digest_kind(int64_t hash_alg);
int rcpt_digest_fd(int fd, struct rcpt_budget *budget, struct rcpt_digests *out,
		   struct rcpt_error *err);
int rcpt_digest_file(const char *path, struct rcpt_digests *out,
		     struct rcpt_error *err);

/*
 * file.c: whole files
 */
int rcpt_file_read(const char *path, size_t max, uint8_t **data, size_t *len,
		   struct rcpt_error *err);
FILE *rcpt_text_open(int dir, const char *path, uint64_t resolve, size_t max,
		     struct rcpt_error *err);

/*
 * cbor.c: strict reading of CBOR
 */

enum rcpt_major {
	RCPT_UINT,
	RCPT_NINT,		/* value is -1 - arg */
	RCPT_BYTES,
	RCPT_TEXT,
	RCPT_ARRAY,
	RCPT_MAP,
	RCPT_TAG,
	RCPT_SIMPLE,
};

enum { RCPT_FALSE = 20, RCPT_TRUE, RCPT_NULL, RCPT_UNDEFINED };

/**
 * struct rcpt_head - one CBOR head
 * @major: enum rcpt_major
 * @key: it is the key of a pair
 * @arg: value, length, count of elements or pairs, or tag
 * @offset: of the head in the whole input
 * @string: content, for RCPT_BYTES and RCPT_TEXT
 */
struct rcpt_head {
	uint8_t major;
	bool key;
	uint64_t arg;
	size_t offset;
	struct rcpt_span string;
};

/**
 * struct rcpt_frame - an open array, map or tag
 * @left: items missing
 * @map: keys and values take turns
 * @nkeys: used entries of @keys
 * @keys: where the keys so far stand, to find duplicates
 */
struct rcpt_frame {
	uint64_t left;
	bool map;
	uint8_t nkeys;
	struct {
		uint32_t pos;
		uint32_t len;
	} keys[RECEIPT_MAX_MAP];
};

/**
 * struct rcpt_reader - yields heads one at a time, allocates nothing
 * @in: the input
 * @pos: bytes of @in consumed
 * @err: filled by whatever fails first; later calls fail again
 * @failed: the negative status of the first failure
 * @depth: open arrays, maps and tags
 * @frames: the open ones
 *
 * Refused: truncation, heads that are not in shortest form, indefinite
 * lengths, reserved values, floating point, simple values other than false,
 * true, null and undefined, text that is not UTF-8, duplicate keys, keys that
 * are arrays, maps or tags, maps over RECEIPT_MAX_MAP pairs, nesting over
 * RECEIPT_MAX_DEPTH.
 */
struct rcpt_reader {
	struct rcpt_span in;
	size_t pos;
	struct rcpt_error *err;
	int failed;
	unsigned int depth;
	struct rcpt_frame frames[RECEIPT_MAX_DEPTH];
};

void rcpt_reader_init(struct rcpt_reader *r, struct rcpt_span in,
		      struct rcpt_error *err);
int rcpt_read(struct rcpt_reader *r, struct rcpt_head *head);
int rcpt_read_end(struct rcpt_reader *r);
int rcpt_skip(struct rcpt_reader *r, struct rcpt_span *raw);
int rcpt_skip_value(struct rcpt_reader *r, const struct rcpt_head *head);

bool rcpt_head_int(const struct rcpt_head *head, int64_t *out);
int rcpt_read_array(struct rcpt_reader *r, uint64_t *count, const char *what);
int rcpt_read_map(struct rcpt_reader *r, uint64_t *count, const char *what);
int rcpt_read_bytes(struct rcpt_reader *r, struct rcpt_span *out, const char *what);
int rcpt_read_text(struct rcpt_reader *r, struct rcpt_span *out, const char *what);
int rcpt_read_uint(struct rcpt_reader *r, uint64_t *out, const char *what);
int rcpt_read_int(struct rcpt_reader *r, int64_t *out, const char *what);
int rcpt_read_bool(struct rcpt_reader *r, bool *out, const char *what);
int rcpt_read_hash(struct rcpt_reader *r, uint8_t out[RECEIPT_HASH_SIZE],
		   const char *what);
int rcpt_reader_fail(struct rcpt_reader *r, enum receipt_reason reason,
		     size_t offset, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * struct rcpt_tokens - a protected header as the kernel takes it
 * @tokens: heads, in order
 * @count: of them
 * @blob: content of the strings, in order; NULL when there is none
 * @blob_len: bytes
 */
struct rcpt_tokens {
	struct receipt_token *tokens;
	size_t count;
	uint8_t *blob;
	size_t blob_len;
};

int rcpt_tokenise(struct rcpt_span in, struct rcpt_tokens *out,
		  struct rcpt_error *err);
void rcpt_tokens_free(struct rcpt_tokens *tokens);
size_t rcpt_cbor_head(uint8_t out[9], uint8_t major, uint64_t arg);
bool rcpt_utf8_valid(const uint8_t *data, size_t len);

/*
 * cose.c: COSE_Sign1 and its headers
 */

/* COSE header labels */
enum {
	RCPT_LABEL_ALG = 1,
	RCPT_LABEL_CRIT = 2,
	RCPT_LABEL_CONTENT_TYPE = 3,
	RCPT_LABEL_KID = 4,
	RCPT_LABEL_CLAIMS = 15,
	RCPT_LABEL_X5CHAIN = 33,
	RCPT_LABEL_X5T = 34,
	RCPT_LABEL_HASH_ALG = 258,
	RCPT_LABEL_PREIMAGE_TYPE = 259,
	RCPT_LABEL_LOCATION = 260,
	RCPT_LABEL_RECEIPTS = 394,
	RCPT_LABEL_VDS = 395,
	RCPT_LABEL_PROOFS = 396,
};

/* COSE algorithms */
enum {
	RCPT_ES256 = -7,
	RCPT_EDDSA = -8,
	RCPT_ESP256 = -9,	/* RFC 9864: named with their curve */
	RCPT_SHA256 = -16,
	RCPT_ES384 = -35,
	RCPT_ES512 = -36,
	RCPT_PS256 = -37,
	RCPT_PS384 = -38,
	RCPT_PS512 = -39,
	RCPT_SHA384 = -43,
	RCPT_SHA512 = -44,
	RCPT_ED25519 = -19,
	RCPT_ESP384 = -51,
	RCPT_ESP512 = -52,
};

#define RCPT_TYPE_MANIFEST_ROOT	"application/vnd.receipt.manifest-root"

/**
 * struct rcpt_sign1 - a COSE_Sign1 (tag 18), taken apart
 * @whole: all of it
 * @protected: content of the protected header's byte string
 * @unprotected: the map, with its head
 * @payload: content; data is NULL when the payload is nil (detached)
 * @signature: content
 */
struct rcpt_sign1 {
	struct rcpt_span whole;
	struct rcpt_span protected;
	struct rcpt_span unprotected;
	struct rcpt_span payload;
	struct rcpt_span signature;
};

/**
 * struct rcpt_label - a label as crit lists it
 * @text: set for a text label
 * @num: else its number
 */
struct rcpt_label {
	struct rcpt_span text;
	int64_t num;
};

/**
 * struct rcpt_claims - CWT claims (label 15)
 * @iss: issuer; data is NULL when absent, so for @sub
 * @sub: subject
 * @has_iat: @iat counts
 * @iat: seconds; was plain or tag 1
 * @has_svn: @svn counts
 * @svn: security version
 * @has_size: @size counts
 * @size: leaves of the tree that a receipt is about; 0 for what is no unsigned
 *	number, which is the size of no tree with an entry
 * @raw: the map, with its head
 */
struct rcpt_claims {
	struct rcpt_span raw;
	struct rcpt_span iss;
	struct rcpt_span sub;
	bool has_iat;
	bool has_svn;
	bool has_size;
	int64_t iat;
	uint64_t svn;
	uint64_t size;
};

/**
 * struct rcpt_header - the labels that are read in a protected header
 * @has_alg: @alg counts
 * @alg: COSE algorithm; 0 for one that is named by text
 * @alg_text: its name; data is NULL for a number
 * @ncrit: used entries of @crit; 0 when there is no crit
 * @crit: critical labels
 * @content_type: text; data is NULL when absent or a number
 * @has_content_format: @content_format counts
 * @content_format: content type as a number
 * @kid: key id; data is NULL when absent
 * @nchain: used entries of @chain
 * @chain: x5chain, DER, leaf first
 * @x5t: digest of the leaf; data is NULL when absent
 * @x5t_alg: its algorithm; 0 for one that is named by text
 * @x5t_alg_text: its name; data is NULL for a number
 * @has_claims: label 15 is there
 * @claims: its content
 * @has_hash_alg: @hash_alg counts: a hash envelope
 * @hash_alg: label 258
 * @preimage_type: label 259; data is NULL when absent or a number
 * @has_preimage_format: @preimage_format counts
 * @preimage_format: label 259 as a number
 * @location: label 260
 * @has_vds: @vds counts
 * @vds: label 395
 * @txid: "txid" in "ccf.v1"
 */
struct rcpt_header {
	bool has_alg;
	bool has_content_format;
	bool has_preimage_format;
	bool has_claims;
	bool has_hash_alg;
	bool has_vds;
	int64_t alg;
	struct rcpt_span alg_text;
	size_t ncrit;
	struct rcpt_label crit[RECEIPT_MAX_CRIT];
	struct rcpt_span content_type;
	uint64_t content_format;
	struct rcpt_span kid;
	size_t nchain;
	struct rcpt_span chain[RCPT_MAX_CHAIN];
	struct rcpt_span x5t;
	int64_t x5t_alg;
	struct rcpt_span x5t_alg_text;
	struct rcpt_claims claims;
	int64_t hash_alg;
	struct rcpt_span preimage_type;
	uint64_t preimage_format;
	struct rcpt_span location;
	int64_t vds;
	struct rcpt_span txid;
};

int rcpt_sign1_parse(struct rcpt_span in, struct rcpt_sign1 *out,
		     struct rcpt_error *err);
struct rcpt_span rcpt_sign1_unprotected(const struct rcpt_sign1 *sign1, int64_t label);
int rcpt_header_parse(struct rcpt_span protected, struct rcpt_header *out,
		      struct rcpt_error *err);
int rcpt_header_crit(const struct rcpt_header *header,
		     const struct rcpt_label *allowed, size_t nallowed,
		     struct rcpt_error *err);

/*
 * signature.c
 */
const char *rcpt_alg_name(int64_t alg);
int64_t rcpt_alg_by_name(const char *name);
bool rcpt_key_fits(EVP_PKEY *key, int64_t alg);
int rcpt_sign1_verify(const struct rcpt_sign1 *sign1, struct rcpt_span payload,
		      int64_t alg, EVP_PKEY *key, struct rcpt_error *err);
int rcpt_sig_structure(struct rcpt_span protected, struct rcpt_span payload,
		       uint8_t **out, size_t *len);

/*
 * statement.c
 */

/**
 * struct rcpt_statement - a signed, perhaps transparent, statement
 * @sign1: envelope
 * @header: protected header
 * @tokens: the same for the kernel
 * @nreceipts: used entries of @receipts
 * @receipts: from unprotected label 394
 * @detached: its payload came from elsewhere
 * @bytes: what a log sees: D2 84 protected A0 payload signature
 * @len: of @bytes
 * @digest: SHA-256 of @bytes
 */
struct rcpt_statement {
	struct rcpt_sign1 sign1;
	struct rcpt_header header;
	struct rcpt_tokens tokens;
	size_t nreceipts;
	struct rcpt_span receipts[RECEIPT_MAX_RECEIPTS];
	bool detached;
	uint8_t *bytes;
	size_t len;
	uint8_t digest[RECEIPT_HASH_SIZE];
};

int rcpt_statement_parse(struct rcpt_span in, struct rcpt_statement *out,
			 struct rcpt_error *err);
int rcpt_statement_parse_with(struct rcpt_span in, struct rcpt_span detached,
			      struct rcpt_statement *out, struct rcpt_error *err);
void rcpt_statement_free(struct rcpt_statement *stmt);
bool rcpt_statement_is_manifest(const struct rcpt_statement *stmt);
int rcpt_statement_verify(const struct rcpt_statement *stmt, EVP_PKEY *key,
			  struct rcpt_error *err);

/*
 * key.c: keys; anchor.c: files of trust anchors
 */

/**
 * struct rcpt_key - a public key that is trusted
 * @pkey: it
 * @id: SHA-256 of its DER SubjectPublicKeyInfo
 * @thumbprint: its COSE key thumbprint (RFC 9679) of SHA-256
 * @issuer: whose key it is; NULL: of any issuer
 * @name: of the log; NULL when no policy says it
 * @kid: key id that the file gave it; NULL when it gave none
 * @kid_len: bytes of it
 * @cert: certificate that it came in, DER; NULL when in none
 * @cert_len: bytes of it
 * @has_thumbprint: @thumbprint counts
 * @bare: it came alone, without a key id: any kid may mean it
 * @identity_verified: the log checks signers
 * @entry: what vds 1 leaves commit to
 */
struct rcpt_key {
	EVP_PKEY *pkey;
	uint8_t id[RECEIPT_HASH_SIZE];
	uint8_t thumbprint[RECEIPT_HASH_SIZE];
	char *issuer;
	char *name;
	uint8_t *kid;
	size_t kid_len;
	uint8_t *cert;
	size_t cert_len;
	bool has_thumbprint;
	bool bare;
	bool identity_verified;
	enum receipt_entry entry;
};

/* Start with all zero. */
struct rcpt_keys {
	struct rcpt_key *keys;
	size_t count;
};

/**
 * struct rcpt_key_source - where keys come from, what holds for all of them
 * @issuer: whose they are; NULL: what the file says, else anyone's
 * @entry: what vds 1 leaves commit to
 */
struct rcpt_key_source {
	const char *issuer;
	enum receipt_entry entry;
};

int rcpt_key_id(EVP_PKEY *key, uint8_t id[RECEIPT_HASH_SIZE]);
int rcpt_key_thumbprint(EVP_PKEY *key, uint8_t out[RECEIPT_HASH_SIZE]);
bool rcpt_key_matches(const struct rcpt_key *key, struct rcpt_span issuer,
		      struct rcpt_span kid);
EVP_PKEY *rcpt_key_from_cert(struct rcpt_span der);
EVP_PKEY *rcpt_key_from_spki(struct rcpt_span der);
EVP_PKEY *rcpt_key_from_ec(const char *group, struct rcpt_span point);
EVP_PKEY *rcpt_key_from_ed25519(struct rcpt_span raw);
EVP_PKEY *rcpt_key_from_rsa(struct rcpt_span n, struct rcpt_span e);

int rcpt_keys_add(struct rcpt_keys *keys, struct rcpt_span in,
		  const struct rcpt_key_source *source, struct rcpt_error *err);
int rcpt_keys_read_set(struct rcpt_keys *keys, struct rcpt_reader *r,
		       const struct rcpt_key_source *source);
int rcpt_keys_add_policy(struct rcpt_keys *keys, struct receipt_policy *policy,
			 struct rcpt_error *err);
int rcpt_keys_put(struct rcpt_keys *keys, struct rcpt_key *key,
		  struct rcpt_error *err);
void rcpt_keys_free(struct rcpt_keys *keys);

/*
 * trustlist.c: transparency trust lists
 */
bool rcpt_statement_is_trust_list(const struct rcpt_statement *stmt);
int rcpt_trust_list_read(const struct rcpt_statement *stmt, struct rcpt_keys *keys,
			 struct rcpt_error *err);

/*
 * cert.c: certificates
 */
int rcpt_certs_read(const struct rcpt_span *der, size_t n, STACK_OF(X509) **certs,
		    struct rcpt_error *err);
int rcpt_roots_add(STACK_OF(X509) **roots, struct rcpt_span in, struct rcpt_error *err);
int rcpt_certs_path(STACK_OF(X509) *sent, STACK_OF(X509) *roots, STACK_OF(X509) **path,
		    struct rcpt_error *err);
bool rcpt_certs_cover(const STACK_OF(X509) *certs, const int64_t *times, size_t n);
bool rcpt_cert_has_eku(X509 *cert, const char *oid);

/*
 * did.c: did:x509
 */
bool rcpt_is_did_x509(struct rcpt_span iss);
int rcpt_did_x509_check(struct rcpt_span iss, const struct rcpt_span *chain, size_t n,
			struct rcpt_error *err);

/*
 * receipt.c: receipts, and the paths in their proofs
 */

/**
 * struct rcpt_inclusion - an inclusion proof
 * @index: vds 1: of the leaf
 * @size: vds 1: of the tree
 * @leaf_tx: vds 2: internal transaction hash
 * @evidence: vds 2: internal evidence, text
 * @data_hash: vds 2
 * @npath: used entries of @path and @left
 * @path: hashes, leaf to root
 * @left: vds 2: 1 when the hash is the left sibling
 */
struct rcpt_inclusion {
	uint64_t index;
	uint64_t size;
	uint8_t leaf_tx[RECEIPT_HASH_SIZE];
	struct rcpt_span evidence;
	uint8_t data_hash[RECEIPT_HASH_SIZE];
	size_t npath;
	uint8_t path[RECEIPT_MAX_PATH][RECEIPT_HASH_SIZE];
	uint8_t left[RECEIPT_MAX_PATH];
};

/**
 * struct rcpt_receipt - a receipt, parsed
 * @sign1: envelope
 * @header: protected header
 * @tokens: the same for the kernel
 * @nproofs: used entries of @proofs
 * @proofs: all must give the same root
 * @consistency: consistency proofs (-2), not looked into: see consistency.c; data
 *	is NULL when there are none
 */
struct rcpt_receipt {
	struct rcpt_sign1 sign1;
	struct rcpt_header header;
	struct rcpt_tokens tokens;
	size_t nproofs;
	struct rcpt_inclusion proofs[RCPT_MAX_PROOFS];
	struct rcpt_span consistency;
};

int rcpt_read_path(struct rcpt_reader *r, size_t max, uint8_t (*path)[RECEIPT_HASH_SIZE],
		   size_t *n);
int rcpt_read_ccf_path(struct rcpt_reader *r, uint8_t (*path)[RECEIPT_HASH_SIZE],
		       uint8_t *left, size_t *n);
int rcpt_inclusion_parse(struct rcpt_span in, int64_t vds, struct rcpt_inclusion *out,
			 struct rcpt_error *err);
int rcpt_receipt_parse(struct rcpt_span in, struct rcpt_receipt *out,
		       struct rcpt_error *err);
int rcpt_receipt_parse_crit(struct rcpt_span in, const struct rcpt_label *allowed,
			    size_t nallowed, struct rcpt_receipt *out,
			    struct rcpt_error *err);
void rcpt_receipt_free(struct rcpt_receipt *receipt);
int rcpt_receipt_root_verify(const struct rcpt_receipt *receipt, const uint8_t root[32],
			     const struct rcpt_key *key, struct rcpt_error *err);
int rcpt_receipt_size(const struct rcpt_receipt *receipt, uint64_t size,
		      struct rcpt_error *err);
int rcpt_receipt_attached(const struct rcpt_receipt *receipt,
			  const uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err);
int rcpt_receipt_try_keys(const struct rcpt_receipt *receipt, const struct rcpt_keys *keys,
			  int (*check)(const struct rcpt_key *key, void *arg,
				       struct rcpt_error *err),
			  void *arg, const struct rcpt_key **key, struct rcpt_error *err);
int rcpt_receipt_root(const struct rcpt_receipt *receipt,
		      const struct rcpt_statement *stmt,
		      enum receipt_entry entry,
		      uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err);
int rcpt_receipt_verify(const struct rcpt_receipt *receipt,
			const struct rcpt_statement *stmt,
			const struct rcpt_keys *keys, const struct rcpt_key **key,
			uint8_t root[RECEIPT_HASH_SIZE], struct rcpt_error *err);
bool rcpt_receipt_has_size(const struct rcpt_receipt *receipt);
uint64_t rcpt_receipt_position(const struct rcpt_receipt *receipt);
struct rcpt_span rcpt_receipt_transaction(const struct rcpt_receipt *receipt);

/*
 * consistency.c: that a log has only grown
 */

#define RCPT_MAX_CONSISTENCY	(RECEIPT_MAX_PATH + 1)	/* hashes in a proof */

/**
 * struct rcpt_consistency - a consistency proof
 * @first: vds 1: leaves of the older tree
 * @second: vds 1: leaves of the newer tree
 * @anchor: vds 2
 * @npath: used entries of @path and @left
 * @path: hashes
 * @left: vds 2: 1 when the hash is the left sibling
 */
struct rcpt_consistency {
	uint64_t first;
	uint64_t second;
	uint8_t anchor[RECEIPT_HASH_SIZE];
	size_t npath;
	uint8_t path[RCPT_MAX_CONSISTENCY][RECEIPT_HASH_SIZE];
	uint8_t left[RCPT_MAX_CONSISTENCY];
};

/**
 * struct rcpt_tree_head - a state of a log
 * @size: leaves; 0: not known
 * @root: of its tree
 */
struct rcpt_tree_head {
	uint64_t size;
	uint8_t root[RECEIPT_HASH_SIZE];
};

int rcpt_consistency_parse(struct rcpt_span in, int64_t vds, struct rcpt_consistency *out,
			   struct rcpt_error *err);
int rcpt_consistency_receipt(struct rcpt_span in, struct rcpt_receipt *out,
			     struct rcpt_error *err);
int rcpt_consistency_verify(const struct rcpt_receipt *receipt,
			    const struct rcpt_keys *keys, const struct rcpt_tree_head *old,
			    struct rcpt_tree_head *head, struct rcpt_error *err);

/*
 * issuer.c: who signed a statement
 */

/**
 * struct rcpt_issuer_trust - whom to believe; zero it first
 * @keys: one of these must have signed, that iss and kid (or x5t) of the
 *	statement mean; NULL: not asked
 * @roots: its certificates must lead to one of these; NULL: not asked
 * @nekus: used entries of @ekus
 * @ekus: uses, dotted, all of which the first certificate must be for; only with
 *	@roots
 * @ntimes: used entries of @times
 * @times: when the statement was recorded; its certificates must have been valid
 *	at one of them, all at once
 */
struct rcpt_issuer_trust {
	const struct rcpt_keys *keys;
	STACK_OF(X509) *roots;
	size_t nekus;
	const char *ekus[RCPT_MAX_EKUS];
	size_t ntimes;
	int64_t times[RECEIPT_MAX_RECEIPTS + RCPT_MAX_BESIDE];
};

int rcpt_issuer_verify(const struct rcpt_statement *stmt,
		       const struct rcpt_issuer_trust *trust, struct rcpt_error *err);
void rcpt_issuer_time(struct rcpt_issuer_trust *trust, const struct rcpt_receipt *receipt);

#endif /* LIBRECEIPT_RECEIPT_H */
