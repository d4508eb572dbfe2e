/*
 * igmp.c - membership in multicast groups: which we have, and telling the routers (IGMPv3 RFC 3376, MLDv2 RFC
 * 3810, without lists of sources: a group is wanted from all, "exclude none", or not at all, "include none").
 *
 * A change is told at once and once more within a second; a query is answered after a random delay up to what
 * it allows. While a router of an older version is heard (IGMPv1, v2, MLDv1: shorter queries), the reports
 * are that version's, and another member's spares ours. All-hosts needs no report.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"

#define REPORTS    2U
#define OLD_GAP_NS (10 * NSEC_PER_SEC)
#define GAP_NS     NSEC_PER_SEC
/* twice the usual time between queries, and that of an answer */
#define OLD_ROUTER_NS (260 * NSEC_PER_SEC)

enum { IS_EXCLUDE = 2, TO_INCLUDE = 3, TO_EXCLUDE = 4 }; /* kinds of records, of both protocols */

static void igmp_old_report(struct netif *nif, const struct ip_addr *group, bool leave);
static void igmp3_report(struct netif *nif, const struct ip_addr *group, u8 kind);
static void mld_old_report(struct netif *nif, const struct ip_addr *group, bool leave);
static void mld2_report(struct netif *nif, const struct ip_addr *group, u8 kind);

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

static bool is_old(const struct netif *nif, bool v4)
{
	return (v4 ? nif->old_igmp_until : nif->old_mld_until) > nif->ns->now;
}

static void report(struct net_membership *m)
{
	struct netif *nif = m->nif;
	bool v4 = ip_is_v4(&m->group), leave = !m->users;
	u8 kind = leave ? TO_INCLUDE : m->asked && !m->reports_left ? IS_EXCLUDE : TO_EXCLUDE;

	m->asked = false;
	if (!nif->ethernet || is_silent(&m->group) || !(nif->flags & NETIF_UP))
		return;
	if (v4 && is_old(nif, true))
		igmp_old_report(nif, &m->group, leave);
	else if (v4)
		igmp3_report(nif, &m->group, kind);
	else if (is_old(nif, false))
		mld_old_report(nif, &m->group, leave);
	else
		mld2_report(nif, &m->group, kind);
}

static void membership_free(struct netif *nif, struct net_membership *m)
{
	net_timer_done(&m->report);
	list_del_init(&m->node);
	net_free(nif->ns, m);
}

static void report_timer(struct net_timer *t)
{
	struct net_membership *m = container_of(t, struct net_membership, report);
	bool old = is_old(m->nif, ip_is_v4(&m->group));

	report(m);
	if (m->reports_left && --m->reports_left && (m->users || !old))
		net_timer_arm(t, t->ns->now + net_random(t->ns) % (old ? OLD_GAP_NS : GAP_NS));
	else if (!m->users)
		membership_free(m->nif, m);
}

