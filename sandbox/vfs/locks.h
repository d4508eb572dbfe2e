/*
 * locks.h - advisory locks: flock(2), and fcntl(2)'s POSIX and open-file-description record locks.
 */
#ifndef WARREN_VFS_LOCKS_H
#define WARREN_VFS_LOCKS_H

#include "sandbox/vfs/vfs.h"

enum lock_type { FLOCK_READ, FLOCK_WRITE, FLOCK_NONE }; /* F_RDLCK, F_WRLCK, F_UNLCK */

struct lock_range {
	enum lock_type type;
	u64 start, end; /* [start, end]; end UINT64_MAX: to the end of the file, however it grows */
	s32 pid;        /* as F_GETLK reports; -1 for OFD locks */
};

/* flock(2): type FLOCK_NONE unlocks. -EWOULDBLOCK, -ERESTARTSYS. [sleeps if wait] */
int lock_flock(struct file *f, enum lock_type type, bool wait) must_check;
/* F_SETLK(W): owner is the descriptor table (POSIX) or the file (OFD). -EAGAIN, -EDEADLK, -ERESTARTSYS,
 * -ENOLCK. [sleeps if wait] */
int lock_record(struct file *f, const void *owner, const struct lock_range *r, bool wait) must_check;
/* F_GETLK: *r becomes the first lock in the way, or its type FLOCK_NONE. An error is that of a file system
 * that keeps locks itself. */
int lock_test(struct file *f, const void *owner, struct lock_range *r) must_check;
/* What file_ops.lock is asked for: which lock is in the way, or to set *r (FLOCK_NONE: give up). */
enum { LOCK_CALL_TEST = 1, LOCK_CALL_WAIT = 2, LOCK_CALL_FLOCK = 4 };
/* For /proc/locks. */
void locks_walk(struct inode *inode, void (*fn)(const struct lock_range *r, bool is_flock, void *arg),
		void *arg);

/* All inodes that have had locks. */
void locks_walk_inodes(void (*fn)(struct inode *inode, void *arg), void *arg);

#endif
