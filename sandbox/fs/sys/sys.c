/*
 * sys.c - mounting sysfs, and the parts of its tree that have no file of their own here.
 */
#include "sandbox/fs/sys/sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "sandbox/fs/sys/sys_priv.h"
#include "sandbox/vfs/vfs_priv.h"

#define SYSFS_MAGIC 0x62656572

/* ---- building ---- */

struct sys_text {
	sys_show show; /* NULL: the text */
	u32 arg;
	char text[];
};

static int text_show(struct inode *inode, struct text_buf *b)
{
	const struct sys_text *s = inode_text_private(inode);

	if (s->show)
		s->show(b, s->arg);
	else
		text_printf(b, "%s\n", s->text);
	return 0;
}

static const struct text_file_ops text_ops = {.show = text_show};
static const struct inode_ops dir_inode_ops = {0};
static const struct file_ops dir_file_ops = {.readdir = dcache_readdir};

static struct inode *dir_inode(struct super_block *sb)
{
	struct inode *i = inode_new(sb, LINUX_S_IFDIR | 0755, &dir_inode_ops, &dir_file_ops);

	if (i) {
		i->attr.uid = i->attr.gid = 0;
		i->attr.nlink = 2;
	}
	return i;
}

static struct dentry *child(struct sys_tree *t, struct dentry *parent, const char *name, size_t len)
{
	struct dentry *d = dentry_lookup_cached(parent, name, len);
	auto_cleanup(kfreep) char *copy = NULL;
	struct inode *inode;

	if (d) {
		dentry_put(d); /* the pin keeps it */
		return d;
	}
	copy = kstrndup(name, len);
	inode = copy ? dir_inode(t->sb) : NULL;
	d = inode ? dentry_add_child(parent, copy, inode) : NULL;
	if (d)
		parent->inode->attr.nlink++;
	else
		t->err = -ENOMEM;
	return d;
}

struct dentry *sysfs_dir(struct sys_tree *t, const char *fmt, ...)
{
	struct dentry *d = t->sb->root;
	char path[128], *at = path;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	while (*at && !t->err) {
		size_t len = strcspn(at, "/");
		d = child(t, d, at, len);
		at += len + (at[len] == '/');
	}
	return t->err ? NULL : d;
}

static void add_text(struct sys_tree *t, struct dentry *dir, const char *name, sys_show show, u32 arg,
		     const char *text)
{
	struct sys_text *s;
	struct inode *inode;

	if (t->err || !dir)
		return;
	s = kmalloc_typed(sizeof(*s) + strlen(text) + 1, "struct sys_text");
	if (!s) {
		t->err = -ENOMEM;
		return;
	}
	s->show = show;
	s->arg = arg;
	memcpy(s->text, text, strlen(text) + 1);
	inode = inode_new_text(t->sb, 0444, &text_ops, s, kfree);
	if (!inode)
		kfree(s);
	else
		inode->attr.size = PAGE_SIZE;
	if (!inode || !dentry_add_child(dir, name, inode))
		t->err = -ENOMEM;
}

void sysfs_file(struct sys_tree *t, struct dentry *dir, const char *name, sys_show show, u32 arg)
{
	add_text(t, dir, name, show, arg, "");
}

void sysfs_text(struct sys_tree *t, struct dentry *dir, const char *name, const char *text)
{
	add_text(t, dir, name, NULL, 0, text);
}

static int link_readlink(struct inode *inode, char **target)
{
	*target = kstrdup(inode->private);
	return *target ? 0 : -ENOMEM;
}

static void link_evict(struct inode *inode)
{
	kfree(inode->private);
}

static const struct inode_ops link_ops = {.readlink = link_readlink, .evict = link_evict};

