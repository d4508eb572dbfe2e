/*
 * process.c - making, replacing and ending processes, waiting for them, and their names for each other:
 * execve, exit, wait, pids, process groups and sessions.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/abi/wait.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/kernel/account.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/kernel/waitpid.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

/* ---- execve ---- */

static s64 do_execve(struct task *t, int dirfd, const u64 path_arg, u64 argv_arg, u64 envp_arg, int flags)
{
	const u64 limit =
	    max_t(u64, min_t(u64, task_rlimit(t, LINUX_RLIMIT_STACK) / 4, 6UL << 20), 128UL << 10);
	auto_cleanup(kfreep) char *path = NULL;
	char **argv = NULL, **envp = NULL;
	s64 ret;

	ret = copy_in_path(&path, uaddr(path_arg));
	if (!ret && argv_arg)
		ret = copy_in_str_array(&argv, uaddr(argv_arg), limit);
	if (!ret && envp_arg)
		ret = copy_in_str_array(&envp, uaddr(envp_arg), limit);
	if (!ret && !*path && !(flags & AT_EMPTY_PATH))
		ret = -ENOENT;
	if (!ret)
		ret = task_execve(t, dirfd, path, argv, envp, flags);
	free_str_array(argv);
	free_str_array(envp);
	return ret;
}

s64 sys_execve(struct task *t, const u64 *a)
{
	return do_execve(t, AT_FDCWD, a[0], a[1], a[2], 0);
}

s64 sys_execveat(struct task *t, const u64 *a)
{
	int flags = arg_int(a[4]);

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return do_execve(t, arg_int(a[0]), a[1], a[2], a[3], flags);
}

/* ---- exit and wait ---- */

s64 sys_exit(struct task *t, const u64 *a)
{
	task_exit(t, arg_int(a[0] & 0xff) << 8);
}

s64 sys_exit_group(struct task *t, const u64 *a)
{
	task_exit_group(t, arg_int(a[0] & 0xff) << 8);
}

s64 sys_wait4(struct task *t, const u64 *a)
{
	s32 pid = arg_int(a[0]);
	struct wait_args w = {.options = (u32)a[2] | LINUX_WEXITED_BIT};
	struct linux_rusage usage;
	struct wait_result r;
	int err;

	if ((u32)a[2] & ~(LINUX_WNOHANG_BIT | LINUX_WSTOPPED_BIT | LINUX_WCONTINUED_BIT |
			  LINUX_WNOTHREAD_BIT | LINUX_WALL_BIT | LINUX_WCLONE_BIT))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0) {
		w.type = WAIT_PID;
		w.pid = pid_find(task_pid_ns(t), pid);
	} else if (pid != -1) {
		w.type = WAIT_PGRP;
		w.pid = pid ? pid_find(task_pid_ns(t), -pid) : t->tg->pgrp;
	}
	err = task_wait(&w, &r);
	if (err)
		return err;
	if (r.pid && a[1] && put_user(&r.status, uaddr(a[1])))
		return -EFAULT;
	if (r.pid && a[3]) {
		rusage_to_linux(&usage, &r.usage);
		if (put_user(&usage, uaddr(a[3])))
			return -EFAULT;
	}
	return r.pid;
}

s64 sys_waitid(struct task *t, const u64 *a)
{
	const u32 news = LINUX_WEXITED_BIT | LINUX_WSTOPPED_BIT | LINUX_WCONTINUED_BIT;
	struct wait_args w = {.options = (u32)a[3]};
	struct linux_siginfo info = {0};
	struct linux_rusage usage;
	struct wait_result r;
	auto_cleanup(filep_put) struct file *f = NULL;
	s32 id = arg_int(a[1]);
	bool nonblock = false;
	int err;

	if ((w.options & ~(news | LINUX_WNOHANG_BIT | LINUX_WNOWAIT_BIT | LINUX_WNOTHREAD_BIT |
			   LINUX_WALL_BIT | LINUX_WCLONE_BIT)) ||
	    !(w.options & news))
		return -EINVAL;
	switch (arg_int(a[0])) {
	case 0: /* P_ALL */
		break;
	case 1: /* P_PID */
		if (id <= 0)
			return -EINVAL;
		w.type = WAIT_PID;
		w.pid = pid_find(task_pid_ns(t), id);
		break;
	case 2: /* P_PGID */
		if (id < 0)
			return -EINVAL;
		w.type = WAIT_PGRP;
		w.pid = id ? pid_find(task_pid_ns(t), id) : t->tg->pgrp;
		break;
	case 3: /* P_PIDFD */
		if (id < 0)
			return -EINVAL;
		f = fd_get(id);
		if (!f)
			return -EBADF;
		w.type = WAIT_PID;
		w.pid = pidfd_pid(f);
		if (!w.pid)
			return -EBADF;
		nonblock = (f->flags & O_NONBLOCK) && !(w.options & LINUX_WNOHANG_BIT);
		if (nonblock)
			w.options |= LINUX_WNOHANG_BIT;
		break;
	default:
		return -EINVAL;
	}
	err = task_wait(&w, &r);
	if (err)
		return err;
	if (!r.pid && nonblock)
		return -EAGAIN;
	if (r.pid) {
		info.si_signo = LINUX_SIGCHLD;
		info.si_code = r.code;
		info.chld.pid = r.pid;
		info.chld.uid = r.uid;
		info.chld.status = r.code == LINUX_CLD_EXITED      ? r.status >> 8
				   : r.code == LINUX_CLD_STOPPED   ? r.status >> 8
				   : r.code == LINUX_CLD_TRAPPED   ? r.status >> 8
				   : r.code == LINUX_CLD_CONTINUED ? LINUX_SIGCONT
								   : r.status & 0x7f;
	}
	if (a[2] && put_user(&info, uaddr(a[2])))
		return -EFAULT;
	if (a[4]) {
		rusage_to_linux(&usage, &r.usage);
		if (put_user(&usage, uaddr(a[4])))
			return -EFAULT;
	}
	return 0;
}

