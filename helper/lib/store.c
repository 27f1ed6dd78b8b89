// SPDX-License-Identifier: MIT
/*
 * The store of bundles and its LMDB index.
 *
 * Tables, all numbers big endian:
 *	names		file name -> struct record
 *	statements	id -> transparent statement
 *	trees		id -> nodes of the manifest's tree (rcpt_tree_fill())
 *	digests		kind, digest -> struct place, several
 *
 * The index is read as hostile as anything else: lengths are checked, and what
 * is found goes through the checks of statements like any other evidence.
 */
#include "store.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "bundle.h"
#include "outfile.h"

#define FIRST_MAP_SIZE	(4u << 20)
#define MAX_MAP_SIZE	((size_t)1 << 40)
#define KEY_MAX		(1 + RECEIPT_MAX_DIGEST)

enum { NAMES, STATEMENTS, TREES, DIGESTS, NTABLES };

static const struct {
	const char *name;
	unsigned int flags;
} tables[NTABLES] = {
	[NAMES] = { "names-1", 0 },
	[STATEMENTS] = { "statements-1", 0 },
	[TREES] = { "trees-1", 0 },
	[DIGESTS] = { "digests-1", MDB_DUPSORT | MDB_DUPFIXED },
};

/**
 * struct rcpt_store - an open store
 * @dir: its folder
 * @env: the index
 * @table: handles of its tables
 * @lock: held for reading around every transaction, for writing while the
 *	map is resized
 * @fresh: the index began empty
 */
struct rcpt_store {
	char *dir;
	MDB_env *env;
	MDB_dbi table[NTABLES];
	pthread_rwlock_t lock;
	bool fresh;
};

/* A bundle file. All but @id and @nleaves tell whether it has changed. */
struct record {
	uint64_t nleaves;
	uint64_t size;
	uint64_t mtime;
	uint64_t ctime;
	uint64_t ino;
	uint32_t id;
} __attribute__((packed));

/* Where a digest stands; @size is 0 for a hash envelope. */
struct place {
	uint32_t id;
	uint32_t index;
	uint32_t size;
	uint8_t usage;
} __attribute__((packed));

static int fail_lmdb(struct rcpt_error *err, int rc)
{
	enum rcpt_status status = RCPT_SYSTEM;

	switch (rc) {
	case MDB_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
		status = RCPT_MALFORMED;
	}
	return rcpt_fail(err, status, status == RCPT_SYSTEM ?
			 RECEIPT_REASON_UNREADABLE : RECEIPT_REASON_STRUCTURE,
			 RCPT_NO_OFFSET, "index: %s", mdb_strerror(rc));
}

static int fail_errno(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "%s: %s", what, strerror(errno));
}

static MDB_val value(const void *data, size_t len)
{
	return (MDB_val){ .mv_data = (void *)data, .mv_size = len };
}

/*
 * opening and closing
 */

static struct rcpt_store *new_store(const char *dir)
{
	struct rcpt_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->dir = strdup(dir);
	pthread_rwlock_init(&store->lock, NULL);
	if (!store->dir || mdb_env_create(&store->env)) {
		rcpt_store_close(store);
		return NULL;
	}
	mdb_env_set_maxdbs(store->env, NTABLES);
	mdb_env_set_mapsize(store->env, FIRST_MAP_SIZE);
	return store;
}

void rcpt_store_close(struct rcpt_store *store)
{
	if (!store)
		return;
	if (store->env)
		mdb_env_close(store->env);
	pthread_rwlock_destroy(&store->lock);
	free(store->dir);
	free(store);
}

bool rcpt_store_fresh(const struct rcpt_store *store)
{
	return store->fresh;
}

/* Bytes that the index's file must have: up to the last page in use. */
static int needed_length(MDB_env *env, int *fd, uint64_t *len)
{
	MDB_envinfo info;
	MDB_stat stat;
	int rc = mdb_env_info(env, &info);

	if (!rc)
		rc = mdb_env_stat(env, &stat);
	if (!rc)
		rc = mdb_env_get_fd(env, fd);
	if (!rc)
		*len = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	return rc;
}

