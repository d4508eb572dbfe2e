/*
 * hostio.h - moving bytes between a host file (memfd, a gofer's regular file) and a uio.
 *
 * Only descriptors of regular files come here: reading and writing them does not wait for anybody.
 */
#ifndef WARREN_VFS_HOSTIO_H
#define WARREN_VFS_HOSTIO_H

#include "sandbox/vfs/vfs.h"

/* Up to n bytes at pos; bytes moved (short at the file's end or a fault), or -errno. */
s64 host_file_read(struct host_fd *fd, struct uio *u, u64 pos, size_t n) must_check;
s64 host_file_write(struct host_fd *fd, struct uio *u, u64 pos, size_t n) must_check;

#endif
