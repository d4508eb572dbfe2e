/* test_map_parts.c - mmap(2) of files as a dynamic loader makes it: parts over a whole, used at once, by
 * every way in which memory can be looked at. Each protection is granted once before, see file_pages(). */
#include "case.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>

#define PAGE  4096UL
#define PAGES 40UL

/* A file whose page n is full of 'A' + n, and whose mappings the sandbox has seen before. */
static int file_pages(void)
{
	static const int prots[] = {PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};
	char page[PAGE];
	int fd = open("pages", O_RDWR | O_CREAT, 0644);

	for (unsigned i = 0; i < PAGES; i++) {
		memset(page, 'A' + (int)i, PAGE);
		EXPECT_EQ(write(fd, page, PAGE), PAGE);
	}
	for (unsigned i = 0; i < sizeof(prots) / sizeof(prots[0]); i++) {
		void *p = mmap(NULL, PAGES * PAGE, prots[i], MAP_PRIVATE, fd, 0);
		EXPECT(p != MAP_FAILED);
		EXPECT_EQ(munmap(p, PAGES * PAGE), 0);
	}
	return fd;
}

static char *map(int fd, int prot)
{
	char *p = mmap(NULL, PAGES * PAGE, prot, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		case_fail(__FILE__, __LINE__, "mmap: %s", errno_name(errno));
	return p;
}

static void put(char *at, size_t size, int prot, int flags, int fd, unsigned page)
{
	if (mmap(at, size, prot, MAP_FIXED | flags, fd, (off_t)(page * PAGE)) != at)
		case_fail(__FILE__, __LINE__, "mmap: %s", errno_name(errno));
}

static sigjmp_buf *volatile back;
static siginfo_t last;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	last = *info;
	siglongjmp(*back, 1);
}

/* The signal that touching p brings, or 0. */
static int touch(volatile char *p, bool write_it)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	sigjmp_buf here;

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	back = &here;
	if (sigsetjmp(here, 1))
		return last.si_signo;
	if (write_it)
		*p = 1;
	else
		(void)*p;
	return 0;
}

