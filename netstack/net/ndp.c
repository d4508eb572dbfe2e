/*
 * ndp.c - neighbour discovery for IPv6 (RFC 4861) and stateless address configuration (RFC 4862).
 *
 * An interface that comes up makes a link-local address (stable, of its hardware address), checks that nobody
 * else has it, and asks for routers three times. Router advertisements give default routes, prefixes and
 * addresses (EUI-64), hop limit and MTU. All messages must have a hop limit of 255: they cannot come from
 * afar.
 */
#include "netstack/net/ip.h"
#include "netstack/wire/checksum.h"

#define DAD_PROBES      1U
#define RETRANS_NS      NSEC_PER_SEC
#define RS_COUNT        3U
#define RS_GAP_NS       (4 * NSEC_PER_SEC)
#define OPT_SOURCE_LINK 1
#define OPT_TARGET_LINK 2
#define OPT_PREFIX      3
#define OPT_MTU         5
#define ADDRS_MAX       16U
#define ROUTERS_METRIC  1024U
#define ROUTERS_MAX     16U

static void send(struct netif *nif, const struct ip_addr *src, const struct ip_addr *dst, const u8 *body,
		 u32 size)
{
	struct pkt *p = pkt_new(nif->ns);
	struct ip_tx tx = {.proto = PROTO_ICMPV6, .ttl = 255, .src = *src, .dst = *dst};
	struct net_path path = {.nif = nif, .next_hop = *dst, .mtu = nif->mtu, .type = ROUTE_UNICAST};
	u8 *h = p ? pkt_push(p, size) : NULL;

	if (!h)
		return;
	memcpy(h, body, size);
	put_be16(h + 2, 0);
	csum_put(h + 2, csum_add(csum_pseudo(src, dst, PROTO_ICMPV6, size), h, size, false));
	p->dont_frag = true; /* not to ourselves */
	MIB(nif->ns, IcmpOutMsgs);
	(void)ip_send(nif->ns, p, &tx, &path); /* as lost as any packet may be */
}

static void link_option(u8 *o, u8 type, const struct netif *nif)
{
	o[0] = type;
	o[1] = 1;
	memcpy(o + 2, nif->hwaddr, 6);
}

void ndp_ask(struct netif *nif, const struct ip_addr *target, const u8 *mac)
{
	struct ip_addr src, dst = mac ? *target : ip_solicited_node(target);
	u8 m[32] = {ICMP6_NS};

	if (!net_pick_source(nif->ns, nif, target, &src))
		return;
	memcpy(m + 8, target->b, 16);
	link_option(m + 24, OPT_SOURCE_LINK, nif);
	send(nif, &src, &dst, m, sizeof(m));
}

static void advertise(struct netif *nif, const struct ip_addr *target, const struct ip_addr *to)
{
	bool solicited = !ip_is_any(to);
	struct ip_addr dst = solicited ? *to : IP6_NODES;
	u8 m[32] = {ICMP6_NA, 0, 0, 0, solicited ? 0x60 : 0x20};

	memcpy(m + 8, target->b, 16);
	link_option(m + 24, OPT_TARGET_LINK, nif);
	send(nif, target, &dst, m, sizeof(m));
}

/* ---- addresses ---- */

static void addr_timer(struct net_timer *t)
{
	struct net_ifaddr *a = container_of(t, struct net_ifaddr, timer);
	struct netif *nif = a->nif;
	struct netstack *ns = nif->ns;
	u8 m[24] = {ICMP6_NS};
	struct ip_addr group;

	if (a->flags & IFA_TENTATIVE) {
		if (a->dad_left) {
			a->dad_left--;
			memcpy(m + 8, a->addr.b, 16);
			group = ip_solicited_node(&a->addr);
			send(nif, &IP6_ANY, &group, m, sizeof(m));
			net_timer_arm(t, ns->now + RETRANS_NS);
			return;
		}
		a->flags &= ~(u32)IFA_TENTATIVE;
		ns->route_gen++;
		net_notify(ns, NOTIFY_ADDR_NEW, a);
		if (a->scope == SCOPE_LINK && nif->rs_left)
			net_timer_arm(&nif->rs_timer, ns->now);
	}
	if (a->valid_until <= ns->now) {
		/* 0 or "not there": it is there, and the timer goes with it */
		(void)!netif_addr_del(nif, a->addr, a->prefix_len);
		return;
	}
	if (a->preferred_until <= ns->now)
		a->flags |= IFA_DEPRECATED;
	net_timer_arm(t, a->flags & IFA_DEPRECATED ? a->valid_until
						   : min_t(u64, a->valid_until, a->preferred_until));
}

