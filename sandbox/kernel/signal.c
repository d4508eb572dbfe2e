/*
 * signal.c - sending, queueing and delivery of signals. See signal.h and signal(7).
 */
#include <errno.h>

#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/ptrace.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/kernel/user.h"

#define SIGNALS_IGNORED_BY_DEFAULT                                                                           \
	(sigmask_of(LINUX_SIGCHLD) | sigmask_of(LINUX_SIGCONT) | sigmask_of(LINUX_SIGURG) |                  \
	 sigmask_of(LINUX_SIGWINCH))
#define SIGNALS_THAT_STOP                                                                                    \
	(sigmask_of(LINUX_SIGSTOP) | sigmask_of(LINUX_SIGTSTP) | sigmask_of(LINUX_SIGTTIN) |                 \
	 sigmask_of(LINUX_SIGTTOU))
#define SIGNALS_SYNCHRONOUS                                                                                  \
	(sigmask_of(LINUX_SIGSEGV) | sigmask_of(LINUX_SIGBUS) | sigmask_of(LINUX_SIGILL) |                   \
	 sigmask_of(LINUX_SIGTRAP) | sigmask_of(LINUX_SIGFPE) | sigmask_of(LINUX_SIGSYS))
#define SIGNALS_WITH_CORE                                                                                    \
	(SIGNALS_SYNCHRONOUS | sigmask_of(LINUX_SIGQUIT) | sigmask_of(LINUX_SIGABRT) |                       \
	 sigmask_of(LINUX_SIGXCPU) | sigmask_of(LINUX_SIGXFSZ))

/* ---- actions ---- */

static void sighand_release(struct object *obj)
{
	kfree(container_of(obj, struct sighand, obj));
}

struct sighand *sighand_dup(const struct sighand *old)
{
	struct sighand *s = knew(struct sighand);

	if (!s)
		return NULL;
	if (old)
		memcpy(s->action, old->action, sizeof(s->action));
	object_init(&s->obj, sighand_release);
	wait_queue_init(&s->signalfd_wait);
	return s;
}

struct sighand *sighand_get(struct sighand *s)
{
	object_get(&s->obj);
	return s;
}

void sighand_put(struct sighand *s)
{
	if (s)
		object_put(&s->obj);
}

/* execve(2): handlers become the default, what is ignored stays ignored. */
void sighand_exec(struct sighand *s)
{
	for (int i = 0; i < LINUX_NSIG; i++) {
		u64 keep = s->action[i].handler == LINUX_SIG_IGN ? LINUX_SIG_IGN : LINUX_SIG_DFL;
		s->action[i] = (struct sigaction_k){.handler = keep};
	}
}

static bool is_ignored(const struct task *t, int sig)
{
	u64 h = t->sighand->action[sig - 1].handler;

	return h == LINUX_SIG_IGN || (h == LINUX_SIG_DFL && (SIGNALS_IGNORED_BY_DEFAULT & sigmask_of(sig)));
}

/* init of a PID namespace takes from inside only what it has a handler for; from outside, SIGKILL and SIGSTOP
 * as well */
static bool is_protected_init(const struct task *t, int sig)
{
	const struct pid_ns *ns = t->pid->links[t->pid->level].ns;

	return ns->init && ns->init->tg == t->tg && t->sighand->action[sig - 1].handler == LINUX_SIG_DFL;
}

/* ---- queues ---- */

/* A queue entry charged to the receiver, or NULL when its user may have no more. `beyond`: even then. */
static struct sigqueue *sigqueue_new(const struct task *t, bool beyond)
{
	struct sigqueue *q = knew(struct sigqueue);
	struct user *u = q && t->cred ? user_get(t->cred->uid) : NULL;

	if (!u || (!beyond && u->sigpending >= task_rlimit(t, LINUX_RLIMIT_SIGPENDING))) {
		user_put(u);
		kfree(q);
		return NULL;
	}
	u->sigpending++;
	q->charged = u;
	return q;
}

static void sigqueue_free(struct sigqueue *q)
{
	list_del_init(&q->node);
	if (q->charged)
		q->charged->sigpending--;
	user_put(q->charged);
	kfree(q);
}

void sigpending_clear(struct sigpending *p)
{
	struct sigqueue *q, *next;

	list_for_each_entry_safe (q, next, &p->queue, node)
		sigqueue_free(q);
	p->set = 0;
}

static void sigpending_drop(struct sigpending *p, sigset64 mask)
{
	struct sigqueue *q, *next;

	list_for_each_entry_safe (q, next, &p->queue, node)
		if (mask & sigmask_of(q->info.si_signo))
			sigqueue_free(q);
	p->set &= ~mask;
}

