/*
 * cgroup.h - control groups, version 2 (the kernel's Documentation/admin-guide/cgroup-v2.rst).
 *
 * A tree of groups; every process is in exactly one. The file system that shows it is fs/cgroup; what its
 * files say and do is here, one file of the source for each controller:
 *
 *     cgroup.c         the tree, membership, what is enabled where, events
 *     cgroup_freeze.c  the freezer, kill, and the gate before guest code
 *     cgroup_cpu.c     CPU time: cpu.stat, cpu.max
 *     cgroup_weight.c  cpu.weight, cpu.idle
 *     cgroup_memory.c  memory: what is charged, limits, out of memory
 *     (pids is a counter in every group: cgroup.c)
 *
 * All counters are kept in every group whether its controller is enabled or not; a controller that is not
 * enabled has no files, so no limits. Threaded groups are refused (EOPNOTSUPP), so that the rule "no
 * processes in a group whose children have controllers" holds for every controller.
 *
 * Everything is in the arena; deadlines of timers are on the guests' monotonic clock.
 */
#ifndef WARREN_KERNEL_CGROUP_H
#define WARREN_KERNEL_CGROUP_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/kernel/wait.h"

struct thread_group;
struct task;
struct host_fd;
struct super_block;

/* Controllers. */
enum { CGROUP_CPU = 1, CGROUP_MEMORY = 2, CGROUP_PIDS = 4, CGROUP_ALL = 7, CGROUP_CONTROLLERS = 3 };

#define CGROUP_NO_LIMIT UINT64_MAX
#define CGROUPS_MAX     65535 /* in a sandbox */

/* Counters of memory.events. */
enum { MEMCG_LOW, MEMCG_HIGH, MEMCG_MAX, MEMCG_OOM, MEMCG_OOM_KILL, MEMCG_OOM_GROUP_KILL, MEMCG_EVENTS };

/* What a file was given by chown and chmod; mode without CGROUP_ATTR_SET: nothing. */
#define CGROUP_FILES_MAX 48
#define CGROUP_ATTR_SET  0x10000U
struct cgroup_attr {
	u32 uid, gid, mode;
};

/* Something that can be waited for: a file's text has changed. */
struct cgroup_event {
	u64 generation;
	struct wait_queue wait;
};

#define CGROUP_WEIGHT  100 /* the default */
#define CGROUP_MAY_ALL UINT32_MAX
struct cgroup_cpu {
	u64 gone_user_ns, gone_system_ns; /* used here by who has ended or left */
	u64 weight;
	bool idle;
	/* cgroup_weight.c; all of it about what is here and below */
	u32 weights;     /* children with other weights than the default */
	u32 want, run;   /* threads that want to run, that do: at the last look */
	u32 may, let_in; /* that may until the next (CGROUP_MAY_ALL), that were let in so far */
	bool sharing;    /* wanted to run at the last look */
	u64 vtime;       /* CPU time used, by weight */
	u64 shared_ns;   /* usage as of the last look */
	u64 quota_ns, period_ns, burst_ns; /* quota: CGROUP_NO_LIMIT */
	s64 left_ns;                       /* of this period */
	u64 seen_ns;                       /* usage when last looked at */
	u64 period_end;
	bool active; /* the timer runs */
	bool throttled;
	u64 throttled_since, throttled_ns, periods, throttled_periods, bursts, bursts_ns;
	struct timer timer;
};

struct cgroup_memory {
	u64 max, high, low, min;
	u64 swap_max, swap_high; /* kept: there is no swap */
	bool oom_group;
	u64 current, anon, shmem, file; /* bytes, as of the last look */
	u64 peak;
	struct list_head charges; /* struct cgroup_charge: memory the kernel holds for it */
	u64 events[MEMCG_EVENTS], local_events[MEMCG_EVENTS];
	bool held;                   /* memory.high: nobody runs just now */
	bool quiet;                  /* nobody ran at the last look */
	bool idle;                   /* nor at the one before: the gate says when that changes */
	struct thread_group *victim; /* counted: killed, not gone yet */
};

