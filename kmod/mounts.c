// SPDX-License-Identifier: GPL-2.0-only
/*
 * The latch of mounts=sealed. Whoever makes the image of a file system, or has the
 * device below one, decides what its files contain and when. With the first policy
 * that says mounts=sealed a latch closes, for good: what is mounted from then on
 * runs no code, unless fs-verity or dm-verity checks what is read.
 *
 * File systems in memory have nothing below them but swap, and are not concerned. A
 * loop device is never taken for early: its file can be exchanged under it.
 */
#include <linux/blkdev.h>
#include <linux/hashtable.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/slab.h>

#include "private.h"

#define LATE_BITS	6

/**
 * struct late_mount - a superblock that came after the latch
 * @node: in @lates, under @lates_lock
 * @sb: key; not referenced
 */
struct late_mount {
	struct hlist_node node;
	const struct super_block *sb;
};

static DEFINE_HASHTABLE(lates, LATE_BITS);
static DEFINE_SPINLOCK(lates_lock);
static bool latched;

/**
 * receipt_mounts_latch - close the latch
 *
 * A superblock that is being made just now counts as early.
 *
 * Context: Any; before a policy that asks for it is active.
 */
void receipt_mounts_latch(void)
{
	WRITE_ONCE(latched, true);
}

static struct late_mount *find_late(const struct super_block *sb)
{
	struct late_mount *late;

	lockdep_assert_held(&lates_lock);
	hash_for_each_possible(lates, late, node, (unsigned long)sb)
		if (late->sb == sb)
			return late;

	return NULL;
}

/* Nothing is known yet of what it will be. */
int receipt_sb_alloc_security(struct super_block *sb)
{
	struct late_mount *late;

	if (!READ_ONCE(latched))
		return 0;
	late = kzalloc(sizeof(*late), GFP_KERNEL_ACCOUNT);
	if (!late)
		return -ENOMEM;
	late->sb = sb;
	spin_lock_bh(&lates_lock);
	hash_add(lates, &late->node, (unsigned long)sb);
	spin_unlock_bh(&lates_lock);

	return 0;
}

void receipt_sb_free_security(struct super_block *sb)
{
	struct late_mount *late;

	if (!READ_ONCE(latched))
		return;
	spin_lock_bh(&lates_lock);
	late = find_late(sb);
	if (late)
		hash_del(&late->node);
	spin_unlock_bh(&lates_lock);
	kfree(late);
}

/* btrfs has no @s_bdev, and is named after one of its devices. */
static bool on_loop(const struct super_block *sb)
{
	if (sb->s_bdev)
		return MAJOR(sb->s_bdev->bd_dev) == LOOP_MAJOR;

	return !strncmp(sb->s_id, "loop", strlen("loop"));
}

/**
 * receipt_mounts_late - may what is below a file system be somebody's invention?
 * @sb: of a real inode
 *
 * Context: Any.
 * Return: whether it came after the latch or is on a loop device.
 */
bool receipt_mounts_late(const struct super_block *sb)
{
	bool late;

	if (sb->s_magic == TMPFS_MAGIC || sb->s_magic == RAMFS_MAGIC)
		return false;
	if (on_loop(sb))
		return true;
	spin_lock_bh(&lates_lock);
	late = find_late(sb);
	spin_unlock_bh(&lates_lock);

	return late;
}
