// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bring-up, and nothing else.
 */
#include <linux/fs_struct.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/sched.h>

#include "private.h"

/* The initramfs is the root of those who load the module from it. */
static void __init mark_initramfs(void)
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

/*
 * A module without an exit function is not unloaded, unless by force. Force does
 * not count for a module that another one uses: this one is used by itself.
 */
static struct module_use own_use = {
	.target_list = LIST_HEAD_INIT(own_use.target_list),
	.source = THIS_MODULE,
	.target = THIS_MODULE,
};

static void __init forbid_unload(void)
{
	list_add(&own_use.source_list, &THIS_MODULE->source_list);
}

struct step {
	int (*init)(void);
	void (*exit)(void);
};

/* In order; a failed step undoes those before it. */
static const struct step steps[] __initconst = {
	{ receipt_measure_init, receipt_measure_exit },
	{ receipt_logkey_init, receipt_logkey_exit },
	{ receipt_state_init, receipt_state_exit },
	{ receipt_cache_init, receipt_cache_exit },
	{ receipt_helper_init, receipt_helper_exit },
	{ receipt_netlink_init, receipt_netlink_exit },
	{ receipt_securityfs_init, receipt_securityfs_exit },
	{ receipt_attach, NULL },
};

static int __init receipt_init(void)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < ARRAY_SIZE(steps); i++)
		ret = steps[i].init();
	if (!ret) {
		forbid_unload();
		mark_initramfs();
		pr_info("attached, no policy is active\n");
		return 0;
	}
	for (i--; i--;)
		steps[i].exit();

	return ret;
}

/* No exit: a task may sleep in a hook, so the module cannot be unloaded. */
module_init(receipt_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refuses what has no transparency receipt");
