/*
 * syscalls/signal.c - actions, masks, sending and waiting for signals.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

#define SIGSET_SIZE 8U
#define MINSIGSTKSZ 2048U

s64 sys_rt_sigaction(struct task *t, const u64 *a)
{
	int sig = arg_int(a[0]);
	struct linux_sigaction in, out;
	struct sigaction_k *act;

	if (a[3] != SIGSET_SIZE || sig < 1 || sig > LINUX_NSIG)
		return -EINVAL;
	if (a[1] && (sig == LINUX_SIGKILL || sig == LINUX_SIGSTOP))
		return -EINVAL;
	if (a[1] && get_user(&in, uaddr(a[1])))
		return -EFAULT;
	act = &t->sighand->action[sig - 1];
	out = (struct linux_sigaction){act->handler, act->flags, act->restorer, act->mask};
	if (a[1]) {
		*act = (struct sigaction_k){in.handler, in.flags & LINUX_SA_KNOWN, in.restorer,
					    in.mask & ~SIG_UNBLOCKABLE};
		signal_action_changed(t, sig);
	}
	return a[2] && put_user(&out, uaddr(a[2])) ? -EFAULT : 0;
}

s64 sys_rt_sigprocmask(struct task *t, const u64 *a)
{
	sigset64 set, old = t->local.sigmask;

	if (a[3] != SIGSET_SIZE)
		return -EINVAL;
	if (a[1]) {
		if (get_user(&set, uaddr(a[1])))
			return -EFAULT;
		switch (arg_int(a[0])) {
		case 0:
			set_blocked(t, t->local.sigmask | set);
			break;
		case 1:
			set_blocked(t, t->local.sigmask & ~set);
			break;
		case 2:
			set_blocked(t, set);
			break;
		default:
			return -EINVAL;
		}
	}
	return a[2] && put_user(&old, uaddr(a[2])) ? -EFAULT : 0;
}

s64 sys_rt_sigreturn(struct task *t, const u64 *a)
{
	signal_return(t);
	t->regs_changed = true;
	return 0;
}

s64 sys_rt_sigpending(struct task *t, const u64 *a)
{
	sigset64 set = (t->pending.set | t->tg->pending.set) & t->local.sigmask;

	if (a[1] > SIGSET_SIZE)
		return -EINVAL;
	return copy_out(uaddr(a[0]), &set, a[1]);
}

s64 sys_rt_sigsuspend(struct task *t, const u64 *a)
{
	sigset64 set;
	int err = 0;

	if (a[1] != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(&set, uaddr(a[0])))
		return -EFAULT;
	set_temporary_mask(t, set & ~SIG_UNBLOCKABLE);
	while (!err)
		err = sched_sleep(TIME_NEVER, SLEEP_INTERRUPTIBLE);
	return -ERESTARTNOHAND;
}

s64 sys_pause(struct task *t, const u64 *a)
{
	int err = 0;

	while (!err)
		err = sched_sleep(TIME_NEVER, SLEEP_INTERRUPTIBLE);
	return -ERESTARTNOHAND;
}

s64 sys_rt_sigtimedwait(struct task *t, const u64 *a)
{
	u64 deadline = TIME_NEVER;
	struct linux_siginfo info;
	struct linux_timespec ts;
	sigset64 set, saved = t->local.sigmask;
	int sig, err = 0;

	if (a[3] != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(&set, uaddr(a[0])) || (a[2] && get_user(&ts, uaddr(a[2]))))
		return -EFAULT;
	if (a[2]) {
		if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
			return -EINVAL;
		if (ts.tv_sec < 1000000000)
			deadline = clock_monotonic() + (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
	}
	set &= ~SIG_UNBLOCKABLE;
	sig = signal_dequeue(t, set, &info);
	if (!sig && !(a[2] && !ts.tv_sec && !ts.tv_nsec)) {
		t->sigwait = set;
		set_blocked(t, saved & ~set); /* so that they wake us */
		while (!sig && !err) {
			err = sched_sleep(deadline, SLEEP_INTERRUPTIBLE);
			sig = signal_dequeue(t, set, &info);
		}
		set_blocked(t, saved);
		t->sigwait = 0;
	}
	if (!sig)
		return err == -ERESTARTSYS ? -EINTR : -EAGAIN;
	return a[1] && put_user(&info, uaddr(a[1])) ? -EFAULT : sig;
}

s64 sys_sigaltstack(struct task *t, const u64 *a)
{
	struct linux_stack in,
	    out = {.ss_sp = t->altstack.sp, .ss_size = t->altstack.size, .ss_flags = (s32)t->altstack.flags};
	struct uregs r;
	bool on;

	uthread_get_regs(t->ut, &r);
	on = !(t->altstack.flags & LINUX_SS_DISABLE) && r.rsp - t->altstack.sp < t->altstack.size;
	if (on)
		out.ss_flags |= LINUX_SS_ONSTACK;
	if (a[0]) {
		u32 mode;
		if (get_user(&in, uaddr(a[0])))
			return -EFAULT;
		if (on)
			return -EPERM;
		mode = (u32)in.ss_flags & ~LINUX_SS_AUTODISARM;
		if (mode != LINUX_SS_DISABLE && mode != LINUX_SS_ONSTACK && mode != 0)
			return -EINVAL;
		if (mode == LINUX_SS_DISABLE)
			in.ss_sp = in.ss_size = 0;
		else if (in.ss_size < MINSIGSTKSZ)
			return -ENOMEM;
		t->altstack = (struct altstack){in.ss_sp, in.ss_size, (u32)in.ss_flags & ~LINUX_SS_ONSTACK};
	}
	return a[1] && put_user(&out, uaddr(a[1])) ? -EFAULT : 0;
}

