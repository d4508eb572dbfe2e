/*
 * futex_requeue.c - moving waiters from one word to another: FUTEX_REQUEUE and FUTEX_CMP_REQUEUE for plain
 * waiters, FUTEX_CMP_REQUEUE_PI for condition variables whose mutex is a PI futex.
 */
#include <errno.h>

#include "sandbox/kernel/futex_priv.h"

static void move_waiter(struct futex_waiter *w, const struct futex_key *to)
{
	list_del_init(&w->node);
	futex_key_get(to);
	futex_key_put(&w->key);
	w->key = *to;
	futex_enqueue(futex_bucket(to), w);
}

static s64 requeue(const struct futex_key *a, const struct futex_key *b, s32 wake, s32 move)
{
	struct futex_bucket *source = futex_bucket(a);
	struct futex_waiter *w, *next;
	s32 done = 0;

	list_for_each_entry_safe (w, next, &source->waiters, node) {
		if (!futex_key_same(&w->key, a))
			continue;
		if (done - wake >= move)
			break;
		if (w->pi || w->requeue_pi)
			return -EINVAL;
		if (done < wake)
			futex_waiter_wake(w);
		else if (!futex_key_same(a, b))
			move_waiter(w, b);
		done++;
	}
	return done;
}

/* Both keys, or none. */
static int two_keys(struct task *t, uaddr_t from, bool from_private, uaddr_t to, bool to_private,
		    struct futex_key *a, struct futex_key *b)
{
	int err = futex_key_of(t, from, from_private, a);

	if (err)
		return err;
	err = futex_key_of(t, to, to_private, b);
	if (err)
		futex_key_put(a);
	return err;
}

s64 futex_requeue(struct task *t, uaddr_t from, bool from_private, uaddr_t to, bool to_private, s32 wake,
		  s32 move, const u32 *expected)
{
	struct futex_key a, b;
	s64 ret = 0;
	u32 value;
	int err;

	if (wake < 0 || move < 0)
		return -EINVAL;
	err = two_keys(t, from, from_private, to, to_private, &a, &b);
	if (err)
		return err;
	if (expected) {
		if (copy_in(&value, from, sizeof(value)))
			ret = -EFAULT;
		else if (value != *expected)
			ret = -EAGAIN;
	}
	if (!ret)
		ret = requeue(&a, &b, wake, move);
	futex_key_put(&a);
	futex_key_put(&b);
	return ret;
}

/* ---- onto a PI futex ---- */

static void lock_two(struct futex_bucket *x, struct futex_bucket *y)
{
	futex_pi_lock(x < y ? x : y);
	if (x != y)
		futex_pi_lock(x < y ? y : x);
}

static void unlock_two(struct futex_bucket *x, struct futex_bucket *y)
{
	futex_pi_unlock(x);
	if (x != y)
		futex_pi_unlock(y);
}

static bool may_move(const struct futex_waiter *w, const struct futex_key *to)
{
	return w->requeue_pi && !w->pi && futex_key_same(&w->requeue_key, to);
}

/* The first waiter gets the lock if it is free; the others, and else the first too, wait for it. */
static s64 requeue_onto_lock(struct task *t, uaddr_t to, const struct futex_key *a, const struct futex_key *b,
			     s32 move)
{
	struct futex_bucket *source = futex_bucket(a);
	struct futex_waiter *top = futex_top_waiter(source, a), *w, *next;
	struct futex_pi_state *pi = NULL;
	struct task *owner = NULL;
	s64 done = 0;
	int err;

	if (!top)
		return 0;
	if (!may_move(top, b))
		return -EINVAL;
	err = futex_pi_try(t, to, b, top, move > 0);
	if (err < 0)
		return err;
	if (err == 1) {
		owner = top->task;
		top->acquired = true;
		futex_waiter_wake(top);
		done = 1;
	} else {
		pi = top->pi;
		top->pi = NULL;
	}
	err = 0;
	list_for_each_entry_safe (w, next, &source->waiters, node) {
		if (!futex_key_same(&w->key, a))
			continue;
		if (done - 1 >= move || err)
			break;
		if (!may_move(w, b)) {
			err = -EINVAL;
			break;
		}
		if (!pi)
			pi = futex_pi_state_new(b, owner);
		err = pi ? futex_pi_join(w, pi) : -ENOMEM;
		if (err)
			break;
		move_waiter(w, b);
		done++;
	}
	if (pi && !pi->waiters)
		futex_pi_state_drop(pi);
	return err ? err : done;
}

s64 futex_requeue_pi(struct task *t, uaddr_t from, uaddr_t to, s32 wake, s32 move, u32 expected,
		     bool is_private)
{
	struct futex_key a, b;
	s64 ret;
	u32 value;
	int err;

	if (wake != 1 || move < 0 || from.v == to.v)
		return -EINVAL;
	err = two_keys(t, from, is_private, to, is_private, &a, &b);
	if (err)
		return err;
	do {
		lock_two(futex_bucket(&a), futex_bucket(&b));
		if (futex_key_same(&a, &b))
			ret = -EINVAL;
		else if (copy_in(&value, from, sizeof(value)))
			ret = -EFAULT;
		else if (value != expected)
			ret = -EAGAIN;
		else
			ret = requeue_onto_lock(t, to, &a, &b, move);
		unlock_two(futex_bucket(&a), futex_bucket(&b));
		if (ret != -EBUSY)
			break;
		sched_yield_now();
	} while (!fatal_signal_pending(t));
	futex_key_put(&a);
	futex_key_put(&b);
	return ret == -EBUSY ? -EINTR : ret;
}

s64 futex_wait_requeue_pi(struct task *t, uaddr_t addr, u32 expected, u64 deadline_ns, u32 bitset, uaddr_t to,
			  bool is_private)
{
	struct futex_waiter w;
	u32 value;
	s64 ret;
	int err;

	if (!bitset || addr.v == to.v)
		return -EINVAL;
	futex_waiter_init(&w, t, bitset);
	err = two_keys(t, addr, is_private, to, is_private, &w.key, &w.requeue_key);
	if (err)
		return err;
	w.requeue_pi = true;
	if (futex_key_same(&w.key, &w.requeue_key))
		err = -EINVAL;
	if (!err)
		futex_enqueue(futex_bucket(&w.key), &w);
	if (!err && copy_in(&value, addr, sizeof(value)))
		err = -EFAULT;
	else if (!err && value != expected)
		err = -EAGAIN;
	ret = err;
	if (err)
		list_del_init(&w.node);
	else
		ret = futex_pi_sleep(&w, to, deadline_ns);
	futex_key_put(&w.key);
	futex_key_put(&w.requeue_key);
	return ret;
}
