/*
 * test_hostile_files.c - trees and tables as large as a guest can make them: deep directories, long names,
 * many links, many descriptors, many mounts. All end in success or in an errno.
 */
#include "case.h"

#include <linux/limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

CASE(path_of_ten_thousand_components)
{
	char *path = malloc(30001);

	for (int i = 0; i < 10000; i++)
		memcpy(path + 3 * i, "../", 3);
	path[30000] = 0;
	EXPECT_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
	path[4095] = 0;
	OK(open(path, O_RDONLY)); /* as long as may be */
	memset(path, '/', 4094);
	path[4094] = 0;
	OK(open(path, O_RDONLY));
}

CASE(directories_ten_thousand_deep)
{
	alarm(100); /* each is a message to the gofer, on a machine that has other work */
	char buf[PATH_MAX];
	int top = open(".", O_RDONLY), depth = 3000; /* the loop takes its time on a loaded machine */

	alarm(60);
	for (int i = 0; i < depth; i++) {
		OK(mkdir("d", 0755));
		OK(chdir("d"));
	}
	errno = 0;
	EXPECT(syscall(SYS_getcwd, buf, sizeof(buf)) < 0 && (errno == ENAMETOOLONG || errno == ERANGE));
	close(make_file("bottom", "x"));
	OK(unlink("bottom"));
	for (int i = 0; i < depth; i++) {
		OK(chdir(".."));
		OK(rmdir("d"));
	}
	OK(fchdir(top));
	EXPECT_ERRNO(chdir("d"), ENOENT);
}

CASE(forty_symlinks_and_one_more)
{
	char from[16], to[16];

	close(make_file("l0", "x"));
	for (int i = 1; i <= 41; i++) {
		snprintf(to, sizeof(to), "l%d", i - 1);
		snprintf(from, sizeof(from), "l%d", i);
		OK(symlink(to, from));
	}
	OK(open("l40", O_RDONLY));
	EXPECT_ERRNO(open("l41", O_RDONLY), ELOOP);
	OK(symlink("loop", "loop"));
	EXPECT_ERRNO(open("loop", O_RDONLY), ELOOP);
	OK(open("loop", O_PATH | O_NOFOLLOW));
}

CASE(symlinks_that_double)
{
	char from[16], to[64];

	OK(mkdir("s0", 0755));
	for (int i = 1; i <= 30; i++) {
		snprintf(to, sizeof(to), "s%d/../s%d", i - 1, i - 1);
		snprintf(from, sizeof(from), "s%d", i);
		OK(symlink(to, from));
	}
	EXPECT_ERRNO(open("s30", O_RDONLY), ELOOP);
	OK(open("s3", O_RDONLY));
}

CASE(names_of_every_length)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	close(make_file(name, "x"));
	OK(unlink(name));
	name[255] = 'n';
	name[256] = 0;
	EXPECT_ERRNO(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	EXPECT_ERRNO(mkdir(name, 0700), ENAMETOOLONG);
	EXPECT_ERRNO(symlink("x", name), ENAMETOOLONG);
	EXPECT_ERRNO(rename("x", name), ENOENT);
}

CASE(descriptors_up_to_a_million)
{
	alarm(100);
	struct rlimit r = {1048576, 1048576};
	int fd = open("/dev/null", O_RDONLY), last = -1, n;

	if (setrlimit(RLIMIT_NOFILE, &r))
		case_skip("may not raise the limit");
	last = fcntl(fd, F_DUPFD, 1048575);
	if (last < 0 && (errno == EMFILE || errno == ENOMEM))
		case_skip("no table of that size here");
	EXPECT_EQ(last, 1048575);
	EXPECT_ERRNO(fcntl(fd, F_DUPFD, 1048576), EINVAL);
	for (n = 0; n < 100000; n++)
		OK(dup(fd));
	OK(fcntl(n / 2, F_GETFD));
	OK(syscall(SYS_close_range, fd + 1, 1048574, 0));
	EXPECT_EQ(fcntl(1048575, F_GETFD), 0);
	EXPECT_EQ(dup(fd), fd + 1);
}

CASE(descriptors_end_at_the_limit)
{
	struct rlimit r = {64, 64};
	int n = 0;

	OK(setrlimit(RLIMIT_NOFILE, &r));
	while (dup(0) >= 0)
		n++;
	EXPECT_EQ(errno, EMFILE);
	EXPECT(n > 0 && n < 64);
	EXPECT_ERRNO(dup2(0, 64), EBADF);
}

CASE(many_mounts)
{
	char name[32];

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		case_skip("no mount namespaces");
	OK(mkdir("m", 0755));
	for (int i = 0; i < 300; i++)
		OK(mount("x", "m", "tmpfs", 0, "size=4k")); /* each on the one before */
	OK(mkdir("n", 0755));
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n/%d", i);
		OK(mkdir(name, 0755));
		OK(mount("m", name, NULL, MS_BIND, NULL));
	}
	for (int i = 0; i < 300; i++)
		OK(umount("m"));
	EXPECT_ERRNO(umount("m"), EINVAL);
}

CASE(mounts_that_double_are_limited)
{
	int r = 0, i;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		case_skip("no mount namespaces");
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(mkdir("m/a", 0755));
	OK(mkdir("m/b", 0755));
	for (i = 0; i < 11 && !r; i++) /* each time twice as many */
		r = mount("m", i & 1 ? "m/a" : "m/b", NULL, MS_BIND | MS_REC, NULL);
	EXPECT(!r || errno == ENOSPC || errno == ENOMEM);
	OK(umount2("m", MNT_DETACH));
}

CASE(xattrs_fill_up)
{
	char name[32], value[1000];
	int r = 0, i;

	memset(value, 'v', sizeof(value));
	close(make_file("f", "x"));
	for (i = 0; i < 2000 && !r; i++) {
		snprintf(name, sizeof(name), "user.%d", i);
		r = (int)syscall(SYS_setxattr, "f", name, value, sizeof(value), 0);
	}
	EXPECT(i > 1);
	EXPECT(!r || errno == ENOSPC || errno == E2BIG || errno == EDQUOT);
}

CASE(truncate_to_the_end_of_the_world)
{
	int fd = make_file("f", "x");
	struct stat st;

	if (ftruncate(fd, 1L << 40))
		EXPECT(errno == EFBIG || errno == ENOSPC || errno == EINVAL);
	EXPECT_ERRNO(ftruncate(fd, -1), EINVAL);
	errno = 0;
	EXPECT(!ftruncate(fd, 0x7fffffffffffffffL) || errno == EFBIG || errno == EINVAL);
	OK(fstat(fd, &st));
	EXPECT_EQ(pwrite(fd, "x", 1, 0), 1);
	EXPECT_ERRNO(pwrite(fd, "x", 1, -1), EINVAL);
}
