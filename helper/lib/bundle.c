// SPDX-License-Identifier: MIT
/*
 * Bundle files.
 */
#include "bundle.h"

#include <stdlib.h>
#include <string.h>

#include "writer.h"

#define MAGIC		"receipt-bundle"
#define VERSION		1
#define BUNDLE_FIELDS	4
#define LEAF_FIELDS	4
#define MAX_USAGE	((1u << RECEIPT_OP_COUNT) - 1)
#define MIN_LEAF_BYTES	(5 + 32)	/* heads and the shortest digest */

bool rcpt_is_bundle(struct rcpt_span in)
{
	/* The head of the array, the head of the text, the text. */
	static const uint8_t start[] = { 0x84, 0x6e };

	return in.len >= sizeof(start) + strlen(MAGIC) &&
	       !memcmp(in.data, start, sizeof(start)) &&
	       !memcmp(in.data + sizeof(start), MAGIC, strlen(MAGIC));
}

static int read_fields(struct rcpt_reader *r, uint64_t expected, const char *what)
{
	size_t start = r->in.offset + r->pos;
	uint64_t count;
	int rc = rcpt_read_array(r, &count, what);

	if (!rc && count != expected)
		rc = rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, start,
				      "%s: %llu fields, expected %llu", what,
				      (unsigned long long)count,
				      (unsigned long long)expected);
	return rc;
}

static int read_byte(struct rcpt_reader *r, uint64_t max, uint8_t *out,
		     const char *what)
{
	size_t start = r->in.offset + r->pos;
	uint64_t value;
	int rc = rcpt_read_uint(r, &value, what);

	if (rc)
		return rc;
	if (value > max)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, start,
					"%s: unknown value %llu", what,
					(unsigned long long)value);
	*out = value;
	return 0;
}

static int read_leaf(struct rcpt_reader *r, struct rcpt_leaf *leaf)
{
	size_t start = r->in.offset + r->pos;
	struct rcpt_span digest, name;

	if (read_fields(r, LEAF_FIELDS, "leaf") ||
	    read_byte(r, RECEIPT_KIND_DMVERITY_SHA256, &leaf->kind, "leaf kind") ||
	    read_byte(r, MAX_USAGE, &leaf->usage, "leaf usage") ||
	    rcpt_read_bytes(r, &digest, "leaf digest") ||
	    rcpt_read_text(r, &name, "leaf name"))
		return r->failed;
	if (!digest.len || digest.len != rcpt_digest_len(leaf->kind))
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, start,
					"leaf: digest of %zu bytes does not fit kind %u",
					digest.len, leaf->kind);
	if (name.len > RCPT_MAX_NAME)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, start,
					"leaf: name longer than %d bytes", RCPT_MAX_NAME);
	leaf->digest = digest.data;
	leaf->name = (const char *)name.data;
	leaf->name_len = name.len;
	return 0;
}

/* The number of leaves is bounded by what the input can hold, so is memory. */
static int read_leaves(struct rcpt_reader *r, struct rcpt_bundle *bundle)
{
	size_t start = r->in.offset + r->pos;
	uint64_t count;
	size_t i;

	if (rcpt_read_array(r, &count, "leaves"))
		return r->failed;
	if (count > RCPT_MAX_LEAVES || count > (r->in.len - r->pos) / MIN_LEAF_BYTES)
		return rcpt_reader_fail(r, RECEIPT_REASON_BOUND, start,
					"more leaves than allowed or present");
	if (!count)
		return 0;
	bundle->leaves = calloc(count, sizeof(*bundle->leaves));
	if (!bundle->leaves)
		return r->failed = rcpt_no_memory(r->err);
	for (i = 0; i < count; i++)
		if (read_leaf(r, &bundle->leaves[i]))
			return r->failed;
	bundle->nleaves = count;
	return 0;
}

static int read_magic(struct rcpt_reader *r)
{
	struct rcpt_span magic;
	uint64_t version;

	if (read_fields(r, BUNDLE_FIELDS, "bundle") ||
	    rcpt_read_text(r, &magic, "bundle") ||
	    rcpt_read_uint(r, &version, "bundle version"))
		return r->failed;
	if (!rcpt_span_equal(magic, MAGIC, strlen(MAGIC)))
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, magic.offset,
					"not a bundle");
	if (version != VERSION)
		return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, magic.offset,
					"bundle of version %llu, known is %d",
					(unsigned long long)version, VERSION);
	return 0;
}

