/*
 * mqueue.c - the file system of message queues. See mqueue.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "sandbox/abi/inotify.h"
#include "sandbox/fs/mqueue/mqueue_priv.h"
#include "sandbox/vfs/namei.h"

#define MQUEUE_MAGIC 0x19800202
#define DIRENT_SIZE  20 /* what a name adds to st_size of the directory */
#define FILE_SIZE    80

static const u64 limits_at_boot[MQ_SYSCTLS] = {10, 10, 8192, 8192, 256};

/* ---- inodes ---- */

static void queue_evict(struct inode *inode)
{
	struct mqueue_ns *ns = inode->sb->private;

	ns->queues--;
	mqueue_free(mqueue_of(inode));
}

static int queue_setattr(struct inode *inode, const struct attr_change *change)
{
	inode_apply_attr(inode, change); /* its size means nothing */
	return 0;
}

static const struct inode_ops queue_ops = {.setattr = queue_setattr, .evict = queue_evict};

/* Under the lock of dir. */
static int make_queue(struct inode *dir, struct dentry *d, u32 mode, const struct linux_mq_attr *attr)
{
	struct mqueue_ns *ns = dir->sb->private;
	struct linux_mq_attr a = {
	    .maxmsg = (s64)min_t(u64, ns->limit[MQ_MSG_MAX], ns->limit[MQ_MSG_DEFAULT]),
	    .msgsize = (s64)min_t(u64, ns->limit[MQ_MSGSIZE_MAX], ns->limit[MQ_MSGSIZE_DEFAULT])};
	struct inode *inode;
	struct mqueue *q;
	int err;

	if (!ns->mnt)
		return -EACCES;
	if (ns->queues >= ns->limit[MQ_QUEUES_MAX] && !capable(LINUX_CAP_SYS_RESOURCE))
		return -ENOSPC;
	err = mqueue_new(ns, attr ? attr : &a, &q);
	if (err)
		return err;
	inode = inode_new(dir->sb, mode, &queue_ops, &mqueue_file_ops);
	if (!inode) {
		mqueue_free(q);
		return -ENOMEM;
	}
	inode->private = q;
	inode->attr.size = FILE_SIZE;
	ns->queues++;
	dentry_set_inode(d, inode);
	dir->attr.size += DIRENT_SIZE;
	inode_touch_mtime(dir);
	return 0;
}

static int dir_create(struct inode *dir, struct dentry *d, u32 mode)
{
	return make_queue(dir, d, mode, NULL);
}

static int dir_unlink(struct inode *dir, struct dentry *d)
{
	d->inode->attr.nlink--;
	inode_touch_ctime(d->inode);
	dir->attr.size -= DIRENT_SIZE;
	inode_touch_mtime(dir);
	return 0;
}

static int dir_setattr(struct inode *inode, const struct attr_change *change)
{
	inode_apply_attr(inode, change);
	return 0;
}

static const struct inode_ops dir_ops = {.create = dir_create, .unlink = dir_unlink, .setattr = dir_setattr};
static const struct file_ops dir_file_ops = {.readdir = dcache_readdir};

/* ---- namespaces ---- */

static void sb_kill(struct super_block *sb)
{
	kfree(sb->private);
}

static int make_ns(struct mqueue_ns **out)
{
	struct mqueue_ns *ns = knew(struct mqueue_ns);
	struct super_block *sb = ns ? sb_new(&mqueue_fs_type, SB_NODEV | SB_DCACHE_TRUTH, ns) : NULL;
	struct inode *root;
	int err = 0;

	if (!sb) {
		kfree(ns);
		return -ENOMEM;
	}
	sb->kill = sb_kill;
	memcpy(ns->limit, limits_at_boot, sizeof(limits_at_boot));
	root = inode_new(sb, LINUX_S_IFDIR | LINUX_S_ISVTX | 0777, &dir_ops, &dir_file_ops);
	if (root) {
		root->attr.uid = root->attr.gid = 0;
		root->attr.nlink = 2;
		root->attr.size = 2 * DIRENT_SIZE;
	}
	err = root ? sb_set_root(sb, root) : -ENOMEM;
	if (!err)
		err = mount_of_sb(sb, sb->root, 0, "mqueue", &ns->mnt);
	sb_put(sb); /* the mount's own reference keeps it */
	*out = ns;
	return err;
}

/* Made when it is first asked for. */
static int queues_of(struct ipc_ns *ipc, struct mqueue_ns **out)
{
	int err = ipc->mqueues ? 0 : make_ns(&ipc->mqueues);

	if (err)
		ipc->mqueues = NULL;
	*out = ipc->mqueues;
	return err;
}

