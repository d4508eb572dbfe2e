/*
 * icmp.c - ICMP for IPv4 (RFC 792, 1122): echo, errors in, errors out.
 *
 * Errors out are limited to a thousand a second with a burst of fifty, and never sent about errors, fragments
 * past the first, or packets that were not one host's to one host.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/transport/sock.h"
#include "netstack/wire/checksum.h"

#define ERRORS_PER_SEC 1000U
#define ERRORS_BURST   50U

bool icmp_may_send(struct netstack *ns)
{
	u64 step = NSEC_PER_SEC / ERRORS_PER_SEC,
	    earliest = ns->now - min_t(u64, ns->now, ERRORS_BURST * step);

	if (ns->icmp_credit < earliest)
		ns->icmp_credit = earliest;
	if (ns->icmp_credit + step > ns->now)
		return false;
	ns->icmp_credit += step;
	return true;
}

void icmp_error(struct netstack *ns, struct pkt *about, u8 type, u8 code, u32 info)
{
	u8 scratch[20];
	const struct ipv4_hdr *h = pkt_header(about, 0, sizeof(*h), scratch);
	struct ip_tx tx = {.proto = PROTO_ICMP};
	struct icmp_hdr *icmp;
	struct pkt *p;
	u32 header_size;

	if (!h)
		return;
	header_size = (h->ver_ihl & 0xf) * 4U;
	tx.dst = ip_v4(get_be32(h->src));
	tx.src = ip_v4(get_be32(h->dst));
	tx.tos = (u8)((h->tos & 0x1e) | 0xc0);
	if ((be16_get(h->frag) & IPV4_OFFSET) || !ip_is_unicast(&tx.dst) || about->broadcast ||
	    about->l2_type == PKT_L2_BROADCAST || about->l2_type == PKT_L2_MULTICAST || !icmp_may_send(ns))
		return;
	if (h->proto == PROTO_ICMP) {
		u8 b;
		const u8 *t = pkt_header(about, header_size, 1, &b);
		if (!t || (*t != ICMP_ECHO && *t != ICMP_ECHO_REPLY && *t != ICMP_TIMESTAMP))
			return;
	}
	if (!net_local_addr(ns, &tx.src))
		tx.src = IP4_ANY;
	p = pkt_new(ns);
	icmp = p ? pkt_push(p, sizeof(*icmp)) : NULL;
	if (!icmp || !pkt_add_range(p, about, 0, min_t(u32, about->size, 548))) {
		if (p)
			pkt_free(p);
		return;
	}
	*icmp = (struct icmp_hdr){.type = type, .code = code};
	put_be32((u8 *)icmp + 4, info);
	csum_put(&icmp->csum, pkt_csum(p, 0, p->size, 0));
	MIB(ns, IcmpOutMsgs);
	(void)ip_send_routed(ns, p, &tx, 0); /* nobody waits for it */
}

void icmp_port_unreachable(struct netstack *ns, struct pkt *p)
{
	if (ip_is_v4(&p->dst))
		icmp_error(ns, p, ICMP_UNREACH, ICMP_UNREACH_PORT, 0);
	else
		icmpv6_error(ns, p, ICMP6_UNREACH, 4, 0);
}

static void echo(struct netif *nif, struct pkt *p)
{
	struct ip_tx tx = {.proto = PROTO_ICMP, .src = p->dst, .dst = p->src, .tos = p->tos};
	struct icmp_hdr *h;

	if (!ip_is_unicast(&p->src) || p->broadcast || ip_is_multicast(&p->dst)) {
		pkt_free(p); /* as Linux: echoes to groups are ignored */
		return;
	}
	MIB(nif->ns, IcmpInEchos);
	pkt_pull(p, p->l4_off);
	if (pkt_pull_head(p, sizeof(*h))) {
		pkt_free(p);
		return;
	}
	h = (struct icmp_hdr *)pkt_data(p);
	h->type = ICMP_ECHO_REPLY;
	h->csum = be16_of(0);
	csum_put(&h->csum, pkt_csum(p, 0, p->size, 0));
	p->looped = p->csum_valid = p->csum_partial = p->dont_frag = false;
	MIB(nif->ns, IcmpOutMsgs);
	MIB(nif->ns, IcmpOutEchoReps);
	(void)ip_send_routed(nif->ns, p, &tx, 0); /* as lost as any packet may be */
}

/* Our time in milliseconds since midnight, twice, behind the asker's (RFC 792). */
static void timestamp(struct netif *nif, struct pkt *p)
{
	struct ip_tx tx = {.proto = PROTO_ICMP, .src = p->dst, .dst = p->src, .tos = p->tos};
	struct netstack *ns = nif->ns;
	u32 ms = (u32)(ns->env.realtime(ns->env.ctx) / (NSEC_PER_SEC / 1000) % 86400000);
	u8 *h;

	pkt_pull(p, p->l4_off);
	if (!ip_is_unicast(&p->src) || p->broadcast || ip_is_multicast(&p->dst) || pkt_pull_head(p, 20)) {
		pkt_free(p);
		return;
	}
	h = pkt_data(p);
	h[0] = ICMP_TIMESTAMP_REPLY;
	put_be32(h + 12, ms);
	put_be32(h + 16, ms);
	put_be16(h + 2, 0);
	csum_put(h + 2, pkt_csum(p, 0, p->size, 0));
	p->looped = p->csum_valid = p->csum_partial = p->dont_frag = false;
	MIB(ns, IcmpOutMsgs);
	(void)ip_send_routed(ns, p, &tx, 0); /* as lost as any packet may be */
}

