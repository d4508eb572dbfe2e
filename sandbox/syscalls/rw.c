/*
 * rw.c - moving bytes through descriptors: the read and write families, lseek, sendfile, copy_file_range.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/base/cycles.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

#define RW_MAX_SIZE 0x7ffff000UL
#define RWF_KNOWN   0x1fU /* HIPRI DSYNC SYNC NOWAIT APPEND */
#define RWF_DSYNC   2U
#define RWF_SYNC    4U
#define RWF_NOWAIT  8U
#define RWF_APPEND  16U

static s64 do_rw(int fd, struct uio *u, u64 *pos)
{
	struct file *f = fd_get(fd);
	s64 ret;

	if (!f)
		return -EBADF;
	ret = u->dir == UIO_TO_USER ? vfs_read(f, u, pos) : vfs_write(f, u, pos);
	file_put(f);
	return ret;
}

static s64 rw_one(int fd, enum uio_dir dir, u64 buf, u64 size, u64 *pos)
{
	struct uio u;

	if ((s64)size < 0)
		return -EINVAL;
	if (!uaddr_range_ok(uaddr(buf), size))
		return -EFAULT;
	uio_init_user(&u, dir, uaddr(buf), min_t(u64, size, RW_MAX_SIZE));
	return do_rw(fd, &u, pos);
}

static s64 rw_vec(int fd, enum uio_dir dir, u64 iov, u64 count, u64 *pos)
{
	struct uio u;
	s64 ret = uio_init_iovec(&u, dir, uaddr(iov), count);

	if (ret)
		return ret;
	ret = do_rw(fd, &u, pos);
	uio_done(&u);
	return ret;
}

s64 sys_read(struct task *t, const u64 *a)
{
	return rw_one(arg_int(a[0]), UIO_TO_USER, a[1], a[2], NULL);
}

s64 sys_write(struct task *t, const u64 *a)
{
	return rw_one(arg_int(a[0]), UIO_FROM_USER, a[1], a[2], NULL);
}

s64 sys_pread64(struct task *t, const u64 *a)
{
	u64 pos = a[3];

	return (s64)pos < 0 ? -EINVAL : rw_one(arg_int(a[0]), UIO_TO_USER, a[1], a[2], &pos);
}

s64 sys_pwrite64(struct task *t, const u64 *a)
{
	u64 pos = a[3];

	return (s64)pos < 0 ? -EINVAL : rw_one(arg_int(a[0]), UIO_FROM_USER, a[1], a[2], &pos);
}

s64 sys_readv(struct task *t, const u64 *a)
{
	return rw_vec(arg_int(a[0]), UIO_TO_USER, a[1], a[2], NULL);
}

s64 sys_writev(struct task *t, const u64 *a)
{
	return rw_vec(arg_int(a[0]), UIO_FROM_USER, a[1], a[2], NULL);
}

s64 sys_preadv(struct task *t, const u64 *a)
{
	u64 pos = a[3];

	return (s64)pos < 0 ? -EINVAL : rw_vec(arg_int(a[0]), UIO_TO_USER, a[1], a[2], &pos);
}

s64 sys_pwritev(struct task *t, const u64 *a)
{
	u64 pos = a[3];

	return (s64)pos < 0 ? -EINVAL : rw_vec(arg_int(a[0]), UIO_FROM_USER, a[1], a[2], &pos);
}

/* The flags of preadv2/pwritev2, for one call: put into the file's flags and taken out again. */
static s64 rw_flags(const u64 *a, enum uio_dir dir)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));
	u32 flags = (u32)a[5], saved, add = 0;
	u64 pos = a[3], *at = (s64)pos == -1 ? NULL : &pos;
	struct uio u;
	s64 ret;

	if (!f)
		return -EBADF;
	if (flags & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	if ((s64)pos < -1)
		return -EINVAL;
	if ((flags & RWF_NOWAIT) && (f->mode & FMODE_NOSEEK) && !(f->flags & O_NONBLOCK) &&
	    !(file_poll(f, NULL) & (dir == UIO_TO_USER ? 1 : 4)))
		return -EAGAIN;
	if (dir == UIO_FROM_USER)
		add = (flags & RWF_DSYNC ? O_DSYNC : 0) | (flags & RWF_SYNC ? O_SYNC : 0) |
		      (flags & RWF_APPEND ? O_APPEND : 0);
	ret = uio_init_iovec(&u, dir, uaddr(a[1]), a[2]);
	if (ret)
		return ret;
	saved = f->flags & add;
	f->flags |= add;
	ret = dir == UIO_TO_USER ? vfs_read(f, &u, at) : vfs_write(f, &u, at);
	f->flags = (f->flags & ~add) | saved;
	uio_done(&u);
	return ret;
}

