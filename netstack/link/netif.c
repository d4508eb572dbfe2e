/*
 * netif.c - interfaces: their life, addresses, and the way of frames in and out.
 */
#include <errno.h>
#include <stdio.h>

#include "netstack/net/ip.h"
#include "netstack/nf/nf.h"
#include "netstack/transport/sock.h"

int netif_add(struct netstack *ns, const struct netif_config *c, struct netif **out)
{
	struct netif *nif;

	if (!c->name[0] || strnlen(c->name, NETIF_NAME) == NETIF_NAME)
		return -EINVAL;
	if (netif_by_name(ns, c->name))
		return -EEXIST;
	nif = net_new(ns, struct netif);
	if (!nif)
		return -ENOMEM;
	nif->ns = ns;
	snprintf(nif->name, sizeof(nif->name), "%s", c->name);
	nif->index = ++ns->next_ifindex;
	nif->mtu = c->mtu;
	nif->features = c->features;
	nif->ethernet = c->ethernet;
	nif->flags = c->ethernet ? NETIF_BROADCAST | NETIF_MULTICAST : NETIF_NOARP;
	memcpy(nif->hwaddr, c->hwaddr, 6);
	nif->ops = c->ops;
	nif->link = c->link;
	nif->hop_limit = 64;
	list_init(&nif->addrs);
	list_init(&nif->groups);
	ndp_netif_init(nif);
	list_add_tail(&nif->node, &ns->netifs);
	*out = nif;
	net_notify(ns, NOTIFY_LINK, nif);
	return 0;
}

static void addr_free(struct net_ifaddr *a)
{
	net_timer_done(&a->timer);
	list_del_init(&a->node);
	net_free(a->nif->ns, a);
}

void netif_remove(struct netif *nif)
{
	struct netstack *ns = nif->ns;
	struct pkt *p, *next;

	nif->removed = true;
	nif->flags &= ~(u32)NETIF_UP;
	ns->route_gen++;
	list_for_each_entry_safe (p, next, &ns->work, node) {
		if (p->nif != nif)
			continue;
		list_del_init(&p->node);
		ns->work_count--;
		pkt_free(p);
	}
	ip_frags_drop(ns, nif);
	sock_netif_gone(ns, nif);
	net_routes_drop(ns, nif, NULL);
	neigh_flush(ns, nif);
	if (ns->nf)
		nf_netif_down(ns, nif);
	mcast_free(nif);
	ndp_netif_done(nif);
	while (!list_empty(&nif->addrs))
		addr_free(list_first_entry(&nif->addrs, struct net_ifaddr, node));
	list_del_init(&nif->node);
	net_notify(ns, NOTIFY_LINK_DEL, nif);
	if (nif->ops->remove)
		nif->ops->remove(nif);
	if (ns->lo == nif)
		ns->lo = NULL;
	net_free(ns, nif);
}

struct netif *netif_by_index(struct netstack *ns, u32 index)
{
	struct netif *nif;

	list_for_each_entry (nif, &ns->netifs, node)
		if (nif->index == index)
			return nif;
	return NULL;
}

struct netif *netif_by_name(struct netstack *ns, const char *name)
{
	struct netif *nif;

	list_for_each_entry (nif, &ns->netifs, node)
		if (!strncmp(nif->name, name, NETIF_NAME))
			return nif;
	return NULL;
}

struct netif *netif_next(struct netstack *ns, struct netif *prev)
{
	struct list_head *n = prev ? prev->node.next : ns->netifs.next;

	return n == &ns->netifs ? NULL : list_entry(n, struct netif, node);
}

void netif_set_tap(struct netif *nif, void (*tap)(void *ctx, const struct pkt *p, bool out), void *ctx)
{
	nif->tap = tap;
	nif->tap_ctx = ctx;
}

