/*
 * vfs.h - the virtual file system: inodes, dentries, mounts, open files, and the operations a file system
 * offers.
 *
 * As in Linux: an inode is an object with content and attributes; a dentry is a name in a directory (negative
 * if there is nothing); a super_block is one instance of a file system; a mount puts the root dentry of a
 * super_block over a dentry of another mount. A file is an open file description. Dentries are cached: the
 * dentry tree is the truth for file systems whose super_block says SB_DCACHE_TRUTH (tmpfs, devpts), and a
 * cache with revalidation for others (gofer, proc).
 *
 * Operations run in the calling task's coroutine and may sleep. The VFS checks permissions, flags, ranges,
 * mounts and limits before it calls an operation; an operation does only its own work and returns 0 or
 * -errno. Slots that are NULL mean what the comment says.
 */
#ifndef WARREN_VFS_VFS_H
#define WARREN_VFS_VFS_H

#include "sandbox/abi/stat.h"
#include "sandbox/base/host_fd.h"
#include "sandbox/base/list.h"
#include "sandbox/base/object.h"
#include "sandbox/kernel/cred.h"
#include "sandbox/kernel/wait.h"
#include "sandbox/mm/uaccess.h"

struct task;
struct file;
struct inode;
struct dentry;
struct mount;
struct mount_ns;
struct super_block;
struct file_lock_state;
struct lock_range;
struct lease_state;
struct dnotify;
struct pipe;
struct vma;
struct poll_table;
struct unix_endpoint;
struct path;
struct text_buf;
struct attr_change;
struct linux_statfs;

/* ---- inode -------------------------------------------------------------------------------------------- */

struct inode_ops {
	/* Finds `name` (one component, not . or ..) in a directory: instantiates the dentry with
	 * dentry_set_inode (inode reference stolen) or leaves it negative and returns 0. NULL: the dentry
	 * tree is the truth. */
	int (*lookup)(struct inode *dir, struct dentry *dentry);
	/* Create an entry for the negative dentry and instantiate it. NULL: -EPERM / -EROFS. */
	int (*create)(struct inode *dir, struct dentry *dentry, u32 mode);
	int (*mkdir)(struct inode *dir, struct dentry *dentry, u32 mode);
	int (*mknod)(struct inode *dir, struct dentry *dentry, u32 mode, u64 rdev);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
	int (*link)(struct inode *dir, struct dentry *dentry, struct inode *target);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	/* flags: RENAME_NOREPLACE was already checked by the VFS; RENAME_EXCHANGE swaps. The VFS moves the
	 * dentries. */
	int (*rename)(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		      struct dentry *new_dentry, u32 flags);
	/* An unnamed file (O_TMPFILE). */
	int (*tmpfile)(struct inode *dir, u32 mode, struct inode **out);
	/* The symlink's target, a fresh arena string. */
	int (*readlink)(struct inode *inode, char **target);
	/* A magic link (/proc/PID/fd/N, exe, cwd): jumps to a path instead of reading a string. References
	 * given. */
	int (*follow)(struct inode *inode, struct path *out);
	/* Brings inode->attr up to date. NULL: it always is. */
	int (*getattr)(struct inode *inode, u32 statx_mask);
	/* Applies the marked attributes (already permission-checked) and updates inode->attr. */
	int (*setattr)(struct inode *inode, const struct attr_change *change);
	/* Opens: sets up file->ops / file->private. NULL: nothing to do; inode->file_ops is used. */
	int (*open)(struct inode *inode, struct file *file);
	int (*statfs)(struct inode *inode, struct linux_statfs *st);
	s64 (*getxattr)(struct inode *inode, const char *name, void *value, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size, int flags);
	s64 (*listxattr)(struct inode *inode, char *list, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);
	/* The last reference went away. Frees private data; the VFS frees the inode. */
	void (*evict)(struct inode *inode);
};

struct inode_attr { /* as statx(2); times in ns since the epoch */
	u32 mode;   /* type and permissions, LINUX_S_IF* */
	u32 uid, gid;
	u32 nlink;
	u64 ino, size, blocks; /* 512-byte blocks */
	u32 blksize;
	u64 rdev;
	s64 atime_ns, mtime_ns, ctime_ns, btime_ns;
};

