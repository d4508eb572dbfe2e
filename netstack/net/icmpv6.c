/*
 * icmpv6.c - ICMPv6 (RFC 4443): echo, errors in and out; the rest goes to ndp.c and igmp.c.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/transport/sock.h"
#include "netstack/wire/checksum.h"

static void finish(struct pkt *p, const struct ip_addr *src, const struct ip_addr *dst)
{
	u8 *h = pkt_data(p);

	put_be16(h + 2, 0);
	csum_put(h + 2, pkt_csum(p, 0, p->size, csum_pseudo(src, dst, PROTO_ICMPV6, p->size)));
}

/* Is a packet an ICMPv6 error or a redirect, behind whatever extension headers? */
static bool is_error(const struct pkt *p)
{
	u8 b[2], next;
	const u8 *h = pkt_header(p, 6, 1, b);
	u32 at = 40;

	next = h ? *h : PROTO_NONE;
	for (int i = 0; i < 8; i++) {
		if (next == PROTO_ICMPV6) {
			h = pkt_header(p, at, 1, b);
			return !h || *h < 128 || *h == ICMP6_REDIRECT;
		}
		if (next != PROTO_HOPOPTS && next != PROTO_DSTOPTS && next != PROTO_ROUTING &&
		    next != PROTO_FRAGMENT)
			return false;
		h = pkt_header(p, at, 2, b);
		if (!h)
			return false;
		at += next == PROTO_FRAGMENT ? 8U : 8U + 8U * h[1];
		next = h[0];
	}
	return false;
}

void icmpv6_error(struct netstack *ns, struct pkt *about, u8 type, u8 code, u32 info)
{
	bool may_group = type == ICMP6_TOO_BIG || (type == ICMP6_PARAM && code == 2);
	struct ip_tx tx = {.proto = PROTO_ICMPV6};
	struct net_path path;
	u8 scratch[40];
	const u8 *h = pkt_header(about, 0, 40, scratch);
	struct pkt *p;
	u8 *to;

	if (!h || h[0] >> 4 != 6)
		return;
	memcpy(tx.dst.b, h + 8, 16);
	memcpy(tx.src.b, h + 24, 16);
	if (!ip_is_unicast(&tx.dst) || (ip_is_multicast(&tx.src) && !may_group) || is_error(about) ||
	    !icmp_may_send(ns))
		return;
	if (!net_local_addr(ns, &tx.src))
		tx.src = IP6_ANY;
	if (net_route_lookup(ns, &tx.dst, &tx.src,
			     about->nif && ip_is_linklocal(&tx.dst) ? about->nif->index : 0, &path))
		return;
	tx.src = path.src;
	p = pkt_new(ns);
	to = p ? pkt_push(p, 8) : NULL;
	if (!to || !pkt_add_range(p, about, 0, min_t(u32, about->size, IPV6_MIN_MTU - 48))) {
		if (p)
			pkt_free(p);
		return;
	}
	to[0] = type;
	to[1] = code;
	put_be32(to + 4, info);
	finish(p, &tx.src, &tx.dst);
	MIB(ns, IcmpOutMsgs);
	(void)ip_send(ns, p, &tx, &path); /* nobody waits for it */
}

static void echo(struct netif *nif, struct pkt *p)
{
	struct ip_tx tx = {.proto = PROTO_ICMPV6, .src = p->dst, .dst = p->src, .tos = p->tos};
	struct netstack *ns = nif->ns;
	struct net_path path;

	MIB(ns, IcmpInEchos);
	if (ip_is_multicast(&tx.src))
		tx.src = IP6_ANY;
	pkt_pull(p, p->l4_off);
	if (!ip_is_unicast(&tx.dst) ||
	    net_route_lookup(ns, &tx.dst, &tx.src, ip_is_linklocal(&tx.dst) ? nif->index : 0, &path) ||
	    pkt_pull_head(p, 8)) {
		pkt_free(p);
		return;
	}
	tx.src = path.src;
	pkt_data(p)[0] = ICMP6_ECHO_REPLY;
	p->looped = p->csum_valid = p->csum_partial = p->dont_frag = false;
	finish(p, &tx.src, &tx.dst);
	MIB(ns, IcmpOutMsgs);
	MIB(ns, IcmpOutEchoReps);
	(void)ip_send(ns, p, &tx, &path);
}

