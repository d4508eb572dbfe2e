/*
 * account.h - what tasks have used: CPU time, memory at its peak, faults; and RLIMIT_CPU.
 *
 * User time is the host's CPU time of the stub, shared out among its threads (platform/account.c); it holds
 * the host kernel's work for them (page faults) too. System time is what the sentry's thread has spent on the
 * task's coroutine. Both survive a checkpoint as plain numbers.
 */
#ifndef WARREN_KERNEL_ACCOUNT_H
#define WARREN_KERNEL_ACCOUNT_H

#include "sandbox/abi/resource.h"
#include "sandbox/kernel/task.h"

void rusage_add(struct rusage_k *sum, const struct rusage_k *u);
/* CPU times of a thread and of a process with its ended threads. */
u64 task_utime(struct task *t);
u64 task_stime(struct task *t);
u64 group_utime(struct thread_group *tg);
/* What a thread or process has used up to now; `self`: the host is asked by it about faults and memory.
 * [sleeps] */
void task_usage(struct task *t, struct rusage_k *out);
void group_usage(struct task *self, struct rusage_k *out);
void rusage_to_linux(struct linux_rusage *out, const struct rusage_k *u);
void io_counts_add(struct io_counts *sum, const struct io_counts *c);
/* A thread ends: its usage is final and joins the process's. [sleeps] */
void account_exit(struct task *t);

/* CPU time of all tasks that are and were, ns: never less than before. */
void cpu_time_of_all(u64 *user, u64 *system);
#define LOAD_SHIFT 16
/* The load averages of 1, 5 and 15 minutes, in units of 1 / 2^LOAD_SHIFT. Nobody samples every five seconds,
 * as Linux does, for an idle sandbox sleeps: what was used of the CPUs since somebody last asked stands for
 * the tasks that ran, and where that was all there is, those that are ready to run now. */
void load_averages(u64 out[3]);

/* RLIMIT_CPU was set or inherited: looks at the clock when it could be due at the earliest. */
void cpu_limit_changed(struct thread_group *tg);
void cpu_limit_fire(struct timer *t);

#endif
