/*
 * test_overlay.c - the overlay file system: what is seen of the layers, copy-up, whiteouts, opaque
 * directories, renames, links, attributes. Layers are directories of a tmpfs.
 */
#include "case.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	OK(fd);
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char *get(const char *path)
{
	static char buf[256];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	OK(fd);
	n = read(fd, buf, sizeof(buf) - 1);
	EXPECT(n >= 0);
	buf[n] = 0;
	close(fd);
	return buf;
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* The sorted names of a directory, with blanks between. */
static const char *names(const char *path)
{
	static char out[1024];
	char *all[64];
	int n = 0;
	struct dirent *e;
	DIR *d = opendir(path);

	EXPECT(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			all[n++] = strdup(e->d_name);
	closedir(d);
	out[0] = 0;
	while (n) {
		int least = 0;
		for (int i = 1; i < n; i++)
			if (strcmp(all[i], all[least]) < 0)
				least = i;
		strcat(out, out[0] ? " " : "");
		strcat(out, all[least]);
		all[least] = all[--n];
	}
	return out;
}

/* l2 below l1 below u, to be seen at m. */
static void layers(void)
{
	if (unshare(CLONE_NEWNS))
		case_skip("no mount namespaces");
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	OK(mkdir("t", 0755));
	OK(mount("work", "t", "tmpfs", 0, NULL));
	OK(chdir("t"));
	OK(mkdir("l1", 0755));
	OK(mkdir("l2", 0755));
	OK(mkdir("u", 0755));
	OK(mkdir("w", 0755));
	OK(mkdir("m", 0755));
}

static void show(void)
{
	if (mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=u,workdir=w"))
		case_skip("no overlay here");
}

static bool is_whiteout(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

CASE(layers_merge)
{
	layers();
	put("l2/deep", "2");
	put("l1/mid", "1");
	put("u/top", "u");
	put("l2/both", "2");
	put("l1/both", "1");
	show();
	EXPECT_STR(names("m"), "both deep mid top");
	EXPECT_STR(get("m/both"), "1");
	EXPECT_STR(get("m/deep"), "2");
}

CASE(directories_merge)
{
	layers();
	OK(mkdir("l2/d", 0755));
	OK(mkdir("l1/d", 0700));
	put("l2/d/a", "a");
	put("l1/d/b", "b");
	show();
	EXPECT_STR(names("m/d"), "a b");
}

CASE(write_copies_up)
{
	layers();
	put("l1/f", "hello");
	show();
	put("m/f", "new");
	EXPECT_STR(get("m/f"), "new");
	EXPECT_STR(get("l1/f"), "hello");
	EXPECT_STR(get("u/f"), "new");
}

CASE(append_keeps_content)
{
	int fd;

	layers();
	put("l1/f", "hello");
	show();
	fd = open("m/f", O_WRONLY | O_APPEND);
	OK(fd);
	EXPECT_EQ(write(fd, "!", 1), 1);
	EXPECT_STR(get("m/f"), "hello!");
	EXPECT_STR(get("l1/f"), "hello");
}

CASE(copy_up_keeps_attributes)
{
	struct timespec ts[2] = {{1000, 0}, {2000, 0}};
	struct stat before, after;
	char value[8];

	layers();
	put("l1/f", "hello");
	OK(chown("l1/f", 5, 6));
	OK(chmod("l1/f", 04751));
	OK(setxattr("l1/f", "user.a", "xyz", 3, 0));
	OK(utimensat(AT_FDCWD, "l1/f", ts, 0));
	show();
	OK(stat("m/f", &before));
	close(open("m/f", O_RDWR));
	OK(stat("m/f", &after));
	EXPECT_EQ(after.st_mode, before.st_mode);
	EXPECT_EQ(after.st_uid, 5);
	EXPECT_EQ(after.st_gid, 6);
	EXPECT_EQ(after.st_mtime, 2000);
	EXPECT_EQ(getxattr("m/f", "user.a", value, sizeof(value)), 3);
	EXPECT(exists("u/f"));
}

CASE(number_stays_after_copy_up)
{
	struct stat before, after;

	layers();
	put("l1/f", "hello");
	show();
	OK(stat("m/f", &before));
	put("m/f", "x");
	OK(stat("m/f", &after));
	EXPECT_EQ(after.st_ino, before.st_ino);
	EXPECT_EQ(after.st_dev, before.st_dev);
}

CASE(chmod_copies_up)
{
	struct stat st;

	layers();
	put("l1/f", "hello");
	show();
	OK(chmod("m/f", 0600));
	OK(stat("l1/f", &st));
	EXPECT_EQ(st.st_mode & 0777, 0644);
	EXPECT_STR(get("u/f"), "hello");
}

CASE(reader_sees_the_copy)
{
	char buf[8] = "";
	int fd;

	layers();
	put("l1/f", "hello");
	show();
	fd = open("m/f", O_RDONLY);
	put("m/f", "world");
	EXPECT_EQ(pread(fd, buf, 5, 0), 5);
	EXPECT_STR(buf, "world");
}

CASE(deep_copy_up_makes_directories)
{
	struct stat st;

	layers();
	OK(mkdir("l2/a", 0750));
	OK(mkdir("l2/a/b", 0711));
	put("l2/a/b/f", "x");
	show();
	put("m/a/b/f", "y");
	OK(stat("u/a", &st));
	EXPECT_EQ(st.st_mode & 0777, 0750);
	EXPECT_STR(get("u/a/b/f"), "y");
}

CASE(unlink_leaves_a_whiteout)
{
	layers();
	put("l1/f", "x");
	put("l2/f", "y");
	show();
	OK(unlink("m/f"));
	EXPECT(!exists("m/f"));
	EXPECT(is_whiteout("u/f"));
	EXPECT_STR(names("m"), "");
	EXPECT_STR(get("l1/f"), "x");
}

CASE(unlink_of_an_upper_file_leaves_nothing)
{
	layers();
	show();
	put("m/f", "x");
	OK(unlink("m/f"));
	EXPECT(!exists("u/f"));
}

CASE(create_over_a_whiteout)
{
	layers();
	put("l1/f", "x");
	show();
	OK(unlink("m/f"));
	EXPECT_ERRNO(open("m/f", O_RDONLY), ENOENT);
	put("m/f", "new");
	EXPECT_STR(get("m/f"), "new");
	OK(unlink("m/f"));
	EXPECT(is_whiteout("u/f"));
}

CASE(lower_whiteouts_hide)
{
	layers();
	put("l2/f", "x");
	if (mknod("l1/f", S_IFCHR, 0))
		case_skip("no device nodes");
	show();
	EXPECT(!exists("m/f"));
	EXPECT_STR(names("m"), "");
}

CASE(rmdir_and_mkdir_is_opaque)
{
	layers();
	OK(mkdir("l1/d", 0755));
	put("l1/d/f", "x");
	show();
	EXPECT_ERRNO(rmdir("m/d"), ENOTEMPTY);
	OK(unlink("m/d/f"));
	OK(rmdir("m/d"));
	EXPECT(!exists("m/d"));
	OK(mkdir("m/d", 0755));
	EXPECT_STR(names("m/d"), "");
	EXPECT(!exists("m/d/f"));
}

CASE(opaque_directories_hide)
{
	layers();
	OK(mkdir("l2/d", 0755));
	put("l2/d/f", "x");
	OK(mkdir("l1/d", 0755));
	if (setxattr("l1/d", "trusted.overlay.opaque", "y", 1, 0))
		case_skip("no trusted attributes");
	show();
	EXPECT_STR(names("m/d"), "");
}

CASE(overlay_attributes_are_hidden)
{
	char list[256];

	layers();
	OK(mkdir("l1/d", 0755));
	put("l1/d/f", "x");
	show();
	OK(unlink("m/d/f"));
	OK(rmdir("m/d"));
	OK(mkdir("m/d", 0755));
	EXPECT(getxattr("u/d", "trusted.overlay.opaque", list, sizeof(list)) == 1);
	EXPECT_EQ(listxattr("m/d", list, sizeof(list)), 0);
}

CASE(rename_a_lower_file)
{
	layers();
	put("l1/a", "x");
	show();
	OK(rename("m/a", "m/b"));
	EXPECT_STR(names("m"), "b");
	EXPECT_STR(get("m/b"), "x");
	EXPECT(is_whiteout("u/a"));
}

CASE(rename_over_a_lower_file)
{
	layers();
	put("l1/a", "x");
	put("l1/b", "y");
	show();
	OK(rename("m/a", "m/b"));
	EXPECT_STR(names("m"), "b");
	EXPECT_STR(get("m/b"), "x");
}

CASE(rename_of_a_lower_directory_is_exdev)
{
	layers();
	OK(mkdir("l1/d", 0755));
	show();
	if (!rename("m/d", "m/e"))
		case_skip("redirects are on here");
	EXPECT_EQ(errno, EXDEV);
	OK(mkdir("m/mine", 0755));
	put("m/mine/f", "x");
	OK(rename("m/mine", "m/yours"));
	EXPECT_STR(get("m/yours/f"), "x");
}

CASE(rename_a_directory_where_a_lower_one_was)
{
	layers();
	OK(mkdir("l1/d", 0755));
	put("l1/d/old", "x");
	show();
	OK(unlink("m/d/old"));
	OK(rmdir("m/d"));
	OK(mkdir("m/new", 0755));
	put("m/new/f", "y");
	OK(rename("m/new", "m/d"));
	EXPECT_STR(names("m/d"), "f");
}

CASE(rename_exchange_files)
{
	layers();
	put("l1/a", "x");
	put("l1/b", "y");
	show();
	OK(renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/b", RENAME_EXCHANGE));
	EXPECT_STR(get("m/a"), "y");
	EXPECT_STR(get("m/b"), "x");
}

CASE(rename_noreplace)
{
	layers();
	put("l1/a", "x");
	put("l1/b", "y");
	show();
	EXPECT_ERRNO(renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/b", RENAME_NOREPLACE), EEXIST);
	OK(renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/c", RENAME_NOREPLACE));
}

CASE(link_copies_up)
{
	struct stat a, b;

	layers();
	put("l1/a", "x");
	show();
	OK(link("m/a", "m/b"));
	put("m/b", "y");
	EXPECT_STR(get("m/a"), "y");
	OK(stat("m/a", &a));
	OK(stat("m/b", &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_EQ(b.st_nlink, 2);
}

CASE(symlinks_and_fifos)
{
	char buf[8] = "";

	layers();
	OK(symlink("there", "l1/s"));
	OK(mkfifo("l1/p", 0600));
	show();
	EXPECT_EQ(readlink("m/s", buf, sizeof(buf)), 5);
	OK(lchown("m/s", 3, 4));
	EXPECT(exists("u/s"));
	OK(chmod("m/p", 0640));
	EXPECT(exists("u/p"));
	OK(symlink("x", "m/new"));
	EXPECT(exists("u/new"));
}

CASE(read_only_without_upper)
{
	layers();
	put("l1/f", "x");
	if (mount("o", "m", "overlay", 0, "lowerdir=l1:l2"))
		case_skip("no overlay here");
	EXPECT_STR(get("m/f"), "x");
	EXPECT_ERRNO(open("m/f", O_WRONLY), EROFS);
	EXPECT_ERRNO(unlink("m/f"), EROFS);
}

CASE(overlay_options)
{
	layers();
	if (mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=u,workdir=w"))
		case_skip("no overlay here");
	OK(umount("m"));
	EXPECT_ERRNO(mount("o", "m", "overlay", 0, "upperdir=u,workdir=w"), EINVAL);
	EXPECT_ERRNO(mount("o", "m", "overlay", 0, "lowerdir=l1,upperdir=u"), EINVAL);
	EXPECT_ERRNO(mount("o", "m", "overlay", 0, "lowerdir=nothing"), ENOENT);
	EXPECT_ERRNO(mount("o", "m", "overlay", 0, "lowerdir=l1,nonsense=1"), EINVAL);
	EXPECT_ERRNO(mount("o", "m", "overlay", 0, "lowerdir=l1,upperdir=u,workdir=u"), EINVAL);
}

CASE(overlay_statfs)
{
	struct statfs st;

	layers();
	show();
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_type, 0x794c7630);
}

CASE(overlay_mmap_shared)
{
	char *p;
	int fd;

	layers();
	put("l1/f", "hello");
	show();
	fd = open("m/f", O_RDWR);
	p = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(p != MAP_FAILED);
	p[0] = 'J';
	EXPECT_STR(get("m/f"), "Jello");
	EXPECT_STR(get("l1/f"), "hello");
}

CASE(unlinked_lower_file_stays_readable_and_writable)
{
	char buf[8] = "";
	int fd, wr;

	layers();
	put("l1/f", "hello");
	show();
	fd = open("m/f", O_RDONLY);
	wr = open("m/f", O_RDWR);
	OK(unlink("m/f"));
	EXPECT_EQ(pread(fd, buf, 5, 0), 5);
	EXPECT_STR(buf, "hello");
	EXPECT_EQ(pwrite(wr, "J", 1, 0), 1);
	EXPECT_EQ(pread(wr, buf, 5, 0), 5);
	EXPECT_STR(buf, "Jello");
	OK(fchmod(fd, 0600));
}

CASE(overlay_tmpfile)
{
	char name[64];
	int fd;

	layers();
	show();
	fd = open("m", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0)
		case_skip("no O_TMPFILE here");
	EXPECT_EQ(write(fd, "x", 1), 1);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, name, AT_FDCWD, "m/f", AT_SYMLINK_FOLLOW));
	EXPECT_STR(get("m/f"), "x");
}

CASE(overlay_truncate)
{
	struct stat st;

	layers();
	put("l1/f", "hello");
	show();
	OK(truncate("m/f", 2));
	EXPECT_STR(get("m/f"), "he");
	OK(stat("l1/f", &st));
	EXPECT_EQ(st.st_size, 5);
}

CASE(overlay_inotify)
{
	char buf[4096];
	int fd = inotify_init1(IN_NONBLOCK);

	layers();
	put("l1/f", "hello");
	show();
	OK(inotify_add_watch(fd, "m", IN_MODIFY));
	put("m/f", "x");
	EXPECT(read(fd, buf, sizeof(buf)) > 0);
}

CASE(listing_survives_changes)
{
	struct dirent *e;
	int n = 0;
	DIR *d;

	layers();
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "l1/f%d", i);
		put(name, "x");
	}
	show();
	d = opendir("m");
	while ((e = readdir(d)))
		if (e->d_name[0] == 'f') {
			char name[300];
			snprintf(name, sizeof(name), "m/%s", e->d_name);
			OK(unlink(name));
			n++;
		}
	closedir(d);
	EXPECT_EQ(n, 20);
	EXPECT_STR(names("m"), "");
}

/* An overlay on an overlay is one too many only for the third. */
CASE(overlays_upon_overlays_are_limited)
{
	layers();
	for (int i = 0; i < 3; i++) {
		char name[8];
		snprintf(name, sizeof(name), "m%d", i);
		OK(mkdir(name, 0755));
	}
	put("l1/f", "lower");
	if (mount("o", "m0", "overlay", 0, "lowerdir=l1:l2"))
		case_skip("no overlay here");
	OK(mount("o", "m1", "overlay", 0, "lowerdir=m0:l2"));
	EXPECT_STR(get("m1/f"), "lower");
	EXPECT_ERRNO(mount("o", "m2", "overlay", 0, "lowerdir=m1:l2"), EINVAL);
	EXPECT_ERRNO(mount("o", "m2", "overlay", 0, "lowerdir=l1,upperdir=m1,workdir=w"), EINVAL);
}

/* A file that is copied up when one of its names has gone still has the other. */
CASE(copied_up_without_a_name_but_with_another)
{
	int fd;

	layers();
	put("l1/x", "two names");
	OK(link("l1/x", "l1/y"));
	show();
	fd = open("m/x", O_RDONLY);
	OK(fd);
	OK(unlink("m/x"));
	EXPECT(!fchmod(fd, 0640) ||
	       errno == EEXIST); /* Linux fails: its copy would need the name that went */
	close(fd);
	EXPECT_STR(get("m/y"), "two names");
	OK(link("m/y", "m/z"));
	EXPECT_STR(get("m/z"), "two names");
	OK(unlink("m/y"));
	EXPECT_STR(get("m/z"), "two names");
}

/* ---- many at once, over a tree whose server takes its time ---- */

static char root_dir[] = "/var/tmp/case-XXXXXX";

static void root_layers(void)
{
	if (unshare(CLONE_NEWNS))
		case_skip("no mount namespaces");
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("/var", 0755);
	mkdir("/var/tmp", 01777);
	EXPECT(mkdtemp(root_dir));
	OK(chdir(root_dir));
	OK(mkdir("l", 0755));
	OK(mkdir("u", 0755));
	OK(mkdir("w", 0755));
	OK(mkdir("m", 0755));
}

static void root_show(void)
{
	if (mount("o", "m", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w"))
		case_skip("no overlay here");
}

static void root_drop(void)
{
	pid_t pid;

	umount2("m", MNT_DETACH);
	pid = fork();
	if (!pid) {
		chdir("/");
		execl("/bin/rm", "rm", "-rf", root_dir, NULL);
		_exit(0); /* no rm in the sandbox: what is left there goes with it */
	}
	waitpid(pid, NULL, 0);
}

static int shared_fd;
static _Atomic int odd;

static void *read_shared(void *arg)
{
	char c = 0;

	for (int i = 0; i < 4; i++)
		if (pread(shared_fd, &c, 1, 0) != 1 || c != 'x' || fsync(shared_fd) ||
		    lseek(shared_fd, 0, SEEK_END) != 1)
			odd++;
	return NULL;
}

/* Their file goes to the upper tree while it is read: each finds the new one. */
CASE(one_open_file_of_many_readers_is_copied_up)
{
	pthread_t t[8];
	char name[32];

	root_layers();
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "l/%d", i);
		put(name, "x");
	}
	root_show();
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "m/%d", i);
		shared_fd = open(name, O_RDONLY);
		OK(shared_fd);
		if (i % 2)
			OK(chmod(name, 0640));
		for (int k = 0; k < 8; k++)
			EXPECT_EQ(pthread_create(&t[k], NULL, read_shared, NULL), 0);
		if (i % 2 == 0)
			OK(chmod(name, 0640));
		for (int k = 0; k < 8; k++)
			pthread_join(t[k], NULL);
		close(shared_fd);
	}
	EXPECT_EQ(odd, 0);
	root_drop();
}

static void *list_shared(void *arg)
{
	char all[2048];

	for (int i = 0; i < 40; i++)
		if (lseek(shared_fd, 0, SEEK_SET) || syscall(SYS_getdents64, shared_fd, all, sizeof(all)) < 0)
			odd++;
	return NULL;
}

/* One open directory, listed from the start by many while it changes. */
CASE(one_open_directory_of_many_readers)
{
	pthread_t t[8];
	char name[32];

	root_layers();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "l/%d", i);
		put(name, "x");
	}
	root_show();
	shared_fd = open("m", O_RDONLY);
	OK(shared_fd);
	for (int k = 0; k < 8; k++)
		EXPECT_EQ(pthread_create(&t[k], NULL, list_shared, NULL), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "m/new%d", i % 7);
		close(open(name, O_CREAT | O_WRONLY, 0644));
		OK(unlink(name));
	}
	for (int k = 0; k < 8; k++)
		pthread_join(t[k], NULL);
	EXPECT_EQ(odd, 0);
	close(shared_fd);
	root_drop();
}

/* A name that was asked for and was not there does not keep the directory that it was asked for in. */
CASE(missing_names_do_not_keep_a_removed_directory)
{
	struct statfs before, after;
	int dir;

	layers();
	show();
	OK(statfs("m", &before));
	for (int i = 0; i < 20; i++) {
		OK(mkdir("m/d", 0755));
		EXPECT_ERRNO(open("m/d/missing", O_RDONLY), ENOENT);
		dir = open("m/d", O_RDONLY | O_DIRECTORY);
		OK(rmdir("m/d"));
		EXPECT_ERRNO(openat(dir, "missing", O_RDONLY), ENOENT);
		EXPECT_ERRNO(openat(dir, "other", O_RDONLY), ENOENT);
		EXPECT_ERRNO(openat(dir, "new", O_CREAT | O_WRONLY, 0644), ENOENT);
		EXPECT_ERRNO(mkdirat(dir, "new", 0755), ENOENT);
		close(dir);
	}
	OK(statfs("m", &after));
	EXPECT_EQ(after.f_ffree, before.f_ffree);
}