enum {
	ATTR_MODE = 1,
	ATTR_UID = 2,
	ATTR_GID = 4,
	ATTR_SIZE = 8,
	ATTR_ATIME = 16,
	ATTR_MTIME = 32,
	ATTR_CTIME = 64
};

struct attr_change {
	u32 mask; /* ATTR_* */
	u32 mode, uid, gid;
	u64 size;
	s64 atime_ns, mtime_ns, ctime_ns;
};

/* Flags of chattr(1), as far as file systems keep them. */
enum { INODE_IMMUTABLE = 1, INODE_APPEND = 2, INODE_NODUMP = 4, INODE_NOATIME = 8 };

struct posix_acl;

struct inode {
	struct object obj;
	struct super_block *sb; /* counted */
	const struct inode_ops *ops;
	const struct file_ops *file_ops; /* for files opened on it, unless open() sets others */
	struct inode_attr attr;
	void *private;
	struct file_lock_state *locks; /* vfs/locks.c */
	struct lease_state *leases;    /* vfs/lease.c */
	struct pipe *pipe;             /* FIFO: the pipe while open */
	struct unix_endpoint *unix_ep; /* bound unix socket */
	struct list_head watches;      /* inotify, vfs-wide */
	struct text *text;             /* patched call sites of a program or library, mm/callsite.c */
	u32 write_count;               /* open for writing; negative use: exec'd (ETXTBSY) */
	u32 exec_count;
	u32 read_count;           /* open for reading only; regular files */
	u32 flags;                /* INODE_* */
	struct posix_acl *acl[2]; /* access, default: vfs/acl.c; NULL if known to be none */
	bool acl_known[2];
	bool no_file_caps;      /* known to have no attribute security.capability */
	bool linkable;          /* nlink 0 but may be given a name (O_TMPFILE) */
	bool dead;              /* directory that was removed: no new entries */
	bool busy;              /* inode_lock() is held */
	struct wait_queue idle; /* those who wait for !busy */
};

/* ---- dentry ------------------------------------------------------------------------------------------- */

struct dentry_ops {
	/* Is the cached dentry (positive or negative) still right? 1 yes, 0 no (looked up anew), -errno. */
	int (*revalidate)(struct dentry *d);
	/* Does it stand for something that is gone for good (a process)? Mounts on it go then. NULL: never.
	 */
	bool (*gone)(const struct dentry *d);
	/* The dentry goes; its inode is still there. NULL: nothing to do. */
	void (*release)(struct dentry *d);
};

struct dentry {
	struct object obj;
	struct dentry *parent; /* counted; itself for a root */
	struct inode *inode;   /* counted; NULL = negative */
	struct super_block *sb;
	const struct dentry_ops *ops;
	struct list_head children; /* dentry.sibling */
	struct list_head sibling;
	struct list_head hash_node;
	struct list_head lru_node; /* while unused and cached */
	u32 hash;
	u32 mount_count; /* mounts on it, in any namespace */
	bool unhashed;   /* deleted or detached: /proc shows " (deleted)" */
	bool want_open;  /* during a lookup: the file will be opened for reading next; during a create: opened
			  */
	bool pinned;     /* the dentry itself is the entry (SB_DCACHE_TRUTH) and must not be evicted */
	u64 cookie;      /* readdir position for SB_DCACHE_TRUTH */
	void *private;
	u32 name_len;
	char *name; /* NUL-terminated, in the arena */
};

struct path {
	struct mount *mnt;     /* counted */
	struct dentry *dentry; /* counted */
};

/* ---- super_block, mount ------------------------------------------------------------------------------- */

enum {
	SB_DCACHE_TRUTH = 1,
	SB_NODEV = 2,
	SB_READONLY = 4,
	SB_POSIXACL = 8,     /* its attributes may hold ACLs */
	SB_ACL_CHMOD = 16,   /* it changes an ACL with the mode by itself */
	SB_INODE_FLAGS = 32, /* chattr(1) */
	SB_READONLY_FOREVER = 64,
	SB_WHITEOUT = 128,           /* RENAME_WHITEOUT: it has character devices 0/0 */
	SB_SERVER_PERMISSIONS = 256, /* modes mean nothing here: who serves it decides */
	SB_FRESH_PERMISSIONS = 512,  /* modes count as they are now: they are asked for first */
	SB_NO_UMASK = 1024,          /* its server takes the umask from new modes */
};

