/*
 * open.c - open(2): finding or creating the object, checking that it may be opened so, and making the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/abi/fanotify.h"
#include "sandbox/fs/pipefs/pipe.h"
#include "sandbox/vfs/lease.h"
#include "sandbox/vfs/vfs_priv.h"
#include "sandbox/vfs/xattr.h"

#define O_TMPFILE_BIT 020000000

static u32 open_mask(u32 o_flags)
{
	static const u32 masks[4] = {4, 2, 6, 6};
	u32 mask = masks[o_flags & O_ACCMODE];

	return o_flags & O_TRUNC ? mask | 2 : mask;
}

/* May an existing object be opened this way? */
static int may_open(struct path *p, u32 o_flags, bool created)
{
	struct inode *inode = p->dentry->inode;
	u32 type = mode_type(inode->attr.mode), mask = open_mask(o_flags);
	int err;

	if (type == LINUX_S_IFLNK)
		return -ELOOP;
	if (type == LINUX_S_IFSOCK)
		return -ENXIO;
	if (type == LINUX_S_IFDIR && (mask & 2))
		return -EISDIR;
	if ((type == LINUX_S_IFCHR || type == LINUX_S_IFBLK) &&
	    ((p->mnt->flags & MNT_NODEV) || (p->mnt->sb->flags & SB_NODEV)))
		return -EACCES;
	if (created)
		return 0;
	err = inode_permission(inode, p->mnt, mask);
	if (err)
		return err;
	if ((inode->flags & INODE_APPEND) && (mask & 2) && (!(o_flags & O_APPEND) || (o_flags & O_TRUNC)))
		return -EPERM;
	if ((o_flags & 01000000 /* O_NOATIME */) && !inode_owner_or_capable(inode))
		return -EPERM;
	if ((mask & 2) && type == LINUX_S_IFREG && inode->exec_count)
		return -ETXTBSY;
	return 0;
}

static int open_inode(struct file *f)
{
	struct inode *inode = f->inode;
	u32 type = mode_type(inode->attr.mode);
	bool own_open = inode->ops && inode->ops->open, anonymous = inode->sb == vfs()->anon->sb;
	int err = 0;

	/* by /proc/PID/fd: a pipe opens once more, a standard stream as it can, eventfd and the like not at
	 * all */
	if (anonymous && !own_open && type != LINUX_S_IFIFO)
		return -ENXIO;
	if (type == LINUX_S_IFIFO && !(anonymous && own_open))
		return fifo_open(inode, f);
	if (own_open) {
		err = inode->ops->open(inode, f);
	} else if (type == LINUX_S_IFCHR) {
		f->ops = chrdev_ops(inode->attr.rdev);
		if (!f->ops)
			return -ENXIO;
		if (f->ops->open)
			err = f->ops->open(f);
	} else if (type == LINUX_S_IFBLK) {
		return -ENXIO;
	}
	if (!err && !f->ops) { /* as Linux for what cannot be opened, a socket's name among it */
		klog(LOG_DEBUG, "open: nothing to open in an object of mode %o", inode->attr.mode);
		return -ENXIO;
	}
	return err;
}

/* The path is checked; makes the file and lets the file system open it. `event`: what is told; 0: nothing,
 * now and later. */
static int do_open(struct path *p, u32 o_flags, bool created, u32 event, struct file **out)
{
	struct inode *inode = p->dentry->inode;
	struct file *f;
	int err;

	if (inode->leases && !(o_flags & O_PATH)) {
		err = lease_break(inode, o_flags);
		if (err)
			return err;
	}
	f = file_new(p, inode, inode->file_ops, o_flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC));
	if (!f)
		return -ENOMEM;
	if (!(o_flags & O_PATH)) {
		f->open_flags = o_flags;
		err = open_inode(f);
		if (err)
			f->ops = NULL; /* was not opened: release must not undo it */
		else if (event)
			vfs_notify(p, event);
		else
			f->mode |= FMODE_NONOTIFY;
		/* files of /proc and /sys have nothing to cut: `echo 1 > /proc/sys/…` just opens them */
		if (!err && (o_flags & O_TRUNC) && !created && mode_is_reg(inode->attr.mode) &&
		    inode->ops->setattr)
			err = vfs_truncate(p, 0);
		if (err) {
			file_put(f);
			return err;
		}
		if (f->mode & FMODE_WRITE && mode_is_reg(inode->attr.mode)) {
			inode->write_count++;
			p->mnt->writers++;
			p->mnt->sb->writers++;
			f->counted_write = true;
		} else if (mode_is_reg(inode->attr.mode)) {
			inode->read_count++;
			f->counted_read = true;
		}
	}
	*out = f;
	return 0;
}

