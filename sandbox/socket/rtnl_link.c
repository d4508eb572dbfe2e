/*
 * rtnl_link.c - RTM_*LINK: interfaces. Of the kinds that can be made, there is "dummy", which takes
 * everything and hands nothing on.
 */
#include <errno.h>
#include <stdio.h>

#include "netstack/stack/stack_priv.h"
#include "sandbox/abi/inet.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/netlink.h"

#define OPER_UNKNOWN 0U
#define OPER_DOWN    2U
#define OPER_UP      6U

struct link_stats64 {
	u64 v[25]; /* struct rtnl_link_stats64 */
};
struct link_stats {
	u32 v[24];
};

static int dummy_send(struct netif *nif, struct pkt *p)
{
	pkt_free(p);
	return 0;
}

static const struct netif_ops dummy_ops = {.send = dummy_send};

static void put_stats(struct nl_buf *b, const struct netif_stats *s)
{
	struct link_stats64 big = {{s->rx_packets, s->tx_packets, s->rx_bytes, s->tx_bytes, s->rx_errors,
				    s->tx_errors, s->rx_dropped, s->tx_dropped, s->multicast}};
	struct link_stats small;

	for (u32 i = 0; i < ARRAY_COUNT(small.v); i++)
		small.v[i] = (u32)big.v[i];
	nl_put(b, LINUX_IFLA_STATS64, &big, sizeof(big));
	nl_put(b, LINUX_IFLA_STATS, &small, sizeof(small));
}

void rtnl_put_link(struct nl_buf *b, u16 type, u16 flags, u32 seq, u32 pid, const struct netif *nif)
{
	struct linux_ifinfomsg *h = nl_begin(b, type, flags, seq, pid, sizeof(*h));
	static const u8 everybody[6] = {255, 255, 255, 255, 255, 255}, nobody[6];
	bool lo = nif->flags & NETIF_LOOPBACK, up = nif->flags & NETIF_UP;
	u32 nest;

	h->type = nif->ethernet ? LINUX_ARPHRD_ETHER : LINUX_ARPHRD_LOOPBACK;
	h->index = (s32)nif->index;
	h->flags = nif->flags;
	nl_put_str(b, LINUX_IFLA_IFNAME, nif->name);
	nl_put_u32(b, LINUX_IFLA_TXQLEN, 1000);
	nl_put_u8(b, LINUX_IFLA_OPERSTATE, !up ? OPER_DOWN : lo ? OPER_UNKNOWN : OPER_UP);
	nl_put_u8(b, LINUX_IFLA_LINKMODE, 0);
	nl_put_u32(b, LINUX_IFLA_MTU, nif->mtu);
	nl_put_u32(b, LINUX_IFLA_MIN_MTU, lo ? 0 : 68);
	nl_put_u32(b, LINUX_IFLA_MAX_MTU, lo ? 0 : 65535);
	nl_put_u32(b, LINUX_IFLA_GROUP, 0);
	nl_put_u32(b, LINUX_IFLA_PROMISCUITY, nif->promisc_users);
	nl_put_u32(b, LINUX_IFLA_NUM_TX_QUEUES, 1);
	nl_put_u32(b, LINUX_IFLA_NUM_RX_QUEUES, 1);
	nl_put_u8(b, LINUX_IFLA_CARRIER, up);
	nl_put_str(b, LINUX_IFLA_QDISC, up ? "noqueue" : "noop");
	nl_put(b, LINUX_IFLA_ADDRESS, nif->hwaddr, sizeof(nif->hwaddr));
	nl_put(b, LINUX_IFLA_BROADCAST, nif->ethernet ? everybody : nobody, sizeof(everybody));
	put_stats(b, &nif->stats);
	if (nif->ops == &dummy_ops) {
		nest = nl_nest(b, LINUX_IFLA_LINKINFO);
		nl_put_str(b, LINUX_IFLA_INFO_KIND, "dummy");
		nl_nest_end(b, nest);
	}
	nl_end(b);
}

/* A name from an attribute: false if it is no name. */
static bool name_attr(const struct nl_request *r, u16 type, char name[NETIF_NAME])
{
	u32 size = 0;
	const char *s = nl_attr(r, sizeof(struct linux_ifinfomsg), type, &size);

	memset(name, 0, NETIF_NAME);
	if (!s || !size || !s[0] || strnlen(s, size) >= NETIF_NAME)
		return false;
	memcpy(name, s, strnlen(s, size));
	return true;
}

