/*
 * syscalls/clone.c - clone, clone3, fork, vfork, and the calls that change a task's namespaces: unshare,
 * setns.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/nsfs/nsfs.h"
#include "sandbox/fs/cgroup/cgroupfs.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

#define CSIGNAL        0xffUL
#define SET_TID_MAX    32U
#define CLONE_ARGS_V0  64U
#define CLONE_ARGS_V2  88U
#define CLONE3_FLAGS   (0xffffffffUL | LINUX_CLONE_CLEAR_SIGHAND | LINUX_CLONE_INTO_CGROUP)
#define CLONE3_REFUSED (LINUX_CLONE_DETACHED | (CSIGNAL & ~LINUX_CLONE_NEWTIME))

s64 sys_clone(struct task *t, const u64 *a)
{
	struct clone_args_k args = {.flags = (u32)a[0] & ~CSIGNAL,
				    .exit_signal = (int)(a[0] & CSIGNAL),
				    .stack = uaddr(a[1]),
				    .parent_tid = uaddr(a[2]),
				    .child_tid = uaddr(a[3]),
				    .tls = uaddr(a[4]),
				    .pidfd = uaddr(a[2])};

	/* both would be written to the same place */
	if ((args.flags & LINUX_CLONE_PIDFD) && (args.flags & LINUX_CLONE_PARENT_SETTID))
		return -EINVAL;
	return task_clone(t, &args);
}

s64 sys_fork(struct task *t, const u64 *a)
{
	struct clone_args_k args = {.exit_signal = LINUX_SIGCHLD};

	return task_clone(t, &args);
}

s64 sys_vfork(struct task *t, const u64 *a)
{
	struct clone_args_k args = {.flags = LINUX_CLONE_VM | LINUX_CLONE_VFORK,
				    .exit_signal = LINUX_SIGCHLD};

	return task_clone(t, &args);
}

struct linux_clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
	    cgroup;
};
static_assert(sizeof(struct linux_clone_args) == CLONE_ARGS_V2, "struct clone_args");

static int copy_in_args(struct linux_clone_args *in, u64 user, u64 size)
{
	*in = (struct linux_clone_args){0};
	if (size < CLONE_ARGS_V0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (copy_in(in, uaddr(user), min_t(u64, size, sizeof(*in))))
		return -EFAULT;
	for (u64 at = sizeof(*in); at < size; at++) {
		u8 byte;
		if (get_user(&byte, uaddr(user + at)))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

static int check_args(const struct linux_clone_args *in, u64 size)
{
	if (in->set_tid_size > SET_TID_MAX || !in->set_tid != !in->set_tid_size)
		return -EINVAL;
	if (in->exit_signal > LINUX_NSIG)
		return -EINVAL;
	if ((in->flags & LINUX_CLONE_INTO_CGROUP) && (in->cgroup > INT32_MAX || size < CLONE_ARGS_V2))
		return -EINVAL;
	if ((in->flags & ~CLONE3_FLAGS) || (in->flags & CLONE3_REFUSED))
		return -EINVAL;
	if ((in->flags & (LINUX_CLONE_THREAD | LINUX_CLONE_PARENT)) && in->exit_signal)
		return -EINVAL;
	if (!in->stack != !in->stack_size)
		return -EINVAL;
	if (in->stack && (in->stack > PLATFORM_USER_END || in->stack_size > PLATFORM_USER_END - in->stack))
		return -EINVAL;
	return 0;
}

s64 sys_clone3(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *group = NULL;
	struct linux_clone_args in;
	struct clone_args_k args;
	s32 set_tid[SET_TID_MAX];
	int err = copy_in_args(&in, a[0], a[1]);

	if (!err)
		err = check_args(&in, a[1]);
	if (err)
		return err;
	args = (struct clone_args_k){.flags = in.flags,
				     .exit_signal = (int)in.exit_signal,
				     .stack = uaddr(in.stack ? in.stack + in.stack_size : 0),
				     .parent_tid = uaddr(in.parent_tid),
				     .child_tid = uaddr(in.child_tid),
				     .tls = uaddr(in.tls),
				     .pidfd = uaddr(in.pidfd),
				     .set_tid = set_tid,
				     .set_tid_count = (u32)in.set_tid_size};
	if (in.set_tid && copy_in(set_tid, uaddr(in.set_tid), in.set_tid_size * sizeof(*set_tid)))
		return -EFAULT;
	if (in.flags & LINUX_CLONE_INTO_CGROUP) {
		group = fd_get_path((int)in.cgroup);
		args.cgroup = group ? cgroupfs_group(group) : NULL;
		if (!args.cgroup)
			return -EBADF;
		err = cgroupfs_may_clone(args.cgroup);
		if (err)
			return err;
	}
	return task_clone(t, &args);
}

/* ---- unshare, setns ---- */

s64 sys_unshare(struct task *t, const u64 *a)
{
	return task_unshare(t, a[0]);
}

s64 sys_setns(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));
	u32 types = (u32)a[1];
	struct ns_common *ns;
	struct pid *p;

	if (!f)
		return -EBADF;
	ns = nsfs_ns(f);
	if (ns)
		return types && types != ns->type ? -EINVAL : task_setns(t, ns);
	p = pidfd_pid(f);
	if (!p || !types || (types & ~LINUX_CLONE_NEW_ALL))
		return -EINVAL;
	if (!p->task || p->task->state != TASK_ALIVE)
		return -ESRCH;
	return task_may_access(p->task) ? task_setns_of(t, p->task, types) : -EPERM;
}
