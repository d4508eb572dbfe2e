/*
 * container.h - containers: a set of namespaces and a root, in which the supervisor starts processes.
 */
#ifndef WARREN_KERNEL_CONTAINER_H
#define WARREN_KERNEL_CONTAINER_H

#include "sandbox/kernel/task.h"

struct mount;

/* A container with new namespaces of every kind whose tree of mounts starts at `root` (stolen, also on
 * failure). -EEXIST, -ENOMEM. */
int container_new(const char *id, const char *hostname, struct mount *root,
		  struct container **out) must_check;
/* NULL if there is none of that name. */
struct container *container_find(const char *id);
/* Gives a container without a process of its own for that a first process which does nothing but be there:
 * pid 1, to which orphans go. Harmless if there is an init already. */
int container_make_init(struct container *ct) must_check;
/* Kills everything in it, waits until it is gone, and frees the container. [sleeps] */
void container_delete(struct container *ct);
/* Kills everything in it. */
void container_kill(struct container *ct);

#endif
