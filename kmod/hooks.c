// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks: each builds a request and makes one call.
 */
#include <linux/binfmts.h>
#include <linux/dcache.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/kernel_read_file.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/xattr.h>

#include "hit.h"
#include "private.h"

/* Set while receipt_attach() proves that hooks are reached. */
static struct task_struct *probe_task;
static bool probe_reached;

/* How a file is judged, beside what it is. */
enum {
	LOCKED = BIT(0),	/* under mmap_lock */
	HOLD = BIT(1),		/* it is closed to writers where it is allowed */
	RECHECK = BIT(2),	/* whatever is known of it, it is hashed */
	ATOMIC = BIT(3),	/* under a spinlock */
	EXECUTED = BIT(4),	/* it is being executed, and not stacked */
};

static noinline int judge_file(const char *hook, struct file *file,
			       struct inode *inode, enum receipt_op op,
			       unsigned int how, enum receipt_reason refuse)
{
	struct receipt_request req = {
		.hook = hook,
		.op = op,
		.file = file,
		.inode = inode,
		.locked = how & LOCKED,
		.hold = how & HOLD,
		.recheck = how & RECHECK,
		.executed = how & EXECUTED,
		.refuse = refuse,
	};

	return receipt_decide(&req);
}

/*
 * Executable memory of no file, ruled by the program that runs. Its file was
 * judged when it was executed, and nobody writes to it while it runs.
 */
static noinline int decide_anon(const char *hook, unsigned int how,
				enum receipt_reason refuse)
{
	struct mm_struct *mm = current->mm;
	struct inode *inode;
	struct file *exe;
	int ret = 0;

	if (READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_ANON_EXEC))
		return 0;
	/* The kernel for itself. */
	if (!mm || current->flags & PF_KTHREAD)
		return 0;

	rcu_read_lock();
	exe = get_file_rcu(&mm->exe_file);
	rcu_read_unlock();
	/* Who executed no file has no rights of one. */
	if (!exe && how & ATOMIC)
		return receipt_late_decide(hook, NULL, NULL);
	if (!exe)
		return judge_file(hook, NULL, NULL, RECEIPT_OP_ANON_EXEC, how,
				  refuse ?: RECEIPT_REASON_UNREADABLE);

	inode = receipt_exe_inode(exe);
	if (!refuse && receipt_state_allows(inode, RECEIPT_OP_ANON_EXEC, NULL))
		receipt_count(RECEIPT_STAT_HITS);
	else if (how & ATOMIC)
		ret = receipt_late_decide(hook, exe, inode);
	else
		ret = judge_file(hook, exe, inode, RECEIPT_OP_ANON_EXEC, how,
				 refuse);
	fput(exe);

	return ret;
}

/**
 * receipt_decide_anon - has the current program the right to ANON_EXEC?
 * @hook: that asks
 * @context: that it is called in
 *
 * Return: what receipt_decide() says, -ERESTARTNOINTR where
 *	RECEIPT_ANON_ATOMIC: see receipt_late_decide().
 */
int receipt_decide_anon(const char *hook, enum receipt_anon_context context)
{
	static const unsigned int how[] = {
		[RECEIPT_ANON_LOCKED] = LOCKED,
		[RECEIPT_ANON_ATOMIC] = ATOMIC,
	};

	return decide_anon(hook, how[context], RECEIPT_REASON_ALLOWED);
}

/*
 * Memory that belongs to no file, though the kernel keeps it as one: nobody has a
 * descriptor of MAP_SHARED | MAP_ANONYMOUS, of SysV shared memory, or of MAP_HUGETLB.
 * The name of a memfd, which may be on hugetlbfs too, begins with "memfd:". And
 * /dev/zero, which hands out such memory.
 */
