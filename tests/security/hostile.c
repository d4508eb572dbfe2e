/*
 * hostile.c - guests that crash or take without end: `hostile MODE`. Each mode ends by itself with a status
 * that says how it was refused (0: as Linux refuses it), or is ended by a signal. Run by
 * tests/security/run-tests.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/platform/stub_abi.h"

static int refused(int expected)
{
	if (errno == expected)
		return 0;
	fprintf(stderr, "refused with %s, expected %s\n", strerrorname_np(errno), strerrorname_np(expected));
	return 1;
}

static int deep(volatile char *above)
{
	volatile char here[4096];

	here[0] = above ? above[0] : 0;
	return deep(here) + here[0];
}

static int fork_bomb(void)
{
	for (;;) {
		pid_t pid = fork();
		if (pid < 0)
			return refused(EAGAIN);
		if (!pid) { /* each child forks on, too, until it is refused */
			while (fork() >= 0)
				;
			pause();
		}
	}
}

static void *sleeper(void *arg)
{
	pause();
	return arg;
}

static int thread_bomb(void)
{
	for (;;) {
		pthread_t t;
		pthread_attr_t a;
		pthread_attr_init(&a);
		pthread_attr_setstacksize(&a, 65536);
		errno = pthread_create(&t, &a, sleeper, NULL);
		if (errno)
			return refused(EAGAIN);
	}
}

static int allocate(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return refused(ENOMEM);
		memset(p, 1, 1 << 20);
	}
}

static int map_many(void)
{
	for (unsigned i = 0; i < 10000; i++) /* protections differ, so that neighbours are not merged */
		if (mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED)
			return refused(ENOMEM);
	return 0;
}

static int write_on(const char *path)
{
	static char block[1 << 16];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return 2;
	memset(block, 7, sizeof(block));
	for (;;)
		if (write(fd, block, sizeof(block)) < 0)
			return unlink(path) ? 3 : refused(ENOSPC);
}

static int files_without_end(void)
{
	char name[64];

	for (unsigned i = 0;; i++) {
		int fd;
		snprintf(name, sizeof(name), "/dev/shm/file-%u", i);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			return refused(ENOSPC);
		close(fd);
		if (i == 200000) /* enough; memory was not the limit */
			return 0;
	}
}

static int descriptors(void)
{
	while (dup(0) >= 0)
		;
	return refused(EMFILE);
}

static int pipes(void)
{
	static char block[65536];

	for (;;) {
		int p[2];
		if (pipe2(p, O_NONBLOCK))
			return refused(EMFILE);
		while (write(p[1], block, sizeof(block)) > 0)
			;
	}
}

static int symlinks(void)
{
	if (symlink("/tmp/hostile-b", "/tmp/hostile-a") || symlink("/tmp/hostile-a", "/tmp/hostile-b"))
		return 2;
	return open("/tmp/hostile-a", O_RDONLY) < 0 ? refused(ELOOP) : 3;
}

/* This program with bytes changed at random in its headers, executed again and again: each image either runs,
 * is refused, or ends by a signal. */
static int corrupt_elf(const char *self)
{
	static char image[1 << 16];
	int fd = open(self, O_RDONLY);
	ssize_t size = read(fd, image, sizeof(image));
	unsigned seed = 1;

	for (int round = 0; round < 150; round++) {
		char copy[4096];
		int status, out = open("/tmp/hostile-elf", O_WRONLY | O_CREAT | O_TRUNC, 0700);
		pid_t pid;
		memcpy(copy, image, sizeof(copy));
		for (int i = 0; i < 1 + round % 8; i++)
			copy[4 + rand_r(&seed) % (sizeof(Elf64_Ehdr) + 8 * sizeof(Elf64_Phdr))] =
			    (char)rand_r(&seed);
		if (out < 0 || write(out, copy, sizeof(copy)) < 0 ||
		    write(out, image + 4096, (size_t)size - 4096) < 0)
			return 2;
		close(out);
		pid = fork();
		if (!pid) {
			alarm(2);
			execl("/tmp/hostile-elf", "hostile", "ok", NULL);
			_exit(errno == ENOEXEC || errno == EINVAL || errno == ENOMEM || errno == EPERM ||
				      errno == ELIBBAD || errno == ENOENT || errno == EIO ||
				      errno == EFAULT || errno == EACCES || errno == E2BIG ||
				      errno == ENOTDIR || errno == ENAMETOOLONG || errno == ELOOP ||
				      errno == EOVERFLOW
				  ? 0
				  : 99);
		}
		if (waitpid(pid, &status, 0) != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 99))
			return 3;
	}
	return 0;
}

static int bad_scripts(void)
{
	static const char *const lines[] = {
	    "#!", "#!\n", "#! \n", "#!/no/such\n", "#!/tmp/hostile-script\n", "#!/tmp\n"};
	static char longest[70000];

	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "#!/", 3);
	for (unsigned i = 0; i <= sizeof(lines) / sizeof(lines[0]); i++) {
		const char *text = i < sizeof(lines) / sizeof(lines[0]) ? lines[i] : longest;
		size_t size = text == longest ? sizeof(longest) : strlen(text);
		int fd = open("/tmp/hostile-script", O_WRONLY | O_CREAT | O_TRUNC, 0700);
		if (fd < 0 || write(fd, text, size) != (ssize_t)size)
			return 2;
		close(fd);
		execl("/tmp/hostile-script", "script", NULL);
		if (errno != ENOEXEC && errno != ENOENT && errno != ELOOP && errno != EACCES &&
		    errno != ENAMETOOLONG)
			return refused(ENOEXEC);
	}
	return 0;
}

