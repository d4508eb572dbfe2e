/*
 * posix_timer.c - timer_create(2) and its calls, and the clocks they and clock_gettime(2) name.
 *
 * A timer has at most one signal queued; what expires meanwhile is counted as overrun. CPU-clock timers are
 * looked at when they could be due at the earliest, as those of itimer.c.
 */
#include <errno.h>

#include "sandbox/kernel/account.h"
#include "sandbox/kernel/itimer.h"
#include "sandbox/kernel/task_priv.h"

#define TIMERS_MAX 65536

struct posix_timer {
	struct list_head node;   /* thread_group.posix_timers */
	struct thread_group *tg; /* borrowed: it owns this */
	struct task *thread;     /* counted, or NULL */
	struct timer timer;
	s32 id;
	int clock, notify, signo;
	u64 value;
	u64 due_ns, interval_ns; /* on the timer's own clock */
	u32 overrun;             /* expirations behind the last signal that was sent */
};

/* ---- clocks ---- */

static bool is_cpu_clock(int clock)
{
	return clock == 2 || clock == 3 || clock < 0;
}

/* Negative ids: ~pid << 3 | (4: one thread) | kind. */
static int cpu_clock_of(int clock, u64 *ns)
{
	s32 pid = ~(clock >> 3);
	struct task *t = pid ? task_find(pid) : current_task();

	if ((clock & 3) == 3 || !t)
		return -EINVAL;
	if (!(clock & 4) && t->tg->leader != t && t->tg != current_task()->tg)
		return -EINVAL; /* a process is named by its leader */
	if (clock & 4) {
		if (t->tg != current_task()->tg)
			return -EINVAL;
		*ns = (clock & 3) == 1 ? task_utime(t) : task_cpu_time(t);
	} else {
		*ns = (clock & 3) == 1 ? group_utime(t->tg) : group_cpu_time(t->tg);
	}
	return 0;
}

int clock_read(int clock, u64 *ns)
{
	switch (clock) {
	case 0: /* REALTIME */
	case 5: /* REALTIME_COARSE */
	case 8: /* REALTIME_ALARM */
		*ns = clock_realtime();
		return 0;
	case 11: /* TAI: without leap seconds told, the same */
		*ns = clock_realtime();
		return 0;
	case 1: /* MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME, BOOTTIME_ALARM */
	case 4:
	case 6:
	case 7:
	case 9:
		*ns = clock_monotonic();
		return 0;
	case 2:
		*ns = group_cpu_time(current_task()->tg);
		return 0;
	case 3:
		*ns = task_cpu_time(current_task());
		return 0;
	default:
		return clock < 0 ? cpu_clock_of(clock, ns) : -EINVAL;
	}
}

/* The timer's own clock, also from the loop where no task is current. */
static u64 timer_now(const struct posix_timer *p)
{
	u64 ns = 0;

	if (p->clock == 2 || (p->clock < 0 && !(p->clock & 4)))
		return group_cpu_time(p->tg);
	if (p->clock == 3 || p->clock < 0)
		return p->thread ? task_cpu_time(p->thread) : group_cpu_time(p->tg);
	return clock_read(p->clock, &ns) ? 0 : ns;
}

/* When to look at it, on the monotonic clock. */
static u64 look_at(const struct posix_timer *p)
{
	u64 now = timer_now(p), left = p->due_ns > now ? p->due_ns - now : 0;

	if (is_cpu_clock(p->clock))
		left = max_t(u64, left / max_t(u32, p->tg->live, 1), 1000000);
	return clock_monotonic() + left;
}

/* ---- firing ---- */

/* The timer's signal that still waits in the queue, or NULL. */
static struct sigqueue *queued(const struct posix_timer *p)
{
	struct sigpending *pending = p->thread ? &p->thread->pending : &p->tg->pending;
	struct sigqueue *q;

	list_for_each_entry (q, &pending->queue, node)
		if (q->info.si_code == LINUX_SI_TIMER && q->info.timer.tid == p->id)
			return q;
	return NULL;
}

