/*
 * mm_priv.h - the VMA tree's inner calls, shared by the files of mm/.
 */
#ifndef WARREN_MM_PRIV_H
#define WARREN_MM_PRIV_H

#include "sandbox/abi/mman.h"
#include "sandbox/base/arena.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/vfs.h"

#define VMA_MAX       65530
#define MMAP_MIN_ADDR 0x10000UL

struct vma *vma_of(struct tree_node *n);
struct vma *vma_new(u64 start, u64 end, u32 prot, u32 flags);
struct vma *vma_dup(const struct vma *v);
void vma_insert(struct mm *mm, struct vma *v);
void vma_remove(struct mm *mm, struct vma *v);
void vma_free(struct vma *v);
/* Splits so that no VMA crosses start or end. -ENOMEM. */
int vma_isolate(struct mm *mm, u64 start, u64 end);
void vma_merge_around(struct mm *mm, u64 start, u64 end);
u64 vma_find_gap(struct mm *mm, u64 low, u64 top, u64 size);

#endif
