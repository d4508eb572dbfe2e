/*
 * net_ioctl.c - netdevice(7): interfaces and their addresses by ioctl, as ifconfig and getifaddrs of old use
 * them.
 */
#include <errno.h>

#include "netstack/net/ip.h"
#include "sandbox/abi/inet.h"
#include "sandbox/abi/sched.h"
#include "sandbox/abi/socket.h"
#include "sandbox/base/arena.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/socket/inet_priv.h"

static struct net_ifaddr *first_v4(const struct netif *nif)
{
	struct net_ifaddr *a;

	list_for_each_entry (a, &nif->addrs, node)
		if (ip_is_v4(&a->addr))
			return a;
	return NULL;
}

static void put_addr(struct linux_ifreq *r, u32 host)
{
	memset(&r->u.addr, 0, sizeof(r->u.addr));
	r->u.addr.family = LINUX_AF_INET;
	put_be32(r->u.addr.addr, host);
}

static u32 mask_of(u32 prefix_len)
{
	return prefix_len ? ~0U << (32 - prefix_len) : 0;
}

/* SIOCGIFCONF: all IPv4 addresses, as many as fit. */
static s64 get_conf(struct netstack *ns, u64 arg)
{
	struct linux_ifconf c;
	s32 used = 0;

	if (get_user(&c, uaddr(arg)))
		return -EFAULT;
	for (struct netif *nif = netif_next(ns, NULL); nif; nif = netif_next(ns, nif)) {
		struct net_ifaddr *a;
		list_for_each_entry (a, &nif->addrs, node) {
			struct linux_ifreq r = {0};
			if (!ip_is_v4(&a->addr))
				continue;
			memcpy(r.name, nif->name, sizeof(r.name));
			put_addr(&r, ip_v4_of(&a->addr));
			if (c.buf && c.len - used < (s32)sizeof(r))
				break;
			if (c.buf && put_user(&r, uaddr(c.buf + (u64)used)))
				return -EFAULT;
			used += (s32)sizeof(r);
		}
	}
	c.len = used;
	return put_user(&c, uaddr(arg));
}

static s64 get_addr(const struct netif *nif, u32 cmd, struct linux_ifreq *r)
{
	struct net_ifaddr *a = first_v4(nif);
	u32 host;

	if (!a)
		return -EADDRNOTAVAIL;
	host = ip_v4_of(&a->addr);
	if (cmd == LINUX_SIOCGIFNETMASK)
		host = mask_of(a->prefix_len);
	else if (cmd == LINUX_SIOCGIFBRDADDR)
		host =
		    nif->flags & NETIF_BROADCAST && a->prefix_len < 31 ? host | ~mask_of(a->prefix_len) : 0;
	put_addr(r, host);
	return 0;
}

static s64 get_one(struct netif *nif, u32 cmd, struct linux_ifreq *r)
{
	switch (cmd) {
	case LINUX_SIOCGIFFLAGS:
		r->u.flags = (s16)(nif->flags & 0xffff);
		return 0;
	case LINUX_SIOCGIFADDR:
	case LINUX_SIOCGIFDSTADDR:
	case LINUX_SIOCGIFNETMASK:
	case LINUX_SIOCGIFBRDADDR:
		return get_addr(nif, cmd, r);
	case LINUX_SIOCGIFMETRIC:
		r->u.value = 0;
		return 0;
	case LINUX_SIOCGIFMTU:
		r->u.value = (s32)nif->mtu;
		return 0;
	case LINUX_SIOCGIFINDEX:
		r->u.value = (s32)nif->index;
		return 0;
	case LINUX_SIOCGIFTXQLEN:
		r->u.value = 1000;
		return 0;
	case LINUX_SIOCGIFMAP:
		memset(r->u.map, 0, sizeof(r->u.map));
		return 0;
	case LINUX_SIOCGIFHWADDR:
		memset(&r->u.hwaddr, 0, sizeof(r->u.hwaddr));
		r->u.hwaddr.family = nif->ethernet ? LINUX_ARPHRD_ETHER : LINUX_ARPHRD_LOOPBACK;
		memcpy(r->u.hwaddr.data, nif->hwaddr, sizeof(nif->hwaddr));
		return 0;
	default:
		return -ENOTTY;
	}
}

