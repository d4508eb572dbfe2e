/*
 * syscalls/pipe.c - pipe, pipe2.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/pipefs/pipe.h"
#include "sandbox/kernel/task.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/vfs/fdtable.h"

static s64 do_pipe(struct task *t, uaddr_t out, u32 flags)
{
	struct file *r, *w;
	s64 fd0, fd1;
	s32 pair[2];
	int err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create(flags, &r, &w);
	if (err)
		return err;
	fd0 = fd_install(r, 0, flags & O_CLOEXEC);
	if (fd0 < 0) {
		file_put(w);
		return fd0;
	}
	fd1 = fd_install(w, 0, flags & O_CLOEXEC);
	if (fd1 < 0) {
		(void)fd_close(t, (int)fd0);
		return fd1;
	}
	pair[0] = (s32)fd0;
	pair[1] = (s32)fd1;
	err = copy_out(out, pair, sizeof(pair));
	if (err) {
		(void)fd_close(t, pair[0]);
		(void)fd_close(t, pair[1]);
	}
	return err;
}

s64 sys_pipe(struct task *t, const u64 *a)
{
	return do_pipe(t, uaddr(a[0]), 0);
}

s64 sys_pipe2(struct task *t, const u64 *a)
{
	return do_pipe(t, uaddr(a[0]), (u32)a[1]);
}
