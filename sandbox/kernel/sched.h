/*
 * sched.h - coroutines and the sentry's one loop.
 *
 * Each guest task has a coroutine (its kernel stack), as has each control connection and kernel service. One
 * runs at a time and gives up the thread only in sched_sleep()/sched_yield(), so code between two sleeps is
 * atomic. The loop polls context slots, runs what is ready, runs timers, and sleeps in epoll when nothing
 * moves.
 */
#ifndef WARREN_KERNEL_SCHED_H
#define WARREN_KERNEL_SCHED_H

#include "sandbox/base/list.h"
#include "sandbox/kernel/wait.h"

struct task;

struct coro {
	struct list_head run_node; /* in the run queue while runnable; in sched.waiting before its turn */
	void *sp;                  /* saved stack pointer while not running */
	char *stack;
	void (*fn)(void *arg);
	void *arg;
	struct task *task; /* the guest task this is the kernel stack of, or NULL */
	bool sleeping, woken, ended;
	bool
	    service; /* of the kernel's own, touches neither guests nor streams: runs while others are held */
	u32 generation; /* the restore since which it is */
	enum sleep_state sleep_state;
	u64 busy_cycles; /* how long it has run */
	u64 sleeps;      /* that a signal could have ended: what Linux calls voluntary switches */

	/* turn.c */
	struct list_head turn_node;             /* in sched.turns while it has a turn */
	u64 turn_since, turn_used, guest_since; /* cycles */
	u32 slow_calls;
	bool in_guest, guest_woken; /* its thread runs guest code (and slept before that) */
};

/* Starts a coroutine; it runs when the loop gets to it. task may be NULL. -ENOMEM. */
int coro_start(void (*fn)(void *), void *arg, struct task *task, struct coro **out) must_check;
struct coro *coro_current(void);
/* Ends the current coroutine from wherever it is. */
void coro_exit(void) __attribute__((noreturn));
/* Makes a sleeping coroutine runnable; harmless if it is not asleep (then its next sleep returns at once). */
void coro_wake(struct coro *c);
/* Does any guest code run at this moment? */
bool sched_guests_run(void);
/* Runs, would run, or would if it had its turn. */
static inline bool coro_runnable(const struct coro *c)
{
	return !c->sleeping || !list_empty(&c->run_node);
}
/* Lets the others run once. */
void sched_yield_now(void);
/* In a call that may take long: lets them if some ms have passed since *since (cycles), which is then now.
 * [sleeps] */
void sched_breathe(u64 *since);
/* Runs the loop until sched_stop(); returns its argument. */
int sched_loop(void);
void sched_stop(int code);
/* Is the current coroutine that of a task which is about to die? */
bool sched_killed(void);
/* Is no other coroutine ready to run? */
bool sched_alone(void);

/* ---- turns (turn.c) ---- */
/* Before a task's guest code runs: waits if it must. True if it has waited: much may have changed. [sleeps]
 */
bool turn_gate(void);
/* The platform: a coroutine's guest thread is answered (it slept: it has to wake up first), and has called.
 */
void turn_in_guest(struct coro *c, u64 since_cycles, bool woken);
void turn_trapped(struct coro *c);
/* Somebody has had to wait a moment ago. */
bool turns_are_taken(void);

/* ---- host descriptors in the loop ---- */
struct host_poll {
	struct host_fd *fd;
	void (*ready)(struct host_poll *p, u32 epoll_events);
	u32 events;            /* what is armed */
	struct list_head node; /* while armed, of all */
};
/* Watches a host descriptor, edge triggered; ready() runs on the loop's own stack and must not sleep. */
int host_poll_add(struct host_poll *p, u32 epoll_events) must_check;
void host_poll_remove(struct host_poll *p);

/* A descriptor has taken another's place under `fd`: whatever watches it watches the new one. */
int host_poll_renew(struct host_fd *fd) must_check;

/* Calls fn(arg) on the loop's own stack whenever nothing is left to run, until fn returns true; NULL: no
 * longer. */
void sched_when_at_rest(bool (*fn)(void *arg), void *arg);
/* Calls fn on the loop's own stack when it has had nothing to do for a moment: for work that nobody waits
 * for. */
void sched_when_idle(void (*fn)(void));
/* Work that gains by waiting for more of its kind: fn runs once, on the loop's own stack, as soon as no guest
 * runs or the loop has had nothing to do for some 4 µs, and 100 µs after the first call at the latest. */
struct put_off {
	struct list_head node;
	void (*fn)(struct put_off *w);
};
void put_off_init(struct put_off *w, void (*fn)(struct put_off *));
void sched_put_off(struct put_off *w);
void put_off_cancel(struct put_off *w);
/* A restored arena's loop has not begun: no descriptor is watched yet. `cycles`: the counter when it was
 * saved. All coroutines but services are held until sched_release(), for what they would meet is not there
 * yet. */
void sched_restore(u64 cycles);
void sched_release(void);

/* ---- clocks and timers (ns) ---- */
/* How long the loop spins for the next trap before it sleeps: some 50 µs. */
#define SPIN_CYCLES 120000
/* And that much longer for a thread that slept: an idle CPU of a virtual machine wakes up within 80–150 µs.
 */
#define WAKE_CYCLES 360000
/* With a guest thread for each CPU: about what it costs to sleep and be woken by the next trap. */
#define CROWDED_CYCLES 25000
u64 clock_monotonic(void); /* as guests see CLOCK_MONOTONIC */
/* A duration of base/cycles.h in ns, by what both clocks have counted since boot. */
u64 cycles_to_ns(u64 cycles);
u64 clock_realtime(void);

struct timer {
	struct list_head node; /* private to timer.c */
	u64 deadline;          /* monotonic ns; TIME_NEVER when not armed */
	size_t heap_index;
	void (*fire)(struct timer *t);
};
void timer_init(struct timer *t, void (*fire)(struct timer *));
/* (Re)arms; a deadline in the past fires in the next turn of the loop. -ENOMEM only when the heap cannot
 * grow. */
int timer_arm(struct timer *t, u64 deadline_ns) must_check;
void timer_cancel(struct timer *t);

#endif
