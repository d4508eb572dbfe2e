/*
 * ipv4.c - IPv4 in and out (RFC 791, 1122), fragments on the way out.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/nf/nf.h"
#include "netstack/wire/checksum.h"
#include "netstack/transport/sock.h"

/* ---- out ---- */

int ip_send(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, const struct net_path *path)
{
	return ip_is_v4(&tx->dst) ? ipv4_send(ns, p, tx, path) : ipv6_send(ns, p, tx, path);
}

int ip_send_routed(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, u32 oif)
{
	struct net_path path;
	struct ip_tx own = *tx;
	int err = net_route_lookup(ns, &tx->dst, &tx->src, oif, &path);

	if (err) {
		MIB(ns, IpOutNoRoutes);
		pkt_free(p);
		return err;
	}
	if (ip_is_any(&own.src))
		own.src = path.src;
	return ip_send(ns, p, &own, &path);
}

static void header_csum(u8 *h, u32 size)
{
	put_be16(h + 10, 0);
	csum_put(h + 10, csum_add(0, h, size, false));
}

/* Cuts a packet with its header into fragments that fit. Takes it over. */
static int send_fragments(struct netstack *ns, struct pkt *p, const struct net_path *path, u32 mtu)
{
	u8 header[60];
	const u8 *h = pkt_header(p, 0, 20, header);
	u32 header_size = h ? (h[0] & 0xf) * 4U : 0, room, total, base;
	bool more_after;
	int err = pkt_csum_finish(p);

	if (err || header_size < 20 || pkt_copy(p, 0, header, header_size) != header_size ||
	    mtu < header_size + 8) {
		pkt_free(p);
		MIB(ns, IpFragFails);
		return err ? err : -EMSGSIZE;
	}
	room = (mtu - header_size) & ~7U;
	total = p->size - header_size;
	base = get_be16(header + 6) & IPV4_OFFSET;
	more_after = get_be16(header + 6) & IPV4_MF;
	for (u32 off = 0; off < total && !err; off += room) {
		u32 n = min_t(u32, room, total - off);
		struct pkt *f = pkt_new(ns);
		u8 *to = f ? pkt_push(f, header_size) : NULL;
		if (!to || !pkt_add_range(f, p, header_size + off, n)) {
			if (f)
				pkt_free(f);
			err = -ENOBUFS;
			break;
		}
		memcpy(to, header, header_size);
		f->broadcast = p->broadcast;
		put_be16(to + 2, f->size);
		put_be16(to + 6, (base + off / 8) | (off + n < total || more_after ? IPV4_MF : 0));
		header_csum(to, header_size);
		MIB(ns, IpFragCreates);
		err = netif_output(path->nif, f, &path->next_hop);
	}
	if (err)
		MIB(ns, IpFragFails);
	else
		MIB(ns, IpFragOKs);
	pkt_free(p);
	return err;
}

int ipv4_emit(struct netstack *ns, struct pkt *p, const struct net_path *path, u32 mtu, bool may_frag,
	      const struct net_ep *owner)
{
	struct net_path own;

	MIB(ns, IpOutRequests);
	if (ns->nf) {
		own = *path;
		if (!nf_output(ns, p, owner, &own)) {
			pkt_free(p);
			return -EPERM;
		}
		if (own.nif != path->nif)
			mtu = own.mtu;
		path = &own;
	}
	p->broadcast = path->type == ROUTE_BROADCAST;
	if (p->size > mtu && !p->gso) {
		if (may_frag)
			return send_fragments(ns, p, path, mtu);
		pkt_free(p);
		MIB(ns, IpFragFails);
		return -EMSGSIZE;
	}
	return netif_output(path->nif, p, &path->next_hop);
}

/* A copy for ourselves of what goes out by multicast or broadcast. */
static void loop_back(struct netstack *ns, const struct pkt *p, struct netif *nif)
{
	struct pkt *c = pkt_clone(p);

	if (!c)
		return;
	c->looped = c->csum_valid = true;
	c->nif = nif;
	c->l2_type = PKT_L2_MULTICAST;
	c->eth_type = 0;
	c->mark = 1; /* the network header comes first, no link header */
	net_queue_work(ns, c);
}