int mcast_join(struct netif *nif, const struct ip_addr *group)
{
	struct netstack *ns = nif->ns;
	struct net_membership *m = find(nif, group);

	if (m) {
		if (m->users++)
			return 0;
		m->reports_left = REPORTS; /* it was being left */
		report_timer(&m->report);
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

int mcast_leave(struct netif *nif, const struct ip_addr *group)
{
	struct net_membership *m = find(nif, group);

	if (!m || !m->users)
		return -EADDRNOTAVAIL;
	if (--m->users)
		return 0;
	m->reports_left = REPORTS;
	if (!nif->ethernet || !(nif->flags & NETIF_UP))
		membership_free(nif, m);
	else
		report_timer(&m->report);
	return 0;
}

bool mcast_member(const struct netif *nif, const struct ip_addr *group)
{
	if (ip_is_v4(group) ? ip_v4_of(group) == 0xe0000001 : ip_eq(group, &IP6_NODES))
		return true;
	return find(nif, group) && find(nif, group)->users;
}

/* The link is back: routers may have forgotten us, or be others. */
void mcast_link_up(struct netif *nif)
{
	struct net_membership *m;

	list_for_each_entry (m, &nif->groups, node) {
		if (!m->users)
			continue; /* its timer goes on */
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
		if (!m->users || ip_is_v4(&m->group) != ip_is_v4(group) ||
		    (!ip_is_any(group) && !ip_eq(group, &m->group)))
			continue;
		m->asked = true;
		if (!net_timer_armed(&m->report) || m->report.deadline > at)
			net_timer_arm(&m->report, at);
	}
}

/* Somebody else reported a group: our own report can be spared. */
static void heard_report(struct netif *nif, const struct ip_addr *group)
{
	struct net_membership *m = find(nif, group);

	if (m && m->users && is_old(nif, ip_is_v4(group)) && net_timer_armed(&m->report)) {
		net_timer_cancel(&m->report);
		m->reports_left = 0;
		m->asked = false;
	}
}

/* Sends a message that p holds behind a router alert. Takes it over. */
static void igmp_send(struct netif *nif, struct pkt *p, struct ip_addr dst)
{
	static const u8 router_alert[4] = {148, 4, 0, 0};
	struct ip_tx tx = {.proto = PROTO_IGMP,
			   .ttl = 1,
			   .tos = 0xc0,
			   .src = IP4_ANY,
			   .dst = dst,
			   .options = router_alert,
			   .option_size = 4};
	struct net_path path = {.nif = nif, .next_hop = dst, .mtu = nif->mtu, .type = ROUTE_UNICAST};
	u8 *h = pkt_data(p);

	(void)net_pick_source(nif->ns, nif, &tx.dst, &tx.src);
	csum_put(h + 2, csum_add(0, h, p->size, false));
	p->dont_frag = true; /* not looped to ourselves */
	(void)ip_send(nif->ns, p, &tx, &path);
}

static u8 *new_message(struct netif *nif, u32 size, struct pkt **out)
{
	struct pkt *p = *out = pkt_new(nif->ns);
	u8 *h = p ? pkt_push(p, size) : NULL;

	if (h)
		memset(h, 0, size);
	return h;
}

static void igmp_old_report(struct netif *nif, const struct ip_addr *group, bool leave)
{
	struct pkt *p;
	u8 *h;

	if (leave && nif->old_igmp == 1)
		return; /* version 1 has no goodbye */
	h = new_message(nif, 8, &p);
	if (!h)
		return;
	h[0] = leave ? 0x17 : nif->old_igmp == 1 ? 0x12 : 0x16;
	memcpy(h + 4, group->b + 12, 4);
	igmp_send(nif, p, leave ? ip_v4(0xe0000002) : *group);
}

static void igmp3_report(struct netif *nif, const struct ip_addr *group, u8 kind)
{
	struct pkt *p;
	u8 *h = new_message(nif, 16, &p);

	if (!h)
		return;
	h[0] = 0x22;
	h[7] = 1; /* one record */
	h[8] = kind;
	memcpy(h + 12, group->b + 12, 4);
	igmp_send(nif, p, ip_v4(0xe0000016));
}

/* Tenths of a second; from 128 on a floating number (RFC 3376, 4.1.1); 0: a router of version 1. */
static u64 igmp_delay(u32 code)
{
	u64 tenths = code < 128 ? code : (u64)((code & 0xf) | 0x10) << ((code >> 4 & 7) + 3);

	return tenths ? tenths * (NSEC_PER_SEC / 10) : OLD_GAP_NS;
}

/* An old router is known by the size of its question (RFC 3376, 7.1). */
static void igmp_query(struct netif *nif, const struct ip_addr *group, u8 code, u32 size)
{
	if (size < 12) {
		nif->old_igmp_until = nif->ns->now + OLD_ROUTER_NS;
		nif->old_igmp = code ? 2 : 1;
	}
	answer_query(nif, group, igmp_delay(code));
}

void igmp_input(struct netif *nif, struct pkt *p)
{
	u8 scratch[8];
	const u8 *h = pkt_header(p, p->l4_off, 8, scratch);
	struct ip_addr group;

	if (h && csum_ok(pkt_csum(p, p->l4_off, p->size - p->l4_off, 0))) {
		group = ip_v4(get_be32(h + 4));
		if (h[0] == 0x11)
			igmp_query(nif, &group, h[1], p->size - p->l4_off);
		else if (h[0] == 0x12 || h[0] == 0x16)
			heard_report(nif, &group);
	}
	pkt_free(p);
}

/* A message that p holds, behind a hop-by-hop header with the router alert. Takes it over. */
static void mld_send(struct netif *nif, struct pkt *p, struct ip_addr dst)
{
	struct ip_tx tx = {.proto = PROTO_HOPOPTS, .ttl = 1, .src = IP6_ANY, .dst = dst};
	struct net_path path = {.nif = nif, .next_hop = dst, .mtu = nif->mtu, .type = ROUTE_UNICAST};
	struct net_ifaddr *a;
	u32 size = p->size;
	u8 *h = pkt_data(p), *hop;

	list_for_each_entry (a, &nif->addrs, node) {
		if (a->scope == SCOPE_LINK && !ip_is_v4(&a->addr) && !(a->flags & IFA_TENTATIVE))
			tx.src = a->addr;
	}
	csum_put(h + 2, csum_add(csum_pseudo(&tx.src, &tx.dst, PROTO_ICMPV6, size), h, size, false));
	hop = pkt_push(p, 8);
	if (!hop) {
		pkt_free(p);
		return;
	}
	memcpy(hop, (const u8[8]){PROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0}, 8);
	p->dont_frag = true;
	(void)ip_send(nif->ns, p, &tx, &path);
}

static void mld_old_report(struct netif *nif, const struct ip_addr *group, bool leave)
{
	struct pkt *p;
	u8 *h = new_message(nif, 24, &p);

	if (!h)
		return;
	h[0] = leave ? ICMP6_MLD_DONE : ICMP6_MLD_REPORT;
	memcpy(h + 8, group->b, 16);
	mld_send(nif, p, leave ? IP6_ROUTERS : *group);
}

static void mld2_report(struct netif *nif, const struct ip_addr *group, u8 kind)
{
	static const struct ip_addr mld2_routers = {{0xff, 2, [15] = 0x16}};
	struct pkt *p;
	u8 *h = new_message(nif, 28, &p);

	if (!h)
		return;
	h[0] = ICMP6_MLD2_REPORT;
	h[7] = 1; /* one record */
	h[8] = kind;
	memcpy(h + 12, group->b, 16);
	mld_send(nif, p, mld2_routers);
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
	if (type == ICMP6_MLD_QUERY && p->size - p->l4_off < 28)
		nif->old_mld_until = nif->ns->now + OLD_ROUTER_NS;
	if (type == ICMP6_MLD_QUERY)
		answer_query(nif, &group, mld_delay_ms(get_be16(h + 4)) * (NSEC_PER_SEC / 1000));
	else
		heard_report(nif, &group);
}
