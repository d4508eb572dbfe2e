/*
 * inet_opt_ip.c - options of level IPPROTO_IP (ip(7)).
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"

static const struct {
	int name;
	u32 tell;
} told[] = {{LINUX_IP_PKTINFO, TELL_PKTINFO},
	    {LINUX_IP_RECVTTL, TELL_TTL},
	    {LINUX_IP_RECVTOS, TELL_TOS},
	    {LINUX_IP_RECVORIGDSTADDR, TELL_ORIGDST}};

static u32 tell_of(int name)
{
	for (u32 k = 0; k < ARRAY_COUNT(told); k++)
		if (told[k].name == name)
			return told[k].tell;
	return 0;
}

static s64 get_mtu(struct inet_sock *i, void *value, size_t size)
{
	s32 v;

	if (ip_is_any(&i->sk->ep.raddr) || sock_route(i->sk))
		return -ENOTCONN;
	v = (s32)min_t(u32, i->sk->path.mtu, 65535); /* of IPv4, whatever the interface says */
	return socket_put_value(value, size, &v, sizeof(v));
}

/* As Linux: a value that fits goes out as one byte to a caller with room for less than an int. */
static s64 put_small(void *value, size_t size, s32 v)
{
	u8 byte = (u8)v;

	if (size && size < sizeof(v) && v >= 0 && v <= 255)
		return socket_put_value(value, 1, &byte, 1);
	return socket_put_value(value, size, &v, sizeof(v));
}

s64 inet_get_ip(struct inet_sock *i, int name, void *value, size_t size)
{
	const struct net_sock *sk = i->sk;
	u8 addr[4];

	if (tell_of(name))
		return put_small(value, size, !!(i->tell & tell_of(name)));
	switch (name) {
	case LINUX_IP_TOS:
		return put_small(value, size, sk->tos);
	case LINUX_IP_TTL:
		return put_small(value, size, sk->ttl < 0 ? (s32)sk->ep.ns->config.ttl : sk->ttl);
	case LINUX_IP_HDRINCL:
		return i->sock.type == LINUX_SOCK_RAW ? put_small(value, size, sk->hdrincl) : -ENOPROTOOPT;
	case LINUX_IP_OPTIONS:
		return 0; /* none */
	case LINUX_IP_MTU_DISCOVER:
		return put_small(value, size, sk->pmtudisc);
	case LINUX_IP_RECVERR:
		return put_small(value, size, i->recverr4);
	case LINUX_IP_MTU:
		return get_mtu(i, value, size);
	case LINUX_IP_FREEBIND:
		return put_small(value, size, sk->freebind);
	case LINUX_IP_TRANSPARENT:
		return put_small(value, size, i->transparent);
	case LINUX_IP_BIND_ADDRESS_NO_PORT:
		return put_small(value, size, i->late_port);
	case LINUX_IP_MULTICAST_TTL:
		return put_small(value, size, sk->mcast_ttl < 0 ? 1 : sk->mcast_ttl);
	case LINUX_IP_MULTICAST_LOOP:
		return put_small(value, size, sk->mcast_loop);
	case LINUX_IP_MULTICAST_IF:
		memcpy(addr, i->mcast_addr.b + 12, sizeof(addr));
		return socket_put_value(value, size, addr, sizeof(addr));
	default:
		return -ENOPROTOOPT;
	}
}

/* ---- groups ---- */

/* struct in_addr, ip_mreq or ip_mreqn: the last two begin with the group. */
static int mreq_in(const void *value, size_t size, bool addr_ok, struct linux_ip_mreqn *out)
{
	memset(out, 0, sizeof(*out));
	if (size >= sizeof(*out))
		memcpy(out, value, sizeof(*out));
	else if (size >= 8)
		memcpy(out, value, 8);
	else if (addr_ok && size >= 4)
		memcpy(out->address, value, 4);
	else
		return -EINVAL;
	return 0;
}

/* The interface that a request means by index or address; 0: none is said. */
static int mreq_netif(struct inet_sock *i, const struct linux_ip_mreqn *r, u32 *index)
{
	struct ip_addr addr = ip_v4(get_be32(r->address));
	struct net_ifaddr *a;

	*index = 0;
	if (r->ifindex) {
		if (!netif_by_index(inet_stack(i), (u32)r->ifindex))
			return -ENODEV;
		*index = (u32)r->ifindex;
		return 0;
	}
	if (ip_is_any(&addr))
		return 0;
	a = net_local_addr(inet_stack(i), &addr);
	if (!a)
		return -ENODEV;
	*index = a->nif->index;
	return 0;
}

static int set_membership(struct inet_sock *i, bool join, const void *value, size_t size)
{
	struct linux_ip_mreqn r;
	struct ip_addr group;
	u32 index;
	int err;

	if (i->sock.type == LINUX_SOCK_STREAM)
		return -EPROTO;
	err = mreq_in(value, size, false, &r);
	if (!err)
		err = mreq_netif(i, &r, &index);
	if (err)
		return err;
	group = ip_v4(get_be32(r.multiaddr));
	return join ? sock_join(i->sk, &group, index) : sock_leave(i->sk, &group, index);
}

