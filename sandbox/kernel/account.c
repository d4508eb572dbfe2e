/*
 * account.c - usage of tasks and processes, and the limit of CPU time. See account.h.
 */
#include "sandbox/kernel/account.h"

#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"

#define CPU_CHECK_MIN_NS 1000000ULL

void rusage_add(struct rusage_k *sum, const struct rusage_k *u)
{
	sum->utime_ns += u->utime_ns;
	sum->stime_ns += u->stime_ns;
	sum->minflt += u->minflt;
	sum->majflt += u->majflt;
	sum->nvcsw += u->nvcsw;
	sum->nivcsw += u->nivcsw;
	sum->inblock += u->inblock;
	sum->oublock += u->oublock;
	sum->maxrss_kb = max_t(u64, sum->maxrss_kb, u->maxrss_kb);
}

u64 task_utime(struct task *t)
{
	return t->ut ? uthread_cpu_time(t->ut) : t->usage.utime_ns;
}

/* The rate of the cycle counter is known ever better, never exactly: what was told is not taken back. */
u64 task_stime(struct task *t)
{
	if (t->state == TASK_ALIVE && t->coro)
		t->usage.stime_ns = max_t(u64, t->usage.stime_ns, cycles_to_ns(t->coro->busy_cycles));
	return t->usage.stime_ns;
}

u64 task_cpu_time(struct task *t)
{
	return task_utime(t) + task_stime(t);
}

u64 group_utime(struct thread_group *tg)
{
	u64 sum = tg->dead_threads.utime_ns;
	struct task *t;

	list_for_each_entry (t, &tg->threads, group_node)
		if (t->state == TASK_ALIVE)
			sum += task_utime(t);
	return sum;
}

static u64 group_stime(struct thread_group *tg)
{
	u64 sum = tg->dead_threads.stime_ns;
	struct task *t;

	list_for_each_entry (t, &tg->threads, group_node)
		if (t->state == TASK_ALIVE)
			sum += task_stime(t);
	return sum;
}

u64 group_cpu_time(struct thread_group *tg)
{
	return group_utime(tg) + group_stime(tg);
}

/* ---- usage ---- */

static u64 voluntary_switches(const struct task *t)
{
	return t->coro ? t->coro->sleeps : 0;
}

/* Adds what the host knows of t's stub, or of t alone where it shares the stub with others. */
static void ask_host(struct task *t, bool thread, struct rusage_k *out)
{
	struct host_usage h;
	struct aspace_memory m;

	if (!uthread_usage(t->ut, thread, &h)) {
		out->minflt += h.minflt;
		out->majflt += h.majflt;
		out->nivcsw += h.nivcsw;
		out->maxrss_kb = max_t(u64, out->maxrss_kb, h.maxrss_kb);
	} else if (!thread && !aspace_memory(t->mm->as, &m)) {
		out->maxrss_kb = max_t(u64, out->maxrss_kb, m.peak);
	}
}

void task_usage(struct task *t, struct rusage_k *out)
{
	*out = t->usage;
	out->utime_ns = task_utime(t);
	out->stime_ns = task_stime(t);
	out->nvcsw += voluntary_switches(t);
	if (t->ut && t == current_task())
		ask_host(t, true, out);
}

void group_usage(struct task *self, struct rusage_k *out)
{
	struct thread_group *tg = self->tg;
	struct task *t;

	*out = tg->dead_threads;
	list_for_each_entry (t, &tg->threads, group_node)
		if (t->state == TASK_ALIVE)
			out->nvcsw += voluntary_switches(t);
	out->utime_ns = group_utime(tg);
	out->stime_ns = group_stime(tg);
	ask_host(self, self->mm->users > tg->live, out);
}

static void put_time(s64 tv[2], u64 ns)
{
	tv[0] = (s64)(ns / NSEC_PER_SEC);
	tv[1] = (s64)(ns % NSEC_PER_SEC / 1000);
}

void rusage_to_linux(struct linux_rusage *out, const struct rusage_k *u)
{
	*out = (struct linux_rusage){.maxrss = (s64)u->maxrss_kb,
				     .minflt = (s64)u->minflt,
				     .majflt = (s64)u->majflt,
				     .inblock = (s64)u->inblock,
				     .oublock = (s64)u->oublock,
				     .nvcsw = (s64)u->nvcsw,
				     .nivcsw = (s64)u->nivcsw};
	put_time(out->utime, u->utime_ns);
	put_time(out->stime, u->stime_ns);
}

void io_counts_add(struct io_counts *sum, const struct io_counts *c)
{
	sum->rchar += c->rchar;
	sum->wchar += c->wchar;
	sum->syscr += c->syscr;
	sum->syscw += c->syscw;
}

