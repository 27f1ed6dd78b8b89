// SPDX-License-Identifier: MIT
/*
 * The index of a store, in LMDB.
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
#include "index.h"

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
 * struct rcpt_index - an open index
 * @env: the environment
 * @table: handles of its tables
 * @lock: held for reading around every transaction, for writing while the
 *	map is resized
 * @fresh: it began empty
 */
struct rcpt_index {
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

static struct rcpt_index *new_index(void)
{
	struct rcpt_index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	pthread_rwlock_init(&index->lock, NULL);
	if (mdb_env_create(&index->env)) {
		rcpt_index_close(index);
		return NULL;
	}
	mdb_env_set_maxdbs(index->env, NTABLES);
	mdb_env_set_mapsize(index->env, FIRST_MAP_SIZE);
	return index;
}

void rcpt_index_close(struct rcpt_index *index)
{
	if (!index)
		return;
	if (index->env)
		mdb_env_close(index->env);
	pthread_rwlock_destroy(&index->lock);
	free(index);
}

bool rcpt_index_fresh(const struct rcpt_index *index)
{
	return index->fresh;
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

static int open_tables(struct rcpt_index *index, bool write)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(index->env, NULL, write ? 0 : MDB_RDONLY, &txn);
	int i;

	if (rc)
		return rc;
	for (i = 0; !rc && i < NTABLES; i++)
		rc = mdb_dbi_open(txn, tables[i].name,
				  tables[i].flags | (write ? MDB_CREATE : 0),
				  &index->table[i]);
	if (!rc)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static int open_index(struct rcpt_index *index, const char *path, bool write)
{
	int rc = mdb_env_open(index->env, path,
			      MDB_NOTLS | (write ? 0 : MDB_RDONLY), 0644);
	int dead;

	if (!rc)
		rc = check_length(index->env);
	if (rc)
		return rc;
	mdb_reader_check(index->env, &dead);
	return open_tables(index, write);
}

static int no_memory(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			 RCPT_NO_OFFSET, "out of memory");
}

int rcpt_index_open(const char *path, struct rcpt_index **out,
		    struct rcpt_error *err)
{
	struct rcpt_index *index = new_index();
	int rc;

	if (!index)
		return no_memory(err);
	rc = open_index(index, path, false);
	if (!rc) {
		*out = index;
		return 0;
	}
	rcpt_index_close(index);
	if (rc == ENOENT || rc == MDB_NOTFOUND)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_NO_EVIDENCE,
				 RCPT_NO_OFFSET, "the store has no index: nothing was added to it, "
				 "or \"receiptctl store index\" is to be run");
	return fail_lmdb(err, rc);
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

static int is_empty(struct rcpt_index *index, bool *empty)
{
	MDB_txn *txn;
	MDB_stat stat;
	int rc = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return rc;
	rc = mdb_stat(txn, index->table[NAMES], &stat);
	*empty = !rc && !stat.ms_entries;
	mdb_txn_abort(txn);
	return rc;
}

int rcpt_index_create(const char *path, struct rcpt_index **out,
		      struct rcpt_error *err)
{
	struct rcpt_index *index = new_index();
	int rc;

