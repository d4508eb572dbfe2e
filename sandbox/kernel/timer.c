/*
 * timer.c - clocks, and timers in a binary heap ordered by deadline.
 */
#include <errno.h>
#include <time.h>

#include "sandbox/base/cycles.h"
#include "sandbox/kernel/sched_priv.h"

#define READ_TRIES   4
#define READ_CYCLES  3000 /* some 1 µs */
#define TIMER_CYCLES 4000 /* one or two µs */

#define NOT_IN_HEAP  SIZE_MAX

static u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

u64 clock_monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

u64 clock_realtime(void)
{
	return clock_ns(CLOCK_REALTIME);
}

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
	list_init(&t->node);
	t->deadline = TIME_NEVER;
	t->heap_index = NOT_IN_HEAP;
	t->fire = fire;
}

static void heap_put(struct sched *s, size_t i, struct timer *t)
{
	s->heap[i] = t;
	t->heap_index = i;
}

static void heap_up(struct sched *s, size_t i, struct timer *t)
{
	while (i && s->heap[(i - 1) / 2]->deadline > t->deadline) {
		heap_put(s, i, s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(s, i, t);
}

static void heap_down(struct sched *s, size_t i, struct timer *t)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= s->heap_count)
			break;
		if (child + 1 < s->heap_count && s->heap[child + 1]->deadline < s->heap[child]->deadline)
			child++;
		if (s->heap[child]->deadline >= t->deadline)
			break;
		heap_put(s, i, s->heap[child]);
		i = child;
	}
	heap_put(s, i, t);
}

void timer_cancel(struct timer *t)
{
	struct sched *s = sched();
	size_t i = t->heap_index;
	struct timer *last;

	if (i == NOT_IN_HEAP)
		return;
	t->heap_index = NOT_IN_HEAP;
	t->deadline = TIME_NEVER;
	last = s->heap[--s->heap_count];
	if (last == t)
		return;
	if (i && s->heap[(i - 1) / 2]->deadline > last->deadline)
		heap_up(s, i, last);
	else
		heap_down(s, i, last);
}

int timer_arm(struct timer *t, u64 deadline_ns)
{
	struct sched *s = sched();

	timer_cancel(t);
	if (deadline_ns == TIME_NEVER)
		return 0;
	if (s->heap_count == s->heap_capacity) {
		u32 capacity = s->heap_capacity ? 2 * s->heap_capacity : 64;
		struct timer **heap = krealloc(s->heap, capacity * sizeof(*heap));
		if (!heap)
			return -ENOMEM;
		s->heap = heap;
		s->heap_capacity = capacity;
	}
	t->deadline = deadline_ns;
	heap_up(s, s->heap_count++, t);
	return 0;
}

/* Both clocks are read at one moment: a reading between whose ends the loop was preempted is made again. */
u64 cycles_to_ns(u64 count)
{
	const struct sched *s = sched();
	u64 ns, before, cy;

	for (int tries = 0; tries < READ_TRIES; tries++) {
		before = cycles_since(s->boot_cycles);
		ns = clock_monotonic() - s->boot_ns;
		cy = cycles_since(s->boot_cycles);
		if (cy - before < READ_CYCLES)
			break;
	}
	return cy >> 10 ? (u64)((unsigned __int128)count * ns / cy) : 0;
}

u64 timers_run(void)
{
	struct sched *s = sched();
	u64 now;

	if (!s->heap_count)
		return TIME_NEVER;
	if (cycles_since(s->timers_looked) < TIMER_CYCLES) /* a busy loop need not read the clock each turn */
		return s->heap[0]->deadline;
	s->timers_looked = cycles();
	now = clock_monotonic();
	while (s->heap_count && s->heap[0]->deadline <= now) {
		struct timer *t = s->heap[0];
		timer_cancel(t);
		t->fire(t);
	}
	return s->heap_count ? s->heap[0]->deadline : TIME_NEVER;
}
