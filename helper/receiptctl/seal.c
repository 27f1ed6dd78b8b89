// SPDX-License-Identifier: MIT
/*
 * Sealing: hash files, sign a statement about them, have it recorded in a log,
 * write the bundle. Nothing is registered before all files are hashed, and
 * nothing is written before the log has it for good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "bundle.h"
#include "options.h"
#include "outfile.h"
#include "receiptctl.h"
#include "seal.h"

#define RECEIPT_ROOM	(64u << 10)	/* what a receipt adds to a bundle, amply */

static int no_memory(void)
{
	struct rcpt_error err;

	rcpt_no_memory(&err);
	return print_error(NULL, &err);
}

/*
 * Options
 */

static int set_svn(struct seal *seal, const char *arg)
{
	seal->claims.has_svn = true;
	if (options_number(arg, INT64_MAX, &seal->claims.svn))
		return 0;
	return usage_error(seal->command, "--svn: not a number: '%s'", arg);
}

/**
 * seal_set_option() - take an option of both commands
 * @seal: gets it
 * @option: SEAL_KEY and so on
 * @arg: its argument
 *
 * Return: 0, the exit status, or -1 for another option.
 */
int seal_set_option(struct seal *seal, int option, const char *arg)
{
	switch (option) {
	case SEAL_KEY:
		seal->key_file = arg;
		return 0;
	case SEAL_CHAIN:
		seal->chain_file = arg;
		return 0;
	case SEAL_ISSUER:
		seal->claims.iss = arg;
		return 0;
	case SEAL_SUBJECT:
		seal->claims.sub = arg;
		return 0;
	case SEAL_SVN:
		return set_svn(seal, arg);
	case SEAL_LOG:
		seal->log_dir = arg;
		return 0;
	case SEAL_OUT:
		seal->out = arg;
		return 0;
	case SEAL_ANOTHER:
		seal->another = true;
		return 0;
	case SEAL_JSON:
		seal->json = true;
		return 0;
	case SEAL_QUIET:
		seal->quiet = true;
		return 0;
	case SEAL_HELP:
		seal->help = true;
		return 0;
	default:
		return -1;
	}
}

/**
 * seal_check() - is what both commands need there?
 * @seal: with what the options said
 *
 * Return: 0 or EXIT_USAGE.
 */
int seal_check(const struct seal *seal)
{
	if (!seal->key_file)
		return usage_error(seal->command, "--issuer-key is missing");
	if (!seal->claims.iss)
		return usage_error(seal->command, "--issuer is missing");
	if (!seal->log_dir)
		return usage_error(seal->command, "--log is missing");
	if (!seal->out)
		return usage_error(seal->command, "--out is missing");
	return 0;
}

/*
 * Keys and log
 */

static int load_key(struct seal *seal)
{
	struct rcpt_error err;
	uint8_t *pem;
	size_t len;
	int rc;

	if (rcpt_file_read(seal->key_file, RCPT_MAX_KEY_FILE, &pem, &len, &err))
		return print_error(seal->key_file, &err);
	rc = rcpt_signer_load(pem, len, &seal->signer, &err);
	OPENSSL_cleanse(pem, len);
	free(pem);
	return rc ? print_error(seal->key_file, &err) : 0;
}

static int load_chain(struct seal *seal)
{
	struct rcpt_error err;
	uint8_t *pem;
	size_t len;
	int rc;

	if (!seal->chain_file)
		return 0;
	if (rcpt_file_read(seal->chain_file, RCPT_MAX_KEY_FILE, &pem, &len, &err))
		return print_error(seal->chain_file, &err);
	rc = rcpt_chain_load(pem, len, &seal->signer, &seal->chain, &err);
	free(pem);
	seal->claims.chain = &seal->chain;
	return rc ? print_error(seal->chain_file, &err) : 0;
}

static int open_log(struct seal *seal)
{
	struct rcpt_error err;

	if (tlog_open(seal->log_dir, &seal->log, &err) ||
	    tlog_load_key(seal->log, &err))
		return print_error(seal->log_dir, &err);
	return 0;
}

/* Whoever has the key and names the issuer vouches for both. @der: for OPENSSL_free() */
static int vouch_for_key(const struct seal *seal, struct tlog_vouch *vouch, uint8_t **der,
			 struct rcpt_error *err)
{
	const char *iss = seal->claims.iss;
	int len;

