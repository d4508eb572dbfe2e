/*
 * container.h - containers: a set of namespaces, a root and a control group, in which the supervisor starts
 * processes. A sandbox has any number; they share the network and nothing else, unless asked otherwise.
 *
 *     CREATING ──▶ CREATED ──▶ RUNNING ──▶ STOPPED          any ──▶ DELETING
 *
 * A container's first process (`main`) is the supervisor's or the kernel's (container_make_init). With its
 * end the container is STOPPED and nothing can be started in it any more. A container whose first process is
 * held is still CREATED.
 *
 * Whoever works in a container across a sleep counts itself in `users`: container_delete waits for that.
 * Processes point to their container until they have ended.
 */
#ifndef WARREN_KERNEL_CONTAINER_H
#define WARREN_KERNEL_CONTAINER_H

#include "sandbox/kernel/task.h"

struct mount;

enum container_status {
	CONTAINER_CREATING, /* its mounts are being made */
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_STOPPED,
	CONTAINER_DELETING
};

struct container {
	struct list_head node; /* in kernel()->containers */
	char id[64];
	enum container_status status;
	u32 users;
	struct nsproxy *ns;
	struct pid_ns *pid_ns;
	struct user_ns *user_ns;
	struct cgroup *cgroup;     /* counted */
	struct fs_context *fs;     /* root and cwd new processes start with */
	struct thread_group *main; /* borrowed; NULL before it is there and once it has ended */
	bool own_pid_ns;
	bool main_ended;
	int main_status; /* wait status, when main_ended */
	u32 process_count;
};

struct container_spec {
	const char *id, *hostname;
	struct mount *root; /* stolen, also on failure */
	/* whose namespace of that kind it shares; NULL: it gets its own */
	const struct container *pid, *ipc, *uts;
};

/* A container in status CREATING. -EEXIST, -ENOMEM. */
int container_new(const struct container_spec *spec, struct container **out) must_check;
/* NULL if there is none of that name. */
struct container *container_find(const char *id);
/* May something be started in it? 0, -EBUSY (while it is made or removed) or -ESRCH (it has stopped). */
int container_check(const struct container *ct) must_check;
/* Gives a container without a process of its own a first one that does nothing but be there: pid 1, to which
 * orphans go. Harmless if there is an init already. As container_check; -ESRCH too if it shares a PID
 * namespace that has none. */
int container_make_init(struct container *ct) must_check;
/* The control group for what is started in it: its own, or where its first process has gone if its own has
 * given controllers to the groups below. Borrowed. */
struct cgroup *container_cgroup(const struct container *ct);
/* Lets its held first process go. -ESRCH: there is none; -EALREADY: it runs. */
int container_start(struct container *ct) must_check;
/* Kills everything in it, waits until it is gone, and frees the container. Not while it is CREATING or
 * DELETING: -EBUSY. [sleeps] */
int container_delete(struct container *ct) must_check;
/* Kills everything in it. */
void container_kill(struct container *ct);

/* task.c, clone.c, exit.c: a process has begun, as its first one or not; it has ended. */
void container_process_began(struct container *ct, struct thread_group *tg, bool is_main);
void container_process_ended(struct thread_group *tg);

#endif
