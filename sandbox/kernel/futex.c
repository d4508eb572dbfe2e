/*
 * futex.c - futex(2): waiting on a word of guest memory.
 *
 * A waiter stands on its own coroutine's stack in a bucket of one hash table, under the key of the word: the
 * address space and address for private memory, the backing object and offset for shared memory. Reading the
 * word and queueing happen without a sleep between them, so no wake can fall in the gap: a guest's store that
 * the read missed is followed by a wake that finds the waiter.
 */
#include "sandbox/kernel/futex.h"

#include <errno.h>

#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"

#define FUTEX_BUCKETS    1024U
#define ROBUST_LIST_MAX  2048 /* ROBUST_LIST_LIMIT: a list longer than that is a circle or an attack */
#define FUTEX_TID_MASK   0x3fffffffU
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_WAITERS    0x80000000U

struct futex_table {
	struct list_head buckets[FUTEX_BUCKETS];
};

struct futex_waiter {
	struct list_head node;
	struct futex_key key;
	u32 bitset;
	struct coro *coro;
	bool woken;
};

static struct list_head *bucket_of(const struct futex_key *key)
{
	struct kernel *k = kernel();
	u64 h =
	    ((u64)(uintptr_t)key->object >> 4) * 0x9e3779b97f4a7c15ULL ^ key->offset * 0xc2b2ae3d27d4eb4fULL;

	if (!k->futexes) {
		k->futexes = knew(struct futex_table);
		if (!k->futexes)
			return NULL;
		for (u32 i = 0; i < FUTEX_BUCKETS; i++)
			list_init(&k->futexes->buckets[i]);
	}
	return &k->futexes->buckets[(h >> 32) % FUTEX_BUCKETS];
}

