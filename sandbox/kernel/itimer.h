/*
 * itimer.h - interval timers (setitimer(2)) and POSIX timers (timer_create(2)).
 */
#ifndef WARREN_KERNEL_ITIMER_H
#define WARREN_KERNEL_ITIMER_H

#include "sandbox/kernel/task.h"

enum { ITIMER_KIND_REAL, ITIMER_KIND_VIRTUAL, ITIMER_KIND_PROF };

/* Time until it fires (0: not armed) and its interval, ns. */
void itimer_get(struct thread_group *tg, int which, u64 *value_ns, u64 *interval_ns);
/* Arms (0 disarms) relative to now. */
int itimer_set(struct thread_group *tg, int which, u64 value_ns, u64 interval_ns) must_check;
/* All timers of the process end (exit). */
void itimers_cancel(struct thread_group *tg);

enum { NOTIFY_SIGNAL, NOTIFY_NONE, NOTIFY_THREAD_ID = 4 };

struct posix_timer_spec {
	int clock;  /* LINUX_CLOCK_* */
	int notify; /* NOTIFY_* */
	int signo;
	u64 value;           /* sigev_value */
	struct task *thread; /* NOTIFY_THREAD_ID: borrowed for the call */
};
/* The id, -EAGAIN, -ENOMEM. */
s64 posix_timer_create(struct thread_group *tg, const struct posix_timer_spec *spec) must_check;
struct posix_timer *posix_timer_find(struct thread_group *tg, s32 id);
void posix_timer_set_value(struct posix_timer *p, u64 value);
void posix_timer_delete(struct posix_timer *p);
void posix_timer_get(struct posix_timer *p, u64 *value_ns, u64 *interval_ns);
/* value 0 disarms; absolute: value is a time of the timer's clock. */
int posix_timer_set(struct posix_timer *p, bool absolute, u64 value_ns, u64 interval_ns) must_check;
int posix_timer_overrun(const struct posix_timer *p);
/* execve(2), exit: all go. */
void posix_timers_free(struct thread_group *tg);
/* The time of a clock now, ns; -EINVAL for one that does not exist. Negative ids are CPU clocks of processes
 * and threads (clock_getcpuclockid(3)). */
int clock_read(int clock, u64 *ns) must_check;

#endif
