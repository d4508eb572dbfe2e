/* mkdir(2), rmdir(2), unlink(2), rename(2), link(2), symlink(2), readlink(2), chdir(2), getcwd(2), chroot(2).
 */
#include "case.h"

#include <limits.h>
#include <linux/fs.h>

static struct stat st;
static char buf[PATH_MAX];

CASE(mkdir_rmdir)
{
	OK(mkdir("d", 0777));
	OK(stat("d", &st));
	EXPECT_EQ(st.st_mode, S_IFDIR | 0755);
	EXPECT_ERRNO(mkdir("d", 0777), EEXIST);
	EXPECT_ERRNO(mkdir("none/d", 0777), ENOENT);
	OK(mkdir("e/", 0700));
	OK(rmdir("d"));
	EXPECT_ERRNO(rmdir("d"), ENOENT);
}
CASE(rmdir_errors)
{
	OK(mkdir("d", 0700));
	close(make_file("d/f", ""));
	EXPECT_ERRNO(rmdir("d"), ENOTEMPTY);
	EXPECT_ERRNO(rmdir("d/f"), ENOTDIR);
	EXPECT_ERRNO(rmdir("."), EINVAL);
	EXPECT_ERRNO(rmdir("d/.."), ENOTEMPTY);
	EXPECT_ERRNO(unlink("d"), EISDIR);
}
CASE(unlinkat_removedir)
{
	OK(mkdir("d", 0700));
	EXPECT_ERRNO(unlinkat(AT_FDCWD, "d", 0x1), EINVAL);
	OK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
}
CASE(setgid_directory_inherits)
{
	OK(mkdir("d", 0700));
	OK(chown("d", 0, 77));
	OK(chmod("d", 02777));
	close(make_file("d/f", ""));
	OK(mkdir("d/e", 0700));
	OK(stat("d/f", &st));
	EXPECT_EQ(st.st_gid, 77);
	OK(stat("d/e", &st));
	EXPECT_EQ(st.st_gid, 77);
	EXPECT(st.st_mode & S_ISGID);
}
CASE(sticky_directory)
{
	OK(mkdir("d", 0777));
	OK(chmod("d", 01777));
	close(make_file("d/f", ""));
	OK(setuid(65534));
	EXPECT_ERRNO(unlink("d/f"), EPERM);
	EXPECT_ERRNO(rename("d/f", "d/g"), EPERM);
	close(make_file("d/mine", ""));
	OK(unlink("d/mine"));
}
CASE(rename_file)
{
	close(make_file("a", "A"));
	close(make_file("b", "B"));
	OK(stat("a", &st));
	ino_t ino = st.st_ino;
	OK(rename("a", "b"));
	EXPECT_ERRNO(stat("a", &st), ENOENT);
	OK(stat("b", &st));
	EXPECT_EQ(st.st_ino, ino);
}
CASE(rename_directory)
{
	OK(mkdir("a", 0700));
	close(make_file("a/f", ""));
	OK(mkdir("b", 0700));
	OK(rename("a", "b"));
	OK(stat("b/f", &st));
	OK(mkdir("c", 0700));
	EXPECT_ERRNO(rename("c", "b"), ENOTEMPTY);
	EXPECT_ERRNO(rename("b", "b/inside"), EINVAL);
	close(make_file("f", ""));
	EXPECT_ERRNO(rename("f", "c"), EISDIR);
	EXPECT_ERRNO(rename("c", "f"), ENOTDIR);
}
CASE(rename_between_directories)
{
	OK(mkdir("a", 0700));
	OK(mkdir("b", 0700));
	OK(mkdir("a/x", 0700));
	close(make_file("a/x/f", "deep"));
	OK(rename("a/x", "b/y"));
	OK(stat("b/y/f", &st));
	EXPECT_ERRNO(stat("a/x", &st), ENOENT);
	OK(stat("b/y/..", &st));
	ino_t up = st.st_ino;
	OK(stat("b", &st));
	EXPECT_EQ(up, st.st_ino);
}
CASE(rename_same_file_does_nothing)
{
	close(make_file("a", ""));
	OK(link("a", "b"));
	OK(rename("a", "b"));
	OK(stat("a", &st));
	OK(stat("b", &st));
}
CASE(renameat2_noreplace)
{
	close(make_file("a", ""));
	close(make_file("b", ""));
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
	OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
	EXPECT_ERRNO(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", 0x80), EINVAL);
}
CASE(renameat2_exchange)
{
	close(make_file("f", "file"));
	OK(mkdir("d", 0700));
	OK(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE));
	OK(stat("f", &st));
	EXPECT(S_ISDIR(st.st_mode));
	OK(stat("d", &st));
	EXPECT(S_ISREG(st.st_mode));
	EXPECT_ERRNO(renameat2(AT_FDCWD, "f", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
}
CASE(rename_missing)
{
	EXPECT_ERRNO(rename("none", "b"), ENOENT);
	close(make_file("a", ""));
	EXPECT_ERRNO(rename("a", "none/b"), ENOENT);
	EXPECT_ERRNO(rename(".", "b"), EBUSY);
}
CASE(link_counts)
{
	int fd = make_file("a", "");
	OK(link("a", "b"));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 2);
	EXPECT_ERRNO(link("a", "b"), EEXIST);
	EXPECT_EQ(write(fd, "xyz", 3), 3);
	OK(stat("b", &st));
	EXPECT_EQ(st.st_size, 3);
	OK(unlink("a"));
	OK(stat("b", &st));
	EXPECT_EQ(st.st_nlink, 1);
}
CASE(link_errors)
{
	OK(mkdir("d", 0700));
	EXPECT_ERRNO(link("d", "e"), EPERM);
	EXPECT_ERRNO(link("none", "e"), ENOENT);
	close(make_file("f", ""));
	EXPECT_ERRNO(link("f", "none/e"), ENOENT);
	EXPECT_ERRNO(link("f", "/dev/shm/x"), EXDEV);
}
CASE(linkat_follow)
{
	close(make_file("f", ""));
	OK(symlink("f", "l"));
	OK(linkat(AT_FDCWD, "l", AT_FDCWD, "hard", 0));
	OK(lstat("hard", &st));
	EXPECT(S_ISLNK(st.st_mode));
	OK(linkat(AT_FDCWD, "l", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW));
	OK(lstat("hard2", &st));
	EXPECT(S_ISREG(st.st_mode));
	EXPECT_ERRNO(linkat(AT_FDCWD, "f", AT_FDCWD, "x", 0x8000), EINVAL);
}
CASE(symlink_readlink)
{
	OK(symlink("some/where", "l"));
	memset(buf, 'z', sizeof(buf));
	EXPECT_EQ(readlink("l", buf, sizeof(buf)), 10);
	EXPECT(!memcmp(buf, "some/wherezz", 12));
	EXPECT_EQ(readlink("l", buf, 4), 4);
	EXPECT_ERRNO(readlink("l", buf, 0), EINVAL);
	EXPECT_ERRNO(symlink("x", "l"), EEXIST);
	EXPECT_ERRNO(symlink("", "m"), ENOENT);
	close(make_file("f", ""));
	EXPECT_ERRNO(readlink("f", buf, sizeof(buf)), EINVAL);
}
CASE(symlink_to_directory_in_the_middle)
{
	OK(mkdir("d", 0700));
	OK(mkdir("d/e", 0700));
	close(make_file("d/e/f", ""));
	OK(symlink("d", "l"));
	OK(stat("l/e/f", &st));
	OK(symlink("../d/e", "d/up"));
	OK(stat("l/up/f", &st));
	OK(symlink("f", "d/e/lf"));
	EXPECT_ERRNO(stat("d/e/lf/", &st), ENOTDIR);
}
CASE(readlinkat_empty_path)
{
	OK(symlink("target", "l"));
	int fd = open("l", O_PATH | O_NOFOLLOW);
	EXPECT_EQ(readlinkat(fd, "", buf, sizeof(buf)), 6);
}
CASE(chdir_getcwd)
{
	char before[PATH_MAX];
	EXPECT(getcwd(before, sizeof(before)));
	OK(mkdir("d", 0700));
	OK(chdir("d"));
	EXPECT(getcwd(buf, sizeof(buf)));
	EXPECT(!strncmp(buf, before, strlen(before)) && !strcmp(buf + strlen(before), "/d"));
	OK(chdir(".."));
	EXPECT(getcwd(buf, sizeof(buf)));
	EXPECT_STR(buf, before);
	EXPECT_ERRNO(chdir("none"), ENOENT);
	close(make_file("f", ""));
	EXPECT_ERRNO(chdir("f"), ENOTDIR);
	EXPECT_ERRNO(syscall(SYS_getcwd, buf, 2), ERANGE);
}
CASE(getcwd_of_a_removed_directory)
{
	OK(mkdir("d", 0700));
	OK(chdir("d"));
	OK(rmdir("../d"));
	EXPECT_ERRNO(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	EXPECT_ERRNO(open("new", O_CREAT | O_WRONLY, 0600), ENOENT);
}
CASE(fchdir_by_descriptor)
{
	OK(mkdir("d", 0700));
	int fd = open("d", O_RDONLY);
	OK(fchdir(fd));
	close(make_file("inside", ""));
	OK(chdir(".."));
	OK(stat("d/inside", &st));
	EXPECT_ERRNO(fchdir(make_file("f", "")), ENOTDIR);
	EXPECT_ERRNO(fchdir(99), EBADF);
}
CASE(dotdot_of_the_root)
{
	OK(chdir("/.."));
	EXPECT(getcwd(buf, sizeof(buf)));
	EXPECT_STR(buf, "/");
}
CASE(chroot_confines)
{
	OK(mkdir("r", 0755));
	OK(mkdir("r/sub", 0755));
	close(make_file("outside", ""));
	OK(chroot("r"));
	OK(chdir("/"));
	OK(stat("/sub", &st));
	EXPECT_ERRNO(stat("/../outside", &st), ENOENT);
	EXPECT(getcwd(buf, sizeof(buf)));
	EXPECT_STR(buf, "/");
}
CASE(chroot_needs_the_capability)
{
	OK(setuid(65534));
	EXPECT_ERRNO(chroot("."), EPERM);
}
CASE(mknod_kinds)
{
	OK(mknod("f", S_IFREG | 0600, 0));
	OK(mknod("p", S_IFIFO | 0600, 0));
	OK(mknod("s", S_IFSOCK | 0600, 0));
	OK(stat("s", &st));
	EXPECT(S_ISSOCK(st.st_mode));
	EXPECT_ERRNO(open("s", O_RDONLY), ENXIO);
	EXPECT_ERRNO(mknod("f", S_IFREG | 0600, 0), EEXIST);
	EXPECT_ERRNO(mknod("d", S_IFDIR | 0700, 0), EPERM);
}
CASE(tmpfs_of_dev_shm)
{
	int fd = open("/dev/shm/case-file", O_RDWR | O_CREAT | O_EXCL, 0600);
	OK(fd);
	OK(unlink("/dev/shm/case-file"));
	OK(ftruncate(fd, 1 << 20));
	EXPECT_EQ(pwrite(fd, "end", 3, (1 << 20) - 3), 3);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 1 << 20);
}
CASE(tmpfs_directory_sizes)
{
	/* an entry counts 20 bytes, as do . and .. */
	OK(mkdir("/dev/shm/case-dir", 0700));
	OK(stat("/dev/shm/case-dir", &st));
	off_t empty = st.st_size;
	close(open("/dev/shm/case-dir/f", O_RDWR | O_CREAT, 0600));
	OK(stat("/dev/shm/case-dir", &st));
	off_t one = st.st_size;
	OK(unlink("/dev/shm/case-dir/f"));
	OK(stat("/dev/shm/case-dir", &st));
	off_t again = st.st_size;
	OK(rmdir("/dev/shm/case-dir"));
	EXPECT_EQ(empty, 40);
	EXPECT_EQ(one, 60);
	EXPECT_EQ(again, 40);
}
