/*
 * copyup.c - before its first change a lower file is copied to the upper tree, after its directories.
 *
 * A regular file is copied into an unnamed one, which gets its name when it is whole: whoever looks sees the
 * old file or the new. One copy-up runs at a time; a large one gives the thread away between its pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/fs/overlay/overlay_priv.h"

#define COPY_CHUNK (256UL << 10)

/* Owner, permissions and times of `from`. */
static int copy_attributes(struct inode *to, const struct inode_attr *from)
{
	struct attr_change ch = {.mask = ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME,
				 .mode = from->mode,
				 .uid = from->uid,
				 .gid = from->gid,
				 .atime_ns = from->atime_ns,
				 .mtime_ns = from->mtime_ns};
	struct attr_change mode = {.mask = ATTR_MODE, .mode = from->mode};
	int err = to->ops->setattr ? to->ops->setattr(to, &ch) : -EPERM;

	/* after the owner, whose change takes set-id bits away */
	return err || mode_is_lnk(from->mode) ? err : to->ops->setattr(to, &mode);
}

static bool is_overlays(const char *name)
{
	return !strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13);
}

static int copy_one_xattr(struct inode *to, struct inode *from, const char *name)
{
	s64 n = from->ops->getxattr(from, name, NULL, 0);
	auto_cleanup(kfreep) char *value = NULL;
	int err;

	if (n < 0)
		return n == -ENODATA ? 0 : (int)n;
	value = kmalloc((size_t)n + 1);
	if (!value)
		return -ENOMEM;
	n = from->ops->getxattr(from, name, value, (size_t)n + 1);
	if (n < 0)
		return (int)n;
	err = to->ops->setxattr ? to->ops->setxattr(to, name, value, (size_t)n, 0) : -EOPNOTSUPP;
	return err == -EOPNOTSUPP ? 0 : err; /* the upper tree does not keep such names */
}

