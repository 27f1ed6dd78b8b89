// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages that are hashed are those that run. Two things come between, though
 * nobody has the file open for writing:
 *
 * - Pages that were pinned for I/O while it was open are written later, whenever
 *   the I/O is done: a registered buffer of io_uring, a read into a shared mapping.
 * - What is in memory is not what is on the disk, and goes when memory is short.
 *   EXT4_IOC_MOVE_EXT leaves a file so.
 *
 * Where there is a disk, the file is read anew from there, into pages that nobody
 * else has. Where memory is all there is, pinned pages are not accepted.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/sched.h>

#include "private.h"

#define SETTLE_TRIES	16

/*
 * A pin of a small folio counts as many references, as its mappings do, one each.
 * Mappings that come and go meanwhile are waited for.
 */
static bool pinned(struct folio *folio)
{
	int maps, refs;

	if (!folio_maybe_dma_pinned(folio))
		return false;
	if (folio_test_large(folio))
		return true;
	do {
		maps = folio_mapcount(folio);
		smp_rmb();	/* refs between two counts that are the same */
		refs = folio_ref_count(folio);
		smp_rmb();	/* as above */
	} while (maps != folio_mapcount(folio));

	return refs - maps >= GUP_PIN_COUNTING_BIAS;
}

static bool any_pinned(struct address_space *mapping)
{
	struct folio_batch batch;
	bool found = false;
	pgoff_t next = 0;
	unsigned int i;

	folio_batch_init(&batch);
	while (!found && filemap_get_folios(mapping, &next, ULONG_MAX, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++)
			found |= pinned(batch.folios[i]);
		folio_batch_release(&batch);
		cond_resched();
	}

	return found;
}

/**
 * receipt_pages_settle - what is in memory of a file stays what it is
 * @inode: regular, open to no writer; one who comes meanwhile is the caller's
 *	business
 *
 * Context: May sleep, write and wait; not under mmap_lock.
 * Return: whether nothing but a writer can change the pages.
 */
bool receipt_pages_settle(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	int tries;

	if (!mapping->nrpages)
		return true;
	if (!(inode->i_sb->s_type->fs_flags & FS_REQUIRES_DEV))
		return !any_pinned(mapping);

	/* A page that is busy just now, with I/O or in a fault, is given time. */
	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		filemap_write_and_wait(mapping);
		if (!invalidate_inode_pages2(mapping))
			return true;
		if (schedule_timeout_killable(1))
			break;
	}

	return false;
}
