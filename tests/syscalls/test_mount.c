/*
 * test_mount.c - mount(2), umount2(2), pivot_root(2), propagation (mount_namespaces(7)) and the calls that
 * build mounts by descriptors. Each case has a mount namespace of its own.
 */
#include "case.h"

#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/statfs.h>

#ifndef MS_REC
#define MS_REC 16384
#endif
#define MS_RDONLY_      1
#define MS_NOSUID_      2
#define MS_NODEV_       4
#define MS_NOEXEC_      8
#define MS_REMOUNT_     32
#define MS_NOSYMFOLLOW_ 256
#define MS_NOATIME_     1024
#define MS_BIND_        4096
#define MS_MOVE_        8192
#define MS_UNBINDABLE_  (1 << 17)
#define MS_PRIVATE_     (1 << 18)
#define MS_SLAVE_       (1 << 19)
#define MS_SHARED_      (1 << 20)
#define MNT_DETACH_     2
#define MNT_EXPIRE_     4
#define NOFOLLOW_       8

int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
#define SYS_OPEN_TREE     428
#define SYS_MOVE_MOUNT    429
#define SYS_FSOPEN        430
#define SYS_FSCONFIG      431
#define SYS_FSMOUNT       432
#define SYS_FSPICK        433
#define SYS_MOUNT_SETATTR 442
#define SYS_STATMOUNT     457
#define SYS_LISTMOUNT     458

/* A namespace in which nothing propagates, and a tmpfs "t" to work in. */
static void begin(void)
{
	if (unshare(CLONE_NEWNS))
		case_skip("no mount namespaces");
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE_, NULL));
	OK(mkdir("t", 0755));
	OK(mount("work", "t", "tmpfs", 0, NULL));
	OK(chdir("t"));
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	OK(fd);
	close(fd);
}

/* The line of mountinfo whose mount point ends with `end`. */
static bool mountinfo(const char *end, char *line, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	bool found = false;
	char point[512];

	while (!found && fgets(line, (int)size, f)) {
		size_t n = strlen(end), len;
		EXPECT_EQ(sscanf(line, "%*d %*d %*s %*s %511s", point), 1);
		len = strlen(point);
		found = len >= n && !strcmp(point + len - n, end);
	}
	fclose(f);
	return found;
}

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

/* ---- propagation ---- */

/* a is shared, b its peer. */
static void peers(void)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	OK(mount(NULL, "a", NULL, MS_SHARED_, NULL));
	OK(mkdir("a/m", 0755));
	OK(mount("a", "b", NULL, MS_BIND_, NULL));
}

CASE(shared_mounts_tell_each_other)
{
	char line[1024];

	peers();
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(exists("b/m/f"));
	EXPECT(mountinfo("/t/b", line, sizeof(line)));
	EXPECT(strstr(line, " shared:"));
	OK(umount2("b/m", 0));
	EXPECT(!exists("a/m/f"));
}

CASE(private_mounts_do_not)
{
	peers();
	OK(mount(NULL, "b", NULL, MS_PRIVATE_, NULL));
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(!exists("b/m/f"));
}

CASE(slaves_only_receive)
{
	char line[1024];

	peers();
	OK(mount(NULL, "b", NULL, MS_SLAVE_, NULL));
	EXPECT(mountinfo("/t/b", line, sizeof(line)));
	EXPECT(strstr(line, " master:") && !strstr(line, " shared:"));
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(exists("b/m/f"));
	OK(umount2("b/m", 0));
	EXPECT(exists("a/m/f")); /* what the slave does stays with it */
	OK(umount2("a/m", 0));
	OK(mount("z", "b/m", "tmpfs", 0, NULL));
	touch("b/m/g");
	EXPECT(!exists("a/m/g"));
}

CASE(shared_slave_passes_on)
{
	peers();
	OK(mkdir("c", 0755));
	OK(mount(NULL, "b", NULL, MS_SLAVE_, NULL));
	OK(mount(NULL, "b", NULL, MS_SHARED_, NULL));
	OK(mount("b", "c", NULL, MS_BIND_, NULL));
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT(exists("b/m/f") && exists("c/m/f"));
	OK(umount2("a/m", 0));
	EXPECT(!exists("b/m/f") && !exists("c/m/f"));
}

