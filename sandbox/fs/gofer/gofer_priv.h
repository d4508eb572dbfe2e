/*
 * gofer_priv.h - what the files of fs/gofer/ share.
 */
#ifndef WARREN_FS_GOFER_PRIV_H
#define WARREN_FS_GOFER_PRIV_H

#include "sandbox/base/arena.h"
#include "sandbox/base/tree.h"
#include "sandbox/fs/gofer/gofer.h"
#include "sandbox/kernel/kernel.h"

#define GOFER_CLUNK_BATCH 64U
#define GOFER_STALE_NS    NSEC_PER_SEC /* of what cache=shared believes without asking */

struct gofer_fs {
	struct gofer_conn *conn;
	struct tree
	    inodes;  /* struct gofer_inode by host device and inode: two names of a file are one inode */
	bool shared; /* others change the tree too */
	u64 *clunk;  /* handles to be given back with the next call */
	u32 clunk_count, clunk_capacity;
};

struct gofer_inode {
	struct tree_node node;
	struct inode *inode; /* borrowed: it owns this */
	u64 handle;
	u64 dev, ino;            /* the host's */
	struct host_fd *rd, *rw; /* donated so far */
	char *target;            /* of a symlink */
	u64 checked_ns;          /* when the attributes were last asked for */
	u32 writes;              /* changes of size and times made here, to notice an answer that is older */
	bool blocks_unknown;     /* since a write */
};

static inline struct gofer_fs *gofer_fs(const struct super_block *sb)
{
	return sb->private;
}

static inline struct gofer_inode *gi(const struct inode *i)
{
	return i->private;
}

static inline struct gofer_client *gofer_client_of(const struct inode *i)
{
	return &gofer_fs(i->sb)->conn->client;
}

/* A call with a buffer of its own; end it with gofer_op_end. -ENOMEM. */
struct gofer_op_buf {
	struct gofer_call call;
	void *buf;
};
int gofer_op_begin(struct gofer_fs *fs, struct gofer_op_buf *op, u32 size) must_check;
void gofer_op_end(struct gofer_op_buf *op);

/* The inode for what the gofer said; takes the handle over (also on failure). */
int gofer_inode_get(struct super_block *sb, u64 handle, const struct gofer_attr *a, const char *target,
		    size_t target_size, struct inode **out) must_check;
void gofer_attr_to_inode(struct inode *inode, const struct gofer_attr *a);
/* Gives a handle back, with a later call. */
void gofer_handle_drop(struct gofer_fs *fs, u64 handle);
int gofer_refresh(struct inode *inode) must_check;

extern const struct inode_ops gofer_file_inode_ops, gofer_dir_inode_ops;
extern const struct file_ops gofer_file_ops, gofer_dir_file_ops;
extern const struct dentry_ops gofer_shared_dentry_ops;

/* inode.c, for both tables */
int gofer_i_getattr(struct inode *inode, u32 mask);
int gofer_i_setattr(struct inode *inode, const struct attr_change *ch);
int gofer_i_readlink(struct inode *inode, char **target);
int gofer_i_open(struct inode *inode, struct file *f);
int gofer_i_statfs(struct inode *inode, struct linux_statfs *st);
s64 gofer_i_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int gofer_i_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
s64 gofer_i_listxattr(struct inode *inode, char *list, size_t size);
int gofer_i_removexattr(struct inode *inode, const char *name);
void gofer_i_evict(struct inode *inode);

#endif
