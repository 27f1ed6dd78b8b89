// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <time.h>

#include "folder.h"
#include "sample.h"
#include "store.h"

static struct rcpt_signer signer;

static int make_key(void **state)
{
	(void)state;
	return rcpt_signer_generate(RCPT_ES256, &signer, NULL);
}

static int drop_key(void **state)
{
	(void)state;
	rcpt_signer_free(&signer);
	return 0;
}

static long elapsed_us(const struct timespec *begin)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin->tv_sec) * 1000000 +
	       (end.tv_nsec - begin->tv_nsec) / 1000;
}

static struct rcpt_store *create(const char *dir)
{
	struct rcpt_error err = { .text = "" };
	struct rcpt_store *store;

	if (rcpt_store_create(dir, &store, &err))
		fail_msg("%s", err.text);
	return store;
}

static struct rcpt_store *open_store(const char *dir)
{
	struct rcpt_error err = { .text = "" };
	struct rcpt_store *store;

	if (rcpt_store_open(dir, &store, &err))
		fail_msg("%s", err.text);
	return store;
}

/* Add a bundle of @n leaves whose digests are those of @first and on. */
static void add(struct rcpt_store *store, size_t n, uint64_t first, const char *sub,
		char name[RCPT_STORE_NAME])
{
	struct sample_leaves s = sample_leaves(n, first);
	struct rcpt_error err = { .text = "" };
	uint8_t *data;
	size_t len;

	sample_bundle(&signer, &s, sub, &data, &len);
	if (rcpt_store_add(store, rcpt_span(data, len), name, &err))
		fail_msg("%s", err.text);
	free(data);
	sample_leaves_free(&s);
}

static struct rcpt_store_hits find(struct rcpt_store *store, uint64_t seed)
{
	struct rcpt_error err = { .text = "" };
	struct rcpt_store_hits hits;
	uint8_t digest[32];

	sample_digest(seed, digest);
	if (rcpt_store_lookup(store, RECEIPT_KIND_SHA256, digest, 32, &hits, &err))
		fail_msg("%s", err.text);
	return hits;
}

static size_t count(struct rcpt_store *store, uint64_t seed)
{
	struct rcpt_store_hits hits = find(store, seed);
	size_t n = hits.n;

	rcpt_store_hits_free(&hits);
	return n;
}

/* What was found proves the digest under the statement's own payload. */
static void check_hit(const struct rcpt_store_hit *hit, uint64_t seed, const char *sub)
{
	struct rcpt_statement stmt;
	uint8_t digest[32], leaf[32], root[32];

	assert_int_equal(rcpt_statement_parse(rcpt_span(hit->statement, hit->statement_len),
					      &stmt, NULL), 0);
	assert_true(rcpt_span_equal(stmt.header.claims.sub, sub, strlen(sub)));
	assert_true(hit->manifest);
	sample_digest(seed, digest);
	rcpt_manifest_leaf(RECEIPT_KIND_SHA256, hit->usage, digest, leaf);
	assert_int_equal(rcpt_rfc9162_root(leaf, hit->index, hit->size,
					   (const uint8_t (*)[32])hit->path, hit->npath,
					   root), 0);
	assert_true(rcpt_span_equal(stmt.sign1.payload, root, 32));
	rcpt_statement_free(&stmt);
}

