/*
 * mount.c - mounts, mount namespaces, and the list of file-system types.
 *
 * A mount covers one dentry of its parent mount. Finding what is mounted on a dentry walks the children of
 * the parent mount: they are few. A mount is counted by its children, by paths, and once by its namespace.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/dev/dev.h"
#include "sandbox/fs/devpts/devpts.h"
#include "sandbox/fs/gofer/gofer.h"
#include "sandbox/fs/proc/proc.h"
#include "sandbox/fs/tmpfs/tmpfs.h"
#include "sandbox/vfs/vfs_priv.h"

/* File systems that other parts of the sentry bring; a build without one has a hole in the list. */
extern const struct fs_type sys_fs_type;
#pragma weak sys_fs_type

static const struct fs_type *const types[] = {
    &tmpfs_fs_type, &gofer_fs_type, &dev_fs_type, &devpts_fs_type, &proc_fs_type, &sys_fs_type,
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

	for (u32 i = 0; (t = fs_type_at(i)); i++)
		if (!strcmp(t->name, name))
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

static void mount_release(struct object *obj)
{
	struct mount *m = container_of(obj, struct mount, obj);
	struct super_block *sb = m->sb;

	list_del_init(&m->child_node);
	list_del_init(&m->ns_node);
	dentry_put(m->root);
	dentry_put(m->mountpoint);
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
		}
	}
	sb_put(sb);
}

/* A detached mount that shows `root` of sb. Takes no reference over. */
static struct mount *mount_alloc(struct super_block *sb, struct dentry *root, u32 flags, const char *source)
{
	struct mount *m = knew(struct mount);

	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : sb->type->name);
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
	return m;
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
	*out = mount_alloc(sb, sb->root, mnt_flags, opt->source);
	sb_put(sb); /* the mount's own reference keeps it */
	return *out ? 0 : -ENOMEM;
}

int mount_attach(struct mount *m, struct path *at)
{
	struct mount *parent = at->mnt;

	if (mode_is_dir(at->dentry->inode->attr.mode) != mode_is_dir(m->root->inode->attr.mode))
		return -ENOTDIR;
	if (at->dentry->unhashed)
		return -ENOENT;
	m->parent = mount_get(parent);
	m->mountpoint = dentry_get(at->dentry);
	m->mountpoint->mount_count++;
	m->ns = parent->ns;
	list_add_tail(&m->child_node, &parent->children);
	if (m->ns) {
		list_add_tail(&mount_get(m)->ns_node, &m->ns->mounts);
		m->ns->generation++;
		wake_up_all(&m->ns->poll, 0);
	}
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

static int bind_one(struct mount *from, struct dentry *root, struct path *at, struct mount **out)
{
	struct mount *m = mount_alloc(from->sb, root, from->flags, from->source);
	int err = m ? mount_attach(m, at) : -ENOMEM;

	if (!err)
		*out = m; /* borrowed: the namespace counts it */
	mount_put(m);
	return err;
}

static int bind_children(struct mount *from, struct mount *to)
{
	struct mount *c, *copy;
	int err = 0;

	list_for_each_entry (c, &from->children, child_node) {
		struct path at = {to, c->mountpoint};
		if (c == to || !dentry_is_ancestor(to->root, c->mountpoint))
			continue;
		err = bind_one(c, c->root, &at, &copy);
		if (!err)
			err = bind_children(c, copy);
		if (err)
			break;
	}
	return err;
}

int mount_bind(struct path *from, struct path *at, bool recursive)
{
	struct mount *m;
	int err = bind_one(from->mnt, from->dentry, at, &m);

	return err || !recursive ? err : bind_children(from->mnt, m);
}

static void unlink_mount(struct mount *m)
{
	if (m->mountpoint)
		m->mountpoint->mount_count--;
	list_del_init(&m->child_node);
	if (m->ns) {
		m->ns->generation++;
		wake_up_all(&m->ns->poll, 0);
		list_del_init(&m->ns_node);
		m->ns = NULL;
		m->detached = true;
		mount_put(m);
	}
}

/* Takes m and everything mounted below it out of the namespace, leaves first; a guest chooses how deep it is.
 */
static void detach_tree(struct mount *m)
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
		unlink_mount(at);
		mount_put(at);
		at = up;
	}
}

int mount_detach(struct mount *m, bool lazy)
{
	if (!m->parent)
		return -EINVAL;
	/* the namespace's reference and the caller's path */
	if (!lazy && (!list_empty(&m->children) || m->obj.refs > 2))
		return -EBUSY;
	detach_tree(m);
	return 0;
}

/* ---- namespaces ---- */

static void mount_ns_release(struct object *obj)
{
	struct mount_ns *ns = container_of(obj, struct mount_ns, common.obj);

	while (!list_empty(&ns->root->children))
		detach_tree(list_first_entry(&ns->root->children, struct mount, child_node));
	ns->root->ns = NULL;
	list_del_init(&ns->root->ns_node);
	mount_put(ns->root);
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
	root->ns = ns;
	list_add_tail(&root->ns_node, &ns->mounts);
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

/* The copy of mount `old` in the tree of copies below `copy`, walking both trees side by side. */
static struct mount *find_copy(struct mount *tree, struct mount *copy, const struct mount *old)
{
	struct mount *a, *b, *found;

	if (tree == old)
		return copy;
	b = list_entry(copy->children.next, struct mount, child_node);
	list_for_each_entry (a, &tree->children, child_node) {
		if (&b->child_node == &copy->children)
			return NULL;
		found = find_copy(a, b, old);
		if (found)
			return found;
		b = list_entry(b->child_node.next, struct mount, child_node);
	}
	return NULL;
}

int mount_ns_copy(struct mount_ns *ns, struct user_ns *owner, struct path *root, struct path *cwd,
		  struct mount_ns **out)
{
	struct mount *top = mount_alloc(ns->root->sb, ns->root->root, ns->root->flags, ns->root->source);
	struct path *move[2] = {root, cwd};
	struct mount_ns *copy;
	int err;

	if (!top)
		return -ENOMEM;
	copy = mount_ns_new(owner, top);
	if (!copy)
		return -ENOMEM;
	err = bind_children(ns->root, top);
	if (err) {
		mount_ns_put(copy);
		return err;
	}
	for (int i = 0; i < 2; i++) {
		struct mount *m = move[i] ? find_copy(ns->root, top, move[i]->mnt) : NULL;
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
	wait_queue_init(&k->vfs->rename_done);
	list_init(&k->vfs->lock_waiters);
	list_init(&k->vfs->watches);
	list_init(&k->vfs->inotifies);
	sb = sb_new(&anon_fs_type, SB_DCACHE_TRUTH, NULL);
	root = sb ? inode_new(sb, LINUX_S_IFDIR | 0500, NULL, NULL) : NULL;
	if (!root || sb_set_root(sb, root))
		return -ENOMEM;
	k->vfs->anon = mount_alloc(sb, sb->root, 0, NULL);
	return k->vfs->anon ? 0 : -ENOMEM;
}
