/*
 * tmpfs_priv.h - what the files of tmpfs/ share: its objects, and what an inode is charged.
 */
#ifndef WARREN_FS_TMPFS_PRIV_H
#define WARREN_FS_TMPFS_PRIV_H

#include "sandbox/fs/tmpfs/data.h"
#include "sandbox/fs/tmpfs/tmpfs.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/vfs/xattr.h"

struct tmpfs {
	u64 max_bytes, used_bytes;
	u64 max_inodes, inodes;
};

struct tmpfs_inode {
	struct tmpfs_data data;
	struct xattr_store xattrs;
	u64 charged;                   /* bytes of the file */
	struct cgroup_charge in_arena; /* what a memfd holds is charged with it */
	u64 xattr_charged;
	char *target;
	u32 seals;
	bool is_memfd;
};

static inline struct tmpfs *tmpfs_of(const struct inode *i)
{
	return i->sb->private;
}

static inline struct tmpfs_inode *ti(const struct inode *i)
{
	return i->private;
}

extern const struct file_ops tmpfs_file_ops, tmpfs_dir_file_ops;
extern const struct inode_ops tmpfs_inode_ops;

/* Brings what a file's data is charged up to date with what it occupies. */
void tmpfs_recharge(struct inode *inode);
/* Bytes that may still be occupied. */
u64 tmpfs_room_in(const struct tmpfs *fs);
int tmpfs_setattr(struct inode *inode, const struct attr_change *ch) must_check;
/* O_TMPFILE: an inode without a name. */
int tmpfs_tmpfile(struct inode *dir, u32 mode, struct inode **out) must_check;

#endif
