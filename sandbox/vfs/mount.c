/*
 * mount.c - mounts, mount namespaces, and the list of file-system types.
 *
 * A mount covers one dentry of its parent mount. Finding what is mounted on a dentry walks the children of
 * the parent mount: they are few. A mount is counted by its children, by paths, and once by its namespace.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/anon/fanotify.h"
#include "sandbox/fs/dev/dev.h"
#include "sandbox/fs/devpts/devpts.h"
#include "sandbox/fs/fuse/fuse.h"
#include "sandbox/fs/gofer/gofer.h"
#include "sandbox/fs/mqueue/mqueue.h"
#include "sandbox/fs/overlay/overlay.h"
#include "sandbox/fs/proc/proc.h"
#include "sandbox/fs/sys/sys.h"
#include "sandbox/fs/tmpfs/tmpfs.h"
#include "sandbox/vfs/mount_priv.h"

/* File systems that other parts of the sentry bring; a build without one has a hole in the list. */
extern const struct fs_type cgroup_fs_type;
#pragma weak cgroup_fs_type

static const struct fs_type *const types[] = {
    &tmpfs_fs_type, &ramfs_fs_type, &gofer_fs_type,   &dev_fs_type,  &devpts_fs_type, &cgroup_fs_type,
    &proc_fs_type,  &sys_fs_type,   &overlay_fs_type, &fuse_fs_type, &mqueue_fs_type,
};

const struct fs_type *fs_type_at(u32 index)
{
	for (u32 i = 0; i < ARRAY_COUNT(types); i++)
		if (types[i] && index-- == 0)
			return types[i];
	return NULL;
}

const struct fs_type *fs_type_find(const char *name)
{
	const struct fs_type *t;
	size_t len = strncmp(name, "fuse.", 5) ? strlen(name) : 4; /* what follows only says who serves it */

	for (u32 i = 0; (t = fs_type_at(i)); i++)
		if (!strncmp(t->name, name, len) && !t->name[len])
			return t;
	return NULL;
}

struct mount *mount_get(struct mount *m)
{
	object_get(&m->obj);
	return m;
}

void mount_put(struct mount *m)
{
	if (m)
		object_put(&m->obj);
}

static bool is_mortal(const struct dentry *d)
{
	return d->ops && d->ops->gone;
}

/* It has a mount point from now on, or none any more. */
static void set_point(struct mount *m, struct dentry *at)
{
	if (m->mountpoint) {
		m->mountpoint->mount_count--;
		vfs()->mortal_mounts -= is_mortal(m->mountpoint);
		list_del_init(&m->attached_node);
	}
	m->mountpoint = at;
	if (at) {
		at->mount_count++;
		vfs()->mortal_mounts += is_mortal(at);
		list_add_tail(&m->attached_node, &vfs()->attached);
	}
}

static void mount_release(struct object *obj)
{
	struct mount *m = container_of(obj, struct mount, obj);
	struct super_block *sb = m->sb;
	struct dentry *at = m->mountpoint;

	if (vfs()->fanotify_marks)
		fanotify_forget(m);
	mount_make_private(m);
	list_del_init(&m->child_node);
	list_del_init(&m->ns_node);
	set_point(m, NULL);
	dentry_put(m->root);
	dentry_put(at);
	mount_put(m->parent);
	kfree(m->source);
	kfree(m);
	if (--sb->mounts == 0) {
		struct dentry *root = sb->root;
		vfs_notify_unmount(sb);
		sb->root = NULL;
		if (root) {
			dentry_drop_tree(root);
			dentry_put(root);
			dentry_lru_purge(sb);
		}
	}
	sb_put(sb);
}

struct mount *mount_alloc(struct super_block *sb, struct dentry *root, u32 flags, const char *source)
{
	struct mount *m = knew(struct mount);

	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : "none");
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	object_init(&m->obj, mount_release);
	object_get(&sb->obj);
	sb->mounts++;
	m->sb = sb;
	m->root = dentry_get(root);
	m->flags = flags;
	m->id = ++kernel()->next_mount_id;
	list_init(&m->child_node);
	list_init(&m->children);
	list_init(&m->ns_node);
	list_init(&m->attached_node);
	list_init(&m->peers);
	list_init(&m->slaves);
	list_init(&m->slave_node);
	list_init(&m->made_node);
	return m;
}

int mount_of_sb(struct super_block *sb, struct dentry *root, u32 flags, const char *source,
		struct mount **out)
{
	*out = mount_alloc(sb, root, flags, source);
	return *out ? 0 : -ENOMEM;
}