/* Reading a page that a truncated file does not have would be SIGBUS. */
static int check_length(MDB_env *env)
{
	struct stat st;
	uint64_t len;
	int fd;
	int rc = needed_length(env, &fd, &len);

	if (rc)
		return rc;
	if (fstat(fd, &st))
		return errno;
	return len > (uint64_t)st.st_size ? MDB_CORRUPTED : 0;
}

/*
 * LMDB need not have written a page that became free in the same transaction.
 * Give the file its whole length, so that check_length() holds. Never shortens,
 * as another process may have written more by now.
 */
static void extend_file(MDB_env *env)
{
	uint64_t len;
	int fd;

	if (!needed_length(env, &fd, &len))
		fallocate(fd, 0, 0, len);
}

static int open_tables(struct rcpt_store *store, bool write)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &txn);
	int i;

	if (rc)
		return rc;
	for (i = 0; !rc && i < NTABLES; i++)
		rc = mdb_dbi_open(txn, tables[i].name,
				  tables[i].flags | (write ? MDB_CREATE : 0),
				  &store->table[i]);
	if (!rc)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static int open_index(struct rcpt_store *store, const char *path, bool write)
{
	int rc = mdb_env_open(store->env, path,
			      MDB_NOTLS | (write ? 0 : MDB_RDONLY), 0644);
	int dead;

	if (!rc)
		rc = check_length(store->env);
	if (rc)
		return rc;
	mdb_reader_check(store->env, &dead);
	return open_tables(store, write);
}

static int no_memory(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			 RCPT_NO_OFFSET, "out of memory");
}

int rcpt_store_open(const char *dir, struct rcpt_store **out,
		    struct rcpt_error *err)
{
	struct rcpt_store *store = new_store(dir);
	char *path = NULL;
	int rc;

	if (!store || asprintf(&path, "%s/index", dir) < 0) {
		rcpt_store_close(store);
		return no_memory(err);
	}
	rc = open_index(store, path, false);
	free(path);
	if (!rc) {
		*out = store;
		return 0;
	}
	rcpt_store_close(store);
	if (rc == ENOENT || rc == MDB_NOTFOUND)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_EVIDENCE,
				 RCPT_NO_OFFSET, "the store has no index");
	return fail_lmdb(err, rc);
}

