// SPDX-License-Identifier: MIT
/*
 * receiptctl verify: the verdict over a statement, and why.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "receiptctl.h"
#include "trust.h"
#include "verify.h"

static const char help[] =
	"usage: receiptctl verify (--keys FILE... | --policy FILE) [OPTION]... STATEMENT\n"
	"\n"
	"Checks a transparent statement, or a bundle: the issuer's signature, the\n"
	"receipts, and what it vouches for. \"-\" is standard input.\n"
	"\n"
	"  --keys FILE         keys of logs: JWKS, COSE keys, PEM or DER public key or\n"
	"                      certificate; may be repeated\n"
	"  --issuer NAME       the keys of the --keys before it are those of this log alone\n"
	"  --entry WHAT        what leaves of RFC 9162 logs commit to: sha256-stmt\n"
	"                      (default) or stmt\n"
	"  --policy FILE       logs and rules of a policy: the verdict of the kernel\n"
	"  --op OPERATION      operation to judge under the policy (default EXECUTE)\n"
	"  --issuer-key FILE   keys or certificates, one of which must have signed the\n"
	"                      statement: that of its key id, if it has one; may be repeated\n"
	"  --issuer-root FILE  certificates, to one of which those of the statement must\n"
	"                      lead, valid when a receipt says it was recorded; may be repeated\n"
	"  --issuer-eku OID    use that its first certificate must be for; may be repeated.\n"
	"                      Without these three, the first certificate must have signed;\n"
	"                      where there is none, the receipts decide\n"
	"  --receipt FILE      receipt beside the statement; may be repeated\n"
	"  --require-all       one receipt that is not valid is enough to refuse\n"
	"  --artifact FILE     file that the statement must vouch for; of a folder, every\n"
	"                      program, script and module in it, for what it is\n"
	"  --payload FILE      content of the payload, which may be detached\n"
	"  --allow-crit LABEL  critical label to accept; may be repeated\n"
	"  --json              one JSON object on standard output\n"
	"  --quiet             no output, only the exit status and errors\n"
	"  --help              this text\n"
	"\n"
	"Exit status: 0 valid, 1 invalid, 2 cannot evaluate, 3 malformed, 64 wrong usage,\n"
	"70 system error.\n";

enum { OPT_POLICY = 1, OPT_OP, OPT_RECEIPT, OPT_ALL, OPT_ARTIFACT, OPT_PAYLOAD, OPT_CRIT,
       OPT_JSON, OPT_QUIET, OPT_HELP };

static const struct option options[] = {
	TRUST_LOG_OPTIONS,
	TRUST_ISSUER_OPTIONS,
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "op", required_argument, NULL, OPT_OP },
	{ "receipt", required_argument, NULL, OPT_RECEIPT },
	{ "require-all", no_argument, NULL, OPT_ALL },
	{ "artifact", required_argument, NULL, OPT_ARTIFACT },
	{ "payload", required_argument, NULL, OPT_PAYLOAD },
	{ "allow-crit", required_argument, NULL, OPT_CRIT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/**
 * struct file - a file of the command line, read whole
 * @name: as typed
 * @data: content
 * @span: the same
 */
struct file {
	const char *name;
	uint8_t *data;
	struct rcpt_span span;
};

/**
 * struct run - all of one run
 * @trust: keys of logs, whom to believe as issuers
 * @policy_file: name of --policy
 * @artifact_file: name of --artifact
 * @payload: --payload
 * @input: the statement or bundle
 * @receipt_files: names of --receipt, as many as @params.nbeside
 * @receipts: the same, read
 * @json: output for programs
 * @quiet: no output
 * @help: only help was asked for
 * @policy: read, or NULL
 * @bundle: read, when @input is one; else only its statement is used
 * @artifact: its digests
 * @folder: --artifact, when it is one
 * @unvouched: files of @folder that are not vouched for, for --json
 * @params: of the verification
 */
struct run {
	struct trust trust;
	const char *policy_file;
	const char *artifact_file;
	struct file payload;
	struct file input;
	const char *receipt_files[RCPT_MAX_BESIDE];
	struct file receipts[RCPT_MAX_BESIDE];
	bool json;
	bool quiet;
	bool help;
	struct receipt_policy *policy;
	struct rcpt_bundle bundle;
	struct rcpt_digests artifact;
	struct folder folder;
	json_t *unvouched;
	struct rcpt_verify_params params;
};

