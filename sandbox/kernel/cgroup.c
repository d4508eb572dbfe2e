/*
 * cgroup.c - the tree of control groups, who is in which, and what is enabled where. See cgroup.h.
 */
#include "sandbox/kernel/cgroup.h"

#include <errno.h>

#include "sandbox/fs/cgroup/cgroupfs.h"
#include "sandbox/kernel/task.h"

/* a build for tests may leave the file system out */
#pragma weak cgroupfs_modified
#pragma weak cgroupfs_removed

const char *const cgroup_controller_names[CGROUP_CONTROLLERS] = {"cpu", "memory", "pids"};

/* With it go the removed groups above that it was the last to hold, as deep as a guest has nested them: no
 * recursion. */
static void cgroup_release(struct object *obj)
{
	struct cgroup *c = container_of(obj, struct cgroup, obj), *parent;

	for (;; c = parent) {
		parent = c->parent;
		timer_cancel(&c->cpu.timer);
		kfree(c->name);
		kfree(c);
		if (!parent || parent->obj.refs != 1)
			break;
	}
	cgroup_put(parent);
}

static void event_init(struct cgroup_event *e)
{
	wait_queue_init(&e->wait);
}

static struct cgroup *alloc(struct cgroup *parent, const char *name)
{
	struct cgroup *c = knew(struct cgroup);

	if (!c)
		return NULL;
	object_init(&c->obj, cgroup_release);
	list_init(&c->children);
	list_init(&c->node);
	list_init(&c->members);
	list_init(&c->inodes);
	wait_queue_init(&c->gate);
	event_init(&c->events);
	event_init(&c->memory_events);
	event_init(&c->memory_local_events);
	event_init(&c->pids_event);
	event_init(&c->pids_local_event);
	cgroup_cpu_init(c);
	cgroup_memory_init(c);
	c->max_depth = c->max_descendants = c->pids.max = CGROUP_NO_LIMIT;
	c->id = ++kernel()->next_ino;
	c->name = kstrdup(name);
	c->parent = parent ? cgroup_get(parent) : NULL;
	c->level = parent ? parent->level + 1 : 0;
	if (c->name)
		return c;
	cgroup_put(c);
	return NULL;
}

int cgroup_init(void)
{
	kernel()->root_cgroup = alloc(NULL, "");
	if (!kernel()->root_cgroup)
		return -ENOMEM;
	kernel()->root_cgroup->control = CGROUP_ALL;
	return 0;
}

/* ---- the tree ---- */

struct cgroup *cgroup_child(struct cgroup *c, const char *name, size_t len)
{
	struct cgroup *child;

	list_for_each_entry (child, &c->children, node)
		if (strlen(child->name) == len && !memcmp(child->name, name, len))
			return child;
	return NULL;
}

struct cgroup *cgroup_next(struct cgroup *top, struct cgroup *at)
{
	if (!at)
		return top;
	if (!list_empty(&at->children))
		return list_first_entry(&at->children, struct cgroup, node);
	for (; at != top; at = at->parent)
		if (at->node.next != &at->parent->children)
			return list_entry(at->node.next, struct cgroup, node);
	return NULL;
}

bool cgroup_is_below(const struct cgroup *c, const struct cgroup *root)
{
	while (c && c != root)
		c = c->parent;
	return c;
}

static int check_new(struct cgroup *parent)
{
	if (parent->dead)
		return -ENODEV;
	for (struct cgroup *p = parent; p; p = p->parent)
		if (p->descendants >= p->max_descendants || parent->level - p->level >= p->max_depth)
			return -EAGAIN;
	return kernel()->root_cgroup->descendants >= CGROUPS_MAX ? -EAGAIN : 0;
}

int cgroup_new(struct cgroup *parent, const char *name, struct cgroup **out)
{
	struct cgroup *c;
	int err = check_new(parent);

	if (err)
		return err;
	if (cgroup_child(parent, name, strlen(name)))
		return -EEXIST;
	c = alloc(parent, name);
	if (!c)
		return -ENOMEM;
	c->freezers = parent->freezers;
	c->gates = parent->gates;
	c->frozen = c->freezers > 0;
	list_add_tail(&c->node, &parent->children);
	for (struct cgroup *p = parent; p; p = p->parent)
		p->descendants++;
	*out = cgroup_get(c);
	return 0;
}

int cgroup_remove(struct cgroup *c)
{
	if (!list_empty(&c->members) || !list_empty(&c->children))
		return -EBUSY;
	if (c->dead)
		return -ENODEV;
	c->dead = true;
	for (struct cgroup *p = c->parent; p; p = p->parent)
		p->descendants--;
	list_del_init(&c->node);
	cgroup_cpu_end(c);
	cgroup_weight_end(c);
	cgroup_memory_end(c);
	if (cgroupfs_removed)
		cgroupfs_removed(c);
	cgroup_put(c);
	return 0;
}

void cgroup_remove_tree(struct cgroup *c)
{
	struct cgroup *at = c, *up;
	bool last = false;

	while (!last) { /* a leaf, and then what has become one */
		while (!list_empty(&at->children))
			at = list_first_entry(&at->children, struct cgroup, node);
		last = at == c;
		up = at->parent;
		if (cgroup_remove(at)) {
			klog(LOG_WARN, "the control group %s is still in use", at->name);
			return; /* and with it those above */
		}
		at = up;
	}
}

