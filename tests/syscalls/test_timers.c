/*
 * test_timers.c - POSIX timers, interval timers and sleeps where it gets subtle.
 */
#include "case.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile sig_atomic_t g_count, g_value, g_code, g_overrun;

static void on_timer(int sig, siginfo_t *si, void *ctx)
{
	g_count++;
	g_value = si->si_value.sival_int;
	g_code = si->si_code;
	g_overrun += si->si_overrun;
}

static void catch_signal(int sig)
{
	struct sigaction sa = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};

	OK(sigaction(sig, &sa, NULL));
}

static void wait_for_count(int n)
{
	uint64_t end = now_ms() + 8000;

	while (g_count < n && now_ms() < end)
		sleep_ms(5);
	EXPECT(g_count >= n);
}

CASE(timer_without_an_event_sends_sigalrm)
{
	struct itimerspec it = {{0, 0}, {0, 1000000}};
	timer_t t;

	catch_signal(SIGALRM);
	OK(timer_create(CLOCK_MONOTONIC, NULL, &t));
	OK(timer_settime(t, 0, &it, NULL));
	wait_for_count(1);
	EXPECT_EQ(g_code, SI_TIMER);
	OK(timer_delete(t));
}

CASE(timer_value_and_signal)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 42};
	struct itimerspec it = {{0, 0}, {0, 1000000}};
	timer_t t;

	catch_signal(SIGRTMIN + 1);
	OK(timer_create(CLOCK_REALTIME, &ev, &t));
	OK(timer_settime(t, 0, &it, NULL));
	wait_for_count(1);
	EXPECT_EQ(g_value, 42);
}

CASE(timer_goes_to_one_thread)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec it = {{0, 0}, {0, 1000000}};
	timer_t t;

	catch_signal(SIGUSR1);
	ev.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	OK(timer_create(CLOCK_MONOTONIC, &ev, &t));
	OK(timer_settime(t, 0, &it, NULL));
	wait_for_count(1);
	ev.sigev_notify_thread_id = 1; /* of another process */
	EXPECT_ERRNO(timer_create(CLOCK_MONOTONIC, &ev, &t), EINVAL);
}

CASE(timer_overrun_counts_what_was_missed)
{
	struct itimerspec it = {{0, 2000000}, {0, 2000000}};
	sigset_t set;
	timer_t t;

	catch_signal(SIGALRM);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	OK(timer_create(CLOCK_MONOTONIC, NULL, &t));
	OK(timer_settime(t, 0, &it, NULL));
	sleep_ms(100);
	OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	wait_for_count(1);
	it = (struct itimerspec){{0, 0}, {0, 0}};
	OK(timer_settime(t, 0, &it, NULL));
	EXPECT(g_overrun >= 20); /* one signal for all of them */
	EXPECT(timer_getoverrun(t) >= 0);
	OK(timer_delete(t));
	EXPECT_ERRNO(syscall(SYS_timer_getoverrun, 0x7000), EINVAL);
}

CASE(timer_times)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec it = {{7, 0}, {100, 0}}, got;
	struct timespec now;
	timer_t t;

	OK(timer_create(CLOCK_MONOTONIC, &ev, &t));
	OK(timer_gettime(t, &got));
	EXPECT(!got.it_value.tv_sec && !got.it_value.tv_nsec);
	OK(timer_settime(t, 0, &it, &got));
	EXPECT(!got.it_value.tv_sec && !got.it_interval.tv_sec);
	OK(timer_gettime(t, &got));
	EXPECT(got.it_value.tv_sec >= 90 && got.it_value.tv_sec <= 100 && got.it_interval.tv_sec == 7);
	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	it.it_value.tv_sec = now.tv_sec + 50;
	OK(timer_settime(t, TIMER_ABSTIME, &it, NULL));
	OK(timer_gettime(t, &got)); /* what is left, always */
	EXPECT(got.it_value.tv_sec >= 40 && got.it_value.tv_sec <= 50);
	it.it_value.tv_sec = 0;
	it.it_value.tv_nsec = 0;
	OK(timer_settime(t, 0, &it, &got)); /* off, whatever the interval */
	EXPECT(got.it_value.tv_sec >= 40);
	OK(timer_gettime(t, &got));
	EXPECT(!got.it_value.tv_sec && !got.it_value.tv_nsec);
}

