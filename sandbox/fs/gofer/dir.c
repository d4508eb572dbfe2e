/*
 * dir.c - directories of a gofer's tree: finding, making and removing entries. Listing is in readdir.c.
 *
 * With the tree to ourselves a kept listing answers for what does not exist, and is changed along with the
 * tree; a directory that we make begins with an empty one.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sandbox/fs/gofer/gofer_priv.h"
#include "sandbox/kernel/task.h"

static struct gofer_str name_of(const struct dentry *d)
{
	return gofer_str(d->name, d->name_len);
}

int gofer_walk_name(struct inode *dir, const char *name, size_t len, bool open, struct inode **out)
{
	struct gofer_str wire = gofer_str(name, len);
	struct gofer_list steps;
	struct gofer_step step;
	struct gofer_op_buf op;
	u32 changes = gofer_fs(dir->sb)->xattr_changes;
	int stop, err = gofer_op_on(dir, &op, GOFER_WALK_BUF);

	*out = NULL;
	if (err)
		return err;
	err = gofer_walk(gofer_client_of(dir), &op.call, gi(dir)->handle, &wire, 1,
			 open ? GOFER_WALK_OPEN : 0, &stop, &steps);
	if (!err && gofer_step_next(&steps, &step)) {
		if (changes != gofer_fs(dir->sb)->xattr_changes)
			step.attr.mask &= ~GOFER_ATTR_PLAIN;
		err = gofer_inode_get(dir->sb, step.handle, &step.attr, step.target.data, step.target.size,
				      out);
	} else if (!err && stop && stop != -ENOENT)
		err = stop;
	if (op.call.fd >= 0 && !err && *out && mode_is_reg((*out)->attr.mode))
		gofer_keep_fd(*out, op.call.fd, false);
	else if (op.call.fd >= 0)
		close(op.call.fd);
	gofer_op_end(&op);
	return err;
}

static void stamp(struct dentry *d)
{
	d->private = (void *)(uintptr_t)clock_monotonic();
}

static int gofer_lookup(struct inode *dir, struct dentry *d)
{
	const struct gofer_inode *g = gi(dir);
	struct inode *inode;
	int err = 0;

	stamp(d);
	if (g->listing && !gofer_fs(dir->sb)->shared && !listing_find(g->listing, d->name, d->name_len))
		return 0;
	if (gofer_should_populate(dir))
		err = gofer_populate(d->parent, d);
	if (err || d->inode)
		return err;
	err = gofer_walk_name(dir, d->name, d->name_len, d->want_open, &inode);
	if (err)
		return err;
	if (inode) {
		dentry_set_inode(d, inode);
		gofer_alias_set(d);
	}
	return 0;
}

static void dentry_gone(struct dentry *d)
{
	if (d->inode)
		gofer_alias_clear(d);
}

/* cache=shared: after a second the name is asked for anew; it must still mean the same inode. */
static int shared_revalidate(struct dentry *d)
{
	u64 now = clock_monotonic();
	struct inode *inode;
	int err;

	if (now - (u64)(uintptr_t)d->private < GOFER_STALE_NS)
		return 1;
	err = gofer_walk_name(d->parent->inode, d->name, d->name_len, false, &inode);
	if (err)
		return err;
	err = inode == d->inode;
	inode_put(inode);
	if (err)
		d->private = (void *)(uintptr_t)now;
	return err;
}

const struct dentry_ops gofer_dentry_ops = {.release = dentry_gone};
const struct dentry_ops gofer_shared_dentry_ops = {.revalidate = shared_revalidate, .release = dentry_gone};

/* The kept listing of a directory follows what we do to it. */
static void note_added(struct inode *dir, const struct dentry *d, const struct inode *inode)
{
	struct listing *l = gi(dir)->listing;

	if (l &&
	    listing_add(l, d->name, d->name_len, inode->attr.ino, (u8)(mode_type(inode->attr.mode) >> 12)))
		gofer_listing_drop(dir);
}

static void note_removed(struct inode *dir, const struct dentry *d)
{
	if (gi(dir)->listing)
		listing_remove(gi(dir)->listing, d->name, d->name_len);
}

