// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attachment of the loadable module: the bpf_lsm_* functions, which exist so
 * that programs can attach to LSM hooks, are redirected to ours with ftrace.
 * FTRACE_OPS_FL_PERMANENT makes the kernel refuse to switch ftrace off.
 */
#include <linux/bpf_lsm.h>
#include <linux/ftrace.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/objtool.h>

#include "compat.h"
#include "private.h"

struct attachment {
	char *name;
	struct ftrace_ops ops;
};

/* Where others trace the function or attach to it as well. */
static void notrace redirect(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)ops->private);
}

/* First those that only forget, so that no verdict outlives its content. */
#define HOOKS(hook)							\
	hook(inode_free_security)					\
	hook(bdev_free_security)					\
	hook(sb_free_security)						\
	hook(sb_alloc_security)						\
	hook(file_open)							\
	hook(file_permission)						\
	hook(inode_setattr)						\
	hook(file_release)						\
	hook(bdev_setintegrity)						\
	hook(kernel_load_data)						\
	hook(kernel_post_load_data)					\
	hook(kernel_read_file)						\
	hook(kernel_post_read_file)					\
	hook(task_prctl)						\
	hook(bpf_prog_load)						\
	hook(file_post_open)						\
	hook(mmap_backing_file)						\
	hook(file_mprotect)						\
	hook(mmap_file)							\
	hook(bprm_check_security)

/* Of which only policies that rule ANON_EXEC have a use. */
#define LATE_HOOKS(hook)						\
	hook(inode_init_security_anon)					\
	hook(mmap_addr)							\
	hook(ptrace_access_check)					\
	hook(ptrace_traceme)

/*
 * As long as nobody else traces the function, its entry calls this instead of ftrace's
 * own trampoline, which saves and restores the registers around redirect() and costs
 * more than most hooks. On top of the stack is where to return to in the function; this
 * returns to our hook instead, and the arguments are where they were: both have to be
 * of one type, which nobody but the assertion looks at. Aligned, since
 * 6.19 and later take an odd address for one that is to be jumped to.
 */
#define TRAMPOLINE(hook)						\
	asm(".pushsection .text\n"					\
	    ".balign 16\n"						\
	    ".type to_" #hook ", @function\n"				\
	    "to_" #hook ":\n\t"						\
	    ANNOTATE_NOENDBR "\n\t"					\
	    "movq $receipt_" #hook ", (%rsp)\n\t"			\
	    ASM_RET							\
	    ".size to_" #hook ", . - to_" #hook "\n"			\
	    ".popsection");						\
	void to_##hook(void);						\
	static_assert(__same_type(bpf_lsm_##hook, receipt_##hook));
HOOKS(TRAMPOLINE)
LATE_HOOKS(TRAMPOLINE)

#define ATTACHMENT(hook) {						\
	.name = "bpf_lsm_" #hook,					\
	.ops = {							\
		.func = redirect,					\
		.trampoline = (unsigned long)to_##hook,			\
		.private = receipt_##hook,				\
		.flags = FTRACE_OPS_FL_IPMODIFY |			\
			 FTRACE_OPS_FL_PERMANENT,			\
	},								\
},
static struct attachment attachments[] = { HOOKS(ATTACHMENT) };
static struct attachment late_attachments[] = { LATE_HOOKS(ATTACHMENT) };

static int attach_one(struct attachment *a)
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

/**
 * receipt_attach_late - attach to the hooks that a policy has a use for
 * @unruled: operations that it lets pass, as bits
 *
 * They stay attached.
 *
 * Context: May sleep; one at a time.
 * Return: 0, or what ftrace says.
 */
int receipt_attach_late(u8 unruled)
{
	static size_t n;
	int ret = 0;

	if (unruled & BIT(RECEIPT_OP_ANON_EXEC))
		return 0;
	while (!ret && n < ARRAY_SIZE(late_attachments)) {
		ret = attach_one(&late_attachments[n]);
		if (!ret)
			n++;
	}

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
	if (ret)
		goto stop;
	receipt_mark_initramfs();
	ret = receipt_open();
	if (ret)
		goto detach;
	forbid_unload();
	receipt_measure_follow();
	pr_info("attached, no policy is active\n");

	return 0;
detach:
	detach(ARRAY_SIZE(attachments));
stop:
	receipt_stop();

	return ret;
}

/* No exit: a task may sleep in a hook, so the module cannot be unloaded. */
module_init(receipt_init);
/* Fast hashes, where the CPU has what they need. An initramfs gets them with this. */
MODULE_SOFTDEP("pre: sha256-ssse3 sha512-ssse3");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refuses what has no transparency receipt");