int mount_new(const char *fs_type, const struct mount_options *opt, u32 mnt_flags, struct mount **out)
{
	const struct fs_type *type = fs_type_find(fs_type);
	struct super_block *sb;
	int err;

	if (!type)
		return -ENODEV;
	err = type->mount(type, opt, &sb);
	if (err)
		return err;
	if (!sb->subtype && !strncmp(fs_type, "fuse.", 5)) {
		sb->subtype = kstrdup(fs_type + 5);
		err = sb->subtype ? 0 : -ENOMEM;
	}
	if (!err)
		err = mount_of_sb(sb, sb->root, mnt_flags, opt->source, out);
	sb_put(sb); /* the mount's own reference keeps it */
	return err;
}

/* ---- in the tree ---- */

void mount_ns_changed(struct mount_ns *ns)
{
	ns->generation++;
	wake_up_all(&ns->poll, 0);
}

/* One mount; its reference goes along. */
static void change_ns(struct mount *m, struct mount_ns *ns)
{
	struct mount_ns *old = m->ns;

	if (ns && !old)
		mount_get(m);
	if (old) {
		list_del_init(&m->ns_node);
		old->count--;
	}
	if (ns) {
		list_add_tail(&m->ns_node, &ns->mounts);
		ns->count++;
		m->detached = false;
	}
	m->ns = ns;
	if (old && !ns)
		mount_put(m);
}

void mount_set_ns(struct mount *m, struct mount_ns *ns)
{
	struct mount_ns *old = m->ns;
	struct mount *p;

	mount_get(m);
	for (p = m; p; p = mount_next(p, m)) /* out of all namespaces go single mounts only */
		change_ns(p, ns);
	mount_put(m);
	if (old)
		mount_ns_changed(old);
	if (ns)
		mount_ns_changed(ns);
}

void mount_link(struct mount *m, struct mount *parent, struct dentry *at)
{
	m->parent = mount_get(parent);
	set_point(m, dentry_get(at));
	list_add_tail(&m->child_node, &parent->children);
	mount_set_ns(m, parent->ns);
}

void mount_unlink(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *at = m->mountpoint;

	list_del_init(&m->child_node);
	m->parent = NULL;
	set_point(m, NULL);
	dentry_put(at);
	mount_put(parent);
}

/* Takes m and everything mounted below it out of its namespace, each from its parent, leaves first. */
void mount_detach_tree(struct mount *m)
{
	struct mount *at = mount_get(m), *up;
	bool last = false;

	while (!last) {
		if (!list_empty(&at->children)) {
			at = mount_get(list_first_entry(&at->children, struct mount, child_node));
			continue;
		}
		last = at == m;
		up = at->parent;
		mount_make_private(at);
		mount_unlink(at);
		mount_set_ns(at, NULL);
		at->detached = true;
		mount_put(at);
		at = up;
	}
}

int mount_attach(struct mount *m, struct path *at)
{
	if (mode_is_dir(at->dentry->inode->attr.mode) != mode_is_dir(m->root->inode->attr.mode))
		return -ENOTDIR;
	if (at->dentry->unhashed)
		return -ENOENT;
	if (!(m->flags & MNT_NOATIME))
		m->flags |= MNT_RELATIME;
	mount_link(m, at->mnt, at->dentry);
	return 0;
}

struct mount *mount_on(struct mount *m, struct dentry *d)
{
	struct mount *c, *top = NULL;

	list_for_each_entry (c, &m->children, child_node)
		if (c->mountpoint == d)
			top = c;
	return top;
}

/* ---- mount points that go ---- */

bool mount_here(const struct dentry *d)
{
	struct mount *m;

	if (d->mount_count)
		list_for_each_entry (m, &vfs()->attached, attached_node)
			if (m->mountpoint == d && mount_is_ours(m))
				return true;
	return false;
}

static bool point_is_gone(const struct mount *m, const struct dentry *removed)
{
	return removed ? m->mountpoint == removed
		       : is_mortal(m->mountpoint) && m->mountpoint->ops->gone(m->mountpoint);
}

static void detach_gone(const struct dentry *removed)
{
	struct mount *m;
	bool again;

	do {
		again = false;
		list_for_each_entry (m, &vfs()->attached, attached_node)
			if (point_is_gone(m, removed)) {
				mount_get(m);
				mount_detach_tree(m);
				mount_put(m);
				again = true; /* others may have gone along: from the start */
				break;
			}
	} while (again);
}

void mounts_detach_from(struct dentry *d)
{
	if (d->mount_count)
		detach_gone(d);
}

void mounts_sweep(void)
{
	if (vfs()->mortal_mounts)
		detach_gone(NULL);
}

struct mount *mount_find(const struct mount_ns *ns, u64 id)
{
	struct mount *m;

	list_for_each_entry (m, &ns->mounts, ns_node)
		if (m->id == id)
			return m;
	return NULL;
}

/* ---- copies ---- */

static struct mount *copy_one(struct mount *m, struct dentry *root)
{
	struct mount *copy = mount_alloc(m->sb, root, m->flags, m->source);

	if (copy) {
		copy->unbindable = m->unbindable;
		mount_join(copy, m);
	}
	return copy;
}