/* A failure that names its file; returns the exit status. */
static int failed(const struct run *run, const char *file, const struct rcpt_error *err)
{
	json_t *root;

	print_error(file, err);
	if (!run->json)
		return err->status;
	root = json_object();
	json_object_set_new(root, "status", json_integer(err->status));
	json_object_set_new(root, "error", json_error(file, err));
	json_print(root);
	return err->status;
}

static int read_file(const struct run *run, struct file *file)
{
	struct rcpt_error err;
	size_t len;

	if (!file->name)
		return 0;
	if (rcpt_file_read(file->name, RCPT_MAX_INPUT, &file->data, &len, &err))
		return failed(run, file->name, &err);
	file->span = rcpt_span(file->data, len);
	return 0;
}

/*
 * Command line
 */

static int add_crit(struct run *run, const char *arg)
{
	struct rcpt_label *label = &run->params.crit[run->params.ncrit];
	bool negative = *arg == '-';
	uint64_t num;

	if (run->params.ncrit == RECEIPT_MAX_CRIT)
		return usage_error("verify", "over %d --allow-crit", RECEIPT_MAX_CRIT);
	if (options_number(arg + negative, INT64_MAX, &num))
		label->num = negative ? -(int64_t)num : (int64_t)num;
	else
		label->text = rcpt_span(arg, strlen(arg));
	run->params.ncrit++;
	return 0;
}

static int set_op(struct run *run, const char *arg)
{
	int op = receipt_op_parse(arg, strlen(arg));

	if (op < 0)
		return usage_error("verify", "--op: unknown operation '%s'", arg);
	run->params.op = op;
	return 0;
}

/* Options with a value. */
static int set_value(struct run *run, int option, const char *arg)
{
	switch (option) {
	case OPT_POLICY:
		run->policy_file = arg;
		return 0;
	case OPT_OP:
		return set_op(run, arg);
	case OPT_RECEIPT:
		return options_add("verify", "--receipt", run->receipt_files, RCPT_MAX_BESIDE,
				   &run->params.nbeside, arg);
	case OPT_ARTIFACT:
		run->artifact_file = arg;
		return 0;
	case OPT_PAYLOAD:
		run->payload.name = arg;
		return 0;
	case OPT_CRIT:
		return add_crit(run, arg);
	default:
		return trust_option(&run->trust, option, arg);
	}
}

static int set_option(void *all, int option, const char *arg)
{
	struct run *run = all;

	switch (option) {
	case OPT_ALL:
		run->params.require_all = true;
		return 0;
	case OPT_JSON:
		run->json = true;
		return 0;
	case OPT_QUIET:
		run->quiet = true;
		return 0;
	case OPT_HELP:
		run->help = true;
		return 0;
	default:
		return set_value(run, option, arg);
	}
}

static int check_usage(struct run *run, int argc, char **argv)
{
	if (run->help)
		return 0;
	if (!run->trust.key_files.n == !run->policy_file)
		return usage_error("verify", "--keys or --policy is needed, not both");
	if (trust_check(&run->trust))
		return EXIT_USAGE;
	if (run->artifact_file && is_folder(run->artifact_file))
		run->folder.path = run->artifact_file;
	if (run->folder.path && run->policy_file)
		return usage_error("verify", "--policy judges one file, not a folder");
	if (argc - optind != 1)
		return usage_error("verify", "one statement or bundle is needed");
	run->input.name = argv[optind];
	return 0;
}

static int parse_args(struct run *run, int argc, char **argv)
{
	int ret = options_parse("verify", argc, argv, options, set_option, run);

	return ret ? ret : check_usage(run, argc, argv);
}

/*
 * Reading
 */

static int read_trust(struct run *run)
{
	struct rcpt_error err;
	const char *about;

	if (trust_read(&run->trust, &about, &err))
		return failed(run, about, &err);
	run->params.trust = run->trust.issuers;
	return 0;
}

/* The place of what is wrong with a policy stands before it. */
static void policy_error(long errnum, const struct receipt_policy_error *perr,
			 struct rcpt_error *err)
{
	char line[24] = "", column[24] = "";