/* Dentries that nobody uses, oldest first, and how many are kept. */
struct dentry_lru {
	struct list_head idle;
	u32 count, max;
	bool trimming;
};
#define DCACHE_MAX_IDLE 65536U /* the bound of the common list, and of a large one */
void dentry_lru_init(struct dentry_lru *lru, u32 max);
/* Frees the oldest `count` of them. */
void dentry_lru_shrink(struct dentry_lru *lru, u32 count);
struct super_block;
/* Frees all unused ones of a file system, also those below directories that are gone from its tree. */
void dentry_lru_purge(struct super_block *sb);

struct super_block {
	struct object obj;
	const struct fs_type *type;
	struct dentry *root; /* counted */
	u64 dev;             /* st_dev */
	u32 flags;
	u32 writers;     /* files open for writing */
	u32 mounts;      /* mounts of it; at the last the tree of dentries goes */
	u32 stacked;     /* on how many others it stands (overlay) */
	u64 next_cookie; /* of the next entry in a SB_DCACHE_TRUTH directory */
	bool renaming;   /* a rename across its directories is under way */
	struct wait_queue rename_done;
	char *subtype; /* of "fuse.NAME" the NAME; NULL: none */
	const struct dentry_ops *dentry_ops;
	struct dentry_lru *lru; /* of its own, or NULL: the common one */
	void *private;
	void (*kill)(struct super_block *sb); /* last mount and inode gone: free private */
};

struct mount_options { /* what mount(2)'s data string and the container's configuration say */
	const char *source;
	const char *data; /* "size=64m,mode=1777" */
	void *extra;      /* file system specific (gofer: its connection) */
};

struct fs_type {
	const char *name;
	u64 magic; /* statfs f_type */
	int (*mount)(const struct fs_type *type, const struct mount_options *opt, struct super_block **out);
	/* Are these options ones it would take (fsconfig)? NULL: it takes none. */
	int (*check_options)(const char *data);
	/* New options for what is mounted. NULL: none may be given. */
	int (*reconfigure)(struct super_block *sb, const char *data);
	/* Writes everything to where it lasts (syncfs). NULL: memory, nothing to do. [sleeps] */
	int (*sync)(struct super_block *sb);
	/* ",size=64k" for /proc/mounts. May be NULL. */
	void (*show_options)(struct super_block *sb, struct text_buf *b);
};

enum {
	MNT_READONLY = 1,
	MNT_NOSUID = 2,
	MNT_NODEV = 4,
	MNT_NOEXEC = 8,
	MNT_NOATIME = 16,
	MNT_RELATIME = 32,
	MNT_NODIRATIME = 64,
	MNT_NOSYMFOLLOW = 128,
	MNT_ATIME = MNT_NOATIME | MNT_RELATIME | MNT_NODIRATIME,
};

/* All file system types: a constant table in vfs/mount.c. */
const struct fs_type *fs_type_find(const char *name);
/* The index-th of them, NULL after the last (/proc/filesystems). */
const struct fs_type *fs_type_at(u32 index);

/* vfs/mount.h has struct mount, struct mount_ns and their calls. */

/* ---- files -------------------------------------------------------------------------------------------- */

struct dir_context { /* getdents: the directory calls emit for each entry */
	/* true: taken; false: no more room, stop. `next_pos` is the position to continue after this entry. */
	bool (*emit)(struct dir_context *ctx, const char *name, size_t name_len, u64 ino, u8 d_type,
		     u64 next_pos);
	u64 pos; /* where to start; set to where to go on */
};

