/*
 * namei.c - path resolution, as path_resolution(7) tells it.
 *
 * A walk holds a counted position (mount, dentry) and consumes a name component by component: `.` and `..`,
 * mount points crossed both ways, symlinks followed where met. A followed link is walked by the same loop
 * over its own target, with the rest of the name waiting in the caller's frame: the depth is bounded by the
 * 40 links Linux allows. The walk never rises above its root.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/vfs/vfs_priv.h"

void path_set(struct path *p, struct mount *m, struct dentry *d)
{
	struct path old = *p;

	p->mnt = mount_get(m);
	p->dentry = dentry_get(d);
	path_put(&old);
}

void path_get(struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
	p->dentry = NULL;
	p->mnt = NULL;
}

void path_cross_down(struct path *p)
{
	while (p->dentry->mount_count) {
		struct mount *m = mount_on(p->mnt, p->dentry);
		if (!m)
			return;
		path_set(p, m, m->root);
	}
}

static int step_up(struct walk *w)
{
	struct path *c = &w->cur;

	if (c->dentry == w->root.dentry && c->mnt == w->root.mnt)
		return w->flags & WALK_BENEATH ? -EXDEV : 0;
	while (c->dentry == c->mnt->root) {
		if (!c->mnt->parent)
			return 0; /* the top of the namespace */
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
		path_set(c, c->mnt->parent, c->mnt->mountpoint);
		if (c->dentry == w->root.dentry && c->mnt == w->root.mnt)
			return 0;
	}
	path_set(c, c->mnt, c->dentry->parent);
	path_cross_down(c);
	return 0;
}

/* A link that is no text (/proc/PID/fd/N, /proc/self/exe): the walk jumps. */
static int jump(struct walk *w, struct inode *inode)
{
	struct path to = {0};
	int err;

	if (w->flags & WALK_NO_MAGICLINKS)
		return -ELOOP;
	if (w->flags & (WALK_BENEATH | WALK_IN_ROOT))
		return -EXDEV;
	err = inode->ops->follow(inode, &to);
	if (err)
		return err;
	if ((w->flags & WALK_NO_XDEV) && to.mnt != w->cur.mnt) {
		path_put(&to);
		return -EXDEV;
	}
	path_put(&w->cur);
	w->cur = to;
	return 0;
}

static int walk_components(struct walk *w, const char *name, bool trailing);

/* /proc/sys/fs/protected_symlinks: in a sticky, world-writable directory only one's own links work. */
static bool link_protected(const struct walk *w, const struct inode *link)
{
	const struct inode_attr *dir = &w->cur.dentry->inode->attr;
	struct task *t = current_task();

	return t && t->cred && sysctl(SYSCTL_PROTECTED_SYMLINKS) &&
	       (dir->mode & (LINUX_S_ISVTX | 2)) == (LINUX_S_ISVTX | 2) && link->attr.uid != t->cred->fsuid &&
	       link->attr.uid != dir->uid;
}

int walk_follow(struct walk *w, struct dentry *link, bool trailing)
{
	auto_cleanup(kfreep) char *target = NULL;
	struct inode *inode = link->inode;
	int err;

	if (w->flags & WALK_NO_SYMLINKS || ++w->links > SYMLINKS_MAX || (w->cur.mnt->flags & MNT_NOSYMFOLLOW))
		return -ELOOP;
	if (trailing && link_protected(w, inode))
		return -EACCES;
	if (inode->ops->follow)
		return jump(w, inode);
	if (!inode->ops->readlink)
		return -EINVAL;
	err = inode->ops->readlink(inode, &target);
	if (err)
		return err;
	if (!target[0])
		return -ENOENT;
	if (target[0] == '/') {
		if (w->flags & WALK_BENEATH)
			return -EXDEV;
		if ((w->flags & WALK_NO_XDEV) && w->cur.mnt != w->root.mnt)
			return -EXDEV;
		path_set(&w->cur, w->root.mnt, w->root.dentry);
	}
	return walk_components(w, target, trailing);
}

/* One ordinary component. `trailing`: the last of the whole name. */
static int step_into(struct walk *w, const char *name, size_t len, bool follow, bool trailing)
{
	struct dentry *d;
	int err = inode_permission(w->cur.dentry->inode, w->cur.mnt, 1);

	if (!err)
		err = dentry_lookup_flags(&w->cur, name, len,
					  w->flags & (trailing ? WALK_CACHED | WALK_OPEN : WALK_CACHED), &d);
	if (err)
		return err;
	if (!d->inode) {
		err = -ENOENT;
	} else if (mode_is_lnk(d->inode->attr.mode) && follow) {
		err = walk_follow(w, d, trailing);
	} else {
		struct mount *before = w->cur.mnt;
		path_set(&w->cur, w->cur.mnt, d);
		path_cross_down(&w->cur);
		if (w->cur.mnt != before && (w->flags & WALK_NO_XDEV))
			err = -EXDEV;
	}
	dentry_put(d);
	return err;
}

/* Keeps the last component for the caller instead of looking it up. A final link's own last component counts
 * as the whole name's only when the caller asks (walk_follow in open.c). */
