/*
 * shadow.c - see shadow.h. Itself compiled without the checks, as is arena.c.
 */
#include "sandbox/base/shadow.h"

#ifdef WARREN_SHADOW
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "sandbox/base/log.h"

#define UNUSED     0xff
#define QUARANTINE 16384 /* freed objects that are not given out again yet */

/* Of a check's build only: no state of the kernel, and none that a checkpoint would want. */
static u8 *g_shadow;
static const char *g_base;
static u64 g_size;
static void *g_waiting[QUARANTINE];
static u32 g_next;

int shadow_create(char *base, u64 size)
{
	void *p =
	    mmap(NULL, size / 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	g_shadow = p;
	g_base = base;
	g_size = size;
	return 0;
}

/* A shadow byte is 0 for memory never given out, 8 for eight bytes in use, 1 to 7 for the first of them. */
void shadow_used(const void *p, u64 size)
{
	u64 at = (u64)((const char *)p - g_base) / 8;

	memset(g_shadow + at, 8, size / 8);
	if (size % 8)
		g_shadow[at + size / 8] = size % 8;
}

void *shadow_freed(void *p, u64 size)
{
	u64 at = (u64)((const char *)p - g_base) / 8;
	void *oldest;

	if (g_shadow[at] == UNUSED)
		panic("%p is freed twice", p);
	memset(g_shadow + at, UNUSED, (size + 7) / 8);
	oldest = g_waiting[g_next];
	g_waiting[g_next] = p;
	g_next = (g_next + 1) % QUARANTINE;
	return oldest;
}

static void check(u64 addr, u64 size, bool write)
{
	u64 off = addr - (u64)(uintptr_t)g_base, first, last;

	if (!g_shadow || off >= g_size || !size)
		return;
	first = off / 8;
	last = (off + size - 1) / 8;
	for (u64 i = first; i <= last; i++) {
		u64 end = i == last ? (off + size - 1) % 8 + 1 : 8;
		if (g_shadow[i] == UNUSED || g_shadow[i] < end)
			panic("%s of %lu bytes at %p, which are %s (%u)", write ? "write" : "read",
			      (unsigned long)size, (void *)(uintptr_t)addr,
			      g_shadow[i] == UNUSED ? "freed" : "beyond an object", g_shadow[i]);
	}
}

/* What the compiler calls. */
#define CHECKS(bytes)                                                                                        \
	void __asan_load##bytes##_noabort(u64 addr);                                                         \
	void __asan_load##bytes##_noabort(u64 addr)                                                          \
	{                                                                                                    \
		check(addr, bytes, false);                                                                   \
	}                                                                                                    \
	void __asan_store##bytes##_noabort(u64 addr);                                                        \
	void __asan_store##bytes##_noabort(u64 addr)                                                         \
	{                                                                                                    \
		check(addr, bytes, true);                                                                    \
	}
CHECKS(1)
CHECKS(2)
CHECKS(4)
CHECKS(8)
CHECKS(16)
void __asan_loadN_noabort(u64 addr, u64 size);
void __asan_loadN_noabort(u64 addr, u64 size)
{
	check(addr, size, false);
}
void __asan_storeN_noabort(u64 addr, u64 size);
void __asan_storeN_noabort(u64 addr, u64 size)
{
	check(addr, size, true);
}
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}
#endif
