/*
 * clone.c - clone(2): a new task that shares with its parent what the flags say.
 *
 * What the child will be (credentials, root and working directory, namespaces) is made first, because the
 * number it gets depends on its PID namespace. Nothing can see the child before task_publish(); until then a
 * failure takes it apart again.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/ipc/ipc.h"
#include "sandbox/kernel/account.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/container.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

static bool both(u64 f, u64 a, u64 b)
{
	return (f & a) && (f & b);
}

static int check_flags(struct task *p, u64 f)
{
	struct pid_ns *ns = task_pid_ns(p);

	if (both(f, LINUX_CLONE_NEWNS | LINUX_CLONE_NEWUSER, LINUX_CLONE_FS))
		return -EINVAL;
	if ((f & LINUX_CLONE_SIGHAND) && !(f & LINUX_CLONE_VM))
		return -EINVAL;
	if ((f & LINUX_CLONE_THREAD) && !(f & LINUX_CLONE_SIGHAND))
		return -EINVAL;
	if (both(f, LINUX_CLONE_CLEAR_SIGHAND, LINUX_CLONE_SIGHAND) ||
	    both(f, LINUX_CLONE_NEWIPC, LINUX_CLONE_SYSVSEM))
		return -EINVAL;
	if ((f & LINUX_CLONE_PARENT) && ns->init && ns->init->tg == p->tg)
		return -EINVAL; /* a sibling of init would have no parent in the namespace */
	if ((f & LINUX_CLONE_THREAD) &&
	    ((f & (LINUX_CLONE_NEWUSER | LINUX_CLONE_NEWPID)) || ns != p->ns->pid_for_children))
		return -EINVAL;
	if (both(f, LINUX_CLONE_PIDFD, LINUX_CLONE_DETACHED))
		return -EINVAL;
	return 0;
}

/* What decides who and where the child is. */
struct identity {
	struct cred *cred;
	struct fs_context *fs;
	struct nsproxy *ns;
};

static void identity_drop(struct identity *id)
{
	cred_put(id->cred);
	fs_context_put(id->fs);
	nsproxy_put(id->ns);
}

static int make_identity(struct task *p, u64 f, struct identity *id)
{
	struct nsproxy *ns = p->ns;
	int err = 0;

	*id = (struct identity){0};
	if (f & LINUX_CLONE_NEWUSER)
		err = cred_new_user_ns(p->cred, &id->cred);
	else
		id->cred = cred_get(p->cred);
	if (err)
		return err;
	id->fs = f & LINUX_CLONE_FS ? fs_context_get(p->fs) : fs_context_dup(p->fs);
	if (!id->fs)
		return -ENOMEM;
	if (!(f & LINUX_CLONE_NEW_ALL & ~LINUX_CLONE_NEWUSER) && ns->time == ns->time_for_children) {
		id->ns = nsproxy_get(ns);
		return 0;
	}
	err = ns_copy(p, f, id->cred, id->fs, &id->ns);
	if (!err && !(f & LINUX_CLONE_THREAD)) { /* children are born in the time namespace meant for them */
		time_ns_put(id->ns->time);
		id->ns->time = time_ns_get(id->ns->time_for_children);
	}
	return err;
}

static int copy_shared(struct task *p, struct task *c, u64 f)
{
	c->files = f & LINUX_CLONE_FILES ? fd_table_get(p->files) : fd_table_dup(p->files);
	c->sighand = f & LINUX_CLONE_SIGHAND ? sighand_get(p->sighand) : sighand_dup(p->sighand);
	if (!c->files || !c->sighand)
		return -ENOMEM;
	if (f & LINUX_CLONE_CLEAR_SIGHAND)
		sighand_exec(c->sighand);
	return 0;
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
	cpu_limit_changed(tg);
	tg->pgrp = pid_get(p->tg->pgrp);
	tg->session = pid_get(p->tg->session);
	tg->tty = tty_get(p->tg->tty);
	tg->container = p->tg->container;
	tg->dumpable = p->tg->dumpable;
	tg->oom_score_adj = p->tg->oom_score_adj;
	return 0;
}

