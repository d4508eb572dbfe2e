/* Opening descriptors once more through /proc/self/fd (proc_pid_fd(5)), and splice(2). */
#include "case.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char buf[200000];

static int got(int fd)
{
	OK(fd);
	return fd;
}

static int reopen(int fd, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open(name, flags);
}

CASE(reopened_pipe_is_the_same_pipe)
{
	int p[2], r, w;
	OK(pipe(p));
	r = got(reopen(p[0], O_RDONLY));
	w = got(reopen(p[0], O_WRONLY)); /* the other end, by the first one's name */
	EXPECT_EQ(write(p[1], "ab", 2), 2);
	EXPECT_EQ(read(r, buf, 1), 1);
	EXPECT_EQ(buf[0], 'a');
	close(p[1]);
	EXPECT_EQ(write(w, "c", 1), 1);
	close(w);
	EXPECT_EQ(read(p[0], buf, 10), 2);
	EXPECT_EQ(read(p[0], buf, 10), 0);
}
CASE(reopened_pipe_without_writers_does_not_wait)
{
	int p[2], r;
	OK(pipe(p));
	close(p[1]);
	r = got(reopen(p[0], O_RDONLY));
	EXPECT_EQ(read(r, buf, 1), 0);
}
CASE(both_ends_of_a_pipe_are_one_inode)
{
	struct stat a, b;
	int p[2];
	OK(pipe(p));
	OK(fstat(p[0], &a));
	OK(fstat(p[1], &b));
	EXPECT(a.st_ino == b.st_ino && S_ISFIFO(a.st_mode));
}
CASE(what_has_no_name_cannot_be_opened_again)
{
	int s[2];
	EXPECT_ERRNO(reopen(eventfd(0, 0), O_RDWR), ENXIO);
	EXPECT_ERRNO(reopen(epoll_create1(0), O_RDWR), ENXIO);
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_ERRNO(reopen(s[0], O_RDWR), ENXIO);
}
CASE(reopened_file_has_its_own_position)
{
	int fd = got(open("f", O_RDWR | O_CREAT, 0600)), again;
	EXPECT_EQ(write(fd, "abc", 3), 3);
	OK(unlink("f"));
	again = got(reopen(fd, O_RDONLY));
	EXPECT_EQ(read(again, buf, 10), 3);
}

CASE(splice_file_to_pipe_to_file)
{
	int in = got(open("in", O_RDWR | O_CREAT, 0600)), out = got(open("out", O_RDWR | O_CREAT, 0600)),
	    p[2];
	loff_t at = 1;
	OK(pipe(p));
	EXPECT_EQ(write(in, "hello", 5), 5);
	EXPECT_EQ(splice(in, &at, p[1], NULL, 3, 0), 3);
	EXPECT_EQ(at, 4);
	EXPECT_EQ(lseek(in, 0, SEEK_CUR), 5);
	at = 10;
	EXPECT_EQ(splice(p[0], NULL, out, &at, 100, 0), 3);
	EXPECT_EQ(at, 13);
	EXPECT_EQ(pread(out, buf, 100, 0), 13);
	EXPECT(!memcmp(buf + 10, "ell", 3) && !buf[0]);
}
CASE(splice_ends)
{
	int p[2], q[2];
	OK(pipe(p));
	OK(pipe(q));
	EXPECT_ERRNO(splice(p[0], NULL, q[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(splice(p[0], NULL, q[1], NULL, 10, 0), 1);
	close(p[1]);
	EXPECT_EQ(splice(p[0], NULL, q[1], NULL, 10, 0), 0);
}
CASE(splice_fills_a_pipe)
{
	int in = got(open("in", O_RDWR | O_CREAT, 0600)), p[2];
	OK(pipe(p));
	EXPECT_EQ(write(in, buf, sizeof(buf)), (ssize_t)sizeof(buf));
	EXPECT_EQ(lseek(in, 0, SEEK_SET), 0);
	EXPECT_EQ(splice(in, NULL, p[1], NULL, sizeof(buf), 0), 65536);
	EXPECT_EQ(lseek(in, 0, SEEK_CUR), 65536);
	EXPECT_ERRNO(splice(in, NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
}
CASE(splice_errors)
{
	int in = got(open("in", O_RDWR | O_CREAT, 0600)),
	    out = got(open("o", O_WRONLY | O_CREAT | O_APPEND, 0600)), p[2];
	loff_t at = 0;
	OK(pipe(p));
	EXPECT_ERRNO(splice(in, NULL, in, NULL, 1, 0), EINVAL);
	EXPECT_ERRNO(splice(in, NULL, p[0], NULL, 1, 0), EBADF);
	EXPECT_ERRNO(splice(in, NULL, 99, NULL, 1, 0), EBADF);
	EXPECT_ERRNO(splice(p[0], &at, in, NULL, 1, 0), ESPIPE);
	EXPECT_ERRNO(splice(in, NULL, p[1], NULL, 1, 0x100), EINVAL);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_ERRNO(splice(p[0], NULL, out, NULL, 1, 0), EINVAL);
	EXPECT_EQ(splice(in, NULL, p[1], NULL, 0, 0), 0);
}
CASE(vmsplice_lends_memory)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct iovec v[2] = {{page, 5}, {page + 100, 5}};
	int p[2];
	OK(pipe(p));
	memcpy(page, "first", 5);
	memcpy(page + 100, "place", 5);
	EXPECT_EQ(vmsplice(p[1], v, 2, SPLICE_F_NONBLOCK), 10);
	memcpy(page, "later", 5); /* what is in the pipe is the page */
	EXPECT_EQ(read(p[0], buf, 3), 3);
	EXPECT(!memcmp(buf, "lat", 3));
	EXPECT_EQ(read(p[0], buf, 10), 7);
	EXPECT(!memcmp(buf, "erplace", 7));
}
CASE(vmsplice_into_a_full_pipe)
{
	static char page[8192];
	struct iovec v[2] = {{page, 8192}, {page, 1}};
	int p[2];
	OK(pipe(p));
	OK(fcntl(p[1], F_SETPIPE_SZ, 4096));
	EXPECT_EQ(write(p[1], page, 4096), 4096);
	EXPECT_ERRNO(vmsplice(p[1], v, 2, SPLICE_F_NONBLOCK), EAGAIN);
	EXPECT_EQ(read(p[0], page, 4096), 4096);
	v[0].iov_base = (void *)8;
	EXPECT_ERRNO(vmsplice(p[1], v, 1, 0), EFAULT);
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	v[0].iov_base = page;
	EXPECT_ERRNO(vmsplice(p[1], v, 1, 0), EPIPE);
}
CASE(vmsplice_moves_memory)
{
	struct iovec v[2] = {{"ab", 2}, {"c", 1}};
	int p[2], fd = got(open("f", O_RDWR | O_CREAT, 0600));
	OK(pipe(p));
	EXPECT_EQ(vmsplice(p[1], v, 2, 0), 3);
	EXPECT_EQ(read(p[0], buf, 10), 3);
	EXPECT(!memcmp(buf, "abc", 3));
	EXPECT_ERRNO(vmsplice(fd, v, 1, 0), EBADF);
}
