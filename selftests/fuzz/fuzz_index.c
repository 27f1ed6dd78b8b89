// SPDX-License-Identifier: MIT
/*
 * An index that others have changed. The first byte of an input chooses:
 *
 *	bit 0		it is the file "current"; else changes to a good segment: each is
 *			an offset of three bytes from the end, and a byte
 *	bit 1		sums are made to fit, so that what is behind them is reached
 *	bit 2		the segment is cut off at the first offset
 *
 * Whatever comes of it, all that it says is in bounds, and a path leads to the root.
 */
#include <endian.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "sign.h"

#include "../../helper/lib/index.c"

#define LEAVES		150
#define FILE_LEN	(1u << 17)

static uint8_t good[FILE_LEN], changed[FILE_LEN];
static size_t good_len;
static uint32_t good_bundles;
static uint8_t digests[LEAVES][64];
static struct rcpt_leaf leaves[LEAVES];
static char dir[] = "/tmp/fuzz-index-XXXXXX";
static struct rcpt_segment_id good_id;

static int empty_file(void)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);

	HOLDS(fd >= 0);
	return fd;
}

static void make_leaves(void)
{
	static const uint8_t kinds[] = {
		RECEIPT_KIND_SHA256, RECEIPT_KIND_SHA384, RECEIPT_KIND_FSVERITY_SHA256,
	};

	for (size_t i = 0; i < LEAVES; i++) {
		memset(digests[i], i / 3, sizeof(digests[i]));
		leaves[i] = (struct rcpt_leaf){
			.digest = digests[i], .name = "x", .name_len = 1,
			.kind = kinds[i / 100 ? 1 + i % 2 : 0], .usage = 1 << i % 3,
		};
	}
}

/* Bundles of all leaves, of one leaf, and a damaged one. */
static void make_bundle(struct rcpt_segment_writer *w, const struct rcpt_signer *signer, size_t n)
{
	const struct rcpt_claim_set claims = { .iss = "issuer.example", .sub = "fuzz" };
	uint8_t (*nodes)[32], root[32], *stmt, *file;
	struct rcpt_bundle bundle;
	struct stat st = { .st_size = n };
	size_t len, file_len;

	HOLDS(!rcpt_manifest_tree(leaves, n, &nodes, root, NULL));
	HOLDS(!rcpt_statement_sign(&claims, root, 32, signer, &stmt, &len, NULL));
	HOLDS(!rcpt_bundle_encode(rcpt_span(stmt, len), leaves, n, &file, &file_len, NULL));
	HOLDS(!rcpt_bundle_parse(rcpt_span(file, file_len), &bundle, NULL));
	HOLDS(!rcpt_segment_add(w, n == 1 ? "one.bundle" : "all.bundle", &st,
				&bundle, NULL));
	rcpt_bundle_free(&bundle);
	free(file);
	free(stmt);
	free(nodes);
}

static void clean(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%016llx.segment", dir, 1ull);
	unlink(path);
	rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rcpt_segment_writer *w;
	struct rcpt_signer signer;
	struct stat st = { 0 };
	int fd = empty_file();
	char path[64];

	(void)argc;
	(void)argv;
	make_leaves();
	HOLDS(!rcpt_signer_generate(RCPT_ES256, &signer, NULL));
	HOLDS(!rcpt_segment_begin(fd, &w, NULL));
	make_bundle(w, &signer, LEAVES);
	make_bundle(w, &signer, 1);
	HOLDS(!rcpt_segment_add(w, "bad.bundle", &st, NULL, NULL));
	HOLDS(!rcpt_segment_end(w, &good_id, NULL));
	rcpt_segment_discard(w);
	rcpt_signer_free(&signer);
	good_bundles = 3;
	good_len = good_id.len;
	HOLDS(good_len <= sizeof(good));
	HOLDS(pread(fd, good, good_len, 0) == (ssize_t)good_len);
	close(fd);
	HOLDS(mkdtemp(dir) && !atexit(clean));
	good_id.number = 1;
	snprintf(path, sizeof(path), "%s/%016llx.segment", dir, 1ull);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	HOLDS(write(fd, good, good_len) == (ssize_t)good_len);
	close(fd);
	return 0;
}

/*
 * sums
 */

static void fit_pages(uint8_t *data, size_t len, const struct rcpt_disk_table *t, int kind)
{
	uint64_t npages = be64toh(t->npages), at = be64toh(t->offset);
	size_t digest = rcpt_digest_len(kind + 1);

	for (uint64_t i = 0; i < npages && at < len && len - at >= RCPT_PAGE_SIZE; i++) {
		struct rcpt_page *page = (struct rcpt_page *)(data + at);

		page->sum = htobe64(rcpt_sum(&page->count, sizeof(*page) - 8, at));
		at += RCPT_PAGE_SIZE;
	}
	at = be64toh(t->fences);
	if (npages <= len && at <= len && npages * digest <= len - at)
		((struct rcpt_disk_table *)t)->fences_sum =
			htobe64(rcpt_sum(data + at, npages * digest, kind));
}

static void fit_entries(uint8_t *data, size_t len, const struct rcpt_foot *foot)
{
	uint64_t at = be64toh(foot->entries);

	for (uint32_t i = 0; i < be32toh(foot->nbundles) && at < len &&
	     len - at >= sizeof(struct rcpt_disk_entry); i++) {
		struct rcpt_disk_entry *e = (struct rcpt_disk_entry *)(data + at);
		uint64_t from = be64toh(e->offset);
		uint64_t n = (uint64_t)be32toh(e->name_len) + be32toh(e->statement_len);

		if (from <= len && n <= len - from)
			e->text_sum = htobe64(rcpt_sum(data + from, n, from));
		e->sum = htobe64(rcpt_sum(&e->offset, sizeof(*e) - 8, i));
		at += sizeof(*e);
	}
}

