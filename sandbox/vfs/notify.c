/*
 * notify.c - tells the watches of an inode, and those of its directory, what happened (inotify(7)).
 *
 * A watch counts its inode, so that the watched one stays known however cold its names get in the cache. It
 * ends when it is removed, when the last name and the last open file have gone, or with its file system.
 */
#include "sandbox/abi/fanotify.h"
#include "sandbox/fs/anon/fanotify.h"
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

static void tell_self(struct inode *inode, u32 mask)
{
	if (!list_empty(&inode->watches))
		tell(inode, mask | isdir(inode), 0, NULL, 0, false);
}

void vfs_notify_self(struct inode *inode, u32 mask)
{
	if (vfs()->fanotify_marks)
		fanotify_event(
		    &(struct fs_event){.mask = mask | isdir(inode), .inode = inode, .ino = inode->attr.ino});
	tell_self(inode, mask);
}

void vfs_notify(const struct path *p, u32 mask)
{
	struct dentry *d = p->dentry;
	struct inode *dir = d->parent != d ? d->parent->inode : NULL;

	if (vfs()->fanotify_marks && d->inode)
		fanotify_event(&(struct fs_event){.mask = mask | isdir(d->inode),
						  .path = p,
						  .inode = d->inode,
						  .ino = d->inode->attr.ino,
						  .dir = dir,
						  .name = d->name,
						  .name_len = d->name_len});
	if (dir && !list_empty(&dir->watches))
		tell(dir, mask | isdir(d->inode), 0, d->name, d->name_len, d->unhashed);
	if (d->inode)
		tell_self(d->inode, mask);
}

void vfs_notify_file(const struct file *f, u32 mask)
{
	if (f->path.dentry && !(f->mode & FMODE_NONOTIFY))
		vfs_notify(&f->path, mask);
}

void vfs_notify_entry(struct inode *dir, u32 mask, u32 cookie, const char *name, size_t len, u64 ino)
{
	if (vfs()->fanotify_marks)
		fanotify_event(
		    &(struct fs_event){.mask = mask, .ino = ino, .dir = dir, .name = name, .name_len = len});
	if (!list_empty(&dir->watches))
		tell(dir, mask, cookie, name, len, false);
}

void vfs_notify_rename(struct inode *dir, const char *name, struct inode *new_dir, const char *new_name,
		       struct inode *moved)
{
	if (vfs()->fanotify_marks)
		fanotify_event(&(struct fs_event){.mask = LINUX_FAN_RENAME | isdir(moved),
						  .ino = moved->attr.ino,
						  .dir = dir,
						  .name = name,
						  .name_len = strlen(name),
						  .new_dir = new_dir,
						  .new_name = new_name,
						  .new_len = strlen(new_name)});
}

void vfs_notify_end(struct inode *inode, u32 mask)
{
	if (vfs()->fanotify_marks && (mask & LINUX_IN_DELETE_SELF))
		fanotify_event(
		    &(struct fs_event){.mask = mask | isdir(inode), .inode = inode, .ino = inode->attr.ino});
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

	if (vfs()->fanotify_marks)
		fanotify_forget(sb);
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
