/*
 * splice.c - splice(2), vmsplice(2) and tee(2): moving bytes between a pipe and another file.
 *
 * The bytes go through a kernel buffer. What has been taken out of a pipe cannot be put back, so nothing is
 * taken before the other side has said that it has room, and never more at once than a writable pipe is sure
 * to take.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/anon/poll.h"
#include "sandbox/fs/pipefs/pipe.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

#define SPLICE_NONBLOCK 2U
#define SPLICE_KNOWN    0xfU
#define SPLICE_MAX      0x7ffff000UL

static bool is_pipe(const struct file *f)
{
	return (f->inode->attr.mode & LINUX_S_IFMT) == LINUX_S_IFIFO;
}

/* 1: ready, 0: would have to wait, -errno. A file that is hung up or broken is ready: the transfer says how.
 */
static s64 wait_for(struct file *f, u32 events, bool may_wait)
{
	struct poll_entry e = {.file = f, .events = events};

	return poll_entries(&e, 1, may_wait ? TIME_NEVER : 0);
}

/* One chunk from `in` to `out`: bytes, 0 at the end of `in`, -errno. */
static s64 move_chunk(struct file *in, u64 *ipos, struct file *out, u64 *opos, char *buf, size_t size)
{
	struct uio u;
	s64 got, put;

	uio_init_kernel(&u, UIO_TO_USER, buf, size);
	got = vfs_read(in, &u, ipos);
	if (got <= 0)
		return got;
	uio_init_kernel(&u, UIO_FROM_USER, buf, (size_t)got);
	put = vfs_write(out, &u, opos);
	if (put < got && !(in->mode & FMODE_NOSEEK))
		*(ipos ? ipos : &in->pos) -= (u64)(got - max_t(s64, put, 0));
	return put;
}

static s64 splice_files(struct file *in, u64 *ipos, struct file *out, u64 *opos, u64 n, bool may_wait)
{
	auto_cleanup(kfreep) char *buf = kmalloc(LINUX_PIPE_BUF);
	u64 done = 0;
	s64 ret = 0;

	if (!buf)
		return -ENOMEM;
	while (done < n) {
		/* once something has been moved, only what is there at once follows */
		bool wait = may_wait && !done;
		u64 size = min_t(u64, n - done, LINUX_PIPE_BUF);
		ret = wait_for(in, LINUX_POLLIN, wait);
		if (ret > 0)
			ret = wait_for(out, LINUX_POLLOUT, wait);
		if (ret == 0)
			ret = -EAGAIN;
		if (ret > 0)
			ret = move_chunk(in, ipos, out, opos, buf, size);
		if (ret <= 0)
			break;
		done += (u64)ret;
		if ((u64)ret < size)
			break;
	}
	return done ? (s64)done : ret;
}

/* One message of a device into the pipe; only the device's own flags say whether to wait for it. As on Linux
 * the message is lost if the pipe has no room for it. */
static s64 splice_message_in(struct file *in, struct file *pipe, u64 n)
{
	size_t size = min_t(u64, n, in->ops->message_max);
	auto_cleanup(kfreep) char *buf = NULL;
	struct uio u;
	s64 ret;

	buf = kmalloc(size);
	if (!buf)
		return -ENOMEM;
	uio_init_kernel(&u, UIO_TO_USER, buf, size);
	ret = vfs_read(in, &u, NULL);
	if (ret <= 0)
		return ret;
	if (pipe_room(pipe) < ret)
		return -EIO;
	uio_init_kernel(&u, UIO_FROM_USER, buf, (size_t)ret);
	return vfs_write(pipe, &u, NULL);
}

/* n bytes of the pipe as one message; they must be there already. */
static s64 splice_message_out(struct file *pipe, struct file *out, u64 n)
{
	auto_cleanup(kfreep) char *buf = NULL;
	struct uio u;
	s64 got;

	if (n > out->ops->message_max || pipe_used(pipe) < n)
		return -EINVAL;
	buf = kmalloc(n);
	if (!buf)
		return -ENOMEM;
	uio_init_kernel(&u, UIO_TO_USER, buf, n);
	while (u.left) { /* packets come one by one */
		got = vfs_read(pipe, &u, NULL);
		if (got <= 0)
			return got ? got : -EINVAL;
	}
	uio_init_kernel(&u, UIO_FROM_USER, buf, n);
	return vfs_write(out, &u, NULL);
}

