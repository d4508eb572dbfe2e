/*
 * mlock.c - mlock(2) and its kin.
 *
 * Locked memory is marked, counted against RLIMIT_MEMLOCK and brought in. The host is not told: its limit is
 * not the guest's, and a sandbox must not hold the machine's memory for good. There is no swap in a sandbox,
 * so a guest cannot see the difference but by time.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm_priv.h"

u64 mm_locked_bytes(struct mm *mm)
{
	return mm->vmas.root ? vma_of(mm->vmas.root)->below.locked : 0;
}

int mm_populate(struct mm *mm, u64 start, u64 end)
{
	int err = 0;

	while (start < end && !err) {
		struct vma *v = vma_find(mm, start);
		u64 stop;
		int advice;
		if (!v || v->start >= end)
			break;
		start = max_t(u64, start, v->start);
		stop = min_t(u64, v->end, end);
		/* writing to private memory at once saves the copy later, as Linux does */
		advice = (v->prot & LINUX_PROT_WRITE) && !(v->flags & VMA_SHARED) ? LINUX_MADV_POPULATE_WRITE
										  : LINUX_MADV_POPULATE_READ;
		err = v->prot ? aspace_advise(mm->as, NULL, uaddr(start), stop - start, advice) : -EFAULT;
		start = stop;
	}
	return err;
}

static int mark(struct mm *mm, u64 start, u64 end, u32 flags)
{
	int err = vma_isolate(mm, start, end);

	if (err)
		return err;
	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
		v->flags = (v->flags & ~(u32)(VMA_LOCKED | VMA_LOCKONFAULT)) | flags;
		vma_changed(mm, v);
	}
	vma_merge_around(mm, start, end);
	return 0;
}

static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
	u64 sum = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->flags & VMA_LOCKED)
			sum += min_t(u64, v->end, end) - max_t(u64, v->start, start);
	return sum;
}

static u64 memlock_limit(void)
{
	return capable(LINUX_CAP_IPC_LOCK) ? UINT64_MAX : task_rlimit(current_task(), LINUX_RLIMIT_MEMLOCK);
}

int mm_mlock(struct mm *mm, u64 addr, u64 size, u32 flags)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u64 start = PAGE_DOWN(addr), end, limit = memlock_limit(), covered = start;
	struct vma *v;
	int err;

	if (flags && !limit)
		return -EPERM;
	if (__builtin_add_overflow(addr, size, &end) || PAGE_UP(end) < end)
		return size > PLATFORM_USER_END && flags ? -ENOMEM : -EINVAL;
	end = PAGE_UP(end);
	if (flags && mm_locked_bytes(mm) - locked_in(mm, start, end) + (end - start) > limit)
		return -ENOMEM;
	if (start == end)
		return 0;
	/* what lies before the first hole is done, as Linux does */
	for (v = vma_find(mm, start); v && v->start <= covered && covered < end; v = vma_next(v))
		covered = min_t(u64, v->end, end);
	err = covered > start ? mark(mm, start, covered, flags) : 0;
	if (!err && covered < end)
		return -ENOMEM;
	if (!err && (flags & VMA_LOCKED) && !(flags & VMA_LOCKONFAULT) && mm_populate(mm, start, end))
		return -ENOMEM;
	return err;
}

int mm_mlockall(struct mm *mm, u32 mcl)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	u32 flags = VMA_LOCKED | (mcl & LINUX_MCL_ONFAULT ? VMA_LOCKONFAULT : 0);
	u64 limit = memlock_limit();

	if (!mcl) {
		mm->lock_future = 0;
		return mark(mm, 0, PLATFORM_USER_END, 0);
	}
	if (!limit)
		return -EPERM;
	if ((mcl & LINUX_MCL_CURRENT) && mm->total_pages << PAGE_SHIFT > limit)
		return -ENOMEM;
	mm->lock_future = mcl & LINUX_MCL_FUTURE ? flags : 0;
	if (!(mcl & LINUX_MCL_CURRENT))
		return 0;
	if (mark(mm, 0, PLATFORM_USER_END, flags))
		return -ENOMEM;
	if (!(mcl & LINUX_MCL_ONFAULT))
		for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v))
			if (v->prot && mm_populate(mm, v->start, v->end))
				continue; /* as Linux: pages that cannot be had are no error here */
	return 0;
}
