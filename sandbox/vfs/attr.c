/*
 * attr.c - permissions, and reading and changing the attributes of inodes: the rules of chmod(2), chown(2),
 * utimensat(2), truncate(2), access(2) and credentials(7), independent of any file system.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/vfs/lease.h"
#include "sandbox/vfs/vfs_priv.h"
#include "sandbox/vfs/xattr.h"

#define CAP_CHOWN           0
#define CAP_DAC_OVERRIDE    1
#define CAP_DAC_READ_SEARCH 2
#define CAP_FOWNER          3
#define CAP_FSETID          4

/* The credentials that count: NULL means the kernel itself, which may do anything. */
static const struct cred *actor(void)
{
	struct task *t = current_task();

	return t ? t->cred : NULL;
}

static bool cred_over(const struct cred *c, const struct inode *inode, int cap)
{
	return cred_capable_over(c, inode->attr.uid, inode->attr.gid, cap);
}

int mount_want_write(const struct mount *m)
{
	if ((m->flags & MNT_READONLY) || (m->sb->flags & SB_READONLY))
		return -EROFS;
	return 0;
}

/* Capabilities stand above the bits, but nobody executes what nobody may. */
static bool privileged(const struct cred *c, const struct inode *inode, u32 mask)
{
	u32 mode = inode->attr.mode;
	bool dir = mode_is_dir(mode);

	if (cred_over(c, inode, CAP_DAC_OVERRIDE) && (dir || !(mask & 1) || (mode & 0111)))
		return true;
	return cred_over(c, inode, CAP_DAC_READ_SEARCH) && !(mask & 2) && (dir || !(mask & 1));
}

int inode_permission(struct inode *inode, const struct mount *mnt, u32 mask)
{
	const struct cred *c = actor();
	u32 mode, bits;
	bool dir;
	int fresh = inode->sb->flags & SB_FRESH_PERMISSIONS ? inode->ops->getattr(inode, 0) : 0;

	if (fresh)
		return fresh;
	mode = bits = inode->attr.mode;
	dir = mode_is_dir(mode);

	if ((mask & 2) && mnt && (mode_is_reg(mode) || dir || mode_is_lnk(mode)) && mount_want_write(mnt))
		return -EROFS;
	if ((mask & 2) && (inode->flags & INODE_IMMUTABLE))
		return -EPERM;
	if (!c)
		return 0;
	if (inode->sb->flags & SB_SERVER_PERMISSIONS)
		return (mask & 1) && mode_is_reg(mode) && !(mode & 0111) ? -EACCES : 0;
	if (c->fsuid == inode->attr.uid) {
		bits >>= 6;
	} else if ((inode->sb->flags & SB_POSIXACL) && (mode & 070) && !privileged(c, inode, mask)) {
		int err = acl_permission(inode, mask & 7);
		if (err != -EAGAIN)
			return err;
		if (cred_in_group(c, inode->attr.gid))
			bits >>= 3;
	} else if (cred_in_group(c, inode->attr.gid)) {
		bits >>= 3;
	}
	if (!(mask & ~bits & 7) || privileged(c, inode, mask))
		return 0;
	return -EACCES;
}

bool inode_owner_or_capable(const struct inode *inode)
{
	const struct cred *c = actor();

	return !c || c->fsuid == inode->attr.uid || cred_over(c, inode, CAP_FOWNER);
}

int may_create(struct inode *dir, const struct mount *m)
{
	if (dir->dead)
		return -ENOENT;
	return inode_permission(dir, m, 2 | 1);
}

int may_delete(struct inode *dir, const struct mount *m, const struct dentry *victim, bool is_dir)
{
	const struct cred *c = actor();
	int err = inode_permission(dir, m, 2 | 1);
	bool victim_dir = mode_is_dir(victim->inode->attr.mode);

	if (err)
		return err;
	if ((dir->flags & INODE_APPEND) || (victim->inode->flags & (INODE_APPEND | INODE_IMMUTABLE)))
		return -EPERM;
	if ((dir->attr.mode & LINUX_S_ISVTX) && c && c->fsuid != victim->inode->attr.uid &&
	    c->fsuid != dir->attr.uid && !cred_over(c, victim->inode, CAP_FOWNER))
		return -EPERM;
	if (is_dir && !victim_dir)
		return -ENOTDIR;
	if (!is_dir && victim_dir)
		return -EISDIR;
	return mount_here(victim) ? -EBUSY : 0;
}

