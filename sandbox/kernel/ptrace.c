/*
 * ptrace.c - ptrace(2): links between tracers and tracees, and the stops of a tracee. See ptrace.h.
 *
 * A stop is a sleep of the tracee's own coroutine at a place where its registers are those of the guest: in
 * front of a call, behind it, or where signals are delivered. The tracer's coroutine reads and changes them
 * meanwhile. While a task is traced, nothing of its calls is staged by the stub, so that memory is what the
 * tracer sees.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/abi/wait.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/callsite.h"
#include "sandbox/mm/mm.h"

#define CAP_SYS_PTRACE 19
#define EFLAGS_TF      0x100UL
#define NO_CALL        (~0UL)
#define TRAP_BRKPT     1

/* ---- seeing all calls ---- */

bool task_sees_all_calls(const struct task *t)
{
	return t->pt.tracer || t->seccomp.mode;
}

void task_sees_changed(struct task *t)
{
	if (t->ut)
		uthread_set_slow(t->ut, task_sees_all_calls(t));
}

void task_show_all(struct task *t)
{
	if (!task_sees_all_calls(t))
		return;
	if (t->pt.tracer && !t->mm->callsites_off && callsite_restore(t->mm, true))
		klog(LOG_WARN, "the text of a traced process keeps its patched call sites");
	if (uthread_full_frame(t->ut))
		t->killed = true;
}

/* ---- permission ---- */

int ptrace_may_access(struct task *t, bool fsuid)
{
	const struct cred *own = current_task()->cred, *c = t->cred;
	u32 uid = fsuid ? own->fsuid : own->uid, gid = fsuid ? own->fsgid : own->gid;

	if (t->tg == current_task()->tg)
		return 0;
	if ((uid != c->euid || uid != c->suid || uid != c->uid || gid != c->egid || gid != c->sgid ||
	     gid != c->gid) &&
	    !capable(CAP_SYS_PTRACE))
		return -EPERM;
	if (t->ut && !t->tg->dumpable && !capable(CAP_SYS_PTRACE))
		return -EPERM;
	/* what it may do must not be more than what we may */
	if ((c->cap_permitted & ~own->cap_permitted) && !capable(CAP_SYS_PTRACE))
		return -EPERM;
	return 0;
}

bool ptrace_forbids_setid(const struct task *t)
{
	return t->pt.tracer && !cred_capable(t->pt.tracer->cred, CAP_SYS_PTRACE);
}

bool ptrace_suspends_seccomp(const struct task *t)
{
	return t->pt.tracer && (t->pt.options & LINUX_PTRACE_O_SUSPEND_SECCOMP);
}

/* ---- links ---- */

void ptrace_link(struct task *t, struct task *tracer)
{
	t->pt.tracer = tracer;
	list_add_tail(&t->pt.node, &tracer->pt.tracees);
	task_sees_changed(t);
}

static void set_trap_flag(struct task *t, bool on)
{
	struct uregs r;

	if (!t->ut || uthread_running(t->ut) || t->pt.forced_tf == on)
		return;
	uthread_get_regs(t->ut, &r);
	if (on && (r.eflags & EFLAGS_TF))
		return; /* the guest steps itself */
	r.eflags = on ? r.eflags | EFLAGS_TF : r.eflags & ~EFLAGS_TF;
	if (!uthread_set_regs(t->ut, &r))
		t->pt.forced_tf = on;
}

void ptrace_unlink(struct task *t)
{
	struct ptrace_task *pt = &t->pt;

	if (!pt->tracer)
		return;
	list_del_init(&pt->node);
	pt->tracer = NULL;
	pt->options = 0;
	pt->mode = PTRACE_RUN;
	pt->step = pt->seized = pt->listening = false;
	pt->trap_wanted = pt->notify_wanted = pt->group_seen = false;
	set_trap_flag(t, false);
	task_sees_changed(t);
	if (t->coro)
		coro_wake(t->coro);
}

void ptrace_tracer_exits(struct task *tracer)
{
	while (!list_empty(&tracer->pt.tracees)) {
		struct task *t = list_first_entry(&tracer->pt.tracees, struct task, pt.node);
		bool die = t->pt.options & LINUX_PTRACE_O_EXITKILL;
		ptrace_unlink(t);
		if (t->state != TASK_ALIVE)
			task_release_zombie(t);
		else if (die && send_signal_group(t->tg, LINUX_SIGKILL, NULL))
			group_kill(t->tg, LINUX_SIGKILL);
	}
}