#define FILE_MMAP_NO_WRITE 1
struct file_ops {
	/* Move data at *pos (the file's own position, or pread's) and advance *pos. Objects without positions
	 * ignore it. Return bytes, 0 at end, -errno; -EAGAIN only if file->flags has O_NONBLOCK or `nowait`.
	 */
	s64 (*read)(struct file *f, struct uio *dst, u64 *pos);
	s64 (*write)(struct file *f, struct uio *src, u64 *pos);
	/* Ready events now (EPOLLIN|…), and through poll_wait(pt, queue) where later ones come from. NULL:
	 * always readable and writable. pt may be NULL. */
	u32 (*poll)(struct file *f, struct poll_table *pt);
	s64 (*ioctl)(struct file *f, u32 cmd, u64 arg);
	/* NULL: the VFS's generic seek over attr.size; -ESPIPE for FMODE_NOSEEK. */
	s64 (*llseek)(struct file *f, s64 offset, int whence);
	/* What a mapping of it maps: a host descriptor (reference given) for [offset, offset+size) at
	 * *host_offset. `writable_shared` asks for one that may be written. NULL: -ENODEV. A file that is
	 * mapped only by private copies may set *backing NULL and fill anonymous memory itself: not used at
	 * present. */
	/* FILE_MMAP_NO_WRITE: mapped, but it may never become writable (a seal). */
	int (*mmap)(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		    u64 *host_offset);
	int (*readdir)(struct file *f, struct dir_context *ctx);
	/* For character devices: called with file->mode and flags set; may set other ops. NULL: fine. */
	int (*open)(struct file *f);
	int (*fsync)(struct file *f, bool data_only);
	int (*fallocate)(struct file *f, int mode, u64 offset, u64 size);
	/* A descriptor of it was closed (close(2), even if others remain); `owner` (fd_table.id) loses its
	 * POSIX locks. */
	int (*flush)(struct file *f, u64 owner);
	/* It keeps locks itself (locks.h: LOCK_CALL_*, owner 0 is the file). -ENOSYS: it does not, the VFS
	 * shall. NULL: the VFS. [sleeps] */
	int (*lock)(struct file *f, u64 owner, struct lock_range *r, u32 how);
	/* The last reference went. */
	void (*release)(struct file *f);
	/* Extra lines for /proc/PID/fdinfo; returns length. NULL: none. */
	size_t (*fdinfo)(struct file *f, char *buf, size_t size);
	/* A read or write is one whole message, of at most so many bytes: splice(2) may not cut it. 0: a
	 * stream. */
	u32 message_max;
};

enum {
	FMODE_READ = 1,
	FMODE_WRITE = 2,
	FMODE_NOSEEK = 4,   /* pipes, sockets, ttys: lseek and pread are ESPIPE */
	FMODE_PATH = 8,     /* O_PATH */
	FMODE_STREAM = 16,  /* read/write need no position lock */
	FMODE_NONOTIFY = 32 /* what is done with it makes no events: fanotify's own */
};

struct file {
	struct object obj;
	const struct file_ops *ops;
	struct path path;    /* both set; anonymous files live on the anon mount */
	struct inode *inode; /* counted (= path.dentry->inode normally) */
	u32 mode;            /* FMODE_* */
	u32 flags;           /* O_* status flags as F_GETFL shows them */
	u64 pos;
	void *private;
	struct pid *owner; /* F_SETOWN */
	int owner_signal;
	bool owner_is_group, owner_is_thread;
	struct cred *cred;            /* of the opener, counted */
	struct list_head epoll_items; /* struct epoll_item.file_node: removed when the file is released */
	struct fasync *fasync;        /* O_ASYNC: vfs/fasync.c */
	struct dnotify *dnotify;      /* vfs/dnotify.c */
	u32 open_flags;               /* as given to open(2): O_NOCTTY and what F_GETFL does not show */
	bool pos_busy;                /* file_pos_lock() is held; waiters are with inode->idle */
	bool counted_write;           /* in inode->write_count */
	bool counted_read;            /* in inode->read_count */
};

static inline struct file *file_get(struct file *f)
{
	object_get(&f->obj);
	return f;
}
static inline void file_put(struct file *f)
{
	if (f)
		object_put(&f->obj);
}
static inline struct inode *inode_get(struct inode *i)
{
	object_get(&i->obj);
	return i;
}
static inline void inode_put(struct inode *i)
{
	if (i)
		object_put(&i->obj);
}
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
void path_get(struct path *p);
void path_put(struct path *p);
static inline void filep_put(struct file **f)
{
	file_put(*f);
}

/* An open file on a path (references taken) with an inode's or given ops. */
struct file *file_new(struct path *path, struct inode *inode, const struct file_ops *ops,
		      u32 o_flags) must_check;
