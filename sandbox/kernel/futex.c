/*
 * futex.c - futex(2): waiting on a word of guest memory, and waking.
 *
 * A waiter stands on its own coroutine's stack in a bucket of one hash table, under the key of the word: the
 * address space and address for private memory, the inode or shared object and offset for shared memory; the
 * key keeps the object alive. A waiter is queued first and the word read then, so no wake can fall in the
 * gap: a guest's store that the read missed is followed by a wake that finds the waiter.
 *
 * futex_pi.c has the locks with owners, futex_requeue.c moves waiters, futex_exit.c ends a thread's locks.
 */
#include <errno.h>

#include "sandbox/kernel/futex_priv.h"
#include "sandbox/vfs/vfs.h"

#define FUTEX_BUCKETS 1024U
#define PRIO_NORMAL   100

struct futex_table {
	struct futex_bucket buckets[FUTEX_BUCKETS];
};

/* ---- keys and buckets ---- */

struct futex_bucket *futex_bucket(const struct futex_key *key)
{
	struct kernel *k = kernel();
	u64 h =
	    ((u64)(uintptr_t)key->object >> 4) * 0x9e3779b97f4a7c15ULL ^ key->offset * 0xc2b2ae3d27d4eb4fULL;

	if (!k->futexes) {
		k->futexes = knew(struct futex_table);
		if (!k->futexes)
			return NULL;
		for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
			list_init(&k->futexes->buckets[i].waiters);
			wait_queue_init(&k->futexes->buckets[i].pi_wait);
		}
	}
	return &k->futexes->buckets[(h >> 32) % FUTEX_BUCKETS];
}

bool futex_key_same(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

void futex_key_get(const struct futex_key *key)
{
	switch (key->kind) {
	case FUTEX_KEY_MM:
		mm_get(key->object);
		break;
	case FUTEX_KEY_INODE:
		inode_get(key->object);
		break;
	case FUTEX_KEY_BACKING:
		host_fd_get(key->object);
		break;
	}
}

void futex_key_put(const struct futex_key *key)
{
	switch (key->kind) {
	case FUTEX_KEY_MM:
		mm_put(key->object);
		break;
	case FUTEX_KEY_INODE:
		inode_put(key->object);
		break;
	case FUTEX_KEY_BACKING:
		host_fd_put(key->object);
		break;
	}
}

int futex_key_of(struct task *t, uaddr_t addr, bool is_private, struct futex_key *key)
{
	int err;

	if (addr.v & 3)
		return -EINVAL;
	if (addr.v >= PLATFORM_USER_END)
		return -EFAULT;
	err = mm_futex_key(t->mm, addr.v, is_private, key);
	if (err)
		return err;
	if (!futex_bucket(key))
		return -ENOMEM;
	futex_key_get(key);
	return 0;
}

/* ---- waiters ---- */

/* As Linux: real-time waiters come first, by their priority; all others in the order of their coming. */
static int priority_of(const struct task *t)
{
	return t->sched.policy == 1 || t->sched.policy == 2 ? PRIO_NORMAL - 1 - t->sched.priority
							    : PRIO_NORMAL;
}

void futex_waiter_init(struct futex_waiter *w, struct task *t, u32 bitset)
{
	*w = (struct futex_waiter){
	    .task = t, .coro = coro_current(), .bitset = bitset, .prio = priority_of(t)};
	list_init(&w->node);
}

void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w)
{
	struct list_head *at = b->waiters.prev;

	while (at != &b->waiters && list_entry(at, struct futex_waiter, node)->prio > w->prio)
		at = at->prev;
	list_add(&w->node, at);
}

void futex_waiter_wake(struct futex_waiter *w)
{
	list_del_init(&w->node);
	w->woken = true;
	coro_wake(w->coro);
}

struct futex_waiter *futex_top_waiter(struct futex_bucket *b, const struct futex_key *key)
{
	struct futex_waiter *w;

	list_for_each_entry (w, &b->waiters, node)
		if (futex_key_same(&w->key, key))
			return w;
	return NULL;
}

s64 futex_wait(struct task *t, uaddr_t addr, u32 expected, u64 deadline_ns, u32 bitset, bool is_private)
{
	struct futex_waiter w;
	u32 value;
	int err;

	if (!bitset)
		return -EINVAL;
	futex_waiter_init(&w, t, bitset);
	err = futex_key_of(t, addr, is_private, &w.key);
	if (err)
		return err;
	futex_enqueue(futex_bucket(&w.key), &w);
	if (copy_in(&value, addr, sizeof(value)))
		err = -EFAULT;
	else if (value != expected)
		err = -EAGAIN;
	while (!err && !w.woken)
		err = sched_sleep(deadline_ns, SLEEP_INTERRUPTIBLE);
	list_del_init(&w.node);
	futex_key_put(&w.key);
	return w.woken ? 0 : err;
}

