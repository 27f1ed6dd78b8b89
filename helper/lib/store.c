// SPDX-License-Identifier: MIT
/*
 * The store: bundle files in a folder, and their index beside them.
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bundle.h"
#include "index.h"
#include "lockfile.h"
#include "outfile.h"

/* Clocks of file systems are coarse: they tick, or tell seconds alone. */
#define TICK_NS		50000000ll
#define SECONDS_NS	2000000000ll

/**
 * struct rcpt_store - an open store
 * @dir: its folder
 * @lock: of all that follows
 * @index: what is indexed
 * @state: of @index
 * @why: it is damaged
 * @seen: the folder when @missing was made; zeroed: it is to be made again
 * @missing: names of bundles that the index does not have
 * @nmissing: how many
 */
struct rcpt_store {
	char *dir;
	pthread_mutex_t lock;
	struct rcpt_index index;
	enum rcpt_store_state state;
	struct rcpt_error why;
	struct stat seen;
	char **missing;
	size_t nmissing;
};

static int fail_errno(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "%s: %s", what, strerror(errno));
}

static char *path_of(const struct rcpt_store *store, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", store->dir, name) < 0 ? NULL : path;
}

/*
 * opening and closing
 */

static int new_store(const char *dir, struct rcpt_store **out, struct rcpt_error *err)
{
	struct rcpt_store *store = calloc(1, sizeof(*store));

	if (store)
		store->dir = strdup(dir);
	if (!store || !store->dir || rcpt_index_init(&store->index, dir)) {
		if (store)
			free(store->dir);
		free(store);
		return rcpt_no_memory(err);
	}
	pthread_mutex_init(&store->lock, NULL);
	*out = store;
	return 0;
}

static void forget_missing(struct rcpt_store *store)
{
	while (store->nmissing)
		free(store->missing[--store->nmissing]);
	free(store->missing);
	store->missing = NULL;
	memset(&store->seen, 0, sizeof(store->seen));
}

void rcpt_store_close(struct rcpt_store *store)
{
	if (!store)
		return;
	forget_missing(store);
	rcpt_index_close(&store->index);
	pthread_mutex_destroy(&store->lock);
	free(store->dir);
	free(store);
}

int rcpt_store_open(const char *dir, struct rcpt_store **store,
		    struct rcpt_error *err)
{
	struct stat st;

	if (stat(dir, &st) && (errno == ENOENT || errno == ENOTDIR))
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_EVIDENCE,
				 RCPT_NO_OFFSET, "there is no store");
	return new_store(dir, store, err);
}

/* The umask of a service is no reason to keep users from asking. */
static int make_folder(const char *path, mode_t mode)
{
	struct stat st;

	if (!mkdir(path, mode))
		return chmod(path, mode);
	if (errno != EEXIST || lstat(path, &st))
		return -1;
	if (S_ISDIR(st.st_mode))
		return 0;
	errno = ENOTDIR;
	return -1;
}

int rcpt_store_create(const char *dir, struct rcpt_store **store,
		      struct rcpt_error *err)
{
	char *writer = NULL;
	int rc = new_store(dir, store, err);

	if (rc)
		return rc;
	if (asprintf(&writer, "%s/index/writer", dir) < 0) {
		writer = NULL;
		rc = rcpt_no_memory(err);
	} else if ((mkdir(dir, 0755) && errno != EEXIST) ||
		   make_folder((*store)->index.path, 0755) || make_folder(writer, 0700)) {
		rc = fail_errno(err, "cannot make the store");
	}
	free(writer);
	if (rc)
		rcpt_store_close(*store);
	return rc;
}

/*
 * the folder
 */

static bool is_bundle_name(const char *name)
{
	size_t len = strlen(name), suffix = strlen(RCPT_BUNDLE_SUFFIX);

	return name[0] != '.' && len > suffix && len < RCPT_STORE_NAME &&
	       !strcmp(name + len - suffix, RCPT_BUNDLE_SUFFIX);
}

static void free_files(struct rcpt_index_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(files[i].name);
	free(files);
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct rcpt_index_file *)a)->name,
		      ((const struct rcpt_index_file *)b)->name);
}

/* Room for one more is made when a power of two is full. */
static int append_file(struct rcpt_index_file **files, size_t *n, const char *name,
		       const struct stat *st)
{
	struct rcpt_index_file *more = *files;

	if (!(*n & (*n - 1)))
		more = realloc(more, (*n ? 2 * *n : 1) * sizeof(*more));
	if (!more)
		return -1;
	*files = more;
	more[*n] = (struct rcpt_index_file){ .name = strdup(name), .st = *st };
	if (!more[*n].name)
		return -1;
	++*n;
	return 0;
}

