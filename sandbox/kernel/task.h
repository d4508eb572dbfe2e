/*
 * task.h - tasks, thread groups and what they share.
 *
 * A `struct task` is a thread as Linux counts it. Its coroutine is its kernel stack: task_main() runs the
 * guest thread, takes its trap, serves it, delivers signals, and goes round until exit. A `struct
 * thread_group` is a process. Process groups and sessions are named by their struct pid.
 */
#ifndef WARREN_KERNEL_TASK_H
#define WARREN_KERNEL_TASK_H

#include "sandbox/base/list.h"
#include "sandbox/kernel/cred.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/ns.h"
#include "sandbox/kernel/pid.h"
#include "sandbox/kernel/ptrace.h"
#include "sandbox/kernel/seccomp.h"
#include "sandbox/kernel/signal.h"
#include "sandbox/kernel/wait.h"
#include "sandbox/platform/platform.h"

struct mm;
struct fd_table;
struct fs_context;
struct tty;
struct container;
struct file;
struct key;
struct cgroup;
struct sem_undo_list;

struct rlimit64 {
	u64 cur, max;
};

#define RLIM_COUNT 16

enum task_state { TASK_ALIVE, TASK_ZOMBIE, TASK_DEAD };

/* What restart_syscall(2) does after a stop or a handler-less signal interrupted a timed call. */
struct restart_block {
	s64 (*fn)(struct task *t, struct restart_block *rb);
	u64 deadline_ns;
	uaddr_t user[2];
	u64 arg[4];
};

struct rusage_k {
	u64 utime_ns, stime_ns;
	u64 minflt, majflt, nvcsw, nivcsw, inblock, oublock, maxrss_kb;
};

/* What went through read and write calls: /proc/PID/io. */
struct io_counts {
	u64 rchar, wchar, syscr, syscw;
};

struct posix_timer;
struct futex_pi_state;

/* A process. */
struct thread_group {
	struct object obj;
	struct task *leader;
	struct list_head threads; /* struct task.group_node */
	u32 live;                 /* threads that have not exited */

	/* family: by thread group, as wait(2) counts */
	struct thread_group *parent;
	const struct task
	    *parent_thread;        /* the parent's thread that counts, for __WNOTHREAD; compared only */
	struct list_head children; /* sibling_node */
	struct list_head sibling_node;
	struct wait_queue child_wait; /* waiters for children of this process */
	bool child_subreaper;
	int exit_signal; /* sent to the parent at exit; from clone(2) */

	/* job control */
	struct pid *pgrp, *session; /* counted */
	struct list_head pgrp_node, session_node;
	struct tty *tty;          /* controlling terminal, counted */
	struct pid *tty_old_pgrp; /* leader, counted: the foreground group when its terminal was hung up */
	bool did_exec;            /* setpgid(2) by the parent refused after execve */

	/* signals */
	struct sigpending pending;
	struct list_head forks; /* struct fork_signals */
	bool group_exit;
	int group_exit_code; /* as wait status: code << 8 or signal */
	bool stopped;
	bool stop_reported, continue_pending; /* for waitid */
	int stop_signal;

	/* limits, timers, accounting */
	struct rlimit64 rlimits[RLIM_COUNT];
	struct list_head posix_timers;
	s32 next_timer_id;
	u32 posix_timer_count;
	struct itimer {
		struct timer timer;
		u64 interval_ns, due_ns;
		struct thread_group *tg;
	} itimer_real, itimer_virtual, itimer_prof;
	struct timer cpu_limit; /* account.c: RLIMIT_CPU */
	struct rusage_k dead_threads, dead_children;
	struct io_counts dead_io; /* of threads that have ended */
	u64 start_time_ns;
	u32 oom_score_adj;
	u8 mce_policy; /* PR_MCE_KILL: 0 default, 1 late, 2 early */
	bool thp_disabled;
	struct key *process_keyring; /* counted, or NULL */
	u32 dumpable;                /* PR_SET_DUMPABLE; 2 only by the kernel itself */

	struct container *container; /* NULL once it has ended */
	bool held;                   /* loaded, but not to run before container_start() */
	struct cgroup *cgroup;       /* counted; NULL once it has ended */
	struct list_head cgroup_node;
	struct cgroup *last_cgroup;           /* counted: of a zombie */
	u64 cgroup_user_ns, cgroup_system_ns; /* CPU time used before it came to that group */
	/* control: the supervisor's name for a process that `exec` started, or "" */
	char process_name[24];
	void (*on_exit)(struct thread_group *tg, int wait_status); /* control/ hook for that */
};

/* What a guest asked of the scheduler. The host schedules; it is kept, inherited and told back. */
struct sched_params {
	int policy, priority;
	bool reset_on_fork;
	u64 flags; /* of sched_setattr(2), without RESET_ON_FORK */
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};

struct task {
	struct object obj;
	struct list_head all_node; /* in kernel()->tasks */
	struct coro *coro;
	struct uthread *ut;
	enum task_state state;

	struct pid *pid; /* thread id */
	struct thread_group *tg;
	struct list_head group_node;
	int exit_code; /* wait status */

	/* shared or private, by clone flags; each counted */
	struct mm *mm;
	struct fd_table *files;
	struct fs_context *fs;
	struct sighand *sighand;
	struct nsproxy *ns;
	struct cred *cred;
	struct cgroup *pids_cgroup; /* counted: where pids.current counts it */
	struct user *user;          /* whose RLIMIT_NPROC counts this task */
	bool nproc_exceeded;        /* set*uid went over it: execve may refuse */

