// SPDX-License-Identifier: MIT
/*
 * Reading segments. Nothing in a segment is believed: every offset and number is held
 * against the file's length, every part against its sum, and a path against the root.
 */
#include "segment.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest.h"
#include "merkle.h"

#define UPPER_NODES	64	/* of a tree, read at once */

/**
 * struct table - the digests of one kind
 * @npages: pages
 * @offset: of the first
 * @fences: first digest of each page
 */
struct table {
	uint64_t npages;
	uint64_t offset;
	uint8_t *fences;
};

/**
 * struct rcpt_segment - an open segment
 * @fd: its file
 * @len: its length
 * @nbundles: entries
 * @entries: their offset
 * @table: for each kind of digest
 */
struct rcpt_segment {
	int fd;
	uint64_t len;
	uint32_t nbundles;
	uint64_t entries;
	struct table table[RCPT_KINDS];
};

static int damaged(struct rcpt_error *err, uint64_t offset, const char *what)
{
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, offset,
			 "index: %s", what);
}

uint64_t rcpt_sum(const void *data, size_t len, uint64_t begin)
{
	const uint8_t *at = data;
	uint64_t sum = begin ^ len, word;

	/* Each step maps sums one to one: a difference never gets lost. */
	for (; len; at += sizeof(word)) {
		size_t n = len < sizeof(word) ? len : sizeof(word);

		word = 0;
		memcpy(&word, at, n);
		sum = (sum ^ le64toh(word)) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 32;
		len -= n;
	}
	return sum;
}

static uint64_t nanoseconds(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000000000u + time.tv_nsec;
}

void rcpt_entry_state(const struct stat *st, uint64_t state[4])
{
	state[0] = st->st_size;
	state[1] = nanoseconds(st->st_mtim);
	state[2] = nanoseconds(st->st_ctim);
	state[3] = st->st_ino;
}

static bool fits(const struct rcpt_segment *seg, uint64_t offset, uint64_t len)
{
	return offset <= seg->len && len <= seg->len - offset;
}

static int read_at(const struct rcpt_segment *seg, uint64_t offset, void *buf, size_t len,
		   struct rcpt_error *err)
{
	uint8_t *to = buf;

	if (!fits(seg, offset, len))
		return damaged(err, offset, "points behind its end");
	while (len) {
		ssize_t n = pread(seg->fd, to, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_UNREADABLE, offset,
					 "index: cannot read: %s", strerror(errno));
		if (!n)
			return damaged(err, offset, "is cut off");
		to += n;
		offset += n;
		len -= n;
	}
	return 0;
}

/*
 * opening and closing
 */

static int open_table(struct rcpt_segment *seg, int i, const struct rcpt_disk_table *t,
		      struct rcpt_error *err)
{
	struct table *table = &seg->table[i];
	uint64_t offset = be64toh(t->fences), len;

	table->npages = be64toh(t->npages);
	table->offset = be64toh(t->offset);
	if (!table->npages)
		return 0;
	if (table->npages > seg->len / RCPT_PAGE_SIZE ||
	    !fits(seg, table->offset, table->npages * RCPT_PAGE_SIZE))
		return damaged(err, table->offset, "points behind its end");
	len = table->npages * rcpt_digest_len(i + 1);
	if (len > RCPT_MAX_FENCES || !fits(seg, offset, len))
		return damaged(err, offset, "points behind its end");
	table->fences = malloc(len);
	if (!table->fences)
		return rcpt_no_memory(err);
	if (read_at(seg, offset, table->fences, len, err))
		return -RCPT_MALFORMED;
	if (rcpt_sum(table->fences, len, i) != be64toh(t->fences_sum))
		return damaged(err, offset, "a table is not what was written");
	return 0;
}

static int open_foot(struct rcpt_segment *seg, const struct rcpt_segment_id *id,
		     struct rcpt_error *err)
{
	struct rcpt_foot foot;
	uint64_t sum;
	int rc = 0;

	if (seg->len < sizeof(foot))
		return damaged(err, 0, "is cut off");
	rc = read_at(seg, seg->len - sizeof(foot), &foot, sizeof(foot), err);
	if (rc)
		return rc;
	sum = rcpt_sum(&foot.nbundles, sizeof(foot) - 16, seg->len);
	if (memcmp(foot.magic, RCPT_SEGMENT_MAGIC, sizeof(foot.magic)) ||
	    sum != be64toh(foot.sum) || sum != id->sum)
		return damaged(err, seg->len - sizeof(foot), "the end is not what was written");
	seg->nbundles = be32toh(foot.nbundles);
	seg->entries = be64toh(foot.entries);
	if (!fits(seg, seg->entries, (uint64_t)seg->nbundles * sizeof(struct rcpt_disk_entry)))
		return damaged(err, seg->entries, "points behind its end");
	for (int i = 0; !rc && i < RCPT_KINDS; i++)
		rc = open_table(seg, i, &foot.table[i], err);
	return rc;
}

