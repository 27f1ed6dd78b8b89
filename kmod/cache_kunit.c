// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: what is known of digests and of inodes. Uses the cache of the running
 * kernel, which each test finds and leaves empty; and inodes of its own.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>

#include "hit.h"
#include "kunit.h"

/* As in cache.c: more than these are not kept, nor for longer. */
#define POSITIVE_MAX	65536
#define NEGATIVE_MAX	4096
#define COMPLETE_MS	2000

#define GENERATION	5

/* No rule rests on anything. */
static const struct receipt_policy policy;

static struct receipt_digest digest_of(u32 n)
{
	struct receipt_digest digest = {
		.kind = RECEIPT_KIND_SHA256,
		.bytes = "kunit",
	};

	memcpy(digest.bytes + 8, &n, sizeof(n));
	memcpy(digest.bytes + RECEIPT_HASH_SIZE - sizeof(n), &n, sizeof(n));
	/* The first bytes are what is hashed; some digests share them. */
	digest.bytes[6] = n >> 3;
	digest.bytes[7] = n >> 11;

	return digest;
}

/* Two references: one to give away, one to see what became of it by. */
static struct receipt_proven *new_proven(struct kunit *test, u8 id)
{
	struct receipt_proven *proven = kzalloc(sizeof(*proven), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, proven);
	refcount_set(&proven->ref, 2);
	receipt_count(RECEIPT_STAT_STATEMENTS);
	proven->id[0] = id;

	return proven;
}

/* Nobody else has a reference any more. */
static void drop_last(struct kunit *test, struct receipt_proven *proven)
{
	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), 1);
	receipt_proven_put(proven);
}

static void expect_counts(struct kunit *test, u64 positive, u64 negative)
{
	u64 with, without, kept;

	receipt_cache_counts(&with, &without, &kept);
	KUNIT_EXPECT_EQ(test, with, positive);
	KUNIT_EXPECT_EQ(test, without, negative);
}

static void add(struct kunit *test, u32 n, struct receipt_proven *proven)
{
	struct receipt_digest digest = digest_of(n);

	KUNIT_ASSERT_EQ(test, receipt_cache_add(&digest, proven, &policy), 0);
}

static u8 find(u32 n, struct receipt_known *known)
{
	struct receipt_digest digest = digest_of(n);

	receipt_cache_find(&digest, known);

	return known->n;
}

/* The number of statements; keeps no references. */
static u8 count(u32 n)
{
	struct receipt_known known;
	u8 statements = find(n, &known);

	receipt_known_put(&known);

	return statements;
}

static void complete_with(u32 n, struct receipt_proven *proven)
{
	struct receipt_digest digest = digest_of(n);
	struct receipt_known answer = {
		.n = !!proven,
		.proven = { proven },
		.generation = GENERATION,
		.reason = RECEIPT_REASON_NO_EVIDENCE,
	};

	receipt_cache_complete(&digest, &answer, &policy);
}

static bool is_complete(u32 n, u64 generation)
{
	struct receipt_digest digest = digest_of(n);

	return receipt_cache_is_complete(&digest, generation);
}

/*
 * The cache
 */

static void empty(struct kunit *test)
{
	struct receipt_known known;

	memset(&known, 0xff, sizeof(known));
	KUNIT_EXPECT_EQ(test, find(1, &known), 0);
	KUNIT_EXPECT_EQ(test, known.generation, 0);
	KUNIT_EXPECT_EQ(test, known.reason, 0);
	KUNIT_EXPECT_FALSE(test, is_complete(1, GENERATION));
	expect_counts(test, 0, 0);
}

static void added(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	struct receipt_known known;

	add(test, 1, proven);
	expect_counts(test, 1, 0);
	KUNIT_ASSERT_EQ(test, find(1, &known), 1);
	KUNIT_EXPECT_PTR_EQ(test, known.proven[0], proven);
	KUNIT_EXPECT_EQ(test, known.generation, 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), 3);
	KUNIT_EXPECT_FALSE(test, is_complete(1, GENERATION));
	KUNIT_EXPECT_EQ(test, count(2), 0);

	/* What was found is there when the cache has it no more. */
	receipt_cache_flush();
	expect_counts(test, 0, 0);
	KUNIT_EXPECT_EQ(test, count(1), 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), 2);
	receipt_known_put(&known);
	KUNIT_EXPECT_EQ(test, known.n, 0);
	drop_last(test, proven);
}