/* Makes an entry of any kind; a regular file comes open. */
static int make(struct inode *dir, struct dentry *d, u32 mode, const char *target)
{
	struct task *t = current_task();
	struct gofer_request q = {.create = {.flags = mode_is_reg(mode) ? GOFER_CREATE_OPEN : 0,
					     .mode = mode,
					     .uid = t ? t->cred->fsuid : 0,
					     .gid = t ? t->cred->fsgid : 0,
					     .name = name_of(d)}};
	struct gofer_op_buf op;
	struct gofer_attr attr;
	struct inode *inode;
	u64 handle;
	int fd = -1, err;

	if (target)
		q.create.target = gofer_str(target, strlen(target));
	if (dir->attr.mode & LINUX_S_ISGID)
		q.create.gid = dir->attr.gid;
	err = gofer_op_on(dir, &op, GOFER_SMALL_BUF);
	if (err)
		return err;
	q.create.dir = gi(dir)->handle;
	err = gofer_create(gofer_client_of(dir), &op.call, &q, &handle, &attr, &fd);
	gofer_op_end(&op);
	if (op.call.given_up)
		gofer_doubt_name(dir, d);
	if (err)
		return err;
	err = gofer_inode_get(dir->sb, handle, &attr, target, target ? strlen(target) : 0, &inode);
	if (fd >= 0 && !err)
		gofer_keep_fd(inode, fd, true);
	else if (fd >= 0)
		close(fd);
	if (err)
		return err;
	dentry_set_inode(d, inode);
	gofer_alias_set(d);
	stamp(d);
	note_added(dir, d, inode);
	if (mode_is_dir(mode)) {
		dir->attr.nlink++;
		gofer_listing_empty(inode);
	}
	inode_touch_mtime(dir);
	return 0;
}

static int gofer_mkfile(struct inode *dir, struct dentry *d, u32 mode)
{
	return make(dir, d, mode, NULL);
}

static int gofer_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	u32 type = mode_type(mode);

	if (type == LINUX_S_IFCHR || type == LINUX_S_IFBLK)
		return -EPERM;
	return make(dir, d, mode, NULL);
}

static int gofer_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return make(dir, d, LINUX_S_IFLNK | 0777, target);
}

static int gofer_link_name(struct inode *dir, struct dentry *d, struct inode *target)
{
	struct gofer_op_buf op;
	int err = gofer_handle_hold(target);

	if (err)
		return err;
	err = gofer_op_on(dir, &op, GOFER_SMALL_BUF);
	if (!err) {
		err = gofer_link(gofer_client_of(dir), &op.call, gi(target)->handle, gi(dir)->handle,
				 name_of(d));
		gofer_op_end(&op);
		if (op.call.given_up) {
			gofer_doubt_name(dir, d);
			gofer_doubt(target);
		}
	}
	gofer_handle_let_go(target);
	if (err)
		return err;
	target->attr.nlink++;
	inode_touch_ctime(target);
	inode_touch_mtime(dir);
	dentry_set_inode(d, inode_get(target));
	stamp(d);
	note_added(dir, d, target);
	return 0;
}

static int remove_entry(struct inode *dir, struct dentry *d, u32 flags)
{
	struct gofer_op_buf op;
	/* what somebody still holds must stay reachable without its name */
	bool stays = d->inode->obj.refs > 1 || d->inode->attr.nlink > 1;
	int err = stays ? gofer_handle_hold(d->inode) : 0;

	if (err)
		return err;
	err = gofer_op_on(dir, &op, GOFER_SMALL_BUF);
	if (!err) {
		err = gofer_unlink(gofer_client_of(dir), &op.call, gi(dir)->handle, name_of(d), flags);
		gofer_op_end(&op);
		if (op.call.given_up)
			gofer_doubt_name(dir, d);
	}
	if (!err)
		gofer_alias_clear(d);
	if (stays)
		gofer_handle_let_go(d->inode);
	if (err)
		return err;
	note_removed(dir, d);
	if (flags) {
		d->inode->attr.nlink = 0;
		dir->attr.nlink--;
	} else if (d->inode->attr.nlink) {
		d->inode->attr.nlink--;
	}
	inode_touch_ctime(d->inode);
	inode_touch_mtime(dir);
	return 0;
}

