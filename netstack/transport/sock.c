/*
 * sock.c - what all sockets share: events, errors, groups, their queue.
 */
#include "netstack/transport/sock.h"

#include <errno.h>

#include "netstack/transport/tcp_priv.h"

#define ERRORS_MAX  64U
#define GROUPS4_MAX 20U /* igmp_max_memberships */
#define GROUPS6_MAX 64U

void sock_init(struct net_sock *sk, struct netstack *ns, enum ep_kind kind, u32 proto, bool v6)
{
	sk->ep.ns = ns;
	sk->ep.kind = kind;
	sk->ep.proto = (u8)proto;
	sk->ep.v6 = v6;
	sk->ep.laddr = sk->ep.raddr = v6 ? IP6_ANY : IP4_ANY;
	sk->ttl = sk->hops = -1;
	sk->mcast_ttl = sk->mcast_hops = 1;
	sk->mcast_loop = sk->mcast6_loop = sk->mcast_all = true;
	sk->pmtudisc = PMTUDISC_WANT;
	sk->csum_offset = -1;
	sk->sndbuf = sk->rcvbuf = ns->config.udp_mem;
	list_init(&sk->queue);
	list_init(&sk->errors);
	list_init(&sk->groups);
	list_init(&sk->raw_node);
	ns->sock_count++;
}

void sock_event(struct net_sock *sk, u32 events)
{
	if (sk->event)
		sk->event(sk, events);
}

void sock_set_error(struct net_sock *sk, int error)
{
	sk->error = error;
	sock_event(sk, SOCK_ERR | SOCK_IN | SOCK_OUT);
}

int sock_take_error(struct net_sock *sk)
{
	int err = -sk->error;

	sk->error = 0;
	return err;
}

void sock_queue_error(struct net_sock *sk, const struct sock_error *from, struct pkt *p)
{
	struct sock_error *e = sk->error_count < ERRORS_MAX ? net_new(sk->ep.ns, struct sock_error) : NULL;

	if (!e) {
		if (p)
			pkt_free(p);
		return;
	}
	*e = *from;
	e->p = p;
	list_add_tail(&e->node, &sk->errors);
	sk->error_count++;
	sock_event(sk, SOCK_ERR);
}

struct sock_error *sock_next_error(struct net_sock *sk)
{
	struct sock_error *e, *next = NULL;

	if (list_empty(&sk->errors))
		return NULL;
	e = list_first_entry(&sk->errors, struct sock_error, node);
	list_del_init(&e->node);
	sk->error_count--;
	if (!list_empty(&sk->errors))
		next = list_first_entry(&sk->errors, struct sock_error, node);
	/* the pending error follows the queue's errors that came from outside */
	if (next && next->origin != 1)
		sk->error = (int)next->error;
	else if (e->origin != 1)
		sk->error = 0;
	return e;
}

void sock_error_free(struct netstack *ns, struct sock_error *e)
{
	if (e->p)
		pkt_free(e->p);
	net_free(ns, e);
}

int sock_route(struct net_sock *sk)
{
	struct netstack *ns = sk->ep.ns;

	if (sk->path.nif && sk->path.gen == ns->route_gen)
		return 0;
	return net_route_lookup(ns, &sk->ep.raddr, &sk->ep.laddr, sk->ep.bound_if, &sk->path);
}

u32 sock_ttl(const struct net_sock *sk, const struct ip_addr *dst)
{
	bool group = ip_is_multicast(dst), v4 = ip_is_v4(dst);
	s32 v = v4 ? (group ? sk->mcast_ttl : sk->ttl) : (group ? sk->mcast_hops : sk->hops);

	if (group && v < 0)
		v = 1;
	return v < 0 ? 0 : (u32)v;
}

/* ---- groups ---- */

static struct netif *group_netif(struct netstack *ns, const struct ip_addr *group, u32 ifindex)
{
	struct ip_addr any = ip_is_v4(group) ? IP4_ANY : IP6_ANY;
	struct net_path path;
	struct netif *nif;