	if (errnum != -EINVAL) {
		rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET, "no memory");
		return;
	}
	if (perr->line)
		snprintf(line, sizeof(line), "line %u: ", perr->line);
	if (perr->column)
		snprintf(column, sizeof(column), "column %u: ", perr->column);
	rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_POLICY_SYNTAX, RCPT_NO_OFFSET, "%s%s%s",
		  line, column, perr->text);
}

static int read_policy(struct run *run)
{
	struct file file = { .name = run->policy_file };
	struct receipt_policy_error perr = { 0 };
	struct rcpt_error err;
	int ret = read_file(run, &file);

	if (ret || !file.name)
		return ret;
	run->policy = receipt_policy_parse((char *)file.data, file.span.len, &perr);
	free(file.data);
	if (IS_ERR(run->policy)) {
		policy_error(PTR_ERR(run->policy), &perr, &err);
		run->policy = NULL;
		return failed(run, file.name, &err);
	}
	run->params.policy = run->policy;
	ret = rcpt_keys_add_policy(&run->trust.keys, run->policy, &err);
	return ret ? failed(run, file.name, &err) : 0;
}

static int read_input(struct run *run)
{
	struct rcpt_span detached = { 0 };
	struct rcpt_error err;
	int ret = read_file(run, &run->payload);
	size_t i;

	if (!ret)
		ret = read_file(run, &run->input);
	if (ret)
		return ret;
	run->params.payload = run->payload.span;
	/* Evidence for a kernel has its payload in it. */
	if (!run->policy)
		detached = run->payload.span;
	if (rcpt_is_bundle(run->input.span)) {
		ret = rcpt_bundle_parse(run->input.span, &run->bundle, &err);
		run->params.bundle = &run->bundle;
	} else {
		ret = rcpt_statement_parse_with(run->input.span, detached,
						&run->bundle.statement, &err);
	}
	if (ret)
		return failed(run, run->input.name, &err);
	run->params.stmt = &run->bundle.statement;
	for (i = 0; i < run->params.nbeside; i++) {
		run->receipts[i].name = run->receipt_files[i];
		ret = read_file(run, &run->receipts[i]);
		if (ret)
			return ret;
		run->params.beside[i] = run->receipts[i].span;
	}
	return 0;
}

static int read_artifact(struct run *run)
{
	struct rcpt_error err;

	if (!run->artifact_file || run->folder.path)
		return 0;
	if (rcpt_digest_file(run->artifact_file, &run->artifact, &err))
		return failed(run, run->artifact_file, &err);
	run->params.artifact = &run->artifact;
	return 0;
}

static int read_all(struct run *run)
{
	int ret = read_trust(run);

	if (!ret)
		ret = read_policy(run);
	if (!ret)
		ret = read_input(run);
	if (!ret)
		ret = read_artifact(run);
	run->params.keys = &run->trust.keys;
	return ret;
}

static void run_free(struct run *run)
{
	size_t i;

	rcpt_bundle_free(&run->bundle);
	trust_free(&run->trust);
	folder_free(&run->folder);
	json_decref(run->unvouched);
	receipt_policy_free(run->policy);
	free(run->payload.data);
	free(run->input.data);
	for (i = 0; i < RCPT_MAX_BESIDE; i++)
		free(run->receipts[i].data);
}

/*
 * A folder
 */

static void not_vouched_for(const char *file, enum receipt_reason reason, void *arg)
{
	struct run *run = arg;
	struct rcpt_error err;

	rcpt_fail(&err, RCPT_INVALID, reason, RCPT_NO_OFFSET,
		  reason == RECEIPT_REASON_USAGE ? "the manifest does not grant what the file is for" :
						   "the file is not in the manifest");
	print_error(file, &err);
	if (run->unvouched)
		json_array_append_new(run->unvouched, json_error(file, &err));
}

/* What is wrong with files is told of each; the verdict is theirs together. */
static int check_folder(struct run *run, struct rcpt_verify_result *res)
{
	struct folder *f = &run->folder;
	struct rcpt_error err;
	char *about;
	int ret;

	if (run->json)
		run->unvouched = json_array();
	ret = folder_check(f, &run->bundle, not_vouched_for, run, &about, &err);
	if (ret) {
		ret = failed(run, about ? about : f->path, &err);
		free(about);
		return ret;
	}
	if (!res->err.status && (f->missing || f->ungranted))
		rcpt_fail(&res->err, RCPT_INVALID,
			  f->missing ? RECEIPT_REASON_DIGEST : RECEIPT_REASON_USAGE,
			  RCPT_NO_OFFSET, "%zu of %zu files are not vouched for",
			  f->missing + f->ungranted, f->checked);
	return 0;
}

