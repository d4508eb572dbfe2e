/*
 * dir.c - directories of a served tree: finding, making, removing and listing entries.
 *
 * A name is believed as long as the server has said, then asked for anew. dentry.private is that time.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/fs/fuse/fuse_priv.h"

#define LIST_SIZE (32U << 10)

static struct fuse_part name_of(const struct dentry *d)
{
	return (struct fuse_part){d->name, d->name_len + 1};
}

static void stamp(struct dentry *d, u64 until)
{
	d->private = (void *)(uintptr_t)until;
}

static u32 umask_now(void)
{
	const struct task *t = current_task();

	return t && t->fs ? t->fs->umask : 022;
}

/* ---- finding ---- */

/* 0 and e->nodeid 0: there is none. */
static int ask_name(struct inode *dir, const struct dentry *d, struct fuse_entry_out *e)
{
	struct fuse_call call = {.op = FUSE_LOOKUP,
				 .nodeid = fuse_i(dir)->nodeid,
				 .in = {name_of(d)},
				 .out = e,
				 .out_room = sizeof(*e),
				 .out_least = sizeof(*e)};
	s64 n = fuse_ask(fuse_c(dir), &call);

	if (n == -ENOENT) {
		memset(e, 0, sizeof(*e));
		return 0;
	}
	return n < 0 ? (int)n : 0;
}

int fuse_lookup(struct inode *dir, struct dentry *d)
{
	struct fuse_entry_out e;
	struct inode *inode;
	int err = ask_name(dir, d, &e);

	fuse_i(dir)->looked_at = true;

	if (err)
		return err;
	stamp(d, fuse_deadline(e.entry_valid, e.entry_valid_nsec));
	if (!e.nodeid)
		return 0;
	err = fuse_inode_get(dir->sb, &e, &inode);
	if (!err)
		dentry_set_inode(d, inode);
	return err;
}

static int revalidate(struct dentry *d)
{
	struct fuse_entry_out e;
	struct inode *inode;
	int err;

	if (d->parent == d || clock_monotonic() < (u64)(uintptr_t)d->private)
		return 1;
	fuse_i(d->parent->inode)->looked_at = true;
	err = ask_name(d->parent->inode, d, &e);
	if (err)
		return err;
	stamp(d, fuse_deadline(e.entry_valid, e.entry_valid_nsec));
	if (!e.nodeid)
		return !d->inode;
	err = fuse_inode_get(d->parent->inode->sb, &e, &inode);
	if (err)
		return err == -EIO ? 0 : err;
	err = inode == d->inode;
	inode_put(inode);
	return err;
}

const struct dentry_ops fuse_dentry_ops = {.revalidate = revalidate};

/* ---- making ---- */

/* The answer to a call that makes an entry of type `mode`. */
static int made(struct inode *dir, struct dentry *d, u32 mode, const struct fuse_entry_out *e)
{
	struct inode *inode;
	int err = mode_type(e->attr.mode) == mode_type(mode) ? fuse_inode_get(dir->sb, e, &inode) : -EIO;

	if (err)
		return err;
	stamp(d, fuse_deadline(e->entry_valid, e->entry_valid_nsec));
	dentry_set_inode(d, inode);
	fuse_i(dir)->fresh_until = 0;
	return 0;
}

static int make(struct inode *dir, struct dentry *d, u32 mode, struct fuse_call *call)
{
	struct fuse_entry_out e;
	s64 n;

	call->nodeid = fuse_i(dir)->nodeid;
	call->out = &e;
	call->out_room = call->out_least = sizeof(e);
	n = fuse_ask(fuse_c(dir), call);
	return n < 0 ? (int)n : made(dir, d, mode, &e);
}

int fuse_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	struct fuse_mknod_in in = {mode, (u32)rdev, umask_now(), 0};
	struct fuse_call call = {.op = FUSE_MKNOD, .in = {{&in, sizeof(in)}, name_of(d)}};

	return make(dir, d, mode, &call);
}

/* Makes a file and opens it at once: the handle waits in the inode for the open that follows. A server that
 * runs as a user could not open for writing what it has just made read-only. */
