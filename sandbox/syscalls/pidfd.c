/*
 * syscalls/pidfd.c - pidfd_open, pidfd_send_signal, pidfd_getfd.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/proc/proc.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

/* What a descriptor may mean instead of a pidfd. */
#define PIDFD_SELF_THREAD       (-10000)
#define PIDFD_SELF_THREAD_GROUP (-10001)

#define SIGNAL_THREAD           1U
#define SIGNAL_THREAD_GROUP     2U
#define SIGNAL_PROCESS_GROUP    4U

s64 sys_pidfd_open(struct task *t, const u64 *a)
{
	s32 nr = arg_int(a[0]);
	u32 flags = (u32)a[1];
	struct file *f;
	struct pid *p;
	int err;

	if (flags & ~(u32)(O_NONBLOCK | PIDFD_THREAD))
		return -EINVAL;
	if (nr <= 0)
		return -EINVAL;
	p = pid_find(task_pid_ns(t), nr);
	if (!p)
		return -ESRCH;
	/* a number that is only a thread's, or only a process group's, names no process */
	if (!p->task || !p->task->tg)
		return flags & PIDFD_THREAD ? -ESRCH : -EINVAL;
	if (!(flags & PIDFD_THREAD) && p->task->tg->leader != p->task)
		return -ENOENT;
	err = pidfd_create(p, flags, &f);
	return err ? err : fd_install(f, 0, true);
}

/* The process a descriptor stands for, and how (PIDFD_THREAD). A directory /proc/PID will do as well. */
static int pid_of_fd(struct task *t, int fd, struct pid **out, bool *thread)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct pid *p;

	*thread = fd == PIDFD_SELF_THREAD;
	if (fd == PIDFD_SELF_THREAD || fd == PIDFD_SELF_THREAD_GROUP) {
		*out = pid_get(fd == PIDFD_SELF_THREAD ? t->pid : t->tg->leader->pid);
		return 0;
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	p = pidfd_pid(f);
	*thread = p && (f->flags & PIDFD_THREAD);
	if (!p)
		p = proc_pid_of_dir(f);
	if (!p)
		return -EBADF;
	*out = pid_get(p);
	return 0;
}

static int fill_info(struct task *t, struct pid *p, int sig, u64 user, bool group, struct linux_siginfo *info)
{
	if (!user) {
		siginfo_from_current(info, sig, LINUX_SI_USER);
		return 0;
	}
	if (get_user(info, uaddr(user)))
		return -EFAULT;
	if (info->si_signo != sig)
		return -EINVAL;
	/* nobody may pretend to be the kernel or kill(2), but to himself */
	if ((group || p->task != t) && (info->si_code >= 0 || info->si_code == LINUX_SI_TKILL))
		return -EPERM;
	return 0;
}

static s64 signal_group_of(struct task *t, struct pid *p, int sig, const struct linux_siginfo *info)
{
	struct thread_group *tg, *next;
	s64 ret = -ESRCH;

	list_for_each_entry_safe (tg, next, &p->pgrp_members, pgrp_node) {
		bool may = task_may_signal(t, tg->leader, sig);
		if (may && sig && tg->live && send_signal_group(tg, sig, info))
			return -EAGAIN;
		if (may)
			ret = 0;
		else if (ret == -ESRCH)
			ret = -EPERM;
	}
	return ret;
}

static s64 send(struct task *t, struct pid *p, int sig, u64 user, u32 flags)
{
	bool group = flags & SIGNAL_PROCESS_GROUP;
	struct linux_siginfo info;
	struct task *to;
	int err;

	if (!pid_nr(p, task_pid_ns(t)))
		return -EINVAL; /* not of our namespace, nor of one below */
	err = fill_info(t, p, sig, user, group, &info);
	if (err)
		return err;
	if (group)
		return signal_group_of(t, p, sig, &info);
	to = p->task;
	if (!to || !to->tg)
		return -ESRCH;
	if (!task_may_signal(t, to, sig))
		return -EPERM;
	if (!sig)
		return 0;
	if (flags & SIGNAL_THREAD)
		return to->state == TASK_ALIVE ? send_signal_task(to, sig, &info) : 0;
	return to->tg->live ? send_signal_group(to->tg, sig, &info) : 0;
}

s64 sys_pidfd_send_signal(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[3];
	int sig = arg_int(a[1]), err;
	struct pid *p;
	bool thread;
	s64 ret;

	if ((flags & ~(SIGNAL_THREAD | SIGNAL_THREAD_GROUP | SIGNAL_PROCESS_GROUP)) || (flags & (flags - 1)))
		return -EINVAL;
	err = pid_of_fd(t, arg_int(a[0]), &p, &thread);
	if (err)
		return err;
	if (!flags)
		flags = thread ? SIGNAL_THREAD : SIGNAL_THREAD_GROUP;
	ret = sig < 0 || sig > LINUX_NSIG ? -EINVAL : send(t, p, sig, a[2], flags);
	pid_put(p);
	return ret;
}

s64 sys_pidfd_getfd(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	u32 fd = (u32)a[1];
	struct file *theirs;
	struct task *of;
	struct pid *p;

	if (a[2])
		return -EINVAL;
	f = fd_get(arg_int(a[0]));
	p = f ? pidfd_pid(f) : NULL;
	if (!p)
		return -EBADF;
	of = p->task;
	if (!of || of->state != TASK_ALIVE)
		return -ESRCH;
	if (!task_may_access(of))
		return -EPERM;
	theirs = of->files && fd < of->files->capacity ? of->files->entries[fd].file : NULL;
	return theirs ? fd_install(file_get(theirs), 0, true) : -EBADF;
}
