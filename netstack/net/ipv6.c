/*
 * ipv6.c - IPv6 in and out (RFC 8200): extension headers, fragments at the source.
 *
 * Extension headers are walked with bounds: at most eight, hop-by-hop only first. Unknown options are treated
 * as their two upper bits say; routing headers with segments left are refused, as is type 0 (RFC 5095).
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/nf/nf.h"
#include "netstack/transport/sock.h"

#define EXT_MAX 8

static void put_header(u8 *h, const struct ip_tx *tx, u32 payload, u32 next, u32 hops)
{
	put_be32(h, 6U << 28 | (u32)tx->tos << 20 | (tx->flow_label & 0xfffff));
	put_be16(h + 4, payload);
	h[6] = (u8)next;
	h[7] = (u8)hops;
	memcpy(h + 8, tx->src.b, 16);
	memcpy(h + 24, tx->dst.b, 16);
}

static int send_fragments(struct netstack *ns, struct pkt *p, const struct ip_tx *tx,
			  const struct net_path *path, u32 mtu, u32 hops)
{
	u32 room = (mtu - 40 - 8) & ~7U, total = p->size, ident = net_random(ns);
	int err = pkt_csum_finish(p);

	for (u32 off = 0; off < total && !err; off += room) {
		u32 n = min_t(u32, room, total - off);
		struct pkt *f = pkt_new(ns);
		struct ipv6_frag_hdr *fh = f ? pkt_push(f, sizeof(*fh)) : NULL;
		u8 *h = fh ? pkt_push(f, 40) : NULL;
		if (!h || !pkt_add_range(f, p, off, n)) {
			if (f)
				pkt_free(f);
			err = -ENOBUFS;
			break;
		}
		*fh = (struct ipv6_frag_hdr){
		    .next = tx->proto, .off_flags = be16_of(off | (off + n < total)), .id = be32_of(ident)};
		put_header(h, tx, f->size - 40, PROTO_FRAGMENT, hops);
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

/* A copy for ourselves of what goes out by multicast; p has no header yet. */
static void loop_back(struct netstack *ns, const struct pkt *p, const struct ip_tx *tx, struct netif *nif,
		      u32 hops)
{
	struct pkt *c = pkt_clone(p);
	u8 *h = c ? pkt_push(c, 40) : NULL;

	if (!h) {
		if (c)
			pkt_free(c);
		return;
	}
	put_header(h, tx, c->size - 40, tx->proto, hops);
	c->looped = c->csum_valid = true;
	c->nif = nif;
	c->l2_type = PKT_L2_MULTICAST;
	c->mark = 1;
	net_queue_work(ns, c);
}

/* The rest of ipv6_send() when there are filters: they see the whole packet, then it is cut. */
static int send_filtered(struct netstack *ns, struct pkt *p, const struct ip_tx *tx,
			 const struct net_path *path, u32 mtu, u32 hops)
{
	u8 *h = pkt_push(p, 40);
	struct net_path own = *path;
	struct ip_tx changed = *tx;
	int err;

	if (!h) {
		pkt_free(p);
		return -ENOBUFS;
	}
	put_header(h, tx, p->size - 40, tx->proto, hops);
	err = ipv6_filter_out(ns, p, tx->owner, &own);
	if (err)
		return err;
	if (own.nif != path->nif)
		mtu = own.mtu;
	if (p->size <= mtu || p->gso)
		return netif_output(own.nif, p, &own.next_hop);
	if (tx->dont_frag) {
		pkt_free(p);
		return -EMSGSIZE;
	}
	changed.src = p->src;
	changed.dst = p->dst;
	pkt_pull(p, 40);
	return send_fragments(ns, p, &changed, &own, max_t(u32, mtu, IPV6_MIN_MTU), hops);
}

