// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known of each inode, and the hold that closes a file to writers.
 *
 * Where a state is, state_table.h (the module) and state_blob.h (built in) know.
 * It is created while its inode is referenced and removed when the inode is
 * freed, so a state that belongs to a referenced inode does not go away: callers
 * hold a file of the inode.
 *
 * How a verdict stays true. Content changes only through a file opened for
 * writing or a truncation; both raise i_writecount first and call
 * receipt_state_written() then. So:
 *
 * - measure: make the state visible, see i_writecount <= 0, note @change, hash,
 *   store the digest if @change is still the same. A writer either shows in
 *   i_writecount, or comes later and raises @change.
 * - map: hold the inode closed to writers (i_writecount < 0), then read the
 *   verdict. A writer that came before has cleared it, none can come after.
 *
 * Only a file whose verdict names its content is held, never one of a user's
 * choice.
 */
#include <linux/fs.h>
#include <linux/slab.h>

#include "hit.h"
#include "private.h"

static struct kmem_cache *state_slab __ro_after_init;

#ifdef MODULE
#include "state_table.h"
#else
#include "state_blob.h"
#endif

/**
 * receipt_state_init - make room for states
 *
 * Return: 0 or -ENOMEM.
 */
int __init receipt_state_init(void)
{
	int ret;

	state_slab = KMEM_CACHE(receipt_state, SLAB_ACCOUNT);
	if (!state_slab)
		return -ENOMEM;
	ret = init_states();
	if (ret)
		kmem_cache_destroy(state_slab);

	return ret;
}

/**
 * receipt_state_exit - undo receipt_state_init() after a failed bring-up
 *
 * Context: There is no state but boot marks.
 */
void __init receipt_state_exit(void)
{
	exit_states();
	kmem_cache_destroy(state_slab);
}

static struct receipt_state *new_state(gfp_t gfp)
{
	struct receipt_state *state = kmem_cache_zalloc(state_slab, gfp);

	if (!state)
		return NULL;
	spin_lock_init(&state->lock);
	receipt_count(RECEIPT_STAT_STATES);

	return state;
}

/* One that was never visible. */
static void drop_state(struct receipt_state *state)
{
	receipt_uncount(RECEIPT_STAT_STATES);
	kmem_cache_free(state_slab, state);
}

/**
 * receipt_state_get - find or create the state of an inode
 * @inode: referenced by the caller for as long as it uses the state
 *
 * Context: May sleep.
 * Return: the state, or NULL without memory.
 */
struct receipt_state *receipt_state_get(struct inode *inode)
{
	struct receipt_state *state, *fresh;

	rcu_read_lock();
	state = find_state(inode);
	rcu_read_unlock();
	if (state)
		return state;

	fresh = new_state(GFP_KERNEL);
	if (!fresh)
		return NULL;
	state = insert_state(inode, fresh);
	if (state != fresh)
		drop_state(fresh);

	return state;
}

/**
 * receipt_state_digests - what is known of the content
 * @state: state
 * @kinds: bits of the kinds that are needed
 * @digests: filled in with those of them that are known
 * @change: filled in
 *
 * Return: whether all are known.
 */
bool receipt_state_digests(struct receipt_state *state, u8 kinds,
			   struct receipt_digests *digests, u64 *change)
{
	u8 i;

	digests->n = 0;
	spin_lock(&state->lock);
	*change = state->change;
	for (i = 0; i < state->digests.n; i++)
		if (kinds & BIT(state->digests.digest[i].kind))
			digests->digest[digests->n++] = state->digests.digest[i];
	spin_unlock(&state->lock);
	/* The state is visible before the caller looks at i_writecount. */
	smp_mb();

	return receipt_digests_kinds(digests) == kinds;
}

/**
 * receipt_state_settled - remember that only a writer changes the content
 * @state: state
 * @change: as it was before the pages were settled
 * @heads: somebody else was executing the file, and may have read its head before
 *
 * Return: false when the content was opened for writing since.
 */
