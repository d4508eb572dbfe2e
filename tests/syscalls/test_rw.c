/* read(2), write(2), pread(2), readv(2), lseek(2), sendfile(2), copy_file_range(2). */
#include "case.h"

#include <limits.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char buf[256];

CASE(read_returns_what_is_there)
{
	int fd = make_file("f", "hello");
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 5);
	EXPECT(!memcmp(buf, "hello", 5));
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 0);
}
CASE(read_zero_bytes)
{
	int fd = make_file("f", "x");
	EXPECT_EQ(read(fd, buf, 0), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}
CASE(read_bad_descriptor)
{
	EXPECT_ERRNO(read(99, buf, 1), EBADF);
	EXPECT_ERRNO(read(-1, buf, 1), EBADF);
}
CASE(read_write_only_descriptor)
{
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	EXPECT_ERRNO(read(fd, buf, 1), EBADF);
}
CASE(write_read_only_descriptor)
{
	close(make_file("f", "x"));
	EXPECT_ERRNO(write(open("f", O_RDONLY), "y", 1), EBADF);
}
CASE(read_directory)
{
	EXPECT_ERRNO(read(open(".", O_RDONLY), buf, 1), EISDIR);
}
CASE(read_bad_address)
{
	int fd = make_file("f", "hello");
	EXPECT_ERRNO(syscall(SYS_read, fd, (void *)8, 5), EFAULT);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}
CASE(write_bad_address)
{
	int fd = make_file("f", "");
	EXPECT_ERRNO(syscall(SYS_write, fd, (void *)8, 5), EFAULT);
}
CASE(write_extends_with_zeros)
{
	int fd = make_file("f", "ab");
	EXPECT_EQ(lseek(fd, 10, SEEK_SET), 10);
	EXPECT_EQ(write(fd, "c", 1), 1);
	EXPECT_EQ(pread(fd, buf, 20, 0), 11);
	EXPECT(!memcmp(buf, "ab\0\0\0\0\0\0\0\0c", 11));
}
CASE(write_append_goes_to_the_end)
{
	int fd;
	close(make_file("f", "one"));
	fd = open("f", O_WRONLY | O_APPEND);
	EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
	EXPECT_EQ(write(fd, "two", 3), 3);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 6);
}
CASE(pwrite_does_not_move)
{
	int fd = make_file("f", "abcdef");
	EXPECT_EQ(pwrite(fd, "XY", 2, 2), 2);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	EXPECT_EQ(read(fd, buf, 6), 6);
	EXPECT(!memcmp(buf, "abXYef", 6));
}
CASE(pread_negative_offset)
{
	EXPECT_ERRNO(pread(make_file("f", "x"), buf, 1, -1), EINVAL);
}
CASE(pread_beyond_end)
{
	EXPECT_EQ(pread(make_file("f", "x"), buf, 1, 100), 0);
}
CASE(pread_on_pipe)
{
	int p[2];
	OK(pipe(p));
	EXPECT_ERRNO(pread(p[0], buf, 1, 0), ESPIPE);
	EXPECT_ERRNO(pwrite(p[1], "x", 1, 0), ESPIPE);
}
CASE(readv_fills_in_order)
{
	struct iovec v[3] = {{buf, 2}, {buf + 10, 0}, {buf + 20, 3}};
	EXPECT_EQ(readv(make_file("f", "abcdef"), v, 3), 5);
	EXPECT(!memcmp(buf, "ab", 2) && !memcmp(buf + 20, "cde", 3));
}
CASE(writev_gathers)
{
	struct iovec v[2] = {{(void *)"abc", 3}, {(void *)"de", 2}};
	int fd = make_file("f", "");
	EXPECT_EQ(writev(fd, v, 2), 5);
	EXPECT_EQ(pread(fd, buf, 9, 0), 5);
	EXPECT(!memcmp(buf, "abcde", 5));
}
/* All that one call may have, of sizes 0 to 40, some across pages: in order, each byte once, both ways. */
CASE(vectors_of_many_pieces)
{
	static struct iovec v[IOV_MAX];
	static char from[IOV_MAX * 64], to[IOV_MAX * 64], whole[IOV_MAX * 40], back[IOV_MAX * 40];
	size_t total = 0;
	int fd = make_file("f", "");

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (char)(i * 31 + i / 251);
	for (size_t i = 0; i < IOV_MAX; i++) {
		v[i] = (struct iovec){from + i * 64, i * 7 % 41};
		memcpy(whole + total, v[i].iov_base, v[i].iov_len);
		total += v[i].iov_len;
	}
	EXPECT_EQ(writev(fd, v, IOV_MAX), total);
	EXPECT_EQ(pread(fd, back, sizeof(back), 0), total);
	EXPECT(!memcmp(back, whole, total));
	memset(to, 'z', sizeof(to));
	for (size_t i = 0; i < IOV_MAX; i++)
		v[i].iov_base = to + i * 64;
	EXPECT_EQ(preadv(fd, v, IOV_MAX, 0), total);
	for (size_t i = 0; i < IOV_MAX; i++) {
		EXPECT(!memcmp(to + i * 64, from + i * 64, v[i].iov_len));
		EXPECT_EQ(to[i * 64 + v[i].iov_len], 'z');
	}
}
/* The first piece that is not there ends the call: what lay before it is moved, what lies behind it not. */
CASE(vectors_end_at_a_fault)
{
	char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[5] = {{buf, 10}, {buf + 20, 5}, {page + 4090, 6}, {page + 4096, 8}, {buf + 40, 7}};
	int fd = make_file("f", "");

	EXPECT(page != MAP_FAILED);
	OK(munmap(page + 4096, 4096));
	memset(buf, 'a', sizeof(buf));
	memset(page, 'b', 4096);
	EXPECT_EQ(writev(fd, v, 5), 21);
	EXPECT_EQ(lseek(fd, 0, SEEK_END), 21);
	EXPECT_EQ(pwrite(fd, "0123456789abcdefghijklmnopqrstuvwxyz", 36, 0), 36);
	EXPECT_EQ(preadv(fd, v, 5, 0), 21);
	EXPECT(!memcmp(buf, "0123456789a", 11) && !memcmp(buf + 20, "abcdea", 6));
	EXPECT(!memcmp(page + 4090, "fghijk", 6));
	EXPECT(buf[40] == 'a');
	EXPECT_ERRNO(writev(fd, v + 3, 2), EFAULT);
	EXPECT_ERRNO(preadv(fd, v + 3, 2, 0), EFAULT);
}
CASE(writev_too_many)
{
	static struct iovec v[IOV_MAX + 1];
	EXPECT_ERRNO(writev(make_file("f", ""), v, IOV_MAX + 1), EINVAL);
	EXPECT_EQ(writev(make_file("f", ""), v, 0), 0);
}
CASE(writev_lengths_overflow)
{
	struct iovec v[2] = {{buf, SSIZE_MAX}, {buf, SSIZE_MAX}};
	int p[2];
	OK(pipe(p));
	EXPECT(syscall(SYS_writev, p[1], v, 2) < 0);
	v[0].iov_len = (size_t)-1;
	EXPECT_ERRNO(syscall(SYS_writev, p[1], v, 1), EINVAL);
}
CASE(preadv_pwritev)
{
	struct iovec v[2] = {{buf, 2}, {buf + 4, 2}};
	int fd = make_file("f", "abcdefgh");
	EXPECT_EQ(preadv(fd, v, 2, 3), 4);
	EXPECT(!memcmp(buf, "de", 2) && !memcmp(buf + 4, "fg", 2));
	EXPECT_EQ(pwritev(fd, v, 2, 0), 4);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}
