/*
 * stat.c - what is known of a file: stat family, statx, statfs, access, readlink.
 */
#include "sandbox/abi/stat.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

static u64 sec_of(s64 ns)
{
	s64 s = ns / (s64)NSEC_PER_SEC;

	return (u64)(ns % (s64)NSEC_PER_SEC < 0 ? s - 1 : s);
}

static u32 nsec_of(s64 ns)
{
	s64 r = ns % (s64)NSEC_PER_SEC;

	return (u32)(r < 0 ? r + (s64)NSEC_PER_SEC : r);
}

/* The path that (dirfd, name, flags) names; "" with AT_EMPTY_PATH is the descriptor's own file. */
static int at_path(int dirfd, u64 user_name, u32 flags, struct path *out)
{
	auto_cleanup(kfreep) char *name = NULL;
	u32 walk = flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	int err;

	if (flags & AT_EMPTY_PATH) {
		bool empty = true;
		if (!user_name || (user_str_empty(uaddr(user_name), &empty) == 0 && empty)) {
			struct file *f;
			if (dirfd == AT_FDCWD)
				return path_lookup(dirfd, "", WALK_EMPTY_PATH, out);
			f = fd_get_path(dirfd);
			if (!f)
				return -EBADF;
			*out = f->path;
			path_get(out);
			file_put(f);
			return 0;
		}
	}
	err = copy_in_path(&name, uaddr(user_name));
	return err ? err : path_lookup(dirfd, name, walk, out);
}

static void fill_stat(struct linux_stat *st, const struct inode_attr *a, u64 dev)
{
	*st = (struct linux_stat){.st_dev = dev,
				  .st_ino = a->ino,
				  .st_nlink = a->nlink,
				  .st_mode = a->mode,
				  .st_uid = uid_seen(a->uid),
				  .st_gid = gid_seen(a->gid),
				  .st_rdev = a->rdev,
				  .st_size = (s64)a->size,
				  .st_blksize = a->blksize,
				  .st_blocks = (s64)a->blocks,
				  .st_atime_sec = sec_of(a->atime_ns),
				  .st_atime_nsec = nsec_of(a->atime_ns),
				  .st_mtime_sec = sec_of(a->mtime_ns),
				  .st_mtime_nsec = nsec_of(a->mtime_ns),
				  .st_ctime_sec = sec_of(a->ctime_ns),
				  .st_ctime_nsec = nsec_of(a->ctime_ns)};
}

static s64 stat_path(struct path *p, u64 out)
{
	struct inode_attr a;
	struct linux_stat st;
	int err = vfs_getattr(p, 0x7ff, &a);

	if (err)
		return err;
	fill_stat(&st, &a, p->mnt->sb->dev);
	return put_user(&st, uaddr(out));
}

static s64 stat_at(int dirfd, u64 name, u32 flags, u64 out)
{
	struct path p = {0};
	s64 ret = at_path(dirfd, name, flags, &p);

	if (ret)
		return ret;
	ret = stat_path(&p, out);
	path_put(&p);
	return ret;
}

s64 sys_stat(struct task *t, const u64 *a)
{
	return stat_at(AT_FDCWD, a[0], 0, a[1]);
}

s64 sys_lstat(struct task *t, const u64 *a)
{
	return stat_at(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, a[1]);
}

s64 sys_newfstatat(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[3];

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return stat_at(arg_int(a[0]), a[1], flags, a[2]);
}

s64 sys_fstat(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get_path(arg_int(a[0]));

	return f ? stat_path(&f->path, a[1]) : -EBADF;
}

static struct linux_statx_timestamp stamp(s64 ns)
{
	return (struct linux_statx_timestamp){.tv_sec = (s64)sec_of(ns), .tv_nsec = nsec_of(ns)};
}

static u32 dev_major(u64 dev)
{
	return (u32)(dev >> 8 & 0xfff);
}

static u32 dev_minor(u64 dev)
{
	return (u32)((dev & 0xff) | (dev >> 12 & 0xfff00));
}

