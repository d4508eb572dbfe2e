/* sched(7), sched_setattr(2), setpriority(2), ioprio_set(2), kcmp(2), getcpu(2). */
#include "case.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static int setattr(pid_t pid, struct attr *a, unsigned flags)
{
	return (int)syscall(SYS_sched_setattr, pid, a, flags);
}

static int getattr(pid_t pid, struct attr *a, unsigned size, unsigned flags)
{
	return (int)syscall(SYS_sched_getattr, pid, a, size, flags);
}

static void become_user(void)
{
	struct rlimit none = {0, 0};

	if (geteuid())
		return;
	setrlimit(RLIMIT_NICE, &none);
	setrlimit(RLIMIT_RTPRIO, &none);
	OK(setresgid(1000, 1000, 1000));
	OK(setresuid(1000, 1000, 1000));
}

CASE(yield)
{
	OK(sched_yield());
}

CASE(affinity_round_trip)
{
	cpu_set_t all, one, got;
	int cpu = 0;

	OK(sched_getaffinity(0, sizeof(all), &all));
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	OK(sched_setaffinity(0, sizeof(one), &one));
	OK(sched_getaffinity(0, sizeof(got), &got));
	EXPECT(CPU_EQUAL(&one, &got));
	OK(sched_setaffinity(0, sizeof(all), &all));
}

CASE(affinity_is_inherited)
{
	cpu_set_t one, got;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		case_skip("no CPU 0 here");
	pid = fork();
	if (!pid)
		_exit(sched_getaffinity(0, sizeof(got), &got) || !CPU_EQUAL(&one, &got));
	expect_exit(pid, 0);
}

CASE(affinity_bad_arguments)
{
	cpu_set_t none, all;

	CPU_ZERO(&none);
	EXPECT_ERRNO(sched_setaffinity(0, sizeof(none), &none), EINVAL);
	EXPECT_ERRNO(syscall(SYS_sched_getaffinity, 0, 7, &all), EINVAL);
	EXPECT_ERRNO(syscall(SYS_sched_getaffinity, 0, 0, &all), EINVAL);
	EXPECT_ERRNO(sched_getaffinity(4000000, sizeof(all), &all), ESRCH);
	EXPECT_ERRNO(syscall(SYS_sched_setaffinity, 0, 8, 8), EFAULT);
}

CASE(affinity_of_others)
{
	pid_t parent = getpid(), pid = fork();
	cpu_set_t all;

	if (pid) {
		expect_exit(pid, 0);
		return;
	}
	OK(sched_getaffinity(0, sizeof(all), &all));
	if (geteuid())
		_exit(0);
	become_user();
	EXPECT_ERRNO(sched_setaffinity(parent, sizeof(all), &all), EPERM);
	OK(sched_getaffinity(parent, sizeof(all), &all));
	_exit(0);
}

CASE(priority_ranges)
{
	EXPECT_EQ(sched_get_priority_max(SCHED_FIFO), 99);
	EXPECT_EQ(sched_get_priority_min(SCHED_RR), 1);
	EXPECT_EQ(sched_get_priority_max(SCHED_OTHER), 0);
	EXPECT_EQ(sched_get_priority_min(SCHED_BATCH), 0);
	EXPECT_ERRNO(sched_get_priority_max(77), EINVAL);
	EXPECT_ERRNO(sched_get_priority_min(-1), EINVAL);
}

CASE(scheduler_default)
{
	struct sched_param p = {5};

	EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
	OK(sched_getparam(0, &p));
	EXPECT_EQ(p.sched_priority, 0);
	EXPECT_ERRNO(sched_getscheduler(-1), EINVAL);
	EXPECT_ERRNO(sched_getscheduler(4000000), ESRCH);
	EXPECT_ERRNO(sched_getparam(0, NULL), EINVAL);
}

CASE(scheduler_batch_and_idle)
{
	struct sched_param p = {0};

	OK(sched_setscheduler(0, SCHED_BATCH, &p));
	EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
	OK(sched_setscheduler(0, SCHED_IDLE, &p));
	EXPECT_EQ(sched_getscheduler(0), SCHED_IDLE);
	p.sched_priority = 1;
	EXPECT_ERRNO(sched_setscheduler(0, SCHED_BATCH, &p), EINVAL);
	EXPECT_ERRNO(sched_setscheduler(0, 99, &p), EINVAL);
	EXPECT_ERRNO(sched_setscheduler(0, SCHED_BATCH, NULL), EINVAL);
}

