/* SPDX-License-Identifier: MIT */
/* A program for i386 that ends with ALLOWED (probe.h). */
	.text
	.globl _start
_start:
	mov	$1, %eax			/* exit */
	mov	$10, %ebx
	int	$0x80

	.section .note.GNU-stack, "", @progbits
