/* ptrace.h - what the tests of ptrace(2) share. */
#ifndef WARREN_TESTS_PTRACE_H
#define WARREN_TESTS_PTRACE_H
#include "case.h"

#include <elf.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/user.h>

static inline long pt(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}
#define EVENT(e) (SIGTRAP | (e) << 8)

/* A stop of pid: its status >> 8. */
static inline int stop_of(pid_t pid)
{
	int status;

	EXPECT_EQ(waitpid(pid, &status, __WALL), pid);
	if (!WIFSTOPPED(status))
		case_fail(__FILE__, __LINE__, "no stop but status %x", status);
	return status >> 8;
}
/* A child that asks to be traced, stops, and then runs fn. */
static inline pid_t traced(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		if (pt(PTRACE_TRACEME, 0, 0, 0))
			_exit(97);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	EXPECT_EQ(stop_of(pid), SIGSTOP);
	return pid;
}
static inline void sleeper(void)
{
	for (;;)
		pause();
}
static inline void do_nothing(void)
{
}
static inline pid_t running(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	return pid;
}
static inline void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
}

static __attribute__((unused)) long variable = 0x1122334455667788;

#endif