static int gofer_unlink_name(struct inode *dir, struct dentry *d)
{
	return remove_entry(dir, d, 0);
}

static int gofer_rmdir_name(struct inode *dir, struct dentry *d)
{
	return remove_entry(dir, d, GOFER_UNLINK_DIR);
}

static int call_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	struct gofer_op_buf op;
	int err = gofer_op_on(od, &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_rename(gofer_client_of(od), &op.call, gi(od)->handle, name_of(o), gi(nd)->handle,
			   name_of(n), flags & 3);
	gofer_op_end(&op);
	if (op.call.given_up) {
		gofer_doubt_name(od, o);
		gofer_doubt_name(nd, n);
	}
	return err;
}

static int gofer_rename_name(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n,
			     u32 flags)
{
	bool dir = mode_is_dir(o->inode->attr.mode);
	bool stays = n->inode && (n->inode->obj.refs > 1 || n->inode->attr.nlink > 1);
	int err = stays ? gofer_handle_hold(n->inode) : 0;

	if (err)
		return err;
	err = gofer_handle_hold(nd);
	if (!err) {
		err = call_rename(od, o, nd, n, flags);
		gofer_handle_let_go(nd);
	}
	if (!err && n->inode && !(flags & GOFER_RENAME_EXCHANGE))
		gofer_alias_clear(n);
	if (stays)
		gofer_handle_let_go(n->inode);
	if (err)
		return err;
	note_removed(od, o);
	if (n->inode)
		note_removed(nd, n);
	note_added(nd, n, o->inode);
	if (n->inode && (flags & GOFER_RENAME_EXCHANGE))
		note_added(od, o, n->inode);
	if (n->inode && !(flags & GOFER_RENAME_EXCHANGE)) {
		n->inode->attr.nlink = mode_is_dir(n->inode->attr.mode) ? 0 : n->inode->attr.nlink - 1;
		nd->attr.nlink -= dir;
	}
	if (dir && od != nd) {
		od->attr.nlink--;
		nd->attr.nlink++;
	}
	inode_touch_ctime(o->inode);
	inode_touch_mtime(od);
	inode_touch_mtime(nd);
	return 0;
}

static int gofer_tmpfile(struct inode *dir, u32 mode, struct inode **out)
{
	struct task *t = current_task();
	struct gofer_request q = {.create = {.flags = GOFER_CREATE_OPEN | GOFER_CREATE_TMPFILE,
					     .mode = mode,
					     .uid = t ? t->cred->fsuid : 0,
					     .gid = t ? t->cred->fsgid : 0}};
	struct gofer_op_buf op;
	struct gofer_attr attr;
	u64 handle;
	int fd = -1, err = gofer_op_on(dir, &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	q.create.dir = gi(dir)->handle;
	err = gofer_create(gofer_client_of(dir), &op.call, &q, &handle, &attr, &fd);
	gofer_op_end(&op);
	if (err)
		return err;
	err = gofer_inode_get(dir->sb, handle, &attr, NULL, 0, out);
	if (fd >= 0 && !err)
		gofer_keep_fd(*out, fd, true);
	else if (fd >= 0)
		close(fd);
	return err;
}

const struct inode_ops gofer_dir_inode_ops = {
    .lookup = gofer_lookup,
    .create = gofer_mkfile,
    .mkdir = gofer_mkfile,
    .mknod = gofer_mknod,
    .symlink = gofer_symlink,
    .link = gofer_link_name,
    .unlink = gofer_unlink_name,
    .rmdir = gofer_rmdir_name,
    .rename = gofer_rename_name,
    .tmpfile = gofer_tmpfile,
    .getattr = gofer_i_getattr,
    .setattr = gofer_i_setattr,
    .statfs = gofer_i_statfs,
    .getxattr = gofer_i_getxattr,
    .setxattr = gofer_i_setxattr,
    .listxattr = gofer_i_listxattr,
    .removexattr = gofer_i_removexattr,
    .evict = gofer_i_evict,
};
