// SPDX-License-Identifier: MIT
/*
 * receiptctl log issuer: whom a log knows, and by what.
 */
#include "log_issuer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "options.h"
#include "receiptctl.h"

static const char help[] =
	"usage: receiptctl log issuer list --dir DIR [--json]\n"
	"       receiptctl log issuer add --dir DIR --issuer NAME\n"
	"                  [--issuer-key FILE | --issuer-root FILE] [--another]\n"
	"       receiptctl log issuer forget --dir DIR --issuer NAME [--id SHA256]\n"
	"\n"
	"Shows and changes the issuers whose statements the log registers. The log answers\n"
	"for them (identity=verified): add a key only when you know whose it is. What was\n"
	"registered stays when its issuer is forgotten.\n"
	"\n"
	"list prints name, what it is known by (key, root or did), SHA-256 of that key or\n"
	"certificate, and since when; \"-\" for one that an older receiptctl took from a\n"
	"statement: nobody has named it, so look whose it is.\n"
	"\n"
	"  --dir DIR           folder of the log\n"
	"  --issuer NAME       iss of its statements. A did:x509 needs neither key nor root\n"
	"  --issuer-key FILE   public key or certificate: this key signs\n"
	"  --issuer-root FILE  certificate to which those in a statement (x5chain) lead\n"
	"  --another           also when the log knows --issuer by something else\n"
	"  --id SHA256         which of several to forget\n"
	"  --json              one JSON object on standard output\n"
	"  --help              this text\n";

enum { OPT_DIR = 1, OPT_ISSUER, OPT_KEY, OPT_ROOT, OPT_ANOTHER, OPT_ID, OPT_JSON, OPT_HELP };

static const struct option options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "issuer", required_argument, NULL, OPT_ISSUER },
	{ "issuer-key", required_argument, NULL, OPT_KEY },
	{ "issuer-root", required_argument, NULL, OPT_ROOT },
	{ "another", no_argument, NULL, OPT_ANOTHER },
	{ "id", required_argument, NULL, OPT_ID },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static const char *const kind_names[] = {
	[TLOG_KEY] = "key", [TLOG_ROOT] = "root", [TLOG_DID] = "did",
};

/**
 * struct run - all of one run
 * @dir: --dir
 * @issuer: --issuer
 * @key: --issuer-key
 * @root: --issuer-root
 * @another: --another
 * @id: --id
 * @json: --json
 * @help: --help
 * @log: open
 */
struct run {
	const char *dir;
	const char *issuer;
	const char *key;
	const char *root;
	bool another;
	const char *id;
	bool json;
	bool help;
	struct tlog *log;
};

static int set_option(void *all, int option, const char *arg)
{
	struct run *run = all;

	switch (option) {
	case OPT_DIR:
		run->dir = arg;
		return 0;
	case OPT_ISSUER:
		run->issuer = arg;
		return 0;
	case OPT_KEY:
		run->key = arg;
		return 0;
	case OPT_ROOT:
		run->root = arg;
		return 0;
	case OPT_ANOTHER:
		run->another = true;
		return 0;
	case OPT_ID:
		run->id = arg;
		return 0;
	case OPT_JSON:
		run->json = true;
		return 0;
	case OPT_HELP:
		run->help = true;
		return 0;
	default:
		return -1;
	}
}

/*
 * naming one
 */

static int keep_der(struct log_issuer *issuer, enum tlog_proof_kind kind, int len,
		    struct rcpt_error *err)
{
	if (len <= 0)
		return rcpt_no_memory(err);
	issuer->vouch.proof = (struct tlog_issuer_proof){ kind, rcpt_span(issuer->der, len) };
	return 0;
}

static int take_key(struct log_issuer *issuer, struct rcpt_span data, struct rcpt_error *err)
{
	struct rcpt_key_source any = { 0 };
	struct rcpt_keys keys = { 0 };
	int rc = rcpt_keys_add(&keys, data, &any, err);

	if (!rc && keys.count != 1)
		rc = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			       "holds %zu keys, not one", keys.count);
	if (!rc)
		rc = keep_der(issuer, TLOG_KEY, i2d_PUBKEY(keys.keys[0].pkey, &issuer->der), err);
	rcpt_keys_free(&keys);
	return rc;
}