CASE(timer_errors)
{
	struct sigevent ev = {.sigev_notify = 77};
	struct itimerspec it = {{0, 0}, {0, 1000000000}};
	timer_t t;
	int id;

	EXPECT_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
	ev = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
	EXPECT_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
	EXPECT_ERRNO(syscall(SYS_timer_create, 77, NULL, &id), EINVAL);
	EXPECT_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id), EFAULT);
	EXPECT_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
	OK(timer_create(CLOCK_MONOTONIC, NULL, &t));
	EXPECT_ERRNO(timer_settime(t, 0, &it, NULL), EINVAL);
	it.it_value.tv_nsec = -1;
	EXPECT_ERRNO(timer_settime(t, 0, &it, NULL), EINVAL);
	EXPECT_ERRNO(syscall(SYS_timer_settime, 0x7000, 0, &it, NULL), EINVAL);
	EXPECT_ERRNO(syscall(SYS_timer_gettime, 0x7000, &it), EINVAL);
	EXPECT_ERRNO(syscall(SYS_timer_delete, 0x7000), EINVAL);
}

CASE(timers_are_not_inherited)
{
	struct itimerval iv = {{0, 0}, {100, 0}};
	int id = -1;
	pid_t pid;

	OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
	OK(setitimer(ITIMER_REAL, &iv, NULL));
	pid = fork();
	if (!pid) {
		struct itimerspec it;
		EXPECT_ERRNO(syscall(SYS_timer_gettime, id, &it), EINVAL);
		OK(getitimer(ITIMER_REAL, &iv));
		EXPECT(!iv.it_value.tv_sec && !iv.it_value.tv_usec);
		_exit(0);
	}
	expect_exit(pid, 0);
	alarm(10);
}

static void *burns(void *arg)
{
	while (!g_count)
		;
	return NULL;
}

CASE(timer_on_the_cpu_time_of_the_process)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec it = {{0, 0}, {0, 20000000}};
	timer_t t;

	catch_signal(SIGUSR1);
	OK(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &t));
	OK(timer_settime(t, 0, &it, NULL));
	sleep_ms(100); /* costs next to nothing */
	EXPECT_EQ(g_count, 0);
	burns(NULL);
	EXPECT_EQ(g_count, 1);
}

CASE(timer_on_the_cpu_time_of_a_thread)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec it = {{0, 0}, {0, 20000000}};
	clockid_t clock;
	pthread_t th;
	timer_t t;

	catch_signal(SIGUSR1);
	EXPECT_EQ(pthread_create(&th, NULL, burns, NULL), 0);
	EXPECT_EQ(pthread_getcpuclockid(th, &clock), 0);
	OK(timer_create(clock, &ev, &t));
	OK(timer_settime(t, 0, &it, NULL));
	pthread_join(th, NULL);
	EXPECT_EQ(g_count, 1);
}

