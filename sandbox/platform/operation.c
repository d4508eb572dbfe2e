/*
 * operation.c - what a trapped guest thread does for us without going on: a compare-and-exchange, a host
 * call, a full frame. Its pending call stays what it was.
 */
#include <errno.h>
#include <stdlib.h>

#include "sandbox/platform/platform_priv.h"

/* What a trap is, put aside while the thread carries something out in between. */
struct pending_call {
	u32 event, flags, frame, staged;
	bool regs_set, fast, unstaged;
	u64 nr, arg[6];
};

static void call_put_aside(const struct uthread *ut, struct pending_call *c)
{
	*c = (struct pending_call){.event = ut->event,
				   .flags = ut->out_flags,
				   .frame = ut->frame,
				   .staged = ut->staged,
				   .regs_set = ut->regs_set,
				   .fast = ut->fast,
				   .unstaged = ut->unstaged,
				   .nr = ut->nr};
	memcpy(c->arg, ut->arg, sizeof(c->arg));
}

static void call_take_back(struct uthread *ut, const struct pending_call *c)
{
	ut->event = c->event;
	ut->nr = c->nr;
	ut->unstaged = c->unstaged;
	memcpy(ut->arg, c->arg, sizeof(c->arg));
}

/* Lets the trapped thread do the operation in its slot and come back; the pending call stays what it was, but
 * for what was staged. */
static int operation(struct uthread *ut)
{
	struct slot *s = ut->slot;
	struct pending_call call;

	call_put_aside(ut, &call);
	ut->out_flags = OUT_OPERATION | (call.flags & (u32)OUT_STAGED);
	go_on(ut);
	if (ut->gone)
		return -EFAULT;
	call_take_back(ut, &call);
	ut->out_flags = call.flags & ~(u32)OUT_STAGED;
	ut->regs_set = call.regs_set;
	ut->frame = call.frame;
	ut->fast = call.fast;
	ut->staged = call.staged;
	s->frame = slot_address(ut->index) + call.frame;
	return 0;
}

/* Earlier changes first; and the bounce area does not survive an operation. */
static int operation_prepare(struct uthread *ut)
{
	if (ut->gone || !ut->started || aspace_settle(ut->as, NULL) || uthread_stage_flush(ut))
		return -EFAULT;
	return 0;
}

int uthread_cmpxchg32(struct uthread *ut, uaddr_t addr, u32 expected, u32 desired, u32 *prev)
{
	struct slot *s = ut->slot;

	if (addr.v > PLATFORM_USER_END - 4 || (addr.v & 3) || operation_prepare(ut))
		return -EFAULT;
	s->cx_nr = 0;
	s->cx_addr = addr.v;
	s->cx_expected = expected;
	s->cx_desired = desired;
	if (operation(ut))
		return -EFAULT;
	*prev = *(volatile u32 *)&s->cx_prev;
	return *(volatile s32 *)&s->cx_error ? -EFAULT : 0;
}

int uthread_host_call(struct uthread *ut, u32 nr, u64 first, void *out, size_t size)
{
	struct slot *s = ut->slot;

	if (size > SLOT_BOUNCE_SIZE || operation_prepare(ut))
		return -EFAULT;
	s->cx_nr = nr;
	s->cx_addr = first;
	if (operation(ut))
		return -EFAULT;
	memcpy(out, (char *)s + SLOT_BOUNCE, size);
	ut->staged = 0; /* what lay there is gone */
	return *(volatile s32 *)&s->cx_error;
}

int copy_staged_now(struct uthread *ut)
{
	struct slot *s = ut->slot;

	if (ut->gone || !ut->started || aspace_settle(ut->as, NULL))
		return -EFAULT;
	s->cx_nr = NR_COPY_STAGED;
	if (operation(ut))
		return -EFAULT;
	return *(volatile s32 *)&s->cx_error ? -EFAULT : 0;
}

/* ---- patched calls ---- */

/* The stub answers a wish for a full frame with one at once, or after a kick. A thread that goes on to answer
 * with patched calls writes into its slot itself: it is given up, and its process ends as if its host thread
 * had been killed. */
#define FORGED_MAX 16

bool uthread_fast(const struct uthread *ut)
{
	return ut->fast && !ut->gone;
}

void uthread_set_slow(struct uthread *ut, bool slow)
{
	shared_store(&ut->slot->slow, slow);
	if (slow)
		shared_store(&ut->slot->local_ok, 0);
}

int uthread_full_frame(struct uthread *ut)
{
	struct pending_call call;

	if (!ut->fast)
		return 0;
	call_put_aside(ut, &call);
	for (int i = 0; ut->fast && !ut->gone; i++) {
		if (i == FORGED_MAX)
			mark_gone(ut);
		ut->out_flags |= OUT_FULL;
		go_on(ut);
	}
	if (ut->gone)
		return -ESRCH;
	call_take_back(ut, &call);
	return 0;
}

void uthread_redo_full(struct uthread *ut, struct trap *trap)
{
	for (int i = 0; ut->fast && !ut->gone; i++) {
		if (i == FORGED_MAX)
			mark_gone(ut);
		ut->out_flags = OUT_REDO;
		go_on(ut);
	}
	describe_trap(ut, trap);
}