int vfs_open_path(struct path *p, u32 o_flags, struct file **out)
{
	int err = 0;

	if (!p->dentry->inode)
		return -ENOENT;
	if (!(o_flags & O_PATH))
		err = may_open(p, o_flags, false);
	if (!err && (o_flags & O_DIRECTORY) && !mode_is_dir(p->dentry->inode->attr.mode))
		err = -ENOTDIR;
	return err ? err : do_open(p, o_flags, false, LINUX_IN_OPEN, out);
}

int vfs_open_path_as_kernel(struct path *p, u32 o_flags, struct file **out)
{
	return p->dentry->inode ? do_open(p, o_flags, false, LINUX_IN_OPEN, out) : -ENOENT;
}

int vfs_open_path_quietly(struct path *p, u32 o_flags, struct file **out)
{
	return p->dentry->inode ? do_open(p, o_flags, false, 0, out) : -ENOENT;
}

static int open_existing(int dirfd, const char *name, u32 o_flags, u32 walk_flags, struct file **out)
{
	struct path p = {0};
	int err;

	if (!(o_flags & O_NOFOLLOW))
		walk_flags |= WALK_FOLLOW;
	if (o_flags & O_DIRECTORY)
		walk_flags |= WALK_DIRECTORY;
	if ((o_flags & (O_ACCMODE | O_PATH)) == O_RDONLY)
		walk_flags |= WALK_OPEN;
	err = path_lookup(dirfd, name, walk_flags, &p);
	if (err)
		return err;
	err = vfs_open_path(&p, o_flags, out);
	path_put(&p);
	return err;
}

