/*
 * dev.h - the devices a sandbox has, and the file system "devtmpfs" that shows them.
 */
#ifndef WARREN_FS_DEV_H
#define WARREN_FS_DEV_H

#include "sandbox/vfs/vfs.h"

extern const struct fs_type dev_fs_type;

static inline u64 dev_make(u32 major, u32 minor)
{
	return (u64)(minor & 0xff) | (u64)(major & 0xfff) << 8 | (u64)(minor & ~0xffU) << 12;
}

/* mem.c */
extern const struct file_ops dev_null_ops, dev_zero_ops, dev_full_ops, dev_random_ops;
#endif
