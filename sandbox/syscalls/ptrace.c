/*
 * syscalls/ptrace.c - ptrace(2).
 */
#include "sandbox/kernel/ptrace.h"

#include <errno.h>

#include "sandbox/kernel/task.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

s64 sys_ptrace(struct task *t, const u64 *a)
{
	struct task *other;
	s64 ret;

	if (a[0] == LINUX_PTRACE_TRACEME)
		return ptrace_traceme(t);
	other = task_find(arg_int(a[1]));
	if (!other)
		return -ESRCH;
	task_get(other);
	if (a[0] == LINUX_PTRACE_ATTACH || a[0] == LINUX_PTRACE_SEIZE)
		ret = ptrace_attach(other, a[0] == LINUX_PTRACE_SEIZE, a[2], a[3]);
	else
		ret = ptrace_request(other, a[0], a[2], a[3]);
	task_put(other);
	return ret;
}
