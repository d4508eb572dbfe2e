/*
 * tmpfs.h - file systems whose files live in the sandbox's own memory (tmpfs(5)).
 */
#ifndef WARREN_FS_TMPFS_H
#define WARREN_FS_TMPFS_H

#include "sandbox/vfs/vfs.h"

/* Options: size=BYTES[kmg%], nr_inodes=N, mode=OCTAL, uid=, gid=. */
extern const struct fs_type tmpfs_fs_type;
/* The same without limits of its own (ramfs). */
extern const struct fs_type ramfs_fs_type;

/* For file systems that want a tmpfs directory tree of their own (dev): the state that tmpfs inodes expect in
 * sb->private, freed by the sb's kill; and a directory inode of that sb. */
struct tmpfs *tmpfs_state_new(u64 max_bytes, u64 max_inodes) must_check;
void tmpfs_kill(struct super_block *sb);
struct inode *tmpfs_dir_inode_new(struct super_block *sb, u32 mode) must_check;
/* A node for a device, FIFO or socket. */
struct inode *tmpfs_node_inode_new(struct super_block *sb, u32 mode, u64 rdev) must_check;
/* A symlink's inode; target is copied. */
struct inode *tmpfs_symlink_inode_new(struct super_block *sb, const char *target) must_check;
/* memfd_create(2): an open, unnamed file of an internal tmpfs; seals: LINUX_F_SEAL_*. */
int tmpfs_memfd(const char *name, u32 o_flags, u32 seals, struct file **out) must_check;
/* The file behind System V shared memory: unnamed like a memfd, called `name`, of `size` bytes. */
int tmpfs_unlinked_file(const char *name, u64 size, struct file **out) must_check;
/* fcntl F_ADD_SEALS, F_GET_SEALS: -EINVAL if f is no memfd. */
s64 tmpfs_seals(struct file *f, bool add, u32 seals);

#endif