int ipv4_send(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, const struct net_path *path)
{
	u32 header_size = 20 + tx->option_size, total = p->size + header_size;
	struct ipv4_hdr *h = pkt_push(p, header_size);
	u32 pieces = p->gso ? 1 + p->size / p->gso_size : 1;
	bool group = ip_is_multicast(&tx->dst);

	if (!h || total > 65535) {
		pkt_free(p);
		return total > 65535 ? -EMSGSIZE : -ENOBUFS;
	}
	h->ver_ihl = (u8)(0x40 | header_size / 4);
	h->tos = tx->tos;
	h->total = be16_of(total);
	h->id = be16_of(ns->ip_id);
	ns->ip_id += pieces;
	h->frag = be16_of(tx->dont_frag || (tx->want_df && (total <= path->mtu || p->gso)) ? IPV4_DF : 0);
	h->ttl = tx->ttl ? tx->ttl : group ? 1 : (u8)ns->config.ttl;
	h->proto = tx->proto;
	memcpy(h->src, tx->src.b + 12, 4);
	memcpy(h->dst, tx->dst.b + 12, 4);
	if (tx->option_size)
		memcpy(h + 1, tx->options, tx->option_size);
	header_csum((u8 *)h, header_size);
	p->src = tx->src;
	p->dst = tx->dst;
	if (path->type == ROUTE_BROADCAST && !(path->nif->flags & NETIF_LOOPBACK))
		loop_back(ns, p, path->nif);
	if (group && !(path->nif->flags & NETIF_LOOPBACK) && mcast_member(path->nif, &tx->dst) &&
	    !p->dont_frag)
		loop_back(ns, p, path->nif);
	if (group && tx->host_only) {
		pkt_free(p);
		return 0;
	}
	return ipv4_emit(ns, p, path, tx->local_only_mtu ? path->nif->mtu : path->mtu, !tx->dont_frag,
			 tx->owner);
}

/* ---- in ---- */

/* Source routes are refused, the rest is passed over; false if the options are malformed. */
static bool options_ok(struct netstack *ns, struct pkt *p, u32 header_size)
{
	u8 buf[40];
	u32 n = header_size - 20, at = 0;

	pkt_copy(p, 20, buf, n);
	while (at < n && buf[at] != 0) {
		if (buf[at] == 1) {
			at++;
			continue;
		}
		if (at + 1 >= n || buf[at + 1] < 2 || at + buf[at + 1] > n) {
			icmp_error(ns, p, ICMP_PARAM, 0, (20 + at) << 24);
			return false;
		}
		if (buf[at] == 131 || buf[at] == 137) { /* loose and strict source route */
			icmp_error(ns, p, ICMP_UNREACH, ICMP_UNREACH_SRC_ROUTE, 0);
			return false;
		}
		at += buf[at + 1];
	}
	return true;
}

static bool is_for_us(struct netif *nif, struct pkt *p)
{
	if (ip_is_multicast(&p->dst))
		return mcast_member(nif, &p->dst) || (nif->flags & NETIF_LOOPBACK);
	if (net_is_broadcast(nif->ns, &p->dst)) {
		p->broadcast = true;
		return true;
	}
	return net_local_addr(nif->ns, &p->dst);
}

/* Reads and checks the header; its size, or 0 if the packet is bad. */
static u32 check_header(struct netstack *ns, struct pkt *p, u32 *frag)
{
	u8 scratch[60];
	const struct ipv4_hdr *h = pkt_header(p, 0, sizeof(*h), scratch);
	u32 header_size, total;

	if (!h || h->ver_ihl >> 4 != 4)
		return 0;
	header_size = (h->ver_ihl & 0xf) * 4U;
	total = be16_get(h->total);
	if (header_size < 20 || total < header_size || total > p->size)
		return 0;
	h = pkt_header(p, 0, header_size, scratch);
	if (!h || (!p->looped && !csum_ok(csum_add(0, h, header_size, false))))
		return 0;
	pkt_trim(p, total); /* Ethernet pads */
	p->src = ip_v4(get_be32(h->src));
	p->dst = ip_v4(get_be32(h->dst));
	p->l4_proto = h->proto;
	p->tos = h->tos;
	p->ttl = h->ttl;
	p->l4_off = (u16)header_size;
	*frag = be16_get(h->frag) | (u32)be16_get(h->id) << 16;
	p->dont_frag = *frag & IPV4_DF;
	return header_size;
}

