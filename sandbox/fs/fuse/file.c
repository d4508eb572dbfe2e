/*
 * file.c - open files of a served tree. Nothing of their content is kept: each read and write goes to the
 * server, as with FOPEN_DIRECT_IO on Linux, unless somebody has the file mapped to be written (cache.c). Any
 * other mapping is a copy of what was there when it was made.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sandbox/base/host_fd.h"
#include "sandbox/fs/fuse/fuse_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/usage.h"

/* ---- open, close ---- */

/* Is there a handle that was made by the call that now opens? */
static bool may_take(const struct fuse_inode *i)
{
	const struct task *t = current_task();

	return i->has_handle && t && i->creator == t && i->creator_born == t->start_time_ns &&
	       i->creator_call == t->syscall_count;
}

int fuse_open(struct inode *inode, struct file *f)
{
	struct fuse_conn *c = fuse_c(inode);
	bool dir = mode_is_dir(inode->attr.mode), *absent = dir ? &c->no_opendir : &c->no_open;
	struct fuse_open_in in = {f->open_flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC), 0};
	struct fuse_open_out out = {0};
	struct fuse_call call = {.op = dir ? FUSE_OPENDIR : FUSE_OPEN,
				 .nodeid = fuse_i(inode)->nodeid,
				 .in = {{&in, sizeof(in)}},
				 .out = &out,
				 .out_room = sizeof(out),
				 .out_least = sizeof(out)};
	struct fuse_inode *i = fuse_i(inode);
	struct fuse_file *ff;
	s64 n;

	if (!dir && !mode_is_reg(inode->attr.mode))
		return -ENXIO;
	ff = knew(struct fuse_file);
	if (!ff)
		return -ENOMEM;
	ff->id = ++c->last_file_id;
	list_init(&ff->mapped);
	if (may_take(i)) {
		i->has_handle = false;
		ff->opened = true;
		ff->fh = i->handle;
		f->private = ff;
		return 0;
	}
	n = *absent ? -ENOSYS : fuse_ask(c, &call);
	if (n < 0 && n != -ENOSYS) {
		kfree(ff);
		return (int)n;
	}
	*absent |= n == -ENOSYS; /* a server without handles */
	ff->opened = n != -ENOSYS;
	ff->fh = out.fh;
	f->private = ff;
	return 0;
}

static void close_handle(struct inode *inode, struct fuse_file *ff, u32 flags, u32 op)
{
	struct fuse_release_in in = {.fh = ff->fh, .flags = flags};
	struct fuse_call call = {.op = op, .nodeid = fuse_i(inode)->nodeid, .in = {{&in, sizeof(in)}}};

	if (ff->flocked) {
		in.release_flags = FUSE_RELEASE_FLOCK_UNLOCK;
		in.lock_owner = fuse_lock_owner(ff, 0);
	}
	if (ff->opened)
		fuse_tell(fuse_c(inode), &call, false);
	kfree(ff);
}

void fuse_handle_close(struct inode *inode, struct fuse_file *ff, u32 flags)
{
	close_handle(inode, ff, flags, FUSE_RELEASE);
}

void fuse_file_close(struct file *f, u32 op)
{
	close_handle(f->inode, f->private, f->flags, op);
}

void fuse_drop_handle(struct inode *inode)
{
	struct fuse_inode *i = fuse_i(inode);
	struct fuse_release_in in = {.fh = i->handle, .flags = O_RDWR};
	struct fuse_call call = {.op = FUSE_RELEASE, .nodeid = i->nodeid, .in = {{&in, sizeof(in)}}};

	if (i->has_handle)
		fuse_tell(fuse_c(inode), &call, false);
	i->has_handle = false;
}

static void file_release(struct file *f)
{
	if (!fuse_cache_file_ends(f))
		fuse_file_close(f, FUSE_RELEASE);
}

/* At close(2): the server's chance to say that what was written could not be kept. */
static int flush(struct file *f, u64 owner)
{
	struct fuse_conn *c = fuse_c(f->inode);
	struct fuse_flush_in in = {.fh = ((struct fuse_file *)f->private)->fh,
				   .lock_owner = fuse_lock_owner(f->private, owner)};
	struct fuse_call call = {
	    .op = FUSE_FLUSH, .nodeid = fuse_i(f->inode)->nodeid, .in = {{&in, sizeof(in)}}};
	int err = fuse_cache_sync(f->inode);
	s64 n = err ? err : c->no_flush ? 0 : fuse_ask(c, &call);

	c->no_flush |= n == -ENOSYS;
	return n == -ENOSYS || n >= 0 ? 0 : (int)n;
}

/* ---- reading, writing ---- */

