/*
 * namei.h - path walk and the calls by name. See path_resolution(7).
 *
 * A walk starts at the task's root, cwd or a directory descriptor, crosses mounts, follows symlinks (at most
 * 40) and never leaves the task's root. All functions act with the current task's credentials and may sleep.
 */
#ifndef WARREN_VFS_NAMEI_H
#define WARREN_VFS_NAMEI_H

#include "sandbox/vfs/vfs.h"

struct fs_context { /* CLONE_FS: shared or private */
	struct object obj;
	struct path root, cwd;
	u32 umask;
};
struct fs_context *fs_context_new(struct path *root, struct path *cwd) must_check;
struct fs_context *fs_context_dup(struct fs_context *fs) must_check;
struct fs_context *fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
/* Sets the working directory to a path looked up from the context's own root, for a process that is just
 * being made. */
int fs_context_chdir(struct fs_context *fs, const char *path) must_check;

enum {
	WALK_FOLLOW = 1,     /* follow a symlink in the last component */
	WALK_DIRECTORY = 2,  /* result must be a directory */
	WALK_EMPTY_PATH = 4, /* "" names dirfd itself (AT_EMPTY_PATH) */
	WALK_NO_XDEV = 8,
	WALK_NO_MAGICLINKS = 16,
	WALK_NO_SYMLINKS = 32,
	WALK_BENEATH = 64,
	WALK_IN_ROOT = 128, /* openat2 */
	WALK_CACHED = 256,  /* -EAGAIN rather than ask a file system */
	WALK_OPEN = 512     /* what is found will be opened for reading */
};

/* Resolves to an existing object. References in *out. */
int path_lookup(int dirfd, const char *name, u32 walk_flags, struct path *out) must_check;
/* From an explicit start (exec's interpreter, control). */
int path_lookup_at(const struct path *start, const char *name, u32 walk_flags, struct path *out) must_check;
/* Resolves all but the last component: *parent is the directory, `last` the final name (may be "." or "..").
 */
int path_lookup_parent(int dirfd, const char *name, u32 walk_flags, struct path *parent, char **last,
		       bool *trailing_slash) must_check;
/* The dentry for one name in a directory, looked up; may be negative. */
int dentry_lookup(struct path *dir, const char *name, size_t len, struct dentry **out) must_check;

/* open(2) family: returns a file. mode applies to creation (umask is applied here). */
int vfs_open(int dirfd, const char *name, u32 o_flags, u32 mode, u32 walk_flags,
	     struct file **out) must_check;
int vfs_open_path(struct path *path, u32 o_flags, struct file **out) must_check;
/* Without permission checks: what the kernel opens for itself. */
int vfs_open_path_as_kernel(struct path *path, u32 o_flags, struct file **out) must_check;
/* Nor does it or what is done with the file make events (fanotify's descriptors). */
int vfs_open_path_quietly(struct path *path, u32 o_flags, struct file **out) must_check;
int vfs_open_exec(int dirfd, const char *name, int at_flags, struct file **out) must_check;

int vfs_mkdir(int dirfd, const char *name, u32 mode) must_check;
/* For the kernel itself: one name in a directory, no permission checks. */
int vfs_mkdir_at(const struct path *dir, const char *name, u32 mode) must_check;
int vfs_create_at(const struct path *dir, const char *name, u32 mode) must_check;
int vfs_mknod(int dirfd, const char *name, u32 mode, u64 dev) must_check;
int vfs_symlink(const char *target, int dirfd, const char *name) must_check;
int vfs_link(int olddirfd, const char *old, int newdirfd, const char *new_name, int at_flags) must_check;
int vfs_unlink(int dirfd, const char *name) must_check;
/* One name in a directory. */
int vfs_unlink_at(struct path *dir, const char *name) must_check;
int vfs_rmdir(int dirfd, const char *name) must_check;
int vfs_rename(int olddirfd, const char *old, int newdirfd, const char *new_name, u32 flags) must_check;
int vfs_setattr(struct path *path,
		const struct attr_change *change) must_check; /* permission checks inside */
int vfs_getattr(struct path *path, u32 mask, struct inode_attr *out) must_check;
int vfs_truncate(struct path *path, u64 size) must_check;
/* access check: mask of 4 read, 2 write, 1 execute, with the task's fsuid. */
int inode_permission(struct inode *inode, const struct mount *mnt, u32 mask) must_check;
bool inode_owner_or_capable(const struct inode *inode);

/* ioctl(2) on any file: -ENOTTY if it is none of those. */
s64 vfs_ioctl(struct file *f, u32 cmd, u64 arg);
/* fallocate(2) whole. */
int vfs_fallocate(struct file *f, int mode, s64 offset, s64 size) must_check;

/* The absolute path as seen from `root`; fresh arena string, "(unreachable)" or " (deleted)" as Linux shows.
 */
char *path_to_string(const struct path *path, const struct path *root) must_check;
/* The same from the root of the dentry's file system, whatever is mounted where. */
char *dentry_to_string(const struct dentry *d) must_check;

/* Reads and writes with the kernel as the other side (loader, control). */
s64 file_read_kernel(struct file *f, void *buf, size_t size, u64 pos) must_check;
s64 file_write_kernel(struct file *f, const void *buf, size_t size, u64 *pos) must_check;
/* read(2)/write(2)'s work on a file: checks modes, RLIMIT_FSIZE, O_APPEND, positions, notifies. pos NULL =
 * the file's own. */
s64 vfs_read(struct file *f, struct uio *u, u64 *pos) must_check;
s64 vfs_write(struct file *f, struct uio *u, u64 *pos) must_check;

#endif
