/*
 * futex_pi.c - PI futexes: locks whose word holds the owner's thread id, handed over by the kernel.
 *
 * A free lock is taken and given back in user space; whoever finds it taken sets FUTEX_WAITERS and waits
 * here. The owner's unlock then comes here too and writes the first waiter's id into the word: the lock
 * passes on without ever being free. Waiters are served by priority, then age.
 *
 * Priority inheritance itself is bookkeeping: the host threads of all guest threads run at one priority, so
 * there is nothing to lend; what it would have done for the order of waiters is done when they queue.
 *
 * A guest word is changed by the thread on whose behalf it happens, which sleeps meanwhile; the bucket's
 * pi_locked keeps other PI operations out until kernel and word agree again. A waiter leaves a lock only
 * under pi_locked.
 */
#include <errno.h>

#include "sandbox/kernel/futex_priv.h"

#define CHAIN_MAX 1024

void futex_pi_lock(struct futex_bucket *b)
{
	wait_event_uninterruptible(&b->pi_wait, !b->pi_locked);
	b->pi_locked = true;
}

void futex_pi_unlock(struct futex_bucket *b)
{
	b->pi_locked = false;
	wake_up_all(&b->pi_wait, 0);
}

/* ---- states ---- */

static void set_owner(struct futex_pi_state *pi, struct task *owner)
{
	list_del_init(&pi->owner_node);
	pi->owner = owner;
	if (owner)
		list_add_tail(&pi->owner_node, &owner->pi_states);
}

struct futex_pi_state *futex_pi_state_new(const struct futex_key *key, struct task *owner)
{
	struct futex_pi_state *pi = knew(struct futex_pi_state);

	if (!pi)
		return NULL;
	pi->key = *key;
	futex_key_get(key);
	list_init(&pi->owner_node);
	set_owner(pi, owner);
	return pi;
}

void futex_pi_state_drop(struct futex_pi_state *pi)
{
	set_owner(pi, NULL);
	futex_key_put(&pi->key);
	kfree(pi);
}

/* Would `t` wait for itself? */
static bool closes_circle(const struct task *t, const struct futex_pi_state *pi)
{
	for (int i = 0; pi && i < CHAIN_MAX; i++) {
		if (pi->owner == t)
			return true;
		pi = pi->owner ? pi->owner->pi_blocked_on : NULL;
	}
	return pi;
}

int futex_pi_join(struct futex_waiter *w, struct futex_pi_state *pi)
{
	if (closes_circle(w->task, pi))
		return -EDEADLK;
	w->pi = pi;
	w->task->pi_blocked_on = pi;
	pi->waiters++;
	return 0;
}

void futex_pi_leave(struct futex_waiter *w)
{
	struct futex_pi_state *pi = w->pi;
	struct futex_waiter *top;

	list_del_init(&w->node);
	w->pi = NULL;
	w->task->pi_blocked_on = NULL;
	if (--pi->waiters == 0) {
		futex_pi_state_drop(pi);
		return;
	}
	if (!pi->owner && (top = futex_top_waiter(futex_bucket(&pi->key), &pi->key)))
		coro_wake(top->coro); /* it was our turn to take over: now it is another's */
}

/* ---- taking ---- */

static u32 tid_of(const struct task *t)
{
	return (u32)pid_nr(t->pid, task_pid_ns(t));
}

static int read_word(uaddr_t addr, u32 *value)
{
	return copy_in(value, addr, sizeof(*value));
}

/* Changes the word: -EAGAIN if it was not `old`. */
static int swap_word(struct task *t, uaddr_t addr, u32 old, u32 new_value)
{
	u32 prev;

	if (uthread_cmpxchg32(t->ut, addr, old, new_value, &prev))
		return -EFAULT;
	return prev == old ? 0 : -EAGAIN;
}

/* Does the word agree with what we know of the lock? Else somebody mixes kinds of locks. */
static int check_state(u32 value, const struct futex_pi_state *pi)
{
	u32 tid = value & FUTEX_TID_MASK;

	if (!pi)
		return -EINVAL;
	if (value & FUTEX_OWNER_DIED) {
		if (!pi->owner)
			return tid ? -EINVAL : 0;
		if (!tid)
			return 0;
	} else if (!pi->owner) {
		return -EINVAL;
	}
	return pi->owner && tid == tid_of(pi->owner) ? 0 : -EINVAL;
}

/* The word names an owner; who is it? */
static int find_owner(uaddr_t addr, u32 value, struct task **owner)
{
	u32 now;

	*owner = task_find((s32)(value & FUTEX_TID_MASK));
	if (*owner && !(*owner)->futex_dead)
		return (*owner)->ut ? 0 : -EPERM; /* a container's own init has no thread */
	if (read_word(addr, &now))
		return -EFAULT;
	return now == value ? -ESRCH : -EBUSY; /* it gave the lock back while it died: once more */
}

int futex_pi_try(struct task *t, uaddr_t addr, const struct futex_key *key, struct futex_waiter *w,
		 bool set_waiters)
{
	struct futex_waiter *top = futex_top_waiter(futex_bucket(key), key);
	struct task *owner;
	u32 value;
	int err;

	if (read_word(addr, &value))
		return -EFAULT;
	if ((value & FUTEX_TID_MASK) == tid_of(w->task))
		return -EDEADLK;
	if (top) {
		err = check_state(value, top->pi);
		if (!err)
			w->pi = top->pi;
		return err;
	}
	if (!(value & FUTEX_TID_MASK)) {
		err = swap_word(t, addr, value,
				(value & FUTEX_OWNER_DIED) | tid_of(w->task) |
				    (set_waiters ? FUTEX_WAITERS : 0));
		return err == -EAGAIN ? -EBUSY : err ? err : 1;
	}
	if (!(value & FUTEX_WAITERS)) {
		err = swap_word(t, addr, value, value | FUTEX_WAITERS);
		if (err)
			return err == -EAGAIN ? -EBUSY : err;
	}
	err = find_owner(addr, value | FUTEX_WAITERS, &owner);
	if (err)
		return err;
	w->pi = futex_pi_state_new(key, owner);
	return w->pi ? 0 : -ENOMEM;
}

