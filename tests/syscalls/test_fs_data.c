/*
 * test_fs_data.c - the content of files where it gets subtle, on each kind of file system: holes,
 * fallocate(2), positions and flags of reads and writes, copies inside the kernel, what is written out when.
 */
#include "fs.h"

#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define K 1024

static int sparse(const char *path)
{
	int fd = make_file(path, "");

	OK(ftruncate(fd, 256 * K));
	EXPECT_EQ(pwrite(fd, "data", 4, 64 * K), 4);
	EXPECT_EQ(pwrite(fd, "more", 4, 192 * K), 4);
	return fd;
}

static void expect_byte(int fd, off_t at, int byte)
{
	unsigned char c = 0x77;

	EXPECT_EQ(pread(fd, &c, 1, at), 1);
	EXPECT_EQ(c, byte);
}

FS_CASE(seek_hole_and_data)
{
	int fd = sparse("f");
	off_t hole;

	EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_DATA), 64 * K);
	EXPECT_EQ(lseek(fd, 64 * K + 1, SEEK_DATA), 64 * K + 1);
	hole = lseek(fd, 64 * K, SEEK_HOLE);
	EXPECT(hole > 64 * K && hole <= 128 * K);
	EXPECT_EQ(lseek(fd, hole, SEEK_DATA), 192 * K);
	EXPECT_EQ(lseek(fd, 255 * K, SEEK_HOLE), 255 * K);
	EXPECT_ERRNO(lseek(fd, 255 * K, SEEK_DATA), ENXIO); /* only a hole to the end */
	EXPECT_ERRNO(lseek(fd, 256 * K, SEEK_HOLE), ENXIO);
	EXPECT_ERRNO(lseek(fd, 256 * K, SEEK_DATA), ENXIO);
	EXPECT_ERRNO(lseek(fd, -1, SEEK_DATA), ENXIO);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 255 * K); /* a failure does not move */
}

FS_CASE(hole_at_the_end_of_a_full_file)
{
	int fd = make_file("f", "abc");

	EXPECT_EQ(lseek(fd, 1, SEEK_HOLE), 3);
	EXPECT_EQ(lseek(fd, 1, SEEK_DATA), 1);
	OK(ftruncate(fd, 0));
	EXPECT_ERRNO(lseek(fd, 0, SEEK_HOLE), ENXIO);
}

FS_CASE(holes_take_no_blocks)
{
	struct stat st;
	int fd = make_file("f", "");

	OK(ftruncate(fd, 64 * K * K));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 64 * K * K);
	EXPECT(st.st_blocks < 1000);
	expect_byte(fd, 63 * K * K, 0);
	EXPECT_EQ(pwrite(fd, "x", 1, 64 * K * K - 1), 1);
	OK(fstat(fd, &st));
	EXPECT(st.st_blocks < 1000);
}

FS_CASE(punch_hole)
{
	struct stat st;
	char buf[256];
	int fd = make_file("f", "");

	memset(buf, 'x', sizeof(buf));
	for (int i = 0; i < 128 * K; i += (int)sizeof(buf))
		EXPECT_EQ(write(fd, buf, sizeof(buf)), sizeof(buf));
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 32 * K + 5, 64 * K));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 128 * K);
	expect_byte(fd, 32 * K + 4, 'x'); /* to the byte */
	expect_byte(fd, 32 * K + 5, 0);
	expect_byte(fd, 96 * K + 4, 0);
	expect_byte(fd, 96 * K + 5, 'x');
	/* beyond the end: nothing happens */
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1024 * K, K));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 128 * K);
}

FS_CASE(fallocate_reserves_and_grows)
{
	struct stat st;
	int fd = make_file("f", "abc");

	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100 * K));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 3);
	EXPECT(st.st_blocks >= 100 * 2);
	OK(fallocate(fd, 0, 10, 5000));
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 5010);
	expect_byte(fd, 5009, 0);
	expect_byte(fd, 2, 'c');
	/* inside of what is there: neither content nor size */
	OK(fallocate(fd, 0, 0, 3));
	expect_byte(fd, 0, 'a');
}