static void notify(struct posix_timer *p, u64 missed)
{
	struct linux_siginfo info = {.si_code = LINUX_SI_TIMER};
	struct sigqueue *q;

	if (p->notify == NOTIFY_NONE)
		return;
	q = queued(p);
	if (q) {
		p->overrun = (u32)min_t(u64, p->overrun + missed + 1, INT32_MAX);
		q->info.timer.overrun = (s32)p->overrun;
		return;
	}
	p->overrun = (u32)min_t(u64, missed, INT32_MAX);
	info.timer.tid = p->id;
	info.timer.overrun = (s32)p->overrun;
	info.timer.value = p->value;
	if (p->thread ? send_signal_task(p->thread, p->signo, &info)
		      : send_signal_group(p->tg, p->signo, &info))
		p->overrun++;
}

static void timer_due(struct timer *t)
{
	struct posix_timer *p = container_of(t, struct posix_timer, timer);
	u64 now = timer_now(p), missed = 0;

	if (now < p->due_ns) {
		(void)!timer_arm(t, look_at(p));
		return;
	}
	if (p->interval_ns) {
		missed = (now - p->due_ns) / p->interval_ns;
		p->due_ns += (missed + 1) * p->interval_ns;
		(void)!timer_arm(t, look_at(p));
	} else {
		p->due_ns = 0;
	}
	notify(p, missed);
}

/* ---- the calls ---- */

/* Numbers go up, and come again when all have been used. */
static s32 free_id(struct thread_group *tg)
{
	s32 id;

	do {
		id = tg->next_timer_id;
		tg->next_timer_id = id == INT32_MAX ? 0 : id + 1;
	} while (posix_timer_find(tg, id));
	return id;
}

s64 posix_timer_create(struct thread_group *tg, const struct posix_timer_spec *spec)
{
	struct posix_timer *p;

	if (tg->posix_timer_count >= TIMERS_MAX)
		return -EAGAIN;
	p = knew(struct posix_timer);
	if (!p)
		return -ENOMEM;
	p->tg = tg;
	p->thread = spec->thread ? task_get(spec->thread) : NULL;
	p->clock = spec->clock;
	p->notify = spec->notify;
	p->signo = spec->signo;
	p->id = free_id(tg);
	tg->posix_timer_count++;
	p->value = spec->value;
	timer_init(&p->timer, timer_due);
	list_add_tail(&p->node, &tg->posix_timers);
	return p->id;
}

struct posix_timer *posix_timer_find(struct thread_group *tg, s32 id)
{
	struct posix_timer *p;

	list_for_each_entry (p, &tg->posix_timers, node)
		if (p->id == id)
			return p;
	return NULL;
}

void posix_timer_set_value(struct posix_timer *p, u64 value)
{
	p->value = value;
}

void posix_timer_delete(struct posix_timer *p)
{
	timer_cancel(&p->timer);
	list_del_init(&p->node);
	p->tg->posix_timer_count--;
	task_put(p->thread);
	kfree(p);
}

void posix_timer_get(struct posix_timer *p, u64 *value_ns, u64 *interval_ns)
{
	u64 now = timer_now(p);

	*value_ns = !p->due_ns ? 0 : p->due_ns > now ? p->due_ns - now : 1;
	*interval_ns = p->interval_ns;
}

int posix_timer_set(struct posix_timer *p, bool absolute, u64 value_ns, u64 interval_ns)
{
	timer_cancel(&p->timer);
	p->due_ns = 0;
	p->overrun = 0;
	p->interval_ns = interval_ns;
	if (!value_ns)
		return 0;
	p->due_ns = absolute ? value_ns : timer_now(p) + value_ns;
	return timer_arm(&p->timer, look_at(p));
}

int posix_timer_overrun(const struct posix_timer *p)
{
	return (int)p->overrun;
}

void posix_timers_free(struct thread_group *tg)
{
	while (!list_empty(&tg->posix_timers))
		posix_timer_delete(list_first_entry(&tg->posix_timers, struct posix_timer, node));
	tg->next_timer_id = 0;
}
