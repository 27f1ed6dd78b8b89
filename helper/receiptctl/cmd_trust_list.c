// SPDX-License-Identifier: MIT
/*
 * receiptctl trust-list: check a transparency trust list, and print the lines by
 * which a policy trusts the logs in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "describe.h"
#include "logline.h"
#include "lockfile.h"
#include "outfile.h"
#include "receiptctl.h"
#include "trust.h"
#include "verify.h"

#define MAX_STATE	(1u << 20)

static const char help[] =
	"usage: receiptctl trust-list --keys FILE... (--issuer-key FILE | --issuer-root FILE |\n"
	"           --iss DID) [OPTION]... FILE\n"
	"\n"
	"Checks a transparency trust list, a transparent statement that lists ledgers and\n"
	"their keys, and prints the lines by which a policy trusts them.\n"
	"\n"
	"  --keys FILE         keys of the logs that must have recorded it; may be repeated\n"
	"  --issuer NAME       the keys of the --keys before it are those of this log alone\n"
	"  --entry WHAT        what leaves of RFC 9162 logs commit to\n"
	"  --issuer-key FILE   key or certificate that must have signed it\n"
	"  --issuer-root FILE  certificates, to one of which its own must lead\n"
	"  --issuer-eku OID    use that its first certificate must be for\n"
	"  --iss NAME          issuer that it must name; enough by itself when it is a\n"
	"                      did:x509, which the certificates must fit then\n"
	"  --sub NAME          subject that it must name\n"
	"  --receipt FILE      receipt beside it; may be repeated\n"
	"  --min-svn N         lowest security version\n"
	"  --state FILE        remember the security version of issuer and subject in FILE,\n"
	"                      and refuse a lower one from then on\n"
	"  --identity verified the ledgers check who signs before they record\n"
	"  --json              one JSON object on standard output\n"
	"  --help              this text\n"
	"\n"
	"Exit status: 0 valid, 1 invalid or older, 2 cannot evaluate, 3 malformed, 64 wrong\n"
	"usage, 70 system error.\n";

enum { OPT_ISS = 1, OPT_SUB, OPT_RECEIPT, OPT_SVN, OPT_STATE, OPT_IDENTITY, OPT_JSON,
       OPT_HELP };

static const struct option options[] = {
	TRUST_LOG_OPTIONS,
	TRUST_ISSUER_OPTIONS,
	{ "iss", required_argument, NULL, OPT_ISS },
	{ "sub", required_argument, NULL, OPT_SUB },
	{ "receipt", required_argument, NULL, OPT_RECEIPT },
	{ "min-svn", required_argument, NULL, OPT_SVN },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "identity", required_argument, NULL, OPT_IDENTITY },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/**
 * struct run - all of one run
 * @trust: keys of logs, whom to believe
 * @iss: --iss
 * @sub: --sub
 * @nreceipts: used entries of @receipts
 * @receipts: --receipt
 * @has_min_svn: @min_svn counts
 * @min_svn: --min-svn
 * @state_file: --state
 * @identity: --identity
 * @json: --json
 * @help: --help
 * @file: the list
 * @stmt: parsed
 * @ledgers: keys in it
 */
struct run {
	struct trust trust;
	const char *iss;
	const char *sub;
	size_t nreceipts;
	const char *receipts[RCPT_MAX_BESIDE];
	bool has_min_svn;
	uint64_t min_svn;
	const char *state_file;
	bool identity;
	bool json;
	bool help;
	const char *file;
	struct rcpt_statement stmt;
	struct rcpt_keys ledgers;
};

static int set_svn(struct run *run, const char *arg)
{
	run->has_min_svn = true;
	if (options_number(arg, UINT64_MAX, &run->min_svn))
		return 0;
	return usage_error("trust-list", "--min-svn: a number expected, not '%s'", arg);
}