CASE(itimer_rounds_and_repeats)
{
	struct itimerval it = {{0, 3000}, {0, 1}}, got;

	catch_signal(SIGALRM);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	wait_for_count(3);
	it = (struct itimerval){{0, 0}, {0, 0}};
	OK(setitimer(ITIMER_REAL, &it, &got));
	EXPECT_EQ(got.it_interval.tv_usec, 3000);
	EXPECT_ERRNO(setitimer(7, &it, NULL), EINVAL);
	it.it_value.tv_usec = -1;
	EXPECT_ERRNO(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
}

CASE(itimer_survives_exec)
{
	struct itimerval it = {{0, 0}, {100, 0}};
	pid_t pid = fork();

	if (!pid) {
		char *argv[] = {"/proc/self/exe", "--case", "helper_has_an_alarm", NULL};
		setenv("TIMERS_HELPER", "1", 1);
		OK(setitimer(ITIMER_REAL, &it, NULL));
		execv(argv[0], argv);
		_exit(1);
	}
	expect_exit(pid, 5);
}

/* Before any case runs: what was left of the alarm that came over exec. */
static long g_left;
__attribute__((constructor)) static void look(void)
{
	struct itimerval it;

	getitimer(ITIMER_REAL, &it);
	g_left = it.it_value.tv_sec;
}

CASE(helper_has_an_alarm)
{
	if (getenv("TIMERS_HELPER"))
		_exit(g_left > 80 ? 5 : 6);
}

CASE(nanosleep_says_what_is_left)
{
	struct itimerval it = {{0, 0}, {0, 50000}};
	struct timespec ts = {100, 0}, left = {0, 0};

	catch_signal(SIGALRM);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	EXPECT_ERRNO(nanosleep(&ts, &left), EINTR);
	EXPECT(left.tv_sec >= 90 && left.tv_sec < 100);
	/* an absolute sleep leaves it alone */
	left.tv_sec = 77;
	OK(clock_gettime(CLOCK_MONOTONIC, &ts));
	ts.tv_sec += 100;
	OK(setitimer(ITIMER_REAL, &it, NULL));
	EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &left), EINTR);
	EXPECT_EQ(left.tv_sec, 77);
}

CASE(clock_nanosleep_errors)
{
	struct timespec ts = {0, 1};

	EXPECT_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EINVAL);
	EXPECT_EQ(clock_nanosleep(77, 0, &ts, NULL), EINVAL);
	ts.tv_nsec = 1000000000;
	EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), EINVAL);
	ts = (struct timespec){0, 1}; /* long past */
	EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);
	ts.tv_nsec = 1000;
	EXPECT_EQ(clock_nanosleep(CLOCK_BOOTTIME, 0, &ts, NULL), 0);
}

CASE(clocks_that_cannot_be_set_or_read)
{
	struct timespec ts = {1, 0};
	pid_t pid;

	EXPECT_ERRNO(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
	EXPECT_ERRNO(clock_gettime(77, &ts), EINVAL);
	EXPECT_ERRNO(clock_getres(-1, &ts), EINVAL);
	EXPECT_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
	OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	for (int c = CLOCK_REALTIME; c <= CLOCK_BOOTTIME; c++)
		OK(clock_gettime(c, &ts));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(clock_settime(CLOCK_REALTIME, &ts), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(coarse_clocks_lag_and_never_lead)
{
	struct timespec fine, coarse;

	for (int i = 0; i < 1000; i++) {
		OK(clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse));
		OK(clock_gettime(CLOCK_MONOTONIC, &fine));
		EXPECT(fine.tv_sec > coarse.tv_sec ||
		       (fine.tv_sec == coarse.tv_sec && fine.tv_nsec >= coarse.tv_nsec));
	}
}

CASE(interrupted_sleep_goes_on_after_a_stop)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct timespec ts = {0, 400000000};
		uint64_t from = now_ms();
		OK(nanosleep(&ts, NULL)); /* begun again by the kernel */
		_exit(now_ms() - from >= 390 ? 0 : 1);
	}
	sleep_ms(50);
	OK(kill(pid, SIGSTOP));
	EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(kill(pid, SIGCONT));
	expect_exit(pid, 0);
}

/* However many have been made and deleted, there is a number for the next one. */
CASE(seventy_thousand_timers_one_after_the_other)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	int id;

	alarm(100); /* a slow machine may need more than a case's ten seconds */
	for (int i = 0; i < 70000; i++) {
		OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
		OK(syscall(SYS_timer_delete, id));
	}
}
