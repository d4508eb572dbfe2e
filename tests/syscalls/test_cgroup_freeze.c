/*
 * test_cgroup_freeze.c - control groups, version 2: freezer, cgroup.kill and cgroup.events
 * (Documentation/admin-guide/cgroup-v2.rst).
 */
#include "cgroup.h"

#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

/* ---- freezer ---- */

static volatile unsigned *counter;

static void count(void)
{
	for (;;)
		++*counter;
}

static void shared_counter(void)
{
	counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(counter != MAP_FAILED);
}

CASE(freeze_stops_a_running_process)
{
	unsigned before;

	cg_begin();
	cg_make("a");
	shared_counter();
	cg_run("a", count);
	while (!*counter)
		sleep_ms(1);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	before = *counter;
	sleep_ms(100);
	EXPECT_EQ(*counter, before);
	EXPECT_STR(cg_read("a/cgroup.freeze"), "1");
	OK(cg_write("a/cgroup.freeze", "0"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 0));
	for (int i = 0; i < 2000 && *counter == before; i++)
		sleep_ms(5);
	EXPECT(*counter != before);
	cg_end();
}

CASE(freeze_values)
{
	cg_begin();
	EXPECT_ERRNO(cg_write("cgroup.freeze", "2"), ERANGE);
	EXPECT_ERRNO(cg_write("cgroup.freeze", "-1"), ERANGE);
	EXPECT_ERRNO(cg_write("cgroup.freeze", "x"), EINVAL);
	OK(cg_write("cgroup.freeze", "1"));
	EXPECT_EQ(cg_field("cgroup.events", "frozen"), 1); /* nobody is in it */
	OK(cg_write("cgroup.freeze", "1"));
	OK(cg_write("cgroup.freeze", "0"));
	EXPECT_EQ(cg_field("cgroup.events", "frozen"), 0);
	cg_end();
}

CASE(freeze_is_inherited)
{
	cg_begin();
	cg_make("a");
	cg_make("a/b");
	cg_child("a/b");
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/b/cgroup.events", "frozen", 1));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	EXPECT_STR(cg_read("a/b/cgroup.freeze"), "0");
	EXPECT_EQ(cg_field("cgroup.events", "frozen"), 0);
	OK(cg_write("a/b/cgroup.freeze", "1"));
	OK(cg_write("a/cgroup.freeze", "0"));
	EXPECT_EQ(cg_field("a/b/cgroup.events", "frozen"), 1);
	EXPECT_EQ(cg_field("a/cgroup.events", "frozen"), 0);
	cg_make("a/b/c");
	EXPECT_EQ(cg_field("a/b/c/cgroup.events", "frozen"), 1);
	cg_end();
}

static int pipe_in[2], pipe_out[2];

static void echo_bytes(void)
{
	char c;

	while (read(pipe_in[0], &c, 1) == 1)
		(void)!write(pipe_out[1], &c, 1);
}

CASE(frozen_process_does_not_finish_its_call)
{
	struct pollfd p;
	char c = 0;

	cg_begin();
	cg_make("a");
	OK(pipe(pipe_in));
	OK(pipe(pipe_out));
	cg_run("a", echo_bytes);
	p = (struct pollfd){pipe_out[0], POLLIN, 0};
	sleep_ms(50);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	EXPECT_EQ(write(pipe_in[1], "x", 1), 1);
	EXPECT_EQ(poll(&p, 1, 100), 0);
	OK(cg_write("a/cgroup.freeze", "0"));
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT_EQ(read(pipe_out[0], &c, 1), 1);
	EXPECT_EQ(c, 'x');
	cg_end();
}

CASE(frozen_process_can_be_killed)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
	cg_end();
}

static volatile sig_atomic_t got;
static void on_signal(int sig)
{
	got = sig;
	++*counter;
}

static void count_signals(void)
{
	signal(SIGUSR1, on_signal);
	*counter = 1;
	for (;;)
		pause();
}

