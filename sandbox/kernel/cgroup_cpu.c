/*
 * cgroup_cpu.c - CPU time of control groups: what they have used, and cpu.max.
 *
 * Usage is what processes report (account.h): the host's CPU time of their stubs and the sentry's work for
 * them. What a process has used stays with the group in which it used it.
 *
 * A limited group has a budget, `left`, that grows by the quota each period and never beyond quota and burst.
 * A timer looks at the usage when the budget could be used up at the earliest, by as many threads as run on
 * as many CPUs as there are. Once it is gone the group's threads are held at the gate until a period makes it
 * positive. What was used too much by then is owed, so the average is the quota however late the look was.
 * A group that does nothing has no timer; the gate starts it again.
 */
#include "sandbox/kernel/account.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task.h"

#define LOOK_MIN_NS 300000ULL

/* ---- usage ---- */

void cgroup_cpu_join(struct thread_group *tg)
{
	tg->cgroup_user_ns = group_utime(tg);
	tg->cgroup_system_ns = group_cpu_time(tg) - group_utime(tg);
}

static struct cgroup_times used_here(struct thread_group *tg)
{
	u64 user = group_utime(tg), all = group_cpu_time(tg);

	return (struct cgroup_times){
	    .user_ns = user > tg->cgroup_user_ns ? user - tg->cgroup_user_ns : 0,
	    .system_ns = all - user > tg->cgroup_system_ns ? all - user - tg->cgroup_system_ns : 0};
}

void cgroup_cpu_leave(struct thread_group *tg, struct cgroup *c)
{
	struct cgroup_times used = used_here(tg);

	c->cpu.gone_user_ns += used.user_ns;
	c->cpu.gone_system_ns += used.system_ns;
}

void cgroup_cpu_usage(struct cgroup *c, struct cgroup_times *out)
{
	struct thread_group *tg;

	*out = (struct cgroup_times){0};
	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));) {
		out->user_ns += at->cpu.gone_user_ns;
		out->system_ns += at->cpu.gone_system_ns;
		list_for_each_entry (tg, &at->members, cgroup_node) {
			struct cgroup_times used = used_here(tg);
			out->user_ns += used.user_ns;
			out->system_ns += used.system_ns;
		}
	}
}

static u64 usage(struct cgroup *c)
{
	struct cgroup_times t;

	cgroup_cpu_usage(c, &t);
	return t.user_ns + t.system_ns;
}

/* ---- the limit ---- */

static u32 running(struct cgroup *c)
{
	struct thread_group *tg;
	struct task *t;
	u32 n = 0;

	for (struct cgroup *at = NULL; (at = cgroup_next(c, at));)
		list_for_each_entry (tg, &at->members, cgroup_node)
			list_for_each_entry (t, &tg->threads, group_node)
				n += t->ut && uthread_running(t->ut);
	return n;
}

static void throttle(struct cgroup *c, u64 now)
{
	c->cpu.throttled = true;
	c->cpu.throttled_since = now;
	cgroup_call_all(c);
}

static void unthrottle(struct cgroup *c, u64 now)
{
	if (!c->cpu.throttled)
		return;
	c->cpu.throttled = false;
	c->cpu.throttled_ns += now - c->cpu.throttled_since;
	cgroup_gate_open(c);
}

/* Periods that have passed since the last look give their quota. */
static void refill(struct cgroup_cpu *cpu, u64 now)
{
	u64 n;
	s64 most = (s64)(cpu->quota_ns + cpu->burst_ns);

	if (now < cpu->period_end)
		return;
	n = (now - cpu->period_end) / cpu->period_ns + 1;
	cpu->period_end += n * cpu->period_ns;
	cpu->periods += n;
	if (cpu->throttled)
		cpu->throttled_periods += n;
	/* beyond what fills the budget, periods add nothing */
	for (; n && cpu->left_ns < most; n--) {
		if (cpu->left_ns > (s64)cpu->quota_ns)
			cpu->bursts++;
		cpu->left_ns = min_t(s64, cpu->left_ns + (s64)cpu->quota_ns, most);
	}
}

static void look(struct timer *timer)
{
	struct cgroup *c = container_of(timer, struct cgroup, cpu.timer);
	struct cgroup_cpu *cpu = &c->cpu;
	u64 now = clock_monotonic(), used = usage(c), delta = used > cpu->seen_ns ? used - cpu->seen_ns : 0,
	    next;
	bool new_period = now >= cpu->period_end;
	u32 n;

	cpu->seen_ns = used;
	cpu->left_ns -= (s64)delta;
	refill(cpu, now);
	if (cpu->left_ns > 0)
		unthrottle(c, now);
	else if (!cpu->throttled)
		throttle(c, now);
	n = cpu->throttled ? 0 : min_t(u32, running(c), platform_cpu_count());
	if (new_period && !delta && !n && !cpu->throttled) {
		cpu->active = false; /* idle: until somebody comes to the gate */
		return;
	}
	next = cpu->period_end;
	if (!cpu->throttled)
		next = min_t(u64, next, now + max_t(u64, (u64)cpu->left_ns / max_t(u32, n, 1), LOOK_MIN_NS));
	if (timer_arm(timer, next)) {
		klog(LOG_WARN, "no memory to watch cpu.max of %s", c->name);
		cpu->active = false;
		unthrottle(c, now);
	}
}

void cgroup_cpu_enter(struct cgroup *c)
{
	for (; c; c = c->parent) {
		struct cgroup_cpu *cpu = &c->cpu;
		if (cpu->quota_ns == CGROUP_NO_LIMIT || cpu->active)
			continue;
		cpu->active = true;
		cpu->seen_ns = usage(c);
		cpu->period_end = clock_monotonic() + cpu->period_ns;
		cpu->left_ns = (s64)cpu->quota_ns;
		look(&cpu->timer);
	}
}

void cgroup_cpu_init(struct cgroup *c)
{
	c->cpu.weight = CGROUP_WEIGHT;
	c->cpu.may = CGROUP_MAY_ALL;
	c->cpu.quota_ns = CGROUP_NO_LIMIT;
	c->cpu.period_ns = 100000000;
	timer_init(&c->cpu.timer, look);
}

void cgroup_cpu_end(struct cgroup *c)
{
	timer_cancel(&c->cpu.timer);
	c->cpu.active = false;
	if (c->cpu.quota_ns != CGROUP_NO_LIMIT)
		cgroup_gates_change(c, -1);
	c->cpu.quota_ns = CGROUP_NO_LIMIT;
	unthrottle(c, clock_monotonic());
}

void cgroup_cpu_set_max(struct cgroup *c, u64 quota_ns, u64 period_ns)
{
	cgroup_cpu_end(c);
	c->cpu.period_ns = period_ns;
	if (quota_ns == CGROUP_NO_LIMIT)
		return;
	c->cpu.quota_ns = quota_ns;
	c->cpu.burst_ns = min_t(u64, c->cpu.burst_ns, quota_ns);
	cgroup_gates_change(c, 1);
	/* whoever runs now does not come to the gate by itself */
	cgroup_call_all(c);
	cgroup_cpu_enter(c);
}
