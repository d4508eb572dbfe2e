/*
 * exit.c - the end of tasks and processes, and wait(2) for them.
 *
 * A thread's coroutine ends here and never returns to its caller. The process becomes a zombie when its last
 * thread has exited; whoever waits for it frees it. Children go to the nearest subreaper, else to init.
 */
#include <errno.h>

#include "sandbox/abi/wait.h"
#include "sandbox/fs/anon/aio.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/ipc/ipc.h"
#include "sandbox/kernel/container.h"
#include "sandbox/kernel/account.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/itimer.h"
#include "sandbox/kernel/spare.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/kernel/waitpid.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

static void reap(struct thread_group *tg)
{
	struct task *leader = tg->leader;

	if (tg->parent) {
		rusage_add(&tg->parent->dead_children, &tg->dead_threads);
		rusage_add(&tg->parent->dead_children, &tg->dead_children);
	}
	ptrace_unlink(leader);
	list_del_init(&tg->sibling_node);
	list_del_init(&tg->pgrp_node);
	list_del_init(&tg->session_node);
	list_del_init(&leader->group_node);
	leader->state = TASK_DEAD;
	leader->pid->task = NULL;
	leader->pid->exited = true;
	leader->pid->exit_code = tg->group_exit_code;
	wake_up_all(&leader->pid->exit_wait, 0);
	pid_unused(leader->pid);
	pid_unused(tg->pgrp);
	pid_unused(tg->session);
	task_uncount(leader);
	task_put(leader);
	tg_put(tg);
	mounts_sweep();
}

bool pgrp_is_orphaned(struct pid *pgrp, struct thread_group *ignore)
{
	struct thread_group *tg;

	list_for_each_entry (tg, &pgrp->pgrp_members, pgrp_node) {
		if (tg == ignore || tg->live == 0 || !tg->parent)
			continue;
		if (tg->parent->pgrp != pgrp && tg->parent->session == tg->session)
			return false;
	}
	return true;
}

/* Tells the parent that tg has stopped, continued or ended, by signal and by waking waiters. */
void child_notify(struct thread_group *tg, int code)
{
	struct thread_group *parent = tg->parent;
	struct linux_siginfo info = {.si_code = code};
	int status = tg->group_exit_code, sig = LINUX_SIGCHLD;

	if (!parent)
		return;
	if (code == LINUX_CLD_STOPPED) {
		info.chld.status = tg->stop_signal;
	} else if (code == LINUX_CLD_CONTINUED) {
		info.chld.status = LINUX_SIGCONT;
	} else {
		sig = tg->exit_signal;
		info.si_code = !(status & 0x7f) ? LINUX_CLD_EXITED
			       : status & 0x80  ? LINUX_CLD_DUMPED
						: LINUX_CLD_KILLED;
		info.chld.status = status & 0x7f ? status & 0x7f : status >> 8;
	}
	info.chld.pid = pid_nr(tg->leader->pid, task_pid_ns(parent->leader));
	info.chld.uid = uid_in(parent->leader->cred->user_ns, tg->leader->cred->uid);
	if (info.chld.uid == NO_ID)
		info.chld.uid = OVERFLOW_ID;
	info.chld.utime = (s64)(tg->dead_threads.utime_ns / 10000000);
	info.chld.stime = (s64)(tg->dead_threads.stime_ns / 10000000);
	if (sig && !((code == LINUX_CLD_STOPPED || code == LINUX_CLD_CONTINUED) &&
		     (parent->leader->sighand &&
		      parent->leader->sighand->action[LINUX_SIGCHLD - 1].flags & LINUX_SA_NOCLDSTOP)))
		if (send_signal_group(parent, sig, &info))
			klog(LOG_WARN, "a child's signal could not be queued");
	wake_up_all(&parent->child_wait, 0);
}

static struct thread_group *find_reaper(struct thread_group *tg)
{
	struct pid_ns *ns = task_pid_ns(tg->leader);

