// SPDX-License-Identifier: MIT
/*
 * Prints kmod/evidence_kunit.h: logs and issuers, and evidence of each form that
 * is good under a policy with them, for the KUnit suite receipt_evidence. The
 * keys are made anew at each run and thrown away, so every run prints other keys
 * and signatures. From the top of the tree:
 *
 *	cc -D_GNU_SOURCE -Ikmod -o build/generate selftests/kunit/generate.c -lcrypto
 *	build/generate >kmod/evidence_kunit.h
 */
#include <ctype.h>

#include "../kernel/forge.h"

#define CONTENT_TYPE	"application/vnd.receipt.manifest-root"
#define ISSUER		"issuer.example"
#define SUBJECT		"kunit/sample"
#define STATEMENT_TIME	1700000000
#define RECEIPT_TIME	1700000001
#define SVN		7

struct log {
	struct key key;
	const char *name;
	const char *issuer;
	int alg;
	int vds;
	enum entry entry;
	bool sizes;	/* signs the size of its tree */
};

#define TREE_SIZE	3

/* Two logs with a key of each sort, and one whose entries are whole statements. */
static struct log rfc9162_256 = { .name = "rfc9162", .issuer = "rfc9162.example", .alg = ES256,
				  .vds = 1 };
static struct log rfc9162_384 = { .name = "rfc9162", .issuer = "rfc9162.example", .alg = ES384,
				  .vds = 1, .sizes = true };
static struct log ccf_256 = { .name = "ccf", .issuer = "ccf.example", .alg = ES256, .vds = 2 };
static struct log ccf_384 = { .name = "ccf", .issuer = "ccf.example", .alg = ES384, .vds = 2 };
static struct log whole = { .name = "whole", .issuer = "whole.example", .alg = ES256, .vds = 1,
			    .entry = WHOLE_ENTRY };
static struct log *const logs[] = { &rfc9162_256, &rfc9162_384, &ccf_384, &ccf_256, &whole };
static struct key issuer_256, issuer_384;
/* issuer_256 with the algorithm of another curve, as real statements have it. */
static struct key issuer_crossed;

/* How a receipt names the key. */
enum kid { KID_HEX, KID_BYTES, KID_NONE };

struct sample {
	const char *name;
	const char *text;
	struct key *issuer;
	uint8_t kind;		/* of a hash envelope; 0: a manifest */
	enum kid kid;
	struct log *logs[2];
};

static const struct sample samples[] = {
	{ "rfc9162_256", "ES256, manifest, RFC 9162", &issuer_256, 0, KID_HEX, { &rfc9162_256 } },
	{ "rfc9162_384", "ES384, hash envelope, RFC 9162, kid in bytes", &issuer_384,
	  RECEIPT_KIND_SHA256, KID_BYTES, { &rfc9162_384 } },
	{ "ccf_256", "ES256, hash envelope, CCF", &issuer_256, RECEIPT_KIND_SHA256, KID_HEX,
	  { &ccf_256 } },
	{ "ccf_384", "ES384, manifest, CCF", &issuer_384, 0, KID_HEX, { &ccf_384 } },
	{ "sha384", "ES384, hash envelope of SHA-384, CCF", &issuer_384, RECEIPT_KIND_SHA384,
	  KID_HEX, { &ccf_384 } },
	{ "whole", "ES256, manifest, RFC 9162 over whole statements, no kid", &issuer_256, 0,
	  KID_NONE, { &whole } },
	{ "crossed", "ES384 with a key of P-256, manifest, RFC 9162", &issuer_crossed, 0, KID_HEX,
	  { &rfc9162_256 } },
	{ "both", "ES256, manifest, receipts of two logs", &issuer_256, 0, KID_HEX,
	  { &rfc9162_256, &ccf_384 } },
};

/*
 * Making
 */

static void statement_header(struct header *h, const struct sample *s)
{
	head(h, MAP, 4);
	label_int(h, 1, s->issuer->alg);
	if (s->kind)
		label_int(h, 258, s->kind == RECEIPT_KIND_SHA256 ? -16 : -43);
	else
		label_text(h, 3, CONTENT_TYPE);
	integer(h, 4);
	string(h, BYTES, s->issuer->kid, 2 * HASH);
	integer(h, 15);
	head(h, MAP, 4);
	label_text(h, 1, ISSUER);
	label_text(h, 2, SUBJECT);
	integer(h, 6);
	head(h, TAG, 1);
	integer(h, STATEMENT_TIME);
	text(h, "svn");
	integer(h, SVN);
}

