/*
 * syscalls/mount.c - mount(2) and umount2(2): new file systems of the sandbox's own kinds, bind mounts,
 * remounts.
 */
#include "sandbox/vfs/mount.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/namei.h"

#define MS_REMOUNT     32U
#define MS_BIND        4096U
#define MS_MOVE        8192U
#define MS_REC         16384U
#define MS_SILENT      32768U
#define MS_PROPAGATION 0x1e0000U /* unbindable, private, slave, shared */

static u32 mount_flags(u32 ms)
{
	static const struct {
		u32 ms, mnt;
	} bits[] = {{1, MNT_READONLY}, {2, MNT_NOSUID},     {4, MNT_NODEV},
		    {8, MNT_NOEXEC},   {1024, MNT_NOATIME}, {1U << 21, MNT_RELATIME}};
	u32 flags = 0;

	for (u32 i = 0; i < ARRAY_COUNT(bits); i++)
		if (ms & bits[i].ms)
			flags |= bits[i].mnt;
	return flags;
}

static s64 mount_new_at(const char *type, const char *source, const char *data, u32 ms, struct path *at)
{
	struct mount_options opt = {.source = source, .data = data};
	struct mount *m;
	int err = mount_new(type, &opt, mount_flags(ms), &m);

	if (err)
		return err;
	err = mount_attach(m, at);
	mount_put(m);
	return err;
}

static s64 mount_bind_at(const char *source, u32 ms, struct path *at)
{
	struct path from = {0};
	int err = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &from);

	if (err)
		return err;
	err = mount_bind(&from, at, ms & MS_REC);
	path_put(&from);
	return err;
}

static s64 remount(u32 ms, struct path *at)
{
	if (at->dentry != at->mnt->root)
		return -EINVAL;
	at->mnt->flags = mount_flags(ms);
	return 0;
}

s64 sys_mount(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *source = NULL;
	auto_cleanup(kfreep) char *target = NULL;
	auto_cleanup(kfreep) char *type = NULL;
	auto_cleanup(kfreep) char *data = NULL;
	struct path at = {0};
	u32 ms = (u32)a[3];
	s64 ret = copy_in_path(&target, uaddr(a[1]));

	if (!ret && a[0])
		ret = copy_in_path(&source, uaddr(a[0]));
	if (!ret && a[2])
		ret = copy_in_path(&type, uaddr(a[2]));
	if (!ret && a[4])
		ret = copy_in_path(&data, uaddr(a[4]));
	if (!ret && !ns_capable(t->ns->mnt->common.owner, 21 /* CAP_SYS_ADMIN */))
		ret = -EPERM;
	if (!ret)
		ret = path_lookup(AT_FDCWD, target, WALK_FOLLOW, &at);
	if (ret)
		return ret;
	if ((ms >> 16) == 0xc0ed)
		ms &= 0xffff; /* the magic number of old */
	if (ms & MS_REMOUNT)
		ret = remount(ms, &at);
	else if (ms & MS_BIND)
		ret = source ? mount_bind_at(source, ms, &at) : -EINVAL;
	else if (ms & MS_PROPAGATION)
		ret = at.dentry != at.mnt->root || (ms & MS_PROPAGATION) != (1U << 18)
			  ? -EINVAL
			  : 0; /* all are private */
	else if (ms & MS_MOVE)
		ret = -EINVAL;
	else
		ret = type ? mount_new_at(type, source, data, ms, &at) : -EINVAL;
	path_put(&at);
	return ret;
}

s64 sys_umount2(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) char *target = NULL;
	struct path at = {0};
	struct mount *m;
	u32 flags = (u32)a[1];
	int err;

	if (flags & ~15U)
		return -EINVAL;
	if (!ns_capable(t->ns->mnt->common.owner, 21))
		return -EPERM;
	err = copy_in_path(&target, uaddr(a[0]));
	if (!err)
		err = path_lookup(AT_FDCWD, target, flags & 8 ? 0 : WALK_FOLLOW, &at);
	if (err)
		return err;
	if (at.dentry != at.mnt->root) {
		path_put(&at);
		return -EINVAL;
	}
	m = mount_get(at.mnt);
	path_put(&at);
	err = m == t->fs->root.mnt ? -EBUSY : mount_detach(m, flags & 2);
	mount_put(m);
	return err;
}
