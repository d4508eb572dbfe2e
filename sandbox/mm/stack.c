/*
 * stack.c - mappings that grow down when they are touched below their start: the stack, MAP_GROWSDOWN.
 *
 * The host's mapping is as large as the VMA. An access below it is a fault, of the guest or of a copy for it,
 * that comes here; the VMA then grows by some pages more than were touched, so that a deep recursion does not
 * fault at each page.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/mm_priv.h"

#define GROW_AHEAD (16 * PAGE_SIZE)

/* May v begin at `start`? */
static bool may_begin(struct mm *mm, const struct vma *v, u64 start)
{
	struct vma *below = vma_of(tree_prev((struct tree_node *)(uintptr_t)&v->node));

	if (start < MMAP_MIN_ADDR || v->end - start > task_rlimit(current_task(), LINUX_RLIMIT_STACK))
		return false;
	if (below && below->end > start)
		return false;
	if (below && below->prot && !(below->flags & VMA_GROWSDOWN) && start - below->end < STACK_GUARD_GAP)
		return false;
	return !mm_may_grow(mm, v->start - start, 0, v->prot, v->flags);
}

bool mm_grow_stack(struct mm *mm, struct uthread *by, u64 addr)
{
	auto_cleanup(mm_unlock) struct mm *locked = mm_lock(mm);
	struct vma *v = addr < PLATFORM_USER_END ? vma_find(mm, addr) : NULL, grown;
	u64 start = PAGE_DOWN(addr);

	if (!v || !(v->flags & VMA_GROWSDOWN) || !current_task())
		return false;
	if (v->start <= addr) /* another thread was quicker */
		return v->start + GROW_AHEAD > addr;
	if (start > GROW_AHEAD && may_begin(mm, v, start - GROW_AHEAD))
		start -= GROW_AHEAD;
	else if (!may_begin(mm, v, start))
		return false;
	grown = *v;
	grown.start = start;
	grown.end = v->start;
	if (mm_host_map(mm, by, &grown))
		return false;
	mm->total_pages += (v->start - start) >> PAGE_SHIFT;
	v->start = start; /* the order in the tree stays */
	vma_changed(mm, v);
	if ((v->flags & VMA_LOCKED) && !(v->flags & VMA_LOCKONFAULT) && mm_populate(mm, start, grown.end))
		return true;
	return true;
}
