// SPDX-License-Identifier: GPL-2.0-only
/*
 * Questions to the helper, and those who wait for the answers.
 *
 * One lookup per digest: whoever needs the same digest joins it. The list of
 * pending lookups is the queue; a message to the helper only wakes it, and what
 * it misses it finds by a dump, as does the next helper after a restart. A
 * lookup ends answered, or when nobody waits any more: each event waits so long in
 * all, whoever asked before, and however often it has to ask.
 */
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <net/genetlink.h>

#include "private.h"

#define LOOKUP_MAX		4096	/* pending, in all */
#define LOOKUP_ROOT		512	/* of these, for root alone */
#define LOOKUP_MAX_USER		64	/* pending, of one user but root */
/* So long a helper that was too slow is not asked where nobody needs the answer. */
#define LOOKUP_PAUSE		(60 * HZ)
/* At most this much counts of a time in which the machine stood still. */
#define WAIT_PIECE		(HZ / 2)

/**
 * struct lookup - a question to the helper
 * @list: in @pending until it is done
 * @ref: one of the list, one of each waiter
 * @waiters: tasks that wait, under @pending_lock
 * @id: number, never used twice
 * @uid: who asked first
 * @digest: of the artifact
 * @op: operation
 * @size: bytes of the artifact
 * @generation: of the policy that the question was asked under
 * @known: what was proven in answer, kept here because the cache may be flushed
 *	before those who wait have judged it; under @pending_lock until @answered
 * @answered: the helper has said that there is no more
 * @wait: for @done
 * @done: answered, or nobody waits
 * @reason: RECEIPT_REASON_ALLOWED when the helper has answered
 */
struct lookup {
	struct list_head list;
	refcount_t ref;
	u32 waiters;
	u64 id;
	kuid_t uid;
	struct receipt_digest digest;
	enum receipt_op op;
	u64 size;
	u64 generation;
	struct receipt_known known;
	bool answered;
	wait_queue_head_t wait;
	bool done;
	enum receipt_reason reason;
};

static DEFINE_SPINLOCK(pending_lock);
static LIST_HEAD(pending);
static u32 npending;
static u64 last_id;
/* An answer was not there in time, and none has come since @slow_since. */
static bool slow;
static unsigned long slow_since;

static void put_lookup(struct lookup *l)
{
	if (!refcount_dec_and_test(&l->ref))
		return;
	receipt_known_put(&l->known);
	kfree(l);
}

static void finish(struct lookup *l, enum receipt_reason reason)
{
	lockdep_assert_held(&pending_lock);
	list_del_init(&l->list);
	npending--;
	l->reason = reason;
	/* Pairs with the waiter's acquire in wait_done(): @reason is set. */
	smp_store_release(&l->done, true);
	wake_up_all(&l->wait);
}

/* Unless it has ended; the caller has a reference of its own. */
static void end_pending(struct lookup *l, enum receipt_reason reason)
{
	bool pending_still;

	spin_lock(&pending_lock);
	pending_still = !l->done;
	if (pending_still)
		finish(l, reason);
	spin_unlock(&pending_lock);
	if (pending_still)
		put_lookup(l);
}

static struct lookup *find_pending(const struct receipt_digest *digest)
{
	struct lookup *l;

	list_for_each_entry(l, &pending, list)
		if (receipt_digest_equal(&l->digest, digest))
			return l;

	return NULL;
}

static bool queue_full(kuid_t uid)
{
	struct lookup *l;
	u32 n = 0;

	if (uid_eq(uid, GLOBAL_ROOT_UID))
		return npending >= LOOKUP_MAX;
	if (npending >= LOOKUP_MAX - LOOKUP_ROOT)
		return true;
	list_for_each_entry(l, &pending, list)
		if (uid_eq(l->uid, uid) && ++n >= LOOKUP_MAX_USER)
			return true;

	return false;
}

static struct lookup *new_lookup(const struct receipt_request *req,
				 const struct receipt_digest *digest,
				 u64 generation)
{
	struct lookup *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return NULL;

	INIT_LIST_HEAD(&l->list);
	init_waitqueue_head(&l->wait);
	refcount_set(&l->ref, 1);
	l->waiters = 1;
	l->uid = current_uid();
	l->digest = *digest;
	l->op = req->op;
	l->size = req->inode ? i_size_read(req->inode) : req->size;
	l->generation = generation;

	return l;
}

static void add_pending(struct lookup *l)
{
	lockdep_assert_held(&pending_lock);
	l->id = ++last_id;
	refcount_inc(&l->ref);
	list_add_tail(&l->list, &pending);
	npending++;
}

/*
 * Joins the pending lookup of the same digest, or makes @fresh pending: then the
 * caller owns a reference of *@l. Neither when the answer has come since the
 * caller looked for it, or the queue is full.
 */
static enum receipt_reason join_or_add(struct lookup *fresh, struct lookup **l)
{
	enum receipt_reason reason = RECEIPT_REASON_ALLOWED;

