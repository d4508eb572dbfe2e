/*
 * proc.h - the file system "proc": proc(5).
 */
#ifndef WARREN_FS_PROC_H
#define WARREN_FS_PROC_H

#include "sandbox/vfs/vfs.h"

extern const struct fs_type proc_fs_type;

struct pid;

/* The process whose directory /proc/PID this open file is; NULL if it is something else. Borrowed. */
struct pid *proc_pid_of_dir(const struct file *f);

#endif
