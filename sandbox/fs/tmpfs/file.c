/*
 * file.c - reading, writing, mapping and allocating a tmpfs file, and what it is charged.
 *
 * What a file system may hold is bounded by bytes and inodes; a file is charged what it really occupies, so a
 * hole costs nothing.
 */
#include <errno.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/abi/mman.h"
#include "sandbox/fs/tmpfs/tmpfs_priv.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/hostio.h"
#include "sandbox/vfs/vfs_priv.h"

/* ---- charging ---- */

static u64 occupied(struct inode *inode)
{
	struct tmpfs_data *d = &ti(inode)->data;
	struct stat st;

	if (!d->fd)
		return PAGE_UP(min_t(u64, d->capacity, inode->attr.size));
	return fstat(d->fd->fd, &st) ? ti(inode)->charged : (u64)st.st_blocks * 512;
}

void tmpfs_recharge(struct inode *inode)
{
	struct tmpfs *fs = tmpfs_of(inode);
	u64 now = occupied(inode);

	fs->used_bytes += now - ti(inode)->charged;
	kernel()->tmpfs_bytes += now - ti(inode)->charged;
	ti(inode)->charged = now;
	cgroup_charge_set(&ti(inode)->in_arena, ti(inode)->data.fd ? 0 : now);
	inode->attr.blocks = now / 512;
}

/* What may still be added: by the mount's size, and by what all of the sandbox's mounts together may hold,
 * for nobody can be killed to get such memory back. */
u64 tmpfs_room_in(const struct tmpfs *fs)
{
	u64 all = kernel_memory_total() / 2, used = kernel()->tmpfs_bytes;
	u64 here = fs->max_bytes > fs->used_bytes ? fs->max_bytes - fs->used_bytes : 0;

	return min_t(u64, here, all > used ? all - used : 0);
}

/* ---- files ---- */

static s64 tmpfs_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct inode *inode = f->inode;
	u64 size = inode->attr.size;
	size_t left, done = 0;

	if (*pos >= size)
		return 0;
	left = min_t(u64, dst->left, size - *pos);
	while (done < left) {
		s64 n = tmpfs_data_read(&ti(inode)->data, dst, *pos, left - done);
		if (n <= 0) {
			if (!done)
				return n;
			break;
		}
		*pos += (u64)n;
		done += (size_t)n;
	}
	inode_touch_atime(f);
	return (s64)done;
}

static s64 tmpfs_write(struct file *f, struct uio *src, u64 *pos)
{
	struct inode *inode = f->inode;
	struct tmpfs *fs = tmpfs_of(inode);
	struct tmpfs_inode *t = ti(inode);
	size_t n = src->left;
	s64 got;

	if (!n)
		return 0;
	if (t->seals & (LINUX_F_SEAL_WRITE | LINUX_F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((t->seals & LINUX_F_SEAL_GROW) && *pos + n > inode->attr.size) {
		/* Linux writes page by page: the page that would grow the file is refused as a whole */
		u64 whole = PAGE_DOWN(inode->attr.size);
		if (*pos >= whole)
			return -EPERM;
		n = whole - *pos;
	}
	if (*pos + n > t->charged && n > tmpfs_room_in(fs)) {
		n = tmpfs_room_in(fs);
		if (!n)
			return -ENOSPC;
	}
	got = tmpfs_data_write(&t->data, src, *pos, n, inode->attr.size);
	if (got > 0) {
		*pos += (u64)got;
		if (*pos > inode->attr.size)
			inode->attr.size = *pos;
		inode_touch_mtime(inode);
		tmpfs_recharge(inode);
	}
	return got;
}

static int tmpfs_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		      u64 *host_offset)
{
	struct tmpfs_inode *t = ti(f->inode);
	int err;

	bool sealed = t->seals & (LINUX_F_SEAL_WRITE | LINUX_F_SEAL_FUTURE_WRITE);

	if (shared && (prot & 2) && sealed)
		return -EPERM;
	err = tmpfs_data_backing(&t->data, f->inode->attr.size, backing);
	*host_offset = offset;
	return err ? err : shared && sealed ? FILE_MMAP_NO_WRITE : 0;
}

static s64 tmpfs_llseek(struct file *f, s64 offset, int whence)
{
	u64 size = f->inode->attr.size;
	s64 at;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		at = offset < 0
			 ? -ENXIO
			 : tmpfs_data_seek(&ti(f->inode)->data, (u64)offset, size, whence == SEEK_HOLE);
	} else {
		s64 base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (s64)f->pos : (s64)size;
		if (whence > SEEK_END || whence < 0)
			return -EINVAL;
		if (__builtin_add_overflow(base, offset, &at))
			return -EINVAL;
		if (at < 0)
			return -EINVAL;
	}
	if (at >= 0)
		f->pos = (u64)at;
	return at;
}

static int tmpfs_fallocate(struct file *f, int mode, u64 offset, u64 size)
{
	struct inode *inode = f->inode;
	struct tmpfs_inode *t = ti(inode);
	u64 end = offset + size;
	int err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (t->seals & (LINUX_F_SEAL_WRITE | LINUX_F_SEAL_FUTURE_WRITE))
			return -EPERM;
		err = tmpfs_data_punch(&t->data, offset, size, inode->attr.size);
	} else {
		if ((t->seals & LINUX_F_SEAL_GROW) && end > inode->attr.size)
			return -EPERM;
		if (end > t->charged && size > tmpfs_room_in(tmpfs_of(inode)))
			return -ENOSPC;
		err = tmpfs_data_allocate(&t->data, inode->attr.size, offset, size);
		if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > inode->attr.size) {
			err = tmpfs_data_resize(&t->data, inode->attr.size, end);
			if (!err)
				inode->attr.size = end;
		}
	}
	inode_touch_mtime(inode);
	tmpfs_recharge(inode);
	return err;
}

static int nothing_to_sync(struct file *f, bool data_only)
{
	return 0; /* memory is all there is */
}

const struct file_ops tmpfs_file_ops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .mmap = tmpfs_mmap,
    .llseek = tmpfs_llseek,
    .fallocate = tmpfs_fallocate,
    .fsync = nothing_to_sync,
};
const struct file_ops tmpfs_dir_file_ops = {.readdir = dcache_readdir, .fsync = nothing_to_sync};
