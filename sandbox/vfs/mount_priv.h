/*
 * mount_priv.h - what mount.c, mount_ops.c and propagate.c share: the tree of mounts itself.
 */
#ifndef WARREN_VFS_MOUNT_PRIV_H
#define WARREN_VFS_MOUNT_PRIV_H

#include "sandbox/vfs/vfs_priv.h"

struct mount *mount_alloc(struct super_block *sb, struct dentry *root, u32 flags,
			  const char *source) must_check;
/* Puts m (with what is below it) under a parent; into the parent's namespace. */
void mount_link(struct mount *m, struct mount *parent, struct dentry *at);
/* Takes it off its parent; its namespace stays. The caller holds a reference. */
void mount_unlink(struct mount *m);
/* The tree's namespace, which counts each of its mounts. */
void mount_set_ns(struct mount *m, struct mount_ns *ns);
void mount_detach_tree(struct mount *m);
/* BIND_*: a copy of m from `root` on, as the root of an anonymous namespace. */
int mount_copy_tree(struct mount *m, struct dentry *root, u32 flags, struct user_ns *owner,
		    struct mount_ns **out) must_check;
/* Whose the namespaces are that hold trees for the current task. Borrowed. */
static inline struct user_ns *mount_ns_owner(void)
{
	struct task *t = current_task();

	return t && t->cred ? t->cred->user_ns : kernel()->root_user_ns;
}
/* Every mount of a tree, each before those on it; a guest chooses how deep it is, so nothing recurses. NULL
 * at the end. mount_skip leaves out what is mounted on m. */
static inline struct mount *mount_skip(struct mount *m, const struct mount *root)
{
	for (; m != root; m = m->parent)
		if (m->child_node.next != &m->parent->children)
			return list_entry(m->child_node.next, struct mount, child_node);
	return NULL;
}
static inline struct mount *mount_next(struct mount *m, const struct mount *root)
{
	if (!list_empty(&m->children))
		return list_first_entry(&m->children, struct mount, child_node);
	return mount_skip(m, root);
}
void mount_ns_changed(struct mount_ns *ns);

#endif
