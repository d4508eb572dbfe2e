/*
 * real.c - operations on the trees below an overlay, as the VFS would carry them out: under the directory's
 * lock, with the cache of names changed along. Whiteouts and opaque directories, too.
 *
 * A whiteout is a character device 0/0, as everywhere; where no devices can be made (a host's tree), it is an
 * empty file with the attribute user.overlay.whiteout, which Linux understands as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/fs/overlay/overlay_priv.h"

int real_lookup(const struct path *dir, const char *name, size_t len, struct path *out)
{
	struct path p = *dir;
	struct dentry *d;
	int err = dentry_lookup(&p, name, len, &d);

	if (err)
		return err;
	*out = (struct path){mount_get(dir->mnt), d};
	return 0;
}

static bool has_attribute(struct super_block *sb, struct inode *real, const char *what, const char *expect)
{
	char name[64], value[2] = "";

	if (!real->ops || !real->ops->getxattr)
		return false;
	snprintf(name, sizeof(name), "trusted.overlay.%s", what);
	if (real->ops->getxattr(real, name, value, sizeof(value)) == 1 && strchr(expect, value[0]))
		return true;
	snprintf(name, sizeof(name), "user.overlay.%s", what);
	return real->ops->getxattr(real, name, value, sizeof(value)) == 1 && strchr(expect, value[0]);
}

bool real_is_whiteout(struct super_block *sb, const struct path *p)
{
	struct inode *i = p->dentry->inode;

	if (!i)
		return false;
	if (mode_type(i->attr.mode) == LINUX_S_IFCHR)
		return i->attr.rdev == 0;
	return mode_is_reg(i->attr.mode) && !i->attr.size && !(i->attr.mode & 07777) &&
	       has_attribute(sb, i, "whiteout", "y");
}

bool real_is_opaque(struct super_block *sb, const struct path *dir)
{
	return has_attribute(sb, dir->dentry->inode, "opaque", "y");
}

static int set_attribute(struct super_block *sb, struct inode *real, const char *what)
{
	char name[64];

	if (!real->ops->setxattr)
		return -EOPNOTSUPP;
	snprintf(name, sizeof(name), "%s%s", ovl_of(sb)->xattr, what);
	return real->ops->setxattr(real, name, "y", 1, 0);
}

int real_set_opaque(struct super_block *sb, const struct path *dir)
{
	return set_attribute(sb, dir->dentry->inode, "opaque");
}

static int make(struct inode *dir, struct dentry *d, u32 mode, u64 rdev, const char *target)
{
	const struct inode_ops *ops = dir->ops;

	switch (mode_type(mode)) {
	case LINUX_S_IFDIR:
		return ops->mkdir ? ops->mkdir(dir, d, mode) : -EPERM;
	case LINUX_S_IFLNK:
		return ops->symlink ? ops->symlink(dir, d, target) : -EPERM;
	case LINUX_S_IFREG:
		return ops->create ? ops->create(dir, d, mode) : -EPERM;
	default:
		return ops->mknod ? ops->mknod(dir, d, mode, rdev) : -EPERM;
	}
}

int real_make(const struct path *dir, const char *name, u32 mode, u64 rdev, const char *target,
	      struct path *out)
{
	struct inode *real = dir->dentry->inode;
	struct path p;
	int err = real_lookup(dir, name, strlen(name), &p);

	if (err)
		return err;
	inode_lock(real);
	if (real->dead)
		err =
		    -ENOENT; /* removed while we waited: what is made there could not be reached or removed */
	else
		err = p.dentry->inode || p.dentry->unhashed ? -EEXIST
							    : make(real, p.dentry, mode, rdev, target);
	inode_unlock(real);
	if (err || !out)
		path_put(&p);
	else
		*out = p;
	return err;
}

