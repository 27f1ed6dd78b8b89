// SPDX-License-Identifier: MIT
/*
 * Lines of a policy, made of what others wrote: no line is printed that a policy
 * would not take, or take for something else.
 */
#include "logline.h"

#include <stdlib.h>
#include <string.h>

#define HEADER	"policy_name=test policy_version=0.0.0 mode=permissive\nDEFAULT action=DENY\n"

/**
 * log_line_is_name() - whether policies can call a log so
 * @name: text
 *
 * Return: whether they can.
 */
bool log_line_is_name(const char *name)
{
	size_t len = strlen(name), i;

	for (i = 0; i < len; i++)
		if (!receipt_is_name_char(name[i]))
			return false;
	return len && len <= RECEIPT_POLICY_NAME_MAX;
}

static void print_name(FILE *out, const struct log_line *line)
{
	size_t i;

	if (line->name) {
		fputs(line->name, out);
		return;
	}
	for (i = 0; i < line->issuer.len && i < RECEIPT_POLICY_NAME_MAX; i++)
		fputc(receipt_is_name_char(line->issuer.data[i]) ?
		      line->issuer.data[i] : '-', out);
}

/*
 * Nothing that would end the quotes or the line, or stand for more than itself; and
 * nothing that a reader of the policy would not see.
 */
static bool is_issuer(struct rcpt_span issuer)
{
	uint32_t c;

	if (!issuer.len || issuer.len > RECEIPT_MAX_CLAIM ||
	    !rcpt_utf8_valid(issuer.data, issuer.len))
		return false;
	for (size_t i = 0; i < issuer.len;) {
		i += rcpt_text_next(issuer.data + i, &c);
		if (c == '"' || c == '*' || rcpt_text_harmful(c))
			return false;
	}
	return true;
}

static const char *alg_of(EVP_PKEY *key)
{
	static const int64_t algs[] = { RCPT_ES256, RCPT_ES384, RCPT_ES512, RCPT_EDDSA };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algs); i++)
		if (rcpt_key_fits(key, algs[i]))
			return rcpt_alg_name(algs[i]);
	return "none";
}

static int print_line(FILE *out, const struct log_line *line)
{
	uint8_t *spki = NULL, *base64;
	int len = i2d_PUBKEY(line->key, &spki);

	base64 = len > 0 ? malloc(4 * (len / 3 + 1) + 1) : NULL;
	if (!base64) {
		OPENSSL_free(spki);
		return -1;
	}
	EVP_EncodeBlock(base64, spki, len);
	fputs("log name=", out);
	print_name(out, line);
	fprintf(out, " alg=%s key=%s issuer=\"%.*s\"%s%s\n", alg_of(line->key), base64,
		(int)line->issuer.len, line->issuer.data,
		line->identity_verified ? " identity=verified" : "",
		line->entry == RECEIPT_ENTRY_STMT ? " entry=stmt" : "");
	OPENSSL_free(spki);
	free(base64);
	return 0;
}

/* What a policy of nothing but this line says of it. */
static int check_line(const char *text, size_t len, struct rcpt_error *err)
{
	struct receipt_policy_error perr = { 0 };
	struct receipt_policy *policy = receipt_policy_parse(text, len, &perr);
	bool good;

	if (IS_ERR(policy))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_POLICY_SYNTAX,
				 RCPT_NO_OFFSET, "no policy takes this key: %s", perr.text);
	good = policy->nlogs == 1 && !policy->nrules;
	receipt_policy_free(policy);
	if (good)
		return 0;
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_POLICY_SYNTAX, RCPT_NO_OFFSET,
			 "more than a log line would come of it");
}

/**
 * log_line_print() - print the line by which a policy trusts a key
 * @out: stream; nothing is printed on failure
 * @line: the key and what is known of it
 * @err: what went wrong
 *
 * Return: 0; -RCPT_MALFORMED for an issuer that no line can name;
 * -RCPT_CANNOT_EVALUATE for a key of a kind that policies do not take;
 * -RCPT_SYSTEM.
 */
int log_line_print(FILE *out, const struct log_line *line, struct rcpt_error *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int ret = -1;

	if (!is_issuer(line->issuer))
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_POLICY_SYNTAX,
				 RCPT_NO_OFFSET, "a policy cannot name this issuer");
	f = open_memstream(&text, &len);
	if (f) {
		fputs(HEADER, f);
		ret = print_line(f, line);
		if (fclose(f))
			ret = -1;
	}
	ret = ret ? rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
			      "no memory") : check_line(text, len, err);
	if (!ret)
		fputs(text + strlen(HEADER), out);
	free(text);
	return ret;
}
