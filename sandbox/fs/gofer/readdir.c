/*
 * readdir.c - listing directories of a gofer's tree, and fetching the attributes of all entries at once.
 *
 * A listing is fetched whole. With the tree to ourselves the directory keeps it (listing.h); else it is the
 * open file's alone. Programs that list a directory often ask for the attributes of each entry next, and
 * some (git) ask for those of many files that they know: after a few such questions the whole directory's
 * attributes are fetched in batches, and names, inodes and attributes cached. Such an inode has no handle
 * until one is needed.
 */
#include <errno.h>

#include "sandbox/fs/gofer/gofer_priv.h"

#define LIST_CALL_SIZE   (64U << 10)
#define POPULATE_AFTER   4U    /* questions about a directory whose listing is known */
#define POPULATE_BLINDLY 16U   /* of one whose size is not */
#define XATTR_QUESTIONS  4U    /* about extended attributes, until listings tell who has none */
#define POPULATE_MAX     8192U /* entries */

/* ---- kept listings ---- */

static u64 bytes_of(const struct listing *l)
{
	return l->capacity * sizeof(*l->entries) + l->names_capacity + l->index_size * sizeof(u32) +
	       sizeof(*l);
}

void gofer_listing_drop(struct inode *dir)
{
	struct gofer_inode *g = gi(dir);
	struct listing *l = g->listing;

	if (!l)
		return;
	g->listing = NULL;
	list_del_init(&l->lru_node);
	gofer_fs(dir->sb)->listing_bytes -= l->charged;
	l->keeper = NULL;
	listing_put(l);
}

/* The directory keeps it from now on; the oldest go. */
static void keep(struct inode *dir, struct listing *l)
{
	struct gofer_fs *fs = gofer_fs(dir->sb);

	gofer_listing_drop(dir);
	listing_get(l);
	gi(dir)->listing = l;
	l->keeper = dir;
	l->charged = bytes_of(l);
	fs->listing_bytes += l->charged;
	list_add_tail(&l->lru_node, &fs->listings);
	while (fs->listing_bytes > GOFER_LISTINGS_MAX) {
		struct listing *oldest = list_first_entry(&fs->listings, struct listing, lru_node);
		if (oldest == l)
			break;
		gofer_listing_drop(oldest->keeper);
	}
}

void gofer_listing_empty(struct inode *dir)
{
	struct listing *l = gofer_fs(dir->sb)->shared ? NULL : listing_new();

	if (l) {
		keep(dir, l);
		listing_put(l);
	}
}

/* ---- fetching ---- */

/* An entry with its attributes: into the cache, unless its name is there. `d` is the dentry of a lookup under
 * way, which is not in the cache yet. */
static void cache_entry(struct dentry *parent, struct dentry *d, const struct gofer_dirent *e)
{
	struct super_block *sb = parent->sb;
	struct dentry *entry;
	struct inode *inode;

	if (!mode_is_dir(e->attr.mode) && e->attr.nlink > 1)
		return; /* by which of its names would it be asked for? */
	if (d && d->name_len == e->name.size && !memcmp(d->name, e->name.data, e->name.size)) {
		entry = dentry_get(d);
	} else {
		entry = dentry_lookup_cached(parent, e->name.data, e->name.size);
		if (entry) {
			dentry_put(entry);
			return;
		}
		entry = dentry_alloc(parent, e->name.data, e->name.size);
		if (!entry)
			return;
	}
	if (!gofer_inode_get(sb, 0, &e->attr, NULL, 0, &inode)) {
		dentry_set_inode(entry, inode);
		entry->private = (void *)(uintptr_t)clock_monotonic();
		gofer_alias_set(entry);
	} else if (entry != d) {
		dentry_unhash(entry);
	}
	dentry_put(entry);
}

