/*
 * route.c - routes, source-address selection, and what was learned about path MTUs.
 *
 * Routes lie in one list, longest prefix first, then lowest metric: sandboxes have a handful. Addresses of
 * ours and broadcast addresses need no routes of their own: they are looked up among the interfaces, as
 * Linux's local table would be first of all rules. Sockets cache the path they found; ns->route_gen says when
 * it is stale.
 */
#include <errno.h>

#include "netstack/net/ip.h"

#define PMTU_MAX     512U
#define PMTU_LIFE_NS (600 * NSEC_PER_SEC)

struct net_pmtu {
	struct list_head node;
	struct ip_addr dst;
	u32 mtu;
	u64 expires;
};

static bool before(const struct net_route *a, const struct net_route *b)
{
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len > b->prefix_len;
	return a->metric < b->metric;
}

static bool same_route(const struct net_route *a, const struct net_route *b)
{
	return ip_eq(&a->dst, &b->dst) && a->prefix_len == b->prefix_len && a->metric == b->metric &&
	       a->table == b->table && ip_is_v4(&a->dst) == ip_is_v4(&b->dst);
}

int net_route_add(struct netstack *ns, const struct net_route *route)
{
	struct net_route *r, *pos;
	struct list_head *where = &ns->routes;

	if (route->prefix_len > (ip_is_v4(&route->dst) ? 32U : 128U))
		return -EINVAL;
	if (route->type == ROUTE_UNICAST && (!route->nif || !(route->nif->flags & NETIF_UP)))
		return route->nif ? -ENETDOWN : -ENODEV;
	list_for_each_entry (pos, &ns->routes, node) {
		if (same_route(pos, route) &&
		    (ip_is_v4(&route->dst) ||
		     (pos->nif == route->nif && ip_eq(&pos->gateway, &route->gateway))))
			return -EEXIST;
	}
	list_for_each_entry (pos, &ns->routes, node) {
		if (before(route, pos)) {
			where = &pos->node;
			break;
		}
	}
	r = net_new(ns, struct net_route);
	if (!r)
		return -ENOMEM;
	*r = *route;
	r->dst = ip_prefix_of(route->dst, route->prefix_len);
	list_add_tail(&r->node, where);
	ns->route_gen++;
	if (r->expires != TIME_NEVER)
		net_route_renew(ns, r, r->expires);
	net_notify(ns, NOTIFY_ROUTE_NEW, r);
	return 0;
}

static void route_free(struct netstack *ns, struct net_route *r)
{
	list_del_init(&r->node);
	ns->route_gen++;
	net_notify(ns, NOTIFY_ROUTE_DEL, r);
	net_free(ns, r);
}

static void expiry_at(struct netstack *ns, u64 at)
{
	if (at != TIME_NEVER && (!net_timer_armed(&ns->route_timer) || ns->route_timer.deadline > at))
		net_timer_arm(&ns->route_timer, at);
}

static void pmtu_free(struct netstack *ns, struct net_pmtu *p)
{
	list_del_init(&p->node);
	ns->pmtu_count--;
	ns->route_gen++; /* paths in use know it */
	net_free(ns, p);
}

void net_route_renew(struct netstack *ns, struct net_route *r, u64 expires)
{
	r->expires = expires;
	expiry_at(ns, expires);
}

void net_route_timer(struct net_timer *t)
{
	struct netstack *ns = t->ns;
	struct net_route *r, *next;
	struct net_pmtu *p, *next_p;
	u64 soonest = net_redirects_expire(ns);

	list_for_each_entry_safe (r, next, &ns->routes, node) {
		if (r->expires <= ns->now)
			route_free(ns, r);
		else
			soonest = min_t(u64, soonest, r->expires);
	}
	list_for_each_entry_safe (p, next_p, &ns->pmtus, node) {
		if (p->expires <= ns->now)
			pmtu_free(ns, p);
		else
			soonest = min_t(u64, soonest, p->expires);
	}
	net_timer_arm(t, soonest);
}

