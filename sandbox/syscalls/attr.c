/*
 * syscalls/attr.c - changing attributes: chmod, chown, utimes, truncate families; extended attributes.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define UTIME_NOW_NSEC  0x3fffffffL
#define UTIME_OMIT_NSEC 0x3ffffffeL

/* The path for a call by name. */
static int named(int dirfd, u64 user_name, u32 flags, struct path *out)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err = copy_in_path(&name, uaddr(user_name));

	if (err)
		return err;
	return path_lookup(dirfd, name,
			   (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
			       (flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0),
			   out);
}

/* The path for a call by descriptor. */
static int opened(int fd, bool path_too, struct path *out)
{
	auto_cleanup(filep_put) struct file *f = path_too ? fd_get_path(fd) : fd_get(fd);

	if (!f)
		return -EBADF;
	*out = f->path;
	path_get(out);
	return 0;
}

static s64 change(struct path *p, int err, const struct attr_change *ch)
{
	if (err)
		return err;
	err = vfs_setattr(p, ch);
	path_put(p);
	return err;
}

static s64 chmod_path(struct path *p, int err, u32 mode)
{
	return change(p, err, &(struct attr_change){.mask = ATTR_MODE, .mode = mode & 07777});
}

s64 sys_chmod(struct task *t, const u64 *a)
{
	struct path p = {0};

	return chmod_path(&p, named(AT_FDCWD, a[0], 0, &p), (u32)a[1]);
}

s64 sys_fchmod(struct task *t, const u64 *a)
{
	struct path p = {0};

	return chmod_path(&p, opened(arg_int(a[0]), false, &p), (u32)a[1]);
}

s64 sys_fchmodat(struct task *t, const u64 *a)
{
	struct path p = {0};

	return chmod_path(&p, named(arg_int(a[0]), a[1], 0, &p), (u32)a[2]);
}

