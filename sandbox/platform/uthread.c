/*
 * uthread.c - guest threads: birth, whose slot and host thread they have, end. trap.c has what happens
 * between.
 *
 * A uthread is either *running* (its slot is the stub's) or *trapped* (the slot is ours until uthread_run
 * answers). Its host thread may not exist yet: the slot then already holds a frame, and whoever starts the
 * host thread, it begins by waiting for the answer. That one rule serves clone, fork, pooled stubs and
 * restore.
 */
#include <errno.h>
#include <stdlib.h>

#include "sandbox/platform/platform_priv.h"

/* A host thread that shall end; told at the next turn of the loop, so that a process which dies as a whole is
 * not told thread by thread. */
struct slot_exit {
	struct list_head node;
	struct aspace *as;
	u32 window, index;
};

/* ---- identity ---- */

void put_ids(struct uthread *ut)
{
	shared_store(&ut->slot->pid, ut->ids[0]);
	shared_store(&ut->slot->tid, ut->ids[1]);
}

void uthread_set_ids(struct uthread *ut, u32 pid, u32 tid)
{
	ut->ids[0] = pid;
	ut->ids[1] = tid;
	put_ids(ut);
}

/* Binds ut to a slot of as: the parked one if there is one (its host thread already waits). */
static int uthread_bind(struct uthread *ut, struct aspace *as)
{
	ut->as = as;
	if (as->parked) {
		as->parked = false;
		as->slot_used[0] |= 1;
		ut->index = 0;
		ut->started = true;
		ut->beside = as->parked_beside;
		ut->nearness = ut->beside ? PLACE_FIRST : 0;
	} else {
		int err = slot_take(as, &ut->index);
		if (err)
			return err;
		ut->started = false;
		ut->beside = 0;
	}
	ut->slot = slot_at(as, ut->index);
	if (!ut->started) {
		memset(ut->slot, 0, sizeof(*ut->slot));
		ut->slot->live = 1;
		shared_store(&ut->slot->state, SLOT_TRAP);
	}
	put_ids(ut);
	list_add_tail(&ut->as_node, &as->uthreads);
	return 0;
}

static int uthread_alloc(struct aspace *as, struct uthread **out)
{
	struct uthread *ut = knew(struct uthread);
	int err;

	if (!ut)
		return -ENOMEM;
	list_init(&ut->as_node);
	list_init(&ut->run_node);
	list_init(&ut->serving_node);
	list_init(&ut->op_node);
	err = uthread_bind(ut, as);
	if (err) {
		kfree(ut);
		return err;
	}
	*out = ut;
	return 0;
}

int uthread_new(struct aspace *as, const struct uregs *regs, struct uthread **out)
{
	int err = uthread_alloc(as, out);

	if (!err)
		frame_make(*out, regs);
	return err;
}

int uthread_clone(struct uthread *from, struct aspace *as, struct uthread **out)
{
	struct uthread *ut;
	int err = uthread_alloc(as, &ut);

	if (err)
		return err;
	frame_copy(from, ut);
	ut->event = from->event;
	ut->nr = from->nr;
	if (!ut->started && as == from->as && !from->spawning) {
		ut->spawner = from; /* the cheapest way to start it: with the parent's own answer */
		from->spawning = ut;
	}
	*out = ut;
	return 0;
}

static void queue_exit(struct aspace *as, u32 index)
{
	struct slot_exit *e = knew(struct slot_exit);

	if (!e)
		return; /* the host thread stays parked until its process ends; its slot stays taken */
	e->as = as;
	e->window = as->window;
	e->index = index;
	list_add_tail(&e->node, &platform()->exits);
}

void uthread_send_exits(struct platform *p)
{
	struct slot_exit *e, *next;

	list_for_each_entry_safe (e, next, &p->exits, node) {
		if (window_owner(p, e->window) == e->as && e->as->state == ASPACE_UP) {
			struct slot *s = slot_at(e->as, e->index);
			s->op_count = 0;
			s->out_flags = OUT_EXIT;
			shared_store(&s->state, SLOT_REPLY);
			full_fence();
			shared_wake(&s->state);
			slot_drop(e->as, e->index);
		}
		list_del_init(&e->node);
		kfree(e);
	}
}

static void uthread_unbind(struct uthread *ut)
{
	struct aspace *as = ut->as;

	account_thread_leaves(ut);
	if (ut->spawner)
		ut->spawner->spawning = NULL;
	if (ut->spawning)
		ut->spawning->spawner = NULL;
	ut->spawner = ut->spawning = NULL;
	list_del_init(&ut->as_node);
	list_del_init(&ut->op_node);
	list_del_init(&ut->serving_node);
	leave_running(ut);
	if (lend_end(ut))
		return;
	if (ut->started && !ut->gone && as->state == ASPACE_UP) {
		queue_exit(as, ut->index);
	} else {
		if (!ut->started)
			ut->slot->live = 0;
		slot_drop(as, ut->index);
	}
}

void uthread_destroy(struct uthread *ut)
{
	if (ut->running && !ut->gone)
		panic("a guest thread is destroyed while it runs");
	uthread_unbind(ut);
	kfree(ut);
}

static bool may_park(const struct uthread *ut, u64 max_rss)
{
	const struct aspace *as = ut->as;

	return !platform()->frozen && !ut->lender && !ut->borrower && as->state == ASPACE_UP &&
	       !as->slot_high && ut->started && !ut->gone && !ut->running && !ut->fast &&
	       ut->event == EVENT_SYSCALL && ut->op_state == OPS_NONE && !ut->spawner && !ut->spawning &&
	       !as->flushing && !as->batch_depth && !as->busy && as->used_known &&
	       as->used.maxrss_kb <= max_rss;
}

bool uthread_park(struct uthread *ut, u64 max_rss)
{
	struct aspace *as = ut->as;
	struct slot *s = ut->slot;

	if (!may_park(ut, max_rss))
		return false;
	account_thread_leaves(ut);
	aspace_forget_deferred(as);
	list_del_init(&ut->as_node);
	list_del_init(&ut->op_node);
	list_del_init(&ut->serving_node);
	slot_drop(as, ut->index);
	as->parked_beside = ut->beside;
	s->kicked = s->slow = s->local_ok = s->local_count = s->frozen = 0;
	s->pid = s->tid = 0;
	s->resume = 0;
	shared_store(&s->state, SLOT_SLEEP);
	as->parked = true;
	kfree(ut);
	return true;
}

int uthread_exec(struct uthread *ut, struct aspace *as, const struct uregs *regs)
{
	int err;

	ut->op_count = 0;
	ut->op_state = OPS_NONE;
	list_del_init(&ut->op_node);
	ut->out_flags = 0;
	stage_reset(ut);
	if (as != ut->as) {
		uthread_unbind(ut);
		err = uthread_bind(ut, as);
		if (err)
			return err;
		ut->gone = false;
	}
	frame_make(ut, regs);
	return 0;
}
