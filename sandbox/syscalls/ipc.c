/*
 * syscalls/ipc.c - System V IPC: shared memory, semaphores, messages.
 */
#include "sandbox/ipc/ipc.h"

#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/poll.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"

/* A structure for the guest, and what the call returns besides. */
static s64 give(u64 user, const void *data, size_t size, s64 result)
{
	if (result < 0)
		return result;
	return copy_out(uaddr(user), data, size) ? -EFAULT : result;
}

/* ---- shared memory ---- */

s64 sys_shmget(struct task *t, const u64 *a)
{
	return shm_get(arg_int(a[0]), a[1], (u32)a[2]);
}

s64 sys_shmat(struct task *t, const u64 *a)
{
	return shm_attach(t, arg_int(a[0]), a[1], (u32)a[2]);
}

s64 sys_shmdt(struct task *t, const u64 *a)
{
	return shm_detach(t, a[0]);
}

s64 sys_shmctl(struct task *t, const u64 *a)
{
	s32 id = arg_int(a[0]), cmd = arg_int(a[1]);
	struct linux_shmid_ds ds;
	struct linux_shminfo limits;
	struct linux_shm_info info;
	s64 r;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case LINUX_IPC_INFO:
		r = shm_limits(&limits);
		return give(a[2], &limits, sizeof(limits), r);
	case LINUX_SHM_INFO:
		r = shm_info(&info);
		return give(a[2], &info, sizeof(info), r);
	case LINUX_IPC_STAT:
	case LINUX_SHM_STAT:
	case LINUX_SHM_STAT_ANY:
		r = shm_stat(id, cmd != LINUX_IPC_STAT, cmd == LINUX_SHM_STAT_ANY, &ds);
		return give(a[2], &ds, sizeof(ds), r);
	case LINUX_IPC_SET:
		return copy_in(&ds, uaddr(a[2]), sizeof(ds)) ? -EFAULT : shm_set(id, &ds);
	case LINUX_IPC_RMID:
		return shm_remove(id);
	case LINUX_SHM_LOCK:
	case LINUX_SHM_UNLOCK:
		return shm_lock(id, cmd == LINUX_SHM_LOCK);
	default:
		return -EINVAL;
	}
}

/* ---- semaphores ---- */

s64 sys_semget(struct task *t, const u64 *a)
{
	return sem_get(arg_int(a[0]), arg_int(a[1]), (u32)a[2]);
}

static s64 operate(struct task *t, const u64 *a, const struct linux_timespec *timeout)
{
	auto_cleanup(kfreep) struct linux_sembuf *ops = NULL;
	u64 deadline = TIME_NEVER;
	u32 count = (u32)a[2];
	int err;

	if (count > sem_ops_max())
		return -E2BIG;
	ops = kmalloc(count * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	if (copy_in(ops, uaddr(a[1]), count * sizeof(*ops)))
		return -EFAULT;
	if (!count || arg_int(a[0]) < 0)
		return -EINVAL;
	err = timeout ? poll_deadline(timeout, &deadline) : 0;
	return err ? err : sem_operate(t, arg_int(a[0]), ops, count, deadline);
}

s64 sys_semop(struct task *t, const u64 *a)
{
	return operate(t, a, NULL);
}

s64 sys_semtimedop(struct task *t, const u64 *a)
{
	struct linux_timespec ts;

	if (a[3] && get_user(&ts, uaddr(a[3])))
		return -EFAULT;
	return operate(t, a, a[3] ? &ts : NULL);
}

static s64 get_all(s32 id, u64 user)
{
	auto_cleanup(kfreep) u16 *values = NULL;
	s64 n = sem_get_all(id, &values);

	return n < 0 ? n : give(user, values, (size_t)n * sizeof(u16), 0);
}

static s64 set_all(s32 id, u64 user)
{
	auto_cleanup(kfreep) u16 *values = NULL;
	s64 n = sem_count_for_set(id);

	if (n < 0)
		return n;
	values = kmalloc((size_t)n * sizeof(u16));
	if (!values)
		return -ENOMEM;
	if (copy_in(values, uaddr(user), (size_t)n * sizeof(u16)))
		return -EFAULT;
	return sem_set_all(id, values, (u32)n);
}

s64 sys_semctl(struct task *t, const u64 *a)
{
	s32 id = arg_int(a[0]), num = arg_int(a[1]), cmd = arg_int(a[2]);
	struct linux_semid_ds ds;
	struct linux_seminfo info;
	s64 r;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case LINUX_IPC_INFO:
	case LINUX_SEM_INFO:
		r = sem_limits(cmd == LINUX_SEM_INFO, &info);
		return give(a[3], &info, sizeof(info), r);
	case LINUX_IPC_STAT:
	case LINUX_SEM_STAT:
	case LINUX_SEM_STAT_ANY:
		r = sem_stat(id, cmd != LINUX_IPC_STAT, cmd == LINUX_SEM_STAT_ANY, &ds);
		return give(a[3], &ds, sizeof(ds), r);
	case LINUX_GETALL:
		return get_all(id, a[3]);
	case LINUX_GETVAL:
	case LINUX_GETPID:
	case LINUX_GETNCNT:
	case LINUX_GETZCNT:
		return sem_value(id, num, cmd);
	case LINUX_SETVAL:
		return sem_set_value(id, num, arg_int(a[3]));
	case LINUX_SETALL:
		return set_all(id, a[3]);
	case LINUX_IPC_SET:
		return copy_in(&ds, uaddr(a[3]), sizeof(ds)) ? -EFAULT : sem_set(id, &ds);
	case LINUX_IPC_RMID:
		return sem_remove(id);
	default:
		return -EINVAL;
	}
}

