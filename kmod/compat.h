/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions and between the two builds.
 */
#ifndef _RECEIPT_COMPAT_H
#define _RECEIPT_COMPAT_H

#include <linux/fs.h>

/*
 * Two bits of f_mode that 6.12 does not use say that this file holds its inode
 * closed to writers, and that exe.c has a record of it. Changed under f_lock, as
 * posix_fadvise() does with its bits. A loadable module has no blob on struct
 * file, and built in every open of whatever file would allocate and free one, for
 * the few that have a mark.
 */
#define FMODE_RECEIPT_HELD ((__force fmode_t)(1 << 8))
#define FMODE_RECEIPT_EXE ((__force fmode_t)(1 << 13))

static __always_inline bool receipt_file_held(const struct file *file)
{
	return file->f_mode & FMODE_RECEIPT_HELD;
}

static inline void receipt_file_set_held(struct file *file, bool held)
{
	if (held)
		file->f_mode |= FMODE_RECEIPT_HELD;
	else
		file->f_mode &= ~FMODE_RECEIPT_HELD;
}

static __always_inline bool receipt_file_is_exe(const struct file *file)
{
	return file->f_mode & FMODE_RECEIPT_EXE;
}

static inline void receipt_file_set_exe(struct file *file, bool exe)
{
	if (exe)
		file->f_mode |= FMODE_RECEIPT_EXE;
	else
		file->f_mode &= ~FMODE_RECEIPT_EXE;
}

static __always_inline bool receipt_file_is_marked(const struct file *file)
{
	return file->f_mode & (FMODE_RECEIPT_HELD | FMODE_RECEIPT_EXE);
}

#ifndef MODULE

#include <linux/lsm_hooks.h>

/* Sizes, and once the LSM framework has taken them, offsets in the blobs. */
extern struct lsm_blob_sizes receipt_blob_sizes;

#endif /* !MODULE */

#endif /* _RECEIPT_COMPAT_H */
