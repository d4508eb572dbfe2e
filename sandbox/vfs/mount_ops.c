/*
 * mount_ops.c - what mount(2), umount2(2), pivot_root(2) and the newer calls do to the tree of mounts: bind,
 * graft, move, unmount, flags, propagation, with the checks that Linux makes. The callers have checked
 * CAP_SYS_ADMIN.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/vfs/mount_priv.h"

#define MNT_FORCE_  1U
#define MNT_DETACH_ 2U
#define MNT_EXPIRE_ 4U

bool mount_is_ours(const struct mount *m)
{
	struct task *t = current_task();

	return m->ns && t && t->ns && m->ns == t->ns->mnt;
}

static bool is_root(const struct path *p)
{
	return p->dentry == p->mnt->root;
}

static bool same_kind(const struct path *at, const struct mount *m)
{
	return mode_is_dir(at->dentry->inode->attr.mode) == mode_is_dir(m->root->inode->attr.mode);
}

static u32 tree_count(struct mount *m)
{
	u32 n = 0;

	for (struct mount *p = m; p; p = mount_next(p, m))
		n++;
	return n;
}

/* ---- attaching ---- */

int mount_clone(const struct path *from, u32 flags, struct mount **out)
{
	struct mount_ns *ns;
	int err;

	if (from->mnt->unbindable)
		return -EINVAL;
	if (!mount_is_ours(from->mnt) && !(from->mnt->ns && from->mnt->ns->anonymous))
		return -EINVAL;
	err = mount_copy_tree(from->mnt, from->dentry, flags, mount_ns_owner(), &ns);
	if (err)
		return err;
	/* the caller has the tree; its namespace is dropped when the tree goes elsewhere */
	*out = mount_get(ns->root);
	(*out)->unbindable = false;
	return 0;
}

static int graft(struct mount *m, struct path *at)
{
	int err;

	if (at->dentry->unhashed || at->dentry->inode->dead)
		return -ENOENT;
	if (at->mnt->ns && at->mnt->ns->count + tree_count(m) > sysctl(SYSCTL_MOUNT_MAX))
		return -ENOSPC;
	err = mount_propagate(m, at->mnt, at->dentry);
	if (!err)
		mount_link(m, at->mnt, at->dentry);
	return err;
}

int mount_graft(struct mount *m, struct path *at)
{
	if (!mount_is_ours(at->mnt))
		return -EINVAL;
	if (!same_kind(at, m))
		return -ENOTDIR;
	return graft(m, at);
}

int mount_bind(struct path *from, struct path *at, bool recursive)
{
	struct mount_ns *holder;
	struct mount *m;
	int err = mount_clone(from, recursive ? BIND_RECURSIVE : 0, &m);

	if (err)
		return err;
	holder = m->ns;
	err = mount_graft(m, at);
	mount_put(m);
	mount_ns_put(holder); /* with the tree, if that was not attached */
	return err;
}

static bool has_unbindable(struct mount *m)
{
	for (struct mount *p = m; p; p = mount_next(p, m))
		if (p->unbindable)
			return true;
	return false;
}

int mount_move(struct path *from, struct path *at)
{
	struct mount *m = from->mnt, *old_parent = m->parent, *p;
	struct path back;
	int err;

	if (!mount_is_ours(at->mnt) || !m->ns || !is_root(from) || !same_kind(at, m))
		return -EINVAL;
	if (old_parent ? !mount_is_ours(m) : !m->ns->anonymous || m->ns->root != m)
		return -EINVAL;
	if (old_parent && old_parent->group)
		return -EINVAL;
	if (at->mnt->group && has_unbindable(m))
		return -EINVAL;
	for (p = at->mnt; p; p = p->parent)
		if (p == m)
			return -ELOOP;
	mount_get(m);
	back = (struct path){old_parent, m->mountpoint};
	if (old_parent) {
		path_get(&back);
		mount_unlink(m);
	}
	err = graft(m, at);
	if (err && old_parent)
		mount_link(m, back.mnt, back.dentry);
	if (old_parent)
		path_put(&back);
	mount_put(m);
	return err;
}

