/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the states are: of the loadable module in a hash table, because a module
 * that comes after boot has no blob on struct inode. Included by state.c alone.
 *
 * The table grows with the number of states. A state has two nodes, so that it can
 * be in the table that is read and in the next one: those who look something up
 * take no lock and find each state all the time.
 */
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/workqueue.h>

#define FIRST_BITS	10
#define LAST_BITS	22
#define MORE_BITS	2	/* at a time */

/**
 * struct state_table - lists of states
 * @bits: of the hash: there are so many lists, as a power of two
 * @seq: counts tables; its lowest bit says which of a state's nodes is in them
 * @lists: of states, under @states_lock for writers, RCU for readers
 */
struct state_table {
	unsigned int bits;
	u32 seq;
	struct hlist_head lists[];
};

/* While states move from one table to the next they are in both. */
#define NODE_OF(in)	table.node[(in)->seq & 1]

static DEFINE_SPINLOCK(states_lock);
static struct state_table __rcu *states;
static struct state_table *next_states;	/* while it is filled; @states_lock */
static unsigned long nstates;		/* @states_lock */

static void grow_states(struct work_struct *work);
static DECLARE_WORK(grow_work, grow_states);

static struct state_table *new_states(unsigned int bits, u32 seq)
{
	struct state_table *new;

	new = kvzalloc(struct_size(new, lists, 1UL << bits), GFP_KERNEL);
	if (new) {
		new->bits = bits;
		new->seq = seq;
	}

	return new;
}

static int __init init_states(void)
{
	struct state_table *first = new_states(FIRST_BITS, 0);

	RCU_INIT_POINTER(states, first);

	return first ? 0 : -ENOMEM;
}

/* No hook is attached. */
static void __init exit_states(void)
{
	struct receipt_state *state;
	struct state_table *last;
	struct hlist_node *next;
	size_t i;

	cancel_work_sync(&grow_work);
	last = rcu_dereference_protected(states, true);
	for (i = 0; last && i < 1UL << last->bits; i++)
		hlist_for_each_entry_safe(state, next, &last->lists[i],
					  NODE_OF(last))
			kmem_cache_free(state_slab, state);
	kvfree(last);
}

static __always_inline struct receipt_state *
find_in(const struct state_table *in, const struct inode *inode)
{
	const struct hlist_head *list = &in->lists[hash_ptr(inode, in->bits)];
	struct receipt_state *state;

	hlist_for_each_entry_rcu(state, list, NODE_OF(in),
				 rcu_read_lock_sched_held() ||
				 lockdep_is_held(&states_lock))
		if (state->table.inode == inode)
			return state;

	return NULL;
}

/* Under rcu_read_lock() or rcu_read_lock_sched(). */
static __always_inline struct receipt_state *
find_state(const struct inode *inode)
{
	return find_in(rcu_dereference_check(states,
					     rcu_read_lock_sched_held()),
		       inode);
}

/**
 * receipt_state_find - the state of an inode
 * @inode: referenced by the caller for as long as it uses the state
 *
 * Context: Any. No lock that CPUs share, no allocation.
 * Return: the state, or NULL.
 */
struct receipt_state *receipt_state_find(const struct inode *inode)
{
	struct receipt_state *state;

	/* For the hit path as good as rcu_read_lock(), and without a call. */
	rcu_read_lock_sched();
	state = find_state(inode);
	rcu_read_unlock_sched();

	return state;
}

static void link_state(struct state_table *to, struct receipt_state *state)
{
	lockdep_assert_held(&states_lock);
	state->table.seq = to->seq;
	hlist_add_head_rcu(&state->NODE_OF(to),
			   &to->lists[hash_ptr(state->table.inode, to->bits)]);
}

/* Those of one list, so that the lock is not held for long. */
static void move_list(const struct state_table *from, size_t i)
{
	struct receipt_state *state;

	spin_lock(&states_lock);
	hlist_for_each_entry(state, &from->lists[i], NODE_OF(from))
		if (state->table.seq != next_states->seq)
			link_state(next_states, state);
	spin_unlock(&states_lock);
	cond_resched();
}

/* Without memory it stays as it is: slower, until the next state comes. */
static void grow_states(struct work_struct *work)
{
	struct state_table *old, *new;
	size_t i;

	/* Nobody else changes it. */
	old = rcu_dereference_protected(states, true);
	if (READ_ONCE(nstates) >> old->bits == 0 || old->bits >= LAST_BITS)
		return;
	new = new_states(old->bits + MORE_BITS, old->seq + 1);
	if (!new)
		return;

	spin_lock(&states_lock);
	next_states = new;
	spin_unlock(&states_lock);
	for (i = 0; i < 1UL << old->bits; i++)
		move_list(old, i);
	spin_lock(&states_lock);
	rcu_assign_pointer(states, new);
	next_states = NULL;
	spin_unlock(&states_lock);

	/* The nodes in the old one may be used again when nobody reads it. */
	synchronize_rcu();
	kvfree(old);
}

/* Returns the state that is there, or @fresh, which is there now. */
static struct receipt_state *insert_state(const struct inode *inode,
					  struct receipt_state *fresh)
{
	struct receipt_state *state;
	struct state_table *now;

	fresh->table.inode = inode;
	spin_lock(&states_lock);
	now = rcu_dereference_protected(states,
					lockdep_is_held(&states_lock));
	state = find_in(now, inode);
	if (!state) {
		link_state(now, fresh);
		if (next_states)
			link_state(next_states, fresh);
		if (++nstates >> now->bits && now->bits < LAST_BITS)
			schedule_work(&grow_work);
	}
	spin_unlock(&states_lock);

	return state ?: fresh;
}

static void remove_state(const struct inode *inode)
{
	struct receipt_state *state;
	struct state_table *now;

	/* Most inodes have none, and nobody gives one to an inode that is freed. */
	rcu_read_lock();
	state = find_state(inode);
	rcu_read_unlock();
	if (!state)
		return;

	spin_lock(&states_lock);
	now = rcu_dereference_protected(states,
					lockdep_is_held(&states_lock));
	hlist_del_rcu(&state->NODE_OF(now));
	if (next_states && state->table.seq == next_states->seq)
		hlist_del_rcu(&state->NODE_OF(next_states));
	nstates--;
	spin_unlock(&states_lock);
	receipt_uncount(RECEIPT_STAT_STATES);
	/* The inode is no longer referenced: nobody else is at it. */
	receipt_rights_free(state->rights);
	kfree_rcu(state, table.rcu);
}
