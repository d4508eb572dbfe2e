/*
 * gofer.h - the file system "gofer": a host directory tree behind a gofer process.
 */
#ifndef WARREN_FS_GOFER_H
#define WARREN_FS_GOFER_H

#include "sandbox/fs/gofer/conn.h"
#include "sandbox/vfs/vfs.h"

/* mount_options: extra = a struct gofer_conn, which the mount takes over (also on failure); data:
 * "cache=shared" when others change the tree too (names and attributes are then asked for anew after a
 * second), "ro". */
extern const struct fs_type gofer_fs_type;

#endif
