/* credentials(7), capabilities(7), getrlimit(2), prctl(2), uname(2), sysinfo(2), getrandom(2), sched(7),
 * proc(5). */
#include "case.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

CASE(setuid_by_root_is_for_good)
{
	uid_t r, e, s;
	OK(setuid(1000));
	OK(getresuid(&r, &e, &s));
	EXPECT(r == 1000 && e == 1000 && s == 1000);
	EXPECT_ERRNO(setuid(0), EPERM);
	OK(setuid(1000));
}
CASE(seteuid_and_back)
{
	OK(seteuid(1000));
	EXPECT_EQ(geteuid(), 1000);
	EXPECT_EQ(getuid(), 0);
	OK(seteuid(0));
	EXPECT_EQ(geteuid(), 0);
}
CASE(setresuid_rules)
{
	uid_t r, e, s;
	OK(setresuid(1, 2, 3));
	OK(getresuid(&r, &e, &s));
	EXPECT(r == 1 && e == 2 && s == 3);
	EXPECT_ERRNO(setresuid(4, -1, -1), EPERM);
	OK(setresuid(3, 1, 2));
	OK(setresuid(-1, -1, -1));
	EXPECT_ERRNO(setreuid(9, -1), EPERM);
}
CASE(setreuid_sets_saved)
{
	uid_t r, e, s;
	OK(setreuid(5, 6));
	OK(getresuid(&r, &e, &s));
	EXPECT(r == 5 && e == 6 && s == 6);
}
CASE(group_ids)
{
	gid_t r, e, s;
	OK(setresgid(10, 20, 30));
	OK(getresgid(&r, &e, &s));
	EXPECT(r == 10 && e == 20 && s == 30);
	OK(setgid(40));
	EXPECT_EQ(getgid(), 40);
	OK(setuid(1000));
	EXPECT_ERRNO(setgid(0), EPERM);
	EXPECT_ERRNO(setresgid(1, 1, 1), EPERM);
}
CASE(supplementary_groups)
{
	gid_t set[3] = {100, 200, 300}, got[8];
	OK(setgroups(3, set));
	EXPECT_EQ(getgroups(0, NULL), 3);
	EXPECT_EQ(getgroups(8, got), 3);
	EXPECT(got[0] == 100 && got[2] == 300);
	EXPECT_ERRNO(getgroups(2, got), EINVAL);
	OK(setuid(1000));
	EXPECT_ERRNO(setgroups(0, NULL), EPERM);
}
CASE(supplementary_group_gives_access)
{
	gid_t g = 4321;
	close(make_file("f", "x"));
	OK(chown("f", 0, 4321));
	OK(chmod("f", 0640));
	OK(setgroups(1, &g));
	OK(setgid(65534));
	OK(setuid(65534));
	OK(open("f", O_RDONLY));
	EXPECT_ERRNO(open("f", O_WRONLY), EACCES);
}
CASE(setfsuid_returns_the_old)
{
	EXPECT_EQ(syscall(SYS_setfsuid, 1000), 0);
	EXPECT_EQ(syscall(SYS_setfsuid, -1), 1000);
	close(make_file("/tmp/fsuid-file", ""));
	struct stat st;
	OK(stat("/tmp/fsuid-file", &st));
	unlink("/tmp/fsuid-file");
	EXPECT_EQ(st.st_uid, 1000);
}
static struct __user_cap_data_struct caps[2];
static struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
CASE(capabilities_of_root_and_after)
{
	OK(syscall(SYS_capget, &head, caps));
	EXPECT(caps[0].effective & (1u << CAP_CHOWN));
	OK(setuid(1000));
	OK(syscall(SYS_capget, &head, caps));
	EXPECT_EQ(caps[0].effective, 0);
	EXPECT_EQ(caps[0].permitted, 0);
}
CASE(capset_drops)
{
	OK(syscall(SYS_capget, &head, caps));
	caps[0].effective &= ~(1u << CAP_KILL);
	caps[0].permitted &= ~(1u << CAP_KILL);
	OK(syscall(SYS_capset, &head, caps));
	caps[0].permitted |= 1u << CAP_KILL;
	EXPECT_ERRNO(syscall(SYS_capset, &head, caps), EPERM);
	struct __user_cap_header_struct bad = {0x1234, 0};
	EXPECT_ERRNO(syscall(SYS_capget, &bad, caps), EINVAL);
	EXPECT_EQ(bad.version, _LINUX_CAPABILITY_VERSION_3);
}
CASE(keepcaps)
{
	OK(prctl(PR_SET_KEEPCAPS, 1));
	OK(setuid(1000));
	OK(syscall(SYS_capget, &head, caps));
	EXPECT_EQ(caps[0].effective, 0);
	EXPECT(caps[0].permitted & (1u << CAP_CHOWN));
}
CASE(dac_override_is_what_root_has)
{
	close(make_file("f", "x"));
	OK(chmod("f", 0));
	OK(open("f", O_RDWR));
	OK(syscall(SYS_capget, &head, caps));
	caps[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
	OK(syscall(SYS_capset, &head, caps));
	EXPECT_ERRNO(open("f", O_RDONLY), EACCES);
}
CASE(no_new_privs)
{
	EXPECT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	EXPECT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	EXPECT_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
}
CASE(prctl_name)
{
	char name[16];
	OK(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	OK(prctl(PR_GET_NAME, name));
	EXPECT_STR(name, "a-name-that-is-");
	EXPECT_ERRNO(prctl(99999), EINVAL);
}
CASE(prctl_death_signal)
{
	int p[2];
	char c;
	OK(pipe(p));
	pid_t pid = fork();
	if (!pid) {
		pid_t g = fork();
		if (!g) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			EXPECT_EQ(write(p[1], "r", 1), 1);
			for (;;)
				pause();
		}
		EXPECT_EQ(read(p[0], &c, 1), 1);
		_exit(0);
	}
	expect_exit(pid, 0);
	close(p[1]);
	EXPECT_EQ(read(p[0], &c, 1), 0); /* the grandchild has gone too */
}
CASE(rlimit_get_set)
{
	struct rlimit r = {100, 200}, old;
	OK(setrlimit(RLIMIT_NOFILE, &r));
	OK(getrlimit(RLIMIT_NOFILE, &old));
	EXPECT(old.rlim_cur == 100 && old.rlim_max == 200);
	r.rlim_cur = 300;
	EXPECT_ERRNO(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
	EXPECT_ERRNO(getrlimit(99, &r), EINVAL);
	OK(setuid(1000));
	r = (struct rlimit){100, 201};
	EXPECT_ERRNO(setrlimit(RLIMIT_NOFILE, &r), EPERM);
}
CASE(rlimit_file_size)
{
	struct rlimit r = {10, 10};
	int fd = make_file("f", "");
	OK(setrlimit(RLIMIT_FSIZE, &r));
	EXPECT_EQ(write(fd, "0123456789abcdef", 16), 10);
	pid_t pid = fork();
	if (!pid) {
		write(fd, "x", 1);
		_exit(0);
	}
	expect_signal(pid, SIGXFSZ);
	signal(SIGXFSZ, SIG_IGN);
	EXPECT_ERRNO(write(fd, "x", 1), EFBIG);
	EXPECT_ERRNO(ftruncate(fd, 11), EFBIG);
}
CASE(rlimit_address_space)
{
	struct rlimit r = {1UL << 30, 1UL << 30};
	OK(setrlimit(RLIMIT_AS, &r));
	EXPECT(malloc(2UL << 30) == NULL);
}
CASE(prlimit_of_a_child)
{
	struct rlimit r = {50, 50}, old;
	pid_t pid = fork();
	if (!pid)
		for (;;)
			pause();
	OK(prlimit(pid, RLIMIT_NOFILE, &r, NULL));
	OK(prlimit(pid, RLIMIT_NOFILE, NULL, &old));
	EXPECT_EQ(old.rlim_cur, 50);
	EXPECT_ERRNO(prlimit(999999, RLIMIT_NOFILE, NULL, &old), ESRCH);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}
CASE(uname_fields)
{
	struct utsname u;
	OK(uname(&u));
	EXPECT_STR(u.sysname, "Linux");
	EXPECT_STR(u.machine, "x86_64");
	EXPECT(u.release[0] >= '5' && u.nodename[0]);
	EXPECT_ERRNO(syscall(SYS_uname, (void *)8), EFAULT);
}
CASE(sysinfo_fields)
{
	struct sysinfo s;
	OK(sysinfo(&s));
	EXPECT(s.totalram > 0 && s.procs > 0 && s.mem_unit > 0);
	EXPECT(s.freeram <= s.totalram);
}
CASE(getrandom_fills)
{
	unsigned char a[64] = {0}, b[64] = {0};
	EXPECT_EQ(getrandom(a, sizeof(a), 0), sizeof(a));
	EXPECT_EQ(getrandom(b, sizeof(b), GRND_NONBLOCK), sizeof(b));
	EXPECT(memcmp(a, b, sizeof(a)));
	EXPECT_ERRNO(getrandom(a, 1, 99), EINVAL);
	EXPECT_EQ(getrandom(a, 0, 0), 0);
}
CASE(times_and_rusage)
{
	struct rusage u;
	struct tms t;
	for (uint64_t end = now_ms() + 60; now_ms() < end;)
		;
	EXPECT(times(&t) != (clock_t)-1);
	OK(getrusage(RUSAGE_SELF, &u));
	EXPECT(u.ru_utime.tv_usec + u.ru_stime.tv_usec > 0 || u.ru_utime.tv_sec > 0);
	EXPECT_ERRNO(getrusage(99, &u), EINVAL);
}
CASE(affinity)
{
	cpu_set_t s;
	OK(sched_getaffinity(0, sizeof(s), &s));
	EXPECT(CPU_COUNT(&s) >= 1);
	OK(sched_setaffinity(0, sizeof(s), &s));
	CPU_ZERO(&s);
	EXPECT_ERRNO(sched_setaffinity(0, sizeof(s), &s), EINVAL);
	EXPECT_ERRNO(sched_getaffinity(999999, sizeof(s), &s), ESRCH);
}
CASE(priorities)
{
	OK(setpriority(PRIO_PROCESS, 0, 5));
	EXPECT_EQ(getpriority(PRIO_PROCESS, 0), 5);
	OK(setpriority(PRIO_PROCESS, 0, 100));
	EXPECT_EQ(getpriority(PRIO_PROCESS, 0), 19);
	EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
	EXPECT_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	EXPECT_ERRNO(sched_get_priority_max(77), EINVAL);
}

/* ---- /proc ---- */

static char text[8192];
static const char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, total = 0;
	OK(fd);
	while ((n = read(fd, text + total, sizeof(text) - 1 - (size_t)total)) > 0)
		total += n;
	EXPECT(n == 0);
	text[total] = 0;
	close(fd);
	return text;
}
CASE(proc_self_status)
{
	char want[64];
	snprintf(want, sizeof(want), "\nPid:\t%d\n", getpid());
	EXPECT(strstr(slurp("/proc/self/status"), want));
	snprintf(want, sizeof(want), "\nPPid:\t%d\n", getppid());
	EXPECT(strstr(text, want));
	EXPECT(strstr(text, "\nThreads:\t1\n"));
	OK(prctl(PR_SET_NAME, "renamed"));
	EXPECT(!strncmp(slurp("/proc/self/status"), "Name:\trenamed\n", 14));
	EXPECT_STR(slurp("/proc/self/comm"), "renamed\n");
}
CASE(proc_self_stat_fields)
{
	int pid, ppid, pgrp, session;
	char comm[32], state;
	EXPECT_EQ(sscanf(slurp("/proc/self/stat"), "%d (%31[^)]) %c %d %d %d", &pid, comm, &state, &ppid,
			 &pgrp, &session),
		  6);
	EXPECT_EQ(pid, getpid());
	EXPECT_EQ(state, 'R');
	EXPECT_EQ(ppid, getppid());
	EXPECT_EQ(pgrp, getpgrp());
	EXPECT_EQ(session, getsid(0));
}
CASE(proc_self_links)
{
	char a[300], cwd[300];
	ssize_t n = readlink("/proc/self/cwd", a, sizeof(a) - 1);
	EXPECT(n > 0);
	a[n] = 0;
	EXPECT(getcwd(cwd, sizeof(cwd)));
	EXPECT_STR(a, cwd);
	EXPECT(readlink("/proc/self/exe", a, sizeof(a)) > 0);
	n = readlink("/proc/self", a, sizeof(a) - 1);
	a[n > 0 ? n : 0] = 0;
	EXPECT_EQ(atoi(a), getpid());
}
CASE(proc_self_fd)
{
	char path[64], a[300], c[2];
	int fd = make_file("f", "ab"), p[2];
	ssize_t n;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, a, sizeof(a) - 1);
	EXPECT(n > 2 && !strncmp(a + n - 2, "/f", 2));
	int again = open(path, O_RDONLY);
	EXPECT_EQ(read(again, c, 2), 2);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0); /* a new open file, not a dup */
	OK(unlink("f"));
	n = readlink(path, a, sizeof(a) - 1);
	a[n] = 0;
	EXPECT(strstr(a, " (deleted)"));
	OK(pipe(p));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	n = readlink(path, a, sizeof(a) - 1);
	a[n] = 0;
	EXPECT(!strncmp(a, "pipe:[", 6));
	EXPECT(access("/proc/self/fd/999", F_OK) == -1 && errno == ENOENT);
}
CASE(proc_cmdline_and_environ)
{
	pid_t pid = fork();
	if (!pid) {
		char *argv[] = {(char *)"one", (char *)"--case", (char *)"helper_cmdline", NULL},
		     *envp[] = {(char *)"A=1", (char *)"B=2", NULL};
		execve("/proc/self/exe", argv, envp);
		_exit(100);
	}
	expect_exit(pid, 0);
}
CASE(helper_cmdline)
{
	if (!getenv("B"))
		return;
	slurp("/proc/self/cmdline");
	EXPECT(!memcmp(text, "one\0--case\0helper_cmdline\0", 27));
	slurp("/proc/self/environ");
	EXPECT(!memcmp(text, "A=1\0B=2\0", 9));
}
CASE(proc_of_a_child)
{
	char path[64];
	pid_t pid = fork();
	if (!pid)
		for (;;)
			pause();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	EXPECT(strstr(slurp(path), ") "));
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	EXPECT_ERRNO(open(path, O_RDONLY), ENOENT);
}
CASE(proc_system_files)
{
	EXPECT(strstr(slurp("/proc/meminfo"), "MemTotal:"));
	EXPECT(!strncmp(slurp("/proc/stat"), "cpu ", 4));
	EXPECT(strstr(slurp("/proc/cpuinfo"), "processor\t: 0\n"));
	EXPECT(atof(slurp("/proc/uptime")) >= 0);
	EXPECT_STR(slurp("/proc/sys/kernel/ostype"), "Linux\n");
	EXPECT(strlen(slurp("/proc/sys/kernel/random/uuid")) == 37);
	EXPECT(strstr(slurp("/proc/self/mounts"), " /proc proc "));
	EXPECT(strstr(slurp("/proc/filesystems"), "tmpfs"));
	EXPECT(strstr(slurp("/proc/self/limits"), "Max open files"));
}
CASE(proc_is_not_writable)
{
	EXPECT(open("/proc/new", O_CREAT | O_WRONLY, 0600) == -1);
	EXPECT(mkdir("/proc/new", 0700) == -1);
	EXPECT(unlink("/proc/meminfo") == -1);
}
