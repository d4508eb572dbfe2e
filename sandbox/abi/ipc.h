/*
 * abi/ipc.h - System V IPC: sysvipc(7), shmctl(2), semctl(2), msgctl(2).
 */
#ifndef WARREN_ABI_IPC_H
#define WARREN_ABI_IPC_H

#include "sandbox/base/types.h"

#define LINUX_IPC_PRIVATE 0
#define LINUX_IPC_CREAT   01000U
#define LINUX_IPC_EXCL    02000U
#define LINUX_IPC_NOWAIT  04000U

enum { LINUX_IPC_RMID, LINUX_IPC_SET, LINUX_IPC_STAT, LINUX_IPC_INFO };

/* Ids: the low bits are the slot in the namespace's table, the others tell apart who had it in turn. */
#define LINUX_IPC_SLOT_BITS 15U
#define LINUX_IPC_SLOTS     (1U << LINUX_IPC_SLOT_BITS)

struct linux_ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad0;
	u32 pad1;
	u64 unused[2];
};
static_assert(sizeof(struct linux_ipc_perm) == 48, "struct ipc64_perm");

/* ---- shared memory ---- */

#define LINUX_SHM_HUGETLB   04000U
#define LINUX_SHM_NORESERVE 010000U
#define LINUX_SHM_RDONLY    010000U
#define LINUX_SHM_RND       020000U
#define LINUX_SHM_REMAP     040000U
#define LINUX_SHM_EXEC      0100000U
#define LINUX_SHM_DEST      01000U
#define LINUX_SHM_LOCKED    02000U
enum { LINUX_SHM_LOCK = 11, LINUX_SHM_UNLOCK, LINUX_SHM_STAT, LINUX_SHM_INFO, LINUX_SHM_STAT_ANY };

struct linux_shmid_ds {
	struct linux_ipc_perm perm;
	u64 segsz;
	s64 atime, dtime, ctime;
	s32 cpid, lpid;
	u64 nattch, unused[2];
};
static_assert(sizeof(struct linux_shmid_ds) == 112, "struct shmid64_ds");

struct linux_shminfo {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
static_assert(sizeof(struct linux_shminfo) == 72, "struct shminfo64");

struct linux_shm_info {
	s32 used_ids, pad;
	u64 tot, rss, swp, swap_attempts, swap_successes;
};
static_assert(sizeof(struct linux_shm_info) == 48, "struct shm_info");

/* ---- semaphores ---- */

#define LINUX_SEM_UNDO 0x1000
#define LINUX_SEMVMX   32767
#define LINUX_SEMAEM   32767
enum {
	LINUX_GETPID = 11,
	LINUX_GETVAL,
	LINUX_GETALL,
	LINUX_GETNCNT,
	LINUX_GETZCNT,
	LINUX_SETVAL,
	LINUX_SETALL,
	LINUX_SEM_STAT,
	LINUX_SEM_INFO,
	LINUX_SEM_STAT_ANY
};

struct linux_sembuf {
	u16 num;
	s16 op, flags;
};
static_assert(sizeof(struct linux_sembuf) == 6, "struct sembuf");

struct linux_semid_ds {
	struct linux_ipc_perm perm;
	s64 otime;
	u64 unused0;
	s64 ctime;
	u64 unused1, nsems, unused2[2];
};
static_assert(sizeof(struct linux_semid_ds) == 104, "struct semid64_ds");

struct linux_seminfo {
	s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};
static_assert(sizeof(struct linux_seminfo) == 40, "struct seminfo");

/* ---- messages ---- */

#define LINUX_MSG_NOERROR 010000U
#define LINUX_MSG_EXCEPT  020000U
#define LINUX_MSG_COPY    040000U
enum { LINUX_MSG_STAT = 11, LINUX_MSG_INFO, LINUX_MSG_STAT_ANY };

struct linux_msqid_ds {
	struct linux_ipc_perm perm;
	s64 stime, rtime, ctime;
	u64 cbytes, qnum, qbytes;
	s32 lspid, lrpid;
	u64 unused[2];
};
static_assert(sizeof(struct linux_msqid_ds) == 120, "struct msqid64_ds");

struct linux_msginfo {
	s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	u16 msgseg, pad;
};
static_assert(sizeof(struct linux_msginfo) == 32, "struct msginfo");

#endif