static u32 class_prefix(u32 host)
{
	return host >> 31 == 0 ? 8 : host >> 30 == 2 ? 16 : 24;
}

static s64 set_addr(struct netif *nif, const struct linux_ifreq *r)
{
	struct net_ifaddr *a = first_v4(nif);
	struct ip_addr addr = ip_v4(get_be32(r->u.addr.addr));

	if (r->u.addr.family != LINUX_AF_INET)
		return -EINVAL;
	if (a && ip_eq(&a->addr, &addr))
		return 0;
	if (a) {
		struct ip_addr old = a->addr;
		int err = netif_addr_del(nif, old, a->prefix_len);
		if (err)
			return err;
	}
	return ip_is_any(&addr) ? 0 : netif_addr_add(nif, addr, class_prefix(ip_v4_of(&addr)), IFA_PERMANENT);
}

static s64 set_mask(struct netif *nif, const struct linux_ifreq *r)
{
	struct net_ifaddr *a = first_v4(nif);
	u32 mask = get_be32(r->u.addr.addr), len = 0;
	struct ip_addr addr;
	int err;

	if (!a)
		return -EADDRNOTAVAIL;
	while (len < 32 && mask_of(len) != mask)
		len++;
	if (mask_of(len) != mask)
		return -EINVAL;
	if (len == a->prefix_len)
		return 0;
	addr = a->addr;
	err = netif_addr_del(nif, addr, a->prefix_len);
	return err ? err : netif_addr_add(nif, addr, len, IFA_PERMANENT);
}

static s64 set_one(struct netif *nif, u32 cmd, const struct linux_ifreq *r)
{
	switch (cmd) {
	case LINUX_SIOCSIFFLAGS:
		return netif_set_up(nif, r->u.flags & NETIF_UP);
	case LINUX_SIOCSIFADDR:
		return set_addr(nif, r);
	case LINUX_SIOCSIFNETMASK:
		return set_mask(nif, r);
	case LINUX_SIOCSIFMTU:
		return netif_set_mtu(nif, r->u.value < 0 ? 0 : (u32)r->u.value);
	default:
		return -EOPNOTSUPP;
	}
}

/* Of a device that is no card there is only to be known whether it is up. */
static s64 ethtool(const struct netif *nif, u64 arg)
{
	enum { ETHTOOL_GLINK = 10 };
	struct {
		u32 cmd, data;
	} v;

	if (get_user(&v.cmd, uaddr(arg)))
		return -EFAULT;
	if (v.cmd != ETHTOOL_GLINK)
		return -EOPNOTSUPP;
	v.data = (nif->flags & NETIF_UP) != 0;
	return put_user(&v, uaddr(arg));
}

static bool is_set(u32 cmd)
{
	return cmd == LINUX_SIOCSIFFLAGS || cmd == LINUX_SIOCSIFADDR || cmd == LINUX_SIOCSIFNETMASK ||
	       cmd == LINUX_SIOCSIFMTU || cmd == LINUX_SIOCSIFBRDADDR;
}

s64 net_device_ioctl(struct net_ns *net, u32 cmd, u64 arg)
{
	struct netstack *ns = net_ns_stack(net);
	struct linux_ifreq r;
	struct netif *nif;
	s64 n;

	if (cmd == LINUX_SIOCGIFCONF)
		return get_conf(ns, arg);
	if (cmd < LINUX_SIOCGIFNAME || cmd > LINUX_SIOCGIFMAP)
		return -ENOTTY;
	if (get_user(&r, uaddr(arg)))
		return -EFAULT;
	r.name[sizeof(r.name) - 1] = 0;
	if (cmd == LINUX_SIOCGIFNAME) {
		nif = netif_by_index(ns, (u32)r.u.value);
		if (!nif)
			return -ENODEV;
		memcpy(r.name, nif->name, sizeof(r.name));
		return put_user(&r, uaddr(arg));
	}
	if (is_set(cmd) && !net_ns_capable(net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	nif = netif_by_name(ns, r.name);
	if (!nif)
		return -ENODEV;
	if (is_set(cmd))
		return set_one(nif, cmd, &r);
	if (cmd == LINUX_SIOCETHTOOL)
		return ethtool(nif, r.u.data);
	n = get_one(nif, cmd, &r);
	return n ? n : put_user(&r, uaddr(arg));
}
