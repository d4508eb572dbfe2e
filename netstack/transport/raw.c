/*
 * raw.c - raw sockets and the unprivileged echo ("ping") sockets, for both families.
 *
 * A raw socket hears every packet of its protocol, after the stack's checks and beside the protocol's own
 * handler: IPv4 with the IP header, IPv6 without. What it sends gets a header made for it, unless it brings
 * its own (IP_HDRINCL). A ping socket is bound to an echo identifier, which stands where UDP's port would:
 * the stack puts it into what is sent and hands back the replies that carry it.
 */
#include <errno.h>

#include "netstack/transport/sock.h"
#include "netstack/wire/checksum.h"

int raw_new(struct netstack *ns, bool v6, u32 proto, bool ping, struct net_sock **out)
{
	struct net_sock *sk;

	if (proto > 255 || (ping && proto != (v6 ? PROTO_ICMPV6 : PROTO_ICMP)))
		return -EPROTONOSUPPORT;
	sk = net_new(ns, struct net_sock);
	if (!sk)
		return -ENOMEM;
	sock_init(sk, ns, ping ? EP_PING : EP_RAW, proto, v6);
	sk->ep.v6only = v6;
	sk->hdrincl = !ping && proto == PROTO_RAW;
	if (v6 && proto == PROTO_ICMPV6)
		sk->csum_offset = 2;
	if (!ping)
		list_add_tail(&sk->raw_node, &ns->raws);
	*out = sk;
	return 0;
}

/* ---- out ---- */

/* Completes the header that the caller brought (ip(7): checksum and length always, ident and source if zero),
 * and sends it. */
static int send_own_header4(struct netstack *ns, struct pkt *p, const struct net_path *path,
			    const struct net_ep *owner)
{
	u32 header_size;
	u8 *h;

	if (pkt_pull_head(p, 20))
		goto bad;
	header_size = (pkt_data(p)[0] & 0xf) * 4U;
	if (header_size < 20 || pkt_pull_head(p, header_size))
		goto bad;
	h = pkt_data(p);
	put_be16(h + 2, p->size);
	if (!get_be16(h + 4))
		put_be16(h + 4, ns->ip_id++);
	if (!get_be32(h + 12))
		memcpy(h + 12, path->src.b + 12, 4);
	put_be16(h + 10, 0);
	csum_put(h + 10, csum_add(0, h, header_size, false));
	return ipv4_emit(ns, p, path, path->nif->mtu, false, owner);
bad:
	pkt_free(p);
	return -EINVAL;
}

static int send_own_header(struct netstack *ns, struct pkt *p, const struct net_path *path,
			   const struct net_ep *owner)
{
	struct net_path own = *path;
	int err;

	if (ip_is_v4(&path->next_hop))
		return send_own_header4(ns, p, path, owner);
	if (p->size < 40) {
		pkt_free(p);
		return -EINVAL;
	}
	if (p->size > path->nif->mtu) {
		pkt_free(p);
		return -EMSGSIZE;
	}
	MIB(ns, IpOutRequests);
	err = ipv6_filter_out(ns, p, owner, &own);
	return err ? err : netif_output(own.nif, p, &own.next_hop);
}

/* IPV6_CHECKSUM, and always for ICMPv6: the checksum at an offset of the payload. */
static int fill_checksum(const struct net_sock *sk, struct pkt *p, const struct ip_tx *tx)
{
	u32 at = (u32)sk->csum_offset, sum;

	if (sk->csum_offset < 0)
		return 0;
	if (at + 2 > p->size || at + 2 > PKT_HEAD_ROOM)
		return -EINVAL;
	if (pkt_pull_head(p, at + 2))
		return -EINVAL;
	put_be16(pkt_data(p) + at, 0);
	sum = pkt_csum(p, 0, p->size, csum_pseudo(&tx->src, &tx->dst, tx->proto, p->size));
	csum_put_nonzero(pkt_data(p) + at, sum);
	return 0;
}

/* An echo request with our identifier, the only thing that a ping socket may send. */
static int fill_echo(const struct net_sock *sk, struct pkt *p, const struct ip_tx *tx)
{
	u8 *h;

	if (pkt_pull_head(p, 8))
		return -EINVAL;
	h = pkt_data(p);
	if (h[0] != (sk->ep.v6 ? ICMP6_ECHO : ICMP_ECHO) || h[1])
		return -EINVAL;
	put_be16(h + 4, sk->ep.lport);
	if (sk->ep.v6)
		return fill_checksum(sk, p, tx);
	put_be16(h + 2, 0);
	csum_put(h + 2, pkt_csum(p, 0, p->size, 0));
	return 0;
}

