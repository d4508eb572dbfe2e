/*
 * inode.c - inodes of a gofer's tree: their identity, attributes, links, extended attributes, and opening.
 *
 * With the tree to ourselves (the default) inode->attr is the truth once it was read: every change goes
 * through here. With cache=shared it is believed for GOFER_STALE_NS.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/fs/gofer/gofer_priv.h"

static s64 to_ns(struct gofer_time t)
{
	s64 ns;

	if (__builtin_mul_overflow(t.sec, (s64)NSEC_PER_SEC, &ns) || __builtin_add_overflow(ns, t.nsec, &ns))
		return t.sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static struct gofer_time from_ns(s64 ns)
{
	s64 sec = ns / (s64)NSEC_PER_SEC, rest = ns % (s64)NSEC_PER_SEC;

	if (rest < 0) {
		rest += (s64)NSEC_PER_SEC;
		sec--;
	}
	return (struct gofer_time){sec, (u32)rest};
}

void gofer_attr_to_inode(struct inode *inode, const struct gofer_attr *a)
{
	u32 type = inode->attr.mode ? mode_type(inode->attr.mode) : mode_type(a->mode);

	inode->attr = (struct inode_attr){.mode = type | (a->mode & 07777),
					  .uid = a->uid,
					  .gid = a->gid,
					  .nlink = a->nlink,
					  .ino = a->ino,
					  .size = a->size > INT64_MAX ? INT64_MAX : a->size,
					  .blocks = a->blocks,
					  .blksize = a->blksize ? a->blksize : PAGE_SIZE,
					  .rdev = (a->rdev >> 32 << 8) | (a->rdev & 0xff),
					  .atime_ns = to_ns(a->atime),
					  .mtime_ns = to_ns(a->mtime),
					  .ctime_ns = to_ns(a->ctime),
					  .btime_ns = to_ns(a->btime)};
	gi(inode)->checked_ns = clock_monotonic();
}

/* ---- identity ---- */

static int compare(const struct gofer_inode *g, u64 dev, u64 ino)
{
	if (g->dev != dev)
		return dev < g->dev ? -1 : 1;
	return ino < g->ino ? -1 : ino > g->ino;
}

static struct gofer_inode *known(struct gofer_fs *fs, u64 dev, u64 ino, struct tree_node **parent,
				 struct tree_node ***where)
{
	*parent = NULL;
	*where = &fs->inodes.root;
	while (**where) {
		struct gofer_inode *g = container_of(**where, struct gofer_inode, node);
		int c = compare(g, dev, ino);
		if (!c)
			return g;
		*parent = **where;
		*where = c < 0 ? &(*parent)->left : &(*parent)->right;
	}
	return NULL;
}

int gofer_inode_get(struct super_block *sb, u64 handle, const struct gofer_attr *a, const char *target,
		    size_t target_size, struct inode **out)
{
	struct gofer_fs *fs = gofer_fs(sb);
	struct tree_node *parent, **where;
	struct gofer_inode *g = known(fs, a->dev, a->ino, &parent, &where);
	bool dir = mode_is_dir(a->mode);
	struct inode *inode;

	if (g && mode_type(g->inode->attr.mode) == mode_type(a->mode)) {
		*out = inode_get(g->inode);
		if (handle)
			gofer_handle_set(*out, handle);
		if (!fs->shared && (a->mask & GOFER_ATTR_PLAIN))
			g->plain = true;
		if (target && target_size && !g->target)
			g->target = kstrndup(target, target_size);
		return 0;
	}
	if (g) { /* the host has used the number again for something else */
		tree_erase(&fs->inodes, &g->node);
		g->node.parent = &g->node; /* not in the tree */
		(void)known(fs, a->dev, a->ino, &parent, &where);
	}
	g = knew(struct gofer_inode);
	inode = g ? inode_new(sb, mode_type(a->mode), dir ? &gofer_dir_inode_ops : &gofer_file_inode_ops,
			      dir ? &gofer_dir_file_ops : &gofer_file_ops)
		  : NULL;
	if (!inode) {
		kfree(g);
		if (handle)
			gofer_handle_drop(fs, handle);
		return -ENOMEM;
	}
	inode->private = g;
	*g = (struct gofer_inode){.inode = inode,
				  .dev = a->dev,
				  .ino = a->ino,
				  .plain = !fs->shared && (a->mask & GOFER_ATTR_PLAIN)};
	list_init(&g->idle_node);
	list_init(&g->handle_node);
	list_init(&g->doubt_node);
	tree_link(&fs->inodes, &g->node, parent, where);
	gofer_attr_to_inode(inode, a);
	if (handle)
		gofer_handle_set(inode, handle);
	if (mode_is_lnk(a->mode) && target) {
		g->target = kstrndup(target, target_size);
		if (!g->target) {
			inode_put(inode);
			return -ENOMEM;
		}
	}
	*out = inode;
	return 0;
}