/* Digests that share a bucket, and kinds that share the bytes. */
static void apart(struct kunit *test)
{
	struct receipt_proven *proven[16];
	struct receipt_digest digest;
	struct receipt_known known;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(proven); i++) {
		proven[i] = new_proven(test, i);
		digest = digest_of(i % 8);
		if (i >= 8)
			digest.kind = RECEIPT_KIND_FSVERITY_SHA256;
		KUNIT_ASSERT_EQ(test, receipt_cache_add(&digest, proven[i], &policy),
				0);
	}
	expect_counts(test, ARRAY_SIZE(proven), 0);
	for (i = 0; i < ARRAY_SIZE(proven); i++) {
		digest = digest_of(i % 8);
		if (i >= 8)
			digest.kind = RECEIPT_KIND_FSVERITY_SHA256;
		receipt_cache_find(&digest, &known);
		KUNIT_EXPECT_EQ(test, known.n, 1);
		KUNIT_EXPECT_PTR_EQ(test, known.proven[0], proven[i]);
		receipt_known_put(&known);
	}
	receipt_cache_flush();
	for (i = 0; i < ARRAY_SIZE(proven); i++)
		drop_last(test, proven[i]);
}

/* Of digests that are alike where anybody could compute it, few share a bucket. */
static void spread(struct kunit *test)
{
	struct receipt_cache_place at = {};
	struct receipt_digest digest;
	u32 i, n = 0, buckets = 0, last = U32_MAX, statements;
	unsigned long key;

	for (i = 0; n < 64; i++) {
		digest = digest_of(i);
		key = i;
		memcpy(digest.bytes, &key, sizeof(key));
		if (hash_long(key ^ digest.kind, 12))
			continue;
		receipt_cache_complete(&digest, &(struct receipt_known){}, &policy);
		n++;
	}
	while (receipt_cache_next(&at, &digest, &statements)) {
		buckets += at.bucket != last;
		last = at.bucket;
	}
	KUNIT_EXPECT_GT(test, buckets, 32);
}

/* The same statement again: the new one counts. */
static void replaced(struct kunit *test)
{
	struct receipt_proven *old = new_proven(test, 1), *fresh = new_proven(test, 1);
	struct receipt_known known;

	add(test, 1, old);
	add(test, 1, fresh);
	drop_last(test, old);
	expect_counts(test, 1, 0);
	KUNIT_ASSERT_EQ(test, find(1, &known), 1);
	KUNIT_EXPECT_PTR_EQ(test, known.proven[0], fresh);
	receipt_known_put(&known);
	receipt_cache_flush();
	drop_last(test, fresh);
}

/* Over the bound, where no rule rests on any of them, the first ones stay. */
static void most_statements(struct kunit *test)
{
	struct receipt_proven *proven[RECEIPT_MAX_STATEMENTS + 2];
	struct receipt_known known;
	u8 i;

	for (i = 0; i < ARRAY_SIZE(proven); i++) {
		proven[i] = new_proven(test, i);
		add(test, 1, proven[i]);
		KUNIT_EXPECT_EQ(test, count(1), min(i + 1, RECEIPT_MAX_STATEMENTS));
	}
	expect_counts(test, 1, 0);
	KUNIT_ASSERT_EQ(test, find(1, &known), RECEIPT_MAX_STATEMENTS);
	for (i = 0; i < RECEIPT_MAX_STATEMENTS; i++)
		KUNIT_EXPECT_PTR_EQ(test, known.proven[i], proven[i]);
	KUNIT_EXPECT_FALSE(test, known.crowded);
	receipt_known_put(&known);
	receipt_cache_flush();
	for (i = 0; i < ARRAY_SIZE(proven); i++)
		drop_last(test, proven[i]);
}