	spin_lock(&pending_lock);
	*l = find_pending(&fresh->digest);
	if (*l) {
		refcount_inc(&(*l)->ref);
		(*l)->waiters++;
	} else if (!receipt_cache_is_complete(&fresh->digest,
					      fresh->generation)) {
		if (queue_full(fresh->uid)) {
			reason = RECEIPT_REASON_QUEUE_FULL;
		} else {
			*l = fresh;
			add_pending(fresh);
		}
	}
	spin_unlock(&pending_lock);

	return reason;
}

/* A waiter goes: out of time, killed, or answered. */
static enum receipt_reason leave(struct lookup *l, struct receipt_known *answer)
{
	enum receipt_reason reason;
	bool last = false;

	spin_lock(&pending_lock);
	l->waiters--;
	if (!l->done && !l->waiters) {
		finish(l, RECEIPT_REASON_HELPER_TIMEOUT);
		last = true;
	}
	reason = l->done ? l->reason : RECEIPT_REASON_HELPER_TIMEOUT;
	receipt_known_get(answer, &l->known);
	spin_unlock(&pending_lock);
	if (last)
		put_lookup(l);
	put_lookup(l);

	return reason;
}

static bool is_done(struct lookup *l)
{
	/* Pairs with the release in finish(). */
	return smp_load_acquire(&l->done);
}

/*
 * A piece after the other: a machine that stands still for some time, as virtual ones
 * do, is late once, and that is not what the helper took.
 */
static long wait_pieces(struct lookup *l, unsigned long *left)
{
	unsigned long piece;
	long ret;

	do {
		piece = min_t(unsigned long, *left, WAIT_PIECE);
		ret = piece;
		ret = ___wait_event(l->wait, ___wait_cond_timeout(is_done(l)),
				    (TASK_KILLABLE | TASK_FREEZABLE), 0, ret,
				    __ret = schedule_timeout(__ret));
		*left -= piece - min_t(unsigned long, max(ret, 0L), piece);
	} while (!ret && *left);

	return ret;
}

static enum receipt_reason wait_done(struct lookup *l, unsigned long *left,
				     struct receipt_known *answer)
{
	enum receipt_reason reason;
	ktime_t start = ktime_get();
	long ret = wait_pieces(l, left);

	reason = leave(l, answer);
	receipt_count_time(RECEIPT_TIMED_LOOKUP, start);
	if (!ret && reason == RECEIPT_REASON_HELPER_TIMEOUT) {
		WRITE_ONCE(slow_since, jiffies);
		WRITE_ONCE(slow, true);
	}

	return ret < 0 ? RECEIPT_REASON_INTERRUPTED : reason;
}

/* Why the helper cannot be asked at all. */
static enum receipt_reason unaskable(const struct receipt_policy *policy)
{
	enum receipt_helper_state state = receipt_helper_get(NULL, NULL);

	if (state == RECEIPT_HELPER_ABSENT)
		return RECEIPT_REASON_NO_HELPER;
	if (state == RECEIPT_HELPER_LOST &&
	    policy->no_helper == RECEIPT_NO_HELPER_DENY)
		return RECEIPT_REASON_NO_HELPER;

	return receipt_helper_is_current() ? RECEIPT_REASON_HELPER_ITSELF :
					     RECEIPT_REASON_ALLOWED;
}

/**
 * receipt_lookup_wait - ask the helper and wait for the end of it
 * @req: the event
 * @digest: what evidence is needed for
 * @active: the policy that judges
 * @left: jiffies that the event may still wait for the helper; what else it does,
 *	like hashing, is not the helper's time. Counted down.
 * @answer: empty; filled in with what the helper proved, of which the cache may
 *	have lost a part; the caller calls receipt_known_put()
 *
 * While the helper is lost the question waits for the next one, unless the policy
 * says no_helper=deny.
 *
 * Context: May sleep: killable, freezable, for @left at most, but for what the
 *	machine stands still.
 * Return: RECEIPT_REASON_ALLOWED when @answer and the cache hold what there is
 *	to know, else RECEIPT_REASON_NO_HELPER, RECEIPT_REASON_HELPER_ITSELF,
 *	RECEIPT_REASON_QUEUE_FULL, RECEIPT_REASON_HELPER_TIMEOUT,
 *	RECEIPT_REASON_INTERRUPTED, RECEIPT_REASON_NO_MEMORY.
 */
enum receipt_reason receipt_lookup_wait(const struct receipt_request *req,
					const struct receipt_digest *digest,
					const struct receipt_active *active,
					unsigned long *left,
					struct receipt_known *answer)
{
	enum receipt_reason reason;
	struct lookup *fresh, *l;
	u32 portid;

	reason = unaskable(active->policy);
	if (reason)
		return reason;
	if (!*left)
		return RECEIPT_REASON_HELPER_TIMEOUT;
	fresh = new_lookup(req, digest, READ_ONCE(active->generation));
	if (!fresh)
		return RECEIPT_REASON_NO_MEMORY;

