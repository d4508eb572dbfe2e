/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), waitid(2) with P_PIDFD, CLONE_PIDFD. */
#include "case.h"

#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open_(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_signal(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	EXPECT(pid > 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static short poll_now(int fd, int timeout)
{
	struct pollfd p = {fd, POLLIN, 0};

	EXPECT(poll(&p, 1, timeout) >= 0);
	return p.revents;
}

CASE(open_is_close_on_exec)
{
	int fd = pidfd_open_(getpid(), 0);

	OK(fd);
	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

CASE(open_nonblock)
{
	int fd = pidfd_open_(getpid(), O_NONBLOCK);

	OK(fd);
	EXPECT(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

CASE(open_bad_arguments)
{
	EXPECT_ERRNO(pidfd_open_(getpid(), 1), EINVAL);
	EXPECT_ERRNO(pidfd_open_(0, 0), EINVAL);
	EXPECT_ERRNO(pidfd_open_(-1, 0), EINVAL);
	EXPECT_ERRNO(pidfd_open_(4000000, 0), ESRCH);
}

CASE(open_of_reaped_process)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	EXPECT_ERRNO(pidfd_open_(pid, 0), ESRCH);
}

static int thread_main(void *arg)
{
	int *tid = arg;

	__atomic_store_n(tid, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (__atomic_load_n(tid, __ATOMIC_SEQ_CST) > 0)
		sleep_ms(5);
	return 0;
}

static char stack[65536] __attribute__((aligned(16)));

CASE(open_of_a_thread)
{
	static int tid;
	int fd;

	OK(clone(thread_main, stack + sizeof(stack),
		 CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, &tid));
	while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	EXPECT_ERRNO(pidfd_open_(tid, 0), ENOENT);
	fd = pidfd_open_(tid, O_EXCL /* PIDFD_THREAD */);
	OK(fd);
	EXPECT_EQ(poll_now(fd, 0), 0);
	__atomic_store_n(&tid, -1, __ATOMIC_SEQ_CST);
	EXPECT(poll_now(fd, 5000) & POLLIN);
}

CASE(read_and_seek_fail)
{
	int fd = pidfd_open_(getpid(), 0);
	char c;

	OK(fd);
	EXPECT_ERRNO(read(fd, &c, 1), EINVAL);
	EXPECT_ERRNO(write(fd, "x", 1), EINVAL);
	EXPECT_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);
}

CASE(poll_tells_the_end)
{
	pid_t pid = sleeper();
	int fd = pidfd_open_(pid, 0);

	OK(fd);
	EXPECT_EQ(poll_now(fd, 0), 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(poll_now(fd, 5000), POLLIN);
	expect_signal(pid, SIGKILL);
	EXPECT(poll_now(fd, 0) & POLLIN);
	EXPECT(poll_now(fd, 0) & POLLHUP);
}

CASE(epoll_tells_the_end)
{
	pid_t pid = sleeper();
	int fd = pidfd_open_(pid, 0), ep = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 7};

	OK(fd);
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	kill(pid, SIGTERM);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 5000), 1);
	EXPECT_EQ(ev.data.u32, 7);
	expect_signal(pid, SIGTERM);
}

CASE(signal_through_it)
{
	pid_t pid = sleeper();
	int fd = pidfd_open_(pid, 0);

	OK(pidfd_signal(fd, 0, NULL, 0));
	OK(pidfd_signal(fd, SIGUSR1, NULL, 0));
	expect_signal(pid, SIGUSR1);
	EXPECT_ERRNO(pidfd_signal(fd, SIGUSR1, NULL, 0), ESRCH);
	EXPECT_ERRNO(pidfd_signal(fd, 0, NULL, 0), ESRCH);
}

