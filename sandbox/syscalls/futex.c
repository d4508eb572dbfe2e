/*
 * syscalls/futex.c - futex(2)'s operations, the calls of "futex2", and robust lists.
 */
#include "sandbox/kernel/futex.h"

#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/base/arena.h"
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
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI,
	FUTEX_WAIT_BITSET,
	FUTEX_WAKE_BITSET,
	FUTEX_WAIT_REQUEUE_PI,
	FUTEX_CMP_REQUEUE_PI,
	FUTEX_LOCK_PI2
};
#define FUTEX_PRIVATE  128U
#define FUTEX_REALTIME 256U

enum clock_kind { CLOCK_RELATIVE, CLOCK_ABSOLUTE, CLOCK_ABSOLUTE_REAL };

/* The deadline on the monotonic clock. */
static int deadline_of(u64 user, enum clock_kind kind, u64 *out)
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
	if (kind == CLOCK_RELATIVE) {
		*out = clock_monotonic() + ns < ns ? TIME_NEVER : clock_monotonic() + ns;
	} else if (kind == CLOCK_ABSOLUTE_REAL) {
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

/* A wait with a deadline goes on after a signal with what is left of it. */
static s64 do_wait(struct task *t, const u64 *a, u32 bitset, u64 deadline, bool private)
{
	s64 ret = futex_wait(t, uaddr(a[0]), (u32)a[2], deadline, bitset, private);

	if (ret == -ERESTARTSYS && deadline != TIME_NEVER) {
		t->restart = (struct restart_block){.fn = wait_restarted,
						    .deadline_ns = deadline,
						    .user = {uaddr(a[0])},
						    .arg = {(u32)a[2], bitset, private}};
		return -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

/* Of the operations that wait: their deadline, in the clock each of them means. */
static int op_deadline(u32 op, const u64 *a, bool realtime, u64 *deadline)
{
	switch (op) {
	case FUTEX_WAIT:
		return deadline_of(a[3], CLOCK_RELATIVE, deadline);
	case FUTEX_LOCK_PI:
		return deadline_of(a[3], CLOCK_ABSOLUTE_REAL, deadline);
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_LOCK_PI2:
		return deadline_of(a[3], realtime ? CLOCK_ABSOLUTE_REAL : CLOCK_ABSOLUTE, deadline);
	default:
		*deadline = TIME_NEVER;
		return 0;
	}
}

s64 sys_futex(struct task *t, const u64 *a)
{
	u32 op = (u32)a[1] & ~(FUTEX_PRIVATE | FUTEX_REALTIME), expected = (u32)a[5];
	bool private = a[1] & FUTEX_PRIVATE, realtime = a[1] & FUTEX_REALTIME;
	uaddr_t addr = uaddr(a[0]), to = uaddr(a[4]);
	s32 count = arg_int(a[2]), count2 = arg_int(a[3]);
	u64 deadline;
	int err = op_deadline(op, a, realtime, &deadline);

	if (err)
		return err;
	if (realtime && op != FUTEX_WAIT_BITSET && op != FUTEX_WAIT_REQUEUE_PI && op != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (op) {
	case FUTEX_WAIT:
		return do_wait(t, a, ~0U, deadline, private);
	case FUTEX_WAIT_BITSET:
		return do_wait(t, a, (u32)a[5], deadline, private);
	case FUTEX_WAKE:
		return futex_wake(t, addr, count, ~0U, private);
	case FUTEX_WAKE_BITSET:
		return futex_wake(t, addr, count, (u32)a[5], private);
	case FUTEX_REQUEUE:
		return futex_requeue(t, addr, private, to, private, count, count2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(t, addr, private, to, private, count, count2, &expected);
	case FUTEX_WAKE_OP:
		return futex_wake_op(t, addr, to, count, count2, (u32)a[5], private);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(t, addr, deadline, false, private);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(t, addr, TIME_NEVER, true, private);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(t, addr, private);
	case FUTEX_WAIT_REQUEUE_PI: /* the bitset is always all */
		return futex_wait_requeue_pi(t, addr, (u32)a[2], deadline, ~0U, to, private);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_requeue_pi(t, addr, to, count, count2, expected, private);
	default:
		return -ENOSYS;
	}
}

/* ---- futex2 ---- */

#define FUTEX2_SIZE_MASK 3U
#define FUTEX2_SIZE_U32  2U
#define FUTEX2_NUMA      4U
#define FUTEX2_PRIVATE   128U
#define CLOCK_MONOTONIC_ 1
#define CLOCK_REALTIME_  0

/* Only 32-bit words, as Linux. A NUMA futex has its node in the next word: there is one node here, 0. */
static int check_flags2(u64 flags)
{
	if (flags & ~(u64)(FUTEX2_SIZE_MASK | FUTEX2_NUMA | FUTEX2_PRIVATE))
		return -EINVAL;
	return (flags & FUTEX2_SIZE_MASK) == FUTEX2_SIZE_U32 ? 0 : -EINVAL;
}

static int check_node(u64 addr, u64 flags)
{
	u32 node;

	if (!(flags & FUTEX2_NUMA))
		return 0;
	if (addr & 7)
		return -EINVAL;
	if (get_user(&node, uaddr(addr + 4)))
		return -EFAULT;
	if (node == ~0U) {
		node = 0;
		return put_user(&node, uaddr(addr + 4));
	}
	return node ? -EINVAL : 0;
}

static int deadline2_of(u64 user, int clock, u64 *out)
{
	*out = TIME_NEVER;
	if (!user)
		return 0;
	if (clock != CLOCK_MONOTONIC_ && clock != CLOCK_REALTIME_)
		return -EINVAL;
	return deadline_of(user, clock == CLOCK_REALTIME_ ? CLOCK_ABSOLUTE_REAL : CLOCK_ABSOLUTE, out);
}

s64 sys_futex_wake(struct task *t, const u64 *a)
{
	u64 flags = (u32)a[3];
	int err = check_flags2(flags);

	if (!err && a[1] >> 32)
		err = -EINVAL;
	if (!err)
		err = check_node(a[0], flags);
	if (err)
		return err;
	if (!arg_int(a[2]))
		return a[0] & 3 ? -EINVAL : 0; /* unlike futex(2), none means none */
	return futex_wake(t, uaddr(a[0]), arg_int(a[2]), (u32)a[1], flags & FUTEX2_PRIVATE);
}

s64 sys_futex_wait(struct task *t, const u64 *a)
{
	u64 deadline, flags = (u32)a[3];
	int err = check_flags2(flags);

	if (!err && (a[1] >> 32 || a[2] >> 32))
		err = -EINVAL;
	if (!err)
		err = deadline2_of(a[4], arg_int(a[5]), &deadline);
	if (!err)
		err = check_node(a[0], flags);
	if (err)
		return err;
	return futex_wait(t, uaddr(a[0]), (u32)a[1], deadline, (u32)a[2], flags & FUTEX2_PRIVATE);
}

struct waitv { /* struct futex_waitv */
	u64 val, uaddr;
	u32 flags, reserved;
};

static int read_waitv(u64 user, u32 count, struct waitv *v)
{
	if (copy_in(v, uaddr(user), count * sizeof(*v)))
		return -EFAULT;
	for (u32 i = 0; i < count; i++)
		if (v[i].reserved || check_flags2(v[i].flags) || v[i].val >> 32)
			return -EINVAL;
	return 0;
}

s64 sys_futex_requeue(struct task *t, const u64 *a)
{
	struct waitv v[2];
	u32 expected;
	int err;

	if ((u32)a[1])
		return -EINVAL;
	if (!a[0])
		return -EINVAL;
	err = read_waitv(a[0], 2, v);
	if (!err)
		err = check_node(v[0].uaddr, v[0].flags);
	if (!err)
		err = check_node(v[1].uaddr, v[1].flags);
	if (err)
		return err;
	expected = (u32)v[0].val;
	return futex_requeue(t, uaddr(v[0].uaddr), v[0].flags & FUTEX2_PRIVATE, uaddr(v[1].uaddr),
			     v[1].flags & FUTEX2_PRIVATE, arg_int(a[2]), arg_int(a[3]), &expected);
}

s64 sys_futex_waitv(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) struct waitv *v = NULL;
	auto_cleanup(kfreep) struct futex_wait_one *w = NULL;
	u32 count = (u32)a[1];
	u64 deadline;
	int err;

	if ((u32)a[2] || !count || count > FUTEX_WAITV_MAX || !a[0])
		return -EINVAL;
	err = deadline2_of(a[3], arg_int(a[4]), &deadline);
	if (err)
		return err;
	v = knew_array(struct waitv, count);
	w = knew_array(struct futex_wait_one, count);
	if (!v || !w)
		return -ENOMEM;
	err = read_waitv(a[0], count, v);
	for (u32 i = 0; !err && i < count; i++) {
		err = check_node(v[i].uaddr, v[i].flags);
		w[i] = (struct futex_wait_one){uaddr(v[i].uaddr), (u32)v[i].val, v[i].flags & FUTEX2_PRIVATE};
	}
	return err ? err : futex_wait_any(t, w, count, deadline);
}

/* ---- robust lists ---- */

s64 sys_set_robust_list(struct task *t, const u64 *a)
{
	if (a[1] != 24)
		return -EINVAL;
	t->local.robust_list = a[0];
	return 0;
}

s64 sys_get_robust_list(struct task *t, const u64 *a)
{
	struct task *other = arg_int(a[0]) ? task_find(arg_int(a[0])) : t;
	u64 size = 24, head;

	if (!other)
		return -ESRCH;
	if (ptrace_may_access(other, false))
		return -EPERM;
	if (put_user(&size, uaddr(a[2])))
		return -EFAULT;
	head = other->ut && uthread_running(other->ut) ? uthread_robust_list(other->ut)
						       : other->local.robust_list;
	return put_user(&head, uaddr(a[1]));
}
