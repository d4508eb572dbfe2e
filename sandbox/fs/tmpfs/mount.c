/*
 * mount.c - mounting tmpfs and ramfs: options, limits and how they are shown.
 */
#include <errno.h>
#include <stdlib.h>

#include "sandbox/fs/tmpfs/tmpfs_priv.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/vfs_priv.h"

#define TMPFS_MAGIC 0x01021994

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