/* ---- sending ---- */

static s64 kill_process(struct task *t, struct thread_group *tg, int sig, const struct linux_siginfo *info,
			bool one_of_many)
{
	if (!task_may_signal(t, tg->leader, sig))
		return -EPERM;
	if (!sig || !tg->live)
		return 0;
	return one_of_many ? send_signal_one_of_many(tg, sig, info) : send_signal_group(tg, sig, info);
}

/* Everybody but init and ourselves; a process group. */
static s64 kill_many(struct task *t, struct pid *pgrp, int sig, const struct linux_siginfo *info)
{
	const struct pid_ns *ns = task_pid_ns(t);
	struct task *other, *next;
	s64 ret = -ESRCH, one;

	list_for_each_entry_safe (other, next, &kernel()->tasks, all_node) {
		if (!other->tg || other->tg->leader != other || !pid_nr(other->pid, ns))
			continue;
		if (pgrp ? other->tg->pgrp != pgrp
			 : other->tg == t->tg || (ns->init && other->tg == ns->init->tg))
			continue;
		one = kill_process(t, other->tg, sig, info, true);
		if (!one || ret == -ESRCH)
			ret = one;
	}
	return ret;
}

s64 sys_kill(struct task *t, const u64 *a)
{
	s32 pid = arg_int(a[0]);
	int sig = arg_int(a[1]);
	struct linux_siginfo info;
	struct task *other;

	if (sig < 0 || sig > LINUX_NSIG)
		return -EINVAL;
	siginfo_from_current(&info, sig, LINUX_SI_USER);
	if (pid == -1)
		return kill_many(t, NULL, sig, &info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid <= 0) {
		struct pid *pgrp = pid ? pid_find(task_pid_ns(t), -pid) : t->tg->pgrp;
		return pgrp ? kill_many(t, pgrp, sig, &info) : -ESRCH;
	}
	other = task_find(pid);
	return other && other->tg ? kill_process(t, other->tg, sig, &info, false) : -ESRCH;
}

static s64 send_thread(struct task *t, s32 tgid, s32 tid, int sig, const struct linux_siginfo *info)
{
	struct task *other = tid > 0 ? task_find(tid) : NULL;

	if (sig < 0 || sig > LINUX_NSIG || tid <= 0 || (tgid <= 0 && tgid != -1))
		return -EINVAL;
	if (!other || (tgid > 0 && pid_vnr(other->tg->leader->pid) != tgid))
		return -ESRCH;
	if (!task_may_signal(t, other, sig))
		return -EPERM;
	return sig && other->state == TASK_ALIVE ? send_signal_task(other, sig, info) : 0;
}

s64 sys_tkill(struct task *t, const u64 *a)
{
	struct linux_siginfo info;

	siginfo_from_current(&info, arg_int(a[1]), LINUX_SI_TKILL);
	return send_thread(t, -1, arg_int(a[0]), arg_int(a[1]), &info);
}

s64 sys_tgkill(struct task *t, const u64 *a)
{
	struct linux_siginfo info;

	siginfo_from_current(&info, arg_int(a[2]), LINUX_SI_TKILL);
	return arg_int(a[0]) <= 0 ? -EINVAL
				  : send_thread(t, arg_int(a[0]), arg_int(a[1]), arg_int(a[2]), &info);
}

/* A guest may not claim that the kernel, or kill(2), sent it: unless to itself. */
static int queued_info(struct task *t, struct linux_siginfo *info, u64 user, int sig, bool self)
{
	if (get_user(info, uaddr(user)))
		return -EFAULT;
	info->si_signo = sig;
	return (info->si_code >= 0 || info->si_code == LINUX_SI_TKILL) && !self ? -EPERM : 0;
}

s64 sys_rt_sigqueueinfo(struct task *t, const u64 *a)
{
	struct task *other = task_find(arg_int(a[0]));
	int sig = arg_int(a[1]), err;
	struct linux_siginfo info;

	if (sig < 0 || sig > LINUX_NSIG)
		return -EINVAL;
	err = queued_info(t, &info, a[2], sig, other && other->tg == t->tg);
	if (err)
		return err;
	return other && other->tg ? kill_process(t, other->tg, sig, &info, false) : -ESRCH;
}

s64 sys_rt_tgsigqueueinfo(struct task *t, const u64 *a)
{
	struct linux_siginfo info;
	struct task *other = task_find(arg_int(a[1]));
	int err = queued_info(t, &info, a[3], arg_int(a[2]), other == t);

	if (err)
		return err;
	return arg_int(a[0]) <= 0 ? -EINVAL
				  : send_thread(t, arg_int(a[0]), arg_int(a[1]), arg_int(a[2]), &info);
}

s64 sys_restart_syscall(struct task *t, const u64 *a)
{
	s64 (*fn)(struct task *, struct restart_block *) = t->restart.fn;

	t->restart.fn = NULL;
	return fn ? fn(t, &t->restart) : -EINTR;
}
