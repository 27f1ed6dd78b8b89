// SPDX-License-Identifier: MIT
/*
 * Changing the index: new segments beside those that count, and then one rename. Who is
 * killed on the way leaves files that nobody reads, and the next one takes away.
 */
#include "index.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "index_format.h"
#include "outfile.h"

/* A segment below is written anew with what is added: so many bytes cost no time. */
#define SMALL_SEGMENT	(4u << 20)

/**
 * struct update - a change on its way
 * @ix: the index
 * @change: what it is to be in line with
 * @keep: segments, of the oldest ones, that stay as they are
 * @dead: for each segment of @ix, the bits from now on
 * @dirty: bits have changed
 * @rebuild: nothing that the index has counts
 * @fresh: files that are to be added, in the order of their age
 * @nfresh: how many
 * @added: the new segment; its length is 0 when there is none
 * @nadded: bundles in it
 * @err: filled in on failure
 */
struct update {
	struct rcpt_index *ix;
	struct rcpt_index_change *change;
	size_t keep;
	uint8_t *dead[RCPT_MAX_SEGMENTS];
	bool dirty;
	bool rebuild;
	struct rcpt_index_file **fresh;
	size_t nfresh;
	struct rcpt_segment_id added;
	uint32_t nadded;
	struct rcpt_error *err;
};

static int fail_errno(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "%s: %s", what, strerror(errno));
}

/*
 * what has changed
 */

static size_t bitmap_bytes(const struct rcpt_index *ix, size_t seg)
{
	return (rcpt_segment_size(ix->segs[seg].seg) + 7ull) / 8;
}

static int copy_bits(struct update *u)
{
	for (size_t s = 0; s < u->ix->nsegs; s++) {
		size_t bytes = bitmap_bytes(u->ix, s);

		u->dead[s] = malloc(bytes + 1);
		if (!u->dead[s])
			return rcpt_no_memory(u->err);
		memcpy(u->dead[s], u->ix->segs[s].dead, bytes);
	}
	return 0;
}

static void bury(struct update *u, const struct rcpt_index_item *item)
{
	u->dead[item->seg][item->bundle / 8] |= 1 << item->bundle % 8;
	u->dirty = true;
}

static int read_file(const struct rcpt_index_change *c, const char *name, uint8_t **data,
		     size_t *len, struct rcpt_error *err)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/%s", c->dir, name) < 0)
		return rcpt_no_memory(err);
	rc = rcpt_file_read(path, RCPT_MAX_BUNDLE, data, len, err);
	free(path);
	return rc;
}

/* What is damaged was left out before, and is told of each time. */
static void tell_damaged(const struct rcpt_index_change *c, const char *name)
{
	struct rcpt_error why = { 0 };
	struct rcpt_bundle bundle;
	uint8_t *data;
	size_t len;

	if (!c->damaged)
		return;
	if (read_file(c, name, &data, &len, &why)) {
		c->damaged(name, &why, c->arg);
		return;
	}
	if (rcpt_bundle_parse(rcpt_span(data, len), &bundle, &why))
		c->damaged(name, &why, c->arg);
	else
		rcpt_bundle_free(&bundle);
	free(data);
}

/* Both are sorted by name. */
static void compare(struct update *u, const struct rcpt_index_item *items, size_t n)
{
	struct rcpt_index_change *c = u->change;
	uint64_t state[4];
	size_t f = 0;

	for (size_t i = 0; i < n; i++) {
		struct rcpt_index_file *file;

		while (f < c->nfiles && strcmp(c->files[f].name, items[i].name) < 0)
			f++;
		file = f < c->nfiles && !strcmp(c->files[f].name, items[i].name) ?
		       &c->files[f] : NULL;
		if (file)
			rcpt_entry_state(&file->st, state);
		if (!file || file->known || memcmp(state, items[i].entry.state, sizeof(state))) {
			bury(u, &items[i]);
			continue;
		}
		file->known = true;
		if (!items[i].entry.statement_len)
			tell_damaged(c, file->name);
	}
}

