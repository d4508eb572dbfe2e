/*
 * flags.c - the ioctls on any file: flags of chattr(1) (FS_IOC_GETFLAGS and its relatives), where the file
 * system keeps them (SB_INODE_FLAGS).
 */
#include <errno.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/vfs/vfs_priv.h"

#define FS_IOC_GETFLAGS_   0x80086601U
#define FS_IOC_SETFLAGS_   0x40086602U
#define FS_IOC_FSGETXATTR_ 0x801c581fU
#define FS_IOC_FSSETXATTR_ 0x401c5820U

static const struct {
	u32 inode, fs, xflag;
} bits[] = {
    {INODE_IMMUTABLE, 0x10, 0x08},
    {INODE_APPEND, 0x20, 0x10},
    {INODE_NOATIME, 0x80, 0x40},
    {INODE_NODUMP, 0x40, 0x80},
};

struct linux_fsxattr {
	u32 xflags, extsize, nextents, projid, cowextsize;
	u8 pad[8];
};
static_assert(sizeof(struct linux_fsxattr) == 28, "struct fsxattr");

static s64 set_flags(struct file *f, u32 flags)
{
	struct inode *inode = f->inode;
	u32 changed = flags ^ inode->flags;

	if (mount_want_write(f->path.mnt))
		return -EROFS;
	if (!inode_owner_or_capable(inode))
		return -EPERM;
	if ((changed & (INODE_IMMUTABLE | INODE_APPEND)) && !capable(9 /* CAP_LINUX_IMMUTABLE */))
		return -EPERM;
	inode->flags = flags;
	inode_touch_ctime(inode);
	vfs_notify(&f->path, LINUX_IN_ATTRIB);
	return 0;
}

static s64 get_or_set(struct file *f, u32 cmd, u64 arg)
{
	u32 flags = 0, fs = 0, x = 0, known = 0;
	struct linux_fsxattr fx = {0};

	for (u32 i = 0; i < ARRAY_COUNT(bits); i++) {
		fs |= f->inode->flags & bits[i].inode ? bits[i].fs : 0;
		x |= f->inode->flags & bits[i].inode ? bits[i].xflag : 0;
		known |= cmd == FS_IOC_SETFLAGS_ ? bits[i].fs : bits[i].xflag;
	}
	if (cmd == FS_IOC_GETFLAGS_)
		return put_user(&fs, uaddr(arg));
	if (cmd == FS_IOC_FSGETXATTR_) {
		fx.xflags = x;
		return put_user(&fx, uaddr(arg));
	}
	if (cmd == FS_IOC_SETFLAGS_ ? get_user(&x, uaddr(arg)) : get_user(&fx, uaddr(arg)))
		return -EFAULT;
	if (cmd == FS_IOC_FSSETXATTR_)
		x = fx.xflags;
	if (x & ~known)
		return -EOPNOTSUPP;
	for (u32 i = 0; i < ARRAY_COUNT(bits); i++)
		flags |= x & (cmd == FS_IOC_SETFLAGS_ ? bits[i].fs : bits[i].xflag) ? bits[i].inode : 0;
	return set_flags(f, flags);
}

s64 vfs_ioctl(struct file *f, u32 cmd, u64 arg)
{
	if (cmd != FS_IOC_GETFLAGS_ && cmd != FS_IOC_SETFLAGS_ && cmd != FS_IOC_FSGETXATTR_ &&
	    cmd != FS_IOC_FSSETXATTR_)
		return -ENOTTY;
	if (!(f->inode->sb->flags & SB_INODE_FLAGS))
		return -ENOTTY;
	return get_or_set(f, cmd, arg);
}
