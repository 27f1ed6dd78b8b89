// SPDX-License-Identifier: MIT
/*
 * receiptctl log: a local transparency log.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "log.h"
#include "log_issuer.h"
#include "logline.h"
#include "options.h"
#include "outfile.h"
#include "receiptctl.h"

#define COSE_SIGN1	0xd2	/* first byte of statements and receipts: tag 18 */

static const char init_help[] =
	"usage: receiptctl log init --dir DIR --issuer NAME [--alg ES384|ES256|ES512]\n"
	"\n"
	"Makes a log: a folder with a database and a private key.\n"
	"\n"
	"  --dir DIR       folder, made when missing\n"
	"  --issuer NAME   name that the log's receipts carry\n"
	"  --alg ALG       signature algorithm (default ES384)\n"
	"  --json          one JSON object on standard output\n"
	"  --help          this text\n";

static const char key_help[] =
	"usage: receiptctl log key --dir DIR [--name NAME]\n"
	"\n"
	"Prints the line that makes a policy trust the log.\n"
	"\n"
	"  --dir DIR     folder of the log\n"
	"  --name NAME   what rules of the policy call it (default: its issuer)\n"
	"  --help        this text\n";

static const char append_help[] =
	"usage: receiptctl log append --dir DIR [--issuer NAME] [OPTION]... STATEMENT...\n"
	"\n"
	"Registers signed statements and gives receipts for them. The statement with\n"
	"its receipt goes to STATEMENT.transparent. A statement that is in the log\n"
	"already keeps its entry and gets a new receipt.\n"
	"\n"
	"The log answers for who signed: a statement is registered only when the log\n"
	"knows its issuer, by a key, a root or a DID (\"receiptctl log issuer\"), and that\n"
	"proves the signature. A statement that is refused leaves nothing behind.\n"
	"\n"
	"  --dir DIR           folder of the log\n"
	"  --issuer NAME       the statements must be of this issuer\n"
	"  --issuer-key FILE   public key or certificate of --issuer; the log remembers\n"
	"                      it when a statement is registered with it\n"
	"  --issuer-root FILE  certificate to which those in the statements (x5chain) must\n"
	"                      lead; remembered likewise\n"
	"  --another           also when the log knows --issuer by something else\n"
	"  --out FILE          write the receipt alone to FILE; for one statement\n"
	"  --json              one JSON object on standard output\n"
	"  --help              this text\n";

static const char adopt_help[] =
	"usage: receiptctl log adopt --dir DIR\n"
	"\n"
	"Says that this folder is the log. A log that was copied or restored signs nothing\n"
	"until then: two copies that sign contradict each other, and so does a copy that\n"
	"lacks the last entry. Look at its size first. A log that was set back behind\n"
	"its own guard is never adopted.\n"
	"\n"
	"  --dir DIR   folder of the log\n"
	"  --help      this text\n";

static const char list_help[] =
	"usage: receiptctl log list --dir DIR [--json]\n"
	"\n"
	"Lists the entries: number, time, issuer, subject, svn, SHA-256 of the signed\n"
	"statement.\n"
	"\n"
	"  --dir DIR   folder of the log\n"
	"  --json      one JSON object on standard output\n"
	"  --help      this text\n";

enum { OPT_DIR = 1, OPT_ISSUER, OPT_ALG, OPT_NAME, OPT_KEY, OPT_ROOT, OPT_ANOTHER, OPT_OUT,
       OPT_JSON, OPT_HELP };

static const struct option options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "issuer", required_argument, NULL, OPT_ISSUER },
	{ "alg", required_argument, NULL, OPT_ALG },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "issuer-key", required_argument, NULL, OPT_KEY },
	{ "issuer-root", required_argument, NULL, OPT_ROOT },
	{ "another", no_argument, NULL, OPT_ANOTHER },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/* Options that a subcommand takes: bits of their numbers. */
#define OPT_BIT(opt)	(1u << (opt))