static void test_no_index(void **state)
{
	char *dir = folder_make();
	struct rcpt_store *store;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(rcpt_store_open(dir, &store, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(rcpt_store_open("/nonexistent", &store, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(rcpt_store_create("/nonexistent/a", &store, &err), -RCPT_SYSTEM);
	folder_remove(dir);
}

static void test_find(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir), *reader;
	struct rcpt_store_hits hits;
	uint64_t i;

	(void)state;
	assert_true(rcpt_store_fresh(store));
	add(store, 13, 100, "tools", name);
	rcpt_store_close(store);
	reader = open_store(dir);
	for (i = 0; i < 13; i++) {
		hits = find(reader, 100 + i);
		assert_int_equal(hits.n, 1);
		assert_int_equal(hits.hit[0].index, i);
		check_hit(&hits.hit[0], 100 + i, "tools");
		rcpt_store_hits_free(&hits);
	}
	assert_int_equal(count(reader, 99), 0);
	assert_int_equal(count(reader, 113), 0);
	rcpt_store_close(reader);
	folder_remove(dir);
}

static void test_wrong_kind(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	struct rcpt_store_hits hits;
	uint8_t digest[64] = { 0 };

	(void)state;
	add(store, 2, 100, "tools", name);
	sample_digest(100, digest);
	assert_int_equal(rcpt_store_lookup(store, RECEIPT_KIND_FSVERITY_SHA256, digest, 32,
					   &hits, NULL), 0);
	assert_int_equal(hits.n, 0);
	assert_int_equal(rcpt_store_lookup(store, RECEIPT_KIND_SHA256, digest, 31, &hits, NULL), 0);
	assert_int_equal(hits.n, 0);
	assert_int_equal(rcpt_store_lookup(store, 0, digest, 0, &hits, NULL), 0);
	assert_int_equal(hits.n, 0);
	assert_int_equal(rcpt_store_lookup(store, 77, digest, 64, &hits, NULL), 0);
	assert_int_equal(hits.n, 0);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void test_envelope(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	struct rcpt_store_hits hits;

	(void)state;
	add(store, 0, 0, "one", name);
	hits = find(store, 0);
	assert_int_equal(hits.n, 1);
	assert_false(hits.hit[0].manifest);
	assert_int_equal(hits.hit[0].npath, 0);
	rcpt_store_hits_free(&hits);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void test_two_bundles(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	struct rcpt_store_hits hits;

	(void)state;
	add(store, 5, 100, "first", name);
	add(store, 9, 97, "second", name);
	hits = find(store, 101);
	assert_int_equal(hits.n, 2);
	check_hit(&hits.hit[0], 101, "first");
	check_hit(&hits.hit[1], 101, "second");
	rcpt_store_hits_free(&hits);
	assert_int_equal(count(store, 98), 1);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void test_add_again(void **state)
{
	struct sample_leaves s = sample_leaves(3, 0);
	char *dir = folder_make(), name[2][RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	uint8_t *data;
	size_t len;
	int i;

	(void)state;
	sample_bundle(&signer, &s, "tools", &data, &len);
	for (i = 0; i < 2; i++)
		assert_int_equal(rcpt_store_add(store, rcpt_span(data, len), name[i], NULL), 0);
	assert_string_equal(name[0], name[1]);
	assert_int_equal(folder_count(dir, ".bundle"), 1);
	assert_int_equal(count(store, 1), 1);
	free(data);
	sample_leaves_free(&s);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void test_refused(void **state)
{
	struct sample_leaves s = sample_leaves(3, 0);
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	uint8_t *data;
	size_t len;

	(void)state;
	sample_bundle(&signer, &s, "tools", &data, &len);
	assert_int_equal(rcpt_store_add(store, rcpt_span(data, len - 1), name, NULL),
			 -RCPT_MALFORMED);
	((uint8_t *)memmem(data, len, s.digest[1], 32))[5] ^= 1;
	assert_int_equal(rcpt_store_add(store, rcpt_span(data, len), name, NULL), -RCPT_INVALID);
	assert_int_equal(folder_count(dir, ".bundle"), 0);
	assert_int_equal(count(store, 0), 0);
	free(data);
	sample_leaves_free(&s);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void test_many_statements(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME], sub[16];
	struct rcpt_store *store = create(dir);
	int i;

	(void)state;
	for (i = 0; i < RCPT_STORE_MAX_HITS + 3; i++) {
		snprintf(sub, sizeof(sub), "sub%d", i);
		add(store, 1, 7, sub, name);
	}
	assert_int_equal(count(store, 7), RCPT_STORE_MAX_HITS);
	rcpt_store_close(store);
	folder_remove(dir);
}

/*
 * synchronising
 */

static void left_out(const char *name, const struct rcpt_error *err, void *arg)
{
	assert_true(err->text[0] != '\0');
	assert_non_null(name);
	++*(int *)arg;
}

static void sync_store(struct rcpt_store *store, bool rebuild, int expected)
{
	int damaged = 0;

	assert_int_equal(rcpt_store_sync(store, rebuild, left_out, &damaged, NULL), 0);
	assert_int_equal(damaged, expected);
}

static void write_bundle(const char *path, size_t n, uint64_t first, const char *sub)
{
	struct sample_leaves s = sample_leaves(n, first);
	uint8_t *data;
	size_t len;

	sample_bundle(&signer, &s, sub, &data, &len);
	folder_write(path, data, len);
	free(data);
	sample_leaves_free(&s);
}

static void test_sync(void **state)
{
	char *dir = folder_make();
	struct rcpt_store *store = create(dir);

	(void)state;
	write_bundle(in_folder(dir, "a.bundle"), 3, 100, "a");
	write_bundle(in_folder(dir, "b.bundle"), 3, 200, "b");
	folder_write(in_folder(dir, "c.bundle"), "nonsense", 8);
	folder_write(in_folder(dir, ".d.bundle"), "nonsense", 8);
	folder_write(in_folder(dir, "README"), "nonsense", 8);
	sync_store(store, false, 1);
	assert_int_equal(count(store, 101), 1);
	assert_int_equal(count(store, 201), 1);

	/* One is replaced by another, one goes, one is mended. */
	write_bundle(in_folder(dir, "a.bundle"), 4, 300, "a");
	assert_int_equal(unlink(in_folder(dir, "b.bundle")), 0);
	write_bundle(in_folder(dir, "c.bundle"), 3, 400, "c");
	sync_store(store, false, 0);
	assert_int_equal(count(store, 101), 0);
	assert_int_equal(count(store, 301), 1);
	assert_int_equal(count(store, 201), 0);
	assert_int_equal(count(store, 401), 1);

	sync_store(store, true, 0);
	assert_int_equal(count(store, 301), 1);
	assert_int_equal(count(store, 401), 1);

	/* One that is damaged later vouches no more. */
	folder_write(in_folder(dir, "c.bundle"), "nonsense!", 9);
	sync_store(store, false, 1);
	assert_int_equal(count(store, 401), 0);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void damage(const char *path, off_t keep)
{
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	if (keep)
		assert_int_equal(ftruncate(fd, keep), 0);
	else
		assert_int_equal(pwrite(fd, "damaged damaged damaged damaged", 31, 0), 31);
	close(fd);
}

/* A damaged index is found out before it is used, and made anew. */
static void test_damaged_index(void **state)
{
	static const off_t keeps[] = { 0, 100, 8192, 12288 };
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store;
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		store = create(dir);
		add(store, 3, 100, "tools", name);
		rcpt_store_close(store);
		damage(in_folder(dir, "index/data.mdb"), keeps[i]);
		assert_int_equal(rcpt_store_open(dir, &store, &err), -RCPT_MALFORMED);
		store = create(dir);
		assert_true(rcpt_store_fresh(store));
		sync_store(store, false, 0);
		assert_int_equal(count(store, 101), i + 1);
		rcpt_store_close(store);
		store = create(dir);
		assert_false(rcpt_store_fresh(store));
		rcpt_store_close(store);
	}
	folder_remove(dir);
}

static int remember_name(const struct rcpt_store_item *item, void *arg)
{
	char (*names)[RCPT_STORE_NAME] = arg;
	struct rcpt_statement stmt;
	int i = names[0][0] ? 1 : 0;

	assert_int_equal(rcpt_statement_parse(item->statement, &stmt, NULL), 0);
	rcpt_statement_free(&stmt);
	snprintf(names[i], RCPT_STORE_NAME, "%s %llu", item->name,
		 (unsigned long long)item->nleaves);
	return 0;
}

static void test_each(void **state)
{
	char *dir = folder_make();
	struct rcpt_store *store = create(dir);
	char names[2][RCPT_STORE_NAME] = { "", "" };

	(void)state;
	write_bundle(in_folder(dir, "b.bundle"), 0, 0, "b");
	write_bundle(in_folder(dir, "a.bundle"), 3, 100, "a");
	sync_store(store, false, 0);
	assert_int_equal(rcpt_store_each(store, remember_name, names, NULL), 0);
	assert_string_equal(names[0], "a.bundle 3");
	assert_string_equal(names[1], "b.bundle 0");
	rcpt_store_close(store);
	folder_remove(dir);
}

/*
 * readers beside a writer, in threads and in another process
 */

static void *read_often(void *arg)
{
	struct rcpt_store *store = arg;
	uint64_t i;

	for (i = 0; i < 20000; i++)
		assert_int_equal(count(store, 100 + i % 3), 1);
	return NULL;
}

static void write_much(const char *dir)
{
	struct rcpt_store *store = create(dir);
	char name[RCPT_STORE_NAME], sub[16];
	int i;

	for (i = 0; i < 12; i++) {
		snprintf(sub, sizeof(sub), "sub%d", i);
		add(store, 4000, 1000 + 4000 * i, sub, name);
	}
	rcpt_store_close(store);
	_exit(0);
}

/* The index outgrows the map that the reader began with. */
static void test_reader_beside_writer(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir), *reader;
	pthread_t thread[2];
	pid_t pid;
	int i;

	(void)state;
	add(store, 3, 100, "tools", name);
	rcpt_store_close(store);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		write_much(dir);
	reader = open_store(dir);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, read_often, reader), 0);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(child_status(pid), 0);
	assert_int_equal(count(reader, 1000 + 47999), 1);
	assert_int_equal(count(reader, 1000 + 48000), 0);
	rcpt_store_close(reader);
	folder_remove(dir);
}

static void test_fifty_thousand(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	struct timespec begin;
	struct stat st;
	long add_us, find_us;
	uint64_t i;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	add(store, 50000, 0, "all", name);
	add_us = elapsed_us(&begin);
	rcpt_store_close(store);
	store = open_store(dir);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < 50000; i++)
		assert_int_equal(count(store, i), 1);
	find_us = elapsed_us(&begin);
	assert_int_equal(stat(in_folder(dir, "index/data.mdb"), &st), 0);
	print_message("# 50000 digests: made and added in %ld ms, index of %ld KiB, look-up %ld ns\n",
		      add_us / 1000, (long)st.st_size / 1024, find_us / 50);
	rcpt_store_close(store);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_index),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_wrong_kind),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_two_bundles),
		cmocka_unit_test(test_add_again),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_statements),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_damaged_index),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_reader_beside_writer),
		cmocka_unit_test(test_fifty_thousand),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
