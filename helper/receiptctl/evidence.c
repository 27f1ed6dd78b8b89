// SPDX-License-Identifier: MIT
/*
 * Sending a bundle's evidence to the kernel.
 */
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
 * @count: result
 * @answerer: has no stores and no keys: signatures are checked as far as the
 *	statement's own certificate goes
 */
struct sending {
	struct rcpt_nl *nl;
	const struct rcpt_bundle *bundle;
	const struct rcpt_digests *only;
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
	if (!ret)
		ret = rcpt_nl_evidence(s->nl, &p->evidence, err);
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
