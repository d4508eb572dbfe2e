/* test_mounts.c - walks over mount points, both ways. */
#include "tests/unit/vfs/fixture.h"

static void detach(const char *path, bool lazy, int expected)
{
	struct path p;

	ck_assert_int_eq(path_lookup(AT_FDCWD, path, WALK_FOLLOW, &p), 0);
	ck_assert_int_eq(mount_umount(&p, lazy ? 2 : 0), expected);
}

TEST(down_and_up)
{
	struct path p;

	mkdirs("/m/hidden");
	mkdirs("/other");
	ck_assert_str_eq(walk("/m/hidden", 0), "/m/hidden");
	mount_tmpfs("/m");
	ck_assert_str_eq(walk("/m/hidden", 0), "ENOENT");
	mkdirs("/m/a/b");
	ck_assert_str_eq(walk("/m/a/b", 0), "/m/a/b");
	ck_assert_str_eq(walk("/m/a/b/../..", 0), "/m");
	ck_assert_str_eq(walk("/m/..", 0), "/");
	ck_assert_str_eq(walk("/m/a/../../other", 0), "/other");
	ck_assert_str_eq(walk("/other/../m/a", 0), "/m/a"); /* down again after an up */
	ck_assert_int_eq(path_lookup(AT_FDCWD, "/m", 0, &p), 0);
	ck_assert_ptr_ne(p.mnt, root_mount);
	path_put(&p);
	detach("/m", false, 0);
	ck_assert_str_eq(walk("/m/hidden", 0), "/m/hidden");
	ck_assert_str_eq(walk("/m/a", 0), "ENOENT");
}

TEST(one_over_the_other)
{
	mkdirs("/m");
	mount_tmpfs("/m");
	mkdirs("/m/first");
	mount_tmpfs("/m"); /* on the root of the first */
	mkdirs("/m/second");
	ck_assert_str_eq(walk("/m/first", 0), "ENOENT");
	ck_assert_str_eq(walk("/m/second/../..", 0), "/"); /* up through both */
	detach("/m", false, 0);
	ck_assert_str_eq(walk("/m/second", 0), "ENOENT");
	ck_assert_str_eq(walk("/m/first", 0), "/m/first");
	detach("/m", false, 0);
}

TEST(symlinks_across)
{
	mkdirs("/m");
	mkdirs("/d");
	mount_tmpfs("/m");
	mkdirs("/m/x");
	symlink_to("../d", "/m/out");
	symlink_to("/m/x", "/d/in");
	symlink_to("m", "/tom");
	ck_assert_str_eq(walk("/m/out", WALK_FOLLOW), "/d");
	ck_assert_str_eq(walk("/m/out/in", WALK_FOLLOW), "/m/x");
	ck_assert_str_eq(walk("/tom", WALK_FOLLOW), "/m");
	ck_assert_str_eq(walk("/tom/x", 0), "/m/x");
}

TEST(no_crossing)
{
	mkdirs("/m");
	mkdirs("/d");
	mount_tmpfs("/m");
	mkdirs("/m/x");
	ck_assert_str_eq(walk("/m", WALK_NO_XDEV), "EXDEV");
	ck_assert_str_eq(walk("/m/x", WALK_NO_XDEV), "EXDEV");
	ck_assert_str_eq(walk("/d", WALK_NO_XDEV), "/d");
	ck_assert_int_eq(fs_context_chdir(current_task()->fs, "/m/x"), 0);
	ck_assert_str_eq(walk("..", WALK_NO_XDEV), "/m");
	ck_assert_str_eq(walk("../..", WALK_NO_XDEV), "EXDEV");
}

TEST(calls_between_mounts)
{
	mkdirs("/m");
	mount_tmpfs("/m");
	file("/f");
	mkdirs("/d");
	ck_assert_int_eq(vfs_rename(AT_FDCWD, "/f", AT_FDCWD, "/m/f", 0), -EXDEV);
	ck_assert_int_eq(vfs_link(AT_FDCWD, "/f", AT_FDCWD, "/m/f", 0), -EXDEV);
	ck_assert_int_eq(vfs_rmdir(AT_FDCWD, "/m"), -EBUSY);
	ck_assert_int_eq(vfs_rename(AT_FDCWD, "/m", AT_FDCWD, "/n", 0), -EBUSY);
	ck_assert_int_eq(vfs_rename(AT_FDCWD, "/d", AT_FDCWD, "/m", 0), -EBUSY);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "/m", 0755), -EEXIST);
	ck_assert_int_eq(vfs_rmdir(AT_FDCWD, "/d"), 0);
}