int real_link(const struct path *dir, const char *name, struct inode *inode)
{
	struct inode *real = dir->dentry->inode;
	struct path p;
	int err = real_lookup(dir, name, strlen(name), &p);

	if (err)
		return err;
	inode_lock(real);
	if (real->dead)
		err = -ENOENT;
	else if (p.dentry->inode || p.dentry->unhashed)
		err = -EEXIST;
	else
		err = real->ops->link ? real->ops->link(real, p.dentry, inode) : -EPERM;
	inode_unlock(real);
	path_put(&p);
	return err;
}

int real_remove(const struct path *dir, const char *name)
{
	struct inode *real = dir->dentry->inode;
	struct path p;
	int err = real_lookup(dir, name, strlen(name), &p);

	if (err)
		return err;
	inode_lock(real);
	if (!p.dentry->inode || p.dentry->unhashed)
		err = -ENOENT;
	else if (mode_is_dir(p.dentry->inode->attr.mode))
		err = real->ops->rmdir ? real->ops->rmdir(real, p.dentry) : -EPERM;
	else
		err = real->ops->unlink ? real->ops->unlink(real, p.dentry) : -EPERM;
	if (!err)
		dentry_delete(p.dentry);
	inode_unlock(real);
	path_put(&p);
	return err;
}

static int rename_locked(struct inode *a, struct path *o, struct inode *b, struct path *n, u32 flags)
{
	auto_cleanup(kfreep) char *new_name = kstrdup(n->dentry->name), *old_name = kstrdup(o->dentry->name);
	struct dentry *from = o->dentry->parent, *to = n->dentry->parent;
	int err;

	if (!new_name || !old_name)
		return -ENOMEM;
	if (!o->dentry->inode || b->dead)
		return -ENOENT;
	if (!a->ops->rename)
		return -EPERM;
	err = a->ops->rename(a, o->dentry, b, n->dentry, flags);
	if (err)
		return err;
	if (flags & 2) {
		dentry_move(n->dentry, from, old_name, strlen(old_name));
		old_name = NULL;
	} else {
		dentry_delete(n->dentry);
	}
	dentry_move(o->dentry, to, new_name, strlen(new_name));
	new_name = NULL;
	return 0;
}

int real_rename(const struct path *od, const char *on, const struct path *nd, const char *nn, u32 flags)
{
	struct inode *a = od->dentry->inode, *b = nd->dentry->inode;
	struct path o, n;
	int err = real_lookup(od, on, strlen(on), &o);

	if (err)
		return err;
	err = real_lookup(nd, nn, strlen(nn), &n);
	if (err) {
		path_put(&o);
		return err;
	}
	inode_lock(a < b ? a : b);
	if (a != b)
		inode_lock(a < b ? b : a);
	err = rename_locked(a, &o, b, &n, flags);
	inode_unlock(a);
	if (a != b)
		inode_unlock(b);
	path_put(&n);
	path_put(&o);
	return err;
}

int real_whiteout(struct super_block *sb, const struct path *dir, const char *name)
{
	struct path p;
	int err = real_make(dir, name, LINUX_S_IFCHR, 0, NULL, NULL);

	if (err != -EPERM)
		return err;
	err = real_make(dir, name, LINUX_S_IFREG, 0, NULL, &p);
	if (err)
		return err;
	err = set_attribute(sb, p.dentry->inode, "whiteout");
	path_put(&p);
	if (err)
		(void)!real_remove(dir, name);
	return err;
}

int real_open(struct path *p, u32 o_flags, struct file **out)
{
	return vfs_open_path_as_kernel(p, o_flags, out);
}

int real_list(struct path *dir, struct dir_context *ctx)
{
	struct file *f;
	u64 before;
	int err = real_open(dir, O_RDONLY | O_DIRECTORY, &f);

	if (err)
		return err;
	if (!f->ops->readdir)
		err = -ENOTDIR;
	do {
		before = ctx->pos;
		if (!err)
			err = f->ops->readdir(f, ctx);
	} while (!err && ctx->pos != before);
	file_put(f);
	return err;
}
