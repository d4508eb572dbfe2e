/*
 * packet.c - packet sockets: frames as they are on an interface, in and out.
 *
 * A socket for all protocols sees what goes out too, as Linux shows it: frames of the machine's own, large
 * segments uncut, checksums perhaps not filled in yet. Loopback has no link header; sockets that want one get
 * an Ethernet header without addresses, as they do there.
 */
#include <errno.h>

#include "netstack/transport/sock.h"

#define PACKET_RCVBUF 212992U
#define VLAN_SIZE     4U

int packet_new(struct netstack *ns, bool cooked, u32 protocol, struct packet_sock **out)
{
	struct packet_sock *ps = net_new(ns, struct packet_sock);

	if (!ps)
		return -ENOMEM;
	ps->ns = ns;
	ps->cooked = cooked;
	ps->protocol = (u16)protocol;
	ps->rcvbuf = PACKET_RCVBUF;
	list_init(&ps->queue);
	list_add_tail(&ps->node, &ns->packets);
	ns->sock_count++;
	*out = ps;
	return 0;
}

int packet_set_promisc(struct packet_sock *ps, u32 ifindex, bool on)
{
	struct netif *nif = netif_by_index(ps->ns, ifindex);

	if (!nif)
		return -ENODEV;
	if (on == ps->promisc)
		return on ? 0 : -EADDRNOTAVAIL;
	if (!on && ps->promisc_if != ifindex)
		return -EADDRNOTAVAIL;
	ps->promisc = on;
	ps->promisc_if = ifindex;
	nif->promisc_users += on ? 1U : -1U;
	if (nif->promisc_users)
		nif->flags |= NETIF_PROMISC;
	else
		nif->flags &= ~(u32)NETIF_PROMISC;
	net_notify(ps->ns, NOTIFY_LINK, nif);
	return 0;
}

void packet_forget(struct packet_sock *ps)
{
	while (!list_empty(&ps->queue)) {
		struct pkt *p = list_first_entry(&ps->queue, struct pkt, node);
		list_del_init(&p->node);
		pkt_free(p);
	}
	ps->queued = 0;
}

void packet_close(struct packet_sock *ps)
{
	struct netstack *ns = ps->ns;

	if (ps->promisc && netif_by_index(ns, ps->promisc_if))
		(void)!packet_set_promisc(ps, ps->promisc_if,
					  false); /* it is on, and the interface is there */
	packet_forget(ps);
	list_del_init(&ps->node);
	net_filter_put(ps->filter);
	ns->sock_count--;
	net_free(ns, ps);
}

/* ---- in ---- */

/* Makes a copy begin where this socket wants it; false without room. */
static bool fit(const struct packet_sock *ps, const struct netif *nif, struct pkt *c, u32 link_size)
{
	struct eth_hdr *eth;

	if (ps->cooked) {
		pkt_pull(c, link_size);
		return true;
	}
	if (link_size || !(nif->flags & NETIF_LOOPBACK))
		return true;
	eth = pkt_push(c, sizeof(*eth));
	if (!eth)
		return false;
	memset(eth, 0, sizeof(*eth));
	eth->type = be16_of(c->eth_type);
	return true;
}

/* What the socket's filter wants of a frame; 0: nothing. A raw socket's data begins at the link header, which
 * loopback has none of: there it sees the one that it is given. */
static u32 snap(const struct packet_sock *ps, const struct netif *nif, const struct pkt *p, u32 link_size,
		u8 l2_type)
{
	struct net_filter_view v = {
	    .p = p, .nif = nif, .start = ps->cooked ? link_size : 0, .net = link_size, .pkttype = l2_type};
	struct pkt *c;
	u32 n;

	if (!ps->filter)
		return UINT32_MAX;
	if (ps->cooked || link_size || !(nif->flags & NETIF_LOOPBACK))
		return net_filter_run(ps->filter, &v);
	c = pkt_clone(p);
	if (!c || !fit(ps, nif, c, link_size)) {
		if (c)
			pkt_free(c);
		return 0;
	}
	v.p = c;
	v.net = sizeof(struct eth_hdr);
	n = net_filter_run(ps->filter, &v);
	pkt_free(c);
	return n;
}

static void deliver(struct packet_sock *ps, const struct netif *nif, const struct pkt *p, u32 link_size,
		    u8 l2_type)
{
	u32 keep = snap(ps, nif, p, link_size, l2_type);
	struct pkt *c;

	if (!keep)
		return;
	c = ps->queued && ps->queued + pkt_truesize(p) > ps->rcvbuf ? NULL : pkt_clone(p);

	ps->packets++;
	if (c && !fit(ps, nif, c, link_size)) {
		pkt_free(c);
		c = NULL;
	}
	if (!c) {
		ps->drops++;
		return;
	}
	if (ps->take) {
		c->ifindex = nif->index;
		c->l2_type = l2_type;
		ps->drops += !ps->take(ps, nif, c, keep);
		pkt_free(c);
		return;
	}
	pkt_trim(c, keep);
	if (c->ct) { /* over loopback, between two hooks */
		nf_conn_put(ps->ns, c->ct);
		c->ct = NULL;
	}
	c->nif = NULL;
	c->ifindex = nif->index;
	c->l2_type = l2_type;
	ps->queued += pkt_truesize(c);
	list_add_tail(&c->node, &ps->queue);
	if (ps->event)
		ps->event(ps);
}

