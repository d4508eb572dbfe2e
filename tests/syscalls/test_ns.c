/*
 * test_ns.c - links in /proc, UTS, mount, IPC, network, control group and time namespaces (namespaces(7),
 * unshare(2), setns(2), ioctl_ns(2)). PID and user namespaces: test_pidns.c, test_userns.c.
 */
#include "ns.h"

/* ---- links ---- */

CASE(links_name_type_and_number)
{
	char buf[64];
	ssize_t n = readlink("/proc/self/ns/uts", buf, sizeof(buf) - 1);

	EXPECT(n > 0);
	buf[n] = 0;
	EXPECT(!strncmp(buf, "uts:[", 5));
	EXPECT_EQ(strtoul(buf + 5, NULL, 10), ns_ino("uts"));
}

CASE(links_of_all_kinds)
{
	static const char *const names[] = {
	    "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children",
	    "user",   "uts"};

	for (size_t i = 0; i < 10; i++)
		EXPECT(ns_ino(names[i]) > 0);
	EXPECT_EQ(ns_ino("pid"), ns_ino("pid_for_children"));
	EXPECT_EQ(ns_ino("time"), ns_ino("time_for_children"));
}

CASE(open_only_for_reading)
{
	int fd = open("/proc/self/ns/net", O_RDONLY);
	struct statfs st;
	char c;

	OK(fd);
	EXPECT_ERRNO(read(fd, &c, 1), EINVAL);
	OK(fstatfs(fd, &st));
	EXPECT_EQ(st.f_type, 0x6e736673);
	EXPECT_EQ(open("/proc/self/ns/net", O_RDWR), -1);
}

CASE(ioctl_type)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	EXPECT_EQ(ioctl(fd, NS_GET_NSTYPE_), CLONE_NEWUTS);
	close(fd);
	fd = open("/proc/self/ns/user", O_RDONLY);
	EXPECT_EQ(ioctl(fd, NS_GET_NSTYPE_), CLONE_NEWUSER);
	close(fd);
	fd = open("/proc/self/ns/mnt", O_RDONLY);
	EXPECT_EQ(ioctl(fd, NS_GET_NSTYPE_), CLONE_NEWNS);
	EXPECT_ERRNO(ioctl(fd, _IO(0xb7, 60)), ENOTTY);
}

CASE(ioctl_owner)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY), owner = ioctl(fd, NS_GET_USERNS_);
	struct stat st;
	uid_t uid;

	OK(owner);
	EXPECT_EQ(fcntl(owner, F_GETFD), FD_CLOEXEC);
	OK(fstat(owner, &st));
	EXPECT_EQ(st.st_ino, ns_ino("user"));
	EXPECT_EQ(ioctl(owner, NS_GET_NSTYPE_), CLONE_NEWUSER);
	OK(ioctl(owner, NS_GET_OWNER_UID_, &uid));
	EXPECT_ERRNO(ioctl(fd, NS_GET_OWNER_UID_, &uid), EINVAL);
	EXPECT_ERRNO(ioctl(fd, NS_GET_PARENT_), EINVAL);
}

CASE(ioctl_parent_is_hidden)
{
	int fd = open("/proc/self/ns/user", O_RDONLY);

	EXPECT_ERRNO(ioctl(fd, NS_GET_PARENT_), EPERM);
	EXPECT_ERRNO(ioctl(fd, NS_GET_USERNS_), EPERM);
	fd = open("/proc/self/ns/pid", O_RDONLY);
	EXPECT_ERRNO(ioctl(fd, NS_GET_PARENT_), EPERM);
}

/* ---- uts ---- */

CASE(uts_unshared_is_private)
{
	struct utsname before, after;
	pid_t pid;

	need_root();
	OK(uname(&before));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUTS) || sethostname("elsewhere", 9) || uname(&after))
			_exit(1);
		_exit(strcmp(after.nodename, "elsewhere") ? 2 : 0);
	}
	expect_exit(pid, 0);
	OK(uname(&after));
	EXPECT_STR(after.nodename, before.nodename);
}

CASE(uts_by_clone)
{
	ino_t mine = ns_ino("uts");
	long pid;

	need_root();
	pid = clone_(CLONE_NEWUTS);
	if (!pid)
		_exit(ns_ino("uts") == mine);
	OK(pid);
	expect_exit((pid_t)pid, 0);
	EXPECT_EQ(ns_ino("uts"), mine);
}

CASE(uts_joined_by_setns)
{
	int ready[2], done[2], fd;
	struct utsname u;
	char path[64], c;
	pid_t pid;

	need_root();
	OK(pipe(ready));
	OK(pipe(done));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUTS) || sethostname("joined", 6))
			_exit(1);
		close(done[1]);
		write(ready[1], "x", 1);
		read(done[0], &c, 1);
		_exit(0);
	}
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	OK(fd);
	EXPECT_ERRNO(setns(fd, CLONE_NEWNET), EINVAL);
	OK(setns(fd, CLONE_NEWUTS));
	OK(uname(&u));
	EXPECT_STR(u.nodename, "joined");
	close(done[1]);
	expect_exit(pid, 0);
}

