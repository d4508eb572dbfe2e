/*
 * syscalls/sched.c - scheduling: yield, affinity, policies and priorities.
 *
 * The host schedules guest threads; what a guest sets is checked, kept, inherited and told back as Linux
 * would (struct sched_params).
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

enum { SCHED_OTHER_, SCHED_FIFO_, SCHED_RR_, SCHED_BATCH_, SCHED_IDLE_ = 5, SCHED_DEADLINE_ };
#define SCHED_RESET_ON_FORK 0x40000000
#define MASK_SIZE           8U

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
	struct task *other = (s32)pid ? task_find((s32)pid) : t;

	return other && other->tg && other->state != TASK_DEAD ? other : NULL;
}

static bool may_change(const struct task *t, const struct task *other)
{
	return t->cred->euid == other->cred->euid || t->cred->euid == other->cred->uid ||
	       ns_capable(other->cred->user_ns, LINUX_CAP_SYS_NICE);
}

/* ---- affinity ---- */

s64 sys_sched_getaffinity(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	u64 mask;

	if ((u32)a[1] * 8 < platform_cpu_count() || (u32)a[1] % sizeof(u64))
		return -EINVAL;
	if (!other)
		return -ESRCH;
	mask = other->cpu_mask & all_cpus();
	return put_user(&mask, uaddr(a[2])) ? -EFAULT : (s64)MASK_SIZE;
}

s64 sys_sched_setaffinity(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	u64 mask = 0;

	if (copy_in(&mask, uaddr(a[2]), min_t(u32, (u32)a[1], MASK_SIZE)))
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

/* ---- policies ---- */

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

static bool may_be_nice(const struct task *other, int nice)
{
	return nice >= other->nice || (u64)(20 - nice) <= task_rlimit(other, LINUX_RLIMIT_NICE);
}

/* sched(7), "Privileges and resource limits", for one without CAP_SYS_NICE. */
static int may_have(const struct task *t, const struct task *other, const struct sched_params *p, int nice)
{
	const struct sched_params *old = &other->sched;
	bool was_fair = priority_max(old->policy) == 0;

	if (ns_capable(other->cred->user_ns, LINUX_CAP_SYS_NICE))
		return 0;
	if (!may_change(t, other))
		return -EPERM;
	if (p->policy == SCHED_DEADLINE_)
		return -EPERM;
	if (priority_max(p->policy) > 0) {
		u64 limit = task_rlimit(other, LINUX_RLIMIT_RTPRIO);
		if (p->policy != old->policy && !limit)
			return -EPERM;
		if (p->priority > old->priority && (u64)p->priority > limit)
			return -EPERM;
	} else if (!may_be_nice(other, nice)) {
		return -EPERM;
	}
	if (old->policy == SCHED_IDLE_ && p->policy != SCHED_IDLE_ && was_fair &&
	    !may_be_nice(other, other->nice - 1) && other->nice > -20)
		return -EPERM;
	return old->reset_on_fork && !p->reset_on_fork ? -EPERM : 0;
}

static int check_deadline(const struct sched_params *p)
{
	u64 period = p->period ? p->period : p->deadline;

	if (!p->deadline || p->runtime < 1024 || (p->deadline | period) >> 63)
		return -EINVAL;
	return p->deadline < p->runtime || period < p->deadline ? -EINVAL : 0;
}

static s64 set_params(struct task *t, struct task *other, struct sched_params *p, int nice)
{
	int max = priority_max(p->policy), err = 0;

	if (!other)
		return -ESRCH;
	if (max < 0 || p->priority < 0 || p->priority > max || (max && !p->priority))
		return -EINVAL;
	if (p->policy == SCHED_DEADLINE_)
		err = check_deadline(p);
	if (!err)
		err = may_have(t, other, p, nice);
	if (err)
		return err;
	if (p->policy != SCHED_DEADLINE_)
		p->runtime = p->deadline = p->period = 0;
	other->sched = *p;
	if (p->policy == SCHED_OTHER_ || p->policy == SCHED_BATCH_)
		other->nice = nice;
	return 0;
}

static s64 set_policy(struct task *t, struct task *other, int policy, bool reset, int priority)
{
	struct sched_params p;

	if (!other)
		return -ESRCH;
	p = other->sched;
	p.policy = policy;
	p.priority = priority;
	p.reset_on_fork = reset;
	if (policy == SCHED_DEADLINE_)
		p.runtime = p.deadline = p.period = 0; /* only sched_setattr(2) can say them */
	return set_params(t, other, &p, other->nice);
}

s64 sys_sched_setscheduler(struct task *t, const u64 *a)
{
	s32 priority, policy = arg_int(a[1]);

	if (arg_int(a[0]) < 0 || !a[2] || policy < 0)
		return -EINVAL;
	if (get_user(&priority, uaddr(a[2])))
		return -EFAULT;
	return set_policy(t, task_of(t, a[0]), policy & ~SCHED_RESET_ON_FORK, policy & SCHED_RESET_ON_FORK,
			  priority);
}

s64 sys_sched_setparam(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	s32 priority;

	if (arg_int(a[0]) < 0 || !a[1])
		return -EINVAL;
	if (get_user(&priority, uaddr(a[1])))
		return -EFAULT;
	return other ? set_policy(t, other, other->sched.policy, other->sched.reset_on_fork, priority)
		     : -ESRCH;
}

s64 sys_sched_getscheduler(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);

	if (arg_int(a[0]) < 0)
		return -EINVAL;
	return other ? other->sched.policy | (other->sched.reset_on_fork ? SCHED_RESET_ON_FORK : 0) : -ESRCH;
}