static int make_folder(const char *path)
{
	return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

static bool is_damage(int rc)
{
	return rc == MDB_CORRUPTED || rc == MDB_INVALID ||
	       rc == MDB_VERSION_MISMATCH || rc == MDB_INCOMPATIBLE;
}

static int remove_index(const char *path)
{
	static const char *const files[] = { "data.mdb", "lock.mdb" };
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = dir < 0 ? -1 : 0;
	size_t i;

	for (i = 0; !rc && i < 2; i++)
		if (unlinkat(dir, files[i], 0) && errno != ENOENT)
			rc = -1;
	if (dir >= 0)
		close(dir);
	return rc;
}

static int is_empty(struct rcpt_store *store, bool *empty)
{
	MDB_txn *txn;
	MDB_stat stat;
	int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return rc;
	rc = mdb_stat(txn, store->table[NAMES], &stat);
	*empty = !rc && !stat.ms_entries;
	mdb_txn_abort(txn);
	return rc;
}

/* Open for writing; an index that is damaged is begun anew. */
static int create_index(struct rcpt_store **store, const char *dir,
			const char *path, struct rcpt_error *err)
{
	int rc = open_index(*store, path, true);

	if (is_damage(rc)) {
		rcpt_store_close(*store);
		*store = new_store(dir);
		if (!*store)
			return no_memory(err);
		if (remove_index(path))
			return fail_errno(err, "index");
		rc = open_index(*store, path, true);
	}
	if (!rc)
		rc = is_empty(*store, &(*store)->fresh);
	return rc ? fail_lmdb(err, rc) : 0;
}

int rcpt_store_create(const char *dir, struct rcpt_store **out,
		      struct rcpt_error *err)
{
	struct rcpt_store *store = new_store(dir);
	char *path = NULL;
	int rc;

	if (!store || asprintf(&path, "%s/index", dir) < 0) {
		rcpt_store_close(store);
		return no_memory(err);
	}
	if (make_folder(dir) || make_folder(path))
		rc = fail_errno(err, "cannot make the store");
	else
		rc = create_index(&store, dir, path, err);
	free(path);
	if (rc) {
		rcpt_store_close(store);
		return rc;
	}
	*out = store;
	return 0;
}

/*
 * transactions
 */

/* Another process has made the index larger than this one has mapped. */
static int adopt_map_size(struct rcpt_store *store)
{
	int rc;

	pthread_rwlock_wrlock(&store->lock);
	rc = mdb_env_set_mapsize(store->env, 0);
	pthread_rwlock_unlock(&store->lock);
	return rc;
}

/* On success the lock is held until end_read(). */
static int begin_read(struct rcpt_store *store, MDB_txn **txn)
{
	int rc;

	do {
		pthread_rwlock_rdlock(&store->lock);
		rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, txn);
		if (!rc)
			return 0;
		pthread_rwlock_unlock(&store->lock);
		if (rc == MDB_MAP_RESIZED && adopt_map_size(store))
			return rc;
	} while (rc == MDB_MAP_RESIZED);
	return rc;
}

static void end_read(struct rcpt_store *store, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	pthread_rwlock_unlock(&store->lock);
}

static int double_map_size(struct rcpt_store *store)
{
	MDB_envinfo info;
	int rc = mdb_env_info(store->env, &info);

	if (rc)
		return rc;
	if (info.me_mapsize >= MAX_MAP_SIZE)
		return MDB_MAP_FULL;
	return mdb_env_set_mapsize(store->env, 2 * info.me_mapsize);
}

typedef int (*change_fn)(struct rcpt_store *store, MDB_txn *txn, void *arg);

/* Run @change in one transaction, again in a larger map when it is full. */
static int change_index(struct rcpt_store *store, change_fn change, void *arg,
			struct rcpt_error *err)
{
	MDB_txn *txn;
	int rc;

	for (;;) {
		rc = mdb_txn_begin(store->env, NULL, 0, &txn);
		if (!rc) {
			rc = change(store, txn, arg);
			if (rc)
				mdb_txn_abort(txn);
			else
				rc = mdb_txn_commit(txn);
		}
		if (!rc) {
			extend_file(store->env);
			return 0;
		}
		if (rc == MDB_MAP_RESIZED)
			rc = mdb_env_set_mapsize(store->env, 0);
		else if (rc == MDB_MAP_FULL)
			rc = double_map_size(store);
		if (rc)
			return fail_lmdb(err, rc);
	}
}

/*
 * changing the index
 */

