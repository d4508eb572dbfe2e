/*
 * poll.c - waiting for several files at once.
 *
 * A waiter per wait queue, in chunks that hang off the poll_waiters on the sleeper's stack; the first chunk
 * lies there too, so that a small poll allocates nothing. Queues are joined in the first round only; then the
 * files are only asked. The caller holds references on the files throughout.
 */
#include "sandbox/fs/anon/poll.h"

#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/sched.h"

#define CHUNK 8

struct chunk {
	struct chunk *next;
	u32 used;
	struct waiter w[CHUNK];
};

struct poll_waiters {
	struct poll_table pt;
	struct chunk first, *last;
	bool failed;
};

static void join(struct poll_table *pt, struct wait_queue *q)
{
	struct poll_waiters *pw = container_of(pt, struct poll_waiters, pt);
	struct waiter *w;

	if (pw->last->used == CHUNK) {
		struct chunk *c = knew(struct chunk);

		if (!c) {
			pw->failed = true;
			return;
		}
		pw->last->next = c;
		pw->last = c;
	}
	w = &pw->last->w[pw->last->used++];
	waiter_init(w);
	wait_queue_add(q, w);
}

static void leave(struct poll_waiters *pw)
{
	struct chunk *c = &pw->first;

	while (c) {
		struct chunk *next = c->next;

		for (u32 i = 0; i < c->used; i++)
			wait_queue_remove(&c->w[i]);
		if (c != &pw->first)
			kfree(c);
		c = next;
	}
}

static u32 ask(struct poll_entry *e, u32 count, struct poll_table *pt)
{
	u32 ready = 0;

	for (u32 i = 0; i < count; i++) {
		if (e[i].file)
			e[i].revents = file_poll(e[i].file, ready ? NULL : pt) &
				       (e[i].events | LINUX_POLLERR | LINUX_POLLHUP);
		ready += e[i].revents != 0;
	}
	return ready;
}

s64 poll_entries(struct poll_entry *e, u32 count, u64 deadline_ns)
{
	struct poll_waiters pw;
	s64 ready;
	int err = 0;

	pw.pt.queue = join;
	pw.first.next = NULL;
	pw.first.used = 0;
	pw.last = &pw.first;
	pw.failed = false;
	ready = ask(e, count, deadline_ns ? &pw.pt : NULL);
	while (!ready && !err && !pw.failed && deadline_ns) {
		err = sched_sleep(deadline_ns, SLEEP_INTERRUPTIBLE);
		ready = ask(e, count, NULL);
	}
	leave(&pw);
	if (ready)
		return ready;
	if (pw.failed)
		return -ENOMEM;
	return err == -ETIMEDOUT ? 0 : err;
}

int poll_deadline(const struct linux_timespec *ts, u64 *deadline_ns)
{
	u64 now = clock_monotonic(), span;

	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (!ts->tv_sec && !ts->tv_nsec) {
		*deadline_ns = 0;
		return 0;
	}
	if ((u64)ts->tv_sec > UINT64_MAX / NSEC_PER_SEC / 2) {
		*deadline_ns = TIME_NEVER;
		return 0;
	}
	span = (u64)ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
	*deadline_ns = span > TIME_NEVER - 1 - now ? TIME_NEVER : now + span;
	return 0;
}