bool receipt_state_settled(struct receipt_state *state, u64 change, bool heads)
{
	bool same;

	spin_lock(&state->lock);
	same = state->change == change;
	if (same) {
		state->heads = heads;
		WRITE_ONCE(state->settled, true);
	}
	spin_unlock(&state->lock);

	return same;
}

/* Is a digest of one kind another one? */
static bool contradict(const struct receipt_digests *a,
		       const struct receipt_digests *b)
{
	u8 i, j;

	for (i = 0; i < a->n; i++)
		for (j = 0; j < b->n; j++)
			if (a->digest[i].kind == b->digest[j].kind &&
			    !receipt_digest_equal(&a->digest[i], &b->digest[j]))
				return true;

	return false;
}

/**
 * receipt_state_measured - remember digests
 * @state: state
 * @change: as it was before the content was read
 * @digests: of the content
 *
 * Return: RECEIPT_REASON_ALLOWED; RECEIPT_REASON_FILE_CHANGED when the content
 *	was opened for writing since; RECEIPT_REASON_CORRUPTED when it is not what
 *	was measured before, though nobody wrote: no verdict on it is left.
 */
enum receipt_reason receipt_state_measured(struct receipt_state *state,
					   u64 change,
					   const struct receipt_digests *digests)
{
	enum receipt_reason reason = RECEIPT_REASON_ALLOWED;

	spin_lock(&state->lock);
	if (state->change != change) {
		reason = RECEIPT_REASON_FILE_CHANGED;
	} else {
		if (contradict(&state->digests, digests)) {
			WRITE_ONCE(state->verdict, 0);
			reason = RECEIPT_REASON_CORRUPTED;
		}
		state->digests = *digests;
	}
	spin_unlock(&state->lock);

	return reason;
}

/**
 * receipt_state_allow - remember that an operation is allowed
 * @state: state
 * @change: as it was before the content was read
 * @op: operation
 * @generation: of the policy that said so
 * @proven: the verdict names the content
 *
 * Return: false when the content was opened for writing since.
 */
bool receipt_state_allow(struct receipt_state *state, u64 change,
			 enum receipt_op op, u64 generation, bool proven)
{
	u64 bits = BIT(op) | (proven ? BIT(op + 8) : 0);
	bool same;

	spin_lock(&state->lock);
	if (op == RECEIPT_OP_EXECUTE && !state->heads)
		bits |= bits << RECEIPT_OP_RUN;
	same = state->change == change;
	if (same && state->verdict >> 16 == generation)
		bits |= state->verdict;
	if (same)
		WRITE_ONCE(state->verdict, generation << 16 | bits);
	spin_unlock(&state->lock);

	return same;
}

/**
 * receipt_state_note - remember an operation of an inode that may have a state
 * @inode: referenced by the caller
 * @change: as it was
 * @op: operation
 * @generation: of the policy under which
 */
void receipt_state_note(const struct inode *inode, u64 change,
			enum receipt_op op, u64 generation)
{
	struct receipt_state *state;

	rcu_read_lock();
	state = find_state(inode);
	if (state)
		receipt_state_allow(state, change, op, generation, false);
	rcu_read_unlock();
}

/**
 * receipt_state_unchanged - was the content left alone?
 * @state: state
 * @change: as it was
 *
 * Return: whether nobody opened it for writing since.
 */
bool receipt_state_unchanged(struct receipt_state *state, u64 change)
{
	return READ_ONCE(state->change) == change;
}

/**
 * receipt_state_change - how often an inode was opened for writing
 * @inode: referenced by the caller
 *
 * Return: a count, zero while it has no state, which begins with that.
 */
u64 receipt_state_change(const struct inode *inode)
{
	const struct receipt_state *state;
	u64 change;

	rcu_read_lock();
	state = find_state(inode);
	change = state ? READ_ONCE(state->change) : 0;
	rcu_read_unlock();

	return change;
}

/**
 * receipt_state_written - the content may change from here on
 * @inode: opened for writing or truncated; i_writecount is raised already
 *
 * Context: Any; takes spinlocks only when the inode has a state.
 */
