/*
 * stub_entry.S - what cannot be C in the stub: the entry of the zygote, the memory thread, the start of guest
 * threads, copies that may fault.
 *
 * The memory thread keeps all its state in registers and reads only pages that are read-only in the stub (request
 * page, glob page), because the guest threads beside it can write everything else. It has all signals blocked and
 * a descriptor table of its own. ebx = last request served, r12 = request page, r13 = result page (written, never
 * read), r14 = index of the call.
 */
#include "sandbox/platform/stub_abi.h"

#define NR_read 0
#define NR_write 1
#define NR_mmap 9
#define NR_munmap 11
#define NR_rt_sigreturn 15
#define NR_clone 56
#define NR_exit 60
#define NR_prctl 157
#define NR_futex 202
#define NR_seccomp 317
#define NR_close_range 436

	.section .text.first,"ax"
	syscall			/* STUB_BASE: what tests/security jumps to; no secret, the filter is the guard */
	ret

	.text
	.globl _start, restorer, signal_entry, copy_begin, copy_end, copy_fault
	.globl copy_bytes, copy_string, compare_exchange, spawn_thread

_start:
	mov %rsp, %rdi
	xor %ebp, %ebp
	and $-16, %rsp
	call zygote_setup
	/* No stack from here on: everything that is not ours goes, the vDSO's old place included. */
	xor %edi, %edi
	mov $STUB_BASE, %rsi
	mov $NR_munmap, %eax
	syscall
	mov $(WIN_ADDR + WIN_RW_SIZE), %rdi
	mov $0x7ffffffff000, %rsi
	sub %rdi, %rsi
	mov $NR_munmap, %eax
	syscall
	mov %rax, %r15
	mov $38, %edi		/* PR_SET_NO_NEW_PRIVS */
	mov $1, %esi
	xor %edx, %edx
	xor %r10d, %r10d
	xor %r8d, %r8d
	mov $NR_prctl, %eax
	syscall
	mov $1, %edi		/* SECCOMP_SET_MODE_FILTER; the program lies in slot 0's bounce area */
	xor %esi, %esi
	mov $(WIN_ADDR + SLOT_BOUNCE), %rdx
	mov $NR_seccomp, %eax
	syscall
	mov $(WIN_ADDR + SLOT_RESULT), %r13
	mov %rax, RESULT_O_RET(%r13)
	mov %r15, RESULT_O_RET+8(%r13)
	xor %ebx, %ebx
	jmp window_up

/* ---- the memory thread ---- */
memory_thread:
	mov $REQ_ADDR, %r12
	mov $(WIN_ADDR + SLOT_RESULT), %r13
	mov $GLOB_ADDR, %rcx
	mov GLOB_O_MT_SPIN(%rcx), %r15d
1:	mov (%r12), %eax
	cmp %ebx, %eax
	jne serve
	pause
	dec %r15d
	jns 1b
	mov %r12, %rdi
	xor %esi, %esi		/* FUTEX_WAIT on the shared page */
	mov %ebx, %edx
	xor %r10d, %r10d
	mov $NR_futex, %eax
	syscall
	jmp memory_thread

serve:	mov %eax, %ebx
	xor %r14d, %r14d
next_call:
	cmp REQ_O_COUNT(%r12), %r14d
	jae served
	cmp $REQ_CALL_COUNT, %r14d
	jae served
	mov %r14, %rbp
	shl $6, %rbp
	lea REQ_O_CALLS(%r12,%rbp), %rbp
	mov (%rbp), %rax
	mov 8(%rbp), %rdi
	mov 16(%rbp), %rsi
	mov 24(%rbp), %rdx
	mov 32(%rbp), %r10
	mov 40(%rbp), %r8
	mov 48(%rbp), %r9
	cmp $NR_clone, %eax
	je do_clone
	syscall
call_done:
	mov %rax, RESULT_O_RET(%r13,%r14,8)
	inc %r14d
	jmp next_call
served:	mov %ebx, (%r13)
ring:	mfence
	mov $GLOB_ADDR, %rcx
	cmpl $0, GLOB_O_SLEEPING(%rcx)
	je memory_thread
	xor %edi, %edi		/* STUB_FD_BELL */
	lea one(%rip), %rsi
	mov $8, %edx
	mov $NR_write, %eax
	syscall
	jmp memory_thread

