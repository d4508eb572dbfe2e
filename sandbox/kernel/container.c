/*
 * container.c - containers. See container.h.
 *
 * A container's processes are all in its PID namespace (or in one nested in it). Its first process is the
 * supervisor's, or, when the supervisor only wants to start commands now and then, one made here: a task
 * without memory and without a thread in any stub, which ignores every signal and sleeps until the container
 * goes. Ignoring SIGCHLD, it leaves no zombie of the orphans it adopts.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/kernel/container.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define DEATH_POLL_NS (2 * 1000000ULL)

struct container *container_find(const char *id)
{
	struct container *ct;

	list_for_each_entry (ct, &kernel()->containers, node)
		if (!strcmp(ct->id, id))
			return ct;
	return NULL;
}

static void container_free(struct container *ct)
{
	list_del_init(&ct->node);
	fs_context_put(ct->fs);
	nsproxy_put(ct->ns);
	pid_ns_put(ct->pid_ns);
	user_ns_put(ct->user_ns);
	if (ct->cgroup)
		cgroup_remove_tree(ct->cgroup);
	cgroup_put(ct->cgroup);
	kfree(ct);
}

static int make_namespaces(struct container *ct, const struct container_spec *spec)
{
	struct mount *root = spec->root;
	struct path top = {root, root->root};
	struct nsproxy *ns = nsproxy_dup(NULL);
	struct user_ns *user = user_ns_get(kernel()->root_user_ns);
	int err;

	ct->ns = ns;
	ct->user_ns = user;
	if (!ns) {
		mount_put(root);
		return -ENOMEM;
	}
	root->flags |= MNT_RELATIME;
	ns->mnt = mount_ns_new(user, root);
	if (!ns->mnt)
		return -ENOMEM;
	ct->fs = fs_context_new(&top, &top);
	ct->own_pid_ns = !spec->pid;
	ct->pid_ns = spec->pid ? pid_ns_get(spec->pid->pid_ns) : pid_ns_new(user, kernel()->root_pid_ns);
	err = cgroup_new(kernel()->root_cgroup, ct->id, &ct->cgroup);
	if (err)
		return err;
	ns->uts = spec->uts ? uts_ns_get(spec->uts->ns->uts) : uts_ns_new(user, spec->hostname, "(none)");
	ns->ipc = spec->ipc ? ipc_ns_get(spec->ipc->ns->ipc) : ipc_ns_new(user);
	ns->net = net_ns_get(kernel()->net_ns);
	ns->time = time_ns_get(kernel()->root_time_ns);
	ns->time_for_children = time_ns_get(kernel()->root_time_ns);
	ns->cgroup = cgroup_ns_new(user, ct->cgroup);
	if (!ct->fs || !ct->pid_ns || !ns->uts || !ns->ipc || !ns->cgroup)
		return -ENOMEM;
	ns->pid_for_children = pid_ns_get(ct->pid_ns);
	return 0;
}

int container_new(const struct container_spec *spec, struct container **out)
{
	struct container *ct = container_find(spec->id) ? NULL : knew(struct container);
	int err;

	if (!ct) {
		mount_put(spec->root);
		return container_find(spec->id) ? -EEXIST : -ENOMEM;
	}
	list_init(&ct->node);
	snprintf(ct->id, sizeof(ct->id), "%s", spec->id);
	err = make_namespaces(ct, spec);
	if (err) {
		container_free(ct);
		return err;
	}
	list_add_tail(&ct->node, &kernel()->containers);
	*out = ct;
	return 0;
}

int container_check(const struct container *ct)
{
	if (ct->status == CONTAINER_CREATING || ct->status == CONTAINER_DELETING)
		return -EBUSY;
	return ct->status == CONTAINER_STOPPED || ct->pid_ns->dying ? -ESRCH : 0;
}

struct cgroup *container_cgroup(const struct container *ct)
{
	if (ct->cgroup->control && ct->main && ct->main->cgroup)
		return ct->main->cgroup;
	return ct->cgroup;
}

/* ---- its processes ---- */

