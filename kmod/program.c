// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program may do is settled when it is executed: whether it has the right to
 * ANON_EXEC is asked then, since under mmap_lock nobody can be asked. A program
 * whose headers ask for an executable stack needs that right to be executed.
 *
 * Only while a policy rules ANON_EXEC.
 */
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "compat.h"
#include "private.h"

/* The kernel reads no more of program headers, see load_elf_phdrs(). */
#define PHDRS_MAX	PAGE_SIZE

/*
 * Flags of the stack in program headers of one size, of which the last one counts;
 * @flags where there are none. PF_X, too, for what cannot be read.
 */
static u32 stack_flags(struct file *file, loff_t pos, size_t size, u16 n,
		       u32 flags)
{
	const bool wide = size == sizeof(struct elf64_phdr);
	const size_t step = size;
	u8 *phdrs, *at;

	size *= n;
	/* The kernel does not execute it. */
	if (!size || size > PHDRS_MAX)
		return 0;
	phdrs = kmalloc(size, GFP_KERNEL);
	if (!phdrs || kernel_read(file, phdrs, size, &pos) != size) {
		kfree(phdrs);
		return PF_X;
	}
	for (at = phdrs; n--; at += step)
		if (((struct elf32_phdr *)at)->p_type == PT_GNU_STACK)
			flags = wide ? ((struct elf64_phdr *)at)->p_flags :
				       ((struct elf32_phdr *)at)->p_flags;
	kfree(phdrs);

	return flags;
}

/* A program of this machine: anything else has one that runs in its place. */
static bool is_program(const struct linux_binprm *bprm)
{
	const struct elf64_hdr *elf = (const struct elf64_hdr *)bprm->buf;

	return !memcmp(bprm->buf, ELFMAG, SELFMAG) &&
	       (elf->e_machine == ELF_ARCH || elf->e_machine == EM_386 ||
		elf->e_machine == EM_486);
}

/*
 * Does the kernel give it an executable stack? A 32-bit program that says nothing
 * gets all of its memory executable. Which of the two a file is, the kernel tells by
 * the size of its program headers, and not by e_ident.
 */
static bool wants_executable_stack(const struct linux_binprm *bprm)
{
	const struct elf64_hdr *wide = (const struct elf64_hdr *)bprm->buf;
	const struct elf32_hdr *narrow = (const struct elf32_hdr *)bprm->buf;
	u32 flags = 0;

	if (wide->e_phentsize == sizeof(struct elf64_phdr))
		flags |= stack_flags(bprm->file, wide->e_phoff,
				     sizeof(struct elf64_phdr), wide->e_phnum, 0);
	if (narrow->e_phentsize == sizeof(struct elf32_phdr))
		flags |= stack_flags(bprm->file, narrow->e_phoff,
				     sizeof(struct elf32_phdr), narrow->e_phnum, PF_X);

	return flags & PF_X;
}

/*
 * The rights of a program are those of its content, which must stay what was
 * executed, also where nothing is asked of it to be executed. Else it would put
 * another program's content in its place, and have its rights. The kernel itself
 * keeps writers off the file that it executes, but not off the one below.
 */
static enum receipt_reason keep_content(struct file *file, struct inode *inode)
{
	if (likely(receipt_file_held(file)))
		return RECEIPT_REASON_ALLOWED;
	if (inode != file_inode(file) && !receipt_exe_get(file, inode))
		return RECEIPT_REASON_NO_MEMORY;
	if (receipt_policy_enforces() && !receipt_hold(file))
		return RECEIPT_REASON_OPEN_WRITER;

	return RECEIPT_REASON_ALLOWED;
}

static noinline int settle(struct linux_binprm *bprm)
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

	if (!is_program(bprm))
		return 0;
	req.refuse = keep_content(bprm->file, inode);
	if (req.refuse)
		return receipt_decide(&req);
	if (receipt_state_allows(inode, RECEIPT_OP_SETTLED, NULL))
		return 0;
	if (wants_executable_stack(bprm))
		return receipt_state_allows(inode, RECEIPT_OP_ANON_EXEC, NULL) ?
		       0 : receipt_decide(&req);
	req.quiet = true;
	/* Asked again at the next exec where the content has changed meanwhile. */
	if (receipt_decide(&req) != -EAGAIN)
		receipt_state_note(inode, change, RECEIPT_OP_SETTLED, generation);

	return 0;
}

/**
 * receipt_program_settle - ask for what a program may do beside running
 * @bprm: the program, which may be executed
 *
 * Context: May sleep, hash and ask the helper.
 * Return: 0, also for a program without any right; what receipt_decide() says for
 *	one that wants an executable stack and has no right to it, or that somebody
 *	has open for writing.
 */
int receipt_program_settle(struct linux_binprm *bprm)
{
	/* As at the end of settle(), by what is there for a program in use. */
	if (receipt_file_held(bprm->file) &&
	    receipt_state_allows(file_inode(bprm->file), RECEIPT_OP_SETTLED,
				 NULL))
		return 0;

	return settle(bprm);
}