static int here(struct mqueue_ns **out)
{
	return queues_of(current_task()->ns->ipc, out);
}

void mqueue_ns_end(struct mqueue_ns *ns)
{
	struct mount *m = ns ? ns->mnt : NULL;

	if (!ns)
		return;
	ns->mnt = NULL;
	mount_put(m);
}

static int mqueue_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	/* `extra` is the namespace for the kernel's own mounts */
	struct ipc_ns *ipc = opt->extra ? opt->extra : current_task() ? current_task()->ns->ipc : NULL;
	struct mqueue_ns *ns;
	int err = ipc ? queues_of(ipc, &ns) : -EINVAL;

	if (err)
		return err;
	*out = ns->mnt->sb;
	object_get(&(*out)->obj);
	return 0;
}

const struct fs_type mqueue_fs_type = {.name = "mqueue", .magic = MQUEUE_MAGIC, .mount = mqueue_mount};

/* ---- mq_open, mq_unlink ---- */

static int check_name(const char *name)
{
	if (!*name)
		return -ENOENT;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return strlen(name) > 255 ? -ENAMETOOLONG : 0;
}

static int create(struct path *dir, struct dentry *d, u32 mode, const struct linux_mq_attr *attr)
{
	struct inode *inode = dir->dentry->inode;
	int err = inode_permission(inode, dir->mnt, 3);

	if (err)
		return err;
	mode = LINUX_S_IFREG | (mode & 07777 & ~current_task()->fs->umask);
	inode_lock(inode);
	err = d->inode || d->unhashed ? -EEXIST : make_queue(inode, d, mode, attr);
	inode_unlock(inode);
	if (!err)
		vfs_notify_entry(inode, LINUX_IN_CREATE, 0, d->name, d->name_len, d->inode->attr.ino);
	return err;
}

static int may_open(const struct path *p, u32 o_flags)
{
	static const u32 want[] = {4, 2, 6};

	if ((o_flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((o_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	return inode_permission(p->dentry->inode, p->mnt, want[o_flags & O_ACCMODE]);
}

int mqueue_open(const char *name, u32 o_flags, u32 mode, const struct linux_mq_attr *attr, struct file **out)
{
	struct mqueue_ns *ns;
	struct path dir, p;
	struct dentry *d;
	int err = check_name(name);

	if (!err)
		err = here(&ns);
	if (err)
		return err;
	dir = (struct path){ns->mnt, ns->mnt->root};
	path_get(&dir);
	err = dentry_lookup(&dir, name, strlen(name), &d);
	if (!err) {
		p = (struct path){dir.mnt, d};
		if (d->inode)
			err = may_open(&p, o_flags);
		else
			err = o_flags & O_CREAT ? create(&dir, d, mode, attr) : -ENOENT;
		if (!err)
			err = vfs_open_path_as_kernel(&p, o_flags & (O_ACCMODE | O_NONBLOCK), out);
		dentry_put(d);
	}
	path_put(&dir);
	return err;
}

int mqueue_unlink(const char *name)
{
	struct mqueue_ns *ns;
	struct path dir;
	int err = check_name(name);

	if (!err)
		err = here(&ns);
	if (err)
		return err;
	dir = (struct path){ns->mnt, ns->mnt->root};
	path_get(&dir);
	err = vfs_unlink_at(&dir, name);
	path_put(&dir);
	return err;
}

/* ---- limits ---- */

void mqueue_sysctl_show(enum mqueue_sysctl id, struct text_buf *b)
{
	struct ipc_ns *ipc = current_task()->ns->ipc;

	text_printf(b, "%lu\n", (unsigned long)(ipc->mqueues ? ipc->mqueues->limit[id] : limits_at_boot[id]));
}

s64 mqueue_sysctl_store(enum mqueue_sysctl id, const char *data, size_t size)
{
	static const u64 least[MQ_SYSCTLS] = {1, 1, 128, 128, 0};
	static const u64 most[MQ_SYSCTLS] = {65536, 65536, 16 << 20, 16 << 20, INT32_MAX};
	struct mqueue_ns *ns;
	char text[24], *end;
	u64 value;
	int err;

	if (!size || size >= sizeof(text))
		return -EINVAL;
	memcpy(text, data, size);
	text[size] = 0;
	value = strtoull(text, &end, 10);
	if (end == text || *text == '-' || (*end && *end != '\n' && *end != ' '))
		return -EINVAL;
	if (value < least[id] || value > most[id])
		return -EINVAL;
	err = here(&ns);
	if (err)
		return err;
	ns->limit[id] = value;
	return (s64)size;
}
