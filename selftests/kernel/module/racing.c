// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module with a data race, for a kernel that finds them: two threads count in
 * one variable.
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>

static unsigned long counter;
static struct completion counted[2];

static int count(void *arg)
{
	unsigned long end = jiffies + 10 * HZ;
	struct completion *done = arg;

	while (time_before(jiffies, end)) {
		counter++;
		barrier();
		cond_resched();
	}
	complete(done);

	return 0;
}

static int __init racing_init(void)
{
	struct task_struct *task;
	int i;

	for (i = 0; i < ARRAY_SIZE(counted); i++) {
		init_completion(&counted[i]);
		task = kthread_run(count, &counted[i], "racing/%d", i);
		if (IS_ERR(task))
			complete(&counted[i]);
	}
	for (i = 0; i < ARRAY_SIZE(counted); i++)
		wait_for_completion(&counted[i]);

	/* Not to be unloaded: it goes by itself. */
	return -EAGAIN;
}

module_init(racing_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Data race of the receipt selftests");