CASE(frozen_process_runs_no_handler)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	shared_counter();
	pid = cg_run("a", count_signals);
	while (*counter != 1)
		sleep_ms(1);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	kill(pid, SIGUSR1);
	sleep_ms(100);
	EXPECT_EQ(*counter, 1);
	OK(cg_write("a/cgroup.freeze", "0"));
	for (int i = 0; i < 2000 && *counter != 2; i++)
		sleep_ms(5);
	EXPECT_EQ(*counter, 2);
	cg_end();
}

CASE(moving_into_and_out_of_a_frozen_group)
{
	unsigned before;
	pid_t pid;

	cg_begin();
	cg_make("a");
	cg_make("b");
	shared_counter();
	pid = cg_run("a", count);
	OK(cg_write("b/cgroup.freeze", "1"));
	OK(cg_write("b/cgroup.procs", number(pid)));
	EXPECT(cg_wait_field("b/cgroup.events", "frozen", 1));
	before = *counter;
	sleep_ms(50);
	EXPECT_EQ(*counter, before);
	OK(cg_write("a/cgroup.procs", number(pid)));
	for (int i = 0; i < 2000 && *counter == before; i++)
		sleep_ms(5);
	EXPECT(*counter != before);
	cg_end();
}

CASE(stopped_process_in_a_frozen_group)
{
	int status;
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	kill(pid, SIGSTOP);
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	OK(cg_write("a/cgroup.freeze", "0"));
	kill(pid, SIGCONT);
	EXPECT_EQ(waitpid(pid, &status, WCONTINUED), pid);
	EXPECT(WIFCONTINUED(status));
	cg_end();
}

/* ---- kill ---- */

CASE(kill_ends_all_below)
{
	pid_t a, b, other;

	cg_begin();
	cg_make("a");
	cg_make("a/b");
	cg_make("c");
	a = cg_child("a");
	b = cg_child("a/b");
	other = cg_child("c");
	EXPECT_ERRNO(cg_write("a/cgroup.kill", "0"), ERANGE);
	EXPECT_ERRNO(cg_write("a/cgroup.kill", "all"), EINVAL);
	OK(cg_write("a/cgroup.kill", "1"));
	expect_signal(a, SIGKILL);
	expect_signal(b, SIGKILL);
	EXPECT_EQ(kill(other, 0), 0);
	EXPECT_EQ(cg_field("a/cgroup.events", "populated"), 0);
	cg_end();
}

CASE(kill_of_a_frozen_group)
{
	pid_t pid;

	cg_begin();
	cg_make("a");
	pid = cg_child("a");
	OK(cg_write("a/cgroup.freeze", "1"));
	EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
	OK(cg_write("a/cgroup.kill", "1"));
	expect_signal(pid, SIGKILL);
	cg_end();
}

/* ---- events ---- */

CASE(poll_tells_of_events)
{
	char text[64];
	struct pollfd p;
	pid_t pid;

	cg_begin();
	cg_make("a");
	p = (struct pollfd){open(cg_path("a/cgroup.events"), O_RDONLY), POLLPRI, 0};
	OK(p.fd);
	EXPECT(read(p.fd, text, sizeof(text)) > 0);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	pid = cg_child("a");
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT(p.revents & POLLPRI);
	EXPECT(p.revents & POLLERR);
	EXPECT(pread(p.fd, text, sizeof(text), 0) > 0);
	EXPECT(strstr(text, "populated 1"));
	EXPECT_EQ(poll(&p, 1, 0), 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	expect_signal(pid, SIGKILL);
	cg_end();
}

CASE(inotify_tells_of_events)
{
	struct inotify_event ev;
	struct pollfd p;
	pid_t pid;
	int wd;

	cg_begin();
	cg_make("a");
	p = (struct pollfd){inotify_init1(0), POLLIN, 0};
	wd = inotify_add_watch(p.fd, cg_path("a/cgroup.events"), IN_MODIFY);
	OK(wd);
	EXPECT_EQ(poll(&p, 1, 0), 0);
	pid = cg_child("a");
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	EXPECT_EQ(read(p.fd, &ev, sizeof(ev)), sizeof(ev));
	EXPECT_EQ(ev.wd, wd);
	EXPECT_EQ(ev.mask, IN_MODIFY);
	kill(pid, SIGKILL);
	EXPECT_EQ(poll(&p, 1, 10000), 1);
	expect_signal(pid, SIGKILL);
	cg_end();
}