void account_exit(struct task *t)
{
	struct thread_group *tg = t->tg;

	if (t->ut && t->mm && tg->live == 1)
		ask_host(t, t->mm->users > 1, &tg->dead_threads);
	t->usage.utime_ns = task_utime(t);
	t->usage.stime_ns = task_stime(t);
	t->usage.nvcsw = voluntary_switches(t);
	rusage_add(&tg->dead_threads, &t->usage);
	io_counts_add(&tg->dead_io, &t->io);
	t->io = (struct io_counts){0};
	kernel()->dead_utime += t->usage.utime_ns;
	kernel()->dead_stime += t->usage.stime_ns;
}

/* ---- the machine ---- */

void cpu_time_of_all(u64 *user, u64 *system)
{
	struct task *t;

	*user = kernel()->dead_utime;
	*system = kernel()->dead_stime;
	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->state == TASK_ALIVE) {
			*user += task_utime(t);
			*system += task_stime(t);
		}
}

static u64 tasks_ready(void)
{
	struct task *t;
	u64 n = 0;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		n += t->state == TASK_ALIVE && task_state_letter(t) == 'R';
	return n;
}

#define LOAD_PERIOD_NS (5 * NSEC_PER_SEC)

void load_averages(u64 out[3])
{
	/* e^(-5s/1min), e^(-5s/5min), e^(-5s/15min) */
	static const u64 keep[3] = {60296, 64453, 65173};
	struct kernel *k = kernel();
	u64 now = clock_monotonic(), since = k->load_at_ns ? k->load_at_ns : k->boot_monotonic_ns;
	u64 periods = (now - since) / LOAD_PERIOD_NS, user, system, used, active;

	if (periods) {
		cpu_time_of_all(&user, &system);
		used = user + system > k->load_cpu ? user + system - k->load_cpu : 0;
		active = ((used >> 10) << LOAD_SHIFT) / ((now - since) >> 10);
		if (active >= ((u64)platform_cpu_count() << LOAD_SHIFT) * 9 / 10)
			active = max_t(u64, active, tasks_ready() << LOAD_SHIFT);
		for (u32 i = 0; i < 3; i++)
			for (u64 n = min_t(u64, periods, 2000); n; n--)
				k->load[i] =
				    (k->load[i] * keep[i] + active * ((1UL << LOAD_SHIFT) - keep[i])) >>
				    LOAD_SHIFT;
		k->load_at_ns = since + periods * LOAD_PERIOD_NS;
		k->load_cpu = user + system;
	}
	memcpy(out, k->load, sizeof(k->load));
}

/* ---- RLIMIT_CPU ---- */

static u64 in_ns(u64 seconds)
{
	return seconds > UINT64_MAX / NSEC_PER_SEC ? UINT64_MAX : seconds * NSEC_PER_SEC;
}

static void look_again(struct thread_group *tg, u64 used)
{
	struct rlimit64 *limit = &tg->rlimits[LINUX_RLIMIT_CPU];
	u64 due = in_ns(min_t(u64, limit->cur, limit->max)), left = due > used ? due - used : 0;

	if (due == UINT64_MAX)
		return;
	left = max_t(u64, left / max_t(u32, tg->live, 1), CPU_CHECK_MIN_NS);
	if (timer_arm(&tg->cpu_limit, clock_monotonic() + left))
		klog(LOG_WARN, "no memory to watch a limit of CPU time");
}

/* At the soft limit SIGXCPU, once for every further second; at the hard limit SIGKILL (setrlimit(2)). */
void cpu_limit_fire(struct timer *timer)
{
	struct thread_group *tg = container_of(timer, struct thread_group, cpu_limit);
	struct rlimit64 *limit = &tg->rlimits[LINUX_RLIMIT_CPU];
	u64 used = group_cpu_time(tg);

	if (used >= in_ns(limit->max)) {
		(void)!send_signal_group(tg, LINUX_SIGKILL, NULL);
		return;
	}
	if (used >= in_ns(limit->cur)) {
		(void)!send_signal_group(tg, LINUX_SIGXCPU, NULL);
		limit->cur = used / NSEC_PER_SEC + 1;
	}
	look_again(tg, used);
}

void cpu_limit_changed(struct thread_group *tg)
{
	timer_cancel(&tg->cpu_limit);
	if (tg->rlimits[LINUX_RLIMIT_CPU].cur != UINT64_MAX ||
	    tg->rlimits[LINUX_RLIMIT_CPU].max != UINT64_MAX)
		look_again(tg, group_cpu_time(tg));
}
