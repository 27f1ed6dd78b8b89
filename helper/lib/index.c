// SPDX-License-Identifier: MIT
/*
 * Reading the index. Whatever it says is checked; a damaged one is an error, and the
 * caller goes by the bundles.
 */
#include "index.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index_format.h"

#define TRIES	16	/* to read an index that is replaced meanwhile */

static int damaged(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE, RCPT_NO_OFFSET,
			 "index: %s", what);
}

/*
 * opening and closing
 */

int rcpt_index_init(struct rcpt_index *ix, const char *dir)
{
	memset(ix, 0, sizeof(*ix));
	ix->fd = -1;
	if (asprintf(&ix->path, "%s/index", dir) < 0)
		ix->path = NULL;
	return ix->path ? 0 : -1;
}

static void drop_segments(struct rcpt_index *ix)
{
	while (ix->nsegs) {
		ix->nsegs--;
		rcpt_segment_close(ix->segs[ix->nsegs].seg);
		free(ix->segs[ix->nsegs].dead);
	}
}

static void drop(struct rcpt_index *ix)
{
	drop_segments(ix);
	if (ix->fd >= 0)
		close(ix->fd);
	ix->fd = -1;
}

void rcpt_index_close(struct rcpt_index *ix)
{
	if (!ix->path)
		return;
	drop(ix);
	free(ix->path);
	ix->path = NULL;
}

void rcpt_index_give_up(struct rcpt_index *ix, const struct rcpt_error *why)
{
	ix->failed = *why;
	drop_segments(ix);
}

/* DIR/index/NAME, to be freed. */
static char *path_of(const struct rcpt_index *ix, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", ix->path, name) < 0 ? NULL : path;
}

static int open_file(const struct rcpt_index *ix, const char *name, struct stat *st)
{
	char *path = path_of(ix, name);
	int fd;

	if (!path) {
		errno = ENOMEM;
		return -1;
	}
	fd = rcpt_open(AT_FDCWD, path, 0, st, NULL);
	free(path);
	return fd;
}

static int open_segment(struct rcpt_index *ix, const struct rcpt_disk_segment *disk,
			const uint8_t *dead, struct rcpt_error *err)
{
	struct rcpt_segment_id id = {
		be64toh(disk->number), be64toh(disk->len), be64toh(disk->sum),
	};
	size_t i = ix->nsegs, bytes = (be32toh(disk->nbundles) + 7ull) / 8;
	struct rcpt_segment *seg;
	struct stat st;
	char name[40];
	int fd, rc;

	snprintf(name, sizeof(name), RCPT_SEGMENT_NAME, (unsigned long long)id.number);
	fd = open_file(ix, name, &st);
	if (fd < 0)
		return damaged(err, "a segment cannot be opened");
	if ((uint64_t)st.st_size != id.len) {
		close(fd);
		return damaged(err, "a segment is of another length");
	}
	rc = rcpt_segment_open(fd, &id, &seg, err);
	if (rc)
		return rc;
	if (rcpt_segment_size(seg) != be32toh(disk->nbundles))
		rc = damaged(err, "a segment is another one");
	ix->segs[i].dead = rc ? NULL : malloc(bytes + 1);
	if (!ix->segs[i].dead) {
		rcpt_segment_close(seg);
		return rc ? rc : rcpt_no_memory(err);
	}
	memcpy(ix->segs[i].dead, dead, bytes);
	ix->segs[i].seg = seg;
	ix->segs[i].id = id;
	ix->nsegs++;
	if (id.number > ix->number)
		ix->number = id.number;
	return 0;
}

static int parse_list(struct rcpt_index *ix, const uint8_t *data, size_t len,
		      struct rcpt_error *err)
{
	struct rcpt_disk_segment seg;
	struct rcpt_disk_list list;
	size_t n, bits;
	int rc = 0;