CASE(scheduler_realtime_needs_privilege)
{
	struct sched_param p = {10};

	become_user();
	EXPECT_ERRNO(sched_setscheduler(0, SCHED_FIFO, &p), EPERM);
	EXPECT_ERRNO(sched_setscheduler(0, SCHED_RR, &p), EPERM);
}

CASE(scheduler_fifo)
{
	struct sched_param p = {10}, q;
	struct timespec ts;

	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		case_skip("no real-time here");
	EXPECT_EQ(sched_getscheduler(0), SCHED_FIFO);
	OK(sched_getparam(0, &q));
	EXPECT_EQ(q.sched_priority, 10);
	OK(sched_rr_get_interval(0, &ts));
	EXPECT_EQ(ts.tv_sec * 1000000000 + ts.tv_nsec, 0);
	p.sched_priority = 0;
	EXPECT_ERRNO(sched_setparam(0, &p), EINVAL);
	p.sched_priority = 100;
	EXPECT_ERRNO(sched_setparam(0, &p), EINVAL);
}

CASE(scheduler_reset_on_fork)
{
	struct sched_param p = {0};
	pid_t pid;

	OK(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &p));
	EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH | SCHED_RESET_ON_FORK);
	pid = fork();
	if (!pid)
		_exit(sched_getscheduler(0) != SCHED_BATCH);
	expect_exit(pid, 0);
	if (setpriority(PRIO_PROCESS, 0, -5))
		return;
	pid = fork();
	if (!pid) /* the flag is inherited by nobody, so this one's children may keep it */
		_exit(getpriority(PRIO_PROCESS, 0) != 0);
	expect_exit(pid, 0);
}

CASE(scheduler_reset_on_fork_stays)
{
	struct sched_param p = {0};

	OK(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p));
	become_user();
	EXPECT_ERRNO(sched_setscheduler(0, SCHED_OTHER, &p), EPERM);
}

CASE(rr_interval)
{
	struct timespec ts;

	OK(sched_rr_get_interval(0, &ts));
	EXPECT_ERRNO(sched_rr_get_interval(-1, &ts), EINVAL);
	EXPECT_ERRNO(sched_rr_get_interval(4000000, &ts), ESRCH);
}

CASE(attr_round_trip)
{
	struct attr a = {.size = 48, .policy = SCHED_BATCH, .nice = 3}, b = {0};

	OK(setattr(0, &a, 0));
	OK(getattr(0, &b, sizeof(b), 0));
	EXPECT_EQ(b.policy, SCHED_BATCH);
	EXPECT_EQ(b.nice, 3);
	EXPECT_EQ(b.size, 56);
	EXPECT_EQ(getpriority(PRIO_PROCESS, 0), 3);
	OK(getattr(0, &b, 48, 0));
	EXPECT_EQ(b.size, 48);
}

CASE(attr_keep)
{
	struct attr a = {.size = 48, .policy = SCHED_BATCH, .nice = 4}, b;

	OK(setattr(0, &a, 0));
	a = (struct attr){.size = 48, .policy = SCHED_OTHER, .flags = 8 /* KEEP_POLICY */, .nice = 6};
	OK(setattr(0, &a, 0));
	OK(getattr(0, &b, sizeof(b), 0));
	EXPECT_EQ(b.policy, SCHED_BATCH);
	EXPECT_EQ(b.nice, 6);
}

CASE(attr_bad_arguments)
{
	struct {
		struct attr a;
		char more[16];
	} x = {.a = {.size = 48}};

	EXPECT_ERRNO(setattr(0, NULL, 0), EINVAL);
	EXPECT_ERRNO(setattr(0, &x.a, 1), EINVAL);
	EXPECT_ERRNO(setattr(-1, &x.a, 0), EINVAL);
	EXPECT_ERRNO(setattr(4000000, &x.a, 0), ESRCH);
	x.a.flags = 1 << 12;
	EXPECT_ERRNO(setattr(0, &x.a, 0), EINVAL);
	x.a.flags = 0;
	x.a.policy = 55;
	EXPECT_ERRNO(setattr(0, &x.a, 0), EINVAL);
	x.a.policy = 0;
	x.a.size = 20;
	EXPECT_ERRNO(setattr(0, &x.a, 0), E2BIG);
	EXPECT_EQ(x.a.size, 56);
	x.a.size = sizeof(x);
	x.more[3] = 1;
	EXPECT_ERRNO(setattr(0, &x.a, 0), E2BIG);
	EXPECT_ERRNO(getattr(0, &x.a, 40, 0), EINVAL);
	EXPECT_ERRNO(getattr(0, &x.a, 5000, 0), EINVAL);
	EXPECT_ERRNO(getattr(0, &x.a, 56, 1), EINVAL);
	EXPECT_ERRNO(getattr(4000000, &x.a, 56, 0), ESRCH);
}

