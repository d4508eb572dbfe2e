/*
 * mount.h - mounts and mount namespaces (mount_namespaces(7)).
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
	struct mount_ns *ns; /* NULL: kernel internal or detached */
	u32 flags;           /* MNT_* */
	u64 id;
	char *source; /* for /proc/mounts */
	bool detached;
};

struct mount_ns {
	struct ns_common common;
	struct mount *root; /* counted */
	struct list_head mounts;
	struct wait_queue poll; /* /proc/mounts pollers */
	u32 generation;
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
/* Attaches (steals nothing). */
int mount_attach(struct mount *m, struct path *at) must_check;
int mount_bind(struct path *from, struct path *at, bool recursive) must_check;
int mount_detach(struct mount *m, bool lazy) must_check;
/* The mount on top of a dentry in a mount, or NULL. Borrowed. */
struct mount *mount_on(struct mount *m, struct dentry *d);
/* Steps from a mount point to what is mounted there, as often as needed. */
void path_cross_down(struct path *p);
/* The file system for anonymous files and one for pipes, sockets: created at boot. */
int vfs_init(void);

#endif
