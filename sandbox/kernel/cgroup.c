/*
 * cgroup.c - the tree of control groups and who is in which. See cgroup.h.
 */
#include "sandbox/kernel/cgroup.h"

#include <errno.h>

#include "sandbox/kernel/task.h"

static void cgroup_release(struct object *obj)
{
	struct cgroup *c = container_of(obj, struct cgroup, obj);

	list_del_init(&c->node);
	cgroup_put(c->parent);
	kfree(c->name);
	kfree(c);
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
	c->id = ++kernel()->next_ino;
	c->name = kstrdup(name);
	c->parent = parent ? cgroup_get(parent) : NULL;
	if (c->name)
		return c;
	cgroup_put(c);
	return NULL;
}

int cgroup_init(void)
{
	kernel()->root_cgroup = alloc(NULL, "");
	return kernel()->root_cgroup ? 0 : -ENOMEM;
}

int cgroup_new(struct cgroup *parent, const char *name, struct cgroup **out)
{
	struct cgroup *c;

	list_for_each_entry (c, &parent->children, node)
		if (!strcmp(c->name, name))
			return -EEXIST;
	c = alloc(parent, name);
	if (!c)
		return -ENOMEM;
	list_add_tail(&c->node, &parent->children);
	*out = c;
	return 0;
}

void cgroup_attach(struct thread_group *tg, struct cgroup *c)
{
	cgroup_get(c);
	cgroup_leave(tg);
	tg->cgroup = c;
	list_add_tail(&tg->cgroup_node, &c->members);
}

void cgroup_leave(struct thread_group *tg)
{
	list_del_init(&tg->cgroup_node);
	cgroup_put(tg->cgroup);
	tg->cgroup = NULL;
}

static bool is_below(const struct cgroup *c, const struct cgroup *root)
{
	while (c && c != root)
		c = c->parent;
	return c;
}

char *cgroup_path(const struct cgroup *c, const struct cgroup *root)
{
	char *path = kstrdup(""), *longer;
	const struct cgroup *top = root;

	for (; path && !is_below(c, top); top = top->parent) {
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
