/* open(2) and its relatives, stat(2), access(2), chmod(2), chown(2), utimensat(2), truncate(2), getdents(2).
 */
#include "case.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

static struct stat st;

CASE(open_missing)
{
	EXPECT_ERRNO(open("none", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open("", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open("none/x", O_RDONLY | O_CREAT, 0600), ENOENT);
}
CASE(open_lowest_descriptor)
{
	int a = make_file("a", ""), b = make_file("b", "");
	EXPECT_EQ(b, a + 1);
	close(a);
	EXPECT_EQ(open("b", O_RDONLY), a);
}
CASE(open_creat_mode_and_umask)
{
	umask(027);
	OK(open("f", O_CREAT | O_WRONLY, 0666));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0640);
	EXPECT_EQ(st.st_size, 0);
	EXPECT_EQ(st.st_nlink, 1);
}
CASE(open_creat_excl)
{
	close(make_file("f", ""));
	EXPECT_ERRNO(open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	OK(symlink("nowhere", "l"));
	EXPECT_ERRNO(open("l", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
}
CASE(open_creat_through_dangling_link)
{
	OK(symlink("target", "l"));
	OK(open("l", O_CREAT | O_WRONLY, 0600));
	OK(stat("target", &st));
}
CASE(open_creat_directory)
{
	OK(mkdir("d", 0700));
	EXPECT_ERRNO(open("d", O_CREAT | O_RDONLY, 0600), EISDIR);
	EXPECT_ERRNO(open("new/", O_CREAT | O_RDWR, 0600), EISDIR);
	EXPECT_ERRNO(open("d", O_WRONLY), EISDIR);
}
CASE(open_trunc)
{
	close(make_file("f", "hello"));
	OK(open("f", O_WRONLY | O_TRUNC));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_size, 0);
}
CASE(open_o_directory)
{
	close(make_file("f", ""));
	EXPECT_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	OK(open(".", O_RDONLY | O_DIRECTORY));
	EXPECT_ERRNO(open("f/", O_RDONLY), ENOTDIR);
	EXPECT_ERRNO(open("f/x", O_RDONLY), ENOTDIR);
}
CASE(open_o_nofollow)
{
	close(make_file("f", ""));
	OK(symlink("f", "l"));
	EXPECT_ERRNO(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	OK(open("l", O_RDONLY));
}
CASE(open_link_loop)
{
	OK(symlink("b", "a"));
	OK(symlink("a", "b"));
	EXPECT_ERRNO(open("a", O_RDONLY), ELOOP);
}
CASE(open_forty_links_at_most)
{
	char name[16], to[16];
	close(make_file("l0", ""));
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i - 1);
		OK(symlink(to, name));
	}
	OK(open("l40", O_RDONLY));
	EXPECT_ERRNO(open("l41", O_RDONLY), ELOOP);
}
CASE(open_name_too_long)
{
	char name[5000];
	memset(name, 'a', sizeof(name));
	name[256] = 0;
	EXPECT_ERRNO(open(name, O_RDONLY | O_CREAT, 0600), ENAMETOOLONG);
	name[256] = 'a';
	for (int i = 100; i < 4999; i += 100)
		name[i] = '/';
	name[4999] = 0;
	EXPECT_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
}
CASE(open_bad_path_pointer)
{
	EXPECT_ERRNO(syscall(SYS_openat, AT_FDCWD, (void *)16, O_RDONLY), EFAULT);
}
CASE(openat_relative_to_directory)
{
	int d, fd;
	OK(mkdir("d", 0700));
	close(make_file("d/f", "in d"));
	d = open("d", O_RDONLY | O_DIRECTORY);
	fd = openat(d, "f", O_RDONLY);
	OK(fd);
	EXPECT_ERRNO(openat(fd, "x", O_RDONLY), ENOTDIR);
	EXPECT_ERRNO(openat(99, "x", O_RDONLY), EBADF);
	OK(openat(99, "/tmp", O_RDONLY));
}
CASE(openat2_resolve)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
	OK(mkdir("d", 0700));
	close(make_file("d/f", ""));
	OK(symlink("/etc", "d/abs"));
	int d = open("d", O_PATH);
	OK(syscall(SYS_openat2, d, "f", &how, sizeof(how)));
	EXPECT_ERRNO(syscall(SYS_openat2, d, "../d/f", &how, sizeof(how)), EXDEV);
	EXPECT_ERRNO(syscall(SYS_openat2, d, "abs/passwd", &how, sizeof(how)), EXDEV);
	how.resolve = RESOLVE_NO_SYMLINKS;
	EXPECT_ERRNO(syscall(SYS_openat2, d, "abs/passwd", &how, sizeof(how)), ELOOP);
	how.resolve = 1 << 20;
	EXPECT_ERRNO(syscall(SYS_openat2, d, "f", &how, sizeof(how)), EINVAL);
	EXPECT_ERRNO(syscall(SYS_openat2, d, "f", &how, 8), EINVAL);
}
CASE(openat2_in_root)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	OK(mkdir("d", 0700));
	close(make_file("d/f", ""));
	OK(symlink("/f", "d/l"));
	int d = open("d", O_PATH);
	OK(syscall(SYS_openat2, d, "l", &how, sizeof(how)));
	OK(syscall(SYS_openat2, d, "../../f", &how, sizeof(how)));
}
CASE(open_o_path)
{
	char c;
	int fd;
	close(make_file("f", "x"));
	fd = open("f", O_PATH);
	OK(fd);
	EXPECT_ERRNO(read(fd, &c, 1), EBADF);
	EXPECT_ERRNO(fchmod(fd, 0600), EBADF);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 1);
	EXPECT(fcntl(fd, F_GETFL) & O_PATH);
	OK(symlink("f", "l"));
	fd = open("l", O_PATH | O_NOFOLLOW);
	OK(fstat(fd, &st));
	EXPECT(S_ISLNK(st.st_mode));
}
CASE(open_tmpfile)
{
	char path[64];
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		case_skip("no O_TMPFILE on this file system");
	OK(fd);
	EXPECT_EQ(write(fd, "abc", 3), 3);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	OK(stat("named", &st));
	EXPECT_EQ(st.st_size, 3);
}
CASE(creat_truncates)
{
	close(make_file("f", "hello"));
	OK(creat("f", 0600));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_size, 0);
}
CASE(stat_kinds)
{
	close(make_file("f", "abc"));
	OK(mkdir("d", 0750));
	OK(mkdir("d/e", 0700));
	OK(symlink("f", "l"));
	OK(mkfifo("p", 0600));
	OK(stat("d", &st));
	EXPECT(S_ISDIR(st.st_mode));
	EXPECT_EQ(st.st_mode & 07777, 0750);
	EXPECT(st.st_nlink == 3 || st.st_nlink == 1);
	OK(lstat("l", &st));
	EXPECT(S_ISLNK(st.st_mode));
	EXPECT_EQ(st.st_size, 1);
	OK(stat("l", &st));
	EXPECT(S_ISREG(st.st_mode));
	OK(stat("p", &st));
	EXPECT(S_ISFIFO(st.st_mode));
}
CASE(fstat_is_stat)
{
	struct stat other;
	int fd = make_file("f", "abc");
	OK(fstat(fd, &st));
	OK(stat("f", &other));
	EXPECT_EQ(st.st_ino, other.st_ino);
	EXPECT_EQ(st.st_dev, other.st_dev);
	EXPECT_EQ(st.st_size, 3);
	EXPECT_EQ(st.st_uid, getuid());
}
CASE(fstatat_flags)
{
	int fd = make_file("f", "abc");
	OK(symlink("f", "l"));
	OK(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW));
	EXPECT(S_ISLNK(st.st_mode));
	OK(fstatat(fd, "", &st, AT_EMPTY_PATH));
	EXPECT_EQ(st.st_size, 3);
	EXPECT_ERRNO(fstatat(fd, "", &st, 0), ENOENT);
	EXPECT_ERRNO(fstatat(AT_FDCWD, "f", &st, 0x40), EINVAL);
}
CASE(statx_fields)
{
	struct statx x;
	int fd = make_file("f", "abcd");
	OK(statx(AT_FDCWD, "f", 0, STATX_ALL, &x));
	OK(fstat(fd, &st));
	EXPECT_EQ(x.stx_size, 4);
	EXPECT_EQ(x.stx_ino, st.st_ino);
	EXPECT_EQ(x.stx_mode, st.st_mode);
	EXPECT((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	OK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	EXPECT_EQ(x.stx_size, 4);
	EXPECT_ERRNO(statx(AT_FDCWD, "f", 0x40000000, STATX_ALL, &x), EINVAL);
}
CASE(access_modes)
{
	close(make_file("f", ""));
	OK(chmod("f", 0400));
	OK(access("f", F_OK));
	OK(access("f", R_OK));
	EXPECT_ERRNO(access("f", X_OK), EACCES);
	EXPECT_ERRNO(access("none", F_OK), ENOENT);
	EXPECT_ERRNO(access("f", 99), EINVAL);
}
CASE(access_as_another_user)
{
	close(make_file("f", ""));
	OK(chmod("f", 0640));
	OK(setgid(65534));
	OK(setuid(65534));
	EXPECT_ERRNO(access("f", R_OK), EACCES);
	EXPECT_ERRNO(open("f", O_RDONLY), EACCES);
	EXPECT_ERRNO(open("new", O_CREAT | O_WRONLY, 0600), EACCES);
	EXPECT_ERRNO(chmod("f", 0777), EPERM);
	EXPECT_ERRNO(unlink("f"), EACCES);
}
CASE(faccessat_effective_ids)
{
	close(make_file("f", ""));
	OK(chmod("f", 0600));
	OK(setresuid(65534, 0, 0));
	EXPECT_ERRNO(access("f", R_OK), EACCES);
	OK(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
}
CASE(search_permission_of_directories)
{
	OK(mkdir("d", 0700));
	close(make_file("d/f", ""));
	OK(chmod("d/f", 0666));
	OK(setuid(65534));
	EXPECT_ERRNO(stat("d/f", &st), EACCES);
}
CASE(chmod_and_fchmod)
{
	int fd = make_file("f", "");
	OK(chmod("f", 04755));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 04755);
	OK(fchmod(fd, 0));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_mode, S_IFREG);
	OK(fchmodat(AT_FDCWD, "f", 0600, 0));
	EXPECT_ERRNO(chmod("none", 0600), ENOENT);
}
CASE(chown_changes_and_clears_setuid)
{
	close(make_file("f", ""));
	OK(chmod("f", 06755));
	OK(chown("f", 1000, 1001));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_uid, 1000);
	EXPECT_EQ(st.st_gid, 1001);
	EXPECT_EQ(st.st_mode & 07000, 0);
	OK(chown("f", (uid_t)-1, 7));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_uid, 1000);
	EXPECT_EQ(st.st_gid, 7);
}
CASE(lchown_the_link)
{
	close(make_file("f", ""));
	OK(symlink("f", "l"));
	OK(lchown("l", 5, 5));
	OK(lstat("l", &st));
	EXPECT_EQ(st.st_uid, 5);
	OK(stat("f", &st));
	EXPECT_EQ(st.st_uid, 0);
}
CASE(write_by_others_clears_setuid)
{
	int fd = make_file("f", "");
	OK(fchown(fd, 65534, 65534));
	OK(chmod("f", 06777));
	OK(setuid(65534));
	EXPECT_EQ(write(fd, "x", 1), 1);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_mode & 04000, 0);
}
CASE(utimensat_sets_times)
{
	struct timespec ts[2] = {{1000000000, 5}, {1100000000, 7}};
	close(make_file("f", ""));
	OK(utimensat(AT_FDCWD, "f", ts, 0));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_atim.tv_sec, 1000000000);
	EXPECT_EQ(st.st_mtim.tv_sec, 1100000000);
	EXPECT_EQ(st.st_mtim.tv_nsec, 7);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	OK(utimensat(AT_FDCWD, "f", ts, 0));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_atim.tv_sec, 1000000000);
	EXPECT(st.st_mtim.tv_sec > 1500000000);
	ts[0].tv_nsec = 2000000000;
	EXPECT_ERRNO(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
}
CASE(write_changes_mtime)
{
	struct timespec ts[2] = {{1000, 0}, {1000, 0}};
	int fd = make_file("f", "");
	OK(futimens(fd, ts));
	EXPECT_EQ(write(fd, "x", 1), 1);
	OK(fstat(fd, &st));
	EXPECT(st.st_mtim.tv_sec > 1000);
}
CASE(truncate_both_ways)
{
	char buf[8];
	int fd = make_file("f", "abcdef");
	OK(truncate("f", 3));
	OK(ftruncate(fd, 6));
	EXPECT_EQ(pread(fd, buf, 8, 0), 6);
	EXPECT(!memcmp(buf, "abc\0\0\0", 6));
	EXPECT_ERRNO(truncate("f", -1), EINVAL);
	EXPECT_ERRNO(truncate(".", 0), EISDIR);
	EXPECT_ERRNO(ftruncate(open("f", O_RDONLY), 0), EINVAL);
}
CASE(fallocate_modes)
{
	int fd = make_file("f", "abcdef");
	if (fallocate(fd, 0, 0, 100) < 0 && errno == EOPNOTSUPP)
		case_skip("no fallocate");
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 100);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 100);
	EXPECT_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(fallocate(fd, 0, -1, 10), EINVAL);
}
CASE(getdents_lists_everything_once)
{
	char name[16];
	int seen[200] = {0}, dots = 0;
	struct dirent *e;
	DIR *d;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		close(make_file(name, ""));
	}
	d = opendir(".");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			dots++;
		else
			seen[atoi(e->d_name + 1)]++;
	}
	EXPECT_EQ(dots, 2);
	for (int i = 0; i < 200; i++)
		EXPECT_EQ(seen[i], 1);
}
CASE(getdents_types_and_rewind)
{
	struct dirent *e;
	int types = 0, first = 0, second = 0;
	DIR *d;
	close(make_file("f", ""));
	OK(mkdir("d", 0700));
	OK(symlink("f", "l"));
	d = opendir(".");
	for (; (e = readdir(d)); first++) {
		types |= !strcmp(e->d_name, "f") && e->d_type == DT_REG ? 1 : 0;
		types |= !strcmp(e->d_name, "d") && e->d_type == DT_DIR ? 2 : 0;
		types |= !strcmp(e->d_name, "l") && e->d_type == DT_LNK ? 4 : 0;
	}
	EXPECT_EQ(types, 7);
	rewinddir(d);
	while (readdir(d))
		second++;
	EXPECT_EQ(first, second);
}
CASE(getdents_errors)
{
	char buf[1024];
	int fd = make_file("f", "");
	EXPECT_ERRNO(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOTDIR);
	fd = open(".", O_RDONLY);
	EXPECT_ERRNO(syscall(SYS_getdents64, fd, buf, 8), EINVAL);
}
CASE(statfs_answers)
{
	struct statfs s;
	OK(statfs(".", &s));
	EXPECT(s.f_bsize > 0 && s.f_namelen >= 255);
	OK(fstatfs(open("/proc", O_RDONLY), &s));
	EXPECT_EQ(s.f_type, 0x9fa0);
}
CASE(deleted_file_stays_open)
{
	char buf[8];
	int fd = make_file("f", "still");
	OK(unlink("f"));
	EXPECT_EQ(read(fd, buf, 8), 5);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(write(fd, "x", 1), 1);
}
