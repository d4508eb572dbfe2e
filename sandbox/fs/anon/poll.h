/*
 * poll.h - waiting for several files at once: the work of poll(2) and select(2).
 */
#ifndef WARREN_FS_ANON_POLL_H
#define WARREN_FS_ANON_POLL_H

#include "sandbox/abi/poll.h"
#include "sandbox/vfs/vfs.h"

struct poll_entry {
	struct file *file; /* counted by the caller; NULL: revents stays as it is */
	u32 events, revents;
};

/* Waits until an entry is ready: the number of entries with revents, 0 at the deadline, -ERESTARTSYS when a
 * signal came, -ENOMEM. [sleeps] */
s64 poll_entries(struct poll_entry *e, u32 count, u64 deadline_ns) must_check;
/* A timeout from now as a deadline on the monotonic clock; -EINVAL. Zero is 0: do not wait. */
int poll_deadline(const struct linux_timespec *ts, u64 *deadline_ns) must_check;

#endif
