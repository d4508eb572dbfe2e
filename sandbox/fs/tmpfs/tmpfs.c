/*
 * tmpfs.c - directories, files, links and nodes in the sandbox's memory. See tmpfs.h.
 *
 * The dentry tree is the directory: this file keeps only inodes. What a file system may hold is bounded by
 * bytes and inodes; a file is charged what it really occupies, so a hole costs nothing.
 */
#include "sandbox/fs/tmpfs/tmpfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sandbox/abi/mman.h"
#include "sandbox/fs/tmpfs/data.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/mm/mm.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/vfs/hostio.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/vfs_priv.h"
#include "sandbox/vfs/xattr.h"

#define TMPFS_MAGIC 0x01021994
#define DIRENT_SIZE 20 /* what an entry adds to st_size of a directory, as Linux counts */

struct tmpfs {
	u64 max_bytes, used_bytes;
	u64 max_inodes, inodes;
};

struct tmpfs_inode {
	struct tmpfs_data data;
	struct xattr_store xattrs;
	u64 charged;                   /* bytes of the file */
	struct cgroup_charge in_arena; /* what a memfd holds is charged with it */
	u64 xattr_charged;
	char *target;
	u32 seals;
	bool is_memfd;
};

static struct tmpfs *tmpfs_of(const struct inode *i)
{
	return i->sb->private;
}

static struct tmpfs_inode *ti(const struct inode *i)
{
	return i->private;
}

/* ---- charging ---- */

static u64 occupied(struct inode *inode)
{
	struct tmpfs_data *d = &ti(inode)->data;
	struct stat st;

	if (!d->fd)
		return PAGE_UP(min_t(u64, d->capacity, inode->attr.size));
	return fstat(d->fd->fd, &st) ? ti(inode)->charged : (u64)st.st_blocks * 512;
}

static void recharge(struct inode *inode)
{
	struct tmpfs *fs = tmpfs_of(inode);
	u64 now = occupied(inode);

	fs->used_bytes += now - ti(inode)->charged;
	kernel()->tmpfs_bytes += now - ti(inode)->charged;
	ti(inode)->charged = now;
	cgroup_charge_set(&ti(inode)->in_arena, ti(inode)->data.fd ? 0 : now);
	inode->attr.blocks = now / 512;
}

/* What may still be added: by the mount's size, and by what all of the sandbox's mounts together may hold,
 * for nobody can be killed to get such memory back. */
static u64 room_in(const struct tmpfs *fs)
{
	u64 all = kernel_memory_total() / 2, used = kernel()->tmpfs_bytes;
	u64 here = fs->max_bytes > fs->used_bytes ? fs->max_bytes - fs->used_bytes : 0;

	return min_t(u64, here, all > used ? all - used : 0);
}

/* ---- files ---- */

static s64 tmpfs_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct inode *inode = f->inode;
	u64 size = inode->attr.size;
	size_t left, done = 0;

	if (*pos >= size)
		return 0;
	left = min_t(u64, dst->left, size - *pos);
	while (done < left) {
		s64 n = tmpfs_data_read(&ti(inode)->data, dst, *pos, left - done);
		if (n <= 0) {
			if (!done)
				return n;
			break;
		}
		*pos += (u64)n;
		done += (size_t)n;
	}
	inode_touch_atime(f);
	return (s64)done;
}

static s64 tmpfs_write(struct file *f, struct uio *src, u64 *pos)
{
	struct inode *inode = f->inode;
	struct tmpfs *fs = tmpfs_of(inode);
	struct tmpfs_inode *t = ti(inode);
	size_t n = src->left;
	s64 got;

	if (!n)
		return 0;
	if (t->seals & (LINUX_F_SEAL_WRITE | LINUX_F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((t->seals & LINUX_F_SEAL_GROW) && *pos + n > inode->attr.size) {
		/* Linux writes page by page: the page that would grow the file is refused as a whole */
		u64 whole = PAGE_DOWN(inode->attr.size);
		if (*pos >= whole)
			return -EPERM;
		n = whole - *pos;
	}
	if (*pos + n > t->charged && n > room_in(fs)) {
		n = room_in(fs);
		if (!n)
			return -ENOSPC;
	}
	got = tmpfs_data_write(&t->data, src, *pos, n, inode->attr.size);
	if (got > 0) {
		*pos += (u64)got;
		if (*pos > inode->attr.size)
			inode->attr.size = *pos;
		inode_touch_mtime(inode);
		recharge(inode);
	}
	return got;
}

static int tmpfs_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		      u64 *host_offset)
{
	struct tmpfs_inode *t = ti(f->inode);
	int err;

	bool sealed = t->seals & (LINUX_F_SEAL_WRITE | LINUX_F_SEAL_FUTURE_WRITE);

	if (shared && (prot & 2) && sealed)
		return -EPERM;
	err = tmpfs_data_backing(&t->data, f->inode->attr.size, backing);
	*host_offset = offset;
	return err ? err : shared && sealed ? FILE_MMAP_NO_WRITE : 0;
}

static s64 tmpfs_llseek(struct file *f, s64 offset, int whence)
{
	u64 size = f->inode->attr.size;
	s64 at;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		at = offset < 0
			 ? -ENXIO
			 : tmpfs_data_seek(&ti(f->inode)->data, (u64)offset, size, whence == SEEK_HOLE);
	} else {
		s64 base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (s64)f->pos : (s64)size;
		if (whence > SEEK_END || whence < 0)
			return -EINVAL;
		if (__builtin_add_overflow(base, offset, &at))
			return -EINVAL;
		if (at < 0)
			return -EINVAL;
	}
	if (at >= 0)
		f->pos = (u64)at;
	return at;
}

