/*
 * usage.h - how much memory address spaces and the sandbox as a whole hold, by the host's count.
 */
#ifndef WARREN_MM_USAGE_H
#define WARREN_MM_USAGE_H

#include "sandbox/base/types.h"

struct mm;
struct task;

struct mm_usage { /* bytes; peak is of the resident size */
	u64 anon, file, shmem, peak, page_tables, swap;
};
/* The host's figures, or where it gives none (-ENOSYS in platform/account.h) what can have been touched at
 * most, by the VMA tree. [sleeps] */
void mm_usage(struct mm *mm, struct mm_usage *out);

/* One mapping as /proc/PID/smaps counts it, KiB. */
enum smaps_field {
	SMAPS_RSS,
	SMAPS_PSS,
	SMAPS_PSS_DIRTY,
	SMAPS_SHARED_CLEAN,
	SMAPS_SHARED_DIRTY,
	SMAPS_PRIVATE_CLEAN,
	SMAPS_PRIVATE_DIRTY,
	SMAPS_REFERENCED,
	SMAPS_ANONYMOUS,
	SMAPS_LAZYFREE,
	SMAPS_ANON_HUGE,
	SMAPS_SHMEM_HUGE,
	SMAPS_FILE_HUGE,
	SMAPS_SWAP,
	SMAPS_SWAP_PSS,
	SMAPS_FIELDS
};
extern const char *const smaps_names[SMAPS_FIELDS];
struct vma_usage {
	u64 start, end;
	u64 kb[SMAPS_FIELDS];
};
/* One entry for each VMA of mm, in order; the array is the caller's to free. [sleeps] */
int mm_vma_usage(struct mm *mm, struct vma_usage **out, u32 *count) must_check;

/* The sandbox, bytes. [sleeps] */
struct memory_usage {
	u64 total;
	u64 anon;   /* private memory of guests; what fork has shared counts once */
	u64 shmem;  /* tmpfs, shared anonymous and SysV memory */
	u64 mapped; /* pages of files that guests have mapped */
	u64 kernel; /* the sentry's arena without the tmpfs data in it */
	u64 tables;
	u64 used;      /* all that is not to be had: anon, shmem, kernel, tables */
	u64 committed; /* what guests have mapped privately and may yet touch */
};
/* Of private memory up to a second old, but no older than what it takes to find out, times the number of
 * processes (16 at most). */
void memory_usage(struct memory_usage *out);
/* Only total and committed. Does not sleep. */
void memory_committed(struct memory_usage *out);
/* By the overcommit mode: may `size` more bytes not be promised? */
bool memory_would_overcommit(u64 size);

/* The private memory of all of them, where what fork has shared counts once; `quick` (the sum of what each
 * has) if that is too much to find out. [sleeps] */
u64 mm_list_anon(struct mm **list, u32 count, u64 quick);

/* An mm of each process that has one, each once, with a reference: an array to be freed with mm_list_free. */
int mm_list(struct mm ***out, u32 *count) must_check;
void mm_list_free(struct mm **list, u32 count);

#endif
