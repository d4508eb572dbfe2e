/*
 * test_userns.c - user namespaces (user_namespaces(7)).
 */
#include "ns.h"

/* ---- user namespaces ---- */

CASE(user_namespace_before_a_map)
{
	long pid = clone_(CLONE_NEWUSER);

	if (!pid) {
		EXPECT_EQ(getuid(), 65534);
		EXPECT_EQ(getgid(), 65534);
		EXPECT_ERRNO(setuid(0), EINVAL);
		_exit(0);
	}
	OK(pid);
	expect_exit((pid_t)pid, 0);
}

static void unprivileged_root(void)
{
	struct stat st;
	char buf[200];

	if (!geteuid()) {
		OK(setgroups(0, NULL));
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
	}
	OK(unshare(CLONE_NEWUSER));
	map_self_to(0, geteuid() == 65534 ? 1000 : 0);
	EXPECT_EQ(getuid(), 0);
	EXPECT_EQ(geteuid(), 0);
	EXPECT_EQ(getgid(), 0);
	get("/proc/self/uid_map", buf, sizeof(buf));
	EXPECT(strstr(buf, "         0       1000          1"));
	OK(stat("/", &st));
	EXPECT_EQ(st.st_uid, 65534); /* the real root is nobody here */
	OK(unshare(CLONE_NEWUTS));
	OK(sethostname("mine", 4));
	EXPECT_ERRNO(setuid(1), EINVAL);
	OK(setuid(0));
}

CASE(user_namespace_makes_root)
{
	in_child(unprivileged_root);
}

static void outside_stays_closed(void)
{
	if (!geteuid()) {
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
	}
	OK(unshare(CLONE_NEWUSER));
	map_self_to(0, 1000);
	EXPECT_ERRNO(sethostname("x", 1), EPERM); /* the namespace is the parent's */
	EXPECT_ERRNO(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
	EXPECT_ERRNO(chown("/etc/passwd", 0, 0), EPERM);
	EXPECT_ERRNO(open("/etc/passwd", O_WRONLY), EACCES);
	EXPECT_ERRNO(syscall(SYS_setgroups, 0, NULL), EPERM);
	EXPECT_ERRNO(reboot(0x1234), EPERM);
}

CASE(user_namespace_gives_nothing_outside)
{
	in_child(outside_stays_closed);
}

static void map_rules(void)
{
	if (!geteuid()) {
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
	}
	OK(unshare(CLONE_NEWUSER));
	EXPECT_EQ(put_errno("/proc/self/uid_map", ""), EINVAL);
	EXPECT_EQ(put_errno("/proc/self/uid_map", "0 1000"), EINVAL);
	EXPECT_EQ(put_errno("/proc/self/uid_map", "0 1000 0"), EINVAL);
	EXPECT_EQ(put_errno("/proc/self/uid_map", "x 1000 1"), EINVAL);
	EXPECT_EQ(put_errno("/proc/self/uid_map", "0 1000 1\n0 1001 1\n"), EINVAL);
	EXPECT_EQ(put_errno("/proc/self/uid_map", "0 0 1"), EPERM);
	EXPECT_EQ(put_errno("/proc/self/uid_map", "0 1000 2"), EPERM);
	EXPECT_EQ(put_errno("/proc/self/gid_map", "0 1000 1"), EPERM); /* setgroups is not denied */
	EXPECT_EQ(put_errno("/proc/self/setgroups", "maybe"), EINVAL);
	put("/proc/self/setgroups", "deny");
	EXPECT_EQ(put_errno("/proc/self/setgroups", "allow"), EPERM);
	put("/proc/self/gid_map", "0 1000 1");
	put("/proc/self/uid_map", "0 1000 1");
	EXPECT_EQ(put_errno("/proc/self/uid_map", "0 1000 1"), EPERM); /* once */
}

CASE(user_namespace_map_rules)
{
	in_child(map_rules);
}

CASE(user_namespace_range_by_the_parent)
{
	int go[2], ready[2];
	char path[64], c;
	long pid;
	struct stat st;

	need_root();
	OK(pipe(go));
	OK(pipe(ready));
	pid = clone_(CLONE_NEWUSER);
	if (!pid) {
		write(ready[1], "x", 1);
		read(go[0], &c, 1);
		OK(setresgid(5, 5, 5));
		OK(setresuid(7, 7, 7));
		EXPECT_EQ(getuid(), 7);
		int fd = open("of-seven", O_CREAT | O_WRONLY, 0600);
		OK(fd);
		OK(fstat(fd, &st));
		EXPECT_EQ(st.st_uid, 7);
		EXPECT_EQ(st.st_gid, 5);
		_exit(0);
	}
	OK(chmod(".", 0777));
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	snprintf(path, sizeof(path), "/proc/%ld/uid_map", pid);
	put(path, "0 100000 1000\n");
	snprintf(path, sizeof(path), "/proc/%ld/gid_map", pid);
	put(path, "0 200000 1000\n");
	write(go[1], "x", 1);
	expect_exit((pid_t)pid, 0);
	OK(stat("of-seven", &st));
	EXPECT_EQ(st.st_uid, 100007);
	EXPECT_EQ(st.st_gid, 200005);
}

static void nested(void)
{
	char buf[100];

	if (!geteuid()) {
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
	}
	OK(unshare(CLONE_NEWUSER));
	map_self_to(10, 1000);
	EXPECT_EQ(getuid(), 10);
	OK(unshare(CLONE_NEWUSER));
	EXPECT_EQ(getuid(), 65534);
	map_self_to(20, 10);
	EXPECT_EQ(getuid(), 20);
	get("/proc/self/uid_map", buf, sizeof(buf));
	EXPECT(strstr(buf, "        20         10          1"));
	int fd = open("/proc/self/ns/user", O_RDONLY);
	EXPECT_ERRNO(ioctl(fd, NS_GET_PARENT_), EPERM); /* beyond its own */
}

CASE(user_namespace_nested)
{
	in_child(nested);
}

CASE(user_namespace_of_a_child_is_its_parents_to_open)
{
	int p[2], fd, up;
	char path[64], c;
	struct stat st;
	uid_t uid;
	long pid;

	OK(pipe(p));
	pid = clone_(CLONE_NEWUSER);
	if (!pid) {
		close(p[1]);
		read(p[0], &c, 1);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%ld/ns/user", pid);
	fd = open(path, O_RDONLY);
	OK(fd);
	up = ioctl(fd, NS_GET_PARENT_);
	OK(up);
	OK(fstat(up, &st));
	EXPECT_EQ(st.st_ino, ns_ino("user"));
	OK(ioctl(fd, NS_GET_OWNER_UID_, &uid));
	EXPECT_EQ(uid, getuid());
	close(p[1]);
	expect_exit((pid_t)pid, 0);
}

CASE(user_namespace_not_with_shared_fs)
{
	EXPECT_ERRNO(clone_(CLONE_NEWUSER | CLONE_FS), EINVAL);
}

static void in_chroot(void)
{
	mkdir("jail", 0755);
	OK(chroot("jail"));
	EXPECT_ERRNO(unshare(CLONE_NEWUSER), EPERM);
}

CASE(user_namespace_not_in_a_chroot)
{
	need_root();
	in_child(in_chroot);
}
