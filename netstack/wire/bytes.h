/*
 * bytes.h - numbers in network byte order.
 *
 * Headers are packed structs of be16/be32: types of their own, so that a number on the wire is never used
 * without conversion by mistake.
 */
#ifndef WARREN_NETSTACK_BYTES_H
#define WARREN_NETSTACK_BYTES_H

#include "sandbox/base/types.h"

typedef struct {
	u8 b[2];
} be16;
typedef struct {
	u8 b[4];
} be32;

static inline u16 be16_get(be16 v)
{
	return (u16)(v.b[0] << 8 | v.b[1]);
}

static inline u32 be32_get(be32 v)
{
	return (u32)v.b[0] << 24 | (u32)v.b[1] << 16 | (u32)v.b[2] << 8 | v.b[3];
}

static inline be16 be16_of(u32 v)
{
	return (be16){{(u8)(v >> 8), (u8)v}};
}

static inline be32 be32_of(u32 v)
{
	return (be32){{(u8)(v >> 24), (u8)(v >> 16), (u8)(v >> 8), (u8)v}};
}

static inline u16 get_be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static inline u32 get_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static inline void put_be16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static inline void put_be32(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 24);
	p[1] = (u8)(v >> 16);
	p[2] = (u8)(v >> 8);
	p[3] = (u8)v;
}

#endif
