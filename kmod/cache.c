// SPDX-License-Identifier: GPL-2.0-only
/*
 * Digest -> proven statements.
 *
 * What is in here was proven by evidence.c and names the keys it was proven
 * with, so it outlives the policy: another policy judges it anew. An entry
 * without statements says that the helper had none; it counts for a short time
 * and under one policy. Both sorts are bounded and shrink under pressure, the
 * second apart from the first, so that a flood of unknown files does not push
 * out what is proven.
 *
 * One spinlock guards it all: it is taken on misses of the inode state only.
 */
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/shrinker.h>
#include <linux/slab.h>

#include "private.h"

#define CACHE_BITS		12
#define CACHE_POSITIVE_MAX	65536
#define CACHE_NEGATIVE_MAX	4096
#define CACHE_COMPLETE_LIFE	(2 * HZ)

/**
 * struct cached - what is known of a digest
 * @node: in its bucket
 * @lru: in @positive or @negative, most recently used first
 * @digest: key
 * @n: used entries of @proven
 * @proven: statements, each with a reference
 * @generation: policy under which the helper last said it has no more
 * @until: jiffies until which that counts
 * @reason: why there was none
 */
struct cached {
	struct hlist_node node;
	struct list_head lru;
	struct receipt_digest digest;
	u8 n;
	struct receipt_proven *proven[RECEIPT_MAX_STATEMENTS];
	u64 generation;
	unsigned long until;
	enum receipt_reason reason;
};

static DEFINE_SPINLOCK(cache_lock);
static DEFINE_HASHTABLE(cache, CACHE_BITS);
static LIST_HEAD(positive);
static LIST_HEAD(negative);
static unsigned long npositive;
static unsigned long nnegative;
static struct shrinker *cache_shrinker __ro_after_init;

static unsigned long key_of(const struct receipt_digest *digest)
{
	unsigned long key;

	memcpy(&key, digest->bytes, sizeof(key));

	return key ^ digest->kind;
}

/**
 * receipt_proven_put - drop a reference
 * @proven: proven statement or NULL
 */
void receipt_proven_put(struct receipt_proven *proven)
{
	if (proven && refcount_dec_and_test(&proven->ref))
		kfree(proven);
}

static struct cached *find_cached(const struct receipt_digest *digest)
{
	struct cached *c;

	lockdep_assert_held(&cache_lock);
	hash_for_each_possible(cache, c, node, key_of(digest))
		if (receipt_digest_equal(&c->digest, digest))
			return c;

	return NULL;
}

static void unlink_cached(struct cached *c)
{
	lockdep_assert_held(&cache_lock);
	hash_del(&c->node);
	list_del(&c->lru);
	if (c->n)
		npositive--;
	else
		nnegative--;
}

static void free_cached(struct cached *c)
{
	while (c->n)
		receipt_proven_put(c->proven[--c->n]);
	kfree(c);
}

/* Takes the oldest of a list out; NULL when it is empty. */
static struct cached *oldest(struct list_head *list)
{
	struct cached *c;

	if (list_empty(list))
		return NULL;
	c = list_last_entry(list, struct cached, lru);
	unlink_cached(c);

	return c;
}

static struct cached *take_excess(void)
{
	if (npositive > CACHE_POSITIVE_MAX)
		return oldest(&positive);
	if (nnegative > CACHE_NEGATIVE_MAX)
		return oldest(&negative);

	return NULL;
}

/* Finds or inserts @fresh; whichever is not used is freed by the caller. */
static struct cached *get_cached(struct cached *fresh)
{
	struct cached *c = find_cached(&fresh->digest);

	if (c)
		return c;
	hash_add(cache, &fresh->node, key_of(&fresh->digest));
	list_add(&fresh->lru, &negative);
	nnegative++;

	return fresh;
}

static struct cached *new_cached(const struct receipt_digest *digest)
{
	struct cached *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (c)
		c->digest = *digest;

	return c;
}

/**
 * receipt_cache_find - what is known of a digest
 * @digest: key
 * @generation: of the policy that will judge it
 * @known: filled in; the caller calls receipt_known_put()
 */
void receipt_cache_find(const struct receipt_digest *digest, u64 generation,
			struct receipt_known *known)
{
	struct cached *c;
	u8 i;

	memset(known, 0, sizeof(*known));
	spin_lock(&cache_lock);
	c = find_cached(digest);
	if (c) {
		list_move(&c->lru, c->n ? &positive : &negative);
		known->n = c->n;
		for (i = 0; i < c->n; i++) {
			known->proven[i] = c->proven[i];
			refcount_inc(&c->proven[i]->ref);
		}
		known->complete = c->generation == generation &&
				  time_before(jiffies, c->until);
		known->reason = c->reason;
	}
	spin_unlock(&cache_lock);
}

