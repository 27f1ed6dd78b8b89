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
 * else has. Where memory is all there is, a page that somebody refers to is replaced
 * by a copy. Who refers to it may be about to write, or a reader, also one of those
 * who like to keep others from running the file: pipes hold pages for as long as
 * their owner wants. The two cannot be told apart: not everybody pins what he writes to.
 *
 * A file is hashed to its last byte, and mapped by the page, of tmpfs by the
 * large page. What a page holds behind the end of the file must be zero.
 */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>

#include "compat.h"
#include "private.h"

#define SETTLE_TRIES	16

/*
 * Does anybody refer to a folio beside the page cache, its mappings and the caller?
 * Mappings that come and go meanwhile are waited for.
 */
static bool referenced(const struct folio *folio)
{
	int maps, refs;

	do {
		maps = folio_mapcount(folio);
		smp_rmb();	/* refs between two counts that are the same */
		refs = folio_ref_count(folio);
		smp_rmb();	/* as above */
	} while (maps != folio_mapcount(folio));

	return refs - maps != folio_nr_pages(folio) + 1;
}

/* Both locked, @old mapped nowhere. Who still has @old, has no page of a file. */
static void exchange(struct folio *old, struct folio *copy)
{
	folio_copy(copy, old);
	if (folio_test_swapbacked(old))
		__folio_set_swapbacked(copy);
	if (folio_test_dirty(old))
		folio_set_dirty(copy);
	folio_mark_uptodate(copy);
	replace_page_cache_folio(old, copy);
	folio_add_lru(copy);
}

/*
 * Puts a copy in the place of a small folio. One that has left the page cache is
 * nobody's; one that goes to swap had no other references.
 */
static bool replace(struct address_space *mapping, struct folio *folio)
{
	struct folio *copy;
	bool done;

	/* Memory that is broken is not read. */
	if (folio_test_hwpoison(folio))
		return false;
	copy = folio_alloc(mapping_gfp_mask(mapping), 0);
	if (!copy)
		return false;
	folio_lock(folio);
	__folio_set_locked(copy);
	done = folio->mapping != mapping || !folio_test_uptodate(folio);
	if (!done) {
		unmap_mapping_pages(mapping, folio->index, 1, false);
		done = !folio_mapped(folio);
		if (done)
			exchange(folio, copy);
	}
	folio_unlock(copy);
	folio_unlock(folio);
	folio_put(copy);

	return done;
}

static bool settle_folios(struct address_space *mapping)
{
	struct folio_batch batch;
	bool settled = true;
	pgoff_t next = 0;
	unsigned int i;

	folio_batch_init(&batch);
	while (settled && filemap_get_folios(mapping, &next, ULONG_MAX, &batch)) {
		for (i = 0; settled && i < folio_batch_count(&batch); i++)
			if (referenced(batch.folios[i]))
				settled = !folio_test_large(batch.folios[i]) &&
					  replace(mapping, batch.folios[i]);
		folio_batch_release(&batch);
		cond_resched();
	}

	return settled;
}

/* A file of a device is read anew from there. */
static bool read_anew(struct address_space *mapping)
{
	filemap_write_and_wait(mapping);

	return !invalidate_inode_pages2(mapping);
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
	bool on_device = inode->i_sb->s_type->fs_flags & FS_REQUIRES_DEV;
	struct address_space *mapping = inode->i_mapping;
	int tries;

	if (!mapping->nrpages)
		return true;

	/* A page that is busy just now, with I/O or in a fault, is given time. */
	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		if (on_device ? read_anew(mapping) : settle_folios(mapping))
			return true;
		if (schedule_timeout_killable(1))
			break;
	}

	return false;
}

static bool zero_from(struct folio *folio, size_t at)
{
	bool zero = true;
	void *bytes;

	for (; zero && at < folio_size(folio); at = PAGE_ALIGN(at + 1)) {
		bytes = kmap_local_folio(folio, at);
		zero = !memchr_inv(bytes, 0, PAGE_SIZE - offset_in_page(at));
		kunmap_local(bytes);
	}

	return zero;
}

/*
 * The folio with the last byte, or an error. Memory may be short, so a folio that
 * was read a moment ago may be gone, and is read again.
 */
static struct folio *last_folio(struct file *file,
				struct address_space *mapping, loff_t last)
{
	pgoff_t index = last >> PAGE_SHIFT;
	struct folio *folio;
	loff_t pos;
	ssize_t got;
	u8 byte;
	int i;

	if (shmem_mapping(mapping))
		return shmem_read_folio(mapping, index);
	for (i = 0; i < SETTLE_TRIES; i++) {
		pos = last;
		got = kernel_read(file, &byte, 1, &pos);
		if (got != 1)
			return ERR_PTR(got < 0 ? got : -EIO);
		folio = filemap_get_folio(mapping, index);
		if (!IS_ERR(folio))
			return folio;
	}

	return ERR_PTR(-ENOENT);
}

/* A large page of memory may yet be made of small ones that lie behind the end. */
static bool zero_behind(struct address_space *mapping, pgoff_t next)
{
	struct folio_batch batch;
	bool zero = true;
	unsigned int i;

	folio_batch_init(&batch);
	while (zero && filemap_get_folios(mapping, &next, ULONG_MAX, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++)
			zero &= !folio_test_uptodate(batch.folios[i]) ||
				zero_from(batch.folios[i], 0);
		folio_batch_release(&batch);
		cond_resched();
	}

	return zero;
}

/**
 * receipt_pages_end - look at what lies behind the end of a file in its pages
 * @file: open for reading, maybe of a stacked file system
 * @inode: its real inode, open to no writer; one who comes meanwhile is the
 *	caller's business
 *
 * No verity file needs this: the kernel checks whole pages of it.
 *
 * Context: May sleep and read; not under mmap_lock.
 * Return: RECEIPT_REASON_ALLOWED when nothing but zeros can be mapped;
 *	RECEIPT_REASON_TAIL, or what receipt_read_reason() says.
 */
enum receipt_reason receipt_pages_end(struct file *file, struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	loff_t size = i_size_read(inode);
	struct folio *folio;
	bool zero;

	if (!size)
		return RECEIPT_REASON_ALLOWED;
	folio = last_folio(file, mapping, size - 1);
	if (IS_ERR(folio))
		return receipt_read_reason(PTR_ERR(folio));
	zero = zero_from(folio, size - folio_pos(folio));
	if (zero && shmem_mapping(mapping))
		zero = zero_behind(mapping, folio_next_index(folio));
	folio_put(folio);

	return zero ? RECEIPT_REASON_ALLOWED : RECEIPT_REASON_TAIL;
}
