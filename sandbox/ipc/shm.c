/*
 * shm.c - shared memory segments: shmget(2), shmctl(2).
 *
 * A segment's bytes are those of an unlinked tmpfs file, mapped like any other shared file (shm_map.c). It
 * lives until IPC_RMID and then until nobody has it attached: meanwhile it is marked SHM_DEST, has lost its
 * key, and its id still works.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "sandbox/base/host_fd.h"
#include "sandbox/fs/tmpfs/tmpfs.h"
#include "sandbox/ipc/ipc_priv.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/usage.h"
#include "sandbox/vfs/vfs.h"

#define HUGE_SHIFT 26
#define HUGE_2M    21U
#define HUGE_1G    30U

static struct ipc_ids *ids(struct ipc_state *s)
{
	return &s->ids[IPC_SHM_IDS];
}

/* ---- life ---- */

static void segment_release(struct object *obj)
{
	struct shm_segment *s = container_of(obj, struct shm_segment, perm.obj);

	host_fd_put(s->backing);
	file_put(s->file);
	pid_put(s->cpid);
	pid_put(s->lpid);
	kfree(s);
}

static void forget_creator(struct shm_segment *s)
{
	list_del_init(&s->creator_node);
	s->creator = NULL;
}

/* Out of the table; who has it mapped keeps it. */
static void destroy(struct shm_segment *s)
{
	struct ipc_state *state = s->state;

	s->state = NULL;
	state->shm_pages -= shm_pages_of(s);
	forget_creator(s);
	ipc_remove(ids(state), &s->perm);
}

void shm_maybe_destroy(struct shm_segment *s)
{
	if (s->state && !s->attached && ((s->perm.mode & LINUX_SHM_DEST) || s->state->shm_rmid_forced))
		destroy(s);
}

static void mark_removed(struct shm_segment *s)
{
	if (!s->attached) {
		destroy(s);
		return;
	}
	s->perm.mode |= LINUX_SHM_DEST;
	ipc_forget_key(ids(s->state), &s->perm);
}

void shm_namespace_end(struct ipc_state *state)
{
	for (u32 i = 0; i < ids(state)->capacity; i++)
		if (ids(state)->slots[i])
			destroy(shm_of(ids(state)->slots[i]));
}

void shm_task_leave(struct task *t)
{
	struct shm_segment *s, *next;

	list_for_each_entry_safe (s, next, &t->shm_created, creator_node) {
		forget_creator(s);
		if (s->state->shm_rmid_forced)
			mark_removed(s);
	}
}

void shm_remove_orphans(struct ipc_state *state)
{
	for (u32 i = 0; i < ids(state)->capacity; i++)
		if (ids(state)->slots[i] && !shm_of(ids(state)->slots[i])->creator)
			shm_maybe_destroy(shm_of(ids(state)->slots[i]));
}

/* ---- shmget ---- */

/* There are no huge pages in the pool: as Linux then answers. */
static int refuse_huge(u32 flags)
{
	u32 shift = flags >> HUGE_SHIFT;

	if (shift && shift != HUGE_2M && shift != HUGE_1G)
		return -EINVAL;
	return capable(LINUX_CAP_IPC_LOCK) || cred_in_group(current_task()->cred, 0) ? -ENOMEM : -EPERM;
}

static int make_file(struct shm_segment *s, s32 key)
{
	char name[16];
	u64 host_offset;
	int err;

	snprintf(name, sizeof(name), "SYSV%08x", (u32)key);
	err = tmpfs_unlinked_file(name, s->size, &s->file);
	if (!err)
		err = s->file->ops->mmap(s->file, 0, s->size, 3, true, &s->backing, &host_offset);
	return err;
}

static s64 new_segment(struct ipc_state *state, s32 key, u64 size, u32 flags)
{
	struct task *t = current_task();
	struct shm_segment *s;
	u64 pages = PAGE_UP(size) >> PAGE_SHIFT;
	int err;

	if (!size || size > state->shmmax)
		return -EINVAL;
	if (pages << PAGE_SHIFT < size || state->shm_pages + pages < pages ||
	    state->shm_pages + pages > state->shmall)
		return -ENOSPC;
	if (flags & LINUX_SHM_HUGETLB)
		return refuse_huge(flags);
	if (size > INT64_MAX) /* no file is so large */
		return -EINVAL;
	if (!(flags & LINUX_SHM_NORESERVE) && memory_would_overcommit(size))
		return -ENOMEM;
	s = knew(struct shm_segment);
	if (!s)
		return -ENOMEM;
	object_init(&s->perm.obj, segment_release);
	list_init(&s->creator_node);
	s->size = size;
	err = make_file(s, key);
	if (!err)
		err = ipc_add(ids(state), &s->perm, key, flags, state->shmmni);
	if (err) {
		ipc_put(&s->perm);
		return err;
	}
	s->file->inode->attr.ino = (u32)s->perm.id; /* as /proc/PID/maps shows it */
	s->state = state;
	s->ctime = ipc_now();
	ipc_set_pid(&s->cpid);
	s->creator = t;
	list_add_tail(&s->creator_node, &t->shm_created);
	state->shm_pages += pages;
	return s->perm.id;
}