int rcpt_segment_open(int fd, const struct rcpt_segment_id *id, struct rcpt_segment **out,
		      struct rcpt_error *err)
{
	struct rcpt_segment *seg = calloc(1, sizeof(*seg));
	int rc;

	if (!seg) {
		close(fd);
		return rcpt_no_memory(err);
	}
	seg->fd = fd;
	seg->len = id->len;
	rc = open_foot(seg, id, err);
	if (rc) {
		rcpt_segment_close(seg);
		return rc;
	}
	*out = seg;
	return 0;
}

void rcpt_segment_close(struct rcpt_segment *seg)
{
	if (!seg)
		return;
	close(seg->fd);
	for (int i = 0; i < RCPT_KINDS; i++)
		free(seg->table[i].fences);
	free(seg);
}

uint32_t rcpt_segment_size(const struct rcpt_segment *seg)
{
	return seg->nbundles;
}

/*
 * bundles
 */

static uint64_t tree_offset(const struct rcpt_entry *entry)
{
	return entry->offset + entry->name_len + entry->statement_len;
}

static bool sane_entry(const struct rcpt_segment *seg, const struct rcpt_entry *e)
{
	uint64_t len = (uint64_t)e->name_len + e->statement_len +
		       rcpt_tree_nodes(e->nleaves) * 32;

	return e->name_len && e->name_len < RCPT_STORE_NAME &&
	       e->statement_len <= RCPT_MAX_STATEMENT && e->nleaves <= RCPT_MAX_LEAVES &&
	       fits(seg, e->offset, len);
}

int rcpt_segment_entry(const struct rcpt_segment *seg, uint32_t i, struct rcpt_entry *entry,
		       struct rcpt_error *err)
{
	uint64_t offset = seg->entries + (uint64_t)i * sizeof(struct rcpt_disk_entry);
	struct rcpt_disk_entry disk;
	int rc;

	if (i >= seg->nbundles)
		return damaged(err, offset, "names a bundle that it does not have");
	rc = read_at(seg, offset, &disk, sizeof(disk), err);
	if (rc)
		return rc;
	if (rcpt_sum(&disk.offset, sizeof(disk) - 8, i) != be64toh(disk.sum))
		return damaged(err, offset, "an entry is not what was written");
	*entry = (struct rcpt_entry){
		.offset = be64toh(disk.offset),
		.text_sum = be64toh(disk.text_sum),
		.name_len = be32toh(disk.name_len),
		.statement_len = be32toh(disk.statement_len),
		.nleaves = be32toh(disk.nleaves),
		.state = {
			be64toh(disk.size), be64toh(disk.mtime),
			be64toh(disk.ctime), be64toh(disk.ino),
		},
	};
	memcpy(entry->root, disk.root, sizeof(entry->root));
	return sane_entry(seg, entry) ? 0 : damaged(err, offset, "an entry is impossible");
}

int rcpt_segment_text(const struct rcpt_segment *seg, const struct rcpt_entry *entry,
		      uint8_t **text, struct rcpt_error *err)
{
	size_t len = (size_t)entry->name_len + entry->statement_len;
	int rc;

	*text = malloc(len);
	if (!*text)
		return rcpt_no_memory(err);
	rc = read_at(seg, entry->offset, *text, len, err);
	if (!rc && rcpt_sum(*text, len, entry->offset) != entry->text_sum)
		rc = damaged(err, entry->offset, "a statement is not what was written");
	/* A name stays in its folder, and ends where it ends. */
	if (!rc && (memchr(*text, '\0', entry->name_len) || memchr(*text, '/', entry->name_len)))
		rc = damaged(err, entry->offset, "has a name that is none");
	if (rc) {
		free(*text);
		*text = NULL;
	}
	return rc;
}

/*
 * digests
 */

static int read_page(const struct rcpt_segment *seg, const struct table *table, uint64_t i,
		     size_t record, struct rcpt_page *page, struct rcpt_error *err)
{
	uint64_t offset = table->offset + i * RCPT_PAGE_SIZE;
	int rc = read_at(seg, offset, page, sizeof(*page), err);

	if (rc)
		return rc;
	if (rcpt_sum(&page->count, sizeof(*page) - 8, offset) != be64toh(page->sum))
		return damaged(err, offset, "a page is not what was written");
	page->count = be16toh(page->count);
	if (!page->count || page->count > sizeof(page->records) / record)
		return damaged(err, offset, "a page is impossible");
	return 0;
}

/* The first of @n records at @base that does not sort before @digest. */
static size_t lower_bound(const uint8_t *base, size_t n, size_t record, size_t len,
			  const uint8_t *digest)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (memcmp(base + middle * record, digest, len) < 0)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static void take_place(const uint8_t *from, struct rcpt_place *place)
{
	struct rcpt_disk_place disk;

	memcpy(&disk, from, sizeof(disk));
	*place = (struct rcpt_place){
		.bare = disk.bare,
		.bundle = be32toh(disk.bundle),
		.leaf = be32toh(disk.leaf),
		.usage = disk.usage,
	};
}

