// SPDX-License-Identifier: MIT
/*
 * receiptctl policy seal: a policy, checked as the kernel does, then sealed to
 * be loaded after the one that is active.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "policyfile.h"
#include "receiptctl.h"
#include "seal.h"

static const char help[] =
	"usage: receiptctl policy seal --issuer-key KEY.pem --issuer ISS --log DIR --out BUNDLE\n"
	"                              [--subject SUB] [--svn N] [--x5chain FILE] [--another]\n"
	"                              [--json] [--quiet] POLICY\n"
	"\n"
	"Reads a policy as the kernel does, then seals it: signs a statement that vouches\n"
	"for it as a policy and nothing else, registers the statement in a log and writes\n"
	"a bundle. Says when no rule of the policy would let a successor pass that is\n"
	"sealed in the same way.\n"
	"\n"
	"  --issuer-key FILE   private key: PEM, EC P-256, P-384 or P-521, Ed25519\n"
	"                      or RSA\n"
	"  --x5chain FILE      certificates of that key for the statement: PEM, leaf first\n"
	"  --issuer ISS        who says it\n"
	"  --subject SUB       what it is about; policy/ and the policy's name when left out\n"
	"  --svn N             security version\n"
	"  --log DIR           local log to register in\n"
	"  --another           also when the log knows the issuer by another key\n"
	"  --out BUNDLE        file to write\n"
	"  --json              one JSON object on standard output\n"
	"  --quiet             no output but errors and warnings\n"
	"  --help              this text\n";

static const struct option options[] = {
	{ "issuer-key", required_argument, NULL, SEAL_KEY },
	{ "x5chain", required_argument, NULL, SEAL_CHAIN },
	{ "issuer", required_argument, NULL, SEAL_ISSUER },
	{ "subject", required_argument, NULL, SEAL_SUBJECT },
	{ "svn", required_argument, NULL, SEAL_SVN },
	{ "log", required_argument, NULL, SEAL_LOG },
	{ "out", required_argument, NULL, SEAL_OUT },
	{ "another", no_argument, NULL, SEAL_ANOTHER },
	{ "json", no_argument, NULL, SEAL_JSON },
	{ "quiet", no_argument, NULL, SEAL_QUIET },
	{ "help", no_argument, NULL, SEAL_HELP },
	{ 0 }
};

static int set_option(void *all, int option, const char *arg)
{
	return seal_set_option(all, option, arg);
}

/* Return: 0, -1 after --help, or the exit status. */
static int parse_args(struct seal *seal, int argc, char **argv)
{
	int rc = options_parse(seal->command, argc, argv, options, set_option, seal);

	if (rc)
		return rc;
	if (seal->help) {
		fputs(help, stdout);
		return -1;
	}
	rc = seal_check(seal);
	if (!rc && optind + 1 != argc)
		return usage_error(seal->command, "takes one policy");
	return rc;
}

/*
 * Can it be replaced?
 */

static void add_proof(struct receipt_summary *s, const struct receipt_log *log)
{
	struct receipt_proof *proof = &s->proofs[s->nproofs++];

	*proof = (struct receipt_proof){
		.iss = log->issuer,
		.vds = RECEIPT_VDS_RFC9162,
		.entry = log->entry,
		.iat = s->iat,
		.position = INT64_MAX,
	};
	memcpy(proof->key_id, log->key.id, RECEIPT_HASH_SIZE);
}

/* Of the log @name, or of all when that is NULL; of each log all keys. */
static void add_logs(struct receipt_summary *s, const struct receipt_policy *p,
		     const char *name)
{
	for (uint32_t i = 0; i < p->nlogs && s->nproofs < RECEIPT_MAX_RECEIPTS; i++)
		if (!name || !strcmp(p->logs[i].name, name))
			add_proof(s, &p->logs[i]);
}

