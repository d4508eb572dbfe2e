/*
 * udp.c - UDP (RFC 768) over both families.
 *
 * A datagram goes from the caller's buffers into one block, and from there by reference. With UDP_SEGMENT one
 * call sends many: the packet goes down whole with gso set, and is cut by the link or just above it.
 */
#include <errno.h>

#include "netstack/transport/sock.h"
#include "netstack/wire/checksum.h"

int udp_new(struct netstack *ns, bool v6, struct net_sock **out)
{
	struct net_sock *sk = net_new(ns, struct net_sock);

	if (!sk)
		return -ENOMEM;
	sock_init(sk, ns, EP_UDP, PROTO_UDP, v6);
	*out = sk;
	return 0;
}

int dgram_connect(struct net_sock *sk, const struct ip_addr *addr, u32 port)
{
	struct net_ep *ep = &sk->ep;
	struct netstack *ns = ep->ns;
	struct ip_addr dst = *addr, src = ep->laddr;
	struct net_path path;
	int err;

	net_tick(ns);
	if (ip_is_any(&dst)) /* as Linux: any means ourselves */
		dst = ip_is_v4(&dst) ? ip_v4(0x7f000001) : IP6_LOOP;
	if (ip_is_v4(&dst) && !ip_is_v4(&src)) {
		if (!ip_is_any(&src))
			return -ENETUNREACH;
		src = IP4_ANY;
	}
	if (ip_is_multicast(&src))
		src = ip_is_v4(&dst) ? IP4_ANY : IP6_ANY;
	err = net_route_lookup(ns, &dst, &src, ep->bound_if, &path);
	if (err)
		return err;
	if (path.type == ROUTE_BROADCAST && !sk->broadcast)
		return -EACCES;
	if (ep->proto == PROTO_UDP || ep->kind == EP_PING) {
		err = sock_autobind(sk);
		if (err)
			return err;
	}
	sock_flow_del(ep);
	ep->raddr = dst;
	ep->rport = (u16)port;
	if (ip_is_any(&ep->laddr))
		ep->laddr = path.src;
	sk->path = path;
	if (ep->proto == PROTO_UDP)
		sock_flow_add(ep);
	return 0;
}

int dgram_disconnect(struct net_sock *sk)
{
	struct net_ep *ep = &sk->ep;

	sock_flow_del(ep);
	ep->raddr = ep->v6 ? IP6_ANY : IP4_ANY;
	ep->rport = 0;
	if (!ep->bound) {
		ep->laddr = ep->raddr;
		sock_unbind(ep);
		ep->lport = 0;
	}
	sk->path.nif = NULL;
	return 0;
}

/* Reads the caller's bytes into p. */
int dgram_fill(struct pkt *p, struct net_iter *it)
{
	while (it->left) {
		struct net_data *d =
		    net_data_new(p->ns, it->left > 2000 ? NET_BLOCK_ROOM : (u32)max_t(size_t, it->left, 64));
		size_t want;
		s64 n;
		bool ok;
		if (!d)
			return -ENOBUFS;
		want = min_t(size_t, it->left, d->capacity);
		n = it->copy(it, d->bytes, want);
		if (n != (s64)want) {
			net_data_put(p->ns, d);
			return n < 0 ? (int)n : -EFAULT;
		}
		d->used = (u32)n;
		ok = pkt_add(p, d, 0, (u32)n);
		net_data_put(p->ns, d);
		if (!ok)
			return -EMSGSIZE;
	}
	return 0;
}

