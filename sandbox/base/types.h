/*
 * types.h - the few types and helpers that every file of the sentry uses.
 *
 * A guest address is a `uaddr_t`, a type of its own: it cannot be dereferenced by mistake and only the
 * copy_in/copy_out families (mm/uaccess.h) and the platform accept it.
 */
#ifndef WARREN_BASE_TYPES_H
#define WARREN_BASE_TYPES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* An address in the guest's address space. One member, so that it converts to nothing silently. */
typedef struct {
	u64 v;
} uaddr_t;

static inline uaddr_t uaddr(u64 v)
{
	return (uaddr_t){v};
}

static inline uaddr_t uaddr_add(uaddr_t a, u64 n)
{
	return (uaddr_t){a.v + n};
}

#define PAGE_SIZE                       4096UL
#define PAGE_SHIFT                      12
#define PAGE_MASK                       (~(PAGE_SIZE - 1))
#define PAGE_DOWN(x)                    ((u64)(x)&PAGE_MASK)
#define PAGE_UP(x)                      (((u64)(x) + PAGE_SIZE - 1) & PAGE_MASK)

#define ARRAY_COUNT(a)                  (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define min_t(type, a, b)               ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b)               ((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define must_check                      __attribute__((warn_unused_result))
#define auto_cleanup(f)                 __attribute__((cleanup(f)))
#define printf_like(f, a)               __attribute__((format(printf, f, a)))

#define NSEC_PER_SEC                    1000000000ULL
#define TIME_NEVER                      UINT64_MAX /* a deadline that does not come */

#endif
