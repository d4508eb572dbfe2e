/*
 * fd.c - what is done to descriptors as such: close, dup, fcntl, flock, fsync, ioctl.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/termios.h"
#include "sandbox/fs/pipefs/pipe.h"
#include "sandbox/fs/tmpfs/tmpfs.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/lease.h"
#include "sandbox/vfs/locks.h"
#include "sandbox/vfs/namei.h"

#define F_SETTABLE ((u32)(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)) /* and O_ASYNC */

s64 sys_close(struct task *t, const u64 *a)
{
	return fd_close(t, arg_int(a[0]));
}

s64 sys_close_range(struct task *t, const u64 *a)
{
	u32 first = (u32)a[0], last = (u32)a[1], flags = (u32)a[2];

	if (first > last || (flags & ~6U))
		return -EINVAL;
	if ((flags & 2) && t->files->obj.refs > 1) { /* CLOSE_RANGE_UNSHARE */
		struct fd_table *own = fd_table_dup(t->files), *shared = t->files;
		if (!own)
			return -ENOMEM;
		t->files = own;
		fd_table_put(shared);
	}
	return fd_close_range(t->files, first, last, flags & 4);
}

s64 sys_dup(struct task *t, const u64 *a)
{
	struct file *f = fd_get_path(arg_int(a[0]));

	return f ? fd_install(f, 0, false) : -EBADF;
}

s64 sys_dup2(struct task *t, const u64 *a)
{
	int old = arg_int(a[0]), new_fd = arg_int(a[1]);

	if (old == new_fd) {
		struct file *f = fd_get_path(old);
		file_put(f);
		return f ? old : -EBADF;
	}
	return fd_dup_to(old, new_fd, false);
}

s64 sys_dup3(struct task *t, const u64 *a)
{
	if (((u32)a[2] & ~(u32)O_CLOEXEC) || arg_int(a[0]) == arg_int(a[1]))
		return -EINVAL;
	return fd_dup_to(arg_int(a[0]), arg_int(a[1]), a[2] & O_CLOEXEC);
}

/* ---- fcntl ---- */

static s64 dup_from(struct task *t, struct file *f, u64 min, bool cloexec)
{
	if (min >= task_rlimit(t, 7 /* RLIMIT_NOFILE */))
		return -EINVAL;
	return fd_install(file_get(f), (u32)min, cloexec);
}

static s64 set_flags(struct file *f, int fd, u32 flags)
{
	int err = 0;

	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if ((flags ^ f->flags) & O_ASYNC)
		err = fasync_set(f, fd, flags & O_ASYNC);
	if (!err)
		f->flags = (f->flags & ~F_SETTABLE) | (flags & F_SETTABLE);
	return err;
}

struct linux_flock {
	s16 type, whence;
	s64 start, len;
	s32 pid;
};

/* A struct flock as a range from the file's start. */
static int range_of(struct file *f, const struct linux_flock *l, struct lock_range *r)
{
	s64 base = l->whence == 0 ? 0 : l->whence == 1 ? (s64)f->pos : (s64)f->inode->attr.size, end;

	if (l->whence < 0 || l->whence > 2 || l->type < 0 || l->type > 2)
		return -EINVAL;
	if (__builtin_add_overflow(base, l->start, &base))
		return -EOVERFLOW;
	if (l->len < 0) {
		end = base - 1;
		base += l->len;
	} else if (l->len == 0) {
		end = -1;
	} else if (__builtin_add_overflow(base, l->len - 1, &end)) {
		return -EOVERFLOW;
	}
	if (base < 0)
		return -EINVAL;
	*r = (struct lock_range){
	    .type = (enum lock_type)l->type, .start = (u64)base, .end = l->len == 0 ? UINT64_MAX : (u64)end};
	return 0;
}

/* A POSIX lock goes when its process closes the file. If that happened while the lock was waited for, nothing
 * would ever take it away. */
static int lock_unless_closed(struct task *t, struct file *f, int fd, struct lock_range *r, bool wait)
{
	const struct fd_table *files = t->files;
	int err = lock_record(f, files, r, wait);

	if (err || r->type == FLOCK_NONE || ((u32)fd < files->capacity && files->entries[fd].file == f))
		return err;
	r->type = FLOCK_NONE;
	return lock_record(f, files, r, false) ?: -EBADF;
}

