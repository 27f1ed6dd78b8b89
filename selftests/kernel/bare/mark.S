/* SPDX-License-Identifier: MIT */
/*
 * A program of seven pages of code, without a library: quickly hashed and started.
 * It ends with GOOD (ALLOWED of probe.h) when each of its pages says so, with EVIL
 * when one does not, and with ASTRAY when it was not started at its entry point.
 * Where /run/mark is, it appends the status to it. Programs with another content
 * are made of it by race.h, which looks for these instructions.
 */
#define GOOD	10
#define EVIL	99
#define ASTRAY	98

	.text
	.globl _start
_start:
	xor	%ebx, %ebx
	.irp	n, 1, 2, 3, 4
	call	page\n
	cmp	$GOOD, %eax
	je	1f
	mov	$EVIL, %ebx
1:
	.endr
	test	%ebx, %ebx
	jne	end
	mov	$GOOD, %ebx
end:
	mov	$2, %eax			/* open */
	lea	file(%rip), %rdi
	mov	$02001, %esi			/* O_WRONLY | O_APPEND */
	syscall
	push	%rbx
	mov	%eax, %edi
	mov	$1, %eax			/* write */
	mov	%rsp, %rsi
	mov	$1, %edx
	syscall
	mov	$60, %eax			/* exit */
	mov	%ebx, %edi
	syscall
file:
	.asciz	"/run/mark"

	.irp	n, 1, 2, 3, 4
	.balign	4096
page\n:
	mov	$GOOD, %eax
	ret
	.endr

	/* Nothing leads here, but an entry point that was changed. */
	.balign	4096
	mov	$ASTRAY, %ebx
	jmp	end

	.section .note.GNU-stack, "", @progbits