/* Copies of what is mounted in m below the root of its copy `top`, attached there. */
static int copy_children(struct mount *m, struct mount *top, u32 flags)
{
	struct mount *src = m, *dst = top, *p = mount_next(m, m), *copy;

	while (p) {
		while (p->parent != src) { /* out of what is done */
			src = src->parent;
			dst = dst->parent;
		}
		if (!dentry_is_ancestor(dst->root, p->mountpoint) || (p->unbindable && !(flags & BIND_ALL))) {
			p = mount_skip(p, m);
			continue;
		}
		copy = copy_one(p, p->root);
		if (!copy)
			return -ENOMEM;
		mount_link(copy, dst, p->mountpoint);
		mount_put(copy); /* its namespace counts it */
		if (!list_empty(&p->children)) {
			src = p;
			dst = copy;
		}
		p = mount_next(p, m);
	}
	return 0;
}

/* The copy is in an anonymous namespace, which counts its mounts: the root is given, the namespace's
 * reference too. */
int mount_copy_tree(struct mount *m, struct dentry *root, u32 flags, struct user_ns *owner,
		    struct mount_ns **out)
{
	struct mount *top = copy_one(m, root);
	struct mount_ns *ns;
	int err;

	if (!top)
		return -ENOMEM;
	ns = mount_ns_new(owner, top);
	if (!ns)
		return -ENOMEM;
	ns->anonymous = true;
	err = flags & BIND_RECURSIVE ? copy_children(m, top, flags) : 0;
	if (err)
		mount_ns_put(ns);
	else
		*out = ns;
	return err;
}

/* ---- namespaces ---- */

static void mount_ns_release(struct object *obj)
{
	struct mount_ns *ns = container_of(obj, struct mount_ns, common.obj);
	struct mount *root = ns->root;

	if (root) {
		if (root->ns == ns)
			mount_detach_tree(root);
		mount_put(root);
	}
	ns_common_end(&ns->common);
	kfree(ns);
}

struct mount_ns *mount_ns_new(struct user_ns *owner, struct mount *root)
{
	struct mount_ns *ns = knew(struct mount_ns);

	if (!ns) {
		mount_put(root);
		return NULL;
	}
	object_init(&ns->common.obj, mount_ns_release);
	ns->common.type = LINUX_CLONE_NEWNS;
	ns->common.ino = ns_next_ino();
	ns->common.owner = user_ns_get(owner);
	list_init(&ns->mounts);
	wait_queue_init(&ns->poll);
	ns->root = root;
	mount_set_ns(root, ns);
	return ns;
}

struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
	object_get(&ns->common.obj);
	return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
	if (ns)
		object_put(&ns->common.obj);
}

/* The copy of mount `old` in the tree of copies below `copy`, which has the same shape. */
static struct mount *find_copy(struct mount *tree, struct mount *copy, const struct mount *old)
{
	struct mount *a = tree, *b = copy;

	for (; a && b; a = mount_next(a, tree), b = mount_next(b, copy))
		if (a == old)
			return b;
	return NULL;
}

int mount_ns_copy(struct mount_ns *ns, struct user_ns *owner, struct path *root, struct path *cwd,
		  struct mount_ns **out)
{
	struct path *move[2] = {root, cwd};
	struct mount_ns *copy;
	int err = mount_copy_tree(ns->root, ns->root->root, BIND_RECURSIVE | BIND_ALL, owner, &copy);

	if (err)
		return err;
	copy->anonymous = false;
	for (int i = 0; i < 2; i++) {
		struct mount *m = move[i] ? find_copy(ns->root, copy->root, move[i]->mnt) : NULL;
		if (m)
			path_set(move[i], m, move[i]->dentry);
	}
	*out = copy;
	return 0;
}

/* ---- boot ---- */

static const struct fs_type anon_fs_type = {.name = "anon_inodefs", .magic = 0x09041934};

int vfs_init(void)
{
	struct kernel *k = kernel();
	struct super_block *sb;
	struct inode *root;

	k->vfs = knew(struct vfs_state);
	if (!k->vfs)
		return -ENOMEM;
	dcache_init(k->vfs);
	list_init(&k->vfs->attached);
	list_init(&k->vfs->lock_waiters);
	list_init(&k->vfs->watches);
	list_init(&k->vfs->locked);
	list_init(&k->vfs->inotifies);
	list_init(&k->vfs->fanotify_groups);
	sb = sb_new(&anon_fs_type, SB_DCACHE_TRUTH, NULL);
	root = sb ? inode_new(sb, LINUX_S_IFDIR | 0500, NULL, NULL) : NULL;
	if (!root || sb_set_root(sb, root))
		return -ENOMEM;
	k->vfs->anon = mount_alloc(sb, sb->root, 0, NULL);
	return k->vfs->anon ? 0 : -ENOMEM;
}