FS_CASE(fallocate_errors)
{
	int p[2], ro, fd = make_file("f", "abc");

	EXPECT_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(fallocate(fd, 0, -1, 1), EINVAL);
	EXPECT_ERRNO(fallocate(fd, 0, 0, -1), EINVAL);
	EXPECT_ERRNO(fallocate(fd, 0, 0x7fffffffffffffff, 1), EFBIG);
	EXPECT_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP); /* wants KEEP_SIZE */
	EXPECT_ERRNO(fallocate(fd, 0x4000, 0, 1), EOPNOTSUPP);
	ro = open("f", O_RDONLY);
	EXPECT_ERRNO(fallocate(ro, 0, 0, 1), EBADF);
	OK(pipe(p));
	EXPECT_ERRNO(fallocate(p[1], 0, 0, 1), ESPIPE);
	EXPECT_ERRNO(fallocate(open(".", O_RDONLY), 0, 0, 1), EBADF);
}

FS_CASE(truncate_and_grow_reads_zeros)
{
	int fd = make_file("f", "abcdefgh");

	OK(ftruncate(fd, 3));
	OK(ftruncate(fd, 8));
	expect_byte(fd, 2, 'c');
	expect_byte(fd, 3, 0); /* what was cut off does not come back */
	expect_byte(fd, 7, 0);
	OK(lseek(fd, 0, SEEK_END));
	OK(ftruncate(fd, 2));
	EXPECT_EQ(write(fd, "X", 1), 1); /* the position stays beyond the end */
	EXPECT_EQ(lseek(fd, 0, SEEK_END), 9);
	expect_byte(fd, 5, 0);
}

FS_CASE(truncate_errors)
{
	int ro;

	close(make_file("f", "abc"));
	OK(mkdir("d", 0755));
	EXPECT_ERRNO(truncate("d", 0), EISDIR);
	EXPECT_ERRNO(truncate("none", 0), ENOENT);
	EXPECT_ERRNO(truncate("f", -1), EINVAL);
	ro = open("f", O_RDONLY);
	EXPECT_ERRNO(ftruncate(ro, 0), EINVAL);
	EXPECT_ERRNO(ftruncate(open("d", O_RDONLY), 0), EINVAL);
	OK(mkfifo("p", 0600));
	EXPECT_ERRNO(truncate("p", 0), EINVAL);
}

FS_CASE(append_and_positions)
{
	char buf[16] = "";
	int fd = make_file("f", "abc"), app = open("f", O_WRONLY | O_APPEND);

	OK(app);
	EXPECT_EQ(lseek(app, 0, SEEK_CUR), 0);
	EXPECT_EQ(write(app, "d", 1), 1);
	EXPECT_EQ(lseek(app, 0, SEEK_CUR), 4);
	EXPECT_EQ(pwrite(app, "e", 1, 0), 1); /* Linux: to the end all the same */
	EXPECT_EQ(pread(fd, buf, 16, 0), 5);
	EXPECT_STR(buf, "abcde");
	OK(fcntl(app, F_SETFL, 0));
	EXPECT_EQ(pwrite(app, "A", 1, 0), 1);
	expect_byte(fd, 0, 'A');
	OK(fcntl(fd, F_SETFL, O_APPEND));
	EXPECT_EQ(write(fd, "f", 1), 1);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 6);
}

FS_CASE(seek_edges)
{
	int fd = make_file("f", "abc");

	EXPECT_EQ(lseek(fd, 100, SEEK_SET), 100);
	EXPECT_EQ(lseek(fd, -100, SEEK_CUR), 0);
	EXPECT_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	EXPECT_ERRNO(lseek(fd, -4, SEEK_END), EINVAL);
	EXPECT_ERRNO(lseek(fd, 0, 77), EINVAL);
	EXPECT_ERRNO(lseek(fd, 0x7fffffffffffffff, SEEK_END), EINVAL);
	EXPECT_ERRNO(lseek(-1, 0, SEEK_SET), EBADF);
}

