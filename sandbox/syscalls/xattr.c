/*
 * syscalls/xattr.c - the calls of xattr(7), by path, by descriptor and *at.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"
#include "sandbox/vfs/xattr.h"

/* What a call is about: by path (following or not), by descriptor, or as the *at calls say it. */
enum by { BY_PATH, BY_LINK, BY_FD };

static int target_fd(int fd, struct path *out)
{
	auto_cleanup(filep_put) struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*out = f->path;
	path_get(out);
	return 0;
}

static int target_at(int dirfd, u64 user_name, u32 flags, struct path *out)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		bool empty = true;
		if (user_name && user_str_empty(uaddr(user_name), &empty))
			return -EFAULT;
		if (empty && dirfd != AT_FDCWD)
			return target_fd(dirfd, out);
	}
	err = copy_in_path(&name, uaddr(user_name));
	return err ? err
		   : path_lookup(dirfd, name,
				 (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
				     (flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0),
				 out);
}

static int target(enum by by, u64 arg, struct path *out)
{
	return by == BY_FD ? target_fd(arg_int(arg), out)
			   : target_at(AT_FDCWD, arg, by == BY_PATH ? 0 : AT_SYMLINK_NOFOLLOW, out);
}

static int name_in(char *name, u64 user)
{
	s64 n = copy_in_str(name, uaddr(user), XATTR_NAME_SIZE);

	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

/* ---- the four on a path; p is put ---- */

static s64 set_on(struct path *p, int err, const char *name, const void *value, u64 size, int flags)
{
	if (err)
		return err;
	err = vfs_setxattr(p, name, value, size, flags);
	path_put(p);
	return err;
}

/* The value of a set call, copied in. */
static int value_in(char **value, u64 user, u64 size, u32 flags)
{
	if (flags & ~3U)
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	*value = kmalloc(size + 1);
	if (!*value)
		return -ENOMEM;
	return size && copy_in(*value, uaddr(user), size) ? -EFAULT : 0;
}

static s64 get_on(struct path *p, int err, const char *name, u64 user, u64 user_size)
{
	u64 size = min_t(u64, user_size, XATTR_SIZE_MAX);
	auto_cleanup(kfreep) char *value = NULL;
	s64 ret = err;

	if (err)
		return err;
	value = kmalloc(size + 1);
	ret = value ? vfs_getxattr(p, name, value, size) : -ENOMEM;
	path_put(p);
	if (ret > 0 && size && copy_out(uaddr(user), value, (size_t)ret))
		return -EFAULT;
	return ret;
}

static s64 list_on(struct path *p, int err, u64 user, u64 user_size)
{
	u64 size = min_t(u64, user_size, XATTR_SIZE_MAX);
	auto_cleanup(kfreep) char *list = NULL;
	s64 ret = err;

	if (err)
		return err;
	list = kmalloc(size + 1);
	ret = list ? vfs_listxattr(p, list, size) : -ENOMEM;
	path_put(p);
	if (ret > 0 && size && copy_out(uaddr(user), list, (size_t)ret))
		return -EFAULT;
	return ret;
}

static s64 remove_on(struct path *p, int err, const char *name)
{
	if (err)
		return err;
	err = vfs_removexattr(p, name);
	path_put(p);
	return err;
}

/* ---- the calls of old ---- */

static s64 do_set(enum by by, const u64 *a)
{
	auto_cleanup(kfreep) char *value = NULL;
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err = (u32)a[4] & ~3U ? -EINVAL : name_in(name, a[1]);

	if (!err)
		err = value_in(&value, a[2], a[3], (u32)a[4]);
	if (!err)
		err = target(by, a[0], &p);
	return set_on(&p, err, name, value, a[3], arg_int(a[4]));
}

static s64 do_get(enum by by, const u64 *a)
{
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err = name_in(name, a[1]);

	if (!err)
		err = target(by, a[0], &p);
	return get_on(&p, err, name, a[2], a[3]);
}

static s64 do_list(enum by by, const u64 *a)
{
	struct path p = {0};
	int err = target(by, a[0], &p);

	return list_on(&p, err, a[1], a[2]);
}

static s64 do_remove(enum by by, const u64 *a)
{
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err = name_in(name, a[1]);

	if (!err)
		err = target(by, a[0], &p);
	return remove_on(&p, err, name);
}

/* ---- the *at calls ---- */

struct linux_xattr_args {
	u64 value;
	u32 size, flags;
};
static_assert(sizeof(struct linux_xattr_args) == 16, "struct xattr_args");

s64 sys_setxattrat(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *value = NULL;
	struct linux_xattr_args args;
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err = copy_in_sized(&args, sizeof(args), a[4], a[5], sizeof(args));

	if (!err)
		err = args.flags & ~3U ? -EINVAL : name_in(name, a[3]);
	if (!err)
		err = value_in(&value, args.value, args.size, args.flags);
	if (!err)
		err = target_at(arg_int(a[0]), a[1], (u32)a[2], &p);
	return set_on(&p, err, name, value, args.size, (int)args.flags);
}

s64 sys_getxattrat(struct task *t, const u64 *a)
{
	struct linux_xattr_args args;
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err = copy_in_sized(&args, sizeof(args), a[4], a[5], sizeof(args));

	if (!err)
		err = args.flags ? -EINVAL : name_in(name, a[3]);
	if (!err)
		err = target_at(arg_int(a[0]), a[1], (u32)a[2], &p);
	return get_on(&p, err, name, args.value, args.size);
}

s64 sys_listxattrat(struct task *t, const u64 *a)
{
	struct path p = {0};
	int err = target_at(arg_int(a[0]), a[1], (u32)a[2], &p);

	return list_on(&p, err, a[3], a[4]);
}

s64 sys_removexattrat(struct task *t, const u64 *a)
{
	char name[XATTR_NAME_SIZE];
	struct path p = {0};
	int err = name_in(name, a[3]);

	if (!err)
		err = target_at(arg_int(a[0]), a[1], (u32)a[2], &p);
	return remove_on(&p, err, name);
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
