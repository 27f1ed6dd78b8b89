// SPDX-License-Identifier: MIT
/*
 * lookup DIR: how long the helper takes to answer a look-up, and the kernel's check
 * to prove the answer. Makes a store in DIR, of as many digests as a large system
 * has files, and asks for them in any order. Prints TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge.h"
#include "manifest.h"
#include "sign.h"
#include "store.h"

#define BUNDLES		250
#define FILES		200	/* in each */
#define LOOKUPS		20000
#define TARGET_US	100

/* Who signs, who is trusted, and where evidence comes from. */
struct bench {
	struct rcpt_signer issuer;
	struct rcpt_signer log;
	struct receipt_policy *policy;
	struct rcpt_answerer answerer;
};

static double helper_us[LOOKUPS], kernel_us[LOOKUPS];
static size_t asked;
static double kernel_now;

static void must(int ret, const struct rcpt_error *err)
{
	if (!ret)
		return;
	fprintf(stderr, "lookup: %s\n", err->text);
	exit(70);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static void digest_of(uint32_t file, uint8_t out[RECEIPT_HASH_SIZE])
{
	rcpt_sha256(&file, sizeof(file), out);
}

/*
 * The store
 */

static uint8_t *record(struct bench *b, uint32_t n, const uint8_t *stmt, size_t stmt_len,
		       size_t *len)
{
	struct rcpt_entry_proof proof = { .index = n, .size = n + 1 };
	struct rcpt_statement parsed;
	struct rcpt_error err;
	uint8_t *receipt, *out, leaf[RECEIPT_HASH_SIZE];
	size_t receipt_len;
	uint64_t last;

	must(rcpt_statement_parse(rcpt_span(stmt, stmt_len), &parsed, &err), &err);
	rcpt_leaf_hash(parsed.digest, sizeof(parsed.digest), leaf);
	/* The last leaf has a sibling on each level where its number has a bit. */
	for (last = n; last; last >>= 1)
		if (last & 1)
			digest_of(proof.npath, proof.path[proof.npath]), proof.npath++;
	if (rcpt_rfc9162_root(leaf, proof.index, proof.size, proof.path, proof.npath, proof.root))
		abort();
	must(rcpt_receipt_sign("log.example", 1700000001, &proof, &b->log, &receipt, &receipt_len,
			       &err), &err);
	must(rcpt_statement_attach(&parsed, rcpt_span(receipt, receipt_len), &out, len, &err), &err);
	rcpt_statement_free(&parsed);
	free(receipt);
	return out;
}

static void add_bundle(struct bench *b, struct rcpt_store *store, uint32_t n)
{
	static uint8_t digests[FILES][RECEIPT_HASH_SIZE];
	struct rcpt_claim_set claims = { .iss = "issuer.example", .sub = "deb/package",
					 .iat = 1700000000 };
	struct rcpt_leaf leaves[FILES];
	uint8_t (*nodes)[32], root[RECEIPT_HASH_SIZE], *stmt, *transparent, *bundle;
	char name[RCPT_STORE_NAME];
	struct rcpt_error err;
	size_t stmt_len, len, bundle_len, i;

	for (i = 0; i < FILES; i++) {
		digest_of(n * FILES + i, digests[i]);
		leaves[i] = (struct rcpt_leaf){
			.digest = digests[i], .name = "/usr/bin/program", .name_len = 16,
			.kind = RECEIPT_KIND_SHA256, .usage = 1 << RECEIPT_OP_EXECUTE,
		};
	}
	rcpt_manifest_sort(leaves, FILES);
	must(rcpt_manifest_tree(leaves, FILES, &nodes, root, &err), &err);
	must(rcpt_statement_sign(&claims, root, sizeof(root), &b->issuer, &stmt, &stmt_len, &err),
	     &err);
	transparent = record(b, n, stmt, stmt_len, &len);
	must(rcpt_bundle_encode(rcpt_span(transparent, len), leaves, FILES, &bundle, &bundle_len,
				&err), &err);
	must(rcpt_store_add(store, rcpt_span(bundle, bundle_len), name, &err), &err);
	free(nodes);
	free(stmt);
	free(transparent);
	free(bundle);
}

static void make_store(struct bench *b, const char *dir)
{
	struct rcpt_store *store;
	struct rcpt_error err;
	uint32_t n;

	must(rcpt_store_create(dir, &store, &err), &err);
	for (n = 0; n < BUNDLES; n++)
		add_bundle(b, store, n);
	rcpt_store_close(store);
}

/*
 * Look-ups
 */

static int take_evidence(const struct rcpt_nl_evidence *ev, struct rcpt_error *err, void *arg)
{
	struct bench *b = arg;
	struct nl_msg *msg;
	double start;

	/* The message is the helper's work, what it says is the kernel's. */
	must(rcpt_nl_build_evidence(&msg, 1, ev, err), err);
	nlmsg_free(msg);
	start = now_us();
	if (kernel_judge(ev, b->policy)) {
		fprintf(stderr, "lookup: the kernel's check refuses the evidence\n");
		exit(70);
	}
	kernel_now = now_us() - start;
	return 0;
}

static int take_none(const struct rcpt_nl_lookup *lookup, enum receipt_reason reason,
		     struct rcpt_error *err, void *arg)
{
	(void)lookup;
	(void)err;
	(void)arg;
	fprintf(stderr, "lookup: nothing found: %s\n", rcpt_reason_text(reason));
	exit(70);
}

static void look_up(struct bench *b, uint32_t file)
{
	const struct rcpt_sink sink = { take_evidence, take_none, b };
	struct rcpt_nl_lookup lookup = { .id = asked + 1, .kind = RECEIPT_KIND_SHA256,
					 .digest_len = RECEIPT_HASH_SIZE };
	struct rcpt_error err;
	double start;

	digest_of(file, lookup.digest);
	start = now_us();
	must(rcpt_answer(&b->answerer, &lookup, &sink, &err), &err);
	helper_us[asked] = now_us() - start - kernel_now;
	kernel_us[asked++] = kernel_now;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double print_times(const char *who, double *us)
{
	qsort(us, LOOKUPS, sizeof(*us), compare);
	printf("# %-34s %8.1f %8.1f %8.1f us: median, 99 %%, most\n", who, us[LOOKUPS / 2],
	       us[LOOKUPS / 100 * 99], us[LOOKUPS - 1]);
	return us[LOOKUPS / 2];
}

static double run(struct bench *b, const char *who)
{
	uint32_t file = 1;

	for (asked = 0; asked < LOOKUPS;) {
		file = (file * 1103515245u + 12345u) & 0x7fffffff;
		look_up(b, file % (BUNDLES * FILES));
	}
	print_times("the kernel's check of the answer", kernel_us);
	return print_times(who, helper_us);
}

static void start(struct bench *b, const char *dir)
{
	struct rcpt_keys keys = { 0 };
	struct receipt_policy_error perr;
	struct rcpt_error err;
	uint8_t *spki = NULL, base64[400];
	char text[1000];
	int len;

	must(rcpt_signer_generate(RCPT_ES384, &b->issuer, &err), &err);
	must(rcpt_signer_generate(RCPT_ES384, &b->log, &err), &err);
	len = i2d_PUBKEY(b->log.pkey, &spki);
	EVP_EncodeBlock(base64, spki, len);
	snprintf(text, sizeof(text), "policy_name=a policy_version=1.0.0 mode=enforce\n"
		 "log name=a alg=ES384 key=%s issuer=\"log.example\" identity=verified\n"
		 "DEFAULT action=DENY\nop=EXECUTE subject=\"*\" action=ALLOW\n", base64);
	b->policy = receipt_policy_parse(text, strlen(text), &perr);
	if (IS_ERR(b->policy) || rcpt_keys_add_policy(&keys, b->policy, &err) ||
	    kernel_start(b->policy))
		abort();
	rcpt_keys_free(&keys);
	OPENSSL_free(spki);
	make_store(b, dir);
	must(rcpt_stores_add(&b->answerer.stores, dir, &err), &err);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct rcpt_key issuer = { .bare = true };
	const char *slowness = getenv("SLOWNESS");	/* see scripts/slowness */
	double plain, checked, target = TARGET_US;

	if (slowness && atof(slowness) > 1)
		target *= atof(slowness);
	if (argc != 2)
		return 64;
	start(&b, argv[1]);
	printf("1..2\n# %d digests in %d bundles, %d look-ups\n", BUNDLES * FILES, BUNDLES, LOOKUPS);
	plain = run(&b, "helper, by log alone");
	issuer.pkey = b.issuer.pkey;
	EVP_PKEY_up_ref(issuer.pkey);
	if (rcpt_keys_put(&b.answerer.issuers, &issuer, NULL))
		abort();
	checked = run(&b, "helper, issuer's signature checked");
	printf("%sok 1 - the helper answers in under %.0f us\n", plain < target ? "" : "not ",
	       target);
	printf("%sok 2 - and with the keys of issuers\n", checked < target ? "" : "not ");
	rcpt_answerer_free(&b.answerer);
	receipt_policy_free(b.policy);
	rcpt_signer_free(&b.issuer);
	rcpt_signer_free(&b.log);
	return plain < target && checked < target ? 0 : 1;
}
