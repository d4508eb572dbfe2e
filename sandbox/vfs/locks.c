/*
 * locks.c - advisory locks on inodes. See locks.h.
 *
 * An inode's locks are one list of ranges, each with its owner: a descriptor table (POSIX), a file (OFD), or
 * a file with the whole-file flag (flock, which never meets the others). A request cuts its owner's own
 * ranges first and merges with equal neighbours after. Whoever must wait stands in a list of all POSIX
 * waiters with the owner it waits for; a cycle in it is EDEADLK.
 */
#include "sandbox/vfs/locks.h"

#include <errno.h>

#include "sandbox/vfs/vfs_priv.h"

struct lock {
	struct list_head node;
	const void *owner;
	struct lock_range r;
	bool flock;
};

struct file_lock_state {
	struct list_head node;  /* in vfs_state.locked */
	struct inode *inode;    /* borrowed: it owns this */
	struct list_head locks; /* struct lock */
	struct wait_queue changed;
	u32 waiting;
};

struct lock_waiter {
	struct list_head node;
	const void *owner, *blocker;
};

static struct file_lock_state *state_of(struct inode *inode)
{
	struct file_lock_state *s = inode->locks;

	if (s)
		return s;
	s = knew(struct file_lock_state);
	if (!s)
		return NULL;
	list_init(&s->locks);
	wait_queue_init(&s->changed);
	s->inode = inode;
	list_add_tail(&s->node, &vfs()->locked);
	inode->locks = s;
	return s;
}

void locks_free(struct inode *inode)
{
	if (inode->locks)
		list_del_init(&inode->locks->node);
	if (inode->locks && !list_empty(&inode->locks->locks))
		klog(LOG_WARN, "an inode goes with locks on it");
	kfree(inode->locks); /* the last file has released every lock */
	inode->locks = NULL;
}

static struct lock *conflict(struct file_lock_state *s, const void *owner, const struct lock_range *r,
			     bool flock)
{
	struct lock *l;

	list_for_each_entry (l, &s->locks, node) {
		if (l->flock != flock || l->owner == owner || l->r.end < r->start || l->r.start > r->end)
			continue;
		if (l->r.type == FLOCK_WRITE || r->type == FLOCK_WRITE)
			return l;
	}
	return NULL;
}

/* Removes [start, end] from the owner's ranges, splitting where needed. `spare` serves one split. */
static void cut(struct file_lock_state *s, const void *owner, u64 start, u64 end, bool flock,
		struct lock **spare)
{
	struct lock *l, *next;

	list_for_each_entry_safe (l, next, &s->locks, node) {
		if (l->owner != owner || l->flock != flock || l->r.end < start || l->r.start > end)
			continue;
		if (l->r.start < start && l->r.end > end) {
			struct lock *right = *spare;
			*spare = NULL;
			*right = *l;
			right->r.start = end + 1;
			l->r.end = start - 1;
			list_add(&right->node, &l->node);
		} else if (l->r.start < start) {
			l->r.end = start - 1;
		} else if (l->r.end > end) {
			l->r.start = end + 1;
		} else {
			list_del_init(&l->node);
			kfree(l);
		}
	}
}

static void merge(struct file_lock_state *s, struct lock *new)
{
	struct lock *l, *next;

	list_for_each_entry_safe (l, next, &s->locks, node) {
		if (l == new || l->owner != new->owner || l->flock || l->r.type != new->r.type)
			continue;
		if (l->r.end + 1 == new->r.start && l->r.end != UINT64_MAX)
			new->r.start = l->r.start;
		else if (new->r.end != UINT64_MAX &&new->r.end + 1 == l->r.start)
			new->r.end = l->r.end;
		else
			continue;
		list_del_init(&l->node);
		kfree(l);
	}
}

/* No conflict: puts the range in (or takes it out). */
static int apply(struct file_lock_state *s, const void *owner, const struct lock_range *r, bool flock)
{
	struct lock *new = NULL, *spare = knew(struct lock);

	if (!spare)
		return -ENOLCK;
	if (r->type != FLOCK_NONE) {
		new = knew(struct lock);
		if (!new) {
			kfree(spare);
			return -ENOLCK;
		}
		*new = (struct lock){.owner = owner, .r = *r, .flock = flock};
	}
	cut(s, owner, r->start, r->end, flock, &spare);
	kfree(spare);
	if (new) {
		list_add_tail(&new->node, &s->locks);
		if (!flock)
			merge(s, new);
	}
	wake_up_all(&s->changed, 0);
	return 0;
}

