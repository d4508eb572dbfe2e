/*
 * readdir.c - listing a directory whose truth is the dentry tree (tmpfs, dev, devpts).
 *
 * Position 0 and 1 are `.` and `..`; an entry's own position is 2 + its cookie, which grows with the order in
 * which entries were made. An entry that is removed or added while somebody lists thus neither hides nor
 * doubles another.
 */
#include "sandbox/vfs/vfs_priv.h"

bool dir_emit_dots(struct file *f, struct dir_context *ctx)
{
	const struct dentry *d = f->path.dentry, *up = d->parent;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, f->inode->attr.ino, 4, 1))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		u64 ino = up->inode ? up->inode->attr.ino : f->inode->attr.ino;
		if (!ctx->emit(ctx, "..", 2, ino, 4, 2))
			return false;
		ctx->pos = 2;
	}
	return true;
}

int dcache_readdir(struct file *f, struct dir_context *ctx)
{
	struct dentry *d;

	if (!dir_emit_dots(f, ctx))
		return 0;
	list_for_each_entry (d, &f->path.dentry->children, sibling) {
		if (!d->inode || d->cookie + 1 < ctx->pos)
			continue;
		if (!ctx->emit(ctx, d->name, d->name_len, d->inode->attr.ino,
			       (u8)(mode_type(d->inode->attr.mode) >> 12), d->cookie + 2))
			return 0;
		ctx->pos = d->cookie + 2;
	}
	return 0;
}
