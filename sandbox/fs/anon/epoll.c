/*
 * epoll.c - epoll(7).
 *
 * An epoll has an item per watched (file, descriptor number). The item waits in the file's wait queues by
 * waiters of its own, for as long as it lives; a wake-up puts it on the epoll's ready list and wakes who
 * waits there. A collector takes items from the ready list and asks the file again: the list only says where
 * to look. A level-triggered item that is still ready goes back to the list's end.
 *
 * An item holds no reference on its file: the file's release removes it (file->epoll_items), the epoll's own
 * release removes the rest. Epolls that watch epolls form a graph without loops, at most EPOLL_DEPTH deep.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/task.h"

#define EPOLL_DEPTH       5
#define EPOLL_QUEUES      4 /* wait queues one file may name in its poll() */
#define EPOLL_MAX_ITEMS   65536U
#define EPOLL_EVENT_FLAGS (LINUX_EPOLLET | LINUX_EPOLLONESHOT | LINUX_EPOLLEXCLUSIVE | LINUX_EPOLLWAKEUP)

struct epoll {
	struct wait_queue wait;
	struct list_head items; /* epoll_item.ep_node */
	struct list_head ready; /* epoll_item.ready_node */
	u32 count;
	struct file *self; /* not counted: the epoll is its private */
	u64 visit;         /* the search that saw it last, and how deep */
	int visit_level;
};

struct epoll_item {
	struct list_head ep_node, ready_node, file_node;
	struct epoll *ep;
	struct file *file;
	int fd;
	struct linux_epoll_event ev;
	bool full; /* a file named more queues than EPOLL_QUEUES */
	u32 waiter_count;
	struct waiter waiters[EPOLL_QUEUES];
};

struct epoll_poll_table {
	struct poll_table pt;
	struct epoll_item *item;
};

static const struct file_ops epoll_ops;

static bool is_ready(const struct epoll_item *it)
{
	return !list_empty(&it->ready_node);
}

