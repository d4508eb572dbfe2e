/*
 * eventfd.c - eventfd(2): a counter to wait for.
 *
 * Never above 2^64 - 2. Readers and writers sleep in one queue; whoever sleeps holds the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/abi/poll.h"
#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/task.h"

struct eventfd {
	struct wait_queue wait;
	u64 count;
	bool semaphore;
};

static s64 eventfd_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct eventfd *e = f->private;
	u64 value;
	s64 n;
	int err;

	if (dst->left < sizeof(value))
		return -EINVAL;
	while (!e->count) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&e->wait, e->count, TIME_NEVER);
		if (err)
			return err;
	}
	value = e->semaphore ? 1 : e->count;
	e->count -= value;
	wake_up(&e->wait, LINUX_POLLOUT);
	n = uio_copy(dst, &value, sizeof(value));
	return n == (s64)sizeof(value) ? n : -EFAULT;
}

static s64 eventfd_write(struct file *f, struct uio *src, u64 *pos)
{
	struct eventfd *e = f->private;
	u64 value;
	int err;

	if (src->left < sizeof(value))
		return -EINVAL;
	if (uio_copy(src, &value, sizeof(value)) != (s64)sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	while (UINT64_MAX - 1 - e->count < value) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&e->wait, UINT64_MAX - 1 - e->count >= value, TIME_NEVER);
		if (err)
			return err;
	}
	e->count += value;
	wake_up(&e->wait, LINUX_POLLIN);
	return sizeof(value);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->private;

	poll_wait(pt, &e->wait);
	return (e->count ? LINUX_POLLIN : 0) | (e->count < UINT64_MAX - 1 ? LINUX_POLLOUT : 0);
}

static void eventfd_release(struct file *f)
{
	kfree(f->private);
}

static size_t eventfd_fdinfo(struct file *f, char *buf, size_t size)
{
	struct eventfd *e = f->private;
	int n = snprintf(buf, size, "eventfd-count: %16llx\n", (unsigned long long)e->count);

	return n < 0 ? 0 : min_t(size_t, (size_t)n, size ? size - 1 : 0);
}

static const struct file_ops eventfd_ops = {
    .llseek = noop_llseek,
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .fdinfo = eventfd_fdinfo,
};

bool file_is_eventfd(const struct file *f)
{
	return f->ops == &eventfd_ops;
}

void eventfd_signal(struct file *f)
{
	struct eventfd *e = f->private;

	if (e->count < UINT64_MAX - 1)
		e->count++;
	wake_up(&e->wait, LINUX_POLLIN);
}

int eventfd_create(u64 initial, bool semaphore, u32 o_flags, struct file **out)
{
	struct eventfd *e = knew(struct eventfd);

	if (!e)
		return -ENOMEM;
	wait_queue_init(&e->wait);
	e->count = initial;
	e->semaphore = semaphore;
	*out = anon_file_new("[eventfd]", &eventfd_ops, e, O_RDWR | (o_flags & O_NONBLOCK), 0);
	if (!*out) {
		kfree(e);
		return -ENOMEM;
	}
	return 0;
}