static void receipt_header(struct header *h, const struct log *log, enum kid kid)
{
	uint8_t id[HASH];

	head(h, MAP, kid == KID_NONE ? 3 : 4);
	label_int(h, 1, log->alg);
	if (kid != KID_NONE)
		integer(h, 4);
	if (kid == KID_HEX)
		string(h, BYTES, log->key.kid, 2 * HASH);
	if (kid == KID_BYTES) {
		for (int i = 0; i < HASH; i++)
			sscanf(log->key.kid + 2 * i, "%2hhx", &id[i]);
		string(h, BYTES, id, HASH);
	}
	label_int(h, 395, log->vds);
	integer(h, 15);
	head(h, MAP, 2 + log->sizes);
	label_text(h, 1, log->issuer);
	label_int(h, 6, RECEIPT_TIME);
	if (!log->sizes)
		return;
	text(h, "size");
	integer(h, TREE_SIZE);
}

/* Hashes that tell where they are from. */
static void make_path(uint8_t (*path)[HASH], size_t *len, uint8_t fill)
{
	for (int i = 0; i < STEPS; i++)
		memset(path[i], fill + i, HASH);
	*len = STEPS * HASH;
}

static void make_receipt(struct rcpt *r, const struct log *log, const struct statement *stmt,
			 enum kid kid)
{
	static const char commit[] = "ce:2.31:0123456789abcdef";
	uint8_t root[HASH];

	receipt_header(&r->hdr, log, kid);
	r->ccf = log->vds == 2;
	r->index = 1;
	r->size = TREE_SIZE;
	make_path(r->path, &r->path_len, 0x20);
	memset(r->leaf_tx, 0x30, HASH);
	r->evidence_len = sizeof(commit) - 1;
	memcpy(r->evidence, commit, r->evidence_len);
	r->left[0] = 1;
	if (r->ccf)
		ccf_root(stmt, r, root);
	else
		rfc9162_root(stmt, r, log->entry, root);
	r->sig_len = sign_header(&log->key, &r->hdr, root, sizeof(root), r->sig);
}

static void make_evidence(struct evidence *ev, const struct sample *s)
{
	memset(ev, 0, sizeof(*ev));
	ev->kind = s->kind ? s->kind : RECEIPT_KIND_SHA256;
	ev->digest_len = ev->kind == RECEIPT_KIND_SHA384 ? 48 : HASH;
	SHA384((const uint8_t *)s->name, strlen(s->name), ev->digest);
	memset(ev->digest + ev->digest_len, 0, sizeof(ev->digest) - ev->digest_len);
	ev->manifest = !s->kind;
	ev->usage = 1 << RECEIPT_OP_EXECUTE | 1 << RECEIPT_OP_FIRMWARE;
	ev->index = 1;
	ev->size = 3;
	make_path(ev->path, &ev->path_len, 0x10);
	ev->stmt.payload_len = s->kind ? ev->digest_len : HASH;
	if (s->kind)
		memcpy(ev->stmt.payload, ev->digest, ev->digest_len);
	else
		manifest_root(ev, ev->stmt.payload);
	statement_header(&ev->stmt.hdr, s);
	sign_statement(s->issuer, &ev->stmt);
	for (; ev->nreceipts < ARRAY_SIZE(s->logs) && s->logs[ev->nreceipts]; ev->nreceipts++)
		make_receipt(&ev->receipts[ev->nreceipts], s->logs[ev->nreceipts], &ev->stmt,
			     s->kid);
}

/*
 * Printing
 */

#define BYTES_PER_LINE	10

static void print_bytes(const char *indent, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i % BYTES_PER_LINE == 0)
			printf("%s", indent);
		printf("0x%02x,%s", data[i],
		       i % BYTES_PER_LINE == BYTES_PER_LINE - 1 || i == len - 1 ? "\n" : " ");
	}
}

static void print_array(const char *sample, const char *what, const void *data, size_t len)
{
	printf("\nstatic const u8 %s_%s[] = {\n", sample, what);
	print_bytes("\t", data, len);
	printf("};\n");
}

static void print_header(const char *sample, const char *what, const struct header *h)
{
	printf("\nstatic const struct receipt_token %s_%s_tokens[] = {\n", sample, what);
	for (uint32_t i = 0; i < h->n; i++)
		printf("\t{ .major = %u, .arg = %llu },\n", h->tokens[i].major,
		       (unsigned long long)h->tokens[i].arg);
	printf("};\n");
	print_array(sample, what, h->blob, h->blob_len);
}

