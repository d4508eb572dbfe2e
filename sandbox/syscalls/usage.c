/*
 * syscalls/usage.c - getrusage and times.
 */
#include <errno.h>

#include "sandbox/kernel/account.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

s64 sys_getrusage(struct task *t, const u64 *a)
{
	struct linux_rusage out;
	struct rusage_k u;

	switch (arg_int(a[0])) {
	case LINUX_RUSAGE_SELF:
		group_usage(t, &u);
		break;
	case LINUX_RUSAGE_CHILDREN:
		u = t->tg->dead_children;
		break;
	case LINUX_RUSAGE_THREAD:
		task_usage(t, &u);
		break;
	default:
		return -EINVAL;
	}
	rusage_to_linux(&out, &u);
	return copy_out(uaddr(a[1]), &out, sizeof(out));
}

s64 sys_times(struct task *t, const u64 *a)
{
	const u64 tick = NSEC_PER_SEC / 100;
	u64 user = group_utime(t->tg), all = group_cpu_time(t->tg);
	s64 out[4] = {(s64)(user / tick), (s64)((all - min_t(u64, all, user)) / tick),
		      (s64)(t->tg->dead_children.utime_ns / tick),
		      (s64)(t->tg->dead_children.stime_ns / tick)};

	if (a[0] && copy_out(uaddr(a[0]), out, sizeof(out)))
		return -EFAULT;
	return (s64)(clock_monotonic() / tick);
}
