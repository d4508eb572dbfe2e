/*
 * state.c - what a namespace has: its tables and limits, and how /proc shows and sets them.
 */
#include <stdlib.h>

#include "sandbox/ipc/sem_priv.h"
#include "sandbox/vfs/vfs.h"

#define SHM_UNLIMITED (UINT64_MAX - (1UL << 24))

struct ipc_state *ipc_state_new(void)
{
	struct ipc_state *s = knew(struct ipc_state);

	if (!s)
		return NULL;
	for (u32 i = 0; i < IPC_KINDS; i++)
		ipc_ids_init(&s->ids[i]);
	s->shmmax = s->shmall = SHM_UNLIMITED;
	s->shmmni = 4096;
	s->semmsl = s->semmni = 32000;
	s->semmns = s->semmsl * s->semmni;
	s->semopm = 500;
	s->msgmax = 8192;
	s->msgmnb = 16384;
	s->msgmni = 32000;
	return s;
}

void ipc_state_free(struct ipc_state *s)
{
	if (!s)
		return;
	shm_namespace_end(s);
	sem_namespace_end(s);
	msg_namespace_end(s);
	for (u32 i = 0; i < IPC_KINDS; i++)
		kfree(s->ids[i].slots);
	kfree(s);
}

void ipc_task_leave(struct task *t, bool undo_only)
{
	sem_task_leave(t);
	if (!undo_only)
		shm_task_leave(t);
}

/* ---- /proc/sysvipc ---- */

typedef unsigned long ul; /* of printf */

void ipc_show_shm(struct text_buf *b)
{
	struct ipc_ids *ids = &ipc_here()->ids[IPC_SHM_IDS];

	text_printf(b,
		    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  "
		    "cgid      atime      dtime      ctime                   rss                  swap\n");
	for (u32 i = 0; i < ids->capacity; i++) {
		struct ipc_perm *p = ids->slots[i];
		struct shm_segment *s = p ? shm_of(p) : NULL;
		if (!p)
			continue;
		text_printf(
		    b, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21u\n",
		    p->key, p->id, p->mode, (ul)s->size, (u32)ipc_pid_seen(s->cpid),
		    (u32)ipc_pid_seen(s->lpid), (ul)s->attached, uid_seen(p->uid), gid_seen(p->gid),
		    uid_seen(p->cuid), gid_seen(p->cgid), (ul)s->atime, (ul)s->dtime, (ul)s->ctime,
		    (ul)(shm_resident(p) * PAGE_SIZE), 0);
	}
}

void ipc_show_sem(struct text_buf *b)
{
	struct ipc_ids *ids = &ipc_here()->ids[IPC_SEM_IDS];

	text_printf(b,
		    "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (u32 i = 0; i < ids->capacity; i++) {
		struct ipc_perm *p = ids->slots[i];
		if (p)
			text_printf(b, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lu %10lu\n", p->key, p->id,
				    p->mode, set_of(p)->count, uid_seen(p->uid), gid_seen(p->gid),
				    uid_seen(p->cuid), gid_seen(p->cgid), (ul)set_of(p)->otime,
				    (ul)set_of(p)->ctime);
	}
}

void ipc_show_msg(struct text_buf *b)
{
	struct ipc_ids *ids = &ipc_here()->ids[IPC_MSG_IDS];
	struct linux_msqid_ds d;

	text_printf(b,
		    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid "
		    "     stime      rtime      ctime\n");
	for (u32 i = 0; i < ids->capacity; i++)
		if (msg_stat((s32)i, true, true, &d) >= 0)
			text_printf(b,
				    "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n",
				    d.perm.key, ids->slots[i]->id, d.perm.mode, (ul)d.cbytes, (ul)d.qnum,
				    (u32)d.lspid, (u32)d.lrpid, d.perm.uid, d.perm.gid, d.perm.cuid,
				    d.perm.cgid, (ul)d.stime, (ul)d.rtime, (ul)d.ctime);
}

/* ---- /proc/sys/kernel ---- */

