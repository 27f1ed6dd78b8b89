// SPDX-License-Identifier: MIT
/*
 * Segments that say what cannot be, with sums that fit: each is found out when it is read.
 */
#include <endian.h>
#include <sys/mman.h>

#include "folder.h"
#include "sample.h"
#include "segment.h"

#define LEAVES	200

static struct rcpt_signer signer;
static uint8_t good[1 << 18], data[1 << 18];
static size_t good_len;
static struct rcpt_foot *foot;

static int make_segment(void **state)
{
	struct sample_leaves s = sample_leaves(LEAVES, 0);
	struct rcpt_segment_writer *w;
	struct rcpt_segment_id id;
	struct stat st = { .st_size = 1 };
	struct rcpt_bundle bundle;
	int fd = memfd_create("segment", 0);
	uint8_t *file;
	size_t len;

	(void)state;
	rcpt_signer_generate(RCPT_ES256, &signer, NULL);
	sample_bundle(&signer, &s, "tools", &file, &len);
	assert_int_equal(rcpt_bundle_parse(rcpt_span(file, len), &bundle, NULL), 0);
	assert_int_equal(rcpt_segment_begin(fd, &w, NULL), 0);
	assert_int_equal(rcpt_segment_add(w, "a.bundle", &st, &bundle, NULL), 0);
	assert_int_equal(rcpt_segment_end(w, &id, NULL), 0);
	rcpt_segment_discard(w);
	rcpt_bundle_free(&bundle);
	good_len = pread(fd, good, sizeof(good), 0);
	assert_int_equal(good_len, id.len);
	close(fd);
	free(file);
	sample_leaves_free(&s);
	return 0;
}

static int drop_key(void **state)
{
	(void)state;
	rcpt_signer_free(&signer);
	return 0;
}

/*
 * changes
 */

static struct rcpt_disk_entry *entry(void)
{
	return (struct rcpt_disk_entry *)(data + be64toh(foot->entries));
}

static struct rcpt_page *page(size_t i)
{
	return (struct rcpt_page *)(data + be64toh(foot->table[0].offset)) + i;
}

static struct rcpt_disk_place *place(size_t i)
{
	return (struct rcpt_disk_place *)(page(0)->records +
					  i * (32 + sizeof(struct rcpt_disk_place)) + 32);
}

static void nothing(void) { }
static void cut_foot(void) { foot->magic[0] ^= 1; }
static void far_entries(void) { foot->entries = htobe64(good_len - 8); }
static void many_bundles(void) { foot->nbundles = htobe32(UINT32_MAX); }
static void many_pages(void) { foot->table[0].npages = htobe64(UINT64_MAX / 4096); }
static void far_pages(void) { foot->table[0].offset = htobe64(UINT64_MAX - 4096); }
static void far_fences(void) { foot->table[0].fences = htobe64(good_len - 16); }
static void no_name(void) { entry()->name_len = 0; }
static void long_name(void) { entry()->name_len = htobe32(RCPT_STORE_NAME); }
static void bad_name(void) { data[be64toh(entry()->offset)] = '/'; }
static void long_statement(void) { entry()->statement_len = htobe32(RCPT_MAX_STATEMENT + 1); }
static void no_statement(void) { entry()->statement_len = 0; }
static void many_leaves(void) { entry()->nleaves = htobe32(RCPT_MAX_LEAVES + 1); }
static void large_tree(void) { entry()->nleaves = htobe32(RCPT_MAX_LEAVES); }
static void few_leaves(void) { entry()->nleaves = htobe32(1); }
static void other_root(void) { entry()->root[0] ^= 1; }
static void far_text(void) { entry()->offset = htobe64(UINT64_MAX - 10); }
static void empty_page(void) { page(0)->count = 0; }
static void full_page(void) { page(0)->count = htobe16(98); }
static void other_usage(void) { for (int i = 0; i < 90; i++) place(i)->usage ^= 2; }
static void other_leaf(void) { for (int i = 0; i < 90; i++) place(i)->leaf ^= htobe32(1); }
static void no_leaf(void) { for (int i = 0; i < 90; i++) place(i)->leaf = htobe32(LEAVES); }
static void no_bundle(void) { for (int i = 0; i < 90; i++) place(i)->bundle = htobe32(1); }

