/*
 * lease.h - file leases (fcntl(2) F_SETLEASE), directory notification (F_NOTIFY), and the signals of files
 * (F_SETOWN, F_SETSIG).
 */
#ifndef WARREN_VFS_LEASE_H
#define WARREN_VFS_LEASE_H

#include "sandbox/vfs/locks.h"

/* F_SETLEASE, F_GETLEASE. fd is told by the signal. -EAGAIN: others have it open; -EACCES, -EINVAL, -ENOMEM.
 */
int lease_set(struct file *f, int fd, enum lock_type type) must_check;
enum lock_type lease_get(const struct file *f);
/* Somebody opens the inode with o_flags, or truncates it: waits until leases in the way are given up or their
 * time is over. -EWOULDBLOCK with O_NONBLOCK, -ERESTARTSYS. [sleeps] */
int lease_break(struct inode *inode, u32 o_flags) must_check;
/* The file goes. */
void lease_release(struct file *f);

/* F_NOTIFY: DN_* bits; 0 ends it. -ENOTDIR, -EINVAL, -ENOMEM. */
int dnotify_set(struct file *f, int fd, u32 mask) must_check;
void dnotify_release(struct file *f);

/* Signals the file's owner: its F_SETSIG signal with code and band, or plain SIGIO. */
void file_signal(struct file *f, int fd, int code, u32 band);
/* O_ASYNC on or off, for what can become ready: -ENOMEM. fd: what the signal will say. */
int fasync_set(struct file *f, int fd, bool on) must_check;
void fasync_release(struct file *f);
/* The current process becomes the owner if nobody is. */
void file_own(struct file *f);

#endif