/* ---- names ---- */

s64 sys_getpid(struct task *t, const u64 *a)
{
	return pid_vnr(t->tg->leader->pid);
}

s64 sys_gettid(struct task *t, const u64 *a)
{
	return pid_vnr(t->pid);
}

s64 sys_getppid(struct task *t, const u64 *a)
{
	return t->tg->parent ? pid_vnr(t->tg->parent->leader->pid) : 0;
}

s64 sys_set_tid_address(struct task *t, const u64 *a)
{
	t->local.clear_tid = a[0];
	return pid_vnr(t->pid);
}

/* The process with that id, 0 being the caller's own. */
static struct thread_group *process_of(struct task *t, s32 pid)
{
	struct task *other = pid ? task_find(pid) : t;

	return other && other->tg && other->tg->leader ? other->tg : NULL;
}

s64 sys_getpgid(struct task *t, const u64 *a)
{
	struct thread_group *tg = process_of(t, arg_int(a[0]));

	return tg ? pid_vnr(tg->pgrp) : -ESRCH;
}

s64 sys_getpgrp(struct task *t, const u64 *a)
{
	return pid_vnr(t->tg->pgrp);
}

s64 sys_getsid(struct task *t, const u64 *a)
{
	struct thread_group *tg = process_of(t, arg_int(a[0]));

	return tg ? pid_vnr(tg->session) : -ESRCH;
}

static void join_pgrp(struct thread_group *tg, struct pid *pgrp)
{
	list_del_init(&tg->pgrp_node);
	pid_get(pgrp);
	pid_unused(tg->pgrp);
	pid_put(tg->pgrp);
	tg->pgrp = pgrp;
	list_add_tail(&tg->pgrp_node, &pgrp->pgrp_members);
}

s64 sys_setpgid(struct task *t, const u64 *a)
{
	s32 pid = arg_int(a[0]), pgid = arg_int(a[1]);
	struct thread_group *tg = process_of(t, pid), *m;
	struct pid *pgrp;
	bool same_session = false;

	if (pgid < 0)
		return -EINVAL;
	if (!tg || (pid && tg->leader->pid != pid_find(task_pid_ns(t), pid)))
		return -ESRCH;
	if (tg->parent == t->tg) {
		if (tg->session != t->tg->session)
			return -EPERM;
		if (tg->did_exec)
			return -EACCES;
	} else if (tg != t->tg) {
		return -ESRCH;
	}
	if (tg->session == tg->leader->pid)
		return -EPERM; /* a session leader */
	pgrp = pgid ? pid_find(task_pid_ns(t), pgid) : tg->leader->pid;
	if (!pgrp)
		return -EPERM;
	if (pgrp != tg->leader->pid) {
		list_for_each_entry (m, &pgrp->pgrp_members, pgrp_node)
			same_session |= m->session == t->tg->session;
		if (!same_session)
			return -EPERM;
	}
	if (pgrp != tg->pgrp)
		join_pgrp(tg, pgrp);
	return 0;
}

s64 sys_setsid(struct task *t, const u64 *a)
{
	struct thread_group *tg = t->tg;
	struct pid *self = tg->leader->pid;

	if (tg->session == self || !list_empty(&self->pgrp_members))
		return -EPERM;
	tty_disassociate(tg, false);
	list_del_init(&tg->session_node);
	pid_get(self);
	pid_unused(tg->session);
	pid_put(tg->session);
	tg->session = self;
	list_add_tail(&tg->session_node, &self->session_members);
	join_pgrp(tg, self);
	return pid_vnr(self);
}

/* ---- what belongs to the thread ---- */

s64 sys_arch_prctl(struct task *t, const u64 *a)
{
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	switch (arg_int(a[0])) {
	case 0x1001: /* ARCH_SET_GS */
	case 0x1002: /* ARCH_SET_FS */
		if (a[1] >= PLATFORM_USER_END)
			return -EPERM;
		*(arg_int(a[0]) == 0x1001 ? &r.gs_base : &r.fs_base) = a[1];
		r.rax = 0;
		t->regs_changed = true;
		return uthread_set_regs(t->ut, &r);
	case 0x1003: /* ARCH_GET_FS */
		return put_user(&r.fs_base, uaddr(a[1]));
	case 0x1004: /* ARCH_GET_GS */
		return put_user(&r.gs_base, uaddr(a[1]));
	case 0x1011: /* ARCH_GET_CPUID: enabled, and cannot be switched off */
		return 1;
	default:
		return -EINVAL;
	}
}