static int tmpfs_fallocate(struct file *f, int mode, u64 offset, u64 size)
{
	struct inode *inode = f->inode;
	struct tmpfs_inode *t = ti(inode);
	u64 end = offset + size;
	int err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (t->seals & (LINUX_F_SEAL_WRITE | LINUX_F_SEAL_FUTURE_WRITE))
			return -EPERM;
		err = tmpfs_data_punch(&t->data, offset, size, inode->attr.size);
	} else {
		if ((t->seals & LINUX_F_SEAL_GROW) && end > inode->attr.size)
			return -EPERM;
		if (end > t->charged && size > room_in(tmpfs_of(inode)))
			return -ENOSPC;
		err = tmpfs_data_allocate(&t->data, inode->attr.size, offset, size);
		if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > inode->attr.size) {
			err = tmpfs_data_resize(&t->data, inode->attr.size, end);
			if (!err)
				inode->attr.size = end;
		}
	}
	inode_touch_mtime(inode);
	recharge(inode);
	return err;
}

static int nothing_to_sync(struct file *f, bool data_only)
{
	return 0; /* memory is all there is */
}

static const struct file_ops tmpfs_file_ops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .mmap = tmpfs_mmap,
    .llseek = tmpfs_llseek,
    .fallocate = tmpfs_fallocate,
    .fsync = nothing_to_sync,
};
static const struct file_ops tmpfs_dir_file_ops = {.readdir = dcache_readdir, .fsync = nothing_to_sync};

/* ---- inodes ---- */

static const struct inode_ops tmpfs_inode_ops, tmpfs_dir_ops;

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

static int tmpfs_setattr(struct inode *inode, const struct attr_change *ch)
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
		recharge(inode);
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
	st->f_bfree = st->f_bavail = room_in(fs) / PAGE_SIZE;
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

	if (size + strlen(name) > room_in(tmpfs_of(inode)))
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

static int tmpfs_tmpfile(struct inode *dir, u32 mode, struct inode **out)
{
	*out = tmpfs_inode_new(dir->sb, mode);
	if (!*out)
		return -ENOSPC;
	inode_init_owner(*out, dir);
	(*out)->attr.nlink = 0;
	return 0;
}

