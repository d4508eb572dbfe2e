/*
 * nameops.c - making, removing and moving names: always in the upper tree, with a whiteout where a lower tree
 * still has the name.
 *
 * As Linux does without redirects, a directory of which a part lies in a lower tree cannot be renamed: EXDEV,
 * which mv(1) and the like take as "copy it".
 */
#include <errno.h>

#include "sandbox/fs/overlay/overlay_priv.h"

/* A whiteout that covers the name goes before something takes its place. */
static int uncover(struct inode *dir, const char *name, bool *covered)
{
	struct path p;
	int err = real_lookup(&oi(dir)->upper, name, strlen(name), &p);

	*covered = false;
	if (err)
		return err;
	*covered = real_is_whiteout(dir->sb, &p);
	path_put(&p);
	return *covered ? real_remove(&oi(dir)->upper, name) : 0;
}

/* Gives the new upper object at `p` to the dentry. p is put. */
static int instantiate(struct inode *dir, struct dentry *d, struct path *p)
{
	struct inode *inode;
	int err = ovl_inode_get(dir->sb, p, NULL, 0, 0, &inode);

	path_put(p);
	if (err)
		return err;
	dentry_set_inode(d, inode);
	oi(inode)->alias = d;
	ovl_listing_drop(dir);
	ovl_copy_attr(dir);
	return 0;
}

static int make(struct inode *dir, struct dentry *d, u32 mode, u64 rdev, const char *target)
{
	bool covered = false, lower = false;
	struct path p;
	int err = ovl_copy_up_dir(dir);

	if (!err)
		err = uncover(dir, d->name, &covered);
	if (!err && mode_is_dir(mode) && !covered)
		err = ovl_in_lower(dir, d->name, d->name_len, &lower);
	if (!err)
		err = real_make(&oi(dir)->upper, d->name, mode, rdev, target, &p);
	if (err) {
		if (covered && real_whiteout(dir->sb, &oi(dir)->upper, d->name))
			klog(LOG_WARN, "overlay: a removed name may show again");
		return err;
	}
	if (mode_is_dir(mode) && (covered || lower)) {
		err = real_set_opaque(dir->sb, &p);
		if (err) {
			path_put(&p);
			(void)!real_remove(&oi(dir)->upper, d->name);
			return err;
		}
	}
	return instantiate(dir, d, &p);
}

int ovl_create(struct inode *dir, struct dentry *d, u32 mode)
{
	return make(dir, d, mode, 0, NULL);
}

int ovl_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	/* such a node would be a whiteout */
	return mode_type(mode) == LINUX_S_IFCHR && !rdev ? -EPERM : make(dir, d, mode, rdev, NULL);
}

int ovl_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return make(dir, d, LINUX_S_IFLNK | 0777, 0, target);
}

int ovl_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	bool covered;
	int err = ovl_copy_up_dir(dir);

	if (!err)
		err = ovl_copy_up(target, true);
	if (!err)
		err = uncover(dir, d->name, &covered);
	if (!err)
		err = ovl_link_upper(target, &oi(dir)->upper, d->name);
	if (err)
		return err;
	dentry_set_inode(d, inode_get(target));
	if (!oi(target)->alias)
		oi(target)->alias = d;
	ovl_copy_attr(target);
	ovl_listing_drop(dir);
	ovl_copy_attr(dir);
	return 0;
}

int ovl_tmpfile(struct inode *dir, u32 mode, struct inode **out)
{
	struct inode *real, *up;
	struct dentry *d;
	struct path p;
	int err = ovl_copy_up_dir(dir);

	if (err)
		return err;
	up = oi(dir)->upper.dentry->inode;
	if (!up->ops->tmpfile)
		return -EOPNOTSUPP;
	err = up->ops->tmpfile(up, mode, &real);
	if (err)
		return err;
	d = dentry_new(oi(dir)->upper.dentry, up->sb, "#tmp", 4);
	if (!d) {
		inode_put(real);
		return -ENOMEM;
	}
	d->inode = real;
	d->unhashed = true;
	p = (struct path){mount_get(oi(dir)->upper.mnt), d};
	err = ovl_inode_get(dir->sb, &p, NULL, 0, 0, out);
	path_put(&p);
	return err;
}

/* The counts, after a name has gone: one that only the lower tree had? */
static void name_gone(struct inode *inode, const struct dentry *d, bool lower_only)
{
	if (oi(inode)->alias == d)
		oi(inode)->alias = NULL; /* another name tells itself when it is looked up */
	if (mode_is_dir(inode->attr.mode)) {
		inode->attr.nlink = 0;
		return;
	}
	if (lower_only)
		ovl_lower_name_gone(inode);
	if (lower_only && !oi(inode)->upper.mnt && !oi(inode)->lower_gone)
		inode->attr.nlink = 0; /* its only name */
	else
		ovl_copy_attr(inode);
	ovl_forget_nameless(inode);
}

