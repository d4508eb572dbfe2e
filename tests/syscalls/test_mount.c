/*
 * test_mount.c - mount(2) and umount2(2): what covers what, flags, bind mounts, moves, and how mountinfo
 * tells it. Each case has a mount namespace of its own.
 */
#include "mounts.h"

CASE(mount_covers_and_umount_uncovers)
{
	begin();
	OK(mkdir("m", 0755));
	touch("m/below");
	OK(mount("x", "m", "tmpfs", 0, NULL));
	EXPECT(!exists("m/below"));
	touch("m/above");
	OK(umount2("m", 0));
	EXPECT(exists("m/below"));
	EXPECT(!exists("m/above"));
}

CASE(mount_errors)
{
	begin();
	OK(mkdir("m", 0755));
	touch("f");
	EXPECT_ERRNO(mount("x", "nothing", "tmpfs", 0, NULL), ENOENT);
	EXPECT_ERRNO(mount("x", "m", "no-such-fs", 0, NULL), ENODEV);
	EXPECT_ERRNO(mount("x", "m", NULL, 0, NULL), EINVAL);
	EXPECT_ERRNO(mount("x", "f", "tmpfs", 0, NULL), ENOTDIR);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_BIND_, NULL), EINVAL);
	EXPECT_ERRNO(mount("", "m", NULL, MS_BIND_, NULL), EINVAL);
	EXPECT_ERRNO(mount("nothing", "m", NULL, MS_BIND_, NULL), ENOENT);
	EXPECT_ERRNO(mount("x", "m", "tmpfs", 0, (void *)-1), EFAULT);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_REMOUNT_, NULL), EINVAL);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_PRIVATE_, NULL), EINVAL);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_PRIVATE_ | MS_SHARED_, NULL), EINVAL);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_MOVE_, NULL), EINVAL);
}

CASE(mount_needs_privilege)
{
	pid_t pid;

	begin();
	OK(chmod(".", 0777));
	OK(mkdir("m", 0777));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(mount("x", "m", "tmpfs", 0, NULL), EPERM);
		EXPECT_ERRNO(umount2("m", 0), EPERM);
		EXPECT_ERRNO(umount2("m", 64), EINVAL);
		EXPECT_ERRNO(syscall(SYS_pivot_root, ".", "."), EPERM);
		EXPECT_ERRNO(syscall(SYS_FSOPEN, "tmpfs", 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(umount_errors)
{
	begin();
	OK(mkdir("m", 0755));
	EXPECT_ERRNO(umount2("m", 0), EINVAL);
	EXPECT_ERRNO(umount2("nothing", 0), ENOENT);
	EXPECT_ERRNO(umount2("m", 0x100), EINVAL);
}

CASE(umount_busy)
{
	int fd;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	fd = open("m/f", O_CREAT | O_RDWR, 0600);
	EXPECT_ERRNO(umount2("m", 0), EBUSY);
	close(fd);
	OK(umount2("m", 0));
}

CASE(umount_with_a_mount_below_is_busy)
{
	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(mkdir("m/n", 0755));
	OK(mount("y", "m/n", "tmpfs", 0, NULL));
	EXPECT_ERRNO(umount2("m", 0), EBUSY);
	OK(umount2("m/n", 0));
	OK(umount2("m", 0));
}

CASE(umount_lazily)
{
	char c = 0;
	int fd;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	fd = open("m/f", O_CREAT | O_RDWR, 0600);
	EXPECT_EQ(write(fd, "q", 1), 1);
	OK(umount2("m", MNT_DETACH_));
	EXPECT(!exists("m/f"));
	EXPECT_EQ(pread(fd, &c, 1, 0), 1);
	EXPECT_EQ(c, 'q');
}

CASE(umount_expire_twice)
{
	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	EXPECT_ERRNO(umount2("m", MNT_EXPIRE_ | MNT_DETACH_), EINVAL);
	EXPECT_ERRNO(umount2("m", MNT_EXPIRE_), EAGAIN);
	OK(umount2("m", MNT_EXPIRE_));
}

CASE(umount_nofollow)
{
	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(symlink("m", "l"));
	EXPECT_ERRNO(umount2("l", NOFOLLOW_), EINVAL);
	OK(umount2("l", 0));
}

CASE(mount_over_a_mount)
{
	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	touch("m/one");
	OK(mount("y", "m", "tmpfs", 0, NULL));
	EXPECT(!exists("m/one"));
	OK(umount2("m", 0));
	EXPECT(exists("m/one"));
}

CASE(mounted_directory_is_busy)
{
	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	EXPECT_ERRNO(rmdir("m"), EBUSY);
	EXPECT_ERRNO(rename("m", "n"), EBUSY);
}

/* ---- read-only and other flags ---- */

CASE(mount_readonly)
{
	struct statfs st;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", MS_RDONLY_, NULL));
	EXPECT_ERRNO(open("m/f", O_CREAT | O_RDWR, 0600), EROFS);
	EXPECT_ERRNO(mkdir("m/d", 0700), EROFS);
	EXPECT_ERRNO(access("m", W_OK), EROFS);
	OK(statfs("m", &st));
	EXPECT(st.f_flags & 1);
}

CASE(remount_readonly_and_back)
{
	int fd;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	fd = open("m/f", O_CREAT | O_RDWR, 0600);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_REMOUNT_ | MS_RDONLY_, NULL), EBUSY);
	close(fd);
	OK(mount(NULL, "m", NULL, MS_REMOUNT_ | MS_RDONLY_, NULL));
	EXPECT_ERRNO(open("m/f", O_RDWR), EROFS);
	OK(mount(NULL, "m", NULL, MS_REMOUNT_, NULL));
	close(open("m/f", O_RDWR));
	touch("m/g");
}

CASE(bind_readonly_is_of_that_mount_alone)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("a", "b", NULL, MS_BIND_, NULL));
	OK(mount(NULL, "b", NULL, MS_REMOUNT_ | MS_BIND_ | MS_RDONLY_, NULL));
	EXPECT_ERRNO(open("b/f", O_CREAT | O_RDWR, 0600), EROFS);
	touch("a/f");
	EXPECT(exists("b/f"));
}

