/* futex.h - what the tests of futexes share. */
#ifndef WARREN_TESTS_FUTEX_H
#define WARREN_TESTS_FUTEX_H
#include "case.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define SYS_futex_wake_    454
#define SYS_futex_wait_    455
#define SYS_futex_requeue_ 456
#define F2_U32             2U
#define F2_PRIVATE         128U
#define F2_NUMA            4U
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static inline long futex(void *addr, int op, long val, const void *ts, void *addr2, int val3)
{
	return syscall(SYS_futex, addr, op, val, ts, addr2, val3);
}

static inline struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += ms % 1000 * 1000000;
	ts.tv_sec += ms / 1000 + ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static inline void *shared_page(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

static uint32_t load(void *p)
{
	return __atomic_load_n((uint32_t *)p, __ATOMIC_SEQ_CST);
}

/* Waits until the word has these bits. */
static inline void until_bits(void *p, uint32_t bits)
{
	for (int i = 0; i < 2000 && (load(p) & bits) != bits; i++)
		sleep_ms(2);
	EXPECT((load(p) & bits) == bits);
}

static inline void until_value(void *p, uint32_t value)
{
	for (int i = 0; i < 2000 && load(p) != value; i++)
		sleep_ms(2);
	EXPECT_EQ(load(p), value);
}

static __attribute__((unused)) volatile sig_atomic_t handled;
static inline void on_signal(int sig)
{
	handled++;
}

#endif
