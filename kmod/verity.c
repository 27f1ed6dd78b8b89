// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel checks already, block by block, as content is read: a file
 * under fs-verity, a device under dm-verity. Their digests cost no hashing.
 *
 * fs-verity: a file that has it is never written again, so its digest goes
 * with the inode.
 *
 * dm-verity: the target tells of its root hash before its device resumes, on
 * every resume with every table. A table may be swapped for another one under
 * a mounted file system, whose page cache then holds what came through the old
 * table. So a root hash counts only when nobody had the device open while it
 * was set for the first time, and as long as it stays the same. A swap for
 * another root hash under files that run by virtue of the first is refused: the
 * device stays suspended. The last one to close a device takes its pages along,
 * so a device that nobody has open may change.
 *
 * What the hook does not tell: options of the target that let wrong blocks pass,
 * and a swap for a table of another target, which device-mapper forbids but for
 * the detour over "error". Documentation/threat-model.md says what follows.
 */
#include <linux/blkdev.h>
#include <linux/buffer_head.h>
#include <linux/fsverity.h>
#include <linux/hashtable.h>
#include <linux/magic.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "private.h"

#define DEVICES_BITS	6
#define DEVICES_MAX	4096

/**
 * struct verity_device - a device whose root hash counts
 * @node: in @devices, under @devices_lock for writers, RCU for readers
 * @rcu: frees it
 * @bdev: key; not referenced, and not looked at
 * @diskseq: number of its disk, which no other disk ever has
 * @alone: its erofs has no other device beside it
 * @relied: something runs because of @root; under @devices_lock
 * @root: root hash
 */
struct verity_device {
	struct hlist_node node;
	struct rcu_head rcu;
	const struct block_device *bdev;
	u64 diskseq;
	bool alone;
	bool relied;
	u8 root[RECEIPT_HASH_SIZE];
};

static DEFINE_SPINLOCK(devices_lock);	/* also taken by a callback of RCU */
static DEFINE_HASHTABLE(devices, DEVICES_BITS);
static unsigned int ndevices;

static struct verity_device *find_device(const struct block_device *bdev)
{
	struct verity_device *dev;

	hash_for_each_possible_rcu(devices, dev, node, (unsigned long)bdev,
				   lockdep_is_held(&devices_lock))
		if (dev->bdev == bdev)
			return dev;

	return NULL;
}

/*
 * Where no LSM has a blob on block devices, the kernel does not say that one is
 * freed, and another may come to its place.
 */
static struct verity_device *find_live(const struct block_device *bdev)
{
	struct verity_device *dev = find_device(bdev);

	return dev && dev->diskseq == bdev->bd_disk->diskseq ? dev : NULL;
}

static void add_device(struct verity_device *dev)
{
	lockdep_assert_held(&devices_lock);
	hash_add_rcu(devices, &dev->node, (unsigned long)dev->bdev);
	ndevices++;
}

static void remove_device(struct verity_device *dev)
{
	lockdep_assert_held(&devices_lock);
	hash_del_rcu(&dev->node);
	ndevices--;
	kfree_rcu(dev, rcu);
}

/* NULL for what is no SHA-256 root hash, and without memory. */
static struct verity_device *new_device(const struct block_device *bdev,
					const struct dm_verity_digest *digest)
{
	struct verity_device *dev;

	if (!digest || strcmp(digest->alg, "sha256") ||
	    digest->digest_len != RECEIPT_HASH_SIZE)
		return NULL;
	dev = kzalloc(sizeof(*dev), GFP_NOIO);
	if (!dev)
		return NULL;
	dev->bdev = bdev;
	dev->diskseq = bdev->bd_disk->diskseq;
	memcpy(dev->root, digest->digest, sizeof(dev->root));

	return dev;
}

/* Returns -EBUSY, or 0 and in *@fresh what is not used. */
static int replace_device(struct block_device *bdev, bool open,
			  struct verity_device **fresh)
{
	struct verity_device *old = find_device(bdev), *dev = *fresh;
	bool live = old && old == find_live(bdev);

