/*
 * fasync.c - O_ASYNC, fcntl(2) F_SETOWN: a signal when a file becomes ready.
 *
 * The file's own wait queues tell of it, as they tell epoll: the waiters here send the signal instead of
 * waking somebody. What has no wait queue never becomes ready, and is not asked.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/vfs/lease.h"
#include "sandbox/vfs/vfs_priv.h"

#define QUEUES 4
enum { POLL_IN_CODE = 1, POLL_OUT_CODE, POLL_ERR_CODE = 4, POLL_PRI_CODE };

struct fasync {
	struct file *file; /* borrowed: it goes with the file */
	int fd;            /* as told in si_fd */
	u32 count;
	struct waiter waiters[QUEUES];
};

struct fasync_table {
	struct poll_table pt;
	struct fasync *fa;
};

/* `events` 0: something has changed, perhaps the other end has gone, which to a reader is input. */
static void tell(struct waiter *w, u32 events)
{
	struct fasync *fa = w->owner;
	u32 in = LINUX_POLLIN | LINUX_POLLRDNORM, out = LINUX_POLLOUT | LINUX_POLLWRNORM;
	struct file *f = fa->file;

	if (events & LINUX_POLLPRI)
		file_signal(f, fa->fd, POLL_PRI_CODE, LINUX_POLLPRI | LINUX_POLLRDBAND);
	if ((f->mode & FMODE_READ) && (!events || (events & (in | LINUX_POLLHUP | LINUX_POLLRDHUP))))
		file_signal(f, fa->fd, POLL_IN_CODE, in);
	if ((f->mode & FMODE_WRITE) && (!events || (events & out)))
		file_signal(f, fa->fd, POLL_OUT_CODE, out | LINUX_POLLWRBAND);
	if (events & LINUX_POLLERR)
		file_signal(f, fa->fd, POLL_ERR_CODE, LINUX_POLLERR);
}

static void queue(struct poll_table *pt, struct wait_queue *q)
{
	struct fasync *fa = container_of(pt, struct fasync_table, pt)->fa;

	if (fa->count == QUEUES)
		return;
	waiter_init_fn(&fa->waiters[fa->count], tell, fa);
	wait_queue_add(q, &fa->waiters[fa->count++]);
}

/* Files whose readiness Linux tells by signals: pipes, sockets, terminals. */
static bool can_signal(const struct file *f)
{
	u32 type = f->inode ? f->inode->attr.mode & LINUX_S_IFMT : 0;

	return f->ops && f->ops->poll &&
	       (type == LINUX_S_IFIFO || type == LINUX_S_IFSOCK || type == LINUX_S_IFCHR);
}

void fasync_release(struct file *f)
{
	struct fasync *fa = f->fasync;

	if (!fa)
		return;
	for (u32 i = 0; i < fa->count; i++)
		wait_queue_remove(&fa->waiters[i]);
	kfree(fa);
	f->fasync = NULL;
}

int fasync_set(struct file *f, int fd, bool on)
{
	struct fasync_table table = {.pt = {.queue = queue}};

	if (!on || !can_signal(f)) {
		fasync_release(f);
		f->flags &= ~(u32)O_ASYNC;
		return 0;
	}
	f->flags |= O_ASYNC;
	if (f->fasync) {
		f->fasync->fd = fd;
		return 0;
	}
	f->fasync = knew(struct fasync);
	if (!f->fasync)
		return -ENOMEM;
	f->fasync->file = f;
	f->fasync->fd = fd;
	table.fa = f->fasync;
	(void)f->ops->poll(f, &table.pt);
	return 0;
}