/* What a datagram needs to know about its way. */
int dgram_way(struct net_sock *sk, const struct dgram_msg *m, struct ip_tx *tx, struct net_path *path)
{
	struct net_ep *ep = &sk->ep;
	struct netstack *ns = ep->ns;
	u32 oif = m->oif ? m->oif : ep->bound_if;
	int err;

	tx->dst = m->dst ? *m->dst : ep->raddr;
	if (ip_is_any(&tx->dst))
		tx->dst = ip_is_v4(&tx->dst) ? ip_v4(0x7f000001) : IP6_LOOP;
	tx->src = m->src ? *m->src : ep->laddr;
	if (ip_is_v4(&tx->dst) != ip_is_v4(&tx->src)) {
		if (!ip_is_any(&tx->src))
			return -ENETUNREACH;
		tx->src = ip_is_v4(&tx->dst) ? IP4_ANY : IP6_ANY;
	}
	if (ip_is_multicast(&tx->src) || (ip_is_v4(&tx->src) && ip_is_broadcast(&tx->src)))
		tx->src = ip_is_v4(&tx->dst) ? IP4_ANY : IP6_ANY;
	if (!oif && m->scope_if)
		oif = m->scope_if;
	if (!oif && ip_is_multicast(&tx->dst))
		oif = sk->mcast_if;
	if (!m->dst && !m->src && !m->oif && sk->path.nif && sk->path.gen == ns->route_gen) {
		*path = sk->path;
	} else {
		err = net_route_lookup(ns, &tx->dst, &tx->src, oif, path);
		if (err) {
			MIB(ns, IpOutNoRoutes);
			return err;
		}
		if (!m->dst && !m->src && !m->oif)
			sk->path = *path;
	}
	if (path->type == ROUTE_BROADCAST && !sk->broadcast)
		return -EACCES;
	if (ip_is_any(&tx->src))
		tx->src = path->src;
	tx->proto = ep->proto;
	tx->owner = ep;
	tx->ttl = (u8)(m->ttl >= 0 ? (u32)m->ttl : sock_ttl(sk, &tx->dst));
	tx->tos = (u8)(m->tos >= 0 ? (u32)m->tos : ip_is_v4(&tx->dst) ? sk->tos : sk->tclass);
	tx->dont_frag = sk->pmtudisc == PMTUDISC_DO || sk->pmtudisc == PMTUDISC_PROBE;
	tx->want_df = sk->pmtudisc == PMTUDISC_WANT;
	tx->host_only = ip_is_multicast(&tx->dst) && tx->ttl == 0;
	tx->local_only_mtu = sk->pmtudisc == PMTUDISC_PROBE || sk->pmtudisc == PMTUDISC_INTERFACE;
	tx->flow_label = sk->flow_label;
	tx->oif = oif;
	return 0;
}
int dgram_refresh(struct netstack *ns, const struct ip_tx *tx, struct net_path *path)
{
	return path->gen == ns->route_gen ? 0 : net_route_lookup(ns, &tx->dst, &tx->src, tx->oif, path);
}

/* The checksum of the header that p begins with: left to the link if it can, else done. */
static void seal(struct net_sock *sk, struct pkt *p, const struct ip_tx *tx, const struct net_path *path,
		 bool whole)
{
	struct udp_hdr *h = (struct udp_hdr *)pkt_data(p);
	u32 sum = csum_pseudo(&tx->src, &tx->dst, PROTO_UDP, p->size);
	u16 part;

	h->csum = be16_of(0);
	if (sk->no_check && ip_is_v4(&tx->dst) && !p->gso)
		return;
	if (p->gso || (whole && (path->nif->features & LINK_CSUM_OUT))) {
		part = csum_fold(sum);
		memcpy(&h->csum, &part, 2);
		p->csum_partial = true;
		p->csum_start = 0;
		p->csum_offset = offsetof(struct udp_hdr, csum);
	} else {
		csum_put_nonzero(&h->csum, pkt_csum(p, 0, p->size, sum));
	}
}

static int check_gso(const struct pkt *p, u32 gso, const struct net_path *path, bool v4)
{
	u32 headers = (v4 ? 20 : 40) + sizeof(struct udp_hdr);

	if (gso + headers > path->mtu)
		return -EMSGSIZE;
	return (p->size + gso - 1) / gso > 128 ? -EINVAL : 0;
}