static int set_mcast_if(struct inet_sock *i, const void *value, size_t size)
{
	struct linux_ip_mreqn r;
	u32 index;
	int err;

	if (i->sock.type == LINUX_SOCK_STREAM)
		return -EINVAL;
	err = mreq_in(value, size, true, &r);
	if (!err)
		err = mreq_netif(i, &r, &index);
	if (err)
		return err == -ENODEV ? -EADDRNOTAVAIL : err;
	i->sk->mcast_if = index;
	i->mcast_addr = ip_v4(get_be32(r.address));
	return 0;
}

/* MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP: of either family. */
static int set_group(struct inet_sock *i, bool join, const void *value, size_t size)
{
	struct linux_group_req r;
	struct sockaddr_k group = {0};
	struct ip_addr addr;

	if (size < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	memcpy(group.data, r.group, sizeof(r.group));
	group.len = sizeof(r.group);
	if (sockaddr_family(&group) == LINUX_AF_INET6 && inet_is_v6(i))
		memcpy(addr.b, r.group + offsetof(struct linux_sockaddr_in6, addr), 16);
	else if (sockaddr_family(&group) == LINUX_AF_INET)
		addr = ip_v4(get_be32(r.group + offsetof(struct linux_sockaddr_in, addr)));
	else
		return -EADDRNOTAVAIL;
	return join ? sock_join(i->sk, &addr, r.interface) : sock_leave(i->sk, &addr, r.interface);
}

/* ---- set ---- */

static int set_tos(struct inet_sock *i, s32 v)
{
	u8 tos = (u8)v;

	if (i->sock.type == LINUX_SOCK_STREAM) /* ECN is TCP's own */
		tos = (u8)((tos & ~3U) | (i->sk->tos & 3U));
	i->sk->tos = tos;
	return 0;
}

static int set_transparent(struct inet_sock *i, bool on)
{
	if (on && !net_ns_capable(i->net, LINUX_CAP_NET_RAW) && !net_ns_capable(i->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	i->transparent = on;
	i->sk->freebind |= on;
	return 0;
}

static int set_multicast(struct inet_sock *i, int name, s32 v)
{
	if (name == LINUX_IP_MULTICAST_LOOP) {
		i->sk->mcast_loop = v;
		return 0;
	}
	if (i->sock.type == LINUX_SOCK_STREAM || v < -1 || v > 255)
		return -EINVAL;
	i->sk->mcast_ttl = (s16)(v < 0 ? 1 : v);
	return 0;
}

static int set_int(struct inet_sock *i, int name, s32 v)
{
	switch (name) {
	case LINUX_IP_TOS:
		return set_tos(i, v);
	case LINUX_IP_TTL:
		if (v != -1 && (v < 1 || v > 255))
			return -EINVAL;
		i->sk->ttl = (s16)v;
		return 0;
	case LINUX_IP_HDRINCL:
		if (i->sock.type != LINUX_SOCK_RAW)
			return -ENOPROTOOPT;
		i->sk->hdrincl = v;
		return 0;
	case LINUX_IP_MTU_DISCOVER:
		if (v < PMTUDISC_DONT || v > PMTUDISC_OMIT)
			return -EINVAL;
		i->sk->pmtudisc = (u8)v;
		return 0;
	case LINUX_IP_RECVERR:
		i->recverr4 = v;
		i->sk->recverr = i->recverr4 || i->recverr6;
		return 0;
	case LINUX_IP_FREEBIND:
		i->sk->freebind = v || i->transparent;
		return 0;
	case LINUX_IP_TRANSPARENT:
		return set_transparent(i, v);
	case LINUX_IP_BIND_ADDRESS_NO_PORT:
		i->late_port = v;
		return 0;
	case LINUX_IP_MULTICAST_TTL:
	case LINUX_IP_MULTICAST_LOOP:
		return set_multicast(i, name, v);
	default:
		return -ENOPROTOOPT;
	}
}

int inet_set_ip(struct inet_sock *i, int name, const void *value, size_t size)
{
	s32 v = 0;
	u32 tell = tell_of(name);

	switch (name) {
	case LINUX_IP_OPTIONS: /* source routes and the like: none is what can be asked for */
		return size ? -EINVAL : 0;
	case LINUX_IP_MULTICAST_IF:
		return set_mcast_if(i, value, size);
	case LINUX_IP_ADD_MEMBERSHIP:
	case LINUX_IP_DROP_MEMBERSHIP:
		return set_membership(i, name == LINUX_IP_ADD_MEMBERSHIP, value, size);
	case LINUX_MCAST_JOIN_GROUP:
	case LINUX_MCAST_LEAVE_GROUP:
		return set_group(i, name == LINUX_MCAST_JOIN_GROUP, value, size);
	default:
		break;
	}
	/* as Linux: no value at all is 0 */
	if (size && inet_opt_int(value, size, true, &v))
		return -EINVAL;
	if (tell) {
		i->tell = v ? i->tell | tell : i->tell & ~tell;
		return 0;
	}
	return set_int(i, name, v);
}
