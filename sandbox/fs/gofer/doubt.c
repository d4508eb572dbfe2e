/*
 * doubt.c - what is not known after a call was given up.
 *
 * A killed task does not wait for a gofer that does not answer (conn.h). What it had asked for happens all
 * the same, sooner or later, or has happened. So what the call may change is not believed any more: names are
 * taken out of the cache, listings dropped, and the attributes asked for anew. The gofer answers in the order
 * in which it was asked: the answer to a question that is sent now says how the call ended.
 *
 * Attributes are used without a question to anybody, so a coroutine of the file system's own asks for them,
 * of one inode in doubt after the other, and waits as long as the gofer takes. The list's references to its
 * inodes keep the file system.
 */
#include "sandbox/fs/gofer/gofer_priv.h"
#include "sandbox/vfs/xattr.h"

/* The list's reference goes along. */
static struct inode *next_in_doubt(struct gofer_fs *fs)
{
	struct gofer_inode *g;

	if (list_empty(&fs->doubts))
		return NULL;
	g = list_first_entry(&fs->doubts, struct gofer_inode, doubt_node);
	list_del_init(&g->doubt_node); /* before it is asked: a call given up meanwhile is another doubt */
	return g->inode;
}

static void ask_all(void *arg)
{
	struct inode *inode = arg, *next;
	struct gofer_fs *fs = gofer_fs(inode->sb);

	for (; inode; inode = next) {
		if (gofer_refresh_links(inode))
			klog(LOG_WARN, "the attributes of inode %llu stay unknown after a call was given up",
			     (unsigned long long)inode->attr.ino);
		next = next_in_doubt(fs);
		fs->asking = next != NULL;
		inode_put(inode); /* with the last one the file system may go */
	}
}

void gofer_doubt(struct inode *inode)
{
	struct gofer_fs *fs = gofer_fs(inode->sb);
	struct gofer_inode *g = gi(inode);
	struct coro *c;

	gofer_listing_drop(inode);
	g->populated = false;
	acl_forget(inode);
	if (!list_empty(&g->doubt_node) || fs->conn->client.broken)
		return;
	list_add_tail(&g->doubt_node, &fs->doubts);
	inode_get(inode);
	if (fs->asking)
		return;
	inode = next_in_doubt(fs);
	fs->asking = coro_start(ask_all, inode, NULL, &c) == 0;
	if (!fs->asking)
		inode_put(inode);
}

void gofer_doubt_name(struct inode *dir, struct dentry *d)
{
	gofer_doubt(dir);
	if (d->inode) {
		gofer_alias_clear(d);
		gofer_doubt(d->inode);
	}
	if (!d->unhashed && !d->mount_count) {
		dentry_forget_children(d);
		dentry_unhash(d);
	}
}