/* The sender's names as the receiver's namespaces have them: no pid if it is not visible there. */
static void set_sender(const struct task *to, struct sigqueue *q, const struct linux_siginfo *info)
{
	struct task *from = current_task();
	bool of_kill = info->si_code == LINUX_SI_USER || info->si_code == LINUX_SI_TKILL;

	q->info = *info;
	if (!from || (!of_kill && info->si_code != LINUX_SI_QUEUE))
		return;
	if (of_kill || !pid_nr(from->tg->leader->pid, task_pid_ns(to)))
		q->info.kill.pid = pid_nr(from->tg->leader->pid, task_pid_ns(to));
	if (of_kill) {
		u32 uid = uid_in(to->cred->user_ns, from->cred->uid);
		q->info.kill.uid = uid == NO_ID ? OVERFLOW_ID : uid;
	}
}

static int enqueue(struct task *t, struct sigpending *p, int sig, const struct linux_siginfo *info)
{
	struct sigqueue *q;
	bool beyond;

	if (sig < LINUX_SIGRTMIN && (p->set & sigmask_of(sig)))
		return 0; /* standard signals do not queue */
	/* the kernel's and kill(2)'s standard signals are not limited; a timer has at most one in the queue
	 */
	beyond = sig < LINUX_SIGRTMIN ? !info || info->si_code >= 0 : info && info->si_code == LINUX_SI_TIMER;
	q = sigqueue_new(t, beyond);
	if (!q) {
		if (sig >= LINUX_SIGRTMIN && info && info->si_code != LINUX_SI_USER)
			return -EAGAIN;
		p->set |= sigmask_of(sig); /* delivered without details */
		if (t->sighand)
			wake_up_all(&t->sighand->signalfd_wait, 0);
		return 0;
	}
	if (info)
		set_sender(t, q, info);
	else
		q->info = (struct linux_siginfo){.si_code = LINUX_SI_KERNEL};
	q->info.si_signo = sig;
	list_add_tail(&q->node, &p->queue);
	p->set |= sigmask_of(sig);
	if (t->sighand)
		wake_up_all(&t->sighand->signalfd_wait, 0);
	return 0;
}

static int take_from(struct sigpending *p, sigset64 allowed, struct linux_siginfo *info)
{
	sigset64 ready = p->set & allowed;
	struct sigqueue *q, *next, *found = NULL;
	bool more = false;
	int sig;

	if (!ready)
		return 0;
	if (ready & SIGNALS_SYNCHRONOUS)
		ready &= SIGNALS_SYNCHRONOUS;
	sig = __builtin_ctzll(ready) + 1;
	list_for_each_entry_safe (q, next, &p->queue, node) {
		if (q->info.si_signo != sig)
			continue;
		if (found)
			more = true;
		else
			found = q;
	}
	*info = (struct linux_siginfo){.si_signo = sig};
	if (found) {
		*info = found->info;
		sigqueue_free(found);
	}
	if (!more)
		p->set &= ~sigmask_of(sig);
	return sig;
}

int signal_dequeue(struct task *t, sigset64 allowed, struct linux_siginfo *info)
{
	int sig = take_from(&t->pending, allowed, info);

	return sig ? sig : take_from(&t->tg->pending, allowed, info);
}

void signal_action_changed(struct task *t, int sig)
{
	struct task *other;

	if (!is_ignored(t, sig))
		return;
	sigpending_drop(&t->tg->pending, sigmask_of(sig));
	list_for_each_entry (other, &t->tg->threads, group_node)
		sigpending_drop(&other->pending, sigmask_of(sig));
}

/* ---- who has something to do ---- */

sigset64 task_blocked(const struct task *t)
{
	return t->ut && uthread_running(t->ut) ? uthread_sigmask(t->ut) : t->local.sigmask;
}

static sigset64 deliverable(const struct task *t)
{
	return (t->pending.set | t->tg->pending.set) & (~task_blocked(t) | SIG_UNBLOCKABLE);
}

/* Must it come to the gate of its control group though it sleeps in a system call? */
static bool freeze_due(const struct task *t)
{
	return t->tg->cgroup && t->tg->cgroup->freezers && !t->at_gate;
}

bool signal_pending(struct task *t)
{
	return t->killed || t->tg->group_exit || deliverable(t) || ptrace_group_trap_due(t) ||
	       (t->tg->stopped && !t->in_stop && !t->pt.tracer) || freeze_due(t);
}

