// SPDX-License-Identifier: MIT
/*
 * The store: bundle files in a folder, and their index beside them.
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle.h"
#include "index.h"
#include "outfile.h"

/**
 * struct rcpt_store - an open store
 * @dir: its folder
 * @index: open
 */
struct rcpt_store {
	char *dir;
	struct rcpt_index *index;
};

static int fail_errno(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "%s: %s", what, strerror(errno));
}

static int no_memory(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			 RCPT_NO_OFFSET, "out of memory");
}

/*
 * opening and closing
 */

static int make_folder(const char *path)
{
	return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

static int open_index(struct rcpt_store *store, bool write, struct rcpt_error *err)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/index", store->dir) < 0)
		return no_memory(err);
	if (!write)
		rc = rcpt_index_open(path, &store->index, err);
	else if (make_folder(store->dir) || make_folder(path))
		rc = fail_errno(err, "cannot make the store");
	else
		rc = rcpt_index_create(path, &store->index, err);
	free(path);
	return rc;
}

static int open_store(const char *dir, bool write, struct rcpt_store **out,
		      struct rcpt_error *err)
{
	struct rcpt_store *store = calloc(1, sizeof(*store));
	int rc;

	if (!store || !(store->dir = strdup(dir)))
		rc = no_memory(err);
	else
		rc = open_index(store, write, err);
	if (rc) {
		rcpt_store_close(store);
		return rc;
	}
	*out = store;
	return 0;
}

int rcpt_store_open(const char *dir, struct rcpt_store **store,
		    struct rcpt_error *err)
{
	return open_store(dir, false, store, err);
}

int rcpt_store_create(const char *dir, struct rcpt_store **store,
		      struct rcpt_error *err)
{
	return open_store(dir, true, store, err);
}

void rcpt_store_close(struct rcpt_store *store)
{
	if (!store)
		return;
	rcpt_index_close(store->index);
	free(store->dir);
	free(store);
}

bool rcpt_store_fresh(const struct rcpt_store *store)
{
	return rcpt_index_fresh(store->index);
}

/*
 * finding
 */

int rcpt_store_lookup(struct rcpt_store *store, uint8_t kind,
		      const uint8_t *digest, size_t digest_len,
		      struct rcpt_store_hits *hits, struct rcpt_error *err)
{
	return rcpt_index_lookup(store->index, kind, digest, digest_len, hits, err);
}

void rcpt_store_hits_free(struct rcpt_store_hits *hits)
{
	size_t i;

	for (i = 0; i < hits->n; i++)
		free(hits->hit[i].statement);
	free(hits->hit);
	memset(hits, 0, sizeof(*hits));
}

int rcpt_store_each(struct rcpt_store *store, rcpt_store_item_fn fn, void *arg,
		    struct rcpt_error *err)
{
	return rcpt_index_each(store->index, fn, arg, err);
}

/*
 * adding
 */

/* The name says what is in it, so that equal bundles are one file. */
static int bundle_name(struct rcpt_span file, char name[RCPT_STORE_NAME],
		       struct rcpt_error *err)
{
	uint8_t digest[32];
	size_t i;

	if (rcpt_sha256(file.data, file.len, digest))
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "the crypto library failed");
	for (i = 0; i < sizeof(digest); i++)
		snprintf(name + 2 * i, 3, "%02x", digest[i]);
	strcpy(name + 2 * sizeof(digest), RCPT_BUNDLE_SUFFIX);
	return 0;
}

/* Equal content under that name needs no second write. */
static bool has_content(const char *path, struct rcpt_span file)
{
	uint8_t *data;
	size_t len;
	bool same;

	if (rcpt_file_read(path, file.len, &data, &len, NULL))
		return false;
	same = rcpt_span_equal(file, data, len);
	free(data);
	return same;
}

static int place_file(const char *path, struct rcpt_span file, struct stat *st,
		      struct rcpt_error *err)
{
	struct rcpt_outfile out;
	int rc;

	if (!has_content(path, file)) {
		rc = rcpt_outfile_open(path, 0644, &out, err);
		if (!rc)
			rc = rcpt_outfile_commit(&out, file.data, file.len, err);
		if (rc)
			return rc;
	}
	return stat(path, st) ? fail_errno(err, "cannot read back") : 0;
}

