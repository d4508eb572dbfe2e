/*
 * freeze.c - bringing all guest threads to a halt where they can be continued by other host threads.
 *
 * A frozen sandbox answers nobody (go_on() in trap.c is the gate): a thread in guest code is kicked, and
 * its trap is not answered; one that waits in a trap goes on waiting. Either way its whole state is a signal
 * frame in its slot, from which it is restarted (stub_entry.S, start_thread). The exception is a thread that
 * waits in a patched call, whose registers are still in the CPU: it gets a signal whose frame holds them, in
 * the slot like the stub's own stack, and waits in that handler for the thaw.
 *
 * Coroutines run on meanwhile and finish what they are at, until they too come to the gate or sleep for
 * something that cannot come now. At rest is the sandbox when no request to a stub is under way any more.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/platform/platform_priv.h"

#define LOOK_NS (NSEC_PER_SEC / 1000)

struct aspace *platform_next_aspace(const struct aspace *previous)
{
	struct platform *p = platform();

	struct aspace *as = window_next(p, previous ? previous->window + 1 : 0);

	while (as && (as == p->zygote || !list_empty(&as->pool_node) || !as->owner))
		as = window_next(p, as->window + 1);
	return as;
}

void *aspace_owner(const struct aspace *as)
{
	return as->owner;
}

u32 aspace_number(const struct aspace *as)
{
	return as->window;
}

/* Its registers are still in the CPU. */
static bool must_freeze(const struct uthread *ut)
{
	return ut->fast && ut->started && !ut->running && !ut->gone && ut->as->state == ASPACE_UP &&
	       shared_load(&ut->slot->frozen) != platform()->freeze_generation;
}

/* Stops what is not stopped yet; false if there was anything. */
static bool all_stand(void)
{
	struct platform *p = platform();
	struct uthread *ut, *next;
	bool stand = true;

	list_for_each_entry_safe (ut, next, &p->running, run_node) {
		uthread_interrupt(ut);
		stand = false;
	}
	for (struct aspace *as = platform_next_aspace(NULL); as; as = platform_next_aspace(as))
		list_for_each_entry (ut, &as->uthreads, as_node) {
			u32 tid = shared_load(&ut->slot->live);
			if (!must_freeze(ut))
				continue;
			if (tid > 1)
				syscall(SYS_tgkill, as->pid, tid, SIGURG);
			stand = false;
		}
	return stand;
}

static bool settle_all(void)
{
	struct aspace *as;

	for (as = platform_next_aspace(NULL); as; as = platform_next_aspace(as))
		if (as->state == ASPACE_UP && (as->deferred || !list_empty(&as->op_threads))) {
			if (aspace_flush(as) || aspace_settle(as, NULL))
				klog(LOG_WARN, "an address space does not settle");
			return false; /* the list may have changed in the sleep */
		}
	return true;
}

bool platform_at_rest(void)
{
	struct platform *p = platform();
	struct uthread *ut;

	if (!p->frozen || p->running_count || !list_empty(&p->busy) || !list_empty(&p->exits) ||
	    p->fd_lane_busy)
		return false;
	for (struct aspace *as = window_next(p, 0); as; as = window_next(p, as->window + 1)) {
		if (as->state == ASPACE_STARTING || as->state == ASPACE_DYING || as->busy ||
		    as->batch_depth || as->batch_count)
			return false;
		if (as->state == ASPACE_UP && !list_empty(&as->op_threads))
			return false;
		list_for_each_entry (ut, &as->uthreads, as_node)
			if (must_freeze(ut))
				return false;
	}
	return true;
}

int platform_freeze(u64 deadline_ns)
{
	struct platform *p = platform();

	p->frozen = true;
	if (!++p->freeze_generation)
		p->freeze_generation = 1;
	shared_store(&p->glob->freeze, p->freeze_generation);
	for (;;) {
		if (all_stand() && settle_all() && platform_at_rest())
			return 0;
		if (clock_monotonic() > deadline_ns) {
			platform_thaw();
			return -ETIMEDOUT;
		}
		if (sched_sleep(clock_monotonic() + LOOK_NS, SLEEP_UNINTERRUPTIBLE) == -ENOMEM)
			sched_yield_now();
	}
}

void platform_thaw(void)
{
	struct platform *p = platform();

	shared_store(&p->glob->freeze, 0);
	full_fence();
	syscall(SYS_futex, &p->glob->freeze, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	p->frozen = false;
	wake_up_all(&p->thaw, 0);
}

u64 platform_windows(void)
{
	return (u64)(uintptr_t)platform()->windows;
}

void platform_settle_clocks(void)
{
	for (struct aspace *as = platform_next_aspace(NULL); as; as = platform_next_aspace(as))
		account_stop(as);
}

int platform_shared_ranges(int (*fn)(void *start, u64 size, void *arg), void *arg)
{
	struct uthread *ut;
	int err = 0;

	for (struct aspace *as = platform_next_aspace(NULL); as && !err; as = platform_next_aspace(as))
		list_for_each_entry (ut, &as->uthreads, as_node) {
			err = ut->aside ? 0 : fn(ut->slot, SLOT_SIZE, arg);
			if (err)
				break;
		}
	return err;
}