	*der = NULL;
	len = i2d_PUBKEY(seal->signer.pkey, der);
	if (len <= 0)
		return rcpt_no_memory(err);
	*vouch = (struct tlog_vouch){
		.name = rcpt_span(iss, strlen(iss)),
		.proves = true,
		.proof = { TLOG_KEY, rcpt_span(*der, len) },
		.another = seal->another,
	};
	return 0;
}

/* Before hours of hashing; certificates may lead to a root that the log knows. */
static int check_issuer(const struct seal *seal)
{
	struct tlog_vouch vouch;
	struct rcpt_error err;
	uint8_t *der;
	int rc = vouch_for_key(seal, &vouch, &der, &err);

	if (!rc && !seal->chain_file)
		rc = tlog_issuer_may_add(seal->log, &vouch, &err);
	OPENSSL_free(der);
	return rc ? print_error(seal->log_dir, &err) : 0;
}

/*
 * Files
 */

static int find_files(struct seal *seal, char **paths)
{
	struct rcpt_error err;
	char *where;
	int rc;

	for (; *paths; paths++) {
		if (!walk_path(*paths, &seal->files, &where, &err))
			continue;
		rc = print_error(where ? where : *paths, &err);
		free(where);
		return rc;
	}
	return 0;
}

static void show_progress(size_t done, size_t total)
{
	fprintf(stderr, "\rhashing: %zu of %zu files", done, total);
}

static int hash_files(struct seal *seal)
{
	bool show = !seal->quiet && isatty(STDERR_FILENO);
	struct rcpt_error err;
	size_t where;
	int rc;

	/* All operations: any file may be the subject of an envelope. */
	rc = hash_artifacts(&seal->files, seal->envelope ? UINT8_MAX : seal->usage,
			    seal->envelope ? seal->alg->md : "SHA256",
			    show ? show_progress : NULL, &where, &err);
	if (show)
		fputs("\r\033[K", stderr);
	return rc ? print_error(seal->files.item[where].path, &err) : 0;
}

static int nothing_to_seal(const char *path, const char *why)
{
	struct rcpt_error err;

	rcpt_fail(&err, RCPT_INVALID, RECEIPT_REASON_NO_CONTENTS, RCPT_NO_OFFSET,
		  "%s", why);
	return print_error(path, &err);
}

/* Nothing is left out without a word. */
static void say_skipped(const struct seal *seal)
{
	static const char text[] = "receiptctl: not sealed, cannot be read: ";
	size_t gone = 0;

	for (size_t i = 0; i < seal->files.n; i++) {
		const struct artifact *a = &seal->files.item[i];

		gone += a->skipped == ARTIFACT_GONE;
		if (a->skipped != ARTIFACT_UNREADABLE)
			continue;
		fputs(text, stderr);
		print_text(stderr, a->path, strlen(a->path));
		fputc('\n', stderr);
	}
	if (gone && !seal->quiet)
		fprintf(stderr, "receiptctl: not sealed: %zu file%s that went away meanwhile\n",
			gone, gone == 1 ? "" : "s");
}

/* What was read before is what is sealed. */
static int check_expected(const struct seal *seal)
{
	if (!seal->expect ||
	    !memcmp(seal->files.item[0].digest, seal->expect, RECEIPT_HASH_SIZE))
		return 0;
	return nothing_to_seal(seal->files.item[0].path, "changed while it was sealed");
}

/* Whoever names a file wants it sealed. */
static int count_taken(struct seal *seal)
{
	size_t i;

	for (i = 0; i < seal->files.n; i++) {
		const struct artifact *a = &seal->files.item[i];

		if (a->usage)
			seal->ntaken++;
		else if (a->named)
			return nothing_to_seal(a->path, "neither ELF file, script nor kernel "
					       "module; --usage says what it is for");
	}
	if (!seal->ntaken && !seal->has_root)
		return nothing_to_seal(NULL,
				       "nothing to seal: no ELF file, script or kernel module was found");
	return 0;
}

/*
 * Manifest
 */

/* Names are text: what is not UTF-8 is written as \xNN. */
static char *text_name(const char *path)
{
	char *name = malloc(4 * strlen(path) + 1);
	char *out = name;

	for (; name && *path; path++)
		out += (uint8_t)*path < 0x80 ? sprintf(out, "%c", *path) :
					       sprintf(out, "\\x%02x", (uint8_t)*path);
	if (name)
		*out = '\0';
	return name;
}