bool fatal_signal_pending(struct task *t)
{
	return t->killed || t->tg->group_exit ||
	       ((t->pending.set | t->tg->pending.set) & sigmask_of(LINUX_SIGKILL));
}

void signal_wake(struct task *t)
{
	if (t->pt.exiting && t->coro) { /* its stop is over if SIGKILL has come */
		coro_wake(t->coro);
		return;
	}
	if (t->state != TASK_ALIVE || !signal_pending(t))
		return;
	if (t->ut && uthread_running(t->ut))
		uthread_interrupt(t->ut);
	else if (t->coro && t->coro->sleep_state != SLEEP_UNINTERRUPTIBLE)
		coro_wake(t->coro);
}

void set_blocked(struct task *t, sigset64 mask)
{
	t->local.sigmask = mask & ~SIG_UNBLOCKABLE;
}

void set_temporary_mask(struct task *t, sigset64 mask)
{
	t->saved_mask = t->local.sigmask;
	t->restore_mask = true;
	set_blocked(t, mask);
}

/* ---- stop and continue ---- */

static void group_continue(struct thread_group *tg)
{
	struct task *t;

	sigpending_drop(&tg->pending, SIGNALS_THAT_STOP);
	list_for_each_entry (t, &tg->threads, group_node)
		sigpending_drop(&t->pending, SIGNALS_THAT_STOP);
	if (!tg->stopped)
		return;
	tg->stopped = false;
	tg->continue_pending = true;
	list_for_each_entry (t, &tg->threads, group_node) {
		t->pt.group_seen = false;
		t->pt.notify_wanted = t->pt.tracer && t->pt.seized;
		if (t->coro && t->coro->sleep_state != SLEEP_UNINTERRUPTIBLE)
			coro_wake(t->coro);
		signal_wake(t);
	}
	child_notify(tg, LINUX_CLD_CONTINUED);
}

static void group_stop(struct thread_group *tg, int sig)
{
	struct task *t;

	list_for_each_entry (t, &tg->threads, group_node)
		if (!t->pt.stopped)
			t->pt.group_seen = false; /* a traced thread that went on stops again */
	if (tg->stopped || tg->group_exit)
		return;
	tg->stopped = true;
	tg->stop_reported = false;
	tg->continue_pending = false;
	tg->stop_signal = sig;
	list_for_each_entry (t, &tg->threads, group_node)
		signal_wake(t);
	if (!ptrace_by_own_parent(tg->leader)) /* a tracer is told by its tracee's stop */
		child_notify(tg, LINUX_CLD_STOPPED);
}

static void sleep_while_stopped(struct task *t)
{
	t->in_stop = true;
	while (t->tg->stopped && !t->pt.tracer && !fatal_signal_pending(t))
		if (sched_sleep(TIME_NEVER, SLEEP_KILLABLE))
			break;
	t->in_stop = false;
}

/* ---- sending ---- */

static void prepare(struct thread_group *tg, int sig)
{
	struct task *t;

	if (sig == LINUX_SIGCONT || sig == LINUX_SIGKILL)
		group_continue(tg);
	if (SIGNALS_THAT_STOP & sigmask_of(sig)) {
		sigpending_drop(&tg->pending, sigmask_of(LINUX_SIGCONT));
		list_for_each_entry (t, &tg->threads, group_node)
			sigpending_drop(&t->pending, sigmask_of(LINUX_SIGCONT));
	}
}

static bool sent_from_outside(const struct task *to)
{
	const struct task *from = current_task();

	return from && !pid_nr(from->pid, task_pid_ns(to));
}

static bool dropped(struct task *t, int sig, bool from_kernel)
{
	if (t->pt.tracer && sig != LINUX_SIGKILL) /* the tracer shall see it */
		return false;
	if ((task_blocked(t) | t->sigwait) & sigmask_of(sig)) /* it may be unblocked, or read by sigwait */
		return false;
	if (is_ignored(t, sig))
		return true;
	if ((SIG_UNBLOCKABLE & sigmask_of(sig)) && sent_from_outside(t))
		return false;
	return !from_kernel && is_protected_init(t, sig) && sig != LINUX_SIGCHLD;
}

int send_signal_task(struct task *t, int sig, const struct linux_siginfo *info)
{
	int err;

	if (t->state != TASK_ALIVE)
		return 0;
	if (t->ut)
		uthread_hold_local(t->ut);
	prepare(t->tg, sig);
	if (dropped(t, sig, !info))
		return 0;
	err = enqueue(t, &t->pending, sig, info);
	if (!err)
		signal_wake(t);
	return err;
}