/* A file with no name in any tree (pipe, socket, eventfd…): "anon_inode:[name]" or "pipe:[ino]". mode_type =
 * LINUX_S_IFIFO / S_IFSOCK / 0. `private` is handed to ops->release. */
struct file *anon_file_new(const char *name, const struct file_ops *ops, void *private, u32 o_flags,
			   u32 mode_type) must_check;

/* A path to a fresh inode on the same mount, called `label` (nsfs). `private` becomes the inode's; it is for
 * ops->evict, also when this fails. */
int anon_path_new(const char *label, u32 mode, const struct inode_ops *ops, u64 ino, void *private,
		  struct path *out) must_check;

/* ---- poll --------------------------------------------------------------------------------------------- */
struct poll_table {
	void (*queue)(struct poll_table *pt, struct wait_queue *q);
};
static inline void poll_wait(struct poll_table *pt, struct wait_queue *q)
{
	if (pt && pt->queue)
		pt->queue(pt, q);
}
/* lseek(2). */
/* llseek of eventfd and the like: succeeds without going anywhere. */
static inline s64 noop_llseek(struct file *f, s64 offset, int whence)
{
	return (s64)f->pos;
}
s64 vfs_llseek(struct file *f, s64 offset, int whence) must_check;
u32 file_poll(struct file *f, struct poll_table *pt);

/* ---- helpers for file systems ------------------------------------------------------------------------- */

/* A fresh inode of sb with ops; attr zeroed but ino (next), times (now), uid/gid (current fsuid/fsgid),
 * nlink 1. */
struct inode *inode_new(struct super_block *sb, u32 mode, const struct inode_ops *ops,
			const struct file_ops *fops) must_check;
struct super_block *sb_new(const struct fs_type *type, u32 flags, void *private) must_check;
void sb_put(struct super_block *sb);
/* "fuse.NAME", as /proc/mounts shows it. */
void sb_put_type(const struct super_block *sb, struct text_buf *b);
/* Can its inodes be named by handles? What lives only in a process or for a moment cannot. */
bool sb_has_handles(const struct super_block *sb);
/* Makes `inode` (stolen) the root of sb. */
int sb_set_root(struct super_block *sb, struct inode *inode) must_check;
/* Instantiates a negative dentry; steals the inode reference. Pins it when the dentry tree is the truth. */
void dentry_set_inode(struct dentry *d, struct inode *inode);
/* For building trees (proc, dev): a positive, hashed, pinned child. The inode is stolen. */
struct dentry *dentry_add_child(struct dentry *parent, const char *name, struct inode *inode) must_check;
/* Cached child or NULL (no lookup). Reference taken. */
struct dentry *dentry_lookup_cached(struct dentry *parent, const char *name, size_t len);
/* A new child dentry, negative, hashed. Reference given. */
struct dentry *dentry_alloc(struct dentry *parent, const char *name, size_t len) must_check;
/* One coroutine at a time looks up or changes the entries of a directory, or writes a file. [sleeps] */
void inode_lock(struct inode *inode);
/* The same, but a task that is killed gives up when the holder waits long, for a gofer or a FUSE server:
 * -ERESTARTSYS. What is half done and must come to an end takes inode_lock(). */
int inode_lock_killable(struct inode *inode) must_check;
void inode_unlock(struct inode *inode);
/* The position of an open regular file or directory, from its use in a call to its change at the end: who
 * shares the file waits. Taken before inode_lock(). 0 or -ERESTARTSYS (killed). [sleeps] */
int file_pos_lock(struct file *f) must_check;
void file_pos_unlock(struct file *f);
/* Takes d out of its directory without saying that it was deleted. */
void dentry_unhash(struct dentry *d);
/* Unlinks from the cache: the name is gone. */
void dentry_delete(struct dentry *d);
/* Forgets all unused cached children (after a change behind our back). */
void dentry_forget_children(struct dentry *d);
/* readdir over the dentry tree, with . and .. — for SB_DCACHE_TRUTH file systems. */
int dcache_readdir(struct file *f, struct dir_context *ctx);
bool dir_emit_dots(struct file *f, struct dir_context *ctx); /* positions 0 and 1 */

