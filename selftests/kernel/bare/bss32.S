/* SPDX-License-Identifier: MIT */
/*
 * A program for i386 that has memory without a file and no file that it writes to. Ends
 * with ALLOWED (probe.h), with an argument only if that memory is executable.
 */
	.text
	.globl _start
_start:
	cmpl	$1, (%esp)			/* argc */
	je	1f
	mov	$memory, %eax
	movb	$0xc3, (%eax)			/* ret */
	call	*%eax
1:
	mov	$1, %eax			/* exit */
	mov	$10, %ebx
	int	$0x80

	.bss
	.skip	4096
memory:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