void fork_signals_begin(struct thread_group *tg, struct fork_signals *f)
{
	f->set = 0;
	list_add_tail(&f->node, &tg->forks);
}

sigset64 fork_signals_end(struct fork_signals *f)
{
	list_del_init(&f->node);
	return f->set;
}

/* `ignored`: it only cancels */
static void tell_forks(struct thread_group *tg, int sig, bool ignored)
{
	struct fork_signals *f;

	list_for_each_entry (f, &tg->forks, node) {
		if (sig == LINUX_SIGCONT)
			f->set &= ~SIGNALS_THAT_STOP;
		else if (SIGNALS_THAT_STOP & sigmask_of(sig))
			f->set &= ~sigmask_of(LINUX_SIGCONT);
		if (!ignored)
			f->set |= sigmask_of(sig);
	}
}

static int send_group(struct thread_group *tg, int sig, const struct linux_siginfo *info, bool many)
{
	struct task *t, *any = NULL, *taker = NULL;
	bool ignored;
	int err;

	list_for_each_entry (t, &tg->threads, group_node) {
		if (t->state != TASK_ALIVE)
			continue;
		any = t;
		if (t->ut)
			uthread_hold_local(t->ut); /* any of them may take it when it changes its mask */
		if (!taker && !(task_blocked(t) & sigmask_of(sig)))
			taker = t;
	}
	if (!any)
		return 0;
	prepare(tg, sig);
	ignored = dropped(taker ? taker : any, sig, !info);
	if (many)
		tell_forks(tg, sig, ignored);
	if (ignored)
		return 0;
	err = enqueue(any, &tg->pending, sig, info);
	if (err)
		return err;
	if (sig == LINUX_SIGKILL) {
		list_for_each_entry (t, &tg->threads, group_node)
			signal_wake(t);
	} else if (taker) {
		signal_wake(taker);
	}
	return 0;
}

int send_signal_group(struct thread_group *tg, int sig, const struct linux_siginfo *info)
{
	return send_group(tg, sig, info, false);
}

int send_signal_one_of_many(struct thread_group *tg, int sig, const struct linux_siginfo *info)
{
	return send_group(tg, sig, info, true);
}

int send_signal_pgrp(struct pid *pgrp, int sig, const struct linux_siginfo *info)
{
	struct thread_group *tg;
	int err = -ESRCH;

	list_for_each_entry (tg, &pgrp->pgrp_members, pgrp_node) {
		if (!sig || !send_signal_one_of_many(tg, sig, info))
			err = 0;
	}
	return err;
}

void siginfo_from_current(struct linux_siginfo *info, int sig, int code)
{
	struct task *t = current_task();

	*info = (struct linux_siginfo){.si_signo = sig, .si_code = code};
	info->kill.pid = pid_vnr(t->tg->leader->pid);
	info->kill.uid = t->cred->uid;
}

void force_signal(struct task *t, int sig)
{
	force_signal_fault(t, sig, LINUX_SI_KERNEL, 0);
}

void force_signal_fault(struct task *t, int sig, int code, u64 addr)
{
	struct linux_siginfo info = {.si_signo = sig, .si_code = code};

	info.fault.addr = addr;
	force_signal_info(t, &info);
}

void force_signal_info(struct task *t, const struct linux_siginfo *info)
{
	int sig = info->si_signo;
	struct sigaction_k *act;

	if (sig < 1 || sig > LINUX_NSIG)
		panic("signal %d is forced", sig);
	act = &t->sighand->action[sig - 1];
	if (act->handler == LINUX_SIG_IGN || (t->local.sigmask & sigmask_of(sig))) {
		act->handler = LINUX_SIG_DFL;
		t->local.sigmask &= ~sigmask_of(sig);
	}
	sigpending_drop(&t->pending, sigmask_of(sig));
	if (enqueue(t, &t->pending, sig, info))
		t->killed = true;
}

void group_kill(struct thread_group *tg, int wait_status)
{
	struct task *t;

	if (!tg->group_exit) {
		tg->group_exit = true;
		tg->group_exit_code = wait_status;
	}
	tg->stopped = false;
	list_for_each_entry (t, &tg->threads, group_node) {
		t->killed = true;
		signal_wake(t);
	}
}

/* ---- delivery ---- */