static bool hears(const struct packet_sock *ps, const struct netif *nif)
{
	return !ps->ifindex || ps->ifindex == nif->index;
}

void sock_packet_input(struct netif *nif, struct pkt *p, u32 link_size)
{
	struct packet_sock *ps;

	list_for_each_entry (ps, &nif->ns->packets, node) {
		if (hears(ps, nif) && ps->protocol &&
		    (ps->protocol == ETH_ALL || ps->protocol == p->eth_type))
			deliver(ps, nif, p, link_size, p->l2_type);
	}
}

void sock_packet_output(struct netif *nif, struct pkt *p)
{
	struct packet_sock *ps;

	if (list_empty(&nif->ns->packets))
		return;
	p->stamp = nif->ns->env.realtime(nif->ns->env.ctx);
	list_for_each_entry (ps, &nif->ns->packets, node) {
		if (hears(ps, nif) && ps->protocol == ETH_ALL && !ps->sending && !ps->ignore_outgoing)
			deliver(ps, nif, p, nif->ethernet ? sizeof(struct eth_hdr) : 0, PKT_L2_OUTGOING);
	}
}

int packet_receive(struct packet_sock *ps, bool peek, struct pkt **out)
{
	struct pkt *p;

	if (ps->error) {
		int err = -ps->error;
		ps->error = 0;
		return err;
	}
	if (list_empty(&ps->queue))
		return -EAGAIN;
	p = list_first_entry(&ps->queue, struct pkt, node);
	if (!peek) {
		list_del_init(&p->node);
		ps->queued -= pkt_truesize(p);
	}
	*out = p;
	return 0;
}

void packet_netif_gone(struct netstack *ns, struct netif *nif)
{
	struct packet_sock *ps;

	list_for_each_entry (ps, &ns->packets, node) {
		if (ps->promisc && ps->promisc_if == nif->index)
			ps->promisc = false;
		if (ps->ifindex != nif->index)
			continue;
		ps->error = ENETDOWN;
		if (ps->event)
			ps->event(ps);
	}
}

/* ---- out ---- */

/* Puts the link header before what the caller sent, or finds out what the header says that it brought. */
static int finish_frame(const struct packet_sock *ps, struct netif *nif, struct pkt *p, u32 protocol,
			const u8 *dst)
{
	struct eth_hdr *eth, scratch;

	if (ps->cooked) {
		p->eth_type = (u16)protocol;
		if (!nif->ethernet)
			return 0;
		if (!dst)
			return -EINVAL;
		eth = pkt_push(p, sizeof(*eth));
		if (!eth)
			return -ENOBUFS;
		memcpy(eth->dst, dst, 6);
		memcpy(eth->src, nif->hwaddr, 6);
		eth->type = be16_of(protocol);
		return 0;
	}
	if (pkt_copy(p, 0, &scratch, sizeof(scratch)) != sizeof(scratch))
		return -EINVAL;
	p->eth_type = be16_get(scratch.type);
	if (!nif->ethernet)
		pkt_pull(p, sizeof(scratch));
	return 0;
}

s64 packet_send(struct packet_sock *ps, struct net_iter *it, u32 ifindex, u32 protocol, const u8 *dst)
{
	struct netstack *ns = ps->ns;
	size_t size = it->left;
	struct netif *nif;
	struct pkt *p;
	u32 header = ps->cooked ? 0 : sizeof(struct eth_hdr);
	int err;

	nif = netif_by_index(ns, ifindex ? ifindex : ps->ifindex);
	if (!nif)
		return -ENXIO;
	if (!(nif->flags & NETIF_UP))
		return -ENETDOWN;
	if (size > nif->mtu + header + (ps->cooked ? 0 : VLAN_SIZE))
		return -EMSGSIZE;
	if (size < header)
		return -EINVAL;
	net_tick(ns);
	p = pkt_new(ns);
	if (!p)
		return -ENOBUFS;
	err = dgram_fill(p, it);
	if (!err) {
		/* copying may have let others run: the interface may be gone */
		nif = netif_by_index(ns, ifindex ? ifindex : ps->ifindex);
		err = nif ? finish_frame(ps, nif, p, protocol ? protocol : ps->protocol, dst) : -ENXIO;
	}
	if (err) {
		pkt_free(p);
		return err;
	}
	p->nif = nif;
	ps->sending = true; /* its own frames are not shown to it */
	err = netif_xmit(nif, p);
	ps->sending = false;
	net_leave(ns);
	return err ? err : (s64)size;
}
