/*
 * neigh.c - who is reachable at which link address: the states of RFC 4861, 7.3, for ARP and NDP alike.
 *
 * An entry that is not known yet keeps a few packets and asks once a second, three times; then the packets
 * are lost with "host unreachable". A known one is used as it is; after half a minute without news it is
 * STALE, after its next use DELAY for five seconds, then it is asked directly (PROBE). TCP's progress counts
 * as news.
 */
#include <errno.h>

#include "netstack/net/ip.h"

#define NEIGH_MAX    1024U
#define WAITING_MAX  64U
#define RETRANS_NS   NSEC_PER_SEC
#define REACHABLE_NS (30 * NSEC_PER_SEC)
#define DELAY_NS     (5 * NSEC_PER_SEC)
#define FAILED_NS    (3 * NSEC_PER_SEC)
#define PROBES_MAX   3U

static void drop_waiting(struct net_neigh *n, bool tell)
{
	struct list_head lost;

	list_init(&lost);
	list_splice_tail_init(&n->waiting, &lost);
	n->waiting_count = 0;
	while (!list_empty(&lost)) {
		struct pkt *p = list_first_entry(&lost, struct pkt, node);
		list_del_init(&p->node);
		if (tell && ip_is_v4(&n->addr))
			icmp_error(p->ns, p, ICMP_UNREACH, ICMP_UNREACH_HOST, 0);
		else if (tell)
			icmpv6_error(p->ns, p, ICMP6_UNREACH, 3, 0);
		pkt_free(p);
	}
}

static void neigh_free(struct net_neigh *n)
{
	struct netstack *ns = n->nif->ns;

	drop_waiting(n, false);
	net_timer_done(&n->timer);
	list_del_init(&n->node);
	ns->neigh_count--;
	net_free(ns, n);
}

static void ask(struct net_neigh *n, bool direct)
{
	if (ip_is_v4(&n->addr))
		arp_ask(n->nif, &n->addr, direct ? n->mac : NULL);
	else
		ndp_ask(n->nif, &n->addr, direct ? n->mac : NULL);
}

static void neigh_timer(struct net_timer *t)
{
	struct net_neigh *n = container_of(t, struct net_neigh, timer);
	u64 now = t->ns->now;

	switch (n->state) {
	case NUD_DELAY:
		if (n->confirmed + DELAY_NS > now) {
			n->state = NUD_REACHABLE;
			net_timer_arm(t, n->confirmed + REACHABLE_NS);
			return;
		}
		n->state = NUD_PROBE;
		n->probes = 0;
		/* fall through */
	case NUD_INCOMPLETE:
	case NUD_PROBE:
		if (n->probes++ < PROBES_MAX) {
			net_timer_arm(t, now + RETRANS_NS);
			ask(n, n->state == NUD_PROBE);
			return;
		}
		n->state = NUD_FAILED;
		net_timer_arm(t, now + FAILED_NS);
		drop_waiting(n, true);
		return;
	case NUD_REACHABLE:
		if (n->confirmed + REACHABLE_NS > now) {
			net_timer_arm(t, n->confirmed + REACHABLE_NS);
			return;
		}
		n->state = NUD_STALE;
		return;
	case NUD_FAILED:
		neigh_free(n);
		return;
	default:
		return;
	}
}

struct net_neigh *neigh_find(struct netif *nif, const struct ip_addr *addr)
{
	struct net_neigh *n;

	list_for_each_entry (n, &nif->ns->neighs, node)
		if (n->nif == nif && ip_eq(&n->addr, addr))
			return n;
	return NULL;
}

static void make_room(struct netstack *ns)
{
	struct net_neigh *n, *oldest = NULL;

	list_for_each_entry (n, &ns->neighs, node)
		if (n->state != NUD_PERMANENT && (!oldest || n->used < oldest->used))
			oldest = n;
	if (oldest)
		neigh_free(oldest);
}

static struct net_neigh *neigh_new(struct netif *nif, const struct ip_addr *addr)
{
	struct netstack *ns = nif->ns;
	struct net_neigh *n;

	if (ns->neigh_count >= NEIGH_MAX)
		make_room(ns);
	n = net_new(ns, struct net_neigh);
	if (!n)
		return NULL;
	n->nif = nif;
	n->addr = *addr;
	n->state = NUD_INCOMPLETE;
	n->used = n->updated = ns->now;
	list_init(&n->waiting);
	net_timer_init(&n->timer, ns, neigh_timer);
	list_add(&n->node, &ns->neighs);
	ns->neigh_count++;
	return n;
}