/* All bundle files, by name. */
static int list_folder(const struct rcpt_store *store, struct rcpt_index_file **files,
		       size_t *n, struct rcpt_error *err)
{
	DIR *dir = opendir(store->dir);
	struct dirent *entry;
	struct stat st;
	int rc = 0;

	*files = NULL;
	*n = 0;
	if (!dir)
		return fail_errno(err, "cannot read the store");
	for (errno = 0; !rc && (entry = readdir(dir)); errno = 0)
		if (is_bundle_name(entry->d_name) &&
		    !fstatat(dirfd(dir), entry->d_name, &st, 0) && S_ISREG(st.st_mode) &&
		    append_file(files, n, entry->d_name, &st))
			rc = rcpt_no_memory(err);
	if (!rc && errno)
		rc = fail_errno(err, "cannot read the store");
	closedir(dir);
	if (rc)
		free_files(*files, *n);
	else if (*n)
		qsort(*files, *n, sizeof(**files), compare_files);
	return rc;
}

/*
 * finding
 */

/* A file of the same name and length is the one that was indexed, wherever it was copied. */
static int note_missing(struct rcpt_store *store, const struct rcpt_index_item *items,
			size_t n, struct rcpt_error *err)
{
	struct rcpt_index_file *files;
	size_t nfiles, i = 0;
	int rc = list_folder(store, &files, &nfiles, err);

	if (rc)
		return rc;
	store->missing = calloc(nfiles + 1, sizeof(*store->missing));
	if (!store->missing)
		rc = rcpt_no_memory(err);
	for (size_t f = 0; !rc && f < nfiles; f++) {
		while (i < n && strcmp(items[i].name, files[f].name) < 0)
			i++;
		if (i < n && !strcmp(items[i].name, files[f].name) &&
		    items[i].entry.state[0] == (uint64_t)files[f].st.st_size)
			continue;
		store->missing[store->nmissing++] = files[f].name;
		files[f].name = NULL;
	}
	free_files(files, nfiles);
	return rc;
}

/* A folder that changed a moment ago may change again without another time. */
static bool is_settled(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - st->st_mtim.tv_sec) * 1000000000ll +
	       now.tv_nsec - st->st_mtim.tv_nsec >
	       (st->st_mtim.tv_nsec ? TICK_NS : SECONDS_NS);
}

static bool is_unchanged(const struct rcpt_store *store, const struct stat *st)
{
	const struct stat *seen = &store->seen;

	return st->st_ino == seen->st_ino && st->st_dev == seen->st_dev &&
	       st->st_mtim.tv_sec == seen->st_mtim.tv_sec &&
	       st->st_mtim.tv_nsec == seen->st_mtim.tv_nsec &&
	       st->st_ctim.tv_sec == seen->st_ctim.tv_sec &&
	       st->st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}

static void set_state(struct rcpt_store *store, int rc, const struct rcpt_error *why)
{
	store->state = !rc ? store->nmissing ? RCPT_STORE_BEHIND : RCPT_STORE_INDEXED :
		       rc == -RCPT_CANNOT_EVALUATE ? RCPT_STORE_NO_INDEX : RCPT_STORE_DAMAGED;
	store->why = *why;
}

/* Read the index when it is another one, and the folder when it or the index is. */
static int refresh(struct rcpt_store *store, struct rcpt_error *err)
{
	struct rcpt_index_item *items = NULL;
	struct rcpt_error why = { 0 };
	bool changed = false;
	struct stat st;
	size_t n = 0;
	int listed = 0, rc;

	if (stat(store->dir, &st))
		return fail_errno(err, "cannot read the store");
	rc = rcpt_index_refresh(&store->index, &changed, &why);
	if (changed || !is_unchanged(store, &st)) {
		forget_missing(store);
		if (!rc)
			rc = rcpt_index_items(&store->index, &items, &n, &why);
		if (rc == -RCPT_MALFORMED)
			rcpt_index_give_up(&store->index, &why);
		listed = note_missing(store, items, n, err);
		rcpt_index_items_free(items, n);
		if (!listed && is_settled(&st))
			store->seen = st;
	}
	set_state(store, rc, &why);
	return listed;
}

static int refresh_damaged(struct rcpt_store *store, struct rcpt_error *why,
			   struct rcpt_error *err)
{
	rcpt_index_give_up(&store->index, why);
	forget_missing(store);
	return refresh(store, err);
}