CASE(signal_bad_arguments)
{
	int fd = pidfd_open_(getpid(), 0), other = open("/", O_RDONLY);
	siginfo_t info = {.si_signo = SIGUSR2, .si_code = SI_QUEUE};

	EXPECT_ERRNO(pidfd_signal(fd, 0, NULL, 8), EINVAL);
	EXPECT_ERRNO(pidfd_signal(fd, 0, NULL, 3), EINVAL);
	EXPECT_ERRNO(pidfd_signal(fd, 65, NULL, 0), EINVAL);
	EXPECT_ERRNO(pidfd_signal(-1, 0, NULL, 0), EBADF);
	EXPECT_ERRNO(pidfd_signal(other, 0, NULL, 0), EBADF);
	EXPECT_ERRNO(pidfd_signal(fd, SIGUSR1, &info, 0), EINVAL);
	EXPECT_ERRNO(pidfd_signal(fd, SIGUSR1, (siginfo_t *)8, 0), EFAULT);
}

static volatile int got_value;

static void take(int sig, siginfo_t *info, void *ctx)
{
	got_value = info->si_value.sival_int;
}

CASE(signal_with_a_value)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	struct sigaction sa = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
	int fd = pidfd_open_(getpid(), 0);

	info.si_value.sival_int = 4711;
	sigaction(SIGUSR1, &sa, NULL);
	OK(pidfd_signal(fd, SIGUSR1, &info, 0));
	EXPECT_EQ(got_value, 4711);
}

CASE(signal_may_not_pretend_to_be_the_kernel)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_KERNEL};
	pid_t pid = sleeper();
	int fd = pidfd_open_(pid, 0);

	EXPECT_ERRNO(pidfd_signal(fd, SIGUSR1, &info, 0), EPERM);
	end(pid);
}

CASE(signal_a_process_group)
{
	pid_t pid = sleeper();
	int fd;

	OK(setpgid(pid, pid));
	fd = pidfd_open_(pid, 0);
	OK(pidfd_signal(fd, SIGTERM, NULL, 4 /* PIDFD_SIGNAL_PROCESS_GROUP */));
	expect_signal(pid, SIGTERM);
}

CASE(signal_through_a_proc_directory)
{
	pid_t pid = sleeper();
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	OK(fd);
	OK(pidfd_signal(fd, SIGTERM, NULL, 0));
	expect_signal(pid, SIGTERM);
}

CASE(wait_by_pidfd)
{
	pid_t pid = fork();
	siginfo_t info = {0};
	int fd;

	if (!pid)
		_exit(9);
	fd = pidfd_open_(pid, 0);
	OK(fd);
	OK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
	EXPECT_EQ(info.si_pid, pid);
	EXPECT_EQ(info.si_status, 9);
	EXPECT_EQ(info.si_code, CLD_EXITED);
	EXPECT_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
}

CASE(wait_on_nonblocking_pidfd)
{
	pid_t pid = sleeper();
	siginfo_t info = {0};
	int fd = pidfd_open_(pid, O_NONBLOCK);

	EXPECT_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
	OK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
	EXPECT_EQ(info.si_pid, 0);
	end(pid);
}

CASE(wait_by_pidfd_of_no_child)
{
	int fd = pidfd_open_(getppid(), 0);
	siginfo_t info;

	OK(fd);
	EXPECT_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
	EXPECT_ERRNO(waitid(P_PIDFD, 999, &info, WEXITED), EBADF);
	EXPECT_ERRNO(waitid(P_PIDFD, (id_t)-1, &info, WEXITED), EINVAL);
	fd = open("/", O_RDONLY);
	EXPECT_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EBADF);
}

CASE(getfd_duplicates)
{
	int p[2], fd, copy;
	pid_t pid;
	char c;

	OK(pipe(p));
	pid = sleeper();
	close(p[1]);
	fd = pidfd_open_(pid, 0);
	copy = (int)syscall(SYS_pidfd_getfd, fd, p[1], 0);
	OK(copy);
	EXPECT_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(write(copy, "x", 1), 1);
	EXPECT_EQ(read(p[0], &c, 1), 1);
	end(pid);
}

CASE(getfd_bad_arguments)
{
	pid_t pid = sleeper();
	int fd = pidfd_open_(pid, 0);

	EXPECT_ERRNO(syscall(SYS_pidfd_getfd, fd, 0, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_pidfd_getfd, fd, 900, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_pidfd_getfd, 900, 0, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_pidfd_getfd, 1, 0, 0), EBADF);
	end(pid);
	EXPECT_ERRNO(syscall(SYS_pidfd_getfd, fd, 0, 0), ESRCH);
}

