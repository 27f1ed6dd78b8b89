// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is remembered of a file that was executed, for as long as it is open, which
 * is as long as a process runs it. Most executed files need nothing of this: they
 * are closed to writers themselves and their inode has the verdict. A record is
 * for the others:
 *
 * - A file of a stacked file system (overlayfs). Its content is that of another
 *   inode below, and of yet another one after a copy-up. The record names the
 *   inode that was judged and closes that one to writers. A copy-up is never taken
 *   back: while d_real_inode() is still the inode of the record, all that was read
 *   of the file came from there.
 * - A script, for which the interpreter that runs it is opened in its place: its
 *   record belongs to that of the interpreter, and keeps it closed to writers.
 *
 * A record is found by its file, which it does not reference: it is taken out
 * when the file is released. Whoever has a reference to the file may use the
 * record without a lock.
 */
#include <linux/fs.h>
#include <linux/path.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "hit.h"
#include "private.h"

/* By file: writers under the lock of the list, readers under RCU. */
static struct receipt_exe_list exes[1 << RECEIPT_EXE_BITS];
struct receipt_exe_list receipt_exe_pending[1 << RECEIPT_EXE_BITS];

/**
 * receipt_exe_init - make the lists ready
 */
void __init receipt_exe_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(exes); i++) {
		spin_lock_init(&exes[i].lock);
		spin_lock_init(&receipt_exe_pending[i].lock);
	}
}

static struct receipt_exe_list *list_of_file(const struct file *file)
{
	return &exes[hash_ptr(file, RECEIPT_EXE_BITS)];
}

/* Under RCU or the lock of the list. */
static struct receipt_exe *look_up(const struct file *file)
{
	const struct receipt_exe_list *list = list_of_file(file);
	struct receipt_exe *exe;

	hlist_for_each_entry_rcu(exe, &list->head, node,
				 lockdep_is_held(&list->lock))
		if (exe->file == file)
			return exe;

	return NULL;
}

/**
 * receipt_exe_find - the record of an executed file
 * @file: referenced by the caller for as long as it uses the record
 *
 * Context: Any. One load for a file that has none.
 * Return: the record, or NULL.
 */
struct receipt_exe *receipt_exe_find(const struct file *file)
{
	struct receipt_exe *exe;

	if (!receipt_file_is_exe(file))
		return NULL;

	rcu_read_lock();
	exe = look_up(file);
	rcu_read_unlock();

	return exe;
}

/**
 * receipt_exe_inode - the inode that was judged when a file was executed
 * @file: referenced by the caller, executed or not
 *
 * Return: that inode; of a file without a record the real one.
 */
struct inode *receipt_exe_inode(const struct file *file)
{
	const struct receipt_exe *exe = receipt_exe_find(file);

	return exe ? exe->inode : d_real_inode(file->f_path.dentry);
}

/* Returns the record that is there then: another task may have been first. */
static struct receipt_exe *insert(struct receipt_exe *fresh, struct file *file)
{
	struct receipt_exe_list *list = list_of_file(file);
	struct receipt_exe *exe;

	spin_lock(&list->lock);
	exe = look_up(file);
	if (!exe)
		hlist_add_head_rcu(&fresh->node, &list->head);
	spin_unlock(&list->lock);
	if (exe)
		return exe;
	spin_lock(&file->f_lock);
	receipt_file_set_exe(file, true);
	spin_unlock(&file->f_lock);

	return fresh;
}

/**
 * receipt_exe_get - find or create the record of an executed file
 * @file: referenced by the caller
 * @inode: its real inode, which is judged
 *
 * Context: May sleep.
 * Return: the record, of which @inode may be another one if it was there before;
 *	NULL without memory.
 */
struct receipt_exe *receipt_exe_get(struct file *file, struct inode *inode)
{
	struct receipt_exe *exe = receipt_exe_find(file), *fresh;

	if (exe)
		return exe;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	refcount_set(&fresh->ref, 1);
	INIT_HLIST_NODE(&fresh->pending);
	fresh->file = file;
	ihold(inode);
	fresh->inode = inode;
	exe = insert(fresh, file);
	if (exe != fresh) {
		iput(inode);
		kfree(fresh);
	}

	return exe;
}

/**
 * receipt_exe_hold - close the inode of a record to writers
 * @exe: record of a file that the current task executes
 *
 * Return: false when somebody has it open for writing.
 */
bool receipt_exe_hold(struct receipt_exe *exe)
{
	if (!exe->held)
		exe->held = atomic_dec_unless_positive(&exe->inode->i_writecount);

	return exe->held;
}

/* Takes a record out of the list of the task that executes its file. */
static void drop_pending(struct receipt_exe *exe)
{
	struct receipt_exe_list *list = receipt_exe_list_of(exe->task);

	spin_lock(&list->lock);
	hlist_del_init(&exe->pending);
	spin_unlock(&list->lock);
}