/* Files whose content is a text made at open or at each read from 0 (proc, sys). */
struct text_buf {
	char *data;
	size_t size, capacity;
	bool failed; /* out of memory: read gives -ENOMEM */
	bool stale;  /* not made yet */
	u64 seen;    /* generation */
};
void text_printf(struct text_buf *b, const char *fmt, ...) printf_like(2, 3);
void text_append(struct text_buf *b, const void *data, size_t size);
/* file_ops for it: inode->private is a `const struct text_file *`-like object the file system defines; show
 * is called once per open at the first read, and again after a seek to 0. */
struct text_file_ops {
	int (*show)(struct inode *inode, struct text_buf *b);
	/* NULL: -EACCES. One write call's bytes, at most a page. */
	s64 (*store)(struct inode *inode, const char *data, size_t size);
	/* Instead of store: for who needs to know who opened it. May change `data`, which ends with a 0. */
	s64 (*store_file)(struct file *f, char *data, size_t size);
	/* A number that changes with the content, and where its changes are told: poll(2) then says POLLPRI
	 * and POLLERR once for each. NULL: nobody can wait. */
	u64 (*generation)(struct inode *inode, struct poll_table *pt);
};
extern const struct file_ops text_file_ops_generic;
/* What a file system that has inode operations of its own for text files puts into them. */
int text_inode_open(struct inode *inode, struct file *f);
void text_inode_evict(struct inode *inode);
const struct text_file_ops *inode_text_ops(struct inode *inode);
void *inode_text_private(struct inode *inode); /* what was given to inode_new_text */
/* free_private, if not NULL, gets `private` when the inode goes (not if this fails). */
struct inode *inode_new_text(struct super_block *sb, u32 mode, const struct text_file_ops *ops, void *private,
			     void (*free_private)(void *private)) must_check;

/* Character devices: major/minor to file_ops; a constant table in fs/dev. */
const struct file_ops *chrdev_ops(u64 rdev);

/* Copies the marked attributes (except the size) into inode->attr: what most setattrs end with. */
void inode_apply_attr(struct inode *inode, const struct attr_change *change);

/* Marks times: a read, a change of content, a change of attributes. */
void inode_touch_atime(struct file *f);
void inode_touch_mtime(struct inode *i);
void inode_touch_ctime(struct inode *i);
s64 time_now_ns(void); /* realtime */

/* Somebody who wants to hear of events on an inode (inotify); counts the inode. event() must not sleep. */
struct inode_watch {
	struct list_head node;     /* in inode->watches */
	struct list_head all_node; /* in vfs_state.watches */
	struct inode *inode;       /* counted */
	/* `name` is the entry's when the inode is the directory, else NULL. `unlinked`: the entry has no name
	 * any more. After IN_IGNORED the watch is gone and must not be touched. */
	void (*event)(struct inode_watch *w, u32 mask, u32 cookie, const char *name, size_t name_len,
		      bool unlinked);
};
void inode_watch_add(struct inode_watch *w, struct inode *inode);
void inode_watch_remove(struct inode_watch *w);

/* Something happened (LINUX_IN_*, LINUX_FAN_OPEN_EXEC): to p's inode, told to its watches and those of its
 * directory. Cheap when nobody watches. */
void vfs_notify(const struct path *p, u32 mask);
/* The same for what was done with a file; nothing if it is one that makes no events. */
void vfs_notify_file(const struct file *f, u32 mask);
/* To the inode alone; to an entry of a directory (`ino`: what it names). */
void vfs_notify_self(struct inode *inode, u32 mask);
void vfs_notify_entry(struct inode *dir, u32 mask, u32 cookie, const char *name, size_t name_len, u64 ino);
/* Both sides of a rename as one event. */
void vfs_notify_rename(struct inode *dir, const char *name, struct inode *new_dir, const char *new_name,
		       struct inode *moved);
/* The last name went, or the file system: every watch hears `mask` and IN_IGNORED and is removed. */
void vfs_notify_end(struct inode *inode, u32 mask);
void vfs_notify_unmount(struct super_block *sb);
/* Joins IN_MOVED_FROM and IN_MOVED_TO. */
u32 vfs_notify_cookie(void);

/* A change of content or owner takes file capabilities away. */
void inode_kill_caps(struct inode *inode);

#endif