FS_CASE(preadv2_flags)
{
	char buf[8] = "";
	struct iovec v = {buf, 3};
	int fd = make_file("f", "abcdef"), ro = open("f", O_RDONLY);

	EXPECT_EQ(preadv2(fd, &v, 1, 1, 0), 3);
	EXPECT(!memcmp(buf, "bcd", 3));
	EXPECT_EQ(preadv2(fd, &v, 1, 0, RWF_HIPRI), 3);
	EXPECT_EQ(preadv2(fd, &v, 1, -1, 0), 3); /* the position, which moves */
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 3);
	EXPECT_ERRNO(preadv2(fd, &v, 1, -2, 0), EINVAL);
	EXPECT_ERRNO(preadv2(fd, &v, 1, 0, 0x40000000), EOPNOTSUPP);
	EXPECT_EQ(pwritev2(fd, &v, 1, 0, RWF_DSYNC), 3);
	EXPECT_EQ(pwritev2(fd, &v, 1, 0, RWF_SYNC), 3);
	EXPECT_EQ(pwritev2(fd, &v, 1, 0, RWF_APPEND), 3);
	EXPECT_EQ(lseek(fd, 0, SEEK_END), 9);
	EXPECT_ERRNO(pwritev2(ro, &v, 1, 0, 0), EBADF);
	EXPECT_ERRNO(pwritev2(fd, &v, 1, 0, 0x40000000), EOPNOTSUPP);
}

FS_CASE(vectors_good_and_bad)
{
	char a[2], b[4];
	struct iovec v[3] = {{a, 2}, {NULL, 0}, {b, 4}}, huge[2] = {{a, 1}, {b, (size_t)-1}};
	int fd = make_file("f", "abcde"), wo = open("f", O_WRONLY);

	EXPECT_EQ(readv(fd, v, 3), 5); /* an empty one may point anywhere */
	EXPECT(!memcmp(a, "ab", 2) && !memcmp(b, "cde", 3));
	EXPECT_EQ(readv(fd, v, 0), 0);
	EXPECT_ERRNO(syscall(SYS_readv, fd, v, -1L), EINVAL);
	EXPECT_ERRNO(readv(wo, v, 3), EBADF);
	EXPECT_ERRNO(syscall(SYS_readv, fd, 8, 1), EFAULT);
	EXPECT_ERRNO(preadv(fd, huge, 2, 0), EINVAL);
	EXPECT_ERRNO(preadv(fd, v, 1, -1), EINVAL);
	EXPECT_ERRNO(pwritev(fd, v, 1, -1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_pwritev, fd, v, 1025, 0, 0), EINVAL);
	v[2].iov_base = (void *)8;
	EXPECT_EQ(preadv(fd, v, 3, 0), 2); /* as far as it goes */
}

FS_CASE(copy_file_range_edges)
{
	struct stat st;
	off_t in = 2, out = 0;
	int fd = make_file("a", "abcdefgh"), to = make_file("b", ""), app, ro, dir;

	EXPECT_EQ(copy_file_range(fd, &in, to, &out, 100, 0), 6); /* to the end */
	EXPECT(in == 8 && out == 6);
	EXPECT_EQ(copy_file_range(fd, &in, to, &out, 100, 0), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	EXPECT_EQ(copy_file_range(fd, NULL, to, NULL, 3, 0), 3);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 3);
	EXPECT_EQ(lseek(to, 0, SEEK_CUR), 3);
	OK(fstat(to, &st));
	EXPECT_EQ(st.st_size, 6);
	in = 0, out = 4;
	EXPECT_ERRNO(copy_file_range(fd, &in, fd, &out, 6, 0), EINVAL); /* they overlap */
	in = 0;
	EXPECT_ERRNO(copy_file_range(fd, &in, to, NULL, 1, 1), EINVAL);
	app = open("b", O_WRONLY | O_APPEND);
	EXPECT_ERRNO(copy_file_range(fd, &in, app, NULL, 1, 0), EBADF);
	ro = open("b", O_RDONLY);
	EXPECT_ERRNO(copy_file_range(fd, &in, ro, NULL, 1, 0), EBADF);
	dir = open(".", O_RDONLY);
	EXPECT_ERRNO(copy_file_range(dir, &in, to, NULL, 1, 0), EISDIR);
	in = -1;
	EXPECT_ERRNO(copy_file_range(fd, &in, to, NULL, 1, 0), EOVERFLOW);
}