/*
 * Output
 */

static const char *status_word(int status)
{
	switch (status) {
	case RCPT_VALID:
		return "valid";
	case RCPT_INVALID:
		return "invalid";
	case RCPT_CANNOT_EVALUATE:
		return "cannot-evaluate";
	case RCPT_MALFORMED:
		return "malformed";
	default:
		return "error";
	}
}

static void print_span(const char *name, struct rcpt_span text)
{
	if (!text.data)
		return;
	printf("  %-10s ", name);
	print_text(stdout, text.data, text.len);
	putchar('\n');
}

static void print_claims(const struct rcpt_statement *stmt)
{
	const struct rcpt_claims *c = &stmt->header.claims;
	char when[40];

	printf("  statement  sha256:");
	print_hex(stdout, stmt->digest, sizeof(stmt->digest));
	putchar('\n');
	print_span("issuer", c->iss);
	print_span("subject", c->sub);
	if (c->has_svn)
		printf("  svn        %llu\n", (unsigned long long)c->svn);
	if (c->has_iat) {
		format_time(c->iat, when);
		printf("  time       %s\n", when);
	}
}

static void print_why(const struct rcpt_error *err)
{
	printf("%s: ", status_word(err->status));
	if (err->offset != RCPT_NO_OFFSET)
		printf("offset %zu: ", err->offset);
	print_text(stdout, err->text, strlen(err->text));
	printf(" (%s)\n", rcpt_reason_text(err->reason));
}

/* Whose the key was that has signed the statement. */
static const char *signed_by(const struct run *run)
{
	const struct rcpt_issuer_trust *trust = &run->params.trust;

	if (trust->roots)
		return trust->keys ? "a given key, with a certificate under a given root" :
				     "a certificate under a given root";
	if (trust->keys)
		return "a given key";
	return rcpt_is_did_x509(run->params.stmt->header.claims.iss) ?
	       "a certificate that fits the issuer's did:x509" :
	       "the certificate in the statement, which names no one by itself";
}

/* Without keys and roots for issuers, one that cannot be checked is no error. */
static bool receipts_decide(const struct run *run, const struct rcpt_verify_result *res)
{
	return res->issuer.status == RCPT_CANNOT_EVALUATE && !run->params.trust.keys &&
	       !run->params.trust.roots;
}

static void print_unchecked(const struct rcpt_error *err)
{
	fputs("not checked, the receipts decide: ", stdout);
	print_text(stdout, err->text, strlen(err->text));
	putchar('\n');
}

static void print_issuer(const struct run *run, const struct rcpt_verify_result *res)
{
	printf("  signature  ");
	if (!res->issuer.status)
		printf("good, %s, by %s\n", rcpt_alg_name(run->params.stmt->header.alg),
		       signed_by(run));
	else if (receipts_decide(run, res))
		print_unchecked(&res->issuer);
	else
		print_why(&res->issuer);
}

/* Where it stands, in the words of its log. */
static void print_position(const struct rcpt_receipt *r)
{
	struct rcpt_span transaction = rcpt_receipt_transaction(r);

	if (transaction.data) {
		printf(", transaction ");
		print_text(stdout, transaction.data, transaction.len);
	} else if (r->header.vds == RECEIPT_VDS_RFC9162) {
		printf(", leaf %llu of %llu%s", (unsigned long long)r->proofs[0].index,
		       (unsigned long long)r->proofs[0].size,
		       rcpt_receipt_has_size(r) ? "" : " (size not signed: no position)");
	}
}

static void print_receipt(const struct rcpt_receipt_result *r, size_t number)
{
	const struct rcpt_claims *c = &r->receipt.header.claims;
	char when[40];

	printf("  receipt %-2zu ", number);
	if (r->err.status) {
		print_why(&r->err);
		return;
	}
	printf("valid: %s", r->key->name ? r->key->name : "log");
	if (c->iss.data) {
		putchar(' ');
		print_text(stdout, c->iss.data, c->iss.len);
	}
	printf(", vds %lld", (long long)r->receipt.header.vds);
	print_position(&r->receipt);
	if (c->has_iat) {
		format_time(c->iat, when);
		printf(", %s", when);
	}
	putchar('\n');
}

