/*
 * More threads than there are CPUs, all of which make one call after another: each goes on, none has to wait
 * for another that computes, and signals, stops, tracers, freezers and timers reach those whose turn it is
 * not.
 */
#include "cgroup.h"
#include "inet.h"
#include "ptrace.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>

#define TALKERS 6

/* A talker counts its calls here, for others to see. */
static volatile unsigned *counts;

static void make_counts(void)
{
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(counts != MAP_FAILED);
}

static void talk_for_ever(int n)
{
	for (;;) {
		(void)getppid();
		counts[n]++;
	}
}

static void *talking_thread(void *arg)
{
	talk_for_ever((int)(long)arg);
	return NULL;
}

static pid_t talker(int n)
{
	pid_t pid = fork();

	if (!pid)
		talk_for_ever(n);
	EXPECT(pid > 0);
	return pid;
}

static void talkers(pid_t *pids)
{
	make_counts();
	for (int i = 0; i < TALKERS; i++)
		pids[i] = talker(i);
}

static void await_progress(int n, unsigned calls)
{
	unsigned begin = counts[n];

	while (counts[n] - begin < calls)
		usleep(500);
}

static void expect_standing(int n)
{
	unsigned begin = counts[n];

	usleep(50000);
	EXPECT_EQ(counts[n], begin);
}

static void kill_all(const pid_t *pids, int count)
{
	int status;

	for (int i = 0; i < count; i++) {
		OK(kill(pids[i], SIGKILL));
		EXPECT_EQ(waitpid(pids[i], &status, 0), pids[i]);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

CASE(many_that_call_all_go_on)
{
	pid_t pids[TALKERS];

	talkers(pids);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < TALKERS; i++)
			await_progress(i, 500);
	kill_all(pids, TALKERS);
}

CASE(threads_of_one_process_all_go_on)
{
	pthread_t t;

	make_counts();
	for (long i = 0; i < 24; i++)
		EXPECT_EQ(pthread_create(&t, NULL, talking_thread, (void *)i), 0);
	for (int i = 0; i < 24; i++)
		await_progress(i, 200);
}

CASE(nobody_waits_for_one_that_computes)
{
	int there[2], back[2];
	pid_t pids[4];
	char c;

	OK(pipe(there));
	OK(pipe(back));
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			for (int k = 0; k < 200; k++)
				(void)getppid(); /* one that calls often */
			for (volatile unsigned long k = 0;; k++)
				;
		}
	}
	pids[3] = fork();
	if (!pids[3])
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
	for (int k = 0; k < 1000; k++) {
		EXPECT_EQ(write(there[1], "x", 1), 1);
		EXPECT_EQ(read(back[0], &c, 1), 1);
	}
	kill_all(pids, 4);
}

CASE(one_that_sleeps_wakes_in_time)
{
	struct timespec ms = {0, 1000000};
	pid_t pids[TALKERS];

	talkers(pids);
	for (int k = 0; k < 100; k++)
		OK(nanosleep(&ms, NULL));
	kill_all(pids, TALKERS);
}

static volatile sig_atomic_t handled[TALKERS];
static __thread int my_number;

static void count_signal(int sig)
{
	handled[my_number]++;
}

static pid_t tids[TALKERS];

