/*
 * syscalls/sched.c - scheduling: yield, affinity, policies and priorities.
 *
 * The host schedules guest threads; what a guest sets is checked, kept and told back as Linux would.
 */
#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

enum { SCHED_OTHER_, SCHED_FIFO_, SCHED_RR_, SCHED_BATCH_, SCHED_IDLE_ = 5, SCHED_DEADLINE_ };
#define SCHED_RESET_ON_FORK 0x40000000
#define CAP_SYS_NICE        23

s64 sys_sched_yield(struct task *t, const u64 *a)
{
	sched_yield_now();
	return 0;
}

static u64 all_cpus(void)
{
	u32 n = platform_cpu_count();

	return n >= 64 ? ~0ULL : (1ULL << n) - 1;
}

static struct task *task_of(struct task *t, u64 pid)
{
	return (s32)pid ? task_find((s32)pid) : t;
}

static bool may_change(const struct task *t, const struct task *other)
{
	return t->cred->euid == other->cred->euid || t->cred->euid == other->cred->uid ||
	       capable(CAP_SYS_NICE);
}

s64 sys_sched_getaffinity(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	u64 mask;

	if ((u32)a[1] < 8 || (u32)a[1] % 8)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	mask = other->cpu_mask & all_cpus();
	return put_user(&mask, uaddr(a[2])) ? -EFAULT : 8;
}

s64 sys_sched_setaffinity(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	u64 mask = 0;

	if (copy_in(&mask, uaddr(a[2]), min_t(u32, (u32)a[1], 8)))
		return -EFAULT;
	if (!other)
		return -ESRCH;
	if (!may_change(t, other))
		return -EPERM;
	if (!(mask & all_cpus()))
		return -EINVAL;
	other->cpu_mask = mask & all_cpus();
	return 0;
}

static int priority_max(int policy)
{
	switch (policy) {
	case SCHED_FIFO_:
	case SCHED_RR_:
		return 99;
	case SCHED_OTHER_:
	case SCHED_BATCH_:
	case SCHED_IDLE_:
	case SCHED_DEADLINE_:
		return 0;
	default:
		return -EINVAL;
	}
}

s64 sys_sched_get_priority_max(struct task *t, const u64 *a)
{
	return priority_max(arg_int(a[0]));
}

s64 sys_sched_get_priority_min(struct task *t, const u64 *a)
{
	int max = priority_max(arg_int(a[0]));

	return max > 0 ? 1 : max;
}

static s64 set_policy(struct task *t, struct task *other, int policy, int priority)
{
	int max = priority_max(policy);

	if (!other)
		return -ESRCH;
	if (max < 0 || policy == SCHED_DEADLINE_ || priority < 0 || priority > max || (max && !priority))
		return -EINVAL;
	if (!may_change(t, other))
		return -EPERM;
	if (max && !capable(CAP_SYS_NICE) && (u64)priority > task_rlimit(other, LINUX_RLIMIT_RTPRIO))
		return -EPERM;
	other->sched_policy = policy;
	other->sched_priority = priority;
	return 0;
}

s64 sys_sched_setscheduler(struct task *t, const u64 *a)
{
	s32 priority;

	if (arg_int(a[0]) < 0 || !a[2])
		return -EINVAL;
	if (get_user(&priority, uaddr(a[2])))
		return -EFAULT;
	return set_policy(t, task_of(t, a[0]), arg_int(a[1]) & ~SCHED_RESET_ON_FORK, priority);
}

s64 sys_sched_setparam(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	s32 priority;

	if (arg_int(a[0]) < 0 || !a[1])
		return -EINVAL;
	if (get_user(&priority, uaddr(a[1])))
		return -EFAULT;
	return set_policy(t, other, other ? other->sched_policy : 0, priority);
}

s64 sys_sched_getscheduler(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);

	return arg_int(a[0]) < 0 ? -EINVAL : other ? other->sched_policy : -ESRCH;
}

