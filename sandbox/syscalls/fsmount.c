/*
 * syscalls/fsmount.c - the calls that build and move mounts by descriptors: fsopen, fsconfig, fsmount,
 * fspick, open_tree, move_mount, mount_setattr.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/mount.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/fsconfig.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define AT_RECURSIVE_  0x8000U
#define KEY_MAX        256
#define ATTR_ATIME     0x70U
#define ATTR_NOATIME   0x10U
#define ATTR_STRICT    0x20U
#define ATTR_NODIR     0x80U
#define ATTR_IDMAP     0x100000U
#define ATTR_NOSYM     0x200000U
#define ATTR_KNOWN     (0xfU | ATTR_ATIME | ATTR_NODIR | ATTR_NOSYM)
#define MS_PROPAGATION (0xfU << 17)

struct linux_mount_attr {
	u64 set, clear, propagation, userns_fd;
};
static_assert(sizeof(struct linux_mount_attr) == 32, "struct mount_attr");

/* Per-mount flags of MOUNT_ATTR_*, times aside. */
static u32 plain_flags(u64 attr)
{
	return (attr & 1 ? MNT_READONLY : 0) | (attr & 2 ? MNT_NOSUID : 0) | (attr & 4 ? MNT_NODEV : 0) |
	       (attr & 8 ? MNT_NOEXEC : 0) | (attr & ATTR_NODIR ? MNT_NODIRATIME : 0) |
	       (attr & ATTR_NOSYM ? MNT_NOSYMFOLLOW : 0);
}

static int atime_flags(u64 attr, u32 *flags)
{
	switch (attr & ATTR_ATIME) {
	case 0:
		*flags |= MNT_RELATIME;
		return 0;
	case ATTR_NOATIME:
		*flags |= MNT_NOATIME;
		return 0;
	case ATTR_STRICT:
		return 0;
	default:
		return -EINVAL;
	}
}

/* The path of (dirfd, name); a descriptor itself when the name is empty and that is allowed. */
static int path_at(int dirfd, u64 user_name, bool follow, bool empty, struct path *out)
{
	auto_cleanup(kfreep) char *name = NULL;
	int err = copy_in_path(&name, uaddr(user_name));

	if (err)
		return err;
	if (!*name && empty && dirfd != AT_FDCWD) {
		auto_cleanup(filep_put) struct file *f = fd_get_path(dirfd);
		if (!f)
			return -EBADF;
		*out = f->path;
		path_get(out);
		return 0;
	}
	return path_lookup(dirfd, name, (follow ? WALK_FOLLOW : 0) | (empty ? WALK_EMPTY_PATH : 0), out);
}

s64 sys_fsopen(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *name = NULL;
	struct file *f;
	int err;

	if (!may_mount())
		return -EPERM;
	if ((u32)a[1] & ~1U)
		return -EINVAL;
	err = copy_in_path(&name, uaddr(a[0]));
	if (!err)
		err = fsconfig_open(name, &f);
	return err ? err : fd_install(f, 0, a[1] & 1);
}

s64 sys_fspick(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[2];
	struct path p = {0};
	struct file *f;
	int err;

	if (!may_mount())
		return -EPERM;
	if (flags & ~15U)
		return -EINVAL;
	err = path_at(arg_int(a[0]), a[1], !(flags & 2), flags & 8, &p);
	if (err)
		return err;
	err = fsconfig_pick(&p, &f);
	path_put(&p);
	return err ? err : fd_install(f, 0, flags & 1);
}

enum {
	SET_FLAG,
	SET_STRING,
	SET_BINARY,
	SET_PATH,
	SET_PATH_EMPTY,
	SET_FD,
	CMD_CREATE,
	CMD_RECONFIGURE,
	CMD_CREATE_EXCL
};

static int fsconfig_args_ok(u32 cmd, u64 key, u64 value, int aux)
{
	switch (cmd) {
	case SET_FLAG:
		return key && !value && !aux ? 0 : -EINVAL;
	case SET_STRING:
		return key && value && !aux ? 0 : -EINVAL;
	case SET_BINARY:
		return key && value && aux > 0 && aux <= 1 << 20 ? 0 : -EINVAL;
	case SET_PATH:
	case SET_PATH_EMPTY:
		return key && value && (aux == AT_FDCWD || aux >= 0) ? 0 : -EINVAL;
	case SET_FD:
		return key && !value && aux >= 0 ? 0 : -EINVAL;
	case CMD_CREATE:
	case CMD_RECONFIGURE:
	case CMD_CREATE_EXCL:
		return !key && !value && !aux ? 0 : -EINVAL;
	default:
		return -EOPNOTSUPP;
	}
}