static int delete_key(MDB_txn *txn, MDB_dbi table, MDB_val key)
{
	int rc = mdb_del(txn, table, &key, NULL);

	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Take out every place of the bundle @id, in the index's byte order. */
static int delete_places(struct rcpt_store *store, MDB_txn *txn, uint32_t id)
{
	MDB_cursor *cursor;
	MDB_val key, val;
	int rc = mdb_cursor_open(txn, store->table[DIGESTS], &cursor);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT))) {
		if (val.mv_size != sizeof(struct place) ||
		    memcmp(val.mv_data, &id, sizeof(id)))
			continue;
		rc = mdb_cursor_del(cursor, 0);
		if (rc)
			break;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Forget the bundle @name if it is known. */
static int delete_bundle(struct rcpt_store *store, MDB_txn *txn, const char *name)
{
	MDB_val key = value(name, strlen(name));
	struct record record;
	uint32_t id;
	MDB_val val;
	int rc = mdb_get(txn, store->table[NAMES], &key, &val);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return rc;
	if (val.mv_size != sizeof(record))
		return MDB_CORRUPTED;
	memcpy(&record, val.mv_data, sizeof(record));
	id = record.id;
	rc = delete_places(store, txn, id);
	if (!rc)
		rc = delete_key(txn, store->table[STATEMENTS], value(&id, sizeof(id)));
	if (!rc)
		rc = delete_key(txn, store->table[TREES], value(&id, sizeof(id)));
	return rc ? rc : delete_key(txn, store->table[NAMES], key);
}

/* The next id is one more than the last that is used. */
static int next_id(struct rcpt_store *store, MDB_txn *txn, uint32_t *id)
{
	MDB_cursor *cursor;
	MDB_val key, val;
	int rc = mdb_cursor_open(txn, store->table[STATEMENTS], &cursor);

	if (rc)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &val, MDB_LAST);
	mdb_cursor_close(cursor);
	if (rc == MDB_NOTFOUND) {
		*id = htobe32(1);
		return 0;
	}
	if (rc)
		return rc;
	if (key.mv_size != sizeof(*id))
		return MDB_CORRUPTED;
	memcpy(id, key.mv_data, sizeof(*id));
	if (be32toh(*id) == UINT32_MAX)
		return MDB_MAP_FULL;
	*id = htobe32(be32toh(*id) + 1);
	return 0;
}

static size_t make_key(uint8_t out[KEY_MAX], uint8_t kind, const uint8_t *digest)
{
	size_t len = rcpt_digest_len(kind);

	out[0] = kind;
	memcpy(out + 1, digest, len);
	return 1 + len;
}

static int put_place(struct rcpt_store *store, MDB_txn *txn, uint8_t kind,
		     const uint8_t *digest, const struct place *place)
{
	uint8_t buf[KEY_MAX];
	MDB_val key = value(buf, make_key(buf, kind, digest));
	MDB_val val = value(place, sizeof(*place));
	int rc = mdb_put(txn, store->table[DIGESTS], &key, &val, MDB_NODUPDATA);

	return rc == MDB_KEYEXIST ? 0 : rc;
}

static uint8_t envelope_kind(const struct rcpt_bundle *bundle)
{
	switch (bundle->statement.header.hash_alg) {
	case RCPT_SHA256:
		return RECEIPT_KIND_SHA256;
	case RCPT_SHA384:
		return RECEIPT_KIND_SHA384;
	case RCPT_SHA512:
		return RECEIPT_KIND_SHA512;
	}
	return 0;
}

/* A hash envelope grants every operation; one of no known kind helps nobody. */
static int put_envelope(struct rcpt_store *store, MDB_txn *txn, uint32_t id,
			const struct rcpt_bundle *bundle)
{
	struct place place = { .id = id, .usage = 0xff };
	struct rcpt_span payload = bundle->statement.sign1.payload;
	uint8_t kind = envelope_kind(bundle);

	if (!kind || payload.len != rcpt_digest_len(kind))
		return 0;
	return put_place(store, txn, kind, payload.data, &place);
}

static int put_places(struct rcpt_store *store, MDB_txn *txn, uint32_t id,
		      const struct rcpt_bundle *bundle)
{
	struct place place = { .id = id, .size = htobe32(bundle->nleaves) };
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < bundle->nleaves; i++) {
		place.index = htobe32(i);
		place.usage = bundle->leaves[i].usage;
		rc = put_place(store, txn, bundle->leaves[i].kind,
			       bundle->leaves[i].digest, &place);
	}
	return rc;
}