void ndp_addr_start(struct net_ifaddr *a)
{
	struct netif *nif = a->nif;
	struct ip_addr group = ip_solicited_node(&a->addr);

	a->timer.fire = addr_timer;
	if (!nif->ethernet)
		return;
	if (mcast_join(nif, &group))
		a->flags |= IFA_NODAD; /* without memory for the group it is used unchecked */
	if (a->flags & IFA_NODAD) {
		net_timer_arm(&a->timer, min_t(u64, a->valid_until, a->preferred_until));
		return;
	}
	a->flags |= IFA_TENTATIVE;
	a->dad_left = DAD_PROBES;
	if (nif->flags & NETIF_UP)
		addr_timer(&a->timer);
}

static void duplicate(struct net_ifaddr *a)
{
	a->flags = (a->flags & ~(u32)IFA_TENTATIVE) | IFA_DADFAILED;
	net_timer_cancel(&a->timer);
	a->nif->ns->route_gen++;
	net_notify(a->nif->ns, NOTIFY_ADDR_NEW, a);
}

static struct ip_addr eui64(const struct netif *nif, struct ip_addr prefix)
{
	const u8 *m = nif->hwaddr;

	memcpy(prefix.b + 8, (const u8[8]){m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}, 8);
	return prefix;
}

static void rs_timer(struct net_timer *t)
{
	struct netif *nif = container_of(t, struct netif, rs_timer);
	struct ip_addr src = IP6_ANY;
	struct net_ifaddr *a;
	u8 m[16] = {ICMP6_RS};
	u32 size = 8;

	if (!nif->rs_left || !(nif->flags & NETIF_UP))
		return;
	nif->rs_left--;
	list_for_each_entry (a, &nif->addrs, node) {
		if (a->scope == SCOPE_LINK && !ip_is_v4(&a->addr) &&
		    !(a->flags & (IFA_TENTATIVE | IFA_DADFAILED)))
			src = a->addr;
	}
	if (!ip_is_any(&src)) {
		link_option(m + 8, OPT_SOURCE_LINK, nif);
		size = 16;
	}
	send(nif, &src, &IP6_ROUTERS, m, size);
	net_timer_arm(t, nif->ns->now + RS_GAP_NS);
}

void ndp_netif_init(struct netif *nif)
{
	net_timer_init(&nif->rs_timer, nif->ns, rs_timer);
}

void ndp_netif_done(struct netif *nif)
{
	net_timer_done(&nif->rs_timer);
}

void ndp_link_up(struct netif *nif)
{
	struct ip_addr ll = eui64(nif, (struct ip_addr){{0xfe, 0x80}});
	struct net_ifaddr *a;

	if (nif->no_ipv6)
		return;
	nif->rs_left = RS_COUNT;
	nif->mtu6 = 0;
	if (!netif_find_addr(nif, &ll)) {
		/* without memory for it the interface speaks IPv4 only */
		(void)!netif_addr_add(nif, ll, 64, IFA_PERMANENT);
		return;
	}
	net_timer_arm(&nif->rs_timer, nif->ns->now);
	list_for_each_entry (a, &nif->addrs, node) {
		if (ip_is_v4(&a->addr) || !(a->flags & IFA_TENTATIVE))
			continue;
		net_timer_arm(&a->timer, nif->ns->now);
		if (a->scope == SCOPE_LINK)
			net_timer_cancel(&nif->rs_timer); /* once it is checked */
	}
}

/* ---- messages ---- */

/* The value of an option (of at least n bytes), copied; false if there is none or the options are malformed.
 */
static bool option(const struct pkt *p, u32 at, u8 type, u8 *out, u32 n)
{
	while (at + 8 <= p->size) {
		u8 b[2];
		const u8 *o = pkt_header(p, at, 2, b);
		u32 size = o ? o[1] * 8U : 0;
		if (!size || at + size > p->size)
			return false;
		if (o[0] == type && size >= n)
			return pkt_copy(p, at, out, n) == n;
		at += size;
	}
	return false;
}

