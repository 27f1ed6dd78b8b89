// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways to bring code into memory that is executable already, or gets so without a
 * question. They are for programs that have the right to ANON_EXEC; the program that
 * writes is asked, not the one that is written to. Attached when the first policy
 * rules ANON_EXEC.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/personality.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "private.h"

/* Is the current task in this system call? @nr32: its number for i386. */
static bool in_syscall(int nr, int nr32)
{
	int is = syscall_get_nr(current, task_pt_regs(current));

#ifdef CONFIG_IA32_EMULATION
	if (in_ia32_syscall())
		return is == nr32;
#endif
#ifdef __X32_SYSCALL_BIT
	if (is >= 0)
		is &= ~__X32_SYSCALL_BIT;
#endif

	return is == nr;
}

/* Not of i386. */
#define NO_NR32	(-2)

/*
 * Does this system call map memory that nobody is asked for? With READ_IMPLIES_EXEC
 * it is executable: the heap, and the shadow stacks of new threads.
 */
static bool maps_unasked(void)
{
	if (in_syscall(__NR_brk, __NR_ia32_brk))
		return true;
	if (!cpu_feature_enabled(X86_FEATURE_USER_SHSTK))
		return false;

	return in_syscall(__NR_map_shadow_stack, NO_NR32) ||
	       in_syscall(__NR_arch_prctl, NO_NR32) ||
	       in_syscall(__NR_clone, NO_NR32) ||
	       in_syscall(__NR_clone3, NO_NR32);
}

/*
 * Nothing is asked of brk() but this, before it maps anything: may there be memory at
 * this address? vm_enough_memory comes later, cannot deny, and is not called for
 * those who are not root, for whom the capability LSM has the last word.
 */
int receipt_mmap_addr(unsigned long addr)
{
	if (likely(!(current->personality & READ_IMPLIES_EXEC)) ||
	    !maps_unasked())
		return 0;

	return receipt_decide_anon("mmap_addr", RECEIPT_ANON_LOCKED);
}

/*
 * Others ask the same question to read another process, or to get a descriptor of
 * it: process_vm_readv(), pidfd_getfd(), files of /proc. They do not write to what
 * is executable.
 */
int receipt_ptrace_access_check(struct task_struct *child, unsigned int mode)
{
	if (!(mode & PTRACE_MODE_ATTACH) ||
	    !in_syscall(__NR_ptrace, __NR_ia32_ptrace))
		return 0;

	return receipt_decide_anon("ptrace_access_check", RECEIPT_ANON_ATOMIC);
}

/*
 * Whoever wants to be traced is asked, in the place of the one who will: under this
 * lock the memory of another process cannot be looked at. A debugger is both.
 */
int receipt_ptrace_traceme(struct task_struct *parent)
{
	return receipt_decide_anon("ptrace_traceme", RECEIPT_ANON_ATOMIC);
}

/* It fills pages of private mappings that nobody has touched yet. */
int receipt_inode_init_security_anon(struct inode *inode,
				     const struct qstr *name,
				     const struct inode *context_inode)
{
	if (strcmp(name->name, "[userfaultfd]"))
		return 0;

	return receipt_decide_anon("inode_init_security_anon",
				   RECEIPT_ANON_SLEEPS);
}

/**
 * receipt_opens_memory - is a file the memory of a process?
 * @file: opened for writing
 *
 * Return: whether it is /proc/PID/mem, also of a thread.
 */
bool receipt_opens_memory(const struct file *file)
{
	return unlikely(file_inode(file)->i_sb->s_magic == PROC_SUPER_MAGIC) &&
	       S_ISREG(file_inode(file)->i_mode) &&
	       !strcmp(file->f_path.dentry->d_name.name, "mem");
}
