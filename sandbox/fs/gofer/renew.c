/*
 * renew.c - a gofer's tree across a checkpoint: another gofer process, the same tree.
 *
 * Handles and descriptors were the old gofer's. A handle is asked for again by name when it is wanted
 * (gofer_handle, which sees to it that the name still leads to the same host inode), so it is enough to
 * forget them all and to know one name of each inode. Descriptors of files that are open or mapped are asked
 * for at once, into the struct host_fd that everybody has a pointer to. A file whose last name is gone, but
 * that is open, comes along in the image, as a memfd; it is the sandbox's own from then on. What the tree's
 * owner has changed meanwhile: an open file that is gone, or has other contents by size and time, makes the
 * restore fail, for the guest could not go on as if nothing had happened; everything else that was only
 * cached is forgotten.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/fs/gofer/conn.h"
#include "sandbox/fs/gofer/gofer_priv.h"

#define LEVELS_MAX 4096

static struct gofer_inode *inode_of(struct tree_node *n)
{
	return container_of(n, struct gofer_inode, node);
}

static struct gofer_fs *next_fs(struct gofer_fs *fs)
{
	struct list_head *n = fs ? fs->node.next : kernel()->gofers.next;

	return n == &kernel()->gofers ? NULL : container_of(n, struct gofer_fs, node);
}

bool gofers_idle(void)
{
	for (struct gofer_fs *fs = next_fs(NULL); fs; fs = next_fs(fs))
		if (gofer_client_busy(&fs->conn->client))
			return false;
	return true;
}

struct host_fd *gofer_next_socket(const struct host_fd *previous)
{
	struct gofer_fs *fs = next_fs(NULL);

	if (previous) {
		while (fs && fs->conn->sock != previous)
			fs = next_fs(fs);
		fs = fs ? next_fs(fs) : NULL;
	}
	return fs ? fs->conn->sock : NULL;
}

/* Do others than the file system itself stand on its descriptors: open files, mappings? */
static bool in_use(const struct gofer_inode *g)
{
	return g->opens || (g->rd && g->rd->obj.refs > 1) || (g->rw && g->rw->obj.refs > 1);
}

static u64 count_inodes(struct gofer_fs *fs)
{
	u64 count = 0;

	for (struct tree_node *n = tree_first(&fs->inodes); n; n = tree_next(n))
		count++;
	return count;
}

/* ---- names ---- */

/* Calls fn for every dentry of the tree that has an inode. Nothing may sleep or free meanwhile. */
static void walk_names(struct dentry *root, void (*fn)(struct dentry *d))
{
	struct dentry *d = root;

	for (;;) {
		if (d->inode)
			fn(d);
		if (!list_empty(&d->children)) {
			d = list_first_entry(&d->children, struct dentry, sibling);
			continue;
		}
		while (d != root && d->sibling.next == &d->parent->children)
			d = d->parent;
		if (d == root)
			return;
		d = list_first_entry(&d->sibling, struct dentry, sibling);
	}
}

static void note_name(struct dentry *d)
{
	if (!gi(d->inode)->alias)
		gi(d->inode)->alias = d;
}

/* "dir/file", as much of it as fits; for messages. */
static void name_of(const struct gofer_inode *g, char *buf, size_t size)
{
	const struct dentry *d = g->alias;
	size_t at = size - 1;

	buf[at] = 0;
	for (; d && d->parent != d && at > d->name_len + 1; d = d->parent) {
		at -= d->name_len;
		memcpy(buf + at, d->name, d->name_len);
		buf[--at] = '/';
	}
	memmove(buf, buf + at, size - at);
	if (!*buf)
		snprintf(buf, size, "(a file without a name)");
}

/* A name that was removed while the file was open leads nowhere. */
static void forget_stale_name(struct gofer_inode *g)
{
	if (g->alias && g->alias->unhashed)
		g->alias = NULL;
}

static void set_kind(struct gofer_inode *g, enum host_fd_kind kind, u32 id)
{
	struct host_fd *fds[] = {g->rd, g->rw};

	for (int i = 0; i < 2; i++)
		if (fds[i]) {
			fds[i]->kind = kind;
			fds[i]->recipe_id = id;
		}
}

/* An open file without a name of ours. If it has none at all, its contents come along. */
static int survey_nameless(struct gofer_inode *g, u32 id, char *why, size_t size)
{
	if (!g->inode->attr.nlink) {
		set_kind(g, HOST_FD_REMOVED, id);
		return 0;
	}
	snprintf(
	    why, size,
	    "the name is gone by which a file of the host's tree was opened (inode %llu), but not its others",
	    (unsigned long long)g->ino);
	return -EOPNOTSUPP;
}

int gofers_survey(char *why, size_t size)
{
	u32 id = 0;
	int err = 0;

	for (struct gofer_fs *fs = next_fs(NULL); fs && !err; fs = next_fs(fs)) {
		for (struct tree_node *n = tree_first(&fs->inodes); n; n = tree_next(n))
			forget_stale_name(inode_of(n));
		walk_names(fs->sb->root, note_name);
		for (struct tree_node *n = tree_first(&fs->inodes); n && !err; n = tree_next(n)) {
			struct gofer_inode *g = inode_of(n);
			if (!g->alias && g->inode != fs->sb->root->inode && in_use(g))
				err = survey_nameless(g, id++, why, size);
		}
	}
	return err;
}