static s64 move(struct file *in, u64 *ipos, struct file *out, u64 *opos, u64 n, bool may_wait)
{
	if (in->ops->message_max && is_pipe_file(out))
		return splice_message_in(in, out, n);
	if (out->ops->message_max && is_pipe_file(in))
		return splice_message_out(in, out, n);
	return splice_files(in, ipos, out, opos, n, may_wait);
}

/* An offset argument: NULL for a file without positions, -ESPIPE if there is one for it. */
static int get_offset(struct file *f, u64 arg, u64 *pos, u64 **at)
{
	*at = NULL;
	if (!arg)
		return 0;
	if (is_pipe(f))
		return -ESPIPE;
	if (f->mode & FMODE_NOSEEK)
		return -EINVAL;
	if (get_user(pos, uaddr(arg)))
		return -EFAULT;
	if ((s64)*pos < 0)
		return -EINVAL;
	*at = pos;
	return 0;
}

s64 sys_splice(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *in = NULL, *out = NULL;
	u64 ipos, opos, *iat, *oat, n = min_t(u64, a[4], SPLICE_MAX);
	u32 flags = (u32)a[5];
	bool may_wait;
	s64 ret;

	if (!n)
		return 0;
	if (flags & ~SPLICE_KNOWN)
		return -EINVAL;
	in = fd_get(arg_int(a[0]));
	out = fd_get(arg_int(a[2]));
	if (!in || !out || !(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if ((!is_pipe(in) && !is_pipe(out)) || (out->flags & O_APPEND))
		return -EINVAL;
	ret = get_offset(in, a[1], &ipos, &iat);
	if (!ret)
		ret = get_offset(out, a[3], &opos, &oat);
	if (ret)
		return ret;
	may_wait = !(flags & SPLICE_NONBLOCK) && !((in->flags | out->flags) & O_NONBLOCK);
	ret = move(in, iat, out, oat, n, may_wait);
	if (ret > 0 && iat && put_user(&ipos, uaddr(a[1])))
		return -EFAULT;
	if (ret > 0 && oat && put_user(&opos, uaddr(a[3])))
		return -EFAULT;
	return ret;
}

/* Memory into the pipe, segment by segment. */
static s64 lend_all(struct file *pipe, const struct uio *u, bool nowait)
{
	s64 done = 0;

	for (u32 i = 0; u->left && i < u->seg_left; i++) {
		size_t size = min_t(size_t, u->seg[i].size, u->left - (size_t)done);
		s64 n = size ? pipe_lend(pipe, u->seg[i].base, size, nowait || done) : 0;
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < size)
			break;
	}
	return done;
}

s64 sys_vmsplice(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));
	enum uio_dir dir;
	struct uio u;
	s64 ret;

	if ((u32)a[3] & ~SPLICE_KNOWN)
		return -EINVAL;
	if (!f || !is_pipe(f))
		return -EBADF;
	dir = f->mode & FMODE_WRITE ? UIO_FROM_USER : UIO_TO_USER;
	ret = uio_init_iovec(&u, dir, uaddr(a[1]), a[2]);
	if (ret)
		return ret;
	if (dir == UIO_FROM_USER) {
		ret = lend_all(f, &u, (u32)a[3] & SPLICE_NONBLOCK);
	} else {
		ret = (u32)a[3] & SPLICE_NONBLOCK ? wait_for(f, LINUX_POLLIN, false) : 1;
		ret = ret > 0 ? vfs_read(f, &u, NULL) : ret ? ret : -EAGAIN;
	}
	uio_done(&u);
	return ret;
}

s64 sys_tee(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *in = fd_get(arg_int(a[0])), *out = fd_get(arg_int(a[1]));
	u32 flags = (u32)a[3];
	bool may_wait;

	if (flags & ~SPLICE_KNOWN)
		return -EINVAL;
	if (!a[2])
		return 0;
	if (!in || !out || !(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!is_pipe_file(in) || !is_pipe_file(out))
		return -EINVAL;
	may_wait = !(flags & SPLICE_NONBLOCK) && !((in->flags | out->flags) & O_NONBLOCK);
	return pipe_tee(in, out, min_t(u64, a[2], SPLICE_MAX), may_wait);
}
