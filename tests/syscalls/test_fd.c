/* dup(2), fcntl(2), flock(2), record locks, close_range(2), pipe(2), FIFOs. */
#include "case.h"

#include <linux/close_range.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

static char buf[8192];

CASE(dup_lowest_and_flags)
{
	int fd = make_file("f", ""), d;
	OK(fcntl(fd, F_SETFD, FD_CLOEXEC));
	d = dup(fd);
	EXPECT_EQ(d, fd + 1);
	EXPECT_EQ(fcntl(d, F_GETFD), 0);
	EXPECT_ERRNO(dup(99), EBADF);
}
CASE(dup2_semantics)
{
	int fd = make_file("f", "abc");
	EXPECT_EQ(dup2(fd, 20), 20);
	EXPECT_EQ(read(20, buf, 3), 3);
	EXPECT_EQ(dup2(fd, fd), fd);
	EXPECT_ERRNO(dup2(99, 99), EBADF);
	EXPECT_ERRNO(dup2(fd, -1), EBADF);
	EXPECT_ERRNO(dup2(fd, 1 << 25), EBADF);
}
CASE(dup3_flags)
{
	int fd = make_file("f", "");
	EXPECT_EQ(dup3(fd, 21, O_CLOEXEC), 21);
	EXPECT_EQ(fcntl(21, F_GETFD), FD_CLOEXEC);
	EXPECT_ERRNO(dup3(fd, fd, 0), EINVAL);
	EXPECT_ERRNO(dup3(fd, 22, O_APPEND), EINVAL);
}
CASE(fcntl_dupfd)
{
	int fd = make_file("f", "");
	EXPECT_EQ(fcntl(fd, F_DUPFD, 50), 50);
	EXPECT_EQ(fcntl(fd, F_DUPFD, 50), 51);
	EXPECT_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 60), 60);
	EXPECT_EQ(fcntl(60, F_GETFD), FD_CLOEXEC);
	EXPECT_ERRNO(fcntl(fd, F_DUPFD, 1 << 25), EINVAL);
}
CASE(fcntl_status_flags)
{
	int fd = open("f", O_CREAT | O_WRONLY | O_APPEND, 0600);
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_WRONLY | O_APPEND);
	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_WRONLY | O_NONBLOCK);
	EXPECT_ERRNO(fcntl(fd, 9999, 0), EINVAL);
	EXPECT_ERRNO(fcntl(99, F_GETFL), EBADF);
}
CASE(emfile_at_the_limit)
{
	struct rlimit r = {20, 20};
	int fd = make_file("f", ""), last = fd, n;
	OK(setrlimit(RLIMIT_NOFILE, &r));
	while ((n = dup(fd)) >= 0)
		last = n;
	EXPECT_EQ(errno, EMFILE);
	EXPECT_EQ(last, 19);
	EXPECT_ERRNO(open("f", O_RDONLY), EMFILE);
}
CASE(close_twice)
{
	int fd = make_file("f", "");
	OK(close(fd));
	EXPECT_ERRNO(close(fd), EBADF);
}
CASE(close_range_closes)
{
	int fd = make_file("f", "");
	OK(dup2(fd, 30));
	OK(dup2(fd, 31));
	OK(dup2(fd, 40));
	OK(syscall(SYS_close_range, 30, 35, 0));
	EXPECT_ERRNO(fcntl(30, F_GETFD), EBADF);
	EXPECT_ERRNO(fcntl(31, F_GETFD), EBADF);
	EXPECT_EQ(fcntl(40, F_GETFD), 0);
	OK(syscall(SYS_close_range, 40, ~0U, CLOSE_RANGE_CLOEXEC));
	EXPECT_EQ(fcntl(40, F_GETFD), FD_CLOEXEC);
	EXPECT_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
}
CASE(flock_excludes_other_opens)
{
	int a = make_file("f", ""), b = open("f", O_RDWR), c = dup(a);
	OK(flock(a, LOCK_EX));
	EXPECT_ERRNO(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	EXPECT_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	OK(flock(c, LOCK_EX | LOCK_NB));
	OK(flock(a, LOCK_SH));
	OK(flock(b, LOCK_SH | LOCK_NB));
	OK(flock(a, LOCK_UN));
	OK(flock(b, LOCK_EX | LOCK_NB));
	EXPECT_ERRNO(flock(a, 0), EINVAL);
}
CASE(flock_waits_for_the_child)
{
	int fd = make_file("f", ""), p[2];
	OK(pipe(p));
	pid_t pid = fork();
	if (!pid) {
		int own = open("f", O_RDWR);
		OK(flock(own, LOCK_EX));
		EXPECT_EQ(write(p[1], "x", 1), 1);
		sleep_ms(100);
		_exit(0); /* exit releases it */
	}
	EXPECT_EQ(read(p[0], buf, 1), 1);
	uint64_t start = now_ms();
	OK(flock(fd, LOCK_EX));
	EXPECT(now_ms() - start >= 50);
	expect_exit(pid, 0);
}
static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}
CASE(record_locks_between_processes)
{
	struct flock l = range(F_WRLCK, 10, 10);
	int fd = make_file("f", "");
	OK(fcntl(fd, F_SETLK, &l));
	pid_t parent = getpid(), pid = fork();
	if (!pid) {
		struct flock g = range(F_RDLCK, 0, 100);
		OK(fcntl(fd, F_GETLK, &g));
		EXPECT_EQ(g.l_type, F_WRLCK);
		EXPECT_EQ(g.l_start, 10);
		EXPECT_EQ(g.l_len, 10);
		EXPECT_EQ(g.l_pid, parent);
		g = range(F_WRLCK, 15, 1);
		EXPECT(fcntl(fd, F_SETLK, &g) == -1 && (errno == EAGAIN || errno == EACCES));
		g = range(F_WRLCK, 20, 5);
		OK(fcntl(fd, F_SETLK, &g));
		_exit(0);
	}
	expect_exit(pid, 0);
}
CASE(record_locks_split)
{
	struct flock l = range(F_WRLCK, 0, 30), un = range(F_UNLCK, 10, 10);
	int fd = make_file("f", "");
	OK(fcntl(fd, F_SETLK, &l));
	OK(fcntl(fd, F_SETLK, &un));
	pid_t pid = fork();
	if (!pid) {
		struct flock g = range(F_WRLCK, 10, 10);
		OK(fcntl(fd, F_SETLK, &g));
		g = range(F_WRLCK, 25, 1);
		EXPECT(fcntl(fd, F_SETLK, &g) == -1);
		_exit(0);
	}
	expect_exit(pid, 0);
}
CASE(record_locks_go_with_any_close)
{
	struct flock l = range(F_WRLCK, 0, 0);
	int fd = make_file("f", ""), other = open("f", O_RDWR);
	OK(fcntl(fd, F_SETLK, &l));
	close(other);
	pid_t pid = fork();
	if (!pid) {
		struct flock g = range(F_WRLCK, 0, 0);
		OK(fcntl(fd, F_SETLK, &g));
		_exit(0);
	}
	expect_exit(pid, 0);
}
CASE(record_locks_deadlock)
{
	struct flock a = range(F_WRLCK, 0, 1), b = range(F_WRLCK, 1, 1);
	int fd = make_file("f", ""), p[2], q[2];
	OK(pipe(p));
	OK(pipe(q));
	OK(fcntl(fd, F_SETLK, &a));
	pid_t pid = fork();
	if (!pid) {
		OK(fcntl(fd, F_SETLK, &b));
		EXPECT_EQ(write(p[1], "x", 1), 1);
		OK(fcntl(fd, F_SETLKW, &a)); /* until the parent gives up */
		_exit(0);
	}
	EXPECT_EQ(read(p[0], buf, 1), 1);
	sleep_ms(100);
	EXPECT_ERRNO(fcntl(fd, F_SETLKW, &b), EDEADLK);
	a.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &a));
	expect_exit(pid, 0);
}
CASE(record_lock_needs_the_right_mode)
{
	struct flock l = range(F_WRLCK, 0, 1);
	close(make_file("f", ""));
	EXPECT_ERRNO(fcntl(open("f", O_RDONLY), F_SETLK, &l), EBADF);
	l.l_whence = 9;
	EXPECT_ERRNO(fcntl(open("f", O_RDWR), F_SETLK, &l), EINVAL);
}
CASE(ofd_locks)
{
	struct flock l = range(F_WRLCK, 0, 0);
	int a = make_file("f", ""), b = open("f", O_RDWR);
	OK(fcntl(a, F_OFD_SETLK, &l));
	EXPECT_ERRNO(fcntl(b, F_OFD_SETLK, &l), EAGAIN);
	OK(fcntl(b, F_OFD_GETLK, &l));
	EXPECT_EQ(l.l_type, F_WRLCK);
	EXPECT_EQ(l.l_pid, -1);
	close(a);
	l = range(F_WRLCK, 0, 0);
	OK(fcntl(b, F_OFD_SETLK, &l));
}