static int stop_at_last(struct walk *w, const char *name, size_t len, bool slash)
{
	if (len > NAME_MAX_LEN)
		return -ENAMETOOLONG;
	kfree(w->last);
	w->last = kstrndup(name, len);
	w->trailing_slash |= slash;
	return w->last ? 0 : -ENOMEM;
}

static int walk_components(struct walk *w, const char *name, bool trailing)
{
	/* a link in the middle of a name is walked to its end, whatever the outer walk wants */
	while (*name) {
		size_t len;
		const char *rest;
		bool last, saved_parent = w->parent_only;
		int err;

		while (*name == '/')
			name++;
		if (!*name)
			return 0;
		len = strcspn(name, "/");
		rest = name + len;
		while (*rest == '/')
			rest++;
		last = !*rest;
		if (!mode_is_dir(w->cur.dentry->inode->attr.mode))
			return -ENOTDIR;
		if (last && w->parent_only)
			return stop_at_last(w, name, len, name[len] == '/');
		if (len == 1 && name[0] == '.') {
			err = inode_permission(w->cur.dentry->inode, w->cur.mnt, 1);
		} else if (len == 2 && name[0] == '.' && name[1] == '.') {
			err = inode_permission(w->cur.dentry->inode, w->cur.mnt, 1);
			if (!err)
				err = step_up(w);
		} else {
			u32 saved = w->flags;
			bool slash = name[len] == '/';
			if (!last || slash) /* inner links are followed wholly */
				w->flags |= WALK_FOLLOW;
			w->parent_only = false;
			err = step_into(w, name, len, w->flags & WALK_FOLLOW, trailing && last);
			w->parent_only = saved_parent;
			w->flags = saved;
			if (!err && slash && !mode_is_dir(w->cur.dentry->inode->attr.mode))
				err = -ENOTDIR;
		}
		if (err)
			return err;
		name = rest;
	}
	return 0;
}

int walk_path(struct walk *w, const char *name)
{
	int err = 0;

	if (!*name)
		err = w->flags & WALK_EMPTY_PATH ? 0 : -ENOENT;
	else
		err = walk_components(w, name, true);
	if (!err && w->parent_only && !w->last) /* "/" or "///": no last component */
		err = stop_at_last(w, ".", 1, true);
	if (!err && (w->flags & WALK_DIRECTORY) && !w->parent_only &&
	    !mode_is_dir(w->cur.dentry->inode->attr.mode))
		err = -ENOTDIR;
	if (err) {
		path_put(&w->cur);
		kfree(w->last);
		w->last = NULL;
	}
	return err;
}

int walk_begin(struct walk *w, int dirfd, const char *name, u32 flags)
{
	struct fs_context *fs = current_task()->fs;

	memset(w, 0, sizeof(*w));
	w->flags = flags;
	w->root = fs->root;
	if (*name == '/') {
		if (flags & WALK_BENEATH)
			return -EXDEV;
		if (!(flags & WALK_IN_ROOT)) {
			if ((flags & WALK_NO_XDEV) && fs->cwd.mnt != fs->root.mnt)
				return -EXDEV;
			path_set(&w->cur, fs->root.mnt, fs->root.dentry);
			return 0;
		}
	}
	if (dirfd == AT_FDCWD) {
		path_set(&w->cur, fs->cwd.mnt, fs->cwd.dentry);
	} else {
		auto_cleanup(filep_put) struct file *f = fd_get_path(dirfd);
		if (!f)
			return -EBADF;
		if (*name && !mode_is_dir(f->inode->attr.mode))
			return -ENOTDIR;
		if (!f->path.dentry->inode) /* only the file itself may be named */
			return *name ? -ENOTDIR : -ENOENT;
		path_set(&w->cur, f->path.mnt, f->path.dentry);
	}
	if (flags & (WALK_BENEATH | WALK_IN_ROOT))
		w->root = w->cur; /* borrowed from fs or the descriptor: see walk_end of the caller */
	return 0;
}

int path_lookup(int dirfd, const char *name, u32 walk_flags, struct path *out)
{
	struct path root = {0};
	struct walk w;
	int err = walk_begin(&w, dirfd, name, walk_flags);

	if (err)
		return err;
	root = w.root; /* hold it: another thread may chdir or close meanwhile */
	path_get(&root);
	err = walk_path(&w, name);
	path_put(&root);
	if (!err)
		*out = w.cur;
	return err;
}

int path_lookup_at(const struct path *start, const char *name, u32 walk_flags, struct path *out)
{
	struct walk w = {.flags = walk_flags, .root = *start};
	int err;

	path_set(&w.cur, start->mnt, start->dentry);
	err = walk_path(&w, name);
	if (!err)
		*out = w.cur;
	return err;
}

int path_lookup_parent(int dirfd, const char *name, u32 walk_flags, struct path *parent, char **last,
		       bool *trailing_slash)
{
	struct path root;
	struct walk w;
	int err;

	if (!*name)
		return -ENOENT;
	err = walk_begin(&w, dirfd, name, walk_flags);
	if (err)
		return err;
	w.parent_only = true;
	root = w.root;
	path_get(&root);
	err = walk_path(&w, name);
	path_put(&root);
	if (err)
		return err;
	*parent = w.cur;
	*last = w.last;
	*trailing_slash = w.trailing_slash;
	return 0;
}