	/* signals */
	struct sigpending pending;
	struct uthread_local local; /* blocked signals, robust list, CLONE_CHILD_CLEARTID: see platform.h */
	sigset64 saved_mask;
	bool restore_mask; /* saved_mask is to be put back (set_temporary_mask) */
	struct altstack altstack;
	struct restart_block restart;
	sigset64 sigwait; /* what rt_sigtimedwait waits for: not dropped though it be ignored */
	bool killed;      /* must exit before anything else */
	bool ends_alone;  /* with killed: only this thread (another one's execve) */
	bool in_stop;     /* sleeps in a group stop */
	u64 let_in_at;    /* cgroup_weight.c: the look since which it may run */
	bool at_gate;     /* waits for its control group to run: cgroup_freeze.c */

	/* the trap being served */
	struct trap trap;
	bool regs_changed; /* the kernel set registers itself (sigreturn, exec): no result is stored */
	bool no_restart;
	struct timer kick_again; /* task_main: a signal that came too early */
	u32 kicks_too_early;

	/* clone / exit bookkeeping on guest memory */
	uaddr_t set_child_tid;
	struct list_head pi_states;           /* PI futexes it owns that somebody waits for */
	struct futex_pi_state *pi_blocked_on; /* the PI futex it waits for */
	bool futex_dead;                      /* has given up its futexes: it can own no more */
	struct ptrace_task pt;
	struct seccomp_task seccomp;
	struct task *vfork_parent; /* counted; waits for our exec or exit */
	bool vfork_done;
	struct wait_queue vfork_wait;

	/* what the sentry must be able to replay */
	char comm[16];
	u32 personality;
	u32 loginuid, sessionid; /* of the log-in it comes from (kuid); NO_ID: none */
	struct sched_params sched;
	int nice;
	u16 ioprio; /* 0: never set */
	u64 cpu_mask;
	u32 mempolicy; /* mm/policy.h */
	u64 timer_slack_ns;
	uaddr_t rseq;
	u32 rseq_size, rseq_sig;
	int pdeath_signal;
	bool io_flusher;
	struct key *thread_keyring;     /* counted, or NULL */
	s32 reqkey_keyring;             /* KEYCTL_SET_REQKEY_KEYRING */
	struct sem_undo_list *sem_undo; /* counted, or NULL; ipc/sem_undo.c */
	struct list_head shm_created;   /* struct shm_segment: those it has made */

	struct rusage_k usage;
	u64 start_time_ns, syscall_count;
	struct io_counts io;
};

/* Life */
struct clone_args_k {
	u64 flags; /* LINUX_CLONE_* without the exit signal */
	int exit_signal;
	uaddr_t stack; /* new stack pointer, 0 = the parent's */
	uaddr_t parent_tid, child_tid, tls, pidfd;
	const s32 *set_tid; /* innermost namespace first */
	u32 set_tid_count;
	struct cgroup *cgroup; /* CLONE_INTO_CGROUP; borrowed */
};
/* clone(2): returns the child's pid as the parent sees it, or -errno. [sleeps] */
s64 task_clone(struct task *parent, const struct clone_args_k *args);
/* The first process of a container or an exec from outside: a task without a parent inside. */
struct spawn_args {
	struct container *container;
	char **argv, **envp; /* NULL-terminated, borrowed */
	const char *cwd;
	struct cred *cred;      /* stolen */
	struct fd_table *files; /* stolen */
	struct tty *tty;        /* becomes the controlling terminal of a new session, or NULL */
	bool is_init;           /* the container's first process: with its end the container stops */
	bool hold;              /* runs only after container_start() */
	const char *process_name;
	void (*on_exit)(struct thread_group *tg, int wait_status);
};
/* 0 and the new task (counted), or -errno with the errno execve would give. [sleeps] */
int task_spawn(const struct spawn_args *args, struct task **out) must_check;
/* Ends the current thread; does not return. */
void task_exit(struct task *t, int wait_status) __attribute__((noreturn));
/* Ends the current thread's whole group; does not return. */
void task_exit_group(struct task *t, int wait_status) __attribute__((noreturn));
/* Marks the whole group for death with this status and wakes it (from outside). */
void group_kill(struct thread_group *tg, int wait_status);
/* Has its user more tasks than this RLIMIT_NPROC, and no right to? */
bool task_exceeds_nproc(const struct task *t, u64 limit);
/* Its real user id may have changed: another user's RLIMIT_NPROC counts it. */
void task_user_changed(struct task *t);
struct task *task_get(struct task *t);
void task_put(struct task *t);
struct thread_group *tg_get(struct thread_group *tg);
void tg_put(struct thread_group *tg);
/* Number of threads still alive that share this mm. */
u64 task_rlimit(const struct task *t, int resource);
u64 task_cpu_time(struct task *t);
u64 group_cpu_time(struct thread_group *tg);
/* /proc/PID/stat letter: R S D T Z */
char task_state_letter(struct task *t);
bool pgrp_is_orphaned(struct pid *pgrp, struct thread_group *ignore);

/* May the current task look into t, as ptrace(2) says (PTRACE_MODE_READ, file system ids)? */
bool task_may_access(struct task *t);
/* kill(2)'s rule. */
bool task_may_signal(const struct task *from, const struct task *to, int sig);

/* execve(2): replaces the current task's image; on success the registers are the new image's. [sleeps] */
s64 task_execve(struct task *t, int dirfd, const char *path, char **argv, char **envp, int flags);

#endif