void gofers_unsurvey(void)
{
	for (struct gofer_fs *fs = next_fs(NULL); fs; fs = next_fs(fs))
		for (struct tree_node *n = tree_first(&fs->inodes); n; n = tree_next(n))
			if (!inode_of(n)->detached)
				set_kind(inode_of(n), HOST_FD_GOFER, 0);
}

/* ---- the new gofer ---- */

static void forget_handles(struct gofer_fs *fs)
{
	struct gofer_inode *g, *next;

	fs->clunk_count = 0;
	for (struct tree_node *n = tree_first(&fs->inodes); n; n = tree_next(n)) {
		g = inode_of(n);
		gofer_handle_lost(g->inode);
		g->checked_ns = 0;
		g->plain = false;
	}
	list_for_each_entry_safe (g, next, &fs->idle_fds, idle_node)
		if (!in_use(g))
			gofer_drop_fds(g->inode);
	walk_names(fs->sb->root, note_name);
}

/* A descriptor in the place of one that was the old gofer's. */
static int reopen_as(struct gofer_inode *g, struct host_fd *h, bool write, struct gofer_attr *attr)
{
	struct gofer_op_buf op;
	int fd = -1, err = gofer_op_on(g->inode, &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_open(gofer_client_of(g->inode), &op.call, g->handle,
			 GOFER_OPEN_READ | (write ? GOFER_OPEN_WRITE : 0), &fd, attr);
	gofer_op_end(&op);
	if (!err)
		h->fd = fd;
	return err;
}

static bool same_contents(const struct gofer_inode *g, const struct gofer_attr *a)
{
	s64 mtime = a->mtime.sec * (s64)NSEC_PER_SEC + a->mtime.nsec;

	return g->dev == a->dev && g->ino == a->ino && g->inode->attr.size == a->size &&
	       (g->writes || g->inode->attr.mtime_ns == mtime);
}

static int reopen(struct gofer_fs *fs, struct gofer_inode *g, char *why, size_t size)
{
	struct gofer_attr attr;
	char name[200];
	int err = 0;

	if ((g->rd ? g->rd : g->rw)->kind == HOST_FD_REMOVED) {
		g->detached = true; /* the image brings it */
		return 0;
	}
	if (g->rd)
		err = reopen_as(g, g->rd, false, &attr);
	if (!err && g->rw)
		err = reopen_as(g, g->rw, true, &attr);
	name_of(g, name, sizeof(name));
	if (err) {
		snprintf(why, size, "the file %s, which is in use, cannot be opened again: %s", name,
			 strerrorname_np(-err));
	} else if (!fs->shared && !same_contents(g, &attr)) {
		snprintf(why, size, "the file %s, which is in use, has changed since the checkpoint", name);
		err = -ESTALE;
	}
	return err;
}

static int reopen_all(struct gofer_fs *fs, char *why, size_t size)
{
	struct tree_node *n = tree_first(&fs->inodes);
	int err = 0;

	while (n && !err) {
		struct gofer_inode *g = inode_of(n);
		struct inode *inode = inode_get(g->inode);
		if (in_use(g))
			err = reopen(fs, g, why, size);
		n = tree_next(n);
		inode_put(inode);
	}
	return err;
}

static void forget_idle(struct dentry *d)
{
	dentry_forget_children(d);
	if (mode_is_dir(d->inode->attr.mode))
		gofer_listing_drop(d->inode);
	gi(d->inode)->populated = false;
	gi(d->inode)->misses = 0;
}

/* What was cached may not be so any more: names that nobody uses go, a level at a time from the leaves; of
 * what stays, the attributes are asked for. One that is gone keeps those it had. */
static void forget_cached(struct gofer_fs *fs)
{
	struct tree_node *n;
	u32 levels = 0;
	u64 before;

	do {
		before = count_inodes(fs);
		walk_names(fs->sb->root, forget_idle);
	} while (count_inodes(fs) != before && ++levels < LEVELS_MAX);
	n = tree_first(&fs->inodes);
	while (n) {
		struct gofer_inode *g = inode_of(n);
		struct inode *inode = inode_get(g->inode);
		if (!in_use(g) && gofer_refresh(inode) && !fs->shared)
			klog(LOG_INFO, "a directory that the sandbox uses is not where it was");
		n = tree_next(n);
		inode_put(inode);
	}
}

int gofer_renew(u32 recipe, int fd, char *why, size_t size)
{
	struct gofer_fs *fs = next_fs(NULL);
	int err;

	while (fs && fs->conn->sock->recipe_id != recipe)
		fs = next_fs(fs);
	if (!fs || fs->conn->sock->fd >= 0) {
		snprintf(why, size, "the sandbox has no tree number %u that wants a gofer", recipe);
		return -EINVAL;
	}
	fs->conn->sock->fd = fd;
	forget_handles(fs);
	err = gofer_conn_renew(fs->conn);
	if (!err)
		err = gofer_attach_root(fs->sb);
	if (err) {
		snprintf(why, size,
			 err == -ESTALE ? "tree number %u is another than the sandbox had"
					: "the gofer of tree number %u does not answer",
			 recipe);
		return err;
	}
	err = reopen_all(fs, why, size);
	if (!err)
		forget_cached(fs);
	return err;
}
