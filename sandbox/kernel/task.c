/*
 * task.c - tasks: allocation, the main loop of each, clone(2), and the first process of a container.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/ipc/ipc.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/container.h"
#include "sandbox/kernel/exec.h"
#include "sandbox/kernel/account.h"
#include "sandbox/kernel/itimer.h"
#include "sandbox/kernel/key.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/kernel/user.h"
#include "sandbox/kernel/ptrace.h"
#include "sandbox/mm/callsite.h"
#include "sandbox/mm/mm.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

/* ---- objects ---- */

static void tg_release(struct object *obj)
{
	struct thread_group *tg = container_of(obj, struct thread_group, obj);

	itimers_cancel(tg);
	timer_cancel(&tg->cpu_limit);
	posix_timers_free(tg);
	tty_put(tg->tty);
	if (tg->tty_old_pgrp)
		pid_put(tg->tty_old_pgrp);
	list_del_init(&tg->pgrp_node);
	list_del_init(&tg->session_node);
	pid_put(tg->pgrp);
	pid_put(tg->session);
	cgroup_leave(tg);
	cgroup_put(tg->last_cgroup);
	key_put(tg->process_keyring);
	sigpending_clear(&tg->pending);
	kfree(tg);
}

struct thread_group *tg_get(struct thread_group *tg)
{
	object_get(&tg->obj);
	return tg;
}

void tg_put(struct thread_group *tg)
{
	if (tg)
		object_put(&tg->obj);
}

bool task_exceeds_nproc(const struct task *t, u64 limit)
{
	return t->user && t->user->tasks > limit && t->cred->uid &&
	       !cred_capable(t->cred, LINUX_CAP_SYS_RESOURCE) && !cred_capable(t->cred, LINUX_CAP_SYS_ADMIN);
}

/* Counts a new task with its user: RLIMIT_NPROC of the parent, which root and its like may exceed. */
int task_charge_user(struct task *c, const struct task *p)
{
	c->user = user_get(c->cred->uid);
	if (!c->user)
		return -ENOMEM;
	c->user->tasks++;
	return task_exceeds_nproc(c, task_rlimit(p, LINUX_RLIMIT_NPROC)) ? -EAGAIN : 0;
}

static void task_uncharge_user(struct task *t)
{
	if (t->user)
		t->user->tasks--;
	user_put(t->user);
	t->user = NULL;
}

void task_uncount(struct task *t)
{
	kernel()->task_count--;
	task_uncharge_user(t);
	cgroup_uncharge_task(t);
}

void task_user_changed(struct task *t)
{
	struct user *u = t->user && t->user->uid != t->cred->uid ? user_get(t->cred->uid) : NULL;

	if (!u)
		return;
	task_uncharge_user(t);
	u->tasks++;
	t->user = u;
	t->nproc_exceeded = task_exceeds_nproc(t, task_rlimit(t, LINUX_RLIMIT_NPROC));
}

static void task_release(struct object *obj)
{
	struct task *t = container_of(obj, struct task, obj);

	list_del_init(&t->all_node);
	timer_cancel(&t->kick_again);
	task_uncharge_user(t);
	kernel()->dead_syscalls += t->syscall_count;
	sigpending_clear(&t->pending);
	seccomp_exit(t);
	sighand_put(t->sighand);
	cred_put(t->cred);
	if (t->ns)
		nsproxy_put(t->ns);
	if (t->pid) {
		if (t->pid->task == t)
			t->pid->task = NULL;
		pid_put(t->pid);
	}
	key_put(t->thread_keyring);
	tg_put(t->tg);
	kfree(t);
}

struct task *task_get(struct task *t)
{
	object_get(&t->obj);
	return t;
}

void task_put(struct task *t)
{
	if (t)
		object_put(&t->obj);
}

struct thread_group *tg_new(void)
{
	static const struct rlimit64 unlimited = {UINT64_MAX, UINT64_MAX};
	struct thread_group *tg = knew(struct thread_group);

