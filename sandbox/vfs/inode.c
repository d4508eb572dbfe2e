/*
 * inode.c - inodes and super_blocks: their making, their end, and their times.
 *
 * An inode counts its super_block; a super_block's root dentry (and with it the whole pinned tree) goes with
 * its last mount, so that no cycle keeps it.
 */
#include <errno.h>

#include "sandbox/mm/callsite.h"
#include "sandbox/vfs/vfs_priv.h"
#include "sandbox/vfs/xattr.h"

s64 time_now_ns(void)
{
	return (s64)clock_realtime();
}

static void inode_release(struct object *obj)
{
	struct inode *inode = container_of(obj, struct inode, obj);
	struct super_block *sb = inode->sb;

	if (inode->ops && inode->ops->evict)
		inode->ops->evict(inode);
	locks_free(inode);
	lease_free(inode);
	acl_forget(inode);
	callsite_forget(inode);
	kfree(inode);
	sb_put(sb);
}

struct inode *inode_new(struct super_block *sb, u32 mode, const struct inode_ops *ops,
			const struct file_ops *fops)
{
	struct inode *inode = knew(struct inode);
	struct task *t = current_task();
	s64 now = time_now_ns();

	if (!inode)
		return NULL;
	object_init(&inode->obj, inode_release);
	object_get(&sb->obj);
	inode->sb = sb;
	inode->ops = ops;
	inode->file_ops = fops;
	inode->attr = (struct inode_attr){.mode = mode,
					  .nlink = 1,
					  .ino = ++kernel()->next_ino,
					  .blksize = PAGE_SIZE,
					  .atime_ns = now,
					  .mtime_ns = now,
					  .ctime_ns = now,
					  .btime_ns = now};
	if (t && t->cred) {
		inode->attr.uid = t->cred->fsuid;
		inode->attr.gid = t->cred->fsgid;
	}
	list_init(&inode->watches);
	wait_queue_init(&inode->idle);
	vfs()->inode_count++;
	return inode;
}

static void sb_release(struct object *obj)
{
	struct super_block *sb = container_of(obj, struct super_block, obj);

	if (sb->kill)
		sb->kill(sb);
	kfree(sb->subtype);
	kfree(sb);
}

void sb_put_type(const struct super_block *sb, struct text_buf *b)
{
	text_printf(b, "%s%s%s", sb->type->name, sb->subtype ? "." : "", sb->subtype ? sb->subtype : "");
}

struct super_block *sb_new(const struct fs_type *type, u32 flags, void *private)
{
	struct super_block *sb = knew(struct super_block);

	if (!sb)
		return NULL;
	object_init(&sb->obj, sb_release);
	wait_queue_init(&sb->rename_done);
	sb->type = type;
	sb->flags = flags;
	sb->private = private;
	sb->dev = 0x20 + kernel()->next_dev++; /* major 0, as Linux numbers what has no device */
	return sb;
}

void sb_put(struct super_block *sb)
{
	if (sb)
		object_put(&sb->obj);
}

int sb_set_root(struct super_block *sb, struct inode *inode)
{
	struct dentry *d = dentry_new(NULL, sb, "", 0);

	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	d->inode = inode;
	sb->root = d;
	return 0;
}

void inode_touch_atime(struct file *f)
{
	struct inode *i = f->inode;
	u32 mnt = f->path.mnt ? f->path.mnt->flags : 0;
	s64 now;

	if ((f->flags & 01000000 /* O_NOATIME */) || (i->flags & (INODE_NOATIME | INODE_IMMUTABLE)) ||
	    (mnt & (MNT_NOATIME | MNT_READONLY)))
		return;
	if ((mnt & MNT_NODIRATIME) && mode_is_dir(i->attr.mode))
		return;
	now = time_now_ns();
	/* relatime, as Linux mounts by default */
	if ((mnt & MNT_RELATIME || !f->path.mnt || !f->path.mnt->ns) && i->attr.atime_ns > i->attr.mtime_ns &&
	    i->attr.atime_ns > i->attr.ctime_ns && now - i->attr.atime_ns < 86400 * (s64)NSEC_PER_SEC)
		return;
	i->attr.atime_ns = now;
}

void inode_touch_mtime(struct inode *i)
{
	i->attr.mtime_ns = i->attr.ctime_ns = time_now_ns();
}

void inode_touch_ctime(struct inode *i)
{
	i->attr.ctime_ns = time_now_ns();
}

bool sb_has_handles(const struct super_block *sb)
{
	u64 magic = sb->type->magic;

	return magic != 0x9fa0 /* proc */ && magic != 0x62656572 /* sysfs */ &&
	       magic != 0x1cd1 /* devpts */ && magic != 0x09041934 /* anon */;
}
