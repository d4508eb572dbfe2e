/*
 * timer.c - timers in a binary heap, entry 0 unused.
 *
 * Most timers of TCP are pushed back by each ACK and hardly ever fire. So a later deadline only changes the
 * timer's own field; when the heap's older key comes up, the timer is put back with its true deadline. A
 * cancelled timer likewise stays until its key comes.
 */
#include "netstack/stack/stack_priv.h"

void net_timer_init(struct net_timer *t, struct netstack *ns, void (*fire)(struct net_timer *))
{
	*t = (struct net_timer){.deadline = TIME_NEVER, .fire = fire, .ns = ns};
}

static void put(struct netstack *ns, u32 i, struct net_timer *t)
{
	ns->heap[i] = t;
	t->index = i;
}

static void heap_up(struct netstack *ns, u32 i, struct net_timer *t)
{
	for (; i > 1 && ns->heap[i / 2]->key > t->key; i /= 2)
		put(ns, i, ns->heap[i / 2]);
	put(ns, i, t);
}

static void heap_down(struct netstack *ns, u32 i, struct net_timer *t)
{
	for (;;) {
		u32 child = 2 * i;
		if (child > ns->heap_count)
			break;
		if (child < ns->heap_count && ns->heap[child + 1]->key < ns->heap[child]->key)
			child++;
		if (ns->heap[child]->key >= t->key)
			break;
		put(ns, i, ns->heap[child]);
		i = child;
	}
	put(ns, i, t);
}

static void heap_remove(struct netstack *ns, struct net_timer *t)
{
	u32 i = t->index;
	struct net_timer *last = ns->heap[ns->heap_count--];

	t->index = 0;
	if (last == t)
		return;
	if (i > 1 && ns->heap[i / 2]->key > last->key)
		heap_up(ns, i, last);
	else
		heap_down(ns, i, last);
}

static bool grow(struct netstack *ns)
{
	u32 capacity = ns->heap_capacity ? 2 * ns->heap_capacity : 64;
	struct net_timer **heap = net_alloc(ns, capacity * sizeof(*heap), "net timers");

	if (!heap)
		return false;
	if (ns->heap)
		memcpy(heap, ns->heap, (ns->heap_count + 1) * sizeof(*heap));
	net_free(ns, ns->heap);
	ns->heap = heap;
	ns->heap_capacity = capacity;
	return true;
}

void net_timer_arm(struct net_timer *t, u64 deadline)
{
	struct netstack *ns = t->ns;

	t->deadline = deadline;
	if (deadline == TIME_NEVER)
		return;
	if (t->index) {
		if (deadline < t->key) {
			t->key = deadline;
			heap_up(ns, t->index, t);
		}
		return;
	}
	if (t->late)
		return;
	if (ns->heap_count + 2 > ns->heap_capacity && !grow(ns)) {
		t->late = true;
		t->next_late = ns->late_timers;
		ns->late_timers = t;
		return;
	}
	t->key = deadline;
	heap_up(ns, ++ns->heap_count, t);
}

static void late_remove(struct netstack *ns, struct net_timer *t)
{
	struct net_timer **at = &ns->late_timers;

	while (*at != t)
		at = &(*at)->next_late;
	*at = t->next_late;
	t->late = false;
}

void net_timer_done(struct net_timer *t)
{
	if (t->index)
		heap_remove(t->ns, t);
	if (t->late)
		late_remove(t->ns, t);
	t->deadline = TIME_NEVER;
}

/* Those without a place in the heap. */
static void run_late(struct netstack *ns)
{
	struct net_timer *t = ns->late_timers;

	while (t) {
		if (t->deadline > ns->now) {
			t = t->next_late;
			continue;
		}
		late_remove(ns, t);
		t->deadline = TIME_NEVER;
		t->fire(t);
		t = ns->late_timers; /* it may have changed the list: from the start */
	}
}

/* Runs what is due; returns the next deadline. */
u64 net_timers_run(struct netstack *ns);
u64 net_timers_run(struct netstack *ns)
{
	u64 next;

	run_late(ns);
	while (ns->heap_count && ns->heap[1]->key <= ns->now) {
		struct net_timer *t = ns->heap[1];
		if (t->deadline > ns->now) {
			if (t->deadline == TIME_NEVER) {
				heap_remove(ns, t);
			} else {
				t->key = t->deadline;
				heap_down(ns, 1, t);
			}
			continue;
		}
		heap_remove(ns, t);
		t->deadline = TIME_NEVER;
		t->fire(t);
	}
	next = ns->heap_count ? ns->heap[1]->key : TIME_NEVER;
	for (const struct net_timer *t = ns->late_timers; t; t = t->next_late)
		next = min_t(u64, next, t->deadline);
	return next;
}