static int errno_of(u8 type, u8 code, bool *fatal)
{
	static const int errors[] = {ENETUNREACH,  EACCES, EHOSTUNREACH, EHOSTUNREACH,
				     ECONNREFUSED, EACCES, EACCES};

	*fatal = false;
	if (type == ICMP6_UNREACH) {
		*fatal = code == 1 || code == 4 || code == 5 || code == 6;
		return code < ARRAY_COUNT(errors) ? errors[code] : EPROTO;
	}
	if (type == ICMP6_TOO_BIG)
		return EMSGSIZE;
	*fatal = type == ICMP6_PARAM;
	return type == ICMP6_TIME_EXCEEDED ? EHOSTUNREACH : EPROTO;
}

static void error_in(struct netif *nif, struct pkt *p, const u8 head[8])
{
	struct netstack *ns = nif->ns;
	u32 at = p->l4_off + 8U, off = 40;
	u8 scratch[40], l4[8], next;
	const u8 *in = pkt_header(p, at, 40, scratch);
	struct icmp_event e = {.offender = p->src, .type = head[0], .code = head[1], .v6 = true, .p = p};

	if (!in || in[0] >> 4 != 6)
		return;
	memcpy(e.src.b, in + 8, 16);
	memcpy(e.dst.b, in + 24, 16);
	next = in[6];
	for (int i = 0; i < 4 && (next == PROTO_HOPOPTS || next == PROTO_DSTOPTS || next == PROTO_ROUTING ||
				  next == PROTO_FRAGMENT);
	     i++) {
		const u8 *ext = pkt_header(p, at + off, 8, l4);
		if (!ext)
			return;
		off += next == PROTO_FRAGMENT ? 8U : 8U + 8U * ext[1];
		next = ext[0];
	}
	e.proto = next;
	e.l4_at = at + off;
	e.l4 = pkt_header(p, e.l4_at, 8, l4);
	if (!e.l4 || !net_local_addr(ns, &e.src))
		return;
	e.error = errno_of(head[0], head[1], &e.fatal);
	e.info = get_be32(head + 4);
	ip_error_deliver(ns, &e);
}

void icmpv6_input(struct netif *nif, struct pkt *p)
{
	struct netstack *ns = nif->ns;
	u8 scratch[8], head[8];
	const u8 *h = pkt_header(p, p->l4_off, 8, scratch);
	u32 size = p->size - p->l4_off;

	MIB(ns, IcmpInMsgs);
	if (!h) {
		MIB(ns, IcmpInErrors);
		pkt_free(p);
		return;
	}
	if (!p->looped &&
	    !csum_ok(pkt_csum(p, p->l4_off, size, csum_pseudo(&p->src, &p->dst, PROTO_ICMPV6, size)))) {
		MIB(ns, IcmpInCsumErrors);
		MIB(ns, IcmpInErrors);
		pkt_free(p);
		return;
	}
	memcpy(head, h, 8);
	switch (head[0]) {
	case ICMP6_ECHO:
		echo(nif, p);
		return;
	case ICMP6_ECHO_REPLY:
		sock_ping_input(ns, p, get_be16(head + 4));
		break;
	case ICMP6_UNREACH:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAM:
		error_in(nif, p, head);
		break;
	case ICMP6_RS:
	case ICMP6_RA:
	case ICMP6_NS:
	case ICMP6_NA:
	case ICMP6_REDIRECT:
		ndp_input(nif, p, head[0]);
		break;
	case ICMP6_MLD_QUERY:
	case ICMP6_MLD_REPORT:
		mld_input(nif, p, head[0]);
		break;
	default:
		break;
	}
	pkt_free(p);
}
