/*
 * vfs_priv.h - what the files of vfs/ share: the dentry cache's state, the walk, and the directory lock.
 */
#ifndef WARREN_VFS_PRIV_H
#define WARREN_VFS_PRIV_H

#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/sysctl.h"
#include "sandbox/kernel/task.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"
#include "sandbox/vfs/vfs.h"

#define DCACHE_BUCKETS 16384U
#define SYMLINKS_MAX   40
#define NAME_MAX_LEN   255U
#define PATH_MAX_SIZE  4096U

struct vfs_state {
	struct list_head buckets[DCACHE_BUCKETS];
	struct dentry_lru lru;         /* of all file systems that have none of their own */
	struct mount *anon;            /* the mount of files without a name */
	struct list_head lock_waiters; /* locks.c: POSIX locks being waited for */
	u64 last_table_id;             /* fd_table.id */
	struct list_head watches;      /* notify.c: struct inode_watch */
	u32 notify_cookie;
	struct list_head locked; /* locks.c: struct file_lock_state */
	u64 file_count, inode_count, dentry_count;
	u64 mount_walk;            /* propagate.c */
	struct list_head attached; /* struct mount.attached_node */
	u32 mortal_mounts;         /* those of them whose mount point has dentry_ops.gone */
	u32 mount_groups;
	struct list_head inotifies; /* fs/anon/inotify.c: all instances */
	struct list_head fanotify_groups;
	u64 fanotify_marks; /* of all groups: 0, and nobody is told */
};

static inline struct vfs_state *vfs(void)
{
	return kernel()->vfs;
}

/* ---- dcache.c ---- */

void dcache_init(struct vfs_state *v);
/* A dentry that is not in the hash yet. */
struct dentry *dentry_new(struct dentry *parent, struct super_block *sb, const char *name,
			  size_t len) must_check;
void dentry_hash(struct dentry *d);
/* Gives d another name and parent (rename). Steals name. */
void dentry_move(struct dentry *d, struct dentry *new_parent, char *name, size_t len);
/* Drops every unused dentry below d, and every pin: the super_block goes. */
void dentry_drop_tree(struct dentry *d);
bool dentry_is_ancestor(const struct dentry *a, const struct dentry *d);

/* ---- namei.c ---- */

struct walk {
	struct path root, cur; /* cur counted, root borrowed */
	u32 flags;
	int links;
	bool parent_only;
	char *last; /* parent_only: the final component, in the arena */
	bool trailing_slash;
};
/* Resolves name from w->cur. On failure w->cur has been put. */
int walk_path(struct walk *w, const char *name);
/* Sets root and cur for a call with a directory descriptor. */
int walk_begin(struct walk *w, int dirfd, const char *name, u32 flags);
/* Follows the symlink `link` found in the directory w->cur: cur becomes what it names (or its parent).
 * `trailing`: it is the last component of the whole name. */
int walk_follow(struct walk *w, struct dentry *link, bool trailing);
/* As dentry_lookup; with WALK_CACHED -EAGAIN when the file system would have to be asked, with WALK_OPEN it
 * hears that the file will be opened. */
int dentry_lookup_flags(struct path *dir, const char *name, size_t len, u32 walk_flags, struct dentry **out);
void path_set(struct path *p, struct mount *m, struct dentry *d);

/* ---- open.c, nameops.c, attr.c ---- */
int mount_want_write(const struct mount *m);
int may_create(struct inode *dir, const struct mount *m);
int may_delete(struct inode *dir, const struct mount *m, const struct dentry *victim, bool is_dir);
/* The permission bits of a new object: umask, and setgid inherited from the directory. */
u32 new_mode(struct inode *dir, u32 mode);
void inode_init_owner(struct inode *inode, const struct inode *dir);

/* ---- locks.c ---- */
void locks_release_posix(struct file *f, const void *owner);
void locks_release_file(struct file *f);
void locks_free(struct inode *inode);
void lease_free(struct inode *inode);

#endif
