/*
 * Small reads of the same file, again and again, while it changes: a kernel that serves such reads in a
 * quicker way (ours: from a mapping) must see each change that read(2), pread(2) and their relatives see.
 * Each case runs on the file system of the working directory and on tmpfs.
 */
#include "case.h"

#include <sys/mman.h>
#include <sys/uio.h>

#define SIZE  200000
#define OFTEN 40

static char buf[65536];
static const char *const places[] = {"f", "/dev/shm/read_again"};

/* What stands at offset `at` of a new file. */
static char letter(size_t at)
{
	return (char)('a' + at / 100 % 26);
}

/* A file of SIZE bytes that has been read often. */
static int read_often(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	OK(fd);
	for (size_t at = 0; at < SIZE; at += 1000) {
		for (size_t i = 0; i < 1000; i++)
			buf[i] = letter(at + i);
		EXPECT_EQ(write(fd, buf, 1000), 1000);
	}
	for (int i = 0; i < OFTEN; i++) {
		size_t at = (size_t)i * 4999;
		EXPECT_EQ(pread(fd, buf, 100, (off_t)at), 100);
		for (size_t k = 0; k < 100; k++)
			EXPECT_EQ(buf[k], letter(at + k));
	}
	return fd;
}

static int each_place(int n, const char **path)
{
	*path = places[n];
	return read_often(places[n]);
}
#define EACH_PLACE(path, fd)                                                                                 \
	for (int n_ = 0, fd; n_ < 2 && (fd = each_place(n_, &(path))) >= 0; close(fd), unlink(path), n_++)

