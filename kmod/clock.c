// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time that the ages of receipts are told by: the wall clock, but never less
 * than what it said before, and the time that has passed since (CLOCK_BOOTTIME, which
 * goes on in suspend). Who sets the wall clock back neither makes receipts younger
 * nor keeps them from getting older.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include "compat.h"
#include "private.h"

/* What gets too old is found within this time. */
#define EXPIRY_PERIOD	(30 * NSEC_PER_SEC)

/* The most by which the wall clock was ahead of the time since boot; only raised. */
static atomic64_t offset = ATOMIC64_INIT(0);
static struct hrtimer expiry_timer;
static atomic_t expiry_started = ATOMIC_INIT(0);

/**
 * receipt_clock_advance - what time it is
 * @ahead: the most by which the wall clock was ahead of the time since boot so far,
 *	nanoseconds; raised
 * @wall: the wall clock, nanoseconds since 1970; read before @boot, so that whoever
 *	is interrupted in between raises @ahead less, not more
 * @boot: time since boot, nanoseconds
 * @floor: result: what it would be whatever the wall clock says, seconds; may be NULL
 *
 * Return: seconds since 1970.
 */
s64 receipt_clock_advance(atomic64_t *ahead, s64 wall, s64 boot, s64 *floor)
{
	s64 most = atomic64_read(ahead);

	if (floor)
		*floor = div_s64(boot + most, NSEC_PER_SEC);
	while (wall - boot > most)
		if (atomic64_try_cmpxchg(ahead, &most, wall - boot))
			most = wall - boot;

	return div_s64(boot + most, NSEC_PER_SEC);
}

/**
 * receipt_clock_read - what time it is, and what holds it up
 * @floor: result: seconds since 1970 below which no setting of the wall clock gets it
 *
 * Context: Any.
 * Return: seconds since 1970.
 */
s64 receipt_clock_read(s64 *floor)
{
	s64 wall = ktime_get_real_ns();

	return receipt_clock_advance(&offset, wall, ktime_get_boottime_ns(), floor);
}

/**
 * receipt_clock_now - the time that ages of receipts are told by
 *
 * Context: Any.
 * Return: seconds since 1970.
 */
s64 receipt_clock_now(void)
{
	return receipt_clock_read(NULL);
}

/*
 * By interrupt: a work item would wait for a kernel thread, which root can starve,
 * and for whoever holds the policy's lock. The clock goes on in suspend, so that what
 * got too old meanwhile is found when the machine wakes up.
 */
static enum hrtimer_restart look_for_expired(struct hrtimer *timer)
{
	receipt_policy_expire(receipt_clock_now());
	hrtimer_forward_now(timer, ns_to_ktime(EXPIRY_PERIOD));

	return HRTIMER_RESTART;
}

/**
 * receipt_clock_watch - look from now on for what gets too old
 *
 * Once begun it goes on: to begin anew with each policy would let whoever loads one
 * after the other put it off.
 *
 * Context: Any.
 */
void receipt_clock_watch(void)
{
	if (!atomic_xchg(&expiry_started, 1))
		hrtimer_start(&expiry_timer, ns_to_ktime(EXPIRY_PERIOD),
			      HRTIMER_MODE_REL);
}

/**
 * receipt_clock_init - begin with what the wall clock says now
 *
 * Return: 0.
 */
int __init receipt_clock_init(void)
{
	hrtimer_setup(&expiry_timer, look_for_expired, CLOCK_BOOTTIME,
		      HRTIMER_MODE_REL);
	receipt_clock_now();

	return 0;
}

/**
 * receipt_clock_exit - undo receipt_clock_init() after a failed bring-up
 */
void __init receipt_clock_exit(void)
{
	hrtimer_cancel(&expiry_timer);
}
