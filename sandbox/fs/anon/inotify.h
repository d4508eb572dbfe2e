/*
 * inotify.h - inotify(7) instances: files whose reads tell what happened to watched inodes.
 */
#ifndef WARREN_FS_ANON_INOTIFY_H
#define WARREN_FS_ANON_INOTIFY_H

#include "sandbox/abi/inotify.h"
#include "sandbox/vfs/vfs.h"

/* A new instance; -EMFILE at the user's limit, -ENOMEM. */
int inotify_create(u32 o_flags, struct file **out) must_check;
bool is_inotify(const struct file *f);
/* Watches an inode, or changes its watch: the descriptor, -EEXIST (IN_MASK_CREATE), -ENOSPC, -ENOMEM. */
s64 inotify_watch(struct file *f, struct inode *inode, u32 mask) must_check;
/* Removes a watch; IN_IGNORED follows. -EINVAL: no such descriptor. */
int inotify_unwatch(struct file *f, s32 wd) must_check;

#endif
