/*
 * notify.c - tells the watches of an inode, and those of its directory, what happened (inotify(7)).
 *
 * A watch counts its inode, so that the watched one stays known however cold its names get in the cache. It
 * ends when it is removed, when the last name and the last open file have gone, or with its file system.
 */
#include "sandbox/abi/inotify.h"
#include "sandbox/vfs/vfs_priv.h"

void inode_watch_add(struct inode_watch *w, struct inode *inode)
{
	w->inode = inode_get(inode);
	list_add_tail(&w->node, &inode->watches);
	list_add_tail(&w->all_node, &vfs()->watches);
}

void inode_watch_remove(struct inode_watch *w)
{
	struct inode *inode = w->inode;

	list_del_init(&w->node);
	list_del_init(&w->all_node);
	w->inode = NULL;
	inode_put(inode);
}

static void tell(struct inode *inode, u32 mask, u32 cookie, const char *name, size_t len, bool unlinked)
{
	struct inode_watch *w, *next;

	list_for_each_entry_safe (w, next, &inode->watches, node)
		w->event(w, mask, cookie, name, len, unlinked);
}

static u32 isdir(const struct inode *inode)
{
	return inode && mode_is_dir(inode->attr.mode) ? LINUX_IN_ISDIR : 0;
}

void vfs_notify_self(struct inode *inode, u32 mask)
{
	if (!list_empty(&inode->watches))
		tell(inode, mask | isdir(inode), 0, NULL, 0, false);
}

void vfs_notify(struct dentry *d, u32 mask)
{
	struct inode *dir = d->parent != d ? d->parent->inode : NULL;

	if (dir && !list_empty(&dir->watches))
		tell(dir, mask | isdir(d->inode), 0, d->name, d->name_len, d->unhashed);
	if (d->inode)
		vfs_notify_self(d->inode, mask);
}

void vfs_notify_entry(struct inode *dir, u32 mask, u32 cookie, const char *name, size_t len)
{
	if (!list_empty(&dir->watches))
		tell(dir, mask, cookie, name, len, false);
}

void vfs_notify_end(struct inode *inode, u32 mask)
{
	if (list_empty(&inode->watches))
		return;
	inode_get(inode); /* the watches' references go */
	tell(inode, mask | isdir(inode), 0, NULL, 0, false);
	tell(inode, LINUX_IN_IGNORED, 0, NULL, 0, false);
	inode_put(inode);
}

void vfs_notify_unmount(struct super_block *sb)
{
	struct inode_watch *w;

again:
	list_for_each_entry (w, &vfs()->watches, all_node)
		if (w->inode->sb == sb) {
			vfs_notify_end(w->inode, LINUX_IN_UNMOUNT);
			goto again;
		}
}

u32 vfs_notify_cookie(void)
{
	if (!++vfs()->notify_cookie)
		++vfs()->notify_cookie;
	return vfs()->notify_cookie;
}