s64 sys_sched_getparam(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	s32 priority;

	if (arg_int(a[0]) < 0 || !a[1])
		return -EINVAL;
	if (!other)
		return -ESRCH;
	priority = other->sched_priority;
	return put_user(&priority, uaddr(a[1]));
}

s64 sys_sched_rr_get_interval(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	s64 ts[2] = {0, 0};

	if (arg_int(a[0]) < 0)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	if (other->sched_policy == SCHED_RR_)
		ts[1] = 100000000;
	else if (other->sched_policy != SCHED_FIFO_)
		ts[1] = 4000000;
	return copy_out(uaddr(a[1]), ts, sizeof(ts));
}

struct linux_sched_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};

s64 sys_sched_getattr(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	struct linux_sched_attr at = {.size = sizeof(at)};
	u32 size = (u32)a[2];

	if (!a[1] || arg_int(a[0]) < 0 || size < 48 || size > PAGE_SIZE || a[3])
		return -EINVAL;
	if (!other)
		return -ESRCH;
	at.size = min_t(u32, size, sizeof(at));
	at.policy = (u32)other->sched_policy;
	at.priority = (u32)other->sched_priority;
	at.nice = other->nice;
	at.util_max = 1024;
	return copy_out(uaddr(a[1]), &at, at.size);
}

s64 sys_sched_setattr(struct task *t, const u64 *a)
{
	struct linux_sched_attr at = {0};
	u32 size;

	if (!a[1] || arg_int(a[0]) < 0 || a[2])
		return -EINVAL;
	if (get_user(&size, uaddr(a[1])))
		return -EFAULT;
	if (!size)
		size = 48;
	if (size < 48 || size > PAGE_SIZE)
		return -E2BIG;
	if (copy_in(&at, uaddr(a[1]), min_t(u32, size, sizeof(at))))
		return -EFAULT;
	return set_policy(t, task_of(t, a[0]), (int)at.policy, (int)at.priority);
}

/* ---- nice values ---- */

/* Calls fn for every task that (which, who) of getpriority(2) names; how many. */
static int each_priority(struct task *t, const u64 *a, void (*fn)(struct task *, void *), void *arg)
{
	s32 who = arg_int(a[1]);
	struct task *other;
	struct pid *pgrp;
	int n = 0;

	if ((u32)a[0] > 2)
		return -EINVAL;
	pgrp = arg_int(a[0]) != 1 ? NULL : who ? pid_find(task_pid_ns(t), who) : t->tg->pgrp;
	list_for_each_entry (other, &kernel()->tasks, all_node) {
		bool hit = arg_int(a[0]) == 0 ? other == (who ? task_find(who) : t)
			   : arg_int(a[0]) == 1
			       ? other->tg && pgrp && other->tg->pgrp == pgrp
			       : other->cred && other->cred->uid == (who ? (u32)who : t->cred->uid);
		if (!hit || other->state != TASK_ALIVE)
			continue;
		fn(other, arg);
		n++;
	}
	return n ? n : -ESRCH;
}

static void lowest(struct task *t, void *arg)
{
	int *best = arg;

	*best = max_t(int, *best, 20 - t->nice);
}

s64 sys_getpriority(struct task *t, const u64 *a)
{
	int best = 0, n = each_priority(t, a, lowest, &best);

	return n < 0 ? n : best;
}

struct set_nice {
	struct task *by;
	int nice, err;
};

static void set_nice(struct task *t, void *arg)
{
	struct set_nice *s = arg;

	if (!may_change(s->by, t)) {
		s->err = -EPERM;
	} else if (s->nice < t->nice && !capable(CAP_SYS_NICE) &&
		   (u64)(20 - s->nice) > task_rlimit(t, LINUX_RLIMIT_NICE)) {
		s->err = -EACCES;
	} else {
		t->nice = s->nice;
	}
}

s64 sys_setpriority(struct task *t, const u64 *a)
{
	struct set_nice s = {t, arg_int(a[2]), 0};
	int n;

	s.nice = s.nice < -20 ? -20 : s.nice > 19 ? 19 : s.nice;
	n = each_priority(t, a, set_nice, &s);
	return n < 0 ? n : s.err;
}