/* MOVE_MOUNT_BENEATH: between what is mounted at `at` and what that covers. */
int mount_beneath(struct path *from, struct path *at)
{
	struct mount *m = from->mnt, *top = at->mnt, *parent = top->parent;
	struct path under;
	int err;

	if (!is_root(at) || !parent || !mount_is_ours(top) || m == top || parent->group)
		return -EINVAL;
	if (m->parent && dentry_is_ancestor(m->root, m->mountpoint) && m->parent == top)
		return -EINVAL;
	mount_get(top);
	under = (struct path){parent, top->mountpoint};
	path_get(&under);
	mount_unlink(top);
	err = mount_move(from, &under);
	if (err)
		mount_link(top, under.mnt, under.dentry);
	else
		mount_link(top, m, m->root);
	path_put(&under);
	mount_put(top);
	return err;
}

/* MOVE_MOUNT_SET_GROUP: `to` becomes what `from` is to its peers. */
int mount_set_group(struct path *from, struct path *to)
{
	struct mount *f = from->mnt, *t = to->mnt;

	if (!is_root(from) || !is_root(to) || !mount_is_ours(t) || !f->ns || f->sb != t->sb)
		return -EINVAL;
	if ((!f->group && !f->master) || t->group || t->master || !dentry_is_ancestor(f->root, t->root))
		return -EINVAL;
	mount_join(t, f);
	return 0;
}

/* ---- unmounting ---- */

/* The references of a mount that only its namespace holds. */
#define IDLE_REFS 1U

static int busy_copy(struct mount *m)
{
	return m->obj.refs > IDLE_REFS ? -EBUSY : 0;
}

static int detach_copy(struct mount *m)
{
	mount_detach_tree(m);
	return 0;
}

/* The root of a namespace is not unmounted but made read-only, as Linux does. */
static int umount_root(struct mount *m)
{
	return mount_reconfigure(m, true, NULL);
}

static int umount_checked(struct mount *m, u32 flags)
{
	struct task *t = current_task();
	bool root = t && m == t->fs->root.mnt;

	if (flags & MNT_EXPIRE_) {
		if (root || (flags & (MNT_FORCE_ | MNT_DETACH_)))
			return -EINVAL;
		if (m->obj.refs > IDLE_REFS + 1 || !list_empty(&m->children))
			return -EBUSY;
		if (!m->expiring) {
			m->expiring = true;
			return -EAGAIN;
		}
	}
	if (root && !(flags & MNT_DETACH_))
		return umount_root(m);
	if (!m->parent)
		return -EINVAL;
	if (!(flags & MNT_DETACH_)) {
		/* the caller's reference, too */
		if (!list_empty(&m->children) || m->obj.refs > IDLE_REFS + 1)
			return -EBUSY;
		if (mount_propagated(m, busy_copy))
			return -EBUSY;
	}
	while (mount_propagated(m, detach_copy))
		;
	mount_detach_tree(m);
	return 0;
}

int mount_umount(struct path *p, u32 flags)
{
	struct mount *m = mount_get(p->mnt);
	bool root = is_root(p);
	int err;

	path_put(p);
	if (!root || !mount_is_ours(m))
		err = -EINVAL;
	else
		err = umount_checked(m, flags);
	mount_put(m);
	return err;
}

/* ---- pivot_root ---- */

/* Is p at or below what `root` names? */
static bool reachable(const struct path *p, const struct path *root)
{
	const struct mount *m = p->mnt;
	const struct dentry *d = p->dentry;

	while (m != root->mnt) {
		if (!m->parent)
			return false;
		d = m->mountpoint;
		m = m->parent;
	}
	return dentry_is_ancestor(root->dentry, d);
}

/* Every process whose root or working directory was the old root has the new one. */
static void move_roots(const struct path *from, const struct path *to)
{
	struct task *t;

	list_for_each_entry (t, &kernel()->tasks, all_node) {
		struct path *at[2];
		if (!t->fs)
			continue;
		at[0] = &t->fs->root;
		at[1] = &t->fs->cwd;
		for (int i = 0; i < 2; i++)
			if (at[i]->mnt == from->mnt && at[i]->dentry == from->dentry)
				path_set(at[i], to->mnt, to->dentry);
	}
}

