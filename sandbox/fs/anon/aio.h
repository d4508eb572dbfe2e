/*
 * aio.h - asynchronous I/O contexts: the work of io_setup(2) and its family.
 */
#ifndef WARREN_FS_ANON_AIO_H
#define WARREN_FS_ANON_AIO_H

#include "sandbox/abi/aio.h"
#include "sandbox/base/types.h"

struct mm;
struct task;

/* A context for at least `count` requests; *id is where its ring lies. -EINVAL, -EAGAIN, -ENOMEM. [sleeps] */
int aio_setup(struct task *t, u32 count, u64 *id) must_check;
/* Cancels what waits, then removes the ring. -EINVAL: no such context. [sleeps] */
int aio_destroy(struct task *t, u64 id) must_check;
/* Starts one request, which lies at `user`. [sleeps: reads and writes happen before it returns] */
int aio_submit_one(struct task *t, u64 id, u64 user) must_check;
/* The most requests that one io_submit may give; 0: no such context. */
u64 aio_capacity(struct task *t, u64 id);
/* Takes finished events until `least`, at most `most`, into guest memory: count. -ERESTARTSYS only with none.
 * [sleeps] */
s64 aio_get_events(struct task *t, u64 id, s64 least, s64 most, u64 user, u64 deadline_ns) must_check;
/* -EINPROGRESS: cancelled, its event follows; -EINVAL: not found. */
int aio_cancel(struct task *t, u64 id, u64 user) must_check;
/* The last task of the address space is gone, or has left it by execve. */
void aio_mm_exit(struct mm *mm);
/* /proc/sys/fs/aio-nr */
u64 aio_in_use(void);

#endif
