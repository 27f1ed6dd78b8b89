/* SPDX-License-Identifier: MIT */
/*
 * What kmod/private.h needs of the kernel to be read in user space: names of types,
 * of which the sources under test use none.
 */
#ifndef MODEL_FS_H
#define MODEL_FS_H

#include <sys/types.h>

#include "kshim.h"

#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name

struct dentry;
struct file;
struct iattr;
struct inode;
struct super_block;
struct vm_area_struct;

enum kernel_read_file_id { READING_UNKNOWN };
enum kernel_load_data_id { LOADING_UNKNOWN };
enum lsm_integrity_type { LSM_INT_UNKNOWN };

typedef struct { int counter; } refcount_t;
typedef struct { s64 counter; } atomic64_t;
typedef s64 ktime_t;
typedef struct { int locked; } spinlock_t;
struct rcu_head { void *next; };
struct list_head { struct list_head *next, *prev; };
struct hlist_node { struct hlist_node *next, **pprev; };
struct path { void *mnt, *dentry; };

#endif /* MODEL_FS_H */