void task_publish(struct task *t, struct thread_group *parent)
{
	struct thread_group *tg = t->tg;
	struct pid_link *own = &t->pid->links[t->pid->level];

	list_add_tail(&t->group_node, &tg->threads);
	tg->live++;
	if (tg->group_exit) /* killed before anybody could find its threads */
		t->killed = true;
	if (t != tg->leader)
		return;
	if (!own->ns->had_init) {
		own->ns->init = t;
		own->ns->had_init = true;
	}
	tg->parent = parent;
	if (parent)
		list_add_tail(&tg->sibling_node, &parent->children);
	list_add_tail(&tg->pgrp_node, &tg->pgrp->pgrp_members);
	list_add_tail(&tg->session_node, &tg->session->session_members);
	if (!tg->cgroup)
		cgroup_attach(tg, tg->container ? container_cgroup(tg->container) : kernel()->root_cgroup);
	tg_get(tg); /* the process list's own, dropped when it is reaped */
}

/* SCHED_FLAG_RESET_ON_FORK: a child of one with privilege begins as an ordinary process. */
static void inherit_sched(const struct task *p, struct task *c)
{
	c->sched = p->sched;
	c->nice = p->nice;
	c->ioprio = p->ioprio;
	if (!p->sched.reset_on_fork)
		return;
	if (p->sched.policy == 1 || p->sched.policy == 2 || p->sched.policy == 6) {
		c->sched = (struct sched_params){.util_max = p->sched.util_max};
		c->nice = 0;
	}
	c->nice = c->nice < 0 ? 0 : c->nice;
	c->sched.reset_on_fork = false;
}

/* The parent waits until the child needs its host thread no more. A tracer may want to see the parent before.
 */
static bool lends(const struct task *p, u64 flags)
{
	return both(flags, LINUX_CLONE_VFORK, LINUX_CLONE_VM) && !(flags & LINUX_CLONE_THREAD) &&
	       !p->pt.tracer;
}

static int copy_thread_state(struct task *p, struct task *c, const struct clone_args_k *a)
{
	struct uregs regs;
	int err = lends(p, a->flags) ? uthread_lend(p->ut, &c->ut) : -EBUSY;

	if (err == -EBUSY)
		err = uthread_clone(p->ut, c->mm->as, &c->ut);
	if (err)
		return err;
	uthread_get_regs(c->ut, &regs);
	regs.rax = 0;
	if (a->stack.v)
		regs.rsp = a->stack.v;
	if (a->flags & LINUX_CLONE_SETTLS)
		regs.fs_base = a->tls.v;
	err = uthread_set_regs(c->ut, &regs);
	c->local.sigmask = p->local.sigmask;
	seccomp_fork(p, c);
	if (!(a->flags & LINUX_CLONE_VM) || (a->flags & LINUX_CLONE_VFORK))
		c->altstack = p->altstack;
	memcpy(c->comm, p->comm, sizeof(c->comm));
	c->personality = p->personality;
	c->loginuid = p->loginuid;
	c->sessionid = p->sessionid;
	inherit_sched(p, c);
	c->cpu_mask = p->cpu_mask;
	c->mempolicy = p->mempolicy;
	c->timer_slack_ns = p->timer_slack_ns;
	if (a->flags & LINUX_CLONE_CHILD_CLEARTID)
		c->local.clear_tid = a->child_tid.v;
	return err;
}

/* CLONE_PIDFD: the descriptor, in the parent's table only. */
static int give_pidfd(struct task *c, const struct clone_args_k *a, s32 *fd)
{
	struct file *f;
	s64 n;
	int err = pidfd_create(c->pid, a->flags & LINUX_CLONE_THREAD ? PIDFD_THREAD : 0, &f);

	if (err)
		return err;
	n = fd_install(f, 0, true);
	if (n < 0)
		return (int)n;
	*fd = (s32)n;
	return copy_out(a->pidfd, fd, sizeof(*fd)) ? -EFAULT : 0;
}

static int write_ids(struct task *p, struct task *c, const struct clone_args_k *a, s32 *fd)
{
	s32 id = pid_vnr(c->pid);
	int err = 0;

	if (a->flags & LINUX_CLONE_PIDFD)
		err = give_pidfd(c, a, fd);
	if (!err && (a->flags & LINUX_CLONE_PARENT_SETTID) && copy_out(a->parent_tid, &id, sizeof(id)))
		err = -EFAULT;
	return err;
}

/* CLONE_CHILD_SETTID. As in Linux, a bad address is not an error. */
static void write_own_id(const struct task *p, struct task *c, const struct clone_args_k *a)
{
	s32 own = pid_nr(c->pid, task_pid_ns(c));

	if (!(a->flags & LINUX_CLONE_CHILD_SETTID))
		return;
	/* by the child itself, unless somebody may look there before it runs */
	if ((c->mm != p->mm && !p->pt.tracer) ||
	    aspace_write(c->mm->as, a->child_tid, &own, sizeof(own)) != sizeof(own))
		uthread_put(c->ut, a->child_tid, (u32)own);
}

