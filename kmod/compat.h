/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions and between the two builds.
 */
#ifndef _RECEIPT_COMPAT_H
#define _RECEIPT_COMPAT_H

#include <linux/fs.h>

/*
 * A loadable module has no blob on struct file. One bit of f_mode that 6.12
 * does not use says that this file holds its inode closed to writers. Changed
 * under f_lock, as posix_fadvise() does with its bits.
 */
#define FMODE_RECEIPT_HELD ((__force fmode_t)(1 << 8))

#endif /* _RECEIPT_COMPAT_H */
