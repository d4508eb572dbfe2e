/*
 * names.c - opening and naming: open family, mkdir, mknod, link, symlink, unlink, rmdir, rename.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

#define O_KNOWN                                                                                              \
	((u32)(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |          \
	       O_DSYNC | O_ASYNC | O_DIRECT | 0100000 | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |   \
	       O_PATH | 020000000))

struct open_how {
	u64 flags, mode, resolve;
};

static s64 open_at(int dirfd, u64 user_name, u32 flags, u32 mode, u32 walk)
{
	auto_cleanup(kfreep) char *name = NULL;
	struct file *f;
	int err = copy_in_path(&name, uaddr(user_name));

	if (!err)
		err = vfs_open(dirfd, name, (flags & O_KNOWN) | 0100000 /* O_LARGEFILE */, mode & 07777, walk,
			       &f);
	if (err)
		return err;
	return fd_install(f, 0, flags & O_CLOEXEC);
}

s64 sys_open(struct task *t, const u64 *a)
{
	return open_at(AT_FDCWD, a[0], (u32)a[1], (u32)a[2], 0);
}

s64 sys_creat(struct task *t, const u64 *a)
{
	return open_at(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (u32)a[1], 0);
}

s64 sys_openat(struct task *t, const u64 *a)
{
	return open_at(arg_int(a[0]), a[1], (u32)a[2], (u32)a[3], 0);
}

s64 sys_openat2(struct task *t, const u64 *a)
{
	struct open_how how;
	u32 walk = 0;
	int err = copy_in_sized(&how, sizeof(how), a[2], a[3], 24);

	if (err)
		return err;
	if ((how.flags & ~(u64)O_KNOWN) || (how.resolve & ~0x3fULL) || (how.mode & ~07777ULL))
		return -EINVAL;
	if (how.mode && !(how.flags & (O_CREAT | 020000000)))
		return -EINVAL;
	if ((how.resolve & 0x18) == 0x18)
		return -EINVAL;
	if ((how.flags & O_PATH) && (how.flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	walk |= how.resolve & 1 ? WALK_NO_XDEV : 0;
	walk |= how.resolve & 2 ? WALK_NO_MAGICLINKS : 0;
	walk |= how.resolve & 4 ? WALK_NO_SYMLINKS | WALK_NO_MAGICLINKS : 0;
	walk |= how.resolve & 8 ? WALK_BENEATH : 0;
	walk |= how.resolve & 16 ? WALK_IN_ROOT : 0;
	if (how.resolve & 32) { /* RESOLVE_CACHED */
		if (how.flags & (O_TRUNC | O_CREAT | 020000000))
			return -EAGAIN;
		walk |= WALK_CACHED;
	}
	return open_at(arg_int(a[0]), a[1], (u32)how.flags, (u32)how.mode, walk);
}

static s64 mkdir_at(int dirfd, u64 user_name, u32 mode)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err = copy_in_path(&name, uaddr(user_name));

	return err ? err : vfs_mkdir(dirfd, name, mode);
}

s64 sys_mkdir(struct task *t, const u64 *a)
{
	return mkdir_at(AT_FDCWD, a[0], (u32)a[1]);
}

s64 sys_mkdirat(struct task *t, const u64 *a)
{
	return mkdir_at(arg_int(a[0]), a[1], (u32)a[2]);
}

static s64 mknod_at(int dirfd, u64 user_name, u32 mode, u64 dev)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err = copy_in_path(&name, uaddr(user_name));

	return err ? err : vfs_mknod(dirfd, name, mode, dev);
}

s64 sys_mknod(struct task *t, const u64 *a)
{
	return mknod_at(AT_FDCWD, a[0], (u32)a[1], (u32)a[2]);
}

s64 sys_mknodat(struct task *t, const u64 *a)
{
	return mknod_at(arg_int(a[0]), a[1], (u32)a[2], (u32)a[3]);
}

static s64 symlink_at(u64 user_target, int dirfd, u64 user_name)
{
	auto_cleanup(kfreep) char *target = NULL;
	auto_cleanup(kfreep) char *name = NULL;
	int err = copy_in_path(&target, uaddr(user_target));

	if (!err)
		err = copy_in_path(&name, uaddr(user_name));
	return err ? err : vfs_symlink(target, dirfd, name);
}

s64 sys_symlink(struct task *t, const u64 *a)
{
	return symlink_at(a[0], AT_FDCWD, a[1]);
}

s64 sys_symlinkat(struct task *t, const u64 *a)
{
	return symlink_at(a[0], arg_int(a[1]), a[2]);
}

static s64 link_at(int olddirfd, u64 user_old, int newdirfd, u64 user_new, int flags)
{
	auto_cleanup(kfreep) char *old = NULL;
	auto_cleanup(kfreep) char *new_name = NULL;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && !capable(2 /* CAP_DAC_READ_SEARCH */))
		return -ENOENT;
	err = copy_in_path(&old, uaddr(user_old));
	if (!err)
		err = copy_in_path(&new_name, uaddr(user_new));
	return err ? err : vfs_link(olddirfd, old, newdirfd, new_name, flags);
}

s64 sys_link(struct task *t, const u64 *a)
{
	return link_at(AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

s64 sys_linkat(struct task *t, const u64 *a)
{
	return link_at(arg_int(a[0]), a[1], arg_int(a[2]), a[3], arg_int(a[4]));
}

static s64 unlink_at(int dirfd, u64 user_name, bool dir)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err = copy_in_path(&name, uaddr(user_name));

	if (err)
		return err;
	return dir ? vfs_rmdir(dirfd, name) : vfs_unlink(dirfd, name);
}

s64 sys_unlink(struct task *t, const u64 *a)
{
	return unlink_at(AT_FDCWD, a[0], false);
}

s64 sys_rmdir(struct task *t, const u64 *a)
{
	return unlink_at(AT_FDCWD, a[0], true);
}

s64 sys_unlinkat(struct task *t, const u64 *a)
{
	if (arg_int(a[2]) & ~AT_REMOVEDIR)
		return -EINVAL;
	return unlink_at(arg_int(a[0]), a[1], a[2] & AT_REMOVEDIR);
}

static s64 rename_at(int olddirfd, u64 user_old, int newdirfd, u64 user_new, u32 flags)
{
	auto_cleanup(kfreep) char *old = NULL;
	auto_cleanup(kfreep) char *new_name = NULL;
	int err;

	if ((flags & ~7U) || ((flags & 2) && (flags & 5))) /* EXCHANGE goes with nothing else */
		return -EINVAL;
	err = copy_in_path(&old, uaddr(user_old));
	if (!err)
		err = copy_in_path(&new_name, uaddr(user_new));
	return err ? err : vfs_rename(olddirfd, old, newdirfd, new_name, flags);
}

s64 sys_rename(struct task *t, const u64 *a)
{
	return rename_at(AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

s64 sys_renameat(struct task *t, const u64 *a)
{
	return rename_at(arg_int(a[0]), a[1], arg_int(a[2]), a[3], 0);
}

s64 sys_renameat2(struct task *t, const u64 *a)
{
	return rename_at(arg_int(a[0]), a[1], arg_int(a[2]), a[3], (u32)a[4]);
}