s64 sys_fsconfig(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	auto_cleanup(kfreep) char *value = NULL;
	u32 cmd = (u32)a[1];
	char key[KEY_MAX];
	s64 n;
	int err;

	if (arg_int(a[0]) < 0)
		return -EINVAL;
	err = fsconfig_args_ok(cmd, a[2], a[3], arg_int(a[4]));
	if (err)
		return err;
	f = fd_get(arg_int(a[0]));
	if (!f)
		return -EBADF;
	if (!is_fsconfig(f))
		return -EINVAL;
	if (a[2]) {
		n = copy_in_str(key, uaddr(a[2]), sizeof(key));
		if (n < 0)
			return n == -ENAMETOOLONG ? -EINVAL : n;
	}
	switch (cmd) {
	case SET_FLAG:
		return fsconfig_set(f, key, NULL);
	case SET_STRING:
		value = kmalloc(KEY_MAX);
		n = value ? copy_in_str(value, uaddr(a[3]), KEY_MAX) : -ENOMEM;
		if (n < 0)
			return n == -ENAMETOOLONG ? -EINVAL : n;
		return fsconfig_set(f, key, value);
	case CMD_CREATE:
	case CMD_CREATE_EXCL: /* every instance is one of its own */
		return may_mount() ? fsconfig_create(f) : -EPERM;
	case CMD_RECONFIGURE:
		return may_mount() ? fsconfig_reconfigure(f) : -EPERM;
	default:
		return -EINVAL; /* no file system here has such an option */
	}
}

static s64 install_tree(struct mount *m, bool cloexec)
{
	struct file *f;
	int err = mount_file(m, &f);

	return err ? err : fd_install(f, 0, cloexec);
}

s64 sys_fsmount(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	u32 flags = plain_flags((u32)a[2]);
	struct mount *m;
	int err;

	if (!may_mount())
		return -EPERM;
	if (((u32)a[1] & ~1U) || ((u32)a[2] & ~ATTR_KNOWN))
		return -EINVAL;
	err = atime_flags((u32)a[2], &flags);
	if (err)
		return err;
	f = fd_get(arg_int(a[0]));
	if (!f)
		return -EBADF;
	if (!is_fsconfig(f))
		return -EINVAL;
	err = fsconfig_mount(f, flags, &m);
	return err ? err : install_tree(m, a[1] & 1);
}

static s64 open_tree(const u64 *a, const struct linux_mount_attr *attr);

s64 sys_open_tree(struct task *t, const u64 *a)
{
	return open_tree(a, NULL);
}

#define T_CLONE 1U

s64 sys_move_mount(struct task *t, const u64 *a)
{
	struct path from = {0}, to = {0};
	u32 flags = (u32)a[4];
	int err;

	if (!may_mount())
		return -EPERM;
	if ((flags & ~0x377U) || (flags & 0x300U) == 0x300U)
		return -EINVAL;
	err = path_at(arg_int(a[0]), a[1], flags & 1, flags & 4, &from);
	if (err)
		return err;
	err = path_at(arg_int(a[2]), a[3], flags & 0x10, flags & 0x40, &to);
	if (!err) {
		if (flags & 0x100)
			err = mount_set_group(&from, &to);
		else if (flags & 0x200)
			err = mount_beneath(&from, &to);
		else
			err = mount_move(&from, &to);
		path_put(&to);
	}
	path_put(&from);
	return err;
}

/* ---- mount_setattr ---- */

static int attr_in(struct linux_mount_attr *attr, u64 user, u64 size)
{
	static const u32 known = ATTR_KNOWN | ATTR_IDMAP;
	int err = copy_in_sized(attr, sizeof(*attr), user, size, sizeof(*attr));

	if (err)
		return err;
	if ((attr->propagation & ~(u64)MS_PROPAGATION) || (attr->propagation & (attr->propagation - 1)))
		return -EINVAL;
	if ((attr->set | attr->clear) & ~(u64)known)
		return -EINVAL;
	if (attr->clear & ATTR_ATIME ? (attr->clear & ATTR_ATIME) != ATTR_ATIME
				     : (attr->set & ATTR_ATIME) != 0)
		return -EINVAL;
	if ((attr->set | attr->clear) & ATTR_IDMAP) /* no file system here maps ids */
		return -EINVAL;
	return 0;
}