static int compare_age(const void *va, const void *vb)
{
	const struct rcpt_index_file *a = *(struct rcpt_index_file *const *)va;
	const struct rcpt_index_file *b = *(struct rcpt_index_file *const *)vb;

	if (a->st.st_mtim.tv_sec != b->st.st_mtim.tv_sec)
		return a->st.st_mtim.tv_sec < b->st.st_mtim.tv_sec ? -1 : 1;
	if (a->st.st_mtim.tv_nsec != b->st.st_mtim.tv_nsec)
		return a->st.st_mtim.tv_nsec < b->st.st_mtim.tv_nsec ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int collect_fresh(struct update *u)
{
	struct rcpt_index_change *c = u->change;

	u->fresh = calloc(c->nfiles + 1, sizeof(*u->fresh));
	if (!u->fresh)
		return rcpt_no_memory(u->err);
	for (size_t i = 0; i < c->nfiles; i++)
		if (!c->files[i].known)
			u->fresh[u->nfresh++] = &c->files[i];
	qsort(u->fresh, u->nfresh, sizeof(*u->fresh), compare_age);
	return 0;
}

static bool mostly_dead(const struct update *u, size_t seg)
{
	uint32_t n = rcpt_segment_size(u->ix->segs[seg].seg), dead = 0;

	for (uint32_t i = 0; i < n; i++)
		dead += u->dead[seg][i / 8] >> i % 8 & 1;
	return 2 * (uint64_t)dead > n;
}

/*
 * The newest segments are written anew together with what is added: small ones always,
 * others when they are not much larger than what comes to them, so that there are few
 * segments, and each byte is written few times. One that is mostly dead is, with all
 * that are newer.
 */
static void choose_segments(struct update *u)
{
	uint64_t bytes = 0;
	size_t dead = 0;

	for (size_t i = 0; i < u->nfresh; i++)
		bytes += u->fresh[i]->st.st_size;
	while (dead < u->ix->nsegs && !u->rebuild && !mostly_dead(u, dead))
		dead++;
	for (u->keep = u->ix->nsegs; u->keep; u->keep--) {
		uint64_t len = u->ix->segs[u->keep - 1].id.len;

		if (u->keep <= dead && u->keep < RCPT_MAX_SEGMENTS &&
		    (!u->nfresh || (len >= SMALL_SEGMENT && len > 2 * bytes)))
			break;
		bytes += len;
	}
}

/*
 * the new segment
 */

/* Only failures of the index itself end the work. */
static int add_file(struct update *u, struct rcpt_segment_writer *w,
		    const struct rcpt_index_file *f)
{
	struct rcpt_error why = { 0 };
	struct rcpt_bundle bundle;
	uint8_t *data;
	size_t len;
	int rc;

	u->nadded++;
	if (f->bundle)
		return rcpt_segment_add(w, f->name, &f->st, f->bundle, u->err);
	rc = read_file(u->change, f->name, &data, &len, &why);
	if (rc) {
		if (u->change->damaged)
			u->change->damaged(f->name, &why, u->change->arg);
		u->nadded--;
		return 0;
	}
	rc = rcpt_bundle_parse(rcpt_span(data, len), &bundle, &why);
	if (rc && u->change->damaged)
		u->change->damaged(f->name, &why, u->change->arg);
	rc = rcpt_segment_add(w, f->name, &f->st, rc ? NULL : &bundle, u->err);
	rcpt_bundle_free(&bundle);
	free(data);
	return rc;
}

static int fill_segment(struct update *u, int fd)
{
	struct rcpt_segment_writer *w;
	int rc = rcpt_segment_begin(fd, &w, u->err);

	if (rc)
		return rc;
	for (size_t s = u->keep; !rc && !u->rebuild && s < u->ix->nsegs; s++) {
		rc = rcpt_segment_copy(w, u->ix->segs[s].seg, u->dead[s], u->err);
		for (uint32_t i = 0; i < rcpt_segment_size(u->ix->segs[s].seg); i++)
			u->nadded += !(u->dead[s][i / 8] & 1 << i % 8);
	}
	for (size_t i = 0; !rc && i < u->nfresh; i++)
		rc = add_file(u, w, u->fresh[i]);
	if (!rc)
		rc = rcpt_segment_end(w, &u->added, u->err);
	rcpt_segment_discard(w);
	return rc;
}

/*
 * files
 */

/**
 * struct place - the folders that are written to
 * @index: of the index
 * @writer: of files on their way
 */
struct place {
	int index;
	int writer;
};

static int new_file(const struct place *p, const char *name, struct rcpt_error *err)
{
	int fd;

	/* One that was killed left it. */
	if (unlinkat(p->writer, name, 0) && errno != ENOENT)
		return fail_errno(err, "cannot write the index");
	fd = openat(p->writer, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && !fchmod(fd, 0644))
		return fd;
	fail_errno(err, "cannot write the index");
	if (fd >= 0)
		close(fd);
	return -RCPT_SYSTEM;
}

static int move_in(const struct place *p, const char *from, const char *to,
		   struct rcpt_error *err)
{
	if (renameat(p->writer, from, p->index, to) || fsync(p->index))
		return fail_errno(err, "cannot write the index");
	return 0;
}

static int make_segment(struct update *u, const struct place *p)
{
	struct timespec now;
	char name[40];
	int fd = new_file(p, "segment", u->err), rc;

	if (fd < 0)
		return fd;
	rc = fill_segment(u, fd);
	close(fd);
	if (rc || !u->nadded) {
		u->added.len = 0;
		unlinkat(p->writer, "segment", 0);
		return rc;
	}
	/* No number comes again, also when the list with the last one is damaged. */
	clock_gettime(CLOCK_REALTIME, &now);
	u->added.number = now.tv_sec * 1000000000ull + now.tv_nsec;
	if (u->added.number <= u->ix->number)
		u->added.number = u->ix->number + 1;
	snprintf(name, sizeof(name), RCPT_SEGMENT_NAME, (unsigned long long)u->added.number);
	return move_in(p, "segment", name, u->err);
}

static void describe(struct rcpt_disk_segment *disk, const struct rcpt_segment_id *id,
		     uint32_t nbundles)
{
	*disk = (struct rcpt_disk_segment){
		.number = htobe64(id->number),
		.len = htobe64(id->len),
		.sum = htobe64(id->sum),
		.nbundles = htobe32(nbundles),
	};
}

/* The list, to be freed, or NULL. */
static uint8_t *make_list(const struct update *u, size_t *len)
{
	size_t nsegs = u->keep + !!u->added.len, bits;
	struct rcpt_disk_list list = { .magic = RCPT_LIST_MAGIC, .nsegs = htobe32(nsegs) };
	struct rcpt_disk_segment disk;
	uint8_t *data;

	bits = sizeof(list) + nsegs * sizeof(disk);
	*len = bits + (u->nadded + 7ull) / 8;
	for (size_t s = 0; s < u->keep; s++)
		*len += bitmap_bytes(u->ix, s);
	if (!u->added.len)
		*len -= (u->nadded + 7ull) / 8;
	data = calloc(1, *len);
	if (!data)
		return NULL;
	for (size_t s = 0; s < nsegs; s++) {
		if (s < u->keep) {
			describe(&disk, &u->ix->segs[s].id, rcpt_segment_size(u->ix->segs[s].seg));
			memcpy(data + bits, u->dead[s], bitmap_bytes(u->ix, s));
			bits += bitmap_bytes(u->ix, s);
		} else {
			describe(&disk, &u->added, u->nadded);
		}
		memcpy(data + sizeof(list) + s * sizeof(disk), &disk, sizeof(disk));
	}
	memcpy(data, &list, sizeof(list));
	list.sum = htobe64(rcpt_sum(data + 16, *len - 16, *len));
	memcpy(data, &list, sizeof(list));
	return data;
}

static int publish(struct update *u, const struct place *p)
{
	size_t len;
	uint8_t *data = make_list(u, &len);
	int fd, rc = 0;

	if (!data)
		return rcpt_no_memory(u->err);
	fd = new_file(p, "current", u->err);
	if (fd < 0)
		rc = fd;
	else if (rcpt_write_synced(fd, data, len))
		rc = fail_errno(u->err, "cannot write the index");
	if (fd >= 0)
		close(fd);
	free(data);
	return rc ? rc : move_in(p, "current", "current", u->err);
}

static bool is_listed(const struct update *u, const char *name)
{
	char listed[40];

	for (size_t s = 0; s <= u->keep; s++) {
		const struct rcpt_segment_id *id = s < u->keep ? &u->ix->segs[s].id : &u->added;

		snprintf(listed, sizeof(listed), RCPT_SEGMENT_NAME,
			 (unsigned long long)id->number);
		if (!strcmp(listed, name))
			return true;
	}
	return false;
}

/* What nobody reads any more, and what an earlier version had. */
static void clean(const struct update *u, const struct place *p)
{
	int fd = openat(p->index, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && ((!strcmp(dot, ".segment") && !is_listed(u, entry->d_name)) ||
			    !strcmp(dot, ".mdb")))
			unlinkat(p->index, entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

static int open_place(const struct rcpt_index *ix, struct place *p, struct rcpt_error *err)
{
	p->writer = -1;
	p->index = open(ix->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->index >= 0)
		p->writer = openat(p->index, "writer",
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return p->writer < 0 ? fail_errno(err, "cannot write the index") : 0;
}

static int write_all(struct update *u, bool dirty)
{
	struct place p;
	int rc = open_place(u->ix, &p, u->err);

	if (!rc && (u->nfresh || u->keep < u->ix->nsegs))
		rc = make_segment(u, &p);
	if (!rc && dirty)
		rc = publish(u, &p);
	if (!rc)
		clean(u, &p);
	if (p.writer >= 0)
		close(p.writer);
	if (p.index >= 0)
		close(p.index);
	return rc;
}

static int find_changes(struct update *u)
{
	struct rcpt_index_item *items;
	size_t n;
	int rc = copy_bits(u);

	if (!rc)
		rc = rcpt_index_items(u->ix, &items, &n, u->err);
	if (rc)
		return rc;
	compare(u, items, n);
	rcpt_index_items_free(items, n);
	return 0;
}

static int update_once(struct update *u)
{
	int rc = 0;

	u->rebuild = u->change->rebuild || u->ix->fd < 0 || u->ix->failed.status;
	if (!u->rebuild)
		rc = find_changes(u);
	for (size_t i = 0; u->rebuild && i < u->change->nfiles; i++)
		u->change->files[i].known = false;
	if (!rc)
		rc = collect_fresh(u);
	if (rc)
		return rc;
	choose_segments(u);
	return write_all(u, u->rebuild || u->dirty || u->nfresh || u->keep < u->ix->nsegs);
}

static void release(struct update *u)
{
	for (size_t s = 0; s < RCPT_MAX_SEGMENTS; s++)
		free(u->dead[s]);
	free(u->fresh);
}

int rcpt_index_update(struct rcpt_index *ix, struct rcpt_index_change *change,
		      struct rcpt_error *err)
{
	struct update u = { .ix = ix, .change = change, .err = err };
	int rc = update_once(&u);

	release(&u);
	if (rc != -RCPT_MALFORMED)
		return rc;
	/* The index is damaged: it is made from the bundles alone. */
	change->rebuild = true;
	u = (struct update){ .ix = ix, .change = change, .err = err };
	rc = update_once(&u);
	release(&u);
	return rc;
}
