/* SPDX-License-Identifier: MIT */
/*
 * Sample statements and bundles for tests of the producing side.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bundle.h"
#include "sign.h"

#define SAMPLE_NAME_ROOM	40

/* Leaves with digests and names of their own. */
struct sample_leaves {
	struct rcpt_leaf *leaf;
	uint8_t (*digest)[32];
	char (*name)[SAMPLE_NAME_ROOM];
	size_t n;
};

static inline void sample_digest(uint64_t seed, uint8_t out[32])
{
	assert_int_equal(rcpt_sha256(&seed, sizeof(seed), out), 0);
}

/* @n leaves for EXECUTE; leaf i has the digest of seed @first + i. */
static inline struct sample_leaves sample_leaves(size_t n, uint64_t first)
{
	struct sample_leaves s = {
		.leaf = calloc(n + 1, sizeof(*s.leaf)),
		.digest = calloc(n + 1, sizeof(*s.digest)),
		.name = calloc(n + 1, sizeof(*s.name)),
		.n = n,
	};
	size_t i;

	assert_non_null(s.leaf);
	assert_non_null(s.digest);
	assert_non_null(s.name);
	for (i = 0; i < n; i++) {
		sample_digest(first + i, s.digest[i]);
		snprintf(s.name[i], sizeof(s.name[i]), "/usr/bin/tool%zu", i);
		s.leaf[i] = (struct rcpt_leaf){
			.digest = s.digest[i],
			.name = s.name[i],
			.name_len = strlen(s.name[i]),
			.kind = RECEIPT_KIND_SHA256,
			.usage = 1 << RECEIPT_OP_EXECUTE,
		};
	}
	return s;
}

static inline void sample_leaves_free(struct sample_leaves *s)
{
	free(s->leaf);
	free(s->digest);
	free(s->name);
}

/* A signed statement; the manifest's root for leaves, else a hash envelope. */
static inline void sample_statement(const struct rcpt_signer *signer,
				    const struct sample_leaves *leaves,
				    const char *sub, uint8_t **out, size_t *len)
{
	struct rcpt_claim_set claims = {
		.iss = "issuer.example",
		.sub = sub,
		.iat = 1700000000,
		.has_svn = true,
		.svn = 3,
		.hash_alg = leaves->n ? 0 : RCPT_SHA256,
	};
	uint8_t (*nodes)[32] = NULL;
	uint8_t payload[32];

	if (leaves->n)
		assert_int_equal(rcpt_manifest_tree(leaves->leaf, leaves->n, &nodes,
						    payload, NULL), 0);
	else
		sample_digest(0, payload);
	free(nodes);
	assert_int_equal(rcpt_statement_sign(&claims, payload, sizeof(payload),
					     signer, out, len, NULL), 0);
}

static inline void sample_bundle(const struct rcpt_signer *signer,
				 const struct sample_leaves *leaves,
				 const char *sub, uint8_t **out, size_t *len)
{
	uint8_t *stmt;
	size_t stmt_len;

	sample_statement(signer, leaves, sub, &stmt, &stmt_len);
	assert_int_equal(rcpt_bundle_encode(rcpt_span(stmt, stmt_len), leaves->leaf,
					    leaves->n, out, len, NULL), 0);
	free(stmt);
}

#endif /* SAMPLE_H */