	for (struct thread_group *p = tg->parent; p && task_pid_ns(p->leader) == ns; p = p->parent)
		if (p->child_subreaper && p->live)
			return p;
	return ns->init && ns->init->tg != tg ? ns->init->tg : NULL;
}

static bool parent_ignores(const struct thread_group *parent)
{
	const struct sigaction_k *act;

	if (!parent->leader->sighand)
		return true;
	act = &parent->leader->sighand->action[LINUX_SIGCHLD - 1];
	return act->handler == LINUX_SIG_IGN || (act->flags & LINUX_SA_NOCLDWAIT);
}

/* The connection between tg's process group and its parent's ends. If it was the group's last to its session,
 * and a member is stopped, nobody could continue it any more: it gets SIGHUP and SIGCONT. `ignore` is the one
 * who is just ending. */
static void connection_ended(struct thread_group *tg, const struct thread_group *parent,
			     struct thread_group *ignore)
{
	struct thread_group *m;
	bool stopped = false;

	if (!parent || parent->pgrp == tg->pgrp || parent->session != tg->session ||
	    !pgrp_is_orphaned(tg->pgrp, ignore))
		return;
	list_for_each_entry (m, &tg->pgrp->pgrp_members, pgrp_node)
		stopped |= m->stopped && m->live;
	if (!stopped)
		return;
	(void)send_signal_pgrp(tg->pgrp, LINUX_SIGHUP, NULL);
	(void)send_signal_pgrp(tg->pgrp, LINUX_SIGCONT, NULL);
}

static void tell_parent(struct thread_group *tg);

static void orphan_children(struct thread_group *tg)
{
	struct thread_group *reaper = find_reaper(tg), *child, *next;

	list_for_each_entry_safe (child, next, &tg->children, sibling_node) {
		if (child->live && child->leader->pdeath_signal)
			(void)!send_signal_group(child, child->leader->pdeath_signal, NULL);
		list_del_init(&child->sibling_node);
		child->parent = reaper;
		child->parent_thread = reaper ? reaper->leader : NULL;
		if (reaper) {
			list_add_tail(&child->sibling_node, &reaper->children);
			child->exit_signal = LINUX_SIGCHLD;
		}
		connection_ended(child, tg, NULL);
		if (child->live == 0 && !ptrace_holds_zombie(child->leader)) {
			tell_parent(child); /* the new one may ignore its children's ends */
		}
	}
}

static struct task *other_thread(const struct task *t)
{
	struct task *other;

	list_for_each_entry (other, &t->tg->threads, group_node)
		if (other != t && other->state == TASK_ALIVE)
			return other;
	return NULL;
}

/* A thread ends before its process: another one has its children now. */
static void hand_on_children(struct task *t)
{
	struct task *heir = list_empty(&t->tg->children) ? NULL : other_thread(t);
	struct thread_group *child;

	list_for_each_entry (child, &t->tg->children, sibling_node) {
		if (child->parent_thread != t)
			continue;
		child->parent_thread = heir;
		if (child->live && child->leader->pdeath_signal)
			(void)!send_signal_group(child, child->leader->pdeath_signal, NULL);
	}
}

/* Somebody else who is still alive in ns. */
static bool anyone_left(struct pid_ns *ns, struct thread_group *self)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->tg != self && t->state == TASK_ALIVE && pid_nr(t->pid, ns))
			return true;
	return false;
}

/* init of a PID namespace ends: everything in it is killed, and only when all of it is gone does init become
 * a zombie, so that whoever waits for init knows that nothing is left. [sleeps] */
static void namespace_end(struct pid_ns *ns, struct thread_group *self)
{
	struct thread_group *child, *next;
	struct task *t;

	ns->dying = true;
	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->tg && t->tg != self && t->state == TASK_ALIVE && pid_nr(t->pid, ns))
			group_kill(t->tg, LINUX_SIGKILL);
	wait_event_uninterruptible(&ns->empty_wait, !anyone_left(ns, self));
	list_for_each_entry_safe (child, next, &self->children, sibling_node)
		if (!child->live)
			reap(child);
}