s64 sys_preadv2(struct task *t, const u64 *a)
{
	return rw_flags(a, UIO_TO_USER);
}

s64 sys_pwritev2(struct task *t, const u64 *a)
{
	return rw_flags(a, UIO_FROM_USER);
}

s64 sys_lseek(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));

	return f ? vfs_llseek(f, (s64)a[1], arg_int(a[2])) : -EBADF;
}

/* ---- from file to file ---- */

#define COPY_CHUNK 65536UL

/* Moves up to n bytes; a NULL position means the file's own position. */
static s64 copy_files(struct file *in, u64 *ipos, struct file *out, u64 *opos, u64 n)
{
	auto_cleanup(kfreep) char *buf = kmalloc(COPY_CHUNK);
	u64 done = 0, since = cycles();
	s64 got, put;

	if (!buf)
		return -ENOMEM;
	while (done < n) {
		struct uio u;
		/* a file that is sent to itself never ends, and what takes long must leave time to kill it */
		sched_breathe(&since);
		uio_init_kernel(&u, UIO_TO_USER, buf, min_t(u64, n - done, COPY_CHUNK));
		got = vfs_read(in, &u, ipos);
		if (got <= 0)
			return done ? (s64)done : got;
		uio_init_kernel(&u, UIO_FROM_USER, buf, (size_t)got);
		put = vfs_write(out, &u, opos);
		if (put < got) { /* what was read too much is not lost */
			u64 *pos = ipos ? ipos : &in->pos;
			if (!(in->mode & FMODE_NOSEEK))
				*pos -= (u64)(got - max_t(s64, put, 0));
		}
		if (put <= 0)
			return done ? (s64)done : put;
		done += (u64)put;
		if (put < got || fatal_signal_pending(current_task()))
			break;
	}
	return (s64)done;
}

s64 sys_sendfile(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *out = fd_get(arg_int(a[0])), *in = fd_get(arg_int(a[1]));
	u64 pos, *at = NULL;
	s64 ret;

	if (!in || !out)
		return -EBADF;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (out->flags & O_APPEND)
		return -EINVAL;
	if (in->mode & FMODE_NOSEEK)
		return a[2] ? -ESPIPE : -EINVAL;
	if (a[2]) {
		if (get_user(&pos, uaddr(a[2])))
			return -EFAULT;
		if ((s64)pos < 0)
			return -EINVAL;
		at = &pos;
	}
	ret = copy_files(in, at, out, NULL, min_t(u64, a[3], RW_MAX_SIZE));
	if (ret >= 0 && at && put_user(&pos, uaddr(a[2])))
		return -EFAULT;
	return ret;
}

s64 sys_copy_file_range(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *in = fd_get(arg_int(a[0])), *out = fd_get(arg_int(a[2]));
	u64 ipos, opos, n = min_t(u64, a[4], RW_MAX_SIZE);
	s64 ret;

	if (!in || !out)
		return -EBADF;
	if (a[5])
		return -EINVAL;
	if (mode_is_dir(in->inode->attr.mode) || mode_is_dir(out->inode->attr.mode))
		return -EISDIR;
	if (!mode_is_reg(in->inode->attr.mode) || !mode_is_reg(out->inode->attr.mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	ipos = in->pos;
	opos = out->pos;
	if ((a[1] && get_user(&ipos, uaddr(a[1]))) || (a[3] && get_user(&opos, uaddr(a[3]))))
		return -EFAULT;
	if (ipos + a[4] < ipos || opos + a[4] < opos)
		return -EOVERFLOW;
	if ((s64)ipos < 0 || (s64)opos < 0)
		return -EINVAL;
	if (in->inode == out->inode && ipos < opos + n && opos < ipos + n)
		return -EINVAL;
	ret = copy_files(in, &ipos, out, &opos, n);
	if (ret <= 0)
		return ret;
	if (!a[1])
		in->pos = ipos;
	else if (put_user(&ipos, uaddr(a[1])))
		return -EFAULT;
	if (!a[3])
		out->pos = opos;
	else if (put_user(&opos, uaddr(a[3])))
		return -EFAULT;
	return ret;
}
