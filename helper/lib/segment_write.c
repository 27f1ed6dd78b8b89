// SPDX-License-Identifier: MIT
/*
 * Writing segments: from the first byte to the last, every byte allocated and durable
 * before anybody is told of the file.
 */
#include "segment.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest.h"
#include "merkle.h"

#define BUFFER		(256u << 10)
#define COPY_NODES	1024
#define MAX_RECORD	(RECEIPT_MAX_DIGEST + sizeof(struct rcpt_disk_place))

/* Records of one kind of digest, @n of them. */
struct records {
	uint8_t *at;
	size_t n;
	size_t room;
};

/**
 * struct rcpt_segment_writer - a segment on its way
 * @fd: its file
 * @offset: bytes up to now, with those in @buffer
 * @allocated: bytes that the file has room for
 * @used: bytes in @buffer
 * @buffer: not written yet
 * @error: errno of what went wrong; nothing is written after it
 * @entries: @nbundles of them
 * @nbundles: bundles up to now
 * @room: entries that there is room for
 * @records: for each kind of digest
 */
struct rcpt_segment_writer {
	int fd;
	uint64_t offset;
	uint64_t allocated;
	size_t used;
	uint8_t *buffer;
	int error;
	struct rcpt_disk_entry *entries;
	uint32_t nbundles;
	size_t room;
	struct records records[RCPT_KINDS];
};

static int written(const struct rcpt_segment_writer *w, struct rcpt_error *err)
{
	if (!w->error)
		return 0;
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "cannot write the index: %s", strerror(w->error));
}

/* A disk that is full says so here. Where there is no such call, write() says it. */
static void allocate(struct rcpt_segment_writer *w)
{
	while (!w->error && w->allocated < w->offset) {
		if (!fallocate(w->fd, 0, w->allocated, w->offset - w->allocated) ||
		    errno == EOPNOTSUPP || errno == ENOSYS)
			w->allocated = w->offset;
		else if (errno != EINTR)
			w->error = errno;
	}
}

static void flush(struct rcpt_segment_writer *w)
{
	uint8_t *from = w->buffer;

	allocate(w);
	while (w->used && !w->error) {
		ssize_t n = write(w->fd, from, w->used);

		if (n < 0 && errno != EINTR)
			w->error = errno;
		if (n <= 0)
			continue;
		from += n;
		w->used -= n;
	}
	w->used = 0;
}

static void put(struct rcpt_segment_writer *w, const void *data, size_t len)
{
	const uint8_t *from = data;

	w->offset += len;
	while (len && !w->error) {
		size_t n = BUFFER - w->used < len ? BUFFER - w->used : len;

		memcpy(w->buffer + w->used, from, n);
		w->used += n;
		from += n;
		len -= n;
		if (w->used == BUFFER)
			flush(w);
	}
}

int rcpt_segment_begin(int fd, struct rcpt_segment_writer **out, struct rcpt_error *err)
{
	struct rcpt_segment_writer *w = calloc(1, sizeof(*w));

	if (w)
		w->buffer = malloc(BUFFER);
	if (!w || !w->buffer) {
		free(w);
		return rcpt_no_memory(err);
	}
	w->fd = fd;
	*out = w;
	return 0;
}

void rcpt_segment_discard(struct rcpt_segment_writer *w)
{
	if (!w)
		return;
	for (int i = 0; i < RCPT_KINDS; i++)
		free(w->records[i].at);
	free(w->entries);
	free(w->buffer);
	free(w);
}

/*
 * adding
 */