	reason = join_or_add(fresh, &l);
	if (l != fresh)
		kfree(fresh);
	if (!l)
		return reason;
	if (l == fresh) {
		receipt_count(RECEIPT_STAT_LOOKUPS);
		/* It is pending: a helper that comes after this one will see it. */
		receipt_helper_get(&portid, NULL);
		/* Nobody waits for what cannot come. */
		if (receipt_netlink_ask(portid, l->id, req, digest))
			end_pending(l, RECEIPT_REASON_NO_MEMORY);
	} else {
		receipt_count(RECEIPT_STAT_JOINED);
	}

	return wait_done(l, left, answer);
}

/* The pending lookup that a message of the helper belongs to, or NULL. */
static struct lookup *find_unanswered(u64 id,
				      const struct receipt_digest *digest)
{
	struct lookup *l = find_pending(digest);

	return l && l->id == id && !l->answered ? l : NULL;
}

/**
 * receipt_lookup_proven - a part of the helper's answer
 * @id: of the lookup
 * @digest: must be the lookup's own
 * @proven: statement about it
 * @policy: says which statements are kept
 */
void receipt_lookup_proven(u64 id, const struct receipt_digest *digest,
			   struct receipt_proven *proven,
			   const struct receipt_policy *policy)
{
	struct receipt_proven *old = NULL;
	struct lookup *l;

	spin_lock(&pending_lock);
	l = find_unanswered(id, digest);
	if (l) {
		refcount_inc(&proven->ref);
		old = receipt_known_add(&l->known, proven, policy);
	}
	spin_unlock(&pending_lock);
	receipt_proven_put(old);
}

/* Freezes what is known: from here on it is read without the lock. */
static struct lookup *begin_done(u64 id, const struct receipt_digest *digest,
				 enum receipt_reason reason)
{
	struct lookup *l;

	spin_lock(&pending_lock);
	l = find_unanswered(id, digest);
	if (l) {
		refcount_inc(&l->ref);
		l->answered = true;
		l->known.generation = l->generation;
		l->known.reason = reason;
	}
	spin_unlock(&pending_lock);

	return l;
}

/**
 * receipt_lookup_done - the helper has answered
 * @id: of the lookup
 * @digest: must be the lookup's own
 * @reason: why there is no evidence, when there is none
 * @policy: says which statements are kept
 *
 * The cache knows of it before the lookup is gone, see join_or_add().
 *
 * Context: May sleep.
 * Return: whether such a lookup was pending.
 */
bool receipt_lookup_done(u64 id, const struct receipt_digest *digest,
			 enum receipt_reason reason,
			 const struct receipt_policy *policy)
{
	struct lookup *l = begin_done(id, digest, reason);

	if (!l)
		return false;

	WRITE_ONCE(slow, false);
	receipt_cache_complete(&l->digest, &l->known, policy);
	end_pending(l, RECEIPT_REASON_ALLOWED);
	put_lookup(l);

	return true;
}

/**
 * receipt_lookup_preloaded - evidence has come that nobody had asked its sender for
 * @digest: what it is about
 *
 * While no helper serves, whoever waits for it looks anew, and asks again where it is
 * not enough; while one serves, its answer is awaited.
 */
void receipt_lookup_preloaded(const struct receipt_digest *digest)
{
	struct lookup *l;

	if (receipt_helper_get(NULL, NULL) == RECEIPT_HELPER_SERVING)
		return;

	spin_lock(&pending_lock);
	l = find_pending(digest);
	/* One that was answered to the last ends by that. */
	if (l && l->answered)
		l = NULL;
	if (l)
		finish(l, RECEIPT_REASON_ALLOWED);
	spin_unlock(&pending_lock);
	if (l)
		put_lookup(l);
}

/**
 * receipt_lookup_paused - is the helper too slow for questions that can wait?
 *
 * Or each program that is executed would wait for what it does not need.
 *
 * Return: whether it let somebody wait in vain a moment ago, and has not answered since.
 */
bool receipt_lookup_paused(void)
{
	return READ_ONCE(slow) &&
	       time_before(jiffies, READ_ONCE(slow_since) + LOOKUP_PAUSE);
}

/**
 * receipt_lookup_pending - how many lookups are pending
 *
 * Return: their number.
 */
u64 receipt_lookup_pending(void)
{
	return READ_ONCE(npending);
}

/**
 * receipt_lookup_next - the pending lookup after another
 * @after: id, zero to begin
 * @id: set to the id of the one that is returned
 * @digest: set to its digest
 * @op: set to its operation
 * @size: set to its size
 *
 * Return: whether there is one.
 */
bool receipt_lookup_next(u64 after, u64 *id, struct receipt_digest *digest,
			 enum receipt_op *op, u64 *size)
{
	struct lookup *l;
	bool found = false;

	spin_lock(&pending_lock);
	list_for_each_entry(l, &pending, list) {
		if (l->id <= after)
			continue;
		*id = l->id;
		*digest = l->digest;
		*op = l->op;
		*size = l->size;
		found = true;
		break;
	}
	spin_unlock(&pending_lock);

	return found;
}
