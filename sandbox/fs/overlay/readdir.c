/*
 * readdir.c - listing a directory whose entries lie in several layers: the names of each from the top down,
 * each name once, without those that a whiteout hides. The listing is kept until the directory changes;
 * positions are indices into it.
 */
#include <errno.h>

#include "sandbox/fs/overlay/overlay_priv.h"

struct gather {
	struct dir_context ctx;
	struct super_block *sb;
	struct path *dir;
	struct listing *l, *hidden;
	u32 layer;
	int err;
};

/* A name in the layer at hand; devices and, in the upper tree, empty files may be whiteouts. */
static bool hides(struct gather *g, const char *name, size_t len, u8 type)
{
	struct path p;
	bool yes;

	if (type != LINUX_S_IFCHR >> 12 && type != LINUX_S_IFREG >> 12)
		return false;
	/* files are whiteouts only in an upper tree where devices cannot be made */
	if (type == LINUX_S_IFREG >> 12 && (g->layer || !(g->dir->dentry->sb->flags & SB_NODEV)))
		return false;
	g->err = real_lookup(g->dir, name, len, &p);
	if (g->err)
		return false;
	yes = real_is_whiteout(g->sb, &p);
	path_put(&p);
	return yes;
}

static bool gather_one(struct dir_context *ctx, const char *name, size_t len, u64 ino, u8 type, u64 next)
{
	struct gather *g = container_of(ctx, struct gather, ctx);

	if ((len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
		return true;
	if (listing_find(g->l, name, len) || listing_find(g->hidden, name, len))
		return true;
	if (hides(g, name, len, type))
		g->err = listing_add(g->hidden, name, len, 0, 0);
	else if (!g->err)
		g->err = listing_add(g->l, name, len, ovl_ino(g->layer, ino), type);
	return !g->err;
}

/* Numbers as stat tells them, for names that are known. */
static void correct_inos(struct dentry *dir, struct listing *l)
{
	struct dentry *c;

	list_for_each_entry (c, &dir->children, sibling) {
		struct listing_entry *e =
		    c->inode ? (struct listing_entry *)(uintptr_t)listing_find(l, c->name, c->name_len)
			     : NULL;
		if (e)
			e->ino = c->inode->attr.ino;
	}
}

static int gather_all(struct inode *dir, struct listing *l, struct listing *hidden)
{
	const struct ovl_inode *x = oi(dir);
	int err = 0;

	for (u32 i = 0; i <= x->lower_count && !err; i++) {
		struct path p = i ? x->lower[i - 1] : x->upper;
		struct gather g = {
		    .ctx = {.emit = gather_one}, .sb = dir->sb, .dir = &p, .l = l, .hidden = hidden};
		if (!p.mnt)
			continue;
		path_get(&p);
		g.layer = i ? ovl_layer_of(ovl_of(dir->sb), &p) : 0;
		err = real_list(&p, &g.ctx);
		err = g.err ? g.err : err;
		path_put(&p);
	}
	return err;
}

static int make_listing(struct inode *dir, struct listing **out)
{
	struct listing *l = listing_new(), *hidden = listing_new();
	int err = l && hidden ? gather_all(dir, l, hidden) : -ENOMEM;

	listing_put(hidden);
	if (err)
		listing_put(l);
	else
		*out = l;
	return err;
}

void ovl_listing_drop(struct inode *dir)
{
	listing_put(oi(dir)->listing);
	oi(dir)->listing = NULL;
}

int ovl_clear(struct inode *dir)
{
	struct ovl_inode *x = oi(dir);
	struct listing *l, *hidden = listing_new();
	int err = 0;

	l = listing_new();
	if (!l || !hidden)
		err = -ENOMEM;
	if (!err)
		err = gather_all(dir, l, hidden);
	if (!err && l->live)
		err = -ENOTEMPTY;
	for (u32 i = 0; !err && x->upper.mnt && i < hidden->count; i++) {
		const struct listing_entry *e = &hidden->entries[i];
		auto_cleanup(kfreep) char *name = kstrndup(hidden->names + e->name_at, e->name_len);
		err = name ? real_remove(&x->upper, name) : -ENOMEM;
		if (err == -ENOENT) /* a lower tree's own whiteout */
			err = 0;
	}
	listing_put(hidden);
	listing_put(l);
	return err;
}

static int ovl_readdir(struct file *f, struct dir_context *ctx)
{
	struct listing *l = f->private;
	struct ovl_inode *x = oi(f->inode);
	int err = 0;

	if (!l || ctx->pos == 0) {
		err = inode_lock_killable(f->inode);
		if (err)
			return err;
		if (!x->listing)
			err = make_listing(f->inode, &x->listing);
		inode_unlock(f->inode);
		if (err)
			return err;
		listing_put(f->private); /* as it is now: another thread may list, too */
		l = f->private = x->listing;
		listing_get(l);
		correct_inos(f->path.dentry, l);
	}
	if (!dir_emit_dots(f, ctx))
		return 0;
	while (ctx->pos - 2 < l->count) {
		const struct listing_entry *e = &l->entries[ctx->pos - 2];
		if (!ctx->emit(ctx, l->names + e->name_at, e->name_len, e->ino, e->type, ctx->pos + 1))
			break;
		ctx->pos++;
	}
	return 0;
}

static void ovl_dir_release(struct file *f)
{
	listing_put(f->private);
}

static int ovl_dir_fsync(struct file *f, bool data_only)
{
	struct ovl_inode *x = oi(f->inode);
	struct file *real;
	int err;

	if (!x->upper.mnt)
		return 0;
	err = real_open(&x->upper, 0, &real);
	if (err)
		return err;
	err = real->ops->fsync ? real->ops->fsync(real, data_only) : 0;
	file_put(real);
	return err;
}

const struct file_ops ovl_dir_file_ops = {
    .readdir = ovl_readdir, .release = ovl_dir_release, .fsync = ovl_dir_fsync};
