/*
 * test_old_forms.c - calls that libc no longer makes, but static programs, other libcs and old binaries do,
 * by number: each does what its successor does, with the older structure or rounding.
 */
#include "case.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/times.h>
#include <utime.h>

CASE(stat_and_lstat_by_number)
{
	struct stat st, ln;

	close(make_file("f", "12345"));
	OK(symlink("f", "l"));
	OK(syscall(SYS_stat, "l", &st));
	OK(syscall(SYS_lstat, "l", &ln));
	EXPECT(S_ISREG(st.st_mode) && S_ISLNK(ln.st_mode));
	EXPECT_EQ(st.st_size, 5);
	EXPECT_EQ(ln.st_size, 1);
	EXPECT_ERRNO(syscall(SYS_stat, "none", &st), ENOENT);
	EXPECT_ERRNO(syscall(SYS_lstat, "f/x", &st), ENOTDIR);
	EXPECT_ERRNO(syscall(SYS_stat, "f", 8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_stat, "", &st), ENOENT);
}

CASE(fstat_by_number)
{
	struct stat st;
	int fd = make_file("f", "abc");

	OK(syscall(SYS_fstat, fd, &st));
	EXPECT_EQ(st.st_size, 3);
	EXPECT_ERRNO(syscall(SYS_fstat, -1, &st), EBADF);
	EXPECT_ERRNO(syscall(SYS_fstat, fd, 8), EFAULT);
}