static void scan(struct rcpt_store *store, uint8_t kind, const uint8_t *digest,
		 struct rcpt_store_hits *hits)
{
	for (size_t i = 0; i < store->nmissing; i++) {
		char *path = path_of(store, store->missing[i]);

		if (path)
			rcpt_scan(path, kind, digest, hits);
		free(path);
	}
}

static int lookup(struct rcpt_store *store, uint8_t kind, const uint8_t *digest,
		  struct rcpt_store_hits *hits, struct rcpt_error *err)
{
	struct rcpt_error why = { 0 };
	int rc = refresh(store, err);

	if (!rc)
		rc = rcpt_index_lookup(&store->index, kind, digest, hits, &why);
	if (rc == -RCPT_MALFORMED)
		rc = refresh_damaged(store, &why, err);
	else if (rc && why.status)
		*err = why;
	if (!rc)
		scan(store, kind, digest, hits);
	return rc;
}

int rcpt_store_lookup(struct rcpt_store *store, uint8_t kind,
		      const uint8_t *digest, size_t digest_len,
		      struct rcpt_store_hits *hits, struct rcpt_error *err)
{
	struct rcpt_error own;
	int rc;

	memset(hits, 0, sizeof(*hits));
	if (!digest_len || digest_len != rcpt_digest_len(kind))
		return 0;
	pthread_mutex_lock(&store->lock);
	rc = lookup(store, kind, digest, hits, err ? err : &own);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

void rcpt_store_hits_free(struct rcpt_store_hits *hits)
{
	size_t i;

	for (i = 0; i < hits->n; i++)
		free(hits->hit[i].statement);
	free(hits->hit);
	memset(hits, 0, sizeof(*hits));
}

enum rcpt_store_state rcpt_store_state(struct rcpt_store *store, struct rcpt_error *why)
{
	enum rcpt_store_state state;

	pthread_mutex_lock(&store->lock);
	state = store->state;
	*why = store->why;
	pthread_mutex_unlock(&store->lock);
	return state;
}

/*
 * listing
 */

/**
 * struct walk - through all bundles
 * @store: where they are
 * @fn: told of each
 * @arg: for @fn
 * @err: filled in on failure
 */
struct walk {
	struct rcpt_store *store;
	rcpt_store_item_fn fn;
	void *arg;
	struct rcpt_error *err;
};

static int tell_indexed(const struct walk *w, const struct rcpt_index_item *item)
{
	struct rcpt_store_item told = { .name = item->name, .nleaves = item->entry.nleaves };
	uint8_t *text;
	int rc;

	if (!item->entry.statement_len)
		return 0;
	rc = rcpt_segment_text(w->store->index.segs[item->seg].seg, &item->entry, &text, w->err);
	if (rc)
		return rc;
	told.statement = rcpt_span(text + item->entry.name_len, item->entry.statement_len);
	rc = w->fn(&told, w->arg);
	free(text);
	return rc;
}

static int tell_missing(const struct walk *w, const char *name)
{
	struct rcpt_store_item item = { .name = name };
	char *path = path_of(w->store, name);
	struct rcpt_bundle bundle;
	uint8_t *data;
	size_t len;
	int rc = 0;

	if (!path)
		return rcpt_no_memory(w->err);
	/* What cannot be read, rcpt_store_check() names. */
	if (!rcpt_file_read(path, RCPT_MAX_BUNDLE, &data, &len, NULL)) {
		if (!rcpt_bundle_parse(rcpt_span(data, len), &bundle, NULL)) {
			item.statement = bundle.transparent;
			item.nleaves = bundle.nleaves;
			rc = w->fn(&item, w->arg);
			rcpt_bundle_free(&bundle);
		}
		free(data);
	}
	free(path);
	return rc;
}

/* A file that is in both has changed: it is told of as it is. */
static int walk(const struct walk *w, const struct rcpt_index_item *items, size_t n)
{
	struct rcpt_store *store = w->store;
	size_t i = 0, m = 0;
	int rc = 0;

	while (!rc && (i < n || m < store->nmissing)) {
		int order = i == n ? 1 : m == store->nmissing ? -1 :
			    strcmp(items[i].name, store->missing[m]);

		if (order < 0)
			rc = tell_indexed(w, &items[i++]);
		else
			rc = tell_missing(w, store->missing[m++]);
		if (!order)
			i++;
	}
	return rc;
}

static int each(const struct walk *w)
{
	struct rcpt_index_item *items = NULL;
	struct rcpt_error why = { 0 };
	size_t n = 0;
	int rc = refresh(w->store, w->err);

	if (!rc && rcpt_index_items(&w->store->index, &items, &n, &why))
		rc = refresh_damaged(w->store, &why, w->err);
	if (!rc)
		rc = walk(w, items, n);
	rcpt_index_items_free(items, n);
	return rc;
}

int rcpt_store_each(struct rcpt_store *store, rcpt_store_item_fn fn, void *arg,
		    struct rcpt_error *err)
{
	struct rcpt_error own;
	const struct walk w = { store, fn, arg, err ? err : &own };
	int rc;

