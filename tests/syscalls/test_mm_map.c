/* mmap(2)'s flags and limits, mremap(2) in all forms, mprotect(2), mseal(2), growing stacks,
 * RLIMIT_AS/DATA/STACK. */
#include "case.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>

#define PAGE 4096UL
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static sigjmp_buf back;
static void fault(int sig)
{
	siglongjmp(back, sig);
}
/* 0, or the signal that a load (or store) at p raises. */
static int faults(volatile char *p, bool write)
{
	struct sigaction sa = {.sa_handler = fault};
	int sig;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sig = sigsetjmp(back, 1);
	if (sig)
		return sig;
	if (write)
		*p = 1;
	else
		(void)*p;
	return 0;
}
static char *anon(size_t size, int prot, int flags)
{
	char *p = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	return p;
}
static char *rw(size_t pages)
{
	return anon(pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}
/* Does `p` begin a mapping in maps whose line contains all of `what`? */
static bool in_maps(const void *p, const char *what)
{
	char line[512];
	unsigned long lo, hi;
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &lo, &hi) == 2 && lo <= (unsigned long)p && hi > (unsigned long)p)
			found = strstr(line, what) != NULL;
	fclose(f);
	return found;
}
static void limit(int what, rlim_t cur)
{
	struct rlimit r;
	OK(getrlimit(what, &r));
	r.rlim_cur = cur;
	OK(setrlimit(what, &r));
}

/* ---- mmap ---- */

CASE(map_populate_brings_pages_in)
{
	unsigned char vec[8];
	char *p = anon(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
	OK(mincore(p, 8 * PAGE, vec));
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(vec[i] & 1, 1);
}
CASE(map_locked_brings_pages_in_and_counts)
{
	unsigned char vec[4];
	char line[256];
	long kb = -1;
	FILE *f;
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED);
	OK(mincore(p, 4 * PAGE, vec));
	EXPECT_EQ(vec[3] & 1, 1);
	f = fopen("/proc/self/status", "r");
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %ld", &kb);
	fclose(f);
	EXPECT_EQ(kb, 16);
	EXPECT_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
}
CASE(map_shared_validate_knows_its_flags)
{
	int fd = make_file("f", "text");
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, fd, 0);
	EXPECT(p != MAP_FAILED);
	EXPECT_STR(p, "text");
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, fd, 0), EOPNOTSUPP);
}
CASE(map_growsdown_is_private)
{
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0),
		     EINVAL);
}
CASE(map_32bit_lies_low)
{
	char *p = anon(PAGE, PROT_READ, MAP_PRIVATE | MAP_32BIT);
	EXPECT((unsigned long)p < 0x80000000UL);
}
CASE(map_fixed_noreplace_refuses_overlap_only)
{
	char *p = rw(4);
	EXPECT_ERRNO(
	    (long)mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
	    EEXIST);
	OK(munmap(p, 4 * PAGE));
	EXPECT(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	       p + PAGE);
}
CASE(map_offset_overflow)
{
	int fd = make_file("f", "x");
	EXPECT_ERRNO(syscall(SYS_mmap, NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, -PAGE), EOVERFLOW);
}
CASE(map_more_than_there_is)
{
	/* mode 0 refuses what could never be had */
	EXPECT_ERRNO((long)mmap(NULL, 1UL << 45, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		     ENOMEM);
	EXPECT(mmap(NULL, 1UL << 45, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		    0) != MAP_FAILED);
	EXPECT(mmap(NULL, 1UL << 45, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}
CASE(map_opath_file_is_ebadf)
{
	close(make_file("f", "x"));
	int fd = open("f", O_PATH);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EBADF);
}
CASE(map_directory_and_pipe_are_enodev)
{
	int p[2], d = open(".", O_RDONLY);
	OK(pipe(p));
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, d, 0), ENODEV);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0), ENODEV);
}
CASE(map_hugetlb_without_huge_pages)
{
	EXPECT_ERRNO((long)mmap(NULL, 2UL << 20, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0),
		     ENOMEM);
}
CASE(map_dev_zero)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	EXPECT(p != MAP_FAILED);
	EXPECT_EQ(p[100], 0);
	p[100] = 7;
	EXPECT_EQ(p[100], 7);
}

