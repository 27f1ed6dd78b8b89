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
 * A third sort is kept: evidence about the programs that the helper starts with,
 * which nobody can be asked about while none serves. Who may be the helper says
 * which these are. They are few, and neither pressure nor a flush drops them.
 *
 * One spinlock guards it all: it is taken on misses of the inode state only.
 */
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/random.h>
#include <linux/shrinker.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "private.h"

#define CACHE_BITS		12
#define CACHE_POSITIVE_MAX	65536
#define CACHE_NEGATIVE_MAX	4096
#define CACHE_COMPLETE_LIFE	(2 * HZ)

/**
 * struct cached - what is known of a digest
 * @node: in its bucket
 * @lru: in @positive, @negative or @kept, most recently used first
 * @digest: key
 * @known: of the digest
 * @until: jiffies until which it counts that the helper has no more
 */
struct cached {
	struct hlist_node node;
	struct list_head lru;
	struct receipt_digest digest;
	struct receipt_known known;
	unsigned long until;
};

static DEFINE_SPINLOCK(cache_lock);
static DEFINE_HASHTABLE(cache, CACHE_BITS);
static LIST_HEAD(positive);
static LIST_HEAD(negative);
static LIST_HEAD(kept);
static unsigned long npositive;
static unsigned long nnegative;
static unsigned long nkept;
static struct shrinker *cache_shrinker __ro_after_init;
static siphash_key_t cache_secret __ro_after_init;

/* Whoever makes files at will must not be able to choose digests of one bucket. */
static unsigned long key_of(const struct receipt_digest *digest)
{
	u64 begin;

	memcpy(&begin, digest->bytes, sizeof(begin));

	return siphash_2u64(begin, digest->kind, &cache_secret);
}

/**
 * receipt_proven_put - drop a reference
 * @proven: proven statement or NULL
 */
