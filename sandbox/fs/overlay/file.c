/*
 * file.c - open files: each has the real file open below it, and hands everything on. One that was opened for
 * reading before a copy-up changes to the upper file at its next use; a mapping stays with what it mapped.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/overlay/overlay_priv.h"

#define REAL_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_NOATIME)

int ovl_open(struct inode *inode, struct file *f)
{
	struct file *real;
	struct path p;
	int err = 0;

	if (!mode_is_reg(inode->attr.mode))
		return -ELOOP;
	if (f->mode & FMODE_WRITE)
		err = ovl_copy_up(inode, !(f->open_flags & O_TRUNC));
	if (err)
		return err;
	p = *ovl_real(inode); /* a copy-up may put another path there while this one is opened */
	path_get(&p);
	err = real_open(&p, f->open_flags & REAL_FLAGS, &real);
	path_put(&p);
	if (!err)
		f->private = real;
	return err;
}

/* The real file, the upper one if there is by now. Counted: another thread may put its successor in its place
 * while this one sleeps in an operation of it, or in the opening of that very successor. */
static int real_of(struct file *f, struct file **out)
{
	struct file *real = f->private, *up = NULL;
	struct path p;
	int err;

	if (real->inode != ovl_real_inode(f->inode)) {
		p = *ovl_real(f->inode);
		path_get(&p);
		err = real_open(&p, f->open_flags & REAL_FLAGS, &up);
		path_put(&p);
		if (err)
			return err;
		real = f->private;
		f->private = up;
		file_put(real);
	}
	*out = file_get(f->private);
	return 0;
}

static s64 ovl_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct file *real;
	int err = real_of(f, &real);
	s64 n;

	if (err)
		return err;
	n = real->ops->read(real, dst, pos);
	f->inode->attr.atime_ns = real->inode->attr.atime_ns;
	file_put(real);
	return n;
}

static s64 ovl_write(struct file *f, struct uio *src, u64 *pos)
{
	struct file *real;
	int err = real_of(f, &real);
	s64 n;

	if (err)
		return err;
	inode_lock(real->inode);
	n = real->ops->write(real, src, pos);
	inode_unlock(real->inode);
	ovl_copy_attr(f->inode);
	file_put(real);
	return n;
}

static s64 ovl_llseek(struct file *f, s64 offset, int whence)
{
	struct file *real;
	s64 at = real_of(f, &real);

	if (at)
		return at;
	real->pos = f->pos;
	at = vfs_llseek(real, offset, whence);
	if (at >= 0)
		f->pos = (u64)at;
	file_put(real);
	return at;
}

static int ovl_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		    u64 *host_offset)
{
	struct file *real;
	int err = real_of(f, &real);

	if (err)
		return err;
	err = real->ops->mmap ? real->ops->mmap(real, offset, size, prot, shared, backing, host_offset)
			      : -ENODEV;
	file_put(real);
	return err;
}

static int ovl_fsync(struct file *f, bool data_only)
{
	struct file *real;
	int err = real_of(f, &real);

	if (err)
		return err;
	err = real->ops->fsync ? real->ops->fsync(real, data_only) : 0;
	file_put(real);
	return err;
}

static int ovl_fallocate(struct file *f, int mode, u64 offset, u64 size)
{
	struct file *real;
	int err = real_of(f, &real);

	if (err)
		return err;
	err = real->ops->fallocate ? real->ops->fallocate(real, mode, offset, size) : -EOPNOTSUPP;
	file_put(real);
	ovl_copy_attr(f->inode);
	return err;
}

static void ovl_release(struct file *f)
{
	file_put(f->private);
}

const struct file_ops ovl_file_file_ops = {
    .read = ovl_read,
    .write = ovl_write,
    .llseek = ovl_llseek,
    .mmap = ovl_mmap,
    .fsync = ovl_fsync,
    .fallocate = ovl_fallocate,
    .release = ovl_release,
};
