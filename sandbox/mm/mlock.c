/*
 * mlock.c - the bookkeeping of locked memory (mlock(2)).
 */
#include <errno.h>

#include "sandbox/mm/mm_priv.h"

int mm_set_locked(struct mm *mm, u64 start, u64 end, bool lock)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	int err = vma_isolate(mm, start, end);

	if (err)
		return err;
	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
		u64 pages = (v->end - v->start) / PAGE_SIZE;
		if (lock && !(v->flags & VMA_LOCKED))
			mm->locked_pages += pages;
		else if (!lock && (v->flags & VMA_LOCKED))
			mm->locked_pages -= pages;
		v->flags = lock ? v->flags | VMA_LOCKED : v->flags & ~(u32)VMA_LOCKED;
	}
	vma_merge_around(mm, start, end);
	return 0;
}
