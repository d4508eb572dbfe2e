/*
 * inode.c - overlay inodes: their identity, attributes and extended attributes.
 *
 * Two names that lead to one real inode lead to one overlay inode; it is found by its upper and by its lower
 * real inode, so that a name that was looked up before a copy-up and one looked up after it agree.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/fs/overlay/overlay_priv.h"

/* The numbers of the lower trees must not meet those of the upper. */
u64 ovl_ino(u32 layer, u64 real_ino)
{
	return real_ino ^ ((u64)layer << 52);
}

static struct ovl_key *find_key(struct ovl *o, const struct inode *real, struct tree_node **parent,
				struct tree_node ***where)
{
	*parent = NULL;
	*where = &o->inodes.root;
	while (**where) {
		struct ovl_key *k = container_of(**where, struct ovl_key, node);
		if (k->real == real)
			return k;
		*parent = **where;
		*where = real < k->real ? &(*parent)->left : &(*parent)->right;
	}
	return NULL;
}

static void add_key(struct ovl *o, struct ovl_key *k, const struct inode *real, struct inode *inode)
{
	struct tree_node *parent, **where;

	if (!real || k->real || find_key(o, real, &parent, &where))
		return;
	k->real = real;
	k->inode = inode;
	tree_link(&o->inodes, &k->node, parent, where);
}

static void remove_key(struct ovl *o, struct ovl_key *k)
{
	if (k->real)
		tree_erase(&o->inodes, &k->node);
	k->real = NULL;
}

static struct inode *known(struct ovl *o, const struct path *p)
{
	struct tree_node *parent, **where;
	struct ovl_key *k = p ? find_key(o, p->dentry->inode, &parent, &where) : NULL;

	return k ? inode_get(k->inode) : NULL;
}

void ovl_copy_attr(struct inode *inode)
{
	struct inode *real = ovl_real_inode(inode);
	u64 ino = oi(inode)->ino;

	inode->attr = real->attr;
	inode->attr.ino = ino;
	if (oi(inode)->upper.mnt)
		inode->attr.nlink += oi(inode)->lower_links;
	else
		inode->attr.nlink -= min_t(u32, inode->attr.nlink, oi(inode)->lower_gone);
	inode->flags = real->flags;
	if (mode_is_dir(inode->attr.mode) && inode->attr.nlink &&
	    oi(inode)->lower_count + !!oi(inode)->upper.mnt > 1)
		inode->attr.nlink = 1; /* nobody has counted the directories in it */
}

/* The number that a copied-up file had before. */
static u64 origin_ino(struct super_block *sb, struct inode *real)
{
	char name[64];
	u64 ino;

	snprintf(name, sizeof(name), "%sorigin", ovl_of(sb)->xattr);
	if (!real->ops->getxattr || real->ops->getxattr(real, name, &ino, sizeof(ino)) != (s64)sizeof(ino))
		return ovl_ino(0, real->attr.ino);
	return ino;
}

static void free_paths(struct ovl_inode *x)
{
	for (u32 i = 0; i < x->lower_count; i++)
		path_put(&x->lower[i]);
	kfree(x->lower);
	path_put(&x->upper);
	kfree(x);
}

static struct ovl_inode *new_private(const struct path *upper, const struct path *lower, u32 count)
{
	struct ovl_inode *x = knew(struct ovl_inode);

	if (!x)
		return NULL;
	list_init(&x->kept_node);
	if (count) {
		x->lower = knew_array(struct path, count);
		if (!x->lower) {
			kfree(x);
			return NULL;
		}
	}
	x->lower_count = count;
	for (u32 i = 0; i < count; i++) {
		x->lower[i] = lower[i];
		path_get(&x->lower[i]);
	}
	if (upper) {
		x->upper = *upper;
		path_get(&x->upper);
	}
	return x;
}

