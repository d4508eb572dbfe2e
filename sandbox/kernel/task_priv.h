/*
 * task_priv.h - what the files of kernel/ that make, run and end tasks share.
 */
#ifndef WARREN_KERNEL_TASK_PRIV_H
#define WARREN_KERNEL_TASK_PRIV_H

#include "sandbox/kernel/task.h"

enum {
	LINUX_RLIMIT_CPU,
	LINUX_RLIMIT_FSIZE,
	LINUX_RLIMIT_DATA,
	LINUX_RLIMIT_STACK,
	LINUX_RLIMIT_CORE,
	LINUX_RLIMIT_RSS,
	LINUX_RLIMIT_NPROC,
	LINUX_RLIMIT_NOFILE,
	LINUX_RLIMIT_MEMLOCK,
	LINUX_RLIMIT_AS,
	LINUX_RLIMIT_LOCKS,
	LINUX_RLIMIT_SIGPENDING,
	LINUX_RLIMIT_MSGQUEUE,
	LINUX_RLIMIT_NICE,
	LINUX_RLIMIT_RTPRIO,
	LINUX_RLIMIT_RTTIME
};

struct thread_group *tg_new(void);
/* set_tid: as in pid_alloc. */
int task_alloc(struct pid_ns *ns, const s32 *set_tid, u32 set_tid_count, struct task **out) must_check;
/* Links a complete first thread of a process in: from here on it can be seen, signalled and waited for. */
void task_publish(struct task *t, struct thread_group *parent);
/* Credentials with every capability in the user namespace `ns` (stolen), or in a new one. */
int cred_enter_user_ns(const struct cred *old, struct user_ns *ns, struct cred **out) must_check;
int cred_new_user_ns(const struct cred *old, struct cred **out) must_check;
void task_abandon(struct task *t);
/* Counts a new task, whose credentials are set, with its user. -EAGAIN beyond the parent's RLIMIT_NPROC. */
int task_charge_user(struct task *c, const struct task *parent) must_check;
/* It is gone: neither the sandbox's limit nor its user's counts it any more. */
void task_uncount(struct task *t);
void task_main(void *arg);

/* signal.c */
struct sighand *sighand_dup(const struct sighand *old); /* NULL: all default */
struct sighand *sighand_get(struct sighand *s);
void sighand_put(struct sighand *s);
void sigpending_clear(struct sigpending *p);
void sighand_exec(struct sighand *s);
/* Takes the next deliverable signal of the task into *info; 0 if none. */
int signal_dequeue(struct task *t, sigset64 allowed, struct linux_siginfo *info);
/* sigframe.c: arranges for the handler to run. -EFAULT: the guest's stack cannot take the frame. */
int sigframe_setup(struct task *t, int sig, const struct linux_siginfo *info, const struct sigaction_k *act,
		   sigset64 saved_mask) must_check;

/* itimer.c */
void itimer_init(struct thread_group *tg);

/* exit.c */
void child_notify(struct thread_group *tg, int code);
/* A task has ended: the init that waits for the last one may go on. */
void tell_dying_namespaces(struct task *t);
void vfork_release(struct task *t);
void futex_exit(struct task *t);

#endif