TEST(busy_and_lazy)
{
	struct fs_context *fs = current_task()->fs;

	mkdirs("/m");
	mount_tmpfs("/m");
	mkdirs("/m/x/y");
	ck_assert_int_eq(fs_context_chdir(fs, "/m/x"), 0);
	detach("/m", false, -EBUSY);
	detach("/m", true, 0);
	ck_assert_int_eq(walk_err("y", 0), 0); /* what is held goes on working */
	ck_assert_int_eq(walk_err("../x/y", 0), 0);
	ck_assert_int_eq(walk_err("/m/x", 0), -ENOENT);
	ck_assert_int_eq(walk_err("../..", 0), 0); /* its top is a top now */
	ck_assert_int_eq(fs_context_chdir(fs, "/"), 0);
	ck_assert_int_eq(vfs_rmdir(AT_FDCWD, "/m"), 0);
}

TEST(bind)
{
	struct path from, at;
	struct file *f;

	mkdirs("/a/sub");
	mkdirs("/b");
	ck_assert_int_eq(path_lookup(AT_FDCWD, "/a/sub", 0, &from), 0);
	ck_assert_int_eq(path_lookup(AT_FDCWD, "/b", 0, &at), 0);
	ck_assert_int_eq(mount_bind(&from, &at, false), 0);
	path_put(&from);
	path_put(&at);
	file("/b/f");
	ck_assert_int_eq(walk_err("/a/sub/f", 0), 0);
	ck_assert_str_eq(walk("/b/f/..", 0), "ENOTDIR");
	ck_assert_str_eq(walk("/b/..", 0), "/"); /* the mount's parent, not the directory's */
	mkdirs("/a/sub/deep");
	ck_assert_str_eq(walk("/b/deep/../..", 0), "/");
	ck_assert_int_eq(vfs_link(AT_FDCWD, "/b/f", AT_FDCWD, "/a/sub/g", 0),
			 -EXDEV); /* other mount, one tree */
	ck_assert_int_eq(vfs_open(AT_FDCWD, "/a/sub/f", O_RDONLY, 0, 0, &f), 0);
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/b/f"), 0);
	ck_assert_int_eq(walk_err("/a/sub/f", 0), -ENOENT);
	file_put(f);
	detach("/b", false, 0);
}

TEST(read_only)
{
	struct mount *m;

	mkdirs("/m");
	m = mount_tmpfs("/m");
	file("/m/f");
	mkdirs("/m/d");
	m->flags |= MNT_READONLY;
	ck_assert_int_eq(open_err("/m/f", O_RDONLY), 0);
	ck_assert_int_eq(open_err("/m/f", O_WRONLY), -EROFS);
	ck_assert_int_eq(open_err("/m/f", O_RDONLY | O_TRUNC), -EROFS);
	ck_assert_int_eq(open_err("/m/f", O_CREAT | O_RDONLY), 0);
	ck_assert_int_eq(open_err("/m/g", O_CREAT | O_RDONLY), -EROFS);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "/m/e", 0755), -EROFS);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "/m/d", 0755), -EEXIST);
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/m/f"), -EROFS);
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/m/no"), -ENOENT);
	ck_assert_int_eq(vfs_rmdir(AT_FDCWD, "/m/d"), -EROFS);
	ck_assert_int_eq(vfs_rename(AT_FDCWD, "/m/f", AT_FDCWD, "/m/g", 0), -EROFS);
	ck_assert_int_eq(vfs_symlink("x", AT_FDCWD, "/m/l"), -EROFS);
	ck_assert_int_eq(vfs_link(AT_FDCWD, "/m/f", AT_FDCWD, "/m/l", 0), -EROFS);
}

/* A guest may mount on a mount without end: nothing may recurse over it. */
TEST(a_tower_of_mounts)
{
	mkdirs("/m");
	for (int i = 0; i < 3000; i++)
		mount_tmpfs("/m");
	ck_assert_str_eq(walk("/m/..", 0), "/");
	detach("/m", true, 0);
}

Suite *mounts_suite(void)
{
	Suite *s = suite_create("mounts");
	TCase *t = tcase_create("mounts");

	tcase_add_test(t, down_and_up);
	tcase_add_test(t, one_over_the_other);
	tcase_add_test(t, symlinks_across);
	tcase_add_test(t, no_crossing);
	tcase_add_test(t, calls_between_mounts);
	tcase_add_test(t, busy_and_lazy);
	tcase_add_test(t, bind);
	tcase_add_test(t, read_only);
	tcase_add_test(t, a_tower_of_mounts);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
