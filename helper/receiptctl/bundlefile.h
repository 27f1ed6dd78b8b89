/* SPDX-License-Identifier: MIT */
/*
 * Files of evidence as the command line has them: bundles, transparent statements
 * that need no manifest, and receipts beside them.
 */
#ifndef RECEIPTCTL_BUNDLEFILE_H
#define RECEIPTCTL_BUNDLEFILE_H

#include "receipt.h"

/**
 * struct bundle_file - a file, and the receipts beside it
 * @path: bundle or statement
 * @nreceipts: used entries of @receipts
 * @receipts: paths
 */
struct bundle_file {
	const char *path;
	size_t nreceipts;
	const char *receipts[RECEIPT_MAX_RECEIPTS];
};

int bundle_file_add_receipt(struct bundle_file *file, const char *command,
			    const char *path);
int bundle_file_read(const struct bundle_file *file, uint8_t **data, size_t *len,
		     const char **about, struct rcpt_error *err);

#endif /* RECEIPTCTL_BUNDLEFILE_H */
