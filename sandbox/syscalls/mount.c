/*
 * syscalls/mount.c - mount(2), umount2(2), pivot_root(2): decoding their flags. The newer calls are in
 * fsmount.c.
 */
#include "sandbox/vfs/mount.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/mount.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/namei.h"

#define MS_RDONLY      1U
#define MS_REMOUNT     32U
#define MS_NOATIME_    1024U
#define MS_NODIRATIME_ 2048U
#define MS_BIND        4096U
#define MS_MOVE        8192U
#define MS_REC         16384U
#define MS_SILENT      32768U
#define MS_UNBINDABLE  (1U << 17)
#define MS_PRIVATE     (1U << 18)
#define MS_SLAVE       (1U << 19)
#define MS_SHARED      (1U << 20)
#define MS_RELATIME_   (1U << 21)
#define MS_STRICTATIME (1U << 24)
#define MS_NOUSER_     (1U << 31)
#define MS_PROPAGATION (MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED)
#define MS_ATIME       (MS_NOATIME_ | MS_NODIRATIME_ | MS_RELATIME_ | MS_STRICTATIME)

bool may_mount(void)
{
	struct task *t = current_task();

	return t->ns && ns_capable(t->ns->mnt->common.owner, 21 /* CAP_SYS_ADMIN */);
}

/* The per-mount flags of a call's MS_*. */
static u32 mount_flags(u32 ms, const struct mount *remounted)
{
	static const struct {
		u32 ms, mnt;
	} bits[] = {{MS_RDONLY, MNT_READONLY},
		    {2, MNT_NOSUID},
		    {4, MNT_NODEV},
		    {8, MNT_NOEXEC},
		    {256, MNT_NOSYMFOLLOW},
		    {MS_NOATIME_, MNT_NOATIME},
		    {MS_NODIRATIME_, MNT_NODIRATIME}};
	u32 flags = ms & MS_NOATIME_ ? 0 : MNT_RELATIME;

	for (u32 i = 0; i < ARRAY_COUNT(bits); i++)
		if (ms & bits[i].ms)
			flags |= bits[i].mnt;
	if (ms & MS_STRICTATIME)
		flags &= ~(u32)(MNT_RELATIME | MNT_NOATIME);
	if (remounted && !(ms & MS_ATIME))
		flags = (flags & ~(u32)MNT_ATIME) | (remounted->flags & MNT_ATIME);
	return flags;
}

static s64 new_mount(const char *type, const char *source, const char *data, u32 ms, struct path *at)
{
	struct mount_options opt = {.source = source, .data = data};
	struct mount *m;
	int err;

	if (!type)
		return -EINVAL;
	err = mount_new(type, &opt, mount_flags(ms, NULL), &m);
	if (err)
		return err;
	if (ms & MS_RDONLY)
		m->sb->flags |= SB_READONLY;
	if (at->mnt->sb == m->sb && at->dentry == at->mnt->root)
		err = -EBUSY;
	else
		err = mount_graft(m, at);
	mount_put(m);
	return err;
}

static s64 from_path(const char *source, struct path *at, int (*fn)(struct path *, struct path *, bool),
		     bool flag)
{
	struct path from = {0};
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &from);
	if (err)
		return err;
	err = fn(&from, at, flag);
	path_put(&from);
	return err;
}

static int move(struct path *from, struct path *at, bool unused)
{
	return from->mnt->parent ? mount_move(from, at) : -EINVAL;
}

static s64 change_type(u32 ms, struct path *at)
{
	enum propagation type;

	switch (ms & ~(MS_REC | MS_SILENT)) {
	case MS_SHARED:
		type = PROPAGATE_SHARED;
		break;
	case MS_PRIVATE:
		type = PROPAGATE_PRIVATE;
		break;
	case MS_SLAVE:
		type = PROPAGATE_SLAVE;
		break;
	case MS_UNBINDABLE:
		type = PROPAGATE_UNBINDABLE;
		break;
	default:
		return -EINVAL;
	}
	if (at->dentry != at->mnt->root || !mount_is_ours(at->mnt))
		return -EINVAL;
	mount_set_propagation(at->mnt, type, ms & MS_REC);
	return 0;
}

