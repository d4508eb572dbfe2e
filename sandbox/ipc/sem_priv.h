/*
 * sem_priv.h - semaphore sets: what sem.c, sem_op.c and sem_undo.c share.
 *
 * Whoever cannot proceed waits in the list of the one semaphore that stops him, so that a change of a value
 * looks only at those whom it can concern, and GETNCNT and GETZCNT count one list.
 */
#ifndef WARREN_IPC_SEM_PRIV_H
#define WARREN_IPC_SEM_PRIV_H

#include "sandbox/ipc/ipc_priv.h"

struct sem {
	s32 value;
	struct pid *pid;             /* counted: who operated on it last */
	struct list_head waiters;    /* struct sem_waiter, oldest first */
	struct list_head dirty_node; /* in sem_set.dirty: its value has changed, its waiters were not asked */
};

struct sem_set {
	struct ipc_perm perm;
	u32 count;
	s64 otime, ctime;
	u64 tickets;
	struct list_head undos; /* struct sem_undo.set_node */
	struct list_head dirty;
	struct sem sems[];
};

/* What one list of undo operations would add to a set at the end of its last task. */
struct sem_undo {
	struct list_head list_node, set_node;
	struct sem_set *set; /* leaves with it */
	s16 adjust[];
};

/* One call of semop(2), on the caller's stack. */
struct sem_call {
	struct list_head node; /* in the waiters of the semaphore that stops it */
	u64 ticket;
	const struct linux_sembuf *ops;
	u32 count;
	u32 stopped_by; /* index of the operation */
	bool alters, done;
	int result;
	struct sem_undo *undo;
	struct pid *pid; /* of the process; borrowed */
	struct wait_queue wake;
};

static inline struct sem_set *set_of(struct ipc_perm *p)
{
	return container_of(p, struct sem_set, perm);
}

/* sem_op.c */
void sem_changed(struct sem_set *s, u32 num);
/* Lets all go on who can. */
void sem_update(struct sem_set *s);
/* The set is gone: all its waiters hear it. */
void sem_wake_removed(struct sem_set *s);

/* sem_undo.c */
/* The current task's record for the set, made if need be. */
int sem_undo_find(struct task *t, struct sem_set *s, struct sem_undo **out) must_check;
void sem_undo_drop_all(struct sem_set *s);
/* SETVAL, SETALL: nothing is to be undone for num any more. */
void sem_undo_clear(struct sem_set *s, u32 num);

#endif
