// SPDX-License-Identifier: MIT
/*
 * Sending a bundle's evidence to the kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "manifest.h"
#include "receiptctl.h"

/**
 * struct sending - a bundle being sent
 * @nl: connection
 * @bundle: what is sent
 * @only: send what is about one of these, or NULL
 * @keep: for the start of the helper
 * @count: result
 * @answerer: has no stores and no keys: signatures are checked as far as the
 *	statement's own certificate goes
 */
struct sending {
	struct rcpt_nl *nl;
	const struct rcpt_bundle *bundle;
	const struct rcpt_digests *only;
	bool keep;
	struct evidence_count *count;
	struct rcpt_answerer answerer;
};

static bool wanted(const struct sending *s, uint8_t kind, const uint8_t *digest)
{
	if (!s->only)
		return true;
	for (size_t i = 0; i < s->only->n; i++)
		if (s->only->digests[i].kind == kind &&
		    !memcmp(s->only->digests[i].bytes, digest, rcpt_digest_len(kind)))
			return true;
	return false;
}

static void count_refused(struct sending *s, const struct rcpt_error *err)
{
	if (!s->count->refused++)
		s->count->first = *err;
}

/* Return: 0; a negative status when it is no use to go on. */
static int send_leaf(struct sending *s, size_t leaf, uint8_t kind,
		     const uint8_t *digest, struct rcpt_error *err)
{
	struct rcpt_store_hit hit;
	struct rcpt_proposal *p = NULL;
	int ret;

	if (!wanted(s, kind, digest))
		return 0;
	if (rcpt_bundle_hit(s->bundle, leaf, &hit, err))
		return -RCPT_SYSTEM;
	ret = rcpt_proposal_make(&s->answerer, &hit, kind,
				 rcpt_span(digest, rcpt_digest_len(kind)), &p, err);
	if (!ret) {
		p->evidence.keep = s->keep;
		ret = rcpt_nl_evidence(s->nl, &p->evidence, err);
	}
	rcpt_proposal_free(p);
	if (!ret)
		s->count->accepted++;
	else if (err->status == RCPT_SYSTEM)
		return -RCPT_SYSTEM;
	else
		count_refused(s, err);
	return 0;
}

static int send_envelope(struct sending *s, struct rcpt_error *err)
{
	struct rcpt_span payload = s->bundle->statement.sign1.payload;
	uint8_t kind = rcpt_digest_kind(s->bundle->statement.header.hash_alg);

	if (!kind || payload.len != rcpt_digest_len(kind))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_HASH_ALGORITHM,
				 RCPT_NO_OFFSET, "neither a manifest nor a known digest");
	return send_leaf(s, 0, kind, payload.data, err);
}

static int send_bundle(struct sending *s, struct rcpt_error *err)
{
	int ret = 0;

	if (!s->bundle->nleaves)
		return send_envelope(s, err);
	for (size_t i = 0; i < s->bundle->nleaves && !ret; i++)
		ret = send_leaf(s, i, s->bundle->leaves[i].kind,
				s->bundle->leaves[i].digest, err);
	return ret;
}

/**
 * evidence_send() - send what a bundle says
 * @nl: connection
 * @file: the bundle, or a statement
 * @only: send what is about one of these digests, or NULL for all
 * @count: incremented
 * @about: result on failure: the file that @err is about
 * @err: filled in on failure
 *
 * Return: 0 when everything was sent, whatever the kernel thought of it; the
 * negative exit status otherwise.
 */
int evidence_send(struct rcpt_nl *nl, const struct bundle_file *file,
		  const struct rcpt_digests *only, struct evidence_count *count,
		  const char **about, struct rcpt_error *err)
{
	struct sending *s = calloc(1, sizeof(*s));
	struct rcpt_bundle bundle = { 0 };
	uint8_t *data = NULL;
	size_t len;
	int ret;

	*about = file->path;
	if (!s)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	*s = (struct sending){ .nl = nl, .bundle = &bundle, .only = only, .count = count };
	ret = bundle_file_read(file, &data, &len, about, err);
	if (!ret)
		ret = rcpt_bundle_parse(rcpt_span(data, len), &bundle, err);
	if (!ret) {
		ret = send_bundle(s, err);
		rcpt_bundle_free(&bundle);
	}
	free(data);
	free(s);
	return ret;
}

