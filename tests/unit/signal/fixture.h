/*
 * fixture.h - tasks without guest code: what signal.c asks of the platform, of exits and of parents is noted
 * instead of done.
 */
#ifndef WARREN_TESTS_SIGNAL_FIXTURE_H
#define WARREN_TESTS_SIGNAL_FIXTURE_H

#include <check.h>
#include <errno.h>

#include "sandbox/kernel/sched_priv.h"
#include "sandbox/kernel/task_priv.h"

#define MAX_FRAMES 8

/* What happened since the last reset. */
struct noted {
	struct {
		int sig;
		struct linux_siginfo info;
		u64 handler;
		sigset64 saved, blocked; /* the mask to come back to, the mask before the handler's own */
	} frame[MAX_FRAMES];
	int frames;
	bool exited;     /* the group ended ... */
	int exit_status; /* ... with this wait status */
	int told[8];     /* CLD_* to the parent */
	int told_count;
	struct uregs regs;
	bool regs_set, result_set;
	s64 result;
	int interrupts; /* kicks of running guest code */
};
extern struct noted noted;
/* pgrp_is_orphaned() says this; a frame cannot be written; guest code runs. */
extern bool orphaned, bad_stack, guest_runs;

/* Boots and makes a process of one thread; tg->leader is it. */
struct task *new_process(void);
struct task *new_thread(struct thread_group *tg);
void set_action(struct task *t, int sig, u64 handler, u64 flags, sigset64 mask);
/* signal_deliver() as after a system call with this result / as after guest code ran. */
void deliver(struct task *t, bool from_syscall, s64 ret);
struct linux_siginfo from_user(int sig, int code, u64 value);
void reset(void);

#define HANDLER 0x401000UL

#endif