CASE(fdinfo_names_the_process)
{
	pid_t pid = sleeper();
	int fd = pidfd_open_(pid, 0), info, n;
	char path[64], buf[600], want[40];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	OK(info);
	n = (int)read(info, buf, sizeof(buf) - 1);
	EXPECT(n > 0);
	buf[n] = 0;
	snprintf(want, sizeof(want), "\nPid:\t%d\n", pid);
	EXPECT(strstr(buf, want));
	EXPECT(strstr(buf, "NSpid:\t"));
	end(pid);
	info = open(path, O_RDONLY);
	n = (int)read(info, buf, sizeof(buf) - 1);
	buf[n] = 0;
	EXPECT(strstr(buf, "\nPid:\t-1\n"));
}

CASE(two_pidfds_are_one_inode)
{
	pid_t pid = sleeper();
	int a = pidfd_open_(pid, 0), b = pidfd_open_(pid, 0), self = pidfd_open_(getpid(), 0);
	struct stat sa, sb, sc;

	OK(fstat(a, &sa));
	OK(fstat(b, &sb));
	OK(fstat(self, &sc));
	EXPECT_EQ(sa.st_ino, sb.st_ino);
	EXPECT(sa.st_ino != sc.st_ino);
	end(pid);
}

struct pidfd_info_ {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
	uint32_t coredump[2];
};
#define GET_INFO _IOWR(0xff, 11, struct pidfd_info_)

CASE(get_info_of_a_child)
{
	struct pidfd_info_ info = {.mask = 3};
	pid_t pid = sleeper();
	int fd = pidfd_open_(pid, 0);

	if (ioctl(fd, GET_INFO, &info) < 0 && errno == ENOTTY)
		case_skip("a kernel before 6.13");
	EXPECT_EQ(info.mask & 3, 3);
	EXPECT_EQ(info.pid, pid);
	EXPECT_EQ(info.tgid, pid);
	EXPECT_EQ(info.ppid, getpid());
	EXPECT_EQ(info.ruid, getuid());
	EXPECT_EQ(info.egid, getegid());
	end(pid);
	info.mask = 3;
	EXPECT_ERRNO(ioctl(fd, GET_INFO, &info), ESRCH);
}

CASE(get_info_after_the_end)
{
	struct pidfd_info_ info = {.mask = 8};
	pid_t pid = fork();
	int fd;

	if (!pid)
		_exit(5);
	fd = pidfd_open_(pid, 0);
	expect_exit(pid, 5);
	if (ioctl(fd, GET_INFO, &info) < 0)
		case_skip("a kernel before 6.15");
	EXPECT(info.mask & 8);
	EXPECT_EQ(info.exit_code, 5 << 8);
}

CASE(ioctl_bad_commands)
{
	int fd = pidfd_open_(getpid(), 0);

	EXPECT_ERRNO(ioctl(fd, _IO(0xff, 40), 0), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, _IO('x', 1), 0), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, _IO(0xff, 10), 1), EINVAL);
}