void sysfs_link(struct sys_tree *t, struct dentry *dir, const char *name, const char *fmt, ...)
{
	char target[128];
	struct inode *inode;
	va_list ap;

	if (t->err || !dir)
		return;
	va_start(ap, fmt);
	vsnprintf(target, sizeof(target), fmt, ap);
	va_end(ap);
	inode = inode_new(t->sb, LINUX_S_IFLNK | 0777, &link_ops, NULL);
	if (inode)
		inode->private = kstrdup(target);
	if (!inode || !inode->private) {
		inode_put(inode);
		t->err = -ENOMEM;
		return;
	}
	inode->attr.uid = inode->attr.gid = 0;
	inode->attr.size = strlen(target);
	if (!dentry_add_child(dir, name, inode))
		t->err = -ENOMEM;
}

void sysfs_put_list(struct text_buf *b, u32 first, u32 n)
{
	if (n > 1)
		text_printf(b, "%u-%u\n", first, first + n - 1);
	else if (n)
		text_printf(b, "%u\n", first);
	else
		text_printf(b, "\n");
}

void sysfs_put_mask(struct text_buf *b, u32 first, u32 n)
{
	u32 words = (platform_cpu_count() + 31) / 32;

	for (u32 w = words; w-- > 0;) {
		u32 bits = 0;
		for (u32 i = 0; i < 32; i++)
			if (w * 32 + i >= first && w * 32 + i < first + n)
				bits |= 1U << i;
		text_printf(b, "%s%0*x", w + 1 < words ? "," : "", w + 1 < words ? 8 : 1, bits);
	}
	text_printf(b, "\n");
}

/* ---- the tree ---- */

/* Character devices that have a class: /sys/class/C/N leads to /sys/devices/virtual/C/N. */
static void build_chrdevs(struct sys_tree *t)
{
	static const struct {
		const char *class, *name;
		u32 major, minor;
	} devices[] = {
	    {"mem", "null", 1, 3},    {"mem", "zero", 1, 5}, {"mem", "full", 1, 7}, {"mem", "random", 1, 8},
	    {"mem", "urandom", 1, 9}, {"tty", "tty", 5, 0},  {"tty", "ptmx", 5, 2},
	};

	for (u32 i = 0; i < ARRAY_COUNT(devices); i++) {
		struct dentry *d = sysfs_dir(t, "devices/virtual/%s/%s", devices[i].class, devices[i].name);
		char text[96];
		snprintf(text, sizeof(text), "%u:%u", devices[i].major, devices[i].minor);
		sysfs_text(t, d, "dev", text);
		sysfs_link(t, sysfs_dir(t, "dev/char"), text, "../../devices/virtual/%s/%s", devices[i].class,
			   devices[i].name);
		snprintf(text, sizeof(text), "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVMODE=0666", devices[i].major,
			 devices[i].minor, devices[i].name);
		sysfs_text(t, d, "uevent", text);
		sysfs_link(t, d, "subsystem", "../../../../class/%s", devices[i].class);
		sysfs_link(t, sysfs_dir(t, "class/%s", devices[i].class), devices[i].name,
			   "../../devices/virtual/%s/%s", devices[i].class, devices[i].name);
	}
}

static void build_loopback(struct sys_tree *t)
{
	static const struct {
		const char *name, *text;
	} files[] = {
	    {"address", "00:00:00:00:00:00"},
	    {"broadcast", "00:00:00:00:00:00"},
	    {"addr_assign_type", "0"},
	    {"addr_len", "6"},
	    {"carrier", "1"},
	    {"carrier_changes", "0"},
	    {"dev_id", "0x0"},
	    {"dev_port", "0"},
	    {"dormant", "0"},
	    {"flags", "0x9"},
	    {"group", "0"},
	    {"gro_flush_timeout", "0"},
	    {"ifalias", ""},
	    {"ifindex", "1"},
	    {"iflink", "1"},
	    {"link_mode", "0"},
	    {"mtu", "65536"},
	    {"netdev_group", "0"},
	    {"operstate", "unknown"},
	    {"proto_down", "0"},
	    {"tx_queue_len", "1000"},
	    {"type", "772"},
	    {"uevent", "INTERFACE=lo\nIFINDEX=1"},
	};
	struct dentry *d = sysfs_dir(t, "devices/virtual/net/lo");

	for (u32 i = 0; i < ARRAY_COUNT(files); i++)
		sysfs_text(t, d, files[i].name, files[i].text);
	sysfs_link(t, d, "subsystem", "../../../../class/net");
	sysfs_link(t, sysfs_dir(t, "class/net"), "lo", "../../devices/virtual/net/lo");
}