/**
 * struct args - the command line of any subcommand
 * @command: as the user knows it, for messages
 * @help: its help text
 * @allowed: OPT_BIT() of the options that it takes
 * @dir: --dir
 * @issuer: --issuer
 * @alg: --alg
 * @name: --name
 * @key: --issuer-key
 * @root: --issuer-root
 * @out: --out
 * @another: --another
 * @json: --json
 * @done: help was asked for and given
 */
struct args {
	const char *command;
	const char *help;
	unsigned int allowed;
	const char *dir;
	const char *issuer;
	const char *alg;
	const char *name;
	const char *key;
	const char *root;
	const char *out;
	bool another;
	bool json;
	bool done;
};

static int not_allowed(const struct args *args, int option)
{
	const struct option *row = options;

	while (row->val != option)
		row++;
	return usage_error(args->command, "'--%s' is not for this command", row->name);
}

static int set_option(void *all, int option, const char *arg)
{
	struct args *args = all;

	if (option != OPT_HELP && !(args->allowed & OPT_BIT(option)))
		return not_allowed(args, option);
	switch (option) {
	case OPT_DIR:
		args->dir = arg;
		return 0;
	case OPT_ISSUER:
		args->issuer = arg;
		return 0;
	case OPT_ALG:
		args->alg = arg;
		return 0;
	case OPT_NAME:
		args->name = arg;
		return 0;
	case OPT_KEY:
		args->key = arg;
		return 0;
	case OPT_OUT:
		args->out = arg;
		return 0;
	case OPT_ROOT:
		args->root = arg;
		return 0;
	case OPT_ANOTHER:
		args->another = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_HELP:
		args->done = true;
		return 0;
	default:
		return -1;
	}
}

static int parse_args(struct args *args, int argc, char **argv)
{
	int ret = options_parse(args->command, argc, argv, options, set_option, args);

	if (ret)
		return ret;
	if (args->done)
		fputs(args->help, stdout);
	else if (!args->dir)
		return usage_error(args->command, "--dir is missing");
	return 0;
}

static int no_arguments(const struct args *args, int argc)
{
	return args->done || optind == argc ? 0 :
	       usage_error(args->command, "too many arguments");
}

/*
 * init
 */

static int run_init(int argc, char **argv)
{
	struct args args = {
		.command = "log init", .help = init_help, .alg = "ES384",
		.allowed = OPT_BIT(OPT_DIR) | OPT_BIT(OPT_ISSUER) | OPT_BIT(OPT_ALG) |
			   OPT_BIT(OPT_JSON),
	};
	struct rcpt_error err;
	int64_t alg;
	int rc = parse_args(&args, argc, argv);

	if (!rc)
		rc = no_arguments(&args, argc);
	if (rc || args.done)
		return rc;
	if (!args.issuer)
		return usage_error(args.command, "--issuer is missing");
	alg = rcpt_alg_by_name(args.alg);
	if (alg != RCPT_ES384 && alg != RCPT_ES256 && alg != RCPT_ES512)
		return usage_error(args.command, "--alg: ES384, ES256 or ES512, not '%s'",
				   args.alg);
	if (tlog_init(args.dir, args.issuer, alg, &err))
		return print_error(args.dir, &err);
	if (args.json)
		return json_print(json_pack("{s:s, s:s, s:s}", "dir", args.dir,
					    "issuer", args.issuer, "alg", args.alg));
	print_text(stdout, args.dir, strlen(args.dir));
	fputs(": log ", stdout);
	print_text(stdout, args.issuer, strlen(args.issuer));
	printf(", %s\n", args.alg);
	return 0;
}

/*
 * key
 */

/* Of some key nobody has said whose it is. */
static int is_unnamed(const struct tlog_known *known, void *arg)
{
	(void)arg;
	return !known->added;
}

