/*
 * cycles.h - the CPU's time-stamp counter, for durations in the hand-over between guests and the kernel,
 * where even a vDSO call counts. Not for time that anybody sees as such: convert with cycles_to_ns()
 * (kernel/timer.c).
 */
#ifndef WARREN_BASE_CYCLES_H
#define WARREN_BASE_CYCLES_H

#include "sandbox/base/types.h"

static inline u64 cycles(void)
{
	return __builtin_ia32_rdtsc();
}

/* Cycles since `then`; 0 if another CPU's counter lags behind. */
static inline u64 cycles_since(u64 then)
{
	u64 now = cycles();

	return now > then ? now - then : 0;
}

#endif