static int add_record(struct rcpt_segment_writer *w, uint8_t kind, const uint8_t *digest,
		      const struct rcpt_place *place, struct rcpt_error *err)
{
	struct records *r = &w->records[kind - 1];
	size_t len = rcpt_digest_len(kind), record = len + sizeof(struct rcpt_disk_place);
	const struct rcpt_disk_place disk = {
		.bare = place->bare,
		.bundle = htobe32(place->bundle),
		.leaf = htobe32(place->leaf),
		.usage = place->usage,
	};

	if (r->n == r->room) {
		size_t room = r->room ? r->room + r->room / 2 : 1024;
		uint8_t *more = realloc(r->at, room * record);

		if (!more)
			return rcpt_no_memory(err);
		r->at = more;
		r->room = room;
	}
	memcpy(r->at + r->n * record, digest, len);
	memcpy(r->at + r->n++ * record + len, &disk, sizeof(disk));
	return 0;
}

static struct rcpt_disk_entry *new_entry(struct rcpt_segment_writer *w, struct rcpt_error *err)
{
	if (w->nbundles == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		struct rcpt_disk_entry *more = NULL;

		if (room <= UINT32_MAX)
			more = realloc(w->entries, room * sizeof(*more));
		if (!more) {
			rcpt_no_memory(err);
			return NULL;
		}
		w->entries = more;
		w->room = room;
	}
	return memset(&w->entries[w->nbundles++], 0, sizeof(*w->entries));
}

static void seal_entry(struct rcpt_segment_writer *w, struct rcpt_disk_entry *entry)
{
	entry->sum = htobe64(rcpt_sum(&entry->offset, sizeof(*entry) - 8, entry - w->entries));
}

static int add_leaves(struct rcpt_segment_writer *w, const struct rcpt_bundle *bundle,
		      struct rcpt_error *err)
{
	struct rcpt_place place = {
		.bare = !bundle->statement.nreceipts,
		.bundle = w->nbundles - 1,
		.usage = 0xff,
	};
	struct rcpt_span payload = bundle->statement.sign1.payload;
	uint8_t kind = rcpt_digest_kind(bundle->statement.header.hash_alg);
	int rc = 0;

	/* A hash envelope grants every operation; one of no known kind helps nobody. */
	if (!bundle->nleaves)
		return !kind || payload.len != rcpt_digest_len(kind) ? 0 :
		       add_record(w, kind, payload.data, &place, err);
	for (size_t i = 0; !rc && i < bundle->nleaves; i++) {
		place.leaf = i;
		place.usage = bundle->leaves[i].usage;
		rc = add_record(w, bundle->leaves[i].kind, bundle->leaves[i].digest, &place, err);
	}
	return rc;
}

/* Name and statement, side by side, as they are summed up. */
static int put_text(struct rcpt_segment_writer *w, struct rcpt_disk_entry *entry,
		    const char *name, struct rcpt_span statement, struct rcpt_error *err)
{
	size_t n = strlen(name);
	uint8_t *text = malloc(n + statement.len);

	if (!text)
		return rcpt_no_memory(err);
	memcpy(text, name, n);
	if (statement.len)
		memcpy(text + n, statement.data, statement.len);
	entry->offset = htobe64(w->offset);
	entry->name_len = htobe32(n);
	entry->statement_len = htobe32(statement.len);
	entry->text_sum = htobe64(rcpt_sum(text, n + statement.len, w->offset));
	put(w, text, n + statement.len);
	free(text);
	return 0;
}

int rcpt_segment_add(struct rcpt_segment_writer *w, const char *name, const struct stat *st,
		     const struct rcpt_bundle *bundle, struct rcpt_error *err)
{
	struct rcpt_disk_entry *entry = new_entry(w, err);
	struct rcpt_span nothing = { 0 };
	uint64_t state[4], nodes;

	if (!entry || put_text(w, entry, name, bundle ? bundle->transparent : nothing, err))
		return -RCPT_SYSTEM;
	rcpt_entry_state(st, state);
	entry->size = htobe64(state[0]);
	entry->mtime = htobe64(state[1]);
	entry->ctime = htobe64(state[2]);
	entry->ino = htobe64(state[3]);
	if (bundle && bundle->nleaves) {
		nodes = rcpt_tree_nodes(bundle->nleaves);
		entry->nleaves = htobe32(bundle->nleaves);
		memcpy(entry->root, bundle->nodes[nodes - 1], sizeof(entry->root));
		put(w, bundle->nodes, nodes * 32);
	}
	seal_entry(w, entry);
	if (bundle && add_leaves(w, bundle, err))
		return -RCPT_SYSTEM;
	return written(w, err);
}