static s64 record_lock(struct task *t, struct file *f, int fd, int cmd, u64 arg)
{
	bool ofd = cmd >= 36;
	const void *owner = ofd ? (const void *)f : (const void *)t->files;
	struct linux_flock l;
	struct lock_range r;
	int err;

	if (get_user(&l, uaddr(arg)))
		return -EFAULT;
	if (ofd && l.pid)
		return -EINVAL;
	err = range_of(f, &l, &r);
	if (err)
		return err;
	r.pid = ofd ? -1 : pid_vnr(t->tg->leader->pid);
	if (cmd == F_GETLK || cmd == 36) {
		if (r.type == FLOCK_NONE)
			return -EINVAL;
		err = lock_test(f, owner, &r);
		if (err)
			return err;
		l.type = (s16)r.type;
		if (r.type != FLOCK_NONE) {
			l.whence = 0;
			l.start = (s64)r.start;
			l.len = r.end == UINT64_MAX ? 0 : (s64)(r.end - r.start + 1);
			l.pid = r.pid;
		}
		return put_user(&l, uaddr(arg));
	}
	if ((r.type == FLOCK_READ && !(f->mode & FMODE_READ)) ||
	    (r.type == FLOCK_WRITE && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (ofd)
		return lock_record(f, owner, &r, cmd == 38);
	return lock_unless_closed(t, f, fd, &r, cmd == F_SETLKW);
}

enum { OWNER_TID, OWNER_PID, OWNER_PGRP };

struct linux_f_owner_ex {
	s32 type, pid;
};

static s64 set_owner(struct task *t, struct file *f, s32 type, s32 nr)
{
	struct pid *p = nr ? pid_find(task_pid_ns(t), nr) : NULL;

	if (nr && !p)
		return -ESRCH;
	pid_put(f->owner);
	f->owner = p ? pid_get(p) : NULL;
	f->owner_is_group = type == OWNER_PGRP;
	f->owner_is_thread = type == OWNER_TID;
	return 0;
}

/* A negative number is a process group's. */
static s64 set_owner_by_sign(struct task *t, struct file *f, s32 id)
{
	if (id == INT32_MIN)
		return -EINVAL;
	return set_owner(t, f, id < 0 ? OWNER_PGRP : OWNER_PID, id < 0 ? -id : id);
}

static s64 owner_ex(struct task *t, struct file *f, u64 user, bool set)
{
	struct linux_f_owner_ex ex = {f->owner_is_group    ? OWNER_PGRP
				      : f->owner_is_thread ? OWNER_TID
							   : OWNER_PID,
				      f->owner ? pid_vnr(f->owner) : 0};

	if (!set)
		return put_user(&ex, uaddr(user));
	if (get_user(&ex, uaddr(user)))
		return -EFAULT;
	if (ex.type < OWNER_TID || ex.type > OWNER_PGRP)
		return -EINVAL;
	return set_owner(t, f, ex.type, ex.pid);
}

static s64 do_fcntl(struct task *t, struct file *f, int fd, int cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
		return dup_from(t, f, (u32)arg, false);
	case F_DUPFD_CLOEXEC:
		return dup_from(t, f, (u32)arg, true);
	case F_GETFD:
		return t->files->entries[fd].cloexec ? FD_CLOEXEC : 0;
	case F_SETFD:
		t->files->entries[fd].cloexec = arg & FD_CLOEXEC;
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		return set_flags(f, fd, (u32)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case 36: /* F_OFD_GETLK */
	case 37: /* F_OFD_SETLK */
	case 38: /* F_OFD_SETLKW */
		return record_lock(t, f, fd, cmd, arg);
	case F_SETOWN:
		return set_owner_by_sign(t, f, arg_int(arg));
	case F_GETOWN:
		return f->owner ? (f->owner_is_group ? -1 : 1) * (s64)pid_vnr(f->owner) : 0;
	case 10: /* F_SETSIG */
		if (arg > LINUX_NSIG)
			return -EINVAL;
		f->owner_signal = (int)arg;
		return 0;
	case 15: /* F_SETOWN_EX */
	case 16: /* F_GETOWN_EX */
		return owner_ex(t, f, arg, cmd == 15);
	case 11: /* F_GETSIG */
		return f->owner_signal;
	case 1024: /* F_SETLEASE */
		return arg > 2 ? -EINVAL : lease_set(f, fd, (enum lock_type)arg);
	case 1025: /* F_GETLEASE */
		return (s64)lease_get(f);
	case 1026: /* F_NOTIFY */
		return dnotify_set(f, fd, (u32)arg);
	case LINUX_F_SETPIPE_SZ:
	case LINUX_F_GETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	case 1033: /* F_ADD_SEALS */
		return tmpfs_seals(f, true, (u32)arg);
	case 1034: /* F_GET_SEALS */
		return tmpfs_seals(f, false, 0);
	default:
		return -EINVAL;
	}
}

s64 sys_fcntl(struct task *t, const u64 *a)
{
	int fd = arg_int(a[0]), cmd = arg_int(a[1]);
	auto_cleanup(filep_put) struct file *f = fd_get_path(fd);

	if (!f)
		return -EBADF;
	if ((f->mode & FMODE_PATH) && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD &&
	    cmd != F_SETFD && cmd != F_GETFL)
		return -EBADF;
	return do_fcntl(t, f, fd, cmd, a[2]);
}

s64 sys_flock(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));
	int op = arg_int(a[1]);
	enum lock_type type;

	if (!f)
		return -EBADF;
	switch (op & ~4) {
	case 1:
		type = FLOCK_READ;
		break;
	case 2:
		type = FLOCK_WRITE;
		break;
	case 8:
		type = FLOCK_NONE;
		break;
	default:
		return -EINVAL;
	}
	return lock_flock(f, type, !(op & 4));
}