void receipt_proven_put(struct receipt_proven *proven)
{
	if (!proven || !refcount_dec_and_test(&proven->ref))
		return;
	receipt_uncount(RECEIPT_STAT_STATEMENTS);
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

/* Where @c belongs, and how many are there; read and written under the lock. */
static struct list_head *sort_of(const struct cached *c, unsigned long **n)
{
	lockdep_assert_held(&cache_lock);
	if (c->known.kept) {
		*n = &nkept;
		return &kept;
	}
	*n = c->known.n ? &npositive : &nnegative;

	return c->known.n ? &positive : &negative;
}

/* To the front of where it belongs; before that it was one of *@n. */
static void put_in_order(struct cached *c, unsigned long *n)
{
	unsigned long *to;

	list_move(&c->lru, sort_of(c, &to));
	WRITE_ONCE(*n, *n - 1);
	WRITE_ONCE(*to, *to + 1);
}

static void unlink_cached(struct cached *c)
{
	unsigned long *n;

	hash_del(&c->node);
	list_del(&c->lru);
	sort_of(c, &n);
	WRITE_ONCE(*n, *n - 1);
}

static void free_cached(struct cached *c)
{
	receipt_known_put(&c->known);
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

static u8 find_proven(const struct receipt_known *known,
		      const struct receipt_proven *proven)
{
	u8 i;

	for (i = 0; i < known->n; i++)
		if (known->proven[i]->summary.usage == proven->summary.usage &&
		    !memcmp(known->proven[i]->id, proven->id,
			    sizeof(proven->id)))
			break;

	return i;
}

/**
 * receipt_cache_find - what is known of a digest
 * @digest: key
 * @known: filled in; the caller calls receipt_known_put()
 */
void receipt_cache_find(const struct receipt_digest *digest,
			struct receipt_known *known)
{
	unsigned long *n;
	struct cached *c;

	memset(known, 0, sizeof(*known));
	spin_lock(&cache_lock);
	c = find_cached(digest);
	if (c) {
		list_move(&c->lru, sort_of(c, &n));
		receipt_known_get(known, &c->known);
		if (!time_before(jiffies, c->until))
			known->generation = 0;
	}
	spin_unlock(&cache_lock);
}

/**
 * receipt_cache_is_complete - need the helper be asked?
 * @digest: key
 * @generation: of the policy that judges
 *
 * Context: Any, also under the lock of the lookups.
 * Return: whether the helper has said under this policy that it has no more.
 */
bool receipt_cache_is_complete(const struct receipt_digest *digest,
			       u64 generation)
{
	struct cached *c;
	bool is;

	spin_lock(&cache_lock);
	c = find_cached(digest);
	is = c && c->known.generation == generation &&
	     time_before(jiffies, c->until);
	spin_unlock(&cache_lock);

	return is;
}

/**
 * receipt_known_get - copy what is known, with references
 * @to: empty
 * @from: stays as it is meanwhile
 */
void receipt_known_get(struct receipt_known *to,
		       const struct receipt_known *from)
{
	u8 i;

	*to = *from;
	for (i = 0; i < to->n; i++)
		refcount_inc(&to->proven[i]->ref);
}

/**
 * receipt_known_move - put together what is known from two sources
 * @known: gets what it lacks
 * @from: empty afterwards
 * @policy: says which statements are kept
 */
void receipt_known_move(struct receipt_known *known,
			struct receipt_known *from,
			const struct receipt_policy *policy)
{
	struct receipt_proven *proven;

	if (from->generation > known->generation) {
		known->generation = from->generation;
		known->reason = from->reason;
	}
	known->crowded |= from->crowded;
	known->kept |= from->kept;
	while (from->n) {
		proven = from->proven[--from->n];
		if (find_proven(known, proven) == known->n)
			proven = receipt_known_add(known, proven, policy);
		receipt_proven_put(proven);
	}
}

/**
 * receipt_known_put - drop the references
 * @known: has no statement afterwards
 */
void receipt_known_put(struct receipt_known *known)
{
	while (known->n)
		receipt_proven_put(known->proven[--known->n]);
}

/* The one of a full set and of @proven that can be done without. */
static u8 find_spare(struct receipt_known *known,
		     const struct receipt_proven *proven,
		     const struct receipt_policy *policy)
{
	const struct receipt_summary *summaries[RECEIPT_MAX_STATEMENTS + 1];
	u8 i;

	for (i = 0; i < known->n; i++)
		summaries[i] = &known->proven[i]->summary;
	summaries[i++] = &proven->summary;

	return receipt_policy_spare(policy, summaries, i, receipt_clock_now(),
				    &known->crowded);
}

/**
 * receipt_known_add - one more statement
 * @known: gets it
 * @proven: the reference goes to @known
 * @policy: where there is no place left, it says which statement goes
 *
 * The same statement may come again with more receipts: the new one counts. Where a
 * manifest has the same content under several usages, each of them does.
 *
 * Return: what had to make place, or found none, whose reference is the caller's, or
 *	NULL.
 */
struct receipt_proven *receipt_known_add(struct receipt_known *known,
					 struct receipt_proven *proven,
					 const struct receipt_policy *policy)
{
	struct receipt_proven *old;
	u8 i = find_proven(known, proven);

	if (i == RECEIPT_MAX_STATEMENTS) {
		i = find_spare(known, proven, policy);
		if (i == RECEIPT_MAX_STATEMENTS)
			return proven;
	}
	if (i == known->n) {
		known->proven[known->n++] = proven;
		return NULL;
	}
	old = known->proven[i];
	known->proven[i] = proven;

	return old;
}

static struct receipt_proven *store_proven(struct cached *c,
					   struct receipt_proven *proven,
					   const struct receipt_policy *policy)
{
	struct receipt_proven *old;
	unsigned long *n;

	sort_of(c, &n);
	old = receipt_known_add(&c->known, proven, policy);
	put_in_order(c, n);

	return old;
}

/**
 * receipt_cache_add - remember a proven statement
 * @digest: of the artifact
 * @proven: statement; the reference goes to the cache
 * @policy: says which statements are kept
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int receipt_cache_add(const struct receipt_digest *digest,
		      struct receipt_proven *proven,
		      const struct receipt_policy *policy)
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
	old = store_proven(c, proven, policy);
	excess = take_excess();
	spin_unlock(&cache_lock);

	receipt_proven_put(old);
	if (c != fresh)
		kfree(fresh);
	if (excess)
		free_cached(excess);

	return 0;
}

/* What of an answer the cache has not, or has lost meanwhile. */
static void store_answer(struct cached *c, const struct receipt_known *answer,
			 const struct receipt_policy *policy)
{
	u8 i;

	for (i = 0; i < answer->n; i++) {
		if (find_proven(&c->known, answer->proven[i]) < c->known.n)
			continue;
		refcount_inc(&answer->proven[i]->ref);
		receipt_proven_put(store_proven(c, answer->proven[i], policy));
	}
}

/**
 * receipt_cache_complete - the helper has no more to say about a digest
 * @digest: key
 * @answer: all that it had to say, and under which policy it was asked
 * @policy: says which statements are kept
 *
 * Not remembered without memory: then the helper is asked again.
 *
 * Context: May sleep.
 */
void receipt_cache_complete(const struct receipt_digest *digest,
			    const struct receipt_known *answer,
			    const struct receipt_policy *policy)
{
	struct cached *fresh = new_cached(digest);
	struct cached *c, *excess;

	if (!fresh)
		return;

	spin_lock(&cache_lock);
	c = get_cached(fresh);
	if (c->known.generation != answer->generation)
		c->known.crowded = false;
	c->known.crowded |= answer->crowded;
	store_answer(c, answer, policy);
	c->known.generation = answer->generation;
	c->known.reason = answer->reason;
	c->until = jiffies + CACHE_COMPLETE_LIFE;
	excess = take_excess();
	spin_unlock(&cache_lock);

	if (c != fresh)
		kfree(fresh);
	if (excess)
		free_cached(excess);
}

/**
 * receipt_cache_keep - keep what is known of a digest for the start of the helper
 * @digest: key; nothing is done where nothing is proven of it
 *
 * Of more than RECEIPT_MAX_KEPT the one that was not used for longest becomes one
 * like all others.
 */
void receipt_cache_keep(const struct receipt_digest *digest)
{
	struct cached *c, *last, *excess = NULL;
	unsigned long *n;

	spin_lock(&cache_lock);
	c = find_cached(digest);
	if (c && c->known.n) {
		sort_of(c, &n);
		c->known.kept = true;
		put_in_order(c, n);
		if (nkept > RECEIPT_MAX_KEPT) {
			last = list_last_entry(&kept, struct cached, lru);
			last->known.kept = false;
			put_in_order(last, &nkept);
			excess = take_excess();
		}
	}
	spin_unlock(&cache_lock);
	if (excess)
		free_cached(excess);
}

/**
 * receipt_cache_flush - forget all digests but those that are kept
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

/* The entry of a bucket at a place; NULL behind the last. */
static struct cached *nth_cached(u32 bucket, u32 n)
{
	struct cached *c;

	lockdep_assert_held(&cache_lock);
	hlist_for_each_entry(c, &cache[bucket], node)
		if (!n--)
			return c;

	return NULL;
}

/**
 * receipt_cache_next - go through all digests of which something is known
 * @at: the place; zeroed to begin, moved on
 * @digest: set to the next
 * @statements: set to its number of proven statements
 *
 * What comes or goes meanwhile may be missed, and what stays may be missed or
 * come twice. It ends all the same: buckets are bounded, and each is left once.
 *
 * Context: May sleep; the lock is held for one bucket.
 * Return: whether there is one.
 */
bool receipt_cache_next(struct receipt_cache_place *at,
			struct receipt_digest *digest, u32 *statements)
{
	struct cached *c = NULL;

	for (; at->bucket < HASH_SIZE(cache); at->bucket++, at->n = 0) {
		spin_lock(&cache_lock);
		c = nth_cached(at->bucket, at->n);
		if (c) {
			*digest = c->digest;
			*statements = c->known.n;
		}
		spin_unlock(&cache_lock);
		if (c)
			break;
		cond_resched();
	}
	at->n++;

	return c;
}

/**
 * receipt_cache_counts - how many digests are known
 * @with: set to those with proven statements
 * @without: set to those that the helper has none for
 * @for_helper: set to those that are kept for the start of the helper, which are not
 *	among the others
 */
void receipt_cache_counts(u64 *with, u64 *without, u64 *for_helper)
{
	*with = READ_ONCE(npositive);
	*without = READ_ONCE(nnegative);
	*for_helper = READ_ONCE(nkept);
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
 * receipt_cache_init - make the cache ready
 *
 * Return: 0 or -ENOMEM.
 */
int __init receipt_cache_init(void)
{
	get_random_bytes(&cache_secret, sizeof(cache_secret));
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