void container_process_began(struct container *ct, struct thread_group *tg, bool is_main)
{
	ct->process_count++;
	if (is_main)
		ct->main = tg;
	if (ct->status == CONTAINER_CREATED && !(ct->main && ct->main->held))
		ct->status = CONTAINER_RUNNING;
}

void container_process_ended(struct thread_group *tg)
{
	struct container *ct = tg->container;

	if (!ct)
		return;
	tg->container = NULL;
	ct->process_count--;
	if (ct->main != tg)
		return;
	ct->main = NULL;
	ct->main_ended = true;
	ct->main_status = tg->group_exit_code;
	if (ct->status != CONTAINER_DELETING)
		ct->status = CONTAINER_STOPPED;
	if (!ct->own_pid_ns) /* else the namespace's end has done it */
		container_kill(ct);
}

int container_start(struct container *ct)
{
	if (!ct->main)
		return -ESRCH;
	if (!ct->main->held)
		return -EALREADY;
	ct->main->held = false;
	ct->status = CONTAINER_RUNNING;
	coro_wake(ct->main->leader->coro);
	return 0;
}

/* ---- an init that is not a program ---- */

static void idle_main(void *arg)
{
	struct task *t = arg;

	while (!fatal_signal_pending(t))
		if (sched_sleep(TIME_NEVER, SLEEP_KILLABLE))
			break;
	task_exit_group(t, LINUX_SIGKILL);
}

static int idle_prepare(struct task *t, struct container *ct)
{
	struct thread_group *tg = tg_new();

	cgroup_charge_task(t, ct->cgroup);
	t->tg = tg;
	t->cred = cred_new_root(ct->user_ns);
	t->ns = nsproxy_get(ct->ns);
	t->fs = fs_context_dup(ct->fs);
	t->files = fd_table_new();
	t->sighand = sighand_dup(NULL);
	if (!tg || !t->cred || !t->fs || !t->files || !t->sighand)
		return -ENOMEM;
	for (int i = 0; i < LINUX_NSIG; i++)
		t->sighand->action[i].handler = LINUX_SIG_IGN;
	snprintf(t->comm, sizeof(t->comm), "init");
	tg->leader = t;
	tg->exit_signal = LINUX_SIGCHLD;
	tg->pgrp = pid_get(t->pid);
	tg->session = pid_get(t->pid);
	tg->container = ct;
	return coro_start(idle_main, t, t, &t->coro);
}

int container_make_init(struct container *ct)
{
	struct task *t;
	int err = container_check(ct);

	if (err || ct->pid_ns->init)
		return err;
	if (!ct->own_pid_ns)
		return -ESRCH;
	err = task_alloc(ct->pid_ns, NULL, 0, &t);
	if (err)
		return err;
	err = idle_prepare(t, ct);
	if (err) {
		task_abandon(t);
		return err;
	}
	task_publish(t, NULL);
	container_process_began(ct, t->tg, true);
	return 0;
}

/* ---- the end ---- */

static bool anyone_left(struct container *ct)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->tg && t->tg->container == ct)
			return true;
	return false;
}

void container_kill(struct container *ct)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node)
		if (t->tg && t->tg->container == ct && t == t->tg->leader)
			group_kill(t->tg, LINUX_SIGKILL);
}

int container_delete(struct container *ct)
{
	if (ct->status == CONTAINER_CREATING || ct->status == CONTAINER_DELETING)
		return -EBUSY;
	ct->status = CONTAINER_DELETING;
	if (ct->own_pid_ns)
		ct->pid_ns->dying = true;
	/* the end of a task is its own coroutine's work; clones and spawns under way come out and are killed
	 * too */
	while (anyone_left(ct) || ct->users) {
		container_kill(ct);
		if (sched_sleep(clock_monotonic() + DEATH_POLL_NS, SLEEP_UNINTERRUPTIBLE))
			continue;
	}
	container_free(ct);
	return 0;
}