static void add_prefix_route(struct net_ifaddr *a)
{
	bool v4 = ip_is_v4(&a->addr);
	struct net_route r = {.dst = ip_prefix_of(a->addr, a->prefix_len),
			      .gateway = v4 ? IP4_ANY : IP6_ANY,
			      .source = v4 ? a->addr : IP6_ANY,
			      .prefix_len = a->prefix_len,
			      .metric = v4 ? 0 : 256,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .protocol = RTPROTO_KERNEL,
			      .scope = v4 ? SCOPE_LINK : SCOPE_UNIVERSE,
			      .nif = a->nif,
			      .expires = TIME_NEVER};

	/* 127/8 is local as a whole and needs none; a /32 neither */
	if ((a->nif->flags & NETIF_LOOPBACK) || (v4 && a->prefix_len == 32))
		return;
	/* it may exist: then another address of the same network has made it */
	(void)!net_route_add(a->nif->ns, &r);
}

int netif_set_up(struct netif *nif, bool up)
{
	struct netstack *ns = nif->ns;
	struct net_ifaddr *a;
	bool lo = nif->flags & NETIF_LOOPBACK;
	int err;

	if (up == !!(nif->flags & NETIF_UP))
		return 0;
	ns->route_gen++;
	if (!up) {
		nif->flags &= ~(u32)(NETIF_UP | NETIF_RUNNING | NETIF_LOWER_UP);
		net_routes_drop(ns, nif, NULL);
		neigh_flush(ns, nif);
		if (ns->nf)
			nf_netif_down(ns, nif);
		net_notify(ns, NOTIFY_LINK, nif);
		return 0;
	}
	nif->flags |= NETIF_UP | NETIF_RUNNING | NETIF_LOWER_UP;
	net_notify(ns, NOTIFY_LINK, nif);
	if (lo && !netif_find_addr(
		      nif, &(struct ip_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}})) {
		err = netif_addr_add(nif, ip_v4(0x7f000001), 8, IFA_PERMANENT);
		if (err)
			return err;
	}
	if (lo && !netif_find_addr(nif, &IP6_LOOP)) {
		err = netif_addr_add(nif, IP6_LOOP, 128, IFA_PERMANENT | IFA_NODAD);
		if (err)
			return err;
	}
	list_for_each_entry (a, &nif->addrs, node)
		add_prefix_route(a);
	mcast_link_up(nif);
	if (nif->ethernet)
		ndp_link_up(nif);
	net_leave(ns);
	return 0;
}

int netif_set_mtu(struct netif *nif, u32 mtu)
{
	if (mtu < IPV4_MIN_MTU || mtu > 65536)
		return -EINVAL;
	nif->mtu = mtu;
	nif->ns->route_gen++;
	net_notify(nif->ns, NOTIFY_LINK, nif);
	return 0;
}

struct net_ifaddr *netif_find_addr(struct netif *nif, const struct ip_addr *addr)
{
	struct net_ifaddr *a;

	list_for_each_entry (a, &nif->addrs, node)
		if (ip_eq(&a->addr, addr))
			return a;
	return NULL;
}

struct net_ifaddr *net_local_addr(struct netstack *ns, const struct ip_addr *addr)
{
	struct netif *nif;

	list_for_each_entry (nif, &ns->netifs, node) {
		struct net_ifaddr *a = nif->flags & NETIF_UP ? netif_find_addr(nif, addr) : NULL;
		if (a)
			return a;
		/* all of 127/8 is ours */
		if ((nif->flags & (NETIF_LOOPBACK | NETIF_UP)) == (NETIF_LOOPBACK | NETIF_UP) &&
		    ip_is_v4(addr) && addr->b[12] == 127 && !list_empty(&nif->addrs))
			return list_first_entry(&nif->addrs, struct net_ifaddr, node);
	}
	return NULL;
}

static u8 addr_scope(const struct ip_addr *a)
{
	if (ip_is_loopback(a))
		return SCOPE_HOST;
	return ip_is_linklocal(a) && !ip_is_v4(a) ? SCOPE_LINK : SCOPE_UNIVERSE;
}

