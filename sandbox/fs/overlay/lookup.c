/*
 * lookup.c - finding a name in the layers of a directory, from the top down: the first file ends the search,
 * directories are gathered until one is opaque, a whiteout hides what lies deeper.
 */
#include <errno.h>

#include "sandbox/fs/overlay/overlay_priv.h"

struct search {
	struct super_block *sb;
	const char *name;
	size_t len;
	struct path upper;
	struct path *lower;
	u32 lower_count;
	u32 first_layer; /* of lower[0]: 1 is the topmost */
	bool found, done;
	bool last; /* nothing lies below the layer at hand */
};

/* One layer. Paths that are kept are counted. */
static int look_in(struct search *s, const struct path *dir, u32 layer)
{
	struct path p;
	int err = real_lookup(dir, s->name, s->len, &p);
	bool is_dir;

	if (err)
		return err == -ENAMETOOLONG && s->found ? 0 : err;
	if (!p.dentry->inode) {
		path_put(&p);
		return 0;
	}
	if (real_is_whiteout(s->sb, &p)) {
		s->done = true;
		path_put(&p);
		return 0;
	}
	is_dir = mode_is_dir(p.dentry->inode->attr.mode);
	if (s->found && !is_dir) { /* a directory above hides it */
		s->done = true;
		path_put(&p);
		return 0;
	}
	s->found = true;
	s->done = !is_dir || s->last || real_is_opaque(s->sb, &p);
	if (layer == 0) {
		s->upper = p;
	} else {
		if (!s->lower_count)
			s->first_layer = layer;
		s->lower[s->lower_count++] = p;
	}
	return 0;
}

u32 ovl_layer_of(const struct ovl *o, const struct path *p)
{
	for (u32 i = 0; i < o->lower_count; i++)
		if (o->lower[i].mnt == p->mnt && dentry_is_ancestor(o->lower[i].dentry, p->dentry))
			return i + 1;
	return 1;
}

int ovl_lookup(struct inode *dir, struct dentry *d)
{
	const struct ovl_inode *x = oi(dir);
	struct search s = {.sb = dir->sb, .name = d->name, .len = d->name_len};
	struct inode *inode;
	int err = 0;

	if (x->lower_count) {
		s.lower = knew_array(struct path, x->lower_count);
		if (!s.lower)
			return -ENOMEM;
	}
	s.last = !x->lower_count;
	if (x->upper.mnt)
		err = look_in(&s, &x->upper, 0);
	for (u32 i = 0; i < x->lower_count && !err && !s.done; i++) {
		s.last = i + 1 == x->lower_count;
		err = look_in(&s, &x->lower[i], ovl_layer_of(ovl_of(dir->sb), &x->lower[i]));
	}
	if (!err && s.found) {
		err = ovl_inode_get(dir->sb, s.upper.mnt ? &s.upper : NULL, s.lower, s.lower_count,
				    s.first_layer, &inode);
		if (!err) {
			dentry_set_inode(d, inode);
			oi(inode)->alias = d;
		}
	}
	for (u32 i = 0; i < s.lower_count; i++)
		path_put(&s.lower[i]);
	kfree(s.lower);
	path_put(&s.upper);
	return err;
}

int ovl_in_lower(struct inode *dir, const char *name, size_t len, bool *found)
{
	const struct ovl_inode *x = oi(dir);

	*found = false;
	for (u32 i = 0; i < x->lower_count; i++) {
		struct path p;
		bool there, hidden;
		int err = real_lookup(&x->lower[i], name, len, &p);
		if (err)
			return err;
		there = p.dentry->inode;
		hidden = there && real_is_whiteout(dir->sb, &p);
		path_put(&p);
		if (there) {
			*found = !hidden;
			return 0;
		}
	}
	return 0;
}
