/* SPDX-License-Identifier: MIT */
/*
 * Sealing: a statement about files, its place in a log, the bundle. What
 * "receiptctl seal" and "receiptctl policy seal" share.
 */
#ifndef RECEIPTCTL_SEAL_H
#define RECEIPTCTL_SEAL_H

#include "hash.h"
#include "log.h"
#include "sign.h"
#include "walk.h"

/* Options of both commands. */
enum { SEAL_KEY = 1, SEAL_CHAIN, SEAL_ISSUER, SEAL_SUBJECT, SEAL_SVN, SEAL_LOG, SEAL_OUT,
       SEAL_ANOTHER, SEAL_JSON, SEAL_QUIET, SEAL_HELP, SEAL_OWN };

/**
 * struct hash_alg - algorithm of a hash envelope
 * @name: word of --hash-alg
 * @md: for OpenSSL
 * @cose: number
 * @kind: enum receipt_kind
 */
struct hash_alg {
	const char *name;
	const char *md;
	int64_t cose;
	uint8_t kind;
};

/**
 * struct seal - all of one run
 * @command: its name, for what is said of its options
 * @key_file: --issuer-key
 * @chain_file: --x5chain
 * @log_dir: --log
 * @out: --out
 * @usage: bits of --usage, or 0
 * @has_root: --dmverity
 * @root: its root hash
 * @expect: SHA-256 that the one file must have, or NULL
 * @envelope: --hash-envelope
 * @alg: --hash-alg, or NULL
 * @another: --another
 * @json: output for programs
 * @quiet: no output
 * @help: only help was asked for
 * @claims: what the statement says
 * @signer: the issuer's key
 * @chain: its certificates
 * @log: open
 * @files: found
 * @leaves: of the manifest; digests are those of @files, and @root
 * @nleaves: how many
 * @nmade: how many there were before what is there twice was left out
 * @names: of leaves, where they differ from paths
 * @ntaken: files that are sealed
 * @payload: root or digest
 * @payload_len: its length
 * @proof: where the statement stands in the log
 */
struct seal {
	const char *command;
	const char *key_file;
	const char *chain_file;
	const char *log_dir;
	const char *out;
	uint8_t usage;
	bool has_root;
	uint8_t root[RECEIPT_HASH_SIZE];
	const uint8_t *expect;
	bool envelope;
	const struct hash_alg *alg;
	bool another;
	bool json;
	bool quiet;
	bool help;
	struct rcpt_claim_set claims;
	struct rcpt_signer signer;
	struct rcpt_chain chain;
	struct tlog *log;
	struct artifacts files;
	struct rcpt_leaf *leaves;
	size_t nleaves;
	size_t nmade;
	char **names;
	size_t ntaken;
	uint8_t payload[RECEIPT_MAX_DIGEST];
	size_t payload_len;
	struct rcpt_entry_proof proof;
};

int seal_set_option(struct seal *seal, int option, const char *arg);
int seal_check(const struct seal *seal);
void seal_say_usage(const struct seal *seal);
int seal_run(struct seal *seal, char **paths);
void seal_free(struct seal *seal);

#endif /* RECEIPTCTL_SEAL_H */