/* A datagram on its way out, or being gathered. */
struct udp_cork {
	struct pkt *p; /* the payload so far */
	struct ip_tx tx;
	struct net_path path;
	u32 dport, gso;
};

/* Puts the header before the payload and sends it. Takes c->p over. */
static int push(struct net_sock *sk, struct udp_cork *c)
{
	struct netstack *ns = sk->ep.ns;
	struct pkt *p = c->p;
	u32 gso = c->gso && p->size > c->gso ? c->gso : 0;
	struct udp_hdr *h;
	int err = dgram_refresh(ns, &c->tx, &c->path);

	if (!err && p->size > 65535 - sizeof(*h) - (ip_is_v4(&c->tx.dst) ? 20U : 0))
		err = -EMSGSIZE;
	if (!err && gso)
		err = check_gso(p, gso, &c->path, ip_is_v4(&c->tx.dst));
	h = err ? NULL : pkt_push(p, sizeof(*h));
	if (!h) {
		pkt_free(p);
		return err ? err : -ENOBUFS;
	}
	if (gso) {
		p->gso = PKT_GSO_UDP;
		p->gso_size = (u16)gso;
	}
	*h = (struct udp_hdr){be16_of(sk->ep.lport), be16_of(c->dport), be16_of(p->size), be16_of(0)};
	p->dont_frag =
	    ip_is_multicast(&c->tx.dst) && !(ip_is_v4(&c->tx.dst) ? sk->mcast_loop : sk->mcast6_loop);
	seal(sk, p, &c->tx, &c->path, p->size + 40 <= c->path.mtu);
	err = ip_send(ns, p, &c->tx, &c->path);
	if (err == -EMSGSIZE && sk->recverr) {
		struct sock_error e = {.error = EMSGSIZE,
				       .origin = 1,
				       .info = c->path.mtu,
				       .dst = c->tx.dst,
				       .dport = (u16)c->dport};
		sock_queue_error(sk, &e, NULL);
	}
	if (err)
		MIB(ns, UdpSndbufErrors);
	else
		MIB(ns, UdpOutDatagrams);
	net_leave(ns);
	/* as Linux: what a full device queue loses is an error only with IP_RECVERR */
	return err == -ENOBUFS && !sk->recverr ? 0 : err;
}

void udp_uncork(struct net_sock *sk)
{
	if (!sk->cork)
		return;
	pkt_free(sk->cork->p);
	net_free(sk->ep.ns, sk->cork);
	sk->cork = NULL;
}

int udp_flush(struct net_sock *sk)
{
	struct udp_cork *c = sk->cork;
	int err;

	if (!c)
		return 0;
	net_tick(sk->ep.ns);
	sk->cork = NULL;
	err = push(sk, c);
	net_free(sk->ep.ns, c);
	return err;
}

/* Where a message goes, and an empty packet for it. */
static int begin(struct net_sock *sk, const struct dgram_msg *m, struct udp_cork *c)
{
	int err;

	*c = (struct udp_cork){.dport = m->dst ? m->dport : sk->ep.rport,
			       .gso = m->gso_size ? m->gso_size : sk->gso_size};
	if (!m->dst && !sk->ep.rport && ip_is_any(&sk->ep.raddr))
		return -EDESTADDRREQ;
	if (!c->dport)
		return -EINVAL;
	net_tick(sk->ep.ns);
	err = dgram_way(sk, m, &c->tx, &c->path);
	if (!err)
		err = sock_autobind(sk);
	if (err)
		return err;
	c->p = pkt_new(sk->ep.ns);
	return c->p ? 0 : -ENOBUFS;
}

/* Adds to the datagram that is being gathered, and sends it if it is whole now. */
static s64 add_corked(struct net_sock *sk, struct dgram_msg *m, bool more)
{
	s64 size = (s64)m->iter->left;
	int err = sk->cork->p->size + m->iter->left > 65535 ? -EMSGSIZE : dgram_fill(sk->cork->p, m->iter);

	if (err) {
		udp_uncork(sk); /* as Linux: all of it is lost */
		return err;
	}
	err = more ? 0 : udp_flush(sk);
	return err ? err : size;
}

