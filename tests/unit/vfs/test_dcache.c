/* test_dcache.c - the cache of names: its bound, and trees so deep or wide that recursion would end badly. */
#include "tests/unit/vfs/fixture.h"

/* A file system in which every name is a directory, so that the cache fills by lookups alone. */
static int any_lookup(struct inode *dir, struct dentry *d)
{
	struct inode *i = inode_new(dir->sb, LINUX_S_IFDIR | 0755, dir->ops, dir->file_ops);

	if (!i)
		return -ENOMEM;
	dentry_set_inode(d, i);
	return 0;
}

static const struct inode_ops any_ops = {.lookup = any_lookup};
static const struct file_ops any_file_ops;
static const struct fs_type any_type = {.name = "any"};
static struct super_block *any_sb;
static struct path any_root;

static void mount_any(struct dentry_lru *lru)
{
	any_sb = sb_new(&any_type, 0, NULL);
	any_sb->lru = lru;
	ck_assert_int_eq(
	    sb_set_root(any_sb, inode_new(any_sb, LINUX_S_IFDIR | 0755, &any_ops, &any_file_ops)), 0);
	any_root = (struct path){root_mount, any_sb->root};
}

static int look(const char *name)
{
	struct path p;
	int err = path_lookup_at(&any_root, name, 0, &p);

	if (!err)
		path_put(&p);
	return err;
}

TEST(idle_names_are_bounded)
{
	char name[32];

	mount_any(NULL);
	for (unsigned i = 0; i < DCACHE_MAX_IDLE + 5000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		ck_assert_int_eq(look(name), 0);
	}
	ck_assert_uint_le(vfs()->lru.count, DCACHE_MAX_IDLE);
	ck_assert_ptr_null(dentry_lookup_cached(any_sb->root, "n0", 2)); /* the oldest went */
}

/* Each idle name is the only user of its directory: one that goes frees its parent for the list, and so on.
 */
TEST(trimming_does_not_recurse)
{
	char name[32];

	mount_any(NULL);
	for (unsigned i = 0; i < DCACHE_MAX_IDLE + 5000; i++) {
		snprintf(name, sizeof(name), "d%u/f", i);
		ck_assert_int_eq(look(name), 0);
	}
	ck_assert_uint_le(vfs()->lru.count, DCACHE_MAX_IDLE);
}

TEST(a_bound_of_its_own)
{
	struct dentry_lru *own = knew(struct dentry_lru);
	char name[32];

	dentry_lru_init(own, 100);
	mount_any(own);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		ck_assert_int_eq(look(name), 0);
	}
	ck_assert_uint_eq(own->count, 100);
	ck_assert_uint_eq(vfs()->lru.count, 0);
	ck_assert_int_eq(look("n950"), 0); /* found again, it is the youngest */
	for (unsigned i = 0; i < 99; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		ck_assert_int_eq(look(name), 0);
	}
	{
		struct dentry *d = dentry_lookup_cached(any_sb->root, "n950", 4);
		ck_assert_ptr_nonnull(d);
		dentry_put(d);
	}
}

TEST(forgetting_children)
{
	struct dentry *held;
	struct path p;

	mount_any(NULL);
	ck_assert_int_eq(look("a"), 0);
	ck_assert_int_eq(look("b"), 0);
	ck_assert_int_eq(path_lookup_at(&any_root, "b", 0, &p), 0);
	dentry_forget_children(any_sb->root);
	ck_assert_ptr_null(dentry_lookup_cached(any_sb->root, "a", 1));
	held = dentry_lookup_cached(any_sb->root, "b", 1); /* in use: stays */
	ck_assert_ptr_eq(held, p.dentry);
	dentry_put(held);
	path_put(&p);
}

TEST(a_deep_tree_is_dropped)
{
	struct fs_context *fs = current_task()->fs;
	struct mount *m;
	struct path p;
	u64 before, after;

	mkdirs("/m");
	before = arena_used();
	m = mount_tmpfs("/m");
	ck_assert_int_eq(fs_context_chdir(fs, "/m"), 0);
	for (int i = 0; i < 20000; i++) {
		ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "d", 0755), 0);
		ck_assert_int_eq(fs_context_chdir(fs, "d"), 0);
	}
	ck_assert_int_eq(fs_context_chdir(fs, "/"), 0);
	ck_assert_int_eq(path_lookup(AT_FDCWD, "/m", 0, &p), 0);
	ck_assert_ptr_eq(p.mnt, m);
	ck_assert_int_eq(mount_umount(&p, 0), 0);
	after = arena_used();
	ck_assert_msg(after <= before + 65536, "%lu bytes leaked", (unsigned long)(after - before));
}

/* A working directory whose whole way up was removed: its end frees all of it at once. */
TEST(a_deep_removed_way)
{
	struct fs_context *fs = current_task()->fs;
	struct path up;
	u64 before, after;

	before = arena_used();
	for (int i = 0; i < 20000; i++) {
		ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "d", 0755), 0);
		ck_assert_int_eq(fs_context_chdir(fs, "d"), 0);
	}
	up = fs->cwd;
	path_get(&up);
	for (int i = 0; i < 20000; i++) {
		struct path parent = {up.mnt, up.dentry->parent}, keep = fs->cwd;
		path_get(&parent);
		fs->cwd = parent;
		ck_assert_int_eq(vfs_rmdir(AT_FDCWD, "d"), 0);
		fs->cwd = keep;
		path_put(&up);
		up = parent;
	}
	path_put(&up);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "x", 0755), -ENOENT); /* no entries in what is removed */
	ck_assert_int_eq(fs_context_chdir(fs, "/"), 0);
	after = arena_used();
	ck_assert_msg(after <= before + 65536, "%lu bytes leaked", (unsigned long)(after - before));
}

Suite *dcache_suite(void)
{
	Suite *s = suite_create("dentry cache");
	TCase *t = tcase_create("dcache");

	tcase_add_test(t, idle_names_are_bounded);
	tcase_add_test(t, trimming_does_not_recurse);
	tcase_add_test(t, a_bound_of_its_own);
	tcase_add_test(t, forgetting_children);
	tcase_add_test(t, a_deep_tree_is_dropped);
	tcase_add_test(t, a_deep_removed_way);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