s64 shm_get(s32 key, u64 size, u32 flags)
{
	struct ipc_state *state = ipc_here();
	struct ipc_perm *p;
	int err = ipc_get(ids(state), key, flags, &p);

	if (err < 0)
		return err;
	if (err)
		return new_segment(state, key, size, flags);
	return shm_of(p)->size < size ? -EINVAL : ipc_get_allowed(p, flags);
}

/* ---- shmctl ---- */

s64 shm_stat(s32 id, bool by_index, bool any, struct linux_shmid_ds *out)
{
	struct shm_segment *s;
	struct ipc_perm *p;
	int err = ipc_find(ids(ipc_here()), id, by_index, &p);

	if (err)
		return err;
	if (!any && !ipc_may(p, 0444))
		return -EACCES;
	s = shm_of(p);
	*out = (struct linux_shmid_ds){.segsz = s->size,
				       .atime = s->atime,
				       .dtime = s->dtime,
				       .ctime = s->ctime,
				       .cpid = ipc_pid_seen(s->cpid),
				       .lpid = ipc_pid_seen(s->lpid),
				       .nattch = s->attached};
	ipc_perm_show(p, &out->perm);
	return by_index ? p->id : 0;
}

int shm_set(s32 id, const struct linux_shmid_ds *in)
{
	struct ipc_perm *p;
	int err = ipc_find_owned(ids(ipc_here()), id, &p);

	if (!err)
		err = ipc_perm_set(p, &in->perm);
	if (!err)
		shm_of(p)->ctime = ipc_now();
	return err;
}

int shm_remove(s32 id)
{
	struct ipc_perm *p;
	int err = ipc_find_owned(ids(ipc_here()), id, &p);

	if (!err)
		mark_removed(shm_of(p));
	return err;
}

/* Kept and told back: there is no swap in a sandbox. Who locks must be allowed to lock so much. */
int shm_lock(s32 id, bool lock)
{
	const struct cred *c = current_task()->cred;
	struct ipc_perm *p;
	u64 limit = task_rlimit(current_task(), LINUX_RLIMIT_MEMLOCK);
	int err = ipc_find(ids(ipc_here()), id, false, &p);

	if (err)
		return err;
	if (!ns_capable(ipc_owner(), LINUX_CAP_IPC_LOCK)) {
		if (c->euid != p->uid && c->euid != p->cuid)
			return -EPERM;
		if (lock && !limit)
			return -EPERM;
		if (lock && PAGE_UP(shm_of(p)->size) > limit)
			return -ENOMEM;
	}
	p->mode = lock ? p->mode | LINUX_SHM_LOCKED : p->mode & ~LINUX_SHM_LOCKED;
	return 0;
}

s64 shm_limits(struct linux_shminfo *out)
{
	struct ipc_state *state = ipc_here();

	*out = (struct linux_shminfo){.shmmax = state->shmmax,
				      .shmmin = 1,
				      .shmmni = state->shmmni,
				      .shmseg = state->shmmni,
				      .shmall = state->shmall};
	return ipc_highest(ids(state));
}

u64 shm_resident(const struct ipc_perm *p)
{
	struct shm_segment *s = shm_of(p);
	struct stat st;

	return fstat(s->backing->fd, &st) ? 0 : (u64)st.st_blocks * 512 / PAGE_SIZE;
}

s64 shm_info(struct linux_shm_info *out)
{
	struct ipc_state *state = ipc_here();

	*out = (struct linux_shm_info){.used_ids = (s32)ids(state)->in_use, .tot = state->shm_pages};
	for (u32 i = 0; i < ids(state)->capacity; i++)
		if (ids(state)->slots[i])
			out->rss += shm_resident(ids(state)->slots[i]);
	return ipc_highest(ids(state));
}