static int set_option(void *all, int option, const char *arg)
{
	struct run *run = all;

	switch (option) {
	case OPT_ISS:
		run->iss = arg;
		return 0;
	case OPT_SUB:
		run->sub = arg;
		return 0;
	case OPT_RECEIPT:
		return options_add("trust-list", "--receipt", run->receipts,
				   ARRAY_SIZE(run->receipts), &run->nreceipts, arg);
	case OPT_SVN:
		return set_svn(run, arg);
	case OPT_STATE:
		run->state_file = arg;
		return 0;
	case OPT_IDENTITY:
		return options_identity("trust-list", arg, &run->identity);
	case OPT_JSON:
		run->json = true;
		return 0;
	case OPT_HELP:
		run->help = true;
		return 0;
	default:
		return trust_option(&run->trust, option, arg);
	}
}

/* Anyone may register a list: whose it must be, has to be said. */
static bool names_issuer(const struct run *run)
{
	if (run->trust.issuer_key_files.n || run->trust.issuer_root_files.n)
		return true;
	return run->iss && rcpt_is_did_x509(rcpt_span(run->iss, strlen(run->iss)));
}

static int check_usage(struct run *run, int argc, char **argv)
{
	if (run->help)
		return 0;
	if (!run->trust.key_files.n)
		return usage_error("trust-list", "--keys is needed");
	if (!names_issuer(run))
		return usage_error("trust-list", "whose list it must be is not said: --issuer-key, --issuer-root or a did:x509 for --iss");
	if (trust_check(&run->trust))
		return EXIT_USAGE;
	if (argc - optind != 1)
		return usage_error("trust-list", "one list is needed");
	run->file = argv[optind];
	return 0;
}

static int parse_args(struct run *run, int argc, char **argv)
{
	int ret = options_parse("trust-list", argc, argv, options, set_option, run);

	return ret ? ret : check_usage(run, argc, argv);
}

/*
 * The versions that were seen: { "lists": [ { "iss", "sub", "svn" } ] }
 */

/* One whose svn cannot be told would let any list pass. */
static bool is_state(const json_t *state)
{
	const json_t *lists = json_object_get(state, "lists"), *entry;
	size_t i;

	json_array_foreach(lists, i, entry)
		if (!json_is_string(json_object_get(entry, "iss")) ||
		    !json_is_string(json_object_get(entry, "sub")) ||
		    !json_is_integer(json_object_get(entry, "svn")) ||
		    json_integer_value(json_object_get(entry, "svn")) < 0)
			return false;
	return json_is_array(lists);
}

static json_t *read_state(const struct run *run, struct rcpt_error *err)
{
	json_error_t jerr;
	uint8_t *data;
	json_t *state;
	size_t len;

	if (access(run->state_file, F_OK) && errno == ENOENT)
		return json_pack("{s:[]}", "lists");
	if (rcpt_file_read(run->state_file, MAX_STATE, &data, &len, err))
		return NULL;
	state = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, &jerr);
	free(data);
	if (is_state(state))
		return state;
	json_decref(state);
	rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
		  "not what --state has written");
	return NULL;
}

static bool member_is(json_t *entry, const char *name, struct rcpt_span text)
{
	const char *value = json_string_value(json_object_get(entry, name));

	return value && text.len == strlen(value) &&
	       (!text.len || !memcmp(text.data, value, text.len));
}

/* The entry of the list's issuer and subject, made when there is none. */
static json_t *state_entry(const struct run *run, json_t *state)
{
	const struct rcpt_claims *c = &run->stmt.header.claims;
	json_t *lists = json_object_get(state, "lists"), *entry;
	size_t i;

	json_array_foreach(lists, i, entry)
		if (member_is(entry, "iss", c->iss) && member_is(entry, "sub", c->sub))
			return entry;
	entry = json_object();
	json_object_set_new(entry, "iss", json_text(c->iss.data, c->iss.len));
	json_object_set_new(entry, "sub", json_text(c->sub.data, c->sub.len));
	json_object_set_new(entry, "svn", json_integer(0));
	json_array_append_new(lists, entry);
	return entry;
}