s64 udp_send(struct net_sock *sk, struct dgram_msg *m)
{
	size_t size = m->iter->left;
	bool more = m->more || sk->udp_corked;
	struct udp_cork c, *keep = NULL;
	int err;

	if (size > 65535 - sizeof(struct udp_hdr) - (sk->ep.v6 ? 0 : 20))
		return -EMSGSIZE;
	if (sk->shut_write)
		return -EPIPE;
	if (sk->error)
		return sock_take_error(sk);
	if (sk->cork)
		return add_corked(sk, m, more);
	err = begin(sk, m, &c);
	if (err)
		return err;
	err = dgram_fill(c.p, m->iter);
	if (!err && more && sk->cork)
		err = -EINVAL; /* somebody else began one meanwhile */
	if (!err && more) {
		keep = net_new(sk->ep.ns, struct udp_cork);
		err = keep ? 0 : -ENOBUFS;
	}
	if (err) {
		pkt_free(c.p);
		return err;
	}
	if (more) {
		*keep = c;
		sk->cork = keep;
		return (s64)size;
	}
	err = push(sk, &c);
	return err ? err : (s64)size;
}

/* ---- in ---- */

static struct net_sock *lookup(struct netstack *ns, const struct pkt *p)
{
	struct net_ep *ep =
	    sock_flow_find(ns, PROTO_UDP, &p->dst, p->dport, &p->src, p->sport, p->nif->index);
	u32 hash, same = 0;
	int best = -1;

	if (ep)
		return container_of(ep, struct net_sock, ep);
	hash = sock_port_hash(PROTO_UDP, p->dport);
	for (struct net_hnode *n = net_hash_first(&ns->ports, hash); n; n = n->next) {
		struct net_ep *e = container_of(n, struct net_ep, port_node);
		int score;
		if (n->hash != hash || e->proto != PROTO_UDP || e->lport != p->dport)
			continue;
		score = sock_score(e, &p->dst, &p->src, p->sport, p->nif->index);
		if (score > best) {
			best = score;
			ep = e;
			same = 1;
		} else if (score >= 0 && score == best && e->reuseport && ep->reuseport) {
			/* one of the group, always the same for a peer */
			u32 pick = (u32)sock_flow_hash(ns, PROTO_UDP, &p->dst, p->dport, &p->src, p->sport);
			if (pick % ++same == 0)
				ep = e;
		}
	}
	return ep ? container_of(ep, struct net_sock, ep) : NULL;
}

static void to_socket(struct net_sock *sk, struct pkt *p)
{
	if (sk->shut_read || !sock_filter(sk, p, p->l4_off, sizeof(struct udp_hdr))) {
		pkt_free(p);
		return;
	}
	pkt_pull(p, p->l4_off + (u32)sizeof(struct udp_hdr));
	if (p->gso == PKT_GSO_UDP && !sk->gro) {
		/* came whole over loopback for a socket that wants single datagrams */
		u32 step = p->gso_size;
		while (p->size > step) {
			struct pkt *piece = pkt_clone(p);
			if (!piece)
				break;
			pkt_trim(piece, step);
			pkt_pull(p, step);
			piece->gso = PKT_GSO_NONE;
			sock_queue(sk, piece);
		}
		p->gso = PKT_GSO_NONE;
	}
	MIB(sk->ep.ns, UdpInDatagrams);
	sock_queue(sk, p);
}