/* One request's worth. */
static s64 read_some(struct file *f, void *buf, u32 size, u64 offset)
{
	struct fuse_read_in in = {
	    .fh = ((struct fuse_file *)f->private)->fh, .offset = offset, .size = size, .flags = f->flags};
	struct fuse_call call = {.op = FUSE_READ,
				 .nodeid = fuse_i(f->inode)->nodeid,
				 .in = {{&in, sizeof(in)}},
				 .out = buf,
				 .out_room = size};

	return fuse_ask(fuse_c(f->inode), &call);
}

static s64 fuse_read(struct file *f, struct uio *dst, u64 *pos)
{
	u32 chunk = (u32)min_t(u64, fuse_c(f->inode)->max_read, max_t(u64, dst->left, 1));
	auto_cleanup(kfreep) u8 *buf = kmalloc(chunk);
	s64 done = 0;

	if (!buf)
		return -ENOMEM;
	while (dst->left) {
		u32 want = (u32)min_t(u64, chunk, dst->left);
		s64 n = fuse_cache_read(f->inode, buf, want, *pos), moved;
		if (n == -ENOENT)
			n = read_some(f, buf, want, *pos);
		if (n <= 0)
			return done ? done : n;
		moved = uio_copy(dst, buf, (size_t)n);
		if (moved <= 0)
			return done ? done : moved;
		*pos += (u64)moved;
		done += moved;
		if (moved < (s64)want)
			break;
	}
	return done;
}

static s64 send_write(struct inode *inode, const struct fuse_read_in *in, const void *buf)
{
	struct fuse_write_out out;
	struct fuse_call call = {.op = FUSE_WRITE,
				 .nodeid = fuse_i(inode)->nodeid,
				 .in = {{in, sizeof(*in)}, {buf, in->size}},
				 .out = &out,
				 .out_room = sizeof(out),
				 .out_least = sizeof(out)};
	s64 n = fuse_ask(fuse_c(inode), &call);

	return n < 0 ? n : out.size > in->size ? -EIO : (s64)out.size;
}

s64 fuse_write_page(struct inode *inode, u64 fh, const void *buf, u32 size, u64 offset)
{
	struct fuse_read_in in = {
	    .fh = fh, .offset = offset, .size = size, .read_flags = FUSE_WRITE_CACHE, .flags = O_RDWR};

	return send_write(inode, &in, buf);
}

static s64 write_some(struct file *f, const void *buf, u32 size, u64 offset)
{
	struct fuse_read_in in = {
	    .fh = ((struct fuse_file *)f->private)->fh, .offset = offset, .size = size, .flags = f->flags};

	return send_write(f->inode, &in, buf);
}

static s64 fuse_write(struct file *f, struct uio *src, u64 *pos)
{
	u32 chunk = (u32)min_t(u64, fuse_c(f->inode)->max_write, max_t(u64, src->left, 1));
	auto_cleanup(kfreep) u8 *buf = kmalloc(chunk);
	s64 done = 0;

	if (!buf)
		return -ENOMEM;
	if (fuse_too_large(f->inode, *pos + src->left))
		return -EFBIG;
	while (src->left) {
		s64 got = uio_copy(src, buf, min_t(u64, chunk, src->left));
		s64 n = got <= 0 ? got : write_some(f, buf, (u32)got, *pos);
		if (n <= 0)
			return done ? done : n;
		fuse_cache_written(f->inode, buf, (size_t)n, *pos);
		*pos += (u64)n;
		done += n;
		if (*pos > f->inode->attr.size)
			f->inode->attr.size = *pos;
		fuse_i(f->inode)->fresh_until = 0;
		if (n < got)
			break;
	}
	return done;
}

/* SEEK_DATA, SEEK_HOLE: the server may know; else all of the file is data. */
static s64 seek_data(struct file *f, s64 offset, int whence)
{
	struct fuse_conn *c = fuse_c(f->inode);
	struct fuse_lseek_in in = {((struct fuse_file *)f->private)->fh, (u64)offset, (u32)whence, 0};
	struct fuse_lseek_out out;
	struct fuse_call call = {.op = FUSE_LSEEK,
				 .nodeid = fuse_i(f->inode)->nodeid,
				 .in = {{&in, sizeof(in)}},
				 .out = &out,
				 .out_room = sizeof(out),
				 .out_least = sizeof(out)};
	s64 n = offset < 0 ? -ENXIO : c->no_lseek ? -ENOSYS : fuse_ask(c, &call);

	if (n == -ENOSYS) {
		c->no_lseek = true;
		n = fuse_refresh(f->inode, false);
		if (n < 0)
			return n;
		if ((u64)offset >= f->inode->attr.size)
			return -ENXIO;
		out.offset = whence == SEEK_DATA ? (u64)offset : f->inode->attr.size;
	}
	if (n < 0)
		return n;
	if (out.offset > INT64_MAX)
		return -EIO;
	f->pos = out.offset;
	return (s64)out.offset;
}