static noinline bool is_memory(const struct file *file)
{
	const struct inode *inode = file_inode(file);
	const struct super_block *sb = inode->i_sb;

	if (S_ISCHR(inode->i_mode))
		return inode->i_rdev == MKDEV(MEM_MAJOR, 5);
	if (!(sb->s_flags & SB_KERNMOUNT))
		return false;
	if (sb->s_magic == TMPFS_MAGIC)
		return IS_PRIVATE(inode);

	return sb->s_magic == HUGETLBFS_MAGIC &&
	       (IS_PRIVATE(inode) ||
		!strcmp(file->f_path.dentry->d_name.name, "anon_hugepage"));
}

/* A mapping of a file that is not known to be allowed. */
static noinline int judge_mapping(const char *hook, struct file *file,
				  struct inode *inode, unsigned int how,
				  enum receipt_reason refuse)
{
	if (is_memory(file))
		return decide_anon(hook, how & LOCKED, RECEIPT_REASON_ALLOWED);
	if (!(READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_EXECUTE)))
		return judge_file(hook, file, inode, RECEIPT_OP_EXECUTE, how,
				  refuse);
	/* It would have the right to ANON_EXEC that is another content's. */
	if (refuse == RECEIPT_REASON_FILE_CHANGED ||
	    refuse == RECEIPT_REASON_NO_MEMORY)
		return judge_file(hook, file, inode, RECEIPT_OP_ANON_EXEC, how,
				  refuse);

	return 0;
}

/*
 * A request about the content of a file that is run or mapped. Where files are
 * stacked, the real inode is judged, and the backing file is held when it is
 * mapped. A backing file names the path below, which may be stacked again.
 */
static __always_inline int decide_file(const char *hook, struct file *file,
				       unsigned int how,
				       enum receipt_reason refuse)
{
	struct inode *inode = d_real_inode(file->f_path.dentry);
	bool hold = inode == file_inode(file);
	u8 unruled = READ_ONCE(receipt_unruled);

	if (unruled & BIT(RECEIPT_OP_EXECUTE) &&
	    unruled & BIT(RECEIPT_OP_ANON_EXEC))
		return 0;
	if (!refuse && !(how & RECHECK) &&
	    receipt_state_allows(inode, RECEIPT_OP_EXECUTE, hold ? file : NULL)) {
		receipt_count(RECEIPT_STAT_HITS);
		return 0;
	}

	return judge_mapping(hook, file, inode, how | (hold ? HOLD : 0), refuse);
}

/* Does a program run with more rights than who executes it? */
static noinline bool gives_rights(const struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode = d_inode(dentry);

	return inode->i_mode & (S_ISUID | S_ISGID) ||
	       __vfs_getxattr(dentry, inode, XATTR_NAME_CAPS, NULL, 0) > 0;
}

/*
 * Does such a program map a file? It must not be dumped by who executed it. Its
 * own file was hashed a moment ago.
 */
static noinline bool maps_with_rights(const struct file *file)
{
	struct mm_struct *mm = current->mm;

	return mm && !receipt_current_is_dumpable() &&
	       rcu_access_pointer(mm->exe_file) != file;
}

static noinline int judge_program(const struct linux_binprm *bprm,
				  struct inode *inode, unsigned int how)
{
	const char *hook = "bprm_check_security";
	u64 change = receipt_state_change(inode);
	int ret = 0;

	/* Known, but maybe not when the head was read, see RECEIPT_OP_RUN. */
	if (!(how & RECHECK) &&
	    receipt_state_allows(inode, RECEIPT_OP_EXECUTE, bprm->file))
		receipt_count(RECEIPT_STAT_HITS);
	else
		ret = judge_file(hook, bprm->file, inode, RECEIPT_OP_EXECUTE,
				 how | EXECUTED, RECEIPT_REASON_ALLOWED);

	return ret || !receipt_program_changed(bprm, inode, change) ? ret :
	       judge_file(hook, bprm->file, inode, RECEIPT_OP_EXECUTE, how,
			  RECEIPT_REASON_FILE_CHANGED);
}

/*
 * A file of a stacked file system, which is executed: @bprm, or the loader of it.
 * The inode below is what is judged and held, and it must stay the file's.
 */