/*
 * Answers
 */

static void nothing_known(struct kunit *test)
{
	struct receipt_known known;

	complete_with(1, NULL);
	expect_counts(test, 0, 1);
	KUNIT_EXPECT_TRUE(test, is_complete(1, GENERATION));
	KUNIT_EXPECT_FALSE(test, is_complete(1, GENERATION + 1));
	KUNIT_EXPECT_FALSE(test, is_complete(1, GENERATION - 1));
	KUNIT_EXPECT_FALSE(test, is_complete(2, GENERATION));
	KUNIT_EXPECT_EQ(test, find(1, &known), 0);
	KUNIT_EXPECT_EQ(test, known.generation, GENERATION);
	KUNIT_EXPECT_EQ(test, known.reason, RECEIPT_REASON_NO_EVIDENCE);
	complete_with(1, NULL);
	expect_counts(test, 0, 1);
}

/* What comes after the answer, without being asked for. */
static void added_later(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);

	complete_with(1, NULL);
	add(test, 1, proven);
	expect_counts(test, 1, 0);
	KUNIT_EXPECT_EQ(test, count(1), 1);
	KUNIT_EXPECT_TRUE(test, is_complete(1, GENERATION));
	receipt_cache_flush();
	KUNIT_EXPECT_FALSE(test, is_complete(1, GENERATION));
	drop_last(test, proven);
}

/* What of an answer the cache has lost meanwhile, it gets again. */
static void answer_held(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	struct receipt_proven *other = new_proven(test, 2);

	/* The test's own references; the cache takes those that it needs. */
	complete_with(1, proven);
	expect_counts(test, 1, 0);
	KUNIT_EXPECT_TRUE(test, is_complete(1, GENERATION));
	KUNIT_EXPECT_EQ(test, count(1), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), 3);
	receipt_proven_put(proven);
	add(test, 1, other);
	complete_with(1, proven);
	expect_counts(test, 1, 0);
	KUNIT_EXPECT_EQ(test, count(1), 2);
	KUNIT_EXPECT_TRUE(test, is_complete(1, GENERATION));
	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), 2);
	receipt_cache_flush();
	KUNIT_EXPECT_FALSE(test, is_complete(1, GENERATION));
	drop_last(test, proven);
	drop_last(test, other);
}

static void answer_ages(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	struct receipt_known known;

	add(test, 1, proven);
	complete_with(1, NULL);
	complete_with(2, NULL);
	msleep(COMPLETE_MS / 4);
	KUNIT_EXPECT_TRUE(test, is_complete(1, GENERATION));
	KUNIT_EXPECT_TRUE(test, is_complete(2, GENERATION));
	msleep(COMPLETE_MS);
	KUNIT_EXPECT_FALSE(test, is_complete(1, GENERATION));
	KUNIT_EXPECT_FALSE(test, is_complete(2, GENERATION));
	KUNIT_EXPECT_EQ(test, find(1, &known), 1);
	KUNIT_EXPECT_EQ(test, known.generation, 0);
	receipt_known_put(&known);
	receipt_cache_flush();
	drop_last(test, proven);
}

/* Every digest comes once, with its statements, those of one bucket as well. */
static void walk(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	struct receipt_cache_place at = {};
	struct receipt_digest digest;
	u32 n, statements, seen[64] = {};

	KUNIT_EXPECT_FALSE(test, receipt_cache_next(&at, &digest, &statements));
	KUNIT_EXPECT_FALSE(test, receipt_cache_next(&at, &digest, &statements));
	add(test, 0, proven);
	for (n = 1; n < ARRAY_SIZE(seen); n++)
		complete_with(n, NULL);
	memset(&at, 0, sizeof(at));
	while (receipt_cache_next(&at, &digest, &statements)) {
		memcpy(&n, digest.bytes + 8, sizeof(n));
		KUNIT_ASSERT_LT(test, n, ARRAY_SIZE(seen));
		KUNIT_EXPECT_EQ(test, statements, n ? 0 : 1);
		seen[n]++;
	}
	for (n = 0; n < ARRAY_SIZE(seen); n++)
		KUNIT_EXPECT_EQ(test, seen[n], 1);

	/* What goes does not stop it. */
	memset(&at, 0, sizeof(at));
	KUNIT_EXPECT_TRUE(test, receipt_cache_next(&at, &digest, &statements));
	receipt_cache_flush();
	KUNIT_EXPECT_FALSE(test, receipt_cache_next(&at, &digest, &statements));
	drop_last(test, proven);
}