int ovl_inode_get(struct super_block *sb, const struct path *upper, const struct path *lower, u32 lower_count,
		  u32 layer, struct inode **out)
{
	struct ovl *o = ovl_of(sb);
	const struct path *real = upper ? upper : lower;
	u32 mode = real->dentry->inode->attr.mode;
	struct ovl_inode *x;
	struct inode *inode = known(o, upper);

	if (!inode && lower_count)
		inode = known(o, lower);
	if (inode && mode_type(inode->attr.mode) == mode_type(mode)) {
		*out = inode;
		return 0;
	}
	inode_put(inode);
	x = new_private(upper, lower, lower_count);
	if (!x)
		return -ENOMEM;
	if (mode_is_dir(mode))
		inode = inode_new(sb, mode, &ovl_dir_ops_i, &ovl_dir_file_ops);
	else if (mode_is_reg(mode) || mode_is_lnk(mode))
		inode = inode_new(sb, mode, &ovl_file_ops_i, &ovl_file_file_ops);
	else
		inode = inode_new(sb, mode, &ovl_special_ops_i, NULL);
	if (!inode) {
		free_paths(x);
		return -ENOMEM;
	}
	inode->private = x;
	x->inode = inode;
	x->ino =
	    upper ? origin_ino(sb, upper->dentry->inode) : ovl_ino(layer, lower->dentry->inode->attr.ino);
	add_key(o, &x->by_upper, upper ? upper->dentry->inode : NULL, inode);
	add_key(o, &x->by_lower, lower_count ? lower->dentry->inode : NULL, inode);
	ovl_copy_attr(inode);
	*out = inode;
	return 0;
}

/* What it has here, the real inodes do not tell: it must not leave the cache. */
static void keep(struct inode *inode)
{
	if (!list_empty(&oi(inode)->kept_node))
		return;
	list_add_tail(&oi(inode)->kept_node, &ovl_of(inode->sb)->kept);
	inode_get(inode);
}

void ovl_forget_nameless(struct inode *inode)
{
	if (inode->attr.nlink || list_empty(&oi(inode)->kept_node))
		return;
	list_del_init(&oi(inode)->kept_node);
	inode_put(inode);
}

void ovl_lower_name_gone(struct inode *inode)
{
	struct ovl_inode *x = oi(inode);

	if (x->upper.mnt) {
		x->lower_links -= x->lower_links > 0;
	} else if (x->lower[0].dentry->inode->attr.nlink > 1) {
		x->lower_gone++;
		keep(inode);
	}
}

void ovl_set_upper(struct inode *inode, const struct path *upper)
{
	struct ovl_inode *x = oi(inode);
	struct path old = x->upper;
	u32 names = x->lower_count ? x->lower[0].dentry->inode->attr.nlink : 0;

	x->upper = *upper;
	path_get(&x->upper);
	remove_key(ovl_of(inode->sb), &x->by_upper);
	add_key(ovl_of(inode->sb), &x->by_upper, upper->dentry->inode, inode);
	if (!old.mnt && !mode_is_dir(inode->attr.mode) && names > 1) {
		/* its other names lead to the lower one, and must lead here; it has one less if it was copied
		 * under one of them */
		u32 left = names - min_t(u32, names, x->lower_gone);
		x->lower_links = left - (left && !upper->dentry->unhashed);
		keep(inode);
	}
	path_put(&old);
	acl_forget(inode);
	ovl_copy_attr(inode);
}

static void ovl_evict(struct inode *inode)
{
	struct ovl_inode *x = oi(inode);
	struct ovl *o = ovl_of(inode->sb);

	remove_key(o, &x->by_upper);
	remove_key(o, &x->by_lower);
	listing_put(x->listing);
	free_paths(x);
}

/* ---- attributes ---- */

static int ovl_getattr(struct inode *inode, u32 mask)
{
	struct inode *real = ovl_real_inode(inode);
	int err = real->ops && real->ops->getattr ? real->ops->getattr(real, mask) : 0;

	if (!err)
		ovl_copy_attr(inode);
	return err;
}

