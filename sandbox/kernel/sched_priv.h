/*
 * sched_priv.h - the scheduler's state, shared by sched.c, timer.c and loop.c.
 */
#ifndef WARREN_KERNEL_SCHED_PRIV_H
#define WARREN_KERNEL_SCHED_PRIV_H

#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/sched.h"

#define CORO_STACK_SIZE (64 * 1024)
#define STACK_CACHE     32

struct sched {
	struct list_head run_queue;
	struct list_head batch; /* taken from it: those that run in this turn */
	struct list_head lazy;  /* woken lazily by lazy_by, since lazy_since (cycles) */
	struct coro *lazy_by;
	u64 lazy_since;
	void *loop_sp;     /* the loop's own stack while a coroutine runs */
	struct coro *dead; /* ended: its stack is freed by the loop */
	char *stack_cache[STACK_CACHE];
	u32 stack_count;
	struct timer **heap; /* binary heap by deadline */
	u32 heap_count, heap_capacity;
	u64 timers_looked;        /* cycles */
	u64 boot_ns, boot_cycles; /* for cycles_to_ns */
	int epoll_fd;
	struct list_head polls; /* struct host_poll.node */
	struct list_head held;  /* coroutines that would run but must not yet */
	bool holding;
	u32 generation;
	u32 short_pauses; /* 0–3: were the loop's last pauses short? */
	bool (*at_rest)(void *arg);
	void *at_rest_arg;
	bool stopping;
	int stop_code;
};

static inline struct sched *sched(void)
{
	return kernel()->sched;
}

int sched_init(void);
/* Runs everything that is runnable now, once; true if anything ran. */
bool sched_run_ready(void);
/* Puts those that were woken lazily on the run queue; true if there were any. */
bool sched_hurry(void);
/* Fires timers that are due. The deadline of the next, or TIME_NEVER. */
u64 timers_run(void);

#endif
