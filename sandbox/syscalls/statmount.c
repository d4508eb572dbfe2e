/*
 * syscalls/statmount.c - statmount(2) and listmount(2): the mounts of a namespace by their unique ids.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/sched.h"
#include "sandbox/kernel/signal.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/mount.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define LSMT_ROOT  UINT64_MAX
#define YIELD_EACH 64

struct linux_mnt_id_req {
	u32 size, fd;
	u64 mnt_id, param, mnt_ns_id;
};
static_assert(sizeof(struct linux_mnt_id_req) == 32, "struct mnt_id_req");

struct linux_statmount {
	u32 size, mnt_opts;
	u64 mask;
	u32 sb_dev_major, sb_dev_minor;
	u64 sb_magic;
	u32 sb_flags, fs_type;
	u64 mnt_id, mnt_parent_id;
	u32 mnt_id_old, mnt_parent_id_old;
	u64 mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
	u32 mnt_root, mnt_point;
	u64 mnt_ns_id;
	u32 fs_subtype, sb_source, opt_num, opt_array, opt_sec_num, opt_sec_array;
	u64 supported_mask;
	u32 uidmap_num, uidmap, gidmap_num, gidmap;
	u64 spare[43];
};
static_assert(sizeof(struct linux_statmount) == 512, "struct statmount");

enum {
	SM_SB_BASIC = 1,
	SM_MNT_BASIC = 2,
	SM_PROPAGATE_FROM = 4,
	SM_MNT_ROOT = 8,
	SM_MNT_POINT = 0x10,
	SM_FS_TYPE = 0x20,
	SM_MNT_NS_ID = 0x40,
	SM_MNT_OPTS = 0x80,
	SM_FS_SUBTYPE = 0x100,
	SM_SB_SOURCE = 0x200,
	SM_SUPPORTED_MASK = 0x1000,
	SM_KNOWN = 0x13ff
};

static int request_in(struct linux_mnt_id_req *req, u64 user)
{
	u32 size;
	int err = get_user(&size, uaddr(user));

	if (!err)
		err = copy_in_sized(req, sizeof(*req), user, size, 24);
	if (!err && req->fd)
		err = -EINVAL;
	return err;
}

/* Only the caller's own namespace can be asked for. */
static struct mount_ns *ns_of(struct task *t, const struct linux_mnt_id_req *req)
{
	return !req->mnt_ns_id || req->mnt_ns_id == t->ns->mnt->common.ino ? t->ns->mnt : NULL;
}

static u64 attributes(const struct mount *m)
{
	static const struct {
		u32 mnt, attr;
	} bits[] = {{MNT_READONLY, 1},
		    {MNT_NOSUID, 2},
		    {MNT_NODEV, 4},
		    {MNT_NOEXEC, 8},
		    {MNT_NOATIME, 0x10},
		    {MNT_NODIRATIME, 0x80},
		    {MNT_NOSYMFOLLOW, 0x200000}};
	u64 attr = m->flags & (MNT_NOATIME | MNT_RELATIME) ? 0 : 0x20;

	for (u32 i = 0; i < ARRAY_COUNT(bits); i++)
		attr |= m->flags & bits[i].mnt ? bits[i].attr : 0;
	return attr;
}

static void fill_basic(struct linux_statmount *sm, const struct mount *m, u64 want)
{
	if (want & SM_SB_BASIC) {
		sm->sb_dev_major = (u32)(m->sb->dev >> 8 & 0xfff);
		sm->sb_dev_minor = (u32)(m->sb->dev & 0xff);
		sm->sb_magic = m->sb->type->magic;
		sm->sb_flags = m->sb->flags & SB_READONLY ? 1 : 0;
	}
	if (want & SM_MNT_BASIC) {
		const struct mount *up = m->parent ? m->parent : m;
		sm->mnt_id = mount_unique_id(m);
		sm->mnt_parent_id = mount_unique_id(up);
		sm->mnt_id_old = (u32)m->id;
		sm->mnt_parent_id_old = (u32)up->id;
		sm->mnt_attr = attributes(m);
		sm->mnt_propagation = m->group ? 1U << 20 : 0;
		sm->mnt_propagation |= m->master ? 1U << 19 : 0;
		if (!sm->mnt_propagation)
			sm->mnt_propagation = m->unbindable ? 1U << 17 : 1U << 18;
		sm->mnt_peer_group = m->group;
		sm->mnt_master = m->master ? m->master->group : 0;
	}
	if (want & SM_MNT_NS_ID)
		sm->mnt_ns_id = m->ns->common.ino;
	if (want & SM_SUPPORTED_MASK)
		sm->supported_mask = SM_KNOWN;
}

/* Appends a string; its offset. */
static u32 put_string(struct text_buf *b, const char *s)
{
	u32 at = (u32)b->size;

	text_append(b, s, strlen(s) + 1);
	return at;
}