/* ---- messages ---- */

s64 sys_msgget(struct task *t, const u64 *a)
{
	return msg_get(arg_int(a[0]), (u32)a[1]);
}

s64 sys_msgsnd(struct task *t, const u64 *a)
{
	struct msg *m;
	s64 type;

	if (get_user(&type, uaddr(a[1])))
		return -EFAULT;
	if (a[2] > msg_size_max() || (s64)a[2] < 0 || arg_int(a[0]) < 0 || type < 1)
		return -EINVAL;
	m = msg_alloc(a[2]);
	if (!m)
		return -ENOMEM;
	m->type = type;
	if (copy_in(m->text, uaddr(a[1] + 8), a[2])) {
		kfree(m);
		return -EFAULT;
	}
	return msg_send(t, arg_int(a[0]), m, (u32)a[3]);
}

/* As on Linux a message is lost whose place cannot be written. */
s64 sys_msgrcv(struct task *t, const u64 *a)
{
	auto_cleanup(kfreep) struct msg *m = NULL;
	u64 size;
	int err;

	if (arg_int(a[0]) < 0 || (s64)a[2] < 0)
		return -EINVAL;
	err = msg_receive(t, arg_int(a[0]), (s64)a[3], a[2], (u32)a[4], &m);
	if (err)
		return err;
	size = min_t(u64, m->size, a[2]);
	if (put_user(&m->type, uaddr(a[1])) || copy_out(uaddr(a[1] + 8), m->text, size))
		return -EFAULT;
	return (s64)size;
}

s64 sys_msgctl(struct task *t, const u64 *a)
{
	s32 id = arg_int(a[0]), cmd = arg_int(a[1]);
	struct linux_msqid_ds ds;
	struct linux_msginfo info;
	s64 r;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case LINUX_IPC_INFO:
	case LINUX_MSG_INFO:
		r = msg_limits(cmd == LINUX_MSG_INFO, &info);
		return give(a[2], &info, sizeof(info), r);
	case LINUX_IPC_STAT:
	case LINUX_MSG_STAT:
	case LINUX_MSG_STAT_ANY:
		r = msg_stat(id, cmd != LINUX_IPC_STAT, cmd == LINUX_MSG_STAT_ANY, &ds);
		return give(a[2], &ds, sizeof(ds), r);
	case LINUX_IPC_SET:
		return copy_in(&ds, uaddr(a[2]), sizeof(ds)) ? -EFAULT : msg_set(id, &ds);
	case LINUX_IPC_RMID:
		return msg_remove(id);
	default:
		return -EINVAL;
	}
}
