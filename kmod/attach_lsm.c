// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attachment of the LSM that is built in: registered like any other, ready before
 * the first user process, and enforcing from then on when a boot policy is built
 * in as well.
 *
 * The hooks are there from security_init() on and let everything pass until
 * receipt_start() has run and a policy is active; nothing is executed before.
 */
#include <linux/file.h>
#include <linux/init.h>
#include <linux/jump_label.h>
#include <linux/lsm_hooks.h>
#include <linux/netlink.h>
#include <uapi/linux/lsm.h>

#include "compat.h"
#include "private.h"

struct lsm_blob_sizes receipt_blob_sizes __ro_after_init = {
	.lbs_inode = sizeof(struct receipt_state *),
	/* Not used, but without one nobody is told that a device is freed. */
	.lbs_bdev = sizeof(u8),
};

/* Numbers are given out upstream. */
static const struct lsm_id lsm_id = {
	.name = "receipt",
	.id = LSM_ID_UNDEF,
};

static bool enabled __initdata;

/* A key, as each exec looks at it. */
static DEFINE_STATIC_KEY_TRUE(not_started);

#ifdef CONFIG_SECURITY_RECEIPT_BOOT
/* Going on without the policy that was asked for would be to fail open. */
static int __init load_boot_policy(void)
{
	static struct netlink_ext_ack extack __initdata;
	int ret;

	ret = receipt_policy_boot(receipt_boot_policy, receipt_boot_policy_end -
				  receipt_boot_policy, &extack);
	if (ret)
		panic("receipt: boot policy: %s (error %d)\n",
		      extack._msg ?: "not loaded", ret);

	return 0;
}
#else
static int __init load_boot_policy(void)
{
	return 0;
}
#endif

static int __init start_all(void)
{
	int ret;

	if (!enabled)
		return 0;

	ret = receipt_start();
	if (!ret) {
		ret = receipt_open();
		if (ret)
			receipt_stop();
	}
	if (ret && IS_ENABLED(CONFIG_SECURITY_RECEIPT_BOOT))
		panic("receipt: cannot start (error %d)\n", ret);
	if (ret) {
		/* No policy can become active, so nothing is ever decided. */
		pr_err("cannot start (error %d): nothing is checked\n", ret);
		return ret;
	}
	static_branch_disable(&not_started);

	return load_boot_policy();
}
fs_initcall(start_all);

static int __init start_fast(void)
{
	if (!static_key_enabled(&not_started)) {
		receipt_measure_fast();
		receipt_measure_follow();
	}

	return 0;
}
late_initcall(start_fast);

static void __init initramfs_populated(void)
{
	/* The files were closed by a kernel thread, so they still seem open. */
	flush_delayed_fput();
	if (!static_key_enabled(&not_started))
		receipt_mark_initramfs();
}

/*
 * The kernel's command line can keep an initcall from being run. Until start_all()
 * has run no policy can become active, everything passes, and no hook touches what
 * is made there; with a boot policy that would be to fail open.
 */
static int check_exec(struct linux_binprm *bprm)
{
	if (IS_ENABLED(CONFIG_SECURITY_RECEIPT_BOOT) &&
	    static_branch_unlikely(&not_started))
		panic("receipt: not started, although a boot policy is compiled in\n");

	return receipt_bprm_check_security(bprm);
}

static struct security_hook_list hooks[] __ro_after_init = {
	LSM_HOOK_INIT(bprm_check_security, check_exec),
	LSM_HOOK_INIT(mmap_file, receipt_mmap_file),
	LSM_HOOK_INIT(mmap_backing_file, receipt_mmap_backing_file),
	LSM_HOOK_INIT(file_mprotect, receipt_file_mprotect),
#ifdef CONFIG_BPF_SYSCALL
	LSM_HOOK_INIT(bpf_prog_load, receipt_bpf_prog_load),
#endif
	LSM_HOOK_INIT(task_prctl, receipt_task_prctl),
	LSM_HOOK_INIT(sb_alloc_security, receipt_sb_alloc_security),
	LSM_HOOK_INIT(sb_free_security, receipt_sb_free_security),
	LSM_HOOK_INIT(mmap_addr, receipt_mmap_addr),
	LSM_HOOK_INIT(ptrace_access_check, receipt_ptrace_access_check),
	LSM_HOOK_INIT(ptrace_traceme, receipt_ptrace_traceme),
	LSM_HOOK_INIT(inode_init_security_anon, receipt_inode_init_security_anon),
	LSM_HOOK_INIT(file_open, receipt_file_open),
	LSM_HOOK_INIT(file_permission, receipt_file_permission),
	LSM_HOOK_INIT(file_post_open, receipt_file_post_open),
	LSM_HOOK_INIT(file_release, receipt_file_release),
	LSM_HOOK_INIT(inode_setattr, receipt_inode_setattr),
	LSM_HOOK_INIT(inode_free_security, receipt_inode_free_security),
	LSM_HOOK_INIT(bdev_setintegrity, receipt_bdev_setintegrity),
	LSM_HOOK_INIT(bdev_free_security, receipt_bdev_free_security),
	LSM_HOOK_INIT(kernel_read_file, receipt_kernel_read_file),
	LSM_HOOK_INIT(kernel_post_read_file, receipt_kernel_post_read_file),
	LSM_HOOK_INIT(kernel_load_data, receipt_kernel_load_data),
	LSM_HOOK_INIT(kernel_post_load_data, receipt_kernel_post_load_data),
	LSM_HOOK_INIT(initramfs_populated, initramfs_populated),
};

/**
 * receipt_attach_late - all hooks are there from the start
 * @unruled: operations that a policy lets pass, as bits
 *
 * Return: 0.
 */
int receipt_attach_late(u8 unruled)
{
	return 0;
}

static int __init attach(void)
{
	security_add_hooks(hooks, ARRAY_SIZE(hooks), &lsm_id);
	enabled = true;

	return 0;
}

DEFINE_LSM(receipt) = {
	RECEIPT_LSM_INFO_ID("receipt", &lsm_id),
	.order = IS_ENABLED(CONFIG_SECURITY_RECEIPT_LOCKED) ? LSM_ORDER_LAST :
							      LSM_ORDER_MUTABLE,
	.init = attach,
	.blobs = &receipt_blob_sizes,
};
