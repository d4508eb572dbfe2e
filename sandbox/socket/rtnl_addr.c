/*
 * rtnl_addr.c - RTM_*ADDR: addresses of interfaces.
 */
#include <errno.h>
#include <stdio.h>

#include "netstack/net/ip.h"
#include "sandbox/abi/inet.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/netlink.h"

static void put_ip(struct nl_buf *b, u16 type, const struct ip_addr *a)
{
	bool v4 = ip_is_v4(a);

	nl_put(b, type, v4 ? a->b + 12 : a->b, v4 ? 4 : 16);
}

static u32 life(u64 until, u64 now)
{
	return until == TIME_NEVER ? UINT32_MAX
	       : until <= now      ? 0
				   : (u32)min_t(u64, (until - now) / NSEC_PER_SEC, UINT32_MAX - 1);
}

void rtnl_put_addr(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, const struct net_ifaddr *a)
{
	struct linux_ifaddrmsg *h = nl_begin(b, type, flags, seq, pid, sizeof(*h));
	u64 now = a->nif->ns->now;
	struct linux_ifa_cacheinfo life_of = {life(a->preferred_until, now), life(a->valid_until, now),
					      (u32)(a->created / 10000000), (u32)(a->created / 10000000)};
	bool v4 = ip_is_v4(&a->addr);
	struct ip_addr broadcast = a->addr;
	u32 ifa_flags = (a->flags & ~(u32)(a->nif->flags & NETIF_LOOPBACK ? IFA_NODAD : 0)) |
			(v4 || a->valid_until == TIME_NEVER ? (u32)IFA_PERMANENT : 0);

	h->family = v4 ? LINUX_AF_INET : LINUX_AF_INET6;
	h->prefixlen = (u8)a->prefix_len;
	h->flags = (u8)ifa_flags;
	h->scope = a->scope;
	h->index = a->nif->index;
	put_ip(b, LINUX_IFA_ADDRESS, &a->addr);
	if (v4) {
		put_ip(b, LINUX_IFA_LOCAL, &a->addr);
		if ((a->nif->flags & NETIF_BROADCAST) && a->prefix_len < 31) {
			put_be32(broadcast.b + 12,
				 ip_v4_of(&a->addr) | (a->prefix_len ? ~(~0U << (32 - a->prefix_len)) : ~0U));
			put_ip(b, LINUX_IFA_BROADCAST, &broadcast);
		}
		nl_put_str(b, LINUX_IFA_LABEL, a->nif->name);
	}
	nl_put_u32(b, LINUX_IFA_FLAGS, ifa_flags);
	nl_put(b, LINUX_IFA_CACHEINFO, &life_of, sizeof(life_of));
	nl_end(b);
}

static int dump(struct nl_request *r, const struct linux_ifaddrmsg *h)
{
	struct netstack *ns = net_ns_stack(r->from->net);

	/* as Linux: of each family in turn, so that a reader sees them sorted */
	for (u32 family = LINUX_AF_INET;; family = LINUX_AF_INET6) {
		for (struct netif *nif = netif_next(ns, NULL); nif; nif = netif_next(ns, nif)) {
			struct net_ifaddr *a;
			list_for_each_entry (a, &nif->addrs, node) {
				if (ip_is_v4(&a->addr) != (family == LINUX_AF_INET) ||
				    (h->family && h->family != family) ||
				    (r->from->strict && h->index && h->index != nif->index))
					continue;
				rtnl_put_addr(r->out, LINUX_RTM_NEWADDR, LINUX_NLM_F_MULTI, r->h.seq,
					      r->from->portid, a);
			}
		}
		if (family == LINUX_AF_INET6)
			return 0;
	}
}

static bool addr_attr(const struct nl_request *r, const struct linux_ifaddrmsg *h, u16 type,
		      struct ip_addr *out)
{
	u8 v4[4];

	if (h->family == LINUX_AF_INET6)
		return nl_attr_copy(r, sizeof(*h), type, out->b, sizeof(out->b));
	if (!nl_attr_copy(r, sizeof(*h), type, v4, sizeof(v4)))
		return false;
	*out = ip_v4(get_be32(v4));
	return true;
}

static int add(struct netif *nif, const struct nl_request *r, const struct linux_ifaddrmsg *h,
	       struct ip_addr addr)
{
	struct net_ifaddr *old = netif_find_addr(nif, &addr);
	u32 flags = h->flags;

	nl_attr_copy(r, sizeof(*h), LINUX_IFA_FLAGS, &flags, sizeof(flags));
	if (old && (r->h.flags & LINUX_NLM_F_REPLACE) && !(r->h.flags & LINUX_NLM_F_EXCL))
		return 0;
	return netif_addr_add(nif, addr, h->prefixlen, (flags & IFA_NODAD) | IFA_PERMANENT);
}

int rtnl_addr(struct nl_request *r)
{
	struct linux_ifaddrmsg h;
	struct ip_addr addr;
	struct netif *nif;

	if (!nl_header(r, &h, sizeof(h), r->dump ? 1 : sizeof(h)))
		return -EINVAL;
	if (r->h.type == LINUX_RTM_GETADDR && r->dump)
		return dump(r, &h);
	if (h.family != LINUX_AF_INET && h.family != LINUX_AF_INET6)
		return -EAFNOSUPPORT;
	if (h.prefixlen > (h.family == LINUX_AF_INET ? 32 : 128))
		return -EINVAL;
	nif = netif_by_index(net_ns_stack(r->from->net), h.index);
	if (!addr_attr(r, &h, LINUX_IFA_LOCAL, &addr) && !addr_attr(r, &h, LINUX_IFA_ADDRESS, &addr))
		return r->h.type == LINUX_RTM_DELADDR ? -EADDRNOTAVAIL : -EINVAL;
	if (!nif)
		return -ENODEV;
	if (r->h.type == LINUX_RTM_NEWADDR)
		return add(nif, r, &h, addr);
	if (r->h.type == LINUX_RTM_DELADDR)
		return netif_addr_del(nif, addr, h.prefixlen);
	if (!netif_find_addr(nif, &addr))
		return -EADDRNOTAVAIL;
	rtnl_put_addr(r->out, LINUX_RTM_NEWADDR, 0, r->h.seq, r->from->portid, netif_find_addr(nif, &addr));
	return 0;
}