CASE(setns_by_pidfd)
{
	int ready[2], done[2], fd;
	struct utsname u;
	char c;
	pid_t pid;

	need_root();
	OK(pipe(ready));
	OK(pipe(done));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) || sethostname("bypidfd", 7))
			_exit(1);
		close(done[1]);
		write(ready[1], "x", 1);
		read(done[0], &c, 1);
		_exit(0);
	}
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	EXPECT_ERRNO(setns(fd, 0), EINVAL);
	EXPECT_ERRNO(setns(fd, 1), EINVAL);
	OK(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
	OK(uname(&u));
	EXPECT_STR(u.nodename, "bypidfd");
	close(done[1]);
	expect_exit(pid, 0);
	EXPECT_ERRNO(setns(fd, CLONE_NEWUTS), ESRCH);
}

CASE(setns_bad_descriptors)
{
	int fd = open("/", O_RDONLY);

	EXPECT_ERRNO(setns(-1, 0), EBADF);
	EXPECT_ERRNO(setns(fd, 0), EINVAL);
}

CASE(setns_own_user_namespace)
{
	int fd = open("/proc/self/ns/user", O_RDONLY);

	EXPECT_ERRNO(setns(fd, CLONE_NEWUSER), EINVAL);
}

CASE(unshare_bad_flags)
{
	EXPECT_ERRNO(unshare(1), EINVAL);
	EXPECT_ERRNO(unshare(CLONE_PARENT), EINVAL);
	EXPECT_ERRNO(unshare(CLONE_VFORK), EINVAL);
	OK(unshare(0));
	OK(unshare(CLONE_FS));
	OK(unshare(CLONE_FILES));
	OK(unshare(CLONE_SYSVSEM));
	OK(unshare(CLONE_THREAD)); /* alone already */
	OK(unshare(CLONE_VM));
}

CASE(unshare_needs_privilege)
{
	if (!geteuid())
		OK(setresuid(1000, 1000, 1000));
	EXPECT_ERRNO(unshare(CLONE_NEWUTS), EPERM);
	EXPECT_ERRNO(unshare(CLONE_NEWNS), EPERM);
	EXPECT_ERRNO(unshare(CLONE_NEWPID), EPERM);
	EXPECT_ERRNO(clone_(CLONE_NEWIPC), EPERM);
}

static int share_main(void *arg)
{
	chdir("/");
	return 0;
}

static char stack[65536] __attribute__((aligned(16)));

CASE(unshare_fs_ends_sharing)
{
	char cwd[200], now[200];
	pid_t pid;

	OK(getcwd(cwd, sizeof(cwd)) ? 0 : -1);
	pid = clone(share_main, stack + sizeof(stack), CLONE_FS | CLONE_VM | SIGCHLD, NULL);
	expect_exit(pid, 0);
	OK(getcwd(now, sizeof(now)) ? 0 : -1);
	EXPECT_STR(now, "/");
}

/* ---- mount, ipc, net, cgroup, time ---- */

CASE(mount_namespace_is_private)
{
	pid_t pid;

	need_root();
	mkdir("here", 0755);
	pid = fork();
	if (!pid) {
		OK(unshare(CLONE_NEWNS));
		OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		OK(mount("tmp", "here", "tmpfs", 0, NULL));
		close(open("here/file", O_CREAT | O_WRONLY, 0600));
		EXPECT_EQ(access("here/file", F_OK), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_ERRNO(access("here/file", F_OK), ENOENT);
}

static void mount_as_user(void)
{
	if (!geteuid()) {
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
	}
	OK(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	map_self_to(0, 1000);
	OK(mount("tmp", "/tmp", "tmpfs", 0, NULL));
	close(open("/tmp/file", O_CREAT | O_WRONLY, 0600));
	EXPECT_EQ(access("/tmp/file", F_OK), 0);
	OK(umount("/tmp"));
}

CASE(mount_namespace_in_a_user_namespace)
{
	in_child(mount_as_user);
}

CASE(other_namespaces_are_new_objects)
{
	static const struct {
		int flag;
		const char *name;
	} kinds[] = {
	    {CLONE_NEWIPC, "ipc"}, {CLONE_NEWNET, "net"}, {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWNS, "mnt"}};

	need_root();
	for (size_t i = 0; i < 4; i++) {
		ino_t before = ns_ino(kinds[i].name);
		OK(unshare(kinds[i].flag));
		EXPECT(ns_ino(kinds[i].name) != before);
	}
}

CASE(time_namespace_is_for_children)
{
	ino_t before = ns_ino("time");
	pid_t pid;
	char buf[200];

	need_root();
	OK(unshare(CLONE_NEWTIME));
	EXPECT_EQ(ns_ino("time"), before);
	EXPECT(ns_ino("time_for_children") != before);
	get("/proc/self/timens_offsets", buf, sizeof(buf));
	EXPECT(strstr(buf, "monotonic"));
	EXPECT(strstr(buf, "boottime"));
	pid = fork();
	if (!pid)
		_exit(ns_ino("time") == before ? 1 : 0);
	expect_exit(pid, 0);
}

CASE(vfork_waits_for_the_end)
{
	static volatile int seen;
	pid_t pid;

	seen = 0;
	pid = vfork();
	if (!pid) {
		sleep_ms(60);
		seen = 1;
		_exit(3);
	}
	EXPECT_EQ(seen, 1);
	expect_exit(pid, 3);
}
