// SPDX-License-Identifier: MIT
/*
 * Statements, with their receipts, certificates and did:x509, up to the message
 * that the helper makes of them.
 */
#include <errno.h>

#include "fuzz.h"
#include "netlink.h"

static void check_message(const struct rcpt_statement *stmt,
			  const struct rcpt_receipt *receipts, size_t n)
{
	static const uint8_t digest[RECEIPT_HASH_SIZE];
	struct rcpt_nl_evidence ev = {
		.has_id = true, .more = true, .kind = RECEIPT_KIND_SHA256,
		.digest = rcpt_span(digest, sizeof(digest)), .stmt = stmt,
		.receipts = receipts, .nreceipts = n,
	};
	struct rcpt_error err = { 0 };
	struct nl_msg *msg = NULL;
	int ret = rcpt_nl_build_evidence(&msg, 1, &ev, &err);

	/* Anything else means that the message was made too small. */
	HOLDS(!ret || ret == -EMSGSIZE || ret == -EINVAL);
	HOLDS(!ret == !!msg);
	nlmsg_free(msg);
}

static void check_receipts(const struct rcpt_statement *stmt)
{
	struct rcpt_receipt *receipts = calloc(RECEIPT_MAX_RECEIPTS, sizeof(*receipts));
	uint8_t root[RECEIPT_HASH_SIZE];
	size_t i, n = 0;
	int ret;

	HOLDS(stmt->nreceipts <= RECEIPT_MAX_RECEIPTS);
	for (i = 0; i < stmt->nreceipts; i++) {
		struct rcpt_error err = { 0 };

		ret = rcpt_receipt_parse(stmt->receipts[i], &receipts[n], &err);
		holds_error(ret, &err);
		if (ret) {
			rcpt_receipt_free(&receipts[n]);
			continue;
		}
		holds_error(rcpt_receipt_root(&receipts[n++], stmt, RECEIPT_ENTRY_STMT, root,
					      &err), &err);
	}
	check_message(stmt, receipts, n);
	for (i = 0; i < n; i++)
		rcpt_receipt_free(&receipts[i]);
	free(receipts);
}

/* What a log sees is a statement too: the same one. */
static void check_bytes(const struct rcpt_statement *stmt)
{
	struct rcpt_statement again;
	struct rcpt_error err;

	HOLDS(!rcpt_statement_parse(rcpt_span(stmt->bytes, stmt->len), &again, &err));
	HOLDS(!again.nreceipts && again.len == stmt->len);
	HOLDS(!memcmp(again.digest, stmt->digest, sizeof(again.digest)));
	rcpt_statement_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rcpt_error err = { 0 };
	struct rcpt_statement stmt;
	int ret = rcpt_statement_parse(rcpt_span(data, size), &stmt, &err);

	holds_error(ret, &err);
	if (ret)
		return 0;
	check_bytes(&stmt);
	check_receipts(&stmt);
	holds_error(rcpt_issuer_verify(&stmt, NULL, &err), &err);
	rcpt_statement_free(&stmt);
	return 0;
}