static void print_folder(const struct folder *f)
{
	printf("  artifact   ");
	print_text(stdout, f->path, strlen(f->path));
	printf(": %zu files, %zu vouched for\n", f->checked,
	       f->checked - f->missing - f->ungranted);
}

static void print_artifact(const struct run *run, const struct rcpt_verify_result *res)
{
	if (run->folder.path) {
		print_folder(&run->folder);
		return;
	}
	if (!run->artifact_file || !res->bound)
		return;
	printf("  artifact   ");
	print_text(stdout, run->artifact_file, strlen(run->artifact_file));
	if (run->bundle.nleaves) {
		printf(": leaf %zu of %zu, usage ", res->leaf, run->bundle.nleaves);
		print_ops(res->usage);
		putchar('\n');
	} else {
		printf(": is what the statement is about\n");
	}
}

static void print_policy(const struct run *run, const struct rcpt_verify_result *res)
{
	if (!res->decided)
		return;
	printf("  policy     ");
	print_text(stdout, run->policy_file, strlen(run->policy_file));
	printf(": line %u %s %s (%s)\n", res->verdict.line,
	       res->verdict.action == RECEIPT_ACTION_ALLOW ? "allows" : "denies",
	       receipt_op_name(run->params.op), rcpt_reason_text(res->verdict.reason));
	if (!run->artifact_file && rcpt_statement_is_manifest(run->params.stmt))
		printf("             judged without an artifact: see --artifact\n");
}

/* The file that an error is about: a receipt beside the statement, or it. */
static const char *file_of(const struct run *run, const struct rcpt_verify_result *res)
{
	size_t embedded = run->params.stmt->nreceipts, i;

	for (i = embedded; i < res->nreceipts; i++)
		if (!memcmp(&res->receipts[i].err, &res->err, sizeof(res->err)))
			return run->receipts[i - embedded].name;
	return run->input.name;
}

static void print_result(const struct run *run, const struct rcpt_verify_result *res)
{
	size_t i;

	print_text(stdout, run->input.name, strlen(run->input.name));
	printf(": %s\n", status_word(res->err.status));
	print_claims(run->params.stmt);
	print_issuer(run, res);
	for (i = 0; i < res->nreceipts; i++)
		print_receipt(&res->receipts[i], i + 1);
	print_artifact(run, res);
	print_policy(run, res);
}

static void position_json(json_t *json, const struct rcpt_receipt *r)
{
	struct rcpt_span transaction = rcpt_receipt_transaction(r);
	const struct rcpt_inclusion *p = &r->proofs[0];
	bool known = r->header.vds == RECEIPT_VDS_CCF || rcpt_receipt_has_size(r);

	if (known)
		json_object_set_new(json, "position", json_u64(rcpt_receipt_position(r)));
	if (r->header.vds == RECEIPT_VDS_RFC9162) {
		json_object_set_new(json, "leaf_index", json_u64(p->index));
		json_object_set_new(json, "tree_size", json_u64(p->size));
		json_object_set_new(json, "size_signed", json_boolean(known));
		return;
	}
	json_object_set_new(json, "evidence", json_text(p->evidence.data, p->evidence.len));
	if (transaction.data)
		json_object_set_new(json, "transaction",
				    json_text(transaction.data, transaction.len));
	if (r->header.txid.data)
		json_object_set_new(json, "signature_transaction",
				    json_text(r->header.txid.data, r->header.txid.len));
}

static json_t *receipt_json(const struct rcpt_receipt_result *r)
{
	const struct rcpt_claims *c = &r->receipt.header.claims;
	json_t *json = json_object();

	json_object_set_new(json, "verdict", json_string(status_word(r->err.status)));
	if (r->err.status)
		json_object_set_new(json, "error", json_error(NULL, &r->err));
	if (c->iss.data)
		json_object_set_new(json, "iss", json_text(c->iss.data, c->iss.len));
	if (c->has_iat)
		json_object_set_new(json, "iat", json_integer(c->iat));
	if (r->receipt.header.has_vds)
		json_object_set_new(json, "vds", json_integer(r->receipt.header.vds));
	if (r->err.status)
		return json;
	if (r->key->name)
		json_object_set_new(json, "log", json_string(r->key->name));
	json_object_set_new(json, "key", json_bytes(r->key->id, sizeof(r->key->id)));
	json_object_set_new(json, "root", json_bytes(r->root, sizeof(r->root)));
	position_json(json, &r->receipt);
	return json;
}

