// SPDX-License-Identifier: MIT
/*
 * receiptctl seal: what is sealed, as options and paths say it.
 */
#include <string.h>

#include "options.h"
#include "receiptctl.h"
#include "seal.h"

static const char help[] =
	"usage: receiptctl seal --issuer-key KEY.pem --issuer ISS --subject SUB --log DIR\n"
	"                       --out BUNDLE [OPTION]... [PATH]...\n"
	"\n"
	"Seals files: signs one statement about all of them, registers it in a log and\n"
	"writes a bundle. Of folders it takes what can be executed or loaded: ELF files\n"
	"and scripts (#!) for EXECUTE, kernel modules (.ko, .ko.gz, .ko.xz, .ko.zst) for\n"
	"KMODULE. Symbolic links in folders are not followed, file systems mounted below\n"
	"are not entered.\n"
	"\n"
	"  --issuer-key FILE   private key: PEM, EC P-256, P-384 or P-521, Ed25519\n"
	"                      or RSA\n"
	"  --x5chain FILE      certificates of that key for the statement: PEM, leaf first\n"
	"  --issuer ISS        who says it\n"
	"  --subject SUB       what it is about, as policies name it\n"
	"  --svn N             security version\n"
	"  --log DIR           local log to register in\n"
	"  --another           also when the log knows the issuer by another key\n"
	"  --out BUNDLE        file to write\n"
	"  --usage LIST        grant these to every file, whatever it is: execute, kmodule,\n"
	"                      firmware, kexec-image, kexec-initramfs, x509-cert, policy,\n"
	"                      anon-exec. A program that needs an executable stack is\n"
	"                      refused without anon-exec\n"
	"  --fsverity          vouch for the fs-verity digest of every file, too: SHA-256, blocks\n"
	"                      of 4096 bytes, no salt, as \"fsverity enable\" has it\n"
	"  --dmverity ROOT     vouch for a dm-verity device with this root hash: SHA-256, 64\n"
	"                      hexadecimal digits, as veritysetup prints it. No device is\n"
	"                      looked at, and no PATH is needed. --usage says what for;\n"
	"                      execute, when it is left out\n"
	"  --hash-envelope     about one file alone: its digest is the payload\n"
	"  --hash-alg ALG      sha256 (default), sha384 or sha512; for --hash-envelope\n"
	"  --json              one JSON object on standard output\n"
	"  --quiet             no output but errors and warnings\n"
	"  --help              this text\n";

enum { OPT_USAGE = SEAL_OWN, OPT_FSVERITY, OPT_DMVERITY, OPT_ENVELOPE, OPT_ALG };

static const struct option options[] = {
	{ "issuer-key", required_argument, NULL, SEAL_KEY },
	{ "x5chain", required_argument, NULL, SEAL_CHAIN },
	{ "issuer", required_argument, NULL, SEAL_ISSUER },
	{ "subject", required_argument, NULL, SEAL_SUBJECT },
	{ "svn", required_argument, NULL, SEAL_SVN },
	{ "log", required_argument, NULL, SEAL_LOG },
	{ "out", required_argument, NULL, SEAL_OUT },
	{ "usage", required_argument, NULL, OPT_USAGE },
	{ "fsverity", no_argument, NULL, OPT_FSVERITY },
	{ "dmverity", required_argument, NULL, OPT_DMVERITY },
	{ "hash-envelope", no_argument, NULL, OPT_ENVELOPE },
	{ "hash-alg", required_argument, NULL, OPT_ALG },
	{ "another", no_argument, NULL, SEAL_ANOTHER },
	{ "json", no_argument, NULL, SEAL_JSON },
	{ "quiet", no_argument, NULL, SEAL_QUIET },
	{ "help", no_argument, NULL, SEAL_HELP },
	{ 0 },
};

/* Words of --usage, in the order of operations. */
static const char *const usage_names[RECEIPT_OP_COUNT] = {
	[RECEIPT_OP_EXECUTE] = "execute",
	[RECEIPT_OP_KMODULE] = "kmodule",
	[RECEIPT_OP_FIRMWARE] = "firmware",
	[RECEIPT_OP_KEXEC_IMAGE] = "kexec-image",
	[RECEIPT_OP_KEXEC_INITRAMFS] = "kexec-initramfs",
	[RECEIPT_OP_X509_CERT] = "x509-cert",
	[RECEIPT_OP_POLICY] = "policy",
	[RECEIPT_OP_ANON_EXEC] = "anon-exec",
};

