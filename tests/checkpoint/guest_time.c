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

/* How long it has been by a clock that stood still meanwhile, and by the wall's. However slow the machine is,
 * the difference is at least what was lost. */
struct passed {
	int clock;
	int64_t since, wall, ms;
};

static void passed_begin(struct passed *p, int clock)
{
	p->clock = clock;
	p->wall = now_ms(CLOCK_REALTIME);
	p->since = now_ms(clock);
}

static void passed_end(struct passed *p)
{
	p->ms = now_ms(p->clock) - p->since;
	p->wall = now_ms(CLOCK_REALTIME) - p->wall;
}

static bool lost_nothing_of(const struct passed *p)
{
	return p->ms >= 0 && p->wall - p->ms >= LOST_MS - 500;
}

static struct passed asleep, polled;

static void *sleep_long(void *arg)
{
	struct timespec ts = {1, 500000000};

	passed_begin(&asleep, CLOCK_MONOTONIC);
	CHECK(nanosleep(&ts, NULL) == 0);
	passed_end(&asleep);
	return NULL;
}
static void *poll_long(void *arg)
{
	passed_begin(&polled, CLOCK_BOOTTIME);
	CHECK(poll(NULL, 0, 1500) == 0);
	passed_end(&polled);
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
	CHECK(asleep.ms >= 1500 && lost_nothing_of(&asleep));
	CHECK(polled.ms >= 1500 && lost_nothing_of(&polled));
	await_go();
}

/* Clocks read by vDSO and by call. */
static void clocks(void)
{
	struct passed mono, boot, call;
	int64_t cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	struct timespec ts;

	passed_begin(&mono, CLOCK_MONOTONIC);
	passed_begin(&boot, CLOCK_BOOTTIME);
	call = mono;
	pause_here();
	passed_end(&mono);
	passed_end(&boot);
	CHECK(lost_nothing_of(&mono) && lost_nothing_of(&boot));
	CHECK(now_ms(CLOCK_PROCESS_CPUTIME_ID) >= cpu);
	CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0);
	call.ms = ts.tv_sec * 1000 + ts.tv_nsec / 1000000 - call.since;
	call.wall = now_ms(CLOCK_REALTIME) - call.wall;
	CHECK(lost_nothing_of(&call));
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
	struct passed since;
	uint64_t ticks;
	timer_t id;

	handle(SIGALRM);
	handle(SIGUSR1);
	CHECK(timer_create(CLOCK_MONOTONIC, &se, &id) == 0 && timer_settime(id, 0, &its, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	passed_begin(&since, CLOCK_MONOTONIC);
	CHECK(timerfd_settime(fd, 0, &once, NULL) == 0);
	pause_here();
	before = alarms;
	CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_interval.tv_usec == 100000);
	while (alarms < before + 3)
		pause();
	while (!posix_fires)
		pause();
	CHECK(value == 77 && timer_gettime(id, &rest) == 0 && rest.it_value.tv_sec == 0);
	CHECK(read(fd, &ticks, 8) == 8);
	passed_end(&since);
	CHECK(ticks > 0 && ticks <= (uint64_t)since.ms / 50 + 1 && lost_nothing_of(&since));
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
