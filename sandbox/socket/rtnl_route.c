/*
 * rtnl_route.c - RTM_*ROUTE. The stack keeps all tables but the local one; what Linux has there are here the
 * addresses of the interfaces, shown as routes.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "sandbox/abi/inet.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/netlink.h"

static u32 bits_of(const struct ip_addr *a)
{
	return ip_is_v4(a) ? 32 : 128;
}

static void put_ip(struct nl_buf *b, u16 type, const struct ip_addr *a)
{
	bool v4 = ip_is_v4(a);

	nl_put(b, type, v4 ? a->b + 12 : a->b, v4 ? 4 : 16);
}

void rtnl_put_route(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, const struct net_route *r)
{
	struct linux_rtmsg *h = nl_begin(b, type, flags, seq, pid, sizeof(*h));
	bool v4 = ip_is_v4(&r->dst);

	h->family = v4 ? LINUX_AF_INET : LINUX_AF_INET6;
	h->dst_len = (u8)r->prefix_len;
	h->table = (u8)r->table;
	h->protocol = r->protocol;
	h->scope = r->scope;
	h->type = r->type;
	nl_put_u32(b, LINUX_RTA_TABLE, r->table);
	if (r->prefix_len)
		put_ip(b, LINUX_RTA_DST, &r->dst);
	if (r->metric || !v4)
		nl_put_u32(b, LINUX_RTA_PRIORITY, r->metric);
	if (!ip_is_any(&r->source))
		put_ip(b, LINUX_RTA_PREFSRC, &r->source);
	if (!ip_is_any(&r->gateway))
		put_ip(b, LINUX_RTA_GATEWAY, &r->gateway);
	if (r->nif)
		nl_put_u32(b, LINUX_RTA_OIF, r->nif->index);
	if (!v4)
		nl_put_u8(b, LINUX_RTA_PREF, 0);
	nl_end(b);
}

/* ---- dump ---- */

static void dump_one(struct nl_request *r, const struct net_route *route)
{
	rtnl_put_route(r->out, LINUX_RTM_NEWROUTE, LINUX_NLM_F_MULTI, r->h.seq, r->from->portid, route);
}

static void dump_local4(struct nl_request *r, const struct net_ifaddr *a)
{
	u32 host = ip_v4_of(&a->addr), mask = a->prefix_len ? ~0U << (32 - a->prefix_len) : 0;
	struct net_route l = {.dst = a->addr,
			      .gateway = IP4_ANY,
			      .source = a->addr,
			      .prefix_len = 32,
			      .table = RT_TABLE_LOCAL,
			      .type = ROUTE_LOCAL,
			      .protocol = RTPROTO_KERNEL,
			      .scope = SCOPE_HOST,
			      .nif = a->nif};

	if (a->nif->flags & NETIF_LOOPBACK) {
		struct net_route all = l;
		all.dst = ip_prefix_of(a->addr, a->prefix_len);
		all.prefix_len = a->prefix_len;
		if (a->prefix_len < 32)
			dump_one(r, &all);
	}
	dump_one(r, &l);
	if (a->prefix_len < 31) {
		l.dst = ip_v4((host & mask) | ~mask);
		l.type = ROUTE_BROADCAST;
		l.scope = SCOPE_LINK;
		dump_one(r, &l);
	}
}

static void dump_local6(struct nl_request *r, const struct net_ifaddr *a)
{
	struct net_route l = {.dst = a->addr,
			      .gateway = IP6_ANY,
			      .source = IP6_ANY,
			      .prefix_len = 128,
			      .table = RT_TABLE_LOCAL,
			      .type = ROUTE_LOCAL,
			      .protocol = RTPROTO_KERNEL,
			      .nif = a->nif};

	dump_one(r, &l);
}