/* Traps made up by writing into the own slot: calls that the stub never makes from a patched site, answered
 * again and again with more of the same. */
static int forge(void)
{
	static const uint64_t one = 1;
	uint64_t base;
	volatile struct slot *s;

	for (int i = 0; i < 100; i++)
		getppid();
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	if (base >> 32 != STUB_HIGH_WORD)
		return 97; /* no slot to be seen: nothing to forge */
	s = (volatile struct slot *)base;
	for (;;) {
		register uint64_t rax __asm__("rax") = 1;
		s->frame = base + SLOT_FAST_FRAME;
		s->event = EVENT_SYSCALL;
		s->nr = 59; /* execve */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		s->state = SLOT_TRAP;
		/* the doorbell, by the stub's own syscall instruction */
		__asm__ volatile("call *%1"
				 : "+r"(rax)
				 : "r"((uint64_t)STUB_BASE), "D"(0UL), "S"(&one), "d"(8UL)
				 : "rcx", "r11", "memory");
		while (s->state != SLOT_REPLY)
			;
	}
}

#define LEVELS 6
#define WIDTH  24

/* Keyrings, each linked to all of the next level: two hundred million ways for whoever walks them all. */
static int keyrings(void)
{
	long ring[LEVELS][WIDTH];
	char name[32];

	for (int l = 0; l < LEVELS; l++)
		for (int i = 0; i < WIDTH; i++) {
			snprintf(name, sizeof(name), "ring %d.%d", l, i);
			ring[l][i] = syscall(SYS_add_key, "keyring", name, NULL, 0L, l ? ring[0][0] : -3L);
			if (ring[l][i] < 0)
				return 1;
		}
	for (int l = LEVELS - 2; l >= 0; l--)
		for (int i = 0; i < WIDTH; i++)
			for (int j = 0; j < WIDTH; j++)
				syscall(SYS_keyctl, 8 /* KEYCTL_LINK */, ring[l + 1][j], ring[l][i]);
	syscall(SYS_request_key, "user", "nothing", NULL, 0L);
	return refused(ENOKEY);
}

static int epolls(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep[5][60];

	for (int l = 0; l < 5; l++)
		for (int i = 0; i < 60; i++)
			ep[l][i] = epoll_create1(0);
	for (int l = 3; l >= 0; l--)
		for (int i = 0; i < 60; i++)
			for (int j = 0; j < 60; j++)
				epoll_ctl(ep[l][i], EPOLL_CTL_ADD, ep[l + 1][j], &ev);
	return epoll_wait(ep[0][0], &ev, 1, 0) != 0;
}

static int exec_loop(const char *self, const char *count)
{
	char next[16];
	int n = count ? atoi(count) : 0;

	if (n == 300)
		return 0;
	snprintf(next, sizeof(next), "%d", n + 1);
	execl(self, self, "exec", next, NULL);
	return 2;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "ok";

	if (!strcmp(mode, "ok"))
		return puts("ok") < 0;
	if (!strcmp(mode, "segv"))
		return *(volatile int *)8;
	if (!strcmp(mode, "jump"))
		((void (*)(void))(uintptr_t)0x123456)();
	if (!strcmp(mode, "ill"))
		__asm__ volatile("ud2");
	if (!strcmp(mode, "fpe"))
		__asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" ::: "eax", "ecx", "edx");
	if (!strcmp(mode, "trap"))
		__asm__ volatile("int3");
	if (!strcmp(mode, "stub")) /* the stub's own memory */
		memset((void *)0x7ffe10000000UL, 0xff, 1 << 20);
	if (!strcmp(mode, "forge"))
		return forge();
	if (!strcmp(mode, "abort"))
		abort();
	if (!strcmp(mode, "deep"))
		return deep(NULL);
	if (!strcmp(mode, "fork"))
		return fork_bomb();
	if (!strcmp(mode, "threads"))
		return thread_bomb();
	if (!strcmp(mode, "allocate"))
		return allocate();
	if (!strcmp(mode, "maps"))
		return map_many();
	if (!strcmp(mode, "shm"))
		return write_on("/dev/shm/hostile");
	if (!strcmp(mode, "root"))
		return write_on("/tmp/hostile");
	if (!strcmp(mode, "files"))
		return files_without_end();
	if (!strcmp(mode, "descriptors"))
		return descriptors();
	if (!strcmp(mode, "pipes"))
		return pipes();
	if (!strcmp(mode, "symlinks"))
		return symlinks();
	if (!strcmp(mode, "elf"))
		return corrupt_elf(argv[0]);
	if (!strcmp(mode, "scripts"))
		return bad_scripts();
	if (!strcmp(mode, "keyrings"))
		return keyrings();
	if (!strcmp(mode, "epolls"))
		return epolls();
	if (!strcmp(mode, "exec"))
		return exec_loop(argv[0], argc > 2 ? argv[2] : NULL);
	return 98;
}