static int open_tmpfile(int dirfd, const char *name, u32 o_flags, u32 mode, u32 walk_flags, struct file **out)
{
	struct path p = {0}, file_path = {0};
	struct inode *inode = NULL;
	struct dentry *d = NULL;
	int err;

	if (!(open_mask(o_flags) & 2))
		return -EINVAL;
	err = path_lookup(dirfd, name, walk_flags | WALK_FOLLOW | WALK_DIRECTORY, &p);
	if (err)
		return err;
	err = may_create(p.dentry->inode, p.mnt);
	if (!err && !p.dentry->inode->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (!err)
		err = p.dentry->inode->ops->tmpfile(
		    p.dentry->inode, mode = new_mode(p.dentry->inode, LINUX_S_IFREG | (mode & 07777)),
		    &inode);
	if (!err && (p.mnt->sb->flags & SB_POSIXACL)) {
		err = acl_inherit(p.dentry->inode, inode, mode);
		if (err)
			inode_put(inode);
	}
	if (!err) {
		char tmp[32];
		snprintf(tmp, sizeof(tmp), "#%lu", (unsigned long)inode->attr.ino);
		d = dentry_new(p.dentry, p.dentry->sb, tmp, strlen(tmp));
		if (!d) {
			inode_put(inode);
			err = -ENOMEM;
		}
	}
	if (!err) {
		d->inode = inode;
		d->unhashed = true;
		inode->linkable = !(o_flags & O_EXCL);
		path_set(&file_path, p.mnt, d);
		err = do_open(&file_path, o_flags & ~(u32)(O_TMPFILE_BIT | O_DIRECTORY), true, LINUX_IN_OPEN,
			      out);
		path_put(&file_path);
		dentry_put(d);
	}
	path_put(&p);
	return err;
}

static int create_file(struct inode *dir, struct dentry *d, u32 mode)
{
	int err;

	mode = new_mode(dir, LINUX_S_IFREG | (mode & 07777));
	err = dir->ops->create(dir, d, mode);
	if (!err && (dir->sb->flags & SB_POSIXACL))
		err = acl_inherit(dir, d->inode, mode);
	return err;
}

/* The last component of an O_CREAT open: 0 with *d positive (exists or created); *created says which. */
static int create_last(struct path *dir, const char *last, u32 o_flags, u32 mode, struct dentry **d,
		       bool *created)
{
	struct inode *inode = dir->dentry->inode;
	int err = inode_permission(inode, dir->mnt, 1);

	*created = false;
	for (int tries = 0; !err && tries < 8; tries++) {
		err = dentry_lookup(dir, last, strlen(last), d);
		if (err)
			return err;
		if ((*d)->inode)
			return 0;
		err = may_create(inode, dir->mnt);
		if (!err && !inode->ops->create)
			err = -EACCES;
		if (!err)
			err = inode_lock_killable(inode);
		if (!err) {
			if (inode->dead) /* removed while we waited: nobody could reach what is made */
				err = -ENOENT;
			else if ((*d)->inode || (*d)->unhashed) /* somebody was faster */
				err = -EEXIST;
			else {
				(*d)->want_open = true;
				err = create_file(inode, *d, mode);
				(*d)->want_open = false;
			}
			inode_unlock(inode);
		}
		if (!err) {
			*created = true;
			vfs_notify_entry(inode, LINUX_IN_CREATE, 0, (*d)->name, (*d)->name_len,
					 (*d)->inode->attr.ino);
			return 0;
		}
		if (err == -EEXIST && !(*d)->inode && !(*d)->unhashed)
			dentry_unhash(*d); /* a stale negative: the file system knows better */
		dentry_put(*d);
		*d = NULL;
		if (err == -EEXIST)
			err = 0;
	}
	return err ? err : -EEXIST;
}

/* /proc/sys/fs/protected_regular, protected_fifos: in a sticky directory that others may write, O_CREAT does
 * not open what somebody else has put there. */
static int may_create_in_sticky(const struct inode *dir, const struct inode *inode)
{
	const struct task *t = current_task();
	u32 type = mode_type(inode->attr.mode);
	u64 level = type == LINUX_S_IFREG   ? sysctl(SYSCTL_PROTECTED_REGULAR)
		    : type == LINUX_S_IFIFO ? sysctl(SYSCTL_PROTECTED_FIFOS)
					    : 0;

	if (!level || !t || !(dir->attr.mode & LINUX_S_ISVTX) || inode->attr.uid == dir->attr.uid ||
	    inode->attr.uid == t->cred->fsuid)
		return 0;
	return dir->attr.mode & 2 || (level >= 2 && dir->attr.mode & 020) ? -EACCES : 0;
}

static int open_create(int dirfd, const char *name, u32 o_flags, u32 mode, u32 walk_flags, struct file **out)
{
	struct path at = {0}, root;
	struct dentry *d = NULL;
	struct walk w;
	bool created = false;
	int err;

	if (!*name)
		return -ENOENT;
	err = walk_begin(&w, dirfd, name, walk_flags);
	if (err)
		return err;
	w.parent_only = true;
	root = w.root;
	path_get(&root);
	err = walk_path(&w, name);
	while (!err) {
		if (w.trailing_slash || !strcmp(w.last, ".") || !strcmp(w.last, "..")) {
			err = -EISDIR;
			break;
		}
		err = create_last(&w.cur, w.last, o_flags, mode, &d, &created);
		if (err)
			break;
		if (!created && (o_flags & O_EXCL)) {
			err = -EEXIST;
			break;
		}
		if (!mode_is_lnk(d->inode->attr.mode) || (o_flags & O_NOFOLLOW))
			break;
		kfree(w.last);
		w.last = NULL;
		w.trailing_slash = false;
		err = walk_follow(&w, d, true);
		dentry_put(d);
		d = NULL;
		if (!err && !w.last) /* a magic link, or a link to "/" */
			break;
	}
	if (!err) {
		path_set(&at, w.cur.mnt, d ? d : w.cur.dentry);
		path_cross_down(&at);
		err = created ? may_open(&at, o_flags, true)
		      : d     ? may_create_in_sticky(w.cur.dentry->inode, at.dentry->inode)
			      : 0;
		if (!err)
			err = created ? do_open(&at, o_flags, true, LINUX_IN_OPEN, out)
			      : mode_is_dir(at.dentry->inode->attr.mode) ? -EISDIR
									 : vfs_open_path(&at, o_flags, out);
		path_put(&at);
	}
	dentry_put(d);
	kfree(w.last);
	path_put(&w.cur);
	path_put(&root);
	return err;
}

int vfs_open(int dirfd, const char *name, u32 o_flags, u32 mode, u32 walk_flags, struct file **out)
{
	if (o_flags & O_PATH)
		o_flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	else if (o_flags & O_TMPFILE_BIT)
		return (o_flags & (O_DIRECTORY | O_CREAT)) == O_DIRECTORY
			   ? open_tmpfile(dirfd, name, o_flags, mode, walk_flags, out)
			   : -EINVAL;
	if ((o_flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (o_flags & O_CREAT)
		return open_create(dirfd, name, o_flags, mode, walk_flags, out);
	return open_existing(dirfd, name, o_flags, walk_flags, out);
}

int vfs_open_exec(int dirfd, const char *name, int at_flags, struct file **out)
{
	u32 walk = (at_flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0) |
		   (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | WALK_OPEN;
	struct path p = {0};
	struct inode *inode;
	int err = path_lookup(dirfd, name, walk, &p);

	if (err)
		return err;
	inode = p.dentry->inode;
	if (mode_is_lnk(inode->attr.mode))
		err = -ELOOP;
	else if (!mode_is_reg(inode->attr.mode) || (p.mnt->flags & MNT_NOEXEC))
		err = -EACCES;
	else
		err = inode_permission(inode, p.mnt, 1);
	if (!err && inode->write_count)
		err = -ETXTBSY;
	if (!err)
		err = do_open(&p, O_RDONLY, true, LINUX_IN_OPEN | LINUX_FAN_OPEN_EXEC, out);
	path_put(&p);
	return err;
}
