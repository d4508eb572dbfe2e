/*
 * nameops.c - making, removing and moving names: mkdir, mknod, symlink, link, unlink, rmdir, rename.
 *
 * Each resolves the parent, takes the directory's lock, looks the last component up, checks, and asks the
 * file system; the cache is changed here, after the file system has agreed. A rename across directories takes
 * both locks, lower address first, and only one such rename runs at a time, so that the ancestry it checks
 * stays.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/kernel/signal.h"
#include "sandbox/vfs/vfs_priv.h"
#include "sandbox/vfs/xattr.h"

#define RENAME_WHITEOUT_ 4U

/* What a call on a name works with. */
struct target {
	struct path dir;
	char *last;
	bool slash; /* the name ended in one */
	struct dentry *d;
};

static void target_put(struct target *t)
{
	dentry_put(t->d);
	kfree(t->last);
	path_put(&t->dir);
}

/* Resolves the parent and looks the name up. On success the caller owns everything. */
static int target_find(struct target *t, int dirfd, const char *name)
{
	int err;

	memset(t, 0, sizeof(*t));
	err = path_lookup_parent(dirfd, name, 0, &t->dir, &t->last, &t->slash);
	if (err)
		return err;
	err = inode_permission(t->dir.dentry->inode, t->dir.mnt, 1);
	if (!err && strcmp(t->last, ".") && strcmp(t->last, ".."))
		err = dentry_lookup(&t->dir, t->last, strlen(t->last), &t->d);
	if (err)
		target_put(t);
	return err;
}

/* For a new name: it must not exist, and the directory must take it. Locks the directory. */
static int create_begin(struct target *t, int dirfd, const char *name, bool is_dir)
{
	int err = target_find(t, dirfd, name);
	struct inode *dir;

	if (err)
		return err;
	dir = t->dir.dentry->inode;
	if (!t->d || t->d->inode)
		err = -EEXIST;
	else if (t->slash && !is_dir)
		err = -ENOENT;
	else if (mount_want_write(t->dir.mnt))
		err = -EROFS;
	else
		err = may_create(dir, t->dir.mnt);
	if (!err)
		err = inode_lock_killable(dir);
	if (!err) {
		if (t->d->inode || t->d->unhashed || dir->dead) {
			err = dir->dead ? -ENOENT : -EEXIST;
			inode_unlock(dir);
		}
	}
	if (err)
		target_put(t);
	return err;
}

/* `mode`: of a new object that takes a default ACL over; else 0. */
static int create_end(struct target *t, int err, u32 notify, u32 mode)
{
	struct inode *dir = t->dir.dentry->inode;

	if (!err && mode && (dir->sb->flags & SB_POSIXACL))
		err = acl_inherit(dir, t->d->inode, mode);
	if (err == -EEXIST && !t->d->inode && !t->d->unhashed)
		dentry_unhash(t->d); /* the negative entry was stale */
	inode_unlock(t->dir.dentry->inode);
	if (!err)
		vfs_notify_entry(t->dir.dentry->inode, notify, 0, t->d->name, t->d->name_len,
				 t->d->inode ? t->d->inode->attr.ino : 0);
	target_put(t);
	return err;
}

int vfs_mkdir(int dirfd, const char *name, u32 mode)
{
	struct target t;
	int err = create_begin(&t, dirfd, name, true);
	struct inode *dir;

	if (err)
		return err;
	dir = t.dir.dentry->inode;
	mode = new_mode(dir, LINUX_S_IFDIR | (mode & 01777));
	err = dir->ops->mkdir ? dir->ops->mkdir(dir, t.d, mode) : -EPERM;
	return create_end(&t, err, LINUX_IN_CREATE | LINUX_IN_ISDIR, mode);
}

int vfs_mkdir_at(const struct path *dir, const char *name, u32 mode)
{
	struct path p = *dir;
	struct inode *inode = dir->dentry->inode;
	struct dentry *d;
	int err = dentry_lookup(&p, name, strlen(name), &d);

	if (err)
		return err;
	if (d->inode)
		err = -EEXIST;
	else
		err =
		    inode->ops->mkdir ? inode->ops->mkdir(inode, d, LINUX_S_IFDIR | (mode & 07777)) : -EPERM;
	dentry_put(d);
	return err;
}

