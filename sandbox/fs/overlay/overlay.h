/*
 * overlay.h - the overlay file system: lower trees that are never changed, shown as one, and an upper tree
 * that takes every change.
 *
 * Options of mount(2): lowerdir=A:B:C (the first on top), upperdir=, workdir= (must be on upperdir's mount;
 * nothing is kept there). Without an upperdir the mount is read-only.
 */
#ifndef WARREN_FS_OVERLAY_H
#define WARREN_FS_OVERLAY_H

#include "sandbox/vfs/vfs.h"

extern const struct fs_type overlay_fs_type;

/* For the kernel's own mounts, in mount_options.extra instead of options. Borrowed. */
struct overlay_layers {
	struct path upper; /* mnt NULL: none */
	struct path *lower;
	u32 lower_count;
};

#endif