do_clone:
	cmp $CLONE_FLAGS_FORK, %edi
	jne first_thread
	mov REQ_O_CHILD(%r12), %r15
	syscall
	test %rax, %rax
	jnz call_done
	/* The child: its own window over the parent's, then it says who it is. */
	mov %r12, %rdi
	mov $4096, %esi
	mov $1, %edx		/* PROT_READ */
	mov $0x11, %r10d	/* MAP_SHARED|MAP_FIXED */
	mov $STUB_FD_CONTROL, %r8d
	mov %r15, %r9
	mov $NR_mmap, %eax
	syscall
	cmp %rdi, %rax
	jne die
	mov $WIN_ADDR, %rdi
	mov $WIN_RW_SIZE, %esi
	mov $3, %edx
	mov $0x11, %r10d
	mov $STUB_FD_CONTROL, %r8d
	lea WIN_RW(%r15), %r9
	mov $NR_mmap, %eax
	syscall
	cmp %rdi, %rax
	jne die
	xor %ebx, %ebx
	/* A stub's window is in place: identify, start the first guest thread if one is wanted, report. */
window_up:
	mov $REQ_ADDR, %r12
	mov $(WIN_ADDR + SLOT_RESULT), %r13
	mov $STUB_FD_SOCKET, %edi	/* eight read-only bytes; the kernel adds our pid and pidfd */
	lea REQ_O_NONCE(%r12), %rsi
	mov $8, %edx
	mov $NR_write, %eax
	syscall
	movl $1, 4(%r13)
	mov REQ_O_START(%r12), %rbp
	test %rbp, %rbp
	jz ring
	mov $CLONE_FLAGS_FIRST, %edi
	xor %esi, %esi
	lea SLOT_O_LIVE(%rbp), %rdx
	mov %rdx, %r10
	xor %r8d, %r8d
	mov $NR_clone, %eax
	syscall
	test %rax, %rax
	jz start_with_table
	mov %rax, RESULT_O_RET(%r13)
	jmp ring
first_thread:			/* a guest thread; its slot is in the unused sixth argument */
	mov %r9, %rbp
	syscall
	test %rax, %rax
	jnz call_done
start_with_table:		/* rbp = slot. Descriptors are still open: registers only until they are gone */
	mov $1, %edi
	mov $0xffffffff, %esi
	xor %edx, %edx
	mov $NR_close_range, %eax
	syscall
	test %rax, %rax
	jnz die
start_thread:
	lea SLOT_CSTACK_TOP(%rbp), %rsp
	mov %rbp, %rdi
	call thread_wait
	mov SLOT_O_FRAME(%rbp), %rsp
restorer:
	mov $NR_rt_sigreturn, %eax
	syscall
die:	mov $NR_exit, %eax
	syscall
	hlt

/* int64_t spawn_thread(uint64_t slot): a further guest thread, sharing the empty descriptor table. */
spawn_thread:
	push %rbp
	mov %rdi, %rbp
	mov $CLONE_FLAGS_THREAD, %edi
	xor %esi, %esi
	lea SLOT_O_LIVE(%rbp), %rdx
	mov %rdx, %r10
	xor %r8d, %r8d
	mov $NR_clone, %eax
	syscall
	test %rax, %rax
	jz spawned
	pop %rbp
	ret
spawned:			/* all signals are to be blocked until the first rt_sigreturn: they are, in a handler */
	jmp start_thread

signal_entry:
	cld
	jmp trap_handler

/* ---- copies that may fault: the handler moves rip to copy_fault ---- */
copy_begin:
copy_bytes:			/* rdi dst, rsi src, rdx size -> bytes not copied */
	mov %rdx, %rcx
	rep movsb
	mov %rcx, %rax
	ret
copy_string:			/* rdi dst, rsi src, rdx max -> 0 if a NUL was copied */
	mov %rdx, %rcx
1:	mov (%rsi), %al
	mov %al, (%rdi)
	test %al, %al
	jz 2f
	inc %rsi
	inc %rdi
	dec %rcx
	jnz 1b
	mov $1, %eax
	ret
2:	xor %eax, %eax
	ret
compare_exchange:		/* rdi word, esi expected, edx desired, rcx prev -> 0 */
	mov %esi, %eax
	lock cmpxchg %edx, (%rdi)
	mov %eax, (%rcx)
	xor %eax, %eax
	ret
copy_end:
copy_fault:
	mov $1, %eax
	ret

	.section .rodata
one:	.quad 1
	.section .note.GNU-stack,"",@progbits
