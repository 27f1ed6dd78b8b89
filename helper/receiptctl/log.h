/* SPDX-License-Identifier: MIT */
/*
 * A transparency log in one folder:
 *
 *	DIR/key.pem	private key of the log
 *	DIR/log.db	SQLite: entries, nodes of the Merkle tree, signed heads, issuers
 *	DIR/guard	how far the log was, and which file log.db is
 *	DIR/lock	held by the process that writes
 *
 * The folder is made with mode 0700, all files with 0600. An entry is SHA-256 of the
 * signed statement. What an append returns is durable before it returns; a crash at any
 * point leaves a log that opens. Any number of processes may use a log at once.
 */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

#include "receipt.h"
#include "sign.h"

struct tlog;

/**
 * tlog_init() - make a log
 * @dir: its folder, made when missing. A key that is in it is not replaced.
 * @issuer: name that its receipts carry
 * @alg: RCPT_ES256 or RCPT_ES384
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_INVALID when there is a log or a key already, -RCPT_MALFORMED for a
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
 * The tree must be the one that was signed last.
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
 * Return: 0, -RCPT_MALFORMED or -RCPT_INVALID when the file holds another key, or the
 * log is a copy or was set back, or -RCPT_SYSTEM.
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
 * enum tlog_proof_kind - by what the statements of an issuer are told
 * @TLOG_KEY: a public key: DER SubjectPublicKeyInfo
 * @TLOG_ROOT: a certificate, DER, to which those in the statement lead
 * @TLOG_DID: nothing: its name is a did:x509, which says what the certificates must be
 */
enum tlog_proof_kind { TLOG_KEY, TLOG_ROOT, TLOG_DID };

/**
 * struct tlog_issuer_proof - by what the statements of an issuer are told
 * @kind: which
 * @der: see there
 */
struct tlog_issuer_proof {
	enum tlog_proof_kind kind;
	struct rcpt_span der;
};

/**
 * struct tlog_vouch - what the operator of the log says of an issuer
 * @name: iss of its statements; they must have it
 * @proves: @proof is given: it must prove them, and the log remembers it
 * @proof: what proves them
 * @another: also when the log knows the issuer by something else
 */
struct tlog_vouch {
	struct rcpt_span name;
	bool proves;
	struct tlog_issuer_proof proof;
	bool another;
};

/**
 * struct tlog_known - an issuer that the log knows
 * @name: its name
 * @proof: what proves its statements
 * @added: when it was added, seconds since 1970; 0: before the log asked for its name
 */
struct tlog_known {
	struct rcpt_span name;
	struct tlog_issuer_proof proof;
	int64_t added;
};

/**
 * typedef tlog_issuer_fn - told of an issuer
 * @known: it, valid during the call
 * @arg: as given
 *
 * Return: 0 to go on.
 */
typedef int (*tlog_issuer_fn)(const struct tlog_known *known, void *arg);

/**
 * tlog_issuer_add() - know an issuer
 * @log: open, with its key loaded
 * @vouch: with a proof
 * @err: filled in on failure
 *
 * Return: 0, also when it is known so already, which is then the operator's word as well;
 * else as tlog_append().
 */
int tlog_issuer_add(struct tlog *log, const struct tlog_vouch *vouch, struct rcpt_error *err);

/**
 * tlog_issuer_may_add() - would tlog_issuer_add() know it?
 * @log: open
 * @vouch: with a proof
 * @err: filled in on failure
 *
 * For work that is not done in vain. What the log knows may be another by then.
 *
 * Return: 0, -RCPT_INVALID when it would be a second one, or -RCPT_SYSTEM.
 */
int tlog_issuer_may_add(struct tlog *log, const struct tlog_vouch *vouch,
			struct rcpt_error *err);

/**
 * tlog_issuer_forget() - know an issuer no longer by a key, root or DID
 * @log: open, with its key loaded
 * @name: its name
 * @der: of the proof
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_INVALID when it is not known; else as tlog_append().
 */
int tlog_issuer_forget(struct tlog *log, struct rcpt_span name, struct rcpt_span der,
		       struct rcpt_error *err);

/**
 * tlog_each_issuer() - go through the issuers that the log knows
 * @log: open
 * @fn: called for each; what it returns other than 0 ends the walk
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0, what @fn returned, or -RCPT_SYSTEM.
 */
int tlog_each_issuer(struct tlog *log, tlog_issuer_fn fn, void *arg, struct rcpt_error *err);

/**
 * tlog_append() - register a statement
 * @log: open, with its key loaded
 * @stmt: a statement. One that is in the log already keeps its place and gets a
 *	receipt of the tree of today.
 * @vouch: what the operator says of its issuer, or NULL. What it adds is remembered
 *	when the statement is recorded, and not when it is refused.
 * @proof: result: where it stands
 * @receipt: result, to be freed by the caller
 * @len: its length
 * @err: filled in on failure
 *
 * Context: Waits for other processes that write, for a bounded time.
 * Return: 0; -RCPT_MALFORMED when the statement lacks issuer or subject, or the log is
 * not the one that was signed last; -RCPT_CANNOT_EVALUATE when nothing is known of its
 * issuer; -RCPT_INVALID when it is not signed as its issuer signs, is of another one
 * than @vouch names, that would add a second key without being told to, the log is a
 * copy or was set back, or the clock was; -RCPT_SYSTEM.
 */
int tlog_append(struct tlog *log, const struct rcpt_statement *stmt,
		const struct tlog_vouch *vouch, struct rcpt_entry_proof *proof,
		uint8_t **receipt, size_t *len, struct rcpt_error *err);

/**
 * tlog_adopt() - this folder is the log from now on
 * @log: open; its key need not be loaded
 * @err: filled in on failure
 *
 * For a log that was moved to another disk, or restored from a copy that has its last
 * entry. The guard says then that it is this one.
 *
 * Return: 0, -RCPT_INVALID when the log was longer or had another tree, or -RCPT_SYSTEM.
 */
int tlog_adopt(struct tlog *log, struct rcpt_error *err);

/**
 * tlog_size() - number of entries
 * @log: open
 * @size: result
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int tlog_size(struct tlog *log, uint64_t *size, struct rcpt_error *err);

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
