/*
 * test_cgroup_limits.c - the cpu and pids controllers of control groups, version 2
 * (Documentation/admin-guide/cgroup-v2.rst). Skipped where the machine has them only as version 1.
 */
#include "cgroup.h"

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define MIB (1UL << 20)

static volatile uint64_t *shared;
static void make_shared(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(shared != MAP_FAILED);
}

/* ---- pids ---- */

CASE(pids_files)
{
	cg_begin_with("+pids");
	cg_make("a");
	EXPECT_STR(cg_read("a/pids.max"), "max");
	EXPECT_STR(cg_read("a/pids.current"), "0");
	EXPECT_STR(cg_read("a/pids.events"), "max 0");
	cg_end();
}

CASE(pids_max_values)
{
	cg_begin_with("+pids");
	cg_make("a");
	OK(cg_write("a/pids.max", "10\n"));
	EXPECT_STR(cg_read("a/pids.max"), "10");
	OK(cg_write("a/pids.max", "0"));
	EXPECT_STR(cg_read("a/pids.max"), "0");
	OK(cg_write("a/pids.max", "max"));
	EXPECT_STR(cg_read("a/pids.max"), "max");
	EXPECT_ERRNO(cg_write("a/pids.max", "-1"), EINVAL);
	EXPECT_ERRNO(cg_write("a/pids.max", "x"), EINVAL);
	EXPECT_ERRNO(cg_write("a/pids.max", "5000000"), EINVAL);
	cg_end();
}

static void *nap(void *arg)
{
	pause();
	return arg;
}

static void one_thread_more(void)
{
	pthread_t t;

	pthread_create(&t, NULL, nap, NULL);
	shared[0] = 1;
	pause();
}

CASE(pids_current_counts_threads)
{
	pid_t pid;

	cg_begin_with("+pids");
	make_shared();
	cg_make("a");
	cg_make("b");
	pid = cg_run("a", one_thread_more);
	while (!shared[0])
		sleep_ms(1);
	EXPECT_STR(cg_read("a/pids.current"), "2");
	EXPECT_STR(cg_read("pids.current"), "2");
	char text[32];
	snprintf(text, sizeof(text), "%d", pid);
	OK(cg_write("b/cgroup.procs", text));
	EXPECT_STR(cg_read("a/pids.current"), "0");
	EXPECT_STR(cg_read("b/pids.current"), "2");
	EXPECT_STR(cg_read("a/pids.peak"), "2");
	cg_end();
}

CASE(pids_current_counts_zombies)
{
	siginfo_t info;
	pid_t pid;

	cg_begin_with("+pids");
	cg_make("a");
	pid = cg_child("a");
	kill(pid, SIGKILL);
	OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	EXPECT_STR(cg_read("a/pids.current"), "1");
	expect_signal(pid, SIGKILL);
	EXPECT_STR(cg_read("a/pids.current"), "0");
	cg_end();
}

static void forks_until_it_fails(void)
{
	pthread_t t;

	while ((shared[1] = (uint64_t)fork()) != UINT64_MAX && shared[1])
		;
	if (!shared[1] || shared[1] != UINT64_MAX)
		for (;;)
			pause();
	shared[2] = (uint64_t)errno;
	shared[3] = (uint64_t)pthread_create(&t, NULL, nap, NULL);
	shared[0] = 1;
	pause();
}

CASE(pids_max_refuses_forks_and_threads)
{
	cg_begin_with("+pids");
	make_shared();
	cg_make("a");
	OK(cg_write("a/pids.max", "5"));
	cg_run("a", forks_until_it_fails);
	for (int i = 0; i < 2000 && !shared[0]; i++)
		sleep_ms(5);
	EXPECT_EQ(shared[2], EAGAIN);
	EXPECT_EQ(shared[3], EAGAIN);
	EXPECT_STR(cg_read("a/pids.current"), "5");
	EXPECT(cg_field("a/pids.events", "max") >= 2);
	cg_end();
}

CASE(pids_max_of_a_parent)
{
	cg_begin_with("+pids");
	make_shared();
	cg_make("a");
	OK(cg_write("a/cgroup.subtree_control", "+pids"));
	cg_make("a/b");
	OK(cg_write("a/pids.max", "3"));
	cg_run("a/b", forks_until_it_fails);
	for (int i = 0; i < 2000 && !shared[0]; i++)
		sleep_ms(5);
	EXPECT_EQ(shared[2], EAGAIN);
	EXPECT_STR(cg_read("a/b/pids.current"), "3");
	EXPECT_EQ(cg_field("a/b/pids.events", "max"), 0);
	EXPECT(cg_field("a/pids.events", "max") > 0);
	cg_end();
}

