/*
 * overlay_priv.h - what the files of fs/overlay/ share.
 *
 * An overlay inode stands for a file that has a real inode in the upper tree, or in one of the lower, or for
 * a directory that may be in several at once. Before the first change of anything it is copied up, its
 * directories first; from then on the upper one is the file. Names that are gone from a lower tree are
 * covered by a whiteout in the upper.
 *
 * The real trees are reached by their paths with the kernel's rights: what a caller may do is decided by the
 * overlay's own attributes, which are copies of the real ones. Nobody else may change the trees meanwhile.
 */
#ifndef WARREN_FS_OVERLAY_PRIV_H
#define WARREN_FS_OVERLAY_PRIV_H

#include "sandbox/base/tree.h"
#include "sandbox/fs/overlay/overlay.h"
#include "sandbox/vfs/listing.h"
#include "sandbox/vfs/vfs_priv.h"
#include "sandbox/vfs/xattr.h"

#define OVL_LOWER_MAX 500U
#define OVL_STACK_MAX 2U /* overlays upon each other, as Linux: each costs stack in every operation */

struct ovl {
	struct path upper; /* mnt NULL: read-only */
	struct path *lower;
	u32 lower_count;
	const char
	    *xattr; /* "trusted.overlay." or, where the upper tree keeps no such names, "user.overlay." */
	struct tree inodes;    /* struct ovl_key by real inode */
	struct list_head kept; /* struct ovl_inode.kept_node */
	bool copying;          /* one copy-up at a time */
	struct wait_queue copied;
};

struct ovl_key {
	struct tree_node node;
	const struct inode *real; /* NULL: not in the tree */
	struct inode *inode;
};

struct ovl_inode {
	struct ovl_key by_upper, by_lower;
	struct path upper;  /* mnt NULL: not copied up */
	struct path *lower; /* a directory: all; a file: the one */
	u32 lower_count;
	u64 ino;                 /* the same before and after a copy-up */
	struct dentry *alias;    /* a name of it; borrowed */
	struct listing *listing; /* of a directory: kept until it changes; counted */
	struct inode *inode;     /* this is its part of */
	u32 lower_links;         /* of a file that was copied up: names that only the lower tree has */
	u32 lower_gone;          /* of one that was not: names of the lower tree that were taken away */
	struct list_head
	    kept_node; /* a lower file with several names, copied up: its other names must find it */
};

static inline struct ovl *ovl_of(const struct super_block *sb)
{
	return sb->private;
}
static inline struct ovl_inode *oi(const struct inode *i)
{
	return i->private;
}
/* The real path that counts: the upper one if there is. */
static inline struct path *ovl_real(const struct inode *i)
{
	return oi(i)->upper.mnt ? &oi(i)->upper : &oi(i)->lower[0];
}
static inline struct inode *ovl_real_inode(const struct inode *i)
{
	return ovl_real(i)->dentry->inode;
}

/* ---- inode.c ---- */
/* The overlay inode of these paths (upper may be NULL), which are copied. */
int ovl_inode_get(struct super_block *sb, const struct path *upper, const struct path *lower, u32 lower_count,
		  u32 layer, struct inode **out) must_check;
/* One of its names, which only the lower tree has, was taken away. */
void ovl_lower_name_gone(struct inode *inode);
/* A file whose last name, of both trees, is gone: nobody will ask for it again. The caller has a reference.
 */
void ovl_forget_nameless(struct inode *inode);
/* Its upper path is known now, or another than before. */
void ovl_set_upper(struct inode *inode, const struct path *upper);
/* Gives a copied-up file one more name in the upper tree. */
int ovl_link_upper(struct inode *inode, const struct path *dir, const char *name) must_check;
/* Attributes as the real inode has them, and the names of both trees counted. */
void ovl_copy_attr(struct inode *inode);
u64 ovl_ino(u32 layer, u64 real_ino);
extern const struct inode_ops ovl_file_ops_i, ovl_dir_ops_i, ovl_special_ops_i;

/* ---- real.c: operations on the real trees, with their dentries kept right ---- */
/* The entry `name` of a real directory; its dentry may be negative. */
int real_lookup(const struct path *dir, const char *name, size_t len, struct path *out) must_check;
bool real_is_whiteout(struct super_block *sb, const struct path *p);
bool real_is_opaque(struct super_block *sb, const struct path *dir);
int real_set_opaque(struct super_block *sb, const struct path *dir) must_check;
/* Makes an object of mode's type; target for links. What is there is -EEXIST. */
int real_make(const struct path *dir, const char *name, u32 mode, u64 rdev, const char *target,
	      struct path *out) must_check;
int real_link(const struct path *dir, const char *name, struct inode *inode) must_check;
int real_remove(const struct path *dir, const char *name) must_check;
int real_rename(const struct path *od, const char *on, const struct path *nd, const char *nn,
		u32 flags) must_check;
int real_whiteout(struct super_block *sb, const struct path *dir, const char *name) must_check;
/* Opened with the kernel's rights. */
int real_open(struct path *p, u32 o_flags, struct file **out) must_check;
/* Calls emit's for all entries. */
int real_list(struct path *dir, struct dir_context *ctx) must_check;

/* ---- copyup.c ---- */
/* After it oi(inode)->upper is there. data false: the content will be thrown away. [sleeps] */
int ovl_copy_up(struct inode *inode, bool data) must_check;
/* The directory of a dentry. */
int ovl_copy_up_dir(struct inode *dir) must_check;

/* ---- lookup.c, readdir.c, nameops.c, file.c ---- */
int ovl_lookup(struct inode *dir, struct dentry *d);
/* Which lower tree a path lies in: 1 is the topmost. */
u32 ovl_layer_of(const struct ovl *o, const struct path *p);
/* Does a lower tree have the name, whatever the upper has? */
int ovl_in_lower(struct inode *dir, const char *name, size_t len, bool *found) must_check;
/* Removes what hides in a directory that shows nothing. -ENOTEMPTY. */
int ovl_clear(struct inode *dir) must_check;
void ovl_listing_drop(struct inode *dir);
extern const struct file_ops ovl_file_file_ops, ovl_dir_file_ops;
int ovl_create(struct inode *dir, struct dentry *d, u32 mode);
int ovl_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);
int ovl_symlink(struct inode *dir, struct dentry *d, const char *target);
int ovl_link(struct inode *dir, struct dentry *d, struct inode *target);
int ovl_unlink(struct inode *dir, struct dentry *d);
int ovl_rmdir(struct inode *dir, struct dentry *d);
int ovl_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags);
int ovl_tmpfile(struct inode *dir, u32 mode, struct inode **out);
int ovl_open(struct inode *inode, struct file *f);

#endif