CASE(mount_noexec)
{
	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", MS_NOEXEC_, NULL));
	touch("m/f");
	OK(chmod("m/f", 0755));
	EXPECT_ERRNO(execl("m/f", "f", NULL), EACCES);
	EXPECT_ERRNO(access("m/f", X_OK), EACCES);
}

CASE(mount_nodev)
{
	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", MS_NODEV_, NULL));
	if (mknod("m/null", S_IFCHR | 0666, 0x103))
		case_skip("no device nodes");
	EXPECT_ERRNO(open("m/null", O_RDWR), EACCES);
}

CASE(mount_nosymfollow)
{
	char buf[8];

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", MS_NOSYMFOLLOW_, NULL));
	touch("m/f");
	OK(symlink("f", "m/l"));
	EXPECT_ERRNO(open("m/l", O_RDONLY), ELOOP);
	EXPECT_EQ(readlink("m/l", buf, sizeof(buf)), 1);
}

CASE(tmpfs_remount_size)
{
	struct statfs st;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, "size=1m"));
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_blocks * (unsigned long)st.f_bsize, 1 << 20);
	EXPECT_EQ(st.f_type, 0x01021994);
	OK(mount(NULL, "m", NULL, MS_REMOUNT_, "size=2m"));
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_blocks * (unsigned long)st.f_bsize, 2 << 20);
	EXPECT_ERRNO(mount(NULL, "m", NULL, MS_REMOUNT_, "size=bad"), EINVAL);
}

CASE(mountinfo_tells)
{
	char line[1024];

	begin();
	OK(mkdir("m", 0755));
	OK(mount("the source", "m", "tmpfs", MS_NOSUID_ | MS_NODEV_ | MS_NOATIME_, "size=64k"));
	EXPECT(mountinfo("/t/m", line, sizeof(line)));
	EXPECT(strstr(line, " / /"));
	EXPECT(strstr(line, "rw,nosuid,nodev,noatime - tmpfs the\\040source rw"));
	EXPECT(strstr(line, "size=64k"));
	OK(mount(NULL, "m", NULL, MS_REMOUNT_ | MS_BIND_ | MS_RDONLY_, NULL));
	EXPECT(mountinfo("/t/m", line, sizeof(line)));
	EXPECT(strstr(line, " ro,"));
}

