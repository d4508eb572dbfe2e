/*
 * madvise.c - madvise(2) and msync(2).
 *
 * Advice that changes what a program sees (DONTNEED, FREE, REMOVE, POPULATE, guards) is carried out; what is
 * inherited by fork or dumped is kept in the VMA and never told to the host, whose forks are not the guest's;
 * the rest is advice about memory that is the host's, and goes to it.
 */
#include <errno.h>

#include "sandbox/mm/mm_priv.h"

struct advice {
	bool known;
	bool host;         /* passed on */
	bool no_locked;    /* refused for locked memory */
	bool private_only; /* anonymous private memory only */
	bool discards;     /* what was written is lost: refused for sealed read-only memory */
	u32 set, clear;
};

static struct advice advice_of(int advice)
{
	switch (advice) {
	case LINUX_MADV_DONTFORK:
		return (struct advice){.known = true, .set = VMA_DONTFORK};
	case LINUX_MADV_DOFORK:
		return (struct advice){.known = true, .clear = VMA_DONTFORK};
	case LINUX_MADV_WIPEONFORK:
		return (struct advice){.known = true, .set = VMA_WIPEONFORK, .private_only = true};
	case LINUX_MADV_KEEPONFORK:
		return (struct advice){.known = true, .clear = VMA_WIPEONFORK};
	case LINUX_MADV_DONTDUMP:
		return (struct advice){.known = true, .set = VMA_DONTDUMP};
	case LINUX_MADV_DODUMP:
		return (struct advice){.known = true, .clear = VMA_DONTDUMP};
	case LINUX_MADV_DONTNEED:
		return (struct advice){.known = true, .host = true, .no_locked = true, .discards = true};
	case LINUX_MADV_DONTNEED_LOCKED:
		return (struct advice){.known = true, .host = true, .discards = true};
	case LINUX_MADV_FREE:
		return (struct advice){
		    .known = true, .host = true, .no_locked = true, .private_only = true, .discards = true};
	case LINUX_MADV_GUARD_INSTALL:
		return (struct advice){.known = true, .host = true, .no_locked = true, .discards = true};
	case LINUX_MADV_COLD:
	case LINUX_MADV_PAGEOUT:
		return (struct advice){.known = true, .host = true, .no_locked = true};
	case LINUX_MADV_NORMAL:
	case LINUX_MADV_RANDOM:
	case LINUX_MADV_SEQUENTIAL:
	case LINUX_MADV_WILLNEED:
	case LINUX_MADV_HUGEPAGE:
	case LINUX_MADV_NOHUGEPAGE:
	case LINUX_MADV_COLLAPSE:
	case LINUX_MADV_POPULATE_READ:
	case LINUX_MADV_POPULATE_WRITE:
	case LINUX_MADV_GUARD_REMOVE:
		return (struct advice){.known = true, .host = true};
	case LINUX_MADV_MERGEABLE: /* same-page merging is the host's affair: nothing to be seen of it */
	case LINUX_MADV_UNMERGEABLE:
		return (struct advice){.known = true};
	default:
		return (struct advice){0};
	}
}

static int may_advise(const struct vma *v, const struct advice *a)
{
	if (a->private_only && (v->file || v->backing || (v->flags & VMA_SHARED)))
		return -EINVAL;
	if (a->no_locked && (v->flags & VMA_LOCKED))
		return -EINVAL;
	/* as if it were written to: sealed memory that may not be written keeps its content */
	if (a->discards && (v->flags & VMA_SEALED) && !v->file && !(v->flags & VMA_SHARED) &&
	    !(v->prot & LINUX_PROT_WRITE))
		return -EPERM;
	return 0;
}