s64 sys_sched_getparam(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	s32 priority;

	if (arg_int(a[0]) < 0 || !a[1])
		return -EINVAL;
	if (!other)
		return -ESRCH;
	priority = other->sched.priority;
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
	if (other->sched.policy == SCHED_RR_)
		ts[1] = 100000000;
	else if (other->sched.policy != SCHED_FIFO_)
		ts[1] = 4000000;
	return copy_out(uaddr(a[1]), ts, sizeof(ts));
}

/* ---- sched_setattr, sched_getattr ---- */

struct linux_sched_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};
static_assert(sizeof(struct linux_sched_attr) == 56, "struct sched_attr");

#define ATTR_SIZE_V0       48U
#define ATTR_RESET_ON_FORK 1U
#define ATTR_KEEP_POLICY   8U
#define ATTR_KEEP_PARAMS   16U
#define ATTR_UTIL_MIN      32U
#define ATTR_UTIL_MAX      64U
#define ATTR_ALL           127U
#define UTIL_SCALE         1024U

s64 sys_sched_getattr(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	struct linux_sched_attr at = {.size = sizeof(at)};
	u32 size = (u32)a[2];
	const struct sched_params *p;

	if (!a[1] || arg_int(a[0]) < 0 || size < ATTR_SIZE_V0 || size > PAGE_SIZE || a[3])
		return -EINVAL;
	if (!other)
		return -ESRCH;
	p = &other->sched;
	at.size = min_t(u32, size, sizeof(at));
	at.policy = (u32)p->policy;
	at.priority = (u32)p->priority;
	at.flags = p->flags | (p->reset_on_fork ? ATTR_RESET_ON_FORK : 0);
	at.nice = priority_max(p->policy) == 0 && p->policy != SCHED_DEADLINE_ ? other->nice : 0;
	at.runtime = p->runtime;
	at.deadline = p->deadline;
	at.period = p->period;
	at.util_min = p->util_min;
	at.util_max = p->util_max;
	return copy_out(uaddr(a[1]), &at, at.size);
}