/* ---- to the disk ---- */

static s64 do_fsync(int fd, bool data_only)
{
	auto_cleanup(filep_put) struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	return f->ops->fsync ? f->ops->fsync(f, data_only) : -EINVAL;
}

s64 sys_fsync(struct task *t, const u64 *a)
{
	return do_fsync(arg_int(a[0]), false);
}

s64 sys_fdatasync(struct task *t, const u64 *a)
{
	return do_fsync(arg_int(a[0]), true);
}

s64 sys_sync_file_range(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));

	if (!f)
		return -EBADF;
	if ((s64)a[1] < 0 || (s64)a[2] < 0 || (s64)(a[1] + a[2]) < 0 || ((u32)a[3] & ~7U))
		return -EINVAL;
	if (f->mode & FMODE_NOSEEK)
		return -ESPIPE;
	return do_fsync(arg_int(a[0]), true);
}

s64 sys_fadvise64(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));

	if (!f)
		return -EBADF;
	if (f->mode & FMODE_NOSEEK)
		return -ESPIPE;
	return (u32)a[3] > 5 || (s64)a[2] < 0 ? -EINVAL : 0; /* advice: the host reads ahead by itself */
}

s64 sys_readahead(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));

	if (!f || !(f->mode & FMODE_READ))
		return -EBADF;
	return mode_is_reg(f->inode->attr.mode) ? 0 : -EINVAL;
}

/* ---- ioctl ---- */

s64 sys_ioctl(struct task *t, const u64 *a)
{
	int fd = arg_int(a[0]);
	auto_cleanup(filep_put) struct file *f = fd_get(fd);
	u32 cmd = (u32)a[1];
	s32 on;

	if (!f)
		return -EBADF;
	switch (cmd) {
	case 0x5451: /* FIOCLEX */
		t->files->entries[fd].cloexec = true;
		return 0;
	case 0x5450: /* FIONCLEX */
		t->files->entries[fd].cloexec = false;
		return 0;
	case 0x5421: /* FIONBIO */
		if (get_user(&on, uaddr(a[2])))
			return -EFAULT;
		f->flags = on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK;
		return 0;
	case 0x5452: /* FIOASYNC */
		if (get_user(&on, uaddr(a[2])))
			return -EFAULT;
		return !on == !(f->flags & O_ASYNC) ? 0 : fasync_set(f, fd, on);
	case LINUX_FIONREAD:
		if (mode_is_reg(f->inode->attr.mode)) {
			s32 n = (s32)min_t(
			    u64, f->inode->attr.size > f->pos ? f->inode->attr.size - f->pos : 0, INT32_MAX);
			return put_user(&n, uaddr(a[2]));
		}
		break;
	default:
		break;
	}
	if (mode_is_reg(f->inode->attr.mode) || mode_is_dir(f->inode->attr.mode)) {
		s64 ret = vfs_ioctl(f, cmd, a[2]);
		if (ret != -ENOTTY)
			return ret;
	}
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, a[2]) : -ENOTTY;
}
