/*
 * spare.c - stubs of processes that have ended, emptied and kept for the next program of the same rights.
 *
 * To end a host process and to make another costs more than what a short program does. A process that exits
 * by itself, alone in a small address space of its own, therefore leaves its stub: the host thread goes on
 * waiting for an answer, and execve(2) takes the stub in place of a new one. What the dead process has mapped
 * is unmapped when the loop next has nothing to do, or else together with the mapping of the new image.
 *
 * A hostile guest may have made its thread do something else than wait, behind our back. It finds no guest
 * memory any more, but would meet that of the next program. So a stub goes only to a program that the dead
 * process could have traced anyway: same ids, capabilities and namespaces (struct rights), neither of them
 * held back by no_new_privs or a filter of its own in another way than the other, and no set-id program.
 *
 * Not part of a checkpoint: spare_drop_all() comes first.
 */
#include "sandbox/kernel/spare.h"

#include "sandbox/kernel/ns.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/mount.h"

#define SPARE_MAX   2
#define SPARE_RSS   8192 /* KiB: what the next process's peak may be said to be though it is less */
#define GROUPS_MAX  16
#define NR_NS_KINDS 9

/* What is compared, byte by byte. */
struct rights {
	u32 id[8];
	u32 group[GROUPS_MAX];
	u32 group_count, securebits, no_new_privs, unused;
	u64 caps[5];
	u64 ns[NR_NS_KINDS];
};

struct spare {
	struct list_head node;
	struct aspace *as;
	bool used; /* what its process has mapped is still there */
	struct rights rights;
};

struct spares {
	struct list_head ready; /* struct spare, the oldest first */
	u32 count;              /* with the one that is being emptied */
	bool idle;
	u32 wanted; /* as many have been asked for lately: who only forks has no use for them */
	struct wait_queue wait;
};

/* False if they are of a kind that is not kept. */
static bool rights_of(const struct task *t, const struct cred *c, struct rights *r)
{
	memset(r, 0, sizeof(*r));
	if (c->group_count > GROUPS_MAX || t->seccomp.mode || !t->ns)
		return false;
	*r = (struct rights){
	    .id = {c->uid, c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid},
	    .group_count = c->group_count,
	    .securebits = c->securebits,
	    .no_new_privs = c->no_new_privs,
	    .caps = {c->cap_permitted, c->cap_effective, c->cap_inheritable, c->cap_bounding, c->cap_ambient},
	    .ns = {c->user_ns->common.ino, t->ns->uts->common.ino, t->ns->ipc->common.ino,
		   t->ns->net->common.ino, t->ns->mnt->common.ino, t->ns->pid_for_children->common.ino,
		   task_pid_ns(t)->common.ino, t->ns->time->common.ino, t->ns->cgroup->common.ino},
	};
	for (u32 i = 0; i < c->group_count; i++)
		r->group[i] = c->groups[i];
	return true;
}

static void spare_free(struct spares *all, struct spare *s)
{
	list_del_init(&s->node);
	all->count--;
	if (s->as)
		aspace_destroy(s->as);
	kfree(s);
}

static struct spare *first_used(struct spares *all)
{
	struct spare *s;

	list_for_each_entry (s, &all->ready, node)
		if (s->used)
			return s;
	return NULL;
}

/* The service: unmaps what dead processes have left. */
static void empty_when_idle(void *arg)
{
	struct spares *all = arg;

	for (;;) {
		struct spare *s;
		wait_event_uninterruptible(&all->wait, all->idle);
		all->idle = false;
		s = first_used(all);
		if (!s)
			continue;
		list_del_init(&s->node); /* nobody is to take it meanwhile */
		s->used = false;
		if (aspace_clear(s->as))
			spare_free(all, s);
		else
			list_add_tail(&s->node, &all->ready);
	}
}

static void wake_when_idle(void)
{
	struct spares *all = kernel()->spares;

	if (!all || all->idle || !first_used(all))
		return;
	all->idle = true;
	wake_up(&all->wait, 0);
}

static struct spares *spares(void)
{
	struct spares *all = kernel()->spares;
	struct coro *service;

	if (all)
		return all;
	all = knew(struct spares);
	if (!all)
		return NULL;
	list_init(&all->ready);
	wait_queue_init(&all->wait);
	if (coro_start(empty_when_idle, all, NULL, &service)) {
		kfree(all);
		return NULL;
	}
	service->service = true;
	kernel()->spares = all;
	sched_when_idle(wake_when_idle);
	return all;
}

/* Makes room for one by letting the oldest that waits go. */
static bool make_room(struct spares *all)
{
	if (all->count < SPARE_MAX)
		return true;
	if (list_empty(&all->ready))
		return false;
	spare_free(all, list_first_entry(&all->ready, struct spare, node));
	return true;
}

bool spare_keep(struct task *t)
{
	struct spares *all;
	struct spare *s;
	struct rights r;

	if (t->tg->live != 1 || t->tg->leader != t || t->pt.tracer || !t->tg->dumpable ||
	    !mm_stub_reusable(t->mm) || !rights_of(t, t->cred, &r))
		return false;
	all = kernel()->spares;
	s = all && all->wanted && make_room(all) ? knew(struct spare) : NULL;
	if (!s)
		return false;
	list_init(&s->node);
	if (!uthread_park(t->ut, SPARE_RSS)) {
		kfree(s);
		return false;
	}
	t->ut = NULL;
	s->as = t->mm->as;
	s->rights = r;
	t->mm->as = NULL;
	aspace_set_owner(s->as, NULL);
	all->count++;
	all->wanted--;
	s->used = true;
	list_add_tail(&s->node, &all->ready);
	return true;
}

/* The oldest of these rights, an emptied one if there is any. */
static struct spare *find(struct spares *all, const struct rights *r)
{
	struct spare *s, *next, *found = NULL;

	list_for_each_entry_safe (s, next, &all->ready, node) {
		if (!aspace_alive(s->as)) /* killed from outside */
			spare_free(all, s);
		else if (!memcmp(&s->rights, r, sizeof(*r)) && (!found || (found->used && !s->used)))
			found = s;
	}
	return found;
}

struct aspace *spare_take(const struct task *t, const struct cred *c, bool *used)
{
	struct spares *all = spares();
	struct aspace *as;
	struct spare *s;
	struct rights r;

	if (!all)
		return NULL;
	all->wanted = min_t(u32, all->wanted + 1, SPARE_MAX);
	s = rights_of(t, c, &r) ? find(all, &r) : NULL;
	if (!s)
		return NULL;
	as = s->as;
	*used = s->used;
	s->as = NULL;
	spare_free(all, s);
	return as;
}

void spare_drop_all(void)
{
	struct spares *all = kernel()->spares;

	while (all && !list_empty(&all->ready))
		spare_free(all, list_first_entry(&all->ready, struct spare, node));
}
