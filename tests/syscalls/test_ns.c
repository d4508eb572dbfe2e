/* namespaces(7), user_namespaces(7), pid_namespaces(7), unshare(2), setns(2), ioctl_ns(2). */
#include "case.h"

#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define NS_GET_USERNS_    _IO(0xb7, 1)
#define NS_GET_PARENT_    _IO(0xb7, 2)
#define NS_GET_NSTYPE_    _IO(0xb7, 3)
#define NS_GET_OWNER_UID_ _IO(0xb7, 4)

static void need_root(void)
{
	if (geteuid())
		case_skip("needs root");
}

static long clone_(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static ino_t ns_ino(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	OK(stat(path, &st));
	return st.st_ino;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	OK(fd);
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int put_errno(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), e;

	OK(fd);
	e = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return e;
}

static void get(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	OK(fd);
	n = read(fd, buf, size - 1);
	EXPECT(n >= 0);
	buf[n] = 0;
	close(fd);
}

/* Runs fn in a child; it must exit 0. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	expect_exit(pid, 0);
}

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

/* ---- PID namespaces ---- */

CASE(pid_namespace_starts_with_one)
{
	long pid;

	need_root();
	pid = clone_(CLONE_NEWPID);
	if (!pid)
		_exit(getpid() == 1 && getppid() == 0 ? 0 : 1);
	OK(pid);
	EXPECT(pid > 1);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_by_unshare)
{
	pid_t me = getpid(), pid;

	need_root();
	OK(unshare(CLONE_NEWPID));
	EXPECT_EQ(getpid(), me);
	EXPECT(ns_ino("pid") > 0);
	EXPECT_EQ(access("/proc/self/ns/pid_for_children", F_OK), -1); /* nobody is in it yet */
	EXPECT_ERRNO(clone_(CLONE_NEWPID), EINVAL);
	pid = fork();
	if (!pid)
		_exit(getpid() == 1 ? 0 : 1);
	expect_exit(pid, 0);
	/* its init is gone: nothing can be made in it any more */
	EXPECT_ERRNO(fork(), ENOMEM);
}

CASE(pid_namespace_init_end_kills_all)
{
	int p[2];
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		for (int i = 0; i < 5; i++)
			if (!fork()) {
				for (;;)
					pause();
			}
		_exit(3);
	}
	close(p[1]);
	expect_exit((pid_t)pid, 3);
	/* the others are gone when init has been waited for: no writer is left */
	EXPECT_EQ(read(p[0], &c, 1), 0);
}

CASE(pid_namespace_init_is_protected)
{
	long pid;

	need_root();
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		pid_t child = fork();
		int status;
		if (!child) {
			kill(1, SIGTERM);
			kill(1, SIGKILL);
			kill(1, SIGSTOP);
			_exit(5);
		}
		waitpid(child, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	OK(pid);
	expect_exit((pid_t)pid, 5);
}

CASE(pid_namespace_init_takes_what_it_handles)
{
	int p[2];
	long pid;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		sigset_t set;
		int sig;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		kill(1, SIGUSR1);
		sigwait(&set, &sig);
		_exit(sig == SIGUSR1 ? 0 : 1);
	}
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_init_from_outside)
{
	int p[2];
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		write(p[1], "x", 1);
		for (;;)
			pause();
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	OK(kill((pid_t)pid, SIGTERM)); /* no handler: dropped even from outside */
	sleep_ms(50);
	EXPECT_EQ(waitpid((pid_t)pid, NULL, WNOHANG), 0);
	OK(kill((pid_t)pid, SIGKILL));
	expect_signal((pid_t)pid, SIGKILL);
}

static volatile int sender_pid = -1;

static void note_sender(int sig, siginfo_t *info, void *ctx)
{
	sender_pid = info->si_pid;
}

CASE(pid_namespace_sender_from_outside_is_zero)
{
	struct sigaction sa = {.sa_sigaction = note_sender, .sa_flags = SA_SIGINFO};
	int p[2];
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	sigaction(SIGUSR1, &sa, NULL);
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		write(p[1], "x", 1);
		while (sender_pid < 0)
			sleep_ms(5);
		_exit(sender_pid);
	}
	EXPECT_EQ(read(p[0], &c, 1), 1);
	OK(kill((pid_t)pid, SIGUSR1));
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_orphans_go_to_its_init)
{
	long pid;

	need_root();
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		pid_t child = fork(), got;
		int status, code = 0;
		if (!child) {
			if (!fork()) {
				while (getppid() != 1)
					sleep_ms(5);
				_exit(4);
			}
			_exit(0);
		}
		while ((got = wait(&status)) > 0)
			if (got != child)
				code = WEXITSTATUS(status);
		_exit(code);
	}
	expect_exit((pid_t)pid, 4);
}