static int set_attr(struct mount *m, const struct linux_mount_attr *attr, bool recursive)
{
	u32 set = plain_flags(attr->set), mask = set | plain_flags(attr->clear);
	int err = 0;

	if (attr->clear & ATTR_ATIME) {
		mask |= MNT_NOATIME | MNT_RELATIME;
		err = atime_flags(attr->set, &set);
	}
	if (!err)
		err = mount_set_flags(m, mask, set, recursive);
	if (!err && attr->propagation)
		mount_set_propagation(m,
				      attr->propagation == 1U << 20   ? PROPAGATE_SHARED
				      : attr->propagation == 1U << 19 ? PROPAGATE_SLAVE
				      : attr->propagation == 1U << 18 ? PROPAGATE_PRIVATE
								      : PROPAGATE_UNBINDABLE,
				      recursive);
	return err;
}

s64 sys_mount_setattr(struct task *t, const u64 *a)
{
	struct linux_mount_attr attr;
	u32 flags = (u32)a[2];
	struct path p = {0};
	int err;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_RECURSIVE_ | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (a[4] > PAGE_SIZE)
		return -E2BIG;
	if (a[4] < sizeof(attr))
		return -EINVAL;
	if (!may_mount())
		return -EPERM;
	err = attr_in(&attr, a[3], a[4]);
	if (err || (!attr.set && !attr.clear && !attr.propagation))
		return err;
	err = path_at(arg_int(a[0]), a[1], !(flags & AT_SYMLINK_NOFOLLOW), flags & AT_EMPTY_PATH, &p);
	if (err)
		return err;
	if (p.dentry != p.mnt->root || !(mount_is_ours(p.mnt) || (p.mnt->ns && p.mnt->ns->anonymous)))
		err = -EINVAL;
	else
		err = set_attr(p.mnt, &attr, flags & AT_RECURSIVE_);
	path_put(&p);
	return err;
}

/* ---- open_tree ---- */

static s64 open_tree(const u64 *a, const struct linux_mount_attr *attr)
{
	u32 flags = (u32)a[2];
	struct path p = {0};
	struct mount_ns *holder;
	struct mount *m;
	struct file *f;
	s64 ret;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE_ | AT_SYMLINK_NOFOLLOW | T_CLONE |
			   O_CLOEXEC))
		return -EINVAL;
	if ((flags & AT_RECURSIVE_) && !(flags & T_CLONE))
		return -EINVAL;
	if ((flags & T_CLONE) && !may_mount())
		return -EPERM;
	ret = path_at(arg_int(a[0]), a[1], !(flags & AT_SYMLINK_NOFOLLOW), flags & AT_EMPTY_PATH, &p);
	if (ret)
		return ret;
	if (!(flags & T_CLONE)) {
		ret = vfs_open_path(&p, O_PATH, &f);
		path_put(&p);
		return ret ? ret : fd_install(f, 0, flags & O_CLOEXEC);
	}
	ret = mount_clone(&p, flags & AT_RECURSIVE_ ? BIND_RECURSIVE : 0, &m);
	path_put(&p);
	if (ret)
		return ret;
	holder = m->ns;
	if (attr)
		ret = set_attr(m, attr, flags & AT_RECURSIVE_);
	if (ret)
		mount_put(m);
	else
		ret = install_tree(m, flags & O_CLOEXEC);
	mount_ns_put(holder);
	return ret;
}

s64 sys_open_tree_attr(struct task *t, const u64 *a)
{
	struct linux_mount_attr attr;
	int err;

	if (!a[3] && a[4])
		return -EINVAL;
	if (!a[3])
		return open_tree(a, NULL);
	if (!((u32)a[2] & T_CLONE))
		return -EINVAL;
	if (a[4] > PAGE_SIZE)
		return -E2BIG;
	if (a[4] < sizeof(attr))
		return -EINVAL;
	err = attr_in(&attr, a[3], a[4]);
	return err ? err : open_tree(a, &attr);
}