static noinline int decide_stacked(const char *hook, struct file *file,
				   struct inode *inode, unsigned int how,
				   const struct linux_binprm *bprm)
{
	u64 change = receipt_state_change(inode);
	struct receipt_exe *exe = receipt_exe_get(file, inode);
	enum receipt_reason refuse = RECEIPT_REASON_ALLOWED;
	int ret;

	if (!exe)
		refuse = RECEIPT_REASON_NO_MEMORY;
	else if (exe->inode != inode)
		refuse = RECEIPT_REASON_FILE_CHANGED;
	else
		receipt_exe_begin(exe);

	if (!refuse && !(how & RECHECK) &&
	    receipt_state_allows(inode, RECEIPT_OP_EXECUTE, file)) {
		receipt_count(RECEIPT_STAT_HITS);
	} else {
		ret = judge_file(hook, file, inode, RECEIPT_OP_EXECUTE, how,
				 refuse);
		if (ret || refuse)
			return ret;
	}
	if (!bprm || (!receipt_program_changed(bprm, inode, change) &&
		      d_real_inode(file->f_path.dentry) == inode))
		return 0;

	return judge_file(hook, file, inode, RECEIPT_OP_EXECUTE, how,
			  RECEIPT_REASON_FILE_CHANGED);
}

/* Is it a program of this machine, which no interpreter reads? */
static __always_inline bool runs_itself(const struct linux_binprm *bprm)
{
	const struct elfhdr *elf = (const struct elfhdr *)bprm->buf;

	return !memcmp(elf->e_ident, ELFMAG, SELFMAG) && elf_check_arch(elf);
}

/*
 * What an interpreter reads is closed to writers for as long as somebody runs it,
 * if the verdict names its content.
 */
static noinline int keep_script(const struct linux_binprm *bprm,
				struct inode *inode)
{
	struct file *file = bprm->file;
	struct receipt_exe *exe = receipt_exe_find(file);
	bool held = receipt_file_held(file) || (exe && exe->held);

	if (!receipt_exe_interprets(file, inode))
		goto no_memory;
	if (!held || runs_itself(bprm))
		return 0;
	exe = receipt_exe_get(file, inode);
	if (!exe)
		goto no_memory;
	receipt_exe_hold(exe);
	receipt_exe_begin(exe);

	return 0;

no_memory:
	return judge_file("bprm_check_security", file, inode,
			  RECEIPT_OP_EXECUTE, 0, RECEIPT_REASON_NO_MEMORY);
}

static noinline int decide_program(const struct linux_binprm *bprm,
				   struct inode *inode, unsigned int how)
{
	if (inode != file_inode(bprm->file))
		return decide_stacked("bprm_check_security", bprm->file, inode,
				      how, bprm);

	return judge_program(bprm, inode, how);
}

static int check_program(struct linux_binprm *bprm)
{
	struct inode *inode = d_real_inode(bprm->file->f_path.dentry);
	unsigned int how = HOLD;
	int ret = 0;

	if (READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_EXECUTE))
		return 0;
	if (READ_ONCE(receipt_recheck) && gives_rights(bprm->file))
		how |= RECHECK;
	if (inode == file_inode(bprm->file) && !(how & RECHECK) &&
	    receipt_state_allows(inode, RECEIPT_OP_RUN, bprm->file))
		receipt_count(RECEIPT_STAT_HITS);
	else
		ret = decide_program(bprm, inode, how);
	/* The first file of the exec, and the last one? */
	if (ret || (likely(runs_itself(bprm)) && bprm->interp == bprm->filename))
		return ret;

	return keep_script(bprm, inode);
}

/*
 * What the kernel opens to execute beside the file that it was asked for: the
 * loader that the program names, the interpreter of a script. The kernel reads
 * nothing of it before. A loader is never asked for again, and needs no page of
 * its own that is mapped executable to decide where the program begins. What memory
 * it gets beside its file, its headers say.
 *
 * Nobody else sets the flag, which user space cannot.
 */
