/*
 * arena.h - the one memory of the sentry.
 *
 * Every kernel object, coroutine stack and netstack buffer is allocated here, in one reserved range of
 * addresses chosen at boot. That makes a checkpoint a copy of pages, needing no serialiser (DESIGN.md 3.2).
 * What must survive is therefore never in libc's heap, in a static variable or behind a pointer into libc's
 * data.
 *
 * `g_arena` is the sentry's only mutable global: the address of the arena, whose header holds the allocator's
 * state and the root pointer of the kernel.
 *
 * The allocator: the arena is cut in pages of 4 KiB described by a page table of its own; small objects come
 * from slabs of one size class each, large ones are runs of pages. Large free runs are given back to the
 * host. Each allocation carries a type name for the debug command that lists the arena.
 */
#ifndef WARREN_BASE_ARENA_H
#define WARREN_BASE_ARENA_H

#include "sandbox/base/types.h"

struct arena;
extern struct arena *g_arena;

#define ARENA_SIZE (64UL << 30) /* reserved addresses, not memory */
/* Where it may begin. Below lies the sentry, above what platform.c maps beside the arena. */
#define ARENA_LOW  (16UL << 40)
#define ARENA_HIGH (48UL << 40)

/* Reserves an arena at a random address and makes it g_arena. `limit_bytes` bounds its use. 0 or -errno. */
int arena_create(u64 limit_bytes);
/* The kernel's root object, kept in the arena header. */
static inline void *arena_root(void)
{
	return *(void **)(void *)g_arena; /* the header's first word */
}
void arena_set_root(void *root);
/* True if [p, p+size) lies inside the arena. */
bool arena_contains(const void *p, size_t size);
/* Bytes in use. */
u64 arena_used(void);

/* Allocates `size` bytes (16-byte aligned; page aligned from 4096 up); NULL when the arena's limit is
 * reached. kmalloc(0) is a valid pointer. `type` is a string literal. */
void *kmalloc_typed(size_t size, const char *type) must_check;
void *kzalloc_typed(size_t size, const char *type) must_check;
void *krealloc(void *p, size_t size) must_check;
void kfree(void *p);
/* The usable size of an allocation. */
size_t ksize(const void *p);
char *kstrdup(const char *s) must_check;
char *kstrndup(const char *s, size_t n) must_check;
/* Formats into a fresh allocation; NULL without memory. */
char *kasprintf(const char *fmt, ...) printf_like(1, 2) must_check;

#define kmalloc(size) kmalloc_typed(size, __func__)
#define kzalloc(size) kzalloc_typed(size, __func__)
/* The usual way to allocate an object: knew(struct file) is zeroed and listed as "struct file". */
#define knew(type)          ((type *)kzalloc_typed(sizeof(type), #type))
#define knew_array(type, n) ((type *)karray((n), sizeof(type), #type "[]"))

static inline void *karray(size_t n, size_t size, const char *type)
{
	if (size && n > SIZE_MAX / size)
		return NULL;
	return kzalloc_typed(n * size, type);
}

/* For auto_cleanup(kfreep). */
static inline void kfreep(void *pp)
{
	kfree(*(void **)pp);
}

/* ---- checkpoints ---- */

/* Calls fn for every range of pages that holds something, the allocator's own included, until it returns
 * other than 0. */
int arena_ranges(int (*fn)(void *start, u64 size, void *arg), void *arg) must_check;
/* Reserves the same arena again, empty, where it was in another sentry: `address` as arena_address() was
 * there. Its ranges are then the caller's to fill. */
int arena_attach(u64 address) must_check;
u64 arena_address(void);
/* All addresses that belong to an arena there, header included. */
u64 arena_extent(void);
/* Is this, once filled, an arena made by arena_create()? */
bool arena_valid(void);

/* Calls fn once per type with what lives in the arena. */
void arena_walk_types(void (*fn)(const char *type, u64 count, u64 bytes, void *arg), void *arg);
/* Calls fn for every live allocation. */
void arena_walk(void (*fn)(void *p, size_t size, const char *type, void *arg), void *arg);

#endif
