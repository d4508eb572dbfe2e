/*
 * deferred.c - mappings of files that the host makes a little later, several in one message.
 *
 * A file is mapped by the memory thread, which has the descriptor: two hand-overs between threads that sleep.
 * The dynamic loader maps a library whole and then its parts over it, one call after the other, and touches
 * none of it in between. So mmap(2) in a process of one thread may leave the host's part undone, and the next
 * trap that is not an mmap of this kind has all of it done before it is looked at. What makes that safe:
 *
 * - only where the host has nothing mapped, so that a touch faults rather than reads what was there before:
 *   the first goes into a gap, the others into the place of the first;
 * - a fault there is a trap, after which the guest tries again (mm_deferred_fault()); also when another
 * process has had the mapping made between the touch and our look at it;
 * - every other change flushes first (platform/aspace.c), and so does whoever copies to or from the memory of
 *   a process that runs (ptrace_mem.c, process_vm.c) or writes a signal's frame;
 * - a file's mapping waits only if the host once granted one with this protection: else its refusal would be
 *   learnt too late to be mmap's result.
 */
#include "sandbox/mm/mm_priv.h"

#define DEFERRED_MAX 7 /* mappings that wait: with their trampolines they fit into one message */

bool mm_may_defer(struct mm *mm, const struct uthread *by, const struct vma *v)
{
	bool waiting = aspace_deferred(mm->as);

	if (!by || mm->users != 1 || !aspace_may_defer(mm->as) ||
	    (v->flags & (VMA_SHARED | VMA_LOCKED | VMA_GROWSDOWN)))
		return false;
	if (v->backing && (v->prot & ~v->backing->mapped))
		return false;
	if (waiting)
		return mm->deferred_count < DEFERRED_MAX && v->start >= mm->deferred_start &&
		       v->end <= mm->deferred_end;
	return v->backing && !mm_mapped_in(mm, v->start, v->end);
}

void mm_defer_begin(struct mm *mm, const struct vma *v)
{
	if (!aspace_deferred(mm->as)) {
		mm->deferred_start = v->start;
		mm->deferred_end = v->end;
		mm->deferred_count = 0;
	}
	mm->deferred_count++;
	aspace_defer_begin(mm->as);
}

bool mm_deferred_fault(const struct mm *mm, u64 addr, u32 flushes)
{
	return (aspace_deferred(mm->as) || aspace_flushes(mm->as) != flushes) && addr >= mm->deferred_start &&
	       addr < mm->deferred_end;
}
