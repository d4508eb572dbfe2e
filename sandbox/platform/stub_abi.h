/*
 * stub_abi.h - the shared-memory ABI between the sentry and its stubs. Included by C and assembly on both
 * sides.
 *
 * A stub is the host process that holds one guest address space. Guest addresses end at STUB_BASE; above it
 * lie, at fixed places in every stub:
 *
 *   STUB_BASE   the stub's text (read-only, sealed where the kernel can)
 *   REQ_ADDR    the request page: written by the sentry, read-only here; orders for the memory thread
 *   GLOB_ADDR   one page for all stubs of the sandbox, read-only here: hints for spinning and sleeping
 *   VDSO_ADDR   the host's vvar and vDSO, moved here
 *   WIN_ADDR    the context slots, read-write, one per guest thread
 *
 * One memfd of the sentry holds a *window* of WIN_SIZE bytes per address space: the request page at offset 0,
 * the slots from WIN_RW on. Whatever lies in slots and the result page can be changed by the guest at any
 * time, also while the sentry looks: each value is read once, checked, and only then used.
 *
 * The life of a slot's state word:
 *     RUN  --stub: trap is described in the slot-->  TRAP  --sentry: answer is in the slot-->  REPLY
 * --stub-->  RUN and, while in TRAP, the sentry may say SLEEP: "this takes long, do not spin". Everything the
 * second half of a trap needs is in the slot and the signal frame: no C stack, no registers. A thread can
 * therefore be continued by another host thread that starts at thread_start (fork, restore).
 */
#ifndef WARREN_PLATFORM_STUB_ABI_H
#define WARREN_PLATFORM_STUB_ABI_H

#define STUB_BASE      0x7ffe00000000
#define STUB_HIGH_WORD 0x7ffe
#define STUB_TEXT_SIZE 0x10000
#define REQ_ADDR       0x7ffe00100000
#define GLOB_ADDR      0x7ffe00110000
#define VDSO_ADDR      0x7ffe00180000
#define VDSO_SPACE     0x40000
#define WIN_ADDR       0x7ffe10000000

#define SLOT_SIZE      0x20000 /* aligned, so that a handler finds its slot by masking its stack pointer */
#define SLOT_COUNT     8192    /* threads of a process that live at once */
#define WIN_RW         0x20000
#define WIN_RW_SIZE    0x40000000 /* SLOT_COUNT * SLOT_SIZE */
#define WIN_SIZE       0x40020000
#define WIN_COUNT      32768          /* address spaces in a sandbox */
#define GLOB_OFFSET    0x200100000000 /* WIN_COUNT * WIN_SIZE */

/* In a slot. The hot pages lie in the first 64 KiB, so that one fault maps them all. */
#define SLOT_FAST_FRAME  0x800  /* a ucontext of general registers: the frame of a patched call */
#define SLOT_CSTACK_TOP  0x3000 /* where C runs when a thread starts */
#define SLOT_RESULT      0x3000 /* slot 0 only: the memory thread's result page */
#define SLOT_ALT_LOW     0x4000 /* the signal stack: frames are written here by the host kernel */
#define SLOT_ALT_TOP     0xc000
#define SLOT_MADE_FRAME  0x4200 /* a frame made by the sentry (new thread, execve) */
#define SLOT_MADE_FP     0x4a00 /* and its vector state, 64-byte aligned */
#define SLOT_BOUNCE      0xc000
#define SLOT_BOUNCE_SIZE 0x14000

/* Descriptors. Guest threads have only the doorbell; the memory thread has a table of its own. */
#define STUB_FD_BELL    0
#define STUB_FD_CONTROL 1 /* the control memfd */
#define STUB_FD_SOCKET  2 /* descriptors from the sentry; proofs of identity to it */
#define STUB_FD_FIRST   3 /* what recvmsg installs */

/* The exact clone flags that the filter lets through. */
#define CLONE_FLAGS_FORK 0x8011 /* CLONE_PARENT | SIGCHLD */
#define CLONE_FLAGS_FIRST                                                                                    \
	0x350b00 /* VM FS SIGHAND THREAD SYSVSEM PARENT_SETTID CHILD_CLEARTID; own descriptor table */