int netif_addr_add(struct netif *nif, struct ip_addr addr, u32 prefix_len, u32 flags)
{
	struct netstack *ns = nif->ns;
	struct net_ifaddr *a;

	if (prefix_len > (ip_is_v4(&addr) ? 32U : 128U) || ip_is_multicast(&addr) || ip_is_any(&addr))
		return -EINVAL;
	if (netif_find_addr(nif, &addr))
		return -EEXIST;
	a = net_new(ns, struct net_ifaddr);
	if (!a)
		return -ENOMEM;
	a->nif = nif;
	a->addr = addr;
	a->prefix_len = prefix_len;
	a->flags = flags;
	a->scope = addr_scope(&addr);
	a->valid_until = a->preferred_until = TIME_NEVER;
	a->created = ns->now;
	net_timer_init(&a->timer, ns, NULL);
	list_add_tail(&a->node, &nif->addrs);
	ns->route_gen++;
	if (nif->flags & NETIF_UP)
		add_prefix_route(a);
	if (!ip_is_v4(&addr))
		ndp_addr_start(a);
	else if (nif->ethernet && (nif->flags & NETIF_UP))
		arp_announce(nif, &addr);
	net_notify(ns, NOTIFY_ADDR_NEW, a);
	return 0;
}

int netif_addr_del(struct netif *nif, struct ip_addr addr, u32 prefix_len)
{
	struct netstack *ns = nif->ns;
	struct net_ifaddr *a = netif_find_addr(nif, &addr), *other;
	struct net_route r;

	if (!a || a->prefix_len != prefix_len)
		return -EADDRNOTAVAIL;
	ns->route_gen++;
	net_notify(ns, NOTIFY_ADDR_DEL, a);
	if (!ip_is_v4(&addr)) {
		struct ip_addr group = ip_solicited_node(&addr);
		if (!(nif->flags & NETIF_LOOPBACK))
			(void)!mcast_leave(nif, &group); /* not joined, if the interface was down */
	}
	addr_free(a);
	net_routes_drop(ns, nif, &addr);
	if (ns->nf)
		nf_netif_down(ns, nif);
	list_for_each_entry (other, &nif->addrs, node)
		if (other->prefix_len == prefix_len && ip_prefix_eq(&other->addr, &addr, prefix_len)) {
			if (nif->flags & NETIF_UP)
				add_prefix_route(other);
			return 0;
		}
	r = (struct net_route){.dst = ip_prefix_of(addr, prefix_len),
			       .prefix_len = prefix_len,
			       .nif = nif,
			       .type = ROUTE_UNICAST,
			       .protocol = RTPROTO_KERNEL,
			       .table = RT_TABLE_MAIN};
	return net_route_del(ns, &r) == -ENOMEM ? -ENOMEM : 0;
}

/* ---- frames ---- */

void netif_receive(struct netif *nif, struct pkt *p)
{
	p->nif = nif;
	net_queue_work(nif->ns, p);
}

static u8 frame_kind(const struct netif *nif, const u8 dst[6])
{
	static const u8 all[6] = {255, 255, 255, 255, 255, 255};

	if (!memcmp(dst, nif->hwaddr, 6))
		return PKT_L2_HOST;
	if (!memcmp(dst, all, 6))
		return PKT_L2_BROADCAST;
	return dst[0] & 1 ? PKT_L2_MULTICAST : PKT_L2_OTHERHOST;
}

/* Finds out the type of a frame without a link header: on loopback it is what the sender said, for a packet
 * socket may send anything there, even nothing; elsewhere, and in our own multicast coming back, the version
 * of IP tells it. */
static bool bare_type(const struct netif *nif, struct pkt *p)
{
	u8 b;
	const u8 *first;

	if ((nif->flags & NETIF_LOOPBACK) && !p->mark)
		return true;
	first = pkt_header(p, 0, 1, &b);
	if (!first)
		return false;
	p->eth_type = *first >> 4 == 6 ? ETH_IPV6 : ETH_IPV4;
	return true;
}

