// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers for hooks that hold a spinlock: ptrace() asks under one, with interrupts
 * off, where neither a decision can be made nor a denial recorded. A worker does
 * both, and the system call that asked is restarted until the answer is there, as
 * after a signal: the caller sees nothing of it. Meanwhile it goes round, so the worker
 * does not ask the helper; it hashes what was executed before a policy asked for it.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "private.h"

/* Who is killed, or takes a signal, may not come for the answer. */
#define ANSWER_LIFE	(5 * HZ)
/* Who is killed while it waits leaves its question behind: they are looked through. */
#define QUESTIONS_MAX		1024	/* in all */
#define QUESTIONS_ROOT		128	/* of these, for root alone */
#define QUESTIONS_MAX_USER	64	/* of one user but root */

/**
 * struct late - a question
 * @list: in @questions, until the answer is taken
 * @work: finds the answer, and drops it when nobody has come for it
 * @hook: that asks
 * @task: that asks, referenced
 * @uid: of @task
 * @exe: its program, referenced, or NULL
 * @inode: real inode of @exe
 * @done: @ret is the answer
 * @ret: of receipt_decide()
 */
struct late {
	struct list_head list;
	struct delayed_work work;
	const char *hook;
	struct task_struct *task;
	kuid_t uid;
	struct file *exe;
	struct inode *inode;
	bool done;
	int ret;
};

static LIST_HEAD(questions);
static unsigned int nquestions;
static DEFINE_SPINLOCK(questions_lock);	/* with interrupts off */

static void free_late(struct late *l)
{
	if (l->exe)
		fput(l->exe);
	put_task_struct(l->task);
	kfree(l);
}

/* It is found no more; once is enough. */
static void unlist(struct late *l)
{
	lockdep_assert_held(&questions_lock);
	if (list_empty(&l->list))
		return;
	list_del_init(&l->list);
	nquestions--;
}

static int decide(const struct late *l)
{
	const struct receipt_request req = {
		.hook = l->hook,
		.op = RECEIPT_OP_ANON_EXEC,
		.file = l->exe,
		.inode = l->inode,
		.refuse = l->exe ? RECEIPT_REASON_ALLOWED :
				   RECEIPT_REASON_UNREADABLE,
		.task = l->task,
	};

	return receipt_decide(&req);
}

static void answer(struct work_struct *work)
{
	struct late *l = container_of(to_delayed_work(work), struct late, work);
	bool done = l->done;

	if (!done)
		l->ret = decide(l);
	spin_lock_irq(&questions_lock);
	if (done)
		unlist(l);
	else
		queue_delayed_work(system_unbound_wq, &l->work, ANSWER_LIFE);
	l->done = true;
	spin_unlock_irq(&questions_lock);
	if (done)
		free_late(l);
}

/* That of the current task, about the program that it executes. */
static struct late *find(const struct file *exe)
{
	struct late *l;

	list_for_each_entry(l, &questions, list)
		if (l->task == current && l->exe == exe)
			return l;

	return NULL;
}

/* The worker frees it where it is at it already. */
static int take(struct late *l)
{
	int ret = l->ret;

	unlist(l);
	if (cancel_delayed_work(&l->work))
		free_late(l);

	return ret;
}

static bool is_full(kuid_t uid)
{
	unsigned int n = 0;
	struct late *l;

	if (uid_eq(uid, GLOBAL_ROOT_UID))
		return nquestions >= QUESTIONS_MAX;
	if (nquestions >= QUESTIONS_MAX - QUESTIONS_ROOT)
		return true;
	list_for_each_entry(l, &questions, list)
		if (uid_eq(l->uid, uid) && ++n >= QUESTIONS_MAX_USER)
			return true;

	return false;
}

static int ask(const char *hook, struct file *exe, struct inode *inode)
{
	struct late *l = NULL;

	if (!is_full(current_uid()))
		l = kzalloc(sizeof(*l), GFP_ATOMIC | __GFP_NOWARN);
	/* Asked again, as long as nobody has heard the question. */
	if (!l)
		return -ERESTARTNOINTR;
	INIT_DELAYED_WORK(&l->work, answer);
	l->hook = hook;
	l->task = get_task_struct(current);
	l->uid = current_uid();
	l->exe = exe ? get_file(exe) : NULL;
	l->inode = inode;
	list_add(&l->list, &questions);
	nquestions++;
	queue_delayed_work(system_unbound_wq, &l->work, 0);

	return 0;
}

/**
 * receipt_late_decide - decide for the current task, where nothing may sleep
 * @hook: that asks; in a system call that returns what it says
 * @exe: the program, referenced by the caller, or NULL
 * @inode: its real inode
 *
 * Context: Any, also with interrupts off.
 * Return: what receipt_decide() says; -ERESTARTNOINTR while that is not known.
 */
int receipt_late_decide(const char *hook, struct file *exe, struct inode *inode)
{
	unsigned long flags;
	struct late *l;
	int ret;

	spin_lock_irqsave(&questions_lock, flags);
	l = find(exe);
	if (l && l->done)
		ret = take(l);
	else
		ret = (l ? 0 : ask(hook, exe, inode)) ?: -ERESTARTNOINTR;
	spin_unlock_irqrestore(&questions_lock, flags);
	/* A system call is restarted on the way out of the kernel, by signals. */
	if (ret == -ERESTARTNOINTR)
		set_thread_flag(TIF_SIGPENDING);

	return ret;
}
