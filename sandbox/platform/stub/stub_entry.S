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

#define FIRST_TRIES 200	/* 2 s */
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
	.balign 0x40
	jmp fast_entry		/* STUB_FAST_ENTRY: where trampolines of patched call sites jump to */

	.text
	.globl fast_entry, fast_exit, fast_exit_end, fast_full_trap
	.globl _start, restorer, signal_entry, copy_begin, copy_end, copy_fault
	.globl copy_bytes, copy_string, compare_exchange, spawn_thread, go_on_from

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
	mov GLOB_O_LOOP_CPU(%rcx), %ebp
	rdtscp
	and $0xfff, %ecx	/* our CPU, as Linux keeps it in TSC_AUX */
	inc %ecx
	cmp %ecx, %ebp		/* the sentry's, too: it cannot ask anything before we sleep */
	je 2f
	cmpl $0, REQ_O_REST(%r12)
	je 1f
2:	xor %r15d, %r15d
1:	mov (%r12), %eax
	cmp %ebx, %eax
	jne serve
	pause
	dec %r15d
	jns 1b
	rdtscp
	and $0xfff, %ecx
	inc %ecx
	mov %ecx, RESULT_O_ASLEEP(%r13)
	mfence
	mov %r12, %rdi
	xor %esi, %esi		/* FUTEX_WAIT on the shared page */
	mov %ebx, %edx
	xor %r10d, %r10d
	mov $NR_futex, %eax
	syscall
	movl $0, RESULT_O_ASLEEP(%r13)
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
	mov $FIRST_TRIES, %r15d
1:	mov $CLONE_FLAGS_FIRST, %edi
	xor %esi, %esi
	lea SLOT_O_LIVE(%rbp), %rdx
	mov %rdx, %r10
	xor %r8d, %r8d
	mov $NR_clone, %eax
	syscall
	test %rax, %rax
	jz start_with_table
	jns 2f
	/* No room below the limit of processes: the dead are not reaped yet. Without its thread the stub is of no
	 * use, and nobody would ever hear of it: its end is seen. */
	dec %r15d
	js die
	mov %r12, %rdi
	xor %esi, %esi		/* FUTEX_WAIT */
	mov (%r12), %edx
	lea ten_ms(%rip), %r10
	mov $NR_futex, %eax
	syscall
	jmp 1b
2:	mov %rax, RESULT_O_RET(%r13)
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
	mov SLOT_O_RESUME(%rbp), %rax
	test %rax, %rax
	jnz resume
	lea SLOT_CSTACK_TOP(%rbp), %rsp
	mov %rbp, %rdi
	call thread_wait
	mov SLOT_O_FRAME(%rbp), %rsp
restorer:
	mov $NR_rt_sigreturn, %eax
	syscall
resume:				/* a patched call that was frozen: the stub's frames in the slot stay as they are */
	movq $0, SLOT_O_RESUME(%rbp)
	mov SLOT_O_FS_BASE(%rbp), %rcx
	wrfsbase %rcx
	wrgsbase %rbp
	mov %rax, %rsp
	jmp restorer
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

go_on_from:			/* rdi = a signal frame */
	mov %rdi, %rsp
	jmp restorer

signal_entry:			/* goes on from the frame that the handler returns: the host's, or one made by the sentry */
	cld
	sub $8, %rsp
	call trap_handler
	mov %rax, %rsp
	jmp restorer

/* ---- patched calls ----
 * From a trampoline: eax = number, rcx = address behind a syscall instruction that makes the same call; everything
 * else is the guest's. syscall(2) leaves us rcx and r11. %gs leads to the slot unless the guest has its own use for
 * it: a slot's address has the high word STUB_HIGH_WORD, which no guest address has. That is found out without
 * touching the flags. */
	.macro load_arguments	/* from the fast frame of the slot at rcx */
	mov FRAME_O_GREG(GREG_R8)(%rcx), %r8
	mov FRAME_O_GREG(GREG_R9)(%rcx), %r9
	mov FRAME_O_GREG(GREG_R10)(%rcx), %r10
	mov FRAME_O_GREG(GREG_RDI)(%rcx), %rdi
	mov FRAME_O_GREG(GREG_RSI)(%rcx), %rsi
	mov FRAME_O_GREG(GREG_RDX)(%rcx), %rdx
	.endm
#define SWAPPED_HIGH_WORD 0xfe7f0000	/* STUB_HIGH_WORD, bytes reversed */
fast_entry:
	mov %rcx, %r11
	rdgsbase %rcx
	bswap %rcx
	mov %ecx, %ecx
	lea 0x100000000-SWAPPED_HIGH_WORD(%rcx), %ecx
	jrcxz 1f
	jmp fast_by_syscall
1:	rdgsbase %rcx
	mov %rsp, FRAME_O_GREG(GREG_RSP)(%rcx)
	lea SLOT_CSTACK_TOP(%rcx), %rsp
	pushfq
	push %rcx
	cld
	mov %r8, FRAME_O_GREG(GREG_R8)(%rcx)
	mov %r9, FRAME_O_GREG(GREG_R9)(%rcx)
	mov %r10, FRAME_O_GREG(GREG_R10)(%rcx)
	mov %rdi, FRAME_O_GREG(GREG_RDI)(%rcx)
	mov %rsi, FRAME_O_GREG(GREG_RSI)(%rcx)
	mov %rdx, FRAME_O_GREG(GREG_RDX)(%rcx)
	mov %rax, FRAME_O_GREG(GREG_RAX)(%rcx)
	mov %r11, FRAME_O_GREG(GREG_RIP)(%rcx)
	mov %rcx, %rdi
	call fast_trap
	pop %rcx
	cmp $FAST_SLOW, %eax
	je fast_slow
	cmp $FAST_FULL, %eax
	jne fast_exit
	movl $1, SLOT_O_KICKED(%rcx)
fast_exit:			/* rcx = slot, rsp = CSTACK_TOP - 8. A kick from here to the end begins here again */
	cmpl $0, SLOT_O_KICKED(%rcx)
	jne fast_full
	load_arguments
	mov FRAME_O_GREG(GREG_RAX)(%rcx), %rax
	mov FRAME_O_GREG(GREG_RIP)(%rcx), %r11
	popfq
	mov FRAME_O_GREG(GREG_RSP)(%rcx), %rsp
	jmp *%r11
fast_exit_end:
fast_full:			/* the same way out, but into a trap that makes a full frame */
	load_arguments
	popfq
	mov FRAME_O_GREG(GREG_RSP)(%rcx), %rsp
	mov $NR_FAST_FULL, %eax
	syscall
fast_full_trap:
	hlt
fast_slow:			/* undo, and make the call by the syscall instruction itself */
	load_arguments
	mov FRAME_O_GREG(GREG_RAX)(%rcx), %rax
	mov FRAME_O_GREG(GREG_RIP)(%rcx), %r11
	popfq
	mov FRAME_O_GREG(GREG_RSP)(%rcx), %rsp
fast_by_syscall:
	lea -2(%r11), %r11
	jmp *%r11

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
ten_ms:	.quad 0, 10000000
	.section .note.GNU-stack,"",@progbits