CASE(slave_of_a_master_that_goes_has_its_peer)
{
	peers();
	OK(mkdir("c", 0755));
	OK(mount("a", "c", NULL, MS_BIND_, NULL));
	OK(mount(NULL, "c", NULL, MS_SLAVE_, NULL)); /* a, b peers; c slave */
	OK(umount2("a", 0));
	OK(mount("y", "b/m", "tmpfs", 0, NULL));
	touch("b/m/f");
	EXPECT(exists("c/m/f"));
}

CASE(new_namespace_has_peers)
{
	int p[2], q[2];
	char c;
	pid_t pid;

	peers();
	OK(pipe(p));
	OK(pipe(q));
	pid = fork();
	if (!pid) {
		OK(unshare(CLONE_NEWNS));
		EXPECT_EQ(write(p[1], "x", 1), 1);
		EXPECT_EQ(read(q[0], &c, 1), 1);
		EXPECT(exists("a/m/f"));
		OK(umount2("a/m", 0));
		_exit(0);
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	OK(mount("y", "a/m", "tmpfs", 0, NULL));
	touch("a/m/f");
	EXPECT_EQ(write(q[1], "x", 1), 1);
	expect_exit(pid, 0);
	EXPECT(!exists("a/m/f"));
}

CASE(private_namespace_keeps_to_itself)
{
	pid_t pid;

	begin();
	OK(mkdir("m", 0755));
	pid = fork();
	if (!pid) {
		OK(unshare(CLONE_NEWNS));
		OK(mount("y", "m", "tmpfs", 0, NULL));
		touch("m/f");
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT(!exists("m/f"));
}

/* ---- pivot_root ---- */

CASE(pivot_root_swaps)
{
	begin();
	OK(mkdir("new", 0755));
	OK(mount("x", "new", "tmpfs", 0, NULL));
	OK(mkdir("new/old", 0755));
	touch("new/mark");
	OK(syscall(SYS_pivot_root, "new", "new/old"));
	OK(chdir("/"));
	EXPECT(exists("/mark"));
	EXPECT(exists("/old/proc"));
	OK(umount2("/old", MNT_DETACH_));
	EXPECT(!exists("/old/proc"));
	EXPECT(!exists("/../old/proc"));
}

CASE(pivot_root_dot_dot)
{
	begin();
	OK(mkdir("new", 0755));
	OK(mount("x", "new", "tmpfs", 0, NULL));
	touch("new/mark");
	OK(chdir("new"));
	OK(syscall(SYS_pivot_root, ".", "."));
	OK(umount2(".", MNT_DETACH_));
	OK(chdir("/"));
	EXPECT(exists("/mark"));
}

CASE(pivot_root_errors)
{
	begin();
	OK(mkdir("new", 0755));
	OK(mkdir("new/old", 0755));
	OK(mkdir("elsewhere", 0755));
	EXPECT_ERRNO(syscall(SYS_pivot_root, "new", "new/old"), EINVAL);
	EXPECT_ERRNO(syscall(SYS_pivot_root, "nothing", "new/old"), ENOENT);
	EXPECT_ERRNO(syscall(SYS_pivot_root, "/", "/"), EBUSY);
	OK(mount("x", "new", "tmpfs", 0, NULL));
	EXPECT_ERRNO(syscall(SYS_pivot_root, "new", "elsewhere"), EINVAL);
}

/* ---- by descriptors ---- */

CASE(fsopen_to_move_mount)
{
	struct statfs st;
	int fs, m;

	begin();
	OK(mkdir("m", 0755));
	fs = (int)syscall(SYS_FSOPEN, "tmpfs", 1);
	OK(fs);
	EXPECT_EQ(fcntl(fs, F_GETFD), FD_CLOEXEC);
	OK(syscall(SYS_FSCONFIG, fs, 1, "source", "here", 0));
	OK(syscall(SYS_FSCONFIG, fs, 1, "size", "1m", 0));
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 0, 0), EINVAL);
	OK(syscall(SYS_FSCONFIG, fs, 6, NULL, NULL, 0));
	m = (int)syscall(SYS_FSMOUNT, fs, 1, 8 /* noexec */);
	OK(m);
	OK(mkdirat(m, "d", 0755)); /* usable before it is mounted */
	OK(syscall(SYS_MOVE_MOUNT, m, "", AT_FDCWD, "m", 4));
	EXPECT(exists("m/d"));
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_blocks * (unsigned long)st.f_bsize, 1 << 20);
	EXPECT(st.f_flags & 8);
	OK(close(m));
	EXPECT(exists("m/d"));
	OK(umount2("m", 0));
}

