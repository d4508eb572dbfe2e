/* test_walk.c - components, dots, slashes, symlinks: what path_resolution(7) and openat2(2) say. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vfs/fixture.h"

TEST(plain_names)
{
	mkdirs("/a/b/c");
	file("/a/f");
	ck_assert_str_eq(walk("/a/b/c", 0), "/a/b/c");
	ck_assert_str_eq(walk("a/b", 0), "/a/b");
	ck_assert_str_eq(walk("/a/f", 0), "/a/f");
	ck_assert_str_eq(walk("/a/x", 0), "ENOENT");
	ck_assert_str_eq(walk("/a/x/y", 0), "ENOENT");
	ck_assert_str_eq(walk("/a/f/y", 0), "ENOTDIR");
	ck_assert_str_eq(walk("/a/f", WALK_DIRECTORY), "ENOTDIR");
	ck_assert_str_eq(walk("/a/b", WALK_DIRECTORY), "/a/b");
}

TEST(empty_name)
{
	ck_assert_str_eq(walk("", 0), "ENOENT");
	ck_assert_str_eq(walk("", WALK_FOLLOW | WALK_DIRECTORY), "ENOENT");
	ck_assert_str_eq(walk("", WALK_EMPTY_PATH), "/");
}

TEST(dot_names)
{
	mkdirs("/a/b");
	file("/a/f");
	ck_assert_str_eq(walk(".", 0), "/");
	ck_assert_str_eq(walk("/a/./b/.", 0), "/a/b");
	ck_assert_str_eq(walk("/a/b/..", 0), "/a");
	ck_assert_str_eq(walk("/a/b/../..", 0), "/");
	ck_assert_str_eq(walk("/../../a", 0), "/a");
	ck_assert_str_eq(walk("..", 0), "/");
	ck_assert_str_eq(walk("/a/f/.", 0), "ENOTDIR");
	ck_assert_str_eq(walk("/a/f/..", 0), "ENOTDIR");
	ck_assert_str_eq(walk("/a/x/..", 0), "ENOENT"); /* not cancelled on paper */
	ck_assert_str_eq(walk("/a/...", 0), "ENOENT");  /* a name like any other */
	mkdirs("/a/...");
	ck_assert_str_eq(walk("/a/.../..", 0), "/a");
}

TEST(slashes)
{
	mkdirs("/a/b");
	file("/a/f");
	symlink_to("b", "/a/tob");
	symlink_to("f", "/a/tof");
	ck_assert_str_eq(walk("///a////b///", 0), "/a/b");
	ck_assert_str_eq(walk("/", 0), "/");
	ck_assert_str_eq(walk("////", 0), "/");
	ck_assert_str_eq(walk("/a/f/", 0), "ENOTDIR");
	ck_assert_str_eq(walk("/a/tob/", 0), "/a/b"); /* a slash follows */
	ck_assert_str_eq(walk("/a/tob", 0), "/a/tob");
	ck_assert_str_eq(walk("/a/tof/", 0), "ENOTDIR");
	ck_assert_str_eq(walk("/a/x/", 0), "ENOENT");
	ck_assert_int_eq(open_err("/a/new/", O_CREAT | O_WRONLY), -EISDIR);
	ck_assert_int_eq(open_err("/a/f/", O_RDONLY), -ENOTDIR);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "/a/d///", 0755), 0);
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/a/f/"), -ENOTDIR);
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/a/d/"), -EISDIR);
	ck_assert_int_eq(vfs_rmdir(AT_FDCWD, "/a/d/"), 0);
	ck_assert_int_eq(vfs_symlink("x", AT_FDCWD, "/a/l/"), -ENOENT);
	ck_assert_int_eq(vfs_rename(AT_FDCWD, "/a/f", AT_FDCWD, "/a/g/", 0), -ENOTDIR);
	ck_assert_int_eq(vfs_rename(AT_FDCWD, "/a/b", AT_FDCWD, "/a/g/", 0), 0);
}