int vfs_create_at(const struct path *dir, const char *name, u32 mode)
{
	struct path p = *dir;
	struct inode *inode = dir->dentry->inode;
	struct dentry *d;
	int err = dentry_lookup(&p, name, strlen(name), &d);

	if (err)
		return err;
	if (d->inode)
		err = -EEXIST;
	else
		err = inode->ops->create ? inode->ops->create(inode, d, LINUX_S_IFREG | (mode & 07777))
					 : -EPERM;
	dentry_put(d);
	return err;
}

int vfs_mknod(int dirfd, const char *name, u32 mode, u64 dev)
{
	u32 type = mode_type(mode);
	struct inode *dir;
	struct target t;
	int err;

	if (!type)
		type = LINUX_S_IFREG;
	if (type == LINUX_S_IFDIR || type == LINUX_S_IFLNK)
		return type == LINUX_S_IFDIR ? -EPERM : -EINVAL;
	if ((type == LINUX_S_IFCHR || type == LINUX_S_IFBLK) && !capable(27 /* CAP_MKNOD */))
		return -EPERM;
	err = create_begin(&t, dirfd, name, false);
	if (err)
		return err;
	dir = t.dir.dentry->inode;
	mode = new_mode(dir, type | (mode & 07777));
	if (type == LINUX_S_IFREG)
		err = dir->ops->create ? dir->ops->create(dir, t.d, mode) : -EPERM;
	else
		err = dir->ops->mknod ? dir->ops->mknod(dir, t.d, mode, dev) : -EPERM;
	return create_end(&t, err, LINUX_IN_CREATE, mode);
}

int vfs_symlink(const char *target, int dirfd, const char *name)
{
	struct inode *dir;
	struct target t;
	int err;

	if (!*target)
		return -ENOENT;
	err = create_begin(&t, dirfd, name, false);
	if (err)
		return err;
	dir = t.dir.dentry->inode;
	err = dir->ops->symlink ? dir->ops->symlink(dir, t.d, target) : -EPERM;
	return create_end(&t, err, LINUX_IN_CREATE, 0);
}

/* /proc/sys/fs/protected_hardlinks: only one's own files, or ordinary ones one may write, can be linked.
 */
static bool may_link(struct inode *inode, struct mount *m)
{
	u32 mode = inode->attr.mode;

	if (!sysctl(SYSCTL_PROTECTED_HARDLINKS) || inode_owner_or_capable(inode))
		return true;
	return mode_is_reg(mode) && !(mode & LINUX_S_ISUID) &&
	       (mode & (LINUX_S_ISGID | 010)) != (LINUX_S_ISGID | 010) && !inode_permission(inode, m, 6);
}

