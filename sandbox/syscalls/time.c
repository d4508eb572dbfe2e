/*
 * syscalls/time.c - clocks, sleeping, interval timers and POSIX timers.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/kernel/itimer.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

#define SEC_MAX (INT64_MAX / 1000000000 - 1)

static bool ts_valid(const struct linux_timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < (s64)NSEC_PER_SEC;
}

static u64 ts_ns(const struct linux_timespec *ts)
{
	return (u64)min_t(s64, ts->tv_sec, SEC_MAX) * NSEC_PER_SEC + (u64)ts->tv_nsec;
}

static struct linux_timespec ns_ts(u64 ns)
{
	return (struct linux_timespec){(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC)};
}

/* ---- clocks ---- */

s64 sys_clock_gettime(struct task *t, const u64 *a)
{
	struct linux_timespec ts;
	u64 ns;
	int err = clock_read(arg_int(a[0]), &ns);

	if (err)
		return err;
	ts = ns_ts(ns);
	return put_user(&ts, uaddr(a[1]));
}

s64 sys_clock_getres(struct task *t, const u64 *a)
{
	int clock = arg_int(a[0]), err;
	struct linux_timespec ts = {0, clock == 5 || clock == 6 ? 4000000 : 1};
	u64 ns;

	err = clock_read(clock, &ns);
	return err || !a[1] ? err : put_user(&ts, uaddr(a[1]));
}

s64 sys_clock_settime(struct task *t, const u64 *a)
{
	struct linux_timespec ts;

	if (arg_int(a[0]) != 0)
		return -EINVAL;
	if (get_user(&ts, uaddr(a[1])))
		return -EFAULT;
	return ts_valid(&ts) ? -EPERM : -EINVAL; /* the clock is the host's: nobody in a sandbox may set it */
}

s64 sys_gettimeofday(struct task *t, const u64 *a)
{
	u64 ns = clock_realtime();
	s64 tv[2] = {(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000)};
	s32 tz[2] = {0, 0};

	if (a[0] && copy_out(uaddr(a[0]), tv, sizeof(tv)))
		return -EFAULT;
	return a[1] ? copy_out(uaddr(a[1]), tz, sizeof(tz)) : 0;
}

s64 sys_time(struct task *t, const u64 *a)
{
	s64 now = (s64)(clock_realtime() / NSEC_PER_SEC);

	return a[0] && put_user(&now, uaddr(a[0])) ? -EFAULT : now;
}

/* ---- sleeping ---- */

static s64 sleep_until(u64 deadline)
{
	int err = 0;

	while (!err)
		err = sched_sleep(deadline, SLEEP_INTERRUPTIBLE);
	return err == -ETIMEDOUT ? 0 : err;
}

static s64 sleep_relative(struct task *t, u64 deadline, uaddr_t rem);

static s64 sleep_restarted(struct task *t, struct restart_block *rb)
{
	return sleep_relative(t, rb->deadline_ns, rb->user[0]);
}

static s64 sleep_relative(struct task *t, u64 deadline, uaddr_t rem)
{
	s64 ret = sleep_until(deadline);
	u64 now = clock_monotonic();
	struct linux_timespec left = ns_ts(deadline > now ? deadline - now : 0);

	if (!ret)
		return 0;
	if (rem.v && put_user(&left, rem))
		return -EFAULT;
	t->restart = (struct restart_block){.fn = sleep_restarted, .deadline_ns = deadline, .user = {rem}};
	return -ERESTART_RESTARTBLOCK;
}

s64 sys_nanosleep(struct task *t, const u64 *a)
{
	struct linux_timespec ts;

	if (get_user(&ts, uaddr(a[0])))
		return -EFAULT;
	if (!ts_valid(&ts))
		return -EINVAL;
	return sleep_relative(t, clock_monotonic() + ts_ns(&ts), uaddr(a[1]));
}

s64 sys_clock_nanosleep(struct task *t, const u64 *a)
{
	int clock = arg_int(a[0]), err;
	struct linux_timespec ts;
	u64 now, ns;

	if (clock == 3 || clock == 5 || clock == 6 || clock == 4)
		return clock == 3 ? -EINVAL : -EOPNOTSUPP;
	err = clock_read(clock, &now);
	if (err)
		return err;
	if (get_user(&ts, uaddr(a[2])))
		return -EFAULT;
	if (!ts_valid(&ts))
		return -EINVAL;
	ns = ts_ns(&ts);
	if (!(a[1] & 1)) {
		if (clock == 2 || clock < 0) /* CPU time passes at most as fast as there are CPUs */
			return sleep_relative(t, clock_monotonic() + ns / platform_cpu_count(), uaddr(a[3]));
		return sleep_relative(t, clock_monotonic() + ns, uaddr(a[3]));
	}
	if (ns <= now)
		return 0;
	err = (int)sleep_until(clock_monotonic() + (ns - now));
	return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
}

/* ---- interval timers ---- */

struct linux_itimerval {
	s64 interval[2], value[2];
};

static struct linux_itimerval itimerval_of(struct thread_group *tg, int which)
{
	u64 value, interval;

	itimer_get(tg, which, &value, &interval);
	return (struct linux_itimerval){
	    {(s64)(interval / NSEC_PER_SEC), (s64)(interval % NSEC_PER_SEC / 1000)},
	    {(s64)(value / NSEC_PER_SEC), (s64)(value % NSEC_PER_SEC / 1000)}};
}