/* The log answers for its issuers when the operator named each of them. */
static int find_unnamed(struct tlog *log, bool *unnamed)
{
	struct rcpt_error err;
	int rc = tlog_each_issuer(log, is_unnamed, NULL, &err);

	*unnamed = rc > 0;
	if (rc < 0)
		return print_error(tlog_issuer(log), &err);
	if (*unnamed)
		fputs("receiptctl: warning: the log has keys whose issuer nobody has named, so "
		      "identity=verified is left out: \"receiptctl log issuer list\"\n", stderr);
	return 0;
}

static int print_policy_line(const struct tlog *log, const char *name, bool verified)
{
	struct rcpt_span issuer = rcpt_span(tlog_issuer(log), strlen(tlog_issuer(log)));
	struct log_line line = {
		.name = name,
		.issuer = issuer,
		.key = rcpt_key_from_spki(tlog_public_key(log)),
		.identity_verified = verified,
	};
	struct rcpt_error err;
	int rc = line.key ? log_line_print(stdout, &line, &err) :
			    rcpt_fail(&err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				      RCPT_NO_OFFSET, "cannot read the log's key");

	EVP_PKEY_free(line.key);
	return rc ? print_error(tlog_issuer(log), &err) : 0;
}

static int run_key(int argc, char **argv)
{
	struct args args = {
		.command = "log key", .help = key_help,
		.allowed = OPT_BIT(OPT_DIR) | OPT_BIT(OPT_NAME),
	};
	struct rcpt_error err;
	struct tlog *log;
	bool unnamed;
	int rc = parse_args(&args, argc, argv);

	if (!rc)
		rc = no_arguments(&args, argc);
	if (rc || args.done)
		return rc;
	if (args.name && !log_line_is_name(args.name))
		return usage_error(args.command, "--name: 1 to %d letters, digits, '-', '_' and '.'",
				   RECEIPT_POLICY_NAME_MAX);
	if (tlog_open_read(args.dir, &log, &err))
		return print_error(args.dir, &err);
	rc = find_unnamed(log, &unnamed);
	if (!rc)
		rc = print_policy_line(log, args.name, !unnamed);
	tlog_close(log);
	return rc;
}

/*
 * append
 */

/**
 * struct submission - a statement on its way into the log
 * @args: command line
 * @log: open, with its key
 * @issuer: what the options say of the issuer
 * @file: name of the statement
 * @stmt: parsed
 * @results: one JSON object for each that was registered
 */
struct submission {
	const struct args *args;
	struct tlog *log;
	struct log_issuer issuer;
	const char *file;
	struct rcpt_statement stmt;
	json_t *results;
};

/* Write the receipt, or the statement with it. */
static int write_result(struct submission *sub, struct rcpt_span receipt,
			struct rcpt_outfile *out)
{
	struct rcpt_error err;
	uint8_t *data = NULL;
	struct rcpt_span span = receipt;
	int rc = 0;

	if (!sub->args->out) {
		rc = rcpt_statement_attach(&sub->stmt, receipt, &data, &span.len, &err);
		span.data = data;
	}
	if (rc)
		rcpt_outfile_abort(out);
	else
		rc = rcpt_outfile_commit(out, span.data, span.len, &err);
	free(data);
	return rc ? print_error(sub->file, &err) : 0;
}

static int print_result(struct submission *sub, const struct rcpt_entry_proof *proof,
			const char *name)
{
	if (sub->args->json)
		return json_array_append_new(sub->results,
			json_pack("{s:o, s:o, s:I, s:I}",
				  "file", json_text(sub->file, strlen(sub->file)),
				  "out", json_text(name, strlen(name)),
				  "index", (json_int_t)proof->index,
				  "size", (json_int_t)proof->size)) ? RCPT_SYSTEM : 0;
	print_text(stdout, sub->file, strlen(sub->file));
	printf(": entry %llu of %llu, receipt in ", (unsigned long long)proof->index,
	       (unsigned long long)proof->size);
	print_text(stdout, name, strlen(name));
	putchar('\n');
	return 0;
}

