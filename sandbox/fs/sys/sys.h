/*
 * sys.h - sysfs(5): what programs read to learn about the machine: CPUs with their topology and caches,
 * memory nodes, classes of devices. There are no block devices, buses or modules: their directories are
 * empty.
 */
#ifndef WARREN_FS_SYS_H
#define WARREN_FS_SYS_H

#include "sandbox/vfs/vfs.h"

extern const struct fs_type sys_fs_type;

#endif
