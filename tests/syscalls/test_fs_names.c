/*
 * test_fs_names.c - names of files where it gets subtle, on each kind of file system: what rename, link,
 * unlink and their kin do at the edges, and what O_* flags mean for what is there.
 */
#include "fs.h"

#include <dirent.h>
#include <limits.h>

static ino_t ino_of(const char *path)
{
	struct stat st;

	OK(lstat(path, &st));
	return st.st_ino;
}

static nlink_t links_of(const char *path)
{
	struct stat st;

	OK(lstat(path, &st));
	return st.st_nlink;
}

static int open_of(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	OK(fd);
	return fd;
}

FS_CASE(rename_over_a_file_frees_it)
{
	struct stat st;
	int fd;

	close(make_file("a", "new"));
	close(make_file("b", "old"));
	fd = open_of("b", O_RDONLY);
	OK(rename("a", "b"));
	EXPECT_ERRNO(access("a", F_OK), ENOENT);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(st.st_size, 3);
	EXPECT_EQ(links_of("b"), 1);
}

FS_CASE(rename_between_two_names_of_one_file)
{
	close(make_file("a", "x"));
	OK(link("a", "b"));
	OK(rename("a", "b")); /* nothing to do: both stay */
	OK(access("a", F_OK));
	OK(access("b", F_OK));
	EXPECT_EQ(links_of("a"), 2);
	OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
}

FS_CASE(rename_kinds_must_agree)
{
	OK(mkdir("d", 0755));
	close(make_file("f", ""));
	EXPECT_ERRNO(rename("f", "d"), EISDIR);
	EXPECT_ERRNO(rename("d", "f"), ENOTDIR);
	OK(mkdir("full", 0755));
	close(make_file("full/x", ""));
	EXPECT_ERRNO(rename("d", "full"), ENOTEMPTY);
	OK(rename("full", "d")); /* over an empty one */
	OK(access("d/x", F_OK));
	OK(symlink("d", "l"));
	EXPECT_ERRNO(rename("l", "d"), EISDIR); /* a link is no directory */
	OK(rename("f", "l"));                   /* and is replaced itself */
	OK(access("d/x", F_OK));
}

FS_CASE(rename_into_itself)
{
	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	EXPECT_ERRNO(rename("d", "d/e/f"), EINVAL);
	EXPECT_ERRNO(rename("d", "d/e"), EINVAL);
	EXPECT_ERRNO(rename("d/e", "d"), ENOTEMPTY);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "d", AT_FDCWD, "d/e", RENAME_EXCHANGE), EINVAL);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "d/e", AT_FDCWD, "d", RENAME_EXCHANGE), EINVAL);
	OK(rename("d", "d"));
}

FS_CASE(rename_of_dots_and_trailing_slashes)
{
	OK(mkdir("d", 0755));
	close(make_file("f", ""));
	EXPECT_ERRNO(rename("d/.", "x"), EBUSY);
	EXPECT_ERRNO(rename("d/..", "x"), EBUSY);
	EXPECT_ERRNO(rename("f", "."), EBUSY);
	EXPECT_ERRNO(rename("f", "x/"), ENOTDIR);
	EXPECT_ERRNO(rename("f/", "x"), ENOTDIR);
	EXPECT_ERRNO(rename("", "x"), ENOENT);
	OK(rename("d/", "e/"));
	OK(access("e", F_OK));
}

FS_CASE(rename_moves_dotdot)
{
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mkdir("a/d", 0755));
	EXPECT_EQ(links_of("a"), links_of("b") == 1 ? 1 : 3);
	OK(rename("a/d", "b/d"));
	EXPECT_EQ(ino_of("b/d/.."), ino_of("b"));
	EXPECT_EQ(links_of("a"), links_of("b") == 1 ? 1 : 2);
	OK(rmdir("a"));
	EXPECT_ERRNO(rmdir("b"), ENOTEMPTY);
}

FS_CASE(renameat2_flags)
{
	close(make_file("a", "1"));
	close(make_file("b", "2"));
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 1 << 7), EINVAL);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
	EXPECT_ERRNO(renameat2(AT_FDCWD, "none", AT_FDCWD, "b", RENAME_NOREPLACE), ENOENT);
}