static int create_opened(struct inode *dir, struct dentry *d, u32 mode)
{
	struct fuse_create_in in = {O_CREAT | O_EXCL | O_RDWR, mode, umask_now(), 0};
	struct {
		struct fuse_entry_out e;
		struct fuse_open_out o;
	} out;
	struct fuse_call call = {.op = FUSE_CREATE,
				 .nodeid = fuse_i(dir)->nodeid,
				 .in = {{&in, sizeof(in)}, name_of(d)},
				 .out = &out,
				 .out_room = sizeof(out),
				 .out_least = sizeof(out)};
	s64 n = fuse_ask(fuse_c(dir), &call);
	struct fuse_release_in release = {.flags = O_RDWR};
	struct fuse_call close = {.op = FUSE_RELEASE, .in = {{&release, sizeof(release)}}};
	struct fuse_inode *i;
	int err;

	if (n < 0)
		return (int)n;
	err = made(dir, d, mode, &out.e);
	if (err) {
		release.fh = out.o.fh;
		close.nodeid = out.e.nodeid;
		fuse_tell(fuse_c(dir), &close, false);
		return err;
	}
	fuse_drop_handle(d->inode);
	i = fuse_i(d->inode);
	i->has_handle = true;
	i->handle = out.o.fh;
	i->creator = current_task();
	i->creator_born = i->creator->start_time_ns;
	i->creator_call = i->creator->syscall_count;
	return 0;
}

int fuse_create(struct inode *dir, struct dentry *d, u32 mode)
{
	struct fuse_conn *c = fuse_c(dir);
	int err = !d->want_open || c->no_create ? -ENOSYS : create_opened(dir, d, mode);

	if (err != -ENOSYS)
		return err;
	c->no_create |= d->want_open;
	return fuse_mknod(dir, d, mode, 0);
}

int fuse_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	struct fuse_mkdir_in in = {mode, umask_now()};
	struct fuse_call call = {.op = FUSE_MKDIR, .in = {{&in, sizeof(in)}, name_of(d)}};

	return make(dir, d, mode, &call);
}

int fuse_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct fuse_call call = {.op = FUSE_SYMLINK, .in = {name_of(d), {target, (u32)strlen(target) + 1}}};

	return make(dir, d, LINUX_S_IFLNK, &call);
}

int fuse_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	u64 old = fuse_i(target)->nodeid;
	struct fuse_call call = {.op = FUSE_LINK, .in = {{&old, sizeof(old)}, name_of(d)}};
	int err = make(dir, d, target->attr.mode, &call);

	return err == -ENOSYS ? -EPERM : err;
}

/* ---- removing ---- */

static int remove_name(struct inode *dir, struct dentry *d, u32 op)
{
	struct fuse_call call = {.op = op, .nodeid = fuse_i(dir)->nodeid, .in = {name_of(d)}};
	s64 n = fuse_ask(fuse_c(dir), &call);

	if (n < 0)
		return (int)n;
	fuse_i(dir)->fresh_until = 0;
	fuse_i(d->inode)->fresh_until = 0;
	d->inode->attr.nlink -= d->inode->attr.nlink && !mode_is_dir(d->inode->attr.mode);
	return 0;
}

int fuse_unlink(struct inode *dir, struct dentry *d)
{
	return remove_name(dir, d, FUSE_UNLINK);
}

int fuse_rmdir(struct inode *dir, struct dentry *d)
{
	return remove_name(dir, d, FUSE_RMDIR);
}

int fuse_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new_dentry,
		u32 flags)
{
	struct fuse_conn *c = fuse_c(old_dir);
	struct fuse_rename2_in in = {fuse_i(new_dir)->nodeid, flags, 0};
	struct fuse_call call = {
	    .op = flags ? FUSE_RENAME2 : FUSE_RENAME,
	    .nodeid = fuse_i(old_dir)->nodeid,
	    .in = {{&in, flags ? sizeof(in) : sizeof(in.newdir)}, name_of(old), name_of(new_dentry)}};
	s64 n = flags && c->no_rename2 ? -EINVAL : fuse_ask(c, &call);

	if (n == -ENOSYS && flags) {
		c->no_rename2 = true;
		return -EINVAL;
	}
	if (n < 0)
		return (int)n;
	fuse_i(old_dir)->fresh_until = fuse_i(new_dir)->fresh_until = 0;
	fuse_i(old->inode)->fresh_until = 0;
	if (new_dentry->inode) {
		fuse_i(new_dentry->inode)->fresh_until = 0;
		if (!flags && new_dentry->inode->attr.nlink)
			new_dentry->inode->attr.nlink--;
	}
	return 0;
}

/* ---- listing ---- */