/* All batches of a directory into a listing, with `parent` not NULL the attributes into the cache. */
static int fetch(struct inode *dir, struct listing *l, struct dentry *parent, struct dentry *d)
{
	struct gofer_list entries;
	struct gofer_dirent e;
	struct gofer_op_buf op;
	bool eof = false;
	u64 cookie = 0;
	u32 flags =
	    !parent ? 0
		    : GOFER_READDIR_ATTR |
			  (gofer_fs(dir->sb)->xattr_questions > XATTR_QUESTIONS ? GOFER_READDIR_PLAIN : 0);
	int err = gofer_op_on(dir, &op, LIST_CALL_SIZE);

	if (err)
		return err;
	while (!eof && !err) {
		u32 changes = gofer_fs(dir->sb)->xattr_changes;
		u64 before = cookie;
		gofer_call_init(&op.call, op.buf, LIST_CALL_SIZE);
		err = gofer_readdir(gofer_client_of(dir), &op.call, gi(dir)->handle, cookie, flags, &eof,
				    &entries);
		while (!err && gofer_dirent_next(&entries, &e)) {
			cookie = e.cookie;
			if (changes != gofer_fs(dir->sb)->xattr_changes)
				e.attr.mask &= ~GOFER_ATTR_PLAIN;
			err = listing_add(l, e.name.data, e.name.size, e.ino, (u8)e.type);
			if (!err && parent && e.has_attr && l->count <= POPULATE_MAX)
				cache_entry(parent, d, &e);
		}
		if (!err && !eof && cookie == before)
			err = -EIO; /* the gofer makes no progress */
	}
	gofer_op_end(&op);
	l->made_ns = clock_monotonic();
	return err;
}

bool gofer_should_populate(struct inode *dir)
{
	struct gofer_inode *g = gi(dir);

	if (g->populated && !gofer_fs(dir->sb)->shared)
		return false;
	if (g->listing && g->listing->live > POPULATE_MAX)
		return false;
	return ++g->misses >=
	       (g->listing ? max_t(u32, POPULATE_AFTER, g->listing->live / 64) : POPULATE_BLINDLY);
}

/* Under the directory's lock. */
int gofer_populate(struct dentry *parent, struct dentry *d)
{
	struct inode *dir = parent->inode;
	struct gofer_inode *g = gi(dir);
	struct listing *l = listing_new();
	int err;

	if (!l)
		return -ENOMEM;
	g->misses = 0;
	err = fetch(dir, l, parent, d);
	if (!err) {
		g->populated = true;
		if (!gofer_fs(dir->sb)->shared)
			keep(dir, l);
	}
	listing_put(l);
	return err;
}

/* ---- getdents ---- */

/* The listing for an open directory that is read from its start. */
static int begin(struct file *f, struct listing **out)
{
	struct inode *dir = f->inode;
	struct listing *l;
	int err = inode_lock_killable(dir);

	if (err)
		return err;
	if (gi(dir)->listing) {
		*out = gi(dir)->listing;
		listing_get(*out);
		list_move_tail(&(*out)->lru_node, &gofer_fs(dir->sb)->listings);
	} else {
		l = listing_new();
		err = l ? fetch(dir, l, NULL, NULL) : -ENOMEM;
		if (!err && !gofer_fs(dir->sb)->shared)
			keep(dir, l);
		if (err)
			listing_put(l);
		else
			*out = l;
	}
	inode_unlock(dir);
	return err;
}

static int gofer_readdir_file(struct file *f, struct dir_context *ctx)
{
	struct listing *l = f->private;
	int err;

	if (!l || ctx->pos == 0) {
		err = begin(f, &l);
		if (err)
			return err;
		listing_put(f->private);
		f->private = l;
	}
	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos - 2 < l->count) {
		const struct listing_entry *e = &l->entries[ctx->pos - 2];
		if (!e->gone &&
		    !ctx->emit(ctx, l->names + e->name_at, e->name_len, e->ino, e->type, ctx->pos + 1))
			break;
		ctx->pos++;
	}
	return 0;
}

static void gofer_dir_release(struct file *f)
{
	listing_put(f->private);
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