int net_route_del(struct netstack *ns, const struct net_route *w)
{
	struct net_route *r;

	list_for_each_entry (r, &ns->routes, node) {
		if (!ip_eq(&r->dst, &w->dst) || r->prefix_len != w->prefix_len ||
		    (w->table && r->table != w->table) || (w->metric && r->metric != w->metric) ||
		    (w->nif && r->nif != w->nif) || (w->protocol && r->protocol != w->protocol) ||
		    (!ip_is_any(&w->gateway) && !ip_eq(&r->gateway, &w->gateway)))
			continue;
		route_free(ns, r);
		return 0;
	}
	return -ESRCH;
}

void net_routes_drop(struct netstack *ns, struct netif *nif, const struct ip_addr *source)
{
	struct net_route *r, *next;

	if (!source)
		net_redirects_drop(ns, nif);
	list_for_each_entry_safe (r, next, &ns->routes, node)
		if (r->nif == nif && (!source || ip_eq(&r->source, source)))
			route_free(ns, r);
}

/* ---- source addresses ---- */

static bool usable(const struct net_ifaddr *a)
{
	return !(a->flags & (IFA_TENTATIVE | IFA_DADFAILED));
}

static u32 common_bits(const struct ip_addr *a, const struct ip_addr *b)
{
	u32 n = 0;

	while (n < 128 && !((a->b[n / 8] ^ b->b[n / 8]) >> (7 - n % 8) & 1))
		n++;
	return n;
}

/* RFC 6724 in short: the scope first, then not deprecated, then the longest common prefix. */
static s32 rating(const struct net_ifaddr *a, const struct ip_addr *dst)
{
	bool ll = ip_is_linklocal(dst) && !ip_is_v4(dst);
	s32 score = 0;

	if ((a->scope == SCOPE_LINK) == ll ||
	    (ip_is_multicast(dst) && dst->b[1] == 2 && a->scope == SCOPE_LINK))
		score += 1000;
	if (a->scope == SCOPE_HOST)
		score -= 2000;
	if (!(a->flags & IFA_DEPRECATED))
		score += 500;
	if (ip_is_v4(dst)) /* the first address of the network, as Linux's primary addresses */
		return score + (ip_prefix_eq(dst, &a->addr, a->prefix_len) ? 200 : 0);
	return score + (s32)common_bits(&a->addr, dst);
}

bool net_pick_source(struct netstack *ns, struct netif *nif, const struct ip_addr *dst, struct ip_addr *out)
{
	struct net_ifaddr *a, *best = NULL;
	struct netif *other;
	bool v4 = ip_is_v4(dst);

	list_for_each_entry (a, &nif->addrs, node)
		if (ip_is_v4(&a->addr) == v4 && usable(a) && (!best || rating(a, dst) > rating(best, dst)))
			best = a;
	if (!best) {
		list_for_each_entry (other, &ns->netifs, node) {
			if (!(other->flags & NETIF_UP))
				continue;
			list_for_each_entry (a, &other->addrs, node)
				if (ip_is_v4(&a->addr) == v4 && usable(a) && a->scope == SCOPE_UNIVERSE &&
				    !best)
					best = a;
		}
	}
	if (best)
		*out = best->addr;
	return best;
}

/* ---- lookup ---- */

static bool is_subnet_broadcast(struct netstack *ns, const struct ip_addr *dst, struct netif **nif)
{
	struct net_ifaddr *a;
	struct netif *n;

	if (!ip_is_v4(dst))
		return false;
	list_for_each_entry (n, &ns->netifs, node) {
		if (!(n->flags & NETIF_UP))
			continue;
		list_for_each_entry (a, &n->addrs, node) {
			u32 mask;
			if (!ip_is_v4(&a->addr) || a->prefix_len >= 31)
				continue;
			mask = a->prefix_len ? ~0U << (32 - a->prefix_len) : 0;
			if (ip_v4_of(dst) != ((ip_v4_of(&a->addr) & mask) | ~mask))
				continue;
			*nif = n;
			return true;
		}
	}
	return false;
}

bool net_is_broadcast(struct netstack *ns, const struct ip_addr *a)
{
	struct netif *nif;

	return ip_is_broadcast(a) || is_subnet_broadcast(ns, a, &nif);
}