static bool same(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

static int key_of(struct task *t, uaddr_t addr, bool is_private, struct futex_key *key)
{
	if (addr.v & 3)
		return -EINVAL;
	if (addr.v >= PLATFORM_USER_END)
		return -EFAULT;
	return mm_futex_key(t->mm, addr.v, is_private, key);
}

static void waiter_wake(struct futex_waiter *w)
{
	list_del_init(&w->node);
	w->woken = true;
	coro_wake(w->coro);
}

s64 futex_wait(struct task *t, uaddr_t addr, u32 expected, u64 deadline_ns, u32 bitset, bool is_private)
{
	struct futex_waiter w = {.bitset = bitset, .coro = coro_current()};
	struct list_head *bucket;
	u32 value;
	int err;

	if (!bitset)
		return -EINVAL;
	err = key_of(t, addr, is_private, &w.key);
	if (err)
		return err;
	bucket = bucket_of(&w.key);
	if (!bucket)
		return -ENOMEM;
	/* queued first: reading the word may sleep, and a wake that comes meanwhile must find us */
	list_add_tail(&w.node, bucket);
	if (copy_in(&value, addr, sizeof(value)))
		err = -EFAULT;
	else if (value != expected)
		err = -EAGAIN;
	while (!err && !w.woken)
		err = sched_sleep(deadline_ns, SLEEP_INTERRUPTIBLE);
	list_del_init(&w.node);
	return w.woken ? 0 : err;
}

s64 futex_wake(struct task *t, uaddr_t addr, u32 count, u32 bitset, bool is_private)
{
	struct futex_waiter *w, *next;
	struct list_head *bucket;
	struct futex_key key;
	s64 woken = 0;
	int err;

	if (!bitset)
		return -EINVAL;
	err = key_of(t, addr, is_private, &key);
	if (err)
		return err;
	bucket = bucket_of(&key);
	if (!bucket)
		return 0;
	list_for_each_entry_safe (w, next, bucket, node) {
		if (!same(&w->key, &key) || !(w->bitset & bitset))
			continue;
		waiter_wake(w);
		if (++woken >= count)
			break;
	}
	return woken;
}

s64 futex_requeue(struct task *t, uaddr_t from, uaddr_t to, u32 wake, u32 move, const u32 *expected,
		  bool is_private)
{
	struct list_head *source, *target;
	struct futex_waiter *w, *next;
	struct futex_key a, b;
	u32 value, woken = 0, moved = 0;
	int err;

	if ((s32)wake < 0 || (s32)move < 0)
		return -EINVAL;
	err = key_of(t, from, is_private, &a);
	if (!err)
		err = key_of(t, to, is_private, &b);
	if (err)
		return err;
	if (expected) {
		if (copy_in(&value, from, sizeof(value)))
			return -EFAULT;
		if (value != *expected)
			return -EAGAIN;
	}
	source = bucket_of(&a);
	target = bucket_of(&b);
	if (!source || !target)
		return -ENOMEM;
	list_for_each_entry_safe (w, next, source, node) {
		if (!same(&w->key, &a))
			continue;
		if (woken < wake) {
			waiter_wake(w);
			woken++;
		} else if (moved < move) {
			if (same(&a, &b))
				break;
			w->key = b;
			list_move_tail(&w->node, target);
			moved++;
		} else {
			break;
		}
	}
	return expected ? woken + moved : woken;
}

static s32 sign_extend12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

/* FUTEX_WAKE_OP: changes *to as val3 says, atomically, then wakes by what it was. */
s64 futex_wake_op(struct task *t, uaddr_t from, uaddr_t to, u32 count, u32 count2, u32 op, bool is_private)
{
	u32 what = op >> 28 & 7, cmp = op >> 24 & 15, old, new_value, prev;
	s32 arg = sign_extend12(op >> 12 & 0xfff), cmp_arg = sign_extend12(op & 0xfff);
	struct futex_key key;
	bool hit;
	s64 n, m;
	int err;

	if (op >> 31)
		arg = 1 << (arg & 31);
	if (what > 4 || cmp > 5)
		return -ENOSYS;
	err = key_of(t, to, is_private, &key);
	if (err)
		return err;
	if (copy_in(&old, to, sizeof(old)))
		return -EFAULT;
	for (int tries = 0;; tries++) {
		new_value = what == 0   ? (u32)arg
			    : what == 1 ? old + (u32)arg
			    : what == 2 ? old | (u32)arg
			    : what == 3 ? old & ~(u32)arg
					: old ^ (u32)arg;
		err = uthread_cmpxchg32(t->ut, to, old, new_value, &prev);
		if (err)
			return err;
		if (prev == old)
			break;
		if (tries == 1000)
			return -EAGAIN;
		old = prev;
	}
	n = futex_wake(t, from, count, ~0U, is_private);
	if (n < 0)
		return n;
	hit = cmp == 0   ? (s32)old == cmp_arg
	      : cmp == 1 ? (s32)old != cmp_arg
	      : cmp == 2 ? (s32)old < cmp_arg
	      : cmp == 3 ? (s32)old <= cmp_arg
	      : cmp == 4 ? (s32)old > cmp_arg
			 : (s32)old >= cmp_arg;
	m = hit ? futex_wake(t, to, count2, ~0U, is_private) : 0;
	return m < 0 ? m : n + m;
}

/* ---- the end of a thread ---- */

/* One lock of the dying thread: marks it as orphaned and wakes one who waits for it. */
static int robust_release(struct task *t, u64 addr, bool pending)
{
	u32 value, prev, tid = (u32)pid_nr(t->pid, task_pid_ns(t));

	if ((addr & 3) || copy_in_mm(t->mm, &value, uaddr(addr), sizeof(value)))
		return -EFAULT;
	for (int tries = 0; tries < 1000; tries++) {
		if (pending && !value) { /* died between unlock and the list's update: somebody may wait */
			(void)futex_wake(t, uaddr(addr), 1, ~0U, false);
			return 0;
		}
		if ((value & FUTEX_TID_MASK) != tid)
			return 0;
		if (uthread_cmpxchg32(t->ut, uaddr(addr), value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED,
				      &prev))
			return -EFAULT;
		if (prev == value)
			break;
		value = prev;
	}
	if (value & FUTEX_WAITERS)
		(void)futex_wake(t, uaddr(addr), 1, ~0U, false);
	return 0;
}

static void robust_list_walk(struct task *t)
{
	struct {
		u64 next, offset, pending;
	} head;
	u64 entry;

	if (copy_in_mm(t->mm, &head, t->robust_list, sizeof(head)))
		return;
	entry = head.next;
	for (int i = 0; i < ROBUST_LIST_MAX && entry && entry != t->robust_list.v; i++) {
		u64 next;
		int err = copy_in_mm(t->mm, &next, uaddr(entry & ~1ULL), sizeof(next));
		if (entry != head.pending && robust_release(t, (entry & ~1ULL) + head.offset, false))
			return;
		if (err)
			return;
		entry = next;
	}
	if (head.pending)
		(void)robust_release(t, (head.pending & ~1ULL) + head.offset, true);
}

void futex_exit(struct task *t)
{
	u32 zero = 0;

	if (!t->mm || !t->ut || t->mm->dying)
		return;
	if (t->robust_list.v)
		robust_list_walk(t);
	t->robust_list = uaddr(0);
	/* the word of CLONE_CHILD_CLEARTID matters only if somebody else lives in this memory */
	if (t->clear_child_tid.v && t->mm->users > 1 &&
	    !copy_out_mm(t->mm, t->clear_child_tid, &zero, sizeof(zero)))
		(void)futex_wake(t, t->clear_child_tid, 1, ~0U, false);
	t->clear_child_tid = uaddr(0);
}