int ipv6_send(struct netstack *ns, struct pkt *p, const struct ip_tx *tx, const struct net_path *path)
{
	bool group = ip_is_multicast(&tx->dst), no_loop = p->dont_frag;
	u32 hops = tx->ttl ? tx->ttl : group ? 1 : path->nif->hop_limit, total = p->size + 40;
	u32 mtu = tx->local_only_mtu ? path->nif->mtu : path->mtu;
	u8 *h;

	MIB(ns, IpOutRequests);
	if (p->size > 65535) {
		pkt_free(p);
		return -EMSGSIZE;
	}
	if (group && !(path->nif->flags & NETIF_LOOPBACK) && mcast_member(path->nif, &tx->dst) && !no_loop)
		loop_back(ns, p, tx, path->nif, hops);
	if (tx->host_only) {
		pkt_free(p);
		return 0;
	}
	if (ns->nf)
		return send_filtered(ns, p, tx, path, mtu, hops);
	if (total > mtu && !p->gso) {
		if (!tx->dont_frag)
			return send_fragments(ns, p, tx, path, max_t(u32, mtu, IPV6_MIN_MTU), hops);
		pkt_free(p);
		return -EMSGSIZE;
	}
	h = pkt_push(p, 40);
	if (!h) {
		pkt_free(p);
		return -ENOBUFS;
	}
	put_header(h, tx, total - 40, tx->proto, hops);
	p->src = tx->src;
	p->dst = tx->dst;
	return netif_output(path->nif, p, &path->next_hop);
}

int ipv6_filter_out(struct netstack *ns, struct pkt *p, const struct net_ep *owner, struct net_path *path)
{
	if (!ns->nf || nf_output(ns, p, owner, path))
		return 0;
	pkt_free(p);
	return -EPERM;
}

/* ---- in ---- */

/* Looks at the options of a hop-by-hop or destination header; false: drop (an error may have been sent). */
static bool options_ok(struct netstack *ns, struct pkt *p, u32 at, u32 size)
{
	for (u32 i = 2; i < size;) {
		u8 b[2];
		const u8 *o = pkt_header(p, at + i, 1, b);
		u8 type;
		if (!o)
			return false;
		type = *o;
		if (type == 0) {
			i++;
			continue;
		}
		o = pkt_header(p, at + i, 2, b);
		if (!o || i + 2 + o[1] > size)
			return false;
		if (type != 1 && type != 5 && type >> 6) {
			if (type >> 6 == 2 || (type >> 6 == 3 && !ip_is_multicast(&p->dst)))
				icmpv6_error(ns, p, ICMP6_PARAM, 2, at + i);
			return false;
		}
		i += 2U + o[1];
	}
	return true;
}

/* Walks the extension headers from `at` on. Sets l4_off and l4_proto. 1: at the transport; 2: a fragment
 * (frag is set, at: where its header stands, next_off: where the number of that header stands); 0: dropped.
 */
static int walk(struct netstack *ns, struct pkt *p, u8 next, u32 at, struct ipv6_frag_hdr *frag,
		u32 *next_off)
{
	for (int i = 0; i < EXT_MAX; i++) {
		u8 b[8];
		const u8 *h;
		u32 size;
		p->l4_off = (u16)at;
		p->l4_proto = next;
		if (next != PROTO_HOPOPTS && next != PROTO_DSTOPTS && next != PROTO_ROUTING &&
		    next != PROTO_FRAGMENT)
			return 1;
		h = pkt_header(p, at, 8, b);
		if (!h)
			return 0;
		if (next == PROTO_FRAGMENT) {
			memcpy(frag, h, sizeof(*frag));
			return 2;
		}
		size = 8 + 8U * h[1];
		if (at + size > p->size || at + size > 512)
			return 0;
		if (next == PROTO_HOPOPTS && at > 40) {
			icmpv6_error(ns, p, ICMP6_PARAM, 1, *next_off);
			return 0;
		}
		if (next == PROTO_ROUTING && h[3] > 0) {
			icmpv6_error(ns, p, ICMP6_PARAM, 0, at + 2);
			return 0;
		}
		*next_off = at;
		next = h[0];
		if (p->l4_proto != PROTO_ROUTING && !options_ok(ns, p, at, size))
			return 0;
		at += size;
	}
	return 0;
}

/* Are all headers of a first fragment in it, up to the transport's (RFC 7112)? `at` stands behind the
 * fragment header. */
static bool chain_is_whole(const struct pkt *p, u8 next, u32 at)
{
	for (int i = 0; i < EXT_MAX; i++) {
		u8 b[20];
		const u8 *h;
		if (next == PROTO_NONE)
			return true;
		h = pkt_header(p, at, next == PROTO_TCP ? 20 : 8, b);
		if (!h)
			return false;
		if (next != PROTO_HOPOPTS && next != PROTO_DSTOPTS && next != PROTO_ROUTING)
			return true;
		h = pkt_header(p, at, 2, b);
		if (!h)
			return false;
		next = h[0];
		at += 8U + 8U * h[1];
	}
	return false;
}