TEST(last_component_of_parent)
{
	struct path p;
	char *last;
	bool slash;

	mkdirs("/a/b");
	ck_assert_int_eq(path_lookup_parent(AT_FDCWD, "/a/b/new//", 0, &p, &last, &slash), 0);
	ck_assert_str_eq(last, "new");
	ck_assert(slash);
	ck_assert_str_eq(p.dentry->name, "b");
	kfree(last);
	path_put(&p);
	ck_assert_int_eq(path_lookup_parent(AT_FDCWD, "/", 0, &p, &last, &slash), 0);
	ck_assert_str_eq(last, ".");
	kfree(last);
	path_put(&p);
	ck_assert_int_eq(path_lookup_parent(AT_FDCWD, "a/..", 0, &p, &last, &slash), 0);
	ck_assert_str_eq(last, "..");
	ck_assert(!slash);
	kfree(last);
	path_put(&p);
	ck_assert_int_eq(path_lookup_parent(AT_FDCWD, "", 0, &p, &last, &slash), -ENOENT);
	ck_assert_int_eq(path_lookup_parent(AT_FDCWD, "x/y", 0, &p, &last, &slash), -ENOENT);
}

TEST(length_of_a_name)
{
	char name[300] = "/";

	memset(name + 1, 'n', 256);
	ck_assert_int_eq(walk_err(name, 0), -ENAMETOOLONG);
	ck_assert_int_eq(open_err(name, O_CREAT | O_WRONLY), -ENAMETOOLONG);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, name, 0755), -ENAMETOOLONG);
	name[256] = 0;
	ck_assert_int_eq(walk_err(name, 0), -ENOENT);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, name, 0755), 0);
	ck_assert_int_eq(walk_err(name, 0), 0);
}

TEST(symlinks_lead_where_they_say)
{
	mkdirs("/a/b/c");
	mkdirs("/d");
	file("/a/b/f");
	symlink_to("b", "/a/relative");
	symlink_to("/a/b", "/d/absolute");
	symlink_to("../a/relative/c", "/d/up");
	symlink_to("b/f", "/a/tofile");
	symlink_to("nowhere", "/a/dangling");
	symlink_to("/", "/d/root");
	ck_assert_str_eq(walk("/a/relative", WALK_FOLLOW), "/a/b");
	ck_assert_str_eq(walk("/a/relative", 0), "/a/relative");
	ck_assert_str_eq(walk("/a/relative/c", 0), "/a/b/c"); /* in the middle always followed */
	ck_assert_str_eq(walk("/d/absolute/f", 0), "/a/b/f");
	ck_assert_str_eq(walk("/d/up", WALK_FOLLOW), "/a/b/c");
	ck_assert_str_eq(walk("/d/up/..", 0), "/a/b"); /* the real parent */
	ck_assert_str_eq(walk("/a/tofile", WALK_FOLLOW), "/a/b/f");
	ck_assert_str_eq(walk("/a/tofile/x", 0), "ENOTDIR");
	ck_assert_str_eq(walk("/a/dangling", WALK_FOLLOW), "ENOENT");
	ck_assert_str_eq(walk("/a/dangling", 0), "/a/dangling");
	ck_assert_str_eq(walk("/d/root/d/root/a", 0), "/a");
	ck_assert_int_eq(vfs_symlink("", AT_FDCWD, "/a/empty"), -ENOENT);
}

/* link 0 -> target, link i -> link i-1 */
static void chain(const char *target, int n)
{
	char from[20], to[20];

	for (int i = 0; i < n; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i - 1);
		symlink_to(i ? to : target, from);
	}
}