#define CLONE_FLAGS_THREAD                                                                                   \
	0x350f00 /* the same with CLONE_FILES: shares the (empty) table of guest threads                     \
		  */

/* state */
#define SLOT_RUN   0
#define SLOT_TRAP  1
#define SLOT_REPLY 2
#define SLOT_SLEEP 3

/* event: why the thread trapped */
#define EVENT_SYSCALL  1
#define EVENT_FAULT    2
#define EVENT_KICK     3
#define EVENT_DONE     4 /* an operation asked for by OUT_OPERATION is finished */
#define EVENT_FOREIGN  5 /* a system call of another architecture */
#define EVENT_FULL     6 /* the full frame that OUT_FULL asked for */
#define EVENT_UNPUSHED 7 /* what OUT_PUSH asked for could not be written */

/* out_flags: what the thread does with an answer */
#define OUT_RESULT    1   /* put `result` into the frame's rax */
#define OUT_EXIT      2   /* end this host thread */
#define OUT_BASES     4   /* load fs_base and gs_base */
#define OUT_OPERATION 8   /* compare-and-exchange or host call, then report EVENT_DONE */
#define OUT_SPAWN     16  /* start the host thread of slot `spawn` */
#define OUT_STAGED    32  /* copy the staged out-buffers to the guest */
#define OUT_REDO      64  /* a patched call: make it again, with a full frame */
#define OUT_PUT       256 /* write put_value to put_addr, if that can be written */
#define OUT_PUSH      512 /* copy push_size bytes of the bounce area to push_addr: a signal frame */
#define OUT_FULL      128 /* a patched call: it has ended, report EVENT_FULL with a full frame */

/* offsets that assembly uses */
#define SLOT_O_STATE    0x00
#define SLOT_O_LIVE     0x08
#define SLOT_O_FRAME    0x10
#define SLOT_O_KICKED   0x18
#define SLOT_O_FS_BASE  0x28
#define SLOT_O_RESUME   0x38
#define FRAME_O_GREG(n) (SLOT_FAST_FRAME + 40 + 8 * (n))
#define GREG_R8         0
#define GREG_R9         1
#define GREG_R10        2
#define GREG_RDI        8
#define GREG_RSI        9
#define GREG_RDX        12
#define GREG_RAX        13
#define GREG_RSP        15
#define GREG_RIP        16
/* what the fast path's C part decides */
#define FAST_RETURN  0
#define FAST_SLOW    1
#define FAST_FULL    2
#define NR_FAST_FULL 1000 /* no call's number: the filter traps it */
/* an operation that is no host call: what is staged for the guest is copied now */
#define NR_COPY_STAGED 1001
/* Where trampolines of patched call sites jump to; see stub_entry.S. */
#define STUB_FAST_ENTRY (STUB_BASE + 0x40)
#define REQ_O_COUNT     0x04
#define REQ_O_CHILD     0x08
#define REQ_O_NONCE     0x10
#define REQ_O_START     0x18
#define REQ_O_REST      0x28
#define REQ_O_CALLS     0x40
#define REQ_CALL_COUNT  48
#define RESULT_O_ASLEEP 0x08
#define RESULT_O_RET    0x10
#define GLOB_O_SLEEPING 0x00
#define GLOB_O_MT_SPIN  0x08
#define GLOB_O_LOOP_CPU 0x10

/* SIGKILL and SIGSTOP: never in a mask */
#define SIGMASK_NEVER 0x40100UL