bool ptrace_by_own_parent(const struct task *t)
{
	return t->pt.tracer && t->pt.tracer->tg == t->tg->parent;
}

bool ptrace_holds_zombie(const struct task *t)
{
	return t->pt.tracer && (t != t->tg->leader || !ptrace_by_own_parent(t));
}

/* ---- telling the tracer ---- */

static void notify_tracer(struct task *t, int why, int status)
{
	struct thread_group *tg = t->pt.tracer->tg;
	struct linux_siginfo info = {.si_signo = LINUX_SIGCHLD, .si_code = why};
	const struct sigaction_k *act = &t->pt.tracer->sighand->action[LINUX_SIGCHLD - 1];
	bool ended = why != LINUX_CLD_TRAPPED && why != LINUX_CLD_STOPPED && why != LINUX_CLD_CONTINUED;

	info.chld.pid = pid_nr(t->pid, task_pid_ns(t->pt.tracer));
	info.chld.uid = t->cred->uid;
	info.chld.status = status;
	if ((ended || !(act->flags & LINUX_SA_NOCLDSTOP)) && send_signal_group(tg, LINUX_SIGCHLD, &info))
		klog(LOG_DEBUG, "a tracer's SIGCHLD could not be queued");
	wake_up_all(&tg->child_wait, 0);
}

void ptrace_notify_exit(struct task *t)
{
	int s = t->exit_code;

	notify_tracer(t,
		      !(s & 0x7f) ? LINUX_CLD_EXITED
		      : s & 0x80  ? LINUX_CLD_DUMPED
				  : LINUX_CLD_KILLED,
		      s & 0x7f ? s & 0x7f : s >> 8);
}

/* ---- stopping ---- */

static bool killed_now(const struct task *t)
{
	return (t->pending.set | t->tg->pending.set) & sigmask_of(LINUX_SIGKILL);
}

static bool stay(struct task *t)
{
	struct ptrace_task *pt = &t->pt;

	if (!pt->stopped || !pt->tracer)
		return false;
	if (pt->exiting ? killed_now(t) : fatal_signal_pending(t))
		return false;
	return !(pt->listening && pt->notify_wanted);
}

/* Sleeps until the tracer lets it go on, or is gone. info NULL: a group stop. */
static void ptrace_stop(struct task *t, int code, int why, const struct linux_siginfo *info)
{
	struct ptrace_task *pt = &t->pt;

	if (!pt->tracer || (!pt->exiting && fatal_signal_pending(t)))
		return;
	if (uthread_stage_flush(t->ut))
		uthread_set_result(t->ut, -EFAULT);
	set_trap_flag(t, false);
	pt->code = code;
	pt->why = why;
	pt->resume_signal = 0;
	pt->reported = pt->listening = false;
	pt->has_info = info;
	if (info)
		pt->info = *info;
	pt->stopped = true;
	notify_tracer(t, why, code & 0x7f);
	while (stay(t))
		if (sched_sleep(TIME_NEVER, pt->exiting ? SLEEP_UNINTERRUPTIBLE : SLEEP_KILLABLE))
			break;
	pt->stopped = pt->listening = pt->has_info = false;
	pt->syscall_op = LINUX_PTRACE_SYSCALL_INFO_NONE;
	if (pt->tracer && pt->step)
		set_trap_flag(t, true);
}

/* A stop that is no signal's: its siginfo is made from the code. */
static void ptrace_notify(struct task *t, int code, int why)
{
	struct linux_siginfo info = {.si_signo = code & 0x7f, .si_code = code};

	info.kill.pid = pid_nr(t->pid, task_pid_ns(t));
	info.kill.uid = t->cred->uid;
	ptrace_stop(t, code, why, &info);
}

bool ptrace_event_enabled(const struct task *t, int event)
{
	return t->pt.tracer && (t->pt.options >> event & 1);
}