static int errno_of(u8 type, u8 code, bool *fatal)
{
	static const u8 errors[16] = {ENETUNREACH,  EHOSTUNREACH, ENOPROTOOPT,  ECONNREFUSED,
				      EMSGSIZE,     EOPNOTSUPP,   ENETUNREACH,  EHOSTDOWN,
				      ENONET,       ENETUNREACH,  EHOSTUNREACH, ENETUNREACH,
				      EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH};
	static const u16 fatals = 1U << 2 | 1U << 3 | 1U << 6 | 1U << 7 | 1U << 8 | 1U << 9 | 1U << 10 |
				  1U << 13 | 1U << 14 | 1U << 15;

	if (type == ICMP_UNREACH) {
		*fatal = fatals >> (code & 15) & 1;
		return code < 16 ? errors[code] : EHOSTUNREACH;
	}
	*fatal = type == ICMP_PARAM;
	return type == ICMP_PARAM ? EPROTO : EHOSTUNREACH;
}

static void error_in(struct netif *nif, struct pkt *p, const struct icmp_hdr *h)
{
	struct netstack *ns = nif->ns;
	u32 at = p->l4_off + sizeof(*h), inner_size;
	u8 scratch[20], l4[8];
	const struct ipv4_hdr *in = pkt_header(p, at, sizeof(*in), scratch);
	struct icmp_event e = {.offender = p->src, .type = h->type, .code = h->code, .p = p};

	if (!in || in->ver_ihl >> 4 != 4)
		return;
	inner_size = (in->ver_ihl & 0xf) * 4U;
	e.src = ip_v4(get_be32(in->src));
	e.dst = ip_v4(get_be32(in->dst));
	e.proto = in->proto;
	e.l4_at = at + inner_size;
	e.l4 = pkt_header(p, e.l4_at, 8, l4);
	if (inner_size < 20 || !e.l4 || !net_local_addr(ns, &e.src))
		return;
	e.error = errno_of(h->type, h->code, &e.fatal);
	if (h->type == ICMP_UNREACH && h->code == ICMP_UNREACH_FRAG) {
		e.info = get_be16((const u8 *)h + 6);
		if (!e.info) /* a router from before RFC 1191 */
			e.info = max_t(u32, be16_get(in->total) / 2, 552);
	}
	ip_error_deliver(ns, &e);
}

/* About a packet of ours: whose destination is better reached by another router. As Linux, always that one
 * destination, whatever the code says of networks. */
static void redirect_in(struct netif *nif, struct pkt *p, const struct icmp_hdr *h)
{
	u8 scratch[20];
	const struct ipv4_hdr *in = pkt_header(p, p->l4_off + (u32)sizeof(*h), sizeof(*in), scratch);
	struct ip_addr src, dst, to = ip_v4(get_be32((const u8 *)h + 4));

	if (!in || in->ver_ihl >> 4 != 4 || h->code > 3 || p->looped)
		return;
	src = ip_v4(get_be32(in->src));
	dst = ip_v4(get_be32(in->dst));
	if (net_local_addr(nif->ns, &src))
		(void)!net_redirect_learn(nif, &dst, &p->src, &to);
}

void icmp_input(struct netif *nif, struct pkt *p)
{
	struct netstack *ns = nif->ns;
	struct icmp_hdr scratch, own;
	const struct icmp_hdr *h = pkt_header(p, p->l4_off, sizeof(*h), &scratch);

	MIB(ns, IcmpInMsgs);
	if (!h) {
		MIB(ns, IcmpInErrors);
		pkt_free(p);
		return;
	}
	if (!p->looped && !csum_ok(pkt_csum(p, p->l4_off, p->size - p->l4_off, 0))) {
		MIB(ns, IcmpInCsumErrors);
		MIB(ns, IcmpInErrors);
		pkt_free(p);
		return;
	}
	own = *h;
	if (own.type == ICMP_ECHO) {
		echo(nif, p);
		return;
	}
	if (own.type == ICMP_TIMESTAMP) {
		timestamp(nif, p);
		return;
	}
	if (own.type == ICMP_ECHO_REPLY)
		sock_ping_input(ns, p, be16_get(own.id));
	else if (own.type == ICMP_UNREACH || own.type == ICMP_TIME_EXCEEDED || own.type == ICMP_PARAM)
		error_in(nif, p, &own);
	else if (own.type == ICMP_REDIRECT)
		redirect_in(nif, p, &own);
	pkt_free(p);
}
