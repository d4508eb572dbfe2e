/* madvise(2) whole, mincore(2), mlock(2) and its kin, membarrier(2), msync(2), remap_file_pages(2),
 * userfaultfd(2). */
#include "case.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096UL
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#define GUARD_INSTALL 102
#define GUARD_REMOVE  103

static sigjmp_buf back;
static void fault(int sig)
{
	siglongjmp(back, sig);
}
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
static char *map(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}
static int resident(char *p, size_t pages)
{
	unsigned char vec[64];
	int n = 0;
	OK(mincore(p, pages * PAGE, vec));
	for (size_t i = 0; i < pages; i++)
		n += vec[i] & 1;
	return n;
}
static void unprivileged(void)
{
	OK(setgid(65534));
	OK(setuid(65534));
}

/* ---- mincore ---- */

CASE(mincore_shows_touched_pages)
{
	unsigned char vec[4];
	char *p = map(4, MAP_PRIVATE);
	p[2 * PAGE] = 1;
	OK(mincore(p, 4 * PAGE, vec));
	EXPECT_EQ(vec[0] & 1, 0);
	EXPECT_EQ(vec[2] & 1, 1);
	EXPECT_EQ(vec[3] & 1, 0);
}
CASE(mincore_errors)
{
	unsigned char vec[8];
	char *p = map(4, MAP_PRIVATE);
	EXPECT_ERRNO(mincore(p + 1, PAGE, vec), EINVAL);
	EXPECT_ERRNO(mincore(p, 4 * PAGE, (void *)8), EFAULT);
	OK(munmap(p + PAGE, PAGE));
	EXPECT_ERRNO(mincore(p, 4 * PAGE, vec), ENOMEM);
	EXPECT_ERRNO(mincore(p, -PAGE, vec), ENOMEM);
	OK(mincore(p, 0, vec));
}
CASE(mincore_of_a_file_in_the_cache)
{
	int fd = make_file("f", "some text");
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(p != MAP_FAILED);
	EXPECT_EQ(resident(p, 1), 1); /* just written */
}

/* ---- madvise ---- */