/* staging kinds, see syscalls/gen_table.py */
#define STAGE_STR     1
#define STAGE_IN      2
#define STAGE_OUT     3
#define STAGE_INF     4
#define STAGE_OUTF    5
#define STAGE_INA     6 /* arrays: param is the size of an element << 3 | the argument that says how many */
#define STAGE_OUTA    7
#define STAGE_BOTHA   8 /* in and out */
#define STAGE_BOTHF   9
#define STAGE_FDSET   10 /* in and out: bits for as many descriptors as argument `param` says */
#define STAGE_BOTH    (1U << STAGE_BOTHA | 1U << STAGE_BOTHF | 1U << STAGE_FDSET)
#define STAGE_INS     (1U << STAGE_IN | 1U << STAGE_INF | 1U << STAGE_INA | STAGE_BOTH)
#define STAGE_OUTS    (1U << STAGE_OUT | 1U << STAGE_OUTF | 1U << STAGE_OUTA | STAGE_BOTH)
#define STAGE_STR_MAX 4096
#define STAGE_BUF_MAX 0x10000
/* in `staged`: the bounce area begins with the process's rusage, for its account is closed at its end */
#define STAGED_USAGE 0x40
/* rt_sigreturn: it holds the frame, or more than that */
#define STAGED_FRAME      0x80
#define STAGED_FRAME_SIZE 3072
/* exit, exit_group: at this place it has the head of the robust list */
#define STAGED_ROBUST      0x100
#define STAGED_ROBUST_AT   1024
#define STAGED_ROBUST_SIZE 24

#ifndef __ASSEMBLER__

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct stub_copy { /* one system call's row of the copy table */
	uint8_t any;
	uint8_t full; /* the call looks at or changes the caller's registers: never by the fast path */
	uint8_t kind[6];
	uint16_t param[6];
};

struct slot_operation { /* a host call the guest thread makes as the last step of its trap */
	uint64_t nr, arg[6];
};

#define SLOT_OP_MAX 12

struct slot {
	uint32_t state;
	uint32_t asleep; /* 0, or 1 + its CPU: the thread waits in futex(2) on state */
	uint32_t live; /* host thread id; cleared by the host kernel when the thread is gone; 1 = reserved */
	uint32_t event;
	uint64_t frame;    /* stub address of the ucontext of the signal frame */
	uint32_t kicked;   /* a kick came while the stub was in a patched call */
	uint32_t pid, tid; /* answers of getpid and gettid, or 0 */
	uint32_t slow;     /* the sentry wants full frames: patched calls go the slow way */
	uint64_t fs_base, gs_base;
	uint64_t resume; /* a host thread that starts goes on from this signal frame: see freeze.c */
	uint64_t freeze_frame;
	uint32_t frozen; /* the freeze for which it is valid */
	/* Thread state that the stub may change by itself, as long as local_ok is set. A guest that writes
	 * here does no more than the calls would. */
	uint64_t sigmask, robust_list, clear_tid;
	uint32_t local_ok, local_count;
	/* in */
	uint64_t nr, arg[6];
	uint32_t staged; /* bit n: argument n's in-data is in the bounce area; or STAGED_USAGE */
	int32_t signo, code;
	uint32_t foreign_rip; /* counted: calls made from the stub's own text that the filter refused */
	uint64_t fault_addr, error_code, trapno;
	/* out */
	int64_t result;
	uint32_t out_flags, op_count;
	uint64_t spawn; /* stub address of the slot whose thread is to be started */
	struct {
		uint32_t low, high; /* bytes of argument n's staged out-buffer to copy to the guest */
	} out[6];
	uint64_t out_shift; /* what of the STAGE_OUT argument has been copied before, and lies below `out` */
	struct slot_operation op[SLOT_OP_MAX];
	uint64_t cx_addr;
	uint32_t cx_expected, cx_desired, cx_prev;
	int32_t cx_error;
	uint64_t put_addr, push_addr;
	uint32_t put_value, push_size;
	uint32_t cx_nr;    /* not 0: instead, NR_COPY_STAGED, or the host call cx_nr(cx_addr, bounce area) */
	uint32_t ops_done; /* generation of the last completed op list */
	uint32_t ops_generation;
};
static_assert(sizeof(struct slot) <= SLOT_FAST_FRAME, "a slot's head is one page, with the fast frame");
static_assert(offsetof(struct slot, kicked) == SLOT_O_KICKED, "asm");
static_assert(offsetof(struct slot, live) == SLOT_O_LIVE, "asm");
static_assert(offsetof(struct slot, fs_base) == SLOT_O_FS_BASE, "asm");
static_assert(offsetof(struct slot, resume) == SLOT_O_RESUME, "asm");
static_assert(offsetof(struct slot, frame) == SLOT_O_FRAME, "asm");