	if (!tg)
		return NULL;
	object_init(&tg->obj, tg_release);
	list_init(&tg->threads);
	list_init(&tg->children);
	list_init(&tg->sibling_node);
	list_init(&tg->pgrp_node);
	list_init(&tg->session_node);
	list_init(&tg->pending.queue);
	list_init(&tg->forks);
	list_init(&tg->posix_timers);
	wait_queue_init(&tg->child_wait);
	itimer_init(tg);
	timer_init(&tg->cpu_limit, cpu_limit_fire);
	for (int i = 0; i < RLIM_COUNT; i++)
		tg->rlimits[i] = unlimited;
	tg->rlimits[LINUX_RLIMIT_STACK].cur = 8UL << 20;
	tg->rlimits[LINUX_RLIMIT_CORE].cur = 0;
	tg->rlimits[LINUX_RLIMIT_NPROC] = (struct rlimit64){kernel()->task_limit, kernel()->task_limit};
	tg->rlimits[LINUX_RLIMIT_NOFILE] = (struct rlimit64){1024, 1048576};
	tg->rlimits[LINUX_RLIMIT_MEMLOCK] = (struct rlimit64){8UL << 20, 8UL << 20};
	tg->rlimits[LINUX_RLIMIT_SIGPENDING] = (struct rlimit64){65536, 65536};
	tg->rlimits[LINUX_RLIMIT_MSGQUEUE] = (struct rlimit64){819200, 819200};
	tg->rlimits[LINUX_RLIMIT_NICE] = tg->rlimits[LINUX_RLIMIT_RTPRIO] = (struct rlimit64){0, 0};
	tg->start_time_ns = clock_monotonic();
	tg->dumpable = 1;
	list_init(&tg->cgroup_node);
	return tg;
}

static void kick_again(struct timer *timer)
{
	struct task *t = container_of(timer, struct task, kick_again);

	if (t->state == TASK_ALIVE && t->ut)
		signal_wake(t);
}

/* A task with an id in ns, in no group yet; everything shared is still NULL. */
int task_alloc(struct pid_ns *ns, const s32 *set_tid, u32 set_tid_count, struct task **out)
{
	struct kernel *k = kernel();
	struct task *t;
	int err;

	if (k->task_count >= k->task_limit || ns->dying)
		return ns->dying ? -ENOMEM : -EAGAIN;
	t = knew(struct task);
	if (!t)
		return -ENOMEM;
	object_init(&t->obj, task_release);
	list_init(&t->all_node);
	list_init(&t->group_node);
	list_init(&t->pending.queue);
	list_init(&t->pi_states);
	list_init(&t->shm_created);
	list_init(&t->pt.node);
	list_init(&t->pt.tracees);
	wait_queue_init(&t->vfork_wait);
	timer_init(&t->kick_again, kick_again);
	t->altstack.flags = LINUX_SS_DISABLE;
	t->cpu_mask = ~0ULL;
	t->loginuid = t->sessionid = NO_ID;
	t->timer_slack_ns = 50000;
	t->sched.util_max = 1024;
	t->start_time_ns = clock_monotonic();
	err = pid_alloc(ns, set_tid, set_tid_count, &t->pid);
	if (err) {
		task_put(t);
		return err;
	}
	t->pid->task = t;
	k->task_count++;
	list_add_tail(&t->all_node, &k->tasks);
	*out = t;
	return 0;
}

/* Undoes task_alloc for a task that never ran. Who looks at it meanwhile (proc has shown it since it had a
 * group) finds nothing that is gone. */
void task_abandon(struct task *t)
{
	struct mm *mm = t->mm;
	struct fd_table *files = t->files;
	struct fs_context *fs = t->fs;

	task_uncount(t);
	if (t->ut)
		uthread_destroy(t->ut);
	t->ut = NULL;
	ipc_task_leave(t, true);
	t->mm = NULL;
	t->files = NULL;
	t->fs = NULL;
	mm_put(mm);
	fd_table_put(files);
	fs_context_put(fs);
	task_put(t);
}

/* ---- the main loop ---- */

/* Not under --strace, which wants to see all calls. */
static void tell_ids(struct task *t)
{
	uthread_set_local(t->ut, &t->local);
	if (!kernel()->strace)
		uthread_set_ids(t->ut, (u32)pid_vnr(t->tg->leader->pid), (u32)pid_vnr(t->pid));
}

/* Calls that end with EINTR, or begin again, when a signal comes. */
static bool call_waits(u64 nr)
{
	switch (nr) {
	case SYS_read:
	case SYS_poll:
	case SYS_select:
	case SYS_pause:
	case SYS_nanosleep:
	case SYS_wait4:
	case SYS_rt_sigsuspend:
	case SYS_clock_nanosleep:
	case SYS_epoll_wait:
	case SYS_waitid:
	case SYS_pselect6:
	case SYS_ppoll:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_msgsnd:
	case SYS_msgrcv:
	case SYS_mq_timedsend:
	case SYS_mq_timedreceive:
		return true;
	default:
		return false;
	}
}

/* Mappings that wait (mm/deferred.c) are made before anything else happens in the address space. */
static void finish_mappings(struct task *t)
{
	int err = aspace_flush(t->mm->as);

	if (!err)
		return;
	klog(LOG_WARN, "the host refuses a mapping that mmap has promised: %d", err);
	task_exit_group(t, LINUX_SIGKILL);
}