static bool is_key(const struct seal *seal, const struct receipt_key *key)
{
	EVP_PKEY *pkey = rcpt_key_from_spki(rcpt_span(key->spki, key->spki_len));
	bool is = pkey && EVP_PKEY_eq(pkey, seal->signer.pkey) == 1;

	EVP_PKEY_free(pkey);
	return is;
}

/* The best that a statement of this issuer can have for a rule. */
static void best_evidence(const struct seal *seal, const struct receipt_policy *p,
			  const struct receipt_rule *rule, struct receipt_summary *s)
{
	*s = (struct receipt_summary){
		.usage = 1 << RECEIPT_OP_POLICY,
		.iss = seal->claims.iss,
		.sub = seal->claims.sub,
		.has_svn = seal->claims.has_svn,
		.svn = seal->claims.svn,
		.iat = time(NULL),
		.revoked_keys = p->revoked_keys,
	};
	for (uint8_t i = 0; i < rule->nreceipts; i++)
		add_logs(s, p, rule->receipts[i]);
	if (!rule->nreceipts)
		add_logs(s, p, NULL);
	if (rule->has_issuer_key && is_key(seal, &rule->issuer_key))
		memcpy(s->issuer_key_id, rule->issuer_key.id, RECEIPT_HASH_SIZE);
}

static bool lets_pass(const struct seal *seal, const struct receipt_policy *p,
		      const struct receipt_rule *rule)
{
	struct receipt_summary s;
	struct receipt_facts facts = {
		.op = RECEIPT_OP_POLICY,
		.evidence_complete = true,
		.now = time(NULL),
		.nsummaries = 1,
		.summaries = { &s },
	};
	struct receipt_verdict verdict;

	best_evidence(seal, p, rule, &s);
	verdict = receipt_policy_eval(p, &facts);
	return verdict.action == RECEIPT_ACTION_ALLOW && verdict.proven;
}

/* Bundles of "policy seal" vouch for the SHA-256. */
static bool is_replaceable(const struct seal *seal, const struct receipt_policy *p)
{
	if (!(p->digests & 1U << RECEIPT_KIND_SHA256))
		return false;
	for (uint32_t i = 0; i < p->nrules; i++)
		if (p->rules[i].op == RECEIPT_OP_POLICY &&
		    lets_pass(seal, p, &p->rules[i]))
			return true;
	return false;
}

static void warn_final(const struct seal *seal, const struct policy_file *f)
{
	if (is_replaceable(seal, f->policy))
		return;
	print_text(stderr, f->path, strlen(f->path));
	fputs(": warning: no op=POLICY rule lets a policy pass with subject ", stderr);
	print_quoted(stderr, seal->claims.sub, strlen(seal->claims.sub));
	fputs(" of this issuer: once active, it could not be replaced by one sealed alike\n",
	      stderr);
}

/*
 * Sealing
 */

static int seal_policy(struct seal *seal, const struct policy_file *f, char **paths)
{
	uint8_t digest[RECEIPT_HASH_SIZE];
	char subject[sizeof("policy/") + RECEIPT_POLICY_NAME_MAX];
	int rc;

	if (rcpt_sha256(f->text, f->len, digest))
		return RCPT_SYSTEM;
	snprintf(subject, sizeof(subject), "policy/%s", f->policy->name);
	if (!seal->claims.sub)
		seal->claims.sub = subject;
	seal->usage = 1 << RECEIPT_OP_POLICY;
	seal->expect = digest;
	rc = seal_run(seal, paths);
	if (!rc)
		warn_final(seal, f);
	return rc;
}

/**
 * policy_seal() - receiptctl policy seal
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int policy_seal(int argc, char **argv)
{
	struct seal seal = { .command = "policy seal" };
	struct policy_file f;
	int rc = parse_args(&seal, argc, argv);

	if (!rc)
		rc = policy_file_read(argv[optind], &f);
	if (rc)
		return rc < 0 ? 0 : rc;
	rc = seal_policy(&seal, &f, argv + optind);
	seal_free(&seal);
	policy_file_free(&f);
	return rc;
}