/* Hash envelopes: words of --hash-alg. */
static const struct hash_alg hash_algs[] = {
	{ "sha256", "SHA256", RCPT_SHA256, RECEIPT_KIND_SHA256 },
	{ "sha384", "SHA384", RCPT_SHA384, RECEIPT_KIND_SHA384 },
	{ "sha512", "SHA512", RCPT_SHA512, RECEIPT_KIND_SHA512 },
	{ 0 }
};

/* A device has files of either kind; a file that is both could be run by those it rules. */
#define RUN_AND_RULE	(1 << RECEIPT_OP_EXECUTE | 1 << RECEIPT_OP_POLICY)

/*
 * Command line
 */

static int add_usage(struct seal *seal, const char *word, size_t len)
{
	unsigned int op;

	for (op = 0; op < RECEIPT_OP_COUNT; op++)
		if (strlen(usage_names[op]) == len &&
		    !memcmp(usage_names[op], word, len)) {
			seal->usage |= 1u << op;
			return 0;
		}
	return usage_error("seal", "--usage: unknown word '%.*s'", (int)len, word);
}

static int set_usage(struct seal *seal, const char *list)
{
	int rc;

	for (;;) {
		size_t len = strcspn(list, ",");

		rc = add_usage(seal, list, len);
		if (rc || !list[len])
			return rc;
		list += len + 1;
	}
}

static int set_alg(struct seal *seal, const char *arg)
{
	const struct hash_alg *alg;

	for (alg = hash_algs; alg->name; alg++)
		if (!strcmp(alg->name, arg)) {
			seal->alg = alg;
			return 0;
		}
	return usage_error("seal", "--hash-alg: sha256, sha384 or sha512, not '%s'", arg);
}

static int set_root(struct seal *seal, const char *arg)
{
	size_t len;

	if (seal->has_root)
		return usage_error("seal", "--dmverity: once");
	if (strlen(arg) != 2 * sizeof(seal->root) ||
	    OPENSSL_hexstr2buf_ex(seal->root, sizeof(seal->root), &len, arg, '\0') != 1)
		return usage_error("seal", "--dmverity: 64 hexadecimal digits, not '%s'", arg);
	seal->has_root = true;
	return 0;
}

static int set_option(void *all, int option, const char *arg)
{
	struct seal *seal = all;

	switch (option) {
	case OPT_USAGE:
		return set_usage(seal, arg);
	case OPT_FSVERITY:
		seal->files.fsverity = true;
		return 0;
	case OPT_DMVERITY:
		return set_root(seal, arg);
	case OPT_ENVELOPE:
		seal->envelope = true;
		return 0;
	case OPT_ALG:
		return set_alg(seal, arg);
	default:
		return seal_set_option(seal, option, arg);
	}
}

static int check_usage(const struct seal *seal, int npaths)
{
	int rc = seal_check(seal);

	if (rc)
		return rc;
	if (!seal->claims.sub)
		return usage_error("seal", "--subject is missing");
	if (!npaths && !seal->has_root)
		return usage_error("seal", "nothing is named to be sealed");
	if (npaths && !(~seal->usage & RUN_AND_RULE))
		return usage_error("seal", "--usage: no file is for execute and for policy at once");
	if (seal->alg && !seal->envelope)
		return usage_error("seal", "--hash-alg is for --hash-envelope");
	if (seal->envelope && seal->usage)
		return usage_error("seal", "--usage has no place in a hash envelope");
	if (seal->envelope && (seal->files.fsverity || seal->has_root))
		return usage_error("seal", "--fsverity and --dmverity have no place in a hash envelope");
	if (seal->envelope && npaths != 1)
		return usage_error("seal", "a hash envelope is about one file");
	return 0;
}

static int parse_args(struct seal *seal, int argc, char **argv)
{
	int rc = options_parse("seal", argc, argv, options, set_option, seal);

	if (rc)
		return rc;
	if (seal->help) {
		fputs(help, stdout);
		return 0;
	}
	if (seal->envelope && !seal->alg)
		set_alg(seal, "sha256");
	return check_usage(seal, argc - optind);
}

/**
 * cmd_seal() - receiptctl seal
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 *
 * Return: exit status.
 */
int cmd_seal(int argc, char **argv)
{
	struct seal seal = { .command = "seal" };
	int rc = parse_args(&seal, argc, argv);

	if (!rc && !seal.help)
		rc = seal_run(&seal, argv + optind);
	seal_free(&seal);
	return rc;
}
