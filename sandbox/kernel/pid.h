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
	struct wait_queue exit_wait;      /* pollers of pidfds: thread or process ended, or was reaped */
	u64 ino;                          /* of its pidfds; unique in the sandbox's life */
	bool detached;                    /* the numbers are free again */
	bool exited;                      /* reaped: exit_code is known for ever */
	int exit_code;                    /* wait status */
	u64 cgroup_id;                    /* of the group it was in at its end */
	u32 level;
	struct pid_link links[]; /* [0..level], index = namespace level */
};

/* Allocates the next free number in ns and every ancestor, or in the innermost `set_count` of them the
 * numbers set[0] (ns itself), set[1] (its parent)… -EAGAIN, -ENOMEM; for set: -EINVAL, -EPERM, -EEXIST. */
int pid_alloc(struct pid_ns *ns, const s32 *set, u32 set_count, struct pid **out) must_check;
/* If no task, process group or session is called so any more, the number is free again; those who still hold
 * the struct pid can tell that by their number nobody is meant. */
void pid_unused(struct pid *p);
struct pid *pid_get(struct pid *p);
void pid_put(struct pid *p);
/* The number of p as seen from ns; 0 if not visible. */
s32 pid_nr(const struct pid *p, const struct pid_ns *ns);
/* Looks a number up in a namespace; no reference taken; NULL if none. */
struct pid *pid_find(struct pid_ns *ns, s32 nr);
/* The namespace a task is in: its innermost. */
struct pid_ns *task_pid_ns(const struct task *t);
/* As seen by / looked up for the current task. */
s32 pid_vnr(const struct pid *p);
struct task *task_find(s32 nr);

#endif
