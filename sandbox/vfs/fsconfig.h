/*
 * fsconfig.h - a file system on its way to a mount: fsopen(2), fsconfig(2), fsmount(2), fspick(2).
 */
#ifndef WARREN_VFS_FSCONFIG_H
#define WARREN_VFS_FSCONFIG_H

#include "sandbox/vfs/vfs.h"

/* -ENODEV: no such file system. */
int fsconfig_open(const char *fs_type, struct file **out) must_check;
/* For the reconfiguration of what is mounted at p, which must be a mount's root (-EINVAL). */
int fsconfig_pick(const struct path *p, struct file **out) must_check;
bool is_fsconfig(const struct file *f);
/* One option; value NULL: a flag. -EBUSY in the wrong phase, -EINVAL. */
int fsconfig_set(struct file *f, const char *key, const char *value) must_check;
int fsconfig_create(struct file *f) must_check;
int fsconfig_reconfigure(struct file *f) must_check;
/* The new mount, in no namespace. */
int fsconfig_mount(struct file *f, u32 mnt_flags, struct mount **out) must_check;

#endif
