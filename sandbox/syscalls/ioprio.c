/*
 * syscalls/ioprio.c - ioprio_set(2), ioprio_get(2): classes and levels are kept, inherited and told back.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
enum { CLASS_NONE, CLASS_REALTIME, CLASS_BEST_EFFORT, CLASS_IDLE };
#define CLASS_SHIFT 13
#define HINTS_LEVEL 0x1fffU

static int check(u32 v)
{
	if (v > 0xffff)
		return -EINVAL;
	switch (v >> CLASS_SHIFT) {
	case CLASS_REALTIME:
		return capable(LINUX_CAP_SYS_ADMIN) || capable(LINUX_CAP_SYS_NICE) ? 0 : -EPERM;
	case CLASS_BEST_EFFORT:
	case CLASS_IDLE:
		return 0;
	case CLASS_NONE:
		return v & HINTS_LEVEL ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Calls fn for every task meant; the first error ends it, -ESRCH without any. */
static s64 each(struct task *t, const u64 *a, s64 (*fn)(struct task *, void *), void *arg)
{
	s32 who = arg_int(a[1]);
	struct task *other;
	struct pid *pgrp = NULL;
	u32 uid = 0;
	s64 ret = -ESRCH;

	if (arg_int(a[0]) < WHO_PROCESS || arg_int(a[0]) > WHO_USER)
		return -EINVAL;
	if (arg_int(a[0]) == WHO_PROCESS) {
		other = who ? task_find(who) : t;
		return other && other->tg ? fn(other, arg) : -ESRCH;
	}
	if (arg_int(a[0]) == WHO_PGRP)
		pgrp = who ? pid_find(task_pid_ns(t), who) : t->tg->pgrp;
	else
		uid = who ? uid_given((u32)who) : t->cred->uid;
	list_for_each_entry (other, &kernel()->tasks, all_node) {
		if (!other->tg || !other->cred || other->state != TASK_ALIVE ||
		    !pid_nr(other->pid, task_pid_ns(t)))
			continue;
		if (arg_int(a[0]) == WHO_PGRP ? other->tg->pgrp != pgrp : other->cred->uid != uid)
			continue;
		ret = fn(other, arg);
		if (ret < 0)
			break;
	}
	return ret;
}

static s64 set_one(struct task *t, void *arg)
{
	const struct cred *c = current_task()->cred;

	if (t->cred->uid != c->euid && t->cred->uid != c->uid && !capable(LINUX_CAP_SYS_NICE))
		return -EPERM;
	t->ioprio = (u16) * (u32 *)arg;
	return 0;
}

s64 sys_ioprio_set(struct task *t, const u64 *a)
{
	u32 v = (u32)a[2];
	int err = check(v);

	return err ? err : each(t, a, set_one, &v);
}

/* The best of several is the smallest number. */
static s64 best_one(struct task *t, void *arg)
{
	u32 *best = arg;

	*best = min_t(u32, *best, t->ioprio);
	return 0;
}

s64 sys_ioprio_get(struct task *t, const u64 *a)
{
	u32 best = UINT32_MAX;
	s64 ret = each(t, a, best_one, &best);

	return ret < 0 ? ret : best;
}