static void print_arrays(const struct sample *s, const struct evidence *ev)
{
	char what[32];

	print_header(s->name, "stmt", &ev->stmt.hdr);
	print_array(s->name, "stmt_sig", ev->stmt.sig, ev->stmt.sig_len);
	for (size_t i = 0; i < ev->nreceipts; i++) {
		sprintf(what, "rcpt%zu", i);
		print_header(s->name, what, &ev->receipts[i].hdr);
		strcat(what, "_sig");
		print_array(s->name, what, ev->receipts[i].sig, ev->receipts[i].sig_len);
	}
	print_array(s->name, "payload", ev->stmt.payload, ev->stmt.payload_len);
}

static void print_span(const char *indent, const char *field, const char *sample, const char *what)
{
	printf("%s.%s = %s_%s,\n", indent, field, sample, what);
	printf("%s.%s_len = sizeof(%s_%s),\n", indent, field, sample, what);
}

static void print_hdr(const char *indent, const char *sample, const char *what)
{
	printf("%s.hdr = {\n", indent);
	printf("%s\t.tokens = %s_%s_tokens,\n", indent, sample, what);
	printf("%s\t.ntokens = ARRAY_SIZE(%s_%s_tokens),\n", indent, sample, what);
	printf("%s\t.blob = %s_%s,\n", indent, sample, what);
	printf("%s\t.blob_len = sizeof(%s_%s),\n", indent, sample, what);
	printf("%s},\n", indent);
}

static void print_receipt(const char *sample, size_t i, const struct rcpt *r)
{
	char what[32];

	printf("\t\t\t{\n");
	sprintf(what, "rcpt%zu", i);
	print_hdr("\t\t\t\t", sample, what);
	strcat(what, "_sig");
	print_span("\t\t\t\t", "sig", sample, what);
	printf("\t\t\t\t.path = sample_log_path,\n\t\t\t\t.steps = %d,\n", STEPS);
	if (r->ccf) {
		printf("\t\t\t\t.leaf_tx = sample_tx,\n");
		printf("\t\t\t\t.leaf_evidence = sample_leaf,\n");
		printf("\t\t\t\t.leaf_evidence_len = sizeof(sample_leaf),\n");
		printf("\t\t\t\t.left = sample_left,\n");
	} else {
		printf("\t\t\t\t.has_index = true,\n");
		printf("\t\t\t\t.index = %llu,\n", (unsigned long long)r->index);
		printf("\t\t\t\t.tree_size = %llu,\n", (unsigned long long)r->size);
	}
	printf("\t\t\t},\n");
}

static void print_evidence(const struct sample *s, const struct evidence *ev)
{
	printf("\t{\n\t\t.digest = {\n\t\t\t.kind = %u,\n\t\t\t.bytes = {\n", ev->kind);
	print_bytes("\t\t\t\t", ev->digest, ev->digest_len);
	printf("\t\t\t},\n\t\t},\n\t\t.statement = {\n");
	print_hdr("\t\t\t", s->name, "stmt");
	print_span("\t\t\t", "payload", s->name, "payload");
	print_span("\t\t\t", "sig", s->name, "stmt_sig");
	printf("\t\t},\n");
	if (ev->manifest) {
		printf("\t\t.has_manifest = true,\n\t\t.usage = SAMPLE_USAGE,\n");
		printf("\t\t.index = %llu,\n", (unsigned long long)ev->index);
		printf("\t\t.tree_size = %llu,\n", (unsigned long long)ev->size);
		printf("\t\t.path = sample_manifest_path,\n\t\t.steps = %d,\n", STEPS);
	}
	printf("\t\t.nreceipts = %zu,\n\t\t.receipts = {\n", ev->nreceipts);
	for (size_t i = 0; i < ev->nreceipts; i++)
		print_receipt(s->name, i, &ev->receipts[i]);
	printf("\t\t},\n\t},\n");
}

static void print_key(const struct key *k)
{
	uint8_t spki[2 * sizeof(k->spki)], id[HASH];
	size_t pad = strcspn(k->spki, "=");
	int len = EVP_DecodeBlock(spki, (const uint8_t *)k->spki, strlen(k->spki));

	len -= strlen(k->spki) - pad;
	SHA256(spki, len, id);
	printf("\t\t\t.curve = RECEIPT_CURVE_P%d,\n", k->alg == ES256 ? 256 : 384);
	printf("\t\t\t.spki_len = %d,\n\t\t\t.spki = {\n", len);
	print_bytes("\t\t\t\t", spki, len);
	printf("\t\t\t},\n\t\t\t.id = {\n");
	print_bytes("\t\t\t\t", id, HASH);
	printf("\t\t\t},\n\t\t},\n");
}