/* The interface that a request means, by index or by name. */
static struct netif *link_of(const struct nl_request *r, const struct linux_ifinfomsg *h)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	char name[NETIF_NAME];

	if (h->index > 0)
		return netif_by_index(ns, (u32)h->index);
	if (name_attr(r, LINUX_IFLA_IFNAME, name) || name_attr(r, LINUX_IFLA_ALT_IFNAME, name))
		return netif_by_name(ns, name);
	return NULL;
}

static int get(struct nl_request *r, const struct linux_ifinfomsg *h)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	struct netif *nif;

	if (r->dump) {
		for (nif = netif_next(ns, NULL); nif; nif = netif_next(ns, nif))
			rtnl_put_link(r->out, LINUX_RTM_NEWLINK, LINUX_NLM_F_MULTI, r->h.seq, r->from->portid,
				      nif);
		return 0;
	}
	if (h->index < 0)
		return -EINVAL;
	nif = link_of(r, h);
	if (!nif)
		return -ENODEV;
	rtnl_put_link(r->out, LINUX_RTM_NEWLINK, 0, r->h.seq, r->from->portid, nif);
	return 0;
}

static int change(struct nl_request *r, struct netif *nif, const struct linux_ifinfomsg *h)
{
	u32 mtu, size = 0;
	const u8 *hw = nl_attr(r, sizeof(*h), LINUX_IFLA_ADDRESS, &size);
	int err = 0;

	if (hw && (size != sizeof(nif->hwaddr) || !nif->ethernet))
		return nif->ethernet ? -EINVAL : -EOPNOTSUPP;
	if (hw)
		memcpy(nif->hwaddr, hw, sizeof(nif->hwaddr));
	if (nl_attr_copy(r, sizeof(*h), LINUX_IFLA_MTU, &mtu, sizeof(mtu)))
		err = netif_set_mtu(nif, mtu);
	if (!err && (h->change & NETIF_UP || (!h->change && h->flags)))
		err = netif_set_up(nif, h->flags & NETIF_UP);
	return err;
}

/* The kind of a link to be made: IFLA_LINKINFO's IFLA_INFO_KIND. */
static bool is_dummy(const struct nl_request *r)
{
	u32 size = 0, kind_size = 0;
	const void *info = nl_attr(r, sizeof(struct linux_ifinfomsg), LINUX_IFLA_LINKINFO, &size);
	const char *kind = info ? nl_nested(info, size, LINUX_IFLA_INFO_KIND, &kind_size) : NULL;

	return kind && kind_size >= 5 && !memcmp(kind, "dummy", 5) && (kind_size == 5 || !kind[5]);
}

static int create(struct nl_request *r, const struct linux_ifinfomsg *h)
{
	struct netstack *ns = net_ns_stack(r->from->net);
	struct netif_config c = {.ops = &dummy_ops,
				 .mtu = 1500,
				 .ethernet = true,
				 .features = LINK_CSUM_OUT | LINK_GSO_TCP4 | LINK_GSO_TCP6 | LINK_GSO_UDP};
	char name[NETIF_NAME];
	struct netif *nif;
	int err;

	if (!is_dummy(r))
		return -EOPNOTSUPP;
	if (!name_attr(r, LINUX_IFLA_IFNAME, name)) {
		for (u32 k = 0;; k++) {
			snprintf(name, sizeof(name), "dummy%u", k);
			if (!netif_by_name(ns, name))
				break;
		}
	}
	c.name = name;
	ns->env.random(ns->env.ctx, c.hwaddr, sizeof(c.hwaddr));
	c.hwaddr[0] = (u8)((c.hwaddr[0] & 0xfe) | 2); /* administered here, one station */
	err = netif_add(ns, &c, &nif);
	if (err)
		return err;
	nif->flags |= NETIF_NOARP;
	return change(r, nif, h);
}

int rtnl_link(struct nl_request *r)
{
	struct linux_ifinfomsg h;
	struct netif *nif;

	if (!nl_header(r, &h, sizeof(h), r->dump ? 1 : sizeof(h)))
		return -EINVAL;
	if (r->h.type == LINUX_RTM_GETLINK)
		return get(r, &h);
	nif = link_of(r, &h);
	if (r->h.type == LINUX_RTM_DELLINK) {
		if (!nif)
			return -ENODEV;
		if (nif->ops != &dummy_ops)
			return -EOPNOTSUPP;
		netif_remove(nif);
		return 0;
	}
	if (!nif)
		return r->h.type == LINUX_RTM_NEWLINK && (r->h.flags & LINUX_NLM_F_CREATE) ? create(r, &h)
											   : -ENODEV;
	if (r->h.type == LINUX_RTM_NEWLINK && (r->h.flags & LINUX_NLM_F_EXCL))
		return -EEXIST;
	return change(r, nif, &h);
}
