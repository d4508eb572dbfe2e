/*
 * checksum.h - the Internet checksum (RFC 1071).
 *
 * A running sum is a u32 in the machine's own byte order, folded at the end: the ones' complement sum does
 * not care about the order of bytes as long as it is the same everywhere, which makes eight bytes at a time
 * possible.
 */
#ifndef WARREN_NETSTACK_CHECKSUM_H
#define WARREN_NETSTACK_CHECKSUM_H

#include "netstack/wire/addr.h"

/* Adds `size` bytes to a sum; `odd` says that they begin at an odd offset of the whole. */
u32 csum_add(u32 sum, const void *data, size_t size, bool odd);
/* The sum of the pseudo header of both families. */
u32 csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, u32 proto, u32 size);

static inline u16 csum_fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

/* Puts the finished checksum of `sum` at p. */
static inline void csum_put(void *p, u32 sum)
{
	u16 v = (u16)~csum_fold(sum);

	memcpy(p, &v, 2);
}

/* As for UDP, where 0 means "none". */
static inline void csum_put_nonzero(void *p, u32 sum)
{
	u16 v = (u16)~csum_fold(sum);

	if (!v)
		v = 0xffff;
	memcpy(p, &v, 2);
}

/* True if a sum over data that contains its own checksum is right. */
static inline bool csum_ok(u32 sum)
{
	return csum_fold(sum) == 0xffff;
}

#endif