/* A group's or everybody's datagram: to each socket that fits. */
static void to_all(struct netstack *ns, struct pkt *p)
{
	u32 hash = sock_port_hash(PROTO_UDP, p->dport);
	bool group = ip_is_multicast(&p->dst), any = false;

	for (struct net_hnode *n = net_hash_first(&ns->ports, hash); n; n = n->next) {
		struct net_ep *e = container_of(n, struct net_ep, port_node);
		struct net_sock *sk = container_of(e, struct net_sock, ep);
		struct pkt *c;
		if (n->hash != hash || e->proto != PROTO_UDP || e->lport != p->dport ||
		    sock_score(e, &p->dst, &p->src, p->sport, p->nif->index) < 0 ||
		    (group && !sock_in_group(sk, p)))
			continue;
		c = pkt_clone(p);
		if (c)
			to_socket(sk, c);
		any = true;
	}
	if (!any)
		MIB(ns, UdpIgnoredMulti);
	pkt_free(p);
}

static bool check(struct pkt *p, const struct udp_hdr *h)
{
	u32 size = be16_get(h->size), have = p->size - p->l4_off;
	u16 csum;

	if (p->gso == PKT_GSO_UDP)
		return true;
	if (size < sizeof(*h) || size > have)
		return false;
	pkt_trim(p, p->l4_off + size);
	memcpy(&csum, &h->csum, 2);
	if (p->csum_valid || p->csum_partial)
		return true;
	if (!csum)
		return ip_is_v4(&p->src); /* IPv6 has no "none" */
	if (csum_ok(pkt_csum(p, p->l4_off, size, csum_pseudo(&p->src, &p->dst, PROTO_UDP, size))))
		return true;
	MIB(p->ns, UdpInCsumErrors);
	return false;
}

void udp_input(struct netstack *ns, struct pkt *p)
{
	struct udp_hdr scratch;
	const struct udp_hdr *h = pkt_header(p, p->l4_off, sizeof(*h), &scratch);
	struct net_sock *sk;

	if (!h || !check(p, h)) {
		MIB(ns, UdpInErrors);
		pkt_free(p);
		return;
	}
	p->sport = be16_get(h->sport);
	p->dport = be16_get(h->dport);
	if (p->broadcast || ip_is_multicast(&p->dst)) {
		to_all(ns, p);
		return;
	}
	sk = lookup(ns, p);
	if (!sk) {
		MIB(ns, UdpNoPorts);
		icmp_port_unreachable(ns, p);
		pkt_free(p);
		return;
	}
	to_socket(sk, p);
}

void udp_icmp(struct netstack *ns, const struct icmp_event *e)
{
	u16 sport = get_be16(e->l4), dport = get_be16(e->l4 + 2);
	struct pkt fake = {
	    .ns = ns, .nif = e->p->nif, .src = e->dst, .dst = e->src, .sport = dport, .dport = sport};
	struct net_sock *sk = lookup(ns, &fake);
	bool big = e->v6 ? e->type == ICMP6_TOO_BIG : e->type == ICMP_UNREACH && e->code == ICMP_UNREACH_FRAG;
	bool fatal = e->fatal;

	if (!sk)
		return;
	if (big) {
		bool accepts = sk->pmtudisc != PMTUDISC_INTERFACE && sk->pmtudisc != PMTUDISC_OMIT;
		if (accepts)
			net_pmtu_learn(ns, &e->dst, e->info);
		/* as Linux, to the letter */
		if (sk->pmtudisc == PMTUDISC_DONT ? !e->v6 : !accepts && e->v6)
			return;
		fatal = sk->pmtudisc != PMTUDISC_DONT;
	}
	if (sk->recverr) {
		struct sock_error err = {.error = (u32)e->error,
					 .origin = e->v6 ? 3 : 2,
					 .type = e->type,
					 .code = e->code,
					 .info = e->info,
					 .offender = e->offender,
					 .dst = e->dst,
					 .dport = dport};
		struct pkt *quote = pkt_clone(e->p);
		if (quote)
			pkt_pull(quote, e->l4_at + 8);
		sock_queue_error(sk, &err, quote);
	} else if (!fatal || (!sk->ep.rport && ip_is_any(&sk->ep.raddr))) {
		return;
	}
	sock_set_error(sk, e->error);
}
