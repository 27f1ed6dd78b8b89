// SPDX-License-Identifier: MIT
/*
 * Reading files of evidence.
 */
#include "bundlefile.h"

#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "options.h"
#include "receiptctl.h"
#include "sign.h"

/**
 * bundle_file_add_receipt() - take a --receipt
 * @file: grows by one
 * @command: for messages
 * @path: of the receipt
 *
 * Return: 0 or EXIT_USAGE.
 */
int bundle_file_add_receipt(struct bundle_file *file, const char *command,
			    const char *path)
{
	return options_add(command, "--receipt", file->receipts, ARRAY_SIZE(file->receipts),
			   &file->nreceipts, path);
}

/* A receipt that nobody could use is an error where it is added by hand. */
static int check_receipt(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_receipt receipt;
	int ret = rcpt_receipt_parse(in, &receipt, err);

	rcpt_receipt_free(&receipt);
	return ret;
}

/* Puts the receipt of @path into the statement @data, which is replaced. */
static int attach(const char *path, uint8_t **data, size_t *len, struct rcpt_error *err)
{
	struct rcpt_statement stmt;
	uint8_t *receipt, *out = NULL;
	size_t receipt_len, out_len;
	int ret = rcpt_file_read(path, RCPT_MAX_STATEMENT, &receipt, &receipt_len, err);

	if (ret)
		return ret;
	ret = check_receipt(rcpt_span(receipt, receipt_len), err);
	if (!ret)
		ret = rcpt_statement_parse(rcpt_span(*data, *len), &stmt, err);
	if (!ret) {
		ret = rcpt_statement_attach(&stmt, rcpt_span(receipt, receipt_len), &out,
					    &out_len, err);
		rcpt_statement_free(&stmt);
	}
	free(receipt);
	if (ret)
		return ret;
	free(*data);
	*data = out;
	*len = out_len;
	return 0;
}

/* So that what is wrong with it is said of its own bytes, not of the bundle's. */
static int check_statement(struct rcpt_span in, struct rcpt_error *err)
{
	struct rcpt_statement stmt;
	int ret = rcpt_statement_parse(in, &stmt, err);

	if (!ret)
		rcpt_statement_free(&stmt);
	return ret;
}

/* A transparent statement with all receipts; @leaves of the bundle it came in. */
static int make_bundle(const struct bundle_file *file, struct rcpt_span transparent,
		       const struct rcpt_bundle *from, uint8_t **data, size_t *len,
		       const char **about, struct rcpt_error *err)
{
	uint8_t *stmt = malloc(transparent.len ? transparent.len : 1);
	size_t stmt_len = transparent.len, i;
	int ret = 0;

	if (!stmt)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	if (stmt_len)
		memcpy(stmt, transparent.data, stmt_len);
	for (i = 0; i < file->nreceipts && !ret; i++) {
		*about = file->receipts[i];
		ret = attach(file->receipts[i], &stmt, &stmt_len, err);
	}
	if (!ret) {
		*about = file->path;
		ret = rcpt_bundle_encode(rcpt_span(stmt, stmt_len), from->leaves,
					 from->nleaves, data, len, err);
	}
	free(stmt);
	return ret;
}

/**
 * bundle_file_read() - read a bundle, or make one of a statement
 * @file: what the command line says
 * @data: result: a bundle, for free(); whether it is a good one, rcpt_bundle_parse()
 *	tells
 * @len: bytes of it
 * @about: result on failure: the file that @err is about
 * @err: what went wrong
 *
 * Return: 0 or the negative of a status.
 */
int bundle_file_read(const struct bundle_file *file, uint8_t **data, size_t *len,
		     const char **about, struct rcpt_error *err)
{
	struct rcpt_bundle bundle = { 0 };
	struct rcpt_span in;
	uint8_t *read;
	size_t read_len;
	int ret;

	*about = file->path;
	ret = rcpt_file_read(file->path, RCPT_MAX_BUNDLE, &read, &read_len, err);
	if (ret)
		return ret;
	in = rcpt_span(read, read_len);
	if (rcpt_is_bundle(in) && !file->nreceipts) {
		*data = read;
		*len = read_len;
		return 0;
	}
	ret = rcpt_is_bundle(in) ? rcpt_bundle_parse(in, &bundle, err) :
				   check_statement(in, err);
	if (!ret)
		ret = make_bundle(file, bundle.transparent.data ? bundle.transparent : in,
				  &bundle, data, len, about, err);
	rcpt_bundle_free(&bundle);
	free(read);
	return ret;
}
