/*
 * file.c - open file descriptions: their life, reading and writing through them, and polling.
 *
 * A file counts its path, inode and opener's credentials. When the last reference goes, epoll forgets it, its
 * locks are released, and its object's release runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/abi/poll.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/vfs/lease.h"
#include "sandbox/vfs/vfs_priv.h"

#define RLIMIT_FSIZE_INDEX 1
#define RW_POS_MAX         INT64_MAX

static void file_release(struct object *obj)
{
	struct file *f = container_of(obj, struct file, obj);

	if (!list_empty(&f->epoll_items))
		epoll_file_released(f);
	if (f->inode && f->inode->locks)
		locks_release_file(f);
	if (f->inode && f->inode->leases)
		lease_release(f);
	dnotify_release(f);
	fasync_release(f);
	if (f->counted_read)
		f->inode->read_count--;
	if (f->counted_write) {
		f->inode->write_count--;
		f->path.mnt->writers--;
		f->path.mnt->sb->writers--;
	}
	if (f->ops && f->ops->release)
		f->ops->release(f);
	if (f->ops && !(f->mode & FMODE_PATH))
		vfs_notify_file(f, f->mode & FMODE_WRITE ? LINUX_IN_CLOSE_WRITE : LINUX_IN_CLOSE_NOWRITE);
	vfs()->file_count--;
	pid_put(f->owner);
	cred_put(f->cred);
	inode_put(f->inode);
	path_put(&f->path);
	kfree(f);
}

struct file *file_new(struct path *path, struct inode *inode, const struct file_ops *ops, u32 o_flags)
{
	static const u32 modes[4] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
	struct file *f = knew(struct file);
	struct task *t = current_task();

	if (!f)
		return NULL;
	object_init(&f->obj, file_release);
	f->ops = ops;
	f->flags = o_flags & ~(u32)O_CLOEXEC;
	f->mode = modes[o_flags & O_ACCMODE];
	if (o_flags & O_PATH) {
		static const struct file_ops none = {0};
		f->mode = FMODE_PATH;
		f->ops = &none;
	}
	f->path = *path;
	path_get(&f->path);
	f->inode = inode_get(inode);
	f->cred = t && t->cred ? cred_get(t->cred) : NULL;
	list_init(&f->epoll_items);
	vfs()->file_count++;
	return f;
}

struct file *anon_file_new(const char *name, const struct file_ops *ops, void *private, u32 o_flags,
			   u32 mode_type)
{
	struct mount *m = vfs()->anon;
	struct inode *inode = inode_new(m->sb, mode_type | 0600, NULL, ops);
	struct path path = {.mnt = m};
	struct file *f = NULL;
	char label[64];

	if (!inode)
		return NULL;
	if (mode_type)
		snprintf(label, sizeof(label), "%s:[%lu]", name, (unsigned long)inode->attr.ino);
	else
		snprintf(label, sizeof(label), "anon_inode:%s", name);
	path.dentry = dentry_new(m->root, m->sb, label, strlen(label));
	if (!path.dentry) {
		inode_put(inode);
		return NULL;
	}
	path.dentry->inode = inode;
	f = file_new(&path, inode, ops, o_flags);
	dentry_put(path.dentry);
	if (!f)
		return NULL;
	f->private = private;
	f->mode |= FMODE_NOSEEK | FMODE_STREAM;
	return f;
}

int anon_path_new(const char *label, u32 mode, const struct inode_ops *ops, u64 ino, void *private,
		  struct path *out)
{
	struct mount *m = vfs()->anon;
	struct inode *inode = inode_new(m->sb, mode, ops, NULL);
	struct dentry *d;

	if (!inode) {
		struct inode gone = {.private = private};
		if (ops->evict)
			ops->evict(&gone);
		return -ENOMEM;
	}
	inode->private = private;
	inode->attr.ino = ino;
	inode->attr.uid = inode->attr.gid = 0;
	d = dentry_new(m->root, m->sb, label, strlen(label));
	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	d->inode = inode;
	*out = (struct path){mount_get(m), d};
	return 0;
}

u32 file_poll(struct file *f, struct poll_table *pt)
{
	if (f->ops->poll)
		return f->ops->poll(f, pt);
	return LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLRDNORM | LINUX_POLLWRNORM;
}

static struct io_counts *io_counts(void)
{
	struct task *t = current_task();

	return t ? &t->io : NULL;
}

static s64 read_at(struct file *f, struct uio *u, u64 *at)
{
	if ((s64)*at < 0 || *at + u->left > RW_POS_MAX)
		return -EINVAL;
	return f->ops->read(f, u, at);
}

s64 vfs_read(struct file *f, struct uio *u, u64 *pos)
{
	struct io_counts *io = io_counts();
	s64 n;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (mode_is_dir(f->inode->attr.mode))
		return -EISDIR;
	if (!f->ops->read)
		return -EINVAL;
	if (f->mode & FMODE_NOSEEK) {
		if (pos)
			return -ESPIPE;
		n = f->ops->read(f, u, &f->pos);
	} else if (pos) {
		n = read_at(f, u, pos);
	} else {
		n = file_pos_lock(f);
		if (n)
			return n;
		n = read_at(f, u, &f->pos);
		file_pos_unlock(f);
	}
	if (n > 0)
		vfs_notify_file(f, LINUX_IN_ACCESS);
	if (io) {
		io->rchar += n > 0 ? (u64)n : 0;
		io->syscr++;
	}
	return n;
}

/* RLIMIT_FSIZE: how much may be written at `at`; a signal and -EFBIG when nothing. */
static int fsize_limit(struct file *f, struct uio *u, u64 at)
{
	struct task *t = current_task();
	u64 limit = t ? task_rlimit(t, RLIMIT_FSIZE_INDEX) : UINT64_MAX;

	if (!mode_is_reg(f->inode->attr.mode) || limit == UINT64_MAX || !u->left)
		return 0;
	if (at >= limit) {
		(void)send_signal_task(t, LINUX_SIGXFSZ, NULL);
		return -EFBIG;
	}
	u->left = min_t(size_t, u->left, limit - at);
	return 0;
}

