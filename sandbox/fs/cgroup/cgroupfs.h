/*
 * cgroupfs.h - the file system of control groups (type cgroup2), and what the groups tell it.
 */
#ifndef WARREN_FS_CGROUP_CGROUPFS_H
#define WARREN_FS_CGROUP_CGROUPFS_H

#include "sandbox/kernel/cgroup.h"
#include "sandbox/vfs/vfs.h"

extern const struct fs_type cgroup_fs_type;

/* The group whose directory f is; NULL if it is none. */
struct cgroup *cgroupfs_group(struct file *f);
/* May the current task put a child there (CLONE_INTO_CGROUP)? */
int cgroupfs_may_clone(struct cgroup *c) must_check;
/* The kernel changed what the file says (inotify). */
void cgroupfs_modified(struct cgroup *c, const char *file);
/* The group is gone: so is its directory. */
void cgroupfs_removed(struct cgroup *c);

#endif