	pthread_mutex_lock(&store->lock);
	rc = each(&w);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

/* @indexed: the index has one of this name and length. */
static void check_file(const struct rcpt_store *store, const char *name, bool indexed,
		       rcpt_store_damaged_fn fn, void *arg)
{
	char *path = path_of(store, name);
	struct rcpt_error why = { 0 };
	struct rcpt_bundle bundle;
	uint8_t *data;
	size_t len;

	if (!path)
		return;
	if (!rcpt_file_read(path, RCPT_MAX_BUNDLE, &data, &len, &why)) {
		if (!rcpt_bundle_parse(rcpt_span(data, len), &bundle, &why)) {
			rcpt_bundle_free(&bundle);
			if (!indexed)
				rcpt_fail(&why, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_EVIDENCE,
					  RCPT_NO_OFFSET,
					  "not indexed; \"receiptctl store index\" does it");
		}
		free(data);
	}
	if (why.status)
		fn(name, &why, arg);
	free(path);
}

int rcpt_store_check(struct rcpt_store *store, rcpt_store_damaged_fn fn, void *arg,
		     struct rcpt_error *err)
{
	struct rcpt_index_item *items = NULL;
	struct rcpt_index_file *files;
	struct rcpt_error why;
	uint64_t state[4];
	size_t n = 0, nfiles, i = 0;
	bool indexed;
	int rc;

	pthread_mutex_lock(&store->lock);
	rc = refresh(store, err);
	if (!rc && rcpt_index_items(&store->index, &items, &n, &why))
		n = 0;
	if (!rc)
		rc = list_folder(store, &files, &nfiles, err);
	for (size_t f = 0; !rc && f < nfiles; f++) {
		while (i < n && strcmp(items[i].name, files[f].name) < 0)
			i++;
		rcpt_entry_state(&files[f].st, state);
		indexed = i < n && !strcmp(items[i].name, files[f].name) &&
			  items[i].entry.statement_len && items[i].entry.state[0] == state[0];
		/* It was copied, or written to. */
		if (!indexed || memcmp(items[i].entry.state, state, sizeof(state)))
			check_file(store, files[f].name, indexed, fn, arg);
	}
	if (!rc)
		free_files(files, nfiles);
	rcpt_index_items_free(items, n);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

/*
 * changing
 */

static int take_lock(const struct rcpt_store *store, int *fd, struct rcpt_error *err)
{
	char *path = path_of(store, "index/writer/lock");
	int rc = path ? rcpt_lock_take(path, RCPT_LOCK_WAIT_MS, fd, err) : rcpt_no_memory(err);

	free(path);
	return rc == -RCPT_INVALID ? -RCPT_SYSTEM : rc;
}

/* The lock is held. @added: what the caller has read already, or NULL. */
static int update(struct rcpt_store *store, struct rcpt_index_change *change,
		  const struct rcpt_index_file *added, struct rcpt_error *err)
{
	struct rcpt_error why = { 0 };
	bool changed = false;
	int rc = list_folder(store, &change->files, &change->nfiles, err);

	if (rc)
		return rc;
	for (size_t i = 0; added && i < change->nfiles; i++)
		if (!strcmp(change->files[i].name, added->name))
			change->files[i].bundle = added->bundle;
	rcpt_index_refresh(&store->index, &changed, &why);
	change->dir = store->dir;
	rc = rcpt_index_update(&store->index, change, err);
	free_files(change->files, change->nfiles);
	forget_missing(store);
	return rc;
}

int rcpt_store_sync(struct rcpt_store *store, bool rebuild,
		    rcpt_store_damaged_fn damaged, void *arg,
		    struct rcpt_error *err)
{
	struct rcpt_index_change change = { .rebuild = rebuild, .damaged = damaged, .arg = arg };
	int lock, rc = take_lock(store, &lock, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&store->lock);
	rc = update(store, &change, NULL, err);
	pthread_mutex_unlock(&store->lock);
	rcpt_lock_drop(lock);
	return rc;
}

/* The name says what is in it, so that equal bundles are one file. */
static int bundle_name(struct rcpt_span file, char name[RCPT_STORE_NAME],
		       struct rcpt_error *err)
{
	uint8_t digest[32];
	size_t i;

