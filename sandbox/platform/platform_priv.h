/*
 * platform_priv.h - what the files of platform/ share. See platform.h for the idea and stub_abi.h for the
 * memory that sentry and stubs share.
 */
#ifndef WARREN_PLATFORM_PRIV_H
#define WARREN_PLATFORM_PRIV_H

#include <sched.h>

#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/kernel/wait.h"
#include "sandbox/platform/platform.h"
#include "sandbox/platform/stub_abi.h"

struct sock_filter;

enum aspace_state {
	ASPACE_STARTING, /* forked, has not proved who it is */
	ASPACE_UP,
	ASPACE_DYING, /* killed by us; the window is reused when the pidfd says it is dead */
	ASPACE_DEAD   /* ended by itself; waits for aspace_destroy */
};

#define ASPACE_FD_MAX 16

/* How long guests work after a call with this number, in cycles, and how often in succession that held. */
struct habit {
	u32 length;
	u32 sure;
};

#define LATE_COUNT 512
#define WIN_LEAF   256

struct aspace {
	enum aspace_state state;
	void *owner;
	u32 window;
	char *base; /* the window in our own mapping of the control memfd */
	struct request *req;
	struct result *res;
	int pid;
	struct host_fd *pidfd;
	u64 nonce;

	/* the memory thread: one request at a time */
	u32 seq;
	u64 posted; /* the counter when it was asked last */
	bool busy, answered;
	bool near;  /* it slept on our CPU when it was asked */
	u32 pinned; /* 1 + the only CPU it may use, or PLACE_BESIDE and one it may not; 0: all */
	struct list_head busy_node; /* in platform.busy */
	struct wait_queue done;

	/* changes collected for the next request */
	u32 batch_depth, batch_count;
	int batch_error;
	/* between aspace_defer_begin() and _end(); the batch waits for aspace_flush(); it is on its way */
	bool deferring, deferred, flushing;
	u32 flushes; /* that have come to their end */
	struct host_call batch[REQ_CALL_COUNT - 2];
	u32 batch_fd_count;
	struct host_fd *batch_fd[ASPACE_FD_MAX]; /* counted */

	/* guest threads */
	u64 *slot_used, slot_first; /* bits: of slot_words words, the first of which needs no allocation */
	u32 slot_words;
	u32 slot_high;     /* highest slot ever used */
	bool parked;       /* slot 0 has a host thread that waits for its first answer */
	u32 parked_beside; /* as uthread.beside */
	struct list_head uthreads;
	struct list_head op_threads; /* uthread.op_node: threads with changes queued or under way */
	u32 moved;                   /* changes of threads are on their way to the memory thread instead */
	struct list_head pool_node;
	struct list_head death_node; /* bury.c */
	bool condemned;

	/* account.c */
	u64 cpu_offset;  /* what was used in stubs that went before this one (restore) */
	u64 cpu_settled; /* the stub's CPU clock when its threads were last charged */
	u64 settled_at;  /* when they were charged last, how many they were, */
	u32 settled_threads;
	u64 settled_share;      /* and ns charged per cycle in guest code, times 2^32 */
	struct host_fd *status; /* its /proc/PID/status once somebody has asked; counted */
	/* what its first thread has said last of the process, and of that what earlier owners have used */
	struct host_usage used, used_before;
	bool used_known;
};

enum op_state { OPS_NONE, OPS_QUEUED, OPS_SENT };

struct uthread {
	struct aspace *as;
	struct list_head as_node;
	u32 index;
	struct slot *slot; /* in our mapping: every field may change under our eyes */
	bool running;      /* answered, has not trapped since */
	bool started;      /* a host thread exists or has been asked for */
	bool gone;
	bool ready; /* a trap waits to be taken by uthread_run */
	bool kick_wanted, kicked;
	struct list_head run_node;     /* in platform.running while running */
	struct list_head serving_node; /* in platform.serving until the next poll */
	struct coro *coro;             /* sleeps in uthread_run */
	struct uthread *spawner;       /* will start our host thread with its own answer */
	struct uthread *spawning;      /* the inverse */
	struct uthread *lender;        /* whose slot and host thread it has: lend.c */
	struct uthread *borrower;      /* the inverse */
	bool aside;                    /* slot is a copy in the arena */

	/* private copies of the trap, taken once */
	u32 event;
	u64 nr, arg[6];
	u32 staged;
	u32 frame; /* offset of the ucontext in the slot, checked */
	bool fast; /* a patched call: the frame has general registers only */

