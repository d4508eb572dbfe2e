/*
 * bury.c - the end of stubs, at a moment when nobody waits for it.
 *
 * To kill a stub costs us some 10 µs, its end some 40 µs of a CPU, and to clean its window 10 µs again: most
 * of what a fork and its wait cost otherwise. None of that has to happen before the parent goes on. So a stub
 * is first *condemned*: its threads are told to sleep, for good. It is killed once a fork is under way, for
 * then we wait for a memory thread on another CPU; or at the latest after PATIENCE_CYCLES, before the loop
 * sleeps, or if there are too many. If all other CPUs are taken it ends on ours. What is left of it, the
 * *remains*, is cleaned in the same way when its pidfd has said that it has ended.
 *
 * A condemned stub has no guest thread that we know of; what the guest made behind our back goes on until
 * then.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/base/cycles.h"
#include "sandbox/platform/platform_priv.h"

#define CONDEMNED_MAX   8
#define PATIENCE_CYCLES 260000 /* some 100 µs */
#define SLEEPERS        4      /* threads that are told to sleep; others cease to spin by themselves */

void bury_init(struct platform *p)
{
	list_init(&p->condemned);
	list_init(&p->remains);
}

static void add(struct platform *p, struct aspace *as, struct list_head *list)
{
	if (list_empty(&p->condemned) && list_empty(&p->remains))
		p->bury_since = cycles();
	list_add_tail(&as->death_node, list);
}

static void take_off(struct platform *p, struct aspace *as)
{
	p->condemned_count -= as->condemned;
	as->condemned = false;
	list_del_init(&as->death_node);
}

void bury_remains(struct platform *p, struct aspace *as)
{
	take_off(p, as); /* it may have ended before we killed it */
	add(p, as, &p->remains);
}

void bury_condemn(struct platform *p, struct aspace *as)
{
	as->state = ASPACE_DYING;
	for (u32 i = 0; i <= min_t(u32, as->slot_high, SLEEPERS - 1); i++)
		if (shared_load(&slot_at(as, i)->live))
			shared_store(&slot_at(as, i)->state, SLOT_SLEEP);
	as->condemned = true;
	p->condemned_count++;
	add(p, as, &p->condemned);
}

/* See place_memory(): the ids are the guest's word, but of its own sandbox. */
static void pin_to_us(const struct platform *p, struct aspace *as)
{
	u32 tid = shared_load(&slot_at(as, 0)->live);
	cpu_set_t here;

	if (p->running_count + 2 < p->cpu_count)
		return;
	CPU_ZERO(&here);
	CPU_SET(this_cpu(), &here);
	if (tid > 1)
		(void)!sched_setaffinity((pid_t)tid, sizeof(here), &here);
	(void)!sched_setaffinity(as->pid, sizeof(here), &here);
}

static void kill_first(struct platform *p, bool pin)
{
	struct aspace *as = list_first_entry(&p->condemned, struct aspace, death_node);

	take_off(p, as);
	if (pin)
		pin_to_us(p, as);
	if (syscall(SYS_pidfd_send_signal, as->pidfd->fd, SIGKILL, NULL, 0) && errno != ESRCH)
		klog(LOG_ERROR, "cannot kill stub %d: errno %d", as->pid, errno);
}

static void clean_first(struct platform *p)
{
	struct aspace *as = list_first_entry(&p->remains, struct aspace, death_node);

	list_del_init(&as->death_node);
	window_release(p, as);
}

void bury_look(struct platform *p)
{
	bool late;

	if (list_empty(&p->condemned) && list_empty(&p->remains))
		return;
	late = cycles_since(p->bury_since) > PATIENCE_CYCLES;
	if (!list_empty(&p->condemned) && (p->forks || late || p->condemned_count > CONDEMNED_MAX))
		kill_first(p, /*pin=*/p->forks > 0);
	else if (!list_empty(&p->remains) && (p->forks || late))
		clean_first(p);
}

void bury_all(struct platform *p)
{
	while (!list_empty(&p->condemned))
		kill_first(p, /*pin=*/true);
	while (!list_empty(&p->remains))
		clean_first(p);
}
