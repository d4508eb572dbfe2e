/*
 * syscalls/handle.c - name_to_handle_at(2) and open_by_handle_at(2). A handle is the file system's and the
 * inode's number; it leads back as long as a name of the inode is known.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define HANDLE_MAX  128U
#define HANDLE_TYPE 0x81
/* to compare only: it need not lead back */
#define AT_HANDLE_FID_BIT 0x200U

struct handle_head {
	u32 bytes;
	s32 type;
};

struct handle {
	u64 dev, ino;
};

s64 sys_name_to_handle_at(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[4], walk = flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0;
	auto_cleanup(kfreep) char *name = NULL;
	struct handle_head head;
	struct handle h;
	struct path p = {0};
	u64 unique;
	s32 id;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID_BIT | 1))
		return -EINVAL;
	err = copy_in_path(&name, uaddr(a[1]));
	if (!err)
		err = path_lookup(arg_int(a[0]), name, walk | (flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0),
				  &p);
	if (err)
		return err;
	h = (struct handle){p.mnt->sb->dev, p.dentry->inode->attr.ino};
	id = (s32)p.mnt->id;
	unique = mount_unique_id(p.mnt);
	if (!(flags & AT_HANDLE_FID_BIT) && !sb_has_handles(p.mnt->sb))
		err = -EOPNOTSUPP;
	path_put(&p);
	if (err)
		return err;
	if (get_user(&head, uaddr(a[2])))
		return -EFAULT;
	if (head.bytes > HANDLE_MAX)
		return -EINVAL;
	if (flags & 1 ? put_user(&unique, uaddr(a[3])) : put_user(&id, uaddr(a[3])))
		return -EFAULT;
	if (head.bytes < sizeof(h))
		err = -EOVERFLOW;
	head = (struct handle_head){sizeof(h), HANDLE_TYPE};
	if (put_user(&head, uaddr(a[2])))
		return -EFAULT;
	if (!err && put_user(&h, uaddr(a[2] + sizeof(head))))
		return -EFAULT;
	return err;
}

/* A known name of the inode below d's tree. Nothing recurses: trees are as deep as guests make them. */
static struct dentry *find_name(struct dentry *root, u64 ino)
{
	struct dentry *d = root;

	for (;;) {
		if (d->inode && d->inode->attr.ino == ino)
			return d;
		if (!list_empty(&d->children)) {
			d = list_first_entry(&d->children, struct dentry, sibling);
			continue;
		}
		while (d != root && d->sibling.next == &d->parent->children)
			d = d->parent;
		if (d == root)
			return NULL;
		d = list_entry(d->sibling.next, struct dentry, sibling);
	}
}

static int mount_of(int fd, struct path *out)
{
	struct file *f;

	if (fd == AT_FDCWD) {
		*out = current_task()->fs->cwd;
		path_get(out);
		return 0;
	}
	f = fd_get_path(fd);
	if (!f)
		return -EBADF;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

s64 sys_open_by_handle_at(struct task *t, const u64 *a)
{
	u32 flags = (u32)a[2];
	struct handle_head head;
	struct handle h;
	struct path m = {0}, p;
	struct dentry *d;
	struct file *f;
	int err;

	if (!capable(2 /* CAP_DAC_READ_SEARCH */))
		return -EPERM;
	if (get_user(&head, uaddr(a[1])))
		return -EFAULT;
	if (!head.bytes || head.bytes > HANDLE_MAX)
		return -EINVAL;
	if (head.bytes != sizeof(h) || head.type != HANDLE_TYPE)
		return -ESTALE;
	if (get_user(&h, uaddr(a[1] + sizeof(head))))
		return -EFAULT;
	err = mount_of(arg_int(a[0]), &m);
	if (err)
		return err;
	d = h.dev == m.mnt->sb->dev ? find_name(m.mnt->root, h.ino) : NULL;
	if (!d) {
		path_put(&m);
		return -ESTALE;
	}
	p = (struct path){mount_get(m.mnt), dentry_get(d)};
	path_put(&m);
	err = vfs_open_path(&p, flags & ~(u32)(O_CREAT | O_EXCL), &f);
	path_put(&p);
	return err ? err : fd_install(f, 0, flags & O_CLOEXEC);
}