void gofer_i_evict(struct inode *inode)
{
	struct gofer_inode *g = gi(inode);
	struct gofer_fs *fs = gofer_fs(inode->sb);

	if (g->node.parent != &g->node)
		tree_erase(&fs->inodes, &g->node);
	gofer_listing_drop(inode);
	gofer_drop_fds(inode);
	gofer_handle_unset(inode);
	kfree(g->target);
	kfree(g);
}

/* ---- descriptors ---- */

void gofer_keep_fd(struct inode *inode, int fd, bool write)
{
	struct gofer_inode *g = gi(inode);
	struct host_fd **at = write ? &g->rw : &g->rd;
	struct host_fd *h = host_fd_new(fd, HOST_FD_GOFER, write);

	if (h && !*at) {
		*at = h;
		if (!g->opens)
			gofer_closed(inode); /* idle from the start */
	} else {
		host_fd_put(h);
	}
}

void gofer_drop_fds(struct inode *inode)
{
	struct gofer_inode *g = gi(inode);

	if (!list_empty(&g->idle_node)) {
		list_del_init(&g->idle_node);
		gofer_fs(inode->sb)->idle_fd_count--;
	}
	host_fd_put(g->rd);
	host_fd_put(g->rw);
	g->rd = g->rw = NULL;
}

void gofer_opened(struct inode *inode)
{
	struct gofer_inode *g = gi(inode);

	g->opens++;
	if (!list_empty(&g->idle_node)) {
		list_del_init(&g->idle_node);
		gofer_fs(inode->sb)->idle_fd_count--;
	}
}

/* How many descriptors of closed files are kept. In a shared tree they hold what others have removed. */
static u32 idle_max(const struct gofer_fs *fs)
{
	return fs->shared ? GOFER_FDS_SHARED : min_t(u32, GOFER_FDS_IDLE, kernel()->host_fd_limit / 4);
}

/* Nobody has it open: the descriptors wait for the next one, the oldest beyond a bound are closed. */
void gofer_closed(struct inode *inode)
{
	struct gofer_fs *fs = gofer_fs(inode->sb);
	struct gofer_inode *g = gi(inode);

	if (g->opens || (!g->rd && !g->rw) || !list_empty(&g->idle_node))
		return;
	list_add_tail(&g->idle_node, &fs->idle_fds);
	if (++fs->idle_fd_count > idle_max(fs))
		gofer_drop_fds(list_first_entry(&fs->idle_fds, struct gofer_inode, idle_node)->inode);
}

/* ---- attributes ---- */

static void take_answer(struct inode *inode, struct gofer_attr *attr, bool links)
{
	if (!links && !gofer_fs(inode->sb)->shared)
		attr->nlink = (u32)inode->attr.nlink; /* names came and went meanwhile: ours is the truth */
	gofer_attr_to_inode(inode, attr);
}

