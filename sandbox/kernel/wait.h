/*
 * wait.h - wait queues: who sleeps on an object until something happens to it.
 *
 * A wait queue is a list of waiters in the object. wake_up() calls every waiter's function with the poll
 * events that occurred; the usual function makes a coroutine runnable, epoll's queues its item. Waiters are
 * on the waiter's own stack or embedded in its object, and leave the queue themselves. An object must not be
 * freed while somebody waits: whoever waits holds a reference.
 *
 *     int err = wait_event(&pipe->readers, pipe->used || !pipe->writers, TIME_NEVER);
 *     if (err) return err;      // -ERESTARTSYS: a signal came; -ETIMEDOUT
 */
#ifndef WARREN_KERNEL_WAIT_H
#define WARREN_KERNEL_WAIT_H

#include "sandbox/base/list.h"

struct waiter;
typedef void (*wake_fn)(struct waiter *w, u32 events);

struct wait_queue {
	struct list_head waiters;
};

struct waiter {
	struct list_head node;
	wake_fn wake;
	void *owner;    /* the coroutine, or what `wake` wants */
	u32 events;     /* wake only if events intersect this; 0 = any */
	bool exclusive; /* woken one at a time (accept, EPOLLEXCLUSIVE) */
};

static inline void wait_queue_init(struct wait_queue *q)
{
	list_init(&q->waiters);
}

static inline bool wait_queue_active(const struct wait_queue *q)
{
	return !list_empty(&q->waiters);
}

/* Prepares a waiter that wakes the current coroutine. */
void waiter_init(struct waiter *w);
void waiter_init_fn(struct waiter *w, wake_fn wake, void *owner);
void wait_queue_add(struct wait_queue *q, struct waiter *w);
/* Removes w from its queue, if any. */
void wait_queue_remove(struct waiter *w);
/* Wakes all non-exclusive waiters and the first exclusive one interested in `events` (EPOLLIN… bits; 0 =
 * all). */
void wake_up(struct wait_queue *q, u32 events);
void wake_up_all(struct wait_queue *q, u32 events);

enum sleep_state {
	SLEEP_INTERRUPTIBLE,  /* a deliverable signal ends it: -ERESTARTSYS */
	SLEEP_KILLABLE,       /* only a fatal signal ends it: -ERESTARTSYS */
	SLEEP_ANSWER,         /* the same, for the answer to what was asked for: such a task is not at rest */
	SLEEP_UNINTERRUPTIBLE /* for short waits on the platform or the gofer */
};

/* Sleeps until woken (0), the deadline on the monotonic clock (-ETIMEDOUT) or a signal (-ERESTARTSYS). May
 * wake spuriously: callers loop over their condition, as wait_event does. A signal that is already pending
 * returns at once. */
int sched_sleep(u64 deadline_ns, enum sleep_state state) must_check;

#define wait_event_state(q, cond, deadline, state)                                                           \
	({                                                                                                   \
		struct waiter we_w_;                                                                         \
		int we_err_ = 0;                                                                             \
		waiter_init(&we_w_);                                                                         \
		wait_queue_add((q), &we_w_);                                                                 \
		while (!(cond)) {                                                                            \
			we_err_ = sched_sleep((deadline), (state));                                          \
			if (we_err_)                                                                         \
				break;                                                                       \
		}                                                                                            \
		if (we_err_ && (cond))                                                                       \
			we_err_ = 0;                                                                         \
		wait_queue_remove(&we_w_);                                                                   \
		we_err_;                                                                                     \
	})
#define wait_event(q, cond, deadline) wait_event_state(q, cond, deadline, SLEEP_INTERRUPTIBLE)
#define wait_event_uninterruptible(q, cond)                                                                  \
	((void)wait_event_state(q, cond, TIME_NEVER, SLEEP_UNINTERRUPTIBLE))

#endif