static int check_root(struct rcpt_bundle *bundle, struct rcpt_error *err)
{
	struct rcpt_span payload = bundle->statement.sign1.payload;
	uint8_t root[32];
	int rc;

	if (rcpt_statement_is_manifest(&bundle->statement) != !!bundle->nleaves)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
				 payload.offset, bundle->nleaves ?
				 "leaves beside a statement that is no manifest's" :
				 "manifest statement without leaves");
	if (!bundle->nleaves && !bundle->statement.header.has_hash_alg)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_CONTENT_TYPE,
				 RCPT_NO_OFFSET, "the statement is about no artifact");
	if (!bundle->nleaves)
		return 0;
	rc = rcpt_manifest_tree(bundle->leaves, bundle->nleaves, &bundle->nodes,
				root, err);
	if (rc)
		return rc;
	if (!rcpt_span_equal(payload, root, sizeof(root)))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_MANIFEST_PATH,
				 payload.offset,
				 "the root over the leaves is not the statement's payload");
	return 0;
}

int rcpt_bundle_parse(struct rcpt_span in, struct rcpt_bundle *bundle,
		      struct rcpt_error *err)
{
	struct rcpt_reader *r;
	int rc;

	memset(bundle, 0, sizeof(*bundle));
	if (in.len > RCPT_MAX_BUNDLE)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_MAX_BUNDLE, "bundle longer than %u bytes",
				 RCPT_MAX_BUNDLE);
	r = malloc(sizeof(*r));
	if (!r)
		return rcpt_no_memory(err);
	rcpt_reader_init(r, in, err);
	rc = read_magic(r);
	if (!rc)
		rc = rcpt_read_bytes(r, &bundle->transparent, "bundle statement");
	if (!rc)
		rc = read_leaves(r, bundle);
	if (!rc)
		rc = rcpt_read_end(r);
	free(r);
	if (!rc)
		rc = rcpt_statement_parse(bundle->transparent, &bundle->statement, err);
	if (!rc)
		rc = check_root(bundle, err);
	if (rc)
		rcpt_bundle_free(bundle);
	return rc;
}

void rcpt_bundle_free(struct rcpt_bundle *bundle)
{
	rcpt_statement_free(&bundle->statement);
	free(bundle->leaves);
	free(bundle->nodes);
	memset(bundle, 0, sizeof(*bundle));
}

size_t rcpt_bundle_find(const struct rcpt_bundle *bundle, uint8_t kind,
			const uint8_t *digest, size_t from)
{
	size_t len = rcpt_digest_len(kind);
	size_t i;

	for (i = from; i < bundle->nleaves; i++)
		if (bundle->leaves[i].kind == kind &&
		    !memcmp(bundle->leaves[i].digest, digest, len))
			return i;
	return bundle->nleaves;
}

static void write_leaf(struct rcpt_writer *w, const struct rcpt_leaf *leaf)
{
	rcpt_write_head(w, RCPT_ARRAY, LEAF_FIELDS);
	rcpt_write_int(w, leaf->kind);
	rcpt_write_int(w, leaf->usage);
	rcpt_write_bytes(w, leaf->digest, rcpt_digest_len(leaf->kind));
	rcpt_write_text(w, leaf->name, leaf->name_len);
}

int rcpt_bundle_encode(struct rcpt_span transparent,
		       const struct rcpt_leaf *leaves, size_t n,
		       uint8_t **out, size_t *len, struct rcpt_error *err)
{
	struct rcpt_writer w = { 0 };
	size_t i;

	if (n > RCPT_MAX_LEAVES)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_NO_OFFSET, "%zu leaves, allowed are %d", n,
				 RCPT_MAX_LEAVES);
	rcpt_write_head(&w, RCPT_ARRAY, BUNDLE_FIELDS);
	rcpt_write_text(&w, MAGIC, strlen(MAGIC));
	rcpt_write_int(&w, VERSION);
	rcpt_write_bytes(&w, transparent.data, transparent.len);
	rcpt_write_head(&w, RCPT_ARRAY, n);
	for (i = 0; i < n; i++)
		write_leaf(&w, &leaves[i]);
	if (w.len > RCPT_MAX_BUNDLE) {
		rcpt_writer_free(&w);
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_NO_OFFSET, "bundle longer than %u bytes",
				 RCPT_MAX_BUNDLE);
	}
	return rcpt_writer_take(&w, out, len, err);
}
