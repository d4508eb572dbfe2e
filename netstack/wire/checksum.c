/*
 * checksum.c - the Internet checksum, eight bytes and two chains at a time.
 */
#include "netstack/wire/checksum.h"

static u64 load64(const u8 *p)
{
	u64 w;

	memcpy(&w, p, 8);
	return w;
}

static u64 add64(u64 sum, u64 w)
{
	sum += w;
	return sum + (sum < w);
}

u32 csum_add(u32 sum, const void *data, size_t size, bool odd)
{
	const u8 *p = data;
	u64 a = 0, b = 0;
	u8 tail[8] = {0};

	while (size >= 32) {
		a = add64(a, load64(p));
		b = add64(b, load64(p + 8));
		a = add64(a, load64(p + 16));
		b = add64(b, load64(p + 24));
		p += 32;
		size -= 32;
	}
	for (; size >= 8; p += 8, size -= 8)
		a = add64(a, load64(p));
	if (size) {
		memcpy(tail, p, size);
		b = add64(b, load64(tail));
	}
	a = add64(a, b);
	a = (a & 0xffffffff) + (a >> 32);
	a = (a & 0xffffffff) + (a >> 32);
	b = csum_fold((u32)a);
	if (odd)
		b = (u16)(b << 8 | b >> 8);
	a = (u64)sum + b;
	return (u32)((a & 0xffffffff) + (a >> 32));
}

u32 csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, u32 proto, u32 size)
{
	bool v4 = ip_is_v4(src);
	u8 tail[8];
	u32 sum;

	put_be32(tail, size);
	put_be32(tail + 4, proto);
	sum = csum_add(0, src->b + (v4 ? 12 : 0), v4 ? 4 : 16, false);
	sum = csum_add(sum, dst->b + (v4 ? 12 : 0), v4 ? 4 : 16, false);
	return csum_add(sum, tail, sizeof(tail), false);
}
