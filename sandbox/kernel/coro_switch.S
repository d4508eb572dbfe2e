/*
 * coro_switch.S - the switch between coroutines: callee-saved registers and the floating-point control words, as
 * the System V ABI asks. void coro_switch(void **save_sp, void *load_sp)
 */
	.text
	.globl coro_switch, coro_entry
	.type coro_switch, @function
coro_switch:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	stmxcsr (%rsp)
	fnstcw 4(%rsp)
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	ldmxcsr (%rsp)
	fldcw 4(%rsp)
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size coro_switch, . - coro_switch
	.type coro_entry, @function
coro_entry:			/* a fresh stack returns here: the coroutine is in rbx */
	mov %rbx, %rdi
	xor %ebp, %ebp
	call coro_main
	ud2
	.size coro_entry, . - coro_entry
	.section .note.GNU-stack,"",@progbits
