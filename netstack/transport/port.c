/*
 * port.c - local ports and the tables of endpoints: who may have which, and who gets a packet.
 *
 * Two endpoints of a protocol conflict over a port if their addresses and devices overlap, unless both allow
 * it: SO_REUSEADDR on both (TCP: and neither listens), or SO_REUSEPORT on both with the same user. A socket
 * that got its port from connect(2) shares it with others that go elsewhere.
 */
#include <errno.h>

#include "netstack/transport/sock.h"

u32 sock_port_hash(u32 proto, u32 port)
{
	return (port * 0x9e3779b1U) ^ (proto * 0x85ebca6bU) ^ (port << 7);
}

u64 sock_flow_hash(struct netstack *ns, u32 proto, const struct ip_addr *l, u32 lport,
		   const struct ip_addr *r, u32 rport)
{
	struct {
		struct ip_addr l, r;
		u16 lport, rport;
		u32 proto;
	} key = {*l, *r, (u16)lport, (u16)rport, proto};

	return net_siphash(ns, &key, sizeof(key));
}

void sock_flow_add(struct net_ep *ep)
{
	net_hash_add(ep->ns, &ep->ns->flows, &ep->flow_node,
		     (u32)sock_flow_hash(ep->ns, ep->proto, &ep->laddr, ep->lport, &ep->raddr, ep->rport));
}

void sock_flow_del(struct net_ep *ep)
{
	net_hash_del(&ep->ns->flows, &ep->flow_node);
}

struct net_ep *sock_flow_find(struct netstack *ns, u32 proto, const struct ip_addr *l, u32 lport,
			      const struct ip_addr *r, u32 rport, u32 ifindex)
{
	u32 hash = (u32)sock_flow_hash(ns, proto, l, lport, r, rport);

	for (struct net_hnode *n = net_hash_first(&ns->flows, hash); n; n = n->next) {
		struct net_ep *ep = container_of(n, struct net_ep, flow_node);
		if (n->hash == hash && ep->proto == proto && ep->lport == lport && ep->rport == rport &&
		    ip_eq(&ep->laddr, l) && ip_eq(&ep->raddr, r) &&
		    (!ep->bound_if || ep->bound_if == ifindex))
			return ep;
	}
	return NULL;
}

static bool takes_v4(const struct net_ep *ep)
{
	return !ep->v6 || !ep->v6only;
}

static bool addrs_overlap(const struct net_ep *a, const struct net_ep *b)
{
	bool any_a = ip_is_any(&a->laddr), any_b = ip_is_any(&b->laddr);
	bool v4_a = ip_is_v4(&a->laddr), v4_b = ip_is_v4(&b->laddr);

	if (any_a && any_b)
		return v4_a == v4_b || (v4_a ? takes_v4(b) : takes_v4(a));
	if (any_a)
		return v4_a == v4_b || (v4_b && !v4_a && takes_v4(a));
	if (any_b)
		return v4_a == v4_b || (v4_a && !v4_b && takes_v4(b));
	return ip_eq(&a->laddr, &b->laddr);
}

static bool conflict(const struct net_ep *a, const struct net_ep *b)
{
	if (a->proto != b->proto || a->lport != b->lport || a == b ||
	    (a->bound_if && b->bound_if && a->bound_if != b->bound_if) || !addrs_overlap(a, b))
		return false;
	if (a->reuseport && b->reuseport && a->uid == b->uid)
		return false;
	if (a->proto == PROTO_TCP) /* what is in TIME_WAIT has its socket's word */
		return !(a->reuseaddr && b->reuseaddr && !b->listening);
	return !(a->reuseaddr && b->reuseaddr);
}

static bool port_free(const struct net_ep *ep)
{
	u32 hash = sock_port_hash(ep->proto, ep->lport);

	for (struct net_hnode *n = net_hash_first(&ep->ns->ports, hash); n; n = n->next)
		if (n->hash == hash && conflict(ep, container_of(n, struct net_ep, port_node)))
			return false;
	return true;
}

void sock_share_port(struct net_ep *ep)
{
	if (!ep->port_node.at)
		net_hash_add(ep->ns, &ep->ns->ports, &ep->port_node, sock_port_hash(ep->proto, ep->lport));
}

void sock_unbind(struct net_ep *ep)
{
	net_hash_del(&ep->ns->ports, &ep->port_node);
}

static int choose_port(struct net_ep *ep)
{
	struct netstack *ns = ep->ns;
	u32 count = ns->config.port_max - ns->config.port_min + 1, start = net_random(ns) % count;

	for (u32 i = 0; i < count; i++) {
		ep->lport = (u16)(ns->config.port_min + (start + i) % count);
		if (port_free(ep))
			return 0;
	}
	ep->lport = 0;
	return -EADDRINUSE;
}