	if (rcpt_sha256(file.data, file.len, digest))
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "the crypto library failed");
	for (i = 0; i < 32; i++)
		snprintf(name + 2 * i, 3, "%02x", digest[i]);
	strcpy(name + 2 * 32, RCPT_BUNDLE_SUFFIX);
	return 0;
}

/* Equal content under that name needs no second write. */
static bool has_content(const struct rcpt_store *store, const char *name, struct rcpt_span file)
{
	char *path = path_of(store, name);
	uint8_t *data;
	size_t len;
	bool same = false;

	if (path && !rcpt_file_read(path, file.len, &data, &len, NULL)) {
		same = rcpt_span_equal(file, data, len);
		free(data);
	}
	free(path);
	return same;
}

/* Equal content under another name is that file: the name that somebody gave it stays. */
static int find_name(const struct rcpt_store *store, struct rcpt_span file,
		     char name[RCPT_STORE_NAME], struct rcpt_error *err)
{
	struct rcpt_index_file *files;
	bool found = false;
	size_t n;
	int rc = list_folder(store, &files, &n, err);

	if (rc)
		return rc;
	for (size_t i = 0; !found && i < n; i++) {
		found = (uint64_t)files[i].st.st_size == file.len &&
			has_content(store, files[i].name, file);
		if (found)
			snprintf(name, RCPT_STORE_NAME, "%s", files[i].name);
	}
	free_files(files, n);
	return 0;
}

static int place_file(const struct rcpt_store *store, const char *name, struct rcpt_span file,
		      struct rcpt_error *err)
{
	struct rcpt_outfile out;
	char *path;
	int rc;

	if (has_content(store, name, file))
		return 0;
	path = path_of(store, name);
	if (!path)
		return rcpt_no_memory(err);
	rc = rcpt_outfile_open(path, 0644, &out, err);
	if (!rc)
		rc = rcpt_outfile_commit(&out, file.data, file.len, err);
	free(path);
	return rc;
}

static int add_bundle(struct rcpt_store *store, struct rcpt_span file,
		      const struct rcpt_bundle *bundle, char name[RCPT_STORE_NAME],
		      struct rcpt_error *err)
{
	struct rcpt_index_file added = { .name = name, .bundle = bundle };
	struct rcpt_index_change change = { 0 };
	int lock, rc = bundle_name(file, name, err);

	if (!rc)
		rc = take_lock(store, &lock, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&store->lock);
	rc = find_name(store, file, name, err);
	if (!rc)
		rc = place_file(store, name, file, err);
	if (!rc)
		rc = update(store, &change, &added, err);
	pthread_mutex_unlock(&store->lock);
	rcpt_lock_drop(lock);
	return rc;
}

int rcpt_store_add(struct rcpt_store *store, struct rcpt_span file,
		   char name[RCPT_STORE_NAME], struct rcpt_error *err)
{
	struct rcpt_bundle bundle;
	int rc = rcpt_bundle_parse(file, &bundle, err);

	if (rc)
		return rc;
	rc = add_bundle(store, file, &bundle, name, err);
	rcpt_bundle_free(&bundle);
	return rc;
}

static int remove_file(const struct rcpt_store *store, const char *name, struct rcpt_error *err)
{
	int dir = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (dir < 0)
		return fail_errno(err, "cannot read the store");
	if (unlinkat(dir, name, 0))
		rc = errno == ENOENT ? rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_NO_EVIDENCE,
						 RCPT_NO_OFFSET, "the store has no such bundle") :
		     fail_errno(err, "cannot remove");
	else if (fsync(dir))
		rc = fail_errno(err, "cannot make durable");
	close(dir);
	return rc;
}

int rcpt_store_remove(struct rcpt_store *store, const char *name, struct rcpt_error *err)
{
	struct rcpt_index_change change = { 0 };
	int lock, rc;

	if (!is_bundle_name(name) || strchr(name, '/'))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_NO_EVIDENCE, RCPT_NO_OFFSET,
				 "not a name of a bundle as \"receiptctl store list\" shows it");
	rc = take_lock(store, &lock, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&store->lock);
	rc = remove_file(store, name, err);
	if (!rc)
		rc = update(store, &change, NULL, err);
	pthread_mutex_unlock(&store->lock);
	rcpt_lock_drop(lock);
	return rc;
}