static int name_leaf(struct seal *seal, const char *path)
{
	struct rcpt_leaf *leaf = &seal->leaves[seal->nmade];
	struct rcpt_error err;

	if (!rcpt_utf8_valid((const uint8_t *)path, strlen(path))) {
		path = text_name(path);
		seal->names[seal->nmade] = (char *)path;
		if (!path)
			return no_memory();
	}
	if (strlen(path) > RCPT_MAX_NAME) {
		rcpt_fail(&err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
			  "name longer than %d bytes", RCPT_MAX_NAME);
		return print_error(path, &err);
	}
	leaf->name = path;
	leaf->name_len = strlen(path);
	return 0;
}

static int make_leaf(struct seal *seal, uint8_t kind, uint8_t usage, const uint8_t *digest,
		     const char *path)
{
	struct rcpt_leaf *leaf = &seal->leaves[seal->nmade];
	int rc = name_leaf(seal, path);

	leaf->kind = kind;
	leaf->usage = usage;
	leaf->digest = digest;
	seal->nmade++;
	return rc;
}

static int make_file_leaves(struct seal *seal, const struct artifact *a)
{
	int rc = make_leaf(seal, RECEIPT_KIND_SHA256, a->usage, a->digest, a->path);

	if (!rc && seal->files.fsverity)
		rc = make_leaf(seal, RECEIPT_KIND_FSVERITY_SHA256, a->usage, a->fsverity,
			       a->path);
	return rc;
}

static int make_leaves(struct seal *seal)
{
	size_t room = seal->ntaken * 2 + 1;
	size_t i;
	int rc = 0;

	seal->leaves = calloc(room, sizeof(*seal->leaves));
	seal->names = calloc(room, sizeof(*seal->names));
	if (!seal->leaves || !seal->names)
		return no_memory();
	for (i = 0; !rc && i < seal->files.n; i++)
		if (seal->files.item[i].usage)
			rc = make_file_leaves(seal, &seal->files.item[i]);
	if (!rc && seal->has_root)
		rc = make_leaf(seal, RECEIPT_KIND_DMVERITY_SHA256,
			       seal->usage ? seal->usage : 1 << RECEIPT_OP_EXECUTE,
			       seal->root, "dm-verity");
	seal->nleaves = rcpt_manifest_sort(seal->leaves, seal->nmade);
	return rc;
}

static int make_payload(struct seal *seal)
{
	uint8_t (*nodes)[32];
	struct rcpt_error err;
	int rc;

	if (seal->envelope) {
		seal->claims.hash_alg = seal->alg->cose;
		seal->payload_len = rcpt_digest_len(seal->alg->kind);
		memcpy(seal->payload, seal->files.item[0].digest, seal->payload_len);
		return 0;
	}
	rc = make_leaves(seal);
	if (rc)
		return rc;
	if (rcpt_manifest_tree(seal->leaves, seal->nleaves, &nodes, seal->payload, &err))
		return print_error(NULL, &err);
	free(nodes);
	seal->payload_len = 32;
	return 0;
}

/*
 * Statement and bundle
 */

/* Register, then put statement, receipt and leaves together. */
static int make_bundle(struct seal *seal, const struct rcpt_statement *stmt,
		       uint8_t **bundle, size_t *len, struct rcpt_error *err)
{
	struct tlog_vouch vouch;
	uint8_t *receipt, *transparent, *der;
	size_t receipt_len, transparent_len;
	int rc = vouch_for_key(seal, &vouch, &der, err);

	if (rc)
		return rc;
	rc = tlog_append(seal->log, stmt, &vouch, &seal->proof, &receipt, &receipt_len, err);
	OPENSSL_free(der);
	if (rc)
		return rc;
	rc = rcpt_statement_attach(stmt, rcpt_span(receipt, receipt_len), &transparent,
				   &transparent_len, err);
	free(receipt);
	if (rc)
		return rc;
	rc = rcpt_bundle_encode(rcpt_span(transparent, transparent_len), seal->leaves,
				seal->nleaves, bundle, len, err);
	free(transparent);
	return rc;
}

/* A bundle that could not be read must not leave an entry in the log. @first: its byte */
static int check_size(const struct seal *seal, const struct rcpt_statement *stmt,
		      uint8_t *first)
{
	struct rcpt_error err;
	uint8_t *bundle;
	size_t len;
	int rc = rcpt_bundle_encode(rcpt_span(stmt->bytes, stmt->len), seal->leaves,
				    seal->nleaves, &bundle, &len, &err);

	if (!rc) {
		*first = bundle[0];
		free(bundle);
	}
	if (!rc && len > RCPT_MAX_BUNDLE - RECEIPT_ROOM)
		rc = rcpt_fail(&err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
			       "bundle longer than %u bytes", RCPT_MAX_BUNDLE);
	return rc ? print_error(seal->out, &err) : 0;
}