static s64 wait_vfork(struct task *p, struct task *c, s64 nr)
{
	/* the child holds no reference to us that could outlive this frame: it is told when we give up */
	int err = wait_event_state(&c->vfork_wait, c->vfork_done, TIME_NEVER, SLEEP_KILLABLE);

	if (!err)
		uthread_take_back(p->ut);
	task_put(c);
	return err ? -EINTR : nr;
}

/* The child's parts, in an order in which each can fail. */
static int build(struct task *p, struct task *c, const struct clone_args_k *a, s32 *pidfd)
{
	u64 f = a->flags;
	int err = task_charge_user(c, p);

	if (!err)
		err = copy_shared(p, c, f);
	if (!err)
		err = join_group(p, c, f, a->exit_signal);
	if (!err)
		err = ipc_task_fork(p, c, f);
	if (!err) {
		if (f & LINUX_CLONE_VM)
			c->mm = mm_get(p->mm);
		else
			err = mm_fork(p->mm, &c->mm);
	}
	if (!err && fatal_signal_pending(p))
		err = -EINTR;
	if (!err)
		err = write_ids(p, c, a, pidfd);
	if (!err)
		err = copy_thread_state(p, c, a);
	if (!err)
		write_own_id(p, c, a);
	if (!err)
		err = coro_start(task_main, c, c, &c->coro);
	return err;
}

s64 task_clone(struct task *p, const struct clone_args_k *a)
{
	u64 f = a->flags;
	struct fork_signals meanwhile;
	struct identity id;
	s32 pidfd = -1;
	struct task *c;
	s32 traced_nr;
	s64 nr;
	struct cgroup *group = a->cgroup ? a->cgroup : p->tg->cgroup;
	int event, err = check_flags(p, f);

	if (err)
		return err;
	err = make_identity(p, f, &id);
	if (!err)
		err = cgroup_can_fork(group);
	if (!err)
		err = task_alloc(id.ns->pid_for_children, a->set_tid, a->set_tid_count, &c);
	if (err) {
		identity_drop(&id);
		return err;
	}
	cgroup_charge_task(c, group);
	c->cred = id.cred;
	c->fs = id.fs;
	c->ns = id.ns;
	fork_signals_begin(p->tg, &meanwhile);
	err = build(p, c, a, &pidfd);
	fork_signals_end(&meanwhile);
	if (err) {
		if (pidfd >= 0 && fd_close(p, pidfd))
			klog(LOG_DEBUG, "the pidfd of a child that was not made is gone already");
		task_abandon(c);
		return err;
	}
	c->mm->users++;
	if (!(f & LINUX_CLONE_THREAD)) /* the parent may have been moved meanwhile */
		cgroup_attach(c->tg, a->cgroup && !a->cgroup->dead ? a->cgroup : p->tg->cgroup);
	if (c->pids_cgroup != c->tg->cgroup && c->tg->cgroup)
		cgroup_charge_task(c, c->tg->cgroup);
	if (!(f & LINUX_CLONE_THREAD))
		c->tg->parent_thread = f & LINUX_CLONE_PARENT ? p->tg->parent_thread : p;
	task_publish(c, f & LINUX_CLONE_PARENT ? p->tg->parent : p->tg);
	if (!(f & LINUX_CLONE_THREAD) && c->tg->container)
		container_process_began(c->tg->container, c->tg, false);
	if (!(f & LINUX_CLONE_THREAD)) /* nobody else can have sent it anything yet */
		c->tg->pending.set = meanwhile.set;
	nr = pid_vnr(c->pid);
	event = ptrace_clone_event(p, f, a->exit_signal);
	ptrace_clone_child(p, c, f, event);
	traced_nr = p->pt.tracer ? pid_nr(c->pid, task_pid_ns(p->pt.tracer)) : 0;
	if (f & LINUX_CLONE_VFORK)
		task_get(c);
	if (event)
		ptrace_event(p, event, (u64)traced_nr);
	if (f & LINUX_CLONE_VFORK) {
		nr = wait_vfork(p, c, nr);
		ptrace_event(p, LINUX_PTRACE_EVENT_VFORK_DONE, (u64)traced_nr);
	}
	return nr;
}
