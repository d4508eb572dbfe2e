/*
 * respawn.c - a platform whose arena was another sentry's: everything that is the host's is made anew.
 *
 * The structs are what they were, and so are their addresses, the control memfd's mapping included. Stubs
 * that belonged to nobody (zygote, pool) are forgotten; each other one gets a new process in its old window.
 * Guest threads get theirs when they are answered: `started` says that there is none.
 */
#include <errno.h>
#include <unistd.h>

#include "sandbox/platform/account.h"
#include "sandbox/platform/platform_priv.h"

static void forget(struct platform *p, struct aspace *as)
{
	window_forget(p, as);
	list_del_init(&as->pool_node);
	aspace_free(as);
}

/* The stub is gone with the old sentry. */
static void forget_stub(struct aspace *as)
{
	struct uthread *ut;

	host_fd_put(as->pidfd);
	host_fd_put(as->status);
	as->pidfd = as->status = NULL;
	as->pid = 0;
	as->pinned = as->parked_beside = 0;
	if (as->state == ASPACE_UP)
		as->state = ASPACE_STARTING;
	list_for_each_entry (ut, &as->uthreads, as_node) {
		ut->started = false;
		ut->beside = 0;
	}
}

int platform_restore(int maps_fd, int account_fd)
{
	struct platform *p = platform();
	struct platform_ops *ops = (struct platform_ops *)(uintptr_t)p->ops;
	u64 vdso_addr = p->vdso_addr, vdso_size = p->vdso_size;
	int err;

	for (struct aspace *as = window_next(p, 0), *next; as; as = next) {
		next = window_next(p, as->window + 1);
		if (as == p->zygote || !list_empty(&as->pool_node))
			forget(p, as);
		else
			forget_stub(as);
	}
	p->zygote = NULL;
	p->window_hint = 0; /* the first was the zygote's, and must be again: see zygote_setup() */
	p->pool_count = 0;
	p->pool_wanted = false;
	p->epoll_fd = -1;
	ops->maps_fd = maps_fd;
	err = platform_start(p);
	ops->maps_fd = -1;
	if (err)
		return err;
	if (p->vdso_addr != vdso_addr || p->vdso_size != vdso_size)
		return -ENOEXEC; /* guests have pointers into it */
	account_restore(account_fd);
	return 0;
}

/* Its slot is as it was when everything stood still. */
static void rearm(struct uthread *ut)
{
	struct slot *s = ut->slot;

	s->live = 1;
	s->state = SLOT_TRAP;
	s->resume = ut->fast ? s->freeze_frame : 0;
	if (!ut->fast)
		s->asleep = 0;
	shared_store(&s->pid, ut->ids[0]);
	shared_store(&s->tid, ut->ids[1]);
}

int aspace_respawn(struct aspace *as)
{
	struct uthread *ut;

	if (as->state != ASPACE_STARTING)
		return 0; /* its stub was dead already */
	window_prepare(as);
	if (as->parked)
		as->req->start = slot_address(0);
	list_for_each_entry (ut, &as->uthreads, as_node)
		if (!ut->aside)
			rearm(ut);
	return stub_fork_into(platform()->zygote, as);
}

void aspace_respawn_done(struct aspace *as)
{
	account_respawned(as);
}
