/* mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), memfd_create(2), /proc/self/maps. */
#include "case.h"

#include <linux/memfd.h>
#include <setjmp.h>
#include <sys/mman.h>

#define PAGE 4096UL

static sigjmp_buf back;
static void fault(int sig)
{
	siglongjmp(back, sig);
}
/* Does a load (or store) at p fault? */
static int faults(volatile char *p, bool write)
{
	struct sigaction sa = {.sa_handler = fault};
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	if (sigsetjmp(back, 1))
		return 1;
	if (write)
		*p = 1;
	else
		(void)*p;
	return 0;
}
static char *anon(size_t size, int flags)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	return p;
}

CASE(mmap_anonymous_is_zero)
{
	char *p = anon(16 * PAGE, MAP_PRIVATE);
	for (size_t i = 0; i < 16 * PAGE; i++)
		EXPECT_EQ(p[i], 0);
	p[5] = 1;
	OK(munmap(p, 16 * PAGE));
	EXPECT(faults(p, false));
}
CASE(mmap_errors)
{
	EXPECT_ERRNO((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, make_file("f", "x"), 7), EINVAL);
	EXPECT_ERRNO((long)mmap((void *)3, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		     EINVAL);
	EXPECT_ERRNO((long)mmap(NULL, 1UL << 50, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
}
CASE(mmap_file_modes)
{
	int p[2], ro;
	close(make_file("f", "x"));
	ro = open("f", O_RDONLY);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, ro, 0), EACCES);
	EXPECT((long)mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE, ro, 0) > 0);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_WRONLY), 0), EACCES);
	OK(pipe(p));
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0), ENODEV);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0), ENODEV);
}
CASE(mmap_private_file)
{
	char c;
	int fd = make_file("f", "hello");
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	EXPECT(!memcmp(p, "hello\0\0", 7));
	p[0] = 'J';
	EXPECT_EQ(pread(fd, &c, 1, 0), 1);
	EXPECT_EQ(c, 'h');
}
CASE(mmap_shared_file_is_the_file)
{
	char b[8];
	int fd = make_file("f", "hello");
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	p[1] = 'E';
	fd = open("f", O_RDWR);
	EXPECT_EQ(read(fd, b, 8), 5);
	EXPECT(!memcmp(b, "hEllo", 5));
	EXPECT_EQ(pwrite(fd, "Y", 1, 4), 1);
	EXPECT_EQ(p[4], 'Y');
	OK(msync(p, PAGE, MS_SYNC));
	EXPECT_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
}
CASE(mmap_file_offset)
{
	int fd = make_file("f", "");
	OK(ftruncate(fd, 3 * PAGE));
	EXPECT_EQ(pwrite(fd, "third", 5, 2 * PAGE), 5);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
	EXPECT(!memcmp(p, "third", 5));
}
CASE(mmap_shared_between_processes)
{
	int *p = (int *)(void *)anon(PAGE, MAP_SHARED);
	pid_t pid = fork();
	if (!pid) {
		__atomic_store_n(p, 42, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(*p, 42);
}
CASE(mmap_fixed_replaces)
{
	char *p = anon(3 * PAGE, MAP_PRIVATE);
	memset(p, 7, 3 * PAGE);
	EXPECT(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE);
	EXPECT(p[0] == 7 && p[PAGE] == 0 && p[2 * PAGE] == 7);
	EXPECT(faults(p + PAGE, true));
}
CASE(mmap_fixed_noreplace)
{
	char *p = anon(2 * PAGE, MAP_PRIVATE);
	EXPECT_ERRNO((long)mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
		     EEXIST);
	OK(munmap(p, PAGE));
	EXPECT(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p);
}
CASE(mmap_hint_is_used_when_free)
{
	char *p = anon(PAGE, MAP_PRIVATE);
	OK(munmap(p, PAGE));
	EXPECT(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p);
}
CASE(munmap_in_the_middle)
{
	char *p = anon(3 * PAGE, MAP_PRIVATE);
	OK(munmap(p + PAGE, PAGE));
	EXPECT(!faults(p, true) && faults(p + PAGE, false) && !faults(p + 2 * PAGE, true));
	OK(munmap(p, 3 * PAGE));
	EXPECT_ERRNO(munmap(p + 1, PAGE), EINVAL);
	EXPECT_ERRNO(munmap(p, 0), EINVAL);
}
CASE(mprotect_takes_and_gives)
{
	char *p = anon(2 * PAGE, MAP_PRIVATE);
	p[0] = 3;
	OK(mprotect(p, PAGE, PROT_READ));
	EXPECT(faults(p, true) && !faults(p, false) && !faults(p + PAGE, true));
	OK(mprotect(p, PAGE, PROT_NONE));
	EXPECT(faults(p, false));
	OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	EXPECT(!faults(p, true));
	EXPECT_ERRNO(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
	OK(munmap(p + PAGE, PAGE));
	EXPECT_ERRNO(mprotect(p, 2 * PAGE, PROT_READ), ENOMEM);
}
CASE(mprotect_shared_read_only_file)
{
	close(make_file("f", "x"));
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0);
	EXPECT_ERRNO(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
}
CASE(execute_generated_code)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
	char *p = anon(PAGE, MAP_PRIVATE);
	memcpy(p, code, sizeof(code));
	OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(((int (*)(void))(void *)p)(), 42);
}
CASE(mremap_grows_and_shrinks)
{
	char *p = anon(2 * PAGE, MAP_PRIVATE), *q;
	memset(p, 5, 2 * PAGE);
	q = mremap(p, 2 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	EXPECT(q != MAP_FAILED);
	EXPECT(q[0] == 5 && q[2 * PAGE - 1] == 5 && q[2 * PAGE] == 0 && q[16 * PAGE - 1] == 0);
	EXPECT(mremap(q, 16 * PAGE, PAGE, 0) == q);
	EXPECT(q[0] == 5 && faults(q + PAGE, false));
}
CASE(mremap_cannot_grow_in_place)
{
	char *p = anon(3 * PAGE, MAP_PRIVATE);
	EXPECT_ERRNO((long)mremap(p, PAGE, 2 * PAGE, 0), ENOMEM);
	EXPECT_ERRNO((long)mremap(p, PAGE, 0, 0), EINVAL);
	EXPECT_ERRNO((long)mremap(p + 1, PAGE, PAGE, 0), EINVAL);
}
CASE(mremap_fixed)
{
	char *p = anon(PAGE, MAP_PRIVATE), *to = anon(4 * PAGE, MAP_PRIVATE);
	p[9] = 9;
	EXPECT(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == to + PAGE);
	EXPECT_EQ(to[PAGE + 9], 9);
	EXPECT(faults(p, false));
	EXPECT_ERRNO((long)mremap(to, PAGE, PAGE, MREMAP_FIXED, p), EINVAL);
}
CASE(mremap_shared_file)
{
	int fd = make_file("f", "");
	OK(ftruncate(fd, 4 * PAGE));
	EXPECT_EQ(pwrite(fd, "z", 1, 3 * PAGE), 1);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p = mremap(p, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	EXPECT(p != MAP_FAILED);
	EXPECT_EQ(p[3 * PAGE], 'z');
}
CASE(brk_moves)
{
	char *start = sbrk(0);
	EXPECT(sbrk(8 * (long)PAGE) == start);
	start[PAGE] = 1;
	EXPECT_EQ((long)brk(start), 0);
	EXPECT_EQ((long)(sbrk(0) == start), 1);
	EXPECT_EQ(syscall(SYS_brk, 0), (long)start);
}
CASE(madvise_dontneed)
{
	char *p = anon(2 * PAGE, MAP_PRIVATE);
	memset(p, 1, 2 * PAGE);
	OK(madvise(p, PAGE, MADV_DONTNEED));
	EXPECT(p[0] == 0 && p[PAGE] == 1);
	EXPECT_ERRNO(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	EXPECT_ERRNO(madvise(p, PAGE, 12345), EINVAL);
	OK(munmap(p + PAGE, PAGE));
	EXPECT_ERRNO(madvise(p, 2 * PAGE, MADV_NORMAL), ENOMEM);
}
CASE(madvise_dontneed_file_shows_the_file_again)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, make_file("f", "orig"), 0);
	p[0] = 'X';
	OK(madvise(p, PAGE, MADV_DONTNEED));
	EXPECT_EQ(p[0], 'o');
}
CASE(madvise_fork_flags)
{
	char *gone = anon(PAGE, MAP_PRIVATE), *wiped = anon(PAGE, MAP_PRIVATE);
	gone[0] = wiped[0] = 1;
	OK(madvise(gone, PAGE, MADV_DONTFORK));
	OK(madvise(wiped, PAGE, MADV_WIPEONFORK));
	pid_t pid = fork();
	if (!pid) {
		EXPECT_EQ(wiped[0], 0);
		EXPECT(faults(gone, false));
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT(gone[0] == 1 && wiped[0] == 1);
}
CASE(fork_is_copy_on_write)
{
	char *p = anon(64 * PAGE, MAP_PRIVATE);
	memset(p, 1, 64 * PAGE);
	pid_t pid = fork();
	if (!pid) {
		memset(p, 2, 64 * PAGE);
		_exit(p[63 * PAGE] != 2);
	}
	expect_exit(pid, 0);
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(p[(size_t)i * PAGE], 1);
}
CASE(memfd_is_a_file)
{
	char b[4];
	int fd = memfd_create("name", MFD_CLOEXEC);
	OK(fd);
	EXPECT_EQ(write(fd, "abc", 3), 3);
	OK(ftruncate(fd, 2 * PAGE));
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(!memcmp(p, "abc", 4));
	p[PAGE] = 'q';
	EXPECT_EQ(pread(fd, b, 1, PAGE), 1);
	EXPECT_EQ(b[0], 'q');
	EXPECT_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
}
CASE(memfd_seals)
{
	int fd = memfd_create("name", MFD_ALLOW_SEALING);
	EXPECT_EQ(fcntl(fd, F_GET_SEALS), 0);
	EXPECT_EQ(write(fd, "abc", 3), 3);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	EXPECT_ERRNO(ftruncate(fd, 1), EPERM);
	EXPECT_ERRNO(ftruncate(fd, 9), EPERM);
	EXPECT_EQ(pwrite(fd, "x", 1, 0), 1);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
	EXPECT_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}
CASE(maps_tells_the_truth)
{
	unsigned long start, end;
	char line[300], perms[5];
	bool found = false;
	char *p = anon(7 * PAGE, MAP_PRIVATE);
	OK(mprotect(p + PAGE, 5 * PAGE, PROT_READ));
	FILE *f = fopen("/proc/self/maps", "r");
	EXPECT(f);
	while (fgets(line, sizeof(line), f)) {
		EXPECT_EQ(sscanf(line, "%lx-%lx %4s", &start, &end, perms), 3);
		if (start == (unsigned long)p + PAGE) {
			EXPECT_EQ(end, (unsigned long)p + 6 * PAGE);
			EXPECT_STR(perms, "r--p");
			found = true;
		}
	}
	EXPECT(found);
}
CASE(mlock_and_limits)
{
	char *p = anon(PAGE, MAP_PRIVATE);
	OK(mlock(p, PAGE));
	OK(munlock(p, PAGE));
	EXPECT_ERRNO(mlock((void *)0x10000, PAGE), ENOMEM);
	EXPECT_ERRNO(mlockall(0), EINVAL);
}
CASE(large_sparse_mapping)
{
	size_t size = 1UL << 36;
	char *p =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT(p != MAP_FAILED);
	p[0] = p[size / 2] = p[size - 1] = 1;
	OK(munmap(p, size));
}