static void make_ready(struct epoll_item *it)
{
	if (!is_ready(it))
		list_add_tail(&it->ready_node, &it->ep->ready);
	wake_up(&it->ep->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
}

static u32 wanted(const struct epoll_item *it)
{
	return it->ev.events & ~EPOLL_EVENT_FLAGS;
}

static void item_wake(struct waiter *w, u32 events)
{
	struct epoll_item *it = w->owner;

	/* A one-shot item that has fired wants nothing until EPOLL_CTL_MOD. */
	if (wanted(it) && (!events || (events & (wanted(it) | LINUX_POLLERR | LINUX_POLLHUP))))
		make_ready(it);
}

static void item_queue(struct poll_table *pt, struct wait_queue *q)
{
	struct epoll_item *it = container_of(pt, struct epoll_poll_table, pt)->item;
	struct waiter *w;

	if (it->waiter_count == EPOLL_QUEUES) {
		it->full = true;
		return;
	}
	w = &it->waiters[it->waiter_count++];
	waiter_init_fn(w, item_wake, it);
	w->exclusive = it->ev.events & LINUX_EPOLLEXCLUSIVE;
	wait_queue_add(q, w);
}

static void item_free(struct epoll_item *it)
{
	for (u32 i = 0; i < it->waiter_count; i++)
		wait_queue_remove(&it->waiters[i]);
	list_del_init(&it->ready_node);
	list_del_init(&it->file_node);
	list_del_init(&it->ep_node);
	it->ep->count--;
	kfree(it);
}

void epoll_file_released(struct file *f)
{
	struct epoll_item *it, *next;

	list_for_each_entry_safe (it, next, &f->epoll_items, file_node)
		item_free(it);
}

static struct epoll_item *find(struct epoll *ep, struct file *f, int fd)
{
	struct epoll_item *it;

	/* by the file: it is watched by few epolls, an epoll watches many files */
	list_for_each_entry (it, &f->epoll_items, file_node)
		if (it->ep == ep && it->fd == fd)
			return it;
	return NULL;
}

/* Has this search been here, at that level or deeper? Else many ways to one epoll would all be walked. */
static bool seen_before(struct epoll *ep, u64 visit, int level)
{
	if (ep->visit == visit && ep->visit_level >= level)
		return true;
	ep->visit = visit;
	ep->visit_level = level;
	return false;
}

/* How deep the graph below `f` goes; more than EPOLL_DEPTH if `target` is found in it or it is too deep. */
static int depth_below(struct file *f, const struct epoll *target, int level, u64 visit)
{
	struct epoll *ep;
	struct epoll_item *it;
	int deepest = level;

	if (f->ops != &epoll_ops)
		return level;
	ep = f->private;
	if (ep == target || level > EPOLL_DEPTH)
		return EPOLL_DEPTH + 1;
	if (seen_before(ep, visit, level))
		return level;
	list_for_each_entry (it, &ep->items, ep_node) {
		int d;

		if (it->file->ops != &epoll_ops)
			continue;
		d = depth_below(it->file, target, level + 1, visit);
		if (d > EPOLL_DEPTH)
			return d;
		deepest = max_t(int, deepest, d);
	}
	return deepest;
}

/* How many epolls stand above `f` at most. */
static int depth_above(struct file *f, int level, u64 visit)
{
	struct epoll_item *it;
	int deepest = level;

	if (level > EPOLL_DEPTH)
		return level;
	list_for_each_entry (it, &f->epoll_items, file_node) {
		int d = level + 1;

		if (!seen_before(it->ep, visit, level + 1))
			d = depth_above(it->ep->self, level + 1, visit);
		deepest = max_t(int, deepest, d);
	}
	return deepest;
}

static int item_add(struct epoll *ep, struct file *epf, int fd, struct file *target,
		    const struct linux_epoll_event *ev)
{
	struct epoll_item *it;
	struct epoll_poll_table table = {{item_queue}, NULL};
	u32 now;

	if (target->ops == &epoll_ops) {
		int below = depth_below(target, ep, 1, ++kernel()->next_cookie);

		if (below > EPOLL_DEPTH || below + depth_above(epf, 0, ++kernel()->next_cookie) > EPOLL_DEPTH)
			return -ELOOP;
	}
	if (ep->count >= EPOLL_MAX_ITEMS)
		return -ENOSPC;
	it = knew(struct epoll_item);
	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = target;
	it->fd = fd;
	it->ev = *ev;
	list_init(&it->ready_node);
	list_add_tail(&it->ep_node, &ep->items);
	list_add_tail(&it->file_node, &target->epoll_items);
	ep->count++;
	table.item = it;
	now = file_poll(target, &table.pt);
	if (it->full) {
		item_free(it);
		return -ENOMEM;
	}
	if (now & (wanted(it) | LINUX_POLLERR | LINUX_POLLHUP))
		make_ready(it);
	return 0;
}

static int item_modify(struct epoll_item *it, const struct linux_epoll_event *ev)
{
	it->ev = *ev;
	if (file_poll(it->file, NULL) & (wanted(it) | LINUX_POLLERR | LINUX_POLLHUP))
		make_ready(it);
	return 0;
}

int epoll_control(struct file *ep_file, int op, int fd, struct file *target,
		  const struct linux_epoll_event *ev)
{
	struct epoll *ep = ep_file->private;
	struct linux_epoll_event e = {0, 0};
	struct epoll_item *it;

	if (ep_file->ops != &epoll_ops || target == ep_file)
		return -EINVAL;
	if (!target->ops->poll)
		return -EPERM;
	if (op != LINUX_EPOLL_CTL_DEL) {
		e = *ev;
		e.events &= ~LINUX_EPOLLWAKEUP;
		/* errors and hang-ups are always reported */
		e.events |= LINUX_POLLERR | LINUX_POLLHUP;
		if (e.events & LINUX_EPOLLEXCLUSIVE) {
			if (op == LINUX_EPOLL_CTL_MOD || target->ops == &epoll_ops)
				return -EINVAL;
			if (e.events & ~(LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLERR | LINUX_POLLHUP |
					 LINUX_EPOLLET | LINUX_EPOLLEXCLUSIVE))
				return -EINVAL;
		}
	}
	it = find(ep, target, fd);
	switch (op) {
	case LINUX_EPOLL_CTL_ADD:
		return it ? -EEXIST : item_add(ep, ep_file, fd, target, &e);
	case LINUX_EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_free(it);
		return 0;
	case LINUX_EPOLL_CTL_MOD:
		if (!it)
			return -ENOENT;
		return it->ev.events & LINUX_EPOLLEXCLUSIVE ? -EINVAL : item_modify(it, &e);
	default:
		return -EINVAL;
	}
}

/* One pass over the ready list. Level-triggered items that are still ready go to the end of it. */
static u32 scan(struct epoll *ep, struct linux_epoll_event *out, u32 max)
{
	struct list_head todo;
	u32 n = 0;

	list_init(&todo);
	list_splice_tail_init(&ep->ready, &todo);
	while (!list_empty(&todo) && n < max) {
		struct epoll_item *it = list_first_entry(&todo, struct epoll_item, ready_node);
		u32 now;

		list_del_init(&it->ready_node);
		now = file_poll(it->file, NULL) & wanted(it);
		if (!now)
			continue;
		out[n].events = now;
		out[n++].data = it->ev.data;
		if (it->ev.events & LINUX_EPOLLONESHOT)
			it->ev.events &= EPOLL_EVENT_FLAGS;
		else if (!(it->ev.events & LINUX_EPOLLET))
			list_add_tail(&it->ready_node, &ep->ready);
	}
	/* what was not looked at comes first next time */
	list_splice_tail_init(&ep->ready, &todo);
	list_splice_tail_init(&todo, &ep->ready);
	return n;
}

s64 epoll_collect(struct file *f, struct linux_epoll_event *ev, u32 max, u64 deadline_ns)
{
	struct epoll *ep = f->private;
	int err;

	if (f->ops != &epoll_ops || !max)
		return -EINVAL;
	for (;;) {
		u32 n = scan(ep, ev, max);

		if (n || deadline_ns <= clock_monotonic())
			return n;
		err = wait_event(&ep->wait, !list_empty(&ep->ready), deadline_ns);
		if (err == -ETIMEDOUT)
			return scan(ep, ev, max);
		if (err)
			return err == -ERESTARTSYS ? -EINTR : err;
	}
}

u32 epoll_item_count(const struct file *f)
{
	const struct epoll *ep = f->private;

	return f->ops == &epoll_ops ? ep->count : 0;
}

static u32 epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->private;
	struct epoll_item *it, *next;

	poll_wait(pt, &ep->wait);
	list_for_each_entry_safe (it, next, &ep->ready, ready_node) {
		if (file_poll(it->file, NULL) & wanted(it))
			return LINUX_POLLIN | LINUX_POLLRDNORM;
		list_del_init(&it->ready_node);
	}
	return 0;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;

	while (!list_empty(&ep->items))
		item_free(list_first_entry(&ep->items, struct epoll_item, ep_node));
	kfree(ep);
}

static const struct file_ops epoll_ops = {
    .llseek = noop_llseek, .poll = epoll_poll, .release = epoll_release};

int epoll_create_file(struct file **out)
{
	struct epoll *ep = knew(struct epoll);

	if (!ep)
		return -ENOMEM;
	wait_queue_init(&ep->wait);
	list_init(&ep->items);
	list_init(&ep->ready);
	*out = anon_file_new("[eventpoll]", &epoll_ops, ep, O_RDWR, 0);
	if (!*out) {
		kfree(ep);
		return -ENOMEM;
	}
	ep->self = *out;
	return 0;
}

bool epoll_is_file(const struct file *f)
{
	return f->ops == &epoll_ops;
}

struct file *epoll_target(struct file *epf, int fd, u32 n)
{
	struct epoll *ep = epf->private;
	struct epoll_item *it;

	list_for_each_entry (it, &ep->items, ep_node)
		if (it->fd == fd && n-- == 0)
			return it->file;
	return NULL;
}