/* A record of the current task, but not of @but, which is pending no more. */
static noinline struct receipt_exe *take_pending(const struct file *but)
{
	struct receipt_exe_list *list = receipt_exe_list_of(current);
	struct receipt_exe *exe, *found = NULL;

	spin_lock(&list->lock);
	hlist_for_each_entry(exe, &list->head, pending)
		if (exe->task == current && exe->file != but) {
			hlist_del_init(&exe->pending);
			found = exe;
			break;
		}
	spin_unlock(&list->lock);

	return found;
}

/**
 * receipt_exe_forget - an exec begins: what is left of another one is not its own
 *
 * An exec that maps nothing leaves its records behind, and so does one that failed.
 * Their files may be gone by the next exec of this task, or of one that has got the
 * same task_struct.
 *
 * Context: During exec. Two loads where no stacked file and no script is executed.
 */
void receipt_exe_forget(void)
{
	while (receipt_exe_any() && take_pending(NULL))
		;
}

/**
 * receipt_exe_begin - the current task is about to execute what a record is of
 * @exe: record of a file that the kernel has opened for this exec alone
 *
 * Until receipt_exe_unchanged() or receipt_exe_interprets() has seen to it.
 */
void receipt_exe_begin(struct receipt_exe *exe)
{
	struct receipt_exe_list *list = receipt_exe_list_of(current);

	drop_pending(exe);
	exe->task = current;
	spin_lock(&list->lock);
	hlist_add_head(&exe->pending, &list->head);
	spin_unlock(&list->lock);
}

/**
 * receipt_exe_unchanged - is what the current task executes what was judged?
 *
 * All headers have been read when the first of the program is mapped. What follows
 * is mapped from the file below, see receipt_exe_maps().
 *
 * Context: During exec. May sleep.
 * Return: whether no file of it has got another real inode.
 */
bool receipt_exe_unchanged(void)
{
	bool unchanged = true;
	struct receipt_exe *exe;

	if (!receipt_exe_any())
		return true;
	while ((exe = take_pending(NULL)))
		unchanged &= d_real_inode(exe->file->f_path.dentry) == exe->inode;

	return unchanged;
}

/**
 * receipt_exe_maps - may a file below be mapped for an executed one?
 * @file: of a stacked file system
 * @backing: the file below, in which the kernel maps
 *
 * A file below is opened before the one above is judged, and may be stacked itself.
 *
 * Context: May sleep.
 * Return: RECEIPT_REASON_ALLOWED; RECEIPT_REASON_FILE_CHANGED when another inode
 *	was judged; RECEIPT_REASON_NO_MEMORY.
 */
enum receipt_reason receipt_exe_maps(const struct file *file,
				     struct file *backing)
{
	const struct receipt_exe *exe = receipt_exe_find(file);
	struct inode *inode;

	if (!exe)
		return RECEIPT_REASON_ALLOWED;
	inode = d_real_inode(backing->f_path.dentry);
	if (exe->inode != inode)
		return RECEIPT_REASON_FILE_CHANGED;
	if (inode != file_inode(backing) && !receipt_exe_get(backing, inode))
		return RECEIPT_REASON_NO_MEMORY;

	return RECEIPT_REASON_ALLOWED;
}

/* Where the record of one more script goes that led to @exe. */
static struct receipt_exe **last_of(struct receipt_exe *exe)
{
	struct receipt_exe **last = &exe->script;

	while (*last)
		last = &(*last)->script;

	return last;
}

/**
 * receipt_exe_interprets - keep the scripts that led to an interpreter
 * @file: that the current task executes now
 * @inode: its real inode
 *
 * The kernel has closed the script already, but that is done when the task leaves
 * the kernel: it is not released yet.
 *
 * Context: During exec. May sleep.
 * Return: false without memory.
 */
bool receipt_exe_interprets(struct file *file, struct inode *inode)
{
	struct receipt_exe *exe, *script;

	while ((script = take_pending(file))) {
		exe = receipt_exe_get(file, inode);
		if (!exe)
			return false;
		/* The inode needs its mount. */
		script->path = script->file->f_path;
		path_get(&script->path);
		refcount_inc(&script->ref);
		*last_of(script) = exe->script;
		exe->script = script;
	}

	return true;
}

static struct receipt_exe *put_one(struct receipt_exe *exe)
{
	struct receipt_exe *next = exe->script;

	if (!refcount_dec_and_test(&exe->ref))
		return NULL;
	if (exe->held)
		atomic_inc(&exe->inode->i_writecount);
	iput(exe->inode);
	path_put(&exe->path);
	kfree_rcu(exe, rcu);

	return next;
}

/**
 * receipt_exe_release - forget a file that is released
 * @file: its last reference is gone
 *
 * Context: May sleep.
 */
void receipt_exe_release(struct file *file)
{
	struct receipt_exe_list *list = list_of_file(file);
	struct receipt_exe *exe = receipt_exe_find(file);

	if (!exe)
		return;
	spin_lock(&list->lock);
	hlist_del_rcu(&exe->node);
	spin_unlock(&list->lock);
	drop_pending(exe);
	while (exe)
		exe = put_one(exe);
}