/* The place of the result is taken before the log is written to. */
static int register_statement(struct submission *sub, const char *name)
{
	const struct tlog_vouch *vouch = sub->args->issuer ? &sub->issuer.vouch : NULL;
	struct rcpt_entry_proof proof;
	struct rcpt_outfile out;
	struct rcpt_error err;
	uint8_t *receipt;
	size_t len;
	int rc;

	if (rcpt_outfile_open_over(name, 0644, COSE_SIGN1, &out, &err))
		return print_error(name, &err);
	if (tlog_append(sub->log, &sub->stmt, vouch, &proof, &receipt, &len, &err)) {
		rcpt_outfile_abort(&out);
		return print_error(sub->file, &err);
	}
	rc = write_result(sub, rcpt_span(receipt, len), &out);
	free(receipt);
	return rc ? rc : print_result(sub, &proof, name);
}

static int append_to(struct submission *sub)
{
	char *name;
	int rc;

	if (sub->args->out)
		return register_statement(sub, sub->args->out);
	if (asprintf(&name, "%s.transparent", sub->file) < 0)
		return RCPT_SYSTEM;
	rc = register_statement(sub, name);
	free(name);
	return rc;
}

static int append_file(struct submission *sub)
{
	struct rcpt_error err;
	uint8_t *data;
	size_t len;
	int rc;

	if (rcpt_file_read(sub->file, RCPT_MAX_STATEMENT, &data, &len, &err))
		return print_error(sub->file, &err);
	if (rcpt_statement_parse(rcpt_span(data, len), &sub->stmt, &err)) {
		free(data);
		return print_error(sub->file, &err);
	}
	rc = append_to(sub);
	rcpt_statement_free(&sub->stmt);
	free(data);
	return rc;
}

/* Open what all statements need. */
static int prepare_append(struct submission *sub)
{
	const struct args *args = sub->args;
	struct rcpt_error err;

	if (args->issuer) {
		int rc = log_issuer_read(args->issuer, args->key, args->root, &sub->issuer);

		if (rc)
			return rc;
		sub->issuer.vouch.another = args->another;
	}
	if (tlog_open(args->dir, &sub->log, &err) || tlog_load_key(sub->log, &err))
		return print_error(args->dir, &err);
	return 0;
}

static int run_append(int argc, char **argv)
{
	struct args args = {
		.command = "log append", .help = append_help,
		.allowed = OPT_BIT(OPT_DIR) | OPT_BIT(OPT_ISSUER) | OPT_BIT(OPT_KEY) |
			   OPT_BIT(OPT_ROOT) | OPT_BIT(OPT_ANOTHER) | OPT_BIT(OPT_OUT) |
			   OPT_BIT(OPT_JSON),
	};
	struct submission sub = { .args = &args };
	int rc = parse_args(&args, argc, argv);
	int i;

	if (rc || args.done)
		return rc;
	if (optind == argc)
		return usage_error(args.command, "a statement is missing");
	if (!args.issuer && (args.key || args.root || args.another))
		return usage_error(args.command, "--issuer is missing: whose key or root is it?");
	if (args.key && args.root)
		return usage_error(args.command, "--issuer-key or --issuer-root, not both");
	if (args.out && argc - optind > 1)
		return usage_error(args.command, "--out is for one statement");
	sub.results = json_array();
	rc = prepare_append(&sub);
	for (i = optind; !rc && i < argc; i++) {
		sub.file = argv[i];
		rc = append_file(&sub);
	}
	if (args.json && json_array_size(sub.results))
		json_print(json_pack("{s:O}", "entries", sub.results));
	json_decref(sub.results);
	log_issuer_free(&sub.issuer);
	tlog_close(sub.log);
	return rc;
}

/*
 * list
 */

static void print_claims(const struct rcpt_statement *stmt)
{
	const struct rcpt_claims *claims = &stmt->header.claims;

	print_text(stdout, claims->iss.data, claims->iss.len);
	putchar('\t');
	print_text(stdout, claims->sub.data, claims->sub.len);
	if (claims->has_svn)
		printf("\tsvn %llu\t", (unsigned long long)claims->svn);
	else
		printf("\t-\t");
}

