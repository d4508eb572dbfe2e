/*
 * futex_exit.c - the locks of a thread that ends, or whose program execve(2) replaces: its robust list, its
 * PI futexes, and the word of CLONE_CHILD_CLEARTID.
 */
#include <errno.h>

#include "sandbox/kernel/futex_priv.h"

#define ROBUST_LIST_MAX 2048 /* ROBUST_LIST_LIMIT: a list longer than that is a circle or an attack */

static void wake_one(struct task *t, u64 addr)
{
	(void)futex_wake(t, uaddr(addr), 1, ~0U, false);
}

/* One lock of the dying thread: marks it as orphaned and wakes one who waits for it. A PI lock's waiter is
 * not woken here, it is handed the lock. */
static int robust_release(struct task *t, u64 addr, bool is_pi, bool pending)
{
	u32 value, prev, tid = (u32)pid_nr(t->pid, task_pid_ns(t));

	if ((addr & 3) || copy_in_mm(t->mm, &value, uaddr(addr), sizeof(value)))
		return -EFAULT;
	for (;;) {
		if (pending && !is_pi && !(value & FUTEX_TID_MASK)) {
			/* died between unlock and the list's update: somebody may wait */
			wake_one(t, addr);
			return 0;
		}
		if ((value & FUTEX_TID_MASK) != tid)
			return 0;
		if (uthread_cmpxchg32(t->ut, uaddr(addr), value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED,
				      &prev))
			return -EFAULT;
		if (prev == value)
			break;
		value = prev;
	}
	if (!is_pi && (value & FUTEX_WAITERS))
		wake_one(t, addr);
	return 0;
}

static void robust_list_walk(struct task *t)
{
	u64 head[3], entry, offset, pending; /* struct robust_list_head */

	if (!uthread_staged_robust(t->ut, head) &&
	    copy_in_mm(t->mm, head, uaddr(t->local.robust_list), sizeof(head)))
		return;
	entry = head[0]; /* bit 0 of a pointer says that its lock is a PI futex */
	offset = head[1];
	pending = head[2];
	for (int i = 0; i < ROBUST_LIST_MAX && (entry & ~1ULL) != t->local.robust_list; i++) {
		u64 next;
		int err = copy_in_mm(t->mm, &next, uaddr(entry & ~1ULL), sizeof(next));
		if ((entry & ~1ULL) != (pending & ~1ULL) &&
		    robust_release(t, (entry & ~1ULL) + offset, entry & 1, false))
			return;
		if (err)
			return;
		entry = next;
	}
	if (pending & ~1ULL)
		(void)robust_release(t, (pending & ~1ULL) + offset, pending & 1, true);
}

void futex_exit(struct task *t)
{
	u32 zero = 0;

	if (!t->mm || !t->ut || t->mm->dying) {
		futex_pi_owner_dies(t);
		return;
	}
	if (t->local.robust_list)
		robust_list_walk(t);
	t->local.robust_list = 0;
	futex_pi_owner_dies(t);
	/* the word of CLONE_CHILD_CLEARTID matters only if somebody else lives in this memory */
	if (t->local.clear_tid && t->mm->users > 1 &&
	    !copy_out_mm(t->mm, uaddr(t->local.clear_tid), &zero, sizeof(zero)))
		(void)futex_wake(t, uaddr(t->local.clear_tid), 1, ~0U, false);
	t->local.clear_tid = 0;
}