static int take_root(struct log_issuer *issuer, struct rcpt_span data, struct rcpt_error *err)
{
	STACK_OF(X509) *roots = NULL;
	int rc = rcpt_roots_add(&roots, data, err);

	if (!rc && sk_X509_num(roots) != 1)
		rc = rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			       "holds %d certificates, not one", sk_X509_num(roots));
	if (!rc)
		rc = keep_der(issuer, TLOG_ROOT, i2d_X509(sk_X509_value(roots, 0), &issuer->der),
			      err);
	sk_X509_pop_free(roots, X509_free);
	return rc;
}

/**
 * log_issuer_read() - read what the options say of an issuer
 * @name: --issuer; must outlive @issuer
 * @key: --issuer-key, or NULL
 * @root: --issuer-root, or NULL
 * @issuer: result, for log_issuer_free(). Without @key and @root its vouch proves
 *	something only when the name is a did:x509.
 *
 * Return: 0, or the exit status, when the reason was printed.
 */
int log_issuer_read(const char *name, const char *key, const char *root,
		    struct log_issuer *issuer)
{
	const char *file = key ? key : root;
	struct rcpt_error err;
	uint8_t *data;
	size_t len;
	int rc;

	*issuer = (struct log_issuer){ .vouch.name = rcpt_span(name, strlen(name)) };
	if (!file) {
		issuer->vouch.proves = rcpt_is_did_x509(issuer->vouch.name);
		issuer->vouch.proof.kind = TLOG_DID;
		return 0;
	}
	issuer->vouch.proves = true;
	if (rcpt_file_read(file, RCPT_MAX_KEY_FILE, &data, &len, &err))
		return print_error(file, &err);
	rc = key ? take_key(issuer, rcpt_span(data, len), &err) :
		   take_root(issuer, rcpt_span(data, len), &err);
	free(data);
	return rc ? print_error(file, &err) : 0;
}

/**
 * log_issuer_free() - free what was read
 * @issuer: of log_issuer_read(), or all zero
 */
void log_issuer_free(struct log_issuer *issuer)
{
	OPENSSL_free(issuer->der);
	*issuer = (struct log_issuer){ 0 };
}

/*
 * list
 */

/* @id: 65 bytes; "-" for a DID, which has nothing beside its name. */
static int make_id(const struct tlog_known *known, char *id)
{
	uint8_t digest[32];
	size_t i;

	strcpy(id, "-");
	if (known->proof.kind == TLOG_DID)
		return 0;
	if (rcpt_sha256(known->proof.der.data, known->proof.der.len, digest))
		return RCPT_SYSTEM;
	for (i = 0; i < sizeof(digest); i++)
		sprintf(id + 2 * i, "%02x", digest[i]);
	return 0;
}

static const char *kind_name(const struct tlog_known *known)
{
	size_t kind = known->proof.kind;

	return kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : "?";
}

/* @arg: array to fill in, or NULL to print lines. */
static int list_one(const struct tlog_known *known, void *arg)
{
	char id[65], when[40] = "-";
	int rc = make_id(known, id);

	if (rc)
		return rc;
	if (arg)
		return json_array_append_new(arg, json_pack("{s:o, s:s, s:s, s:I}",
			"issuer", json_text(known->name.data, known->name.len),
			"kind", kind_name(known), "id", id,
			"added", (json_int_t)known->added)) ? RCPT_SYSTEM : 0;
	if (known->added)
		format_time(known->added, when);
	print_text(stdout, known->name.data, known->name.len);
	printf("\t%s\t%s\t%s\n", kind_name(known), id, when);
	return 0;
}

static int run_list(struct run *run)
{
	json_t *array = run->json ? json_array() : NULL;
	struct rcpt_error err;
	int rc = tlog_each_issuer(run->log, list_one, array, &err);

	if (rc < 0)
		rc = print_error(run->dir, &err);
	else if (!rc && array)
		rc = json_print(json_pack("{s:O}", "issuers", array));
	json_decref(array);
	return rc;
}

/*
 * add and forget
 */

