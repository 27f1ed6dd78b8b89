// SPDX-License-Identifier: MIT
/*
 * Options that say whom to trust, and the files that they name.
 */
#include "trust.h"

#include <stdlib.h>
#include <string.h>

#include "receiptctl.h"

static int add_file(const struct trust *t, const char *option, struct trust_files *files,
		    const char *name)
{
	return options_add(t->command, option, files->name, ARRAY_SIZE(files->name), &files->n,
			   name);
}

/* Of all --keys before it that have none yet. */
static int set_issuer(struct trust *t, const char *arg)
{
	size_t i = t->key_files.n;

	if (!i || t->key_issuers[i - 1])
		return usage_error(t->command,
				   "--issuer stands behind the --keys that it names");
	while (i && !t->key_issuers[i - 1])
		t->key_issuers[--i] = arg;
	return 0;
}

static int add_eku(struct trust *t, const char *arg)
{
	struct rcpt_issuer_trust *issuers = &t->issuers;

	if (!*arg || arg[strspn(arg, "0123456789.")])
		return usage_error(t->command,
				   "--issuer-eku: an OID in dotted form, not '%s'", arg);
	return options_add(t->command, "--issuer-eku", issuers->ekus, RCPT_MAX_EKUS,
			   &issuers->nekus, arg);
}

/**
 * trust_option() - take an option
 * @t: with its command
 * @option: of getopt_long()
 * @arg: its value
 *
 * Return: 0; EXIT_USAGE; -1 when it is none of these.
 */
int trust_option(struct trust *t, int option, const char *arg)
{
	switch (option) {
	case TRUST_KEYS:
		return add_file(t, "--keys", &t->key_files, arg);
	case TRUST_ISSUER:
		return set_issuer(t, arg);
	case TRUST_ENTRY:
		return options_entry(t->command, arg, &t->entry);
	case TRUST_ISSUER_KEY:
		return add_file(t, "--issuer-key", &t->issuer_key_files, arg);
	case TRUST_ISSUER_ROOT:
		return add_file(t, "--issuer-root", &t->issuer_root_files, arg);
	case TRUST_ISSUER_EKU:
		return add_eku(t, arg);
	default:
		return -1;
	}
}

/**
 * trust_check() - whether options go together, when all are taken
 * @t: them
 *
 * Return: 0 or EXIT_USAGE.
 */
int trust_check(const struct trust *t)
{
	if (t->issuers.nekus && !t->issuer_root_files.n)
		return usage_error(t->command, "--issuer-eku without --issuer-root");
	return 0;
}

static int read_keys(const char *name, const struct rcpt_key_source *source,
		     struct rcpt_keys *keys, struct rcpt_error *err)
{
	uint8_t *data;
	size_t len;
	int ret = rcpt_file_read(name, RCPT_MAX_KEY_FILE, &data, &len, err);

	if (ret)
		return ret;
	ret = rcpt_keys_add(keys, rcpt_span(data, len), source, err);
	free(data);
	return ret;
}

static int read_roots(const char *name, STACK_OF(X509) **roots, struct rcpt_error *err)
{
	uint8_t *data;
	size_t len;
	int ret = rcpt_file_read(name, RCPT_MAX_KEY_FILE, &data, &len, err);

	if (ret)
		return ret;
	ret = rcpt_roots_add(roots, rcpt_span(data, len), err);
	free(data);
	return ret;
}

/**
 * trust_read() - read all files that were named
 * @t: with the options; its keys and issuers are filled in
 * @about: result on failure: the file that @err is about
 * @err: what went wrong
 *
 * Return: 0 or the negative of a status.
 */
int trust_read(struct trust *t, const char **about, struct rcpt_error *err)
{
	static const struct rcpt_key_source any;
	size_t i;
	int ret = 0;

	for (i = 0; i < t->key_files.n && !ret; i++) {
		struct rcpt_key_source source = { t->key_issuers[i], t->entry };

		*about = t->key_files.name[i];
		ret = read_keys(*about, &source, &t->keys, err);
	}
	for (i = 0; i < t->issuer_key_files.n && !ret; i++) {
		*about = t->issuer_key_files.name[i];
		ret = read_keys(*about, &any, &t->issuer_keys, err);
		t->issuers.keys = &t->issuer_keys;
	}
	for (i = 0; i < t->issuer_root_files.n && !ret; i++) {
		*about = t->issuer_root_files.name[i];
		ret = read_roots(*about, &t->issuers.roots, err);
	}
	return ret;
}

/**
 * trust_free() - free what was read
 * @t: left without it
 */
void trust_free(struct trust *t)
{
	rcpt_keys_free(&t->keys);
	rcpt_keys_free(&t->issuer_keys);
	sk_X509_pop_free(t->issuers.roots, X509_free);
	t->issuers = (struct rcpt_issuer_trust){ 0 };
}