CASE(fsopen_errors)
{
	int fs;

	begin();
	EXPECT_ERRNO(syscall(SYS_FSOPEN, "nonsense", 0), ENODEV);
	EXPECT_ERRNO(syscall(SYS_FSOPEN, "tmpfs", 2), EINVAL);
	fs = (int)syscall(SYS_FSOPEN, "tmpfs", 0);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 1, "nonsense", "1", 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 99, NULL, NULL, 0), EOPNOTSUPP);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 6, "x", NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 0, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, 99, 6, NULL, NULL, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, open("/dev/null", O_RDONLY), 6, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, open("/dev/null", O_RDONLY), 0, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 2, 0), EINVAL);
	OK(syscall(SYS_FSCONFIG, fs, 6, NULL, NULL, 0));
	EXPECT_ERRNO(syscall(SYS_FSCONFIG, fs, 6, NULL, NULL, 0), EBUSY);
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 0, 0x30), EINVAL);
	OK(syscall(SYS_FSMOUNT, fs, 0, 0));
	EXPECT_ERRNO(syscall(SYS_FSMOUNT, fs, 0, 0), EBUSY);
}

CASE(fspick_reconfigures)
{
	struct statfs st;
	int fs;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, "size=1m"));
	fs = (int)syscall(SYS_FSPICK, AT_FDCWD, "m", 1);
	OK(fs);
	OK(syscall(SYS_FSCONFIG, fs, 1, "size", "2m", 0));
	OK(syscall(SYS_FSCONFIG, fs, 0, "ro", NULL, 0));
	OK(syscall(SYS_FSCONFIG, fs, 7, NULL, NULL, 0));
	OK(statfs("m", &st));
	EXPECT_EQ(st.f_blocks * (unsigned long)st.f_bsize, 2 << 20);
	EXPECT_ERRNO(mkdir("m/d", 0700), EROFS);
	OK(mkdir("d", 0755));
	EXPECT_ERRNO(syscall(SYS_FSPICK, AT_FDCWD, "d", 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_FSPICK, AT_FDCWD, "m", 0x100), EINVAL);
}

CASE(open_tree_clones)
{
	int t;

	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("a/m", 0755));
	OK(mkdir("b", 0755));
	OK(mkdir("c", 0755));
	touch("a/f");
	OK(mount("x", "a/m", "tmpfs", 0, NULL));
	touch("a/m/g");
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 1 | O_CLOEXEC);
	OK(t);
	OK(syscall(SYS_MOVE_MOUNT, t, "", AT_FDCWD, "b", 4));
	EXPECT(exists("b/f") && !exists("b/m/g"));
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 1 | 0x8000);
	OK(syscall(SYS_MOVE_MOUNT, t, "", AT_FDCWD, "c", 4));
	EXPECT(exists("c/m/g"));
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 0x8000), EINVAL);
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 2), EINVAL);
}

#define SYS_OPEN_TREE_ATTR 467
struct tree_attr {
	uint64_t set, clear, propagation, userns;
};

CASE(open_tree_attr_changes_the_clone)
{
	struct tree_attr attr = {.set = 1 /* MOUNT_ATTR_RDONLY */};
	int t;

	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	t = (int)syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1 | O_CLOEXEC, &attr, sizeof(attr));
	if (t < 0 && errno == ENOSYS)
		case_skip("no open_tree_attr here");
	OK(t);
	OK(syscall(SYS_MOVE_MOUNT, t, "", AT_FDCWD, "b", 4));
	EXPECT_ERRNO(mkdir("b/d", 0755), EROFS);
	OK(mkdir("a/d", 0755));
	EXPECT(exists("b/d"));
}

CASE(open_tree_attr_refuses)
{
	struct tree_attr attr = {.set = 1};

	begin();
	OK(mkdir("a", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	if (syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, NULL, sizeof(attr)) < 0 && errno == ENOSYS)
		case_skip("no open_tree_attr here");
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, NULL, sizeof(attr)), EINVAL);
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, &attr, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, (void *)8, sizeof(attr)), EFAULT);
	attr.set = 1ULL << 40;
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "a", 1, &attr, sizeof(attr)), EINVAL);
	attr.set = 1;
	EXPECT_ERRNO(syscall(SYS_OPEN_TREE_ATTR, AT_FDCWD, "nothing", 1, &attr, sizeof(attr)), ENOENT);
}

