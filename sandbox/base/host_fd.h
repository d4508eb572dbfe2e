/*
 * host_fd.h - the table of host resources.
 *
 * The sentry's kernel objects never hold a bare host descriptor: they hold a `struct host_fd`, which says
 * what it is and how it could be opened again after a restore or in a live fork (its recipe). After a restore
 * the numbers differ, the structs do not.
 */
#ifndef WARREN_BASE_HOST_FD_H
#define WARREN_BASE_HOST_FD_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"

enum host_fd_kind {
	HOST_FD_MEMFD,   /* recipe: a new memfd, contents in the image */
	HOST_FD_REMOVED, /* HOST_FD_GOFER in an image, of a file without a name. recipe: as MEMFD, by file */
	HOST_FD_GOFER,   /* donated by a gofer. recipe: gofer connection + file handle, by the file system */
	HOST_FD_STDIO,   /* a pipe or socket from the supervisor. recipe: handed over anew, by name */
	HOST_FD_CONTROL, /* control sockets. recipe: none, clients reconnect */
	HOST_FD_TAP,     /* a network device. recipe: handed over anew with the container it is of */
	HOST_FD_PLATFORM /* pidfds, control memfd, doorbell. recipe: made anew by the platform */
};

struct cgroup_charge;

struct host_fd {
	struct object obj;
	struct list_head node; /* in the table of all */
	int fd;                /* host number; -1 while detached */
	enum host_fd_kind kind;
	u32 recipe_id;            /* meaning depends on kind */
	u32 mapped;               /* PROT_* with which the host has let it be mapped so far */
	bool writable;            /* opened for writing: what a shared mapping may become */
	u32 small_reads;          /* sandbox/vfs/hostview.c: since the last view was made */
	u64 view_page, view_size; /* where the file is mapped (a page's number), bytes; 0: it is not */
	struct list_head view_node;
	struct cgroup_charge *charge; /* whom its memory is charged to; goes with it. Or NULL */
};

/* Wraps `fd`, which the struct now owns (closed at the last put). NULL without memory (fd is closed). */
struct host_fd *host_fd_new(int fd, enum host_fd_kind kind, bool writable) must_check;

/* The standard streams of processes started from outside: recipe_id of HOST_FD_STDIO. */
#define HOST_FD_STREAM(process, stream) ((u32)(process) << 2 | (u32)(stream))
#define HOST_FD_TERMINAL                3 /* instead of the streams 0 to 2 */

/* Whether there is room for some more. What cannot go back once it has begun asks first. */
bool host_fd_room(void);

static inline struct host_fd *host_fd_get(struct host_fd *h)
{
	object_get(&h->obj);
	return h;
}

static inline void host_fd_put(struct host_fd *h)
{
	if (h)
		object_put(&h->obj);
}

#endif
