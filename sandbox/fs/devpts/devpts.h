/*
 * devpts.h - the file system "devpts": /dev/pts with its ptmx, and /dev/tty.
 */
#ifndef WARREN_FS_DEVPTS_H
#define WARREN_FS_DEVPTS_H

#include "sandbox/fs/devpts/tty.h"

/* Options: mode=OCTAL (0620), gid=N (5), ptmxmode=OCTAL (0666), max=N, newinstance. Every mount is an
 * instance of its own. */
extern const struct fs_type devpts_fs_type;

/* A pair whose slave has a name in the devpts mounted at *pts (its root): as pty_open_pair, for processes
 * that come from outside. -ENOSPC: no index left. */
int devpts_open_pair(struct path *pts, u16 cols, u16 rows, struct tty **master,
		     struct file **slave) must_check;
/* What an open of the slave side does to the file: -EIO locked or hung up, -EBUSY exclusive. */
int tty_open_slave(struct tty *t, struct file *f) must_check;
/* /dev/tty: the caller's controlling terminal. */
extern const struct file_ops dev_tty_ops;

#endif
