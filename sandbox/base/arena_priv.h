/*
 * arena_priv.h - the arena's header: the allocator's state and the few values that must be reachable from
 * g_arena.
 */
#ifndef WARREN_BASE_ARENA_PRIV_H
#define WARREN_BASE_ARENA_PRIV_H

#include "sandbox/base/arena.h"

#define ARENA_MAX_ORDER 23
#define ARENA_CLASSES   13

struct page_desc;

struct arena {
	void *root;
	char *base;              /* page 0 */
	struct page_desc *pages; /* one per page */
	u64 used, limit;         /* bytes in blocks handed out */
	u32 top;                 /* pages from here on have never been used */
	u32 free_blocks[ARENA_MAX_ORDER + 1];
	u32 slabs[ARENA_CLASSES]; /* slabs with room */
	int log_fd;
};
static_assert(offsetof(struct arena, root) == 0, "arena_root");
static_assert(sizeof(struct arena) <= PAGE_SIZE, "the header is one page");

#endif
