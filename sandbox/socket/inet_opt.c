/*
 * inet_opt.c - options of SOL_SOCKET as internet sockets have them, and the way to those of the protocols.
 */
#include <errno.h>

#include "sandbox/abi/sched.h"
#include "sandbox/kernel/task.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/sock_filter.h"

#define MEMINFO_VARS 9U

static bool is_tcp(const struct inet_sock *i)
{
	return i->sock.type == LINUX_SOCK_STREAM;
}

static bool is_udp(const struct inet_sock *i)
{
	return i->sk->ep.kind == EP_UDP;
}

int inet_opt_int(const void *value, size_t size, bool byte_ok, s32 *out)
{
	if (size >= sizeof(*out))
		memcpy(out, value, sizeof(*out));
	else if (byte_ok && size)
		*out = *(const u8 *)value;
	else
		return -EINVAL;
	return 0;
}

/* ---- SOL_SOCKET, get ---- */

static s64 get_device(const struct inet_sock *i, void *value, size_t size)
{
	struct netif *nif = i->sk->ep.bound_if ? netif_by_index(inet_stack(i), i->sk->ep.bound_if) : NULL;

	if (!i->sk->ep.bound_if)
		return 0;
	if (size < NETIF_NAME)
		return -EINVAL;
	if (!nif)
		return -ENODEV;
	return socket_put_value(value, size, nif->name, strnlen(nif->name, NETIF_NAME) + 1);
}

static s64 get_meminfo(const struct inet_sock *i, void *value, size_t size)
{
	const struct net_sock *sk = i->sk;
	u32 v[MEMINFO_VARS] = {
	    is_tcp(i) ? tcp_inq(sk) : sk->queued, sk->rcvbuf, sk->sending, sk->sndbuf,    0,
	    is_tcp(i) ? tcp_outq(sk) : 0,         0,          0,           (u32)sk->drops};

	return socket_put_value(value, size, v, sizeof(v));
}

static s64 get_peer_name(struct inet_sock *i, void *value, size_t size)
{
	struct sockaddr_k peer = {0};

	if (inet_name(&i->sock, true, &peer))
		return -ENOTCONN;
	return peer.len < size ? -EINVAL : socket_put_value(value, size, peer.data, peer.len);
}

static s64 get_socket(struct inet_sock *i, int name, void *value, size_t size)
{
	struct linux_ucred nobody = {0, (u32)-1, (u32)-1};
	const struct net_sock *sk = i->sk;
	s32 v;

	switch (name) {
	case LINUX_SO_ERROR:
		v = -sock_take_error(i->sk);
		break;
	case LINUX_SO_SNDBUF:
		v = (s32)sk->sndbuf;
		break;
	case LINUX_SO_RCVBUF:
		v = (s32)sk->rcvbuf;
		break;
	case LINUX_SO_REUSEPORT:
		v = sk->ep.reuseport;
		break;
	case LINUX_SO_DONTROUTE:
		v = i->dontroute;
		break;
	case LINUX_SO_OOBINLINE:
		v = i->oobinline;
		break;
	case LINUX_SO_NO_CHECK:
		v = sk->no_check;
		break;
	case LINUX_SO_ACCEPTCONN:
		v = is_tcp(i) && tcp_state_of(sk) == TCPS_LISTEN;
		break;
	case LINUX_SO_TIMESTAMP:
	case LINUX_SO_TIMESTAMP_NEW:
		v = !!(i->tell & TELL_TIMESTAMP) && !(i->tell & TELL_NEW) == (name == LINUX_SO_TIMESTAMP);
		break;
	case LINUX_SO_TIMESTAMPNS:
	case LINUX_SO_TIMESTAMPNS_NEW:
		v = !!(i->tell & TELL_TIMESTAMPNS) && !(i->tell & TELL_NEW) == (name == LINUX_SO_TIMESTAMPNS);
		break;
	case LINUX_SO_RXQ_OVFL:
		v = !!(i->tell & TELL_DROPS);
		break;
	case LINUX_SO_MARK:
		v = (s32)i->mark;
		break;
	case LINUX_SO_LOCK_FILTER:
		v = i->sock.filter_locked;
		break;
	case LINUX_SO_PEEK_OFF:
		v = i->sock.peek_off;
		break;
	case LINUX_SO_BINDTOIFINDEX:
		v = (s32)sk->ep.bound_if;
		break;
	case LINUX_SO_BINDTODEVICE:
		return get_device(i, value, size);
	case LINUX_SO_MEMINFO:
		return get_meminfo(i, value, size);
	case LINUX_SO_PEERNAME:
		return get_peer_name(i, value, size);
	case LINUX_SO_PEERCRED:
		return socket_put_value(value, size, &nobody, sizeof(nobody));
	default:
		return -ENOPROTOOPT;
	}
	return socket_put_value(value, size, &v, sizeof(v));
}