FS_CASE(sendfile_edges)
{
	off_t off = 1;
	int p[2], fd = make_file("a", "abcdef"), to = make_file("b", "");
	char buf[8] = "";

	OK(pipe(p));
	EXPECT_EQ(sendfile(p[1], fd, &off, 3), 3);
	EXPECT_EQ(off, 4);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	EXPECT_EQ(read(p[0], buf, 8), 3);
	EXPECT_STR(buf, "bcd");
	EXPECT_EQ(sendfile(to, fd, NULL, 100), 6);
	EXPECT_EQ(sendfile(to, fd, NULL, 100), 0);
	EXPECT_ERRNO(sendfile(to, p[0], NULL, 1), EINVAL); /* not from a pipe to a file */
	off = -1;
	EXPECT_ERRNO(sendfile(to, fd, &off, 1), EINVAL);
	EXPECT_ERRNO(sendfile(open("b", O_RDONLY), fd, NULL, 1), EBADF);
	OK(fcntl(to, F_SETFL, O_APPEND));
	off = 0;
	EXPECT_ERRNO(sendfile(to, fd, &off, 1), EINVAL);
}

FS_CASE(splice_between_file_and_pipe)
{
	char buf[16] = "";
	off_t in = 1, out = 2;
	int p[2], q[2], to, fd = make_file("a", "abcdef");

	OK(pipe(p));
	OK(pipe(q));
	EXPECT_EQ(splice(fd, &in, p[1], NULL, 4, 0), 4);
	EXPECT_EQ(in, 5);
	EXPECT_EQ(tee(p[0], q[1], 100, 0), 4); /* taken twice */
	EXPECT_EQ(read(q[0], buf, 16), 4);
	EXPECT_STR(buf, "bcde");
	to = make_file("b", "123456");
	EXPECT_EQ(splice(p[0], NULL, to, &out, 4, SPLICE_F_MOVE), 4);
	EXPECT_EQ(out, 6);
	EXPECT_EQ(pread(to, buf, 16, 0), 6);
	EXPECT(!memcmp(buf, "12bcde", 6));
	EXPECT_ERRNO(splice(fd, NULL, fd, NULL, 1, 0), EINVAL);   /* no pipe */
	EXPECT_ERRNO(splice(fd, NULL, p[1], &out, 1, 0), ESPIPE); /* an offset of a pipe */
	EXPECT_ERRNO(tee(fd, p[1], 1, 0), EINVAL);
	EXPECT_ERRNO(tee(p[0], p[1], 1, 0), EINVAL); /* the same pipe */
	EXPECT_ERRNO(splice(p[0], NULL, fd, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	EXPECT_ERRNO(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	OK(fcntl(fd, F_SETFL, O_APPEND));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_ERRNO(splice(p[0], NULL, fd, NULL, 1, 0), EINVAL);
}

FS_CASE(shared_mapping_and_writes_see_each_other)
{
	int fd = make_file("f", "abc");
	char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *m2;

	EXPECT(m != MAP_FAILED);
	EXPECT_EQ(m[1], 'b');
	EXPECT_EQ(m[3], 0);
	m[1] = 'B';
	expect_byte(fd, 1, 'B');
	EXPECT_EQ(pwrite(fd, "C", 1, 2), 1);
	EXPECT_EQ(m[2], 'C');
	OK(unlink("f"));
	m2 = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(m2 != MAP_FAILED && m2[2] == 'C');
	close(fd);
	m[0] = 'Z'; /* a mapping holds the file */
	EXPECT_EQ(m2[0], 'Z');
	OK(msync(m, 4096, MS_SYNC));
}

FS_CASE(private_mapping_keeps_its_own)
{
	int fd = make_file("f", "abc");
	char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	EXPECT(m != MAP_FAILED);
	m[0] = 'X';
	expect_byte(fd, 0, 'a');
	EXPECT_EQ(pwrite(fd, "q", 1, 0), 1);
	EXPECT_EQ(m[0], 'X');
	EXPECT_ERRNO(
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("f", O_RDONLY), 0) == MAP_FAILED ? -1
												       : 0,
	    EACCES);
	EXPECT_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("f", O_WRONLY), 0) == MAP_FAILED ? -1 : 0,
		     EACCES);
	EXPECT_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_SHARED, open(".", O_RDONLY), 0) == MAP_FAILED ? -1 : 0,
		     ENODEV);
}

