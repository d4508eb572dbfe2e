/*
 * fuse_priv.h - a connection to a file server, and what inodes and files of its tree know.
 *
 * A connection is shared by the open /dev/fuse and by the super_block; the end of either ends it: calls then
 * fail with ENOTCONN, reads of the device with ENODEV. Callers wait in their coroutines for the answer. The
 * server is a guest like any other, so nothing it says is believed: sizes, types and names are checked, and a
 * killed caller waits for nobody.
 */
#ifndef WARREN_FS_FUSE_FUSE_PRIV_H
#define WARREN_FS_FUSE_FUSE_PRIV_H

#include "sandbox/abi/fuse.h"
#include "sandbox/base/arena.h"
#include "sandbox/base/tree.h"
#include "sandbox/fs/fuse/fuse.h"
#include "sandbox/kernel/task.h"
#include "sandbox/vfs/vfs_priv.h"

#define FUSE_READ_MAX (128U << 10)

struct fuse_conn {
	struct object obj;
	struct list_head pending; /* struct fuse_req: the server has not read them */
	struct list_head sent;    /* it has, and owes an answer */
	struct wait_queue readers;
	struct wait_queue started; /* callers until FUSE_INIT is answered */
	u64 last_unique;
	struct super_block *sb; /* borrowed: its end is the connection's */
	bool mounted, ready, ended;
	u32 max_write, max_read, minor;
	u32 user_id, group_id; /* kernel ids */
	bool allow_other;
	struct pid_ns *pid_ns;   /* counted: the server's */
	struct user_ns *user_ns; /* counted */
	bool no_flush, no_fsync, no_fsyncdir, no_xattr, no_open, no_opendir, no_rename2, no_fallocate;
	bool no_create, no_lseek;
	bool dir_plus, dir_plus_auto;  /* listings with attributes; only where they seem to be wanted */
	bool posix_locks, flock_locks; /* the server keeps these */
	u64 last_file_id;
	struct tree inodes; /* struct fuse_inode by nodeid */
	u64 generation;     /* of attributes: all older ones are stale */
};

struct fuse_req {
	struct list_head node;
	u32 refs; /* the caller's and the list's */
	u64 unique;
	u8 *in;
	u32 in_size;
	void *out; /* NULL once the caller has gone */
	u32 out_room, out_least, out_size;
	s32 error;
	bool sent, done, no_reply, is_init;
	struct wait_queue wake;
};

struct fuse_inode {
	struct tree_node node;
	struct inode *inode;
	u64 nodeid, lookups;
	u64 fresh_until; /* attributes; monotonic ns */
	bool looked_at;  /* directory: names in it were asked for one by one since it was listed */
	/* A handle that came with the file's creation, for the open(2) that made it and no other. */
	bool has_handle;
	struct task *creator; /* only compared */
	u64 creator_born, creator_call;
	u64 handle;
	struct fuse_cache *cache; /* its content, while it is mapped to be written; or NULL */
};

struct fuse_file {
	u64 fh;
	bool opened;             /* the server knows fh */
	bool flocked;            /* the server keeps a flock for it */
	u64 id;                  /* names it as an owner of locks */
	struct list_head mapped; /* in fuse_cache.mapped */
};

struct fuse_part {
	const void *data;
	u32 size;
};
struct fuse_call {
	u32 op;
	u64 nodeid;
	struct fuse_part in[3];
	void *out;
	u32 out_room, out_least; /* an answer must have at least so many bytes */
};

/* conn.c */
struct fuse_conn *fuse_conn_new(void) must_check;
void fuse_conn_put(struct fuse_conn *c);
void fuse_conn_end(struct fuse_conn *c);
/* Bytes of the answer, or -errno. [sleeps] */
s64 fuse_ask(struct fuse_conn *c, const struct fuse_call *call) must_check;
/* Nobody waits for the answer. Does not sleep. */
void fuse_tell(struct fuse_conn *c, const struct fuse_call *call, bool no_reply);
int fuse_start(struct fuse_conn *c) must_check;