static struct net_route *find_in(struct netstack *ns, u32 table, const struct ip_addr *dst, u32 oif)
{
	struct net_route *r;

	list_for_each_entry (r, &ns->routes, node) {
		if (r->table != table || !ip_prefix_eq(dst, &r->dst, r->prefix_len) || r->expires <= ns->now)
			continue;
		if (r->nif && (!(r->nif->flags & NETIF_UP) || (oif && r->nif->index != oif)))
			continue;
		return r;
	}
	return NULL;
}

static int dead_end(u8 type)
{
	return type == ROUTE_BLACKHOLE ? -EINVAL : type == ROUTE_PROHIBIT ? -EACCES : -EHOSTUNREACH;
}

/* Asks the tables that the rules name, in turn. 0 with *out NULL: none knows. */
static int find(struct netstack *ns, const struct ip_addr *dst, const struct ip_addr *src, u32 oif,
		struct net_route **out)
{
	struct net_rule *rule;

	*out = NULL;
	list_for_each_entry (rule, &ns->rules, node) {
		if (rule->table == RT_TABLE_LOCAL || !net_rule_matches(rule, dst, src, oif))
			continue;
		if (rule->action != RULE_TO_TABLE)
			return rule->action == RULE_UNREACHABLE ? -ENETUNREACH : dead_end(rule->action);
		*out = find_in(ns, rule->table, dst, oif);
		if (*out)
			return (*out)->type == ROUTE_UNICAST ? 0 : dead_end((*out)->type);
	}
	return 0;
}

static int finish(struct netstack *ns, const struct ip_addr *dst, const struct ip_addr *src,
		  struct net_path *out)
{
	bool v4 = ip_is_v4(dst), group = ip_is_multicast(dst);
	u32 link_mtu = !v4 && out->nif->mtu6 ? min_t(u32, out->nif->mtu6, out->nif->mtu) : out->nif->mtu;

	out->gen = ns->route_gen;
	out->mtu = out->type == ROUTE_UNICAST && !group ? net_pmtu_get(ns, dst, link_mtu) : link_mtu;
	if (v4 && ip_is_loopback(src) && !(out->nif->flags & NETIF_LOOPBACK))
		return -EINVAL; /* as Linux: loopback's addresses do not leave the machine */
	if (!ip_is_any(src)) {
		out->src = *src;
		return 0;
	}
	if (!ip_is_any(&out->src))
		return 0;
	if (out->type == ROUTE_LOCAL) {
		/* all of 127/8 is reached from the address of loopback */
		const struct net_ifaddr *a = net_local_addr(ns, dst);
		out->src = a && ip_is_v4(&a->addr) == v4 ? a->addr : *dst;
		return 0;
	}
	/* IPv4 looks for an address of the next hop's network, IPv6 for one like the destination */
	if (net_pick_source(ns, out->nif, v4 ? &out->next_hop : dst, &out->src))
		return 0;
	/* who has no address yet may still speak to all (DHCP) */
	if (v4 && (group || out->type == ROUTE_BROADCAST))
		return 0;
	return v4 ? -ENETUNREACH : -EADDRNOTAVAIL;
}

/* Destinations that need no route: ourselves, broadcasts, and what is only meant for one link. 1: not such a
 * one. */
static int special(struct netstack *ns, const struct ip_addr *dst, const struct ip_addr *src,
		   struct netif *nif, struct net_path *out)
{
	struct net_route *r;
	int err;

	if (ip_is_broadcast(dst) || is_subnet_broadcast(ns, dst, &nif)) {
		out->type = ROUTE_BROADCAST;
		if (!nif) {
			err = find(ns, dst, src, 0, &r);
			if (err || !r)
				return err ? err : -ENETUNREACH;
			nif = r->nif;
		}
		out->nif = nif;
		return finish(ns, dst, src, out);
	}
	if (net_local_addr(ns, dst) && ns->lo && (ns->lo->flags & NETIF_UP)) {
		out->nif = ns->lo;
		out->type = ROUTE_LOCAL;
		return finish(ns, dst, src, out);
	}
	if (ip_is_loopback(dst))
		return -ENETUNREACH;
	if (nif && (ip_is_multicast(dst) || (ip_is_linklocal(dst) && !ip_is_v4(dst)))) {
		if (!(nif->flags & NETIF_UP))
			return -ENETDOWN;
		out->nif = nif;
		return finish(ns, dst, src, out);
	}
	return 1;
}

