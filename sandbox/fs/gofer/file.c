/*
 * file.c - reading, writing and mapping regular files of a gofer's tree, by the descriptors it has donated.
 * No message is needed once a file is open; only what may wait for the disk (fsync) or changes the layout
 * (fallocate) goes through the gofer.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sandbox/fs/gofer/gofer_priv.h"
#include "sandbox/vfs/hostio.h"
#include "sandbox/vfs/hostview.h"

static struct host_fd *fd_of(const struct inode *inode)
{
	struct gofer_inode *g = gi(inode);

	return g->rw ? g->rw : g->rd;
}

static s64 gofer_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct inode *inode = f->inode;
	size_t n = dst->left;
	s64 got = 0;

	if (!gofer_fs(inode->sb)->shared) {
		if (*pos >= inode->attr.size)
			return 0;
		n = min_t(u64, n, inode->attr.size - *pos);
		got = (s64)host_view_read(fd_of(inode), dst, *pos, n);
	}
	if (!got)
		got = host_file_read(fd_of(inode), dst, *pos, n);
	if (got > 0)
		*pos += (u64)got;
	inode_touch_atime(f);
	return got;
}

static s64 gofer_write(struct file *f, struct uio *src, u64 *pos)
{
	struct inode *inode = f->inode;
	s64 n;

	if (!gi(inode)->rw)
		return -EBADF;
	n = host_file_write(gi(inode)->rw, src, *pos, src->left);
	if (n > 0) {
		*pos += (u64)n;
		if (*pos > inode->attr.size)
			inode->attr.size = *pos;
		gi(inode)->writes++;
		gi(inode)->blocks_unknown = true;
		inode_touch_mtime(inode);
	}
	return n;
}

static s64 gofer_llseek(struct file *f, s64 offset, int whence)
{
	u64 size;
	s64 at, base;
	int err = gofer_i_getattr(f->inode, 0);

	if (err)
		return err;
	size = f->inode->attr.size;
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (offset < 0 || (u64)offset >= size)
			return -ENXIO;
		at = lseek(fd_of(f->inode)->fd, offset, whence);
		if (at < 0)
			return -errno;
	} else {
		if (whence < 0 || whence > SEEK_END)
			return -EINVAL;
		base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (s64)f->pos : (s64)size;
		if (__builtin_add_overflow(base, offset, &at))
			return -EINVAL;
		if (at < 0)
			return -EINVAL;
	}
	f->pos = (u64)at;
	return at;
}

static int gofer_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		      u64 *host_offset)
{
	struct gofer_inode *g = gi(f->inode);
	struct host_fd *fd = shared && (f->mode & FMODE_WRITE) ? g->rw : fd_of(f->inode);

	if (!fd)
		return -EACCES;
	*backing = host_fd_get(fd);
	*host_offset = offset;
	return 0;
}

static int gofer_fsync_file(struct file *f, bool data_only)
{
	struct inode *inode = f->inode;
	struct gofer_op_buf op;
	int err = gi(inode)->detached ? 0 : gofer_op_on(inode, &op, GOFER_SMALL_BUF);

	if (err || gi(inode)->detached)
		return err;
	err = gofer_fsync(gofer_client_of(inode), &op.call, gi(inode)->handle,
			  data_only ? GOFER_FSYNC_DATA : 0);
	gofer_op_end(&op);
	return err;
}

/* A file that has come out of an image without a name: see renew.c. */
static int fallocate_detached(struct inode *inode, int mode, u64 offset, u64 size)
{
	if (!gi(inode)->rw)
		return -EBADF;
	if (fallocate(gi(inode)->rw->fd, mode, (off_t)offset, (off_t)size))
		return -errno;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + size > inode->attr.size)
		inode->attr.size = offset + size;
	return 0;
}

static int gofer_fallocate_file(struct file *f, int mode, u64 offset, u64 size)
{
	struct inode *inode = f->inode;
	struct gofer_op_buf op;
	int err;

	if (gi(inode)->detached)
		return fallocate_detached(inode, mode, offset, size);
	err = gofer_op_on(inode, &op, GOFER_SMALL_BUF);
	if (err)
		return err;
	err = gofer_fallocate(gofer_client_of(inode), &op.call, gi(inode)->handle, (u32)mode, offset, size);
	gofer_op_end(&op);
	if (op.call.given_up)
		gofer_doubt(inode);
	return err ? err : gofer_refresh(inode);
}

static void gofer_release(struct file *f)
{
	gi(f->inode)->opens--;
	gofer_closed(f->inode);
}

const struct file_ops gofer_file_ops = {
    .release = gofer_release,
    .read = gofer_read,
    .write = gofer_write,
    .llseek = gofer_llseek,
    .mmap = gofer_mmap,
    .fsync = gofer_fsync_file,
    .fallocate = gofer_fallocate_file,
};