CASE(pids_max_does_not_refuse_moves)
{
	cg_begin_with("+pids");
	cg_make("a");
	OK(cg_write("a/pids.max", "1"));
	cg_child("a");
	cg_child("a");
	EXPECT_STR(cg_read("a/pids.current"), "2");
	cg_end();
}

CASE(pids_max_goes_with_the_controller)
{
	cg_begin_with("+pids");
	cg_make("a");
	OK(cg_write("a/pids.max", "1"));
	OK(cg_write("cgroup.subtree_control", "-pids"));
	EXPECT(!cg_has("a/pids.max"));
	OK(cg_write("cgroup.subtree_control", "+pids"));
	EXPECT_STR(cg_read("a/pids.max"), "max");
	cg_end();
}

CASE(pids_events_can_be_polled)
{
	struct pollfd p;
	char text[64];

	cg_begin_with("+pids");
	make_shared();
	cg_make("a");
	OK(cg_write("a/pids.max", "2"));
	p = (struct pollfd){open(cg_path("a/pids.events"), O_RDONLY), POLLPRI, 0};
	EXPECT(read(p.fd, text, sizeof(text)) > 0);
	cg_run("a", forks_until_it_fails);
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT(p.revents & POLLPRI);
	cg_end();
}

/* ---- cpu ---- */

CASE(cpu_files)
{
	cg_begin_with("+cpu");
	cg_make("a");
	EXPECT_STR(cg_read("a/cpu.max"), "max 100000");
	EXPECT_STR(cg_read("a/cpu.weight"), "100");
	EXPECT_STR(cg_read("a/cpu.weight.nice"), "0");
	EXPECT_STR(cg_read("a/cpu.max.burst"), "0");
	EXPECT_STR(cg_read("a/cpu.idle"), "0");
	EXPECT_EQ(cg_field("a/cpu.stat", "usage_usec"), 0);
	EXPECT_EQ(cg_field("a/cpu.stat", "nr_periods"), 0);
	EXPECT_EQ(cg_field("a/cpu.stat", "nr_throttled"), 0);
	EXPECT_EQ(cg_field("a/cpu.stat", "throttled_usec"), 0);
	cg_end();
}

CASE(cpu_max_values)
{
	cg_begin_with("+cpu");
	cg_make("a");
	OK(cg_write("a/cpu.max", "50000"));
	EXPECT_STR(cg_read("a/cpu.max"), "50000 100000");
	OK(cg_write("a/cpu.max", "20000 40000\n"));
	EXPECT_STR(cg_read("a/cpu.max"), "20000 40000");
	OK(cg_write("a/cpu.max", "max"));
	EXPECT_STR(cg_read("a/cpu.max"), "max 40000");
	OK(cg_write("a/cpu.max", "max 100000"));
	EXPECT_ERRNO(cg_write("a/cpu.max", "10"), EINVAL);
	EXPECT_ERRNO(cg_write("a/cpu.max", "-5"), EINVAL);
	EXPECT_ERRNO(cg_write("a/cpu.max", "x"), EINVAL);
	EXPECT_ERRNO(cg_write("a/cpu.max", "10000 10"), EINVAL);
	EXPECT_ERRNO(cg_write("a/cpu.max", "10000 2000000"), EINVAL);
	EXPECT_STR(cg_read("a/cpu.max"), "max 100000");
	cg_end();
}

CASE(cpu_weight_values)
{
	cg_begin_with("+cpu");
	cg_make("a");
	OK(cg_write("a/cpu.weight", "200"));
	EXPECT_STR(cg_read("a/cpu.weight"), "200");
	EXPECT_ERRNO(cg_write("a/cpu.weight", "0"), ERANGE);
	EXPECT_ERRNO(cg_write("a/cpu.weight", "10001"), ERANGE);
	EXPECT_ERRNO(cg_write("a/cpu.weight", "x"), EINVAL);
	OK(cg_write("a/cpu.weight.nice", "5"));
	EXPECT_STR(cg_read("a/cpu.weight.nice"), "5");
	EXPECT_ERRNO(cg_write("a/cpu.weight.nice", "20"), ERANGE);
	cg_end();
}