/*
 * Bounds and the shrinker
 */

/* What was asked for last stays, and what is proven is not pushed out. */
static void negative_bound(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	u32 n;

	add(test, 0, proven);
	for (n = 1; n <= NEGATIVE_MAX; n++)
		complete_with(n, NULL);
	expect_counts(test, 1, NEGATIVE_MAX);
	count(1);
	for (; n <= NEGATIVE_MAX + 100; n++)
		complete_with(n, NULL);
	expect_counts(test, 1, NEGATIVE_MAX);
	KUNIT_EXPECT_EQ(test, count(0), 1);
	KUNIT_EXPECT_TRUE(test, is_complete(1, GENERATION));
	for (n = 2; n <= 101; n++)
		KUNIT_EXPECT_FALSE(test, is_complete(n, GENERATION));
	for (; n <= NEGATIVE_MAX + 100; n++)
		KUNIT_EXPECT_TRUE(test, is_complete(n, GENERATION));
	receipt_cache_flush();
	expect_counts(test, 0, 0);
	drop_last(test, proven);
}

static void positive_bound(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	u32 n;

	complete_with(POSITIVE_MAX + 100, NULL);
	for (n = 0; n < POSITIVE_MAX; n++) {
		refcount_inc(&proven->ref);
		add(test, n, proven);
		cond_resched();
	}
	expect_counts(test, POSITIVE_MAX, 1);
	KUNIT_EXPECT_EQ(test, count(0), 1);
	add(test, n, proven);
	expect_counts(test, POSITIVE_MAX, 1);
	KUNIT_EXPECT_EQ(test, count(0), 1);
	KUNIT_EXPECT_EQ(test, count(1), 0);
	KUNIT_EXPECT_EQ(test, count(2), 1);
	KUNIT_EXPECT_EQ(test, count(n), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), POSITIVE_MAX + 1);
	receipt_cache_flush();
	expect_counts(test, 0, 0);
	drop_last(test, proven);
}

/* As "echo 2 >/proc/sys/vm/drop_caches" does. */
static void shrunk(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	struct receipt_known known;
	u32 n;

	for (n = 0; n < 300; n++) {
		refcount_inc(&proven->ref);
		add(test, n, proven);
		complete_with(1000 + n, NULL);
	}
	receipt_proven_put(proven);
	expect_counts(test, 300, 300);
	KUNIT_ASSERT_EQ(test, find(7, &known), 1);
	drop_slab();
	expect_counts(test, 0, 0);
	KUNIT_EXPECT_EQ(test, count(7), 0);
	KUNIT_EXPECT_PTR_EQ(test, known.proven[0], proven);
	receipt_known_put(&known);
	drop_last(test, proven);
}

/*
 * Sets of statements
 */

static void known_get(struct kunit *test)
{
	struct receipt_proven *proven = new_proven(test, 1);
	struct receipt_known from = {
		.n = 1, .proven = { proven }, .generation = GENERATION,
		.reason = RECEIPT_REASON_SIGNATURE,
	};
	struct receipt_known to;

	receipt_known_get(&to, &from);
	KUNIT_EXPECT_EQ(test, to.n, 1);
	KUNIT_EXPECT_PTR_EQ(test, to.proven[0], proven);
	KUNIT_EXPECT_EQ(test, to.generation, GENERATION);
	KUNIT_EXPECT_EQ(test, to.reason, RECEIPT_REASON_SIGNATURE);
	KUNIT_EXPECT_EQ(test, refcount_read(&proven->ref), 3);
	receipt_known_put(&to);
	receipt_known_put(&from);
	drop_last(test, proven);
}