/* The place of the bundle is taken before the log is written to. */
static int write_bundle(struct seal *seal, const struct rcpt_statement *stmt)
{
	struct rcpt_outfile out;
	struct rcpt_error err;
	uint8_t *bundle, first = 0;
	size_t len;
	int rc = check_size(seal, stmt, &first);

	if (rc)
		return rc;
	if (rcpt_outfile_open_over(seal->out, 0644, first, &out, &err))
		return print_error(seal->out, &err);
	if (make_bundle(seal, stmt, &bundle, &len, &err)) {
		rcpt_outfile_abort(&out);
		return print_error(seal->log_dir, &err);
	}
	rc = rcpt_outfile_commit(&out, bundle, len, &err);
	free(bundle);
	return rc ? print_error(seal->out, &err) : 0;
}

static int make_statement(struct seal *seal)
{
	struct rcpt_statement stmt;
	struct rcpt_error err;
	uint8_t *data;
	size_t len;
	int rc;

	seal->claims.iat = time(NULL);
	if (rcpt_statement_sign(&seal->claims, seal->payload, seal->payload_len,
				&seal->signer, &data, &len, &err))
		return print_error(NULL, &err);
	rc = rcpt_statement_parse(rcpt_span(data, len), &stmt, &err);
	if (!rc)
		rc = rcpt_statement_verify(&stmt, seal->signer.pkey, &err);
	if (rc)
		rc = print_error(NULL, &err);
	else
		rc = write_bundle(seal, &stmt);
	rcpt_statement_free(&stmt);
	free(data);
	return rc;
}

static int print_result(const struct seal *seal)
{
	if (seal->json)
		return json_print(json_pack("{s:o, s:I, s:I, s:o, s:s, s:I, s:I}",
			"bundle", json_text(seal->out, strlen(seal->out)),
			"files", (json_int_t)seal->ntaken,
			"leaves", (json_int_t)seal->nleaves,
			"payload", json_bytes(seal->payload, seal->payload_len),
			"log", tlog_issuer(seal->log),
			"index", (json_int_t)seal->proof.index,
			"size", (json_int_t)seal->proof.size));
	if (seal->quiet)
		return 0;
	print_text(stdout, seal->out, strlen(seal->out));
	fputs(": ", stdout);
	if (seal->ntaken || !seal->has_root)
		printf("%zu file%s", seal->ntaken, seal->ntaken == 1 ? "" : "s");
	if (seal->has_root)
		printf("%sdm-verity device", seal->ntaken ? " and a " : "a ");
	fputs(" sealed, payload ", stdout);
	print_hex(stdout, seal->payload, seal->payload_len);
	printf(", entry %llu of log ", (unsigned long long)seal->proof.index);
	print_text(stdout, tlog_issuer(seal->log), strlen(tlog_issuer(seal->log)));
	putchar('\n');
	return 0;
}

/**
 * seal_run() - seal files, say on standard error why that fails
 * @seal: with what the options said
 * @paths: files and folders, ended by NULL
 *
 * Return: exit status.
 */
int seal_run(struct seal *seal, char **paths)
{
	int rc = load_key(seal);

	seal->files.sealing = true;
	if (!rc)
		rc = load_chain(seal);
	if (!rc)
		rc = open_log(seal);
	if (!rc)
		rc = check_issuer(seal);
	if (!rc)
		rc = find_files(seal, paths);
	if (!rc && seal->envelope && (seal->files.n != 1 || !seal->files.item[0].named))
		return usage_error(seal->command, "a hash envelope is about one file");
	if (!rc)
		rc = hash_files(seal);
	if (!rc)
		say_skipped(seal);
	if (!rc)
		rc = check_expected(seal);
	if (!rc)
		rc = count_taken(seal);
	if (!rc)
		seal_say_usage(seal);
	if (!rc)
		rc = make_payload(seal);
	if (!rc)
		rc = make_statement(seal);
	return rc ? rc : print_result(seal);
}

/**
 * seal_free() - free all of it
 * @seal: as it is after anything
 */
void seal_free(struct seal *seal)
{
	size_t i;

	for (i = 0; i < seal->nmade; i++)
		free(seal->names[i]);
	free(seal->names);
	free(seal->leaves);
	artifacts_free(&seal->files);
	tlog_close(seal->log);
	rcpt_chain_free(&seal->chain);
	rcpt_signer_free(&seal->signer);
}