FS_CASE(written_out_on_demand)
{
	int p[2], fd = make_file("f", "abc"), dir = open(".", O_RDONLY);

	OK(fsync(fd));
	OK(syscall(SYS_fdatasync, fd));
	OK(fsync(dir));
	OK(syscall(SYS_syncfs, fd));
	sync();
	OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE));
	OK(sync_file_range(fd, 1, 1, SYNC_FILE_RANGE_WAIT_AFTER));
	EXPECT_ERRNO(sync_file_range(fd, 0, 0, 8), EINVAL);
	EXPECT_ERRNO(sync_file_range(fd, -1, 0, 1), EINVAL);
	OK(pipe(p));
	EXPECT_ERRNO(fsync(p[0]), EINVAL);
	EXPECT_ERRNO(syscall(SYS_fdatasync, p[0]), EINVAL);
	EXPECT_ERRNO(sync_file_range(p[0], 0, 0, 1), ESPIPE);
	EXPECT_ERRNO(syscall(SYS_syncfs, -1), EBADF);
	EXPECT_ERRNO(fsync(-1), EBADF);
}

FS_CASE(advice_about_files)
{
	int p[2], fd = make_file("f", "abc");

	for (int advice = 0; advice <= 5; advice++)
		OK(syscall(SYS_fadvise64, fd, 0, 0, advice));
	EXPECT_ERRNO(syscall(SYS_fadvise64, fd, 0, 0, 6), EINVAL);
	EXPECT_ERRNO(syscall(SYS_fadvise64, fd, 0, -1L, 0), EINVAL);
	OK(pipe(p));
	EXPECT_ERRNO(syscall(SYS_fadvise64, p[0], 0, 0, 0), ESPIPE);
	EXPECT_ERRNO(syscall(SYS_fadvise64, -1, 0, 0, 0), EBADF);
	OK(readahead(fd, 0, 100));
	EXPECT_ERRNO(readahead(p[0], 0, 100), EINVAL);
	EXPECT_ERRNO(readahead(open("f", O_WRONLY), 0, 100), EBADF);
	expect_byte(fd, 2, 'c');
}

