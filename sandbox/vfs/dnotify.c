/*
 * dnotify.c - fcntl(2) F_NOTIFY: a signal when something happens in a directory; the older sister of inotify.
 * A watch belongs to the open directory and ends with it, or after its first event unless DN_MULTISHOT.
 */
#include <errno.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/abi/poll.h"
#include "sandbox/vfs/lease.h"
#include "sandbox/vfs/vfs_priv.h"

#define DN_MULTISHOT_  0x80000000U
#define DN_KNOWN       (0x3fU | DN_MULTISHOT_)
#define POLL_MSG_CODE_ 3

struct dnotify {
	struct inode_watch base;
	struct file *file; /* borrowed: the file takes it along */
	int fd;
	u32 mask;
};

/* DN_ACCESS, MODIFY, CREATE, DELETE, RENAME, ATTRIB for an inotify event. */
static u32 dn_of(u32 mask)
{
	return (mask & LINUX_IN_ACCESS ? 1 : 0) | (mask & LINUX_IN_MODIFY ? 2 : 0) |
	       (mask & (LINUX_IN_CREATE | LINUX_IN_MOVED_TO) ? 4 : 0) |
	       (mask & (LINUX_IN_DELETE | LINUX_IN_MOVED_FROM) ? 8 : 0) |
	       (mask & (LINUX_IN_MOVED_FROM | LINUX_IN_MOVED_TO) ? 16 : 0) |
	       (mask & LINUX_IN_ATTRIB ? 32 : 0);
}

static void end(struct dnotify *d)
{
	d->file->dnotify = NULL;
	inode_watch_remove(&d->base);
	kfree(d);
}

static void dnotify_event(struct inode_watch *w, u32 mask, u32 cookie, const char *name, size_t len,
			  bool unlinked)
{
	struct dnotify *d = container_of(w, struct dnotify, base);

	if (mask & LINUX_IN_IGNORED) {
		end(d);
		return;
	}
	if (!name || !(dn_of(mask) & d->mask)) /* only what happens in it */
		return;
	file_signal(d->file, d->fd, POLL_MSG_CODE_, LINUX_POLLIN | LINUX_POLLRDNORM | 0x400);
	if (!(d->mask & DN_MULTISHOT_))
		end(d);
}

int dnotify_set(struct file *f, int fd, u32 mask)
{
	struct dnotify *d = f->dnotify;

	if (!(mask & ~DN_MULTISHOT_)) {
		dnotify_release(f);
		return 0;
	}
	if (!sysctl(SYSCTL_DIR_NOTIFY))
		return -EINVAL;
	if (!mode_is_dir(f->inode->attr.mode))
		return -ENOTDIR;
	if (d) {
		d->mask |= mask & DN_KNOWN;
		d->fd = fd;
		return 0;
	}
	d = knew(struct dnotify);
	if (!d)
		return -ENOMEM;
	d->base.event = dnotify_event;
	d->file = f;
	d->fd = fd;
	d->mask = mask & DN_KNOWN;
	f->dnotify = d;
	file_own(f);
	inode_watch_add(&d->base, f->inode);
	return 0;
}

void dnotify_release(struct file *f)
{
	if (f->dnotify)
		end(f->dnotify);
}