static void dump_local(struct nl_request *r, bool v4)
{
	struct netstack *ns = net_ns_stack(r->from->net);

	for (struct netif *nif = netif_next(ns, NULL); nif; nif = netif_next(ns, nif)) {
		struct net_ifaddr *a;
		if (!(nif->flags & NETIF_UP))
			continue;
		list_for_each_entry (a, &nif->addrs, node) {
			if (ip_is_v4(&a->addr) != v4)
				continue;
			if (v4)
				dump_local4(r, a);
			else
				dump_local6(r, a);
		}
	}
}

static int dump(struct nl_request *r, const struct linux_rtmsg *h)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	u32 table = h->table;
	struct net_route *route;

	if (h->flags & LINUX_RTM_F_CLONED)
		return 0; /* there is no cache to be shown */
	nl_attr_copy(r, sizeof(*h), LINUX_RTA_TABLE, &table, sizeof(table));
	if (!r->from->strict)
		table = 0;
	for (u32 v4 = 1;; v4 = 0) {
		u32 family = v4 ? LINUX_AF_INET : LINUX_AF_INET6;
		if (!h->family || h->family == family) {
			list_for_each_entry (route, &ns->routes, node)
				if (ip_is_v4(&route->dst) == !!v4 && (!table || table == route->table))
					dump_one(r, route);
			if (!table || table == RT_TABLE_LOCAL)
				dump_local(r, v4);
		}
		if (!v4)
			return 0;
	}
}

/* ---- get, add, delete ---- */

static bool ip_attr(const struct nl_request *r, const struct linux_rtmsg *h, u16 type, struct ip_addr *out)
{
	u8 v4[4];

	if (h->family == LINUX_AF_INET6)
		return nl_attr_copy(r, sizeof(*h), type, out->b, sizeof(out->b));
	if (!nl_attr_copy(r, sizeof(*h), type, v4, sizeof(v4)))
		return false;
	*out = ip_v4(get_be32(v4));
	return true;
}

static struct ip_addr any_of(const struct linux_rtmsg *h)
{
	return h->family == LINUX_AF_INET6 ? IP6_ANY : IP4_ANY;
}

/* The last message tells a way that was found, not a route as it was made. */
static void mark_cloned(struct nl_buf *b)
{
	u32 flags = LINUX_RTM_F_CLONED;

	if (!b->failed)
		memcpy(b->data + b->message + sizeof(struct linux_nlmsghdr) +
			   offsetof(struct linux_rtmsg, flags),
		       &flags, sizeof(flags));
}

/* What `ip route get` asks: the way to one address. */
static int get(struct nl_request *r, const struct linux_rtmsg *h)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	struct net_route found = {.table = RT_TABLE_MAIN, .expires = TIME_NEVER};
	struct ip_addr dst = any_of(h), src = any_of(h);
	struct net_path path;
	u32 oif = 0;
	int err;

	ip_attr(r, h, LINUX_RTA_DST, &dst);
	ip_attr(r, h, LINUX_RTA_SRC, &src);
	nl_attr_copy(r, sizeof(*h), LINUX_RTA_OIF, &oif, sizeof(oif));
	if (ip_is_any(&dst))
		return h->family == LINUX_AF_INET6 ? -ENETUNREACH : -EINVAL;
	net_tick(ns);
	err = net_route_lookup(ns, &dst, &src, oif, &path);
	if (err)
		return err;
	found.dst = dst;
	found.prefix_len = bits_of(&dst);
	found.gateway = ip_eq(&path.next_hop, &dst) ? any_of(h) : path.next_hop;
	found.source = path.src;
	found.type = path.type;
	found.table = path.type == ROUTE_LOCAL ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	found.nif = path.nif;
	rtnl_put_route(r->out, LINUX_RTM_NEWROUTE, 0, r->h.seq, r->from->portid, &found);
	mark_cloned(r->out);
	return 0;
}

