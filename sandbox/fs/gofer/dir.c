/*
 * dir.c - directories of a gofer's tree: finding, making, removing and listing entries.
 *
 * A listing is fetched whole at its start and kept with the open file: positions are indices into it, so a
 * guest may seek to any it was told, and what changes meanwhile neither hides nor doubles an entry.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/gofer/gofer_priv.h"
#include "sandbox/kernel/task.h"

#define LIST_CALL_SIZE (64U << 10)
#define LIST_MAX       (64U << 20) /* bytes of one directory's listing: some million entries */

static struct gofer_str name_of(const struct dentry *d)
{
	return gofer_str(d->name, d->name_len);
}

/* Asks for one name: 0 with *out NULL if there is none. */
static int walk_one(struct inode *dir, const struct dentry *d, struct inode **out)
{
	struct gofer_str name = name_of(d);
	struct gofer_list steps;
	struct gofer_step step;
	struct gofer_op_buf op;
	int stop, err = gofer_op_begin(gofer_fs(dir->sb), &op, GOFER_WALK_BUF);

	*out = NULL;
	if (err)
		return err;
	err = gofer_walk(gofer_client_of(dir), &op.call, gi(dir)->handle, &name, 1, 0, &stop, &steps);
	if (!err && gofer_step_next(&steps, &step))
		err = gofer_inode_get(dir->sb, step.handle, &step.attr, step.target.data, step.target.size,
				      out);
	else if (!err && stop && stop != -ENOENT)
		err = stop;
	gofer_op_end(&op);
	return err;
}

static int gofer_lookup(struct inode *dir, struct dentry *d)
{
	struct inode *inode;
	int err = walk_one(dir, d, &inode);

	if (err)
		return err;
	if (inode)
		dentry_set_inode(d, inode);
	d->private = (void *)(uintptr_t)clock_monotonic();
	return 0;
}

/* cache=shared: after a second the name is asked for anew; it must still mean the same inode. */
static int shared_revalidate(struct dentry *d)
{
	u64 now = clock_monotonic();
	struct inode *inode;
	int err;

	if (now - (u64)(uintptr_t)d->private < GOFER_STALE_NS)
		return 1;
	err = walk_one(d->parent->inode, d, &inode);
	if (err)
		return err;
	err = inode == d->inode;
	inode_put(inode);
	if (err)
		d->private = (void *)(uintptr_t)now;
	return err;
}

const struct dentry_ops gofer_shared_dentry_ops = {.revalidate = shared_revalidate};