/* Finds out the type of a frame and drops its link header; false if it is not for us. */
static bool strip_link(struct netif *nif, struct pkt *p)
{
	struct eth_hdr scratch;
	const struct eth_hdr *eth;

	if (!nif->ethernet || p->mark) { /* marked: our own multicast coming back */
		if (!bare_type(nif, p))
			return false;
		if (!p->mark) {
			p->l2_type = PKT_L2_HOST;
			sock_packet_input(nif, p, 0);
		}
		p->mark = 0;
		return true;
	}
	eth = pkt_header(p, 0, sizeof(*eth), &scratch);
	if (!eth)
		return false;
	p->eth_type = be16_get(eth->type);
	p->l2_type = frame_kind(nif, eth->dst);
	memcpy(p->l2_src, eth->src, 6);
	sock_packet_input(nif, p, sizeof(*eth));
	pkt_pull(p, sizeof(*eth));
	return p->l2_type != PKT_L2_OTHERHOST;
}

void netif_receive_now(struct netif *nif, struct pkt *p)
{
	if (!(nif->flags & NETIF_UP)) {
		nif->stats.rx_dropped++;
		pkt_free(p);
		return;
	}
	nif->stats.rx_packets++;
	nif->stats.rx_bytes += p->size;
	p->ifindex = nif->index;
	p->stamp = nif->ns->env.realtime(nif->ns->env.ctx);
	if (nif->tap)
		nif->tap(nif->tap_ctx, p, false);
	if (!strip_link(nif, p)) {
		pkt_free(p);
		return;
	}
	if (p->l2_type == PKT_L2_MULTICAST)
		nif->stats.multicast++;
	if (p->eth_type == ETH_IPV4)
		ipv4_input(nif, p);
	else if (p->eth_type == ETH_IPV6)
		ipv6_input(nif, p);
	else if (p->eth_type == ETH_ARP && nif->ethernet)
		arp_input(nif, p);
	else
		pkt_free(p);
}

static int send_frame(struct netif *nif, struct pkt *p)
{
	u32 size = p->size;
	int err;

	if (nif->tap)
		nif->tap(nif->tap_ctx, p, true);
	sock_packet_output(nif, p);
	err = nif->ops->send(nif, p);
	if (err) {
		nif->stats.tx_dropped++;
	} else {
		nif->stats.tx_packets++;
		nif->stats.tx_bytes += size;
	}
	/* what a device fails to send is lost, as on a wire: Linux's drivers tell nobody either */
	return err == -ENOBUFS || err == -ENOMEM ? err : 0;
}

int netif_xmit(struct netif *nif, struct pkt *p)
{
	u32 want = p->gso == PKT_GSO_UDP     ? LINK_GSO_UDP
		   : p->eth_type == ETH_IPV6 ? LINK_GSO_TCP6
					     : LINK_GSO_TCP4;
	struct list_head pieces;
	int err;

	if (!(nif->flags & NETIF_UP)) {
		pkt_free(p);
		return -ENETDOWN;
	}
	if (p->gso && !(nif->features & want)) {
		list_init(&pieces);
		err = gso_cut(p, &pieces);
		while (!list_empty(&pieces)) {
			struct pkt *piece = list_first_entry(&pieces, struct pkt, node);
			int e;
			list_del_init(&piece->node);
			e = send_frame(nif, piece);
			err = err ? err : e;
		}
		return err;
	}
	if (p->csum_partial && !(nif->features & LINK_CSUM_OUT)) {
		err = pkt_csum_finish(p);
		if (err) {
			pkt_free(p);
			return err;
		}
	}
	return send_frame(nif, p);
}

int netif_output(struct netif *nif, struct pkt *p, const struct ip_addr *next)
{
	p->nif = nif;
	p->eth_type = ip_is_v4(next) ? ETH_IPV4 : ETH_IPV6;
	return nif->ethernet ? neigh_output(nif, p, next) : netif_xmit(nif, p);
}