TEST(forty_links)
{
	mkdirs("/dir/sub");
	chain("dir", 60);
	ck_assert_str_eq(walk("l39", WALK_FOLLOW), "/dir"); /* 40 links */
	ck_assert_str_eq(walk("l40", WALK_FOLLOW), "ELOOP");
	ck_assert_str_eq(walk("l39/sub", 0), "/dir/sub");
	ck_assert_str_eq(walk("l40/sub", 0), "ELOOP");
	ck_assert_str_eq(walk("l19/../l19", WALK_FOLLOW), "/dir"); /* counted over the whole walk */
	ck_assert_str_eq(walk("l19/../l20", WALK_FOLLOW), "ELOOP");
	ck_assert_int_eq(open_err("l39", O_RDONLY), 0);
	ck_assert_int_eq(open_err("l40", O_RDONLY), -ELOOP);
}

TEST(loops_of_links)
{
	symlink_to("self", "/self");
	symlink_to("two", "/one");
	symlink_to("one", "/two");
	symlink_to("deep/x", "/deep");
	ck_assert_int_eq(walk_err("/self", WALK_FOLLOW), -ELOOP);
	ck_assert_int_eq(walk_err("/self", 0), 0);
	ck_assert_int_eq(walk_err("/one", WALK_FOLLOW), -ELOOP);
	ck_assert_int_eq(walk_err("/one/x", 0), -ELOOP);
	ck_assert_int_eq(walk_err("/deep", WALK_FOLLOW), -ELOOP);
	ck_assert_int_eq(open_err("/self", O_CREAT | O_WRONLY), -ELOOP);
	ck_assert_int_eq(open_err("/self", O_RDONLY | O_NOFOLLOW), -ELOOP);
	ck_assert_int_eq(open_err("/self", O_PATH | O_NOFOLLOW), 0);
}

TEST(links_and_creation)
{
	mkdirs("/d");
	symlink_to("target", "/link");
	symlink_to("/d/inside", "/other");
	symlink_to("no/such/dir", "/lost");
	ck_assert_int_eq(open_err("/link", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
	ck_assert_int_eq(open_err("/link", O_CREAT | O_NOFOLLOW | O_WRONLY), -ELOOP);
	ck_assert_int_eq(walk_err("/target", 0), -ENOENT);
	ck_assert_int_eq(open_err("/link", O_CREAT | O_WRONLY), 0); /* creates what it points to */
	ck_assert_str_eq(walk("/link", WALK_FOLLOW), "/target");
	ck_assert_int_eq(open_err("/other", O_CREAT | O_WRONLY), 0);
	ck_assert_str_eq(walk("/other", WALK_FOLLOW), "/d/inside");
	ck_assert_int_eq(open_err("/lost", O_CREAT | O_WRONLY), -ENOENT);
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "/lost", 0755), -EEXIST); /* mkdir does not follow */
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/link"), 0);
	ck_assert_int_eq(walk_err("/target", 0), 0); /* the link went, not the file */
}

TEST(creation)
{
	mkdirs("/d");
	ck_assert_int_eq(open_err("/d", O_CREAT | O_RDONLY), -EISDIR);
	ck_assert_int_eq(open_err("/", O_CREAT | O_RDONLY), -EISDIR);
	ck_assert_int_eq(open_err("/d/.", O_CREAT | O_RDONLY), -EISDIR);
	ck_assert_int_eq(open_err("/d/..", O_CREAT | O_RDONLY), -EISDIR);
	ck_assert_int_eq(open_err("", O_CREAT | O_RDONLY), -ENOENT);
	ck_assert_int_eq(open_err("/x/y", O_CREAT | O_RDONLY), -ENOENT);
	ck_assert_int_eq(open_err("/d/f", O_CREAT | O_RDONLY), 0);
	ck_assert_int_eq(open_err("/d/f", O_CREAT | O_RDONLY), 0);
	ck_assert_int_eq(open_err("/d/f", O_CREAT | O_EXCL | O_RDONLY), -EEXIST);
	ck_assert_int_eq(open_err("/d/f/g", O_CREAT | O_RDONLY), -ENOTDIR);
	ck_assert_int_eq(open_err("/d/f", O_DIRECTORY), -ENOTDIR);
	ck_assert_int_eq(open_err("/d", O_WRONLY), -EISDIR);
}

