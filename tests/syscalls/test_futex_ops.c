/* test_futex_ops.c - futex(2) without PI: FUTEX_WAKE_OP, keys, futex2, robust lists. */
#include "futex.h"

#include <sched.h>

/* ---- FUTEX_WAKE_OP, counts ---- */

CASE(wake_op_every_operation)
{
	uint32_t a = 0, b = 12;

	OK(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(b, 5);
	OK(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_ADD, 7, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(b, 12);
	OK(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_OR, 3, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(b, 15);
	OK(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_ANDN, 6, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(b, 9);
	OK(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_XOR, 1, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(b, 8);
	OK(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b,
		 FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 31, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(b, 0x80000008);
	OK(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(b, 0x80000007);
}
CASE(wake_op_unknown)
{
	uint32_t a = 0, b = 1;

	EXPECT_ERRNO(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(5, 5, FUTEX_OP_CMP_EQ, 0)), ENOSYS);
	EXPECT_EQ(b, 1);
	EXPECT_ERRNO(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, &b, FUTEX_OP(FUTEX_OP_SET, 5, 9, 0)), ENOSYS);
	EXPECT_EQ(b, 5);
	EXPECT_ERRNO(futex(&a, FUTEX_WAKE_OP, 1, (void *)1, (void *)16, FUTEX_OP(FUTEX_OP_SET, 5, 0, 0)),
		     EFAULT);
}
struct wop {
	uint32_t *word;
	uint32_t *started;
	long ret;
};
static void *wop_waiter(void *arg)
{
	struct wop *w = arg;

	__atomic_fetch_add(w->started, 1, __ATOMIC_SEQ_CST);
	w->ret = futex(w->word, FUTEX_WAIT_PRIVATE, *w->word, NULL, NULL, 0);
	return NULL;
}
CASE(wake_op_compares)
{
	static const struct {
		int cmp, arg;
		bool hit;
	} t[] = {{FUTEX_OP_CMP_EQ, 3, true},  {FUTEX_OP_CMP_NE, 3, false}, {FUTEX_OP_CMP_LT, 4, true},
		 {FUTEX_OP_CMP_LE, 2, false}, {FUTEX_OP_CMP_GT, 2, true},  {FUTEX_OP_CMP_GE, 4, false}};

	for (unsigned i = 0; i < 6; i++) {
		uint32_t a = 0, b = 3, started = 0;
		struct wop w = {&b, &started, -1};
		pthread_t th;
		long n;
		pthread_create(&th, NULL, wop_waiter, &w);
		until_value(&started, 1);
		sleep_ms(60);
		n = futex(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b,
			  FUTEX_OP(FUTEX_OP_ADD, 0, t[i].cmp, t[i].arg));
		EXPECT_EQ(n, t[i].hit);
		if (!t[i].hit)
			EXPECT_EQ(futex(&b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
		pthread_join(th, NULL);
	}
}
static uint32_t start_waiters(uint32_t *word, pthread_t *th, struct wop *w, unsigned n)
{
	static uint32_t started;

	started = 0;
	for (unsigned i = 0; i < n; i++) {
		w[i] = (struct wop){word, &started, -1};
		pthread_create(&th[i], NULL, wop_waiter, &w[i]);
	}
	until_value(&started, n);
	/* requeueing onto the same word counts who waits */
	for (int i = 0; i < 2000 && futex(word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)100, word, 0) != n; i++)
		sleep_ms(3);
	return n;
}
CASE(wake_count_zero_and_negative_wake_one)
{
	uint32_t word = 0;
	pthread_t th[3];
	struct wop w[3];

	start_waiters(&word, th, w, 3);
	EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0), 1);
	EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, -1, NULL, NULL, 0), 1);
	EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0), 1);
	for (int i = 0; i < 3; i++)
		pthread_join(th[i], NULL);
}
CASE(requeue_counts)
{
	uint32_t a = 0, b = 0;
	pthread_t th[4];
	struct wop w[4];

	EXPECT_ERRNO(futex(&a, FUTEX_REQUEUE_PRIVATE, -1, (void *)1, &b, 0), EINVAL);
	EXPECT_ERRNO(futex(&a, FUTEX_REQUEUE_PRIVATE, 1, (void *)-1, &b, 0), EINVAL);
	start_waiters(&a, th, w, 4);
	EXPECT_EQ(futex(&a, FUTEX_REQUEUE_PRIVATE, 1, (void *)2, &b, 0), 3);
	EXPECT_EQ(futex(&b, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2);
	EXPECT_EQ(futex(&a, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
}

/* ---- keys ---- */

CASE(shared_by_file_and_offset)
{
	int fd = make_file("f", "");
	uint32_t *a, *b;
	pid_t pid;

	OK(ftruncate(fd, 8192));
	a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(a != MAP_FAILED);
	pid = fork();
	if (!pid) {
		b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
		_exit(b == MAP_FAILED || futex(b + 1, FUTEX_WAIT, 0, NULL, NULL, 0));
	}
	for (int i = 0; i < 2000; i++) {
		if (futex(a + 1025, FUTEX_WAKE, 1, NULL, NULL, 0) == 1)
			break;
		EXPECT_EQ(futex(a + 1, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
		sleep_ms(2);
	}
	expect_exit(pid, 0);
}
CASE(shared_by_memfd)
{
	int fd = (int)syscall(SYS_memfd_create, "m", 0);
	uint32_t *a;
	pid_t pid;

	OK(fd);
	OK(ftruncate(fd, 4096));
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(a != MAP_FAILED);
	pid = fork();
	if (!pid) {
		uint32_t *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		_exit(futex(b, FUTEX_WAIT, 0, NULL, NULL, 0) != 0);
	}
	for (int i = 0; i < 2000 && futex(a, FUTEX_WAKE, 1, NULL, NULL, 0) != 1; i++)
		sleep_ms(2);
	expect_exit(pid, 0);
}
CASE(private_operations_do_not_cross_processes)
{
	uint32_t *a = shared_page();
	struct timespec ts = {0, 300000000};
	pid_t pid = fork();

	if (!pid)
		_exit(futex(a, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0) == -1 && errno == ETIMEDOUT ? 0 : 1);
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(futex(a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
		EXPECT_EQ(futex(a, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
		sleep_ms(5);
	}
	expect_exit(pid, 0);
}
CASE(fork_separates_private_memory)
{
	static uint32_t word;
	struct timespec ts = {0, 200000000};
	pid_t pid = fork();

	if (!pid)
		_exit(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0) == -1 && errno == ETIMEDOUT ? 0 : 1);
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
		sleep_ms(5);
	}
	expect_exit(pid, 0);
}
CASE(wait_on_unreadable_memory)
{
	void *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_ERRNO(futex(p, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	EXPECT_ERRNO(futex(p, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
}
static void alarm_in(long ms)
{
	timer_t id;
	struct itimerspec it = {.it_value = {ms / 1000, ms % 1000 * 1000000}};

	timer_create(CLOCK_MONOTONIC, NULL, &id);
	timer_settime(id, 0, &it, NULL);
}
CASE(wait_interrupted_without_restart)
{
	struct sigaction sa = {.sa_handler = on_signal};
	uint32_t w = 0;

	sigaction(SIGALRM, &sa, NULL);
	alarm_in(50);
	EXPECT_ERRNO(futex(&w, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
	alarm_in(50);
	struct timespec ts = {5, 0};
	EXPECT_ERRNO(futex(&w, FUTEX_WAIT, 0, &ts, NULL, 0), EINTR);
}
CASE(wait_restarts_if_the_handler_says_so)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct timespec ts = {0, 300000000};
	uint32_t w = 0;
	uint64_t before = now_ms();

	sigaction(SIGALRM, &sa, NULL);
	alarm_in(50);
	/* a wait with a timeout is not restarted by SA_RESTART (restart block) */
	EXPECT_ERRNO(futex(&w, FUTEX_WAIT, 0, &ts, NULL, 0), EINTR);
	EXPECT(now_ms() - before < 290);
}

/* ---- futex2 ---- */

static long wake2(void *p, unsigned long mask, int nr, unsigned flags)
{
	return syscall(SYS_futex_wake_, p, mask, nr, flags);
}
static long wait2(void *p, unsigned long val, unsigned long mask, unsigned flags, const void *ts, int clock)
{
	return syscall(SYS_futex_wait_, p, val, mask, flags, ts, clock);
}
static bool has_futex2(void)
{
	uint32_t w = 0;

	return !(wake2(&w, 1, 1, F2_U32) == -1 && errno == ENOSYS);
}
#define NEED_FUTEX2()                                                                                        \
	do {                                                                                                 \
		if (!has_futex2())                                                                           \
			case_skip("no futex2");                                                              \
	} while (0)

CASE(futex2_wait_value_differs)
{
	uint32_t w = 1;

	NEED_FUTEX2();
	EXPECT_ERRNO(wait2(&w, 0, ~0U, F2_U32, NULL, 0), EAGAIN);
	EXPECT_EQ(wake2(&w, ~0U, 1, F2_U32), 0);
}
CASE(futex2_bad_arguments)
{
	uint32_t w[2] = {0};
	struct timespec ts = {0, 0};

	NEED_FUTEX2();
	EXPECT_ERRNO(wait2(w, 0, ~0U, 0, NULL, 0), EINVAL);
	EXPECT_ERRNO(wait2(w, 0, ~0U, 3, NULL, 0), EINVAL);
	EXPECT_ERRNO(wait2(w, 0, ~0U, F2_U32 | 0x100, NULL, 0), EINVAL);
	EXPECT_ERRNO(wait2(w, 0, 0, F2_U32, NULL, 0), EINVAL);
	EXPECT_ERRNO(wait2(w, 1UL << 32, ~0U, F2_U32, NULL, 0), EINVAL);
	EXPECT_ERRNO(wait2(w, 0, 1UL << 32, F2_U32, NULL, 0), EINVAL);
	EXPECT_ERRNO(wait2(w, 0, ~0U, F2_U32, &ts, CLOCK_PROCESS_CPUTIME_ID), EINVAL);
	EXPECT_ERRNO(wait2((char *)w + 2, 0, ~0U, F2_U32, NULL, 0), EINVAL);
	EXPECT_ERRNO(wait2((void *)16, 0, ~0U, F2_U32, NULL, 0), EFAULT);
	EXPECT_ERRNO(wake2(w, 0, 1, F2_U32), EINVAL);
	EXPECT_ERRNO(wake2(w, ~0U, 1, 1), EINVAL);
}
CASE(futex2_wait_absolute_timeouts)
{
	struct timespec ts = in_ms(CLOCK_MONOTONIC, 50);
	uint64_t before = now_ms();
	uint32_t w = 0;

	NEED_FUTEX2();
	EXPECT_ERRNO(wait2(&w, 0, ~0U, F2_U32 | F2_PRIVATE, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	EXPECT(now_ms() - before >= 45);
	ts = in_ms(CLOCK_REALTIME, 50);
	before = now_ms();
	EXPECT_ERRNO(wait2(&w, 0, ~0U, F2_U32 | F2_PRIVATE, &ts, CLOCK_REALTIME), ETIMEDOUT);
	EXPECT(now_ms() - before >= 45);
}
static uint32_t wait2_word;
static _Atomic int wait2_started;

static void *wait2_once(void *arg)
{
	wait2_started++;
	return (void *)wait2(&wait2_word, 0, ~0U, F2_U32 | F2_PRIVATE, NULL, 0);
}
CASE(futex2_wait_is_woken)
{
	pthread_t th;
	void *result;

	NEED_FUTEX2();
	EXPECT_EQ(pthread_create(&th, NULL, wait2_once, NULL), 0);
	while (!wait2_started)
		sched_yield();
	for (long woken = 0; !woken;) { /* it may not wait yet */
		woken = wake2(&wait2_word, ~0U, 1, F2_U32 | F2_PRIVATE);
		OK(woken);
		if (!woken)
			sleep_ms(2);
	}
	pthread_join(th, &result);
	EXPECT_EQ((long)result, 0);
}
CASE(futex2_wakes_waiters_of_futex)
{
	uint32_t word = 0;
	pthread_t th[2];
	struct wop w[2];

	NEED_FUTEX2();
	start_waiters(&word, th, w, 2);
	EXPECT_EQ(wake2(&word, ~0U, 0, F2_U32 | F2_PRIVATE), 0);
	EXPECT_EQ(wake2(&word, ~0U, 5, F2_U32 | F2_PRIVATE), 2);
	for (int i = 0; i < 2; i++)
		pthread_join(th[i], NULL);
}
struct v2 {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};
CASE(futex2_requeue)
{
	uint32_t a = 0, b = 0;
	struct v2 v[2] = {{0, (uintptr_t)&a, F2_U32 | F2_PRIVATE, 0},
			  {0, (uintptr_t)&b, F2_U32 | F2_PRIVATE, 0}};
	pthread_t th[3];
	struct wop w[3];

	NEED_FUTEX2();
	EXPECT_ERRNO(syscall(SYS_futex_requeue_, v, 1, 1, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futex_requeue_, NULL, 0, 1, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futex_requeue_, (void *)16, 0, 1, 1), EFAULT);
	v[0].val = 5;
	EXPECT_ERRNO(syscall(SYS_futex_requeue_, v, 0, 1, 1), EAGAIN);
	v[0].val = 0;
	start_waiters(&a, th, w, 3);
	EXPECT_EQ(syscall(SYS_futex_requeue_, v, 0, 1, 5), 3);
	EXPECT_EQ(wake2(&b, ~0U, 5, F2_U32 | F2_PRIVATE), 2);
	for (int i = 0; i < 3; i++)
		pthread_join(th[i], NULL);
}
struct vw {
	struct v2 v[3];
	uint32_t word[3], started;
	long ret;
};
static void *waitv_thread(void *arg)
{
	struct vw *w = arg;

	w->started = 1;
	w->ret = syscall(SYS_futex_waitv, w->v, 3, 0, NULL, 0);
	return NULL;
}
CASE(waitv_returns_the_index)
{
	struct vw w = {.ret = -1};
	pthread_t th;

	for (int i = 0; i < 3; i++)
		w.v[i] = (struct v2){0, (uintptr_t)&w.word[i], F2_U32 | F2_PRIVATE, 0};
	pthread_create(&th, NULL, waitv_thread, &w);
	until_value(&w.started, 1);
	sleep_ms(100);
	EXPECT_EQ(futex(&w.word[2], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
	pthread_join(th, NULL);
	EXPECT_EQ(w.ret, 2);
	EXPECT_EQ(futex(&w.word[0], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
}
CASE(waitv_errors)
{
	uint32_t w[2] = {0};
	struct v2 v[2] = {{0, (uintptr_t)&w[0], F2_U32, 0}, {0, (uintptr_t)&w[1], F2_U32, 0}};
	struct timespec ts = in_ms(CLOCK_MONOTONIC, 40);

	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 0, 0, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 129, 0, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 2, 1, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futex_waitv, NULL, 2, 0, NULL, 0), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futex_waitv, (void *)16, 2, 0, NULL, 0), EFAULT);
	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 2, 0, &ts, 5), EINVAL);
	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 2, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	v[1].val = 1;
	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 2, 0, NULL, 0), EAGAIN);
	v[1].reserved = 1;
	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 2, 0, NULL, 0), EINVAL);
	v[1].reserved = 0;
	v[1].flags = 1;
	EXPECT_ERRNO(syscall(SYS_futex_waitv, v, 2, 0, NULL, 0), EINVAL);
}
CASE(waitv_interrupted)
{
	struct sigaction sa = {.sa_handler = on_signal};
	uint32_t w = 0;
	struct v2 v = {0, (uintptr_t)&w, F2_U32, 0};

	sigaction(SIGALRM, &sa, NULL);
	alarm_in(50);
	EXPECT_ERRNO(syscall(SYS_futex_waitv, &v, 1, 0, NULL, 0), EINTR);
}

/* ---- robust lists ---- */

struct robust_head {
	void *next;
	long offset;
	void *pending;
};
struct robust_lock {
	void *next;
	uint32_t word;
};
CASE(robust_list_can_be_read_back)
{
	struct robust_head *h = NULL, mine = {&mine, 8, NULL};
	size_t size = 0;

	OK(syscall(SYS_set_robust_list, &mine, sizeof(mine)));
	OK(syscall(SYS_get_robust_list, 0, &h, &size));
	EXPECT(h == &mine);
	EXPECT_EQ(size, sizeof(mine));
	EXPECT_ERRNO(syscall(SYS_set_robust_list, &mine, 23), EINVAL);
	EXPECT_ERRNO(syscall(SYS_get_robust_list, 0x3ffffff0, &h, &size), ESRCH);
	EXPECT_ERRNO(syscall(SYS_get_robust_list, 0, (void *)16, &size), EFAULT);
	OK(syscall(SYS_set_robust_list, NULL, sizeof(mine)));
}
CASE(robust_list_of_another_user)
{
	struct robust_head *h;
	size_t size;
	pid_t pid;

	if (getuid())
		case_skip("needs root");
	pid = fork();
	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(1);
		_exit(syscall(SYS_get_robust_list, getppid(), &h, &size) == -1 && errno == EPERM ? 0 : 2);
	}
	expect_exit(pid, 0);
}
static pid_t die_with_lock(struct robust_lock *l, bool pi, bool pending, bool by_exec)
{
	pid_t pid = fork();

	if (!pid) {
		static struct robust_head h;
		h = (struct robust_head){&h, 8, NULL};
		l->word = (uint32_t)getpid() | FUTEX_WAITERS;
		l->next = &h;
		if (pending)
			h.pending = (char *)l + pi;
		else
			h.next = (char *)l + pi;
		syscall(SYS_set_robust_list, &h, sizeof(h));
		if (by_exec) {
			close(1);
			execl("/proc/self/exe", "x", "--list", NULL);
			_exit(1);
		}
		_exit(0);
	}
	return pid;
}
CASE(robust_death_marks_the_word)
{
	struct robust_lock *l = shared_page();

	expect_exit(die_with_lock(l, false, false, false), 0);
	EXPECT_EQ(l->word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
}
CASE(robust_death_pending_operation)
{
	struct robust_lock *l = shared_page();

	expect_exit(die_with_lock(l, false, true, false), 0);
	EXPECT_EQ(l->word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
}
CASE(robust_death_of_a_pi_lock)
{
	struct robust_lock *l = shared_page();

	expect_exit(die_with_lock(l, true, false, false), 0);
	EXPECT_EQ(l->word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
}
CASE(robust_list_is_served_by_exec)
{
	struct robust_lock *l = shared_page();
	int status;
	pid_t pid = die_with_lock(l, false, false, true);

	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(l->word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
}
CASE(robust_lock_of_another_is_left_alone)
{
	struct robust_lock *l = shared_page();
	pid_t pid = fork();

	if (!pid) {
		static struct robust_head h;
		h = (struct robust_head){l, 8, NULL};
		l->word = 1;
		l->next = &h;
		syscall(SYS_set_robust_list, &h, sizeof(h));
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(l->word, 1);
}
CASE(robust_circle_does_not_hang)
{
	struct robust_lock *l = shared_page();
	pid_t pid = fork();

	if (!pid) {
		static struct robust_head h;
		h = (struct robust_head){l, 8, NULL};
		l->next = l;
		syscall(SYS_set_robust_list, &h, sizeof(h));
		_exit(0);
	}
	expect_exit(pid, 0);
}