static int put_bundle(struct rcpt_store *store, MDB_txn *txn, uint32_t id,
		      const struct rcpt_bundle *bundle)
{
	MDB_val key = value(&id, sizeof(id));
	MDB_val val = value(bundle->transparent.data, bundle->transparent.len);
	int rc = mdb_put(txn, store->table[STATEMENTS], &key, &val, 0);

	if (rc)
		return rc;
	if (!bundle->nleaves)
		return put_envelope(store, txn, id, bundle);
	val = value(bundle->nodes, rcpt_tree_nodes(bundle->nleaves) * 32);
	rc = mdb_put(txn, store->table[TREES], &key, &val, 0);
	return rc ? rc : put_places(store, txn, id, bundle);
}

/* A bundle file on its way into the index. */
struct addition {
	const char *name;
	const struct rcpt_bundle *bundle;
	struct record record;
};

static int change_add(struct rcpt_store *store, MDB_txn *txn, void *arg)
{
	struct addition *add = arg;
	MDB_val key = value(add->name, strlen(add->name));
	MDB_val val = value(&add->record, sizeof(add->record));
	uint32_t id;
	int rc = delete_bundle(store, txn, add->name);

	if (!rc)
		rc = next_id(store, txn, &id);
	if (rc)
		return rc;
	add->record.id = id;
	rc = put_bundle(store, txn, id, add->bundle);
	return rc ? rc : mdb_put(txn, store->table[NAMES], &key, &val, 0);
}

static int change_remove(struct rcpt_store *store, MDB_txn *txn, void *arg)
{
	return delete_bundle(store, txn, arg);
}

static int change_empty(struct rcpt_store *store, MDB_txn *txn, void *arg)
{
	int rc = 0;
	int i;

	(void)arg;
	for (i = 0; !rc && i < NTABLES; i++)
		rc = mdb_drop(txn, store->table[i], 0);
	return rc;
}

/*
 * bundles
 */

static uint64_t nanoseconds(struct timespec time)
{
	return htobe64((uint64_t)time.tv_sec * 1000000000u + time.tv_nsec);
}

static struct record describe(const struct stat *st)
{
	return (struct record){
		.size = htobe64(st->st_size),
		.mtime = nanoseconds(st->st_mtim),
		.ctime = nanoseconds(st->st_ctim),
		.ino = htobe64(st->st_ino),
	};
}

/* Whether the file @name is in the index as @now describes it. */
static int is_known(struct rcpt_store *store, const char *name,
		    struct record now, bool *known)
{
	MDB_val key = value(name, strlen(name));
	struct record then;
	MDB_txn *txn;
	MDB_val val;
	int rc = begin_read(store, &txn);

	*known = false;
	if (rc)
		return rc;
	rc = mdb_get(txn, store->table[NAMES], &key, &val);
	if (!rc && val.mv_size == sizeof(then)) {
		memcpy(&then, val.mv_data, sizeof(then));
		*known = then.size == now.size && then.mtime == now.mtime &&
			 then.ctime == now.ctime && then.ino == now.ino;
	}
	end_read(store, txn);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int index_bundle(struct rcpt_store *store, const char *name,
			const struct rcpt_bundle *bundle, const struct stat *st,
			struct rcpt_error *err)
{
	struct addition add = {
		.name = name,
		.bundle = bundle,
		.record = describe(st),
	};