static int write_state(const struct run *run, const json_t *state, struct rcpt_error *err)
{
	char *text = json_dumps(state, JSON_INDENT(1));
	struct rcpt_outfile out;
	int ret;

	if (!text)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	ret = rcpt_outfile_open_over(run->state_file, 0644, '{', &out, err);
	if (!ret)
		ret = rcpt_outfile_commit(&out, text, strlen(text), err);
	free(text);
	return ret;
}

static int check_svn(const struct run *run, uint64_t least, struct rcpt_error *err)
{
	const struct rcpt_claims *c = &run->stmt.header.claims;

	if (c->has_svn ? c->svn >= least : !least)
		return 0;
	if (!c->has_svn)
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_OLDER, RCPT_NO_OFFSET,
				 "the list has no svn, %llu is the lowest",
				 (unsigned long long)least);
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_OLDER, RCPT_NO_OFFSET,
			 "the list has svn %llu, %llu is the lowest",
			 (unsigned long long)c->svn, (unsigned long long)least);
}

/* Refuses what is older than what was seen; remembers what is not. */
static int check_state(const struct run *run, const char **about, struct rcpt_error *err)
{
	const struct rcpt_claims *c = &run->stmt.header.claims;
	json_t *state, *entry;
	int ret;

	*about = run->state_file;
	state = read_state(run, err);
	if (!state)
		return -err->status;
	entry = state_entry(run, state);
	*about = run->file;
	ret = check_svn(run, json_integer_value(json_object_get(entry, "svn")), err);
	if (!ret && c->has_svn) {
		*about = run->state_file;
		json_object_set_new(entry, "svn", json_integer(c->svn));
		ret = write_state(run, state, err);
	}
	json_decref(state);
	return ret;
}

/* Between reading and writing nobody else writes: an older list would go for a newer one. */
static int check_state_alone(const struct run *run, const char **about, struct rcpt_error *err)
{
	char *path;
	int lock, ret;

	if (asprintf(&path, "%s.lock", run->state_file) < 0)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	*about = run->state_file;
	ret = rcpt_lock_take(path, RCPT_LOCK_WAIT_MS, &lock, err);
	free(path);
	if (ret)
		return ret;
	ret = check_state(run, about, err);
	rcpt_lock_drop(lock);
	return ret;
}

/*
 * The list
 */

static int check_name(const char *what, const char *want, struct rcpt_span is,
		      struct rcpt_error *err)
{
	if (!want || rcpt_span_equal(is, want, strlen(want)))
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_NO_RULE_SATISFIED, is.offset,
			 "the list has another %s", what);
}

/* The receipts, and the issuer's signature, which must not be left to them. */
static int check_statement(struct run *run, const struct rcpt_verify_params *p,
			   struct rcpt_error *err)
{
	struct rcpt_verify_result *res = malloc(sizeof(*res));
	int ret;

	if (!res)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	ret = rcpt_verify(p, res);
	if (ret) {
		*err = res->err;
	} else if (res->issuer.status) {
		ret = -res->issuer.status;
		*err = res->issuer;
	}
	rcpt_verify_result_free(res);
	free(res);
	if (!ret)
		ret = check_name("issuer", run->iss, run->stmt.header.claims.iss, err);
	return ret ? ret : check_name("subject", run->sub, run->stmt.header.claims.sub, err);
}

static int with_receipts(struct run *run, const char **about, struct rcpt_error *err)
{
	struct rcpt_verify_params p = {
		.stmt = &run->stmt, .keys = &run->trust.keys, .trust = run->trust.issuers,
	};
	uint8_t *data[RCPT_MAX_BESIDE];
	size_t len;
	int ret = 0;

	while (p.nbeside < run->nreceipts && !ret) {
		*about = run->receipts[p.nbeside];
		ret = rcpt_file_read(*about, RCPT_MAX_STATEMENT, &data[p.nbeside], &len, err);
		if (!ret) {
			p.beside[p.nbeside] = rcpt_span(data[p.nbeside], len);
			p.nbeside++;
		}
	}
	if (!ret) {
		*about = run->file;
		ret = check_statement(run, &p, err);
	}
	while (p.nbeside)
		free(data[--p.nbeside]);
	return ret;
}

