/*
 * pipe.c - a pipe is a ring of bytes in arena pages between readers and writers.
 *
 * The ring is allocated once and used for the pipe's whole life, so a transfer neither allocates nor makes a
 * host call: bytes go straight between the ring and the place the stub has staged. Indices only grow; used =
 * head - tail. A write of at most PIPE_BUF bytes goes in whole or waits; larger ones go piece by piece.
 *
 * A pipe lives as long as its files (`files`, opening FIFOs included); a FIFO's inode points at it meanwhile.
 * Whoever sleeps here holds a file of it, so the pipe cannot go. Everything is in the arena.
 */
#include "sandbox/fs/pipefs/pipe.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/termios.h"
#include "sandbox/base/arena.h"
#include "sandbox/base/log.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm.h"

struct pipe {
	struct wait_queue wait; /* all: readers by POLLIN, writers by POLLOUT */
	char *ring;
	u32 size; /* a power of two */
	u32 head, tail;
	u32 readers, writers, files;
	u32 reader_opens, writer_opens; /* how often an end was opened: a FIFO's open waits for a change */
	struct list_head packets;       /* struct packet, oldest first */
	struct list_head lent;          /* struct lent, oldest first */
	u32 lent_count;
	struct inode *inode; /* not counted: it outlives its open files */
	bool fifo;           /* has a name: opening one end waits for the other */
};

/* What one write of an O_DIRECT end has put into the ring: one read takes it, and drops what it has no room
 * for. Bytes outside of packets are a stream. */
struct packet {
	struct list_head node;
	u32 start, end; /* indices */
};

/* Bytes that vmsplice(2) has put in. Linux has the giver's pages in the pipe, and programs rely on it
 * (libfuse writes into the header of an answer after it has given it): here the ring has a copy, which is
 * made again when the giver itself takes it out. Who else takes it gets the copy. */
struct lent {
	struct list_head node;
	u32 start, end; /* indices */
	uaddr_t from;
	u64 mm_serial;
};
#define LENT_MAX            64U /* of the oldest beyond it there is only the copy */

#define CAP_SYS_RESOURCE_NR 24

static u32 used(const struct pipe *p)
{
	return p->head - p->tail;
}

static u32 room(const struct pipe *p)
{
	return p->size - used(p);
}

static struct pipe *pipe_new(void)
{
	struct pipe *p = knew(struct pipe);

	if (!p)
		return NULL;
	p->ring = kmalloc_typed(PIPE_DEFAULT_SIZE, "pipe ring");
	if (!p->ring) {
		kfree(p);
		return NULL;
	}
	p->size = PIPE_DEFAULT_SIZE;
	wait_queue_init(&p->wait);
	list_init(&p->packets);
	list_init(&p->lent);
	return p;
}

static void packet_end(struct packet *k)
{
	list_del_init(&k->node);
	kfree(k);
}

/* The packet that begins where the reader is, or NULL; *limit: how much one read may take. */
static struct packet *packet_at_tail(struct pipe *p, u32 *limit)
{
	struct packet *k =
	    list_empty(&p->packets) ? NULL : list_first_entry(&p->packets, struct packet, node);

	*limit = !k ? used(p) : k->start == p->tail ? k->end - k->start : k->start - p->tail;
	return k && k->start == p->tail ? k : NULL;
}

static void lent_end(struct pipe *p, struct lent *l)
{
	list_del_init(&l->node);
	p->lent_count--;
	kfree(l);
}

static void pipe_free(struct pipe *p)
{
	while (!list_empty(&p->lent))
		lent_end(p, list_first_entry(&p->lent, struct lent, node));
	while (!list_empty(&p->packets))
		packet_end(list_first_entry(&p->packets, struct packet, node));
	if (p->inode)
		p->inode->pipe = NULL;
	kfree(p->ring);
	kfree(p);
}

static void pipe_drop(struct pipe *p)
{
	if (--p->files == 0)
		pipe_free(p);
}