struct cgroup_pids {
	u64 current, peak, max, events, local_events;
};

struct cgroup {
	struct object obj;
	struct cgroup *parent; /* counted; NULL for the root */
	struct list_head children, node;
	char *name;
	u64 id;
	u32 level;
	bool dead;                /* removed: takes no processes */
	struct list_head members; /* thread groups, by cgroup_node */
	u32 control;              /* controllers its children have */
	u64 max_descendants, max_depth;
	u64 descendants;
	u32 populated; /* processes here, and children that are populated */
	struct cgroup_event events, memory_events, memory_local_events, pids_event, pids_local_event;
	struct list_head inodes;                        /* fs/cgroup: its files that are in use */
	u32 uid, gid;                                   /* whoever made it owns its files */
	struct cgroup_attr attrs[CGROUP_FILES_MAX + 1]; /* fs/cgroup: last the directory itself */
	struct super_block *sb; /* fs/cgroup: the file system whose root it is, or NULL */

	bool freeze;  /* cgroup.freeze */
	u32 freezers; /* groups from here up that want it */
	bool frozen;  /* and everything here stands still */
	u32 gates;    /* reasons, from here up, to look closer before guest code runs */
	struct wait_queue gate;

	struct cgroup_cpu cpu;
	struct cgroup_memory memory;
	struct cgroup_pids pids;
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

/* ---- the tree ---- */

/* A new child. -EEXIST, -ENOMEM, -EAGAIN (max.depth, max.descendants), -ENODEV (the parent is removed).
 * Reference given; the tree has its own. */
int cgroup_new(struct cgroup *parent, const char *name, struct cgroup **out) must_check;
/* Takes an empty group out of the tree. -EBUSY: it has processes or children. */
int cgroup_remove(struct cgroup *c) must_check;
/* With all below it, from which everybody has gone. */
void cgroup_remove_tree(struct cgroup *c);
struct cgroup *cgroup_child(struct cgroup *c, const char *name, size_t len);
/* The group after `at` in a walk over everything below `top` and `top` itself, which is the first. */
struct cgroup *cgroup_next(struct cgroup *top, struct cgroup *at);
bool cgroup_is_below(const struct cgroup *c, const struct cgroup *root); /* or the same */
/* The path of c as seen from `root`: "/" or "/a/b", "/../x" for what is not below it. A fresh string. */
char *cgroup_path(const struct cgroup *c, const struct cgroup *root) must_check;
/* Controllers that c's own files and limits belong to. */
static inline u32 cgroup_enabled(const struct cgroup *c)
{
	return c->parent ? c->parent->control : CGROUP_ALL;
}
extern const char *const cgroup_controller_names[CGROUP_CONTROLLERS];
/* "+cpu -memory": -EINVAL, -ENOENT (not enabled here), -EBUSY. */
int cgroup_set_control(struct cgroup *c, u32 enable, u32 disable) must_check;

/* ---- members ---- */

/* Puts a process into a group: out of the one it was in, if any. */
void cgroup_attach(struct thread_group *tg, struct cgroup *c);
/* May processes be put there? -EBUSY (its children have controllers), -ENODEV (removed). */
int cgroup_check_attach(const struct cgroup *c) must_check;
/* Its process has ended. */
void cgroup_leave(struct thread_group *tg);
/* -EAGAIN: pids.max is reached there or above. */
int cgroup_can_fork(struct cgroup *c) must_check;
/* A task counts in c from here on, and until it is reaped. */
void cgroup_charge_task(struct task *t, struct cgroup *c);
void cgroup_uncharge_task(struct task *t);
/* SIGKILL for everybody in it and below. */
void cgroup_kill(struct cgroup *c);

/* ---- the gate: before guest code runs ---- */

/* Sleeps while the task may not run guest code: true if it slept. */
bool cgroup_gate_slow(struct task *t, struct cgroup *c);
/* A reason to look closer comes (or goes) for c and all below it. */
void cgroup_gates_change(struct cgroup *c, int by);
static inline bool cgroup_gate(struct task *t, struct cgroup *c)
{
	return c && c->gates && cgroup_gate_slow(t, c);
}
/* Brings a task's guest thread into the kernel, where it meets the gate; all of c and below. */
void cgroup_call_to_gate(struct task *t);
void cgroup_call_all(struct cgroup *c);
/* Lets those who wait at the gate look again. */
void cgroup_gate_open(struct cgroup *c);

/* May nobody in it run: is it frozen, out of CPU time or over memory.high, or what it is in? */
bool cgroup_stopped(const struct cgroup *c);
void cgroup_set_freeze(struct cgroup *c, bool freeze);
/* Somebody has come to a stand, gone or moved: is all of c at rest? */
void cgroup_update_frozen(struct cgroup *c);

/* ---- cpu ---- */

struct cgroup_times {
	u64 user_ns, system_ns;
};
void cgroup_cpu_init(struct cgroup *c);
void cgroup_cpu_usage(struct cgroup *c, struct cgroup_times *out); /* of all below too */
/* quota CGROUP_NO_LIMIT: none. */
void cgroup_cpu_set_max(struct cgroup *c, u64 quota_ns, u64 period_ns);
/* What a process has used stays with the group it leaves. */
void cgroup_cpu_leave(struct thread_group *tg, struct cgroup *c);
void cgroup_cpu_join(struct thread_group *tg);
/* A task is about to run guest code in c: its limited ancestors are watched from now on. */
void cgroup_cpu_enter(struct cgroup *c);
void cgroup_cpu_end(struct cgroup *c);

/* cpu.weight and cpu.idle of a group that is not the root. -ENOMEM. */
int cgroup_weight_set(struct cgroup *c, u64 weight, bool idle) must_check;
/* Back to the defaults. */
void cgroup_weight_end(struct cgroup *c);
/* A task is about to run guest code below a gate: shares are watched from now on. */
void cgroup_weight_enter(void);
/* Is it the task's turn to run? Then it has it until the next look. */
bool cgroup_weight_lets(struct task *t, struct cgroup *c);

/* ---- memory ---- */

/* Memory that the kernel holds for a group. */
struct cgroup_charge {
	struct list_head node;
	struct cgroup *cgroup; /* counted; NULL: nothing charged yet */
	struct host_fd *fd;    /* its owner's: how much it holds is asked when it matters; or NULL */
	u64 bytes;
};
/* Charged to the current task's group from the first call on. */
void cgroup_charge_set(struct cgroup_charge *ch, u64 bytes);
void cgroup_charge_end(struct cgroup_charge *ch);
/* What a memfd holds, from now on until it is closed. -ENOMEM. */
int cgroup_charge_fd(struct host_fd *fd) must_check;
void cgroup_charge_free(struct cgroup_charge *ch);

void cgroup_memory_init(struct cgroup *c);
/* Asks the host what the processes in c and below hold: c->memory.current and its parts. [sleeps] */
void cgroup_memory_look(struct cgroup *c);
/* A task is about to run guest code in c: limited ancestors that were idle are looked at again. */
void cgroup_memory_enter(struct cgroup *c);
/* A process has come: if there is a limit it is looked at soon. */
void cgroup_memory_joined(struct cgroup *c);
/* A limit was set somewhere. -ENOMEM. */
int cgroup_memory_watch(void) must_check;
/* A group is removed: what it is charged goes to its parent. */
void cgroup_memory_end(struct cgroup *c);

/* A counter that is told through a file has changed. */
void cgroup_event(struct cgroup *c, struct cgroup_event *e, const char *file);

#endif
