/*
 * shm_map.c - shmat(2), shmdt(2): segments in address spaces.
 *
 * A mapping is an ordinary shared VMA of the segment's file; its vma_ops count it. So fork, exec, exit,
 * munmap, mremap and splitting by mprotect count as on Linux, where too shm_nattch is a number of VMAs.
 */
#include "sandbox/abi/mman.h"
#include "sandbox/ipc/ipc_priv.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/vfs.h"

static void map_open(struct vma *v)
{
	struct shm_segment *s = v->private;

	object_get(&s->perm.obj);
	s->attached++;
	s->atime = ipc_now();
	ipc_set_pid(&s->lpid);
}

static void map_close(struct vma *v)
{
	struct shm_segment *s = v->private;

	s->attached--;
	s->dtime = ipc_now();
	ipc_set_pid(&s->lpid);
	shm_maybe_destroy(s);
	ipc_put(&s->perm);
}

static const struct vma_ops shm_vma_ops = {.open = map_open, .close = map_close};

static bool in_use(struct mm *mm, u64 addr, u64 size)
{
	struct vma *v = vma_find(mm, addr);

	return addr + size < addr || (v && v->start < addr + size);
}

static s64 map(struct task *t, struct shm_segment *s, u64 addr, u32 prot, bool fixed, bool replace)
{
	struct mm *mm = t->mm;
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	auto_cleanup(filep_put) struct file *f = NULL;
	struct vma *v;
	s64 at;

	if (addr && !replace && in_use(mm, addr, s->size))
		return -EINVAL;
	f = file_new(&s->file->path, s->file->inode, s->file->ops, prot & LINUX_PROT_WRITE ? 2 : 0);
	if (!f)
		return -ENOMEM;
	at = mm_mmap(mm, t->ut, addr, s->size, prot, LINUX_MAP_SHARED | (fixed ? LINUX_MAP_FIXED : 0), f, 0);
	if (at < 0)
		return at;
	v = vma_at(mm, (u64)at);
	v->ops = &shm_vma_ops;
	v->private = s;
	map_open(v);
	return at;
}

s64 shm_attach(struct task *t, s32 id, u64 addr, u32 flags)
{
	u32 prot = LINUX_PROT_READ, want = 0444;
	bool fixed = addr != 0;
	struct shm_segment *s;
	struct ipc_perm *p;
	s64 at;
	int err;

	if (id < 0 || ((addr & ~PAGE_MASK) && !(flags & LINUX_SHM_RND)))
		return -EINVAL;
	addr = PAGE_DOWN(addr);
	if ((flags & LINUX_SHM_REMAP) && !addr)
		return -EINVAL;
	if (!(flags & LINUX_SHM_RDONLY)) {
		prot |= LINUX_PROT_WRITE;
		want |= 0222;
	}
	if (flags & LINUX_SHM_EXEC) {
		prot |= LINUX_PROT_EXEC;
		want |= 0111;
	}
	err = ipc_find(&ipc_here()->ids[IPC_SHM_IDS], id, false, &p);
	if (err)
		return err;
	if (!ipc_may(p, want))
		return -EACCES;
	s = shm_of(p);
	object_get(&p->obj);
	s->attached++; /* mapping may sleep, and the segment be removed meanwhile */
	at = map(t, s, addr, prot, fixed, flags & LINUX_SHM_REMAP);
	s->attached--;
	shm_maybe_destroy(s);
	ipc_put(p);
	return at;
}

/* Is v a piece of an attachment that began at addr? */
static bool attached_at(const struct vma *v, u64 addr)
{
	return v->ops == &shm_vma_ops && v->start >= addr && v->start - addr == v->offset;
}

int shm_detach(struct task *t, u64 addr)
{
	struct mm *mm = t->mm;
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	auto_cleanup(filep_put) struct file *f = NULL;
	struct vma *v;
	u64 size, at;
	int err;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	v = vma_find(mm, addr);
	while (v && !attached_at(v, addr))
		v = vma_next(v);
	if (!v)
		return -EINVAL;
	f = file_get(v->file);
	size = PAGE_UP(((struct shm_segment *)v->private)->size);
	for (at = v->start; v && v->end - addr <= size; v = vma_find(mm, at)) {
		at = v->end;
		if (v->file != f || !attached_at(v, addr))
			continue;
		err = mm_munmap(mm, t->ut, v->start, v->end - v->start);
		if (err)
			return err;
	}
	return 0;
}