s64 sys_statx(struct task *t, const u64 *args)
{
	u32 flags = (u32)args[2];
	struct linux_statx sx;
	struct path p = {0};
	struct inode_attr a;
	s64 ret;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | 0x6000))
		return -EINVAL;
	if ((flags & 0x6000) == 0x6000 || ((u32)args[3] & 0x80000000U))
		return -EINVAL;
	ret = at_path(arg_int(args[0]), args[1], flags, &p);
	if (ret)
		return ret;
	ret = vfs_getattr(&p, (u32)args[3], &a);
	if (!ret) {
		u64 dev = p.mnt->sb->dev;
		u64 attributes = (p.dentry == p.mnt->root ? 0x2000 : 0) /* MOUNT_ROOT */ |
				 (p.dentry->inode->flags & INODE_IMMUTABLE ? 0x10 : 0) |
				 (p.dentry->inode->flags & INODE_APPEND ? 0x20 : 0) |
				 (p.dentry->inode->flags & INODE_NODUMP ? 0x40 : 0);
		bool unique = args[3] & 0x4000; /* STATX_MNT_ID_UNIQUE */
		sx = (struct linux_statx){.stx_mask = 0xfff | (unique ? 0x4000 : 0x1000),
					  .stx_blksize = a.blksize,
					  .stx_attributes_mask = 0x2070,
					  .stx_attributes = attributes,
					  .stx_nlink = a.nlink,
					  .stx_uid = uid_seen(a.uid),
					  .stx_gid = gid_seen(a.gid),
					  .stx_mode = (u16)a.mode,
					  .stx_ino = a.ino,
					  .stx_size = a.size,
					  .stx_blocks = a.blocks,
					  .stx_atime = stamp(a.atime_ns),
					  .stx_btime = stamp(a.btime_ns),
					  .stx_ctime = stamp(a.ctime_ns),
					  .stx_mtime = stamp(a.mtime_ns),
					  .stx_rdev_major = dev_major(a.rdev),
					  .stx_rdev_minor = dev_minor(a.rdev),
					  .stx_dev_major = dev_major(dev),
					  .stx_dev_minor = dev_minor(dev),
					  .stx_mnt_id = unique ? mount_unique_id(p.mnt) : p.mnt->id};
		ret = put_user(&sx, uaddr(args[4]));
	}
	path_put(&p);
	return ret;
}

/* ---- statfs ---- */

static s64 statfs_path(const struct path *p, u64 out)
{
	struct super_block *sb = p->mnt->sb;
	struct linux_statfs st = {.f_type = (s64)sb->type->magic,
				  .f_bsize = PAGE_SIZE,
				  .f_frsize = PAGE_SIZE,
				  .f_namelen = 255,
				  .f_fsid = {(s32)sb->dev, 0}};
	static const struct {
		u32 mnt, st;
	} bits[] = {{MNT_READONLY, 1},      {MNT_NOSUID, 2},        {MNT_NODEV, 4},
		    {MNT_NOEXEC, 8},        {MNT_NOATIME, 1024},    {MNT_RELATIME, 4096},
		    {MNT_NODIRATIME, 2048}, {MNT_NOSYMFOLLOW, 8192}};
	struct inode *inode = p->dentry->inode;
	int err = 0;

	if (inode->ops && inode->ops->statfs)
		err = inode->ops->statfs(inode, &st);
	if (err)
		return err;
	st.f_flags = 32; /* ST_VALID */
	for (u32 i = 0; i < ARRAY_COUNT(bits); i++)
		if (p->mnt->flags & bits[i].mnt)
			st.f_flags |= bits[i].st;
	if (sb->flags & SB_READONLY)
		st.f_flags |= 1;
	return put_user(&st, uaddr(out));
}

s64 sys_statfs(struct task *t, const u64 *a)
{
	struct path p = {0};
	s64 ret = at_path(AT_FDCWD, a[0], 0, &p);

	if (ret)
		return ret;
	ret = statfs_path(&p, a[1]);
	path_put(&p);
	return ret;
}

