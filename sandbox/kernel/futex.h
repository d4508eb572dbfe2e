/*
 * futex.h - futex(2). All act in the current task's address space; addresses and values are the guest's.
 */
#ifndef WARREN_KERNEL_FUTEX_H
#define WARREN_KERNEL_FUTEX_H

#include "sandbox/base/types.h"

struct task;

/* Waits while *addr == expected: 0 woken, -EAGAIN, -EFAULT, -ETIMEDOUT, -ERESTARTSYS. [sleeps] */
s64 futex_wait(struct task *t, uaddr_t addr, u32 expected, u64 deadline_ns, u32 bitset,
	       bool is_private) must_check;
/* Wakes up to count waiters whose bitset intersects: how many. */
s64 futex_wake(struct task *t, uaddr_t addr, u32 count, u32 bitset, bool is_private);
/* Wakes `wake` and moves up to `move` others to another word; expected NULL: FUTEX_REQUEUE. */
s64 futex_requeue(struct task *t, uaddr_t from, uaddr_t to, u32 wake, u32 move, const u32 *expected,
		  bool is_private) must_check;
/* [sleeps] */
s64 futex_wake_op(struct task *t, uaddr_t from, uaddr_t to, u32 count, u32 count2, u32 op,
		  bool is_private) must_check;

#endif