static const struct inode_ops tmpfs_inode_ops = {
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

/* ---- mounting ---- */

struct tmpfs *tmpfs_state_new(u64 max_bytes, u64 max_inodes)
{
	struct tmpfs *fs = knew(struct tmpfs);

	if (fs) {
		fs->max_bytes = max_bytes;
		fs->max_inodes = max_inodes;
	}
	return fs;
}

void tmpfs_kill(struct super_block *sb)
{
	kfree(sb->private);
}

static int parse_size(const char *s, u64 *out)
{
	char *end;
	u64 n = strtoull(s, &end, 10);

	if (end == s)
		return -EINVAL;
	switch (*end) {
	case 'k':
	case 'K':
		n <<= 10;
		break;
	case 'm':
	case 'M':
		n <<= 20;
		break;
	case 'g':
	case 'G':
		n <<= 30;
		break;
	case '%':
		n = kernel_memory_total() / 100 * min_t(u64, n, 100);
		break;
	default:
		*out = n;
		return *end ? -EINVAL : 0;
	}
	*out = n;
	return end[1] ? -EINVAL : 0;
}

static int parse_blocks(const char *s, u64 *out)
{
	int err = parse_size(s, out);

	if (!err && __builtin_mul_overflow(*out, PAGE_SIZE, out))
		err = -EINVAL;
	return err;
}

struct tmpfs_options {
	u64 size, inodes;
	u32 mode, uid, gid;
};

static int parse_number(const char *s, int base, u32 *out)
{
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(s, &end, base);
	if (*s < '0' || *s > '9' || *end || errno || n > UINT32_MAX)
		return -EINVAL;
	*out = (u32)n;
	return 0;
}

/* Policies of memory, of which there is one node, 0. */
static int check_policy(const char *s)
{
	static const char *const known[] = {"default", "local",      "prefer",      "prefer:0",
					    "bind:0",  "interleave", "interleave:0"};

	for (size_t i = 0; i < ARRAY_COUNT(known); i++)
		if (!strcmp(s, known[i]))
			return 0;
	return -EINVAL;
}

static int parse_options(const char *data, struct tmpfs_options *o)
{
	auto_cleanup(kfreep) char *copy = kstrdup(data ? data : "");
	char *word, *rest = copy, *value;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&rest, ","))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value &&
		    (!strcmp(word, "noswap") || !strcmp(word, "inode32") || !strcmp(word, "inode64")))
			continue; /* nothing is swapped, and numbers are small */
		if (!value)
			return -EINVAL;
		*value++ = 0;
		if (!strcmp(word, "size"))
			err = parse_size(value, &o->size);
		else if (!strcmp(word, "nr_inodes"))
			err = parse_size(value, &o->inodes);
		else if (!strcmp(word, "nr_blocks"))
			err = parse_blocks(value, &o->size);
		else if (!strcmp(word, "huge")) /* the host decides */
			err = !strcmp(value, "never") || !strcmp(value, "always") ||
				      !strcmp(value, "advise") || !strcmp(value, "within_size")
				  ? 0
				  : -EINVAL;
		else if (!strcmp(word, "mpol"))
			err = check_policy(value);
		else if (!strcmp(word, "mode"))
			err = parse_number(value, 8, &o->mode);
		else if (!strcmp(word, "uid"))
			err = parse_number(value, 10, &o->uid);
		else if (!strcmp(word, "gid"))
			err = parse_number(value, 10, &o->gid);
		else
			err = -EINVAL;
	}
	o->mode &= 07777;
	return err;
}

static int tmpfs_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct tmpfs_options o = {.size = kernel_memory_total() / 2, .inodes = 1 << 20, .mode = 01777};
	struct super_block *sb;
	struct tmpfs *fs;
	struct inode *root;
	int err = parse_options(opt->data, &o);

	if (err)
		return err;
	if (!o.size)
		o.size = UINT64_MAX / 2;
	fs = tmpfs_state_new(o.size, o.inodes ? o.inodes : UINT64_MAX / 2);
	sb = fs ? sb_new(type, SB_DCACHE_TRUTH | SB_POSIXACL | SB_INODE_FLAGS | SB_WHITEOUT, fs) : NULL;
	if (!sb) {
		kfree(fs);
		return -ENOMEM;
	}
	sb->kill = tmpfs_kill;
	root = tmpfs_dir_inode_new(sb, o.mode);
	err = root ? sb_set_root(sb, root) : -ENOMEM;
	if (err) {
		sb_put(sb);
		return err;
	}
	root->attr.uid = o.uid;
	root->attr.gid = o.gid;
	*out = sb;
	return 0;
}

static int tmpfs_check(const char *data)
{
	struct tmpfs_options o = {0};

	return parse_options(data, &o);
}

/* The limits may change, but not below what is there. */
static int tmpfs_reconfigure(struct super_block *sb, const char *data)
{
	struct tmpfs *fs = sb->private;
	struct tmpfs_options o = {.size = fs->max_bytes, .inodes = fs->max_inodes};
	int err = parse_options(data, &o);

	if (err)
		return err;
	if (!o.size)
		o.size = UINT64_MAX / 2;
	if (!o.inodes)
		o.inodes = UINT64_MAX / 2;
	if (o.size < fs->used_bytes || o.inodes < fs->inodes)
		return -EINVAL;
	fs->max_bytes = o.size;
	fs->max_inodes = o.inodes;
	return 0;
}

