/*
 * shadow.h - a check of each access to the arena, for builds that hunt for bugs (tests/fuzz/checked-build).
 *
 * The sentry cannot run with AddressSanitizer, whose run-time library wants libc's heap and address space of
 * its own. But the compiler's calls before each load and store (-fsanitize=kernel-address) need only somebody
 * who answers them: shadow.c does, with a byte for each eight of the arena that says how many of them are in
 * use. What is freed stays unused for a while, so that a use of it is noticed. Without WARREN_SHADOW all is
 * nothing.
 */
#ifndef WARREN_BASE_SHADOW_H
#define WARREN_BASE_SHADOW_H

#include "sandbox/base/types.h"

#ifdef WARREN_SHADOW
#define SHADOW 1
/* The arena is there, all of it unused. */
int shadow_create(char *base, u64 size) must_check;
void shadow_used(const void *p, u64 size);
/* p, of `size` bytes, is unused from now on. Returns what is to be freed in its place: an older one, or NULL.
 */
void *shadow_freed(void *p, u64 size);
#else
#define SHADOW 0
static inline int shadow_create(char *base, u64 size)
{
	return 0;
}
static inline void shadow_used(const void *p, u64 size)
{
}
static inline void *shadow_freed(void *p, u64 size)
{
	return p;
}
#endif

#endif