static void print_logs(void)
{
	printf("\nstatic const struct receipt_log sample_logs[] = {\n");
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		printf("\t{\n\t\t.name = \"%s\",\n\t\t.issuer = \"%s\",\n", logs[i]->name,
		       logs[i]->issuer);
		printf("\t\t.entry = RECEIPT_ENTRY_%s,\n",
		       logs[i]->entry == WHOLE_ENTRY ? "STMT" : "SHA256_STMT");
		printf("\t\t.identity_verified = true,\n\t\t.key = {\n");
		print_key(&logs[i]->key);
		printf("\t},\n");
	}
	printf("};\n");
}

static void print_rule(const struct key *issuer)
{
	printf("\t{\n\t\t.op = RECEIPT_OP_EXECUTE,\n\t\t.action = RECEIPT_ACTION_ALLOW,\n");
	printf("\t\t.has_issuer_key = true,\n\t\t.issuer_key = {\n");
	print_key(issuer);
	printf("\t},\n");
}

static void print_names(void)
{
	printf("\nenum {\n");
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		printf("\tSAMPLE_");
		for (const char *c = samples[i].name; *c; c++)
			putchar(toupper(*c));
		printf(",\n");
	}
	printf("};\n\nstatic const char *const sample_names[] = {\n");
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		printf("\t\"%s\",\n", samples[i].text);
	printf("};\n");
}

/* What a statement is remembered by. */
static void print_id(const struct evidence *ev)
{
	uint8_t id[HASH];

	SHA256(scratch, statement_bytes(&ev->stmt), id);
	printf("\t{\n");
	print_bytes("\t\t", id, HASH);
	printf("\t},\n");
}

/* What all samples have. */
static void print_common(const struct evidence *ev, const struct rcpt *r)
{
	printf("\n#define SAMPLE_USAGE\t\t0x%02x\n", ev->usage);
	printf("#define SAMPLE_ISSUER\t\t\"%s\"\n#define SAMPLE_SUBJECT\t\t\"%s\"\n", ISSUER,
	       SUBJECT);
	printf("#define SAMPLE_SVN\t\t%d\n#define SAMPLE_TIME\t\t%d\n", SVN, STATEMENT_TIME);
	printf("#define SAMPLE_RECEIPT_TIME\t%d\n", RECEIPT_TIME);
	printf("\nstatic const u8 sample_manifest_path[] = {\n");
	print_bytes("\t", ev->path[0], ev->path_len);
	printf("};\n\nstatic const u8 sample_log_path[] = {\n");
	print_bytes("\t", r->path[0], r->path_len);
	printf("};\n\nstatic const u8 sample_tx[] = {\n");
	print_bytes("\t", r->leaf_tx, HASH);
	printf("};\n\nstatic const u8 sample_leaf[] = {\n");
	print_bytes("\t", (const uint8_t *)r->evidence, r->evidence_len);
	printf("};\n\nstatic const u8 sample_left[] = {\n");
	print_bytes("\t", r->left, STEPS);
	printf("};\n");
}

static struct evidence made[ARRAY_SIZE(samples)];

int main(void)
{
	make_key(&issuer_256, ES256);
	make_key(&issuer_384, ES384);
	issuer_crossed = issuer_256;
	issuer_crossed.alg = ES384;
	issuer_crossed.md = issuer_384.md;
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++)
		make_key(&logs[i]->key, logs[i]->alg);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		make_evidence(&made[i], &samples[i]);

	printf("/* SPDX-License-Identifier: GPL-2.0-only */\n");
	printf("/*\n * Made by selftests/kunit/generate.c: evidence of each form, and the logs and\n"
	       " * issuers that it comes from. Not to be edited.\n */\n");
	print_common(&made[0], &made[0].receipts[0]);
	print_names();
	printf("\nstatic const u8 sample_ids[][RECEIPT_HASH_SIZE] = {\n");
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		print_id(&made[i]);
	printf("};\n");
	print_logs();
	printf("\nstatic const struct receipt_rule sample_rules[] = {\n");
	print_rule(&issuer_256);
	print_rule(&issuer_384);
	printf("};\n");
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		print_arrays(&samples[i], &made[i]);
	printf("\nstatic const struct receipt_evidence samples[] = {\n");
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		print_evidence(&samples[i], &made[i]);
	printf("};\n");
	return 0;
}