static const struct {
	const char *what;
	void (*change)(void);
} changes[] = {
	{ "another file", cut_foot },
	{ "entries behind the end", far_entries },
	{ "more bundles than bytes", many_bundles },
	{ "more pages than bytes", many_pages },
	{ "pages behind the end", far_pages },
	{ "fences behind the end", far_fences },
	{ "no name", no_name },
	{ "a name too long", long_name },
	{ "a name with a slash", bad_name },
	{ "a statement too long", long_statement },
	{ "no statement", no_statement },
	{ "more leaves than may be", many_leaves },
	{ "more leaves than bytes", large_tree },
	{ "fewer leaves than places", few_leaves },
	{ "another root", other_root },
	{ "a text behind the end", far_text },
	{ "a page of nothing", empty_page },
	{ "a page of more than it holds", full_page },
	{ "another usage", other_usage },
	{ "another leaf", other_leaf },
	{ "a leaf behind the last", no_leaf },
	{ "a bundle behind the last", no_bundle },
};

/* As they would be, had it been written so. */
static void fit_sums(void)
{
	uint64_t offset = be64toh(foot->table[0].offset), fences = be64toh(foot->table[0].fences);
	uint64_t npages = be64toh(foot->table[0].npages);
	uint64_t from = be64toh(entry()->offset);
	size_t len = (size_t)be32toh(entry()->name_len) + be32toh(entry()->statement_len);

	if (from < good_len && len < good_len - from)
		entry()->text_sum = htobe64(rcpt_sum(data + from, len, from));
	entry()->sum = htobe64(rcpt_sum(&entry()->offset, sizeof(*entry()) - 8, 0));
	for (uint64_t i = 0; i < npages; i++)
		page(i)->sum = htobe64(rcpt_sum(&page(i)->count, sizeof(*page(i)) - 8,
						offset + i * RCPT_PAGE_SIZE));
	foot->table[0].fences_sum = htobe64(rcpt_sum(data + fences, npages * 32, 0));
}

static int take_place(const struct rcpt_place *found, void *arg)
{
	*(struct rcpt_place *)arg = *found;
	return 1;
}

static int read_digest(const struct rcpt_segment *seg, uint64_t seed, struct rcpt_error *err)
{
	struct rcpt_place found = { 0 };
	struct rcpt_store_hit hit;
	uint8_t digest[32];
	int rc;

	sample_digest(seed, digest);
	rc = rcpt_segment_find(seg, RECEIPT_KIND_SHA256, digest, take_place, &found, err);
	if (rc < 0)
		return rc;
	assert_int_equal(rc, 1);
	rc = rcpt_segment_hit(seg, RECEIPT_KIND_SHA256, digest, &found, &hit, err);
	if (!rc)
		free(hit.statement);
	return rc;
}

/* What the first wrong part of the segment is said to be, or 0. */
static int read_changed(void (*change)(void), size_t *wrong)
{
	struct rcpt_segment_id id = { .len = good_len };
	int fd = memfd_create("segment", 0), rc;
	struct rcpt_error err = { .text = "" };
	struct rcpt_segment *seg;

	memcpy(data, good, good_len);
	foot = (struct rcpt_foot *)(data + good_len - sizeof(*foot));
	/* What is where, the foot says: the sums of the rest fit before it is changed. */
	if (change != cut_foot && change != far_entries && change != many_bundles &&
	    change != many_pages && change != far_pages && change != far_fences) {
		change();
		fit_sums();
	} else {
		change();
	}
	id.sum = rcpt_sum(&foot->nbundles, sizeof(*foot) - 16, good_len);
	foot->sum = htobe64(id.sum);
	assert_int_equal(write(fd, data, good_len), good_len);
	rc = rcpt_segment_open(fd, &id, &seg, &err);
	*wrong = 0;
	for (uint64_t i = 0; !rc && i < LEAVES; i++) {
		struct rcpt_error why = { .text = "" };
		int ret = read_digest(seg, i, &why);

		assert_true(!ret || ret == -RCPT_MALFORMED);
		assert_true(!ret || why.text[0]);
		*wrong += !!ret;
	}
	if (!rc)
		rcpt_segment_close(seg);
	else
		*wrong = LEAVES;
	assert_true(!rc || rc == -RCPT_MALFORMED);
	return rc;
}

static void test_good(void **state)
{
	size_t wrong;

	(void)state;
	assert_int_equal(read_changed(nothing, &wrong), 0);
	assert_int_equal(wrong, 0);
}

static void test_changed(void **state)
{
	size_t wrong;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		read_changed(changes[i].change, &wrong);
		if (!wrong)
			fail_msg("not found out: %s", changes[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, make_segment, drop_key);
}
