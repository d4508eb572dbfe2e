/*
 * lend.c - a vfork(2) child runs on its parent's host thread.
 *
 * The parent waits until the child has other memory or has ended, so its host thread, which waits for an
 * answer, is free meanwhile: no thread is made and none ends. The child gets the parent's slot with the very
 * frame in it; what the parent needs of both is put aside in the arena, and comes back when the child gives
 * the slot back: at its execve or end, or when the parent is about to go on.
 *
 * A uthread that is *aside* has a copy in place of a slot and no host thread. That of a parent can be looked
 * at and changed like any other; it is not answered before it has its slot again. Whoever of the two ends
 * first leaves the slot to the other.
 *
 * Both frames begin at the same place (the host writes them to the top of the signal stack), so the one that
 * comes back does not lie in that part of the stack where the stub waits for us. If the child has called from
 * a patched site, the stub waits elsewhere, and sees by the frame's address that another one has come.
 */
#include <errno.h>

#include "sandbox/platform/platform_priv.h"

static bool may_lend(const struct uthread *ut)
{
	return ut->started && !ut->gone && !ut->running && !ut->fast && !ut->aside && !ut->lender &&
	       ut->event == EVENT_SYSCALL && ut->op_state == OPS_NONE && ut->frame > SLOT_MADE_FRAME &&
	       !ut->spawner && !ut->spawning && ut->as->state == ASPACE_UP;
}

/* One copy is kept for the next time: of this size the arena gives memory back to the host. */
static struct slot *copy_new(void)
{
	struct slot *copy = platform()->slot_copy;

	platform()->slot_copy = NULL;
	return copy ? copy : kmalloc(SLOT_ALT_TOP);
}

static void copy_free(struct slot *copy)
{
	if (platform()->slot_copy)
		kfree(copy);
	else
		platform()->slot_copy = copy;
}

static void copy_frame(void *to, const void *from, u32 frame)
{
	memcpy((char *)to + frame, (const char *)from + frame, SLOT_ALT_TOP - frame);
}

int uthread_lend(struct uthread *from, struct uthread **out)
{
	struct uthread *ut;
	struct slot *copy;

	if (!may_lend(from) || uthread_stage_flush(from))
		return -EBUSY;
	copy = copy_new();
	ut = knew(struct uthread);
	if (!copy || !ut) {
		copy_free(copy);
		kfree(ut);
		return -ENOMEM;
	}
	memcpy(copy, from->slot, sizeof(*copy));
	copy_frame(copy, from->slot, from->frame);
	list_init(&ut->run_node);
	list_init(&ut->serving_node);
	list_init(&ut->op_node);
	list_add_tail(&ut->as_node, &from->as->uthreads);
	list_del_init(&from->serving_node);
	ut->as = from->as;
	ut->index = from->index;
	ut->slot = from->slot;
	ut->event = from->event;
	ut->nr = from->nr;
	ut->frame = from->frame;
	ut->beside = from->beside;
	ut->op_generation = from->op_generation;
	ut->out_flags = OUT_BASES;
	ut->started = true;
	ut->lender = from;
	from->borrower = ut;
	from->slot = copy;
	from->aside = true;
	from->started = false;
	*out = ut;
	return 0;
}

/* The slot, its host thread and what is in there go back to the lender; ut keeps the copy. */
static void give_back(struct uthread *ut)
{
	struct uthread *to = ut->lender;
	struct slot *slot = ut->slot, *copy = to->slot;

	if (ut->running && !ut->gone)
		panic("a slot is taken from a guest thread that runs");
	copy_frame(slot, copy, to->frame);
	slot->frame = copy->frame;
	slot->fs_base = copy->fs_base;
	slot->gs_base = copy->gs_base;
	slot->nr = copy->nr;
	memcpy(slot->arg, copy->arg, sizeof(slot->arg));
	slot->staged = slot->local_count = 0;
	slot->kicked = 0;
	slot->resume = 0;
	shared_store(&slot->slow, copy->slow);
	to->slot = slot;
	to->aside = false;
	to->started = ut->started;
	to->gone |= ut->gone;
	to->beside = ut->beside;
	to->op_generation = ut->op_generation;
	to->out_flags |= OUT_BASES;
	to->borrower = ut->lender = NULL;
	list_del_init(&ut->serving_node);
	ut->slot = copy;
	ut->aside = true;
	ut->started = false;
	put_ids(to);
}

void uthread_take_back(struct uthread *ut)
{
	if (ut->borrower)
		give_back(ut->borrower);
}

bool lend_end(struct uthread *ut)
{
	if (ut->lender)
		give_back(ut);
	if (ut->borrower)
		ut->borrower->lender = NULL;
	ut->borrower = NULL;
	if (!ut->aside)
		return false;
	copy_free(ut->slot);
	ut->slot = NULL;
	ut->aside = false;
	return true;
}
