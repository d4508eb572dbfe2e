/*
 * hostfd.c - a guest's file whose bytes come from and go to a host descriptor.
 *
 * To the guest it is a pipe: no position, POLLIN and POLLOUT, EPIPE with SIGPIPE. The host descriptor never
 * blocks us: when it has nothing, the reader sleeps until the loop's epoll (edge triggered) reports a change,
 * counted in `changes` so that one between attempt and sleep is not lost. What epoll refuses (a regular file,
 * /dev/null) never has to be waited for.
 *
 * Survives a checkpoint as a host_fd whose recipe is to be handed over anew.
 */
#include "sandbox/fs/hostfd/hostfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/termios.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"

#define CHUNK (16 * 1024)

struct hostfd {
	struct host_fd *fd;
	struct inode *inode; /* not counted: it outlives its open files */
	u32 files, access;   /* how many are open; FMODE_READ, FMODE_WRITE: what the host allows */
	struct host_poll poll;
	struct wait_queue wait;
	u32 changes;
	bool polled;
};

static void hostfd_ready(struct host_poll *p, u32 events)
{
	struct hostfd *h = container_of(p, struct hostfd, poll);

	h->changes++;
	wake_up_all(&h->wait, events);
}

/* After an attempt that found nothing. `seen`: changes before it. */
static int wait_change(struct file *f, struct hostfd *h, u32 seen)
{
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_event(&h->wait, h->changes != seen, TIME_NEVER);
}

static s64 hostfd_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct hostfd *h = f->private;
	char *buf;
	s64 n;

	if (!dst->left)
		return 0;
	/* only what the guest can take is read: bytes taken from the host cannot be put back */
	buf = kmalloc(min_t(size_t, dst->left, CHUNK));
	if (!buf)
		return -ENOMEM;
	for (;;) {
		u32 seen = h->changes;
		n = read(h->fd->fd, buf, min_t(size_t, dst->left, CHUNK));
		n = n < 0 ? -errno : n;
		if (n == -EAGAIN)
			n = wait_change(f, h, seen);
		else if (n != -EINTR)
			break;
		if (n && n != -EINTR)
			break;
	}
	if (n > 0)
		n = uio_copy(dst, buf, (size_t)n);
	kfree(buf);
	return n;
}

