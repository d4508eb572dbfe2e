/*
 * gofer_priv.h - what the files of fs/gofer/ share.
 */
#ifndef WARREN_FS_GOFER_PRIV_H
#define WARREN_FS_GOFER_PRIV_H

#include "sandbox/base/arena.h"
#include "sandbox/base/tree.h"
#include "sandbox/fs/gofer/gofer.h"
#include "sandbox/vfs/listing.h"
#include "sandbox/kernel/kernel.h"

#define GOFER_CLUNK_BATCH  64U
#define GOFER_LISTINGS_MAX (4U << 20)   /* bytes of names kept of directories that nobody lists now */
#define GOFER_FDS_IDLE     8192U        /* donated descriptors kept of files that nobody has open */
#define GOFER_FDS_SHARED   64U          /* the same for cache=shared */
#define GOFER_STALE_NS     NSEC_PER_SEC /* of what cache=shared believes without asking */

struct gofer_fs {
	struct gofer_conn *conn;
	struct super_block *sb; /* borrowed: it owns this */
	struct list_head node;  /* in kernel()->gofers */
	struct tree
	    inodes;  /* struct gofer_inode by host device and inode: two names of a file are one inode */
	bool shared; /* others change the tree too */
	u64 *clunk;  /* handles to be given back with the next call */
	u32 clunk_count, clunk_capacity;
	struct list_head handles; /* struct gofer_inode.handle_node: who has one, used longest ago first */
	u32 handle_count, handle_max;
	struct dentry_lru lru;     /* its own: handles of directories go with their idle dentries */
	struct list_head listings; /* struct listing.lru_node: kept by a directory, oldest first */
	u64 listing_bytes;
	struct list_head
	    idle_fds; /* struct gofer_inode.idle_node: descriptors, but no open file; oldest first */
	u32 idle_fd_count;
	u32 xattr_changes;       /* begun and ended: an answer from before does not know of them */
	u32 xattr_questions;     /* that the gofer had to be asked: then listings say who is plain */
	struct list_head doubts; /* struct gofer_inode.doubt_node; the inodes are counted */
	bool asking;             /* somebody goes through them */
};

struct gofer_inode {
	struct tree_node node;
	struct inode *inode; /* borrowed: it owns this */
	u64 handle;          /* 0: not asked for yet, or given back; gofer_handle() asks for one */
	struct list_head handle_node;
	u32 handle_users;        /* calls under way that stand on it */
	struct dentry *alias;    /* the name by which it may be asked for; borrowed, cleared when that goes */
	u64 dev, ino;            /* the host's */
	struct host_fd *rd, *rw; /* donated so far */
	struct list_head doubt_node;
	u32 opens; /* files open on it */
	struct list_head idle_node;
	char *target;            /* of a symlink, once it is known */
	u64 checked_ns;          /* when the attributes were last asked for */
	u32 writes;              /* changes of size and times made here, to notice an answer that is older */
	bool blocks_unknown;     /* since a write */
	bool plain;              /* has no extended attributes (never known of a shared tree) */
	struct listing *listing; /* of a directory, if kept; counted */
	u32 misses;              /* names asked for one by one since its attributes were fetched at once */
	bool populated;
	bool detached; /* restored from an image although it has no name: its bytes are a memfd of ours */
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
	struct inode *inode; /* whose handle is kept meanwhile, or NULL */
};
int gofer_op_begin(struct gofer_fs *fs, struct gofer_op_buf *op, u32 size) must_check;
/* For a call about an inode, whose handle is one then. */
int gofer_op_on(struct inode *inode, struct gofer_op_buf *op, u32 size) must_check;
void gofer_op_end(struct gofer_op_buf *op);

/* The tree's root: its inode, or that of a restored file system, gets a handle. -ESTALE: it is another tree.
 */
int gofer_attach_root(struct super_block *sb) must_check;
/* The inode for what the gofer said; takes the handle over (also on failure). */
int gofer_inode_get(struct super_block *sb, u64 handle, const struct gofer_attr *a, const char *target,
		    size_t target_size, struct inode **out) must_check;
void gofer_attr_to_inode(struct inode *inode, const struct gofer_attr *a);
void gofer_handles_init(struct gofer_fs *fs);
/* The inode's handle, from the gofer; given back if it has one already. */
void gofer_handle_set(struct inode *inode, u64 handle);
/* Gives the inode's handle back, if it has one. */
void gofer_handle_unset(struct inode *inode);
/* The handles were those of a gofer that is no more. */
void gofer_handle_lost(struct inode *inode);
/* Gives a handle back, with a later call. */
void gofer_handle_drop(struct gofer_fs *fs, u64 handle);
int gofer_refresh(struct inode *inode) must_check;
/* The same, and the number of names is believed. */
int gofer_refresh_links(struct inode *inode) must_check;
/* A call that changes the inode was given up. */
void gofer_doubt(struct inode *inode);
/* One that makes, removes or changes the name d in dir; d may have an inode. */
void gofer_doubt_name(struct inode *dir, struct dentry *d);
/* Makes sure that gi(inode)->handle is one; -ESTALE if the name that led here means something else now. */
int gofer_handle(struct inode *inode) must_check;
/* The same, and it stays until it is let go: for calls that name a second inode. */
int gofer_handle_hold(struct inode *inode) must_check;
void gofer_handle_let_go(struct inode *inode);
/* `d` is a name of its inode by which the inode may be asked for. */
void gofer_alias_set(struct dentry *d);
/* It is not any more. */
void gofer_alias_clear(struct dentry *d);
/* Asks for one name; with `open` the inode comes with a descriptor for reading if it is a regular file. 0
 * with *out NULL if there is nothing. */
int gofer_walk_name(struct inode *dir, const char *name, size_t len, bool open,
		    struct inode **out) must_check;
/* A descriptor that has come with a reply; taken over. */
void gofer_keep_fd(struct inode *inode, int fd, bool write);
/* A file was opened on it, or closed. */
void gofer_opened(struct inode *inode);
void gofer_closed(struct inode *inode);
void gofer_drop_fds(struct inode *inode);
/* Has one asked so often for single names in it that all of its attributes are better fetched at once? */
bool gofer_should_populate(struct inode *dir);
/* Fetches them; d is the dentry that is being looked up. */
int gofer_populate(struct dentry *parent, struct dentry *d) must_check;
/* A directory that was just made has nothing in it. */
void gofer_listing_empty(struct inode *dir);
/* Forgets the directory's listing. */
void gofer_listing_drop(struct inode *dir);

extern const struct inode_ops gofer_file_inode_ops, gofer_dir_inode_ops;
extern const struct file_ops gofer_file_ops, gofer_dir_file_ops;
extern const struct dentry_ops gofer_dentry_ops, gofer_shared_dentry_ops;

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
