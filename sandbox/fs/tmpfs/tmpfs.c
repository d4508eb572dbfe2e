/*
 * tmpfs.c - directories, links and nodes in the sandbox's memory. See tmpfs.h.
 *
 * The dentry tree is the directory: this file keeps only inodes. Their data: file.c; the file systems they
 * are in: mount.c.
 */
#include <errno.h>

#include "sandbox/abi/mman.h"
#include "sandbox/fs/tmpfs/tmpfs_priv.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/vfs/vfs_priv.h"

#define DIRENT_SIZE 20 /* what an entry adds to st_size of a directory, as Linux counts */

/* ---- inodes ---- */

static const struct inode_ops tmpfs_dir_ops;

static struct inode *tmpfs_inode_new(struct super_block *sb, u32 mode)
{
	struct tmpfs *fs = sb->private;
	bool dir = mode_is_dir(mode);
	struct tmpfs_inode *t;
	struct inode *inode;

	if (fs->inodes >= fs->max_inodes)
		return NULL;
	t = knew(struct tmpfs_inode);
	inode = t ? inode_new(sb, mode, dir ? &tmpfs_dir_ops : &tmpfs_inode_ops,
			      dir ? &tmpfs_dir_file_ops : &tmpfs_file_ops)
		  : NULL;
	if (!inode) {
		kfree(t);
		return NULL;
	}
	fs->inodes++;
	inode->private = t;
	xattr_store_init(&t->xattrs);
	t->seals = LINUX_F_SEAL_SEAL; /* only memfds may be sealed */
	if (dir) {
		inode->attr.nlink = 2;
		inode->attr.size = 2 * DIRENT_SIZE; /* . and .. */
	}
	return inode;
}

struct inode *tmpfs_dir_inode_new(struct super_block *sb, u32 mode)
{
	return tmpfs_inode_new(sb, LINUX_S_IFDIR | (mode & 07777));
}

struct inode *tmpfs_node_inode_new(struct super_block *sb, u32 mode, u64 rdev)
{
	struct inode *inode = tmpfs_inode_new(sb, mode);

	if (inode)
		inode->attr.rdev = rdev;
	return inode;
}

struct inode *tmpfs_symlink_inode_new(struct super_block *sb, const char *target)
{
	struct inode *inode = tmpfs_inode_new(sb, LINUX_S_IFLNK | 0777);

	if (!inode)
		return NULL;
	ti(inode)->target = kstrdup(target);
	inode->attr.size = strlen(target);
	if (!ti(inode)->target) {
		inode_put(inode);
		return NULL;
	}
	return inode;
}

static void tmpfs_evict(struct inode *inode)
{
	struct tmpfs *fs = tmpfs_of(inode);

	fs->inodes--;
	fs->used_bytes -= ti(inode)->charged + ti(inode)->xattr_charged;
	kernel()->tmpfs_bytes -= ti(inode)->charged + ti(inode)->xattr_charged;
	cgroup_charge_end(&ti(inode)->in_arena);
	xattr_store_free(&ti(inode)->xattrs);
	tmpfs_data_free(&ti(inode)->data);
	kfree(ti(inode)->target);
	kfree(ti(inode));
}

int tmpfs_setattr(struct inode *inode, const struct attr_change *ch)
{
	int err;

	if ((ch->mask & ATTR_MODE) && (ti(inode)->seals & LINUX_F_SEAL_EXEC) &&
	    ((ch->mode ^ inode->attr.mode) & 0111))
		return -EPERM;
	if (ch->mask & ATTR_SIZE) {
		u32 seals = ti(inode)->seals;
		if ((ch->size < inode->attr.size && (seals & LINUX_F_SEAL_SHRINK)) ||
		    (ch->size > inode->attr.size && (seals & LINUX_F_SEAL_GROW)))
			return -EPERM;
		err = tmpfs_data_resize(&ti(inode)->data, inode->attr.size, ch->size);
		if (err)
			return err;
		inode->attr.size = ch->size;
		tmpfs_recharge(inode);
	}
	inode_apply_attr(inode, ch);
	return 0;
}

static int tmpfs_readlink(struct inode *inode, char **target)
{
	if (!ti(inode)->target)
		return -EINVAL;
	*target = kstrdup(ti(inode)->target);
	return *target ? 0 : -ENOMEM;
}

static int tmpfs_statfs(struct inode *inode, struct linux_statfs *st)
{
	struct tmpfs *fs = tmpfs_of(inode);

	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_blocks = fs->max_bytes / PAGE_SIZE;
	st->f_bfree = st->f_bavail = tmpfs_room_in(fs) / PAGE_SIZE;
	st->f_files = fs->max_inodes;
	st->f_ffree = fs->max_inodes - fs->inodes;
	st->f_namelen = NAME_MAX_LEN;
	return 0;
}

/* ---- extended attributes ---- */

