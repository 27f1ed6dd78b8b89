// SPDX-License-Identifier: GPL-2.0-only
/*
 * The helper: which socket serves, and since when it does not.
 */
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <net/net_namespace.h>

#include "private.h"

/*
 * Under the lock; @helper_tgid is a reference. It and @helper_sock are compared and never
 * followed. The number of a socket is free for others before the end of the socket is
 * told, so who the helper is, the socket itself says; it is freed later than that.
 */
static DEFINE_SPINLOCK(helper_lock);
static enum receipt_helper_state helper_state;
static time64_t helper_since;	/* seconds since boot, with those asleep */
static const struct sock *helper_sock;
static u32 helper_portid;	/* of it */
static struct pid *helper_tgid;

/**
 * receipt_helper_register - the sender of a HELLO becomes the helper
 * @sk: its socket
 * @portid: number of it
 *
 * Context: The sender's.
 * Return: 0 or -EBUSY while another one serves.
 */
int receipt_helper_register(const struct sock *sk, u32 portid)
{
	struct pid *tgid = get_pid(task_tgid(current)), *old = NULL;
	int ret = 0;

	spin_lock(&helper_lock);
	if (helper_state == RECEIPT_HELPER_SERVING && helper_sock != sk) {
		ret = -EBUSY;
		old = tgid;
	} else {
		old = helper_tgid;
		helper_tgid = tgid;
		helper_sock = sk;
		helper_portid = portid;
		if (helper_state != RECEIPT_HELPER_SERVING)
			helper_since = ktime_get_boottime_seconds();
		helper_state = RECEIPT_HELPER_SERVING;
	}
	spin_unlock(&helper_lock);
	put_pid(old);
	if (ret)
		return ret;
	receipt_count(RECEIPT_STAT_HELPERS);
	receipt_audit_helper(RECEIPT_HELPER_SERVING, task_tgid_nr(current));
	receipt_netlink_helper(RECEIPT_HELPER_SERVING, task_tgid_nr(current));

	return 0;
}

/**
 * receipt_helper_is - is a socket the helper's?
 * @sk: socket
 *
 * Return: whether it is.
 */
bool receipt_helper_is(const struct sock *sk)
{
	bool is;

	spin_lock(&helper_lock);
	is = helper_state == RECEIPT_HELPER_SERVING && helper_sock == sk;
	spin_unlock(&helper_lock);

	return is;
}

/**
 * receipt_helper_is_current - is the running task one of the helper's?
 *
 * Return: whether it is.
 */
bool receipt_helper_is_current(void)
{
	bool is;

	spin_lock(&helper_lock);
	is = helper_state == RECEIPT_HELPER_SERVING &&
	     helper_tgid == task_tgid(current);
	spin_unlock(&helper_lock);

	return is;
}

/**
 * receipt_helper_get - state of the helper
 * @portid: set to its socket, zero when it does not serve; may be NULL
 * @pid: set to its process, zero when it does not serve; may be NULL
 *
 * Return: the state.
 */
enum receipt_helper_state receipt_helper_get(u32 *portid, u32 *pid)
{
	enum receipt_helper_state state;
	bool serving;

	spin_lock(&helper_lock);
	state = helper_state;
	serving = state == RECEIPT_HELPER_SERVING;
	if (portid)
		*portid = serving ? helper_portid : 0;
	if (pid)
		*pid = serving ? pid_nr(helper_tgid) : 0;
	spin_unlock(&helper_lock);

	return state;
}

/**
 * receipt_helper_age - how long the helper is in its state
 *
 * Return: seconds; of one that was never there, since the start.
 */
u64 receipt_helper_age(void)
{
	time64_t since;

	spin_lock(&helper_lock);
	since = helper_since;
	spin_unlock(&helper_lock);

	return ktime_get_boottime_seconds() - since;
}

static int on_release(struct notifier_block *nb, unsigned long event,
		      void *data)
{
	const struct netlink_notify *n = data;
	bool lost = false;
	u32 pid = 0;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !net_eq(n->net, &init_net))
		return NOTIFY_DONE;

	spin_lock(&helper_lock);
	if (helper_state == RECEIPT_HELPER_SERVING &&
	    helper_portid == n->portid) {
		helper_state = RECEIPT_HELPER_LOST;
		helper_sock = NULL;
		helper_since = ktime_get_boottime_seconds();
		pid = pid_nr(helper_tgid);
		lost = true;
	}
	spin_unlock(&helper_lock);
	if (lost) {
		receipt_count(RECEIPT_STAT_HELPERS_LOST);
		receipt_audit_helper(RECEIPT_HELPER_LOST, pid);
		receipt_netlink_helper(RECEIPT_HELPER_LOST, pid);
	}

	return NOTIFY_DONE;
}

static struct notifier_block release_notifier = { .notifier_call = on_release };

/**
 * receipt_helper_init - watch sockets being closed
 *
 * Return: 0 or what netlink_register_notifier() says.
 */
int __init receipt_helper_init(void)
{
	helper_since = ktime_get_boottime_seconds();

	return netlink_register_notifier(&release_notifier);
}

/**
 * receipt_helper_exit - undo receipt_helper_init() after a failed bring-up
 */
void __init receipt_helper_exit(void)
{
	netlink_unregister_notifier(&release_notifier);
}