static bool is_for_us(struct netif *nif, struct pkt *p)
{
	struct net_ifaddr *a;

	if (ip_is_multicast(&p->dst))
		return mcast_member(nif, &p->dst) || (nif->flags & NETIF_LOOPBACK);
	a = net_local_addr(nif->ns, &p->dst);
	/* a tentative address is nobody's yet, but for the messages of duplicate detection */
	return a && (!(a->flags & (IFA_TENTATIVE | IFA_DADFAILED)) || p->l4_proto == PROTO_ICMPV6);
}

static bool source_ok(struct netif *nif, const struct pkt *p)
{
	struct net_ifaddr *ours;

	if (ip_is_multicast(&p->src) || ip_is_v4(&p->src) || ip_is_v4(&p->dst) || ip_is_any(&p->dst))
		return false;
	if (p->looped)
		return true;
	if (ip_is_loopback(&p->src) || ip_is_loopback(&p->dst))
		return false;
	/* an address that is not ours yet may turn out to be another's */
	ours = net_local_addr(nif->ns, &p->src);
	return !ours || (ours->flags & (IFA_TENTATIVE | IFA_DADFAILED));
}

/* Reads the fixed header; false if the packet is bad. */
static bool read_header(struct pkt *p, u8 *next)
{
	u8 scratch[40];
	const u8 *h = pkt_header(p, 0, 40, scratch);

	if (!h || h[0] >> 4 != 6 || get_be16(h + 4) > p->size - 40)
		return false;
	pkt_trim(p, 40U + get_be16(h + 4));
	memcpy(p->src.b, h + 8, 16);
	memcpy(p->dst.b, h + 24, 16);
	p->tos = (u8)(get_be16(h) >> 4);
	p->ttl = h[7];
	p->dont_frag = true;
	*next = p->l4_proto = h[6];
	return true;
}

/* A fragment, whose header stands before l4_off: the whole packet it completes, or NULL. */
static struct pkt *fragment(struct netif *nif, struct pkt *p, const struct ipv6_frag_hdr *frag, u32 next_off)
{
	u32 off = be16_get(frag->off_flags) & ~7U;

	if (!off && !chain_is_whole(p, frag->next, p->l4_off)) {
		icmpv6_error(nif->ns, p, ICMP6_PARAM, 3, 0);
		MIB(nif->ns, IpReasmFails);
		pkt_free(p);
		return NULL;
	}
	return ip_reassemble(nif, p, be32_get(frag->id), off, be16_get(frag->off_flags) & 1, p->l4_off - 8U,
			     next_off);
}

void ipv6_input(struct netif *nif, struct pkt *p)
{
	struct netstack *ns = nif->ns;
	struct ipv6_frag_hdr frag;
	u32 next_off = 6, at = 40;
	u8 next;
	int r = 0;

	MIB(ns, IpInReceives);
	if (!read_header(p, &next)) {
		MIB(ns, IpInHdrErrors);
		goto drop;
	}
	if (!source_ok(nif, p)) {
		MIB(ns, IpInAddrErrors);
		goto drop;
	}
	for (int i = 0; i < EXT_MAX && r != 1; i++) {
		r = walk(ns, p, next, at, &frag, &next_off);
		/* translation, which sees whole packets only, may make it ours yet */
		if (r && !ns->nf && !is_for_us(nif, p)) {
			MIB(ns, IpInAddrErrors);
			goto drop;
		}
		if (r != 2)
			break;
		at = p->l4_off + 8U;
		if ((be16_get(frag.off_flags) & ~6U) == 0) { /* an atomic fragment: whole by itself */
			next_off = p->l4_off;
			next = frag.next;
			continue;
		}
		p->l4_off = (u16)at;
		p->l4_proto = frag.next;
		p = fragment(nif, p, &frag, next_off);
		if (!p)
			return;
		at = 40;
		next_off = 6;
		if (!read_header(p, &next))
			goto drop;
	}
	if (r != 1) {
		MIB(ns, IpInHdrErrors);
		goto drop;
	}
	if (ns->nf && (!nf_prerouting(nif, p) || !is_for_us(nif, p) || !nf_input(nif, p)))
		goto drop;
	if (p->l4_proto == PROTO_NONE)
		goto drop;
	if (!ip_deliver(ns, p)) {
		MIB(ns, IpInUnknownProtos);
		icmpv6_error(ns, p, ICMP6_PARAM, 1, next_off);
		goto drop;
	}
	return;
drop:
	pkt_free(p);
}
