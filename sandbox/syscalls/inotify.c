/*
 * syscalls/inotify.c - inotify calls.
 */
#include "sandbox/fs/anon/inotify.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

static s64 create(u32 flags)
{
	struct file *f;
	int err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = inotify_create(flags, &f);
	return err ? err : fd_install(f, 0, flags & O_CLOEXEC);
}

s64 sys_inotify_init(struct task *t, const u64 *a)
{
	return create(0);
}

s64 sys_inotify_init1(struct task *t, const u64 *a)
{
	return create((u32)a[0]);
}

s64 sys_inotify_add_watch(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	auto_cleanup(kfreep) char *name = NULL;
	u32 mask = (u32)a[2];
	struct path p = {0};
	s64 ret;

	if ((mask & ~LINUX_IN_ALL_BITS) || !mask)
		return -EINVAL;
	f = fd_get(arg_int(a[0]));
	if (!f)
		return -EBADF;
	if (((mask & LINUX_IN_MASK_ADD) && (mask & LINUX_IN_MASK_CREATE)) || !is_inotify(f))
		return -EINVAL;
	ret = copy_in_path(&name, uaddr(a[1]));
	if (!ret)
		ret = path_lookup(AT_FDCWD, name,
				  (mask & LINUX_IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) |
				      (mask & LINUX_IN_ONLYDIR ? WALK_DIRECTORY : 0),
				  &p);
	if (ret)
		return ret;
	ret = inode_permission(p.dentry->inode, p.mnt, 4);
	if (!ret)
		ret = inotify_watch(f, p.dentry->inode, mask);
	path_put(&p);
	return ret;
}

s64 sys_inotify_rm_watch(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));

	if (!f)
		return -EBADF;
	return is_inotify(f) ? inotify_unwatch(f, arg_int(a[1])) : -EINVAL;
}