/* Reads the structure, whatever its size; -E2BIG with our size in it if it says something we do not know. */
static int copy_in_attr(struct linux_sched_attr *at, u64 user)
{
	u32 size, own = sizeof(*at);
	u8 byte = 0;

	*at = (struct linux_sched_attr){0};
	if (get_user(&size, uaddr(user)))
		return -EFAULT;
	if (!size)
		size = ATTR_SIZE_V0;
	for (u32 i = own; i < size && size <= PAGE_SIZE && !byte; i++)
		if (get_user(&byte, uaddr(user + i)))
			return -EFAULT;
	if (size < ATTR_SIZE_V0 || size > PAGE_SIZE || byte)
		return put_user(&own, uaddr(user)) ? -EFAULT : -E2BIG;
	if (copy_in(at, uaddr(user), min_t(u32, size, own)))
		return -EFAULT;
	if ((at->flags & (ATTR_UTIL_MIN | ATTR_UTIL_MAX)) && size < own)
		return -EINVAL;
	return 0;
}

static int merge_attr(const struct linux_sched_attr *at, struct sched_params *p, int *nice)
{
	if ((s32)at->policy < 0 || (at->flags & ~(u64)ATTR_ALL))
		return -EINVAL;
	if (!(at->flags & ATTR_KEEP_POLICY))
		p->policy = (int)at->policy;
	if (!(at->flags & ATTR_KEEP_PARAMS)) {
		p->priority = (int)at->priority;
		p->runtime = at->runtime;
		p->deadline = at->deadline;
		p->period = at->period ? at->period : at->deadline;
		*nice = at->nice < -20 ? -20 : at->nice > 19 ? 19 : at->nice;
	}
	p->reset_on_fork = at->flags & ATTR_RESET_ON_FORK;
	p->flags = at->flags & 6; /* RECLAIM, DL_OVERRUN */
	if (at->flags & ATTR_UTIL_MIN)
		p->util_min = at->util_min == UINT32_MAX ? 0 : at->util_min;
	if (at->flags & ATTR_UTIL_MAX)
		p->util_max = at->util_max == UINT32_MAX ? UTIL_SCALE : at->util_max;
	return p->util_min > p->util_max || p->util_max > UTIL_SCALE ? -EINVAL : 0;
}

s64 sys_sched_setattr(struct task *t, const u64 *a)
{
	struct task *other = task_of(t, a[0]);
	struct linux_sched_attr at;
	struct sched_params p;
	int nice, err;

	if (!a[1] || arg_int(a[0]) < 0 || a[2])
		return -EINVAL;
	err = copy_in_attr(&at, a[1]);
	if (err)
		return err;
	if ((s32)at.policy < 0)
		return -EINVAL;
	if (!other)
		return -ESRCH;
	p = other->sched;
	nice = other->nice;
	err = merge_attr(&at, &p, &nice);
	return err ? err : set_params(t, other, &p, nice);
}

/* ---- nice values ---- */

/* Calls fn for every task that (which, who) of getpriority(2) names; how many. */
static int each_priority(struct task *t, const u64 *a, void (*fn)(struct task *, void *), void *arg)
{
	s32 which = arg_int(a[0]), who = arg_int(a[1]);
	struct task *other;
	struct pid *pgrp = NULL;
	u32 uid = 0;
	int n = 0;

	if (which < 0 || which > 2)
		return -EINVAL;
	if (which == 1)
		pgrp = who ? pid_find(task_pid_ns(t), who) : t->tg->pgrp;
	else if (which == 2)
		uid = who ? uid_given((u32)who) : t->cred->uid;
	list_for_each_entry (other, &kernel()->tasks, all_node) {
		bool hit = which == 0 ? other == (who ? task_find(who) : t)
			   : which == 1
			       ? other->tg && pgrp && other->tg->pgrp == pgrp
			       : other->cred && other->cred->uid == uid && pid_nr(other->pid, task_pid_ns(t));
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

	if (!may_change(s->by, t))
		s->err = -EPERM;
	else if (!may_be_nice(t, s->nice) && !ns_capable(t->cred->user_ns, LINUX_CAP_SYS_NICE))
		s->err = -EACCES;
	else
		t->nice = s->nice;
}

s64 sys_setpriority(struct task *t, const u64 *a)
{
	struct set_nice s = {t, arg_int(a[2]), 0};
	int n;

	s.nice = s.nice < -20 ? -20 : s.nice > 19 ? 19 : s.nice;
	n = each_priority(t, a, set_nice, &s);
	return n < 0 ? n : s.err;
}
