/*
 * mm_priv.h - the VMA tree's inner calls, shared by the files of mm/.
 */
#ifndef WARREN_MM_PRIV_H
#define WARREN_MM_PRIV_H

#include "sandbox/abi/mman.h"
#include "sandbox/base/arena.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/vfs.h"

#define MMAP_MIN_ADDR   0x10000UL
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

static inline bool mm_range_ok(u64 addr, u64 size)
{
	return addr < PLATFORM_USER_END && size <= PLATFORM_USER_END - addr;
}

/* Private memory that can be written counts against RLIMIT_DATA and what may be committed. */
static inline bool vma_is_data(u32 prot, u32 flags)
{
	return (prot & LINUX_PROT_WRITE) && !(flags & (VMA_SHARED | VMA_STACK | VMA_GROWSDOWN));
}

struct vma *vma_of(struct tree_node *n);
struct vma *vma_new(u64 start, u64 end, u32 prot, u32 flags);
struct vma *vma_dup(const struct vma *v);
void vma_insert(struct mm *mm, struct vma *v);
void vma_remove(struct mm *mm, struct vma *v);
void vma_free(struct vma *v);
/* Splits so that no VMA crosses start or end. -ENOMEM. */
int vma_isolate(struct mm *mm, u64 start, u64 end);
void vma_merge_around(struct mm *mm, u64 start, u64 end);
/* vma_sums.c */
/* tree.augment of the VMA tree. */
void vma_sum_up(struct tree_node *n);
/* Range, protection or flags of v, which is in the tree, have changed. */
void vma_changed(struct mm *mm, struct vma *v);
/* The highest free range of `size` bytes in [low, top), guard gaps left free; 0 if there is none. */
u64 vma_find_gap(struct mm *mm, u64 low, u64 top, u64 size);
/* Where the room below v that must stay free begins: a stack's guard gap. */
u64 vma_gap_start(const struct vma *v);
/* Is every byte of [start, end) mapped? */
bool vma_covers(struct mm *mm, u64 start, u64 end);
/* Does a sealed VMA lie in [start, end)? */
bool vma_sealed_in(struct mm *mm, u64 start, u64 end);

/* mmap.c */
/* May `size` more bytes be mapped, of which `replaced` are mapped now and go? -ENOMEM, or -EAGAIN if they
 * would have to be locked beyond the limit. */
int mm_may_grow(struct mm *mm, u64 size, u64 replaced, u32 prot, u32 flags) must_check;
/* RLIMIT_DATA for `size` more bytes. */
int mm_may_have_data(struct mm *mm, u64 size) must_check;
/* Overcommit's rules for `size` more bytes of private memory. */
int mm_may_commit(struct mm *mm, u64 size, u32 flags) must_check;
s64 mm_choose_place(struct mm *mm, u64 addr, u64 size, u32 linux_flags) must_check;
/* Makes the host map v as it is. */
int mm_host_map(struct mm *mm, struct uthread *by, const struct vma *v) must_check;
void mm_tree_unmap(struct mm *mm, u64 start, u64 end);
u64 mm_mapped_in(struct mm *mm, u64 start, u64 end);
/* deferred.c: may the host's part of v wait? Then, around mm_host_map(): mm_defer_begin, aspace_defer_end. */
bool mm_may_defer(struct mm *mm, const struct uthread *by, const struct vma *v);
void mm_defer_begin(struct mm *mm, const struct vma *v);

/* mlock.c */
/* Brings the pages of [start, end) into memory, as far as that can be done. [sleeps] */
int mm_populate(struct mm *mm, u64 start, u64 end) must_check;

#endif