/* Makes an entry of any kind; a regular file comes open. */
static int make(struct inode *dir, struct dentry *d, u32 mode, const char *target)
{
	struct task *t = current_task();
	struct gofer_request q = {.create = {.dir = gi(dir)->handle,
					     .flags = mode_is_reg(mode) ? GOFER_CREATE_OPEN : 0,
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
	err = gofer_op_begin(gofer_fs(dir->sb), &op, GOFER_SMALL_BUF);
	if (err)
		return err;
	err = gofer_create(gofer_client_of(dir), &op.call, &q, &handle, &attr, &fd);
	gofer_op_end(&op);
	if (err)
		return err;
	err = gofer_inode_get(dir->sb, handle, &attr, target, target ? strlen(target) : 0, &inode);
	if (fd >= 0) {
		struct host_fd *h = host_fd_new(fd, HOST_FD_GOFER, true);
		if (!err && h && !gi(inode)->rw)
			gi(inode)->rw = h;
		else
			host_fd_put(h);
	}
	if (err)
		return err;
	dentry_set_inode(d, inode);
	d->private = (void *)(uintptr_t)clock_monotonic();
	if (mode_is_dir(mode))
		dir->attr.nlink++;
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
	int err = gofer_op_begin(gofer_fs(dir->sb), &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_link(gofer_client_of(dir), &op.call, gi(target)->handle, gi(dir)->handle, name_of(d));
	gofer_op_end(&op);
	if (err)
		return err;
	target->attr.nlink++;
	inode_touch_ctime(target);
	inode_touch_mtime(dir);
	dentry_set_inode(d, inode_get(target));
	d->private = (void *)(uintptr_t)clock_monotonic();
	return 0;
}

static int remove_entry(struct inode *dir, struct dentry *d, u32 flags)
{
	struct gofer_op_buf op;
	int err = gofer_op_begin(gofer_fs(dir->sb), &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_unlink(gofer_client_of(dir), &op.call, gi(dir)->handle, name_of(d), flags);
	gofer_op_end(&op);
	if (err)
		return err;
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

static int gofer_rename_name(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n,
			     u32 flags)
{
	bool dir = mode_is_dir(o->inode->attr.mode);
	struct gofer_op_buf op;
	int err = gofer_op_begin(gofer_fs(od->sb), &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_rename(gofer_client_of(od), &op.call, gi(od)->handle, name_of(o), gi(nd)->handle,
			   name_of(n), flags & 3);
	gofer_op_end(&op);
	if (err)
		return err;
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
	struct gofer_request q = {.create = {.dir = gi(dir)->handle,
					     .flags = GOFER_CREATE_OPEN | GOFER_CREATE_TMPFILE,
					     .mode = mode,
					     .uid = t ? t->cred->fsuid : 0,
					     .gid = t ? t->cred->fsgid : 0}};
	struct gofer_op_buf op;
	struct gofer_attr attr;
	u64 handle;
	int fd = -1, err = gofer_op_begin(gofer_fs(dir->sb), &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_create(gofer_client_of(dir), &op.call, &q, &handle, &attr, &fd);
	gofer_op_end(&op);
	if (err)
		return err;
	err = gofer_inode_get(dir->sb, handle, &attr, NULL, 0, out);
	if (fd >= 0) {
		struct host_fd *h = host_fd_new(fd, HOST_FD_GOFER, true);
		if (!err && h && !gi(*out)->rw)
			gi(*out)->rw = h;
		else
			host_fd_put(h);
	}
	return err;
}

/* ---- listing ---- */

struct dir_entry {
	u64 ino;
	u8 type, name_len;
	u32 name_at; /* in names */
};

struct dir_cache {
	struct dir_entry *entries;
	u32 count, capacity;
	char *names;
	u32 names_size, names_capacity;
};

static void cache_free(struct dir_cache *c)
{
	if (c) {
		kfree(c->entries);
		kfree(c->names);
		kfree(c);
	}
}

static int cache_add(struct dir_cache *c, const struct gofer_dirent *e)
{
	if (c->count == c->capacity) {
		u32 n = c->capacity ? c->capacity * 2 : 64;
		struct dir_entry *bigger = krealloc(c->entries, n * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		c->entries = bigger;
		c->capacity = n;
	}
	if (c->names_capacity - c->names_size < e->name.size) {
		u32 n = c->names_capacity ? c->names_capacity * 2 : 4096;
		char *bigger = n > LIST_MAX ? NULL : krealloc(c->names, n);
		if (!bigger)
			return -ENOMEM;
		c->names = bigger;
		c->names_capacity = n;
	}
	memcpy(c->names + c->names_size, e->name.data, e->name.size);
	c->entries[c->count++] = (struct dir_entry){e->ino, (u8)e->type, (u8)e->name.size, c->names_size};
	c->names_size += e->name.size;
	return 0;
}

static int fetch(struct inode *dir, struct dir_cache *c)
{
	struct gofer_list entries;
	struct gofer_dirent e;
	struct gofer_op_buf op;
	bool eof = false;
	u64 cookie = 0;
	int err = gofer_op_begin(gofer_fs(dir->sb), &op, LIST_CALL_SIZE);

	if (err)
		return err;
	while (!eof && !err) {
		u64 before = cookie;
		gofer_call_init(&op.call, op.buf, LIST_CALL_SIZE);
		err =
		    gofer_readdir(gofer_client_of(dir), &op.call, gi(dir)->handle, cookie, 0, &eof, &entries);
		if (err)
			break;
		while (!err && gofer_dirent_next(&entries, &e)) {
			cookie = e.cookie;
			err = cache_add(c, &e);
		}
		if (!err && !eof && cookie == before)
			err = -EIO; /* the gofer makes no progress */
	}
	gofer_op_end(&op);
	return err;
}

static int gofer_readdir_file(struct file *f, struct dir_context *ctx)
{
	struct dir_cache *c = f->dir_cache;
	int err;

	if (!c || ctx->pos == 0) {
		c = knew(struct dir_cache);
		if (!c)
			return -ENOMEM;
		err = fetch(f->inode, c);
		if (err) {
			cache_free(c);
			return err;
		}
		cache_free(f->dir_cache);
		f->dir_cache = c;
	}
	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos - 2 < c->count) {
		const struct dir_entry *e = &c->entries[ctx->pos - 2];
		if (!ctx->emit(ctx, c->names + e->name_at, e->name_len, e->ino, e->type, ctx->pos + 1))
			break;
		ctx->pos++;
	}
	return 0;
}

static void gofer_dir_release(struct file *f)
{
	cache_free(f->dir_cache);
	f->dir_cache = NULL;
}

static int gofer_fsync_dir(struct file *f, bool data_only)
{
	return gofer_file_ops.fsync(f, data_only);
}

const struct file_ops gofer_dir_file_ops = {
    .readdir = gofer_readdir_file,
    .release = gofer_dir_release,
    .fsync = gofer_fsync_dir,
};

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