FS_CASE(file_size_limit_bites)
{
	struct rlimit l = {1000, RLIM_INFINITY};
	char buf[600];
	int fd = make_file("f", "");

	signal(SIGXFSZ, SIG_IGN);
	memset(buf, 'x', sizeof(buf));
	OK(setrlimit(RLIMIT_FSIZE, &l));
	EXPECT_EQ(write(fd, buf, 600), 600);
	EXPECT_EQ(write(fd, buf, 600), 400); /* what still fits */
	EXPECT_ERRNO(write(fd, buf, 1), EFBIG);
	EXPECT_ERRNO(ftruncate(fd, 1001), EFBIG);
	EXPECT_ERRNO(fallocate(fd, 0, 0, 1001), EFBIG);
	OK(ftruncate(fd, 1000));
	EXPECT_ERRNO(pwrite(fd, buf, 1, 5000), EFBIG);
	EXPECT_EQ(pwrite(fd, buf, 10, 990), 10);
}

FS_CASE(times_of_reads_and_writes)
{
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	struct stat st;
	char c;
	int fd = make_file("f", "abc");

	OK(futimens(fd, old));
	EXPECT_EQ(read(fd, &c, 1), 1);
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_mtime, 1000);
	EXPECT_EQ(write(fd, "", 0), 0); /* nothing written, nothing changed */
	OK(fstat(fd, &st));
	EXPECT_EQ(st.st_mtime, 1000);
	EXPECT_EQ(write(fd, "x", 1), 1);
	OK(fstat(fd, &st));
	EXPECT(st.st_mtime > 1000000);
	OK(futimens(fd, old));
	OK(ftruncate(fd, 3)); /* even to the same size */
	OK(fstat(fd, &st));
	EXPECT(st.st_mtime > 1000000);
}

FS_CASE(utimensat_now_and_omit)
{
	struct timespec t[2] = {{1000, 5}, {2000, 6}}, omit[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}},
			bad[2] = {{0, 1000000000}, {0, 0}};
	struct stat st;

	close(make_file("f", "x"));
	OK(symlink("f", "l"));
	OK(utimensat(AT_FDCWD, "f", t, 0));
	OK(utimensat(AT_FDCWD, "f", omit, 0));
	OK(stat("f", &st));
	EXPECT(st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5);
	EXPECT(st.st_mtime > 1000000);
	OK(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
	OK(lstat("l", &st));
	EXPECT_EQ(st.st_mtime, 2000);
	OK(stat("f", &st));
	EXPECT(st.st_mtime > 1000000);
	EXPECT_ERRNO(utimensat(AT_FDCWD, "f", bad, 0), EINVAL);
	EXPECT_ERRNO(utimensat(AT_FDCWD, "f", t, 0x8000), EINVAL);
	omit[1].tv_nsec = UTIME_OMIT;
	OK(utimensat(AT_FDCWD, "none/x", omit, 0)); /* nothing to do: not even looked up */
}

FS_CASE(attributes_of_links_themselves)
{
	char buf[64];
	ssize_t n;
	int fd = make_file("f", "");

	OK(symlink("f", "l"));
	if (syscall(SYS_lsetxattr, "l", "trusted.w", "1", 1, 0)) {
		EXPECT(errno == EPERM || errno == EOPNOTSUPP);
	} else {
		EXPECT_EQ(syscall(SYS_lgetxattr, "l", "trusted.w", buf, sizeof(buf)), 1);
		EXPECT_ERRNO(syscall(SYS_getxattr, "f", "trusted.w", buf, sizeof(buf)), ENODATA);
		OK(syscall(SYS_lremovexattr, "l", "trusted.w"));
	}
	EXPECT_ERRNO(syscall(SYS_lsetxattr, "l", "user.w", "1", 1, 0), EPERM); /* not on links */
	n = syscall(SYS_llistxattr, "l", buf, sizeof(buf));
	EXPECT(n >= 0);
	EXPECT_ERRNO(syscall(SYS_llistxattr, "none", buf, sizeof(buf)), ENOENT);
	EXPECT_ERRNO(syscall(SYS_flistxattr, -1, buf, sizeof(buf)), EBADF);
	EXPECT_ERRNO(syscall(SYS_fremovexattr, fd, "user.none"), ENODATA);
	EXPECT_ERRNO(syscall(SYS_fremovexattr, -1, "user.none"), EBADF);
}