void ptrace_event(struct task *t, int event, u64 message)
{
	if (!ptrace_event_enabled(t, event))
		return;
	t->pt.message = message;
	t->pt.exiting = event == LINUX_PTRACE_EVENT_EXIT;
	if (event == LINUX_PTRACE_EVENT_SECCOMP)
		t->pt.syscall_op = LINUX_PTRACE_SYSCALL_INFO_SECCOMP;
	ptrace_notify(t, event << 8 | LINUX_SIGTRAP, LINUX_CLD_TRAPPED);
	t->pt.exiting = false;
}

/* ---- signals and group stops ---- */

int ptrace_signal(struct task *t, struct linux_siginfo *info)
{
	int sig = info->si_signo, chosen;

	if (!t->pt.tracer || sig == LINUX_SIGKILL)
		return sig;
	ptrace_stop(t, sig, LINUX_CLD_TRAPPED, info);
	if (fatal_signal_pending(t))
		return 0;
	chosen = t->pt.resume_signal;
	if (!chosen)
		return 0;
	if (chosen == sig) {
		*info = t->pt.info; /* perhaps changed by PTRACE_SETSIGINFO */
		info->si_signo = sig;
	} else {
		*info = (struct linux_siginfo){.si_signo = chosen, .si_code = LINUX_SI_USER};
		if (t->pt.tracer) {
			info->kill.pid = pid_nr(t->pt.tracer->tg->leader->pid, task_pid_ns(t));
			info->kill.uid = t->pt.tracer->cred->uid;
		}
	}
	if ((t->local.sigmask & sigmask_of(chosen)) && chosen != LINUX_SIGKILL && chosen != LINUX_SIGSTOP) {
		if (send_signal_task(t, chosen, info))
			return chosen;
		return 0;
	}
	return chosen;
}

bool ptrace_group_trap_due(const struct task *t)
{
	return t->pt.tracer &&
	       (t->pt.trap_wanted || t->pt.notify_wanted || (t->tg->stopped && !t->pt.group_seen));
}

bool ptrace_group_trap(struct task *t)
{
	struct ptrace_task *pt = &t->pt;
	int sig = t->tg->stopped ? t->tg->stop_signal : LINUX_SIGTRAP;

	if (!ptrace_group_trap_due(t) || fatal_signal_pending(t))
		return false;
	pt->trap_wanted = pt->notify_wanted = false;
	pt->group_seen = t->tg->stopped;
	if (pt->seized)
		ptrace_notify(t, LINUX_PTRACE_EVENT_STOP << 8 | sig, LINUX_CLD_STOPPED);
	else if (t->tg->stopped)
		ptrace_stop(t, sig, LINUX_CLD_STOPPED, NULL);
	return true;
}

void ptrace_handler_begin(struct task *t)
{
	set_trap_flag(t, false);
}

void ptrace_handler_step(struct task *t)
{
	if (t->pt.tracer && t->pt.step)
		ptrace_notify(t, LINUX_SIGTRAP, LINUX_CLD_TRAPPED);
}

/* ---- system calls ---- */

static void syscall_stop(struct task *t, u8 op, u64 message)
{
	int sig = LINUX_SIGTRAP | (t->pt.options & LINUX_PTRACE_O_TRACESYSGOOD ? 0x80 : 0);

	t->pt.message = message;
	t->pt.syscall_op = op;
	ptrace_notify(t, sig, LINUX_CLD_TRAPPED);
	if (t->pt.resume_signal && send_signal_task(t, t->pt.resume_signal, NULL))
		klog(LOG_DEBUG, "a tracer's signal could not be queued");
}

bool ptrace_reread_call(struct task *t, s64 *ret)
{
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	*ret = (s64)r.rax;
	if (fatal_signal_pending(t) || (s32)r.orig_rax == -1)
		return false;
	t->trap.nr = (u32)r.orig_rax;
	t->trap.args[0] = r.rdi;
	t->trap.args[1] = r.rsi;
	t->trap.args[2] = r.rdx;
	t->trap.args[3] = r.r10;
	t->trap.args[4] = r.r8;
	t->trap.args[5] = r.r9;
	return true;
}