static int copy_xattrs(struct inode *to, struct inode *from)
{
	auto_cleanup(kfreep) char *list = NULL;
	s64 n = from->ops->listxattr ? from->ops->listxattr(from, NULL, 0) : 0;
	int err = 0;

	if (n <= 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	list = kmalloc((size_t)n);
	if (!list)
		return -ENOMEM;
	n = from->ops->listxattr(from, list, (size_t)n);
	for (s64 at = 0; at < n && !err; at += (s64)strnlen(list + at, (size_t)(n - at)) + 1)
		if (!is_overlays(list + at))
			err = copy_one_xattr(to, from, list + at);
	return n < 0 ? (int)n : err;
}

static int copy_data(struct path *from, struct path *to)
{
	auto_cleanup(filep_put) struct file *in = NULL, *out = NULL;
	auto_cleanup(kfreep) char *buf = kmalloc(COPY_CHUNK);
	u64 pos = 0;
	int err = buf ? real_open(from, O_RDONLY, &in) : -ENOMEM;

	if (!err)
		err = real_open(to, O_WRONLY, &out);
	while (!err) {
		u64 at = pos;
		s64 n = file_read_kernel(in, buf, COPY_CHUNK, pos), put;
		if (n <= 0)
			return (int)n;
		while (at < pos + (u64)n && !err) {
			put = file_write_kernel(out, buf + (at - pos), (size_t)(pos + (u64)n - at), &at);
			err = put < 0 ? (int)put : put == 0 ? -ENOSPC : 0;
		}
		pos += (u64)n;
		if ((u64)n == COPY_CHUNK)
			sched_yield_now();
	}
	return err;
}

/* Remembers the number under which the file was known. */
static void note_origin(struct inode *inode, struct inode *to)
{
	char name[64];

	snprintf(name, sizeof(name), "%sorigin", ovl_of(inode->sb)->xattr);
	if (to->ops->setxattr && (mode_is_reg(to->attr.mode) || mode_is_dir(to->attr.mode)) &&
	    to->ops->setxattr(to, name, &oi(inode)->ino, sizeof(u64), 0))
		klog(LOG_WARN, "overlay: a file's number could not be kept");
}

static int finish(struct inode *inode, struct path *from, struct path *to)
{
	struct inode *source = from->dentry->inode, *copy = to->dentry->inode;
	int err = copy_xattrs(copy, source);

	if (!err && !mode_is_lnk(source->attr.mode))
		note_origin(inode, copy);
	return err ? err : copy_attributes(copy, &source->attr);
}

/* An unnamed regular file in the upper tree with what `from` has. Its path in *to. */
static int copy_to_unnamed(struct inode *inode, struct path *from, struct path *dir, bool data,
			   struct path *to)
{
	struct inode *parent = dir->dentry->inode, *copy;
	struct dentry *d;
	int err;

	if (!parent->ops->tmpfile)
		return -EOPNOTSUPP;
	err = parent->ops->tmpfile(parent, LINUX_S_IFREG | 0600, &copy);
	if (err)
		return err;
	d = dentry_new(dir->dentry, dir->dentry->sb, "#copy", 5);
	if (!d) {
		inode_put(copy);
		return -ENOMEM;
	}
	d->inode = copy;
	d->unhashed = true;
	*to = (struct path){mount_get(dir->mnt), d};
	if (data && from->dentry->inode->attr.size)
		err = copy_data(from, to);
	if (!err)
		err = finish(inode, from, to);
	if (err)
		path_put(to);
	return err;
}

int ovl_link_upper(struct inode *inode, const struct path *dir, const char *name)
{
	struct path from = oi(inode)->upper, to = *dir, unnamed;
	int err = real_link(dir, name, from.dentry->inode);

	/* a host gives no new name to a file that has lost its last one, but ours may have others, in the
	 * lower tree: its content goes to a new file */
	if (err != -ENOENT || from.dentry->inode->attr.nlink || !mode_is_reg(inode->attr.mode))
		return err;
	path_get(&from);
	err = copy_to_unnamed(inode, &from, &to, true, &unnamed);
	if (!err) {
		err = real_link(dir, name, unnamed.dentry->inode);
		if (!err)
			ovl_set_upper(inode, &unnamed);
		path_put(&unnamed);
	}
	path_put(&from);
	return err;
}

static int copy_regular(struct inode *inode, struct path *from, struct path *dir, const char *name, bool data)
{
	struct path unnamed, named;
	int err = copy_to_unnamed(inode, from, dir, data, &unnamed);

	if (err)
		return err;
	if (!name) { /* its last name is gone: it needs none */
		ovl_set_upper(inode, &unnamed);
		path_put(&unnamed);
		return 0;
	}
	err = real_link(dir, name, unnamed.dentry->inode);
	path_put(&unnamed);
	if (!err)
		err = real_lookup(dir, name, strlen(name), &named);
	if (!err) {
		ovl_set_upper(inode, &named);
		path_put(&named);
	}
	return err;
}

static int copy_other(struct inode *inode, struct path *from, struct path *dir, const char *name)
{
	struct inode *source = from->dentry->inode;
	auto_cleanup(kfreep) char *target = NULL;
	struct path to;
	int err = 0;

	if (!name)
		return -ESTALE;
	if (mode_is_lnk(source->attr.mode))
		err = source->ops->readlink ? source->ops->readlink(source, &target) : -EINVAL;
	if (!err)
		err = real_make(dir, name, source->attr.mode, source->attr.rdev, target, &to);
	if (err)
		return err;
	err = finish(inode, from, &to);
	if (err)
		(void)!real_remove(dir, name);
	else
		ovl_set_upper(inode, &to);
	path_put(&to);
	return err;
}

/* One object whose directory is in the upper tree. */
static int copy_one(struct inode *inode, struct inode *dir, const char *name, bool data)
{
	struct ovl *o = ovl_of(inode->sb);
	struct path from = oi(inode)->lower[0];
	struct path up = dir ? oi(dir)->upper : o->upper;
	int err;

	path_get(&from);
	path_get(&up);
	if (mode_is_reg(inode->attr.mode))
		err = copy_regular(inode, &from, &up, name, data);
	else
		err = copy_other(inode, &from, &up, name);
	path_put(&up);
	path_put(&from);
	return err;
}

static void lock_copies(struct ovl *o)
{
	if (o->copying)
		wait_event_uninterruptible(&o->copied, !o->copying);
	o->copying = true;
}

static void unlock_copies(struct ovl *o)
{
	o->copying = false;
	wake_up_all(&o->copied, 0);
}

/* The way down to `d`, from the first directory that is not in the upper tree yet. */
static int copy_way(struct dentry *d, bool data)
{
	int err = 0;

	while (!err && !oi(d->inode)->upper.mnt) {
		struct dentry *at = d;
		while (at->parent != at && !oi(at->parent->inode)->upper.mnt)
			at = at->parent;
		dentry_get(at);
		if (at->parent == at)
			err = -EROFS; /* the root always has its upper, if there is one */
		else
			err = copy_one(at->inode, at->parent->inode, at->name, at != d || data);
		dentry_put(at);
	}
	return err;
}

int ovl_copy_up(struct inode *inode, bool data)
{
	struct ovl *o = ovl_of(inode->sb);
	struct dentry *d;
	int err = 0;

	if (oi(inode)->upper.mnt)
		return 0;
	if (!o->upper.mnt)
		return -EROFS;
	lock_copies(o);
	d = oi(inode)->alias;
	if (oi(inode)->upper.mnt) {
		err = 0;
	} else if (d && !d->unhashed) {
		dentry_get(d);
		err = copy_way(d, data);
		dentry_put(d);
	} else {
		err = copy_one(inode, NULL, NULL, data);
	}
	unlock_copies(o);
	return err;
}

int ovl_copy_up_dir(struct inode *dir)
{
	return dir->dead ? -ENOENT : ovl_copy_up(dir, true);
}