u32 new_mode(struct inode *dir, u32 mode)
{
	struct task *t = current_task();

	if (t && !(dir->sb->flags & SB_NO_UMASK) && !((dir->sb->flags & SB_POSIXACL) && acl_has_default(dir)))
		mode &= ~(t->fs->umask & 0777);
	if (mode_is_dir(mode) && (dir->attr.mode & LINUX_S_ISGID))
		mode |= LINUX_S_ISGID;
	return mode;
}

void inode_init_owner(struct inode *inode, const struct inode *dir)
{
	if (dir->attr.mode & LINUX_S_ISGID)
		inode->attr.gid = dir->attr.gid;
}

int vfs_getattr(struct path *path, u32 mask, struct inode_attr *out)
{
	struct inode *inode = path->dentry->inode;
	int err = 0;

	if (!inode)
		return -ENOENT;
	if (inode->ops && inode->ops->getattr)
		err = inode->ops->getattr(inode, mask);
	*out = inode->attr;
	return err;
}

static int may_chmod(const struct inode *inode, struct attr_change *ch)
{
	const struct cred *c = actor();

	if (!inode_owner_or_capable(inode))
		return -EPERM;
	if (mode_is_lnk(inode->attr.mode))
		return -EOPNOTSUPP;
	ch->mode = mode_type(inode->attr.mode) | (ch->mode & 07777);
	if (c && !cred_in_group(c, ch->mask & ATTR_GID ? ch->gid : inode->attr.gid) &&
	    !cred_over(c, inode, CAP_FSETID))
		ch->mode &= ~(u32)LINUX_S_ISGID;
	return 0;
}

static int may_chown(const struct inode *inode, struct attr_change *ch)
{
	const struct cred *c = actor();
	u32 mode = inode->attr.mode;

	if (c && !cred_over(c, inode, CAP_CHOWN)) {
		if ((ch->mask & ATTR_UID) && (c->fsuid != inode->attr.uid || ch->uid != inode->attr.uid))
			return -EPERM;
		if ((ch->mask & ATTR_GID) && (c->fsuid != inode->attr.uid ||
					      (ch->gid != inode->attr.gid && !cred_in_group(c, ch->gid))))
			return -EPERM;
	}
	/* a change of owner takes the set-id bits of a program away */
	if (!mode_is_dir(mode) && (mode & (LINUX_S_ISUID | LINUX_S_ISGID)) && !(ch->mask & ATTR_MODE)) {
		ch->mask |= ATTR_MODE;
		ch->mode = mode & ~(u32)LINUX_S_ISUID;
		if (mode & 010)
			ch->mode &= ~(u32)LINUX_S_ISGID;
	}
	return 0;
}

/* What inotify calls a change: setting one time looks like the access or the write that would have. */
static u32 change_event(u32 mask)
{
	u32 event = mask & (ATTR_MODE | ATTR_UID | ATTR_GID) ? LINUX_IN_ATTRIB : 0;

	if ((mask & (ATTR_ATIME | ATTR_MTIME)) == (ATTR_ATIME | ATTR_MTIME))
		return event | LINUX_IN_ATTRIB;
	return event | (mask & ATTR_ATIME ? LINUX_IN_ACCESS : 0) | (mask & ATTR_MTIME ? LINUX_IN_MODIFY : 0);
}

/* The file system may ask elsewhere and sleep: a file's writers wait, so that its answer is not out of date.
 */
static int change_inode(struct inode *inode, const struct attr_change *ch)
{
	bool file = mode_is_reg(inode->attr.mode);
	int err = file ? inode_lock_killable(inode) : 0;

	if (err)
		return err;
	err = inode->ops->setattr(inode, ch);
	if (file)
		inode_unlock(inode);
	return err;
}

int vfs_setattr(struct path *path, const struct attr_change *change)
{
	struct inode *inode = path->dentry->inode;
	struct attr_change ch = *change;
	int err = mount_want_write(path->mnt);

	if (!err && (inode->flags & (INODE_IMMUTABLE | INODE_APPEND)) &&
	    (ch.mask & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME)))
		err = -EPERM;
	if (!err && (ch.mask & ATTR_MODE))
		err = may_chmod(inode, &ch);
	if (!err && (ch.mask & (ATTR_UID | ATTR_GID)))
		err = may_chown(inode, &ch);
	if (err)
		return err;
	if (!inode->ops || !inode->ops->setattr)
		return -EPERM;
	ch.mask |= ATTR_CTIME;
	ch.ctime_ns = time_now_ns();
	err = change_inode(inode, &ch);
	if (!err && (ch.mask & ATTR_MODE) && (inode->sb->flags & SB_ACL_CHMOD))
		acl_forget(inode);
	else if (!err && (ch.mask & ATTR_MODE) && (inode->sb->flags & SB_POSIXACL))
		err = acl_chmod(inode, inode->attr.mode);
	if (!err)
		vfs_notify(path, change_event(change->mask));
	return err;
}

