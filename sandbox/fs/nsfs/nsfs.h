/*
 * nsfs.h - namespaces as files: what /proc/PID/ns/NAME leads to (namespaces(7), ioctl_ns(2)).
 */
#ifndef WARREN_FS_NSFS_NSFS_H
#define WARREN_FS_NSFS_NSFS_H

#include "sandbox/kernel/ns.h"
#include "sandbox/vfs/vfs.h"

/* The path of a namespace; references given. */
int nsfs_path(struct ns_common *ns, struct path *out) must_check;
/* Opens it, read-only; a file, and a descriptor of the current task. */
int nsfs_open(struct ns_common *ns, struct file **out) must_check;
s64 nsfs_open_fd(struct ns_common *ns) must_check;
/* The namespace that an open file names; NULL if it is no such file. Borrowed. */
struct ns_common *nsfs_ns(const struct file *f);

#endif
