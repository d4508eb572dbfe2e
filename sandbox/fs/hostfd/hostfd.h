/*
 * hostfd.h - files over descriptors that the supervisor handed in: the standard streams of a process.
 */
#ifndef WARREN_FS_HOSTFD_H
#define WARREN_FS_HOSTFD_H

#include "sandbox/vfs/vfs.h"

/* A file over a pipe, a stream socket or anything else that can be read or written in order; which of the two
 * follows from how it was opened. Takes `fd` over (also on failure) and makes it non-blocking. Belongs to uid
 * and gid, who may open it once more by /dev/stdin and the like. `recipe`: HOST_FD_STREAM, by which another
 * descriptor takes its place in a restore. */
int hostfd_create(int fd, u32 uid, u32 gid, u32 recipe, struct file **out) must_check;

#endif