int vfs_link(int olddirfd, const char *old, int newdirfd, const char *new_name, int at_flags)
{
	u32 walk = (at_flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
		   (at_flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0);
	struct path from = {0};
	struct inode *inode, *dir;
	struct target t;
	int err = path_lookup(olddirfd, old, walk, &from);

	if (err)
		return err;
	inode = from.dentry->inode;
	err = create_begin(&t, newdirfd, new_name, false);
	if (err) {
		path_put(&from);
		return err;
	}
	dir = t.dir.dentry->inode;
	if (from.mnt != t.dir.mnt)
		err = -EXDEV;
	else if (mode_is_dir(inode->attr.mode) || (inode->flags & (INODE_IMMUTABLE | INODE_APPEND)) ||
		 !may_link(inode, from.mnt))
		err = -EPERM;
	else if (!inode->attr.nlink && !inode->linkable)
		err = -ENOENT;
	else if (!dir->ops->link)
		err = -EPERM;
	else
		err = dir->ops->link(dir, t.d, inode);
	if (!err) {
		inode->linkable = false;
		vfs_notify_self(inode, LINUX_IN_ATTRIB); /* the count of its names */
	}
	err = create_end(&t, err, LINUX_IN_CREATE, 0);
	path_put(&from);
	return err;
}

/* Removes a file's or a directory's name. t is put. */
static int remove_target(struct target *t, bool is_dir)
{
	struct inode *dir = t->dir.dentry->inode;
	u64 ino;
	int err = 0;

	if (!t->d) {
		err = !is_dir ? -EISDIR : !strcmp(t->last, ".") ? -EINVAL : -ENOTEMPTY;
		target_put(t);
		return err;
	}
	err = inode_lock_killable(dir);
	if (err) {
		target_put(t);
		return err;
	}
	if (!t->d->inode || t->d->unhashed)
		err = -ENOENT;
	else if (mount_want_write(t->dir.mnt))
		err = -EROFS;
	else if (!is_dir && t->slash)
		err = mode_is_dir(t->d->inode->attr.mode) ? -EISDIR : -ENOTDIR;
	else
		err = may_delete(dir, t->dir.mnt, t->d, is_dir);
	if (!err && is_dir)
		err = dir->ops->rmdir ? dir->ops->rmdir(dir, t->d) : -EPERM;
	else if (!err)
		err = dir->ops->unlink ? dir->ops->unlink(dir, t->d) : -EPERM;
	if (!err) {
		if (!is_dir)
			vfs_notify_self(t->d->inode, LINUX_IN_ATTRIB); /* the count of its names */
		dentry_delete(t->d);
	}
	inode_unlock(dir);
	if (!err)
		mounts_detach_from(t->d);
	if (!err) {
		ino = t->d->inode ? t->d->inode->attr.ino : 0;
		dentry_put(t->d); /* with the last one goes the file */
		t->d = NULL;
		vfs_notify_entry(dir, LINUX_IN_DELETE | (is_dir ? LINUX_IN_ISDIR : 0), 0, t->last,
				 strlen(t->last), ino);
	}
	target_put(t);
	return err;
}

static int remove_name(int dirfd, const char *name, bool is_dir)
{
	struct target t;
	int err = target_find(&t, dirfd, name);

	return err ? err : remove_target(&t, is_dir);
}

int vfs_unlink_at(struct path *dir, const char *name)
{
	struct target t = {.dir = *dir};
	int err;

	path_get(&t.dir);
	t.last = kstrdup(name);
	err = t.last ? dentry_lookup(&t.dir, name, strlen(name), &t.d) : -ENOMEM;
	if (err) {
		target_put(&t);
		return err;
	}
	return remove_target(&t, false);
}

int vfs_unlink(int dirfd, const char *name)
{
	return remove_name(dirfd, name, false);
}

int vfs_rmdir(int dirfd, const char *name)
{
	return remove_name(dirfd, name, true);
}

/* ---- rename ---- */

static int lock_two(struct inode *a, struct inode *b)
{
	struct inode *first = a < b ? a : b, *second = a < b ? b : a;
	int err;

	if (a == b)
		return inode_lock_killable(a);
	if (a->sb->renaming &&
	    wait_event_state(&a->sb->rename_done, !a->sb->renaming, TIME_NEVER, SLEEP_ANSWER))
		return -ERESTARTSYS;
	a->sb->renaming = true;
	err = inode_lock_killable(first);
	if (!err) {
		err = inode_lock_killable(second);
		if (err)
			inode_unlock(first);
	}
	if (err) {
		a->sb->renaming = false;
		wake_up_all(&a->sb->rename_done, 0);
	}
	return err;
}

static void unlock_two(struct inode *a, struct inode *b)
{
	inode_unlock(a);
	if (a == b)
		return;
	inode_unlock(b);
	a->sb->renaming = false;
	wake_up_all(&a->sb->rename_done, 0);
}

static int rename_check(struct target *o, struct target *n, u32 flags)
{
	struct inode *victim = n->d->inode;
	bool dir, exchange = flags & 2;
	int err;

	if (!o->d->inode || o->d->unhashed)
		return -ENOENT;
	if (n->d->unhashed || n->dir.dentry->inode->dead)
		return -ENOENT; /* removed while we waited for the locks */
	dir = mode_is_dir(o->d->inode->attr.mode);
	if (mount_want_write(o->dir.mnt))
		return -EROFS;
	if (exchange && !victim)
		return -ENOENT;
	if ((flags & 1) && victim)
		return -EEXIST;
	if ((o->slash || n->slash) && !dir && !exchange)
		return -ENOTDIR;
	if (dentry_is_ancestor(o->d, n->dir.dentry))
		return -EINVAL;
	if (dentry_is_ancestor(n->d, o->dir.dentry))
		return exchange ? -EINVAL : -ENOTEMPTY;
	err = may_delete(o->dir.dentry->inode, o->dir.mnt, o->d, dir);
	if (err)
		return err;
	if (!victim)
		err = may_create(n->dir.dentry->inode, n->dir.mnt);
	else
		err = may_delete(n->dir.dentry->inode, n->dir.mnt, n->d,
				 exchange ? mode_is_dir(victim->attr.mode) : dir);
	if (!err && dir && o->dir.dentry != n->dir.dentry)
		err = inode_permission(o->d->inode, o->dir.mnt, 2); /* its `..` changes */
	return err;
}

/* The file system has done it: now the cache. */
static int rename_cache(struct target *o, struct target *n, bool exchange)
{
	char *new_name = kstrdup(n->last), *old_name = exchange ? kstrdup(o->last) : NULL;

	if (!new_name || (exchange && !old_name)) { /* forget both: they are looked up anew */
		kfree(new_name);
		kfree(old_name);
		if (o->d->sb->flags & SB_DCACHE_TRUTH)
			panic("no memory to rename in a tree that is the truth");
		dentry_unhash(o->d);
		dentry_unhash(n->d);
		return 0;
	}
	if (exchange)
		dentry_move(n->d, o->dir.dentry, old_name, strlen(old_name));
	else
		dentry_delete(n->d);
	dentry_move(o->d, n->dir.dentry, new_name, strlen(new_name));
	return 0;
}

static void rename_notify(struct inode *od, const char *old_name, struct inode *nd, const char *new_name,
			  struct inode *moved, struct inode *victim)
{
	u32 cookie = vfs_notify_cookie(), dir = mode_is_dir(moved->attr.mode) ? LINUX_IN_ISDIR : 0;

	vfs_notify_rename(od, old_name, nd, new_name, moved);
	vfs_notify_entry(od, LINUX_IN_MOVED_FROM | dir, cookie, old_name, strlen(old_name), moved->attr.ino);
	vfs_notify_entry(nd, LINUX_IN_MOVED_TO | dir, cookie, new_name, strlen(new_name), moved->attr.ino);
	if (victim)
		vfs_notify_self(victim, LINUX_IN_ATTRIB);
	vfs_notify_self(moved, LINUX_IN_MOVE_SELF);
}

/* RENAME_WHITEOUT: where the name was, a device that overlays take for its absence. */
static int leave_whiteout(struct target *o)
{
	struct inode *dir = o->dir.dentry->inode;
	struct dentry *d = dentry_alloc(o->dir.dentry, o->last, strlen(o->last));
	int err = d ? dir->ops->mknod(dir, d, LINUX_S_IFCHR, 0) : -ENOMEM;

	dentry_put(d);
	return err;
}

static int rename_locked(struct target *o, struct target *n, u32 flags)
{
	struct inode *od = o->dir.dentry->inode, *nd = n->dir.dentry->inode, *victim = n->d->inode;
	int err = rename_check(o, n, flags);

	if (err)
		return err;
	if (o->d->inode == n->d->inode)
		return 0; /* two names of one file: rename(2) does nothing */
	if (!od->ops->rename)
		return -EPERM;
	if ((flags & RENAME_WHITEOUT_) && !(o->d->sb->flags & SB_WHITEOUT))
		return -EINVAL;
	err = od->ops->rename(od, o->d, nd, n->d, flags & 3);
	if (err)
		return err;
	if (victim)
		inode_get(victim);
	err = rename_cache(o, n, flags & 2);
	rename_notify(od, o->last, nd, n->last, o->d->inode, flags & 2 ? NULL : victim);
	if (flags & 2)
		rename_notify(nd, n->last, od, o->last, n->d->inode, NULL);
	inode_put(victim);
	if (!err && (flags & RENAME_WHITEOUT_))
		err = leave_whiteout(o);
	return err;
}

int vfs_rename(int olddirfd, const char *old, int newdirfd, const char *new_name, u32 flags)
{
	struct target o, n;
	int err = target_find(&o, olddirfd, old);

	if (err)
		return err;
	err = target_find(&n, newdirfd, new_name);
	if (err == -ENAMETOOLONG && o.d && !o.d->inode)
		err = -ENOENT; /* Linux looks at the new name last */
	if (err) {
		target_put(&o);
		return err;
	}
	if (o.dir.mnt != n.dir.mnt) {
		err = -EXDEV;
	} else if (!o.d || !n.d) {
		err = -EBUSY;
	} else {
		struct inode *a = o.dir.dentry->inode, *b = n.dir.dentry->inode;
		err = lock_two(a, b);
		if (!err) {
			err = rename_locked(&o, &n, flags);
			unlock_two(a, b);
		}
		if (!err && n.d->unhashed)
			mounts_detach_from(n.d);
	}
	target_put(&n);
	target_put(&o);
	return err;
}