int rcpt_store_add(struct rcpt_store *store, struct rcpt_span file,
		   char name[RCPT_STORE_NAME], struct rcpt_error *err)
{
	struct rcpt_bundle bundle;
	char *path = NULL;
	struct stat st;
	bool known;
	int rc;

	rc = rcpt_bundle_parse(file, &bundle, err);
	if (rc)
		return rc;
	rc = bundle_name(file, name, err);
	if (!rc && asprintf(&path, "%s/%s", store->dir, name) < 0) {
		path = NULL;
		rc = no_memory(err);
	}
	if (!rc)
		rc = place_file(path, file, &st, err);
	if (!rc) {
		rc = rcpt_index_known(store->index, name, &st, &known, err);
		if (!rc && !known)
			rc = rcpt_index_add(store->index, name, &bundle, &st, err);
	}
	free(path);
	rcpt_bundle_free(&bundle);
	return rc;
}

/*
 * synchronising
 */

struct sync {
	struct rcpt_store *store;
	rcpt_store_damaged_fn damaged;
	void *arg;
	struct rcpt_error *err;
};

static bool is_bundle_name(const char *name)
{
	size_t len = strlen(name), suffix = strlen(RCPT_BUNDLE_SUFFIX);

	return name[0] != '.' && len > suffix &&
	       !strcmp(name + len - suffix, RCPT_BUNDLE_SUFFIX);
}

/* Index one file. Only failures of the index itself end the work. */
static int sync_content(struct sync *sync, const char *name, const char *path,
			const struct stat *st)
{
	struct rcpt_error why = { 0 };
	struct rcpt_bundle bundle;
	uint8_t *data;
	size_t len;
	int rc;

	if (rcpt_file_read(path, RCPT_MAX_BUNDLE, &data, &len, &why)) {
		sync->damaged(name, &why, sync->arg);
		return rcpt_index_remove(sync->store->index, name, sync->err);
	}
	if (rcpt_bundle_parse(rcpt_span(data, len), &bundle, &why)) {
		sync->damaged(name, &why, sync->arg);
		rc = rcpt_index_remove(sync->store->index, name, sync->err);
	} else {
		rc = rcpt_index_add(sync->store->index, name, &bundle, st, sync->err);
		rcpt_bundle_free(&bundle);
	}
	free(data);
	return rc;
}

static int sync_file(struct sync *sync, const char *name)
{
	struct stat st;
	char *path;
	bool known = false;
	int rc = 0;

	if (asprintf(&path, "%s/%s", sync->store->dir, name) < 0)
		return no_memory(sync->err);
	if (!stat(path, &st) && S_ISREG(st.st_mode)) {
		rc = rcpt_index_known(sync->store->index, name, &st, &known, sync->err);
		if (!rc && !known)
			rc = sync_content(sync, name, path, &st);
	}
	free(path);
	return rc;
}

static int sync_present(struct sync *sync)
{
	DIR *dir = opendir(sync->store->dir);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return fail_errno(sync->err, "cannot read the store");
	errno = 0;
	while (!rc && (entry = readdir(dir))) {
		if (is_bundle_name(entry->d_name))
			rc = sync_file(sync, entry->d_name);
		errno = 0;
	}
	if (!rc && errno)
		rc = fail_errno(sync->err, "cannot read the store");
	closedir(dir);
	return rc;
}

/* Names in the index whose files are gone. */
struct gone {
	struct sync *sync;
	char **names;
	size_t n;
};

static int note_gone(const struct rcpt_store_item *item, void *arg)
{
	struct gone *gone = arg;
	char **more, *path;
	bool there;

	if (asprintf(&path, "%s/%s", gone->sync->store->dir, item->name) < 0)
		return no_memory(gone->sync->err);
	there = !access(path, F_OK) || errno != ENOENT;
	free(path);
	if (there)
		return 0;
	more = realloc(gone->names, (gone->n + 1) * sizeof(*more));
	if (!more)
		return no_memory(gone->sync->err);
	gone->names = more;
	more[gone->n] = strdup(item->name);
	return more[gone->n++] ? 0 : no_memory(gone->sync->err);
}

static int sync_gone(struct sync *sync)
{
	struct gone gone = { .sync = sync };
	int rc = rcpt_index_each(sync->store->index, note_gone, &gone, sync->err);
	size_t i;

	for (i = 0; i < gone.n; i++) {
		if (!rc)
			rc = rcpt_index_remove(sync->store->index, gone.names[i], sync->err);
		free(gone.names[i]);
	}
	free(gone.names);
	return rc;
}

int rcpt_store_sync(struct rcpt_store *store, bool rebuild,
		    rcpt_store_damaged_fn damaged, void *arg,
		    struct rcpt_error *err)
{
	struct sync sync = {
		.store = store, .damaged = damaged, .arg = arg, .err = err,
	};
	int rc = rebuild ? rcpt_index_clear(store->index, err) : 0;

	if (!rc)
		rc = sync_gone(&sync);
	return rc ? rc : sync_present(&sync);
}
