/*
 * memfd.c - files without a name: memfd_create(2) with its seals, and what is behind System V shared memory.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/mman.h"
#include "sandbox/fs/tmpfs/tmpfs_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/vfs_priv.h"

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
	struct file *f;
	int err = unlinked_file(name, 0777, O_RDWR, &f);

	if (err)
		return err;
	err = tmpfs_setattr(f->inode, &change);
	if (err)
		file_put(f);
	else
		*out = f;
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