CASE(open_tree_without_clone_is_a_path)
{
	int t;

	begin();
	touch("f");
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "f", 0);
	OK(t);
	EXPECT(fcntl(t, F_GETFL) & O_PATH);
}

CASE(move_mount_moves_what_is_mounted)
{
	begin();
	OK(mkdir("a", 0755));
	OK(mkdir("b", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	touch("a/f");
	OK(syscall(SYS_MOVE_MOUNT, AT_FDCWD, "a", AT_FDCWD, "b", 0));
	EXPECT(exists("b/f") && !exists("a/f"));
	EXPECT_ERRNO(syscall(SYS_MOVE_MOUNT, AT_FDCWD, "a", AT_FDCWD, "b", 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOVE_MOUNT, AT_FDCWD, "b", AT_FDCWD, "a", 0x1000), EINVAL);
}

CASE(closed_tree_is_gone)
{
	int t;

	begin();
	OK(mkdir("a", 0755));
	OK(mount("x", "a", "tmpfs", 0, NULL));
	t = (int)syscall(SYS_OPEN_TREE, AT_FDCWD, "a", 1);
	OK(t);
	OK(close(t));
	OK(umount2("a", 0));
}

CASE(mount_setattr_sets_and_clears)
{
	struct mount_attr at = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC};
	struct statfs st;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	EXPECT_ERRNO(mkdir("m/d", 0700), EROFS);
	OK(statfs("m", &st));
	EXPECT(st.f_flags & 8);
	at = (struct mount_attr){.attr_clr = MOUNT_ATTR_RDONLY};
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	OK(mkdir("m/d", 0700));
}

CASE(mount_setattr_recursive)
{
	struct mount_attr at = {.attr_set = MOUNT_ATTR_RDONLY};

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(mkdir("m/n", 0755));
	OK(mount("y", "m/n", "tmpfs", 0, NULL));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	OK(mkdir("m/n/d", 0700));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0x8000, &at, sizeof(at)));
	EXPECT_ERRNO(mkdir("m/n/e", 0700), EROFS);
}

CASE(mount_setattr_propagation)
{
	struct mount_attr at = {.propagation = MS_SHARED_};
	char line[1024];

	begin();
	OK(mkdir("m", 0755));
	OK(mount("x", "m", "tmpfs", 0, NULL));
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)));
	EXPECT(mountinfo("/t/m", line, sizeof(line)));
	EXPECT(strstr(line, " shared:"));
}

CASE(mount_setattr_errors)
{
	struct mount_attr at = {.attr_set = MOUNT_ATTR_RDONLY};

	begin();
	OK(mkdir("m", 0755));
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, "m", 0, &at, sizeof(at)), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 1, &at, sizeof(at)), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, 100000), E2BIG);
	at.attr_set = 1ULL << 40;
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)), EINVAL);
	at = (struct mount_attr){.attr_set = MOUNT_ATTR_NOATIME};
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)), EINVAL);
	at = (struct mount_attr){.propagation = MS_SHARED_ | MS_SLAVE_};
	EXPECT_ERRNO(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)), EINVAL);
	at = (struct mount_attr){0};
	OK(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, ".", 0, &at, sizeof(at)));
}

struct id_req {
	uint32_t size, spare;
	uint64_t id, param;
};

static uint64_t unique_id(const char *path)
{
	struct statx sx;

	OK(statx(AT_FDCWD, path, 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, &sx));
	EXPECT(sx.stx_mask & 0x4000);
	return sx.stx_mnt_id;
}

CASE(statmount_and_listmount)
{
	struct id_req req = {.size = sizeof(req)};
	uint64_t ids[8], m, here;
	char *buf = calloc(1, 4096);
	const uint32_t *words = (const uint32_t *)(const void *)buf;
	long n;

	begin();
	OK(mkdir("m", 0755));
	OK(mount("src", "m", "tmpfs", 0, NULL));
	m = unique_id("m");
	here = unique_id(".");
	req.id = here;
	n = syscall(SYS_LISTMOUNT, &req, ids, 8, 0);
	if (n < 0 && errno == ENOSYS)
		case_skip("no listmount here");
	EXPECT_EQ(n, 1);
	EXPECT_EQ(ids[0], m);
	req.id = m;
	req.param = 1 | 2 | 0x10 | 0x20;
	OK(syscall(SYS_STATMOUNT, &req, buf, 4096, 0));
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 8) & req.param, req.param);
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 24), 0x01021994);
	EXPECT_STR(buf + 512 + words[9], "tmpfs");
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 40), m);
	EXPECT_EQ(*(const uint64_t *)(const void *)(buf + 48), here);
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 64, 0), EOVERFLOW);
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 4096, 1), EINVAL);
	req.id = m + 1000000;
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 4096, 0), ENOENT);
	req.size = 8;
	EXPECT_ERRNO(syscall(SYS_STATMOUNT, &req, buf, 4096, 0), EINVAL);
}

