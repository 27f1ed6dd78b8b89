// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bring-up, and nothing else. Who attaches to the hooks and when, attach_stub.c
 * (the module) and attach_lsm.c (built in) know.
 */
#include <linux/fs_struct.h>
#include <linux/init.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/sched.h>

#include "private.h"

/**
 * receipt_mark_initramfs - mark the files that the initramfs brought
 *
 * The initramfs is the root of those who load the module from it, and of the
 * kernel's threads.
 *
 * Context: Process context, once, before a policy is asked.
 */
void __init receipt_mark_initramfs(void)
{
	struct super_block *sb;
	struct path root;

	get_fs_root(current->fs, &root);
	sb = root.mnt->mnt_sb;
	if (!strcmp(sb->s_type->name, "rootfs") ||
	    !strcmp(sb->s_id, "rootfs"))
		receipt_state_mark_boot(sb);
	path_put(&root);
}

struct step {
	int (*init)(void);
	void (*exit)(void);
};

/* In order; a failed step undoes those before it. */
static const struct step steps[] __initconst = {
	{ receipt_measure_init, receipt_measure_exit },
	{ receipt_logkey_init, receipt_logkey_exit },
	{ receipt_clock_init, receipt_clock_exit },
	{ receipt_state_init, receipt_state_exit },
	{ receipt_cache_init, receipt_cache_exit },
	{ receipt_helper_init, receipt_helper_exit },
};

/* When the hooks are attached: a policy that came before would let pass unseen. */
static const struct step open_steps[] __initconst = {
	{ receipt_netlink_init, receipt_netlink_exit },
	{ receipt_securityfs_init, receipt_securityfs_exit },
};

static void __init undo(const struct step *list, size_t n)
{
	while (n--)
		list[n].exit();
}

static int __init take(const struct step *list, size_t n)
{
	size_t i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = list[i].init();
		if (ret) {
			undo(list, i);
			return ret;
		}
	}

	return 0;
}

/**
 * receipt_start - bring up what the hooks need
 *
 * Context: Process context, once, before the first policy.
 * Return: 0, or what the step that failed says; nothing is left of it then.
 */
int __init receipt_start(void)
{
	receipt_exe_init();

	return take(steps, ARRAY_SIZE(steps));
}

/**
 * receipt_open - let user space in: from here on policies are taken
 *
 * Context: Process context, once, after receipt_start(), when the hooks are attached.
 * Return: 0, or what the step that failed says; nothing is left of it then.
 */
int __init receipt_open(void)
{
	return take(open_steps, ARRAY_SIZE(open_steps));
}

/**
 * receipt_stop - undo receipt_start() where no more can be done
 *
 * Context: No hook is attached, no policy was ever active.
 */
void __init receipt_stop(void)
{
	undo(steps, ARRAY_SIZE(steps));
}