/* A write by one without CAP_FSETID takes the set-id bits away. */
static void strip_setid(struct file *f)
{
	struct inode *i = f->inode;
	u32 mode = i->attr.mode;

	inode_kill_caps(i);
	if (!mode_is_reg(mode) ||
	    !(mode & LINUX_S_ISUID || (mode & (LINUX_S_ISGID | 010)) == (LINUX_S_ISGID | 010)))
		return;
	if (!capable(4 /* CAP_FSETID */) && i->ops && i->ops->setattr) {
		struct attr_change ch = {.mask = ATTR_MODE,
					 .mode =
					     mode & ~(u32)(LINUX_S_ISUID | (mode & 010 ? LINUX_S_ISGID : 0))};
		if (i->ops->setattr(i, &ch))
			klog(LOG_WARN, "set-id bits could not be removed after a write");
	}
}

/* A write at a position; where to, and the file's size, are decided when nobody else writes. */
static s64 write_at(struct file *f, struct uio *u, u64 *at)
{
	s64 n;

	if ((s64)*at < 0 || *at + u->left > RW_POS_MAX)
		return -EINVAL;
	if (f->flags & O_APPEND)
		*at = f->inode->attr.size;
	n = fsize_limit(f, u, *at);
	if (n)
		return n;
	strip_setid(f);
	return f->ops->write(f, u, at);
}

static s64 write_regular(struct file *f, struct uio *u, u64 *pos)
{
	s64 n = pos ? 0 : file_pos_lock(f);

	if (n)
		return n;
	n = inode_lock_killable(f->inode);
	if (!n) {
		n = write_at(f, u, pos ? pos : &f->pos);
		inode_unlock(f->inode);
	}
	if (!pos)
		file_pos_unlock(f);
	return n;
}

s64 vfs_write(struct file *f, struct uio *u, u64 *pos)
{
	struct io_counts *io = io_counts();
	s64 n;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (f->mode & FMODE_NOSEEK) {
		n = pos ? -ESPIPE : f->ops->write(f, u, &f->pos);
	} else if (mode_is_reg(f->inode->attr.mode)) {
		n = write_regular(f, u, pos);
	} else {
		n = write_at(f, u, pos ? pos : &f->pos);
	}
	if (n > 0)
		vfs_notify_file(f, LINUX_IN_MODIFY);
	if (io) {
		io->wchar += n > 0 ? (u64)n : 0;
		io->syscw++;
	}
	if (n > 0 && (f->flags & (O_SYNC | O_DSYNC)) && f->ops->fsync) {
		int err = f->ops->fsync(f, !(f->flags & (O_SYNC & ~O_DSYNC)));
		if (err)
			return err;
	}
	return n;
}

static s64 seek(struct file *f, s64 offset, int whence)
{
	u64 size;
	s64 base;

	if (f->ops->llseek)
		return f->ops->llseek(f, offset, whence);
	if (f->mode & FMODE_NOSEEK)
		return -ESPIPE;
	size = f->inode->attr.size;
	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = (s64)f->pos;
		break;
	case SEEK_END:
		base = (s64)size;
		break;
	case 3: /* SEEK_DATA: without holes, all is data */
	case 4: /* SEEK_HOLE: and the only hole is the end */
		if (offset < 0 || (u64)offset >= size)
			return -ENXIO;
		f->pos = whence == 3 ? (u64)offset : size;
		return (s64)f->pos;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &base) || base < 0)
		return -EINVAL;
	f->pos = (u64)base;
	return base;
}

s64 vfs_llseek(struct file *f, s64 offset, int whence)
{
	s64 at;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	at = file_pos_lock(f);
	if (at)
		return at;
	at = seek(f, offset, whence);
	file_pos_unlock(f);
	return at;
}

s64 file_read_kernel(struct file *f, void *buf, size_t size, u64 pos)
{
	size_t done = 0;

	if (!f->ops || !f->ops->read)
		return -EINVAL;
	while (done < size) {
		struct uio u;
		s64 n;
		uio_init_kernel(&u, UIO_TO_USER, (char *)buf + done, size - done);
		n = f->ops->read(f, &u, &pos);
		if (n < 0)
			return done ? (s64)done : n;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (s64)done;
}

s64 file_write_kernel(struct file *f, const void *buf, size_t size, u64 *pos)
{
	struct uio u;

	if (!f->ops || !f->ops->write)
		return -EINVAL;
	uio_init_kernel(&u, UIO_FROM_USER, (void *)(uintptr_t)buf, size);
	return f->ops->write(f, &u, pos);
}
