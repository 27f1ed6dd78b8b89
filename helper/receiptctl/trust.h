/* SPDX-License-Identifier: MIT */
/*
 * Options that say whom to trust, as several commands have them.
 */
#ifndef RECEIPTCTL_TRUST_H
#define RECEIPTCTL_TRUST_H

#include "options.h"
#include "receipt.h"

#define MAX_TRUST_FILES	16

enum { TRUST_KEYS = 0x100, TRUST_ISSUER, TRUST_ENTRY, TRUST_ISSUER_KEY, TRUST_ISSUER_ROOT,
       TRUST_ISSUER_EKU };

/* Rows of a table for getopt_long(): of logs, and of issuers. */
#define TRUST_LOG_OPTIONS						\
	{ "keys", required_argument, NULL, TRUST_KEYS },		\
	{ "issuer", required_argument, NULL, TRUST_ISSUER },		\
	{ "entry", required_argument, NULL, TRUST_ENTRY }
#define TRUST_ISSUER_OPTIONS						\
	{ "issuer-key", required_argument, NULL, TRUST_ISSUER_KEY },	\
	{ "issuer-root", required_argument, NULL, TRUST_ISSUER_ROOT },	\
	{ "issuer-eku", required_argument, NULL, TRUST_ISSUER_EKU }

/* Files of one option. */
struct trust_files {
	size_t n;
	const char *name[MAX_TRUST_FILES];
};

/**
 * struct trust - what the options say, and what was read
 * @command: for messages
 * @entry: --entry
 * @key_files: --keys
 * @key_issuers: the --issuer that belongs to each, or NULL
 * @issuer_key_files: --issuer-key
 * @issuer_root_files: --issuer-root
 * @keys: of logs
 * @issuer_keys: of issuers
 * @issuers: whom to believe
 */
struct trust {
	const char *command;
	enum receipt_entry entry;
	struct trust_files key_files;
	const char *key_issuers[MAX_TRUST_FILES];
	struct trust_files issuer_key_files;
	struct trust_files issuer_root_files;
	struct rcpt_keys keys;
	struct rcpt_keys issuer_keys;
	struct rcpt_issuer_trust issuers;
};

int trust_option(struct trust *t, int option, const char *arg);
int trust_check(const struct trust *t);
int trust_read(struct trust *t, const char **about, struct rcpt_error *err);
void trust_free(struct trust *t);

#endif /* RECEIPTCTL_TRUST_H */
