// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets the whole machine stand still, as a virtual one does whose host is busy: writing
 * to the parameter "ms" stops all CPUs for so many milliseconds.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/stop_machine.h>

#define MOST_MS	4000	/* the coarsest clock goes round in 4.7 seconds */

static int stand_still(void *ms)
{
	mdelay(*(unsigned int *)ms);

	return 0;
}

static int stall(const char *val, const struct kernel_param *kp)
{
	unsigned int ms;
	int ret = kstrtouint(val, 0, &ms);

	if (ret)
		return ret;
	if (ms > MOST_MS)
		return -ERANGE;

	return stop_machine(stand_still, &ms, NULL);
}

static const struct kernel_param_ops ms_ops = { .set = stall };
module_param_cb(ms, &ms_ops, NULL, 0200);
MODULE_PARM_DESC(ms, "stop all CPUs for so long, now");

static int __init stall_init(void)
{
	return 0;
}

static void __exit stall_exit(void)
{
}

module_init(stall_init);
module_exit(stall_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lets the machine stand still, for the receipt selftests");
