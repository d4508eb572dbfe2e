/*
 * dev.c - which device number is which device, and the tree of /dev.
 *
 * The tree is a tmpfs, so that a guest may make what else it wants in it; device nodes work by their number
 * wherever they lie, as long as the mount allows devices.
 */
#include "sandbox/fs/dev/dev.h"

#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/devpts/devpts.h"
#include "sandbox/fs/fuse/fuse.h"
#include "sandbox/fs/tmpfs/tmpfs.h"

static const struct device {
	const char *name; /* NULL: no node in /dev */
	u32 major, minor, mode;
	const struct file_ops *ops;
} devices[] = {
    {"null", 1, 3, 0666, &dev_null_ops},      {"zero", 1, 5, 0666, &dev_zero_ops},
    {"full", 1, 7, 0666, &dev_full_ops},      {"random", 1, 8, 0666, &dev_random_ops},
    {"urandom", 1, 9, 0666, &dev_random_ops}, {"tty", 5, 0, 0666, &dev_tty_ops},
    {"fuse", 10, 229, 0666, &fuse_dev_ops},
};

const struct file_ops *chrdev_ops(u64 rdev)
{
	for (u32 i = 0; i < ARRAY_COUNT(devices); i++)
		if (rdev == dev_make(devices[i].major, devices[i].minor))
			return devices[i].ops;
	return NULL; /* pty slaves open through devpts only */
}

static const struct {
	const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

static const char *const directories[] = {"pts", "shm", "mqueue"};

static int populate(struct super_block *sb)
{
	struct inode *inode;

	for (u32 i = 0; i < ARRAY_COUNT(devices); i++) {
		if (!devices[i].name)
			continue;
		inode = tmpfs_node_inode_new(sb, LINUX_S_IFCHR | devices[i].mode,
					     dev_make(devices[i].major, devices[i].minor));
		if (!inode || !dentry_add_child(sb->root, devices[i].name, inode))
			return -ENOMEM;
	}
	for (u32 i = 0; i < ARRAY_COUNT(links); i++) {
		inode = tmpfs_symlink_inode_new(sb, links[i].target);
		if (!inode || !dentry_add_child(sb->root, links[i].name, inode))
			return -ENOMEM;
	}
	for (u32 i = 0; i < ARRAY_COUNT(directories); i++) {
		inode = tmpfs_dir_inode_new(sb, 0755);
		if (!inode || !dentry_add_child(sb->root, directories[i], inode))
			return -ENOMEM;
		sb->root->inode->attr.nlink++;
	}
	return 0;
}

static int dev_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct tmpfs *state = tmpfs_state_new(16UL << 20, 65536);
	struct super_block *sb = state ? sb_new(type, SB_DCACHE_TRUTH, state) : NULL;
	struct inode *root;
	int err;

	if (!sb) {
		kfree(state);
		return -ENOMEM;
	}
	sb->kill = tmpfs_kill;
	root = tmpfs_dir_inode_new(sb, 0755);
	err = root ? sb_set_root(sb, root) : -ENOMEM;
	if (!err)
		err = populate(sb);
	if (err) {
		sb_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

const struct fs_type dev_fs_type = {.name = "devtmpfs", .magic = 0x01021994, .mount = dev_mount};