/* inode.c */
static inline struct fuse_inode *fuse_i(const struct inode *i)
{
	return i->private;
}
static inline struct fuse_conn *fuse_c(const struct inode *i)
{
	return i->sb->private;
}
/* The inode an answer names, counted; a lookup of it is noted. */
int fuse_inode_get(struct super_block *sb, const struct fuse_entry_out *e, struct inode **out) must_check;
struct inode *fuse_root_new(struct super_block *sb, u32 mode) must_check;
/* Brings attributes up to date, if need be or `force`d. */
int fuse_refresh(struct inode *inode, bool force) must_check;
u64 fuse_deadline(u64 sec, u32 nsec);
extern const struct inode_ops fuse_inode_ops;
/* dir.c */
int fuse_lookup(struct inode *dir, struct dentry *d);
int fuse_create(struct inode *dir, struct dentry *d, u32 mode);
int fuse_mkdir(struct inode *dir, struct dentry *d, u32 mode);
int fuse_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev);
int fuse_symlink(struct inode *dir, struct dentry *d, const char *target);
int fuse_link(struct inode *dir, struct dentry *d, struct inode *target);
int fuse_unlink(struct inode *dir, struct dentry *d);
int fuse_rmdir(struct inode *dir, struct dentry *d);
int fuse_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new_dentry,
		u32 flags);
extern const struct inode_ops fuse_dir_ops;
extern const struct dentry_ops fuse_dentry_ops;
/* cache.c */
#define FUSE_CACHE_MAX (16UL << 30) /* no file that is mapped to be written may be, or become, larger */
static inline bool fuse_too_large(const struct inode *inode, u64 size)
{
	return fuse_i(inode)->cache && size > FUSE_CACHE_MAX;
}
/* The file is mapped to be written: what backs it, reference given. [sleeps] */
int fuse_cache_map(struct file *f, struct host_fd **backing) must_check;
/* The same for mappings that do not write; NULL if there is no cache. */
struct host_fd *fuse_cache_get(const struct inode *inode);
/* Bytes, or -ENOENT if there is no cache. */
s64 fuse_cache_read(const struct inode *inode, void *buf, size_t size, u64 at) must_check;
u64 fuse_cache_size(const struct inode *inode); /* there is one */
/* The server has taken this write; has another size; has something else in that range. */
void fuse_cache_written(struct inode *inode, const void *data, size_t size, u64 at);
void fuse_cache_resize(struct inode *inode, u64 size);
int fuse_cache_reload(struct file *f, u64 at, u64 size) must_check;
/* Sends what mappings have written; the second with the inode locked. [sleeps] */
int fuse_cache_sync(struct inode *inode) must_check;
int fuse_cache_sync_locked(struct inode *inode) must_check;
/* The last reference to a file goes: true if it was mapped; its handle is then given back later. */
bool fuse_cache_file_ends(struct file *f);
void fuse_cache_drop(struct inode *inode);
/* lock.c */
int fuse_lock(struct file *f, u64 owner, struct lock_range *r, u32 how) must_check;
/* What the server is told as the owner: a table of descriptors, or, for 0, the file itself. */
u64 fuse_lock_owner(const struct fuse_file *ff, u64 owner);
/* file.c */
int fuse_open(struct inode *inode, struct file *f) must_check;
void fuse_file_close(struct file *f, u32 op);
/* Gives a file's handle back and frees ff. */
void fuse_handle_close(struct inode *inode, struct fuse_file *ff, u32 flags);
/* Reads [offset, offset + size) of the file into shm, from `at` on; less if the file has less. [sleeps] */
int fuse_fill(struct file *f, struct host_fd *shm, u64 offset, u64 size, u64 at) must_check;
/* What mappings have written: bytes or -errno. [sleeps] */
s64 fuse_write_page(struct inode *inode, u64 fh, const void *buf, u32 size, u64 offset) must_check;
/* Gives back a handle that nobody has taken over. */
void fuse_drop_handle(struct inode *inode);
extern const struct file_ops fuse_file_ops, fuse_dir_file_ops;

#endif
