/*
 * mprotect.c - mprotect(2) and mseal(2).
 *
 * mprotect works VMA by VMA from the low end: where one refuses, those below it keep their new protection.
 */
#include <errno.h>

#include "sandbox/mm/mm_priv.h"

/* How far from addr the change to `prot` is allowed, and what stops it there (0: nothing before end). */
static int allowed_until(struct mm *mm, u64 addr, u64 end, u32 prot, u64 *until)
{
	u64 at = addr;
	int err;

	for (struct vma *v = vma_find(mm, addr); at < end; v = vma_next(v)) {
		u64 size;
		*until = at;
		if (!v || v->start > at)
			return -ENOMEM;
		if ((prot & ~v->max_prot) || mm_denies_exec(mm, v->prot, prot))
			return -EACCES;
		if (v->flags & VMA_SEALED)
			return -EPERM;
		size = min_t(u64, v->end, end) - at;
		if (vma_is_data(prot, v->flags) && !vma_is_data(v->prot, v->flags)) {
			err = mm_may_have_data(mm, size);
			if (!err)
				err = mm_may_commit(mm, size, v->flags);
			if (err)
				return err;
		}
		at = v->end;
	}
	*until = end;
	return 0;
}

int mm_mprotect(struct mm *mm, struct uthread *by, u64 addr, u64 size, u32 prot)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	bool down = prot & LINUX_PROT_GROWSDOWN;
	u64 end, until = addr;
	struct vma *v;
	int err, stop;

	if ((addr & ~PAGE_MASK) || (prot & LINUX_PROT_GROWSUP))
		return -EINVAL;
	prot &= ~LINUX_PROT_GROWSDOWN;
	if (!size)
		return 0;
	if (size > PLATFORM_USER_END) /* before rounding, which could wrap */
		return -ENOMEM;
	size = PAGE_UP(size);
	if (!mm_range_ok(addr, size))
		return -ENOMEM;
	if (prot & ~(7U | LINUX_PROT_SEM))
		return -EINVAL;
	prot &= 7;
	end = addr + size;
	if (down) {
		v = vma_find(mm, addr);
		if (!v || v->start >= end)
			return -ENOMEM;
		if (!(v->flags & VMA_GROWSDOWN))
			return -EINVAL;
		addr = until = v->start;
	}
	stop = allowed_until(mm, addr, end, prot, &until);
	if (until == addr)
		return stop;
	/* who may write text shall see, and write, what the file says */
	err = callsite_before_change(mm, addr, until, prot & LINUX_PROT_WRITE);
	if (!err)
		err = vma_isolate(mm, addr, until);
	if (!err)
		err = aspace_protect(mm->as, by, uaddr(addr), until - addr, (int)prot);
	if (err)
		return err;
	for (v = vma_find(mm, addr); v && v->start < until; v = vma_next(v)) {
		v->prot = prot;
		if (v->file && (prot & LINUX_PROT_WRITE) && !(v->flags & VMA_SHARED))
			v->flags |= VMA_WRITTEN;
		vma_changed(mm, v);
	}
	vma_merge_around(mm, addr, until);
	return stop;
}

int mm_mseal(struct mm *mm, u64 addr, u64 size)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u64 end = addr + PAGE_UP(size);
	int err;

	if ((addr & ~PAGE_MASK) || PAGE_UP(size) < size || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (!mm_range_ok(addr, end - addr) || !vma_covers(mm, addr, end))
		return -ENOMEM;
	err = vma_isolate(mm, addr, end);
	if (err)
		return err;
	for (struct vma *v = vma_find(mm, addr); v && v->start < end; v = vma_next(v))
		v->flags |= VMA_SEALED;
	vma_merge_around(mm, addr, end);
	return 0;
}
