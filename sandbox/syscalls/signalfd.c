/*
 * syscalls/signalfd.c - signalfd and signalfd4.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

static s64 do_signalfd(const u64 *a, u32 flags)
{
	auto_cleanup(filep_put) struct file *old = NULL;
	struct file *f;
	u64 mask;
	int err;

	if (a[2] != sizeof(mask) || (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK)))
		return -EINVAL;
	if (get_user(&mask, uaddr(a[1])))
		return -EFAULT;
	if (arg_int(a[0]) == -1) {
		err = signalfd_create(mask, flags, &f);
		return err ? err : fd_install(f, 0, flags & O_CLOEXEC);
	}
	old = fd_get(arg_int(a[0]));
	if (!old)
		return -EBADF;
	err = signalfd_change(old, mask);
	return err ? err : arg_int(a[0]);
}

s64 sys_signalfd(struct task *t, const u64 *a)
{
	return do_signalfd(a, 0);
}

s64 sys_signalfd4(struct task *t, const u64 *a)
{
	return do_signalfd(a, (u32)a[3]);
}