static void fit_sums(uint8_t *data, size_t len)
{
	struct rcpt_foot *foot = (struct rcpt_foot *)(data + len - sizeof(*foot));

	if (len < sizeof(*foot))
		return;
	fit_entries(data, len - sizeof(*foot), foot);
	for (int i = 0; i < RCPT_KINDS; i++)
		fit_pages(data, len - sizeof(*foot), &foot->table[i], i);
	foot->sum = htobe64(rcpt_sum(&foot->nbundles, sizeof(*foot) - 16, len));
}

/*
 * reading
 */

struct reading {
	const struct rcpt_segment *seg;
	uint8_t kind;
	const uint8_t *digest;
	size_t n;
};

static int on_place(const struct rcpt_place *place, void *arg)
{
	struct reading *r = arg;
	struct rcpt_error err = { 0 };
	struct rcpt_store_hit hit;
	int rc = rcpt_segment_hit(r->seg, r->kind, r->digest, place, &hit, &err);

	holds_error(rc, &err);
	if (!rc) {
		HOLDS(hit.statement_len && hit.npath <= RCPT_MAX_PATH);
		HOLDS(!hit.manifest || hit.index < hit.size);
		free(hit.statement);
	}
	return ++r->n == 300;
}

static void copy(const struct rcpt_segment *seg)
{
	uint8_t *dead = calloc(1, rcpt_segment_size(seg) / 8 + 1);
	struct rcpt_segment_writer *w;
	struct rcpt_segment_id id;
	struct rcpt_error err = { 0 };
	int fd = empty_file(), rc;

	HOLDS(!rcpt_segment_begin(fd, &w, NULL));
	rc = rcpt_segment_copy(w, seg, dead, &err);
	holds_error(rc, &err);
	if (!rc)
		HOLDS(!rcpt_segment_end(w, &id, NULL));
	rcpt_segment_discard(w);
	close(fd);
	free(dead);
}

static void read_segment(const struct rcpt_segment *seg)
{
	struct rcpt_error err;

	for (size_t i = 0; i < LEAVES; i += 7) {
		struct reading r = { seg, leaves[i].kind, digests[i], 0 };

		memset(&err, 0, sizeof(err));
		rcpt_segment_find(seg, r.kind, r.digest, on_place, &r, &err);
	}
	for (uint32_t i = 0; i < rcpt_segment_size(seg) && i < 8; i++) {
		struct rcpt_entry entry;
		uint8_t *text;

		memset(&err, 0, sizeof(err));
		if (!rcpt_segment_entry(seg, i, &entry, &err) &&
		    !rcpt_segment_text(seg, &entry, &text, &err)) {
			HOLDS(!memchr(text, '/', entry.name_len));
			free(text);
		}
	}
	if (rcpt_segment_size(seg) < 1000)
		copy(seg);
}

static void change_segment(uint8_t flags, const uint8_t *data, size_t size)
{
	struct rcpt_segment_id id = { .number = 1, .len = good_len };
	struct rcpt_error err = { 0 };
	struct rcpt_segment *seg;
	int fd, rc;

	memcpy(changed, good, good_len);
	if (flags & 4 && size >= 3)
		id.len -= (data[0] << 16 | data[1] << 8 | data[2]) % good_len;
	for (; size >= 4; data += 4, size -= 4)
		changed[good_len - 1 - (data[0] << 16 | data[1] << 8 | data[2]) % good_len] =
			data[3];
	if (flags & 2)
		fit_sums(changed, id.len);
	if (id.len >= sizeof(struct rcpt_foot))
		memcpy(&id.sum, changed + id.len - sizeof(struct rcpt_foot) + 8, 8);
	id.sum = be64toh(id.sum);
	fd = empty_file();
	HOLDS(write(fd, changed, id.len) == (ssize_t)id.len);
	rc = rcpt_segment_open(fd, &id, &seg, &err);
	holds_error(rc, &err);
	if (rc)
		return;
	read_segment(seg);
	rcpt_segment_close(seg);
}

static void read_current(uint8_t flags, const uint8_t *data, size_t size)
{
	struct rcpt_index ix = { .path = dir, .fd = -1 };
	struct rcpt_error err = { 0 };
	struct rcpt_store_hits hits = { 0 };
	struct rcpt_disk_segment seg;
	uint8_t *list = malloc(size + 1);
	int rc;

	memcpy(list, data, size);
	if (flags & 2 && size >= sizeof(struct rcpt_disk_list) + sizeof(seg)) {
		uint64_t sum;

		memcpy(list, RCPT_LIST_MAGIC, 8);
		memcpy(&seg, list + sizeof(struct rcpt_disk_list), sizeof(seg));
		seg.number = htobe64(1);
		seg.len = htobe64(good_len);
		seg.sum = htobe64(good_id.sum);
		seg.nbundles = htobe32(good_bundles);
		memcpy(list + sizeof(struct rcpt_disk_list), &seg, sizeof(seg));
		sum = htobe64(rcpt_sum(list + 16, size - 16, size));
		memcpy(list + 8, &sum, 8);
	}
	rc = parse_list(&ix, list, size, &err);
	holds_error(rc, &err);
	if (!rc)
		holds_error(rcpt_index_lookup(&ix, RECEIPT_KIND_SHA256, digests[0], &hits, &err),
			    &err);
	rcpt_store_hits_free(&hits);
	drop_segments(&ix);
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		read_current(data[0], data + 1, size - 1);
	else
		change_segment(data[0], data + 1, size - 1);
	return 0;
}