	add.record.nleaves = htobe64(bundle->nleaves);
	return change_index(store, change_add, &add, err);
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
		rc = is_known(store, name, describe(&st), &known);
		if (rc)
			rc = fail_lmdb(err, rc);
		else if (!known)
			rc = index_bundle(store, name, &bundle, &st, err);
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
		return change_index(sync->store, change_remove, (void *)name, sync->err);
	}
	if (rcpt_bundle_parse(rcpt_span(data, len), &bundle, &why)) {
		sync->damaged(name, &why, sync->arg);
		rc = change_index(sync->store, change_remove, (void *)name, sync->err);
	} else {
		rc = index_bundle(sync->store, name, &bundle, st, sync->err);
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
		rc = is_known(sync->store, name, describe(&st), &known);
		if (rc)
			rc = fail_lmdb(sync->err, rc);
		else if (!known)
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

/* Find a name at or after @name in the index whose file is gone. */
static int find_gone(struct rcpt_store *store, MDB_txn *txn, int dir,
		     char name[RCPT_STORE_NAME])
{
	MDB_val key = value(name, strlen(name));
	MDB_cursor *cursor;
	MDB_val val;
	int rc = mdb_cursor_open(txn, store->table[NAMES], &cursor);

	if (rc)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &val, key.mv_size ? MDB_SET_RANGE : MDB_FIRST);
	while (!rc) {
		if (key.mv_size >= RCPT_STORE_NAME) {
			rc = MDB_CORRUPTED;
			break;
		}
		memcpy(name, key.mv_data, key.mv_size);
		name[key.mv_size] = '\0';
		if (faccessat(dir, name, F_OK, 0) && errno == ENOENT)
			break;
		rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc;
}

static int sync_gone(struct sync *sync)
{
	int dir = open(sync->store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[RCPT_STORE_NAME] = "";
	MDB_txn *txn;
	int rc;

	if (dir < 0)
		return fail_errno(sync->err, "cannot read the store");
	for (;;) {
		rc = begin_read(sync->store, &txn);
		if (rc)
			break;
		rc = find_gone(sync->store, txn, dir, name);
		end_read(sync->store, txn);
		if (rc)
			break;
		rc = change_index(sync->store, change_remove, name, sync->err);
		if (rc) {
			close(dir);
			return rc;
		}
	}
	close(dir);
	return rc == MDB_NOTFOUND ? 0 : fail_lmdb(sync->err, rc);
}

int rcpt_store_sync(struct rcpt_store *store, bool rebuild,
		    rcpt_store_damaged_fn damaged, void *arg,
		    struct rcpt_error *err)
{
	struct sync sync = {
		.store = store, .damaged = damaged, .arg = arg, .err = err,
	};
	int rc = rebuild ? change_index(store, change_empty, NULL, err) : 0;

	if (!rc)
		rc = sync_gone(&sync);
	return rc ? rc : sync_present(&sync);
}

/*
 * reading the index
 */

static int get_by_id(struct rcpt_store *store, MDB_txn *txn, int table,
		     uint32_t id, MDB_val *val)
{
	MDB_val key = value(&id, sizeof(id));

	return mdb_get(txn, store->table[table], &key, val);
}

static int copy_statement(struct rcpt_store *store, MDB_txn *txn, uint32_t id,
			  struct rcpt_store_hit *hit)
{
	MDB_val val;
	int rc = get_by_id(store, txn, STATEMENTS, id, &val);

	if (rc)
		return rc;
	if (!val.mv_size || val.mv_size > RCPT_MAX_STATEMENT)
		return MDB_CORRUPTED;
	hit->statement = malloc(val.mv_size);
	if (!hit->statement)
		return ENOMEM;
	memcpy(hit->statement, val.mv_data, val.mv_size);
	hit->statement_len = val.mv_size;
	return 0;
}

static int copy_path(struct rcpt_store *store, MDB_txn *txn, uint32_t id,
		     struct rcpt_store_hit *hit)
{
	MDB_val val;
	int n;
	int rc = get_by_id(store, txn, TREES, id, &val);

	if (rc)
		return rc;
	if (val.mv_size != rcpt_tree_nodes(hit->size) * 32)
		return MDB_CORRUPTED;
	n = rcpt_tree_path(val.mv_data, hit->size, hit->index, hit->path);
	if (n < 0)
		return MDB_CORRUPTED;
	hit->npath = n;
	return 0;
}

static int make_hit(struct rcpt_store *store, MDB_txn *txn, MDB_val val,
		    struct rcpt_store_hit *hit)
{
	struct place place;
	int rc;

	if (val.mv_size != sizeof(place))
		return MDB_CORRUPTED;
	memcpy(&place, val.mv_data, sizeof(place));
	*hit = (struct rcpt_store_hit){
		.manifest = place.size,
		.usage = place.usage,
		.index = be32toh(place.index),
		.size = be32toh(place.size),
	};
	rc = hit->manifest ? copy_path(store, txn, place.id, hit) : 0;
	if (!rc)
		rc = copy_statement(store, txn, place.id, hit);
	/* A place that leads nowhere is no end of the list. */
	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static int collect(struct rcpt_store *store, MDB_txn *txn, MDB_val key,
		   struct rcpt_store_hits *hits)
{
	MDB_cursor *cursor;
	MDB_val val;
	int rc = mdb_cursor_open(txn, store->table[DIGESTS], &cursor);

	if (rc)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_KEY);
	while (!rc && hits->n < RCPT_STORE_MAX_HITS) {
		struct rcpt_store_hit *more;

		more = realloc(hits->hit, (hits->n + 1) * sizeof(*more));
		if (!more) {
			rc = ENOMEM;
			break;
		}
		hits->hit = more;
		rc = make_hit(store, txn, val, &more[hits->n]);
		if (rc)
			break;
		hits->n++;
		rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT_DUP);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int rcpt_store_lookup(struct rcpt_store *store, uint8_t kind,
		      const uint8_t *digest, size_t digest_len,
		      struct rcpt_store_hits *hits, struct rcpt_error *err)
{
	uint8_t buf[KEY_MAX];
	MDB_txn *txn;
	int rc;

	memset(hits, 0, sizeof(*hits));
	if (!digest_len || digest_len != rcpt_digest_len(kind))
		return 0;
	rc = begin_read(store, &txn);
	if (rc)
		return fail_lmdb(err, rc);
	rc = collect(store, txn, value(buf, make_key(buf, kind, digest)), hits);
	end_read(store, txn);
	if (!rc)
		return 0;
	rcpt_store_hits_free(hits);
	return fail_lmdb(err, rc);
}

void rcpt_store_hits_free(struct rcpt_store_hits *hits)
{
	size_t i;

	for (i = 0; i < hits->n; i++)
		free(hits->hit[i].statement);
	free(hits->hit);
	memset(hits, 0, sizeof(*hits));
}

static int tell_item(struct rcpt_store *store, MDB_txn *txn, MDB_val key,
		     MDB_val val, rcpt_store_item_fn fn, void *arg,
		     struct rcpt_error *err)
{
	char name[RCPT_STORE_NAME] = "";
	struct rcpt_store_item item = { .name = name };
	struct record record;
	int rc;

	if (key.mv_size >= sizeof(name) || val.mv_size != sizeof(record))
		return fail_lmdb(err, MDB_CORRUPTED);
	memcpy(name, key.mv_data, key.mv_size);
	memcpy(&record, val.mv_data, sizeof(record));
	rc = get_by_id(store, txn, STATEMENTS, record.id, &val);
	if (rc)
		return fail_lmdb(err, rc);
	item.statement = rcpt_span(val.mv_data, val.mv_size);
	item.nleaves = be64toh(record.nleaves);
	return fn(&item, arg);
}

int rcpt_store_each(struct rcpt_store *store, rcpt_store_item_fn fn, void *arg,
		    struct rcpt_error *err)
{
	MDB_cursor *cursor;
	MDB_val key, val;
	MDB_txn *txn;
	int rc = begin_read(store, &txn);
	int told = 0;

	if (rc)
		return fail_lmdb(err, rc);
	rc = mdb_cursor_open(txn, store->table[NAMES], &cursor);
	if (!rc) {
		while (!told && !(rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)))
			told = tell_item(store, txn, key, val, fn, arg, err);
		mdb_cursor_close(cursor);
	}
	end_read(store, txn);
	if (told)
		return told;
	return rc == MDB_NOTFOUND ? 0 : fail_lmdb(err, rc);
}