/* What both have is kept once; the later policy's word counts. */
static void known_move(struct kunit *test)
{
	struct receipt_proven *a = new_proven(test, 1), *b = new_proven(test, 2);
	struct receipt_proven *also_a = new_proven(test, 1);
	struct receipt_known known = {
		.n = 1, .proven = { a }, .generation = GENERATION,
		.reason = RECEIPT_REASON_NO_EVIDENCE,
	};
	struct receipt_known from = {
		.n = 2, .proven = { also_a, b }, .generation = GENERATION - 1,
		.reason = RECEIPT_REASON_SIGNATURE,
	};
	struct receipt_known later = {
		.generation = GENERATION + 1, .reason = RECEIPT_REASON_NO_HELPER,
	};

	receipt_known_move(&known, &from, &policy);
	KUNIT_EXPECT_EQ(test, from.n, 0);
	KUNIT_ASSERT_EQ(test, known.n, 2);
	KUNIT_EXPECT_PTR_EQ(test, known.proven[0], a);
	KUNIT_EXPECT_PTR_EQ(test, known.proven[1], b);
	KUNIT_EXPECT_EQ(test, known.generation, GENERATION);
	KUNIT_EXPECT_EQ(test, known.reason, RECEIPT_REASON_NO_EVIDENCE);
	drop_last(test, also_a);

	receipt_known_move(&known, &later, &policy);
	KUNIT_EXPECT_EQ(test, known.n, 2);
	KUNIT_EXPECT_EQ(test, known.generation, GENERATION + 1);
	KUNIT_EXPECT_EQ(test, known.reason, RECEIPT_REASON_NO_HELPER);
	receipt_known_put(&known);
	drop_last(test, a);
	drop_last(test, b);
}

/* Two sets that together are more than a set holds. */
static void known_full(struct kunit *test)
{
	struct receipt_proven *proven[2 * RECEIPT_MAX_STATEMENTS];
	struct receipt_known known = {}, from = {};
	u8 i;

	for (i = 0; i < ARRAY_SIZE(proven); i++) {
		proven[i] = new_proven(test, i);
		KUNIT_EXPECT_NULL(test, receipt_known_add(i % 2 ? &known : &from,
							  proven[i], &policy));
	}
	receipt_known_move(&known, &from, &policy);
	KUNIT_EXPECT_EQ(test, known.n, RECEIPT_MAX_STATEMENTS);
	KUNIT_EXPECT_EQ(test, from.n, 0);
	receipt_known_put(&known);
	for (i = 0; i < ARRAY_SIZE(proven); i++)
		drop_last(test, proven[i]);
}

static int cache_init(struct kunit *test)
{
	receipt_kunit_init(test);
	receipt_cache_flush();

	return 0;
}

static void cache_exit(struct kunit *test)
{
	receipt_cache_flush();
}

static struct kunit_case cache_cases[] = {
	KUNIT_CASE(empty),
	KUNIT_CASE(added),
	KUNIT_CASE(apart),
	KUNIT_CASE(spread),
	KUNIT_CASE(replaced),
	KUNIT_CASE(most_statements),
	KUNIT_CASE(nothing_known),
	KUNIT_CASE(added_later),
	KUNIT_CASE(answer_held),
	KUNIT_CASE_SLOW(answer_ages),
	KUNIT_CASE(walk),
	KUNIT_CASE_SLOW(negative_bound),
	KUNIT_CASE_SLOW(positive_bound),
	KUNIT_CASE_SLOW(shrunk),
	KUNIT_CASE(known_get),
	KUNIT_CASE(known_move),
	KUNIT_CASE(known_full),
	{}
};

static struct kunit_suite cache_suite = {
	.name = "receipt_cache",
	.init = cache_init,
	.exit = cache_exit,
	.test_cases = cache_cases,
};