static s64 fuse_llseek(struct file *f, s64 offset, int whence)
{
	s64 base, at;
	int err = whence == SEEK_END ? fuse_refresh(f->inode, false) : 0;

	if (err)
		return err;
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_data(f, offset, whence);
	if (whence < SEEK_SET || whence > SEEK_END)
		return -EINVAL;
	base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (s64)f->pos : (s64)f->inode->attr.size;
	if (__builtin_add_overflow(base, offset, &at))
		return -EOVERFLOW;
	if (at < 0)
		return -EINVAL;
	f->pos = (u64)at;
	return at;
}

static int fuse_fsync(struct file *f, bool data_only)
{
	struct fuse_conn *c = fuse_c(f->inode);
	struct fuse_fsync_in in = {.fh = ((struct fuse_file *)f->private)->fh, .fsync_flags = data_only};
	struct fuse_call call = {
	    .op = FUSE_FSYNC, .nodeid = fuse_i(f->inode)->nodeid, .in = {{&in, sizeof(in)}}};
	int err = fuse_cache_sync(f->inode);
	s64 n = err ? err : c->no_fsync ? 0 : fuse_ask(c, &call);

	c->no_fsync |= n == -ENOSYS;
	return n == -ENOSYS || n >= 0 ? 0 : (int)n;
}

static int fuse_fallocate(struct file *f, int mode, u64 offset, u64 size)
{
	struct fuse_conn *c = fuse_c(f->inode);
	struct fuse_fallocate_in in = {
	    .fh = ((struct fuse_file *)f->private)->fh, .offset = offset, .length = size, .mode = (u32)mode};
	struct fuse_call call = {
	    .op = FUSE_FALLOCATE, .nodeid = fuse_i(f->inode)->nodeid, .in = {{&in, sizeof(in)}}};
	s64 n = c->no_fallocate ? -ENOSYS : fuse_cache_sync_locked(f->inode);

	if (!n && fuse_too_large(f->inode, offset + size))
		n = -EFBIG;
	if (!n)
		n = fuse_ask(c, &call);
	c->no_fallocate |= n == -ENOSYS;
	if (n == -ENOSYS)
		return -EOPNOTSUPP;
	if (n < 0)
		return (int)n;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + size > f->inode->attr.size)
		fuse_cache_resize(f->inode, offset + size);
	n = fuse_refresh(f->inode, true);
	return n < 0 ? (int)n : fuse_cache_reload(f, offset, size);
}

/* ---- mapping ---- */

/* The memfd is made of holes: zeroes need not be written, and cost no memory so. */
static bool all_zero(const u8 *buf, size_t size)
{
	return !buf[0] && !memcmp(buf, buf + 1, size - 1);
}

int fuse_fill(struct file *f, struct host_fd *shm, u64 offset, u64 size, u64 at)
{
	auto_cleanup(kfreep) u8 *buf = kmalloc(FUSE_READ_MAX);

	if (!buf)
		return -ENOMEM;
	for (u64 done = 0; done < size;) {
		u32 want = (u32)min_t(u64, size - done, fuse_c(f->inode)->max_read);
		s64 n = read_some(f, buf, want, offset + done);
		if (n < 0)
			return (int)n;
		if (n && !all_zero(buf, (size_t)n) &&
		    pwrite(shm->fd, buf, (size_t)n, (off_t)(at + done)) != n)
			return -ENOMEM;
		if (n < want)
			break;
		done += (u64)n;
	}
	return 0;
}

static int fuse_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		     u64 *host_offset)
{
	u64 end;
	int err;

	if (shared && (f->mode & FMODE_WRITE)) {
		*host_offset = offset;
		return fuse_cache_map(f, backing);
	}
	*backing = fuse_cache_get(f->inode);
	if (*backing) {
		*host_offset = offset;
		return shared ? FILE_MMAP_NO_WRITE : 0;
	}
	err = fuse_refresh(f->inode, false);
	if (err)
		return err;
	end = PAGE_UP(f->inode->attr.size); /* beyond it: SIGBUS */
	if (offset >= end)
		size = 0;
	else
		size = min_t(u64, size, end - offset);
	if (memory_would_overcommit(size))
		return -ENOMEM;
	err = shm_create("fuse", size, backing);
	if (err)
		return err;
	err = fuse_fill(f, *backing, offset, size, 0);
	if (err) {
		host_fd_put(*backing);
		*backing = NULL;
		return err;
	}
	*host_offset = 0;
	return shared ? FILE_MMAP_NO_WRITE : 0;
}

const struct file_ops fuse_file_ops = {.read = fuse_read,
				       .write = fuse_write,
				       .llseek = fuse_llseek,
				       .mmap = fuse_mmap,
				       .fsync = fuse_fsync,
				       .fallocate = fuse_fallocate,
				       .flush = flush,
				       .lock = fuse_lock,
				       .release = file_release};
