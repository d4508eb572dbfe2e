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
	u64 patience;    /* for how long to spin though nobody is foretold to call soon, in cycles */
	u64 await_until; /* a trap is expected, for which we stay awake until then; cycles */
	struct list_head run_queue;
	struct list_head batch; /* taken from it: those that run in this turn */
	/* turn.c */
	struct list_head waiting;   /* coro.run_node: those who wait for a turn */
	struct list_head turns;     /* coro.turn_node: those who have one */
	u32 turn_count, turn_limit; /* no limit: 0 */
	u64 waited;                 /* when somebody had to wait last, cycles; or 0 */
	void *loop_sp;              /* the loop's own stack while a coroutine runs */
	struct coro *dead;          /* ended: its stack is freed by the loop */
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
	u32 short_pauses;         /* 0–3: were the loop's last pauses short? */
	struct list_head put_off; /* struct put_off.node */
	u64 put_off_since;        /* cycles: the first of them was put off */
	void (*when_idle)(void);
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
/* Sleeps until somebody who has put it into a list of his by run_node puts it on the run queue. */
void sched_pause(void);
/* Fires timers that are due. The deadline of the next, or TIME_NEVER. */
u64 timers_run(void);

/* turn.c */
/* c, woken, has to wait; if not, it has a turn from now on. */
bool turn_must_wait(struct coro *c) must_check;
void turn_await(struct coro *c);
/* Gives free turns to those who wait: they are put into list `to`, to run. True if there were any. */
bool turn_next(struct list_head *to);
void turn_end(struct coro *c);
void turns_end(void);

#endif