	/* the answer under construction */
	u32 out_flags;
	s64 result;
	bool regs_set;
	u64 put_addr, push_addr;
	u32 put_value, push_size;
	u32 op_count;
	struct slot_operation op[SLOT_OP_MAX];
	enum op_state op_state;
	u32 op_generation;
	struct list_head op_node;
	struct {
		u32 low, high;
	} out[6];
	u64 out_shift; /* how much of the STAGE_OUT argument has been handed over before */
	struct stage_layout layout;
	bool layout_valid;
	bool unstaged;               /* the pending call has no staging */
	u64 run_since, guest_cycles; /* in guest code, by the wall, in cycles */
	bool soon;                   /* expected to trap again soon: counted in platform.soon_count */
	u32 nearness;                /* place.c: was woken on the loop's own CPU lately */
	u32 beside;                  /* may use all CPUs but number beside - 1; 0: all. place.c */
	bool woken;                  /* it slept when its answer came: its CPU may have to wake up first */
	bool delayed;                /* it was woken, or has much to unmap before the guest goes on */
	bool near;                   /* it slept on our CPU: counted in platform.near_count */
	struct uthread_local *local; /* the owner's: see platform.h; NULL: none yet */
	u32 ids[2];                  /* pid and tid that the stub may answer with; 0: ask */
	/* account.c: how much of that has been charged, and the CPU time it was found to be */
	u64 guest_settled, guest_delta, charged_ns;
	u64 traps;
};

struct platform {
	const struct platform_ops *ops;
	struct host_fd *control, *bell, *socket, *stub_socket;
	char *windows; /* our mapping of the control memfd */
	struct glob *glob;
	int epoll_fd;
	unsigned cpu_count;
	cpu_set_t cpus; /* those the host gives us */
	u32 guest_spin; /* what glob->guest_spin is when spinning pays */
	u32 running_count;
	u32 soon_count;    /* running threads worth spinning for */
	u32 delayed_count; /* those of them that have to do something else first */
	u32 near_count;    /* running and busy ones that cannot begin before we give our CPU away */
	u8 request_late;   /* do memory threads take long to answer? 0–3 */
	/* by the number of the call that was answered: is the next trap far away? 0–3; and where, see
	 * predict() */
	u8 late[LATE_COUNT];
	struct habit habit[LATE_COUNT];
	struct list_head running, serving, busy;
	struct list_head exits; /* struct slot_exit: host threads to be told to end */
	struct window_leaf *window_leaf[WIN_COUNT / WIN_LEAF]; /* window.c */
	u16 window_leaf_used[WIN_COUNT / WIN_LEAF];
	u32 window_hint; /* taken or freed last */
	struct aspace *zygote;
	struct list_head pool;
	u32 pool_count, pool_target;
	struct wait_queue pool_wait;
	bool pool_wanted, pool_started;
	/* bury.c: stubs to be killed; windows to be cleaned; since when there are any; forks under way */
	struct list_head condemned, remains;
	u32 condemned_count, forks;
	u64 bury_since;
	bool fd_lane_busy; /* descriptors are on their way through the one socket */
	struct wait_queue fd_lane;
	u64 vdso_addr, vdso_size;
	struct account *account;
	/* freeze.c */
	bool frozen; /* nobody is answered */
	u32 freeze_generation;
	struct wait_queue thaw;
	struct slot *slot_copy; /* lend.c */
	u64 forged;             /* proofs of identity that were none */
};

static inline struct platform *platform(void)
{
	return kernel()->platform;
}

/* Shared words: plain accesses the compiler may not merge, and the one full fence that the hand-over needs.
 */
