/*
 * syscalls/mqueue.c - POSIX message queues.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/fs/mqueue/mqueue.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

s64 sys_mq_open(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *name = NULL;
	struct linux_mq_attr attr;
	struct file *f;
	int err;

	if (a[3] && copy_in(&attr, uaddr(a[3]), sizeof(attr)))
		return -EFAULT;
	err = copy_in_path(&name, uaddr(a[0]));
	if (!err)
		err = mqueue_open(name, (u32)a[1], (u32)a[2], a[3] ? &attr : NULL, &f);
	return err ? err : fd_install(f, 0, true);
}

s64 sys_mq_unlink(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err = copy_in_path(&name, uaddr(a[0]));

	return err ? err : mqueue_unlink(name);
}

/* An absolute time on the real-time clock as a deadline. */
static int deadline_of(u64 user, u64 *deadline)
{
	struct linux_timespec ts;
	u64 at, now = clock_realtime();

	*deadline = TIME_NEVER;
	if (!user)
		return 0;
	if (get_user(&ts, uaddr(user)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (ts.tv_sec >= INT64_MAX / (s64)NSEC_PER_SEC)
		return 0;
	at = (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
	*deadline = at > now ? clock_monotonic() + (at - now) : 0;
	return 0;
}

/* A queue open for reading or writing. */
static int queue_get(u64 fd, u32 mode, struct file **out)
{
	*out = fd_get(arg_int(fd));
	return !*out || !file_is_mqueue(*out) || !((*out)->mode & mode) ? -EBADF : 0;
}

s64 sys_mq_timedsend(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct mq_message *m;
	u64 deadline;
	int err = deadline_of(a[4], &deadline);

	if (err)
		return err;
	if ((u32)a[3] >= MQ_PRIO_MAX)
		return -EINVAL;
	err = queue_get(a[0], FMODE_WRITE, &f);
	if (err)
		return err;
	if (a[2] > mqueue_message_max(f))
		return -EMSGSIZE;
	m = mq_message_new(a[2]);
	if (!m)
		return -ENOMEM;
	m->priority = (u32)a[3];
	if (copy_in(m->text, uaddr(a[1]), a[2])) {
		kfree(m);
		return -EFAULT;
	}
	return mqueue_send(f, m, deadline);
}

/* As on Linux a message is lost whose place cannot be written. */
s64 sys_mq_timedreceive(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	auto_cleanup(kfreep) struct mq_message *m = NULL;
	u64 deadline;
	int err = deadline_of(a[4], &deadline);

	if (!err)
		err = queue_get(a[0], FMODE_READ, &f);
	if (err)
		return err;
	if (a[2] < mqueue_message_max(f))
		return -EMSGSIZE;
	err = mqueue_receive(f, deadline, &m);
	if (err)
		return err;
	if (a[3] && put_user(&m->priority, uaddr(a[3])))
		return -EFAULT;
	return copy_out(uaddr(a[1]), m->text, m->size) ? -EFAULT : (s64)m->size;
}

s64 sys_mq_getsetattr(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct linux_mq_attr new, old;
	int err;

	if (a[1] && copy_in(&new, uaddr(a[1]), sizeof(new)))
		return -EFAULT;
	if (a[1] && (new.flags & ~(s64)O_NONBLOCK))
		return -EINVAL;
	err = queue_get(a[0], FMODE_READ | FMODE_WRITE, &f);
	if (err)
		return err;
	mqueue_attr(f, &old);
	if (a[1])
		f->flags = (f->flags & ~(u32)O_NONBLOCK) | (u32) new.flags;
	return a[2] && copy_out(uaddr(a[2]), &old, sizeof(old)) ? -EFAULT : 0;
}

/* struct sigevent */
struct linux_sigevent {
	u64 value;
	s32 signo, notify;
	u8 rest[48];
};
static_assert(sizeof(struct linux_sigevent) == 64, "struct sigevent");
#define SIGEV_SIGNAL 0
#define SIGEV_NONE   1
#define SIGEV_THREAD 2
#define COOKIE_SIZE  32

/* SIGEV_THREAD: the C library gives a netlink socket to which a cookie is to be sent. There are none. */
static int check_thread_socket(const struct linux_sigevent *ev)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	u8 cookie[COOKIE_SIZE];

	if (copy_in(cookie, uaddr(ev->value), sizeof(cookie)))
		return -EFAULT;
	f = fd_get(ev->signo);
	if (!f)
		return -EBADF;
	return (f->inode->attr.mode & LINUX_S_IFMT) == LINUX_S_IFSOCK ? -EINVAL : -ENOTSOCK;
}

s64 sys_mq_notify(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct linux_sigevent ev = {.notify = SIGEV_NONE};
	int err = 0;

	if (a[1] && copy_in(&ev, uaddr(a[1]), sizeof(ev)))
		return -EFAULT;
	if (ev.notify < SIGEV_SIGNAL || ev.notify > SIGEV_THREAD)
		return -EINVAL;
	if (ev.notify == SIGEV_SIGNAL && (ev.signo < 0 || ev.signo > LINUX_NSIG))
		return -EINVAL;
	if (ev.notify == SIGEV_THREAD)
		err = check_thread_socket(&ev);
	if (err)
		return err;
	f = fd_get(arg_int(a[0]));
	if (!f || !file_is_mqueue(f))
		return -EBADF;
	if (a[1])
		return mqueue_notify(f, ev.notify == SIGEV_SIGNAL ? MQ_NOTIFY_SIGNAL : MQ_NOTIFY_NONE,
				     ev.signo, ev.value);
	mqueue_notify_cancel(f);
	return 0;
}