int neigh_output(struct netif *nif, struct pkt *p, const struct ip_addr *next)
{
	u32 type = ip_is_v4(next) ? ETH_IPV4 : ETH_IPV6;
	struct net_neigh *n;
	u8 mac[6];

	if (p->broadcast || ip_is_broadcast(next)) {
		memset(mac, 255, 6);
		return ether_send(nif, p, mac, type);
	}
	if (ip_is_multicast(next)) {
		ether_multicast(next, mac);
		return ether_send(nif, p, mac, type);
	}
	n = neigh_find(nif, next);
	if (!n)
		n = neigh_new(nif, next);
	if (!n) {
		pkt_free(p);
		return -ENOBUFS;
	}
	n->used = nif->ns->now;
	if (n->state == NUD_STALE) {
		n->state = NUD_DELAY;
		net_timer_arm(&n->timer, nif->ns->now + DELAY_NS);
	}
	if (n->state & (NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP))
		return ether_send(nif, p, n->mac, type);
	if (n->waiting_count == WAITING_MAX) {
		struct pkt *oldest = list_first_entry(&n->waiting, struct pkt, node);
		list_del_init(&oldest->node);
		pkt_free(oldest);
		n->waiting_count--;
	}
	list_add_tail(&p->node, &n->waiting);
	n->waiting_count++;
	if (n->state == NUD_FAILED || (n->state == NUD_INCOMPLETE && !n->probes)) {
		n->state = NUD_INCOMPLETE;
		n->probes = 0;
		neigh_timer(&n->timer);
	}
	return 0;
}

static void send_waiting(struct net_neigh *n)
{
	u32 type = ip_is_v4(&n->addr) ? ETH_IPV4 : ETH_IPV6;
	struct list_head ready;

	list_init(&ready);
	list_splice_tail_init(&n->waiting, &ready);
	n->waiting_count = 0;
	while (!list_empty(&ready)) {
		struct pkt *p = list_first_entry(&ready, struct pkt, node);
		list_del_init(&p->node);
		(void)ether_send(n->nif, p, n->mac, type); /* a drop is counted on the interface */
	}
}

void neigh_update(struct netif *nif, const struct ip_addr *addr, const u8 mac[6], bool solicited,
		  bool override, bool create)
{
	struct net_neigh *n = neigh_find(nif, addr);
	struct netstack *ns = nif->ns;
	bool known, changed;

	if (mac[0] & 1)
		return; /* nobody has a group's address */
	if (!n && create)
		n = neigh_new(nif, addr);
	if (!n || n->state == NUD_PERMANENT || n->state == NUD_NOARP)
		return;
	known = n->state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE);
	changed = known && memcmp(n->mac, mac, 6);
	if (changed && !override) {
		if (n->state == NUD_REACHABLE)
			n->state = NUD_STALE;
		return;
	}
	memcpy(n->mac, mac, 6);
	n->updated = ns->now;
	if (solicited) {
		n->state = NUD_REACHABLE;
		n->confirmed = ns->now;
		net_timer_arm(&n->timer, ns->now + REACHABLE_NS);
	} else if (!known || changed) {
		n->state = NUD_STALE;
		net_timer_cancel(&n->timer);
	}
	n->probes = 0;
	send_waiting(n);
}

void neigh_heard(struct netif *nif, const struct ip_addr *addr)
{
	struct net_neigh *n = neigh_find(nif, addr);

	if (!n || !(n->state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)))
		return;
	n->state = NUD_REACHABLE;
	n->confirmed = nif->ns->now;
	net_timer_arm(&n->timer, nif->ns->now + REACHABLE_NS);
}

void neigh_confirm(struct netif *nif, const struct ip_addr *addr)
{
	struct net_neigh *n = nif->ethernet ? neigh_find(nif, addr) : NULL;

	if (n)
		n->confirmed = nif->ns->now;
}

int neigh_set(struct netif *nif, const struct ip_addr *addr, const u8 mac[6], u8 state)
{
	struct net_neigh *n = neigh_find(nif, addr);

	if (!n)
		n = neigh_new(nif, addr);
	if (!n)
		return -ENOMEM;
	memcpy(n->mac, mac, 6);
	n->state = state;
	n->confirmed = nif->ns->now;
	if (state == NUD_REACHABLE)
		net_timer_arm(&n->timer, nif->ns->now + REACHABLE_NS);
	else
		net_timer_cancel(&n->timer);
	send_waiting(n);
	return 0;
}

int neigh_del(struct netif *nif, const struct ip_addr *addr)
{
	struct net_neigh *n = neigh_find(nif, addr);

	if (!n)
		return -ENOENT;
	neigh_free(n);
	return 0;
}

void neigh_flush(struct netstack *ns, struct netif *nif)
{
	struct net_neigh *n, *next;

	list_for_each_entry_safe (n, next, &ns->neighs, node)
		if (n->nif == nif)
			neigh_free(n);
}
