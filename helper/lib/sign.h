/* SPDX-License-Identifier: MIT */
/*
 * Making statements and receipts.
 */
#ifndef RCPT_SIGN_H
#define RCPT_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "merkle.h"
#include "receipt.h"

/**
 * struct rcpt_signer - a private key and what it signs as
 * @pkey: the key
 * @alg: COSE algorithm: ES256, ES384, ES512, EdDSA (Ed25519) or PS256, by the key
 * @id: SHA-256 of the DER SubjectPublicKeyInfo
 * @kid: @id as 64 hex digits, terminated
 */
struct rcpt_signer {
	EVP_PKEY *pkey;
	int64_t alg;
	uint8_t id[32];
	char kid[65];
};

/**
 * rcpt_signer_load() - take a private key
 * @pem: PEM text, not encrypted
 * @len: its length
 * @signer: result, to be freed with rcpt_signer_free()
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when it holds no private key, or
 * -RCPT_CANNOT_EVALUATE for a type or size of key that is not supported.
 */
int rcpt_signer_load(const void *pem, size_t len, struct rcpt_signer *signer,
		     struct rcpt_error *err);

/**
 * rcpt_signer_generate() - make a new ECDSA key
 * @alg: RCPT_ES256, RCPT_ES384 or RCPT_ES512
 * @signer: result, to be freed with rcpt_signer_free()
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_CANNOT_EVALUATE for another algorithm, or -RCPT_SYSTEM.
 */
int rcpt_signer_generate(int64_t alg, struct rcpt_signer *signer,
			 struct rcpt_error *err);

/**
 * rcpt_signer_pem() - the private key as PEM text (PKCS #8)
 * @signer: the key
 * @pem: result, to be freed with OPENSSL_clear_free(@pem, @len)
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int rcpt_signer_pem(const struct rcpt_signer *signer, char **pem, size_t *len,
		    struct rcpt_error *err);

/**
 * rcpt_signer_free() - forget a key
 * @signer: left empty
 */
void rcpt_signer_free(struct rcpt_signer *signer);

/**
 * struct rcpt_chain - certificates for x5chain, DER, leaf first
 * @n: used entries of @der
 * @der: each to be freed with rcpt_chain_free()
 */
struct rcpt_chain {
	size_t n;
	struct {
		uint8_t *data;
		size_t len;
	} der[RCPT_MAX_CHAIN];
};

/**
 * rcpt_chain_load() - read certificates
 * @pem: PEM text, leaf first
 * @len: its length
 * @signer: whose key the leaf must hold
 * @chain: result, to be freed with rcpt_chain_free()
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when there is none, too many or a damaged one, or
 * -RCPT_INVALID when the leaf is about another key.
 */
int rcpt_chain_load(const void *pem, size_t len, const struct rcpt_signer *signer,
		    struct rcpt_chain *chain, struct rcpt_error *err);

/**
 * rcpt_chain_free() - free certificates
 * @chain: left empty
 */
void rcpt_chain_free(struct rcpt_chain *chain);

/**
 * struct rcpt_claim_set - what a statement says
 * @iss: issuer, 1 to RECEIPT_MAX_CLAIM bytes of UTF-8
 * @sub: subject, likewise
 * @iat: seconds since 1970
 * @has_svn: @svn counts
 * @svn: security version
 * @hash_alg: 0: the payload is the root over a manifest; else a hash envelope
 *	of that algorithm (RCPT_SHA256, RCPT_SHA384, RCPT_SHA512)
 * @chain: certificates of the signer, or NULL to name the key by kid
 */
struct rcpt_claim_set {
	const char *iss;
	const char *sub;
	int64_t iat;
	bool has_svn;
	uint64_t svn;
	int64_t hash_alg;
	const struct rcpt_chain *chain;
};

/**
 * rcpt_statement_sign() - make a signed statement
 * @claims: what it says
 * @payload: root or digest
 * @payload_len: its length
 * @signer: the issuer's key
 * @out: result: a COSE_Sign1 with an empty unprotected header, as a log sees
 *	it; to be freed by the caller
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when a claim is out of bounds, or -RCPT_SYSTEM.
 */
int rcpt_statement_sign(const struct rcpt_claim_set *claims,
			const uint8_t *payload, size_t payload_len,
			const struct rcpt_signer *signer,
			uint8_t **out, size_t *len, struct rcpt_error *err);

/**
 * struct rcpt_entry_proof - where an entry stands in a log's tree
 * @index: leaf number
 * @size: leaves
 * @npath: used entries of @path
 * @path: inclusion path, lowest first
 * @root: of the tree
 */
struct rcpt_entry_proof {
	uint64_t index;
	uint64_t size;
	size_t npath;
	uint8_t path[RCPT_MAX_PATH][32];
	uint8_t root[32];
};

/**
 * rcpt_receipt_sign() - make a receipt of vds 1
 * @iss: the log's name
 * @iat: seconds since 1970
 * @proof: where the entry stands
 * @signer: the log's key
 * @out: result, to be freed by the caller
 * @len: its length
 * @err: filled in on failure
 *
 * The size of the tree is signed beside its root: claim "size".
 *
 * Return: 0, -RCPT_MALFORMED when @iss is out of bounds, or -RCPT_SYSTEM.
 */
int rcpt_receipt_sign(const char *iss, int64_t iat,
		      const struct rcpt_entry_proof *proof,
		      const struct rcpt_signer *signer,
		      uint8_t **out, size_t *len, struct rcpt_error *err);

/**
 * rcpt_statement_attach() - put a receipt into a statement
 * @stmt: a statement; receipts it has already stay, equal ones are not repeated,
 *	all else in its unprotected header is dropped
 * @receipt: to add
 * @out: result: the transparent statement, to be freed by the caller
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when it has too many receipts, or -RCPT_SYSTEM.
 */
int rcpt_statement_attach(const struct rcpt_statement *stmt,
			  struct rcpt_span receipt,
			  uint8_t **out, size_t *len, struct rcpt_error *err);

#endif /* RCPT_SIGN_H */
