// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program may do is settled when it is executed: whether it has the right to
 * ANON_EXEC is asked then, since under mmap_lock nobody can be asked. A program
 * that gets executable memory by being executed needs that right for it.
 *
 * Only while a policy rules ANON_EXEC.
 */
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/personality.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "hit.h"
#include "private.h"

/* The kernel reads no more of program headers, see load_elf_phdrs(). */
#define PHDRS_MAX	PAGE_SIZE

/**
 * struct segment - what counts of a program header
 * @type: of the header
 * @flags: PF_X and others
 * @more: there is more of it in memory than in the file
 */
struct segment {
	u32 type;
	u32 flags;
	bool more;
};

static struct segment segment_of(const void *phdr, bool wide)
{
	const struct elf64_phdr *w = phdr;
	const struct elf32_phdr *n = phdr;

	if (wide)
		return (struct segment){ w->p_type, w->p_flags,
					 w->p_memsz > w->p_filesz };

	return (struct segment){ n->p_type, n->p_flags,
				 n->p_memsz > n->p_filesz };
}

/*
 * Program headers of one size. Adds to @flags those of what segments have beyond the
 * file, which the kernel maps without a question. @stack: set to those of the stack, of
 * which the last header counts, if any.
 */
static enum receipt_reason add_flags(struct file *file, loff_t pos, size_t size,
				     u16 n, u32 *stack, u32 *flags)
{
	const bool wide = size == sizeof(struct elf64_phdr);
	const size_t step = size;
	struct segment seg;
	u8 *phdrs, *at;
	ssize_t got;

	size *= n;
	/* The kernel does not execute it. */
	if (!size || size > PHDRS_MAX)
		return RECEIPT_REASON_ALLOWED;
	phdrs = kmalloc(size, GFP_KERNEL);
	if (!phdrs)
		return RECEIPT_REASON_NO_MEMORY;
	got = kernel_read(file, phdrs, size, &pos);
	if (got != size) {
		kfree(phdrs);
		return receipt_read_reason(got < 0 ? got : -EIO);
	}
	for (at = phdrs; n--; at += step) {
		seg = segment_of(at, wide);
		if (seg.type == PT_GNU_STACK)
			*stack = seg.flags;
		else if (seg.type == PT_LOAD && seg.more)
			*flags |= seg.flags;
	}
	kfree(phdrs);

	return RECEIPT_REASON_ALLOWED;
}

/* A program of this machine: anything else has one that runs in its place. */
static bool is_program(const void *head)
{
	const struct elf64_hdr *elf = head;

	return !memcmp(head, ELFMAG, SELFMAG) &&
	       (elf->e_machine == ELF_ARCH || elf->e_machine == EM_386 ||
		elf->e_machine == EM_486);
}

/*
 * Does the kernel give it executable memory without a file? @stack: also that, which a
 * loader does not decide on; a 32-bit program that says nothing of it gets all of its
 * memory executable. Which of the two a file is, the kernel tells by the size of its
 * program headers, and not by e_ident.
 */
static enum receipt_reason wants_executable(struct file *file, const void *head,
					    bool stack, bool *wants)
{
	const struct elf64_hdr *wide = head;
	const struct elf32_hdr *narrow = head;
	enum receipt_reason reason = RECEIPT_REASON_ALLOWED;
	u32 flags = 0, of_wide = 0, of_narrow = 0;

	if (wide->e_phentsize == sizeof(struct elf64_phdr))
		reason = add_flags(file, wide->e_phoff, sizeof(struct elf64_phdr),
				   wide->e_phnum, &of_wide, &flags);
	if (narrow->e_phentsize == sizeof(struct elf32_phdr))
		of_narrow = PF_X;
	if (!reason && of_narrow)
		reason = add_flags(file, narrow->e_phoff,
				   sizeof(struct elf32_phdr), narrow->e_phnum,
				   &of_narrow, &flags);
	if (stack)
		flags |= of_wide | of_narrow;
	*wants = flags & PF_X;

	return reason;
}

/*
 * A program of i386 takes over READ_IMPLIES_EXEC from who executes it, and the kernel
 * asks nobody for the memory without a file that its headers want.
 */
static bool takes_over_exec(const struct linux_binprm *bprm)
{
	const struct elf32_hdr *elf = (const struct elf32_hdr *)bprm->buf;

	return current->personality & READ_IMPLIES_EXEC &&
	       elf->e_machine != ELF_ARCH;
}

/*
 * The rights of a program are those of its content, which must stay what was
 * executed, also where nothing is asked of it to be executed. Else it would put
 * another program's content in its place, and have its rights. The kernel itself
 * keeps writers off the file that it executes, but not off the one below.
 */
static enum receipt_reason keep_content(struct file *file, struct inode *inode)
{
	struct receipt_exe *exe;

	if (likely(receipt_file_held(file)))
		return RECEIPT_REASON_ALLOWED;
	if (inode != file_inode(file)) {
		exe = receipt_exe_get(file, inode);
		if (!exe)
			return RECEIPT_REASON_NO_MEMORY;
		receipt_exe_begin(exe);
	}
	if (receipt_policy_enforces() && !receipt_hold(file))
		return RECEIPT_REASON_OPEN_WRITER;

