/* Threads and children of one address space that change it at once: each gets memory of its own. */
#include "case.h"

#include <pthread.h>
#include <sys/mman.h>

#define PAGE    4096UL
#define THREADS 8

static _Atomic int wrong;
static void *own_memory(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;

	for (int round = 0; round < 200 && !wrong; round++) {
		size_t size = PAGE * (1 + (unsigned)(round + (int)id) % 7);
		unsigned *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			wrong = 1;
			break;
		}
		for (size_t i = 0; i < size / 4; i += 256) {
			if (p[i])
				wrong = 2;
			p[i] = id << 16 | (unsigned)round;
		}
		if (round % 3 == 0)
			mprotect(p, size, PROT_READ);
		if (round % 5 == 0)
			sched_yield();
		for (size_t i = 0; i < size / 4; i += 256)
			if (p[i] != (id << 16 | (unsigned)round))
				wrong = 3;
		munmap(p, size);
	}
	return NULL;
}
static void run_threads(void *(*fn)(void *))
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, fn, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

CASE(mmap_of_many_threads_never_overlaps)
{
	run_threads(own_memory);
	EXPECT_EQ(wrong, 0);
}
static void *grow(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;
	size_t size = PAGE;
	unsigned *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int round = 0; round < 60 && p != MAP_FAILED; round++) {
		p[size / 4 - 1] = id;
		p = mremap(p, size, size + PAGE, MREMAP_MAYMOVE);
		if (p == MAP_FAILED)
			break;
		size += PAGE;
		for (size_t i = 1023; i < size / 4 - 1; i += 1024)
			if (p[i] != id)
				wrong = 4;
	}
	if (p == MAP_FAILED)
		wrong = 5;
	else
		munmap(p, size);
	return NULL;
}
CASE(mremap_of_many_threads_never_overlaps)
{
	run_threads(grow);
	EXPECT_EQ(wrong, 0);
}
static void *file_maps(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;
	char name[32];
	unsigned word = id;
	int fd;

	snprintf(name, sizeof(name), "f%u", id);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || pwrite(fd, &word, 4, 0) != 4)
		wrong = 6;
	for (int round = 0; round < 100 && !wrong; round++) {
		unsigned *p = mmap(NULL, PAGE, PROT_READ, round % 2 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		unsigned *q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || q == MAP_FAILED) {
			wrong = 7;
			break;
		}
		*q = ~id;
		if (*p != id || *q != ~id)
			wrong = 8;
		munmap(q, PAGE);
		munmap(p, PAGE);
	}
	close(fd);
	return NULL;
}
CASE(file_mappings_of_many_threads_never_overlap)
{
	run_threads(file_maps);
	EXPECT_EQ(wrong, 0);
}
static _Atomic bool stop;
static void *map_on(void *arg)
{
	while (!stop)
		own_memory(arg);
	return NULL;
}
CASE(fork_while_threads_map)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, map_on, (void *)(i + 1)), 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		int st;

		OK(pid);
		if (!pid) {
			/* what maps says is what there is: all that is readable can be read */
			FILE *f = fopen("/proc/self/maps", "r");
			unsigned long start, end;
			char line[400], perms[8];
			while (fgets(line, sizeof(line), f))
				if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 &&
				    perms[0] == 'r' && !strstr(line, "[v") && !perms[4] &&
				    start < 0x7fff00000000)
					for (unsigned long p = start; p < end; p += PAGE)
						(void)*(volatile char *)p;
			_exit(own_memory((void *)9) || wrong);
		}
		OK(waitpid(pid, &st, 0));
		EXPECT_EQ(st, 0);
	}
	stop = true;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(wrong, 0);
}