CASE(attr_deadline_rules)
{
	struct attr a = {.size = 48, .policy = 6, .runtime = 10000000, .deadline = 5000000};

	EXPECT_ERRNO(setattr(0, &a, 0), EINVAL); /* more to do than time for it */
	a = (struct attr){.size = 48, .policy = 6, .runtime = 100, .deadline = 5000000};
	EXPECT_ERRNO(setattr(0, &a, 0), EINVAL);
	become_user();
	a = (struct attr){.size = 48, .policy = 6, .runtime = 1000000, .deadline = 50000000};
	EXPECT_ERRNO(setattr(0, &a, 0), EPERM);
}

CASE(nice_down_needs_privilege)
{
	OK(setpriority(PRIO_PROCESS, 0, 5));
	become_user();
	EXPECT_ERRNO(setpriority(PRIO_PROCESS, 0, 2), EACCES);
	OK(setpriority(PRIO_PROCESS, 0, 7));
	EXPECT_EQ(getpriority(PRIO_PROCESS, 0), 7);
}

CASE(nice_within_the_limit)
{
	struct rlimit r = {18, 18}; /* 20 - 2 */

	if (geteuid())
		case_skip("needs root");
	OK(setpriority(PRIO_PROCESS, 0, 5));
	if (setrlimit(RLIMIT_NICE, &r))
		case_skip("needs CAP_SYS_RESOURCE");
	OK(setresuid(1000, 1000, 1000));
	OK(setpriority(PRIO_PROCESS, 0, 2));
	EXPECT_ERRNO(setpriority(PRIO_PROCESS, 0, 1), EACCES);
}

CASE(nice_is_clamped)
{
	OK(setpriority(PRIO_PROCESS, 0, 500));
	EXPECT_EQ(getpriority(PRIO_PROCESS, 0), 19);
	EXPECT_ERRNO(getpriority(7, 0), EINVAL);
	EXPECT_ERRNO(getpriority(PRIO_PROCESS, 4000000), ESRCH);
}

CASE(nice_of_a_group)
{
	pid_t pid;

	OK(setpgid(0, 0));
	pid = fork();
	if (!pid) {
		while (getpriority(PRIO_PROCESS, 0) != 9)
			sleep_ms(5);
		_exit(0);
	}
	OK(setpriority(PRIO_PGRP, 0, 9));
	expect_exit(pid, 0);
}

/* ---- ioprio ---- */

static int io_set(int which, int who, int value)
{
	return (int)syscall(SYS_ioprio_set, which, who, value);
}

static int io_get(int which, int who)
{
	return (int)syscall(SYS_ioprio_get, which, who);
}

CASE(ioprio_round_trip)
{
	EXPECT_EQ(io_get(1, 0), 0);
	OK(io_set(1, 0, 2 << 13 | 6));
	EXPECT_EQ(io_get(1, 0), 2 << 13 | 6);
	OK(io_set(1, 0, 3 << 13));
	EXPECT_EQ(io_get(1, 0), 3 << 13);
	OK(io_set(1, 0, 0));
	EXPECT_EQ(io_get(1, 0), 0);
}

CASE(ioprio_is_inherited)
{
	pid_t pid;

	OK(io_set(1, 0, 2 << 13 | 7));
	pid = fork();
	if (!pid)
		_exit(io_get(1, 0) != (2 << 13 | 7));
	expect_exit(pid, 0);
}

CASE(ioprio_of_a_group_is_the_best)
{
	pid_t pid;

	OK(setpgid(0, 0));
	OK(io_set(1, 0, 2 << 13 | 6));
	pid = fork();
	if (!pid) {
		OK(io_set(1, 0, 2 << 13 | 3));
		_exit(io_get(2, 0) != (2 << 13 | 3));
	}
	expect_exit(pid, 0);
	EXPECT_EQ(io_get(2, 0), 2 << 13 | 6);
}