	return RECEIPT_REASON_ALLOWED;
}

/**
 * receipt_program_changed - is the head that was read that of the content?
 * @bprm: the program
 * @inode: its real inode, which was judged
 * @change: of @inode, from before it was judged, so that what is compared is what
 *	was judged
 *
 * The kernel has read the head before it asks, and goes by what it has read. Where
 * files are stacked, who writes below is not stopped meanwhile; and the pages that
 * it came from may be others than those that were hashed.
 *
 * Context: May sleep and read.
 * Return: whether it is another one.
 */
bool receipt_program_changed(const struct linux_binprm *bprm,
			     const struct inode *inode, u64 change)
{
	char head[BINPRM_BUF_SIZE] = {};
	loff_t pos = 0;

	return kernel_read(bprm->file, head, sizeof(head), &pos) < 0 ||
	       memcmp(head, bprm->buf, sizeof(head)) ||
	       receipt_state_change(inode) != change;
}

/* Nobody has compared it where everything may be executed. */
static bool head_is_anothers(const struct linux_binprm *bprm,
			     const struct inode *inode, u64 change)
{
	return inode != file_inode(bprm->file) &&
	       READ_ONCE(receipt_unruled) & BIT(RECEIPT_OP_EXECUTE) &&
	       receipt_program_changed(bprm, inode, change);
}

/**
 * receipt_program_settle - ask for what a program may do beside running
 * @bprm: the program, which may be executed
 *
 * Context: May sleep, hash and ask the helper.
 * Return: 0, also for a program without any right; what receipt_decide() says for
 *	one that would get executable memory and has no right to it, of which that
 *	cannot be told, or that somebody has open for writing.
 */
int receipt_program_settle(struct linux_binprm *bprm)
{
	struct inode *inode = receipt_exe_inode(bprm->file);
	struct receipt_request req = {
		.hook = "bprm_check_security",
		.op = RECEIPT_OP_ANON_EXEC,
		.file = bprm->file,
		.inode = inode,
	};
	u64 generation = READ_ONCE(receipt_generation);
	u64 change = receipt_state_change(inode);
	bool wants;

	if (!is_program(bprm->buf))
		return 0;
	wants = takes_over_exec(bprm);
	req.refuse = keep_content(bprm->file, inode);
	if (!req.refuse && head_is_anothers(bprm, inode, change))
		req.refuse = RECEIPT_REASON_FILE_CHANGED;
	if (req.refuse)
		return receipt_decide(&req);
	if (!wants && receipt_state_allows(inode, RECEIPT_OP_SETTLED, NULL))
		return 0;
	if (!wants)
		req.refuse = wants_executable(bprm->file, bprm->buf, true,
					      &wants);
	if (req.refuse)
		return receipt_decide(&req);
	if (wants)
		return receipt_state_allows(inode, RECEIPT_OP_ANON_EXEC, NULL) ?
		       0 : receipt_decide(&req);
	req.quiet = true;
	/* Asked again at the next exec where the content has changed meanwhile. */
	if (receipt_decide(&req) != -EAGAIN)
		receipt_state_note(inode, change, RECEIPT_OP_SETTLED, generation);

	return 0;
}

/* The kernel takes no loader that is shorter than its header, the smaller of two. */
static enum receipt_reason loader_wants(struct file *file, bool *wants)
{
	struct elf64_hdr head = {};
	loff_t pos = 0;
	ssize_t got = kernel_read(file, &head, sizeof(head), &pos);

	if (got < 0)
		return receipt_read_reason(got);
	if (got < (ssize_t)sizeof(struct elf32_hdr) || !is_program(&head))
		return RECEIPT_REASON_ALLOWED;

	return wants_executable(file, &head, false, wants);
}

/**
 * receipt_program_loader - ask for what a loader gets of the kernel
 * @file: maybe of a loader, which may be executed
 * @inode: its real inode
 *
 * The kernel maps it by its program headers, as it does the program. Its own content
 * needs the right to executable memory that they want.
 *
 * Context: May sleep, hash and ask the helper.
 * Return: 0, or what receipt_decide() says.
 */
int receipt_program_loader(struct file *file, struct inode *inode)
{
	struct receipt_request req = {
		.hook = "file_post_open",
		.op = RECEIPT_OP_ANON_EXEC,
		.file = file,
		.inode = inode,
	};
	u64 generation = READ_ONCE(receipt_generation), change;
	struct receipt_state *state = receipt_state_get(inode);
	bool wants = false;

	change = receipt_state_change(inode);
	if (inode != file_inode(file))
		req.refuse = keep_content(file, inode);
	if (!req.refuse && receipt_state_allows(inode, RECEIPT_OP_LOADER, NULL))
		return 0;
	if (!req.refuse)
		req.refuse = loader_wants(file, &wants);
	if (req.refuse || wants)
		return receipt_decide(&req);
	if (state)
		receipt_state_allow(state, change, RECEIPT_OP_LOADER,
				    generation, false);

	return 0;
}