static int refresh(struct inode *inode, bool links)
{
	struct gofer_op_buf op;
	struct gofer_attr attr;
	u32 writes = gi(inode)->writes;
	int err = gofer_op_on(inode, &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_getattr(gofer_client_of(inode), &op.call, gi(inode)->handle, &attr);
	if (!err && writes == gi(inode)->writes) /* else out of date when it came; the next one asks again */
		take_answer(inode, &attr, links);
	gofer_op_end(&op);
	return err;
}

int gofer_refresh(struct inode *inode)
{
	return refresh(inode, false);
}

int gofer_refresh_links(struct inode *inode)
{
	return refresh(inode, true);
}

/* How many blocks a file has is the host's business: asked for after writes, from the descriptor at hand. */
static void count_blocks(struct inode *inode)
{
	struct gofer_inode *g = gi(inode);
	struct stat st;

	if (g->rw && fstat(g->rw->fd, &st) == 0) {
		inode->attr.blocks = (u64)st.st_blocks;
		g->blocks_unknown = false;
	}
}

int gofer_i_getattr(struct inode *inode, u32 mask)
{
	if (gi(inode)->blocks_unknown)
		count_blocks(inode);
	if (gofer_fs(inode->sb)->shared && !gi(inode)->detached &&
	    clock_monotonic() - gi(inode)->checked_ns > GOFER_STALE_NS)
		return gofer_refresh(inode);
	return 0;
}

static int set_remote(struct inode *inode, const struct attr_change *ch)
{
	struct gofer_request q = {0};
	struct gofer_op_buf op;
	struct gofer_attr attr;
	int err;

	if (ch->mask & ATTR_MODE) {
		q.setattr.mask |= GOFER_SET_MODE;
		q.setattr.mode = ch->mode & 07777;
	}
	if (ch->mask & ATTR_UID) {
		q.setattr.mask |= GOFER_SET_UID;
		q.setattr.uid = ch->uid;
	}
	if (ch->mask & ATTR_GID) {
		q.setattr.mask |= GOFER_SET_GID;
		q.setattr.gid = ch->gid;
	}
	if (ch->mask & ATTR_SIZE) {
		q.setattr.mask |= GOFER_SET_SIZE;
		q.setattr.size = ch->size;
	}
	if (ch->mask & ATTR_ATIME) {
		q.setattr.mask |= GOFER_SET_ATIME;
		q.setattr.atime = from_ns(ch->atime_ns);
	}
	if ((ch->mask & ATTR_MTIME) && !(ch->mask & ATTR_SIZE)) {
		q.setattr.mask |= GOFER_SET_MTIME;
		q.setattr.mtime = from_ns(ch->mtime_ns);
	}
	if (!q.setattr.mask)
		return 0;
	err = gofer_op_on(inode, &op, GOFER_SMALL_BUF);
	if (err)
		return err;
	q.setattr.handle = gi(inode)->handle;
	err = gofer_setattr(gofer_client_of(inode), &op.call, &q, &attr);
	if (!err)
		take_answer(inode, &attr, false);
	gofer_op_end(&op);
	if (op.call.given_up)
		gofer_doubt(inode);
	return err;
}

static int set_detached(struct inode *inode, const struct attr_change *ch)
{
	if (ch->mask & ATTR_SIZE) {
		if (!gi(inode)->rw)
			return -EBADF;
		if (ftruncate(gi(inode)->rw->fd, (off_t)ch->size))
			return -errno;
		inode->attr.size = ch->size;
	}
	inode_apply_attr(inode, ch);
	return 0;
}

int gofer_i_setattr(struct inode *inode, const struct attr_change *ch)
{
	if (gi(inode)->detached)
		return set_detached(inode, ch);
	return set_remote(inode, ch);
}

int gofer_i_readlink(struct inode *inode, char **target)
{
	int err = !gi(inode)->target && mode_is_lnk(inode->attr.mode) ? gofer_handle(inode) : 0;

	if (err)
		return err;
	if (!gi(inode)->target) /* it came with the handle */
		return mode_is_lnk(inode->attr.mode) ? -EIO : -EINVAL;
	*target = kstrdup(gi(inode)->target);
	return *target ? 0 : -ENOMEM;
}

int gofer_i_statfs(struct inode *inode, struct linux_statfs *st)
{
	struct gofer_op_buf op;
	struct gofer_statfs s;
	int err = gofer_op_on(inode, &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_statfs(gofer_client_of(inode), &op.call, gi(inode)->handle, &s);
	gofer_op_end(&op);
	if (err)
		return err;
	st->f_bsize = (s64)s.bsize;
	st->f_blocks = s.blocks;
	st->f_bfree = s.bfree;
	st->f_bavail = s.bavail;
	st->f_files = s.files;
	st->f_ffree = s.ffree;
	st->f_namelen = (s64)s.namelen;
	st->f_frsize = (s64)s.frsize;
	return 0;
}

/* ---- opening ---- */

static int ask_for_fd(struct inode *inode, bool write)
{
	struct gofer_inode *g = gi(inode);
	struct gofer_op_buf op;
	struct gofer_attr attr;
	int fd = -1, err;

	if (!g->handle && !write && g->alias) { /* handle and descriptor in one message */
		struct dentry *d = dentry_get(g->alias);
		struct inode *there = NULL;
		err = gofer_walk_name(d->parent->inode, d->name, d->name_len, true, &there);
		dentry_put(d);
		inode_put(there);
		if (err || g->rd)
			return err;
	}
	err = gofer_op_on(inode, &op, GOFER_SMALL_BUF);
	if (err)
		return err;
	err = gofer_open(gofer_client_of(inode), &op.call, g->handle,
			 GOFER_OPEN_READ | (write ? GOFER_OPEN_WRITE : 0), &fd, &attr);
	gofer_op_end(&op);
	if (err)
		return err;
	gofer_keep_fd(inode, fd, write); /* another coroutine may have been faster */
	if (!(write ? g->rw : g->rd))
		return -ENOMEM;
	if (gofer_fs(inode->sb)->shared)
		gofer_attr_to_inode(inode, &attr);
	return 0;
}

/* Makes sure that a descriptor for the wanted mode has been donated. */
static int want_fd(struct inode *inode, bool write)
{
	struct gofer_fs *fs = gofer_fs(inode->sb);
	struct gofer_inode *g = gi(inode);
	int err;

	if (g->rw || (!write && g->rd))
		return 0;
	err = ask_for_fd(inode, write);
	if (err != -ENFILE || !fs->idle_fd_count)
		return err;
	while (fs->idle_fd_count) /* files that are open come first */
		gofer_drop_fds(list_first_entry(&fs->idle_fds, struct gofer_inode, idle_node)->inode);
	return g->rw || (!write && g->rd) ? 0 : ask_for_fd(inode, write);
}

int gofer_i_open(struct inode *inode, struct file *f)
{
	int err;

	if (!mode_is_reg(inode->attr.mode))
		return mode_is_dir(inode->attr.mode) ? 0 : -ENXIO;
	gofer_opened(inode); /* so that the descriptor stays */
	err = want_fd(inode, f->mode & FMODE_WRITE);
	if (err) {
		gi(inode)->opens--;
		gofer_closed(inode);
	}
	return err;
}

/* ---- extended attributes ---- */

s64 gofer_i_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct gofer_op_buf op;
	struct gofer_str got;
	u32 full;
	s64 err;

	if (*name && !gofer_xattr_ok(name))
		return -EOPNOTSUPP;
	if (gi(inode)->plain)
		return *name ? -ENODATA : 0;
	gofer_fs(inode->sb)->xattr_questions++;
	err = gofer_op_on(inode, &op, GOFER_SMALL_BUF + (u32)min_t(size_t, size, GOFER_XATTR_MAX));
	if (err)
		return err;
	err =
	    gofer_getxattr(gofer_client_of(inode), &op.call, gi(inode)->handle, gofer_str(name, strlen(name)),
			   (u32)min_t(size_t, size, GOFER_XATTR_MAX), &full, &got);
	if (!err && full > GOFER_XATTR_MAX)
		err = -EIO; /* no file system has such: callers allocate what they are told */
	if (!err) {
		err = size && full > size ? -ERANGE : (s64)full;
		if (err > 0 && size)
			memcpy(value, got.data, min_t(size_t, got.size, size));
	}
	gofer_op_end(&op);
	return err;
}

s64 gofer_i_listxattr(struct inode *inode, char *list, size_t size)
{
	return gofer_i_getxattr(inode, "", list, size);
}

int gofer_i_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct gofer_op_buf op;
	int err;

	if (size > GOFER_XATTR_MAX)
		return -E2BIG;
	err = gofer_op_on(inode, &op, GOFER_SMALL_BUF + (u32)size);
	if (err)
		return err;
	gi(inode)->plain = false;
	gofer_fs(inode->sb)->xattr_changes++;
	err = gofer_setxattr(gofer_client_of(inode), &op.call, gi(inode)->handle,
			     gofer_str(name, strlen(name)), gofer_str(value, size), (u32)flags);
	gofer_fs(inode->sb)->xattr_changes++;
	gofer_op_end(&op);
	if (op.call.given_up)
		gofer_doubt(inode);
	return err;
}

int gofer_i_removexattr(struct inode *inode, const char *name)
{
	struct gofer_op_buf op;
	int err = gofer_op_on(inode, &op, GOFER_SMALL_BUF);

	if (err)
		return err;
	err = gofer_removexattr(gofer_client_of(inode), &op.call, gi(inode)->handle,
				gofer_str(name, strlen(name)));
	gofer_op_end(&op);
	if (op.call.given_up)
		gofer_doubt(inode);
	return err;
}

const struct inode_ops gofer_file_inode_ops = {
    .getattr = gofer_i_getattr,
    .setattr = gofer_i_setattr,
    .readlink = gofer_i_readlink,
    .open = gofer_i_open,
    .statfs = gofer_i_statfs,
    .getxattr = gofer_i_getxattr,
    .setxattr = gofer_i_setxattr,
    .listxattr = gofer_i_listxattr,
    .removexattr = gofer_i_removexattr,
    .evict = gofer_i_evict,
};