char *cgroup_path(const struct cgroup *c, const struct cgroup *root)
{
	char *path = kstrdup(""), *longer;
	const struct cgroup *top = root;

	for (; path && !cgroup_is_below(c, top); top = top->parent) {
		longer = kasprintf("/..%s", path);
		kfree(path);
		path = longer;
	}
	if (path) {
		/* names from the bottom up, between what leads up and the end */
		char *tail = kstrdup("");
		for (; tail && c != top; c = c->parent) {
			longer = kasprintf("/%s%s", c->name, tail);
			kfree(tail);
			tail = longer;
		}
		longer = tail ? kasprintf("%s%s", path, tail) : NULL;
		kfree(tail);
		kfree(path);
		path = longer;
	}
	if (path && !*path) {
		kfree(path);
		path = kstrdup("/");
	}
	return path;
}

/* ---- controllers ---- */

int cgroup_set_control(struct cgroup *c, u32 enable, u32 disable)
{
	struct cgroup *child;

	enable &= ~c->control;
	disable &= c->control;
	if (enable & ~cgroup_enabled(c))
		return -ENOENT;
	list_for_each_entry (child, &c->children, node)
		if (child->control & disable)
			return -EBUSY;
	if (enable && c->parent && !list_empty(&c->members))
		return -EBUSY;
	c->control = (c->control | enable) & ~disable;
	/* with its files a child loses its limits */
	list_for_each_entry (child, &c->children, node) {
		if (disable & CGROUP_CPU) {
			cgroup_cpu_end(child);
			cgroup_weight_end(child);
		}
		if (disable & CGROUP_PIDS)
			child->pids.max = CGROUP_NO_LIMIT;
		if (disable & CGROUP_MEMORY) {
			child->memory.max = child->memory.high = CGROUP_NO_LIMIT;
			child->memory.low = child->memory.min = 0;
		}
	}
	return 0;
}

/* ---- events ---- */

void cgroup_event(struct cgroup *c, struct cgroup_event *e, const char *file)
{
	e->generation++;
	wake_up_all(&e->wait, 0);
	if (cgroupfs_modified)
		cgroupfs_modified(c, file);
}

static void populated_change(struct cgroup *c, int by)
{
	for (; c; c = c->parent) {
		u32 before = c->populated;
		c->populated += (u32)by;
		if (before && c->populated)
			break;
		if (c->parent)
			cgroup_event(c, &c->events, "cgroup.events");
	}
}

/* ---- members ---- */

int cgroup_check_attach(const struct cgroup *c)
{
	if (c->dead)
		return -ENODEV;
	return c->parent && c->control ? -EBUSY : 0;
}

static void take_out(struct thread_group *tg)
{
	struct cgroup *c = tg->cgroup;

	if (!c)
		return;
	cgroup_cpu_leave(tg, c);
	list_del_init(&tg->cgroup_node);
	tg->cgroup = NULL;
	populated_change(c, -1);
	if (c->freezers)
		cgroup_update_frozen(c);
	cgroup_put(c);
}

void cgroup_attach(struct thread_group *tg, struct cgroup *c)
{
	struct task *t;

	if (tg->cgroup == c)
		return;
	cgroup_get(c);
	take_out(tg);
	tg->cgroup = c;
	list_add_tail(&tg->cgroup_node, &c->members);
	cgroup_cpu_join(tg);
	populated_change(c, 1);
	list_for_each_entry (t, &tg->threads, group_node) {
		cgroup_charge_task(t, c); /* a move is never refused for pids.max */
		if (t->at_gate)
			coro_wake(t->coro); /* it waits at another one now, or at none */
		else if (c->gates)
			cgroup_call_to_gate(t);
	}
	if (c->freezers)
		cgroup_update_frozen(c);
	cgroup_memory_joined(c);
}

void cgroup_leave(struct thread_group *tg)
{
	if (tg->cgroup && !tg->last_cgroup)
		tg->last_cgroup = cgroup_get(tg->cgroup);
	take_out(tg);
}

/* ---- pids ---- */

int cgroup_can_fork(struct cgroup *c)
{
	struct cgroup *full = c;

	while (full && full->pids.current < full->pids.max)
		full = full->parent;
	if (!full)
		return 0;
	full->pids.local_events++;
	cgroup_event(full, &full->pids_local_event, "pids.events.local");
	for (struct cgroup *p = full; p; p = p->parent) {
		p->pids.events++;
		cgroup_event(p, &p->pids_event, "pids.events");
	}
	return -EAGAIN;
}

void cgroup_charge_task(struct task *t, struct cgroup *c)
{
	cgroup_get(c);
	cgroup_uncharge_task(t);
	t->pids_cgroup = c;
	for (struct cgroup *p = c; p; p = p->parent) {
		p->pids.current++;
		p->pids.peak = max_t(u64, p->pids.peak, p->pids.current);
	}
}

void cgroup_uncharge_task(struct task *t)
{
	for (struct cgroup *p = t->pids_cgroup; p; p = p->parent)
		p->pids.current--;
	cgroup_put(t->pids_cgroup);
	t->pids_cgroup = NULL;
}
