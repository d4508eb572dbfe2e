/* test_futex.c - futex(2): PI futexes, and requeueing to them. */
#include "futex.h"

/* ---- PI: one thread ---- */

CASE(pi_lock_takes_a_free_word)
{
	uint32_t w = 0;

	OK(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	EXPECT_EQ(w, gettid());
	OK(futex(&w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	EXPECT_EQ(w, 0);
}
CASE(pi_lock2_takes_a_free_word)
{
	uint32_t w = 0;

	OK(futex(&w, FUTEX_LOCK_PI2, 0, NULL, NULL, 0));
	EXPECT_EQ(w, gettid());
}
CASE(pi_lock_twice_is_a_deadlock)
{
	uint32_t w = (uint32_t)gettid();

	EXPECT_ERRNO(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
	EXPECT_ERRNO(futex(&w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	EXPECT_EQ(w, gettid());
}
CASE(pi_unlock_of_another_is_eperm)
{
	uint32_t w = 1;

	EXPECT_ERRNO(futex(&w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
	w = 0;
	EXPECT_ERRNO(futex(&w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
}
CASE(pi_lock_of_nobody_is_esrch)
{
	uint32_t w = 0x3ffffff0;

	EXPECT_ERRNO(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH);
}
CASE(pi_lock_of_an_orphan_keeps_the_bit)
{
	uint32_t w = FUTEX_OWNER_DIED;

	OK(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	EXPECT_EQ(w, FUTEX_OWNER_DIED | (uint32_t)gettid());
}
CASE(pi_bad_addresses)
{
	uint32_t w[2] = {0};

	EXPECT_ERRNO(futex((char *)w + 1, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(futex((void *)16, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	EXPECT_ERRNO(futex((void *)16, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EFAULT);
	EXPECT_ERRNO(futex(w, FUTEX_LOCK_PI, 0, (void *)8, NULL, 0), EFAULT);
}
CASE(pi_bad_timeout)
{
	struct timespec ts = {1, 1000000000};
	uint32_t w = 0;

	EXPECT_ERRNO(futex(&w, FUTEX_LOCK_PI, 0, &ts, NULL, 0), EINVAL);
}
CASE(realtime_flag_only_where_it_means_something)
{
	uint32_t w = 0;
	struct timespec ts = {0, 1};

	EXPECT_ERRNO(futex(&w, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
	EXPECT_ERRNO(futex(&w, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
	EXPECT_ERRNO(futex(&w, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, 0), ENOSYS);
	OK(futex(&w, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
}

/* ---- PI: several threads ---- */

struct pi {
	uint32_t word, step, tid, got;
	int timeout_ms, op, clock;
	uint32_t seen;
};

static void *locker(void *arg)
{
	struct pi *p = arg;
	struct timespec ts = in_ms(p->clock, p->timeout_ms);

	p->tid = (uint32_t)gettid();
	if (futex(&p->word, p->op ? p->op : FUTEX_LOCK_PI_PRIVATE, 0, p->timeout_ms ? &ts : NULL, NULL, 0))
		p->got = (uint32_t)errno + 1000;
	else
		p->got = 1;
	p->seen = load(&p->word);
	if (p->got == 1)
		futex(&p->word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

CASE(pi_unlock_hands_over)
{
	struct pi p = {.word = (uint32_t)gettid()};
	pthread_t th;

	pthread_create(&th, NULL, locker, &p);
	until_bits(&p.word, FUTEX_WAITERS);
	EXPECT_EQ(p.word, FUTEX_WAITERS | (uint32_t)gettid());
	OK(futex(&p.word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	pthread_join(th, NULL);
	EXPECT_EQ(p.got, 1);
	EXPECT_EQ(p.seen, FUTEX_WAITERS | p.tid);
	EXPECT_EQ(p.word, 0);
}
CASE(pi_trylock_of_a_taken_lock)
{
	struct pi p = {.word = (uint32_t)gettid(), .op = FUTEX_TRYLOCK_PI_PRIVATE};
	pthread_t th;

	pthread_create(&th, NULL, locker, &p);
	pthread_join(th, NULL);
	EXPECT_EQ(p.got, 1000 + EAGAIN);
}
CASE(pi_lock_times_out_in_real_time)
{
	struct pi p = {.word = (uint32_t)gettid(), .timeout_ms = 60, .clock = CLOCK_REALTIME};
	pthread_t th;
	uint64_t before = now_ms();

	pthread_create(&th, NULL, locker, &p);
	pthread_join(th, NULL);
	EXPECT_EQ(p.got, 1000 + ETIMEDOUT);
	EXPECT(now_ms() - before >= 55);
	OK(futex(&p.word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	EXPECT_EQ(p.word, 0);
}
CASE(pi_lock2_times_out_in_monotonic_time)
{
	struct pi p = {.word = (uint32_t)gettid(),
		       .timeout_ms = 60,
		       .clock = CLOCK_MONOTONIC,
		       .op = FUTEX_LOCK_PI2 | 128};
	pthread_t th;
	uint64_t before = now_ms();

	pthread_create(&th, NULL, locker, &p);
	pthread_join(th, NULL);
	EXPECT_EQ(p.got, 1000 + ETIMEDOUT);
	EXPECT(now_ms() - before >= 55);
}
static void *pi_counter(void *arg)
{
	static int counter;
	uint32_t *w = arg, zero;

	for (int i = 0; i < 300; i++) {
		zero = 0;
		if (!__atomic_compare_exchange_n(w, &zero, (uint32_t)gettid(), 0, __ATOMIC_SEQ_CST,
						 __ATOMIC_SEQ_CST))
			EXPECT_EQ(futex(w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
		EXPECT_EQ(load(w) & FUTEX_TID_MASK, gettid());
		counter++;
		uint32_t own = (uint32_t)gettid();
		if (!__atomic_compare_exchange_n(w, &own, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			EXPECT_EQ(futex(w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	}
	return &counter;
}
CASE(pi_four_threads_exclude_each_other)
{
	uint32_t w = 0;
	pthread_t th[4];
	void *counter = NULL;

	for (int i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, pi_counter, &w);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], &counter);
	EXPECT_EQ(*(int *)counter, 1200);
	EXPECT_EQ(w, 0);
}
static void *lock_and_die(void *arg)
{
	struct pi *p = arg;

	p->tid = (uint32_t)gettid();
	futex(&p->word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	until_bits(&p->word, FUTEX_WAITERS);
	return NULL;
}
CASE(pi_owner_death_hands_over)
{
	struct pi p = {0};
	pthread_t th;

	pthread_create(&th, NULL, lock_and_die, &p);
	while (!load(&p.word))
		sleep_ms(2);
	OK(futex(&p.word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	EXPECT_EQ(p.word, (uint32_t)gettid() | FUTEX_OWNER_DIED | FUTEX_WAITERS);
	pthread_join(th, NULL);
	OK(futex(&p.word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
}
static uint32_t cross[2];
static int cross_result[2];
static void *cross_lock(void *arg)
{
	int n = (int)(long)arg;

	futex(&cross[n], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	while (!load(&cross[0]) || !load(&cross[1]))
		sleep_ms(1);
	cross_result[n] = futex(&cross[!n], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) ? errno : 0;
	if (!cross_result[n])
		futex(&cross[!n], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	futex(&cross[n], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}
CASE(pi_circle_of_two_is_a_deadlock)
{
	pthread_t th[2];

	for (long i = 0; i < 2; i++)
		pthread_create(&th[i], NULL, cross_lock, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(th[i], NULL);
	EXPECT(cross_result[0] == EDEADLK || cross_result[1] == EDEADLK);
	EXPECT(!cross_result[0] || !cross_result[1]);
}
CASE(pi_lock_goes_on_after_a_signal)
{
	struct pi p = {.word = (uint32_t)gettid()};
	struct sigaction sa = {.sa_handler = on_signal};
	pthread_t th;

	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&th, NULL, locker, &p);
	until_bits(&p.word, FUTEX_WAITERS);
	sleep_ms(20);
	pthread_kill(th, SIGUSR1);
	for (int i = 0; i < 1000 && !handled; i++)
		sleep_ms(2);
	EXPECT_EQ(handled, 1);
	sleep_ms(20);
	EXPECT_EQ(p.got, 0);
	OK(futex(&p.word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	pthread_join(th, NULL);
	EXPECT_EQ(p.got, 1);
}
CASE(pi_between_processes)
{
	uint32_t *w = shared_page();
	pid_t pid;

	*w = (uint32_t)gettid();
	pid = fork();
	if (!pid) {
		if (futex(w, FUTEX_LOCK_PI, 0, NULL, NULL, 0) ||
		    (load(w) & FUTEX_TID_MASK) != (uint32_t)getpid())
			_exit(1);
		_exit(futex(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) ? 2 : 0);
	}
	until_bits(w, FUTEX_WAITERS);
	OK(futex(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	expect_exit(pid, 0);
	EXPECT_EQ(*w, 0);
}
CASE(pi_killed_owner_process_hands_over)
{
	uint32_t *w = shared_page();
	pid_t pid = fork();

	if (!pid) {
		futex(w, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		for (;;)
			pause();
	}
	while (!load(w))
		sleep_ms(2);
	EXPECT_EQ(*w, pid);
	pid_t killer = fork();
	if (!killer) {
		until_bits(w, FUTEX_WAITERS);
		kill(pid, SIGKILL);
		_exit(0);
	}
	OK(futex(w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	EXPECT_EQ(*w & FUTEX_TID_MASK, gettid());
	EXPECT(*w & FUTEX_OWNER_DIED);
	expect_exit(killer, 0);
	expect_signal(pid, SIGKILL);
}
CASE(plain_wake_of_a_pi_waiter_is_einval)
{
	struct pi p = {.word = (uint32_t)gettid()};
	pthread_t th;

	pthread_create(&th, NULL, locker, &p);
	until_bits(&p.word, FUTEX_WAITERS);
	sleep_ms(50);
	EXPECT_ERRNO(futex(&p.word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
	OK(futex(&p.word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	pthread_join(th, NULL);
}
static void *plain_waiter(void *arg)
{
	struct pi *p = arg;

	p->step = 1;
	futex(&p->word, FUTEX_WAIT_PRIVATE, p->word, NULL, NULL, 0);
	return NULL;
}
CASE(pi_operations_on_plain_waiters_are_einval)
{
	struct pi p = {.word = (uint32_t)gettid()};
	pthread_t th;

	pthread_create(&th, NULL, plain_waiter, &p);
	until_value(&p.step, 1);
	sleep_ms(100);
	EXPECT_ERRNO(futex(&p.word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EINVAL);
	EXPECT_EQ(futex(&p.word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
	pthread_join(th, NULL);
}
CASE(pi_mutex_of_pthreads)
{
	pthread_mutexattr_t a;
	pthread_mutex_t *m = shared_page();

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
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
	EXPECT_EQ(pthread_mutex_lock(m), 0);
	EXPECT_EQ(pthread_mutex_unlock(m), 0);
}

/* ---- requeue_pi ---- */

struct cond {
	uint32_t cond, mutex, waiting, done;
	int err[4];
	long timeout_ms;
};
static void *cond_waiter(void *arg)
{
	struct cond *c = arg;
	struct timespec ts = in_ms(CLOCK_MONOTONIC, c->timeout_ms);
	int n = (int)__atomic_fetch_add(&c->waiting, 1, __ATOMIC_SEQ_CST);

	c->err[n] =
	    futex(&c->cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, c->timeout_ms ? &ts : NULL, &c->mutex, 0)
		? errno
		: 0;
	if (!c->err[n]) {
		if ((load(&c->mutex) & FUTEX_TID_MASK) != (uint32_t)gettid())
			c->err[n] = 9999;
		__atomic_fetch_add(&c->done, 1, __ATOMIC_SEQ_CST);
		futex(&c->mutex, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	}
	return NULL;
}
CASE(requeue_pi_free_mutex)
{
	struct cond c = {0};
	pthread_t th[3];
	long n;

	for (int i = 0; i < 3; i++)
		pthread_create(&th[i], NULL, cond_waiter, &c);
	until_value(&c.waiting, 3);
	sleep_ms(200);
	n = futex(&c.cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)10, &c.mutex, 0);
	EXPECT_EQ(n, 3);
	for (int i = 0; i < 3; i++)
		pthread_join(th[i], NULL);
	EXPECT_EQ(c.done, 3);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(c.err[i], 0);
	EXPECT_EQ(c.mutex, 0);
}
CASE(requeue_pi_taken_mutex)
{
	struct cond c = {.mutex = (uint32_t)gettid()};
	pthread_t th[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&th[i], NULL, cond_waiter, &c);
	until_value(&c.waiting, 2);
	sleep_ms(200);
	EXPECT_EQ(futex(&c.cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)10, &c.mutex, 0), 2);
	sleep_ms(30);
	EXPECT_EQ(load(&c.done), 0);
	EXPECT_EQ(c.mutex, FUTEX_WAITERS | (uint32_t)gettid());
	OK(futex(&c.mutex, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	for (int i = 0; i < 2; i++)
		pthread_join(th[i], NULL);
	EXPECT_EQ(c.done, 2);
}
CASE(requeue_pi_errors)
{
	uint32_t a = 0, b = 0;

	EXPECT_ERRNO(futex(&a, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, (void *)10, &b, 0), EINVAL);
	EXPECT_ERRNO(futex(&a, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)10, &a, 0), EINVAL);
	EXPECT_ERRNO(futex(&a, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)10, &b, 7), EAGAIN);
	EXPECT_ERRNO(futex(&a, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)-1, &b, 0), EINVAL);
	EXPECT_EQ(futex(&a, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)10, &b, 0), 0);
	EXPECT_ERRNO(futex(&a, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &a, 0), EINVAL);
	EXPECT_ERRNO(futex(&a, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 1, NULL, &b, 0), EAGAIN);
}
CASE(requeue_pi_waiter_times_out)
{
	struct cond c = {.timeout_ms = 50};

	cond_waiter(&c);
	EXPECT_EQ(c.err[0], ETIMEDOUT);
}
CASE(requeue_pi_moved_waiter_times_out)
{
	struct cond c = {.mutex = (uint32_t)gettid(), .timeout_ms = 300};
	pthread_t th;

	pthread_create(&th, NULL, cond_waiter, &c);
	until_value(&c.waiting, 1);
	sleep_ms(50);
	EXPECT_EQ(futex(&c.cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)10, &c.mutex, 0), 1);
	pthread_join(th, NULL);
	EXPECT_EQ(c.err[0], ETIMEDOUT);
	OK(futex(&c.mutex, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	EXPECT_EQ(c.mutex, 0);
}
CASE(requeue_pi_waiter_is_not_woken_plainly)
{
	struct cond c = {.timeout_ms = 500};
	uint32_t other = 0;
	pthread_t th;

	pthread_create(&th, NULL, cond_waiter, &c);
	until_value(&c.waiting, 1);
	sleep_ms(100);
	EXPECT_ERRNO(futex(&c.cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
	EXPECT_ERRNO(futex(&c.cond, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &other, 0), EINVAL);
	EXPECT_ERRNO(futex(&c.cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &other, 0), EINVAL);
	pthread_join(th, NULL);
	EXPECT_EQ(c.err[0], ETIMEDOUT);
}
