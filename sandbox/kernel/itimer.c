/*
 * itimer.c - ITIMER_REAL, ITIMER_VIRTUAL and ITIMER_PROF of a process.
 *
 * The real timer is a timer of the loop. The other two count CPU time, which the host keeps: they are looked
 * at when they could be due at the earliest, that is when all threads have run without a pause, and armed
 * again for what is left.
 */
#include "sandbox/kernel/itimer.h"

#include <errno.h>

#include "sandbox/kernel/account.h"
#include "sandbox/kernel/task_priv.h"

#define CPU_CHECK_MIN_NS 1000000ULL

static struct itimer *itimer_of(struct thread_group *tg, int which)
{
	return which == ITIMER_KIND_REAL      ? &tg->itimer_real
	       : which == ITIMER_KIND_VIRTUAL ? &tg->itimer_virtual
					      : &tg->itimer_prof;
}

static void rearm(struct timer *t, u64 deadline)
{
	if (timer_arm(t, deadline))
		klog(LOG_WARN, "no memory to arm an interval timer");
}

static void real_fire(struct timer *t)
{
	struct itimer *it = container_of(t, struct itimer, timer);

	if (it->interval_ns) {
		u64 now = clock_monotonic(), next = it->due_ns + it->interval_ns;
		if (next <= now) /* behind: expirations that nobody could see are one */
			next += (now - next) / it->interval_ns * it->interval_ns + it->interval_ns;
		it->due_ns = next;
		rearm(t, next);
	} else {
		it->due_ns = 0;
	}
	(void)!send_signal_group(it->tg, LINUX_SIGALRM, NULL);
}

/* What the timer counts: user time, or all CPU time. */
static u64 cpu_now(const struct itimer *it)
{
	return it == &it->tg->itimer_virtual ? group_utime(it->tg) : group_cpu_time(it->tg);
}

/* How soon the CPU clock of tg could have advanced by `ns`. */
static u64 earliest(struct thread_group *tg, u64 ns)
{
	return clock_monotonic() + max_t(u64, ns / max_t(u32, tg->live, 1), CPU_CHECK_MIN_NS);
}

static void cpu_fire(struct timer *t)
{
	struct itimer *it = container_of(t, struct itimer, timer);
	u64 now = cpu_now(it);
	int sig = it == &it->tg->itimer_prof ? LINUX_SIGPROF : LINUX_SIGVTALRM;

	if (now < it->due_ns) {
		rearm(t, earliest(it->tg, it->due_ns - now));
		return;
	}
	it->due_ns = it->interval_ns ? now + it->interval_ns : 0;
	if (it->due_ns)
		rearm(t, earliest(it->tg, it->interval_ns));
	(void)!send_signal_group(it->tg, sig, NULL);
}

void itimer_init(struct thread_group *tg)
{
	for (int i = ITIMER_KIND_REAL; i <= ITIMER_KIND_PROF; i++) {
		struct itimer *it = itimer_of(tg, i);
		it->tg = tg;
		timer_init(&it->timer, i == ITIMER_KIND_REAL ? real_fire : cpu_fire);
	}
}

void itimers_cancel(struct thread_group *tg)
{
	for (int i = ITIMER_KIND_REAL; i <= ITIMER_KIND_PROF; i++)
		timer_cancel(&itimer_of(tg, i)->timer);
}

void itimer_get(struct thread_group *tg, int which, u64 *value_ns, u64 *interval_ns)
{
	struct itimer *it = itimer_of(tg, which);
	u64 now = which == ITIMER_KIND_REAL ? clock_monotonic() : cpu_now(it);

	*value_ns = !it->due_ns ? 0 : it->due_ns > now ? it->due_ns - now : 1000;
	*interval_ns = it->interval_ns;
}

int itimer_set(struct thread_group *tg, int which, u64 value_ns, u64 interval_ns)
{
	struct itimer *it = itimer_of(tg, which);

	timer_cancel(&it->timer);
	it->interval_ns = interval_ns;
	it->due_ns = 0;
	if (!value_ns)
		return 0;
	if (which == ITIMER_KIND_REAL) {
		it->due_ns = clock_monotonic() + value_ns;
		return timer_arm(&it->timer, it->due_ns);
	}
	it->due_ns = cpu_now(it) + value_ns;
	return timer_arm(&it->timer, earliest(tg, value_ns));
}