	lockdep_assert_held(&devices_lock);
	if (live && dev && !memcmp(old->root, dev->root, sizeof(dev->root)))
		return 0;
	if (live && open && old->relied)
		return -EBUSY;
	if (old)
		remove_device(old);
	if (dev && !open && ndevices < DEVICES_MAX) {
		add_device(dev);
		*fresh = NULL;
	}

	return 0;
}

/**
 * receipt_bdev_setintegrity - a dm-verity device is about to resume
 * @bdev: the device, suspended; whoever reads from it waits
 * @type: only root hashes count
 * @value: struct dm_verity_digest, or NULL when the resume failed
 * @size: of @value
 *
 * Context: Process context, under device-mapper's lock of the device.
 * Return: 0, or -EBUSY when another root hash is relied on.
 */
int receipt_bdev_setintegrity(struct block_device *bdev,
			      enum lsm_integrity_type type, const void *value,
			      size_t size)
{
	/* Who opens it from here on reads through the new table. */
	bool open = atomic_read(&bdev->bd_openers) > 0;
	struct verity_device *fresh;
	int ret;

	if (type != LSM_INT_DMVERITY_ROOTHASH)
		return 0;

	fresh = new_device(bdev, value);
	spin_lock_bh(&devices_lock);
	ret = replace_device(bdev, open, &fresh);
	spin_unlock_bh(&devices_lock);
	kfree(fresh);
	if (ret)
		pr_warn_ratelimited("%pg: other root hash refused, files that run are from it\n",
				    bdev);

	return ret;
}

/**
 * receipt_bdev_free_security - forget a block device
 * @bdev: nobody has it any more; what it points to may be gone
 *
 * Context: Callback of RCU.
 */
void receipt_bdev_free_security(struct block_device *bdev)
{
	struct verity_device *dev;

	spin_lock_bh(&devices_lock);
	dev = find_device(bdev);
	if (dev)
		remove_device(dev);
	spin_unlock_bh(&devices_lock);
}

/* Filesystems of one device: all that they read comes from there. */
static bool has_one_device(const struct super_block *sb)
{
	switch (sb->s_magic) {
	case EXT4_SUPER_MAGIC:
	case SQUASHFS_MAGIC:
	case EROFS_SUPER_MAGIC_V1:
		return sb->s_bdev;
	default:
		return false;
	}
}

/*
 * erofs may have files in pieces on other devices, of which the root hash says
 * nothing. Its superblock tells, of which nobody else has a header.
 */
#define EROFS_SUPER_AT		1024
#define EROFS_INCOMPAT_AT	80
#define EROFS_DEVICE_TABLE	BIT(3)

static bool erofs_alone(struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, EROFS_SUPER_AT >>
					      sb->s_blocksize_bits);
	const u8 *super;
	bool alone;

	if (!bh)
		return false;
	super = bh->b_data + (EROFS_SUPER_AT & (sb->s_blocksize - 1));
	alone = !(get_unaligned_le32(super + EROFS_INCOMPAT_AT) &
		  EROFS_DEVICE_TABLE);
	brelse(bh);

	return alone;
}

/**
 * receipt_verity_look - find out what receipt_verity_digests() needs to know
 * @inode: real inode of a file that is open
 *
 * Context: May sleep and read.
 */
void receipt_verity_look(const struct inode *inode)
{
	struct super_block *sb = inode->i_sb;
	struct verity_device *dev;
	bool unknown;

	if (sb->s_magic != EROFS_SUPER_MAGIC_V1 || !sb->s_bdev)
		return;
	rcu_read_lock();
	dev = find_live(sb->s_bdev);
	unknown = dev && !READ_ONCE(dev->alone);
	rcu_read_unlock();
	if (!unknown || !erofs_alone(sb))
		return;

	/* While it is mounted, no other root hash comes to count. */
	spin_lock_bh(&devices_lock);
	dev = find_live(sb->s_bdev);
	if (dev)
		WRITE_ONCE(dev->alone, true);
	spin_unlock_bh(&devices_lock);
}