FS_CASE(exchange_of_a_file_and_a_directory)
{
	struct stat st;

	close(make_file("f", "1"));
	OK(mkdir("d", 0755));
	OK(mkdir("sub", 0755));
	close(make_file("d/in", ""));
	OK(rename("d", "sub/d"));
	OK(renameat2(AT_FDCWD, "f", AT_FDCWD, "sub/d", RENAME_EXCHANGE));
	OK(stat("f", &st));
	EXPECT(S_ISDIR(st.st_mode));
	OK(access("f/in", F_OK));
	EXPECT_EQ(ino_of("f/.."), ino_of("."));
	OK(stat("sub/d", &st));
	EXPECT(S_ISREG(st.st_mode));
}

FS_CASE(open_file_follows_its_names)
{
	char link[PATH_MAX], proc[64];
	ssize_t n;
	int fd;

	fd = make_file("a", "x");
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	OK(rename("a", "b"));
	n = readlink(proc, link, sizeof(link) - 1);
	EXPECT(n > 2);
	link[n] = 0;
	EXPECT_STR(link + n - 2, "/b");
	OK(unlink("b"));
	n = readlink(proc, link, sizeof(link) - 1);
	EXPECT(n > 12);
	link[n] = 0;
	EXPECT_STR(link + n - 12, "/b (deleted)");
	/* its content lives on, and can be opened through the descriptor */
	EXPECT(open(proc, O_RDWR) >= 0);
}

FS_CASE(unlinked_file_keeps_its_content)
{
	char buf[8] = "";
	struct stat st;
	int fd = make_file("f", "keep");

	OK(unlink("f"));
	EXPECT_EQ(pwrite(fd, "!", 1, 4), 1);
	EXPECT_EQ(pread(fd, buf, 8, 0), 5);
	EXPECT_STR(buf, "keep!");
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 0);
	OK(fchmod(fd, 0600));
	OK(ftruncate(fd, 1));
	EXPECT_ERRNO(linkat(AT_FDCWD, "f", AT_FDCWD, "g", 0), ENOENT);
	close(make_file("f", "other"));
	EXPECT_EQ(pread(fd, buf, 8, 0), 1);
}

FS_CASE(unlink_errors)
{
	OK(mkdir("d", 0755));
	close(make_file("f", ""));
	EXPECT_ERRNO(unlink("d"), EISDIR);
	EXPECT_ERRNO(unlink("f/"), ENOTDIR);
	EXPECT_ERRNO(unlink("d/."), EISDIR);
	EXPECT_ERRNO(unlink("d/none"), ENOENT);
	EXPECT_ERRNO(rmdir("f"), ENOTDIR);
	EXPECT_ERRNO(rmdir("d/."), EINVAL);
	OK(mkdir("d/e", 0755));
	EXPECT_ERRNO(rmdir("d/e/.."), ENOTEMPTY);
	EXPECT_ERRNO(unlinkat(AT_FDCWD, "d", 0x1), EINVAL);
	OK(symlink("d", "l"));
	EXPECT_ERRNO(rmdir("l"), ENOTDIR);
	EXPECT_ERRNO(rmdir("l/"), ENOTDIR);
}

FS_CASE(removed_directory_is_dead)
{
	struct stat st;
	int fd;

	OK(mkdir("d", 0755));
	fd = open_of("d", O_RDONLY | O_DIRECTORY);
	OK(rmdir("d"));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_ERRNO(openat(fd, "x", O_CREAT | O_WRONLY, 0644), ENOENT);
	EXPECT_ERRNO(mkdirat(fd, "x", 0755), ENOENT);
	EXPECT_ERRNO(symlinkat("x", fd, "x"), ENOENT);
	OK(openat(fd, "..", O_RDONLY)); /* the way out is still there */
}