CASE(madvise_dontneed_gives_zeros)
{
	char *p = map(4, MAP_PRIVATE);
	memset(p, 1, 4 * PAGE);
	OK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
	EXPECT_EQ(p[0], 1);
	EXPECT_EQ(p[PAGE], 0);
	EXPECT_EQ(p[3 * PAGE], 1);
}
CASE(madvise_dontneed_keeps_shared_memory)
{
	char *p = map(2, MAP_SHARED);
	memset(p, 3, 2 * PAGE);
	OK(madvise(p, 2 * PAGE, MADV_DONTNEED));
	EXPECT_EQ(p[PAGE], 3);
}
CASE(madvise_free_is_for_private_anonymous_memory)
{
	char *p = map(2, MAP_PRIVATE), *s = map(2, MAP_SHARED);
	p[0] = 1;
	OK(madvise(p, 2 * PAGE, MADV_FREE));
	EXPECT(p[0] == 1 || p[0] == 0);
	p[0] = 2;
	EXPECT_EQ(p[0], 2);
	EXPECT_ERRNO(madvise(s, 2 * PAGE, MADV_FREE), EINVAL);
}
CASE(madvise_remove_punches_the_file)
{
	char *p = map(4, MAP_SHARED), *q, c;
	int fd = (int)syscall(SYS_memfd_create, "m", 0);
	memset(p, 5, 4 * PAGE);
	OK(madvise(p + PAGE, PAGE, MADV_REMOVE));
	EXPECT_EQ(p[0], 5);
	EXPECT_EQ(p[PAGE], 0);
	EXPECT_EQ(p[2 * PAGE], 5);
	OK(ftruncate(fd, 2 * PAGE));
	q = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(q, 6, 2 * PAGE);
	OK(madvise(q, PAGE, MADV_REMOVE));
	EXPECT_EQ(pread(fd, &c, 1, 10), 1);
	EXPECT_EQ(c, 0);
	EXPECT_EQ(pread(fd, &c, 1, PAGE + 10), 1);
	EXPECT_EQ(c, 6);
}
CASE(madvise_remove_errors)
{
	char *p = map(2, MAP_PRIVATE), *q;
	int fd = (int)syscall(SYS_memfd_create, "m", 0);
	OK(ftruncate(fd, PAGE));
	EXPECT_ERRNO(madvise(p, PAGE, MADV_REMOVE), EINVAL);
	q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	EXPECT_ERRNO(madvise(q, PAGE, MADV_REMOVE), EACCES);
}
CASE(madvise_populate_write_and_read)
{
	char *p = map(8, MAP_PRIVATE);
	OK(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE));
	EXPECT_EQ(resident(p, 8), 4);
	OK(madvise(p + 4 * PAGE, 4 * PAGE, MADV_POPULATE_READ));
	EXPECT_EQ(p[5 * PAGE], 0);
	OK(mprotect(p, 8 * PAGE, PROT_READ));
	EXPECT_ERRNO(madvise(p, PAGE, MADV_POPULATE_WRITE), EINVAL);
	OK(mprotect(p, 8 * PAGE, PROT_NONE));
	EXPECT_ERRNO(madvise(p, PAGE, MADV_POPULATE_READ), EINVAL);
}
CASE(madvise_hole_is_enomem_but_the_rest_is_done)
{
	char *p = map(4, MAP_PRIVATE);
	memset(p, 1, 4 * PAGE);
	OK(munmap(p + PAGE, PAGE));
	EXPECT_ERRNO(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	EXPECT_EQ(p[0], 0);
	EXPECT_EQ(p[3 * PAGE], 0);
}
CASE(madvise_errors)
{
	char *p = map(2, MAP_PRIVATE);
	EXPECT_ERRNO(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	EXPECT_ERRNO(madvise(p, PAGE, 77), EINVAL);
	OK(madvise(p, 0, MADV_DONTNEED));
	EXPECT_ERRNO(madvise(p, -PAGE, MADV_DONTNEED), EINVAL);
}
CASE(madvise_dontfork_and_dofork)
{
	char *p = map(2, MAP_PRIVATE), *q = map(2, MAP_PRIVATE);
	pid_t pid;
	OK(madvise(p, 2 * PAGE, MADV_DONTFORK));
	OK(madvise(q, 2 * PAGE, MADV_DONTFORK));
	OK(madvise(q, 2 * PAGE, MADV_DOFORK));
	q[0] = 4;
	pid = fork();
	if (!pid)
		_exit(faults(p, false) == SIGSEGV && q[0] == 4 ? 9 : 1);
	expect_exit(pid, 9);
}
CASE(madvise_wipeonfork_and_keeponfork)
{
	char *p = map(2, MAP_PRIVATE), *s = map(1, MAP_SHARED);
	pid_t pid;
	memset(p, 8, 2 * PAGE);
	OK(madvise(p, 2 * PAGE, MADV_WIPEONFORK));
	OK(madvise(p + PAGE, PAGE, MADV_KEEPONFORK));
	EXPECT_ERRNO(madvise(s, PAGE, MADV_WIPEONFORK), EINVAL);
	pid = fork();
	if (!pid) {
		pid_t grandchild;
		if (p[0] != 0 || p[PAGE] != 8)
			_exit(1);
		p[0] = 7; /* the flag is inherited */
		grandchild = fork();
		if (!grandchild)
			_exit(p[0] == 0 ? 0 : 2);
		expect_exit(grandchild, 0);
		_exit(9);
	}
	expect_exit(pid, 9);
	EXPECT_EQ(p[0], 8);
}
CASE(madvise_hints_are_taken)
{
	static const int hints[] = {MADV_NORMAL,   MADV_RANDOM,     MADV_SEQUENTIAL, MADV_WILLNEED,
				    MADV_HUGEPAGE, MADV_NOHUGEPAGE, 20 /* COLD */,   21 /* PAGEOUT */,
				    MADV_DONTDUMP, MADV_DODUMP};
	char *p = map(4, MAP_PRIVATE);
	memset(p, 2, 4 * PAGE);
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		OK(madvise(p, 4 * PAGE, hints[i]));
	EXPECT_EQ(p[3 * PAGE], 2);
}
CASE(madvise_on_locked_memory)
{
	char *p = map(2, MAP_PRIVATE);
	p[0] = 1;
	OK(mlock(p, 2 * PAGE));
	EXPECT_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	EXPECT_ERRNO(madvise(p, PAGE, MADV_FREE), EINVAL);
	EXPECT_ERRNO(madvise(p, PAGE, 21 /* PAGEOUT */), EINVAL);
	OK(madvise(p, PAGE, MADV_DONTNEED_LOCKED));
	EXPECT_EQ(p[0], 0);
}
CASE(madvise_guards)
{
	char *p = map(4, MAP_PRIVATE);
	pid_t pid;
	memset(p, 1, 4 * PAGE);
	if (madvise(p + PAGE, PAGE, GUARD_INSTALL) && errno == EINVAL)
		case_skip("no guard regions");
	EXPECT_EQ(faults(p + PAGE, false), SIGSEGV);
	EXPECT_EQ(p[0], 1);
	pid = fork();
	if (!pid)
		_exit(faults(p + PAGE, false) == SIGSEGV ? 4 : 1);
	expect_exit(pid, 4);
	OK(madvise(p + PAGE, PAGE, GUARD_REMOVE));
	EXPECT_EQ(p[PAGE], 0);
}

/* ---- mlock ---- */

CASE(mlock_brings_in)
{
	char *p = map(8, MAP_PRIVATE);
	OK(mlock(p, 8 * PAGE));
	EXPECT_EQ(resident(p, 8), 8);
	OK(munlock(p, 8 * PAGE));
}
CASE(mlock2_onfault_does_not)
{
	char *p = map(8, MAP_PRIVATE);
	OK(syscall(SYS_mlock2, p, 8 * PAGE, 1));
	EXPECT_EQ(resident(p, 8), 0);
	EXPECT_ERRNO(syscall(SYS_mlock2, p, PAGE, 2), EINVAL);
}
CASE(mlock_rounds_to_pages)
{
	char *p = map(2, MAP_PRIVATE);
	OK(mlock(p + 100, 10));
	EXPECT_EQ(resident(p, 2), 1);
	OK(mlock(p + PAGE - 1, 2));
	EXPECT_EQ(resident(p, 2), 2);
}
CASE(mlock_of_a_hole)
{
	char *p = map(4, MAP_PRIVATE);
	OK(munmap(p + 2 * PAGE, PAGE));
	EXPECT_ERRNO(mlock(p, 4 * PAGE), ENOMEM);
	EXPECT_ERRNO(munlock(p, 4 * PAGE), ENOMEM);
}
CASE(mlock_limit)
{
	struct rlimit r = {8 * PAGE, 8 * PAGE};
	char *p = map(16, MAP_PRIVATE);
	OK(setrlimit(RLIMIT_MEMLOCK, &r));
	unprivileged();
	OK(mlock(p, 8 * PAGE));
	OK(mlock(p, 8 * PAGE)); /* counted once */
	EXPECT_ERRNO(mlock(p + 8 * PAGE, PAGE), ENOMEM);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
		     EAGAIN);
	OK(munlock(p, PAGE));
	OK(mlock(p + 8 * PAGE, PAGE));
	EXPECT_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
}
CASE(mlock_limit_of_zero_is_eperm)
{
	struct rlimit r = {0, 0};
	char *p = map(1, MAP_PRIVATE);
	OK(setrlimit(RLIMIT_MEMLOCK, &r));
	unprivileged();
	EXPECT_ERRNO(mlock(p, PAGE), EPERM);
	EXPECT_ERRNO(mlockall(MCL_FUTURE), EPERM);
	EXPECT_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
		     EPERM);
	OK(munlock(p, PAGE));
}
CASE(mlockall_future)
{
	char *p;
	OK(mlockall(MCL_FUTURE));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(resident(p, 4), 4);
	EXPECT_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	OK(munlockall());
	OK(madvise(p, PAGE, MADV_DONTNEED));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(resident(p, 4), 0);
}
CASE(mlockall_errors)
{
	EXPECT_ERRNO(mlockall(0), EINVAL);
	EXPECT_ERRNO(mlockall(8), EINVAL);
	EXPECT_ERRNO(mlockall(4 /* MCL_ONFAULT */), EINVAL);
}
CASE(locks_are_not_inherited)
{
	char *p = map(2, MAP_PRIVATE);
	pid_t pid;
	OK(mlock(p, PAGE));
	pid = fork();
	if (!pid)
		_exit(madvise(p, PAGE, MADV_DONTNEED) ? 1 : 0);
	expect_exit(pid, 0);
}

