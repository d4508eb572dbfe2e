/*
 * attr.c - permissions, and reading and changing the attributes of inodes: the rules of chmod(2), chown(2),
 * utimensat(2), truncate(2), access(2) and credentials(7), independent of any file system.
 */
#include <errno.h>

#include "sandbox/vfs/vfs_priv.h"

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

int inode_permission(struct inode *inode, const struct mount *mnt, u32 mask)
{
	const struct cred *c = actor();
	u32 mode = inode->attr.mode, bits = mode;
	bool dir = mode_is_dir(mode);

	if ((mask & 2) && mnt && (mode_is_reg(mode) || dir || mode_is_lnk(mode)) && mount_want_write(mnt))
		return -EROFS;
	if (!c)
		return 0;
	if (c->fsuid == inode->attr.uid)
		bits >>= 6;
	else if (cred_in_group(c, inode->attr.gid))
		bits >>= 3;
	if (!(mask & ~bits & 7))
		return 0;
	if (cred_over(c, inode, CAP_DAC_OVERRIDE) && (dir || !(mask & 1) || (mode & 0111)))
		return 0;
	if (cred_over(c, inode, CAP_DAC_READ_SEARCH) && !(mask & 2) && (dir || !(mask & 1)))
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
	if ((dir->attr.mode & LINUX_S_ISVTX) && c && c->fsuid != victim->inode->attr.uid &&
	    c->fsuid != dir->attr.uid && !cred_over(c, victim->inode, CAP_FOWNER))
		return -EPERM;
	if (is_dir && !victim_dir)
		return -ENOTDIR;
	if (!is_dir && victim_dir)
		return -EISDIR;
	return victim->mount_count ? -EBUSY : 0;
}

u32 new_mode(const struct inode *dir, u32 mode)
{
	struct task *t = current_task();

	if (t)
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

int vfs_setattr(struct path *path, const struct attr_change *change)
{
	struct inode *inode = path->dentry->inode;
	struct attr_change ch = *change;
	int err = mount_want_write(path->mnt);

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
	err = inode->ops->setattr(inode, &ch);
	if (!err)
		vfs_notify(path->dentry, 4 /* IN_ATTRIB */);
	return err;
}

int vfs_truncate(struct path *path, u64 size)
{
	struct inode *inode = path->dentry->inode;
	struct attr_change ch = {.mask = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size};
	struct task *t = current_task();
	u32 mode = inode->attr.mode;

	if (mode_is_dir(mode))
		return -EISDIR;
	if (!mode_is_reg(mode) || !inode->ops->setattr)
		return -EINVAL;
	if (t && size > inode->attr.size && size > task_rlimit(t, 1 /* RLIMIT_FSIZE */)) {
		(void)send_signal_task(t, LINUX_SIGXFSZ, NULL);
		return -EFBIG;
	}
	if ((mode & LINUX_S_ISUID || (mode & (LINUX_S_ISGID | 010)) == (LINUX_S_ISGID | 010)) &&
	    !capable(CAP_FSETID)) {
		ch.mask |= ATTR_MODE;
		ch.mode = mode & ~(u32)(LINUX_S_ISUID | (mode & 010 ? LINUX_S_ISGID : 0));
	}
	ch.mtime_ns = ch.ctime_ns = time_now_ns();
	return inode->ops->setattr(inode, &ch);
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
