/* SPDX-License-Identifier: MIT */
/*
 * The lines by which a policy trusts a log.
 */
#ifndef RECEIPTCTL_LOGLINE_H
#define RECEIPTCTL_LOGLINE_H

#include <stdio.h>

#include "receipt.h"

/**
 * struct log_line - a key of a log
 * @name: as rules will call it; NULL: one that is made of @issuer
 * @issuer: of its receipts; what others wrote
 * @key: its key
 * @entry: for vds 1
 * @identity_verified: the log checks who signs
 */
struct log_line {
	const char *name;
	struct rcpt_span issuer;
	EVP_PKEY *key;
	enum receipt_entry entry;
	bool identity_verified;
};

bool log_line_is_name(const char *name);
int log_line_print(FILE *out, const struct log_line *line, struct rcpt_error *err);

#endif /* RECEIPTCTL_LOGLINE_H */
