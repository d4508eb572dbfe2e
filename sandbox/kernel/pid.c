/*
 * pid.c - allocation and look-up of process identifiers in PID namespaces. See pid.h.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task_priv.h"

#define PID_MAX 4194304

static void detach(struct pid *p)
{
	if (p->detached)
		return;
	p->detached = true;
	for (u32 i = 0; i <= p->level; i++)
		if (p->links[i].ns) /* NULL: pid_alloc failed half-way */
			tree_erase(&p->links[i].ns->pids, &p->links[i].node);
}

static void pid_release(struct object *obj)
{
	struct pid *p = container_of(obj, struct pid, obj);

	detach(p);
	for (u32 i = 0; i <= p->level; i++)
		pid_ns_put(p->links[i].ns);
	kfree(p);
}

void pid_unused(struct pid *p)
{
	if (!p->task && list_empty(&p->pgrp_members) && list_empty(&p->session_members))
		detach(p);
}

static struct pid_link *link_find(struct pid_ns *ns, s32 nr)
{
	struct tree_node *n = ns->pids.root;

	while (n) {
		struct pid_link *l = container_of(n, struct pid_link, node);
		if (l->nr == nr)
			return l;
		n = nr < l->nr ? n->left : n->right;
	}
	return NULL;
}

static void link_insert(struct pid_ns *ns, struct pid_link *l)
{
	struct tree_node *parent = NULL, **where = &ns->pids.root;

	while (*where) {
		parent = *where;
		where =
		    l->nr < container_of(parent, struct pid_link, node)->nr ? &parent->left : &parent->right;
	}
	tree_link(&ns->pids, &l->node, parent, where);
}

static s32 next_number(struct pid_ns *ns)
{
	for (s32 tried = 0; tried < PID_MAX; tried++) {
		s32 nr = ns->last_pid + 1;
		if (nr >= PID_MAX)
			nr = 300; /* as Linux: low numbers are not used again */
		ns->last_pid = nr;
		if (!link_find(ns, nr))
			return nr;
	}
	return -EAGAIN;
}

/* The number that clone3(2)'s set_tid asks for in `ns`. */
static s32 wanted_number(struct pid_ns *ns, s32 nr)
{
	if (nr < 1 || nr >= PID_MAX || (nr != 1 && !ns->had_init))
		return -EINVAL;
	if (!ns_capable(ns->common.owner, LINUX_CAP_SYS_ADMIN) &&
	    !ns_capable(ns->common.owner, LINUX_CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	return link_find(ns, nr) ? -EEXIST : nr;
}

int pid_alloc(struct pid_ns *ns, const s32 *set, u32 set_count, struct pid **out)
{
	struct pid *p = kzalloc_typed(sizeof(*p) + (ns->level + 1) * sizeof(struct pid_link), "struct pid");

	if (!p)
		return -ENOMEM;
	if (set_count > ns->level + 1) {
		kfree(p);
		return -EINVAL;
	}
	object_init(&p->obj, pid_release);
	p->level = ns->level;
	p->ino = ++kernel()->next_ino;
	wait_queue_init(&p->exit_wait);
	list_init(&p->pgrp_members);
	list_init(&p->session_members);
	for (struct pid_ns *n = ns; n; n = n->parent) {
		struct pid_link *l = &p->links[n->level];
		u32 depth = ns->level - n->level;
		s32 nr = depth < set_count ? wanted_number(n, set[depth]) : next_number(n);
		if (nr < 0) {
			pid_put(p);
			return nr;
		}
		l->ns = pid_ns_get(n);
		l->nr = nr;
		l->pid = p;
		link_insert(n, l);
	}
	*out = p;
	return 0;
}

struct pid *pid_get(struct pid *p)
{
	object_get(&p->obj);
	return p;
}

void pid_put(struct pid *p)
{
	if (p)
		object_put(&p->obj);
}

s32 pid_nr(const struct pid *p, const struct pid_ns *ns)
{
	return p && ns->level <= p->level && p->links[ns->level].ns == ns ? p->links[ns->level].nr : 0;
}

struct pid *pid_find(struct pid_ns *ns, s32 nr)
{
	struct pid_link *l = link_find(ns, nr);

	return l ? l->pid : NULL;
}

struct pid_ns *task_pid_ns(const struct task *t)
{
	return t->pid->links[t->pid->level].ns;
}

s32 pid_vnr(const struct pid *p)
{
	return pid_nr(p, task_pid_ns(current_task()));
}

struct task *task_find(s32 nr)
{
	struct pid *p = nr > 0 ? pid_find(task_pid_ns(current_task()), nr) : NULL;

	return p ? p->task : NULL;
}