static json_t *statement_json(const struct rcpt_statement *stmt)
{
	const struct rcpt_claims *c = &stmt->header.claims;
	json_t *json = json_object();

	json_object_set_new(json, "sha256", json_bytes(stmt->digest, sizeof(stmt->digest)));
	if (c->iss.data)
		json_object_set_new(json, "iss", json_text(c->iss.data, c->iss.len));
	if (c->sub.data)
		json_object_set_new(json, "sub", json_text(c->sub.data, c->sub.len));
	if (c->has_iat)
		json_object_set_new(json, "iat", json_integer(c->iat));
	if (c->has_svn)
		json_object_set_new(json, "svn", json_integer(c->svn));
	return json;
}

static json_t *policy_json(const struct run *run, const struct rcpt_verify_result *res)
{
	json_t *json = json_object();

	json_object_set_new(json, "op", json_string(receipt_op_name(run->params.op)));
	json_object_set_new(json, "allowed",
			    json_boolean(res->verdict.action == RECEIPT_ACTION_ALLOW));
	json_object_set_new(json, "line", json_integer(res->verdict.line));
	json_object_set_new(json, "reason",
			    json_string(rcpt_reason_text(res->verdict.reason)));
	return json;
}

static json_t *artifact_json(const struct run *run, const struct rcpt_verify_result *res)
{
	const struct folder *f = &run->folder;
	json_t *json = json_object();

	if (f->path) {
		json_object_set_new(json, "bound", json_boolean(!f->missing && !f->ungranted));
		json_object_set_new(json, "files", json_integer(f->checked));
		json_object_set(json, "unvouched", run->unvouched);
		return json;
	}
	json_object_set_new(json, "bound", json_boolean(res->bound));
	if (res->bound && run->bundle.nleaves) {
		json_object_set_new(json, "leaf", json_integer(res->leaf));
		json_object_set_new(json, "leaves", json_integer(run->bundle.nleaves));
		json_object_set_new(json, "usage", json_ops(res->usage));
	}
	return json;
}

static int print_json(const struct run *run, const struct rcpt_verify_result *res)
{
	json_t *root = json_object(), *list = json_array();
	size_t i;

	json_object_set_new(root, "verdict", json_string(status_word(res->err.status)));
	json_object_set_new(root, "status", json_integer(res->err.status));
	if (res->err.status)
		json_object_set_new(root, "error", json_error(file_of(run, res), &res->err));
	json_object_set_new(root, "statement", statement_json(run->params.stmt));
	json_object_set_new(root, "issuer_signature",
			    json_string(status_word(res->issuer.status)));
	for (i = 0; i < res->nreceipts; i++)
		json_array_append_new(list, receipt_json(&res->receipts[i]));
	json_object_set_new(root, "receipts", list);
	if (run->artifact_file)
		json_object_set_new(root, "artifact", artifact_json(run, res));
	if (res->decided)
		json_object_set_new(root, "policy", policy_json(run, res));
	return json_print(root);
}

static int report(const struct run *run, const struct rcpt_verify_result *res)
{
	int ret = 0;

	if (run->json)
		ret = print_json(run, res);
	else if (!run->quiet)
		print_result(run, res);
	if (res->err.status) {
		fflush(stdout);
		print_error(file_of(run, res), &res->err);
	}
	return ret ? ret : res->err.status;
}

static int verify(struct run *run)
{
	struct rcpt_verify_result *res = malloc(sizeof(*res));
	struct rcpt_error err;
	int ret;

	if (!res) {
		rcpt_fail(&err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET, "no memory");
		return failed(run, run->input.name, &err);
	}
	rcpt_verify(&run->params, res);
	ret = run->folder.path ? check_folder(run, res) : 0;
	if (!ret)
		ret = report(run, res);
	rcpt_verify_result_free(res);
	free(res);
	return ret;
}

/**
 * cmd_verify() - receiptctl verify
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int cmd_verify(int argc, char **argv)
{
	struct run run = { .trust.command = "verify" };
	int ret = parse_args(&run, argc, argv);

	if (!ret && run.help)
		fputs(help, stdout);
	else if (!ret)
		ret = read_all(&run);
	if (!ret && !run.help)
		ret = verify(&run);
	run_free(&run);
	return ret;
}
