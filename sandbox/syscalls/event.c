/*
 * syscalls/event.c - eventfd, eventfd2.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/anon/anon.h"
#include "sandbox/syscalls/calls.h"
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
