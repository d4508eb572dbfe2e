/*
 * syscalls/futex.c - futex(2)'s operations.
 */
#include "sandbox/kernel/futex.h"

#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/kernel/signal.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE,
	FUTEX_WAKE_OP,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET
};
#define FUTEX_PRIVATE  128U
#define FUTEX_REALTIME 256U

/* The deadline on the monotonic clock; relative for FUTEX_WAIT. */
static int deadline_of(u64 user, bool relative, bool realtime, u64 *out)
{
	struct linux_timespec ts;
	u64 ns, now;

	*out = TIME_NEVER;
	if (!user)
		return 0;
	if (get_user(&ts, uaddr(user)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow((u64)ts.tv_sec, NSEC_PER_SEC, &ns) || ns + (u64)ts.tv_nsec < ns)
		return 0;
	ns += (u64)ts.tv_nsec;
	if (relative) {
		*out = clock_monotonic() + ns < ns ? TIME_NEVER : clock_monotonic() + ns;
	} else if (realtime) {
		now = clock_realtime();
		*out = clock_monotonic() + (ns > now ? ns - now : 0);
	} else {
		*out = ns;
	}
	return 0;
}

static s64 wait_restarted(struct task *t, struct restart_block *rb)
{
	s64 ret = futex_wait(t, rb->user[0], (u32)rb->arg[0], rb->deadline_ns, (u32)rb->arg[1], rb->arg[2]);

	return ret == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : ret;
}

static s64 do_wait(struct task *t, const u64 *a, u32 bitset, bool relative, bool realtime, bool private)
{
	u64 deadline;
	s64 ret = deadline_of(a[3], relative, realtime, &deadline);

	if (ret)
		return ret;
	ret = futex_wait(t, uaddr(a[0]), (u32)a[2], deadline, bitset, private);
	if (ret == -ERESTARTSYS && deadline != TIME_NEVER) {
		t->restart = (struct restart_block){.fn = wait_restarted,
						    .deadline_ns = deadline,
						    .user = {uaddr(a[0])},
						    .arg = {(u32)a[2], bitset, private}};
		return -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

s64 sys_futex(struct task *t, const u64 *a)
{
	u32 op = (u32)a[1] & ~(FUTEX_PRIVATE | FUTEX_REALTIME), expected = (u32)a[5];
	bool private = a[1] & FUTEX_PRIVATE, realtime = a[1] & FUTEX_REALTIME;

	if (realtime && op != FUTEX_WAIT_BITSET && op != FUTEX_WAIT)
		return -ENOSYS;
	switch (op) {
	case FUTEX_WAIT:
		return do_wait(t, a, ~0U, true, false, private);
	case FUTEX_WAIT_BITSET:
		return do_wait(t, a, (u32)a[5], false, realtime, private);
	case FUTEX_WAKE:
		return futex_wake(t, uaddr(a[0]), (u32)a[2], ~0U, private);
	case FUTEX_WAKE_BITSET:
		return futex_wake(t, uaddr(a[0]), (u32)a[2], (u32)a[5], private);
	case FUTEX_REQUEUE:
		return futex_requeue(t, uaddr(a[0]), uaddr(a[4]), (u32)a[2], (u32)a[3], NULL, private);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(t, uaddr(a[0]), uaddr(a[4]), (u32)a[2], (u32)a[3], &expected, private);
	case FUTEX_WAKE_OP:
		return futex_wake_op(t, uaddr(a[0]), uaddr(a[4]), (u32)a[2], (u32)a[3], (u32)a[5], private);
	default:
		return -ENOSYS;
	}
}