static int check_list(struct run *run, const char **about, struct rcpt_error *err)
{
	int ret = with_receipts(run, about, err);

	if (!ret)
		ret = rcpt_trust_list_read(&run->stmt, &run->ledgers, err);
	if (!ret && run->has_min_svn)
		ret = check_svn(run, run->min_svn, err);
	if (!ret && run->state_file)
		ret = check_state_alone(run, about, err);
	return ret;
}

/*
 * Output
 */

static void print_claims(const struct run *run)
{
	const struct rcpt_claims *c = &run->stmt.header.claims;

	printf("# list of ");
	print_text(stdout, c->iss.data, c->iss.len);
	if (c->sub.data) {
		printf(", ");
		print_text(stdout, c->sub.data, c->sub.len);
	}
	if (c->has_svn)
		printf(", svn %llu", (unsigned long long)c->svn);
	putchar('\n');
}

/* What no policy takes is a comment, so that the others can be used. */
static void print_lines(const struct run *run)
{
	struct rcpt_error err;
	size_t i;

	print_claims(run);
	for (i = 0; i < run->ledgers.count; i++) {
		const struct rcpt_key *key = &run->ledgers.keys[i];
		struct log_line line = {
			.issuer = rcpt_span(key->issuer, strlen(key->issuer)),
			.key = key->pkey,
			.identity_verified = run->identity,
		};

		if (!log_line_print(stdout, &line, &err))
			continue;
		printf("# ");
		print_text(stdout, key->issuer, strlen(key->issuer));
		printf(": ");
		print_text(stdout, err.text, strlen(err.text));
		putchar('\n');
	}
}

static int finish(const struct run *run, const char *about, const struct rcpt_error *err,
		  int ret)
{
	const struct rcpt_claims *c = &run->stmt.header.claims;
	json_t *root;

	if (ret)
		print_error(about, err);
	else if (!run->json)
		print_lines(run);
	if (!run->json)
		return -ret;
	root = json_object();
	json_object_set_new(root, "status", json_integer(-ret));
	if (ret) {
		json_object_set_new(root, "error", json_error(about, err));
	} else {
		json_object_set_new(root, "iss", json_text(c->iss.data, c->iss.len));
		json_object_set_new(root, "sub", json_text(c->sub.data, c->sub.len));
		if (c->has_svn)
			json_object_set_new(root, "svn", json_u64(c->svn));
		json_object_set_new(root, "keys", describe_keys(&run->ledgers));
	}
	return json_print(root) ? RCPT_SYSTEM : -ret;
}

static int verify(struct run *run)
{
	struct rcpt_error err = { 0 };
	const char *about = NULL;
	uint8_t *data = NULL;
	size_t len;
	int ret = trust_read(&run->trust, &about, &err), status;

	if (!ret) {
		about = run->file;
		ret = rcpt_file_read(run->file, RCPT_MAX_STATEMENT, &data, &len, &err);
	}
	if (!ret)
		ret = rcpt_statement_parse(rcpt_span(data, len), &run->stmt, &err);
	if (!ret)
		ret = check_list(run, &about, &err);
	status = finish(run, about, &err, ret);
	rcpt_statement_free(&run->stmt);
	free(data);
	return status;
}

/**
 * cmd_trust_list() - receiptctl trust-list
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int cmd_trust_list(int argc, char **argv)
{
	struct run run = { .trust.command = "trust-list" };
	int ret = parse_args(&run, argc, argv);

	if (!ret && run.help)
		fputs(help, stdout);
	else if (!ret)
		ret = verify(&run);
	rcpt_keys_free(&run.ledgers);
	trust_free(&run.trust);
	return ret;
}
