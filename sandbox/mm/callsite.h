/*
 * callsite.h - patched call sites: text of which the hot system-call sites jump to the stub instead of
 * trapping. DESIGN 2.6. See callsite.c for how, and trampoline.h for the bytes.
 */
#ifndef WARREN_MM_CALLSITE_H
#define WARREN_MM_CALLSITE_H

#include "sandbox/base/types.h"

struct inode;
struct mm;
struct text;
struct uthread;
struct vma;

#define CALLSITE_SEEN 64

/* Of an mm: sites that have trapped lately. */
struct callsite_seen {
	u64 address;
	u32 count; /* CALLSITE_REFUSED: never look again */
};

/* A call was made by a full trap: counts its site, and patches it when it is hot. [sleeps] */
void callsite_note(struct mm *mm, struct uthread *ut, u64 nr);
/* Executable text of a file is about to be mapped at v: if a patched copy of it exists and there is room for
 * its trampolines, v's backing is replaced by the copy, and *trampolines is the VMA to map with it (else
 * NULL). */
void callsite_map(struct mm *mm, struct vma *v, struct vma **trampolines);
/* Gives the mm's text its original bytes back, moves its threads out of trampolines and removes those.
 * for_good: the trampolines stay, since handlers may return there, but nothing is patched in this mm again
 * (it is traced). -errno. [sleeps] */
int callsite_restore(struct mm *mm, bool for_good) must_check;
/* The guest is about to change [start, end): restores if that hits trampolines, or text if text_too. [sleeps]
 */
int callsite_before_change(struct mm *mm, u64 start, u64 end, bool text_too) must_check;
/* Is there patched text in [start, end)? After it was unmapped, collect removes trampolines that serve
 * nobody. */
bool callsite_has_text(struct mm *mm, u64 start, u64 end);
void callsite_collect(struct mm *mm);
/* Where a thread shall go on that would return to `rip`, which may lie inside a patch by now. */
u64 callsite_resume(struct mm *mm, u64 rip);
struct text *text_get(struct text *x);
void text_put(struct text *x);
/* The inode goes. */
void callsite_forget(struct inode *inode);
/* Room to leave below a file's mappings for its trampolines. */
#define CALLSITE_ROOM 0x10000UL

#endif
