/*
 * inet_opt_ip6.c - options of level IPPROTO_IPV6 (ipv6(7), RFC 3493, RFC 3542).
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/socket/inet_priv.h"

static const struct {
	int name;
	u32 tell;
} told[] = {{LINUX_IPV6_RECVPKTINFO, TELL6_PKTINFO},
	    {LINUX_IPV6_RECVHOPLIMIT, TELL6_HOPLIMIT},
	    {LINUX_IPV6_RECVTCLASS, TELL6_TCLASS}};

static u32 tell_of(int name)
{
	for (u32 k = 0; k < ARRAY_COUNT(told); k++)
		if (told[k].name == name)
			return told[k].tell;
	return 0;
}

static s64 get_pathmtu(struct inet_sock *i, void *value, size_t size)
{
	struct linux_ip6_mtuinfo info = {.addr = {.family = LINUX_AF_INET6}};

	if (ip_is_any(&i->sk->ep.raddr) || sock_route(i->sk))
		return -ENOTCONN;
	memcpy(info.addr.addr, i->sk->ep.raddr.b, 16);
	info.mtu = i->sk->path.mtu;
	return size < sizeof(info) ? -EINVAL : socket_put_value(value, size, &info, sizeof(info));
}

static int get_int(struct inet_sock *i, int name, s32 *v)
{
	const struct net_sock *sk = i->sk;

	switch (name) {
	case LINUX_IPV6_V6ONLY:
		*v = sk->ep.v6only;
		return 0;
	case LINUX_IPV6_UNICAST_HOPS:
		*v = sk->hops < 0 ? (s32)sk->ep.ns->config.ttl : sk->hops;
		return 0;
	case LINUX_IPV6_MULTICAST_HOPS:
		*v = sk->mcast_hops < 0 ? 1 : sk->mcast_hops;
		return 0;
	case LINUX_IPV6_MULTICAST_LOOP:
		*v = sk->mcast6_loop;
		return 0;
	case LINUX_IPV6_MULTICAST_IF:
		*v = (s32)sk->mcast_if;
		return 0;
	case LINUX_IPV6_MTU_DISCOVER:
		*v = sk->pmtudisc;
		return 0;
	case LINUX_IPV6_DONTFRAG:
		*v = sk->pmtudisc == PMTUDISC_DO;
		return 0;
	case LINUX_IPV6_RECVERR:
		*v = i->recverr6;
		return 0;
	case LINUX_IPV6_TCLASS:
		*v = sk->tclass;
		return 0;
	case LINUX_IPV6_CHECKSUM:
		*v = sk->csum_offset;
		return i->sock.type == LINUX_SOCK_RAW ? 0 : -ENOPROTOOPT;
	case LINUX_IPV6_FREEBIND:
		*v = sk->freebind;
		return 0;
	case LINUX_IPV6_TRANSPARENT:
		*v = i->transparent;
		return 0;
	case LINUX_IPV6_MTU:
		if (ip_is_any(&sk->ep.raddr) || sock_route(i->sk))
			return -ENOTCONN;
		*v = (s32)sk->path.mtu;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

s64 inet_get_ip6(struct inet_sock *i, int name, void *value, size_t size)
{
	s32 v;
	int err;

	if (name == LINUX_IPV6_PATHMTU)
		return get_pathmtu(i, value, size);
	if (tell_of(name)) {
		v = !!(i->tell & tell_of(name));
		return socket_put_value(value, size, &v, sizeof(v));
	}
	err = get_int(i, name, &v);
	return err ? err : socket_put_value(value, size, &v, sizeof(v));
}

static int set_membership(struct inet_sock *i, bool join, const void *value, size_t size)
{
	struct linux_ipv6_mreq r;
	struct ip_addr group;

	if (i->sock.type == LINUX_SOCK_STREAM)
		return -EPROTO;
	if (size < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	if (r.ifindex < 0)
		return -ENODEV;
	memcpy(group.b, r.multiaddr, sizeof(r.multiaddr));
	return join ? sock_join(i->sk, &group, (u32)r.ifindex) : sock_leave(i->sk, &group, (u32)r.ifindex);
}

static int set_mcast(struct inet_sock *i, int name, s32 v)
{
	switch (name) {
	case LINUX_IPV6_MULTICAST_HOPS:
		if (i->sock.type == LINUX_SOCK_STREAM)
			return -ENOPROTOOPT;
		if (v < -1 || v > 255)
			return -EINVAL;
		i->sk->mcast_hops = (s16)(v < 0 ? 1 : v);
		return 0;
	case LINUX_IPV6_MULTICAST_LOOP:
		if (v != 0 && v != 1)
			return -EINVAL;
		i->sk->mcast6_loop = v;
		return 0;
	default:
		if (i->sock.type == LINUX_SOCK_STREAM)
			return -ENOPROTOOPT;
		if (v < 0 || (v && !netif_by_index(inet_stack(i), (u32)v)))
			return -ENODEV;
		i->sk->mcast_if = (u32)v;
		return 0;
	}
}

static int set_v6only(struct inet_sock *i, bool on)
{
	if (i->sk->ep.lport || i->sk->ep.bound)
		return -EINVAL;
	i->sk->ep.v6only = on;
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

static int set_checksum(struct inet_sock *i, s32 v)
{
	if (i->sock.type != LINUX_SOCK_RAW || (i->sock.protocol == LINUX_IPPROTO_ICMPV6 && v != 2))
		return i->sock.type != LINUX_SOCK_RAW ? -ENOPROTOOPT : -EINVAL;
	if (v > 0 && (v & 1)) /* RFC 3542: an odd place is an error */
		return -EINVAL;
	i->sk->csum_offset = v < 0 ? -1 : v;
	return 0;
}