/* An entry came with what a lookup would have told: it is one, and is counted so. */
static void adopt(struct dentry *parent, const char *name, size_t len, const struct fuse_entry_out *e)
{
	struct inode *dir = parent->inode, *inode;
	struct dentry *d;

	if (!e->nodeid || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.') ||
	    fuse_inode_get(dir->sb, e, &inode))
		return;
	inode_lock(dir);
	d = dentry_lookup_cached(parent, name, len);
	if (!d && !dir->dead) {
		d = dentry_alloc(parent, name, len);
		if (d)
			dentry_set_inode(d, inode_get(inode));
	}
	if (d && d->inode == inode)
		stamp(d, fuse_deadline(e->entry_valid, e->entry_valid_nsec));
	inode_unlock(dir);
	dentry_put(d);
	inode_put(inode);
}

/* Hands one buffer of entries on; *more is false when the taker has no more room. With `plus`, all of them
 * are adopted, also those that are not taken now: the server has counted them. -EIO for what cannot be. */
static int emit_all(struct file *f, struct dir_context *ctx, const u8 *buf, size_t size, bool plus,
		    bool *more)
{
	const size_t before = plus ? sizeof(struct fuse_entry_out) : 0,
		     head = before + offsetof(struct fuse_dirent, type) + sizeof(u32);

	*more = true;
	for (size_t at = 0, len; at + head <= size; at += len) {
		const char *name = (const char *)buf + at + head;
		struct fuse_entry_out entry = {0};
		struct fuse_dirent e;
		memcpy(&entry, buf + at, before);
		memcpy(&e, buf + at + before, head - before);
		len = (head + e.namelen + 7) & ~(size_t)7;
		if (!e.namelen || e.namelen > 255 || len > size - at || memchr(name, '/', e.namelen) ||
		    memchr(name, 0, e.namelen))
			return -EIO;
		if (*more && ctx->emit(ctx, name, e.namelen, e.ino, (u8)e.type, e.off))
			ctx->pos = e.off;
		else
			*more = false;
		if (plus)
			adopt(f->path.dentry, name, e.namelen, &entry);
		else if (!*more)
			break;
	}
	return 0;
}

/* Attributes are asked for along with the names where somebody seems to want them: at the beginning of a
 * directory, and when names in it were looked at one by one since the last part. */
static bool want_plus(struct file *f, u64 pos)
{
	const struct fuse_conn *c = fuse_c(f->inode);
	struct fuse_inode *i = fuse_i(f->inode);
	bool looked_at = i->looked_at;

	i->looked_at = false;
	return c->dir_plus && (!c->dir_plus_auto || !pos || looked_at);
}

static int fuse_readdir(struct file *f, struct dir_context *ctx)
{
	const struct fuse_file *ff = f->private;
	u8 *buf = kmalloc(LIST_SIZE);
	bool more = true, plus = want_plus(f, ctx->pos);
	int err = buf ? 0 : -ENOMEM;

	while (!err && more) {
		struct fuse_read_in in = {
		    .fh = ff->fh, .offset = ctx->pos, .size = LIST_SIZE, .flags = f->flags};
		struct fuse_call call = {.op = plus ? FUSE_READDIRPLUS : FUSE_READDIR,
					 .nodeid = fuse_i(f->inode)->nodeid,
					 .in = {{&in, sizeof(in)}},
					 .out = buf,
					 .out_room = LIST_SIZE};
		u64 before = ctx->pos;
		s64 n = fuse_ask(fuse_c(f->inode), &call);
		if (n <= 0) {
			err = (int)n;
			break;
		}
		err = emit_all(f, ctx, buf, (size_t)n, plus, &more);
		if (ctx->pos == before)
			break; /* a server that does not get on */
	}
	kfree(buf);
	return err;
}

static int fsyncdir(struct file *f, bool data_only)
{
	struct fuse_conn *c = fuse_c(f->inode);
	struct fuse_fsync_in in = {.fh = ((struct fuse_file *)f->private)->fh, .fsync_flags = data_only};
	struct fuse_call call = {
	    .op = FUSE_FSYNCDIR, .nodeid = fuse_i(f->inode)->nodeid, .in = {{&in, sizeof(in)}}};
	s64 n = c->no_fsyncdir ? 0 : fuse_ask(c, &call);

	c->no_fsyncdir |= n == -ENOSYS;
	return n == -ENOSYS || n >= 0 ? 0 : (int)n;
}

static void dir_release(struct file *f)
{
	fuse_file_close(f, FUSE_RELEASEDIR);
}

const struct file_ops fuse_dir_file_ops = {
    .readdir = fuse_readdir, .fsync = fsyncdir, .release = dir_release};