/* MADV_REMOVE: a hole in the shared file behind one VMA. */
static int remove_pages(struct vma *v, u64 start, u64 end)
{
	struct file *f = v->file;
	int err;

	if (v->flags & VMA_LOCKED || (!f && !(v->flags & VMA_SHARED)))
		return -EINVAL;
	if (!(v->flags & VMA_SHARED) || !(v->max_prot & LINUX_PROT_WRITE))
		return -EACCES;
	if (!f)
		return shm_punch(v->backing, v->offset + (start - v->start), end - start);
	if (!f->ops->fallocate)
		return -EINVAL;
	file_get(f);
	err =
	    f->ops->fallocate(f, 3 /* KEEP_SIZE | PUNCH_HOLE */, v->offset + (start - v->start), end - start);
	file_put(f);
	return err;
}

static int remove_range(struct mm *mm, u64 addr, u64 end)
{
	bool hole = false;

	while (addr < end) {
		struct vma *v = vma_find(mm, addr);
		u64 stop;
		int err;
		if (!v || v->start >= end)
			return -ENOMEM;
		hole |= v->start > addr;
		addr = max_t(u64, addr, v->start);
		stop = min_t(u64, v->end, end);
		err = remove_pages(v, addr, stop);
		if (err)
			return err;
		addr = stop;
	}
	return hole ? -ENOMEM : 0;
}

int mm_madvise(struct mm *mm, struct uthread *by, u64 addr, u64 size, int advice)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	struct advice a = advice_of(advice);
	u64 end, at = addr;
	bool hole = false;
	struct vma *v;
	int err = 0;

	if ((!a.known && advice != LINUX_MADV_REMOVE) || (addr & ~PAGE_MASK) || size > PLATFORM_USER_END ||
	    !mm_range_ok(addr, PAGE_UP(size)))
		return -EINVAL;
	size = PAGE_UP(size);
	if (!size)
		return 0;
	end = addr + size;
	if (advice == LINUX_MADV_REMOVE)
		return remove_range(mm, addr, end);
	/* up to the first VMA that refuses, as Linux goes */
	for (v = vma_find(mm, addr); v && v->start < end && !err; v = vma_next(v)) {
		hole |= v->start > at;
		err = may_advise(v, &a);
		at = err ? max_t(u64, v->start, addr) : v->end;
	}
	if (err)
		end = at;
	else
		hole |= at < end;
	if (end > addr && a.host) {
		int advised =
		    aspace_advise(mm->as, by, uaddr(addr), end - addr,
				  advice == LINUX_MADV_DONTNEED_LOCKED ? LINUX_MADV_DONTNEED : advice);
		err = err ? err : advised;
	} else if (end > addr && (a.set || a.clear)) {
		int split = vma_isolate(mm, addr, end);
		for (v = vma_find(mm, addr); !split && v && v->start < end; v = vma_next(v))
			v->flags = (v->flags | a.set) & ~a.clear;
		vma_merge_around(mm, addr, end);
		err = err ? err : split;
	}
	return err ? err : hole ? -ENOMEM : 0;
}

/* Mappings are the host's own pages of the file, so another mapping or read sees a write at once; what is
 * left of MS_SYNC is to reach the disk. */
int mm_msync(struct mm *mm, u64 addr, u64 size, u32 flags)
{
	u64 end = addr + PAGE_UP(size);
	bool hole = false;

	if ((flags & ~7U) || (addr & ~PAGE_MASK) || (flags & 5) == 5)
		return -EINVAL;
	if (PAGE_UP(size) < size || end < addr)
		return -ENOMEM;
	while (addr < end) {
		struct vma *v = vma_find(mm, addr);
		struct file *f;
		if (!v || v->start >= end)
			return -ENOMEM;
		hole |= v->start > addr;
		if ((flags & 2) && (v->flags & VMA_LOCKED))
			return -EBUSY;
		addr = v->end;
		f = (flags & 4) && (v->flags & VMA_SHARED) ? v->file : NULL;
		if (f && f->ops->fsync) {
			int err;
			file_get(f);
			err = f->ops->fsync(f, true); /* sleeps: v may be gone */
			file_put(f);
			if (err)
				return err;
		}
	}
	return hole ? -ENOMEM : 0;
}
