/* process_vm_readv(2), process_vm_writev(2), process_madvise(2). */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "case.h"

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#define PAGE 4096UL

static char *pages(unsigned n, int flags)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

/* A child with a copy of our memory, asleep. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}

CASE(read_from_a_child)
{
	char *p = pages(1, MAP_PRIVATE), got[6] = "";
	pid_t pid;

	strcpy(p, "there");
	pid = sleeper();
	strcpy(p, "here");
	EXPECT_EQ(process_vm_readv(pid, &(struct iovec){got, 6}, 1, &(struct iovec){p, 6}, 1, 0), 6);
	EXPECT_STR(got, "there");
	end(pid);
}

CASE(write_to_a_child)
{
	int *p = (int *)(void *)pages(1, MAP_PRIVATE), v = 4711;
	volatile int *flag = (int *)(void *)pages(1, MAP_SHARED);
	pid_t pid = fork();

	if (!pid) {
		while (!*flag)
			sleep_ms(2);
		_exit(*(volatile int *)p == 4711 ? 0 : 1);
	}
	EXPECT_EQ(process_vm_writev(pid, &(struct iovec){&v, 4}, 1, &(struct iovec){p, 4}, 1, 0), 4);
	EXPECT_EQ(*p, 0);
	*flag = 1;
	expect_exit(pid, 0);
}

CASE(of_the_process_itself)
{
	char a[10] = "abcdefghi", b[10] = "";

	EXPECT_EQ(process_vm_readv(getpid(), &(struct iovec){b, 10}, 1, &(struct iovec){a, 10}, 1, 0), 10);
	EXPECT_STR(b, "abcdefghi");
}

CASE(many_pieces_on_both_sides)
{
	char a[12] = "0123456789", b[12] = "..........";
	struct iovec local[] = {{b + 5, 3}, {b, 0}, {b, 4}},
		     remote[] = {{a + 1, 2}, {a + 4, 4}, {a, 0}, {a + 9, 1}};

	EXPECT_EQ(process_vm_readv(getpid(), local, 3, remote, 4, 0), 7);
	EXPECT_STR(b, "5679.124..");
}

CASE(a_large_transfer)
{
	size_t size = 3 << 20;
	char *a = pages(768, MAP_PRIVATE), *b = pages(768, MAP_PRIVATE);
	pid_t pid;

	for (size_t i = 0; i < size; i++)
		a[i] = (char)(i * 7 + (i >> 12));
	pid = sleeper();
	EXPECT_EQ(process_vm_readv(pid, &(struct iovec){b, size}, 1, &(struct iovec){a, size}, 1, 0),
		  (long)size);
	EXPECT(!memcmp(a, b, size));
	end(pid);
}

CASE(a_hole_cuts_the_transfer)
{
	char *p = pages(3, MAP_PRIVATE), *got = pages(3, MAP_PRIVATE);
	struct iovec two[] = {{p, 10}, {p + PAGE, 10}};

	OK(munmap(p + PAGE, PAGE));
	EXPECT_EQ(process_vm_readv(getpid(), &(struct iovec){got, 20}, 1, two, 2, 0), 10);
	EXPECT_ERRNO(process_vm_readv(getpid(), &(struct iovec){got, 20}, 1, two + 1, 1, 0), EFAULT);
	EXPECT_EQ(
	    process_vm_readv(getpid(), &(struct iovec){got, 2 * PAGE}, 1, &(struct iovec){p, 2 * PAGE}, 1, 0),
	    (long)PAGE);
}

CASE(protection_counts)
{
	char *p = pages(1, MAP_PRIVATE), c = 'x';

	OK(mprotect(p, PAGE, PROT_READ));
	EXPECT_ERRNO(process_vm_writev(getpid(), &(struct iovec){&c, 1}, 1, &(struct iovec){p, 1}, 1, 0),
		     EFAULT);
	EXPECT_EQ(process_vm_readv(getpid(), &(struct iovec){&c, 1}, 1, &(struct iovec){p, 1}, 1, 0), 1);
	OK(mprotect(p, PAGE, PROT_NONE));
	EXPECT_ERRNO(process_vm_readv(getpid(), &(struct iovec){&c, 1}, 1, &(struct iovec){p, 1}, 1, 0),
		     EFAULT);
}

CASE(arguments_are_checked)
{
	char c = 0;
	struct iovec v = {&c, 1}, bad = {&c, (size_t)-1};

	EXPECT_ERRNO(process_vm_readv(getpid(), &v, 1, &v, 1, 1), EINVAL);
	EXPECT_ERRNO(process_vm_readv(getpid(), &v, 1025, &v, 1, 0), EINVAL);
	EXPECT_ERRNO(process_vm_readv(getpid(), &v, 1, &v, 1025, 0), EINVAL);
	EXPECT_ERRNO(process_vm_readv(getpid(), &bad, 1, &v, 1, 0), EINVAL);
	EXPECT_ERRNO(process_vm_readv(getpid(), &v, 1, &bad, 1, 0), EINVAL);
	EXPECT_ERRNO(process_vm_readv(getpid(), (void *)8, 1, &v, 1, 0), EFAULT);
	EXPECT_ERRNO(process_vm_readv(getpid(), &v, 1, (void *)8, 1, 0), EFAULT);
	EXPECT_ERRNO(process_vm_readv(99999999, &v, 1, &v, 1, 0), ESRCH);
	EXPECT_EQ(process_vm_readv(99999999, &v, 0, &v, 1, 0), 0);
	EXPECT_EQ(process_vm_readv(99999999, &v, 1, &v, 0, 0), 0);
}

CASE(another_user_may_not)
{
	char c = 0;
	struct iovec v = {&c, 1};
	pid_t pid = sleeper();

	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
	EXPECT_ERRNO(process_vm_readv(pid, &v, 1, &v, 1, 0), EPERM);
	EXPECT_ERRNO(process_vm_writev(pid, &v, 1, &v, 1, 0), EPERM);
}

CASE(a_zombie_has_no_memory)
{
	char c = 0;
	struct iovec v = {&c, 1};
	siginfo_t si;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	EXPECT_ERRNO(process_vm_readv(pid, &v, 1, &v, 1, 0), ESRCH);
	expect_exit(pid, 0);
}

/* ---- process_madvise ---- */