CASE(mountinfo_of_a_bind_names_its_root)
{
	char line[1024];

	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("a/sub", 0755));
	OK(mkdir("b", 0755));
	OK(mount("a/sub", "b", NULL, MS_BIND_, NULL));
	EXPECT(mountinfo("/t/b", line, sizeof(line)));
	EXPECT(strstr(line, " /a/sub /"));
}

CASE(mounts_polls_on_change)
{
	struct pollfd p = {.events = POLLPRI};

	begin();
	OK(mkdir("m", 0755));
	p.fd = open("/proc/self/mounts", O_RDONLY);
	OK(p.fd);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	OK(mount("x", "m", "tmpfs", 0, NULL));
	EXPECT_EQ(poll(&p, 1, 1000), 1);
	EXPECT(p.revents & POLLPRI);
	EXPECT(p.revents & POLLERR);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	OK(umount2("m", 0));
	EXPECT_EQ(poll(&p, 1, 1000), 1);
}

/* ---- bind and move ---- */

CASE(bind_shows_the_same_files)
{
	struct stat a, b;

	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	touch("a/f");
	OK(mount("a", "b", NULL, MS_BIND_, NULL));
	OK(stat("a/f", &a));
	OK(stat("b/f", &b));
	EXPECT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	EXPECT_ERRNO(link("a/f", "b/g"), EXDEV);
	EXPECT_ERRNO(rename("a/f", "b/g"), EXDEV);
}

CASE(bind_a_file)
{
	begin();
	touch("a");
	touch("b");
	OK(mkdir("d", 0755));
	OK(mount("a", "b", NULL, MS_BIND_, NULL));
	EXPECT_ERRNO(mount("a", "d", NULL, MS_BIND_, NULL), ENOTDIR);
	EXPECT_ERRNO(unlink("b"), EBUSY);
	OK(umount2("b", 0));
	OK(unlink("b"));
}

CASE(bind_is_not_recursive_and_rbind_is)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("a/m", 0755));
	OK(mkdir("b", 0755));
	OK(mkdir("c", 0755));
	OK(mount("x", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	OK(mount("a", "b", NULL, MS_BIND_, NULL));
	OK(mount("a", "c", NULL, MS_BIND_ | MS_REC, NULL));
	EXPECT(!exists("b/m/f"));
	EXPECT(exists("c/m/f"));
}

CASE(dotdot_leaves_a_bind_where_it_is_mounted)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("a/deep", 0755));
	OK(mkdir("b", 0755));
	touch("mark");
	OK(mount("a/deep", "b", NULL, MS_BIND_, NULL));
	EXPECT(exists("b/../mark"));
}

CASE(move_a_mount)
{
	begin();
	OK(mount(NULL, ".", NULL, MS_PRIVATE_, NULL));
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	touch("a/f");
	OK(mkdir("a/n", 0755));
	OK(mount("y", "a/n", "tmpfs", 0, NULL));
	touch("a/n/g");
	EXPECT_ERRNO(mount("a", "a/n", NULL, MS_MOVE_, NULL), ELOOP);
	OK(mount("a", "b", NULL, MS_MOVE_, NULL));
	EXPECT(!exists("a/f"));
	EXPECT(exists("b/f") && exists("b/n/g"));
	EXPECT_ERRNO(mount("a", "b", NULL, MS_MOVE_, NULL), EINVAL);
}

CASE(move_out_of_a_shared_mount_is_einval)
{
	begin();
	OK(mount(NULL, ".", NULL, MS_SHARED_, NULL));
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	EXPECT_ERRNO(mount("a", "b", NULL, MS_MOVE_, NULL), EINVAL);
}

CASE(unbindable)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("a/m", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	OK(mount(NULL, "a/m", NULL, MS_UNBINDABLE_, NULL));
	EXPECT_ERRNO(mount("a/m", "b", NULL, MS_BIND_, NULL), EINVAL);
	OK(mount("a", "b", NULL, MS_BIND_ | MS_REC, NULL));
	EXPECT(!exists("b/m/f"));
}