/* All options have a length, and end within the message (RFC 4861, 6.1 and 7.1). */
static bool options_ok(const struct pkt *p, u32 at)
{
	while (at < p->size) {
		u8 b[2];
		const u8 *o = pkt_header(p, at, 2, b);
		if (!o || !o[1] || at + o[1] * 8U > p->size)
			return false;
		at += o[1] * 8U;
	}
	return true;
}

static void solicited(struct netif *nif, struct pkt *p, const struct ip_addr *target)
{
	struct net_ifaddr *a = netif_find_addr(nif, target);
	bool dad = ip_is_any(&p->src);
	u8 o[8];

	if (!a || (a->flags & IFA_DADFAILED))
		return;
	if (dad) { /* RFC 4861, 7.1.1 */
		struct ip_addr group = ip_solicited_node(target);
		if (!ip_eq(&p->dst, &group) || option(p, p->l4_off + 24U, OPT_SOURCE_LINK, o, 8))
			return;
	}
	if (a->flags & IFA_TENTATIVE) {
		if (dad)
			duplicate(a);
		return;
	}
	if (!dad && option(p, p->l4_off + 24U, OPT_SOURCE_LINK, o, 8))
		neigh_update(nif, &p->src, o + 2, false, true, true);
	advertise(nif, target, &p->src);
}

static void advertised(struct netif *nif, struct pkt *p, const struct ip_addr *target, u8 flags)
{
	struct net_ifaddr *a = netif_find_addr(nif, target);
	struct net_neigh *n;
	u8 o[8];

	if ((flags & 0x40) && ip_is_multicast(&p->dst))
		return; /* RFC 4861, 7.1.2 */
	if (a) {
		if (a->flags & IFA_TENTATIVE)
			duplicate(a);
		return;
	}
	if (option(p, p->l4_off + 24U, OPT_TARGET_LINK, o, 8))
		neigh_update(nif, target, o + 2, flags & 0x40, flags & 0x20, false);
	else if (flags & 0x40)
		neigh_heard(nif, target);
	n = neigh_find(nif, target);
	if (n)
		n->router = flags & 0x80;
}

static u64 lifetime(struct netstack *ns, u32 seconds)
{
	return seconds == UINT32_MAX ? TIME_NEVER : ns->now + seconds * NSEC_PER_SEC;
}

static u32 count_addrs(const struct netif *nif)
{
	struct net_ifaddr *a;
	u32 n = 0;

	list_for_each_entry (a, &nif->addrs, node)
		n += 1;
	return n;
}

static void take_prefix(struct netif *nif, const u8 *o)
{
	struct netstack *ns = nif->ns;
	u32 len = o[2], valid = get_be32(o + 4), preferred = get_be32(o + 8);
	struct ip_addr prefix, addr;
	struct net_ifaddr *a;

	memcpy(prefix.b, o + 16, 16);
	if (!(o[3] & 0x40) || len != 64 || preferred > valid || ip_is_linklocal(&prefix) ||
	    ip_is_multicast(&prefix) || ip_is_v4(&prefix))
		return;
	addr = eui64(nif, ip_prefix_of(prefix, 64));
	a = netif_find_addr(nif, &addr);
	if (!a) {
		if (!valid || count_addrs(nif) >= ADDRS_MAX || netif_addr_add(nif, addr, 64, 0))
			return;
		a = netif_find_addr(nif, &addr);
		if (!a)
			return;
	} else if (a->flags & IFA_PERMANENT) {
		return;
	}
	/* two hours at least, unless it is ours to shorten: RFC 4862, 5.5.3 e */
	if (valid > 7200 || lifetime(ns, valid) > a->valid_until)
		a->valid_until = lifetime(ns, valid);
	else if (a->valid_until > ns->now + 7200 * NSEC_PER_SEC)
		a->valid_until = ns->now + 7200 * NSEC_PER_SEC;
	a->preferred_until = lifetime(ns, preferred);
	a->flags &= ~(u32)IFA_DEPRECATED;
	if (!(a->flags & IFA_TENTATIVE))
		net_timer_arm(&a->timer, min_t(u64, a->valid_until, a->preferred_until));
}

static struct net_route *find_router(struct netif *nif, const struct ip_addr *router)
{
	struct net_route *r;

	list_for_each_entry (r, &nif->ns->routes, node) {
		if (r->protocol == RTPROTO_RA && r->nif == nif && ip_eq(&r->gateway, router))
			return r;
	}
	return NULL;
}