int rcpt_segment_find(const struct rcpt_segment *seg, uint8_t kind, const uint8_t *digest,
		      rcpt_place_fn fn, void *arg, struct rcpt_error *err)
{
	size_t len = rcpt_digest_len(kind), record = len + sizeof(struct rcpt_disk_place), r;
	const struct table *table = &seg->table[kind - 1];
	uint64_t i = lower_bound(table->fences, table->npages, len, len, digest);
	struct rcpt_place place;
	struct rcpt_page page;
	int rc = 0;

	/* It may begin in the page before, if that has it at its end. */
	for (i -= i ? 1 : 0; i < table->npages; i++) {
		if (memcmp(table->fences + i * len, digest, len) > 0)
			return 0;
		rc = read_page(seg, table, i, record, &page, err);
		if (rc)
			return rc;
		r = lower_bound(page.records, page.count, record, len, digest);
		for (; r < page.count; r++) {
			if (memcmp(page.records + r * record, digest, len))
				return 0;
			take_place(page.records + r * record + len, &place);
			rc = fn(&place, arg);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* Siblings, lowest first; the upper levels lie side by side, and are read at once. */
static int read_path(const struct rcpt_segment *seg, const struct rcpt_entry *entry,
		     struct rcpt_store_hit *hit, struct rcpt_error *err)
{
	uint64_t offset = tree_offset(entry), index = hit->index, size = hit->size;
	uint8_t upper[UPPER_NODES][32];
	int rc;

	while (rcpt_tree_nodes(size) > UPPER_NODES) {
		uint64_t sibling = index ^ 1;

		if (sibling < size) {
			rc = read_at(seg, offset + sibling * 32, hit->path[hit->npath++], 32, err);
			if (rc)
				return rc;
		}
		offset += size * 32;
		index >>= 1;
		size = size / 2 + (size & 1);
	}
	if (!size)
		return 0;
	rc = read_at(seg, offset, upper, rcpt_tree_nodes(size) * 32, err);
	if (!rc)
		hit->npath += rcpt_tree_path((const uint8_t (*)[32])upper, size, index,
					     hit->path + hit->npath);
	return rc;
}

static int check_path(uint8_t kind, const uint8_t *digest, const struct rcpt_entry *entry,
		      const struct rcpt_store_hit *hit, struct rcpt_error *err)
{
	uint8_t leaf[32], root[32];

	if (rcpt_manifest_leaf(kind, hit->usage, digest, leaf) ||
	    rcpt_rfc9162_root(leaf, hit->index, hit->size, (const uint8_t (*)[32])hit->path,
			      hit->npath, root) ||
	    memcmp(root, entry->root, sizeof(root)))
		return damaged(err, entry->offset, "a tree is not what was written");
	return 0;
}

int rcpt_segment_hit(const struct rcpt_segment *seg, uint8_t kind, const uint8_t *digest,
		     const struct rcpt_place *place, struct rcpt_store_hit *hit,
		     struct rcpt_error *err)
{
	struct rcpt_entry entry;
	int rc = rcpt_segment_entry(seg, place->bundle, &entry, err);

	memset(hit, 0, sizeof(*hit));
	if (rc)
		return rc;
	if (!entry.statement_len || (entry.nleaves ? place->leaf >= entry.nleaves : place->leaf))
		return damaged(err, entry.offset, "names a leaf that is not there");
	hit->manifest = entry.nleaves;
	hit->usage = place->usage;
	hit->index = place->leaf;
	hit->size = entry.nleaves;
	rc = read_path(seg, &entry, hit, err);
	if (!rc && hit->manifest)
		rc = check_path(kind, digest, &entry, hit, err);
	if (!rc)
		rc = rcpt_segment_text(seg, &entry, &hit->statement, err);
	if (rc)
		return rc;
	hit->statement_len = entry.statement_len;
	memmove(hit->statement, hit->statement + entry.name_len, hit->statement_len);
	return 0;
}

/*
 * copying
 */

int rcpt_segment_each_place(const struct rcpt_segment *seg, uint8_t kind, rcpt_record_fn fn,
			    void *arg, struct rcpt_error *err)
{
	size_t len = rcpt_digest_len(kind), record = len + sizeof(struct rcpt_disk_place);
	const struct table *table = &seg->table[kind - 1];
	struct rcpt_place place;
	struct rcpt_page page;
	int rc = 0;

	for (uint64_t i = 0; !rc && i < table->npages; i++) {
		rc = read_page(seg, table, i, record, &page, err);
		for (size_t r = 0; !rc && r < page.count; r++) {
			take_place(page.records + r * record + len, &place);
			rc = fn(page.records + r * record, &place, arg);
		}
	}
	return rc;
}

int rcpt_segment_tree(const struct rcpt_segment *seg, const struct rcpt_entry *entry,
		      uint64_t from, uint8_t *nodes, size_t n, struct rcpt_error *err)
{
	return read_at(seg, tree_offset(entry) + from * 32, nodes, n * 32, err);
}
