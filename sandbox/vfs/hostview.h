/*
 * hostview.h - small reads of host files (a gofer's, memfds) out of a mapping in the sentry, without a host
 * call.
 */
#ifndef WARREN_VFS_HOSTVIEW_H
#define WARREN_VFS_HOSTVIEW_H

#include "sandbox/vfs/vfs.h"

#define HOST_VIEW_COUNT 64 /* files at a time */

struct host_views {
	struct list_head list; /* struct host_fd.view_node, the oldest first */
	u32 count;
	u64 bytes;
};

/* Up to n bytes at pos, if the file has a view and all of them go where the stub will take them from; 0 if
 * not: then the caller reads as ever. The caller knows the file's size: no byte of these may lie behind its
 * end, where a mapping has zeros. */
size_t host_view_read(struct host_fd *fd, struct uio *u, u64 pos, size_t n) must_check;

/* A descriptor that goes takes its view with it. */
void host_view_drop(struct host_fd *fd);

/* Before an image is made: a view is of this process. */
void host_views_drop_all(void);

/* view_copy.S: copies until the mapping has no more (a file that somebody on the host has cut short), and
 * says how many bytes it did not. A SIGBUS at `view_copy_moves` is this and goes on at `view_copy_stopped`.
 */
size_t view_copy(void *dst, const void *src, size_t size);
extern const char view_copy_moves[], view_copy_stopped[];

#endif
