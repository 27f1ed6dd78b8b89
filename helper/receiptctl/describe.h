/* SPDX-License-Identifier: MIT */
/*
 * What an auditor wants to see of a statement, receipt, bundle or key set, as a
 * JSON tree; print it with json_print() or json_print_tree().
 */
#ifndef RECEIPTCTL_DESCRIBE_H
#define RECEIPTCTL_DESCRIBE_H

#include <jansson.h>

#include "bundle.h"
#include "receipt.h"

json_t *describe_statement(const struct rcpt_statement *stmt, enum receipt_entry entry);
json_t *describe_receipt(const struct rcpt_receipt *receipt,
			 const struct rcpt_statement *stmt, enum receipt_entry entry,
			 const struct rcpt_error *err);
json_t *describe_proof(struct rcpt_span in);
json_t *describe_cbor(struct rcpt_span in);
json_t *describe_leaf(const struct rcpt_leaf *leaf);
json_t *describe_keys(const struct rcpt_keys *keys);
json_t *describe_certificate(struct rcpt_span der);

#endif /* RECEIPTCTL_DESCRIBE_H */
