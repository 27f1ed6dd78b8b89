// SPDX-License-Identifier: MIT
/*
 * The values in a store's index. An input is what its tables say: three lengths,
 * then a place, a record, a statement and for the rest a tree.
 */
#include "fuzz.h"

#include "../../helper/lib/index.c"

static struct rcpt_index *fuzzed;
static const uint8_t digest[RECEIPT_HASH_SIZE];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char dir[] = "/tmp/fuzz-index-XXXXXX";
	char file[sizeof(dir) + 16];

	(void)argc;
	(void)argv;
	HOLDS(mkdtemp(dir));
	HOLDS(!rcpt_index_create(dir, &fuzzed, NULL));
	mdb_env_set_flags(fuzzed->env, MDB_NOSYNC, 1);
	/* It lives on without its names, and nobody has to clean up. */
	snprintf(file, sizeof(file), "%s/data.mdb", dir);
	unlink(file);
	snprintf(file, sizeof(file), "%s/lock.mdb", dir);
	unlink(file);
	return rmdir(dir);
}

static MDB_val cut(const uint8_t **data, size_t *size, size_t len)
{
	MDB_val val;

	if (len > *size)
		len = *size;
	val = value(*data, len);
	*data += len;
	*size -= len;
	return val;
}

static int put(MDB_txn *txn, int table, MDB_val key, MDB_val val)
{
	int rc = mdb_put(txn, fuzzed->table[table], &key, &val, 0);

	return rc == MDB_BAD_VALSIZE ? 0 : rc;
}

static int change_fuzz(struct rcpt_index *index, MDB_txn *txn, void *arg)
{
	const struct rcpt_span *in = arg;
	const uint8_t *data = in->data + 3;
	size_t size = in->len - 3;
	uint8_t buf[KEY_MAX];
	MDB_val key = value(buf, make_key(buf, RECEIPT_KIND_SHA256, digest));
	MDB_val name = value("a.bundle", 8);
	const uint32_t id = htobe32(1);
	int rc = change_empty(index, txn, NULL);

	if (!rc)
		rc = put(txn, DIGESTS, key, cut(&data, &size, in->data[0] % 32));
	if (!rc)
		rc = put(txn, NAMES, name, cut(&data, &size, in->data[1] % 64));
	if (!rc)
		rc = put(txn, STATEMENTS, value(&id, sizeof(id)),
			 cut(&data, &size, in->data[2]));
	return rc ? rc : put(txn, TREES, value(&id, sizeof(id)), value(data, size));
}

static int on_item(const struct rcpt_store_item *item, void *arg)
{
	struct rcpt_statement stmt;

	(void)arg;
	if (!rcpt_statement_parse(item->statement, &stmt, NULL))
		rcpt_statement_free(&stmt);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rcpt_span in = rcpt_span(data, size);
	struct rcpt_store_hits hits = { 0 };
	struct rcpt_error err[4] = { 0 };
	struct stat st = { 0 };
	bool known;
	size_t i;

	if (size < 3)
		return 0;
	HOLDS(!change_index(fuzzed, change_fuzz, &in, NULL));
	holds_error(rcpt_index_lookup(fuzzed, RECEIPT_KIND_SHA256, digest,
				      sizeof(digest), &hits, &err[0]), &err[0]);
	for (i = 0; i < hits.n; i++)
		HOLDS(hits.hit[i].statement_len && hits.hit[i].npath <= RCPT_MAX_PATH);
	rcpt_store_hits_free(&hits);
	holds_error(rcpt_index_each(fuzzed, on_item, NULL, &err[1]), &err[1]);
	holds_error(rcpt_index_known(fuzzed, "a.bundle", &st, &known, &err[2]), &err[2]);
	holds_error(rcpt_index_remove(fuzzed, "a.bundle", &err[3]), &err[3]);
	return 0;
}