CASE(ioctl_gives_namespaces)
{
	int fd = pidfd_open_(getpid(), 0), ns;
	struct stat a, b;

	ns = ioctl(fd, _IO(0xff, 10) /* PIDFD_GET_UTS_NAMESPACE */, 0);
	OK(ns);
	OK(fstat(ns, &a));
	OK(stat("/proc/self/ns/uts", &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_EQ(a.st_dev, b.st_dev);
	ns = ioctl(fd, _IO(0xff, 9) /* USER */, 0);
	OK(ns);
	OK(fstat(ns, &a));
	OK(stat("/proc/self/ns/user", &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
}

/* ---- clone and clone3 ---- */

static long clone3_(struct clone_args *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

static long raw_clone(unsigned long flags, void *ptid)
{
	return syscall(SYS_clone, flags, 0, ptid, 0, 0);
}

CASE(clone_gives_a_pidfd)
{
	int fd = -1;
	long pid = raw_clone(CLONE_PIDFD | SIGCHLD, &fd);

	if (!pid)
		_exit(fcntl(fd, F_GETFD) == -1 && errno == EBADF ? 3 : 4); /* the child has none */
	OK(pid);
	EXPECT(fd >= 0);
	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT(poll_now(fd, 5000) & POLLIN);
	expect_exit((pid_t)pid, 3);
}

CASE(clone_pidfd_and_parent_settid)
{
	int fd;

	EXPECT_ERRNO(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, &fd), EINVAL);
	EXPECT_ERRNO(raw_clone(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, &fd), EINVAL);
}

CASE(clone_pidfd_to_a_bad_address)
{
	EXPECT_ERRNO(raw_clone(CLONE_PIDFD | SIGCHLD, (void *)8), EFAULT);
	EXPECT_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	EXPECT_EQ(open("/", O_RDONLY), 3); /* nothing leaked */
}

CASE(clone3_gives_a_pidfd)
{
	int fd = -1;
	struct clone_args a = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
	long pid = clone3_(&a, sizeof(a));

	if (!pid)
		_exit(0);
	OK(pid);
	EXPECT(fd >= 0);
	expect_exit((pid_t)pid, 0);
}

CASE(clone3_without_exit_signal)
{
	struct clone_args a = {0};
	long pid = clone3_(&a, sizeof(a));
	int status;

	if (!pid)
		_exit(2);
	OK(pid);
	EXPECT_ERRNO(waitpid((pid_t)pid, &status, 0), ECHILD);
	EXPECT_EQ(waitpid((pid_t)pid, &status, __WALL), pid);
	EXPECT_EQ(WEXITSTATUS(status), 2);
}

CASE(clone3_sizes)
{
	struct {
		struct clone_args a;
		char more[64];
	} x = {.a = {.exit_signal = SIGCHLD}};
	long pid;

	EXPECT_ERRNO(clone3_(&x.a, 0), EINVAL);
	EXPECT_ERRNO(clone3_(&x.a, 56), EINVAL);
	EXPECT_ERRNO(clone3_(&x.a, 5000), E2BIG);
	x.more[10] = 1;
	EXPECT_ERRNO(clone3_(&x.a, sizeof(x)), E2BIG);
	x.more[10] = 0;
	pid = clone3_(&x.a, sizeof(x));
	if (!pid)
		_exit(0);
	expect_exit((pid_t)pid, 0);
	pid = clone3_(&x.a, 64);
	if (!pid)
		_exit(0);
	expect_exit((pid_t)pid, 0);
	EXPECT_ERRNO(clone3_((struct clone_args *)8, sizeof(x.a)), EFAULT);
}

static void refused3(struct clone_args a, int code)
{
	long pid = clone3_(&a, sizeof(a));

	if (!pid)
		_exit(1);
	EXPECT_EQ(pid, -1);
	EXPECT_EQ(errno, code);
}

CASE(clone3_refusals)
{
	pid_t tids[40] = {0};

	refused3((struct clone_args){.flags = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.flags = CLONE_DETACHED, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.flags = 1ULL << 40, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.exit_signal = 65}, EINVAL);
	refused3((struct clone_args){.exit_signal = 256}, EINVAL);
	refused3(
	    (struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD},
	    EINVAL);
	refused3((struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.flags = CLONE_SIGHAND, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.flags = CLONE_THREAD, .exit_signal = 0}, EINVAL);
	refused3((struct clone_args){.flags = CLONE_FS | CLONE_NEWNS, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.flags = CLONE_FS | CLONE_NEWUSER, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.stack = 4096, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.stack_size = 4096, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.stack = ~0ULL - 4095, .stack_size = 8192, .exit_signal = SIGCHLD},
		 EINVAL);
	refused3((struct clone_args){.set_tid_size = 1, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.set_tid = (uintptr_t)tids, .exit_signal = SIGCHLD}, EINVAL);
	refused3((struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 33, .exit_signal = SIGCHLD},
		 EINVAL);
	refused3((struct clone_args){.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM,
				     .exit_signal = SIGCHLD},
		 EINVAL);
	refused3((struct clone_args){.flags = CLONE_NEWIPC | CLONE_SYSVSEM, .exit_signal = SIGCHLD}, EINVAL);
}

CASE(clone3_into_cgroup_refusals)
{
	int dir = open("/", O_RDONLY | O_DIRECTORY);

	refused3((struct clone_args){.flags = CLONE_INTO_CGROUP,
				     .cgroup = (uint64_t)1 << 40,
				     .exit_signal = SIGCHLD},
		 EINVAL);
	refused3((struct clone_args){.flags = CLONE_INTO_CGROUP, .cgroup = 900, .exit_signal = SIGCHLD},
		 EBADF);
	refused3(
	    (struct clone_args){.flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)dir, .exit_signal = SIGCHLD},
	    EBADF);
}

CASE(clone3_set_tid)
{
	pid_t free_pid = fork(), tid[1];
	struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)tid, .set_tid_size = 1};
	long pid;

	if (!free_pid)
		_exit(0);
	expect_exit(free_pid, 0);
	tid[0] = free_pid;
	pid = clone3_(&a, sizeof(a));
	if (!pid)
		_exit(getpid() == free_pid ? 0 : 1);
	if (pid < 0 && errno == EPERM)
		case_skip("needs CAP_SYS_ADMIN");
	EXPECT_EQ(pid, free_pid);
	expect_exit((pid_t)pid, 0);
}

CASE(clone3_set_tid_refusals)
{
	pid_t tid[40] = {getpid()};
	struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)tid, .set_tid_size = 1};

	if (geteuid())
		case_skip("needs root");
	refused3(a, EEXIST);
	tid[0] = 0;
	refused3(a, EINVAL);
	tid[0] = -1;
	refused3(a, EINVAL);
	a.set_tid_size = 30;
	refused3(a, EINVAL);
	a.set_tid_size = 1;
	a.set_tid = 8;
	refused3(a, EFAULT);
}