int receipt_file_post_open(struct file *file, int mask)
{
	const char *hook = "file_post_open";
	struct inode *inode;
	int ret;

	if (likely(!(file->f_flags & __FMODE_EXEC)) || !current->in_execve)
		return 0;
	inode = d_real_inode(file->f_path.dentry);
	if (inode == file_inode(file) ||
	    READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_EXECUTE))
		ret = decide_file(hook, file, 0, RECEIPT_REASON_ALLOWED);
	else
		ret = decide_stacked(hook, file, inode, HOLD, NULL);
	if (ret || READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_ANON_EXEC) ||
	    (inode == file_inode(file) &&
	     receipt_state_allows(inode, RECEIPT_OP_LOADER, NULL)))
		return ret;

	return receipt_program_loader(file, inode);
}

static __always_inline bool is_stacked(const struct file *file)
{
	const struct dentry *dentry = file->f_path.dentry;

	return dentry->d_flags & DCACHE_OP_REAL ||
	       d_inode(dentry) != file_inode(file);
}

/*
 * What all below would find where there is least to look at: a program of this
 * machine, not stacked, whose rights are settled, and which was not changed since.
 */
static __always_inline bool known_program(const struct linux_binprm *bprm)
{
	const struct inode *inode = file_inode(bprm->file);

	if (bprm->interp != bprm->filename || receipt_exe_any() ||
	    READ_ONCE(receipt_recheck) || is_stacked(bprm->file) ||
	    !runs_itself(bprm) ||
	    !receipt_state_allows(inode, RECEIPT_OP_RUN, bprm->file))
		return false;

	return READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_ANON_EXEC) ||
	       (receipt_file_held(bprm->file) &&
		receipt_state_allows(inode, RECEIPT_OP_SETTLED, NULL));
}

static noinline int decide_exec(struct linux_binprm *bprm)
{
	int ret;

	/* The first file of an exec. */
	if (bprm->interp == bprm->filename)
		receipt_exe_forget();
	ret = check_program(bprm);
	if (ret || READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_ANON_EXEC))
		return ret;

	return receipt_program_settle(bprm);
}

int receipt_bprm_check_security(struct linux_binprm *bprm)
{
	if (unlikely(!known_program(bprm)))
		return decide_exec(bprm);
	receipt_count(RECEIPT_STAT_HITS);

	return 0;
}

static noinline int decide_mmap(struct file *file, unsigned long prot,
				unsigned long flags)
{
	enum receipt_reason refuse = RECEIPT_REASON_ALLOWED;
	bool recheck;

	if (!file)
		return decide_anon("mmap_file", 0, refuse);
	recheck = READ_ONCE(receipt_recheck) && maps_with_rights(file);
	if (unlikely(current->in_execve) && !receipt_exe_unchanged())
		refuse = RECEIPT_REASON_FILE_CHANGED;
	else if ((prot & PROT_WRITE) && (flags & MAP_TYPE) == MAP_PRIVATE)
		refuse = RECEIPT_REASON_WRITE_EXEC;

	return decide_file("mmap_file", file, recheck ? RECHECK : 0, refuse);
}

/*
 * What decide_mmap() would find where there is least to look at: a file that is not
 * stacked, not to be written to, of a program that is not either.
 */
static __always_inline bool known_mmap(struct file *file, unsigned long prot)
{
	if (!file || prot & PROT_WRITE || READ_ONCE(receipt_recheck) ||
	    (current->in_execve && receipt_exe_any()))
		return false;

	return !is_stacked(file) &&
	       receipt_state_allows(file_inode(file), RECEIPT_OP_EXECUTE, file);
}

int receipt_mmap_file(struct file *file, unsigned long reqprot,
		      unsigned long prot, unsigned long flags)
{
	if (!(prot & PROT_EXEC))
		return 0;
	if (likely(known_mmap(file, prot))) {
		receipt_count(RECEIPT_STAT_HITS);
		return 0;
	}

	return decide_mmap(file, prot, flags);
}

int receipt_mmap_backing_file(struct vm_area_struct *vma,
			      struct file *backing_file,
			      struct file *user_file)
{
	enum receipt_reason refuse = RECEIPT_REASON_ALLOWED;