static bool bindable(struct netstack *ns, const struct ip_addr *addr)
{
	struct net_ifaddr *a = net_local_addr(ns, addr);

	return a && !(a->flags & (IFA_TENTATIVE | IFA_DADFAILED));
}

int sock_bind(struct net_sock *sk, const struct ip_addr *addr, u32 port)
{
	struct net_ep *ep = &sk->ep;
	struct netstack *ns = ep->ns;
	struct ip_addr old = ep->laddr;
	struct net_path path;

	if (ep->port_node.at || (ep->kind == EP_RAW && !ip_is_any(&ep->raddr)))
		return -EINVAL;
	net_tick(ns);
	if (!ip_is_any(addr) && !ip_is_multicast(addr) && !sk->freebind && !bindable(ns, addr) &&
	    !(ip_is_v4(addr) && ep->proto != PROTO_TCP &&
	      (ip_is_broadcast(addr) ||
	       (net_route_lookup(ns, addr, &IP4_ANY, 0, &path) == 0 && path.type == ROUTE_BROADCAST))))
		return -EADDRNOTAVAIL;
	if (ip_is_multicast(addr) && ep->proto == PROTO_TCP)
		return -EADDRNOTAVAIL;
	ep->laddr = *addr;
	if (ep->kind == EP_RAW) { /* they have no ports, and may be bound again */
		ep->bound = !ip_is_any(addr);
		sk->path.nif = NULL;
		return 0;
	}
	ep->lport = (u16)port;
	if (port ? !port_free(ep) : choose_port(ep) != 0) {
		ep->laddr = old;
		ep->lport = 0;
		return -EADDRINUSE;
	}
	ep->bound = true;
	sock_share_port(ep);
	return 0;
}

int sock_autobind(struct net_sock *sk)
{
	int err;

	if (sk->ep.port_node.at)
		return 0;
	err = choose_port(&sk->ep);
	if (err)
		return -EAGAIN;
	sock_share_port(&sk->ep);
	return 0;
}

/* May a connection use this port although others have it? */
static bool port_sharable(const struct net_ep *ep)
{
	u32 hash = sock_port_hash(ep->proto, ep->lport);

	for (struct net_hnode *n = net_hash_first(&ep->ns->ports, hash); n; n = n->next) {
		const struct net_ep *other = container_of(n, struct net_ep, port_node);
		if (n->hash == hash && other->proto == ep->proto && other->lport == ep->lport &&
		    (other->bound || other->listening) && other->kind == EP_TCP)
			return false;
	}
	return true;
}

int sock_connect_port(struct net_sock *sk)
{
	struct net_ep *ep = &sk->ep;
	struct netstack *ns = ep->ns;
	u32 count = ns->config.port_max - ns->config.port_min + 1;
	/* RFC 6056, algorithm 3: a secret offset for each destination, and a counter */
	u32 offset = (u32)sock_flow_hash(ns, ep->proto, &ep->laddr, 0, &ep->raddr, ep->rport);

	for (u32 i = 0; i < count; i++) {
		struct net_ep *other;
		ep->lport = (u16)(ns->config.port_min + (offset + ns->port_hint + i) % count);
		if (!port_sharable(ep))
			continue;
		other = sock_flow_find(ns, ep->proto, &ep->laddr, ep->lport, &ep->raddr, ep->rport, 0);
		if (other)
			continue;
		ns->port_hint += i + 1;
		sock_share_port(ep);
		return 0;
	}
	ep->lport = 0;
	return -EADDRNOTAVAIL;
}

int sock_score(const struct net_ep *ep, const struct ip_addr *l, const struct ip_addr *r, u32 rport,
	       u32 ifindex)
{
	int score = 0;

	if (ip_is_any(&ep->laddr)) {
		if (ip_is_v4(l) ? !(ip_is_v4(&ep->laddr) || takes_v4(ep)) : ip_is_v4(&ep->laddr))
			return -1;
		score += ip_is_v4(l) == !ep->v6;
	} else if (ip_eq(&ep->laddr, l)) {
		score += 4;
	} else {
		return -1;
	}
	if (ep->rport || !ip_is_any(&ep->raddr)) {
		if (ep->rport && ep->rport != rport)
			return -1;
		if (!ip_is_any(&ep->raddr) && !ip_eq(&ep->raddr, r))
			return -1;
		score += 8;
	}
	if (ep->bound_if) {
		if (ep->bound_if != ifindex)
			return -1;
		score += 4;
	}
	return score;
}