static void tmpfs_show_options(struct super_block *sb, struct text_buf *b)
{
	const struct tmpfs *fs = sb->private;
	const struct inode_attr *root = &sb->root->inode->attr;

	if (fs->max_bytes < UINT64_MAX / 2)
		text_printf(b, ",size=%luk", (unsigned long)(fs->max_bytes >> 10));
	if (fs->max_inodes < UINT64_MAX / 2)
		text_printf(b, ",nr_inodes=%lu", (unsigned long)fs->max_inodes);
	if ((root->mode & 07777) != 01777)
		text_printf(b, ",mode=%03o", root->mode & 07777);
	if (root->uid)
		text_printf(b, ",uid=%u", root->uid);
	if (root->gid)
		text_printf(b, ",gid=%u", root->gid);
}

const struct fs_type tmpfs_fs_type = {.name = "tmpfs",
				      .magic = TMPFS_MAGIC,
				      .mount = tmpfs_mount,
				      .check_options = tmpfs_check,
				      .reconfigure = tmpfs_reconfigure,
				      .show_options = tmpfs_show_options};

static int ramfs_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct mount_options mine = *opt;
	auto_cleanup(kfreep) char *data =
	    kasprintf("size=0,nr_inodes=0,mode=755%s%s", opt->data ? "," : "", opt->data ? opt->data : "");

	if (!data)
		return -ENOMEM;
	mine.data = data;
	return tmpfs_mount(type, &mine, out);
}

const struct fs_type ramfs_fs_type = {
    .name = "ramfs", .magic = 0x858458f6, .mount = ramfs_mount, .check_options = tmpfs_check};

/* ---- memfd_create(2) ---- */

/* An open file without a name, on an instance of its own. */
static int unlinked_file(const char *name, u32 mode, u32 o_flags, struct file **out)
{
	struct mount_options none = {.source = "memfd"};
	struct path path = {0};
	struct inode *inode;
	struct mount *m;
	int err = mount_new("tmpfs", &none, 0, &m);

	if (err)
		return err;
	err = tmpfs_tmpfile(m->root->inode, LINUX_S_IFREG | mode, &inode);
	path.mnt = m;
	path.dentry = err ? NULL : dentry_new(m->root, m->sb, name, strlen(name));
	if (path.dentry) {
		path.dentry->inode = inode;
		path.dentry->unhashed = true;
		*out = file_new(&path, inode, &tmpfs_file_ops, o_flags);
		if (*out)
			(*out)->counted_write = true, inode->write_count++, m->writers++, m->sb->writers++;
		else
			err = -ENOMEM;
		dentry_put(path.dentry);
	} else if (!err) {
		inode_put(inode);
		err = -ENOMEM;
	}
	mount_put(m);
	return err;
}

int tmpfs_memfd(const char *name, u32 o_flags, u32 seals, struct file **out)
{
	auto_cleanup(kfreep) char *label = kasprintf("memfd:%s", name);
	int err =
	    label ? unlinked_file(label, seals & LINUX_F_SEAL_EXEC ? 0666 : 0777, o_flags, out) : -ENOMEM;

	if (!err) {
		ti((*out)->inode)->is_memfd = true;
		ti((*out)->inode)->seals = seals;
	}
	return err;
}

int tmpfs_unlinked_file(const char *name, u64 size, struct file **out)
{
	const struct attr_change change = {.mask = ATTR_SIZE, .size = size};
	int err = unlinked_file(name, 0777, O_RDWR, out);

	if (err)
		return err;
	err = tmpfs_setattr((*out)->inode, &change);
	if (err)
		file_put(*out);
	return err;
}

s64 tmpfs_seals(struct file *f, bool add_them, u32 seals)
{
	struct inode *inode = f->inode;

	if (inode->ops != &tmpfs_inode_ops || !mode_is_reg(inode->attr.mode))
		return -EINVAL;
	if (!add_them)
		return ti(inode)->seals;
	if (seals & ~0x3fU)
		return -EINVAL;
	if (!(f->mode & FMODE_WRITE) || (ti(inode)->seals & LINUX_F_SEAL_SEAL))
		return -EPERM;
	if ((seals & LINUX_F_SEAL_WRITE) && !(ti(inode)->seals & LINUX_F_SEAL_WRITE) &&
	    mm_inode_mapped_writable(inode))
		return -EBUSY;
	/* a program that shall stay one must not be written either */
	if ((seals & LINUX_F_SEAL_EXEC) && (inode->attr.mode & 0111))
		seals |=
		    LINUX_F_SEAL_SHRINK | LINUX_F_SEAL_GROW | LINUX_F_SEAL_WRITE | LINUX_F_SEAL_FUTURE_WRITE;
	ti(inode)->seals |= seals;
	return 0;
}
