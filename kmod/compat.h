/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions and between the two builds.
 */
#ifndef _RECEIPT_COMPAT_H
#define _RECEIPT_COMPAT_H

#include <crypto/public_key.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/netlink.h>
#include <linux/sched/coredump.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/tpm.h>
#include <linux/version.h>

/*
 * 6.12, 7.2 and 7.3 are what this was read and tested against. In which version between
 * 6.12 and 7.2 something changed is said where it matters to nobody else.
 */

/*
 * Two bits of f_mode that none of these kernels uses say that this file holds its inode
 * closed to writers, and that exe.c has a record of it. Changed under f_lock, as
 * posix_fadvise() does with its bits. A loadable module has no blob on struct
 * file, and built in every open of whatever file would allocate and free one, for
 * the few that have a mark.
 */
#define FMODE_RECEIPT_HELD ((__force fmode_t)(1 << 8))
#define FMODE_RECEIPT_EXE ((__force fmode_t)(1 << 30))

static __always_inline bool receipt_file_held(const struct file *file)
{
	return file->f_mode & FMODE_RECEIPT_HELD;
}

static inline void receipt_file_set_held(struct file *file, bool held)
{
	if (held)
		file->f_mode |= FMODE_RECEIPT_HELD;
	else
		file->f_mode &= ~FMODE_RECEIPT_HELD;
}

static __always_inline bool receipt_file_is_exe(const struct file *file)
{
	return file->f_mode & FMODE_RECEIPT_EXE;
}

static inline void receipt_file_set_exe(struct file *file, bool exe)
{
	if (exe)
		file->f_mode |= FMODE_RECEIPT_EXE;
	else
		file->f_mode &= ~FMODE_RECEIPT_EXE;
}

static __always_inline bool receipt_file_is_marked(const struct file *file)
{
	return file->f_mode & (FMODE_RECEIPT_HELD | FMODE_RECEIPT_EXE);
}

/* 6.15 has no other way to set up a timer; 6.12 has not this one. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/* Renamed in 6.14. */
#ifndef NL_ASSERT_CTX_FITS
#define NL_ASSERT_CTX_FITS(type) NL_ASSERT_DUMP_CTX_FITS(type)
#endif

/* Not what an older kernel includes for it; what is built for 6.1 includes no more. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/hex.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)

#include <linux/pagevec.h>

#define receipt_current_is_dumpable() (get_dumpable(current->mm) == SUID_DUMP_USER)

/* Later securityfs_remove() takes what is below as well. */
#define receipt_securityfs_remove(dir) securityfs_recursive_remove(dir)

static inline void receipt_signature_set_hash(struct public_key_signature *sig,
					      u8 *hash, u32 size)
{
	sig->digest = hash;
	sig->digest_size = size;
}

#else /* >= 7.2 */

#include <linux/folio_batch.h>
#include <linux/sched/exec_state.h>

/* As task_exec_state_get_dumpable(), which modules do not get. */
static inline bool receipt_current_is_dumpable(void)
{
	guard(rcu)();

	return READ_ONCE(rcu_dereference(current->exec_state)->dumpable) ==
	       TASK_DUMPABLE_OWNER;
}

#define receipt_securityfs_remove(dir) securityfs_remove(dir)

/* What is verified may be a message as well; here it is a hash. */
static inline void receipt_signature_set_hash(struct public_key_signature *sig,
					      u8 *hash, u32 size)
{
	sig->m = hash;
	sig->m_size = size;
}

#ifdef MODULE
/* As in kernel/module/internal.h, where it went. */
struct module_use {
	struct list_head source_list;
	struct list_head target_list;
	struct module *source, *target;
};
#endif

#endif /* >= 7.2 */

/* Later it is told whether the kernel loads a program of its own: all the same to us. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
#define RECEIPT_BPF_PROG_LOAD(function)					\
	int function(struct bpf_prog *prog, union bpf_attr *attr,	\
		     struct bpf_token *token)
#else
#define RECEIPT_BPF_PROG_LOAD(function)					\
	int function(struct bpf_prog *prog, union bpf_attr *attr,	\
		     struct bpf_token *token, bool kernel)
#endif
RECEIPT_BPF_PROG_LOAD(receipt_bpf_prog_load);

/* A command for the TPM; NULL when there is no memory. */
static inline struct tpm_buf *receipt_tpm_command(u16 tag, u32 command)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	struct tpm_buf *buf = kmalloc(sizeof(*buf), GFP_KERNEL);

	if (buf && tpm_buf_init(buf, tag, command)) {
		kfree(buf);
		return NULL;
	}
#else
	/* The size of the driver's own. */
	struct tpm_buf *buf = kmalloc(SZ_4K, GFP_KERNEL);

	if (buf) {
		tpm_buf_init(buf, SZ_4K);
		tpm_buf_reset(buf, tag, command);
	}
#endif
	return buf;
}

static inline void receipt_tpm_free(struct tpm_buf *buf)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	tpm_buf_destroy(buf);
#endif
	kfree(buf);
}

#ifndef MODULE

#include <linux/lsm_hooks.h>

/* Sizes, and once the LSM framework has taken them, offsets in the blobs. */
extern struct lsm_blob_sizes receipt_blob_sizes;

/* Who registers is told apart by the name; later by the id, which has the name. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
#define RECEIPT_LSM_INFO_ID(lsm, lsm_id) .name = (lsm)
#else
#define RECEIPT_LSM_INFO_ID(lsm, lsm_id) .id = (lsm_id)
#endif

#endif /* !MODULE */

#endif /* _RECEIPT_COMPAT_H */
