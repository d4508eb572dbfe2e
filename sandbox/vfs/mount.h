/*
 * mount.h - mounts and mount namespaces (mount_namespaces(7)).
 *
 * A mount shows the tree below a dentry of a super_block over a dentry of its parent mount. Every mount that
 * can be seen is in a namespace, which counts it; a tree that nobody has attached yet (fsmount, open_tree) is
 * in an anonymous namespace that its file holds.
 */
#ifndef WARREN_VFS_MOUNT_H
#define WARREN_VFS_MOUNT_H

#include "sandbox/kernel/ns.h"
#include "sandbox/vfs/vfs.h"

struct mount {
	struct object obj;
	struct super_block *sb;    /* counted */
	struct dentry *root;       /* counted: what appears at the mount point (bind mounts: any dentry) */
	struct mount *parent;      /* counted; NULL for the namespace's root and kernel-internal mounts */
	struct dentry *mountpoint; /* counted */
	struct list_head child_node, children;
	struct list_head ns_node;
	struct list_head attached_node; /* of all that have a mount point */
	struct mount_ns *ns;            /* NULL: kernel internal or detached */
	u32 flags;                      /* MNT_* */
	u64 id;
	char *source; /* for /proc/mounts */
	bool detached;
	bool expiring; /* umount2(MNT_EXPIRE) has been asked once */
	u32 writers;   /* files open for writing through it */

	/* propagation: vfs/propagate.c */
	u32 group;                   /* of peers; 0: none */
	struct list_head peers;      /* a ring through the group */
	struct mount *master;        /* borrowed: leaves its slaves to another when it goes */
	struct list_head slaves;     /* of this one: struct mount.slave_node */
	struct list_head slave_node; /* in master->slaves */
	bool unbindable;
	u64 visited; /* by the walk of that number */
	struct list_head made_node;
};

struct mount_ns {
	struct ns_common common;
	struct mount *root; /* counted */
	struct list_head mounts;
	u32 count;
	struct wait_queue poll; /* /proc/mounts pollers */
	u32 generation;
	bool anonymous; /* of a tree that is not attached */
};
/* Steals root, also on failure. `owner` is counted. */
struct mount_ns *mount_ns_new(struct user_ns *owner, struct mount *root) must_check;
/* CLONE_NEWNS: a copy of all mounts; root and cwd (NULL: there are none) are moved to the copies. */
int mount_ns_copy(struct mount_ns *ns, struct user_ns *owner, struct path *root, struct path *cwd,
		  struct mount_ns **out) must_check;
struct mount_ns *mount_ns_get(struct mount_ns *ns);
void mount_ns_put(struct mount_ns *ns);
struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);

/* A detached mount of a new instance of a file system. */
int mount_new(const char *fs_type, const struct mount_options *opt, u32 mnt_flags,
	      struct mount **out) must_check;
/* A detached mount of what an existing super_block has at `root`. */
int mount_of_sb(struct super_block *sb, struct dentry *root, u32 mnt_flags, const char *source,
		struct mount **out) must_check;
/* Attaches m (and what is mounted below it) for the kernel itself: no checks, no propagation. */
int mount_attach(struct mount *m, struct path *at) must_check;
/* The mount on top of a dentry in a mount, or NULL. Borrowed. */
struct mount *mount_on(struct mount *m, struct dentry *d);
/* A mount on d in the current task's namespace? */
bool mount_here(const struct dentry *d);
/* What is mounted on d goes, in whatever namespace: d was removed. */
void mounts_detach_from(struct dentry *d);
/* What is mounted on dentries that stand for nothing any more goes (dentry_ops.gone). Cheap if there is none.
 */
void mounts_sweep(void);
/* Steps from a mount point to what is mounted there, as often as needed. */
void path_cross_down(struct path *p);
/* What statx and statmount call a mount: never used again, and never a number of mountinfo. */
#define MOUNT_ID_OFFSET (1ULL << 31)
static inline u64 mount_unique_id(const struct mount *m)
{
	return MOUNT_ID_OFFSET + m->id;
}
/* Finds a mount of a namespace by its id. Borrowed. */
struct mount *mount_find(const struct mount_ns *ns, u64 id);

/* ---- what the calls do (vfs/mount_ops.c); all check what Linux checks but CAP_SYS_ADMIN. [sleep] ---- */

enum { BIND_RECURSIVE = 1, BIND_ALL = 2 /* unbindable ones too */ };
/* A copy of the tree that `from` shows. *out is in no namespace. */
int mount_clone(const struct path *from, u32 flags, struct mount **out) must_check;
/* Attaches a tree that is in no namespace, or in an anonymous one, and tells the peers of `at`. */
int mount_graft(struct mount *m, struct path *at) must_check;
int mount_move(struct path *from, struct path *at) must_check;
int mount_beneath(struct path *from, struct path *at) must_check;
int mount_set_group(struct path *from, struct path *to) must_check;
int mount_bind(struct path *from, struct path *at, bool recursive) must_check;
/* umount2(2); p is put. */
int mount_umount(struct path *p, u32 flags) must_check;
int mount_pivot_root(struct path *new_root, struct path *put_old) must_check;
/* MS_SHARED and so on, for one mount or the tree. */
enum propagation { PROPAGATE_SHARED, PROPAGATE_PRIVATE, PROPAGATE_SLAVE, PROPAGATE_UNBINDABLE };
void mount_set_propagation(struct mount *m, enum propagation type, bool recursive);
/* Per-mount flags, all or nothing: those of `mask` become those of `flags`. -EBUSY: files are open for
 * writing. */
int mount_set_flags(struct mount *m, u32 mask, u32 flags, bool recursive) must_check;
/* The super_block's options. */
int mount_reconfigure(struct mount *m, bool read_only, const char *data) must_check;
/* Is it in the current task's namespace? */
bool mount_is_ours(const struct mount *m);
/* A file that holds a tree nobody has attached (fsmount, open_tree); steals m, which is in no namespace. */
int mount_file(struct mount *m, struct file **out) must_check;

/* ---- propagation (vfs/propagate.c) ---- */

static inline bool mount_is_shared(const struct mount *m)
{
	return m->group != 0;
}
void mount_make_private(struct mount *m);
void mount_change_propagation(struct mount *m, enum propagation type);
/* `copy` of `m`: of its group and master, too. */
void mount_join(struct mount *copy, struct mount *m);
/* Attaches copies of the tree m wherever what is mounted at (parent, mountpoint) has to appear. */
int mount_propagate(struct mount *m, struct mount *parent, struct dentry *mountpoint) must_check;
/* Calls fn for each mount that m's going takes along, until it returns not 0. */
int mount_propagated(struct mount *m, int (*fn)(struct mount *m));

/* The file system for anonymous files and one for pipes, sockets: created at boot. */
int vfs_init(void);

#endif