/**
 * receipt_known_put - drop what receipt_cache_find() gave
 * @known: filled in by it
 */
void receipt_known_put(struct receipt_known *known)
{
	while (known->n)
		receipt_proven_put(known->proven[--known->n]);
}

/* The same statement may come again with more receipts: the new one counts. */
static struct receipt_proven *store_proven(struct cached *c,
					   struct receipt_proven *proven)
{
	struct receipt_proven *old = NULL;
	u8 i;

	for (i = 0; i < c->n; i++)
		if (!memcmp(c->proven[i]->id, proven->id, sizeof(proven->id)))
			break;

	if (i == RECEIPT_MAX_STATEMENTS)
		i--;
	if (i < c->n) {
		old = c->proven[i];
	} else if (!c->n++) {
		nnegative--;
		npositive++;
	}
	c->proven[i] = proven;
	list_move(&c->lru, &positive);

	return old;
}

/**
 * receipt_cache_add - remember a proven statement
 * @digest: of the artifact
 * @proven: statement; the reference goes to the cache
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int receipt_cache_add(const struct receipt_digest *digest,
		      struct receipt_proven *proven)
{
	struct cached *fresh = new_cached(digest);
	struct cached *c, *excess;
	struct receipt_proven *old;

	if (!fresh) {
		receipt_proven_put(proven);
		return -ENOMEM;
	}

	spin_lock(&cache_lock);
	c = get_cached(fresh);
	old = store_proven(c, proven);
	excess = take_excess();
	spin_unlock(&cache_lock);

	receipt_proven_put(old);
	if (c != fresh)
		kfree(fresh);
	if (excess)
		free_cached(excess);

	return 0;
}

/**
 * receipt_cache_complete - the helper has no more to say about a digest
 * @digest: key
 * @generation: of the policy under which it was asked
 * @reason: why there is none, when there is none
 *
 * Without memory it is not remembered, and the helper is asked again.
 *
 * Context: May sleep.
 */
void receipt_cache_complete(const struct receipt_digest *digest,
			    u64 generation, enum receipt_reason reason)
{
	struct cached *fresh = new_cached(digest);
	struct cached *c, *excess;

	if (!fresh)
		return;

	spin_lock(&cache_lock);
	c = get_cached(fresh);
	c->generation = generation;
	c->until = jiffies + CACHE_COMPLETE_LIFE;
	c->reason = reason;
	excess = take_excess();
	spin_unlock(&cache_lock);

	if (c != fresh)
		kfree(fresh);
	if (excess)
		free_cached(excess);
}

/**
 * receipt_cache_flush - forget all digests
 *
 * Context: May sleep.
 */
void receipt_cache_flush(void)
{
	struct cached *c;

	do {
		spin_lock(&cache_lock);
		c = oldest(&positive);
		if (!c)
			c = oldest(&negative);
		spin_unlock(&cache_lock);
		if (c)
			free_cached(c);
		cond_resched();
	} while (c);
}

/**
 * receipt_cache_counts - how many digests are known
 * @with: set to those with proven statements
 * @without: set to those that the helper has none for
 */
void receipt_cache_counts(u64 *with, u64 *without)
{
	*with = READ_ONCE(npositive);
	*without = READ_ONCE(nnegative);
}

static unsigned long count_cached(struct shrinker *s, struct shrink_control *sc)
{
	return READ_ONCE(npositive) + READ_ONCE(nnegative) ?: SHRINK_EMPTY;
}

static unsigned long scan_cached(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;
	struct cached *c;

	while (freed < sc->nr_to_scan) {
		spin_lock(&cache_lock);
		c = oldest(&negative);
		if (!c)
			c = oldest(&positive);
		spin_unlock(&cache_lock);
		if (!c)
			break;
		free_cached(c);
		freed++;
	}

	return freed ?: SHRINK_STOP;
}

/**
 * receipt_cache_init - register the shrinker
 *
 * Return: 0 or -ENOMEM.
 */
int __init receipt_cache_init(void)
{
	cache_shrinker = shrinker_alloc(0, "receipt-cache");
	if (!cache_shrinker)
		return -ENOMEM;
	cache_shrinker->count_objects = count_cached;
	cache_shrinker->scan_objects = scan_cached;
	shrinker_register(cache_shrinker);

	return 0;
}

/**
 * receipt_cache_exit - undo receipt_cache_init() after a failed bring-up
 */
void __init receipt_cache_exit(void)
{
	shrinker_free(cache_shrinker);
	receipt_cache_flush();
}