/*
 * States of inodes
 */

static void put_file(void *file)
{
	__fput_sync(file);
}

static struct file *new_file(struct kunit *test)
{
	struct file *file = shmem_file_setup("receipt-kunit", PAGE_SIZE, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_file, file));

	return file;
}

static struct receipt_state *state_of(struct kunit *test, struct file *file)
{
	struct receipt_state *state = receipt_state_get(file_inode(file));

	KUNIT_ASSERT_NOT_NULL(test, state);

	return state;
}

static int writers(const struct file *file)
{
	return atomic_read(&file_inode(file)->i_writecount);
}

/* One of each inode, and it stays. */
static void state_get(struct kunit *test)
{
	struct file *a = new_file(test), *b = new_file(test);
	struct receipt_state *state = state_of(test, a);

	KUNIT_EXPECT_PTR_EQ(test, state_of(test, a), state);
	KUNIT_EXPECT_PTR_NE(test, state_of(test, b), state);
	KUNIT_EXPECT_PTR_EQ(test, state_of(test, a), state);
	KUNIT_EXPECT_FALSE(test, receipt_state_is_boot(file_inode(a)));
}

#define TWO_KINDS	(BIT(RECEIPT_KIND_SHA256) | BIT(RECEIPT_KIND_SHA384))
#define ONE_KIND	BIT(RECEIPT_KIND_SHA384)

/* The digests are those of the content since the last writer. */
static void state_digests(struct kunit *test)
{
	struct receipt_digests digests = { .n = 2, { digest_of(3), digest_of(4) } };
	struct file *file = new_file(test);
	struct receipt_state *state = state_of(test, file);
	struct receipt_digests got;
	u64 change, later;

	digests.digest[1].kind = RECEIPT_KIND_SHA384;
	KUNIT_EXPECT_FALSE(test, receipt_state_digests(state, TWO_KINDS, &got, &change));
	KUNIT_EXPECT_EQ(test, receipt_state_measured(state, change, &digests),
			RECEIPT_REASON_ALLOWED);
	KUNIT_EXPECT_TRUE(test, receipt_state_digests(state, TWO_KINDS, &got, &later));
	KUNIT_EXPECT_EQ(test, later, change);
	KUNIT_EXPECT_EQ(test, got.n, 2);
	KUNIT_EXPECT_TRUE(test, receipt_digest_equal(&got.digest[0], &digests.digest[0]));
	KUNIT_EXPECT_TRUE(test, receipt_digest_equal(&got.digest[1], &digests.digest[1]));

	/* What was measured besides is not looked at; what was not is missing. */
	KUNIT_EXPECT_TRUE(test, receipt_state_digests(state, ONE_KIND, &got, &later));
	KUNIT_EXPECT_EQ(test, got.n, 1);
	KUNIT_EXPECT_TRUE(test, receipt_digest_equal(&got.digest[0], &digests.digest[1]));
	KUNIT_EXPECT_FALSE(test, receipt_state_digests(state, TWO_KINDS | BIT(RECEIPT_KIND_SHA512),
						       &got, &later));

	receipt_state_written(file_inode(file));
	KUNIT_EXPECT_FALSE(test, receipt_state_unchanged(state, change));
	KUNIT_EXPECT_FALSE(test, receipt_state_digests(state, ONE_KIND, &got, &later));
	KUNIT_EXPECT_NE(test, later, change);
	KUNIT_EXPECT_TRUE(test, receipt_state_unchanged(state, later));
	KUNIT_EXPECT_EQ(test, receipt_state_measured(state, change, &digests),
			RECEIPT_REASON_FILE_CHANGED);
	KUNIT_EXPECT_FALSE(test, receipt_state_settled(state, change, false));
	KUNIT_EXPECT_FALSE(test, state->settled);
	KUNIT_EXPECT_FALSE(test, receipt_state_digests(state, ONE_KIND, &got, &later));
	KUNIT_EXPECT_EQ(test, receipt_state_measured(state, later, &digests),
			RECEIPT_REASON_ALLOWED);
	KUNIT_EXPECT_TRUE(test, receipt_state_digests(state, ONE_KIND, &got, &later));
	KUNIT_EXPECT_TRUE(test, receipt_state_settled(state, later, false));
	KUNIT_EXPECT_EQ(test, receipt_state_change(file_inode(file)), later);

	/* Other content, and nobody wrote: no verdict is left. */
	KUNIT_EXPECT_TRUE(test, receipt_state_allow(state, later, RECEIPT_OP_EXECUTE,
						    1, true));
	digests.digest[1].bytes[0] ^= 1;
	KUNIT_EXPECT_EQ(test, receipt_state_measured(state, later, &digests),
			RECEIPT_REASON_CORRUPTED);
	KUNIT_EXPECT_EQ(test, state->verdict, 0);
	KUNIT_EXPECT_EQ(test, receipt_state_measured(state, later, &digests),
			RECEIPT_REASON_ALLOWED);
}