static bool root_hash(const struct inode *inode, u8 *bytes)
{
	const struct super_block *sb = inode->i_sb;
	const struct verity_device *dev;

	if (!has_one_device(sb))
		return false;
	rcu_read_lock();
	dev = find_live(sb->s_bdev);
	if (sb->s_magic == EROFS_SUPER_MAGIC_V1 && dev && !READ_ONCE(dev->alone))
		dev = NULL;
	if (dev)
		memcpy(bytes, dev->root, sizeof(dev->root));
	rcu_read_unlock();

	return dev;
}

static bool file_digest(struct inode *inode, u8 *bytes)
{
	u8 raw[FS_VERITY_MAX_DIGEST_SIZE], alg;

	if (!IS_VERITY(inode) || !fsverity_get_digest(inode, raw, &alg, NULL) ||
	    alg != FS_VERITY_HASH_ALG_SHA256)
		return false;
	memcpy(bytes, raw, RECEIPT_HASH_SIZE);

	return true;
}

static void add_digest(struct receipt_digests *digests, u8 kind, const u8 *bytes)
{
	struct receipt_digest *digest = &digests->digest[digests->n++];

	memset(digest, 0, sizeof(*digest));
	digest->kind = kind;
	memcpy(digest->bytes, bytes, RECEIPT_HASH_SIZE);
}

/**
 * receipt_verity_digests - digests that need no hashing
 * @inode: real inode of a file that is open
 * @kinds: bits of the kinds that are wanted
 * @digests: gets them, too
 *
 * Context: Any; does not sleep.
 */
void receipt_verity_digests(struct inode *inode, u8 kinds,
			    struct receipt_digests *digests)
{
	u8 bytes[RECEIPT_HASH_SIZE];

	if (kinds & BIT(RECEIPT_KIND_FSVERITY_SHA256) && file_digest(inode, bytes))
		add_digest(digests, RECEIPT_KIND_FSVERITY_SHA256, bytes);
	if (kinds & BIT(RECEIPT_KIND_DMVERITY_SHA256) && root_hash(inode, bytes))
		add_digest(digests, RECEIPT_KIND_DMVERITY_SHA256, bytes);
}

/**
 * receipt_verity_checks - is what is read of a file checked by verity?
 * @inode: real inode of a file that is open; receipt_verity_look() has looked
 *
 * Context: Any; does not sleep.
 * Return: whether it is under fs-verity, or on a device of which a root hash counts.
 */
bool receipt_verity_checks(struct inode *inode)
{
	u8 bytes[RECEIPT_HASH_SIZE];

	return file_digest(inode, bytes) || root_hash(inode, bytes);
}

static bool rely_on(const struct block_device *bdev, const u8 *root)
{
	struct verity_device *dev;

	spin_lock_bh(&devices_lock);
	dev = find_live(bdev);
	if (dev && memcmp(dev->root, root, sizeof(dev->root)))
		dev = NULL;
	if (dev)
		dev->relied = true;
	spin_unlock_bh(&devices_lock);

	return dev;
}

/**
 * receipt_verity_rely - from here on the root hash stays, while there are files
 * @inode: of a file that is allowed
 * @digests: that were judged
 *
 * Return: whether the root hash among @digests, if there is one, is still that of
 *	the device.
 */
bool receipt_verity_rely(const struct inode *inode,
			 const struct receipt_digests *digests)
{
	u8 i;

	for (i = 0; i < digests->n; i++)
		if (digests->digest[i].kind == RECEIPT_KIND_DMVERITY_SHA256)
			return rely_on(inode->i_sb->s_bdev,
				       digests->digest[i].bytes);

	return true;
}
