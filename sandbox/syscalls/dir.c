/*
 * syscalls/dir.c - listing directories, and where a process stands: getdents, getcwd, chdir, chroot, umask.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define DENTS_MAX 65536U /* bytes returned at most by one call */

/* struct linux_dirent64: ino, off, reclen, type, name; the old form has the type in the last byte. */
struct dents {
	struct dir_context ctx;
	char *buf;
	size_t size, used;
	bool old;
	bool too_small;
};

static bool emit(struct dir_context *ctx, const char *name, size_t len, u64 ino, u8 type, u64 next_pos)
{
	struct dents *d = container_of(ctx, struct dents, ctx);
	size_t head = d->old ? 18 : 19, reclen = (head + len + (d->old ? 2 : 1) + 7) & ~7UL;
	char *p = d->buf + d->used;
	u16 rl = (u16)reclen;

	if (d->size - d->used < reclen) {
		d->too_small = true;
		return false;
	}
	memset(p, 0, reclen);
	memcpy(p, &ino, 8);
	memcpy(p + 8, &next_pos, 8);
	memcpy(p + 16, &rl, 2);
	if (d->old)
		p[reclen - 1] = (char)type;
	else
		p[18] = (char)type;
	memcpy(p + head, name, len);
	d->used += reclen;
	return true;
}

static s64 getdents(const u64 *a, bool old)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));
	auto_cleanup(kfreep) char *buf = NULL;
	struct dents d = {.ctx = {.emit = emit}, .old = old, .size = min_t(u32, (u32)a[2], DENTS_MAX)};
	int err;

	if (!f)
		return -EBADF;
	if (!mode_is_dir(f->inode->attr.mode) || !f->ops->readdir)
		return -ENOTDIR;
	if (f->inode->dead)
		return -ENOENT;
	buf = d.buf = kmalloc(d.size + 1);
	if (!buf)
		return -ENOMEM;
	err = file_pos_lock(f);
	if (err)
		return err;
	d.ctx.pos = f->pos;
	err = f->ops->readdir(f, &d.ctx);
	if (!err && !d.used && d.too_small)
		err = -EINVAL;
	if (!err && copy_out(uaddr(a[1]), buf, d.used))
		err = -EFAULT;
	if (!err)
		f->pos = d.ctx.pos;
	file_pos_unlock(f);
	if (err)
		return err;
	inode_touch_atime(f);
	vfs_notify_file(f, LINUX_IN_ACCESS);
	return (s64)d.used;
}

s64 sys_getdents(struct task *t, const u64 *a)
{
	return getdents(a, true);
}

s64 sys_getdents64(struct task *t, const u64 *a)
{
	return getdents(a, false);
}

s64 sys_getcwd(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *path = NULL;
	size_t size;

	if (t->fs->cwd.dentry->unhashed)
		return -ENOENT;
	path = path_to_string(&t->fs->cwd, &t->fs->root);
	if (!path)
		return -ENOMEM;
	size = strlen(path) + 1;
	if (size > a[1])
		return -ERANGE;
	return copy_out(uaddr(a[0]), path, size) ? -EFAULT : (s64)size;
}

/* Steals the path. */
static s64 go_to(struct task *t, struct path *p)
{
	struct path old;
	int err = inode_permission(p->dentry->inode, p->mnt, 1);

	if (!err && !mode_is_dir(p->dentry->inode->attr.mode))
		err = -ENOTDIR;
	if (err) {
		path_put(p);
		return err;
	}
	old = t->fs->cwd;
	t->fs->cwd = *p;
	path_put(&old);
	return 0;
}

s64 sys_chdir(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *name = NULL;
	struct path p = {0};
	int err = copy_in_path(&name, uaddr(a[0]));

	if (!err)
		err = path_lookup(AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, &p);
	return err ? err : go_to(t, &p);
}

s64 sys_fchdir(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get_path(arg_int(a[0]));
	struct path p;

	if (!f)
		return -EBADF;
	if (!mode_is_dir(f->inode->attr.mode))
		return -ENOTDIR;
	p = f->path;
	path_get(&p);
	return go_to(t, &p);
}

s64 sys_chroot(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *name = NULL;
	struct path p = {0}, old;
	int err = copy_in_path(&name, uaddr(a[0]));

	if (!err)
		err = path_lookup(AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, &p);
	if (!err)
		err = inode_permission(p.dentry->inode, p.mnt, 1);
	if (!err && !ns_capable(t->cred->user_ns, 18 /* CAP_SYS_CHROOT */))
		err = -EPERM;
	if (err) {
		path_put(&p);
		return err;
	}
	old = t->fs->root;
	t->fs->root = p;
	path_put(&old);
	return 0;
}

s64 sys_umask(struct task *t, const u64 *a)
{
	u32 old = t->fs->umask;

	t->fs->umask = (u32)a[0] & 0777;
	return old;
}

/* The mount with the least id beyond `id` whose file system has anything to write. */
static struct mount *next_to_sync(struct mount_ns *ns, u64 id)
{
	struct mount *m, *best = NULL;

	list_for_each_entry (m, &ns->mounts, ns_node)
		if (m->id > id && m->sb->type->sync && (!best || m->id < best->id))
			best = m;
	return best;
}

s64 sys_sync(struct task *t, const u64 *a)
{
	struct mount *m;
	u64 done = 0;

	while ((m = next_to_sync(t->ns->mnt, done))) {
		done = m->id;
		mount_get(m);
		if (m->sb->type->sync(m->sb))
			klog(LOG_WARN, "sync: a file system reports an error");
		mount_put(m);
	}
	return 0;
}

s64 sys_syncfs(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get(arg_int(a[0]));
	struct super_block *sb;

	if (!f)
		return -EBADF;
	sb = f->inode->sb;
	return sb->type->sync ? sb->type->sync(sb) : 0;
}