s64 sys_fchmodat2(struct task *t, const u64 *a)
{
	struct path p = {0};

	if ((u32)a[3] & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chmod_path(&p, named(arg_int(a[0]), a[1], (u32)a[3], &p), (u32)a[2]);
}

static s64 chown_path(struct path *p, int err, u32 uid, u32 gid)
{
	struct attr_change ch = {.uid = uid_given(uid), .gid = gid_given(gid)};

	ch.mask = (uid != NO_ID ? ATTR_UID : 0) | (gid != NO_ID ? ATTR_GID : 0);
	if (!err && ((uid != NO_ID && ch.uid == NO_ID) || (gid != NO_ID && ch.gid == NO_ID))) {
		path_put(p);
		return -EINVAL;
	}
	if (!err && !ch.mask) {
		path_put(p);
		return 0;
	}
	return change(p, err, &ch);
}

s64 sys_chown(struct task *t, const u64 *a)
{
	struct path p = {0};

	return chown_path(&p, named(AT_FDCWD, a[0], 0, &p), (u32)a[1], (u32)a[2]);
}

s64 sys_lchown(struct task *t, const u64 *a)
{
	struct path p = {0};

	return chown_path(&p, named(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, &p), (u32)a[1], (u32)a[2]);
}

s64 sys_fchown(struct task *t, const u64 *a)
{
	struct path p = {0};

	return chown_path(&p, opened(arg_int(a[0]), false, &p), (u32)a[1], (u32)a[2]);
}

s64 sys_fchownat(struct task *t, const u64 *a)
{
	struct path p = {0};

	if ((u32)a[4] & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chown_path(&p, named(arg_int(a[0]), a[1], (u32)a[4], &p), (u32)a[2], (u32)a[3]);
}

/* ---- times ---- */

struct two_times {
	s64 sec[2], nsec[2];
	bool given;
};

static bool is_now(const struct two_times *w, int i)
{
	return !w->given || w->nsec[i] == UTIME_NOW_NSEC;
}

static int times_allowed(struct path *p, const struct two_times *w)
{
	if (inode_owner_or_capable(p->dentry->inode))
		return 0;
	if (is_now(w, 0) && is_now(w, 1))
		return inode_permission(p->dentry->inode, p->mnt, 2);
	return -EPERM;
}

static s64 set_times(struct path *p, int err, const struct two_times *w)
{
	struct attr_change ch = {0};
	s64 now = time_now_ns(), *out[2] = {&ch.atime_ns, &ch.mtime_ns};
	static const u32 masks[2] = {ATTR_ATIME, ATTR_MTIME};

	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		if (w->given && w->nsec[i] == UTIME_OMIT_NSEC)
			continue;
		ch.mask |= masks[i];
		if (is_now(w, i))
			*out[i] = now;
		else if (__builtin_mul_overflow(w->sec[i], (s64)NSEC_PER_SEC, out[i]))
			*out[i] = w->sec[i] < 0 ? INT64_MIN : INT64_MAX;
		else
			*out[i] += w->nsec[i];
	}
	err = ch.mask ? times_allowed(p, w) : 0;
	if (err || !ch.mask) {
		path_put(p);
		return err;
	}
	return change(p, 0, &ch);
}

s64 sys_utimensat(struct task *t, const u64 *a)
{
	struct two_times w = {.given = a[2]};
	struct path p = {0};
	s64 ts[4];
	u32 flags = (u32)a[3];

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (a[2]) {
		if (copy_in(ts, uaddr(a[2]), sizeof(ts)))
			return -EFAULT;
		for (int i = 0; i < 2; i++) {
			w.sec[i] = ts[2 * i];
			w.nsec[i] = ts[2 * i + 1];
			if (w.nsec[i] != UTIME_NOW_NSEC && w.nsec[i] != UTIME_OMIT_NSEC &&
			    (w.nsec[i] < 0 || w.nsec[i] >= (s64)NSEC_PER_SEC))
				return -EINVAL;
		}
		if (w.nsec[0] == UTIME_OMIT_NSEC && w.nsec[1] == UTIME_OMIT_NSEC)
			return 0; /* not even looked up */
	}
	if (!a[1]) {
		if (arg_int(a[0]) == AT_FDCWD)
			return -EFAULT;
		return flags ? -EINVAL : set_times(&p, opened(arg_int(a[0]), true, &p), &w);
	}
	return set_times(&p, named(arg_int(a[0]), a[1], flags, &p), &w);
}

static s64 utimes_at(int dirfd, u64 name, u64 user_times)
{
	struct two_times w = {.given = user_times};
	struct path p = {0};
	s64 tv[4];

	if (user_times) {
		if (copy_in(tv, uaddr(user_times), sizeof(tv)))
			return -EFAULT;
		for (int i = 0; i < 2; i++) {
			if (tv[2 * i + 1] < 0 || tv[2 * i + 1] >= 1000000)
				return -EINVAL;
			w.sec[i] = tv[2 * i];
			w.nsec[i] = tv[2 * i + 1] * 1000;
		}
	}
	if (!name && dirfd != AT_FDCWD)
		return set_times(&p, opened(dirfd, true, &p), &w);
	return set_times(&p, named(dirfd, name, 0, &p), &w);
}

s64 sys_utimes(struct task *t, const u64 *a)
{
	return utimes_at(AT_FDCWD, a[0], a[1]);
}

s64 sys_futimesat(struct task *t, const u64 *a)
{
	return utimes_at(arg_int(a[0]), a[1], a[2]);
}

s64 sys_utime(struct task *t, const u64 *a)
{
	struct two_times w = {.given = a[1]};
	struct path p = {0};

	if (a[1] && copy_in(w.sec, uaddr(a[1]), 16))
		return -EFAULT;
	return set_times(&p, named(AT_FDCWD, a[0], 0, &p), &w);
}

/* ---- sizes ---- */

s64 sys_truncate(struct task *t, const u64 *a)
{
	struct path p = {0};
	int err;

	if ((s64)a[1] < 0)
		return -EINVAL;
	err = named(AT_FDCWD, a[0], 0, &p);
	if (err)
		return err;
	if (mode_is_dir(p.dentry->inode->attr.mode))
		err = -EISDIR;
	else if (!mode_is_reg(p.dentry->inode->attr.mode))
		err = -EINVAL;
	else
		err = inode_permission(p.dentry->inode, p.mnt, 2);
	if (!err && p.dentry->inode->exec_count)
		err = -ETXTBSY;
	if (!err)
		err = vfs_truncate(&p, a[1]);
	path_put(&p);
	return err;
}

s64 sys_ftruncate(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));

	if ((s64)a[1] < 0)
		return -EINVAL;
	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_WRITE) || !mode_is_reg(f->inode->attr.mode))
		return -EINVAL;
	return vfs_truncate(&f->path, a[1]);
}

s64 sys_fallocate(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));

	return f ? vfs_fallocate(f, arg_int(a[1]), (s64)a[2], (s64)a[3]) : -EBADF;
}