/* Takes the name away: the upper object, if there is one, and what lies below it. */
static int remove_name(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->inode;
	bool lower, upper;
	struct path p;
	int err = ovl_copy_up_dir(dir);

	if (!err)
		err = ovl_in_lower(dir, d->name, d->name_len, &lower);
	if (!err)
		err = real_lookup(&oi(dir)->upper, d->name, d->name_len, &p);
	if (err)
		return err;
	upper = p.dentry->inode;
	path_put(&p);
	if (upper)
		err = real_remove(&oi(dir)->upper, d->name);
	if (!err && lower)
		err = real_whiteout(dir->sb, &oi(dir)->upper, d->name);
	if (err)
		return err;
	name_gone(inode, d, !upper);
	ovl_listing_drop(dir);
	ovl_copy_attr(dir);
	return 0;
}

int ovl_unlink(struct inode *dir, struct dentry *d)
{
	return remove_name(dir, d);
}

int ovl_rmdir(struct inode *dir, struct dentry *d)
{
	int err = ovl_clear(d->inode);

	return err ? err : remove_name(dir, d);
}

/* ---- rename ---- */

static bool pure_upper(const struct inode *inode)
{
	return oi(inode)->upper.mnt && !oi(inode)->lower_count;
}

/* A file with several names has been copied up by another of them: this one goes to the upper tree, too. */
static int name_up(struct inode *dir, const struct dentry *d)
{
	struct path p;
	bool there;
	int err = real_lookup(&oi(dir)->upper, d->name, d->name_len, &p);

	if (err)
		return err;
	there = p.dentry->inode;
	path_put(&p);
	if (there)
		return 0;
	err = ovl_link_upper(d->inode, &oi(dir)->upper, d->name);
	if (!err)
		ovl_lower_name_gone(d->inode);
	return err;
}

static int rename_ready(struct inode *od, struct dentry *from, struct inode *nd, struct dentry *to,
			bool exchange)
{
	struct inode *o = from->inode, *n = to->inode;
	int err;

	if (mode_is_dir(o->attr.mode) && !pure_upper(o))
		return -EXDEV;
	if (exchange && mode_is_dir(n->attr.mode) && !pure_upper(n))
		return -EXDEV;
	err = ovl_copy_up_dir(od);
	if (!err)
		err = ovl_copy_up_dir(nd);
	if (!err)
		err = ovl_copy_up(o, true);
	if (!err)
		err = name_up(od, from);
	if (!err && exchange)
		err = ovl_copy_up(n, true);
	if (!err && exchange)
		err = name_up(nd, to);
	return err;
}

/* A directory must not be merged with what a lower tree has under its new name. */
static int opaque_at(struct inode *moved, struct inode *dir, const char *name)
{
	bool lower;
	int err = mode_is_dir(moved->attr.mode) ? ovl_in_lower(dir, name, strlen(name), &lower) : 0;

	if (err || !mode_is_dir(moved->attr.mode) || !lower)
		return err;
	return real_set_opaque(dir->sb, &oi(moved)->upper);
}

/* Is the upper tree without this name? */
static int only_in_lower(struct inode *dir, const struct dentry *d, bool *yes)
{
	struct path p;
	int err = real_lookup(&oi(dir)->upper, d->name, d->name_len, &p);

	if (!err) {
		*yes = !p.dentry->inode;
		path_put(&p);
	}
	return err;
}

int ovl_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	bool exchange = flags & 2, lower, covered, hidden_victim = false;
	struct inode *victim = n->inode;
	int err = rename_ready(od, o, nd, n, exchange);

	if (err)
		return err;
	if (!exchange && victim && mode_is_dir(victim->attr.mode)) {
		err = ovl_clear(victim);
		if (!err && oi(victim)->upper.mnt)
			err = real_remove(&oi(nd)->upper, n->name);
		if (err)
			return err;
	}
	if (!victim || (mode_is_dir(victim->attr.mode) && !exchange)) {
		err = uncover(nd, n->name, &covered);
		if (err)
			return err;
	}
	err = opaque_at(o->inode, nd, n->name);
	if (!err && victim && !exchange)
		err = only_in_lower(nd, n, &hidden_victim);
	if (!err && exchange)
		err = opaque_at(victim, od, o->name);
	if (!err)
		err = real_rename(&oi(od)->upper, o->name, &oi(nd)->upper, n->name, exchange ? 2 : 0);
	if (!err && !exchange)
		err = ovl_in_lower(od, o->name, o->name_len, &lower);
	if (!err && !exchange && lower)
		err = real_whiteout(od->sb, &oi(od)->upper, o->name);
	if (err)
		return err;
	if (victim && !exchange) {
		name_gone(victim, n, hidden_victim);
	}
	ovl_copy_attr(o->inode);
	ovl_listing_drop(od);
	ovl_listing_drop(nd);
	ovl_copy_attr(od);
	ovl_copy_attr(nd);
	return 0;
}
