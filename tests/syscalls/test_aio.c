/* io_setup(2), io_submit(2), io_getevents(2), io_cancel(2) and the ring that libaio reads by itself. */
#include "case.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

struct ring {
	unsigned id, nr, head, tail, magic, compat, incompat, length;
	struct io_event ev[];
};
static long setup(unsigned n, aio_context_t *c)
{
	return syscall(SYS_io_setup, n, c);
}
static aio_context_t context(unsigned n)
{
	aio_context_t c = 0;

	OK(setup(n, &c));
	return c;
}
static long submit(aio_context_t c, struct iocb *cb)
{
	return syscall(SYS_io_submit, c, 1, &cb);
}
static long events(aio_context_t c, long least, long most, struct io_event *ev, long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	return syscall(SYS_io_getevents, c, least, most, ev, ms < 0 ? NULL : &ts);
}
static struct iocb rw(int op, int fd, void *buf, size_t n, long off)
{
	return (struct iocb){.aio_data = 77,
			     .aio_lio_opcode = (uint16_t)op,
			     .aio_fildes = (uint32_t)fd,
			     .aio_buf = (uintptr_t)buf,
			     .aio_nbytes = n,
			     .aio_offset = off};
}

CASE(setup_and_destroy)
{
	aio_context_t c = 0, d = 5;

	OK(setup(8, &c));
	EXPECT(c != 0);
	OK(syscall(SYS_io_destroy, c));
	EXPECT_ERRNO(syscall(SYS_io_destroy, c), EINVAL);
	EXPECT_ERRNO(setup(8, &d), EINVAL);
	d = 0;
	EXPECT_ERRNO(setup(0, &d), EINVAL);
	EXPECT_ERRNO(setup(0x20000000, &d), EINVAL);
	EXPECT_ERRNO(setup(8, (void *)16), EFAULT);
	EXPECT_ERRNO(setup(0x300000, &d), EAGAIN);
}
CASE(ring_is_as_libaio_wants_it)
{
	aio_context_t c = context(10);
	struct ring *r = (struct ring *)c;

	EXPECT_EQ(r->magic, 0xa10a10a1);
	EXPECT_EQ(r->incompat, 0);
	EXPECT_EQ(r->length, 32);
	EXPECT(r->nr >= 10);
	EXPECT_EQ(r->head, r->tail);
}
CASE(write_and_read)
{
	aio_context_t c = context(4);
	int fd = make_file("f", "");
	char buf[8] = "";
	struct iocb cb = rw(IOCB_CMD_PWRITE, fd, "hello", 5, 3);
	struct io_event ev[2];

	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(events(c, 1, 2, ev, -1), 1);
	EXPECT_EQ(ev[0].data, 77);
	EXPECT_EQ(ev[0].obj, (uintptr_t)&cb);
	EXPECT_EQ(ev[0].res, 5);
	EXPECT_EQ(ev[0].res2, 0);
	cb = rw(IOCB_CMD_PREAD, fd, buf, 8, 3);
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(events(c, 1, 1, ev, -1), 1);
	EXPECT_EQ(ev[0].res, 5);
	EXPECT_STR(buf, "hello");
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}
CASE(vectors)
{
	aio_context_t c = context(4);
	int fd = make_file("f", "abcdef");
	char a[3] = "", b[4] = "";
	struct iovec v[2] = {{a, 2}, {b, 3}};
	struct iocb cb = rw(IOCB_CMD_PREADV, fd, v, 2, 1);
	struct io_event ev;

	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(events(c, 1, 1, &ev, -1), 1);
	EXPECT_EQ(ev.res, 5);
	EXPECT_STR(a, "bc");
	EXPECT_STR(b, "def");
	v[0] = (struct iovec){"XY", 2};
	cb = rw(IOCB_CMD_PWRITEV, fd, v, 1, 0);
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(pread(fd, a, 2, 0), 2);
	EXPECT_STR(a, "XY");
}
CASE(sync)
{
	aio_context_t c = context(4);
	int fd = make_file("f", "abc");
	struct iocb cb = rw(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
	struct io_event ev;

	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(events(c, 1, 1, &ev, -1), 1);
	EXPECT_EQ(ev.res, 0);
	cb = rw(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
	EXPECT_EQ(submit(c, &cb), 1);
	cb = rw(IOCB_CMD_FSYNC, fd, &ev, 0, 0);
	EXPECT_ERRNO(submit(c, &cb), EINVAL);
}
CASE(submit_refuses)
{
	aio_context_t c = context(4);
	int fd = make_file("f", "abc"), ro = open("f", O_RDONLY), other = eventfd(0, 0);
	char buf[4];
	struct iocb cb = rw(IOCB_CMD_PREAD, fd, buf, 4, 0), *none = NULL;

	EXPECT_ERRNO(submit(c + 4096, &cb), EINVAL);
	EXPECT_ERRNO(syscall(SYS_io_submit, c, -1L, NULL), EINVAL);
	EXPECT_ERRNO(syscall(SYS_io_submit, c, 1, (void *)16), EFAULT);
	EXPECT_ERRNO(syscall(SYS_io_submit, c, 1, &none), EFAULT);
	EXPECT_EQ(syscall(SYS_io_submit, c, 0, NULL), 0);
	cb.aio_fildes = 999;
	EXPECT_ERRNO(submit(c, &cb), EBADF);
	cb = rw(99, fd, buf, 4, 0);
	EXPECT_ERRNO(submit(c, &cb), EINVAL);
	cb = rw(IOCB_CMD_PWRITE, ro, buf, 4, 0);
	EXPECT_ERRNO(submit(c, &cb), EBADF);
	cb = rw(IOCB_CMD_PREAD, fd, buf, 4, 0);
	cb.aio_reserved2 = 1;
	EXPECT_ERRNO(submit(c, &cb), EINVAL);
	cb = rw(IOCB_CMD_PREAD, fd, buf, 4, 0);
	cb.aio_rw_flags = 0x40000000;
	EXPECT_ERRNO(submit(c, &cb), EOPNOTSUPP);
	cb = rw(IOCB_CMD_PREAD, fd, buf, 4, 0);
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = (uint32_t)fd;
	EXPECT_ERRNO(submit(c, &cb), EINVAL);
	cb.aio_resfd = 999;
	EXPECT_ERRNO(submit(c, &cb), EBADF);
	cb.aio_resfd = (uint32_t)other;
	EXPECT_EQ(submit(c, &cb), 1);
}
CASE(submit_stops_at_the_first_bad_one)
{
	aio_context_t c = context(4);
	int fd = make_file("f", "abc");
	char buf[4];
	struct iocb good = rw(IOCB_CMD_PREAD, fd, buf, 3, 0), bad = rw(IOCB_CMD_PREAD, 999, buf, 3, 0);
	struct iocb *v[3] = {&good, &bad, &good};
	struct io_event ev[4];

	EXPECT_EQ(syscall(SYS_io_submit, c, 3, v), 1);
	EXPECT_EQ(events(c, 0, 4, ev, 0), 1);
}
CASE(eventfd_is_told)
{
	aio_context_t c = context(4);
	int fd = make_file("f", "abc"), efd = eventfd(0, EFD_NONBLOCK);
	char buf[4];
	uint64_t n = 0;
	struct iocb cb = rw(IOCB_CMD_PREAD, fd, buf, 3, 0);

	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = (uint32_t)efd;
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(read(efd, &n, 8), 8);
	EXPECT_EQ(n, 2);
}
CASE(ring_full)
{
	aio_context_t c = context(1);
	int fd = make_file("f", "abc");
	char buf[4];
	struct iocb cb = rw(IOCB_CMD_PREAD, fd, buf, 3, 0);
	struct ring *r = (struct ring *)c;
	struct io_event ev;
	unsigned done = 0;

	while (done < 100000 && submit(c, &cb) == 1)
		done++;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT(done >= 1 && done < r->nr);
	EXPECT_EQ(events(c, 1, 1, &ev, 0), 1);
	EXPECT(r->nr > 0);
}
CASE(ring_emptied_by_hand)
{
	aio_context_t c = context(4);
	struct ring *r = (struct ring *)c;
	int fd = make_file("f", "abc");
	char buf[4];
	struct iocb cb = rw(IOCB_CMD_PREAD, fd, buf, 3, 0);
	struct io_event ev;

	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ((r->tail + r->nr - r->head) % r->nr, 1);
	EXPECT_EQ(r->ev[r->head].res, 3);
	r->head = r->tail;
	EXPECT_EQ(events(c, 0, 1, &ev, 0), 0);
}
CASE(getevents_waits_and_times_out)
{
	aio_context_t c = context(4);
	struct io_event ev[4];
	struct timespec bad = {0, -1};
	uint64_t before = now_ms();

	EXPECT_EQ(events(c, 1, 4, ev, 50), 0);
	EXPECT(now_ms() - before >= 45);
	EXPECT_ERRNO(events(c, 2, 1, ev, 0), EINVAL);
	EXPECT_ERRNO(events(c, -1, 1, ev, 0), EINVAL);
	EXPECT_ERRNO(events(c + 4096, 1, 1, ev, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_io_getevents, c, 1, 1, ev, 16), EFAULT);
	(void)bad;
}
static void nothing(int sig)
{
}
CASE(getevents_interrupted)
{
	struct sigaction sa = {.sa_handler = nothing};
	aio_context_t c = context(4);
	struct io_event ev;

	sigaction(SIGALRM, &sa, NULL);
	alarm(1);
	EXPECT_ERRNO(events(c, 1, 1, &ev, -1), EINTR);
}
CASE(pgetevents_takes_a_mask)
{
	struct sigaction sa = {.sa_handler = nothing};
	aio_context_t c = context(4);
	struct io_event ev;
	sigset_t block, none;
	struct {
		const sigset_t *set;
		size_t size;
	} arg = {&none, 8};

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	EXPECT_ERRNO(syscall(SYS_io_pgetevents, c, 1, 1, &ev, NULL, &arg), EINTR);
	arg.size = 4;
	EXPECT_ERRNO(syscall(SYS_io_pgetevents, c, 1, 1, &ev, NULL, &arg), EINVAL);
	EXPECT_ERRNO(syscall(SYS_io_pgetevents, c, 1, 1, &ev, NULL, 16), EFAULT);
}
static struct iocb poll_for(int fd, int what)
{
	return (struct iocb){.aio_data = 5,
			     .aio_lio_opcode = IOCB_CMD_POLL,
			     .aio_fildes = (uint32_t)fd,
			     .aio_buf = (uint64_t)what};
}
CASE(poll_now_and_later)
{
	aio_context_t c = context(4);
	struct io_event ev;
	struct iocb cb;
	int fds[2];

	pipe(fds);
	cb = poll_for(fds[1], POLLOUT);
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(events(c, 1, 1, &ev, 5000), 1);
	EXPECT_EQ(ev.res, POLLOUT);
	cb = poll_for(fds[0], POLLIN);
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(events(c, 0, 1, &ev, 0), 0);
	write(fds[1], "x", 1);
	EXPECT_EQ(events(c, 1, 1, &ev, 5000), 1);
	EXPECT(ev.res & POLLIN);
	EXPECT_EQ(ev.data, 5);
	cb.aio_nbytes = 1;
	EXPECT_ERRNO(submit(c, &cb), EINVAL);
}
CASE(poll_cancelled)
{
	aio_context_t c = context(4);
	struct io_event ev;
	struct iocb cb, other = {0};
	int fds[2];

	pipe(fds);
	cb = poll_for(fds[0], POLLIN);
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_ERRNO(syscall(SYS_io_cancel, c, &other, &ev), EINVAL);
	EXPECT_ERRNO(syscall(SYS_io_cancel, c, (void *)16, &ev), EFAULT);
	EXPECT_ERRNO(syscall(SYS_io_cancel, c, &cb, &ev), EINPROGRESS);
	EXPECT_EQ(events(c, 1, 1, &ev, 5000), 1);
	EXPECT_EQ(ev.obj, (uintptr_t)&cb);
	EXPECT_EQ(ev.res, 0);
}
CASE(poll_ends_with_the_context)
{
	aio_context_t c = context(4);
	struct iocb cb;
	int fds[2];

	pipe(fds);
	cb = poll_for(fds[0], POLLIN);
	EXPECT_EQ(submit(c, &cb), 1);
	OK(syscall(SYS_io_destroy, c));
	write(fds[1], "x", 1);
}
CASE(poll_ends_with_the_process)
{
	int fds[2];
	char c;
	pid_t pid;

	pipe(fds);
	pid = fork();
	if (!pid) {
		aio_context_t ctx = context(4);
		struct iocb cb = poll_for(fds[1], POLLERR);
		_exit(submit(ctx, &cb) == 1 ? 0 : 1);
	}
	close(fds[1]);
	expect_exit(pid, 0);
	EXPECT_EQ(read(fds[0], &c, 1), 0);
}
CASE(context_is_not_inherited)
{
	aio_context_t c = context(4);
	struct iocb cb = rw(IOCB_CMD_PREAD, 0, &cb, 0, 0);
	pid_t pid = fork();

	if (!pid)
		_exit(submit(c, &cb) == -1 && errno == EINVAL ? 0 : 1);
	expect_exit(pid, 0);
}
CASE(append_flag)
{
	aio_context_t c = context(4);
	int fd = make_file("f", "abc");
	struct iocb cb = rw(IOCB_CMD_PWRITE, fd, "Z", 1, 0);
	char buf[8] = "";

	cb.aio_rw_flags = 0x10; /* RWF_APPEND */
	EXPECT_EQ(submit(c, &cb), 1);
	EXPECT_EQ(pread(fd, buf, 8, 0), 4);
	EXPECT_STR(buf, "abcZ");
}
static long number(const char *path)
{
	char buf[32] = "";
	int fd = open(path, O_RDONLY);

	OK(fd);
	EXPECT(read(fd, buf, sizeof(buf) - 1) > 0);
	close(fd);
	return atol(buf);
}
CASE(limits_in_proc)
{
	EXPECT(number("/proc/sys/fs/aio-max-nr") >= 1);
	aio_context_t c = context(100);
	EXPECT(number("/proc/sys/fs/aio-nr") >= 100);
	OK(syscall(SYS_io_destroy, c));
}