/*
 * The helper's own files
 */

#define MAX_NAMES	64
#define MAX_KEPT	64	/* of one bundle: an image has each of them once or twice */

/**
 * struct names - names of files that the helper and this command start with
 * @n: used entries of @at
 * @at: without what follows ".so", which changes from version to version
 */
struct names {
	size_t n;
	char at[MAX_NAMES][64];
};

/* Of a path; false when it is too long to be one of these. */
static bool name_of(const char *path, size_t len, char name[64])
{
	const char *slash = memrchr(path, '/', len), *so;

	len -= slash ? slash + 1 - path : 0;
	path = slash ? slash + 1 : path;
	so = memmem(path, len, ".so", 3);
	len = so ? (size_t)(so - path) + 3 : len;
	return len && snprintf(name, 64, "%.*s", (int)len, path) < 64;
}

static bool is_named(const struct names *names, const char *path, size_t len)
{
	char name[64];

	if (!name_of(path, len, name))
		return false;
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->at[i], name))
			return true;
	return false;
}

static void add_name(struct names *names, const char *path)
{
	if (names->n < MAX_NAMES && !is_named(names, path, strlen(path)))
		names->n += name_of(path, strlen(path), names->at[names->n]);
}

/* What a process has mapped; "self" or its number. */
static void add_mapped(struct names *names, const char *pid)
{
	char path[32], line[4096 + 128];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		char *file = strchr(line, '/');

		if (!file)
			continue;
		file[strcspn(file, "\n")] = '\0';
		add_name(names, file);
	}
	if (maps)
		fclose(maps);
}

static void find_names(struct names *names, unsigned int helper)
{
	char pid[16];

	add_name(names, "receiptd");
	add_name(names, "receiptctl");
	/* Of the helper alone, which may not run now. */
	add_name(names, "libseccomp.so");
	add_mapped(names, "self");
	snprintf(pid, sizeof(pid), "%u", helper);
	if (helper)
		add_mapped(names, pid);
}

static int keep_named(struct sending *s, const struct names *names, struct rcpt_error *err)
{
	size_t kept = 0;
	int ret = 0;

	for (size_t i = 0; i < s->bundle->nleaves && kept < MAX_KEPT && !ret; i++) {
		const struct rcpt_leaf *leaf = &s->bundle->leaves[i];

		if (!is_named(names, leaf->name, leaf->name_len))
			continue;
		ret = send_leaf(s, i, leaf->kind, leaf->digest, err);
		kept++;
	}
	return ret;
}

/**
 * evidence_keep() - have the kernel keep what a bundle says of the helper's own files
 * @file: the bundle
 * @count: incremented
 * @err: filled in on failure
 *
 * By name, as files of the same names may be replaced by these at any time. Where there
 * is no module, no right to it or no policy nothing is done.
 *
 * Return: 0, or a negative exit status.
 */
int evidence_keep(struct rcpt_span file, struct evidence_count *count, struct rcpt_error *err)
{
	struct sending *s = calloc(1, sizeof(*s));
	struct rcpt_nl_status status = { 0 };
	struct rcpt_bundle bundle = { 0 };
	struct names names = { 0 };
	struct rcpt_nl *nl = NULL;
	int ret;

	if (!s)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	if (rcpt_nl_open(&nl, err) || rcpt_nl_status(nl, &status, err) ||
	    status.mode == RECEIPT_MODE_NONE) {
		ret = 0;
		goto out;
	}
	find_names(&names, status.helper_pid);
	*s = (struct sending){ .nl = nl, .bundle = &bundle, .keep = true, .count = count };
	ret = rcpt_bundle_parse(file, &bundle, err);
	if (!ret) {
		ret = keep_named(s, &names, err);
		rcpt_bundle_free(&bundle);
	}
out:
	rcpt_nl_close(nl);
	free(s);
	return ret;
}
