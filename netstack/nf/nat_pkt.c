/*
 * nat_pkt.c - other addresses and ports into a packet, with the checksums that cover them (RFC 1624).
 *
 * A finished checksum is the complement of the sum; one that is left to the link holds the sum of the pseudo
 * header itself, in which there are no ports.
 */
#include <errno.h>

#include "netstack/nf/nf_priv.h"
#include "netstack/wire/checksum.h"

#define INNER_L4 8U /* bytes of a transport header that an ICMP error quotes at least */

/* Replaces bytes (even in number and place) that a checksum covers. */
static void replace(u8 *at, const void *with, u32 n, u8 *csum, bool complement)
{
	u16 old, sum16;
	u32 sum;

	if (csum) {
		memcpy(&old, csum, 2);
		sum = complement ? (u16)~old : old;
		for (u32 i = 0; i < n; i += 2) {
			u16 was, is;
			memcpy(&was, at + i, 2);
			memcpy(&is, (const u8 *)with + i, 2);
			sum += (u16)~was + (u32)is;
		}
		sum16 = csum_fold(sum);
		sum16 = complement ? (u16)~sum16 : sum16;
		memcpy(csum, &sum16, 2);
	}
	memcpy(at, with, n);
}

static u8 *csum_field(u8 *l4, u32 room, u16 proto, bool v6)
{
	u32 at = proto == PROTO_TCP ? 16 : proto == PROTO_UDP ? 6 : 2;

	if (proto != PROTO_TCP && proto != PROTO_UDP && proto != (v6 ? PROTO_ICMPV6 : PROTO_ICMP))
		return NULL;
	if (at + 2 > room)
		return NULL;
	if (proto == PROTO_UDP && !get_be16(l4 + 6))
		return NULL; /* it has none */
	return l4 + at;
}

/* Headers that lie in one piece: the network's at ip, `room` bytes of the transport's at l4. */
static void write_headers(u8 *ip, u8 *l4, u32 room, bool v6, bool partial, const struct nf_tuple *to,
			  enum nf_manip manip)
{
	bool src = manip == NF_MANIP_SRC, icmp = to->proto == PROTO_ICMP || to->proto == PROTO_ICMPV6;
	u8 *csum = csum_field(l4, room, to->proto, v6), port[2];
	bool pseudo = to->proto != PROTO_ICMP;
	const struct ip_addr *addr = src ? &to->src : &to->dst;

	if (v6) {
		replace(ip + (src ? 8 : 24), addr->b, 16, pseudo ? csum : NULL, !partial);
	} else {
		u8 *field = ip + (src ? 12 : 16), was[4];
		memcpy(was, field, 4);
		replace(field, addr->b + 12, 4, ip + 10, true);
		if (pseudo && csum) {
			memcpy(field, was, 4);
			replace(field, addr->b + 12, 4, csum, !partial);
		}
	}
	if (!csum && to->proto != PROTO_UDP && to->proto != PROTO_TCP)
		return;
	if (icmp) { /* the identifier, of queries */
		put_be16(port, to->sport);
		if (room >= 6)
			replace(l4 + 4, port, 2, partial ? NULL : csum, true);
		return;
	}
	put_be16(port, src ? to->sport : to->dport);
	if (room >= 4)
		replace(l4 + (src ? 0 : 2), port, 2, partial ? NULL : csum, true);
	/* a sum of 0 says "none" */
	if (to->proto == PROTO_UDP && csum && !partial && !get_be16(csum))
		put_be16(csum, 0xffff);
}

int nf_nat_write(struct pkt *p, bool v6, u32 l4, const struct nf_tuple *to, enum nf_manip manip)
{
	u32 want = to->proto == PROTO_TCP                                 ? 20
		   : to->proto == PROTO_UDP                               ? 8
		   : to->proto == PROTO_ICMP || to->proto == PROTO_ICMPV6 ? 8
									  : 0;
	int err = pkt_pull_head(p, l4 + want);

	if (err)
		return err;
	write_headers(pkt_data(p), pkt_data(p) + l4, want, v6, p->csum_partial, to, manip);
	if (manip == NF_MANIP_SRC)
		p->src = to->src;
	else
		p->dst = to->dst;
	return 0;
}

int nf_nat_write_error(struct pkt *p, bool v6, u32 l4, const struct nf_tuple *inner,
		       enum nf_manip inner_manip, const struct nf_tuple *outer, enum nf_manip manip)
{
	struct nf_tuple quoted;
	u32 inner_at = l4 + 8, inner_l4;
	u8 *icmp, *ip;
	int err;

	if (!nf_tuple_of(p, inner_at, v6, &quoted, &inner_l4) || quoted.proto != inner->proto)
		return -EINVAL;
	err = pkt_pull_head(p, inner_l4 + INNER_L4);
	if (err)
		return err;
	ip = pkt_data(p);
	write_headers(ip + inner_at, ip + inner_l4, INNER_L4, v6, false, inner, inner_manip);
	/* only the address of the error itself changes; its checksum is made anew */
	if (v6) {
		memcpy(ip + (manip == NF_MANIP_SRC ? 8 : 24),
		       manip == NF_MANIP_SRC ? outer->src.b : outer->dst.b, 16);
	} else {
		replace(ip + (manip == NF_MANIP_SRC ? 12 : 16),
			(manip == NF_MANIP_SRC ? outer->src.b : outer->dst.b) + 12, 4, ip + 10, true);
	}
	if (manip == NF_MANIP_SRC)
		p->src = outer->src;
	else
		p->dst = outer->dst;
	icmp = ip + l4;
	put_be16(icmp + 2, 0);
	csum_put(icmp + 2, pkt_csum(p, l4, p->size - l4,
				    v6 ? csum_pseudo(&p->src, &p->dst, PROTO_ICMPV6, p->size - l4) : 0));
	return 0;
}