static void serve_syscall(struct task *t)
{
	s64 ret;

	t->regs_changed = false;
	/* What was sent while guest code ran comes before its next call, as if it had interrupted that code:
	 * the call might change what happens on the signal (bash, interrupted in sigaction, would loop for
	 * ever). A call that waits shall find the signal itself and end: begun again after the handler, it
	 * would sleep, though the program means to look at what the handler has noted (readline's pselect).
	 */
	if (signal_pending(t) &&
	    (t->pt.tracer || t->trap.foreign_arch || fatal_signal_pending(t) || !call_waits(t->trap.nr))) {
		t->kicks_too_early = 0;
		if (t->pt.tracer)
			ptrace_rewind_call(t);
		signal_deliver(t, !t->pt.tracer, -ERESTARTNOINTR);
		return;
	}
	if (!uthread_fast(t->ut) && !t->trap.foreign_arch)
		callsite_note(t->mm, t->ut, t->trap.nr);
	if (!task_sees_all_calls(t) || syscall_enter(t, &ret))
		ret = syscall_dispatch(t);
	if (t->pt.tracer) {
		int err = uthread_settle(t->ut);
		if (err)
			ret = err;
	}
	if (!t->regs_changed)
		uthread_set_result(t->ut, ret);
	ptrace_syscall_exit(t);
	if (t->regs_changed)
		tell_ids(t); /* execve(2) may have given it its leader's */
	if (t->killed || signal_pending(t)) {
		if (aspace_deferred(t->mm->as)) /* a frame may go there */
			finish_mappings(t);
		signal_deliver(t, !t->regs_changed, ret);
	} else if (t->restore_mask) {
		t->restore_mask = false;
		t->local.sigmask = t->saved_mask;
	}
}

#define TOO_EARLY_MAX 6
#define TOO_EARLY_NS  100000ULL

/* A signal that comes while the answer is on its way finds the guest at the very instruction behind its
 * system call, where natively it is found once in a blue moon: a hand-over takes a thousand times as long as
 * a return from the kernel. Programs have races there (bash keeps the handler that sigaction returned a few
 * instructions later, and loops for ever without it), so the thread is let go on for a moment: until its next
 * call, or for TOO_EARLY_NS and longer each time if it was not run meanwhile. */
static bool too_early(struct task *t)
{
	struct uregs r;

	if (t->tg->stopped || fatal_signal_pending(t))
		return false;
	uthread_get_regs(t->ut, &r);
	if (r.rcx != r.rip || t->kicks_too_early >= TOO_EARLY_MAX ||
	    timer_arm(&t->kick_again, clock_monotonic() + (TOO_EARLY_NS << t->kicks_too_early)))
		return false;
	t->kicks_too_early++;
	return true;
}

/* A trap while mappings wait, or did when the thread was answered. True if it was a touch of them: the guest
 * tries again. */
static bool touched_deferred(struct task *t, u32 flushes)
{
	bool touched = t->trap.kind == TRAP_FAULT && mm_deferred_fault(t->mm, t->trap.addr, flushes);

	if (t->trap.kind == TRAP_GONE || (t->trap.kind == TRAP_SYSCALL && t->trap.nr == SYS_mmap))
		return false;
	finish_mappings(t);
	return touched;
}

void task_main(void *arg)
{
	struct task *t = arg;
	u32 flushes;

	tell_ids(t);
	if (t->killed || signal_pending(t))
		signal_deliver(t, false, 0);
	for (;;) {
		while (cgroup_gate(t, t->tg->cgroup) || (!uthread_changes_map(t->ut) && turn_gate()) ||
		       fatal_signal_pending(t))
			signal_deliver(t, false, 0); /* what came while it waited */
		t->local.local_ok = !kernel()->strace && !task_sees_all_calls(t) && !t->restore_mask &&
				    !t->pending.set && !t->tg->pending.set;
		flushes = aspace_flushes(t->mm->as);
		uthread_run(t->ut, &t->trap);
		if (uthread_fast(t->ut) && task_sees_all_calls(t))
			uthread_redo_full(t->ut, &t->trap); /* what looks at it may want all registers */
		task_show_all(t);
		if ((aspace_deferred(t->mm->as) || aspace_flushes(t->mm->as) != flushes) &&
		    touched_deferred(t, flushes))
			continue;
		switch (t->trap.kind) {
		case TRAP_SYSCALL:
			serve_syscall(t);
			break;
		case TRAP_FAULT:
			/* nothing mapped there: a stack that grows? */
			if (t->trap.signo != LINUX_SIGSEGV || t->trap.code != LINUX_SEGV_MAPERR ||
			    !mm_grow_stack(t->mm, t->ut, t->trap.addr))
				force_signal_fault(t, t->trap.signo, t->trap.code, t->trap.addr);
			if (t->killed || signal_pending(t))
				signal_deliver(t, false, 0);
			break;
		case TRAP_KICK:
			if (!t->killed && (!signal_pending(t) || too_early(t)))
				break;
			t->kicks_too_early = 0;
			signal_deliver(t, false, 0);
			break;
		case TRAP_GONE:
			task_exit_group(t, LINUX_SIGKILL);
		}
	}
}

