/* SPDX-License-Identifier: MIT */
/*
 * A transparency log in one folder:
 *
 *	DIR/key.pem	private key of the log, 0600
 *	DIR/log.db	SQLite: entries, nodes of the Merkle tree, issuers
 *
 * An entry is SHA-256 of the signed statement. What an append returns is durable
 * before it returns; a crash at any point leaves a log that opens. Any number of
 * processes may use a log at once.
 */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

#include "receipt.h"
#include "sign.h"

struct tlog;

/**
 * tlog_init() - make a log
 * @dir: its folder, made when missing
 * @issuer: name that its receipts carry
 * @alg: RCPT_ES256 or RCPT_ES384
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_INVALID when there is a log already, -RCPT_MALFORMED for a
 * name that a policy cannot hold, -RCPT_CANNOT_EVALUATE for another algorithm,
 * or -RCPT_SYSTEM.
 */
int tlog_init(const char *dir, const char *issuer, int64_t alg,
	      struct rcpt_error *err);

/**
 * tlog_open() - open a log
 * @dir: its folder
 * @log: result
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when it is no log or damaged, -RCPT_INVALID when files in
 * the folder are not the log's, or -RCPT_SYSTEM.
 */
int tlog_open(const char *dir, struct tlog **log, struct rcpt_error *err);

/**
 * tlog_open_read() - open a log to look at it: nothing is written or deleted
 * @dir: its folder
 * @log: result, for tlog_each() and what it says of itself
 * @err: filled in on failure
 *
 * Return: as tlog_open().
 */
int tlog_open_read(const char *dir, struct tlog **log, struct rcpt_error *err);

/**
 * tlog_load_key() - load the private key, which appending needs
 * @log: open
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED or -RCPT_INVALID when the file holds another key,
 * or -RCPT_SYSTEM.
 */
int tlog_load_key(struct tlog *log, struct rcpt_error *err);

/**
 * tlog_close() - close a log
 * @log: or NULL
 */
void tlog_close(struct tlog *log);

/**
 * tlog_issuer() - name that the log's receipts carry
 * @log: open
 *
 * Return: its name, valid while the log is open.
 */
const char *tlog_issuer(const struct tlog *log);

/**
 * tlog_alg() - the log's signature algorithm
 * @log: open
 *
 * Return: RCPT_ES256 or RCPT_ES384.
 */
int64_t tlog_alg(const struct tlog *log);

/**
 * tlog_public_key() - the log's public key
 * @log: open
 *
 * Return: DER SubjectPublicKeyInfo, valid while the log is open.
 */
struct rcpt_span tlog_public_key(const struct tlog *log);

/**
 * tlog_check_issuer() - check that a key the log knows has signed a statement
 * @log: open
 * @stmt: the statement
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_CANNOT_EVALUATE when no key of its issuer is known,
 * -RCPT_INVALID when none of them has signed it, or -RCPT_SYSTEM.
 */
int tlog_check_issuer(struct tlog *log, const struct rcpt_statement *stmt,
		      struct rcpt_error *err);

/**
 * tlog_trust() - remember a key as one of an issuer
 * @log: open
 * @iss: the issuer
 * @key: its public key
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int tlog_trust(struct tlog *log, struct rcpt_span iss, EVP_PKEY *key,
	       struct rcpt_error *err);

/**
 * tlog_append() - register a statement
 * @log: open, with its key loaded
 * @stmt: a statement whose signer was checked. One that is in the log already
 *	keeps its place and gets a receipt of the tree of today.
 * @proof: result: where it stands
 * @receipt: result, to be freed by the caller
 * @len: its length
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when it lacks issuer or subject, or -RCPT_SYSTEM.
 */
int tlog_append(struct tlog *log, const struct rcpt_statement *stmt,
		struct rcpt_entry_proof *proof, uint8_t **receipt, size_t *len,
		struct rcpt_error *err);

/**
 * struct tlog_entry - an entry of a log
 * @index: its number, from 0
 * @time: seconds since 1970
 * @statement: signed statement bytes, valid during the call
 */
struct tlog_entry {
	uint64_t index;
	int64_t time;
	struct rcpt_span statement;
};

/**
 * typedef tlog_entry_fn - told of an entry
 * @entry: it
 * @arg: as given
 *
 * Return: 0 to go on.
 */
typedef int (*tlog_entry_fn)(const struct tlog_entry *entry, void *arg);

/**
 * tlog_each() - go through the entries in order
 * @log: open
 * @fn: called for each; what it returns other than 0 ends the walk
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0, what @fn returned, -RCPT_MALFORMED when it is damaged, or -RCPT_SYSTEM.
 */
int tlog_each(struct tlog *log, tlog_entry_fn fn, void *arg,
	      struct rcpt_error *err);

#endif /* LOG_H */