	if (!index)
		return no_memory(err);
	rc = open_index(index, path, true);
	if (is_damage(rc)) {
		rcpt_index_close(index);
		if (remove_index(path))
			return fail_errno(err, "index");
		index = new_index();
		if (!index)
			return no_memory(err);
		rc = open_index(index, path, true);
	}
	if (!rc)
		rc = is_empty(index, &index->fresh);
	if (rc) {
		rcpt_index_close(index);
		return fail_lmdb(err, rc);
	}
	*out = index;
	return 0;
}

/*
 * transactions
 */

/* Another process has made the index larger than this one has mapped. */
static int adopt_map_size(struct rcpt_index *index)
{
	int rc;

	pthread_rwlock_wrlock(&index->lock);
	rc = mdb_env_set_mapsize(index->env, 0);
	pthread_rwlock_unlock(&index->lock);
	return rc;
}

/* On success the lock is held until end_read(). */
static int begin_read(struct rcpt_index *index, MDB_txn **txn)
{
	int rc;

	do {
		pthread_rwlock_rdlock(&index->lock);
		rc = mdb_txn_begin(index->env, NULL, MDB_RDONLY, txn);
		if (!rc)
			return 0;
		pthread_rwlock_unlock(&index->lock);
		if (rc == MDB_MAP_RESIZED && adopt_map_size(index))
			return rc;
	} while (rc == MDB_MAP_RESIZED);
	return rc;
}

static void end_read(struct rcpt_index *index, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	pthread_rwlock_unlock(&index->lock);
}

static int double_map_size(struct rcpt_index *index)
{
	MDB_envinfo info;
	int rc = mdb_env_info(index->env, &info);

	if (rc)
		return rc;
	if (info.me_mapsize >= MAX_MAP_SIZE)
		return MDB_MAP_FULL;
	return mdb_env_set_mapsize(index->env, 2 * info.me_mapsize);
}

typedef int (*change_fn)(struct rcpt_index *index, MDB_txn *txn, void *arg);

/* Run @change in one transaction, again in a larger map when it is full. */
static int change_index(struct rcpt_index *index, change_fn change, void *arg,
			struct rcpt_error *err)
{
	MDB_txn *txn;
	int rc;

