/*
 * rtnl.c - rtnetlink(7): which request goes where, neighbours, and the notifications of changes.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "sandbox/abi/inet.h"
#include "sandbox/abi/sched.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/netlink.h"

/* ---- neighbours ---- */

static void put_neigh(struct nl_request *r, u16 flags, const struct net_neigh *n)
{
	struct linux_ndmsg *h =
	    nl_begin(r->out, LINUX_RTM_NEWNEIGH, flags, r->h.seq, r->from->portid, sizeof(*h));
	struct netstack *ns = n->nif->ns;
	bool v4 = ip_is_v4(&n->addr);
	u64 hz = 10000000; /* clock_t of 100 a second */
	u32 info[4] = {(u32)((ns->now - min_t(u64, n->confirmed, ns->now)) / hz),
		       (u32)((ns->now - min_t(u64, n->used, ns->now)) / hz),
		       (u32)((ns->now - min_t(u64, n->updated, ns->now)) / hz), 1};

	h->family = v4 ? LINUX_AF_INET : LINUX_AF_INET6;
	h->ifindex = (s32)n->nif->index;
	h->state = n->state;
	h->flags = n->router ? LINUX_NTF_ROUTER : 0;
	h->type = ROUTE_UNICAST;
	nl_put(r->out, LINUX_NDA_DST, v4 ? n->addr.b + 12 : n->addr.b, v4 ? 4 : 16);
	if (n->state & ~(NUD_INCOMPLETE | NUD_FAILED))
		nl_put(r->out, LINUX_NDA_LLADDR, n->mac, sizeof(n->mac));
	nl_put_u32(r->out, LINUX_NDA_PROBES, n->probes);
	nl_put(r->out, LINUX_NDA_CACHEINFO, info, sizeof(info));
	nl_end(r->out);
}

static int dump_neighs(struct nl_request *r, const struct linux_ndmsg *h)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	struct net_neigh *n;

	net_tick(ns);
	list_for_each_entry (n, &ns->neighs, node)
		if (!h->family || (h->family == LINUX_AF_INET) == ip_is_v4(&n->addr))
			put_neigh(r, LINUX_NLM_F_MULTI, n);
	return 0;
}

int rtnl_neigh(struct nl_request *r)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	struct linux_ndmsg h;
	struct ip_addr addr;
	struct net_neigh *n;
	struct netif *nif;
	u8 v4[4], mac[6];

	if (!nl_header(r, &h, sizeof(h), r->dump ? 1 : sizeof(h)))
		return -EINVAL;
	if (r->dump)
		return dump_neighs(r, &h);
	if (h.family == LINUX_AF_INET6) {
		if (!nl_attr_copy(r, sizeof(h), LINUX_NDA_DST, addr.b, sizeof(addr.b)))
			return -EINVAL;
	} else {
		if (h.family != LINUX_AF_INET)
			return -EAFNOSUPPORT;
		if (!nl_attr_copy(r, sizeof(h), LINUX_NDA_DST, v4, sizeof(v4)))
			return -EINVAL;
		addr = ip_v4(get_be32(v4));
	}
	nif = netif_by_index(ns, (u32)h.ifindex);
	if (!nif)
		return h.ifindex ? -ENODEV : -EINVAL;
	net_tick(ns);
	n = neigh_find(nif, &addr);
	switch (r->h.type) {
	case LINUX_RTM_GETNEIGH:
		if (!n)
			return -ENOENT;
		put_neigh(r, 0, n);
		return 0;
	case LINUX_RTM_DELNEIGH:
		return n ? neigh_del(nif, &addr) : -ENOENT;
	default:
		if (n && (r->h.flags & LINUX_NLM_F_EXCL))
			return -EEXIST;
		if (!n && !(r->h.flags & LINUX_NLM_F_CREATE))
			return -ENOENT;
		if (!nl_attr_copy(r, sizeof(h), LINUX_NDA_LLADDR, mac, sizeof(mac)))
			return -EINVAL;
		return neigh_set(nif, &addr, mac, h.state ? (u8)h.state : NUD_PERMANENT);
	}
}