/* Moves up to n bytes between the ring at index `at` and the uio, in one or two runs. Bytes or -EFAULT. */
static s64 ring_copy(struct pipe *p, u32 at, struct uio *u, size_t n)
{
	size_t done = 0;

	while (done < n) {
		u32 off = (at + (u32)done) & (p->size - 1);
		size_t run = min_t(size_t, n - done, p->size - off), window = run;
		void *direct = uio_window(u, &window);
		s64 got;

		if (direct && window) {
			window = min_t(size_t, window, run);
			if (u->dir == UIO_TO_USER)
				memcpy(direct, p->ring + off, window);
			else
				memcpy(p->ring + off, direct, window);
			uio_advance(u, window);
			got = (s64)window;
		} else {
			got = uio_copy(u, p->ring + off, run);
		}
		if (got <= 0)
			return done ? (s64)done : got ? got : -EFAULT;
		done += (size_t)got;
	}
	return (s64)done;
}

/* What is still there of the oldest lent bytes is what the giver's memory now holds, if it is the one who
 * asks. */
static void lent_renew(struct pipe *p, u64 mm_serial)
{
	while (!list_empty(&p->lent)) {
		struct lent *l = list_first_entry(&p->lent, struct lent, node);
		u32 gone = (s32)(p->tail - l->start) > 0 ? p->tail - l->start : 0;
		struct uio u;
		if (gone < l->end - l->start && l->mm_serial == mm_serial) {
			uio_init_user(&u, UIO_FROM_USER, uaddr(l->from.v + gone), l->end - l->start - gone);
			if (ring_copy(p, l->start + gone, &u, u.left) < 0)
				klog(LOG_DEBUG, "pipe: lent memory is gone");
		}
		lent_end(p, l);
	}
}

static s64 pipe_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct pipe *p = f->private;
	struct packet *packet;
	u32 limit;
	s64 n;
	int err;

	if (!dst->left)
		return 0;
	while (!used(p)) {
		if (!p->writers)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event(&p->wait, used(p) || !p->writers, TIME_NEVER);
		if (err)
			return err;
	}
	if (!list_empty(&p->lent))
		lent_renew(p, current_task() && current_task()->mm ? current_task()->mm->serial : 0);
	packet = packet_at_tail(p, &limit);
	n = ring_copy(p, p->tail, dst, min_t(size_t, dst->left, limit));
	if (n > 0) {
		p->tail += packet ? limit : (u32)n;
		if (packet)
			packet_end(packet);
		wake_up(&p->wait, LINUX_POLLOUT | LINUX_POLLWRNORM);
		/* what is left is for the next reader */
	}
	return n;
}

/* The `n` bytes that now lie at the head are one. */
static s64 packet_begin(struct pipe *p, u32 n)
{
	struct packet *k = knew(struct packet);

	if (!k)
		return -ENOMEM;
	k->start = p->head;
	k->end = p->head + n;
	list_add_tail(&k->node, &p->packets);
	return n;
}

static s64 broken(s64 done)
{
	if (done)
		return done;
	if (current_task())
		(void)send_signal_task(current_task(), LINUX_SIGPIPE, NULL);
	return -EPIPE;
}