	for (;;) {
		rc = mdb_txn_begin(index->env, NULL, 0, &txn);
		if (!rc) {
			rc = change(index, txn, arg);
			if (rc)
				mdb_txn_abort(txn);
			else
				rc = mdb_txn_commit(txn);
		}
		if (!rc) {
			extend_file(index->env);
			return 0;
		}
		if (rc == MDB_MAP_RESIZED)
			rc = mdb_env_set_mapsize(index->env, 0);
		else if (rc == MDB_MAP_FULL)
			rc = double_map_size(index);
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
static int delete_places(struct rcpt_index *index, MDB_txn *txn, uint32_t id)
{
	MDB_cursor *cursor;
	MDB_val key, val;
	int rc = mdb_cursor_open(txn, index->table[DIGESTS], &cursor);

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
static int delete_bundle(struct rcpt_index *index, MDB_txn *txn, const char *name)
{
	MDB_val key = value(name, strlen(name));
	struct record record;
	uint32_t id;
	MDB_val val;
	int rc = mdb_get(txn, index->table[NAMES], &key, &val);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return rc;
	if (val.mv_size != sizeof(record))
		return MDB_CORRUPTED;
	memcpy(&record, val.mv_data, sizeof(record));
	id = record.id;
	rc = delete_places(index, txn, id);
	if (!rc)
		rc = delete_key(txn, index->table[STATEMENTS], value(&id, sizeof(id)));
	if (!rc)
		rc = delete_key(txn, index->table[TREES], value(&id, sizeof(id)));
	return rc ? rc : delete_key(txn, index->table[NAMES], key);
}

/* The next id is one more than the last that is used. */
static int next_id(struct rcpt_index *index, MDB_txn *txn, uint32_t *id)
{
	MDB_cursor *cursor;
	MDB_val key, val;
	int rc = mdb_cursor_open(txn, index->table[STATEMENTS], &cursor);

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

static int put_place(struct rcpt_index *index, MDB_txn *txn, uint8_t kind,
		     const uint8_t *digest, const struct place *place)
{
	uint8_t buf[KEY_MAX];
	MDB_val key = value(buf, make_key(buf, kind, digest));
	MDB_val val = value(place, sizeof(*place));
	int rc = mdb_put(txn, index->table[DIGESTS], &key, &val, MDB_NODUPDATA);

	return rc == MDB_KEYEXIST ? 0 : rc;
}

/* A hash envelope grants every operation; one of no known kind helps nobody. */
static int put_envelope(struct rcpt_index *index, MDB_txn *txn, uint32_t id,
			const struct rcpt_bundle *bundle)
{
	struct place place = { .id = id, .usage = 0xff };
	struct rcpt_span payload = bundle->statement.sign1.payload;
	uint8_t kind = rcpt_digest_kind(bundle->statement.header.hash_alg);

	if (!kind || payload.len != rcpt_digest_len(kind))
		return 0;
	return put_place(index, txn, kind, payload.data, &place);
}

static int put_places(struct rcpt_index *index, MDB_txn *txn, uint32_t id,
		      const struct rcpt_bundle *bundle)
{
	struct place place = { .id = id, .size = htobe32(bundle->nleaves) };
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < bundle->nleaves; i++) {
		place.index = htobe32(i);
		place.usage = bundle->leaves[i].usage;
		rc = put_place(index, txn, bundle->leaves[i].kind,
			       bundle->leaves[i].digest, &place);
	}
	return rc;
}

static int put_bundle(struct rcpt_index *index, MDB_txn *txn, uint32_t id,
		      const struct rcpt_bundle *bundle)
{
	MDB_val key = value(&id, sizeof(id));
	MDB_val val = value(bundle->transparent.data, bundle->transparent.len);
	int rc = mdb_put(txn, index->table[STATEMENTS], &key, &val, 0);

	if (rc)
		return rc;
	if (!bundle->nleaves)
		return put_envelope(index, txn, id, bundle);
	val = value(bundle->nodes, rcpt_tree_nodes(bundle->nleaves) * 32);
	rc = mdb_put(txn, index->table[TREES], &key, &val, 0);
	return rc ? rc : put_places(index, txn, id, bundle);
}

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

/* A bundle file on its way into the index. */
struct addition {
	const char *name;
	const struct rcpt_bundle *bundle;
	struct record record;
};

static int change_add(struct rcpt_index *index, MDB_txn *txn, void *arg)
{
	struct addition *add = arg;
	MDB_val key = value(add->name, strlen(add->name));
	MDB_val val = value(&add->record, sizeof(add->record));
	uint32_t id;
	int rc = delete_bundle(index, txn, add->name);

	if (!rc)
		rc = next_id(index, txn, &id);
	if (rc)
		return rc;
	add->record.id = id;
	rc = put_bundle(index, txn, id, add->bundle);
	return rc ? rc : mdb_put(txn, index->table[NAMES], &key, &val, 0);
}

static int change_remove(struct rcpt_index *index, MDB_txn *txn, void *arg)
{
	return delete_bundle(index, txn, arg);
}

static int change_empty(struct rcpt_index *index, MDB_txn *txn, void *arg)
{
	int rc = 0;
	int i;

	(void)arg;
	for (i = 0; !rc && i < NTABLES; i++)
		rc = mdb_drop(txn, index->table[i], 0);
	return rc;
}

int rcpt_index_add(struct rcpt_index *index, const char *name,
		   const struct rcpt_bundle *bundle, const struct stat *st,
		   struct rcpt_error *err)
{
	struct addition add = {
		.name = name,
		.bundle = bundle,
		.record = describe(st),
	};

	add.record.nleaves = htobe64(bundle->nleaves);
	return change_index(index, change_add, &add, err);
}

int rcpt_index_remove(struct rcpt_index *index, const char *name,
		      struct rcpt_error *err)
{
	return change_index(index, change_remove, (void *)name, err);
}

int rcpt_index_clear(struct rcpt_index *index, struct rcpt_error *err)
{
	return change_index(index, change_empty, NULL, err);
}

/*
 * reading the index
 */

/* Whether two records are of the same state of a file. */
static bool same_state(const struct record *a, const struct record *b)
{
	return a->size == b->size && a->mtime == b->mtime &&
	       a->ctime == b->ctime && a->ino == b->ino;
}

int rcpt_index_known(struct rcpt_index *index, const char *name,
		     const struct stat *st, bool *known, struct rcpt_error *err)
{
	MDB_val key = value(name, strlen(name));
	struct record now = describe(st), then;
	MDB_txn *txn;
	MDB_val val;
	int rc = begin_read(index, &txn);

	*known = false;
	if (rc)
		return fail_lmdb(err, rc);
	rc = mdb_get(txn, index->table[NAMES], &key, &val);
	if (!rc && val.mv_size == sizeof(then)) {
		memcpy(&then, val.mv_data, sizeof(then));
		*known = same_state(&then, &now);
	}
	end_read(index, txn);
	return !rc || rc == MDB_NOTFOUND ? 0 : fail_lmdb(err, rc);
}

static int get_by_id(struct rcpt_index *index, MDB_txn *txn, int table,
		     uint32_t id, MDB_val *val)
{
	MDB_val key = value(&id, sizeof(id));

	return mdb_get(txn, index->table[table], &key, val);
}

static int copy_statement(struct rcpt_index *index, MDB_txn *txn, uint32_t id,
			  struct rcpt_store_hit *hit)
{
	MDB_val val;
	int rc = get_by_id(index, txn, STATEMENTS, id, &val);

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

static int copy_path(struct rcpt_index *index, MDB_txn *txn, uint32_t id,
		     struct rcpt_store_hit *hit)
{
	MDB_val val;
	int n;
	int rc = get_by_id(index, txn, TREES, id, &val);

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

static int make_hit(struct rcpt_index *index, MDB_txn *txn, MDB_val val,
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
	rc = hit->manifest ? copy_path(index, txn, place.id, hit) : 0;
	if (!rc)
		rc = copy_statement(index, txn, place.id, hit);
	/* A place that leads nowhere is no end of the list. */
	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static int collect(struct rcpt_index *index, MDB_txn *txn, MDB_val key,
		   struct rcpt_store_hits *hits)
{
	MDB_cursor *cursor;
	MDB_val val;
	int rc = mdb_cursor_open(txn, index->table[DIGESTS], &cursor);

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
		rc = make_hit(index, txn, val, &more[hits->n]);
		if (rc)
			break;
		hits->n++;
		rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT_DUP);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int rcpt_index_lookup(struct rcpt_index *index, uint8_t kind,
		      const uint8_t *digest, size_t digest_len,
		      struct rcpt_store_hits *hits, struct rcpt_error *err)
{
	uint8_t buf[KEY_MAX];
	MDB_txn *txn;
	int rc;

	memset(hits, 0, sizeof(*hits));
	if (!digest_len || digest_len != rcpt_digest_len(kind))
		return 0;
	rc = begin_read(index, &txn);
	if (rc)
		return fail_lmdb(err, rc);
	rc = collect(index, txn, value(buf, make_key(buf, kind, digest)), hits);
	end_read(index, txn);
	if (!rc)
		return 0;
	rcpt_store_hits_free(hits);
	return fail_lmdb(err, rc);
}

static int tell_item(struct rcpt_index *index, MDB_txn *txn, MDB_val key,
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
	rc = get_by_id(index, txn, STATEMENTS, record.id, &val);
	if (rc)
		return fail_lmdb(err, rc);
	item.statement = rcpt_span(val.mv_data, val.mv_size);
	item.nleaves = be64toh(record.nleaves);
	return fn(&item, arg);
}

int rcpt_index_each(struct rcpt_index *index, rcpt_store_item_fn fn, void *arg,
		    struct rcpt_error *err)
{
	MDB_cursor *cursor;
	MDB_val key, val;
	MDB_txn *txn;
	int rc = begin_read(index, &txn);
	int told = 0;

	if (rc)
		return fail_lmdb(err, rc);
	rc = mdb_cursor_open(txn, index->table[NAMES], &cursor);
	if (!rc) {
		while (!told && !(rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)))
			told = tell_item(index, txn, key, val, fn, arg, err);
		mdb_cursor_close(cursor);
	}
	end_read(index, txn);
	if (told)
		return told;
	return rc == MDB_NOTFOUND ? 0 : fail_lmdb(err, rc);
}
