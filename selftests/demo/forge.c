// SPDX-License-Identifier: MIT
/*
 * forge BUNDLE FILE: a hostile root process. It has a genuine bundle, and wants
 * the kernel to take it for evidence about FILE. Prints what the kernel says to
 * each attempt; exit status 0 when it refused them all.
 */
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "manifest.h"

/**
 * struct forgery - what every attempt starts from
 * @bundle: genuine
 * @target: digest of FILE
 * @nl: connection
 * @taken: attempts that the kernel fell for
 */
struct forgery {
	struct rcpt_bundle bundle;
	struct rcpt_digest target;
	struct rcpt_nl *nl;
	int taken;
};

typedef void (*tamper_fn)(struct forgery *f, struct rcpt_proposal *p);

/* Nothing is changed but what it is said to be about. */
static void other_file(struct forgery *f, struct rcpt_proposal *p)
{
	(void)f;
	(void)p;
}

/* The payload becomes a manifest of FILE alone; the log's receipt stays. */
static void other_payload(struct forgery *f, struct rcpt_proposal *p)
{
	static uint8_t root[RECEIPT_HASH_SIZE];

	rcpt_manifest_leaf(f->target.kind, p->evidence.usage, f->target.bytes, root);
	p->stmt.sign1.payload = rcpt_span(root, sizeof(root));
	p->evidence.index = 0;
	p->evidence.size = 1;
	p->evidence.npath = 0;
}

static void attempt(struct forgery *f, const char *what, tamper_fn tamper)
{
	static struct rcpt_answerer nothing;
	struct rcpt_error err = { 0 };
	struct rcpt_store_hit hit;
	struct rcpt_proposal *p;

	if (rcpt_bundle_hit(&f->bundle, 0, &hit, &err) ||
	    rcpt_proposal_make(&nothing, &hit, f->target.kind,
			       rcpt_span(f->target.bytes, RECEIPT_HASH_SIZE), &p, &err)) {
		printf("%s: not made: %s\n", what, err.text);
		f->taken++;
		return;
	}
	tamper(f, p);
	if (rcpt_nl_evidence(f->nl, &p->evidence, &err)) {
		printf("%s: the kernel says: %s\n", what, err.text);
		f->taken += err.status != RCPT_INVALID;
	} else {
		printf("%s: ACCEPTED\n", what);
		f->taken++;
	}
	rcpt_proposal_free(p);
}

/* The helper's place is taken; its word would be worth no more than this one. */
static void pose_as_helper(struct forgery *f)
{
	struct rcpt_nl_status status;
	struct rcpt_error err = { 0 };

	if (rcpt_nl_hello(f->nl, &status, &err)) {
		printf("posing as the helper: the kernel says: %s\n", err.text);
		return;
	}
	printf("posing as the helper: ACCEPTED\n");
	f->taken++;
}

static int open_all(struct forgery *f, char **argv, struct rcpt_error *err)
{
	struct rcpt_digests digests;
	uint8_t *data;
	size_t len;
	int ret = rcpt_file_read(argv[1], RCPT_MAX_INPUT, &data, &len, err);

	if (!ret)
		ret = rcpt_bundle_parse(rcpt_span(data, len), &f->bundle, err);
	if (!ret)
		ret = rcpt_digest_file(argv[2], &digests, err);
	if (ret)
		return ret;
	f->target = digests.digests[0];
	return rcpt_nl_open(&f->nl, err);
}

int main(int argc, char **argv)
{
	struct forgery f = { 0 };
	struct rcpt_error err = { 0 };

	if (argc != 3 || open_all(&f, argv, &err)) {
		fprintf(stderr, "forge: %s\n", argc == 3 ? err.text : "BUNDLE FILE");
		return 2;
	}
	attempt(&f, "evidence of another file", other_file);
	attempt(&f, "evidence with a payload of its own", other_payload);
	pose_as_helper(&f);
	return f.taken != 0;
}