struct host_call {
	uint64_t nr, arg[6], unused;
};
static_assert(sizeof(struct host_call) == 64, "asm");

struct request { /* the request page */
	uint32_t seq, count;
	uint64_t child_window; /* for fork: offset of the child's window in the control memfd */
	uint64_t nonce; /* this window's own: what its memory thread writes to the socket to say who it is */
	uint64_t start; /* this window's own: slot address of a thread to start at once, or 0 */
	uint64_t vdso_count; /* zygote only: where the host put vvar and vDSO, relative to the vDSO */
	uint32_t rest;       /* not 0: after this request, sleep without spinning */
	uint32_t unused_word;
	uint64_t unused[2];
	struct host_call call[REQ_CALL_COUNT];
	struct {
		int64_t delta;
		uint64_t size;
	} vdso[6];
	char msghdr[256];
};
static_assert(sizeof(struct request) <= 0x1000, "one page");
static_assert(offsetof(struct request, count) == REQ_O_COUNT, "asm");
static_assert(offsetof(struct request, child_window) == REQ_O_CHILD, "asm");
static_assert(offsetof(struct request, nonce) == REQ_O_NONCE, "asm");
static_assert(offsetof(struct request, start) == REQ_O_START, "asm");
static_assert(offsetof(struct request, rest) == REQ_O_REST, "asm");
static_assert(offsetof(struct request, call) == REQ_O_CALLS, "asm");

struct result { /* the result page; forgeable by the guest */
	uint32_t seq, up;
	uint32_t asleep, unused; /* as in a slot */
	int64_t ret[REQ_CALL_COUNT];
	char control[1024]; /* where recvmsg puts control data nobody reads */
	char byte[16];
};
static_assert(offsetof(struct result, asleep) == RESULT_O_ASLEEP, "asm");
static_assert(offsetof(struct result, ret) == RESULT_O_RET, "asm");
static_assert(sizeof(struct result) <= 0x1000, "one page");

struct glob {
	uint32_t sleeping;   /* the sentry sleeps: ring the doorbell */
	uint32_t guest_spin; /* how often a trapped thread looks before it sleeps */
	uint32_t mt_spin;    /* the same for memory threads */
	uint32_t freeze;     /* not 0: the number of the freeze that is on */
	uint32_t loop_cpu;   /* 1 + the CPU where the sentry runs, or waits to run; 0: it sleeps */
};
static_assert(offsetof(struct glob, mt_spin) == GLOB_O_MT_SPIN, "asm");
static_assert(offsetof(struct glob, loop_cpu) == GLOB_O_LOOP_CPU, "asm");

/* Where the call's staged arguments lie in the bounce area: computed alike on both sides from the call's
 * number and arguments alone, so no offset or size is ever taken from shared memory. */
struct stage_layout {
	uint32_t offset[6], size[6];
};
static inline void stage_layout(const struct stub_copy *row, const uint64_t *arg, struct stage_layout *l)
{
	uint32_t at = 0;

	for (int i = 0; i < 6; i++) {
		uint64_t size = 0;
		switch (row->kind[i]) {
		case STAGE_STR:
			size = STAGE_STR_MAX;
			break;
		case STAGE_IN:
		case STAGE_OUT:
			size = arg[row->param[i]];
			break;
		case STAGE_INA:
		case STAGE_OUTA:
		case STAGE_BOTHA:
			size = (uint64_t)(row->param[i] >> 3) * (uint32_t)arg[row->param[i] & 7];
			break;
		case STAGE_FDSET:
			size = ((uint64_t)(uint32_t)arg[row->param[i]] + 63) / 64 * 8;
			break;
		case STAGE_INF:
		case STAGE_OUTF:
		case STAGE_BOTHF:
			size = row->param[i];
			break;
		}
		if (size > STAGE_BUF_MAX)
			size = STAGE_BUF_MAX;
		if (!arg[i])
			size = 0;
		if (at + size > SLOT_BOUNCE_SIZE)
			size = 0;
		l->offset[i] = at;
		l->size[i] = (uint32_t)size;
		at += ((uint32_t)size + 63) & ~63U;
	}
}

#endif
#endif
