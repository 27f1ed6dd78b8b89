// SPDX-License-Identifier: MIT
/*
 * Receipts, and the roots that their proofs lead to.
 */
#include "fuzz.h"

static void check_root(const struct rcpt_receipt *receipt)
{
	struct rcpt_statement stmt = { 0 };
	struct rcpt_error err = { 0 };
	uint8_t root[RECEIPT_HASH_SIZE];

	/* CCF receipts name their statement, which is this one therefore. */
	memcpy(stmt.digest, receipt->proofs[0].data_hash, sizeof(stmt.digest));
	holds_error(rcpt_receipt_root(receipt, &stmt, RECEIPT_ENTRY_SHA256_STMT,
				      root, &err), &err);
	rcpt_receipt_position(receipt);
	HOLDS(rcpt_receipt_transaction(receipt).len <= receipt->proofs[0].evidence.len);
}

/* Of consistency, too; nobody has signed it. */
static void check_consistency(const uint8_t *data, size_t size)
{
	const struct rcpt_tree_head old = { .size = 0 };
	const struct rcpt_keys none = { 0 };
	struct rcpt_tree_head head;
	struct rcpt_error err = { 0 };
	struct rcpt_receipt receipt;
	int ret = rcpt_consistency_receipt(rcpt_span(data, size), &receipt, &err);

	holds_error(ret, &err);
	if (!ret) {
		HOLDS(receipt.consistency.data && receipt.header.has_vds);
		ret = rcpt_consistency_verify(&receipt, &none, &old, &head, &err);
		HOLDS(ret);
		holds_error(ret, &err);
	}
	rcpt_receipt_free(&receipt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rcpt_error err = { 0 };
	struct rcpt_receipt receipt;
	size_t i;
	int ret = rcpt_receipt_parse(rcpt_span(data, size), &receipt, &err);

	holds_error(ret, &err);
	HOLDS(receipt.nproofs <= RCPT_MAX_PROOFS);
	for (i = 0; i < receipt.nproofs; i++)
		HOLDS(receipt.proofs[i].npath <= RECEIPT_MAX_PATH);
	if (!ret) {
		HOLDS(receipt.nproofs && receipt.header.has_vds);
		check_root(&receipt);
	}
	rcpt_receipt_free(&receipt);
	check_consistency(data, size);
	return 0;
}