	if (unlikely(receipt_file_is_exe(user_file)))
		refuse = receipt_exe_maps(user_file, backing_file);
	if (!(vma->vm_flags & VM_EXEC) && !refuse)
		return 0;

	return decide_file("mmap_backing_file", backing_file, LOCKED, refuse);
}

/*
 * What is executable stays so and does not become writable. What the kernel maps
 * by itself is executable in every program: the vDSO.
 */
static bool adds_nothing(const struct vm_area_struct *vma, unsigned long prot)
{
	return vma->vm_flags & VM_EXEC &&
	       (vma->vm_flags & VM_WRITE || !(prot & PROT_WRITE));
}

int receipt_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot,
			  unsigned long prot)
{
	enum receipt_reason refuse = RECEIPT_REASON_ALLOWED;

	if (!(prot & PROT_EXEC))
		return 0;
	if (!vma->vm_file || is_memory(vma->vm_file))
		return adds_nothing(vma, prot) ? 0 :
		       decide_anon("file_mprotect", LOCKED, refuse);
	if ((prot & PROT_WRITE) && !(vma->vm_flags & VM_SHARED))
		refuse = RECEIPT_REASON_WRITE_EXEC;
	else if (vma->vm_flags & VM_EXEC)
		return 0;
	else if (vma->anon_vma)
		refuse = RECEIPT_REASON_WRITTEN_EXEC;

	return decide_file("file_mprotect", vma->vm_file, LOCKED, refuse);
}

/* Code that a process hands the kernel is of no file either. */
RECEIPT_BPF_PROG_LOAD(receipt_bpf_prog_load)
{
	return decide_anon("bpf_prog_load", 0, RECEIPT_REASON_ALLOWED);
}

/*
 * Who may exchange the file that a process is said to run, which a user
 * namespace gives to everybody, would be ruled by another program's rights.
 */
int receipt_task_prctl(int option, unsigned long arg2, unsigned long arg3,
		       unsigned long arg4, unsigned long arg5)
{
	int ret = 0;

	if (option == PR_SET_MM &&
	    (arg2 == PR_SET_MM_EXE_FILE || arg2 == PR_SET_MM_MAP))
		ret = decide_anon("task_prctl", 0, RECEIPT_REASON_EXCHANGED);

	return ret ?: -ENOSYS;	/* not ours to do */
}

int receipt_file_open(struct file *file)
{
	if (!(file->f_mode & FMODE_WRITE))
		return 0;
	receipt_state_written(file_inode(file));

	return receipt_opens_memory(file) ?
	       receipt_decide_anon("file_open", RECEIPT_ANON_SLEEPS) : 0;
}

/*
 * As the kernel will ask in a moment, in may_dedupe_file() and before it exchanges
 * anything.
 */
static bool may_dedupe(const struct file *file)
{
	struct mnt_idmap *idmap = file_mnt_idmap(file);
	struct inode *inode = file_inode(file);

	if (IS_IMMUTABLE(inode))
		return false;

	return capable(CAP_SYS_ADMIN) ||
	       vfsuid_eq_kuid(i_uid_into_vfsuid(idmap, inode),
			      current_fsuid()) ||
	       !inode_permission(idmap, inode, MAY_WRITE);
}

/*
 * FIDEDUPERANGE puts other blocks into a file that is open for reading alone. They
 * have been compared, but a page that is pinned changes between that and the
 * exchange. For the time of the call the file is made to have a writer: fput()
 * closes it when the task goes back to user space.
 *
 * Where files are stacked, the file below comes here as well. What a verity file
 * reads is verified.
 */
static noinline int written_by_reader(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct file *writer;

	if (!S_ISREG(inode->i_mode) || IS_VERITY(inode) ||
	    inode != d_real_inode(file->f_path.dentry))
		return 0;
	/* What it asks then may have another answer by then. */
	if (!may_dedupe(file))
		return receipt_policy_enforces() ? -EPERM : 0;
	writer = dentry_open(&file->f_path, O_WRONLY | O_LARGEFILE,
			     current_cred());
	if (!IS_ERR(writer)) {
		fput(writer);
		return 0;
	}
	/* Refused, nothing was exchanged: what is known of the file stays. */
	if (receipt_policy_enforces())
		return PTR_ERR(writer);
	receipt_state_written(inode);

	return 0;
}