/* ---- processes that come from outside ---- */

static int spawn_group(struct task *t, const struct spawn_args *a)
{
	struct thread_group *tg = tg_new();

	if (!tg)
		return -ENOMEM;
	t->tg = tg;
	tg->leader = t;
	tg->exit_signal = LINUX_SIGCHLD;
	tg->pgrp = pid_get(t->pid);
	tg->session = pid_get(t->pid);
	tg->container = a->container;
	tg->held = a->hold;
	tg->tty = tty_get(a->tty);
	if (a->tty)
		tty_set_session(a->tty, tg->session, tg->pgrp);
	tg->on_exit = a->on_exit;
	snprintf(tg->process_name, sizeof(tg->process_name), "%s", a->process_name ? a->process_name : "");
	return 0;
}

/* The new task's coroutine: loads the image first, so that the loader runs as that task. Before the spawner
 * hears of it, the process is one that can be found and killed. */
struct spawn_start {
	struct task *task;
	const struct spawn_args *args;
	struct wait_queue done;
	bool finished;
	int err;
};

static void spawn_main(void *arg)
{
	struct spawn_start *s = arg;
	struct container *ct = s->args->container;
	struct task *t = s->task;
	int err = exec_first(t, s->args->argv, s->args->envp);

	if (!err)
		err = container_check(ct);
	if (!err) {
		struct task *init = ct->pid_ns->init;
		task_publish(t, init ? init->tg : NULL);
		container_process_began(ct, t->tg, s->args->is_init);
	}
	s->err = err;
	s->finished = true;
	wake_up_all(&s->done, 0);
	if (err)
		return; /* the spawner takes the task apart */
	while (t->tg->held && !fatal_signal_pending(t))
		if (sched_sleep(TIME_NEVER, SLEEP_KILLABLE))
			break;
	task_main(t);
}

int task_spawn(const struct spawn_args *a, struct task **out)
{
	struct container *ct = a->container;
	struct spawn_start *s = knew(struct spawn_start);
	struct task *t = NULL;
	int err = container_check(ct);

	if (!err)
		err = cgroup_can_fork(container_cgroup(ct));
	if (!err)
		err = s ? task_alloc(ct->pid_ns, NULL, 0, &t) : -ENOMEM;

	if (err) {
		kfree(s);
		cred_put(a->cred);
		fd_table_put(a->files);
		return err;
	}
	t->files = a->files;
	t->cred = a->cred;
	t->ns = nsproxy_get(ct->ns);
	t->fs = fs_context_dup(ct->fs);
	t->sighand = sighand_dup(NULL);
	err = t->fs && t->sighand ? spawn_group(t, a) : -ENOMEM;
	if (!err)
		err = task_charge_user(t, t);
	if (!err && a->cwd)
		err = fs_context_chdir(t->fs, a->cwd);
	if (!err)
		err = mm_new(&t->mm, NULL);
	cgroup_charge_task(t, container_cgroup(ct));
	task_get(t); /* the caller's: it may end before this coroutine runs again */
	s->task = t;
	s->args = a;
	wait_queue_init(&s->done);
	if (!err)
		err = coro_start(spawn_main, s, t, &t->coro);
	if (!err) {
		t->mm->users = 1;
		wait_event_uninterruptible(&s->done, s->finished);
		err = s->err;
	}
	kfree(s);
	if (err) {
		t->state = TASK_DEAD;
		tell_dying_namespaces(t);
		task_abandon(t);
		task_put(t);
		return err;
	}
	*out = t;
	return 0;
}

/* ---- small questions ---- */

u64 task_rlimit(const struct task *t, int resource)
{
	return t->tg->rlimits[resource].cur;
}

char task_state_letter(struct task *t)
{
	if (t->state != TASK_ALIVE)
		return 'Z';
	if (t->pt.stopped)
		return 't';
	if (t->in_stop)
		return 'T';
	if (t->coro && t->coro->sleeping && t->coro->sleep_state == SLEEP_ANSWER)
		return 'D';
	if (t == current_task() || (t->ut && uthread_running(t->ut)) || (t->coro && coro_runnable(t->coro)))
		return 'R';
	return 'S';
}
