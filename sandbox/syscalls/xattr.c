/*
 * xattr.c - extended attributes (xattr(7)): user. and security. names as the file system keeps them, trusted.
 * for those with CAP_SYS_ADMIN.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define XATTR_NAME_SIZE 256
#define XATTR_MAX       65536U

/* What a call is about: by path (following or not) or by descriptor. */
enum by { BY_PATH, BY_LINK, BY_FD };

static int target(enum by by, u64 arg, struct path *out)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err;

	if (by == BY_FD) {
		auto_cleanup(filep_put) struct file *f = fd_get(arg_int(arg));
		if (!f)
			return -EBADF;
		*out = f->path;
		path_get(out);
		return 0;
	}
	err = copy_in_path(&name, uaddr(arg));
	return err ? err : path_lookup(AT_FDCWD, name, by == BY_PATH ? WALK_FOLLOW : 0, out);
}

static int name_in(char *name, u64 user)
{
	s64 n = copy_in_str(name, uaddr(user), XATTR_NAME_SIZE);

	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

/* Who may touch which name. */
static int allowed(const struct path *p, const char *name, bool write)
{
	struct inode *inode = p->dentry->inode;
	u32 mode = inode->attr.mode;

	if (write && ((p->mnt->flags & MNT_READONLY) || (p->mnt->sb->flags & SB_READONLY)))
		return -EROFS;
	if (!strncmp(name, "user.", 5)) {
		if (!mode_is_reg(mode) && !mode_is_dir(mode))
			return write ? -EPERM : -ENODATA;
		if (write && mode_is_dir(mode) && (mode & LINUX_S_ISVTX) && !inode_owner_or_capable(inode))
			return -EPERM;
		return inode_permission(inode, p->mnt, write ? 2 : 4);
	}
	if (!strncmp(name, "trusted.", 8))
		return capable(21 /* CAP_SYS_ADMIN */) ? 0 : write ? -EPERM : -ENODATA;
	if (!strncmp(name, "security.", 9))
		return write && !capable(21) ? -EPERM : 0;
	if (!strncmp(name, "system.", 7))
		return write && !inode_owner_or_capable(inode) ? -EPERM : 0;
	return -EOPNOTSUPP;
}

static s64 do_set(enum by by, const u64 *a)
{
	auto_cleanup(kfreep) char *value = NULL;
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err;

	if ((u32)a[4] & ~3U)
		return -EINVAL;
	if (a[3] > XATTR_MAX)
		return -E2BIG;
	err = name_in(name, a[1]);
	if (err)
		return err;
	value = kmalloc(a[3] + 1);
	if (!value)
		return -ENOMEM;
	if (a[3] && copy_in(value, uaddr(a[2]), a[3]))
		return -EFAULT;
	err = target(by, a[0], &p);
	if (err)
		return err;
	err = allowed(&p, name, true);
	if (!err)
		err = p.dentry->inode->ops && p.dentry->inode->ops->setxattr
			  ? p.dentry->inode->ops->setxattr(p.dentry->inode, name, value, a[3], arg_int(a[4]))
			  : -EOPNOTSUPP;
	path_put(&p);
	return err;
}

static s64 do_get(enum by by, const u64 *a)
{
	auto_cleanup(kfreep) char *value = NULL;
	u64 size = min_t(u64, a[3], XATTR_MAX);
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	s64 ret = name_in(name, a[1]);

	if (ret)
		return ret;
	value = kmalloc(size + 1);
	if (!value)
		return -ENOMEM;
	ret = target(by, a[0], &p);
	if (ret)
		return ret;
	ret = allowed(&p, name, false);
	if (!ret)
		ret = p.dentry->inode->ops && p.dentry->inode->ops->getxattr
			  ? p.dentry->inode->ops->getxattr(p.dentry->inode, name, value, size)
			  : -EOPNOTSUPP;
	path_put(&p);
	if (ret > 0 && a[3] && copy_out(uaddr(a[2]), value, (size_t)ret))
		return -EFAULT;
	return ret;
}

static s64 do_list(enum by by, const u64 *a)
{
	auto_cleanup(kfreep) char *list = NULL;
	u64 size = min_t(u64, a[2], XATTR_MAX);
	struct path p = {0};
	s64 ret;

	list = kmalloc(size + 1);
	if (!list)
		return -ENOMEM;
	ret = target(by, a[0], &p);
	if (ret)
		return ret;
	ret = p.dentry->inode->ops && p.dentry->inode->ops->listxattr
		  ? p.dentry->inode->ops->listxattr(p.dentry->inode, list, size)
		  : 0;
	path_put(&p);
	if (ret > 0 && a[2] && copy_out(uaddr(a[1]), list, (size_t)ret))
		return -EFAULT;
	return ret;
}

static s64 do_remove(enum by by, const u64 *a)
{
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err = name_in(name, a[1]);

	if (!err)
		err = target(by, a[0], &p);
	if (err)
		return err;
	err = allowed(&p, name, true);
	if (!err)
		err = p.dentry->inode->ops && p.dentry->inode->ops->removexattr
			  ? p.dentry->inode->ops->removexattr(p.dentry->inode, name)
			  : -EOPNOTSUPP;
	path_put(&p);
	return err;
}

s64 sys_setxattr(struct task *t, const u64 *a)
{
	return do_set(BY_PATH, a);
}

s64 sys_lsetxattr(struct task *t, const u64 *a)
{
	return do_set(BY_LINK, a);
}

s64 sys_fsetxattr(struct task *t, const u64 *a)
{
	return do_set(BY_FD, a);
}

s64 sys_getxattr(struct task *t, const u64 *a)
{
	return do_get(BY_PATH, a);
}

s64 sys_lgetxattr(struct task *t, const u64 *a)
{
	return do_get(BY_LINK, a);
}

s64 sys_fgetxattr(struct task *t, const u64 *a)
{
	return do_get(BY_FD, a);
}

s64 sys_listxattr(struct task *t, const u64 *a)
{
	return do_list(BY_PATH, a);
}

s64 sys_llistxattr(struct task *t, const u64 *a)
{
	return do_list(BY_LINK, a);
}

s64 sys_flistxattr(struct task *t, const u64 *a)
{
	return do_list(BY_FD, a);
}

s64 sys_removexattr(struct task *t, const u64 *a)
{
	return do_remove(BY_PATH, a);
}

s64 sys_lremovexattr(struct task *t, const u64 *a)
{
	return do_remove(BY_LINK, a);
}

s64 sys_fremovexattr(struct task *t, const u64 *a)
{
	return do_remove(BY_FD, a);
}