/* Sources that no packet may have; from outside, our own addresses too. */
static bool source_ok(struct netif *nif, const struct pkt *p)
{
	if (ip_is_multicast(&p->src) || net_is_broadcast(nif->ns, &p->src))
		return false;
	if (p->looped)
		return true;
	return !ip_is_loopback(&p->src) && !ip_is_loopback(&p->dst) && !net_local_addr(nif->ns, &p->src);
}

/* Filters and translation see whole packets only. NULL: it is not whole yet, or gone. */
static struct pkt *before_filters(struct netif *nif, struct pkt *p, u32 *frag, u32 header_size)
{
	if (*frag & (IPV4_MF | IPV4_OFFSET)) {
		p = ip_reassemble(nif, p, *frag >> 16, (*frag & IPV4_OFFSET) * 8, *frag & IPV4_MF,
				  header_size, 0);
		*frag = 0;
	}
	if (p && !nf_prerouting(nif, p)) {
		pkt_free(p);
		return NULL;
	}
	return p;
}

void ipv4_input(struct netif *nif, struct pkt *p)
{
	struct netstack *ns = nif->ns;
	u32 frag, header_size = check_header(ns, p, &frag);

	MIB(ns, IpInReceives);
	if (!header_size) {
		MIB(ns, IpInHdrErrors);
		goto drop;
	}
	if (ns->nf) {
		p = before_filters(nif, p, &frag, header_size);
		if (!p)
			return;
	}
	if (!source_ok(nif, p) || !is_for_us(nif, p)) {
		MIB(ns, IpInAddrErrors);
		goto drop;
	}
	if (ns->nf && !nf_input(nif, p))
		goto drop;
	if (header_size > 20 && !options_ok(ns, p, header_size)) {
		MIB(ns, IpInHdrErrors);
		goto drop;
	}
	if (frag & (IPV4_MF | IPV4_OFFSET)) {
		p = ip_reassemble(nif, p, frag >> 16, (frag & IPV4_OFFSET) * 8, frag & IPV4_MF, header_size,
				  0);
		if (!p)
			return;
	}
	if (!ip_deliver(ns, p)) {
		MIB(ns, IpInUnknownProtos);
		icmp_error(ns, p, ICMP_UNREACH, ICMP_UNREACH_PROTO, 0);
		goto drop;
	}
	return;
drop:
	pkt_free(p);
}

/* Hands a packet to raw sockets and to its protocol, which takes it over. */
bool ip_deliver(struct netstack *ns, struct pkt *p)
{
	bool taken = sock_raw_input(ns, p);

	MIB(ns, IpInDelivers);
	switch (p->l4_proto) {
	case PROTO_TCP:
		tcp_input(ns, p);
		return true;
	case PROTO_UDP:
		udp_input(ns, p);
		return true;
	case PROTO_ICMP:
		if (!ip_is_v4(&p->dst))
			break;
		icmp_input(p->nif, p);
		return true;
	case PROTO_ICMPV6:
		if (ip_is_v4(&p->dst))
			break;
		icmpv6_input(p->nif, p);
		return true;
	case PROTO_IGMP:
		if (!ip_is_v4(&p->dst))
			break;
		igmp_input(p->nif, p);
		return true;
	default:
		break;
	}
	if (taken)
		pkt_free(p);
	return taken;
}

void ip_error_deliver(struct netstack *ns, const struct icmp_event *e)
{
	if (e->proto == PROTO_TCP)
		tcp_icmp(ns, e);
	else if (e->proto == PROTO_UDP)
		udp_icmp(ns, e);
	sock_raw_icmp(ns, e);
}
