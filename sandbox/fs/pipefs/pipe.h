/*
 * pipe.h - pipes and FIFOs: pipe(7), fifo(7).
 */
#ifndef WARREN_FS_PIPEFS_PIPE_H
#define WARREN_FS_PIPEFS_PIPE_H

#include "sandbox/vfs/vfs.h"

#define LINUX_PIPE_BUF     4096U
#define PIPE_DEFAULT_SIZE  65536U
#define PIPE_MAX_SIZE      1048576U
#define LINUX_F_SETPIPE_SZ 1031
#define LINUX_F_GETPIPE_SZ 1032

/* Both ends of a new pipe; o_flags: O_NONBLOCK, O_DIRECT. References given. -ENOMEM. */
int pipe_create(u32 o_flags, struct file **read_end, struct file **write_end) must_check;
/* Opens a FIFO: sets file->ops and private by file->mode; waits for the other side as fifo(7) says. For the
 * VFS's open of an S_IFIFO inode. -ENXIO, -ERESTARTSYS, -ENOMEM. [sleeps] */
int fifo_open(struct inode *inode, struct file *file) must_check;
/* fcntl F_SETPIPE_SZ and F_GETPIPE_SZ: the size, or -EBADF (no pipe), -EBUSY, -EPERM, -EINVAL, -ENOMEM. */
s64 pipe_fcntl(struct file *f, int cmd, u64 arg);

bool is_pipe_file(const struct file *f);
/* vmsplice(2) into the pipe: as write, but if the same process takes it out again, it gets what its memory
 * then holds. Bytes, -EAGAIN (nowait), -EPIPE, -EFAULT, -ERESTARTSYS. [sleeps] */
s64 pipe_lend(struct file *f, uaddr_t from, size_t size, bool nowait) must_check;
/* Bytes that are in it, and that can be written now without waiting. */
u32 pipe_used(const struct file *f);
u32 pipe_room(const struct file *f);
/* tee(2): copies up to n bytes of `in` to `out`, which stays readable in `in`. 0: no writer, nothing there.
 * -EAGAIN, -EPIPE, -ERESTARTSYS. Both must be pipes, and not the same one (-EINVAL). [sleeps] */
s64 pipe_tee(struct file *in, struct file *out, u64 n, bool may_wait) must_check;

#endif