/* ---- limits ---- */

CASE(rlimit_as_bounds_mappings)
{
	char *p;
	limit(RLIMIT_AS, 256UL << 20);
	EXPECT_ERRNO((long)mmap(NULL, 300UL << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	p = anon(100UL << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	EXPECT_ERRNO((long)mremap(p, 100UL << 20, 300UL << 20, MREMAP_MAYMOVE), ENOMEM);
	OK(munmap(p, 100UL << 20));
}
CASE(rlimit_as_does_not_count_replaced_pages)
{
	char *p = anon(150UL << 20, PROT_READ, MAP_PRIVATE);
	limit(RLIMIT_AS, 200UL << 20);
	EXPECT(mmap(p, 150UL << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	EXPECT_ERRNO((long)mmap(NULL, 150UL << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
}
CASE(rlimit_data_counts_private_writable)
{
	limit(RLIMIT_DATA, 64UL << 20);
	EXPECT_ERRNO(
	    (long)mmap(NULL, 100UL << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	    ENOMEM);
	anon(100UL << 20, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *p = anon(100UL << 20, PROT_READ, MAP_PRIVATE);
	EXPECT_ERRNO(mprotect(p, 100UL << 20, PROT_READ | PROT_WRITE), ENOMEM);
	EXPECT_EQ(syscall(SYS_brk, (char *)sbrk(0) + (100UL << 20)), (long)sbrk(0));
}

/* ---- stacks ---- */

static int deep(int n)
{
	volatile char frame[4000];
	frame[0] = (char)n;
	return n ? deep(n - 1) + frame[0] : 0;
}
CASE(stack_grows_when_it_is_used)
{
	deep(1000);                 /* 4 MB */
	volatile char far[3 << 20]; /* the far end first */
	far[0] = 1;
	EXPECT_EQ(far[0], 1);
}
CASE(stack_grows_for_the_kernel_s_copies)
{
	char buf[1 << 20];
	int p[2];
	OK(pipe(p));
	EXPECT_EQ(write(p[1], "hello", 5), 5);
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 5); /* far below what was touched */
	EXPECT_EQ(memcmp(buf, "hello", 5), 0);
}
CASE(stack_is_small_in_maps_until_used)
{
	char line[256];
	unsigned long lo = 0, hi = 0;
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "[stack]"))
			EXPECT_EQ(sscanf(line, "%lx-%lx", &lo, &hi), 2);
	fclose(f);
	EXPECT(hi - lo > 0 && hi - lo < 1 << 20);
	EXPECT(lo < (unsigned long)line && (unsigned long)line < hi);
}
CASE(stack_ends_at_its_limit)
{
	pid_t pid;
	limit(RLIMIT_STACK, 1 << 20);
	pid = fork();
	if (!pid)
		_exit(deep(1000) & 0);
	expect_signal(pid, SIGSEGV);
	pid = fork();
	if (!pid)
		_exit(deep(100) & 0);
	expect_exit(pid, 0);
}
CASE(stack_limit_raised_at_run_time)
{
	pid_t pid = fork();
	if (!pid) {
		limit(RLIMIT_STACK, 32 << 20);
		_exit(deep(5000) & 0); /* 20 MB */
	}
	expect_exit(pid, 0);
}
CASE(growsdown_mapping_grows)
{
	char *area = anon(600 * PAGE, PROT_NONE, MAP_PRIVATE), *p;
	OK(munmap(area, 600 * PAGE));
	p = mmap(area + 500 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	EXPECT(p == area + 500 * PAGE);
	EXPECT_EQ(faults(p - 1, true), 0);
	EXPECT_EQ(faults(p - 40 * PAGE, true), 0);
	EXPECT(in_maps(p - 40 * PAGE, "rw-p"));
}
CASE(growsdown_keeps_a_guard_gap)
{
	char *area = anon(600 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), *p;
	OK(munmap(area + 100 * PAGE, 500 * PAGE));
	p = mmap(area + 400 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	EXPECT(p != MAP_FAILED);
	EXPECT_EQ(faults(p - PAGE, true), 0);
	EXPECT_EQ(faults(area + 120 * PAGE, true), SIGSEGV); /* nearer than 256 pages to the neighbour */
}
CASE(mprotect_growsdown_flag)
{
	char *p =
	    mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	char *q = rw(2);
	EXPECT(p != MAP_FAILED);
	OK(mprotect(p + 2 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
	EXPECT_EQ(faults(p, true), SIGSEGV); /* from the mapping's start on */
	EXPECT_EQ(faults(p + 3 * PAGE, true), 0);
	EXPECT_ERRNO(mprotect(q, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
	EXPECT_ERRNO(mprotect(q, PAGE, PROT_READ | PROT_GROWSUP), EINVAL);
	EXPECT_ERRNO(mprotect(q, PAGE, 0x40), EINVAL);
}
static unsigned long child_stack(void)
{
	int p[2];
	unsigned long at = 0;
	pid_t pid;
	OK(pipe(p));
	pid = fork();
	if (!pid) {
		dup2(p[1], 1);
		execl("/proc/self/exe", "x", "--case", "prints_its_stack", (char *)NULL);
		_exit(1);
	}
	close(p[1]);
	char buf[512];
	ssize_t n, have = 0;
	while ((n = read(p[0], buf + have, sizeof(buf) - 1 - (size_t)have)) > 0)
		have += n;
	buf[have] = 0;
	char *mark = strstr(buf, "stack=");
	EXPECT(mark);
	at = strtoul(mark + 6, NULL, 16);
	close(p[0]);
	expect_exit(pid, 0);
	return at;
}
CASE(prints_its_stack)
{
	char c;
	printf("stack=%lx\n", (unsigned long)&c);
	fflush(stdout);
}
CASE(stack_top_is_random)
{
	unsigned long a = child_stack(), b = child_stack(), c = child_stack();
	EXPECT(a != b || b != c);
	personality(ADDR_NO_RANDOMIZE);
	EXPECT_EQ(child_stack(), child_stack());
}

/* ---- mremap ---- */

CASE(mremap_argument_errors)
{
	char *p = rw(4);
	EXPECT_ERRNO((long)mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	EXPECT_ERRNO((long)mremap(p, PAGE, 0, 0), EINVAL);
	EXPECT_ERRNO((long)mremap(p, PAGE, PAGE, 64), EINVAL);
	EXPECT_ERRNO((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 2 * PAGE), EINVAL);
	EXPECT_ERRNO((long)mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p + PAGE), EINVAL);
	EXPECT_ERRNO((long)mremap(p, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p + 2 * PAGE + 1), EINVAL);
	EXPECT_ERRNO((long)mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), EINVAL);
	OK(munmap(p, 4 * PAGE));
	EXPECT_ERRNO((long)mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
}
CASE(mremap_across_mappings_is_efault)
{
	char *p = rw(4);
	OK(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ));
	EXPECT_ERRNO((long)mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), EFAULT);
}
CASE(mremap_dontunmap_leaves_an_empty_mapping)
{
	char *p = rw(4), *q;
	strcpy(p, "content");
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	EXPECT(q != MAP_FAILED && q != p);
	EXPECT_STR(q, "content");
	EXPECT_EQ(p[0], 0);
	p[0] = 'x';
	EXPECT_STR(q, "content");
	EXPECT(in_maps(p, "rw-p"));
}
CASE(mremap_dontunmap_fixed)
{
	char *p = rw(2), *to = rw(2), *q;
	strcpy(p, "one");
	strcpy(to, "gone");
	q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, to);
	EXPECT(q == to);
	EXPECT_STR(to, "one");
	EXPECT_EQ(p[0], 0);
}
CASE(mremap_old_size_zero_maps_again)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), *q;
	strcpy(p + PAGE, "both");
	q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);
	EXPECT(q != MAP_FAILED && q != p);
	EXPECT_STR(q + PAGE, "both");
	q[0] = 'y';
	EXPECT_EQ(p[0], 'y');
	EXPECT_ERRNO((long)mremap(rw(1), 0, PAGE, MREMAP_MAYMOVE), EINVAL);
}
CASE(mremap_fixed_and_growth)
{
	char *p = rw(2), *to = rw(8), *q;
	strcpy(p, "head");
	strcpy(p + PAGE, "second");
	memset(to, 'z', 8 * PAGE);
	q = mremap(p, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	EXPECT(q == to);
	EXPECT_STR(to, "head");
	EXPECT_STR(to + PAGE, "second");
	for (int i = 2; i < 6; i++)
		EXPECT_EQ(to[(unsigned)i * PAGE], 0);
	EXPECT_EQ(to[6 * PAGE], 'z');
	EXPECT_EQ(faults(p, false), SIGSEGV);
	to[5 * PAGE] = 1;
}
CASE(mremap_fixed_and_shrink)
{
	char *p = rw(6), *to = rw(2);
	strcpy(p, "kept");
	EXPECT(mremap(p, 6 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	EXPECT_STR(to, "kept");
	EXPECT_EQ(faults(p + 4 * PAGE, false), SIGSEGV);
}
CASE(mremap_middle_of_a_mapping)
{
	char *p = rw(8), *q;
	for (int i = 0; i < 8; i++)
		p[(unsigned)i * PAGE] = (char)('a' + i);
	q = mremap(p + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	EXPECT(q != MAP_FAILED);
	EXPECT_EQ(q[0], 'c');
	EXPECT_EQ(q[PAGE], 'd');
	EXPECT_EQ(q[2 * PAGE], 0);
	EXPECT_EQ(faults(p + 2 * PAGE, false), SIGSEGV);
	EXPECT_EQ(p[PAGE], 'b');
	EXPECT_EQ(p[4 * PAGE], 'e');
}
CASE(mremap_grows_a_private_file_mapping)
{
	int fd = make_file("f", "");
	char *p, buf[PAGE];
	for (int i = 0; i < 4; i++) {
		memset(buf, 'a' + i, sizeof(buf));
		EXPECT_EQ(write(fd, buf, sizeof(buf)), (ssize_t)sizeof(buf));
	}
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
	p[0] = 'X';
	p = mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	EXPECT(p != MAP_FAILED);
	EXPECT_EQ(p[0], 'X');
	EXPECT_EQ(p[1], 'b');
	EXPECT_EQ(p[PAGE], 'c');
	EXPECT_EQ(p[2 * PAGE], 'd');
}
CASE(mremap_keeps_what_the_tree_and_the_host_say_alike)
{
	/* a walk of random moves against a model */
	unsigned seed = 7;
	char *p = rw(4);
	size_t pages = 4;
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = (char)i;
	for (int round = 0; round < 200; round++) {
		size_t want = 1 + (size_t)rand_r(&seed) % 16;
		char *q = mremap(p, pages * PAGE, want * PAGE, MREMAP_MAYMOVE);
		EXPECT(q != MAP_FAILED);
		for (size_t i = 0; i < want; i++) {
			EXPECT_EQ(q[i * PAGE], i < pages ? (char)i : 0);
			q[i * PAGE] = (char)i;
		}
		if (rand_r(&seed) % 3 == 0)
			rw(1); /* something in the way */
		p = q;
		pages = want;
	}
}

/* ---- mprotect ---- */

CASE(mprotect_applies_up_to_the_hole)
{
	char *p = rw(4);
	OK(munmap(p + 2 * PAGE, PAGE));
	EXPECT_ERRNO(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	EXPECT_EQ(faults(p, true), SIGSEGV);
	EXPECT_EQ(faults(p + 3 * PAGE, true), 0);
}
CASE(mprotect_none_and_back_keeps_content)
{
	char *p = rw(1);
	strcpy(p, "still here");
	OK(mprotect(p, PAGE, PROT_NONE));
	EXPECT_EQ(faults(p, false), SIGSEGV);
	OK(mprotect(p, PAGE, PROT_READ));
	EXPECT_STR(p, "still here");
	EXPECT_EQ(faults(p, true), SIGSEGV);
}
CASE(mprotect_zero_length_and_errors)
{
	char *p = rw(1);
	OK(mprotect(p, 0, PROT_NONE));
	EXPECT_EQ(faults(p, true), 0);
	EXPECT_ERRNO(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
	EXPECT_ERRNO(mprotect((void *)0x10000000000, PAGE, PROT_READ), ENOMEM);
}
CASE(pkeys_without_hardware)
{
	char *p = rw(1);
	int key = (int)syscall(SYS_pkey_alloc, 0, 0);
	if (key >= 0)
		case_skip("this CPU has protection keys");
	EXPECT_ERRNO(syscall(SYS_pkey_alloc, 0, 0), ENOSPC);
	EXPECT_ERRNO(syscall(SYS_pkey_alloc, 1, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_pkey_alloc, 0, 16), EINVAL);
	EXPECT_ERRNO(syscall(SYS_pkey_free, 3), EINVAL);
	OK(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
	EXPECT_EQ(faults(p, true), SIGSEGV);
	EXPECT_ERRNO(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 5), EINVAL);
}

/* ---- mseal ---- */

static char *sealed(int prot)
{
	char *p = anon(4 * PAGE, prot, MAP_PRIVATE);
	if (syscall(SYS_mseal, p, 4 * PAGE, 0) && errno == ENOSYS)
		case_skip("no mseal");
	return p;
}
CASE(mseal_stops_unmapping_and_protection)
{
	char *p = sealed(PROT_READ | PROT_WRITE);
	EXPECT_ERRNO(munmap(p, PAGE), EPERM);
	EXPECT_ERRNO(munmap(p - PAGE, 8 * PAGE), EPERM);
	EXPECT_ERRNO(mprotect(p, PAGE, PROT_READ), EPERM);
	EXPECT_ERRNO((long)mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), EPERM);
	EXPECT_ERRNO((long)mremap(p, 4 * PAGE, PAGE, 0), EPERM);
	EXPECT_ERRNO((long)mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM);
	EXPECT_EQ(faults(p, true), 0);
}
CASE(mseal_keeps_read_only_memory_from_being_discarded)
{
	char *p = sealed(PROT_READ), *q = sealed(PROT_READ | PROT_WRITE);
	EXPECT_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EPERM);
	OK(madvise(q, PAGE, MADV_DONTNEED));
	OK(madvise(p, PAGE, MADV_WILLNEED));
}
CASE(mseal_is_a_target_that_cannot_be_moved_onto)
{
	char *p = sealed(PROT_READ), *q = rw(1);
	EXPECT_ERRNO((long)mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), EPERM);
}
CASE(mseal_errors)
{
	char *p = sealed(PROT_READ), *q = rw(4);
	EXPECT_ERRNO(syscall(SYS_mseal, p, PAGE, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_mseal, p + 1, PAGE, 0), EINVAL);
	OK(syscall(SYS_mseal, p, 0, 0));
	OK(syscall(SYS_mseal, p, PAGE, 0)); /* again */
	OK(munmap(q + PAGE, PAGE));
	EXPECT_ERRNO(syscall(SYS_mseal, q, 4 * PAGE, 0), ENOMEM);
	OK(munmap(q, PAGE)); /* nothing was sealed */
}
CASE(mseal_survives_fork)
{
	char *p = sealed(PROT_READ);
	pid_t pid = fork();
	if (!pid)
		_exit(munmap(p, PAGE) == -1 && errno == EPERM ? 5 : 1);
	expect_exit(pid, 5);
}