static s64 pipe_write(struct file *f, struct uio *src, u64 *pos)
{
	struct pipe *p = f->private;
	bool packets = f->flags & O_DIRECT;
	s64 done = 0, n;
	int err;

	if (!src->left)
		return 0;
	while (src->left) {
		u32 whole = (u32)min_t(size_t, src->left, LINUX_PIPE_BUF);
		u32 need = packets || (!done && src->left <= LINUX_PIPE_BUF) ? whole : 1;

		if (!p->readers)
			return broken(done);
		if (room(p) < need) {
			if (f->flags & O_NONBLOCK)
				return done ? done : -EAGAIN;
			err = wait_event(&p->wait, room(p) >= need || !p->readers, TIME_NEVER);
			if (err)
				return done ? done : err;
			continue;
		}
		n = ring_copy(p, p->head, src, packets ? whole : min_t(size_t, src->left, room(p)));
		if (n > 0 && packets)
			n = packet_begin(p, (u32)n);
		if (n < 0)
			return done ? done : n;
		p->head += (u32)n;
		done += n;
		wake_up(&p->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
	}
	return done;
}

s64 pipe_lend(struct file *f, uaddr_t from, size_t size, bool nowait)
{
	struct pipe *p = f->private;
	struct lent *l;
	s64 done = 0, n;
	struct uio u;
	int err;

	while ((size_t)done < size) {
		if (!p->readers)
			return broken(done);
		if (!room(p)) {
			if (nowait || (f->flags & O_NONBLOCK))
				return done ? done : -EAGAIN;
			err = wait_event(&p->wait, room(p) || !p->readers, TIME_NEVER);
			if (err)
				return done ? done : err;
			continue;
		}
		uio_init_user(&u, UIO_FROM_USER, uaddr(from.v + (u64)done), size - (size_t)done);
		n = ring_copy(p, p->head, &u, min_t(size_t, u.left, room(p)));
		if (n < 0)
			return done ? done : n;
		l = current_task() && current_task()->mm ? knew(struct lent) : NULL;
		if (l) { /* without: the copy alone */
			*l = (struct lent){.start = p->head,
					   .end = p->head + (u32)n,
					   .from = uaddr(from.v + (u64)done),
					   .mm_serial = current_task()->mm->serial};
			list_add_tail(&l->node, &p->lent);
			if (++p->lent_count > LENT_MAX)
				lent_end(p, list_first_entry(&p->lent, struct lent, node));
		}
		p->head += (u32)n;
		done += n;
		wake_up(&p->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
	}
	return done;
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->private;
	u32 ev = 0;

	poll_wait(pt, &p->wait);
	if (f->mode & FMODE_READ) {
		if (used(p))
			ev |= LINUX_POLLIN | LINUX_POLLRDNORM;
		if (!p->writers && (p->writer_opens || !p->fifo))
			ev |= LINUX_POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (room(p) >= LINUX_PIPE_BUF)
			ev |= LINUX_POLLOUT | LINUX_POLLWRNORM;
		if (!p->readers)
			ev |= LINUX_POLLERR;
	}
	return ev;
}

static s64 pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->private;
	s32 n = (s32)used(p);

	if (cmd == LINUX_FIONREAD)
		return put_user(&n, uaddr(arg));
	return -ENOTTY;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->private;

	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	if (!p->readers || !p->writers)
		wake_up_all(&p->wait, 0);
	pipe_drop(p);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
};

int pipe_create(u32 o_flags, struct file **read_end, struct file **write_end)
{
	struct pipe *p = pipe_new();
	struct file *r, *w;

	if (!p)
		return -ENOMEM;
	p->readers = p->writers = 1;
	p->files = 2;
	o_flags &= O_NONBLOCK | O_DIRECT;
	r = anon_file_new("pipe", &pipe_ops, p, O_RDONLY | o_flags, LINUX_S_IFIFO);
	if (!r) {
		pipe_free(p);
		return -ENOMEM;
	}
	p->inode = r->inode; /* one for both ends: it can be opened once more through /proc/PID/fd */
	p->inode->pipe = p;
	w = file_new(&r->path, r->inode, &pipe_ops, O_WRONLY | o_flags);
	if (!w) {
		p->writers = 0;
		p->files = 1;
		file_put(r);
		return -ENOMEM;
	}
	w->private = p;
	w->mode |= FMODE_NOSEEK | FMODE_STREAM;
	*read_end = r;
	*write_end = w;
	return 0;
}

/* Waits until the other end is opened, or was since. */
static int fifo_wait_peer(struct pipe *p, const u32 *peers, const u32 *opens)
{
	u32 before = *opens;

	return wait_event(&p->wait, *peers || *opens != before, TIME_NEVER);
}

int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe *p = inode->pipe;
	bool rd = file->mode & FMODE_READ, wr = file->mode & FMODE_WRITE;
	int err = 0;

	if (wr && !rd && (file->flags & O_NONBLOCK) && (!p || !p->readers))
		return -ENXIO;
	if (!p) {
		p = pipe_new();
		if (!p)
			return -ENOMEM;
		p->inode = inode;
		p->fifo = true;
		inode->pipe = p;
	}
	p->files++;
	p->readers += rd;
	p->writers += wr;
	p->reader_opens += rd;
	p->writer_opens += wr;
	wake_up_all(&p->wait, 0);
	if (p->fifo && rd && !wr && !p->writers && !(file->flags & O_NONBLOCK))
		err = fifo_wait_peer(p, &p->writers, &p->writer_opens);
	else if (p->fifo && wr && !rd && !p->readers)
		err = fifo_wait_peer(p, &p->readers, &p->reader_opens);
	if (err) {
		p->readers -= rd;
		p->writers -= wr;
		wake_up_all(&p->wait, 0);
		pipe_drop(p);
		return err;
	}
	file->ops = &pipe_ops;
	file->private = p;
	file->mode |= FMODE_NOSEEK | FMODE_STREAM;
	return 0;
}

