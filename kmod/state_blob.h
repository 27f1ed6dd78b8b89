/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the states are: of the LSM that is built in behind a pointer in the blob
 * of struct inode. Most inodes are never executed, so they have the pointer and
 * no state. Included by state.c alone.
 */
static struct receipt_state **slot_of(const struct inode *inode)
{
	return inode->i_security + receipt_blob_sizes.lbs_inode;
}

static int __init init_states(void)
{
	return 0;
}

/* What the initramfs brought stays marked: nothing decides on it any more. */
static void __init exit_states(void)
{
}

/* The inode is referenced, and its state does not go before it. */
static __always_inline void find_begin(void)
{
}

static __always_inline void find_end(void)
{
}

/* Set once while the inode lives, after the state is whole. */
static __always_inline struct receipt_state *
find_state(const struct inode *inode)
{
	return READ_ONCE(*slot_of(inode));
}

/* Returns the state that is there, or @fresh, which is there now. */
static struct receipt_state *insert_state(const struct inode *inode,
					  struct receipt_state *fresh)
{
	return cmpxchg(slot_of(inode), NULL, fresh) ?: fresh;
}

static void remove_state(const struct inode *inode)
{
	/* The last reference is gone, and with it all who might look. */
	if (!*slot_of(inode))
		return;
	receipt_uncount(RECEIPT_STAT_STATES);
	receipt_rights_free((*slot_of(inode))->rights);
	kmem_cache_free(state_slab, *slot_of(inode));
}
