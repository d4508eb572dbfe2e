/*
 * pid.c - allocation and look-up of process identifiers in PID namespaces. See pid.h.
 */
#include <errno.h>

#include "sandbox/kernel/task_priv.h"

#define PID_MAX 4194304

static void pid_release(struct object *obj)
{
	struct pid *p = container_of(obj, struct pid, obj);

	for (u32 i = 0; i <= p->level; i++) {
		tree_erase(&p->links[i].ns->pids, &p->links[i].node);
		pid_ns_put(p->links[i].ns);
	}
	kfree(p);
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

int pid_alloc(struct pid_ns *ns, struct pid **out)
{
	struct pid *p = kzalloc_typed(sizeof(*p) + (ns->level + 1) * sizeof(struct pid_link), "struct pid");

	if (!p)
		return -ENOMEM;
	object_init(&p->obj, pid_release);
	p->level = ns->level;
	list_init(&p->pgrp_members);
	list_init(&p->session_members);
	for (struct pid_ns *n = ns; n; n = n->parent) {
		struct pid_link *l = &p->links[n->level];
		l->ns = pid_ns_get(n);
		l->nr = next_number(n);
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