CASE(listmount_refuses)
{
	struct id_req req = {.size = sizeof(req)};
	uint64_t ids[4];

	begin();
	req.id = unique_id(".");
	if (syscall(SYS_LISTMOUNT, &req, ids, 4, 0) < 0 && errno == ENOSYS)
		case_skip("no listmount here");
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0x10), EINVAL);
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, (void *)8, ids, 4, 0), EFAULT);
	OK(mkdir("m", 0755));
	OK(mount("src", "m", "tmpfs", 0, NULL));
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, (void *)8, 4, 0), EFAULT);
	req.id += 1000000;
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0), ENOENT);
	req.id = 5; /* one of those that are used again */
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0), EINVAL);
	req.size = 8;
	EXPECT_ERRNO(syscall(SYS_LISTMOUNT, &req, ids, 4, 0), EINVAL);
}

/* ---- chroot ---- */

CASE(chroot_cannot_be_left_by_dotdot)
{
	begin();
	OK(mkdir("jail", 0755));
	touch("outside");
	OK(chdir("jail"));
	OK(chroot("."));
	EXPECT(!exists("../outside"));
	EXPECT(!exists("/../../outside"));
	OK(symlink("/../outside", "l"));
	EXPECT_ERRNO(open("l", O_RDONLY), ENOENT);
}

/* ---- mounts whose place goes ---- */

static bool mounted(const char *source)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mounts", "r");
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= !strncmp(line, source, strlen(source)) && line[strlen(source)] == ' ';
	if (f)
		fclose(f);
	return found;
}

/* What another namespace has mounted somewhere is no hindrance here, and gone with its place there. */
static void hold_a_mount(const char *at, int go, int answer)
{
	char c;

	OK(unshare(CLONE_NEWNS));
	OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE_, NULL));
	OK(mount("held", at, "tmpfs", 0, NULL));
	c = (char)mounted("held");
	OK(write(answer, &c, 1));
	OK(read(go, &c, 1));
	c = (char)mounted("held");
	OK(write(answer, &c, 1));
	_exit(0);
}

static void place_goes(int (*go_away)(void))
{
	int go[2], answer[2];
	pid_t pid;
	char c;

	begin();
	OK(mkdir("d", 0755));
	OK(mkdir("other", 0755));
	OK(pipe(go));
	OK(pipe(answer));
	pid = fork();
	if (!pid)
		hold_a_mount("d", go[0], answer[1]);
	EXPECT_EQ(read(answer[0], &c, 1), 1);
	EXPECT_EQ(c, 1);
	OK(go_away());
	OK(write(go[1], "", 1));
	EXPECT_EQ(read(answer[0], &c, 1), 1);
	EXPECT_EQ(c, 0);
	OK(waitpid(pid, NULL, 0));
}

static int by_rmdir(void)
{
	return rmdir("d");
}
static int by_rename(void)
{
	return rename("other", "d");
}

CASE(rmdir_of_what_another_namespace_mounts_on)
{
	place_goes(by_rmdir);
}

CASE(rename_over_what_another_namespace_mounts_on)
{
	place_goes(by_rename);
}

CASE(mount_below_proc_ends_with_its_process)
{
	char path[64];
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	OK(mount("on-fdinfo", path, "tmpfs", 0, NULL));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/fdinfo", pid, pid);
	OK(mount("on-task", path, "tmpfs", 0, NULL));
	snprintf(path, sizeof(path), "/proc/%d", pid);
	OK(mount("on-process", path, "tmpfs", 0, NULL));
	EXPECT(mounted("on-fdinfo") && mounted("on-task") && mounted("on-process"));
	OK(kill(pid, SIGKILL));
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT(!mounted("on-fdinfo"));
	EXPECT(!mounted("on-task"));
	EXPECT(!mounted("on-process"));
}