CASE(touched_at_once)
{
	char *p = map(file_pages(), PROT_READ);
	EXPECT_EQ(p[0], 'A');
	EXPECT_EQ(p[PAGES * PAGE - 1], 'A' + (int)PAGES - 1);
}
CASE(parts_over_a_whole)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ), c;
	put(p + PAGE, 8 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 1);
	put(p + 9 * PAGE, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 20);
	put(p + 13 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 30);
	put(p + 15 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	close(fd);
	EXPECT_EQ(p[0], 'A');
	EXPECT_EQ(p[PAGE], 'B');
	EXPECT_EQ(p[9 * PAGE], 'A' + 20);
	EXPECT_EQ(p[13 * PAGE], 'A' + 30);
	EXPECT_EQ(p[15 * PAGE], 0);
	EXPECT_EQ(p[18 * PAGE], 'A' + 18);
	p[13 * PAGE] = 'x';
	p[15 * PAGE] = 'y';
	EXPECT_EQ(pread(open("pages", O_RDONLY), &c, 1, 30 * PAGE), 1);
	EXPECT_EQ(c, 'A' + 30);
}
CASE(more_parts_than_fit)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ);
	for (unsigned i = 0; i < PAGES; i++)
		put(p + i * PAGE, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		    PAGES - 1 - i);
	for (unsigned i = 0; i < PAGES; i++)
		EXPECT_EQ(p[i * PAGE], 'A' + (int)(PAGES - 1 - i));
}
CASE(part_replaced_by_part)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ);
	put(p, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 10);
	put(p + PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 20);
	EXPECT_EQ(p[0], 'A' + 10);
	EXPECT_EQ(p[PAGE], 'A' + 20);
	EXPECT_EQ(p[3 * PAGE], 'A' + 13);
}
CASE(two_files_in_turn)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ), *q = map(fd, PROT_READ), *r = map(fd, PROT_READ | PROT_WRITE);
	EXPECT_EQ(r[PAGE], 'B');
	EXPECT_EQ(q[0], 'A');
	EXPECT_EQ(p[2 * PAGE], 'C');
}
CASE(over_memory_in_use)
{
	int fd = file_pages();
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 'z', 4 * PAGE);
	put(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE, fd, 5);
	EXPECT_EQ(p[PAGE], 'F');
	EXPECT_EQ(p[0], 'z');
	EXPECT_EQ(p[2 * PAGE], 'z');
}
CASE(read_into_it)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ | PROT_WRITE);
	EXPECT_EQ(pread(fd, p, 3 * PAGE, 7 * PAGE), 3 * PAGE);
	EXPECT_EQ(p[0], 'H');
	EXPECT_EQ(p[2 * PAGE], 'J');
	EXPECT_EQ(p[3 * PAGE], 'D');
}
CASE(small_result_into_it)
{
	int fd = file_pages();
	struct stat *st;
	pid_t pid = fork();
	if (!pid)
		_exit(7);
	st = (struct stat *)(void *)map(fd, PROT_READ | PROT_WRITE);
	EXPECT_EQ(fstat(fd, st), 0);
	EXPECT_EQ(st->st_size, PAGES * PAGE);
	EXPECT_EQ(waitpid(pid, (int *)(void *)map(fd, PROT_READ | PROT_WRITE), 0), pid);
}
CASE(written_from_it)
{
	int fd = file_pages(), p[2];
	char buf[8] = "";
	EXPECT_EQ(pipe(p), 0);
	EXPECT_EQ(write(p[1], map(fd, PROT_READ) + 3 * PAGE, 4), 4);
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 4);
	EXPECT_STR(buf, "DDDD");
}
CASE(path_in_it)
{
	int fd = file_pages();
	EXPECT_EQ(pwrite(fd, "pages", 6, 0), 6);
	EXPECT(open(map(fd, PROT_READ), O_RDONLY) >= 0);
}
CASE(iovec_in_it)
{
	int fd = file_pages(), p[2];
	struct iovec v = {(void *)"abc", 3};
	char buf[4] = "";
	EXPECT_EQ(pwrite(fd, &v, sizeof(v), 0), sizeof(v));
	EXPECT_EQ(pipe(p), 0);
	EXPECT_EQ(writev(p[1], (void *)map(fd, PROT_READ), 1), 3);
	EXPECT_EQ(read(p[0], buf, 3), 3);
	EXPECT_STR(buf, "abc");
}
CASE(unmapped_at_once)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ);
	EXPECT_EQ(munmap(p + PAGE, PAGE), 0);
	EXPECT_EQ(touch(p + PAGE, false), SIGSEGV);
	EXPECT_EQ(last.si_code, SEGV_MAPERR);
	EXPECT_EQ(p[2 * PAGE], 'C');
}
CASE(protected_at_once)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ | PROT_WRITE);
	EXPECT_EQ(mprotect(p, PAGE, PROT_NONE), 0);
	EXPECT_EQ(touch(p, false), SIGSEGV);
	EXPECT_EQ(last.si_code, SEGV_ACCERR);
	EXPECT_EQ(touch(p + PAGE, true), 0);
}
CASE(moved_at_once)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ), *q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	EXPECT(q != MAP_FAILED);
	EXPECT_EQ(q[PAGE], 'B');
	EXPECT_EQ(q[7 * PAGE], 'H');
}
CASE(written_though_read_only)
{
	char *p = map(file_pages(), PROT_READ);
	EXPECT_EQ(touch(p + 2 * PAGE + 5, true), SIGSEGV);
	EXPECT_EQ(last.si_code, SEGV_ACCERR);
	EXPECT(last.si_addr == p + 2 * PAGE + 5);
	EXPECT_EQ(p[2 * PAGE], 'C');
}
CASE(behind_the_end_of_the_file)
{
	int fd = file_pages();
	char *p;
	EXPECT_EQ(ftruncate(fd, PAGE), 0);
	p = map(fd, PROT_READ);
	EXPECT_EQ(touch(p + PAGE, false), SIGBUS);
	EXPECT(last.si_addr == p + PAGE);
	EXPECT_EQ(p[PAGE - 1], 'A');
}
CASE(beside_it_is_nothing)
{
	char *hole = mmap(NULL, 2 * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = file_pages();
	EXPECT_EQ(munmap(hole, 2 * PAGES * PAGE), 0);
	put(hole, PAGES * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	EXPECT_EQ(touch(hole + PAGES * PAGE, false), SIGSEGV);
	EXPECT_EQ(hole[0], 'A');
}
CASE(child_has_it)
{
	int fd = file_pages(), status;
	char *p = map(fd, PROT_READ | PROT_WRITE);
	pid_t pid = fork();
	if (!pid)
		_exit(p[PAGE] == 'B' && (p[0] = 'c') == 'c' ? 3 : 4);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(WEXITSTATUS(status), 3);
	EXPECT_EQ(p[0], 'A');
}

static char *volatile shown;
static volatile int seen;

static void *look(void *arg)
{
	(void)arg;
	while (!shown)
		;
	seen = shown[PAGE];
	return NULL;
}

CASE(another_thread_sees_it)
{
	int fd = file_pages();
	pthread_t t;
	EXPECT_EQ(pthread_create(&t, NULL, look, NULL), 0);
	shown = map(fd, PROT_READ);
	while (!seen)
		;
	EXPECT_EQ(seen, 'B');
	pthread_join(t, NULL);
}
CASE(thread_made_after_it)
{
	int fd = file_pages();
	pthread_t t;
	shown = map(fd, PROT_READ);
	EXPECT_EQ(pthread_create(&t, NULL, look, NULL), 0);
	pthread_join(t, NULL);
	EXPECT_EQ(seen, 'B');
}
CASE(another_process_reads_it)
{
	int fd = file_pages(), status;
	char *volatile *where = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char buf[4] = "";
	struct iovec local = {buf, 3}, remote = {0};
	pid_t pid = fork();
	if (!pid) {
		char *p = map(fd, PROT_READ);
		*where = p;
		for (;;) /* no call after mmap */
			;
	}
	while (!*where)
		usleep(1000);
	remote = (struct iovec){*where + PAGE, 3};
	EXPECT_EQ(process_vm_readv(pid, &local, 1, &remote, 1, 0), 3);
	EXPECT_STR(buf, "BBB");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

CASE(another_process_reads_all_the_time)
{
	int fd = file_pages(), status;
	char *known = map(fd, PROT_READ), buf[4];
	struct iovec local = {buf, 3}, remote = {known, 3};
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 3000; i++) {
			char *p = map(fd, PROT_READ), *q = map(fd, PROT_READ | PROT_WRITE);
			if (q[PAGE] != 'B' || p[2 * PAGE] != 'C')
				_exit(4);
			munmap(p, PAGES * PAGE);
			munmap(q, PAGES * PAGE);
		}
		_exit(3);
	}
	while (!waitpid(pid, &status, WNOHANG))
		(void)!process_vm_readv(pid, &local, 1, &remote, 1, 0);
	EXPECT(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 3);
}

static volatile sig_atomic_t caught;

static void on_alarm(int signo)
{
	(void)signo;
	caught = 1;
}

CASE(signal_stack_on_it)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ | PROT_WRITE);
	stack_t stack = {.ss_sp = p, .ss_size = 16 * PAGE};
	struct itimerval timer = {.it_value.tv_usec = 20000};
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};
	EXPECT_EQ(munmap(p, PAGES * PAGE), 0);
	EXPECT_EQ(sigaltstack(&stack, NULL), 0);
	EXPECT_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	put(p, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	while (!caught)
		;
	EXPECT_EQ(p[20 * PAGE], 'A' + 20);
}
CASE(file_gone_before_the_touch)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ);
	EXPECT_EQ(unlink("pages"), 0);
	close(fd);
	EXPECT_EQ(p[PAGE], 'B');
}
CASE(maps_tells_of_it)
{
	int fd = file_pages();
	char *p = map(fd, PROT_READ), line[512], want[64];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");
	snprintf(want, sizeof(want), "%lx-%lx r--p", (unsigned long)p, (unsigned long)(p + PAGES * PAGE));
	while (f && fgets(line, sizeof(line), f))
		found |= !strncmp(line, want, strlen(want));
	EXPECT(found);
}