FS_CASE(directory_removed_under_the_cwd)
{
	char buf[PATH_MAX];

	OK(mkdir("d", 0755));
	OK(chdir("d"));
	OK(rmdir("../d"));
	EXPECT_ERRNO(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	EXPECT_ERRNO(open("x", O_CREAT | O_RDWR, 0600), ENOENT);
	OK(access(".", F_OK));
	OK(chdir(".."));
}

FS_CASE(link_edges)
{
	int fd;

	OK(mkdir("d", 0755));
	close(make_file("f", "x"));
	EXPECT_ERRNO(link("d", "e"), EPERM);
	EXPECT_ERRNO(link("f", "d"), EEXIST);
	EXPECT_ERRNO(link("f", "f"), EEXIST);
	EXPECT_ERRNO(link("none", "g"), ENOENT);
	EXPECT_ERRNO(link("f", "g/"), ENOENT);
	OK(symlink("none", "dangling"));
	OK(link("dangling", "dangling2")); /* the link itself */
	EXPECT_ERRNO(linkat(AT_FDCWD, "dangling", AT_FDCWD, "g", AT_SYMLINK_FOLLOW), ENOENT);
	EXPECT_EQ(links_of("dangling"), 2);
	fd = open_of("f", O_PATH);
	OK(linkat(fd, "", AT_FDCWD, "by-fd", AT_EMPTY_PATH));
	EXPECT_EQ(links_of("f"), 2);
	EXPECT_ERRNO(linkat(AT_FDCWD, "f", AT_FDCWD, "g", 0x10), EINVAL);
}

FS_CASE(link_counts_and_times)
{
	struct stat before, after;

	close(make_file("f", "x"));
	OK(stat("f", &before));
	sleep_ms(20);
	OK(link("f", "g"));
	OK(stat("f", &after));
	EXPECT_EQ(after.st_nlink, 2);
	EXPECT(after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
	EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	EXPECT_EQ(ino_of("f"), ino_of("g"));
	OK(unlink("f"));
	EXPECT_EQ(links_of("g"), 1);
}

FS_CASE(directory_times_change_with_names)
{
	struct stat before, after;

	OK(mkdir("d", 0755));
	OK(stat("d", &before));
	sleep_ms(20);
	close(make_file("d/f", ""));
	OK(stat("d", &after));
	EXPECT(after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
	before = after;
	sleep_ms(20);
	OK(chmod("d/f", 0600)); /* no name changed */
	OK(stat("d", &after));
	EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	OK(rename("d/f", "d/g"));
	OK(stat("d", &after));
	EXPECT(after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
}

FS_CASE(symlink_edges)
{
	char buf[PATH_MAX], longest[PATH_MAX];
	struct stat st;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[PATH_MAX - 1] = 0;
	OK(symlink(longest, "long"));
	EXPECT_EQ(readlink("long", buf, sizeof(buf)), PATH_MAX - 1);
	OK(lstat("long", &st));
	EXPECT_EQ(st.st_size, PATH_MAX - 1);
	EXPECT_EQ(st.st_mode & 07777, 0777);
	EXPECT_ERRNO(access("long", F_OK), ENAMETOOLONG);
	EXPECT_ERRNO(symlink("x", "long"), EEXIST);
	EXPECT_ERRNO(symlink("x", "none/l"), ENOENT);
	EXPECT_ERRNO(symlink("x", "l/"), ENOENT);
}

FS_CASE(mkdir_edges)
{
	struct stat st;

	OK(mkdir("d/", 01777)); /* a slash at the end is fine */
	OK(stat("d", &st));
	EXPECT_EQ(st.st_mode & 07777, 01755);
	EXPECT_ERRNO(mkdir("d/.", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("d/..", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("", 0755), ENOENT);
	OK(symlink("nowhere", "l"));
	EXPECT_ERRNO(mkdir("l", 0755), EEXIST);
	close(make_file("f", ""));
	EXPECT_ERRNO(mkdir("f/d", 0755), ENOTDIR);
}

FS_CASE(longest_names)
{
	char name[NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX] = 0;
	close(make_file("x", ""));
	close(make_file(name, "x"));
	OK(unlink(name));
	OK(mkdir(name, 0755));
	OK(rmdir(name));
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = 0;
	EXPECT_ERRNO(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	EXPECT_ERRNO(mkdir(name, 0755), ENAMETOOLONG);
	EXPECT_ERRNO(rename("x", name), ENAMETOOLONG);
	EXPECT_ERRNO(access(name, F_OK), ENAMETOOLONG);
}

FS_CASE(names_of_any_bytes)
{
	static const char *const names[] = {"\xff\xfe", "a\nb", " ", "\\", "...", "*", "\x01", "ä"};
	struct dirent *e;
	unsigned seen = 0;
	DIR *d;

	for (unsigned i = 0; i < 8; i++)
		close(make_file(names[i], ""));
	d = opendir(".");
	while ((e = readdir(d)))
		for (unsigned i = 0; i < 8; i++)
			seen |= !strcmp(e->d_name, names[i]) << i;
	EXPECT_EQ(seen, 255);
}

FS_CASE(open_creat_edges)
{
	OK(mkdir("d", 0755));
	EXPECT_ERRNO(open("x/", O_CREAT | O_WRONLY, 0644), EISDIR);
	EXPECT_ERRNO(open("d", O_CREAT | O_RDONLY, 0644), EISDIR);
	EXPECT_ERRNO(open("d", O_CREAT | O_EXCL | O_RDONLY, 0644), EEXIST);
	EXPECT_ERRNO(open("x", O_CREAT | O_DIRECTORY | O_RDONLY, 0644), EINVAL);
	OK(symlink("target", "l"));
	EXPECT_ERRNO(open("l", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	EXPECT_ERRNO(open("l", O_CREAT | O_NOFOLLOW | O_WRONLY, 0644), ELOOP);
	OK(open("l", O_CREAT | O_WRONLY, 0644));
	OK(access("target", F_OK));
	EXPECT_ERRNO(open("none/x", O_CREAT | O_WRONLY, 0644), ENOENT);
	EXPECT_ERRNO(open("target/x", O_CREAT | O_WRONLY, 0644), ENOTDIR);
}

FS_CASE(open_modes_and_directories)
{
	OK(mkdir("d", 0755));
	EXPECT_ERRNO(open("d", O_WRONLY), EISDIR);
	EXPECT_ERRNO(open("d", O_RDWR), EISDIR);
	EXPECT_ERRNO(open("d", O_RDONLY | O_TRUNC), EISDIR);
	close(make_file("f", "abc"));
	EXPECT_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	EXPECT_ERRNO(open("f/", O_RDONLY), ENOTDIR);
	EXPECT_ERRNO(open("f/.", O_RDONLY), ENOTDIR);
	OK(open("d/.", O_RDONLY));
	OK(open("d//..///d", O_RDONLY));
	/* a mode of 3: neither reading nor writing, but the rights of both are asked for */
	int fd = open("f", O_ACCMODE);
	char c;
	OK(fd);
	EXPECT_ERRNO(read(fd, &c, 1), EBADF);
	EXPECT_ERRNO(write(fd, "x", 1), EBADF);
}

FS_CASE(open_with_no_rights_creates_all_the_same)
{
	pid_t pid;

	OK(chmod(".", 0777));
	pid = fork();
	if (!pid) {
		int fd;
		OK(setgid(65534));
		OK(setuid(65534));
		umask(0);
		fd = open("f", O_CREAT | O_RDWR, 0000);
		OK(fd); /* the mode is for who comes later */
		EXPECT_EQ(write(fd, "x", 1), 1);
		EXPECT_ERRNO(open("f", O_RDONLY), EACCES);
		EXPECT_ERRNO(open("f", O_CREAT | O_RDWR, 0666), EACCES);
		OK(chmod("f", 0400));
		OK(open("f", O_RDONLY));
		EXPECT_ERRNO(open("f", O_RDONLY | O_TRUNC), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

FS_CASE(o_noatime_is_the_owners)
{
	pid_t pid;

	close(make_file("f", "x"));
	OK(chmod("f", 0644));
	OK(open("f", O_RDONLY | O_NOATIME));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(open("f", O_RDONLY | O_NOATIME), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

FS_CASE(o_path_can_do_little)
{
	struct stat st;
	char c;
	int fd;

	close(make_file("f", "abc"));
	OK(chmod("f", 0000));
	fd = open_of("f", O_PATH | O_CLOEXEC);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 3);
	EXPECT_EQ(fcntl(fd, F_GETFL), O_PATH);
	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_ERRNO(read(fd, &c, 1), EBADF);
	EXPECT_ERRNO(fchmod(fd, 0600), EBADF);
	EXPECT_ERRNO(ftruncate(fd, 0), EBADF);
	EXPECT_ERRNO(lseek(fd, 0, SEEK_SET), EBADF);
	EXPECT_ERRNO(fsync(fd), EBADF);
	OK(dup(fd));
	OK(symlink("f", "l"));
	fd = open_of("l", O_PATH | O_NOFOLLOW);
	OK(fstat(fd, &st));
	EXPECT(S_ISLNK(st.st_mode));
	EXPECT_EQ(readlinkat(fd, "", &c, 1), 1);
	EXPECT_EQ(c, 'f');
}

FS_CASE(tmpfile_gets_a_name)
{
	struct stat st;
	char proc[64], buf[8] = "";
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);

	OK(fd);
	EXPECT_EQ(write(fd, "abc", 3), 3);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(st.st_mode & 07777, 0640);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, proc, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	EXPECT_EQ(links_of("named"), 1);
	EXPECT_EQ(read(open_of("named", O_RDONLY), buf, 8), 3);
	/* with O_EXCL it never gets one */
	fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600);
	OK(fd);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	EXPECT_ERRNO(linkat(AT_FDCWD, proc, AT_FDCWD, "never", AT_SYMLINK_FOLLOW), ENOENT);
	EXPECT_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	EXPECT_ERRNO(open("named", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	EXPECT_ERRNO(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
}

FS_CASE(empty_path_means_the_descriptor)
{
	struct stat st;
	struct statx sx;
	int fd = make_file("f", "abcd"), dir = open_of(".", O_RDONLY | O_DIRECTORY);

	OK(fstatat(fd, "", &st, AT_EMPTY_PATH));
	EXPECT_EQ(st.st_size, 4);
	EXPECT_ERRNO(fstatat(fd, "", &st, 0), ENOENT);
	OK(statx(fd, "", AT_EMPTY_PATH, STATX_ALL, &sx));
	EXPECT_EQ(sx.stx_size, 4);
	OK(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	EXPECT(S_ISDIR(st.st_mode));
	OK(fchownat(fd, "", 3, 4, AT_EMPTY_PATH));
	OK(fstat(fd, &st));
	EXPECT(st.st_uid == 3 && st.st_gid == 4);
	OK(syscall(SYS_faccessat2, dir, "", R_OK, AT_EMPTY_PATH));
	EXPECT_ERRNO(fstatat(-1, "", &st, AT_EMPTY_PATH), EBADF);
	OK(syscall(SYS_utimensat, fd, "", NULL, AT_EMPTY_PATH));
	OK(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	EXPECT_ERRNO(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0), EFAULT);
	EXPECT_ERRNO(openat(fd, "", O_RDONLY), ENOENT);
	EXPECT_ERRNO(unlinkat(dir, "", 0), ENOENT);
}

FS_CASE(relative_to_what_is_no_directory)
{
	struct stat st;
	int fd = make_file("f", "");

	EXPECT_ERRNO(openat(fd, "x", O_RDONLY), ENOTDIR);
	EXPECT_ERRNO(mkdirat(fd, "x", 0755), ENOTDIR);
	EXPECT_ERRNO(fstatat(fd, "x", &st, 0), ENOTDIR);
	EXPECT_ERRNO(unlinkat(fd, "x", 0), ENOTDIR);
	EXPECT_ERRNO(renameat(fd, "x", AT_FDCWD, "y"), ENOTDIR);
	EXPECT_ERRNO(readlinkat(fd, "x", (char *)&st, 4), ENOTDIR);
	EXPECT_ERRNO(openat(0x7000, "x", O_RDONLY), EBADF);
	/* an absolute path does not look at it */
	OK(fstatat(0x7000, "/", &st, 0));
}

FS_CASE(umask_and_special_bits)
{
	struct stat st;

	umask(027);
	close(open("f", O_CREAT | O_WRONLY, 06777));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mode & 07777, 06750);
	OK(mkdir("d", 07777));
	OK(stat("d", &st));
	EXPECT_EQ(st.st_mode & 07777, 01750); /* mkdir takes no set-id bits */
	OK(mkfifo("p", 0666));
	OK(stat("p", &st));
	EXPECT_EQ(st.st_mode & 07777, 0640);
	EXPECT_EQ(umask(0), 027);
}

FS_CASE(sticky_directory_protects_names)
{
	pid_t pid;

	OK(mkdir("d", 0755));
	OK(chmod("d", 01777));
	close(make_file("d/mine", ""));
	OK(chmod("d/mine", 0666));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		close(make_file("d/own", ""));
		EXPECT_ERRNO(unlink("d/mine"), EPERM);
		EXPECT_ERRNO(rename("d/mine", "d/x"), EPERM);
		EXPECT_ERRNO(rename("d/own", "d/mine"), EPERM);
		OK(rename("d/own", "d/own2"));
		OK(unlink("d/own2"));
		_exit(0);
	}
	expect_exit(pid, 0);
}

FS_CASE(listing_while_names_go)
{
	char name[16];
	struct dirent *e;
	int seen = 0;
	DIR *d;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		close(make_file(name, ""));
	}
	d = opendir(".");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		seen++;
		OK(unlink(e->d_name)); /* as rm -r does */
	}
	EXPECT_EQ(seen, 300);
	rewinddir(d);
	seen = 0;
	while ((e = readdir(d)))
		seen++;
	EXPECT_EQ(seen, 2);
}

FS_CASE(seekdir_comes_back)
{
	char name[16], want[300];
	struct dirent *e;
	long at = 0;
	DIR *d;

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		close(make_file(name, ""));
	}
	d = opendir(".");
	for (int i = 0; i < 20; i++) {
		at = telldir(d);
		e = readdir(d);
		EXPECT(e);
		strcpy(want, e->d_name);
	}
	while (readdir(d))
		;
	seekdir(d, at);
	e = readdir(d);
	EXPECT(e);
	EXPECT_STR(e->d_name, want);
}
