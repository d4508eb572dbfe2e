/*
 * pid.h - process identifiers. A `struct pid` is a counted name for a task, a thread group, a process group
 * or a session, valid in every PID namespace it is visible from; it outlives the task (pidfds, fowners, ttys
 * hold it).
 */
#ifndef WARREN_KERNEL_PID_H
#define WARREN_KERNEL_PID_H

#include "sandbox/kernel/ns.h"

struct task;

struct pid_link { /* a struct pid in one namespace */
	struct tree_node node;
	s32 nr;
	struct pid_ns *ns;
	struct pid *pid;
};

struct pid {
	struct object obj;
	struct task *task; /* the thread with this id, until it is reaped; then NULL */
	struct list_head
	    pgrp_members; /* thread groups of which this is the process group (thread_group.pgrp_node) */
	struct list_head session_members; /* thread groups of this session (thread_group.session_node) */
	struct wait_queue *wait;          /* pidfd pollers, or NULL */
	u32 level;
	struct pid_link links[]; /* [0..level], index = namespace level */
};

/* Allocates the next free number in ns and every ancestor. -EAGAIN, -ENOMEM. */
int pid_alloc(struct pid_ns *ns, struct pid **out) must_check;
struct pid *pid_get(struct pid *p);
void pid_put(struct pid *p);
/* The number of p as seen from ns; 0 if not visible. */
s32 pid_nr(const struct pid *p, const struct pid_ns *ns);
/* Looks a number up in a namespace; no reference taken; NULL if none. */
struct pid *pid_find(struct pid_ns *ns, s32 nr);
/* As seen by / looked up for the current task. */
s32 pid_vnr(const struct pid *p);
struct task *task_find(s32 nr);

#endif