/* ---- dispatch ---- */

int rtnl_request(struct nl_request *r)
{
	u16 type = r->h.type;
	bool get = (type & 3) == 2;

	if (type > LINUX_RTM_MAX)
		return -EOPNOTSUPP;
	if (!r->size) /* not even a family */
		return 0;
	if (!get && !net_ns_capable(r->from->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	r->dump = get && (r->h.flags & LINUX_NLM_F_DUMP);
	switch (type) {
	case LINUX_RTM_NEWLINK:
	case LINUX_RTM_DELLINK:
	case LINUX_RTM_GETLINK:
	case LINUX_RTM_SETLINK:
		return rtnl_link(r);
	case LINUX_RTM_NEWADDR:
	case LINUX_RTM_DELADDR:
	case LINUX_RTM_GETADDR:
		return rtnl_addr(r);
	case LINUX_RTM_NEWROUTE:
	case LINUX_RTM_DELROUTE:
	case LINUX_RTM_GETROUTE:
		return rtnl_route(r);
	case LINUX_RTM_NEWNEIGH:
	case LINUX_RTM_DELNEIGH:
	case LINUX_RTM_GETNEIGH:
		return rtnl_neigh(r);
	case LINUX_RTM_NEWRULE:
	case LINUX_RTM_DELRULE:
	case LINUX_RTM_GETRULE:
		return rtnl_rule(r);
	case LINUX_RTM_GETADDRLABEL:
		return r->dump ? 0 : -EOPNOTSUPP; /* there are none of our own */
	default:
		return -EOPNOTSUPP;
	}
}

/* ---- notifications ---- */

static void tell(void *ctx, int what, const void *object)
{
	struct net_state *st = ctx;
	struct nl_buf b = {0};
	const struct net_ifaddr *a = object;
	const struct net_route *route = object;
	const struct net_rule *rule = object;
	u32 group;

	if (list_empty(&st->netlink_socks))
		return;
	switch (what) {
	case NOTIFY_LINK:
	case NOTIFY_LINK_DEL:
		rtnl_put_link(&b, what == NOTIFY_LINK ? LINUX_RTM_NEWLINK : LINUX_RTM_DELLINK, 0, 0, 0,
			      object);
		group = LINUX_RTNLGRP_LINK;
		break;
	case NOTIFY_ADDR_NEW:
	case NOTIFY_ADDR_DEL:
		rtnl_put_addr(&b, what == NOTIFY_ADDR_NEW ? LINUX_RTM_NEWADDR : LINUX_RTM_DELADDR, 0, 0, 0,
			      a);
		group = ip_is_v4(&a->addr) ? LINUX_RTNLGRP_IPV4_IFADDR : LINUX_RTNLGRP_IPV6_IFADDR;
		break;
	case NOTIFY_RULE_NEW:
	case NOTIFY_RULE_DEL:
		rtnl_put_rule(&b, what == NOTIFY_RULE_NEW ? LINUX_RTM_NEWRULE : LINUX_RTM_DELRULE, 0, 0, 0,
			      st->stack, rule);
		group = rule->v6 ? LINUX_RTNLGRP_IPV6_RULE : LINUX_RTNLGRP_IPV4_RULE;
		break;
	case NOTIFY_ROUTE_NEW:
	case NOTIFY_ROUTE_DEL:
		rtnl_put_route(&b, what == NOTIFY_ROUTE_NEW ? LINUX_RTM_NEWROUTE : LINUX_RTM_DELROUTE, 0, 0,
			       0, route);
		group = ip_is_v4(&route->dst) ? LINUX_RTNLGRP_IPV4_ROUTE : LINUX_RTNLGRP_IPV6_ROUTE;
		break;
	default:
		return;
	}
	netlink_notify(st, group, &b);
	nl_free(&b);
}

void rtnl_listen(struct net_state *st)
{
	st->stack->notify = tell;
	st->stack->notify_ctx = st;
}
