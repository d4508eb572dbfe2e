/*
 * task.c - tasks: allocation, the main loop of each, clone(2), and the first process of a container.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/kernel/exec.h"
#include "sandbox/kernel/itimer.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

/* ---- objects ---- */

static void tg_release(struct object *obj)
{
	struct thread_group *tg = container_of(obj, struct thread_group, obj);

	itimers_cancel(tg);
	posix_timers_free(tg);
	tty_put(tg->tty);
	list_del_init(&tg->pgrp_node);
	list_del_init(&tg->session_node);
	pid_put(tg->pgrp);
	pid_put(tg->session);
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

static void task_release(struct object *obj)
{
	struct task *t = container_of(obj, struct task, obj);

	list_del_init(&t->all_node);
	kernel()->dead_syscalls += t->syscall_count;
	sigpending_clear(&t->pending);
	sighand_put(t->sighand);
	cred_put(t->cred);
	if (t->ns)
		nsproxy_put(t->ns);
	if (t->pid) {
		if (t->pid->task == t)
			t->pid->task = NULL;
		pid_put(t->pid);
	}
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
	list_init(&tg->posix_timers);
	wait_queue_init(&tg->child_wait);
	itimer_init(tg);
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
	tg->dumpable = true;
	return tg;
}

/* A task with an id in ns, in no group yet; everything shared is still NULL. */
int task_alloc(struct pid_ns *ns, struct task **out)
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
	list_init(&t->pt.node);
	list_init(&t->pt.tracees);
	wait_queue_init(&t->vfork_wait);
	wait_queue_init(&t->exit_wait);
	t->altstack.flags = LINUX_SS_DISABLE;
	t->cpu_mask = ~0ULL;
	t->timer_slack_ns = 50000;
	t->start_time_ns = clock_monotonic();
	err = pid_alloc(ns, &t->pid);
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

/* Undoes task_alloc for a task that never ran. */
void task_abandon(struct task *t)
{
	kernel()->task_count--;
	if (t->ut)
		uthread_destroy(t->ut);
	t->ut = NULL;
	mm_put(t->mm);
	fd_table_put(t->files);
	fs_context_put(t->fs);
	task_put(t);
}

/* ---- the main loop ---- */

static void serve_syscall(struct task *t)
{
	s64 ret;

	t->regs_changed = false;
	/* What was sent while guest code ran comes before its next call, as if it had interrupted that code:
	 * the call might change what happens on the signal (bash, interrupted in sigaction, would loop for
	 * ever). */
	if (signal_pending(t)) {
		signal_deliver(t, true, -ERESTARTNOINTR);
		return;
	}
	ret = syscall_dispatch(t);
	if (!t->regs_changed)
		uthread_set_result(t->ut, ret);
	if (t->killed || signal_pending(t))
		signal_deliver(t, !t->regs_changed, ret);
	else if (t->restore_mask) {
		t->restore_mask = false;
		t->blocked = t->saved_mask;
	}
}

void task_main(void *arg)
{
	struct task *t = arg;

	if (t->killed || signal_pending(t))
		signal_deliver(t, false, 0);
	for (;;) {
		uthread_run(t->ut, &t->trap);
		switch (t->trap.kind) {
		case TRAP_SYSCALL:
			serve_syscall(t);
			break;
		case TRAP_FAULT:
			force_signal_fault(t, t->trap.signo, t->trap.code, t->trap.addr);
			signal_deliver(t, false, 0);
			break;
		case TRAP_KICK:
			if (t->killed || signal_pending(t))
				signal_deliver(t, false, 0);
			break;
		case TRAP_GONE:
			task_exit_group(t, LINUX_SIGKILL);
		}
	}
}

/* ---- clone ---- */

static int check_flags(u64 f)
{
	if ((f & LINUX_CLONE_SIGHAND) && !(f & LINUX_CLONE_VM))
		return -EINVAL;
	if ((f & LINUX_CLONE_THREAD) && !(f & LINUX_CLONE_SIGHAND))
		return -EINVAL;
	if ((f & LINUX_CLONE_FS) && (f & LINUX_CLONE_NEWNS))
		return -EINVAL;
	if (f & LINUX_CLONE_PIDFD)
		return -EINVAL;
	if (f & LINUX_CLONE_NEW_ALL)
		return capable(LINUX_CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	return 0;
}

static int copy_shared(struct task *p, struct task *c, u64 f)
{
	c->files = f & LINUX_CLONE_FILES ? fd_table_get(p->files) : fd_table_dup(p->files);
	c->fs = f & LINUX_CLONE_FS ? fs_context_get(p->fs) : fs_context_dup(p->fs);
	c->sighand = f & LINUX_CLONE_SIGHAND ? sighand_get(p->sighand) : sighand_dup(p->sighand);
	c->ns = nsproxy_get(p->ns);
	c->cred = cred_get(p->cred);
	return c->files && c->fs && c->sighand ? 0 : -ENOMEM;
}

static int join_group(struct task *p, struct task *c, u64 f, int exit_signal)
{
	struct thread_group *tg;

	if (f & LINUX_CLONE_THREAD) {
		c->tg = tg_get(p->tg);
		return 0;
	}
	tg = tg_new();
	if (!tg)
		return -ENOMEM;
	c->tg = tg;
	tg->leader = c;
	tg->exit_signal = f & LINUX_CLONE_PARENT ? p->tg->exit_signal : exit_signal;
	memcpy(tg->rlimits, p->tg->rlimits, sizeof(tg->rlimits));
	tg->pgrp = pid_get(p->tg->pgrp);
	tg->session = pid_get(p->tg->session);
	tg->tty = tty_get(p->tg->tty);
	tg->container = p->tg->container;
	tg->dumpable = p->tg->dumpable;
	tg->oom_score_adj = p->tg->oom_score_adj;
	return 0;
}

/* Links a complete child in: from here on it can be seen, signalled and waited for. */
static void publish(struct task *p, struct task *c, u64 f)
{
	struct thread_group *tg = c->tg;

	list_add_tail(&c->group_node, &tg->threads);
	tg->live++;
	if (f & LINUX_CLONE_THREAD)
		return;
	tg->parent = f & LINUX_CLONE_PARENT ? p->tg->parent : p->tg;
	if (tg->parent)
		list_add_tail(&tg->sibling_node, &tg->parent->children);
	list_add_tail(&tg->pgrp_node, &tg->pgrp->pgrp_members);
	list_add_tail(&tg->session_node, &tg->session->session_members);
	if (tg->container)
		tg->container->process_count++;
	tg_get(tg); /* the process list's own, dropped when it is reaped */
}

static int copy_thread_state(struct task *p, struct task *c, const struct clone_args_k *a)
{
	struct uregs regs;
	int err = uthread_clone(p->ut, c->mm->as, &c->ut);

	if (err)
		return err;
	uthread_get_regs(c->ut, &regs);
	regs.rax = 0;
	if (a->stack.v)
		regs.rsp = a->stack.v;
	if (a->flags & LINUX_CLONE_SETTLS)
		regs.fs_base = a->tls.v;
	err = uthread_set_regs(c->ut, &regs);
	c->blocked = p->blocked;
	if (!(a->flags & LINUX_CLONE_VM) || (a->flags & LINUX_CLONE_VFORK))
		c->altstack = p->altstack;
	memcpy(c->comm, p->comm, sizeof(c->comm));
	c->personality = p->personality;
	c->nice = p->nice;
	c->sched_policy = p->sched_policy;
	c->sched_priority = p->sched_priority;
	c->cpu_mask = p->cpu_mask;
	c->timer_slack_ns = p->timer_slack_ns;
	if (a->flags & LINUX_CLONE_CHILD_CLEARTID)
		c->clear_child_tid = a->child_tid;
	return err;
}

static int write_ids(struct task *p, struct task *c, const struct clone_args_k *a)
{
	s32 id = pid_vnr(c->pid);

	if ((a->flags & LINUX_CLONE_PARENT_SETTID) && copy_out(a->parent_tid, &id, sizeof(id)))
		return -EFAULT;
	/* as Linux, a bad child_tid is not an error */
	if ((a->flags & LINUX_CLONE_CHILD_SETTID) &&
	    aspace_write(c->mm->as, a->child_tid, &id, sizeof(id)) < 0)
		return 0;
	return 0;
}

static s64 wait_vfork(struct task *p, struct task *c, s64 nr)
{
	/* the child holds no reference to us that could outlive this frame: it is told when we give up */
	int err = wait_event_state(&c->vfork_wait, c->vfork_done, TIME_NEVER, SLEEP_KILLABLE);

	task_put(c);
	return err ? -EINTR : nr;
}

s64 task_clone(struct task *p, const struct clone_args_k *a)
{
	u64 f = a->flags;
	struct task *c;
	s64 nr;
	int err = check_flags(f);

	if (!err)
		err = task_alloc(p->ns->pid_for_children, &c);
	if (err)
		return err;
	err = copy_shared(p, c, f);
	if (!err)
		err = join_group(p, c, f, a->exit_signal);
	if (!err) {
		if (f & LINUX_CLONE_VM)
			c->mm = mm_get(p->mm);
		else
			err = mm_fork(p->mm, &c->mm);
	}
	/* what was sent to the process group while the memory was copied would miss the child: take it first
	 */
	if (!err && signal_pending(p))
		err = -ERESTARTNOINTR;
	if (!err)
		err = copy_thread_state(p, c, a);
	if (!err)
		err = write_ids(p, c, a);
	if (!err)
		err = coro_start(task_main, c, c, &c->coro);
	if (err) {
		task_abandon(c);
		return err;
	}
	c->mm->users++;
	publish(p, c, f);
	nr = pid_vnr(c->pid);
	if (f & LINUX_CLONE_VFORK)
		return wait_vfork(p, task_get(c), nr);
	return nr;
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
	tg->tty = tty_get(a->tty);
	if (a->tty)
		tty_set_session(a->tty, tg->session, tg->pgrp);
	tg->on_exit = a->on_exit;
	snprintf(tg->process_name, sizeof(tg->process_name), "%s", a->process_name ? a->process_name : "");
	return 0;
}

/* The new task's coroutine: loads the image first, so that the loader runs as that task. */
struct spawn_start {
	struct task *task;
	char **argv, **envp;
	struct wait_queue done;
	bool finished;
	int err;
};

static void spawn_main(void *arg)
{
	struct spawn_start *s = arg;
	struct task *t = s->task;

	s->err = exec_first(t, s->argv, s->envp);
	s->finished = true;
	wake_up_all(&s->done, 0);
	if (s->err)
		return; /* the spawner takes the task apart */
	task_main(t);
}

int task_spawn(const struct spawn_args *a, struct task **out)
{
	struct container *ct = a->container;
	struct spawn_start *s = knew(struct spawn_start);
	struct task *t = NULL;
	int err = s ? task_alloc(ct->pid_ns, &t) : -ENOMEM;

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
	if (!err && a->cwd)
		err = fs_context_chdir(t->fs, a->cwd);
	if (!err)
		err = mm_new(&t->mm);
	s->task = t;
	s->argv = a->argv;
	s->envp = a->envp;
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
		task_abandon(t);
		return err;
	}
	if (!ct->pid_ns->init) {
		ct->pid_ns->init = t;
		ct->init = t;
	} else {
		t->tg->parent = ct->pid_ns->init->tg;
	}
	{
		struct thread_group *parent = t->tg->parent;
		t->tg->parent = NULL;
		publish(t, t, LINUX_CLONE_PARENT);
		t->tg->parent = parent;
		if (parent)
			list_add_tail(&t->tg->sibling_node, &parent->children);
	}
	*out = t;
	return 0;
}

/* ---- small questions ---- */

u64 task_rlimit(const struct task *t, int resource)
{
	return t->tg->rlimits[resource].cur;
}

u64 task_cpu_time(struct task *t)
{
	return t->ut ? uthread_cpu_time(t->ut) : t->usage.utime_ns;
}

u64 group_cpu_time(struct thread_group *tg)
{
	u64 sum = tg->dead_threads.utime_ns;
	struct task *t;

	list_for_each_entry (t, &tg->threads, group_node)
		sum += task_cpu_time(t);
	return sum;
}

char task_state_letter(struct task *t)
{
	if (t->state != TASK_ALIVE)
		return 'Z';
	if (t->in_stop)
		return 'T';
	return t->ut && uthread_running(t->ut) ? 'R' : t == current_task() ? 'R' : 'S';
}
