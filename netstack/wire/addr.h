/*
 * addr.h - one address type for both families.
 *
 * An IPv4 address is kept as ::ffff:a.b.c.d, so that sockets, routes and hash tables need no second case and
 * a dual-stack socket is the ordinary case. "Any" exists twice: `::` and `::ffff:0.0.0.0`.
 */
#ifndef WARREN_NETSTACK_ADDR_H
#define WARREN_NETSTACK_ADDR_H

#include "netstack/wire/bytes.h"

struct ip_addr {
	u8 b[16];
};

static inline struct ip_addr ip_v4(u32 host)
{
	return (struct ip_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (u8)(host >> 24), (u8)(host >> 16),
				 (u8)(host >> 8), (u8)host}};
}

static inline u64 ip_word(const struct ip_addr *a, int i)
{
	u64 w;

	memcpy(&w, a->b + 8 * i, 8);
	return w;
}

static inline bool ip_is_v4(const struct ip_addr *a)
{
	return ip_word(a, 0) == 0 && a->b[8] == 0 && a->b[9] == 0 && a->b[10] == 0xff && a->b[11] == 0xff;
}

static inline u32 ip_v4_of(const struct ip_addr *a)
{
	return get_be32(a->b + 12);
}

static inline bool ip_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_word(a, 0) == ip_word(b, 0) && ip_word(a, 1) == ip_word(b, 1);
}

/* `::` or 0.0.0.0 */
static inline bool ip_is_any(const struct ip_addr *a)
{
	return ip_word(a, 0) == 0 && (ip_word(a, 1) == 0 || (ip_is_v4(a) && ip_v4_of(a) == 0));
}

static inline bool ip_is_loopback(const struct ip_addr *a)
{
	if (ip_is_v4(a))
		return a->b[12] == 127;
	return ip_word(a, 0) == 0 && get_be32(a->b + 8) == 0 && get_be32(a->b + 12) == 1;
}

static inline bool ip_is_multicast(const struct ip_addr *a)
{
	return ip_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

static inline bool ip_is_broadcast(const struct ip_addr *a)
{
	return ip_is_v4(a) && ip_v4_of(a) == 0xffffffffU;
}

static inline bool ip_is_linklocal(const struct ip_addr *a)
{
	return ip_is_v4(a) ? a->b[12] == 169 && a->b[13] == 254 : a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* An address that a packet may come from or be sent to as one host. */
static inline bool ip_is_unicast(const struct ip_addr *a)
{
	return !ip_is_any(a) && !ip_is_multicast(a) && !ip_is_broadcast(a) &&
	       !(ip_is_v4(a) && a->b[12] >= 240);
}

/* Do the first `len` bits agree? For IPv4, len counts from the 96th bit: 0 to 32. */
static inline bool ip_prefix_eq(const struct ip_addr *a, const struct ip_addr *b, u32 len)
{
	u32 bits = ip_is_v4(b) ? len + 96 : len;

	if (ip_is_v4(a) != ip_is_v4(b) || memcmp(a->b, b->b, bits / 8))
		return false;
	return bits % 8 == 0 || ((a->b[bits / 8] ^ b->b[bits / 8]) >> (8 - bits % 8)) == 0;
}

/* The address with everything after the prefix cleared. */
static inline struct ip_addr ip_prefix_of(struct ip_addr a, u32 len)
{
	u32 bits = ip_is_v4(&a) ? len + 96 : len;

	for (u32 i = 0; i < 128; i++)
		if (i >= bits)
			a.b[i / 8] &= (u8) ~(0x80U >> (i % 8));
	return a;
}

/* ff02::1:ffXX:XXXX, where neighbour solicitations for `a` are sent. */
static inline struct ip_addr ip_solicited_node(const struct ip_addr *a)
{
	return (struct ip_addr){{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a->b[13], a->b[14], a->b[15]}};
}

#define IP4_ANY     ((struct ip_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}})
#define IP6_ANY     ((struct ip_addr){{0}})
#define IP6_LOOP    ((struct ip_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}})
#define IP6_NODES   ((struct ip_addr){{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}})
#define IP6_ROUTERS ((struct ip_addr){{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}})

#endif