	if (ifindex)
		return netif_by_index(ns, ifindex);
	if (net_route_lookup(ns, group, &any, 0, &path) == 0)
		return path.nif;
	for (nif = netif_next(ns, NULL); nif; nif = netif_next(ns, nif))
		if ((nif->flags & (NETIF_UP | NETIF_MULTICAST)) == (NETIF_UP | NETIF_MULTICAST))
			return nif;
	return NULL;
}

static struct sock_membership *find_group(const struct net_sock *sk, const struct ip_addr *group, u32 ifindex)
{
	struct sock_membership *m;

	list_for_each_entry (m, &sk->groups, node) {
		if (ip_eq(&m->group, group) && (!ifindex || m->ifindex == ifindex))
			return m;
	}
	return NULL;
}

int sock_join(struct net_sock *sk, const struct ip_addr *group, u32 ifindex)
{
	struct netstack *ns = sk->ep.ns;
	struct sock_membership *m;
	struct netif *nif;
	u32 count = 0;
	int err;

	if (!ip_is_multicast(group))
		return -EINVAL;
	net_tick(ns);
	nif = group_netif(ns, group, ifindex);
	if (!nif)
		return -ENODEV;
	if (find_group(sk, group, nif->index))
		return -EADDRINUSE;
	list_for_each_entry (m, &sk->groups, node)
		count += ip_is_v4(&m->group) == ip_is_v4(group);
	if (count >= (ip_is_v4(group) ? GROUPS4_MAX : GROUPS6_MAX))
		return -ENOBUFS;
	m = net_new(ns, struct sock_membership);
	if (!m)
		return -ENOMEM;
	err = mcast_join(nif, group);
	if (err) {
		net_free(ns, m);
		return err;
	}
	m->group = *group;
	m->ifindex = nif->index;
	list_add_tail(&m->node, &sk->groups);
	net_leave(ns);
	return 0;
}

static void leave(struct netstack *ns, struct sock_membership *m)
{
	struct netif *nif = netif_by_index(ns, m->ifindex);

	if (nif)
		(void)!mcast_leave(nif, &m->group); /* it was joined */
	list_del_init(&m->node);
	net_free(ns, m);
}

int sock_leave(struct net_sock *sk, const struct ip_addr *group, u32 ifindex)
{
	struct sock_membership *m = find_group(sk, group, ifindex);

	if (!m)
		return -EADDRNOTAVAIL;
	net_tick(sk->ep.ns);
	leave(sk->ep.ns, m);
	net_leave(sk->ep.ns);
	return 0;
}

bool sock_in_group(const struct net_sock *sk, const struct pkt *p)
{
	struct sock_membership *m;

	if (sk->mcast_all) /* as Linux: every group that the host is in */
		return true;
	list_for_each_entry (m, &sk->groups, node) {
		if (ip_eq(&m->group, &p->dst) && m->ifindex == p->ifindex)
			return true;
	}
	return false;
}

/* ---- the queue of datagrams ---- */

bool sock_filter(struct net_sock *sk, struct pkt *p, u32 start, u32 keep)
{
	struct net_filter_view v = {.p = p, .nif = p->nif, .start = start, .pkttype = p->l2_type};
	u32 n;

	if (!sk->filter)
		return true;
	n = net_filter_run(sk->filter, &v);
	if (!n) {
		sk->drops++;
		return false;
	}
	if (n < UINT32_MAX - start)
		pkt_trim(p, start + max_t(u32, n, keep));
	return true;
}

void sock_queue(struct net_sock *sk, struct pkt *p)
{
	u32 cost = pkt_truesize(p);

	if (sk->queued + cost > sk->rcvbuf && sk->queued) {
		sk->drops++;
		sk->ep.ns->overflows++;
		if (sk->ep.proto == PROTO_UDP) {
			MIB(sk->ep.ns, UdpRcvbufErrors);
			MIB(sk->ep.ns, UdpInErrors);
		}
		pkt_free(p);
		return;
	}
	sk->queued += cost;
	p->nif = NULL;
	list_add_tail(&p->node, &sk->queue);
	sock_event(sk, SOCK_IN);
}

int dgram_receive(struct net_sock *sk, bool peek, struct pkt **out)
{
	struct pkt *p;

	if (sk->error)
		return sock_take_error(sk);
	if (list_empty(&sk->queue))
		return -EAGAIN;
	p = list_first_entry(&sk->queue, struct pkt, node);
	if (!peek) {
		list_del_init(&p->node);
		sk->queued -= pkt_truesize(p);
	}
	*out = p;
	return 0;
}

