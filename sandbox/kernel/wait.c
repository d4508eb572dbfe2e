/*
 * wait.c - wait queues. See wait.h.
 */
#include "sandbox/kernel/sched.h"
#include "sandbox/kernel/wait.h"

static void wake_coro(struct waiter *w, u32 events)
{
	coro_wake(w->owner);
}

void waiter_init(struct waiter *w)
{
	waiter_init_fn(w, wake_coro, coro_current());
}

void waiter_init_fn(struct waiter *w, wake_fn wake, void *owner)
{
	list_init(&w->node);
	w->wake = wake;
	w->owner = owner;
	w->events = 0;
	w->exclusive = false;
}

void wait_queue_add(struct wait_queue *q, struct waiter *w)
{
	if (w->exclusive)
		list_add_tail(&w->node, &q->waiters);
	else
		list_add(&w->node, &q->waiters); /* so that an exclusive one is reached last */
}

void wait_queue_remove(struct waiter *w)
{
	list_del_init(&w->node);
}

static void wake(struct wait_queue *q, u32 events, bool all)
{
	struct waiter *w, *next;

	list_for_each_entry_safe (w, next, &q->waiters, node) {
		bool exclusive = w->exclusive;
		if (events && w->events && !(events & w->events))
			continue;
		w->wake(w, events);
		if (exclusive && !all)
			break;
	}
}

void wake_up(struct wait_queue *q, u32 events)
{
	wake(q, events, false);
}

void wake_up_all(struct wait_queue *q, u32 events)
{
	wake(q, events, true);
}
