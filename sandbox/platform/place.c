/*
 * place.c - which CPUs guest threads may use while CPUs are short.
 *
 * When the loop wakes a guest thread, the host likes to put it on the loop's own CPU (the waker's data is
 * warm there) if no other is idle. For us that is the worst place: both spin for each other, so every call
 * becomes two switches, 20 µs instead of 1. So as long as guests take turns (kernel/turn.c), a thread that is
 * woken may use all CPUs but the one where the loop is at that moment.
 *
 * The same goes for a thread that, without such times, was woken on the loop's CPU several times on end: the
 * host then finds no better place for it, even if it has one (it does not look for an idle CPU while all were
 * busy).
 *
 * That holds until its next waking out of such times (or some later one), or until the loop sleeps while it
 * runs: then the loop's CPU is free for it. The loop itself is never bound, and follows the host's balance;
 * who was placed beside its old CPU is placed anew when it is woken next.
 *
 * The thread id lies in the slot, where a guest may write another one: this only ever changes on which CPUs
 * some thread of its own sandbox runs.
 */
#include <errno.h>
#include <sched.h>

#include "sandbox/platform/platform_priv.h"

#define NEAR_MAX  24 /* three times on end, and then for 24 wakings elsewhere */
#define NEAR_STEP 8

static void place(struct uthread *ut, u32 beside)
{
	cpu_set_t cpus = platform()->cpus;
	u32 tid = shared_load(&ut->slot->live);

	if (tid <= 1)
		return;
	if (beside)
		CPU_CLR(beside - 1, &cpus);
	/* it may be gone, or the host may have taken CPUs away: then it runs where it can */
	if (sched_setaffinity((pid_t)tid, sizeof(cpus), &cpus) && errno == EINVAL && beside)
		beside = 0;
	ut->beside = beside;
}

void place_woken(struct uthread *ut, u32 asleep)
{
	u32 here = this_cpu() + 1, beside = 0;

	if (asleep == here)
		ut->nearness = min_t(u32, ut->nearness + NEAR_STEP, NEAR_MAX);
	else
		ut->nearness -= ut->nearness > 0;
	if (turns_are_taken() || ut->nearness >= (ut->beside ? 1 : NEAR_MAX))
		beside = here;
	if (ut->beside != beside)
		place(ut, beside);
}

void place_spawned(const struct uthread *parent, struct uthread *child)
{
	child->beside = parent->beside ? PLACE_UNKNOWN : 0;
}

void place_anywhere(struct uthread *ut)
{
	if (ut->beside)
		place(ut, 0);
}

/* A memory thread has the next word when it is asked: the loop yields to it, the guest thread that waits for
 * both spins on another CPU. If all CPUs are taken it therefore belongs on the loop's own: anywhere else it
 * would wait for somebody who waits for it. But what it clones begins with its mask, and takes long: it, the
 * new stub and its first thread then belong where the loop is not. */
void place_memory(struct aspace *as, bool clones)
{
	struct platform *p = platform();
	u32 here = 1 + this_cpu(), want = clones ? here | PLACE_BESIDE : here;
	cpu_set_t cpus = p->cpus;

	if (p->running_count + 2 < p->cpu_count || p->cpu_count == 1)
		want = 0;
	if (as->pinned == want || as == p->zygote)
		return;
	if (want && !clones)
		CPU_ZERO(&cpus);
	if (want && clones)
		CPU_CLR(here - 1, &cpus);
	else if (want)
		CPU_SET(here - 1, &cpus);
	if (!sched_setaffinity(as->pid, sizeof(cpus), &cpus))
		as->pinned = want;
}

/* A fork by the memory thread of `from` is about to be asked for: the new stub's threads have its mask. */
void place_forked(const struct aspace *from, struct aspace *as)
{
	as->pinned = from->pinned;
	as->parked_beside = from->pinned & PLACE_BESIDE ? from->pinned & ~PLACE_BESIDE : 0;
}

void place_loop_sleeps(struct platform *p)
{
	struct uthread *ut;

	list_for_each_entry (ut, &p->running, run_node)
		place_anywhere(ut);
}
