/*
 * igmp.c - membership in multicast groups: which we have, and telling the routers (IGMPv2 RFC 2236, answers
 * understood by v3 routers; MLDv1 RFC 2710).
 *
 * A group joined is reported at once and once more within ten seconds; a query is answered after a random
 * delay up to what it allows; a group left is said goodbye to. All-hosts and the interface's own
 * solicited-node groups need no report for IPv4, and do for IPv6.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"

#define REPORTS       2U
#define REPORT_GAP_NS (10 * NSEC_PER_SEC)

static struct net_membership *find(const struct netif *nif, const struct ip_addr *group)
{
	struct net_membership *m;

	list_for_each_entry (m, &nif->groups, node) {
		if (ip_eq(&m->group, group))
			return m;
	}
	return NULL;
}

static bool is_silent(const struct ip_addr *g)
{
	if (ip_is_v4(g))
		return ip_v4_of(g) == 0xe0000001;
	return (g->b[1] & 0xf) <= 1 || ip_eq(g, &IP6_NODES);
}

static void report(struct net_membership *m, bool leave)
{
	struct netif *nif = m->nif;

	if (!nif->ethernet || is_silent(&m->group) || !(nif->flags & NETIF_UP))
		return;
	if (ip_is_v4(&m->group))
		igmp_report(nif, &m->group, leave);
	else
		mld_report(nif, &m->group, leave);
}

static void report_timer(struct net_timer *t)
{
	struct net_membership *m = container_of(t, struct net_membership, report);

	report(m, false);
	if (m->reports_left && --m->reports_left)
		net_timer_arm(t, t->ns->now + net_random(t->ns) % REPORT_GAP_NS);
}

int mcast_join(struct netif *nif, const struct ip_addr *group)
{
	struct netstack *ns = nif->ns;
	struct net_membership *m = find(nif, group);

	if (m) {
		m->users++;
		return 0;
	}
	m = net_new(ns, struct net_membership);
	if (!m)
		return -ENOMEM;
	m->nif = nif;
	m->group = *group;
	m->users = 1;
	m->reports_left = REPORTS;
	net_timer_init(&m->report, ns, report_timer);
	list_add_tail(&m->node, &nif->groups);
	report_timer(&m->report);
	return 0;
}

static void membership_free(struct netif *nif, struct net_membership *m)
{
	net_timer_done(&m->report);
	list_del_init(&m->node);
	net_free(nif->ns, m);
}

int mcast_leave(struct netif *nif, const struct ip_addr *group)
{
	struct net_membership *m = find(nif, group);

	if (!m)
		return -EADDRNOTAVAIL;
	if (--m->users)
		return 0;
	report(m, true);
	membership_free(nif, m);
	return 0;
}

bool mcast_member(const struct netif *nif, const struct ip_addr *group)
{
	if (ip_is_v4(group) ? ip_v4_of(group) == 0xe0000001 : ip_eq(group, &IP6_NODES))
		return true;
	return find(nif, group);
}

/* The link is back: routers may have forgotten us, or be others. */
void mcast_link_up(struct netif *nif)
{
	struct net_membership *m;

	list_for_each_entry (m, &nif->groups, node) {
		m->reports_left = REPORTS;
		report_timer(&m->report);
	}
}

void mcast_free(struct netif *nif)
{
	while (!list_empty(&nif->groups))
		membership_free(nif, list_first_entry(&nif->groups, struct net_membership, node));
}

/* A router asks: for one group, or (any) for all. */
static void answer_query(struct netif *nif, const struct ip_addr *group, u64 max_delay_ns)
{
	struct net_membership *m;

	list_for_each_entry (m, &nif->groups, node) {
		u64 at = nif->ns->now + (max_delay_ns ? net_random(nif->ns) % max_delay_ns : 0);
		if (ip_is_v4(&m->group) != ip_is_v4(group) || (!ip_is_any(group) && !ip_eq(group, &m->group)))
			continue;
		if (!net_timer_armed(&m->report) || m->report.deadline > at) {
			m->reports_left = max_t(u32, m->reports_left, 1);
			net_timer_arm(&m->report, at);
		}
	}
}

/* Somebody else reported a group: our own report can be spared. */
static void heard_report(struct netif *nif, const struct ip_addr *group)
{
	struct net_membership *m = find(nif, group);

	if (m && net_timer_armed(&m->report))
		net_timer_cancel(&m->report);
}