/* Would waiting for `blocker` close a circle back to `owner`? */
static bool deadlock(const void *owner, const void *blocker)
{
	for (int depth = 0; depth < 100; depth++) {
		const void *next = NULL;
		struct lock_waiter *w;
		if (blocker == owner)
			return true;
		list_for_each_entry (w, &vfs()->lock_waiters, node)
			if (w->owner == blocker)
				next = w->blocker;
		if (!next)
			return false;
		blocker = next;
	}
	return false;
}

static int acquire(struct file *f, const void *owner, const struct lock_range *r, bool flock, bool posix,
		   bool wait)
{
	struct file_lock_state *s = state_of(f->inode);
	struct lock_waiter w = {.owner = owner};
	struct lock *in_way;
	int err;

	if (!s)
		return -ENOLCK;
	while (r->type != FLOCK_NONE && (in_way = conflict(s, owner, r, flock))) {
		if (!wait)
			return -EAGAIN;
		if (posix && deadlock(owner, in_way->owner))
			return -EDEADLK;
		if (flock) /* a conversion gives the old lock up first, as flock(2) warns */
			(void)apply(s, owner, &(struct lock_range){FLOCK_NONE, 0, UINT64_MAX, 0}, true);
		w.blocker = in_way->owner;
		list_add_tail(&w.node, &vfs()->lock_waiters);
		err = wait_event(&s->changed, !conflict(s, owner, r, flock), TIME_NEVER);
		list_del_init(&w.node);
		if (err)
			return err;
	}
	return apply(s, owner, r, flock);
}

int lock_flock(struct file *f, enum lock_type type, bool wait)
{
	struct task *t = current_task();
	struct lock_range all = {
	    .type = type, .start = 0, .end = UINT64_MAX, .pid = t ? pid_vnr(t->tg->leader->pid) : 0};
	int err = f->ops && f->ops->lock
		      ? f->ops->lock(f, 0, &all, LOCK_CALL_FLOCK | (wait ? LOCK_CALL_WAIT : 0))
		      : -ENOSYS;

	if (err != -ENOSYS)
		return err;
	return acquire(f, f, &all, true, false, wait);
}

/* A record lock of a file system that keeps its locks; -ENOSYS: it does not. */
static int by_file_system(struct file *f, const void *owner, struct lock_range *r, u32 how)
{
	u64 id = owner == f ? 0 : ((const struct fd_table *)owner)->id;

	return f->ops && f->ops->lock ? f->ops->lock(f, id, r, how) : -ENOSYS;
}

int lock_record(struct file *f, const void *owner, const struct lock_range *r, bool wait)
{
	struct lock_range copy = *r;
	int err = by_file_system(f, owner, &copy, wait ? LOCK_CALL_WAIT : 0);

	return err != -ENOSYS ? err : acquire(f, owner, r, false, owner != f, wait);
}

int lock_test(struct file *f, const void *owner, struct lock_range *r)
{
	struct file_lock_state *s = f->inode->locks;
	struct lock *l = s ? conflict(s, owner, r, false) : NULL;
	int err = by_file_system(f, owner, r, LOCK_CALL_TEST);

	if (err != -ENOSYS)
		return err;
	if (l)
		*r = l->r;
	else
		r->type = FLOCK_NONE;
	return 0;
}

static void release_owner(struct inode *inode, const void *owner, bool flocks_too)
{
	struct file_lock_state *s = inode->locks;
	struct lock *l, *next;
	bool changed = false;

	list_for_each_entry_safe (l, next, &s->locks, node) {
		if (l->owner != owner || (l->flock && !flocks_too))
			continue;
		list_del_init(&l->node);
		kfree(l);
		changed = true;
	}
	if (changed)
		wake_up_all(&s->changed, 0);
}

void locks_release_posix(struct file *f, const void *owner)
{
	release_owner(f->inode, owner, false);
}

void locks_release_file(struct file *f)
{
	release_owner(f->inode, f, true);
}

void locks_walk(struct inode *inode, void (*fn)(const struct lock_range *r, bool is_flock, void *arg),
		void *arg)
{
	struct lock *l;

	if (inode->locks)
		list_for_each_entry (l, &inode->locks->locks, node)
			fn(&l->r, l->flock, arg);
}

void locks_walk_inodes(void (*fn)(struct inode *inode, void *arg), void *arg)
{
	struct file_lock_state *s;

	list_for_each_entry (s, &vfs()->locked, node)
		fn(s->inode, arg);
}