/* ---- several words ---- */

static s64 first_woken(const struct futex_waiter *w, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (w[i].woken)
			return i;
	return -1;
}

s64 futex_wait_any(struct task *t, const struct futex_wait_one *v, u32 count, u64 deadline_ns)
{
	struct futex_waiter *w = knew_array(struct futex_waiter, count);
	u32 queued = 0, value;
	int err = w ? 0 : -ENOMEM;
	s64 found = -1;

	for (; !err && queued < count; queued++) {
		futex_waiter_init(&w[queued], t, ~0U);
		err = futex_key_of(t, v[queued].addr, v[queued].is_private, &w[queued].key);
		if (err)
			break;
		futex_enqueue(futex_bucket(&w[queued].key), &w[queued]);
	}
	for (u32 i = 0; !err && i < count; i++) {
		if (copy_in(&value, v[i].addr, sizeof(value)))
			err = -EFAULT;
		else if (value != v[i].expected)
			err = -EAGAIN;
	}
	while (!err && (found = first_woken(w, count)) < 0)
		err = sched_sleep(deadline_ns, SLEEP_INTERRUPTIBLE);
	found = w ? first_woken(w, queued) : -1;
	for (u32 i = 0; i < queued; i++) {
		list_del_init(&w[i].node);
		futex_key_put(&w[i].key);
	}
	kfree(w);
	return found >= 0 ? found : err;
}

/* ---- waking ---- */

s64 futex_wake_key(const struct futex_key *key, s32 count, u32 bitset)
{
	struct futex_bucket *b = futex_bucket(key);
	struct futex_waiter *w, *next;
	s64 woken = 0;

	list_for_each_entry_safe (w, next, &b->waiters, node) {
		if (!futex_key_same(&w->key, key))
			continue;
		if (w->pi || w->requeue_pi)
			return -EINVAL; /* owners hand over by FUTEX_UNLOCK_PI */
		if (!(w->bitset & bitset))
			continue;
		futex_waiter_wake(w);
		if (++woken >= count)
			break;
	}
	return woken;
}

s64 futex_wake(struct task *t, uaddr_t addr, s32 count, u32 bitset, bool is_private)
{
	struct futex_key key;
	s64 n;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_of(t, addr, is_private, &key);
	if (err)
		return err;
	n = futex_wake_key(&key, count, bitset);
	futex_key_put(&key);
	return n;
}

/* ---- FUTEX_WAKE_OP ---- */

static s32 sign_extend12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

static u32 apply_op(u32 what, u32 old, u32 arg)
{
	switch (what) {
	case 0:
		return arg;
	case 1:
		return old + arg;
	case 2:
		return old | arg;
	case 3:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

/* 0, 1, or -ENOSYS, found out only after the word was changed (as Linux does). */
static int compare_op(u32 cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case 0:
		return old == arg;
	case 1:
		return old != arg;
	case 2:
		return old < arg;
	case 3:
		return old <= arg;
	case 4:
		return old > arg;
	case 5:
		return old >= arg;
	default:
		return -ENOSYS;
	}
}

static int change_word(struct task *t, uaddr_t addr, u32 op)
{
	u32 what = op >> 28 & 7, old, prev;
	s32 arg = sign_extend12(op >> 12 & 0xfff);

	if (op >> 31)
		arg = (s32)(1U << (arg & 31));
	if (what > 4)
		return -ENOSYS;
	if (copy_in(&old, addr, sizeof(old)))
		return -EFAULT;
	for (;;) {
		int err = uthread_cmpxchg32(t->ut, addr, old, apply_op(what, old, (u32)arg), &prev);
		if (err)
			return err;
		if (prev == old)
			return compare_op(op >> 24 & 15, (s32)old, sign_extend12(op & 0xfff));
		if (fatal_signal_pending(t))
			return -EINTR;
		old = prev;
	}
}

s64 futex_wake_op(struct task *t, uaddr_t from, uaddr_t to, s32 count, s32 count2, u32 op, bool is_private)
{
	struct futex_key a, b;
	s64 n, m = 0;
	int hit, err = futex_key_of(t, from, is_private, &a);

	if (err)
		return err;
	err = futex_key_of(t, to, is_private, &b);
	if (err) {
		futex_key_put(&a);
		return err;
	}
	hit = change_word(t, to, op);
	n = hit < 0 ? hit : futex_wake_key(&a, count, ~0U);
	if (n >= 0 && hit > 0)
		m = futex_wake_key(&b, count2, ~0U);
	futex_key_put(&a);
	futex_key_put(&b);
	return n < 0 ? n : m < 0 ? m : n + m;
}
