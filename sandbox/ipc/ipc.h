/*
 * ipc.h - System V IPC, sysvipc(7): shared memory segments, semaphore sets and message queues of an IPC
 * namespace, as its `struct ipc_state`.
 *
 * The calls here are those of syscalls/ipc.c: on the current task, in its namespace, with guest structures
 * already copied in and not yet copied out. What a task must do when it forks, ends or changes its namespace
 * is at the end.
 */
#ifndef WARREN_IPC_IPC_H
#define WARREN_IPC_IPC_H

#include "sandbox/abi/ipc.h"
#include "sandbox/base/list.h"

struct task;
struct text_buf;
struct ipc_state;

struct ipc_state *ipc_state_new(void) must_check;
/* The namespace goes: everything in it that is not mapped goes too. */
void ipc_state_free(struct ipc_state *s);

/* ---- shared memory ---- */

s64 shm_get(s32 key, u64 size, u32 flags);
/* [sleeps] */
s64 shm_attach(struct task *t, s32 id, u64 addr, u32 flags);
int shm_detach(struct task *t, u64 addr);
/* `by_index`: id is the place in the table (SHM_STAT); `any`: without permission. The id. */
s64 shm_stat(s32 id, bool by_index, bool any, struct linux_shmid_ds *out);
int shm_set(s32 id, const struct linux_shmid_ds *in);
int shm_remove(s32 id);
int shm_lock(s32 id, bool lock);
/* Each gives the highest used place in the table. */
s64 shm_limits(struct linux_shminfo *out);
s64 shm_info(struct linux_shm_info *out);

/* ---- semaphores ---- */

s64 sem_get(s32 key, s32 count, u32 flags);
/* semtimedop(2): how many operations one call may hold; the work. [sleeps] */
u32 sem_ops_max(void);
int sem_operate(struct task *t, s32 id, const struct linux_sembuf *ops, u32 count, u64 deadline);
s64 sem_stat(s32 id, bool by_index, bool any, struct linux_semid_ds *out);
int sem_set(s32 id, const struct linux_semid_ds *in);
int sem_remove(s32 id);
/* GETPID, GETVAL, GETNCNT, GETZCNT. */
s64 sem_value(s32 id, s32 num, int cmd);
int sem_set_value(s32 id, s32 num, s32 value);
/* An array of all values, to be freed by the caller. */
s64 sem_get_all(s32 id, u16 **values);
/* How many SETALL needs, after its checks; then the work. */
s64 sem_count_for_set(s32 id);
int sem_set_all(s32 id, const u16 *values, u32 count);
s64 sem_limits(bool used, struct linux_seminfo *out);

/* ---- messages ---- */

struct msg {
	struct list_head node;
	s64 type;
	u64 size;
	char text[];
};

u64 msg_size_max(void);
struct msg *msg_alloc(u64 size) must_check;
s64 msg_get(s32 key, u32 flags);
/* m is taken over, also when this fails. [sleeps] */
int msg_send(struct task *t, s32 id, struct msg *m, u32 flags);
/* The message is the caller's to free. [sleeps] */
int msg_receive(struct task *t, s32 id, s64 type, u64 size, u32 flags, struct msg **out);
s64 msg_stat(s32 id, bool by_index, bool any, struct linux_msqid_ds *out);
int msg_set(s32 id, const struct linux_msqid_ds *in);
int msg_remove(s32 id);
s64 msg_limits(bool used, struct linux_msginfo *out);

/* ---- tasks ---- */

struct sem_undo_list;
/* A task is made: it shares its maker's list of undo operations, or begins without. -ENOMEM. */
int ipc_task_fork(struct task *parent, struct task *child, u64 clone_flags) must_check;
/* It ends or goes into another namespace; with `undo_only`, unshare(CLONE_SYSVSEM). */
void ipc_task_leave(struct task *t, bool undo_only);

/* ---- /proc ---- */

void ipc_show_shm(struct text_buf *b);
void ipc_show_sem(struct text_buf *b);
void ipc_show_msg(struct text_buf *b);

/* The numbers in /proc/sys/kernel that each namespace has of its own. */
enum ipc_sysctl {
	IPC_SHMMAX,
	IPC_SHMALL,
	IPC_SHMMNI,
	IPC_SHM_RMID_FORCED,
	IPC_MSGMAX,
	IPC_MSGMNB,
	IPC_MSGMNI,
	IPC_SHM_NEXT_ID,
	IPC_SEM_NEXT_ID,
	IPC_MSG_NEXT_ID,
	IPC_SEM, /* four numbers */
	IPC_SYSCTLS
};
void ipc_sysctl_show(enum ipc_sysctl id, struct text_buf *b);
s64 ipc_sysctl_store(enum ipc_sysctl id, const char *data, size_t size);

#endif
