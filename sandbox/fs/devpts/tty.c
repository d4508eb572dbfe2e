/*
 * tty.c - the pair: moving bytes between the two sides and the line discipline, and hang-up. See tty.h.
 *
 * Whoever sleeps holds a file or, on the kernel's side, the master reference, so the tty stays.
 */
#include "sandbox/fs/devpts/tty.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/sched.h"
#include "sandbox/base/arena.h"
#include "sandbox/fs/devpts/devpts.h"
#include "sandbox/kernel/task.h"

#define IN_EVENTS  (LINUX_POLLIN | LINUX_POLLRDNORM)
#define OUT_EVENTS (LINUX_POLLOUT | LINUX_POLLWRNORM)
#define CHUNK      512
#define DECISECOND 100000000ULL

static void signal_foreground(struct ldisc *ld, int sig)
{
	struct tty *t = container_of(ld, struct tty, ld);

	if (t->pgrp)
		(void)send_signal_pgrp(t->pgrp, sig, NULL);
}

static void note_flush(struct ldisc *ld)
{
	tty_packet_status(container_of(ld, struct tty, ld), LINUX_TIOCPKT_FLUSHREAD, 0);
}

static void note_flow(struct ldisc *ld)
{
	struct tty *t = container_of(ld, struct tty, ld);

	if (ld->stopped)
		tty_packet_status(t, LINUX_TIOCPKT_STOP, LINUX_TIOCPKT_START);
	else
		tty_packet_status(t, LINUX_TIOCPKT_START, LINUX_TIOCPKT_STOP);
}

static void tty_release(struct object *obj)
{
	struct tty *t = container_of(obj, struct tty, obj);

	if (t->session)
		pid_put(t->session);
	if (t->pgrp)
		pid_put(t->pgrp);
	kfree(t);
}

size_t pty_master_write(struct tty *t, const void *data, size_t size)
{
	size_t n = ldisc_input(&t->ld, data, size);

	if (n)
		wake_up_all(&t->slave_wait, 0); /* input, but also VSTART */
	if (ldisc_out_pending(&t->ld))
		wake_up(&t->master_wait, IN_EVENTS);
	return n;
}

size_t pty_master_read(struct tty *t, void *buf, size_t size)
{
	size_t n = ldisc_take(&t->ld, buf, size);

	if (n)
		wake_up(&t->slave_wait, OUT_EVENTS);
	return n;
}

u32 pty_master_poll(struct tty *t)
{
	u32 ev = OUT_EVENTS;

	if (ldisc_out_pending(&t->ld))
		ev |= IN_EVENTS;
	if (t->packet && t->packet_status)
		ev |= IN_EVENTS | LINUX_POLLPRI;
	if (t->slave_opened && !t->slave_files)
		ev |= LINUX_POLLHUP;
	return ev;
}

void tty_packet_status(struct tty *t, u8 status, u8 cancels)
{
	if (!t->packet)
		return;
	t->packet_status = (u8)((t->packet_status & ~cancels) | status);
	wake_up(&t->master_wait, IN_EVENTS | LINUX_POLLPRI);
}

void pty_resize(struct tty *t, u16 cols, u16 rows)
{
	if (t->winsize.ws_col == cols && t->winsize.ws_row == rows)
		return;
	t->winsize.ws_col = cols;
	t->winsize.ws_row = rows;
	signal_foreground(&t->ld, LINUX_SIGWINCH);
}

void pty_master_close(struct tty *t)
{
	t->master_closed = true;
	if (t->session && t->session->task) {
		struct thread_group *leader = t->session->task->tg;

		(void)send_signal_group(leader, LINUX_SIGHUP, NULL);
		(void)send_signal_group(leader, LINUX_SIGCONT, NULL);
		if (leader->tty_old_pgrp)
			pid_put(leader->tty_old_pgrp);
		leader->tty_old_pgrp = t->pgrp ? pid_get(t->pgrp) : NULL;
	}
	tty_clear_session(t);
	ldisc_flush_input(&t->ld);
	wake_up_all(&t->slave_wait, 0);
	if (t->name) {
		dentry_delete(t->name);
		dentry_put(t->name);
		t->name = NULL;
	}
	tty_put(t);
}

static bool is_canonical(const struct tty *t)
{
	return (t->ld.tio.c_lflag & (LINUX_ICANON | LINUX_EXTPROC)) == LINUX_ICANON;
}

/* Raw mode's VMIN and VTIME: waits until a read may take what is there (0), or the mode changed (1). */
static s64 wait_raw(struct file *f, struct tty *t, size_t want)
{
	u32 min = t->ld.tio.c_cc[LINUX_VMIN];
	u64 span = t->ld.tio.c_cc[LINUX_VTIME] * DECISECOND;
	u32 goal = min ? (u32)min_t(size_t, min, want) : 1, have = 0;
	u64 deadline = !min ? (span ? clock_monotonic() + span : 0) : TIME_NEVER;
	int err;

	while (!ldisc_readable(&t->ld, goal) && !t->master_closed) {
		u32 now = ldisc_pending(&t->ld);

		if (f->flags & O_NONBLOCK)
			return now ? 0 : -EAGAIN;
		if (!deadline)
			return 0;
		if (min && span && now > have) /* the timer runs between bytes */
			deadline = clock_monotonic() + span;
		have = now;
		err = wait_event(&t->slave_wait,
				 ldisc_readable(&t->ld, have + 1) || t->master_closed || is_canonical(t),
				 deadline);
		if (is_canonical(t))
			return 1;
		if (err == -ETIMEDOUT)
			return 0;
		if (err)
			return ldisc_readable(&t->ld, 1) ? 0 : err;
	}
	return 0;
}