CASE(cpu_burst_values)
{
	cg_begin_with("+cpu");
	cg_make("a");
	OK(cg_write("a/cpu.max", "20000"));
	OK(cg_write("a/cpu.max.burst", "10000"));
	EXPECT_STR(cg_read("a/cpu.max.burst"), "10000");
	EXPECT_ERRNO(cg_write("a/cpu.max.burst", "30000"), EINVAL);
	cg_end();
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Works until it has been held back for some time: shared[0] its CPU time, shared[1] the time that has
 * passed, both in ms. */
static void spin(void)
{
	uint64_t start = now_ms(), cpu = cpu_ns();

	while (now_ms() - start < 1500)
		;
	shared[0] = (cpu_ns() - cpu) / 1000000;
	shared[1] = now_ms() - start;
}

CASE(cpu_stat_counts)
{
	cg_begin_with("+cpu");
	make_shared();
	cg_make("a");
	expect_exit(cg_run("a", spin), 0);
	/* on a loaded machine it gets little, but it gets what it says */
	EXPECT(cg_field("a/cpu.stat", "usage_usec") / 1000 >= (long long)shared[0] * 8 / 10);
	EXPECT(cg_field("cpu.stat", "usage_usec") >= cg_field("a/cpu.stat", "usage_usec"));
	EXPECT(cg_field("a/cpu.stat", "user_usec") > 0);
	cg_end();
}

CASE(cpu_max_bites)
{
	cg_begin_with("+cpu");
	make_shared();
	cg_make("a");
	OK(cg_write("a/cpu.max", "25000 100000"));
	expect_exit(cg_run("a", spin), 0);
	/* 25 %; the machine may give less, never more than a little */
	EXPECT(shared[0] * 100 / shared[1] <= 35);
	EXPECT(cg_field("a/cpu.stat", "nr_periods") >= 5);
	if (shared[0] * 100 / shared[1] >= 22) {
		EXPECT(cg_field("a/cpu.stat", "nr_throttled") > 0);
		EXPECT(cg_field("a/cpu.stat", "throttled_usec") > 0);
	}
	cg_end();
}

CASE(cpu_max_of_half_gives_about_half)
{
	uint64_t best = 0;

	cg_begin_with("+cpu");
	make_shared();
	cg_make("a");
	OK(cg_write("a/cpu.max", "50000 100000"));
	/* what others leave differs from moment to moment: the best of some */
	for (int i = 0; i < 3 && best < 42; i++) {
		expect_exit(cg_run("a", spin), 0);
		EXPECT(shared[0] * 100 / shared[1] <= 60);
		if (shared[0] * 100 / shared[1] > best)
			best = shared[0] * 100 / shared[1];
	}
	EXPECT(best >= 15);
	cg_end();
}

static void *spin_thread(void *arg)
{
	uint64_t start = now_ms();

	while (now_ms() - start < 1500)
		;
	return arg;
}

static void spin_four(void)
{
	uint64_t start = now_ms();
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, spin_thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	shared[0] = cpu_ns() / 1000000;
	shared[1] = now_ms() - start;
}

CASE(cpu_max_is_for_all_threads_together)
{
	cg_begin_with("+cpu");
	make_shared();
	cg_make("a");
	OK(cg_write("a/cpu.max", "30000 100000"));
	expect_exit(cg_run("a", spin_four), 0);
	EXPECT(shared[0] * 100 / shared[1] <= 45);
	cg_end();
}

CASE(cpu_max_of_a_parent)
{
	cg_begin_with("+cpu");
	make_shared();
	cg_make("a");
	cg_make("a/b");
	OK(cg_write("a/cpu.max", "20000 100000"));
	expect_exit(cg_run("a/b", spin), 0);
	EXPECT(shared[0] * 100 / shared[1] <= 30);
	EXPECT(cg_field("a/cpu.stat", "nr_periods") > 0);
	cg_end();
}

static void run_for_ever(void)
{
	for (;;)
		++shared[0];
}

CASE(cpu_max_of_one_who_runs_already)
{
	uint64_t before;
	long long used;

	cg_begin_with("+cpu");
	make_shared();
	cg_make("a");
	cg_run("a", run_for_ever);
	sleep_ms(50);
	OK(cg_write("a/cpu.max", "2000 1000000"));
	sleep_ms(100);
	used = cg_field("a/cpu.stat", "usage_usec");
	sleep_ms(500);
	EXPECT(cg_field("a/cpu.stat", "usage_usec") - used < 200000);
	/* and it goes on when the limit goes */
	before = shared[0];
	OK(cg_write("a/cpu.max", "max"));
	for (int i = 0; i < 2000 && shared[0] < before + 1000000; i++)
		sleep_ms(5);
	EXPECT(shared[0] >= before + 1000000);
	cg_end();
}

CASE(throttled_process_can_be_killed)
{
	pid_t pid;

	cg_begin_with("+cpu");
	make_shared();
	cg_make("a");
	OK(cg_write("a/cpu.max", "1000 1000000"));
	pid = cg_run("a", run_for_ever);
	sleep_ms(100);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	cg_end();
}