/* Decides what becomes of the interrupted call before a handler runs (or none does). */
static void fix_restart(struct task *t, s64 ret, const struct sigaction_k *act)
{
	struct uregs r;
	bool again = false;

	switch (-ret) {
	case ERESTARTNOINTR:
		again = true;
		break;
	case ERESTARTSYS:
		again = !act || (act->flags & LINUX_SA_RESTART);
		break;
	case ERESTARTNOHAND:
		again = !act;
		break;
	case ERESTART_RESTARTBLOCK:
		again = !act;
		break;
	default:
		return;
	}
	if (!again) {
		uthread_set_result(t->ut, -EINTR);
		return;
	}
	if (uthread_full_frame(t->ut)) {
		t->killed = true;
		return;
	}
	uthread_get_regs(t->ut, &r);
	r.rax = -ret == ERESTART_RESTARTBLOCK ? 219 /* restart_syscall */ : t->trap.nr;
	r.rip -= 2; /* the syscall instruction */
	if (uthread_set_regs(t->ut, &r))
		t->killed = true;
}

static void default_action(struct task *t, int sig)
{
	sigset64 bit = sigmask_of(sig);

	if (bit & SIGNALS_IGNORED_BY_DEFAULT)
		return;
	if (bit & SIGNALS_THAT_STOP) {
		if (sig != LINUX_SIGSTOP && pgrp_is_orphaned(t->tg->pgrp, NULL))
			return;
		group_stop(t->tg, sig);
		return;
	}
	task_exit_group(t, sig | (bit & SIGNALS_WITH_CORE && t->tg->rlimits[4].cur ? 0x80 : 0));
}

static void run_handler(struct task *t, int sig, const struct linux_siginfo *info)
{
	struct sigaction_k act = t->sighand->action[sig - 1];
	sigset64 saved = t->restore_mask ? t->saved_mask : t->local.sigmask;
	int err;

	t->restore_mask = false;
	if (uthread_full_frame(t->ut)) {
		t->killed = true;
		return;
	}
	err = uthread_settle(t->ut); /* what its call maps or unmaps comes before the frame */
	if (err)
		uthread_set_result(t->ut, err);
	if (uthread_stage_flush(t->ut)) {
		uthread_set_result(t->ut, -EFAULT);
	}
	if (act.flags & LINUX_SA_RESETHAND)
		t->sighand->action[sig - 1].handler = LINUX_SIG_DFL;
	ptrace_handler_begin(t);
	if (sigframe_setup(t, sig, info, &act, saved)) {
		if (sig == LINUX_SIGSEGV)
			t->sighand->action[sig - 1].handler = LINUX_SIG_DFL;
		force_signal(t, LINUX_SIGSEGV);
		return;
	}
	t->local.sigmask |= act.mask;
	if (!(act.flags & LINUX_SA_NODEFER))
		t->local.sigmask |= sigmask_of(sig);
	t->local.sigmask &= ~SIG_UNBLOCKABLE;
	ptrace_handler_step(t);
}

void signal_deliver(struct task *t, bool from_syscall, s64 ret)
{
	struct linux_siginfo info;
	bool handled = false;
	int sig;

	task_show_all(t);
	for (;;) {
		if (t->tg->group_exit)
			task_exit_group(t, t->tg->group_exit_code);
		if (t->killed && t->ends_alone)
			task_exit(t, LINUX_SIGKILL);
		if (t->killed)
			task_exit_group(t, LINUX_SIGKILL);
		if (ptrace_group_trap(t)) {
			ptrace_reread_result(t, &from_syscall, &ret);
			continue;
		}
		if (t->tg->stopped && !t->pt.tracer && !fatal_signal_pending(t)) {
			sleep_while_stopped(t);
			continue;
		}
		sig = signal_dequeue(t, ~t->local.sigmask | SIG_UNBLOCKABLE, &info);
		if (!sig)
			break;
		if (t->pt.tracer && sig != LINUX_SIGKILL) {
			sig = ptrace_signal(t, &info);
			ptrace_reread_result(t, &from_syscall, &ret);
			if (!sig)
				continue;
		}
		if (sig == LINUX_SIGKILL)
			task_exit_group(t, LINUX_SIGKILL);
		if (is_ignored(t, sig))
			continue;
		if (t->sighand->action[sig - 1].handler == LINUX_SIG_DFL) {
			/* it was blocked when it was sent, which is no reason to take it now */
			if (info.si_code <= 0 && is_protected_init(t, sig) &&
			    !(SIG_UNBLOCKABLE & sigmask_of(sig)))
				continue;
			default_action(t, sig);
			continue;
		}
		if (from_syscall && !handled)
			fix_restart(t, ret, &t->sighand->action[sig - 1]);
		handled = true;
		run_handler(t, sig, &info);
	}
	if (from_syscall && !handled)
		fix_restart(t, ret, NULL);
	if (t->restore_mask) {
		t->restore_mask = false;
		t->local.sigmask = t->saved_mask;
	}
}