s64 sys_getitimer(struct task *t, const u64 *a)
{
	struct linux_itimerval out;

	if ((u32)a[0] > 2)
		return -EINVAL;
	out = itimerval_of(t->tg, arg_int(a[0]));
	return put_user(&out, uaddr(a[1]));
}

s64 sys_setitimer(struct task *t, const u64 *a)
{
	struct linux_itimerval in = {0}, out;
	u64 value, interval;
	int err;

	if ((u32)a[0] > 2)
		return -EINVAL;
	if (a[1] && get_user(&in, uaddr(a[1])))
		return -EFAULT;
	if (in.value[0] < 0 || in.interval[0] < 0 || (u64)in.value[1] >= 1000000 ||
	    (u64)in.interval[1] >= 1000000)
		return -EINVAL;
	value = (u64)min_t(s64, in.value[0], SEC_MAX) * NSEC_PER_SEC + (u64)in.value[1] * 1000;
	interval = (u64)min_t(s64, in.interval[0], SEC_MAX) * NSEC_PER_SEC + (u64)in.interval[1] * 1000;
	out = itimerval_of(t->tg, arg_int(a[0]));
	err = itimer_set(t->tg, arg_int(a[0]), value, interval);
	if (err)
		return err;
	return a[2] && put_user(&out, uaddr(a[2])) ? -EFAULT : 0;
}

s64 sys_alarm(struct task *t, const u64 *a)
{
	u64 value, interval;
	int err;

	itimer_get(t->tg, ITIMER_KIND_REAL, &value, &interval);
	err = itimer_set(t->tg, ITIMER_KIND_REAL, (u64)(u32)a[0] * NSEC_PER_SEC, 0);
	if (err)
		return err;
	return (s64)((value + NSEC_PER_SEC / 2) / NSEC_PER_SEC) ?: (value ? 1 : 0);
}

/* ---- POSIX timers ---- */

struct linux_sigevent {
	u64 value;
	s32 signo, notify, tid;
	s32 pad[11];
};
static_assert(sizeof(struct linux_sigevent) == 64, "struct sigevent");

s64 sys_timer_create(struct task *t, const u64 *a)
{
	struct posix_timer_spec spec = {
	    .clock = arg_int(a[0]), .notify = NOTIFY_SIGNAL, .signo = LINUX_SIGALRM};
	struct linux_sigevent ev;
	s32 id32;
	s64 id;
	u64 now;
	int err = clock_read(spec.clock, &now);

	if (err || spec.clock == 4 || spec.clock == 5 || spec.clock == 6)
		return err ? err : -EOPNOTSUPP;
	if (a[1]) {
		if (get_user(&ev, uaddr(a[1])))
			return -EFAULT;
		spec.notify = ev.notify == NOTIFY_THREAD_ID ? NOTIFY_SIGNAL : ev.notify;
		spec.signo = ev.signo;
		spec.value = ev.value;
		if (spec.notify != NOTIFY_SIGNAL && spec.notify != NOTIFY_NONE)
			return -EINVAL;
		if (spec.notify == NOTIFY_SIGNAL && (ev.signo < 1 || ev.signo > LINUX_NSIG))
			return -EINVAL;
		if (ev.notify == NOTIFY_THREAD_ID) {
			spec.thread = task_find(ev.tid);
			if (!spec.thread || spec.thread->tg != t->tg)
				return -EINVAL;
		}
	}
	id = posix_timer_create(t->tg, &spec);
	if (id < 0)
		return id;
	if (!a[1])
		posix_timer_set_value(posix_timer_find(t->tg, (s32)id),
				      (u64)id); /* the default sigev_value */
	id32 = (s32)id;
	if (put_user(&id32, uaddr(a[2]))) {
		posix_timer_delete(posix_timer_find(t->tg, id32));
		return -EFAULT;
	}
	return 0;
}

static struct linux_itimerspec timer_spec(struct posix_timer *p)
{
	u64 value, interval;

	posix_timer_get(p, &value, &interval);
	return (struct linux_itimerspec){ns_ts(interval), ns_ts(value)};
}

s64 sys_timer_settime(struct task *t, const u64 *a)
{
	struct posix_timer *p = posix_timer_find(t->tg, arg_int(a[0]));
	struct linux_itimerspec in, out;
	int err;

	if (!a[2])
		return -EINVAL;
	if (get_user(&in, uaddr(a[2])))
		return -EFAULT;
	if (!p || ((u32)a[1] & ~1U) || !ts_valid(&in.it_value) || !ts_valid(&in.it_interval))
		return -EINVAL;
	out = timer_spec(p);
	err = posix_timer_set(p, a[1] & 1, ts_ns(&in.it_value), ts_ns(&in.it_interval));
	if (err)
		return err;
	return a[3] && put_user(&out, uaddr(a[3])) ? -EFAULT : 0;
}

s64 sys_timer_gettime(struct task *t, const u64 *a)
{
	struct posix_timer *p = posix_timer_find(t->tg, arg_int(a[0]));
	struct linux_itimerspec out;

	if (!p)
		return -EINVAL;
	out = timer_spec(p);
	return put_user(&out, uaddr(a[1]));
}

s64 sys_timer_getoverrun(struct task *t, const u64 *a)
{
	struct posix_timer *p = posix_timer_find(t->tg, arg_int(a[0]));

	return p ? posix_timer_overrun(p) : -EINVAL;
}

s64 sys_timer_delete(struct task *t, const u64 *a)
{
	struct posix_timer *p = posix_timer_find(t->tg, arg_int(a[0]));

	if (!p)
		return -EINVAL;
	posix_timer_delete(p);
	return 0;
}
