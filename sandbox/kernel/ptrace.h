/*
 * ptrace.h - ptrace(2): what a task has as a tracee and as a tracer, its stops, and who may look into whom.
 *
 * A tracee stops in its own coroutine (ptrace_stop) and is looked at and changed by its tracer's coroutine
 * while it sleeps there. `tracer` is not counted: a tracer that ends lets its tracees go first.
 */
#ifndef WARREN_KERNEL_PTRACE_H
#define WARREN_KERNEL_PTRACE_H

#include "sandbox/abi/ptrace.h"
#include "sandbox/abi/signal.h"
#include "sandbox/base/list.h"
#include "sandbox/base/types.h"

struct task;
struct thread_group;
struct mm;
struct wait_args;
struct wait_result;

enum ptrace_mode { PTRACE_RUN, PTRACE_RUN_SYSCALL, PTRACE_RUN_SYSEMU };

struct ptrace_task {
	struct task *tracer;
	struct list_head node;      /* in tracer->pt.tracees */
	struct list_head tracees;   /* of this task as a tracer */
	const struct task *creator; /* the thread that made it: compared only, it may be gone */
	u32 options;                /* LINUX_PTRACE_O_* */
	bool seized;
	enum ptrace_mode mode; /* how the last request let it go on */
	bool step;             /* one instruction only */
	bool forced_tf;        /* the trap flag in its registers is ours, not the guest's */

	/* a stop */
	bool stopped, reported; /* reported: wait(2) has taken it */
	bool listening;         /* PTRACE_LISTEN: stopped, but told of group changes */
	bool exiting;           /* in the stop of PTRACE_EVENT_EXIT: only SIGKILL that comes now counts */
	int code;               /* what wait(2) shows as status >> 8 */
	int why;                /* LINUX_CLD_* */
	int resume_signal;      /* chosen by the tracer */
	u64 message;            /* PTRACE_GETEVENTMSG */
	u8 syscall_op;          /* LINUX_PTRACE_SYSCALL_INFO_* of this stop */
	bool has_info;
	struct linux_siginfo info; /* of every stop but a group stop */

	/* what it shall do at its next chance */
	bool trap_wanted;   /* PTRACE_INTERRUPT, or the first stop of a seized child */
	bool notify_wanted; /* a group stop began or ended while seized */
	bool group_seen;    /* the present group stop has been shown to the tracer */
};

/*
 * Must the kernel see every call of this task? True while it is traced or has a seccomp filter: the platform
 * may then answer nothing in the stub. Whoever changes the answer calls task_sees_changed().
 */
bool task_sees_all_calls(const struct task *t);
void task_sees_changed(struct task *t);
/*
 * Patched call sites (mm/callsite.h) leave registers in the CPU and jumps in the text. For a task whose calls
 * must all be seen this brings all registers into its frame and, if it is traced, the original bytes back
 * into its text. Called at each trap and before signals are delivered, so that stops find everything in
 * place. [sleeps]
 */
void task_show_all(struct task *t);

/* May the current task look into (or attach to) `t`? 0 or -EPERM. As Linux without Yama: the same process, or
 * the same user and the target dumpable, or CAP_SYS_PTRACE. `fsuid`: by file system ids (/proc), else real.
 */
int ptrace_may_access(struct task *t, bool fsuid) must_check;

/* ---- what a task does for its tracer; all of it is nothing for a task that is not traced ---- */

/* Before and after a pending call. enter: true, serve it (it may be another now); false: *ret is its result.
 * Filters of seccomp(2) run in it too. [sleep] */
bool syscall_enter(struct task *t, s64 *ret);
void ptrace_syscall_exit(struct task *t);
/* A signal that was taken from the queue: the signal to deliver instead (*info changed with it), or 0. */
int ptrace_signal(struct task *t, struct linux_siginfo *info);
/* Shows a group stop, PTRACE_INTERRUPT or their end, if that is due: true if it stopped. */
bool ptrace_group_trap(struct task *t);
bool ptrace_group_trap_due(const struct task *t);
/* Around the making of a handler's frame: the step's trap flag is not the guest's; and while stepping, stop
 * at the handler's first instruction. */
void ptrace_handler_begin(struct task *t);
void ptrace_handler_step(struct task *t);
/* After stops the registers say what becomes of an interrupted call. */
void ptrace_reread_result(struct task *t, bool *from_syscall, s64 *ret);
bool ptrace_reread_call(struct task *t, s64 *ret);
/* Makes a call that was not begun look so: the instruction is to be executed yet. */
void ptrace_rewind_call(struct task *t);

bool ptrace_event_enabled(const struct task *t, int event);
void ptrace_event(struct task *t, int event, u64 message);
/* After execve(2): the event, or the SIGTRAP of old. `old_tid`: its id in its own namespace before. */
void ptrace_exec(struct task *t, s32 old_tid);
bool ptrace_forbids_setid(const struct task *t);
bool ptrace_suspends_seccomp(const struct task *t);
/* clone(2): the event that the tracer wants for it, or 0; and the child joins its parent's tracer. */
int ptrace_clone_event(const struct task *parent, u64 flags, int exit_signal);
void ptrace_clone_child(struct task *parent, struct task *child, u64 flags, int event);

/* ---- ends ---- */
void ptrace_link(struct task *t, struct task *tracer);
void ptrace_unlink(struct task *t);
/* A tracer ends: its tracees go on, or die if they shall. */
void ptrace_tracer_exits(struct task *t);
/* A traced task has become a zombie: its tracer is told first. */
void ptrace_notify_exit(struct task *t);
/* Is a zombie still its tracer's, and not its parent's to wait for? */
bool ptrace_holds_zombie(const struct task *t);
bool ptrace_by_own_parent(const struct task *t);

/* ---- wait(2): a tracee of `self` has news: 1 found, 0 there are tracees, -ECHILD none ---- */
int ptrace_look(struct task *self, const struct wait_args *a, struct wait_result *r) must_check;
/* exit.c: a zombie that only its tracer still held. */
void task_release_zombie(struct task *t);

/* ---- the memory of another task: FOLL_FORCE as ptrace(2) and /proc/PID/mem have it. Bytes moved, or
 * -EFAULT. [sleeps] ---- */
s64 ptrace_access_mm(struct mm *mm, u64 addr, void *buf, size_t size, bool write) must_check;

/* ---- requests (ptrace_request.c, ptrace_regs.c) ---- */
int ptrace_traceme(struct task *t) must_check;
int ptrace_attach(struct task *t, bool seize, u64 addr, u64 options) must_check;
/* Any other request for tracee `t`; `data` and `addr` as ptrace(2) has them. [sleeps] */
s64 ptrace_request(struct task *t, u64 request, u64 addr, u64 data) must_check;
s64 ptrace_get_regset(struct task *t, u64 type, u64 iov) must_check;
s64 ptrace_set_regset(struct task *t, u64 type, u64 iov) must_check;
s64 ptrace_get_fpregs(struct task *t, u64 user) must_check;
s64 ptrace_set_fpregs(struct task *t, u64 user) must_check;
s64 ptrace_get_regs(struct task *t, u64 user) must_check;
s64 ptrace_set_regs(struct task *t, u64 user) must_check;
s64 ptrace_peek_user(struct task *t, u64 addr, u64 user) must_check;
s64 ptrace_poke_user(struct task *t, u64 addr, u64 value) must_check;

#endif