static s64 remount(u32 ms, const char *data, struct path *at)
{
	u32 flags = mount_flags(ms, at->mnt);
	int err;

	if (at->dentry != at->mnt->root || !mount_is_ours(at->mnt))
		return -EINVAL;
	if (ms & MS_BIND) /* the mount alone */
		return mount_set_flags(at->mnt, UINT32_MAX, flags, false);
	err = mount_reconfigure(at->mnt, ms & MS_RDONLY, data);
	return err ? err : mount_set_flags(at->mnt, UINT32_MAX, flags, false);
}

static s64 do_mount(const char *source, struct path *at, const char *type, u32 ms, const char *data)
{
	if ((ms >> 16) == 0xc0ed)
		ms &= 0xffff; /* the magic number of old */
	if (ms & MS_NOUSER_)
		return -EINVAL;
	if (!may_mount())
		return -EPERM;
	if (ms & MS_REMOUNT)
		return remount(ms, data, at);
	if (ms & MS_BIND)
		return from_path(source, at, mount_bind, ms & MS_REC);
	if (ms & MS_PROPAGATION)
		return change_type(ms, at);
	if (ms & MS_MOVE)
		return from_path(source, at, move, false);
	return new_mount(type, source, data, ms, at);
}

/* mount(2)'s data: a page of text, or as much as there is before memory ends. */
static int copy_in_data(char **out, u64 user)
{
	char *page = kzalloc(PAGE_SIZE + 1);
	s64 n;

	if (!page)
		return -ENOMEM;
	n = copy_in_partial(page, uaddr(user), PAGE_SIZE - (user & (PAGE_SIZE - 1)));
	if (n == (s64)(PAGE_SIZE - (user & (PAGE_SIZE - 1))) && n < (s64)PAGE_SIZE &&
	    !memchr(page, 0, (size_t)n))
		(void)!copy_in_partial(page + n, uaddr(user + (u64)n), PAGE_SIZE - (size_t)n);
	if (n < 0) {
		kfree(page);
		return -EFAULT;
	}
	page[PAGE_SIZE - 1] = 0;
	*out = page;
	return 0;
}

/* A type or a source: a text like any other, for which Linux has no ENAMETOOLONG. */
static int copy_in_name(char **out, u64 user)
{
	int err = copy_in_path(out, uaddr(user));

	return err == -ENAMETOOLONG ? -EINVAL : err;
}

s64 sys_mount(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *source = NULL, *target = NULL, *type = NULL, *data = NULL;
	struct path at = {0};
	s64 ret = 0;

	if (a[2])
		ret = copy_in_name(&type, a[2]);
	if (!ret && a[0])
		ret = copy_in_name(&source, a[0]);
	if (!ret && a[4])
		ret = copy_in_data(&data, a[4]);
	if (!ret)
		ret = copy_in_path(&target, uaddr(a[1]));
	if (!ret)
		ret = path_lookup(AT_FDCWD, target, WALK_FOLLOW, &at);
	if (ret)
		return ret;
	ret = do_mount(source, &at, type, (u32)a[3], data);
	path_put(&at);
	return ret;
}

s64 sys_umount2(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *target = NULL;
	struct path at = {0};
	u32 flags = (u32)a[1];
	int err;

	if (flags & ~15U)
		return -EINVAL;
	err = copy_in_path(&target, uaddr(a[0]));
	if (!err)
		err = path_lookup(AT_FDCWD, target, flags & 8 /* UMOUNT_NOFOLLOW */ ? 0 : WALK_FOLLOW, &at);
	if (err)
		return err;
	if (!may_mount()) {
		path_put(&at);
		return -EPERM;
	}
	path_cross_down(&at); /* "." may have been covered */
	return mount_umount(&at, flags & 7);
}

s64 sys_pivot_root(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *new_name = NULL, *old_name = NULL;
	struct path new_root = {0}, put_old = {0};
	int err;

	if (!may_mount())
		return -EPERM;
	err = copy_in_path(&new_name, uaddr(a[0]));
	if (!err)
		err = path_lookup(AT_FDCWD, new_name, WALK_FOLLOW | WALK_DIRECTORY, &new_root);
	if (err)
		return err;
	err = copy_in_path(&old_name, uaddr(a[1]));
	if (!err)
		err = path_lookup(AT_FDCWD, old_name, WALK_FOLLOW | WALK_DIRECTORY, &put_old);
	if (!err) {
		err = mount_pivot_root(&new_root, &put_old);
		path_put(&put_old);
	}
	path_put(&new_root);
	return err;
}