int vfs_truncate(struct path *path, u64 size)
{
	struct inode *inode = path->dentry->inode;
	struct attr_change ch = {.mask = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size};
	struct task *t = current_task();
	u32 mode = inode->attr.mode;
	int err;

	if (mode_is_dir(mode))
		return -EISDIR;
	if (!mode_is_reg(mode))
		return -EINVAL;
	if (!inode->ops->setattr)
		return 0; /* a text made when it is read (proc, sysfs): it has no size, and Linux does not
			     mind */
	if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (t && size > inode->attr.size && size > task_rlimit(t, 1 /* RLIMIT_FSIZE */)) {
		(void)send_signal_task(t, LINUX_SIGXFSZ, NULL);
		return -EFBIG;
	}
	if ((mode & LINUX_S_ISUID || (mode & (LINUX_S_ISGID | 010)) == (LINUX_S_ISGID | 010)) &&
	    !capable(CAP_FSETID)) {
		ch.mask |= ATTR_MODE;
		ch.mode = mode & ~(u32)(LINUX_S_ISUID | (mode & 010 ? LINUX_S_ISGID : 0));
	}
	err = lease_break(inode, O_WRONLY);
	if (err)
		return err;
	ch.mtime_ns = ch.ctime_ns = time_now_ns();
	err = change_inode(inode, &ch);
	if (!err)
		vfs_notify(path, LINUX_IN_MODIFY);
	return err;
}

int vfs_fallocate(struct file *f, int mode, s64 offset, s64 size)
{
	const int keep = 1, punch = 2, collapse = 8, zero = 16, insert = 32, unshare = 64;
	struct inode *inode = f->inode;
	s64 end;
	int err;

	if (offset < 0 || size <= 0)
		return -EINVAL;
	if (mode & ~(keep | punch | collapse | zero | insert | unshare))
		return -EOPNOTSUPP;
	switch (mode & ~keep) {
	case 0:
	case 16:
	case 64:
		break;
	case 2:
		if (!(mode & keep))
			return -EOPNOTSUPP;
		break;
	case 8:
	case 32:
		if (mode & keep)
			return -EOPNOTSUPP;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((inode->flags & INODE_IMMUTABLE) || ((mode & ~keep) && (inode->flags & INODE_APPEND)))
		return -EPERM;
	if (mode_type(inode->attr.mode) == LINUX_S_IFIFO)
		return -ESPIPE;
	if (!mode_is_reg(inode->attr.mode))
		return -ENODEV;
	if (__builtin_add_overflow(offset, size, &end))
		return -EFBIG;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	if (!(mode & (keep | punch)) && (u64)end > inode->attr.size &&
	    (u64)end > task_rlimit(current_task(), 1 /* RLIMIT_FSIZE */)) {
		(void)send_signal_task(current_task(), LINUX_SIGXFSZ, NULL);
		return -EFBIG;
	}
	err = inode_lock_killable(inode);
	if (err)
		return err;
	err = f->ops->fallocate(f, mode, (u64)offset, (u64)size);
	inode_unlock(inode);
	if (!err)
		vfs_notify_file(f, LINUX_IN_MODIFY);
	return err;
}

void inode_apply_attr(struct inode *inode, const struct attr_change *ch)
{
	struct inode_attr *a = &inode->attr;

	if (ch->mask & ATTR_MODE)
		a->mode = mode_type(a->mode) | (ch->mode & 07777);
	if (ch->mask & ATTR_UID)
		a->uid = ch->uid;
	if (ch->mask & ATTR_GID)
		a->gid = ch->gid;
	if (ch->mask & ATTR_ATIME)
		a->atime_ns = ch->atime_ns;
	if (ch->mask & ATTR_MTIME)
		a->mtime_ns = ch->mtime_ns;
	if (ch->mask & ATTR_CTIME)
		a->ctime_ns = ch->ctime_ns;
}
