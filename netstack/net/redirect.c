/*
 * redirect.c - "there is a better way" (RFC 792, 1122 3.2.2.2, 4861 8.3), obeyed as a host on Linux does.
 *
 * What was learned is kept per destination for five minutes, at most 64 of them, and used only as long as the
 * route still says what it said then. Believed is only the router that the destination goes by at present,
 * and only about somebody who is on the same link.
 */
#include "netstack/net/ip.h"

#define REDIRECTS_MAX 64U
#define REDIRECT_LIFE (300 * NSEC_PER_SEC)

struct net_redirect {
	struct list_head node;
	struct netif *nif;
	struct ip_addr dst, from, to;
	u64 expires;
};

static void redirect_free(struct netstack *ns, struct net_redirect *r)
{
	list_del_init(&r->node);
	ns->redirect_count--;
	net_free(ns, r);
}

static struct net_redirect *find(struct netstack *ns, const struct ip_addr *dst)
{
	struct net_redirect *r;

	list_for_each_entry (r, &ns->redirects, node)
		if (ip_eq(&r->dst, dst))
			return r;
	return NULL;
}

/* Would it be reached on this interface without a router? */
static bool on_link(struct netif *nif, const struct ip_addr *a)
{
	struct net_path path;

	if (!ip_is_v4(a) && ip_is_linklocal(a))
		return true;
	return !net_route_lookup(nif->ns, a, ip_is_v4(a) ? &IP4_ANY : &IP6_ANY, 0, &path) &&
	       path.nif == nif && path.type == ROUTE_UNICAST && ip_eq(&path.next_hop, a);
}

bool net_redirect_learn(struct netif *nif, const struct ip_addr *dst, const struct ip_addr *from,
			const struct ip_addr *to)
{
	struct netstack *ns = nif->ns;
	struct net_redirect *r;
	struct net_path path;
	bool direct = ip_eq(to, dst); /* IPv6: the destination itself is on the link */

	if (!ip_is_unicast(dst) || !ip_is_unicast(to) || ip_eq(from, to) || net_local_addr(ns, to) ||
	    net_is_broadcast(ns, to) || ip_is_v4(to) != ip_is_v4(dst))
		return false;
	if (ip_is_v4(dst) ? !on_link(nif, to) : !direct && !ip_is_linklocal(to))
		return false;
	if (net_route_lookup(ns, dst, ip_is_v4(dst) ? &IP4_ANY : &IP6_ANY, 0, &path) || path.nif != nif ||
	    path.type != ROUTE_UNICAST || !ip_eq(&path.next_hop, from))
		return false;
	r = find(ns, dst);
	if (r || ns->redirect_count >= REDIRECTS_MAX) /* the oldest makes room */
		redirect_free(ns, r ? r : list_last_entry(&ns->redirects, struct net_redirect, node));
	/* by the route itself, not by what an earlier redirect had said */
	if (net_route_lookup(ns, dst, ip_is_v4(dst) ? &IP4_ANY : &IP6_ANY, 0, &path))
		return false;
	r = net_new(ns, struct net_redirect);
	if (!r)
		return false;
	*r = (struct net_redirect){
	    .nif = nif, .dst = *dst, .from = path.next_hop, .to = *to, .expires = ns->now + REDIRECT_LIFE};
	list_add(&r->node, &ns->redirects);
	ns->redirect_count++;
	ns->route_gen++;
	if (ns->route_timer.deadline > r->expires)
		net_timer_arm(&ns->route_timer, r->expires);
	return true;
}

void net_redirect_apply(struct netstack *ns, const struct ip_addr *dst, struct net_path *path)
{
	struct net_redirect *r = find(ns, dst);

	if (!r || r->nif != path->nif || !ip_eq(&r->from, &path->next_hop))
		return;
	path->next_hop = r->to;
}

u64 net_redirects_expire(struct netstack *ns)
{
	struct net_redirect *r, *next;
	u64 soonest = TIME_NEVER;

	list_for_each_entry_safe (r, next, &ns->redirects, node) {
		if (r->expires <= ns->now) {
			redirect_free(ns, r);
			ns->route_gen++; /* paths in use know it */
		} else {
			soonest = min_t(u64, soonest, r->expires);
		}
	}
	return soonest;
}

void net_redirects_drop(struct netstack *ns, const struct netif *nif)
{
	struct net_redirect *r, *next;

	list_for_each_entry_safe (r, next, &ns->redirects, node)
		if (!nif || r->nif == nif)
			redirect_free(ns, r);
}