/* The owner has died and the lock is ours by right: the word shall say so. */
static int take_over(struct futex_waiter *w, uaddr_t addr)
{
	struct futex_pi_state *pi = w->pi;
	u32 value;
	int err;

	do {
		if (read_word(addr, &value))
			return -EFAULT;
		err = swap_word(w->task, addr, value, FUTEX_OWNER_DIED | FUTEX_WAITERS | tid_of(w->task));
		if (fatal_signal_pending(w->task))
			return -EINTR;
	} while (err == -EAGAIN);
	if (err)
		return err;
	w->acquired = true;
	set_owner(pi, w->task);
	futex_pi_leave(w);
	return 0;
}

/* The bucket in which w is, locked: it may be moved to another while we wait for the first. */
static struct futex_bucket *lock_bucket_of(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = futex_bucket(&w->key);
		futex_pi_lock(b);
		if (b == futex_bucket(&w->key))
			return b;
		futex_pi_unlock(b);
	}
}

s64 futex_pi_sleep(struct futex_waiter *w, uaddr_t addr, u64 deadline_ns)
{
	struct futex_bucket *b;
	bool moved;
	int err = 0;

	while (!err && !w->acquired && !w->woken) {
		if (w->pi && !w->pi->owner) {
			b = lock_bucket_of(w);
			if (w->pi && !w->pi->owner && futex_top_waiter(b, &w->key) == w)
				err = take_over(w, addr);
			futex_pi_unlock(b);
			if (err || w->acquired)
				break;
		}
		err = sched_sleep(deadline_ns, SLEEP_INTERRUPTIBLE);
	}
	b = lock_bucket_of(w);
	moved = w->pi;
	if (w->pi)
		futex_pi_leave(w);
	list_del_init(&w->node);
	futex_pi_unlock(b);
	if (w->acquired)
		return 0;
	if (w->woken)
		return -EAGAIN;
	if (err == -ERESTARTSYS) /* a moved waiter cannot start again: its first word has changed */
		return w->requeue_pi && moved ? -EAGAIN : -ERESTARTNOINTR;
	return err;
}

s64 futex_lock_pi(struct task *t, uaddr_t addr, u64 deadline_ns, bool try_only, bool is_private)
{
	struct futex_waiter w;
	struct futex_bucket *b;
	s64 ret;
	int err;

	futex_waiter_init(&w, t, ~0U);
	err = futex_key_of(t, addr, is_private, &w.key);
	if (err)
		return err;
	b = futex_bucket(&w.key);
	for (;;) {
		futex_pi_lock(b);
		err = futex_pi_try(t, addr, &w.key, &w, false);
		if (!err) {
			struct futex_pi_state *pi = w.pi;
			w.pi = NULL;
			err = try_only ? -EAGAIN : futex_pi_join(&w, pi);
			if (!err)
				futex_enqueue(b, &w);
			else if (!pi->waiters)
				futex_pi_state_drop(pi);
		}
		futex_pi_unlock(b);
		if (err != -EBUSY)
			break;
		if (signal_pending(t)) {
			err = -ERESTARTNOINTR;
			break;
		}
		sched_yield_now();
	}
	ret = err == 1 ? 0 : err;
	if (!err)
		ret = futex_pi_sleep(&w, addr, deadline_ns);
	futex_key_put(&w.key);
	return ret;
}

/* ---- giving back ---- */

static int unlock_locked(struct task *t, uaddr_t addr, u32 value, const struct futex_key *key)
{
	struct futex_waiter *top = futex_top_waiter(futex_bucket(key), key);
	struct futex_pi_state *pi;
	int err;

	if (!top)
		return swap_word(t, addr, value, 0);
	pi = top->pi;
	if (!pi || pi->owner != t)
		return -EINVAL;
	err = swap_word(t, addr, value, FUTEX_WAITERS | tid_of(top->task));
	if (err)
		return err;
	set_owner(pi, top->task);
	top->acquired = true;
	futex_pi_leave(top);
	futex_waiter_wake(top);
	return 0;
}

s64 futex_unlock_pi(struct task *t, uaddr_t addr, bool is_private)
{
	struct futex_bucket *b;
	struct futex_key key;
	u32 value;
	int err = futex_key_of(t, addr, is_private, &key);

	if (err)
		return err;
	b = futex_bucket(&key);
	do {
		futex_pi_lock(b);
		if (read_word(addr, &value))
			err = -EFAULT;
		else if ((value & FUTEX_TID_MASK) != tid_of(t))
			err = -EPERM;
		else
			err = unlock_locked(t, addr, value, &key);
		futex_pi_unlock(b);
	} while (err == -EAGAIN && !fatal_signal_pending(t));
	futex_key_put(&key);
	return err;
}

void futex_pi_owner_dies(struct task *t)
{
	t->futex_dead = true;
	while (!list_empty(&t->pi_states)) {
		struct futex_pi_state *pi =
		    list_first_entry(&t->pi_states, struct futex_pi_state, owner_node);
		struct futex_waiter *top = futex_top_waiter(futex_bucket(&pi->key), &pi->key);
		set_owner(pi, NULL);
		if (top)
			coro_wake(top->coro);
	}
}