int dgram_shutdown(struct net_sock *sk, bool read, bool write)
{
	if (ip_is_any(&sk->ep.raddr) && !sk->ep.rport)
		return -ENOTCONN;
	sk->shut_read |= read;
	sk->shut_write |= write;
	sock_event(sk, SOCK_IN | SOCK_OUT | SOCK_HUP | SOCK_RDHUP);
	return 0;
}

u32 dgram_poll(const struct net_sock *sk)
{
	u32 ev = SOCK_OUT;

	if (!list_empty(&sk->queue) || sk->shut_read)
		ev |= SOCK_IN;
	if (sk->shut_read)
		ev |= SOCK_RDHUP;
	if (sk->shut_read && sk->shut_write)
		ev |= SOCK_HUP;
	if (sk->error || !list_empty(&sk->errors))
		ev |= SOCK_ERR;
	return ev;
}

void sock_done(struct net_sock *sk)
{
	struct netstack *ns = sk->ep.ns;

	while (!list_empty(&sk->queue)) {
		struct pkt *p = list_first_entry(&sk->queue, struct pkt, node);
		list_del_init(&p->node);
		pkt_free(p);
	}
	while (!list_empty(&sk->errors))
		sock_error_free(ns, sock_next_error(sk));
	while (!list_empty(&sk->groups))
		leave(ns, list_first_entry(&sk->groups, struct sock_membership, node));
	udp_uncork(sk);
	net_filter_put(sk->filter);
	list_del_init(&sk->raw_node);
	sock_flow_del(&sk->ep);
	sock_unbind(&sk->ep);
	ns->sock_count--;
}

void dgram_close(struct net_sock *sk)
{
	struct netstack *ns = sk->ep.ns;

	net_tick(ns);
	sock_done(sk);
	net_free(ns, sk);
	net_leave(ns);
}

void sock_walk(struct netstack *ns, void (*fn)(struct net_ep *ep, void *arg), void *arg)
{
	for (u32 i = 0; ns->flows.buckets && i <= ns->flows.mask; i++) {
		struct net_hnode *n, *next;
		for (n = ns->flows.buckets[i]; n; n = next) {
			next = n->next;
			fn(container_of(n, struct net_ep, flow_node), arg);
		}
	}
	for (u32 i = 0; ns->listeners.buckets && i <= ns->listeners.mask; i++) {
		struct net_hnode *n, *next;
		for (n = ns->listeners.buckets[i]; n; n = next) {
			next = n->next;
			fn(container_of(n, struct net_ep, flow_node), arg);
		}
	}
	for (u32 i = 0; ns->ports.buckets && i <= ns->ports.mask; i++) {
		struct net_hnode *n, *next;
		for (n = ns->ports.buckets[i]; n; n = next) {
			struct net_ep *ep = container_of(n, struct net_ep, port_node);
			next = n->next;
			if (!ep->flow_node.at)
				fn(ep, arg);
		}
	}
}

static void forget_path(struct net_ep *ep, void *arg)
{
	if (ep->kind != EP_TCP_REQUEST && ep->kind != EP_TCP_TIME_WAIT)
		((struct net_sock *)(void *)ep)->path.nif = NULL;
}

void sock_netif_gone(struct netstack *ns, struct netif *nif)
{
	struct net_sock *sk;

	sock_walk(ns, forget_path, NULL);
	packet_netif_gone(ns, nif);
	list_for_each_entry (sk, &ns->raws, raw_node)
		sk->path.nif = NULL;
}

void sock_free_orphans(struct netstack *ns)
{
	/* freeing one may free others: start again from the bucket's head each time */
	for (u32 i = 0; ns->flows.buckets && i <= ns->flows.mask; i++) {
		struct net_hnode *n = ns->flows.buckets[i];
		while (n) {
			struct net_ep *ep = container_of(n, struct net_ep, flow_node);
			if (ep->proto == PROTO_TCP) {
				tcp_free_orphan(ep);
				n = ns->flows.buckets[i];
			} else {
				n = n->next;
			}
		}
	}
}