/* ---- SOL_SOCKET, set ---- */

static int set_buffer(struct inet_sock *i, int name, s32 v)
{
	bool send = name == LINUX_SO_SNDBUF || name == LINUX_SO_SNDBUFFORCE;
	bool force = name == LINUX_SO_SNDBUFFORCE || name == LINUX_SO_RCVBUFFORCE;
	u32 size;

	if (force && !net_ns_capable(i->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	size = socket_buf_size(v, send, force);
	if (is_tcp(i) && send)
		tcp_set_sndbuf(i->sk, size);
	else if (is_tcp(i))
		tcp_set_rcvbuf(i->sk, size);
	else if (send)
		i->sk->sndbuf = size;
	else
		i->sk->rcvbuf = size;
	return 0;
}

static int bind_to(struct inet_sock *i, u32 index)
{
	if (i->sk->ep.bound_if && !net_ns_capable(i->net, LINUX_CAP_NET_RAW))
		return -EPERM;
	if (index && !netif_by_index(inet_stack(i), index))
		return -ENODEV;
	i->sk->ep.bound_if = index;
	i->sk->path.nif = NULL;
	return 0;
}

static int bind_to_device(struct inet_sock *i, const char *value, size_t size)
{
	char name[NETIF_NAME] = {0};
	struct netif *nif = NULL;

	memcpy(name, value, min_t(size_t, size, sizeof(name) - 1));
	if (name[0]) {
		nif = netif_by_name(inet_stack(i), name);
		if (!nif)
			return -ENODEV;
	}
	return bind_to(i, nif ? nif->index : 0);
}

static void set_stamp(struct inet_sock *i, u32 which, bool on, bool new_type)
{
	i->tell &= ~(u32)(TELL_TIMESTAMP | TELL_TIMESTAMPNS | TELL_NEW);
	if (on)
		i->tell |= which | (new_type ? TELL_NEW : 0);
}

static int set_mark(struct inet_sock *i, u32 mark)
{
	if (!net_ns_capable(i->net, LINUX_CAP_NET_RAW) && !net_ns_capable(i->net, LINUX_CAP_NET_ADMIN))
		return -EPERM;
	i->mark = mark;
	return 0;
}

/* What the common code keeps, the library hears here. */
static int set_shared(struct inet_sock *i, int name, s32 v)
{
	switch (name) {
	case LINUX_SO_REUSEADDR:
		i->sk->ep.reuseaddr = v;
		break;
	case LINUX_SO_KEEPALIVE:
		if (is_tcp(i))
			tcp_set_keepalive(i->sk, v);
		break;
	case LINUX_SO_RCVLOWAT:
		if (is_tcp(i))
			tcp_set_lowat(i->sk, v < 0 ? INT32_MAX : v ? (u32)v : 1);
		break;
	default:
		break;
	}
	return -ENOPROTOOPT;
}

static int set_socket(struct inet_sock *i, int name, const void *value, size_t size)
{
	s32 v;
	int err;

	if (name == LINUX_SO_BINDTODEVICE)
		return bind_to_device(i, value, size);
	if (sock_filter_option(name))
		return sock_filter_set(&i->sock, inet_stack(i), &i->sk->filter, name, value, size);
	err = inet_opt_int(value, size, false, &v);
	if (err)
		return err;
	switch (name) {
	case LINUX_SO_SNDBUF:
	case LINUX_SO_RCVBUF:
	case LINUX_SO_SNDBUFFORCE:
	case LINUX_SO_RCVBUFFORCE:
		return set_buffer(i, name, v);
	case LINUX_SO_REUSEPORT:
		i->sk->ep.reuseport = v;
		return 0;
	case LINUX_SO_DONTROUTE:
		i->dontroute = v;
		return 0;
	case LINUX_SO_OOBINLINE:
		i->oobinline = v;
		if (is_tcp(i))
			tcp_set_oobinline(i->sk, v);
		return 0;
	case LINUX_SO_NO_CHECK:
		i->sk->no_check = v;
		return 0;
	case LINUX_SO_TIMESTAMP:
	case LINUX_SO_TIMESTAMP_NEW:
		set_stamp(i, TELL_TIMESTAMP, v, name == LINUX_SO_TIMESTAMP_NEW);
		return 0;
	case LINUX_SO_TIMESTAMPNS:
	case LINUX_SO_TIMESTAMPNS_NEW:
		set_stamp(i, TELL_TIMESTAMPNS, v, name == LINUX_SO_TIMESTAMPNS_NEW);
		return 0;
	case LINUX_SO_RXQ_OVFL:
		i->tell = v ? i->tell | TELL_DROPS : i->tell & ~(u32)TELL_DROPS;
		return 0;
	case LINUX_SO_MARK:
		return set_mark(i, (u32)v);
	case LINUX_SO_PEEK_OFF:
		i->sock.peek_off = v < 0 ? -1 : v;
		return 0;
	case LINUX_SO_BINDTOIFINDEX:
		return v < 0 ? -EINVAL : bind_to(i, (u32)v);
	default:
		return set_shared(i, name, v);
	}
}

/* ---- UDP, raw and ping ---- */

static s64 get_udp(const struct inet_sock *i, int name, void *value, size_t size)
{
	s32 v;

	switch (name) {
	case LINUX_UDP_CORK:
		v = i->sk->udp_corked;
		break;
	case LINUX_UDP_SEGMENT:
		v = i->sk->gso_size;
		break;
	case LINUX_UDP_GRO:
		v = i->sk->gro;
		break;
	default:
		return -ENOPROTOOPT;
	}
	return socket_put_value(value, size, &v, sizeof(v));
}

static int set_udp(struct inet_sock *i, int name, const void *value, size_t size)
{
	s32 v;
	int err = inet_opt_int(value, size, false, &v);

	if (err)
		return err;
	switch (name) {
	case LINUX_UDP_CORK:
		i->sk->udp_corked = v;
		return v ? 0 : udp_flush(i->sk);
	case LINUX_UDP_SEGMENT:
		if (v < 0 || v > UINT16_MAX)
			return -EINVAL;
		i->sk->gso_size = (u16)v;
		return 0;
	case LINUX_UDP_GRO:
		i->sk->gro = v;
		i->tell = v ? i->tell | TELL_GRO : i->tell & ~(u32)TELL_GRO;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static bool has_filter(const struct inet_sock *i, int level, int name, u32 *size)
{
	bool icmp =
	    level == LINUX_IPPROTO_RAW && name == LINUX_ICMP_FILTER && i->sock.protocol == LINUX_IPPROTO_ICMP;
	bool icmp6 = level == LINUX_IPPROTO_ICMPV6 && name == LINUX_ICMPV6_FILTER &&
		     i->sock.protocol == LINUX_IPPROTO_ICMPV6;

	*size = icmp ? 4 : sizeof(i->sk->icmp_filter);
	return i->sock.type == LINUX_SOCK_RAW && (icmp || icmp6);
}

/* ---- the levels ---- */

s64 inet_getsockopt(struct socket *s, int level, int name, void *value, size_t size)
{
	struct inet_sock *i = inet_of(s);
	u32 filter;

	if (level == LINUX_SOL_SOCKET)
		return get_socket(i, name, value, size);
	if (level == LINUX_IPPROTO_IP)
		return inet_get_ip(i, name, value, size);
	if (level == LINUX_IPPROTO_IPV6 && inet_is_v6(i))
		return inet_get_ip6(i, name, value, size);
	if (level == LINUX_IPPROTO_TCP && is_tcp(i))
		return tcp_getsockopt(i->sk, name, value, size);
	if (level == LINUX_IPPROTO_UDP && is_udp(i))
		return get_udp(i, name, value, size);
	if (has_filter(i, level, name, &filter))
		return socket_put_value(value, size, i->sk->icmp_filter, filter);
	return inet_is_v6(i) ? -ENOPROTOOPT : -EOPNOTSUPP;
}

int inet_setsockopt(struct socket *s, int level, int name, const void *value, size_t size)
{
	struct inet_sock *i = inet_of(s);
	u32 filter;

	if (level == LINUX_SOL_SOCKET)
		return set_socket(i, name, value, size);
	if (inet_nf_option_max(s, level, name))
		return inet_nf_set(i, level, name, value, size);
	if (level == LINUX_IPPROTO_IP)
		return inet_set_ip(i, name, value, size);
	if (level == LINUX_IPPROTO_IPV6 && inet_is_v6(i))
		return inet_set_ip6(i, name, value, size);
	if (level == LINUX_IPPROTO_TCP && is_tcp(i))
		return tcp_setsockopt(i->sk, name, value, size);
	if (level == LINUX_IPPROTO_UDP && is_udp(i))
		return set_udp(i, name, value, size);
	if (has_filter(i, level, name, &filter)) {
		memcpy(i->sk->icmp_filter, value, min_t(size_t, size, filter));
		return 0;
	}
	return -ENOPROTOOPT;
}