/*
 * copying
 */

/* From a segment into another. */
struct copying {
	struct rcpt_segment_writer *w;
	uint32_t *numbers;	/* for each bundle its new one, UINT32_MAX for one left out */
	uint32_t n;
	uint8_t kind;
	struct rcpt_error *err;
};

static int copy_place(const uint8_t *digest, const struct rcpt_place *place, void *arg)
{
	struct copying *c = arg;
	struct rcpt_place moved = *place;

	if (place->bundle >= c->n)
		return rcpt_fail(c->err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
				 "index: names a bundle that it does not have");
	moved.bundle = c->numbers[place->bundle];
	if (moved.bundle == UINT32_MAX)
		return 0;
	return add_record(c->w, c->kind, digest, &moved, c->err);
}

static int copy_tree(struct rcpt_segment_writer *w, const struct rcpt_segment *from,
		     const struct rcpt_entry *e, struct rcpt_error *err)
{
	uint64_t left = rcpt_tree_nodes(e->nleaves), done = 0;
	uint8_t nodes[COPY_NODES * 32];
	int rc = 0;

	while (left && !rc) {
		size_t n = left < COPY_NODES ? left : COPY_NODES;

		rc = rcpt_segment_tree(from, e, done, nodes, n, err);
		if (!rc)
			put(w, nodes, n * 32);
		done += n;
		left -= n;
	}
	return rc;
}

static int copy_bundle(struct copying *c, const struct rcpt_segment *from, uint32_t i)
{
	struct rcpt_disk_entry *entry;
	struct rcpt_entry e;
	uint8_t *text;
	size_t len;
	int rc = rcpt_segment_entry(from, i, &e, c->err);

	if (!rc)
		rc = rcpt_segment_text(from, &e, &text, c->err);
	if (rc)
		return rc;
	c->numbers[i] = c->w->nbundles;
	entry = new_entry(c->w, c->err);
	if (!entry) {
		free(text);
		return -RCPT_SYSTEM;
	}
	len = (size_t)e.name_len + e.statement_len;
	entry->offset = htobe64(c->w->offset);
	entry->text_sum = htobe64(rcpt_sum(text, len, c->w->offset));
	entry->name_len = htobe32(e.name_len);
	entry->statement_len = htobe32(e.statement_len);
	entry->nleaves = htobe32(e.nleaves);
	entry->size = htobe64(e.state[0]);
	entry->mtime = htobe64(e.state[1]);
	entry->ctime = htobe64(e.state[2]);
	entry->ino = htobe64(e.state[3]);
	memcpy(entry->root, e.root, sizeof(e.root));
	seal_entry(c->w, entry);
	put(c->w, text, len);
	free(text);
	rc = copy_tree(c->w, from, &e, c->err);
	return rc ? rc : written(c->w, c->err);
}

int rcpt_segment_copy(struct rcpt_segment_writer *w, const struct rcpt_segment *from,
		      const uint8_t *dead, struct rcpt_error *err)
{
	struct copying c = { .w = w, .n = rcpt_segment_size(from), .err = err };
	int rc = 0;

	c.numbers = malloc((size_t)c.n * sizeof(*c.numbers) + 1);
	if (!c.numbers)
		return rcpt_no_memory(err);
	for (uint32_t i = 0; !rc && i < c.n; i++) {
		c.numbers[i] = UINT32_MAX;
		if (!(dead[i / 8] & 1 << i % 8))
			rc = copy_bundle(&c, from, i);
	}
	for (c.kind = 1; !rc && c.kind <= RCPT_KINDS; c.kind++)
		rc = rcpt_segment_each_place(from, c.kind, copy_place, &c, err);
	free(c.numbers);
	return rc;
}

/*
 * ending
 */