static void charge_xattrs(struct inode *inode)
{
	u64 now = ti(inode)->xattrs.bytes, before = ti(inode)->xattr_charged;

	tmpfs_of(inode)->used_bytes += now - before;
	kernel()->tmpfs_bytes += now - before;
	ti(inode)->xattr_charged = now;
}

static int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	int err;

	if (size + strlen(name) > tmpfs_room_in(tmpfs_of(inode)))
		return -ENOSPC;
	err = xattr_store_set(&ti(inode)->xattrs, name, value, size, flags);
	if (!err)
		inode_touch_ctime(inode);
	charge_xattrs(inode);
	return err;
}

static s64 tmpfs_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	return xattr_store_get(&ti(inode)->xattrs, name, value, size);
}

static s64 tmpfs_listxattr(struct inode *inode, char *list, size_t size)
{
	return xattr_store_list(&ti(inode)->xattrs, list, size, capable(21 /* CAP_SYS_ADMIN */));
}

static int tmpfs_removexattr(struct inode *inode, const char *name)
{
	int err = xattr_store_remove(&ti(inode)->xattrs, name);

	if (!err)
		inode_touch_ctime(inode);
	charge_xattrs(inode);
	return err;
}

/* ---- directories ---- */

static int add(struct inode *dir, struct dentry *d, struct inode *inode)
{
	if (!inode)
		return -ENOSPC;
	inode_init_owner(inode, dir);
	dentry_set_inode(d, inode);
	if (mode_is_dir(inode->attr.mode))
		dir->attr.nlink++;
	dir->attr.size += DIRENT_SIZE;
	inode_touch_mtime(dir);
	return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *d, u32 mode)
{
	return add(dir, d, tmpfs_inode_new(dir->sb, mode));
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
	return add(dir, d, tmpfs_node_inode_new(dir->sb, mode, rdev));
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return add(dir, d, tmpfs_symlink_inode_new(dir->sb, target));
}

static int tmpfs_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	target->attr.nlink++;
	inode_touch_ctime(target);
	dentry_set_inode(d, inode_get(target));
	dir->attr.size += DIRENT_SIZE;
	inode_touch_mtime(dir);
	return 0;
}

static void drop(struct inode *dir, struct inode *victim)
{
	bool is_dir = mode_is_dir(victim->attr.mode);

	victim->attr.nlink -= is_dir ? 2 : 1;
	dir->attr.nlink -= is_dir;
	dir->attr.size -= DIRENT_SIZE;
	inode_touch_ctime(victim);
	inode_touch_mtime(dir);
}

static bool is_empty(const struct dentry *d)
{
	const struct dentry *c;

	list_for_each_entry (c, &d->children, sibling)
		if (c->inode)
			return false;
	return true;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	drop(dir, d->inode);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	if (!is_empty(d))
		return -ENOTEMPTY;
	drop(dir, d->inode);
	return 0;
}

static int tmpfs_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags)
{
	bool dir = mode_is_dir(o->inode->attr.mode);

	if (flags & 2) {
		bool other = mode_is_dir(n->inode->attr.mode);
		od->attr.nlink += (u32)other - (u32)dir;
		nd->attr.nlink += (u32)dir - (u32)other;
	} else {
		if (n->inode) {
			if (dir && !is_empty(n))
				return -ENOTEMPTY;
			drop(nd, n->inode);
		}
		od->attr.size -= DIRENT_SIZE;
		nd->attr.size += DIRENT_SIZE;
		od->attr.nlink -= dir;
		nd->attr.nlink += dir;
	}
	inode_touch_ctime(o->inode);
	inode_touch_mtime(od);
	inode_touch_mtime(nd);
	return 0;
}

int tmpfs_tmpfile(struct inode *dir, u32 mode, struct inode **out)
{
	*out = tmpfs_inode_new(dir->sb, mode);
	if (!*out)
		return -ENOSPC;
	inode_init_owner(*out, dir);
	(*out)->attr.nlink = 0;
	return 0;
}

const struct inode_ops tmpfs_inode_ops = {
    .readlink = tmpfs_readlink,
    .setattr = tmpfs_setattr,
    .statfs = tmpfs_statfs,
    .getxattr = tmpfs_getxattr,
    .setxattr = tmpfs_setxattr,
    .listxattr = tmpfs_listxattr,
    .removexattr = tmpfs_removexattr,
    .evict = tmpfs_evict,
};

static const struct inode_ops tmpfs_dir_ops = {
    .create = tmpfs_create,
    .mkdir = tmpfs_create,
    .mknod = tmpfs_mknod,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .tmpfile = tmpfs_tmpfile,
    .setattr = tmpfs_setattr,
    .statfs = tmpfs_statfs,
    .getxattr = tmpfs_getxattr,
    .setxattr = tmpfs_setxattr,
    .listxattr = tmpfs_listxattr,
    .removexattr = tmpfs_removexattr,
    .evict = tmpfs_evict,
};
