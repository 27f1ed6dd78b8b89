// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attachment of the loadable module: the bpf_lsm_* functions, which exist so
 * that programs can attach to LSM hooks, are redirected to ours with ftrace.
 * FTRACE_OPS_FL_PERMANENT makes the kernel refuse to switch ftrace off.
 */
#include <linux/ftrace.h>
#include <linux/module.h>

#include "private.h"

struct attachment {
	char *name;
	struct ftrace_ops ops;
};

static void notrace redirect(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)ops->private);
}

#define ATTACH(hook) {							\
	.name = "bpf_lsm_" #hook,					\
	.ops = {							\
		.func = redirect,					\
		.private = receipt_##hook,				\
		.flags = FTRACE_OPS_FL_IPMODIFY |			\
			 FTRACE_OPS_FL_PERMANENT,			\
	},								\
}

/* First those that only forget, so that no verdict outlives its content. */
static struct attachment attachments[] = {
	ATTACH(inode_free_security),
	ATTACH(bdev_free_security),
	ATTACH(file_open),
	ATTACH(file_permission),
	ATTACH(inode_setattr),
	ATTACH(file_release),
	ATTACH(bdev_setintegrity),
	ATTACH(kernel_load_data),
	ATTACH(kernel_post_load_data),
	ATTACH(kernel_read_file),
	ATTACH(kernel_post_read_file),
	ATTACH(task_prctl),
	ATTACH(bpf_prog_load),
	ATTACH(file_post_open),
	ATTACH(mmap_backing_file),
	ATTACH(file_mprotect),
	ATTACH(mmap_file),
	ATTACH(bprm_check_security),
};

static int __init attach_one(struct attachment *a)
{
	int ret;

	ret = ftrace_set_filter(&a->ops, a->name, strlen(a->name), 1);
	if (!ret)
		ret = register_ftrace_function(&a->ops);
	if (ret)
		pr_err("cannot attach to %s (error %d): the kernel needs CONFIG_BPF_LSM and CONFIG_DYNAMIC_FTRACE_WITH_ARGS, and ftrace enabled\n",
		       a->name, ret);

	return ret;
}

/* Nothing has been decided yet: no policy is active. */
static void __init detach(size_t n)
{
	while (n--)
		unregister_ftrace_function(&attachments[n].ops);
}

/* 0, -EOPNOTSUPP when "bpf" is not an active LSM, or what ftrace says. */
static int __init attach(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(attachments); i++) {
		ret = attach_one(&attachments[i]);
		if (ret) {
			detach(i);
			return ret;
		}
	}
	if (receipt_hooks_reached())
		return 0;

	pr_err("hooks are not reached: \"bpf\" is not in the list of active LSMs (kernel parameter lsm=, /sys/kernel/security/lsm)\n");
	detach(i);

	return -EOPNOTSUPP;
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

static int __init receipt_init(void)
{
	int ret = receipt_start();

	if (ret)
		return ret;

	receipt_measure_fast();
	ret = attach();
	if (ret) {
		receipt_stop();
		return ret;
	}
	forbid_unload();
	receipt_mark_initramfs();
	pr_info("attached, no policy is active\n");

	return 0;
}

/* No exit: a task may sleep in a hook, so the module cannot be unloaded. */
module_init(receipt_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refuses what has no transparency receipt");