static void *counting_thread(void *arg)
{
	my_number = (int)(long)arg;
	__atomic_store_n(&tids[my_number], (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	talk_for_ever(my_number);
	return NULL;
}

CASE(signals_reach_threads_whose_turn_it_is_not)
{
	struct sigaction sa = {.sa_handler = count_signal};
	pthread_t t;

	make_counts();
	OK(sigaction(SIGUSR1, &sa, NULL));
	for (long i = 0; i < TALKERS; i++) {
		EXPECT_EQ(pthread_create(&t, NULL, counting_thread, (void *)i), 0);
		while (!__atomic_load_n(&tids[i], __ATOMIC_ACQUIRE))
			usleep(100);
	}
	for (int round = 1; round <= 100; round++) {
		for (int i = 0; i < TALKERS; i++)
			OK(syscall(SYS_tgkill, getpid(), tids[i], SIGUSR1));
		for (int i = 0; i < TALKERS; i++)
			while (handled[i] < round)
				usleep(100);
	}
	for (int i = 0; i < TALKERS; i++)
		EXPECT_EQ(handled[i], 100);
}

CASE(stopped_is_stopped_and_goes_on)
{
	pid_t pids[TALKERS];
	int status;

	talkers(pids);
	for (int i = 0; i < TALKERS; i++) {
		await_progress(i, 50);
		OK(kill(pids[i], SIGSTOP));
		EXPECT_EQ(waitpid(pids[i], &status, WUNTRACED), pids[i]);
		EXPECT(WIFSTOPPED(status));
		expect_standing(i);
		await_progress((i + 1) % TALKERS, 50);
		OK(kill(pids[i], SIGCONT));
		await_progress(i, 50);
	}
	kill_all(pids, TALKERS);
}

CASE(a_tracer_stops_one_among_many)
{
	pid_t pids[TALKERS];
	int status;

	talkers(pids);
	for (int i = 0; i < TALKERS; i++) {
		await_progress(i, 50);
		OK(pt(PTRACE_SEIZE, pids[i], 0, 0));
		OK(pt(PTRACE_INTERRUPT, pids[i], 0, 0));
		EXPECT_EQ(waitpid(pids[i], &status, 0), pids[i]);
		EXPECT(WIFSTOPPED(status));
		expect_standing(i);
		OK(pt(PTRACE_DETACH, pids[i], 0, 0));
		await_progress(i, 50);
	}
	kill_all(pids, TALKERS);
}

static int number_of_run;

static void talk_in_group(void)
{
	talk_for_ever(number_of_run);
}

CASE(a_frozen_group_stands_while_others_go_on)
{
	pid_t pids[TALKERS];

	cg_begin();
	make_counts();
	cg_make("a");
	for (number_of_run = 0; number_of_run < TALKERS / 2; number_of_run++)
		pids[number_of_run] = cg_run("a", talk_in_group);
	for (int i = TALKERS / 2; i < TALKERS; i++)
		pids[i] = talker(i);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < TALKERS; i++)
			await_progress(i, 50);
		OK(cg_write("a/cgroup.freeze", "1"));
		EXPECT(cg_wait_field("a/cgroup.events", "frozen", 1));
		for (int i = 0; i < TALKERS / 2; i++)
			expect_standing(i);
		await_progress(TALKERS - 1, 50);
		OK(cg_write("a/cgroup.freeze", "0"));
	}
	kill_all(pids, TALKERS);
	cg_end();
}

static volatile sig_atomic_t alarms;

static void count_alarm(int sig)
{
	alarms++;
}

CASE(timers_expire_while_all_call)
{
	struct sigaction sa = {.sa_handler = count_alarm};
	struct itimerval every = {{0, 5000}, {0, 5000}};
	pid_t pids[TALKERS];

	talkers(pids);
	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &every, NULL));
	while (alarms < 20)
		(void)getppid();
	every.it_value.tv_usec = 0;
	OK(setitimer(ITIMER_REAL, &every, NULL));
	kill_all(pids, TALKERS);
}

CASE(a_process_ends_with_threads_that_call)
{
	int status;

	make_counts();
	for (int k = 0; k < 20; k++) {
		pid_t pid = fork();
		if (!pid) {
			pthread_t t;
			for (long i = 0; i < TALKERS; i++)
				if (pthread_create(&t, NULL, talking_thread, (void *)i))
					_exit(1);
			usleep(2000);
			_exit(7);
		}
		EXPECT_EQ(waitpid(pid, &status, 0), pid);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "", *at;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	EXPECT(fd >= 0);
	EXPECT(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	at = strrchr(text, ')');
	EXPECT(at && at[1] == ' ');
	return at[2];
}

CASE(who_waits_for_a_cpu_is_running)
{
	pid_t pids[TALKERS];

	talkers(pids);
	for (int i = 0; i < TALKERS; i++)
		await_progress(i, 10);
	for (int k = 0; k < 50; k++)
		for (int i = 0; i < TALKERS; i++)
			EXPECT_EQ(state_of(pids[i]), 'R');
	kill_all(pids, TALKERS);
}

CASE(a_flood_does_not_starve_its_reader)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[64] = "";
	pid_t pid;

	OK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	OK(getsockname(fd, (struct sockaddr *)&sin, &len));
	OK(connect(out, (struct sockaddr *)&sin, sizeof(sin)));
	pid = fork();
	if (!pid)
		for (;;)
			if (write(out, buf, sizeof(buf)) < 0 && errno != ENOBUFS && errno != EAGAIN)
				_exit(1);
	for (int k = 0; k < 5000; k++)
		EXPECT_EQ(read(fd, buf, sizeof(buf)), (long)sizeof(buf));
	kill_all(&pid, 1);
}
