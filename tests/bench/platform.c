/*
 * platform.c - what the platform's primitives cost against the host's own, in one run: a system call by the
 * trap path, and fork of an address space with one thread to its first call. Run by hand (make bench); needs
 * root.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/kernel/sched_priv.h"
#include "sandbox/platform/platform.h"
#include "tests/lib/mini_sentry.h"

#define CODE  0x400000UL
#define CALLS 200000
#define FORKS 300

/* 1: mov $39,%eax; syscall; jmp 1b */
static const u8 getpid_loop[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7};

static double per_op(u64 start, int n)
{
	return (double)(clock_monotonic() - start) / n;
}

static double native_getpid(void)
{
	u64 start = clock_monotonic();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getpid);
	return per_op(start, CALLS);
}

static double native_fork(void)
{
	u64 start = clock_monotonic();

	for (int i = 0; i < FORKS; i++) {
		pid_t p = fork();
		if (!p)
			_exit(0);
		waitpid(p, NULL, 0);
	}
	return per_op(start, FORKS);
}

static double our_getpid(struct uthread *ut)
{
	struct trap t;
	u64 start = clock_monotonic();

	for (int i = 0; i < CALLS; i++) {
		uthread_run(ut, &t);
		uthread_set_result(ut, 1);
	}
	return per_op(start, CALLS);
}

static double our_fork(struct aspace *as, struct uthread *ut)
{
	u64 start = clock_monotonic();

	for (int i = 0; i < FORKS; i++) {
		struct aspace *child;
		struct uthread *cut;
		struct trap t;
		if (aspace_fork(as, &child, NULL) || uthread_clone(ut, child, &cut)) {
			printf("fork %d failed\n", i);
			break;
		}
		uthread_set_result(cut, 0);
		uthread_run(cut, &t);
		uthread_destroy(cut);
		aspace_destroy(child);
	}
	return per_op(start, FORKS);
}

static void run(void *arg)
{
	double ng = native_getpid(), og, nf = native_fork(), of;
	struct uregs regs = {.rip = CODE, .rsp = CODE + PAGE_SIZE, .eflags = 0x202};
	struct aspace *as;
	struct uthread *ut;
	struct trap t;

	if (aspace_new(&as, NULL) ||
	    aspace_map_anon(as, NULL, uaddr(CODE), PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, false) ||
	    aspace_write(as, uaddr(CODE), getpid_loop, sizeof(getpid_loop)) < 0 ||
	    uthread_new(as, &regs, &ut)) {
		printf("no address space\n");
		sched_stop(1);
		return;
	}
	uthread_run(ut, &t);
	uthread_set_result(ut, 1);
	og = our_getpid(ut);
	of = our_fork(as, ut);
	printf("| primitive | native ns | Warren ns | ratio |\n| --- | --- | --- | --- |\n");
	printf("| getpid, trap path with spinning | %.0f | %.0f | %.1f |\n", ng, og, og / ng);
	printf("| fork to the child's first call, and its end | %.0f | %.0f | %.1f |\n", nf, of, of / nf);
	sched_stop(0);
}

int main(void)
{
	int status = mini_sentry_run(run, NULL, NULL, 120);

	if (status == MINI_SENTRY_NO_ROOT)
		fprintf(stderr, "no PID namespace may be made; run as root\n");
	return status != 0;
}