void igmp_report(struct netif *nif, const struct ip_addr *group, bool leave)
{
	static const u8 router_alert[4] = {148, 4, 0, 0};
	struct pkt *p = pkt_new(nif->ns);
	u8 *h = p ? pkt_push(p, 8) : NULL;
	struct ip_tx tx = {.proto = PROTO_IGMP,
			   .ttl = 1,
			   .tos = 0xc0,
			   .dst = leave ? ip_v4(0xe0000002) : *group,
			   .options = router_alert,
			   .option_size = 4};
	struct net_path path = {.nif = nif, .next_hop = tx.dst, .mtu = nif->mtu, .type = ROUTE_UNICAST};

	if (!h)
		return;
	tx.src = IP4_ANY;
	(void)net_pick_source(nif->ns, nif, &tx.dst, &tx.src);
	h[0] = leave ? 0x17 : 0x16;
	h[1] = 0;
	put_be16(h + 2, 0);
	memcpy(h + 4, group->b + 12, 4);
	csum_put(h + 2, csum_add(0, h, 8, false));
	p->dont_frag = true; /* not looped to ourselves */
	(void)ip_send(nif->ns, p, &tx, &path);
}

/* Tenths of a second; from 128 on a floating number (RFC 3376, 4.1.1); 0: a router of version 1. */
static u64 igmp_delay(u32 code)
{
	u64 tenths = code < 128 ? code : (u64)((code & 0xf) | 0x10) << ((code >> 4 & 7) + 3);

	return tenths ? tenths * (NSEC_PER_SEC / 10) : REPORT_GAP_NS;
}

void igmp_input(struct netif *nif, struct pkt *p)
{
	u8 scratch[8];
	const u8 *h = pkt_header(p, p->l4_off, 8, scratch);
	struct ip_addr group;

	if (h && csum_ok(pkt_csum(p, p->l4_off, p->size - p->l4_off, 0))) {
		group = ip_v4(get_be32(h + 4));
		if (h[0] == 0x11)
			answer_query(nif, &group, igmp_delay(h[1]));
		else if (h[0] == 0x12 || h[0] == 0x16)
			heard_report(nif, &group);
	}
	pkt_free(p);
}

void mld_report(struct netif *nif, const struct ip_addr *group, bool leave)
{
	struct pkt *p = pkt_new(nif->ns);
	u8 *h = p ? pkt_push(p, 32) : NULL;
	struct ip_tx tx = {.proto = PROTO_HOPOPTS, .ttl = 1, .dst = leave ? IP6_ROUTERS : *group};
	struct net_path path = {.nif = nif, .next_hop = tx.dst, .mtu = nif->mtu, .type = ROUTE_UNICAST};
	struct net_ifaddr *a;
	u32 sum;

	if (!h)
		return;
	tx.src = IP6_ANY;
	list_for_each_entry (a, &nif->addrs, node) {
		if (a->scope == SCOPE_LINK && !ip_is_v4(&a->addr) && !(a->flags & IFA_TENTATIVE))
			tx.src = a->addr;
	}
	/* hop-by-hop header with the router alert, then the report */
	memcpy(h, (const u8[8]){PROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0}, 8);
	h[8] = leave ? ICMP6_MLD_DONE : ICMP6_MLD_REPORT;
	memset(h + 9, 0, 7);
	memcpy(h + 16, group->b, 16);
	sum = csum_pseudo(&tx.src, &tx.dst, PROTO_ICMPV6, 24);
	csum_put(h + 10, csum_add(sum, h + 8, 24, false));
	p->dont_frag = true;
	(void)ip_send(nif->ns, p, &tx, &path);
}

/* RFC 3810, 5.1.3: from 32768 on a floating number. */
static u64 mld_delay_ms(u32 code)
{
	return code < 0x8000 ? code : (u64)((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
}

void mld_input(struct netif *nif, struct pkt *p, u8 type)
{
	u8 scratch[24];
	const u8 *h = pkt_header(p, p->l4_off, 24, scratch);
	struct ip_addr group;

	if (!h || p->ttl != 1 || !ip_is_linklocal(&p->src))
		return;
	memcpy(group.b, h + 8, 16);
	if (type == ICMP6_MLD_QUERY)
		answer_query(nif, &group, mld_delay_ms(get_be16(h + 4)) * (NSEC_PER_SEC / 1000));
	else
		heard_report(nif, &group);
}
