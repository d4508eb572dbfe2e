/*
 * syscalls/event.c - eventfd and timerfd calls.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/anon/anon.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

#define LINUX_EFD_SEMAPHORE 1U

s64 sys_eventfd2(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[1];
	struct file *f;
	int err;

	if (flags & ~(LINUX_EFD_SEMAPHORE | (u32)O_CLOEXEC | (u32)O_NONBLOCK))
		return -EINVAL;
	err = eventfd_create((u32)a[0], flags & LINUX_EFD_SEMAPHORE, flags, &f);
	return err ? err : fd_install(f, 0, flags & O_CLOEXEC);
}

s64 sys_eventfd(struct task *t, const u64 *a)
{
	const u64 args[6] = {a[0]};

	return sys_eventfd2(t, args);
}

s64 sys_timerfd_create(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[1];
	int clock = arg_int(a[0]), err;
	struct file *f;

	/* CLOCK_REALTIME, MONOTONIC, BOOTTIME (which never differs from MONOTONIC here) */
	if ((clock != 0 && clock != 1 && clock != 7) || (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK)))
		return -EINVAL;
	err = timerfd_create_file(clock == 0, flags, &f);
	return err ? err : fd_install(f, 0, flags & O_CLOEXEC);
}

s64 sys_timerfd_settime(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct linux_itimerspec spec, old;
	int err;

	if ((u32)a[1] & ~3U)
		return -EINVAL;
	if (get_user(&spec, uaddr(a[2])))
		return -EFAULT;
	f = fd_get(arg_int(a[0]));
	if (!f)
		return -EBADF;
	err = timerfd_set(f, a[1] & 1, &spec, &old);
	return err || !a[3] ? err : put_user(&old, uaddr(a[3]));
}

s64 sys_timerfd_gettime(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));
	struct linux_itimerspec now;
	int err;

	if (!f)
		return -EBADF;
	err = timerfd_get(f, &now);
	return err ? err : put_user(&now, uaddr(a[1]));
}