CASE(open_and_creat_by_number)
{
	int fd = (int)syscall(SYS_open, "f", O_RDWR | O_CREAT | O_EXCL, 0640);

	OK(fd);
	EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	EXPECT_ERRNO(syscall(SYS_open, "f", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	EXPECT_ERRNO(syscall(SYS_creat, "none/f", 0600), ENOENT);
	EXPECT_ERRNO(syscall(SYS_creat, ".", 0600), EISDIR);
}

CASE(pipe_by_number)
{
	int p[2] = {-7, -7};
	char c;

	OK(syscall(SYS_pipe, p));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(read(p[0], &c, 1), 1);
	EXPECT_EQ(fcntl(p[0], F_GETFD), 0);
	EXPECT_ERRNO(syscall(SYS_pipe, 8), EFAULT);
	/* the pipe that could not be told of is not left open */
	EXPECT_EQ(dup(p[0]), p[1] + 1);
}

CASE(select_by_number)
{
	struct timeval none = {0, 0}, bad = {0, -1};
	fd_set set;
	int p[2];

	OK(pipe(p));
	FD_ZERO(&set);
	FD_SET(p[1], &set);
	EXPECT_EQ(syscall(SYS_select, p[1] + 1, NULL, &set, NULL, &none), 1);
	EXPECT_EQ(syscall(SYS_select, p[0] + 1, NULL, NULL, NULL, &none), 0);
	EXPECT_ERRNO(syscall(SYS_select, -1, NULL, NULL, NULL, &none), EINVAL);
	EXPECT_ERRNO(syscall(SYS_select, 1, NULL, NULL, NULL, &bad), EINVAL);
	close(p[1]);
	EXPECT_ERRNO(syscall(SYS_select, p[1] + 1, NULL, &set, NULL, &none), EBADF);
	EXPECT_ERRNO(syscall(SYS_select, 1, 8, NULL, NULL, &none), EFAULT);
}

static void on_signal(int sig)
{
}

CASE(pause_by_number)
{
	struct sigaction sa = {.sa_handler = on_signal};
	pid_t parent = getpid(), pid;

	OK(sigaction(SIGUSR1, &sa, NULL));
	pid = fork();
	if (!pid) {
		for (;;) { /* it may come before the pause */
			sleep_ms(50);
			kill(parent, SIGUSR1);
		}
	}
	EXPECT_ERRNO(syscall(SYS_pause), EINTR);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}

CASE(time_and_gettimeofday_by_number)
{
	struct timeval tv = {0, -1};
	struct timezone tz = {77, 77};
	time_t t = 0, r = syscall(SYS_time, &t);

	EXPECT(r > 1600000000 && r == t);
	EXPECT(syscall(SYS_time, NULL) >= t);
	EXPECT_ERRNO(syscall(SYS_time, 8), EFAULT);
	OK(syscall(SYS_gettimeofday, &tv, &tz));
	EXPECT(tv.tv_sec >= t && tv.tv_sec - t < 60 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
	EXPECT(tz.tz_minuteswest != 77);
	EXPECT_ERRNO(syscall(SYS_gettimeofday, 8, NULL), EFAULT);
}

CASE(nanosleep_by_number)
{
	struct timespec ts = {0, 2000000}, bad = {0, 1000000000}, negative = {-1, 0};
	uint64_t from = now_ms();

	OK(syscall(SYS_nanosleep, &ts, NULL));
	EXPECT(now_ms() - from >= 1);
	EXPECT_ERRNO(syscall(SYS_nanosleep, &bad, NULL), EINVAL);
	EXPECT_ERRNO(syscall(SYS_nanosleep, &negative, NULL), EINVAL);
	EXPECT_ERRNO(syscall(SYS_nanosleep, 8, NULL), EFAULT);
}

CASE(getdents_of_the_old_kind)
{
	struct entry {
		unsigned long ino, off;
		unsigned short len;
		char name[];
	} * e;
	_Alignas(8) char buf[2048];
	int fd, seen = 0;
	long n;

	close(make_file("one", ""));
	OK(mkdir("two", 0755));
	fd = open(".", O_RDONLY | O_DIRECTORY);
	while ((n = syscall(SYS_getdents, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n; at += e->len) {
			e = (struct entry *)(buf + at);
			/* the type is the last byte of the record */
			if (!strcmp(e->name, "one"))
				seen += buf[at + e->len - 1] == 8 /* DT_REG */;
			if (!strcmp(e->name, "two"))
				seen += 10 * (buf[at + e->len - 1] == 4 /* DT_DIR */);
			EXPECT(e->ino && e->len % 8 == 0);
		}
	EXPECT_EQ(n, 0);
	EXPECT_EQ(seen, 11);
	OK(lseek(fd, 0, SEEK_SET));
	EXPECT_ERRNO(syscall(SYS_getdents, fd, buf, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_getdents, 0x7000, buf, sizeof(buf)), EBADF);
	EXPECT_ERRNO(syscall(SYS_getdents, open("one", O_RDONLY), buf, sizeof(buf)), ENOTDIR);
}

CASE(utime_sets_whole_seconds)
{
	struct utimbuf t = {1000, 2000};
	struct stat st;

	close(make_file("f", ""));
	OK(syscall(SYS_utime, "f", &t));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_atime, 1000);
	EXPECT_EQ(st.st_mtime, 2000);
	EXPECT_EQ(st.st_mtim.tv_nsec, 0);
	OK(syscall(SYS_utime, "f", NULL));
	OK(stat("f", &st));
	EXPECT(st.st_mtime > 1600000000);
	EXPECT_ERRNO(syscall(SYS_utime, "none", &t), ENOENT);
	EXPECT_ERRNO(syscall(SYS_utime, "f", 8), EFAULT);
}

CASE(utimes_and_futimesat_take_microseconds)
{
	struct timeval tv[2] = {{1000, 1}, {2000, 999999}}, bad[2] = {{1, 0}, {2, 1000000}};
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	struct stat st;

	close(make_file("f", ""));
	OK(syscall(SYS_utimes, "f", tv));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_atim.tv_nsec, 1000);
	EXPECT_EQ(st.st_mtim.tv_nsec, 999999000);
	EXPECT_ERRNO(syscall(SYS_utimes, "f", bad), EINVAL);
	EXPECT_ERRNO(syscall(SYS_utimes, "none", tv), ENOENT);
	tv[1].tv_sec = 3000;
	OK(syscall(SYS_futimesat, dir, "f", tv));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mtime, 3000);
	EXPECT_ERRNO(syscall(SYS_futimesat, dir, "f", bad), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futimesat, -1, "f", tv), EBADF);
	/* without a name: the descriptor's own file */
	OK(syscall(SYS_futimesat, open("f", O_RDONLY), NULL, tv));
}

CASE(utime_by_another_user)
{
	struct utimbuf t = {1000, 2000};
	pid_t pid;

	close(make_file("f", ""));
	OK(chmod("f", 0666));
	close(make_file("g", ""));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		/* now: who may write; another time: the owner */
		OK(syscall(SYS_utime, "f", NULL));
		EXPECT_ERRNO(syscall(SYS_utime, "f", &t), EPERM);
		EXPECT_ERRNO(syscall(SYS_utime, "g", NULL), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(mknod_by_number)
{
	struct stat st;

	OK(syscall(SYS_mknod, "p", S_IFIFO | 0600, 0));
	OK(stat("p", &st));
	EXPECT(S_ISFIFO(st.st_mode));
	OK(syscall(SYS_mknod, "plain", 0640, 0)); /* no type: a file */
	OK(stat("plain", &st));
	EXPECT(S_ISREG(st.st_mode));
	EXPECT_ERRNO(syscall(SYS_mknod, "p", S_IFIFO | 0600, 0), EEXIST);
	EXPECT_ERRNO(syscall(SYS_mknod, "d", S_IFDIR | 0700, 0), EPERM);
	EXPECT_ERRNO(syscall(SYS_mknod, "l", S_IFLNK | 0700, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_mknod, "none/p", S_IFIFO | 0600, 0), ENOENT);
}

CASE(renameat_symlinkat_mkdirat_by_number)
{
	int dir;
	char buf[8];

	OK(syscall(SYS_mkdirat, AT_FDCWD, "d", 0755));
	dir = open("d", O_RDONLY | O_DIRECTORY);
	EXPECT_ERRNO(syscall(SYS_mkdirat, dir, "../d", 0755), EEXIST);
	EXPECT_ERRNO(syscall(SYS_mkdirat, -1, "x", 0755), EBADF);
	OK(syscall(SYS_symlinkat, "target", dir, "l"));
	EXPECT_ERRNO(syscall(SYS_symlinkat, "target", dir, "l"), EEXIST);
	EXPECT_ERRNO(syscall(SYS_symlinkat, "", dir, "m"), ENOENT);
	OK(syscall(SYS_renameat, dir, "l", AT_FDCWD, "moved"));
	EXPECT_EQ(syscall(SYS_readlinkat, AT_FDCWD, "moved", buf, 3), 3);
	EXPECT(!memcmp(buf, "tar", 3));
	EXPECT_ERRNO(syscall(SYS_renameat, dir, "l", AT_FDCWD, "moved"), ENOENT);
	EXPECT_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "moved", buf, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "d", buf, 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_readlinkat, AT_FDCWD, "moved", 8, 8), EFAULT);
}

CASE(chown_family_bad_ends)
{
	int fd = make_file("f", "");
	pid_t pid;

	OK(symlink("none", "l"));
	OK(lchown("l", 5, 6));
	EXPECT_ERRNO(chown("l", 5, 6), ENOENT);
	EXPECT_ERRNO(fchown(-1, 0, 0), EBADF);
	EXPECT_ERRNO(fchownat(AT_FDCWD, "f", 0, 0, 0x8000), EINVAL);
	EXPECT_ERRNO(fchownat(AT_FDCWD, "none", 0, 0, 0), ENOENT);
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(fchown(fd, 65534, -1), EPERM);
		EXPECT_ERRNO(lchown("l", 65534, -1), EPERM);
		EXPECT_ERRNO(syscall(SYS_fchmodat, AT_FDCWD, "f", 0777), EPERM);
		/* leaving all as it is needs no right of change */
		OK(fchown(fd, -1, -1));
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(chown_ignores_o_path_descriptors)
{
	int fd;

	close(make_file("f", ""));
	fd = open("f", O_PATH);
	EXPECT_ERRNO(fchown(fd, 1, 1), EBADF);
	OK(fchownat(fd, "", 1, 1, AT_EMPTY_PATH));
}

CASE(fchmodat_and_its_successor)
{
	struct stat st;
	int fd;

	close(make_file("f", ""));
	OK(symlink("f", "l"));
	OK(syscall(SYS_fchmodat, AT_FDCWD, "l", 0604));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mode & 07777, 0604);
	EXPECT_ERRNO(syscall(SYS_fchmodat, AT_FDCWD, "none", 0604), ENOENT);
	/* fchmodat2(2), Linux 6.6 */
	OK(syscall(452, AT_FDCWD, "f", 0640, AT_SYMLINK_NOFOLLOW));
	EXPECT_ERRNO(syscall(452, AT_FDCWD, "l", 0640, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
	EXPECT_ERRNO(syscall(452, AT_FDCWD, "f", 0640, AT_REMOVEDIR), EINVAL);
	fd = open("f", O_PATH);
	OK(syscall(452, fd, "", 0600, AT_EMPTY_PATH));
	OK(stat("f", &st));
	EXPECT_EQ(st.st_mode & 07777, 0600);
}

CASE(faccessat_and_its_successor)
{
	int fd = make_file("f", "");

	OK(syscall(SYS_faccessat, AT_FDCWD, "f", R_OK | W_OK));
	EXPECT_ERRNO(syscall(SYS_faccessat, AT_FDCWD, "f", 8), EINVAL);
	EXPECT_ERRNO(syscall(SYS_faccessat, AT_FDCWD, "f", X_OK), EACCES); /* root too needs one x */
	EXPECT_ERRNO(syscall(SYS_faccessat, fd, "x", F_OK), ENOTDIR);
	EXPECT_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, "f", F_OK, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, "none", F_OK, 0), ENOENT);
	OK(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
	OK(symlink("none", "l"));
	OK(syscall(SYS_faccessat2, AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW));
}

CASE(getrlimit_and_setrlimit_by_number)
{
	struct rlimit l, m = {100, 200};

	OK(syscall(SYS_getrlimit, RLIMIT_NOFILE, &l));
	EXPECT(l.rlim_cur <= l.rlim_max);
	OK(syscall(SYS_setrlimit, RLIMIT_NOFILE, &m));
	OK(syscall(SYS_getrlimit, RLIMIT_NOFILE, &l));
	EXPECT_EQ(l.rlim_cur, 100);
	EXPECT_EQ(l.rlim_max, 200);
	EXPECT_ERRNO(syscall(SYS_getrlimit, 16, &l), EINVAL);
	EXPECT_ERRNO(syscall(SYS_getrlimit, RLIMIT_NOFILE, 8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_setrlimit, 16, &m), EINVAL);
	m.rlim_cur = 201;
	EXPECT_ERRNO(syscall(SYS_setrlimit, RLIMIT_NOFILE, &m), EINVAL); /* soft above hard */
	EXPECT_ERRNO(syscall(SYS_setrlimit, RLIMIT_NOFILE, 8), EFAULT);
}

CASE(signalfd_of_the_first_kind)
{
	struct signalfd_siginfo si;
	uint64_t mask = 1ULL << (SIGUSR1 - 1);
	int fd;

	OK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8));
	fd = (int)syscall(SYS_signalfd, -1, &mask, 8);
	OK(fd);
	EXPECT_EQ(fcntl(fd, F_GETFD), 0);
	OK(kill(getpid(), SIGUSR1));
	EXPECT_EQ(read(fd, &si, sizeof(si)), sizeof(si));
	EXPECT_EQ(si.ssi_signo, SIGUSR1);
	EXPECT_ERRNO(syscall(SYS_signalfd, -1, &mask, 4), EINVAL);
	EXPECT_ERRNO(syscall(SYS_signalfd, 0x7000, &mask, 8), EBADF);
	EXPECT_ERRNO(syscall(SYS_signalfd4, -1, &mask, 8, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_signalfd4, open(".", O_RDONLY), &mask, 8, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
}

CASE(eventfd_of_the_first_kind)
{
	struct rlimit l = {20, 20};
	uint64_t v;
	int fd = (int)syscall(SYS_eventfd, 5);

	OK(fd);
	EXPECT_EQ(read(fd, &v, 8), 8);
	EXPECT_EQ(v, 5);
	EXPECT_EQ(fcntl(fd, F_GETFD), 0);
	OK(setrlimit(RLIMIT_NOFILE, &l));
	while (dup(fd) >= 0)
		;
	EXPECT_ERRNO(syscall(SYS_eventfd, 0), EMFILE);
	EXPECT_ERRNO(syscall(SYS_inotify_init), EMFILE);
	EXPECT_ERRNO(syscall(SYS_epoll_create1, 0), EMFILE);
}

CASE(epoll_create_with_a_size)
{
	OK(syscall(SYS_epoll_create, 1));
	EXPECT_ERRNO(syscall(SYS_epoll_create, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_epoll_create, -1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_epoll_create1, 1), EINVAL);
}

CASE(alarm_counts_in_whole_seconds)
{
	/* rounded to the nearest, and never to none while it runs */
	EXPECT(alarm(100) <= 10);
	EXPECT_EQ(syscall(SYS_alarm, 7), 100);
	EXPECT_EQ(syscall(SYS_alarm, 10), 7);
}

CASE(vfork_and_fork_by_number)
{
	pid_t pid = (pid_t)syscall(SYS_fork);

	if (!pid)
		_exit(3);
	expect_exit(pid, 3);
}

CASE(getitimer_bad_ends)
{
	struct itimerval it;

	EXPECT_ERRNO(syscall(SYS_getitimer, 3, &it), EINVAL);
	EXPECT_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, 8), EFAULT);
	it = (struct itimerval){{0, 0}, {0, 1000000}};
	EXPECT_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL), EINVAL);
}