static int parse(const struct nl_request *r, const struct linux_rtmsg *h, struct net_route *out)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	struct net_path path;
	u32 oif = 0, size;

	*out = (struct net_route){.dst = any_of(h),
				  .gateway = any_of(h),
				  .source = any_of(h),
				  .prefix_len = h->dst_len,
				  .table = h->table,
				  .type = h->type,
				  .protocol = h->protocol,
				  .scope = h->scope,
				  .expires = TIME_NEVER};
	if (h->dst_len > bits_of(&out->dst))
		return -EINVAL;
	if (nl_attr(r, sizeof(*h), LINUX_RTA_MULTIPATH, &size) ||
	    nl_attr(r, sizeof(*h), LINUX_RTA_VIA, &size))
		return -EOPNOTSUPP;
	nl_attr_copy(r, sizeof(*h), LINUX_RTA_TABLE, &out->table, sizeof(out->table));
	if (!out->table)
		out->table = RT_TABLE_MAIN;
	if (h->dst_len && !ip_attr(r, h, LINUX_RTA_DST, &out->dst))
		return -EINVAL;
	ip_attr(r, h, LINUX_RTA_GATEWAY, &out->gateway);
	ip_attr(r, h, LINUX_RTA_PREFSRC, &out->source);
	nl_attr_copy(r, sizeof(*h), LINUX_RTA_PRIORITY, &out->metric, sizeof(out->metric));
	if (nl_attr_copy(r, sizeof(*h), LINUX_RTA_OIF, &oif, sizeof(oif))) {
		out->nif = netif_by_index(ns, oif);
		if (!out->nif)
			return -ENODEV;
	}
	/* a gateway without a device: the one that it is on */
	if (!out->nif && !ip_is_any(&out->gateway)) {
		struct ip_addr any = any_of(h);
		net_tick(ns);
		if (net_route_lookup(ns, &out->gateway, &any, 0, &path) || path.type != ROUTE_UNICAST ||
		    !ip_eq(&path.next_hop, &out->gateway))
			return -ENETUNREACH;
		out->nif = path.nif;
	}
	return 0;
}

static int add(const struct nl_request *r, struct net_route *route)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	struct ip_addr prefix = ip_prefix_of(route->dst, route->prefix_len);
	int err;

	if (!ip_eq(&prefix, &route->dst)) /* bits beyond the prefix */
		return -EINVAL;
	if (route->table == RT_TABLE_LOCAL)
		return -EOPNOTSUPP; /* made of the interfaces' addresses */
	if (!ip_is_any(&route->source) && !net_local_addr(ns, &route->source))
		return -EINVAL;
	if (!ip_is_v4(&route->dst) && !route->metric)
		route->metric = 1024;
	if (!(r->h.flags & LINUX_NLM_F_CREATE) && !(r->h.flags & LINUX_NLM_F_REPLACE))
		return -ENOENT;
	err = net_route_add(ns, route);
	if (err == -EEXIST && (r->h.flags & LINUX_NLM_F_REPLACE)) {
		struct net_route old = {.dst = route->dst,
					.gateway = ip_is_v4(&route->dst) ? IP4_ANY : IP6_ANY,
					.prefix_len = route->prefix_len,
					.metric = route->metric,
					.table = route->table};
		err = net_route_del(ns, &old);
		if (!err)
			err = net_route_add(ns, route);
	}
	return err;
}

int rtnl_route(struct nl_request *r)
{
	struct net_route route;
	struct linux_rtmsg h;
	int err;

	if (!nl_header(r, &h, sizeof(h), r->dump ? 1 : sizeof(h)))
		return -EINVAL;
	if (r->h.type == LINUX_RTM_GETROUTE && r->dump)
		return dump(r, &h);
	if (h.family != LINUX_AF_INET && h.family != LINUX_AF_INET6)
		return -EAFNOSUPPORT;
	if (r->h.type == LINUX_RTM_GETROUTE)
		return get(r, &h);
	err = parse(r, &h, &route);
	if (err)
		return err;
	if (r->h.type == LINUX_RTM_NEWROUTE)
		return add(r, &route);
	route.source = any_of(&h);
	return net_route_del(net_ns_stack(r->from->net), &route);
}
