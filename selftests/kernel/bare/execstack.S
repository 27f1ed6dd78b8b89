/* SPDX-License-Identifier: MIT */
/* Asks for an executable stack, and ends with ALLOWED (probe.h) from there. */
	.text
	.globl _start
_start:
	sub	$64, %rsp
	mov	%rsp, %rdi
	lea	code(%rip), %rsi
	mov	$(end - code), %ecx
	rep movsb
	jmp	*%rsp
code:
	mov	$60, %eax			/* exit */
	mov	$10, %edi
	syscall
end:
	.section .note.GNU-stack, "x", @progbits
