/*
 * futex_priv.h - what the files futex*.c share: waiters, the hash table, the state of PI futexes.
 */
#ifndef WARREN_KERNEL_FUTEX_PRIV_H
#define WARREN_KERNEL_FUTEX_PRIV_H

#include "sandbox/kernel/futex.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/uaccess.h"

#define FUTEX_TID_MASK   0x3fffffffU
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_WAITERS    0x80000000U

/* pi_locked is held over the sleeps of one PI operation (a guest word is changed by the guest's own thread),
 * so that the word and what the kernel knows of it change together. Plain waits and wakes never need it. */
struct futex_bucket {
	struct list_head waiters; /* by priority, then age */
	bool pi_locked;
	struct wait_queue pi_wait;
};

/* A PI futex that somebody waits for: lives as long as it has waiters. */
struct futex_pi_state {
	struct futex_key key;        /* counted */
	struct task *owner;          /* NULL: died, the first waiter is about to take over */
	struct list_head owner_node; /* in owner->pi_states */
	u32 waiters;
};

struct futex_waiter {
	struct list_head node;
	struct futex_key key; /* counted */
	u32 bitset;
	int prio; /* lower is served first */
	struct task *task;
	struct coro *coro;
	bool woken;
	bool acquired;             /* PI: the lock is ours */
	struct futex_pi_state *pi; /* the lock it waits for */
	bool requeue_pi;           /* FUTEX_WAIT_REQUEUE_PI: to be moved to requeue_key only */
	struct futex_key requeue_key;
};

/* The word's key, with a reference to its object. */
int futex_key_of(struct task *t, uaddr_t addr, bool is_private, struct futex_key *key) must_check;
void futex_key_get(const struct futex_key *key);
void futex_key_put(const struct futex_key *key);
bool futex_key_same(const struct futex_key *a, const struct futex_key *b);
struct futex_bucket *futex_bucket(const struct futex_key *key);

void futex_waiter_init(struct futex_waiter *w, struct task *t, u32 bitset);
void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w);
void futex_waiter_wake(struct futex_waiter *w);
struct futex_waiter *futex_top_waiter(struct futex_bucket *b, const struct futex_key *key);
s64 futex_wake_key(const struct futex_key *key, s32 count, u32 bitset);

/* futex_pi.c */
void futex_pi_lock(struct futex_bucket *b);
void futex_pi_unlock(struct futex_bucket *b);
/* Tries to take the lock at addr for w->task, by `t`'s hand: 1 taken; 0 w->pi is the lock to wait for;
 * -EAGAIN once more; another error. The bucket is locked. [sleeps] */
int futex_pi_try(struct task *t, uaddr_t addr, const struct futex_key *key, struct futex_waiter *w,
		 bool set_waiters) must_check;
/* A waiter joins (its pi is set; it is queued already) or leaves a lock. */
int futex_pi_join(struct futex_waiter *w, struct futex_pi_state *pi) must_check;
void futex_pi_leave(struct futex_waiter *w);
/* Makes a state for a lock that `owner` holds; NULL without memory. */
struct futex_pi_state *futex_pi_state_new(const struct futex_key *key, struct task *owner);
void futex_pi_state_drop(struct futex_pi_state *pi);
/* Sleeps until w has the lock addr, the deadline or a signal; then w is in no queue. [sleeps] */
s64 futex_pi_sleep(struct futex_waiter *w, uaddr_t addr, u64 deadline_ns) must_check;
/* The task owns nothing any more: the first waiter of each of its locks takes over. */
void futex_pi_owner_dies(struct task *t);

#endif