CASE(ioprio_bad_arguments)
{
	EXPECT_ERRNO(io_set(1, 0, 0x8000), EINVAL);
	EXPECT_ERRNO(io_set(1, 0, 3), EINVAL);
	EXPECT_ERRNO(io_set(9, 0, 0x4004), EINVAL);
	EXPECT_ERRNO(io_set(1, 4000000, 0x4004), ESRCH);
	EXPECT_ERRNO(io_get(0, 0), EINVAL);
	EXPECT_ERRNO(io_get(1, 4000000), ESRCH);
	become_user();
	EXPECT_ERRNO(io_set(1, 0, 1 << 13 | 4), EPERM);
	EXPECT_ERRNO(io_set(1, 1, 0x4004), EPERM);
}

/* ---- kcmp ---- */

static int kcmp_(pid_t a, pid_t b, int type, unsigned long i, unsigned long j)
{
	return (int)syscall(SYS_kcmp, a, b, type, i, j);
}

CASE(kcmp_files)
{
	int a = open("/", O_RDONLY), b = dup(a), c = open("/", O_RDONLY), x, y;

	if (kcmp_(getpid(), getpid(), 0, (unsigned long)a, (unsigned long)b) < 0 && errno == ENOSYS)
		case_skip("a kernel without kcmp");
	EXPECT_EQ(kcmp_(getpid(), getpid(), 0, (unsigned long)a, (unsigned long)b), 0);
	x = kcmp_(getpid(), getpid(), 0, (unsigned long)a, (unsigned long)c);
	y = kcmp_(getpid(), getpid(), 0, (unsigned long)c, (unsigned long)a);
	EXPECT(x == 1 || x == 2);
	EXPECT_EQ(x + y, 3);
	EXPECT_ERRNO(kcmp_(getpid(), getpid(), 0, 0, 900), EBADF);
}

CASE(kcmp_of_a_fork)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	EXPECT(kcmp_(getpid(), pid, 1, 0, 0) > 0); /* memory */
	EXPECT(kcmp_(getpid(), pid, 2, 0, 0) > 0);
	EXPECT(kcmp_(getpid(), pid, 3, 0, 0) > 0);
	EXPECT(kcmp_(getpid(), pid, 4, 0, 0) > 0);
	EXPECT_EQ(kcmp_(getpid(), pid, 0, 0, 0), 0); /* standard input is one file */
	EXPECT_EQ(kcmp_(getpid(), getpid(), 1, 0, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_ERRNO(kcmp_(getpid(), pid, 1, 0, 0), ESRCH);
	EXPECT_ERRNO(kcmp_(getpid(), getpid(), 20, 0, 0), EINVAL);
}

CASE(kcmp_epoll_target)
{
	struct {
		uint32_t efd, tfd, toff;
	} slot;
	int ep = epoll_create1(0), p[2];
	struct epoll_event ev = {.events = EPOLLIN};

	OK(pipe(p));
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	slot.efd = (uint32_t)ep;
	slot.tfd = (uint32_t)p[0];
	slot.toff = 0;
	EXPECT_EQ(kcmp_(getpid(), getpid(), 7, (unsigned long)p[0], (unsigned long)&slot), 0);
	slot.tfd = (uint32_t)p[1];
	EXPECT_ERRNO(kcmp_(getpid(), getpid(), 7, (unsigned long)p[0], (unsigned long)&slot), ENOENT);
	slot.efd = (uint32_t)p[0];
	EXPECT_ERRNO(kcmp_(getpid(), getpid(), 7, (unsigned long)p[0], (unsigned long)&slot), EINVAL);
}

CASE(kcmp_needs_access)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		if (geteuid())
			_exit(0);
		become_user();
		EXPECT_ERRNO(kcmp_(parent, getpid(), 1, 0, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(getcpu_says_one_there_is)
{
	unsigned cpu = 9999, node = 9999;

	OK(syscall(SYS_getcpu, &cpu, &node, NULL));
	EXPECT(cpu < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
	EXPECT(node < 64);
	OK(syscall(SYS_getcpu, NULL, NULL, NULL));
	EXPECT_ERRNO(syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
}