int receipt_file_permission(struct file *file, int mask)
{
	if (likely(!(mask & MAY_WRITE) || file->f_mode & FMODE_WRITE))
		return 0;

	return written_by_reader(file);
}

void receipt_file_release(struct file *file)
{
	if (unlikely(receipt_file_is_marked(file)))
		receipt_release(file);
}

int receipt_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			  struct iattr *attr)
{
	if (attr->ia_valid & ATTR_SIZE)
		receipt_state_written(d_inode(dentry));

	return 0;
}

void receipt_inode_free_security(struct inode *inode)
{
	receipt_state_free(inode);
}

static int op_of_read(enum kernel_read_file_id id)
{
	switch (id) {
	case READING_MODULE:
		return RECEIPT_OP_KMODULE;
	case READING_FIRMWARE:
		return RECEIPT_OP_FIRMWARE;
	case READING_KEXEC_IMAGE:
		return RECEIPT_OP_KEXEC_IMAGE;
	case READING_KEXEC_INITRAMFS:
		return RECEIPT_OP_KEXEC_INITRAMFS;
	case READING_X509_CERTIFICATE:
		return RECEIPT_OP_X509_CERT;
	case READING_POLICY:
		return RECEIPT_OP_POLICY;
	default:
		return -1;
	}
}

static int op_of_load(enum kernel_load_data_id id)
{
	BUILD_BUG_ON((int)LOADING_MODULE != (int)READING_MODULE);
	BUILD_BUG_ON((int)LOADING_MAX_ID != (int)READING_MAX_ID);

	return op_of_read((enum kernel_read_file_id)id);
}

/* A request about bytes that the kernel reads or has read itself. */
static int decide_buffer(const char *hook, int op, struct file *file,
			 const void *buf, loff_t size,
			 enum receipt_reason refuse)
{
	struct receipt_request req = {
		.hook = hook,
		.op = op,
		.file = file,
		.buf = buf,
		.size = size,
		.refuse = refuse,
	};

	return op < 0 ? 0 : receipt_decide(&req);
}

int receipt_kernel_read_file(struct file *file, enum kernel_read_file_id id,
			     bool contents)
{
	if (contents)
		return 0;

	return decide_buffer("kernel_read_file", op_of_read(id), file, NULL, 0,
			     RECEIPT_REASON_NO_CONTENTS);
}

int receipt_kernel_post_read_file(struct file *file, char *buf, loff_t size,
				  enum kernel_read_file_id id)
{
	return decide_buffer("kernel_post_read_file", op_of_read(id), file, buf,
			     size, RECEIPT_REASON_ALLOWED);
}

int receipt_kernel_load_data(enum kernel_load_data_id id, bool contents)
{
	if (READ_ONCE(probe_task) == current)
		WRITE_ONCE(probe_reached, true);
	if (contents)
		return 0;

	return decide_buffer("kernel_load_data", op_of_load(id), NULL, NULL, 0,
			     RECEIPT_REASON_NO_CONTENTS);
}

int receipt_kernel_post_load_data(char *buf, loff_t size,
				  enum kernel_load_data_id id,
				  char *description)
{
	return decide_buffer("kernel_post_load_data", op_of_load(id), NULL, buf,
			     size, RECEIPT_REASON_ALLOWED);
}

/**
 * receipt_hooks_reached - does the kernel call our hooks?
 *
 * Context: Bring-up, once.
 * Return: whether a call of an exported security function came through.
 */
bool receipt_hooks_reached(void)
{
	/* An id that no other LSM rules on before the contents are there. */
	WRITE_ONCE(probe_task, current);
	security_kernel_load_data(LOADING_X509_CERTIFICATE, true);
	WRITE_ONCE(probe_task, NULL);

	return READ_ONCE(probe_reached);
}