static void fill_strings(struct linux_statmount *sm, struct mount *m, u64 want, struct text_buf *b)
{
	struct path inside = {m, m->root};
	auto_cleanup(kfreep) char *root = dentry_to_string(m->root);
	auto_cleanup(kfreep) char *point = path_to_string(&inside, &current_task()->fs->root);

	if (want & SM_FS_TYPE)
		sm->fs_type = put_string(b, m->sb->type->name);
	if (want & SM_FS_SUBTYPE)
		sm->fs_subtype = put_string(b, m->sb->subtype);
	if (want & SM_MNT_ROOT)
		sm->mnt_root = put_string(b, root ? root : "/");
	if (want & SM_MNT_POINT)
		sm->mnt_point = put_string(b, point ? point : "");
	if (want & SM_SB_SOURCE)
		sm->sb_source = put_string(b, m->source);
	if (want & SM_MNT_OPTS) {
		struct text_buf opts = {0};
		if (m->sb->type->show_options)
			m->sb->type->show_options(m->sb, &opts);
		text_append(&opts, "", 1);
		sm->mnt_opts = put_string(b, opts.size > 1 ? opts.data + 1 : "");
		kfree(opts.data);
	}
}

s64 sys_statmount(struct task *t, const u64 *a)
{
	struct linux_statmount sm = {0};
	struct linux_mnt_id_req req;
	struct text_buf b = {0};
	struct mount_ns *ns;
	struct mount *m;
	s64 ret;

	if ((u32)a[3])
		return -EINVAL;
	ret = request_in(&req, a[0]);
	if (ret)
		return ret;
	if (req.mnt_id <= MOUNT_ID_OFFSET)
		return -EINVAL;
	ns = ns_of(t, &req);
	m = ns ? mount_find(ns, req.mnt_id - MOUNT_ID_OFFSET) : NULL;
	if (!m)
		return -ENOENT;
	sm.mask = req.param & SM_KNOWN & ~(u64)SM_PROPAGATE_FROM;
	if (!m->sb->subtype)
		sm.mask &= ~(u64)SM_FS_SUBTYPE;
	fill_basic(&sm, m, sm.mask);
	fill_strings(&sm, m, sm.mask, &b);
	sm.size = (u32)(sizeof(sm) + b.size);
	if (b.failed)
		ret = -ENOMEM;
	else if (a[2] < sm.size)
		ret = a[2] < sizeof(sm) && !b.size ? 0 : -EOVERFLOW;
	if (!ret && copy_out(uaddr(a[1]), &sm, min_t(u64, a[2], sizeof(sm))))
		ret = -EFAULT;
	if (!ret && b.size && copy_out(uaddr(a[1] + sizeof(sm)), b.data, b.size))
		ret = -EFAULT;
	kfree(b.data);
	return ret;
}

/* ---- listmount ---- */

static bool below(const struct mount *m, const struct mount *top)
{
	for (m = m->parent; m; m = m->parent)
		if (m == top)
			return true;
	return false;
}

/* The mount with the next id after `after` (before, if reverse) below top. */
static struct mount *next_mount(const struct mount_ns *ns, const struct mount *top, u64 after, bool reverse)
{
	struct mount *m, *best = NULL;

	list_for_each_entry (m, &ns->mounts, ns_node) {
		if (reverse ? after && m->id >= after : m->id <= after)
			continue;
		if (best && (reverse ? m->id < best->id : m->id > best->id))
			continue;
		if (m != top && below(m, top))
			best = m;
	}
	return best;
}

s64 sys_listmount(struct task *t, const u64 *a)
{
	struct linux_mnt_id_req req;
	bool reverse = (u32)a[3] & 1;
	struct mount_ns *ns;
	struct mount *top, *m;
	u64 done = 0, after;
	s64 ret;

	if ((u32)a[3] & ~1U)
		return -EINVAL;
	if (a[2] > 1000000)
		return -EOVERFLOW;
	ret = request_in(&req, a[0]);
	if (ret)
		return ret;
	if (req.mnt_id <= MOUNT_ID_OFFSET || (req.param && req.param <= MOUNT_ID_OFFSET))
		return -EINVAL;
	ns = ns_of(t, &req);
	if (!ns)
		return -ENOENT;
	top = req.mnt_id == LSMT_ROOT ? t->fs->root.mnt : mount_find(ns, req.mnt_id - MOUNT_ID_OFFSET);
	if (!top)
		return -ENOENT;
	after = req.param ? req.param - MOUNT_ID_OFFSET : 0;
	mount_get(top);
	while (done < a[2] && !fatal_signal_pending(t) && (m = next_mount(ns, top, after, reverse))) {
		u64 id = mount_unique_id(m);
		after = m->id;
		if (put_user(&id, uaddr(a[1] + done * sizeof(id)))) {
			ret = -EFAULT;
			break;
		}
		if (++done % YIELD_EACH == 0)
			sched_yield_now(); /* a guest may have very many */
	}
	mount_put(top);
	return ret ? ret : (s64)done;
}