CASE(pwritev2_append_flag)
{
	struct iovec v = {(void *)"Z", 1};
	int fd = make_file("f", "abc");
	EXPECT_EQ(pwritev2(fd, &v, 1, 0, RWF_APPEND), 1);
	EXPECT_EQ(lseek(fd, 0, SEEK_END), 4);
}
CASE(preadv2_unknown_flag)
{
	struct iovec v = {buf, 1};
	EXPECT_ERRNO(preadv2(make_file("f", "abc"), &v, 1, 0, 1 << 20), EOPNOTSUPP);
}
CASE(preadv2_current_position)
{
	struct iovec v = {buf, 2};
	int fd = make_file("f", "abcd");
	EXPECT_EQ(preadv2(fd, &v, 1, -1, 0), 2);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 2);
}
CASE(lseek_whences)
{
	int fd = make_file("f", "0123456789");
	EXPECT_EQ(lseek(fd, 4, SEEK_SET), 4);
	EXPECT_EQ(lseek(fd, -1, SEEK_CUR), 3);
	EXPECT_EQ(lseek(fd, -2, SEEK_END), 8);
	EXPECT_EQ(lseek(fd, 100, SEEK_END), 110);
	EXPECT_ERRNO(lseek(fd, -111, SEEK_CUR), EINVAL);
	EXPECT_ERRNO(lseek(fd, 0, 99), EINVAL);
}
CASE(lseek_data_and_hole)
{
	int fd = make_file("f", "0123");
	EXPECT_EQ(lseek(fd, 0, SEEK_DATA), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 4);
	EXPECT_ERRNO(lseek(fd, 4, SEEK_DATA), ENXIO);
}
CASE(lseek_on_pipe)
{
	int p[2];
	OK(pipe(p));
	EXPECT_ERRNO(lseek(p[0], 0, SEEK_CUR), ESPIPE);
}
CASE(dup_shares_position)
{
	int fd = make_file("f", "abcdef"), other = dup(fd);
	EXPECT_EQ(read(fd, buf, 2), 2);
	EXPECT_EQ(lseek(other, 0, SEEK_CUR), 2);
}
CASE(sendfile_moves_bytes)
{
	int in = make_file("in", "0123456789"), out = make_file("out", "");
	off_t off = 2;
	EXPECT_EQ(sendfile(out, in, &off, 5), 5);
	EXPECT_EQ(off, 7);
	EXPECT_EQ(lseek(in, 0, SEEK_CUR), 0);
	EXPECT_EQ(sendfile(out, in, NULL, 100), 10);
	EXPECT_EQ(lseek(out, 0, SEEK_END), 15);
}
CASE(sendfile_to_pipe)
{
	int in = make_file("in", "hello"), p[2];
	OK(pipe(p));
	EXPECT_EQ(sendfile(p[1], in, NULL, 5), 5);
	EXPECT_EQ(read(p[0], buf, 9), 5);
}
CASE(sendfile_of_a_file_to_itself_leaves_time_for_others)
{
	int status, fd = make_file("f", "1234567");
	uint64_t start;
	pid_t pid;

	OK(lseek(fd, 7, SEEK_SET));
	pid = fork();
	if (!pid) { /* never comes to the end that it moves on */
		off_t off = 0;
		sendfile(fd, fd, &off, 0x7ffff000);
		_exit(0);
	}
	sleep_ms(300);
	start = now_ms();
	OK(kill(pid, SIGKILL));
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT(now_ms() - start < 2000);
}
CASE(a_read_of_very_much_leaves_time_for_others)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct timespec ts = {0, 1000000};
	uint64_t longest = 0;
	pid_t pid;

	OK(ftruncate(fd, 1LL << 30));
	pid = fork();
	if (!pid) {
		char *buf = mmap(NULL, 1UL << 30, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		for (int i = 0; i < 3; i++)
			if (buf == MAP_FAILED || read(fd, buf, 64UL << 20) != 64 << 20)
				_exit(1);
		_exit(7);
	}
	for (int i = 0; i < 100; i++) {
		uint64_t start = now_ms(), took;
		nanosleep(&ts, NULL);
		took = now_ms() - start;
		longest = took > longest ? took : longest;
	}
	expect_exit(pid, 7);
	EXPECT(longest < 1000);
}
CASE(sendfile_from_pipe)
{
	int p[2];
	OK(pipe(p));
	EXPECT_ERRNO(sendfile(make_file("o", ""), p[0], NULL, 1), EINVAL);
}
CASE(copy_file_range_between_files)
{
	int in = make_file("in", "0123456789"), out = make_file("out", "");
	off64_t a = 3, b = 1;
	EXPECT_EQ(copy_file_range(in, &a, out, &b, 4, 0), 4);
	EXPECT_EQ(a, 7);
	EXPECT_EQ(b, 5);
	EXPECT_EQ(pread(out, buf, 9, 0), 5);
	EXPECT(!memcmp(buf, "\0003456", 5));
	EXPECT_ERRNO(copy_file_range(in, &a, out, &b, 4, 1), EINVAL);
}
CASE(copy_file_range_overlap)
{
	int fd = make_file("f", "0123456789");
	off64_t a = 0, b = 2;
	EXPECT_ERRNO(copy_file_range(fd, &a, fd, &b, 4, 0), EINVAL);
}
CASE(fionread_of_a_file)
{
	int fd = make_file("f", "0123456789"), n = 0;
	EXPECT_EQ(read(fd, buf, 3), 3);
	OK(ioctl(fd, FIONREAD, &n));
	EXPECT_EQ(n, 7);
	EXPECT_ERRNO(ioctl(fd, 0x54ff, &n), ENOTTY);
}
CASE(large_write_and_read)
{
	size_t size = 3 << 20;
	char *a = malloc(size), *b = malloc(size);
	int fd = make_file("f", "");
	for (size_t i = 0; i < size; i++)
		a[i] = (char)(i * 7 + i / 4096);
	EXPECT_EQ(write(fd, a, size), size);
	EXPECT_EQ(pread(fd, b, size, 0), size);
	EXPECT(!memcmp(a, b, size));
}
CASE(dev_null_zero_full)
{
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR),
	    full = open("/dev/full", O_RDWR);
	memset(buf, 1, sizeof(buf));
	EXPECT_EQ(read(null, buf, 10), 0);
	EXPECT_EQ(write(null, buf, 10), 10);
	EXPECT_EQ(read(zero, buf, 10), 10);
	EXPECT(buf[0] == 0 && buf[9] == 0 && buf[10] == 1);
	EXPECT_ERRNO(write(full, buf, 1), ENOSPC);
	EXPECT_EQ(read(full, buf, 20), 20);
}
CASE(dev_urandom_differs)
{
	int fd = open("/dev/urandom", O_RDONLY);
	EXPECT_EQ(read(fd, buf, 16), 16);
	EXPECT_EQ(read(fd, buf + 16, 16), 16);
	EXPECT(memcmp(buf, buf + 16, 16));
}
