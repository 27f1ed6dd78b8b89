/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the states are: of the LSM that is built in behind a pointer in the blob
 * of struct inode. Most inodes are never executed, so they have the pointer and
 * no state. Included by state.c alone.
 */
static int __init init_states(void)
{
	return 0;
}

/* What the initramfs brought stays marked: nothing decides on it any more. */
static void __init exit_states(void)
{
}

static struct receipt_state *find_state(const struct inode *inode)
{
	return READ_ONCE(*receipt_state_slot(inode));
}

/* Returns the state that is there, or @fresh, which is there now. */
static struct receipt_state *insert_state(const struct inode *inode,
					  struct receipt_state *fresh)
{
	return cmpxchg(receipt_state_slot(inode), NULL, fresh) ?: fresh;
}

static void remove_state(const struct inode *inode)
{
	/* The last reference is gone, and with it all who might look. */
	if (!*receipt_state_slot(inode))
		return;
	receipt_uncount(RECEIPT_STAT_STATES);
	receipt_rights_free((*receipt_state_slot(inode))->rights);
	kmem_cache_free(state_slab, *receipt_state_slot(inode));
}