/* Writes all of buf, waiting for room; bytes written, or -errno if none. */
static s64 write_all(struct file *f, struct hostfd *h, const char *buf, size_t size)
{
	size_t done = 0;
	int err = 0;

	while (done < size && !err) {
		u32 seen = h->changes;
		ssize_t n = write(h->fd->fd, buf + done, size - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			err = wait_change(f, h, seen);
		else if (errno != EINTR)
			err = -errno;
	}
	return done ? (s64)done : err;
}

static s64 hostfd_write(struct file *f, struct uio *src, u64 *pos)
{
	struct hostfd *h = f->private;
	s64 total = 0, n = 0;
	char *buf;

	if (!src->left)
		return 0;
	buf = kmalloc(min_t(size_t, src->left, CHUNK));
	if (!buf)
		return -ENOMEM;
	while (src->left) {
		s64 size = uio_copy(src, buf, min_t(size_t, src->left, CHUNK));
		n = size;
		if (size <= 0)
			break;
		n = write_all(f, h, buf, (size_t)size);
		if (n > 0)
			total += n;
		if (n < size)
			break;
	}
	kfree(buf);
	if (n == -EPIPE && current_task())
		(void)send_signal_task(current_task(), LINUX_SIGPIPE, NULL);
	return total ? total : n;
}

static u32 hostfd_poll(struct file *f, struct poll_table *pt)
{
	struct hostfd *h = f->private;
	struct pollfd p = {h->fd->fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
	u32 ev = 0;

	poll_wait(pt, &h->wait);
	if (poll(&p, 1, 0) < 0)
		return LINUX_POLLERR;
	if (p.revents & POLLIN)
		ev |= LINUX_POLLIN | LINUX_POLLRDNORM;
	if (p.revents & POLLOUT)
		ev |= LINUX_POLLOUT | LINUX_POLLWRNORM;
	if (p.revents & POLLERR)
		ev |= LINUX_POLLERR;
	if (p.revents & POLLHUP)
		ev |= LINUX_POLLHUP;
	if (!(f->mode & FMODE_READ))
		ev &= ~(u32)(LINUX_POLLIN | LINUX_POLLRDNORM);
	if (!(f->mode & FMODE_WRITE))
		ev &= ~(u32)(LINUX_POLLOUT | LINUX_POLLWRNORM);
	return ev;
}

static s64 hostfd_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct hostfd *h = f->private;
	int count = 0;

	if (cmd != LINUX_FIONREAD)
		return -ENOTTY;
	if (ioctl(h->fd->fd, FIONREAD, &count))
		return -errno;
	return put_user(&count, uaddr(arg));
}

static void hostfd_free(struct hostfd *h)
{
	if (h->inode)
		h->inode->private = NULL;
	if (h->polled)
		host_poll_remove(&h->poll);
	host_fd_put(h->fd);
	kfree(h);
}

static void hostfd_release(struct file *f)
{
	struct hostfd *h = f->private;

	if (--h->files == 0)
		hostfd_free(h);
}

static const struct file_ops hostfd_ops = {
    .read = hostfd_read,
    .write = hostfd_write,
    .poll = hostfd_poll,
    .ioctl = hostfd_ioctl,
    .release = hostfd_release,
};

/* Through /proc/PID/fd: /dev/stdin, /dev/stdout. */
static int hostfd_reopen(struct inode *inode, struct file *f)
{
	struct hostfd *h = inode->private;

	if (!h)
		return -ENXIO; /* a path was kept (O_PATH), but all files are closed */
	if ((f->mode & (FMODE_READ | FMODE_WRITE)) & ~h->access)
		return -EACCES;
	h->files++;
	f->ops = &hostfd_ops;
	f->private = h;
	f->mode |= FMODE_NOSEEK | FMODE_STREAM;
	return 0;
}

static const struct inode_ops hostfd_inode_ops = {.open = hostfd_reopen};

static int hostfd_open(int fd, struct hostfd **out)
{
	int flags = fcntl(fd, F_GETFL), err = 0;
	struct hostfd *h;

	if (flags < 0 || (flags & O_PATH)) {
		close(fd);
		return -EBADF;
	}
	h = knew(struct hostfd);
	if (!h) {
		close(fd);
		return -ENOMEM;
	}
	h->fd = host_fd_new(fd, HOST_FD_STDIO, (flags & O_ACCMODE) != O_RDONLY);
	if (!h->fd) {
		kfree(h);
		return -ENOMEM;
	}
	wait_queue_init(&h->wait);
	h->poll.fd = h->fd;
	h->poll.ready = hostfd_ready;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		err = -errno;
	if (!err)
		err = host_poll_add(&h->poll, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	h->polled = !err;
	if (err == -EPERM)
		err = 0; /* always ready */
	if (err)
		hostfd_free(h);
	else
		*out = h;
	return err;
}

int hostfd_create(int fd, u32 uid, u32 gid, u32 recipe, struct file **out)
{
	static const u32 modes[4] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
	int access = fcntl(fd, F_GETFL) & O_ACCMODE, err;
	struct inode *inode;
	struct hostfd *h;

	err = hostfd_open(fd, &h);
	if (err)
		return err;
	*out = anon_file_new("pipe", &hostfd_ops, h, (u32)access, LINUX_S_IFIFO);
	if (!*out) {
		hostfd_free(h);
		return -ENOMEM;
	}
	inode = (*out)->inode;
	inode->ops = &hostfd_inode_ops;
	inode->private = h;
	inode->attr.uid = uid;
	inode->attr.gid = gid;
	h->inode = inode;
	h->fd->recipe_id = recipe;
	h->files = 1;
	h->access = modes[access];
	return 0;
}