s64 sys_fstatfs(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get_path(arg_int(a[0]));

	return f ? statfs_path(&f->path, a[1]) : -EBADF;
}

/* ---- access ---- */

/* access(2) asks for the real ids: credentials for the time of the check. */
static struct cred *real_cred(const struct cred *c)
{
	struct cred *r = cred_dup(c);

	if (!r)
		return NULL;
	r->fsuid = c->uid;
	r->fsgid = c->gid;
	if (!(c->securebits & 4 /* SECBIT_NO_SETUID_FIXUP */))
		r->cap_effective = c->uid == kuid_of(c->user_ns, 0) ? c->cap_permitted : 0;
	return r;
}

static s64 access_at(struct task *t, int dirfd, u64 name, u32 mode, u32 flags)
{
	struct cred *saved = t->cred, *real = NULL;
	struct path p = {0};
	s64 ret;

	if (mode & ~7U)
		return -EINVAL;
	if (flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		real = real_cred(t->cred);
		if (!real)
			return -ENOMEM;
		t->cred = real;
	}
	ret = at_path(dirfd, name, flags, &p);
	if (!ret) {
		ret = mode ? inode_permission(p.dentry->inode, p.mnt, mode) : 0;
		if (!ret && (mode & 1) && mode_is_reg(p.dentry->inode->attr.mode) &&
		    (p.mnt->flags & MNT_NOEXEC))
			ret = -EACCES;
		path_put(&p);
	}
	if (real) {
		t->cred = saved;
		cred_put(real);
	}
	return ret;
}

s64 sys_access(struct task *t, const u64 *a)
{
	return access_at(t, AT_FDCWD, a[0], (u32)a[1], 0);
}

s64 sys_faccessat(struct task *t, const u64 *a)
{
	return access_at(t, arg_int(a[0]), a[1], (u32)a[2], 0);
}

s64 sys_faccessat2(struct task *t, const u64 *a)
{
	return access_at(t, arg_int(a[0]), a[1], (u32)a[2], (u32)a[3]);
}

/* ---- readlink ---- */

/* The text of a magic link is the path it leads to. */
static int link_text(struct task *t, struct inode *inode, char **out)
{
	struct path to = {0};
	int err;

	if (inode->ops->readlink)
		return inode->ops->readlink(inode, out);
	if (!inode->ops->follow)
		return -EINVAL;
	err = inode->ops->follow(inode, &to);
	if (err)
		return err;
	*out = path_to_string(&to, &t->fs->root);
	path_put(&to);
	return *out ? 0 : -ENOMEM;
}

static s64 readlink_at(struct task *t, int dirfd, u64 user_name, u64 buf, u64 size)
{
	auto_cleanup(kfreep) char *target = NULL;
	bool empty;
	struct path p = {0};
	s64 ret;

	if ((s32)size <= 0)
		return -EINVAL;
	if (user_str_empty(uaddr(user_name), &empty))
		return -EFAULT;
	ret = at_path(dirfd, user_name, AT_SYMLINK_NOFOLLOW | (empty ? AT_EMPTY_PATH : 0), &p);
	if (ret)
		return ret;
	if (!mode_is_lnk(p.dentry->inode->attr.mode))
		ret = empty ? -ENOENT : -EINVAL;
	else
		ret = link_text(t, p.dentry->inode, &target);
	path_put(&p);
	if (!ret) {
		size_t n = min_t(size_t, strlen(target), (u32)size);
		ret = copy_out(uaddr(buf), target, n) ? -EFAULT : (s64)n;
	}
	return ret;
}

s64 sys_readlink(struct task *t, const u64 *a)
{
	return readlink_at(t, AT_FDCWD, a[0], a[1], a[2]);
}

s64 sys_readlinkat(struct task *t, const u64 *a)
{
	return readlink_at(t, arg_int(a[0]), a[1], a[2], a[3]);
}
