/* SPDX-License-Identifier: MIT */
/* What hitpath must find: a comment on a label names the fault that follows. */

	.text
no_fault:		/* nothing */
	push %rbx
	mov %rdi, 8(%rsp)
	incq %gs:counter(%rip)
	mov counter(%rip), %rax
	cmpq $0, (%rdi)
	testb $1, 12(%rdi)
	btl $3, (%rdi)
	lea (%rdi), %rax
	pushq (%rdi)
	nopw 0(%rax, %rax, 1)
	jne 1f
	call __fentry__
	call judge_file
1:	pop %rbx
	jmp __x86_return_thunk

fault_lock:		/* locked instruction */
	test %edi, %edi
	je 1f
	lock incq counter(%rip)
1:	ret

fault_lock_percpu:	/* locked instruction */
	lock incq %gs:counter(%rip)
	ret

fault_barrier:		/* locked instruction */
	lock addl $0, -4(%rsp)
	ret

fault_xchg:		/* locked instruction (xchg) */
	xchg %rax, (%rdi)
	ret

fault_store:		/* store to shared memory */
	mov %rax, counter(%rip)
	ret

fault_store_pointer:	/* store to shared memory */
	movl $1, 8(%rdi, %rax, 4)
	ret

fault_increment:	/* store to shared memory */
	incl (%rdi)
	ret

fault_set:		/* store to shared memory */
	sete (%rdi)
	ret

fault_string:		/* store to shared memory */
	rep stosq
	ret

fault_bit:		/* store to shared memory */
	btsl $3, (%rdi)
	ret

fault_lock_call:	/* call of _raw_spin_lock */
	call _raw_spin_lock
	ret

fault_alloc_tail:	/* call of kmem_cache_alloc_noprof */
	jmp kmem_cache_alloc_noprof

fault_computed:		/* call of an address that is computed */
	call *8(%rax)
	ret

fault_deeper:		/* locked instruction */
	call fault_lock
	ret

fault_elsewhere:	/* store to shared memory */
	test %rdi, %rdi
	jne fault_elsewhere_cold
	ret

fault_static_branch:	/* patched when it runs */
2:	nopl 0(%rax, %rax, 1)
	ret
	.pushsection __jump_table, "a"
	.long 2b - ., 2b - .
	.popsection

	.section .text.unlikely, "ax"
fault_elsewhere_cold:
	decq (%rdi)
	ret

	.bss
counter:
	.quad 0

	.section .note.GNU-stack, "", @progbits