void tell_dying_namespaces(struct task *t)
{
	for (struct pid_ns *ns = task_pid_ns(t); ns; ns = ns->parent)
		if (ns->dying)
			wake_up_all(&ns->empty_wait, 0);
}

/* The zombie is its parent's now. */
static void tell_parent(struct thread_group *tg)
{
	if (!tg->parent || tg->parent->live == 0) {
		reap(tg);
		return;
	}
	if (parent_ignores(tg->parent)) {
		struct thread_group *parent = tg->parent;
		reap(tg);
		wake_up_all(&parent->child_wait, 0);
		return;
	}
	child_notify(tg, LINUX_CLD_EXITED);
}

/* A thread that is not the leader: nobody but a tracer waits for it. */
static void release_thread(struct task *t)
{
	sighand_put(t->sighand);
	t->sighand = NULL;
	t->state = TASK_DEAD;
	t->pid->task = NULL;
	t->pid->exited = true;
	t->pid->exit_code = t->exit_code;
	pid_unused(t->pid);
	task_uncount(t);
	task_put(t);
	mounts_sweep();
}

void task_release_zombie(struct task *t)
{
	if (t != t->tg->leader)
		release_thread(t);
	else if (!t->tg->live)
		tell_parent(t->tg);
}

static void process_end(struct task *t)
{
	struct thread_group *tg = t->tg;
	struct pid_ns *ns = task_pid_ns(t);

	tg->group_exit = true;
	itimers_cancel(tg);
	timer_cancel(&tg->cpu_limit);
	posix_timers_free(tg);
	tty_disassociate(tg, true);
	if (ns->init && ns->init->tg == tg) {
		namespace_end(ns, tg);
		ns->init = NULL;
	}
	orphan_children(tg);
	connection_ended(tg, tg->parent, tg);
	tell_dying_namespaces(t);
	if (tg->cgroup)
		t->pid->cgroup_id = tg->cgroup->id;
	cgroup_leave(tg);
	wake_up_all(&t->pid->exit_wait, 0);
	container_process_ended(tg);
	if (tg->on_exit)
		tg->on_exit(tg, tg->group_exit_code);
	if (ptrace_holds_zombie(t))
		ptrace_notify_exit(t);
	else
		tell_parent(tg);
}

void vfork_release(struct task *t)
{
	t->vfork_done = true;
	wake_up_all(&t->vfork_wait, 0);
}

/* Gives back what the task holds while it can still be looked at. */
static void drop_resources(struct task *t)
{
	struct fd_table *files = t->files;
	struct fs_context *fs = t->fs;
	struct mm *mm = t->mm;

	/* closing may sleep (a FUSE server is told): who looks at the task meanwhile finds nothing half gone
	 */
	t->files = NULL;
	fd_table_put(files);
	t->fs = NULL;
	fs_context_put(fs);
	if (!t->ut)
		return; /* a container's idle init: no memory, no thread */
	if (!spare_keep(t))
		uthread_destroy(t->ut);
	t->ut = NULL;
	t->mm = NULL;
	if (!--mm->users)
		aio_mm_exit(mm);
	mm_put(mm);
}

void task_exit(struct task *t, int wait_status)
{
	struct thread_group *tg = t->tg;
	bool last, thread = t != tg->leader;

	ptrace_event(t, LINUX_PTRACE_EVENT_EXIT, (u64)wait_status);
	t->exit_code = wait_status;
	futex_exit(t);
	seccomp_exit(t);
	ipc_task_leave(t, false);
	account_exit(t);
	vfork_release(t); /* from here on the parent may want its host thread back */
	drop_resources(t);
	ptrace_tracer_exits(t);
	t->state = TASK_ZOMBIE;
	t->coro = NULL; /* ends below; a zombie may long be looked at, and must not be woken */
	wake_up_all(&t->pid->exit_wait, 0);
	last = --tg->live == 0;
	if (!last)
		hand_on_children(t);
	if (last && !tg->group_exit)
		tg->group_exit_code = wait_status;
	if (thread) {
		task_get(t); /* for what is left to do here */
		list_del_init(&t->group_node);
		if (t->pt.tracer)
			ptrace_notify_exit(t);
		else
			release_thread(t);
	}
	tg_get(tg);
	if (last)
		process_end(tg->leader);
	else
		wake_up_all(&tg->child_wait, 0); /* execve may wait for the others to go */
	if (thread)
		task_put(t);
	tg_put(tg);
	coro_exit();
}

