// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "folder.h"
#include "sample.h"
#include "signer.h"
#include "store.h"

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

/* A folder without an index is a store; the bundles in it count. */
static void test_no_index(void **state)
{
	char *dir = folder_make();
	struct rcpt_store *store;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(rcpt_store_open("/nonexistent", &store, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(rcpt_store_create("/nonexistent/a", &store, &err), -RCPT_SYSTEM);
	store = open_store(dir);
	assert_int_equal(count(store, 101), 0);
	assert_int_equal(rcpt_store_state(store, &err), RCPT_STORE_NO_INDEX);
	write_bundle(in_folder(dir, "a.bundle"), 3, 100, "a");
	assert_int_equal(count(store, 101), 1);
	assert_int_equal(count(store, 103), 0);
	assert_int_equal(folder_count(dir, ""), 1);
	rcpt_store_close(store);
	folder_remove(dir);
}

/* Bundles are read in pieces: digests at their ends are found as well. */
static void test_large_bundle(void **state)
{
	const size_t leaves = 20000, piece = 256 << 10;
	char *dir = folder_make();
	struct rcpt_store *store = open_store(dir);
	uint8_t *data, digest[32];
	size_t len, tried = 0;

	(void)state;
	write_bundle(in_folder(dir, "a.bundle"), leaves, 0, "a");
	assert_int_equal(rcpt_file_read(in_folder(dir, "a.bundle"), 4 << 20, &data, &len, NULL), 0);
	assert_true(len > 2 * piece);
	for (size_t i = 0; i < leaves; i++) {
		uint8_t *at;

		sample_digest(i, digest);
		at = memmem(data, len, digest, 32);
		assert_non_null(at);
		if ((size_t)(at - data) % piece < piece - 100)
			continue;
		assert_int_equal(count(store, i), 1);
		tried++;
	}
	assert_true(tried > 2);
	assert_int_equal(count(store, leaves), 0);
	free(data);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void test_find(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir), *reader;
	struct rcpt_store_hits hits;
	uint64_t i;

	(void)state;
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

/* A bundle whose statement has something in the place of a receipt. */
static void add_with_receipt(struct rcpt_store *store, size_t n, uint64_t first,
			     const char *sub)
{
	struct sample_leaves s = sample_leaves(n, first);
	uint8_t *stmt, *whole, *data;
	char name[RCPT_STORE_NAME];
	struct rcpt_statement parsed;
	size_t len, whole_len;

	sample_statement(&signer, &s, sub, &stmt, &len);
	assert_int_equal(rcpt_statement_parse(rcpt_span(stmt, len), &parsed, NULL), 0);
	assert_int_equal(rcpt_statement_attach(&parsed, rcpt_span("\xd2\x84\x40\xa0\xf6\x40", 6),
					       &whole, &whole_len, NULL), 0);
	rcpt_statement_free(&parsed);
	assert_int_equal(rcpt_bundle_encode(rcpt_span(whole, whole_len), s.leaf, n, &data, &len,
					    NULL), 0);
	assert_int_equal(rcpt_store_add(store, rcpt_span(data, len), name, NULL), 0);
	free(data);
	free(whole);
	free(stmt);
	sample_leaves_free(&s);
}

/* Statements without receipts, however many, hide none that has one. */
static void test_bare(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME], sub[16];
	struct rcpt_store *store = create(dir);
	struct rcpt_store_hits hits;
	int i;

	(void)state;
	for (i = 0; i < RCPT_STORE_MAX_BARE + 3; i++) {
		snprintf(sub, sizeof(sub), "sub%d", i);
		add(store, 1, 7, sub, name);
	}
	assert_int_equal(count(store, 7), RCPT_STORE_MAX_BARE);
	add_with_receipt(store, 3, 6, "good");
	hits = find(store, 7);
	assert_int_equal(hits.n, 1);
	assert_false(hits.bare);
	check_hit(&hits.hit[0], 7, "good");
	rcpt_store_hits_free(&hits);
	rcpt_store_close(store);
	folder_remove(dir);
}

/* Leaves of one digest in one manifest; @usages: of each. */
static void add_equal(struct rcpt_store *store, const uint8_t *usages, size_t n)
{
	struct sample_leaves s = sample_leaves(n, 7);
	char name[RCPT_STORE_NAME];
	uint8_t *data;
	size_t len;

	for (size_t i = 0; i < n; i++) {
		s.leaf[i].digest = s.digest[0];
		s.leaf[i].usage = usages[i];
	}
	sample_bundle(&signer, &s, "equal", &data, &len);
	assert_int_equal(rcpt_store_add(store, rcpt_span(data, len), name, NULL), 0);
	free(data);
	sample_leaves_free(&s);
}

/* 64 equal leaves are one hit; what grants more is another one. */
static void test_one_statement(void **state)
{
	char *dir = folder_make();
	struct rcpt_store *store = create(dir);
	struct rcpt_store_hits hits;
	uint8_t usages[64];
	int i;

	(void)state;
	memset(usages, 1, sizeof(usages));
	usages[40] = 2;
	usages[50] = 3;
	add_equal(store, usages, sizeof(usages));
	for (i = 0; i < 2; i++) {
		hits = find(store, 7);
		assert_int_equal(hits.n, 2);
		assert_int_equal(hits.hit[0].usage, 1);
		assert_int_equal(hits.hit[1].usage, 2);
		assert_int_equal(hits.hit[1].index, 40);
		rcpt_store_hits_free(&hits);
		/* The same without the index. */
		unlink(in_folder(dir, "index/current"));
	}
	rcpt_store_close(store);
	folder_remove(dir);
}

static void test_many_statements(void **state)
{
	char *dir = folder_make(), sub[16];
	struct rcpt_store *store = create(dir);
	int i;

	(void)state;
	for (i = 0; i < RCPT_STORE_MAX_HITS + 3; i++) {
		snprintf(sub, sizeof(sub), "sub%d", i);
		add_with_receipt(store, 1, 7, sub);
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

/* The one file in index/ that ends so. */
static const char *index_file(const char *dir, const char *end)
{
	const char *path = NULL;
	DIR *d = opendir(in_folder(dir, "index"));
	struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		size_t len = strlen(entry->d_name);

		if (len >= strlen(end) && !strcmp(entry->d_name + len - strlen(end), end)) {
			char name[300];

			snprintf(name, sizeof(name), "index/%s", entry->d_name);
			path = in_folder(dir, name);
		}
	}
	closedir(d);
	assert_non_null(path);
	return path;
}

/* Copy the file at @path, with one byte changed, or cut off there. */
static void damage(const char *path, off_t at, bool cut)
{
	uint8_t *data, byte;
	size_t len;

	assert_int_equal(rcpt_file_read(path, 1 << 20, &data, &len, NULL), 0);
	unlink(path);
	byte = data[at];
	data[at] = ~byte;
	folder_write(path, data, cut ? (size_t)at : len);
	data[at] = byte;
	free(data);
}

static size_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* All that was found before is, whatever byte of the index is another. */
static void test_damaged_index(void **state)
{
	static const char *const ends[] = { "current", ".segment" };
	char *dir = folder_make(), name[RCPT_STORE_NAME], path[PATH_MAX], saved[PATH_MAX];
	struct rcpt_store *store = create(dir), *reader;
	size_t noticed = 0, tried = 0;
	struct rcpt_error why;
	uint64_t i;

	(void)state;
	add(store, 5, 100, "tools", name);
	for (int e = 0; e < 2; e++) {
		snprintf(path, sizeof(path), "%s", index_file(dir, ends[e]));
		snprintf(saved, sizeof(saved), "%s/saved", dir);
		for (size_t at = 0; at < size_of(path); at += e ? 17 : 1) {
			uint8_t *data;
			size_t len;

			assert_int_equal(rcpt_file_read(path, 1 << 20, &data, &len, NULL), 0);
			damage(path, at, tried % 3 == 2);
			reader = open_store(dir);
			for (i = 0; i < 5; i++)
				assert_int_equal(count(reader, 100 + i), 1);
			assert_int_equal(count(reader, 99), 0);
			noticed += rcpt_store_state(reader, &why) == RCPT_STORE_DAMAGED;
			tried++;
			rcpt_store_close(reader);
			folder_write(path, data, len);
			free(data);
		}
	}
	/* All but what is between the parts. */
	assert_true(noticed > tried / 2);
	reader = open_store(dir);
	assert_int_equal(count(reader, 101), 1);
	assert_int_equal(rcpt_store_state(reader, &why), RCPT_STORE_INDEXED);
	damage(index_file(dir, "current"), 20, false);
	assert_int_equal(count(reader, 101), 1);
	assert_int_equal(rcpt_store_state(reader, &why), RCPT_STORE_DAMAGED);
	rcpt_store_close(reader);

	/* Whoever writes next makes it anew. */
	sync_store(store, false, 0);
	assert_int_equal(count(store, 101), 1);
	assert_int_equal(rcpt_store_state(store, &why), RCPT_STORE_INDEXED);
	rcpt_store_close(store);
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

/* A bundle keeps the name that somebody gave it, and goes by that name alone. */
static void test_names(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	uint8_t *data;
	size_t len;

	(void)state;
	write_bundle(in_folder(dir, "people.bundle"), 3, 100, "people");
	write_bundle(in_folder(dir, "others.bundle"), 3, 200, "others");
	assert_int_equal(rcpt_file_read(in_folder(dir, "people.bundle"), 1 << 20, &data, &len,
					NULL), 0);
	assert_int_equal(rcpt_store_add(store, rcpt_span(data, len), name, NULL), 0);
	assert_string_equal(name, "people.bundle");
	assert_int_equal(folder_count(dir, ".bundle"), 2);
	free(data);

	assert_int_equal(rcpt_store_remove(store, "no.bundle", NULL), -RCPT_INVALID);
	assert_int_equal(rcpt_store_remove(store, "../x.bundle", NULL), -RCPT_INVALID);
	assert_int_equal(rcpt_store_remove(store, "index", NULL), -RCPT_INVALID);
	assert_int_equal(count(store, 101), 1);
	assert_int_equal(rcpt_store_remove(store, "people.bundle", NULL), 0);
	assert_int_equal(count(store, 101), 0);
	assert_int_equal(count(store, 201), 1);
	assert_int_equal(access(in_folder(dir, "others.bundle"), F_OK), 0);
	rcpt_store_close(store);
	folder_remove(dir);
}

/*
 * A large segment stays as it is while small bundles come and go beside it; what is
 * removed from it is gone at once, and its segment when most of it is.
 */
static void test_segments(void **state)
{
	char *dir = folder_make(), large[RCPT_STORE_NAME], small[2][RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	struct rcpt_error why;
	char kept[PATH_MAX];

	(void)state;
	add(store, 60000, 0, "large", large);
	snprintf(kept, sizeof(kept), "%s", index_file(dir, ".segment"));
	add(store, 3, 100000, "small", small[0]);
	add(store, 3, 59998, "both", small[1]);
	assert_int_equal(folder_count(in_folder(dir, "index"), ".segment"), 2);
	assert_int_equal(access(kept, F_OK), 0);
	assert_int_equal(count(store, 0), 1);
	assert_int_equal(count(store, 59999), 2);
	assert_int_equal(count(store, 60000), 1);
	assert_int_equal(count(store, 100002), 1);

	assert_int_equal(rcpt_store_remove(store, small[0], NULL), 0);
	assert_int_equal(count(store, 100002), 0);
	assert_int_equal(count(store, 59999), 2);
	assert_int_equal(rcpt_store_remove(store, large, NULL), 0);
	assert_int_equal(access(kept, F_OK), -1);
	assert_int_equal(folder_count(in_folder(dir, "index"), ".segment"), 1);
	assert_int_equal(count(store, 0), 0);
	assert_int_equal(count(store, 59999), 1);
	assert_int_equal(rcpt_store_remove(store, small[1], NULL), 0);
	assert_int_equal(folder_count(in_folder(dir, "index"), ".segment"), 0);
	assert_int_equal(count(store, 59999), 0);
	assert_int_equal(rcpt_store_state(store, &why), RCPT_STORE_INDEXED);
	rcpt_store_close(store);
	folder_remove(dir);
}

static void note_damaged(const char *name, const struct rcpt_error *err, void *arg)
{
	char *told = arg;

	snprintf(told + strlen(told), 100, "%s:%d ", name, err->status);
}

/* What is cut off, or not indexed, is named; what is good is not. */
static void test_check(void **state)
{
	char *dir = folder_make(), told[400] = "";
	struct rcpt_store *store = create(dir);
	struct stat st;

	(void)state;
	write_bundle(in_folder(dir, "a.bundle"), 3, 100, "a");
	write_bundle(in_folder(dir, "b.bundle"), 3, 200, "b");
	sync_store(store, false, 0);
	assert_int_equal(rcpt_store_check(store, note_damaged, told, NULL), 0);
	assert_string_equal(told, "");
	write_bundle(in_folder(dir, "c.bundle"), 3, 300, "c");
	assert_int_equal(stat(in_folder(dir, "b.bundle"), &st), 0);
	assert_int_equal(truncate(in_folder(dir, "b.bundle"), st.st_size - 1), 0);
	assert_int_equal(rcpt_store_check(store, note_damaged, told, NULL), 0);
	assert_string_equal(told, "b.bundle:3 c.bundle:2 ");
	told[0] = '\0';
	sync_store(store, false, 1);
	assert_int_equal(rcpt_store_check(store, note_damaged, told, NULL), 0);
	assert_string_equal(told, "b.bundle:3 ");
	assert_int_equal(count(store, 301), 1);
	assert_int_equal(count(store, 201), 0);

	/* One that keeps its length. */
	told[0] = '\0';
	assert_int_equal(stat(in_folder(dir, "c.bundle"), &st), 0);
	damage(in_folder(dir, "c.bundle"), st.st_size - 20, false);
	assert_int_equal(size_of(in_folder(dir, "c.bundle")), st.st_size);
	assert_int_equal(rcpt_store_check(store, note_damaged, told, NULL), 0);
	assert_non_null(strstr(told, "c.bundle:"));
	rcpt_store_close(store);
	folder_remove(dir);
}

/* A process that may write no more than @bytes into a file, as on a full disk. */
static int add_with_limit(const char *dir, rlim_t bytes)
{
	const struct rlimit limit = { bytes, bytes };
	char name[RCPT_STORE_NAME];
	struct sample_leaves s = sample_leaves(3, 300);
	struct rcpt_store *store = create(dir);
	struct rcpt_error err;
	uint8_t *data;
	size_t len;
	int rc;

	sample_bundle(&signer, &s, "full", &data, &len);
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit))
		_exit(9);
	rc = rcpt_store_add(store, rcpt_span(data, len), name, &err);
	_exit(-rc);
}

/* No room for the index: what is in it counts, and so does the bundle. */
static void test_full_disk(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	struct rcpt_error why;
	pid_t pid;

	(void)state;
	add(store, 3, 100, "tools", name);
	pid = fork();
	if (!pid)
		add_with_limit(dir, 2000);
	assert_int_equal(child_status(pid), RCPT_SYSTEM);
	assert_int_equal(folder_count(dir, ".bundle"), 2);
	assert_int_equal(count(store, 101), 1);
	assert_int_equal(count(store, 301), 1);
	assert_int_equal(rcpt_store_state(store, &why), RCPT_STORE_BEHIND);
	/* The control: with room the next one is added, and both are indexed. */
	pid = fork();
	if (!pid)
		add_with_limit(dir, 1 << 20);
	assert_int_equal(child_status(pid), 0);
	assert_int_equal(count(store, 301), 2);
	assert_int_equal(rcpt_store_state(store, &why), RCPT_STORE_INDEXED);
	rcpt_store_close(store);
	folder_remove(dir);
}

/* A user who may only read finds what is there, and can lock nothing that counts. */
static void test_user(void **state)
{
	char *dir = folder_make(), name[RCPT_STORE_NAME];
	struct rcpt_store *store = create(dir);
	struct flock all = { .l_type = F_RDLCK };
	struct rcpt_error why;
	int ends[2], fd;
	pid_t pid;

	(void)state;
	add(store, 3, 100, "tools", name);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(1);
		store = open_store(dir);
		if (count(store, 101) != 1 || rcpt_store_state(store, &why) != RCPT_STORE_INDEXED)
			_exit(2);
		if (geteuid() == 65534 && open(in_folder(dir, "index/writer/lock"), O_RDONLY) >= 0)
			_exit(3);
		fd = open(in_folder(dir, "index/current"), O_RDONLY);
		if (fd < 0 || fcntl(fd, F_SETLK, &all) || write(ends[1], "", 1) != 1)
			_exit(4);
		pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], name, 1), 1);
	add(store, 3, 200, "more", name);
	assert_int_equal(count(store, 201), 1);
	assert_int_equal(rcpt_store_state(store, &why), RCPT_STORE_INDEXED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ends[0]);
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

/* The index is replaced under the reader. */
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
	assert_int_equal(stat(index_file(dir, ".segment"), &st), 0);
	print_message("# 50000 digests: made and added in %ld ms, index of %ld KiB, look-up %ld ns\n",
		      add_us / 1000, (long)st.st_size / 1024, find_us / 50);
	rcpt_store_close(store);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_index),
		cmocka_unit_test(test_large_bundle),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_wrong_kind),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_two_bundles),
		cmocka_unit_test(test_add_again),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_one_statement),
		cmocka_unit_test(test_many_statements),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_damaged_index),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_reader_beside_writer),
		cmocka_unit_test(test_fifty_thousand),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
