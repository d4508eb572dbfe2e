/*
 * ptrace.h - ptrace(2): what a task has as a tracee and as a tracer, its stops, and who may look into whom.
 *
 * A tracee stops in its own coroutine (ptrace_stop) and is looked at and changed by its tracer's coroutine
 * while it sleeps there. `tracer` is not counted: a tracer that ends lets its tracees go first.
 */
#ifndef WARREN_KERNEL_PTRACE_H
#define WARREN_KERNEL_PTRACE_H

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
	struct list_head node;    /* in tracer->pt.tracees */
	struct list_head tracees; /* of this task as a tracer */
	u32 options;              /* LINUX_PTRACE_O_* */
	bool seized;
	enum ptrace_mode mode; /* how the last request let it go on */
	bool step, step_sysemu;
	bool forced_tf; /* the trap flag is ours, not the guest's */

	/* a stop */
	bool stopped, reported; /* reported: wait(2) has taken it */
	bool listening;         /* PTRACE_LISTEN: stopped, but told of group changes */
	int code;               /* what wait(2) shows as status >> 8 */
	int resume_signal;      /* chosen by the tracer */
	u64 message;            /* PTRACE_GETEVENTMSG */
	u8 syscall_op;          /* PTRACE_SYSCALL_INFO_* of this stop */
	bool has_info;
	struct linux_siginfo info; /* of a signal-delivery or event stop */
	u32 seccomp_data;          /* of a PTRACE_EVENT_SECCOMP stop */

	/* what it shall do at its next chance */
	bool trap_wanted;   /* PTRACE_INTERRUPT, or the first stop of a seized child */
	bool notify_wanted; /* a group stop began or ended while seized */
	bool group_seen;    /* the present group stop has been shown to the tracer */
	u64 syscall_ret;
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

#endif