/* Known answers: FIPS 180-4, "abc". */
static void measure(struct kunit *test)
{
	static const u8 start[][4] = { { 0xba, 0x78, 0x16, 0xbf }, { 0xcb, 0x00, 0x75, 0x3f },
				       { 0xdd, 0xaf, 0x35, 0xa1 } };
	struct receipt_digests digests;
	u8 i;

	KUNIT_EXPECT_EQ(test, receipt_measure_buffer("abc", 3, TWO_KINDS |
						     BIT(RECEIPT_KIND_SHA512), &digests), 0);
	KUNIT_ASSERT_EQ(test, digests.n, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, digests.digest[i].kind, RECEIPT_KIND_SHA256 + i);
		KUNIT_EXPECT_MEMEQ(test, digests.digest[i].bytes, start[i], 4);
	}
	KUNIT_EXPECT_EQ(test, receipt_measure_buffer("abc", 3, ONE_KIND, &digests), 0);
	KUNIT_EXPECT_EQ(test, receipt_digests_kinds(&digests), ONE_KIND);
	KUNIT_EXPECT_MEMEQ(test, digests.digest[0].bytes, start[1], 4);
}

/* The operations that @inode is allowed, as bits. */
static u32 allowed(const struct inode *inode)
{
	u32 ops = 0;
	int op;

	for (op = 0; op < RECEIPT_OP_COUNT; op++)
		if (op != RECEIPT_OP_RUN && receipt_state_allows(inode, op, NULL))
			ops |= BIT(op);

	return ops;
}

/* A verdict is one of an operation, a policy and the content. */
static void state_allow(struct kunit *test)
{
	u64 generation = READ_ONCE(receipt_generation);
	struct file *file = new_file(test);
	struct inode *inode = file_inode(file);
	struct receipt_state *state;
	struct receipt_digests digests;
	u64 change;
	int op;

	KUNIT_EXPECT_EQ(test, allowed(inode), 0);
	state = state_of(test, file);
	KUNIT_EXPECT_EQ(test, allowed(inode), 0);
	receipt_state_digests(state, ONE_KIND, &digests, &change);
	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		KUNIT_EXPECT_TRUE(test, receipt_state_allow(state, change, op,
							    generation, op & 1));
		KUNIT_EXPECT_EQ(test, allowed(inode),
				(BIT(op + 1) - 1) & ~BIT(RECEIPT_OP_RUN));
	}

	/* Of another policy: what was known is gone, what is new does not count. */
	receipt_state_allow(state, change, RECEIPT_OP_FIRMWARE, generation + 1, false);
	KUNIT_EXPECT_EQ(test, allowed(inode), 0);
	receipt_state_allow(state, change, RECEIPT_OP_KMODULE, generation, false);
	KUNIT_EXPECT_EQ(test, allowed(inode), BIT(RECEIPT_OP_KMODULE));

	receipt_state_written(inode);
	KUNIT_EXPECT_EQ(test, allowed(inode), 0);
	KUNIT_EXPECT_FALSE(test, receipt_state_allow(state, change, RECEIPT_OP_KMODULE,
						     generation, false));
	KUNIT_EXPECT_EQ(test, allowed(inode), 0);
}