static int ovl_setattr(struct inode *inode, const struct attr_change *ch)
{
	struct inode *real;
	int err = ovl_copy_up(inode, !(ch->mask & ATTR_SIZE) || ch->size);

	if (err)
		return err;
	real = ovl_real_inode(inode);
	if (!real->ops->setattr)
		return -EPERM;
	inode_lock(real);
	err = real->ops->setattr(real, ch);
	inode_unlock(real);
	ovl_copy_attr(inode);
	return err;
}

static int ovl_readlink(struct inode *inode, char **target)
{
	struct inode *real = ovl_real_inode(inode);

	return real->ops->readlink ? real->ops->readlink(real, target) : -EINVAL;
}

static int ovl_statfs(struct inode *inode, struct linux_statfs *st)
{
	struct ovl *o = ovl_of(inode->sb);
	struct inode *real = (o->upper.mnt ? &o->upper : &o->lower[0])->dentry->inode;

	return real->ops->statfs ? real->ops->statfs(real, st) : 0;
}

static bool is_ours(const char *name)
{
	return !strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13);
}

static s64 ovl_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct inode *real = ovl_real_inode(inode);

	if (is_ours(name))
		return -ENODATA;
	return real->ops->getxattr ? real->ops->getxattr(real, name, value, size) : -EOPNOTSUPP;
}

static s64 ovl_listxattr(struct inode *inode, char *list, size_t size)
{
	struct inode *real = ovl_real_inode(inode);
	auto_cleanup(kfreep) char *all = NULL;
	size_t used = 0;
	s64 n = real->ops->listxattr ? real->ops->listxattr(real, NULL, 0) : 0;

	if (n <= 0)
		return n;
	all = kmalloc((size_t)n);
	if (!all)
		return -ENOMEM;
	n = real->ops->listxattr(real, all, (size_t)n);
	for (s64 at = 0; at < n;) {
		size_t len = strnlen(all + at, (size_t)(n - at)) + 1;
		if (!is_ours(all + at)) {
			if (size && used + len > size)
				return -ERANGE;
			if (size)
				memcpy(list + used, all + at, len);
			used += len;
		}
		at += (s64)len;
	}
	return n < 0 ? n : (s64)used;
}

static int ovl_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct inode *real;
	int err = is_ours(name) ? -EPERM : ovl_copy_up(inode, true);

	if (err)
		return err;
	real = ovl_real_inode(inode);
	err = real->ops->setxattr ? real->ops->setxattr(real, name, value, size, flags) : -EOPNOTSUPP;
	ovl_copy_attr(inode);
	return err;
}

static int ovl_removexattr(struct inode *inode, const char *name)
{
	struct inode *real;
	int err = 0;

	if (is_ours(name))
		return -ENODATA;
	if (ovl_getxattr(inode, name, NULL, 0) == -ENODATA)
		return -ENODATA;
	err = ovl_copy_up(inode, true);
	if (err)
		return err;
	real = ovl_real_inode(inode);
	err = real->ops->removexattr ? real->ops->removexattr(real, name) : -EOPNOTSUPP;
	ovl_copy_attr(inode);
	return err;
}

#define OVL_COMMON                                                                                           \
	.getattr = ovl_getattr, .setattr = ovl_setattr, .statfs = ovl_statfs, .getxattr = ovl_getxattr,      \
	.setxattr = ovl_setxattr, .listxattr = ovl_listxattr, .removexattr = ovl_removexattr,                \
	.evict = ovl_evict

const struct inode_ops ovl_file_ops_i = {OVL_COMMON, .readlink = ovl_readlink, .open = ovl_open};
const struct inode_ops ovl_special_ops_i = {OVL_COMMON};
const struct inode_ops ovl_dir_ops_i = {
    OVL_COMMON,         .lookup = ovl_lookup,   .create = ovl_create,   .mkdir = ovl_create,
    .mknod = ovl_mknod, .symlink = ovl_symlink, .link = ovl_link,       .unlink = ovl_unlink,
    .rmdir = ovl_rmdir, .rename = ovl_rename,   .tmpfile = ovl_tmpfile,
};