CASE(a_write_is_seen)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		int other = open(path, O_WRONLY);
		EXPECT_EQ(pwrite(other, "new", 3, 5000), 3);
		EXPECT_EQ(pread(fd, buf, 5, 4999), 5);
		EXPECT(buf[1] == 'n' && buf[3] == 'w' && buf[4] == letter(5003));
		close(other);
	}
}
CASE(a_store_to_a_shared_mapping_is_seen)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		EXPECT(at != MAP_FAILED);
		for (int i = 0; i < OFTEN; i++) {
			at[8192 + i] = (char)i;
			EXPECT_EQ(pread(fd, buf, 1, 8192 + i), 1);
			EXPECT_EQ(buf[0], i);
		}
		munmap(at, SIZE);
	}
}
CASE(the_end_is_where_the_file_ends)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		EXPECT_EQ(pread(fd, buf, 100, SIZE - 30), 30);
		EXPECT_EQ(buf[29], letter(SIZE - 1));
		EXPECT_EQ(pread(fd, buf, 100, SIZE), 0);
		EXPECT_EQ(pread(fd, buf, 100, SIZE + 100000), 0);
	}
}
CASE(a_file_cut_short_ends_sooner)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		OK(ftruncate(fd, 6000));
		EXPECT_EQ(pread(fd, buf, 100, 5950), 50);
		EXPECT_EQ(pread(fd, buf, 100, 6000), 0);
		EXPECT_EQ(pread(fd, buf, 100, 100000), 0);
		OK(truncate(path, 0));
		EXPECT_EQ(pread(fd, buf, 100, 0), 0);
	}
}
CASE(what_was_cut_off_comes_back_as_zeros)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		OK(ftruncate(fd, 6000));
		OK(ftruncate(fd, SIZE));
		for (int i = 0; i < OFTEN; i++) {
			EXPECT_EQ(pread(fd, buf, 1000, 5500 + i * 4000), 1000);
			for (int k = i ? 0 : 500; k < 1000; k++)
				EXPECT_EQ(buf[k], 0);
		}
		EXPECT_EQ(pread(fd, buf, 1, 5999), 1);
		EXPECT_EQ(buf[0], letter(5999));
	}
}
CASE(a_punched_hole_reads_as_zeros)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 65536)) {
			EXPECT_EQ(errno, EOPNOTSUPP);
			continue;
		}
		for (int i = 0; i < OFTEN; i++) {
			EXPECT_EQ(pread(fd, buf, 64, 8192 + i * 1000), 64);
			EXPECT_EQ(buf[0], 0);
			EXPECT_EQ(buf[63], 0);
		}
		EXPECT_EQ(pread(fd, buf, 1, 8191), 1);
		EXPECT_EQ(buf[0], letter(8191));
	}
}
CASE(reading_a_hole_takes_no_blocks)
{
	for (int n = 0; n < 2; n++) {
		int fd = open(places[n], O_RDWR | O_CREAT | O_TRUNC, 0600);
		struct stat before, after;

		OK(ftruncate(fd, 1 << 20));
		EXPECT_EQ(pwrite(fd, "x", 1, 1 << 19), 1);
		OK(fsync(fd));
		OK(fstat(fd, &before));
		for (int i = 0; i < 2 * OFTEN; i++) {
			EXPECT_EQ(pread(fd, buf, 100, i * 8192), 100);
			EXPECT_EQ(buf[0], i * 8192 == 1 << 19 ? 'x' : 0);
		}
		OK(fstat(fd, &after));
		EXPECT_EQ(after.st_blocks, before.st_blocks);
		close(fd);
		unlink(places[n]);
	}
}
CASE(what_was_appended_is_there)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		for (int i = 0; i < 3 * OFTEN; i++) {
			memset(buf, 'A' + i % 26, 1000);
			EXPECT_EQ(pwrite(fd, buf, 1000, SIZE + i * 1000), 1000);
			EXPECT_EQ(pread(fd, buf, 600, SIZE + i * 1000 - 100), 600);
			EXPECT_EQ(buf[0], i ? 'A' + (i - 1) % 26 : letter(SIZE - 100));
			EXPECT_EQ(buf[599], 'A' + i % 26);
		}
		EXPECT_EQ(pread(fd, buf, 100, SIZE + 3 * OFTEN * 1000 - 1), 1);
	}
}
CASE(a_removed_file_is_still_read)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		int other;
		OK(unlink(path));
		other = open(path, O_RDWR | O_CREAT, 0600);
		EXPECT_EQ(write(other, "other", 5), 5);
		EXPECT_EQ(pread(fd, buf, 5, 300), 5);
		EXPECT_EQ(buf[0], letter(300));
		EXPECT_EQ(pread(other, buf, 100, 0), 5);
		EXPECT(!memcmp(buf, "other", 5));
		close(other);
	}
}
CASE(a_file_renamed_over_another_is_read)
{
	const char *path;
	char second[64];

	EACH_PLACE(path, fd)
	{
		int other;
		snprintf(second, sizeof(second), "%s.2", path);
		other = open(second, O_RDWR | O_CREAT, 0600);
		EXPECT_EQ(write(other, "second", 6), 6);
		OK(rename(second, path));
		close(other);
		other = open(path, O_RDONLY);
		for (int i = 0; i < OFTEN; i++)
			EXPECT_EQ(pread(other, buf, 100, 0), 6);
		EXPECT(!memcmp(buf, "second", 6));
		EXPECT_EQ(pread(fd, buf, 100, 0), 100);
		EXPECT_EQ(buf[0], letter(0));
		close(other);
	}
}
CASE(a_buffer_that_cannot_be_written_is_a_fault)
{
	const char *path;
	char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	OK(mprotect(two + 4096, 4096, PROT_NONE));
	EACH_PLACE(path, fd)
	{
		EXPECT_ERRNO(pread(fd, two + 4096, 100, 0), EFAULT);
		EXPECT_ERRNO(syscall(SYS_pread64, fd, (void *)8, 100, 0), EFAULT);
		EXPECT_EQ(pread(fd, two + 4000, 90, 700), 90);
		EXPECT_EQ(two[4000], letter(700));
	}
}
CASE(the_position_moves_on)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		OK(lseek(fd, 0, SEEK_SET));
		for (size_t at = 0; at < SIZE; at += 500) {
			EXPECT_EQ(read(fd, buf, 500), 500);
			EXPECT_EQ(buf[0], letter(at));
			EXPECT_EQ(buf[499], letter(at + 499));
		}
		EXPECT_EQ(read(fd, buf, 500), 0);
		EXPECT_EQ(lseek(fd, 0, SEEK_CUR), SIZE);
	}
}
CASE(pieces_of_a_readv_are_filled_in_order)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		for (int i = 0; i < OFTEN; i++) {
			struct iovec v[3] = {{buf, 100}, {buf + 1000, 0}, {buf + 2000, 300}};
			EXPECT_EQ(preadv(fd, v, 3, i * 500), 400);
			EXPECT_EQ(buf[99], letter((size_t)i * 500 + 99));
			EXPECT_EQ(buf[2000], letter((size_t)i * 500 + 100));
			EXPECT_EQ(buf[2299], letter((size_t)i * 500 + 399));
		}
	}
}
CASE(more_files_than_can_be_kept_ready)
{
	int fds[100];
	char name[20];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		fds[i] = open(name, O_RDWR | O_CREAT, 0600);
		OK(fds[i]);
		memset(buf, i, 10000);
		EXPECT_EQ(write(fds[i], buf, 10000), 10000);
	}
	for (int round = 0; round < OFTEN; round++)
		for (int i = 0; i < 100; i++) {
			EXPECT_EQ(pread(fds[i], buf, 100, round * 200), 100);
			EXPECT_EQ(buf[99], i);
		}
}
CASE(a_fork_reads_the_same)
{
	const char *path;

	EACH_PLACE(path, fd)
	{
		pid_t pid = fork();
		if (!pid) {
			bool right = pread(fd, buf, 100, 1234) == 100 && buf[50] == letter(1284) &&
				     pwrite(fd, "child", 5, 1234) == 5;
			_exit(right ? 7 : 1);
		}
		expect_exit(pid, 7);
		EXPECT_EQ(pread(fd, buf, 6, 1234), 6);
		EXPECT(!memcmp(buf, "child", 5) && buf[5] == letter(1239));
	}
}