static int check_way(const struct net_sock *sk, const struct dgram_msg *m)
{
	const struct ip_addr *dst = m->dst ? m->dst : &sk->ep.raddr;

	if (m->iter->left > 65535)
		return -EMSGSIZE;
	if (sk->ep.kind == EP_PING && m->iter->left < sizeof(struct icmp_hdr))
		return -EINVAL;
	if (sk->shut_write)
		return -EPIPE;
	if (!m->dst && ip_is_any(dst))
		return -EDESTADDRREQ;
	if (ip_is_v4(dst) == sk->ep.v6)
		return sk->ep.v6 ? -ENETUNREACH : -EAFNOSUPPORT;
	/* IPv6: the port may repeat the protocol, as RFC 3542 has it, and says nothing else */
	if (sk->ep.v6 && sk->ep.kind == EP_RAW && m->dst && m->dport && m->dport != sk->ep.proto &&
	    sk->ep.proto != PROTO_RAW)
		return -EINVAL;
	return 0;
}

static int fill(struct net_sock *sk, struct dgram_msg *m, struct pkt *p, const struct ip_tx *tx)
{
	int err = dgram_fill(p, m->iter);

	if (err)
		return err;
	if (sk->ep.kind == EP_PING)
		return fill_echo(sk, p, tx);
	return sk->ep.v6 && !sk->hdrincl ? fill_checksum(sk, p, tx) : 0;
}

s64 raw_send(struct net_sock *sk, struct dgram_msg *m)
{
	struct netstack *ns = sk->ep.ns;
	size_t size = m->iter->left;
	struct net_path path;
	struct ip_tx tx = {0};
	struct pkt *p;
	int err = check_way(sk, m);

	/* as Linux: a raw socket that has its IP header made does not hear of pending errors here */
	if (!err && sk->error && (sk->hdrincl || sk->ep.kind == EP_PING))
		err = sock_take_error(sk);
	if (err)
		return err;
	net_tick(ns);
	err = dgram_way(sk, m, &tx, &path);
	if (!err && sk->ep.kind == EP_PING)
		err = sock_autobind(sk);
	if (!err && sk->hdrincl && size > path.nif->mtu)
		err = -EMSGSIZE;
	if (err)
		return err;
	p = pkt_new(ns);
	if (!p)
		return -ENOBUFS;
	err = fill(sk, m, p, &tx);
	if (!err)
		err = dgram_refresh(ns, &tx, &path);
	if (err) {
		pkt_free(p);
		return err;
	}
	p->dont_frag = ip_is_multicast(&tx.dst) && !(ip_is_v4(&tx.dst) ? sk->mcast_loop : sk->mcast6_loop);
	err = sk->hdrincl ? send_own_header(ns, p, &path, &sk->ep) : ip_send(ns, p, &tx, &path);
	if (err == -EMSGSIZE && sk->recverr) {
		struct sock_error e = {.error = EMSGSIZE, .origin = 1, .info = path.mtu, .dst = tx.dst};
		sock_queue_error(sk, &e, NULL);
	}
	net_leave(ns);
	return err && !(err == -ENOBUFS && !sk->recverr) ? err : (s64)size;
}

/* ---- in ---- */

/* The filters of ICMP_FILTER and ICMP6_FILTER: a set bit blocks a type. */
static bool filtered(const struct net_sock *sk, const struct pkt *p)
{
	u32 word;
	u8 b;
	const u8 *type;

	if (p->l4_proto != (sk->ep.v6 ? PROTO_ICMPV6 : PROTO_ICMP))
		return false;
	type = pkt_header(p, p->l4_off, 1, &b);
	if (!type)
		return true;
	if (!sk->ep.v6 && *type >= 32)
		return false;
	memcpy(&word, sk->icmp_filter + 4 * (*type / 32), 4);
	return word >> (*type % 32) & 1;
}

static bool checksum_right(const struct net_sock *sk, const struct pkt *p)
{
	u32 size = p->size - p->l4_off;

	if (!sk->ep.v6 || sk->csum_offset < 0 || p->csum_valid || p->csum_partial)
		return true;
	return (u32)sk->csum_offset + 2 <= size &&
	       csum_ok(pkt_csum(p, p->l4_off, size, csum_pseudo(&p->src, &p->dst, p->l4_proto, size)));
}

static bool wants(const struct net_sock *sk, const struct pkt *p)
{
	const struct net_ep *ep = &sk->ep;

	return ep->proto == p->l4_proto && ep->v6 == !ip_is_v4(&p->dst) &&
	       (ip_is_any(&ep->laddr) || ip_eq(&ep->laddr, &p->dst)) &&
	       (ip_is_any(&ep->raddr) || ip_eq(&ep->raddr, &p->src)) &&
	       (!ep->bound_if || ep->bound_if == p->ifindex) && !(sk->shut_read) &&
	       (!ip_is_multicast(&p->dst) || sock_in_group(sk, p)) && !filtered(sk, p) &&
	       checksum_right(sk, p);
}