/* The root of a process is the end of every `..`. */
TEST(a_root_is_a_wall)
{
	struct fs_context *fs = current_task()->fs;
	struct path p;

	mkdirs("/jail/a/b");
	mkdirs("/outside");
	symlink_to("../../../../outside", "/jail/a/escape");
	symlink_to("/a", "/jail/absolute");
	ck_assert_int_eq(path_lookup(AT_FDCWD, "/jail", 0, &p), 0);
	path_put(&fs->root);
	fs->root = p;
	ck_assert_str_eq(walk("/..", 0), "/jail");
	ck_assert_str_eq(walk("/a/../../..", 0), "/jail");
	ck_assert_str_eq(walk("/a/escape", WALK_FOLLOW), "ENOENT");
	ck_assert_str_eq(walk("/absolute/b", 0), "/jail/a/b");
	/* the cwd is still outside: chroot(2) alone is no jail, as on Linux */
	ck_assert_str_eq(walk("outside", 0), "/outside");
	ck_assert_str_eq(walk("jail/..", 0), "/jail");
}

TEST(ten_thousand_components)
{
	struct fs_context *fs = current_task()->fs;
	char *dots = repeat(".", 10000), *ups = repeat("..", 10000), *deep = repeat("d", 10000);

	mkdirs("/start");
	ck_assert_str_eq(walk(dots, 0), "/");
	ck_assert_str_eq(walk(ups, 0), "/");
	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "d", 0755), 0);
		ck_assert_int_eq(fs_context_chdir(fs, "d"), 0);
	}
	file("bottom");
	ck_assert_int_eq(walk_err(ups, 0), 0);
	ck_assert_str_eq(walk(ups, 0), "/");
	ck_assert_int_eq(fs_context_chdir(fs, "/"), 0);
	ck_assert_int_eq(fs_context_chdir(fs, deep), 0);
	ck_assert_int_eq(walk_err("bottom", 0), 0);
	ck_assert_int_eq(walk_err("bottom/x", 0), -ENOTDIR);
	free(dots);
	free(ups);
	free(deep);
}

TEST(restricted_walks)
{
	mkdirs("/a/b");
	file("/a/f");
	symlink_to("b", "/a/in");
	symlink_to("..", "/a/out");
	symlink_to("/a/b", "/a/abs");
	ck_assert_int_eq(fs_context_chdir(current_task()->fs, "/a"), 0);
	ck_assert_str_eq(walk("in", WALK_BENEATH | WALK_FOLLOW), "/a/b");
	ck_assert_str_eq(walk("b/../f", WALK_BENEATH), "/a/f");
	ck_assert_str_eq(walk("..", WALK_BENEATH), "EXDEV");
	ck_assert_str_eq(walk("b/../..", WALK_BENEATH), "EXDEV");
	ck_assert_str_eq(walk("/a", WALK_BENEATH), "EXDEV");
	ck_assert_str_eq(walk("out", WALK_BENEATH | WALK_FOLLOW), "EXDEV");
	ck_assert_str_eq(walk("abs", WALK_BENEATH | WALK_FOLLOW), "EXDEV");
	ck_assert_str_eq(walk("..", WALK_IN_ROOT), "/a");
	ck_assert_str_eq(walk("/b", WALK_IN_ROOT), "/a/b");
	ck_assert_str_eq(walk("out/f", WALK_IN_ROOT), "/a/f");
	ck_assert_str_eq(walk("abs", WALK_IN_ROOT | WALK_FOLLOW), "ENOENT");
	ck_assert_str_eq(walk("in", WALK_NO_SYMLINKS | WALK_FOLLOW), "ELOOP");
	ck_assert_str_eq(walk("in/.", WALK_NO_SYMLINKS), "ELOOP");
	ck_assert_str_eq(walk("in", WALK_NO_SYMLINKS), "/a/in");
	ck_assert_str_eq(walk("b/..", WALK_NO_SYMLINKS), "/a");
}

