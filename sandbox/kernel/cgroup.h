/*
 * cgroup.h - control groups, version 2 (the kernel's Documentation/admin-guide/cgroup-v2.rst).
 *
 * A tree of groups; every process is in exactly one. The file system that shows it is fs/cgroup.
 */
#ifndef WARREN_KERNEL_CGROUP_H
#define WARREN_KERNEL_CGROUP_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"

struct thread_group;

struct cgroup {
	struct object obj;
	struct cgroup *parent; /* counted; NULL for the root */
	struct list_head children, node;
	char *name;
	u64 id;
	struct list_head members; /* thread groups, by cgroup_node */
};

int cgroup_init(void) must_check;
static inline struct cgroup *cgroup_get(struct cgroup *c)
{
	object_get(&c->obj);
	return c;
}
static inline void cgroup_put(struct cgroup *c)
{
	if (c)
		object_put(&c->obj);
}
/* A new child. -EEXIST, -ENOMEM. Reference given. */
int cgroup_new(struct cgroup *parent, const char *name, struct cgroup **out) must_check;
/* Puts a process into a group: out of the one it was in, if any. */
void cgroup_attach(struct thread_group *tg, struct cgroup *c);
/* Its process has ended. */
void cgroup_leave(struct thread_group *tg);
/* The path of c as seen from `root`: "/" or "/a/b", "/../x" for what is not below it. A fresh string. */
char *cgroup_path(const struct cgroup *c, const struct cgroup *root) must_check;

#endif
