/*
 * kernel.h - the root object of a sandbox, and the coroutine-current task.
 *
 * `struct kernel` hangs off the arena header. Every other kernel object is reachable from it.
 */
#ifndef WARREN_KERNEL_KERNEL_H
#define WARREN_KERNEL_KERNEL_H

#include "sandbox/base/arena.h"
#include "sandbox/base/list.h"
#include "sandbox/base/tree.h"
#include "sandbox/kernel/sched.h"

struct task;
struct pid_ns;
struct user_ns;
struct time_ns;
struct net_ns;
struct cgroup;
struct cgroup_shares;
struct cred;
struct super_block;
struct container;
struct sched;    /* sched.c */
struct platform; /* platform/ */
struct futex_table;
struct syscall_stats;
struct vfs_state;    /* vfs/: list of file system types, anonymous mounts, the dentry cache's LRU */
struct socket_state; /* socket/: abstract unix names */
struct tty_state;    /* fs/devpts */
struct random_state;
struct checkpoint;
struct control; /* control/: connections to supervisors */

struct kernel {
	struct sched *sched;
	struct platform *platform;
	struct coro *current;        /* NULL in the loop itself */
	struct list_head tasks;      /* all, by struct task.all_node */
	struct list_head containers; /* struct container.node */
	struct pid_ns *root_pid_ns;
	struct user_ns *root_user_ns; /* of all containers: it maps every id to itself */
	struct time_ns *root_time_ns; /* likewise: without offsets */
	struct net_ns *net_ns;        /* of all containers: they share the network */
	struct cgroup *root_cgroup;
	struct cgroup_shares *cpu_shares; /* cgroup_weight.c; NULL while no group ever had a weight */
	struct coro *memory_watch;        /* cgroup_memory.c; NULL while no group has a limit */
	struct futex_table *futexes;
	struct syscall_stats *stats;
	struct vfs_state *vfs;
	struct socket_state *sockets;
	struct tty_state *ttys;
	struct control *control;
	struct spares *spares;         /* spare.c */
	struct checkpoint *checkpoint; /* checkpoint/: while one is made or restored */
	struct list_head gofers;       /* struct gofer_fs.node */
	struct list_head host_fds;     /* struct host_fd.node */
	struct usage_cache *usage;     /* mm/usage.c */
	struct host_views *host_views; /* vfs/hostview.c; NULL while no file ever had one */
	struct tree users;             /* struct user by id */
	struct tree keys;              /* struct key by serial */
	u32 last_key;
	struct key *dead_keys; /* by next_dead: to be freed, one after the other */
	bool freeing_keys;
	u64 boot_monotonic_ns, boot_realtime_ns;
	u64 memory_limit; /* bytes of guest memory, 0 = none */
	u64 memory_total; /* the host's, as it was at boot */
	u64 tmpfs_bytes;  /* held by the files of all tmpfs */
	u64 aio_in_use;   /* requests that contexts of io_setup(2) are made for */
	u32 task_limit;   /* tasks in the sandbox */
	u32 task_count;
	u64 dead_syscalls;          /* calls made by tasks that are gone */
	u64 switches;               /* between coroutines: what /proc/stat calls ctxt */
	u64 dead_utime, dead_stime; /* CPU time of tasks that are gone, ns */
	u64 load[3], load_at_ns,
	    load_cpu; /* load averages, when they were brought up to date, CPU time then */
	u32 last_sessionid;
	u64 *sysctls; /* kernel/sysctl.h */
	u64 next_ino, next_dev, next_mount_id, next_cookie;
	u64 text_copies; /* bytes of text copied for patching, mm/callsite.c */
	bool strace;
	u32 host_fd_limit; /* descriptors that the sentry may have; 0: not known */
	u32 host_fd_count; /* of host_fds */
	u64 base_address;  /* of the program, if it has chosen it itself (main/base.c) */
	u64 json_seed;
	void *buffer; /* kernel_buffer() */
	int maps_fd;  /* the sentry's own /proc/self/maps, for the arena check; 0: none */
	char id[64];
};

static inline struct kernel *kernel(void)
{
	return arena_root();
}

/* What the sandbox may believe to have. */
static inline u64 kernel_memory_total(void)
{
	return kernel()->memory_limit ? kernel()->memory_limit : kernel()->memory_total;
}

/* The guest task whose coroutine runs; NULL in kernel services. */
static inline struct task *current_task(void)
{
	struct coro *c = kernel()->current;
	return c ? c->task : NULL;
}

/* One buffer of KERNEL_BUFFER bytes for whoever does not sleep until he is done with it; NULL without memory.
 */
#define KERNEL_BUFFER (128UL << 10)

static inline void *kernel_buffer(void)
{
	if (!kernel()->buffer)
		kernel()->buffer = kmalloc_typed(KERNEL_BUFFER, "kernel buffer");
	return kernel()->buffer;
}

/* Boots everything in order; 0 or -errno. */
int kernel_init(const char *id, u64 memory_limit, u32 task_limit);

#endif