static int run_add(struct run *run)
{
	struct log_issuer issuer;
	struct rcpt_error err;
	int rc = log_issuer_read(run->issuer, run->key, run->root, &issuer);

	if (!rc && !issuer.vouch.proves)
		rc = usage_error("log issuer", "--issuer-key or --issuer-root is missing");
	if (!rc) {
		issuer.vouch.another = run->another;
		rc = tlog_issuer_add(run->log, &issuer.vouch, &err) ?
		     print_error(run->dir, &err) : 0;
	}
	log_issuer_free(&issuer);
	return rc;
}

/* What is to be forgotten; @n: how many fit. */
struct choice {
	const struct run *run;
	uint8_t *der;
	size_t len;
	size_t n;
};

static int choose(const struct tlog_known *known, void *arg)
{
	struct choice *choice = arg;
	char id[65];

	if (!rcpt_span_equal(known->name, choice->run->issuer, strlen(choice->run->issuer)))
		return 0;
	if (make_id(known, id))
		return RCPT_SYSTEM;
	if (choice->run->id && strcmp(choice->run->id, id))
		return 0;
	if (choice->n++)
		return 0;
	choice->len = known->proof.der.len;
	choice->der = malloc(choice->len + 1);
	if (!choice->der)
		return RCPT_SYSTEM;
	if (choice->len)
		memcpy(choice->der, known->proof.der.data, choice->len);
	return 0;
}

static int run_forget(struct run *run)
{
	struct choice choice = { .run = run };
	struct rcpt_error err;
	int rc = tlog_each_issuer(run->log, choose, &choice, &err);

	if (rc > 0)
		return rc;
	if (!rc && choice.n != 1)
		rc = rcpt_fail(&err, RCPT_INVALID, RECEIPT_REASON_UNKNOWN_KEY, RCPT_NO_OFFSET,
			       choice.n ? "the log knows the issuer by several: --id names one" :
			       "the log does not know this issuer by that");
	if (!rc)
		rc = tlog_issuer_forget(run->log, rcpt_span(run->issuer, strlen(run->issuer)),
					rcpt_span(choice.der, choice.len), &err);
	free(choice.der);
	return rc ? print_error(run->dir, &err) : 0;
}

/**
 * struct action - a word behind "log issuer"
 * @name: it
 * @run: its function
 * @writes: it changes the log, and is about one issuer
 * @names: the options that name a key go with it
 */
struct action {
	const char *name;
	int (*run)(struct run *run);
	bool writes;
	bool names;
};

static const struct action actions[] = {
	{ "list", run_list, false, false },
	{ "add", run_add, true, true },
	{ "forget", run_forget, true, false },
};

static const struct action *find_action(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		if (name && !strcmp(actions[i].name, name))
			return &actions[i];
	return NULL;
}

static int check_usage(const struct run *run, const struct action *action, int argc)
{
	if (!action || argc - optind != 1)
		return usage_error("log issuer", "list, add or forget");
	if (!run->dir)
		return usage_error("log issuer", "--dir is missing");
	if (action->writes != !!run->issuer)
		return usage_error("log issuer", "--issuer is %s", run->issuer ?
				   "not for list" : "missing");
	if (!action->names && (run->key || run->root || run->another))
		return usage_error("log issuer", "keys and roots are for add");
	if (run->key && run->root)
		return usage_error("log issuer", "--issuer-key or --issuer-root, not both");
	if (run->id && (action->names || !action->writes))
		return usage_error("log issuer", "--id is for forget");
	if (run->json && action->writes)
		return usage_error("log issuer", "--json is for list");
	return 0;
}

/**
 * log_issuer() - receiptctl log issuer
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int log_issuer(int argc, char **argv)
{
	const struct action *action;
	struct run run = { 0 };
	struct rcpt_error err;
	int rc = options_parse("log issuer", argc, argv, options, set_option, &run);

	if (rc)
		return rc;
	if (run.help) {
		fputs(help, stdout);
		return 0;
	}
	action = find_action(argv[optind]);
	rc = check_usage(&run, action, argc);
	if (rc)
		return rc;
	if (action->writes ? tlog_open(run.dir, &run.log, &err) || tlog_load_key(run.log, &err) :
			     tlog_open_read(run.dir, &run.log, &err))
		rc = print_error(run.dir, &err);
	else
		rc = action->run(&run);
	tlog_close(run.log);
	return rc;
}