static u64 *number_of(struct ipc_state *s, enum ipc_sysctl id, u64 *max)
{
	*max = INT32_MAX;
	switch (id) {
	case IPC_SHMMAX:
		*max = UINT64_MAX;
		return &s->shmmax;
	case IPC_SHMALL:
		*max = UINT64_MAX;
		return &s->shmall;
	case IPC_SHMMNI:
		*max = LINUX_IPC_SLOTS;
		return &s->shmmni;
	case IPC_MSGMAX:
		return &s->msgmax;
	case IPC_MSGMNB:
		return &s->msgmnb;
	case IPC_MSGMNI:
		*max = LINUX_IPC_SLOTS;
		return &s->msgmni;
	default:
		return NULL;
	}
}

static s64 *next_id_of(struct ipc_state *s, enum ipc_sysctl id)
{
	switch (id) {
	case IPC_SHM_NEXT_ID:
		return &s->ids[IPC_SHM_IDS].next_id;
	case IPC_SEM_NEXT_ID:
		return &s->ids[IPC_SEM_IDS].next_id;
	case IPC_MSG_NEXT_ID:
		return &s->ids[IPC_MSG_IDS].next_id;
	default:
		return NULL;
	}
}

void ipc_sysctl_show(enum ipc_sysctl id, struct text_buf *b)
{
	struct ipc_state *s = ipc_here();
	s64 *next = next_id_of(s, id);
	u64 max, *number = number_of(s, id, &max);

	if (next)
		text_printf(b, "%ld\n", (long)*next);
	else if (number)
		text_printf(b, "%lu\n", (ul)*number);
	else if (id == IPC_SHM_RMID_FORCED)
		text_printf(b, "%d\n", s->shm_rmid_forced);
	else
		text_printf(b, "%u\t%u\t%u\t%u\n", s->semmsl, s->semmns, s->semopm, s->semmni);
}

/* Numbers with white space between and after; how many, or -EINVAL. */
static s64 parse(const char *data, size_t size, s64 *out, u32 max)
{
	char text[80], *at = text, *end;
	u32 n = 0;

	if (size >= sizeof(text))
		return -EINVAL;
	memcpy(text, data, size);
	text[size] = 0;
	while (n < max) {
		at += strspn(at, " \t\n");
		if (!*at)
			break;
		errno = 0;
		/* two's complement for all: shmmax may exceed INT64_MAX */
		out[n++] = *at == '-' ? strtoll(at, &end, 10) : (s64)strtoull(at, &end, 10);
		if (end == at || errno || !strchr(" \t\n", *end))
			return -EINVAL;
		at = end;
	}
	return n;
}

static int set_sem(struct ipc_state *s, const s64 *v, u32 n)
{
	u32 *slots[] = {&s->semmsl, &s->semmns, &s->semopm, &s->semmni};
	const s64 max[] = {INT32_MAX, INT32_MAX, INT32_MAX, LINUX_IPC_SLOTS};

	for (u32 i = 0; i < n; i++)
		if (v[i] < 0 || v[i] > max[i])
			return -EINVAL;
	for (u32 i = 0; i < n; i++)
		*slots[i] = (u32)v[i];
	return 0;
}

s64 ipc_sysctl_store(enum ipc_sysctl id, const char *data, size_t size)
{
	struct ipc_state *s = ipc_here();
	s64 v[4], n = parse(data, size, v, id == IPC_SEM ? 4 : 1), *next = next_id_of(s, id);
	u64 max, *number = number_of(s, id, &max);
	int err = 0;

	if (n <= 0)
		return n ? n : (s64)size;
	if (next) {
		if (!ns_capable(ipc_owner(), LINUX_CAP_CHECKPOINT_RESTORE) &&
		    !ns_capable(ipc_owner(), LINUX_CAP_SYS_ADMIN))
			return -EPERM;
		if (v[0] < 0 || v[0] > INT32_MAX)
			return -EINVAL;
		*next = v[0];
	} else if (number) {
		if ((u64)v[0] > max)
			return -EINVAL;
		*number = (u64)v[0];
	} else if (id == IPC_SHM_RMID_FORCED) {
		if (v[0] < 0 || v[0] > 1)
			return -EINVAL;
		s->shm_rmid_forced = v[0];
		if (v[0])
			shm_remove_orphans(s);
	} else {
		err = set_sem(s, v, (u32)n);
	}
	return err ? err : (s64)size;
}