CASE(times_counts_ticks)
{
	struct tms t;
	clock_t from = (clock_t)syscall(SYS_times, &t);

	sleep_ms(30);
	EXPECT(syscall(SYS_times, NULL) - from >= 2);
	EXPECT_ERRNO(syscall(SYS_times, 8), EFAULT);
}

CASE(ids_that_cannot_be_told)
{
	uid_t id;

	EXPECT_ERRNO(syscall(SYS_getresuid, &id, &id, 8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_getresgid, 8, &id, &id), EFAULT);
	EXPECT_ERRNO(syscall(SYS_sysinfo, 8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_statfs, "none", &id), ENOENT);
	EXPECT_ERRNO(syscall(SYS_fstatfs, -1, &id), EBADF);
	EXPECT_ERRNO(syscall(SYS_getsid, 0x3fffffff), ESRCH);
	EXPECT_ERRNO(syscall(SYS_getpgid, 0x3fffffff), ESRCH);
}

CASE(socket_calls_that_cannot_write)
{
	socklen_t len = 0;
	char buf[110];

	EXPECT_ERRNO(syscall(SYS_socketpair, 1, 1, 0, 8), EFAULT);
	EXPECT_ERRNO(syscall(SYS_socketpair, 1, 77, 0, buf), EINVAL);
	EXPECT_ERRNO(syscall(SYS_getsockname, 0, buf, &len), ENOTSOCK);
}

CASE(restart_syscall_without_one)
{
	EXPECT_ERRNO(syscall(SYS_restart_syscall), EINTR);
}