	if (len < sizeof(list))
		return damaged(err, "is cut off");
	memcpy(&list, data, sizeof(list));
	if (memcmp(list.magic, RCPT_LIST_MAGIC, sizeof(list.magic)) ||
	    be64toh(list.sum) != rcpt_sum(data + 16, len - 16, len))
		return damaged(err, "is not what was written");
	n = be32toh(list.nsegs);
	if (n > RCPT_MAX_SEGMENTS || n * sizeof(seg) > len - sizeof(list))
		return damaged(err, "is cut off");
	bits = sizeof(list) + n * sizeof(seg);
	for (size_t i = 0; !rc && i < n; i++) {
		size_t bytes;

		memcpy(&seg, data + sizeof(list) + i * sizeof(seg), sizeof(seg));
		bytes = (be32toh(seg.nbundles) + 7ull) / 8;
		if (bytes > len - bits)
			return damaged(err, "is cut off");
		rc = open_segment(ix, &seg, data + bits, err);
		bits += bytes;
	}
	if (!rc && bits != len)
		rc = damaged(err, "is too long");
	return rc;
}

static int read_list(struct rcpt_index *ix, const struct stat *st, struct rcpt_error *err)
{
	uint8_t *data;
	ssize_t n;
	int rc;

	if (st->st_size > RCPT_MAX_LIST)
		return damaged(err, "is too long");
	data = malloc(st->st_size + 1);
	if (!data)
		return rcpt_no_memory(err);
	n = pread(ix->fd, data, st->st_size, 0);
	rc = n == st->st_size ? parse_list(ix, data, n, err) : damaged(err, "cannot be read");
	free(data);
	return rc;
}

static int load(struct rcpt_index *ix, struct rcpt_error *err)
{
	struct stat st;
	int rc;

	drop(ix);
	memset(&ix->failed, 0, sizeof(ix->failed));
	ix->fd = open_file(ix, "current", &st);
	if (ix->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_EVIDENCE,
				 RCPT_NO_OFFSET, "the store has no index");
	if (ix->fd < 0)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				 "index: cannot be opened: %s", strerror(errno));
	ix->dev = st.st_dev;
	ix->ino = st.st_ino;
	rc = read_list(ix, &st, err);
	if (rc == -RCPT_MALFORMED)
		rcpt_index_give_up(ix, err);
	else if (rc)
		drop(ix);
	return rc;
}

/* Whether "current" is the file that was read. */
static bool is_same(const struct rcpt_index *ix)
{
	char *path = path_of(ix, "current");
	struct stat st;
	int rc;

	if (!path)
		return false;
	rc = stat(path, &st);
	free(path);
	return !rc && ix->fd >= 0 && st.st_ino == ix->ino && st.st_dev == ix->dev;
}

int rcpt_index_refresh(struct rcpt_index *ix, bool *changed, struct rcpt_error *err)
{
	int rc, tries = TRIES;

	if (is_same(ix)) {
		if (ix->failed.status)
			*err = ix->failed;
		return -(int)ix->failed.status;
	}
	*changed = true;
	do {
		rc = load(ix, err);
		/* A segment that is gone need not be missing: there may be a new list. */
	} while (rc == -RCPT_MALFORMED && !is_same(ix) && --tries);
	return rc;
}

/*
 * looking up
 */

/* Places of a digest that are worth reading, with room for @n statements. */
struct finding {
	const struct rcpt_index *ix;
	size_t seg;
	size_t n;
	size_t nbare;
	size_t nplaces;
	struct {
		size_t seg;
		struct rcpt_place place;
	} places[RCPT_STORE_MAX_HITS + RCPT_STORE_MAX_BARE];
	bool broken;
};

static int note_place(const struct rcpt_place *place, void *arg)
{
	struct finding *f = arg;
	size_t max = RCPT_STORE_MAX_HITS + RCPT_STORE_MAX_BARE;

	if (place->bundle >= rcpt_segment_size(f->ix->segs[f->seg].seg)) {
		f->broken = true;
		return 1;
	}
	if (f->ix->segs[f->seg].dead[place->bundle / 8] & 1 << place->bundle % 8)
		return 0;
	/* The rest have no receipt, either. */
	if (place->bare && (f->n || f->nbare == RCPT_STORE_MAX_BARE))
		return 1;
	if (f->n == RCPT_STORE_MAX_HITS || f->nplaces == max)
		return 1;
	f->places[f->nplaces].seg = f->seg;
	f->places[f->nplaces++].place = *place;
	if (place->bare)
		f->nbare++;
	else
		f->n++;
	return 0;
}

