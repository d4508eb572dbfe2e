/*
 * syscalls/aio.c - io_setup(2), io_submit(2) and family.
 */
#include <errno.h>

#include "sandbox/fs/anon/aio.h"
#include "sandbox/fs/anon/poll.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

s64 sys_io_setup(struct task *t, const u64 *a)
{
	u64 id;
	int err;

	if (get_user(&id, uaddr(a[1])))
		return -EFAULT;
	if (id)
		return -EINVAL;
	err = aio_setup(t, (u32)a[0], &id);
	if (err)
		return err;
	if (put_user(&id, uaddr(a[1]))) {
		err = aio_destroy(t, id);
		return err ? err : -EFAULT;
	}
	return 0;
}

s64 sys_io_destroy(struct task *t, const u64 *a)
{
	return aio_destroy(t, a[0]);
}

s64 sys_io_submit(struct task *t, const u64 *a)
{
	s64 count = (s64)a[1], done = 0;
	u64 most = aio_capacity(t, a[0]), user;
	int err = 0;

	if (count < 0 || !most)
		return -EINVAL;
	count = min_t(s64, count, (s64)most);
	for (; done < count; done++) {
		if (get_user(&user, uaddr(a[2] + (u64)done * 8)))
			err = -EFAULT;
		else
			err = aio_submit_one(t, a[0], user);
		if (err || fatal_signal_pending(t))
			break;
	}
	return done ? done : err;
}

static int deadline_of(u64 user, u64 *deadline)
{
	struct linux_timespec ts;

	*deadline = TIME_NEVER;
	if (!user)
		return 0;
	if (get_user(&ts, uaddr(user)))
		return -EFAULT;
	return poll_deadline(&ts, deadline);
}

static s64 get_events(struct task *t, const u64 *a)
{
	u64 deadline;
	int err = deadline_of(a[4], &deadline);
	s64 n;

	if (err)
		return err;
	n = aio_get_events(t, a[0], (s64)a[1], (s64)a[2], a[3], deadline);
	return n == -ERESTARTSYS ? -EINTR : n;
}

s64 sys_io_getevents(struct task *t, const u64 *a)
{
	return get_events(t, a);
}

s64 sys_io_pgetevents(struct task *t, const u64 *a)
{
	struct {
		u64 mask, size;
	} sig;
	sigset64 mask;

	if (a[5]) {
		if (get_user(&sig, uaddr(a[5])))
			return -EFAULT;
		if (sig.mask) {
			if (sig.size != sizeof(mask))
				return -EINVAL;
			if (get_user(&mask, uaddr(sig.mask)))
				return -EFAULT;
			set_temporary_mask(t, mask & ~SIG_UNBLOCKABLE);
		}
	}
	return get_events(t, a);
}

s64 sys_io_cancel(struct task *t, const u64 *a)
{
	return aio_cancel(t, a[0], a[1]);
}