static s64 slave_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct tty *t = f->private;
	u8 buf[LDISC_IN_SIZE]; /* a whole line: one ldisc_read per read keeps lines apart */
	s64 n, err;

	if (!dst->left)
		return 0;
	do {
		err = tty_check_job_control(t, LINUX_SIGTTIN);
		if (err)
			return err;
		if (!is_canonical(t)) {
			err = wait_raw(f, t, dst->left);
			continue;
		}
		if (ldisc_readable(&t->ld, 0) || t->master_closed)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err =
		    wait_event(&t->slave_wait,
			       ldisc_readable(&t->ld, 0) || t->master_closed || !is_canonical(t), TIME_NEVER);
		if (!err) /* another reader, or a background change, may have come first */
			err = 1;
	} while (err > 0);
	if (err)
		return err;
	n = ldisc_read(&t->ld, buf, min_t(size_t, dst->left, sizeof(buf)));
	if (n == -EAGAIN) /* hang-up, or VMIN 0 without input */
		return 0;
	if (n && uio_copy(dst, buf, (size_t)n) != n)
		return -EFAULT;
	wake_up(&t->master_wait, OUT_EVENTS);
	return n;
}

static s64 slave_write(struct file *f, struct uio *src, u64 *pos)
{
	struct tty *t = f->private;
	s64 done = 0, n;
	u8 buf[CHUNK];
	int err;

	if (t->ld.tio.c_lflag & LINUX_TOSTOP) {
		err = tty_check_job_control(t, LINUX_SIGTTOU);
		if (err)
			return err;
	}
	while (src->left) {
		n = uio_copy(src, buf, min_t(size_t, src->left, sizeof(buf)));
		if (n <= 0)
			return done ? done : -EFAULT;
		for (s64 at = 0; at < n;) {
			size_t k;

			if (t->master_closed)
				return done ? done : -EIO;
			k = ldisc_output(&t->ld, buf + at, (size_t)(n - at));
			if (k) {
				at += (s64)k;
				done += (s64)k;
				wake_up(&t->master_wait, IN_EVENTS);
				continue;
			}
			if (f->flags & O_NONBLOCK)
				return done ? done : -EAGAIN;
			err = wait_event(&t->slave_wait, ldisc_writable(&t->ld) || t->master_closed,
					 TIME_NEVER);
			if (err)
				return done ? done : err;
		}
	}
	return done;
}

static u32 slave_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = f->private;
	const u8 *cc = t->ld.tio.c_cc;
	u32 ev = 0;

	poll_wait(pt, &t->slave_wait);
	if (t->master_closed)
		return IN_EVENTS | OUT_EVENTS | LINUX_POLLHUP | LINUX_POLLERR;
	if (ldisc_readable(&t->ld, cc[LINUX_VTIME] ? 1 : cc[LINUX_VMIN]))
		ev |= IN_EVENTS;
	if (ldisc_writable(&t->ld))
		ev |= OUT_EVENTS;
	return ev;
}

static void slave_release(struct file *f)
{
	struct tty *t = f->private;

	if (--t->slave_files == 0)
		wake_up_all(&t->master_wait, 0);
	tty_put(t);
}

static const struct file_ops slave_ops = {
    .read = slave_read,
    .write = slave_write,
    .poll = slave_poll,
    .ioctl = tty_ioctl,
    .release = slave_release,
};

struct tty *tty_new(u16 cols, u16 rows)
{
	struct tty *t = knew(struct tty);

	if (!t)
		return NULL;
	object_init(&t->obj, tty_release);
	ldisc_init(&t->ld);
	t->ld.signal = signal_foreground;
	t->ld.flushed = note_flush;
	t->ld.flow_changed = note_flow;
	wait_queue_init(&t->slave_wait);
	wait_queue_init(&t->master_wait);
	t->winsize.ws_col = cols;
	t->winsize.ws_row = rows;
	return t;
}

int tty_open_slave(struct tty *t, struct file *f)
{
	struct task *task = current_task();

	if (t->locked || t->master_closed)
		return -EIO;
	if (t->exclusive && !capable(LINUX_CAP_SYS_ADMIN))
		return -EBUSY;
	f->ops = &slave_ops;
	f->private = tty_get(t);
	f->mode |= FMODE_NOSEEK | FMODE_STREAM;
	t->slave_files++;
	t->slave_opened = true;
	/* the first terminal that a session leader opens becomes its controlling one */
	if (task && !(f->open_flags & O_NOCTTY) && (f->mode & FMODE_READ) && !task->tg->tty && !t->session &&
	    task->tg->session == task->tg->leader->pid)
		return tty_set_controlling(t, task->tg, false);
	return 0;
}

int pty_open_pair(u16 cols, u16 rows, struct tty **master, struct file **slave)
{
	struct tty *t = tty_new(cols, rows);

	if (!t)
		return -ENOMEM;
	*slave = anon_file_new("[pts]", &slave_ops, t, O_RDWR, LINUX_S_IFCHR);
	if (!*slave) {
		tty_put(t);
		return -ENOMEM;
	}
	tty_get(t);
	t->slave_files = 1;
	t->slave_opened = true;
	*master = t;
	return 0;
}
