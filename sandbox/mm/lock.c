/*
 * lock.c - who may change an address space: one call at a time, as Linux's mmap_lock.
 *
 * A change sleeps between the choice of a place and the entry in the tree (it waits for changes that other
 * threads still carry out, for the memory thread, or for a gofer). Another thread must not choose the same
 * place or merge what was split meanwhile. Readers of the tree do not sleep and take no lock.
 */
#include "sandbox/kernel/sched.h"
#include "sandbox/kernel/wait.h"
#include "sandbox/mm/mm_priv.h"

static void wait_for_turn(struct mm *mm)
{
	struct waiter w;

	waiter_init(&w);
	w.exclusive = true; /* an unlock wakes one */
	wait_queue_add(&mm->lock_waiters, &w);
	while (mm->lock_owner)
		if (sched_sleep(TIME_NEVER, SLEEP_UNINTERRUPTIBLE))
			continue; /* a spurious end; the owner says */
	wait_queue_remove(&w);
}

struct mm *mm_lock(struct mm *mm)
{
	struct coro *me = coro_current();

	if (mm->lock_owner && mm->lock_owner != me)
		wait_for_turn(mm);
	mm->lock_owner = me;
	mm->lock_depth++;
	return mm;
}

void mm_unlock(struct mm **mm)
{
	if (--(*mm)->lock_depth)
		return;
	(*mm)->lock_owner = NULL;
	wake_up(&(*mm)->lock_waiters, 0);
}
