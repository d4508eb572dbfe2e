/*
 * fuse.h - file systems that a guest's process serves on /dev/fuse.
 */
#ifndef WARREN_FS_FUSE_FUSE_H
#define WARREN_FS_FUSE_FUSE_H

#include "sandbox/vfs/vfs.h"

extern const struct fs_type fuse_fs_type;
/* /dev/fuse. */
extern const struct file_ops fuse_dev_ops;

#endif