static void build_kernel(struct sys_tree *t)
{
	struct dentry *d = sysfs_dir(t, "kernel/mm/transparent_hugepage");

	sysfs_text(t, d, "enabled", "[always] madvise never");
	sysfs_text(t, d, "defrag", "always defer defer+madvise [madvise] never");
	sysfs_text(t, d, "shmem_enabled", "always within_size advise [never] deny force");
	sysfs_text(t, d, "hpage_pmd_size", "2097152");
	sysfs_text(t, d, "use_zero_page", "1");
	d = sysfs_dir(t, "kernel/mm/hugepages/hugepages-2048kB");
	sysfs_text(t, d, "nr_hugepages", "0");
	sysfs_text(t, d, "free_hugepages", "0");
	sysfs_text(t, d, "resv_hugepages", "0");
	sysfs_text(t, d, "surplus_hugepages", "0");
	sysfs_text(t, d, "nr_overcommit_hugepages", "0");
	d = sysfs_dir(t, "kernel/cgroup");
	sysfs_text(t, d, "delegate",
		   "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\nmemory.oom.group\nmemory.reclaim");
	sysfs_text(t, d, "features", "nsdelegate\nmemory_recursiveprot");
	d = sysfs_dir(t, "kernel");
	sysfs_text(t, d, "uevent_seqnum", "0");
	sysfs_text(t, d, "profiling", "0");
	sysfs_text(t, d, "fscaps", "1");
	sysfs_text(t, d, "kexec_loaded", "0");
	sysfs_text(t, d, "kexec_crash_loaded", "0");
	sysfs_text(t, d, "kexec_crash_size", "0");
	sysfs_text(t, d, "rcu_expedited", "0");
	sysfs_text(t, d, "rcu_normal", "0");
}

static int build(struct super_block *sb)
{
	static const char *const empty[] = {
	    "block",         "bus",          "class/block",     "dev/block",           "devices/virtual",
	    "firmware",      "fs/cgroup",    "fs/bpf",          "fs/fuse/connections", "hypervisor",
	    "kernel/config", "kernel/debug", "kernel/security", "kernel/tracing",      "module",
	    "power"};
	struct sys_tree t = {.sb = sb};

	for (u32 i = 0; i < ARRAY_COUNT(empty); i++)
		(void)sysfs_dir(&t, "%s", empty[i]);
	build_chrdevs(&t);
	build_loopback(&t);
	build_kernel(&t);
	sysfs_build_cpus(&t);
	sysfs_build_nodes(&t);
	return t.err;
}

static int sys_mount(const struct fs_type *type, const struct mount_options *opt, struct super_block **out)
{
	struct super_block *sb = sb_new(type, SB_DCACHE_TRUTH | SB_NODEV, NULL);
	struct inode *root = sb ? dir_inode(sb) : NULL;
	int err = root ? sb_set_root(sb, root) : -ENOMEM;

	if (!err)
		err = build(sb);
	if (err && sb && sb->root) {
		dentry_drop_tree(sb->root);
		dentry_put(sb->root);
		sb->root = NULL;
	}
	if (err)
		sb_put(sb);
	else
		*out = sb;
	return err;
}

const struct fs_type sys_fs_type = {.name = "sysfs", .magic = SYSFS_MAGIC, .mount = sys_mount};
