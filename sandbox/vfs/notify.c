/*
 * notify.c - tells the watches of an inode, and those of its directory, what happened (inotify(7)).
 */
#include "sandbox/vfs/vfs_priv.h"

static void tell(struct inode *inode, u32 mask, const char *name, size_t len)
{
	struct inode_watch *w, *next;

	list_for_each_entry_safe (w, next, &inode->watches, node)
		w->event(w, mask, name, len);
}

void vfs_notify(struct dentry *d, u32 mask)
{
	struct inode *dir = d->parent != d ? d->parent->inode : NULL;
	const u32 in_directory_only = 0x40 | 0x80 | 0x100 | 0x200; /* moved, created, deleted */

	if (d->inode && !list_empty(&d->inode->watches) && !(mask & in_directory_only))
		tell(d->inode, mask | (mode_is_dir(d->inode->attr.mode) ? 0x40000000 : 0), NULL, 0);
	if (dir && !list_empty(&dir->watches))
		tell(dir, mask | (d->inode && mode_is_dir(d->inode->attr.mode) ? 0x40000000 : 0), d->name,
		     d->name_len);
}
