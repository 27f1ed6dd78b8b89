/* SPDX-License-Identifier: MIT */
/*
 * Transparent statements for tests, made by the library's own signing.
 */
#ifndef TRANSPARENT_H
#define TRANSPARENT_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "manifest.h"
#include "merkle.h"
#include "receipt.h"
#include "sign.h"

/**
 * transparent_make() - a statement about one manifest, with receipts
 * @issuer: signs the statement
 * @log: signs the receipts
 * @chain: or NULL
 * @root: payload
 * @nreceipts: how many receipts, of trees of different sizes
 * @len: bytes of the result
 *
 * Return: COSE_Sign1, to be freed.
 */
static inline uint8_t *transparent_make(const struct rcpt_signer *issuer,
					const struct rcpt_signer *log,
					const struct rcpt_chain *chain,
					const uint8_t root[32], size_t nreceipts,
					size_t *len)
{
	struct rcpt_claim_set claims = {
		.iss = "issuer.example", .sub = "deb/test", .iat = 1700000000,
		.has_svn = true, .svn = 7, .chain = chain,
	};
	uint8_t *stmt = NULL, *receipt = NULL, *next = NULL;
	struct rcpt_statement parsed;
	size_t receipt_len = 0;

	assert_int_equal(rcpt_statement_sign(&claims, root, 32, issuer, &stmt, len, NULL), 0);
	for (size_t i = 0; i < nreceipts; i++) {
		struct rcpt_entry_proof proof = { .index = 0, .size = 1ULL << i, .npath = i };

		assert_int_equal(rcpt_statement_parse(rcpt_span(stmt, *len), &parsed, NULL), 0);
		assert_int_equal(rcpt_leaf_hash(parsed.digest, 32, proof.root), 0);
		for (size_t p = 0; p < i; p++) {
			memset(proof.path[p], (int)p + 1, 32);
			assert_int_equal(rcpt_node_hash(proof.root, proof.path[p], proof.root), 0);
		}
		assert_int_equal(rcpt_receipt_sign("log.example", 1700000001, &proof, log,
						   &receipt, &receipt_len, NULL), 0);
		assert_int_equal(rcpt_statement_attach(&parsed, rcpt_span(receipt, receipt_len),
						       &next, len, NULL), 0);
		rcpt_statement_free(&parsed);
		free(receipt);
		free(stmt);
		stmt = next;
	}
	return stmt;
}

#endif /* TRANSPARENT_H */
