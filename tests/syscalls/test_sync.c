/* futex(2), clocks, sleeping, interval timers, POSIX timers, threads' own state. */
#include "case.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>

static int word;

static long futex(int *addr, int op, int val, const struct timespec *ts, int *addr2, int val3)
{
	return syscall(SYS_futex, addr, op, val, ts, addr2, val3);
}
static void *waiter(void *arg)
{
	return (void *)futex(arg, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* Until n threads wait on word: requeueing them onto the same word counts them. */
static void until_waiting(long n)
{
	for (int i = 0; i < 2000; i++) {
		if (futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)100, &word, 0) == n)
			return;
		sleep_ms(3);
	}
	EXPECT(!"the threads wait");
}

CASE(futex_value_differs)
{
	word = 1;
	EXPECT_ERRNO(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
	EXPECT_EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
}
CASE(futex_timeout)
{
	struct timespec ts = {0, 50000000};
	uint64_t start = now_ms();
	EXPECT_ERRNO(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
	EXPECT(now_ms() - start >= 45);
	ts.tv_nsec = -1;
	EXPECT_ERRNO(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), EINVAL);
}
CASE(futex_absolute_timeout)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 50000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	uint64_t start = now_ms();
	EXPECT_ERRNO(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, -1), ETIMEDOUT);
	EXPECT(now_ms() - start >= 40);
}
CASE(futex_wakes_threads)
{
	pthread_t t[3];
	int woken = 0;
	void *ret;
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, waiter, &word), 0);
	until_waiting(3);
	EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
	while (woken < 2)
		woken += (int)futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(pthread_join(t[i], &ret), 0);
		EXPECT_EQ((long)ret, 0);
	}
}
CASE(futex_bad_address)
{
	EXPECT_ERRNO(futex((int *)2, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(futex((int *)16, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	EXPECT_ERRNO(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
	EXPECT_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
}
CASE(futex_requeue)
{
	static int other;
	pthread_t t[3];
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, waiter, &word), 0);
	until_waiting(3);
	EXPECT_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &other, 5), EAGAIN);
	EXPECT_EQ(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10, &other, 0), 3);
	EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
	EXPECT_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 2);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(pthread_join(t[i], NULL), 0);
}
CASE(futex_wake_op)
{
	static int other = 5;
	EXPECT_EQ(
	    futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)),
	    0);
	EXPECT_EQ(other, 8);
	EXPECT_EQ(
	    futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_GT, 5)),
	    0);
	EXPECT_EQ(other, 1);
}
CASE(futex_shared_between_processes)
{
	int *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	if (!pid)
		_exit(futex(p, FUTEX_WAIT, 0, NULL, NULL, 0) != 0);
	for (int i = 0; i < 200 && futex(p, FUTEX_WAKE, 1, NULL, NULL, 0) == 0; i++)
		sleep_ms(10);
	expect_exit(pid, 0);
}
CASE(robust_mutex_owner_dies)
{
	pthread_mutexattr_t a;
	pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	EXPECT_EQ(pthread_mutex_init(m, &a), 0);
	pid_t pid = fork();
	if (!pid) {
		pthread_mutex_lock(m);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(pthread_mutex_lock(m), EOWNERDEAD);
	EXPECT_EQ(pthread_mutex_consistent(m), 0);
	EXPECT_EQ(pthread_mutex_unlock(m), 0);
}
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static void *adder(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}
CASE(mutex_contended)
{
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, adder, NULL), 0);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(pthread_join(t[i], NULL), 0);
	EXPECT_EQ(counter, 80000);
}
static void *ponger(void *arg)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < 500; i++) {
		while (counter % 2 == 0)
			pthread_cond_wait(&cond, &lock);
		counter++;
		pthread_cond_signal(&cond);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}
CASE(condition_variable_pingpong)
{
	pthread_t t;
	EXPECT_EQ(pthread_create(&t, NULL, ponger, NULL), 0);
	pthread_mutex_lock(&lock);
	for (int i = 0; i < 500; i++) {
		while (counter % 2 == 1)
			pthread_cond_wait(&cond, &lock);
		counter++;
		pthread_cond_signal(&cond);
	}
	pthread_mutex_unlock(&lock);
	EXPECT_EQ(pthread_join(t, NULL), 0);
	EXPECT_EQ(counter, 1000);
}

/* ---- clocks and sleeping ---- */