void task_exit_group(struct task *t, int wait_status)
{
	if (!t->tg->group_exit)
		group_kill(t->tg, wait_status);
	task_exit(t, t->tg->group_exit_code);
}

/* ---- wait ---- */

static bool matches(struct thread_group *tg, const struct wait_args *a)
{
	if (a->type == WAIT_PID && (!a->pid || tg->leader->pid != a->pid))
		return false;
	if (a->type == WAIT_PGRP && tg->pgrp != a->pid)
		return false;
	if ((a->options & LINUX_WNOTHREAD_BIT) && tg->parent_thread != current_task())
		return false;
	if (!(a->options & LINUX_WALL_BIT)) {
		bool clone = tg->exit_signal != LINUX_SIGCHLD;
		if (clone != !!(a->options & LINUX_WCLONE_BIT))
			return false;
	}
	return true;
}

static void fill(struct wait_result *r, struct thread_group *tg, int code, int status)
{
	r->pid = pid_vnr(tg->leader->pid);
	r->uid = uid_seen(tg->leader->cred->uid);
	r->code = code;
	r->status = status;
	r->usage = tg->dead_threads;
	rusage_add(&r->usage, &tg->dead_children);
}

/* One child has news of a kind that is wanted: reports it (and takes it, unless WNOWAIT). */
static bool take_news(struct thread_group *tg, const struct wait_args *a, struct wait_result *r)
{
	bool keep = a->options & LINUX_WNOWAIT_BIT;
	int s = tg->group_exit_code;

	if ((a->options & LINUX_WEXITED_BIT) && tg->live == 0 && !ptrace_holds_zombie(tg->leader)) {
		fill(r, tg,
		     !(s & 0x7f) ? LINUX_CLD_EXITED
		     : s & 0x80  ? LINUX_CLD_DUMPED
				 : LINUX_CLD_KILLED,
		     s);
		if (!keep)
			reap(tg);
		return true;
	}
	if ((a->options & LINUX_WSTOPPED_BIT) && tg->live && tg->stopped && !tg->stop_reported &&
	    !ptrace_by_own_parent(tg->leader)) {
		fill(r, tg, LINUX_CLD_STOPPED, tg->stop_signal << 8 | 0x7f);
		tg->stop_reported = !keep;
		return true;
	}
	if ((a->options & LINUX_WCONTINUED_BIT) && tg->live && tg->continue_pending) {
		fill(r, tg, LINUX_CLD_CONTINUED, 0xffff);
		tg->continue_pending = keep;
		return true;
	}
	return false;
}

/* 1 found, 0 none yet, -ECHILD */
static int look(struct thread_group *self, const struct wait_args *a, struct wait_result *r)
{
	struct thread_group *tg, *next;
	int traced = ptrace_look(current_task(), a, r);
	bool any = traced >= 0;

	if (traced > 0)
		return 1;
	list_for_each_entry_safe (tg, next, &self->children, sibling_node) {
		if (!matches(tg, a))
			continue;
		any = true;
		if (take_news(tg, a, r))
			return 1;
	}
	return any ? 0 : -ECHILD;
}

int task_wait(const struct wait_args *a, struct wait_result *r)
{
	struct thread_group *self = current_task()->tg;
	int found = 0, err;

	memset(r, 0, sizeof(*r));
	err = wait_event(&self->child_wait,
			 (found = look(self, a, r)) != 0 || (a->options & LINUX_WNOHANG_BIT), TIME_NEVER);
	if (err)
		return err;
	return found < 0 ? found : 0;
}
