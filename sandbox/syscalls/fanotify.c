/*
 * syscalls/fanotify.c - fanotify_init(2), fanotify_mark(2).
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/fanotify.h"
#include "sandbox/abi/sched.h"
#include "sandbox/fs/anon/fanotify.h"
#include "sandbox/kernel/task.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define EVENT_OPEN_FLAGS                                                                                     \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_CLOEXEC | O_LARGEFILE_BIT | O_NOATIME)
#define O_LARGEFILE_BIT 0100000U

/* Which reports go together. */
static int check_reports(u32 flags)
{
	u32 fid = flags & LINUX_FAN_FID_BITS;

	if (fid && (flags & LINUX_FAN_CLASS_BITS))
		return -EINVAL;
	if ((fid & LINUX_FAN_REPORT_NAME) && !(fid & LINUX_FAN_REPORT_DIR_FID))
		return -EINVAL;
	if ((fid & LINUX_FAN_REPORT_TARGET_FID) &&
	    (!(fid & LINUX_FAN_REPORT_NAME) || !(fid & LINUX_FAN_REPORT_FID)))
		return -EINVAL;
	return 0;
}

s64 sys_fanotify_init(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[0], event_flags = (u32)a[1];
	bool unprivileged = !capable(LINUX_CAP_SYS_ADMIN);
	struct file *f;
	int err;

	if (unprivileged && ((flags & LINUX_FAN_ADMIN_FLAGS) || !(flags & LINUX_FAN_FID_BITS)))
		return -EPERM;
	if ((flags & ~LINUX_FAN_INIT_FLAGS) || (flags & LINUX_FAN_CLASS_BITS) == LINUX_FAN_CLASS_BITS)
		return -EINVAL;
	if (event_flags & ~EVENT_OPEN_FLAGS || (event_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	err = check_reports(flags);
	if (!err)
		err = fanotify_create(flags, event_flags | O_LARGEFILE_BIT, unprivileged, &f);
	return err ? err : fd_install(f, 0, flags & LINUX_FAN_CLOEXEC);
}

static int check_mark_flags(u32 flags, u64 mask)
{
	u32 command = flags & (LINUX_FAN_MARK_ADD | LINUX_FAN_MARK_REMOVE | LINUX_FAN_MARK_FLUSH);
	u32 type = flags & (LINUX_FAN_MARK_MOUNT | LINUX_FAN_MARK_FILESYSTEM);

	if (mask >> 32 || (flags & ~LINUX_FAN_MARK_ALL))
		return -EINVAL;
	if (type == (LINUX_FAN_MARK_MOUNT | LINUX_FAN_MARK_FILESYSTEM))
		return -EINVAL;
	if (command == LINUX_FAN_MARK_ADD || command == LINUX_FAN_MARK_REMOVE) {
		if (!mask)
			return -EINVAL;
	} else if (command != LINUX_FAN_MARK_FLUSH || (flags & ~(type | LINUX_FAN_MARK_FLUSH))) {
		return -EINVAL;
	}
	if (mask & ~(u64)(LINUX_FAN_ALL_EVENTS | LINUX_FAN_EVENT_FLAGS))
		return -EINVAL;
	if ((flags & LINUX_FAN_MARK_IGNORE) && (flags & LINUX_FAN_MARK_IGNORED_MASK))
		return -EINVAL;
	return 0;
}

/* What the group may ask for. */
static int check_group(const struct file *f, u32 flags, u32 mask, enum fan_mark_type type)
{
	u32 fid = fanotify_flags(f) & LINUX_FAN_FID_BITS;

	if (fanotify_unprivileged(f) && type != FAN_INODE)
		return -EPERM;
	if ((mask & LINUX_FAN_FS_ERROR) && type != FAN_SB)
		return -EINVAL;
	if ((flags & LINUX_FAN_MARK_EVICTABLE) && type != FAN_INODE)
		return -EINVAL;
	if ((mask & ~(LINUX_FAN_FD_EVENTS | LINUX_FAN_EVENT_FLAGS)) && (!fid || type == FAN_MOUNT))
		return -EINVAL;
	if ((mask & LINUX_FAN_RENAME) && !(fid & LINUX_FAN_REPORT_NAME))
		return -EINVAL;
	return 0;
}

static int find_object(const u64 *a, u32 flags, struct path *p)
{
	auto_cleanup(kfreep) char *name = NULL;
	struct file *f;
	int err;

	if (!a[4]) {
		f = fd_get_path(arg_int(a[3]));
		if (!f)
			return -EBADF;
		*p = f->path;
		path_get(p);
		err =
		    (flags & LINUX_FAN_MARK_ONLYDIR) && (f->inode->attr.mode & LINUX_S_IFMT) != LINUX_S_IFDIR
			? -ENOTDIR
			: 0;
		file_put(f);
	} else {
		err = copy_in_path(&name, uaddr(a[4]));
		if (!err)
			err = path_lookup(arg_int(a[3]), name,
					  (flags & LINUX_FAN_MARK_DONT_FOLLOW ? 0 : WALK_FOLLOW) |
					      (flags & LINUX_FAN_MARK_ONLYDIR ? WALK_DIRECTORY : 0),
					  p);
		if (err)
			return err;
	}
	if (!err)
		err = inode_permission(p->dentry->inode, p->mnt, 4);
	if (err)
		path_put(p);
	return err;
}

static int check_object(const struct file *f, const struct path *p, u32 flags, u32 mask, bool ignore)
{
	const struct inode *inode = p->dentry->inode;
	bool dir = (inode->attr.mode & LINUX_S_IFMT) == LINUX_S_IFDIR;
	u32 g = fanotify_flags(f);

	/* a handle that leads back is needed only where one may want to go there */
	if ((g & LINUX_FAN_FID_BITS) && (flags & (LINUX_FAN_MARK_MOUNT | LINUX_FAN_MARK_FILESYSTEM)) &&
	    !sb_has_handles(inode->sb))
		return -EOPNOTSUPP;
	/* ignoring what changes needs the promise that it lasts */
	if ((flags & LINUX_FAN_MARK_IGNORE) && !(flags & LINUX_FAN_MARK_IGNORED_SURV_MODIFY)) {
		if (dir)
			return -EISDIR;
		if (flags & (LINUX_FAN_MARK_MOUNT | LINUX_FAN_MARK_FILESYSTEM))
			return -EINVAL;
	}
	if (!dir && !(flags & (LINUX_FAN_MARK_MOUNT | LINUX_FAN_MARK_FILESYSTEM)) &&
	    ((g & LINUX_FAN_REPORT_TARGET_FID) || (mask & LINUX_FAN_RENAME) ||
	     (flags & LINUX_FAN_MARK_IGNORE)) &&
	    (mask & (LINUX_FAN_ENTRY_EVENTS | LINUX_FAN_EVENT_FLAGS)))
		return -ENOTDIR;
	return 0;
}

static int mark_object(struct file *f, const u64 *a, u32 flags, u32 mask, enum fan_mark_type type)
{
	bool ignore = flags & (LINUX_FAN_MARK_IGNORE | LINUX_FAN_MARK_IGNORED_MASK);
	struct path p;
	int err = find_object(a, flags, &p);

	if (err)
		return err;
	if (flags & LINUX_FAN_MARK_IGNORED_MASK)
		mask &= ~LINUX_FAN_EVENT_FLAGS;
	if (type != FAN_INODE || (p.dentry->inode->attr.mode & LINUX_S_IFMT) != LINUX_S_IFDIR)
		mask &= ~LINUX_FAN_EVENT_ON_CHILD;
	if (flags & LINUX_FAN_MARK_ADD) {
		err = check_object(f, &p, flags, (u32)a[2], ignore);
		if (!err)
			err = fanotify_mark_add(f, type, &p, mask, ignore,
						flags & LINUX_FAN_MARK_IGNORED_SURV_MODIFY);
	} else {
		err = fanotify_mark_remove(f, type, &p, mask, ignore);
	}
	path_put(&p);
	return err;
}

s64 sys_fanotify_mark(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	u32 flags = (u32)a[1], mask = (u32)a[2];
	enum fan_mark_type type = flags & LINUX_FAN_MARK_MOUNT        ? FAN_MOUNT
				  : flags & LINUX_FAN_MARK_FILESYSTEM ? FAN_SB
								      : FAN_INODE;
	int err = check_mark_flags(flags, a[2]);

	if (err)
		return err;
	f = fd_get(arg_int(a[0]));
	if (!f)
		return -EBADF;
	if (!is_fanotify(f))
		return -EINVAL;
	err = check_group(f, flags, mask, type);
	if (err)
		return err;
	if (!(flags & LINUX_FAN_MARK_FLUSH))
		return mark_object(f, a, flags, mask, type);
	fanotify_mark_flush(f, type);
	return 0;
}