int mount_pivot_root(struct path *new_root, struct path *put_old)
{
	struct fs_context *fs = current_task()->fs;
	struct path root = fs->root, top = {0};
	struct mount *rm = root.mnt, *nm = new_root->mnt;

	if (put_old->mnt->group || (nm->parent && nm->parent->group) || (rm->parent && rm->parent->group))
		return -EINVAL;
	if (!mount_is_ours(rm) || !mount_is_ours(nm))
		return -EINVAL;
	if (new_root->dentry->unhashed || put_old->dentry->unhashed)
		return -ENOENT;
	if (nm == rm || put_old->mnt == rm)
		return -EBUSY;
	if (!is_root(&root) || !is_root(new_root) || !nm->parent)
		return -EINVAL;
	if (!reachable(put_old, new_root) || !reachable(new_root, &root))
		return -EINVAL;
	path_get(&root);
	mount_get(nm);
	top = (struct path){rm->parent, rm->mountpoint};
	if (top.mnt)
		path_get(&top);
	mount_unlink(nm);
	mount_unlink(rm);
	mount_link(rm, put_old->mnt, put_old->dentry);
	if (top.mnt) {
		mount_link(nm, top.mnt, top.dentry);
		path_put(&top);
	} else { /* the namespace's root */
		struct mount *old = nm->ns->root;
		nm->ns->root = mount_get(nm);
		mount_put(old);
	}
	mount_ns_changed(nm->ns);
	move_roots(&root, new_root);
	mount_put(nm);
	path_put(&root);
	return 0;
}

/* ---- changing ---- */

void mount_set_propagation(struct mount *m, enum propagation type, bool recursive)
{
	for (struct mount *p = m; p; p = recursive ? mount_next(p, m) : NULL)
		mount_change_propagation(p, type);
	if (m->ns)
		mount_ns_changed(m->ns);
}

static bool may_set_flags(struct mount *m, u32 flags, bool recursive)
{
	for (struct mount *p = m; p; p = recursive ? mount_next(p, m) : NULL)
		if ((flags & MNT_READONLY) && !(p->flags & MNT_READONLY) && p->writers)
			return false;
	return true;
}

static void set_flags(struct mount *m, u32 mask, u32 flags, bool recursive)
{
	for (struct mount *p = m; p; p = recursive ? mount_next(p, m) : NULL)
		p->flags = (p->flags & ~mask) | (flags & mask);
	if (m->ns)
		mount_ns_changed(m->ns);
}

int mount_set_flags(struct mount *m, u32 mask, u32 flags, bool recursive)
{
	if (!may_set_flags(m, flags & mask, recursive))
		return -EBUSY;
	set_flags(m, mask, flags, recursive);
	return 0;
}

int mount_reconfigure(struct mount *m, bool read_only, const char *data)
{
	struct super_block *sb = m->sb;
	int err = 0;

	if (read_only && !(sb->flags & SB_READONLY) && sb->writers)
		return -EBUSY;
	if (!read_only && (sb->flags & SB_READONLY_FOREVER))
		return -EROFS;
	if (data && *data)
		err = sb->type->reconfigure ? sb->type->reconfigure(sb, data) : -EINVAL;
	if (err)
		return err;
	sb->flags = (sb->flags & ~(u32)SB_READONLY) | (read_only ? SB_READONLY : 0);
	if (m->ns)
		mount_ns_changed(m->ns);
	return 0;
}

/* ---- files that hold a tree ---- */

static void tree_release(struct file *f)
{
	mount_ns_put(f->private);
}

static const struct file_ops tree_file_ops = {.release = tree_release};

int mount_file(struct mount *m, struct file **out)
{
	struct path top = {m, m->root};
	struct mount_ns *ns = m->ns ? mount_ns_get(m->ns) : mount_ns_new(mount_ns_owner(), mount_get(m));
	struct file *f;

	if (!ns) {
		mount_put(m);
		return -ENOMEM;
	}
	ns->anonymous = true;
	f = file_new(&top, m->root->inode, &tree_file_ops, O_PATH);
	mount_put(m);
	if (!f) {
		mount_ns_put(ns);
		return -ENOMEM;
	}
	f->ops = &tree_file_ops;
	f->private = ns;
	*out = f;
	return 0;
}
