/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the states are: of the loadable module in a hash table, because a module
 * that comes after boot has no blob on struct inode. Included by state.c alone.
 */
#include <linux/hash.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/mm.h>

#define STATE_BITS	14

struct state_bucket {
	spinlock_t lock;	/* writers of the list; state->lock nests inside */
	struct hlist_head list;
};

static struct state_bucket *buckets __ro_after_init;

static struct state_bucket *bucket_of(const struct inode *inode)
{
	return &buckets[hash_ptr(inode, STATE_BITS)];
}

static int __init init_states(void)
{
	size_t i;

	buckets = kvcalloc(1 << STATE_BITS, sizeof(*buckets), GFP_KERNEL);
	if (!buckets)
		return -ENOMEM;
	/* Variables that are read-only now are not scanned in a module. */
	kmemleak_not_leak(buckets);
	for (i = 0; i < 1 << STATE_BITS; i++)
		spin_lock_init(&buckets[i].lock);

	return 0;
}

/* No hook is attached. */
static void __init exit_states(void)
{
	struct receipt_state *state;
	struct hlist_node *next;
	size_t i;

	for (i = 0; buckets && i < 1 << STATE_BITS; i++)
		hlist_for_each_entry_safe(state, next, &buckets[i].list,
					  table.node)
			kmem_cache_free(state_slab, state);
	kvfree(buckets);
}

static __always_inline struct receipt_state *
find_in(const struct state_bucket *bucket, const struct inode *inode)
{
	struct receipt_state *state;

	hlist_for_each_entry_rcu(state, &bucket->list, table.node,
				 rcu_read_lock_sched_held() ||
				 lockdep_is_held(&bucket->lock))
		if (state->table.inode == inode)
			return state;

	return NULL;
}

/* Under rcu_read_lock() or rcu_read_lock_sched(). */
static __always_inline struct receipt_state *
find_state(const struct inode *inode)
{
	return find_in(bucket_of(inode), inode);
}

/* Returns the state that is there, or @fresh, which is there now. */
static struct receipt_state *insert_state(const struct inode *inode,
					  struct receipt_state *fresh)
{
	struct state_bucket *bucket = bucket_of(inode);
	struct receipt_state *state;

	fresh->table.inode = inode;
	spin_lock(&bucket->lock);
	state = find_in(bucket, inode);
	if (!state)
		hlist_add_head_rcu(&fresh->table.node, &bucket->list);
	spin_unlock(&bucket->lock);

	return state ?: fresh;
}

static void remove_state(const struct inode *inode)
{
	struct state_bucket *bucket = bucket_of(inode);
	struct receipt_state *state;

	if (hlist_empty(&bucket->list))
		return;

	spin_lock(&bucket->lock);
	state = find_in(bucket, inode);
	if (state)
		hlist_del_rcu(&state->table.node);
	spin_unlock(&bucket->lock);
	if (!state)
		return;
	receipt_uncount(RECEIPT_STAT_STATES);
	/* The inode is no longer referenced: nobody else is at it. */
	receipt_rights_free(state->rights);
	kfree_rcu(state, table.rcu);
}