/* ---- pipes ---- */

CASE(pipe_bytes_and_end)
{
	int p[2];
	OK(pipe(p));
	EXPECT_EQ(write(p[1], "hello", 5), 5);
	EXPECT_EQ(read(p[0], buf, 3), 3);
	EXPECT_EQ(read(p[0], buf, 9), 2);
	close(p[1]);
	EXPECT_EQ(read(p[0], buf, 9), 0);
}
CASE(pipe_without_reader)
{
	int p[2];
	OK(pipe(p));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_ERRNO(write(p[1], "x", 1), EPIPE);
	pid_t pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		write(p[1], "x", 1);
		_exit(1);
	}
	expect_signal(pid, SIGPIPE);
}
CASE(pipe2_flags)
{
	int p[2];
	OK(pipe2(p, O_NONBLOCK | O_CLOEXEC));
	EXPECT_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	EXPECT_ERRNO(read(p[0], buf, 1), EAGAIN);
	EXPECT_ERRNO(pipe2(p, O_APPEND), EINVAL);
	EXPECT_ERRNO(syscall(SYS_pipe, (void *)8), EFAULT);
}
CASE(pipe_fills)
{
	int p[2];
	long total = 0;
	ssize_t n;
	OK(pipe2(p, O_NONBLOCK));
	while ((n = write(p[1], buf, 4096)) > 0)
		total += n;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT_EQ(total, 65536);
	EXPECT_EQ(read(p[0], buf, 100), 100);
	EXPECT_ERRNO(write(p[1], buf, 4096), EAGAIN);
}
CASE(pipe_small_writes_are_whole)
{
	int p[2], status;
	char c = 0, got[512];
	OK(pipe(p));
	for (int k = 0; k < 3; k++) {
		if (!fork()) {
			memset(buf, 'a' + k, 512);
			for (int i = 0; i < 200; i++)
				EXPECT_EQ(write(p[1], buf, 512), 512);
			_exit(0);
		}
	}
	close(p[1]);
	for (int i = 0; i < 600; i++) {
		for (int have = 0; have < 512;) {
			ssize_t n = read(p[0], got + have, (size_t)(512 - have));
			EXPECT(n > 0);
			have += (int)n;
		}
		c = got[0];
		for (int k = 0; k < 512; k++)
			EXPECT_EQ(got[k], c);
	}
	for (int k = 0; k < 3; k++) {
		OK(wait(&status));
		EXPECT_EQ(status, 0);
	}
}
CASE(pipe_size)
{
	int p[2];
	OK(pipe(p));
	EXPECT_EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
	EXPECT_EQ(fcntl(p[0], F_SETPIPE_SZ, 5000), 8192);
	EXPECT_EQ(write(p[1], buf, 8192), 8192);
	EXPECT_ERRNO(fcntl(p[0], F_SETPIPE_SZ, 4096), EBUSY);
	EXPECT_ERRNO(fcntl(make_file("f", ""), F_GETPIPE_SZ), EBADF);
}
CASE(pipe_fionread)
{
	int p[2], n = -1;
	OK(pipe(p));
	EXPECT_EQ(write(p[1], buf, 123), 123);
	OK(ioctl(p[0], FIONREAD, &n));
	EXPECT_EQ(n, 123);
}
CASE(pipe_read_waits)
{
	int p[2];
	OK(pipe(p));
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(80);
		_exit(write(p[1], "z", 1) != 1);
	}
	uint64_t start = now_ms();
	EXPECT_EQ(read(p[0], buf, 1), 1);
	EXPECT(now_ms() - start >= 40);
	expect_exit(pid, 0);
}
CASE(fifo_opens_meet)
{
	OK(mkfifo("p", 0600));
	EXPECT_ERRNO(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	pid_t pid = fork();
	if (!pid) {
		int w = open("p", O_WRONLY);
		_exit(write(w, "through", 7) != 7);
	}
	int r = open("p", O_RDONLY);
	EXPECT_EQ(read(r, buf, 20), 7);
	EXPECT_EQ(read(r, buf, 20), 0);
	expect_exit(pid, 0);
}
CASE(fifo_nonblocking_reader)
{
	OK(mkfifo("p", 0600));
	int r = open("p", O_RDONLY | O_NONBLOCK), w;
	EXPECT_EQ(read(r, buf, 1), 0);
	w = open("p", O_WRONLY | O_NONBLOCK);
	OK(w);
	EXPECT_ERRNO(read(r, buf, 1), EAGAIN);
	EXPECT_EQ(write(w, "x", 1), 1);
	EXPECT_EQ(read(r, buf, 1), 1);
}
CASE(nonblock_by_ioctl)
{
	int p[2], on = 1;
	OK(pipe(p));
	OK(ioctl(p[0], FIONBIO, &on));
	EXPECT_ERRNO(read(p[0], buf, 1), EAGAIN);
}