/* ---- membarrier ---- */

static int barrier(int cmd, unsigned flags)
{
	return (int)syscall(SYS_membarrier, cmd, flags, 0);
}
CASE(membarrier_query)
{
	int have = barrier(MEMBARRIER_CMD_QUERY, 0);
	EXPECT(have & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	EXPECT(have & MEMBARRIER_CMD_GLOBAL);
	EXPECT_ERRNO(barrier(MEMBARRIER_CMD_QUERY, 1), EINVAL);
	EXPECT_ERRNO(barrier(1 << 20, 0), EINVAL);
}
CASE(membarrier_private_needs_registration)
{
	EXPECT_ERRNO(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), EPERM);
	OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	EXPECT_ERRNO(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0), EPERM);
	OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
}
CASE(membarrier_global)
{
	OK(barrier(MEMBARRIER_CMD_GLOBAL, 0));
	OK(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0));
	OK(barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0));
}
CASE(membarrier_registration_is_inherited_and_lost_by_exec)
{
	int reg;
	OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	reg = barrier(512 /* GET_REGISTRATIONS */, 0);
	if (reg >= 0)
		EXPECT(reg & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	pid_t pid = fork();
	if (!pid)
		_exit(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) ? 1 : 0);
	expect_exit(pid, 0);
}
/* Store buffering: one side without a fence of its own, the other with membarrier: never both see zero. */
static volatile int x, y, saw, stop_round, go_round;
static void *fast_side(void *arg)
{
	for (int r = 1; r <= *(int *)arg; r++) {
		while (go_round < r)
			;
		x = 1;
		__asm__ volatile("" ::: "memory");
		saw = y;
		__atomic_store_n(&stop_round, r, __ATOMIC_RELEASE);
	}
	return NULL;
}
static void litmus(int cmd)
{
	int rounds = 300;
	pthread_t t;
	EXPECT_EQ(pthread_create(&t, NULL, fast_side, &rounds), 0);
	for (int r = 1; r <= rounds; r++) {
		int other;
		x = y = 0;
		__atomic_store_n(&go_round, r, __ATOMIC_SEQ_CST);
		y = 1;
		OK(barrier(cmd, 0));
		other = x;
		while (__atomic_load_n(&stop_round, __ATOMIC_ACQUIRE) < r)
			;
		EXPECT(other == 1 || saw == 1);
	}
	pthread_join(t, NULL);
}
CASE(membarrier_orders_private)
{
	OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	litmus(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}
CASE(membarrier_orders_global)
{
	OK(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0));
	litmus(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

/* ---- msync, remap_file_pages, refusals ---- */

CASE(msync_writes_and_checks)
{
	int fd = make_file("f", "0123456789");
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), buf[4] = {0};
	memcpy(p, "abc", 3);
	OK(msync(p, PAGE, MS_SYNC));
	OK(msync(p, PAGE, MS_ASYNC | MS_INVALIDATE));
	EXPECT_EQ(pread(fd, buf, 3, 0), 3);
	EXPECT_STR(buf, "abc");
	EXPECT_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	EXPECT_ERRNO(msync(p, PAGE, 64), EINVAL);
	EXPECT_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	OK(munmap(p, PAGE));
	EXPECT_ERRNO(msync(p, PAGE, MS_SYNC), ENOMEM);
}
CASE(msync_invalidate_of_locked_memory)
{
	char *p = map(1, MAP_SHARED);
	OK(mlock(p, PAGE));
	EXPECT_ERRNO(msync(p, PAGE, MS_INVALIDATE), EBUSY);
}
CASE(remap_file_pages_rearranges)
{
	int fd = (int)syscall(SYS_memfd_create, "m", 0);
	char *p;
	OK(ftruncate(fd, 4 * PAGE));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 4; i++)
		p[(unsigned)i * PAGE] = (char)('a' + i);
	OK(syscall(SYS_remap_file_pages, p, PAGE, 0, 3, 0));
	EXPECT_EQ(p[0], 'd');
	EXPECT_EQ(p[PAGE], 'b');
	p[0] = 'z';
	EXPECT_EQ(p[3 * PAGE], 'z');
	EXPECT_ERRNO(syscall(SYS_remap_file_pages, p, PAGE, 1, 3, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_remap_file_pages, map(1, MAP_PRIVATE), PAGE, 0, 0, 0), EINVAL);
}
CASE(userfaultfd_refused_to_the_unprivileged)
{
	unprivileged();
	EXPECT_ERRNO(syscall(SYS_userfaultfd, 0), EPERM);
}
