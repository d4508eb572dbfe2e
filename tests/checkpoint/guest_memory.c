/* guest_memory.c - what lies in memory. */
#include <fcntl.h>
#include <signal.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "guest.h"

#define SIZE (1UL << 20)

static void fill(unsigned char *p, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (unsigned char)(i / 4096 * 7 + i + seed);
}
static void verify(const unsigned char *p, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		CHECK(p[i] == (unsigned char)(i / 4096 * 7 + i + seed));
}

static void *map(size_t size, int prot, int flags, int fd)
{
	void *p = mmap(NULL, size, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Ranges of every protection, a file's pages changed in private, one of them to zeros. */
static void private(void)
{
	unsigned char *rw = map(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *none = map(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *ro = map(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *wo = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned char *huge = map(1UL << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	int fd = open("/data/big", O_RDONLY);
	unsigned char *file = map(16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);

	fill(rw, SIZE, 1);
	fill(none, SIZE, 2);
	fill(ro, SIZE, 3);
	fill(wo, 4096, 4);
	memset(file + 4096, 0, 4096);
	file[8192] = 0xaa;
	CHECK(mprotect(none, SIZE, PROT_NONE) == 0 && mprotect(ro, SIZE, PROT_READ) == 0);
	CHECK(mprotect(wo, 4096, PROT_WRITE) == 0);
	pause_here();
	verify(rw, SIZE, 1);
	verify(ro, SIZE, 3);
	CHECK(mprotect(none, SIZE, PROT_READ) == 0 && mprotect(wo, 4096, PROT_READ) == 0);
	verify(none, SIZE, 2);
	verify(wo, 4096, 4);
	CHECK(file[0] == 'b' && file[4095] == 'b' && file[8192] == 0xaa && file[8193] == 'b' &&
	      file[12288] == 'b');
	for (int i = 4096; i < 8192; i++)
		CHECK(file[i] == 0);
	CHECK(mprotect(huge, 4096, PROT_READ | PROT_WRITE) == 0);
	huge[0] = 1;
}

/* Code that was made here runs on. */
static void code(void)
{
	static const unsigned char bytes[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
	unsigned char *p = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memcpy(p, bytes, sizeof(bytes));
	CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
	pause_here();
	CHECK(((int (*)(void))p)() == 42);
}

static sigjmp_buf back;
static void on_fault(int sig)
{
	siglongjmp(back, 1);
}

/* What must fault still does. */
static void faults(void)
{
	volatile unsigned char *ro = map(4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	volatile unsigned char *guard = map(8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	bool has_guard = madvise((void *)guard, 4096, 102 /* MADV_GUARD_INSTALL */) == 0;
	volatile int faulted = 0;

	guard[4096] = 5;
	signal(SIGSEGV, on_fault);
	pause_here();
	if (!sigsetjmp(back, 1))
		ro[0] = 1;
	else
		faulted++;
	if (has_guard) {
		if (!sigsetjmp(back, 1))
			guard[0] = 1;
		else
			faulted++;
	}
	CHECK(faulted == 1 + has_guard && guard[4096] == 5);
}

/* Shared between processes: anonymous, memfd, tmpfs file, SysV. */
static void shared(void)
{
	int fd = memfd_create("m", 0), file = open("/dev/shm/shared", O_CREAT | O_RDWR, 0600), status;
	unsigned char *anon = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1), *memfd,
		      *tmpfs, *sysv;
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
	pid_t child;

	CHECK(fd >= 0 && ftruncate(fd, SIZE) == 0 && file >= 0 && ftruncate(file, SIZE) == 0);
	memfd = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	tmpfs = map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	sysv = id >= 0 ? shmat(id, NULL, 0) : anon;
	CHECK(sysv != (void *)-1);
	fill(memfd, SIZE, 9);
	fill(tmpfs, 4096, 8);
	child = fork();
	if (!child) { /* answers each change of a first byte in the second */
		unsigned char *all[] = {anon, memfd, tmpfs, sysv};
		for (int i = 0; i < 4; i++) {
			while (((volatile unsigned char *)all[i])[0] != 200 + i)
				usleep(1000);
			all[i][1] = (unsigned char)(100 + i);
		}
		_exit(7);
	}
	pause_here();
	verify(memfd, SIZE, 9);
	verify(tmpfs, 4096, 8);
	{
		volatile unsigned char *all[] = {anon, memfd, tmpfs, sysv};
		for (int i = 0; i < 4; i++) {
			all[i][0] = (unsigned char)(200 + i);
			while (all[i][1] != 100 + i)
				usleep(1000);
		}
	}
	CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
	CHECK(lseek(file, 0, SEEK_END) == SIZE);
	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
}

const struct situation memory_situations[] = {
    {"private", private}, {"code", code}, {"faults", faults}, {"shared", shared}, {0}};