/* A file is held once, until it is released. */
static void hold(struct kunit *test)
{
	struct file *file = new_file(test);
	struct inode *inode = file_inode(file);

	KUNIT_ASSERT_EQ(test, writers(file), 0);
	KUNIT_EXPECT_TRUE(test, receipt_hold(file));
	KUNIT_EXPECT_TRUE(test, receipt_hold(file));
	KUNIT_EXPECT_EQ(test, writers(file), -1);
	KUNIT_EXPECT_EQ(test, get_write_access(inode), -ETXTBSY);
	receipt_release(file);
	receipt_release(file);
	KUNIT_ASSERT_EQ(test, writers(file), 0);

	KUNIT_ASSERT_EQ(test, get_write_access(inode), 0);
	KUNIT_EXPECT_FALSE(test, receipt_hold(file));
	KUNIT_EXPECT_EQ(test, writers(file), 1);
	put_write_access(inode);
	KUNIT_EXPECT_TRUE(test, receipt_hold(file));
}

/* The last reference to a file lets go of it. */
static void hold_until_close(struct kunit *test)
{
	struct file *file = new_file(test);
	struct inode *inode = file_inode(file);

	ihold(inode);
	KUNIT_EXPECT_TRUE(test, receipt_hold(file));
	KUNIT_EXPECT_EQ(test, atomic_read(&inode->i_writecount), -1);
	kunit_release_action(test, put_file, file);
	KUNIT_EXPECT_EQ(test, atomic_read(&inode->i_writecount), 0);
	iput(inode);
}

/* Closed to writers is what a verdict names by its content, and nothing else. */
static void hold_proven(struct kunit *test)
{
	u64 generation = READ_ONCE(receipt_generation);
	struct file *file = new_file(test);
	struct inode *inode = file_inode(file);
	struct receipt_state *state = state_of(test, file);
	struct receipt_digests digests;
	u64 change;

	receipt_state_digests(state, ONE_KIND, &digests, &change);
	receipt_state_allow(state, change, RECEIPT_OP_EXECUTE, generation, false);
	KUNIT_EXPECT_TRUE(test, receipt_state_allows(inode, RECEIPT_OP_EXECUTE, file));
	KUNIT_EXPECT_EQ(test, writers(file), 0);
	receipt_state_allow(state, change, RECEIPT_OP_EXECUTE, generation, true);
	KUNIT_EXPECT_FALSE(test, receipt_state_allows(inode, RECEIPT_OP_KMODULE, file));
	KUNIT_EXPECT_EQ(test, writers(file), 0);

	/* A writer that the state does not know of. */
	KUNIT_ASSERT_EQ(test, get_write_access(inode), 0);
	KUNIT_EXPECT_FALSE(test, receipt_state_allows(inode, RECEIPT_OP_EXECUTE, file));
	KUNIT_EXPECT_TRUE(test, receipt_state_allows(inode, RECEIPT_OP_EXECUTE, NULL));
	put_write_access(inode);

	KUNIT_EXPECT_TRUE(test, receipt_state_allows(inode, RECEIPT_OP_EXECUTE, file));
	KUNIT_EXPECT_EQ(test, writers(file), -1);
	KUNIT_EXPECT_TRUE(test, receipt_state_allows(inode, RECEIPT_OP_EXECUTE, file));
	KUNIT_EXPECT_EQ(test, writers(file), -1);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(state_get),
	KUNIT_CASE(state_digests),
	KUNIT_CASE(measure),
	KUNIT_CASE(state_allow),
	KUNIT_CASE(hold),
	KUNIT_CASE(hold_until_close),
	KUNIT_CASE(hold_proven),
	{}
};

static struct kunit_suite state_suite = {
	.name = "receipt_state",
	.init = receipt_kunit_init,
	.test_cases = state_cases,
};

kunit_test_suites(&cache_suite, &state_suite);
