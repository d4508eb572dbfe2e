/*
 * ipc_priv.h - what the files of ipc/ share: the table of ids, keys and permissions.
 *
 * Each segment, set and queue begins with a `struct ipc_perm`, which the namespace's table holds a reference
 * to. Who sleeps on an object holds another, and finds `removed` set when he wakes after its IPC_RMID.
 */
#ifndef WARREN_IPC_IPC_PRIV_H
#define WARREN_IPC_IPC_PRIV_H

#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/base/arena.h"
#include "sandbox/base/tree.h"
#include "sandbox/ipc/ipc.h"
#include "sandbox/kernel/ns.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/wait.h"

enum ipc_kind { IPC_SHM_IDS, IPC_SEM_IDS, IPC_MSG_IDS, IPC_KINDS };

struct ipc_perm {
	struct object obj;
	struct tree_node key_node; /* in ipc_ids.keys unless the key is IPC_PRIVATE */
	s32 key, id;
	u32 uid, gid, cuid, cgid; /* kernel ids */
	u32 mode;                 /* permissions, and LINUX_SHM_DEST, _LOCKED */
	u32 seq;
	bool removed;
};

struct ipc_ids {
	struct ipc_perm **slots;
	u32 capacity, in_use;
	u32 seq;
	s32 last; /* the slot that was given last */
	s64 next_id;
	struct tree keys;
};

struct ipc_state {
	struct ipc_ids ids[IPC_KINDS];
	u64 shmmax, shmall, shmmni;
	bool shm_rmid_forced;
	u64 shm_pages;
	u32 semmsl, semmns, semopm, semmni;
	u64 sems_used;
	u64 msgmax, msgmnb, msgmni;
	u64 msg_bytes, msg_count;
};

/* The current task's. */
struct ipc_state *ipc_here(void);
/* The user namespace that governs it. */
struct user_ns *ipc_owner(void);

/* ---- ids.c ---- */

void ipc_ids_init(struct ipc_ids *ids);
/* A new object: its key, owner and place; it is then the table's. -ENOSPC at `limit` objects, -ENOMEM. */
int ipc_add(struct ipc_ids *ids, struct ipc_perm *p, s32 key, u32 mode, u64 limit) must_check;
/* Takes it out of the table, for which a reference is put. */
void ipc_remove(struct ipc_ids *ids, struct ipc_perm *p);
/* It can no longer be found by its key. */
void ipc_forget_key(struct ipc_ids *ids, struct ipc_perm *p);
/* Borrowed; NULL. */
struct ipc_perm *ipc_find_key(struct ipc_ids *ids, s32 key);
struct ipc_perm *ipc_at(struct ipc_ids *ids, u32 slot);
/* By id: borrowed, -EINVAL. By slot for the STAT calls. */
int ipc_find(struct ipc_ids *ids, s32 id, bool by_index, struct ipc_perm **out) must_check;
/* The highest slot in use; 0 if none. */
s64 ipc_highest(const struct ipc_ids *ids);
/* May the current task do what `want` says, mode bits of any class? */
bool ipc_may(const struct ipc_perm *p, u32 want);
/* Finds the object for a change of it: -EINVAL, -EPERM for who is neither owner nor privileged. */
int ipc_find_owned(struct ipc_ids *ids, s32 id, struct ipc_perm **out) must_check;
/* IPC_SET and IPC_STAT. */
int ipc_perm_set(struct ipc_perm *p, const struct linux_ipc_perm *in) must_check;
void ipc_perm_show(const struct ipc_perm *p, struct linux_ipc_perm *out);
/* The common part of shmget, semget, msgget: 1 = a new one is to be made; else the object in *out or an
 * error. The caller compares sizes, then calls ipc_get_allowed. */
int ipc_get(struct ipc_ids *ids, s32 key, u32 flags, struct ipc_perm **out) must_check;
s64 ipc_get_allowed(const struct ipc_perm *p, u32 flags);

static inline void ipc_put(struct ipc_perm *p)
{
	object_put(&p->obj);
}

s64 ipc_now(void); /* seconds since the epoch */
/* The process that does it, instead of the one that *slot names. */
void ipc_set_pid(struct pid **slot);
s32 ipc_pid_seen(const struct pid *p);

/* ---- what happens to objects from outside their file ---- */

void shm_namespace_end(struct ipc_state *s);
void sem_namespace_end(struct ipc_state *s);
void msg_namespace_end(struct ipc_state *s);
void shm_task_leave(struct task *t);
void sem_task_leave(struct task *t);
/* shm_rmid_forced was switched on. */
void shm_remove_orphans(struct ipc_state *s);
/* Pages in memory. */
u64 shm_resident(const struct ipc_perm *p);

/* ---- shm.c, shm_map.c ---- */

struct shm_segment {
	struct ipc_perm perm;
	struct ipc_state *state; /* NULL once it is out of the table */
	u64 size;
	struct file *file;       /* counted; unlinked tmpfs file */
	struct host_fd *backing; /* counted */
	u64 attached;            /* VMAs, and who is about to make one */
	s64 atime, dtime, ctime;
	struct pid *cpid, *lpid; /* counted */
	struct task *creator;    /* NULL once it has gone */
	struct list_head creator_node;
};

static inline struct shm_segment *shm_of(const struct ipc_perm *p)
{
	return container_of(p, struct shm_segment, perm);
}

static inline u64 shm_pages_of(const struct shm_segment *s)
{
	return PAGE_UP(s->size) >> PAGE_SHIFT;
}

/* Ends it now if nobody has it attached and it is marked for that. */
void shm_maybe_destroy(struct shm_segment *s);

#endif