static int pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	OK(fd);
	return fd;
}

CASE(advice_for_another)
{
	char *p = pages(4, MAP_PRIVATE);
	struct iovec v[] = {{p, PAGE}, {p + 2 * PAGE, 2 * PAGE}};
	pid_t pid = sleeper();
	int fd = pidfd(pid);

	EXPECT_EQ(syscall(SYS_process_madvise, fd, v, 2, MADV_COLD, 0), 3 * PAGE);
	EXPECT_EQ(syscall(SYS_process_madvise, fd, v, 0, MADV_COLD, 0), 0);
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, v, 2, MADV_DONTNEED, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, v, 2, MADV_COLD, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, v, 2, 999, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, v, 1025, MADV_COLD, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, (void *)8, 1, MADV_COLD, 0), EFAULT);
	EXPECT_ERRNO(syscall(SYS_process_madvise, 99, v, 1, MADV_COLD, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_process_madvise, open("/", O_RDONLY), v, 1, MADV_COLD, 0), EBADF);
	end(pid);
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, v, 1, MADV_COLD, 0), ESRCH);
}

CASE(advice_stops_at_a_hole)
{
	char *p = pages(2, MAP_PRIVATE);
	struct iovec v[] = {{p, PAGE}, {p + PAGE, PAGE}};
	int fd = pidfd(getpid());

	OK(munmap(p + PAGE, PAGE));
	EXPECT_EQ(syscall(SYS_process_madvise, fd, v, 2, MADV_WILLNEED, 0), PAGE);
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, v + 1, 1, MADV_WILLNEED, 0), ENOMEM);
}

CASE(advice_for_another_users_process)
{
	char *p = pages(1, MAP_PRIVATE);
	struct iovec v = {p, PAGE};
	int fd = pidfd(sleeper());

	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
	EXPECT_ERRNO(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 0), EACCES);
}