void receipt_state_written(const struct inode *inode)
{
	struct receipt_rights *rights = NULL;
	struct receipt_state *state;

	/* i_writecount was raised before the state is looked for. */
	smp_mb();
	rcu_read_lock();
	state = find_state(inode);
	if (state) {
		spin_lock(&state->lock);
		WRITE_ONCE(state->change, state->change + 1);
		WRITE_ONCE(state->verdict, 0);
		WRITE_ONCE(state->settled, false);
		state->heads = false;
		state->digests.n = 0;
		WRITE_ONCE(state->boot, false);
		swap(state->rights, rights);
		spin_unlock(&state->lock);
	}
	rcu_read_unlock();
	receipt_rights_free(rights);
}

/**
 * receipt_state_free - forget an inode that is being freed
 * @inode: no longer referenced
 */
void receipt_state_free(const struct inode *inode)
{
	remove_state(inode);
}

/**
 * receipt_state_is_boot - did a file come with the initramfs, and stay as it was?
 * @inode: referenced by the caller, and closed to writers
 *
 * Return: whether it has the mark.
 */
bool receipt_state_is_boot(const struct inode *inode)
{
	const struct receipt_state *state;
	bool boot;

	rcu_read_lock();
	state = find_state(inode);
	boot = state && READ_ONCE(state->boot);
	rcu_read_unlock();

	return boot;
}

static void __init mark_boot(struct receipt_state *state, bool boot)
{
	spin_lock(&state->lock);
	WRITE_ONCE(state->boot, boot);
	spin_unlock(&state->lock);
}

/**
 * receipt_state_mark_boot - mark what the initramfs brought
 * @sb: its superblock
 *
 * Marks the regular files that are there now and open to no writer. A file
 * that is created or written later never has the mark.
 *
 * Context: Bring-up, once. What finds no memory is not marked.
 */
void __init receipt_state_mark_boot(struct super_block *sb)
{
	struct receipt_state *fresh, *state;
	struct inode *inode;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!S_ISREG(inode->i_mode))
			continue;
		fresh = new_state(GFP_ATOMIC);
		if (!fresh)
			break;
		state = insert_state(inode, fresh);
		if (state != fresh)
			drop_state(fresh);
		mark_boot(state, true);
		/* A writer is seen here, or finds the mark and takes it away. */
		smp_mb();
		if (atomic_read(&inode->i_writecount) > 0)
			mark_boot(state, false);
	}
	spin_unlock(&sb->s_inode_list_lock);
}

/**
 * receipt_hold - close a file's inode to writers until the file is released
 * @file: of the real inode; every executable mapping made through it keeps it.
 *	Or one that is executed on a stacked file system: the inode of its record
 *	is closed.
 *
 * Context: Any. Once per file, at most two atomic operations; later one load.
 * Return: false when somebody has it open for writing.
 */
bool receipt_hold(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct receipt_exe *exe;
	bool held;

	if (receipt_file_held(file))
		return true;

	/* Whoever has no record is not to pay for the call. */
	exe = receipt_file_is_exe(file) ? receipt_exe_find(file) : NULL;
	if (exe && exe->inode != inode)
		return receipt_exe_hold(exe);
	if (!atomic_dec_unless_positive(&inode->i_writecount))
		return false;
	/* The kernel has opened it for this exec: nobody else has it yet. */
	if (current->in_execve && file->f_flags & __FMODE_EXEC) {
		receipt_file_set_held(file, true);
		return true;
	}

	spin_lock(&file->f_lock);
	held = receipt_file_held(file);
	receipt_file_set_held(file, true);
	spin_unlock(&file->f_lock);
	if (held)
		atomic_inc(&inode->i_writecount);

	return true;
}

/**
 * receipt_release - open a file's inode to writers again
 * @file: its last reference is gone, and with it its last mapping
 */
void receipt_release(struct file *file)
{
	if (receipt_file_is_exe(file))
		receipt_exe_release(file);
	if (!receipt_file_held(file))
		return;

	receipt_file_set_held(file, false);
	atomic_inc(&file_inode(file)->i_writecount);
}