bool syscall_enter(struct task *t, s64 *ret)
{
	bool emulated;

	if (t->pt.tracer)
		uthread_unstage(t->ut);
	emulated = t->pt.mode == PTRACE_RUN_SYSEMU;
	if (t->pt.tracer && t->pt.mode != PTRACE_RUN) {
		uthread_set_result(t->ut, -ENOSYS);
		syscall_stop(t, LINUX_PTRACE_SYSCALL_INFO_ENTRY, LINUX_PTRACE_EVENTMSG_SYSCALL_ENTRY);
		if (!ptrace_reread_call(t, ret) || emulated)
			return false;
	}
	return !t->seccomp.mode || seccomp_enter(t, ret);
}

void ptrace_syscall_exit(struct task *t)
{
	struct linux_siginfo info = {.si_signo = LINUX_SIGTRAP, .si_code = TRAP_BRKPT};
	struct uregs r;

	if (!t->pt.tracer)
		return;
	if (t->pt.mode == PTRACE_RUN_SYSCALL) {
		syscall_stop(t, LINUX_PTRACE_SYSCALL_INFO_EXIT, LINUX_PTRACE_EVENTMSG_SYSCALL_EXIT);
	} else if (t->pt.step) { /* the instruction was the call: it is done */
		uthread_get_regs(t->ut, &r);
		info.fault.addr = r.rip;
		if (send_signal_task(t, LINUX_SIGTRAP, &info))
			klog(LOG_DEBUG, "a step's SIGTRAP could not be queued");
	}
}

void ptrace_reread_result(struct task *t, bool *from_syscall, s64 *ret)
{
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	*from_syscall = r.orig_rax != NO_CALL;
	*ret = (s64)r.rax;
}

void ptrace_rewind_call(struct task *t)
{
	struct uregs r;

	uthread_get_regs(t->ut, &r);
	r.rip -= 2;
	r.rax = r.orig_rax;
	if (uthread_set_regs(t->ut, &r))
		t->killed = true;
	uthread_set_orig_rax(t->ut, NO_CALL);
}

/* ---- fork and exec ---- */

void ptrace_exec(struct task *t, s32 old_tid)
{
	struct linux_siginfo info = {.si_signo = LINUX_SIGTRAP, .si_code = LINUX_SI_USER};

	if (!t->pt.tracer)
		return;
	t->pt.forced_tf = false;
	task_show_all(t); /* the new text as it is in the file, before a debugger writes into it */
	if (ptrace_event_enabled(t, LINUX_PTRACE_EVENT_EXEC)) {
		ptrace_event(t, LINUX_PTRACE_EVENT_EXEC, (u64)old_tid);
	} else if (!t->pt.seized) {
		info.kill.pid = pid_nr(t->pid, task_pid_ns(t));
		info.kill.uid = t->cred->uid;
		if (send_signal_task(t, LINUX_SIGTRAP, &info))
			klog(LOG_DEBUG, "the SIGTRAP of execve could not be queued");
	}
	if (t->pt.step)
		set_trap_flag(t, true);
}

int ptrace_clone_event(const struct task *p, u64 flags, int exit_signal)
{
	int event = flags & LINUX_CLONE_VFORK      ? LINUX_PTRACE_EVENT_VFORK
		    : exit_signal == LINUX_SIGCHLD ? LINUX_PTRACE_EVENT_FORK
						   : LINUX_PTRACE_EVENT_CLONE;

	if ((flags & LINUX_CLONE_UNTRACED) || !ptrace_event_enabled(p, event))
		return 0;
	return event;
}

void ptrace_clone_child(struct task *p, struct task *c, u64 flags, int event)
{
	struct uregs r;

	c->pt.creator = p;
	if (p->pt.forced_tf) { /* the step is the parent's only */
		uthread_get_regs(c->ut, &r);
		r.eflags &= ~EFLAGS_TF;
		if (uthread_set_regs(c->ut, &r))
			c->killed = true;
	}
	if (!p->pt.tracer || (!event && !(flags & LINUX_CLONE_PTRACE)))
		return;
	ptrace_link(c, p->pt.tracer);
	c->pt.options = p->pt.options;
	c->pt.seized = p->pt.seized;
	if (c->pt.seized)
		c->pt.trap_wanted = true;
	else if (send_signal_task(c, LINUX_SIGSTOP, NULL))
		c->pt.trap_wanted = true;
}