static u32 count_routers(struct netif *nif)
{
	struct net_route *r;
	u32 n = 0;

	list_for_each_entry (r, &nif->ns->routes, node)
		n += r->protocol == RTPROTO_RA && r->nif == nif;
	return n;
}

static void take_router(struct netif *nif, const struct pkt *p, u32 seconds)
{
	struct net_route *old = find_router(nif, &p->src);
	struct net_route r = {.dst = IP6_ANY,
			      .gateway = p->src,
			      .source = IP6_ANY,
			      .metric = ROUTERS_METRIC,
			      .table = RT_TABLE_MAIN,
			      .type = ROUTE_UNICAST,
			      .protocol = RTPROTO_RA,
			      .nif = nif,
			      .expires = lifetime(nif->ns, seconds)};

	if (old && seconds)
		net_route_renew(nif->ns, old, r.expires);
	else if (old)
		(void)!net_route_del(nif->ns, &r); /* it is there */
	else if (seconds && count_routers(nif) < ROUTERS_MAX)
		(void)!net_route_add(nif->ns, &r); /* without memory: until the next advertisement */
}

static void set_mtu6(struct netif *nif, u32 mtu)
{
	if (nif->mtu6 == mtu)
		return;
	nif->mtu6 = mtu;
	nif->ns->route_gen++;
}

static void router_advertised(struct netif *nif, struct pkt *p)
{
	u8 scratch[16], o[32];
	const u8 *h = pkt_header(p, p->l4_off, 16, scratch);
	u32 at = p->l4_off + 16U;

	if (!h || !ip_is_linklocal(&p->src) || nif->no_ipv6)
		return;
	nif->rs_left = 0;
	if (h[4])
		nif->hop_limit = h[4];
	take_router(nif, p, get_be16(h + 6));
	if (option(p, at, OPT_SOURCE_LINK, o, 8)) {
		struct net_neigh *n;
		neigh_update(nif, &p->src, o + 2, false, true, true);
		n = neigh_find(nif, &p->src);
		if (n)
			n->router = true;
	}
	if (option(p, at, OPT_MTU, o, 8) && get_be32(o + 4) >= IPV6_MIN_MTU && get_be32(o + 4) <= nif->mtu)
		set_mtu6(nif, get_be32(o + 4));
	for (u32 i = 0; i < 16 && at + 8 <= p->size; i++) {
		u8 b[2];
		const u8 *opt = pkt_header(p, at, 2, b);
		if (!opt || !opt[1] || at + opt[1] * 8U > p->size)
			return;
		if (opt[0] == OPT_PREFIX && opt[1] == 4 && pkt_copy(p, at, o, 32) == 32)
			take_prefix(nif, o);
		at += opt[1] * 8U;
	}
}

/* RFC 4861, 8.1 and 8.3. */
static void redirected(struct netif *nif, struct pkt *p, const struct ip_addr *target)
{
	struct ip_addr dst;
	struct net_neigh *n;
	u8 o[8];

	if (!ip_is_linklocal(&p->src) || pkt_copy(p, p->l4_off + 24U, dst.b, 16) != 16 ||
	    !net_redirect_learn(nif, &dst, &p->src, target))
		return;
	if (option(p, p->l4_off + 40U, OPT_TARGET_LINK, o, 8))
		neigh_update(nif, target, o + 2, false, true, true);
	n = neigh_find(nif, target);
	if (n && !ip_eq(target, &dst))
		n->router = true;
}

void ndp_input(struct netif *nif, struct pkt *p, u8 type)
{
	u8 scratch[24];
	const u8 *h = pkt_header(p, p->l4_off, 24, scratch);
	struct ip_addr target;

	if (p->ttl != 255 || !nif->ethernet ||
	    !options_ok(p, p->l4_off + (type == ICMP6_RA         ? 16U
					: type == ICMP6_RS       ? 8U
					: type == ICMP6_REDIRECT ? 40U
								 : 24U)))
		return;
	if (type == ICMP6_RA) {
		router_advertised(nif, p);
		return;
	}
	if (!h || h[1] || type == ICMP6_RS)
		return;
	memcpy(target.b, h + 8, 16);
	if (ip_is_multicast(&target))
		return;
	if (type == ICMP6_NS)
		solicited(nif, p, &target);
	else if (type == ICMP6_REDIRECT)
		redirected(nif, p, &target);
	else
		advertised(nif, p, &target, h[4]);
}
