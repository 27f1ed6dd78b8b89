/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions and between the two builds.
 */
#ifndef _RECEIPT_COMPAT_H
#define _RECEIPT_COMPAT_H

#include <linux/fs.h>

#ifdef MODULE

/*
 * A loadable module has no blob on struct file. One bit of f_mode that 6.12
 * does not use says that this file holds its inode closed to writers. Changed
 * under f_lock, as posix_fadvise() does with its bits.
 */
#define FMODE_RECEIPT_HELD ((__force fmode_t)(1 << 8))

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

#else /* !MODULE */

#include <linux/lsm_hooks.h>

/* Sizes, and once the LSM framework has taken them, offsets in the blobs. */
extern struct lsm_blob_sizes receipt_blob_sizes;

static __always_inline bool *receipt_file_blob(const struct file *file)
{
	return file->f_security + receipt_blob_sizes.lbs_file;
}

static __always_inline bool receipt_file_held(const struct file *file)
{
	return READ_ONCE(*receipt_file_blob(file));
}

static inline void receipt_file_set_held(struct file *file, bool held)
{
	WRITE_ONCE(*receipt_file_blob(file), held);
}

#endif /* MODULE */

#endif /* _RECEIPT_COMPAT_H */