static int read_hits(struct rcpt_index *ix, const struct finding *f, uint8_t kind,
		     const uint8_t *digest, struct rcpt_store_hits *hits, struct rcpt_error *err)
{
	size_t bytes = 0;
	int rc;

	hits->hit = calloc(f->nplaces, sizeof(*hits->hit));
	if (!hits->hit)
		return rcpt_no_memory(err);
	for (size_t i = 0; i < f->nplaces && bytes < RCPT_STORE_MAX_BYTES; i++) {
		/* What has no receipt counts only while there is nothing else. */
		if (f->places[i].place.bare && f->n)
			continue;
		rc = rcpt_segment_hit(ix->segs[f->places[i].seg].seg, kind, digest,
				      &f->places[i].place, &hits->hit[hits->n], err);
		if (rc)
			return rc;
		bytes += hits->hit[hits->n++].statement_len;
	}
	return 0;
}

int rcpt_index_lookup(struct rcpt_index *ix, uint8_t kind, const uint8_t *digest,
		      struct rcpt_store_hits *hits, struct rcpt_error *err)
{
	struct finding f = { .ix = ix };
	int rc = 0;

	memset(hits, 0, sizeof(*hits));
	for (f.seg = 0; rc >= 0 && f.seg < ix->nsegs; f.seg++)
		rc = rcpt_segment_find(ix->segs[f.seg].seg, kind, digest, note_place, &f, err);
	if (f.broken)
		rc = damaged(err, "names a bundle that it does not have");
	if (rc >= 0)
		rc = f.nplaces ? read_hits(ix, &f, kind, digest, hits, err) : 0;
	if (rc)
		rcpt_store_hits_free(hits);
	return rc;
}

/*
 * listing
 */

void rcpt_index_items_free(struct rcpt_index_item *items, size_t n)
{
	for (size_t i = 0; items && i < n; i++)
		free(items[i].name);
	free(items);
}

static int read_item(const struct rcpt_index *ix, size_t seg, uint32_t i,
		     struct rcpt_index_item *item, struct rcpt_error *err)
{
	uint8_t *text;
	int rc = rcpt_segment_entry(ix->segs[seg].seg, i, &item->entry, err);

	if (!rc)
		rc = rcpt_segment_text(ix->segs[seg].seg, &item->entry, &text, err);
	if (rc)
		return rc;
	item->name = strndup((char *)text, item->entry.name_len);
	item->seg = seg;
	item->bundle = i;
	free(text);
	return item->name ? 0 : rcpt_no_memory(err);
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(((const struct rcpt_index_item *)a)->name,
		      ((const struct rcpt_index_item *)b)->name);
}

int rcpt_index_items(struct rcpt_index *ix, struct rcpt_index_item **out, size_t *n,
		     struct rcpt_error *err)
{
	struct rcpt_index_item *items;
	size_t total = 0;
	int rc = 0;

	*n = 0;
	for (size_t s = 0; s < ix->nsegs; s++)
		total += rcpt_segment_size(ix->segs[s].seg);
	items = calloc(total + 1, sizeof(*items));
	if (!items)
		return rcpt_no_memory(err);
	for (size_t s = 0; !rc && s < ix->nsegs; s++)
		for (uint32_t i = 0; !rc && i < rcpt_segment_size(ix->segs[s].seg); i++) {
			if (ix->segs[s].dead[i / 8] & 1 << i % 8)
				continue;
			rc = read_item(ix, s, i, &items[*n], err);
			if (!rc)
				++*n;
		}
	if (rc) {
		rcpt_index_items_free(items, total);
		*n = 0;
		return rc;
	}
	qsort(items, *n, sizeof(*items), compare_items);
	*out = items;
	return 0;
}