CASE(pid_namespace_cannot_see_out)
{
	pid_t outside = getpid();
	long pid;

	need_root();
	while (outside < 20) { /* a number that nobody inside has */
		pid_t p = fork();
		if (!p)
			_exit(0);
		waitpid(p, NULL, 0);
		outside = p;
	}
	pid = clone_(CLONE_NEWPID);
	if (!pid)
		_exit(kill(outside, 0) == -1 && errno == ESRCH ? 0 : 1);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_numbers_in_status)
{
	char buf[4000], *line, path[40];
	int p[2], outer = 0, inner = 0;
	long pid;
	char c;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		close(p[1]);
		read(p[0], &c, 1);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	get(path, buf, sizeof(buf));
	line = strstr(buf, "NSpid:");
	EXPECT(line);
	EXPECT_EQ(sscanf(line, "NSpid:\t%d\t%d", &outer, &inner), 2);
	EXPECT_EQ(outer, pid);
	EXPECT_EQ(inner, 1);
	close(p[1]);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_proc_shows_its_own)
{
	long pid;

	need_root();
	mkdir("proc", 0755);
	pid = clone_(CLONE_NEWPID | CLONE_NEWNS);
	if (!pid) {
		char buf[64] = "";
		if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("proc", "proc", "proc", 0, NULL))
			_exit(1);
		if (readlink("proc/self", buf, sizeof(buf) - 1) != 1 || buf[0] != '1')
			_exit(2);
		_exit(access("proc/1/status", F_OK) ? 3 : access("proc/2", F_OK) ? 0 : 4);
	}
	OK(pid);
	expect_exit((pid_t)pid, 0);
}

CASE(pid_namespace_thread_cannot_have_one)
{
	need_root();
	EXPECT_ERRNO(syscall(SYS_clone, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
			     stack + sizeof(stack), 0, 0, 0),
		     EINVAL);
}

CASE(pid_namespace_joined)
{
	int p[2], fd;
	char path[64], c;
	long pid;
	pid_t child;

	need_root();
	OK(pipe(p));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		close(p[1]);
		read(p[0], &c, 1);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%ld/ns/pid", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	OK(fd);
	OK(setns(fd, CLONE_NEWPID));
	child = fork();
	if (!child)
		_exit(getpid() == 2 && getppid() == 0 ? 0 : getpid());
	expect_exit(child, 0);
	close(p[1]);
	expect_exit((pid_t)pid, 0);
	EXPECT_ERRNO(fork(), ENOMEM);
}

CASE(set_tid_in_two_namespaces)
{
	pid_t tids[2] = {1, 0}, dead = fork();
	struct clone_args a = {
	    .flags = CLONE_NEWPID, .exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids, .set_tid_size = 2};
	long pid;

	if (!dead)
		_exit(0);
	expect_exit(dead, 0);
	need_root();
	tids[1] = dead;
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (!pid)
		_exit(getpid() == 1 ? 0 : 1);
	EXPECT_EQ(pid, dead);
	expect_exit((pid_t)pid, 0);
	tids[0] = 5; /* a namespace begins with 1 */
	EXPECT_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
}

CASE(subreaper_stays_within_the_namespace)
{
	long pid;

	need_root();
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = clone_(CLONE_NEWPID);
	if (!pid) {
		pid_t child = fork();
		if (!child) {
			if (!fork()) {
				while (getppid() > 1)
					sleep_ms(5);
				_exit(getppid() == 1 ? 6 : 7);
			}
			_exit(0);
		}
		waitpid(child, NULL, 0);
		int status = 0;
		wait(&status);
		_exit(WEXITSTATUS(status));
	}
	expect_exit((pid_t)pid, 6);
}

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

static void map_self_to(uid_t inside, uid_t outside)
{
	char text[64];

	put("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1", inside, outside);
	put("/proc/self/uid_map", text);
	put("/proc/self/gid_map", text);
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