CASE(clone3_set_tid_needs_privilege)
{
	pid_t tid[1] = {31999};
	struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)tid, .set_tid_size = 1};

	if (!geteuid())
		OK(setresuid(1000, 1000, 1000));
	refused3(a, EPERM);
}

static void nothing(int sig)
{
}

CASE(clone3_clear_sighand)
{
	struct clone_args a = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	struct sigaction sa;
	long pid;

	signal(SIGUSR1, nothing);
	signal(SIGUSR2, SIG_IGN);
	pid = clone3_(&a, sizeof(a));
	if (!pid) {
		sigaction(SIGUSR1, NULL, &sa);
		if (sa.sa_handler != SIG_DFL)
			_exit(1);
		sigaction(SIGUSR2, NULL, &sa);
		_exit(sa.sa_handler != SIG_IGN ? 2 : 0);
	}
	OK(pid);
	expect_exit((pid_t)pid, 0);
	sigaction(SIGUSR1, NULL, &sa);
	EXPECT(sa.sa_handler == nothing);
}

CASE(clone_parent_makes_a_sibling)
{
	pid_t pid = fork();

	if (!pid) {
		pid_t parent = getppid();
		long sibling = raw_clone(CLONE_PARENT, NULL);
		if (!sibling)
			_exit(getppid() == parent ? 7 : 8);
		_exit(waitpid((pid_t)sibling, NULL, 0) == -1 && errno == ECHILD ? 6 : 5);
	}
	for (int i = 0; i < 2; i++) {
		int status;
		pid_t got = waitpid(-1, &status, 0);
		EXPECT(got > 0);
		EXPECT_EQ(WEXITSTATUS(status), got == pid ? 6 : 7);
	}
}

CASE(exit_signal_other_than_sigchld)
{
	long pid;
	int status;

	signal(SIGUSR1, SIG_IGN);
	pid = raw_clone(SIGUSR1, NULL);
	if (!pid)
		_exit(1);
	OK(pid);
	EXPECT_ERRNO(waitpid((pid_t)pid, &status, 0), ECHILD);
	EXPECT_EQ(waitpid((pid_t)pid, &status, __WCLONE), pid);
}