static void as_user(void *arg)
{
	ck_assert_str_eq(walk("/closed/d", 0), "EACCES");
	ck_assert_str_eq(walk("/closed", 0), "/closed");
	ck_assert_str_eq(walk("/closed/.", 0), "EACCES");
	ck_assert_str_eq(walk("/closed/..", 0), "EACCES");
	ck_assert_str_eq(walk("/closed/nothing", 0), "EACCES"); /* it may not even know */
	ck_assert_str_eq(walk("/listed/d", 0), "EACCES");       /* r without x */
	ck_assert_str_eq(walk("/through/d", 0), "/through/d");  /* x without r */
	ck_assert_int_eq(open_err("/through", O_RDONLY), -EACCES);
	ck_assert_int_eq(open_err("/through/new", O_CREAT | O_WRONLY), -EACCES);
	ck_assert_int_eq(open_err("/through/d/f", O_CREAT | O_RDONLY),
			 0); /* exists: no write to the directory */
	ck_assert_int_eq(vfs_mkdir(AT_FDCWD, "/through/d", 0755), -EEXIST); /* before the permission */
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/through/d/f"), -EACCES);
	/* protected symlinks: another's link in a sticky directory that everybody may write */
	ck_assert_str_eq(walk("/tmp/roots", WALK_FOLLOW), "/through");
	ck_assert_str_eq(walk("/tmp/others", WALK_FOLLOW), "EACCES");
	ck_assert_str_eq(walk("/tmp/others", 0), "/tmp/others");
	ck_assert_int_eq(vfs_unlink(AT_FDCWD, "/tmp/others"), -EPERM);
	symlink_to("/through", "/tmp/mine");
	ck_assert_str_eq(walk("/tmp/mine/d", 0), "/through/d");
	*(bool *)arg = true;
}

static void change(const char *path, u32 mask, u32 value)
{
	struct attr_change ch = {.mask = mask, .mode = value, .uid = value};
	struct path p;

	ck_assert_int_eq(path_lookup(AT_FDCWD, path, 0, &p), 0);
	ck_assert_int_eq(vfs_setattr(&p, &ch), 0);
	path_put(&p);
}

static bool user_done;

TEST(permissions_on_the_way)
{
	mkdirs("/closed/d");
	mkdirs("/listed/d");
	mkdirs("/through/d");
	mkdirs("/tmp");
	file("/through/d/f");
	symlink_to("/through", "/tmp/roots");
	symlink_to("/through", "/tmp/others");
	change("/closed", ATTR_MODE, 0600);
	change("/listed", ATTR_MODE, 0744);
	change("/through", ATTR_MODE, 0711);
	change("/tmp", ATTR_MODE, 01777);
	change("/tmp/others", ATTR_UID, 77);
	start_task(as_user, &user_done, 1000);
	for (int i = 0; i < 10 && !user_done; i++)
		sched_yield_now();
	ck_assert(user_done);
}

Suite *walk_suite(void)
{
	Suite *s = suite_create("path walk");
	TCase *t = tcase_create("walk");

	tcase_add_test(t, plain_names);
	tcase_add_test(t, empty_name);
	tcase_add_test(t, dot_names);
	tcase_add_test(t, slashes);
	tcase_add_test(t, last_component_of_parent);
	tcase_add_test(t, length_of_a_name);
	tcase_add_test(t, symlinks_lead_where_they_say);
	tcase_add_test(t, forty_links);
	tcase_add_test(t, loops_of_links);
	tcase_add_test(t, links_and_creation);
	tcase_add_test(t, creation);
	tcase_add_test(t, a_root_is_a_wall);
	tcase_add_test(t, ten_thousand_components);
	tcase_add_test(t, restricted_walks);
	tcase_add_test(t, permissions_on_the_way);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
