/*
 * futex.h - futex(2) and futex_waitv(2). All act in the current task's address space; addresses and values
 * are the guest's.
 */
#ifndef WARREN_KERNEL_FUTEX_H
#define WARREN_KERNEL_FUTEX_H

#include "sandbox/base/types.h"

struct task;

/* Waits while *addr == expected: 0 woken, -EAGAIN, -EFAULT, -ETIMEDOUT, -ERESTARTSYS. [sleeps] */
s64 futex_wait(struct task *t, uaddr_t addr, u32 expected, u64 deadline_ns, u32 bitset,
	       bool is_private) must_check;

/* Waits for any of several words: the index of the one that was woken. [sleeps] */
#define FUTEX_WAITV_MAX 128U
struct futex_wait_one {
	uaddr_t addr;
	u32 expected;
	bool is_private;
};
s64 futex_wait_any(struct task *t, const struct futex_wait_one *v, u32 count, u64 deadline_ns) must_check;

/* Wakes waiters whose bitset intersects, at least one and at most count: how many. -EINVAL: a PI waiter. */
s64 futex_wake(struct task *t, uaddr_t addr, s32 count, u32 bitset, bool is_private);
/* Wakes `wake` and moves up to `move` others to another word; expected NULL: FUTEX_REQUEUE. */
s64 futex_requeue(struct task *t, uaddr_t from, bool from_private, uaddr_t to, bool to_private, s32 wake,
		  s32 move, const u32 *expected) must_check;
/* [sleeps] */
s64 futex_wake_op(struct task *t, uaddr_t from, uaddr_t to, s32 count, s32 count2, u32 op,
		  bool is_private) must_check;

/* PI futexes. [sleep] */
s64 futex_lock_pi(struct task *t, uaddr_t addr, u64 deadline_ns, bool try_only, bool is_private) must_check;
s64 futex_unlock_pi(struct task *t, uaddr_t addr, bool is_private) must_check;
s64 futex_wait_requeue_pi(struct task *t, uaddr_t addr, u32 expected, u64 deadline_ns, u32 bitset, uaddr_t to,
			  bool is_private) must_check;
s64 futex_requeue_pi(struct task *t, uaddr_t from, uaddr_t to, s32 wake, s32 move, u32 expected,
		     bool is_private) must_check;

#endif