static int set_int(struct inet_sock *i, int name, s32 v)
{
	switch (name) {
	case LINUX_IPV6_V6ONLY:
		return set_v6only(i, v);
	case LINUX_IPV6_UNICAST_HOPS:
		if (v < -1 || v > 255)
			return -EINVAL;
		i->sk->hops = (s16)v;
		return 0;
	case LINUX_IPV6_MULTICAST_HOPS:
	case LINUX_IPV6_MULTICAST_LOOP:
	case LINUX_IPV6_MULTICAST_IF:
		return set_mcast(i, name, v);
	case LINUX_IPV6_MTU_DISCOVER:
		if (v < PMTUDISC_DONT || v > PMTUDISC_OMIT)
			return -EINVAL;
		i->sk->pmtudisc = (u8)v;
		return 0;
	case LINUX_IPV6_DONTFRAG:
		i->sk->pmtudisc = v ? PMTUDISC_DO : PMTUDISC_WANT;
		return 0;
	case LINUX_IPV6_RECVERR:
		i->recverr6 = v;
		i->sk->recverr = i->recverr4 || i->recverr6;
		return 0;
	case LINUX_IPV6_TCLASS:
		if (v < -1 || v > 255)
			return -EINVAL;
		i->sk->tclass = (u8)(v < 0 ? 0 : v);
		return 0;
	case LINUX_IPV6_CHECKSUM:
		return set_checksum(i, v);
	case LINUX_IPV6_FREEBIND:
		i->sk->freebind = v || i->transparent;
		return 0;
	case LINUX_IPV6_TRANSPARENT:
		return set_transparent(i, v);
	default:
		return -ENOPROTOOPT;
	}
}

int inet_set_ip6(struct inet_sock *i, int name, const void *value, size_t size)
{
	u32 tell = tell_of(name);
	s32 v;

	switch (name) {
	case LINUX_IPV6_JOIN_GROUP:
	case LINUX_IPV6_LEAVE_GROUP:
		return set_membership(i, name == LINUX_IPV6_JOIN_GROUP, value, size);
	case LINUX_MCAST_JOIN_GROUP:
	case LINUX_MCAST_LEAVE_GROUP:
		return inet_set_ip(i, name, value, size);
	default:
		break;
	}
	if (inet_opt_int(value, size, false, &v))
		return -EINVAL;
	if (tell) {
		i->tell = v ? i->tell | tell : i->tell & ~tell;
		return 0;
	}
	return set_int(i, name, v);
}
