/*
 * proc.h - the file system "proc": proc(5).
 */
#ifndef WARREN_FS_PROC_H
#define WARREN_FS_PROC_H

#include "sandbox/vfs/vfs.h"

extern const struct fs_type proc_fs_type;

#endif
