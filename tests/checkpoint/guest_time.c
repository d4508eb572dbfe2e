/* guest_time.c - clocks, timers, signals. The test stops the sandbox for LOST_MS between image and restore.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include "guest.h"

#define LOST_MS 4000 /* test_checkpoint.py waits as long */

static int64_t asleep_ms, polled_ms;

static void *sleep_long(void *arg)
{
	struct timespec ts = {1, 500000000};
	int64_t before = now_ms(CLOCK_MONOTONIC);

	CHECK(nanosleep(&ts, NULL) == 0);
	asleep_ms = now_ms(CLOCK_MONOTONIC) - before;
	return NULL;
}
static void *poll_long(void *arg)
{
	int64_t before = now_ms(CLOCK_BOOTTIME);

	CHECK(poll(NULL, 0, 1500) == 0);
	polled_ms = now_ms(CLOCK_BOOTTIME) - before;
	return NULL;
}

/* What a sleeper sees: no less than it wanted, and not the time in which there was no sandbox. */
static void sleepers(void)
{
	pthread_t t[2];

	CHECK(pthread_create(&t[0], NULL, sleep_long, NULL) == 0);
	CHECK(pthread_create(&t[1], NULL, poll_long, NULL) == 0);
	usleep(100000);
	say("ready\n");
	CHECK(pthread_join(t[0], NULL) == 0 && pthread_join(t[1], NULL) == 0);
	CHECK(asleep_ms >= 1500 && asleep_ms < 1500 + LOST_MS);
	CHECK(polled_ms >= 1500 && polled_ms < 1500 + LOST_MS);
	await_go();
}

/* Clocks read by vDSO and by call. */
static void clocks(void)
{
	int64_t mono = now_ms(CLOCK_MONOTONIC), boot = now_ms(CLOCK_BOOTTIME), real = now_ms(CLOCK_REALTIME);
	int64_t cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID), later;
	struct timespec ts;

	pause_here();
	later = now_ms(CLOCK_MONOTONIC);
	CHECK(later >= mono && later < mono + LOST_MS);
	later = now_ms(CLOCK_BOOTTIME);
	CHECK(later >= boot && later < boot + LOST_MS);
	CHECK(now_ms(CLOCK_REALTIME) >= real + LOST_MS);
	CHECK(now_ms(CLOCK_PROCESS_CPUTIME_ID) >= cpu);
	CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0);
	later = ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	CHECK(later >= mono && later < mono + LOST_MS);
}

static volatile sig_atomic_t alarms, posix_fires, value;
static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (sig == SIGALRM)
		alarms++;
	else
		posix_fires++;
	if (info->si_code == SI_QUEUE || info->si_code == SI_TIMER)
		value = info->si_value.sival_int;
}

static void handle(int sig)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

static void timers(void)
{
	struct itimerval it = {{0, 100000}, {0, 100000}}, left;
	struct itimerspec its = {{0, 0}, {1, 500000000}}, once = {{0, 50000000}, {0, 50000000}}, rest;
	struct sigevent se = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
	int before, fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t ticks;
	timer_t id;

	handle(SIGALRM);
	handle(SIGUSR1);
	CHECK(timer_create(CLOCK_MONOTONIC, &se, &id) == 0 && timer_settime(id, 0, &its, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK(timerfd_settime(fd, 0, &once, NULL) == 0);
	pause_here();
	before = alarms;
	CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_interval.tv_usec == 100000);
	while (alarms < before + 3)
		pause();
	while (!posix_fires)
		pause();
	CHECK(value == 77 && timer_gettime(id, &rest) == 0 && rest.it_value.tv_sec == 0);
	CHECK(read(fd, &ticks, 8) == 8 && ticks > 0 && ticks < 20 + LOST_MS / 50);
}

static void signals(void)
{
	union sigval v = {.sival_int = 4711};
	sigset_t set, old;
	static char stack[65536];
	stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)}, got;

	handle(SIGUSR1);
	handle(SIGALRM);
	CHECK(sigaltstack(&alt, NULL) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(sigqueue(getpid(), SIGUSR1, v) == 0);
	pause_here();
	CHECK(posix_fires == 0);
	CHECK(sigpending(&set) == 0 && sigismember(&set, SIGUSR1));
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(posix_fires == 1 && value == 4711);
	CHECK(sigaltstack(NULL, &got) == 0 && got.ss_sp == stack);
}

const struct situation time_situations[] = {
    {"sleepers", sleepers}, {"clocks", clocks}, {"timers", timers}, {"signals", signals}, {0}};
