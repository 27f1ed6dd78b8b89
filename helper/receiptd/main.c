// SPDX-License-Identifier: MIT
/*
 * receiptd: answers the kernel's look-ups with evidence out of stores.
 *
 * It proposes, the kernel disposes: whatever it sends is proven there. It has
 * no network code, starts no program, has no threads, and gives up nearly all
 * system calls before it reads what others wrote. What may wait, another process
 * does (keeper.c).
 */
#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "receiptd.h"

#define USAGE_STATUS	64
#define MAX_PRELOADS	64
#define HELLO_TRIES	16

/**
 * struct options - what the command line says
 * @verbose: log every look-up
 * @state: folder of what is kept
 * @preloads: files
 * @npreloads: how many
 * @sources: stores, and keys of issuers
 */
struct options {
	bool verbose;
	const char *state;
	const char *preloads[MAX_PRELOADS];
	size_t npreloads;
	struct sources sources;
};

static const char help[] =
"usage: receiptd [--store DIR]... [--preload FILE]... [--issuer-keys FILE]...\n"
"                [--state DIR] [--verbose] [--foreground]\n"
"\n"
"Answers the kernel's look-ups with evidence out of stores. Stays in the\n"
"foreground; tells a service manager that waits for it when it serves.\n"
"\n"
"  --store DIR         a store; default: " RCPT_STORE_LOCAL " and\n"
"                      " RCPT_STORE_PACKAGES "\n"
"  --preload FILE      have the kernel keep the evidence about FILE and what it\n"
"                      needs, as about the helper itself\n"
"  --issuer-keys FILE  keys of issuers, for statements without a certificate:\n"
"                      JWKS, COSE_KeySet, PEM public key, certificate\n"
"  --state DIR         where the floors of policies are kept; default:\n"
"                      " RECEIPTD_STATE "\n"
"  --verbose           log every look-up\n"
"  --foreground        accepted, says nothing new\n"
"  --version, --help\n";

static bool append(const char **list, size_t *n, size_t max, const char *value)
{
	if (*n == max) {
		fprintf(stderr, "receiptd: too many options like \"%s\"\n", value);
		return false;
	}
	list[(*n)++] = value;
	return true;
}

static bool take_option(struct options *o, int c)
{
	switch (c) {
	case 's':
		return append(o->sources.stores, &o->sources.nstores, RCPT_MAX_STORES, optarg);
	case 'p':
		return append(o->preloads, &o->npreloads, MAX_PRELOADS, optarg);
	case 'k':
		return append(o->sources.issuer_keys, &o->sources.nissuer_keys, SOURCES_KEYS,
			      optarg);
	case 'd':
		o->state = optarg;
		return true;
	case 'v':
		o->verbose = true;
		return true;
	case 'f':
		return true;
	case 'h':
		fputs(help, stdout);
		exit(0);
	case 'V':
		puts("receiptd " RCPT_VERSION);
		exit(0);
	default:
		return false;
	}
}

static bool parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "store", required_argument, NULL, 's' },
		{ "preload", required_argument, NULL, 'p' },
		{ "issuer-keys", required_argument, NULL, 'k' },
		{ "state", required_argument, NULL, 'd' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!take_option(o, c))
			return false;
	if (optind < argc) {
		fprintf(stderr, "receiptd: unexpected argument \"%s\"\n", argv[optind]);
		return false;
	}
	if (!o->sources.nstores) {
		o->sources.stores[o->sources.nstores++] = RCPT_STORE_LOCAL;
		o->sources.stores[o->sources.nstores++] = RCPT_STORE_PACKAGES;
	}
	return true;
}

/*
 * All of the crypto library that will be used is loaded now, and no
 * configuration: that could name modules.
 */
static int prepare_crypto(struct rcpt_error *err)
{
	static const char *const keys[] = { "EC", "RSA", "RSA-PSS", "ED25519" };
	static const char *const hashes[] = { "SHA256", "SHA384", "SHA512" };
	bool ok = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
				      OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		EVP_KEYMGMT *k = EVP_KEYMGMT_fetch(NULL, keys[i], NULL);

		ok = ok && k;
		EVP_KEYMGMT_free(k);
	}
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		EVP_MD *md = EVP_MD_fetch(NULL, hashes[i], NULL);

		ok = ok && md;
		EVP_MD_free(md);
	}
	if (ok)
		return 0;
	return rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "crypto library: %s",
			 ERR_reason_error_string(ERR_peek_last_error()));
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Look-ups come at once, and may leave no room for the answer; it is good to ask again. */
static int hello(struct rcpt_nl *nl, struct rcpt_nl_status *status, struct rcpt_error *err)
{
	int ret, tries = HELLO_TRIES;

	do {
		ret = rcpt_nl_hello(nl, status, err);
	} while (ret == -ENOBUFS && --tries);
	return ret;
}

static int greet(struct service *s, struct rcpt_error *err)
{
	struct rcpt_nl_status status;
	int ret = rcpt_nl_open(&s->nl, err);

	if (!ret) {
		keeper_send_floor(&s->keeper, s->nl);
		ret = hello(s->nl, &status, err);
	}
	if (!ret && status.abi != RECEIPT_ABI_VERSION) {
		rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET,
			  "kernel speaks ABI %u, this is %u", status.abi, RECEIPT_ABI_VERSION);
		ret = -EPROTO;
	}
	return ret;
}

static int run(struct service *s, struct rcpt_error *err)
{
	const struct sandbox box = { .sources = s->sources };
	int ret = greet(s, err);

	if (!ret)
		ret = sandbox_enter(&box, err);
	if (!ret)
		ret = serve_refresh(s, err);
	if (ret)
		return ret;
	log_line(LOG_INFO, "serving");
	notify_send("READY=1");
	ret = serve(s, err);
	notify_send("STOPPING=1");
	return ret;
}

/* All that needs more of the system than answering does. */
static int prepare(struct service *s, const struct options *o,
		   struct rcpt_error *err)
{
	if (prepare_crypto(err)) {
		log_line(LOG_ERROR, "%s", err->text);
		return -err->status;
	}
	s->signals = open_signals();
	s->sources = &o->sources;
	keeper_start(&s->keeper, o->state, &o->sources, o->preloads, o->npreloads);
	indexer_start(&s->indexer, &o->sources, &s->keeper);
	return sources_open(&s->answerer, &o->sources, err);
}

int main(int argc, char **argv)
{
	static struct service service;
	struct options options = { .state = RECEIPTD_STATE };
	struct rcpt_error err = { 0 };
	int ret;

	if (!parse_options(&options, argc, argv)) {
		fputs("receiptd: see receiptd --help\n", stderr);
		return USAGE_STATUS;
	}
	log_init(options.verbose);
	notify_open();
	ret = prepare(&service, &options, &err);
	if (!ret) {
		ret = run(&service, &err);
		if (ret)
			log_line(LOG_ERROR, "%s", err.text);
	}
	rcpt_nl_close(service.nl);
	rcpt_answerer_free(&service.answerer);
	return ret ? err.status ? err.status : RCPT_SYSTEM : 0;
}
