/*
 * test_cgroup_weight.c - how control groups share CPUs that are short: cpu.weight and cpu.idle (the kernel's
 * Documentation/admin-guide/cgroup-v2.rst). The machine is shared with others, so the bounds are wide.
 */
#include "case.h"
#include "cgroup.h"

#include <pthread.h>
#include <sys/sysinfo.h>

static void *spin_on(void *arg)
{
	for (;;)
		for (volatile int i = 0; i < 100000; i++)
			;
	return arg;
}

/* As many threads as there are CPUs, without a system call between. */
static void spin_all(void)
{
	pthread_t t;

	for (int i = 1; i < get_nprocs(); i++)
		OK(pthread_create(&t, NULL, spin_on, NULL));
	spin_on(NULL);
}

/* The same in processes that call all the time. */
static void call_all(void)
{
	for (int i = 1; i < get_nprocs(); i++)
		if (!fork())
			break;
	for (;;) {
		struct stat st;
		stat("/", &st);
	}
}

static long long used_us(const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/cpu.stat", group);
	return cg_field(path, "usage_usec");
}

static void end_group(const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/cgroup.kill", group);
	OK(cg_write(path, "1"));
}

/* What both groups use while we wait. */
struct used {
	long long a, b;
};

static struct used use_of(unsigned ms)
{
	struct used u = {used_us("a"), used_us("b")};

	sleep_ms(ms);
	return (struct used){used_us("a") - u.a, used_us("b") - u.b};
}

static void end_both(void)
{
	end_group("a");
	end_group("b");
	while (wait(NULL) > 0)
		;
}

/* Hundred times what `a` gets for each that `b` gets, both working as `fn` does, for some seconds. */
static long long ratio(void (*fn)(void))
{
	struct used u;

	cg_run("a", fn);
	cg_run("b", fn);
	sleep_ms(500);
	u = use_of(2500);
	end_both();
	return u.a * 100 / (u.b + 1);
}

static void two_groups(const char *a, const char *b)
{
	cg_begin_with("+cpu");
	cg_make("a");
	cg_make("b");
	OK(cg_write("a/cpu.weight", a));
	OK(cg_write("b/cpu.weight", b));
}

CASE(weight_shares_what_is_short)
{
	long long r;

	two_groups("400", "100");
	r = ratio(spin_all);
	EXPECT(r >= 200 && r <= 800);
	cg_end();
}

CASE(weight_of_processes_that_call)
{
	long long r;

	two_groups("100", "400");
	r = ratio(call_all);
	EXPECT(r >= 12 && r <= 50);
	cg_end();
}

CASE(equal_weights_share_equally)
{
	long long r;

	two_groups("300", "300");
	r = ratio(spin_all);
	EXPECT(r >= 50 && r <= 200);
	cg_end();
}

static void spin_four_times(void)
{
	pthread_t t;

	for (int i = 1; i < 4 * get_nprocs(); i++)
		OK(pthread_create(&t, NULL, spin_on, NULL));
	spin_on(NULL);
}

CASE(weight_counts_groups_not_threads)
{
	struct used u;

	two_groups("300", "300");
	cg_run("a", spin_four_times);
	cg_run("b", spin_all);
	sleep_ms(500);
	u = use_of(2500);
	EXPECT(u.a <= 2 * u.b && u.b <= 2 * u.a);
	end_both();
	cg_end();
}

CASE(all_threads_of_a_group_held_back_get_on)
{
	two_groups("1000", "100");
	cg_run("a", spin_all);
	cg_run("b", spin_four_times);
	sleep_ms(3000);
	EXPECT(used_us("b") >= 20000);
	EXPECT(used_us("a") > used_us("b"));
	end_both();
	cg_end();
}

CASE(weight_alone_is_no_limit)
{
	two_groups("10000", "1");
	cg_run("b", spin_all);
	sleep_ms(1500);
	EXPECT(used_us("b") >= 30000); /* nobody else of its parent wants to run */
	end_group("b");
	wait(NULL);
	cg_end();
}

CASE(idle_group_takes_what_is_left)
{
	long long r;

	cg_begin_with("+cpu");
	cg_make("a");
	cg_make("b");
	OK(cg_write("b/cpu.idle", "1"));
	EXPECT_STR(cg_read("b/cpu.weight"), "0");
	EXPECT_ERRNO(cg_write("b/cpu.weight", "100"), EINVAL);
	r = ratio(spin_all);
	EXPECT(r >= 500);
	cg_end();
}

CASE(group_that_is_idle_no_more)
{
	long long r;

	cg_begin_with("+cpu");
	cg_make("a");
	cg_make("b");
	OK(cg_write("b/cpu.weight", "50"));
	OK(cg_write("b/cpu.idle", "1"));
	OK(cg_write("b/cpu.idle", "0"));
	EXPECT_STR(cg_read("b/cpu.weight"), "100");
	OK(cg_write("b/cpu.weight", "200"));
	r = ratio(spin_all);
	EXPECT(r >= 20 && r <= 110);
	cg_end();
}

CASE(time_slept_through_is_no_claim)
{
	struct used u;

	two_groups("200", "200");
	cg_run("a", spin_all);
	sleep_ms(2000); /* b could have run, and did not want to */
	cg_run("b", spin_all);
	sleep_ms(300);
	u = use_of(1500);
	EXPECT(u.b <= 3 * u.a && u.a <= 3 * u.b);
	end_both();
	cg_end();
}

CASE(weight_changes_while_they_run)
{
	struct used u;

	two_groups("100", "100");
	cg_run("a", spin_all);
	cg_run("b", spin_all);
	sleep_ms(300);
	OK(cg_write("a/cpu.weight.nice", "10"));
	sleep_ms(300);
	u = use_of(2500);
	EXPECT(u.b >= 4 * u.a); /* some 9 times */
	OK(cg_write("a/cpu.weight", "100"));
	sleep_ms(300);
	u = use_of(1500);
	EXPECT(u.b <= 3 * u.a && u.a <= 3 * u.b);
	end_both();
	cg_end();
}

CASE(weight_within_weight)
{
	long long a, c, d;

	two_groups("100", "300");
	OK(cg_write("b/cgroup.subtree_control", "+cpu"));
	cg_make("b/c");
	cg_make("b/d");
	OK(cg_write("b/d/cpu.weight", "400"));
	cg_run("a", spin_all);
	cg_run("b/c", spin_all);
	cg_run("b/d", spin_all);
	sleep_ms(500);
	a = used_us("a");
	c = used_us("b/c");
	d = used_us("b/d");
	sleep_ms(4000);
	a = used_us("a") - a;
	c = used_us("b/c") - c;
	d = used_us("b/d") - d;
	EXPECT(c + d >= a * 4 / 3 && c + d <= 8 * a); /* 3 to 1 */
	EXPECT(d >= 3 * c / 2 && d <= 10 * c);        /* 4 to 1 */
	end_both();
	cg_end();
}

CASE(weight_of_a_frozen_group)
{
	long long before;

	two_groups("400", "100");
	cg_run("a", spin_all);
	cg_run("b", spin_all);
	sleep_ms(300);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	before = used_us("b");
	sleep_ms(1000);
	EXPECT(used_us("b") - before >= 20000);
	OK(cg_write("b/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("b/cgroup.events", "frozen", 1));
	OK(cg_write("a/cgroup.freeze", "0"));
	before = used_us("a");
	sleep_ms(1000);
	EXPECT(used_us("a") - before >= 20000);
	end_both(); /* SIGKILL ends what is frozen */
	cg_end();
}