static inline u32 shared_load(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
static inline void shared_store(u32 *p, u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}
/* The number that Linux gives to this CPU, as it keeps it in TSC_AUX; the same in a stub. */
static inline u32 this_cpu(void)
{
	u32 aux;

	__builtin_ia32_rdtscp(&aux);
	return aux & 0xfff;
}
static inline void full_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
void shared_wake(u32 *word);

static inline struct slot *slot_at(struct aspace *as, u32 index)
{
	return (struct slot *)(void *)(as->base + WIN_RW + (u64)index * SLOT_SIZE);
}
static inline u64 slot_address(u32 index)
{
	return WIN_ADDR + (u64)index * SLOT_SIZE;
}

/* filter.c: the seccomp program of the stubs; returns its length. */
unsigned stub_filter_build(struct sock_filter *f, unsigned capacity);

/* window.c */
/* Whose window it is, or NULL; `window` may be any number. */
struct aspace *window_owner(const struct platform *p, u64 window);
/* The next one that is somebody's, with this number or a higher one; NULL: none. */
struct aspace *window_next(const struct platform *p, u64 from);
/* A new address space in a free window. -EAGAIN: there is none, or no descriptor for its stub; -ENOMEM. */
int window_take(struct platform *p, void *owner, struct aspace **out) must_check;
void window_prepare(struct aspace *as);
/* Gives the window back, and frees `as`. The next owner sees nothing of what the guest left in there. */
void window_release(struct platform *p, struct aspace *as);
/* The two halves of that, when the window's contents are gone already. */
void window_forget(struct platform *p, struct aspace *as);
void aspace_free(struct aspace *as);
/* -EAGAIN: it has as many threads as can be. */
int slot_take(struct aspace *as, u32 *index) must_check;
void slot_drop(struct aspace *as, u32 index);

/* stubs.c: processes. */
int zygote_start(struct platform *p);
int stub_fork_into(struct aspace *from, struct aspace *as) must_check;
int stub_fork(struct aspace *from, struct aspace **out) must_check;
void stub_kill(struct aspace *as);
/* Runs the calls in req->call[0..count) on the memory thread and waits. -ESRCH if the stub is gone. [sleeps]
 */
int stub_request(struct aspace *as, u32 count) must_check;
/* A free place at as->req->call for the next request once nobody else's is under way. [sleeps] */
int stub_request_begin(struct aspace *as) must_check;
void stub_identify(struct platform *p);
void stub_event(struct platform *p, u32 window);
bool stub_poll_busy(struct platform *p);
void pool_coroutine(void *arg);

/* platform.c */
/* Control memfd, doorbell, sockets, mapped at p->windows; then a zygote. */
int platform_start(struct platform *p) must_check;

/* aspace.c */
/* Makes sure that every change asked for earlier has happened. `except` keeps its queued ones. [sleeps] */
int aspace_settle(struct aspace *as, struct uthread *except) must_check;

/* Changes that wait will not be made any more: the owner is no more. */
void aspace_forget_deferred(struct aspace *as);

/* uthread.c */
void uthread_send_exits(struct platform *p);
void put_ids(struct uthread *ut);

/* trap.c */
bool uthread_poll_all(struct platform *p);
void uthread_lost(struct uthread *ut);
/* It runs no guest code any more, and is not waited for. */
void leave_running(struct uthread *ut);
/* Its host thread is no more, or has lied: whoever waits for its trap learns of it. */
void mark_gone(struct uthread *ut);
/* Answers, and waits for the next trap. [sleeps] */
void go_on(struct uthread *ut);
void describe_trap(struct uthread *ut, struct trap *t);
void uthread_ops_done(struct uthread *ut);

/* operation.c */
/* A host call (nr, first, bounce area) by a trapped thread; copies `size` bytes of what it left there. 0, its
 * own -errno, -EFAULT. The result is the guest's word. [sleeps] */
int uthread_host_call(struct uthread *ut, u32 nr, u64 first, void *out, size_t size) must_check;

/* bury.c */
void bury_init(struct platform *p);
/* It shall be killed; nobody has a thread in it any more. */
void bury_condemn(struct platform *p, struct aspace *as);
/* It has ended: `as` and its window are given back. */
void bury_remains(struct platform *p, struct aspace *as);
/* Each turn of the loop: some of the work, if the moment is right. */
void bury_look(struct platform *p);
/* All of it: the loop is about to sleep. */
void bury_all(struct platform *p);

/* account.c */
/* Charges the stub's CPU time to its threads. */
void account_settle(struct aspace *as);
/* The same, and what nobody is to be charged with is let go: the clock is read for the last time. */
void account_stop(struct aspace *as);
/* From here on it is charged to somebody else. */
void account_anew(struct aspace *as);
/* The same as account_settle() if `ut`, which is about to leave, has something to be charged for. */
void account_thread_leaves(struct uthread *ut);

/* lend.c: at the end of ut's life in its address space. True: it has no slot to give back. */
bool lend_end(struct uthread *ut);
/* place.c */
#define PLACE_UNKNOWN 0xffffffffU
#define PLACE_BESIDE  0x80000000U
#define PLACE_FIRST   8 /* wakings for which a new thread stays where it was placed */
/* Before a sleeping thread is woken, which has left the number of its CPU (and one). */
void place_woken(struct uthread *ut, u32 asleep);
/* `child` will be started by `parent`, whose CPUs it inherits. */
void place_spawned(const struct uthread *parent, struct uthread *child);
/* It serves another from now on. */
void place_anywhere(struct uthread *ut);
void place_loop_sleeps(struct platform *p);
void place_memory(struct aspace *as, bool clones);
void place_forked(const struct aspace *from, struct aspace *as);

/* frame.c */
bool frame_check(struct uthread *ut, u64 frame_address);
void frame_make(struct uthread *ut, const struct uregs *regs);
void frame_copy(struct uthread *from, struct uthread *to);

/* stage.c */
void stage_reset(struct uthread *ut);
/* Writes what was to be pushed from here. -EFAULT: it cannot be written. */
int push_flush(struct uthread *ut) must_check;
/* The trapped thread copies what is staged and comes back. [sleeps] */
int copy_staged_now(struct uthread *ut) must_check;
/* Does this call look at or change the caller's registers? */
bool stage_needs_frame(u64 nr);

#endif