CASE(clocks_run_forward)
{
	const int clocks[] = {CLOCK_REALTIME,      CLOCK_MONOTONIC,       CLOCK_BOOTTIME,
			      CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE};
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		struct timespec a, b;
		OK(clock_gettime(clocks[i], &a));
		sleep_ms(12);
		OK(syscall(SYS_clock_gettime, clocks[i], &b));
		EXPECT((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >= 4);
	}
	EXPECT_ERRNO(syscall(SYS_clock_gettime, 99, &word), EINVAL);
}
CASE(cpu_clocks_count_work)
{
	struct timespec a, b;
	long ms = 0;
	OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a));
	/* others may want the CPU: until it has got some, but not for ever */
	for (uint64_t end = now_ms() + 5000; ms < 20 && now_ms() < end;) {
		OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b));
		ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	}
	EXPECT(ms >= 20);
	OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a));
	EXPECT(a.tv_sec > 0 || a.tv_nsec > 0);
}
CASE(clock_resolution_and_set)
{
	struct timespec ts;
	OK(clock_getres(CLOCK_MONOTONIC, &ts));
	EXPECT(ts.tv_sec == 0 && ts.tv_nsec == 1);
	ts.tv_nsec = -5;
	EXPECT_ERRNO(clock_settime(CLOCK_REALTIME, &ts), EINVAL);
	EXPECT_ERRNO(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
}
CASE(nanosleep_sleeps)
{
	struct timespec ts = {0, 60000000};
	uint64_t start = now_ms();
	OK(nanosleep(&ts, NULL));
	EXPECT(now_ms() - start >= 59);
	ts.tv_nsec = 1000000000;
	EXPECT_ERRNO(nanosleep(&ts, NULL), EINVAL);
}
CASE(clock_nanosleep_absolute)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 40000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	uint64_t start = now_ms();
	EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	EXPECT(now_ms() - start >= 35);
	EXPECT_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EINVAL);
}
static volatile sig_atomic_t alarms;
static siginfo_t info;
static void on_alarm(int sig, siginfo_t *si, void *ctx)
{
	alarms++;
	info = *si;
}
static void catch (int sig)
{
	struct sigaction sa = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO};
	OK(sigaction(sig, &sa, NULL));
}
CASE(itimer_real)
{
	struct itimerval it = {{0, 20000}, {0, 20000}}, now;
	catch (SIGALRM);
	OK(setitimer(ITIMER_REAL, &it, NULL));
	while (alarms < 3)
		pause();
	OK(getitimer(ITIMER_REAL, &now));
	EXPECT_EQ(now.it_interval.tv_usec, 20000);
	it.it_value.tv_usec = 0;
	OK(setitimer(ITIMER_REAL, &it, &now));
	EXPECT_ERRNO(setitimer(9, &it, NULL), EINVAL);
	it.it_value.tv_usec = 2000000;
	EXPECT_ERRNO(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
}
CASE(itimer_virtual_counts_cpu)
{
	struct itimerval it = {{0, 0}, {0, 30000}};
	catch (SIGVTALRM);
	OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	sleep_ms(60);
	EXPECT_EQ(alarms, 0);
	while (!alarms)
		;
}
CASE(alarm_returns_the_rest)
{
	EXPECT_EQ(alarm(100), 10); /* the case's own */
	EXPECT_EQ(alarm(10), 100);
}
CASE(posix_timer_signal)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
	struct itimerspec its = {{0, 0}, {0, 20000000}};
	timer_t id;
	catch (SIGUSR1);
	OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
	OK(timer_settime(id, 0, &its, NULL));
	while (!alarms)
		pause();
	EXPECT_EQ(info.si_code, SI_TIMER);
	EXPECT_EQ(info.si_value.sival_int, 77);
	OK(timer_delete(id));
	EXPECT_ERRNO(syscall(SYS_timer_delete, 12345), EINVAL);
}
CASE(posix_timer_overrun)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec its = {{0, 5000000}, {0, 5000000}};
	sigset_t s;
	timer_t id;
	catch (SIGUSR1);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	OK(timer_create(CLOCK_REALTIME, &ev, &id));
	OK(timer_settime(id, 0, &its, NULL));
	sleep_ms(60);
	OK(sigprocmask(SIG_UNBLOCK, &s, NULL));
	EXPECT(alarms >= 1);
	/* of the first; on a busy machine the next may have come meanwhile */
	EXPECT(info.si_overrun >= 4 || alarms > 1);
}
CASE(posix_timer_none_counts_down)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	struct itimerspec its = {{0, 0}, {10, 0}}, left;
	timer_t id;
	OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
	OK(timer_settime(id, 0, &its, NULL));
	OK(timer_gettime(id, &left));
	EXPECT(left.it_value.tv_sec == 9 || left.it_value.tv_sec == 10);
	ev.sigev_signo = 99;
	ev.sigev_notify = SIGEV_SIGNAL;
	EXPECT_ERRNO(timer_create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
}

/* ---- what is a thread's own ---- */

static __thread int tls = 1;
static void *tls_thread(void *arg)
{
	tls += (int)(long)arg;
	sleep_ms(20);
	return (void *)(long)tls;
}
CASE(thread_local_storage)
{
	pthread_t a, b;
	void *ra, *rb;
	EXPECT_EQ(pthread_create(&a, NULL, tls_thread, (void *)10), 0);
	EXPECT_EQ(pthread_create(&b, NULL, tls_thread, (void *)20), 0);
	pthread_join(a, &ra);
	pthread_join(b, &rb);
	EXPECT_EQ((long)ra, 11);
	EXPECT_EQ((long)rb, 21);
	EXPECT_EQ(tls, 1);
}
CASE(gs_base_is_free_to_use)
{
	static unsigned long value = 0xabcdef;
	unsigned long got, base;
	OK(syscall(SYS_arch_prctl, 0x1001, &value));
	__asm__ volatile("mov %%gs:0, %0" : "=r"(got));
	EXPECT_EQ(got, 0xabcdef);
	OK(syscall(SYS_arch_prctl, 0x1004, &base));
	EXPECT_EQ(base, (unsigned long)&value);
	syscall(SYS_getpid);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(got));
	EXPECT_EQ(got, 0xabcdef);
	EXPECT_ERRNO(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
}
static void *float_thread(void *arg)
{
	double x = (double)(long)arg, sum = 0;
	for (int i = 0; i < 20000; i++) {
		sum += x / 3;
		if (i % 100 == 0)
			syscall(SYS_sched_yield);
	}
	return (void *)(long)(sum + 0.5);
}
CASE(floating_point_over_switches)
{
	pthread_t t[4];
	for (long i = 0; i < 4; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, float_thread, (void *)(3 * (i + 1))), 0);
	for (long i = 0; i < 4; i++) {
		void *r;
		pthread_join(t[i], &r);
		EXPECT_EQ((long)r, 20000 * (i + 1));
	}
}