static int compare(const void *a, const void *b, void *record)
{
	return memcmp(a, b, *(size_t *)record);
}

/*
 * Of equal leaves of one bundle those stay that grant what the ones before them do not:
 * a statement cannot fill the index with one digest.
 */
static void sort_records(struct records *r, size_t len, size_t record)
{
	struct rcpt_disk_place place, last = { 0 };
	uint8_t granted = 0;
	size_t n = 0;

	if (r->n)
		qsort_r(r->at, r->n, record, compare, &record);
	for (size_t i = 0; i < r->n; i++) {
		const uint8_t *from = r->at + i * record;

		memcpy(&place, from + len, sizeof(place));
		if (!n || last.bundle != place.bundle ||
		    memcmp(r->at + (n - 1) * record, from, len))
			granted = 0;
		else if (!(place.usage & ~granted))
			continue;
		granted |= place.usage;
		last = place;
		memmove(r->at + n++ * record, from, record);
	}
	r->n = n;
}

static void put_pages(struct rcpt_segment_writer *w, const struct records *r, size_t record)
{
	size_t most = sizeof(((struct rcpt_page *)NULL)->records) / record;

	for (size_t i = 0; i < r->n; i += most) {
		size_t n = r->n - i < most ? r->n - i : most;
		struct rcpt_page page = { .count = htobe16(n) };

		memcpy(page.records, r->at + i * record, n * record);
		page.sum = htobe64(rcpt_sum(&page.count, sizeof(page) - 8, w->offset));
		put(w, &page, sizeof(page));
	}
}

static int put_fences(struct rcpt_segment_writer *w, int kind, const struct records *r,
		      struct rcpt_disk_table *table, struct rcpt_error *err)
{
	size_t len = rcpt_digest_len(kind + 1), record = len + sizeof(struct rcpt_disk_place);
	size_t most = sizeof(((struct rcpt_page *)NULL)->records) / record;
	size_t npages = (r->n + most - 1) / most;
	uint8_t *fences = malloc(npages * len + 1);

	if (!fences)
		return rcpt_no_memory(err);
	for (size_t i = 0; i < npages; i++)
		memcpy(fences + i * len, r->at + i * most * record, len);
	table->npages = htobe64(npages);
	table->fences = htobe64(w->offset);
	table->fences_sum = htobe64(rcpt_sum(fences, npages * len, kind));
	put(w, fences, npages * len);
	free(fences);
	return 0;
}

static int put_tables(struct rcpt_segment_writer *w, struct rcpt_foot *foot,
		      struct rcpt_error *err)
{
	int rc = 0;

	for (int i = 0; i < RCPT_KINDS; i++) {
		size_t len = rcpt_digest_len(i + 1), record = len + sizeof(struct rcpt_disk_place);

		sort_records(&w->records[i], len, record);
		foot->table[i].offset = htobe64(w->offset);
		put_pages(w, &w->records[i], record);
	}
	for (int i = 0; !rc && i < RCPT_KINDS; i++)
		rc = put_fences(w, i, &w->records[i], &foot->table[i], err);
	return rc;
}

int rcpt_segment_end(struct rcpt_segment_writer *w, struct rcpt_segment_id *id,
		     struct rcpt_error *err)
{
	struct rcpt_foot foot = { .nbundles = htobe32(w->nbundles) };
	int rc = put_tables(w, &foot, err);

	if (rc)
		return rc;
	memcpy(foot.magic, RCPT_SEGMENT_MAGIC, sizeof(foot.magic));
	foot.entries = htobe64(w->offset);
	put(w, w->entries, w->nbundles * sizeof(*w->entries));
	id->len = w->offset + sizeof(foot);
	id->sum = rcpt_sum(&foot.nbundles, sizeof(foot) - 16, id->len);
	foot.sum = htobe64(id->sum);
	put(w, &foot, sizeof(foot));
	flush(w);
	if (!w->error && fsync(w->fd))
		w->error = errno;
	return written(w, err);
}
