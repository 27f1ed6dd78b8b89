// SPDX-License-Identifier: MIT
/*
 * A policy out of a file: read, parsed, its keys checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "policyfile.h"
#include "receiptctl.h"

static void print_place(const char *path, const struct receipt_policy_error *err)
{
	print_text(stderr, path, strlen(path));
	if (err->line)
		fprintf(stderr, ":%u", err->line);
	if (err->line && err->column)
		fprintf(stderr, ":%u", err->column);
	fputs(": ", stderr);
	print_text(stderr, err->text, strlen(err->text));
	fputc('\n', stderr);
}

/**
 * policy_file_parse() - parse a text, say on standard error why that fails
 * @f: with path, text and len; the rest is filled in
 *
 * Return: 0 or the exit status.
 */
int policy_file_parse(struct policy_file *f)
{
	struct receipt_policy_error perr = { 0 };
	struct rcpt_error err = { 0 };
	struct receipt_policy *policy = receipt_policy_parse(f->text, f->len, &perr);

	if (IS_ERR(policy)) {
		if (PTR_ERR(policy) != -EINVAL) {
			fputs("receiptctl: no memory for a policy\n", stderr);
			return RCPT_SYSTEM;
		}
		print_place(f->path, &perr);
		return RCPT_MALFORMED;
	}
	f->policy = policy;
	if (!rcpt_keys_add_policy(&f->keys, policy, &err))
		return 0;
	return print_error(f->path, &err);
}

/**
 * policy_file_read() - read and parse, say on standard error why that fails
 * @path: of the file
 * @f: result, for policy_file_free()
 *
 * Return: 0 or the exit status.
 */
int policy_file_read(const char *path, struct policy_file *f)
{
	struct rcpt_error err = { 0 };
	uint8_t *data;
	int status;

	memset(f, 0, sizeof(*f));
	f->path = path;
	if (rcpt_file_read(path, RECEIPT_MAX_POLICY, &data, &f->len, &err))
		return print_error(path, &err);
	f->text = (char *)data;
	status = policy_file_parse(f);
	if (status)
		policy_file_free(f);
	return status;
}

/**
 * policy_file_active() - take the policy that is active
 * @f: result, for policy_file_free(); without policy when none is active
 * @nl: connection
 *
 * Return: 0, also when none is active, or the exit status.
 */
int policy_file_active(struct policy_file *f, struct rcpt_nl *nl)
{
	struct rcpt_error err = { 0 };
	struct rcpt_nl_policy p;
	int ret = rcpt_nl_policy_get(nl, &p, &err);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return kernel_error(NULL, &err);
	f->path = "active policy";
	f->text = p.text;
	f->len = p.len;
	return policy_file_parse(f);
}

/**
 * policy_file_free() - free what policy_file_read() made
 * @f: left empty
 */
void policy_file_free(struct policy_file *f)
{
	if (f->policy)
		receipt_policy_free(f->policy);
	rcpt_keys_free(&f->keys);
	free(f->text);
	memset(f, 0, sizeof(*f));
}
