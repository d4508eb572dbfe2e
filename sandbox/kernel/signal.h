/*
 * signal.h - signal(7): sending, queues, actions, delivery, stop and continue.
 *
 * A signal is sent to a thread or a thread group and waits in a queue; delivery happens in the task's own
 * coroutine just before it returns to guest code (signal_deliver). Sending never sleeps.
 */
#ifndef WARREN_KERNEL_SIGNAL_H
#define WARREN_KERNEL_SIGNAL_H

#include "sandbox/abi/signal.h"
#include "sandbox/base/list.h"
#include "sandbox/base/object.h"
#include "sandbox/kernel/wait.h"

struct task;
struct thread_group;
struct pid;
struct timer;

/* Internal results, never seen by a guest (restart logic of signal_deliver). */
#define ERESTARTSYS           512 /* restart if SA_RESTART or no handler */
#define ERESTARTNOINTR        513 /* always restart */
#define ERESTARTNOHAND        514 /* restart only if no handler runs */
#define ERESTART_RESTARTBLOCK 516 /* call task->restart.fn through restart_syscall(2) */

typedef u64 sigset64; /* bit n-1 = signal n */
#define sigmask_of(sig) (1ULL << ((sig)-1))
#define SIG_UNBLOCKABLE (sigmask_of(LINUX_SIGKILL) | sigmask_of(LINUX_SIGSTOP))

struct sigqueue { /* one queued signal */
	struct list_head node;
	struct linux_siginfo info;
	struct user *charged; /* RLIMIT_SIGPENDING of the receiver; NULL: a timer's */
};

struct sigpending {
	struct list_head queue; /* struct sigqueue */
	sigset64 set;
};

/* A fork under way: signals that are sent to several processes at once (a group, everybody) meanwhile, and
 * reach the parent, are the child's too, as if the fork took no time. On the forker's stack. */
struct fork_signals {
	struct list_head node; /* thread_group.forks */
	sigset64 set;
};
void fork_signals_begin(struct thread_group *tg, struct fork_signals *f);
/* What the child has pending from its first moment. */
sigset64 fork_signals_end(struct fork_signals *f);

struct sigaction_k {
	u64 handler; /* guest address, or LINUX_SIG_DFL / LINUX_SIG_IGN */
	u64 flags, restorer;
	sigset64 mask;
};

/* The action table, shared by CLONE_SIGHAND. */
struct sighand {
	struct object obj;
	struct sigaction_k action[LINUX_NSIG]; /* index = signal - 1 */
	struct wait_queue signalfd_wait;       /* readers and pollers of signalfds */
};

struct altstack {
	u64 sp, size;
	u32 flags;
};

/* Sends to one thread. info NULL = from the kernel. 0, -EAGAIN (real-time queue full), never sleeps. */
int send_signal_task(struct task *t, int sig, const struct linux_siginfo *info);
/* Sends to a thread group; any thread that does not block it takes it. */
int send_signal_group(struct thread_group *tg, int sig, const struct linux_siginfo *info);
/* The same as one of several receivers: see struct fork_signals. */
int send_signal_one_of_many(struct thread_group *tg, int sig, const struct linux_siginfo *info);
/* To every member of a process group; 0 if at least one got it, else -ESRCH / -EPERM. */
int send_signal_pgrp(struct pid *pgrp, int sig, const struct linux_siginfo *info);
/* For a fault in guest code: as Linux's force_sig_fault, unblockable in effect. */
void force_signal_fault(struct task *t, int sig, int code, u64 addr);
void force_signal_info(struct task *t, const struct linux_siginfo *info);
void force_signal(struct task *t, int sig);
/* SI_USER siginfo filled from the current task (kill, tgkill). */
void siginfo_from_current(struct linux_siginfo *info, int sig, int code);

/* Is there anything to deliver now (unblocked, or a group stop, or a fatal signal)? */
bool signal_pending(struct task *t);
bool fatal_signal_pending(struct task *t);
/* Recomputes and wakes or kicks the task if something is deliverable. */
void signal_wake(struct task *t);
/* The signals a task blocks now. A running one may change them by itself, see uthread_hold_local(). */
sigset64 task_blocked(const struct task *t);
/* Changes the blocked mask of the current task. */
void set_blocked(struct task *t, sigset64 mask);
/* For ppoll, pselect, sigsuspend, epoll_pwait: mask in force until the call's return to guest code. */
void set_temporary_mask(struct task *t, sigset64 mask);

/* sigaction(2) has changed what happens to sig: what is pending and ignored now is dropped. */
void signal_action_changed(struct task *t, int sig);

/* Called before the return to guest code: takes signals, builds frames, stops, ends the task. `from_syscall`:
 * a restart may be needed; ret is the call's result. After it, registers are as the thread shall continue.
 * Does not return if the task dies. [sleeps while stopped] */
void signal_deliver(struct task *t, bool from_syscall, s64 ret);
/* rt_sigreturn: restores registers, mask and vector state from the guest's frame. */
void signal_return(struct task *t);

#endif
