/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hit path: what hooks look at before anything else, without a call where the
 * LSM is built in.
 */
#ifndef _RECEIPT_HIT_H
#define _RECEIPT_HIT_H

#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/sched.h>

#include "compat.h"
#include "private.h"

/* state.c */

#ifdef MODULE

struct receipt_state *receipt_state_find(const struct inode *inode);

#else

static __always_inline struct receipt_state **
receipt_state_slot(const struct inode *inode)
{
	return inode->i_security + receipt_blob_sizes.lbs_inode;
}

/* Set once while the inode lives, after the state is whole. */
static __always_inline struct receipt_state *
receipt_state_find(const struct inode *inode)
{
	return READ_ONCE(*receipt_state_slot(inode));
}

#endif

/**
 * receipt_state_allows - is an operation on an inode known to be allowed?
 * @inode: real inode, referenced
 * @op: operation
 * @hold: file of @inode to be closed to writers where the verdict names the
 *	content, or NULL
 *
 * The hit path: a few loads, no lock that CPUs share, no allocation. Whether
 * @hold is held is looked at before the verdict: a verdict that is there after
 * the file was closed to writers is one of the content that stays.
 *
 * Return: whether it is; false also when @hold is open for writing.
 */
static __always_inline bool receipt_state_allows(const struct inode *inode,
						 enum receipt_op op,
						 struct file *hold)
{
	bool held = !hold || receipt_file_held(hold);
	const struct receipt_state *state;
	u64 verdict;

	/* Pairs with the order of receipt_hold(): held first, verdict then. */
	smp_rmb();
	state = receipt_state_find(inode);
	verdict = state ? READ_ONCE(state->verdict) : 0;
	if (verdict >> 16 != READ_ONCE(receipt_generation) ||
	    !(verdict & BIT(op)))
		return false;
	if (held || !(verdict & BIT(op + 8)))
		return true;

	/* The inode is referenced, so its state is still there. */
	return receipt_hold(hold) && READ_ONCE(state->verdict) == verdict;
}

/* exe.c */

#define RECEIPT_EXE_BITS	8

/**
 * struct receipt_exe_list - records whose key has one hash
 * @lock: for those who change the list
 * @head: of the list
 */
struct receipt_exe_list {
	spinlock_t lock;	/* writers */
	struct hlist_head head;
};

/* By task: the records of those whose exec goes on, under the lock of the list. */
extern struct receipt_exe_list receipt_exe_pending[1 << RECEIPT_EXE_BITS];

static __always_inline struct receipt_exe_list *
receipt_exe_list_of(const struct task_struct *task)
{
	return &receipt_exe_pending[hash_ptr(task, RECEIPT_EXE_BITS)];
}

/* Maybe the current task is executing a stacked file, or a script. */
static __always_inline bool receipt_exe_any(void)
{
	return !hlist_empty(&receipt_exe_list_of(current)->head);
}

#endif /* _RECEIPT_HIT_H */