static s64 pipe_resize(struct pipe *p, u64 want)
{
	u32 size = (u32)PAGE_SIZE;
	struct packet *k;
	struct lent *l;
	char *ring;

	if (want > INT32_MAX || want == 0)
		return -EINVAL;
	if (want > PIPE_MAX_SIZE && !capable(CAP_SYS_RESOURCE_NR))
		return -EPERM;
	if (want > PIPE_MAX_SIZE * 16)
		return -ENOMEM;
	while (size < want)
		size *= 2;
	if (size < used(p))
		return -EBUSY;
	ring = kmalloc_typed(size, "pipe ring");
	if (!ring)
		return -ENOMEM;
	for (u32 i = 0, n = used(p); i < n; i++)
		ring[i] = p->ring[(p->tail + i) & (p->size - 1)];
	list_for_each_entry (k, &p->packets, node) {
		k->start -= p->tail;
		k->end -= p->tail;
	}
	list_for_each_entry (l, &p->lent, node) {
		l->start -= p->tail;
		l->end -= p->tail;
	}
	p->head = used(p);
	p->tail = 0;
	kfree(p->ring);
	p->ring = ring;
	p->size = size;
	wake_up_all(&p->wait, 0);
	return size;
}

s64 pipe_fcntl(struct file *f, int cmd, u64 arg)
{
	struct pipe *p = f->private;

	if (f->ops != &pipe_ops)
		return -EBADF;
	return cmd == LINUX_F_SETPIPE_SZ ? pipe_resize(p, (u32)arg) : p->size;
}

bool is_pipe_file(const struct file *f)
{
	return f->ops == &pipe_ops;
}

u32 pipe_used(const struct file *f)
{
	return used(f->private);
}

u32 pipe_room(const struct file *f)
{
	return room(f->private);
}

s64 pipe_tee(struct file *in, struct file *out, u64 n, bool may_wait)
{
	struct pipe *from = in->private, *to = out->private;
	u32 done = 0;
	int err = 0;

	if (from == to)
		return -EINVAL;
	while (!used(from) || !room(to)) {
		if (!to->readers)
			break;
		if (!used(from) && !from->writers)
			return 0;
		if (!may_wait)
			return -EAGAIN;
		if (!used(from))
			err = wait_event(&from->wait, used(from) || !from->writers, TIME_NEVER);
		else
			err = wait_event(&to->wait, room(to) || !to->readers, TIME_NEVER);
		if (err)
			return err;
	}
	if (!to->readers)
		return broken(0);
	n = min_t(u64, n, min_t(u32, used(from), room(to)));
	for (; done < n; done++)
		to->ring[(to->head + done) & (to->size - 1)] =
		    from->ring[(from->tail + done) & (from->size - 1)];
	to->head += done;
	wake_up(&to->wait, LINUX_POLLIN | LINUX_POLLRDNORM);
	return done;
}