/* No route: a group goes by the first interface that can, anything by the interface that is insisted on. */
static struct netif *without_route(struct netstack *ns, const struct ip_addr *dst, struct netif *nif)
{
	struct netif *n;

	if (nif)
		return nif->flags & NETIF_UP ? nif : NULL;
	if (!ip_is_multicast(dst) || ip_is_v4(dst))
		return NULL;
	list_for_each_entry (n, &ns->netifs, node) {
		if (n->ethernet && (n->flags & NETIF_UP))
			return n;
	}
	return NULL;
}

int net_route_lookup(struct netstack *ns, const struct ip_addr *want, const struct ip_addr *src, u32 oif,
		     struct net_path *out)
{
	struct ip_addr dst = *want;
	struct netif *nif = oif ? netif_by_index(ns, oif) : NULL;
	struct net_route *r;
	int err;

	*out = (struct net_path){
	    .next_hop = dst, .type = ROUTE_UNICAST, .src = ip_is_v4(&dst) ? IP4_ANY : IP6_ANY};
	if (oif && !nif)
		return -ENODEV;
	err = special(ns, &dst, src, nif, out);
	if (err != 1)
		return err;
	err = find(ns, &dst, src, oif, &r);
	if (err)
		return err;
	if (!r) {
		out->nif = without_route(ns, &dst, nif);
		return out->nif ? finish(ns, &dst, src, out) : -ENETUNREACH;
	}
	out->nif = r->nif;
	if (!ip_is_any(&r->gateway) && !ip_is_multicast(&dst)) {
		out->next_hop = r->gateway;
		if (!list_empty(&ns->redirects))
			net_redirect_apply(ns, &dst, out);
	}
	if (!ip_is_any(&r->source))
		out->src = r->source;
	return finish(ns, &dst, src, out);
}

/* ---- path MTU ---- */

static struct net_pmtu *pmtu_find(struct netstack *ns, const struct ip_addr *dst)
{
	struct net_pmtu *p;

	list_for_each_entry (p, &ns->pmtus, node)
		if (ip_eq(&p->dst, dst))
			return p;
	return NULL;
}

void net_pmtu_learn(struct netstack *ns, const struct ip_addr *dst, u32 mtu)
{
	struct net_pmtu *p = pmtu_find(ns, dst);
	u32 least = ip_is_v4(dst) ? 552 : IPV6_MIN_MTU; /* as Linux: below it, an attack or a mistake */

	if (!p && ns->pmtu_count < PMTU_MAX) {
		p = net_new(ns, struct net_pmtu);
		if (!p)
			return;
		ns->pmtu_count++;
		list_add(&p->node, &ns->pmtus);
		p->dst = *dst;
		p->mtu = UINT32_MAX;
	} else if (!p) {
		p = list_last_entry(&ns->pmtus, struct net_pmtu, node);
		list_del_init(&p->node);
		list_add(&p->node, &ns->pmtus);
		p->dst = *dst;
		p->mtu = UINT32_MAX;
	}
	if (p->expires <= ns->now)
		p->mtu = UINT32_MAX;
	p->mtu = min_t(u32, p->mtu, max_t(u32, mtu, least));
	p->expires = ns->now + PMTU_LIFE_NS;
	expiry_at(ns, p->expires);
	ns->route_gen++;
}

u32 net_pmtu_get(struct netstack *ns, const struct ip_addr *dst, u32 link_mtu)
{
	struct net_pmtu *p = pmtu_find(ns, dst);

	return p && p->expires > ns->now ? min_t(u32, p->mtu, link_mtu) : link_mtu;
}

void net_pmtu_free(struct netstack *ns)
{
	while (!list_empty(&ns->pmtus))
		pmtu_free(ns, list_first_entry(&ns->pmtus, struct net_pmtu, node));
}