bool sock_raw_input(struct netstack *ns, struct pkt *p)
{
	struct net_sock *sk;
	bool taken = false;

	list_for_each_entry (sk, &ns->raws, raw_node) {
		struct pkt *c;
		if (!wants(sk, p))
			continue;
		taken = true;
		c = pkt_clone(p);
		if (!c) {
			sk->drops++;
			continue;
		}
		/* as Linux: IPv4 begins with its header, IPv6 behind it */
		if (!sock_filter(sk, c, sk->ep.v6 ? c->l4_off : 0, 0)) {
			pkt_free(c);
			continue;
		}
		if (sk->ep.v6)
			pkt_pull(c, c->l4_off);
		sock_queue(sk, c);
	}
	return taken;
}

static struct net_sock *ping_find(struct netstack *ns, bool v6, u32 ident, const struct ip_addr *local,
				  u32 ifindex)
{
	u32 proto = v6 ? PROTO_ICMPV6 : PROTO_ICMP, hash = sock_port_hash(proto, ident);

	for (struct net_hnode *n = net_hash_first(&ns->ports, hash); n; n = n->next) {
		struct net_ep *ep = container_of(n, struct net_ep, port_node);
		if (n->hash == hash && ep->kind == EP_PING && ep->proto == proto && ep->lport == ident &&
		    (ip_is_any(&ep->laddr) || ip_eq(&ep->laddr, local)) &&
		    (!ep->bound_if || ep->bound_if == ifindex))
			return container_of(ep, struct net_sock, ep);
	}
	return NULL;
}

void sock_ping_input(struct netstack *ns, struct pkt *p, u32 ident)
{
	struct net_sock *sk = ping_find(ns, !ip_is_v4(&p->dst), ident, &p->dst, p->ifindex);
	struct pkt *c;

	if (!sk || sk->shut_read)
		return;
	c = pkt_clone(p);
	if (!c) {
		sk->drops++;
		return;
	}
	if (!sock_filter(sk, c, c->l4_off, 0)) {
		pkt_free(c);
		return;
	}
	pkt_pull(c, c->l4_off);
	sock_queue(sk, c);
}

/* ---- errors ---- */

static bool is_too_big(const struct icmp_event *e)
{
	return e->v6 ? e->type == ICMP6_TOO_BIG : e->type == ICMP_UNREACH && e->code == ICMP_UNREACH_FRAG;
}

static void tell(struct net_sock *sk, const struct icmp_event *e)
{
	bool connected = !ip_is_any(&sk->ep.raddr), hard = e->fatal;

	if (is_too_big(e))
		hard = sk->pmtudisc != PMTUDISC_DONT;
	if (!sk->recverr && !connected)
		return;
	if (sk->recverr) {
		struct sock_error err = {.error = (u32)e->error,
					 .origin = e->v6 ? 3 : 2,
					 .type = e->type,
					 .code = e->code,
					 .info = e->info,
					 .offender = e->offender,
					 .dst = e->dst};
		struct pkt *quote = pkt_clone(e->p);
		if (quote)
			pkt_pull(quote, e->l4_at);
		sock_queue_error(sk, &err, quote);
	} else if (!hard) {
		return;
	}
	sock_set_error(sk, e->error);
}

void sock_raw_icmp(struct netstack *ns, const struct icmp_event *e)
{
	struct net_sock *sk;

	/* TCP believes it only if the numbers fit, UDP as the socket says */
	if (is_too_big(e) && e->proto != PROTO_TCP && e->proto != PROTO_UDP)
		net_pmtu_learn(ns, &e->dst, e->info);
	if (e->proto == (e->v6 ? PROTO_ICMPV6 : PROTO_ICMP)) {
		sk = ping_find(ns, e->v6, get_be16(e->l4 + 4), &e->src, e->p->ifindex);
		if (sk)
			tell(sk, e);
	}
	list_for_each_entry (sk, &ns->raws, raw_node) {
		const struct net_ep *ep = &sk->ep;
		if (ep->v6 == e->v6 && ep->proto == e->proto &&
		    (ip_is_any(&ep->laddr) || ip_eq(&ep->laddr, &e->src)) &&
		    (ip_is_any(&ep->raddr) || ip_eq(&ep->raddr, &e->dst)) &&
		    (!ep->bound_if || ep->bound_if == e->p->ifindex))
			tell(sk, e);
	}
}