static int list_json(json_t *array, const struct tlog_entry *entry,
		     const struct rcpt_statement *stmt)
{
	const struct rcpt_claims *claims = &stmt->header.claims;
	json_t *item = json_pack("{s:I, s:I, s:o, s:o, s:o}",
		"index", (json_int_t)entry->index, "time", (json_int_t)entry->time,
		"iss", json_text(claims->iss.data, claims->iss.len),
		"sub", json_text(claims->sub.data, claims->sub.len),
		"digest", json_bytes(stmt->digest, sizeof(stmt->digest)));

	if (claims->has_svn)
		json_object_set_new(item, "svn", json_integer(claims->svn));
	return json_array_append_new(array, item) ? RCPT_SYSTEM : 0;
}

/* @arg: array to fill in, or NULL to print lines. */
static int list_entry(const struct tlog_entry *entry, void *arg)
{
	struct rcpt_statement stmt;
	struct rcpt_error err;
	char when[40];
	int rc = 0;

	if (rcpt_statement_parse(entry->statement, &stmt, &err))
		return print_error("log.db", &err);
	if (arg) {
		rc = list_json(arg, entry, &stmt);
	} else {
		format_time(entry->time, when);
		printf("%llu\t%s\t", (unsigned long long)entry->index, when);
		print_claims(&stmt);
		print_hex(stdout, stmt.digest, sizeof(stmt.digest));
		putchar('\n');
	}
	rcpt_statement_free(&stmt);
	return rc;
}

static int run_list(int argc, char **argv)
{
	struct args args = {
		.command = "log list", .help = list_help,
		.allowed = OPT_BIT(OPT_DIR) | OPT_BIT(OPT_JSON),
	};
	struct rcpt_error err;
	struct tlog *log;
	json_t *array;
	int rc = parse_args(&args, argc, argv);

	if (!rc)
		rc = no_arguments(&args, argc);
	if (rc || args.done)
		return rc;
	if (tlog_open_read(args.dir, &log, &err))
		return print_error(args.dir, &err);
	array = args.json ? json_array() : NULL;
	rc = tlog_each(log, list_entry, array, &err);
	if (rc < 0)
		rc = print_error(args.dir, &err);
	else if (!rc && array)
		rc = json_print(json_pack("{s:s, s:O}", "issuer", tlog_issuer(log),
					  "entries", array));
	json_decref(array);
	tlog_close(log);
	return rc;
}

/*
 * adopt
 */

static int run_adopt(int argc, char **argv)
{
	struct args args = {
		.command = "log adopt", .help = adopt_help, .allowed = OPT_BIT(OPT_DIR),
	};
	struct rcpt_error err;
	struct tlog *log;
	uint64_t size;
	int rc = parse_args(&args, argc, argv);

	if (!rc)
		rc = no_arguments(&args, argc);
	if (rc || args.done)
		return rc;
	if (tlog_open(args.dir, &log, &err))
		return print_error(args.dir, &err);
	rc = tlog_adopt(log, &err);
	if (!rc)
		rc = tlog_size(log, &size, &err);
	if (rc) {
		rc = print_error(args.dir, &err);
	} else {
		print_text(stdout, args.dir, strlen(args.dir));
		printf(": this is the log now, with %llu entries\n", (unsigned long long)size);
	}
	tlog_close(log);
	return rc;
}

static const struct command commands[] = {
	{ "init", run_init, "make a log" },
	{ "key", run_key, "print the line that makes a policy trust it" },
	{ "append", run_append, "register statements, give receipts" },
	{ "list", run_list, "list the entries" },
	{ "issuer", log_issuer, "show and change the issuers that it knows" },
	{ "adopt", run_adopt, "go on with a copy" },
	{ 0 }
};

/**
 * cmd_log() - receiptctl log
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int cmd_log(int argc, char **argv)
{
	return run_subcommand(commands, argc, argv);
}
